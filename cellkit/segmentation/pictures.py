"""What is to be segmented: a folder, files, samples or arrays, as a row of named pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cellkit.datasets import read, read_image
from cellkit.samples import Sample, Samples


@dataclass(frozen=True)
class Picture:
    """One picture that is not read yet: ``read()`` gives its grey values as they are stored."""

    name: str
    read: Callable[[], np.ndarray]
    path: Path | None = None

    def state(self) -> list | None:
        """What changes when the file does."""
        if self.path is None:
            return None
        seen = os.stat(self.path)
        return [seen.st_size, seen.st_mtime_ns]


@dataclass(frozen=True, eq=False)
class _File:
    path: Path
    options: dict

    def __call__(self):
        return read_image(self.path, "none", **self.options)


@dataclass(frozen=True, eq=False)
class _Stored:
    """Pixels of an :class:`cellkit.samples.Entry`, or an array."""

    what: object

    def __call__(self):
        return self.what()[0] if callable(self.what) else self.what


def pictures_of(images, **options) -> list[Picture]:
    """Pictures of whatever :func:`cellkit.segment` takes; ``options`` are for reading files."""
    if isinstance(images, np.ndarray):
        return [Picture("image", _Stored(images))]
    if isinstance(images, Sample):
        images = [images]
    if isinstance(images, (str, os.PathLike)):
        path = Path(images)
        if not path.exists():
            raise FileNotFoundError(f"nothing is at {path}, expected a folder with pictures, a zip "
                                    "archive of them, or a picture.")
        if path.is_dir() or path.suffix.lower() == ".zip":
            images = read("folder", root=path.absolute(), split="every", scale="none", **options)
        else:
            images = [path]
    if isinstance(images, Samples):
        return [Picture(e.name, _Stored(e.read), e.path) for e in images.entries]
    if not isinstance(images, Sequence) or not images:
        raise TypeError(f"images is {images!r:.60}, expected a folder, a picture, an array, or a "
                        "row of pictures.")
    row, width = [], len(str(len(images) - 1))
    for k, one in enumerate(images):
        if isinstance(one, Sample):
            row.append(Picture(one.name, _Stored(one.image)))
        elif isinstance(one, np.ndarray):
            row.append(Picture(f"image{k:0{width}}", _Stored(one)))
        elif isinstance(one, (str, os.PathLike)):
            path = Path(one).absolute()
            row.append(Picture(path.stem, _File(path, options), path))
        else:
            raise TypeError(f"images[{k}] is {type(one).__name__}, expected a path, an array or a "
                            "sample.")
    return _told_apart(row)


def _told_apart(row: list[Picture]) -> list[Picture]:
    """Of one name in several folders, or twice: the folder's or a number tells them apart."""
    if len({one.name for one in row}) == len(row):
        return row
    named = [Picture(f"{one.path.parent.name}_{one.path.stem}" if one.path else one.name,
                     one.read, one.path) for one in row]
    if len({one.name for one in named}) == len(row):
        return named
    return [Picture(f"{one.name}_{k}", one.read, one.path) for k, one in enumerate(named)]
