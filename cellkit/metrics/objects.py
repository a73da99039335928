"""How well two label maps agree, object by object.

Everything here is counted from one sparse table of overlaps, a row for each pair of objects that
share pixels.  Rows of images pool their counts: every object weighs the same, wherever it is
(:func:`dsb2018_score` is the exception, as its contest wanted it).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cellkit.metrics.pairs import pair, pairs

THRESHOLDS = tuple(k / 20 for k in range(10, 20))  # IoU 0.50, 0.55, ..., 0.95


class Overlap(NamedTuple):
    """Which objects share pixels, and how many (see :func:`overlap_table`)."""

    truth_ids: np.ndarray
    pred_ids: np.ndarray
    truth_areas: np.ndarray
    pred_areas: np.ndarray
    truth: np.ndarray
    pred: np.ndarray
    area: np.ndarray

    @property
    def union(self) -> np.ndarray:
        """Pixels in one object of the pair or the other, (pairs,)."""
        return self.truth_areas[self.truth] + self.pred_areas[self.pred] - self.area


class Matching(NamedTuple):
    """Objects found, invented and missed at one IoU threshold (see :func:`matching`)."""

    threshold: float
    tp: int
    fp: int
    fn: int
    precision: float
    recall: float
    f1: float
    average_precision: float
    mean_iou: float
    panoptic_quality: float


class Counts(NamedTuple):
    """How many objects there are, how many were predicted, and the share miscounted."""

    truth: int
    pred: int
    error: float


class SplitsMerges(NamedTuple):
    """True objects broken into several predictions, and predictions made of several objects."""

    splits: int
    merges: int


def overlap_table(truth, pred) -> Overlap:
    """List the pairs of objects that share pixels in one image (lesson 07_watershed).

    Parameters
    ----------
    truth, pred : labels (H, W), whole numbers
        0 is background, every other number an object; gaps in the numbering do not matter.

    Returns
    -------
    Overlap
        ``truth_ids``, ``pred_ids``: the labels that occur, ascending; ``truth_areas``,
        ``pred_areas``: their pixels; ``truth``, ``pred``: a row for each pair that shares
        pixels, as positions in the ids; ``area``: the pixels they share; ``union``: the pixels
        in either.  Background is in none of them.

    Raises
    ------
    ValueError, TypeError
        Shapes that differ, an empty array, a mask or a map where labels are meant, negative
        labels.

    Examples
    --------
    >>> truth = np.array([[1, 1, 1, 0, 7, 7]])
    >>> pred = np.array([[0, 2, 2, 3, 3, 3]])
    >>> table = overlap_table(truth, pred)
    >>> table.truth_ids, table.truth_areas
    (array([1, 7]), array([3, 2]))
    >>> list(zip(table.truth_ids[table.truth].tolist(), table.pred_ids[table.pred].tolist(),
    ...          table.area.tolist(), table.union.tolist()))
    [(1, 2, 2, 3), (7, 3, 2, 3)]
    """
    return _overlap(*pair(truth, pred, check_labels, check_labels))


def matching(
    truth, pred, thresholds: float | Sequence[float] = 0.5, strict: bool = False
) -> Matching | list[Matching]:
    """Pair predicted objects with true ones and count hits, false alarms and misses.

    A true and a predicted object may be paired if their intersection over union reaches the
    threshold, each with one partner at most.  Above 0.5 no object can have two candidates, so
    the pairs are unique; at 0.5 and below the pairing with the most pairs is taken, and among
    those the one with the largest sum of IoU.

    Parameters
    ----------
    truth, pred : labels (H, W), stack (N, H, W), or iterable of labels (H, W)
        As in :func:`overlap_table`.  Rows of images pool their counts.
    thresholds : float or sequence of float, 0 < threshold <= 1
        Compared exactly, in whole pixels: I / U >= 0.8 is asked as 5·I >= 4·U.  For that a
        threshold is taken as the nearest fraction with a denominator of at most 1000, so that
        ``np.arange(.5, 1, .05)``, which contains 0.8000000000000003, means 0.8.
    strict : bool
        Ask for I / U > threshold, as Kaggle's DSB2018 does.

    Returns
    -------
    Matching, or list of Matching if ``thresholds`` is a sequence
        ``tp`` pairs, ``fp`` predictions and ``fn`` true objects without a partner;
        ``precision`` tp/(tp+fp), ``recall`` tp/(tp+fn), ``f1`` 2tp/(2tp+fp+fn),
        ``average_precision`` tp/(tp+fp+fn); ``mean_iou`` of the pairs; ``panoptic_quality``,
        their product ``mean_iou * f1`` (Kirillov et al., CVPR 2019).  All are 1 where there is
        nothing to find and nothing is predicted; a share of nothing is 0 otherwise.

    Examples
    --------
    Three cells: one found (IoU 3/4), two predicted as one (IoU 2/4 with each):

    >>> truth = np.array([[1, 1, 1, 1, 0, 2, 2, 3, 3]])
    >>> pred = np.array([[0, 1, 1, 1, 0, 2, 2, 2, 2]])
    >>> matching(truth, pred, 0.75)
    ... # doctest: +NORMALIZE_WHITESPACE
    Matching(threshold=0.75, tp=1, fp=1, fn=2, precision=0.5, recall=0.3333333333333333, f1=0.4,
             average_precision=0.25, mean_iou=0.75, panoptic_quality=0.3)
    >>> [m.tp for m in matching(truth, pred, [0.5, 0.75])]
    [2, 1]
    >>> [m.tp for m in matching(truth, pred, [0.5, 0.75], strict=True)]
    [1, 0]
    """
    fractions = [_fraction(t) for t in np.atleast_1d(thresholds)]
    results = _pooled(tables(truth, pred), fractions, strict)
    return results[0] if np.ndim(thresholds) == 0 else results


def matched_pairs(truth, pred, threshold: float = 0.5, strict: bool = False) -> np.ndarray:
    """The pairs that :func:`matching` counts, for one image.

    Returns
    -------
    ndarray, (tp, 2)
        The label in ``truth`` and the label in ``pred`` of each pair.

    Examples
    --------
    >>> matched_pairs(np.array([[1, 1, 0, 4]]), np.array([[0, 0, 9, 5]])).tolist()
    [[4, 5]]
    """
    table = overlap_table(truth, pred)
    hit = _match(table, _fraction(threshold), strict)
    return np.stack([table.truth_ids[table.truth[hit]], table.pred_ids[table.pred[hit]]], axis=1)


def average_precision(
    truth, pred, thresholds: float | Sequence[float] = THRESHOLDS, strict: bool = False
):
    """TP / (TP + FP + FN) at each IoU threshold, counts pooled over images (lesson 06_mask_rcnn).

    StarDist, Cellpose and the DSB2018 contest call it average precision.  It is not the area
    under a precision-recall curve (:func:`coco_average_precision` is).

    Parameters
    ----------
    truth, pred, thresholds, strict
        As in :func:`matching`; by default IoU 0.50, 0.55, ..., 0.95.

    Returns
    -------
    ndarray (thresholds,), or float for a single threshold
        1 where there is nothing to find and nothing is predicted.

    Examples
    --------
    >>> truth = np.array([[1, 1, 1, 1, 0, 2, 2, 3, 3]])
    >>> pred = np.array([[0, 1, 1, 1, 0, 2, 2, 2, 2]])
    >>> average_precision(truth, pred, [0.5, 0.75, 0.8])
    array([0.66666667, 0.25      , 0.        ])
    """
    matches = matching(truth, pred, np.atleast_1d(thresholds), strict)
    scores = np.array([m.average_precision for m in matches])
    return float(scores[0]) if np.ndim(thresholds) == 0 else scores


def panoptic_quality(truth, pred) -> float:
    """Mean IoU of the pairs with IoU > 0.5, times their F1 (Kirillov et al., CVPR 2019).

    Parameters
    ----------
    truth, pred : labels (H, W), stack (N, H, W), or iterable of labels (H, W)
        Rows of images pool their objects.

    Returns
    -------
    float
        From 0 to 1; 1 where there is nothing to find and nothing is predicted.
    """
    return matching(truth, pred, 0.5, strict=True).panoptic_quality


def dsb2018_score(truth, pred) -> float:
    """The score of the 2018 Data Science Bowl.

    TP / (TP + FP + FN), averaged over the IoU thresholds 0.50, 0.55, ..., 0.95 *and over images*;
    a pair needs an IoU strictly above the threshold (Caicedo et al., Nature Methods 2019; the
    winner had 0.632 on the second stage).

    Parameters
    ----------
    truth, pred : labels (H, W), stack (N, H, W), or iterable of labels (H, W)

    Returns
    -------
    float
        From 0 to 1; an image without objects counts 1 if nothing is predicted there.
    """
    fractions = [_fraction(t) for t in THRESHOLDS]
    images = [_pooled([table], fractions, strict=True) for table in tables(truth, pred)]
    return float(np.mean([[m.average_precision for m in image] for image in images]))


def mean_precision(truth, pred) -> float:
    """What paper 5 calls mean average precision: TP / (TP + FP), averaged over thresholds.

    The thresholds are IoU 0.50, 0.55, ..., 1.00 (equations 4 and 5).  It is neither of the usual
    average precisions: misses are in no term of it, so a method that finds three easy cells of
    a hundred beats one that finds all hundred a little less well.  Print
    :func:`average_precision` beside it.

    Parameters
    ----------
    truth, pred : labels (H, W), stack (N, H, W), or iterable of labels (H, W)
        Rows of images pool their counts (the paper does not say how it averages).

    Returns
    -------
    float
        From 0 to 1; 0 where nothing is predicted, 1 if there was nothing to find either.

    Examples
    --------
    >>> truth = np.array([[1, 1, 0, 2, 2, 0, 3, 3]])
    >>> pred = np.array([[1, 1, 0, 0, 0, 0, 0, 0]])
    >>> mean_precision(truth, pred), average_precision(truth, pred, 0.5)
    (1.0, 0.3333333333333333)
    """
    thresholds = (*THRESHOLDS, 1.0)
    return float(np.mean([m.precision for m in matching(truth, pred, thresholds)]))


def count_error(truth, pred) -> Counts:
    """Count objects, and how far the counts are off, image by image.

    Parameters
    ----------
    truth, pred : labels (H, W), stack (N, H, W), or iterable of labels (H, W)

    Returns
    -------
    Counts
        ``truth`` and ``pred``: objects in all images; ``error``: the sum over images of
        |predicted − true|, divided by the number of true objects, so that too many here and too
        few there do not cancel.  0 where nothing is wrong, infinite where all is invented.

    Examples
    --------
    >>> count_error(np.array([[1, 1, 0, 2, 2]]), np.array([[1, 1, 1, 1, 1]]))
    Counts(truth=2, pred=1, error=0.5)
    """
    counts = np.array([(len(t.truth_ids), len(t.pred_ids)) for t in tables(truth, pred)])
    (true, predicted), wrong = counts.sum(axis=0), np.abs(np.diff(counts, axis=1)).sum()
    error = wrong / true if true else (np.inf if wrong else 0.0)
    return Counts(int(true), int(predicted), float(error))


def splits_merges(truth, pred) -> SplitsMerges:
    """Count true objects that were split and predictions that merge several objects.

    A true object is split if at least two predictions have more than half of their own pixels
    in it.  A prediction is a merge if it covers more than half of at least two true objects.

    Parameters
    ----------
    truth, pred : labels (H, W), stack (N, H, W), or iterable of labels (H, W)

    Returns
    -------
    SplitsMerges
        ``splits`` (true objects) and ``merges`` (predictions), summed over images.  Swapping
        truth and prediction swaps them.

    Examples
    --------
    >>> truth = np.array([[1, 1, 1, 1, 0, 2, 2, 3, 3]])
    >>> pred = np.array([[1, 1, 4, 4, 0, 2, 2, 2, 2]])
    >>> splits_merges(truth, pred)
    SplitsMerges(splits=1, merges=1)
    """
    splits = merges = 0
    for t in tables(truth, pred):
        fragments = t.truth[2 * t.area > t.pred_areas[t.pred]]
        swallowed = t.pred[2 * t.area > t.truth_areas[t.truth]]
        splits += np.count_nonzero(np.bincount(fragments) >= 2)
        merges += np.count_nonzero(np.bincount(swallowed) >= 2)
    return SplitsMerges(int(splits), int(merges))


def tables(truth, pred) -> Iterator[Overlap]:
    """The overlap table of each image."""
    return (_overlap(t, p) for t, p in pairs(truth, pred, check_labels, check_labels))


def check_labels(array: np.ndarray, name: str) -> np.ndarray:
    """Check that ``array`` is a label map, and hand it back as int32."""
    if array.dtype == bool:
        raise TypeError(
            f"{name} is a mask (bool), expected labels: 0 for background, k for the k-th object; "
            "number its objects first, e.g. cellkit.instances(mask, method='components')."
        )
    if array.dtype.kind == "f":
        raise TypeError(
            f"{name} has dtype {array.dtype}, expected labels in whole numbers; turn a "
            "probability map into objects with cellkit.instances(prob), or whole numbers stored "
            "as float with .astype('int32')."
        )
    if array.min() < 0 or array.max() > np.iinfo(np.int32).max:
        raise ValueError(
            f"{name} has labels from {array.min()} to {array.max()}, expected 0 (background) to "
            f"{np.iinfo(np.int32).max}; set what should be ignored to 0, renumber the rest."
        )
    return array.astype(np.int32, copy=False)


def _overlap(truth: np.ndarray, pred: np.ndarray) -> Overlap:
    base = int(pred.max()) + 1
    key = np.multiply(truth, base, dtype=np.int64).ravel()  # below 2**62: labels are int32
    key += pred.ravel()
    # Labels come in runs along a row, so there is far less to sort than there are pixels.
    starts = np.append(0, np.flatnonzero(key[1:] != key[:-1]) + 1)
    lengths = np.diff(starts, append=key.size)
    key, inverse = np.unique(key[starts], return_inverse=True)
    area = np.bincount(inverse, weights=lengths).astype(np.int64)
    truth, pred = np.divmod(key, base)
    truth_ids, truth, truth_areas = _objects(truth, area)
    pred_ids, pred, pred_areas = _objects(pred, area)
    both = (truth >= 0) & (pred >= 0)
    return Overlap(truth_ids, pred_ids, truth_areas, pred_areas,
                   truth[both], pred[both], area[both])


def _objects(labels: np.ndarray, area: np.ndarray):
    """Ids without background, each row's position among them (−1 for background), and areas."""
    ids, position = np.unique(labels, return_inverse=True)
    areas = np.bincount(position, weights=area).astype(np.int64)
    background = int(ids[0] == 0)
    return ids[background:], position - background, areas[background:]


def _fraction(threshold: float) -> Fraction:
    if not (isinstance(threshold, Real) and 0 < threshold <= 1):
        raise ValueError(
            f"the IoU threshold is {threshold}, expected a number above 0 and at most 1; 0.5 is "
            "the usual choice."
        )
    return Fraction(float(threshold)).limit_denominator(1000)


def _match(table: Overlap, threshold: Fraction, strict: bool) -> np.ndarray:
    """Which rows of the table are pairs."""
    area, union = threshold.denominator * table.area, threshold.numerator * table.union
    hit = np.flatnonzero(area > union if strict else area >= union)
    if threshold > Fraction(1, 2) or (strict and threshold == Fraction(1, 2)):
        return hit
    return _assign(table, hit)


def _assign(table: Overlap, hit: np.ndarray) -> np.ndarray:
    """The largest one-to-one choice among the candidate rows, then the one of largest IoU sum."""
    truth, pred = table.truth[hit], table.pred[hit]
    rivals = (np.bincount(truth)[truth] > 1) | (np.bincount(pred)[pred] > 1)
    chosen = [hit[~rivals]]
    hit, truth, pred = hit[rivals], truth[rivals], pred[rivals]
    # Objects that compete for no partner do not touch each other's choice: solve group by group.
    n, m = len(table.truth_ids), len(table.pred_ids)
    graph = coo_array((np.ones(len(hit), bool), (truth, n + pred)), shape=(n + m, n + m))
    group = connected_components(graph, directed=False)[1][truth]
    order = np.argsort(group, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        t, i = np.unique(truth[rows], return_inverse=True)
        p, j = np.unique(pred[rows], return_inverse=True)
        iou = table.area[hit[rows]] / table.union[hit[rows]]
        gain = np.zeros((len(t), len(p)))
        gain[i, j] = 1 + iou / (2 * len(rows) + 1)  # all the IoU together outweighs no pair
        number = np.full(gain.shape, -1)
        number[i, j] = hit[rows]
        picked = number[linear_sum_assignment(gain, maximize=True)]
        chosen.append(picked[picked >= 0])
    return np.sort(np.concatenate(chosen))


def _pooled(images, thresholds: list[Fraction], strict: bool) -> list[Matching]:
    true = predicted = 0
    tp, iou = np.zeros(len(thresholds), int), np.zeros(len(thresholds))
    for table in images:
        true, predicted = true + len(table.truth_ids), predicted + len(table.pred_ids)
        each = table.area / table.union
        for k, threshold in enumerate(thresholds):
            hit = _match(table, threshold, strict)
            tp[k] += len(hit)
            iou[k] += each[hit].sum()
    return [_result(float(t), int(n), predicted - int(n), true - int(n), float(s))
            for t, n, s in zip(thresholds, tp, iou, strict=True)]


def _result(threshold: float, tp: int, fp: int, fn: int, iou: float) -> Matching:
    if tp + fp + fn == 0:
        return Matching(threshold, 0, 0, 0, *[1.0] * 6)

    def share(part, whole):
        return part / whole if whole else 0.0

    return Matching(
        threshold, tp, fp, fn,
        precision=share(tp, tp + fp),
        recall=share(tp, tp + fn),
        f1=share(2 * tp, 2 * tp + fp + fn),
        average_precision=share(tp, tp + fp + fn),
        mean_iou=share(iou, tp),
        panoptic_quality=share(2 * iou, 2 * tp + fp + fn),
    )
