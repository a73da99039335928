"""The exercises of lesson 04_super_resolution."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, uniform_filter
from skimage.measure import block_reduce

from cellkit.degradation import enlarge as resize
from cellkit.degradation import shrink
from cellkit.metrics import psnr as decibels
from cellkit_course.exercise import Case, Exercise, Fault, Mistake, difference, present

LESSON = "04_super_resolution"

# --- area_mean ---------------------------------------------------------------------------------


def area_mean(image, k):
    """Each square of k × k pixels as one pixel: their mean."""
    height, width = image.shape
    squares = image.reshape(height // k, k, width // k, k)
    return squares.mean(axis=3).mean(axis=1)


def area_mean_by_adding(image, k):
    total = 0
    for place in range(k * k):
        total = total + image[place // k :: k, place % k :: k]
    return total / np.float32(k * k)


def area_mean_square_by_square(image, k):
    small = np.empty([side // k for side in image.shape], image.dtype)
    for i in range(small.shape[0]):
        for j in range(small.shape[1]):
            small[i, j] = image[k * i : k * i + k, k * j : k * j + k].mean()
    return small


def area_mean_by_scikit_image(image, k):
    return block_reduce(image, (k, k), np.mean).astype(np.float32)


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


def _area_axes_mixed(image, k):
    height, width = image.shape
    return image.reshape(height // k, width // k, k, k).mean(axis=(2, 3))


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


def _area_cases():
    def case(about, height, width, k):
        rng = np.random.default_rng(height + 10 * width)
        return Case(about, (rng.integers(0, 11, (height, width)).astype(np.float32) / 10, k))

    return [
        case("one square, k = 2", 2, 2, 2),
        case("two squares beside each other", 2, 4, 2),
        case("two squares below each other", 4, 2, 2),
        case("six squares, k = 2", 4, 6, 2),
        case("two squares, k = 3", 3, 6, 3),
        case("k = 1, nothing to do", 2, 3, 1),
        case("a larger picture, k = 4", 24, 36, 4),
    ]


AREA_MEAN = Exercise(
    "area_mean", LESSON, "write", points=2, minutes=10,
    answer=area_mean, cases=_area_cases, tolerance=1e-5,
    others=(area_mean_by_adding, area_mean_square_by_square, area_mean_by_scikit_image),
    mistakes=(
        Mistake(_area_every_kth, _SKIPS),
        Mistake(_area_middle_pixel, _SKIPS),
        Mistake(_area_sum, "that is the sum; the mean stays between 0 and 1"),
        Mistake(_area_largest, "that is the largest of each square; take the mean"),
        Mistake(_area_median, "that is the median of each square; take the mean"),
        Mistake(_area_axes_mixed,
                "a square's rows do not lie next to each other in memory: cut each axis in two of "
                "its own, rows into (H/k, k) and columns into (W/k, k)"),
        Mistake(_area_rows_only, "only rows were merged; columns must be, too"),
        Mistake(_area_transposed, "rows and columns are swapped"),
        Mistake(_area_at_full_size,
                "the result is as large as the picture; give the small picture, one pixel a "
                "square"),
        Mistake(_area_blurred,
                "that is a moving average, as large as the picture; squares do not overlap"),
        Mistake(_area_blurred_then_skipped,
                "a moving average is centred on its pixel, so these squares begin too early; and "
                "at the edge they see pixels that do not exist"),
        Mistake(_area_in_float64, "the picture is float32, and so should the small one be"),
    ),
)  # fmt: skip

# --- psnr --------------------------------------------------------------------------------------


def psnr(truth, pred, peak=1.0):
    """10 log10(peak² / mean squared error) in decibels; infinite for equal pictures."""
    error = float(np.mean((truth.astype(float) - pred) ** 2))
    if error == 0:
        return float("inf")
    return 10 * math.log10(peak**2 / error)


def psnr_from_the_root(truth, pred, peak=1.0):
    root = np.sqrt(np.mean(np.square(np.float64(truth) - pred)))
    with np.errstate(divide="ignore"):
        return float(20 * np.log10(peak / root))


def psnr_in_two_logarithms(truth, pred, peak=1.0):
    difference = np.abs(np.float64(truth) - np.float64(pred)).ravel()
    if difference.max() <= 0:
        return math.inf
    return 20 * math.log10(peak) - 10 * math.log10(difference @ difference / difference.size)


def _psnr_in_bytes(truth, pred, peak=1.0):
    error = float(np.mean((truth - pred) ** 2))
    return 10 * math.log10(peak**2 / error) if error else math.inf


def _psnr_of(truth, pred, peak, square=2, factor=10, log=math.log10, mean=np.mean, power=2):
    error = float(mean(abs(truth.astype(float) - pred) ** square))
    return factor * log(peak**power / error) if error else math.inf


def _psnr_brightest(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, float(truth.max()))


def _psnr_own_range(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, float(np.ptp(truth)))


def _psnr_always_255(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, 255)


def _psnr_always_1(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, 1)


def _psnr_peak_once(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, power=1)


def _psnr_natural(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, log=math.log)


def _psnr_twenty(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, factor=20)


def _psnr_bel(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, factor=1)


def _psnr_upside_down(truth, pred, peak=1.0):
    return -_psnr_of(truth, pred, peak)


def _psnr_absolute(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, square=1)


def _psnr_summed(truth, pred, peak=1.0):
    return _psnr_of(truth, pred, peak, mean=np.sum)


def _psnr_unguarded(truth, pred, peak=1.0):
    return 10 * math.log10(peak**2 / float(np.mean((truth.astype(float) - pred) ** 2)))


def _psnr_hundred(truth, pred, peak=1.0):
    return min(psnr(truth, pred, peak), 100)


def _psnr_of_rows(truth, pred, peak=1.0):
    errors = np.mean((truth.astype(float) - pred) ** 2, axis=1)
    with np.errstate(divide="ignore"):
        return float(np.mean(10 * np.log10(peak**2 / errors)))


def _psnr_cases():
    def floats(*rows):
        return np.array(rows, np.float32)

    grey = np.random.default_rng(4).integers(0, 256, (2, 6, 9), np.uint8)
    colour = np.random.default_rng(5).random((2, 4, 3, 3), np.float32)
    return [
        Case("one pixel, off by a half", (floats([0.75]), floats([0.25]), 1.0)),
        Case("one pixel of two is off", (floats([0.5, 0.5]), floats([0.5, 0.3]), 1.0)),
        Case("two rows, one better than the other",
             (floats([0.1, 0.5], [0.4, 0.6]), floats([0.2, 0.5], [0.8, 0.2]), 1.0)),
        Case("no peak is given", (floats([0.1, 0.9]), floats([0.2, 0.6]))),
        Case("equal pictures", (floats([0.2, 0.7]), floats([0.2, 0.7]), 1.0)),
        Case("8 bits, peak 255", (np.array([[10, 200]], np.uint8), np.array([[40, 150]], np.uint8),
                                  255)),
        Case("8 bits, many pixels", (*grey, 255)),
        Case("12 bits, peak 4095", (floats([100, 4000]), floats([130, 3900]), 4095.0)),
        Case("a picture in colour", (*colour, 1.0)),
    ]


PSNR = Exercise(
    "psnr", LESSON, "write", points=2, minutes=10,
    answer=psnr, cases=_psnr_cases, tolerance=1e-5,
    others=(psnr_from_the_root, psnr_in_two_logarithms),
    mistakes=(
        Mistake(_psnr_in_bytes,
                "8 bits cannot hold a negative number, so differences wrap around; make the "
                "pictures float before you subtract"),
        Mistake(_psnr_brightest,
                "the range is that of the picture's own brightest pixel; peak says which to take, "
                "or two pictures cannot be compared"),
        Mistake(_psnr_own_range,
                "the range is that of the picture's own values; peak says which to take, or two "
                "pictures cannot be compared"),
        Mistake(_psnr_always_255, "the range is always 255 here; peak says what it is"),
        Mistake(_psnr_always_1, "the range is always 1 here; peak says what it is"),
        Mistake(_psnr_peak_once, "the error is squared, so the peak must be squared, too"),
        Mistake(_psnr_natural, "that is the natural logarithm; decibels need the one to base 10"),
        Mistake(_psnr_twenty,
                "20 belongs to the root of the error; the mean squared error takes 10"),
        Mistake(_psnr_bel, "the factor of 10 is missing: a decibel is a tenth of a bel"),
        Mistake(_psnr_upside_down,
                "the fraction is upside down: a small error must give a high number"),
        Mistake(_psnr_absolute, "the error is not squared: take the mean of the squares"),
        Mistake(_psnr_summed,
                "that is the sum of the errors; take the mean, or large pictures look worse"),
        Mistake(_psnr_unguarded,
                "equal pictures have an error of 0, and one cannot divide by it: their PSNR is "
                "infinite"),
        Mistake(_psnr_hundred,
                "a bound is arbitrary: equal pictures have no error, and the PSNR is infinite"),
        Mistake(_psnr_of_rows,
                "this is a mean of decibels over rows; take the mean of the errors of all pixels "
                "first, then one logarithm"),
    ),
)  # fmt: skip

# --- enlarge -----------------------------------------------------------------------------------


def enlarge(small, shape):
    """A small picture at another size, linear in between; centres lie at half-pixels."""
    rows = (np.arange(shape[0]) + 0.5) * small.shape[0] / shape[0] - 0.5
    columns = (np.arange(shape[1]) + 0.5) * small.shape[1] / shape[1] - 0.5
    where = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(small, where, order=1, mode="nearest")


def enlarge_one_axis_at_a_time(small, shape):
    for new in reversed(shape):  # columns, then rows: each turn swaps the axes
        centres, wanted = ((np.arange(n) + 0.5) / n for n in (small.shape[1], new))
        small = np.array([np.interp(wanted, centres, line) for line in small], np.float32).T
    return small


def enlarge_by_torch(small, shape):
    import torch
    from torch.nn.functional import interpolate

    batch = torch.from_numpy(small)[None, None]
    large = interpolate(batch, tuple(shape), mode="bilinear", align_corners=False)
    return large.reshape(tuple(shape)).numpy()


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


def _enlarge_cases():
    def case(about, small, shape):
        small = np.random.default_rng(sum(small)).integers(0, 11, small) / 10
        return Case(about, (small.astype(np.float32), shape))

    return [
        case("two pixels beside each other become four", (1, 2), (1, 4)),
        case("two pixels below each other become four", (2, 1), (4, 1)),
        case("2 × 2 pixels become 4 × 4", (2, 2), (4, 4)),
        case("one pixel becomes nine", (1, 1), (3, 3)),
        case("nothing to enlarge", (3, 2), (3, 2)),
        case("rows are doubled, columns become four times as many", (3, 4), (6, 16)),
        case("no whole factor", (5, 3), (12, 10)),
    ]


ENLARGE = Exercise(
    "enlarge", LESSON, "bug", points=3, minutes=10,
    answer=enlarge, cases=_enlarge_cases, tolerance=1e-5,
    others=(enlarge_one_axis_at_a_time, enlarge_by_torch),
    mistakes=(
        Mistake(_enlarge_colleague, _STRETCHED),
        Mistake(_enlarge_corners, _SLID),
        Mistake(_enlarge_not_back, _SLID),
        Mistake(_enlarge_only_back, _SLID),
        Mistake(_enlarge_other_half, _SLID),
        Mistake(_enlarge_nearest,
                "this repeats the nearest pixel; the task asks for linear in between"),
        Mistake(_enlarge_cubic, "this is a cubic spline; the task asks for linear in between"),
        Mistake(_enlarge_black_edge,
                "beyond the outermost centres nothing is known, and here it becomes black; repeat "
                "the edge"),
        Mistake(_enlarge_mirrored,
                "beyond the edge the picture goes on at its other side; repeat the edge"),
        Mistake(_enlarge_ratio,
                "the ratio is upside down: many large pixels lie within one small pixel"),
        Mistake(_enlarge_one_ratio, "rows and columns each have their own ratio"),
        Mistake(_enlarge_transposed, "rows and columns are swapped"),
        Mistake(_enlarge_in_float64, "the picture is float32, and so should the large one be"),
    ),
)  # fmt: skip

# --- mse_guess ---------------------------------------------------------------------------------

#: Two rows of two pixels that look the same from afar, and how often each was seen.
ROWS, SHARES = ((0.8, 0.2), (0.2, 0.8)), (0.8, 0.2)


def mse_guess():
    """The two grey values that the mean squared error likes best."""
    return 0.68, 0.32


def mse_guess_computed():
    return 0.8 * np.array([0.8, 0.2]) + 0.2 * np.array([0.2, 0.8])


def mse_guess_in_a_list():
    return [0.6800001, 0.32]


def _guess_likeliest():
    return 0.8, 0.2


def _guess_grey():
    return 0.5, 0.5


def _guess_reversed():
    return 0.32, 0.68


def _guess_first_term():
    return 0.64, 0.16


def _guess_halfway():
    return 0.65, 0.35


def _guess_one_number():
    return 0.68


def _guess_words():
    return "bright", "dark"


def _guess_percent():
    return 68, 32


@lru_cache(maxsize=1)
def _measured_best():
    """Where the expected squared error is lowest, by trying all pairs of a fine grid."""
    grey = np.arange(1001) / 1000
    return tuple(
        float(grey[np.argmin(sum(share * (grey - row[k]) ** 2
                                 for row, share in zip(ROWS, SHARES, strict=True)))])
        for k in (0, 1)
    )


def _judge_greys(case, outcome, again):
    wanted, value = "two grey values between 0 and 1, left and right", outcome.value
    try:
        greys = np.asarray(value, float)
    except (TypeError, ValueError):
        return Fault(present(value), wanted)
    if greys.shape != (2,) or not ((greys >= 0) & (greys <= 1)).all():
        return Fault(present(value), wanted)
    if abs(greys - _measured_best()).max() <= 0.005:
        return None
    error = sum(share * np.mean((greys - row) ** 2)
                for row, share in zip(ROWS, SHARES, strict=True))
    return Fault(f"{present(value)}, with an expected squared error of {error:.4f}",
                 "the pair with the lowest expected squared error")


MSE_GUESS = Exercise(
    "mse_guess", LESSON, "predict", points=2, minutes=5,
    answer=mse_guess, cases=lambda: [Case("your guess")], judge=_judge_greys,
    others=(mse_guess_computed, mse_guess_in_a_list),
    mistakes=(
        Mistake(_guess_likeliest,
                "that is the likelier row: four times out of five no error at all, but once a "
                "large one, and large errors count by their square"),
        Mistake(_guess_grey,
                "grey would be best if both rows were equally likely; one is four times as likely"),
        Mistake(_guess_reversed, "left and right are swapped: which row is the likelier one?"),
        Mistake(_guess_first_term,
                "that is only the first row's part: add the second row, weighted by its share"),
        Mistake(_guess_halfway,
                "half-way between grey and the likelier row is near; the shares of the two rows "
                "say exactly where"),
        Mistake(_guess_one_number, "there are two pixels: give two grey values"),
        Mistake(_guess_words, "give two numbers, as they are without quotes"),
        Mistake(_guess_percent, "grey values lie between 0, black, and 1, white"),
    ),
)  # fmt: skip

# --- sharper -----------------------------------------------------------------------------------

#: What has to be won over bicubic, in decibels, mean over the test pictures.
GAIN = 0.35
LINES = ("A172", "BT474", "BV2", "Huh7", "MCF7", "SkBr3")


def sharper(small, shape):
    """A better picture than bicubic makes: what was damped is pushed up again."""
    large = resize(small, shape)
    return np.clip(large + 0.6 * (large - gaussian_filter(large, 1)), 0, 1)


def sharper_by_lanczos(small, shape):
    large = resize(small, shape, "lanczos")
    return np.clip(1.4 * large - 0.4 * gaussian_filter(large, 1), 0, 1)


def sharper_by_back_projection(small, shape):
    """Shrunk again, the large picture must give the small one; what lacks is added."""
    large = resize(small, shape)
    for _ in range(4):
        lack = small - area_mean(large, shape[0] // small.shape[0])
        large = np.clip(large + enlarge(lack, shape), 0, 1)
    return large


def _sharper_bicubic(small, shape):
    return resize(small, shape)


def _sharper_lanczos(small, shape):
    return resize(small, shape, "lanczos")


def _sharper_nearest(small, shape):
    return resize(small, shape, "nearest")


def _sharper_blurred(small, shape):
    return gaussian_filter(resize(small, shape), 1)


def _sharper_too_much(small, shape):
    large = resize(small, shape)
    return np.clip(large + 3 * (large - gaussian_filter(large, 1)), 0, 1)


def _sharper_too_wide(small, shape):
    large = resize(small, shape)
    return np.clip(large + 0.6 * (large - gaussian_filter(large, 8)), 0, 1)


def _sharper_details_alone(small, shape):
    large = resize(small, shape)
    return np.clip(large - gaussian_filter(large, 1), 0, 1)


def _sharper_unclipped(small, shape):
    large = resize(small, shape)
    return large + 0.6 * (large - gaussian_filter(large, 1))


def _sharper_stretched(small, shape):
    large = resize(small, shape)
    return (large - large.min()) / (large.max() - large.min())


def _sharper_small(small, shape):
    return small


_SAME = "that is no better than bicubic; the spectra show which waves are damped: push them up"
_SOME = "better than bicubic, but not far enough: what survived is still damped, push it up more"
_MUCH = "too much: edges now overshoot by more than they lacked; push less"
_WORSE = "worse than bicubic: a wrong push costs more than none; begin with a small one"
_STEP = (24, 32)


@lru_cache(maxsize=1)
def _sharp_pictures():
    from cellkit import synthetic

    return [synthetic.render(line, (128, 160), 50_000 + 4 * k).image
            for k, line in enumerate(LINES)]


def _sharper_cases():
    step = np.zeros((12, 16), np.float32)
    step[:, 8:] = 1
    return [Case("a step from black to white, which must stay between 0 and 1", (step, _STEP)),
            Case("six synthetic pictures at M = 1/2",
                 (shrink(_sharp_pictures()[0], 1 / 2), (128, 160)))]


def _gain(answer):
    """Decibels above bicubic, mean over the pictures; None where there is no picture."""
    gains = []
    for truth in _sharp_pictures():
        small = shrink(truth, 1 / 2)
        large = answer(small, truth.shape)
        if large is None or np.shape(large) != truth.shape:
            return None
        gains.append(decibels(truth, np.clip(large, 0, 1).astype(np.float32))
                     - decibels(truth, resize(small, truth.shape)))
    return float(np.mean(gains))


def _judge_sharper(case, outcome, again):
    shape, value = case.args[1], outcome.value
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        value = value.astype(np.float32)  # any float will do
    wrong = difference(value, np.zeros(shape, np.float32), tolerance=1e9)
    if wrong:
        return wrong
    low, high = float(value.min()), float(value.max())
    if not (low >= -1e-6 and high <= 1 + 1e-6):
        return Fault(f"grey values from {low:.3f} to {high:.3f}", "0 to 1",
                     "sharpening overshoots at edges: cut what is below 0 and above 1")
    if shape == _STEP:
        return None
    gain = _gain(again)
    if gain is not None and gain >= GAIN:
        return None
    came = "no picture" if gain is None else f"{gain:+.2f} dB against bicubic"
    hint = "" if gain is None else _SOME if gain > 0.02 else _WORSE if gain < -0.02 else _SAME
    return Fault(came, f"at least {GAIN:+.2f} dB, mean over the pictures", hint)


SHARPER = Exercise(
    "sharper", LESSON, "tune", points=5, minutes=20,
    answer=sharper, cases=_sharper_cases, judge=_judge_sharper,
    others=(sharper_by_lanczos, sharper_by_back_projection),
    mistakes=(
        Mistake(_sharper_bicubic, _SAME),
        Mistake(_sharper_lanczos, _SOME),
        Mistake(_sharper_nearest, "squares have sharp borders, but in the wrong places"),
        Mistake(_sharper_blurred,
                "this is smoother than bicubic; sharpening adds what a blur would take away"),
        Mistake(_sharper_too_much, _MUCH),
        Mistake(_sharper_too_wide,
                "the blur is so wide that whole cells are pushed; only the finest waves were "
                "damped"),
        Mistake(_sharper_details_alone,
                "these are the details alone; add them to the picture"),
        Mistake(_sharper_unclipped,
                "sharpening overshoots at edges: cut what is below 0 and above 1"),
        Mistake(_sharper_stretched,
                "stretching the grey values changes all waves alike; only the fine ones were "
                "damped"),
        Mistake(_sharper_small, "that is still the small picture: enlarge it to shape"),
    ),
)  # fmt: skip

EXERCISES = (AREA_MEAN, PSNR, ENLARGE, MSE_GUESS, SHARPER)
