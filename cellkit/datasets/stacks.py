"""Electron microscopy: stacks of slices, and what was drawn in them.

========  =======================================  ====================  =====================
name      tissue, pixel x slice                    slices                drawn
========  =======================================  ====================  =====================
isbi2012  fruit fly nerve cord, 4 nm x 50 nm       30 of 512 x 512       membranes
snemi3d   mouse cortex, 6 nm x 30 nm (ISBI 2013)   100 of 1024 x 1024    every neuron
epfl      mouse hippocampus, 5 nm x 5 nm           165 of 768 x 1024     mitochondria
========  =======================================  ====================  =====================

Each comes as a TIFF stack, as a folder of pictures or as HDF5, packed or not: :data:`SETS` lists
the names.  Neighbouring slices show the same cells, so samples are grouped in *blocks* of slices
(``"train 006-011"``).  The last slice of a block and the first of the next are still neighbours:
leave a block out between training and testing where that matters.

- ISBI 2012: white is the inside of a cell and black the membrane; the cells are the connected
  insides (pixels that meet at a corner are not connected).
- SNEMI3D: a neuron's number is the same in all slices; within one slice each connected piece of
  it is a cell of its own.
- EPFL: some copies have smoothed masks, with greys between 0 and 255; above 127 is drawn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from cellkit.checks import one_of
from cellkit.datasets.archives import base, names
from cellkit.datasets.decoders import hdf5, page_count
from cellkit.datasets.faults import naming, need
from cellkit.datasets.folder import check_size
from cellkit.datasets.images import SUFFIXES, read_image, read_labels, scale_image, to_labels
from cellkit.datasets.pairing import Pattern, pair
from cellkit.samples import Entry, Samples


@dataclass(frozen=True)
class _Set:
    """How one data set is passed on: patterns of names as in :mod:`cellkit.datasets.folder`.

    Each way is (split, images, labels).  Slices are looked for first, then stacks, then volumes;
    of a split the first that fits is taken.
    """

    block: int  # slices in a block
    drawn: str  # "insides", "pieces" or "mask": what the drawn values mean
    slices: tuple = ()  # pictures
    stacks: tuple = ()  # TIFF files of many pages
    volumes: tuple = ()  # HDF5 files: (split, file)
    images: tuple[str, ...] = ("raw", "volumes/raw")  # keys in HDF5
    labels: tuple[str, ...] = ("labels", "volumes/labels")


SETS = {
    "isbi2012": _Set(
        block=6,
        drawn="insides",
        slices=(("train", "**/image/{}.*", "**/label/{}.*"),
                ("train", "**/images/{}.*", "**/labels/{}.*"),
                ("test", "**/test/{}.*", None)),
        stacks=(("train", "**/train-volume.tif", "**/train-labels.tif"),
                ("test", "**/test-volume.tif", None)),
        volumes=(("train", "**/isbi*.h5"),),
        labels=("labels/membranes", "volumes/labels/membranes", "labels/gt_segmentation"),
    ),
    "snemi3d": _Set(
        block=10,
        drawn="pieces",
        slices=(("train", "**/image/{}.*", "**/label/{}.*"),
                ("train", "**/images/{}.*", "**/labels/{}.*")),
        stacks=(("train", "**/train-input.tif", "**/train-labels.tif"),
                ("test", "**/test-input.tif", None)),
        volumes=(("train", "**/snemi_train.h5"), ("test", "**/snemi_test.h5")),
        labels=("volumes/labels/neuron_ids", "labels/neuron_ids", "labels"),
    ),
    "epfl": _Set(
        block=20,
        drawn="mask",
        slices=(("train", "**/Train_In/mask{}.png", "**/Train_Out/{}.png"),
                ("test", "**/Test_In/mask{}.png", "**/Test_Out/{}.png"),
                ("train", "**/epfl_train/slices/{}.*", "**/epfl_train/mitochondrion/{}.*"),
                ("test", "**/epfl_test/slices/{}.*", "**/epfl_test/mitochondrion/{}.*")),
        stacks=(("train", "**/training.tif", "**/training_groundtruth.tif"),
                ("test", "**/testing.tif", "**/testing_groundtruth.tif")),
        volumes=(("train", "**/lucchi_train.h5"), ("test", "**/lucchi_test.h5")),
    ),
}  # fmt: skip


def isbi2012(root, split="all") -> Samples:
    """ISBI 2012: membranes, lazily; call it as ``cellkit.read("isbi2012", ...)``.

    Arganda-Carreras et al., Frontiers in Neuroanatomy 9 (2015).  Names: ``train-volume.tif`` and
    ``train-labels.tif``, ``image/0.png`` and ``label/0.png`` ..., or ``isbi.h5``.

    Parameters
    ----------
    root : path
        The folder, or an archive.
    split : {"all", "train", "test"}
        "test" (``test-volume.tif``) has no labels; "all" is everything that has.

    Returns
    -------
    Samples
        ``group`` is a block of slices, see the module; labels as the module says.

    Raises
    ------
    FileNotFoundError
        Nothing of this data set below ``root``.
    ValueError
        An unknown split; image without labels or the other way round; stacks of different length.
        When a sample is read: labels of another size than the image, an unreadable file.
    """
    return _samples("isbi2012", root, split)


def snemi3d(root, split="all") -> Samples:
    """SNEMI3D (ISBI 2013): neurons; ``cellkit.read("snemi3d", ...)``, see :func:`isbi2012`.

    Kasthuri et al., Cell 162 (2015).  Names: ``train-input.tif`` and ``train-labels.tif``,
    ``images/`` and ``labels/``, or ``snemi_train.h5``.
    """
    return _samples("snemi3d", root, split)


def epfl(root, split="all") -> Samples:
    """EPFL mitochondria: ``cellkit.read("epfl", ...)``, see :func:`isbi2012`.

    Lucchi et al., CVPR 2013.  Names: ``training.tif`` and ``training_groundtruth.tif``;
    Lucchi++ (Casser et al., arXiv 1812.06024: the same pictures, drawn anew) ``Train_In/`` and
    ``Train_Out/``; ``epfl_train/slices/`` and ``epfl_train/mitochondrion/``.
    """
    return _samples("epfl", root, split)


def _samples(name, root, split) -> Samples:
    about, root = SETS[name], Path(root)
    splits = list(dict.fromkeys(s for s, *_ in about.slices + about.stacks + about.volumes))
    one_of(f"split of {name}", split, ("all", *splits))
    found = names(root)
    parts = {part: _part(name, base(root), found, part) for part in splits}
    shown = ", ".join(f"{i} with {o}" for _, i, o in about.slices[:1] + about.stacks[:1])
    need(any(parts.values()), lambda: (
        f"nothing of {name} below {root}, expected e.g. {shown.replace('**/', '')}; give the "
        "folder or archive that holds them."
    ), FileNotFoundError)  # fmt: skip
    if split == "all":
        chosen = [entry for part in parts.values() for entry in part if entry.annotated]
    else:
        chosen = parts[split]
    need(chosen, lambda: (
        f"{root} has no {split} part of {name}, only "
        f"{', '.join(part for part in splits if parts[part])}; choose that."
    ))  # fmt: skip
    return Samples(chosen)


def _part(name, root, found, split) -> list[Entry]:
    """The slices of a split, in whichever way they are there."""
    about = SETS[name]
    pictures = [n for n in found if n.lower().endswith(SUFFIXES)]
    for part, images, labels in about.slices:
        if part == split and _fits(pictures, images):
            pairs = pair(pictures, images, labels, "", root)
            return _from_pictures(name, root, pairs, split, labels)
    for part, images, labels in about.stacks:
        if part == split and _fits(pictures, images):
            return _from_pages(name, root, pair(pictures, images, labels, "", root)[0], split)
    for part, file in about.volumes:
        if part == split and _fits(found, file):
            return _from_hdf5(name, root / _fits(found, file)[0], split)
    return []


def _fits(found, pattern) -> list[str]:
    pattern = Pattern(pattern)
    return [name for name in found if pattern.match(name)]


def _from_pictures(name, root, pairs, split, labels) -> list[Entry]:
    missing = [p.image for p in pairs if labels and not p.labels]
    need(not missing, lambda: (
        f"{missing[0]} in {root} has no labels ({len(missing)} such), expected one that fits "
        f"{labels!r}; add them, or delete the image."
    ))  # fmt: skip
    entries = []
    for i, p in enumerate(pairs):
        image, drawn = root / p.image, root / p.labels[0] if p.labels else None
        read = _Slice(image, drawn, None, SETS[name].drawn)
        entries.append(_entry(name, split, _number(image.stem, i), image.stem, read))
    return entries


def _from_pages(name, root, files, split) -> list[Entry]:
    image, drawn = root / files.image, root / files.labels[0] if files.labels else None
    count = page_count(image)
    need(not drawn or page_count(drawn) == count, lambda: (
        f"{image} has {count} pages and {drawn} {page_count(drawn)}, expected as many; one of "
        "them is cut off or belongs to another stack, download it again."
    ))  # fmt: skip
    reads = [_Slice(image, drawn, i, SETS[name].drawn) for i in range(count)]
    return [_entry(name, split, i, f"{image.stem}_{i:03}", read) for i, read in enumerate(reads)]


def _number(stem, otherwise) -> int:
    digits = re.findall(r"\d+", stem)
    return int(digits[-1]) if digits else otherwise


def _entry(name, split, number, title, read) -> Entry:
    first = number // SETS[name].block * SETS[name].block
    group = f"{split} {first:03}-{first + SETS[name].block - 1:03}"
    path = read.image if read.image.is_file() else None
    return Entry(title, read, name, None, group, read.labels is not None, path)


@dataclass(frozen=True)
class _Slice:
    """Reads one slice from pictures: of their own, or pages of a stack."""

    image: Path
    labels: Path | None
    page: int | None
    drawn: str

    def __call__(self):
        image = read_image(self.image, page=self.page)
        need(image.ndim == 2,
             lambda: f"{self.image} is in colour, expected grey as in every EM slice.")
        if self.labels is None:
            return image, None
        labels = _cells(partial(read_labels, self.labels, self.page), self.drawn)
        check_size(self.labels, labels.shape, self.image, image)
        return image, labels


def _cells(read, drawn) -> np.ndarray:
    """Cells from what was drawn; ``read(kind=...)`` gives it."""
    if drawn == "mask":
        return read(kind="mask")
    if drawn == "insides":
        return to_labels(read(kind="mask") > 0, "mask", corners=False)
    from skimage.measure import label

    return label(read(kind="cells"), connectivity=1, background=0).astype(np.int32)


# ---------------------------------------------------------------- HDF5


def _from_hdf5(name, path, split) -> list[Entry]:
    about = SETS[name]
    with hdf5(path) as file:
        image = _dataset(file, path, about.images)
        labels = _dataset(file, path, about.labels, needed=split != "test")
        shape = file[image].shape
        need(not labels or file[labels].shape == shape, lambda: (
            f"{path} has {image} of shape {shape} and {labels} of shape {file[labels].shape}, "
            "expected the same; download it again."
        ))  # fmt: skip
    # Only ISBI 2012's second choice holds numbers where the others have black and white.
    drawn = "pieces" if labels and labels.endswith("gt_segmentation") else about.drawn
    reads = [_Layer(path, image, labels, i, drawn) for i in range(shape[0])]
    return [_entry(name, split, i, f"{path.stem}_{i:03}", read) for i, read in enumerate(reads)]


@dataclass(frozen=True)
class _Layer:
    """Reads one slice of an HDF5 file."""

    image: Path
    key: str
    labels: str | None
    number: int
    drawn: str

    def __call__(self):
        with hdf5(self.image) as file:
            image = file[self.key][self.number]
            values = file[self.labels][self.number] if self.labels else None
        with naming(self.image, f"save {self.key} as 8 or 16 bits."):
            image = scale_image(image)
        with naming(self.image):
            return image, None if values is None else self._cells(values)

    def _cells(self, values) -> np.ndarray:
        if self.drawn == "insides":
            values = to_labels(values, "mask") > 0
            values = ~values if values.mean() < 0.5 else values  # some copies mark the membranes
        return _cells(partial(to_labels, values), self.drawn)


def _dataset(file, path, keys, needed=True) -> str | None:
    import h5py

    for key in keys:
        if isinstance(file.get(key), h5py.Dataset) and file[key].ndim == 3:
            return key
    there: list[str] = []
    file.visit(there.append)
    need(not needed, lambda: (
        f"{path} holds {', '.join(there[:8]) or 'nothing'}, expected {' or '.join(keys)} of shape "
        "(slices, height, width); take the file from the address that the registry names."
    ))  # fmt: skip
    return None
