"""Losses: how wrong a network's output is, as one number to go down (lesson 02_unet_from_scratch).

Every loss is ``loss(output, target) -> 0-d tensor``, finite for all-empty masks too.  What output
and target are, and which losses fit, stands with each head in :mod:`cellkit.heads`.
"""

from __future__ import annotations

import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from cellkit.targets import weight_map


def bce(output: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy of logits, mean over pixels (papers 2, 3, 5)."""
    return F.binary_cross_entropy_with_logits(output, target)


def weighted_bce(output: Tensor, target: Tensor, cell_weight: float | None = None) -> Tensor:
    """Binary cross-entropy in which a cell pixel counts ``cell_weight`` times (paper 3).

    None: background pixels per cell pixel in this batch, so that both classes count the same;
    within [0.01, 100], because a batch with three cell pixels says little and one without
    background must teach something too.  (Paper 3 names no weight.)
    """
    if cell_weight is None:
        cells = target.sum()
        cell_weight = ((target.numel() - cells) / cells.clamp(min=1)).clamp(0.01, 100)
    weight = 1 + (cell_weight - 1) * target
    return F.binary_cross_entropy_with_logits(output, target, weight=weight)


def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """Softmax cross-entropy of class logits, mean over pixels (paper 1: two classes)."""
    return F.cross_entropy(output, target)


def gap_weighted(output: Tensor, target: Tensor, w0: float = 10.0, sigma: float = 5.0) -> Tensor:
    """Cross-entropy of three class logits that presses on the gaps between cells (lesson 07).

    Each pixel counts as :func:`cellkit.targets.weight_map` says, sum over the batch's weights = 1.
    The cells of that map are the connected insides (class 1) of the target, for the rims between
    two of them are the line that Ronneberger et al. (MICCAI 2015, equation 2) draw before they
    weigh.  Paper 2 names the weighting and left it out.  ``functools.partial(gap_weighted, w0=5)``
    is another pressure.
    """
    insides = [ndimage.label(one)[0] for one in (target == 1).cpu().numpy()]
    weights = torch.stack([torch.from_numpy(weight_map(one, w0, sigma)) for one in insides])
    weights = weights.to(output.device)
    entropy = F.cross_entropy(output, target, reduction="none")
    return (weights * entropy).sum() / weights.sum()


def soft_dice(output: Tensor, target: Tensor) -> Tensor:
    """1 - Dice with probabilities for the mask, per image, then mean.

    One is added above and below the fraction, so that two empty masks agree: 1 - (2I + 1) /
    (P + T + 1).  With class logits everything but background is foreground.
    """
    p, t = _foreground(output, target)
    return 1 - ((2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)).mean()


def soft_iou(output: Tensor, target: Tensor) -> Tensor:
    """1 - IoU with probabilities for the mask, per image, then mean (paper 4: loss = 1 - IoU).

    As in :func:`soft_dice` one is added above and below.
    """
    p, t = _foreground(output, target)
    both = (p * t).sum(1)
    return 1 - ((both + 1) / (p.sum(1) + t.sum(1) - both + 1)).mean()


def mse(output: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of images (paper 1's super-resolution)."""
    return F.mse_loss(output, target)


def distance(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of the foreground logit plus mean absolute error of the distance."""
    return bce(output[:, :1], target[:, :1]) + F.l1_loss(output[:, 1:], target[:, 1:])


def flow(output: Tensor, target: Tensor, weight: float = 10.0) -> Tensor:
    """Cross-entropy of the foreground logit plus ``weight`` times the flow's mean squared error.

    With 10 the flow counts for most, as in the Cellpose paper (12.5 in these units).
    """
    return bce(output[:, :1], target[:, :1]) + weight * F.mse_loss(output[:, 1:], target[:, 1:])


def double(output: Tensor, target: Tensor, weight: float = 0.1) -> Tensor:
    """Segmentation loss (cross-entropy plus soft Dice) plus ``weight`` times the sharp image's MSE.

    For :class:`cellkit.DoubleUNet`.  Each image's squared error counts as a share of its sharp
    crop's variance (or of 1, where that is less): in the units of an image degraded by M = 0.125,
    which has little contrast left, the sharp one is huge and the plain MSE would drown the rest.
    The sum is paper 1's future work (section 6), which names no weights.
    ``functools.partial(double, weight=1)`` is another sum.
    """
    logit, mask, sharp = output[:, :1], target[:, :1], target[:, 1:]
    spread = sharp.var(dim=(1, 2, 3), correction=0).clamp(min=1)
    error = (output[:, 1:] - sharp).square().mean(dim=(1, 2, 3)) / spread
    return bce(logit, mask) + soft_dice(logit, mask) + weight * error.mean()


def _foreground(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Foreground probability and truth, (N, pixels) each, in float32 so that sums are exact."""
    if output.shape[1] == 1:
        p, t = output.float().sigmoid(), target
    else:
        p, t = 1 - output.float().softmax(1)[:, 0], target > 0
    return p.flatten(1), t.float().flatten(1)
