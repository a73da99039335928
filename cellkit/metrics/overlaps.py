"""Which objects of two label maps share pixels: the sparse table that all object scores read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cellkit import checks
from cellkit.metrics.pairs import pair, pairs


class Overlap(NamedTuple):
    """Which objects share pixels, and how many (see :func:`overlap_table`)."""

    truth_ids: np.ndarray
    pred_ids: np.ndarray
    truth_areas: np.ndarray
    pred_areas: np.ndarray
    truth: np.ndarray
    pred: np.ndarray
    area: np.ndarray

    @property
    def union(self) -> np.ndarray:
        """Pixels in one object of the pair or the other, (pairs,)."""
        return self.truth_areas[self.truth] + self.pred_areas[self.pred] - self.area


def overlap_table(truth, pred) -> Overlap:
    """List the pairs of objects that share pixels in one image (lesson 07_watershed).

    Parameters
    ----------
    truth, pred : labels (H, W), whole numbers
        0 is background, every other number an object; gaps in the numbering do not matter.

    Returns
    -------
    Overlap
        ``truth_ids``, ``pred_ids``: the labels that occur, ascending; ``truth_areas``,
        ``pred_areas``: their pixels; ``truth``, ``pred``: a row for each pair that shares
        pixels, as positions in the ids; ``area``: the pixels they share; ``union``: the pixels
        in either.  Background is in none of them.

    Raises
    ------
    ValueError, TypeError
        Shapes that differ, an empty array, a mask or a map where labels are meant, negative
        labels.

    Examples
    --------
    >>> truth = np.array([[1, 1, 1, 0, 7, 7]])
    >>> pred = np.array([[0, 2, 2, 3, 3, 3]])
    >>> table = overlap_table(truth, pred)
    >>> table.truth_ids, table.truth_areas
    (array([1, 7]), array([3, 2]))
    >>> list(zip(table.truth_ids[table.truth].tolist(), table.pred_ids[table.pred].tolist(),
    ...          table.area.tolist(), table.union.tolist()))
    [(1, 2, 2, 3), (7, 3, 2, 3)]
    """
    return _overlap(*pair(truth, pred, _int32, _int32))


def tables(truth, pred) -> Iterator[Overlap]:
    """The overlap table of each image."""
    return (_overlap(t, p) for t, p in label_pairs(truth, pred))


def label_pairs(truth, pred) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The two label maps of each image, as int32."""
    return pairs(truth, pred, _int32, _int32)


def _int32(name: str, value) -> np.ndarray:
    array = checks.labels(name, value)
    if array.max() > np.iinfo(np.int32).max:
        raise ValueError(
            f"{name} has labels up to {array.max()}, expected {np.iinfo(np.int32).max} at most; "
            "renumber them, e.g. with skimage.segmentation.relabel_sequential."
        )
    return array.astype(np.int32, copy=False)


def _overlap(truth: np.ndarray, pred: np.ndarray) -> Overlap:
    base = int(pred.max()) + 1
    key = np.multiply(truth, base, dtype=np.int64).ravel()  # below 2**62: labels are int32
    key += pred.ravel()
    # Labels come in runs along a row, so there is far less to sort than there are pixels.
    starts = np.append(0, np.flatnonzero(key[1:] != key[:-1]) + 1)
    lengths = np.diff(starts, append=key.size)
    key, inverse = np.unique(key[starts], return_inverse=True)
    area = np.bincount(inverse, weights=lengths).astype(np.int64)
    truth, pred = np.divmod(key, base)
    truth_ids, truth, truth_areas = _objects(truth, area)
    pred_ids, pred, pred_areas = _objects(pred, area)
    both = (truth >= 0) & (pred >= 0)
    return Overlap(truth_ids, pred_ids, truth_areas, pred_areas,
                   truth[both], pred[both], area[both])


def _objects(labels: np.ndarray, area: np.ndarray):
    """Ids without background, each row's position among them (−1 for background), and areas."""
    ids, position = np.unique(labels, return_inverse=True)
    areas = np.bincount(position, weights=area).astype(np.int64)
    background = int(ids[0] == 0)
    return ids[background:], position - background, areas[background:]
