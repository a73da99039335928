"""five_cells: predict, then run (lesson 07_watershed)."""

from __future__ import annotations

import numpy as np

from cellkit_course.comparing import Fault, numbers
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_07 import LESSON
from cellkit_course.presenting import present


def five_cells():
    """(TP, FP, FN) at IoU 0.5."""
    return 2, 2, 3


def _five_merged_is_a_hit():
    return 3, 1, 2


def _five_half_is_no_hit():
    return 1, 3, 4


def _five_both_halves_hit():
    return 3, 1, 3


def _five_any_overlap():
    return 4, 0, 1


def _five_swapped():
    return 2, 3, 2


def _five_forgotten():
    return 2, 2, 2


def _five_merged_is_one_miss():
    return 2, 1, 2


def _five_background():
    return 3, 2, 3


def _five_in_a_dictionary():
    return {"TP": 2, "FP": 2, "FN": 3}


def _five_one_number():
    return 2


def _five_in_parts():
    return 2.5, 1.5, 2.5


_THREE = "return three numbers, as in: return 0, 0, 0"


def _judge_counts(case, outcome, again):
    wanted = "three whole numbers: (TP, FP, FN)"
    value = numbers(outcome.value, 3)
    if value is None:
        return Fault(present(outcome.value), wanted, _THREE)
    if any(n != int(n) for n in value if np.isfinite(n)) or not np.isfinite(value).all():
        return Fault(present(tuple(value)), wanted, "cells are counted in whole numbers")
    if tuple(value) == five_cells():
        return None
    tp, fp, fn = (int(n) for n in value)
    hint = ""
    if tp + fp != 4:
        hint = "four cells are predicted, and each is either a hit or a false alarm: TP + FP = 4"
    elif tp + fn != 5:
        hint = "there are five true cells, and each is either found or missed: TP + FN = 5"
    return Fault(present((tp, fp, fn)), "the counts of the picture above", hint)


EXERCISE = Exercise(
    "five_cells", LESSON, "predict", points=2, minutes=8,
    answer=five_cells, cases=lambda: [Case("counts", "your count")], judge=_judge_counts,
    asks={
        "counts": "TP, FP and FN at IoU 0.5 are those of the picture",
        "whole": "the answer is three whole numbers",
    },
    ladder=(
        "each prediction is a hit or a false alarm, each true cell found or missed. So two sums "
        "are known",
        "for each prediction work out the IoU with each true cell that it touches: pixels shared, "
        "divided by pixels of either",
        "A shares 36 of 44 pixels with its prediction. Of B's two pieces one has 24 of its 40 "
        "pixels, which is 0.6. The one over C and D shares 40 of 88 pixels with each: is that one "
        "half?",
    ),
    mistakes=(
        Mistake("counts", _five_merged_is_a_hit,
                "one hit too many: a piece of B is no hit if it shares 16 of 40 pixels, nor is the "
                "one that covers C and D wholly, for the IoU divides by what two have together"),
        Mistake("counts", _five_half_is_no_hit,
                "two predictions reach one half, A's and one of the two over B: count the pixels "
                "that each shares with its cell, and those of either"),
        Mistake("counts", _five_both_halves_hit,
                "one hit too many: the smaller piece of B shares 16 of its 40 pixels, and the one "
                "over C and D shares 40 of 88 with either"),
        Mistake("counts", _five_any_overlap, "to overlap is not enough: compute each IoU"),
        Mistake("counts", _five_swapped,
                "the last two are swapped: FP are predictions without a partner, FN true cells "
                "without one"),
        Mistake("counts", _five_forgotten,
                "one true cell is forgotten: TP + FN must be the number of true cells"),
        Mistake("counts", _five_merged_is_one_miss,
                "C and D are two true cells, and the prediction over them is one: count each"),
        Mistake("whole", _five_in_a_dictionary, _THREE),
        Mistake("whole", _five_one_number, _THREE),
        Mistake("whole", _five_in_parts, "cells are counted in whole numbers"),
        Mistake("counts", _five_background,
                "TP + FP is more than the number of predicted cells: background is no cell"),
    ),
)  # fmt: skip
