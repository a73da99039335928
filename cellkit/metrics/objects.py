"""How well two label maps agree, object by object.

Everything here is counted from one sparse table of overlaps, a row for each pair of objects that
share pixels.  ``truth`` and ``pred`` are labels (H, W), a stack (N, H, W) or an iterable of labels
(H, W), see :func:`overlap_table`.  Rows of images pool their counts: every object weighs the same,
wherever it is (:func:`dsb2018_score` is the exception, as its contest wanted it).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cellkit import checks
from cellkit.metrics.overlaps import Overlap, overlap_table, tables

THRESHOLDS = tuple(k / 20 for k in range(10, 20))  # IoU 0.50, 0.55, ..., 0.95


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

    The thresholds are IoU 0.50, 0.55, ..., 1.00 (equations 4 and 5); counts are pooled over images
    (the paper does not say how it averages).  It is neither of the usual
    average precisions: misses are in no term of it, so a method that finds three easy cells of
    a hundred beats one that finds all hundred a little less well.  Print
    :func:`average_precision` beside it.

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


def _fraction(threshold: float) -> Fraction:
    checks.number("the IoU threshold", threshold, "a number above 0 and at most 1; 0.5 is the "
                  "usual choice", lambda t: 0 < t <= 1)
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
