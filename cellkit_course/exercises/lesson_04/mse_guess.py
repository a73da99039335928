"""mse_guess: predict, then run (lesson 04_super_resolution)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from cellkit_course.comparing import Fault, numbers
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_04 import LESSON
from cellkit_course.presenting import present

#: Two rows of two pixels that look the same from afar, and how often each was seen.
ROWS, SHARES = ((0.8, 0.2), (0.2, 0.8)), (0.8, 0.2)


def mse_guess():
    """The two grey values that the mean squared error likes best."""
    return 0.68, 0.32


def _guess_likeliest():
    return 0.8, 0.2


def _guess_grey():
    return 0.5, 0.5


def _guess_reversed():
    return 0.32, 0.68


def _guess_first_term():
    return 0.64, 0.16


def _guess_halfway():
    return 0.65, 0.35


def _guess_one_number():
    return 0.68


def _guess_words():
    return "bright", "dark"


def _guess_percent():
    return 68, 32


@lru_cache(maxsize=1)
def _measured_best():
    """Where the expected squared error is lowest, by trying all pairs of a fine grid."""
    grey = np.arange(1001) / 1000
    return tuple(
        float(grey[np.argmin(sum(share * (grey - row[k]) ** 2
                                 for row, share in zip(ROWS, SHARES, strict=True)))])
        for k in (0, 1)
    )


def _judge_greys(case, outcome, again):
    wanted, value = "two grey values between 0 and 1, left and right", outcome.value
    greys = numbers(value, 2)
    if greys is None:
        return Fault(present(value), wanted, "return two numbers, as in: return 0.5, 0.5")
    if min(greys) < 0 or max(greys) > 1:
        return Fault(present(value), wanted, "grey values lie between 0, black, and 1, white")
    greys = np.array(greys)
    if abs(greys - _measured_best()).max() <= 0.005:
        return None
    error = sum(share * np.mean((greys - row) ** 2)
                for row, share in zip(ROWS, SHARES, strict=True))
    return Fault(f"{present(value)}, with an expected squared error of {error:.4f}",
                 "the pair with the lowest expected squared error", _shares(*greys))


def _shares(left, right):
    """What a pair of greys takes the shares of the two rows to be."""
    if abs(left + right - 1) > 0.005:
        return ("in both rows the two pixels add up to 1, and so they must in what lies best "
                "between them: for each pixel take the plain mean over the five pictures")
    share = (left - ROWS[1][0]) / (ROWS[0][0] - ROWS[1][0])
    return (f"that would be best if the first row were seen in {share:.0%} of the pictures, the "
            "second in all others; count the five again")


EXERCISE = Exercise(
    "mse_guess", LESSON, "predict", points=2, minutes=5,
    answer=mse_guess, cases=lambda: [Case("mean", "your guess")], judge=_judge_greys,
    asks={
        "mean": "the two grey values have the lowest mean squared error over all five pictures",
        "two": "the answer is two grey values from 0 to 1, left and right",
    },
    ladder=(
        "the network cannot know which of the two rows it has before it. It gives one answer to "
        "both",
        "the squared error likes the mean best, and each row counts as often as it is seen",
        "left: four times 0.8 and once 0.2, divided by five. The right one goes the same way",
    ),
    mistakes=(
        Mistake("mean", _guess_likeliest,
                "that is the likelier row: four times out of five no error at all, but once a "
                "large one, and large errors count by their square"),
        Mistake("mean", _guess_grey,
                "grey would be best if both rows were equally likely; one is four times as likely"),
        Mistake("mean", _guess_reversed,
                "left and right are swapped: which row is the likelier one?"),
        Mistake("mean", _guess_first_term,
                "that is only the first row's part: add the second row, weighted by its share"),
        Mistake("mean", _guess_halfway,
                "half-way between grey and the likelier row is near; the shares of the two rows "
                "say exactly where"),
        Mistake("two", _guess_one_number, "return two numbers, as in: return 0.5, 0.5"),
        Mistake("two", _guess_words, "return two numbers, as in: return 0.5, 0.5"),
        Mistake("two", _guess_percent, "grey values lie between 0, black, and 1, white"),
    ),
)  # fmt: skip
