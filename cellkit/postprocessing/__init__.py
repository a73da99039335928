"""From maps to labels: which pixel belongs to which cell.

The mask says where there are cells, not how many.  Each method here finds *seeds*, one a cell,
and lets them grow over the mask; they differ in where the seeds come from.

(The module is not called ``instances``: ``cellkit.instances`` is the function.)
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage import feature, morphology, segmentation
from tqdm.auto import tqdm

from cellkit.annotations import relabel
from cellkit.metrics import average_precision
from cellkit.metrics.objects import check_labels
from cellkit.metrics.pairs import _image
from cellkit.postprocessing.flows import follow_flows, largest_pieces


class Elbow(NamedTuple):
    """The number of clusters where more of them stop paying, and the curve that says so."""

    k: int
    ks: np.ndarray
    sse: np.ndarray


class Tuned(NamedTuple):
    """The best parameters, what they score, and everything that was tried."""

    params: dict
    score: float
    tried: list[tuple[dict, float]]


class Detections(NamedTuple):
    """Objects found in one image, each in its own box (see :class:`cellkit.MaskRCNN`).

    ``boxes``: float (n, 4), left, top, right, bottom in pixels; ``scores``: float (n,), from 0 to
    1; ``masks``: float (n, m, m), the probability of each piece of the box to be object, whatever
    the box's size; ``shape``: (H, W) of the image.
    """

    boxes: np.ndarray
    scores: np.ndarray
    masks: np.ndarray
    shape: tuple[int, int]

    def take(self, which) -> Detections:
        """Some of them, by index or bool."""
        return self._replace(boxes=self.boxes[which], scores=self.scores[which],
                             masks=self.masks[which])


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
    smoothing : float, pixels (watershed: default 1, distance: default 1.5)
        Standard deviation of the Gaussian that takes false peaks off the distance map.
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

    Returns
    -------
    ndarray, int32, (H, W)
        0 is background; cells are 1, 2, ... without gaps, each of at least ``min_size`` pixels,
        connected by sides, without holes: background that one single cell encloses is that
        cell's.  A piece of the mask without a seed is one cell, so no foreground is lost for want
        of a peak.  Without foreground there are no cells.

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
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(METHODS)}; "
                         "'watershed' needs nothing but a mask.")
    find = METHODS[method]
    _check_parameters(find, method, params | {"threshold": threshold, "min_size": min_size})
    maps = _read(maps, method)
    mask = maps["foreground"]
    mask = _clean(mask if mask.dtype == bool else mask > threshold, min_size)
    labels = find(maps, mask, **params)
    unseeded = mask & (labels == 0)
    if unseeded.any():
        labels = np.where(unseeded, ndimage.label(unseeded)[0] + labels.max(), labels)
    return _tidy(labels, min_size)


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
    mask = _read_map(mask, "foreground") > 0.5
    if ks is None:
        largest = min(1 + np.count_nonzero(mask) // 50, 1000)
        ks = np.unique(np.linspace(1, largest, 20, dtype=int))
    ks = np.asarray(ks)
    if ks.ndim != 1 or not ks.size or ks.dtype.kind not in "iu" or ks.min() < 1:
        raise ValueError(f"ks is {ks.tolist()}, expected a row of whole numbers, at least 1 each, "
                         "e.g. (5, 10, 20); leave it out to try 20 of them.")
    points, scale = _points(mask, ks.max(), seed)
    sse = np.array([_kmeans(points, k, seed)[1] for k in ks]) * scale
    x, y = ((v - v.min()) / max(np.ptp(v), 1e-12) for v in (ks, sse))
    below = 1 - x - y  # the chord runs from (0, 1) to (1, 0)
    return Elbow(int(ks[np.argmax(below)]), ks, sse)


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
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(METHODS)}.")
    maps, truth = list(maps), list(truth)
    grid = GRIDS[method] if grid is None else grid
    for name, values in grid.items():
        if np.ndim(values) != 1 or not len(values):
            raise ValueError(f"the grid has {name!r}: {values!r}, expected a row of values, at "
                             f"least one; a single one is written {{{name!r}: (0.5,)}}.")
    choices = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    tried = []
    for params in tqdm(choices, desc=f"tuning {method}", leave=False, disable=not progress):
        labels = [instances(image, method, **params) for image in maps]
        tried.append((params, float(average_precision(truth, labels).mean())))
    params, score = max(tried, key=lambda one: one[1])
    return Tuned(params, score, tried)


# ---------------------------------------------------------------- from detections to a picture


def paste(found: Detections, k: int) -> tuple[tuple[slice, slice], np.ndarray]:
    """Where detection ``k`` lies in the image, and its probabilities there.

    Returns
    -------
    window : (slice, slice)
    probability : ndarray, float32
        The mask stretched to its box, bilinear, as torchvision does it.
    """
    side = found.masks.shape[-1]
    left, top, right, bottom = found.boxes[k]
    # One row of zeros around the mask, so that it fades out at the box's edge.
    more = (side + 2) / side / 2
    x, y, dx, dy = ((left + right) / 2, (top + bottom) / 2,
                    (right - left) * more, (bottom - top) * more)
    window, mixed = [], np.pad(found.masks[k].astype(np.float32), 1)
    for low, high, limit in ((y - dy, y + dy, found.shape[0]), (x - dx, x + dx, found.shape[1])):
        start, stop = int(low), int(high) + 1
        at = (np.arange(max(start, 0), min(stop, limit)) - start + 0.5) * (side + 2)
        at = np.clip(at / (stop - start) - 0.5, 0, side + 1)
        weights = np.clip(1 - abs(at[:, None] - np.arange(side + 2)), 0, None)
        window.append(slice(max(start, 0), max(start, 0) + len(at)))
        mixed = (weights.astype(np.float32) @ mixed).T
    return tuple(window), mixed


def merge_labels(found: Detections, min_score: float = 0.5, threshold: float = 0.5,
                 min_size: int = 1, own: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """A label map of detections: each pixel goes to its best mask (lesson 06_mask_rcnn).

    Parameters
    ----------
    found : Detections
    min_score : float in [0, 1]
        Detections with a lower score are left out.
    threshold : float in [0, 1]
        A pixel is in a mask whose probability there is above it.  In several it goes to the one
        with the highest probability times score.
    min_size : int, pixels
        Objects that are left with less are dropped.
    own : float in [0, 1]
        Detections are dropped, too, if less than this share of their mask is outside the masks of
        higher score: a second look at the same object, which the boxes' overlap did not tell.

    Returns
    -------
    labels : ndarray, int32, (H, W)
        0 is background; objects are 1, 2, ... by falling score.  Background that one single
        object encloses is that object's.
    scores : ndarray, float32, (objects,)
        For :func:`cellkit.metrics.coco_average_precision`.
    """
    found = found.take(np.argsort(-found.scores, kind="stable"))
    labels, best = np.zeros(found.shape, np.int32), np.zeros(found.shape, np.float32)
    for k in np.flatnonzero(found.scores >= min_score):
        window, probability = paste(found, k)
        mask = probability > threshold
        if (mask & (labels[window] == 0)).sum() < own * mask.sum():
            continue
        sure = probability * found.scores[k]
        wins = mask & (sure > best[window])
        labels[window][wins], best[window][wins] = k + 1, sure[wins]
    labels, kept = _large_and_filled(labels, min_size, len(found.scores))
    return labels, found.scores[kept[1:]].astype(np.float32)


def merge_foreground(found: Detections, min_score: float = 0.5) -> np.ndarray:
    """A foreground map of detections: at each pixel the highest probability of all masks.

    Returns
    -------
    ndarray, float32, (H, W)
        From 0 to 1; the masks of detections that score at least ``min_score``.
    """
    foreground = np.zeros(found.shape, np.float32)
    for k in np.flatnonzero(found.scores >= min_score):
        window, probability = paste(found, k)
        np.maximum(foreground[window], probability, out=foreground[window])
    return foreground


def merge_paper2(found: Detections, overlap: float = 0.5, min_side: float = 4) -> np.ndarray:
    """The mask that paper 2 makes of detections.

    Boxes that score below 0.4, are small, or overlap a better one are dropped; probabilities
    below 0.3 become 0; what is left of all masks is added up; above 0.9 is foreground.

    Parameters
    ----------
    found : Detections
    overlap : float
        The largest intersection over union of two boxes (ours; the paper gives none).
    min_side : float, pixels
        Boxes with a shorter side are small (ours; the paper gives none).

    Returns
    -------
    ndarray, bool, (H, W)

    References
    ----------
    Paper 2, section 5.2.
    """
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    found = found.take((found.scores >= 0.4) & (sides >= min_side).all(1))
    found = found.take(suppress(found.boxes, found.scores, overlap))
    total = np.zeros(found.shape, np.float32)
    for k in range(len(found.scores)):
        window, probability = paste(found, k)
        total[window] += np.where(probability < 0.3, 0, probability)
    return total > 0.9


def suppress(boxes: np.ndarray, scores: np.ndarray, overlap: float = 0.5) -> np.ndarray:
    """Non-maximum suppression (lesson 06_mask_rcnn builds it): which boxes stay, best first.

    A box is dropped if its intersection over union with a better one that stays is above
    ``overlap``.
    """
    waiting, stay = np.argsort(-scores, kind="stable"), []
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        stay.append(best)
        waiting = waiting[box_iou(boxes[best : best + 1], boxes[waiting])[0] <= overlap]
    return np.array(stay, int)


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (n, 4) with boxes (m, 4): (n, m); empty boxes share 0."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1] - both
    return both / np.where(union > 0, union, 1)


def agree(views: Sequence[Detections]) -> Detections:
    """One opinion of several looks at an image, turned or flipped, say.

    Objects are those of all looks, doubles suppressed; a score is the mean over the looks, where
    one that did not see the object counts 0; box and mask are those of the surest look.
    """
    everything = Detections(*(np.concatenate(part) for part in
                              zip(*[view[:3] for view in views], strict=True)), views[0].shape)
    found = everything.take(suppress(everything.boxes, everything.scores))
    support = np.zeros(len(found.scores), np.float32)
    for view in views:
        if len(view.scores):
            same = np.where(box_iou(found.boxes, view.boxes) > 0.5, view.scores, 0)
            support += same.max(1) / len(views)
    return found._replace(scores=support)


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
    mask = _read_map(foreground, "foreground")
    labels = check_labels(_image(labels, "labels"), "labels")
    if mask.shape != labels.shape:
        raise ValueError(f"labels have shape {labels.shape} and the foreground {mask.shape}, "
                         "expected the same; take both from one image.")
    labels = relabel(labels)[1]
    mask = _clean(mask if mask.dtype == bool else mask > threshold, min_size)
    grown = _flood(-_depth(mask), np.where(mask, labels, 0), mask)
    unseeded = ndimage.label(mask & (grown == 0))[0]
    return _tidy(np.where(unseeded > 0, unseeded + labels.max(), grown), min_size)


# ---------------------------------------------------------------- one function a method


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
    points, _ = _points(mask, k, seed)
    centres, _ = _kmeans(points, k, seed)
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


def _flow(maps, mask):
    cells = follow_flows(np.stack([maps["flow_y"], maps["flow_x"]]), mask)
    return _flood(np.zeros(mask.shape), largest_pieces(cells), mask)


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
    "flow": {"threshold": (0.3, 0.4, 0.5, 0.6, 0.7), "min_size": (16, 40, 80)},
}


# ---------------------------------------------------------------- the steps they share


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
    peaks = feature.peak_local_max(np.where(mask, height, 0), min_distance=peak_distance,
                                   threshold_abs=0, exclude_border=False)
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return seeds


def _h_maxima(height: np.ndarray, mask: np.ndarray, h: float) -> np.ndarray:
    sides = ndimage.generate_binary_structure(2, 1)  # neighbours as everywhere here, no corners
    lowered = morphology.reconstruction(height - h, height, footprint=sides)
    return ndimage.label(morphology.local_maxima(lowered, footprint=sides) & mask)[0]


def _flood(landscape, seeds, mask):
    return segmentation.watershed(landscape, seeds, mask=mask)


def _clean(mask: np.ndarray, min_size: int) -> np.ndarray:
    """Without specks, and without holes of their size (which may hide in a cell's distances)."""
    for kind in (True, False):
        pieces, number = ndimage.label(mask == kind)
        small = np.bincount(pieces.ravel(), minlength=number + 1) < min_size
        small[0] = False
        if small.any():
            mask = mask ^ small[pieces]
    return mask


def _tidy(labels: np.ndarray, min_size: int) -> np.ndarray:
    return _large_and_filled(labels, min_size)[0]


def _large_and_filled(labels, min_size, number=0) -> tuple[np.ndarray, np.ndarray]:
    """Fill each cell's holes, drop small cells, number the rest without gaps; and who is left."""
    labels = _fill_holes(labels)
    size = np.bincount(labels.ravel(), minlength=number + 1)
    kept = size >= max(min_size, 1)
    kept[0] = False
    labels = np.where(kept, np.cumsum(kept), 0).astype(np.int32)[labels]
    if size[1:][~kept[1:]].any():  # what was dropped may have been all that parted a hole
        labels = _fill_holes(labels)
    return labels, kept


def _fill_holes(labels: np.ndarray) -> np.ndarray:
    """Give background that one single cell encloses to that cell."""
    pieces, number = ndimage.label(labels == 0)
    inner = np.ones(number + 1, bool)
    inner[0] = False
    for edge in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]):
        inner[edge] = False
    if not inner.any():
        return labels
    y, x = np.nonzero(inner[pieces])
    piece = pieces[y, x]
    lowest, highest = np.full(number + 1, labels.max() + 1), np.zeros(number + 1, labels.dtype)
    for near in (labels[y - 1, x], labels[y + 1, x], labels[y, x - 1], labels[y, x + 1]):
        np.minimum.at(lowest, piece[near > 0], near[near > 0])
        np.maximum.at(highest, piece, near)
    labels = labels.copy()
    labels[y, x] = np.where(lowest == highest, highest, 0)[piece]
    return labels


def _points(mask: np.ndarray, k: int, seed: int, limit: int = 20_000):
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


def _kmeans(points: np.ndarray, k: int, seed: int, rounds: int = 30) -> tuple[np.ndarray, float]:
    """Lloyd's k-means: centres (k, 2) and the sum of squared distances to them."""
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


# ---------------------------------------------------------------- what goes in


def _whole(value) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _number(value) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


_SHARE = (lambda v: _number(v) and 0 <= v <= 1, "a number in [0, 1]")
_RULES = {
    "threshold": _SHARE,
    "seed_threshold": _SHARE,
    "min_size": (lambda v: _whole(v) and v >= 0, "a whole number of pixels, 0 or more"),
    "smoothing": (lambda v: _number(v) and 0 <= v < np.inf, "0 or more pixels"),
    "peak_distance": (lambda v: _whole(v) and v >= 1, "a whole number of pixels, at least 1"),
    "h": (lambda v: v is None or _number(v) and 0 < v < np.inf, "None or a number above 0"),
    "k": (lambda v: v is None or _whole(v) and v >= 1, "None or a whole number, at least 1"),
    "seed": (lambda v: _whole(v) and v >= 0, "a whole number, 0 or more"),
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
        fits, expected = _RULES[name]
        if not fits(value):
            raise ValueError(f"{name} is {value!r}, expected {expected}; see help(ck.instances).")


def _read(maps, method: str) -> dict[str, np.ndarray]:
    needed = ("foreground", *NEEDS.get(method, ()))
    found = dict(maps) if isinstance(maps, Mapping) else {"foreground": maps}
    for name in needed:
        if name not in found:
            raise ValueError(
                f"found the maps {', '.join(found) or 'none'}, but method {method!r} needs "
                f"{name!r} as well; give ck.predict(net, image, all=True) of a network that has it."
            )
    found = {name: _read_map(found[name], name) for name in needed}
    shapes = {name: array.shape for name, array in found.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"the maps differ in shape, {shapes}, expected the same; "
                         "take them from one prediction.")
    return found


def _read_map(values, name: str) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "buif":
        raise TypeError(f"the {name} map is {type(values).__name__}, expected an array (H, W); "
                        "give the prediction for one image.")
    if array.ndim != 2 or not array.size:
        raise ValueError(f"the {name} map has shape {array.shape}, expected (H, W), at least 1x1; "
                         "give one image at a time.")
    if name in NEEDS["flow"]:
        if not abs(array).max() <= 1:
            raise ValueError(
                f"the {name} map has values from {array.min():g} to {array.max():g}, expected "
                "[-1, 1] without NaN; give what ck.predict(net, image, all=True) says."
            )
        return array.astype(np.float32)
    if array.dtype.kind in "ui":
        if array.min() < 0 or array.max() > 1:
            raise ValueError(
                f"the {name} map has whole numbers from {array.min()} to {array.max()}, expected "
                "a mask (bool) or probabilities in [0, 1]; give labels > 0 for a mask."
            )
        return array > 0
    if array.dtype != bool and not (array.min() >= 0 and array.max() <= 1):  # False for NaN too
        raise ValueError(
            f"the {name} map has values from {array.min():g} to {array.max():g}, expected [0, 1] "
            "without NaN; put logits through a sigmoid first."
        )
    return array
