"""Synthetic phase contrast: drawn cells that look like a poor day's LIVECell.

A picture is made the way the microscope makes it.  Cells are laid out and given outlines; every
pixel gets an optical thickness (cell body, vesicles, nucleus, debris); the phase plate turns
thickness into grey: what is thicker than its surroundings turns dark and wears a bright halo,
what is thick over a wide area fades back to the grey of the background (shade-off).  Then come
uneven light, stripes and noise.  Nothing is copied from a real picture; the numbers in
:data:`LINES` were chosen with real ones beside them.  Lesson 01_data_and_masks shows both.

``python -m cellkit.synthetic FOLDER`` writes the bundled tiny set.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import ndimage

from cellkit.checks import whole_number
from cellkit.samples import Entry, Sample, Samples

FIELD = (520, 704)  # height and width of a LIVECell picture
DATASET = "synthetic livecell"


@dataclass(frozen=True)
class Line:
    """How the cells of one line look: lengths in pixels of a 704 x 520 field, grey in 8 bits.

    Pairs are (early, late): a well is somewhere between the first hours after seeding and the
    last day, when the cells have spread and multiplied.
    """

    count: tuple[int, int]  # cells in a whole field
    area: float  # median area of a cell
    spread: float  # of the area from cell to cell: standard deviation of its logarithm
    elongation: float = 1.3  # median ratio of long to short axis
    wobble: float = 0.05  # how uneven the outline is, in radii
    corners: float = 0.8  # mean number of pulled-out corners or protrusions of a cell
    reach: float = 0.5  # how far they stick out, in radii
    sharp: float = 0.35  # how wide they are at the foot, in radians
    island: float = 5  # mean number of cells that hang together
    packing: float = 0.8  # distance of neighbours, in sums of their radii
    round: tuple[float, float] = (0.15, 0.05)  # share of cells rounded up, on top of the others
    faint: float = 0.15  # share of cells so flat that they hardly show
    height: float = 15  # optical thickness of a spread cell near its edge, in grey
    skirt: float = 0.25  # outer part of a spread cell that is thin and smooth, in radii
    grain: float = 14  # fine texture, standard deviation in grey
    granules: float = 0.1  # share of pixels that hold a vesicle or droplet
    vesicle: float = 55  # how strong these are, in grey
    contrast: float = 0.35  # spread of thickness and texture from cell to cell (of the logarithm)
    nucleus: float = 0.4  # radius of the nucleus, in radii of the cell
    dirt: float = 20  # specks of debris in a whole field
    rubble: float = 3  # heaps of debris, grainy as cells are
    fibres: float = 1  # threads of debris in a whole field


#: The eight lines of LIVECell.
LINES: dict[str, Line] = {
    # Glioblastoma: spread, pulled into corners, full of granules; later in streams.
    "A172": Line(count=(65, 260), area=820, spread=0.45, elongation=1.6, wobble=0.06, corners=2.5,
                 reach=1.1, packing=0.82, round=(0.12, 0.03), height=18, skirt=0.3, grain=18,
                 granules=0.15, vesicle=80, nucleus=0.35),
    # Breast: islands of small polygons, some thick, in a scatter of specks.
    "BT474": Line(count=(110, 300), area=600, spread=0.4, elongation=1.25, island=14, packing=0.7,
                  round=(0.2, 0.06), height=18, skirt=0.15, grain=16, granules=0.12, vesicle=60,
                  contrast=0.3, nucleus=0.45, dirt=160, rubble=12, fibres=3),
    # Microglia: small, round and bright, many in pairs.
    "BV2": Line(count=(80, 600), area=185, spread=0.22, elongation=1.1, wobble=0.05, island=2.5,
                packing=0.98, round=(0.97, 0.95), faint=0, grain=18, vesicle=45, contrast=0.25,
                dirt=15, fibres=2),
    # Liver: very large and flat, granules around the nucleus, a nearly invisible skirt.
    "Huh7": Line(count=(50, 95), area=1500, spread=0.65, elongation=1.2, wobble=0.07, corners=0.5,
                 reach=0.3, island=7, packing=0.74, round=(0.15, 0.06), faint=0.35, height=7,
                 skirt=0.45, grain=12, granules=0.12, vesicle=60, contrast=0.5, nucleus=0.33,
                 dirt=60, rubble=8, fibres=8),
    # Breast: crowded sheets of very small cells.
    "MCF7": Line(count=(130, 1200), area=330, spread=0.35, wobble=0.05, reach=0.4, island=25,
                 packing=0.72, round=(0.6, 0.05), height=26, skirt=0.08, grain=20, vesicle=75,
                 contrast=0.3, nucleus=0.5, dirt=25),
    # Neuroblastoma: small spindles and stars with long thin protrusions.
    "SHSY5Y": Line(count=(170, 420), area=340, spread=0.5, elongation=2.2, corners=5, reach=4,
                   sharp=0.12, island=12, packing=0.95, round=(0.4, 0.03), height=22, skirt=0.08,
                   grain=13, granules=0.06, vesicle=55, nucleus=0.45, dirt=10),
    # Breast: mostly round with a bright ring, a few flat ones between.
    "SkBr3": Line(count=(170, 260), area=320, spread=0.33, elongation=1.15, wobble=0.05, island=3,
                  packing=0.98, round=(0.85, 0.75), faint=0.3, height=22, skirt=0.1, grain=16,
                  contrast=0.3, dirt=50),
    # Ovary: large, flat, faint, with ruffles; a few bright round ones on top.
    "SKOV3": Line(count=(50, 110), area=1400, spread=0.6, elongation=1.4, wobble=0.1, corners=1,
                  reach=0.8, island=3, packing=0.82, round=(0.2, 0.06), faint=0.3, height=10,
                  skirt=0.35, grain=9, granules=0.07, vesicle=45, contrast=0.5, fibres=2),
}  # fmt: skip

ROUND_HEIGHT = 55  # optical thickness of a rounded cell, whatever its line

TRIES = 10  # places looked at for each new cell
ANGLES = 256  # directions in which the radius of an outline is kept
SMALLEST = 30  # pixels; a smaller remnant of a cell is none


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
    cells = _lay_out(rng, line, shape, age)
    labels, inner, row = _grow(rng, cells, shape)
    phase = _thickness(rng, line, cells, labels, inner, row) + _debris(rng, line, shape)
    grey = np.clip(np.rint(_expose(rng, well, phase)), 0, 255)
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
    if not lines or count < 1:
        raise ValueError(f"{count} pictures of {len(lines)} lines; ask for at least one of each.")
    if fields not in (1, 2, 4):
        raise ValueError(f"fields is {fields!r}, expected 1, 2 or 4 pictures of each well.")
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
    if cell_type not in LINES:
        raise ValueError(f"no cell line {cell_type!r}; expected one of {', '.join(LINES)}.")
    if len(shape) != 2 or min(shape) < 32:
        raise ValueError(f"shape is {shape}, expected (height, width), each at least 32.")
    whole_number("seed", seed, 0)
    well = np.random.default_rng([0, list(LINES).index(cell_type), seed // 4])
    return LINES[cell_type], tuple(int(n) for n in shape), well, well.uniform()


def _group(cell_type, seed):
    return f"{cell_type}_Phase_S{seed // 4 + 1}"


def _name(cell_type, seed):
    """As LIVECell names files: type, well, position, days and hours, quarter of the picture."""
    hours = 4 * int(_recall(cell_type, FIELD, seed)[3] * 20)
    time = f"{hours // 24:02}d{hours % 24:02}h00m"
    return f"{_group(cell_type, seed)}_1_{time}_{seed % 4 + 1}"


# ---------------------------------------------------------------- where the cells lie


@dataclass
class _Cells:
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


def _lay_out(rng, line, shape, age) -> _Cells:
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
    return _Cells(
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


def _grow(rng, cells, shape):
    """Give each pixel to the cell in which it lies deepest, so that neighbours share a border.

    Returns the labels, each pixel's distance from the centre of its cell (0) to the outline (1),
    and for each label the row of the cell in ``cells`` (label 0 has none and gets row 0).
    """
    straight = np.mgrid[: shape[0], : shape[1]].astype(float)
    # Spread cells follow what they lie on, round ones do not.
    bent = straight + [2.5 * _hills(rng, shape, 25) + 0.5 * _hills(rng, shape, 6) for _ in "yx"]
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
    # A picture of twice the size, with a pixel between any two neighbours of the same owner:
    # there the pieces of different cells do not touch, and can be told apart in one go.
    links = np.zeros((2 * owner.shape[0] - 1, 2 * owner.shape[1] - 1), bool)
    links[::2, ::2] = owner > 0
    links[1::2, ::2] = (owner[1:] == owner[:-1]) & (owner[1:] > 0)
    links[::2, 1::2] = (owner[:, 1:] == owner[:, :-1]) & (owner[:, 1:] > 0)
    pieces = ndimage.label(links)[0][::2, ::2]
    size = np.bincount(pieces.ravel())
    old = np.zeros(len(size), int)
    old[pieces] = owner
    order = np.lexsort((-size, old))
    first = np.r_[True, old[order][1:] != old[order][:-1]]
    kept = [p for p in order[first] if old[p] > 0 and size[p] >= SMALLEST]
    new = np.zeros(len(size), np.int32)
    new[kept] = np.arange(1, len(kept) + 1)
    return new[pieces], np.r_[0, old[kept]].astype(int)


# ---------------------------------------------------------------- how they look


def _thickness(rng, line, cells, labels, inner, row):
    """Optical thickness of the cells, in the grey that it will take away; 0 elsewhere."""
    shape = labels.shape
    at = np.nonzero(labels)  # from here on, one number per pixel inside a cell
    cell, inner = row[labels[at]], inner[at]
    spread = ~cells.round[cell]
    edge = np.zeros(shape, bool)
    edge[1:] |= labels[1:] != labels[:-1]
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    free = ndimage.distance_transform_edt(labels > 0)[at]  # from the nearest background
    depth = np.minimum(ndimage.distance_transform_edt(~edge)[at], free)  # from any other cell

    # The label holds the halo, so the body begins a little inside.  Neighbours in a sheet run
    # into each other with a thin bright seam, round ones stay apart.
    within = np.where(spread, free - 1, np.minimum(free - 2.4, depth - 0.6))
    ruffle = np.clip(0.8 + 0.45 * _hills(rng, shape, 14)[at], 0.15, 1.6)
    rise = np.clip(within / np.where(spread, 1, 1.6), 0, 1)
    rim = np.where(spread, 0.6, 0.2) * np.exp(-(((within + 0.3) / 0.8) ** 2))
    seam = np.clip(0.5 + _hills(rng, shape, 10)[at], -0.5, 2) * np.exp(-((depth / 0.8) ** 2))
    seam = np.where(spread & (free > 2), seam, 0)
    phase = cells.height[cell] * np.where(spread, ruffle, 1) * (rise - rim - seam)

    # Texture: dense around the nucleus, hardly any in the skirt.
    skirt = np.clip(line.skirt * np.exp(0.6 * rng.normal(size=len(cells))), 0.03, 0.75)[cell]
    core = np.clip((1 - inner) / skirt - 0.4, 0, 1) * np.clip(depth / 4 - 0.4, 0, 1)
    uneven = np.clip(1 + 0.35 * _hills(rng, shape, 8)[at], 0.3, 3)
    texture = cells.texture[cell] * np.where(spread, core * (1.5 - 1.2 * inner) * uneven, depth > 3)
    faint = 0.25 * np.minimum(depth / 2, 1) * cells.texture[cell]
    nucleus, calm = _nucleus(rng, line, cells, cell, at)
    # Drawn for the whole picture: a pixel won or lost must not change the texture of the others.
    grain = 1.5 * line.grain * rng.normal(size=shape)[at]
    vesicle = line.vesicle * rng.normal(0.35, 0.8, size=shape)[at]
    vesicle *= rng.uniform(size=shape)[at] < 2 * line.granules * (1 - inner)
    fine = np.zeros(shape)
    fine[at] = (grain * (faint + 0.75 * texture) + vesicle * texture) * calm
    phase += ndimage.gaussian_filter(fine, 0.55)[at]
    phase += nucleus * np.clip(depth / 3 - 0.5, 0, 1)
    whole = np.zeros(shape)
    whole[at] = phase
    return whole


def _nucleus(rng, line, cells, cell, at):
    """Envelope and two nucleoli of each nucleus, and how much texture remains there (to 1)."""
    n = len(cells)
    size = line.nucleus * np.minimum(cells.radius, 18)
    dy = at[0] - (cells.y + 0.1 * cells.radius * rng.normal(size=n))[cell]
    dx = at[1] - (cells.x + 0.1 * cells.radius * rng.normal(size=n))[cell]
    turn = rng.uniform(0, np.pi, size=n)
    along = dx * np.cos(turn)[cell] + dy * np.sin(turn)[cell]
    across = dy * np.cos(turn)[cell] - dx * np.sin(turn)[cell]
    outside = np.hypot(along / 1.2, across * 1.2) - size[cell]
    phase = 8 * np.minimum(cells.texture[cell], 2) * np.exp(-(outside**2))
    for _ in range(2):
        far, angle = 0.5 * size * rng.uniform(size=n), rng.uniform(0, 2 * np.pi, size=n)
        strength = 25 * (0.5 + cells.texture) * rng.uniform(size=n)
        squared = (dy - (far * np.sin(angle))[cell]) ** 2 + (dx - (far * np.cos(angle))[cell]) ** 2
        phase += strength[cell] * np.exp(-squared / 2.5)
    calm = 1 - 0.8 * np.clip(-outside / 2, 0, 1) * ~cells.round[cell]
    return phase, calm


def _debris(rng, line, shape):
    """Specks, crumbs and threads that are no cells."""
    phase = np.zeros(shape)
    share = shape[0] * shape[1] / np.prod(FIELD)
    pieces = []  # of each: dots, pixels from dot to dot, turn from dot to dot, thickness
    for _ in range(rng.poisson(line.dirt * share)):
        pieces.append((rng.geometric(0.35), 1.0, 2.0, rng.exponential(110)))
    for _ in range(rng.poisson(line.rubble * share)):
        pieces.append((rng.geometric(0.03), 2.0, 2.0, 60))
    for _ in range(rng.poisson(line.fibres * share)):
        sign = 1 - 2 * rng.integers(2)
        pieces.append((rng.integers(12, 60), 0.5, 0.15, rng.uniform(10, 50) * sign))
    for dots, step, turn, strength in pieces:
        angle = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, turn, size=dots))
        y = (rng.uniform(0, shape[0]) + step * np.cumsum(np.sin(angle))).astype(int)
        x = (rng.uniform(0, shape[1]) + step * np.cumsum(np.cos(angle))).astype(int)
        seen = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
        phase[y[seen], x[seen]] = strength * rng.normal(1, 0.3, size=dots)[seen]
    return ndimage.gaussian_filter(phase, 0.6)


def _expose(rng, well, phase):
    """What the phase plate, the lamp and the camera of this well make of it: grey around 128.

    The plate compares each point with its surroundings; a difference of two Gaussians does so
    in first order, for the thin objects that cells are (Zernike, Physica 9, 1942).
    """
    focus, halo = well.uniform(0.4, 0.6), well.uniform(1.4, 1.8)
    grey = 2.2 * (ndimage.gaussian_filter(phase, halo) - ndimage.gaussian_filter(phase, focus))
    shape = phase.shape
    lamp = well.uniform(0, 0.8) * _hills(rng, shape, 150)
    slant, pitch = well.uniform(0, np.pi), well.uniform(4, 9)
    y, x = np.ogrid[: shape[0], : shape[1]]
    stripes = (y * np.sin(slant) + x * np.cos(slant)) * (2 * np.pi / pitch)
    stripes = np.cos(stripes + 2 * _hills(rng, shape, 60)) * (1 + _hills(rng, shape, 80))
    noise = ndimage.gaussian_filter(rng.normal(size=shape), 0.45)
    noise *= np.clip(1 + 0.3 * _hills(rng, shape, 50), 0.5, 2)
    grey += lamp + well.uniform(0, 0.5) * stripes + well.uniform(1.2, 2.2) * noise
    return grey - grey.mean() + 128


def _hills(rng, shape, scale):
    """A random landscape of mean 0 and variance 1 with hills ``scale`` pixels wide (B-splines)."""
    ways = []
    for n in shape:
        knots = int(np.ceil(n / scale)) + 4
        away = np.abs(np.arange(n)[:, None] / scale + 1.5 - np.arange(knots))
        spline = np.where(away < 1, 2 / 3 - away**2 + away**3 / 2,
                          np.maximum(2 - away, 0) ** 3 / 6)  # fmt: skip
        ways.append(spline / np.sqrt((spline**2).sum(axis=1).mean()))
    return ways[0] @ rng.normal(size=(ways[0].shape[1], ways[1].shape[1])) @ ways[1].T


# ---------------------------------------------------------------- the bundled set

#: Seeds of the pictures of each line: two wells to train, one to validate, one to test.
TINY = {"train": (0, 1, 4, 5), "val": (8,), "test": (12,)}
TINY_SHAPE = (260, 352)  # half a field each way


def tiny() -> dict[str, list[Sample]]:
    """The pictures of the bundled ``livecell_tiny``: split → samples, all lines in each."""
    return {
        split: [render(line, TINY_SHAPE, seed) for line in LINES for seed in seeds]
        for split, seeds in TINY.items()
    }


def main(arguments=None):
    """Write the bundled tiny set into a folder."""
    from cellkit.datasets.livecell import write_livecell

    parser = argparse.ArgumentParser("python -m cellkit.synthetic", None, main.__doc__)
    parser.add_argument("folder", help="e.g. data/livecell_tiny")
    folder = parser.parse_args(arguments).folder
    write_livecell(folder, tiny(), "Synthetic pictures in the manner of LIVECell, by CellKit; CC0")
    print(f"wrote {sum(map(len, TINY.values())) * len(LINES)} pictures to {folder}")


if __name__ == "__main__":
    main()
