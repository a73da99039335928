"""Other right answers to the exercises of lesson 06_mask_rcnn."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from cellkit_course.exercises.lesson_06.box_iou import box_iou


def average_precision_counted(iou, threshold):
    hit = iou >= threshold
    missed = np.count_nonzero(~hit.any(axis=1))
    invented = np.count_nonzero(~hit.any(axis=0))
    total = np.count_nonzero(hit) + missed + invented
    return 1.0 if total == 0 else np.count_nonzero(hit) / total


def average_precision_assigned(iou, threshold):
    rows, columns = linear_sum_assignment(-iou)
    tp = np.count_nonzero(iou[rows, columns] >= threshold)
    fn, fp = iou.shape[0] - tp, iou.shape[1] - tp
    if tp + fn + fp == 0:
        return 1.0
    return tp / (tp + fn + fp)


def box_iou_with_arrays(a, b):
    a, b = np.asarray(a), np.asarray(b)
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    both = sides.clip(0).prod()
    return both / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - both)


def suppress_until_none_waits(boxes, scores, overlap):
    waiting = list(np.argsort(scores))
    stay = []
    while waiting:
        best = waiting.pop()
        stay.append(int(best))
        waiting = [k for k in waiting if box_iou(boxes[k], boxes[best]) <= overlap]
    return stay


def bilinear_by_scipy(picture, row, column):
    return ndimage.map_coordinates(picture, [[row], [column]], order=1, mode="nearest")[0]


def bilinear_of_all_pixels(picture, row, column):
    height, width = picture.shape
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    down = np.maximum(1 - np.abs(np.arange(height) - row), 0)
    across = np.maximum(1 - np.abs(np.arange(width) - column), 0)
    return down @ picture @ across


def limits_guess_worked_out():
    return [100 / 400, 16 * 800 / 256]


def label_map_of_those_that_stay(probabilities, scores, least=0.5):
    masks = probabilities > 0.5
    taken, stay = np.zeros(masks.shape[1:], bool), []
    for k in sorted(range(len(scores)), key=lambda k: scores[k], reverse=True):
        if scores[k] >= least and 2 * (masks[k] & ~taken).sum() >= masks[k].sum():
            stay.append(k)
            taken = taken | masks[k]
    if not stay:
        return np.zeros(taken.shape, np.int32)
    sure = probabilities[stay] * scores[stay, None, None] * masks[stay]
    return np.where(taken, sure.argmax(axis=0) + 1, 0).astype(np.int32)


def label_map_numbered_by_place(probabilities, scores, least=0.5):
    labels, best = np.zeros(probabilities.shape[1:], np.int32), probabilities.sum(axis=0) * 0
    for k in np.lexsort([-np.asarray(scores)]):
        inside = np.nonzero(probabilities[k] > 0.5)
        if scores[k] < least or np.count_nonzero(labels[inside]) > len(inside[0]) / 2:
            continue
        for row, column in zip(*inside, strict=True):
            sure = scores[k] * probabilities[k, row, column]
            if sure > best[row, column]:
                labels[row, column], best[row, column] = k + 1, sure
    return labels


RIGHT = {
    "label_map": (label_map_of_those_that_stay, label_map_numbered_by_place),
    "average_precision": (average_precision_counted, average_precision_assigned),
    "box_iou": (box_iou_with_arrays,),
    "suppress": (suppress_until_none_waits,),
    "bilinear": (bilinear_by_scipy, bilinear_of_all_pixels),
    "limits_guess": (limits_guess_worked_out,),
}
