"""Frames of one field: links against drawn truth and brute force, growth against known curves."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from PIL import Image

import cellkit as ck
from cellkit.datasets import bundled
from experiments import tiny_own


def film(field):
    rows = ck.read("folder", root=bundled("own"), images="images/{group}_{}.png",
                   labels="labels/{group}_{}.png")
    return [sample.labels for sample in rows.where(lambda entry: entry.group == field)]


def iou(before, after, a, b):
    both = ((before == a) & (after == b)).sum()
    return both / ((before == a) | (after == b)).sum()


def test_links_are_the_best_of_all_possible_ones():
    rng = np.random.default_rng(3)
    for _ in range(20):
        before, after = rng.integers(0, 4, (2, 5, 6)) * 3
        olds, news = (np.unique(x[x > 0]).tolist() for x in (before, after))
        best = max(sum(iou(before, after, a, b) for a, b in zip(olds, order, strict=True) if b)
                   for order in permutations(news + [0] * len(olds), len(olds)))
        links = ck.link(before, after, overlap=0)
        assert sum(iou(before, after, a, b) for a, b in links.items()) == pytest.approx(best)
        assert set(links) <= set(olds) and len(set(links.values())) == len(links)


def test_links_of_a_drawn_film_are_the_true_ones():
    """A cell keeps its number in the film; a mother has none of its daughters' numbers."""
    right = made = true = 0
    for field in ("fieldA", "fieldB"):
        frames = film(field)
        for before, after in zip(frames, frames[1:], strict=False):
            links = ck.link(before, after, overlap=0.3)
            right += sum(a == b for a, b in links.items())
            made += len(links)
            true += len(np.intersect1d(before[before > 0], after[after > 0]))
    assert true > 80 and right / true > 0.95 and right / made > 0.8


def test_a_cell_keeps_its_number_and_no_number_comes_twice():
    frames = film("fieldB")
    rng = np.random.default_rng(0)
    shuffled = []
    for frame in frames:  # a program numbers each frame anew
        order = np.append(0, rng.permutation(frame.max()) + 1)
        shuffled.append(order[frame])
    tracked = ck.track(shuffled, overlap=0.3)
    for frame, again in zip(frames, tracked, strict=True):
        assert again.dtype == np.int32 and ((frame > 0) == (again > 0)).all()
        assert len(np.unique(again)) == len(np.unique(frame))
    first, last = tracked[0], tracked[-1]
    assert set(np.unique(first)) == set(range(len(np.unique(first))))
    seen = [set(np.unique(frame)) - {0} for frame in tracked]
    for number in set().union(*seen):
        there = [number in frame for frame in seen]
        assert "".join("01"[t] for t in there).strip("0").count("0") == 0, "it came back"
    assert last.max() == len(set().union(*seen))


def test_cells_that_do_not_overlap_enough_are_no_link():
    before, after = np.zeros((2, 4, 12), int)
    before[:, :6], after[:, 3:9] = 1, 5  # IoU one third
    assert ck.link(before, after, overlap=0.3) == {1: 5} and ck.link(before, after, 0.4) == {}
    assert ck.link(before, np.zeros_like(after)) == {}
    with pytest.raises(ValueError, match="overlap is 2, expected an IoU from 0 to 1"):
        ck.link(before, after, 2)
    with pytest.raises(TypeError, match="before is a mask"):
        ck.link(before > 0, after)


@pytest.mark.parametrize("doubling", [7.5, 24.0, 90.0, -30.0])
def test_exact_growth_is_found_exactly(doubling):
    hours = np.array([0, 4, 9, 20, 44.0])
    growth = ck.doubling_time(hours, 12 * 2 ** (hours / doubling))
    assert growth.hours == pytest.approx(doubling) and growth.start == pytest.approx(12)
    assert growth.low == pytest.approx(doubling) == growth.high
    np.testing.assert_allclose(growth.at(hours), 12 * 2 ** (hours / doubling))


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng, hours, held = np.random.default_rng(5), np.arange(0, 48, 4.0), 0
    for _ in range(400):
        counts = 20 * 2 ** (hours / 20) * np.exp(0.1 * rng.normal(size=len(hours)))
        growth = ck.doubling_time(hours, counts, level=0.9)
        held += growth.low <= 20 <= growth.high
    assert 340 <= held <= 380  # 360, give or take three standard deviations


def test_what_may_not_grow_at_all_has_no_bound():
    growth = ck.doubling_time([0, 1, 2, 3], [10, 12, 9, 13])
    assert growth.high == np.inf and 0 < growth.low < growth.hours
    falling = ck.doubling_time([0, 1, 2, 3], [13, 9, 12, 10])
    assert falling.low == -np.inf and falling.hours < falling.high < 0
    flat = ck.doubling_time([0, 1, 2], [5, 5, 5])
    assert flat.hours == np.inf and flat.rate == 0


@pytest.mark.parametrize(("hours", "counts", "says"), [
    ([0, 1], [1, 2], "2 different times, expected at least 3"),
    ([0, 0, 1, 1], [1, 2, 3, 4], "2 different times"),
    ([0, 1, np.nan], [1, 2, 3], "all finite"),
    ([0, 1, 2], [1, 2], r"hours has the shape \(3,\) and counts \(2,\)"),
    ([0, 1, 2], [1, 0, 3], "expected numbers above 0: an empty picture"),
    ([0, 1, 2], [1, np.nan, 3], "expected numbers above 0"),
    ([0, 1, 2], [1, np.inf, 3], "expected numbers above 0"),
])  # fmt: skip
def test_what_gives_no_curve_is_refused_in_words(hours, counts, says):
    with pytest.raises(ValueError, match=says):
        ck.doubling_time(hours, counts)
    with pytest.raises(ValueError, match="level is 1, expected a share between 0 and 1"):
        ck.doubling_time([0, 1, 2], [1, 2, 3], level=1)


def test_the_bundled_film_is_drawn_again_and_its_cells_multiply(tmp_path):
    tiny_own.write_own(tmp_path)
    there = {p.relative_to(bundled("own")) for p in bundled("own").rglob("*.png")}
    assert {p.relative_to(tmp_path) for p in tmp_path.rglob("*.png")} == there and len(there) == 30
    for name in there:
        drawn, kept = (np.asarray(Image.open(root / name)).astype(float)
                       for root in (tmp_path, bundled("own")))
        # Another processor may round a grey value or an edge pixel the other way.
        assert (drawn != kept).mean() < 0.01
    assert sum(p.stat().st_size for p in bundled("own").rglob("*")) < 500_000
    told = (bundled("own") / "README.md").read_text(encoding="utf-8")
    assert "**These pictures are synthetic.**" in told and "CC0" in told
    for field, (_, _, hours, count) in tiny_own.FIELDS.items():
        counts = [len(np.unique(frame)) - 1 for frame in film(field)]
        growth = ck.doubling_time(hours * np.arange(count), counts)
        assert 0.7 * tiny_own.CYCLE < growth.hours < 1.5 * tiny_own.CYCLE
