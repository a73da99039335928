"""box_iou: write a function (lesson 06_mask_rcnn)."""

from __future__ import annotations

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_06 import LESSON


def box_iou(a, b):
    """Intersection over union of two boxes (left, top, right, bottom)."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    both = max(wide, 0) * max(high, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


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


def _iou_of_sizes(a, b):
    return box_iou((a[0], a[1], a[0] + a[2], a[1] + a[3]), (b[0], b[1], b[0] + b[2], b[1] + b[3]))


def _iou_one_side_clipped(a, b):
    wide, high, areas = _box_parts(a, b)
    both = max(wide * high, 0)
    return both / (sum(areas) - both)


def _iou_of_first(a, b):
    wide, high, areas = _box_parts(a, b)
    return max(wide, 0) * max(high, 0) / areas[0]


def _iou_distances(a, b):
    wide, high, areas = _box_parts(a, b)
    return abs(wide) * abs(high) / (sum(areas) - abs(wide) * abs(high))


def _iou_perimeter(a, b):
    wide, high, _ = _box_parts(a, b)
    sides = [x[2] - x[0] + x[3] - x[1] for x in (a, b)]
    both = max(wide, 0) + max(high, 0)
    return both / (sum(sides) - both)


def _iou_max_min_swapped(a, b):
    wide = max(a[2], b[2]) - min(a[0], b[0])
    high = max(a[3], b[3]) - min(a[1], b[1])
    _, _, areas = _box_parts(a, b)
    return wide * high / sum(areas)


def _iou_asks_one_way(a, b):
    if a[2] < b[0] or a[3] < b[1]:
        return 0.0
    return _iou_unclipped(a, b)


def _iou_of_larger(a, b):
    wide, high, areas = _box_parts(a, b)
    return max(wide, 0) * max(high, 0) / max(areas)


def _iou_whole(a, b):
    return int(box_iou(a, b))


def _iou_hull(a, b):
    wide, high, _ = _box_parts(a, b)
    whole = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return max(wide, 0) * max(high, 0) / whole


def _iou_other_side_clipped(a, b):
    wide, high, areas = _box_parts(a, b)
    both = max(wide, 0) * high
    return both / (sum(areas) - both)


def _iou_other_order(a, b):
    return box_iou(*((box[0], box[2], box[1], box[3]) for box in (a, b)))


def _iou_other_order_none_at_zero(a, b):
    try:
        return _iou_other_order(a, b)
    except ZeroDivisionError:
        return 0.0


def _iou_of_whole_corners(a, b):
    a, b = ([int(v) for v in box] for box in (a, b))
    try:
        return box_iou(a, b)
    except ZeroDivisionError:
        return 0.0


_ORDER = "a box is read as (left, right, top, bottom); it is (left, top, right, bottom)"


def _iou_frame_for_shared(a, b):
    shared = max(max(a[2], b[2]) - min(a[0], b[0]), 0) * max(max(a[3], b[3]) - min(a[1], b[1]), 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return shared / (sum(areas) - shared)


def _iou_cases():
    return [
        Case("share", "a box and itself", ((1, 2, 4, 8), (1, 2, 4, 8))),
        Case("share", "half of a box", ((0, 0, 2, 1), (0, 0, 1, 1))),
        Case("apart", "boxes side by side", ((0, 0, 2, 2), (2, 0, 4, 2))),
        Case("apart", "boxes that share columns but no rows", ((0, 0, 4, 2), (1, 5, 3, 9))),
        Case("apart", "boxes that share rows but no columns", ((0, 0, 2, 4), (5, 1, 9, 3))),
        Case("apart", "the same columns, the other box first", ((1, 5, 3, 9), (0, 0, 4, 2))),
        Case("apart", "the same rows, the other box first", ((5, 1, 9, 3), (0, 0, 2, 4))),
        Case("apart", "boxes that share neither", ((0, 0, 2, 3), (4, 5, 7, 9))),
        Case("share", "boxes that share a corner", ((1, 2, 6, 7), (4, 3, 9, 12))),
        Case("share", "the same two, the other one first", ((4, 3, 9, 12), (1, 2, 6, 7))),
        Case("share", "one inside the other", ((0, 1, 10, 11), (3, 4, 5, 9))),
        Case("share", "tall boxes", ((1, 3, 5, 9), (2, 4, 6, 12))),
        Case("corners", "fractions of pixels", ((0.25, 0.5, 2.75, 3.0), (0.5, 0.25, 1.0, 1.0))),
    ]


EXERCISE = Exercise(
    "box_iou", LESSON, "write", points=2, minutes=10,
    answer=box_iou, cases=_iou_cases,
    asks={
        "share": "the shared area is divided by the area of the union",
        "apart": "boxes that lie apart share nothing",
        "corners": "a box is (left, top, right, bottom), in any numbers",
    },
    ladder=(
        "what two boxes share is a box again: where does it begin, where does it end?",
        "it begins at the larger left and top, and ends at the smaller right and bottom. If it "
        "ends before it begins, there is none. The union is both areas without what would be "
        "counted twice",
    ),
    blanks=("min(a[2], b[2]) - max(a[0], b[0])", "max(wide, 0) * max(high, 0)"),
    mistakes=(
        Mistake("apart", _iou_unclipped,
                "boxes that lie apart have a negative width or height in common; two of these even "
                "multiply to something positive: no side may go below 0"),
        Mistake("share", _iou_sum_below,
                "the sum of both areas counts what they share twice; the union counts it once"),
        Mistake("apart", _iou_other_side_clipped,
                "only the width is kept from going below 0; the height must be, too"),
        Mistake("corners", _iou_other_order, _ORDER),
        Mistake("corners", _iou_other_order_none_at_zero, _ORDER),
        Mistake("corners", _iou_of_whole_corners,
                "the corners are cut to whole numbers; a box may end within a pixel"),
        Mistake("share", _iou_dice, "that is the Dice of two boxes; the IoU divides by the union"),
        Mistake("corners", _iou_inclusive,
                "right and bottom lie just outside the box, so there is nothing to add: width is "
                "right minus left"),
        Mistake("share", _iou_of_smaller,
                "this divides by the smaller box alone, so a box inside another would be perfect"),
        Mistake("corners", _iou_sides_as_sizes,
                "the last two numbers are right and bottom, no width and height"),
        Mistake("share", _iou_intersection, "this is the area they share; divide it by the union"),
        Mistake("corners", _iou_of_sizes,
                "the last two numbers are right and bottom, no width and height"),
        Mistake("apart", _iou_one_side_clipped,
                "two negative sides multiply to something positive: bring each side to 0 before "
                "you multiply"),
        Mistake("share", _iou_of_first,
                "this divides by the first box alone; the union holds both"),
        Mistake("apart", _iou_distances,
                "boxes that lie apart have a negative side in common; that is none, not its size "
                "without the sign"),
        Mistake("share", _iou_perimeter, "width and height are added; an area multiplies them"),
        Mistake("share", _iou_max_min_swapped,
                "that is the box around both; what they share begins at the larger left and top, "
                "and ends at the smaller right and bottom"),
        Mistake("apart", _iou_asks_one_way,
                "the other box may be the one on the left, or above: ask both ways, or bring each "
                "side to 0"),
        Mistake("share", _iou_of_larger, "this divides by the larger box; the union holds both"),
        Mistake("share", _iou_whole, "the fraction is cut off: int and // give whole numbers"),
        Mistake("share", _iou_hull, "the box around both is larger than their union"),
        Mistake("share", _iou_frame_for_shared,
                "that is the frame around both; what they share begins at the larger of the left "
                "edges and ends at the smaller of the right ones"),
    ),
)  # fmt: skip
