"""Synthetic phase contrast: drawn cells that look like a poor day's LIVECell.

A picture is made the way the microscope makes it.  Cells are laid out and given outlines
(:mod:`~cellkit.synthetic.layout`); every pixel gets an optical thickness (cell body, vesicles,
nucleus, debris); the phase plate turns thickness into grey (:mod:`~cellkit.synthetic.optics`):
what is thicker than its surroundings turns dark and wears a bright halo, what is thick over a wide
area fades back to the grey of the background (shade-off).  Then come uneven light, stripes and
noise.  Nothing is copied from a real picture; the numbers in :data:`LINES` were chosen with real
ones beside them.  Lesson 01_data_and_masks shows both.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np

from cellkit import checks
from cellkit.samples import Entry, Sample, Samples
from cellkit.synthetic.layout import grow, lay_out
from cellkit.synthetic.lines import FIELD, LINES, Line
from cellkit.synthetic.optics import debris, expose, thickness

__all__ = ["DATASET", "FIELD", "LINES", "Line", "render", "render_many"]

DATASET = "synthetic livecell"


def render(cell_type: str, shape: tuple[int, int] = FIELD, seed: int = 0) -> Sample:
    """Draw one phase-contrast picture and its exact labels.

    Parameters
    ----------
    cell_type : str
        One of :data:`LINES`.
    shape : (int, int)
        Height and width, each at least 32.  Cells keep their size: a smaller picture shows fewer,
        a very small one perhaps none.
    seed : int
        0 or more; the same seed gives the same picture.  Four seeds in a row are four fields of
        one invented well, which share age, focus, light and noise: seeds 8 to 11 of A172 have the
        group ``A172_Phase_S3`` (no plate has a row S).

    Returns
    -------
    Sample
        ``image`` float32 (H, W), whole multiples of 1/255, mean near 128/255 as in LIVECell;
        ``labels`` int32 (H, W), 1 to n without gaps, every cell in one piece.  As in LIVECell a
        cell includes its flat skirt and the bright halo around it.
    """
    line, shape, well, age = _recall(cell_type, shape, seed)
    rng = np.random.default_rng([1, list(LINES).index(cell_type), seed])
    cells = lay_out(rng, line, shape, age)
    labels, inner, row = grow(rng, cells, shape)
    phase = thickness(rng, line, cells, labels, inner, row) + debris(rng, line, shape)
    grey = np.clip(np.rint(expose(rng, well, phase)), 0, 255)
    image = (grey / 255).astype(np.float32)
    name, group = _name(cell_type, seed), _group(cell_type, seed)
    return Sample(image, labels, name, DATASET, cell_type, group)


def render_many(
    count: int,
    shape: tuple[int, int] = FIELD,
    seed: int = 0,
    cell_types: Iterable[str] | None = None,
    fields: int = 4,
) -> Samples:
    """A row of pictures, the lines in turn, each drawn when it is asked for.

    Parameters
    ----------
    count : int
        How many.
    shape : (int, int)
    seed : int
        Each line begins with ``render(line, shape, seed)``; later ones have greater seeds.
    cell_types : iterable of str, optional
        Which lines; None for all eight.
    fields : 1, 2 or 4
        How many of the four seeds of each well are drawn.  1 makes every picture a well of its
        own, with an age, focus and light of its own: the most varied pictures to train on.

    Returns
    -------
    Samples
        Drawn anew at every access; ``.cached()`` keeps them.
    """
    lines = list(LINES if cell_types is None else cell_types)
    checks.whole_number("count", count)
    checks.whole_number("the number of lines", len(lines))
    checks.one_of("fields", fields, (1, 2, 4))
    entries = []
    for i in range(count):
        cell_type, turn = lines[i % len(lines)], i // len(lines)
        one = seed + turn * 4 // fields
        _recall(cell_type, shape, one)
        entries.append(
            Entry(_name(cell_type, one), partial(_pixels, cell_type, shape, one), DATASET,
                  cell_type, _group(cell_type, one))
        )  # fmt: skip
    return Samples(entries)


def _pixels(cell_type, shape, seed):
    sample = render(cell_type, shape, seed)
    return sample.image, sample.labels


def _recall(cell_type, shape, seed):
    """The line, the shape, the random numbers of the well, and its age from 0 to 1."""
    checks.one_of("cell_type", cell_type, LINES)
    shape = checks.shape("shape", shape, 32)
    checks.whole_number("seed", seed, 0)
    well = np.random.default_rng([0, list(LINES).index(cell_type), seed // 4])
    return LINES[cell_type], shape, well, well.uniform()


def _group(cell_type, seed):
    return f"{cell_type}_Phase_S{seed // 4 + 1}"


def _name(cell_type, seed):
    """As LIVECell names files: type, well, position, days and hours, quarter of the picture."""
    hours = 4 * int(_recall(cell_type, FIELD, seed)[3] * 20)
    time = f"{hours // 24:02}d{hours % 24:02}h00m"
    return f"{_group(cell_type, seed)}_1_{time}_{seed % 4 + 1}"
