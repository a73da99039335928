"""Any folder of pictures, with the drawn cells beside them or without.

    ck.read("folder", root="my_cells")
    ck.read("folder", root="my_cells", images="{}.tif", labels="{}_mask.png")
    ck.read("folder", root="my_cells", images="{cell_type}/{group}_{}.tif",
            labels="{cell_type}/drawn/{group}_{}.png")
    ck.read("folder", root="my_cells", images="{}/images/*.png", labels="{}/masks/*.png")

A *pattern* is a name below the folder, in which ``{}`` stands for what an image and its labels
have in common (``t003.tif`` and ``man_seg003.tif``: 003), ``{cell_type}`` and ``{group}`` for what
the name tells of the sample, and ``*`` for anything else.  None of them reaches over a slash;
``**/`` is any number of folders.  Numbers may be padded with zeros on one side only.

Where nobody says, names tell: ``images/a.tif`` and ``masks/a.png``, ``train_img/a.tif`` and
``train_label/a.tif``, ``a.tif`` and ``a_mask.png``, ``a_img.png`` and ``a_masks.png``,
``t000.tif`` and ``man_seg000.tif``, and so on (:mod:`cellkit.datasets.pairing`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from cellkit.annotations import bottom_up
from cellkit.checks import one_of
from cellkit.datasets.archives import base, names
from cellkit.datasets.faults import need
from cellkit.datasets.images import SUFFIXES, read_image, read_labels
from cellkit.datasets.pairing import Pair, image_pattern, pair, told_apart, usual_pairs
from cellkit.samples import Entry, Samples

#: Files of other tools that hold cells, and what to do with them.
FOREIGN = {
    ".roi": "ImageJ outlines: in Fiji, Edit > Selection > Create Mask, or LabelsFromROIs",
    ".geojson": "QuPath outlines: export a labelled image from QuPath",
    ".npy": "arrays, such as Cellpose's _seg.npy: in Cellpose, File > Save masks as PNG/tif",
    ".npz": "numpy arrays: save the label image as TIFF",
    ".h5": "HDF5, such as ilastik's: export as TIFF",
    ".hdf5": "HDF5, such as ilastik's: export as TIFF",
    ".zarr": "zarr arrays: save the label image as TIFF",
    ".json": "json, such as COCO outlines: paint them with cellkit.annotations.label_map",
    ".xml": "XML outlines: export label images",
}

#: Sets that nobody can download, in a layout of ours.
PRESETS = {
    "ncmir": {"images": "**/images/{}.*", "labels": "**/masks/{}.*", "kind": "mask", "block": 6},
    "livecell3": {"images": "**/images/{group}.*", "labels": "**/masks/{group}.*",
                  "kind": "mask", "scale": "percentile"},
}  # fmt: skip

_log = logging.getLogger(__name__)


def samples(
    root, split="all", *, images=None, labels="auto", kind="auto", scale="depth", channel=None,
    block=None, dataset=None,
) -> Samples:  # fmt: skip
    """Any images, lazily; call it as ``cellkit.read("folder", root=..., ...)``.

    Parameters
    ----------
    root : path
        A folder or a zip archive.
    split : str
        "all": the images with labels, or every image if none has any.  "unlabelled": the others,
        and those in ``unlabelled/``.  "every": all of these, without labels.
    images : str, optional
        Their pattern.  None: every picture in folders called ``images`` or the like, else directly
        in ``root``, else in any folder, that is not what was drawn.
    labels : str, "auto" or None
        Their pattern.  Where it fits several files of an image, each is the mask of one cell;
        where they overlap, the smaller cell lies on top.  "auto": by the usual names (see the
        module).  None: there are no labels.
    kind : "auto", "cells" or "mask"
        What a file of labels holds, see :func:`cellkit.datasets.images.to_labels`.
    scale, channel
        As for :func:`cellkit.datasets.read_image`.
    block : int, optional
        So many images in a row are one group: neighbouring slices of a stack.
    dataset : str, optional
        What to call it; None: the folder's name.

    Returns
    -------
    Samples
        ``group`` and ``cell_type`` are None where the pattern does not name them.  An image is
        called by its file, and where two have the same name, by its folders too.

    Raises
    ------
    FileNotFoundError
        No image in the folder.
    ValueError
        A pattern that is wrong or fits no file; labels without image; two images with the same
        ``{}``; an unknown split.  When a sample is read: labels of another size than the image,
        in colour or with fractions; an unreadable file.
    """
    root = Path(root)
    one_of("split of a folder", split, ("all", "unlabelled", "every"))
    found = names(root)
    if split == "every":  # but what cellkit.segment wrote here
        ours = tuple(f"{place.parent.relative_to(root).as_posix()}/"
                     for place in root.glob("*/**/.cellkit"))
        found = [name for name in found if not name.startswith(ours)]
    pictures = [name for name in found if name.lower().endswith(SUFFIXES)]
    inside = f"{root.name}/" if root.is_file() else ""
    apart = [n for n in pictures if "unlabelled" in n.lower().split("/")[:-1]]
    rest = [name for name in pictures if name not in set(apart)]
    need(pictures, lambda: (
        f"no image below {root}, expected {', '.join(SUFFIXES)} files; give the folder that "
        f"holds them as root.{_foreign(found)}"
    ), FileNotFoundError)  # fmt: skip
    if labels == "auto":
        pairs = usual_pairs(rest, images, inside, root)
    else:
        images = image_pattern(rest, inside) if images is None else images
        pairs = pair(rest, images, labels, inside, root)
    drawn = [p for p in pairs if p.labels]
    spare = [p for p in pairs if not p.labels]
    if labels == "auto" and spare and (told := _foreign(found)):
        _log.warning("%d images in %s are read without labels.%s", len(spare), root, told)
    chosen = drawn or spare
    if split == "unlabelled":
        chosen = spare + [Pair(name, ()) for name in apart]
    elif split == "every":
        wanted = {p.image for p in pairs} | set(apart)
        chosen = [Pair(name, ()) for name in found if name in wanted]
    elif drawn and spare:
        _log.warning(
            "%d of %d images in %s have no labels (first: %s); they are left out here and "
            "read with split='unlabelled'.", len(spare), len(pairs), root, spare[0].image,
        )  # fmt: skip
    need(chosen, lambda: (
        f"every image in {root} has labels, expected some without for split='unlabelled'; "
        "choose split='all'."
        if split == "unlabelled"
        else f"no image in {root} but in unlabelled/; choose split='unlabelled'."
    ))  # fmt: skip
    entries = [entry(p, base(root), dataset or root.stem, kind, scale, channel) for p in chosen]
    if block:
        entries = [
            replace(e, group=f"{k // block * block:03}-{k // block * block + block - 1:03}")
            for k, e in enumerate(entries)
        ]
    return Samples(told_apart(entries, [p.image for p in chosen]))


def ncmir(root, split="all") -> Samples:
    """NCMIR's mitochondria, never published: ``images/000.png`` and ``masks/000.png`` ..."""
    return samples(root, split, dataset="ncmir", **PRESETS["ncmir"])


def livecell3(root, split="all") -> Samples:
    """The pictures of "Is this cell alive?", never published: ``images/``, ``masks/``."""
    return samples(root, split, dataset="livecell3", **PRESETS["livecell3"])


def _foreign(found) -> str:
    """A sentence about files that hold cells in a way that is not read here; else nothing."""
    kinds = {Path(name).suffix.lower(): name for name in reversed(found)}
    told = [f"{kinds[kind]} ({FOREIGN[kind]})" for kind in FOREIGN if kind in kinds]
    return f" Not read: {'; '.join(told)}." if told else ""


def entry(pair: Pair, root: Path, dataset, kind="auto", scale="dtype", channel=None) -> Entry:
    """The sample of a pair of files below ``root``."""
    read = _Read(root / pair.image, tuple(root / n for n in pair.labels), kind, scale, channel)
    name = PurePosixPath(pair.image).stem
    on_disk = read.image if read.image.is_file() else None
    return Entry(name, read, dataset, pair.cell_type, pair.group, bool(pair.labels), on_disk)


@dataclass(frozen=True)
class _Read:
    """Reads one image and its labels."""

    image: Path
    labels: tuple[Path, ...]
    kind: str
    scale: object
    channel: int | None

    def __call__(self):
        image = read_image(self.image, self.scale, channel=self.channel)
        if not self.labels:
            return image, None
        if len(self.labels) == 1:
            labels = read_labels(self.labels[0], kind=self.kind)
        else:
            masks = [read_labels(path, kind="cells") > 0 for path in self.labels]
            for path, mask in zip(self.labels, masks, strict=True):
                check_size(path, mask.shape, self.image, image)
            labels = stack(masks)
        check_size(self.labels[0], labels.shape, self.image, image)
        return image, labels


def check_size(path, shape, image_path, image):
    """Refuse labels that are not as large as their image."""
    need(shape == image.shape[:2], lambda: (
        f"{path} has {shape[0]} x {shape[1]} pixels (height x width) and its image {image_path} "
        f"{image.shape[0]} x {image.shape[1]}, expected the same; the two do not belong together, "
        "or one was resized."
    ))  # fmt: skip


def stack(masks) -> np.ndarray:
    """One label map from a mask for each cell: bool (n, H, W) → int32 (H, W).

    Mask k becomes cell k + 1; where masks overlap, the smaller cell lies on top (of equal ones
    the later), as in :func:`cellkit.annotations.label_map`.
    """
    labels = np.zeros(masks[0].shape, np.int32)
    for k in bottom_up([mask.sum() for mask in masks]):
        labels[masks[k]] = k + 1
    return labels
