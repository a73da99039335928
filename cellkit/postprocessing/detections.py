"""From detections, objects each in its own box, to a picture (lesson 06_mask_rcnn)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cellkit.postprocessing.regions import clean_labels


class Detections(NamedTuple):
    """Objects found in one image, each in its own box (see :class:`cellkit.MaskRCNN`).

    ``boxes``: float (n, 4), left, top, right, bottom in pixels; ``scores``: float (n,), from 0 to
    1; ``masks``: float (n, m, m), the probability of each piece of the box to be object, whatever
    the box's size; ``shape``: (H, W) of the image.
    """

    boxes: np.ndarray
    scores: np.ndarray
    masks: np.ndarray
    shape: tuple[int, int]

    def take(self, which) -> Detections:
        """Some of them, by index or bool."""
        return self._replace(boxes=self.boxes[which], scores=self.scores[which],
                             masks=self.masks[which])


def paste(found: Detections, k: int) -> tuple[tuple[slice, slice], np.ndarray]:
    """Where detection ``k`` lies in the image, and its probabilities there.

    Returns
    -------
    window : (slice, slice)
    probability : ndarray, float32
        The mask stretched to its box, bilinear, as torchvision does it.
    """
    side = found.masks.shape[-1]
    left, top, right, bottom = found.boxes[k]
    # One row of zeros around the mask, so that it fades out at the box's edge.
    more = (side + 2) / side / 2
    x, y, dx, dy = ((left + right) / 2, (top + bottom) / 2,
                    (right - left) * more, (bottom - top) * more)
    window, mixed = [], np.pad(found.masks[k].astype(np.float32), 1)
    for low, high, limit in ((y - dy, y + dy, found.shape[0]), (x - dx, x + dx, found.shape[1])):
        start, stop = int(low), int(high) + 1
        at = (np.arange(max(start, 0), min(stop, limit)) - start + 0.5) * (side + 2)
        at = np.clip(at / (stop - start) - 0.5, 0, side + 1)
        weights = np.clip(1 - abs(at[:, None] - np.arange(side + 2)), 0, None)
        window.append(slice(max(start, 0), max(start, 0) + len(at)))
        mixed = (weights.astype(np.float32) @ mixed).T
    return tuple(window), mixed


def merge_labels(found: Detections, min_score: float = 0.5, threshold: float = 0.5,
                 min_size: int = 1, own: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """A label map of detections: each pixel goes to its best mask (lesson 06_mask_rcnn).

    Parameters
    ----------
    found : Detections
    min_score : float in [0, 1]
        Detections with a lower score are left out.
    threshold : float in [0, 1]
        A pixel is in a mask whose probability there is above it.  In several it goes to the one
        with the highest probability times score.
    min_size : int, pixels
        Objects that are left with less are dropped.
    own : float in [0, 1]
        Detections are dropped, too, if less than this share of their mask is outside the masks of
        higher score: a second look at the same object, which the boxes' overlap did not tell.

    Returns
    -------
    labels : ndarray, int32, (H, W)
        0 is background; objects are 1, 2, ... by falling score.  Background that one single
        object encloses is that object's.
    scores : ndarray, float32, (objects,)
        For :func:`cellkit.metrics.coco_average_precision`.
    """
    found = found.take(np.argsort(-found.scores, kind="stable"))
    labels, best = np.zeros(found.shape, np.int32), np.zeros(found.shape, np.float32)
    for k in np.flatnonzero(found.scores >= min_score):
        window, probability = paste(found, k)
        mask = probability > threshold
        if (mask & (labels[window] == 0)).sum() < own * mask.sum():
            continue
        sure = probability * found.scores[k]
        wins = mask & (sure > best[window])
        labels[window][wins], best[window][wins] = k + 1, sure[wins]
    labels, kept = clean_labels(labels, min_size, len(found.scores))
    return labels, found.scores[kept[1:]].astype(np.float32)


def merge_foreground(found: Detections, min_score: float = 0.5) -> np.ndarray:
    """A foreground map of detections: at each pixel the highest probability of all masks.

    Returns
    -------
    ndarray, float32, (H, W)
        From 0 to 1; the masks of detections that score at least ``min_score``.
    """
    foreground = np.zeros(found.shape, np.float32)
    for k in np.flatnonzero(found.scores >= min_score):
        window, probability = paste(found, k)
        np.maximum(foreground[window], probability, out=foreground[window])
    return foreground


def merge_paper2(found: Detections, overlap: float = 0.5, min_side: float = 4) -> np.ndarray:
    """The mask that paper 2 makes of detections.

    Boxes that score below 0.4, are small, or overlap a better one are dropped; probabilities
    below 0.3 become 0; what is left of all masks is added up; above 0.9 is foreground.

    Parameters
    ----------
    found : Detections
    overlap : float
        The largest intersection over union of two boxes (ours; the paper gives none).
    min_side : float, pixels
        Boxes with a shorter side are small (ours; the paper gives none).

    Returns
    -------
    ndarray, bool, (H, W)

    References
    ----------
    Paper 2, section 5.2.
    """
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    found = found.take((found.scores >= 0.4) & (sides >= min_side).all(1))
    found = found.take(nms(found.boxes, found.scores, overlap))
    total = np.zeros(found.shape, np.float32)
    for k in range(len(found.scores)):
        window, probability = paste(found, k)
        total[window] += np.where(probability < 0.3, 0, probability)
    return total > 0.9


def nms(boxes: np.ndarray, scores: np.ndarray, overlap: float = 0.5) -> np.ndarray:
    """Non-maximum suppression (lesson 06_mask_rcnn builds it): which boxes stay, best first.

    A box is dropped if its intersection over union with a better one that stays is above
    ``overlap``.
    """
    import torch
    from torchvision import ops

    return ops.nms(torch.as_tensor(boxes), torch.as_tensor(scores), overlap).numpy()


def merge_views(views: Sequence[Detections]) -> Detections:
    """One opinion of several looks at an image, turned or flipped, say.

    Objects are those of all looks, doubles suppressed; a score is the mean over the looks, where
    one that did not see the object counts 0; box and mask are those of the surest look.
    """
    import torch
    from torchvision.ops import box_iou

    everything = Detections(*(np.concatenate(part) for part in
                              zip(*[view[:3] for view in views], strict=True)), views[0].shape)
    found = everything.take(nms(everything.boxes, everything.scores))
    support = np.zeros(len(found.scores), np.float32)
    for view in views:
        if len(view.scores):
            shared = box_iou(torch.as_tensor(found.boxes), torch.as_tensor(view.boxes)).numpy()
            same = np.where(shared > 0.5, view.scores, 0)
            support += same.max(1) / len(views)
    return found._replace(scores=support)
