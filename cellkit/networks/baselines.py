"""The networks that papers 2 and 4 set beside the U-Net (lesson 06_mask_rcnn compares them)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cellkit.checks import one_of
from cellkit.networks.unet import block, check, expect, pad

ENCODERS = (18, 34, 50, 101)


class SimpleCNN(nn.Module):
    """Paper 4's simple CNN: (N, in_channels, H, W) -> one foreground logit a pixel.

    The paper names one batch norm, "6 fully connected dense layers" and an output convolution,
    with a kernel of 3x3.  Fully connected layers have no kernel and would fix the image's size,
    so we read six 3x3 convolutions, each with ReLU.  A pixel of the output sees 15x15 pixels.

    Parameters
    ----------
    in_channels : int
        1 for grey images, 3 for RGB.
    width : int
        Channels of each layer (the paper gives none; 32 is ours).
    normalise, seed
        See :class:`cellkit.UNet`.

    Attributes
    ----------
    config : dict
        ``SimpleCNN(**net.config)`` is the same architecture.

    References
    ----------
    Paper 4, section III.B.1.
    """

    head = "foreground"

    def __init__(self, in_channels=1, width=32, normalise="standard", seed=0):
        super().__init__()
        check(normalise, seed, in_channels=in_channels, width=width)
        self.config = dict(in_channels=in_channels, width=width, normalise=normalise)
        layers = [nn.BatchNorm2d(in_channels)]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            for n in [in_channels] + 5 * [width]:
                layers += [nn.Conv2d(n, width, 3, padding=1), nn.ReLU(inplace=True)]
            self.layers = nn.Sequential(*layers)
            self.out = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        expect(self, image)
        return self.out(self.layers(image))


class ResNetUNet(nn.Module):
    """A residual network that ends in a picture: torchvision's encoder, a U-Net's way up.

    Paper 4 takes a ResNet-101 with weights from COCO and describes no decoder; the decoder is
    ours.  (N, in_channels, H, W) -> one foreground logit a pixel, for any H and W.

    Parameters
    ----------
    in_channels : int
        1 for grey images, 3 for RGB.
    encoder : {18, 34, 50, 101}
        How many layers the ResNet has.
    width : int
        Channels of the last level up; each level below has twice as many.
    weights : {None, "imagenet", "coco"}
        None: random.  "imagenet": torchvision's classifier.  "coco": torchvision's DeepLabV3, for
        50 and 101 layers.  Both are downloaded (into torch's cache); a grey image then meets the
        first layer's weights summed over the colours.
    normalise, seed
        See :class:`cellkit.UNet`.

    Attributes
    ----------
    config : dict
        ``ResNetUNet(**net.config)`` is the same architecture (with random weights).

    Raises
    ------
    OSError
        The download of weights failed.

    References
    ----------
    He et al., Deep Residual Learning for Image Recognition, CVPR 2016; paper 4, section III.B.3.
    """

    head = "foreground"

    def __init__(self, in_channels=1, encoder=18, width=16, weights=None, normalise="standard",
                 seed=0):
        super().__init__()
        from torchvision.models import resnet

        check(normalise, seed, in_channels=in_channels, width=width)
        one_of("encoder", encoder, ENCODERS)
        self.config = dict(in_channels=in_channels, encoder=encoder, width=width,
                           normalise=normalise)
        levels = [64, *(n * (1 if encoder < 50 else 4) for n in (64, 128, 256, 512))]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            body = getattr(resnet, f"resnet{encoder}")(weights=None)
            if weights is not None:
                fill_resnet(body, encoder, weights)
            if in_channels != 3:
                body.conv1 = _for_channels(body.conv1, in_channels, weights)
            self.first = nn.Sequential(body.conv1, body.bn1, body.relu)
            self.pool = body.maxpool
            self.down = nn.ModuleList([body.layer1, body.layer2, body.layer3, body.layer4])
            merge, n = [], levels[-1]
            for power, skip in zip((4, 3, 2, 1, 0), (*levels[-2::-1], 0), strict=True):
                merge.append(block(n + skip, n := width * 2**power, "batch"))
            self.merge = nn.ModuleList(merge)
            self.out = nn.Conv2d(width, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        expect(self, image)
        lone = self.training and len(image) == 1 and max(image.shape[-2:]) <= 32
        x, window = pad(image, 32, 64 if lone else 32)  # see cellkit.UNet
        skips = [self.first(x)]
        x = self.pool(skips[0])
        for level in self.down:
            x = level(x)
            skips.append(x)
        skips.pop()
        for merge in self.merge:
            x = F.interpolate(x, scale_factor=2)
            x = merge(torch.cat([x, skips.pop()], dim=1) if skips else x)
        return self.out(x)[window]


def download(weights) -> dict[str, Tensor]:
    """torchvision's pretrained weights, or one sentence on why there are none."""
    try:
        return weights.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash a RuntimeError
        raise OSError(
            f"the weights {weights} could not be downloaded from {weights.url} ({error}); go "
            "online and try again, or use weights=None and train from random ones."
        ) from error


def fill_resnet(body, encoder, weights):
    """Put pretrained weights into a torchvision ResNet."""
    from torchvision import models

    kinds = {"imagenet": (f"ResNet{encoder}_Weights", "IMAGENET1K_V1", ""),
             "coco": (f"DeepLabV3_ResNet{encoder}_Weights", "COCO_WITH_VOC_LABELS_V1", "backbone.")}
    one_of(f"weights (for {encoder} layers)", weights,
           [None, *kinds] if encoder >= 50 else [None, "imagenet"])
    name, which, prefix = kinds[weights]
    home = models if prefix == "" else models.segmentation
    found = download(getattr(getattr(home, name), which))
    found = {key.removeprefix(prefix): value for key, value in found.items()
             if key.startswith(prefix)}
    body.load_state_dict(found, strict=False)  # DeepLab has no classifier


def _for_channels(first: nn.Conv2d, channels: int, weights) -> nn.Conv2d:
    """A first convolution for other channels; of a grey image each colour would be the same."""
    new = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(new.weight, mode="fan_out")
    if weights is not None:
        with torch.no_grad():
            new.weight.copy_(first.weight.sum(1, keepdim=True) / channels)
    return new
