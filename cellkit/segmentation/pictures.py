"""What is to be segmented: a folder, files, samples or arrays, as a row of named pictures."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import tifffile

from cellkit.datasets import read, read_image
from cellkit.samples import Sample, Samples


@dataclass(frozen=True)
class Picture:
    """One picture that is not read yet: ``read()`` gives its grey values as they are stored."""

    name: str
    read: Callable[[], np.ndarray]
    path: Path | None = None

    def state(self) -> list:
        """What changes when the picture does."""
        if self.path is None:
            return [hashlib.sha256(np.ascontiguousarray(self.read())).hexdigest()]
        seen = os.stat(self.path)
        return [seen.st_size, seen.st_mtime_ns]


def pictures_of(images, **options) -> list[Picture]:
    """Pictures of whatever :func:`cellkit.segment` takes; ``options`` are for reading files."""
    if isinstance(images, np.ndarray):
        return [Picture("image", partial(np.asarray, images))]
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
        row = [Picture(e.name, partial(_pixels, e.read), e.path) for e in images.entries]
        return _frames(row, options)
    if not isinstance(images, Sequence) or not images:
        raise TypeError(f"images is {images!r:.60}, expected a folder, a picture, an array, or a "
                        "row of pictures.")
    row, width = [], len(str(len(images) - 1))
    for k, one in enumerate(images):
        if isinstance(one, Sample):
            row.append(Picture(one.name, partial(np.asarray, one.image)))
        elif isinstance(one, np.ndarray):
            row.append(Picture(f"image{k:0{width}}", partial(np.asarray, one)))
        elif isinstance(one, (str, os.PathLike)):
            path = Path(one).absolute()
            row.append(Picture(path.stem, partial(read_image, path, "none", **options), path))
        else:
            raise TypeError(f"images[{k}] is {type(one).__name__}, expected a path, an array or a "
                            "sample.")
    if len({one.name for one in row}) < len(row):  # of one name in several folders, say
        row = [replace(one, name=f"{one.name}_{k:0{width}}") for k, one in enumerate(row)]
    return _frames(row, options)


def _frames(row: list[Picture], options) -> list[Picture]:
    """Each frame of a TIFF stack as a picture of its own, unless one page was asked for.

    If the first TIFF has but one, the others are not looked at: a folder may have thousands.
    """
    tiffs = [one.path for one in row if one.path and one.path.suffix.lower() in (".tif", ".tiff")]
    if "page" in options or not tiffs or _count(tiffs[0]) < 2:
        return row
    return [replace(one, name=f"{one.name}_t{k:03}" if count > 1 else one.name, read=partial(
        read_image, one.path, "none", **options, **({"page": k} if count > 1 else {})))
        for one in row for count in [_count(one.path) if one.path in tiffs else 1]
        for k in range(count)]


def _count(path) -> int:
    """How many pictures a TIFF holds, channels not counted."""
    with suppress(Exception), tifffile.TiffFile(path) as file:  # broken: told of when it is read
        series = file.series[0]
        return math.prod(n for n, axis in zip(series.shape, series.axes, strict=True)
                         if axis not in "YXSC")
    return 1


def _pixels(read):
    return read()[0]
