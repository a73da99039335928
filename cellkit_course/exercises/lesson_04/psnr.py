"""psnr: write a function (lesson 04_super_resolution)."""

from __future__ import annotations

import math

import numpy as np

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_04 import LESSON


def psnr(truth, pred, peak=1.0):
    """10 log10(peak² / mean squared error) in decibels; infinite for equal pictures."""
    error = float(np.mean((truth.astype(float) - pred) ** 2))
    if error == 0:
        return float("inf")
    return float(10 * np.log10(peak**2 / error))


def _psnr_in_bytes(truth, pred, peak=1.0):
    error = float(np.mean((truth - pred) ** 2))
    return 10 * math.log10(peak**2 / error) if error else math.inf


def _psnr_of(truth, pred, peak, square=2, factor=10, log=math.log10, mean=np.mean, power=2):
    error = float(mean(abs(truth.astype(float) - pred) ** square))
    return factor * log(peak**power / error) if error else math.inf


def _psnr_brightest(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, float(truth.max()))


def _psnr_own_range(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, float(np.ptp(truth)))


def _psnr_always_255(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, 255)


def _psnr_always_1(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, 1)


def _psnr_peak_once(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, power=1)


def _psnr_natural(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, log=math.log)


def _psnr_twenty(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, factor=20)


def _psnr_bel(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, factor=1)


def _psnr_upside_down(truth, pred, peak=1.0):
    return -_psnr_of(truth, pred, peak)


def _psnr_absolute(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, square=1)


def _psnr_of_root(truth, pred, peak=1.0):
    error = float(np.sqrt(np.mean((truth.astype(float) - pred) ** 2)))
    return float(10 * np.log10(peak**2 / error)) if error else float("inf")


def _psnr_root_alone(truth, pred, peak=1.0):
    error = float(np.sqrt(np.mean((truth.astype(float) - pred) ** 2)))
    return float(10 * np.log10(peak / error)) if error else float("inf")


def _psnr_zero_if_equal(truth, pred, peak=1.0):
    value = psnr(truth, pred, peak)
    return value if np.isfinite(value) else 0.0


def _psnr_none_if_equal(truth, pred, peak=1.0):
    value = psnr(truth, pred, peak)
    return value if np.isfinite(value) else None


def _psnr_plus_tiny(truth, pred, peak=1.0):
    error = float(np.mean((truth.astype(float) - pred) ** 2))
    return float(10 * np.log10(peak**2 / (error + 1e-12)))


def _psnr_of_mean_difference(truth, pred, peak=1.0):
    error = float(np.mean(truth.astype(float) - pred)) ** 2
    return float(10 * np.log10(peak**2 / error)) if error else float("inf")


def _psnr_error_alone(truth, pred, peak=1.0):
    return float(np.mean((truth.astype(float) - pred) ** 2))


def _psnr_summed(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, mean=np.sum)


def _psnr_unguarded(truth, pred, peak=1.0):
    return 10 * math.log10(peak**2 / float(np.mean((truth.astype(float) - pred) ** 2)))


def _psnr_hundred(truth, pred, peak=1.0):
    return min(psnr(truth, pred, peak), 100)


def _psnr_of_rows(truth, pred, peak=1.0):
    errors = np.mean((truth.astype(float) - pred) ** 2, axis=1)
    with np.errstate(divide="ignore"):
        return float(np.mean(10 * np.log10(peak**2 / errors)))


def _psnr_divided_by_255(truth, pred, peak=1.0):
    if truth.dtype == np.uint8:
        truth, pred = truth / 255, pred / 255
    return psnr(truth, pred, peak)


def _psnr_absolute_for_root(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, square=1, factor=20, power=1)


def _psnr_nearly_equal(truth, pred, peak=1.0):
    return math.inf if np.allclose(truth, pred) else psnr(truth, pred, peak)


def _psnr_hundred_if_equal(truth, pred, peak=1.0):
    return psnr(truth, pred, peak) if (truth != pred).any() else 100.0


def _psnr_cases():
    def floats(*rows):
        return np.array(rows, np.float32)

    grey = np.random.default_rng(4).integers(0, 256, (2, 6, 9), np.uint8)
    colour = np.random.default_rng(5).random((2, 4, 3, 3), np.float32)
    return [
        Case("formula", "one pixel, off by a half", (floats([0.75]), floats([0.25]), 1.0)),
        Case("formula", "one pixel of two is off", (floats([0.5, 0.5]), floats([0.5, 0.3]), 1.0)),
        Case("formula", "two rows, one better than the other",
             (floats([0.1, 0.5], [0.4, 0.6]), floats([0.2, 0.5], [0.8, 0.2]), 1.0)),
        Case("peak", "no peak is given", (floats([0.1, 0.9]), floats([0.2, 0.6]))),
        Case("equal", "equal pictures", (floats([0.2, 0.7]), floats([0.2, 0.7]), 1.0)),
        Case("equal", "hardly different: an error of 1 / 2²⁰",
             (floats([0.5]), floats([0.5 + 2**-20]), 1.0)),
        Case("bytes", "8 bits, peak 255",
             (np.array([[10, 200]], np.uint8), np.array([[40, 150]], np.uint8),
                                  255)),
        Case("bytes", "8 bits, many pixels", (*grey, 255)),
        Case("peak", "12 bits, peak 4095", (floats([100, 4000]), floats([130, 3900]), 4095.0)),
        Case("formula", "a picture in colour", (*colour, 1.0)),
    ]


EXERCISE = Exercise(
    "psnr", LESSON, "write", points=2, minutes=4,
    answer=psnr, cases=_psnr_cases,
    asks={
        "formula": "ten times the logarithm to base 10 of the squared peak over the mean squared "
                   "error",
        "equal": "equal pictures have an infinite PSNR",
        "bytes": "pictures may be of 8-bit numbers, which cannot be negative",
        "peak": "peak is the range of the numbers, 1 if it is not given",
    },
    ladder=(
        "the error is one number for the whole picture: the mean of the squared differences. "
        "Decibels say how far the peak is above it",
        "make the pictures float before you subtract. Square, take the mean. If it is 0, return "
        "infinity. Else 10 · log10(peak² / error)",
    ),
    blanks=("truth.astype(float) - pred", "float(10 * np.log10(peak**2 / error))"),
    mistakes=(
        Mistake("bytes", _psnr_in_bytes,
                "8 bits cannot hold a negative number, so differences wrap around; make the "
                "pictures float before you subtract"),
        Mistake("peak", _psnr_brightest,
                "the range is that of the picture's own brightest pixel; peak says which to take, "
                "or two pictures cannot be compared"),
        Mistake("peak", _psnr_own_range,
                "the range is that of the picture's own values; peak says which to take, or two "
                "pictures cannot be compared"),
        Mistake("peak", _psnr_always_255, "the range is always 255 here; peak says what it is"),
        Mistake("peak", _psnr_always_1, "the range is always 1 here; peak says what it is"),
        Mistake("formula", _psnr_peak_once,
                "the error is squared, so the peak must be squared, too"),
        Mistake("formula", _psnr_natural,
                "that is the natural logarithm; decibels need the one to base 10"),
        Mistake("formula", _psnr_twenty,
                "20 belongs to the root of the error; the mean squared error takes 10"),
        Mistake("formula", _psnr_bel, "the factor of 10 is missing: a decibel is a tenth of a bel"),
        Mistake("formula", _psnr_upside_down,
                "the fraction is upside down: a small error must give a high number"),
        Mistake("formula", _psnr_absolute,
                "the error is not squared: take the mean of the squares"),
        Mistake("formula", _psnr_of_root,
                "the root was taken of the error; then the peak goes without a square, and 20 "
                "stands before the logarithm"),
        Mistake("formula", _psnr_root_alone,
                "with the root of the error 20 stands before the logarithm, with its square 10"),
        Mistake("equal", _psnr_zero_if_equal,
                "equal pictures have no error at all: infinity is the answer, not 0"),
        Mistake("equal", _psnr_none_if_equal,
                "for equal pictures a number comes back, too: infinity"),
        Mistake("equal", _psnr_plus_tiny,
                "a tiny number below the line makes the PSNR of equal pictures finite; it is "
                "infinite"),
        Mistake("formula", _psnr_of_mean_difference,
                "differences of both signs cancel out: square each one first, then take the mean"),
        Mistake("formula", _psnr_error_alone,
                "that is the mean squared error; the decibels are missing"),
        Mistake("formula", _psnr_summed,
                "that is the sum of the errors; take the mean, or large pictures look worse"),
        Mistake("equal", _psnr_unguarded,
                "equal pictures have an error of 0, and one cannot divide by it: their PSNR is "
                "infinite"),
        Mistake("equal", _psnr_hundred,
                "a bound is arbitrary: equal pictures have no error, and the PSNR is infinite"),
        Mistake("equal", _psnr_hundred_if_equal,
                "a bound is arbitrary: equal pictures have no error, and the PSNR is infinite"),
        Mistake("formula", _psnr_of_rows,
                "this is a mean of decibels over rows; take the mean of the errors of all pixels "
                "first, then one logarithm"),
        Mistake("bytes", _psnr_divided_by_255,
                "pictures of 8 bits are divided by 255, and peak stays 255: either both or "
                "neither"),
        Mistake("formula", _psnr_absolute_for_root,
                "the mean absolute error is no root of the mean squared error: square each error "
                "before you take the mean"),
        Mistake("equal", _psnr_nearly_equal,
                "nearly equal is not equal: an error of a millionth is 120 decibels, not infinity"),
    ),
)  # fmt: skip
