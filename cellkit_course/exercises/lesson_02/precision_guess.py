"""precision_guess: predict, then run (lesson 02_unet_from_scratch)."""

from __future__ import annotations

import numpy as np

from cellkit_course.comparing import Fault, words
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_02 import LESSON
from cellkit_course.presenting import present


def precision_guess():
    """What a higher threshold does to (precision, recall): each "up", "down" or "same"."""
    return "up", "down"


def _guess_swapped():
    return "down", "up"


def _guess_both_up():
    return "up", "up"


def _guess_both_down():
    return "down", "down"


def _guess_precision_only():
    return "up", "same"


def _guess_recall_only():
    return "same", "down"


def _guess_one_text():
    return "up, down"


def _guess_in_numbers():
    return 1, -1


def _guess_other_words():
    return "higher", "lower"


def _guess_nothing():
    return "same", "same"


def _judge_words(case, outcome, again):
    wanted = 'two words, each "up", "down" or "same": (precision, recall)'
    said = words(outcome.value, 2)
    if said is None:
        return Fault(present(outcome.value), wanted, _TWO_WORDS)
    if not set(said) <= {"up", "down", "same"}:
        return Fault(present(said), wanted, 'each word is "up", "down" or "same"')
    if tuple(said) == _measured_directions():
        return None
    which = ("precision" if said[0] != _measured_directions()[0] else "recall")
    return Fault(present(said), "the pair that the figure below shows", _ASK[which])


_ASK = {
    "precision": "fewer pixels are called cell, the surest ones; is a larger or a smaller share of "
                 "them right? That is precision",
    "recall": "fewer pixels are called cell; are more or fewer of the true ones among them? That "
              "is recall",
}


_TWO_WORDS = "return two words, as in: return \"same\", \"same\""


def _measured_directions():
    """What a higher threshold really does, on a noisy map of a few discs."""
    y, x = np.mgrid[:64, :64]
    truth = ((y % 16 - 8) ** 2 + (x % 16 - 8) ** 2) < 25
    logits = np.where(truth, 1.5, -1.5) + np.random.default_rng(0).normal(0, 1.5, truth.shape)
    scores = []
    for threshold in (0.5, 0.9):
        pred = logits > np.log(threshold / (1 - threshold))
        hit = (truth & pred).sum()
        scores.append((hit / pred.sum(), hit / truth.sum()))
    return tuple("up" if b > a else "down" if b < a else "same"
                 for a, b in zip(*scores, strict=True))


EXERCISE = Exercise(
    "precision_guess", LESSON, "predict", points=1, minutes=3,
    answer=precision_guess,
    cases=lambda: [Case("directions", "your guess")],
    judge=_judge_words,
    asks={
        "directions": "the pair says what happens to precision and to recall",
        "words": "the answer is two words",
    },
    ladder=(
        "a higher threshold calls fewer pixels cell. Which ones stay, and which ones go?",
        "those that stay are the surest ones. Precision asks how many of them are right. Recall "
        "asks how many of the true cell pixels are among them",
        "of the pixels that stay, a larger share is right; of the true ones, fewer are found",
    ),
    mistakes=(
        Mistake("directions", _guess_swapped,
                "the other way round: with a higher threshold fewer pixels are called cell; which "
                "of the two does that help?"),
        Mistake("directions", _guess_both_up,
                "fewer pixels are called cell; can more of the true ones be found then?"),
        Mistake("directions", _guess_both_down,
                "the pixels that are still called cell are the ones the network is surest of"),
        Mistake("directions", _guess_precision_only,
                "some pixels that are no longer called cell were cell; which score counts them?"),
        Mistake("directions", _guess_recall_only,
                "most pixels that are no longer called cell were false alarms; which score counts "
                "them?"),
        Mistake("words", _guess_one_text, _TWO_WORDS),
        Mistake("words", _guess_in_numbers, _TWO_WORDS),
        Mistake("words", _guess_other_words, 'each word is "up", "down" or "same"'),
        Mistake("directions", _guess_nothing,
                "the mask changes with the threshold, so the scores do"),
    ),
)  # fmt: skip
