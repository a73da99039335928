"""Other right answers to the exercises of lesson 02_unet_from_scratch."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch.nn import functional as F


def join_skip_on_a_canvas(up, skip):
    n, channels, h, w = up.shape
    height, width = skip.shape[-2:]
    canvas = skip.new_zeros(n, channels, height, width)
    shared_h, shared_w = min(h, height), min(w, width)
    from_y, from_x = (h - shared_h) // 2, (w - shared_w) // 2
    to_y, to_x = (height - shared_h) // 2, (width - shared_w) // 2
    canvas[:, :, to_y : to_y + shared_h, to_x : to_x + shared_w] = up[
        :, :, from_y : from_y + shared_h, from_x : from_x + shared_w
    ]
    return torch.cat((skip, canvas), 1)


def join_skip_one_axis_at_a_time(up, skip):
    for axis in (2, 3):
        missing = skip.shape[axis] - up.shape[axis]
        if missing < 0:
            up = up.narrow(axis, -missing // 2, skip.shape[axis])
        else:
            before, after = list(up.shape), list(up.shape)
            before[axis], after[axis] = missing // 2, missing - missing // 2
            up = torch.cat([up.new_zeros(before), up, up.new_zeros(after)], dim=axis)
    return torch.cat([skip, up], dim=1)


def dice_from_counts(truth, pred):
    hits = np.count_nonzero(np.logical_and(truth, pred))
    misses = np.count_nonzero(np.logical_and(truth, ~pred))
    false_alarms = np.count_nonzero(np.logical_and(~truth, pred))
    if hits + misses + false_alarms == 0:
        return 1.0
    return 2 * hits / (2 * hits + misses + false_alarms)


def dice_from_sets(truth, pred):
    truth, pred = set(np.flatnonzero(truth)), set(np.flatnonzero(pred))
    if not truth and not pred:
        return 1
    return 2 * len(truth & pred) / (len(truth) + len(pred))


def weighted_bce_by_torch(logits, target, weight):
    weights = torch.where(target == 1, weight, 1.0)
    return F.binary_cross_entropy_with_logits(logits, target, weights)


def weighted_bce_by_hand(logits, target, weight):
    magnitude = torch.log(1 + torch.exp(-logits.abs()))
    per_pixel = logits.clamp(min=0) - logits * target + magnitude
    return (per_pixel * (1 + (weight - 1) * target)).sum() / logits.numel()


def weighted_bce_by_logsigmoid(logits, target, weight):
    is_cell = target > 0.5
    cost = torch.where(is_cell, -weight * F.logsigmoid(logits), -F.logsigmoid(-logits))
    return torch.mean(cost)


def predict_mask_on_a_copy(net, image):
    logits = copy.deepcopy(net).eval()(torch.from_numpy(image).unsqueeze(0).unsqueeze(0))
    return logits.detach().squeeze(0).squeeze(0).numpy() > 0


@torch.inference_mode()
def predict_mask_whatever_happens(net, image):
    before = net.training
    try:
        logits = net.eval()(torch.as_tensor(image).reshape(1, 1, *image.shape))
        return torch.sigmoid(logits).squeeze((0, 1)).gt(0.5).cpu().numpy()
    finally:
        net.train(before)


def precision_guess_in_a_list():
    return [" Up", "DOWN "]


def settings_in_longer_steps():
    return {"width": 6, "lr": 2e-2, "loss": "soft_dice", "steps": 106}


def settings_in_smaller_steps():
    return {"width": 8, "lr": 3e-3, "loss": "soft_dice", "steps": 60}


RIGHT = {
    "join_skip": (join_skip_on_a_canvas, join_skip_one_axis_at_a_time),
    "dice": (dice_from_counts, dice_from_sets),
    "weighted_bce": (weighted_bce_by_torch, weighted_bce_by_hand, weighted_bce_by_logsigmoid),
    "predict_mask": (predict_mask_on_a_copy, predict_mask_whatever_happens),
    "precision_guess": (precision_guess_in_a_list,),
    "settings": (settings_in_longer_steps, settings_in_smaller_steps),
}
