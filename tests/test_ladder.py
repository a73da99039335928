"""The ladder of lesson 07, measured by a command: its rows are the lesson's own."""

import json

from experiments import instance_ladder


def test_rungs_of_perfect_masks_are_written_for_the_lesson(tmp_path, monkeypatch):
    monkeypatch.setattr(instance_ladder, "MEASURED", tmp_path / "ladder.json")
    monkeypatch.setattr(instance_ladder, "PLAN", {
        "tune_every": 20, "elbow_steps": 4,
        "grids": {"watershed": {"smoothing": (1,), "peak_distance": (5,)}}})
    monkeypatch.delenv("CELLKIT_DATA", raising=False)
    instance_ladder.main([])
    written = json.loads((tmp_path / "ladder.json").read_text(encoding="utf-8"))
    by_name = {row["method"]: row for row in written["rows"]}
    assert list(by_name) == ["perfect mask, components", "perfect mask, k-means by elbow",
                             "perfect mask, watershed"]
    assert len({row["in truth"] for row in by_name.values()}) == 1
    best = by_name["perfect mask, watershed"]
    assert best["AP at IoU 0.5"] > by_name["perfect mask, components"]["AP at IoU 0.5"]
    assert written["how"].startswith("synthetic livecell, 8 pictures")
