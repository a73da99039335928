"""Checks of arguments, called at the front door: inside, arrays are what they should be."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from numbers import Integral, Real

import numpy as np

#: How far below 0 or above 1 rounding may carry what is said to lie in [0, 1] (16 bits round so).
TOLERANCE = 1e-3


def whole_number(name: str, value, least: int = 1) -> None:
    """Refuse a setting that is no whole number of at least ``least``."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is {value!r}, expected a whole number of at least {least}.")


def one_of(name: str, value, allowed: Iterable, also: str = "") -> None:
    """Refuse a setting that is none of those allowed; ``also`` says in words what else would do."""
    if value not in (allowed := tuple(allowed)):
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(map(str, allowed))}"
                         f"{also and ', or '}{also}.")


def number(name: str, value, wanted: str, fits: Callable[[float], bool]) -> None:
    """Refuse a setting that is no finite number, or does not fit; ``wanted`` says in words."""
    if not (isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
            and fits(value)):
        raise ValueError(f"{name} is {value!r}, expected {wanted}.")


def function(name: str, value, of: str = "") -> None:
    """Refuse a setting that is neither callable nor None."""
    if value is not None and not callable(value):
        raise ValueError(f"{name} is {value!r}, expected a function{of}, or None.")


def shape(name: str, value, least: int = 1) -> tuple[int, int]:
    """Height and width, whole numbers."""
    try:
        height, width = map(operator.index, value)
    except (TypeError, ValueError):
        height = width = least - 1
    if min(height, width) < least:
        raise ValueError(f"{name} is {value!r}, expected (height, width), whole numbers of at "
                         f"least {least}.")
    return height, width


def generator(rng) -> None:
    """What draws must be a numpy Generator: a seed would draw the same each time."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng is {rng!r:.40}, expected a numpy Generator; give np.random.default_rng(0), once "
            "made and used on."
        )


def unit_range(name: str, low, high, advice: str) -> None:
    """Refuse values that are not in [0, 1], give or take :data:`TOLERANCE`, and NaN."""
    if not (low >= -TOLERANCE and high <= 1 + TOLERANCE):  # written so that NaN fails
        raise ValueError(f"{name} has values from {low:g} to {high:g}, expected [0, 1] without "
                         f"NaN; {advice}.")


def same_shape(name: str, shape, other: str, expected, advice: str) -> None:
    """Refuse two arrays that do not lie on each other."""
    if shape != expected:
        raise ValueError(f"{name} has shape {shape} and {other} {expected}, expected the same; "
                         f"{advice}.")


def array(name: str, value, dtype, advice: str) -> None:
    """Refuse what is no array of just this type."""
    known = isinstance(value, np.ndarray)
    if not known or value.dtype != dtype:
        raise TypeError(
            f"{name} is {value.dtype if known else type(value).__name__}, expected an array of "
            f"{np.dtype(dtype)}; "
            f"{advice if known else 'convert it with np.asarray, or a tensor with .numpy()'}.")


def image(name: str, value, most: float = 4) -> np.ndarray:
    """An image: float, (H, W) or (H, W, up to ``most`` channels), in [0, 1]."""
    # A row of images is none, and not read to find that out.
    some = hasattr(value, "__array__") or hasattr(value, "__array_interface__")
    array = np.asarray(value if some else None)
    if array.dtype.kind != "f" or not array.ndim:
        numbers = array.dtype.kind in "bui" and array.ndim
        raise TypeError(
            f"{name} is {array.dtype if numbers else type(value).__name__}, expected a float image "
            "in [0, 1]; " + ("scale it with cellkit.datasets.scale_image(image) first." if numbers
                             else "open a file with cellkit.datasets.read_image, and from a Sample "
                                  "take its .image."))
    first = array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] > 4
    if not array.size or array.ndim not in (2, 3) or first or array.shape[2:] > (most,):
        raise ValueError(
            f"{name} has shape {array.shape}, expected (H, W) or (H, W, 3), not empty; "
            + ("channels come last here: give np.moveaxis(image, 0, 2)." if first else
               "take images one by one."))
    unit_range(name, float(array.min()), float(array.max()), "undo the normalisation, or scale it "
               "with cellkit.datasets.scale_image(image), first")
    return array


def plane(name: str, value) -> np.ndarray:
    """Finite numbers (H, W) of any kind: what a mask, a map or labels may be."""
    array = np.asarray(value)
    if array.dtype.kind not in "buif" or not array.ndim:
        raise TypeError(f"{name} is {type(value).__name__}, expected an array of numbers (H, W); "
                        "read the image first, and from a Sample take its .mask or .labels.")
    if array.ndim != 2 or not array.size:
        advice = ("it is empty, check the crop it came from" if not array.size else
                  "take one channel, [..., 0]" if array.ndim == 3 and array.shape[2] <= 4 else
                  "drop axes of length 1 with .squeeze()" if 1 in array.shape else
                  "give one image at a time, as an array: np.array(image)")
        raise ValueError(f"{name} has shape {array.shape}, expected (H, W), at least 1x1; "
                         f"{advice}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} has NaN or infinite values, expected numbers only; look for a "
                         "division by zero before this step.")
    return array


def mask(name: str, value) -> np.ndarray:
    """Foreground as bool (H, W), of bool, or whole numbers above 0, or floats 0 and 1."""
    array = plane(name, value)
    share = array.dtype.kind == "f"
    if not np.isin(array, (0, 1)).all() if share else array.min() < 0:
        raise ValueError(
            f"{name} has values from {array.min():g} to {array.max():g} where a mask is meant, "
            + (f"0 and 1 only; threshold it first, e.g. {name} > 0.5." if share else "nothing "
               "negative; set what should be ignored to 0.")
        )
    return array if array.dtype == bool else array > 0


def probability(name: str, value) -> np.ndarray:
    """A map in [0, 1] as float (H, W), or a mask as bool."""
    array = plane(name, value)
    whole = array.dtype.kind in "bui"
    unit_range(name, array.min(), array.max(), "give labels > 0 for a mask" if whole else
               "put logits through a sigmoid first")
    return array > 0 if whole else array


def direction(name: str, value) -> np.ndarray:
    """A map in [-1, 1] as float32 (H, W)."""
    array = plane(name, value)
    if abs(array).max() > 1 + TOLERANCE:
        raise ValueError(f"{name} has values from {array.min():g} to {array.max():g}, expected "
                         "[-1, 1]; give what ck.predict(net, image, all=True) says.")
    return array.astype(np.float32)


def labels(name: str, value) -> np.ndarray:
    """Whole numbers (H, W): 0 for background, k for the k-th object."""
    array = plane(name, value)
    if array.dtype.kind not in "ui":
        raise TypeError(
            f"{name} is " + (
                "a mask (bool), expected labels: 0 for background, k for the k-th object; number "
                "its objects first, e.g. cellkit.instances(mask, method='components')."
                if array.dtype == bool else
                f"{array.dtype}, expected labels in whole numbers; turn a probability map into "
                "objects with cellkit.instances(prob), or whole numbers stored as float with "
                ".astype('int32').")
        )
    if array.min() < 0:
        raise ValueError(f"{name} has labels from {array.min()} to {array.max()}, expected 0 for "
                         "background and above for objects; set what should be ignored to 0.")
    return array
