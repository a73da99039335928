"""Image files of any usual kind, read as float32 in [0, 1]."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SUFFIXES = (".tif", ".tiff", ".png", ".bmp", ".jpg", ".jpeg")


def read_image(path, scale="dtype") -> np.ndarray:
    """Read one grey or colour image (lesson 01_data_and_masks).

    Parameters
    ----------
    path : path
        A TIFF, PNG, BMP or JPEG file with one page.
    scale : "dtype", "minmax", "percentile" or (low, high)
        How grey values become [0, 1]; see :func:`scale_image`.

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
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no image file at {path}; check the name, or download the data set again."
        )
    try:
        array = _tiff(path) if path.suffix.lower() in (".tif", ".tiff") else _pillow(path)
    except _Refused as refused:
        raise ValueError(f"{path} {refused}") from None
    except Exception as error:  # each decoder has a dozen kinds of its own
        raise ValueError(
            f"{path} cannot be read as an image ({type(error).__name__}: {error}), expected a "
            "complete TIFF, PNG, BMP or JPEG file; copy or download it again."
        ) from error
    try:
        return scale_image(_channels(array), scale)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{path}: {error}") from None


def scale_image(array, scale="dtype") -> np.ndarray:
    """Bring grey values of any type into [0, 1] (lesson 01_data_and_masks shows what is lost).

    Parameters
    ----------
    array : ndarray, (H, W) or (H, W, 3)
        Any numbers, without NaN.
    scale : "dtype", "minmax", "percentile" or (low, high)
        "dtype" divides by the largest value the type holds (255, 65535; float must lie in [0, 1]
        already), so that images stay comparable.  "minmax" stretches the image's own lowest and
        highest value to 0 and 1.  "percentile" does so with its 1st and 99.8th percentile, a
        pair with those percentiles, and clips what lies beyond.  Channels are stretched together.

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
    if isinstance(scale, str) and scale == "dtype":
        return _by_type(array)
    if isinstance(scale, str) and scale == "minmax":
        percentiles = (0, 100)
    elif isinstance(scale, str) and scale == "percentile":
        percentiles = (1, 99.8)
    else:
        percentiles = scale if isinstance(scale, (tuple, list)) and len(scale) == 2 else (1, 0)
        if not 0 <= percentiles[0] < percentiles[1] <= 100:
            raise ValueError(
                f"scale is {scale!r}, expected 'dtype', 'minmax', 'percentile' or two percentiles "
                "(low, high) with 0 <= low < high <= 100."
            )
    array = array.astype(np.float64)
    low, high = np.percentile(array, percentiles)
    if high == low:
        return np.zeros(array.shape, np.float32)
    return np.clip((array - low) / (high - low), 0, 1).astype(np.float32)


def to_grey(image) -> np.ndarray:
    """The brightness of a colour image: (H, W, 3) → (H, W) float32; grey stays as it is.

    Weights 0.299, 0.587, 0.114 (Recommendation ITU-R BT.601), as Pillow's ``convert("L")``.
    """
    image = np.asarray(image, np.float32)
    if image.ndim == 2:
        return image
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"the image has shape {image.shape}, expected (H, W) or (H, W, 3).")
    return np.clip(image @ np.array([0.299, 0.587, 0.114], np.float32), 0, 1)


class _Refused(Exception):
    """What is wrong with a file that the decoder itself can read."""


def _tiff(path) -> np.ndarray:
    import tifffile

    with tifffile.TiffFile(path) as file:
        if len(file.pages) != 1:
            raise _Refused(_pages(len(file.pages)))
        page = file.pages[0]
        try:
            array, axes = page.asarray(), page.axes
        except ValueError as error:
            # tifffile leaves LZW (LIVECell's) and JPEG to a package that Colab lacks; Pillow has
            # both, but makes 8 bits of deep colour.
            deep_colour = page.samplesperpixel > 1 and page.bitspersample > 8
            if "imagecodecs" not in str(error) or deep_colour:
                raise
            return _pillow(path)
    if axes == "SYX":
        return np.moveaxis(array, 0, 2)
    if axes not in ("YX", "YXS"):
        raise _Refused(
            f"holds an array with axes {axes} and shape {array.shape}, expected one flat image; "
            "save the slice you want as its own file."
        )
    return array


def _pillow(path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as image:
        if getattr(image, "n_frames", 1) != 1:
            raise _Refused(_pages(image.n_frames))
        if image.mode in ("P", "PA"):
            image = image.convert("RGBA")
        elif image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
            image = image.convert("RGB")
        return np.asarray(image)


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
