"""Synthetic nuclei, glands and electron microscopy: the tiny sets of every reader but LIVECell's.

Each picture is made of *blobs*, uneven ellipses with a distance that is 0 at the centre and 1 at
the outline, and of smooth noise; then comes what the microscope adds.  They are plain on purpose:
enough to try a reader, a network or a transform on, in the exact format of the real set with its
oddities (each folder's README lists them).  Nothing is copied from a real picture.

``python -m experiments.tiny_sets FOLDER`` writes them all.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.spatial import cKDTree

from cellkit.files import replacing

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


def _bytes(image) -> np.ndarray:
    """[0, 1] to 8 bits."""
    return np.clip(np.rint(255 * image), 0, 255).astype(np.uint8)


def _stained(blue, pink, rng) -> np.ndarray:
    """Light that passed two stains of some density (H, W): 8-bit RGB."""
    light = np.exp(-(blue[..., None] * HEMATOXYLIN + pink[..., None] * EOSIN))
    grain = ndimage.gaussian_filter(rng.normal(0, 0.02, (*blue.shape, 3)), (0.7, 0.7, 0))
    return _bytes(0.96 * light + grain)


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
        return _bytes(image), masks
    if kind == "stained":
        pink = 0.25 + 0.08 * _smooth(rng, shape, 5) + 0.05 * _smooth(rng, shape, 1.5)
        return _stained(1.3 * body + 0.05, np.clip(pink, 0, 1), rng), masks
    if kind == "brightfield":
        halo = ndimage.gaussian_filter(masks.any(axis=0).astype(float), 5)
        image = 0.85 - 0.25 * halo - 0.35 * body + 0.02 * _smooth(rng, shape, 0.7)
        return _bytes(image), masks
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
    return _bytes(image), np.where(gap > 1.3, cell + 1, 0).astype(np.uint16)


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
    return _bytes(ndimage.gaussian_filter(image, (0, 0.7, 0.7))), mask


# ---------------------------------------------------------------- the bundled sets


def write_dsb2018(folder) -> None:
    """``stage1_train.zip`` with tiles of fields, ``stage1_test.zip`` with its solution.

    Packed as they are distributed, also since Windows takes no path as long as theirs.
    """
    folder, train, test = Path(folder), {}, {}
    for number, (kind, shape) in enumerate(
        [("fluorescence", (192, 192)), ("fluorescence", (192, 192)), ("stained", (192, 256)),
         ("stained", (192, 256)), ("brightfield", (96, 96))]
    ):  # fmt: skip
        image, masks = nuclei(kind, shape, seed=number)
        for row, tile in _tiles(shape, (1, 1) if kind == "brightfield" else (2, 2)):
            name = _id(f"train {number} {row}")
            train[f"{name}/images/{name}.png"] = _png(_rgba(image[tile]))
            for k, mask in enumerate(masks[(slice(None), *tile)]):
                if mask.sum() >= 8:
                    file = _id(f"train {number} {row} {k}")
                    train[f"{name}/masks/{file}.png"] = _png(np.where(mask, 255, 0))
    _zip(folder / "stage1_train.zip", train)
    lines = ["ImageId,EncodedPixels,Height,Width,Usage"]
    for number, kind in enumerate(("fluorescence", "stained")):
        image, masks = nuclei(kind, (96, 128), seed=10 + number)
        name = _id(f"test {number}")
        test[f"{name}/images/{name}.png"] = _png(_rgba(image))
        lines += [f"{name},{_runs(mask)},96,128,Public" for mask in masks if mask.any()]
    _zip(folder / "stage1_test.zip", test)
    _write(folder / "stage1_solution.csv", ("\n".join(lines) + "\n").encode())


def write_glas(folder) -> None:
    """Pictures with ``_anno``, one pair as BMP, and ``Grade.csv`` with its odd line ends."""
    lines = ["name,patient ID, grade (GlaS), grade (Sirinukunwattana et al. 2015)"]
    pictures = [("testA_1", 1, False), ("testA_2", 3, True), ("testB_1", 2, True),
                ("train_1", 1, False), ("train_2", 2, True), ("train_3", 3, True),
                ("train_4", 4, False)]  # fmt: skip
    for seed, (name, patient, malignant) in enumerate(pictures):
        image, labels = glands(malignant, seed=seed)
        kind = "bmp" if name == "train_1" else "png"
        _write(Path(folder, f"{name}.{kind}"), _encoded(image, kind))
        _write(Path(folder, f"{name}_anno.{kind}"), _encoded(labels, kind))
        told = ("malignant", "moderately differentiated") if malignant else ("benign", "healthy")
        lines.append(f"{name},{patient}, {told[0]}, {told[1]}")
    _write(Path(folder, "Grade.csv"), "".join(line + "\r" for line in lines).encode())


def write_isbi2012(folder) -> None:
    """HDF5, as the registered copy is; a TIFF stack without labels as its test part."""
    import h5py

    image, neurons = membranes(12, seed=0)
    # track_times: the same bytes whenever it is written.
    kept = {"compression": "gzip", "track_times": False}
    with replacing(Path(folder, "isbi.h5")) as temporary, h5py.File(temporary, "w") as file:
        file.create_dataset("raw", data=image, **kept)
        file.create_dataset("labels/membranes", data=_bytes(neurons > 0), **kept)
        file.create_dataset("labels/gt_segmentation", data=neurons, **kept)
    _write_stack(Path(folder, "test-volume.tif"), membranes(3, seed=1)[0])


def write_snemi3d(folder) -> None:
    """TIFF stacks; 16-bit neuron numbers."""
    image, neurons = membranes(12, seed=2)
    _write_stack(Path(folder, "train-input.tif"), image)
    _write_stack(Path(folder, "train-labels.tif"), neurons)


def write_epfl(folder) -> None:
    """Lucchi++'s folders: padded numbers on one side only, smoothed masks, some in RGBA."""
    for part, numbers, seed in (("Train", (0, 1, 2, 3, 40, 41, 42, 43), 0), ("Test", (0, 1), 2)):
        half = len(numbers) // 2
        stacks = [mitochondria(half, seed=seed + i) for i in range(2)]
        for i, number in enumerate(numbers):
            image, mask = (stack[i % half] for stack in stacks[i // half])
            smooth = _bytes(ndimage.gaussian_filter(mask * 1.0, 0.6))
            drawn = _rgba(smooth) if number == 0 else smooth
            _write(Path(folder, f"{part}_In", f"mask{number:04}.png"), _png(image))
            _write(Path(folder, f"{part}_Out", f"{number}.png"), _png(drawn))


def write_ncmir(folder) -> None:
    """Our own layout: images and masks of the same name."""
    image, mask = mitochondria(8, (128, 128), seed=4, step=4)
    for i in range(8):
        _write(Path(folder, "images", f"{i:03}.png"), _png(image[i]))
        _write(Path(folder, "masks", f"{i:03}.png"), _png(_bytes(mask[i])))


def write_livecell3(folder) -> None:
    """Three 16-bit pairs and two pictures without masks."""
    for i in range(5):
        image, mask = deep_nuclei(seed=i)
        where, name = ("images" if i < 3 else "unlabelled"), f"{i + 1}.tif"
        _write_stack(Path(folder, where, name), image)
        if i < 3:
            _write_stack(Path(folder, "masks", name), _bytes(mask))


def write_folder(folder) -> None:
    """Somebody's own pictures: 16-bit label files beside 8-bit images, one without labels."""
    for i in range(5):
        image, masks = nuclei("fluorescence", (112, 144), seed=20 + i)
        name = f"day{i // 2 + 1}_{i % 2 + 1}"
        _write(Path(folder, "images" if i < 4 else "unlabelled", f"{name}.png"), _png(image))
        if i < 4:
            labels = np.zeros(image.shape, np.uint16)
            for k, mask in enumerate(masks, start=1):
                labels[mask] = k
            _write(Path(folder, "labels", f"{name}.png"), _png(labels))


WRITERS = {
    "dsb2018": write_dsb2018,
    "glas": write_glas,
    "isbi2012": write_isbi2012,
    "snemi3d": write_snemi3d,
    "epfl": write_epfl,
    "ncmir": write_ncmir,
    "livecell3": write_livecell3,
    "folder": write_folder,
}


def _tiles(shape, grid):
    """Number and slices of each tile of a field."""
    height, width = shape[0] // grid[0], shape[1] // grid[1]
    for i in range(grid[0] * grid[1]):
        y, x = i // grid[1] * height, i % grid[1] * width
        yield i, (slice(y, y + height), slice(x, x + width))


def _id(text) -> str:
    """64 letters and digits, as Kaggle names its pictures."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def _rgba(image) -> np.ndarray:
    colour = image if image.ndim == 3 else np.dstack([image] * 3)
    return np.dstack([colour, np.full(image.shape[:2], 255, np.uint8)])


def _runs(mask) -> str:
    """Run lengths as Kaggle writes them: start (from 1, down the columns) and length in turn."""
    change = np.flatnonzero(np.diff(mask.T.ravel().astype(np.int8), prepend=0, append=0))
    return " ".join(f"{start + 1} {end - start}" for start, end in change.reshape(-1, 2))


def _png(array) -> bytes:
    return _encoded(array, "png")


def _encoded(array, kind) -> bytes:
    array = np.asarray(array)
    stream = io.BytesIO()
    Image.fromarray(array if array.dtype == np.uint16 else array.astype(np.uint8)).save(
        stream, kind, **({"optimize": True} if kind == "png" else {})
    )
    return stream.getvalue()


def _write(place, data: bytes):
    with replacing(place) as temporary:
        temporary.write_bytes(data)


def _write_stack(place, array):
    import tifffile

    # Deflate: tifffile unpacks it by itself, and Colab has no package for LZW.
    with replacing(place) as temporary:
        tifffile.imwrite(temporary, array, photometric="minisblack", compression="zlib",
                         software="", metadata=None)  # fmt: skip


def _zip(place, members):
    with replacing(place) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(members):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), members[name])


if __name__ == "__main__":
    for _name, _write_set in WRITERS.items():
        _write_set(Path(sys.argv[1], f"{_name}_tiny"))
