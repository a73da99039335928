"""suppress: write a function (lesson 06_mask_rcnn)."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np

from cellkit_course.comparing import Fault
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_06 import LESSON
from cellkit_course.exercises.lesson_06.box_iou import box_iou
from cellkit_course.presenting import family, present


def suppress(boxes, scores, overlap):
    """Indices of the boxes that stay, best first."""
    stay = []
    for k in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        if all(box_iou(boxes[k], boxes[j]) <= overlap for j in stay):
            stay.append(k)
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


def _stay_by_score_as_key(boxes, scores, overlap):
    number = {score: k for k, score in enumerate(scores)}
    stay = []
    for score in sorted(number, reverse=True):
        k = number[score]
        if all(box_iou(boxes[k], boxes[j]) <= overlap for j in stay):
            stay.append(k)
    return stay


def _stay_removing_while_going(boxes, scores, overlap):
    order = sorted(range(len(boxes)), key=lambda k: -scores[k])
    for k in order:
        for j in order:
            if scores[j] < scores[k] and box_iou(boxes[k], boxes[j]) > overlap:
                order.remove(j)
    return order


def _stay_below(boxes, scores, overlap):
    stay = []
    for k in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        if all(box_iou(boxes[k], boxes[j]) > overlap for j in stay):
            stay.append(k)
    return stay


def _stay_always_half(boxes, scores, overlap):
    return suppress(boxes, scores, 0.5)


def _stay_scores(boxes, scores, overlap):
    return [scores[k] for k in suppress(boxes, scores, overlap)]


def _stay_places(boxes, scores, overlap):
    order = sorted(range(len(boxes)), key=lambda k: -scores[k])
    stay = suppress(boxes, scores, overlap)
    return [n for n, k in enumerate(order) if k in stay]


def _stay_mask(boxes, scores, overlap):
    stay = suppress(boxes, scores, overlap)
    return [k in stay for k in range(len(boxes))]


def _stay_sign_turned(boxes, scores, overlap):
    waiting = sorted(range(len(boxes)), key=lambda k: -scores[k])
    stay = []
    while waiting:
        best = waiting.pop(0)
        stay.append(best)
        waiting = [k for k in waiting if box_iou(boxes[k], boxes[best]) >= overlap]
    return stay


def _stay_the_best(boxes, scores, overlap):
    return suppress(boxes, scores, overlap)[:1]


def _stay_all(boxes, scores, overlap):
    return sorted(range(len(boxes)), key=lambda k: -scores[k])


def _stay_what_overlaps(boxes, scores, overlap):
    stay = []
    for k in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        if not stay or any(box_iou(boxes[k], boxes[j]) > overlap for j in stay):
            stay.append(k)
    return stay


def _stay_by_the_smaller(boxes, scores, overlap):
    def share(a, b):
        both = np.prod([max(min(a[k + 2], b[k + 2]) - max(a[k], b[k]), 0) for k in (0, 1)])
        return both / min((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))

    stay = []
    for k in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        if all(share(boxes[k], boxes[j]) <= overlap for j in stay):
            stay.append(k)
    return stay


def _stay_removing_the_next(boxes, scores, overlap):
    order = sorted(range(len(boxes)), key=lambda k: -scores[k])
    for place, k in enumerate(order):
        for j in order[place + 1:]:
            if box_iou(boxes[k], boxes[j]) > overlap:
                order.remove(j)
                break
    return order


def _suppress_cases():
    def case(asks, about, boxes, scores, overlap):
        boxes = np.array(boxes, float).reshape(-1, 4)
        return Case(asks, about, (boxes, np.array(scores, float), overlap))

    first, near, far = (0, 0, 10, 10), (1, 0, 11, 10), (30, 30, 42, 40)
    chain = [(0, 0, 10, 10), (4, 0, 14, 10), (8, 0, 18, 10)]  # neighbours 0.43, ends 0.11
    rng = np.random.default_rng(4)
    corners = rng.integers(0, 40, (30, 2))
    many = np.concatenate([corners, corners + rng.integers(6, 24, (30, 2))], 1)
    return [
        case("indices", "no box", [], [], 0.5),
        case("indices", "one box", [first], [0.2], 0.5),
        case("order", "two boxes far apart", [first, far], [0.3, 0.9], 0.5),
        case("better", "two boxes of one cell", [near, first], [0.6, 0.9], 0.5),
        case("limit", "an IoU just at the limit", [(0, 0, 2, 1), (0, 0, 1, 1)], [0.9, 0.8], 0.5),
        case("better", "a chain: the middle one goes, and no longer harms the last",
             chain, [0.9, 0.8, 0.7], 0.3),
        case("better", "a chain whose middle is best", chain, [0.7, 0.9, 0.8], 0.3),
        case("equal", "two boxes far apart, of one score", [first, far], [0.9, 0.9], 0.5),
        case("equal", "three scores, two of them equal", [first, far, near, (60, 0, 70, 9)],
             [0.7, 0.4, 0.7, 0.4], 0.5),
        case("better", "two cells, two boxes each", [first, far, near, (31, 30, 43, 40)],
             [0.5, 0.9, 0.8, 0.4], 0.5),
        case("better", "thirty boxes", many, rng.permutation(30), 0.25),
    ]


def _judge_suppress(case, outcome, again):
    """By the rule itself, for boxes of equal scores may stay in either order."""
    boxes, scores, overlap = case.args
    expected = "the indices " + str(suppress(*case.args))
    value = outcome.value
    try:
        came = [int(k) for k in value]
        whole = all(family(k) == "number" and int(k) == k for k in value)
    except (TypeError, ValueError, OverflowError):
        return Fault(present(value), expected, "return the indices of the boxes that stay")
    if not whole or not set(came) <= set(range(len(boxes))):
        return Fault(f"{present(value)}", expected, "return the indices of the boxes that stay")
    came_as = Fault(f"the indices {came}", expected)
    if len(set(came)) < len(came):
        return replace(came_as, hint="an index is there twice")
    if any(scores[a] < scores[b] for a, b in pairwise(came)):
        return came_as
    for a, b in combinations(came, 2):
        if box_iou(boxes[a], boxes[b]) > overlap:
            return came_as
    for k in set(range(len(boxes))) - set(came):
        if not any(scores[j] >= scores[k] and box_iou(boxes[k], boxes[j]) > overlap for j in came):
            return came_as
    return None


EXERCISE = Exercise(
    "suppress", LESSON, "write", points=3, minutes=15,
    answer=suppress, cases=_suppress_cases, judge=_judge_suppress,
    asks={
        "better": "a box is dropped if its IoU with a better one that stays is above overlap",
        "order": "the best score comes first",
        "limit": "overlap is the limit, and an IoU equal to it drops nothing",
        "equal": "boxes of equal scores are all judged",
        "indices": "the indices come back, as a list",
    },
    ladder=(
        "go from the best to the worst, and keep a list of those that stay",
        "sort the indices by score, best first. A box stays if its IoU with every box that "
        "already stays is at most overlap. Only those that stay can drop others",
    ),
    blanks=("key=lambda k: -scores[k]", "box_iou(boxes[k], boxes[j]) <= overlap for j in stay"),
    mistakes=(
        Mistake("order", _stay_worst_first,
                "the order is upside down: the box with the highest score is "
                                   "taken first"),
        Mistake("better", _stay_unless_any_better,
                "a box that was dropped itself still drops others; compare only with those that "
                "stay"),
        Mistake("limit", _stay_strict,
                "only an IoU above the limit drops a box; equal to it stays"),
        Mistake("order", _stay_in_order_of_index,
                "the right boxes, in the order of the list; the best one comes first"),
        Mistake("order", _stay_unsorted,
                "the boxes are taken as they come; sort them by score first"),
        Mistake("indices", _stay_boxes,
                "these are the boxes themselves; their indices are asked for"),
        Mistake("better", _stay_dropped,
                "these are the ones that are dropped, not the ones that stay"),
        Mistake("better", _stay_best_only,
                "every box is compared with the very best one only; there is more than one cell"),
        Mistake("better", _stay_last_only,
                "a box is compared with the last one that stays only; compare it with all of them"),
        Mistake("equal", _stay_by_score_as_key,
                "boxes of one score take each other's place in a dictionary; sort the indices"),
        Mistake("better", _stay_removing_while_going,
                "a list that is shortened while a loop runs over it skips what comes next; build "
                "a new one"),
        Mistake("better", _stay_below,
                "a box is dropped if its IoU is above the limit; here it must be"),
        Mistake("limit", _stay_always_half, "overlap is not used: it may be another than 0.5"),
        Mistake("indices", _stay_scores,
                "these are the scores; the indices of their boxes are asked for"),
        Mistake("indices", _stay_places,
                "these are places in the sorted order; what stands there is the index"),
        Mistake("indices", _stay_mask,
                "that is yes or no for each box; the indices of those that stay are "
                            "asked for, best first"),
        Mistake("better", _stay_sign_turned,
                "the boxes that overlap are kept, and the others dropped: the comparison is turned "
                "round"),
        Mistake("better", _stay_what_overlaps,
                "the boxes that overlap are kept, and the others dropped: the comparison is turned "
                "round"),
        Mistake("better", _stay_by_the_smaller,
                "what two boxes share is divided by the smaller of them; the IoU divides by their "
                "union"),
        Mistake("better", _stay_the_best, "one box is left; there is more than one cell"),
        Mistake("better", _stay_all, "nothing is dropped: several boxes of one cell are left"),
        Mistake("better", _stay_removing_the_next,
                "a box may drop more than one other; here it drops the first and goes on"),
    ),
)  # fmt: skip
