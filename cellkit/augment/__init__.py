"""Augmentation: the same cells seen otherwise (lesson 03_augmentation).

Every augmentation is ``f(image, labels, rng) -> (image, labels)``: one transform, a
:class:`Pipeline` of them, or any function.  Image and labels move together, labels are never
interpolated, and ``rng``, a numpy Generator, decides everything.

Each transform can be looked at alone, exactly as strong as one likes::

    augment.Elastic.most, augment.Elastic.unit           # how far a slider may go: 30, "pixels"
    augment.Elastic().at(7.5)(image, labels, np.random.default_rng(0))
    print(augment.paper2)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from cellkit.degradation import check_generator, resample
from cellkit.samples import Samples


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
    check_generator(rng)
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
    _check(image, None, rng)
    mean, std = float(image.mean()), float(image.std())
    bent = image ** np.float32((1 + gamma) ** rng.uniform(-1, 1))
    scale = (1 + contrast) ** rng.uniform(-1, 1) * std / max(float(bent.std()), 1e-6)
    shift = mean + std * brightness * rng.uniform(-1, 1)
    return np.clip((bent - float(bent.mean())) * scale + shift, 0, 1).astype(np.float32)


def default(image, labels, rng):
    """What :func:`cellkit.fit` does unless told otherwise: turns, flips and :func:`light`."""
    image, labels = turn_and_flip(image, labels, rng)
    return light(image, rng), labels


# One transform at a time -------------------------------------------------------------------------


@dataclass(frozen=True)
class Transform:
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
        if not 0 <= self.p <= 1:
            raise ValueError(f"{name}: p is {self.p}, expected a probability from 0 to 1.")

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

    def matrix(self, strength, shape, rng) -> np.ndarray:
        """Where a pixel comes from: (x, y, 1), in pixels from the centre → the same, (3, 3)."""
        raise NotImplementedError


class Paint(Transform):
    """A transform that moves nothing but changes grey values."""

    def paint(self, image, strength, rng) -> np.ndarray:
        """The image repainted, a new array; what leaves [0, 1] is clipped afterwards."""
        raise NotImplementedError


@dataclass(frozen=True)
class Flip(Move):
    """Left becomes right ("horizontal") or top becomes bottom ("vertical"); exact."""

    strength: float | tuple[float, float] = (1, 1)
    p: float = 0.5
    axis: str = "horizontal"
    unit, most = "off or on", 1

    def __post_init__(self):
        super().__post_init__()
        if self.axis not in ("horizontal", "vertical"):
            raise ValueError(f"Flip: axis is {self.axis!r}, expected 'horizontal' or 'vertical'.")

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
class Elastic(Transform):
    """Bent like a rubber sheet: random arrows on a coarse grid, smooth in between.

    Parameters
    ----------
    strength : float or (float, float)
        How far a pixel is moved, in pixels: root mean square over the image.
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
        if not 1 <= self.spacing < math.inf:
            raise ValueError(f"Elastic: spacing is {self.spacing}, expected at least 1 pixel.")

    def field(self, strength, shape, rng) -> np.ndarray:
        """Arrows (x, y) in pixels, float32 (H, W, 2)."""
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

        _check(image, labels, rng)
        given = [tv_tensors.Image(torch.from_numpy(_planes(image)))]
        if labels is not None:
            given.append(tv_tensors.Mask(torch.from_numpy(labels)))
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(rng.integers(2**62)))
            moved = self.transform(*given)
        moved = [part.numpy() for part in (moved if labels is not None else [moved])]
        image = np.clip(_picture(moved[0], image.ndim), 0, 1)
        return image, None if labels is None else moved[1].astype(np.int32, copy=False)


# One after the other -----------------------------------------------------------------------------


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
        if outside not in ("mirror", "black"):
            raise ValueError(f"outside is {outside!r}, expected 'mirror' or 'black'.")
        for step in steps:
            if not callable(step) or isinstance(step, type):
                raise TypeError(
                    f"a step is {step!r}, expected a transform or a function (image, labels, "
                    "rng); a transform needs its brackets, e.g. Rotate(90)."
                )
        for name, value in (("steps", steps), ("outside", outside), ("note", note)):
            object.__setattr__(self, name, value)

    def __call__(self, image, labels, rng):
        _check(image, labels, rng)
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
            elif isinstance(step, Elastic):
                bend = step.field(strength, shape, rng)
                field = bend if field is None else field + bend
            else:
                image, labels = _sampled(image, labels, matrix, field, self.outside)
                matrix, field = np.eye(3), None
                image = step.paint(image, strength, rng)
                np.clip(image, 0, 1, out=image)
        return _sampled(image, labels, matrix, field, self.outside)

    def __str__(self):
        return "\n".join([*map(str, self.steps), *([self.note] if self.note else [])])


# The papers' pipelines ---------------------------------------------------------------------------

paper2 = Pipeline(
    Crop((0.25, 0.25), p=0.5),
    Flip(axis="horizontal", p=0.5),
    Flip(axis="vertical", p=0.5),
    Rotate(90, p=0.5),
    Elastic((5, 10), p=1, spacing=64),
    Noise((0.01, 0.03), p=0.2),
    Sharpen((0.5, 1), p=0.2),
    note="Paper 2, section 2, on 512 x 512.  Ours: 75 % is meant of each side and enlarged again; "
         "elastic strength is read as pixels moved, on a grid of 64 pixels; median over 3 x 3 and "
         "how strongly it is blended; mirrored edges.",
)
"""Paper 2's list.  Its elastic deformation, "field strength 5-10, standard deviation 3", cannot be
taken word for word: uniform noise of that amplitude, smoothed by a Gaussian of 3 pixels, moves
pixels by 0.4 to 0.8 (root mean square), which nobody sees; a field smoothed so and then scaled to
5 or 10 pixels folds a third to nearly a half of the image over itself."""

paper3 = Pipeline(
    Rotate(180),
    Flip(axis="horizontal", p=0.5),
    Flip(axis="vertical", p=0.5),
    Zoom(0.25),
    Brightness(0.2),
    Contrast(0.25),
    note="Paper 3, sections B and F, which name the transforms and no setting: all of them ours.",
)

paper5 = Pipeline(
    Crop(0.25, p=0.5),
    Flip(axis="horizontal", p=0.5),
    Flip(axis="vertical", p=0.5),
    Rotate(180, p=0.5),
    Zoom(0.25, p=0.5),
    Shear(15, p=0.5),
    Shift(0.1, p=0.5),
    Elastic((2, 6), p=0.5, spacing=48),
    Blur((0.5, 1.5), p=0.2),
    Noise((0.01, 0.05), p=0.2),
    note="Paper 5, sections 3 and 4.1, which name the transforms (blur, Gaussian noise, affine, "
         "flips, rotations, zooms, crops, warps) and no setting: all of them ours.",
)


def grow(samples, count: int, augment: Callable = paper3, seed: int = 0) -> Samples:
    """Few samples made many (paper 3: 3 images become 1,773).

    Parameters
    ----------
    samples : sequence of Sample
    count : int
        How many there shall be.  The first are the samples themselves, the others augmented
        copies, each sample's turn coming as often as any other's.
    augment : callable(image, labels, rng) -> (image, labels)
    seed : int
        Copy k depends on (seed, k) and nothing else.

    Returns
    -------
    Samples
        Made when looked at, alike every time (``.cached()`` keeps them).  Names end in the
        copy's number; ``group`` stays, so that :func:`cellkit.split` keeps the copies of one
        picture on one side.  Split them ``by="image"``, and copies of what was trained on
        are what validates: the leak of paper 3.
    """
    samples = Samples.of(samples)
    if not len(samples) or int(count) != count or count < len(samples):
        raise ValueError(
            f"count is {count} for {len(samples)} sample(s), expected at least one sample, and a "
            "whole number not below theirs."
        )
    return samples + Samples([
        replace(entry, name=f"{entry.name}_{k}", read=_Copy(entry.read, augment, seed, k))
        for k in range(len(samples), int(count))
        for entry in [samples.entries[k % len(samples)]]
    ])


@dataclass(frozen=True, eq=False)
class _Copy:
    """Reads a sample and augments it.  (A class, for loader workers pickle no lambda.)"""

    read: Callable
    augment: Callable
    seed: int
    number: int

    def __call__(self):
        return self.augment(*self.read(), np.random.default_rng([self.seed, self.number]))


# The steps ---------------------------------------------------------------------------------------


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

    def fetch(planes, mode):
        planes = torch.from_numpy(planes)[None]
        return grid_sample(planes, grid.to(planes.dtype), mode, beyond, align_corners=False)[0]

    moved = fetch(_planes(image), "bilinear").clamp_(0, 1).numpy()
    if labels is not None:
        # Floats carry whole numbers exactly, but only so far.
        exact = np.float32 if labels.max() < 2**24 else np.float64
        labels = fetch(labels[None].astype(exact), "nearest")[0].to(torch.int32).numpy()
    return _picture(moved, image.ndim), labels


def median(image: np.ndarray) -> np.ndarray:
    """The median of each pixel's 3 × 3 neighbours, edges repeated: (H, W) or (H, W, 3).

    Sorted column by column; then the median of nine is the median of the largest minimum, the
    median of medians, and the smallest maximum.
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


def _planes(image):
    return image[None] if image.ndim == 2 else np.ascontiguousarray(np.moveaxis(image, 2, 0))


def _picture(planes, ndim):
    return planes[0] if ndim == 2 else np.ascontiguousarray(np.moveaxis(planes, 0, 2))


def _check(image, labels, rng):
    check_generator(rng)
    shape = getattr(image, "shape", None)
    if not isinstance(image, np.ndarray) or image.dtype != np.float32:
        raise TypeError(
            f"the image is {getattr(image, 'dtype', type(image).__name__)}, expected a float32 "
            "array in [0, 1]; scale it with cellkit.datasets.scale_image(image) first."
        )
    if image.ndim not in (2, 3) or (image.ndim == 3 and shape[2] != 3) or not image.size:
        raise ValueError(f"the image has shape {shape}, expected (H, W) or (H, W, 3), not empty.")
    low, high = float(image.min()), float(image.max())
    if not (low >= 0 and high <= 1):  # written so that NaN fails too
        raise ValueError(
            f"the image has values from {low:g} to {high:g}, expected [0, 1] without NaN; augment "
            "before normalising, or scale it with cellkit.datasets.scale_image(image)."
        )
    if labels is None:
        return
    if not isinstance(labels, np.ndarray) or labels.dtype != np.int32:
        raise TypeError(
            f"the labels are {getattr(labels, 'dtype', type(labels).__name__)}, expected an int32 "
            "array (numbers that are never mixed); convert with .astype('int32')."
        )
    if labels.shape != shape[:2]:
        raise ValueError(
            f"the labels have shape {labels.shape}, the image {shape[:2]}; give the labels of "
            "this very image, at the same size."
        )
