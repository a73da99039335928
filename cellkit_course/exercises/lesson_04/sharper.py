"""sharper: tune (lesson 04_super_resolution)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter

import cellkit as ck
from cellkit.degradation import shrink
from cellkit.metrics import psnr as decibels
from cellkit_course.comparing import Fault, difference
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_04 import LESSON
from cellkit_course.exercises.lesson_04.area_mean import area_mean
from cellkit_course.exercises.lesson_04.enlarge import enlarge

#: What has to be won over bicubic, in decibels, mean over the pictures.  One unsharp mask, however
#: well tuned, wins 0.42; consistency wins 0.49.
GAIN = 0.44
LINES = ("A172", "BT474", "BV2", "Huh7", "MCF7", "SkBr3")
FIRST = 50_000  # the seed of the first picture


def sharper(small, shape):
    """A better picture than bicubic makes: made coarse again, it gives back what was given."""
    large = ck.enlarge(small, shape)
    for _ in range(5):
        lack = small - area_mean(large, shape[0] // small.shape[0])
        large = large + enlarge(lack, shape)
    return np.clip(large, 0, 1)


def _sharper_bicubic(small, shape):
    return ck.enlarge(small, shape)


def _sharper_lanczos(small, shape):
    return ck.enlarge(small, shape, "lanczos")


def _sharper_nearest(small, shape):
    return ck.enlarge(small, shape, "nearest")


def _sharper_blurred(small, shape):
    return gaussian_filter(ck.enlarge(small, shape), 1)


def _sharper_too_much(small, shape):
    large = ck.enlarge(small, shape)
    return np.clip(large + 3 * (large - gaussian_filter(large, 1)), 0, 1)


def _sharper_too_wide(small, shape):
    large = ck.enlarge(small, shape)
    return np.clip(large + 0.6 * (large - gaussian_filter(large, 8)), 0, 1)


def _sharper_timid(small, shape):
    large = ck.enlarge(small, shape)
    return np.clip(large + 0.2 * (large - gaussian_filter(large, 1)), 0, 1)


def _sharper_unsharp(small, shape):
    large = ck.enlarge(small, shape)
    return np.clip(large + 0.6 * (large - gaussian_filter(large, 1)), 0, 1)


def _sharper_one_round(small, shape):
    large = ck.enlarge(small, shape)
    lack = small - area_mean(large, shape[0] // small.shape[0])
    return np.clip(large + 0.8 * enlarge(lack, shape), 0, 1)


def _sharper_wrong_sign(small, shape):
    large = ck.enlarge(small, shape)
    return np.clip(large - 0.6 * (large - gaussian_filter(large, 1)), 0, 1)


def _sharper_details_alone(small, shape):
    large = ck.enlarge(small, shape)
    return np.clip(large - gaussian_filter(large, 1), 0, 1)


def _sharper_unclipped(small, shape):
    large = ck.enlarge(small, shape)
    return large + 0.6 * (large - gaussian_filter(large, 1))


def _sharper_stretched(small, shape):
    large = ck.enlarge(small, shape)
    return (large - large.min()) / (large.max() - large.min())


def _sharper_small(small, shape):
    return small


_SAME = "that is no better than bicubic; the spectra show which waves are damped: push them up"
_SOME = ("better than bicubic, but not far enough: make your answer coarse again, and add what is "
         "missing, several times; that alone is enough")
_MORE = "the right way, but too timid: one and a half times your change would be better"
_MUCH = "too much of it, or some of it in the wrong places: half of your change would be better"
_FAR_TOO_MUCH = "the right way, but far too much: a tenth of your change would beat bicubic"
_WORSE = "worse than bicubic, and even a tenth of your change is: this pushes the wrong waves"
_CLIP = "sharpening overshoots at edges: cut what is below 0 and above 1"
_STEP = (24, 32)


@lru_cache(maxsize=4)
def sharp_pictures(first=FIRST):
    """Six synthetic pictures, one a line, by the seed of the first."""
    from cellkit import synthetic

    return [synthetic.render(line, (128, 160), first + 4 * k).image
            for k, line in enumerate(LINES)]


def _sharper_cases():
    step = np.zeros((12, 16), np.float32)
    step[:, 8:] = 1
    return [
        Case("range", "a step from black to white, which must stay between 0 and 1", (step, _STEP)),
        Case("gain", "six synthetic pictures at M = 1/2", unseen(FIRST), (FIRST, GAIN)),
    ]


def unseen(first):
    """What an answer is called with for the first of six pictures."""
    return shrink(sharp_pictures(first)[0], 1 / 2), (128, 160)


def _gain(answer, first=FIRST, push=1.0):
    """Decibels above bicubic, mean over the pictures, for ``push`` times the answer's change.

    None where there is no picture.
    """
    gains = []
    for truth in sharp_pictures(first):
        small = shrink(truth, 1 / 2)
        usual, large = ck.enlarge(small, truth.shape), answer(small, truth.shape)
        if large is None or np.shape(large) != truth.shape:
            return None
        large = np.clip(usual + push * (large - usual), 0, 1).astype(np.float32)
        gains.append(decibels(truth, large) - decibels(truth, usual))
    return float(np.mean(gains))


def _judge_sharper(case, outcome, again):
    shape, value = case.args[1], outcome.value
    wrong = difference(value, np.zeros(shape), tolerance=1e9)
    if wrong:
        return wrong
    low, high = float(value.min()), float(value.max())
    if not (low >= -1e-6 and high <= 1 + 1e-6):
        return Fault(f"grey values from {low:.3f} to {high:.3f}", "0 to 1", _CLIP)
    if case.data is None:
        return None
    first, needed = case.data
    gain = _gain(again, first)
    if gain is None:
        return Fault("no picture", "a picture", "for another small picture nothing came back")
    if gain >= needed:
        return None
    half, more = _gain(again, first, 0.5), _gain(again, first, 1.5)  # the suspicion, tried
    tenth = _gain(again, first, 0.1) if gain < -0.02 and half <= 0.02 else -1
    hint = (_MUCH if half > max(gain, 0.02) else _FAR_TOO_MUCH if tenth > 0.02 else
            _WORSE if gain < -0.02 else _SAME if gain < 0.02
            else _MORE if more > gain else _SOME)
    # Rounded down: what is too little must not read as enough.
    below = np.floor(100 * gain) / 100
    return Fault(f"{below:+.2f} dB against bicubic", f"at least {needed:+.2f} dB, mean over the "
                 "pictures", hint)


EXERCISE = Exercise(
    "sharper", LESSON, "tune", points=5, minutes=20,
    answer=sharper, cases=_sharper_cases, judge=_judge_sharper,
    remark=lambda outcome, again: (
        f"{_gain(again):+.2f} dB against bicubic, mean over the pictures."),
    asks={
        "gain": "the picture is nearer to the truth than bicubic's, by so many decibels",
        "range": "the grey values stay within 0 and 1",
        "shape": "a numpy array of the shape of the sharp picture comes back, float",
    },
    ladder=(
        "what was damped must be pushed up again. How much? Your answer, made coarse, must be "
        "what you were given: that tells you",
        "begin with ck.enlarge. Make it coarse with area_mean, take that from small, enlarge the "
        "difference, add it. Do so several times, and clip at the end",
    ),
    blanks=("small - area_mean(large, shape[0] // small.shape[0])", "enlarge(lack, shape)"),
    mistakes=(
        Mistake("gain", _sharper_bicubic, _SAME),
        Mistake("gain", _sharper_lanczos, _MORE),
        Mistake("gain", _sharper_nearest, "squares have sharp borders, but in the wrong places"),
        Mistake("gain", _sharper_blurred,
                "this is smoother than bicubic; sharpening adds what a blur would take away"),
        Mistake("gain", _sharper_too_much, _MUCH),
        Mistake("gain", _sharper_too_wide,
                "the blur is so wide that whole cells are pushed; only the finest waves were "
                "damped"),
        Mistake("gain", _sharper_timid, _MORE),
        Mistake("gain", _sharper_unsharp, _SOME),
        Mistake("gain", _sharper_one_round, _MORE),
        Mistake("gain", _sharper_wrong_sign, _WORSE),
        Mistake("gain", _sharper_details_alone,
                "these are the details alone; add them to the picture"),
        Mistake("range", _sharper_unclipped, _CLIP),
        Mistake("gain", _sharper_stretched,
                "stretching the grey values changes all waves alike; only the fine ones were "
                "damped"),
        Mistake("shape", _sharper_small, "that is still the small picture: enlarge it to shape"),
    ),
)  # fmt: skip
