"""A folder of pictures to masks, labels and tables: measured by hand, stopped, broken, large."""

from __future__ import annotations

import csv
import importlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from skimage.draw import disk, ellipse
from torch import nn

import cellkit as ck
from cellkit.command import main
from cellkit.segmentation import choice, outputs
from cellkit.segmentation.cells import empty_area, find

ROOT = Path(__file__).resolve().parent.parent


class Bright(nn.Module):
    """Says that what is brighter than most is a cell."""

    head = "foreground"
    config = {"in_channels": 1, "normalise": "standard"}

    def __init__(self):
        super().__init__()
        self.steep = nn.Parameter(torch.tensor(20.0))

    def forward(self, x):
        return self.steep * (x - 1)


def picture(count, shape=(64, 80), seed=0):
    """Bright disks that do not touch, on grey, as 8 bits; and their labels."""
    rng, labels = np.random.default_rng(seed), np.zeros(shape, np.int32)
    free = [(y, x) for y in range(9, shape[0] - 8, 18) for x in range(9, shape[1] - 8, 18)]
    for k, at in enumerate(rng.permutation(len(free))[:count], 1):
        labels[disk(free[at], 3 + k % 4)] = k
    return (100 + 120 * (labels > 0) + rng.integers(0, 9, shape)).astype(np.uint8), labels


@pytest.fixture
def folder(tmp_path):
    """Four pictures, t00 to t03, of 3, 4, 5 and 6 cells."""
    place = tmp_path / "pictures"
    place.mkdir()
    for k in range(4):
        Image.fromarray(picture(3 + k, seed=k)[0]).save(place / f"t{k:02}.png")
    return place


CARD = {"data": [], "metrics": {}, "minutes": 0, "command": ""}


@pytest.fixture
def stored(tmp_path):
    return ck.weights.save_weights(ck.UNet(width=2, depth=1), tmp_path / "net.safetensors", CARD)


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contents(place):
    """Every file of an output folder, hidden ones left out."""
    return {path.relative_to(place).as_posix(): path.read_bytes()
            for path in sorted(place.rglob("*"))
            if path.is_file() and not path.relative_to(place).parts[0].startswith(".")}


# The table ---------------------------------------------------------------------------------------


def test_a_table_holds_what_was_counted_by_hand():
    labels, grey = np.zeros((20, 30), int), np.arange(600).reshape(20, 30)
    labels[4:8, 5:15], labels[10:20, 20:22] = 3, 9
    table = ck.measure(labels, grey.astype(np.uint16), pixel_size=0.5)
    assert {name: values.tolist() for name, values in table.items()} == {
        "cell": [3, 9], "y_px": [5.5, 14.5], "x_px": [9.5, 20.5], "area_px": [40, 20],
        "perimeter_px": [24, 20], "solidity": [1, 1], "edge": [0, 1],
        "mean_grey": [grey[4:8, 5:15].mean(), grey[10:20, 20:22].mean()],
        "y_um": [2.75, 7.25], "x_um": [4.75, 10.25], "perimeter_um": [12, 10],
        "area_um2": [10, 5]}


def test_grey_of_a_colour_picture_is_its_brightness():
    labels = np.zeros((6, 6), int)
    labels[1:3, 1:3] = 1
    picture = np.zeros((6, 6, 3), np.uint8)
    picture[1:3, 1:3] = 100, 50, 10
    assert ck.measure(labels, picture)["mean_grey"] == pytest.approx([29.9 + 29.35 + 1.14])


def test_without_cells_there_are_no_rows():
    table = ck.measure(np.zeros((5, 5), int), pixel_size=2)
    assert all(len(values) == 0 for values in table.values()) and "area_um2" in table


@pytest.mark.parametrize("labels, more, words", [
    (np.zeros((4, 4)), {}, "float64"),
    (np.zeros((4, 4), int), {"image": np.zeros((4, 5))}, "expected the same"),
    (np.zeros((4, 4), int), {"pixel_size": 0}, "side of a pixel"),
])
def test_what_cannot_be_measured_is_named(labels, more, words):
    with pytest.raises((ValueError, TypeError), match=words):
        ck.measure(labels, **more)


# One call ----------------------------------------------------------------------------------------


def test_it_finds_what_the_lessons_find(folder):
    net = Bright()
    for one in ck.segment(folder, net, method="watershed", threshold=0.6, progress=False):
        image = ck.datasets.read_image(folder / f"{one.name}.png")
        by_hand = ck.instances(ck.predict(net, image), "watershed", threshold=0.6)
        np.testing.assert_array_equal(one.labels, by_hand)
        assert one.summary["cells"] == by_hand.max() == len(one.table["cell"])
        assert one.summary["confluence"] == (by_hand > 0).mean()


def test_what_is_written_opens_elsewhere(folder, tmp_path):
    out = tmp_path / "out"
    found = ck.segment(folder, Bright(), out, pixel_size=0.5, hours=2, progress=False)
    assert [len(set(picture(3 + k, seed=k)[1].flat)) - 1 for k in range(4)] == [
        one.summary["cells"] for one in found] == [3, 4, 5, 6]
    with tifffile.TiffFile(out / "labels" / "t02.tif") as file:
        assert file.is_imagej and file.imagej_metadata["unit"] == "um"
        assert file.imagej_metadata["Labels"] == "t02"
        assert file.pages[0].tags["XResolution"].value == (2, 1)
        assert file.asarray().dtype == np.uint16
        np.testing.assert_array_equal(file.asarray(), found[2].labels)
    mask = np.asarray(Image.open(out / "masks" / "t02.png"))
    np.testing.assert_array_equal(mask, 255 * found[2].mask.astype(np.uint8))
    shown = np.asarray(Image.open(out / "overlays" / "t02.png"))
    np.testing.assert_array_equal((shown == (240, 228, 66)).all(2),
                                  ck.annotations.outline(found[2].labels))
    cells, images = rows(out / "cells.csv"), rows(out / "images.csv")
    assert [row["image"] for row in cells] == [n for k in range(4) for n in [f"t{k:02}"] * (3 + k)]
    by_hand = ck.measure(found[0].labels, np.asarray(Image.open(folder / "t00.png")), 0.5)
    for name, values in by_hand.items():
        assert [float(row[name]) for row in cells[:3]] == pytest.approx(values, abs=6e-5)
    assert [float(row["hours"]) for row in images] == [0, 2, 4, 6]
    assert [float(row["confluence"]) for row in images] == pytest.approx(
        [one.mask.mean() for one in found], abs=6e-5)


def test_more_cells_than_imagej_counts_are_kept(tmp_path):
    labels = np.zeros((300, 300), np.int32)
    labels.flat[:70_000] = np.arange(1, 70_001)
    outputs.write_labels(tmp_path / "many.tif", labels, "many", 0.5)
    with tifffile.TiffFile(tmp_path / "many.tif") as file:
        np.testing.assert_array_equal(file.asarray(), labels)
        assert 'PhysicalSizeX="0.5"' in file.ome_metadata
        assert 'PhysicalSizeXUnit="µm"' in file.ome_metadata and 'Name="many"' in file.ome_metadata


def test_grey_values_are_those_of_the_file(tmp_path):
    pixels, labels = picture(3)
    tifffile.imwrite(tmp_path / "deep.tif", pixels.astype(np.uint16) * 7)
    [found] = ck.segment(tmp_path / "deep.tif", Bright(), progress=False)
    assert found.table["mean_grey"] == pytest.approx(
        [7 * pixels[found.labels == k].mean() for k in found.table["cell"]])


@pytest.mark.parametrize("name, every, hours", [
    ("A172_Phase_A7_1_01d04h30m_2", None, 28.5), ("well_A1_t007", 0.5, 3.5),
    ("012", 2, 24), ("nothing", 3, 15), ("nothing", None, None), ("t003_raw", 1, 3),
])
def test_hours_are_told_by_the_name(name, every, hours):
    assert ck.segmentation.measurement.hours_of(name, 5, every) == hours


def test_folders_arrays_and_samples_are_taken_alike(folder):
    image = ck.datasets.read_image(folder / "t01.png")
    sample = ck.Sample(image, None, "t01")
    counts = {repr(kind)[:30]: [one.summary["cells"] for one in
                                ck.segment(kind, Bright(), progress=False)]
              for kind in (image, sample, [image, sample], ck.Samples.of([sample]),
                           folder / "t01.png", [folder / "t01.png", str(folder / "t00.png")])}
    assert [set(count) for count in counts.values()] == [{4}] * 5 + [{3, 4}]


def test_a_stack_is_a_series(tmp_path):
    frames = np.stack([picture(k, seed=k)[0] for k in (3, 5, 7)])
    tifffile.imwrite(tmp_path / "well.tif", frames, imagej=True, metadata={"axes": "TYX"})
    found = ck.segment(tmp_path, Bright(), hours=0.5, progress=False)
    assert [(one.name, one.summary["cells"], one.summary["hours"]) for one in found] == [
        ("well_t000", 3, 0), ("well_t001", 5, 0.5), ("well_t002", 7, 1)]
    [one] = ck.segment(tmp_path, Bright(), page=1, progress=False)
    assert (one.name, one.summary["cells"]) == ("well", 5)
    tifffile.imwrite(tmp_path / "well.tif", np.stack([frames, frames[:, ::-1]], 1), imagej=True,
                     metadata={"axes": "TCYX"})
    found = ck.segment(tmp_path / "well.tif", Bright(), channel=1, progress=False)
    assert [one.summary["cells"] for one in found] == [3, 5, 7]


# Stopped, broken, again --------------------------------------------------------------------------


def test_a_run_that_was_stopped_goes_on(folder, tmp_path, monkeypatch, capsys):
    whole = ck.segment(folder, Bright(), tmp_path / "whole", progress=False)
    write, out = outputs.Store.write, tmp_path / "out"

    def stop(self, found, *rest):
        if found.name == "t02":
            raise KeyboardInterrupt
        return write(self, found, *rest)

    monkeypatch.setattr(outputs.Store, "write", stop)
    part = ck.segment(folder, Bright(), out, progress=False)
    assert part.stopped and [one.name for one in part] == ["t00", "t01"]
    assert "2 of 4" in capsys.readouterr().err and len(rows(out / "images.csv")) == 2
    asked = []
    monkeypatch.setattr(outputs.Store, "write", lambda self, found, *rest: asked.append(
        found.name) or write(self, found, *rest))
    rest = ck.segment(folder, Bright(), out, progress=False)
    assert asked == ["t02", "t03"] and not rest.stopped and len(rest) == len(whole)
    assert contents(out) == contents(tmp_path / "whole")
    assert not list(out.rglob("*.part"))


def test_a_picture_that_changed_is_done_again_and_new_ones_too(folder, tmp_path):
    ck.segment(folder, Bright(), tmp_path / "out", progress=False)
    Image.fromarray(picture(2, seed=9)[0]).save(folder / "t00.png")
    Image.fromarray(picture(7, seed=8)[0]).save(folder / "t04.png")
    found = ck.segment(folder, Bright(), tmp_path / "out", progress=False)
    assert [one.summary["cells"] for one in found] == [2, 4, 5, 6, 7]


def test_an_array_that_is_another_one_is_no_old_result(tmp_path):
    for count in (3, 5):
        [found] = ck.segment(picture(count)[0], Bright(), tmp_path / "out", progress=False)
        assert found.summary["cells"] == count


def test_a_network_that_was_trained_anew_is_another_setting(folder, tmp_path, stored):
    ck.segment(folder, stored, tmp_path / "out", progress=False)
    ck.weights.save_weights(ck.UNet(width=3, depth=1), stored, CARD)
    with pytest.raises(ValueError, match="weights was"):
        ck.segment(folder, stored, tmp_path / "out", progress=False)


def test_other_settings_are_refused_in_a_sentence(folder, tmp_path):
    ck.segment(folder, Bright(), tmp_path / "out", progress=False)
    with pytest.raises(ValueError, match="threshold was None, now 0.4.*again"):
        ck.segment(folder, Bright(), tmp_path / "out", threshold=0.4, progress=False)
    again = ck.segment(folder, Bright(), tmp_path / "out", threshold=0.4, again=True,
                       progress=False)
    assert len(again) == 4


def test_a_broken_file_is_told_of_and_the_rest_is_done(folder, tmp_path):
    (folder / "t01.png").write_text("no picture")
    with pytest.warns(UserWarning, match="1 of 4 pictures[^.]*\nt01: "):
        found = ck.segment(folder, Bright(), tmp_path / "out", progress=False)
    assert [one.name for one in found] == ["t00", "t02", "t03"] and list(found.failed) == ["t01"]
    told = rows(tmp_path / "out" / "images.csv")
    assert told[-1]["image"] == "t01" and "t01.png" in told[-1]["problem"]
    for name in ("t00.png", "t02.png", "t03.png"):
        (folder / name).unlink()
    with pytest.raises(ValueError, match="none of 1 picture.*t01.png"):
        ck.segment(folder, Bright(), progress=False)


def test_results_beside_the_pictures_are_no_pictures(folder):
    for _ in range(2):
        found = ck.segment(folder, Bright(), folder / "out", progress=False)
        assert [one.name for one in found] == ["t00", "t01", "t02", "t03"]


def test_labelled_and_unlabelled_pictures_are_all_segmented(folder):
    Image.fromarray(picture(3)[1].astype(np.uint8)).save(folder / "t00_mask.png")
    assert len(ck.segment(folder, Bright(), progress=False)) == 4


@pytest.mark.parametrize("images, settings, words", [
    ("nowhere", {}, "nothing is at"), ([], {}, "expected a folder"), ([3], {}, r"images\[0\]"),
    (np.zeros((9, 9)), {"workers": 0}, "workers"), (np.zeros((9, 9)), {"network": "none"}, "none"),
    (np.zeros((9, 9)), {"network": "livecell-sr"}, "finds no cells"),
    (np.zeros((9, 9)), {"network": Bright(), "max_eror": 1}, "max_eror"),
    (np.zeros((9, 9)), {"network": Bright(), "method": "flow"}, "flow_y"),
])
def test_what_cannot_be_done_is_named(images, settings, words):
    with pytest.raises((ValueError, TypeError, OSError), match=words):
        ck.segment(images, progress=False, **settings)


# Large pictures and mosaics ----------------------------------------------------------------------


def test_blocks_find_what_the_whole_finds():
    pixels, _ = picture(60, (400, 500))
    image = ck.datasets.scale_image(pixels)
    whole, doubt, lit = find(Bright(), image, "watershed")
    parts, doubts, _ = find(Bright(), image, "watershed", block=150)
    assert whole.max() == 60 and lit == 1
    assert parts.max() == 60 and ck.average_precision(whole, parts, [0.99]) == [1]
    np.testing.assert_allclose(sorted(doubts), sorted(doubt), atol=1e-4)


def test_cells_are_as_large_in_the_picture_at_whatever_scale():
    labels = np.zeros((240, 320), np.int32)
    for k, (y, x) in enumerate([(60, 60), (60, 200), (160, 120), (170, 260)], 1):
        labels[ellipse(y, x, 30, 40)] = k
    image = (0.4 + 0.4 * (labels > 0)).astype(np.float32)
    for scale in (0.25, 0.5, 2):
        found = find(Bright(), image, "components", scale)[0]
        assert found.shape == labels.shape
        assert ck.average_precision(labels, found, [0.9]) == [1]


def test_an_empty_margin_is_no_background():
    pixels, labels = picture(30, (300, 300))
    mosaic, truth = np.zeros((300, 700), np.uint8), np.zeros((300, 700), np.int32)
    mosaic[:, :300], truth[:, :300] = pixels, labels
    [alone] = ck.segment(pixels, Bright(), progress=False)
    [found] = ck.segment(mosaic, Bright(), progress=False)
    np.testing.assert_array_equal(found.labels[:, :300], alone.labels)
    assert not found.labels[:, 300:].any()
    assert found.summary["confluence"] == pytest.approx(alone.summary["confluence"], abs=1e-3)


def test_a_dark_ground_is_no_margin():
    night = np.where(picture(5)[1] > 0, 0.7, 0).astype(np.float32)
    night[picture(5)[1] == 0] = np.random.default_rng(0).choice([0, 0, 0, 1 / 255], size=(
        night.size - np.count_nonzero(picture(5)[1])))
    assert empty_area(night) is None


# Choosing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, network", [
    ("livecell", "livecell-objects"), ("dsb2018", "maskrcnn-light"), ("glas", "glas")])
def test_a_network_is_chosen_that_knows_such_pictures(name, network):
    votes = [choice.choose(sample.image) for sample in ck.read(name)[::5]]
    assert {(one.network, one.fits) for one in votes} == {(network, True)}


def test_pictures_of_several_kinds_get_a_network_each():
    several = [ck.read(name)[0].image[:128, :128] for name in ("livecell", "glas")]
    found = ck.segment(several, progress=False)
    assert [one.summary["network"] for one in found] == ["livecell-objects", "glas"]
    assert "of several kinds" in found.words


def test_pictures_that_no_network_knows_are_said_to_be_so():
    votes = [choice.choose(sample.image) for sample in ck.read("epfl")]
    assert not any(one.fits for one in votes)
    [found] = ck.segment(ck.read("epfl")[0].image[:200, :200], progress=False)
    assert found.summary["trust"] == "low" and "unlike every bundled" in found.summary["why"]


# Many workers ------------------------------------------------------------------------------------


def test_a_lost_worker_costs_nothing(folder, tmp_path):
    distributed = pytest.importorskip("distributed")
    for k in range(4, 10):
        Image.fromarray(picture(k, seed=k)[0]).save(folder / f"t{k:02}.png")
    alone, out = tmp_path / "alone", tmp_path / "out"
    net = ck.UNet(width=2, depth=1)
    ck.segment(folder, net, alone, progress=False)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,
                                  processes=True) as cluster:
        killed = []
        killer = threading.Thread(target=_kill_after_one,
                                  args=(cluster.workers[0].pid, out, killed))
        killer.start()
        found = ck.segment(folder, net, out, cluster=cluster.scheduler_address, progress=False)
        killer.join()
    assert killed and killed[0] < 10, "no worker was killed on the way"
    assert not found.failed and contents(out) == contents(alone)


def _kill_after_one(pid, out, killed):
    """Kill a worker as soon as a picture is done, and note how many were."""
    end = time.monotonic() + 60
    while not (done := list(out.rglob("rows/*.json"))) and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(pid, 9)
    killed.append(len(done))


# The command -------------------------------------------------------------------------------------


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "cellkit", *map(str, arguments)],
                          capture_output=True, text=True, cwd=ROOT, timeout=60)


def test_help_is_there_at_once():
    began = time.process_time()
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "cellkit", "--help"],
                          capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0 and "segment" in done.stdout
    assert not {"torch", "numpy", "skimage"} & set(done.stderr.replace("|", " ").split())
    assert time.process_time() - began < 1


@pytest.mark.parametrize("name", ["doctor", "data", "segment", "train", "measure", "export"])
def test_each_command_has_examples(name, capsys):
    assert main([name, "--help"]) == 0
    assert f"examples:\n  cellkit {name}" in capsys.readouterr().out


def test_the_command_says_what_is_wrong_without_a_traceback(tmp_path):
    done = run("segment", tmp_path / "nowhere", "-o", tmp_path / "out")
    assert done.returncode == 2 and done.stderr.startswith("cellkit segment: nothing is at")
    assert len(done.stderr.splitlines()) == 1


def test_a_worker_that_imports_the_command_does_not_run_it():
    importlib.import_module("cellkit.__main__")


def test_wrong_usage_is_code_2(capsys):
    assert main([]) == main(["segment"]) == main(["no"]) == main(["export", "livecell"]) == 2


def test_segment_and_measure_from_the_command_line(folder, tmp_path, stored, capsys):
    (folder / "t01.png").write_text("no picture")
    out = tmp_path / "out"
    arguments = ["segment", str(folder), "-o", str(out), "--network", str(stored),
                 "--threshold", "0.5", "--pixel-size", "0.5", "--quiet"]
    assert main(arguments) == 1
    told = capsys.readouterr()
    assert "t01: " in told.err and "in 3 pictures" in told.out
    assert len(rows(out / "images.csv")) == 4
    (folder / "t01.png").unlink()
    assert main(arguments) == 0
    before = rows(out / "cells.csv")
    assert main(["measure", str(out / "labels"), "--images", str(folder), "--pixel-size", "0.5",
                 "-o", str(tmp_path / "again.csv")]) == 0
    for old, new in zip(before, rows(tmp_path / "again.csv"), strict=True):
        assert old == new | {"doubt": old["doubt"]}


def test_train_from_the_command_line(tmp_path, stored, capsys):
    drawn = tmp_path / "drawn"
    drawn.mkdir()
    for k in range(5):
        pixels, labels = picture(6, seed=k)
        Image.fromarray(pixels).save(drawn / f"{k}.png")
        Image.fromarray(labels.astype(np.uint8)).save(drawn / f"{k}_mask.png")
    out = tmp_path / "mine.safetensors"
    assert main(["train", str(drawn), "-o", str(out), "--from", str(stored),
                 "--epochs", "1"]) == 0
    card = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["command"].startswith(f"cellkit train {drawn}") and card["parent"]["sha256"]
    assert set(card["data"][-1]["images"]) < {str(k) for k in range(5)}
    assert ck.segment(drawn / "0.png", out, progress=False)[0].summary["network"] == str(out)


def test_export_from_the_command_line(tmp_path, stored, capsys):
    assert main(["export", str(stored), "--torchscript", "-o", str(tmp_path / "net.pt")]) == 0
    image = torch.rand(1, 1, 32, 48)
    assert torch.jit.load(tmp_path / "net.pt")(image).shape == image.shape
    assert main(["export", str(stored), "--torchscript", "-o", str(tmp_path / "net.txt")]) == 2


def test_the_doctor_finds_what_is_needed(capsys):
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "All that is needed is here." in told and "Networks run on: " in told
    assert f"torch {torch.__version__.split('+')[0]}" in told


def test_data_sets_are_listed_with_their_licences(capsys):
    assert main(["data"]) == 0
    assert "CC BY-NC 4.0" in capsys.readouterr().out
