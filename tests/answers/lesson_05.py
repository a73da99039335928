"""Other right answers to the exercises of lesson 05_double_unet."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional as F


def spread_left_one_by_one(sharp, coarse):
    left = []
    for before, after in zip(sharp, coarse, strict=True):
        spread = before.std()
        left.append(1.0 if spread == 0 else after.std() / spread)
    return np.array(left)


def spread_left_of_flat_channels(sharp, coarse):
    sharp, coarse = (maps.reshape(maps.shape[0], -1) for maps in (sharp, coarse))
    before = sharp.std(1)
    return np.divide(coarse.std(1), before, out=np.ones_like(before), where=before != 0)


def contrast_order_in_a_list():
    return ["Nearest", " bilinear", "AREA"]


def sharpen_then_segment_one_by_one(sharpen, segment, image):
    pictures = []
    for sharp in sharpen(image):
        pictures.append((sharp - sharp.mean()) / sharp.std())
    return segment(torch.stack(pictures))


def sharpen_then_segment_by_instance_norm(sharpen, segment, image):
    return segment(F.instance_norm(sharpen(image)))


def edge_band_by_growing(mask, width=2):
    y, x = np.ogrid[-width : width + 1, -width : width + 1]
    disc = y * y + x * x <= width * width
    return ndimage.binary_dilation(mask, disc) & ndimage.binary_dilation(~mask, disc)


def edge_band_by_shifting(mask, width=2):
    height, length = mask.shape
    around = np.pad(mask, width, mode="edge")
    real = np.pad(np.ones_like(mask), width)
    band = np.zeros_like(mask)
    for dy in range(-width, width + 1):
        for dx in range(-width, width + 1):
            if dy * dy + dx * dx <= width * width:
                window = np.s_[width + dy : width + dy + height, width + dx : width + dx + length]
                band |= (around[window] != mask) & real[window]
    return band


def task_loss_picture_by_picture(output, target, weight=0.1):
    shares = []
    for (_, sharpened), (_, sharp) in zip(output, target, strict=True):
        shares.append(F.mse_loss(sharpened, sharp) / max(1.0, float(sharp.var())))
    mask = F.binary_cross_entropy_with_logits(output[:, :1], target[:, :1])
    return mask + weight * torch.stack(shares).mean()


def task_loss_with_logs(output, target, weight=0.1):
    logit, truth, sharp = output[:, 0], target[:, 0], target[:, 1]
    mask = (F.softplus(logit) - truth * logit).mean()
    deviation = (sharp - sharp.mean((1, 2), keepdim=True)).square().mean((1, 2))
    scale = torch.maximum(deviation, torch.ones_like(deviation)).sqrt()[:, None, None]
    return mask + weight * ((output[:, 1] - sharp) / scale).square().mean()


RIGHT = {
    "spread_left": (spread_left_one_by_one, spread_left_of_flat_channels),
    "contrast_order": (contrast_order_in_a_list,),
    "sharpen_then_segment": (
        sharpen_then_segment_one_by_one, sharpen_then_segment_by_instance_norm,
    ),
    "edge_band": (edge_band_by_growing, edge_band_by_shifting),
    "task_loss": (task_loss_picture_by_picture, task_loss_with_logs),
}
