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
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from cellkit.datasets.files import base, names
from cellkit.datasets.images import SUFFIXES, read_image, read_labels
from cellkit.samples import Entry, Samples

#: Where labels are looked for if nobody says: the first that fits an image is taken.
LABELS = (
    "labels/{}.*", "masks/{}.*", "mask/{}.*", "label/{}.*", "annotations/{}.*",
    "labels/{}_*.*", "masks/{}_*.*",
    "{}_mask.*", "{}_masks.*", "{}_label.*", "{}_labels.*", "{}_seg.*", "{}_anno.*",
    "{}_cp_masks.*", "{}.labels.*",
)  # fmt: skip

#: Names that sound like labels.
DRAWN = r"mask|label|truth|(^|[/_])(seg|gt|anno)"

_log = logging.getLogger(__name__)


def samples(
    root, split="all", *, images=None, labels="auto", kind="auto", scale="depth", dataset=None
) -> Samples:
    """Any images, lazily; call it as ``cellkit.read("folder", root=..., ...)``.

    Parameters
    ----------
    root : path
        A folder or a zip archive.
    split : str
        "all": the images with labels, or every image if none has any.  "unlabelled": the others.
    images : str, optional
        Their pattern.  None: every image file in ``images/``, else directly in ``root``.
    labels : str, "auto" or None
        Their pattern.  Where it fits several files of an image, each is the mask of one cell;
        where they overlap, the smaller cell lies on top.  "auto": the first of :data:`LABELS`
        that fits.  None: there are no labels.
    kind : "auto", "cells" or "mask"
        What a file of labels holds, see :func:`cellkit.datasets.images.to_labels`.
    scale
        As for :func:`cellkit.datasets.read_image`.
    dataset : str, optional
        What to call it; None: the folder's name.

    Returns
    -------
    Samples
        ``group`` and ``cell_type`` are None where the pattern does not name them.

    Raises
    ------
    FileNotFoundError
        No image in the folder.
    ValueError
        A pattern that is wrong or fits no file; labels without image; two images with the same
        ``{}``; an unknown split.  When a sample is read: labels of another size than the image,
        in colour or in real numbers; an unreadable file.
    """
    root = Path(root)
    pictures = _pictures(root)
    inside = f"{root.name}/" if root.is_file() else ""
    if images is None:
        own_folder = any(name.startswith(f"{inside}images/") for name in pictures)
        images = "images/{}.*" if own_folder else "{}.*"
    if labels == "auto":
        pairs = _guess(pictures, images, inside, root)
    else:
        pairs = pair(pictures, images, labels, inside, root)
    drawn = [p for p in pairs if p.labels]
    spare = [p for p in pairs if not p.labels]
    if split == "unlabelled":
        chosen = spare
    elif split == "all":
        chosen = drawn or spare
        if drawn and spare:
            _log.warning(
                "%d of %d images in %s have no labels (first: %s); they are left out here and "
                "read with split='unlabelled'.", len(spare), len(pairs), root, spare[0].image,
            )  # fmt: skip
    else:
        raise ValueError(f"no split {split!r} of a folder, expected all or unlabelled.")
    if not chosen:
        raise ValueError(
            f"every image in {root} has labels, expected some without for split='unlabelled'; "
            "choose split='all'."
        )
    return Samples([entry(p, base(root), dataset or root.stem, kind, scale) for p in chosen])


def livecell3(root, split="all") -> Samples:
    """Three 16-bit fluorescence pictures, binary masks; ``cellkit.read("livecell3", ...)``.

    The data of "Is this cell alive?" were never published; this layout is ours: 16-bit
    ``images/<name>.tif``, masks of the same name in ``masks/`` (0 and 255, a cell is one connected
    piece), more images without masks in ``unlabelled/``.  Each picture is its own group.

    Parameters
    ----------
    root : path
    split : str
        "all" are the pairs, "unlabelled" the images without masks.

    Returns
    -------
    Samples
        Grey values stretched from the 1st to the 99.8th percentile: the paper's pictures reach
        from 8114 to 65535, others use a hundredth of the range.
    """
    pictures = _pictures(root)
    if split == "unlabelled":
        pairs = pair(pictures, "**/unlabelled/{group}.*", None, "", root)
    elif split == "all":
        pairs = pair(pictures, "**/images/{group}.*", "**/masks/{group}.*", "", root)
    else:
        raise ValueError(f"no split {split!r} of livecell3, expected all or unlabelled.")
    return Samples([entry(p, base(root), "livecell3", "mask", "percentile") for p in pairs])


def _pictures(root) -> list[str]:
    pictures = [name for name in names(root) if name.lower().endswith(SUFFIXES)]
    if not pictures:
        raise FileNotFoundError(
            f"no image below {root}, expected {', '.join(SUFFIXES)} files; give the folder that "
            "holds them as root."
        )
    return pictures


# ---------------------------------------------------------------- patterns


@dataclass(frozen=True)
class Pair:
    """An image, and the files that say where its cells are."""

    image: str
    labels: tuple[str, ...]
    cell_type: str | None = None
    group: str | None = None


def pair(found: list[str], images: str, labels: str | None, inside="", root="") -> list[Pair]:
    """Find images and their labels among names, by patterns (see the top of this module).

    Parameters
    ----------
    found : list of str
        Relative names.
    images, labels : str or None
    inside : str
        What stands before every name, and in no pattern.
    root : path
        Named in messages only.

    Raises
    ------
    ValueError
        See :func:`samples`.
    """
    images, labels = Pattern(images, inside), labels and Pattern(labels, inside)
    shared = labels.fields if labels else images.fields
    if set(shared) - set(images.fields):
        raise ValueError(
            f"the labels' pattern {labels.text!r} has a field that the images' pattern "
            f"{images.text!r} has not, expected the same fields in both; "
            "write {} in both where their names agree."
        )
    drawn: dict[tuple, list[str]] = {}
    for name in found:
        fields = labels.match(name) if labels else None
        if fields:
            drawn.setdefault(_key(fields, shared), []).append(name)
    taken = {name for several in drawn.values() for name in several}
    pairs: dict[tuple, Pair] = {}
    for name in found:
        fields = images.match(name)
        if not fields or name in taken:
            continue
        key = _key(fields, shared) or (name if labels is None else "",)
        if key in pairs:
            raise ValueError(
                f"{pairs[key].image} and {name} in {root} are the same by the pattern "
                f"{images.text!r}, expected one image for each {{}}; make the pattern tell them "
                "apart, or delete one of them."
            )
        files = drawn.get(_key(fields, shared), ()) if labels else ()
        pairs[key] = Pair(name, tuple(files), fields.get("cell_type"), fields.get("group"))
    for pattern, fits in ((images, pairs), (labels, drawn)):
        if pattern and not fits:
            raise ValueError(
                f"the pattern {pattern.text!r} fits none of the {len(found)} image files in {root} "
                f"(the first is {found[0] if found else None}); write one that does"
                f"{', or labels=None' if pattern is labels else ''}."
            )
    lonely = [several[0] for key, several in drawn.items() if (key or ("",)) not in pairs]
    if lonely:
        raise ValueError(
            f"{lonely[0]} in {root} has no image beside it ({len(lonely)} such), expected one that "
            f"fits {images.text!r}; add the image, delete the labels, or change the patterns."
        )
    return list(pairs.values())


def entry(pair: Pair, root: Path, dataset, kind="auto", scale="dtype") -> Entry:
    """The sample of a pair of files below ``root``."""
    read = _Read(root / pair.image, tuple(root / n for n in pair.labels), kind, scale)
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

    def __call__(self):
        image = read_image(self.image, self.scale)
        if not self.labels:
            return image, None
        if len(self.labels) == 1:
            labels = read_labels(self.labels[0], kind=self.kind)
        else:
            masks = [read_labels(path, kind="cells") > 0 for path in self.labels]
            for path, mask in zip(self.labels, masks, strict=True):
                check_size(path, mask, self.image, image)
            labels = stack(masks)
        check_size(self.labels[0], labels, self.image, image)
        return image, labels


def check_size(path, labels, image_path, image):
    """Refuse labels that are not as large as their image."""
    if labels.shape != image.shape[:2]:
        raise ValueError(
            f"{path} has {labels.shape[0]} x {labels.shape[1]} pixels (height x width) and its "
            f"image {image_path} {image.shape[0]} x {image.shape[1]}, expected the same; the two "
            "do not belong together, or one was resized."
        )


def stack(masks) -> np.ndarray:
    """One label map from a mask for each cell: bool (n, H, W) → int32 (H, W).

    Mask k becomes cell k + 1; where masks overlap, the smaller cell lies on top (of equal ones
    the later), as in :func:`cellkit.annotations.label_map`.
    """
    labels = np.zeros(masks[0].shape, np.int32)
    for k in np.argsort([-mask.sum() for mask in masks], kind="stable"):
        labels[masks[k]] = k + 1
    return labels


class Pattern:
    """A pattern (see the top of this module) as a regular expression."""

    def __init__(self, text, inside=""):
        self.text = text
        self.fields = []
        if not isinstance(text, str) or not text:
            raise ValueError(f"a pattern is {text!r}, expected a name such as 'images/{{}}.tif'.")
        parts = re.split(r"(\*\*/|\*|\{\w*\})", text.replace("\\", "/"))
        expression = ""
        for part in parts:
            if part == "**/":
                expression += "(?:.*/)?"
            elif part == "*":
                expression += "[^/]*"
            elif part.startswith("{"):
                expression += self._field(part)
            else:
                expression += re.escape(part)
        self.expression = re.compile(re.escape(inside) + expression, re.IGNORECASE)

    def _field(self, part):
        field = part[1:-1] or "key"
        if field not in ("key", "group", "cell_type"):
            raise ValueError(
                f"the pattern {self.text!r} has {part}, expected {{}}, {{group}} or {{cell_type}}."
            )
        if field in self.fields:
            return f"(?P={field})"
        self.fields.append(field)
        return f"(?P<{field}>[^/]+)"

    def match(self, name) -> dict | None:
        """What the fields stand for in a name that fits (with "name": the whole)."""
        match = self.expression.fullmatch(name)
        return match and {"name": name, **match.groupdict()}


def _key(fields, wanted) -> tuple:
    """What must be equal: numbers by their value, so that 3 is 003."""
    texts = [fields[field] for field in sorted(wanted)]
    return tuple(text.lstrip("0") or "0" if text.isdigit() else text for text in texts)


def _guess(pictures, images, inside, root) -> list[Pair]:
    """The pairs of the first pattern in LABELS that fits; if none does, images alone."""
    shown = Pattern(images, inside)
    fits = [fields for name in pictures if (fields := shown.match(name))]
    own = {_key(fields, ["key"]) for fields in fits if "key" in fields}
    for labels in LABELS:
        pattern = Pattern(labels, inside)
        drawn = [fields for name in pictures if (fields := pattern.match(name))]
        if own & {_key(fields, ["key"]) for fields in drawn}:
            return pair(pictures, images, labels, inside, root)
    pairs = pair(pictures, images, None, inside, root)
    others = set(pictures) - {one.image for one in pairs}
    doubtful = [name for name in pictures if name in others and re.search(DRAWN, name.lower())]
    if doubtful:
        _log.warning(
            "%d files in %s look like labels (first: %s) and fit no usual name, so the %d images "
            "are read without; say how they are named, e.g. labels='labels/{}.png'.",
            len(doubtful), root, doubtful[0], len(pairs),
        )  # fmt: skip
    return pairs
