"""Which network to use: the table of lesson 06_mask_rcnn, every model on the same pictures.

``make model-table``, or ``python -m experiments.model_table dsb2018 --steps 600``, trains the
models of :data:`cellkit_course.papers.MODELS`, each about as long as the U-Net takes for so many
batches, and scores them on whole fields (GlaS: patients) that none was trained on.  Five times in
between it looks how far they are: whether more steps would help.  Nothing is chosen by it.  Each
network stays below ``build/models`` and each row in ``cellkit_course/results/models.json`` as soon
as it is there: interrupted, the same command goes on.  The lesson shows the rows as *measured
earlier*.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from functools import partial
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
from experiments import encoders
from experiments.paper_tables import keep

NAME = "models"
MODELS = papers.MODELS | encoders.MODELS
#: Anchors in pixels for each data set's objects, see :class:`cellkit.MaskRCNN`.
ANCHORS = {"dsb2018": ((8, 14), (24, 40), (64, 112)), "glas": ((16, 28), (48, 72), (110, 180))}


def samples(dataset: str, kind: str | None = None, printed: bool = False
            ) -> tuple[Samples, Samples]:
    """Training and test rows, in colour: fields (patients) apart; ``kind`` keeps one cell type.

    GlaS at half its size: its glands are up to 400 pixels wide.  ``printed``: as paper 2 has it.
    """
    if printed:
        side = papers.PAPER2.resize["crop"]
        rows, fraction = papers.load("glas", side, padded=True), 0.7
    elif dataset == "glas":
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

    model = MODELS[name]
    config = {"in_channels": 3, **model.get("config", {})}
    if model["net"] == "UNet":
        config["width"] = 16
    if model["net"].endswith("MaskRCNN"):
        config.setdefault("anchors", ANCHORS[dataset])
    home = networks if hasattr(networks, model["net"]) else encoders
    return getattr(home, model["net"])(**config, seed=seed)


def as_printed(name: str, seed: int = 0) -> tuple:
    """A network of paper 2 and what :func:`cellkit.fit` is told, as printed where that can be.

    Ours: a width of 16 for 64; for COCO's weights in a ResNet-50 those of ImageNet in
    EfficientNet-Lite0, and AdamW up to 1e-3 in one cycle, as SGD at 1e-4 would hardly move heads
    that begin at random.
    """
    from cellkit import networks

    paper, kind = papers.PAPER2, "UNet" if name == "unet" else "MaskRCNN"
    told = {"crop": paper.resize["crop"], "augment": paper.augmentation,
            "epochs": paper.schedule[kind]["epochs"],
            "batch_size": paper.optimiser[kind]["batch_size"]}
    if kind == "UNet":
        net = networks.UNet(**paper.network[kind] | {"width": 16}, seed=seed)
        return net, told | {"loss": paper.loss} | paper.optimiser[kind]
    larger = tuple(tuple(4 * side // 3 for side in level) for level in ANCHORS["glas"])
    net = encoders.EncoderMaskRCNN(weights="imagenet", anchors=larger, seed=seed)
    return net, told | {"optimizer": "adamw", "lr": 1e-3, "schedule": "onecycle"}


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
        folder: Path = Path("build/models"), printed: bool = False) -> dict:
    """Train one model and score it: a row of the table.  ``printed``: see :func:`as_printed`."""
    from cellkit import fit

    model = MODELS[name]
    train, test = samples(dataset, kind, printed)
    try:
        net, told = as_printed(name, seed) if printed else (build(name, dataset, seed), {
            "epochs": max(1, round(steps * model["pace"] / 20)), "steps_per_epoch": 20,
            "crop": 192, "batch_size": 4, "optimizer": "adamw", "lr": model["lr"],
            "schedule": "onecycle"})
    except OSError as error:
        return {"words": model["words"], "not run": "weights unreachable",
                "why": str(error).partition("(")[0].strip()}
    if net.head != "objects":
        told.setdefault("loss", model.get("loss", "bce+soft_dice"))
    folder.mkdir(parents=True, exist_ok=True)
    file = _file(folder, dataset, f"{name}-{steps}{'-printed' * printed}", seed, kind)
    curve = file.with_suffix(".json")  # goes on where it stopped, as the training does
    seen = json.loads(curve.read_text(encoding="utf-8")) if curve.is_file() else {}

    def look(history):
        if len(history) % max(1, told["epochs"] // 5) == 0:
            seen[str(history.settings["steps"] * len(history))] = glance(net, test)
            with replacing(curve) as part:
                part.write_text(json.dumps(seen), encoding="utf-8")

    history = fit(net, train, **told, seed=seed, checkpoint=file, resume=True, on_epoch=look)
    words = model["words"] + ", the paper's own settings" * printed
    return {"words": words, "steps": history.settings["steps"] * len(history),
            "trained on": len(train), "tested on": len(test),
            "minutes": round(sum(history.seconds) / 60, 1),
            **costs(net, test[0].image[:256, :256]), **row(net, test),
            **({} if net.head == "objects" else tidied(net, test, smallest(train))),
            "while training": seen}


def smallest(train: Samples) -> int:
    """The area in pixels that all but 2 % of the true objects exceed."""
    areas = np.concatenate([np.bincount(sample.labels.ravel())[1:] for sample in train])
    return max(16, int(np.quantile(areas[areas > 0], 0.02)))


def tidied(net, samples, area: int) -> dict:
    """The measures of objects once more, of pieces that are not smaller than a true one."""
    from cellkit import instances, metrics, predict

    truth = [s.labels for s in samples]
    found = [instances(predict(net, s.image), "components", min_size=area) for s in samples]
    scores = {"object f1": metrics.object_f1(truth, found),
              "object dice": metrics.object_dice(truth, found),
              "object hausdorff": metrics.object_hausdorff(truth, found),
              "AP50": float(average_precision(truth, found, 0.5))}
    return {"smallest": area, **{f"{name}, tidied": round(float(value), 4)
                                 for name, value in scores.items()}}


def glance(net, samples) -> dict:
    """Foreground IoU and AP50, as :func:`row` has them, asked once (objects: pasted together)."""
    from cellkit import detect, instances, predict

    if net.head == "objects":
        found = [detect(net, sample.image) for sample in samples]
        masks = [labels > 0 for labels in found]
    else:
        maps = [predict(net, sample.image) for sample in samples]
        found = [instances(one, "components") for one in maps]
        masks = [one > 0.5 for one in maps]
    return {"iou": round(float(iou([s.mask for s in samples], masks)), 4),
            "AP50": round(float(average_precision([s.labels for s in samples], found, 0.5)), 4)}


def combine(dataset: str, name: str, steps: int, seed: int = 0, kind: str | None = None,
            folder: Path = Path("build/models")) -> dict:
    """Score what is made of networks that :func:`run` has trained."""
    how = COMBINED[name]
    nets = [checkpoints.load(_file(folder, dataset, f"{one}-{steps}", seed, kind))
            for one in how["nets"]]
    _, test = samples(dataset, kind)
    return {"words": how["words"], "tested on": len(test),
            **row(nets[0], test, how["turns"], *nets[1:])}


def _file(folder, dataset, name, seed, kind) -> Path:
    return folder / f"{dataset}-{name}-{seed}{'-' + kind if kind else ''}.pt"


def key(dataset: str, name: str, steps: int, seed: int = 0, kind: str | None = None,
        printed: bool = False) -> str:
    """The name of a row in the json file."""
    return ", ".join([dataset, name, *["as printed"] * printed, f"{steps} steps", f"seed {seed}",
                      *([kind] if kind else [])])


def main(arguments=None):
    parser = argparse.ArgumentParser("python -m experiments.model_table", description=__doc__)
    parser.add_argument("dataset", choices=sorted(ANCHORS))
    parser.add_argument("--models", nargs="+", choices=[*MODELS, *COMBINED],
                        default=["simple", "resnet", "unet", "mask_rcnn", *COMBINED,
                                 "resnet-coco", "mask_rcnn-coco"])
    parser.add_argument("--steps", type=int, default=600, help="batches of the U-Net")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", help="train on one cell type alone, test on all")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--nets", type=Path, default=Path("build/models"))
    parser.add_argument("--printed", action="store_true",
                        help="unet or mask_rcnn on glas at paper 2's own settings; no --steps")
    asked = parser.parse_args(arguments)
    if asked.printed and ((asked.dataset, asked.kind) != ("glas", None)
                          or not {*asked.models} <= {"unet", "mask_rcnn"}):
        parser.error("--printed is of glas, with --models unet mask_rcnn and no --kind.")
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.models:
        which = asked.dataset, name, 0 if asked.printed else asked.steps, asked.seed, asked.kind
        row_of = combine if name in COMBINED else partial(run, printed=asked.printed)
        made = keep(NAME, key(*which, asked.printed), partial(row_of, *which, asked.nets),
                    asked.out)
        print(key(*which, asked.printed), made, flush=True)


if __name__ == "__main__":
    main()
