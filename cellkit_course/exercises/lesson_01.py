"""The exercises of lesson 01_data_and_masks."""

from __future__ import annotations

import random

import numpy as np
from scipy import ndimage
from skimage.exposure import rescale_intensity
from skimage.transform import resize

from cellkit_course.exercise import Case, Exercise, Fault, Mistake, difference, present

LESSON = "01_data_and_masks"

# --- paint_cells -------------------------------------------------------------------------------


def paint_cells(cells, shape):
    """Label map (int32) of a list of bool masks; smaller cells stay on top."""
    labels = np.zeros(shape, np.int32)
    for k in sorted(range(len(cells)), key=lambda k: -cells[k].sum()):
        labels[cells[k]] = k + 1
    return labels


def paint_smallest_of_each_pixel(cells, shape):
    labels = np.zeros(shape, np.int32)
    smallest = np.full(shape, np.inf)
    for number, cell in enumerate(cells, start=1):
        wins = cell & (cell.sum() < smallest)
        labels[wins] = number
        smallest[wins] = cell.sum()
    return labels


def paint_by_argsort(cells, shape):
    labels = np.zeros(shape, dtype="int32")
    areas = np.array([np.count_nonzero(cell) for cell in cells])
    for k in np.argsort(areas)[::-1]:
        labels = np.where(cells[k], np.int32(k + 1), labels)
    return labels


def _paint_in_list_order(cells, shape):
    labels = np.zeros(shape, np.int32)
    for k, cell in enumerate(cells):
        labels[cell] = k + 1
    return labels


def _paint_smallest_first(cells, shape):
    labels = np.zeros(shape, np.int32)
    for k in sorted(range(len(cells)), key=lambda k: cells[k].sum()):
        labels[cells[k]] = k + 1
    return labels


def _paint_numbered_by_size(cells, shape):
    labels = np.zeros(shape, np.int32)
    for k, cell in enumerate(sorted(cells, key=lambda cell: -cell.sum())):
        labels[cell] = k + 1
    return labels


def _paint_from_zero(cells, shape):
    labels = np.zeros(shape, np.int32)
    for k in sorted(range(len(cells)), key=lambda k: -cells[k].sum()):
        labels[cells[k]] = k
    return labels


def _paint_adding(cells, shape):
    labels = np.zeros(shape, np.int32)
    for k in sorted(range(len(cells)), key=lambda k: -cells[k].sum()):
        labels += (k + 1) * cells[k].astype(np.int32)
    return labels


def _paint_in_bytes(cells, shape):
    return paint_cells(cells, shape).astype(np.uint8).astype(np.int32)


def _paint_one_mask(cells, shape):
    labels = np.zeros(shape, np.int32)
    for cell in cells:
        labels[cell] = 1
    return labels


def _box(shape, top, left, height, width):
    mask = np.zeros(shape, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def _paint_cases():
    small, large = (3, 4), (8, 11)
    inner, middle, outer = (_box(large, k, k, 6 - 2 * k + 2, 9 - 2 * k + 2) for k in (3, 1, 0))
    dots = np.eye(18 * 17, dtype=bool).reshape(-1, 18, 17)
    return [
        Case("no cell at all", ([], (2, 3))),
        Case("one cell", ([_box((2, 3), 0, 1, 2, 1)], (2, 3))),
        Case("two cells that do not overlap",
             ([_box(small, 0, 0, 2, 1), _box(small, 1, 2, 2, 2)], small)),
        Case("a small cell over a large one, the small one listed last",
             ([_box(small, 0, 0, 3, 3), _box(small, 1, 1, 1, 2)], small)),
        Case("a small cell over a large one, the small one listed first",
             ([_box(small, 1, 1, 1, 2), _box(small, 0, 0, 3, 3)], small)),
        Case("three cells inside each other, in no order", ([middle, inner, outer], large)),
        Case("306 cells of one pixel each", (list(dots), (18, 17))),
    ]


PAINT_CELLS = Exercise(
    "paint_cells", LESSON, "write", points=2, minutes=10,
    answer=paint_cells, cases=_paint_cases,
    others=(paint_smallest_of_each_pixel, paint_by_argsort),
    mistakes=(
        Mistake(_paint_in_list_order,
                "cells are painted in the order of the list, so a later one covers an earlier one "
                "whatever its size; paint the large ones first"),
        Mistake(_paint_smallest_first,
                "the order is the wrong way round: what is painted last is on top, so the smallest "
                "must come last"),
        Mistake(_paint_numbered_by_size,
                "sorting changed the numbers: a cell keeps its number from the list, whenever it "
                "is painted"),
        Mistake(_paint_from_zero,
                "numbering starts at 0, which is the background, so the first cell is lost"),
        Mistake(_paint_adding,
                "overlapping cells are added up, which makes numbers of cells that do not exist; "
                "set the value, do not add it"),
        Mistake(_paint_in_bytes,
                "with more than 255 cells the numbers start anew: 8 bits are too few for a label "
                "map"),
        Mistake(_paint_one_mask,
                "every cell got the same number: that is a mask, a label map counts the cells"),
    ),
)  # fmt: skip

# --- accuracy_of_nothing -----------------------------------------------------------------------


def accuracy_of_nothing():
    """A guess of the accuracy that "everything is background" gets."""
    return 0.9


def _guess_five_sixths():
    return 5 / 6


def _guess_in_numpy():
    return np.float32(0.75)


def _guess_in_percent():
    return 90


def _guess_as_text():
    return "0.9"


def _guess_two_numbers():
    return 0.85, 0.95


def _guess_below_zero():
    return -0.1


def _judge_guess(case, outcome, again):
    hints = {
        _guess_as_text: "the guess is a text: leave out the quotes",
        _guess_two_numbers: "make up your mind: one number, not a range",
    }
    wanted, value = "a number between 0 and 1", outcome.value
    if isinstance(value, str):
        return Fault(present(value), wanted, hints[_guess_as_text])
    if isinstance(value, (tuple, list)):
        return Fault(present(value), wanted, hints[_guess_two_numbers])
    number = difference(value, 0.5, tolerance=0.5)
    if isinstance(value, (bool, np.bool_)) or number is not None:
        return Fault(present(value), wanted)
    return None


def _compare_guess(outcome, mask=None):
    guess = f"You predicted {float(outcome.value):.2f}"
    if mask is None:
        return f"{guess}."
    measured = float(1 - np.mean(mask))
    apart = float(outcome.value) - measured
    text = f"{guess}; measured: {measured:.2f}. "
    if abs(apart) <= 0.1:
        return text + "That is close."
    if abs(float(outcome.value) - (1 - measured)) <= 0.1:
        return text + "Your number is near the share of cell pixels; those are the wrong ones."
    return text + f"Your guess is {abs(apart):.2f} too {'high' if apart > 0 else 'low'}."


ACCURACY_OF_NOTHING = Exercise(
    "accuracy_of_nothing", LESSON, "predict", points=1, minutes=3,
    answer=accuracy_of_nothing,
    cases=lambda *shown: [Case("your guess")],
    judge=_judge_guess, remark=_compare_guess,
    others=(_guess_five_sixths, _guess_in_numpy),
    mistakes=(
        Mistake(_guess_in_percent, "accuracy is a share between 0 and 1, not a percentage"),
        Mistake(_guess_as_text, "the guess is a text: leave out the quotes"),
        Mistake(_guess_two_numbers, "make up your mind: one number, not a range"),
        Mistake(_guess_below_zero, "a share of pixels cannot be less than none"),
    ),
)  # fmt: skip

# --- rescale -----------------------------------------------------------------------------------


def rescale(image, low=1, high=99.8):
    """Image scaled to float32 [0, 1] between two percentiles."""
    image = np.asarray(image, dtype=np.float32)
    bottom, top = np.percentile(image, (low, high))
    if top == bottom:
        return np.zeros(image.shape, np.float32)
    return ((image - bottom) / (top - bottom)).clip(0, 1).astype(np.float32)


def rescale_with_interp(image, low=1, high=99.8):
    bottom, top = np.quantile(image, [low / 100, high / 100])
    if bottom == top:
        return np.zeros_like(image, dtype=np.float32)
    return np.interp(image, (bottom, top), (0, 1)).astype("float32")


def rescale_with_skimage(image, low=1, high=99.8):
    bottom, top = np.percentile(image, low), np.percentile(image, high)
    if not bottom < top:
        return np.zeros(image.shape, "float32")
    scaled = rescale_intensity(image.astype(float), (bottom, top), (0, 1))
    return scaled.astype("float32")


def _rescale_min_max(image, low=1, high=99.8):
    image = image.astype(np.float32)
    return (image - image.min()) / max(image.max() - image.min(), 1e-9)


def _rescale_unclipped(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    scale = top - bottom or 1
    return ((image - bottom) / scale).astype(np.float32)


def _rescale_without_guard(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    return ((image - bottom) / (top - bottom)).clip(0, 1).astype(np.float32)


def _rescale_by_top_only(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    if top == bottom:
        return np.zeros(image.shape, np.float32)
    return ((image - bottom) / top).clip(0, 1).astype(np.float32)


def _rescale_fixed_percentiles(image, low=1, high=99.8):
    return rescale(image)


def _rescale_fractions_as_percent(image, low=1, high=99.8):
    return rescale(image, low / 100, high / 100)


def _rescale_by_type(image, low=1, high=99.8):
    largest = np.iinfo(image.dtype).max if image.dtype.kind in "ui" else 1
    return (image / largest).astype(np.float32)


def _rescale_wrapping(image, low=1, high=99.8):
    bottom, top = np.percentile(image, (low, high))
    if top == bottom:
        return np.zeros(image.shape, np.float32)
    below = image - np.array(bottom).astype(image.dtype)
    return (below / (top - bottom)).clip(0, 1).astype(np.float32)


def _rescale_cases():
    rng = np.random.default_rng(11)
    camera = rng.integers(900, 3500, (31, 47)).astype(np.uint16)
    camera[3, 5] = 65535
    return [
        Case("four values, percentiles 0 and 100",
             (np.array([[10, 20], [30, 50]], np.uint16), 0, 100)),
        Case("a constant picture", (np.full((2, 3), 7, np.uint8),)),
        Case("eleven values from 100 to 200, percentiles 20 and 70",
             (np.arange(100, 201, 10, dtype=np.uint16).reshape(1, 11), 20, 70)),
        Case("values below zero, percentiles 25 and 75",
             (np.array([[-4.0, -2, 0], [1, 3, 8]], np.float32), 25, 75)),
        Case("one hot pixel on a constant picture, percentiles 1 and 90",
             (np.pad(np.full((1, 1), 900, np.uint16), 3, constant_values=20), 1, 90)),
        Case("16 bits with one hot pixel, the default percentiles", (camera,)),
        Case("8 bits in three channels", (rng.integers(0, 255, (9, 8, 3)).astype(np.uint8), 2, 95)),
    ]


RESCALE = Exercise(
    "rescale", LESSON, "write", points=2, minutes=10, tolerance=1e-4,
    answer=rescale, cases=_rescale_cases, others=(rescale_with_interp, rescale_with_skimage),
    mistakes=(
        Mistake(_rescale_min_max,
                "this scales from the smallest to the largest value, so one hot pixel decides; "
                "use the percentiles"),
        Mistake(_rescale_unclipped,
                "values beyond the percentiles are still below 0 or above 1: clip them"),
        Mistake(_rescale_without_guard,
                "both percentiles are the same here, and dividing by their difference divides by "
                "zero"),
        Mistake(_rescale_by_top_only,
                "the divisor is the upper percentile; it must be the distance between the two"),
        Mistake(_rescale_fixed_percentiles,
                "low and high are not used: other percentiles must give another picture"),
        Mistake(_rescale_fractions_as_percent,
                "low and high are percentages already: np.percentile takes 0 to 100, np.quantile "
                "0 to 1"),
        Mistake(_rescale_by_type,
                "this divides by the largest number the type can hold; what the camera really used "
                "is far less"),
        Mistake(_rescale_wrapping,
                "subtracting whole numbers without a sign wraps around below zero: make the image "
                "float first"),
    ),
)  # fmt: skip

# --- resize_pair -------------------------------------------------------------------------------


def resize_pair(image, labels, shape):
    """Image and labels at a new shape (rows, columns): float32 and int32."""
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=0, preserve_range=True, anti_aliasing=False)
    return image.astype(np.float32), labels.astype(np.int32)


def resize_pair_by_index(image, labels, shape):
    rows = (np.arange(shape[0]) + 0.5) * labels.shape[0] / shape[0]
    columns = (np.arange(shape[1]) + 0.5) * labels.shape[1] / shape[1]
    image = resize(image, shape, order=1, anti_aliasing=True).astype("float32")
    return image, labels[np.ix_(rows.astype(int), columns.astype(int))].astype("int32")


def resize_pair_by_zoom(image, labels, shape):
    zoom = [new / old for new, old in zip(shape, labels.shape, strict=True)]
    labels = ndimage.zoom(labels, zoom, order=0, mode="nearest", grid_mode=True)
    return resize(image, shape, anti_aliasing=True).astype(np.float32), labels.astype(np.int32)


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
    labels = resize(labels.astype(float), shape, order=0, preserve_range=True, anti_aliasing=True)
    return image.astype(np.float32), labels.round().astype(np.int32)


def _resize_range_lost(image, labels, shape):
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=1, anti_aliasing=False)
    return image.astype(np.float32), labels.astype(np.int32)


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


def _resize_cases():
    def pair(labels, seed):
        noise = np.random.default_rng(seed).random(labels.shape, dtype=np.float32)
        return 0.7 * noise + 0.3 * (labels > 0).astype(np.float32), labels

    two = np.array([[0, 9], [0, 4]], np.int32)
    blocks = np.kron(np.array([[7, 0, 30], [0, 4, 11]], np.int32), np.ones((5, 7), np.int32))
    many = np.kron(np.arange(1, 31, dtype=np.int32).reshape(5, 6) * 9, np.ones((4, 4), np.int32))
    dots = np.random.default_rng(5).integers(0, 60, (9, 8)).astype(np.int32)
    return [
        Case("the same size again", (*pair(two, 0), (2, 2))),
        Case("a 2×2 picture made 4×6", (*pair(two, 1), (4, 6))),
        Case("many tiny cells, made taller and narrower", (*pair(dots, 5), (20, 5))),
        Case("five cells, made larger", (*pair(blocks, 2), (23, 32))),
        Case("five cells, made smaller", (*pair(blocks, 3), (6, 9))),
        Case("thirty cells side by side, made smaller", (*pair(many, 4), (13, 11))),
    ]


def _judge_resize(case, outcome, again):
    image, labels, shape = case.args
    if not (isinstance(outcome.value, (tuple, list)) and len(outcome.value) == 2):
        return Fault(present(outcome.value), "two arrays: the image and the labels",
                     "return image, labels")
    new_image, new_labels = outcome.value
    wrong = difference(new_image, resize_pair(*case.args)[0], 1e-4)
    if wrong:
        return Fault("image: " + wrong.came, "image: " + wrong.wanted, wrong.hint)
    wrong = difference(np.zeros(np.shape(new_labels), getattr(new_labels, "dtype", object)),
                       np.zeros(shape, np.int32))
    if wrong:
        return Fault("labels: " + wrong.came, "labels: " + wrong.wanted, wrong.hint)
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

RESIZE_PAIR = Exercise(
    "resize_pair", LESSON, "bug", points=3, minutes=10,
    answer=resize_pair, cases=_resize_cases, judge=_judge_resize,
    others=(resize_pair_by_index, resize_pair_by_zoom),
    mistakes=(
        Mistake(_resize_colleague, _INTERPOLATED),
        Mistake(_resize_interpolated, _INTERPOLATED),
        Mistake(_resize_cut_off, _INTERPOLATED),
        Mistake(_resize_blurred,
                "anti-aliasing blurs before it shrinks, and a blurred label is no label"),
        Mistake(_resize_range_lost,
                "resize squeezed the labels into the range 0 to 1; ask it to keep their range"),
        Mistake(_resize_turned,
                "rows and columns are swapped: shape is (rows, columns) already"),
        Mistake(_resize_image_nearest,
                "now the image is taken from the nearest pixel too; it was right before: only the "
                "labels need mending"),
        Mistake(_resize_merged,
                "all cells became one: resize the label map, not the mask"),
        Mistake(_resize_shifted,
                "the labels are shifted against the image: both must agree on where a pixel's "
                "centre lies"),
    ),
)  # fmt: skip

# --- split_by_well -----------------------------------------------------------------------------


def split_by_well(names, fraction, seed):
    """Two lists of names; wells stay whole; the first has about that fraction of the names."""
    well = {name: "_".join(name.split("_")[:3]) for name in names}
    wells = sorted(set(well.values()))
    np.random.default_rng(seed).shuffle(wells)
    chosen, count = set(), 0
    for w in wells[:-1]:
        size = sum(well[name] == w for name in names)
        if not chosen or abs(count + size - fraction * len(names)) <= abs(
            count - fraction * len(names)
        ):
            chosen.add(w)
            count += size
    return (
        [name for name in names if well[name] in chosen],
        [name for name in names if well[name] not in chosen],
    )


def split_until_enough(names, fraction, seed):
    groups = {}
    for name in names:
        groups.setdefault(name.rsplit("_", 3)[0], []).append(name)
    order = sorted(groups)
    random.Random(seed).shuffle(order)
    train, test = [], []
    for i, well in enumerate(order):
        enough = len(train) >= fraction * len(names) or i == len(order) - 1
        (test if enough and train else train).extend(groups[well])
    return train, test


def split_by_running_sum(names, fraction, seed):
    wells = np.array(["_".join(name.split("_", 3)[:3]) for name in names])
    kinds, sizes = np.unique(wells, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(kinds))
    so_far = np.cumsum(sizes[order])
    cut = 1 + np.argmin(np.abs(so_far - fraction * len(names))[:-1])
    first = np.isin(wells, kinds[order[:cut]])
    names = np.array(names)
    return names[first].tolist(), names[~first].tolist()


def _well(name, parts=3):
    return "_".join(name.split("_")[:parts])


def _split_names(names, fraction, seed):
    names = list(names)
    np.random.default_rng(seed).shuffle(names)
    cut = round(fraction * len(names))
    return names[:cut], names[cut:]


def _split_cut_wells(names, fraction, seed, parts=3, shuffle=True, gap=0):
    """By the share of groups: the frame of several mistakes."""
    groups = sorted({_well(name, parts) for name in names})
    if shuffle:
        np.random.default_rng(seed).shuffle(groups)
    cut = min(max(round(fraction * len(groups)), 1), len(groups) - 1)
    first, second = set(groups[:cut]), set(groups[max(cut + gap, 0):])
    return ([n for n in names if _well(n, parts) in first],
            [n for n in names if _well(n, parts) in second])


def _split_share_of_wells(names, fraction, seed):
    return _split_cut_wells(names, fraction, seed)


def _split_by_spot(names, fraction, seed):
    return _split_cut_wells(names, fraction, seed, parts=4)


def _split_well_lost(names, fraction, seed):
    return _split_cut_wells(names, fraction, seed, gap=1)


def _split_well_doubled(names, fraction, seed):
    return _split_cut_wells(names, fraction, seed, gap=-1)


def _split_in_order(names, fraction, seed):
    wells = sorted({_well(name) for name in names})
    first, second = [], []
    for well in wells:
        enough = len(first) >= fraction * len(names) or well == wells[-1]
        (second if enough else first).extend(n for n in names if _well(n) == well)
    return first, second


def _split_unseeded(names, fraction, seed):
    return split_by_well(names, fraction, np.random.randint(1_000_000))


def _split_swapped(names, fraction, seed):
    return split_by_well(names, 1 - fraction, seed)


def _split_wells_only(names, fraction, seed):
    return tuple(sorted({_well(n) for n in part}) for part in split_by_well(names, fraction, seed))


def _split_one_side_empty(names, fraction, seed):
    first, second = split_by_well(names, fraction, seed)
    return (names, []) if len(second) <= max(map(len, _groups(names).values())) else (first, second)


def _groups(names):
    groups = {}
    for name in names:
        groups.setdefault(_well(name), []).append(name)
    return groups


def _split_cases():
    def names(line, wells, sizes):
        return [f"{line}_Phase_{well}_{1 + k // 2}_0{k // 4}d{4 * (k % 4):02d}h00m_{1 + k % 4}"
                for well, size in zip(wells, sizes, strict=True) for k in range(size)]

    letters = [f"{letter}{number}" for letter in "ABCDEFGH" for number in range(2, 8)]
    uneven = names("BV2", letters[:24], [1] * 24) + names("MCF7", letters[:8], [7] * 8)
    three = names("A172", ["C7", "D3", "E1"], [2, 2, 2])
    return [
        Case("two wells with one picture each", (names("A172", ["C7", "D3"], [1, 1]), 0.5, 0)),
        Case("three wells with two pictures each", (three, 0.66, 1)),
        Case("two wells, and nearly everything wanted in the first list",
             (names("SKOV3", ["B2", "G10"], [3, 3]), 0.9, 2)),
        Case("twelve wells with four pictures each, 80 %",
             (names("Huh7", letters[:12], [4] * 12), 0.8, 3)),
        Case("wells of the same place in two cell lines, some with one picture, some with seven",
             (uneven[::-1], 0.5, 4)),
    ]


_TORN = "wells are torn apart: group the names by well first, then divide the wells"
_SPOT = ("the group is too narrow: the number after the well is only the spot in it; the well ends "
         "before the third underscore")
_LOST = "names got lost: every well must land on one of the two sides"
_DOUBLED = "some names are in both lists: look where the cut lies"
_SHARE = "the share is counted in wells; wells differ in size, so count the pictures"
_OTHER_SHARE = "the two lists are swapped: the first one holds the fraction"
_ANY_SHARE = "count the pictures as you go and stop where the share is nearest"
_UNSEEDED = "the same seed must give the same lists: make the random numbers from seed"
_FIXED = "the seed changes nothing: shuffle the wells with it"
_EMPTY = "with two wells or more, neither list may be empty"
_NO_NAMES = "the lists must hold names of pictures, as they were given"


def _judge_split(case, outcome, again):
    names, fraction, seed = case.args
    fault = _split_fault(names, fraction, seed, outcome.value)
    if fault:
        return fault
    for other in (1, 2):
        random.seed(other)
        np.random.seed(other)
        if again(names, fraction, seed) != outcome.value:
            return Fault(f"other lists at the second call with seed {seed}",
                         "the same lists for the same seed", _UNSEEDED)
    if len(_groups(names)) < 6:
        return None
    seen = set()
    for other in range(20):
        value = again(names, fraction, other)
        fault = _split_fault(names, fraction, other, value)
        if fault:
            return fault
        seen.add(tuple(sorted(value[0])))
    if len(seen) == 1:
        return Fault("the same lists for each of 20 seeds", "other lists for other seeds", _FIXED)
    return None


def _split_fault(names, fraction, seed, value):
    wanted = "two lists of names"
    if not (isinstance(value, (tuple, list)) and len(value) == 2):
        return Fault(present(value), wanted, "return two lists: return first, second")
    if not all(isinstance(part, (list, tuple, np.ndarray)) for part in value):
        kinds = " and ".join(type(part).__name__ for part in value)
        return Fault(kinds, wanted, "return lists: they keep their order")
    first, second = ([n if isinstance(n, str) else present(n) for n in part] for part in value)
    at = f" (seed {seed})"
    strange = set(first + second) - set(names)
    if strange:
        return Fault(f"something that is not among the names: {present(min(strange))}", wanted,
                     _NO_NAMES)
    lost, both = set(names) - set(first + second), set(first) & set(second)
    if lost:
        return Fault(f"{len(lost)} of {len(names)} names in neither list{at}", "every name once",
                     _LOST)
    if both or len(first + second) != len(names):
        extra = len(first + second) - len(names)
        return Fault(f"{extra} names too many{at}", "every name once", _DOUBLED)
    torn = {_well(n) for n in first} & {_well(n) for n in second}
    if torn:
        spots = {_well(n, 4) for n in first} & {_well(n, 4) for n in second}
        wide = max(len({_well(n, 4) for n in group}) for group in _groups(names).values()) > 1
        return Fault(f"pictures of well {min(torn)} in both lists{at}", "every well in one list",
                     _SPOT if wide and not spots else _TORN)
    if not first or not second:
        return Fault(f"{len(first)} and {len(second)} names{at}", "at least one well in each list",
                     _EMPTY)
    groups = _groups(names)
    allowed = max(map(len, groups.values()))
    if abs(len(first) - fraction * len(names)) > allowed:
        wells = len({_well(n) for n in first})
        hint = _ANY_SHARE
        if abs(wells - fraction * len(groups)) <= 1:
            hint = _SHARE
        elif abs(len(first) - (1 - fraction) * len(names)) <= allowed:
            hint = _OTHER_SHARE
        return Fault(f"{len(first)} of {len(names)} pictures in the first list{at}",
                     f"about {fraction * len(names):.0f}, give or take one well", hint)
    return None


SPLIT_BY_WELL = Exercise(
    "split_by_well", LESSON, "write", points=4, minutes=20,
    answer=split_by_well, cases=_split_cases, judge=_judge_split,
    others=(split_until_enough, split_by_running_sum),
    mistakes=(
        Mistake(_split_names, _TORN),
        Mistake(_split_by_spot, _SPOT),
        Mistake(_split_share_of_wells, _SHARE),
        Mistake(_split_well_lost, _LOST),
        Mistake(_split_well_doubled, _DOUBLED),
        Mistake(_split_in_order, _FIXED),
        Mistake(_split_unseeded, _UNSEEDED),
        Mistake(_split_swapped, _OTHER_SHARE),
        Mistake(_split_one_side_empty, _EMPTY),
        Mistake(_split_wells_only, _NO_NAMES),
    ),
)  # fmt: skip

EXERCISES = (PAINT_CELLS, ACCURACY_OF_NOTHING, RESCALE, RESIZE_PAIR, SPLIT_BY_WELL)
