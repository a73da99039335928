"""edge_band: write a function (lesson 05_double_unet)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_05 import LESSON


def edge_band(mask, width=2):
    """True where a pixel of the other kind lies at most ``width`` away, centre to centre."""
    if mask.all() or not mask.any():
        return np.zeros_like(mask)
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.where(mask, inside, outside) <= width


def _band_square(mask, width=2):
    square = np.ones((2 * width + 1, 2 * width + 1), bool)
    return ndimage.binary_dilation(mask, square) & ndimage.binary_dilation(~mask, square)


def _band_diamond(mask, width=2):
    grow = ndimage.binary_dilation
    return grow(mask, iterations=width) & grow(~mask, iterations=width)


def _band_inside(mask, width=2):
    return edge_band(mask, width) & mask


def _band_outside(mask, width=2):
    return edge_band(mask, width) & ~mask


def _band_too_narrow(mask, width=2):
    if mask.all() or not mask.any():
        return np.zeros_like(mask)
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.where(mask, inside, outside) < width


def _band_with_frame(mask, width=2):
    y, x = np.ogrid[-width : width + 1, -width : width + 1]
    disc = y * y + x * x <= width * width
    return ndimage.binary_dilation(mask, disc) & ~ndimage.binary_erosion(mask, disc)


def _band_eroded_in_steps(mask, width=2):
    grown = ndimage.binary_dilation(mask, iterations=width)
    return grown & ~ndimage.binary_erosion(mask, iterations=width)


def _band_unguarded(mask, width=2):
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.where(mask, inside, outside) <= width


def _band_rest(mask, width=2):
    return ~edge_band(mask, width)


def _band_three_wide(mask, width=3):
    return edge_band(mask, width)


def _band_always_two(mask, width=2):
    return edge_band(mask, 2)


def _band_in_numbers(mask, width=2):
    return edge_band(mask, width).astype(np.uint8)


def _band_too_wide(mask, width=2):
    return edge_band(mask, width + 1)


def _band_grown_only(mask, width=2):
    return ndimage.binary_dilation(mask, iterations=width)


def _band_framed_distances(mask, width=2):
    inside = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    if not mask.any():
        return np.zeros_like(mask)
    outside = ndimage.distance_transform_edt(~mask)
    return np.where(mask, inside, outside) <= width


def _band_all_if_full(mask, width=2):
    return edge_band(mask, width) | mask.all()


def _band_of_distances(mask, width=2):
    return np.where(mask, ndimage.distance_transform_edt(mask),
                    ndimage.distance_transform_edt(~mask))


def _band_and_background(mask, width=2):
    return edge_band(mask, width) | (~mask if mask.any() and not mask.all() else mask & False)


def _band_half_a_pixel_more(mask, width=2):
    return edge_band(mask, width + 0.5)


def _band_from_the_outline(mask, width=2):
    line = _band_diamond(mask, 1)
    return ndimage.distance_transform_edt(~line) <= width if line.any() else line


def _band_around_the_picture(mask, width=2):
    steps = [(y, x) for y in range(-width, width + 1) for x in range(-width, width + 1)
             if y * y + x * x <= width * width]
    return np.any([np.roll(mask, step, (0, 1)) != mask for step in steps], axis=0)


def _band_always_one(mask, width=2):
    return edge_band(mask, 1)


def _band_everywhere(mask, width=2):
    if mask.all() or not mask.any():
        return np.zeros_like(mask)
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return (inside <= width) | (outside <= width)


def _band_around_the_rim(mask, width=2):
    rim = mask & ndimage.binary_dilation(~mask)
    if not rim.any():
        return np.zeros_like(mask)
    return ndimage.distance_transform_edt(~rim) <= width - 1


def _band_cases():
    def mask(*rows):
        return np.array([[c == "#" for c in row] for row in rows])

    rng = np.random.default_rng(1)
    blobs = ndimage.gaussian_filter(rng.standard_normal((24, 31)), 2.5) > 0
    return [
        Case("both", "a straight border, width 1", (mask("###...", "###..."), 1)),
        Case("width", "a straight border, width not given", (mask("####.....", "####....."),)),
        Case("straight", "one lonely pixel, width 1",
             (mask(".....", ".....", "..#..", ".....", "....."), 1)),
        Case("straight", "a corner, width 2",
             (mask("......", "......", "......", "...###", "...###", "...###"), 2)),
        Case("empty", "no cell at all", (mask("....", "....", "...."), 2)),
        Case("empty", "nothing but cell", (mask("####", "####", "####"), 2)),
        Case("frame", "a cell in the picture's corner",
             (mask("####..", "####..", "......", "......"), 2)),
        Case("straight", "blobs, width 3", (blobs, 3)),
    ]


_EUCLID = ("at a corner this reaches too far or not far enough: the distance is measured in a "
           "straight line, so what lies within is a disc")
_BOTH = "the band has two sides: pixels of the cell and pixels of the background"
_FRAME = "the picture's frame became a border; what lies outside is not known, so it is none"
_EMPTY = ("without a border there is no band: look at what your code does when the mask is all "
          "cell, or has none")

EXERCISE = Exercise(
    "edge_band", LESSON, "write", points=3, minutes=8,
    answer=edge_band, cases=_band_cases,
    asks={
        "distance": "a pixel belongs to the band if one of the other kind is at most width away",
        "both": "the band has pixels on both sides of the outline",
        "straight": "the distance is measured in a straight line, centre to centre",
        "width": "width is 2 if it is not given",
        "frame": "the picture's frame is no border",
        "empty": "without an outline there is no band",
        "bool": "a bool array (H, W) comes back",
    },
    ladder=(
        "for each cell pixel: how far is the nearest background pixel? For each background pixel: "
        "how far is the nearest cell pixel?",
        "distance_transform_edt(m) answers the question for the pixels that are True in m. Do it "
        "for the mask and for its opposite, and choose by the mask. Where there is no other kind "
        "at all, the answer is known without it",
    ),
    blanks=("np.where(mask, inside, outside)", "mask.all() or not mask.any()"),
    mistakes=(
        Mistake("straight", _band_square, _EUCLID),
        Mistake("straight", _band_diamond, _EUCLID),
        Mistake("both", _band_inside, _BOTH),
        Mistake("both", _band_outside, _BOTH),
        Mistake("distance", _band_too_narrow,
                "one pixel too narrow: a pixel that is exactly width away belongs to the band"),
        Mistake("frame", _band_with_frame, _FRAME),
        Mistake("frame", _band_eroded_in_steps,
                "binary_erosion takes what lies outside the picture for background, so the frame "
                "became a border; and iterations go in steps, not in a straight line"),
        Mistake("empty", _band_unguarded, _EMPTY),
        Mistake("distance", _band_rest, "that is everything but the band"),
        Mistake("width", _band_three_wide, "width is 2 where it is not given"),
        Mistake("width", _band_always_two, "width is not used"),
        Mistake("bool", _band_in_numbers, "the band is bool: True or False for each pixel"),
        Mistake("distance", _band_too_wide,
                "one pixel too wide: at most width away, centre to centre"),
        Mistake("both", _band_and_background,
                "all of the background is in the band: its distance to itself is 0; for it, "
                "measure the distance to the cell"),
        Mistake("straight", _band_half_a_pixel_more,
                "half a pixel too far: the distance goes from centre to centre, not to the edge of "
                "a pixel"),
        Mistake("distance", _band_from_the_outline,
                "one pixel too wide: the distance is measured to the pixels along the outline, of "
                "either kind; measure to those of the other kind"),
        Mistake("frame", _band_around_the_picture,
                "np.roll brings back at one side what leaves at the other; so the picture's frame "
                "became a border"),
        Mistake("width", _band_always_one, "width is not used: this is the thin outline alone"),
        Mistake("both", _band_grown_only,
                "that is the grown cell; its inside does not belong to the band"),
        Mistake("frame", _band_framed_distances, _FRAME),
        Mistake("empty", _band_all_if_full, _EMPTY),
        Mistake("bool", _band_of_distances,
                "these are the distances; say where they are small enough"),
        Mistake("both", _band_everywhere,
                "every pixel is in the band: each of the two distances is 0 for half of the "
                "pixels; take for each pixel the distance to the other kind"),
        Mistake("both", _band_around_the_rim,
                "the band is laid around the cell's outermost pixels, so outside it is too narrow: "
                "measure from each side to the other kind"),
    ),
)  # fmt: skip
