"""average_precision: write a function (lesson 06_mask_rcnn)."""

from __future__ import annotations

import numpy as np

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_06 import LESSON


def average_precision(iou, threshold):
    """TP / (TP + FP + FN); 1 if there is nothing to find and nothing was found."""
    hits = int((iou >= threshold).sum())
    true, found = iou.shape
    total = true + found - hits
    return hits / total if total else 1.0


def _hits(iou, threshold):
    return int((iou >= threshold).sum()), *iou.shape


def _ap_precision(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return hits / found if found else float(true == 0)


def _ap_recall(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return hits / true if true else float(found == 0)


def _ap_f1(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return 2 * hits / (true + found) if true + found else 1.0


def _ap_strict(iou, threshold):
    hits = int((iou > threshold).sum())
    total = sum(iou.shape) - hits
    return hits / total if total else 1.0


def _ap_unguarded(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return hits / (true + found - hits)


def _ap_empty_is_zero(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return hits / (true + found - hits) if true + found else 0.0


def _ap_hits_twice(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return hits / (true + found) if true + found else 1.0


def _ap_any_overlap(iou, threshold):
    return average_precision(iou, 1e-9)


def _ap_mean_of_hits(iou, threshold):
    return float(iou[iou >= threshold].mean()) if (iou >= threshold).any() else 0.0


def _ap_any_empty_is_one(iou, threshold):
    return average_precision(iou, threshold) if iou.size else 1.0


def _ap_counts(iou, threshold):
    return _hits(iou, threshold)[0]


def _ap_always_half(iou, threshold):
    return average_precision(iou, 0.5)


def _ap_below(iou, threshold):
    hits = int((iou < threshold).sum())
    total = sum(iou.shape) - hits
    return hits / total if total else 1.0


def _ap_larger_side(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return hits / max(true, found) if true + found else 1.0


def _ap_share_of_pairs(iou, threshold):
    return float((iou >= threshold).mean()) if iou.size else float(max(iou.shape) == 0)


def _ap_all_counted(iou, threshold):
    hits = int((iou >= threshold).sum())
    total = hits + sum(iou.shape)
    return hits / total if total else 1.0


def _ap_sum_of_hits(iou, threshold):
    hit = iou >= threshold
    total = sum(iou.shape) - hit.sum()
    return float(iou[hit].sum() / total) if total else 1.0


def _ap_cases():
    def case(asks, about, rows, threshold, shape=None):
        iou = np.array(rows, float).reshape(shape or np.shape(rows))
        return Case(asks, about, (iou, threshold))

    five = np.zeros((5, 6))
    five[[0, 1, 2, 3], [1, 0, 2, 4]] = 0.9, 0.8, 0.72, 0.55
    five[3, 3], five[4, 5] = 0.3, 0.45
    return [
        case("formula", "one cell, found", [[0.8]], 0.6),
        case("formula", "one cell, found badly", [[0.3]], 0.6),
        case("empty", "one cell, nothing found", [], 0.6, (1, 0)),
        case("empty", "no cell, one invented", [], 0.6, (0, 1)),
        case("empty", "no cell, nothing found", [], 0.6, (0, 0)),
        case("formula", "one found of two", [[0.75, 0.0], [0.0, 0.3]], 0.6),
        case("formula", "one found of three, and one invented",
             [[0.0, 0.9], [0.0, 0.0], [0.2, 0.0]], 0.6),
        case("threshold", "an IoU just at the threshold", [[0.75, 0.0], [0.0, 0.9]], 0.75),
        Case("formula", "five cells, six predictions", (five, 0.6)),
        Case("threshold", "five cells, a lower threshold", (five, 0.52)),
    ]


EXERCISE = Exercise(
    "average_precision", LESSON, "write", points=2, minutes=7,
    answer=average_precision, cases=_ap_cases,
    asks={
        "formula": "the answer is TP / (TP + FP + FN)",
        "threshold": "a pair that reaches the threshold is a hit",
        "empty": "no true cells and no predictions give 1; if only one of the two is missing, "
                 "nothing was hit",
    },
    ladder=(
        "above one half a cell has at most one partner, so a hit is simply an entry of the matrix "
        "that reaches the threshold",
        "TP is the number of such entries. FN is the rest of the rows, FP the rest of the "
        "columns. So the sum below the line is rows + columns − TP. When is it 0?",
    ),
    blanks=("true + found - hits", "iou >= threshold"),
    mistakes=(
        Mistake("formula", _ap_precision,
                "that is TP / (TP + FP): cells that nobody found count too"),
        Mistake("formula", _ap_recall, "that is TP / (TP + FN): invented cells count too"),
        Mistake("formula", _ap_f1,
                "that is the F1: it counts hits twice, above and below the line"),
        Mistake("threshold", _ap_strict,
                "an IoU equal to the threshold reaches it, so it is a hit"),
        Mistake("empty", _ap_unguarded,
                "no cells and no predictions divide zero by zero; they agree, so the answer is 1"),
        Mistake("empty", _ap_empty_is_zero,
                "nothing to find and nothing found is perfect: 1, not 0"),
        Mistake("formula", _ap_hits_twice,
                "a hit stands in the rows and in the columns, so it counts twice below the line"),
        Mistake("threshold", _ap_any_overlap, "pairs below the threshold were counted as hits"),
        Mistake("formula", _ap_mean_of_hits,
                "that is the mean IoU of the hits; count them, and what was missed or invented"),
        Mistake("empty", _ap_any_empty_is_one,
                "only one side is empty here: cells were missed, or invented, and nothing was hit"),
        Mistake("formula", _ap_counts, "that is TP alone; divide it by TP + FP + FN"),
        Mistake("threshold", _ap_always_half,
                "threshold is not used: it may be another than one half"),
        Mistake("threshold", _ap_below, "pairs below the threshold are counted; hits reach it"),
        Mistake("formula", _ap_larger_side,
                "misses and false alarms both count; the larger of the two numbers hides one"),
        Mistake("formula", _ap_share_of_pairs,
                "most pairs are of cells far apart; count cells and predictions, not pairs"),
        Mistake("formula", _ap_all_counted,
                "below the line stand the hits and all cells of both sides; cells that were hit "
                "are no misses and no false alarms"),
        Mistake("formula", _ap_sum_of_hits,
                "the hits' IoUs are added up; each hit counts as one"),
    ),
)  # fmt: skip
