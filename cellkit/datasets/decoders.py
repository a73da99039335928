"""What decodes image files: tifffile and Pillow, brought to one convention, and torchvision."""

from __future__ import annotations

import io
import logging
import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cellkit.datasets.archives import exists, open_binary
from cellkit.datasets.faults import need, reading

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ASIDE = "%s: pixels are read as they are stored, its %s set aside."
_log = logging.getLogger(__name__)


def decode(path, page=None, stored=False, channel=None) -> np.ndarray:
    """(H, W) or (H, W, channels); ``stored``: the file's numbers, not what they stand for.

    ``channel`` picks a colour, or an image along a TIFF's axis C; ``page`` then counts the others.
    """
    need(isinstance(path, (str, os.PathLike)),
         lambda: f"the path is {path!r:.40}, expected the name of an image file.", TypeError)
    path = Path(path)
    need(exists(path), lambda: (
        f"no image file at {path}; check the name, or download the data set again."
    ), FileNotFoundError)  # fmt: skip
    with reading(path, "a complete TIFF, PNG, BMP or JPEG file"), open_binary(path) as stream:
        tiff = stream.read(4) in _TIFF  # not by the name, which may be wrong
        stream.seek(0)
        if tiff:
            array, channel = _tiff(path, stream, page, stored, channel)
        else:
            array = _pillow(path, stream, page, stored)
    if channel is None:
        return array
    array = array[..., None] if array.ndim == 2 else array
    _check_channel(path, array.shape[2], channel)
    return array[..., channel]


@contextmanager
def hdf5(path, what="a complete HDF5 file") -> Iterator:
    """An open HDF5 file, be it in an archive."""
    import h5py

    # A stream where it lies in an archive; h5py reads its own files faster.
    with reading(path, what):
        with h5py.File(path if path.is_file() else open_binary(path), "r") as file:
            yield file


def page_count(path) -> int:
    """How many pages a TIFF file has."""
    import tifffile

    with reading(path, "a complete TIFF file"), open_binary(path) as stream:
        with tifffile.TiffFile(stream) as file:
            return _pages_of(file)


def is_whole_tiff(path) -> bool:
    """Whether a file is a TIFF that has its pages, and the bytes of all their pixels."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            ends = [
                start + count
                for page in file.pages
                for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)
            ]
    except Exception:  # tifffile has a dozen kinds of its own
        return False
    return 0 < max(ends, default=0) <= Path(path).stat().st_size


def _tiff(path, stream, wanted, stored, channel) -> tuple[np.ndarray, int | None]:
    """The page's numbers, and which of its channels is still to be taken."""
    import tifffile

    with tifffile.TiffFile(stream) as file:
        count = _pages_of(file)
        if count > 1:
            wanted, channel = _plane(path, file.series[0], count, wanted, channel)
        planes = not stored and channel is None and _may_be_slices(file)
        need(wanted is not None or not planes, lambda: (
            f"{path} has 3 planes that may be slices, stains or colours, expected one image; name "
            "the one you want, page=0, or save colours last, (height, width, 3)."
        ))  # fmt: skip
        _check_page(path, 3 if planes else count, wanted)
        if planes:
            wanted, channel = None, wanted
        flat = len(file.pages) == count  # ImageJ writes one page's head, and the others' pixels
        page = file.pages[wanted or 0 if flat else 0].aspage()  # of OME, a frame as yet
        if flat:
            array = _pixels(file, page, wanted)
        else:
            array = file.series[0].asarray().reshape(count, *page.shape)[wanted]
        axes = page.axes if array.ndim > 2 and flat else "YXS"[: array.ndim]
        need(axes in ("YX", "YXS", "SYX"), lambda: (
            f"{path} holds an array with axes {axes} and shape {array.shape}, expected one flat "
            "image; save the slice you want as its own file."
        ))  # fmt: skip
        if axes == "SYX":
            array = np.moveaxis(array, 0, 2)
            if page.photometric == 2 and array.shape[2] == 3 and not stored and channel is None:
                _log.warning("%s: its three planes are read as red, green and blue; if they are "
                             "slices or stains, read one: channel=0, 1 or 2.", path)  # fmt: skip
        if page.photometric == 3 and not stored and array.ndim == 2:
            colours = page.colormap  # of 16 bits; most programs fill only 8
            if any((colours % step == 0).all() for step in (256, 257)):
                colours = (colours >> 8).astype(np.uint8)
            array = np.moveaxis(colours[:, array], 0, 2)
        turn = page.tags.get("Orientation")
        aside = ["orientation"] * bool(turn and turn.value > 1)
        aside += ["white-is-zero"] * (page.photometric == 0 and not stored)
        if aside:
            _log.warning(_ASIDE, path, " and ".join(aside) + (" are" if aside[1:] else " is"))
        return array, channel


def _plane(path, series, count, page, channel) -> tuple[int | None, int | None]:
    """The number of a page of several that ``page`` and ``channel`` mean, and no channel more."""
    sizes = {axis: n for axis, n in zip(series.axes, series.shape, strict=True)
             if axis not in "YXS"}  # fmt: skip
    colours = sizes.get("C", 1)
    if math.prod(sizes.values()) != count or colours == 1 or "S" in series.axes:
        return page, channel
    need(channel is not None or page is not None, lambda: (
        f"{path} has {colours} channels" + (
            f" on each of {count // colours} pages (axes {series.axes}), expected one image; name "
            "both, channel=0, page=0." if count > colours else
            ", expected one image; name the one you want, channel=0."
        )
    ))  # fmt: skip
    if channel is None:
        return page, None
    _check_channel(path, colours, channel)
    _check_page(path, count // colours, page)
    numbers = np.moveaxis(np.arange(count).reshape(*sizes.values()), [*sizes].index("C"), 0)
    return int(numbers[channel].flat[page or 0]), None


def _may_be_slices(file) -> bool:
    """Whether tifffile wrote (3, H, W) with no word on the axes: it calls every such array RGB."""
    page = file.pages[0] if len(file.pages) == 1 else None
    return bool(page) and page.axes == "SYX" and len(page.shape) == 3 and page.shape[0] == 3 and (
        file.is_shaped and '"axes"' not in page.description
    )  # fmt: skip


def _pixels(file, page, wanted) -> np.ndarray:
    """A page's numbers as they are stored.

    tifffile leaves LZW (LIVECell's), JPEG and packed bits to a package that Colab lacks; Pillow
    has them, but makes 8 bits of deep colour and follows tags of its own choice.  So it is given a
    copy in which those tags say nothing.
    """
    from PIL import Image

    mixed = page.photometric in (5, 6, 8)  # CMYK, YCbCr, Lab: Pillow makes them RGB
    try:
        if mixed:
            raise NotImplementedError("colours other than RGB")
        return page.asarray()
    except (ValueError, NotImplementedError) as error:
        if page.samplesperpixel > 1 and page.bitspersample > 8:
            raise
        file.filehandle.seek(0)
        copy = bytearray(file.filehandle.read())
        for name in ("Orientation", "PhotometricInterpretation"):
            tag = page.tags.get(name)
            if tag and tag.count == 1 and (name == "Orientation" or tag.value == 0):
                struct.pack_into(f"{file.byteorder}H", copy, tag.valueoffset, 1)
        try:
            with Image.open(io.BytesIO(copy)) as image:
                image.seek(wanted or 0)
                return np.asarray(image.convert("RGB") if mixed else image)
        except Exception:
            raise error from None  # neither decoder reads it: the first one's reason


def _pages_of(file) -> int:
    if len(file.pages) == 1 and file.is_imagej:
        series = file.series[0]
        return math.prod(n for n, axis in zip(series.shape, series.axes, strict=True)
                         if axis not in "YXS")  # fmt: skip
    return len(file.pages)


def _pillow(path, stream, wanted, stored) -> np.ndarray:
    from PIL import Image

    # A PNG's head: bits a channel, and 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA.
    head = stream.read(26)
    stream.seek(0)
    if head[:4] == b"\x89PNG" and head[24:25] == b"\x10" and head[25] in (2, 4, 6):
        return _deep_png(stream)
    with Image.open(stream) as image:
        _check_page(path, getattr(image, "n_frames", 1), wanted)
        image.seek(wanted or 0)
        if image.getexif().get(274, 1) > 1:
            _log.warning(_ASIDE, path, "orientation is")
        if image.mode in ("P", "PA") and not stored:
            image = image.convert("RGBA")
        elif image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
            image = image.convert("RGB")
        return np.asarray(image)


def _deep_png(stream) -> np.ndarray:
    """16 bits of several channels, of which Pillow keeps 8."""
    import torch
    from PIL import Image
    from torchvision.io import ImageReadMode, decode_png

    data = stream.read()
    # torchvision ends the whole process at some damaged files; Pillow only complains.
    with Image.open(io.BytesIO(data)) as image:
        image.verify()
    with Image.open(io.BytesIO(data)) as image:
        image.load()
    data = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return np.moveaxis(decode_png(data, ImageReadMode.UNCHANGED).numpy(), 0, 2)


def _check_page(path, count, wanted):
    need(count, lambda: f"{path} holds no image, expected one page; copy or download it again.")
    need(wanted is not None or count == 1, lambda: (
        f"{path} has {count} pages, expected one image; name the one you want, page=0, or save it "
        "as its own file."
    ))  # fmt: skip
    need(wanted is None or 0 <= wanted < count,
         lambda: f"{path} has {count} pages, expected one of number {wanted} (from 0).")


def _check_channel(path, count, wanted):
    need(isinstance(wanted, int) and 0 <= wanted < count, lambda: (
        f"{path}: the image has {count} channels, expected one of number {wanted} (from 0)."
    ))  # fmt: skip
