"""spread_left: write a function (lesson 05_double_unet)."""

from __future__ import annotations

import numpy as np

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_05 import LESSON


def spread_left(sharp, coarse):
    """Each channel's standard deviation in the coarse picture, as a share of that in the sharp."""
    before, after = sharp.std(axis=(1, 2)), coarse.std(axis=(1, 2))
    left, busy = np.ones(len(before)), before > 0
    left[busy] = after[busy] / before[busy]
    return left


def _guarded(over, under):
    return np.where(under == 0, 1, over / np.where(under == 0, 1, under))


def _left_of_variance(sharp, coarse):
    return _guarded(coarse.var(axis=(1, 2)), sharp.var(axis=(1, 2)))


def _left_upside_down(sharp, coarse):
    return _guarded(sharp.std(axis=(1, 2)), coarse.std(axis=(1, 2)))


def _left_unguarded(sharp, coarse):
    return coarse.std(axis=(1, 2)) / sharp.std(axis=(1, 2))


def _left_padded(sharp, coarse):
    return coarse.std(axis=(1, 2)) / (sharp.std(axis=(1, 2)) + 1e-6)


def _left_silent_is_zero(sharp, coarse):
    before = sharp.std(axis=(1, 2))
    return coarse.std(axis=(1, 2)) / np.where(before == 0, np.inf, before)


def _left_of_everything(sharp, coarse):
    return coarse.std() / sharp.std() if sharp.std() else 1.0


def _left_of_columns(sharp, coarse):
    return _guarded(coarse.std(axis=(0, 1)), sharp.std(axis=(0, 1)))


def _left_of_mean(sharp, coarse):
    silent = sharp.std(axis=(1, 2)) == 0
    return np.where(silent, 1, coarse.mean(axis=(1, 2)) / np.where(
        silent, 1, sharp.mean(axis=(1, 2))))


def _left_as_list(sharp, coarse):
    return list(spread_left(sharp, coarse))


def _left_over_channels(sharp, coarse):
    return coarse.std(axis=0) / np.where(sharp.std(axis=0) == 0, 1, sharp.std(axis=0))


def _left_lost(sharp, coarse):
    return 1 - spread_left(sharp, coarse)


def _left_of_sample(sharp, coarse):
    return _guarded(coarse.std(axis=(1, 2), ddof=1), sharp.std(axis=(1, 2)))


def _left_of_range(sharp, coarse):
    return _guarded(np.ptp(coarse, axis=(1, 2)), np.ptp(sharp, axis=(1, 2)))


def _left_capped(sharp, coarse):
    return np.minimum(spread_left(sharp, coarse), 1)


def _left_difference(sharp, coarse):
    return sharp.std(axis=(1, 2)) - coarse.std(axis=(1, 2))


def _left_sample(sharp, coarse):
    return np.where(sharp.std(axis=(1, 2)) == 0, 1, coarse.std(axis=(1, 2)))


def _left_asks_the_coarse(sharp, coarse):
    before, after = sharp.std(axis=(1, 2)), coarse.std(axis=(1, 2))
    left = np.where(before == 0, np.inf, after / np.where(before == 0, 1, before))
    return np.where(after == 0, 1, left)


def _left_at_least_one(sharp, coarse):
    return coarse.std(axis=(1, 2)) / np.maximum(sharp.std(axis=(1, 2)), 1)


def _left_silent_left_out(sharp, coarse):
    busy = sharp.std(axis=(1, 2)) > 0
    return spread_left(sharp[busy], coarse[busy])


def _left_silent_in_both(sharp, coarse):
    left = _left_unguarded(sharp, coarse)
    return np.where(np.isnan(left), 1, left)


def _left_upside_down_but_guarded(sharp, coarse):
    silent = sharp.std(axis=(1, 2)) == 0
    return np.where(silent, 1, _guarded(sharp.std(axis=(1, 2)), coarse.std(axis=(1, 2))))


def _left_nan_to_num(sharp, coarse):
    return np.nan_to_num(_left_unguarded(sharp, coarse), nan=1.0)


def _left_hardly_padded(sharp, coarse):
    return coarse.std(axis=(1, 2)) / (sharp.std(axis=(1, 2)) + 1e-8)


def _left_quiet_is_silent(sharp, coarse):
    return np.where(sharp.std(axis=(1, 2)) < 0.01, 1, spread_left(sharp, coarse))


def _left_one_for_all(sharp, coarse):
    return np.full(len(sharp), coarse.std() / sharp.std())


def _left_cases():
    rng = np.random.default_rng(0)
    simple = np.array([[[0.0, 2.0], [2.0, 0.0]]])
    return [
        Case("share", "one channel that is half as lively", (simple, simple / 2)),
        Case("share", "one channel that is livelier, and brighter", (simple, simple * 3 + 7)),
        Case("channels", "two channels, one never changes in the coarse picture",
             (np.concatenate([simple * 3, simple]), np.concatenate([simple * 3, simple * 0]))),
        Case("silent", "a channel that never changes, in either picture", (simple * 0, simple * 0)),
        Case("silent", "a channel that never changes in the sharp picture only",
             (np.concatenate([simple * 0, simple]), np.concatenate([simple * 2, simple]))),
        Case("silent", "a channel that is always 5 in the sharp picture",
             (simple * 0 + 5, simple * 3)),
        Case("silent", "a channel that hardly changes", (simple / 1000, simple / 4000)),
        Case("channels", "three channels of 4×5",
             (rng.random((3, 4, 5)), 2 * rng.random((3, 4, 5)))),
    ]


_SILENT = ("a channel that never changes in the sharp picture has no spread to lose; give 1 for "
           "it, whatever it does in the coarse one")

EXERCISE = Exercise(
    "spread_left", LESSON, "write", points=2, minutes=6,
    answer=spread_left, cases=_left_cases,
    asks={
        "share": "the coarse picture's standard deviation is divided by the sharp picture's",
        "channels": "each channel has a number of its own, taken over its rows and columns",
        "silent": "a channel that never changes in the sharp picture gets a 1",
        "array": "an array (C,) comes back",
    },
    ladder=(
        "a channel's spread is the standard deviation over its rows and columns, axes 1 and 2",
        "begin with an array of ones. Where the sharp spread is above 0, put in the quotient; ask "
        "before you divide",
    ),
    blanks=("axis=(1, 2)", "after[busy] / before[busy]"),
    mistakes=(
        Mistake("share", _left_of_variance,
                "that compares variances; their roots, the standard deviations, have the unit of "
                "the values"),
        Mistake("share", _left_upside_down,
                "upside down: what is left is the coarse picture's spread over the sharp one's"),
        Mistake("silent", _left_unguarded, _SILENT),
        Mistake("silent", _left_padded, _SILENT),
        Mistake("silent", _left_silent_is_zero, _SILENT),
        Mistake("silent", _left_asks_the_coarse,
                "the coarse picture is asked whether a channel changes; it is the sharp one that "
                "decides"),
        Mistake("silent", _left_at_least_one,
                "a spread below 1 is replaced by 1 below the line, so quiet channels come out too "
                "small; only where it is 0 is there nothing to divide by"),
        Mistake("silent", _left_silent_left_out,
                "channels that never change are left out; each has a place in the array, with a 1"),
        Mistake("silent", _left_silent_in_both, _SILENT),
        Mistake("channels", _left_of_everything,
                "one number for each channel is wanted: take the spread over rows and columns "
                "only"),
        Mistake("channels", _left_of_columns,
                "the channels are axis 0; take the spread over the other two"),
        Mistake("share", _left_of_mean, "this compares the means; compare the spreads"),
        Mistake("array", _left_as_list, "an array is asked for: np.array(…) around the list"),
        Mistake("channels", _left_over_channels,
                "the channels are axis 0; take the spread over the other two"),
        Mistake("share", _left_lost, "that is the share that is lost; what is left is asked for"),
        Mistake("share", _left_of_sample,
                "one of the two spreads divides by n - 1, the other by n: take the same for both"),
        Mistake("share", _left_of_range, "that is the range, largest minus smallest; take .std"),
        Mistake("share", _left_capped,
                "a channel may be livelier in the coarse picture: more than 1 is left"),
        Mistake("share", _left_difference, "this subtracts the spreads; divide them"),
        Mistake("share", _left_sample,
                "this is the coarse picture's spread; now divide by the sharp picture's"),
        Mistake("share", _left_upside_down_but_guarded,
                "upside down: what is left is the coarse picture's spread over the sharp one's"),
        Mistake("silent", _left_nan_to_num, _SILENT),
        Mistake("silent", _left_hardly_padded, _SILENT),
        Mistake("silent", _left_quiet_is_silent,
                "a channel that changes little is no channel that never changes: only a spread of "
                "0 gets a 1"),
        Mistake("channels", _left_one_for_all,
                "one number for each channel is wanted: take the spread over rows and columns "
                "only"),
    ),
)  # fmt: skip
