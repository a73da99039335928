"""prepare: find the bug (lesson 03_augmentation)."""

from __future__ import annotations

import numpy as np

from cellkit_course.comparing import Fault
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_03 import LESSON
from cellkit_course.presenting import present


def prepare(pictures, share, grow):
    """(training pictures, grown; the other pictures as they are)"""
    count = round(share * len(pictures))
    return grow(pictures[:count]), pictures[count:]


def _prepare_colleague(pictures, share, grow):
    pictures = grow(pictures)
    count = round(share * len(pictures))
    return pictures[:count], pictures[count:]


def _prepare_grown_twice(pictures, share, grow):
    count = round(share * len(pictures))
    return grow(pictures[:count]), grow(pictures[count:])


def _prepare_not_grown(pictures, share, grow):
    count = round(share * len(pictures))
    return pictures[:count], pictures[count:]


def _prepare_valid_grown(pictures, share, grow):
    count = round(share * len(pictures))
    return pictures[:count], grow(pictures[count:])


def _prepare_all_for_training(pictures, share, grow):
    return grow(pictures), pictures[round(share * len(pictures)):]


def _prepare_swapped(pictures, share, grow):
    return prepare(pictures, share, grow)[::-1]


def _prepare_rounded_down(pictures, share, grow):
    count = int(share * len(pictures))
    return grow(pictures[:count]), pictures[count:]


def _prepare_rounded_up(pictures, share, grow):
    count = -int(-share * len(pictures) // 1)
    return grow(pictures[:count]), pictures[count:]


def _prepare_shuffled(pictures, share, grow):
    count = round(share * len(pictures))
    return grow(pictures[::-1][:count]), pictures[::-1][count:]


def _prepare_last_train(pictures, share, grow):
    count = len(pictures) - round(share * len(pictures))
    return grow(pictures[count:]), pictures[:count]


def _prepare_training_only(pictures, share, grow):
    return grow(pictures[: round(share * len(pictures))])


def _prepare_one_share(pictures, share, grow):
    count = round(share * 10)
    return grow(pictures[:count]), pictures[count:]


def _prepare_one_list(pictures, share, grow):
    train, valid = prepare(pictures, share, grow)
    return [*train, *valid]


def _prepare_doubled(pictures, share, grow):
    count = round(share * len(pictures))
    return pictures[:count] + grow(pictures[:count]), pictures[count:]


def _twice(pictures):
    _no_single(pictures)
    return [*pictures, *(f"{name} turned" for name in pictures)]


def _thrice(pictures):
    _no_single(pictures)
    return [f"{name}{change}" for name in pictures for change in ("", " bent", " flipped")]


def _no_single(pictures):
    if isinstance(pictures, str):
        raise TypeError(f"grow takes a list of pictures, found one picture, {str(pictures)!r}")


def _prepare_halves_up(pictures, share, grow):
    count = int(share * len(pictures) + 0.5)
    return grow(pictures[:count]), pictures[count:]


def _prepare_all_validate(pictures, share, grow):
    return prepare(pictures, share, grow)[0], pictures


def _prepare_counted_from_the_end(pictures, share, grow):
    count = round(share * len(pictures))
    return grow(pictures[:count]), pictures[-(len(pictures) - count):]


def _prepare_each_grown(pictures, share, grow):
    count = round(share * len(pictures))
    return [grow(one) for one in pictures[:count]], pictures[count:]


def _prepare_cases():
    return [
        Case("divide", "three pictures, two thirds to train on", (["A", "B", "C"], 2 / 3, _twice)),
        Case("valid", "six pictures, half of them to train on", (list("ABCDEF"), 0.5, _thrice)),
        Case("count", "seven pictures, 80 % to train on", (list("ABCDEFG"), 0.8, _twice)),
        Case("count", "five pictures, half of them to train on: round(2.5)",
             (list("ABCDE"), 0.5, _twice)),
        Case("count", "five pictures, 45 % to train on: 2.25 pictures",
             (list("ABCDE"), 0.45, _twice)),
        Case("count", "two pictures, both of them to train on", (list("AB"), 1.0, _twice)),
    ]


_LEAK = "copies of one picture are on both sides: divide first, grow afterwards"
_BOTH = ("some pictures are in both parts: the second begins before the first ends; cut at one "
         "place")
_FIRST = "other pictures train than the first ones: the first train, the rest validate"
_TWO = "two lists are wanted: training, validation"
_VALID = "validation pictures are augmented: validate on pictures as they are"
_PART = "grow takes a list of pictures, and here it was given a single picture"
_SHARE = "the pictures are divided elsewhere: the first round(share * len(pictures)) train"


def _judge_preparation(case, outcome, again):
    pictures, share, grow = case.args
    wanted = prepare(*case.args)
    value = outcome.value
    if not isinstance(value, tuple | list) or len(value) != 2:
        return Fault(present(value), present(wanted), _TWO)
    train, valid = (list(part) if isinstance(part, tuple | list | np.ndarray) else part
                    for part in value)
    if (train, valid) == wanted:
        return None
    hint = ""
    if isinstance(train, list) and isinstance(valid, list):
        if all(sorted(map(str, part)) == sorted(right)  # an order is not asked for
               for part, right in zip((train, valid), wanted, strict=True)):
            return None
        behind = [{str(name)[0] for name in part} for part in (train, valid)]
        ends = [n for n in range(len(pictures) + 1) if train == list(grow(pictures[:n]))]
        if ends and valid in [pictures[m:] for m in range(ends[0])]:
            hint = _BOTH
        elif behind[0] & behind[1]:
            hint = _LEAK
        elif any(name not in pictures for name in valid) and set(train) <= set(pictures):
            hint = "training and validation are handled the wrong way round"
        elif any(name not in pictures for name in valid):
            hint = _VALID
        elif len(behind[1]) != len(wanted[1]):
            hint = _SHARE
        elif not behind[0] & behind[1] and valid != wanted[1]:
            hint = _FIRST
    return Fault(present((train, valid)), present(wanted), hint)


EXERCISE = Exercise(
    "prepare", LESSON, "bug", points=3, minutes=10,
    answer=prepare, cases=_prepare_cases, judge=_judge_preparation,
    asks={
        "divide": "copies of one picture stay on one side: divide first",
        "valid": "the validation pictures stay as they are",
        "grown": "the training pictures are grown, once",
        "count": "the first round(share * len(pictures)) pictures train",
        "two": "training comes first, then validation",
    },
    ladder=(
        "what is divided first cannot leak afterwards",
        "count how many pictures train. Cut the list there. Grow the first part only",
    ),
    blanks=("round(share * len(pictures))", "grow(pictures[:count])"),
    mistakes=(
        Mistake("divide", _prepare_colleague, _LEAK),
        Mistake("divide", _prepare_all_for_training, _LEAK),
        Mistake("valid", _prepare_grown_twice, _VALID),
        Mistake("grown", _prepare_valid_grown,
                "training and validation are handled the wrong way round"),
        Mistake("grown", _prepare_not_grown, "the training pictures were not grown"),
        Mistake("two", _prepare_swapped, "the two parts have changed places: training comes first"),
        Mistake("count", _prepare_rounded_down, _SHARE),
        Mistake("count", _prepare_rounded_up, _SHARE),
        Mistake("count", _prepare_halves_up,
                "int(x + 0.5) takes halves up; Python's round takes them to the even number, and "
                "it is round that the task names"),
        Mistake("divide", _prepare_all_validate, _BOTH),
        Mistake("count", _prepare_shuffled, _FIRST),
        Mistake("count", _prepare_last_train, _FIRST),
        Mistake("two", _prepare_training_only, _TWO),
        Mistake("count", _prepare_one_share, _SHARE),
        Mistake("two", _prepare_one_list, _TWO),
        Mistake("grown", _prepare_doubled,
                "grow gives back the pictures themselves too; they are there twice now"),
        Mistake("grown", _prepare_each_grown, _PART),
        Mistake("count", _prepare_counted_from_the_end,
                "pictures[-n:] is all of them where n is 0: count from the beginning"),
    ),
)  # fmt: skip
