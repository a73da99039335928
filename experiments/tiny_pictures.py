"""Synthetic nuclei, glands and electron microscopy: the pictures of :mod:`experiments.tiny_sets`.

Each picture is made of *blobs*, uneven ellipses with a distance that is 0 at the centre and 1 at
the outline, and of smooth noise; then comes what the microscope adds.  They are plain on purpose:
enough to try a reader, a network or a transform on.  Nothing is copied from a real picture.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

#: What hematoxylin (blue) and eosin (pink) take away of red, green and blue light.
HEMATOXYLIN, EOSIN = np.array([0.65, 0.70, 0.29]), np.array([0.07, 0.99, 0.11])


# ---------------------------------------------------------------- what pictures are made of


def _smooth(rng, shape, scale) -> np.ndarray:
    """Noise with hills about ``scale`` pixels wide, mean 0, standard deviation 1."""
    hills = ndimage.gaussian_filter(rng.normal(size=shape), scale, mode="wrap")
    return (hills - hills.mean()) / hills.std()


def _blobs(rng, shape, count, radius, elongation=1.3, wobble=0.1, apart=0.95) -> np.ndarray:
    """Uneven ellipses: (count, H, W), the distance from each centre, 1 at its outline.

    ``apart``: how near two centres may come, in sums of their radii.  Fewer if there is no room.
    """
    y, x = np.mgrid[: shape[0], : shape[1]]
    placed, distances, count = [], [], max(1, count)
    for _ in range(30 * count):
        size = radius * np.exp(0.2 * rng.normal())
        cy, cx = rng.uniform(-0.5 * size, np.array(shape) + 0.5 * size)
        if any(np.hypot(cy - b, cx - a) < apart * (size + r) for b, a, r in placed):
            continue
        placed.append((cy, cx, size))
        angle = np.arctan2(y - cy, x - cx)
        ratio = elongation ** rng.uniform(0.3, 1.5)
        turned = angle - rng.uniform(0, np.pi)
        reach = size / np.sqrt(np.cos(turned) ** 2 / ratio + np.sin(turned) ** 2 * ratio)
        for waves in (2, 3, 5):
            start = rng.uniform(0, 2 * np.pi)
            reach *= 1 + wobble * rng.normal() * np.cos(waves * angle + start) / np.sqrt(waves)
        distances.append(np.hypot(y - cy, x - cx) / np.maximum(reach, 0.3 * size))
        if len(placed) == count:
            break
    return np.stack(distances)


def _from_points(rng, chance, apart) -> np.ndarray:
    """How far each pixel is from the nearest of some points: (H, W), in pixels.

    The points lie at least ``apart`` from each other, where ``chance`` (H, W) in [0, 1] lets them.
    """
    points = np.empty((0, 2))
    for point in rng.integers(0, chance.shape, (4 * chance.size // int(apart**2), 2)):
        if rng.uniform() < chance[tuple(point)]:
            if not len(points) or np.hypot(*(points - point).T).min() >= apart:
                points = np.vstack([points, point])
    empty = np.ones(chance.shape, bool)
    empty[tuple(points.astype(int).T)] = False
    return ndimage.distance_transform_edt(empty)


def eight_bits(image) -> np.ndarray:
    """[0, 1] to 8 bits."""
    return np.clip(np.rint(255 * image), 0, 255).astype(np.uint8)


def _stained(blue, pink, rng) -> np.ndarray:
    """Light that passed two stains of some density (H, W): 8-bit RGB."""
    light = np.exp(-(blue[..., None] * HEMATOXYLIN + pink[..., None] * EOSIN))
    grain = ndimage.gaussian_filter(rng.normal(0, 0.02, (*blue.shape, 3)), (0.7, 0.7, 0))
    return eight_bits(0.96 * light + grain)


# ---------------------------------------------------------------- nuclei


def nuclei(kind, shape=(256, 256), seed=0) -> tuple[np.ndarray, np.ndarray]:
    """A field of nuclei.

    Parameters
    ----------
    kind : {"fluorescence", "stained", "brightfield"}
    shape : (int, int)
    seed : int

    Returns
    -------
    image : ndarray, uint8, (H, W), or (H, W, 3) for "stained"
    masks : ndarray, bool, (n, H, W)
        Neighbours overlap by some pixels, as hand-drawn ones do.
    """
    rng = np.random.default_rng([1, seed])
    distance = _blobs(rng, shape, shape[0] * shape[1] // 1100, 10, apart=0.85)
    masks = distance < 1
    strength = rng.uniform(0.35, 1, len(masks))
    depth = np.clip((1 - distance) * 4, 0, 1) * strength[:, None, None]
    body = ndimage.gaussian_filter(depth.max(axis=0), 0.8)
    body *= 1 + 0.12 * _smooth(rng, shape, 2.5)
    if kind == "fluorescence":
        image = 0.05 + 0.02 * _smooth(rng, shape, 60) + 0.6 * body
        image = rng.poisson(np.clip(image, 0, 1) * 250) / 250
        return eight_bits(image), masks
    if kind == "stained":
        pink = 0.25 + 0.08 * _smooth(rng, shape, 5) + 0.05 * _smooth(rng, shape, 1.5)
        return _stained(1.3 * body + 0.05, np.clip(pink, 0, 1), rng), masks
    if kind == "brightfield":
        halo = ndimage.gaussian_filter(masks.any(axis=0).astype(float), 5)
        image = 0.85 - 0.25 * halo - 0.35 * body + 0.02 * _smooth(rng, shape, 0.7)
        return eight_bits(image), masks
    raise ValueError(f"kind is {kind!r}, expected fluorescence, stained or brightfield.")


def deep_nuclei(shape=(192, 192), seed=0) -> tuple[np.ndarray, np.ndarray]:
    """Fluorescence of a 16-bit camera that uses a hundredth of its range: about 80 to 600.

    Returns
    -------
    image : ndarray, uint16, (H, W)
    mask : ndarray, bool, (H, W)
        Neighbours may be one piece.
    """
    rng = np.random.default_rng([2, seed])
    distance = _blobs(rng, shape, shape[0] * shape[1] // 2000, 13, apart=1.0)
    bright = rng.uniform(0.3, 1, len(distance))[:, None, None]
    glow = (np.clip((1 - distance) * 2, 0, 1) * bright).max(axis=0)
    glow = ndimage.gaussian_filter(glow * (1 + 0.15 * _smooth(rng, shape, 2)), 1.2)
    electrons = rng.poisson(np.clip(20 + 400 * glow, 0, None))
    return (80 + electrons).astype(np.uint16), (distance < 1).any(axis=0)


# ---------------------------------------------------------------- glands


def glands(malignant=False, shape=(132, 196), seed=0) -> tuple[np.ndarray, np.ndarray]:
    """Glands of the colon, cut across: a ring of epithelium around an open lumen.

    Returns
    -------
    image : ndarray, uint8, (H, W, 3)
    labels : ndarray, uint8, (H, W)
        Gland numbers; the lumen belongs to its gland.
    """
    rng = np.random.default_rng([3, seed])
    distance = _blobs(rng, shape, 9, 0.18 * min(shape), elongation=1.4,
                      wobble=0.25 if malignant else 0.08, apart=1.1)  # fmt: skip
    nearest, gland = distance.min(axis=0), distance.argmin(axis=0)
    inside = nearest < 1
    lumen = (0.3 if malignant else 0.5) + 0.05 * _smooth(rng, shape, 3)
    epithelium = inside & (nearest > lumen)

    # Nuclei: in a row along the outline of each gland, and scattered between the glands.
    rim = epithelium & (nearest > (0.55 if malignant else 0.75)) & (nearest < 0.95)
    chance = np.where(rim, 1.0, np.where(nearest < 1.1, 0.0, 0.05))
    blue = np.clip(1.8 - _from_points(rng, chance, apart=4.5) / 1.8, 0, 1)
    blue = ndimage.gaussian_filter(np.where(inside & ~epithelium, 0, blue), 0.6)

    stroma = 0.45 + 0.1 * _smooth(rng, shape, 4) + 0.06 * _smooth(rng, shape, 1)
    pink = np.where(epithelium, 0.3 + 0.05 * _smooth(rng, shape, 2), np.where(inside, 0.03, stroma))
    image = _stained(1.2 * blue + 0.15 * epithelium, np.clip(pink, 0, 1), rng)
    return image, np.where(inside, gland + 1, 0).astype(np.uint8)


# ---------------------------------------------------------------- electron microscopy


def membranes(slices=12, shape=(128, 128), seed=0) -> tuple[np.ndarray, np.ndarray]:
    """A stack of nerve cells cut across: each slice a little further.

    Returns
    -------
    image : ndarray, uint8, (slices, H, W)
        Membranes dark.
    neurons : ndarray, uint16, (slices, H, W)
        The same number for the same cell in all slices; 0 on the membrane.
    """
    rng = np.random.default_rng([4, seed])
    size = np.array([slices, *shape])
    step = 5  # pixels from slice to slice
    count = int(np.prod(size) * step / 14**3)
    tree = cKDTree(rng.uniform(-10, size * (step, 1, 1) + 10, (count, 3)))
    grid = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1).astype(float)
    bend = np.stack([_smooth(rng, size, (2, 6, 6)) for _ in range(3)], axis=-1)
    (near, second), (cell, _) = (a.transpose(3, 0, 1, 2) for a in tree.query(
        grid * (step, 1, 1) + 4 * bend, k=2))  # fmt: skip
    gap = second - near  # 0 where two cells meet
    image = 0.72 + 0.05 * _smooth(rng, size, (0.5, 3, 3)) + 0.04 * rng.normal(size=size)
    image -= 0.5 * np.exp(-((gap / 1.6) ** 2))
    vesicles = ndimage.gaussian_filter((rng.uniform(size=size) < 0.006) * 1.0, (0, 1.2, 1.2))
    image -= 1.2 * vesicles
    image = ndimage.gaussian_filter(image, (0, 0.6, 0.6))
    return eight_bits(image), np.where(gap > 1.3, cell + 1, 0).astype(np.uint16)


def mitochondria(slices=8, shape=(128, 160), seed=0, step=2.0) -> tuple[np.ndarray, np.ndarray]:
    """A stack of brain tissue with mitochondria.

    Returns
    -------
    image : ndarray, uint8, (slices, H, W)
    mask : ndarray, bool, (slices, H, W)
    """
    rng = np.random.default_rng([5, seed])
    tissue, _ = membranes(slices, shape, seed + 1000)
    image = 0.25 + 0.6 * tissue / 255
    y, x = np.mgrid[: shape[0], : shape[1]]
    mask = np.zeros(tissue.shape, bool)
    for _ in range(10):
        cy, cx = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        cz, turn = rng.uniform(0, slices * step), rng.uniform(0, np.pi)
        long, wide = rng.uniform(12, 20), rng.uniform(6, 8)
        along = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        across = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        uneven = 1 + 0.08 * _smooth(rng, shape, 6)
        for z in range(slices):
            away = np.sqrt(
                (along / long) ** 2 + (across / wide) ** 2 + ((z * step - cz) / (2 * long)) ** 2
            ) * uneven  # fmt: skip
            cristae = 0.08 * np.sin(along * 1.1 + 2 * np.sin(across / 3))
            rim = 0.2 * np.exp(-(((away - 0.93) * wide) ** 2))
            image[z] = np.where(away < 1, 0.45 + cristae - rim, image[z])
            mask[z] |= away < 1
    image += 0.03 * rng.normal(size=image.shape)
    return eight_bits(ndimage.gaussian_filter(image, (0, 0.7, 0.7))), mask
