"""The ladder of lesson 07_watershed on real pictures: what each way to single cells reaches.

``python -m experiments.instance_ladder --steps 600`` trains the lesson's network on LIVECell's
development split (whole wells apart), tunes each method on pictures of the training part, scores
the test wells and writes ``cellkit_course/results/ladder.json``, for the lesson to show as
*measured earlier*.  ``--steps 0`` leaves the network's rungs out.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

import cellkit as ck
from cellkit import metrics, postprocessing
from cellkit.files import replacing
from cellkit_course import papers
from cellkit_course.plans import PLANS
from cellkit_course.results import RESULTS
from experiments import code_version

MEASURED = RESULTS / "ladder.json"
PLAN = PLANS["07_watershed"]["standard"]


def row(title: str, truth: list, found: list) -> dict:
    """One rung, in the words of the lesson's own table."""
    ap, counted = metrics.average_precision(truth, found), metrics.count_error(truth, found)
    return {
        "method": title, "AP at IoU 0.5": round(float(ap[0]), 3),
        "AP, mean": round(float(ap.mean()), 3),
        'the paper\'s "mAP"': round(float(metrics.mean_precision(truth, found)), 3),
        "cells": counted.pred, "in truth": counted.truth, "off, a picture": f"{counted.error:.0%}",
    }


def tuned(maps: list, truth: list, method: str) -> dict:
    """The method's best parameters on these pictures."""
    return ck.tune_instances(maps, truth, method, PLAN["grids"][method]).params


def by_elbow(mask: np.ndarray) -> np.ndarray:
    """Cells of a mask as the paper has it: k-means, k by the elbow."""
    largest = min(mask.sum() // 50 + 1, 1000)
    ks = np.unique(np.geomspace(1, largest, PLAN["elbow_steps"]).astype(int))
    return ck.instances(mask, "kmeans", k=postprocessing.elbow(mask, ks).k)


def trained(head: str, train, valid, steps: int):
    """The lesson's network with a head, trained for so many steps."""
    net = ck.UNet(width=PLAN["width"], head=head)
    settings = {key: value for key, value in PLAN["training"].items() if key != "minutes"}
    each = settings["steps_per_epoch"]
    ck.fit(net, train, valid, **settings | {"epochs": max(1, steps // each)})
    return net


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=600, help="of training; 0: perfect masks only")
    steps = parser.parse_args().steps
    every = ck.read("livecell").where(lambda entry: entry.annotated).cached()
    test = every.where(lambda entry: entry.group in papers.TEST_WELLS)
    rest = every.where(lambda entry: entry.group not in papers.TEST_WELLS)
    train, valid = ck.split(rest, 0.85, seed=0, by="group")
    tuning = train[::PLAN["tune_every"]]
    masks, truth = [s.mask for s in test], [s.labels for s in test]
    known = [s.labels for s in tuning]
    best = tuned([s.mask for s in tuning], known, "watershed")
    rows = [
        row("perfect mask, components", truth, [ck.instances(m, "components") for m in masks]),
        row("perfect mask, k-means by elbow", truth, [by_elbow(m) for m in masks]),
        row("perfect mask, watershed", truth, [ck.instances(m, "watershed", **best)
                                               for m in masks]),
    ]
    how = f"{test.dataset}, {len(test)} pictures of the test wells, counts pooled"
    if steps:
        began = time.perf_counter()
        net = trained("distance", train, valid, steps)
        minutes = (time.perf_counter() - began) / 60
        seen, maps = ([ck.predict(net, s.image, all=True) for s in part] for part in (tuning, test))
        chosen = {method: tuned(seen, known, method)
                  for method in ("components", "watershed", "distance")}
        flows = trained("flow", train, valid, steps)
        ways = [ck.predict(flows, s.image, all=True) for s in test]
        rows = [row(title, truth, [ck.instances(one, method, **chosen[method]) for one in maps])
                for title, method in (("predicted mask, components", "components"),
                                      ("predicted mask, watershed", "watershed"),
                                      ("learned distances", "distance"))] + [
            row("learned flows (another network)", truth,
                [ck.instances(one, "flow") for one in ways])] + rows
        how += (f"; networks of width {PLAN['width']}, {steps} steps each, {minutes:.0f} minutes, "
                "one seed")
    with replacing(MEASURED) as temporary:
        temporary.write_text(json.dumps(
            {"command": f"python -m experiments.instance_ladder --steps {steps}", "how": how,
             "version": code_version(), "rows": rows}, indent=1, ensure_ascii=False) + "\n",
            encoding="utf-8")
    ck.show.table(rows, how)


if __name__ == "__main__":
    main()
