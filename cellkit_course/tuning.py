"""One small training, always the same but for a few settings: the ground of an exercise.

``python -m cellkit_course.tuning`` trains with the baseline of lesson 02_unet_from_scratch over
several seeds and writes ``tuning.json`` beside this module: what a baseline scores, and how far
chance alone moves it.  ``python -m cellkit_course.tuning '{"width": 8, …}' 7`` prints the Dice that
other settings reach with seed 7 (with several seeds: their mean).
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cellkit import synthetic
from cellkit.files import replacing
from cellkit.inference import predict
from cellkit.metrics import dice
from cellkit.networks import UNet
from cellkit.train import fit
from cellkit_course.plans import BASELINE
from cellkit_course.record import graded

LOSSES = ("bce", "soft_dice", "bce+soft_dice")
LINES = ("A172", "BV2", "Huh7", "SKOV3")
SIDE = 128  # pixels
TRAIN, VALID = (0, 4), (8,)  # seeds of the first line's pictures; the next line's follow
SEEDS = (0, 1, 2)  # of the check and of the hidden tests
#: How far a mean over :data:`SEEDS` may lie off on another machine: AVX2 instead of AVX-512 moved
#: it by 0.001 at most, and a single training by 0.005.
OTHER_MACHINE = 0.01
MEASURED = Path(__file__).with_suffix(".json")


def budget(settings) -> float:
    """What a training may cost: about proportional to its multiplications."""
    return settings["width"] ** 2 * settings["steps"]


def trial(settings: dict, seed: int = 0) -> float:
    """Mean validation Dice of a U-Net of depth 2 trained with some settings.

    Parameters
    ----------
    settings : dict
        "width" and "steps" (whole numbers), "lr", and "loss", one of :data:`LOSSES`.
    seed : int
        Of weights, crops and augmentation; the pictures, eight rendered ones of 128×128 to train
        on and four others to validate on, stay the same.
    """
    return _trial(*(settings[key] for key in ("width", "lr", "loss", "steps")), seed)


@lru_cache(maxsize=64)
def _trial(width, lr, loss, steps, seed):
    def pictures(seeds):
        return [synthetic.render(line, (SIDE, SIDE), first + k)
                for first in seeds for k, line in enumerate(LINES)]

    net = UNet(width=width, depth=2, seed=seed)
    fit(net, pictures(TRAIN), epochs=1, steps_per_epoch=steps, batch_size=4, crop=64, lr=lr,
        loss=loss, seed=seed, progress=False, amp=False, device="cpu")
    valid = pictures(VALID)
    return float(np.mean([dice(s.mask, predict(net, s.image) > 0.5) for s in valid]))


def score(settings: dict, seeds=SEEDS) -> float:
    """The mean of :func:`trial` over seeds; a single one moves by luck as much as by skill."""
    return float(np.mean([trial(settings, seed) for seed in seeds]))


def target() -> float:
    """The Dice to reach: the baseline's mean, and three spreads of a mean over :data:`SEEDS`.

    A machine that grades trains a little differently from the student's: there a bit less will do.
    """
    chance = measured()["spread"] / len(SEEDS) ** 0.5  # a mean moves less than one training
    return measured()["mean"] + 3 * chance - (OTHER_MACHINE if graded() else 0)


def measured() -> dict:
    """What :func:`measure` wrote down."""
    return json.loads(MEASURED.read_text(encoding="utf-8"))


def measure(seeds=range(8)) -> dict:
    """The baseline's Dice over seeds, as it is stored."""
    scores = [trial(BASELINE, seed) for seed in seeds]
    return {
        "command": "python -m cellkit_course.tuning",
        "settings": BASELINE,
        "dice": [round(score, 4) for score in scores],
        "mean": round(float(np.mean(scores)), 4),
        "spread": round(float(np.std(scores, ddof=1)), 4),
        "torch": version("torch").partition("+")[0],
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(score(json.loads(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or SEEDS))
    else:
        with replacing(MEASURED) as draft:
            draft.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
        print(MEASURED.read_text(encoding="utf-8"))
