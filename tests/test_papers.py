"""Papers as data: what one does not say has our choice beside it; they run, and rows are kept."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, jaccard_score

from cellkit import Sample, UNet, predict, read
from cellkit.augment import turn_and_flip
from cellkit.samples import Samples
from cellkit_course import papers, results
from cellkit_course.papers import PAPER3, PAPER5
from experiments import paper_tables

REAL = Path(os.environ.get("CELLKIT_DATA") or "no real data")


@pytest.fixture
def bundled(monkeypatch, tmp_path):
    """Nothing but the tiny sets is found."""
    monkeypatch.delenv("CELLKIT_DATA", raising=False)
    monkeypatch.setenv("CELLKIT_CACHE", str(tmp_path / "cache"))


def small(recipe):
    """The same recipe with a network that a test has time for."""
    ours = {**recipe.ours, "optimiser": {**recipe.ours["optimiser"], "batch_size": 2}}
    ours["network"] = {**recipe.ours["network"], "width": 2, "depth": 2}
    return replace(recipe, ours=ours)


def sample(name, group, shape=(8, 8), **more):
    return Sample(np.full(shape, 0.5, np.float32), np.ones(shape[:2], np.int32), name,
                  group=group, **more)


# --- the papers as data --------------------------------------------------------------------------


def test_what_the_paper_does_not_say_needs_our_choice():
    with pytest.raises(ValueError, match="loss is None.*put our choice into ours"):
        replace(PAPER5, loss=None, ours={k: v for k, v in PAPER5.ours.items() if k != "loss"})
    with pytest.raises(ValueError, match=r"optimiser\['lr'\] is None"):
        replace(PAPER5, ours={**PAPER5.ours, "optimiser": {"batch_size": 4}})
    with pytest.raises(ValueError, match="ours has .'learning rate'.*expected names among"):
        replace(PAPER5, ours={**PAPER5.ours, "learning rate": 1})


def test_ours_fills_in_and_replaces():
    assert PAPER5.optimiser["lr"] is None and PAPER5.chosen("optimiser")["lr"] > 0
    assert PAPER5.chosen("optimiser")["optimizer"] == PAPER5.optimiser["optimizer"] == "adam"
    assert PAPER5.network["width"] == 64 and PAPER5.chosen("network")["width"] == 16
    assert PAPER3.chosen("loss") == PAPER3.loss
    assert UNet(**PAPER3.chosen("network")).config["dropout"] > 0


@pytest.mark.parametrize("recipe", [PAPER3, PAPER5], ids=lambda recipe: recipe.name)
def test_rows_name_what_is_not_stated_and_what_is_ours(recipe):
    rows = recipe.rows()
    assert {row["setting"].partition(":")[0] for row in rows} == set(papers.SETTINGS)
    for row in rows:
        assert row["the paper"] != "not stated" or row["ours"] != "the same"
        assert "None" not in row["the paper"] + row["ours"]


def test_the_papers_numbers():
    """Paper 5, table 1; paper 3 prints none."""
    assert [numbers["f1"] for numbers in PAPER5.printed.values()] == [.89, .93, .97, .63, .95]
    theirs = [numbers["mAP of U-Net on biomedical images"] for numbers in PAPER5.printed.values()]
    assert theirs == [.47, .53, .42, .23, .57]
    assert set(PAPER3.printed["livecell3"].values()) == {None}


# --- data ----------------------------------------------------------------------------------------


def test_grey_and_colour_pictures_become_alike(bundled):
    rows = papers.load("dsb2018")
    assert {s.image.shape[2] for s in rows} == {3}
    grey = next(s for s in rows if s.cell_type == "fluorescence")
    assert (grey.image == grey.image[..., :1]).all()
    assert papers.load("epfl")[0].image.ndim == 2


def test_a_resized_picture_keeps_its_cells_where_they_were(bundled):
    native, square = papers.load("dsb2018")[0], papers.load("dsb2018", 64)[0]
    assert square.image.shape == (64, 64, 3) and square.labels.shape == (64, 64)
    assert set(np.unique(square.labels)) <= set(np.unique(native.labels))
    share = [np.bincount(s.labels.ravel(), minlength=99) / s.labels.size for s in (native, square)]
    np.testing.assert_allclose(*share, atol=0.01)
    assert square.image.mean() == pytest.approx(native.image.mean(), abs=0.01)


def test_fields_stay_whole_and_less_data_is_tested_on_the_same():
    rows = Samples.of([sample(f"{k}", f"field {k // 3}") for k in range(30)])
    train, test = papers.divide(PAPER5, "dsb2018", rows)
    assert not set(train.groups) & set(test.groups) and len(train) + len(test) == 30
    some, again = papers.divide(PAPER5, "dsb2018", rows, share=0.1, seed=1)
    assert len(some) == 3 and set(some.names) <= set(train.names) and again.names == test.names
    assert some.names != papers.divide(PAPER5, "dsb2018", rows, share=0.1, seed=2)[0].names


def test_stacks_are_tested_on_whole_blocks():
    rows = Samples.of([sample(f"{k}", f"train {k // 6 * 6:03}-{k // 6 * 6 + 5:03}")
                       for k in range(30)])
    train, test = papers.divide(PAPER5, "isbi2012", rows)
    assert test.names == [str(k) for k in range(24, 30)] and len(train) == 24


@pytest.mark.skipif(not (REAL / "epfl").is_dir(), reason="no real data here")
def test_real_neighbours_stay_on_one_side(monkeypatch):
    monkeypatch.setenv("CELLKIT_DATA", str(REAL))
    train, test = papers.divide(PAPER5, "epfl", read("epfl"))
    assert len(test) == 7 and not set(train.groups) & set(test.groups)


# --- running -------------------------------------------------------------------------------------


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    rows = [Sample(rng.random((12, 16), dtype=np.float32),
                   (rng.random((12, 16)) < 0.4).astype(np.int32), str(k), cell_type=kind)
            for k, kind in enumerate("aab")]
    net = torch.nn.Conv2d(1, 1, 1)  # brighter than the mean is foreground
    torch.nn.init.ones_(net.weight)
    torch.nn.init.zeros_(net.bias)
    found = paper_tables.score(net, rows)
    truth = [s.mask.ravel() for s in rows]
    pred = [predict(net, s.image).ravel() > 0.5 for s in rows]
    assert 0 < np.mean(pred) < 1
    everywhere = np.concatenate(truth), np.concatenate(pred)
    assert found["f1"] == pytest.approx(f1_score(*everywhere), abs=1e-4)
    assert found["background f1"] == pytest.approx(f1_score(*everywhere, pos_label=0), abs=1e-4)
    assert found["f1 of everything"] == pytest.approx(
        f1_score(everywhere[0], everywhere[0] | True), abs=1e-4)
    assert found["iou"] == pytest.approx(np.mean([*map(jaccard_score, truth, pred)]), abs=1e-4)
    assert found["f1, b"] == pytest.approx(f1_score(truth[2], pred[2]), abs=1e-4)


def test_paper_5_runs_and_goes_on_where_it_stopped(bundled, tmp_path):
    settings = {"side": 32, "augmentation": turn_and_flip}
    whole = paper_tables.run(small(PAPER5), "dsb2018", 40, **settings)
    file = tmp_path / "half.pt"

    class Stop(Exception):
        pass

    def stop(image, labels, rng, left=[30 * 2]):  # noqa: B006  what is left over all calls
        left[0] -= 1
        if left[0] < 0:
            raise Stop
        return turn_and_flip(image, labels, rng)

    stop.__qualname__, stop.__module__ = turn_and_flip.__qualname__, turn_and_flip.__module__
    with pytest.raises(Stop):
        paper_tables.run(small(PAPER5), "dsb2018", 40, checkpoint=file, side=32, augmentation=stop)
    assert file.is_file()
    again = paper_tables.run(small(PAPER5), "dsb2018", 40, checkpoint=file, **settings)
    assert again["test"] == whole["test"] and again["steps"] == 40 and not file.exists()
    assert whole["trained on"] + whole["tested on"] == 19


def test_paper_3_validates_on_copies_of_what_it_trained_on(bundled, monkeypatch):
    rng = np.random.default_rng(0)
    rows = Samples.of([Sample(rng.random((64, 64), dtype=np.float32), np.ones((64, 64), np.int32),
                              str(k)) for k in range(5)])
    monkeypatch.setattr(paper_tables, "load", lambda dataset, side: rows)
    recipe = small(replace(PAPER3, schedule={**PAPER3.schedule, "images": 20}))
    row = paper_tables.run(recipe, "ctc_fluo_n2dh_sim", 20)
    assert row["trained on"] == 17 and row["tested on"] == 2  # of 20 copies, of 5 pictures
    assert set(row["validation"]) == set(row["test"]) and row["side"] == 256


def test_an_unknown_set_is_named():
    with pytest.raises(ValueError, match="paper5 has no data set 'glas'; ours are dsb2018"):
        paper_tables.run(PAPER5, "glas", 20)


# --- keeping -------------------------------------------------------------------------------------


def test_a_row_is_measured_once(tmp_path):
    assert results.measured("paper9", tmp_path) == {}
    first = paper_tables.keep("paper9", "a", lambda: {"f1": 0.5}, tmp_path)
    assert first["f1"] == 0.5 and first["commit"] and "minutes in all" in first
    paper_tables.keep("paper9", "b", lambda: {"f1": 0.7}, tmp_path)
    again = paper_tables.keep("paper9", "a", lambda: pytest.fail("measured twice"), tmp_path)
    assert again == first
    stored = json.loads((tmp_path / "paper9.json").read_text(encoding="utf-8"))
    assert stored == results.measured("paper9", tmp_path) and list(stored) == ["a", "b"]
    with pytest.raises(ZeroDivisionError):
        paper_tables.keep("paper9", "c", lambda: {"f1": 1 / 0}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["paper9.json"]


def test_the_command_keeps_its_row(bundled, tmp_path, capsys):
    def fake(recipe, dataset, steps, **asked):
        asked.pop("checkpoint").touch()
        return {"dataset": dataset, "steps": steps, **{k: str(v) for k, v in asked.items()}}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paper_tables, "run", fake)
        paper_tables.main(["paper5", "--set", "epfl", "--steps", "60", "--share", "0.1",
                      "--augment", "none", "--out", str(tmp_path / "new")])
    (key, row), = results.measured("paper5", tmp_path / "new").items()
    assert row["dataset"] == "epfl" and row["share"] == "0.1" and row["augmentation"] == "None"
    assert "epfl" in key and "60 steps" in key and key in capsys.readouterr().out


@pytest.mark.parametrize("recipe", [PAPER3, PAPER5], ids=lambda recipe: recipe.name)
def test_what_was_measured_earlier_fits_its_recipe(recipe):
    for key, row in results.measured(recipe.name).items():
        assert row["dataset"] in recipe.chosen("data") and f"{row['steps']} steps" in key
        assert row["commit"] and row["seed"] is not None and row["minutes in all"] > 0
        assert row["test"]["f1"] <= 1 and row["tested on"] > 0
