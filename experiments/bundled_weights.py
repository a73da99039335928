"""Train a bundled network again: ``python -m experiments.bundled_weights livecell``.

Broken off, the same command goes on.  ``--statistics`` only writes into its card what the pictures
are like that it was trained on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from scipy import ndimage

from cellkit import (
    DoubleUNet,
    MaskRCNN,
    UNet,
    augment,
    degrade,
    detect,
    dice,
    fit,
    instances,
    predict,
    super_resolve,
    weights,
)  # fmt: skip
from cellkit.degradation import RandomDegrade, random_degrade
from cellkit.files import replacing
from cellkit.metrics import average_precision, iou, object_dice, object_f1
from cellkit.samples import Sample, Samples, split
from cellkit.train.resuming import name_of
from cellkit_course.papers import TEST_WELLS

LICENCES = {
    "livecell": "CC BY-NC 4.0, Edlund et al., Nature Methods 18 (2021)",
    "dsb2018": "CC0, Caicedo et al., Nature Methods 16 (2019)",
    "glas": "research use only, Sirinukunwattana et al., Medical Image Analysis 35 (2017)",
}
LICENCES |= {f"synthetic {name}": "BSD-3-Clause, drawn by cellkit" for name in LICENCES}
FIT = {"epochs": 100, "steps_per_epoch": 40, "batch_size": 8, "crop": 192, "lr": 3e-3,
       "optimizer": "adamw", "schedule": "onecycle"}
MASK = {**FIT, "loss": "bce+soft_dice"}
GREY = {"in_channels": 1, "width": 16}


@dataclass(frozen=True)
class Middle:
    """An augmentation of a wide crop, of which the middle is kept: what is turned brings its
    surroundings with it instead of mirrored edges."""

    augment: Callable
    side: int  # pixels

    def __call__(self, image, labels, rng):
        image, labels = self.augment(image, labels, rng)
        top, left = ((n - self.side) // 2 for n in labels.shape)
        return tuple(a[top:, left:][:self.side, :self.side] for a in (image, labels))


#: Free rotation and a fifth larger or smaller, beside what is done by default.
ANY_ANGLE = augment.Pipeline(augment.Rotate(180), augment.Zoom(0.2), augment.default)

#: name -> how it is trained.  Epochs and not minutes, so that a busy machine gives the same
#: network, only later.  "begin": the network whose weights it begins with.  "segment": the one
#: behind it that stays as it is (:class:`cellkit.DoubleUNet`).  "data": what it trains on, where
#: the name does not begin with it.
#: Glands need wide crops: the inside of a lumen is just white.
RECIPES = {
    "livecell": {"network": {**GREY, "head": "foreground"}, "training": MASK},
    "livecell-mixed": {
        "network": {**GREY, "head": "foreground"}, "begin": "livecell",
        # The coarse ones more often, and in wide crops: they are the hardest, and a cell that is a
        # few pixels wide is told by what lies around it.  And antialiased bicubic more often, by
        # which pictures are made small most: to be ready for every resampler alike costs 0.02 to
        # 0.03 there (lesson 05's table, (d) against (g)).
        "training": {**MASK, "epochs": 130, "crop": 256, "batch_size": 5,
                     "degrade": RandomDegrade(
                         M=(1, 0.5, 0.25, 0.25, 0.125, 0.125, 0.125),
                         resampler=("bicubic", "bicubic", "area", "bilinear", "lanczos",
                                    "nearest"), antialias=(True, True, True, False))},
    },
    "livecell-sr": {
        "network": {**GREY, "head": "image"},
        "training": {**FIT, "epochs": 30, "lr": 1e-3, "degrade": random_degrade},
    },
    "livecell-sr-task": {
        "network": {**GREY, "head": "image"}, "begin": "livecell-sr", "segment": "livecell",
        "training": {**FIT, "epochs": 30, "degrade": random_degrade},
    },
    "livecell-distance": {
        "network": {**GREY, "width": 24, "head": "distance"}, "training": {**FIT, "epochs": 60},
    },
    "livecell-objects": {
        "network": {**GREY, "width": 22, "depth": 3, "head": "flow"},
        "training": {**FIT, "epochs": 45, "lr": 2e-3, "crop": 272,
                     "augment": Middle(ANY_ANGLE, 192)},
    },
    "dsb2018": {
        "network": {"in_channels": 3, "width": 16, "head": "foreground"},
        "training": {**MASK, "epochs": 60},
    },
    "glas": {
        "network": {"in_channels": 3, "width": 16, "head": "foreground"},
        "training": {**MASK, "epochs": 80, "crop": 384, "batch_size": 2},
    },
    "maskrcnn-light": {
        "data": "dsb2018", "network": {"in_channels": 3, "backbone": "light"},
        "training": {**FIT, "batch_size": 4, "lr": 2e-3},
    },
}
#: Each bundled set's own part to test on.
TEST = {"livecell": "test", "dsb2018": "stage1_test", "glas": "testA"}
#: Pictures drawn for training, a quarter of all that is shown; their seeds begin where no bundled
#: picture's do, and each is a group of its own.
PICTURES, FEW = 48, 8  # real ones that a card tells the looks of; drawn ones, and those turned
DRAWN = {"count": 176, "seed": 100_000, "fields": 1}


def gather(name, holdout) -> tuple[Samples, dict[str, list[Sample]]]:
    """Training rows, and by name the test images, which are read at once."""
    from cellkit.datasets import bundled, read
    from cellkit_course import papers

    data = RECIPES[name].get("data", name.partition("-")[0])
    if not os.environ.get("CELLKIT_DATA"):
        raise SystemExit(f"set CELLKIT_DATA to the folder that holds {data}/ (the real images).")
    if data == "livecell":
        rows, held = livecell(Path(os.environ["CELLKIT_DATA"]) / data, holdout)
    else:
        rows, held = papers.load(data), []
        if holdout:
            rows, held = split(rows, 0.8, seed=0, by="group")
        rows = with_drawn(even(rows), drawn(data))
    return rows, {"real images of held-out groups": list(held), "synthetic test images": [
        sample if data == "livecell" else coloured(sample)
        for sample in read(data, bundled(data), split=TEST[data])]}


def with_drawn(rows: Samples, drawn: Samples) -> Samples:
    """Rows three quarters real and one quarter drawn."""
    return rows + rows + rows + drawn[np.arange(len(rows)) % len(drawn)]


def coloured(sample: Sample) -> Sample:
    if sample.image.ndim == 3:
        return sample
    return replace(sample, image=np.repeat(sample.image[..., None], 3, axis=2))


def drawn(data, count=None) -> Samples:
    """Pictures drawn in the manner of ``data``, in memory."""
    from cellkit.synthetic import render_many
    from experiments.tiny_sets import glands, nuclei

    if data == "livecell":
        return render_many(**DRAWN | {"count": count or DRAWN["count"]}).cached()
    made = []
    for seed in range(DRAWN["seed"], DRAWN["seed"] + (count or DRAWN["count"])):
        if data == "glas":  # at the bundled size, and twice that
            shape = ((132, 196), (264, 392))[seed // 2 % 2]
            kind = ("benign", "malignant")[seed % 2]
            image, labels = glands(kind == "malignant", DRAWN.get("shape", shape), seed)
        else:
            kind = ("fluorescence", "stained", "brightfield")[seed % 3]
            image, masks = nuclei(kind, DRAWN.get("shape", (192, 256)), seed)
            labels = (masks * np.arange(1, len(masks) + 1)[:, None, None]).max(axis=0)
        made.append(coloured(Sample(np.float32(image / 255), labels.astype(np.int32),
                                    f"{kind}_{seed}", f"synthetic {data}", kind)))
    return Samples.of(made)


def livecell(root, holdout) -> tuple[Samples, Samples]:
    """Rows three quarters real and one quarter drawn, each cell line as often as the others; and
    the test wells."""
    from cellkit.datasets import read

    real = read("livecell", root).where(lambda entry: entry.annotated)
    held = real.where(lambda entry: entry.group in TEST_WELLS)
    if (root / "instance_png").is_dir():
        real = trimmed(real, read("livecell", root, split="train").names)
    real = real.cached()
    if holdout:
        real = real.where(lambda entry: entry.group not in TEST_WELLS)
    return with_drawn(even(real), drawn("livecell")), held


def trimmed(samples: Samples, names) -> Samples:
    """Those ``names`` with cells a little smaller: outlines traced from label pictures lie too
    far out, by 4 % of the area.  Half a pixel goes left and right; training flips and turns."""
    return Samples([replace(e, read=_Trimmed(e.read)) if e.name in set(names) else e
                    for e in samples.entries])


class _Trimmed:
    def __init__(self, read):
        self.read = read

    def __call__(self):
        image, labels = self.read()
        return image, labels * ndimage.binary_erosion(labels > 0, np.ones((1, 2)), border_value=1)


def even(samples: Samples) -> Samples:
    """Every sample, repeated until all cell types are as frequent as the most frequent one."""
    of = {kind: [i for i, t in enumerate(samples.cell_types) if t == kind]
          for kind in sorted(set(samples.cell_types))}
    most = max(map(len, of.values()))
    return samples[[rows[k % len(rows)] for k in range(most) for rows in of.values()]]


def score(name, net, samples: list[Sample]) -> dict:
    """What a network is for, measured: means over images, of all and of each cell type."""
    def masks(image):
        if net.head == "image":
            return predict(weights.load_weights("livecell"), super_resolve(net, image)) > 0.5
        return predict(net, image) > 0.5

    found = {}
    for M in (1, 0.25, 0.125) if "degrade" in RECIPES[name]["training"] else (1,):
        found_masks = [masks(degrade(s.image, M, "bicubic")) for s in samples]
        each = [dice(s.mask, mask) for s, mask in zip(samples, found_masks, strict=True)]
        key = "dice" if M == 1 else f"dice, M = {M}, bicubic"
        found[key] = round(float(np.mean(each)), 4)
        if M == 1:
            found["iou"] = round(float(iou([s.mask for s in samples], found_masks)), 4)
        kinds = sorted({s.cell_type for s in samples})
        for kind in kinds if M == 1 and len(kinds) > 1 else ():
            found[kind] = round(float(np.mean(
                [d for d, s in zip(each, samples, strict=True) if s.cell_type == kind])), 4)
    if net.head in ("distance", "flow", "objects"):
        truth = [s.labels for s in samples]
        labels = [detect(net, s.image) if net.head == "objects" else
                  instances(predict(net, s.image, all=True), net.head) for s in samples]
        scores = average_precision(truth, labels)
        each = [average_precision(*pair) for pair in zip(truth, labels, strict=True)]
        found |= {key: round(float(value), 4) for key, value in (
            ("AP50", scores[0]), ("mean AP", scores.mean()),
            ("AP50, mean over images", np.mean([one[0] for one in each])),
            ("mean AP, mean over images", np.mean(each)),
            ("object F1", object_f1(truth, labels)), ("object Dice", object_dice(truth, labels)))}
    return {"images": len(samples), **found}


def fitted(name, rows, epochs, seed, holdout, begun) -> tuple:
    """A recipe's network, and the minutes of its training, which goes on if it has ``begun``."""
    recipe, spent = RECIPES[name], 0

    def other(role):
        # What is to be measured on held-out wells must not begin with what has seen them.
        if not holdout:
            return weights.load_weights(recipe[role])
        nonlocal spent
        net, minutes = fitted(recipe[role], rows, None, seed, holdout, begun)
        spent += minutes
        return net

    kind = MaskRCNN if "backbone" in recipe["network"] else UNet
    net = kind(**recipe["network"], seed=seed)
    if "begin" in recipe:
        net.load_state_dict(other("begin").state_dict())
    whole = DoubleUNet(net, other("segment"), train="sharpen") if "segment" in recipe else net
    settings = recipe["training"] | ({"epochs": epochs} if epochs else {})
    begun.mkdir(parents=True, exist_ok=True)
    history = fit(whole, rows, None, seed=seed, resume=True, **settings,
                  checkpoint=_checkpoint(begun, name, epochs, seed, holdout))
    spent += sum(history.seconds) / 60
    return whole.sharpen if "segment" in recipe else net, spent


def _checkpoint(begun, name, epochs, seed, holdout) -> Path:
    which = [name, str(seed), *[f"{epochs}-epochs"] * bool(epochs), *["held-out"] * holdout]
    return begun / f"{'-'.join(which)}.pt"


def train(name, epochs=None, holdout=False, seed=0, folder=weights.FOLDER,
          begun=Path("build/weights")) -> Path:
    """Train, score and store one network; with ``holdout`` only its scores are kept."""
    recipe = RECIPES[name]
    rows, tests = gather(name, holdout)
    net, spent = fitted(name, rows, epochs, seed, holdout, begun)
    measured = Path(folder) / f"{name}.measured.json"
    if holdout:
        scores = {what: score(name, net, samples) for what, samples in tests.items()}
        groups = sorted({s.group for s in tests["real images of held-out groups"]})
        left_out = ", ".join(groups) if len(groups) < 9 else f"{len(groups)} groups, a fifth of all"
        scores["how"] = f"the same recipe, trained for {spent:.1f} minutes without {left_out}"
        with replacing(measured) as part:
            part.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
        print(json.dumps(scores, indent=1))
        return measured
    scores = {what: score(name, net, samples) for what, samples in tests.items()
              if not what.startswith("real")}
    metrics = {"these weights": scores, "their recipe": None}
    if measured.is_file():
        metrics["their recipe"] = json.loads(measured.read_text(encoding="utf-8"))
    data = [
        {"name": kind, "licence": LICENCES[kind],
         "images": sorted({e.name for e in rows.entries if e.dataset == kind})}
        for kind in sorted({e.dataset for e in rows.entries})
    ]
    training = recipe["training"] | ({"epochs": epochs} if epochs else {})
    file = weights.save_weights(net, Path(folder) / f"{name}.safetensors", {
        "data": data, "metrics": metrics, "minutes": round(spent, 1), "seed": seed,
        **{role: recipe[role] for role in ("begin", "segment") if role in recipe},
        "training": {key: name_of(value) for key, value in training.items()},
        "command": f"python -m experiments.bundled_weights {name}" + "".join(
            f" --{what} {value}" for what, value in (("epochs", epochs), ("seed", seed)) if value),
    })
    _checkpoint(begun, name, epochs, seed, holdout).unlink()
    print(json.dumps(metrics, indent=1), f"\nwritten to {file}")
    return file


def describe(name, folder=weights.FOLDER) -> dict:
    """Write what the training pictures are like into a network's card, and nothing else of it.

    The limit of looks is the 95th percentile over pictures of the same kind that it was not trained
    on, or else of each against those of other groups; that of flips lies three standard deviations
    below the mean of a few of them.
    """
    from cellkit import looks, scale, trust

    recipe, file = RECIPES[name], Path(folder) / f"{name}.safetensors"
    net = weights.load_weights(file, device="cpu")
    data = recipe.get("data", name.partition("-")[0])
    real, made, others = known(data)
    trained = {image for part in net.card["data"] for image in part["images"]}
    real = real.where(lambda entry: entry.name in trained)
    degrade = recipe["training"].get("degrade")
    seen = scale.seen_in(real, PICTURES, degrade)
    seen["looks"] += scale.seen_in(made, FEW, degrade)["looks"]
    net.seen = seen
    own = [s.image for s in others.where(lambda entry: entry.group not in set(real.groups))]
    if own:
        scales, _, rows, _ = scale.known_looks(net)
        far = [looks.apart(looks.looks(image), rows[scales == 1]).min() for image in own]
        seen["limit"] = round(float(np.percentile(far, 95)), 2)
    if net.head != "image":
        own = own or [s.image for s in real[spread(len(real), PICTURES)]]
        agreed = [trust.agreement(net, own[i]) for i in spread(len(own), FEW)]
        seen["agreement"] = round(float(np.mean(agreed) - 3 * np.std(agreed)), 3)
    text = json.dumps(weights.sealed({**weights.card(file), "seen": seen}), indent=1,
                      ensure_ascii=False) + "\n"
    with replacing(file.with_suffix(".json")) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return seen


@cache
def known(data) -> tuple[Samples, Samples, Samples]:
    """Real pictures of a kind, a few drawn ones, and real ones that nobody annotated."""
    from cellkit.datasets import read
    from cellkit_course import papers

    root, made = Path(os.environ["CELLKIT_DATA"]) / data, drawn(data, FEW)
    if data != "livecell":
        return papers.load(data).cached(), made, made[:0]
    return (read(data, root).where(lambda entry: entry.annotated).cached(), made,
            read(data, root, split="unlabelled").cached())


def spread(length, number) -> np.ndarray:
    """At most so many of ``length`` places, evenly."""
    return np.unique(np.linspace(0, max(length - 1, 0), min(number, length)).astype(int))


def main(arguments=None):
    parser = argparse.ArgumentParser("python -m experiments.bundled_weights", description=__doc__)
    parser.add_argument("names", nargs="+", choices=sorted(RECIPES))
    parser.add_argument("--epochs", type=int, help="the recipe's unless given")
    parser.add_argument("--holdout", action="store_true",
                        help="leave the test wells (or a fifth) out, measure the recipe there")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=weights.FOLDER, help="folder to write to")
    parser.add_argument("--begun", type=Path, default=Path("build/weights"),
                        help="folder of trainings that go on where they were broken off")
    parser.add_argument("--statistics", action="store_true",
                        help="train nothing, only tell in the card what the pictures are like")
    asked = parser.parse_args(arguments)
    for name in asked.names:
        if asked.statistics:
            print(name, {key: value for key, value in describe(name, asked.out).items()
                         if key != "looks"}, flush=True)
        else:
            train(name, asked.epochs, asked.holdout, asked.seed, asked.out, asked.begun)


if __name__ == "__main__":
    sys.exit(main())
