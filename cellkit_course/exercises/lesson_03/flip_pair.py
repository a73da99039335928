"""flip_pair: find the bug (lesson 03_augmentation)."""

from __future__ import annotations

import copy
import random

import numpy as np

from cellkit_course.comparing import Fault
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_03 import LESSON
from cellkit_course.guard import call
from cellkit_course.presenting import present


def flip_pair(image, labels, rng):
    """Left and right exchanged half of the time, in image and labels together."""
    if rng.random() < 0.5:
        return image[:, ::-1], labels[:, ::-1]
    return image, labels


def _flip_two_coins(image, labels, rng):
    image = image[:, ::-1] if rng.random() < 0.5 else image
    labels = labels[:, ::-1] if rng.random() < 0.5 else labels
    return image, labels


def _flip_image_only(image, labels, rng):
    return (image[:, ::-1] if rng.random() < 0.5 else image), labels


def _flip_labels_only(image, labels, rng):
    return image, (labels[:, ::-1] if rng.random() < 0.5 else labels)


def _flip_upside_down(image, labels, rng):
    return (image[::-1], labels[::-1]) if rng.random() < 0.5 else (image, labels)


def _flip_half_turn(image, labels, rng):
    turned = image[::-1, ::-1], labels[::-1, ::-1]
    return turned if rng.random() < 0.5 else (image, labels)


def _flip_colours(image, labels, rng):
    return (image[..., ::-1], labels[..., ::-1]) if rng.random() < 0.5 else (image, labels)


def _flip_always(image, labels, rng):
    return image[:, ::-1], labels[:, ::-1]


def _flip_hardly_ever(image, labels, rng):
    return (image[:, ::-1], labels[:, ::-1]) if rng.random() < 0.05 else (image, labels)


def _flip_own_generator(image, labels, rng):
    return flip_pair(image, labels, np.random.default_rng(1))


def _flip_never(image, labels, rng):
    return image, labels


def _flip_every_axis(image, labels, rng):
    return (np.flip(image), np.flip(labels)) if rng.random() < 0.5 else (image, labels)


def _flip_one_short(image, labels, rng):
    return (image[:, :0:-1], labels[:, :0:-1]) if rng.random() < 0.5 else (image, labels)


def _flip_fresh_generator(image, labels, rng):
    return flip_pair(image, labels, np.random.default_rng())


def _flip_numpys_own(image, labels, rng):
    return (image[:, ::-1], labels[:, ::-1]) if np.random.rand() < 0.5 else (image, labels)


def _flip_a_third(image, labels, rng):
    return (image[:, ::-1], labels[:, ::-1]) if rng.integers(3) == 0 else (image, labels)


def _flip_transposed(image, labels, rng):
    return (image.swapaxes(0, 1), labels.T) if rng.random() < 0.5 else (image, labels)


def _flip_image_alone(image, labels, rng):
    return image[:, ::-1] if rng.random() < 0.5 else image


def _flip_and_swap(image, labels, rng):
    return (labels[:, ::-1], image[:, ::-1]) if rng.random() < 0.5 else (image, labels)


def _flip_swapped(image, labels, rng):
    return flip_pair(labels, image, rng)


def _flip_swapped_unless_flipped(image, labels, rng):
    return (image[:, ::-1], labels[:, ::-1]) if rng.random() < 0.5 else (labels, image)


def _flip_cases():
    grey = np.arange(6, dtype=np.float32).reshape(2, 3) / 8
    colour = np.arange(24, dtype=np.float32).reshape(2, 4, 3) / 32
    tall = np.random.default_rng(2).random((7, 4), dtype=np.float32)
    return [
        Case("pair", about, (image, np.arange(size, dtype=np.int32).reshape(image.shape[:2]),
                             np.random.default_rng(seed)))
        for about, image, size, seed in (
            ("two rows of three pixels", grey, 6, 1),
            ("two rows of four pixels in colour", colour, 8, 3),
            ("seven rows of four", tall, 28, 5),
        )
    ]


_TOSSES, _LEAST, _MOST = 400, 0.4, 0.6  # with one chance in 15 000 a fair coin leaves the range
_TWO_COINS = ("image and labels do not always do the same: toss one coin, and then move both or "
              "neither")
_OTHER_AXIS = "left and right are the second axis, the columns; colours come after it"
_RATE = "half of the time: rng.random() is below 0.5 half of the time"
_OWN = ("rng is not asked, or not it alone: all chance must come from rng, or nothing can be "
        "repeated")
_ROWS = "the rows are turned over as well; left and right are the second axis alone"
_ALWAYS = "it flips every time, whatever rng says: ask rng, and flip half of the time"
_NEVER = ("it never flips, whatever rng says: rng.integers(0, 1) is always 0, and a generator made "
          "inside the function tosses the same coin each time")
_PAIR = "two things must come back: the image, then the labels"
_SWAPPED = "image and labels have changed places: the image comes first"
_WANTED = "the image and its labels, both as they were or both with left and right exchanged"


def _judge_flip(case, outcome, again):
    image, labels, rng = case.args
    fault = _way(outcome.value, image, labels)
    if isinstance(fault, Fault):
        return fault
    if outcome.args[2].bit_generator.state == rng.bit_generator.state:
        ways = set()
        for seed in range(20):  # chance from elsewhere
            np.random.seed(seed)
            random.seed(seed)
            ways.add(_way(again(image, labels, np.random.default_rng(seed)), image, labels))
        if len(ways) == 1:
            always = fault == "flipped"
            return Fault(f"{'flipped' if always else 'as it was'} 20 times of 20",
                         "about half of the time", _ALWAYS if always else _NEVER)
        return Fault("a result for which rng was not asked", "chance that comes from rng", _OWN)
    one, other = ([_way(again(image, labels, np.random.default_rng(seed)), image, labels)
                   for seed in range(20)] for _ in range(2))
    if one != other:
        return Fault("another result from a generator in the same state",
                     "the same result from the same generator", _OWN)
    rng = copy.deepcopy(rng)
    ways = call(_tosses, (again.function, image, labels, rng)).value or []
    for found in ways:
        if isinstance(found, Fault):
            return found
    flipped = ways.count("flipped") / _TOSSES
    if not _LEAST < flipped < _MOST:
        return Fault(f"flipped {flipped:.0%} of {_TOSSES} times", "about half of the time", _RATE)
    return None


def _tosses(function, image, labels, rng):
    return [_way(function(image.copy(), labels.copy(), rng), image, labels)
            for _ in range(_TOSSES)]


def _equal(value, wanted):
    return isinstance(value, np.ndarray) and value.dtype == wanted.dtype and np.array_equal(
        value, wanted)


def _way(value, image, labels):
    """ "as it was" or "flipped"; a Fault if neither."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        return Fault(present(value), _WANTED, _PAIR)
    seen = [next((name for name, step in (("as it was", 1), ("flipped", -1))
                  if _equal(v, a[:, ::step])), "neither as it was nor flipped")
            for v, a in zip(value, (image, labels), strict=True)]
    if seen[0] == seen[1] and not seen[0].startswith("neither"):
        return seen[0]
    if all(any(_equal(v, a[:, ::step]) for step in (1, -1))
           for v, a in zip(value, (labels, image), strict=True)):
        return Fault("labels, image", _WANTED, _SWAPPED)
    known = not any(name.startswith("neither") for name in seen)
    of_labels = seen[1].replace("it was", "they were")
    return Fault(f"the image {seen[0]}, its labels {of_labels}", _WANTED,
                 _TWO_COINS if known else "")


EXERCISE = Exercise(
    "flip_pair", LESSON, "bug", points=2, minutes=8,
    answer=flip_pair, cases=_flip_cases, judge=_judge_flip,
    asks={
        "pair": "image and labels do the same: both are flipped, or neither",
        "columns": "left and right are exchanged, also in a colour image",
        "half": "a flip happens half of the time",
        "rng": "all chance comes from rng",
    },
    ladder=(
        "one coin for both. The colleague tosses two",
        "ask rng once, keep the answer, and use it for the image and for the labels. The columns "
        "are the second axis of both: [:, ::-1]",
    ),
    blanks=("rng.random() < 0.5", "image[:, ::-1], labels[:, ::-1]"),
    mistakes=(
        Mistake("pair", _flip_two_coins, _TWO_COINS),
        Mistake("pair", _flip_image_only, _TWO_COINS),
        Mistake("pair", _flip_labels_only, _TWO_COINS),
        Mistake("columns", _flip_upside_down, _OTHER_AXIS),
        Mistake("columns", _flip_half_turn, _ROWS),
        Mistake("columns", _flip_every_axis, _ROWS),
        Mistake("columns", _flip_one_short,
                "a slice like [:0:-1] ends before the first column, which is lost"),
        Mistake("columns", _flip_colours, _OTHER_AXIS),
        Mistake("half", _flip_always, _ALWAYS),
        Mistake("half", _flip_never, _NEVER),
        Mistake("half", _flip_hardly_ever, _RATE),
        Mistake("rng", _flip_own_generator, _NEVER),
        Mistake("rng", _flip_fresh_generator, _OWN),
        Mistake("rng", _flip_numpys_own, _OWN),
        Mistake("half", _flip_a_third, _RATE),
        Mistake("columns", _flip_transposed, _OTHER_AXIS),
        Mistake("pair", _flip_image_alone, _PAIR),
        Mistake("pair", _flip_and_swap, _SWAPPED),
        Mistake("pair", _flip_swapped, _SWAPPED),
        Mistake("pair", _flip_swapped_unless_flipped, _SWAPPED),
    ),
)  # fmt: skip
