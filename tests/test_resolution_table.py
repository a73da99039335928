"""The table of lesson 05: strategies against the front door called by hand, and going on."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, gaussian_filter
from skimage.filters import threshold_otsu
from skimage.morphology import disk

import cellkit as ck
from cellkit.metrics import edge_band, image_edges
from cellkit.samples import Samples
from cellkit_course import papers, results
from cellkit_course.results import resolution
from experiments import resolution_table as rt


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    table = rt.Table(tmp_path_factory.mktemp("pieces"), minutes=5, steps=20, width=4)
    table.train, table.test = (
        Samples.of([replace(s, image=s.image[:96, :96], labels=s.labels[:96, :96])
                    for s in rows[:3]]) for rows in (table.train, table.test))
    return table


def test_a_row_is_what_the_front_door_says(table):
    row = table.row("b", 0.25, "bilinear, no antialiasing", 0)
    sharp, front = table.network("sharp", 1, 0), table.network("super-resolution", 0.25, 0)
    assert front.head == "image" and not front.config["residual"]
    truths, masks, psnr = [], [], []
    for sample in table.test:
        low = ck.degrade(sample.image, 0.25, "bilinear", "bicubic", antialias=False)
        shown = ck.super_resolve(front, low)
        truths.append(sample.mask)
        masks.append(ck.predict(sharp, shown) > 0.5)
        psnr.append(ck.psnr(sample.image, shown))
    assert row["dice"] == pytest.approx(ck.dice(truths, masks), abs=0.02)  # clipped in between
    assert row["psnr"] == pytest.approx(np.mean(psnr), abs=0.01)
    assert row["area"] == pytest.approx(np.sum(masks) / np.sum(truths), rel=0.05)
    assert row["png_bytes"] == pytest.approx(np.mean(
        [ck.storage(s.image, 0.25, "bilinear", False).png for s in table.test]))
    assert np.mean(list(row["by_cell_type"].values())) == pytest.approx(row["dice"], abs=0.01)


def test_no_piece_is_made_twice_and_all_are_collected(table, tmp_path, monkeypatch):
    table.row("a", 0.25, "area", 0)
    trained = {f: f.stat().st_mtime_ns for f in table.folder.glob("*.pt")}
    table.run("ab", (0.25,), ("area",), (0,))  # adds M = 1, but not to b
    assert trained == {f: f.stat().st_mtime_ns for f in table.folder.glob("*.pt")}
    stored = results.measured
    monkeypatch.setattr(results, "measured", lambda name: stored(name, tmp_path))
    assert resolution.measured()["rows"] == []
    table.collect(tmp_path / "resolution.json")
    rows = resolution.measured()["rows"]
    assert {(r["strategy"], r["M"]) for r in rows} == {("a", 1), ("a", 0.25), ("b", 0.25)}
    sharp = [n for n in resolution.measured()["networks"] if n["network"] == "sharp"]
    assert len(sharp) == 1 and sharp[0]["steps"] == 20 and sharp[0]["ended"] == "finished"
    assert resolution.mean(rows, strategy="a", M=1) == next(
        r["dice"] for r in rows if (r["strategy"], r["M"]) == ("a", 1))
    assert resolution.mean(rows, strategy="z") is None
    assert resolution.says(strategy="z") == "–" and "3 real pictures, 20 steps" in resolution.how()
    laid = {(row["strategy"][:3], row["M"]): row for row in resolution.layout()}
    assert laid["(a)", "1"]["paper, test"] == "0.906" and laid["(a)", "1"]["nearest"] == "–"
    assert laid["(a)", "0.25"]["paper, validation"] == "0.358"
    assert laid["(a)", "0.25"]["area"] == f"{resolution.mean(rows, strategy='a', M=0.25):.3f}"


def test_a_specialist_is_made_for_one_resampler(table, monkeypatch):
    seen, fit = [], ck.fit
    monkeypatch.setattr("cellkit.train.fit", lambda *args, degrade, **how: (
        seen.append(degrade), fit(*args, degrade=degrade, **how))[1])
    table.row("g", 0.25, "bilinear, no antialiasing", 0)
    assert [(d.M, d.resampler, d.antialias) for d in seen if d] == [((0.25,), "bilinear", False)]
    table.row("g", 0.25, "area", 0)
    assert len([d for d in seen if d]) == 2 and seen[-1].resampler == "area"


def test_paper_1_s_numbers_and_the_strategies_networks():
    said = papers.PAPER1.printed
    assert said["livecell test"]["super-resolved, M = 0.125"] == 0.385
    assert said["livecell validation"]["degraded, M = 0.25"] == 0.358
    used = {way.get(part) for way in papers.RESOLUTION_STRATEGIES.values()
            for part in ("net", "front")} - {None}
    assert used == set(papers.RESOLUTION_NETWORKS)


def test_what_was_measured_is_whole():
    for row in resolution.measured()["rows"]:
        assert row["strategy"] in papers.RESOLUTION_STRATEGIES
        assert row["resampler"] in resolution.WAYS
        assert 0 <= row["dice"] <= 1 and row["images"] == 17 and row["commit"]
    assert all(net["ended"] == "finished" for net in resolution.measured()["networks"])
    assert "/" not in json.dumps([net["begins"] for net in resolution.measured()["networks"]])


def test_edges_of_an_image_and_band_of_a_mask():
    rng = np.random.default_rng(0)
    mask = gaussian_filter(rng.standard_normal((60, 70)), 5) > 0
    image = np.clip(0.3 + 0.4 * mask + 0.02 * rng.standard_normal(mask.shape), 0, 1)
    high = np.abs(image - gaussian_filter(image, 2))
    np.testing.assert_array_equal(image_edges(image), high > threshold_otsu(high))
    near = binary_dilation(mask, disk(2)) & binary_dilation(~mask, disk(2))
    np.testing.assert_array_equal(edge_band(mask), near)
    assert ck.dice(image_edges(image), edge_band(mask, 1)) > 0.6
    assert not image_edges(np.full((9, 9), 0.5)).any() and not edge_band(mask | True).any()


@pytest.mark.parametrize("image, sigma, words", [
    (np.zeros((4, 4, 3)), 2, "shape"), (np.zeros((4, 4), int), 2, "type"),
    (np.zeros((4, 4)), 0, "sigma"), (np.zeros((4, 4)), float("nan"), "sigma")])
def test_bad_input_to_edges(image, sigma, words):
    with pytest.raises(ValueError, match=words):
        image_edges(image, sigma)
