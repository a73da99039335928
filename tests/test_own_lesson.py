"""Lesson 08's pictures, and what it shows as measured earlier."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

import cellkit as ck
from cellkit.datasets import bundled
from cellkit_course import results
from cellkit_course.results import own_pictures as earlier
from experiments import own_pictures


def copied(folder, count, names="pic{}.png"):
    """Some drawn pictures and their labels as somebody's own folder."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
        for k, file in enumerate(sorted((bundled("own") / part).iterdir())[:count]):
            shutil.copy(file, folder / part / names.format(k))
    return folder


def test_the_lesson_takes_the_readers_folder_or_drawn_pictures(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("CELLKIT_OWN", raising=False)
    drawn = ck.lesson.own_pictures()
    assert len(drawn) == 15 and set(drawn.groups) == {"fieldA", "fieldB"}
    assert drawn.dataset.startswith("synthetic") and ck.lesson.own_folder() == bundled("own")
    monkeypatch.setenv("CELLKIT_OWN", str(copied(tmp_path / "mine", 5)))
    mine = ck.lesson.own_pictures()
    assert mine.names == [f"pic{k}" for k in range(5)] and mine.dataset == "mine"
    assert ck.lesson.own_folder() == tmp_path / "mine"
    assert ck.lesson.own_pictures(drawn=True).names == drawn.names and not capsys.readouterr().out
    monkeypatch.setenv("CELLKIT_OWN", str(copied(tmp_path / "three", 3)))
    assert ck.lesson.own_pictures().names == drawn.names
    assert "3 annotated pictures in" in capsys.readouterr().out


def test_the_film_is_the_readers_if_its_names_tell_the_time(tmp_path, monkeypatch):
    monkeypatch.setenv("CELLKIT_OWN", str(copied(tmp_path / "still", 5)))
    hours, frames = ck.lesson.own_film()
    assert hours == list(range(0, 45, 5)) and {s.group for s in frames} == {"fieldB"}
    film = copied(tmp_path / "film", 5, "well_0{}d12h30m.png")
    monkeypatch.setenv("CELLKIT_OWN", str(film))
    hours, frames = ck.lesson.own_film()
    assert hours == [24 * k + 12.5 for k in range(5)] and frames[0].dataset == "film"


@pytest.fixture
def challenge(tmp_path, monkeypatch):
    """A small folder in the layout of the tracking challenge: both drawn fields."""
    numbers = {"fieldA": 0, "fieldB": own_pictures.SECOND_FIELD}
    for part, name in (("images", "t"), ("labels", "man_seg")):
        (tmp_path / own_pictures.SET / part).mkdir(parents=True)
        for field, first in numbers.items():
            files = sorted((bundled("own") / part).glob(f"{field}*"))[:3]
            for k, file in enumerate(files):
                place = tmp_path / own_pictures.SET / part / f"{name}{first + 5 * k:03}.tif"
                Image.open(file).save(place)
    monkeypatch.setenv("CELLKIT_DATA", str(tmp_path))
    return tmp_path


def test_fields_stay_apart_and_links_are_counted(challenge):
    first, second = own_pictures.fields()
    assert first.names == ["t000", "t005", "t010"] and second.names == ["t084", "t089", "t094"]
    counted = own_pictures.links()
    expected = sum(len(set(np.unique(a)) & set(np.unique(b)) - {0})
                   for field in (first, second)
                   for a, b in zip([s.labels for s in field], [s.labels for s in field[1:]],
                                   strict=False))
    assert counted["true"] == expected == 20
    assert 0.9 * expected < counted["right"] <= min(expected, counted["made"])


def test_a_row_says_what_was_trained_on_what(challenge, monkeypatch):
    monkeypatch.setattr(own_pictures, "TRAINING", {
        "steps_per_epoch": 2, "batch_size": 1, "crop": 32, "optimizer": "adamw"})
    row = own_pictures.run("fine-tuned", 2, seed=1, steps=20)
    assert len(row["pictures"]) == 2 and set(row["pictures"]) <= {"t000", "t005", "t010"}
    assert row["steps"] == 2 and row["tested on"] == 3 and 0 <= row["AP50"] <= 1
    assert own_pictures.run("bundled, 1/4 size", 0, 0, 20)["scale"] == row["scale"] == 0.25


def test_the_table_has_a_row_for_each_number_and_a_column_for_each_way(monkeypatch):
    rows = {"bundled, full size": {"AP50": 0.0}, "bundled, 1/4 size": {"AP50": 0.25}}
    for seed, value in enumerate((0.5, 0.7)):
        for n in (1, 16):
            rows[earlier.key("fine-tuned", n, seed)] = {
                "AP50": value, "pictures": ["x"] * n, "seed": seed, "tested on": 9, "steps": 20}
    monkeypatch.setattr(results, "measured", lambda name: rows)
    assert earlier.sizes() == [1, 16] and earlier.values("fine-tuned", 1) == [0.5, 0.7]
    none, one, many = earlier.layout()
    assert list(none.values()) == ["none", "0.000", "0.250", "–", "–"]
    assert list(one.values()) == [1, "–", "–", "0.600 ± 0.141", "–"] and many != one
    assert earlier.mean("fine-tuned", 16) == pytest.approx(0.6) and "20 steps" in earlier.how()
    assert np.isnan(earlier.mean("scratch", 1))


def test_what_the_lesson_shows_was_measured_by_the_command():
    known = results.measured(earlier.NAME)
    assert all({"commit", "minutes in all", "torch"} <= set(row) for row in known.values())
    assert {earlier.LINKS, earlier.FILM, *list(earlier.HOWS)[:2]} <= set(known)
    trained = [row for row in known.values() if "pictures" in row]
    assert trained and all(int(name[1:]) < own_pictures.SECOND_FIELD
                           for row in trained for name in row["pictures"])


def test_the_page_prints_what_was_measured():
    told = (bundled("own").parents[1] / "docs" / "own_pictures.md").read_text(encoding="utf-8")
    for how, title in (("fine-tuned", "fine-tuned"), ("scratch", "new")):
        cells = [results.mean_over_seeds(earlier.values(how, n)) for n in earlier.sizes()]
        assert f"| {title} | {' | '.join(cells)} |" in told
    found = earlier.links()
    assert f"{found['right']} of {found['true']} true links found, {found['made']} made" in told
