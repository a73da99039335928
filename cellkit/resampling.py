"""Resampling: how a row of pixels becomes another, of numpy arrays and torch tensors alike.

Every resampler here is one idea: a new pixel is a weighted sum of a few old ones, along the rows
and along the columns.  :func:`taps` says which ones and how much of each; the rest is a sparse
product.  (Ours, because Pillow's and OpenCV's know no gradient, and torch's no exact area.)
"""

from __future__ import annotations

import math
import sys
from functools import lru_cache

import numpy as np
from scipy import sparse

RESAMPLERS = ("nearest", "bilinear", "bicubic", "lanczos", "area")


def scaled_shape(shape, factor: float) -> tuple[int, ...]:
    """Sides times a factor, rounded half up, each at least one pixel."""
    return tuple(max(1, math.floor(factor * side + 0.5)) for side in shape)


def _hat(x):
    return np.maximum(1 - abs(x), 0)


def _keys(x):
    x = abs(x)
    near, far = (1.5 * x - 2.5) * x * x + 1, ((2.5 - 0.5 * x) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x):
    return np.where(abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


def _gaussian(x):
    return np.exp(-x * x / 2)


# What each weighs a pixel with, by its distance; and how far it reaches.
KERNELS = {"bilinear": (_hat, 1), "bicubic": (_keys, 2), "lanczos": (_lanczos, 3),
           "gaussian": (_gaussian, 4)}


@lru_cache(maxsize=256)
def taps(old: int, new: int, resampler: str, stretch: bool | float = True):
    """Which of ``old`` pixels in a row make up each of ``new``, and how much of each.

    Parameters
    ----------
    old, new : int
        Pixels in the row.
    resampler : str
        One of :data:`RESAMPLERS`, or "gaussian" for a blur.
    stretch : bool or float
        Antialiasing; or, in old pixels, what the kernel calls 1.

    Returns
    -------
    index : ndarray, int64, (new, k)
    weight : ndarray, float64, (new, k)
        Each row sums to 1.
    """
    ratio, number = old / new, np.arange(new)
    if resampler == "nearest":
        return ((2 * number + 1) * old // (2 * new))[:, None], np.ones((new, 1))
    if resampler == "area":
        first = number * old // new
        index = first[:, None] + np.arange(math.ceil(ratio) + 1)
        # Where pixel [j, j + 1] and the new pixel overlap, times ``new`` so that all is whole.
        end = np.minimum((index + 1) * new, (number[:, None] + 1) * old)
        weight = np.maximum(end - np.maximum(index * new, number[:, None] * old), 0) / old
    else:
        kernel, reach = KERNELS[resampler]
        if isinstance(stretch, bool):
            stretch = max(ratio, 1.0) if stretch else 1.0
        centre, reach = (number[:, None] + 0.5) * ratio, reach * stretch
        index = np.floor(centre - reach).astype(np.int64) + np.arange(math.ceil(2 * reach) + 1)
        weight = kernel((index + 0.5 - centre) / stretch)
    weight = np.where((index >= 0) & (index < old), weight, 0)
    return np.clip(index, 0, old - 1), weight / weight.sum(axis=1, keepdims=True)


def resample(image, size: tuple[int, int], resampler: str, stretch: bool | float = True):
    """Columns, then rows, each by its own :func:`taps`; unchecked, and not clipped."""
    axes = (-2, -1) if is_tensor(image) else (0, 1)
    for axis, new in reversed(list(zip(axes, size, strict=True))):
        old = image.shape[axis]
        if old == new and resampler != "gaussian":
            continue
        first = image.swapaxes(axis, 0)  # the same word in numpy and torch
        mixed = _mixed(first.reshape(old, -1), *taps(old, new, resampler, stretch))
        image = mixed.reshape(new, *first.shape[1:]).swapaxes(axis, 0)
    return image


def _mixed(rows, index, weight):
    """Each new row as the weighted sum of the old rows in ``index``."""
    if is_tensor(rows):
        import torch
        from torch.nn.functional import embedding_bag  # does just this, and knows the gradient

        exact = rows if rows.dtype == torch.float64 else rows.float()
        index, weight = torch.from_numpy(index), torch.from_numpy(weight)
        return embedding_bag(index.to(rows.device), exact, mode="sum",
                             per_sample_weights=weight.to(exact)).to(rows.dtype)
    exact = rows if rows.dtype == np.float64 else rows.astype(np.float32, copy=False)
    start = np.arange(0, index.size + 1, index.shape[1])
    matrix = sparse.csr_array((weight.astype(exact.dtype).ravel(), index.ravel(), start),
                              shape=(len(index), len(rows)))
    return (matrix @ exact).astype(rows.dtype, copy=False)


def is_tensor(image) -> bool:
    """Whether this is torch's, without importing torch for it."""
    torch = sys.modules.get("torch")  # who has a tensor has imported it
    return torch is not None and isinstance(image, torch.Tensor)
