"""What may be done to a picture, how strongly, and how far a slider may go."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from skimage.color import hed_from_rgb, rgb_from_hed

from cellkit import checks
from cellkit.augment.pipeline import Bend, Move, Paint, check, picture, planes
from cellkit.resampling import resample


def turn_and_flip(image, labels, rng):
    """One of the eight ways to lay a picture on a table; no pixel changes its value.

    Parameters
    ----------
    image : ndarray, float32, (H, W) or (H, W, 3)
    labels : ndarray, int32, (H, W), or None
        Moved along with the image.
    rng : numpy.random.Generator

    Returns
    -------
    image, labels
        As given; where H and W differ only half turns are made, so that the shape stays.
    """
    checks.generator(rng)
    square = image.shape[0] == image.shape[1]
    turns = int(rng.integers(4)) if square else 2 * int(rng.integers(2))
    flip = rng.random() < 0.5

    def move(array):
        array = np.rot90(array, turns)
        return np.ascontiguousarray(array[:, ::-1] if flip else array)

    return move(image), None if labels is None else move(labels)


def light(image, rng, brightness: float = 0.5, contrast: float = 0.3, gamma: float = 0.3):
    """The same picture under another lamp, still in [0, 1].

    Parameters
    ----------
    image : ndarray, float32, range [0, 1]
    rng : numpy.random.Generator
    brightness : float
        The largest shift up or down, in standard deviations of the image.
    contrast, gamma : float
        The largest change of the factor and of the exponent: 0.3 is between 1/1.3 and 1.3.
        The exponent bends the grey scale only; mean and spread are then set back.
    """
    check(image, None, rng)
    mean, std = float(image.mean()), float(image.std())
    bent = np.maximum(image, 0) ** np.float32((1 + gamma) ** rng.uniform(-1, 1))
    scale = (1 + contrast) ** rng.uniform(-1, 1) * std / max(float(bent.std()), 1e-6)
    shift = mean + std * brightness * rng.uniform(-1, 1)
    return np.clip((bent - float(bent.mean())) * scale + shift, 0, 1).astype(np.float32)


def default(image, labels, rng):
    """What :func:`cellkit.fit` does unless told otherwise: turns, flips and :func:`light`."""
    image, labels = turn_and_flip(image, labels, rng)
    return light(image, rng), labels


# One transform at a time -------------------------------------------------------------------------


@dataclass(frozen=True)
class Flip(Move):
    """Left becomes right ("horizontal") or top becomes bottom ("vertical"); exact."""

    strength: float | tuple[float, float] = (1, 1)
    p: float = 0.5
    axis: str = "horizontal"
    unit, most = "off or on", 1

    def __post_init__(self):
        super().__post_init__()
        checks.one_of("Flip: axis", self.axis, ("horizontal", "vertical"))

    def matrix(self, strength, shape, rng):
        turned = -1.0 if strength > 0 else 1.0
        return np.diag([turned, 1, 1] if self.axis == "horizontal" else [1, turned, 1])


@dataclass(frozen=True)
class Rotate(Move):
    """Turned about the centre, either way."""

    strength: float | tuple[float, float] = 180
    unit, most = "degrees", 180

    def matrix(self, strength, shape, rng):
        angle = math.radians(strength) * _either(rng)
        cos, sin = math.cos(angle), math.sin(angle)
        return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


@dataclass(frozen=True)
class Zoom(Move):
    """Larger or smaller about the centre: 0.25 is by 1.25 or 1 / 1.25."""

    strength: float | tuple[float, float] = 0.25
    unit, most = "factor - 1", 1

    def matrix(self, strength, shape, rng):
        scale = (1 + strength) ** _either(rng)
        return np.diag([scale, scale, 1])


@dataclass(frozen=True)
class Shear(Move):
    """Rows pushed sideways (or columns up and down), the more the farther from the centre."""

    strength: float | tuple[float, float] = 15
    unit, most = "degrees", 45

    def matrix(self, strength, shape, rng):
        matrix = np.eye(3)
        row = int(rng.integers(2))
        matrix[row, 1 - row] = math.tan(math.radians(strength)) * _either(rng)
        return matrix


@dataclass(frozen=True)
class Shift(Move):
    """Moved in any direction."""

    strength: float | tuple[float, float] = 0.1
    unit, most = "share of the side", 0.5

    def matrix(self, strength, shape, rng):
        direction = rng.uniform(0, 2 * math.pi)
        matrix = np.eye(3)
        matrix[:2, 2] = [strength * shape[1] * math.cos(direction),
                         strength * shape[0] * math.sin(direction)]
        return matrix


@dataclass(frozen=True)
class Crop(Move):
    """A window anywhere inside, enlarged to the size of the whole: 0.25 cuts each side to 75 %."""

    strength: float | tuple[float, float] = 0.25
    unit, most = "share cut off each side", 0.75

    def matrix(self, strength, shape, rng):
        keep = max(1 - strength, 1e-3)
        across, down = (rng.uniform(-0.5, 0.5, 2) * (1 - keep) * (shape[1], shape[0])).tolist()
        return np.array([[keep, 0, across], [0, keep, down], [0, 0, 1]])


@dataclass(frozen=True)
class Elastic(Bend):
    """Bent like a rubber sheet: random arrows on a coarse grid, smooth in between.

    Parameters
    ----------
    strength : float or (float, float)
        How far a pixel is moved, in pixels of the picture as it is by then: root mean square.
    spacing : float
        Pixels between the arrows.  Where neighbouring arrows cross, the sheet folds over itself
        and cells tear: 0.8 % of the image at four times the strength, next to none (0.01 %) at
        six times.

    References
    ----------
    Ronneberger et al., U-Net, 2015, section 3.1 (a coarse 3 × 3 grid, 10 pixels).
    """

    strength: float | tuple[float, float] = (5, 10)
    p: float = 1.0
    spacing: float = 64
    unit, most = "pixels", 30

    def __post_init__(self):
        super().__post_init__()
        checks.number("Elastic: spacing", self.spacing, "at least 1 pixel", lambda s: s >= 1)

    def field(self, strength, shape, rng) -> np.ndarray:
        nodes = [math.ceil(side / self.spacing) + 1 for side in shape]
        arrows = resample(rng.standard_normal((*nodes, 2), np.float32), shape, "bicubic")
        length = math.sqrt(np.vdot(arrows, arrows) * 2 / arrows.size)
        arrows *= strength / max(length, 1e-6)
        return arrows


@dataclass(frozen=True)
class Noise(Paint):
    """Gaussian noise, each pixel (and colour) its own."""

    strength: float | tuple[float, float] = (0.01, 0.03)
    unit, most = "standard deviation, in grey values", 0.2

    def paint(self, image, strength, rng):
        grains = rng.standard_normal(image.shape, np.float32)
        grains *= np.float32(strength)
        grains += image
        return grains


@dataclass(frozen=True)
class Blur(Paint):
    """Out of focus: a Gaussian."""

    strength: float | tuple[float, float] = (0.5, 1.5)
    unit, most = "standard deviation, in pixels", 5

    def paint(self, image, strength, rng):
        if not strength:
            return image.copy()
        return resample(image, image.shape[:2], "gaussian", strength)


@dataclass(frozen=True)
class Sharpen(Paint):
    """What sets a pixel apart from the median of its 3 × 3 neighbours, made stronger (paper 2)."""

    strength: float | tuple[float, float] = (0.5, 1)
    unit, most = "times the difference", 3

    def paint(self, image, strength, rng):
        return image + np.float32(strength) * (image - median(image))


@dataclass(frozen=True)
class Brightness(Paint):
    """All grey values shifted, up or down."""

    strength: float | tuple[float, float] = 0.2
    unit, most = "grey values", 0.5

    def paint(self, image, strength, rng):
        return image + np.float32(strength * _either(rng))


@dataclass(frozen=True)
class Contrast(Paint):
    """Grey values spread about their mean, or drawn to it: 0.25 is by 1.25 or 1 / 1.25."""

    strength: float | tuple[float, float] = 0.25
    unit, most = "factor - 1", 2

    def paint(self, image, strength, rng):
        mean = np.float32(image.mean())
        return (image - mean) * np.float32((1 + strength) ** _either(rng)) + mean


@dataclass(frozen=True)
class Stain(Paint):
    """Tissue stained more or less: each of the two dyes and what remains, by a factor of its own.

    Light is absorbed by the haematoxylin, the eosin and a third dye that a picture is taken apart
    into (Ruifrok and Johnston, 2001; scikit-image's numbers); 0.3 is between 1.3 times and 1 / 1.3
    times as much dye.  Pictures without colour stay as they are.
    """

    strength: float | tuple[float, float] = 0.3
    unit, most = "factor - 1", 2

    def paint(self, image, strength, rng):
        factors = (1 + strength) ** rng.uniform(-1, 1, 3)
        if image.ndim == 2 or np.ptp(image, axis=2).max() < 0.05:
            return image.copy()
        change = hed_from_rgb @ np.diag(factors - 1) @ rgb_from_hed
        return image * np.exp(np.log(np.maximum(image, 1e-3)) @ change.astype(np.float32))


@dataclass(frozen=True)
class Torchvision:
    """A transform of ``torchvision.transforms.v2`` as one of ours, decided by ``rng`` as well.

    Parameters
    ----------
    transform : callable
        E.g. ``v2.ColorJitter(0.2, 0.2)`` or a ``v2.Compose``.  It is given ``tv_tensors.Image``
        and ``tv_tensors.Mask``, so it moves both alike.  torch's own random state is left alone.
    """

    transform: Callable

    def __call__(self, image, labels, rng):
        import torch
        from torchvision import tv_tensors

        check(image, labels, rng)
        given = [tv_tensors.Image(torch.from_numpy(planes(image)))]
        if labels is not None:
            given.append(tv_tensors.Mask(torch.from_numpy(np.ascontiguousarray(labels))))
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(rng.integers(2**62)))
            moved = self.transform(*given)
        moved = [part.numpy() for part in (moved if labels is not None else [moved])]
        image = np.clip(picture(moved[0], image.ndim), 0, 1)
        return image, None if labels is None else moved[1].astype(np.int32, copy=False)


def median(image: np.ndarray) -> np.ndarray:
    """The median of each pixel's 3 × 3 neighbours, edges repeated: (H, W) or (H, W, 3).

    Sorted column by column; then the median of nine is the median of the largest minimum, the
    median of medians, and the smallest maximum.  (scipy's median_filter takes 20 times as long.)
    """
    padded = np.pad(image, [(1, 1), (1, 1), (0, 0)][:image.ndim], mode="edge")
    low, middle, high = _sorted(padded[:-2], padded[1:-1], padded[2:])

    def three(rows):
        return rows[:, :-2], rows[:, 1:-1], rows[:, 2:]

    largest = np.maximum.reduce(three(low))
    smallest = np.minimum.reduce(three(high))
    return _sorted(largest, _sorted(*three(middle))[1], smallest)[1]


def _sorted(a, b, c):
    a, b = np.minimum(a, b), np.maximum(a, b)
    b, c = np.minimum(b, c), np.maximum(b, c)
    return np.minimum(a, b), np.maximum(a, b), c


def _either(rng) -> float:
    """One way or the other."""
    return -1.0 if rng.random() < 0.5 else 1.0
