"""COCO files beside pictures, as CVAT, Label Studio and Roboflow export them.

The file may have any name.  Its pictures are looked for by the names it lists, and, where none
fits, without what these tools add: Label Studio's ``1a2b3c4d-cells.png`` and Roboflow's
``cells_png.rf.0f1e2d.jpg`` are both ``cells.png``.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from cellkit.annotations import label_map
from cellkit.datasets.coco_index import Record, categories, index
from cellkit.datasets.faults import naming, need
from cellkit.datasets.pairing import agreement

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listed:
    """The cells of one picture in a COCO file; call it for its labels (H, W)."""

    file: Path
    record: Record
    wanted: tuple | None  # ids of categories

    def __bool__(self):
        return bool(self.record.spans)

    def __call__(self) -> np.ndarray:
        found = [
            one for one in self.record.annotations(self.file)
            if self.wanted is None or one.get("category_id") in self.wanted
        ]  # fmt: skip
        boxes = [one for one in found if not one.get("segmentation")]
        need(not boxes, lambda: (
            f"{self.file} has {len(boxes)} of {len(found)} cells of {self.record.name} as boxes, "
            "expected outlines; draw them as polygons or masks, and export COCO with segmentation."
        ))  # fmt: skip
        with naming(f"{self.file}, {self.record.name}"):
            return label_map([one["segmentation"] for one in found],
                             (self.record.height, self.record.width))  # fmt: skip


def listed(file: Path, pictures, chosen=None, inside="") -> dict[str, Listed]:
    """Which of the pictures a COCO file lists, and what it says of each.

    ``chosen`` are the names or ids of categories, None: all.  ``inside`` is the file's own folder,
    relative as the pictures are: of pictures of one name the nearer counts.
    """
    records = index(file)
    wanted = None if chosen is None else _ids(file, chosen)
    known = [{}, {}]
    for name in pictures:
        for table, key in zip(known, (_stem(name), plain_name(name)), strict=True):
            table.setdefault(key, []).append(name)
    found: dict[str, Listed] = {}
    missing = []
    for record in records:
        several = known[0].get(_stem(record.name)) or known[1].get(plain_name(record.name), ())
        near = [agreement(name, f"{inside}/{record.name}") for name in several]
        best = [name for name, much in zip(several, near, strict=True) if much == max(near)]
        if not best:
            missing.append(record.name)
            continue
        need(len(best) == 1, lambda best=best, record=record: (
            f"{file} lists {record.name}, which may be {best[0]} or {best[1]}; delete one of the "
            "two, or give the folder that holds the right ones as root."
        ))  # fmt: skip
        twin = found.setdefault(best[0], Listed(file, record, wanted))
        need(twin.record is record, lambda best=best, twin=twin, record=record: (
            f"{file} lists {twin.record.name} and {record.name}, which are both {best[0]} by their "
            "names; add the pictures that were exported with the file."
        ))  # fmt: skip
    need(found, lambda: (
        f"{file} lists {len(records)} images, none of which is here (first: {records[0].name}); "
        "put the pictures beside it under the names it lists."
    ))  # fmt: skip
    if missing:
        _log.warning("%s lists %d images that are not here (first: %s).", file, len(missing),
                     missing[0])  # fmt: skip
    several = [] if chosen else _named(file)
    if len(several) > 1:
        _log.warning("%s has the categories %s, and all are read as cells; choose some, "
                     "categories=[%r].", file, ", ".join(several), several[0])  # fmt: skip
    return found


def plain_name(name) -> str:
    """A picture's name without folder, ending, case, and what annotation tools add to it."""
    stem = re.sub(r"[._]rf[._]\w{6,}$", "", _stem(name))
    stem = re.sub(r"[._](?:png|jpe?g|tiff?|bmp)$", "", re.sub(r"^[0-9a-f]{8}-(?=.)", "", stem))
    return re.sub(r"[^\w]+|_+", "_", stem).strip("_")


def _stem(name) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem.lower()


def _named(file) -> list[str]:
    """The categories, without the one that Roboflow adds as all others' parent."""
    found = categories(file)
    parents = [one.get("supercategory") for one in found if one.get("id") != 0]
    return [str(one.get("name")) for one in found
            if one.get("id") != 0 or one.get("name") not in parents]  # fmt: skip


def _ids(file, chosen) -> tuple:
    known = [(one.get("id"), one.get("name")) for one in categories(file)]
    unknown = [one for one in chosen if not any(one in both for both in known)]
    need(not unknown, lambda: (
        f"{file} has no category {unknown[0]!r}, expected some of {', '.join(_named(file))}."
    ))  # fmt: skip
    return tuple(both[0] for both in known if any(one in both for one in chosen))
