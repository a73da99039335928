"""rotate_pair: find the bug (lesson 03_augmentation)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellkit_course.comparing import Fault, renamed
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_03 import LESSON
from cellkit_course.presenting import present


def rotate_pair(image, labels, degrees):
    """Image and labels turned; only the image is interpolated."""
    image = ndimage.rotate(image, degrees, reshape=False, order=1, mode="mirror")
    labels = ndimage.rotate(labels, degrees, reshape=False, order=0, mode="mirror")
    return image, labels


def _rotate(image, labels, degrees, orders=(1, 0), **how):
    how = {"reshape": False, "mode": "mirror", **how}
    return tuple(ndimage.rotate(a, degrees, order=k, **how) for k, a in
                 zip(orders, (image, labels), strict=True))


def _rotate_colleague(image, labels, degrees):
    return _rotate(image, labels, degrees, (1, 1))


def _rotate_cubic(image, labels, degrees):
    return _rotate(image, labels, degrees, (3, 3))


def _rotate_rounded(image, labels, degrees):
    image, labels = _rotate(image, labels.astype(np.float32), degrees, (1, 1))
    return image, np.rint(labels).astype(np.int32)


def _rotate_nearest_both(image, labels, degrees):
    return _rotate(image, labels, degrees, (0, 0))


def _rotate_swapped_orders(image, labels, degrees):
    return _rotate(image, labels, degrees, (0, 1))


def _rotate_image_only(image, labels, degrees):
    return _rotate(image, labels, degrees)[0], labels


def _rotate_other_way(image, labels, degrees):
    return rotate_pair(image, labels, -degrees)


def _rotate_labels_other_way(image, labels, degrees):
    return rotate_pair(image, labels, degrees)[0], rotate_pair(image, labels, -degrees)[1]


def _rotate_mask(image, labels, degrees):
    image, labels = rotate_pair(image, labels, degrees)
    return image, (labels > 0).astype(np.int32)


def _rotate_snapped(image, labels, degrees):
    image, mixed = _rotate(image, labels, degrees, (1, 1))
    return image, np.where(np.isin(mixed, labels), mixed, 0)


def _rotate_in_radians(image, labels, degrees):
    return rotate_pair(image, labels, np.deg2rad(degrees))


def _rotate_labels_in_floats(image, labels, degrees):
    return _rotate(image, labels.astype(float), degrees)


def _rotate_alone(image, labels, degrees):
    return rotate_pair(image, labels, degrees)[0]


def _rotate_transposed(image, labels, degrees):
    image, labels = rotate_pair(image, labels, degrees)
    return image.T, labels.T


def _rotate_grown(image, labels, degrees):
    return _rotate(image, labels, degrees, reshape=True)


def _rotate_corner(image, labels, degrees):
    grown = _rotate_grown(image, labels, degrees)
    return tuple(part[: labels.shape[0], : labels.shape[1]] for part in grown)


def _rotate_by_quarters(image, labels, degrees):
    return tuple(np.rot90(part, round(degrees / 90)) for part in (image, labels))


def _rotate_labels_about_the_corner(image, labels, degrees):
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return rotate_pair(image, labels, degrees)[0], ndimage.affine_transform(
        labels, np.array([[c, s], [-s, c]]), order=0, mode="mirror")


def _rotate_in_bytes(image, labels, degrees):
    image, small = rotate_pair(image, labels.astype(np.uint8), degrees)
    return image, small.astype(labels.dtype)


def _rotate_nearest_both_and_black(image, labels, degrees):
    return _rotate(image, labels, degrees, (0, 0), mode="constant")


def _rotate_image_only_and_black(image, labels, degrees):
    return _rotate(image, labels, degrees, mode="constant")[0], labels


def _rotate_colleague_and_black(image, labels, degrees):
    return _rotate(image, labels, degrees, (1, 1), mode="constant")


def _rotate_other_way_and_black(image, labels, degrees):
    return _rotate(image, labels, -degrees, mode="constant")


def _rotate_cases():
    def smooth(seed, shape):
        grey = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1.5)
        return ((grey - grey.min()) / np.ptp(grey)).astype(np.float32)

    squares = np.zeros((24, 30), np.int32)
    squares[4:14, 4:16], squares[4:14, 16:24] = 2, 9
    places = np.random.default_rng(6).choice(41 * 34, 14, replace=False)
    seeds = np.zeros((41, 34), np.int32)
    seeds.flat[places] = 31 * np.arange(1, 15)
    away, (rows, columns) = ndimage.distance_transform_edt(seeds == 0, return_indices=True)
    many = np.where(away < 6, seeds[rows, columns], 0).astype(np.int32)
    return [
        Case("together", "two cells that touch, turned by 90 degrees",
             (smooth(1, (24, 24)), squares[:24, :24].copy(), 90)),
        Case("cells", "two cells that touch, numbers 2 and 9, turned by 30 degrees",
             (smooth(2, (24, 30)), squares, 30)),
        Case("cells", "many cells, turned by -17 degrees", (smooth(3, (41, 34)), many, -17)),
    ]


_MIXED = ("labels were interpolated: between cell 2 and cell 9 lies no cell 5, and rounding helps "
          "nothing; take the nearest pixel's number, order=0")
_ROUGH = "the image was not interpolated: grey values may be mixed, and look better so (order=1)"
_TURNS = "image and labels must be turned by the same angle, and that is degrees"
_LEFT = "the labels were not turned"
_GROWN = "the picture has grown: with reshape=False it keeps its shape"
_PAIR = "two things must come back: the image, then the labels"


def _judge_rotation(case, outcome, again):
    """Properties, not pixels: how the picture goes on beyond its edges is anybody's choice."""
    value, (image, labels, degrees) = outcome.value, case.args
    if not isinstance(value, tuple | list) or len(value) != 2:
        return Fault(present(value), "a pair: image, labels", _PAIR)
    wanted = rotate_pair(image, labels, degrees)
    within = ndimage.rotate(np.ones(labels.shape), degrees, reshape=False, order=1) > 0.999
    within = ndimage.binary_erosion(within, iterations=2)  # what came from inside the picture
    new_image, new_labels = (np.asarray(part) for part in value)
    for name, new, right in (("image", new_image, wanted[0]), ("labels", new_labels, wanted[1])):
        if new.shape != right.shape or new.dtype.kind not in ("f" if name == "image" else "iu"):
            came = f"{name}: {present(new)}"
            return Fault(came, f"{name}: {present(right)}", _GROWN if new.ndim == 2 and min(
                np.subtract(new.shape, right.shape)) > 0 else "")
    if hint := renamed(new_labels[within], wanted[1][within]):
        return Fault("labels: " + present(new_labels), "labels with the numbers that they had",
                     hint)
    ghosts = sorted(set(np.unique(new_labels).tolist()) - set(np.unique(labels).tolist()) - {0})
    if ghosts:
        mixed = any(_like(new_labels, labels, degrees, within, order) for order in (1, 3))
        return Fault(f"labels: cells {', '.join(map(str, ghosts[:6]))}, which were not there",
                     "only cells that were there", _MIXED if mixed else "")
    around = np.stack([np.roll(wanted[1], (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    strange = within & ~(around == new_labels).any(0)
    same = (new_labels == wanted[1])[within].mean()
    if strange.sum() > 0.03 * within.sum() or same < 0.85:
        return Fault(f"labels: {1 - same:.0%} of those that came from within the picture differ",
                     f"labels turned by {degrees} degrees, as the image is",
                     _LEFT if np.array_equal(new_labels, labels) else
                     _TURNS if _like(new_labels, labels, -degrees, within) else "")
    room = 0.25 * max(np.abs(np.diff(image, axis=k)).max() for k in (0, 1))
    off = np.abs(new_image - wanted[0])[within]
    if not np.isfinite(new_image).all() or off.max() > room:
        return Fault(f"image: grey values up to {off.max():.3f} away from the interpolated ones",
                     f"at most {room:.3f}: turned by {degrees} degrees, and interpolated",
                     _ROUGH if _like(new_image, image, degrees, within) else
                     f"the task says: {EXERCISE.asks['image']}")
    return None


def _like(new, old, degrees, within, order=0):
    """Whether ``new`` is ``old``, turned so, wherever it came from within the picture."""
    turned = ndimage.rotate(old.astype(float), degrees, reshape=False, order=order, mode="mirror")
    return (np.abs(turned - new)[within] < 1 - 0.999 * (order == 0)).mean() > 0.9


EXERCISE = Exercise(
    "rotate_pair", LESSON, "bug", points=2, minutes=8,
    answer=rotate_pair, cases=_rotate_cases, judge=_judge_rotation,
    asks={
        "cells": "no new cell appears: each label is one that was there",
        "image": "the image is interpolated",
        "together": "image and labels are turned by the same angle, degrees, and keep their shape",
        "whole": "the labels stay whole numbers",
    },
    ladder=(
        "grey values may be mixed, numbers of cells may not",
        "ndimage.rotate takes an order: 0 takes the nearest pixel, 1 mixes. Which of the two for "
        "the image, which for the labels?",
    ),
    blanks=("order=1", "order=0"),
    mistakes=(
        Mistake("cells", _rotate_colleague, _MIXED),
        Mistake("cells", _rotate_cubic, _MIXED),
        Mistake("cells", _rotate_rounded, _MIXED),
        Mistake("image", _rotate_nearest_both, _ROUGH),
        Mistake("image", _rotate_nearest_both_and_black, _ROUGH),
        Mistake("cells", _rotate_colleague_and_black, _MIXED),
        Mistake("together", _rotate_image_only_and_black, _LEFT),
        Mistake("together", _rotate_other_way_and_black, _TURNS),
        Mistake("cells", _rotate_swapped_orders, "the orders are the wrong way round: the image is "
                                        "interpolated (1), the labels are not (0)"),
        Mistake("together", _rotate_image_only, _LEFT),
        Mistake("together", _rotate_other_way, _TURNS),
        Mistake("together", _rotate_labels_other_way, _TURNS),
        Mistake("cells", _rotate_mask,
                "the cells have lost their numbers: labels are wanted, not a mask"),
        Mistake("cells", _rotate_snapped,
                "numbers of cells that exist arise by chance: between background and cell 9 lies a "
                "rim of 2; do not mix labels at all, order=0"),
        Mistake("together", _rotate_in_radians, _TURNS),
        Mistake("whole", _rotate_labels_in_floats, "labels are whole numbers, as they came"),
        Mistake("together", _rotate_alone, _PAIR),
        Mistake("together", _rotate_transposed, "rows and columns are exchanged"),
        Mistake("together", _rotate_grown, _GROWN),
        Mistake("together", _rotate_corner,
                "a corner was cut out of the larger picture, so the middle has moved; "
                "reshape=False turns about the middle and keeps the shape"),
        Mistake("together", _rotate_by_quarters,
                "np.rot90 knows quarter turns only; degrees may be any number"),
        Mistake("together", _rotate_labels_about_the_corner,
                "the labels were turned about the upper left corner, the image about its middle"),
        Mistake("cells", _rotate_in_bytes,
                "8 bits hold no number above 255, so cells with larger ones become others"),
    ),
)  # fmt: skip
