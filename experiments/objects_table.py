"""Which head and which augmentation find single cells best, on pictures never trained on.

``python -m experiments.objects_table --seeds 0 1 2`` trains one small network after another, all
for so many steps on the same real LIVECell pictures, chooses each one's parameters on training
pictures, and scores the test wells.  Each row stands in ``cellkit_course/results/objects.json`` as
soon as it is there: interrupted, the same command goes on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import torch
from skimage import feature, segmentation

from cellkit import UNet, augment, dice, fit, heads, losses, metrics, predict, targets
from cellkit.annotations import boxes
from cellkit.networks import unet
from cellkit.postprocessing.watershed import separate
from cellkit_course.results import RESULTS
from experiments.bundled_weights import ANY_ANGLE, Middle, drawn, even, with_drawn
from experiments.paper_tables import keep
from experiments.resolution_table import samples

NAME, WIDE, SIDE, TUNING = "objects", 224, 160, 5  # crops in pixels; pictures to tune on
FIT = {"steps_per_epoch": 20, "batch_size": 4, "crop": WIDE, "lr": 3e-3, "optimizer": "adamw",
       "schedule": "onecycle", "progress": False}


class DistanceAndBorder(heads.Distance):
    """Distance, and a logit of the cell's rim: where that is sure, the distance counts less."""

    channels = 3
    losses = {"distance and border": lambda output, target: losses.distance(
        output[:, :2], target[:, :2]) + losses.bce(output[:, 2:], target[:, 2:])}

    def target(self, labels, sharp):
        rim = targets.border_map(labels) == 2
        return np.concatenate([super().target(labels, sharp), rim[None]], dtype=np.float32)

    def maps(self, output):
        maps = super().maps(output[:2])
        return maps | {"distance": maps["distance"] * (1 - output[2].sigmoid())}


class DistanceAndHill(heads.Distance):
    """Distance to flood over, and a hill at the cell's middle for its seed."""

    channels = 3
    losses = {"distance and hill": lambda output, target: losses.distance(
        output[:, :2], target[:, :2]) + (output[:, 2:] - target[:, 2:]).abs().mean()}

    def target(self, labels, sharp):
        return np.concatenate([super().target(labels, sharp), hill_map(labels)[None]],
                              dtype=np.float32)

    def maps(self, output):
        return super().maps(output[:2]) | {"hill": output[2].clamp(0, 1)}


def hill_map(labels: np.ndarray) -> np.ndarray:
    """A Gaussian at each cell's middle, 1 there, as wide as a fifth of its width; in that cell."""
    hill = np.zeros(labels.shape, np.float32)
    for k, box in boxes(labels):
        place = np.argwhere(labels[box] == k)
        middle = place[((place - place.mean(axis=0)) ** 2).sum(axis=1).argmin()]
        away = ((place - middle) ** 2).sum(axis=1)
        hill[box][tuple(place.T)] = np.exp(-away / (2 * 0.04 * len(place)))
    return hill


def from_hills(maps: dict, *, seed_threshold: float) -> np.ndarray:
    """Seeds from the hill's peaks, flooded over the distance."""
    peaks = feature.peak_local_max(maps["hill"], min_distance=3, threshold_abs=seed_threshold,
                                   exclude_border=False)
    seeds = np.zeros(maps["hill"].shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    flooded = segmentation.watershed(-maps["distance"], seeds, mask=maps["foreground"] > 0.5)
    # What no seed was in is cells too, as in cellkit.instances.
    rest = separate((maps["foreground"] > 0.5) & (flooded == 0), "components")
    return np.where(rest > 0, rest + flooded.max(), flooded)


def by(method: str) -> Callable:
    return lambda maps, **params: separate(maps, method, **params)


@dataclass(frozen=True)
class Run:
    """A head, how its maps become cells, what is tried for that, and how pictures are varied."""

    words: str
    head: str = "flow"
    decode: Callable = by("flow")
    grid: dict = field(default_factory=lambda: {"max_error": (0.4, 0.6, 0.8, None)})
    augment: Callable = ANY_ANGLE
    drawn: bool = False


HILLS = {"seed_threshold": (0.1, 0.3, 0.5)}
RUNS = {
    "foreground": Run("foreground, watershed", "foreground", by("watershed"),
                      {"smoothing": (1, 2), "peak_distance": (5, 8, 12)}),
    "border": Run("border", "border", by("border"), {"seed_threshold": (0.3, 0.5, 0.7)}),
    "distance": Run("distance", "distance", by("distance"), HILLS | {"h": (None, 0.1)}),
    "distance and border": Run("distance and border", "distance and border", by("distance"),
                               HILLS | {"h": (None, 0.1)}),
    "distance and hill": Run("distance and centre hill", "distance and hill", from_hills, HILLS),
    "flow": Run("flow: any angle, a fifth larger or smaller, flips, light"),
    "flow, flips": Run("flow: flips, quarter turns, light", augment=augment.default),
    "flow, any angle": Run("flow: the same and any angle",
                           augment=augment.Pipeline(augment.Rotate(180), augment.default)),
    "flow, bent": Run("flow: any angle, size, flips, light, and bent",
                      augment=augment.Pipeline(augment.Elastic(), ANY_ANGLE)),
    "flow, drawn": Run("flow: any angle, size, flips, light, a quarter of the pictures drawn",
                       drawn=True),
}


def register() -> None:
    """Add this study's two heads to those that any U-Net may have."""
    for name, head in (("distance and border", DistanceAndBorder()),
                       ("distance and hill", DistanceAndHill())):
        head.name = name
        heads.HEADS[name] = unet.HEADS[name] = head


def run(name: str, steps: int, seed: int) -> dict:
    """Train one network and score it: a row."""
    asked = RUNS[name]
    train, test = samples()
    if test.dataset.startswith("synthetic"):
        raise SystemExit("set CELLKIT_DATA to the folder that holds livecell/ (the real images).")
    rows = even(train)
    if asked.drawn:
        rows = with_drawn(rows, drawn("livecell"))
    net = UNet(width=16, depth=3, head=asked.head, seed=seed)
    began = time.perf_counter()
    fit(net, rows, None, epochs=steps // FIT["steps_per_epoch"], seed=seed,
        augment=Middle(asked.augment, SIDE), **FIT)
    minutes = (time.perf_counter() - began) / 60
    known = train[::len(train) // TUNING]
    seen = [predict(net, s.image, all=True) for s in known]
    truth = [s.labels for s in known]
    params = max((dict(zip(asked.grid, values, strict=True))
                  for values in product(*asked.grid.values())),
                 key=lambda one: metrics.average_precision(
                     truth, [asked.decode(maps, **one) for maps in seen]).mean())
    maps = [predict(net, s.image, all=True) for s in test]
    truth, found = [s.labels for s in test], [asked.decode(one, **params) for one in maps]
    pooled = metrics.average_precision(truth, found)
    each = [metrics.average_precision(*pair) for pair in zip(truth, found, strict=True)]
    return {"words": asked.words, "steps": steps, "trained on": len(train),
            "tested on": len(test), "minutes": round(minutes, 1),
            "weights": sum(p.numel() for p in net.parameters()), "params": params,
            **{key: round(float(value), 4) for key, value in (
                ("AP50", pooled[0]), ("mean AP", pooled.mean()),
                ("AP50, mean over images", np.mean([one[0] for one in each])),
                ("mean AP, mean over images", np.mean(each)),
                ("dice", dice([s.mask for s in test], [m["foreground"] > 0.5 for m in maps])))}}


def main(arguments=None):
    parser = argparse.ArgumentParser("python -m experiments.objects_table", description=__doc__)
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    register()
    torch.set_num_threads(1)  # the sum of two runs side by side, and the same numbers anywhere
    for seed, name in product(asked.seeds, asked.runs):
        key = f"{name}, {asked.steps} steps, seed {seed}"
        row = keep(NAME, key, lambda n=name, s=seed: run(n, asked.steps, s), asked.out)
        print(key, {k: v for k, v in row.items() if k not in ("words", "commit")}, flush=True)


if __name__ == "__main__":
    main()
