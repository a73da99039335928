"""doubling_time: write a function (lesson 08_your_own_pictures)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import curve_fit

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_08 import LESSON


def doubling_time(hours, counts):
    """Hours until there are twice as many, by a line through the logarithms of the counts."""
    slope = np.polyfit(hours, np.log2(counts), 1)[0]
    return float(1 / slope) if slope > 0 else float("inf")


def _line(x, y):
    return np.polyfit(np.asarray(x, float), np.asarray(y, float), 1)[0]


def _until(hours):
    return float(hours) if hours > 0 else float("inf")


def _doubling_by_the_ends(hours, counts):
    return _until((hours[-1] - hours[0]) / np.log2(counts[-1] / counts[0]))


def _doubling_by_the_counts(hours, counts):
    return _until(np.mean(counts) / _line(hours, counts))


def _doubling_from_the_first(hours, counts):
    return _until(counts[0] / _line(hours, counts))


def _doubling_to_e(hours, counts):
    return _until(1 / _line(hours, np.log(counts)))


def _doubling_to_ten(hours, counts):
    return _until(1 / _line(hours, np.log10(counts)))


def _doubling_rate(hours, counts):
    return float(_line(hours, np.log2(counts)))


def _doubling_rate_an_hour(hours, counts):
    return float(_line(hours, np.log(counts)))


def _doubling_by_frames(hours, counts):
    return _until(1 / _line(range(len(counts)), np.log2(counts)))


def _doubling_even_steps(hours, counts):
    even = np.linspace(hours[0], hours[-1], len(hours))
    return _until(1 / _line(even, np.log2(counts)))


def _doubling_step_by_step(hours, counts):
    return _until(float(np.mean(np.diff(hours) / np.diff(np.log2(counts)))))


def _doubling_mean_rate(hours, counts):
    return _until(float(1 / np.mean(np.diff(np.log2(counts)) / np.diff(hours))))


def _doubling_negative(hours, counts):
    return float(1 / _line(hours, np.log2(counts)))


def _doubling_either_way(hours, counts):
    return float(abs(1 / _line(hours, np.log2(counts))))


def _doubling_zero(hours, counts):
    found = doubling_time(hours, counts)
    return found if np.isfinite(found) else 0.0


def _doubling_both(hours, counts):
    return tuple(np.polyfit(hours, np.log2(counts), 1))


def _doubling_from_the_start(hours, counts):
    slope, start = np.polyfit(hours, counts, 1)
    return _until(start / slope)


def _doubling_of_two_logarithms(hours, counts):
    return _until(np.log(2) / _line(hours, np.log10(counts)))


def _doubling_of_the_start(hours, counts):
    return _until(1 / np.polyfit(hours, np.log2(counts), 1)[1])


def _doubling_hours_fitted(hours, counts):
    return _until(_line(np.log2(counts), hours))


def _doubling_through_the_first(hours, counts):
    passed, grown = hours - hours[0], np.log2(counts / counts[0])
    return _until((passed * passed).sum() / (passed * grown).sum())


def _doubling_by_a_curve(hours, counts):
    rate, start = np.polyfit(hours, np.log(counts), 1)
    (rate, _), _ = curve_fit(lambda t, rate, first: first * np.exp(rate * t), hours, counts,
                             (rate, np.exp(start)))
    return _until(np.log(2) / rate)


def _doubling_if_the_ends_rise(hours, counts):
    return doubling_time(hours, counts) if counts[-1] > counts[0] else float("inf")


def _doubling_cases():
    rng = np.random.default_rng(9)
    hours = np.array([0, 2, 3, 7, 8, 15, 16, 24.0])
    counts = np.rint(30 * 2 ** (hours / 17) * np.exp(0.1 * rng.normal(size=8)))
    return [
        Case("two", "10, 20, 40 at 0, 12 and 24 hours",
             (np.array([0, 12, 24.0]), np.array([10, 20, 40.0]))),
        Case("hours", "uneven hours", (np.array([0, 5, 30.0]), np.array([8, 11, 64.0]))),
        Case("fit", "a picture in the middle that lies off the curve",
             (np.array([0, 6, 12, 18.0]), np.array([16, 30, 32, 64.0]))),
        Case("fit", "a late start, eight uneven pictures", (hours + 5, counts)),
        Case("fewer", "a line that rises, though the last count is below the first",
             (np.array([0, 10, 20, 30.0]), np.array([40, 20, 80, 39.0]))),
        Case("fewer", "cells that become fewer",
             (np.array([0, 10, 20.0]), np.array([40, 30, 20.0]))),
    ]


EXERCISE = Exercise(
    "doubling_time", LESSON, "write", points=2, minutes=6,
    answer=doubling_time, cases=_doubling_cases,
    asks={
        "fit": "the line is the best one (least squares) through the logarithms of all counts",
        "two": "the answer is in hours: after so many there are twice as many cells",
        "hours": "pictures may be taken at uneven times",
        "fewer": "where the line falls, nothing ever doubles: the answer is infinity",
    },
    ladder=(
        "what doubles in equal times makes a straight line of logarithms",
        "np.polyfit(x, y, 1) gives the slope of the best line first. With the logarithm to base 2, "
        "the slope is doublings an hour. How many hours is one doubling? Ask first whether the "
        "line rises",
    ),
    blanks=("np.polyfit(hours, np.log2(counts), 1)", "1 / slope"),
    mistakes=(
        Mistake("fit", _doubling_by_the_ends,
                "only the first and the last picture count here; those between are thrown away"),
        Mistake("fit", _doubling_by_the_counts,
                "this line goes through the counts; growth is straight in their logarithms only"),
        Mistake("fit", _doubling_from_the_first,
                "this line goes through the counts, not their logarithms: it adds the same number "
                "of cells every hour"),
        Mistake("two", _doubling_to_e,
                "that is the time until there are e times as many: with the natural logarithm "
                "a doubling is log(2), not 1"),
        Mistake("two", _doubling_to_ten,
                "that is the time until there are ten times as many: take the logarithm to base 2"),
        Mistake("two", _doubling_rate,
                "these are doublings an hour; hours for one doubling are asked for"),
        Mistake("two", _doubling_rate_an_hour,
                "that is the growth rate an hour; hours for one doubling are asked for"),
        Mistake("hours", _doubling_by_frames,
                "that is in pictures, not in hours: the hours are not used"),
        Mistake("hours", _doubling_even_steps,
                "the hours are taken as evenly spaced; use those that were given"),
        Mistake("fit", _doubling_step_by_step,
                "a mean over the steps: one picture that lies off counts twice, a short step as "
                "much as a long one; fit one line"),
        Mistake("fit", _doubling_mean_rate,
                "a mean of the slopes from picture to picture: a short step counts as much as a "
                "long one; fit one line"),
        Mistake("fewer", _doubling_negative,
                "where cells become fewer the answer is infinity, not a time before the first "
                "picture"),
        Mistake("fewer", _doubling_either_way,
                "the sign was thrown away: cells that halve do not double"),
        Mistake("fewer", _doubling_zero,
                "0 hours would mean that they double at once; they never do: infinity"),
        Mistake("two", _doubling_both,
                "that is the line, slope and start; hours for one doubling are asked for"),
        Mistake("fit", _doubling_from_the_start,
                "this line goes through the counts, not their logarithms: it adds the same number "
                "of cells every hour"),
        Mistake("two", _doubling_of_two_logarithms,
                "two kinds of logarithm meet: whichever you take of the counts, take it of 2, too"),
        Mistake("two", _doubling_of_the_start,
                "np.polyfit gives the slope first, then where the line begins; this is where it "
                "begins"),
        Mistake("fit", _doubling_hours_fitted,
                "the hours are fitted to the logarithms; it is the logarithms that scatter: fit "
                "them to the hours"),
        Mistake("fit", _doubling_through_the_first,
                "the line is forced through the first picture; the best one need not meet any"),
        Mistake("fit", _doubling_by_a_curve,
                "a curve is fitted to the counts, so the large ones decide; fit a line to their "
                "logarithms"),
        Mistake("fewer", _doubling_if_the_ends_rise,
                "the first and the last count decide here whether it rises; ask the line's slope"),
    ),
)  # fmt: skip
