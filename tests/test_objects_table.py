"""The study of heads: its two heads of its own, and a row of its table on drawn pictures."""

from itertools import product

import numpy as np
import pytest

from cellkit import metrics
from experiments import objects_table


def two_cells():
    """Two discs that share a side, and one alone."""
    rows, columns = np.indices((48, 80))
    labels = np.zeros((48, 80), np.int32)
    for k, (y, x) in enumerate([(24, 20), (24, 37), (24, 64)], 1):
        labels[(np.hypot(rows - y, columns - x) < 9) & (labels == 0)] = k
    return labels


@pytest.mark.parametrize("name", ["distance and border", "distance and hill"])
def test_perfect_maps_of_a_head_give_the_cells_back(name):
    asked, labels = objects_table.RUNS[name], two_cells()
    head = {"distance and border": objects_table.DistanceAndBorder,
            "distance and hill": objects_table.DistanceAndHill}[name]()
    target = head.target(labels, None)
    assert target.shape == (head.channels, 48, 80)
    names = ("foreground", "distance", "hill")
    maps = dict(zip(names, target, strict=True))
    if name == "distance and border":
        maps["distance"] = maps["distance"] * (1 - maps.pop("hill"))
    found = [asked.decode(maps, **dict(zip(asked.grid, values, strict=True)))
             for values in product(*asked.grid.values())]
    assert max(metrics.average_precision(labels, one, 0.9) for one in found) == 1


def test_a_hill_is_one_at_the_middle_and_stays_in_its_cell():
    hill = objects_table.hill_map(two_cells())
    assert hill[24, 20] == hill[24, 64] == 1 and not hill[two_cells() == 0].any()
    assert hill.min() >= 0 and hill[24, 64] > hill[24, 68] > hill[24, 71] > 0


def test_the_study_refuses_drawn_pictures(tmp_path, monkeypatch):
    monkeypatch.delenv("CELLKIT_DATA", raising=False)
    with pytest.raises(SystemExit, match="set CELLKIT_DATA"):
        objects_table.main(["--steps", "20", "--seeds", "0", "--runs", "flow",
                            "--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())
