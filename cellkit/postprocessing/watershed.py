"""From maps to labels: which pixel belongs to which cell (lesson 07_watershed).

The mask says where there are cells, not how many.  Each method here finds *seeds*, one a cell,
and lets them grow over the mask; they differ in where the seeds come from.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from functools import partial

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage import feature, morphology, segmentation

from cellkit import checks
from cellkit.annotations import relabel
from cellkit.postprocessing.clusters import elbow, foreground_points, kmeans
from cellkit.postprocessing.flows import flow_errors, follow_flows, largest_pieces
from cellkit.postprocessing.regions import clean_labels, clean_mask


def instances(maps, method: str = "watershed", *, threshold: float = 0.5, min_size: int = 16,
              **params) -> np.ndarray:
    """Number the cells (lesson 07_watershed builds the first three methods by hand).

    Parameters
    ----------
    maps : ndarray (H, W), or dict of them
        A mask (bool), a foreground probability in [0, 1], or the named maps that
        ``ck.predict(net, image, all=True)`` gives: "foreground" always, with "border" for
        ``method="border"``, "distance" for ``method="distance"``, and "flow_y" and "flow_x" for
        ``method="flow"``.
    method : {"watershed", "components", "kmeans", "border", "distance", "flow"}
        - "components": every connected piece of the mask is a cell.
        - "watershed": seeds are the peaks of the distance to the background.
        - "kmeans": seeds are the centres of pixel clusters (paper 5, section 4.3).
        - "border": seeds are what remains inside once the predicted border is taken away.
        - "distance": seeds are the peaks of the predicted distance map, where a pixel lies deep
          inside its own cell; with ``h=None`` all that lies deep, one connected piece each.
        - "flow": pixels that walk to the same place along the predicted flow are one cell.
    threshold : float in [0, 1]
        Foreground is probability > threshold.
    min_size : int, pixels
        Pieces of foreground and holes in it below this area are cleaned away before the seeds
        are sought, and cells below it afterwards.
    smoothing : float, pixels (watershed and flow: default 1, distance: default 1.5)
        Standard deviation of the Gaussian that takes false peaks off the distance map, and
        false middles off the flow.
    peak_distance : int, pixels (watershed; default 5)
        Two seeds are more than this many rows or columns apart.
    h : float or None (watershed: pixels, default None; distance: units of the map, default 0.1)
        Seeds are h-maxima: peaks from which one must descend by more than ``h`` to reach a higher
        one.  Replaces ``peak_distance``, and parts cores that run into each other; slower.
    seed_threshold : float in [0, 1] (border: default 0.5, distance: default 0.3)
        Seeds have at least this probability of "inside and not border", or predicted distance.
    k : int (kmeans; default None)
        Number of clusters; None finds it by :func:`elbow`.
    seed : int (kmeans; default 0)
        For the random starts.
    max_error : float or None (flow; default 0.6)
        Dropped are cells whose own flow, :func:`cellkit.targets.flow_map`, differs by more from
        the predicted one: the mean over their pixels of the squared difference, 0 to 4.  None
        keeps all.

    Returns
    -------
    ndarray, int32, (H, W)
        0 is background; cells are 1, 2, ... without gaps, each of at least ``min_size`` pixels,
        connected by sides, without holes: background that one single cell encloses is that
        cell's.  A piece of the mask without a seed is one cell, so no foreground is lost for want
        of a peak (``max_error`` alone drops some).  Without foreground there are no cells.

    Warns
    -----
    UserWarning
        A foreground probability is split by "watershed", and more than half of it is one piece of
        ten or more cells.  On four such pictures of LIVECell the network "livecell" and watershed
        find from a seventh of the cells to twice as many, AP50 0.01 to 0.22, although it was
        trained on all of them; "livecell-objects" and "flow" reached 0.17 to 0.49, trained on two.

    Raises
    ------
    ValueError, TypeError
        A map outside [0, 1], with NaN, empty or not (H, W); labels where a map is meant; a map
        that the method needs and that is not there; a parameter that the method does not have,
        or out of range; ``k`` larger than the number of foreground pixels.

    Examples
    --------
    Two round cells that touch are one piece of mask, but two peaks:

    >>> rows, columns = np.indices((20, 34))
    >>> left, right = (np.hypot(rows - 10, columns - x) < 8 for x in (10, 23))
    >>> [int(instances(left | right, method).max()) for method in ("components", "watershed")]
    [1, 2]
    """
    labels = separate(maps, method, threshold=threshold, min_size=min_size, **params)
    if method == "watershed":
        _warn_of_crowd(maps, labels)
    return labels


def separate(maps, method: str, *, threshold: float = 0.5, min_size: int = 16, **params
             ) -> np.ndarray:
    """:func:`instances`, for those who compare methods and parameters: it warns of nothing."""
    checks.one_of("method", method, METHODS)
    find = METHODS[method]
    _check_parameters(find, method, params | {"threshold": threshold, "min_size": min_size})
    maps = _read(maps, method)
    mask = maps["foreground"]
    mask = clean_mask(mask if mask.dtype == bool else mask > threshold, min_size)
    labels = _with_unseeded(find(maps, mask, **params), mask)
    return clean_labels(np.maximum(labels, 0), min_size)[0]


def grow_labels(labels: np.ndarray, foreground: np.ndarray, threshold: float = 0.5,
                min_size: int = 16) -> np.ndarray:
    """Objects from one network, outlines from another (or from the mean of several).

    Parameters
    ----------
    labels : ndarray, int, (H, W)
        Seeds: what ``ck.detect`` gives.
    foreground : ndarray (H, W)
        A probability of foreground, in which the seeds grow and beyond which they are cut off.
    threshold, min_size
        As in :func:`instances`; a piece of foreground without a seed is an object too.

    Returns
    -------
    ndarray, int32, (H, W)
    """
    mask, labels = checks.probability("the foreground", foreground), checks.labels("labels", labels)
    checks.same_shape("labels", labels.shape, "the foreground", mask.shape,
                      "take both from one image")
    labels = relabel(labels)[1]
    mask = clean_mask(mask if mask.dtype == bool else mask > threshold, min_size)
    grown = _flood(-_depth(mask), np.where(mask, labels, 0), mask)
    return clean_labels(_with_unseeded(grown, mask), min_size)[0]


# The methods: seeds, and what they grow over ----------------------------------------------------


def _components(maps, mask):
    return ndimage.label(mask)[0]


def _watershed(maps, mask, *, smoothing: float = 1.0, peak_distance: int = 5,
               h: float | None = None):
    depth = _smooth(_depth(mask), smoothing)
    seeds = _peaks(depth, mask, peak_distance) if h is None else _h_maxima(depth, mask, h)
    return _flood(-depth, seeds, mask)


def _kmeans_watershed(maps, mask, *, k: int | None = None, seed: int = 0):
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    k = elbow(mask, seed=seed).k if k is None else k
    points, _ = foreground_points(mask, k, seed)
    centres, _ = kmeans(points, k, seed)
    # The middle of a bent cell may lie outside of it.
    inside = np.argwhere(mask)
    pixels = inside[cKDTree(inside).query(centres)[1]]
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(pixels.T)] = np.arange(1, len(pixels) + 1)
    return _flood(-_depth(mask), seeds, mask)


def _border(maps, mask, *, seed_threshold: float = 0.5):
    inside = maps["foreground"].astype(np.float32) - maps["border"]
    seeds, _ = ndimage.label(mask & (inside >= seed_threshold))
    return _flood(-inside, seeds, mask)


def _distance(maps, mask, *, smoothing: float = 1.5, seed_threshold: float = 0.3,
              h: float | None = 0.1):
    # Where a network is unsure its hills are low: a low threshold keeps them, and it is h that
    # tells a hill from grain.  On LIVECell wells not trained on: AP50 0.39, with 0.5, 0.5 and
    # None 0.32.
    height = _smooth(maps["distance"].astype(np.float32), smoothing)
    core = mask & (height >= seed_threshold)
    seeds = ndimage.label(core)[0] if h is None else _h_maxima(height, core, h)
    return _flood(-height, seeds, mask)


def _flow(maps, mask, *, smoothing: float = 1.0, max_error: float | None = 0.6):
    # 0.6 was best on wells trained on.  AP50 on others, all cells pooled: 0.504, with 0.8 0.456,
    # with None 0.403.
    flow = np.stack([maps["flow_y"], maps["flow_x"]])
    cells = follow_flows([_smooth(one * mask, smoothing) for one in flow], mask)
    labels = _with_unseeded(_flood(np.zeros(mask.shape), largest_pieces(cells), mask), mask)
    if max_error is None or not mask.any():
        return labels
    return np.where(flow_errors(labels, flow) > max_error, -1, np.arange(labels.max() + 1))[labels]


METHODS = {
    "watershed": _watershed,
    "components": _components,
    "kmeans": _kmeans_watershed,
    "border": _border,
    "distance": _distance,
    "flow": _flow,
}

#: The maps that a method needs beside the foreground.
NEEDS = {"border": ("border",), "distance": ("distance",), "flow": ("flow_y", "flow_x")}


# The steps they share ----------------------------------------------------------------------------


def _with_unseeded(labels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A piece of the mask where no seed was is a cell; below 0 is what shall be none."""
    unseeded = ndimage.label(mask & (labels == 0))[0]
    return np.where(unseeded > 0, unseeded + max(labels.max(), 0), labels)


def _depth(mask: np.ndarray) -> np.ndarray:
    """Distance of each foreground pixel to the background; the picture's edge is none."""
    if mask.all():  # nothing to be distant from
        return np.ones(mask.shape, np.float32)
    # From the nearest background pixel's place: the same numbers as scipy's distances, sooner.
    down, across = ndimage.distance_transform_edt(mask, return_distances=False,
                                                  return_indices=True)
    down -= np.arange(mask.shape[0], dtype=down.dtype)[:, None]
    across -= np.arange(mask.shape[1], dtype=across.dtype)
    return np.sqrt((down * down + across * across).astype(np.float32))


def _smooth(height: np.ndarray, sigma: float) -> np.ndarray:
    return ndimage.gaussian_filter(height, sigma, mode="nearest") if sigma else height


def _peaks(height: np.ndarray, mask: np.ndarray, peak_distance: int) -> np.ndarray:
    peak_distance = min(peak_distance, max(mask.shape))  # no two pixels are farther apart
    height = np.where(mask, height, 0)
    peaks = feature.peak_local_max(height, min_distance=peak_distance,
                                   threshold_abs=0, exclude_border=False)
    # Along a ridge of one height there is a peak every few pixels: they are one seed.
    ridges, _ = ndimage.label(morphology.local_maxima(height), np.ones((3, 3)))
    ridge = ridges[tuple(peaks.T)]
    ridge = np.where(ridge > 0, ridge, -np.arange(len(peaks)))
    _, first, which = np.unique(ridge, return_index=True, return_inverse=True)
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(peaks.T)] = first[which] + 1
    return seeds


def _h_maxima(height: np.ndarray, mask: np.ndarray, h: float) -> np.ndarray:
    sides = ndimage.generate_binary_structure(2, 1)  # neighbours as everywhere here, no corners
    lowered = morphology.reconstruction(height - h, height, footprint=sides)
    return ndimage.label(morphology.local_maxima(lowered, footprint=sides) & mask)[0]


def _flood(landscape, seeds, mask):
    return segmentation.watershed(landscape, seeds, mask=mask)


def _warn_of_crowd(maps, labels: np.ndarray) -> None:
    """A mask says where cells are, not where one of many that touch ends."""
    named = isinstance(maps, Mapping)
    if np.asarray(maps["foreground"] if named else maps).dtype.kind != "f" or labels.max() < 10:
        return  # whoever gives a mask has made it, and knows
    pieces = ndimage.label(labels)[0]
    size = np.bincount(pieces.ravel())[1:]
    if size.max() <= size.sum() / 2 or len(np.unique(labels[pieces == size.argmax() + 1])) < 10:
        return
    better = next((how for how in ("flow", "distance", "border")
                   if named and all(name in maps for name in NEEDS[how])), None)
    warnings.warn(
        "more than half of the foreground is one piece of many cells that touch, and a mask does "
        "not say where one ends: their number and outlines are not to be relied on; "
        + (f"these maps say more, with method={better!r}." if better else
           "use a network that tells cells apart, e.g. maps = ck.predict(ck.load_weights("
           "'livecell-objects'), image, all=True), and ck.instances(maps, 'flow')."), stacklevel=3)


# What goes in ------------------------------------------------------------------------------------


def _share(name, value):
    checks.number(name, value, "a number in [0, 1]", lambda v: 0 <= v <= 1)


_RULES = {
    "threshold": _share,
    "seed_threshold": _share,
    "min_size": partial(checks.whole_number, least=0),
    "smoothing": lambda name, v: checks.number(name, v, "0 or more pixels", lambda v: v >= 0),
    "peak_distance": checks.whole_number,
    "h": lambda name, v: v is None or checks.number(
        name, v, "None or a number above 0", lambda v: v > 0),
    "k": lambda name, v: v is None or checks.whole_number(name, v),
    "seed": partial(checks.whole_number, least=0),
    "max_error": lambda name, v: v is None or checks.number(
        name, v, "None or a number, 0 or more", lambda v: v >= 0),
}


def _check_parameters(find, method: str, params: dict):
    known = ["threshold", "min_size", *inspect.signature(find).parameters]
    known = [name for name in known if name not in ("maps", "mask")]
    for name, value in params.items():
        if name not in known:
            raise TypeError(
                f"method {method!r} has no parameter {name!r}, expected one of "
                f"{', '.join(known)}; leave it out or choose another method."
            )
        _RULES[name](name, value)


def _read(maps, method: str) -> dict[str, np.ndarray]:
    needed = ("foreground", *NEEDS.get(method, ()))
    found = dict(maps) if isinstance(maps, Mapping) else {"foreground": maps}
    for name in needed:
        if name not in found:
            raise ValueError(
                f"found the maps {', '.join(found) or 'none'}, but method {method!r} needs "
                f"{name!r} as well; give ck.predict(net, image, all=True) of a network that has it."
            )
    read = {name: checks.direction for name in NEEDS["flow"]}
    found = {name: read.get(name, checks.probability)(f"the {name} map", found[name])
             for name in needed}
    for name in needed:
        checks.same_shape(f"the {name} map", found[name].shape, "the foreground map",
                          found["foreground"].shape, "take them from one prediction")
    return found
