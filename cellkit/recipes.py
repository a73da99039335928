"""The papers' experiments as data: what is trained on what, how, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from cellkit import augment

#: LIVECell development split: these wells are tested on and never trained on, so that results
#: compare.  The first five are real (17 of the images in use); S4 is the well of the synthetic
#: set's test part, one for each line.
LIVECELL_TEST_WELLS = (
    "A172_Phase_B7", "BT474_Phase_D3", "Huh7_Phase_A12", "MCF7_Phase_H4", "SKOV3_Phase_E4",
    "A172_Phase_S4", "BT474_Phase_S4", "BV2_Phase_S4", "Huh7_Phase_S4", "MCF7_Phase_S4",
    "SHSY5Y_Phase_S4", "SkBr3_Phase_S4", "SKOV3_Phase_S4",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Recipe:
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
        See :data:`cellkit.losses.FITTING`.
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


#: The fields of a recipe that are settings: what must be known before it can be run.
SETTINGS = tuple(f.name for f in fields(Recipe) if f.name not in ("name", "title", "printed",
                                                                  "ours"))

PAPER3 = Recipe(
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
        "optimiser": {"batch_size": 8},
        "schedule": {"epochs": 20},
        "postprocessing": "none",
    },
)

PAPER5 = Recipe(
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
    metrics=("f1", "mAP of paper 5"),
    printed={
        "dsb2018": {"f1": 0.89, "mAP of paper 5": 0.47},
        "isbi2012": {"f1": 0.93, "mAP of paper 5": 0.53},
        "snemi3d": {"f1": 0.97, "mAP of paper 5": 0.42},
        "ncmir": {"f1": 0.63, "mAP of paper 5": 0.23},
        "epfl": {"f1": 0.95, "mAP of paper 5": 0.57},
    },
    ours={
        "data": ("dsb2018", "isbi2012", "epfl"),
        "split": {"by": "group", "seed": 0},
        "resize": {"dsb2018": "native", "isbi2012": "native", "epfl": "native"},
        "network": {"width": 16},
        "optimiser": {"lr": 3e-3, "batch_size": 8},
        "schedule": {"schedule": "onecycle"},
    },
)
