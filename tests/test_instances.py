"""From maps to labels, against scikit-image, scikit-learn and pictures with a known answer."""

import doctest
import os
import subprocess
import sys
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from skimage import feature, measure, segmentation
from sklearn.cluster import KMeans

import cellkit as ck
from cellkit.postprocessing import GRIDS, METHODS, elbow, instances, tune_instances
from cellkit.targets import border_map, distance_map, flow_map

REALDATA = Path(os.environ.get("CELLKIT_DATA") or "no real data")


def discs(centres, radius, shape=(60, 80)):
    """Round cells; a pixel that two cells cover belongs to the nearer centre."""
    rows, columns = np.indices(shape)
    distance = np.stack([np.hypot(rows - y, columns - x) for y, x in centres])
    return np.where(distance.min(axis=0) < radius, distance.argmin(axis=0) + 1, 0).astype(np.int32)


def grid_of_discs(spacing=20, radius=7, rows=3, columns=4):
    centres = [(12 + spacing * i, 12 + spacing * j) for i in range(rows) for j in range(columns)]
    return discs(centres, radius, (spacing * rows + 5, spacing * columns + 5))


def maps_of(labels):
    """What perfect networks would say."""
    down, right = flow_map(labels)
    return {"foreground": (labels > 0).astype(np.float32), "flow_y": down, "flow_x": right,
            "border": (border_map(labels) == 2).astype(np.float32),
            "distance": distance_map(labels)}


def same_objects(one, other):
    """Equal but for the numbering."""
    return (one.shape == other.shape and ((one > 0) == (other > 0)).all()
            and len(np.unique(one * (other.max() + 1) + other))
            == len(np.unique(one)) == len(np.unique(other)))


TOUCHING = discs([(30, 18), (30, 35), (30, 52)], 10)


def test_worked_examples_in_the_docstrings():
    assert doctest.testmod(sys.modules["cellkit.postprocessing.watershed"]).failed == 0


def test_instances_need_no_torch():
    code = ("import sys, cellkit as ck, numpy as np; ck.instances(np.eye(9) > 0); "
            "assert 'torch' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_front_door_is_the_function_whoever_imports_what_first():
    code = ("import cellkit as ck, cellkit.postprocessing, numpy as np; "
            "assert ck.instances is cellkit.postprocessing.instances and callable(ck.instances)")
    subprocess.run([sys.executable, "-c", code], check=True)


# --- The methods --------------------------------------------------------------------------------

def without_small(mask, size):
    """Pieces of the mask of at least ``size`` pixels, by scikit-image."""
    pieces = measure.label(mask, connectivity=1)
    return np.isin(pieces, [r.label for r in measure.regionprops(pieces) if r.area >= size])


@pytest.mark.parametrize("seed", range(3))
def test_components_equal_scikit_image(seed):
    mask = ndimage.gaussian_filter(np.random.default_rng(seed).random((70, 90)), 2) > 0.5
    mask = ndimage.binary_fill_holes(mask)
    assert same_objects(instances(mask, "components", min_size=0),
                        measure.label(mask, connectivity=1))
    clean = ~without_small(~without_small(mask, 40), 40)
    assert (clean != mask).any()
    assert same_objects(instances(mask, "components", min_size=40),
                        measure.label(ndimage.binary_fill_holes(clean), connectivity=1))


@pytest.mark.parametrize("smoothing, peak_distance", [(0, 3), (1, 5), (2, 8)])
def test_watershed_equals_the_textbook(smoothing, peak_distance):
    mask = ndimage.gaussian_filter(np.random.default_rng(1).random((90, 120)), 3) > 0.5
    mask = ndimage.binary_fill_holes(mask)
    depth = ndimage.distance_transform_edt(mask).astype(np.float32)
    depth = ndimage.gaussian_filter(depth, smoothing, mode="nearest") if smoothing else depth
    peaks = feature.peak_local_max(depth * mask, min_distance=peak_distance, exclude_border=False)
    seeds = np.zeros(mask.shape, int)
    seeds[tuple(peaks.T)] = np.arange(len(peaks)) + 1
    theirs = segmentation.watershed(-depth, seeds, mask=mask)
    lost = mask & (theirs == 0)  # pieces whose peak was too near to a higher one next door
    theirs = np.where(lost, measure.label(lost, connectivity=1) + theirs.max(), theirs)
    ours = instances(mask, "watershed", min_size=0, smoothing=smoothing,
                     peak_distance=peak_distance)
    assert ours.max() > 10
    assert same_objects(ours, theirs)


def test_touching_cells():
    mask = TOUCHING > 0
    assert instances(mask, "components").max() == 1
    maps = maps_of(TOUCHING)
    for labels in (instances(mask), instances(mask, h=1), instances(mask, "kmeans", k=3),
                   instances(maps, "border"), instances(maps, "distance"),
                   instances(maps, "distance", h=0.1)):
        assert labels.max() == 3
        assert ck.average_precision(TOUCHING, labels, 0.9) == 1


def test_larger_peak_distance_never_gives_more_cells():
    mask = ndimage.gaussian_filter(np.random.default_rng(2).random((128, 128)), 3) > 0.48
    counts = [instances(mask, smoothing=0, peak_distance=d, min_size=0).max()
              for d in (1, 3, 6, 12, 24)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def peaks_by_descent(height, mask, h):
    """Count peaks whose island meets a higher one only more than ``h`` below its top."""
    top, count = {}, 0  # of each island, as the sea falls
    island = np.full(height.shape, -1)
    for place in sorted(zip(*np.nonzero(mask), strict=True), key=lambda p: -height[p]):
        found = set()
        for step in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            near = tuple(np.add(place, step))
            if min(near) >= 0 and near[0] < height.shape[0] and near[1] < height.shape[1]:
                found.add(int(island[near]))
        found = sorted(found - {-1}, key=lambda name: -top[name])
        name = found[0] if found else len(top)
        top.setdefault(name, height[place])
        island[place] = name
        for lower in found[1:]:
            count += top[lower] - height[place] > h
            island[island == lower] = name
    return count + ndimage.label(mask)[1]  # the highest of each piece


@pytest.mark.parametrize("h", [0.303, 0.707, 1.311, 2.117])
def test_h_maxima_equal_a_falling_sea(h):
    mask = ndimage.gaussian_filter(np.random.default_rng(3).random((80, 80)), 3) > 0.48
    expected = peaks_by_descent(ndimage.distance_transform_edt(mask), mask, h)
    assert instances(mask, smoothing=0, h=h, min_size=0).max() == expected


def test_predicted_borders_and_distances_part_what_a_mask_cannot():
    """A long cell beside a short one, without any waist between them."""
    labels = np.zeros((30, 60), np.int32)
    labels[10:20, 5:25], labels[10:20, 25:55] = 1, 2
    maps = maps_of(labels)
    assert instances(labels > 0).max() == 1
    for method in ("border", "distance"):
        assert ck.average_precision(labels, instances(maps, method), 0.9) == 1


@pytest.mark.parametrize("width", [7, 10, 11, 15])
def test_a_ridge_of_one_height_is_one_seed(width):
    rows, columns = np.indices((100, 100)) - 50
    for along, across in ((rows, columns), (columns, rows), (rows + columns, rows - columns)):
        rod = (abs(along) < 35) & (across >= 0) & (across < width)
        assert instances(rod).max() == 1
    two = np.zeros((40, 90), bool)
    two[5:5 + width, 5:80] = two[10 + width:10 + 2 * width, 5:80] = True
    assert instances(two).max() == 2


def test_rounding_beyond_1_passes():
    """Tiles that fade into each other add up to 1.0000001."""
    prob = np.where(TOUCHING > 0, np.float32(1.0000002), np.float32(-1e-6))
    np.testing.assert_array_equal(instances(prob), instances(TOUCHING > 0))
    with pytest.raises(ValueError, match="values from 0 to 1.1"):
        instances(np.where(TOUCHING > 0, 1.1, 0))


def test_foreground_threshold_is_strict():
    prob = np.full((8, 8), 0.5, np.float32)
    assert instances(prob, "components").max() == 0
    assert instances(prob, "components", threshold=0.49).max() == 1


# --- K-means ------------------------------------------------------------------------------------

def test_kmeans_finds_cells_that_lie_apart():
    labels = grid_of_discs()
    assert same_objects(instances(labels > 0, "kmeans", k=12), labels)
    assert same_objects(instances(labels > 0, "kmeans"), labels)


@pytest.mark.parametrize("k", [2, 5, 12, 30])
def test_kmeans_error_is_near_scikit_learn(k):
    mask = grid_of_discs(radius=11) > 0
    theirs = KMeans(k, n_init=1, random_state=0).fit(np.argwhere(mask)).inertia_
    ours = min(elbow(mask, [k], seed).sse[0] for seed in range(5))
    assert ours == pytest.approx(theirs, rel=0.15)


def test_elbow_finds_few_clear_clusters():
    labels = discs([(15, 15), (15, 65), (45, 15), (45, 65)], 9)
    found = elbow(labels > 0, range(1, 13))
    assert found.k == 4
    assert found.ks.tolist() == list(range(1, 13))
    assert (np.diff(found.sse[:4]) < 0).all()
    centres = np.array(ndimage.center_of_mass(labels > 0, labels, [1, 2, 3, 4]))
    points = np.argwhere(labels)
    exact = ((points - centres[labels[labels > 0] - 1]) ** 2).sum()
    assert elbow(labels > 0, [4]).sse[0] == pytest.approx(exact)


def test_elbow_undercounts_crowded_cells():
    """What lesson 7 shows with real cells: the bend has nothing to do with the cells."""
    labels = grid_of_discs(spacing=12, radius=6, rows=8, columns=10)
    assert elbow(labels > 0, range(1, 160, 12)).k < 80 / 2


def test_a_cluster_centre_outside_its_bent_cell_still_gives_it_a_seed():
    rows, columns = np.indices((40, 40))
    radius = np.hypot(rows - 20, columns - 20)
    bow = (radius < 16) & (radius > 11) & (columns < 22)
    assert not bow[20, 14]
    assert (instances(bow, "kmeans", k=1) > 0).sum() == bow.sum()


def test_many_pixels_are_sampled_and_the_error_scaled():
    mask = np.ones((200, 200), bool)
    sampled = elbow(mask, [1]).sse[0]
    exact = ((np.argwhere(mask) - 99.5) ** 2).sum()
    assert sampled == pytest.approx(exact, rel=0.03)


def test_the_same_seed_gives_the_same_labels():
    mask = ndimage.gaussian_filter(np.random.default_rng(0).random((60, 60)), 3) > 0.5
    one, same = (instances(mask, "kmeans", k=9, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one, same)


# --- What comes out -----------------------------------------------------------------------------

def check_labels(labels, mask, min_size):
    assert labels.dtype == np.int32
    assert labels.shape == mask.shape
    names = np.unique(labels[labels > 0])
    assert names.tolist() == list(range(1, len(names) + 1))
    for k in names:
        cell = labels == k
        assert cell.sum() >= max(min_size, 1)
        assert ndimage.label(cell)[1] == 1
        # Background that one cell alone encloses would be a hole.
        pieces, _ = ndimage.label(ndimage.binary_fill_holes(cell) & ~cell)
        for piece in range(1, pieces.max() + 1):
            assert (labels[pieces == piece] > 0).any()


@settings(max_examples=40, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)),
              elements=st.sampled_from([0.0, 0.25, 0.75, 1.0]), fill=st.nothing()),
       st.sampled_from(list(METHODS)), st.sampled_from([0, 3, 16]))
def test_labels_are_sequential_connected_filled_and_large_enough(prob, method, min_size):
    prob = ndimage.maximum_filter(prob, 2)
    maps = {"foreground": prob, "border": prob * (1 - prob), "distance": prob ** 2,
            "flow_y": 2 * prob - 1, "flow_x": 1 - 2 * prob ** 2}
    before = {name: values.copy() for name, values in maps.items()}
    params = {"max_error": None} if method == "flow" else {}  # else it may drop foreground
    labels = instances(maps, method, min_size=min_size, **params)
    check_labels(labels, prob, min_size)
    if min_size == 0:
        assert (labels[prob > 0.5] > 0).all()  # no foreground is lost
    for name, values in maps.items():
        np.testing.assert_array_equal(values, before[name])


def test_specks_and_holes():
    mask = np.zeros((40, 60), bool)
    mask[5:35, 5:35] = True
    mask[15:22, 15:22] = False  # a hole, larger than min_size
    mask[20:23, 50:53] = True  # a speck of 9 pixels
    for method in ("components", "watershed", "kmeans"):
        params = {"kmeans": {"k": 1}, "flow": {"max_error": None}}.get(method, {})
        labels = instances(mask, method, min_size=10, **params)
        assert labels.max() >= 1
        assert (labels[20:23, 50:53] == 0).all()
    labels = instances(mask, "components", min_size=9)
    assert labels.max() == 2
    assert (labels > 0).sum() == 30 * 30 + 9


def test_a_small_cell_that_is_dropped_leaves_no_hole_in_the_one_around_it():
    foreground, border = np.zeros((2, 40, 40))
    foreground[5:35, 5:35] = 1
    border[16:24, 16:24], border[18:22, 18:22] = 1, 0
    found = instances({"foreground": foreground, "border": border}, "border", min_size=40)
    np.testing.assert_array_equal(found, foreground)
    boxes = np.array([[4.0, 4, 44, 44], [20, 20, 24, 24]])
    pair = ck.postprocessing.Detections(boxes, np.array([0.9, 0.95]),
                                        np.ones((2, 28, 28)), (48, 48))
    one, two = (ck.postprocessing.merge_labels(pair, min_size=size) for size in (50, 1))
    np.testing.assert_array_equal(one[0], two[0] > 0)
    assert one[1] == np.float32(0.9) and two[1].tolist() == pytest.approx([0.95, 0.9])


def test_a_gap_between_cells_and_a_cell_within_a_ring_stay():
    rows, columns = np.indices((60, 60))
    radius = np.hypot(rows - 30, columns - 30)
    labels = instances((radius < 6) | ((radius > 15) & (radius < 25)), "components")
    assert labels.max() == 2
    assert labels[30, 30] != labels[30, 10]
    assert labels[30, 20] == 0  # between the two, so it is nobody's hole
    four = discs([(20, 20), (20, 40), (40, 20), (40, 40)], 11, (60, 60))
    assert instances(maps_of(four), "border", min_size=4)[30, 30] == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 20), (17, 31), (20, 1)])
def test_empty_and_full_images(method, shape):
    for value in (0.0, 1.0):
        prob = np.full(shape, value, np.float32)
        maps = {"foreground": prob, "border": 0 * prob, "distance": prob,
                "flow_y": 0 * prob, "flow_x": 0 * prob}
        params = {"kmeans": {"k": 1}, "flow": {"max_error": None}}.get(method, {})
        labels = instances(maps, method, min_size=1, **params)
        assert labels.dtype == np.int32
        np.testing.assert_array_equal(labels, value)


def test_without_any_seed_each_piece_is_one_cell():
    labels = grid_of_discs()
    maps = {"foreground": labels > 0, "border": np.ones(labels.shape, np.float32),
            "distance": np.zeros(labels.shape, np.float32)}
    for method in ("border", "distance"):
        assert same_objects(instances(maps, method), labels)
    everywhere = {**maps, "distance": np.full(labels.shape, 0.4, np.float32)}
    assert same_objects(instances(everywhere, "distance", h=0.3), labels)


def test_all_ways_to_give_a_mask():
    mask = TOUCHING > 0
    expected = instances(mask)
    for same in (mask.astype(np.uint8), mask.astype(float), mask.astype(np.float16),
                 {"foreground": mask}, np.asfortranarray(mask)):
        np.testing.assert_array_equal(instances(same), expected)


# --- Tuning -------------------------------------------------------------------------------------

def test_tuning_tries_everything_and_keeps_the_best():
    truth = [grid_of_discs(spacing=13), TOUCHING]
    maps = [t > 0 for t in truth]
    grid = {"smoothing": (0, 1), "peak_distance": (1, 4, 30)}
    tuned = tune_instances(maps, truth, "watershed", grid, progress=False)
    by_hand = {}
    for smoothing, peak_distance in product(*grid.values()):
        labels = [instances(m, smoothing=smoothing, peak_distance=peak_distance) for m in maps]
        by_hand[smoothing, peak_distance] = ck.average_precision(truth, labels).mean()
    assert {tuple(p.values()): s for p, s in tuned.tried} == pytest.approx(by_hand)
    assert tuned.score == max(by_hand.values())
    assert by_hand[tuple(tuned.params.values())] == tuned.score
    assert tuned.score > min(by_hand.values())
    again = ck.average_precision(truth, [instances(m, **tuned.params) for m in maps]).mean()
    assert again == tuned.score


def test_tuning_takes_generators_and_every_method_has_a_grid_that_fits():
    maps = maps_of(TOUCHING)
    assert set(GRIDS) == set(METHODS)
    for method, grid in GRIDS.items():
        for name, values in grid.items():
            for value in values:
                assert instances(maps, method, **{name: value}).max() >= 1
    small = {"threshold": (0.5,)}
    tuned = tune_instances(iter([maps]), iter([TOUCHING]), "distance", small, progress=False)
    assert tuned.score > 0.9


@pytest.mark.skipif(not (REALDATA / "livecell").is_dir(), reason="needs the real LIVECell images")
def test_real_cells_watershed_beats_components_and_a_learned_distance_would_beat_both():
    samples = ck.read("livecell", root=REALDATA / "livecell")[::14]
    truth = [s.labels for s in samples]
    score = {}
    for method in ("components", "watershed", "distance", "border"):
        labels = [instances(maps_of(t), method) for t in truth]
        score[method] = ck.average_precision(truth, labels, 0.5)
    assert score["components"] < score["watershed"] < score["distance"] < score["border"]


# --- Bad input ----------------------------------------------------------------------------------

GOOD = np.pad(np.ones((6, 6)), 4)


@pytest.mark.parametrize("maps, error, says", [
    (GOOD * 3, ValueError, "values from 0 to 3.*sigmoid"),
    (GOOD - 2.5, ValueError, "sigmoid"),
    (np.where(GOOD > 0, np.nan, 0), ValueError, "has NaN"),
    (TOUCHING, ValueError, "values from 0 to 3.*labels > 0"),
    (-TOUCHING, ValueError, "values from -3"),
    (np.zeros((0, 5)), ValueError, "at least 1x1"),
    (np.zeros((2, 5, 5)), ValueError, "one image at a time"),
    (None, TypeError, "NoneType"),
    ("mask.png", TypeError, "str"),
    ({}, ValueError, "none, but method 'watershed' needs 'foreground'"),
    ({"distance": GOOD}, ValueError, "distance, but method 'watershed' needs 'foreground'"),
])
def test_bad_maps(maps, error, says):
    with pytest.raises(error, match=says) as caught:
        instances(maps)
    assert "\n" not in str(caught.value)
    assert ";" in str(caught.value)


def test_maps_that_the_method_needs():
    for method in ("border", "distance"):
        with pytest.raises(ValueError, match=f"needs '{method}'.*all=True"):
            instances(GOOD, method)
        with pytest.raises(ValueError, match=f"the {method} map has shape .* the foreground map"):
            instances({"foreground": GOOD, method: GOOD[1:]}, method)
        with pytest.raises(ValueError, match=f"the {method} map has values"):
            instances({"foreground": GOOD, method: GOOD * 9}, method)


@pytest.mark.parametrize("method, params, error, says", [
    ("magic", {}, ValueError, "method is 'magic', expected one of watershed"),
    ("components", {"smoothing": 1}, TypeError, "has no parameter 'smoothing'"),
    ("watershed", {"seed_threshold": 0.5}, TypeError, "no parameter 'seed_threshold'"),
    ("watershed", {"threshold": 1.5}, ValueError, r"threshold is 1.5, expected a number in"),
    ("watershed", {"threshold": float("nan")}, ValueError, "threshold is nan"),
    ("watershed", {"min_size": -1}, ValueError, "min_size is -1"),
    ("watershed", {"min_size": 2.5}, ValueError, "min_size is 2.5"),
    ("watershed", {"smoothing": -1}, ValueError, "smoothing is -1"),
    ("watershed", {"peak_distance": 0}, ValueError, "peak_distance is 0"),
    ("watershed", {"h": 0}, ValueError, "h is 0"),
    ("kmeans", {"k": 0}, ValueError, "k is 0"),
    ("kmeans", {"k": 37}, ValueError, "k is 37, but there are only 36 foreground pixels"),
])
def test_bad_parameters(method, params, error, says):
    with pytest.raises(error, match=says) as caught:
        instances(GOOD, method, **params)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ks", [[], [-1], [0], ["a"], 5, [2.5]])
def test_clusters_that_cannot_be_tried(ks):
    with pytest.raises(ValueError, match="ks is .*, expected a row of whole numbers, at least 1"):
        elbow(GOOD > 0, ks)


@pytest.mark.parametrize("values", [(), 0.5])
def test_a_grid_needs_values(values):
    with pytest.raises(ValueError, match="the grid has 'threshold': .*expected a row of values"):
        tune_instances([GOOD], [TOUCHING], "components", {"threshold": values}, progress=False)


def test_peaks_farther_apart_than_the_picture_take_no_memory():
    mask = TOUCHING > 0
    np.testing.assert_array_equal(instances(mask, peak_distance=10**6),
                                  instances(mask, peak_distance=max(mask.shape)))


@pytest.mark.parametrize("seeds, error, says", [
    (-TOUCHING, ValueError, "labels has labels from -3"),
    (TOUCHING / 1, TypeError, "labels is float64"),
    (TOUCHING[None], ValueError, r"labels has shape \(1, "),
])
def test_what_does_not_grow(seeds, error, says):
    with pytest.raises(error, match=says):
        ck.postprocessing.grow_labels(seeds, TOUCHING > 0)


def test_lists_grow_and_so_does_one_of_a_large_number():
    seeds = np.where(TOUCHING == 3, 2**31 - 1, TOUCHING)
    mask, expected = TOUCHING > 0, ck.postprocessing.grow_labels(TOUCHING, TOUCHING > 0)
    np.testing.assert_array_equal(ck.postprocessing.grow_labels(seeds, mask), expected)
    np.testing.assert_array_equal(ck.postprocessing.grow_labels(TOUCHING.tolist(), mask), expected)


def test_bad_input_to_elbow_and_tuning():
    with pytest.raises(ValueError, match="no foreground pixel"):
        elbow(np.zeros((5, 5), bool))
    with pytest.raises(ValueError, match="only 36 foreground pixels"):
        elbow(GOOD > 0, [2, 40])
    with pytest.raises(ValueError, match="method is 'magic'"):
        tune_instances([GOOD], [TOUCHING], "magic")
    with pytest.raises(ValueError, match="same length"):
        tune_instances([GOOD, GOOD], [GOOD.astype(int)], "components", {}, progress=False)
    with pytest.raises(TypeError, match="float64.*whole numbers"):
        tune_instances([GOOD], [GOOD], "components", {}, progress=False)
    with pytest.raises(ValueError, match="no images"):
        tune_instances([], [], "components", {}, progress=False)


# --- what a mask cannot say ----------------------------------------------------------------------


def touching(rows=5):
    """A probability of round cells on a grid that touch all around, and what is true of them."""
    y, x = np.indices((20 * rows, 100))
    labels = (y // 20 * 5 + x // 20 + 1) * (np.hypot(y % 20 - 9.5, x % 20 - 9.5) < 10.6)
    return (0.9 * (labels > 0)).astype(np.float32), labels


def test_a_crowd_in_a_mask_is_warned_of_and_what_tells_cells_apart_is_named():
    prob, labels = touching()
    assert ndimage.label(prob)[1] == 1 and labels.max() == 25
    with pytest.warns(UserWarning, match="not to be relied on; use a network .*'livecell-objects'"):
        instances(prob)
    maps = {"foreground": prob, "distance": prob, "border": prob}
    with pytest.warns(UserWarning, match="these maps say more, with method='distance'"):
        instances(maps)


def test_what_a_mask_does_say_is_not_warned_of():
    prob, labels = touching()
    alone = np.where(ndimage.minimum_filter(labels, 5) == labels, prob, 0)
    one = np.zeros((90, 90), np.float32)
    one[10:80, 10:80] = 0.9
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert instances(alone).max() == 25
        instances(one)
        instances(touching(1)[0])
        instances(prob > 0.5)
        instances(prob, "components")
        instances({"foreground": prob, "distance": prob}, "distance")
        tune_instances([prob], [labels], "watershed", {"smoothing": (1,)}, progress=False)
