"""What a perfect mask can tell of single cells, on real pictures: rungs of lesson 07_watershed.

``python -m experiments.instance_ladder`` tunes each method on LIVECell pictures of the training
part, scores the test wells and writes ``cellkit_course/results/ladder.json``, for the lesson to
show as *measured earlier*, beside the heads of :mod:`experiments.objects_table`.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

import cellkit as ck
from cellkit import metrics, postprocessing
from cellkit.files import replacing
from cellkit_course.plans import PLANS
from cellkit_course.results import RESULTS
from experiments import code_version
from experiments.resolution_table import samples

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


def by_elbow(mask: np.ndarray) -> np.ndarray:
    """Cells of a mask as the paper has it: k-means, k by the elbow."""
    largest = min(mask.sum() // 50 + 1, 1000)
    ks = np.unique(np.geomspace(1, largest, PLAN["elbow_steps"]).astype(int))
    return ck.instances(mask, "kmeans", k=postprocessing.elbow(mask, ks).k)


def main(arguments=None) -> None:
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args(arguments)
    train, test = samples()
    tuning = train[::PLAN["tune_every"]]
    best = ck.tune_instances([s.mask for s in tuning], [s.labels for s in tuning], "watershed",
                             PLAN["grids"]["watershed"]).params
    masks, truth = [s.mask for s in test], [s.labels for s in test]
    rows = [
        row("perfect mask, components", truth, [ck.instances(m, "components") for m in masks]),
        row("perfect mask, k-means by elbow", truth, [by_elbow(m) for m in masks]),
        row("perfect mask, watershed", truth, [ck.instances(m, "watershed", **best)
                                               for m in masks]),
    ]
    how = f"{test.dataset}, {len(test)} pictures of the test wells, counts pooled"
    with replacing(MEASURED) as temporary:
        temporary.write_text(json.dumps(
            {"command": "python -m experiments.instance_ladder", "how": how,
             "version": code_version(), "rows": rows}, indent=1, ensure_ascii=False) + "\n",
            encoding="utf-8")
    ck.show.table(rows, how)


if __name__ == "__main__":
    main()
