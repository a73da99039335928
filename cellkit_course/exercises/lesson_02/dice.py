"""dice: write a function (lesson 02_unet_from_scratch)."""

from __future__ import annotations

import numpy as np

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_02 import LESSON


def dice(truth, pred):
    """2 |truth ∩ pred| / (|truth| + |pred|); 1 if both are empty."""
    total = truth.sum() + pred.sum()
    if total == 0:
        return 1.0
    return float(2 * (truth & pred).sum() / total)


def _dice_counted_once(truth, pred):
    total = truth.sum() + pred.sum()
    return 1.0 if total == 0 else float((truth & pred).sum() / total)


def _dice_iou(truth, pred):
    union = (truth | pred).sum()
    return 1.0 if union == 0 else float((truth & pred).sum() / union)


def _dice_of_union(truth, pred):
    total = (truth + pred).sum()
    return 1.0 if total == 0 else float(2 * (truth & pred).sum() / total)


def _dice_without_guard(truth, pred):
    return float(2 * (truth & pred).sum() / (truth.sum() + pred.sum()))


def _dice_empty_is_zero(truth, pred):
    return dice(truth, pred) if truth.any() or pred.any() else 0.0


def _dice_either_empty_is_one(truth, pred):
    return dice(truth, pred) if truth.any() and pred.any() else 1.0


def _dice_upside_down(truth, pred):
    hit = 2 * (truth & pred).sum()
    return float((truth.sum() + pred.sum()) / hit) if hit else 1.0


def _dice_percent(truth, pred):
    return 100 * dice(truth, pred)


def _dice_per_pixel(truth, pred):
    return 2.0 * (truth & pred) / max(truth.sum() + pred.sum(), 1)


def _dice_mean_of_both(truth, pred):
    if not truth.any() and not pred.any():
        return 1.0
    hit = (truth & pred).sum()
    return float(hit / max(truth.sum(), 1) + hit / max(pred.sum(), 1)) / 2


def _dice_guarded_by_much(truth, pred):
    total = truth.sum() + pred.sum() + 1e-3
    return float(2 * (truth & pred).sum() / total)


def _dice_smoothed(truth, pred):
    return float((2 * (truth & pred).sum() + 1) / (truth.sum() + pred.sum() + 1))


def _dice_accuracy(truth, pred):
    return float((truth == pred).mean())


def _dice_precision(truth, pred):
    return float((truth & pred).sum() / pred.sum()) if pred.any() else float(not truth.any())


def _dice_recall(truth, pred):
    return float((truth & pred).sum() / truth.sum()) if truth.any() else float(not pred.any())


def _dice_by_column(truth, pred):
    total = truth.sum(0) + pred.sum(0)
    hit = 2 * (truth & pred).sum(0)
    return float(np.mean(np.where(total == 0, 1.0, hit / np.maximum(total, 1))))


def _dice_rounded_down(truth, pred):
    total = truth.sum() + pred.sum()
    return 1.0 if total == 0 else float(2 * (truth & pred).sum() // total)


def _dice_in_bytes(truth, pred):
    total = truth.sum(dtype=np.uint8) + pred.sum(dtype=np.uint8)
    return 1.0 if total == 0 else float(2 * (truth & pred).sum(dtype=np.uint8) / total)


def _dice_summed_in_bytes(truth, pred):
    area, other, both = (m.sum(dtype=np.uint8) for m in (truth, pred, truth & pred))
    total = int(area) + int(other)
    return 2 * int(both) / total if total else 1.0


def _dice_of_equal_pixels(truth, pred):
    total = truth.sum() + pred.sum()
    return float(2 * (truth == pred).sum() / total) if total else 1.0


def _dice_of_rows(truth, pred):
    return float(np.mean([dice(t, p) for t, p in zip(truth, pred, strict=True)]))


def _dice_nothing_shared_is_one(truth, pred):
    return dice(truth, pred) if (truth & pred).any() else 1.0


def _dice_cases():
    def mask(*rows):
        return np.array([[c == "#" for c in row] for row in rows])

    rng = np.random.default_rng(3)
    wide = rng.random((40, 33)) < 0.6, rng.random((40, 33)) < 0.5
    return [
        Case("formula", "two masks that agree", (mask("#."), mask("#."))),
        Case("formula", "two masks that share nothing", (mask("#."), mask(".#"))),
        Case("empty", "two empty masks", (mask("..", ".."), mask("..", ".."))),
        Case("empty", "an empty truth", (mask("..", ".."), mask("#.", ".."))),
        Case("formula", "one pixel found, one missed", (mask("##", ".."), mask("#.", ".."))),
        Case("formula", "one pixel found, one false alarm", (mask("#.", ".."), mask("#.", "#."))),
        Case("formula", "half of each mask is shared",
             (mask("##..", "...."), mask(".##.", "...."))),
        Case("formula", "more found than missed", (mask("####.", "##..."), mask("###..", "###.#"))),
        Case("formula", "1320 pixels", wide),
    ]


EXERCISE = Exercise(
    "dice", LESSON, "write", points=2, minutes=6,
    answer=dice, cases=_dice_cases,
    asks={
        "formula": "twice the pixels that both masks hold, divided by the sum of both areas",
        "empty": "two empty masks agree, and the answer is 1; two, not one",
        "number": "the answer is one plain number",
    },
    ladder=(
        "count two things: the pixels that both masks hold, and the pixels of each mask alone",
        "Dice is twice the first count, divided by the sum of the two areas. When is that sum "
        "zero, and what should come out then?",
    ),
    blanks=("2 * (truth & pred).sum() / total", "total == 0"),
    mistakes=(
        Mistake("formula", _dice_counted_once,
                "the intersection is counted once; both masks hold it, so it counts twice"),
        Mistake("formula", _dice_iou,
                "that is the IoU: it divides by the union; Dice divides by the sum of both areas"),
        Mistake("formula", _dice_of_union,
                "truth + pred of two bool arrays is the union, not a sum; add the two areas"),
        Mistake("empty", _dice_without_guard,
                "two empty masks divide zero by zero; they agree, so the answer is 1"),
        Mistake("empty", _dice_empty_is_zero,
                "two empty masks agree completely, so the answer is 1, not 0"),
        Mistake("empty", _dice_either_empty_is_one,
                "only one of the masks is empty here: they share nothing, and the answer is 0"),
        Mistake("formula", _dice_upside_down, "upside down: what both share stands above the line"),
        Mistake("formula", _dice_summed_in_bytes,
                "8 bits count to 255 only, so the areas of larger masks start anew at 0"),
        Mistake("formula", _dice_of_equal_pixels,
                "pixels of the background that agree are counted, too; what both masks hold is "
                "truth & pred"),
        Mistake("formula", _dice_of_rows,
                "each row got a Dice of its own, and the mean was taken; sum over the whole masks "
                "first"),
        Mistake("formula", _dice_percent, "Dice lies between 0 and 1, it is no percentage"),
        Mistake("number", _dice_per_pixel,
                "a number for each pixel is left: sum over the whole mask"),
        Mistake("formula", _dice_mean_of_both,
                "that is the plain mean of precision and recall; Dice divides twice the overlap by "
                "the sum of both areas"),
        Mistake("formula", _dice_guarded_by_much,
                "what is added below the line changes every score; ask for two empty masks "
                "instead"),
        Mistake("formula", _dice_smoothed,
                "the + 1 that some losses add changes every score a little; leave it out"),
        Mistake("formula", _dice_accuracy,
                "that is the accuracy: it rewards the background; Dice looks at the cells only"),
        Mistake("formula", _dice_precision,
                "that is the precision: cells that were missed count too"),
        Mistake("formula", _dice_recall, "that is the recall: false alarms count too"),
        Mistake("formula", _dice_by_column,
                "the sums run over one axis only, so this is a mean over columns; sum over the "
                "whole mask"),
        Mistake("formula", _dice_rounded_down, "// drops the fraction; divide with /"),
        Mistake("formula", _dice_in_bytes, "the sums overflow: 8 bits count only to 255"),
        Mistake("formula", _dice_nothing_shared_is_one,
                "masks that share nothing get a 1 here; only two empty ones agree, all others that "
                "share nothing get 0"),
    ),
)  # fmt: skip
