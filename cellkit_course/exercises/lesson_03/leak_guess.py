"""leak_guess: guess, then run (lesson 03_augmentation)."""

from __future__ import annotations

from cellkit_course.comparing import share_fault
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_03 import LESSON


def leak_guess():
    """A guess of the Dice on pictures that no copy was made from."""
    return 0.7


def _leak_guess_in_percent():
    return 70


def _leak_guess_as_text():
    return "0.7"


def _leak_guess_two_numbers():
    return 0.6, 0.8


def _leak_guess_below_zero():
    return -0.7


_TEXT = "the guess is a text: leave out the quotes"
_RANGE = "make up your mind: one number, not several"
_BOUNDS = "Dice lies between 0 and 1; it is no percentage and never negative"


def _judge_guess(case, outcome, again):
    return share_fault(outcome.value, _BOUNDS, _BOUNDS)


def _compare_guess(outcome, again, validation=None, unseen=None):
    guess = float(outcome.value)
    if unseen is None:
        return f"You predicted {guess:.2f}."
    return (f"You predicted {guess:.2f}; measured: {unseen:.2f}. The validation score promised "
            f"{validation:.2f}.")


EXERCISE = Exercise(
    "leak_guess", LESSON, "predict", points=1, minutes=3,
    answer=leak_guess, cases=lambda *shown: [Case("share", "your guess")],
    judge=_judge_guess, remark=_compare_guess,
    asks={
        "share": "the guess is a Dice, a number from 0 to 1",
        "number": "the guess is one number",
    },
    ladder=(
        "on the copies the network has seen everything but the small change. On the test wells it "
        "has seen nothing",
        "what can a network do that knows its training pictures by heart, and little else? Its "
        "score on new ones is lower",
        "any honest guess wins the point. It is the gap between your guess and the measurement "
        "that teaches",
    ),
    won="guess noted",
    mistakes=(
        Mistake("share", _leak_guess_in_percent, _BOUNDS),
        Mistake("share", _leak_guess_below_zero, _BOUNDS),
        Mistake("number", _leak_guess_as_text, _TEXT),
        Mistake("number", _leak_guess_two_numbers, _RANGE),
    ),
)  # fmt: skip
