"""parameters: tune (lesson 07_watershed)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import ndimage

from cellkit.metrics import average_precision
from cellkit.postprocessing import instances
from cellkit.targets import distance_map
from cellkit_course.comparing import Fault
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_07 import LESSON
from cellkit_course.presenting import family, present

ENOUGH = 0.30  # the mean average precision to reach
FIRSTS = (20, 40)  # seeds of the check's pictures
#: Where the exercise begins, for seeds that are cores (``h=None``).
START = {"threshold": 0.5, "smoothing": 0.5, "seed_threshold": 0.5, "min_size": 16}


def imitated_maps(labels, seed):
    """What a timid and noisy network might say about these cells."""
    grain = np.random.default_rng(seed).normal(size=labels.shape)
    grain = ndimage.gaussian_filter(grain, 1)
    blurred = [ndimage.gaussian_filter(m.astype(float), 2)
               for m in (labels > 0, distance_map(labels))]
    foreground, distance = (np.clip(m + 0.2 * grain / grain.std(), 0, 1) for m in blurred)
    return {"foreground": foreground, "distance": 0.7 * distance}


@lru_cache(maxsize=2)
def unseen(firsts=FIRSTS):
    """Eight drawn pictures that the lesson does not show, by two seeds: (maps, labels)."""
    from cellkit import synthetic

    lines = ("A172", "BV2", "SHSY5Y", "SkBr3")
    truth = [synthetic.render(line, (160, 160), first + k).labels
             for first in firsts for k, line in enumerate(lines)]
    return [imitated_maps(labels, seed) for seed, labels in enumerate(truth)], truth


@lru_cache(maxsize=256)
def _score(choice, firsts=FIRSTS):
    maps, truth = unseen(firsts)
    found = [instances(one, "distance", h=None, **START | dict(choice)) for one in maps]
    return float(average_precision(truth, found).mean())


def parameters():
    """threshold, smoothing, seed_threshold and min_size for the imitated maps."""
    return {"smoothing": 2, "seed_threshold": 0.35}


def _parameters_as_they_were():
    return {}


def _parameters_smooth_only():
    return {"smoothing": 2}


def _parameters_seed_only():
    return {"seed_threshold": 0.35}


def _parameters_no_seed():
    return {"smoothing": 2, "seed_threshold": 0.99}


def _parameters_lower():
    return {"smoothing": 1, "seed_threshold": 0.35}


def _parameters_unknown():
    return {"sigma": 2, "seed_threshold": 0.35}


def _parameters_of_peaks():
    return {"smoothing": 2, "seed_threshold": 0.35, "h": 0.1}


def _parameters_flattened():
    return {"smoothing": 8, "seed_threshold": 0.35}


def _parameters_cores_run_together():
    return {"smoothing": 2, "seed_threshold": 0.1}


def _parameters_cores_too_high():
    return {"smoothing": 2, "seed_threshold": 0.65}


def _parameters_large_cells_only():
    return {"smoothing": 2, "seed_threshold": 0.35, "min_size": 600}


def _parameters_too_strict():
    return {"smoothing": 2, "seed_threshold": 0.35, "threshold": 0.9}


def _parameters_of_the_watershed():
    return {"smoothing": 2, "peak_distance": 5}


def _parameters_as_text():
    return {"smoothing": "2", "seed_threshold": 0.35}


def _parameters_no_dictionary():
    return 2, 0.35


_GRAIN = "every grain of noise is a seed: smooth the distance map more"
_FLAT = "smoothed so much that neighbouring hills become one: smooth less"
_HIGH = ("the cores are sought too high: these maps seldom reach 0.7 in the middle of a cell, and "
         "smoothing takes off more")
_LOW = "the cores are sought so low that those of neighbours run together"
_SIZE = "with this min_size small cells are thrown away"
_STRICT = "with this threshold hardly any mask is left, or far too much"
_QUOTES = "a number stands in quotes: leave them out"
_DICTIONARY = "write a dictionary: {\"smoothing\": …, …}"
_CORES = "leave h out: here a seed is a core, cut out by seed_threshold, and no peak"
#: Values that are near enough: to try what an answer would reach if one of its own were mended.
_NEAR = {"threshold": 0.5, "smoothing": 2, "seed_threshold": 0.35, "min_size": 16}


def _no_such(name):
    return f"{name!r} is none of these names"


def _named(value: dict) -> dict:
    """Without ``h=None``, which :func:`cellkit.tune_instances` gives back and is so anyway."""
    return {name: one for name, one in value.items() if name != "h" or one is not None}


def _judge_parameters(case, outcome, again):
    value, (firsts, enough) = outcome.value, case.data or (FIRSTS, ENOUGH)
    wanted = "a dictionary with some of " + ", ".join(START)
    if not isinstance(value, dict):
        return Fault(present(value), wanted, _DICTIONARY)
    value = _named(value)
    for name in value:
        if name not in START:
            return Fault(present(value), wanted, _CORES if name == "h" else _no_such(name))
    for name, number in value.items():
        if family(number) != "number" or isinstance(number, bool):
            return Fault(f"{name} = {present(number)}", "a number",
                         _QUOTES if isinstance(number, str) else f"{name} is a number")
    used = START | {name: float(number) for name, number in value.items()}
    used["min_size"] = int(used["min_size"])
    try:
        score = _score(tuple(sorted(used.items())), firsts)
    except (TypeError, ValueError) as problem:
        return Fault(str(problem), wanted, "this number is outside of what makes sense")
    if score >= enough:
        return None
    return Fault(f"mean average precision {score:.3f}", f"at least {enough:.2f}",
                 _suspicion(used, score, firsts))


def _suspicion(used, score, firsts) -> str:
    """What costs most: each number is exchanged for a near enough one, and the result tried."""
    mended = {name: _score(tuple(sorted((used | {name: near}).items())), firsts)
              for name, near in _NEAR.items()}
    worst = max(mended, key=mended.get)
    if mended[worst] < score + 0.005:
        return ""
    low = used[worst] < _NEAR[worst]
    return {"smoothing": _GRAIN if low else _FLAT, "seed_threshold": _LOW if low else _HIGH,
            "min_size": _GRAIN if low else _SIZE, "threshold": _STRICT}[worst]


def _praise_parameters(outcome, again):
    used = START | {name: float(number) for name, number in _named(outcome.value).items()}
    used["min_size"] = int(used["min_size"])
    return (f"Mean average precision {_score(tuple(sorted(used.items()))):.3f}; at the start it "
            f"was {_score(tuple(sorted(START.items()))):.3f} on these pictures.")


EXERCISE = Exercise(
    "parameters", LESSON, "tune", points=4, minutes=15,
    answer=parameters,
    cases=lambda: [Case("better", "eight other drawn pictures, and the same network")],
    judge=_judge_parameters, seconds=20,
    remark=_praise_parameters,
    asks={
        "better": "the mean AP on pictures that you do not see is at least 0.30",
        "form": "a dictionary with some of the four names comes back, each with a number",
    },
    ladder=(
        "two things go wrong at the start: noise makes seeds where no cell is, and the hills of "
        "real cells are low",
        "smoothing takes the grain away, and lowers the hills further. So seed_threshold must "
        "come down with it. Search a grid of both with ck.tune_instances",
    ),
    blanks=("\"smoothing\": 2", "\"seed_threshold\": 0.35"),
    mistakes=(
        Mistake("better", _parameters_as_they_were, _GRAIN),
        Mistake("better", _parameters_smooth_only, _HIGH),
        Mistake("better", _parameters_seed_only, _GRAIN),
        Mistake("better", _parameters_no_seed, _HIGH),
        Mistake("better", _parameters_lower, _GRAIN),
        Mistake("better", _parameters_flattened, _FLAT),
        Mistake("better", _parameters_cores_run_together, _LOW),
        Mistake("better", _parameters_cores_too_high, _HIGH),
        Mistake("better", _parameters_large_cells_only, _SIZE),
        Mistake("better", _parameters_too_strict, _STRICT),
        Mistake("form", _parameters_of_the_watershed,
                "peak_distance belongs to the watershed of a mask; here the cores are cut out by "
                "seed_threshold"),
        Mistake("form", _parameters_unknown, _no_such("sigma")),
        Mistake("form", _parameters_of_peaks, _CORES),
        Mistake("form", _parameters_as_text, _QUOTES),
        Mistake("form", _parameters_no_dictionary, _DICTIONARY),
    ),
)  # fmt: skip
