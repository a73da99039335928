"""The tiny sets of every reader but LIVECell's, made of :mod:`experiments.tiny_pictures`.

Each is in the exact format of the real set with its oddities; its folder's README lists them.

``python -m experiments.tiny_sets FOLDER`` writes them all.
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from cellkit.files import replacing
from experiments.tiny_pictures import (
    deep_nuclei,
    eight_bits,
    glands,
    membranes,
    mitochondria,
    nuclei,
)


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
        file.create_dataset("labels/membranes", data=eight_bits(neurons > 0), **kept)
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
            smooth = eight_bits(ndimage.gaussian_filter(mask * 1.0, 0.6))
            drawn = _rgba(smooth) if number == 0 else smooth
            _write(Path(folder, f"{part}_In", f"mask{number:04}.png"), _png(image))
            _write(Path(folder, f"{part}_Out", f"{number}.png"), _png(drawn))


def write_ncmir(folder) -> None:
    """Our own layout: images and masks of the same name."""
    image, mask = mitochondria(8, (128, 128), seed=4, step=4)
    for i in range(8):
        _write(Path(folder, "images", f"{i:03}.png"), _png(image[i]))
        _write(Path(folder, "masks", f"{i:03}.png"), _png(eight_bits(mask[i])))


def write_livecell3(folder) -> None:
    """Three 16-bit pairs and two pictures without masks."""
    for i in range(5):
        image, mask = deep_nuclei(seed=i)
        where, name = ("images" if i < 3 else "unlabelled"), f"{i + 1}.tif"
        _write_stack(Path(folder, where, name), image)
        if i < 3:
            _write_stack(Path(folder, "masks", name), eight_bits(mask))


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
