"""The cells of one picture, whatever its size: it is asked in blocks where it is large."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage
from skimage.segmentation import expand_labels, relabel_sequential
from torch import nn

from cellkit.annotations import resize_labels
from cellkit.heads import config_of, head_of
from cellkit.inference import detect, predict
from cellkit.normalisation import normalisation_stats
from cellkit.postprocessing import instances
from cellkit.scale import fitted, resized
from cellkit.tiles import as_taken
from cellkit.trust import cell_doubt, unsure

#: Side of the blocks of a large picture, and how far each looks beyond its own, in pixels.
BLOCK, BEYOND = 3072, 256
#: What is darker beside an area of zeros is a dark ground, not the end of a picture.
DARK = 0.02


class _Told(nn.Module):
    """A network that is told the brightness of the whole, where it sees but a part of it."""

    def __init__(self, net, mean, std):
        super().__init__()
        self.net, self.mean, self.std = net, mean, std
        self.head = head_of(net).name
        self.config = {**config_of(net), "normalise": "none"}

    def forward(self, image):
        return self.net((image - self.mean) / self.std)


def find(net: nn.Module, image: np.ndarray, method: str, scale: float = 1.0, *,
         threshold: float | None = None, block: int = BLOCK, **params):
    """``ck.instances`` of what ``ck.predict`` says, or ``ck.detect``, for a picture of any size.

    Parameters
    ----------
    net, image
        As in :func:`cellkit.predict`, but grey or in colour whatever the network takes.
    method : str
        Of :func:`cellkit.instances`, or "detect".
    scale : float
        The picture is resized by so much, and its cells made there, since the parameters of
        methods are in the network's pixels; what comes back is as large as the picture.
    threshold, **params
        For :func:`cellkit.instances` or :func:`cellkit.detect`.
    block : int
        A side above this is asked in blocks, so that memory depends on them only, beside the
        picture and its labels.  A cell belongs to the block that its middle lies in.

    Returns
    -------
    labels : ndarray, int32, (H, W)
    doubt : ndarray, float, (cells,)
        How undecided the network is about each cell, see :func:`cellkit.trust.cell_doubt`; of a
        detection 1 - score.
    lit : float
        The share of the picture that is not an empty margin (or tile of a mosaic).
    """
    shape, image = image.shape[:2], as_taken(net, image)
    lit = image
    if (empty := empty_area(image)) is not None:
        lit, image = image[~empty], filled(image, empty)
    large = max(shape) * scale > block
    if empty is not None or large:
        mean, std = normalisation_stats(lit, config_of(net).get("normalise", "standard"))
        net = _Told(net, mean, std).eval()
    if scale != 1:
        image = resized(image, scale)
    how = dict(method=method, params=params | (
        {} if threshold is None else {"threshold": threshold}))
    if large:
        labels, doubt = _in_blocks(net, image, block, shape, how)
    else:
        labels, doubt = _ask(net, image, shape, how)
    if empty is not None:
        labels[empty] = 0
    labels, _, numbers = relabel_sequential(labels)
    doubt = doubt[np.asarray(numbers)[1:] - 1]
    return labels.astype(np.int32), doubt, 1.0 if empty is None else 1 - float(empty.mean())


def _ask(net, image, shape, how):
    """Labels of the given shape, and each cell's doubt."""
    method, params = how["method"], how["params"]
    if method == "detect":
        labels, scores = detect(net, image, scores=True, **params)
        return _as_large(labels, shape), 1 - scores
    maps = predict(net, image, all=True)
    labels = instances(maps, method, **params)
    doubt = cell_doubt(unsure(maps["foreground"]), labels)
    if image.shape[:2] != shape:
        wide = _as_large(labels, shape)
        if shape[0] > image.shape[0]:  # not the steps of coarse pixels, but the map's own outline
            fine = fitted(maps["foreground"], shape) > params.get("threshold", 0.5)
            wide = np.where(fine, expand_labels(wide, shape[0] / image.shape[0]), 0)
        labels = wide
    return labels, doubt


def _as_large(labels, shape):
    return labels if labels.shape == shape else resize_labels(labels, shape)


def _in_blocks(net, image, block, shape, how):
    labels, doubts, count = np.zeros(image.shape[:2], np.int32), [], 0
    for window, own in _blocks(image.shape[:2], block):
        part = image[window]
        found, doubt = _ask(net, part, part.shape[:2], how)
        if not len(doubt):
            continue
        middles = np.array(ndimage.center_of_mass(found > 0, found, np.arange(1, len(doubt) + 1)))
        mine = np.all([(own[axis].start <= middles[:, axis] + window[axis].start)
                       & (middles[:, axis] + window[axis].start < own[axis].stop)
                       for axis in (0, 1)], axis=0)
        number = np.zeros(len(doubt) + 1, np.int32)
        number[1:][mine] = count + 1 + np.arange(mine.sum())
        found = number[found]
        np.copyto(labels[window], found, where=(found > 0) & (labels[window] == 0))
        doubts.append(doubt[mine])
        count += int(mine.sum())
    return _as_large(labels, shape), np.concatenate([np.zeros(0), *doubts])


def _blocks(shape, block) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """What a block sees, and what of it is its own."""
    for top in range(0, shape[0], block):
        for left in range(0, shape[1], block):
            own = tuple(slice(start, min(start + block, side))
                        for start, side in zip((top, left), shape, strict=True))
            yield tuple(slice(max(0, one.start - BEYOND), min(side, one.stop + BEYOND))
                        for one, side in zip(own, shape, strict=True)), own


def empty_area(image: np.ndarray) -> np.ndarray | None:
    """Where a mosaic has no picture: areas of zeros beside what is not dark; None: nowhere."""
    zero = image == 0 if image.ndim == 2 else (image == 0).all(axis=2)
    if np.count_nonzero(zero) < 0.01 * zero.size:
        return None
    # Whole squares of zeros: a few black pixels are no gap.
    empty = zero & ndimage.maximum_filter(ndimage.minimum_filter(zero, 9, mode="nearest"), 9)
    beside = ndimage.maximum_filter(empty, 9) & ~empty
    if not empty.any() or not beside.any():
        return None
    grey = image if image.ndim == 2 else image.max(axis=2)
    return empty if np.median(grey[beside]) > DARK else None


def filled(image: np.ndarray, empty: np.ndarray | None) -> np.ndarray:
    """A picture whose empty area is as bright as the rest on average."""
    if empty is None:
        return image
    image = image.copy()
    image[empty] = image[~empty].mean()
    return image


