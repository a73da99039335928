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
``t000.tif`` and ``man_seg000.tif``, and so on (:mod:`cellkit.datasets.pairing`).  Beside pictures
of cells, the files of Cellpose, ImageJ, QuPath and ilastik are read by the same names
(:mod:`cellkit.datasets.tools`), and the COCO files of CVAT, Label Studio and Roboflow under any
name (:mod:`cellkit.datasets.coco_folder`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from cellkit.annotations import bottom_up
from cellkit.checks import one_of
from cellkit.datasets.archives import base, names
from cellkit.datasets.coco_folder import Listed, listed
from cellkit.datasets.faults import Unfit, need
from cellkit.datasets.images import SUFFIXES, read_image
from cellkit.datasets.pairing import (
    Pair,
    Pattern,
    attach,
    image_pattern,
    pair,
    told_apart,
    usual_pairs,
)
from cellkit.datasets.tools import READERS, read_drawn
from cellkit.samples import Entry, Samples

#: Files of other tools that hold cells and are not read, and what to do with them.
FOREIGN = {
    ".npz": "numpy arrays: save the label image as TIFF",
    ".zarr": "zarr arrays: save the label image as TIFF",
    ".xml": "XML outlines: export label images, or COCO",
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
    page=None, categories=None, block=None, dataset=None,
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
        Their pattern, or that of COCO files (it ends in ``.json``).  Where it fits several files
        of an image, each is the mask of one cell; where they overlap, the smaller cell lies on
        top.  "auto": by the usual names (see the module); pictures first, then other tools' files,
        then COCO.  None: there are no labels.
    kind : "auto", "cells" or "mask"
        What a file of labels holds, see :func:`cellkit.datasets.images.to_labels`.
    scale, channel, page
        As for :func:`cellkit.datasets.read_image`.  Of labels with several pages, ``page`` too.
    categories : str or sequence, optional
        Which classes are cells: names in COCO and QuPath files, numbers in pictures and ilastik's.
        None: all, in COCO and QuPath files.
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
        f"holds them as root.{_foreign(found, ())}"
    ), FileNotFoundError)  # fmt: skip
    others = _tools(found, root, inside)
    jsons = [name for name in found if name.lower().endswith(".json")]
    chosen = (categories,) if isinstance(categories, (str, int)) else categories
    told: list[str] = []
    tables: dict[str, Listed] = {}
    if labels == "auto":
        pairs, others = attach(usual_pairs(rest, images, inside, root), others, inside)
        told += [f"{name} (fits no image by its name)" for name in others[:1]]
        if jsons and split != "every" and not any(p.labels for p in pairs):
            tables, reasons = _coco(jsons, rest, root, chosen)
            told += reasons
    elif isinstance(labels, str) and labels.lower().endswith(".json"):
        jsons = [name for name in jsons if Pattern(labels, inside).match(name)]
        need(jsons, f"no file in {root} is called {labels!r}, expected COCO; check the name.")
        tables, reasons = _coco(jsons, rest, root, chosen)
        need(not reasons, lambda: reasons[0])
        pairs = usual_pairs([*tables], images, inside, root)
    else:
        images = image_pattern(rest, inside) if images is None else images
        pairs = pair(rest, images, labels, inside, root, others)
    if tables:
        there = {p.image for p in pairs}
        pairs += [Pair(name, ()) for name in tables
                  if images is None and name not in there and tables[name]]  # fmt: skip
        pairs = [replace(p, labels=tables[p.image]) if tables.get(p.image) else p for p in pairs]
    drawn = [p for p in pairs if p.labels]
    spare = [p for p in pairs if not p.labels]
    if labels == "auto" and split != "every" and spare and (told := _foreign(found, told)):
        _log.warning("%d images in %s are read without labels.%s", len(spare), root, told)
    taken = drawn or spare
    if split == "unlabelled":
        taken = spare + [Pair(name, ()) for name in apart]
    elif split == "every":
        wanted = {p.image for p in pairs} | set(apart)
        taken = [Pair(name, ()) for name in found if name in wanted]
    elif drawn and spare:
        _log.warning(
            "%d of %d images in %s have no labels (first: %s); they are left out here and "
            "read with split='unlabelled'.", len(spare), len(pairs), root, spare[0].image,
        )  # fmt: skip
    need(taken, lambda: (
        f"every image in {root} has labels, expected some without for split='unlabelled'; "
        "choose split='all'."
        if split == "unlabelled"
        else f"no image in {root} but in unlabelled/; choose split='unlabelled'."
    ))  # fmt: skip
    how = {"kind": kind, "scale": scale, "channel": channel, "page": page, "categories": chosen}
    entries = [entry(p, base(root), dataset or root.stem, **how) for p in taken]
    if block:
        entries = [
            replace(e, group=f"{k // block * block:03}-{k // block * block + block - 1:03}")
            for k, e in enumerate(entries)
        ]
    return Samples(told_apart(entries, [p.image for p in taken]))


def ncmir(root, split="all") -> Samples:
    """NCMIR's mitochondria, never published: ``images/000.png`` and ``masks/000.png`` ..."""
    return samples(root, split, dataset="ncmir", **PRESETS["ncmir"])


def livecell3(root, split="all") -> Samples:
    """The pictures of "Is this cell alive?", never published: ``images/``, ``masks/``."""
    return samples(root, split, dataset="livecell3", **PRESETS["livecell3"])


def _foreign(found, told) -> str:
    """A sentence about files that hold cells and were not read; else nothing."""
    kinds = {Path(name).suffix.lower(): name for name in reversed(found)}
    told = [*told, *(f"{kinds[kind]} ({FOREIGN[kind]})" for kind in FOREIGN if kind in kinds)]
    return f" Not read: {'; '.join(told)}." if told else ""


def _tools(found, root, inside) -> list[str]:
    """Files of other tools, and of zip archives those that hold ImageJ's outlines only."""
    files: dict[str, bool] = {}
    for name in found:
        start, packed, _ = name.removeprefix(inside).partition(".zip/")
        place, roi = f"{inside}{start}.zip" if packed else name, name.lower().endswith(".roi")
        if name.lower().endswith(".zip"):
            with suppress(Unfit):  # damaged: not ours to complain of
                roi = {one.lower()[-4:] for one in names(base(root) / name)} == {".roi"}
        if packed or Path(name).suffix.lower() in READERS:
            files[place] = files.get(place, True) and (roi or not place.lower().endswith(".zip"))
    return [place for place, fits in files.items() if fits]


def _coco(files, pictures, root, categories) -> tuple[dict[str, Listed], list[str]]:
    """What COCO files say of pictures, and why some of the files say nothing."""
    tables, reasons = {}, []
    for file in files:
        try:
            found = listed(base(root) / file, pictures, categories, PurePosixPath(file).parent)
        except Unfit as error:
            reasons.append(str(error).rstrip("."))
            continue
        for name, one in found.items():
            twin = tables.setdefault(name, one)
            need(twin is one or not twin or not one, lambda one=one, twin=twin: (
                f"{twin.file} and {one.file} both have cells of {one.record.name}; delete one of "
                f"the two, or say which: labels={one.file.name!r}."
            ))  # fmt: skip
            tables[name] = twin or one
    return tables, reasons


def entry(pair: Pair, root: Path, dataset, **how) -> Entry:
    """The sample of a pair of files below ``root``; ``how`` is that of :class:`_Read`."""
    labels = pair.labels
    if not isinstance(labels, Listed):
        labels = tuple(root / name for name in labels)
    read = _Read(root / pair.image, labels, **how)
    name = PurePosixPath(pair.image).stem
    on_disk = read.image if read.image.is_file() else None
    return Entry(name, read, dataset, pair.cell_type, pair.group, bool(pair.labels), on_disk)


@dataclass(frozen=True)
class _Read:
    """Reads one image and its labels."""

    image: Path
    labels: tuple[Path, ...] | Listed
    kind: str = "auto"
    scale: object = "dtype"
    channel: int | None = None
    page: int | None = None
    categories: Sequence | None = None

    def __call__(self):
        image = read_image(self.image, self.scale, self.page, self.channel)
        if not self.labels:
            return image, None
        if isinstance(self.labels, Listed):
            file, labels = self.labels.file, self.labels()
        else:
            file, shape = self.labels[0], image.shape[:2]
            alone = len(self.labels) == 1
            drawn = [
                read_drawn(path, shape, self.kind if alone else "cells", self.categories, self.page)
                for path in self.labels
            ]
            for path, one in zip(self.labels, drawn, strict=True):
                check_size(path, one.shape, self.image, image)
            labels = drawn[0] if alone else stack([one > 0 for one in drawn])
        check_size(file, labels.shape, self.image, image)
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
