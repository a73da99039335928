"""An index of a COCO annotation file: which of its bytes belong to which image.

LIVECell's have up to 1 GB.  Such a file is walked through once, and what stays is this index, on
disk if the file is large; an image's annotations are parsed when it is read.
"""

from __future__ import annotations

import hashlib
import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from cellkit.datasets.archives import open_binary
from cellkit.datasets.faults import Unfit, need, reading
from cellkit.datasets.places import cache
from cellkit.files import replacing

#: Annotation files above this size (bytes) leave an index on disk; below, walking is as quick.
INDEXED_FROM = 8 << 20
CHUNK = 4 << 20


@dataclass(frozen=True)
class Record:
    """Where one image's annotations lie in an annotation file."""

    name: str  # with the folders that the file names
    height: int
    width: int
    spans: tuple[tuple[int, int], ...]
    keyed: bool  # "annotations" is a dictionary, so a span holds '"id": {...}' pairs

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    def annotations(self, file) -> list[dict]:
        """The image's entries in ``annotations``."""
        opening, closing = (b"{", b"}") if self.keyed else (b"[", b"]")
        found = []
        for span in self.spans:
            try:
                part = json.loads(opening + _cut(file, span) + closing)
            except ValueError:
                raise Unfit(
                    f"{file} has changed since it was indexed, expected it to stay while its "
                    "samples are in use; read the data set again."
                ) from None
            found += part.values() if self.keyed else part
        return found


def index(file: Path) -> list[Record]:
    """What an annotation file lists, from its index on disk if it is large.

    Raises
    ------
    ValueError
        The file is cut off or no COCO json; it gives two images one id, or has annotations of
        images that it does not list.
    """
    if not file.is_file():  # in an archive
        return _walk(file)
    about = file.stat()
    if about.st_size < INDEXED_FROM:
        return _walk(file)
    stamp = np.array([2, about.st_size, about.st_mtime_ns])  # 2: the index format
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


def categories(file: Path) -> list[dict]:
    """What an annotation file that was indexed says of its categories: "id", "name" ..."""
    from tqdm import tqdm

    with reading(file, "a complete COCO file"), open_binary(file) as stream, tqdm(
            disable=True) as bar:  # fmt: skip
        walker = _Walker(stream, bar)
        for key in walker.keys():
            walker.peek()
            start = walker.where
            if key == "annotations":
                for _ in walker.items():
                    pass
                continue
            walker.value()
            if key == "categories":
                found = json.loads(_cut(file, (start, walker.where)))
                return [one for one in found if isinstance(one, dict)] if isinstance(
                    found, list) else []
    return []


def annotated(file, names) -> Iterator[tuple[dict, list[dict]]]:
    """COCO's entries of the images of some stems in an annotation file: image, its annotations."""
    for record in index(Path(file)):
        if record.stem in names:
            about = {"file_name": record.name, "height": record.height, "width": record.width}
            yield about, record.annotations(file)


def _save_index(place, stamp, records):
    with replacing(place) as temporary, open(temporary, "wb") as stream:
        np.savez(
            stream,
            stamp=stamp,
            names=np.array([r.name for r in records]),
            sizes=np.array([(r.height, r.width, r.keyed, len(r.spans)) for r in records]),
            spans=np.array([s for r in records for s in r.spans], np.int64).reshape(-1, 2),
        )


def _load_index(place, stamp) -> list[Record]:
    with open(place, "rb") as stream, np.load(stream, allow_pickle=False) as index:
        if not np.array_equal(index["stamp"], stamp):
            raise ValueError("stale")
        names, sizes, spans = index["names"].tolist(), index["sizes"].tolist(), index["spans"]
    ends = np.cumsum([size[3] for size in sizes]).tolist()
    spans = list(map(tuple, spans.tolist()))
    return [
        Record(name, height, width, tuple(spans[end - count : end]), bool(keyed))
        for name, (height, width, keyed, count), end in zip(names, sizes, ends, strict=True)
    ]


def _walk(file: Path) -> list[Record]:
    """Walk through an annotation file once and note where each image's annotations lie."""
    from tqdm import tqdm

    images, owners, places, keyed = None, [], [], False
    with open_binary(file) as stream:
        size = stream.seek(0, 2)
    with (
        open_binary(file) as stream,
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
                    need(images is None, f"{file} has two lists of images, expected one; "
                                         "merge them under numbers of their own.")  # fmt: skip
                    images = json.loads(_cut(file, (start, walker.where)))
            walker.end()
        except EOFError:
            raise Unfit(
                f"{file} is cut off: its json stops in the middle after {size} bytes and "
                f"{len(owners)} annotations, expected a complete COCO file; copy or download it "
                "again."
            ) from None
        except Unfit:
            raise
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Unfit(
                f"{file} is no COCO json near byte {walker.where} ({type(error).__name__}: {error})"
                ', expected {"images": [...], "annotations": [{"image_id": ..., ...}, ...]}; '
                "copy or download it again."
            ) from None
    need(images and owners, lambda: (
        f"{file} has no {'annotations' if images else 'images'}, expected COCO json with "
        "images and annotations; copy or download it again."
    ))  # fmt: skip
    if not isinstance(images, list):
        images = list(images.values()) if isinstance(images, dict) else [images]
    wanted = {"id": (int, str), "file_name": str, "height": int, "width": int}
    wrong = [
        (image, key) for image in images for key, kind in wanted.items()
        if not isinstance(image, dict) or not isinstance(image.get(key), kind)
    ]  # fmt: skip
    need(not wrong, lambda: (
        f"{file} lists the image {wrong[0][0]!r:.80} without a proper {wrong[0][1]}, expected "
        f"{', '.join(wanted)}; copy or download it again."
    ))  # fmt: skip
    return _records(file, images, owners, places, keyed)


def _records(file, images, owners, places, keyed) -> list[Record]:
    first = {image["id"]: image for image in reversed(images)}
    twins = [image for image in images if first[image["id"]] is not image]
    need(not twins, lambda: (
        f"{file} gives the id {twins[0]['id']!r} to two images (the second is "
        f"{twins[0]['file_name']}), so nobody knows whose cells are whose; give each its own."
    ))  # fmt: skip
    spans: dict = {image["id"]: [] for image in images}
    strays = [owner for owner in owners if isinstance(owner, (list, dict)) or owner not in spans]
    need(not strays, lambda: (
        f"{file} has {len(strays)} annotation(s) of images that it does not list (first: image "
        f"id {strays[0]!r}), expected every image_id among its images; take the complete file, "
        "or delete these annotations."
    ))  # fmt: skip
    previous = None
    for owner, (start, end) in zip(owners, places, strict=True):
        if owner == previous:
            spans[owner][-1] = (spans[owner][-1][0], end)  # neighbours in the file: one piece
        else:
            spans[owner].append((start, end))
        previous = owner
    return [
        Record(image["file_name"].replace("\\", "/"), image["height"], image["width"],
               tuple(spans[image["id"]]), keyed)
        for image in images
    ]  # fmt: skip


def _cut(file, span) -> bytes:
    with open_binary(file) as stream:
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

    def end(self):
        """Refuse more text behind what was read: two files in one, or a damaged one."""
        try:
            found = self.peek()
        except EOFError:
            return
        raise ValueError(f"{found!r} behind the end of its json")

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
