"""The exercises of lesson 07_watershed."""

from __future__ import annotations

import heapq
from functools import lru_cache

import numpy as np
from scipy import ndimage

from cellkit.metrics import average_precision
from cellkit.postprocessing import instances
from cellkit.targets import distance_map
from cellkit_course.exercise import Case, Exercise, Fault, Mistake, present

LESSON = "07_watershed"

# --- flood -------------------------------------------------------------------------------------


def flood(landscape, seeds, mask):
    """Watershed by rising water: label map (int32) grown from the seeds within the mask."""
    labels = seeds.copy()
    heap = [(landscape[r, c], r, c) for r, c in np.argwhere(seeds)]
    heapq.heapify(heap)
    while heap:
        _, r, c = heapq.heappop(heap)
        for i, j in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            inside = 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]
            if inside and mask[i, j] and labels[i, j] == 0:
                labels[i, j] = labels[r, c]
                heapq.heappush(heap, (landscape[i, j], i, j))
    return labels


def flood_in_a_frame(landscape, seeds, mask):
    labels, height = np.pad(seeds, 1), np.pad(landscape, 1)
    dry = np.pad(mask, 1) & (labels == 0)
    shore = [tuple(place) for place in np.argwhere(labels)]
    for _ in range(labels.size):
        if not shore:
            break
        lowest = min(shore, key=lambda place: height[place])
        shore.remove(lowest)
        for step in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            place = (lowest[0] + step[0], lowest[1] + step[1])
            if dry[place]:
                labels[place], dry[place] = labels[lowest], False
                shore.append(place)
    return labels[1:-1, 1:-1]


def _flood(landscape, seeds, mask, *, key=lambda height, order: height, corners=False,
           dams=False, wrap=False, take=min):
    """The answer with one thing done otherwise."""
    labels = seeds.copy()
    height, width = labels.shape
    steps = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    steps += [(-1, -1), (-1, 1), (1, -1), (1, 1)] * corners
    shore, order = {}, 0
    for r, c in np.argwhere(seeds):
        shore[r, c], order = key(landscape[r, c], order), order + 1
    while shore:
        r, c = take(shore, key=shore.get)
        del shore[r, c]
        for i, j in ((r + down, c + right) for down, right in steps):
            if wrap:
                i, j = i % height, j % width
            if not (0 <= i < height and 0 <= j < width) or not mask[i, j] or labels[i, j]:
                continue
            around = {labels[a, b] for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1))
                      if 0 <= a < height and 0 <= b < width} - {0, -1}
            if dams and len(around) > 1:
                labels[i, j] = -1
                continue
            labels[i, j] = labels[r, c]
            shore[i, j], order = key(landscape[i, j], order), order + 1
    return np.where(labels < 0, 0, labels)


def _flood_from_the_top(landscape, seeds, mask):
    return _flood(landscape, seeds, mask, take=max)


def _flood_in_rings(landscape, seeds, mask):
    return _flood(landscape, seeds, mask, key=lambda height, order: order)


def _flood_newest_first(landscape, seeds, mask):
    return _flood(landscape, seeds, mask, key=lambda height, order: -order)


def _flood_over_corners(landscape, seeds, mask):
    return _flood(landscape, seeds, mask, corners=True)


def _flood_with_dams(landscape, seeds, mask):
    return _flood(landscape, seeds, mask, dams=True)


def _flood_around_the_picture(landscape, seeds, mask):
    return _flood(landscape, seeds, mask, wrap=True)


def _flood_everywhere(landscape, seeds, mask):
    return _flood(landscape, seeds, np.ones_like(mask))


def _flood_everywhere_then_masked(landscape, seeds, mask):
    return np.where(mask, _flood(landscape, seeds, np.ones_like(mask)), 0)


def _flood_renumbered(landscape, seeds, mask):
    labels = _flood(landscape, seeds, mask)
    return np.searchsorted(np.unique(np.append(labels, 0)), labels).astype(np.int32)


def _flood_one_water(landscape, seeds, mask):
    return (_flood(landscape, seeds, mask) > 0).astype(np.int32)


def _flood_only_neighbours(landscape, seeds, mask):
    labels = seeds.copy()
    for r, c in np.argwhere(seeds):
        for i, j in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            inside = 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]
            if inside and mask[i, j] and labels[i, j] == 0:
                labels[i, j] = seeds[r, c]
    return labels


def _flood_unsorted(landscape, seeds, mask):
    labels = seeds.copy()
    heap = [(landscape[r, c], r, c) for r, c in np.argwhere(seeds)]
    while heap:
        _, r, c = heap.pop(0)
        for i, j in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            inside = 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]
            if inside and mask[i, j] and labels[i, j] == 0:
                labels[i, j] = labels[r, c]
                heapq.heappush(heap, (landscape[i, j], i, j))
    return labels


def _flood_as_floats(landscape, seeds, mask):
    return _flood(landscape, seeds, mask).astype(float)


def _flood_cases():
    def case(about, landscape, places, rows=None):
        landscape = np.array(landscape, float)
        seeds = np.zeros(landscape.shape, np.int32)
        for number, place in places.items():
            seeds[place] = number
        mask = np.ones(seeds.shape, bool)
        if rows:
            mask = np.array([[c == "#" for c in row] for row in rows])
        return Case(about, (landscape, seeds, mask))

    def wild(about, seed, shape, count):
        rng = np.random.default_rng(seed)
        landscape = ndimage.gaussian_filter(rng.random(shape), 1)
        mask = ndimage.gaussian_filter(rng.random(shape), 1) > 0.45
        places = rng.choice(np.flatnonzero(mask), count, replace=False)
        numbers = rng.permutation(np.arange(2, 2 + count))
        places = {int(n): np.unravel_index(p, shape) for n, p in zip(numbers, places, strict=True)}
        rows = ["".join(".#"[int(v)] for v in row) for row in mask]
        return case(about, landscape, places, rows)

    return [
        case("one seed, one row", [[0, 1, 2]], {1: (0, 0)}),
        case("one seed in the middle of 3×4", [[5, 2, 6, 9], [3, 0, 4, 8], [7, 1, 11, 10]],
             {1: (1, 1)}),
        case("two seeds, and the ridge is nearer to one of them", [[0, 1, 2, 3, 9, -1]],
             {1: (0, 0), 2: (0, 5)}),
        case("the seed that comes second lies lower", [[5, 6, 1, 0]], {3: (0, 0), 8: (0, 3)}),
        case("the water must go around what is not mask",
             [[0, 1, 2], [9, 10, 3], [6, 5, 4]], {1: (0, 0)}, ["###", "..#", "###"]),
        case("two pieces that meet at a corner, a seed in one",
             [[0, 1, 7], [2, 3, 8], [9, 10, 4]], {4: (0, 0)}, ["##.", "##.", "..#"]),
        case("left and right edge, not connected", [[0, 1, 6, 3], [2, 4, 5, 7]], {1: (0, 0)},
             ["##.#", "##.#"]),
        case("top and bottom edge, not connected", [[0, 1], [2, 9], [4, 6], [3, 5]], {1: (0, 0)},
             ["##", "##", "..", "##"]),
        case("a pass leads down into another valley",
             [[0, 4, 1.5, 1, 6], [7, 8, 9, 3, 2]], {1: (0, 0), 2: (1, 4)}),
        wild("12×15 pixels, four seeds", 1, (12, 15), 4),
        wild("21×9 pixels, seven seeds", 5, (21, 9), 7),
    ]


FLOOD = Exercise(
    "flood", LESSON, "write", points=4, minutes=20,
    answer=flood, cases=_flood_cases, others=(flood_in_a_frame,),
    mistakes=(
        Mistake(_flood_from_the_top, "the highest pixel is taken first; water seeks the lowest"),
        Mistake(_flood_in_rings,
                "the pixels are taken in the order in which they were reached; the height decides"),
        Mistake(_flood_newest_first,
                "the newest pixel is taken first; the height decides, not the order"),
        Mistake(_flood_over_corners,
                "the water runs over corners too; a pixel has four neighbours here"),
        Mistake(_flood_with_dams,
                "pixels between two waters stay dry; here each goes to the water that reached it "
                "first"),
        Mistake(_flood_around_the_picture,
                "the water leaves at one edge and enters at the other: index -1 is the last pixel; "
                "ask whether the neighbour is inside"),
        Mistake(_flood_everywhere, "the water leaves the mask"),
        Mistake(_flood_everywhere_then_masked,
                "the water flows through what is not mask; cutting it off afterwards is too late"),
        Mistake(_flood_renumbered, "the cells are numbered anew; each keeps its seed's number"),
        Mistake(_flood_one_water,
                "all water has the number 1; each pixel takes the number of the one it came from"),
        Mistake(_flood_only_neighbours,
                "the water stops after one step: what was flooded must go on the heap too"),
        Mistake(_flood_unsorted,
                "the first in the list is not the lowest: only heappop and heappush keep the order "
                "of a heap, and a list of seeds is none yet"),
        Mistake(_flood_as_floats, "labels are whole numbers, int32 as the seeds are"),
    ),
)  # fmt: skip

# --- five_cells --------------------------------------------------------------------------------


def five_cells():
    """(TP, FP, FN) at IoU 0.5."""
    return 2, 2, 3


def five_cells_in_a_list():
    return [2, 2, 3]


def _five_merged_is_a_hit():
    return 3, 1, 2


def _five_half_is_no_hit():
    return 1, 3, 4


def _five_both_halves_hit():
    return 3, 1, 3


def _five_any_overlap():
    return 4, 0, 1


def _five_swapped():
    return 2, 3, 2


def _five_forgotten():
    return 2, 2, 2


def _five_merged_is_one_miss():
    return 2, 1, 2


def _five_background():
    return 3, 2, 3


def _judge_counts(case, outcome, again):
    wanted = "three whole numbers: (TP, FP, FN)"
    value = outcome.value
    if not isinstance(value, (tuple, list)) or len(value) != 3:
        return Fault(present(value), wanted, "return three numbers, as in: return 0, 0, 0")
    if not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in value):
        return Fault(present(value), wanted)
    if tuple(value) == five_cells():
        return None
    tp, fp, fn = value
    hint = ""
    if tp + fp != 4:
        hint = "four cells are predicted, and each is either a hit or a false alarm: TP + FP = 4"
    elif tp + fn != 5:
        hint = "there are five true cells, and each is either found or missed: TP + FN = 5"
    return Fault(present(tuple(value)), "the counts of the picture above", hint)


FIVE_CELLS = Exercise(
    "five_cells", LESSON, "predict", points=2, minutes=8,
    answer=five_cells, cases=lambda: [Case("your count")], judge=_judge_counts,
    others=(five_cells_in_a_list,),
    mistakes=(
        Mistake(_five_merged_is_a_hit,
                "the prediction over C and D covers both wholly, and yet it is no hit: divide what "
                "it shares with C by what the two have together"),
        Mistake(_five_half_is_no_hit,
                "one of the two pieces of B is large enough: 24 of 40 pixels, and nothing outside"),
        Mistake(_five_both_halves_hit,
                "the smaller piece of B shares 16 of 40 pixels with it: less than half"),
        Mistake(_five_any_overlap, "to overlap is not enough: compute each IoU"),
        Mistake(_five_swapped,
                "the last two are swapped: FP are predictions without a partner, FN true cells "
                "without one"),
        Mistake(_five_forgotten,
                "one true cell is forgotten: TP + FN must be the number of true cells"),
        Mistake(_five_merged_is_one_miss,
                "C and D are two true cells, and the prediction over them is one: count each"),
        Mistake(_five_background,
                "TP + FP is more than the number of predicted cells: background is no cell"),
    ),
)  # fmt: skip

# --- which_wins --------------------------------------------------------------------------------


def which_wins():
    """The winner by (average precision at 0.5, paper 5's "mAP")."""
    return "watershed", "components"


def which_wins_in_a_list():
    return [" Watershed", "Components"]


def _wins_watershed_twice():
    return "watershed", "watershed"


def _wins_components_twice():
    return "components", "components"


def _wins_swapped():
    return "components", "watershed"


def _wins_one_word():
    return "watershed"


def _judge_winners(case, outcome, again):
    wanted = 'two words, each "components" or "watershed"'
    value = outcome.value
    if isinstance(value, str) or not isinstance(value, (tuple, list)) or len(value) != 2:
        return Fault(present(value), wanted,
                     'there are two scores, so return two words, as in: return "watershed", '
                     '"watershed"')
    words = tuple(str(word).strip().lower() for word in value)
    if not set(words) <= {"components", "watershed"}:
        return Fault(present(words), wanted)
    return None if words == which_wins() else Fault(present(words), "what the table below shows")


WHICH_WINS = Exercise(
    "which_wins", LESSON, "predict", points=1, minutes=4,
    answer=which_wins, cases=lambda: [Case("your guess")], judge=_judge_winners,
    others=(which_wins_in_a_list,),
    mistakes=(
        Mistake(_wins_watershed_twice,
                "what does a method lose in TP / (TP + FP) if it predicts a clump of thirty cells "
                "as one?"),
        Mistake(_wins_components_twice,
                "thirty cells predicted as one are thirty misses; which score counts them?"),
        Mistake(_wins_swapped, "the other way round: which of the two scores counts misses?"),
        Mistake(_wins_one_word,
                'there are two scores, so return two words, as in: return "watershed", '
                '"watershed"'),
    ),
)  # fmt: skip

# --- distance_target ---------------------------------------------------------------------------


def distance_target(labels):
    """Each cell's own distance to what is not of it, 1 at its deepest (float32)."""
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        depth = ndimage.distance_transform_edt(labels == k)
        target += depth / depth.max()
    return target


def distance_target_stacked(labels):
    cells = [labels == k for k in np.unique(labels) if k]
    depths = [ndimage.distance_transform_edt(cell) for cell in cells]
    shares = [depth / np.amax(depth) for depth in depths]
    return sum(shares, start=np.zeros(labels.shape)).astype("float32")


def _distance_colleague(labels):
    depth = ndimage.distance_transform_edt(labels > 0)
    return (depth / max(depth.max(), 1)).astype(np.float32)


def _own_depths(labels):
    depth = np.zeros(labels.shape)
    for k in np.unique(labels[labels > 0]):
        depth += ndimage.distance_transform_edt(labels == k)
    return depth


def _distance_of_the_largest(labels):
    depth = _own_depths(labels)
    return (depth / max(depth.max(), 1)).astype(np.float32)


def _distance_in_pixels(labels):
    return _own_depths(labels).astype(np.float32)


def _distance_of_the_mask(labels):
    depth = ndimage.distance_transform_edt(labels > 0)
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        cell = labels == k
        target[cell] = (depth / depth[cell].max())[cell]
    return target


def _distance_in_float64(labels):
    return distance_target(labels).astype(float)


def _distance_upside_down(labels):
    return np.where(labels > 0, 1 - distance_target(labels), 0).astype(np.float32)


def _distance_edge_is_border(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        depth = ndimage.distance_transform_edt(np.pad(labels == k, 1))[1:-1, 1:-1]
        target += depth / depth.max()
    return target


def _distance_numbers_in_a_row(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in range(1, len(np.unique(labels))):
        depth = ndimage.distance_transform_edt(labels == k)
        target += depth / max(depth.max(), 1)
    return target


def _distance_with_background(labels):
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels):
        depth = ndimage.distance_transform_edt(labels == k)
        target += depth / depth.max()
    return target


def _distance_squared(labels):
    return distance_target(labels) ** 2


def _distance_cases():
    def drawn(*rows):
        return np.array([[int(c) for c in row.replace(".", "0")] for row in rows], np.int32)

    wide = drawn(".......", ".11111.", ".11111.", ".11111.", ".......")
    touching = drawn("........", ".111222.", ".111222.", ".111222.", "........")
    sizes = drawn("..........", ".11111....", ".11111....", ".11111.22.", ".11111....",
                  ".11111....")
    rng = np.random.default_rng(2)
    seeds = np.zeros((24, 31), bool)
    seeds.flat[rng.choice(seeds.size, 6, replace=False)] = True
    numbers = np.where(seeds, np.cumsum(seeds).reshape(seeds.shape), 0)
    _, (r, c) = ndimage.distance_transform_edt(~seeds, return_indices=True)
    many = np.where(ndimage.distance_transform_edt(~seeds) < 7, numbers[r, c], 0).astype(np.int32)
    return [
        Case("no cell", (np.zeros((3, 4), np.int32),)),
        Case("one cell", (wide,)),
        Case("two cells that touch", (touching,)),
        Case("a large cell and a small one", (sizes,)),
        Case("a cell at the picture's edge", (drawn("111..", "111..", "111..", "....."),)),
        Case("the numbers 4 and 7", (np.where(touching == 1, 7, touching * 2).astype(np.int32),)),
        Case("six crowded cells", (many,)),
    ]


DISTANCE_TARGET = Exercise(
    "distance_target", LESSON, "bug", points=3, minutes=12,
    answer=distance_target, cases=_distance_cases, others=(distance_target_stacked,),
    mistakes=(
        Mistake(_distance_colleague,
                "both mistakes are still there: look at two cells that touch, and at a small cell "
                "beside a large one"),
        Mistake(_distance_of_the_largest,
                "one largest distance for all cells: a small cell never gets near 1; divide each "
                "by its own"),
        Mistake(_distance_in_pixels, "these are pixels; divide each cell by its own largest"),
        Mistake(_distance_of_the_mask,
                "the distance runs to the background only; a cell also ends where its neighbour "
                "begins"),
        Mistake(_distance_in_float64, "networks learn from float32: convert at the end"),
        Mistake(_distance_upside_down, "upside down: the deepest place is 1, the edge is near 0"),
        Mistake(_distance_edge_is_border,
                "the picture's edge counts as the end of a cell; it only cuts off our view"),
        Mistake(_distance_numbers_in_a_row,
                "numbers may be missing in between: go through those that occur"),
        Mistake(_distance_with_background, "0 is no cell: the background got a hill as well"),
        Mistake(_distance_squared, "the distance itself, not its square"),
    ),
)  # fmt: skip

# --- parameters --------------------------------------------------------------------------------

ENOUGH = 0.30  # the mean average precision to reach
#: Where the exercise begins, for seeds that are cores (``h=None``).
START = {"threshold": 0.5, "smoothing": 0.5, "seed_threshold": 0.5, "min_size": 16}


def imitated_maps(labels, seed):
    """What a timid and noisy network might say about these cells."""
    grain = np.random.default_rng(seed).normal(size=labels.shape)
    grain = ndimage.gaussian_filter(grain, 1)
    blurred = [ndimage.gaussian_filter(m.astype(float), 2)
               for m in (labels > 0, distance_map(labels))]
    foreground, distance = (np.clip(m + 0.2 * grain / grain.std(), 0, 1) for m in blurred)
    return {"foreground": foreground, "distance": 0.7 * distance}


@lru_cache(maxsize=1)
def _others():
    """Eight drawn pictures that the lesson does not show: (maps, labels)."""
    from cellkit import synthetic

    lines = ("A172", "BV2", "SHSY5Y", "SkBr3")
    truth = [synthetic.render(line, (160, 160), first + k).labels
             for first in (20, 40) for k, line in enumerate(lines)]
    return [imitated_maps(labels, seed) for seed, labels in enumerate(truth)], truth


@lru_cache(maxsize=256)
def _score(choice):
    maps, truth = _others()
    found = [instances(one, "distance", h=None, **START | dict(choice)) for one in maps]
    return float(average_precision(truth, found).mean())


def parameters():
    """threshold, smoothing, seed_threshold and min_size for the imitated maps."""
    return {"smoothing": 2, "seed_threshold": 0.35}


def parameters_all_four():
    return {"threshold": 0.5, "smoothing": 2.5, "seed_threshold": 0.3, "min_size": 30}


def _parameters_as_they_were():
    return {}


def _parameters_smooth_only():
    return {"smoothing": 2}


def _parameters_seed_only():
    return {"seed_threshold": 0.35}


def _parameters_flattened():
    return {"smoothing": 8, "seed_threshold": 0.35}


def _parameters_cores_run_together():
    return {"smoothing": 2, "seed_threshold": 0.1}


def _parameters_cores_too_high():
    return {"smoothing": 2, "seed_threshold": 0.65}


def _parameters_large_cells_only():
    return {"smoothing": 2, "seed_threshold": 0.35, "min_size": 600}


def _parameters_too_strict():
    return {"smoothing": 2, "seed_threshold": 0.35, "threshold": 0.9}


def _parameters_of_the_watershed():
    return {"smoothing": 2, "peak_distance": 5}


def _parameters_as_text():
    return {"smoothing": "2", "seed_threshold": 0.35}


def _parameters_no_dictionary():
    return 2, 0.35


_GRAIN = "every grain of noise is a seed: smooth the distance map more"
_HIGH = ("the cores are sought too high: these maps seldom reach 0.7 in the middle of a cell, and "
         "smoothing takes off more")
_LOW = "the cores are sought so low that those of neighbours run together"
_FLAT = "smoothed so much that neighbouring hills become one"
_SIZE = "with this min_size small cells are thrown away"
_STRICT = "with this threshold hardly any mask is left, or far too much"


def _judge_parameters(case, outcome, again):
    value = outcome.value
    wanted = "a dictionary with some of " + ", ".join(START)
    if not isinstance(value, dict):
        return Fault(present(value), wanted)
    if not set(value) <= set(START):
        return Fault(present(value), wanted, "a name in the dictionary is none of these")
    try:
        score = _score(tuple(sorted(value.items())))
    except (TypeError, ValueError) as problem:
        return Fault(str(problem), wanted)
    if score >= ENOUGH:
        return None
    used = START | value
    hint = (_STRICT if not 0.35 <= used["threshold"] <= 0.7 else
            _SIZE if used["min_size"] > 100 else
            _GRAIN if used["smoothing"] < 1.5 else _FLAT if used["smoothing"] > 4 else
            _HIGH if used["seed_threshold"] >= 0.4 else _LOW)
    return Fault(f"mean average precision {score:.3f}", f"at least {ENOUGH:.2f}", hint)


PARAMETERS = Exercise(
    "parameters", LESSON, "tune", points=4, minutes=15,
    answer=parameters,
    cases=lambda: [Case("eight other drawn pictures, and the same network")],
    judge=_judge_parameters, seconds=20,
    remark=lambda outcome: (f"Mean average precision "
                            f"{_score(tuple(sorted(outcome.value.items()))):.3f}; at the "
                            f"start it was {_score(()):.3f} on these pictures."),
    others=(parameters_all_four,),
    mistakes=(
        Mistake(_parameters_as_they_were, _GRAIN),
        Mistake(_parameters_smooth_only, _HIGH),
        Mistake(_parameters_seed_only, _GRAIN),
        Mistake(_parameters_flattened, _FLAT),
        Mistake(_parameters_cores_run_together, _LOW),
        Mistake(_parameters_cores_too_high, _HIGH),
        Mistake(_parameters_large_cells_only, _SIZE),
        Mistake(_parameters_too_strict, _STRICT),
        Mistake(_parameters_of_the_watershed,
                "peak_distance belongs to the watershed of a mask; here the cores are cut out by "
                "seed_threshold"),
        Mistake(_parameters_as_text, "a number stands in quotes: leave them out"),
        Mistake(_parameters_no_dictionary, "write a dictionary: {\"smoothing\": …, …}"),
    ),
)  # fmt: skip

EXERCISES = (FLOOD, FIVE_CELLS, WHICH_WINS, DISTANCE_TARGET, PARAMETERS)
