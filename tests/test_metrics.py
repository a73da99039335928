"""Pixel metrics against scikit-learn, torchmetrics, scipy and sums done by hand."""

import doctest
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm
from torchmetrics.functional.segmentation import dice_score

import cellkit.metrics as ckm
from cellkit.metrics import (
    accuracy,
    confusion,
    dice,
    edge_band,
    edge_dice,
    f1,
    image_edges,
    iou,
    matched_pairs,
    overlap_table,
    precision,
    precision_recall_curve,
    recall,
    roc_curve,
)

SCORES = [dice, iou, accuracy, precision, recall, f1]
CURVES = [precision_recall_curve, roc_curve]
SIZES = [(1, 1), (17, 31), (64, 48)]


def two_masks(shape=(17, 31), seed=0, share=0.4):
    rng = np.random.default_rng(seed)
    return rng.random(shape) < share, rng.random(shape) < share


def mask_pairs(min_side=1, max_side=12):
    shapes = st.tuples(*[st.integers(min_side, max_side)] * 2)
    return shapes.flatmap(lambda shape: st.tuples(*[arrays(bool, shape)] * 2))


def test_worked_examples_in_the_docstrings():
    for name in ["pairs", "pixels"]:
        module = sys.modules[f"cellkit.metrics.{name}"]
        result = doctest.testmod(module)
        assert result.failed == 0


def test_metrics_need_no_torch():
    code = "import sys, cellkit.metrics; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(17, 31), (64, 48)])
def test_scores_equal_scikit_learn(shape, seed):
    truth, pred = two_masks(shape, seed)
    t, p = truth.ravel(), pred.ravel()
    assert dice(truth, pred) == pytest.approx(sk.f1_score(t, p), abs=1e-12)
    assert f1(truth, pred) == pytest.approx(sk.f1_score(t, p), abs=1e-12)
    assert iou(truth, pred) == pytest.approx(sk.jaccard_score(t, p), abs=1e-12)
    assert accuracy(truth, pred) == pytest.approx(sk.accuracy_score(t, p), abs=1e-12)
    assert precision(truth, pred) == pytest.approx(sk.precision_score(t, p), abs=1e-12)
    assert recall(truth, pred) == pytest.approx(sk.recall_score(t, p), abs=1e-12)
    tn, fp, fn, tp = sk.confusion_matrix(t, p).ravel().tolist()
    assert confusion(truth, pred) == (tp, fp, fn, tn)


def test_averaging_equals_torchmetrics():
    """Their ``samplewise`` is our mean over images, their ``global`` our pool."""
    masks = [two_masks(seed=s, share=0.1 + 0.15 * s) for s in range(5)]
    truth, pred = (np.stack(column) for column in zip(*masks, strict=True))
    t, p = torch.from_numpy(truth), torch.from_numpy(pred)
    peers = {
        dice: tm.binary_f1_score, iou: tm.binary_jaccard_index, accuracy: tm.binary_accuracy,
        precision: tm.binary_precision, recall: tm.binary_recall,
    }
    for ours, theirs in peers.items():
        each = [float(theirs(a, b)) for a, b in zip(p, t, strict=True)]
        assert ours(truth, pred) == pytest.approx(np.mean(each), abs=1e-6)
        assert ours(truth, pred, pooled=True) == pytest.approx(float(theirs(p, t)), abs=1e-6)
        if ours is not accuracy:  # whose mean and pool agree for images of one size
            assert abs(ours(truth, pred) - ours(truth, pred, pooled=True)) > 1e-3
    one_hot = [torch.nn.functional.one_hot(x.long(), 2).movedim(-1, 1) for x in (p, t)]
    theirs = dice_score(*one_hot, num_classes=2, include_background=False).mean()
    assert dice(truth, pred) == pytest.approx(float(theirs), abs=1e-6)


def test_mean_and_pool_by_hand():
    full, half, empty = np.ones((2, 2)), np.array([[1, 1], [0, 0]]), np.zeros((2, 2))
    truth, pred = [full, half, empty], [half, half, full]
    assert dice(truth, pred) == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert dice(truth, pred, pooled=True) == pytest.approx(2 * 4 / (6 + 8))
    assert iou(truth, pred) == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert iou(truth, pred, pooled=True) == pytest.approx(4 / 10)
    assert confusion(truth, pred) == (4, 4, 2, 2)


@pytest.mark.parametrize("shape", SIZES)
def test_empty_masks(shape):
    empty, full = np.zeros(shape, bool), np.ones(shape, bool)
    for score in SCORES:
        assert score(empty, empty) == 1
        assert score(full, full) == 1
        assert score(empty, full) == 0
        assert score(full, empty) == 0


@settings(max_examples=50, deadline=None)
@given(mask_pairs())
def test_swapping_truth_and_prediction(masks):
    truth, pred = masks
    for score in [dice, iou, accuracy, f1, edge_dice]:
        assert score(truth, pred) == score(pred, truth)
    assert precision(truth, pred) == recall(pred, truth)
    assert iou(truth, pred) == pytest.approx(dice(truth, pred) / (2 - dice(truth, pred)))


# --- One image, or a row of images ------------------------------------------------------------

def test_every_way_to_write_the_same_mask():
    truth, pred = two_masks()
    expected = dice(truth, pred)
    labels = np.where(truth, np.arange(truth.size).reshape(truth.shape) + 1, 0)
    for same in [truth.astype(np.uint8) * 255, truth.astype(np.float32), labels,
                 torch.from_numpy(truth), torch.from_numpy(truth).float()]:
        assert dice(same, pred) == expected


def test_every_way_to_write_the_same_row():
    truths, preds = zip(*[two_masks(seed=s) for s in range(3)], strict=True)
    expected = np.mean([dice(t, p) for t, p in zip(truths, preds, strict=True)])
    rows = [list, tuple, np.stack, iter, lambda row: torch.from_numpy(np.stack(row)),
            lambda row: (image for image in row)]
    for one in rows:
        for other in rows:
            assert dice(one(truths), other(preds)) == pytest.approx(expected, abs=1e-15)


def test_images_of_a_row_may_differ_in_size():
    masks = [two_masks(shape) for shape in SIZES]
    truths, preds = zip(*masks, strict=True)
    assert dice(truths, preds) == pytest.approx(np.mean([dice(t, p) for t, p in masks]))


def test_a_generator_is_read_one_image_at_a_time():
    alive = []

    def images():
        for seed in range(3):
            alive.append(seed)
            yield two_masks(seed=seed)[0]

    def partners():
        for seed in range(3):
            assert alive == list(range(seed + 1))
            yield two_masks(seed=seed)[1]

    dice(images(), partners())
    assert alive == [0, 1, 2]


# --- Curves -----------------------------------------------------------------------------------

def tied_maps(seed, levels=12):
    rng = np.random.default_rng(seed)
    truth = rng.random((40, 30)) < 0.3
    prob = np.clip(0.4 * truth + 0.7 * rng.random(truth.shape), 0, 1)
    return truth, (np.round(prob * levels) / levels).astype(np.float32)


@pytest.mark.parametrize("levels", [3, 12, 10**6])
def test_curves_equal_scikit_learn(levels):
    truth, prob = tied_maps(0, levels)
    curve = precision_recall_curve(truth, prob)
    p, r, thresholds = sk.precision_recall_curve(truth.ravel(), prob.ravel())
    np.testing.assert_allclose(curve.precision, p[::-1])
    np.testing.assert_allclose(curve.recall, r[::-1])
    np.testing.assert_allclose(curve.thresholds[1:], thresholds[::-1])
    area = sk.average_precision_score(truth.ravel(), prob.ravel())
    assert curve.area == pytest.approx(area, abs=1e-12)
    curve = roc_curve(truth, prob)
    fpr, tpr, thresholds = sk.roc_curve(truth.ravel(), prob.ravel(), drop_intermediate=False)
    np.testing.assert_allclose(curve.false_positive_rate, fpr)
    np.testing.assert_allclose(curve.true_positive_rate, tpr)
    np.testing.assert_allclose(curve.thresholds, thresholds)
    assert curve.area == pytest.approx(sk.roc_auc_score(truth.ravel(), prob.ravel()), abs=1e-12)


def test_curve_areas_equal_torchmetrics_pooled_over_images():
    truths, probs = zip(*[tied_maps(seed) for seed in range(3)], strict=True)
    t, p = torch.from_numpy(np.stack(truths)), torch.from_numpy(np.stack(probs))
    theirs = float(tm.binary_average_precision(p, t.long()))
    assert precision_recall_curve(truths, probs).area == pytest.approx(theirs, abs=1e-6)
    theirs = float(tm.binary_auroc(p, t.long()))
    assert roc_curve(truths, probs).area == pytest.approx(theirs, abs=1e-6)


def test_a_point_of_the_curve_is_the_score_at_its_threshold():
    truth, prob = tied_maps(1)
    curve = precision_recall_curve(truth, prob)
    for k in range(1, len(curve.thresholds)):
        pred = prob >= np.float32(curve.thresholds[k])
        assert curve.precision[k] == precision(truth, pred)
        assert curve.recall[k] == recall(truth, pred)


def test_curves_at_their_extremes():
    truth = two_masks()[0]
    for curve in CURVES:
        assert curve(truth, truth.astype(np.float32)).area == 1
        assert len(curve(truth, truth).thresholds) == 3
    constant = np.full(truth.shape, 0.5)
    assert roc_curve(truth, constant).area == 0.5
    assert precision_recall_curve(truth, constant).area == pytest.approx(truth.mean())
    assert roc_curve(truth, 1.0 - truth).area == 0
    assert precision_recall_curve(np.ones((1, 1)), np.zeros((1, 1))).area == 1


# --- Edges ------------------------------------------------------------------------------------

def band_by_distance(mask, width):
    """A pixel's distance to the other kind, from scipy's distance transform."""
    if mask.all() or not mask.any():
        return np.zeros_like(mask)
    inside, outside = (ndimage.distance_transform_edt(m) for m in (mask, ~mask))
    return np.where(mask, inside, outside) <= width + 1e-9


@settings(max_examples=60, deadline=None)
@given(mask_pairs(), st.sampled_from([1, 1.5, 2, 3, 5, 20]))
def test_edge_dice_equals_distance_transform(masks, width):
    truth, pred = masks
    bands = [band_by_distance(m, width) for m in masks]
    assert edge_dice(truth, pred, width) == pytest.approx(dice(*bands), abs=1e-12)


def test_edge_dice_sees_what_dice_does_not():
    y, x = np.mgrid[:200, :200]
    truth = np.hypot(y - 100, x - 100) < 80
    pred = np.hypot(y - 100, x - 100) < 77
    assert dice(truth, pred) > 0.95
    assert edge_dice(truth, pred) < 0.3
    assert edge_dice(truth, truth) == 1
    assert edge_dice(~truth, ~pred) == edge_dice(truth, pred)
    assert edge_dice([truth, truth], [pred, truth]) == (edge_dice(truth, pred) + 1) / 2
    assert edge_dice([truth, truth], [pred, truth], pooled=True) != edge_dice(
        [truth, truth], [pred, truth])


@pytest.mark.parametrize("shape", SIZES)
def test_edge_dice_without_a_border(shape):
    empty, full = np.zeros(shape, bool), np.ones(shape, bool)
    for one in (empty, full):
        for other in (empty, full):
            assert edge_dice(one, other) == 1


# --- Bad input: one sentence, what was found, what was expected, what to do --------------------

GOOD = np.array([[1, 0], [0, 1]])
NAN = np.array([[np.nan, 0], [0, 1]])
BAD_PAIRS = [
    (GOOD, np.zeros((3, 2)), ValueError, r"\(2, 2\).*\(3, 2\).*same"),
    ([GOOD, GOOD], [GOOD, np.zeros((3, 2))], ValueError, r"truth\[1\].*pred\[1\]"),
    (GOOD, NAN, ValueError, "NaN"),
    (NAN, GOOD, ValueError, "NaN"),
    (np.zeros((0, 5)), np.zeros((0, 5)), ValueError, "empty"),
    ([], [], ValueError, "no images"),
    (np.zeros((0, 4, 4)), np.zeros((0, 4, 4)), ValueError, "no images"),
    ([GOOD, GOOD], [GOOD], ValueError, "pred has 1 images.*same length"),
    (iter([GOOD]), [GOOD, GOOD], ValueError, "truth has 1 images"),
    (GOOD, [GOOD], ValueError, "truth is one image.*wrap truth in a list"),
    ([GOOD], GOOD, ValueError, "pred is one image"),
    (None, GOOD, TypeError, "NoneType"),
    ("mask.png", GOOD, TypeError, "str.*read the image first"),
    (3, GOOD, TypeError, "int"),
    ([[1, 0], [0, 1]], [[1, 0], [0, 1]], ValueError, r"truth\[0\].*\(2,\).*np.array"),
    (np.zeros((9, 8, 3)), np.zeros((9, 8, 3)), ValueError, "channel"),
    (np.zeros((9, 8, 1)), np.zeros((9, 8, 1)), ValueError, "channel"),
    (np.zeros((1, 1, 9, 8)), np.zeros((1, 1, 9, 8)), ValueError, "squeeze"),
    ([object()], [GOOD], TypeError, "object"),
    (np.array([["a"]]), np.array([["a"]]), TypeError, "numbers"),
    (-GOOD, GOOD, ValueError, "negative"),
]


@pytest.mark.parametrize("truth, pred, error, says", BAD_PAIRS)
@pytest.mark.parametrize("metric", [*SCORES, confusion, edge_dice, *CURVES],
                         ids=lambda metric: metric.__name__)
def test_bad_input(metric, truth, pred, error, says):
    if hasattr(truth, "__next__"):
        truth = iter([GOOD])  # a fresh one for each metric
    with pytest.raises(error, match=says) as caught:
        metric(truth, pred)
    assert "\n" not in str(caught.value)
    assert ";" in str(caught.value)


@pytest.mark.parametrize("metric", [*SCORES, confusion, edge_dice],
                         ids=lambda metric: metric.__name__)
@pytest.mark.parametrize("other", [np.array([[0.2, 0.9], [0, 1]]), np.array([[-3.0, 4], [0, 1]])])
def test_a_map_where_a_mask_is_meant(metric, other):
    with pytest.raises(ValueError, match="pred has values.*threshold it first, e.g. pred > 0.5"):
        metric(GOOD, other)
    with pytest.raises(ValueError, match="truth has values.*threshold it first"):
        metric(other, GOOD)


def test_bad_input_to_curves():
    prob = np.array([[0.2, 0.9], [0.5, 1]])
    with pytest.raises(ValueError, match="sigmoid"):
        roc_curve(GOOD, prob * 4 - 2)
    with pytest.raises(ValueError, match="truth has values.*threshold"):
        precision_recall_curve(prob, prob)
    with pytest.raises(ValueError, match="no foreground"):
        precision_recall_curve(GOOD * 0, prob)
    with pytest.raises(ValueError, match="all background"):
        roc_curve(GOOD * 0, prob)
    with pytest.raises(ValueError, match="all foreground"):
        roc_curve(GOOD * 0 + 1, prob)


@pytest.mark.parametrize("width", [0, -1, 0.5, float("nan"), float("inf"), "a", None])
def test_bad_width(width):
    with pytest.raises(ValueError, match="width is .*at least 1"):
        edge_dice(GOOD, GOOD, width)


def test_a_stack_where_one_image_is_meant():
    for metric in (overlap_table, matched_pairs):
        with pytest.raises(ValueError, match="2 images, expected one"):
            metric(*[np.zeros((2, 8, 8), int)] * 2)
    with pytest.raises(ValueError, match=r"shape \(2, 8, 8\).*one image at a time"):
        edge_band(np.zeros((2, 8, 8), int))


@pytest.mark.parametrize("image, sigma, says", [
    (np.full((8, 8), np.nan), 2, "the image has NaN"),
    (np.full((8, 8), np.inf), 2, "the image has NaN or infinite"),
    (np.zeros((8, 8)), np.inf, "sigma is inf"),
    (np.zeros((8, 8)), "a", "sigma is 'a'"),
])
def test_bad_input_to_image_edges(image, sigma, says):
    with pytest.raises(ValueError, match=says):
        image_edges(image, sigma)


def test_image_edges_take_half_precision():
    image = np.random.default_rng(0).random((20, 20)).astype(np.float16)
    np.testing.assert_array_equal(image_edges(image), image_edges(image.astype(np.float32)))


def test_what_the_module_offers_is_listed():
    for name in ckm.__all__:
        assert getattr(ckm, name).__doc__
