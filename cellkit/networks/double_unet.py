"""The Double U-Net: a super-resolution network and a segmentation network as one (lesson 05)."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from cellkit.checks import one_of
from cellkit.networks.unet import UNet

TRAINED = ("both", "sharpen")


class DoubleUNet(nn.Module):
    """Sharpen, then segment: (N, C, H, W) -> (N, 1 + C, H, W), for any H and W.

    Channel 0 is the foreground logit, the others are the sharpened image in the units of the one
    that came in.  Between the two networks each picture is brought to mean 0 and standard
    deviation 1 anew, as :func:`cellkit.predict` would, because that is how the second one knows
    its pictures.

    Parameters
    ----------
    sharpen : UNet
        Head "image".
    segment : UNet
        Head "foreground".  Both are copied: what you give stays as it is.  (Instead of a network
        its ``config`` will do; the weights are then drawn.)
    train : {"both", "sharpen"}
        What :func:`cellkit.fit` may move.  "both" is paper 1's future work, one joint model;
        "sharpen" leaves the segmenter frozen, batch norm's statistics included, so that the
        image is sharpened for an eye that cannot adapt.

    Attributes
    ----------
    sharpen, segment : UNet
        ``net.sharpen`` alone is a network for :func:`cellkit.super_resolve`.
    config : dict
        ``DoubleUNet(**net.config)`` is the same architecture.

    Notes
    -----
    Paper 1 trains the two apart, with losses that do not know of each other; that is
    ``cellkit.predict(segment, cellkit.super_resolve(sharpen, image))``, and the same as this but
    for the clipping to [0, 1] in between.  Mean and standard deviation are those of the tensor
    that comes in: a crop's own while training, a tile's own in images larger than a tile.

    References
    ----------
    Paper 1 (Double U-Net), sections 3.3 and 6.
    """

    head = "double"

    def __init__(self, sharpen, segment, train="both"):
        super().__init__()
        one_of("train", train, TRAINED)
        self.sharpen, self.segment = _part(sharpen, "sharpen"), _part(segment, "segment")
        first, second = self.sharpen.config, self.segment.config
        if not first["in_channels"] == first["out_channels"] == second["in_channels"]:
            raise ValueError(
                f"sharpen has {first['in_channels']} channel(s) in and {first['out_channels']} "
                f"out, segment {second['in_channels']} in, expected the same number thrice; "
                "build both with the channels of your images."
            )
        one_of("normalise of sharpen", first["normalise"], ["standard"])
        one_of("normalise of segment", second["normalise"], ["standard"])
        self.config = dict(sharpen=first, segment=second, train=train)
        if train == "sharpen":
            self.segment.requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        sharp = self.sharpen(image).float()
        return torch.cat([self.segment(_standard(sharp)).float(), sharp], dim=1)

    def train(self, mode: bool = True) -> DoubleUNet:
        super().train(mode)
        if self.config["train"] == "sharpen":
            self.segment.eval()
        return self


def _standard(image: Tensor) -> Tensor:
    """Each picture's own mean and standard deviation taken out; a blank one stays blank."""
    var, mean = torch.var_mean(image, dim=(1, 2, 3), correction=0, keepdim=True)
    return (image - mean) * (var + 1e-6).rsqrt()


def _part(net, name) -> UNet:
    head = {"sharpen": "image", "segment": "foreground"}[name]
    if isinstance(net, dict):
        net = UNet(**net)
    if not isinstance(net, UNet) or net.head != head:
        found = f"the head {net.head!r}" if isinstance(net, UNet) else f"type {type(net).__name__}"
        raise ValueError(f"{name} has {found}, expected UNet(head={head!r}).")
    return deepcopy(net).requires_grad_(True)
