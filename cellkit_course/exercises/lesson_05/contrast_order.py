"""contrast_order: predict, then run (lesson 05_double_unet)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellkit.degradation import degrade
from cellkit_course.comparing import Fault, words
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_05 import LESSON
from cellkit_course.presenting import present


def contrast_order():
    """"area", "bilinear", "nearest": the one that leaves most contrast first."""
    return "nearest", "bilinear", "area"


def _order_area_first():
    return "area", "bilinear", "nearest"


def _order_area_then_nearest():
    return "area", "nearest", "bilinear"


def _order_bilinear_first():
    return "bilinear", "nearest", "area"


def _order_bilinear_then_area():
    return "bilinear", "area", "nearest"


def _order_nearest_then_area():
    return "nearest", "area", "bilinear"


def _order_in_one_text():
    return "nearest bilinear area"


def _order_of_two():
    return "nearest", "area"


def _order_twice_the_same():
    return "nearest", "nearest", "area"


def _measured_order():
    """The contrast that each really leaves, on fine noise with a few blobs."""
    rng = np.random.default_rng(0)
    blobs = ndimage.gaussian_filter(rng.standard_normal((128, 128)), 3)
    image = blobs / blobs.std() + rng.standard_normal((128, 128))
    image = (image - image.min()) / np.ptp(image)
    left = {way: degrade(image, 1 / 4, way, antialias=False).std()
            for way in ("area", "bilinear", "nearest")}
    return tuple(sorted(left, key=left.get, reverse=True))


def _judge_order(case, outcome, again):
    wanted = 'three words in some order: "area", "bilinear", "nearest"'
    said = words(outcome.value, 3)
    if said is None:
        return Fault(present(outcome.value), wanted, _THREE)
    if set(said) != {"area", "bilinear", "nearest"}:
        return Fault(present(said), wanted, _EACH)
    if tuple(said) == _measured_order():
        return None
    return Fault(present(said), "the order that the table below shows")


_THREE = "return three words, with commas between them"
_EACH = "each of the three words stands in the answer once"
_AREA = ("a big pixel of \"area\" is the mean of 16 small ones: what becomes of one bright pixel "
         "among 15 grey ones?")
_BILINEAR = ("bilinear without antialiasing mixes a few pixels, nearest mixes none: which of the "
             "two keeps the extremes?")

EXERCISE = Exercise(
    "contrast_order", LESSON, "predict", points=1, minutes=3,
    answer=contrast_order, cases=lambda: [Case("order", "your guess")], judge=_judge_order,
    asks={
        "order": "the three stand in the order of the contrast that they leave, most first",
        "words": "the answer is three words, each once",
    },
    ladder=(
        "a mean is never as bright as the brightest pixel in it",
        "how many small pixels go into one big pixel of each of the three? The more are mixed, "
        "the less contrast stays",
        "nearest mixes none, bilinear without antialiasing up to 4, area all 16",
    ),
    mistakes=(
        Mistake("order", _order_area_first, _AREA),
        Mistake("order", _order_area_then_nearest, _AREA),
        Mistake("order", _order_bilinear_first, _BILINEAR),
        Mistake("order", _order_bilinear_then_area, _BILINEAR),
        Mistake("order", _order_nearest_then_area, _AREA),
        Mistake("words", _order_in_one_text, _THREE),
        Mistake("words", _order_of_two, _THREE),
        Mistake("words", _order_twice_the_same, _EACH),
    ),
)  # fmt: skip
