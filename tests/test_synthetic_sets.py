"""The bundled tiny sets are what our code draws, and have the oddities that they claim."""

from __future__ import annotations

import zipfile

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

import cellkit as ck
from cellkit.datasets import bundled
from experiments import tiny_sets

SETS = list(tiny_sets.WRITERS)


@pytest.mark.parametrize("name", SETS)
def test_the_bundled_set_is_drawn_again(name, tmp_path):
    folder = tmp_path / f"{name}_tiny"
    tiny_sets.WRITERS[name](folder)
    drawn, there = ck.read(name, folder), ck.read(name, bundled(name))
    assert (drawn.names, drawn.groups, drawn.cell_types) == (
        there.names, there.groups, there.cell_types
    )  # fmt: skip
    for one, other in zip(drawn, there, strict=True):
        # Another processor may round a grey value or an edge pixel the other way.
        assert np.abs(one.image - other.image).mean() < 0.002
        assert ((one.labels > 0) == (other.labels > 0)).mean() > 0.999
    written = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert written | {"README.md"} == {
        p.relative_to(bundled(name)).as_posix() for p in bundled(name).rglob("*") if p.is_file()
    }


@pytest.mark.parametrize("name", SETS)
def test_the_bundled_set_is_small_and_says_that_it_is_synthetic(name):
    assert sum(p.stat().st_size for p in bundled(name).rglob("*")) < 500_000
    told = (bundled(name) / "README.md").read_text(encoding="utf-8")
    assert "**These pictures are synthetic.**" in told and "CC0" in told
    assert len(told.splitlines()) > 15


def test_dsb2018_is_rgba_with_a_file_for_each_nucleus_and_overlaps():
    with zipfile.ZipFile(bundled("dsb2018") / "stage1_train.zip") as archive:
        pictures = [name for name in archive.namelist() if "/images/" in name]
        for name in pictures:
            with archive.open(name) as stream:
                assert Image.open(stream).mode == "RGBA"
        masks = [name for name in archive.namelist() if "/masks/" in name]
        values = set()
        for name in masks[::10]:
            with archive.open(name) as stream:
                values |= set(np.unique(np.asarray(Image.open(stream))).tolist())
        assert values == {0, 255} and len(masks) > 10 * len(pictures)


def test_glas_has_numbers_that_look_black_and_a_lumen_inside_its_gland():
    for path in bundled("glas").glob("*_anno.*"):
        labels = np.asarray(Image.open(path))
        assert labels.dtype == np.uint8 and 1 < labels.max() < 20
    image, labels = tiny_sets.glands(seed=1)
    bright = image.min(axis=2) > 215
    assert (labels[bright] > 0).mean() > 0.8, "the lumen is white and in the gland"


def test_epfl_masks_have_greys_and_one_is_rgba():
    modes, greys = set(), 0
    for path in (bundled("epfl") / "Train_Out").iterdir():
        with Image.open(path) as mask:
            modes.add(mask.mode)
            values = np.asarray(mask.convert("L"))
        greys += np.count_nonzero((values > 0) & (values < 255))
    assert modes == {"L", "RGBA"} and greys > 1000


def test_isbi2012_is_hdf5_and_snemi3d_tiff_with_sixteen_bit_neurons():
    with h5py.File(bundled("isbi2012") / "isbi.h5") as file:
        assert file["raw"].shape == file["labels/membranes"].shape == (12, 128, 128)
        assert set(np.unique(file["labels/membranes"])) == {0, 255}
    neurons = tifffile.imread(bundled("snemi3d") / "train-labels.tif")
    assert neurons.dtype == np.uint16 and neurons.max() > 255
    assert len(np.intersect1d(neurons[0], neurons[3])) > 20, "neurons run through the slices"


@pytest.mark.parametrize("kind", ["fluorescence", "stained", "brightfield"])
def test_nuclei_are_where_the_masks_say(kind):
    image, masks = tiny_sets.nuclei(kind, (96, 128), seed=5)
    grey = image.mean(axis=2) if image.ndim == 3 else image.astype(float)
    inside = masks.any(axis=0)
    difference = grey[inside].mean() - grey[~inside].mean()
    assert difference > 30 if kind == "fluorescence" else difference < -15
    again, _ = tiny_sets.nuclei(kind, (96, 128), seed=5)
    np.testing.assert_array_equal(image, again)
    small, masks = tiny_sets.nuclei(kind, (32, 32))
    assert small.shape[:2] == masks.shape[1:] == (32, 32) and len(masks) == 1
    assert tiny_sets.deep_nuclei((32, 32))[0].shape == (32, 32)
    with pytest.raises(ValueError, match="kind is 'glow'"):
        tiny_sets.nuclei("glow")
