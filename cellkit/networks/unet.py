"""The U-Net (lesson 02_unet_from_scratch builds it).

Ronneberger, Fischer, Brox: U-Net: Convolutional Networks for Biomedical Image Segmentation,
MICCAI 2015.  As in papers 1 to 5 of the course the convolutions are padded, so that a mask is as
large as its image.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cellkit import heads
from cellkit.checks import number, one_of, whole_number
from cellkit.normalisation import NORMALISE

#: The heads that any U-Net may have.
HEADS = {name: head for name, head in heads.HEADS.items() if head.network is None}
NORMS = {
    "batch": nn.BatchNorm2d,
    "group": lambda channels: nn.GroupNorm(math.gcd(8, channels), channels),
    "none": lambda channels: nn.Identity(),
}
UPS = ("transpose", "bilinear")


def block(n_in: int, n_out: int, norm: str) -> nn.Sequential:
    """Twice: 3x3 convolution, norm, ReLU.  A norm has its own bias, so the convolution has none."""
    layers = []
    for n in (n_in, n_out):
        layers += [
            nn.Conv2d(n, n_out, 3, padding=1, bias=norm == "none"),
            NORMS[norm](n_out),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def upsample(n: int, up: str) -> nn.Module:
    """Twice the side, half the channels (the paper's up-convolution, or bilinear)."""
    if up == "transpose":
        return nn.ConvTranspose2d(n, n // 2, 2, stride=2)
    # The 1x1 convolution commutes with the interpolation, and is four times cheaper before it.
    bilinear = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    return nn.Sequential(nn.Conv2d(n, n // 2, 1), bilinear)


class UNet(nn.Module):
    """A U-Net: (N, in_channels, H, W) -> (N, out_channels, H, W), for any H and W.

    Parameters
    ----------
    in_channels : int
        1 for grey images, 3 for RGB.
    out_channels : int, optional
        None: what the head needs.
    width : int
        Channels of the first block; each of the ``depth`` levels below has twice as many.
    depth : int
        How often the image is halved.
    norm : {"batch", "group", "none"}
        "none" is the original; with "batch" (papers 1, 3, 5) the convolutions have no bias.
    up : {"transpose", "bilinear"}
    dropout : float in [0, 1)
        Share of values zeroed after each decoder block while training (paper 3).
    residual : bool
        Add the input to the output: the network then learns what is missing (super-resolution).
    head : str, optional
        What the output means, see :mod:`cellkit.heads`.  None: the first head that has
        ``out_channels``: "foreground" for 1, "two_class" for 2, "border" for 3.
    normalise : {"standard", "none"}
        What :func:`cellkit.fit` and :func:`cellkit.predict` do to an image before the network
        sees it, see :func:`cellkit.normalisation.normalisation_stats`; the network itself never
        does it.
    seed : int
        The starting weights are drawn from it: the same call gives the same network.

    Attributes
    ----------
    config : dict
        ``UNet(**net.config)`` is the same architecture.

    Notes
    -----
    Halving ``depth`` times needs sides that 2**depth divides.  Other images are padded evenly on
    opposite sides up to the next such size, by reflection where the image is larger than the
    padding and by repeating its edge where it is not (1x1 works), and the output is cut back.
    Weights start as in the paper: normal, variance 2 / (inputs of the unit), no bias.
    """

    def __init__(self, in_channels=1, out_channels=None, width=64, depth=4, norm="batch",
                 up="transpose", dropout=0.0, residual=False, head=None, normalise="standard",
                 seed=0):
        super().__init__()
        check(normalise, seed, in_channels=in_channels, width=width, depth=depth)
        one_of("norm", norm, NORMS)
        one_of("up", up, UPS)
        number("dropout", dropout, "a share in [0, 1)", lambda d: 0 <= d < 1)
        head, out_channels = _settle(in_channels, out_channels, head, residual)
        self.head = head
        self.config = dict(
            in_channels=in_channels, out_channels=out_channels, width=width, depth=depth,
            norm=norm, up=up, dropout=dropout, residual=residual, head=head, normalise=normalise,
        )
        n = [width * 2**level for level in range(depth + 1)]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # this one alone, not the GPUs
            self.down = nn.ModuleList(
                block(a, b, norm) for a, b in zip([in_channels, *n], n, strict=False)
            )
            self.up = nn.ModuleList(upsample(c, up) for c in n[:0:-1])
            self.merge = nn.ModuleList(block(c, c // 2, norm) for c in n[:0:-1])
            self.dropout = nn.Dropout(dropout)
            self.out = nn.Conv2d(width, out_channels, 1)
            for layer in [m for b in (self.down, self.merge) for m in b.modules()]:
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight)
                    if layer.bias is not None:
                        nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor) -> Tensor:
        expect(self, image)
        unit = 2 ** self.config["depth"]
        # Batch norm needs two values to train on, so a lone tiny image gets a second unit.
        lone = self.training and len(image) == 1 and max(image.shape[-2:]) <= unit
        x, window = pad(image, unit, 2 * unit if lone else unit)
        skips = []
        for level in self.down[:-1]:
            skips.append(level(x))
            x = F.max_pool2d(skips[-1], 2)
        x = self.down[-1](x)
        for up, merge in zip(self.up, self.merge, strict=True):
            x = torch.cat([skips.pop(), up(x)], dim=1)
            x = self.dropout(merge(x))
        x = self.out(x)[window]
        return x + image if self.config["residual"] else x


def check(normalise, seed, **sizes):
    """Refuse what no network can be built of."""
    one_of("normalise", normalise, NORMALISE)
    whole_number("seed", seed, 0)
    for name, value in sizes.items():
        whole_number(name, value)


def expect(net, image):
    """Say in words what is wrong with a tensor before a layer says it in numbers."""
    channels, weight = net.config["in_channels"], next(net.parameters())
    if not isinstance(image, Tensor) or not image.is_floating_point():
        found = image.dtype if isinstance(image, Tensor) else type(image).__name__
        raise TypeError(
            f"the network got {found}, expected a tensor of floats (N, {channels}, H, W); "
            "give an image as an array to cellkit.predict instead."
        )
    if image.ndim != 4 or image.shape[1] != channels or 0 in image.shape:
        raise ValueError(
            f"the network got a tensor of shape {tuple(image.shape)}, expected "
            f"(N, {channels}, H, W); add missing axes with x[None], or build "
            f"{type(net).__name__}(in_channels=...) for the channels you have."
        )
    if image.device != weight.device:
        raise ValueError(
            f"the tensor is on {image.device} and the network on {weight.device}; move it "
            f"with x.to('{weight.device}')."
        )
    # 16 bits meet 32 where autocast brings both together; 64 it leaves alone.
    if image.dtype != weight.dtype and (torch.float64 in (image.dtype, weight.dtype)
                                        or not torch.is_autocast_enabled(weight.device.type)):
        raise TypeError(
            f"the tensor is {image.dtype} and the network {weight.dtype}; convert it with "
            f"x.to({weight.dtype})."
        )


def pad(image: Tensor, unit_h: int, unit_w: int) -> tuple[Tensor, tuple]:
    """Pad the last two axes up to whole units; the window cuts the original out again."""
    height, width = image.shape[-2:]
    more_h, more_w = -height % unit_h, -width % unit_w
    top, left = more_h // 2, more_w // 2
    window = (..., slice(top, top + height), slice(left, left + width))
    if torch.jit.is_tracing():  # for cellkit.export: sizes are variables there, and `if` is none
        rows = _mirrored(image[0, 0, :, 0], height, top, more_h)
        columns = _mirrored(image[0, 0, 0], width, left, more_w)
        return image.index_select(-2, rows).index_select(-1, columns), window
    if more_h:
        mode = "reflect" if more_h - top < height else "replicate"
        image = F.pad(image, (0, 0, top, more_h - top), mode=mode)
    if more_w:
        mode = "reflect" if more_w - left < width else "replicate"
        image = F.pad(image, (left, more_w - left, 0, 0), mode=mode)
    return image, window


def _mirrored(line, length, before, more) -> Tensor:
    """Which row or column each one of a padded image is: what ``F.pad`` does, as numbers.

    They are made of a line of the image, which lies on the device that the network will run on.
    """
    places = F.pad(line * 0, (before, more - before)).add(1).cumsum(0).long() - (before + 1)
    last, small = torch.as_tensor(length - 1), torch.as_tensor(more - before >= length).long()
    mirrored = last - (last - places.abs()).abs()
    return small * places.clamp(min=0).minimum(last) + (1 - small) * mirrored


def _settle(in_channels, out_channels, head, residual):
    """The head and the number of channels that follow from each other."""
    if head is None:
        head = next((name for name, one in HEADS.items()
                     if out_channels in (one.channels, None)), None)
    if head not in HEADS:
        raise ValueError(
            f"head is {head!r} with out_channels={out_channels}, expected one of "
            f"{', '.join(HEADS)}."
        )
    needed = HEADS[head].channels or in_channels
    out_channels = needed if out_channels is None else out_channels
    whole_number("out_channels", out_channels)
    if out_channels != needed and head != "image":
        raise ValueError(
            f"out_channels is {out_channels}, but the head {head!r} has {needed}; leave "
            "out_channels out, or choose another head."
        )
    if residual and (head != "image" or out_channels != in_channels):
        raise ValueError(
            f"residual=True adds the input ({in_channels} channels) to the output (head {head!r}, "
            f"{out_channels} channels); it needs head='image' and as many channels out as in."
        )
    return head, out_channels
