"""LIVECell: phase contrast of eight cell lines, as COCO json and a folder of images.

Edlund et al., "LIVECell: A large-scale dataset for label-free live cell segmentation", Nature
Methods 18 (2021).  The reader takes the files in every arrangement in which they are passed on:

- images: anywhere below ``images/`` (in ``livecell_train_val_images`` and
  ``livecell_test_images`` or not, in a folder per cell type or not);
- annotations, anywhere below the root: whole (``livecell_coco_train.json``), per cell type
  (``LIVECell_single_cells/a172/train.json``) or the size splits
  (``LIVECell_dataset_size_split/0_train2percent.json``);
- ``unlabelled/``: images without annotation, read with ``split="unlabelled"``.

A name in an annotation file may have folders: they tell images of one name apart.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cellkit.annotations import label_map
from cellkit.datasets.archives import walk
from cellkit.datasets.coco_index import Record, index
from cellkit.datasets.faults import naming, need
from cellkit.datasets.images import SUFFIXES, read_image
from cellkit.datasets.pairing import agreement, told_apart
from cellkit.samples import Entry, Samples

SPLITS = ("train", "val", "test", "unlabelled")
CELL_TYPES = ("A172", "BT474", "BV2", "Huh7", "MCF7", "SHSY5Y", "SkBr3", "SKOV3")

#: Images of which only a few cells are outlined (the data set's public issue 21).
INCOMPLETE = {
    "A172_Phase_D7_1_01d20h00m_1", "BT474_Phase_B3_1_03d00h00m_3", "A172_Phase_A7_1_01d04h00m_3",
    "SHSY5Y_Phase_D10_1_01d16h00m_4", "BV2_Phase_D4_1_00d12h00m_2", "BV2_Phase_C4_1_01d16h00m_3",
    "SkBr3_Phase_H3_2_00d00h00m_1", "BV2_Phase_A4_2_00d00h00m_1", "BV2_Phase_A4_2_02d04h00m_3",
}  # fmt: skip

_log = logging.getLogger(__name__)


# ---------------------------------------------------------------- reading


def samples(root, split="all") -> Samples:
    """LIVECell images and their cells, lazily; call it as ``cellkit.read("livecell", ...)``.

    Parameters
    ----------
    root : path
        The folder with ``images/`` and the annotation files.
    split : str
        "all" is every annotated image.  "train", "val" and "test" are the annotation files of
        that name: the whole ones if there are any, else those per cell type, else (train) the
        size splits.  The stem of an annotation file, e.g. "0_train2percent", takes that one.
        "unlabelled" is every image in ``unlabelled/`` and every one in ``images/`` that no
        annotation file lists.

    Returns
    -------
    Samples
        ``cell_type`` and ``group`` (``"<type>_Phase_<well>"``) come from the file name.  An
        image that is listed but missing raises FileNotFoundError when it is read;
        ``samples.where(lambda entry: entry.path.exists())`` keeps what a partial download has.

    Raises
    ------
    FileNotFoundError
        No annotation file for this split, or not one of the images that it lists.
    ValueError
        An unknown split; an annotation file that is cut off, not COCO, or has annotations of
        images it does not list.  When a sample is read: an image without any annotation, of
        another size than the file says, or unreadable; a segmentation that is no cell.

    Notes
    -----
    A crowd region (``iscrowd``) is painted like a cell, below the smaller cells in it.  Unlabelled
    images come from test wells too: keep them out of training by their ``group``.
    """
    root = Path(root)
    chosen = _choose(root, split)
    images = _image_files(root)
    places: dict[tuple[Path, ...], tuple[Path, Record]] = {}
    twice = []
    for file in chosen:
        for record in index(file):
            paths = _where(record, images) or (_image_folder(root) / record.name,)
            own = places.setdefault(paths, (file, record))
            if own[0] == file and own[1] is not record:
                twice.append((file, own[1].name, record.name))
    other = [(file, one, two) for file, one, two in twice if one != two]
    need(not other, lambda: (
        f"{other[0][0]} lists {other[0][1]} and {other[0][2]}, and {_image_folder(root)} has "
        "one image of that name, expected one for each; add the other."
    ))  # fmt: skip
    if twice:  # as in LIVECell's own training part, where 65 images were annotated twice
        _log.warning("%s lists %d image(s) twice (first: %s); the first listing counts.",
                     twice[0][0], len(twice), twice[0][1])  # fmt: skip
    rough = [record.name for _, record in places.values() if record.stem in INCOMPLETE]
    if rough:
        _log.warning(
            "in %d of the images only a few cells were outlined (first: %s), so a score on them "
            "means little; leave them out: samples.where(lambda e: e.name not in "
            "cellkit.datasets.livecell.INCOMPLETE).", len(rough), rough[0],
        )  # fmt: skip
    used = {path for paths in places for path in paths}
    spare = [path for several in images.values() for path in several if path not in used]
    if split == "unlabelled":
        return _unlabelled(root, spare)
    need(used & {path for several in images.values() for path in several}, lambda: (
        f"found none of the {len(places)} images listed in "
        f"{', '.join(file.name for file in chosen)} among {len(images)} image(s) below "
        f"{_image_folder(root)}; put LIVECell's unpacked images folder there."
    ), FileNotFoundError)  # fmt: skip
    if split == "all" and spare:
        _log.warning(
            "%d image(s) below %s stand in no annotation file (first: %s), expected every image to "
            "be listed; they are left out here and read with split='unlabelled'.",
            len(spare), _image_folder(root), spare[0].name,
        )  # fmt: skip
    return _samples([_Read(paths, *place) for paths, place in places.items()], root)


@dataclass(frozen=True)
class _Read:
    """Reads one image, and its labels if a file lists it."""

    paths: tuple[Path, ...]  # the image, and copies of it
    file: Path | None = None
    record: Record | None = None

    @property
    def path(self) -> Path:
        return self.paths[0]

    def __call__(self):
        if self.record is None:
            return read_image(self.path), None
        where = f"image {self.record.name!r} of {self.file}"
        need(self.path.exists(), lambda: (
            f"{where} is missing, expected e.g. at {self.path}; download it, or keep "
            "what is there: samples.where(lambda entry: entry.path.exists())."
        ), FileNotFoundError)  # fmt: skip
        for other in self.paths[1:]:
            need(other.read_bytes() == self.path.read_bytes(), lambda other=other: (
                f"{where} may be {self.path} or {other}, which differ, expected one of that "
                "name; write the folder into file_name, or delete the other."
            ))  # fmt: skip
        image = read_image(self.path)
        shape = (self.record.height, self.record.width)
        need(image.shape[:2] == shape, lambda: (
            f"{where} has {image.shape[0]} x {image.shape[1]} pixels (height x width) in "
            f"{self.path}, expected {shape[0]} x {shape[1]} as annotated; "
            "the two do not belong together, copy or download the image again."
        ))  # fmt: skip
        annotations = self.record.annotations(self.file)
        need(annotations, lambda: (
            f"{where} is listed without any annotation, expected every cell outlined; take "
            "the complete annotation file, or move the image to the folder unlabelled/."
        ))  # fmt: skip
        with naming(where):
            return image, label_map([a.get("segmentation") for a in annotations], shape)


def well(name) -> tuple[str | None, str | None]:
    """Of a name like ``A172_Phase_C7_1_00d00h00m_4`` the group A172_Phase_C7 and the type A172."""
    parts = re.match(r"(([^_]+)_Phase_[A-Z]\d{1,2})_", name)
    return parts.groups() if parts else (None, None)


def _samples(reads, root) -> Samples:
    entries = []
    for read in reads:
        group, cell_type = well(read.path.stem)
        entries.append(Entry(read.path.stem, read, "livecell", cell_type, group,
                             read.record is not None, read.path))
    files = [Path(os.path.relpath(read.path, root)).as_posix() for read in reads]
    return Samples(told_apart(entries, files))


def _unlabelled(root, spare) -> Samples:
    found = [*_below(root / "unlabelled"), *spare]
    need(found, lambda: (
        f"no unlabelled image at {root}, expected a folder unlabelled/ with images; "
        "choose another split, or put the images without annotation there."
    ), FileNotFoundError)  # fmt: skip
    return _samples([_Read((path,)) for path in found], root)


# ---------------------------------------------------------------- finding files


def _choose(root, split) -> list[Path]:
    """The annotation files of a split, and of "unlabelled" every one that counts."""
    files = _annotation_files(root)
    best = {part: files[part][min(files[part])] for part in SPLITS if part in files}
    if split == "unlabelled":
        return sum(best.values(), [])
    need(files, lambda: (
        f"no LIVECell annotation file below {root}, expected e.g. "
        "annotations/LIVECell/livecell_coco_train.json; download it, or give the folder "
        "that holds images/ and annotations/ as root."
    ), FileNotFoundError)  # fmt: skip
    if split == "all":
        return sum(best.values(), [])
    every = [file for ranks in files.values() for found in ranks.values() for file in found]
    chosen = best.get(split) or [file for file in every if file.stem == split]
    there = ["all", *best, "unlabelled", *sorted({file.stem for file in every} - {*best})]
    need(chosen, lambda: (
        f"no split {split!r} at {root}, expected one of {', '.join(there)}; "
        "choose one of these, or download its annotation file."
    ))  # fmt: skip
    return chosen


def _annotation_files(root) -> dict[str, dict[int, list[Path]]]:
    """Split → rank (0 whole, 1 per cell type, 2 size split) → annotation files."""
    types = {kind.lower() for kind in CELL_TYPES}
    files: dict[str, dict[int, list[Path]]] = {}
    for file in _below(root, (".json",)):
        words = file.stem.lower().split("_")
        if re.fullmatch(r"train\d+percent", words[-1]):
            split, rank = "train", 2
        elif words[-1] in ("train", "val", "test"):
            split, rank = words[-1], int(bool(types & {file.parent.name.lower(), *words}))
        else:
            continue
        files.setdefault(split, {}).setdefault(rank, []).append(file)
    return files


def _image_folder(root) -> Path:
    return root / "images" if (root / "images").is_dir() else root


def _image_files(root) -> dict[str, list[Path]]:
    """Name without folder and extension → image files."""
    files: dict[str, list[Path]] = {}
    for path in _below(_image_folder(root)):
        if "unlabelled" not in path.relative_to(root).parts:
            files.setdefault(path.stem, []).append(path)
    return files


def _where(record, images) -> tuple[Path, ...]:
    """The image files that a record may mean: of its name, and as many of its folders as agree."""
    found = images.get(record.stem, ())
    near = [agreement(path.as_posix(), record.name) for path in found]
    return tuple(path for path, much in zip(found, near, strict=True) if much == max(near))


def _below(folder, suffixes=SUFFIXES) -> list[Path]:
    """The files in a folder and its folders, linked ones too, in order."""
    return sorted(
        path for path in (walk(folder) if folder.is_dir() else ())
        if path.name.lower().endswith(suffixes) and not path.name.startswith(".")
    )  # fmt: skip
