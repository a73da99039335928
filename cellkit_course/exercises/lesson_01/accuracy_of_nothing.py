"""accuracy_of_nothing: guess, then run (lesson 01_data_and_masks)."""

from __future__ import annotations

import numpy as np

from cellkit_course.comparing import share_fault
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_01 import LESSON


def accuracy_of_nothing():
    """A guess of the accuracy that "everything is background" gets."""
    return 0.9


def _guess_in_percent():
    return 90


def _guess_as_text():
    return "0.9"


def _guess_two_numbers():
    return 0.85, 0.95


def _guess_below_zero():
    return -0.1


_PERCENT = "accuracy is a share between 0 and 1: 90 of 100 pixels right are 0.9"
_NEGATIVE = "a share of pixels cannot be less than none"


def _judge_guess(case, outcome, again):
    return share_fault(outcome.value, _PERCENT, _NEGATIVE)


def _compare_guess(outcome, again, mask=None):
    guess = f"You predicted {float(outcome.value):.2f}"
    if mask is None:
        return f"{guess}."
    measured = float(1 - np.mean(mask))
    apart = float(outcome.value) - measured
    text = f"{guess}; measured: {measured:.2f}. "
    if abs(apart) <= 0.1:
        return text + "That is close."
    if abs(float(outcome.value) - (1 - measured)) <= 0.1:
        return text + "Your number is near the share of cell pixels; those are the wrong ones."
    return text + f"Your guess is {abs(apart):.2f} too {'high' if apart > 0 else 'low'}."


EXERCISE = Exercise(
    "accuracy_of_nothing", LESSON, "predict", points=1, minutes=3,
    answer=accuracy_of_nothing,
    cases=lambda *shown: [Case("share", "your guess")],
    judge=_judge_guess, remark=_compare_guess,
    asks={
        "share": "the guess is a share, a number from 0 to 1",
        "number": "the guess is one number",
    },
    ladder=(
        "accuracy is the share of pixels that got the right answer. Here the answer is always "
        "background",
        "so the question is: what share of the picture is background? Look at the mask on the "
        "right",
        "if cells cover a tenth of the picture, the answer is 1 - 0.1. Estimate how much they "
        "cover here",
    ),
    won="guess noted",
    mistakes=(
        Mistake("share", _guess_in_percent, _PERCENT),
        Mistake("number", _guess_as_text, "the guess is a text: leave out the quotes"),
        Mistake("number", _guess_two_numbers, "make up your mind: one number, not several"),
        Mistake("share", _guess_below_zero, _NEGATIVE),
    ),
)  # fmt: skip
