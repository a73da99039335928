"""The page of results says what the json files and the papers say."""

import json
from pathlib import Path

import numpy as np

from cellkit_course import papers, results
from experiments import results_page

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
    row = line("| U-Net", " 184", " 45")
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


def test_the_page_lives_where_it_was_made():
    """No absolute path, no number of ours without its commit."""
    assert str(Path.cwd()) not in PAGE
    commits = [row["commit"] for row in results.measured("paper5").values()
               if row["side"] == "native"]
    assert all(commit in PAGE for commit in commits)
