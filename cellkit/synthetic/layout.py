"""Where synthetic cells lie, and the pixels of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage import measure

from cellkit.synthetic.lines import FIELD

ROUND_HEIGHT = 55  # optical thickness of a rounded cell, whatever its line

TRIES = 10  # places looked at for each new cell
ANGLES = 256  # directions in which the radius of an outline is kept
SMALLEST = 30  # pixels; a smaller remnant of a cell is none


@dataclass
class Cells:
    """One number per cell."""

    y: np.ndarray
    x: np.ndarray
    radius: np.ndarray  # of the disc of the same area
    outline: np.ndarray  # (cells, ANGLES): radius in each direction
    round: np.ndarray  # bool
    height: np.ndarray  # optical thickness
    texture: np.ndarray  # how much of it, 1 is usual

    def __len__(self):
        return len(self.y)


def lay_out(rng, line, shape, age) -> Cells:
    """Islands that grow cell by cell, each new one where it touches most."""
    margin = 2 * np.sqrt(line.area / np.pi)  # so that the frame cuts cells, as in life
    size = np.array(shape) + 2 * margin
    early, late = line.count
    density = early * (late / early) ** age * np.exp(0.2 * rng.normal()) / np.prod(FIELD)
    n = max(1, round(density * size.prod()))
    rounded = rng.uniform(size=n) < line.round[0] + (line.round[1] - line.round[0]) * age
    area = line.area * np.exp(line.spread * rng.normal(size=n))
    radius = np.sqrt(np.where(rounded, np.minimum(0.35 * area + 110, area), area) / np.pi)
    closest = np.where(rounded & (line.packing < 1), 0.6, 0.92) * line.packing

    centre = np.empty((n, 2))
    for k in range(n):
        places = rng.uniform(size=(TRIES, 2)) * size
        alone = k == 0 or rng.uniform() < 1 / line.island
        if not alone:
            old, angle = rng.integers(k, size=TRIES), rng.uniform(0, 2 * np.pi, size=TRIES)
            step = line.packing * (radius[k] + radius[old])
            places = centre[old] + step[:, None] * np.stack([np.sin(angle), np.cos(angle)], 1)
        away = np.hypot(places[:, :1] - centre[:k, 0], places[:, 1:] - centre[:k, 1])
        away /= radius[:k] + radius[k]
        neighbours = (away < 1.25 * line.packing).sum(axis=1)
        bad = (away < closest[k]).any(axis=1) | ((places < 0) | (places > size)).any(axis=1)
        centre[k] = places[np.argmax((-neighbours if alone else neighbours) - n * bad)]

    shows = np.where(rng.uniform(size=n) < line.faint, 0.3, 1)
    strength = np.exp(line.contrast * rng.normal(size=n))
    thick = np.where(rounded, ROUND_HEIGHT * strength**0.7, line.height * strength * shows)
    texture = np.sqrt(strength) * np.exp(0.5 * line.contrast * rng.normal(size=n))
    return Cells(
        y=centre[:, 0] - margin, x=centre[:, 1] - margin, radius=radius,
        outline=_outlines(rng, line, radius, rounded), round=rounded, height=thick,
        texture=np.where(rounded, texture, texture * shows),
    )  # fmt: skip


def _outlines(rng, line, radius, rounded):
    """Radius of each cell in ANGLES directions: an ellipse, uneven, with corners pulled out."""
    n, spread = len(radius), ~rounded[:, None]
    angle = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    ratio = np.exp(np.abs(rng.normal(np.log(line.elongation), 0.3, size=(n, 1))))
    ratio = np.where(spread, ratio, ratio**0.25)
    turned = angle - rng.uniform(0, np.pi, size=(n, 1))
    outline = 1 / np.sqrt(np.cos(turned) ** 2 / ratio + np.sin(turned) ** 2 * ratio)
    for waves in range(2, 9):
        size = line.wobble * (2.5 / waves) * rng.normal(size=(n, 1)) * np.where(spread, 1, 0.3)
        outline *= 1 + size * np.cos(waves * angle + rng.uniform(0, 2 * np.pi, size=(n, 1)))
    corners = rng.poisson(line.corners, size=(n, 1)) * spread
    for k in range(corners.max()):
        away = (angle - rng.uniform(0, 2 * np.pi, size=(n, 1)) + np.pi) % (2 * np.pi) - np.pi
        pull = line.reach * rng.uniform(0.3, 1.5, size=(n, 1)) * (corners > k)
        foot = line.sharp * np.exp(0.3 * rng.normal(size=(n, 1)))
        outline += pull * np.exp(-np.abs(away) / foot)
    outline = np.maximum(outline, 0.3)
    return outline * (radius / np.sqrt((outline**2).mean(axis=1)))[:, None]


def grow(rng, cells, shape):
    """Give each pixel to the cell in which it lies deepest, so that neighbours share a border.

    Returns the labels, each pixel's distance from the centre of its cell (0) to the outline (1),
    and for each label the row of the cell in ``cells`` (label 0 has none and gets row 0).
    """
    straight = np.mgrid[: shape[0], : shape[1]].astype(float)
    # Spread cells follow what they lie on, round ones do not.
    bent = straight + [2.5 * hills(rng, shape, 25) + 0.5 * hills(rng, shape, 6) for _ in "yx"]
    inner = np.ones(shape)
    owner = np.zeros(shape, np.int32)
    for on_top in (False, True):
        for k in np.flatnonzero(cells.round == on_top):
            reach = cells.outline[k].max() + (0 if on_top else 12)
            top, left = max(0, int(cells.y[k] - reach)), max(0, int(cells.x[k] - reach))
            box = np.s_[top : max(top, int(cells.y[k] + reach) + 2),
                        left : max(left, int(cells.x[k] + reach) + 2)]  # fmt: skip
            y, x = (straight if on_top else bent)[:, *box]
            dy, dx = y - cells.y[k], x - cells.x[k]
            angle = np.rint(np.arctan2(dy, dx) * (ANGLES / (2 * np.pi))).astype(int) % ANGLES
            away = np.hypot(dy, dx) / cells.outline[k][angle]
            below = (owner[box] > 0) & ~cells.round[owner[box] - 1] & on_top
            won = np.where(below, away < 1, away < inner[box])
            owner[box][won], inner[box][won] = k + 1, away[won]
    labels, kept = _one_piece_each(owner)
    return labels, inner, np.maximum(kept - 1, 0)


def _one_piece_each(owner):
    """Keep the largest piece of each cell if it is large enough, and number the cells anew.

    Returns the new labels and, for each of them, the old number.
    """
    pieces = measure.label(owner, background=0, connectivity=1)
    size = np.bincount(pieces.ravel())
    old = np.zeros(len(size), int)
    old[pieces] = owner
    order = np.lexsort((-size, old))
    first = np.r_[True, old[order][1:] != old[order][:-1]]
    kept = [p for p in order[first] if old[p] > 0 and size[p] >= SMALLEST]
    new = np.zeros(len(size), np.int32)
    new[kept] = np.arange(1, len(kept) + 1)
    return new[pieces], np.r_[0, old[kept]].astype(int)


def hills(rng, shape, scale):
    """A random landscape of mean 0 and variance 1 with hills ``scale`` pixels wide (B-splines)."""
    ways = []
    for n in shape:
        knots = int(np.ceil(n / scale)) + 4
        away = np.abs(np.arange(n)[:, None] / scale + 1.5 - np.arange(knots))
        spline = np.where(away < 1, 2 / 3 - away**2 + away**3 / 2,
                          np.maximum(2 - away, 0) ** 3 / 6)  # fmt: skip
        ways.append(spline / np.sqrt((spline**2).sum(axis=1).mean()))
    return ways[0] @ rng.normal(size=(ways[0].shape[1], ways[1].shape[1])) @ ways[1].T
