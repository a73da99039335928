"""Seeds as paper 5 seeks them: the centres of clusters of pixels (lesson 07_watershed)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from cellkit import checks


class Elbow(NamedTuple):
    """The number of clusters where more of them stop paying, and the curve that says so."""

    k: int
    ks: np.ndarray
    sse: np.ndarray


def elbow(mask: np.ndarray, ks: Sequence[int] | None = None, seed: int = 0) -> Elbow:
    """Choose the number of clusters as paper 5 does, by the bend in the curve of errors.

    For each k, k-means gives a sum of squared distances from pixel to cluster centre (SSE).  It
    always falls with k; the elbow is the point of the curve that lies farthest from the straight
    line between its ends, both axes scaled to [0, 1].

    Parameters
    ----------
    mask : ndarray (H, W)
        A mask, or a probability in [0, 1], of which what is above 0.5 counts.
    ks : sequence of int
        Which k to try; by default 20 from 1 to a 50th of the foreground pixels (at most 1000),
        evenly spaced.
    seed : int

    Returns
    -------
    Elbow
        ``k``; ``ks`` and ``sse``, the curve, in pixels².

    Notes
    -----
    At most 20,000 random pixels of the mask take part; the SSE is scaled up to all of them.
    """
    mask = checks.probability("the mask", mask) > 0.5
    if ks is None:
        largest = min(1 + np.count_nonzero(mask) // 50, 1000)
        ks = np.unique(np.linspace(1, largest, 20, dtype=int))
    ks = np.asarray(ks)
    if ks.ndim != 1 or not ks.size or ks.dtype.kind not in "iu" or ks.min() < 1:
        raise ValueError(f"ks is {ks.tolist()}, expected a row of whole numbers, at least 1 each, "
                         "e.g. (5, 10, 20); leave it out to try 20 of them.")
    points, scale = foreground_points(mask, ks.max(), seed)
    sse = np.array([kmeans(points, k, seed)[1] for k in ks]) * scale
    x, y = ((v - v.min()) / max(np.ptp(v), 1e-12) for v in (ks, sse))
    below = 1 - x - y  # the chord runs from (0, 1) to (1, 0)
    return Elbow(int(ks[np.argmax(below)]), ks, sse)


def foreground_points(mask: np.ndarray, k: int, seed: int, limit: int = 20_000):
    """Foreground pixels (n, 2), random ones if there are many, and how many each stands for."""
    points = np.argwhere(mask).astype(float)
    if not len(points):
        raise ValueError("the mask has no foreground pixel, expected some to cluster; "
                         "lower the threshold.")
    if k > len(points):
        raise ValueError(f"k is {k}, but there are only {len(points)} foreground pixels, expected "
                         "at most one cluster a pixel; give a smaller k.")
    number = min(len(points), max(limit, k))
    picked = np.random.default_rng(seed).choice(len(points), number, replace=False)
    return points[picked], len(points) / number


def kmeans(points: np.ndarray, k: int, seed: int, rounds: int = 30) -> tuple[np.ndarray, float]:
    """Lloyd's k-means: centres (k, 2) and the sum of squared distances to them."""
    # With trees, and random pixels to begin with: scipy's k-means++ takes k² times the pixels, and
    # an elbow of up to 1000 centres minutes instead of seconds.
    centres = points[np.random.default_rng(seed).choice(len(points), k, replace=False)]
    for _ in range(rounds):
        distance, owner = cKDTree(centres).query(points)
        number = np.bincount(owner, minlength=k)[:, None]
        total = np.stack([np.bincount(owner, axis, minlength=k) for axis in points.T], axis=1)
        moved = np.where(number > 0, total / np.maximum(number, 1), centres)
        still, centres = np.allclose(moved, centres, atol=0.01), moved
        if still:
            break
    return centres, float(np.sum(cKDTree(centres).query(points)[0] ** 2))
