"""DSB2018: nuclei of many kinds, from the 2018 Data Science Bowl (BBBC038).

Caicedo et al., "Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl",
Nature Methods 16 (2019).  Images and masks are in the public domain (CC0).  As they are
distributed, packed or not:

- ``stage1_train.zip``: ``<id>/images/<id>.png``, 8-bit RGBA, and ``<id>/masks/*.png``, one
  picture (0 and 255) for each nucleus.  A few masks overlap by some pixels: the smaller nucleus
  then lies on top;
- ``stage1_test.zip``: the same without masks, which ``stage1_solution.csv`` holds as run lengths;
- the StarDist subset: ``train/images/*.tif`` and ``train/masks/*.tif`` with nucleus numbers.

**The field.**  Most pictures are tiles cut from larger fields, and a split must not put two tiles
of a field on both sides.  The names do not say which belong together; the seams do.  Two tiles
are taken for neighbours when the step across their seam is about as small as the step from pixel
to pixel within them (:data:`STEP`) *and* the seam's two sides rise and fall together
(:data:`ALIKE`).  Pictures that agree almost everywhere (:data:`SAME`) are one field, too.

How sure: on 229 of the 670 training pictures 80 seams were found; every one of 16 that the others
imply (two tiles below two neighbours) was among them, and of as many comparisons that can never be
right (right edge to right edge) none passed.  Laid out and looked at, 53 fields of two to five
tiles run on without a visible seam, one of them (dim tissue) doubtfully.  One more pair is the
same picture twice; together 150 fields, 96 of them a single picture.  What it cannot see: tiles
that meet in pure background or at a corner only, and fields of one slide.  So scores on held-out
fields are honest about fields, and still optimistic about slides.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from cellkit.annotations import bottom_up
from cellkit.checks import one_of
from cellkit.datasets.archives import base, names, open_binary, table
from cellkit.datasets.faults import need, partners, reading
from cellkit.datasets.folder import check_size, entry
from cellkit.datasets.images import read_image, to_grey
from cellkit.datasets.pairing import pair
from cellkit.datasets.places import cache
from cellkit.files import replacing
from cellkit.samples import Entry, Samples

SPLITS = ("stage1_train", "stage1_test", "train", "test")
KINDS = ("fluorescence", "stained", "brightfield")

#: Neighbouring tiles: how much larger the step across the seam may be than within the tiles, and
#: the least correlation of the seam's sides.  Chosen on the 229 pictures named above, where the
#: counts do not change between 1.25 and 1.5.
STEP, ALIKE = 1.35, 0.8
#: Pictures as alike as this show one field: correlation of a version about 64 pixels high.  Among
#: the 229 one pair reaches 0.96, all others stay below 0.44.
SAME = 0.7

#: From this many pictures on, what was found about them is kept on disk.
KEPT_FROM = 50


def samples(root, split="all") -> Samples:
    """DSB2018 pictures and their nuclei, lazily; call it as ``cellkit.read("dsb2018", ...)``.

    Parameters
    ----------
    root : path
        The folder, or a zip archive.
    split : str
        "all" is every picture with nuclei drawn.  "stage1_train" and "stage1_test" as Kaggle
        divided them; without ``stage1_solution.csv`` the latter has no labels.  "train" and
        "test" are StarDist's.

    Returns
    -------
    Samples
        ``cell_type`` is "fluorescence" (grey, dark ground), "stained" (colour) or "brightfield"
        (grey, bright ground), told by the colours; ``group`` is the field, named by its first
        picture.  Both need every picture once: seconds for the whole set, then kept in the
        cache folder.

    Raises
    ------
    FileNotFoundError
        Nothing of DSB2018 below ``root``.
    ValueError
        An unknown split; a part that is not there; a solution with an unreadable line.  When a
        sample is read: a picture without masks where others have them, masks of another size, run
        lengths outside the picture, an unreadable file.
    """
    root = Path(root)
    one_of("split of dsb2018", split, ("all", *SPLITS))
    found = names(root)
    parts = _stage1(base(root), found)
    for part, entries in _stardist(base(root), found).items():
        parts.setdefault(part, entries)
    need(parts, lambda: (
        f"nothing of DSB2018 below {root}, expected stage1_train.zip or its folders "
        "<id>/images/<id>.png with <id>/masks/; give the folder or archive that holds them."
    ), FileNotFoundError)  # fmt: skip
    need(split == "all" or split in parts,
         lambda: f"{root} has no {split}, only {', '.join(parts)}; choose one of these.")
    if split == "all":  # StarDist's are copies of stage 1
        chosen = [part for part in parts if part in SPLITS[:2]] or list(parts)
        entries = [e for part in chosen for e in parts[part] if e.annotated]
    else:
        entries = parts[split]
    about = _about(root, entries)
    return Samples(
        [replace(e, cell_type=about[e.name][0], group=about[e.name][1]) for e in entries]
    )


# ---------------------------------------------------------------- finding files


def _stage1(root, found) -> dict[str, list[Entry]]:
    images: dict[str, str] = {}
    masks: dict[str, list[str]] = {}
    for name in found:
        parts = name.split("/")
        if len(parts) < 3 or not parts[-1].lower().endswith(".png"):
            continue
        if parts[-2] == "images":
            images.setdefault("/".join(parts[:-2]), name)
        elif parts[-2] == "masks":
            masks.setdefault("/".join(parts[:-2]), []).append(name)
    partners(masks, images, lambda folder, count: (
        f"{folder} in {root} has masks and no image ({count} such), expected {folder}/images/*.png;"
        " unpack the archive again, or delete the folder."
    ))  # fmt: skip
    solution = next((n for n in found if PurePosixPath(n).name == "stage1_solution.csv"), None)
    runs = _solution(root / solution) if solution else {}
    parts, seen = {}, set()
    for folder, name in images.items():
        key = PurePosixPath(folder).name
        if key in seen:  # unpacked, and in the archive as well
            continue
        seen.add(key)
        files = tuple(root / mask for mask in masks.get(folder, ()))
        nothing_drawn = not files and (not masks or key in runs) and "stage1_train" not in folder
        test = "stage1_test" in folder or nothing_drawn
        if test and not files:
            read = _Nuclei(root / name, None, runs.get(key))
        else:
            read = _Nuclei(root / name, files, None)
        parts.setdefault("stage1_test" if test else "stage1_train", []).append(
            Entry(key, read, "dsb2018", annotated=read.annotated,
                  path=read.image if read.image.is_file() else None)
        )  # fmt: skip
    return {part: parts[part] for part in SPLITS if part in parts}


def _stardist(root, found) -> dict[str, list[Entry]]:
    pictures = [name for name in found if name.lower().endswith(".tif")]
    parts = {}
    for part in ("train", "test"):
        if any(re.search(rf"(^|/){part}/images/", name) for name in pictures):
            pairs = pair(pictures, f"**/{part}/images/{{}}.*", f"**/{part}/masks/{{}}.*", "", root)
            parts[part] = [entry(p, root, "dsb2018", kind="cells") for p in pairs]
    return parts


def _solution(path) -> dict[str, tuple[tuple[str, int, int], ...]]:
    """Picture → run lengths, height and width of each nucleus."""
    runs: dict[str, list] = {}
    rows = table(path, ("ImageId", "EncodedPixels", "Height", "Width"))
    for line, (name, text, *sides) in enumerate((row.values() for row in rows), 2):
        need(all(side.isascii() and side.isdigit() and len(side) < 9 for side in sides),
             f"{path} is cut off or damaged in line {line}, expected five values; download it "
             "again.")  # fmt: skip
        runs.setdefault(name, []).append((text, *map(int, sides)))
    return {name: tuple(several) for name, several in runs.items()}


# ---------------------------------------------------------------- reading


@dataclass(frozen=True)
class _Nuclei:
    """Reads one picture, and its nuclei from files (a tuple) or run lengths."""

    image: Path
    masks: tuple[Path, ...] | None
    runs: tuple[tuple[str, int, int], ...] | None

    @property
    def annotated(self) -> bool:
        return self.masks is not None or self.runs is not None

    def __call__(self):
        image = read_image(self.image)
        if self.runs is not None:
            return image, _from_runs(self.runs, image.shape[:2], self.image)
        if self.masks is None:
            return image, None
        need(self.masks, lambda: (
            f"{self.image} has no masks, expected one picture for each nucleus in the folder "
            "masks beside images; unpack the archive again, or delete the image."
        ))  # fmt: skip
        return image, _from_masks(self.masks, image, self.image)


def _from_masks(paths, image, where) -> np.ndarray:
    """One label map from a picture for each nucleus.

    What makes it quick: Pillow finds each nucleus' box, and only that box becomes an array.
    """
    from PIL import Image

    boxed = []
    for path in paths:
        with reading(path, "one nucleus as PNG"):
            with open_binary(path) as stream, Image.open(stream) as mask:
                grey = mask if mask.mode in ("L", "1") else mask.convert("L")
                box, size = grey.getbbox(), grey.size[::-1]
                cell = np.asarray(grey.crop(box)) > 0 if box else np.zeros((0, 0), bool)
        check_size(path, size, where, image)
        boxed.append((box, cell))
    labels = np.zeros(image.shape[:2], np.int32)
    for k in bottom_up([np.count_nonzero(cell) for _, cell in boxed]):
        box, cell = boxed[k]
        if box:
            labels[box[1] : box[3], box[0] : box[2]][cell] = k + 1
    return labels


def _from_runs(runs, shape, where) -> np.ndarray:
    """One label map from run lengths: start (from 1, down the columns) and length in turn."""
    cells = []
    for text, height, width in runs:
        words = text.split()
        plain = text.isascii() and all(word.isdigit() and len(word) < 19 for word in words)
        numbers = np.array(words if plain else [], np.int64)
        starts, lengths = numbers[::2] - 1, numbers[1::2]
        need(
            (height, width) == shape and len(numbers) and len(numbers) % 2 == 0
            and starts.min() >= 0 and (starts + lengths).max() <= height * width,
            lambda height=height, width=width, text=text: (
                f"the solution of {where} has run lengths for {height} x {width} pixels that do "
                f"not fit its {shape[0]} x {shape[1]} ({text[:30]}...), expected pairs of start "
                "and length; download stage1_solution.csv again."
            ),
        )  # fmt: skip
        before = np.cumsum(lengths) - lengths
        cells.append(np.repeat(starts - before, lengths) + np.arange(lengths.sum()))
    labels = np.zeros(shape[0] * shape[1], np.int32)
    for k in bottom_up([len(cell) for cell in cells]):
        labels[cells[k]] = k + 1
    return np.ascontiguousarray(labels.reshape(shape[::-1]).T)


# ---------------------------------------------------------------- kind and field


def _about(root, entries) -> dict[str, tuple[str, str]]:
    """Picture → kind and field, from the cache folder or from the pixels."""
    listed = "\n".join(e.name for e in entries)
    key = hashlib.sha1(f"3\n{root.resolve()}\n{listed}".encode()).hexdigest()[:16]
    place = cache() / "index" / f"dsb2018-{key}.csv"
    if len(entries) >= KEPT_FROM:
        try:
            rows = list(csv.reader(place.read_text(encoding="utf-8").splitlines()))
            about = {name: (kind, field) for name, kind, field in rows}
            if set(about) >= {e.name for e in entries}:
                return about
        except (OSError, ValueError):  # absent or damaged: look again
            pass
    about = _look(entries)
    if len(entries) >= KEPT_FROM:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([n, *both] for n, both in about.items())
        try:
            with replacing(place) as temporary:
                temporary.write_text(text.getvalue(), encoding="utf-8")
        except OSError:  # no place to keep it only costs time
            pass
    return about


def _look(entries) -> dict[str, tuple[str, str]]:
    from tqdm.auto import tqdm

    kinds, greys = [], []
    for e in tqdm(entries, "looking for tiles of one field", disable=len(entries) < KEPT_FROM):
        image = read_image(e.read.image)
        grey = to_grey(image)
        kinds.append(KINDS[1] if image.ndim == 3 else KINDS[2 * int(grey.mean() > 0.5)])
        greys.append(np.round(grey * 255).astype(np.uint8))
    field = fields(greys)
    return {
        e.name: (kind, entries[k].name) for e, kind, k in zip(entries, kinds, field, strict=True)
    }


def fields(images: list[np.ndarray]) -> list[int]:
    """Which pictures are tiles of one field (see the top of this module).

    Parameters
    ----------
    images : list of ndarray, (H, W)
        Grey values of any one scale from 0 to 255.  Only pictures of equal size are compared.

    Returns
    -------
    list of int
        For each picture, the first one of its field.
    """
    first = list(range(len(images)))

    def join(a, b):
        a, b = sorted((first[a], first[b]))
        first[:] = [a if k == b else k for k in first]

    sizes: dict[tuple, list[int]] = {}
    for i, image in enumerate(images):
        sizes.setdefault(image.shape, []).append(i)
    for shape, members in sizes.items():
        if min(shape) < 2 or len(members) < 2:
            continue
        stacked = np.stack([images[i] for i in members]).astype(np.float32)
        alike = [_correlation(_small(stacked).reshape(len(members), -1)) > SAME]
        for tiles in (stacked, stacked.transpose(0, 2, 1)):
            alike.append(_neighbours(tiles))
        for a, b in zip(*np.nonzero(np.logical_or.reduce(alike)), strict=True):
            if a != b:
                join(members[a], members[b])
    return first


def _neighbours(tiles) -> np.ndarray:
    """[a, b]: whether tile b continues tile a to the right; tiles (n, H, W)."""
    last, first = tiles[:, :, -1], tiles[:, :, 0]
    one, other = np.abs(last - tiles[:, :, -2]).mean(1), np.abs(first - tiles[:, :, 1]).mean(1)
    within = np.maximum((one[:, None] + other) / 2, 0.2)  # grey values are whole numbers
    across = np.stack([np.abs(edge - first).mean(1) for edge in last])
    return (across <= STEP * within) & (_correlation(last, first) >= ALIKE)


def _small(tiles) -> np.ndarray:
    """Means of square blocks, about 64 to the shorter side."""
    n = max(1, min(tiles.shape[1:]) // 64)
    height, width = (side // n for side in tiles.shape[1:])
    blocks = tiles[:, : height * n, : width * n].reshape(len(tiles), height, n, width, n)
    return blocks.mean(axis=(2, 4))


def _correlation(rows, others=None) -> np.ndarray:
    """Correlation of each row with each other row; 0 where a row is constant."""

    def standard(rows):
        rows = rows - rows.mean(axis=1, keepdims=True)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-3)

    return standard(rows) @ standard(rows if others is None else others).T
