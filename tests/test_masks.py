"""Outlines to labels and back, and targets: against pycocotools, scikit-image, plain formulas."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco
from pycocotools.coco import COCO
from scipy import ndimage
from skimage.segmentation import find_boundaries

from cellkit import annotations, targets

REAL = Path(os.environ.get("CELLKIT_DATA") or "no real data") / "livecell"

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SQUARE = [1.0, 1.0, 6.0, 1.0, 6.0, 6.0, 1.0, 6.0]


def ann_to_masks(segmentations, shape):
    """What pycocotools makes of each annotation, one whole picture at a time."""
    reader = COCO()
    reader.imgs = {1: {"height": shape[0], "width": shape[1]}}
    return [reader.annToMask({"image_id": 1, "segmentation": s}) > 0 for s in segmentations]


def painted(cells, shape):
    """Larger cells first, so that smaller ones stay visible: the slow and obvious way."""
    labels = np.zeros(shape, np.int32)
    for k in sorted(range(len(cells)), key=lambda k: -cells[k].sum()):
        labels[cells[k]] = k + 1
    return labels


def random_labels(seed, shape, cells=12):
    """Blobs that touch, with pieces, holes and missing numbers."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    for k in range(1, cells + 1):
        y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        noise = ndimage.gaussian_filter(rng.normal(size=shape), 1.5)
        away = np.hypot(np.arange(shape[0])[:, None] - y, np.arange(shape[1]) - x)
        labels[(away < rng.uniform(2, 12)) & (noise > -0.1)] = k
    return labels


coordinate = st.one_of(
    st.floats(-30, 70, width=32),
    st.integers(-300, 700).map(lambda n: n / 10),  # ties of pycocotools' fifths of a pixel
    st.integers(-5, 50),
)
polygon = st.integers(3, 9).flatmap(
    lambda n: st.lists(coordinate, min_size=2 * n, max_size=2 * n)
).filter(lambda p: max(p[::2]) > 0 and min(p[::2]) < 41 and max(p[1::2]) > 0 and min(p[1::2]) < 33)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.lists(polygon, min_size=1, max_size=3), min_size=1, max_size=6))
def test_any_polygons_give_the_pixels_of_ann_to_mask(segmentations):
    shape = (33, 41)
    cells = ann_to_masks(segmentations, shape)
    labels = annotations.label_map(segmentations, shape)
    np.testing.assert_array_equal(labels, painted(cells, shape))
    for segmentation, cell in zip(segmentations, cells, strict=True):
        np.testing.assert_array_equal(annotations.label_map([segmentation], shape) > 0, cell)
    assert labels.dtype == np.int32 and labels.flags.c_contiguous


@pytest.mark.parametrize("shape", [(1, 1), (17, 31), (31, 17), (64, 64)])
@pytest.mark.parametrize("seed", range(5))
def test_all_three_ways_of_writing_a_mask_mean_the_same(shape, seed):
    labels = random_labels(seed, shape)
    cells = [labels == k for k in range(labels.max() + 1)]  # 0, the background, is a cell here
    cells = [cell for cell in cells if cell.any()]
    compressed = [coco.encode(np.asfortranarray(cell, np.uint8)) for cell in cells]
    as_text = [{**rle, "counts": rle["counts"].decode("ascii")} for rle in compressed]
    lists = []
    for cell in cells:
        flat = cell.T.ravel().astype(int)
        edges = np.flatnonzero(np.diff(flat)) + 1
        counts = np.diff([0, *edges, flat.size]).tolist()
        lists.append({"size": list(shape), "counts": [0] * int(flat[0]) + counts})
    expected = painted(cells, shape)
    for segmentations in (compressed, as_text, lists):
        np.testing.assert_array_equal(annotations.label_map(segmentations, shape), expected)
        np.testing.assert_array_equal(ann_to_masks(segmentations, shape), cells)


def test_polygons_and_rle_mix_in_one_picture():
    rle = coco.encode(np.asfortranarray(np.eye(8), np.uint8))
    segmentations = [[SQUARE], rle, [[0, 0, 2, 0, 2, 2, 0, 2], [5, 5, 8, 5, 8, 8, 5, 8]]]
    cells = ann_to_masks(segmentations, (8, 8))
    labels = annotations.label_map(segmentations, (8, 8))
    np.testing.assert_array_equal(labels, painted(cells, (8, 8)))


def test_the_smaller_cell_stays_visible_whatever_the_order():
    small, large = [[2, 2, 4, 2, 4, 4, 2, 4]], [[0, 0, 8, 0, 8, 8, 0, 8]]
    assert annotations.label_map([small, large], (8, 8))[2, 2] == 1
    assert annotations.label_map([large, small], (8, 8))[2, 2] == 2
    twice = annotations.label_map([large, large], (8, 8))
    assert (twice == 2).all(), "of equals, the later lies on top"


def test_area_counts_an_overlap_of_parts_once():
    """A cell drawn twice over itself is no larger for it."""
    twice = [[0, 0, 6, 0, 6, 6, 0, 6]] * 2  # 36 pixels, 72 if counted twice
    once = [[2, 2, 9, 2, 9, 9, 2, 9]]  # 49
    assert annotations.label_map([twice, once], (10, 10))[4, 4] == 1


def test_no_segmentations_are_no_cells():
    labels = annotations.label_map([], (17, 31))
    assert labels.shape == (17, 31) and labels.dtype == np.int32 and not labels.any()


def test_a_cell_between_pixel_centres_leaves_a_gap_in_the_numbers():
    sliver = [[2.6, 2.6, 2.9, 2.6, 2.9, 2.9, 2.6, 2.9]]
    assert not ann_to_masks([sliver], (8, 8))[0].any()
    assert set(np.unique(annotations.label_map([sliver, [SQUARE]], (8, 8)))) == {0, 2}


def test_one_polygon_is_its_mask():
    expected = ann_to_masks([[SQUARE]], (8, 9))[0]
    found = annotations.label_map([[SQUARE]], (8, 9)) > 0
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([[1, 1, 5, 5]], "2 points"),
        ([[1, 1, 5, 5, 7, 7, 2]], "3.5 points"),
        ([[]], "0 points"),
        ([], r"is \[\], .*not empty"),
        ({}, r"is \{\}, .*not empty"),
        (None, "None"),
        ("abc", "'abc'"),
        ([1, 1, 5, 1, 5, 5], "not one flat list"),
        ([["a", "b"]], "not one flat list"),
        ([[100, 100, 120, 100, 120, 120]], "outside the picture"),
        ([[-9, 1, -2, 1, -2, 7]], "outside the picture"),
        ([[1, 1, 5, 1, 5, float("nan")]], "outside the picture"),
        ([[1, 1, 5, 1, 5e9, 5]], "outside the picture"),
        ({"size": [9, 8], "counts": [72]}, "for size"),
        ({"size": None, "counts": [72]}, "for size None"),
        ({"size": [8, 9], "counts": "\ud800"}, "neither a list"),
        ({"size": [8, 9], "counts": [70]}, "do not add up"),
        ({"size": [8, 9], "counts": [80, -8]}, "do not add up"),
        ({"size": [8, 9], "counts": ""}, "neither a list"),
        ({"size": [8, 9], "counts": "ä"}, "neither a list"),
        ({"size": [8, 9]}, "neither a list"),
        ({"size": [8, 9], "counts": "1"}, "does not fill"),
        ({"size": [8, 9], "counts": "ooo"}, "does not fill"),
        ({"size": [8, 9], "counts": "oooooooooooooooooooo0"}, "does not fill"),
    ],
)
def test_a_bad_segmentation_is_named_in_one_sentence(segmentation, message):
    with pytest.raises(ValueError, match=message) as caught:
        annotations.label_map([[SQUARE], segmentation], (8, 9))
    assert str(caught.value).startswith("segmentation 1 ")
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(0, 9), (4,), 5, (float("nan"), 4), (4.5, 4), None])
def test_a_picture_needs_a_size(shape):
    with pytest.raises(ValueError, match="the picture's shape is .*whole numbers"):
        annotations.label_map([[SQUARE]], shape)


def test_counts_may_be_numpys():
    expected = annotations.label_map([{"size": [2, 3], "counts": [2, 3, 1]}], (2, 3))
    code = {"size": np.array([2, 3]), "counts": np.array([2, 3, 1], np.uint32)}
    np.testing.assert_array_equal(annotations.label_map([code], (2, 3)), expected)


# ---------------------------------------------------------------- tracing


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.sampled_from([(1, 1), (1, 7), (9, 12), (17, 31), (40, 40)]))
def test_traced_cells_come_back_pixel_for_pixel(seed, shape):
    labels = random_labels(seed, shape)
    rng = np.random.default_rng(seed)
    labels[rng.random(shape) < 0.15] = 0  # holes, slits, single pixels
    traced = annotations.polygons(labels)
    assert list(traced) == [k for k in np.unique(labels) if k]
    for k, segmentation in traced.items():
        np.testing.assert_array_equal(ann_to_masks([segmentation], shape)[0], labels == k)
        assert all(2 * n == int(2 * n) for ring in segmentation for n in ring)


def test_a_cell_in_pieces_has_a_polygon_for_each_and_one_with_holes_a_single_one():
    labels = np.zeros((12, 12), np.int32)
    labels[1:4, 1:4] = labels[6:9, 6:9] = 1
    assert len(annotations.polygons(labels)[1]) == 2
    labels[:] = 1
    labels[3:5, 3:5] = labels[7:9, 7:10] = 0
    assert len(annotations.polygons(labels)[1]) == 1


# ---------------------------------------------------------------- between cells


@pytest.mark.parametrize("seed", range(4))
def test_outline_is_scikit_images_inner_boundary(seed):
    labels = random_labels(seed, (50, 60))
    expected = find_boundaries(labels, connectivity=2, mode="inner")
    np.testing.assert_array_equal(annotations.outline(labels), expected)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_wider_outline_is_what_erosion_takes_from_each_cell(width):
    labels = random_labels(7, (50, 60))
    expected = np.zeros(labels.shape, bool)
    square = np.ones((2 * width + 1,) * 2)
    for k in np.unique(labels)[1:]:
        cell = labels == k
        expected |= cell & ~ndimage.binary_erosion(cell, square, border_value=1)
    np.testing.assert_array_equal(annotations.outline(labels, width), expected)
    border = targets.border_map(labels, width)
    assert border.dtype == np.uint8
    np.testing.assert_array_equal(border == 2, expected)
    np.testing.assert_array_equal(border > 0, labels > 0)


@pytest.mark.parametrize("seed", range(4))
def test_touching_cells_are_those_met_by_a_neighbours_dilation(seed):
    labels = random_labels(seed, (60, 80), cells=14)
    numbers = np.unique(labels)[1:]
    expected = []
    for k in numbers:
        around = ndimage.binary_dilation(labels == k, np.ones((3, 3))) & (labels != k)
        if labels[around].any():
            expected.append(k)
    np.testing.assert_array_equal(annotations.touching(labels), expected)
    assert 0 < len(expected) < len(numbers), "the picture has both kinds"


# ---------------------------------------------------------------- targets


@pytest.mark.parametrize("seed", range(3))
def test_distance_is_each_cells_own_over_its_largest(seed):
    labels = random_labels(seed, (50, 60))
    expected = np.zeros(labels.shape)
    for k in np.unique(labels)[1:]:
        own = ndimage.distance_transform_edt(labels == k)
        expected += own / own.max()
    found = targets.distance_map(labels)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_cell_without_surroundings_is_equally_deep_everywhere():
    assert (targets.distance_map(np.ones((17, 31), np.int32)) == 1).all()


def by_the_book(labels, w0, sigma):
    """Every cell's distance to every pixel, stacked and sorted (U-Net paper, equation 2)."""
    far = [np.full(labels.shape, np.inf)] * 2
    away = [ndimage.distance_transform_edt(labels != k) for k in np.unique(labels) if k]
    d1, d2 = np.sort([*away, *far], axis=0)[:2]
    return 1 + w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2))


@pytest.mark.parametrize("shape", [(17, 31), (120, 140)])
@pytest.mark.parametrize(("w0", "sigma"), [(10, 5), (3, 2), (100, 9), (0, 5)])
def test_weights_are_those_of_the_formula(shape, w0, sigma):
    labels = random_labels(3, shape)
    found = targets.weight_map(labels, w0, sigma)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_the_book(labels, w0, sigma), atol=1e-4, rtol=0)


@pytest.mark.parametrize("labels", [np.zeros((17, 31), int), np.ones((1, 1), int)])
def test_without_two_cells_every_pixel_weighs_one(labels):
    assert (targets.weight_map(labels) == 1).all()


@pytest.mark.parametrize(
    "target",
    [annotations.outline, targets.border_map, targets.distance_map, targets.weight_map,
     annotations.touching],
)
def test_targets_take_any_size_and_refuse_what_are_no_labels(target):
    for shape in [(1, 1), (1, 9), (17, 31)]:
        for labels in (np.zeros(shape, np.int32), random_labels(0, shape)):
            found = target(labels)
            assert np.isfinite(found).all()
            assert target is annotations.touching or found.shape == shape
    with pytest.raises(TypeError, match="float64, expected labels in whole numbers"):
        target(np.zeros((4, 4)))
    with pytest.raises(ValueError, match=r"expected \(H, W\).*take one channel"):
        target(np.zeros((4, 4, 3), int))


@pytest.mark.parametrize("target", [annotations.outline, targets.border_map, targets.distance_map,
                                    targets.weight_map, annotations.touching, annotations.polygons])
@pytest.mark.parametrize(("labels", "says"), [
    (-np.eye(4, dtype=int), "from -1 to 0.*set what should be ignored to 0"),
    (np.zeros((0, 3), int), r"has shape \(0, 3\).*at least 1x1; it is empty"),
    (np.ones((4, 4), bool), "bool.*expected labels.*number its objects first"),
], ids=["negative", "empty", "mask"])  # fmt: skip
def test_targets_refuse_negative_empty_and_bool_labels(target, labels, says):
    with pytest.raises((TypeError, ValueError), match=says) as caught:
        target(labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("numbers", [(1, 2, 3), (3, 70, 1000), (3, 70, 2**31 - 1)],
                         ids=["in a row", "with gaps", "one large"])
def test_cells_that_leave_no_background(numbers):
    labels = np.repeat(np.array(numbers), 7)[None].repeat(9, 0)
    labels[:4] = labels[:4, ::-1]
    depth = sum((d := ndimage.distance_transform_edt(labels == k)) / d.max() for k in numbers)
    np.testing.assert_allclose(targets.distance_map(labels), depth, atol=1e-6)
    np.testing.assert_allclose(targets.weight_map(labels), by_the_book(labels, 10, 5), atol=1e-4)
    assert (targets.border_map(labels) > 0).all() and (targets.border_map(labels) == 1).any()
    assert annotations.touching(labels).tolist() == list(numbers)
    assert list(annotations.polygons(labels)) == list(numbers)


def test_impossible_widths_and_weights_are_refused():
    labels = np.ones((3, 3), int)
    for width in (0, 1.5, np.nan, np.inf, "1", None, True):
        for target in (annotations.outline, targets.border_map):
            with pytest.raises(ValueError, match=f"width is {width!r}, expected a whole number"):
                target(labels, width)
    for weights in ({"sigma": 0}, {"sigma": np.inf}, {"w0": np.inf}, {"w0": np.nan}):
        with pytest.raises(ValueError, match=f"{next(iter(weights))} is .*expected"):
            targets.weight_map(labels, **weights)


# ---------------------------------------------------------------- real data


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the real LIVECell images")
@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_real_cells_are_those_of_ann_to_mask(part):
    coco_file = COCO(str(REAL / f"annotations/livecell_coco_{part}.json"))
    for image in coco_file.dataset["images"]:
        found = coco_file.loadAnns(coco_file.getAnnIds(image["id"]))
        cells = [coco_file.annToMask(a) > 0 for a in found]
        shape = (image["height"], image["width"])
        labels = annotations.label_map([a["segmentation"] for a in found], shape)
        np.testing.assert_array_equal(labels, painted(cells, shape))
        np.testing.assert_array_equal(labels > 0, np.any(cells, axis=0))


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (30, 80), (9, 13)])
def test_labels_are_resized_as_pillow_does(shape):
    from PIL import Image

    labels = np.random.default_rng(0).integers(0, 9, (9, 13)).astype(np.int32)
    expected = Image.fromarray(labels).resize(shape[::-1], Image.Resampling.NEAREST)
    np.testing.assert_array_equal(annotations.resize_labels(labels, shape), expected)
