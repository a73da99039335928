"""Drawn cells as other tools save them: Cellpose, ImageJ and Fiji, QuPath, ilastik.

What holds a label map (``_seg.npy``, HDF5) is read as it is, what holds outlines is painted by
:func:`cellkit.annotations.label_map`.  COCO files see :mod:`cellkit.datasets.coco_folder`.
"""

from __future__ import annotations

import json
import logging
import pickle
import zipfile
from pathlib import Path

import numpy as np

from cellkit.annotations import joined, label_map
from cellkit.datasets.archives import open_binary
from cellkit.datasets.decoders import hdf5, page_count
from cellkit.datasets.faults import Unfit, naming, need, reading
from cellkit.datasets.images import SUFFIXES, read_labels, to_labels

_log = logging.getLogger(__name__)


def read_drawn(path, shape, kind="auto", categories=None, page=None) -> np.ndarray:
    """The cells in a picture, or in a file with one of :data:`READERS`' suffixes: int32 (H, W).

    Outlines are painted on ``shape``, the image's; the rest as for
    :func:`cellkit.datasets.folder.samples`.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        several = suffix.startswith(".tif") and page is not None and page_count(path) > 1
        return read_labels(path, page if several else None, kind, categories)
    found = READERS[suffix](path, categories, page)
    with naming(path):
        if isinstance(found, list):
            return label_map(found, shape)
        array, cells = found
        return to_labels(array, "cells" if cells else kind, categories=categories)


# ---------------------------------------------------------------- Cellpose


class _Kind:
    """Stands for numpy.dtype, of which a pickle could make one that lies about memory."""

    def __init__(self, text="", *_):
        self.dtype = np.dtype(str(text))
        need(self.dtype.kind in "biufcSUO", f"asks for arrays of {text}")

    def __setstate__(self, state):
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Stands for numpy.ndarray; ``value`` is the array, or what an array of objects holds."""

    def __setstate__(self, state):
        _, shape, kind, columns, data = state
        self.fill(data, kind, shape, "F" if columns else "C")

    def fill(self, data, kind, shape, order):
        if kind.dtype.kind == "O":
            self.value = data[0] if len(data) == 1 else data
        else:
            data = data.encode("latin1") if isinstance(data, str) else data
            self.value = np.frombuffer(data, kind.dtype).reshape(shape, order=order)
        return self


class _PlainUnpickler(pickle.Unpickler):
    """Builds arrays of numbers and plain values; nothing else that a pickle names is called."""

    known = {
        "numpy.ndarray": _Array,
        "numpy.dtype": _Kind,
        "numpy.core.multiarray._reconstruct": lambda *_: _Array(),
        "numpy.core.multiarray.scalar": lambda *_: None,
        "numpy.core.numeric._frombuffer": lambda *given: _Array().fill(*given),
        "_codecs.encode": lambda text, *_: text.encode("latin1"),
    }

    def find_class(self, module, name):
        full = f"{module}.{name}".replace("numpy._core", "numpy.core")
        if module.startswith("pathlib"):  # the picture's name
            return lambda *parts: "/".join(map(str, parts))
        need(full in self.known, f"asks for {full}")
        return self.known[full]


def _numpy(path, categories, page):
    """Cellpose's ``_seg.npy``, a pickled dictionary with "masks", or a plain array."""
    head = np.lib.format
    with reading(path, "a complete Cellpose or numpy file"), open_binary(path) as stream:
        first = head.read_magic(stream) == (1, 0)
        _, _, kind = (head.read_array_header_1_0 if first else head.read_array_header_2_0)(stream)
        if not kind.hasobject:
            stream.seek(0)
            return _flat(path, np.load(stream, allow_pickle=False), page), False
        try:
            found = _PlainUnpickler(stream, encoding="latin1").load()
        except Unfit as error:
            raise Unfit(
                f"{path} {error}, expected arrays of numbers and plain values only, and nothing in "
                "it was run; in Cellpose, save the masks as PNG or TIFF (_cp_masks)."
            ) from None
        found = getattr(found, "value", found)
        masks = found.get("masks") if isinstance(found, dict) else None
    need(isinstance(masks, _Array) and isinstance(masks.value, np.ndarray), lambda: (
        f"{path} holds {'no masks' if isinstance(found, dict) else type(found).__name__}, "
        "expected the dictionary that Cellpose saves; in Cellpose, save the masks as PNG or TIFF."
    ))  # fmt: skip
    return _flat(path, masks.value, page), True


def _flat(path, array, page):
    """(H, W) of (1, H, W), (H, W, 1) or the asked one of (pages, H, W)."""
    array = array.squeeze() if array.ndim > 2 else array
    if array.ndim == 3 and page is not None:
        need(page < len(array), f"{path} has {len(array)} pages, expected one of number {page}.")
        array = array[page]
    need(array.ndim == 2, lambda: (
        f"{path} holds labels of shape {array.shape}, expected (height, width); name the slice you "
        "want, page=0, or save it as its own file."
    ))  # fmt: skip
    return array


# ---------------------------------------------------------------- ilastik


def _hdf5(path, categories, page):
    """ilastik's exports: "Simple Segmentation" (classes), "Object Identities" (cell numbers)."""
    with hdf5(path, "a complete ilastik HDF5 file") as file:
        every: list[str] = []
        file.visit(every.append)
        there = [name for name in every if getattr(file[name], "ndim", 0) > 1]
        key = next((k for k in there if k == "exported_data"), there[0] if len(there) == 1 else "")
        need(key, lambda: (
            f"{path} holds {', '.join(there[:8]) or 'no picture'}, expected exported_data or one "
            "data set alone, as ilastik writes it; export the labels anew, or save them as TIFF."
        ))  # fmt: skip
        array = file[key][()]
        tags = json.loads(file[key].attrs.get("axistags", '{"axes": []}'))["axes"]
    axes = "".join(axis.get("key", "") for axis in tags)
    need(array.dtype.kind != "f" or (array == np.rint(array)).all(), lambda: (
        f"{path} holds fractions such as ilastik's probabilities, expected labels; export Simple "
        "Segmentation or Object Identities."
    ))  # fmt: skip
    if len(axes) == array.ndim and {"x", "y"} <= set(axes):  # whichever way they were exported
        array = np.moveaxis(array, (axes.index("y"), axes.index("x")), (-2, -1))
    return _flat(path, array, page), "Identities" in path.name


# ---------------------------------------------------------------- outlines


def _imagej(path, categories, page) -> list:
    """ROIs of ImageJ's manager, one or a zip of them, as COCO polygons."""
    try:
        from roifile import ROI_TYPE, ImagejRoi
    except ImportError:
        raise Unfit(
            f"{path} holds ImageJ outlines, for which the package roifile is needed and not "
            "installed; pip install roifile, or in Fiji save a label image (LabelsFromROIs)."
        ) from None
    files = [path]
    if path.suffix.lower() == ".zip":
        with reading(path, "a complete ImageJ ROI file"), zipfile.ZipFile(path) as packed:
            files = [path / name.replace("\\", "/") for name in packed.namelist()  # in its order
                     if name.lower().endswith(".roi")]  # fmt: skip
    outlines, left = [], 0
    for file in files:
        with reading(file, "a complete ImageJ ROI file"), open_binary(file) as stream:
            roi = ImagejRoi.frombytes(stream.read())
            area = roi.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.RECT, ROI_TYPE.OVAL,
                                   ROI_TYPE.FREEHAND, ROI_TYPE.TRACED)  # fmt: skip
            rings = [ring for ring in roi.coordinates(multi=True) if len(ring) > 2]
            at = roi.position or roi.z_position or roi.t_position  # from 1; 0: on every page
            if page is not None and at and at != page + 1:
                continue
            if area and rings:
                outlines.append([joined([np.float64(ring) for ring in rings])])
            else:
                left += 1
    _tell(path, left, "lines, points or empty")
    return outlines


def _geojson(path, categories, page) -> list:
    """QuPath's objects as COCO polygons; of an image with cells, the regions around are none."""
    with reading(path, "a complete QuPath GeoJSON file"), open_binary(path) as stream:
        found = json.load(stream)
        found = found if isinstance(found, list) else found.get("features", [found])
        objects = [(one["geometry"], one.get("properties") or {}) for one in found]
        kinds = [p.get("objectType", p.get("object_type")) in ("cell", "detection")
                 for _, p in objects]  # fmt: skip
        if categories is not None:
            known = [_classes(properties) for _, properties in objects]
            kept = [one for one, own in zip(objects, known, strict=True) if own & {*categories}]
            if objects and not kept:
                _log.warning("%s has no %s among its %d objects (%s), so no cell.", path,
                             " or ".join(map(str, categories)), len(objects),
                             ", ".join(sorted(set().union(*known))) or "without class")
        else:
            kept = [one for one, cell in zip(objects, kinds, strict=True)
                    if cell or not any(kinds)]  # fmt: skip
            _tell(path, len(objects) - len(kept), "regions around the cells in it (categories= "
                  "chooses by class)")  # fmt: skip
        outlines, left = [], 0
        for geometry, _ in kept:
            parts = {"Polygon": lambda c: [c], "MultiPolygon": list}.get(geometry["type"])
            if parts:
                outlines.append([joined([np.float64(ring)[:, :2] for ring in rings])
                                 for rings in parts(geometry["coordinates"])])
            else:
                left += 1
    _tell(path, left, "lines or points")
    return outlines


def _classes(properties) -> set[str]:
    said = properties.get("classification") or {}
    said = {"name": said} if isinstance(said, str) else said
    return {*said.get("names", ()), said.get("name")} - {None}


def _tell(path, count, what):
    if count:
        _log.warning("%s: %d of its objects are %s, and are left out.", path, count, what)


#: suffix -> what reads it: COCO polygons (a list), or an array and whether it holds cell numbers.
READERS = {
    ".npy": _numpy, ".zip": _imagej, ".roi": _imagej, ".geojson": _geojson,
    ".h5": _hdf5, ".hdf5": _hdf5,
}  # fmt: skip
