"""From flows to cells: pixels that walk to the same place are one cell."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage import measure

from cellkit.targets import flow_map

#: How many steps of up to a pixel are walked one by one; walks are then joined end to end.
STEPS = 16
JOINS = 5  # 16 * 2**5 = 512 steps, as far as a picture is wide
#: A pixel where no more walks end than STRAY is no place, nor are pixels side by side where fewer
#: than CROWD end.
STRAY, CROWD = 2, 10


def follow_flows(flow: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Let every pixel walk where the flow points, and number the places where walks end.

    Parameters
    ----------
    flow : ndarray, float, (2, H, W)
        Steps down and to the right, see :func:`cellkit.targets.flow_map`; any length.
    mask : ndarray, bool, (H, W)
        Only these pixels walk, and only within the mask.

    Returns
    -------
    ndarray, int32, (H, W)
        0 is background, and so are walks that end where hardly any other does.

    Notes
    -----
    Stringer, Wang, Michaelos, Pachitariu, "Cellpose", Nature Methods 2021, walk 200 steps.  Here
    a walk that ends at a pixel goes on as the walk that begins there, which doubles its length.
    """
    end = _ends(np.asarray(flow, np.float32), mask)
    arrived = np.bincount(end, minlength=mask.size).reshape(mask.shape)
    # Around a cell's middle walks go to and fro: ends side by side are one place.
    places, number = ndimage.label(arrived > STRAY, np.ones((3, 3)))
    crowded = np.bincount(places.ravel(), arrived.ravel(), number + 1) >= CROWD
    crowded[0] = False
    places = np.where(crowded, np.cumsum(crowded), 0).astype(np.int32)[places]
    labels = np.zeros(mask.shape, np.int32)
    labels[mask] = places.ravel()[end]
    return labels


def largest_pieces(labels: np.ndarray) -> np.ndarray:
    """Of each cell only its largest piece, the first of equals; pieces hang together by sides."""
    pieces = measure.label(labels, background=0, connectivity=1)
    cell = np.zeros(pieces.max() + 1, int)
    cell[pieces] = labels
    largest = np.zeros(labels.max() + 1, int)
    for piece in np.argsort(-np.bincount(pieces.ravel()), kind="stable")[::-1]:
        largest[cell[piece]] = piece  # the last one written stays
    return np.where(pieces == largest[labels], labels, 0)


def flow_errors(labels: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """By label, from 0 on: the mean squared difference of ``flow`` and the cell's own flow."""
    squares = ((flow_map(labels) - flow) ** 2).sum(axis=0)
    pixels = np.bincount(labels.ravel())
    return np.bincount(labels.ravel(), squares.ravel()) / np.maximum(pixels, 1)


def _ends(flow: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Where the walk from each pixel of the mask ends, as positions in the flattened picture."""
    height, width = mask.shape
    start = np.flatnonzero(mask)
    inside = mask.ravel()
    length = np.maximum(np.hypot(*flow), 1)  # nobody jumps
    down, right = (component.ravel() for component in flow / length)
    row, column = (axis.astype(np.float32) for axis in np.divmod(start, width))
    here = start
    for _ in range(STEPS):
        to_row = np.clip(row + down[here], 0, height - 1)
        to_column = np.clip(column + right[here], 0, width - 1)
        there = (to_row + 0.5).astype(np.intp) * width + (to_column + 0.5).astype(np.intp)
        free = inside[there]
        row, column = np.where(free, to_row, row), np.where(free, to_column, column)
        here = np.where(free, there, here)
    walk = np.arange(mask.size)
    walk[start] = here
    for _ in range(JOINS):
        walk = walk[walk]
    return walk[start]
