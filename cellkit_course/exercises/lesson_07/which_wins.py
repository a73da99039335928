"""which_wins: predict, then run (lesson 07_watershed)."""

from __future__ import annotations

from cellkit_course.comparing import Fault, words
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_07 import LESSON
from cellkit_course.presenting import present


def which_wins():
    """The winner by (average precision at 0.5, paper 5's "mAP")."""
    return "watershed", "components"


def _wins_watershed_twice():
    return "watershed", "watershed"


def _wins_components_twice():
    return "components", "components"


def _wins_swapped():
    return "components", "watershed"


def _wins_one_word():
    return "watershed"


def _wins_other_words():
    return "first", "second"


def _wins_numbers():
    return 1, 0


_TWO = 'there are two scores, so return two words, as in: return "watershed", "watershed"'
_EACH = 'each word is "components" or "watershed"'


def _judge_winners(case, outcome, again):
    wanted = 'two words, each "components" or "watershed"'
    said = words(outcome.value, 2)
    if said is None:
        return Fault(present(outcome.value), wanted, _TWO)
    if not set(said) <= {"components", "watershed"}:
        return Fault(present(said), wanted, _EACH)
    if tuple(said) == which_wins():
        return None
    return Fault(present(said), "what the table below shows")


EXERCISE = Exercise(
    "which_wins", LESSON, "predict", points=1, minutes=4,
    answer=which_wins, cases=lambda: [Case("winners", "your guess")], judge=_judge_winners,
    asks={
        "winners": "the two words name the winner of each score",
        "words": "the answer is two words",
    },
    ladder=(
        "what does each method do to a clump of thirty cells?",
        "components predicts one object there: one false alarm at most, and thirty misses. "
        "Watershed predicts about thirty, some of them wrong. Which of the two scores has FN "
        "below the line?",
        "average precision counts misses, TP / (TP + FP) does not",
    ),
    mistakes=(
        Mistake("winners", _wins_watershed_twice,
                "what does a method lose in TP / (TP + FP) if it predicts a clump of thirty cells "
                "as one?"),
        Mistake("winners", _wins_components_twice,
                "thirty cells predicted as one are thirty misses; which score counts them?"),
        Mistake("winners", _wins_swapped,
                "the other way round: which of the two scores counts misses?"),
        Mistake("words", _wins_one_word, _TWO),
        Mistake("words", _wins_other_words, _EACH),
        Mistake("words", _wins_numbers, _TWO),
    ),
)  # fmt: skip
