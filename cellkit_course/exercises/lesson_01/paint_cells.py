"""paint_cells: write a function (lesson 01_data_and_masks)."""

from __future__ import annotations

import numpy as np

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_01 import LESSON


def paint_cells(cells, shape):
    """Label map (int32) of a list of bool masks; smaller cells stay on top."""
    labels = np.zeros(shape, np.int32)
    for k in sorted(range(len(cells)), key=lambda k: -cells[k].sum()):
        labels[cells[k]] = k + 1
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


def _paint_in_int64(cells, shape):
    return paint_cells(cells, shape).astype(np.int64)


def _paint_first_come(cells, shape):
    labels = np.zeros(shape, np.int32)
    for k, cell in enumerate(cells):
        labels[cell & (labels == 0)] = k + 1
    return labels


def _paint_by_frame(cells, shape):
    def frame(cell):
        return np.ptp(np.nonzero(cell), axis=1).prod() if cell.any() else 0

    labels = np.zeros(shape, np.int32)
    for k in sorted(range(len(cells)), key=lambda k: -frame(cells[k])):
        labels[cells[k]] = k + 1
    return labels


def _paint_beside_what_is_there(cells, shape):
    labels = np.zeros(shape, np.int32)
    for k, cell in enumerate(cells):
        met = [j for j in np.unique(labels[cell]) if j]
        if any(cells[j - 1].sum() < cell.sum() for j in met):
            cell = cell & (labels == 0)
        labels[cell] = k + 1
    return labels


def _paint_one_mask(cells, shape):
    labels = np.zeros(shape, np.int32)
    for cell in cells:
        labels[cell] = 1
    return labels


def _paint_by_area(cells, shape):
    by_area = {int(cell.sum()): k for k, cell in enumerate(cells)}
    labels = np.zeros(shape, np.int32)
    for area in sorted(by_area, reverse=True):
        labels[cells[by_area[area]]] = by_area[area] + 1
    return labels


def _paint_over_the_rest(cells, shape):
    labels = np.zeros(shape, np.int32)
    for k, cell in enumerate(cells):
        wins = cell & (labels == 0)
        for other in np.unique(labels[cell]):
            if other and cell.sum() < (labels == other).sum():
                wins |= cell & (labels == other)
        labels[wins] = k + 1
    return labels


def _paint_no_overlap(cells, shape):
    count = sum((cell.astype(int) for cell in cells), np.zeros(shape, int))
    return np.where(count > 1, 0, paint_cells(cells, shape))


def _paint_without_the_empty(cells, shape):
    return paint_cells([cell for cell in cells if cell.any()], shape)


def _box(shape, top, left, height, width):
    mask = np.zeros(shape, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def _cross(shape):
    mask = np.zeros(shape, bool)
    mask[4], mask[:, 5] = True, True
    return mask


def _crossing():
    rng = np.random.default_rng(12)
    sides = rng.permutation([(h, 2 * h + 1) for h in range(2, 14)])
    return [_box((20, 24), *rng.integers(0, (20 - min(h, 19), 24 - min(w, 23))), h, w)
            for h, w in sides]


def _paint_cases():
    small, large = (3, 4), (8, 11)
    inner, middle, outer = (_box(large, k, k, 6 - 2 * k + 2, 9 - 2 * k + 2) for k in (3, 1, 0))
    dots = np.eye(18 * 17, dtype=bool).reshape(-1, 18, 17)
    return [
        Case("painted", "no cell at all", ([], (2, 3))),
        Case("painted", "one cell", ([_box((2, 3), 0, 1, 2, 1)], (2, 3))),
        Case("numbers", "two cells that do not overlap",
             ([_box(small, 0, 0, 2, 1), _box(small, 1, 2, 2, 2)], small)),
        Case("smaller", "a small cell over a large one, the small one listed last",
             ([_box(small, 0, 0, 3, 3), _box(small, 1, 1, 1, 2)], small)),
        Case("smaller", "a small cell over a large one, the small one listed first",
             ([_box(small, 1, 1, 1, 2), _box(small, 0, 0, 3, 3)], small)),
        Case("smaller", "three cells inside each other, in no order",
             ([middle, inner, outer], large)),
        Case("smaller",
             "a thin cross over a compact cell, which is larger in pixels, not in extent",
             ([_cross(large), _box(large, 2, 3, 4, 5)], large)),
        Case("smaller", "twelve cells that cross each other", (_crossing(), (20, 24))),
        Case("numbers", "three masks, the second one empty",
             ([_box(small, 0, 0, 2, 1), _box(small, 0, 0, 0, 0), _box(small, 1, 2, 2, 2)], small)),
        Case("numbers", "306 cells of one pixel each", (list(dots), (18, 17))),
    ]


EXERCISE = Exercise(
    "paint_cells", LESSON, "write", points=2, minutes=10,
    answer=paint_cells, cases=_paint_cases,
    asks={
        "painted": "every cell is painted into one label map, and 0 is left where there is none",
        "numbers": "cell number k (counted from 0) has the value k + 1",
        "smaller": "where cells overlap, the smaller one stays visible, however many there are",
        "int32": "the label map is int32 of the given shape",
    },
    ladder=(
        "what is painted last lies on top. So the order of painting decides who stays visible",
        "start with zeros. Go through the cells from the largest to the smallest, and paint each "
        "with its own number. Sort the cells' numbers, not the cells, or you lose which is which",
    ),
    blanks=("key=lambda k: -cells[k].sum()", "k + 1"),
    dtype="int32",
    mistakes=(
        Mistake("smaller", _paint_in_list_order,
                "cells are painted in the order of the list, so a later one covers an earlier one "
                "whatever its size; paint the large ones first"),
        Mistake("smaller", _paint_smallest_first,
                "the order is the wrong way round: what is painted last is on top, so the smallest "
                "must come last"),
        Mistake("numbers", _paint_numbered_by_size,
                "sorting changed the numbers: a cell keeps its number from the list, whenever it "
                "is painted"),
        Mistake("numbers", _paint_from_zero,
                "numbering starts at 0, which is the background, so the first cell is lost"),
        Mistake("smaller", _paint_adding,
                "overlapping cells are added up, which makes numbers of cells that do not exist; "
                "set the value, do not add it"),
        Mistake("int32", _paint_in_bytes,
                "with more than 255 cells the numbers start anew: 8 bits are too few for a label "
                "map"),
        Mistake("int32", _paint_in_int64,
                "the type is int64, numpy's own choice; the task asks for int32"),
        Mistake("smaller", _paint_first_come,
                "whoever comes first stays: a later, smaller cell is not seen; the size decides"),
        Mistake("smaller", _paint_by_frame,
                "the size is measured by the frame around a cell; count its pixels"),
        Mistake("smaller", _paint_beside_what_is_there,
                "where a cell meets several others, it may lie above one and below another; with "
                "all cells sorted by size no comparing is needed"),
        Mistake("numbers", _paint_by_area,
                "a dictionary by area keeps one cell of each area: of two that are equally large, "
                "one is lost"),
        Mistake("smaller", _paint_over_the_rest,
                "a cell is compared with what is still to be seen of another one; what counts is "
                "how large the whole cell is"),
        Mistake("smaller", _paint_no_overlap,
                "where cells overlap there is background now; the smaller one stays visible there"),
        Mistake("numbers", _paint_without_the_empty,
                "an empty mask has a place in the list, too: without it the numbers of those "
                "behind it move up"),
        Mistake("painted", _paint_one_mask,
                "every cell got the same number: that is a mask, a label map counts the cells"),
    ),
)  # fmt: skip
