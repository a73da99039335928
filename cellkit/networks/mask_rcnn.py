"""Mask R-CNN: which objects, not which pixels (lesson 06_mask_rcnn builds its parts).

He, Gkioxari, Dollár, Girshick: Mask R-CNN, ICCV 2017.  Proposals, RoIAlign, box and mask heads and
their losses are torchvision's; what is ours is what they are told about cells, and a backbone
small enough for two cores.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import torch
from scipy import ndimage
from skimage import measure
from torch import Tensor, nn
from torch.nn import functional as F

from cellkit.checks import one_of
from cellkit.networks.baselines import ENCODERS, download, fill_resnet
from cellkit.networks.unet import block, check, expect, upsample
from cellkit.postprocessing import Detections

BACKBONES = ("light", *(f"resnet{layers}" for layers in ENCODERS))
#: Sides of the square anchors in pixels, a tuple for each level that proposes.  "light" proposes
#: at strides 4, 8, 16, a ResNet at 4, 8, 16, 32, 64; torchvision's begin where cells end.
CELLS = {"light": ((8, 14), (24, 40), (64, 112)),
         "resnet": ((8,), (16,), (32,), (64,), (128,))}
TORCHVISION = ((32,), (64,), (128,), (256,), (512,))
RATIOS = (0.5, 1.0, 2.0)  # height to width
LONGEST = 1333 / 800  # with ``size``: the longest side allowed, in sizes (torchvision's default)


class MaskRCNN(nn.Module):
    """Boxes, scores and masks of the objects in an image.

    Called with images (N, C, H, W) it gives a :class:`cellkit.postprocessing.Detections` each;
    ``cellkit.detect`` makes a label map of them, ``cellkit.predict`` a foreground map, and
    ``cellkit.fit`` trains it on labels like any other network.

    Parameters
    ----------
    in_channels : int
        1 for grey images, 3 for RGB.  A ResNet is shown grey images three times.
    backbone : {"light", "resnet18", "resnet34", "resnet50", "resnet101"}
        "light" is a U-Net without its last step up, and slim heads: 3.0 million weights.  The
        others have torchvision's feature pyramid and heads (256 channels; mask head of four
        layers).
    width : int
        Of "light": channels of its first block, see :class:`cellkit.UNet`.
    anchors : tuple of tuples of numbers, or "torchvision", optional
        Sides in pixels, a tuple for each level that proposes; each in the shapes 1:2, 1:1, 2:1.
        None: :data:`CELLS`.  "torchvision": 32 to 512, which is larger than most cells.
    size : int, optional
        Enlarge (or shrink) each image until its shorter side has so many pixels.  torchvision
        does so to 800 unless told otherwise; None leaves images as they are.
    detections : int
        At most so many objects an image (or tile).  torchvision's default is 100.
    weights : {None, "imagenet", "coco"}
        Of a ResNet backbone, downloaded; "coco" (the pyramid included) for "resnet50" only.  With
        them batch norm is frozen, as torchvision does.
    norm : {"batch", "frozen"}, optional
        Of a ResNet backbone; None: by ``weights``.
    normalise, seed
        See :class:`cellkit.UNet`.

    Attributes
    ----------
    config : dict
        ``MaskRCNN(**net.config)`` is the same architecture (with random weights).

    Raises
    ------
    OSError
        The download of weights failed.

    References
    ----------
    Paper 2, section 5; paper 4, section III.B.4.
    """

    head = "objects"

    def __init__(self, in_channels=1, backbone="light", width=16, anchors=None, size=None,
                 detections=1000, weights=None, norm=None, normalise="standard", seed=0):
        super().__init__()
        check(normalise, seed, in_channels=in_channels, width=width, detections=detections,
              **({} if size is None else {"size": size}))
        one_of("backbone", backbone, BACKBONES)
        light = backbone == "light"
        one_of(f"weights (for backbone {backbone!r})", weights,
               [None] + ["imagenet"] * (not light) + ["coco"] * (backbone == "resnet50"))
        if not light:
            one_of(f"in_channels (for backbone {backbone!r})", in_channels, (1, 3))
        norm = ("frozen" if weights else "batch") if norm is None else norm
        one_of("norm", norm, ("batch", "frozen"))
        sizes = _sizes(anchors, light)
        self.config = dict(in_channels=in_channels, backbone=backbone, width=width, anchors=sizes,
                           size=size, detections=detections, norm=norm, normalise=normalise)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            parts = (_light(in_channels, width, sizes, detections) if light else
                     _resnet(backbone, sizes, detections, norm, weights))
        self.backbone, self.rpn, self.roi_heads = parts

    def forward(self, image: Tensor) -> list[Detections]:
        """Best first; masks in their boxes, 28 x 28.  They are arrays, without gradients."""
        expect(self, image)
        with torch.no_grad(), _switched((self.rpn, self.roi_heads), training=False):
            scale, found, _ = self._run(image, None)
        return [
            Detections((one["boxes"] / scale).cpu().numpy(), one["scores"].cpu().numpy(),
                       one["masks"][:, 0].cpu().numpy(), tuple(image.shape[-2:]))
            for one in found
        ]

    def loss(self, image: Tensor, labels: Tensor) -> Tensor:
        """The sum of five losses: objectness and box of proposals; class, box, mask of objects.

        Parameters
        ----------
        image : tensor (N, C, H, W)
        labels : int tensor (N, H, W)
            An image without objects is legal.
        """
        expect(self, image)
        with _switched((self.rpn, self.roi_heads), training=True):
            _, _, losses = self._run(image, labels)
        return sum(losses.values())

    def _run(self, image, labels):
        height, width = image.shape[-2:]
        scale, size = 1.0, self.config["size"]
        if size is not None:
            scale = min(size / min(height, width), LONGEST * size / max(height, width))
            shape = [max(1, round(side * scale)) for side in (height, width)]
            image = F.interpolate(image, shape, mode="bilinear")
            if labels is not None:
                labels = F.interpolate(labels[:, None].double(), shape)[:, 0].long()
        if self.config["backbone"] != "light" and image.shape[1] == 1:
            image = image.expand(-1, 3, -1, -1)
        truth = None if labels is None else [targets(one, image.device) for one in labels]
        shapes = [tuple(image.shape[-2:])] * len(image)
        image = F.pad(image, (0, -image.shape[-1] % 32, 0, -image.shape[-2] % 32))
        features = {name: level.float() for name, level in self.backbone(image).items()}
        with torch.autocast(image.device.type, enabled=False):  # 16 bits round boxes to pixels
            images = _ImageList(image.float(), shapes)
            proposing = {k: v for k, v in features.items() if k != "fine"}
            proposals, first = self.rpn(images, proposing, truth)
            found, second = self.roi_heads(features, proposals, shapes, truth)
        return scale, found, {**first, **second}


def targets(labels, device="cpu") -> dict[str, Tensor]:
    """What Mask R-CNN learns from a label map.

    Parameters
    ----------
    labels : int ndarray or tensor (H, W)
        0 is background.  A number in several pieces, as mirrored edges make them, is as many
        objects: each piece has its own box.

    Returns
    -------
    dict
        "boxes": float (n, 4), left, top, right, bottom in pixels, the last two just outside, so
        that an object of one pixel has a box of 1 x 1; "labels": int64 (n,), all 1; "masks":
        uint8 (n, H, W).  n = 0 where there are no cells.
    """
    labels = labels.cpu().numpy() if isinstance(labels, Tensor) else labels
    pieces = measure.label(labels, connectivity=2, background=0).astype(np.int32)
    boxes = [(c.start, r.start, c.stop, r.stop) for r, c in ndimage.find_objects(pieces)]
    count = torch.arange(1, len(boxes) + 1, device=device)
    masks = torch.from_numpy(pieces).to(device)[None] == count[:, None, None]
    return {"boxes": torch.tensor(boxes, dtype=torch.float32, device=device).reshape(-1, 4),
            "labels": torch.ones_like(count), "masks": masks.byte()}


class Pyramid(nn.Module):
    """A U-Net that speaks on every level of its way up: maps at strides 2 ("fine"), 4, 8 and 16.

    This *is* a feature pyramid: coarse maps know what there is, and by the skips fine ones know
    where.  Objects are proposed on the coarse three and cut out of the one that fits their size.
    """

    def __init__(self, in_channels, width, channels):
        super().__init__()
        n = [width * 2**level for level in range(5)]
        self.down = nn.ModuleList(block(a, b, "batch")
                                  for a, b in zip([in_channels, *n], n, strict=False))
        self.up = nn.ModuleList(upsample(c, "transpose") for c in n[:1:-1])
        self.merge = nn.ModuleList(block(c, c // 2, "batch") for c in n[:1:-1])
        self.say = nn.ModuleList(nn.Conv2d(c, channels, 1) for c in n[:0:-1])

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        skips = [self.down[0](image)]
        for level in self.down[1:]:
            skips.append(level(F.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        levels = [self.say[0](x)]
        for up, merge, say in zip(self.up, self.merge, self.say[1:], strict=True):
            x = merge(torch.cat([skips.pop(), up(x)], dim=1))
            levels.append(say(x))
        return dict(zip(("fine", "4", "8", "16"), levels[::-1], strict=True))


class _ImageList:
    """What torchvision's region proposals ask of a batch: its pixels, and each image's size."""

    def __init__(self, tensors, image_sizes):
        self.tensors, self.image_sizes = tensors, image_sizes


@contextmanager
def _switched(modules, training):
    """torchvision gives losses in training mode only; the backbone keeps the mode it is in."""
    before = [module.training for module in modules]
    for module in modules:
        module.train(training)
    try:
        yield
    finally:
        for module, mode in zip(modules, before, strict=True):
            module.train(mode)


def _sizes(anchors, light) -> tuple:
    levels = 3 if light else 5
    if anchors is None:
        return CELLS["light" if light else "resnet"]
    if isinstance(anchors, str):
        sizes = TORCHVISION if anchors == "torchvision" and not light else ()
    else:
        sizes = tuple(tuple(level) for level in anchors)
    if len(sizes) != levels or len({len(level) for level in sizes} - {0}) != 1 or min(
            (side for level in sizes for side in level), default=0) <= 0:
        raise ValueError(
            f"anchors is {anchors!r}, expected {levels} tuples of sides in pixels, as many in "
            f"each, e.g. {CELLS['light' if light else 'resnet']}"
            + ("." if light else ", or 'torchvision'.")
        )
    return sizes


def _light(in_channels, width, sizes, detections):
    from torchvision.models.detection import mask_rcnn as tv
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, RPNHead, TwoMLPHead
    from torchvision.ops import MultiScaleRoIAlign

    channels, names = 64, ["fine", "4", "8", "16"]
    body = Pyramid(in_channels, width, channels)
    body.out_channels = channels
    anchors = AnchorGenerator(sizes, (RATIOS,) * len(sizes))
    # A bin of a cell's box is about a pixel of "fine": one sample in it is enough.
    whole = tv.MaskRCNN(
        body, rpn_anchor_generator=anchors,
        rpn_head=RPNHead(channels, anchors.num_anchors_per_location()[0]),
        box_roi_pool=MultiScaleRoIAlign(names, 7, 1), box_head=TwoMLPHead(49 * channels, 256),
        box_predictor=FastRCNNPredictor(256, 2),
        mask_roi_pool=MultiScaleRoIAlign(names, 14, 1),
        mask_head=tv.MaskRCNNHeads(channels, (channels, channels), 1),
        mask_predictor=tv.MaskRCNNPredictor(channels, channels, 2),
        rpn_pre_nms_top_n_train=500, rpn_post_nms_top_n_train=300,
        box_batch_size_per_image=64, box_positive_fraction=0.5,
        rpn_post_nms_top_n_test=detections, box_detections_per_img=detections)
    return body, whole.rpn, whole.roi_heads


def _resnet(name, sizes, detections, norm, weights):
    from torchvision.models.detection import (
        MaskRCNN_ResNet50_FPN_Weights,
        backbone_utils,
        mask_rcnn,
    )
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.ops import FrozenBatchNorm2d

    body = backbone_utils.resnet_fpn_backbone(
        backbone_name=name, weights=None, trainable_layers=3 if weights else 5,
        norm_layer=FrozenBatchNorm2d if norm == "frozen" else nn.BatchNorm2d)
    if weights == "imagenet":
        fill_resnet(body.body, int(name.removeprefix("resnet")), weights)
    elif weights == "coco":
        found = download(MaskRCNN_ResNet50_FPN_Weights.COCO_V1)
        body.load_state_dict({key.removeprefix("backbone."): value for key, value in found.items()
                              if key.startswith("backbone.")})
    whole = mask_rcnn.MaskRCNN(
        body, num_classes=2, rpn_anchor_generator=AnchorGenerator(sizes, (RATIOS,) * len(sizes)),
        rpn_post_nms_top_n_test=max(1000, detections), box_detections_per_img=detections)
    return body, whole.rpn, whole.roi_heads
