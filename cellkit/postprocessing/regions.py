"""Pieces of a mask and of a label map, cleaned: specks, holes, small cells."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def clean_mask(mask: np.ndarray, min_size: int) -> np.ndarray:
    """Without specks, and without holes of their size (which may hide in a cell's distances)."""
    # As scikit-image's remove_small_objects and remove_small_holes, whose arguments changed names
    # between the versions in use.
    for kind in (True, False):
        pieces, number = ndimage.label(mask == kind)
        small = np.bincount(pieces.ravel(), minlength=number + 1) < min_size
        small[0] = False
        if small.any():
            mask = mask ^ small[pieces]
    return mask


def clean_labels(labels, min_size: int, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Fill each cell's holes, drop small cells, number the rest without gaps; and who is left."""
    labels = fill_holes(labels)
    size = np.bincount(labels.ravel(), minlength=number + 1)
    kept = size >= max(min_size, 1)
    kept[0] = False
    labels = np.where(kept, np.cumsum(kept), 0).astype(np.int32)[labels]
    if size[1:][~kept[1:]].any():  # what was dropped may have been all that parted a hole
        labels = fill_holes(labels)
    return labels, kept


def fill_holes(labels: np.ndarray) -> np.ndarray:
    """Give background that one single cell encloses to that cell."""
    pieces, number = ndimage.label(labels == 0)
    inner = np.ones(number + 1, bool)
    inner[0] = False
    for edge in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]):
        inner[edge] = False
    if not inner.any():
        return labels
    y, x = np.nonzero(inner[pieces])
    piece = pieces[y, x]
    lowest, highest = np.full(number + 1, labels.max() + 1), np.zeros(number + 1, labels.dtype)
    for near in (labels[y - 1, x], labels[y + 1, x], labels[y, x - 1], labels[y, x + 1]):
        np.minimum.at(lowest, piece[near > 0], near[near > 0])
        np.maximum.at(highest, piece, near)
    labels = labels.copy()
    labels[y, x] = np.where(lowest == highest, highest, 0)[piece]
    return labels
