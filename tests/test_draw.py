"""The lessons' drawings: each is shown with its words, and says what is true."""

import numpy as np
import pytest

import cellkit as ck
from cellkit_course import draw
from cellkit_course.draw.landscape import peaks_and_depths


@pytest.fixture
def sample():
    return ck.read("livecell")[0]


def test_pipelines_name_the_sizes_of_the_picture_they_are_given(sample, capsys):
    draw.super_resolution(sample, 0.25)
    draw.double_unet(sample, 0.125)
    said = capsys.readouterr().out
    assert "352 × 260" in said and "88 × 65" in said and "44 × 33" in said


def test_stages_of_mask_rcnn(capsys):
    draw.mask_rcnn(ck.read("dsb2018")[0])
    said = capsys.readouterr().out
    assert all(word in said for word in ("anchor", "suppression", "RoIAlign", "mask head"))


def test_anchor_grid_counts_its_places_and_boxes(sample, capsys):
    boxes = np.array([[x - 4, 8 - 4, x + 4, 8 + 4] for x in (8, 16, 24)] + [[0, 6, 16, 10]])
    draw.anchor_grid(sample.labels[:16, :32], boxes, 8, (8, 8))
    assert "8 dots" in (said := capsys.readouterr().out) and "its 2 anchors" in said


def test_depths_of_peaks_are_what_h_maxima_asks_for(capsys):
    from scipy import ndimage
    from skimage.morphology import h_maxima

    height = ndimage.gaussian_filter1d(np.random.default_rng(0).random(120), 2)
    height[[0, -1]] = 0
    depths = peaks_and_depths(height)
    for h in (0.02, 0.05, 0.1):
        known = ndimage.label(h_maxima(height[None], h))[1]
        assert sum(depth >= h for _, depth in depths) == known
    draw.seeds_by_h(height, (0.02, 0.1))
    assert capsys.readouterr().out.count("peaks count") == 2


def test_walks_of_one_cell_end_together(capsys):
    from cellkit.targets import flow_map

    rows, columns = np.indices((30, 40))
    labels = np.zeros((30, 40), np.int32)
    labels[np.hypot(rows - 14, columns - 12) < 9] = 1
    labels[(np.hypot(rows - 14, columns - 28) < 9) & (labels == 0)] = 2
    draw.flow(labels, flow_map(labels))
    assert "within 1.0 rows and columns" in (said := capsys.readouterr().out) and "2 cells" in said
    draw.flow(labels, 0 * flow_map(labels))
    assert "within 16.0 rows and columns" in capsys.readouterr().out
