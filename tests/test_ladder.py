"""The ladder of lesson 07, measured by a command: its rows are the lesson's own."""

import json

from cellkit_course import results
from cellkit_course.results import ladder
from experiments import instance_ladder, objects_table


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


def test_trained_heads_stand_above_perfect_masks_with_their_spread(monkeypatch):
    assert set(ladder.HEADS) <= set(objects_table.RUNS)
    trained = {f"{name}, 9 steps, seed {seed}": {"words": f"{name}: any angle", "steps": 9,
                                                 "AP50": 0.5 + 0.1 * seed, "mean AP": 0.2}
               for name in ("flow", "distance", "flow, flips") for seed in range(2)}
    perfect = {"how": "17 pictures", "rows": [
        {"method": "perfect mask", "AP at IoU 0.5": 0.4, "AP, mean": 0.3}]}
    monkeypatch.setattr(results, "measured",
                        lambda name: {"objects": trained, "ladder": perfect}[name])
    assert [row["method"] for row in ladder.rungs()] == ["learned: distance", "learned: flow",
                                                         "perfect mask"]
    assert ladder.rungs()[1]["AP at IoU 0.5"] == "0.550 ± 0.071"
    assert ladder.rungs()[2]["AP at IoU 0.5"] == "0.400"
    assert ladder.how() == "17 pictures; networks of 9 steps, one for each head and seed"
