"""distance_target: find the bug (lesson 07_watershed)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_07 import LESSON


def distance_target(labels):
    """float32 (H, W): how deep inside its own cell each pixel lies, 1 at the cell's deepest."""
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        depth = ndimage.distance_transform_edt(labels == k)
        target += depth / depth.max()
    return target


def _distance_colleague(labels):
    depth = ndimage.distance_transform_edt(labels > 0)
    return (depth / max(depth.max(), 1)).astype(np.float32)


def _own_depths(labels):
    depth = np.zeros(labels.shape)
    for k in np.unique(labels[labels > 0]):
        depth += ndimage.distance_transform_edt(labels == k)
    return depth


def _distance_of_the_largest(labels):
    depth = _own_depths(labels)
    return (depth / max(depth.max(), 1)).astype(np.float32)


def _distance_in_pixels(labels):
    return _own_depths(labels).astype(np.float32)


def _distance_of_the_mask(labels):
    depth = ndimage.distance_transform_edt(labels > 0)
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        cell = labels == k
        target[cell] = (depth / depth[cell].max())[cell]
    return target


def _distance_in_float64(labels):
    return distance_target(labels).astype(float)


def _distance_upside_down(labels):
    return np.where(labels > 0, 1 - distance_target(labels), 0).astype(np.float32)


def _distance_edge_is_border(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        depth = ndimage.distance_transform_edt(np.pad(labels == k, 1))[1:-1, 1:-1]
        target += depth / depth.max()
    return target


def _distance_numbers_in_a_row(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in range(1, len(np.unique(labels))):
        depth = ndimage.distance_transform_edt(labels == k)
        target += depth / max(depth.max(), 1)
    return target


def _distance_of_absent_numbers(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in range(1, labels.max() + 1):
        depth = ndimage.distance_transform_edt(labels == k)
        target += depth / depth.max()
    return target


def _distance_with_background(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels):
        depth = ndimage.distance_transform_edt(labels == k)
        target += depth / depth.max()
    return target


def _distance_per_piece(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        pieces, count = ndimage.label(labels == k)
        for n in range(1, count + 1):
            depth = ndimage.distance_transform_edt(pieces == n)
            target += depth / depth.max()
    return target


def _distance_to_the_middle(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        rows, columns = np.nonzero(labels == k)
        away = np.hypot(rows - rows.mean(), columns - columns.mean())
        target[rows, columns] = 1 - away / max(away.max(), 1)
    return target


def _distance_last_cell_only(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        depth = ndimage.distance_transform_edt(labels == k)
        target = (depth / depth.max()).astype(np.float32)
    return target


def _distance_by_sum(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        depth = ndimage.distance_transform_edt(labels == k)
        target += depth / depth.sum()
    return target


def _distance_mask(labels):
    return (labels > 0).astype(np.float32)


def _distance_squared(labels):
    return distance_target(labels) ** 2


def _distance_divided(labels, divide):
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        depth = ndimage.distance_transform_edt(labels == k)
        target[labels == k] = divide(depth[labels == k])
    return target


def _distance_by_mean(labels):
    return _distance_divided(labels, lambda depth: depth / depth.mean())


def _distance_stretched(labels):
    return _distance_divided(labels, lambda depth: (depth - depth.min()) / max(np.ptp(depth), 1e-6))


def _distance_in_its_frame(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        frame = ndimage.find_objects((labels == k).astype(int))[0]
        cell = labels[frame] == k
        depth = ndimage.distance_transform_edt(cell)
        target[frame][cell] = (depth / depth.max())[cell]
    return target


def _distance_in_steps(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        cell = np.pad(labels == k, 1, mode="edge")
        depth = ndimage.distance_transform_cdt(cell, "taxicab")[1:-1, 1:-1]
        target[labels == k] = (depth / max(depth.max(), 1))[labels == k]
    return target


def _distance_of_clumps(labels):
    return distance_target(ndimage.label(labels > 0)[0])


def _distance_last_left_out(labels):
    return distance_target(np.where(labels == labels.max(), 0, labels))


def _distance_cases():
    def drawn(*rows):
        return np.array([[int(c) for c in row.replace(".", "0")] for row in rows], np.int32)

    wide = drawn(".......", ".11111.", ".11111.", ".11111.", ".......")
    touching = drawn("........", ".111222.", ".111222.", ".111222.", "........")
    sizes = drawn("..........", ".11111....", ".11111....", ".11111.22.", ".11111....",
                  ".11111....")
    rng = np.random.default_rng(2)
    seeds = np.zeros((24, 31), bool)
    seeds.flat[rng.choice(seeds.size, 6, replace=False)] = True
    numbers = np.where(seeds, np.cumsum(seeds).reshape(seeds.shape), 0)
    _, (r, c) = ndimage.distance_transform_edt(~seeds, return_indices=True)
    many = np.where(ndimage.distance_transform_edt(~seeds) < 7, numbers[r, c], 0).astype(np.int32)
    return [
        Case("numbers", "no cell", (np.zeros((3, 4), np.int32),)),
        Case("deepest", "one cell", (wide,)),
        Case("own", "two cells that touch", (touching,)),
        Case("deepest", "a large cell and a small one", (sizes,)),
        Case("edge", "a cell at the picture's edge", (drawn("111..", "111..", "111..", "....."),)),
        Case("numbers", "the numbers 4 and 7",
             (np.where(touching == 1, 7, touching * 2).astype(np.int32),)),
        Case("deepest", "one cell in two pieces",
             (drawn("11111...", "11111.11", "11111.11", "11111..."),)),
        Case("own", "six crowded cells", (many,)),
    ]


EXERCISE = Exercise(
    "distance_target", LESSON, "bug", points=3, minutes=12,
    answer=distance_target, cases=_distance_cases, dtype="float32",
    asks={
        "own": "the distance is that to what is not of the same cell",
        "deepest": "each cell is 1 at its deepest place, whatever its size",
        "numbers": "numbers may be missing among the labels, and 0 is no cell",
        "edge": "the picture's edge is no edge of a cell",
        "float32": "the target is float32",
    },
    ladder=(
        "one cell at a time, as if it were alone in the picture",
        "go through the numbers that occur, without 0. labels == k is the cell. Take its distance "
        "transform, divide it by its own maximum, add it to the target",
    ),
    blanks=("np.unique(labels[labels > 0])", "depth / depth.max()"),
    mistakes=(
        Mistake("own", _distance_colleague,
                "both mistakes are still there: look at two cells that touch, and at a small cell "
                "beside a large one"),
        Mistake("deepest", _distance_of_the_largest,
                "one largest distance for all cells: a small cell never gets near 1; divide each "
                "by its own"),
        Mistake("deepest", _distance_in_pixels,
                "these are pixels; divide each cell by its own largest"),
        Mistake("own", _distance_of_the_mask,
                "the distance runs to the background only; a cell also ends where its neighbour "
                "begins"),
        Mistake("float32", _distance_in_float64, "networks learn from float32: convert at the end"),
        Mistake("own", _distance_upside_down,
                "upside down: the deepest place is 1, the edge is near 0"),
        Mistake("edge", _distance_edge_is_border,
                "the picture's edge counts as the end of a cell; it only cuts off our view"),
        Mistake("numbers", _distance_numbers_in_a_row,
                "numbers may be missing in between: go through those that occur"),
        Mistake("numbers", _distance_of_absent_numbers,
                "a number that no pixel has got its turn: its largest distance is 0, and 0 / 0 is "
                "NaN; go through the numbers that occur"),
        Mistake("numbers", _distance_with_background,
                "0 is no cell: the background got a hill as well"),
        Mistake("deepest", _distance_per_piece,
                "a cell may lie in two pieces, and has one deepest place; each piece got its own"),
        Mistake("own", _distance_to_the_middle,
                "this falls with the distance to the cell's middle; what is asked for grows with "
                "the distance to its edge"),
        Mistake("own", _distance_last_cell_only,
                "each cell replaces the ones before: only the last is left; add them up"),
        Mistake("deepest", _distance_by_sum,
                "divide by the largest distance of the cell, not by their sum"),
        Mistake("own", _distance_mask,
                "that is the mask; each pixel says how deep it lies in its cell"),
        Mistake("own", _distance_squared, "the distance itself, not its square"),
        Mistake("deepest", _distance_by_mean,
                "divide by the largest distance of the cell, not by their mean"),
        Mistake("deepest", _distance_stretched,
                "the least distance is taken off, so the cell's edge is 0 and a thin cell is lost; "
                "only divide by the largest"),
        Mistake("own", _distance_in_its_frame,
                "each cell was cut out by its frame, so no background is left where it touches "
                "that: leave a pixel more on every side, or take the whole picture"),
        Mistake("own", _distance_in_steps,
                "the distance is counted in steps along rows and columns; it is that in a straight "
                "line"),
        Mistake("own", _distance_of_clumps,
                "the cells were found anew as pieces of the mask, so those that touch are one; "
                "labels says which is which"),
        Mistake("numbers", _distance_last_left_out,
                "the last cell is left out: range ends one before the number that it is given"),
    ),
)  # fmt: skip
