"""split_by_well: write a function (lesson 01_data_and_masks)."""

from __future__ import annotations

import random

import numpy as np

from cellkit_course.comparing import Fault
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_01 import LESSON
from cellkit_course.presenting import present


def split_by_well(names, fraction, seed):
    """Two lists of names; wells stay whole; the first has about that fraction of the names."""
    well = {name: "_".join(name.split("_")[:3]) for name in names}
    wells = sorted(set(well.values()))
    np.random.default_rng(seed).shuffle(wells)
    chosen, count = set(), 0
    for w in wells[:-1]:
        size = sum(well[name] == w for name in names)
        if not chosen or abs(count + size - fraction * len(names)) <= abs(
            count - fraction * len(names)
        ):
            chosen.add(w)
            count += size
    return (
        [name for name in names if well[name] in chosen],
        [name for name in names if well[name] not in chosen],
    )


def _well(name, parts=3):
    return "_".join(name.split("_")[:parts])


def _split_names(names, fraction, seed):
    names = list(names)
    np.random.default_rng(seed).shuffle(names)
    cut = round(fraction * len(names))
    return names[:cut], names[cut:]


def _split_cut_wells(names, fraction, seed, parts=3, shuffle=True, gap=0):
    """By the share of groups: the frame of several mistakes."""
    groups = sorted({_well(name, parts) for name in names})
    if shuffle:
        np.random.default_rng(seed).shuffle(groups)
    cut = min(max(round(fraction * len(groups)), 1), len(groups) - 1)
    first, second = set(groups[:cut]), set(groups[max(cut + gap, 0):])
    return ([n for n in names if _well(n, parts) in first],
            [n for n in names if _well(n, parts) in second])


def _split_share_of_wells(names, fraction, seed):
    return _split_cut_wells(names, fraction, seed)


def _split_by_spot(names, fraction, seed):
    return _split_cut_wells(names, fraction, seed, parts=4)


def _split_well_lost(names, fraction, seed):
    return _split_cut_wells(names, fraction, seed, gap=1)


def _split_well_doubled(names, fraction, seed):
    return _split_cut_wells(names, fraction, seed, gap=-1)


def _split_in_order(names, fraction, seed):
    wells = sorted({_well(name) for name in names})
    first, second = [], []
    for well in wells:
        enough = len(first) >= fraction * len(names) or well == wells[-1]
        (second if enough else first).extend(n for n in names if _well(n) == well)
    return first, second


def _split_unseeded(names, fraction, seed):
    return split_by_well(names, fraction, np.random.randint(1_000_000))


def _split_swapped(names, fraction, seed):
    return split_by_well(names, 1 - fraction, seed)


def _split_wells_only(names, fraction, seed):
    return tuple(sorted({_well(n) for n in part}) for part in split_by_well(names, fraction, seed))


def _split_by_line(names, fraction, seed):
    return _split_cut_wells(names, fraction, seed, parts=1)


def _split_by_place(names, fraction, seed):
    def cut(name):
        return name.split("_")[2]

    places = sorted({cut(name) for name in names})
    np.random.default_rng(seed).shuffle(places)
    first, second = [], []
    for place in places:
        enough = len(first) >= fraction * len(names) or (first and place == places[-1])
        (second if enough else first).extend(n for n in names if cut(n) == place)
    return first, second


def _split_by_letters(names, fraction, seed):
    longer = [f"{name[:13]}_{name}" for name in names]  # the first 13 letters as the well
    group = {new: old for new, old in zip(longer, names, strict=True)}
    wells = sorted({name[:13] for name in names})
    np.random.default_rng(seed).shuffle(wells)
    first, second = [], []
    for well in wells:
        enough = len(first) >= fraction * len(names) or (first and well == wells[-1])
        (second if enough else first).extend(group[n] for n in longer if n[:13] == well)
    return first, second


def _split_by_beginning(names, fraction, seed):
    wells = sorted({_well(name) for name in names})
    np.random.default_rng(seed).shuffle(wells)
    first, second = [], []
    for well in wells:
        enough = len(first) >= fraction * len(names) or (first and well == wells[-1])
        (second if enough else first).extend(n for n in names if n.startswith(well))
    return first, second


def _split_order_of_a_set(names, fraction, seed):
    wells = list({"_".join(name.split("_")[:3]) for name in names})
    np.random.default_rng(seed).shuffle(wells)
    first, second = [], []
    for well in wells:
        enough = len(first) >= fraction * len(names) or (first and well == wells[-1])
        (second if enough else first).extend(n for n in names if _well(n) == well)
    return first, second


def _split_by_hash(names, fraction, seed):
    wells = sorted({_well(name) for name in names}, key=lambda well: hash((well, seed)))
    first, second = [], []
    for well in wells:
        enough = len(first) >= fraction * len(names) or (first and well == wells[-1])
        (second if enough else first).extend(n for n in names if _well(n) == well)
    return first, second


def _split_one_side_empty(names, fraction, seed):
    first, second = split_by_well(names, fraction, seed)
    return (names, []) if len(second) <= max(map(len, _groups(names).values())) else (first, second)


def _groups(names):
    groups = {}
    for name in names:
        groups.setdefault(_well(name), []).append(name)
    return groups


def _split_cases():
    def names(line, wells, sizes):
        return [f"{line}_Phase_{well}_{1 + k // 2}_0{k // 4}d{4 * (k % 4):02d}h00m_{1 + k % 4}"
                for well, size in zip(wells, sizes, strict=True) for k in range(size)]

    letters = [f"{letter}{number}" for letter in "ABCDEFGH" for number in range(2, 8)]
    uneven = names("BV2", letters[:24], [1] * 24) + names("MCF7", letters[:8], [7] * 8)
    three = names("A172", ["C7", "D3", "E1"], [2, 2, 2])
    return [
        Case("both", "two wells with one picture each",
             (names("A172", ["C7", "D3"], [1, 1]), 0.5, 0)),
        Case("whole", "three wells with two pictures each", (three, 0.66, 1)),
        Case("whole", "one place in two cell lines: two wells",
             (names("A172", ["C7"], [3]) + names("BV2", ["C7"], [3]), 0.5, 6)),
        Case("whole", "wells C1, C10 and C11, whose names begin alike",
             (names("A172", ["C1", "C10", "C11"], [2, 2, 2]), 0.5, 5)),
        Case("both", "two wells, and nearly everything wanted in the first list",
             (names("SKOV3", ["B2", "G10"], [3, 3]), 0.9, 2)),
        Case("share", "twelve wells with four pictures each, 80 %",
             (names("Huh7", letters[:12], [4] * 12), 0.8, 3)),
        Case("share",
             "wells of the same place in two cell lines, some with one picture, some with seven",
             (uneven[::-1], 0.5, 4)),
    ]


_TORN = ("a well is torn apart: all its pictures must land on one side, so it is the wells that "
         "are divided")
_SPOT = ("the group is too narrow: the number after the well is only the spot in it; the well ends "
         "before the third underscore")
_LOST = "names got lost: every well must land on one of the two sides"
_DOUBLED = "some names are in both lists: look where the cut lies"
_SHARE = "the share is counted in wells; wells differ in size, so count the pictures"
_OTHER_SHARE = "the two lists are swapped: the first one holds the fraction"
_ANY_SHARE = "count the pictures as you go and stop where the share is nearest"
_UNSEEDED = "the same seed must give the same lists: make the random numbers from seed"
_SET = ("Python draws the order of a set, and the hash of a text, anew each time it starts: sort "
        "the wells before you shuffle them")
_FIXED = "the seed changes nothing: shuffle the wells with it"
_EMPTY = "with two wells or more, neither list may be empty"
_NO_NAMES = "the lists must hold names of pictures, as they were given"


def _judge_split(case, outcome, again):
    names, fraction, seed = case.args
    fault = _split_fault(names, fraction, seed, outcome.value)
    if fault:
        return fault
    first = set(outcome.value[0])
    for other in range(8):  # chance that does not come from seed may agree a few times
        random.seed(other)
        np.random.seed(other)
        value = again(names, fraction, seed)
        if _split_fault(names, fraction, seed, value) or set(value[0]) != first:
            return Fault(f"other lists at another call with seed {seed}",
                         "the same lists for the same seed", _UNSEEDED)
    for session in (1, 2, 3):
        value = again.elsewhere(session)(names, fraction, seed)
        if value is not None and set(value[0]) != first:
            return Fault(f"other lists in another Python session with seed {seed}",
                         "the same lists for the same seed", _SET)
    if len(_groups(names)) < 6:
        return None
    seen = set()
    for other in range(20):
        value = again(names, fraction, other)
        fault = _split_fault(names, fraction, other, value)
        if fault:
            return fault
        seen.add(tuple(sorted(value[0])))
    if len(seen) == 1:
        return Fault("the same lists for each of 20 seeds", "other lists for other seeds", _FIXED)
    return None


def _split_fault(names, fraction, seed, value):
    wanted = "two lists of names"
    if not (isinstance(value, (tuple, list)) and len(value) == 2):
        return Fault(present(value), wanted, "return two lists: return first, second")
    if all(isinstance(part, str) for part in value):
        return Fault(present(value), wanted, _NO_NAMES)
    if not all(isinstance(part, (list, tuple, np.ndarray)) for part in value):
        kinds = " and ".join(type(part).__name__ for part in value)
        return Fault(kinds, wanted, "return lists: they keep their order")
    first, second = ([n if isinstance(n, str) else present(n) for n in part] for part in value)
    at = f" (seed {seed})"
    strange = set(first + second) - set(names)
    if strange:
        return Fault(f"something that is not among the names: {present(min(strange))}", wanted,
                     _NO_NAMES)
    lost, both = set(names) - set(first + second), set(first) & set(second)
    if lost:
        return Fault(f"{len(lost)} of {len(names)} names in neither list{at}", "every name once",
                     _LOST)
    if both or len(first + second) != len(names):
        extra = len(first + second) - len(names)
        return Fault(f"{extra} names too many{at}", "every name once", _DOUBLED)
    torn = {_well(n) for n in first} & {_well(n) for n in second}
    if torn:
        spots = {_well(n, 4) for n in first} & {_well(n, 4) for n in second}
        wide = max(len({_well(n, 4) for n in group}) for group in _groups(names).values()) > 1
        return Fault(f"pictures of well {min(torn)} in both lists{at}", "every well in one list",
                     _SPOT if wide and not spots else _TORN)
    if not first or not second:
        return Fault(f"{len(first)} and {len(second)} names{at}", "at least one well in each list",
                     _EMPTY)
    groups = _groups(names)
    allowed = max(map(len, groups.values()))
    if abs(len(first) - fraction * len(names)) > allowed:
        wells = len({_well(n) for n in first})
        hint = _ANY_SHARE
        if abs(wells - fraction * len(groups)) <= 1:
            hint = _SHARE
        elif abs(len(first) - (1 - fraction) * len(names)) <= allowed:
            hint = _OTHER_SHARE
        return Fault(f"{len(first)} of {len(names)} pictures in the first list{at}",
                     f"about {fraction * len(names):.0f}, give or take one well", hint)
    return None


EXERCISE = Exercise(
    "split_by_well", LESSON, "write", points=4, minutes=20,
    answer=split_by_well, cases=_split_cases, judge=_judge_split,
    asks={
        "whole": "no well appears in both lists",
        "names": "the lists hold the names; none gets lost or doubled",
        "share": "the first list holds about that fraction of the pictures, give or take a well",
        "seed": "the same seed gives the same lists, in every session; another, in general, others",
        "both": "with two wells or more, neither list is empty",
    },
    ladder=(
        "divide wells, not pictures. So first find out which well each picture belongs to",
        "list the wells without repeats, and sort them, so that only the seed decides. Shuffle "
        "them with a generator made from seed. Give well after well to the first list as long as "
        "that brings it nearer to fraction * len(names), but never the last one",
    ),
    blanks=("\"_\".join(name.split(\"_\")[:3])", "np.random.default_rng(seed)", "wells[:-1]"),
    mistakes=(
        Mistake("whole", _split_names, _TORN),
        Mistake("whole", _split_by_spot, _SPOT),
        Mistake("share", _split_share_of_wells, _SHARE),
        Mistake("names", _split_well_lost, _LOST),
        Mistake("names", _split_well_doubled, _DOUBLED),
        Mistake("seed", _split_in_order, _FIXED),
        Mistake("seed", _split_unseeded, _UNSEEDED),
        Mistake("share", _split_swapped, _OTHER_SHARE),
        Mistake("whole", _split_by_line,
                "the group is too wide: a cell line has many wells, and they may be divided"),
        Mistake("whole", _split_by_place,
                "C7 of one line and C7 of another are two wells: the line belongs to the name"),
        Mistake("whole", _split_by_letters,
                "names have different lengths, so a fixed number of letters cuts some of them: "
                "split at the underscores"),
        Mistake("whole", _split_by_beginning,
                "A172_Phase_C10 begins with A172_Phase_C1, and is another well: compare whole "
                "names of wells"),
        Mistake("seed", _split_order_of_a_set, _SET),
        Mistake("seed", _split_by_hash, _SET),
        Mistake("both", _split_one_side_empty, _EMPTY),
        Mistake("names", _split_wells_only, _NO_NAMES),
    ),
)  # fmt: skip
