"""link: write a function (lesson 08_your_own_pictures)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from cellkit_course.comparing import Fault
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_08 import LESSON
from cellkit_course.presenting import present


def link(before, after):
    """Which cell is which: number in before → number in after."""
    both = (before > 0) & (after > 0)
    pairs, shared = np.unique([before[both], after[both]], axis=1, return_counts=True)
    links = {}
    for k in np.argsort(-shared):
        old, new = (int(number) for number in pairs[:, k])
        if old not in links and new not in links.values():
            links[old] = new
    return links


def _shared(before, after):
    """(pixels, old, new) of each pair that shares some."""
    both = (before > 0) & (after > 0)
    pairs, shared = np.unique([before[both], after[both]], axis=1, return_counts=True)
    return [(int(n), *pair) for n, pair in zip(shared, pairs.T.tolist(), strict=True)]


def _taken(order):
    links = {}
    for _, old, new in order:
        if old not in links and new not in links.values():
            links[old] = new
    return links


def _link_same_number(before, after):
    return {k: k for k in np.unique(before[before > 0]).tolist() if (after == k).any()}


def _link_all_claims(before, after):
    return {old: new for _, old, new in sorted(_shared(before, after))}


def _link_from_behind(before, after):
    found = {new: old for _, old, new in sorted(_shared(before, after))}
    return {old: new for new, old in sorted(found.items())}


def _link_any_overlap(before, after):
    return _taken((n, old, new) for n, old, new in _shared(before, after))


def _link_least_first(before, after):
    return _taken(sorted(_shared(before, after)))


def _link_in_turn(before, after):
    return _taken(sorted(_shared(before, after), key=lambda one: (one[1], -one[0])))


def _link_backwards(before, after):
    return {new: old for old, new in link(before, after).items()}


def _link_pairs(before, after):
    return sorted(link(before, after).items())


def _link_with_background(before, after):
    pairs, shared = np.unique([before.ravel(), after.ravel()], axis=1, return_counts=True)
    return _taken(sorted(((int(n), *p) for n, p in zip(shared, pairs.T.tolist(), strict=True)),
                         reverse=True))


def _link_mostly_background(before, after):
    links = {}
    for _, old, new in sorted(_shared(before, after), reverse=True):
        inside = after[before == old]
        if np.bincount(inside).argmax() != 0 and old not in links and new not in links.values():
            links[old] = new
    return links


def _link_to_zero(before, after):
    found = link(before, after)
    return {old: found.get(old, 0) for old in np.unique(before[before > 0]).tolist()}


def _link_by_iou(before, after):
    def iou(n, old, new):
        return n / ((before == old).sum() + (after == new).sum() - n)
    return _taken(sorted(((iou(*one), *one[1:]) for one in _shared(before, after)), reverse=True))


def _link_by_the_middle(before, after):
    olds, news = (np.unique(x[x > 0]).tolist() for x in (before, after))
    one, other = (np.array(ndimage.center_of_mass(x > 0, x, ids)).reshape(-1, 2)
                  for x, ids in ((before, olds), (after, news)))
    far = np.hypot(*np.moveaxis(one[:, None] - other, 2, 0))
    return _taken(sorted((far[i, j], old, new) for i, old in enumerate(olds)
                         for j, new in enumerate(news)))


def _link_count(before, after):
    return len(link(before, after))


def _link_first_wish_only(before, after):
    best = {}
    for n, old, new in sorted(_shared(before, after)):
        best[old] = n, old, new
    return _taken(sorted(best.values(), reverse=True))


def _link_stops_at_the_first_taken(before, after):
    links = {}
    for _, old, new in sorted(_shared(before, after), reverse=True):
        if old in links or new in links.values():
            break
        links[old] = new
    return links


def _link_best_sum(before, after):
    shared = np.zeros((before.max() + 1, after.max() + 1), int)
    for n, old, new in _shared(before, after):
        shared[old, new] = n
    pairs = np.transpose(linear_sum_assignment(shared, maximize=True)).tolist()
    return {old: new for old, new in pairs if shared[old, new]}


def _link_gone_to_zero(before, after):
    inside = before > 0
    pairs, shared = np.unique([before[inside], after[inside]], axis=1, return_counts=True)
    return _taken(sorted(((int(n), *p) for n, p in zip(shared, pairs.T.tolist(), strict=True)),
                         reverse=True))


def _link_whoever_is_left(before, after):
    links = link(before, after)
    for old in np.unique(before[before > 0]).tolist():
        free = sorted(set(np.unique(after[after > 0]).tolist()) - set(links.values()))
        if old not in links and free:
            links[old] = free[0]
    return links


def _link_in_thousands(before, after):
    both = (before > 0) & (after > 0)
    codes, shared = np.unique(1000 * before[both] + after[both], return_counts=True)
    return _taken((n, *divmod(int(code), 1000)) for n, code in sorted(
        zip(shared, codes, strict=True), reverse=True))


def _link_cases():
    def row(*texts):
        return tuple(np.array([[int(c) for c in line.replace(".", "0")] for line in text.split()],
                              np.int32) for text in texts)

    rng = np.random.default_rng(6)
    y, x = np.mgrid[:48, :60]
    before, after = np.zeros((2, 48, 60), np.int32)
    numbers = rng.permutation(14) + 1
    for k in range(14):
        at = np.array([8 + 15 * (k // 5), 7 + 11 * (k % 5)]) + rng.integers(-2, 3, 2)
        step = rng.integers(-3, 4, 2)
        before[np.hypot(y - at[0], x - at[1]) < 5.3] = k + 1
        after[np.hypot(y - at[0] - step[0], x - at[1] - step[1]) < 5.3] = numbers[k]
    return [
        Case("none", "no cell in either", row("....", "....")),
        Case("most", "one cell that moved and has another number", row(".111...", "...44..")),
        Case("none", "a cell that left, and one that came", row("11..2222", "...5.222")),
        Case("background", "a cell that lies on background for the most part",
             row("11111.2222", "....222333")),
        Case("most", "a large cell and a small one", row("1111112...", "..777779.9")),
        Case("once", "two cells of which one cell comes",
             row("11122222..", "..4444444.")),
        Case("once", "a cell that becomes two", row(".1111111..", ".22233333.")),
        Case("most", "a small cell that is covered, and a large one that shares more",
             row("1111111111112222", ".......444444444")),
        Case("once", "the second choice of a cell whose first is taken",
             row("1111122222222.", "...44444444555")),
        Case("once", "a cell whose first choice is taken, and which has a second",
             row("111111222222", "554444444444")),
        Case("most", "a pair that shares most, and leaves another cell without any",
             row("1111111112222", "4444555555555")),
        Case("most", "a cell with a number of four digits",
             tuple(np.repeat(np.array([pair], np.int32), (4, 3), 1)
                   for pair in ((1, 2), (1002, 2)))),
        Case("most", "fourteen cells", (before, after)),
    ]


def _judge_link(case, outcome, again):
    expected = link(*case.args)
    value = outcome.value
    if not isinstance(value, dict):
        return Fault(present(value), f"a dictionary: {expected}",
                     "return a dictionary, the number in before as key, that in after as value")
    if value == expected:
        return None
    return Fault(present(value), f"{expected}")


EXERCISE = Exercise(
    "link", LESSON, "write", points=4, minutes=12,
    answer=link, cases=_link_cases, judge=_judge_link,
    asks={
        "most": "of all pairs of cells the one that shares most pixels is taken first",
        "once": "a cell that has a link takes part in no other",
        "background": "0 is no cell, in neither frame",
        "none": "a cell that shares a pixel with none has no link",
        "dictionary": "the links are a dictionary, number in before to number in after",
    },
    ladder=(
        "make a list of all pairs of cells that share pixels, and how many they share",
        "where both frames have a cell, np.unique with axis=1 and return_counts=True counts each "
        "pair. Go through the pairs, most pixels first, and keep a pair if neither of its cells "
        "has been kept before",
    ),
    blanks=("(before > 0) & (after > 0)", "old not in links and new not in links.values()"),
    mistakes=(
        Mistake("most", _link_same_number,
                "each frame is numbered anew: the same number is another cell; look where they "
                "lie"),
        Mistake("once", _link_all_claims,
                "two cells of before claim the same cell of after; only the one that shares more "
                "with it may have it"),
        Mistake("once", _link_from_behind,
                "every cell of after asks for its best; a cell of before that is asked twice ends "
                "with the last one, not with the best"),
        Mistake("most", _link_any_overlap,
                "the pairs are taken as they come; the one that shares most pixels comes first"),
        Mistake("most", _link_least_first,
                "the order is upside down: the pair that shares most pixels comes first"),
        Mistake("once", _link_in_turn,
                "the cells of before choose one after another, so an early one takes what a later "
                "one shares more with; sort all pairs together"),
        Mistake("dictionary", _link_backwards,
                "keys and values have changed places: from before to after"),
        Mistake("dictionary", _link_pairs,
                "these are pairs; a dictionary with the first as key is asked for"),
        Mistake("background", _link_with_background,
                "the background has the number 0 and was linked as if it were a cell"),
        Mistake("background", _link_mostly_background,
                "a cell may lie on background for the most part, and still share pixels with a "
                "cell: leave the background out before you look for the most"),
        Mistake("none", _link_to_zero,
                "a cell without a partner is left out of the dictionary; 0 is no cell"),
        Mistake("most", _link_by_iou,
                "this goes by IoU; the task goes by pixels shared"),
        Mistake("none", _link_by_the_middle,
                "this goes by how near the middles are; cells that share no pixel are linked too"),
        Mistake("dictionary", _link_count,
                "that is how many links there are; the links themselves are asked for"),
        Mistake("once", _link_first_wish_only,
                "each cell asks only for the one that it shares most with; if that is taken, it "
                "may still get another: go through all pairs"),
        Mistake("once", _link_stops_at_the_first_taken,
                "it stops at the first pair with a cell that is taken; leave that pair out and go "
                "on"),
        Mistake("most", _link_best_sum,
                "this makes the sum over all links as large as can be; the task takes the pair "
                "that shares most first, whatever is left for the others"),
        Mistake("background", _link_gone_to_zero,
                "the background of the second frame has the number 0 and was linked as a cell"),
        Mistake("none", _link_whoever_is_left,
                "cells that share no pixel are linked to whoever is left; they have no link"),
        Mistake("most", _link_in_thousands,
                "two pairs come to the same number where a cell's number has four digits: keep "
                "the two numbers apart"),
    ),
)  # fmt: skip
