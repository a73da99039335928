"""LIVECell: phase contrast of eight cell lines, as COCO json and a folder of images.

Edlund et al., "LIVECell: A large-scale dataset for label-free live cell segmentation", Nature
Methods 18 (2021).  The reader takes the files in every arrangement in which they are passed on:

- images: anywhere below ``images/`` (in ``livecell_train_val_images`` and
  ``livecell_test_images`` or not, in a folder per cell type or not);
- annotations, anywhere below the root: whole (``livecell_coco_train.json``), per cell type
  (``LIVECell_single_cells/a172/train.json``) or the size splits
  (``LIVECell_dataset_size_split/0_train2percent.json``);
- ``unlabelled/``: images without annotation, read with ``split="unlabelled"``.

An annotation file of the real data set has up to 1 GB.  It is walked through once, and what stays
is an index of which bytes belong to which image; a sample's annotations are parsed when it is read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from cellkit.annotations import label_map, polygons
from cellkit.datasets import cache
from cellkit.datasets.images import SUFFIXES, read_image
from cellkit.files import replacing
from cellkit.samples import Entry, Sample, Samples

SPLITS = ("train", "val", "test", "unlabelled")
CELL_TYPES = ("A172", "BT474", "BV2", "Huh7", "MCF7", "SHSY5Y", "SkBr3", "SKOV3")

#: Annotation files above this size (bytes) leave an index on disk; below, walking is as quick.
INDEXED_FROM = 8 << 20
CHUNK = 4 << 20

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
    records = [(file, record) for file in chosen for record in _index(file)]
    listed = {record.stem for _, record in records}
    images = _image_files(root)
    spare = [path for path in images.values() if path.stem not in listed]
    if split == "unlabelled":
        return _unlabelled(root, spare)
    if not listed & images.keys():
        raise FileNotFoundError(
            f"found none of the {len(listed)} images listed in "
            f"{', '.join(file.name for file in chosen)} among {len(images)} image(s) below "
            f"{_image_folder(root)}; put LIVECell's unpacked images folder there."
        )
    if split == "all" and spare:
        _log.warning(
            "%d image(s) below %s stand in no annotation file (first: %s), expected every image to "
            "be listed; they are left out here and read with split='unlabelled'.",
            len(spare), _image_folder(root), spare[0].name,
        )  # fmt: skip
    entries: dict[str, Entry] = {}
    for file, record in records:
        path = images.get(record.stem, _image_folder(root) / record.name)
        entries.setdefault(record.stem, _entry(record.stem, _Annotated(path, file, record)))
    return Samples(list(entries.values()))


@dataclass(frozen=True)
class _Record:
    """Where one image's annotations lie in an annotation file."""

    name: str
    height: int
    width: int
    spans: tuple[tuple[int, int], ...]
    keyed: bool  # "annotations" is a dictionary, so a span holds '"id": {...}' pairs

    @property
    def stem(self) -> str:
        return Path(self.name).stem


@dataclass(frozen=True)
class _Annotated:
    """Reads one image and its labels."""

    path: Path
    file: Path
    record: _Record

    def __call__(self):
        where = f"image {self.record.name!r} of {self.file}"
        if not self.path.exists():
            raise FileNotFoundError(
                f"{where} is missing, expected e.g. at {self.path}; download it, or keep "
                "what is there: samples.where(lambda entry: entry.path.exists())."
            )
        image = read_image(self.path)
        shape = (self.record.height, self.record.width)
        if image.shape[:2] != shape:
            raise ValueError(
                f"{where} has {image.shape[0]} x {image.shape[1]} pixels (height x width) in "
                f"{self.path}, expected {shape[0]} x {shape[1]} as annotated; "
                "the two do not belong together, download the image again."
            )
        annotations = self.annotations()
        if not annotations:
            raise ValueError(
                f"{where} is listed without any annotation, expected every cell outlined; take "
                "the complete annotation file, or move the image to the folder unlabelled/."
            )
        try:
            labels = label_map([a.get("segmentation") for a in annotations], shape)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        return image, labels

    def annotations(self) -> list[dict]:
        """The image's entries in ``annotations``."""
        opening, closing = (b"{", b"}") if self.record.keyed else (b"[", b"]")
        found = []
        for span in self.record.spans:
            try:
                part = json.loads(opening + _cut(self.file, span) + closing)
            except ValueError:
                raise ValueError(
                    f"{self.file} has changed since it was indexed, expected it to stay while its "
                    "samples are in use; read the data set again."
                ) from None
            found += part.values() if self.record.keyed else part
        return found


@dataclass(frozen=True)
class _Unlabelled:
    """Reads one image that nobody annotated."""

    path: Path

    def __call__(self):
        return read_image(self.path), None


def _entry(name, read) -> Entry:
    """The entry of a file named like ``A172_Phase_C7_1_00d00h00m_4``: type A172, well C7."""
    parts = re.match(r"(([^_]+)_Phase_[A-Z]\d{1,2})_", name)
    group, cell_type = parts.groups() if parts else (None, None)
    annotated = isinstance(read, _Annotated)
    return Entry(name, read, "livecell", cell_type, group, annotated, read.path)


def _unlabelled(root, spare) -> Samples:
    found = {path.stem: path for path in [*_below(root / "unlabelled"), *spare]}
    if not found:
        raise FileNotFoundError(
            f"no unlabelled image at {root}, expected a folder unlabelled/ with images; "
            "choose another split, or put the images without annotation there."
        )
    return Samples([_entry(name, _Unlabelled(path)) for name, path in found.items()])


def listed(file) -> list[str]:
    """The names, without extension, of the images that an annotation file lists."""
    return [record.stem for record in _index(Path(file))]


def annotated(file, names) -> Iterator[tuple[dict, list[dict]]]:
    """COCO's entries of some images in an annotation file: image, its annotations."""
    for record in _index(Path(file)):
        if record.stem in names:
            about = {"file_name": record.name, "height": record.height, "width": record.width}
            yield about, _Annotated(Path(), Path(file), record).annotations()


# ---------------------------------------------------------------- finding files


def _choose(root, split) -> list[Path]:
    """The annotation files of a split, and of "unlabelled" every one that counts."""
    files = _annotation_files(root)
    best = {part: files[part][min(files[part])] for part in SPLITS if part in files}
    if split == "unlabelled":
        return sum(best.values(), [])
    if not files:
        raise FileNotFoundError(
            f"no LIVECell annotation file below {root}, expected e.g. "
            "annotations/LIVECell/livecell_coco_train.json; download it, or give the folder "
            "that holds images/ and annotations/ as root."
        )
    if split == "all":
        return sum(best.values(), [])
    every = [file for ranks in files.values() for found in ranks.values() for file in found]
    chosen = best.get(split) or [file for file in every if file.stem == split]
    if not chosen:
        there = ["all", *best, "unlabelled", *sorted({file.stem for file in every} - {*best})]
        raise ValueError(
            f"no split {split!r} at {root}, expected one of {', '.join(there)}; "
            "choose one of these, or download its annotation file."
        )
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


def _image_files(root) -> dict[str, Path]:
    """Name without extension → image file; the first of equal names."""
    files: dict[str, Path] = {}
    for path in _below(_image_folder(root)):
        if "unlabelled" not in path.relative_to(root).parts:
            files.setdefault(path.stem, path)
    return files


def _below(folder, suffixes=SUFFIXES) -> list[Path]:
    """The files in a folder and its folders, linked ones too, in order."""
    return sorted(
        Path(place, name)
        for place, _, names in os.walk(folder, followlinks=True)
        for name in names
        if name.lower().endswith(suffixes) and not name.startswith(".")
    )


# ---------------------------------------------------------------- the index


def _index(file: Path) -> list[_Record]:
    """What an annotation file lists, from its index on disk if it is large."""
    about = file.stat()
    if about.st_size < INDEXED_FROM:
        return _walk(file)
    stamp = np.array([1, about.st_size, about.st_mtime_ns])  # 1: the index format
    digest = hashlib.sha1(str(file.resolve()).encode("utf-8")).hexdigest()[:12]
    places = [
        file.with_name(f"{file.name}.index.npz"),
        cache() / "index" / f"{file.name}-{digest}.npz",
    ]
    for place in places:
        try:
            return _load_index(place, stamp)
        except Exception:  # absent, stale or damaged in any way: walk again
            continue
    records = _walk(file)
    for place in places:
        try:
            _save_index(place, stamp, records)
            break
        except OSError:  # a read-only data folder; no place at all only costs time
            continue
    return records


def _save_index(place, stamp, records):
    with replacing(place) as temporary, open(temporary, "wb") as stream:
        np.savez(
            stream,
            stamp=stamp,
            names=np.array([r.name for r in records]),
            sizes=np.array([(r.height, r.width, r.keyed, len(r.spans)) for r in records]),
            spans=np.array([s for r in records for s in r.spans], np.int64).reshape(-1, 2),
        )


def _load_index(place, stamp) -> list[_Record]:
    with open(place, "rb") as stream, np.load(stream, allow_pickle=False) as index:
        if not np.array_equal(index["stamp"], stamp):
            raise ValueError("stale")
        names, sizes, spans = index["names"].tolist(), index["sizes"].tolist(), index["spans"]
    ends = np.cumsum([size[3] for size in sizes]).tolist()
    spans = list(map(tuple, spans.tolist()))
    return [
        _Record(name, height, width, tuple(spans[end - count : end]), bool(keyed))
        for name, (height, width, keyed, count), end in zip(names, sizes, ends, strict=True)
    ]


def _walk(file: Path) -> list[_Record]:
    """Walk through an annotation file once and note where each image's annotations lie."""
    from tqdm import tqdm

    size = file.stat().st_size
    images, owners, places, keyed = None, [], [], False
    with (
        open(file, "rb") as stream,
        tqdm(total=size, desc=f"indexing {file.name}", unit="B", unit_scale=True,
             disable=size < INDEXED_FROM) as bar,
    ):  # fmt: skip
        walker = _Walker(stream, bar)
        try:
            for key in walker.keys():
                if key == "annotations":
                    keyed = walker.peek() == "{"
                    for start, annotation, end in walker.items():
                        owners.append(annotation["image_id"])
                        places.append((start, end))
                    continue
                walker.peek()
                start = walker.where
                walker.value()
                if key == "images":
                    images = json.loads(_cut(file, (start, walker.where)))
        except EOFError:
            raise ValueError(
                f"{file} is cut off: its json stops in the middle after {size} bytes and "
                f"{len(owners)} annotations, expected a complete COCO file; download it again."
            ) from None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{file} is no COCO json near byte {walker.where} ({type(error).__name__}: {error})"
                ', expected {"images": [...], "annotations": [{"image_id": ..., ...}, ...]}; '
                "download it again."
            ) from None
    if not images or not owners:
        raise ValueError(
            f"{file} has no {'annotations' if images else 'images'}, expected COCO json with "
            "images and annotations; download it again."
        )
    if not isinstance(images, list):
        images = list(images.values()) if isinstance(images, dict) else [images]
    wanted = {"id": (int, str), "file_name": str, "height": int, "width": int}
    for image in images:
        for key, kind in wanted.items():
            if not isinstance(image, dict) or not isinstance(image.get(key), kind):
                raise ValueError(
                    f"{file} lists the image {image!r:.80} without a proper {key}, expected "
                    f"{', '.join(wanted)}; download it again."
                )
    return _records(file, images, owners, places, keyed)


def _records(file, images, owners, places, keyed) -> list[_Record]:
    spans: dict = {image["id"]: [] for image in images}
    strays = [owner for owner in owners if isinstance(owner, (list, dict)) or owner not in spans]
    if strays:
        raise ValueError(
            f"{file} has {len(strays)} annotation(s) of images that it does not list (first: image "
            f"id {strays[0]!r}), expected every image_id among its images; take the complete file, "
            "or delete these annotations."
        )
    previous = None
    for owner, (start, end) in zip(owners, places, strict=True):
        if owner == previous:
            spans[owner][-1] = (spans[owner][-1][0], end)  # neighbours in the file: one piece
        else:
            spans[owner].append((start, end))
        previous = owner
    return [
        _Record(
            PurePosixPath(image["file_name"].replace("\\", "/")).name,
            image["height"],
            image["width"],
            tuple(spans[image["id"]]),
            keyed,
        )
        for image in images
    ]


def _cut(file, span) -> bytes:
    with open(file, "rb") as stream:
        stream.seek(span[0])
        return stream.read(span[1] - span[0])


class _Walker:
    """Steps through json value by value, with no more than a window of the file in memory.

    The bytes are taken for Latin-1, where every character is one byte, so that positions in the
    text are positions in the file; no byte of a UTF-8 character looks like json syntax.
    """

    space = re.compile(r"[ \t\n\r]*")
    decode = staticmethod(json.JSONDecoder().raw_decode)

    def __init__(self, stream, bar):
        self.stream, self.bar = stream, bar
        self.text, self.at = "", 0
        self.before = len(BOM_UTF8) if stream.read(len(BOM_UTF8)) == BOM_UTF8 else 0
        stream.seek(self.before)

    @property
    def where(self) -> int:
        """The position in the file."""
        return self.before + self.at

    def more(self):
        chunk = self.stream.read(CHUNK)
        if not chunk:
            raise EOFError
        self.bar.update(len(chunk))
        self.before += self.at
        self.text, self.at = self.text[self.at :] + chunk.decode("latin-1"), 0

    def peek(self) -> str:
        """The next character that is no white space."""
        while True:
            self.at = self.space.match(self.text, self.at).end()
            if self.at < len(self.text):
                return self.text[self.at]
            self.more()

    def take(self, allowed) -> str:
        found = self.peek()
        if found not in allowed:
            raise ValueError(f"{found!r} where one of {allowed} was expected")
        self.at += 1
        return found

    def value(self):
        self.peek()
        while True:
            try:
                value, end = self.decode(self.text, self.at)
                if end < len(self.text):  # else a number might go on in the next chunk
                    self.at = end
                    return value
            except json.JSONDecodeError as error:
                if len(self.text) - error.pos > CHUNK:  # broken, not merely out of the window
                    raise
            self.more()

    def keys(self):
        """Each key of an object; the caller takes its value."""
        self.take("{")
        while self.peek() != "}":
            key = self.value()
            self.take(":")
            yield key
            if self.peek() != "}":
                self.take(",")
        self.take("}")

    def items(self):
        """Each element of a list, or each pair of an object: where it starts, what, its end."""
        closing = "]" if self.take("[{") == "[" else "}"
        while self.peek() != closing:
            start = self.where
            if closing == "}":
                self.value()
                self.take(":")
            yield start, self.value(), self.where
            if self.peek() != closing:
                self.take(",")
        self.take(closing)


# ---------------------------------------------------------------- writing


def write_livecell(folder, parts: dict, description: str = "") -> None:
    """Write samples as LIVECell lays them out: 8-bit TIFF images and COCO json.

    Parameters
    ----------
    folder : path
        Gets ``images/livecell_train_val_images/<type>/``, ``images/livecell_test_images/<type>/``
        and ``annotations/LIVECell/livecell_coco_<split>.json``.
    parts : dict
        "train", "val", "test" → sequence of grey :class:`Sample` with labels, named as LIVECell
        names its files (``A172_Phase_C7_1_00d00h00m_4``).
    description : str
        Goes into the json's ``info``.

    Notes
    -----
    Images are rounded to 8 bits.  :func:`cellkit.annotations.polygons` traces the cells, so reading
    the folder gives exactly the same labels again, numbered 1 to n without gaps.  Each file takes
    its name only when it is complete, the json after its images.
    """
    folder = Path(folder)
    seen: set[str] = set()
    for split, samples in parts.items():
        if split not in ("train", "val", "test"):
            raise ValueError(f"the split is {split!r}, expected train, val or test.")
        images, annotations = [], []
        for sample in samples:
            _check_writable(sample, seen)
            half = "livecell_test_images" if split == "test" else "livecell_train_val_images"
            _write_tiff(folder / "images" / half / sample.cell_type / f"{sample.name}.tif", sample)
            height, width = sample.image.shape
            images.append(
                {
                    "id": len(images) + 1,
                    "width": width,
                    "height": height,
                    "file_name": f"{sample.name}.tif",
                    "original_filename": f"{sample.name}.png",
                }
            )
            areas = np.bincount(sample.labels.ravel())
            for k, outlines in polygons(sample.labels).items():
                points = np.concatenate([np.reshape(p, (-1, 2)) for p in outlines])
                low, high = points.min(axis=0), points.max(axis=0)
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": len(images),
                        "category_id": 1,
                        "segmentation": outlines,
                        "area": int(areas[k]),
                        "bbox": [*low.tolist(), *(high - low).tolist()],
                        "iscrowd": 0,
                    }
                )
        document = {
            "info": {"description": description},
            "licenses": [],
            "categories": [{"supercategory": "cell", "id": 1, "name": "cell"}],
            "images": images,
            "annotations": annotations,
        }
        text = json.dumps(document, separators=(",", ":"))
        place = folder / "annotations" / "LIVECell" / f"livecell_coco_{split}.json"
        with replacing(place) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _check_writable(sample: Sample, seen: set):
    expected = _entry(sample.name, _Unlabelled(Path()))
    if expected.group is None or (sample.cell_type, sample.group) != (
        expected.cell_type,
        expected.group,
    ):
        raise ValueError(
            f"sample {sample.name!r} is of cell type {sample.cell_type!r} and group "
            f"{sample.group!r}, expected a name that says so, as A172_Phase_C7_1_00d00h00m_4 does "
            "of A172 and A172_Phase_C7; rename it."
        )
    if sample.name in seen:
        raise ValueError(f"two samples are called {sample.name!r}, expected different names.")
    if sample.image.ndim != 2:
        raise ValueError(
            f"sample {sample.name!r} is in colour, expected grey; use cellkit.datasets.to_grey."
        )
    if not sample.mask.any():
        raise ValueError(
            f"sample {sample.name!r} has no cell, but LIVECell annotates every image; leave it out."
        )
    seen.add(sample.name)


def _write_tiff(place, sample):
    from PIL import Image

    pixels = np.round(sample.image * 255).astype(np.uint8)
    with replacing(place) as temporary:
        Image.fromarray(pixels).save(temporary, format="TIFF", compression="tiff_lzw")
