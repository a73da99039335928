"""The papers' experiments as data: what is trained on what, how, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from cellkit import augment
from cellkit.datasets import find, read
from cellkit.resampling import RESAMPLERS
from cellkit.samples import Sample, Samples, split

#: LIVECell development split: these wells are tested on and never trained on, so that results
#: compare.  The first five are real (17 of the images in use); S4 is the well of the synthetic
#: set's test part, one for each line.
TEST_WELLS = (
    "A172_Phase_B7", "BT474_Phase_D3", "Huh7_Phase_A12", "MCF7_Phase_H4", "SKOV3_Phase_E4",
    "A172_Phase_S4", "BT474_Phase_S4", "BV2_Phase_S4", "Huh7_Phase_S4", "MCF7_Phase_S4",
    "SHSY5Y_Phase_S4", "SkBr3_Phase_S4", "SKOV3_Phase_S4",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Everything that reproduces one paper's experiment.

    Each field but the last two holds what the *paper* says.  What it does not say is None, alone
    or inside a dictionary, and then ``ours`` must have our choice under the same field (and key).
    ``ours`` may also replace what the paper says, where we do it otherwise on purpose.

    Attributes
    ----------
    name, title : str
        "paper5"; the paper's title.
    data : tuple of str
        Names for :func:`cellkit.read`.
    split, resize, network, optimiser, schedule : dict
        By name; where they are settings of :func:`cellkit.split`, :class:`cellkit.UNet` or
        :func:`cellkit.fit` they bear their names there.
    augmentation : callable or str
        One of :mod:`cellkit.augment`, or words.
    loss : str
        See :mod:`cellkit.heads`.
    postprocessing : str
    metrics : tuple of str
    printed : dict
        data set -> metric -> the number that the paper prints; None: not printed.
    ours : dict
        Field -> our choice: a dictionary is laid over the paper's, anything else replaces it.
    """

    name: str
    title: str
    data: tuple[str, ...]
    split: dict[str, Any]
    resize: dict[str, Any]
    augmentation: Any
    network: dict[str, Any]
    loss: str | None
    optimiser: dict[str, Any]
    schedule: dict[str, Any]
    postprocessing: str | None
    metrics: tuple[str, ...]
    printed: dict[str, dict[str, float | None]]
    ours: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        for name in SETTINGS:
            chosen = self.chosen(name)
            missing = [f"{name}[{key!r}]" for key, value in chosen.items() if value is None] \
                if isinstance(chosen, dict) else [name] if chosen is None else []
            if missing:
                raise ValueError(
                    f"recipe {self.name!r}: {missing[0]} is None, which says that the paper does "
                    "not state it; put our choice into ours, under the same name."
                )
        if unknown := set(self.ours) - set(SETTINGS):
            raise ValueError(
                f"recipe {self.name!r}: ours has {sorted(unknown)}, expected names among "
                f"{', '.join(SETTINGS)}."
            )

    def chosen(self, name: str):
        """What is really done for a field: the paper's setting, filled in or replaced by ours."""
        said, ours = getattr(self, name), self.ours.get(name)
        if isinstance(said, dict):
            return {**said, **(ours or {})}
        return said if ours is None else ours

    def rows(self) -> list[dict]:
        """What the paper says beside what we do, setting by setting: for ``ck.show.table``."""
        rows = []
        for name in SETTINGS:
            said, ours = getattr(self, name), self.ours.get(name)
            if not isinstance(said, dict):
                rows.append((name, said, ours))
                continue
            for key in {**said, **(ours or {})}:
                rows.append((f"{name}: {key}", said.get(key), (ours or {}).get(key)))
        return [{"setting": name, "the paper": "not stated" if said is None else _words(said),
                 "ours": "the same" if ours is None else _words(ours)}
                for name, said, ours in rows]


def _words(value) -> str:
    if isinstance(value, augment.Pipeline):
        return ", ".join(type(step).__name__.lower() for step in value.steps)
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_words(one)}" for key, one in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(map(_words, value))
    return getattr(value, "__name__", None) or str(value)


#: The fields of a recipe that are settings: what must be known before it can be run.
SETTINGS = tuple(f.name for f in fields(Paper) if f.name not in ("name", "title", "printed",
                                                                  "ours"))

PAPER1 = Paper(
    name="paper1",
    title="Double U-Net for super-resolution and segmentation of live cell images",
    data=("livecell",),
    split={"part": None, "test wells": None},
    resize={"M": (1, 0.25, 0.125), "resampler": None, "antialias": None, "up": None, "crop": None},
    augmentation=None,
    network={"width": 64, "depth": 4, "norm": "batch", "up": None, "head": "two_class",
             "sharpen": {"head": "image", "residual": False, "loss": "mse"}},
    loss="cross_entropy",
    optimiser={"optimizer": None, "lr": None, "batch_size": None},
    schedule={"schedule": None, "steps": None},
    postprocessing=None,
    metrics=("dice",),
    printed={  # Dice
        "livecell test": {"sharp": 0.906, "degraded, M = 0.25": 0.317,
                          "degraded, M = 0.125": 0.258, "super-resolved, M = 0.25": 0.384,
                          "super-resolved, M = 0.125": 0.385},
        "livecell validation": {"sharp": 0.897, "degraded, M = 0.25": 0.358,
                                "degraded, M = 0.125": 0.297, "super-resolved, M = 0.25": 0.437,
                                "super-resolved, M = 0.125": 0.452},
    },
    ours={
        "split": {"part": "what is not in a test well, nothing held out to validate on: nothing "
                          "is chosen", "test wells": TEST_WELLS},
        "resize": {"resampler": RESAMPLERS, "antialias": (True, False), "up": "bicubic",
                   "crop": 192},
        "augmentation": augment.default,
        "network": {"width": 16, "up": "transpose", "head": "foreground"},
        "loss": "bce+soft_dice",
        "optimiser": {"optimizer": "adamw", "lr": 3e-3, "batch_size": 4},
        "schedule": {"schedule": "onecycle", "steps": 1200},
        "postprocessing": "foreground > 0.5",
        "metrics": ("dice", "dice pooled", "accuracy", "area", "edge dice", "image edges"),
    },
)

#: The networks of lesson 05, by name.  ``sees``: the factors M it trains on, "M" for the one that
#: it is made for; ``resampler``: the one way down that it trains on, "way" for the one that it is
#: made for, else any is drawn.  ``begins``: the network it starts from, so that a
#: strategy costs the sharp network and as many steps again, whichever it is.  ``double``: what a
#: :class:`cellkit.DoubleUNet` may move, ``weight`` its image's share of the loss.
RESOLUTION_NETWORKS = {
    "sharp": {"sees": (1,)},
    "super-resolution": {"sees": "M", "head": "image"},
    "task": {"sees": "M", "double": "sharpen", "weight": 0.1, "begins": "sharp"},
    "direct": {"sees": "M", "begins": "sharp"},
    "specialist": {"sees": "M", "resampler": "way", "begins": "sharp"},
    "mixed": {"sees": (1, 0.5, 0.25, 0.125), "begins": "sharp"},
    "joint": {"sees": "M", "double": "both", "weight": 1.0, "begins": "sharp"},
}

#: From a degraded image to a mask: the strategies that lesson 05 compares.  ``front``: the network
#: that sharpens the image first.
RESOLUTION_STRATEGIES = {
    "a": {"words": "sharp-trained network, as it is", "net": "sharp"},
    "b": {"words": "the paper: super-resolution (MSE) in front", "net": "sharp",
          "front": "super-resolution"},
    "c": {"words": "super-resolution trained for the task in front", "net": "task"},
    "d": {"words": "trained at that M", "net": "direct"},
    "e": {"words": "one network trained on every M", "net": "mixed"},
    "f": {"words": "both networks trained as one, losses summed", "net": "joint"},
    "g": {"words": "trained at that M, with that resampler alone", "net": "specialist"},
}

PAPER3 = Paper(
    name="paper3",
    title="\"Is this cell alive?\" U-Net segmentation for live-cell imaging",
    data=("livecell3",),
    split={"fraction": 0.85, "by": None, "grown first": None, "seed": None},
    resize={"mode": "resize", "crop": 256},
    augmentation=augment.paper3,
    network={"width": None, "depth": None, "norm": "batch", "up": None, "dropout": None,
             "head": "foreground"},
    loss="weighted_bce",
    optimiser={"optimizer": "adam", "lr": 1e-3, "batch_size": None},
    schedule={"schedule": "step", "images": 1773, "epochs": None},
    postprocessing=None,
    metrics=("iou", "accuracy"),
    printed={"livecell3": {"iou": None, "accuracy": None}},  # curves in a figure, no number
    ours={
        "data": ("ctc_fluo_n2dh_sim",),  # its own three images were never published
        "split": {"by": "image", "grown first": True, "seed": 0},  # no three images give 15 %
        "network": {"width": 16, "depth": 4, "up": "transpose", "dropout": 0.1},
        "optimiser": {"batch_size": 4},
        "schedule": {"epochs": "as many as the steps asked for"},
        "postprocessing": "components",
    },
)

PAPER5 = Paper(
    name="paper5",
    title="U-Net on biomedical images",
    data=("dsb2018", "isbi2012", "snemi3d", "ncmir", "epfl"),
    split={"fraction": 0.8, "by": None, "seed": None},
    resize={"dsb2018": 128, "isbi2012": 512, "snemi3d": 512, "ncmir": 512, "epfl": 512},
    augmentation=augment.paper5,
    network={"width": 64, "depth": 4, "norm": "batch", "up": "transpose", "head": "foreground"},
    loss="bce",
    optimiser={"optimizer": "adam", "lr": None, "batch_size": None},
    schedule={"epochs": 100, "schedule": None},
    postprocessing="kmeans",
    metrics=("f1", "mAP of U-Net on biomedical images"),
    printed={
        "dsb2018": {"f1": 0.89, "mAP of U-Net on biomedical images": 0.47},
        "isbi2012": {"f1": 0.93, "mAP of U-Net on biomedical images": 0.53},
        "snemi3d": {"f1": 0.97, "mAP of U-Net on biomedical images": 0.42},
        "ncmir": {"f1": 0.63, "mAP of U-Net on biomedical images": 0.23},
        "epfl": {"f1": 0.95, "mAP of U-Net on biomedical images": 0.57},
    },
    ours={
        "data": ("dsb2018", "isbi2012", "epfl"),
        # In stacks neighbours are nearly alike: whole blocks at the end are tested on.
        "split": {"by": "group", "seed": 0, "tested": {
            "isbi2012": ("train 024-029",), "epfl": ("test 000-019", "train 160-179")}},
        "resize": {name: "native" for name in ("dsb2018", "isbi2012", "epfl")},
        "network": {"width": 16},
        "loss": "bce+soft_dice",  # in few steps it goes further
        "optimiser": {"lr": 3e-3, "batch_size": 4},
        "schedule": {"schedule": "onecycle", "epochs": "as many as the steps asked for"},
        "postprocessing": "components",  # k-means is slower and worse, see lesson 07_watershed
    },
)

PAPER2 = Paper(
    name="paper2",
    title="Pixel-wise segmentation of microscopy images with deep learning",
    data=("glas",),
    split={"fraction": 0.9, "by": None, "seed": None},
    resize={"mode": "pad", "crop": 512},
    augmentation=augment.paper2,
    network={
        "UNet": {"in_channels": 3, "width": 64, "depth": 4, "norm": "none", "up": "transpose",
                 "head": "foreground"},
        "MaskRCNN": {"in_channels": 3, "backbone": "resnet50", "weights": "coco",
                     "anchors": "torchvision", "size": 800, "detections": 100},
    },
    loss="bce",  # of the U-Net; Mask R-CNN: the sum of its own
    optimiser={
        "UNet": {"optimizer": "adam", "lr": 1e-3, "batch_size": 10},
        "MaskRCNN": {"optimizer": "sgd", "lr": 1e-4, "momentum": 0.9, "weight_decay": 3e-4,
                     "batch_size": 2},
    },
    schedule={"UNet": {"epochs": 24, "schedule": "none"},
              "MaskRCNN": {"epochs": 14, "schedule": "a tenth every 15 epochs"}},
    postprocessing="cellkit.postprocessing.merge_paper2",
    metrics=("f1", "object f1", "object hausdorff"),
    printed={"glas": {"f1": None, "object f1": None, "object hausdorff": None}},  # in a figure
    ours={
        "split": {"fraction": 0.7, "by": "group", "seed": 0},  # patients apart
        "resize": {"mode": "half size", "crop": 192},
        "augmentation": augment.default,
        "network": {"UNet": {"in_channels": 3, "width": 16},
                    "MaskRCNN": {"in_channels": 3, "backbone": "light"}},
        "loss": "bce+soft_dice",
        "optimiser": {"UNet": {"optimizer": "adamw", "lr": 3e-3, "batch_size": 4},
                      "MaskRCNN": {"optimizer": "adamw", "lr": 2e-3, "batch_size": 4}},
        "schedule": {"UNet": {"schedule": "onecycle", "epochs": "as many as the steps asked for"},
                     "MaskRCNN": {"schedule": "onecycle",
                                  "epochs": "as many as the steps asked for"}},
    },
)

PAPER4 = Paper(
    name="paper4",
    title="Using deep learning approaches to segment, detect, and extract the cellular nuclei "
          "from fluorescence microscopy images",
    data=("dsb2018",),
    split={"train": 670, "test": 65, "by": None, "seed": None},
    resize={"mode": None},
    augmentation=None,
    network={
        "SimpleCNN": {"width": None},
        "ResNetUNet": {"encoder": 101, "weights": "coco", "width": None},
        "UNet": {"width": None, "depth": 4},
        "MaskRCNN": {"backbone": None, "weights": "coco"},
    },
    loss="soft_iou",
    optimiser={"optimizer": "adam", "lr": None, "batch_size": None},
    schedule={"epochs": None, "schedule": None},
    postprocessing=None,
    metrics=("accuracy", "iou"),  # "mean IoU": of the foreground or both classes, not said
    printed={
        "dsb2018, SimpleCNN": {"accuracy": 0.937, "iou": 0.62},
        "dsb2018, ResNetUNet": {"accuracy": 0.961, "iou": 0.77},
        "dsb2018, UNet": {"accuracy": 0.980, "iou": 0.83},
        "dsb2018, MaskRCNN": {"accuracy": 0.992, "iou": 0.88},
    },
    ours={
        "split": {"fraction": 0.8, "by": "group", "seed": 0},  # tiles of one field stay together
        "resize": {"mode": "native, crops of 192"},
        "augmentation": augment.default,
        "network": {
            "SimpleCNN": {"in_channels": 3, "width": 32},
            "ResNetUNet": {"in_channels": 3, "encoder": 18, "width": 16},
            "UNet": {"in_channels": 3, "width": 16, "depth": 4},
            "MaskRCNN": {"in_channels": 3, "backbone": "light"},
        },
        "loss": "bce+soft_dice",
        "optimiser": {"optimizer": "adamw", "lr": 3e-3, "batch_size": 4},
        "schedule": {"schedule": "onecycle", "epochs": "as many as the steps asked for"},
        "postprocessing": "components, of Mask R-CNN its own objects",
    },
)

#: The rows of lesson 06's table, by name.  ``net``: a class of :mod:`cellkit.networks`; ``pace``:
#: how many batches it is trained on for each batch of the U-Net, so that all train about equally
#: long (measured on two CPU cores).  The last two need weights that must be downloaded.
MODELS = {
    "simple": {"words": "simple CNN", "net": "SimpleCNN", "pace": 1.0, "lr": 3e-3},
    "resnet": {"words": "ResNet-18 U-Net, random weights", "net": "ResNetUNet", "pace": 0.6,
               "lr": 3e-3},
    "unet": {"words": "U-Net", "net": "UNet", "pace": 1.0, "lr": 3e-3},
    "unet-iou": {"words": "U-Net, IoU loss (Wang and Song)", "net": "UNet", "pace": 1.0, "lr": 3e-3,
                 "loss": "soft_iou"},
    "unet-bce": {"words": "U-Net, cross-entropy", "net": "UNet", "pace": 1.0, "lr": 3e-3,
                 "loss": "bce"},
    "mask_rcnn": {"words": "light Mask R-CNN", "net": "MaskRCNN", "pace": 0.27, "lr": 2e-3},
    "resnet-coco": {"words": "ResNet-101 U-Net, COCO weights (Wang and Song)", "net": "ResNetUNet",
                    "config": {"encoder": 101, "weights": "coco"}, "pace": 0.2, "lr": 3e-4},
    "mask_rcnn-coco": {"words": "Mask R-CNN r50-FPN, COCO weights",
                       "net": "MaskRCNN",
                       "config": {"backbone": "resnet50", "weights": "coco", "size": 800,
                                  "anchors": "torchvision", "detections": 100},
                       "pace": 0.02, "lr": 1e-4},
}

# A paper's pictures ------------------------------------------------------------------------------


def load(dataset: str, side: int | None = None, padded: bool = False) -> Samples:
    """A recipe's data set in memory, each picture grey or all in colour, resized to a square.

    ``padded``: made square before, with zeros below and at the right.
    """
    if dataset == "ctc_fluo_n2dh_sim":
        rows = read("folder", find(dataset), images="images/t{}.tif", scale="percentile",
                    labels="labels/man_seg{}.tif", kind="cells", dataset=dataset)
    else:
        rows = read(dataset)
    rows = list(rows)
    if any(sample.image.ndim == 3 for sample in rows):
        rows = [s if s.image.ndim == 3 else replace(s, image=np.repeat(s.image[..., None], 3, 2))
                for s in rows]
    if padded:
        rows = [replace(s, image=_square(s.image), labels=_square(s.labels)) for s in rows]
    return Samples.of([_resized(s, side) for s in rows] if side else rows)


def _square(array: np.ndarray) -> np.ndarray:
    height, width = array.shape[:2]
    more = ((0, max(0, width - height)), (0, max(0, height - width)))
    return np.pad(array, more + ((0, 0),) * (array.ndim - 2))


def _resized(sample, side) -> Sample:
    """Bilinear with antialiasing; labels by nearest neighbour."""
    from cellkit.annotations import resize_labels
    from cellkit.resampling import resample

    image = np.clip(resample(sample.image, (side, side), "bilinear"), 0, 1)
    labels = resize_labels(sample.labels, (side, side))
    return replace(sample, image=image.astype(np.float32), labels=labels)


def divide(recipe: Paper, dataset: str, rows: Samples, share: float | None = None,
           seed: int = 0) -> tuple[Samples, Samples]:
    """Training and test part; with ``share`` only so much of *all* pictures is trained on."""
    how = recipe.chosen("split")
    if tested := how.get("tested", {}).get(dataset):
        train = rows.where(lambda entry: entry.group not in tested)
        test = rows.where(lambda entry: entry.group in tested)
    else:
        train, test = split(rows, how["fraction"], how["seed"], how["by"])
    if share is not None:
        count = max(1, round(share * len(rows)))
        chosen = np.random.default_rng(seed).permutation(len(train))[:count]
        train = train[np.sort(chosen)]
    return train, test
