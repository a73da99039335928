"""Kinds of transforms, and one after the other: all that moves pixels in one sampling."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from cellkit import checks


@dataclass(frozen=True)
class Transform(ABC):
    """What all transforms share.

    Parameters
    ----------
    strength : float or (float, float)
        How strong, in the transform's ``unit``; 0 changes nothing.  A number: drawn between 0 and
        it.  A pair: drawn between the two.  Where there are two directions (left and right,
        larger and smaller, brighter and darker), one is drawn too.
    p : float
        How often it is done at all, from 0 to 1.
    """

    strength: float | tuple[float, float]
    p: float = 1.0

    unit: ClassVar[str]  # what strength is counted in
    most: ClassVar[float]  # the end of a slider, beyond what helps a training

    def __post_init__(self):
        name = type(self).__name__
        try:
            low, high = self.between
            fits = 0 <= low <= high < math.inf
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise ValueError(
                f"{name}: strength is {self.strength!r}, expected a number of at least 0, or two, "
                f"the smaller first, in {self.unit}."
            )
        checks.number(f"{name}: p", self.p, "a probability from 0 to 1", lambda p: 0 <= p <= 1)

    @property
    def between(self) -> tuple[float, float]:
        """The weakest and the strongest."""
        return self.strength if np.ndim(self.strength) else (0.0, self.strength)

    def at(self, strength: float) -> Transform:
        """The same, always done and exactly so strong; only direction and place are drawn."""
        return replace(self, strength=(strength, strength), p=1.0)

    def __call__(self, image, labels, rng):
        return Pipeline(self)(image, labels, rng)


class Move(Transform):
    """A transform that moves every pixel along straight lines."""

    @abstractmethod
    def matrix(self, strength, shape, rng) -> np.ndarray:
        """Where a pixel comes from: (x, y, 1), in pixels from the centre → the same, (3, 3)."""


class Bend(Transform):
    """A transform that moves every pixel its own way."""

    @abstractmethod
    def field(self, strength, shape, rng) -> np.ndarray:
        """Arrows (x, y) to where a pixel comes from, in pixels, a new float32 (H, W, 2)."""


class Paint(Transform):
    """A transform that moves nothing but changes grey values."""

    @abstractmethod
    def paint(self, image, strength, rng) -> np.ndarray:
        """The image repainted, a new array; what leaves [0, 1] is clipped afterwards."""


@dataclass(frozen=True, init=False)
class Pipeline:
    """Transforms one after the other; neighbours that move pixels are done in *one* sampling.

    Flip, turn, zoom, shear and bend first become one map from each pixel to where it comes from;
    then the image is sampled once, bilinear, and the labels once, by nearest neighbour.  That
    is fast, and blurs once instead of five times.

    Parameters
    ----------
    *steps : Transform or callable(image, labels, rng)
    outside : {"mirror", "black"}
        What is seen beyond the edge.  A mirrored part of a cell keeps the cell's number; where
        each number must be one piece (boxes, counts) take "black": image and labels 0.
    note : str
        Printed with it.

    Notes
    -----
    Called with ``image`` float32 (H, W) or (H, W, 3) in [0, 1], ``labels`` int32 (H, W) or None
    and a ``numpy.random.Generator``, it returns both at the same size and of the same kind,
    with no label that was not there.  TypeError and ValueError for anything else; only the
    labels' numbers are not looked at.
    """

    steps: tuple[Callable, ...]
    outside: str
    note: str

    def __init__(self, *steps: Callable, outside: str = "mirror", note: str = ""):
        checks.one_of("outside", outside, ("mirror", "black"))
        for step in steps:
            if not callable(step) or isinstance(step, type):
                raise TypeError(
                    f"a step is {step!r}, expected a transform or a function (image, labels, "
                    "rng); a transform needs its brackets, e.g. Rotate(90)."
                )
        for name, value in (("steps", steps), ("outside", outside), ("note", note)):
            object.__setattr__(self, name, value)

    def __call__(self, image, labels, rng):
        check(image, labels, rng)
        matrix, field = np.eye(3), None
        for step in self.steps:
            if not isinstance(step, Transform):
                image, labels = _sampled(image, labels, matrix, field, self.outside)
                matrix, field = np.eye(3), None
                image, labels = step(image, labels, rng)
                continue
            if rng.random() >= step.p:
                continue
            strength, shape = rng.uniform(*step.between), image.shape[:2]
            if isinstance(step, Move):
                matrix = matrix @ step.matrix(strength, shape, rng)
            elif isinstance(step, Bend):
                bend = _turned(step.field(strength, shape, rng), matrix[:2, :2])
                field = bend if field is None else field + bend
            else:
                image, labels = _sampled(image, labels, matrix, field, self.outside)
                matrix, field = np.eye(3), None
                image = step.paint(image, strength, rng)
                np.clip(image, 0, 1, out=image)
        return _sampled(image, labels, matrix, field, self.outside)

    def __str__(self):
        return "\n".join([*map(str, self.steps), *([self.note] if self.note else [])])


# The steps ---------------------------------------------------------------------------------------


def _turned(field, linear):
    """Arrows drawn on what moves have made of the picture, in pixels of the one that is sampled."""
    if (linear == np.eye(2)).all():
        return field
    return (field.reshape(-1, 2) @ linear.T.astype(np.float32)).reshape(field.shape)


def _sampled(image, labels, matrix, field, outside):
    """Each pixel fetched from where matrix and arrows say: one sampling."""
    signs = np.diag(matrix)[:2]
    if field is None and (abs(signs) == 1).all() and (matrix == np.diag([*signs, 1])).all():
        across, down = (slice(None, None, int(sign)) for sign in signs)  # flips need no sampling
        return tuple(None if array is None else np.ascontiguousarray(array[down, across])
                     for array in (image, labels))
    import torch
    from torch.nn.functional import grid_sample

    height, width = image.shape[:2]
    x = np.arange(width, dtype=np.float32) - (width - 1) / 2
    y = np.arange(height, dtype=np.float32)[:, None] - (height - 1) / 2
    # In place throughout: here fresh memory costs more than arithmetic.
    grid = np.zeros((height, width, 2), np.float32) if field is None else field
    for axis, side in enumerate((width, height)):
        a, b, c = matrix[axis].astype(np.float32)
        grid[..., axis] += a * x + c
        grid[..., axis] += b * y
        grid[..., axis] *= np.float32(2 / side)  # torch counts from -1 to 1
    grid = torch.from_numpy(grid)[None]
    beyond = "reflection" if outside == "mirror" else "zeros"

    def fetch(values, mode):
        values = torch.from_numpy(values)[None]
        return grid_sample(values, grid.to(values.dtype), mode, beyond, align_corners=False)[0]

    moved = fetch(planes(image), "bilinear").clamp_(0, 1).numpy()
    if labels is not None:
        # Floats carry whole numbers exactly, but only so far.
        exact = np.float32 if labels.max() < 2**24 else np.float64
        labels = fetch(planes(labels).astype(exact), "nearest")[0].to(torch.int32).numpy()
    return picture(moved, image.ndim), labels


def planes(image):
    """Channels first, as torch wants them; views with negative strides become whole."""
    return np.ascontiguousarray(image[None] if image.ndim == 2 else np.moveaxis(image, 2, 0))


def picture(planes, ndim):
    """Back to (H, W) or (H, W, C)."""
    return planes[0] if ndim == 2 else np.ascontiguousarray(np.moveaxis(planes, 0, 2))


def check(image, labels, rng):
    """Refuse what no augmentation can take."""
    checks.generator(rng)
    checks.array("the image", image, np.float32, "scale it with "
                 "cellkit.datasets.scale_image(image) first")
    checks.image("the image", image)
    if labels is None:
        return
    checks.array("labels", labels, np.int32, "convert with .astype('int32')")
    checks.same_shape("labels", labels.shape, "the image", image.shape[:2],
                      "give the labels of this very image, at the same size")
