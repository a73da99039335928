"""Parameters of :func:`cellkit.instances`, chosen on training images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from cellkit import checks
from cellkit.metrics import average_precision
from cellkit.postprocessing.watershed import METHODS, separate

#: What :func:`tune_instances` tries unless told otherwise.
GRIDS = {
    "components": {"threshold": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8), "min_size": (16, 40, 80)},
    "watershed": {"threshold": (0.4, 0.5, 0.6), "smoothing": (1, 2, 3),
                  "peak_distance": (3, 5, 8, 12), "min_size": (16, 40)},
    "kmeans": {"threshold": (0.4, 0.5, 0.6)},
    "border": {"threshold": (0.4, 0.5, 0.6), "seed_threshold": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
               "min_size": (16, 40)},
    "distance": {"threshold": (0.4, 0.5, 0.6), "smoothing": (1, 1.5, 2),
                 "seed_threshold": (0.1, 0.3, 0.5), "h": (None, 0.05, 0.1, 0.15),
                 "min_size": (16, 40)},
    "flow": {"threshold": (0.4, 0.5, 0.6), "smoothing": (0, 1, 2),
             "max_error": (0.4, 0.6, 0.8, None), "min_size": (16, 40)},
}


class Tuned(NamedTuple):
    """The best parameters, what they score, and everything that was tried."""

    params: dict
    score: float
    tried: list[tuple[dict, float]]


def tune_instances(maps: Iterable, truth: Iterable, method: str = "watershed",
                   grid: Mapping[str, Sequence] | None = None, progress: bool = True) -> Tuned:
    """Try every combination of parameters and keep the best (lesson 07_watershed).

    Give it the maps and labels of *training* images.  Parameters chosen on the images that are
    scored afterwards make any method look better than it is.

    Parameters
    ----------
    maps : iterable
        One image each, as :func:`instances` takes them.
    truth : iterable of ndarray, int, (H, W)
        The true labels, in the same order.
    method : str
    grid : dict
        Values to try for each parameter, e.g. ``{"threshold": (0.4, 0.5), "smoothing": (1, 2)}``;
        by default ``GRIDS[method]``.
    progress : bool
        Show a bar.

    Returns
    -------
    Tuned
        ``params`` for ``instances(maps, method, **params)``; their ``score``, the mean over IoU
        0.50, 0.55, ..., 0.95 of TP / (TP + FP + FN) over all images; ``tried``, all combinations
        with their scores.  Of equals the first is taken.
    """
    checks.one_of("method", method, METHODS)
    maps, truth = list(maps), list(truth)
    grid = GRIDS[method] if grid is None else grid
    for name, values in grid.items():
        if np.ndim(values) != 1 or not len(values):
            raise ValueError(f"the grid has {name!r}: {values!r}, expected a row of values, at "
                             f"least one; a single one is written {{{name!r}: (0.5,)}}.")
    choices = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    tried = []
    for params in tqdm(choices, desc=f"tuning {method}", leave=False, disable=not progress):
        labels = [separate(image, method, **params) for image in maps]
        tried.append((params, float(average_precision(truth, labels).mean())))
    params, score = max(tried, key=lambda one: one[1])
    return Tuned(params, score, tried)
