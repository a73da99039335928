"""Image files of any usual kind, read as float32 in [0, 1]."""

from __future__ import annotations

import logging
from numbers import Real
from pathlib import Path

import numpy as np

from cellkit import checks
from cellkit.datasets.decoders import decode
from cellkit.datasets.faults import naming, need

#: What red, green and blue add to brightness (Recommendation ITU-R BT.601), as Pillow's
#: ``convert("L")``.
GREY = np.array([0.299, 0.587, 0.114], np.float32)
SUFFIXES = (".tif", ".tiff", ".png", ".bmp", ".jpg", ".jpeg")

_log = logging.getLogger(__name__)


def read_image(path, scale="dtype", page=None, channel=None) -> np.ndarray:
    """Read one grey or colour image (lesson 01_data_and_masks).

    Parameters
    ----------
    path : path
        A TIFF, PNG, BMP or JPEG file with one page; it may lie in a zip archive, see
        :mod:`cellkit.datasets.archives`.
    scale : "dtype", "minmax", "percentile", "channels", (low, high), "depth" or "none"
        How grey values become [0, 1]; see :func:`scale_image`.
    page, channel : int, optional
        Which page of a file with several, which of a file's channels, from 0.  Where a TIFF's
        axes name channels and others (ZCYX), ``page`` counts the others.

    Returns
    -------
    ndarray, float32, (H, W) or (H, W, 3)
        In [0, 1].  A colour file whose three channels are equal comes back grey.  An alpha
        channel is dropped if it is the same everywhere.  Palettes become colours.  Else pixels
        are read as they are stored, however the file is packed: tags that only say how to show
        them (an orientation, white-is-zero) are set aside, and a warning says so.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is truncated or no image, has several pages, a see-through alpha channel, a
        number of channels other than 1 to 4, NaN, or values that ``scale`` cannot place.
    """
    array = decode(path, page, channel=channel)
    with naming(path):
        pixels = _channels(array)
        if dark := _dark_channels(pixels):
            channel, share = min(dark.items(), key=lambda one: one[1])
            _log.warning("%s: channel %d uses %.1f %% of the grey values that the brightest uses; "
                         "if the cells are there, read it alone: channel=%d.", path, channel,
                         100 * share, channel)  # fmt: skip
        return scale_image(pixels, scale)


def read_labels(path, page=None, kind="auto", categories=None) -> np.ndarray:
    """Read one picture of drawn cells (lesson 01_data_and_masks).

    Parameters
    ----------
    path, page
        As for :func:`read_image`; of a palette the numbers count.
    kind, categories
        See :func:`to_labels`.

    Returns
    -------
    ndarray, int32, (H, W)
        0 is background, k the k-th cell.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`read_image` and :func:`to_labels`.
    """
    array = decode(path, page, stored=True)
    if kind == "auto" and Path(path).suffix.lower() in (".jpg", ".jpeg"):
        kind = "mask"  # JPEG smears cell numbers, and the two values of a mask
    with naming(path):
        return to_labels(_channels(array), kind, categories=categories)


def to_labels(array, kind="auto", corners=True, categories=None) -> np.ndarray:
    """Cell numbers from a picture of cells, whichever way it was drawn.

    Parameters
    ----------
    array : ndarray, (H, W)
        Whole numbers, of whatever type, or bool.
    kind : "auto", "cells" or "mask"
        "cells": the values are cell numbers.  "mask": what is brighter than half of the brightest
        value is cell, and each connected piece one cell.  "auto": a mask if there are only two
        values, or if the greys between 0 and the brightest are nothing but smoothed edges; cell
        numbers if most of them are one piece each.  What may be either is refused.
    corners : bool
        Whether pixels that touch at corners only are connected, in a mask.
    categories : sequence of int, optional
        The values are classes, as ilastik writes them, and these are cell: a mask.

    Returns
    -------
    ndarray, int32, (H, W)
        Numbers beyond int32 are counted anew, in their order.

    Raises
    ------
    ValueError
        Fractions, numbers below 0, colours, nothing; "auto" and no way to know.
    """
    array = np.asarray(array)
    need(kind in ("auto", "cells", "mask"),
         lambda: f"kind is {kind!r}, expected 'auto', 'cells' or 'mask'.")  # fmt: skip
    need(array.ndim == 2 and array.size, lambda: (
        f"the labels have shape {array.shape}, expected one number a pixel (H, W), not empty; "
        "convert colours to cell numbers first."
    ))  # fmt: skip
    whole = array.dtype.kind in "bui" or (
        array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.rint(array)).all()
    )
    need(whole, lambda: (
        f"the labels hold {array.dtype} with fractions, expected whole numbers (0 background, k "
        "the k-th cell); threshold or number the cells first, and save them as 16 bits."
    ))  # fmt: skip
    low, high = int(array.min()), int(array.max())
    need(low >= 0, lambda: (
        f"the labels go from {low} to {high}, expected 0 (background) and positive cell "
        "numbers; set what should be ignored to 0."
    ))  # fmt: skip
    if categories is not None:
        values = np.unique(array)
        need(set(categories) & {*values.tolist()}, lambda: (
            f"none of the categories {', '.join(map(repr, categories))} is among the values "
            f"{', '.join(f'{v:g}' for v in values[:8])}; a picture holds its classes as numbers: "
            "give those that are cells."
        ))  # fmt: skip
        array, kind, high = np.isin(array, [*categories]), "mask", 1
    kind = _guess_kind(array, high) if kind == "auto" else kind
    if kind == "mask":
        from scipy.ndimage import label

        # In whole numbers: 2 * array would overflow 8 bits.
        return label(array > high // 2, np.ones((3, 3)) if corners else None)[0].astype(np.int32)
    if high > np.iinfo(np.int32).max:
        numbers, array = np.unique(array, return_inverse=True)
        array = array + (numbers[0] != 0)
    return array.astype(np.int32)


def _guess_kind(array, high) -> str:
    """"cells" or "mask"; refuses what may be either."""
    from skimage.measure import label

    drawn, brightest = array > 0, array == high
    if array.dtype.kind == "b" or (brightest == drawn).all():
        return "mask"
    say = "say which: kind='cells' (the values are cell numbers) or kind='mask' (bright is cell)"
    values = np.unique(array[drawn])
    need(len(values) > 2 or not drawn.all(), lambda: (
        f"the labels hold {values[0]:g} and {values[-1]:g} ({np.mean(array == high):.0%} of the "
        f"pixels) and no 0, so the ground may be a class of its own, as ilastik writes it; name "
        f"the class of the cells, categories=[{values[-1]:g}], or {say}."
    ))  # fmt: skip
    places = np.searchsorted(np.concatenate([[0], values]), array)
    pieces = label(places, connectivity=2, background=0, return_num=True)[1]
    top = np.iinfo(array.dtype).max if array.dtype.kind in "ui" else 0
    if high == top:
        scattered = 4 * np.count_nonzero(brightest) > drawn.sum() or pieces > 2 * len(values)
        between = drawn & ~brightest
        if scattered and 5 * np.count_nonzero(_flat(array) & between) < between.sum():
            return "mask"
        need(len(values) < top or pieces < 1.2 * top, lambda: (
            f"the labels use every number up to {top}, most of them for several cells: more cells "
            f"than their type can count were saved; save them as 16 or 32 bits, or {say}."
        ))  # fmt: skip
        need(2 * len(values) > top or len(values) > 1000, lambda: (
            f"the labels hold {top}, the largest number of their type, beside cells of other "
            f"numbers: 'ignore' in some tools, 'cell' in a mask, cell {top} otherwise; set it to "
            f"0, or {say}."
        ))  # fmt: skip
    need(pieces <= 3 * len(values) + 10, lambda: (
        f"the labels' {len(values)} values lie in {pieces} separate pieces, expected about one "
        f"piece a cell: these are classes, or cell numbers blurred by resizing or JPEG; {say}."
    ))  # fmt: skip
    return "cells"


def _flat(array) -> np.ndarray:
    """The pixels in some 3 x 3 square of one value: the inside of cells, but no smoothed edge."""
    from scipy.ndimage import binary_dilation, maximum_filter, minimum_filter

    middle = maximum_filter(array, 3, mode="reflect") == minimum_filter(array, 3, mode="reflect")
    return binary_dilation(middle, np.ones((3, 3)))


# ---------------------------------------------------------------- grey values


def scale_image(array, scale="dtype") -> np.ndarray:
    """Bring grey values of any type into [0, 1] (lesson 01_data_and_masks shows what is lost).

    Parameters
    ----------
    array : ndarray, (H, W) or (H, W, 3)
        Any numbers, without NaN.
    scale : "dtype", "minmax", "percentile", "channels", (low, high), "depth" or "none"
        "dtype" divides by the largest value the type holds (255, 65535; float must lie in [0, 1]
        already), so that images stay comparable.  "minmax" stretches the image's own lowest and
        highest value to 0 and 1.  "percentile" does so with its 1st and 99.8th percentile, a
        pair with those percentiles, and clips what lies beyond; where both are equal (few cells
        on an even ground) it is "minmax", and a warning says so.  "depth" is "dtype" for
        8 bits and "percentile" for more, since cameras seldom use all of 16.  Channels are
        stretched together, but with "channels", and with "depth" if one is dark beside another,
        each by its own percentiles.

    Returns
    -------
    ndarray, float32
        The same shape, in [0, 1].  Where all values are equal, stretching gives 0.
    """
    array = np.asarray(array)
    need(array.dtype.kind in "buif",
         lambda: f"the image holds {array.dtype}, expected whole or real numbers.", TypeError)
    need(array.size, lambda: f"the image is empty {array.shape}, expected at least one pixel.")
    if isinstance(scale, str) and scale == "none":
        return array
    need(array.dtype.kind != "f" or np.isfinite(array).all(), lambda: (
        f"the image has {np.count_nonzero(~np.isfinite(array))} values that are NaN or infinite, "
        "expected real numbers; replace them first, e.g. with numpy.nan_to_num."
    ))  # fmt: skip
    if isinstance(scale, str) and scale == "depth":
        deep = "channels" if _dark_channels(array) else "percentile"
        scale = "dtype" if array.dtype.itemsize == 1 else deep
    if isinstance(scale, str) and scale == "dtype":
        return _by_type(array)
    if isinstance(scale, str) and scale == "channels":
        if array.ndim == 2:
            return scale_image(array, "percentile")
        return np.dstack([scale_image(one, "percentile") for one in np.moveaxis(array, 2, 0)])
    named = {"minmax": (0, 100), "percentile": (1, 99.8)}
    percentiles = named.get(scale) if isinstance(scale, str) else scale
    need(
        isinstance(percentiles, (tuple, list)) and len(percentiles) == 2
        and all(isinstance(one, Real) for one in percentiles)
        and 0 <= percentiles[0] < percentiles[1] <= 100,
        lambda: f"scale is {scale!r}, expected 'dtype', 'minmax', 'percentile', 'channels', "
                "'depth' or two percentiles (low, high) with 0 <= low < high <= 100.",
    )  # fmt: skip
    array = array.astype(np.float64)
    low, high = np.percentile(array, percentiles)
    if high == low and array.min() < array.max():
        _log.warning(
            "the percentiles %g and %g of an image are equal (%g): few cells on an even ground; "
            "it was stretched from its lowest to its highest value instead.", *percentiles, low,
        )  # fmt: skip
        low, high = array.min(), array.max()
    if high == low:
        return np.zeros(array.shape, np.float32)
    return np.clip((array - low) / (high - low), 0, 1).astype(np.float32)


def _by_type(array) -> np.ndarray:
    if array.dtype.kind in "bu" and array.dtype.itemsize <= 2:
        top = 1 if array.dtype.kind == "b" else np.iinfo(array.dtype).max
        return (array / np.float32(top)).astype(np.float32)
    low, high = array.min(), array.max()
    need(array.dtype.kind == "f" and low >= 0 and high <= 1, lambda: (
        f"the image holds {array.dtype} values from {low:g} to {high:g}, expected 8 or 16 "
        "bits or float in [0, 1]; choose scale='minmax' or 'percentile'."
    ))  # fmt: skip
    return array.astype(np.float32)


def to_grey(image) -> np.ndarray:
    """The brightness of a colour image: (H, W, 3) → (H, W) float32; grey stays as it is.

    Float in [0, 1], in and out; weights :data:`GREY`.
    """
    image = checks.image("the image", image).astype(np.float32, copy=False)
    need(image.shape[2:] in ((), (3,)), lambda: (
        f"the image has shape {image.shape}, expected (H, W) or (H, W, 3); take the channels that "
        "are meant."
    ))  # fmt: skip
    if image.ndim == 2:
        return image
    return np.clip(image @ GREY, 0, 1)


def _channels(array) -> np.ndarray:
    """(H, W) or (H, W, 3) from whatever channels the file had."""
    if array.ndim == 2:
        return array
    count = array.shape[-1]
    need(count <= 4, lambda: (
        f"the image has {count} channels (shape {array.shape}), expected 1 (grey), 3 (RGB) or 4 "
        "(RGBA); name the one you want, channel=0, or save it as its own file."
    ))  # fmt: skip
    if count in (2, 4):
        alpha = array[..., -1]
        need((alpha == alpha.flat[0]).all(), lambda: (
            f"the alpha channel varies from {alpha.min()} to {alpha.max()}, expected an opaque "
            "image; flatten it onto a background first, or name one channel, channel=0."
        ))  # fmt: skip
        array = array[..., :-1]
    grey = (array == array[..., :1]).all()
    return array[..., 0] if grey else array


def _dark_channels(pixels) -> dict[int, float]:
    """Channels of deep colour that hardly show beside another, and how much of its range they use.

    Without the brightest pixels: a hot one would hide that the rest is dark.
    """
    if pixels.ndim < 3 or pixels.dtype.itemsize == 1:
        return {}
    low, high = np.percentile(pixels, (1, 99.8), axis=(0, 1))
    reach = np.where(high > low, high - low, np.ptp(pixels, axis=(0, 1)))
    return {k: r / reach.max() for k, r in enumerate(reach) if 0 < r < 0.05 * reach.max()}
