"""A film of drawn cells that divide: ``own_tiny``, the pictures of lesson 08_your_own_pictures.

Two fields, as a microscope with differential interference contrast (DIC) shows them: lit from one
side, large, in relief.  No bundled network was trained on such pictures.  The first field has six
frames, the second a longer film.  A cell keeps its number from frame to frame; the daughters of a
division get two new ones.

``python -m experiments.tiny_own FOLDER`` writes the set.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from cellkit.files import replacing
from cellkit.synthetic.layout import hills

SHAPE = (256, 256)
#: Field -> seed, cells at the start, hours from frame to frame, frames.
FIELDS = {"fieldA": (3, 7, 6, 6), "fieldB": (4, 5, 5, 9)}
CYCLE = 20  # hours from division to division, in the mean
RADIUS = 24  # pixels, of a cell that has just divided; it grows to 2 ** 0.5 times as much
STEP = 0.5  # hours
ANGLES = 256


@dataclass(frozen=True)
class Cell:
    """One drawn cell."""

    number: int
    y: float
    x: float
    age: float  # hours since it was born
    cycle: float  # hours at which it divides
    outline: np.ndarray  # (ANGLES,) its radius in each direction, 1 in the mean
    grain: int  # seed of its texture

    @property
    def radius(self) -> float:
        return RADIUS * 2 ** (min(self.age / self.cycle, 1) / 2)


def born(rng, number, y, x, age=0.0) -> Cell:
    angle = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    outline = np.ones(ANGLES)
    for waves in (2, 3, 4, 6):
        outline += 0.12 * rng.normal() / np.sqrt(waves / 2) * np.cos(
            waves * angle + rng.uniform(0, 2 * np.pi))
    outline /= np.sqrt((outline**2).mean())
    return Cell(number, y, x, age, CYCLE * np.exp(0.12 * rng.normal()), outline,
                int(rng.integers(2**31)))


def film(seed, count, hours, frames) -> list[list[Cell]]:
    """The cells of each frame: they push each other away, grow and divide."""
    rng = np.random.default_rng([5, seed])
    cells = [born(rng, k + 1, *(SHAPE * rng.uniform(0.15, 0.85, 2)), rng.uniform(0, CYCLE))
             for k in range(count)]
    cells, last = settled(cells, 60), count
    shown = [cells]
    for _ in range(frames - 1):
        for _ in range(round(hours / STEP)):
            grown = []
            for cell in cells:
                cell = replace(cell, age=cell.age + STEP)
                if cell.age < cell.cycle:
                    grown.append(replace(cell, y=cell.y + 0.4 * rng.normal(),
                                         x=cell.x + 0.4 * rng.normal()))
                    continue
                turn = rng.uniform(0, np.pi)
                for side in (-1, 1):
                    last += 1
                    grown.append(born(rng, last, cell.y + side * 0.6 * RADIUS * np.sin(turn),
                                      cell.x + side * 0.6 * RADIUS * np.cos(turn)))
            cells = settled(grown, 2)
        shown.append(cells)
    return shown


def settled(cells, rounds) -> list[Cell]:
    """Cells that overlap move apart, and none leaves the picture."""
    place = np.array([[cell.y, cell.x] for cell in cells])
    radius = np.array([cell.radius for cell in cells])
    for _ in range(rounds):
        away = place[:, None] - place
        far = np.hypot(*np.moveaxis(away, 2, 0)) + np.eye(len(cells))
        push = np.clip(0.92 * (radius[:, None] + radius) - far, 0, None) * (1 - np.eye(len(cells)))
        place = place + 0.25 * (away / far[..., None] * push[..., None]).sum(axis=1)
        place = np.clip(place, 0.5 * RADIUS, np.array(SHAPE) - 0.5 * RADIUS)
    return [replace(cell, y=y, x=x) for cell, (y, x) in zip(cells, place, strict=True)]


def draw(cells, seed) -> tuple[np.ndarray, np.ndarray]:
    """A frame: uint8 (H, W), and its labels, uint16 (H, W)."""
    rng = np.random.default_rng([6, seed])
    inner, labels = np.ones(SHAPE), np.zeros(SHAPE, np.uint16)
    phase, rough = 0.15 * hills(rng, SHAPE, 60), np.zeros(SHAPE)
    for cell in cells:
        own, radius = np.random.default_rng(cell.grain), cell.radius
        rows, columns = (slice(max(0, int(at - 2 * radius)), min(n, int(at + 2 * radius)))
                         for at, n in zip((cell.y, cell.x), SHAPE, strict=True))
        y, x = np.mgrid[rows, columns].astype(float)
        angle = np.rint(np.arctan2(y - cell.y, x - cell.x) * ANGLES / (2 * np.pi)).astype(int)
        away = np.hypot(y - cell.y, x - cell.x) / (radius * cell.outline[angle % ANGLES])
        mine = away < inner[rows, columns]
        grain = hills(own, (96, 96), 3)
        texture = grain[tuple(np.clip((p - at + 48).astype(int), 0, 95)
                              for p, at in ((y, cell.y), (x, cell.x)))] * (1 - away**2)
        nucleus = np.hypot(y - cell.y - 0.2 * radius * own.normal(),
                           x - cell.x - 0.2 * radius * own.normal()) / (0.4 * radius)
        texture += 1.6 * np.exp(-nucleus**4)
        labels[rows, columns][mine], inner[rows, columns][mine] = cell.number, away[mine]
        rough[rows, columns][mine] = texture[mine]
    dome = np.sqrt(np.clip(1 - inner**2, 0, 1))
    phase = ndimage.gaussian_filter(phase + 5 * dome + 0.9 * rough, 1)
    relief = ndimage.sobel(phase, 0) + ndimage.sobel(phase, 1)
    noise = ndimage.gaussian_filter(rng.normal(size=SHAPE), 0.8)
    grey = 118 + 9 * relief + 6 * hills(rng, SHAPE, 90) + 5 * noise
    return np.clip(np.rint(grey / 2) * 2, 0, 255).astype(np.uint8), labels


def write_own(folder) -> None:
    """``images/fieldA_00d00h00m.png`` and so on, and the labels of each in ``labels/``."""
    for name, (seed, count, hours, frames) in FIELDS.items():
        for k, cells in enumerate(film(seed, count, hours, frames)):
            at = f"{k * hours // 24:02}d{k * hours % 24:02}h00m"
            for part, array in zip(("images", "labels"), draw(cells, 100 * seed + k), strict=True):
                with replacing(Path(folder, part, f"{name}_{at}.png")) as temporary:
                    Image.fromarray(array).save(temporary, "png", optimize=True)


def main(arguments=None):
    """Write the set into a folder."""
    parser = argparse.ArgumentParser("python -m experiments.tiny_own", None, main.__doc__)
    parser.add_argument("folder", help="e.g. data/own_tiny")
    write_own(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main()
