"""The reader's own picture: from a path, an upload or an array to samples."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np

from cellkit.datasets import bundled, read, read_image, scale_image
from cellkit.degradation import shrink
from cellkit.samples import Sample, Samples

#: Longest side that an explorer takes as it is; beyond, slow answers would teach nothing more.
LARGEST = 1024
YOURS = "your picture"


class Shelf:
    """The pictures of an explorer: those it was given, and behind them the reader's own."""

    def __init__(self, samples):
        self.given, note = rows(samples)
        self.own, self.notes = [], [note] + [""] * (len(self.given) - 1)

    def __len__(self):
        return len(self.notes)

    def __getitem__(self, number: int) -> Sample:
        given = len(self.given)
        return self.given[number] if number < given else self.own[number - given]

    def add(self, data: bytes) -> tuple[str, int]:
        """Take an uploaded file: what the new picture is called, and its number."""
        image, note = prepared(opened(data))
        name = f"{YOURS} {len(self.own) + 1}" if self.own else YOURS
        self.own.append(Sample(image, None, name))
        self.notes.append(note)
        return name, len(self.notes) - 1

    def note(self, controls) -> str:
        """What was done to the picture that is chosen, before it was shown."""
        return self.notes[controls["image"].value if "image" in controls else 0]


class Parcel:
    """A file that comes in pieces: messages from a browser may not be as large as a picture."""

    def __init__(self):
        self.pieces = []

    def add(self, piece: dict) -> bytes | None:
        """The next piece, "part" of "parts", its "data" in base 64; with the last one, the file."""
        if piece["part"] == 0:
            self.pieces.clear()
        self.pieces.append(base64.b64decode(piece["data"]))
        if piece["part"] + 1 < piece["parts"]:
            return None
        whole, self.pieces = b"".join(self.pieces), []
        return whole


def rows(samples) -> tuple[Samples, str]:
    """What an explorer was given, as samples; and a sentence where it was changed on the way.

    Parameters
    ----------
    samples : Sample, sequence of Sample, array, path, uploaded file or None
        An array is one picture: uint8, uint16 or float, (H, W), (H, W, 3) or (H, W, 4), of which
        the last channel is dropped.  None: the bundled test images.

    Returns
    -------
    samples : Samples
    note : str
    """
    if samples is None:
        samples = read("livecell", root=bundled("livecell"), split="test")
    elif isinstance(samples, (str, os.PathLike)):
        samples = read_image(samples)
    elif uploaded(samples) is not None:
        samples = opened(uploaded(samples))
    note = ""
    if isinstance(samples, np.ndarray):
        image, note = prepared(samples)
        samples = Sample(image, None, YOURS)
    if isinstance(samples, Sample):
        samples = [samples]
    return Samples.some(samples).cached(), note


def prepared(array: np.ndarray) -> tuple[np.ndarray, str]:
    """One picture as networks take it, float32 in [0, 1], and what was done to it."""
    array = np.squeeze(array) if array.ndim > 3 or array.shape[-1:] == (1,) else array
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ValueError(
            f"the picture has shape {array.shape}, expected (H, W), (H, W, 3) or (H, W, 4); of a "
            "stack take one slice, of many channels one or three."
        )
    said = []
    if array.ndim == 3 and array.shape[2] == 4:
        array = array[..., :3]
        said.append("its transparency was dropped")
    outside = array.dtype.kind == "f" and not (array.min() >= 0 and array.max() <= 1)
    image = scale_image(array, "minmax" if outside else "depth")
    if image.ndim == 3 and np.ptp(image, axis=2).max() < 1e-6:
        image = image[..., 0].copy()
    longest = max(image.shape[:2])
    if longest > LARGEST:
        before = image.shape[1::-1]
        image = shrink(image, LARGEST / longest)
        said.append(f"it was shrunk from {before[0]} × {before[1]} to {image.shape[1]} × "
                    f"{image.shape[0]} pixels, so that answers come quickly")
    return image, f"Your picture is large: {said[-1]}." if longest > LARGEST else (
        f"Your picture: {said[0]}." if said else "")


def uploaded(value) -> bytes | None:
    """The first file's bytes of ``FileUpload.value`` (ipywidgets 7 or 8), or bytes themselves."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, Mapping):  # ipywidgets 7: name -> {"metadata", "content"}
        value = tuple(value.values())
    first = value[0] if isinstance(value, (tuple, list)) and value else None
    if isinstance(first, Mapping) and "content" in first:
        return bytes(first["content"])
    return None


def opened(data: bytes) -> np.ndarray:
    """The pixels of an uploaded file, by the readers that a path would meet."""
    import tempfile
    from pathlib import Path

    from PIL import Image

    try:
        kind = (Image.open(io.BytesIO(data)).format or "tiff").lower()
    except OSError:
        kind = "tiff"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"upload.{kind}")
        path.write_bytes(data)
        try:
            return read_image(path)
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), "the uploaded file")) from None


def choose_image(found: Shelf) -> dict:
    """The control for the image; a browser shows it where there are several."""
    names = enumerate(found.given.names)
    return {"image": widgets.Dropdown(options=[(name, i) for i, name in names], value=0,
                                      description="picture")}


def called(sample: Sample) -> str:
    """A sample's name with its data set, as titles say it."""
    if sample.name.startswith(YOURS):
        return sample.name
    return f"{sample.dataset or 'image'} {sample.name}".strip()
