"""bilinear: write a function (lesson 06_mask_rcnn)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_06 import LESSON


def bilinear(picture, row, column):
    """The value between four pixels; beyond the edge, that of the edge."""
    height, width = picture.shape
    row, column = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
    top, left = int(row), int(column)
    below, beside = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = row - top, column - left
    upper = (1 - across) * picture[top, left] + across * picture[top, beside]
    lower = (1 - across) * picture[below, left] + across * picture[below, beside]
    return (1 - down) * upper + down * lower


def _clamped(picture, row, column):
    return (min(max(row, 0), picture.shape[0] - 1), min(max(column, 0), picture.shape[1] - 1))


def _bilinear_rounded(picture, row, column):
    row, column = _clamped(picture, row, column)
    return picture[int(row + 0.5), int(column + 0.5)]


def _bilinear_cut(picture, row, column):
    row, column = _clamped(picture, row, column)
    return picture[int(row), int(column)]


def _bilinear_axes_swapped(picture, row, column):
    return bilinear(picture.T, row, column)


def _bilinear_weights_swapped(picture, row, column):
    row, column = _clamped(picture, row, column)
    down, across = row % 1, column % 1
    return bilinear(picture, row - down + (1 - down if down else 0),
                    column - across + (1 - across if across else 0))


def _bilinear_unclamped(picture, row, column):
    top, left = int(np.floor(row)), int(np.floor(column))
    down, across = row - top, column - left
    upper = (1 - across) * picture[top, left] + across * picture[top, left + 1]
    lower = (1 - across) * picture[top + 1, left] + across * picture[top + 1, left + 1]
    return (1 - down) * upper + down * lower


def _bilinear_half_pixel(picture, row, column):
    return bilinear(picture, row - 0.5, column - 0.5)


def _bilinear_mean_of_four(picture, row, column):
    row, column = _clamped(picture, row, column)
    top, left = int(row), int(column)
    return picture[top:top + 2, left:left + 2].mean()


def _bilinear_zero_outside(picture, row, column):
    height, width = picture.shape
    if not (0 <= row <= height - 1 and 0 <= column <= width - 1):
        return 0.0
    return bilinear(picture, row, column)


def _bilinear_int_for_floor(picture, row, column):
    height, width = picture.shape
    top, left = int(row), int(column)
    down, across = row - top, column - left
    top, left = min(max(top, 0), height - 1), min(max(left, 0), width - 1)
    below, beside = min(top + 1, height - 1), min(left + 1, width - 1)
    upper = (1 - across) * picture[top, left] + across * picture[top, beside]
    lower = (1 - across) * picture[below, left] + across * picture[below, beside]
    return (1 - down) * upper + down * lower


def _bilinear_fades_outside(picture, row, column):
    padded = np.pad(picture, 8)
    return bilinear(padded, row + 8, column + 8)


def _bilinear_wraps(picture, row, column):
    return ndimage.map_coordinates(np.pad(picture, 8, mode="wrap"), [[row + 8], [column + 8]],
                                   order=1)[0]


def _bilinear_rows_only(picture, row, column):
    return bilinear(picture, row, int(min(max(column, 0), picture.shape[1] - 1)))


def _bilinear_array(picture, row, column):
    return np.array([bilinear(picture, row, column)])


def _bilinear_by_distance(picture, row, column):
    row, column = _clamped(picture, row, column)
    top, left = int(row), int(column)
    total = weight = 0.0
    for i in (top, min(top + 1, picture.shape[0] - 1)):
        for j in (left, min(left + 1, picture.shape[1] - 1)):
            near = 1 / (np.hypot(row - i, column - j) + 1e-9)
            total, weight = total + near * picture[i, j], weight + near
    return total / weight


def _bilinear_cubic(picture, row, column):
    return ndimage.map_coordinates(picture, [[row], [column]], order=3, mode="nearest")[0]


def _bilinear_columns_only(picture, row, column):
    return bilinear(picture, int(min(max(row, 0), picture.shape[0] - 1)), column)


def _bilinear_mix(picture, top, left, down, across):
    """Of the four pixels below and beside one, each index brought into the picture."""
    i, j = (np.clip([first, first + 1], 0, size - 1) for first, size in
            zip((top, left), picture.shape, strict=True))
    upper, lower = ((1 - across) * picture[k, j[0]] + across * picture[k, j[1]] for k in i)
    return (1 - down) * upper + down * lower


def _bilinear_goes_on(picture, row, column):
    top, left = (int(np.clip(np.floor(place), 0, size - 2)) for place, size in
                 zip((row, column), picture.shape, strict=True))
    return _bilinear_mix(picture, top, left, row - top, column - left)


def _bilinear_fraction_outside(picture, row, column):
    top, left = (int(np.clip(np.floor(place), 0, size - 1)) for place, size in
                 zip((row, column), picture.shape, strict=True))
    return _bilinear_mix(picture, top, left, row % 1, column % 1)


def _bilinear_wraps_before(picture, row, column):
    height, width = picture.shape
    row, column = min(row, height - 1), min(column, width - 1)
    top, left = int(np.floor(row)), int(np.floor(column))
    below, beside = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = row - top, column - left
    upper = (1 - across) * picture[top, left] + across * picture[top, beside]
    lower = (1 - across) * picture[below, left] + across * picture[below, beside]
    return (1 - down) * upper + down * lower


def _bilinear_fractions_swapped(picture, row, column):
    row, column = _clamped(picture, row, column)
    return _bilinear_mix(picture, int(row), int(column), column % 1, row % 1)


def _bilinear_weights_exchanged(picture, row, column):
    row, column = _clamped(picture, row, column)
    return _bilinear_mix(picture, int(row), int(column), 1 - row % 1, 1 - column % 1)


def _bilinear_mean_of_floor_and_ceil(picture, row, column):
    row, column = _clamped(picture, row, column)
    corners = [(int(up(row)), int(across(column))) for up in (np.floor, np.ceil)
               for across in (np.floor, np.ceil)]
    return np.mean([picture[corner] for corner in corners])


def _bilinear_last_never_reached(picture, row, column):
    height, width = picture.shape
    return bilinear(picture, min(row, height - 2), min(column, width - 2))


def _bilinear_cases():
    small = np.array([[0.0, 1.0, 4.0], [2.0, 7.0, 5.0]])
    tall = np.random.default_rng(6).random((7, 4))
    return [
        Case("centre", "a pixel's own centre", (small, 1, 2)),
        Case("mix", "halfway between two neighbours in a row", (small, 0, 0.5)),
        Case("mix", "a quarter of the way down", (small, 0.25, 1)),
        Case("mix", "between four pixels", (small, 0.25, 1.75)),
        Case("edge", "above the picture", (small, -0.75, 1.5)),
        Case("edge", "left of the picture", (small, 0.5, -2.25)),
        Case("edge", "below the picture", (small, 1.5, 0.75)),
        Case("edge", "far below the picture", (small, 4.25, 0.75)),
        Case("edge", "right of the picture", (small, 0.75, 3.25)),
        Case("mix", "between four pixels of a taller picture", (tall, 4.7, 2.2)),
        Case("mix", "near the lower right corner", (tall, 5.9, 2.95)),
    ]


_NO_ZERO = "beyond the edge the value is that of the edge, not 0"
_EDGE = ("beyond the edge there are no pixels: bring row and column back into the picture first, "
         "and mind that the last pixel has no neighbour")

EXERCISE = Exercise(
    "bilinear", LESSON, "write", points=3, minutes=15,
    answer=bilinear, cases=_bilinear_cases,
    asks={
        "mix": "the four pixels around the place are mixed, the nearer one counting more, in "
               "proportion",
        "centre": "row 0 is the centre of the first row of pixels",
        "edge": "beyond the edge the value is that of the edge",
        "number": "one number comes back",
    },
    ladder=(
        "first mix along the columns, above and below; then mix the two results along the rows",
        "bring row and column into the picture first: at least 0, at most the last index. The "
        "whole part says which pixel is above and left, the fraction how much the other one "
        "counts. The last pixel has no neighbour: take itself",
    ),
    blanks=(
        "min(max(row, 0), height - 1), min(max(column, 0), width - 1)",
        "(1 - down) * upper + down * lower",
    ),
    mistakes=(
        Mistake("mix", _bilinear_rounded,
                "the place was rounded to the nearest pixel, as RoIPool does; mix the four around "
                "it"),
        Mistake("mix", _bilinear_cut,
                "the fraction was cut off; mix the four pixels around the place"),
        Mistake("mix", _bilinear_axes_swapped, "rows and columns are swapped"),
        Mistake("mix", _bilinear_weights_swapped,
                "the weights are swapped: the nearer a pixel is, the more it counts"),
        Mistake("mix", _bilinear_weights_exchanged,
                "the weights are swapped: the nearer a pixel is, the more it counts"),
        Mistake("mix", _bilinear_fractions_swapped,
                "the two fractions are exchanged: the row's says how much the lower pixels count, "
                "the column's how much the right ones"),
        Mistake("edge", _bilinear_goes_on,
                "beyond the edge the line goes on as it rose or fell; the edge's value is asked "
                "for"),
        Mistake("edge", _bilinear_fraction_outside,
                "the index is brought back into the picture, the fraction is still that of the "
                "place outside: bring the place back first"),
        Mistake("edge", _bilinear_wraps_before,
                "a negative index counts from the end in Python, so above the first row comes the "
                "last: bring the place back to 0 first"),
        Mistake("edge", _bilinear_unclamped, _EDGE),
        Mistake("centre", _bilinear_half_pixel,
                "half a pixel off: here row 0 is the centre of the first row of pixels"),
        Mistake("mix", _bilinear_mean_of_four,
                "the four pixels count equally; the nearer ones must count more"),
        Mistake("mix", _bilinear_mean_of_floor_and_ceil,
                "the four pixels count equally; the nearer ones must count more"),
        Mistake("edge", _bilinear_zero_outside, _NO_ZERO),
        Mistake("edge", _bilinear_int_for_floor, _EDGE),
        Mistake("edge", _bilinear_fades_outside, _NO_ZERO),
        Mistake("edge", _bilinear_wraps,
                "beyond the edge the picture goes on at its other side; the edge's value is "
                "asked for"),
        Mistake("mix", _bilinear_rows_only,
                "only rows are mixed: the fraction of the column is lost"),
        Mistake("number", _bilinear_array,
                "this is an array with one value: take the value out of it"),
        Mistake("mix", _bilinear_by_distance,
                "the weights go by one over the distance; bilinear ones fall in a straight line "
                "along each axis"),
        Mistake("mix", _bilinear_cubic,
                "this is a cubic spline; mix the four pixels around the place"),
        Mistake("mix", _bilinear_columns_only,
                "only columns are mixed: the fraction of the row is lost"),
        Mistake("edge", _bilinear_last_never_reached,
                "the place is brought back too far: the last row is H - 1, and it can be reached"),
    ),
)  # fmt: skip
