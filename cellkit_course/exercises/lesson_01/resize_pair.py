"""resize_pair: find the bug (lesson 01_data_and_masks)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.transform import resize

from cellkit_course.comparing import Fault, difference, renamed
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_01 import LESSON
from cellkit_course.presenting import present


def resize_pair(image, labels, shape):
    """Image and labels at a new shape (rows, columns): float32 and int32."""
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=0, preserve_range=True, anti_aliasing=False)
    return image.astype(np.float32), labels.astype(np.int32)


def _resize_colleague(image, labels, shape):
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=1, preserve_range=True, anti_aliasing=True).round()
    return image.astype(np.float32), labels.astype(np.int32)


def _resize_interpolated(image, labels, shape):
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=1, preserve_range=True, anti_aliasing=False).round()
    return image.astype(np.float32), labels.astype(np.int32)


def _resize_cut_off(image, labels, shape):
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=1, preserve_range=True, anti_aliasing=True)
    return image.astype(np.float32), labels.astype(np.int32)


def _resize_blurred(image, labels, shape):
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=0, preserve_range=True, anti_aliasing=True)
    return image.astype(np.float32), labels.round().astype(np.int32)


def _resize_range_lost(image, labels, shape):
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=1, anti_aliasing=False)
    return image.astype(np.float32), labels.astype(np.int32)


def _resize_image_aliased(image, labels, shape):
    image = resize(image, shape, order=1, anti_aliasing=False)
    labels = resize(labels, shape, order=0, preserve_range=True, anti_aliasing=False)
    return image.astype(np.float32), labels.astype(np.int32)


def _resize_rounded_down(image, labels, shape):
    labels = resize(labels, shape, order=1, preserve_range=True, anti_aliasing=False)
    return resize_pair(image, labels, shape)[0], np.floor(labels).astype(np.int32)


def _resize_swapped(image, labels, shape):
    return resize_pair(image, labels, shape)[::-1]


def _resize_labels_only(image, labels, shape):
    return resize_pair(image, labels, shape)[1]


def _resize_in_float64(image, labels, shape):
    image, labels = resize_pair(image, labels, shape)
    return image.astype(float), labels


def _resize_labels_float(image, labels, shape):
    image, labels = resize_pair(image, labels, shape)
    return image, labels.astype(float)


def _resize_turned(image, labels, shape):
    return resize_pair(image, labels, shape[::-1])


def _resize_image_nearest(image, labels, shape):
    image = resize(image, shape, order=0, anti_aliasing=False)
    labels = resize(labels, shape, order=0, preserve_range=True, anti_aliasing=False)
    return image.astype(np.float32), labels.astype(np.int32)


def _resize_merged(image, labels, shape):
    image, labels = resize_pair(image, labels > 0, shape)
    return image, labels


def _resize_shifted(image, labels, shape):
    zoom = [new / old for new, old in zip(shape, labels.shape, strict=True)]
    return resize_pair(image, labels, shape)[0], ndimage.zoom(labels, zoom, order=0)


def _resize_orders_swapped(image, labels, shape):
    return _resize_image_nearest(image, labels, shape)[0], _resize_colleague(
        image, labels, shape)[1]


def _resize_every_nth(image, labels, shape):
    down, across = (max(old // new, 1) for old, new in zip(labels.shape, shape, strict=True))
    return resize_pair(image, labels, shape)[0], labels[::down, ::across].astype(np.int32)


def _resize_in_bytes(image, labels, shape):
    return resize_pair(image, labels.astype(np.uint8), shape)


def _resize_grown(image, labels, shape):
    image, new = resize_pair(image, labels, shape)
    for k in np.unique(labels[labels > 0]):
        new[resize((labels == k).astype(float), shape, order=1, anti_aliasing=True) > 0] = k
    return image, new


def _resize_snapped(image, labels, shape):
    image, mixed = _resize_interpolated(image, labels, shape)
    known = np.unique(labels)
    return image, known[np.abs(mixed[..., None] - known).argmin(-1)].astype(np.int32)


def _resize_blurred_as_floats(image, labels, shape):
    image, new = _resize_blurred(image, labels.astype(float), shape)
    return image, new


def _resize_corner(image, labels, shape):
    rows, columns = (np.arange(new) * old // new
                     for new, old in zip(shape, labels.shape, strict=True))
    return resize_pair(image, labels, shape)[0], labels[np.ix_(rows, columns)].astype(np.int32)


def _resize_cell_by_cell(image, labels, shape):
    new = np.zeros(shape, np.int32)
    for k in np.unique(labels[labels > 0]):
        new[resize((labels == k).astype(float), shape, order=1, anti_aliasing=True) > 0.5] = k
    return resize_pair(image, labels, shape)[0], new


def _resize_ghosts_removed(image, labels, shape):
    image, new = _resize_colleague(image, labels, shape)
    return image, np.where(np.isin(new, labels), new, 0)


def _resize_scaled_and_cut(image, labels, shape):
    top = max(int(labels.max()), 1)
    shares = resize((labels / top).astype(np.float32), shape, order=0, anti_aliasing=False)
    return resize_pair(image, labels, shape)[0], (shares.astype(float) * top).astype(np.int32)


def _resize_cases():
    def pair(labels, seed):
        noise = np.random.default_rng(seed).random(labels.shape, dtype=np.float32)
        return 0.7 * noise + 0.3 * (labels > 0).astype(np.float32), labels

    two = np.array([[0, 9], [0, 4]], np.int32)
    blocks = np.kron(np.array([[7, 0, 30], [0, 4, 11]], np.int32), np.ones((5, 7), np.int32))
    many = np.kron(np.arange(1, 31, dtype=np.int32).reshape(5, 6) * 9, np.ones((4, 4), np.int32))
    dots = np.random.default_rng(5).integers(0, 60, (9, 8)).astype(np.int32)
    fine = np.tile(np.arange(18) % 2, (12, 1)).astype(np.float32)  # stripes of one pixel
    return [
        Case("shape", "the same size again", (*pair(two, 0), (2, 2))),
        Case("nearest", "a 2×2 picture made 4×6", (*pair(two, 1), (4, 6))),
        Case("nearest", "many tiny cells, made taller and narrower", (*pair(dots, 5), (20, 5))),
        Case("nearest", "five cells, made larger", (*pair(blocks, 2), (23, 32))),
        Case("nearest", "five cells, made smaller", (*pair(blocks, 3), (6, 9))),
        Case("image", "fine stripes, made smaller",
             (fine, np.kron([[5, 0, 8]], np.ones((12, 6))).astype(np.int32), (5, 7))),
        Case("together", "thirty cells side by side, made smaller", (*pair(many, 4), (13, 11))),
    ]


def _judge_resize(case, outcome, again):
    image, labels, shape = case.args
    if not (isinstance(outcome.value, (tuple, list)) and len(outcome.value) == 2):
        return Fault(present(outcome.value), "two arrays: the image and the labels",
                     "return image, labels")
    new_image, new_labels = outcome.value
    wanted = resize_pair(*case.args)[0]
    wrong = difference(new_image, wanted, np.inf, dtype="float32") or difference(
        new_image[_between(image, shape)], wanted[_between(image, shape)], _room(image))
    if wrong:
        return Fault("image: " + wrong.came, "image: " + wrong.wanted, wrong.hint)
    if new_image.min() < -1e-6 or new_image.max() > 1 + 1e-6:
        return Fault(f"image: values {new_image.min():.3f} to {new_image.max():.3f}",
                     "values from 0 to 1, as before",
                     "a cubic interpolation overshoots at edges; clip, or take a linear one")
    wrong = difference(np.zeros(np.shape(new_labels), getattr(new_labels, "dtype", object)),
                       np.zeros(shape, np.int32))
    if wrong:
        return Fault("labels: " + wrong.came, "labels: " + wrong.wanted, wrong.hint)
    if hint := renamed(new_labels, resize_pair(*case.args)[1]):
        return Fault("labels: " + present(new_labels), "labels with the numbers that they had",
                     hint)
    ghosts = sorted(set(np.unique(new_labels).tolist()) - set(np.unique(labels).tolist()))
    if ghosts:
        return Fault("labels with cell numbers that were not there before: "
                     + ", ".join(map(str, ghosts[:6])) + (" …" if len(ghosts) > 6 else ""),
                     "only numbers that were in labels")
    near = _labels_nearby(labels, shape)
    off = ~(near == new_labels).any(0)
    if off.any():
        at = tuple(int(i) for i in np.argwhere(off)[0])
        return Fault(f"{off.sum()} of {off.size} labels that are not the nearest one; the first "
                     f"at {at}: {new_labels[at]}", f"at {at}: {near[0][at]}")
    return None


def _between(image, shape):
    """The new pixels between old centres; libraries differ in what they take to lie beyond."""
    centres = [(np.arange(new) + 0.5) * old / new - 0.5
               for new, old in zip(shape, image.shape, strict=True)]
    return np.ix_(*((c >= 0) & (c <= old - 1) for c, old in zip(centres, image.shape, strict=True)))


def _room(image):
    """How far grey values may lie apart: libraries interpolate and smooth a little differently.

    A sixth of the largest step between neighbours, and as much of the value: less than the nearest
    pixel is off, or than stripes that were not smoothed before they shrink.
    """
    return 0.17 * max(np.abs(np.diff(image, axis=k)).max(initial=0) for k in (0, 1))


def _labels_nearby(labels, shape):
    """The nearest old labels of each new pixel: two a direction where its centre lies half-way."""
    sides = []
    for new, old in zip(shape, labels.shape, strict=True):
        centre = (np.arange(new) + 0.5) * old / new - 0.5
        sides.append([np.clip(np.floor(centre + 0.5 + tiny).astype(int), 0, old - 1)
                      for tiny in (-1e-6, 1e-6)])
    return np.stack([labels[np.ix_(rows, columns)] for rows in sides[0] for columns in sides[1]])


_INTERPOLATED = ("the labels are interpolated: half way between cell 4 and cell 10 there is no "
                 "cell 7; take the nearest label")

EXERCISE = Exercise(
    "resize_pair", LESSON, "bug", points=3, minutes=10,
    answer=resize_pair, cases=_resize_cases, judge=_judge_resize,
    asks={
        "nearest": "each label is that of the nearest old pixel, so no cell number is invented",
        "image": "the image is still interpolated, and smoothed before it shrinks (anti-aliasing)",
        "together": "image and labels agree on where a pixel's centre lies",
        "shape": "both have the new shape (rows, columns)",
        "types": "what comes back is the image in float32 and the labels in int32",
    },
    ladder=(
        "grey values may be mixed: between dark and bright lies grey. What lies between cell 3 "
        "and cell 9?",
        "two settings of the second resize mix labels. One is the order of the interpolation, the "
        "other smooths before it shrinks. What are their values if nothing may be mixed?",
    ),
    blanks=("order=0", "anti_aliasing=False"),
    mistakes=(
        Mistake("nearest", _resize_colleague, _INTERPOLATED),
        Mistake("nearest", _resize_interpolated, _INTERPOLATED),
        Mistake("nearest", _resize_cut_off, _INTERPOLATED),
        Mistake("nearest", _resize_blurred,
                "anti-aliasing blurs before it shrinks, and a blurred label is no label"),
        Mistake("nearest", _resize_range_lost,
                "resize squeezed the labels into the range 0 to 1; ask it to keep their range"),
        Mistake("image", _resize_image_aliased,
                "the image is no longer anti-aliased, so fine stripes become false ones; only the "
                "labels need mending"),
        Mistake("nearest", _resize_rounded_down, _INTERPOLATED),
        Mistake("types", _resize_swapped, "the image comes first, then its labels"),
        Mistake("types", _resize_labels_only, "two things come back: the image, then the labels"),
        Mistake("types", _resize_in_float64,
                "the image is float64 now; it must be float32, as before"),
        Mistake("types", _resize_labels_float, "labels are whole numbers, int32 as before"),
        Mistake("shape", _resize_turned,
                "rows and columns are swapped: shape is (rows, columns) already"),
        Mistake("image", _resize_image_nearest,
                "now the image is taken from the nearest pixel too; it was right before: only the "
                "labels need mending"),
        Mistake("image", _resize_orders_swapped,
                "the wrong line was mended: now the image is taken from the nearest pixel, and the "
                "labels are still interpolated"),
        Mistake("shape", _resize_every_nth,
                "every n-th label with a whole n: that makes another shape, or another place, "
                "wherever n is not whole"),
        Mistake("together", _resize_in_bytes,
                "8 bits hold no number above 255, so cells with larger ones become others"),
        Mistake("nearest", _resize_grown,
                "a cell takes each pixel that it touches at all, and so grows over its "
                "neighbours; take the label of the nearest old pixel"),
        Mistake("nearest", _resize_snapped,
                "mixed numbers are brought to the nearest that exists: between cells 4 and 30 "
                "lies a rim of cell 11; do not mix labels at all"),
        Mistake("nearest", _resize_merged,
                "all cells became one: resize the label map, not the mask"),
        Mistake("together", _resize_shifted,
                "the labels are shifted against the image: both must agree on where a pixel's "
                "centre lies"),
        Mistake("nearest", _resize_blurred_as_floats,
                "anti-aliasing blurs before it shrinks, and a blurred label is no label"),
        Mistake("nearest", _resize_corner,
                "each new pixel takes the upper left of the old ones that it covers; take the one "
                "whose centre is nearest"),
        Mistake("nearest", _resize_cell_by_cell,
                "each cell is interpolated for itself and cut at one half: where cells meet, "
                "pixels belong to none; take the nearest label"),
        Mistake("nearest", _resize_ghosts_removed,
                "numbers that arose by mixing became background, and the cells lose these pixels; "
                "do not mix labels at all"),
        Mistake("nearest", _resize_scaled_and_cut,
                "the numbers were divided and multiplied again, and one that comes out a little "
                "below 7 is cut to 6: leave them whole"),
    ),
)  # fmt: skip
