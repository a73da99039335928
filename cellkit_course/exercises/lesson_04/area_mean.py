"""area_mean: write a function (lesson 04_super_resolution)."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter
from skimage.measure import block_reduce

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_04 import LESSON


def area_mean(image, k):
    """Each square of k × k pixels as one pixel: their mean."""
    height, width = image.shape
    squares = image.reshape(height // k, k, width // k, k)
    return squares.mean(axis=(1, 3))


def _area_every_kth(image, k):
    return image[::k, ::k]


def _area_middle_pixel(image, k):
    return image[k // 2 :: k, k // 2 :: k]


def _area_sum(image, k):
    height, width = image.shape
    return image.reshape(height // k, k, width // k, k).sum(axis=(1, 3))


def _area_largest(image, k):
    return block_reduce(image, (k, k), np.max)


def _area_median(image, k):
    return block_reduce(image, (k, k), np.median).astype(np.float32)


def _area_divided(image, k):
    height, width = image.shape
    return image.reshape(height / k, k, width / k, k).mean(axis=(1, 3))


def _area_wrong_axes(image, k):
    height, width = image.shape
    return image.reshape(height // k, k, width // k, k).mean(axis=(1, 2))


def _area_blocks_mixed(image, k):
    height, width = image.shape
    return image.reshape(k, height // k, k, width // k).mean(axis=(0, 2))


def _area_columns_only(image, k):
    height, width = image.shape
    return image.reshape(height, width // k, k).mean(axis=2)


def _area_one_number(image, k):
    return float(image.mean())


def _area_axes_mixed(image, k):
    height, width = image.shape
    return image.reshape(height // k, width // k, k, k).mean(axis=(2, 3))


def _area_two_corners(image, k):
    return (image[::k, ::k] + image[k - 1 :: k, k - 1 :: k]) / 2


def _area_rounded(image, k):
    return area_mean(image, k).round()


def _area_rows_only(image, k):
    height, width = image.shape
    return image.reshape(height // k, k, width).mean(axis=1)


def _area_transposed(image, k):
    return area_mean(image, k).T


def _area_at_full_size(image, k):
    return np.kron(area_mean(image, k), np.ones((k, k), np.float32))


def _area_blurred(image, k):
    return uniform_filter(image, k)


def _area_blurred_then_skipped(image, k):
    return uniform_filter(image, k)[::k, ::k]


def _area_in_float64(image, k):
    return area_mean(image.astype(float), k)


_SKIPS = ("that keeps one pixel of each square and forgets the others; a coarse camera collects "
          "the light of all of them")


def _area_rows_mean_columns_kept(image, k):
    return image.reshape(image.shape[0] // k, k, -1).mean(axis=1)[:, ::k]


def _area_cases():
    def case(asks, about, height, width, k):
        rng = np.random.default_rng(height + 10 * width)
        return Case(asks, about, (rng.integers(0, 11, (height, width)).astype(np.float32) / 10, k))

    return [
        case("mean", "one square, k = 2", 2, 2, 2),
        case("mean", "two squares beside each other", 2, 4, 2),
        case("mean", "two squares below each other", 4, 2, 2),
        case("mean", "six squares, k = 2", 4, 6, 2),
        case("mean", "two squares, k = 3", 3, 6, 3),
        case("mean", "k = 1, nothing to do", 2, 3, 1),
        case("mean", "a larger picture, k = 4", 24, 36, 4),
    ]


EXERCISE = Exercise(
    "area_mean", LESSON, "write", points=2, minutes=10,
    answer=area_mean, cases=_area_cases, dtype="float32",
    asks={
        "mean": "each coarse pixel is the mean of its k × k fine ones",
        "shape": "the coarse picture has the shape (H/k, W/k)",
        "float32": "a numpy array comes back, float32 as the picture is",
    },
    ladder=(
        "give every square axes of its own, and take the mean over those",
        "reshape (H, W) to four axes: rows of squares, rows within a square, columns of squares, "
        "columns within a square. Then take the mean over the second and the fourth",
    ),
    blanks=("height // k, k, width // k, k", "axis=(1, 3)"),
    mistakes=(
        Mistake("mean", _area_every_kth, _SKIPS),
        Mistake("mean", _area_middle_pixel, _SKIPS),
        Mistake("mean", _area_sum, "that is the sum; the mean stays between 0 and 1"),
        Mistake("mean", _area_largest, "that is the largest of each square; take the mean"),
        Mistake("mean", _area_median, "that is the median of each square; take the mean"),
        Mistake("mean", _area_axes_mixed,
                "a square's rows do not lie next to each other in memory: cut each axis in two of "
                "its own, rows into (H/k, k) and columns into (W/k, k)"),
        Mistake("mean", _area_blocks_mixed,
                "a square's rows do not lie next to each other in memory: cut each axis in two of "
                "its own, rows into (H/k, k) and columns into (W/k, k)"),
        Mistake("shape", _area_wrong_axes,
                "the mean runs over other axes: of (H/k, k, W/k, k), both that have length k lie "
                "within a square"),
        Mistake("shape", _area_divided,
                "H/k is a number with a fraction to Python; // gives a whole one"),
        Mistake("shape", _area_columns_only, "only columns were merged; rows must be, too"),
        Mistake("shape", _area_one_number,
                "that is the mean of the whole picture; take one a square"),
        Mistake("mean", _area_two_corners, _SKIPS),
        Mistake("mean", _area_rounded, "the mean is rounded; grey values lie between 0 and 1"),
        Mistake("shape", _area_rows_only, "only rows were merged; columns must be, too"),
        Mistake("shape", _area_transposed, "rows and columns are swapped"),
        Mistake("shape", _area_at_full_size,
                "the result is as large as the picture; give the small picture, one pixel a "
                "square"),
        Mistake("shape", _area_blurred,
                "that is a moving average, as large as the picture; squares do not overlap"),
        Mistake("mean", _area_blurred_then_skipped,
                "a moving average is centred on its pixel, so these squares begin too early; and "
                "at the edge they see pixels that do not exist"),
        Mistake("float32", _area_in_float64,
                "the picture is float32, and so should the small one be"),
        Mistake("mean", _area_rows_mean_columns_kept,
                "the mean runs over rows only; of the columns every k-th is kept and the others "
                "are forgotten"),
    ),
)  # fmt: skip
