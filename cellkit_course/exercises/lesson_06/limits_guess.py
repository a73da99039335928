"""limits_guess: predict, then run (lesson 06_mask_rcnn)."""

from __future__ import annotations

import numpy as np

from cellkit_course.comparing import Fault, difference, numbers
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_06 import LESSON
from cellkit_course.presenting import present


def limits_guess():
    """(share of the nuclei found at best, width of a nucleus as the network sees it)."""
    return 0.25, 50


def _limits_all_found():
    return 1, 50


def _limits_count():
    return 100, 50


def _limits_percent():
    return 25, 50


def _limits_not_enlarged():
    return 0.25, 16


def _limits_shrunk():
    return 0.25, 16 * 256 / 800


def _limits_long_side():
    return 0.25, 16 * 1333 / 256


def _limits_missed():
    return 0.75, 50


def _limits_one_number():
    return 0.25


def _limits_words():
    return "25 %", "50 px"


def _limits_swapped():
    return 50, 0.25


_TWO = "return two numbers, as in: return 0.5, 20"


def _judge_limits(case, outcome, again):
    wanted = "two numbers: a share from 0 to 1, and a width in pixels"
    value = numbers(outcome.value, 2)
    if value is None:
        return Fault(present(outcome.value), wanted, _TWO)
    if not difference(np.array(value), np.array([0.25, 50.0])):
        return None
    hint = ""
    if value[0] > 1:
        hint = "the first number is a share, from 0 to 1"
    elif abs(value[1] - 50) < 0.5 or value[1] == 16 * round(800 / 256):
        hint = "the width is exact: do not round on the way"
    elif abs(value[1] - 800 / 256) < 0.1:
        hint = "that is by how much the picture grows; how wide is a nucleus of 16 pixels then?"
    elif abs(value[1] - 16 * (800 / 256) ** 2) < 1:
        hint = "an area grows by the square of the factor, a width by the factor itself"
    return Fault(present(tuple(value)),
                 "the two numbers that follow from 100, 400, 16, 256 and 800", hint)


EXERCISE = Exercise(
    "limits_guess", LESSON, "predict", points=1, minutes=3,
    answer=limits_guess, cases=lambda: [Case("share", "your guess")], judge=_judge_limits,
    asks={
        "share": "the first number is the share of the nuclei that 100 detections can cover",
        "width": "the second number is the width of a nucleus after the picture was enlarged",
        "two": "the answer is two numbers",
    },
    ladder=(
        "two limits of the library, two little sums",
        "100 detections for 400 nuclei. And the picture grows from 256 to 800: by which factor?",
        "100/400, and 16 times 800/256",
    ),
    mistakes=(
        Mistake("share", _limits_all_found,
                "it keeps 100 detections, whatever there is; what share is that?"),
        Mistake("share", _limits_count, "that is how many it keeps; divide by how many there are"),
        Mistake("share", _limits_percent, "that is in percent; a share lies between 0 and 1"),
        Mistake("width", _limits_not_enlarged, "the picture is enlarged, and the nucleus with it"),
        Mistake("width", _limits_shrunk,
                "the picture grows from 256 to 800, so the nucleus grows too"),
        Mistake("width", _limits_long_side,
                "1333 is the limit for the longer side; here both sides are 256, and the shorter "
                "one decides: 800"),
        Mistake("share", _limits_missed, "that is the share that it misses"),
        Mistake("two", _limits_one_number, _TWO),
        Mistake("two", _limits_words, _TWO),
        Mistake("two", _limits_swapped, "the share comes first, then the width"),
    ),
)  # fmt: skip
