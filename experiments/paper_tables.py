"""Runs the papers' experiments; their rows are what lesson 03 calls *measured earlier*.

``python -m experiments.paper_tables paper5 --set dsb2018 --steps 800`` trains one network and
keeps its row in ``cellkit_course/results/paper5.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cellkit import augment
from cellkit.device import pick_device
from cellkit.files import replacing
from cellkit.samples import split
from cellkit_course.papers import PAPER3, PAPER5, Paper, divide, load
from cellkit_course.results import RESULTS, measured
from experiments import code_version

#: What ``python -m experiments.paper_tables`` can run.
RUNNABLE = {recipe.name: recipe for recipe in (PAPER3, PAPER5)}


def keep(name: str, key: str, make: Callable[[], dict], folder: Path = RESULTS) -> dict:
    """A row of ``results/<name>.json``: the one that is there, else measured now and stored.

    So a broken-off series goes on where it stopped.  Stored with it: the commit, the minutes that
    it took in all, and on what.
    """
    if key in (rows := measured(name, folder)):
        return rows[key]
    began = time.monotonic()
    row = make()
    row |= {"minutes in all": round((time.monotonic() - began) / 60, 1), "commit": code_version(),
            "torch": version("torch").partition("+")[0], "device": pick_device().type,
            "threads": os.environ.get("OMP_NUM_THREADS", "all")}
    file = Path(folder) / f"{name}.json"
    with replacing(file) as temporary:
        text = json.dumps(measured(name, folder) | {key: row}, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")
    return row


def score(net, samples) -> dict:
    """What a network finds on pictures: pixels pooled, images averaged, objects by components."""
    from cellkit import instances, metrics, predict

    samples = list(samples)
    truth = [s.mask for s in samples]
    maps = [predict(net, s.image) for s in samples]
    pred = [p > 0.5 for p in maps]
    objects = [s.labels for s in samples], [instances(p, "components") for p in maps]
    found = {
        "f1": metrics.f1(truth, pred, pooled=True),
        "iou": metrics.iou(truth, pred),
        "dice": metrics.dice(truth, pred),
        "accuracy": metrics.accuracy(truth, pred, pooled=True),
        "background f1": metrics.f1([~t for t in truth], [~p for p in pred], pooled=True),
        "f1 of everything": metrics.f1(truth, [t | True for t in truth], pooled=True),
        "mAP of U-Net on biomedical images": metrics.mean_precision(*objects),
        "AP50": float(metrics.average_precision(*objects, 0.5)),
    }
    kinds = sorted({s.cell_type for s in samples if s.cell_type})
    for kind in kinds if len(kinds) > 1 else []:
        those = [k for k, s in enumerate(samples) if s.cell_type == kind]
        found[f"f1, {kind}"] = metrics.f1([truth[k] for k in those], [pred[k] for k in those],
                                          pooled=True)
    return {name: round(float(value), 4) for name, value in found.items()}


def run(recipe: Paper, dataset: str, steps: int, *, share: float | None = None,
        side: int | None = None, augmentation: Callable | str | None = "paper", seed: int = 0,
        checkpoint: Path | None = None) -> dict:
    """Train one network as a recipe says and score it: one row of its table.

    Parameters
    ----------
    recipe : Paper
    dataset : str
        One of ``recipe.chosen("data")``.
    steps : int
        Batches to train on, in twenties.
    share : float, optional
        The share of *all* pictures to train on; None: the recipe's whole training part.
    side : int, optional
        Resize every picture to a square first; None: native size, or what the recipe asks for.
    augmentation : callable, None, or "paper"
    seed : int
        Of the network, the crops and the choice of pictures; never of what is tested on.
    checkpoint : path, optional
        A broken-off training goes on from there; deleted in the end.

    Returns
    -------
    dict
        Settings, counts and scores of the test part.  A recipe that grows its images first (paper
        3) also has the scores of its "validation" part, which are copies of what was trained on.
    """
    from cellkit import UNet, fit

    if dataset not in (known := recipe.chosen("data")):
        raise ValueError(f"{recipe.name} has no data set {dataset!r}; ours are {', '.join(known)}.")
    resize, how = recipe.chosen("resize"), recipe.chosen("split")
    transforms = recipe.augmentation if augmentation == "paper" else augmentation
    side = side or (resize["crop"] if resize.get("mode") == "resize" else None)
    rows, parts = load(dataset, side), {}
    if how.get("grown first"):
        order = np.random.default_rng(seed).permutation(len(rows))
        few, test = rows[np.sort(order[:3])], rows[np.sort(order[3:])]
        grown = augment.grow(few, recipe.chosen("schedule")["images"], transforms, seed)
        train, parts["validation"] = split(grown, how["fraction"], seed, how["by"])
        transforms = None  # they are in the copies already
    else:
        train, test = divide(recipe, dataset, rows, share, seed)
    parts["test"] = test
    net = UNet(in_channels=1 if rows[0].image.ndim == 2 else 3, seed=seed,
               **recipe.chosen("network"))
    history = fit(net, train, epochs=max(1, steps // 20), steps_per_epoch=20, seed=seed,
                  crop=side or 192, augment=transforms, loss=recipe.chosen("loss"),
                  schedule=recipe.chosen("schedule")["schedule"], **recipe.chosen("optimiser"),
                  checkpoint=checkpoint, resume=checkpoint is not None)
    scores = {part: score(net, samples) for part, samples in parts.items()}
    if checkpoint is not None:
        Path(checkpoint).unlink(missing_ok=True)
    return {
        "dataset": rows.dataset, "trained on": len(train), "tested on": len(test),
        "groups trained on": len(set(train.groups)), "groups tested on": len(set(test.groups)),
        "share": share, "side": side or "native", "seed": seed, "steps": 20 * len(history),
        "minutes of training": round(sum(history.seconds) / 60, 1), "network": net.config,
        "settings": {name: value for name, value in history.settings.items() if name != "train"},
        **scores,
    }


def main(arguments=None):
    parser = argparse.ArgumentParser("python -m experiments.paper_tables", description=__doc__)
    parser.add_argument("name", choices=sorted(RUNNABLE))
    parser.add_argument("--set", dest="dataset", help="a data set of it; else its first")
    parser.add_argument("--steps", type=int, default=400, help="batches to train on")
    parser.add_argument("--share", type=float, help="train on this share of all pictures")
    parser.add_argument("--side", type=int, help="resize every picture to a square of this side")
    parser.add_argument("--augment", choices=["paper", "default", "none"], default="paper")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the json to add to")
    asked = parser.parse_args(arguments)
    recipe = RUNNABLE[asked.name]
    dataset = asked.dataset or recipe.chosen("data")[0]
    transforms = {"paper": "paper", "default": augment.default, "none": None}[asked.augment]
    key = ", ".join([dataset, f"side {asked.side or 'native'}", f"augmentation {asked.augment}",
                     f"share {asked.share or 'all'}", f"{asked.steps} steps",
                     f"seed {asked.seed}"])
    asked.out.mkdir(parents=True, exist_ok=True)
    row = keep(recipe.name, key, lambda: {"augmentation": asked.augment} | run(
        recipe, dataset, asked.steps, share=asked.share, side=asked.side, seed=asked.seed,
        augmentation=transforms, checkpoint=asked.out / f".{recipe.name}, {key}.pt"), asked.out)
    print(key, json.dumps(row, indent=1), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
