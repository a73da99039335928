"""What every metric is given: two images, or two rows of images, checked and paired."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest

import numpy as np

from cellkit import checks


def pairs(truth, pred, read_truth: Callable, read_pred: Callable, stacks: bool = True
          ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield ``(truth, pred)``, one pair of arrays an image.

    An array (numpy, torch on the CPU, PIL) is one image; with three axes a stack of images, the
    image number first.  Anything else that can be looped over (list, tuple, generator, ...) is a
    row of images, which may differ in size; it is read one by one, so a generator never has more
    than one image in memory.

    Parameters
    ----------
    truth, pred : array (H, W), array (N, H, W), or iterable of arrays (H, W)
        Both one image or both rows; rows of the same length.
    read_truth, read_pred : callable (name, image) -> array
        Checks and converts one image; ``name`` says which one, for the error message.
    stacks : bool
        False: an array of three axes is one image as well.

    Raises
    ------
    ValueError, TypeError
        One sentence: what was found, what was expected, what to do.
    """
    alone = [is_one_image(truth, stacks), is_one_image(pred, stacks)]
    if alone[0] != alone[1]:
        one, row = ("truth", "pred") if alone[0] else ("pred", "truth")
        raise ValueError(
            f"{one} is one image and {row} a row of images, expected two images or two rows; "
            f"wrap {one} in a list if the row has one image."
        )
    if alone[0]:
        yield _pair(truth, pred, read_truth, read_pred, "")
        return
    missing = object()
    number = 0
    for number, (one, other) in enumerate(zip_longest(truth, pred, fillvalue=missing), start=1):
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


def is_one_image(images, stacks: bool = True) -> bool:
    """Whether this is to be read as one image; what is no image at all its reader refuses."""
    if hasattr(images, "__array__") or hasattr(images, "__array_interface__"):
        shape = np.shape(images)
        channels = len(shape) == 3 and shape[2] <= 4 and shape[2] < min(shape[:2])
        return not stacks or len(shape) != 3 or channels
    return not isinstance(images, Iterable) or isinstance(images, (str, bytes, dict))


def _pair(truth, pred, read_truth, read_pred, index: str) -> tuple[np.ndarray, np.ndarray]:
    truth, pred = read_truth(f"truth{index}", truth), read_pred(f"pred{index}", pred)
    checks.same_shape(f"truth{index}", truth.shape, f"pred{index}", pred.shape,
                      "compare at the size of the truth: enlarge images with cellkit.enlarge, "
                      "labels by nearest neighbour only")
    return truth, pred
