"""Which network to use: the table of lesson 06_mask_rcnn, every model on the same pictures.

``make model-table``, or ``python -m experiments.model_table dsb2018 --steps 600``, trains the
models of :data:`cellkit_course.papers.MODELS`, each about as long as the U-Net takes for so many
batches, and scores them on whole fields (GlaS: patients) that none was trained on, ten times while they train,
to see whether more steps would help; nothing is chosen by it.  Each network stays below ``build/models`` and each row in ``cellkit_course/results/models.json`` as soon as it is
there: interrupted, the same command goes on.  The lesson shows the rows as *measured earlier*.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from cellkit.annotations import resize_labels
from cellkit.datasets import read
from cellkit.degradation import shrink
from cellkit.files import replacing
from cellkit.metrics import average_precision, iou
from cellkit.samples import Sample, Samples, split
from cellkit.train import checkpoints
from cellkit_course import papers
from cellkit_course.results import RESULTS
from cellkit_course.results.models import COMBINED, row
from experiments.paper_tables import keep

NAME = "models"
#: Anchors in pixels for each data set's objects, see :class:`cellkit.MaskRCNN`.
ANCHORS = {"dsb2018": ((8, 14), (24, 40), (64, 112)), "glas": ((16, 28), (48, 72), (110, 180))}


def samples(dataset: str, kind: str | None = None) -> tuple[Samples, Samples]:
    """Training and test rows, in colour: fields (patients) apart; ``kind`` keeps one cell type.

    GlaS at half its size: its glands are up to 400 pixels wide.
    """
    if dataset == "glas":
        rows, fraction = Samples.of([_half(sample) for sample in read("glas")]), 0.7
    else:
        rows, fraction = papers.load(dataset), 0.8
    train, test = split(rows, fraction, seed=0)
    return (train if kind is None else train.where(lambda e: e.cell_type == kind)), test


def _half(sample: Sample) -> Sample:
    image = shrink(sample.image, 0.5)
    return replace(sample, image=image, labels=resize_labels(sample.labels, image.shape[:2]))


def build(name: str, dataset: str, seed: int = 0):
    """One of the models, untrained.  OSError where its weights cannot be downloaded."""
    from cellkit import networks

    model = papers.MODELS[name]
    config = {"in_channels": 3, **model.get("config", {})}
    if model["net"] == "UNet":
        config["width"] = 16
    if model["net"] == "MaskRCNN" and "config" not in model:
        config["anchors"] = ANCHORS[dataset]
    return getattr(networks, model["net"])(**config, seed=seed)


def costs(net, image: np.ndarray, rounds: int = 5) -> dict:
    """Weights, multiply-adds for one picture, and milliseconds to predict it.

    Those of Mask R-CNN depend on the picture: each object that it finds has its mask painted.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from cellkit import predict

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        predict(net, image, amp=False)
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        predict(net, image)
        seconds.append(time.perf_counter() - began)
    return {"weights": sum(p.numel() for p in net.parameters()),
            "multiply-adds, G": round(counter.get_total_flops() / 2e9, 2),
            "ms": round(1000 * min(seconds))}


def run(dataset: str, name: str, steps: int, seed: int = 0, kind: str | None = None,
        folder: Path = Path("build/models")) -> dict:
    """Train one model and score it: a row of the table."""
    from cellkit import fit

    model = papers.MODELS[name]
    train, test = samples(dataset, kind)
    try:
        net = build(name, dataset, seed)
    except OSError as error:
        return {"words": model["words"], "not run": "weights unreachable",
                "why": str(error).partition("(")[0].strip()}
    folder.mkdir(parents=True, exist_ok=True)
    epochs = max(1, round(steps * model["pace"] / 20))
    file = _file(folder, dataset, name, seed, kind)
    curve = file.with_suffix(".json")  # goes on where it stopped, as the training does
    seen = json.loads(curve.read_text(encoding="utf-8")) if curve.is_file() else {}

    def look(history):
        if len(history) % max(1, epochs // 10) == 0:
            seen[str(20 * len(history))] = glance(net, test)
            with replacing(curve) as part:
                part.write_text(json.dumps(seen), encoding="utf-8")

    history = fit(net, train, epochs=epochs, steps_per_epoch=20, seed=seed, crop=192, batch_size=4,
                  optimizer="adamw", lr=model["lr"], schedule="onecycle",
                  loss=None if net.head == "objects" else model.get("loss", "bce+soft_dice"),
                  checkpoint=file, resume=True, on_epoch=look)
    return {"words": model["words"], "steps": 20 * len(history), "trained on": len(train),
            "tested on": len(test), "minutes": round(sum(history.seconds) / 60, 1),
            **costs(net, test[0].image[:256, :256]), **row(net, test), "while training": seen}


def glance(net, samples) -> dict:
    """Foreground IoU and AP50, as :func:`row` has them, and no more: it is asked often."""
    from cellkit import detect, instances, predict

    maps = [predict(net, sample.image) for sample in samples]
    found = [detect(net, s.image) if net.head == "objects" else instances(m, "components")
             for s, m in zip(samples, maps, strict=True)]
    return {"iou": round(float(iou([s.mask for s in samples], [m > 0.5 for m in maps])), 4),
            "AP50": round(float(average_precision([s.labels for s in samples], found, 0.5)), 4)}


def combine(dataset: str, name: str, seed: int = 0, kind: str | None = None,
            folder: Path = Path("build/models")) -> dict:
    """Score what is made of networks that :func:`run` has trained."""
    how = COMBINED[name]
    nets = [checkpoints.load(_file(folder, dataset, one, seed, kind)) for one in how["nets"]]
    _, test = samples(dataset, kind)
    return {"words": how["words"], "tested on": len(test),
            **row(nets[0], test, how["turns"], *nets[1:])}


def _file(folder, dataset, name, seed, kind) -> Path:
    return folder / f"{dataset}-{name}-{seed}{'-' + kind if kind else ''}.pt"


def key(dataset: str, name: str, steps: int, seed: int = 0, kind: str | None = None) -> str:
    """The name of a row in the json file."""
    return ", ".join([dataset, name, f"{steps} steps", f"seed {seed}", *([kind] if kind else [])])


def main(arguments=None):
    parser = argparse.ArgumentParser("python -m experiments.model_table", description=__doc__)
    parser.add_argument("dataset", choices=sorted(ANCHORS))
    parser.add_argument("--models", nargs="+", choices=[*papers.MODELS, *COMBINED],
                        default=["simple", "resnet", "unet", "mask_rcnn", *COMBINED,
                                 "resnet-coco", "mask_rcnn-coco"])
    parser.add_argument("--steps", type=int, default=600, help="batches of the U-Net")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", help="train on one cell type alone, test on all")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--nets", type=Path, default=Path("build/models"))
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.models:
        which = asked.dataset, name, asked.steps, asked.seed, asked.kind
        if name in COMBINED:
            made = keep(NAME, key(*which), lambda n=name: combine(
                asked.dataset, n, asked.seed, asked.kind, asked.nets), asked.out)
        else:
            made = keep(NAME, key(*which), lambda w=which: run(*w, asked.nets), asked.out)
        print(key(*which), made, flush=True)


if __name__ == "__main__":
    main()
