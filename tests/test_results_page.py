"""The page of results says what the json files and the papers say."""

import json
from pathlib import Path

import numpy as np

from cellkit import weights
from cellkit_course import papers, results
from experiments import network_table, results_page

PAGE = results_page.page()


def line(*words):
    """The one row of a table that has all these cells, as a dict."""
    rows = [text for text in PAGE.splitlines() if text.startswith("| ")]
    [row] = [text for text in rows if all(f"{word} |" in text for word in words)]
    names = [text for text in rows[:rows.index(row)] if "---" not in text
             and rows[rows.index(text) + 1].startswith("| ---")][-1]
    return dict(zip(names.split(" | "), row.split(" | "), strict=True))


def test_every_paper_has_its_table_its_command_and_its_words():
    for paper in (papers.PAPER1, papers.PAPER2, papers.PAPER3, papers.PAPER4, papers.PAPER5):
        part = PAGE.split(f"## {paper.title}\n")[1].split("\n## ")[0]
        assert "| --- |" in part and "by `make " in part and len(part.split("\n\n")[0]) > 100


def test_numbers_are_those_of_the_files():
    known = json.loads((results.RESULTS / "models.json").read_text(encoding="utf-8"))
    ious = [known[f"dsb2018, unet, 500 steps, seed {seed}"]["iou"] for seed in range(3)]
    row = line("| U-Net", " 184", " 45", " 500")
    assert row["IoU of nuclei, ours"] == f"{np.mean(ious):.3f} ± {np.std(ious, ddof=1):.3f}"
    assert row["seeds"] == "3" and row["IoU of nuclei, paper"] == ""
    coco = line("| ResNet-101 U-Net, COCO weights (Wang and Song)")
    assert coco["IoU of nuclei, paper"] == coco["mean IoU of both classes, paper"] == "0.77"
    assert coco["seeds"].startswith("not run: ")


def test_what_is_unlike_is_that_of_the_file():
    rows = results.measured("trust")["rows"]
    part = PAGE.split("## Pictures unlike")[1]
    for row in rows:
        [text] = [one for one in part.splitlines()
                  if one.startswith(f"| {row['network']} | {row['kind']} | ")]
        assert f"| {row['by looks']:.0%} |" in text
        assert ("sizes" in row) == (f" of {row.get('sizes')} |" in text)
    own = [row for row in rows if row["kind"] == "its own"]
    others = [row for row in rows if row["kind"] != "its own"]
    assert np.mean([row["by looks"] for row in own]) < np.mean([r["by looks"] for r in others])


def test_the_table_of_networks_tells_all_of_them_as_their_cards_do():
    docs = Path(network_table.__file__).parents[1] / "docs"
    page = (docs / "networks.md").read_text(encoding="utf-8")
    assert sorted(network_table.SAYS) == weights.available()
    for name in weights.available():
        scores = weights.card(name)["metrics"]["these weights"]
        [row] = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert all(f"Dice {one['dice']:.3f}" in row or f": {one['dice']:.3f}," in row
                   for one in scores.values())


def test_a_network_that_saw_all_is_told_by_its_recipe_trained_again_without_some():
    drawn, real = {"images": 2, "dice": 0.97}, {"images": 9, "dice": 0.91, "stained": 0.88}
    card = {"minutes": 19.3, "metrics": {
        "these weights": {network_table.DRAWN: drawn}, "their recipe": None}}
    assert "| not measured | 2: Dice 0.970 |" in network_table.text({"dsb2018": card})
    card["metrics"]["reported"] = {"dice": 0.89, "AP50": 0.5}
    told = network_table.text({"dsb2018": card})
    assert "| Dice 0.890, AP50 0.500‡ | 2:" in told and "‡ These very weights" in told
    card["metrics"]["their recipe"] = {network_table.REAL: real, "how": "trained without field 7"}
    told = network_table.text({"dsb2018": card})
    assert "| 9: Dice 0.910† | 2: Dice 0.970 |" in told and "stained 0.880" in told
    assert "- `dsb2018`†: trained without field 7" in told and "† The network has seen" in told
    card["metrics"]["these weights"][network_table.REAL] = real | {"dice": 0.93}
    assert "| 9: Dice 0.930 |" in network_table.text({"dsb2018": card})


def test_the_page_lives_where_it_was_made():
    """No absolute path, no number of ours without its commit."""
    assert str(Path.cwd()) not in PAGE
    commits = [row["commit"] for row in results.measured("paper5").values()
               if row["side"] == "native"]
    assert all(commit in PAGE for commit in commits)


def test_heads_stand_beside_each_other_with_their_spread(monkeypatch):
    rows = {f"{name}, 9 steps, seed {seed}": {
                "words": name, "AP50": value + 0.1 * seed, "mean AP": 0.2, "steps": 9,
                "commit": "c"}
            for name, value in (("border", 0.3), ("flow", 0.5)) for seed in range(3)}
    monkeypatch.setattr(results, "measured", lambda name: rows if name == "objects" else {})
    [_, _, _, table] = results_page.objects()
    [flow] = [line for line in table.splitlines() if line.startswith("| flow |")]
    assert flow.startswith("| flow | 0.600 ± 0.100 | 0.200 ± 0.000 |") and " | 3 |" in flow
    monkeypatch.setattr(results, "measured", lambda name: {})
    assert results_page.objects() == []
