"""What is left of each picture: files to open elsewhere, and rows of two tables."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

import cellkit
from cellkit.annotations import outline
from cellkit.datasets import scale_image, to_grey
from cellkit.datasets.images import read_labels
from cellkit.files import replacing
from cellkit.show import BLUE, YELLOW, palette

#: Longest side of an overlay; a larger picture is shown smaller.
LONGEST = 4096


@dataclass(frozen=True)
class Segmented:
    """What was found in one picture.

    Attributes
    ----------
    name : str
    summary : dict
        Its row of ``images.csv``: "image", "hours", "cells", "confluence", ...
    files : (Path, Path) or None
        Where its labels and its table were written.
    """

    name: str
    summary: dict
    files: tuple[Path, Path] | None = None
    kept: tuple[np.ndarray, dict] | None = field(default=None, repr=False)

    @property
    def labels(self) -> np.ndarray:
        """int32 (H, W): 0 is background, k the k-th cell; read from the file if there is one."""
        return read_labels(self.files[0], kind="cells") if self.kept is None else self.kept[0]

    @property
    def mask(self) -> np.ndarray:
        """Where there is any cell: bool (H, W)."""
        return self.labels > 0

    @property
    def table(self) -> dict:
        """Its rows of ``cells.csv``, a list for each column: :func:`cellkit.measure`, "doubt"."""
        return (json.loads(self.files[1].read_text(encoding="utf-8"))["table"]
                if self.kept is None else self.kept[1])


class Store:
    """The output folder of one run: each picture's files, whole or not at all, and two tables."""

    def __init__(self, folder):
        self.folder = Path(folder).absolute()

    def open(self, asked: dict, again: bool) -> dict | None:
        """What a run before this one decided, if it was asked the same."""
        file = self.folder / "run.json"
        if again or not file.exists():
            for old in self._row("").parent.rglob("*.json"):
                old.unlink()
            return None
        before = json.loads(file.read_text(encoding="utf-8"))
        asked = json.loads(json.dumps(asked))
        other = [name for name in asked if asked[name] != before["asked"].get(name)]
        if other:
            raise ValueError(
                f"{self.folder} holds results of other settings ({other[0]} was "
                f"{before['asked'].get(other[0])!r}, now {asked[other[0]]!r}); choose another "
                "output folder, or again=True (--again) to replace them.")
        return before["decided"]

    def decide(self, asked: dict, decided: dict) -> None:
        """Note what was asked and decided, for the reader and for a run that goes on."""
        (self.folder / ".cellkit").mkdir(parents=True, exist_ok=True)
        write_json(self.folder / "run.json", {
            "cellkit": cellkit.__version__, "asked": asked, "decided": decided}, indent=1)

    def done(self, picture) -> Segmented | None:
        """What a run before this one left of a picture, if the file is still the same."""
        files = self._place("labels", picture.name, "tif"), self._row(picture.name)
        if not all(file.exists() for file in files):
            return None
        known = json.loads(files[1].read_text(encoding="utf-8"))
        if known["state"] != picture.state():
            return None
        return Segmented(picture.name, known["summary"], files)

    def write(self, found: Segmented, image: np.ndarray, state, pixel_size) -> Segmented:
        """Write everything of a picture; its row comes last, so that it stands for the rest."""
        (labels, table), name = found.kept, found.name
        files = self._place("labels", name, "tif"), self._row(name)
        with replacing(self._place("masks", name, "png")) as file:
            Image.fromarray((labels > 0).astype(np.uint8) * 255).save(file, "PNG")
        with replacing(self._place("overlays", name, "png")) as file:
            Image.fromarray(overlay(labels, image)).save(file, "PNG")
        write_labels(files[0], labels, name, pixel_size)
        write_json(files[1], {"state": state, "summary": found.summary, "table": table})
        return Segmented(name, found.summary, files)

    def tables(self, results: list[Segmented], failed: dict[str, str]) -> None:
        """``cells.csv`` and ``images.csv`` of what there is so far."""
        write_cells(self.folder / "cells.csv", ((one.name, one.table) for one in results))
        rows = [*(one.summary for one in results),
                *({"image": name, "problem": why} for name, why in failed.items())]
        write_csv(self.folder / "images.csv", dict.fromkeys(key for row in rows for key in row),
                  rows)

    def _place(self, what, name, kind) -> Path:
        return self.folder / what / f"{name}.{kind}"

    def _row(self, name) -> Path:  # hidden: no reader of folders looks there
        return self.folder / ".cellkit" / "rows" / f"{name}.json"


def write_json(path, what, indent=None) -> None:
    """Whole or not at all."""
    with replacing(path) as file:
        file.write_text(json.dumps(what, indent=indent, ensure_ascii=False), encoding="utf-8")


def write_labels(path, labels: np.ndarray, name: str, pixel_size: float | None = None) -> None:
    """Labels as TIFF that Fiji, napari and QuPath open with their name and µm.

    Up to 65,535 cells it is ImageJ's own kind, above an OME-TIFF of 32 bits.
    """
    import tifffile

    how: dict = {"compression": "zlib"}
    if labels.max() < 2**16:
        labels = labels.astype(np.uint16)
        how |= {"imagej": True, "metadata": {"axes": "YX", "Labels": [name]}}
        if pixel_size:
            how["metadata"]["unit"] = "um"
            how["resolution"] = (1 / pixel_size, 1 / pixel_size)
    else:
        labels = labels.astype(np.uint32)
        how |= {"ome": True, "metadata": {"axes": "YX", "Name": name}}
        if pixel_size:
            how["metadata"] |= {f"PhysicalSize{axis}{more}": value for axis in "XY" for more, value
                                in (("", pixel_size), ("Unit", "µm"))}
    with replacing(path) as file:
        tifffile.imwrite(file, labels, **how)


def overlay(labels: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The picture, stretched, with each cell's rim in yellow or, on bright ground, blue: uint8."""
    step = -(-max(labels.shape) // LONGEST)
    labels, image = labels[::step, ::step], image[::step, ::step]
    shown = scale_image(image, (0.5, 99.5))
    shown = np.repeat(shown[..., None], 3, 2) if shown.ndim == 2 else shown.copy()
    bright = np.median(to_grey(shown)) > 0.6  # of the whole, so that a series keeps its colour
    rim = outline(labels, 1 + max(labels.shape) // 1500)
    shown[rim] = palette.rgb(BLUE if bright else YELLOW)
    return (shown * 255 + 0.5).astype(np.uint8)


def write_cells(path, tables) -> None:
    """``cells.csv`` of (name of the picture, table) pairs, one after the other."""
    tables = iter(tables)
    first = next(tables, ("", {}))
    write_csv(path, ["image", *first[1]], (
        {"image": name, **dict(zip(table, values, strict=True))}
        for name, table in chain([first], tables)
        for values in zip(*table.values(), strict=True)))


def write_csv(path, columns, rows) -> None:
    """A table; numbers are written with four decimals at most."""
    with replacing(path) as file, file.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(columns), restval="")
        table.writeheader()
        for row in rows:
            table.writerow({name: round(value, 4) if isinstance(value, float) else value
                            for name, value in row.items()})
