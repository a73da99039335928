"""What a network may say about an image: its *head*, everything about it in one place.

A head is how many channels it takes, what the network is taught, how its output is read, which
losses fit and how the result is scored.  A new one is a class here and an entry in ``HEADS``.

=============  ==========================  ===================================================
head           output (logits)             target
=============  ==========================  ===================================================
"foreground"   (N, 1, H, W)                float (N, 1, H, W), 0 or 1
"two_class"    (N, 2, H, W)                int64 (N, H, W): 0 background, 1 cell
"border"       (N, 3, H, W)                int64 (N, H, W): 0 background, 1 cell, 2 border
"distance"     (N, 2, H, W), see there     float (N, 2, H, W): foreground, distance in [0, 1]
"flow"         (N, 3, H, W), see there     float (N, 3, H, W): foreground, flow down and right
"image"        (N, C, H, W), no logits     float (N, C, H, W)
"double"       (N, 1 + C, H, W)            float (N, 1 + C, H, W): foreground, sharp image
"objects"      `cellkit.MaskRCNN`          int64 (N, H, W): labels
=============  ==========================  ===================================================
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from cellkit import losses, targets
from cellkit.checks import one_of
from cellkit.device import unwrapped
from cellkit.metrics import dice
from cellkit.postprocessing import merge_foreground


class Head:
    """One foreground logit, and what all other heads have unless they say otherwise.

    Attributes
    ----------
    name : str
        Its key in :data:`HEADS`.
    channels : int or None
        What a network needs for it; None: as many as the image has.
    method : str or None
        How :func:`cellkit.segment` makes cells of it; None: there are none.
    losses : dict of str -> callable(output, target)
        Those that fit; the first is the default.  Empty: the network makes its own.
    metric : {"dice", "psnr"}
        What :meth:`score` is called.
    labelled : bool
        Whether the target needs ground truth.
    network : str, optional
        The one network that has it; None: any :class:`cellkit.UNet`.
    largest : int
        Validation pictures are cut to this side, in pixels, so that memory stays bounded.
    """

    name = "foreground"
    channels: int | None = 1
    method: str | None = "watershed"
    losses: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "bce": losses.bce, "weighted_bce": losses.weighted_bce, "soft_dice": losses.soft_dice,
        "soft_iou": losses.soft_iou}
    metric = "dice"
    labelled = True
    network: str | None = None
    largest = 1024

    def target(self, labels: np.ndarray | None, sharp: np.ndarray) -> np.ndarray:
        """What is taught, of int labels (H, W) and the sharp image (C, H, W) as networks see it."""
        return (labels > 0)[None].astype(np.float32)

    def maps(self, output: Tensor) -> dict[str, Tensor]:
        """One image's float32 output (channels, H, W) as named maps (H, W); RGB is (H, W, 3)."""
        return {"foreground": output[0].sigmoid()}

    def laid_back(self, maps: dict, quarters: int, flip: bool) -> dict:
        """Maps of a turned and flipped image, laid back pixel by pixel; what they say of
        directions is turned back here."""
        return maps

    def score(self, output: Tensor, target: Tensor) -> float:
        """Dice of foreground > 0.5, mean over the batch's images."""
        pred = torch.stack([self.maps(one)["foreground"] > 0.5 for one in output.detach()])
        truth = target[:, 0] > 0.5 if target.ndim == 4 else target > 0
        return dice(truth.cpu().numpy(), pred.cpu().numpy())


class TwoClass(Head):
    """Logits of background and cell (paper 1)."""

    channels = 2
    losses = {"cross_entropy": losses.cross_entropy, "soft_dice": losses.soft_dice,
              "soft_iou": losses.soft_iou}

    def target(self, labels, sharp):
        return (labels > 0).astype(np.int64)

    def maps(self, output):
        return {"foreground": 1 - output.softmax(0)[0]}


class Border(Head):
    """Logits of background, inside and rim (lesson 07_watershed)."""

    channels, method = 3, "border"
    losses = {"cross_entropy": losses.cross_entropy, "gap_weighted": losses.gap_weighted,
              "soft_dice": losses.soft_dice, "soft_iou": losses.soft_iou}

    def target(self, labels, sharp):
        return targets.border_map(labels).astype(np.int64)

    def maps(self, output):
        chance = output.softmax(0)
        return {"foreground": 1 - chance[0], "border": chance[2]}


class Distance(Head):
    """Foreground logit, and the distance to the cell's rim in [0, 1] (lesson 07_watershed)."""

    channels, method = 2, "distance"
    losses = {"distance": losses.distance}

    def target(self, labels, sharp):
        return np.stack([labels > 0, targets.distance_map(labels)]).astype(np.float32)

    def maps(self, output):
        return {"foreground": output[0].sigmoid(), "distance": output[1].clamp(0, 1)}


class Flow(Head):
    """Foreground logit, and a step towards the middle of the cell, down and to the right."""

    channels, method = 3, "flow"
    losses = {"flow": losses.flow}

    def target(self, labels, sharp):
        return np.concatenate([(labels > 0)[None], targets.flow_map(labels)], dtype=np.float32)

    def maps(self, output):
        down, right = output[1:].clamp(-1, 1)
        return {"foreground": output[0].sigmoid(), "flow_y": down, "flow_x": right}

    def laid_back(self, maps, quarters, flip):
        down, right = maps["flow_y"], -maps["flow_x"] if flip else maps["flow_x"]
        for _ in range(quarters):
            down, right = right, -down
        return maps | {"flow_y": down, "flow_x": right}


class Picture(Head):
    """An image, in the units of the one that came in (lesson 04_super_resolution)."""

    channels, method = None, None
    losses = {"mse": losses.mse}
    metric = "psnr"
    labelled = False

    def target(self, labels, sharp):
        return sharp

    def maps(self, output):
        return {"image": output[0] if len(output) == 1 else output.permute(1, 2, 0)}

    def score(self, output, target):
        """PSNR in dB relative to the range of each truth's own grey values, mean over images."""
        output, target = output.detach(), target.detach()
        error = (output - target).square().flatten(1).mean(1)
        wide = target.flatten(1).amax(1) - target.flatten(1).amin(1)
        return float((10 * torch.log10((wide.square() + 1e-12) / (error + 1e-12))).mean())


class Double(Head):
    """Foreground logit and sharp image of a :class:`cellkit.DoubleUNet`."""

    channels = None
    losses = {"double": losses.double}
    network = "DoubleUNet"

    def target(self, labels, sharp):
        return np.concatenate([(labels > 0)[None], sharp], dtype=np.float32)

    def maps(self, output):
        return HEADS["foreground"].maps(output[:1]) | HEADS["image"].maps(output[1:])


class Objects(Head):
    """The detections of a :class:`cellkit.MaskRCNN`, which makes its losses itself."""

    channels, method = None, "detect"
    losses = {}
    network = "MaskRCNN"
    largest = 512  # anchors times objects fill memory sooner

    def target(self, labels, sharp):
        return labels.astype(np.int64)

    def maps(self, output):
        return {"foreground": merge_foreground(output)}

    def score(self, output, target):
        """Dice of the merged foreground > 0.5, mean over the batch's images."""
        pred = np.stack([self.maps(one)["foreground"] > 0.5 for one in output])
        return dice(target.cpu().numpy() > 0, pred)


HEADS: dict[str, Head] = {
    "foreground": Head(), "two_class": TwoClass(), "border": Border(), "distance": Distance(),
    "flow": Flow(), "image": Picture(), "double": Double(), "objects": Objects(),
}
for _name, _head in HEADS.items():
    _head.name = _name


def config_of(net: nn.Module) -> dict:
    """How one of cellkit's networks was built; {} for any other."""
    config = getattr(unwrapped(net), "config", None)
    return config if isinstance(config, dict) else {}


def head_of(net: nn.Module) -> Head:
    """A network's head; without one it is "foreground".

    A layer that happens to be called ``head`` says nothing; a name that is none is refused.
    """
    name = getattr(unwrapped(net), "head", "foreground")
    if not isinstance(name, str):
        name = "foreground"
    one_of("the network's head", name, HEADS)
    return HEADS[name]


def expect_head(net: nn.Module, names, advice: str) -> Head:
    """A network's head, if it is one of those that can be used here."""
    head = head_of(net)
    if head.name not in names:
        raise ValueError(f"this network has the head {head.name!r}, expected one of "
                         f"{', '.join(name for name in HEADS if name in names)}; {advice}.")
    return head


def loss_of(head: Head, loss: str | Callable | None) -> Callable[[Tensor, Tensor], Tensor] | None:
    """A loss by name, the sum of several ("bce+soft_dice"), or the head's default (None).

    None where the network makes its own, because it compares proposals.
    """
    if not head.losses:
        if loss is not None:
            raise ValueError(f"loss is {loss!r}, but {head.network} has losses of its own; leave "
                             "it out.")
        return None
    if callable(loss):
        return loss
    names = next(iter(head.losses)) if loss is None else loss
    names = names.split("+") if isinstance(names, str) else [names]
    for name in names:
        if name not in head.losses:
            raise ValueError(
                f"loss {name!r} does not fit the head {head.name!r}; expected one of "
                f"{', '.join(head.losses)}, several joined by +, or a function "
                "loss(output, target)."
            )
    return lambda output, target: sum(head.losses[name](output, target) for name in names)
