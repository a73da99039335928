"""The three scores of the gland segmentation contest (GlaS, MICCAI 2015), which paper 2 uses.

Each object is compared with its *partner*: the object of the other side with which it shares most
pixels (the smallest label if two share as many), never the background, however much of that it
covers.  All three scores are taken over the objects of all images together, as the contest did,
not averaged over images.

References
----------
Sirinukunwattana et al., "Gland segmentation in colon histology images: the GlaS challenge
contest", Medical Image Analysis 35 (2017), section 4.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage

from cellkit.metrics.overlaps import Overlap, label_pairs, overlap_table, tables
from cellkit.metrics.pixels import directed_hausdorff


def object_f1(truth, pred) -> float:
    """Detection score of the GlaS contest (paper 2's object-F1).

    A prediction is a hit if it covers more than half of its partner among the true objects; the
    other predictions are false alarms, and the true objects that nobody hits are misses.  (The
    contest's page says "at least 50 %"; more than half is what its program asked, and what keeps
    two predictions from hitting one object.)

    Parameters
    ----------
    truth, pred : labels (H, W), stack (N, H, W), or iterable of labels (H, W)
        0 is background, every other number an object.  Rows of images pool their counts.

    Returns
    -------
    float
        2 TP / (2 TP + FP + FN); 1 where there is nothing to find and nothing is predicted.

    Examples
    --------
    >>> truth = np.array([[1, 1, 1, 0, 2, 2]])
    >>> object_f1(truth, np.array([[5, 5, 0, 0, 0, 6]]))  # object 1 is hit, of 2 only half is
    0.5
    """
    tp = true = predicted = 0
    for t in tables(truth, pred):
        row = _partner_rows(t.pred, t.area, len(t.pred_ids))
        row = row[row >= 0]
        tp += np.count_nonzero(2 * t.area[row] > t.truth_areas[t.truth[row]])
        true, predicted = true + len(t.truth_ids), predicted + len(t.pred_ids)
    return float(2 * tp / (true + predicted)) if true + predicted else 1.0


def object_dice(truth, pred) -> float:
    """Object Dice of the GlaS contest: how well objects cover their partners.

    The mean of two sums: over predicted objects, the Dice with their partner weighted by their
    share of all predicted pixels; and the same over true objects.  Without a partner: Dice 0.

    Parameters
    ----------
    truth, pred
        As in :func:`object_f1`; the shares are of the pixels of all images.

    Returns
    -------
    float
        From 0 to 1; 1 where there is nothing to find and nothing is predicted.

    Examples
    --------
    >>> truth = np.array([[1, 1, 1, 1]])
    >>> round(object_dice(truth, np.array([[1, 1, 1, 2]])), 6)  # ½(¾·6/7 + ¼·2/5) + ½·6/7
    0.8
    """
    sums, pixels = np.zeros(2), np.zeros(2)
    for t in tables(truth, pred):
        dice = 2 * t.area / (t.truth_areas[t.truth] + t.pred_areas[t.pred])
        for side, (own, areas) in enumerate([(t.pred, t.pred_areas), (t.truth, t.truth_areas)]):
            row = _partner_rows(own, t.area, len(areas))
            sums[side] += np.sum(areas[row >= 0] * dice[row[row >= 0]])
            pixels[side] += areas.sum()
    if not pixels.any():
        return 1.0
    return float(np.mean(sums / np.maximum(pixels, 1)))


def object_hausdorff(truth, pred) -> float:
    """Object Hausdorff distance of the GlaS contest: how far outlines stray, in pixels.

    The mean of two sums, weighted as in :func:`object_dice`, of the Hausdorff distance between
    an object and its partner.  An object that shares no pixel with the other side is compared
    with the object there that has the smallest Hausdorff distance to it.

    Parameters
    ----------
    truth, pred
        As in :func:`object_f1`.

    Returns
    -------
    float
        0 is perfect, and what two label maps without objects get.  Infinite as soon as one image
        has objects on one side only.

    Notes
    -----
    Only the pixels in the box around both objects are looked at, with a distance transform: the
    nearest pixel of an object is in its box.  Partners of objects without overlap are searched
    from the nearest box outwards; the search ends where the boxes alone are farther apart than
    the best so far.

    Examples
    --------
    >>> truth = np.array([[1, 1, 1, 1, 0, 0]])
    >>> object_hausdorff(truth, np.array([[0, 0, 1, 1, 1, 0]]))  # 2 to the left, 1 to the right
    2.0
    """
    sums, pixels = np.zeros(2), np.zeros(2)
    for one, other in label_pairs(truth, pred):
        table = overlap_table(one, other)
        distances = _object_distances(one, other, table)
        for side, areas in enumerate([table.truth_areas, table.pred_areas]):
            sums[side] += np.sum(areas * distances[side])
            pixels[side] += areas.sum()
    if not pixels.any():
        return 0.0
    return float(np.mean(sums / np.maximum(pixels, 1)))


def _partner_rows(own: np.ndarray, area: np.ndarray, number: int) -> np.ndarray:
    """For each of ``number`` objects the row of its largest overlap, −1 without any."""
    rows = np.full(number, -1)
    # Written from the worst row to the best: the last one stays.  Rows are ordered by label.
    order = np.lexsort((-np.arange(len(area)), area))
    rows[own[order]] = order
    return rows


def _object_distances(truth: np.ndarray, pred: np.ndarray, table: Overlap) -> list[np.ndarray]:
    """Hausdorff distance to the partner, for each true and for each predicted object."""
    truth = np.searchsorted(table.truth_ids, truth, side="right")  # 1, 2, ... without gaps
    pred = np.searchsorted(table.pred_ids, pred, side="right")
    boxes = [_boxes(truth), _boxes(pred)]

    @cache
    def distance(t: int, p: int) -> float:
        low = np.minimum(boxes[0][t, :, 0], boxes[1][p, :, 0])
        high = np.maximum(boxes[0][t, :, 1], boxes[1][p, :, 1])
        crop = slice(low[0], high[0]), slice(low[1], high[1])
        one, other = truth[crop] == t + 1, pred[crop] == p + 1
        return max(directed_hausdorff(one, other), directed_hausdorff(other, one))

    def from_truth(t):
        return lambda p: distance(t, p)

    def from_pred(p):
        return lambda t: distance(t, p)

    result = []
    for own, other, side, measure in [(table.truth, table.pred, 0, from_truth),
                                      (table.pred, table.truth, 1, from_pred)]:
        rows = _partner_rows(own, table.area, len(boxes[side]))
        result.append(np.array([
            measure(k)(int(other[row])) if row >= 0
            else _nearest(boxes[side][k], boxes[1 - side], measure(k))
            for k, row in enumerate(rows)
        ]))
    return result


def _boxes(labels: np.ndarray) -> np.ndarray:
    """(objects, 2 axes, start and stop)."""
    found = ndimage.find_objects(labels)
    return np.array([[(s.start, s.stop) for s in box] for box in found], int).reshape(-1, 2, 2)


def _nearest(box: np.ndarray, others: np.ndarray, distance) -> float:
    """The smallest Hausdorff distance to any other object; infinite if there is none."""
    # Each side of a box holds a pixel of its object, so no Hausdorff distance is below the
    # largest difference between corresponding sides.
    bound = np.abs(others - box).max(axis=(1, 2)) if len(others) else np.empty(0)
    best = np.inf
    for j in np.argsort(bound):
        if bound[j] >= best:
            break
        best = min(best, distance(int(j)))
    return best
