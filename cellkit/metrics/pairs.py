"""What every metric is given: two images, or two rows of images, checked and paired."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest

import numpy as np


def pairs(
    truth, pred, read_truth: Callable, read_pred: Callable
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield ``(truth, pred)``, one pair of 2-D arrays an image.

    An array (numpy, torch on the CPU, PIL) with two axes is one image, with three axes a stack
    of images, the image number first.  Anything else that can be looped over (list, tuple,
    generator, ...) is a row of images, which may differ in size; it is read one by one, so a
    generator never has more than one image in memory.

    Parameters
    ----------
    truth, pred : array (H, W), array (N, H, W), or iterable of arrays (H, W)
        Both one image or both rows; rows of the same length.
    read_truth, read_pred : callable (array, name) -> array
        Checks and converts one image; ``name`` says which one, for the error message.

    Raises
    ------
    ValueError, TypeError
        One sentence: what was found, what was expected, what to do.
    """
    truths, preds = _row(truth, "truth"), _row(pred, "pred")
    if (truths is None) != (preds is None):
        one, row = ("truth", "pred") if truths is None else ("pred", "truth")
        raise ValueError(
            f"{one} is one image and {row} a row of images, expected two images or two rows; "
            f"wrap {one} in a list if the row has one image."
        )
    if truths is None:
        yield _pair(truth, pred, read_truth, read_pred, "")
        return
    missing = object()
    number = 0
    for number, (one, other) in enumerate(zip_longest(truths, preds, fillvalue=missing), start=1):
        if one is missing or other is missing:
            short, long = ("truth", "pred") if one is missing else ("pred", "truth")
            raise ValueError(
                f"{short} has {number - 1} images and {long} has more, expected rows of the same "
                "length; give each image its partner, in the same order."
            )
        yield _pair(one, other, read_truth, read_pred, f"[{number - 1}]")
    if not number:
        raise ValueError(
            "truth and pred have no images, expected at least one; check the filter or the split "
            "that chose them."
        )


def pair(truth, pred, read_truth: Callable, read_pred: Callable) -> tuple[np.ndarray, np.ndarray]:
    """The one pair that :func:`pairs` yields where a single image is meant."""
    first, *more = pairs(truth, pred, read_truth, read_pred)
    if more:
        raise ValueError(
            f"truth and pred have {1 + len(more)} images, expected one, (H, W); call it for each "
            "image and its partner."
        )
    return first


def is_array(images, name: str) -> bool:
    """Whether this is an array; a TypeError where it is no row of them either."""
    if hasattr(images, "__array__") or hasattr(images, "__array_interface__"):
        return True
    if isinstance(images, Iterable) and not isinstance(images, (str, bytes, dict)):
        return False
    raise TypeError(
        f"{name} is {type(images).__name__}, expected an array (H, W) or a row of them; "
        "read the image first, from a Sample take its .image, .mask or .labels."
    )


def _row(images, name: str) -> Iterable | None:
    """The images as an iterable, or None where there is just one."""
    if is_array(images, name):
        shape = np.shape(images)
        if len(shape) == 2:
            return None
        if len(shape) == 3 and shape[2] <= 4 and shape[2] < min(shape[:2]):
            raise ValueError(
                f"{name} has shape {shape}, which looks like a picture with {shape[2]} channel(s), "
                f"expected (H, W) or a stack (N, H, W); take one channel, {name}[..., 0]."
            )
        if len(shape) == 3:
            return np.asarray(images)
        raise ValueError(
            f"{name} has shape {shape}, expected (H, W) or a stack (N, H, W); "
            "drop the axes of length 1 with .squeeze()."
        )
    return images


def _pair(truth, pred, read_truth, read_pred, index: str) -> tuple[np.ndarray, np.ndarray]:
    truth = read_truth(_image(truth, f"truth{index}"), f"truth{index}")
    pred = read_pred(_image(pred, f"pred{index}"), f"pred{index}")
    if truth.shape != pred.shape:
        raise ValueError(
            f"truth{index} has shape {truth.shape} and pred{index} {pred.shape}, expected the "
            "same; compare at the size of the truth (resize labels by nearest neighbour only)."
        )
    return truth, pred


def _image(image, name: str) -> np.ndarray:
    array = np.asarray(image)
    if array.dtype.kind not in "buif":
        raise TypeError(
            f"{name} is {type(image).__name__} of dtype {array.dtype}, expected an array of "
            "numbers; from a Sample take its .mask or .labels."
        )
    if array.ndim != 2:
        raise ValueError(
            f"{name} has shape {array.shape}, expected (H, W); a list is read as a row of images, "
            "so make a single image an array: np.array(image)."
        )
    if not array.size:
        raise ValueError(
            f"{name} is empty, shape {array.shape}, expected at least 1x1; check the crop it "
            "came from."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(
            f"{name} has NaN or infinite values, expected numbers only; look for a division by "
            "zero before this step."
        )
    return array
