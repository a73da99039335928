"""The exercises of lesson 06_mask_rcnn."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from cellkit_course.exercise import Case, Exercise, Fault, Mistake, family, present

LESSON = "06_mask_rcnn"

# --- average_precision -------------------------------------------------------------------------


def average_precision(iou, threshold):
    """TP / (TP + FP + FN); 1 if there is nothing to find and nothing was found."""
    hits = int((iou >= threshold).sum())
    true, found = iou.shape
    total = true + found - hits
    return hits / total if total else 1.0


def average_precision_counted(iou, threshold):
    hit = iou >= threshold
    missed = np.count_nonzero(~hit.any(axis=1))
    invented = np.count_nonzero(~hit.any(axis=0))
    total = np.count_nonzero(hit) + missed + invented
    return 1.0 if total == 0 else np.count_nonzero(hit) / total


def average_precision_assigned(iou, threshold):
    rows, columns = linear_sum_assignment(-iou)
    tp = np.count_nonzero(iou[rows, columns] >= threshold)
    fn, fp = iou.shape[0] - tp, iou.shape[1] - tp
    if tp + fn + fp == 0:
        return 1.0
    return tp / (tp + fn + fp)


def _hits(iou, threshold):
    return int((iou >= threshold).sum()), *iou.shape


def _ap_precision(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return hits / found if found else float(true == 0)


def _ap_recall(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return hits / true if true else float(found == 0)


def _ap_f1(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return 2 * hits / (true + found) if true + found else 1.0


def _ap_strict(iou, threshold):
    hits = int((iou > threshold).sum())
    total = sum(iou.shape) - hits
    return hits / total if total else 1.0


def _ap_unguarded(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return hits / (true + found - hits)


def _ap_empty_is_zero(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return hits / (true + found - hits) if true + found else 0.0


def _ap_hits_twice(iou, threshold):
    hits, true, found = _hits(iou, threshold)
    return hits / (true + found) if true + found else 1.0


def _ap_any_overlap(iou, threshold):
    return average_precision(iou, 1e-9)


def _ap_share_of_pairs(iou, threshold):
    return float((iou >= threshold).mean()) if iou.size else float(max(iou.shape) == 0)


def _ap_cases():
    def case(about, rows, threshold, shape=None):
        return Case(about, (np.array(rows, float).reshape(shape or np.shape(rows)), threshold))

    five = np.zeros((5, 6))
    five[[0, 1, 2, 3], [1, 0, 2, 4]] = 0.9, 0.8, 0.72, 0.55
    five[3, 3], five[4, 5] = 0.3, 0.45
    return [
        case("one cell, found", [[0.8]], 0.5),
        case("one cell, found badly", [[0.3]], 0.5),
        case("one cell, nothing found", [], 0.5, (1, 0)),
        case("no cell, one invented", [], 0.5, (0, 1)),
        case("no cell, nothing found", [], 0.5, (0, 0)),
        case("one found of two", [[0.75, 0.0], [0.0, 0.3]], 0.5),
        case("one found of three, and one invented", [[0.0, 0.9], [0.0, 0.0], [0.2, 0.0]], 0.5),
        case("an IoU just at the threshold", [[0.75, 0.0], [0.0, 0.9]], 0.75),
        Case("five cells, six predictions", (five, 0.6)),
        Case("five cells, a lower threshold", (five, 0.52)),
    ]


AVERAGE_PRECISION = Exercise(
    "average_precision", LESSON, "write", points=2, minutes=10,
    answer=average_precision, cases=_ap_cases,
    others=(average_precision_counted, average_precision_assigned),
    mistakes=(
        Mistake(_ap_precision, "that is TP / (TP + FP): cells that nobody found count too"),
        Mistake(_ap_recall, "that is TP / (TP + FN): invented cells count too"),
        Mistake(_ap_f1, "that is the F1: it counts hits twice, above and below the line"),
        Mistake(_ap_strict, "an IoU equal to the threshold reaches it, so it is a hit"),
        Mistake(_ap_unguarded,
                "no cells and no predictions divide zero by zero; they agree, so the answer is 1"),
        Mistake(_ap_empty_is_zero, "nothing to find and nothing found is perfect: 1, not 0"),
        Mistake(_ap_hits_twice,
                "a hit stands in the rows and in the columns, so it counts twice below the line"),
        Mistake(_ap_any_overlap, "pairs below the threshold were counted as hits"),
        Mistake(_ap_share_of_pairs,
                "most pairs are of cells far apart; count cells and predictions, not pairs"),
    ),
)  # fmt: skip

# --- box_iou -----------------------------------------------------------------------------------


def box_iou(a, b):
    """Intersection over union of two boxes (left, top, right, bottom)."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    both = max(wide, 0) * max(high, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def box_iou_with_arrays(a, b):
    a, b = np.asarray(a), np.asarray(b)
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    both = sides.clip(0).prod()
    return both / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - both)


def _box_parts(a, b, more=0):
    wide = min(a[2], b[2]) - max(a[0], b[0]) + more
    high = min(a[3], b[3]) - max(a[1], b[1]) + more
    areas = [(x[2] - x[0] + more) * (x[3] - x[1] + more) for x in (a, b)]
    return wide, high, areas


def _iou_unclipped(a, b):
    wide, high, areas = _box_parts(a, b)
    return wide * high / (sum(areas) - wide * high)


def _iou_sum_below(a, b):
    wide, high, areas = _box_parts(a, b)
    return max(wide, 0) * max(high, 0) / sum(areas)


def _iou_dice(a, b):
    wide, high, areas = _box_parts(a, b)
    return 2 * max(wide, 0) * max(high, 0) / sum(areas)


def _iou_inclusive(a, b):
    wide, high, areas = _box_parts(a, b, 1)
    both = max(wide, 0) * max(high, 0)
    return both / (sum(areas) - both)


def _iou_of_smaller(a, b):
    wide, high, areas = _box_parts(a, b)
    return max(wide, 0) * max(high, 0) / min(areas)


def _iou_sides_as_sizes(a, b):
    wide, high, _ = _box_parts(a, b)
    both = max(wide, 0) * max(high, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def _iou_intersection(a, b):
    wide, high, _ = _box_parts(a, b)
    return max(wide, 0) * max(high, 0)


def _iou_hull(a, b):
    wide, high, _ = _box_parts(a, b)
    whole = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return max(wide, 0) * max(high, 0) / whole


def _iou_cases():
    return [
        Case("a box and itself", ((1, 2, 4, 8), (1, 2, 4, 8))),
        Case("half of a box", ((0, 0, 2, 1), (0, 0, 1, 1))),
        Case("boxes side by side", ((0, 0, 2, 2), (2, 0, 4, 2))),
        Case("boxes that share columns but no rows", ((0, 0, 4, 2), (1, 5, 3, 9))),
        Case("boxes that share rows but no columns", ((0, 0, 2, 4), (5, 1, 9, 3))),
        Case("boxes that share neither", ((0, 0, 2, 3), (4, 5, 7, 9))),
        Case("boxes that share a corner", ((1, 2, 6, 7), (4, 3, 9, 12))),
        Case("the same two, the other one first", ((4, 3, 9, 12), (1, 2, 6, 7))),
        Case("one inside the other", ((0, 1, 10, 11), (3, 4, 5, 9))),
        Case("fractions of pixels", ((0.25, 0.5, 2.75, 3.0), (0.5, 0.25, 1.0, 1.0))),
    ]


BOX_IOU = Exercise(
    "box_iou", LESSON, "write", points=2, minutes=10,
    answer=box_iou, cases=_iou_cases, others=(box_iou_with_arrays,),
    mistakes=(
        Mistake(_iou_unclipped,
                "boxes that lie apart have a negative width or height in common; two of these even "
                "multiply to something positive: no side may go below 0"),
        Mistake(_iou_sum_below,
                "the sum of both areas counts what they share twice; the union counts it once"),
        Mistake(_iou_dice, "that is the Dice of two boxes; the IoU divides by the union"),
        Mistake(_iou_inclusive,
                "right and bottom lie just outside the box, so there is nothing to add: width is "
                "right minus left"),
        Mistake(_iou_of_smaller,
                "this divides by the smaller box alone, so a box inside another would be perfect"),
        Mistake(_iou_sides_as_sizes,
                "the last two numbers are right and bottom, no width and height"),
        Mistake(_iou_intersection, "this is the area they share; divide it by the union"),
        Mistake(_iou_hull, "the box around both is larger than their union"),
    ),
)  # fmt: skip

# --- suppress ----------------------------------------------------------------------------------


def suppress(boxes, scores, overlap):
    """Indices of the boxes that stay, best first."""
    stay = []
    for k in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        if all(box_iou(boxes[k], boxes[j]) <= overlap for j in stay):
            stay.append(k)
    return stay


def suppress_until_none_waits(boxes, scores, overlap):
    waiting = list(np.argsort(scores))
    stay = []
    while waiting:
        best = waiting.pop()
        stay.append(int(best))
        waiting = [k for k in waiting if box_iou(boxes[k], boxes[best]) <= overlap]
    return stay


def _stay_worst_first(boxes, scores, overlap):
    return suppress(boxes, [-s for s in scores], overlap)


def _stay_unless_any_better(boxes, scores, overlap):
    order = sorted(range(len(boxes)), key=lambda k: -scores[k])
    return [k for i, k in enumerate(order)
            if all(box_iou(boxes[k], boxes[j]) <= overlap for j in order[:i])]


def _stay_strict(boxes, scores, overlap):
    stay = []
    for k in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        if all(box_iou(boxes[k], boxes[j]) < overlap for j in stay):
            stay.append(k)
    return stay


def _stay_in_order_of_index(boxes, scores, overlap):
    return sorted(suppress(boxes, scores, overlap))


def _stay_unsorted(boxes, scores, overlap):
    return suppress(boxes, [-k for k in range(len(boxes))], overlap)


def _stay_boxes(boxes, scores, overlap):
    return [boxes[k] for k in suppress(boxes, scores, overlap)]


def _stay_dropped(boxes, scores, overlap):
    stay = suppress(boxes, scores, overlap)
    return [k for k in sorted(range(len(boxes)), key=lambda k: -scores[k]) if k not in stay]


def _stay_best_only(boxes, scores, overlap):
    order = sorted(range(len(boxes)), key=lambda k: -scores[k])
    return order[:1] + [k for k in order[1:] if box_iou(boxes[k], boxes[order[0]]) <= overlap]


def _stay_last_only(boxes, scores, overlap):
    stay = []
    for k in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        if not stay or box_iou(boxes[k], boxes[stay[-1]]) <= overlap:
            stay.append(k)
    return stay


def _stay_all(boxes, scores, overlap):
    return sorted(range(len(boxes)), key=lambda k: -scores[k])


def _suppress_cases():
    first, near, far = (0, 0, 10, 10), (1, 0, 11, 10), (30, 30, 42, 40)
    chain = [(0, 0, 10, 10), (4, 0, 14, 10), (8, 0, 18, 10)]  # neighbours 0.43, ends 0.11
    rng = np.random.default_rng(4)
    corners = rng.integers(0, 40, (30, 2))
    many = np.concatenate([corners, corners + rng.integers(6, 24, (30, 2))], 1)
    many = [tuple(int(v) for v in box) for box in many]
    return [
        Case("no box", ([], [], 0.5)),
        Case("one box", ([first], [0.2], 0.5)),
        Case("two boxes far apart", ([first, far], [0.3, 0.9], 0.5)),
        Case("two boxes of one cell", ([near, first], [0.6, 0.9], 0.5)),
        Case("an IoU just at the limit", ([(0, 0, 2, 1), (0, 0, 1, 1)], [0.9, 0.8], 0.5)),
        Case("a chain: the middle one goes, and no longer harms the last",
             (chain, [0.9, 0.8, 0.7], 0.3)),
        Case("a chain whose middle is best", (chain, [0.7, 0.9, 0.8], 0.3)),
        Case("two cells, two boxes each", ([first, far, near, (31, 30, 43, 40)],
                                           [0.5, 0.9, 0.8, 0.4], 0.5)),
        Case("thirty boxes", (many, rng.permutation(30).tolist(), 0.25)),
    ]


def _judge_suppress(case, outcome, again):
    wanted, value = suppress(*case.args), outcome.value
    expected = f"the indices {wanted}"
    try:
        came = [int(k) for k in value]
    except (TypeError, ValueError):
        return Fault(present(value), expected, "return the indices of the boxes that stay")
    if came == wanted and all(family(k) == "number" for k in value):
        return None
    return Fault(f"the indices {came}", expected)


SUPPRESS = Exercise(
    "suppress", LESSON, "write", points=3, minutes=15,
    answer=suppress, cases=_suppress_cases, judge=_judge_suppress,
    others=(suppress_until_none_waits,),
    mistakes=(
        Mistake(_stay_worst_first, "the order is upside down: the box with the highest score is "
                                   "taken first"),
        Mistake(_stay_unless_any_better,
                "a box that was dropped itself still drops others; compare only with those that "
                "stay"),
        Mistake(_stay_strict, "only an IoU above the limit drops a box; equal to it stays"),
        Mistake(_stay_in_order_of_index,
                "the right boxes, in the order of the list; the best one comes first"),
        Mistake(_stay_unsorted, "the boxes are taken as they come; sort them by score first"),
        Mistake(_stay_boxes, "these are the boxes themselves; their indices are asked for"),
        Mistake(_stay_dropped, "these are the ones that are dropped, not the ones that stay"),
        Mistake(_stay_best_only,
                "every box is compared with the very best one only; there is more than one cell"),
        Mistake(_stay_last_only,
                "a box is compared with the last one that stays only; compare it with all of them"),
        Mistake(_stay_all, "nothing is dropped: several boxes of one cell are left"),
    ),
)  # fmt: skip

# --- bilinear ----------------------------------------------------------------------------------


def bilinear(picture, row, column):
    """The value between four pixels; beyond the edge, that of the edge."""
    height, width = picture.shape
    row, column = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
    top, left = int(row), int(column)
    below, beside = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = row - top, column - left
    upper = (1 - across) * picture[top, left] + across * picture[top, beside]
    lower = (1 - across) * picture[below, left] + across * picture[below, beside]
    return (1 - down) * upper + down * lower


def bilinear_by_scipy(picture, row, column):
    return ndimage.map_coordinates(picture, [[row], [column]], order=1, mode="nearest")[0]


def bilinear_of_all_pixels(picture, row, column):
    height, width = picture.shape
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    down = np.maximum(1 - np.abs(np.arange(height) - row), 0)
    across = np.maximum(1 - np.abs(np.arange(width) - column), 0)
    return down @ picture @ across


def _clamped(picture, row, column):
    return (min(max(row, 0), picture.shape[0] - 1), min(max(column, 0), picture.shape[1] - 1))


def _bilinear_rounded(picture, row, column):
    row, column = _clamped(picture, row, column)
    return picture[int(row + 0.5), int(column + 0.5)]


def _bilinear_cut(picture, row, column):
    row, column = _clamped(picture, row, column)
    return picture[int(row), int(column)]


def _bilinear_axes_swapped(picture, row, column):
    return bilinear(picture.T, row, column)


def _bilinear_weights_swapped(picture, row, column):
    row, column = _clamped(picture, row, column)
    down, across = row % 1, column % 1
    return bilinear(picture, row - down + (1 - down if down else 0),
                    column - across + (1 - across if across else 0))


def _bilinear_unclamped(picture, row, column):
    top, left = int(np.floor(row)), int(np.floor(column))
    down, across = row - top, column - left
    upper = (1 - across) * picture[top, left] + across * picture[top, left + 1]
    lower = (1 - across) * picture[top + 1, left] + across * picture[top + 1, left + 1]
    return (1 - down) * upper + down * lower


def _bilinear_half_pixel(picture, row, column):
    return bilinear(picture, row - 0.5, column - 0.5)


def _bilinear_mean_of_four(picture, row, column):
    row, column = _clamped(picture, row, column)
    top, left = int(row), int(column)
    return picture[top:top + 2, left:left + 2].mean()


def _bilinear_zero_outside(picture, row, column):
    height, width = picture.shape
    if not (0 <= row <= height - 1 and 0 <= column <= width - 1):
        return 0.0
    return bilinear(picture, row, column)


def _bilinear_columns_only(picture, row, column):
    return bilinear(picture, int(min(max(row, 0), picture.shape[0] - 1)), column)


def _bilinear_cases():
    small = np.array([[0.0, 1.0, 4.0], [2.0, 7.0, 5.0]])
    tall = np.random.default_rng(6).random((7, 4))
    return [
        Case("a pixel's own centre", (small, 1, 2)),
        Case("halfway between two neighbours in a row", (small, 0, 0.5)),
        Case("a quarter of the way down", (small, 0.25, 1)),
        Case("between four pixels", (small, 0.25, 1.75)),
        Case("above the picture", (small, -0.75, 1.5)),
        Case("left of the picture", (small, 0.5, -2.25)),
        Case("below the picture", (small, 1.5, 0.75)),
        Case("far below the picture", (small, 4.25, 0.75)),
        Case("right of the picture", (small, 0.75, 3.25)),
        Case("between four pixels of a taller picture", (tall, 4.7, 2.2)),
        Case("near the lower right corner", (tall, 5.9, 2.95)),
    ]


_EDGE = ("beyond the edge there are no pixels: bring row and column back into the picture first, "
         "and mind that the last pixel has no neighbour")

BILINEAR = Exercise(
    "bilinear", LESSON, "write", points=3, minutes=15,
    answer=bilinear, cases=_bilinear_cases, tolerance=1e-6,
    others=(bilinear_by_scipy, bilinear_of_all_pixels),
    mistakes=(
        Mistake(_bilinear_rounded,
                "the place was rounded to the nearest pixel, as RoIPool does; mix the four around "
                "it"),
        Mistake(_bilinear_cut, "the fraction was cut off; mix the four pixels around the place"),
        Mistake(_bilinear_axes_swapped, "rows and columns are swapped"),
        Mistake(_bilinear_weights_swapped,
                "the weights are swapped: the nearer a pixel is, the more it counts"),
        Mistake(_bilinear_unclamped, _EDGE),
        Mistake(_bilinear_half_pixel,
                "half a pixel off: here row 0 is the centre of the first row of pixels"),
        Mistake(_bilinear_mean_of_four,
                "the four pixels count equally; the nearer ones must count more"),
        Mistake(_bilinear_zero_outside, "beyond the edge the value is that of the edge, not 0"),
        Mistake(_bilinear_columns_only,
                "only columns are mixed: the fraction of the row is lost"),
    ),
)  # fmt: skip

# --- limits_guess ------------------------------------------------------------------------------


def limits_guess():
    """(share of the nuclei found at best, width of a nucleus as the network sees it)."""
    return 0.25, 50


def limits_guess_worked_out():
    return [100 / 400, 16 * 800 / 256]


def _limits_all_found():
    return 1, 50


def _limits_count():
    return 100, 50


def _limits_percent():
    return 25, 50


def _limits_not_enlarged():
    return 0.25, 16


def _limits_shrunk():
    return 0.25, 16 * 256 / 800


def _limits_swapped():
    return 50, 0.25


def _judge_limits(case, outcome, again):
    wanted = "two numbers: a share from 0 to 1, and a width in pixels"
    value = outcome.value
    if not isinstance(value, (tuple, list)) or len(value) != 2 or any(
            family(v) != "number" or isinstance(v, bool) for v in value):
        return Fault(present(value), wanted, "return two numbers, as in: return 0.5, 20")
    share, width = (float(v) for v in value)
    if abs(share - 0.25) < 1e-9 and abs(width - 50) < 1e-9:
        return None
    return Fault(present(value), "the two numbers that follow from 100, 400, 16, 256 and 800")


LIMITS_GUESS = Exercise(
    "limits_guess", LESSON, "predict", points=1, minutes=5,
    answer=limits_guess, cases=lambda: [Case("your guess")], judge=_judge_limits,
    others=(limits_guess_worked_out,),
    mistakes=(
        Mistake(_limits_all_found,
                "it keeps 100 detections, whatever there is; what share is that"),
        Mistake(_limits_count, "that is how many it keeps; divide by how many there are"),
        Mistake(_limits_percent, "that is in percent; a share lies between 0 and 1"),
        Mistake(_limits_not_enlarged, "the picture is enlarged, and the nucleus with it"),
        Mistake(_limits_shrunk, "the picture grows from 256 to 800, so the nucleus grows too"),
        Mistake(_limits_swapped, "the share comes first, then the width"),
    ),
)  # fmt: skip

EXERCISES = (AVERAGE_PRECISION, BOX_IOU, SUPPRESS, BILINEAR, LIMITS_GUESS)
