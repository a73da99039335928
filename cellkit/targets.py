"""What a network is taught to say about each pixel of a labelled image."""

from __future__ import annotations

from math import ceil, log, sqrt

import numpy as np
from scipy import linalg, ndimage
from skimage import measure

from cellkit import checks
from cellkit.annotations import boxes, outline


def border_map(labels: np.ndarray, width: int = 1) -> np.ndarray:
    """Three classes: 0 background, 1 inside of a cell, 2 its rim (lesson 07_watershed).

    The target of ``head="border"``.  The rim belongs to the cell, so ``border_map(labels) > 0``
    is the mask, and two cells that touch stand ``2 * width`` pixels apart inside.

    Parameters
    ----------
    labels : ndarray, int, (H, W)
    width : int
        In pixels, as in :func:`outline`.

    Returns
    -------
    ndarray, uint8, (H, W)
    """
    rim = outline(labels, width)
    return np.where(rim, 2, np.asarray(labels) > 0).astype(np.uint8)


def distance_map(labels: np.ndarray) -> np.ndarray:
    """How deep inside its cell each pixel lies, 1 at the cell's deepest (lesson 07_watershed).

    The target of ``head="distance"``: the Euclidean distance to the nearest pixel that is not
    of the same cell, divided by the cell's largest.  The picture's edge bounds no cell.

    Parameters
    ----------
    labels : ndarray, int, (H, W)

    Returns
    -------
    ndarray, float32, (H, W)
        In [0, 1]; 0 is background.
    """
    labels = checks.labels("labels", labels)
    depth = np.zeros(labels.shape, np.float32)
    for k, box in boxes(labels, pad=1):
        cell = labels[box] == k
        # Without a pixel that is not of the cell there is no distance to one.
        distance = np.ones(cell.shape) if cell.all() else ndimage.distance_transform_edt(cell)
        depth[box][cell] = (distance / distance.max())[cell]
    return depth


def flow_map(labels: np.ndarray) -> np.ndarray:
    """Which way to walk from each pixel to the middle of its cell (lesson 07_watershed).

    Half of the target of ``head="flow"``.  Warmth enters each cell at one pixel, its middle, and
    leaves at its outline, for ever; the flow points where it grows warmer.  In a bent cell or
    in a ring that way leads along the cell and never across the background.

    Parameters
    ----------
    labels : ndarray, int, (H, W)

    Returns
    -------
    ndarray, float32, (2, H, W)
        Steps down and to the right, of length 1 together; 0 in the background, and where a cell
        is equally warm on both sides: at its middle, mostly.

    Notes
    -----
    Stringer, Wang, Michaelos, Pachitariu, "Cellpose", Nature Methods 2021.  There each pixel
    takes the mean of its nine neighbours (itself among them, others than the cell's are cold)
    some hundred times over; here the state in which that ends is solved for.  The middle is the
    cell's pixel nearest to the mean of all its pixels.  A cell in several pieces has several.
    """
    labels = measure.label(checks.labels("labels", labels), background=0, connectivity=2)
    flow = np.zeros((2, *labels.shape), np.float32)
    for k, box in boxes(labels):
        cell = labels[box] == k
        place = np.argwhere(cell)
        middle = place[np.argmin(((place - place.mean(axis=0)) ** 2).sum(axis=1))]
        warmth = np.pad(_warmth(cell, middle), 1)
        after = np.stack([warmth[2:, 1:-1], warmth[1:-1, 2:]])[:, cell]
        before = np.stack([warmth[:-2, 1:-1], warmth[1:-1, :-2]])[:, cell]
        way = np.where(np.isclose(after, before, rtol=1e-9, atol=0), 0, after - before)
        # Far from the middle warmth is tiny, and its square would be nothing.
        way /= np.maximum(np.abs(way).max(axis=0), np.finfo(float).tiny)
        flow[:, *box][:, cell] = way / np.maximum(np.hypot(*way), 0.5)
    return flow


def _warmth(cell: np.ndarray, middle) -> np.ndarray:
    """How warm each pixel of one cell (bool) becomes; the background stays at 0."""
    if cell.shape[0] < cell.shape[1]:  # along the long side, so that neighbours' numbers are near
        return _warmth(cell.T, middle[::-1]).T
    here = np.arange(np.count_nonzero(cell))
    number = np.full(np.add(cell.shape, 2), -1)
    number[1:-1, 1:-1][cell] = here
    row, column = np.nonzero(number + 1)
    # Nine times a pixel's warmth is the sum of its own and its eight neighbours', and at the middle
    # a unit more each round: one equation a pixel, banded, the neighbour n pixels back in row n.
    back = [number[row + down, column + right]
            for down, right in ((0, -1), (-1, 1), (-1, 0), (-1, -1))]
    bands = np.zeros((1 + max(np.where(other < 0, 0, here - other).max() for other in back),
                      len(here)))
    for other in back:
        there = other >= 0
        bands[(here - other)[there], other[there]] = -1
    bands[0] = 8
    source = np.zeros(len(here))
    source[number[tuple(np.add(middle, 1))]] = 9
    warmth = np.zeros(cell.shape)
    warmth[cell] = linalg.solveh_banded(bands, source, lower=True, overwrite_ab=True,
                                        overwrite_b=True, check_finite=False)
    warmth[tuple(middle)] -= 1  # the round's own unit, before it spreads
    return warmth


def weight_map(labels: np.ndarray, w0: float = 10.0, sigma: float = 5.0) -> np.ndarray:
    """Loss weights that press on the gaps between cells, as the U-Net paper defines them.

    Every pixel weighs ``1 + w0 * exp(-(d1 + d2)² / (2 sigma²))``, where d1 and d2 are its
    distances to the nearest and the second nearest cell (0 within a cell).

    Parameters
    ----------
    labels : ndarray, int, (H, W)
    w0 : float, at least 0
        The weight where two cells meet.
    sigma : float, pixels, above 0
        How fast it falls off.

    Returns
    -------
    ndarray, float32, (H, W)
        In [1, 1 + w0], within 1e-4 of the formula.

    Notes
    -----
    Ronneberger, Fischer, Brox, "U-Net", MICCAI 2015, equation 2, with class weight 1.  The paper
    first draws a line of background between touching cells; LIVECell has none, so the weight
    counts within cells too.  ``np.where(labels == 0, weight_map(labels), 1)`` keeps it to the
    background.  A cell counts only as far as its term exceeds 1e-5, which is what makes it fast.
    """
    labels = checks.labels("labels", labels)
    checks.number("w0", w0, "0 or more", lambda v: v >= 0)
    checks.number("sigma", sigma, "a number of pixels above 0", lambda v: v > 0)
    reach = ceil(sigma * sqrt(2 * log(max(w0, 1e-5) / 1e-5)))
    nearest = np.full(labels.shape, np.inf, np.float32)
    second = np.full(labels.shape, np.inf, np.float32)
    for k, box in boxes(labels, pad=reach):
        away = ndimage.distance_transform_edt(labels[box] != k).astype(np.float32)
        second[box] = np.minimum(second[box], np.maximum(nearest[box], away))
        nearest[box] = np.minimum(nearest[box], away)
    return (1 + w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma**2))).astype(np.float32)
