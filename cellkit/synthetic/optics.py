"""How synthetic cells look: optical thickness, debris, and what the microscope makes of them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellkit.synthetic.layout import hills
from cellkit.synthetic.lines import FIELD


def thickness(rng, line, cells, labels, inner, row):
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
    ruffle = np.clip(0.8 + 0.45 * hills(rng, shape, 14)[at], 0.15, 1.6)
    rise = np.clip(within / np.where(spread, 1, 1.6), 0, 1)
    rim = np.where(spread, 0.6, 0.2) * np.exp(-(((within + 0.3) / 0.8) ** 2))
    seam = np.clip(0.5 + hills(rng, shape, 10)[at], -0.5, 2) * np.exp(-((depth / 0.8) ** 2))
    seam = np.where(spread & (free > 2), seam, 0)
    phase = cells.height[cell] * np.where(spread, ruffle, 1) * (rise - rim - seam)

    # Texture: dense around the nucleus, hardly any in the skirt.
    skirt = np.clip(line.skirt * np.exp(0.6 * rng.normal(size=len(cells))), 0.03, 0.75)[cell]
    core = np.clip((1 - inner) / skirt - 0.4, 0, 1) * np.clip(depth / 4 - 0.4, 0, 1)
    uneven = np.clip(1 + 0.35 * hills(rng, shape, 8)[at], 0.3, 3)
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


def debris(rng, line, shape):
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


def expose(rng, well, phase):
    """What the phase plate, the lamp and the camera of this well make of it: grey around 128.

    The plate compares each point with its surroundings; a difference of two Gaussians does so
    in first order, for the thin objects that cells are (Zernike, Physica 9, 1942).
    """
    focus, halo = well.uniform(0.4, 0.6), well.uniform(1.4, 1.8)
    grey = 2.2 * (ndimage.gaussian_filter(phase, halo) - ndimage.gaussian_filter(phase, focus))
    shape = phase.shape
    lamp = well.uniform(0, 0.8) * hills(rng, shape, 150)
    slant, pitch = well.uniform(0, np.pi), well.uniform(4, 9)
    y, x = np.ogrid[: shape[0], : shape[1]]
    stripes = (y * np.sin(slant) + x * np.cos(slant)) * (2 * np.pi / pitch)
    stripes = np.cos(stripes + 2 * hills(rng, shape, 60)) * (1 + hills(rng, shape, 80))
    noise = ndimage.gaussian_filter(rng.normal(size=shape), 0.45)
    noise *= np.clip(1 + 0.3 * hills(rng, shape, 50), 0.5, 2)
    grey += lamp + well.uniform(0, 0.5) * stripes + well.uniform(1.2, 2.2) * noise
    return grey - grey.mean() + 128
