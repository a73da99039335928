"""rescale: write a function (lesson 01_data_and_masks)."""

from __future__ import annotations

import numpy as np

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_01 import LESSON


def rescale(image, low=1, high=99.8):
    """Image scaled to float32 [0, 1] between two percentiles."""
    image = np.asarray(image, dtype=np.float32)
    bottom, top = np.percentile(image, (low, high))
    if top == bottom:
        return np.zeros(image.shape, np.float32)
    return ((image - bottom) / (top - bottom)).clip(0, 1).astype(np.float32)


def _rescale_min_max(image, low=1, high=99.8):
    image = image.astype(np.float32)
    return (image - image.min()) / max(image.max() - image.min(), 1e-9)


def _rescale_unclipped(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    if top == bottom:
        return np.zeros(image.shape, np.float32)
    return ((image - bottom) / (top - bottom)).astype(np.float32)


def _rescale_without_guard(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    return ((image - bottom) / (top - bottom)).clip(0, 1).astype(np.float32)


def _rescale_plus_tiny(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    return ((image - bottom) / (top - bottom + 1e-9)).clip(0, 1).astype(np.float32)


def _rescale_nan_to_num(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    return np.nan_to_num(((image - bottom) / (top - bottom)).clip(0, 1)).astype(np.float32)


def _rescale_then_choose(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    scaled = ((image - bottom) / (top - bottom)).clip(0, 1).astype(np.float32)
    return scaled if top > bottom else np.zeros(image.shape, np.float32)


def _rescale_in_float64(image, low=1, high=99.8):
    return rescale(image, low, high).astype(float)


def _rescale_constant_is_one(image, low=1, high=99.8):
    scaled = rescale(image, low, high)
    return scaled if scaled.any() else scaled + 1


def _rescale_constant_kept(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    return rescale(image, low, high) if top > bottom else image.astype(np.float32)


def _rescale_to_bytes(image, low=1, high=99.8):
    return rescale(image, low, high) * np.float32(255)


def _rescale_clipped_above(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    if top == bottom:
        return np.zeros(image.shape, np.float32)
    return np.minimum((image - bottom) / (top - bottom), 1).astype(np.float32)


def _rescale_by_top_only(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    if top == bottom:
        return np.zeros(image.shape, np.float32)
    return ((image - bottom) / top).clip(0, 1).astype(np.float32)


def _rescale_fixed_percentiles(image, low=1, high=99.8):
    return rescale(image)


def _rescale_fractions_as_percent(image, low=1, high=99.8):
    return rescale(image, low / 100, high / 100)


def _rescale_by_type(image, low=1, high=99.8):
    largest = np.iinfo(image.dtype).max if image.dtype.kind in "ui" else 1
    return (image / largest).astype(np.float32)


def _rescale_wrapping(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    if top == bottom:
        return np.zeros(image.shape, np.float32)
    below = image - np.array(bottom).astype(image.dtype)
    return (below / (top - bottom)).clip(0, 1).astype(np.float32)


def _rescale_plus_one(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    return ((image - bottom) / (top - bottom + 1)).clip(0, 1).astype(np.float32)


def _rescale_by_column(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high), axis=0)
    room = np.where(top == bottom, 1, top - bottom)
    return ((image - bottom) / room).clip(0, 1).astype(np.float32)


def _rescale_dropped(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    return np.where(image > top, 0, rescale(image, low, high)).astype(np.float32)


def _rescale_inverted(image, low=1, high=99.8):
    return rescale(image, low, high) if np.ptp(image) == 0 else 1 - rescale(image, low, high)


def _rescale_asks_the_extremes(image, low=1, high=99.8):
    return (np.zeros(image.shape, np.float32) if image.min() == image.max()
            else _rescale_without_guard(image, low, high))


def _rescale_less_than_one(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    if top - bottom < 1:
        return np.zeros(image.shape, np.float32)
    return rescale(image, low, high)


def _rescale_cases():
    rng = np.random.default_rng(11)
    camera = rng.integers(900, 3500, (31, 47)).astype(np.uint16)
    camera[3, 5] = 65535
    return [
        Case("percentiles", "four values, percentiles 0 and 100",
             (np.array([[10, 20], [30, 50]], np.uint16), 0, 100)),
        Case("constant", "a constant picture", (np.full((2, 3), 7, np.uint8),)),
        Case("arguments", "eleven values from 100 to 200, percentiles 20 and 70",
             (np.arange(100, 201, 10, dtype=np.uint16).reshape(1, 11), 20, 70)),
        Case("clip", "values below zero, percentiles 25 and 75",
             (np.array([[-4.0, -2, 0], [1, 3, 8]], np.float32), 25, 75)),
        Case("constant", "one hot pixel on a constant picture, percentiles 1 and 90",
             (np.pad(np.full((1, 1), 900, np.uint16), 3, constant_values=20), 1, 90)),
        Case("percentiles", "16 bits with one hot pixel, the default percentiles", (camera,)),
        Case("percentiles", "values between 0 and 1, percentiles 0 and 100",
             (np.array([[0.25, 0.5], [0.625, 0.75]], np.float32), 0, 100)),
        Case("arguments", "8 bits in three channels",
             (rng.integers(0, 255, (9, 8, 3)).astype(np.uint8), 2, 95)),
    ]


_WARNS = ("zero is divided by zero, and numpy warns, whatever becomes of the result: ask whether "
          "the percentiles are equal before you divide")

EXERCISE = Exercise(
    "rescale", LESSON, "write", points=2, minutes=5, tolerance=1e-4, dtype="float32", quiet=True,
    answer=rescale, cases=_rescale_cases,
    asks={
        "percentiles": "the value at percentile low becomes 0, the value at percentile high "
                       "becomes 1",
        "arguments": "low and high are percentages, and may be others than 1 and 99.8",
        "clip": "everything beyond the percentiles is clipped",
        "float32": "the picture that comes back is float32",
        "constant": "where both percentiles are equal the picture becomes all zeros",
        "quiet": "a constant picture causes no warning",
    },
    ladder=(
        "two values of the picture decide: its low and its high percentile. One becomes 0, the "
        "other 1, in a straight line between",
        "subtract the lower one, divide by the distance between the two, clip. A constant picture "
        "has no distance: return zeros before you divide. And make the picture float before you "
        "subtract",
    ),
    blanks=("(image - bottom) / (top - bottom)", "top == bottom"),
    mistakes=(
        Mistake("percentiles", _rescale_min_max,
                "this scales from the smallest to the largest value, so one hot pixel decides; "
                "use the percentiles"),
        Mistake("clip", _rescale_unclipped,
                "values beyond the percentiles are still below 0 or above 1: clip them"),
        Mistake("quiet", _rescale_without_guard,
                "both percentiles are the same here, and dividing by their difference divides by "
                "zero"),
        Mistake("constant", _rescale_plus_tiny,
                "a tiny number below the line avoids the division by zero, but one hot pixel still "
                "becomes 1 here; give zeros where both percentiles are equal"),
        Mistake("quiet", _rescale_nan_to_num, _WARNS),
        Mistake("quiet", _rescale_then_choose, _WARNS),
        Mistake("float32", _rescale_in_float64, "the numbers are right; convert them to float32"),
        Mistake("constant", _rescale_constant_is_one, "a constant picture becomes all zeros"),
        Mistake("constant", _rescale_constant_kept, "a constant picture becomes all zeros"),
        Mistake("percentiles", _rescale_to_bytes,
                "the upper percentile becomes 255; 1 is asked for"),
        Mistake("clip", _rescale_clipped_above,
                "only what is above 1 is clipped, not what is below "
                                                "0"),
        Mistake("percentiles", _rescale_by_top_only,
                "the divisor is the upper percentile; it must be the distance between the two"),
        Mistake("arguments", _rescale_fixed_percentiles,
                "low and high are not used: other percentiles must give another picture"),
        Mistake("arguments", _rescale_fractions_as_percent,
                "low and high are percentages already: np.percentile takes 0 to 100, np.quantile "
                "0 to 1"),
        Mistake("percentiles", _rescale_by_type,
                "this divides by the largest number the type can hold; what the camera really used "
                "is far less"),
        Mistake("percentiles", _rescale_plus_one,
                "1 is added below the line, so nothing reaches 1; ask whether both percentiles "
                "are equal instead"),
        Mistake("percentiles", _rescale_by_column,
                "each column got percentiles of its own; the whole picture has one pair"),
        Mistake("clip", _rescale_dropped,
                "what is above the upper percentile became 0; clipped, it is 1"),
        Mistake("percentiles", _rescale_inverted,
                "low and high have changed places: the picture is inverted"),
        Mistake("constant", _rescale_asks_the_extremes,
                "one hot pixel, and the picture is not constant; but both percentiles are equal, "
                "and that divides by zero: compare the percentiles"),
        Mistake("percentiles", _rescale_wrapping,
                "subtracting whole numbers without a sign wraps around below zero: make the image "
                "float first"),
        Mistake("percentiles", _rescale_less_than_one,
                "percentiles that lie less than 1 apart count as equal here, and a picture of "
                "values from 0 to 1 turns black: ask whether they are the same"),
    ),
)  # fmt: skip
