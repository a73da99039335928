"""How many pictures of one's own a network needs: the table of lesson 08_your_own_pictures.

``python -m experiments.own_pictures`` trains on 1, 2, 4, 8 and 16 pictures of one field of the Cell
Tracking Challenge's DIC-C2DH-HeLa and scores all pictures of the other field, which none is trained
on.  Besides, it links the true outlines of neighbouring frames, whose true numbers are known, and
counts a film of LIVECell's (SHSY5Y, 21 frames without labels).  ``CELLKIT_DATA`` names the folder
that holds ``ctc_dic_c2dh_hela/`` and ``livecell/``.  A row stands in
``cellkit_course/results/own_pictures.json`` as soon as it is there: interrupted, the same command
goes on.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from cellkit import augment, metrics
from cellkit.annotations import resize_labels
from cellkit.datasets import read
from cellkit.degradation import shrink
from cellkit.samples import Sample, Samples
from cellkit_course.results import RESULTS
from cellkit_course.results.own_pictures import FILM, HOWS, LINKS, NAME, key
from experiments.paper_tables import keep

SET, PATTERNS = "ctc_dic_c2dh_hela", {"images": "images/t{}.tif", "labels": "labels/man_seg{}.tif"}
#: Frames 0 to 83 show one field of cells, the later ones another.
SECOND_FIELD = 84
PARENT = "livecell-objects"
SCALE = 0.25
#: Nothing of this was tuned on these pictures.
TRAINING = {"steps_per_epoch": 20, "batch_size": 4, "crop": 128, "optimizer": "adamw",
            "schedule": "onecycle",
            "augment": augment.Pipeline(augment.Rotate(180), augment.Zoom(0.2), augment.default)}
#: From random weights at the rate of the bundled network's own training; else at half of it.
RATES = {"fine-tuned": 1e-3, "scratch": 2e-3}


def fields() -> tuple[Samples, Samples]:
    """The pictures of the first field, to train on, and of the second, to test on."""
    root = Path(os.environ["CELLKIT_DATA"]) / SET
    every = read("folder", root=root, **PATTERNS).cached()
    return (every.where(lambda entry: int(entry.name[1:]) < SECOND_FIELD),
            every.where(lambda entry: int(entry.name[1:]) >= SECOND_FIELD))


def at_scale(sample: Sample, scale: float) -> Sample:
    """The same picture, its cells smaller by a factor."""
    if scale == 1:
        return sample
    image = shrink(sample.image, scale)
    return replace(sample, image=image, labels=resize_labels(sample.labels, image.shape[:2]))


def scores(net, test: Samples, scale: float) -> dict:
    """What a network finds at a scale, scored at the pictures' own size."""
    from cellkit import instances, predict

    truth, found = [], []
    for sample in test:
        labels = instances(predict(net, at_scale(sample, scale).image, all=True), "flow")
        truth.append(sample.labels)
        found.append(resize_labels(labels, sample.labels.shape))
    counted = metrics.count_error(truth, found)
    return {"AP50": round(float(metrics.average_precision(truth, found, 0.5)), 4),
            "mean AP": round(float(metrics.average_precision(truth, found).mean()), 4),
            "cells": counted.pred, "in truth": counted.truth, "tested on": len(test)}


def run(how: str, pictures: int, seed: int, steps: int) -> dict:
    """One row: a network trained on so many pictures (0: as it comes), and its scores."""
    from cellkit import UNet, fit, load_weights, weights

    first, test = fields()
    if how.startswith("bundled"):
        scale = 1 if "full" in how else SCALE
        return {"network": PARENT, "scale": scale, **scores(load_weights(PARENT), test, scale)}
    config = weights.card(PARENT)["config"]
    net = load_weights(PARENT) if how == "fine-tuned" else UNet(**config, seed=seed)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(first))[:pictures])
    mine = Samples.of([at_scale(first[int(k)], SCALE) for k in chosen])
    began = time.process_time()
    history = fit(net, mine, epochs=steps // 20, seed=seed, lr=RATES[how], progress=False,
                  **TRAINING)
    return {"network": f"from {PARENT}" if how == "fine-tuned" else "from random weights",
            "scale": SCALE, "pictures": mine.names, "seed": seed,
            "steps": history.settings["steps"] * len(history),
            "cells trained on": sum(len(np.unique(s.labels)) - 1 for s in mine),
            "CPU minutes of training": round((time.process_time() - began) / 60, 2),
            "16 bits": history.settings["amp"], "lr": history.settings["lr"],
            **scores(net, test, SCALE)}


def links() -> dict:
    """Links by overlap between neighbouring pictures of a field, on their true outlines."""
    from cellkit import link

    counted = np.zeros(3, int)
    for field in fields():
        rows = [sample.labels for sample in field]
        for before, after in zip(rows, rows[1:], strict=False):
            found = link(before, after)
            true = np.intersect1d(before[before > 0], after[after > 0])
            counted += [sum(old == new for old, new in found.items()), len(found), len(true)]
    return dict(zip(("right", "made", "true"), counted.tolist(), strict=True))


def film() -> dict:
    """Counts and doubling times of LIVECell's film, by two networks."""
    from cellkit import doubling_time, instances, load_weights, predict
    from cellkit.segmentation.measurement import hours_of

    root = Path(os.environ["CELLKIT_DATA"]) / "livecell" / "unlabelled"
    shown = read("folder", root=root, labels=None).where(
        lambda entry: entry.name.startswith("SHSY5Y_Phase_B10_1_"))
    hours = [hours_of(name, 0) for name in shown.names]
    row = {"hours": hours}
    for title, name, method in (("single cells", "livecell-objects", "flow"),
                                ("pieces of a mask", "livecell", "components")):
        net = load_weights(name)
        counts = [int(instances(predict(net, s.image, all=True), method).max()) for s in shown]
        growth = doubling_time(hours, counts)
        row[title] = {"counts": counts, **{key: round(getattr(growth, key), 1)
                                           for key in ("hours", "low", "high")}}
    return row


def main(arguments=None):
    parser = argparse.ArgumentParser("python -m experiments.own_pictures", description=__doc__)
    parser.add_argument("--pictures", nargs="+", type=int, default=[1, 2, 4, 8, 16])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=120, help="batches to train on, in twenties")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the json to add to")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    for name, make in ((LINKS, links), (FILM, film)):
        print(name, keep(NAME, name, make, asked.out), flush=True)
    wanted = [(how, 0, 0) for how in HOWS if how.startswith("bundled")]
    wanted += [(how, pictures, seed) for seed in asked.seeds for pictures in asked.pictures
               for how in HOWS if not how.startswith("bundled")]
    for which in wanted:
        row = keep(NAME, key(*which), lambda w=which: run(*w, asked.steps), asked.out)
        print(key(*which), {name: row[name] for name in ("AP50", "mean AP", "minutes in all")},
              flush=True)


if __name__ == "__main__":
    main()
