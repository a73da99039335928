"""Which network to use: the table of lesson 06_mask_rcnn, every model on the same pictures.

``make model-table``, or ``python -m cellkit.lesson.model_table dsb2018 --steps 600``, trains the
models of :data:`cellkit.recipes.MODELS`, each about as long as the U-Net takes for so many batches,
and scores them on whole fields (GlaS: patients) that none was trained on.  Each network stays below
``build/models`` and each row in ``cellkit/results/models.json`` as soon as it is there:
interrupted, the same command goes on.  The lesson shows the rows as *measured earlier*.
"""

from __future__ import annotations

import argparse
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from cellkit import checkpoints, labels, metrics, recipes
from cellkit.datasets import read
from cellkit.resolution import shrink
from cellkit.samples import Sample, Samples, split

NAME = "models"
#: What is done with trained networks besides asking each once.
COMBINED = {
    "unet, 8 views": {"words": "U-Net, eight views averaged", "nets": ("unet",), "turns": 8},
    "mask_rcnn, 8 views": {"words": "light Mask R-CNN, eight views", "nets": ("mask_rcnn",),
                           "turns": 8},
    "ensemble": {"words": "U-Net and Mask R-CNN together", "nets": ("unet", "mask_rcnn"),
                 "turns": 1},
}
#: Anchors in pixels for each data set's objects, see :class:`cellkit.MaskRCNN`.
ANCHORS = {"dsb2018": ((8, 14), (24, 40), (64, 112)), "glas": ((16, 28), (48, 72), (110, 180))}


def samples(dataset: str, kind: str | None = None) -> tuple[Samples, Samples]:
    """Training and test rows, in colour: fields (patients) apart; ``kind`` keeps one cell type.

    GlaS at half its size: its glands are up to 400 pixels wide.
    """
    if dataset == "glas":
        rows, fraction = Samples.of([_half(sample) for sample in read("glas")]), 0.7
    else:
        rows, fraction = recipes.load(dataset), 0.8
    train, test = split(rows, fraction, seed=0)
    return (train if kind is None else train.where(lambda e: e.cell_type == kind)), test


def _half(sample: Sample) -> Sample:
    image = shrink(sample.image, 0.5)
    rows, columns = ((np.arange(new) + 0.5) * old / new
                     for new, old in zip(image.shape, sample.labels.shape, strict=False))
    return replace(sample, image=image,
                   labels=sample.labels[rows.astype(int)[:, None], columns.astype(int)])


def build(name: str, dataset: str, seed: int = 0):
    """One of the models, untrained.  OSError where its weights cannot be downloaded."""
    from cellkit import networks

    model = recipes.MODELS[name]
    config = {"in_channels": 3, **model.get("config", {})}
    if model["net"] == "UNet":
        config["width"] = 16
    if model["net"] == "MaskRCNN" and "config" not in model:
        config["anchors"] = ANCHORS[dataset]
    return getattr(networks, model["net"])(**config, seed=seed)


def row(net, samples, turns: int = 1, partner=None) -> dict:
    """What one network (or a U-Net with a Mask R-CNN as ``partner``) finds on pictures.

    Objects of a U-Net are the connected components of its mask; those of a Mask R-CNN its own;
    those of both together the Mask R-CNN's, grown over the mean foreground.
    """
    from cellkit import detect, instances, predict

    samples = list(samples)
    finder = partner or (net if getattr(net, "head", "") == "objects" else None)
    asked = net if partner is None else [net, partner]
    masks, objects, scores = [], [], []
    for sample in samples:
        foreground = predict(asked, sample.image, turns=turns)
        if finder is None:
            found = instances(foreground, "components")
            sure = np.array([foreground[found == k].mean() for k in range(1, found.max() + 1)])
        else:
            found, sure = detect(finder, sample.image, turns=turns, scores=True)
            if partner is not None:
                found = labels.grow_labels(found, foreground)
                sure = np.ones(found.max())
        masks.append(foreground > 0.5)
        objects.append(found)
        scores.append(sure)
    truth, cells = [s.mask for s in samples], [s.labels for s in samples]
    empty = [(~t).any() for t in truth]
    coco = metrics.coco_average_precision(cells, objects, scores)
    result = {
        "accuracy": metrics.accuracy(truth, masks, pooled=True),
        "iou": metrics.iou(truth, masks),
        "iou of both classes": (metrics.iou(truth, masks) + metrics.iou(
            [~t for t, some in zip(truth, empty, strict=True) if some],
            [~m for m, some in zip(masks, empty, strict=True) if some])) / 2,
        "f1": metrics.f1(truth, masks, pooled=True),
        "object f1": metrics.object_f1(cells, objects),
        "object dice": metrics.object_dice(cells, objects),
        "object hausdorff": metrics.object_hausdorff(cells, objects),
        "AP50": float(metrics.average_precision(cells, objects, 0.5)),
        "COCO AP": coco.ap,
        "count error": metrics.count_error(cells, objects).error,
        **found_by_shape(cells, objects),
    }
    kinds = sorted({s.cell_type for s in samples if s.cell_type})
    for kind in kinds if len(kinds) > 1 else []:
        those = [k for k, s in enumerate(samples) if s.cell_type == kind]
        result[f"iou, {kind}"] = metrics.iou([truth[k] for k in those], [masks[k] for k in those])
    return {key: round(float(value), 4) for key, value in result.items()}


def found_by_shape(truth, pred) -> dict[str, float]:
    """The share of true objects with an IoU above one half, by area and by solidity.

    Small, middle and large are thirds of all true objects.  Solidity is area over area of the
    convex hull: a ring or a bent gland has little.
    """
    from skimage import measure

    areas, solid, hit = [], [], []
    for one, other in zip(truth, pred, strict=True):
        found = {pair[0] for pair in metrics.matched_pairs(one, other, 0.5)}
        for region in measure.regionprops(one):
            areas.append(region.area)
            solid.append(region.solidity if region.area > 4 else 1.0)
            hit.append(region.label in found)
    areas, solid, hit = np.array(areas), np.array(solid), np.array(hit)
    low, high = np.quantile(areas, (1 / 3, 2 / 3))
    parts = {"small": areas <= low, "middle": (areas > low) & (areas <= high),
             "large": areas > high, "bent or ringed": solid < 0.85, "compact": solid >= 0.85}
    return {f"found, {name}": hit[those].mean() if those.any() else np.nan
            for name, those in parts.items()}


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

    model = recipes.MODELS[name]
    train, test = samples(dataset, kind)
    try:
        net = build(name, dataset, seed)
    except OSError as error:
        return {"words": model["words"], "not run": "weights unreachable",
                "why": str(error).partition("(")[0].strip()}
    folder.mkdir(parents=True, exist_ok=True)
    epochs = max(1, round(steps * model["pace"] / 20))
    history = fit(net, train, epochs=epochs, steps_per_epoch=20, seed=seed, crop=192, batch_size=4,
                  optimizer="adamw", lr=model["lr"], schedule="onecycle",
                  loss=None if net.head == "objects" else model.get("loss", "bce+soft_dice"),
                  checkpoint=_file(folder, dataset, name, seed, kind), resume=True)
    return {"words": model["words"], "steps": 20 * len(history), "trained on": len(train),
            "tested on": len(test), "minutes": round(sum(history.seconds) / 60, 1),
            **costs(net, test[0].image[:256, :256]), **row(net, test)}


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


def measured(dataset: str, kind: str | None = None) -> dict[str, dict]:
    """The rows of a data set by model, measured earlier, most steps first; empty where none was."""
    rows = {}
    for name, row in recipes.measured(NAME).items():
        parts = name.split(", ")
        which = ", ".join(parts[1:-2] if kind is None else parts[1:-3])
        if parts[0] == dataset and (parts[-1] == kind if kind else parts[-1] == "seed 0"):
            rows[which] = row
    return rows


def over_seeds(dataset: str, name: str, measure: str) -> str:
    """A measure of one model as text: the mean over seeds, ± the standard deviation over them.

    Of the longest training; rows trained on one cell type alone are left out.
    """
    by_steps, pattern = {}, re.escape(f"{dataset}, {name}") + ", ([0-9]+) steps, seed [0-9]+"
    for which, row in recipes.measured(NAME).items():
        found = re.fullmatch(pattern, which)
        if found and measure in row:
            by_steps.setdefault(int(found[1]), []).append(row[measure])
    return recipes.mean_over_seeds(by_steps[max(by_steps)] if by_steps else [])


def gains(dataset: str, measures=("iou", "f1", "object f1", "AP50")) -> list[dict]:
    """What eight views and the ensemble add to the network alone: rows for ``ck.show.table``.

    Each entry is the mean over seeds ± the standard deviation over them.  An ensemble is compared,
    for each measure, with that of its networks which is better in the mean.
    """
    rows, known = [], recipes.measured(NAME)
    for name, how in COMBINED.items():
        start, found = f"{dataset}, {name}, ", []
        for which in sorted(known):
            alone = [known.get(which.replace(start, f"{dataset}, {net}, ")) for net in how["nets"]]
            last = which.rpartition(", ")[2]  # else the cell type that it was trained on
            if which.startswith(start) and last.startswith("seed") and all(alone):
                found.append((known[which], *alone))
        row = {"what": how["words"], "seeds": len(found)}
        for measure in measures if found else ():
            after, *alone = np.array([[one[measure] for one in each] for each in found]).T
            row[measure] = recipes.mean_over_seeds(after - max(alone, key=np.mean), "+")
        if found:
            rows.append(row)
    return rows


def main(arguments=None):
    parser = argparse.ArgumentParser("python -m cellkit.lesson.model_table", description=__doc__)
    parser.add_argument("dataset", choices=sorted(ANCHORS))
    parser.add_argument("--models", nargs="+", choices=[*recipes.MODELS, *COMBINED],
                        default=["simple", "resnet", "unet", "mask_rcnn", *COMBINED,
                                 "resnet-coco", "mask_rcnn-coco"])
    parser.add_argument("--steps", type=int, default=600, help="batches of the U-Net")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", help="train on one cell type alone, test on all")
    parser.add_argument("--out", type=Path, default=recipes.RESULTS)
    parser.add_argument("--nets", type=Path, default=Path("build/models"))
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.models:
        which = asked.dataset, name, asked.steps, asked.seed, asked.kind
        if name in COMBINED:
            made = recipes.keep(NAME, key(*which), lambda n=name: combine(
                asked.dataset, n, asked.seed, asked.kind, asked.nets), asked.out)
        else:
            made = recipes.keep(NAME, key(*which), lambda w=which: run(*w, asked.nets), asked.out)
        print(key(*which), made, flush=True)


if __name__ == "__main__":
    main()
