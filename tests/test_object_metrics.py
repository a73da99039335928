"""Object metrics against StarDist, torchmetrics, pycocotools, scikit-image, scipy and loops."""

import doctest
import os
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import directed_hausdorff
from skimage.metrics import hausdorff_distance
from torchmetrics.functional.detection import panoptic_quality as tm_panoptic_quality

from cellkit.metrics import (
    THRESHOLDS,
    average_precision,
    coco_average_precision,
    count_error,
    dsb2018_score,
    hausdorff,
    matched_pairs,
    matching,
    mean_precision,
    object_dice,
    object_f1,
    object_hausdorff,
    overlap_table,
    panoptic_quality,
    splits_merges,
)

OBJECT_METRICS = [average_precision, panoptic_quality, dsb2018_score, mean_precision, object_f1,
                  object_dice, object_hausdorff, matching, matched_pairs, count_error,
                  splits_merges, overlap_table, coco_average_precision]
REALDATA = Path(os.environ.get("CELLKIT_DATA") or "no real data")


def cells(seed, number=40, shape=(90, 110), radius=9, jitter=0.0, drop=0.0):
    """Touching discs: each pixel belongs to the nearest of some random centres, if near enough."""
    centres = np.random.default_rng(7).random((number, 2)) * shape
    rng = np.random.default_rng(seed)
    centres = centres + jitter * rng.standard_normal(centres.shape)
    centres = centres[rng.random(number) >= drop]
    distance, nearest = cKDTree(centres).query(np.indices(shape).reshape(2, -1).T)
    names = rng.permutation(3 * number)[: len(centres)] + 1
    return np.where(distance < radius, names[nearest], 0).reshape(shape).astype(np.int32)


def two_label_maps(seed=0, number=40):
    return (cells(seed, number),
            cells(seed + 100, number, jitter=3, drop=0.15, radius=8))


def label_pairs(max_label=5, max_side=8):
    """Two small label maps of one shape, rich in ties."""
    shapes = st.tuples(*[st.integers(1, max_side)] * 2)
    return shapes.flatmap(lambda shape: st.tuples(
        *[arrays(np.int32, shape, elements=st.integers(0, max_label))] * 2))


def ids_of(labels):
    return [int(k) for k in np.unique(labels) if k]


def iou_matrix(truth, pred):
    """Exact fractions, from masks."""
    return [[Fraction(int(((truth == i) & (pred == j)).sum()),
                      int(((truth == i) | (pred == j)).sum()))
             for j in ids_of(pred)] for i in ids_of(truth)]


def best_matching(truth, pred, threshold, strict=False):
    """Most pairs, then largest sum of IoU, by scipy's assignment on the dense matrix."""
    matrix = iou_matrix(truth, pred)
    if not matrix or not matrix[0]:
        return 0, 0.0
    allowed = np.array([[iou > threshold if strict else iou >= threshold for iou in row]
                        for row in matrix])
    iou = np.array(matrix, dtype=float)
    gain = np.where(allowed, 1 + iou / (2 * iou.size), 0)
    picked = linear_sum_assignment(gain, maximize=True)
    return int(allowed[picked].sum()), float((iou * allowed)[picked].sum())


def test_worked_examples_in_the_docstrings():
    for name in ["objects", "glas", "coco"]:
        result = doctest.testmod(sys.modules[f"cellkit.metrics.{name}"])
        assert result.failed == 0
        assert result.attempted > 0


# --- The table ----------------------------------------------------------------------------------

@settings(max_examples=100, deadline=None)
@given(label_pairs())
def test_table_equals_counting_with_masks(maps):
    truth, pred = maps
    table = overlap_table(truth, pred)
    assert table.truth_ids.tolist() == ids_of(truth)
    assert table.pred_ids.tolist() == ids_of(pred)
    assert table.truth_areas.tolist() == [(truth == k).sum() for k in ids_of(truth)]
    assert table.pred_areas.tolist() == [(pred == k).sum() for k in ids_of(pred)]
    found = {(int(table.truth_ids[t]), int(table.pred_ids[p])): (int(a), int(u))
             for t, p, a, u in zip(table.truth, table.pred, table.area, table.union, strict=True)}
    expected = {(i, j): (((truth == i) & (pred == j)).sum(), ((truth == i) | (pred == j)).sum())
                for i in ids_of(truth) for j in ids_of(pred)}
    assert found == {pair: areas for pair, areas in expected.items() if areas[0]}


def test_table_knows_any_label_up_to_int32():
    truth = np.array([[2**31 - 1, 70_000, 0]])
    pred = np.array([[2**31 - 1, 2**31 - 1, 65_536]])
    table = overlap_table(truth, pred)
    assert table.truth_ids.tolist() == [70_000, 2**31 - 1]
    assert table.pred_ids.tolist() == [65_536, 2**31 - 1]
    assert table.area.tolist() == [1, 1]


# --- Matching -----------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", range(4))
def test_matching_equals_stardist(seed):
    stardist = pytest.importorskip("stardist.matching")
    truth, pred = two_label_maps(seed)
    thresholds = [0.101, 0.251, 0.401, 0.501, 0.601, 0.751, 0.901]
    for ours, theirs in zip(matching(truth, pred, thresholds),
                            stardist.matching(truth, pred, thresholds), strict=True):
        assert ours[:8] == pytest.approx((theirs.thresh, theirs.tp, theirs.fp, theirs.fn,
                                          theirs.precision, theirs.recall, theirs.f1,
                                          theirs.accuracy))
        quality = ours.mean_iou, ours.panoptic_quality
        theirs_quality = theirs.mean_matched_score, theirs.panoptic_quality
        if ours.threshold > 0.5:
            assert quality == pytest.approx(theirs_quality, abs=1e-6)
        else:
            # Between pairings of equal size StarDist also looks at the IoU of those left unpaired,
            # and so may take one with a smaller sum.
            assert min(np.subtract(quality, theirs_quality)) > -1e-6


def test_pooled_matching_equals_stardist():
    stardist = pytest.importorskip("stardist.matching")
    truths, preds = zip(*[two_label_maps(seed, 10 + 10 * seed) for seed in range(4)], strict=True)
    theirs = stardist.matching_dataset(truths, preds, [0.501, 0.701], show_progress=False)
    for ours, peer in zip(matching(truths, preds, [0.501, 0.701]), theirs, strict=True):
        assert ours[1:] == pytest.approx((peer.tp, peer.fp, peer.fn, peer.precision, peer.recall,
                                          peer.f1, peer.accuracy, peer.mean_matched_score,
                                          peer.panoptic_quality), abs=1e-6)
    ap = average_precision(truths, preds, [0.501, 0.701])
    assert ap == pytest.approx([peer.accuracy for peer in theirs])
    each = np.mean([average_precision(t, p, 0.701) for t, p in zip(truths, preds, strict=True)])
    assert abs(ap[1] - each) > 1e-3  # pooled counts, not a mean over images


@settings(max_examples=150, deadline=None)
@given(label_pairs(), st.integers(1, 20), st.booleans())
def test_matching_equals_dense_assignment(maps, k, strict):
    truth, pred = maps
    ours = matching(truth, pred, k / 20, strict)
    tp, iou = best_matching(truth, pred, Fraction(k, 20), strict)
    assert ours.tp == tp
    assert (ours.fp, ours.fn) == (len(ids_of(pred)) - tp, len(ids_of(truth)) - tp)
    assert ours.mean_iou * ours.tp == pytest.approx(iou, abs=1e-9)


@pytest.mark.parametrize("threshold", [0.1, 0.2, 0.35, 0.5])
def test_dense_tissue_is_matched_one_to_one_at_low_thresholds(threshold):
    for seed in range(5):
        truth, pred = two_label_maps(seed)
        tp, iou = best_matching(truth, pred, Fraction(threshold).limit_denominator(1000))
        ours = matching(truth, pred, threshold)
        assert ours.tp == tp
        assert ours.mean_iou * tp == pytest.approx(iou, abs=1e-9)
        pairs = matched_pairs(truth, pred, threshold)
        assert len(pairs) == tp
        assert len(set(pairs[:, 0])) == len(set(pairs[:, 1])) == tp
        for t, p in pairs:
            assert hausdorff(truth == t, pred == p) < 30


def test_at_one_half_two_candidates_are_possible_and_one_is_taken():
    truth, pred = np.array([[1, 1]]), np.array([[1, 2]])
    assert matching(truth, pred, 0.5).tp == 1
    assert matching(truth, pred, 0.5, strict=True).tp == 0


# --- Ties: where known references differ --------------------------------------------------------

def iou_of(numerator, denominator):
    """Two objects whose IoU is numerator / denominator."""
    truth = np.ones((1, denominator), np.int32)
    pred = (np.arange(denominator) < numerator).astype(np.int32)[None]
    return truth, pred


@pytest.mark.parametrize("k", range(1, 21))
def test_an_iou_on_the_threshold_is_a_hit_and_strictly_it_is_not(k):
    for scale in (1, 3, 7):
        truth, pred = iou_of(k * scale, 20 * scale)
        for threshold in (k / 20, np.float32(k / 20), 0.05 * k):
            assert matching(truth, pred, threshold).tp == 1
            assert matching(truth, pred, threshold, strict=True).tp == 0
        if k > 1:
            truth, pred = iou_of(20 * scale * k - 1, 400 * scale)
            assert matching(truth, pred, k / 20).tp == 0


def test_arange_means_the_decimals_it_was_written_with():
    thresholds = np.arange(0.5, 1, 0.05)
    assert thresholds[6] != 0.8  # 0.8000000000000003
    truth, pred = iou_of(4, 5)
    assert matching(truth, pred, thresholds)[6].tp == 1


@pytest.mark.parametrize("k", range(10, 20))
def test_stardist_agrees_on_ties_because_it_rounds_to_float32(k):
    stardist = pytest.importorskip("stardist.matching")
    truth, pred = iou_of(k, 20)
    for threshold in (k / 20, np.arange(0.5, 1, 0.05)[k - 10]):
        assert stardist.matching(truth, pred, threshold).tp == 1
        assert matching(truth, pred, threshold).tp == 1


def test_cellpose_misses_the_tie_that_arange_moves():
    cellpose = pytest.importorskip("cellpose.metrics")
    truth, pred = (np.append(x, [[0]], axis=1) for x in iou_of(4, 5))
    thresholds = np.arange(0.5, 1, 0.05)
    _, tp, _, _ = cellpose.average_precision(truth, pred, thresholds)
    assert tp.tolist() == [1] * 6 + [0] * 4  # float64: 4/5 is not >= 0.8000000000000003
    assert [m.tp for m in matching(truth, pred, thresholds)] == [1] * 7 + [0] * 3


def test_cellpose_takes_an_object_for_background_where_there_is_none():
    cellpose = pytest.importorskip("cellpose.metrics")
    truth = np.array([[1, 1, 2, 2]])
    _, tp, fp, fn = cellpose.average_precision(truth, truth, [0.5])
    assert (tp[0], fp[0], fn[0]) == (2, -1, -1)
    assert matching(truth, truth)[1:4] == (2, 0, 0)


def test_stardist_gives_nothing_for_nothing():
    stardist = pytest.importorskip("stardist.matching")
    empty = np.zeros((4, 4), np.int32)
    assert stardist.matching(empty, empty).accuracy == 0
    assert average_precision(empty, empty, 0.5) == 1


# --- Properties ---------------------------------------------------------------------------------

def renumber(labels, seed):
    """Other names for the same objects: shuffled, with gaps, above 65,535."""
    names = np.random.default_rng(seed).permutation(100_000)[: labels.max() + 1] + 65_536
    names[0] = 0
    return names[labels]


@settings(max_examples=80, deadline=None)
@given(label_pairs(), st.integers(0, 10))
def test_names_of_objects_do_not_matter(maps, seed):
    truth, pred = maps
    others = renumber(truth, seed), renumber(pred, seed + 1)
    for t in (0.25, 0.5, 0.75):
        assert matching(*others, t) == pytest.approx(matching(truth, pred, t))
    for metric in (dsb2018_score, mean_precision, splits_merges, count_error):
        assert metric(*others) == pytest.approx(metric(truth, pred))
    # The contest's partner is the smallest label among equals, so here the order must stay.
    ordered = [np.searchsorted(np.unique(x), x) * 40_000 + 7 * (x > 0) for x in maps]
    ordered = [np.where(x > 0, o, 0) for x, o in zip(maps, ordered, strict=True)]
    for metric in (object_f1, object_dice, object_hausdorff):
        assert metric(*ordered) == pytest.approx(metric(truth, pred))


@settings(max_examples=80, deadline=None)
@given(label_pairs())
def test_swapping_truth_and_prediction(maps):
    truth, pred = maps
    for t in (0.25, 0.5, 0.75):
        one, other = matching(truth, pred, t), matching(pred, truth, t)
        assert (one.tp, one.fp, one.fn) == (other.tp, other.fn, other.fp)
        assert one.precision == other.recall
        assert one.average_precision == other.average_precision
        assert one.panoptic_quality == pytest.approx(other.panoptic_quality)
    assert splits_merges(truth, pred) == splits_merges(pred, truth)[::-1]
    for metric in (object_dice, object_hausdorff):
        assert metric(truth, pred) == pytest.approx(metric(pred, truth))


@settings(max_examples=80, deadline=None)
@given(label_pairs())
def test_perfect_and_turned_images(maps):
    truth, pred = maps
    assert average_precision(truth, truth).tolist() == [1] * 10
    assert mean_precision(truth, truth) == dsb2018_score(truth, truth) == 1
    assert object_f1(truth, truth) == 1
    assert object_dice(truth, truth) == pytest.approx(1)
    assert object_hausdorff(truth, truth) == 0
    assert splits_merges(truth, truth) == (0, 0)
    assert count_error(truth, truth).error == 0
    for metric in (average_precision, dsb2018_score, object_f1, object_dice, object_hausdorff):
        assert metric(truth.T, pred.T) == pytest.approx(metric(truth, pred))
        assert metric(truth[::-1], pred[::-1]) == pytest.approx(metric(truth, pred))


def test_empty_images():
    empty, some = np.zeros((5, 6), np.int32), np.full((5, 6), 3)
    for metric in (panoptic_quality, dsb2018_score, mean_precision, object_f1, object_dice):
        assert metric(empty, empty) == 1
        assert metric(empty, some) == metric(some, empty) == 0
    assert average_precision(empty, some).tolist() == [0] * 10
    assert object_hausdorff(empty, empty) == 0
    assert object_hausdorff(empty, some) == object_hausdorff(some, empty) == np.inf
    assert object_hausdorff([some, empty], [some, some]) == np.inf
    assert count_error(empty, some) == (0, 1, np.inf)
    assert count_error(some, empty) == (1, 0, 1)
    assert count_error(empty, empty) == (0, 0, 0)
    assert matched_pairs(empty, some).shape == (0, 2)
    # An image where nothing is to be found is neutral for pooled counts, and 1 in a mean.
    truth, pred = iou_of(1, 5)
    pooled = average_precision([truth, empty], [pred, empty], 0.5)
    assert pooled == average_precision(truth, pred, 0.5) == 0
    assert dsb2018_score([truth, empty], [pred, empty]) == 0.5


def test_one_pixel_objects_and_one_that_covers_everything():
    shape = (12, 9)
    pixels = np.arange(1, 109).reshape(shape)
    everything = np.ones(shape, np.int32)
    assert average_precision(pixels, np.roll(pixels, 1)).tolist() == [1] * 10
    assert average_precision(pixels, everything, 0.5) == 0
    assert matching(pixels, everything, 1 / 108).tp == 1
    assert splits_merges(pixels, everything) == (0, 1)
    assert splits_merges(everything, pixels) == (1, 0)
    assert object_f1(pixels, everything) == pytest.approx(2 / 109)
    assert object_f1(everything, pixels) == 0
    assert object_dice(pixels, everything) == pytest.approx(2 / 109)
    assert object_hausdorff(pixels, np.roll(pixels, 1)) == 0
    assert count_error(pixels, everything) == (108, 1, 107 / 108)


def test_more_objects_than_16_bits_can_number():
    truth = np.arange(1, 300 * 300 + 1).reshape(300, 300)
    pred = truth[::-1, ::-1].copy()
    pred[:, :30] = 0
    result = matching(truth, pred, 0.95)
    assert (result.tp, result.fp, result.fn) == (81_000, 0, 9_000)
    assert object_f1(truth, pred) == pytest.approx(2 * 81_000 / 171_000)
    assert object_dice(truth, pred) == pytest.approx((1 + 0.9) / 2)
    assert count_error(truth, pred).error == pytest.approx(0.1)
    pairs = matched_pairs(truth, pred)
    np.testing.assert_array_equal(pairs.sum(axis=1), 90_001)


def test_labels_of_every_integer_type():
    truth, pred = two_label_maps()
    expected = average_precision(truth, pred)
    for dtype in (np.uint8, np.uint16, np.int64, np.uint64):
        np.testing.assert_array_equal(
            average_precision(truth.astype(dtype), pred.astype(dtype)), expected)
    np.testing.assert_array_equal(
        average_precision(torch.from_numpy(truth), torch.from_numpy(pred)), expected)
    np.testing.assert_array_equal(average_precision(truth[::-1, ::-1], pred[::-1, ::-1]), expected)


# --- Named scores -------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", range(3))
def test_panoptic_quality_equals_torchmetrics(seed):
    truth, pred = two_label_maps(seed)
    t, p = (torch.from_numpy(np.stack([x > 0, x], axis=-1)[None].astype(np.int64))
            for x in (truth, pred))
    theirs = tm_panoptic_quality(p, t, things={1}, stuffs={0}, return_per_class=True)
    assert 0.05 < panoptic_quality(truth, pred) < 0.95
    assert panoptic_quality(truth, pred) == pytest.approx(float(theirs[0, 0]), abs=1e-6)


def test_dsb2018_by_hand():
    """IoU 0.75 counts up to 0.70 only, because Kaggle asks for more than the threshold."""
    truth, pred = iou_of(3, 4)
    assert dsb2018_score(truth, pred) == pytest.approx(5 / 10)
    assert average_precision(truth, pred).mean() == pytest.approx(6 / 10)
    two = np.array([[1, 1, 1, 1, 0, 2]])
    half = np.array([[1, 1, 1, 0, 0, 0]])
    assert dsb2018_score(two, half) == pytest.approx(5 / 10 * 1 / 2)
    assert dsb2018_score([truth, two], [pred, half]) == pytest.approx((0.5 + 0.25) / 2)


def test_paper_5_map_by_hand():
    truth = np.array([[1, 1, 1, 1, 0, 2, 2, 0, 3, 3]])
    pred = np.array([[1, 1, 1, 0, 0, 4, 4, 0, 0, 0]])
    # Of two predictions both are hits up to IoU 0.75 (6 thresholds), one from 0.80 to 1.00 (5).
    assert mean_precision(truth, pred) == pytest.approx((6 * 1 + 5 / 2) / 11)


def test_paper_5_map_prefers_the_method_that_misses_most():
    truth = cells(0)
    few = np.where(np.isin(truth, ids_of(truth)[:3]), truth, 0)
    many = cells(0, jitter=0.8)
    assert mean_precision(truth, few) > mean_precision(truth, many)
    assert average_precision(truth, few).mean() < average_precision(truth, many).mean()


@settings(max_examples=80, deadline=None)
@given(label_pairs())
def test_splits_and_merges_equal_loops(maps):
    truth, pred = maps
    splits = sum(sum(2 * ((pred == j) & (truth == i)).sum() > (pred == j).sum()
                     for j in ids_of(pred)) >= 2 for i in ids_of(truth))
    merges = sum(sum(2 * ((pred == j) & (truth == i)).sum() > (truth == i).sum()
                     for i in ids_of(truth)) >= 2 for j in ids_of(pred))
    assert splits_merges(truth, pred) == (splits, merges)
    assert splits_merges([truth, pred], [pred, truth]) == (splits + merges, splits + merges)


def test_count_errors_do_not_cancel():
    one, two, three = (np.arange(4)[None] % (k + 1) for k in (1, 2, 3))
    assert count_error([two, two], [one, three]) == (4, 4, 0.5)


# --- COCO ---------------------------------------------------------------------------------------

def plain_coco(truths, preds, scores, areas, max_dets):
    """COCOeval fed with whole masks, one by one."""
    gt = COCO()
    true, found = [], []
    for i, (t, p) in enumerate(zip(truths, preds, strict=True)):
        for k in ids_of(t):
            code = coco_mask.encode(np.asfortranarray(t == k, dtype=np.uint8))
            true.append({"id": len(true) + 1, "image_id": i, "category_id": 1, "iscrowd": 0,
                         "area": int((t == k).sum()), "segmentation": code})
        for k, score in zip(ids_of(p), scores[i], strict=True):
            code = coco_mask.encode(np.asfortranarray(p == k, dtype=np.uint8))
            found.append({"image_id": i, "category_id": 1, "score": score, "segmentation": code})
    gt.dataset = {"images": [{"id": i, "height": t.shape[0], "width": t.shape[1]}
                             for i, t in enumerate(truths)],
                  "annotations": true, "categories": [{"id": 1}]}
    gt.createIndex()
    evaluation = COCOeval(gt, gt.loadRes(found), "segm")
    evaluation.params.maxDets, evaluation.params.areaRng = max_dets, areas
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation


def test_coco_ap_equals_pycocotools_on_whole_masks():
    truths, preds = zip(*[two_label_maps(seed, 30) for seed in range(2)], strict=True)
    rng = np.random.default_rng(0)
    scores = [rng.random(len(ids_of(p))) for p in preds]
    areas = [[0, 1e10], [0, 324], [324, 961], [961, 1e10]]
    evaluation = plain_coco(truths, preds, scores, areas, [100, 500, 2000])
    precision = evaluation.eval["precision"][..., -1]

    def mean(values):
        return values[values > -1].mean() if (values > -1).any() else np.nan

    ours = coco_average_precision(truths, preds, scores)
    expected = [mean(precision[:, :, 0, 0]), mean(precision[0, :, 0, 0]),
                mean(precision[5, :, 0, 0]), *(mean(precision[:, :, 0, k]) for k in (1, 2, 3)),
                mean(evaluation.eval["recall"][:, 0, 0, -1])]
    np.testing.assert_allclose(ours, expected)
    assert 0.05 < ours.ap < 0.95
    assert np.isnan(ours.ap_large)


def test_coco_ap_by_hand():
    truth = np.array([[1, 1, 0, 2, 2]])
    pred = np.array([[1, 1, 3, 0, 0]])
    assert coco_average_precision(truth, pred, [0.9, 0.1]).ap50 == pytest.approx(51 / 101)
    assert coco_average_precision(truth, pred, [0.1, 0.9]).ap50 == pytest.approx(51 / 101 / 2)
    assert coco_average_precision([truth], [pred], [[0.9, 0.1]]).ar == pytest.approx(0.5)


def test_coco_summary_is_wrong_for_more_than_a_hundred_perfect_cells(capsys):
    truth = np.kron(np.arange(1, 201).reshape(10, 20), [[1, 1, 0], [1, 1, 0], [0, 0, 0]])
    scores = [[1.0] * 200]
    evaluation = plain_coco([truth], [truth], scores, [[0, 1e10]] + [[0, 324]] * 3,
                            [100, 500, 2000])
    evaluation.params.areaRngLbl = ["all", "small", "medium", "large"]
    evaluation.summarize()
    capsys.readouterr()
    assert evaluation.stats[0] == pytest.approx(1 / 2, abs=0.01)
    assert coco_average_precision(truth, truth).ap == pytest.approx(1)
    assert capsys.readouterr().out == ""


def test_coco_without_predictions_or_objects():
    truth, empty = np.array([[1, 1, 0, 2, 2]]), np.zeros((1, 5), int)
    result = coco_average_precision(truth, empty)
    assert result[:4] == (0, 0, 0, 0)
    assert np.isnan(result.ap_medium)
    assert coco_average_precision([truth, truth], [truth, empty]).ar == pytest.approx(0.5)
    with pytest.raises(ValueError, match="no object in any image"):
        coco_average_precision(empty, truth)
    with pytest.raises(ValueError, match="one for each predicted object"):
        coco_average_precision(truth, truth, [0.5])
    with pytest.raises(ValueError, match="NaN"):
        coco_average_precision(truth, truth, [0.5, float("nan")])


# --- GlaS ---------------------------------------------------------------------------------------

def partner(mask, others):
    """The contest's words: the object of maximal overlap, background not being one."""
    inside = others[mask]
    inside = inside[inside > 0]
    if not inside.size:
        return None
    names, counts = np.unique(inside, return_counts=True)
    return others == names[np.argmax(counts)]


def points_hausdorff(one, other):
    one, other = np.argwhere(one), np.argwhere(other)
    return max(directed_hausdorff(one, other)[0], directed_hausdorff(other, one)[0])


def glas_by_loops(truths, preds):
    """F1, object Dice and object Hausdorff, restated from the contest's description."""
    tp = true = predicted = 0
    dice_sum, hausdorff_sum, pixels = np.zeros(2), np.zeros(2), np.zeros(2)
    for truth, pred in zip(truths, preds, strict=True):
        true, predicted = true + len(ids_of(truth)), predicted + len(ids_of(pred))
        for side, (own, others) in enumerate([(pred, truth), (truth, pred)]):
            for k in ids_of(own):
                mask = own == k
                mate = partner(mask, others)
                if side == 0 and mate is not None:
                    tp += (mask & mate).sum() / mate.sum() > 0.5
                if mate is None:
                    dice = 0
                    distances = [points_hausdorff(mask, others == j) for j in ids_of(others)]
                    distance = min(distances, default=np.inf)
                else:
                    dice = 2 * (mask & mate).sum() / (mask.sum() + mate.sum())
                    distance = points_hausdorff(mask, mate)
                dice_sum[side] += mask.sum() * dice
                hausdorff_sum[side] += mask.sum() * distance
                pixels[side] += mask.sum()
    return 2 * tp / (true + predicted), (dice_sum / pixels).mean(), (hausdorff_sum / pixels).mean()


def scattered(seed, shape=(40, 50), number=6):
    """A few discs far apart, so that some have no partner."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    for name in rng.permutation(300)[:number] + 1:
        y, x, radius = rng.random(3) * [*shape, 6] + [0, 0, 2]
        rows, columns = np.indices(shape)
        labels[np.hypot(rows - y, columns - x) < radius] = name
    return labels


@pytest.mark.parametrize("seed", range(8))
def test_glas_scores_equal_the_contest_in_loops(seed):
    rows = [(scattered(10 * seed + k), scattered(10 * seed + k + 5)) for k in range(3)]
    truths, preds = zip(*rows, strict=True)
    f1, dice, distance = glas_by_loops(truths, preds)
    assert object_f1(truths, preds) == pytest.approx(f1)
    assert object_dice(truths, preds) == pytest.approx(dice)
    assert object_hausdorff(truths, preds) == pytest.approx(distance)


@settings(max_examples=80, deadline=None)
@given(label_pairs())
def test_glas_scores_equal_the_contest_on_any_labels(maps):
    truth, pred = maps
    if truth.any() and pred.any():
        f1, dice, distance = glas_by_loops([truth], [pred])
        assert object_f1(truth, pred) == pytest.approx(f1)
        assert object_dice(truth, pred) == pytest.approx(dice)
        assert object_hausdorff(truth, pred) == pytest.approx(distance)


def test_glas_aggregates_over_objects_not_over_images():
    big, small = np.ones((10, 10), int), np.zeros((10, 10), int)
    small[0, 0] = 1
    miss = np.roll(small, (5, 5), (0, 1))
    truths, preds = [big, small], [big, miss]
    assert object_f1(truths, preds) == 0.5
    assert object_dice(truths, preds) == pytest.approx(100 / 101)
    assert object_hausdorff(truths, preds) == pytest.approx(np.hypot(5, 5) / 101)


def test_widely_copied_port_forgets_the_background():
    """It takes the most frequent value under an object, 0 included, and casts labels to uint8."""
    truth = np.array([[0, 0, 0, 5, 5]])
    pred = np.array([[3, 3, 3, 3, 3]])
    values, counts = np.unique(truth[pred == 3], return_counts=True)
    assert values[np.argmax(counts)] == 0  # its "partner" is the background: Dice 6/8, not 4/7
    assert object_dice(truth, pred) == pytest.approx(4 / 7)
    three_hundred = np.arange(1, 301).reshape(15, 20)
    assert len(ids_of(three_hundred.astype(np.uint8))) == 255
    assert object_f1(three_hundred, three_hundred) == 1


def test_half_an_object_is_not_a_hit():
    truth = np.array([[1, 1, 1, 1]])
    assert object_f1(truth, np.array([[1, 1, 2, 2]])) == 0
    assert object_f1(truth, np.array([[1, 1, 1, 2]])) == pytest.approx(2 / 3)


# --- Hausdorff ----------------------------------------------------------------------------------

@settings(max_examples=100, deadline=None)
@given(label_pairs(1, 10))
def test_hausdorff_equals_scikit_image(maps):
    truth, pred = (labels > 0 for labels in maps)
    assert hausdorff(truth, pred) == pytest.approx(hausdorff_distance(truth, pred))


def test_hausdorff_of_empty_masks():
    empty, full = np.zeros((4, 5), bool), np.ones((4, 5), bool)
    assert hausdorff(empty, empty) == 0
    assert hausdorff(empty, full) == hausdorff(full, empty) == np.inf
    assert hausdorff([full, full], [full, np.eye(4, 5, dtype=bool)]) == hausdorff(
        full, np.eye(4, 5, dtype=bool)) / 2


def test_hausdorff_looks_inside_outlines():
    """A disc against its ring: the farthest pixel is the centre, which is on no outline."""
    radius = np.hypot(*np.indices((41, 41)) - 20)
    disc, ring = radius < 20, (radius < 20) & (radius > 15)
    assert hausdorff(disc, ring) == hausdorff_distance(disc, ring) == pytest.approx(15, abs=0.1)
    outlines = [mask & ~np.roll(mask, 1, 0) | mask & ~np.roll(mask, -1, 0)
                | mask & ~np.roll(mask, 1, 1) | mask & ~np.roll(mask, -1, 1)
                for mask in (disc, ring)]
    assert hausdorff(*outlines) < 6


@pytest.mark.skipif(not (REALDATA / "glas").is_dir(), reason="needs the real GlaS images")
def test_real_glands_against_scikit_image():
    file = sorted((REALDATA / "glas").rglob("*_anno.png"))[0]
    truth = np.asarray(Image.open(file)).astype(np.int32)
    pred = np.roll(truth, (7, -4), (0, 1))
    pred[:7], pred[:, -4:] = 0, 0
    total = np.zeros(2)
    for side, (own, others) in enumerate([(pred, truth), (truth, pred)]):
        for k in ids_of(own):
            mate = partner(own == k, others)
            assert mate is not None
            total[side] += (own == k).sum() / (own > 0).sum() * hausdorff_distance(own == k, mate)
    assert object_hausdorff(truth, pred) == pytest.approx(total.mean())


# --- Bad input ----------------------------------------------------------------------------------

GOOD = np.array([[1, 0], [0, 2]])


@pytest.mark.parametrize("bad, error, says", [
    (GOOD.astype(np.float32), TypeError, "float32.*whole numbers"),
    (GOOD * 0.5, TypeError, "cellkit.instances"),
    (GOOD > 0, TypeError, "mask.*number its objects"),
    (-GOOD, ValueError, "labels from -2"),
    (GOOD * 2**31, ValueError, "renumber"),
    (np.array([[1, 0, 2]]), ValueError, r"\(1, 3\).*same"),
    (np.zeros((0, 3), int), ValueError, "empty"),
    (np.array([[np.nan, 1], [0, 1]]), ValueError, "NaN"),
    ([GOOD, GOOD], ValueError, "row of images"),
    (None, TypeError, "NoneType"),
], ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize("metric", OBJECT_METRICS, ids=lambda metric: metric.__name__)
def test_bad_labels(metric, bad, error, says):
    for arguments in [(GOOD, bad), (bad, GOOD)]:
        with pytest.raises(error, match=says) as caught:
            metric(*arguments)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("metric", OBJECT_METRICS, ids=lambda metric: metric.__name__)
def test_rows_of_different_length(metric):
    with pytest.raises(ValueError, match="pred has 1 images|not enough|too many|one image"):
        metric([GOOD, GOOD], [GOOD])


@pytest.mark.parametrize("threshold", [0, -0.5, 1.01, float("nan"), "a", None])
def test_bad_threshold(threshold):
    for thresholds in ([0.5, threshold], threshold):
        with pytest.raises(ValueError, match="IoU threshold is .*above 0 and at most 1"):
            average_precision(GOOD, GOOD, thresholds)


def test_coco_takes_pictures_with_scores():
    picture = Image.fromarray(GOOD.astype(np.uint8))
    assert (coco_average_precision(picture, picture, [0.9, 0.8])[:3]
            == coco_average_precision(GOOD, GOOD, [0.9, 0.8])[:3] == pytest.approx((1, 1, 1)))


def test_default_thresholds():
    assert THRESHOLDS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    assert average_precision(GOOD, GOOD).shape == (10,)
    assert average_precision(GOOD, GOOD, 0.5) == 1.0
    assert isinstance(average_precision(GOOD, GOOD, 0.5), float)


def test_coco_ap_in_groups_is_coco_ap_in_whole_images():
    rng = np.random.default_rng(3)
    truths = [crowd(rng, 40) for _ in range(3)]
    preds = [np.roll(t, (1, 2), (0, 1)) for t in truths]
    areas = [[0, 1e10], [0, 18**2], [18**2, 31**2], [31**2, 1e10]]
    for scores in (None, [np.round(rng.random(len(np.unique(p)) - 1), 1) for p in preds]):
        told = scores or [np.ones(len(np.unique(p)) - 1) for p in preds]
        evaluation = plain_coco(truths, preds, told, areas, [100, 500, 2000])
        precision = evaluation.eval["precision"][:, :, 0, :, -1]
        ours = coco_average_precision(truths, preds, scores)
        assert ours.ap == pytest.approx(precision[:, :, 0].mean(), abs=1e-12)
        assert ours.ap50 == pytest.approx(precision[0, :, 0].mean(), abs=1e-12)


def crowd(rng, n):
    """Overlapping squares, so that one object meets several of the other map."""
    labels = np.zeros((90, 90), np.int32)
    for k in range(1, n + 1):
        a, b, side = *rng.integers(0, 75, 2), rng.integers(4, 22)
        labels[a:a + side, b:b + side] = k
    return labels
