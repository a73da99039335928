"""enlarge: find the bug (lesson 04_super_resolution)."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_04 import LESSON


def enlarge(small, shape):
    """A small picture at another size, linear in between; centres lie at half-pixels."""
    rows = (np.arange(shape[0]) + 0.5) * small.shape[0] / shape[0] - 0.5
    columns = (np.arange(shape[1]) + 0.5) * small.shape[1] / shape[1] - 0.5
    where = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(small, where, order=1, mode="nearest")


def _enlarge_at(small, shape, centres, order=1, mode="nearest"):
    rows, columns = (centres(np.arange(new), old / new) for old, new in
                     zip(small.shape, shape, strict=True))
    return map_coordinates(small, np.meshgrid(rows, columns, indexing="ij"), order=order, mode=mode)


def _half_pixel(i, ratio):
    return (i + 0.5) * ratio - 0.5


def _enlarge_colleague(small, shape):
    rows = np.linspace(0, small.shape[0] - 1, shape[0])
    columns = np.linspace(0, small.shape[1] - 1, shape[1])
    where = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(small, where, order=1, mode="nearest")


def _enlarge_corners(small, shape):
    return _enlarge_at(small, shape, lambda i, ratio: i * ratio)


def _enlarge_not_back(small, shape):
    return _enlarge_at(small, shape, lambda i, ratio: (i + 0.5) * ratio)


def _enlarge_only_back(small, shape):
    return _enlarge_at(small, shape, lambda i, ratio: i * ratio - 0.5)


def _enlarge_other_half(small, shape):
    return _enlarge_at(small, shape, lambda i, ratio: (i - 0.5) * ratio + 0.5)


def _enlarge_from_border_to_border(small, shape):
    rows, columns = (np.linspace(-0.5, old - 0.5, new) for old, new in
                     zip(small.shape, shape, strict=True))
    where = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(small, where, order=1, mode="nearest")


def _enlarge_half_at_both_ends(small, shape):
    rows, columns = (np.linspace(0.5, old - 0.5, new) for old, new in
                     zip(small.shape, shape, strict=True))
    where = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(small, where, order=1, mode="nearest")


def _enlarge_minus_both(small, shape):
    return _enlarge_at(small, shape, lambda i, ratio: (i - 0.5) * ratio - 0.5)


def _enlarge_rows_only(small, shape):
    rows = (np.arange(shape[0]) + 0.5) * small.shape[0] / shape[0] - 0.5
    columns = np.linspace(0, small.shape[1] - 1, shape[1])
    where = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(small, where, order=1, mode="nearest")


def _enlarge_whole_factor(small, shape):
    factors = (new // old for old, new in zip(small.shape, shape, strict=True))
    rows, columns = ((np.arange(new) + 0.5) / factor - 0.5
                     for new, factor in zip(shape, factors, strict=True))
    where = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(small, where, order=1, mode="nearest")


def _enlarge_nearest(small, shape):
    return _enlarge_at(small, shape, _half_pixel, order=0)


def _enlarge_cubic(small, shape):
    return _enlarge_at(small, shape, _half_pixel, order=3)


def _enlarge_black_edge(small, shape):
    return _enlarge_at(small, shape, _half_pixel, mode="constant")


def _enlarge_mirrored(small, shape):
    return _enlarge_at(small, shape, _half_pixel, mode="wrap")


def _enlarge_ratio(small, shape):
    return _enlarge_at(small, shape, lambda i, ratio: (i + 0.5) / ratio - 0.5)


def _enlarge_one_ratio(small, shape):
    ratio = small.shape[0] / shape[0]
    return _enlarge_at(small, shape, lambda i, _: (i + 0.5) * ratio - 0.5)


def _enlarge_transposed(small, shape):
    return enlarge(small, shape).T


def _enlarge_in_float64(small, shape):
    return enlarge(small.astype(float), shape)


_STRETCHED = ("first and last pixels are laid on each other, which stretches the picture: the "
              "pixels' outer borders must coincide, and centres lie half a pixel inside")
_SLID = ("the whole picture slides by a part of a small pixel: a pixel's centre lies half a pixel "
         "from its border, in the large picture and in the small one")


def _enlarge_reflected(small, shape):
    return _enlarge_at(small, shape, _half_pixel, mode="mirror")


def _enlarge_goes_on(small, shape):
    for axis in (0, 1):
        old = small.shape[axis]
        place = _half_pixel(np.arange(shape[axis]), old / shape[axis])
        first = np.clip(np.floor(place), 0, max(old - 2, 0)).astype(int)
        share = np.expand_dims(place - first, 1 - axis)
        small = small.take(first, axis) * (1 - share) + small.take(
            np.minimum(first + 1, old - 1), axis) * share
    return small.astype(np.float32)


def _enlarge_clipped(small, shape):
    return enlarge(small, shape).clip(0, 1)


def _enlarge_cases():
    def case(asks, about, small, shape):
        small = np.random.default_rng(sum(small)).integers(0, 11, small) / 10
        return Case(asks, about, (small.astype(np.float32), shape))

    return [
        case("centres", "two pixels beside each other become four", (1, 2), (1, 4)),
        case("centres", "two pixels below each other become four", (2, 1), (4, 1)),
        case("centres", "2 × 2 pixels become 4 × 4", (2, 2), (4, 4)),
        case("edge", "one pixel becomes nine", (1, 1), (3, 3)),
        case("linear", "nothing to enlarge", (3, 2), (3, 2)),
        case("centres", "rows are doubled, columns become four times as many", (3, 4), (6, 16)),
        case("centres", "no whole factor", (5, 3), (12, 10)),
        Case("linear", "values beyond 0 and 1",
             (np.array([[-2, 0], [1, 5]], np.float32), (2, 4))),
    ]


EXERCISE = Exercise(
    "enlarge", LESSON, "bug", points=3, minutes=10,
    answer=enlarge, cases=_enlarge_cases, dtype="float32",
    asks={
        "centres": "the centres of pixels lie at half-pixels, in both pictures, along both axes",
        "linear": "between the centres the values are linear",
        "edge": "beyond the outermost centres the edge is repeated",
        "float32": "the picture has the given shape and is float32",
    },
    ladder=(
        "ask for each large pixel: where is its centre, in small pixels?",
        "the centre of large pixel i lies at i + 0.5 large pixels from the border. Times the "
        "ratio of the sizes that is its distance in small pixels. map_coordinates counts from the "
        "centre of the first small pixel, which is half a pixel from the border",
    ),
    blanks=(
        "(np.arange(shape[0]) + 0.5) * small.shape[0] / shape[0] - 0.5",
        "(np.arange(shape[1]) + 0.5) * small.shape[1] / shape[1] - 0.5",
    ),
    mistakes=(
        Mistake("centres", _enlarge_colleague, _STRETCHED),
        Mistake("centres", _enlarge_corners, _SLID),
        Mistake("centres", _enlarge_not_back, _SLID),
        Mistake("centres", _enlarge_only_back, _SLID),
        Mistake("centres", _enlarge_other_half, _SLID),
        Mistake("centres", _enlarge_from_border_to_border,
                "the places now begin and end at the borders; centres of large pixels lie half a "
                "large pixel inside of them"),
        Mistake("centres", _enlarge_half_at_both_ends,
                "the first and the last place are centres of small pixels, counted from the "
                "border; map_coordinates counts from the first centre"),
        Mistake("centres", _enlarge_minus_both, _SLID),
        Mistake("centres", _enlarge_rows_only, "the rows are mended, the columns are not"),
        Mistake("centres", _enlarge_whole_factor,
                "the factor was cut to a whole number; it may be 2.4, and rows and columns may "
                "differ in it"),
        Mistake("linear", _enlarge_nearest,
                "this repeats the nearest pixel; the task asks for linear in between"),
        Mistake("linear", _enlarge_cubic,
                "this is a cubic spline; the task asks for linear in between"),
        Mistake("edge", _enlarge_black_edge,
                "beyond the outermost centres nothing is known, and here it becomes black; repeat "
                "the edge"),
        Mistake("edge", _enlarge_reflected,
                "beyond the outermost centres the picture is mirrored; repeat the edge"),
        Mistake("edge", _enlarge_goes_on,
                "beyond the outermost centres the line goes on as it rose or fell; repeat the "
                "edge"),
        Mistake("edge", _enlarge_mirrored,
                "beyond the edge the picture goes on at its other side; repeat the edge"),
        Mistake("centres", _enlarge_ratio,
                "the ratio is upside down: many large pixels lie within one small pixel"),
        Mistake("centres", _enlarge_one_ratio, "rows and columns each have their own ratio"),
        Mistake("float32", _enlarge_transposed, "rows and columns are swapped"),
        Mistake("float32", _enlarge_in_float64,
                "the picture is float32, and so should the large one be"),
        Mistake("linear", _enlarge_clipped,
                "the values are clipped to 0 and 1, but they may be any numbers"),
    ),
)  # fmt: skip
