"""diameter: write a function (lesson 08_your_own_pictures)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_08 import LESSON


def diameter(labels):
    """The median diameter of the cells, in pixels; 0 where there is none."""
    areas = np.unique(labels[labels > 0], return_counts=True)[1]
    return float(np.median(2 * np.sqrt(areas / np.pi))) if len(areas) else 0.0


def _areas(labels):
    return np.unique(labels[labels > 0], return_counts=True)[1]


def _circles(areas):
    return float(np.median(2 * np.sqrt(np.asarray(areas) / np.pi))) if len(areas) else 0.0


def _diameter_mean(labels):
    areas = _areas(labels)
    return float(np.mean(2 * np.sqrt(areas / np.pi))) if len(areas) else 0.0


def _diameter_of_the_mean_area(labels):
    areas = _areas(labels)
    return float(2 * np.sqrt(areas.mean() / np.pi)) if len(areas) else 0.0


def _diameter_radius(labels):
    return diameter(labels) / 2


def _diameter_area(labels):
    return float(np.median(_areas(labels))) if labels.any() else 0.0


def _diameter_square(labels):
    return float(np.median(np.sqrt(_areas(labels)))) if labels.any() else 0.0


def _diameter_box(labels):
    boxes = [box for box in ndimage.find_objects(labels) if box]
    sides = [max(s.stop - s.start for s in box) for box in boxes]
    return float(np.median(sides)) if sides else 0.0


def _diameter_with_background(labels):
    return _circles(np.unique(labels, return_counts=True)[1])


def _diameter_numbers_in_a_row(labels):
    return _circles([(labels == k).sum() for k in range(1, labels.max() + 1)])


def _diameter_up_to_the_count(labels):
    return _circles([(labels == k).sum() for k in range(1, len(np.unique(labels)))])


def _diameter_of_pieces(labels):
    pieces, count = ndimage.label(labels > 0)
    return _circles([(pieces == k).sum() for k in range(1, count + 1)])


def _diameter_largest(labels):
    return float(2 * np.sqrt(_areas(labels).max() / np.pi)) if labels.any() else 0.0


def _diameter_nothing(labels):
    with np.errstate(all="ignore"):
        areas = _areas(labels)
        return float(np.median(2 * np.sqrt(areas / np.pi))) if len(areas) else float("nan")


def _diameter_of_each(labels):
    return 2 * np.sqrt(_areas(labels) / np.pi)


def _diameter_of_the_median_area(labels):
    areas = _areas(labels)
    return _circles([np.median(areas)]) if len(areas) else 0.0


def _diameter_upper_middle(labels):
    areas = sorted(_areas(labels))
    return _circles([areas[len(areas) // 2]]) if areas else 0.0


def _diameter_with_background_if_any(labels):
    return _diameter_with_background(labels) if labels.any() else 0.0


def _diameter_without_the_first(labels):
    return _circles(np.unique(labels, return_counts=True)[1][1:])


def _diameter_cases():
    def drawn(*rows):
        return np.array([[int(c) for c in row.replace(".", "0")] for row in rows], np.int32)

    rng = np.random.default_rng(8)
    many = np.zeros((40, 50), np.int32)
    for k, (r, c) in enumerate(rng.integers(3, 40, (9, 2)) % (36, 46)):
        many[r - 3 : r + 2 + k // 3, c - 3 : c + 1 + k % 4] = 3 * k + 2
    return [
        Case("none", "no cell", (np.zeros((3, 4), np.int32),)),
        Case("circle", "one cell of 12 pixels", (drawn("......", ".1111.", ".1111.", ".1111."),)),
        Case("circle", "one long cell of 7 pixels", (drawn(".........", ".1111111."),)),
        Case("median", "three cells, one of them a giant",
             (drawn("11.3333333", "11.3333333", "...3333333", "222.333333", "222.333333"),)),
        Case("cells", "two cells that touch, and none with the number 1",
             (drawn(".......", ".22255.", ".22255.", "......."),)),
        Case("cells", "three cells that fill the picture", (drawn("1122", "1122", "1133"),)),
        Case("median", "nine cells", (many,)),
    ]


EXERCISE = Exercise(
    "diameter", LESSON, "write", points=2, minutes=6,
    answer=diameter, cases=_diameter_cases,
    asks={
        "median": "the answer is the median over the cells, one number",
        "circle": "a cell's diameter is that of a circle of its area",
        "cells": "each number above 0 that occurs is one cell, and 0 is none",
        "none": "where there is no cell, the answer is 0",
    },
    ladder=(
        "count the pixels of each cell; a circle of so many pixels has a diameter",
        "np.unique counts how often each number occurs. Leave the 0 out. The area of a circle is "
        "pi times the square of half its diameter, so solve that for the diameter, then take the "
        "median. Treat the picture without cells first",
    ),
    blanks=("labels[labels > 0]", "2 * np.sqrt(areas / np.pi)"),
    mistakes=(
        Mistake("median", _diameter_mean,
                "that is the mean: one giant or one crumb moves it; the median it does not"),
        Mistake("median", _diameter_of_the_mean_area,
                "that is the circle of the mean area: one giant moves it; take the median"),
        Mistake("circle", _diameter_radius, "that is the radius, half of the diameter"),
        Mistake("circle", _diameter_area,
                "that is an area, in square pixels; what is the diameter of such a circle?"),
        Mistake("circle", _diameter_square,
                "that is the side of a square of this area; a circle's diameter is a little more"),
        Mistake("circle", _diameter_box,
                "that is the longer side of the box around a cell; a long thin cell has a large "
                "box and little area"),
        Mistake("cells", _diameter_with_background,
                "the background was counted as a cell: it has the number 0"),
        Mistake("cells", _diameter_numbers_in_a_row,
                "numbers may be missing in between: a cell that is not there has no diameter"),
        Mistake("cells", _diameter_up_to_the_count,
                "a picture with two cells may number them 2 and 5: go through those that occur"),
        Mistake("cells", _diameter_of_pieces,
                "two cells that touch became one piece; the labels tell them apart"),
        Mistake("median", _diameter_largest, "that is the largest cell; take the median of all"),
        Mistake("none", _diameter_nothing,
                "without cells there is no median: treat that case first, its answer is 0"),
        Mistake("median", _diameter_of_each,
                "these are the diameters of all cells; the median of them is asked for"),
        Mistake("median", _diameter_of_the_median_area,
                "that is the circle of the median area; of an even number of cells it is not the "
                "median of the diameters: a diameter for each cell first, then the median"),
        Mistake("median", _diameter_upper_middle,
                "of an even number of cells the median is the mean of the two in the middle"),
        Mistake("cells", _diameter_with_background_if_any,
                "the background was counted as a cell: it has the number 0"),
        Mistake("cells", _diameter_without_the_first,
                "the first number is left out as background; where cells fill the picture, it is a "
                "cell"),
    ),
)  # fmt: skip
