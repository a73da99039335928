"""Image files of any usual kind, read as float32 in [0, 1]."""

from __future__ import annotations

import os
from numbers import Real
from pathlib import Path

import numpy as np

from cellkit.datasets.files import exists, open_binary

SUFFIXES = (".tif", ".tiff", ".png", ".bmp", ".jpg", ".jpeg")


def read_image(path, scale="dtype", page=None) -> np.ndarray:
    """Read one grey or colour image (lesson 01_data_and_masks).

    Parameters
    ----------
    path : path
        A TIFF, PNG, BMP or JPEG file with one page; it may lie in a zip archive, see
        :mod:`cellkit.datasets.files`.
    scale : "dtype", "minmax", "percentile", (low, high) or "depth"
        How grey values become [0, 1]; see :func:`scale_image`.
    page : int, optional
        Which page of a file with several, from 0.

    Returns
    -------
    ndarray, float32, (H, W) or (H, W, 3)
        In [0, 1].  A colour file whose three channels are equal comes back grey.  An alpha
        channel is dropped if it is the same everywhere.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is truncated or no image, has several pages, a see-through alpha channel, a
        number of channels other than 1 to 4, NaN, or values that ``scale`` cannot place.

    Notes
    -----
    Pillow reduces 16-bit *colour* PNG to 8 bits; 16-bit grey PNG and every TIFF keep theirs.
    """
    array = _decode(path, page)
    try:
        return scale_image(_channels(array), scale)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{path}: {error}") from None


def read_labels(path, page=None, kind="auto") -> np.ndarray:
    """Read one picture of drawn cells (lesson 01_data_and_masks).

    Parameters
    ----------
    path, page
        As for :func:`read_image`.
    kind : "auto", "cells" or "mask"
        See :func:`to_labels`.

    Returns
    -------
    ndarray, int32, (H, W)
        0 is background, k the k-th cell.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`read_image`; also for real numbers, colours, and values below 0.
    """
    array = _decode(path, page, palette=True)
    if kind == "auto" and Path(path).suffix.lower() in (".jpg", ".jpeg"):
        kind = "mask"  # JPEG smears cell numbers, and the two values of a mask
    try:
        return to_labels(_channels(array), kind)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{path}: {error}") from None


def to_labels(array, kind="auto", corners=True) -> np.ndarray:
    """Cell numbers from a picture of cells, whichever way it was drawn.

    Parameters
    ----------
    array : ndarray of whole numbers or bool, (H, W)
    kind : "auto", "cells" or "mask"
        "cells": the values are cell numbers.  "mask": what is brighter than half of the brightest
        value is cell, and each connected piece one cell.  "auto": a mask if there are only two
        values, or if the type's largest (255 for 8 bits) fills more than a quarter of all that is
        not 0: no cell number would, so the other greys are smoothed edges.
    corners : bool
        Whether pixels that touch at corners only are connected, in a mask.

    Returns
    -------
    ndarray, int32, (H, W)
    """
    array = np.asarray(array)
    if kind not in ("auto", "cells", "mask"):
        raise ValueError(f"kind is {kind!r}, expected 'auto', 'cells' or 'mask'.")
    if array.ndim != 2 or not array.size:
        raise ValueError(
            f"the labels have shape {array.shape}, expected one number a pixel (H, W), not empty; "
            "convert colours to cell numbers first."
        )
    if array.dtype.kind not in "bui":
        raise ValueError(
            f"the labels hold {array.dtype}, expected whole numbers (0 background, k the k-th "
            "cell); convert them with .astype('uint16') and save them again."
        )
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > np.iinfo(np.int32).max:
        raise ValueError(
            f"the labels go from {low} to {high}, expected 0 (background) and positive cell "
            "numbers; set what should be ignored to 0."
        )
    if kind == "auto":
        drawn = array > 0
        brightest = array == high
        top = 1 if array.dtype.kind == "b" else np.iinfo(array.dtype).max
        smooth = high == top and 4 * brightest.sum() > drawn.sum()
        kind = "mask" if smooth or (brightest == drawn).all() else "cells"
    if kind == "cells":
        return array.astype(np.int32)
    from scipy.ndimage import label

    # In whole numbers: 2 * array would overflow 8 bits.
    mask = array > high // 2
    return label(mask, np.ones((3, 3)) if corners else None)[0].astype(np.int32)


def page_count(path) -> int:
    """How many pages a TIFF file has."""
    import tifffile

    try:
        with open_binary(path) as stream, tifffile.TiffFile(stream) as file:
            return _pages_of(file)
    except Exception as error:  # tifffile has a dozen kinds of its own
        raise _unreadable(path, error) from error


def _decode(path, page=None, palette=False) -> np.ndarray:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"the path is {path!r:.40}, expected the name of an image file.")
    path = Path(path)
    if not exists(path):
        raise FileNotFoundError(
            f"no image file at {path}; check the name, or download the data set again."
        )
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            return _tiff(path, page)
        return _pillow(path, page, palette)
    except _Refused as refused:
        raise ValueError(f"{path} {refused}") from None
    except Exception as error:  # each decoder has a dozen kinds of its own
        raise _unreadable(path, error) from error


def _unreadable(path, error):
    return ValueError(
        f"{path} cannot be read as an image ({type(error).__name__}: {error}), expected a "
        "complete TIFF, PNG, BMP or JPEG file; copy or download it again."
    )


def scale_image(array, scale="dtype") -> np.ndarray:
    """Bring grey values of any type into [0, 1] (lesson 01_data_and_masks shows what is lost).

    Parameters
    ----------
    array : ndarray, (H, W) or (H, W, 3)
        Any numbers, without NaN.
    scale : "dtype", "minmax", "percentile", (low, high) or "depth"
        "dtype" divides by the largest value the type holds (255, 65535; float must lie in [0, 1]
        already), so that images stay comparable.  "minmax" stretches the image's own lowest and
        highest value to 0 and 1.  "percentile" does so with its 1st and 99.8th percentile, a
        pair with those percentiles, and clips what lies beyond.  "depth" is "dtype" for
        8 bits and "percentile" for more, since cameras seldom use all of 16.  Channels are
        stretched together.

    Returns
    -------
    ndarray, float32
        The same shape, in [0, 1].  Where all values are equal, stretching gives 0.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "buif":
        raise TypeError(f"the image holds {array.dtype}, expected whole or real numbers.")
    if not array.size:
        raise ValueError(f"the image is empty {array.shape}, expected at least one pixel.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        count = np.count_nonzero(~np.isfinite(array))
        raise ValueError(
            f"the image has {count} values that are NaN or infinite, expected real numbers; "
            "replace them first, e.g. with numpy.nan_to_num."
        )
    if isinstance(scale, str) and scale == "depth":
        scale = "dtype" if array.dtype.itemsize == 1 else "percentile"
    if isinstance(scale, str) and scale == "dtype":
        return _by_type(array)
    if isinstance(scale, str) and scale == "minmax":
        percentiles = (0, 100)
    elif isinstance(scale, str) and scale == "percentile":
        percentiles = (1, 99.8)
    else:
        percentiles = scale if isinstance(scale, (tuple, list)) and len(scale) == 2 else (1, 0)
        numbers = all(isinstance(one, Real) for one in percentiles)
        if not (numbers and 0 <= percentiles[0] < percentiles[1] <= 100):
            raise ValueError(
                f"scale is {scale!r}, expected 'dtype', 'minmax', 'percentile', 'depth' or two "
                "percentiles (low, high) with 0 <= low < high <= 100."
            )
    array = array.astype(np.float64)
    low, high = np.percentile(array, percentiles)
    if high == low:
        return np.zeros(array.shape, np.float32)
    return np.clip((array - low) / (high - low), 0, 1).astype(np.float32)


def to_grey(image) -> np.ndarray:
    """The brightness of a colour image: (H, W, 3) → (H, W) float32; grey stays as it is.

    Float in [0, 1], in and out.  Weights 0.299, 0.587, 0.114 (Recommendation ITU-R BT.601), as
    Pillow's ``convert("L")``.
    """
    image = np.asarray(image)
    if image.dtype.kind != "f":
        raise TypeError(
            f"the image holds {image.dtype}, expected float in [0, 1]; scale it with "
            "cellkit.datasets.scale_image(image) first."
        )
    if image.shape[2:] not in ((), (3,)) or image.ndim < 2 or not image.size:
        raise ValueError(
            f"the image has shape {image.shape}, expected (H, W) or (H, W, 3), not empty."
        )
    low, high = float(image.min()), float(image.max())
    if not (low >= -1e-5 and high <= 1 + 1e-5):  # rounding may pass; written so that NaN does not
        raise ValueError(
            f"the image has values from {low:g} to {high:g}, expected [0, 1] without NaN; scale it "
            "with cellkit.datasets.scale_image(image, 'minmax') first."
        )
    image = image.astype(np.float32, copy=False)
    if image.ndim == 2:
        return image
    return np.clip(image @ np.array([0.299, 0.587, 0.114], np.float32), 0, 1)


class _Refused(Exception):
    """What is wrong with a file that the decoder itself can read."""


def _tiff(path, wanted=None) -> np.ndarray:
    import tifffile

    with open_binary(path) as stream, tifffile.TiffFile(stream) as file:
        count = _pages_of(file)
        _check_page(count, wanted)
        if len(file.pages) != count:  # ImageJ writes one page's head, and the others' pixels
            return file.series[0].asarray()[wanted]
        page = file.pages[wanted or 0]
        try:
            array, axes = page.asarray(), page.axes
        except ValueError as error:
            # tifffile leaves LZW (LIVECell's) and JPEG to a package that Colab lacks; Pillow has
            # both, but makes 8 bits of deep colour.
            deep_colour = page.samplesperpixel > 1 and page.bitspersample > 8
            if "imagecodecs" not in str(error) or deep_colour:
                raise
            return _pillow(path, wanted)
    if axes == "SYX":
        return np.moveaxis(array, 0, 2)
    if axes not in ("YX", "YXS"):
        raise _Refused(
            f"holds an array with axes {axes} and shape {array.shape}, expected one flat image; "
            "save the slice you want as its own file."
        )
    return array


def _pages_of(file) -> int:
    if len(file.pages) == 1 and file.is_imagej and len(file.series[0].shape) == 3:
        if file.series[0].axes[0] not in "SC":
            return file.series[0].shape[0]
    return len(file.pages)


def _pillow(path, wanted=None, palette=False) -> np.ndarray:
    from PIL import Image

    with open_binary(path) as stream, Image.open(stream) as image:
        _check_page(getattr(image, "n_frames", 1), wanted)
        image.seek(wanted or 0)
        if image.mode in ("P", "PA") and not palette:
            image = image.convert("RGBA")
        elif image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
            image = image.convert("RGB")
        return np.asarray(image)


def _check_page(count, wanted):
    if wanted is None and count != 1:
        raise _Refused(_pages(count))
    if wanted is not None and not 0 <= wanted < count:
        raise _Refused(f"has {count} pages, expected one of number {wanted} (from 0).")


def _pages(count) -> str:
    return (
        f"has {count} pages, expected one image; save the page you want as its own file."
        if count
        else "holds no image, expected one page; copy or download it again."
    )


def _channels(array) -> np.ndarray:
    """(H, W) or (H, W, 3) from whatever channels the file had."""
    if array.ndim == 2:
        return array
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4):
        raise ValueError(
            f"the image has shape {array.shape}, expected 1 (grey), 3 (RGB) or 4 (RGBA) channels; "
            "save the channel you want as its own file."
        )
    if array.shape[2] in (2, 4):
        alpha = array[..., -1]
        if (alpha != alpha.flat[0]).any():
            raise ValueError(
                f"the alpha channel varies from {alpha.min()} to {alpha.max()}, expected an opaque "
                "image; flatten it onto a background first."
            )
        array = array[..., :-1]
    grey = (array == array[..., :1]).all()
    return array[..., 0] if grey else array


def _by_type(array) -> np.ndarray:
    if array.dtype.kind in "bu" and array.dtype.itemsize <= 2:
        top = 1 if array.dtype.kind == "b" else np.iinfo(array.dtype).max
        return (array / np.float32(top)).astype(np.float32)
    low, high = array.min(), array.max()
    if array.dtype.kind != "f" or low < 0 or high > 1:
        raise ValueError(
            f"the image holds {array.dtype} values from {low:g} to {high:g}, expected 8 or 16 "
            "bits or float in [0, 1]; choose scale='minmax' or 'percentile'."
        )
    return array.astype(np.float32)
