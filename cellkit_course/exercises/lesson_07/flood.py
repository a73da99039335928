"""flood: write a function (lesson 07_watershed)."""

from __future__ import annotations

import heapq

import numpy as np
from scipy import ndimage

from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_07 import LESSON


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


def _flood(landscape, seeds, mask, *, key=lambda height, order: height, corners=False,
           dams=False, wrap="", take=min, left_out=None, dry=0):
    """The answer with one thing done otherwise."""
    labels = seeds.copy()
    height, width = labels.shape
    steps = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    steps += [(-1, -1), (-1, 1), (1, -1), (1, 1)] * corners
    steps = [step for step in steps if step != left_out]
    shore, order = {}, 0
    for r, c in np.argwhere(seeds):
        shore[r, c], order = key(landscape[r, c], order), order + 1
    while shore:
        r, c = take(shore, key=shore.get)
        del shore[r, c]
        for i, j in ((r + down, c + right) for down, right in steps):
            if wrap and (wrap == "both" or min(i, j) < 0):
                i, j = i % height, j % width
            if not (0 <= i < height - dry and 0 <= j < width - dry):
                continue
            if not mask[i, j] or labels[i, j]:
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
    return _flood(landscape, seeds, mask, wrap="both")


def _flood_before_the_first(landscape, seeds, mask):
    return _flood(landscape, seeds, mask, wrap="before")


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


def _flood_numbered_when_taken(landscape, seeds, mask):
    labels = np.zeros_like(seeds)
    heap = [(landscape[r, c], r, c, seeds[r, c]) for r, c in np.argwhere(seeds)]
    heapq.heapify(heap)
    while heap:
        _, r, c, number = heapq.heappop(heap)
        if labels[r, c]:
            continue
        labels[r, c] = number
        for i, j in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            inside = 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]
            if inside and mask[i, j] and labels[i, j] == 0:
                heapq.heappush(heap, (landscape[i, j], i, j, number))
    return labels


def _flood_nearest_seed(landscape, seeds, mask):
    _, (rows, columns) = ndimage.distance_transform_edt(seeds == 0, return_indices=True)
    return np.where(mask, seeds[rows, columns], 0).astype(np.int32)


def _flood_never_below(landscape, seeds, mask):
    labels = seeds.copy()
    heap = [(landscape[r, c], r, c) for r, c in np.argwhere(seeds)]
    heapq.heapify(heap)
    while heap:
        level, r, c = heapq.heappop(heap)
        for i, j in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            inside = 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]
            if inside and mask[i, j] and labels[i, j] == 0 and landscape[i, j] >= level:
                labels[i, j] = labels[r, c]
                heapq.heappush(heap, (landscape[i, j], i, j))
    return labels


def _flood_seed_after_seed(landscape, seeds, mask):
    labels = seeds.copy()
    for number in np.unique(seeds[seeds > 0]):
        labels = _flood(landscape, np.where(labels == number, labels, 0), mask & (
            (labels == 0) | (labels == number))) + np.where(labels == number, 0, labels)
    return labels.astype(np.int32)


def _flood_by_heap(landscape, seeds, mask, first=None, entry=None):
    """The answer with other entries on the heap, or other pixels to begin with."""
    entry = entry or (lambda r, c, from_r, from_c: (landscape[r, c], r, c, r, c))
    labels = seeds.copy()
    heap = [entry(r, c, r, c) for r, c in (first or np.argwhere)(seeds)]
    heapq.heapify(heap)
    while heap:
        *_, r, c = heapq.heappop(heap)
        for i, j in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            inside = 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]
            if inside and mask[i, j] and labels[i, j] == 0:
                labels[i, j] = labels[r, c]
                heapq.heappush(heap, entry(i, j, r, c))
    return labels


def _flood_height_behind(landscape, seeds, mask):
    return _flood_by_heap(landscape, seeds, mask, entry=lambda r, c, from_r, from_c: (
        landscape[from_r, from_c], r, c, r, c))


def _flood_by_row(landscape, seeds, mask):
    return _flood_by_heap(landscape, seeds, mask, entry=lambda r, c, *_: (r, c, r, c))


def _flood_first_pixels(landscape, seeds, mask):
    return _flood_by_heap(landscape, seeds, mask, first=lambda seeds: [
        np.argwhere(seeds == k)[0] for k in np.unique(seeds[seeds > 0])])


def _flood_last_row_dry(landscape, seeds, mask):
    return _flood(landscape, seeds, mask, dry=1)


def _flood_three_neighbours(landscape, seeds, mask):
    return _flood(landscape, seeds, mask, left_out=(0, -1))


def _flood_pieces(landscape, seeds, mask):
    return _flood(landscape, ndimage.label(seeds)[0].astype(np.int32), mask)


def _flood_in_int64(landscape, seeds, mask):
    return _flood(landscape, seeds, mask).astype(np.int64)


def _flood_as_floats(landscape, seeds, mask):
    return _flood(landscape, seeds, mask).astype(float)


def _flood_by_the_last_height(landscape, seeds, mask):
    labels = seeds.copy()
    heap = [(landscape[r, c], r, c) for r, c in np.argwhere(seeds)]
    heapq.heapify(heap)
    while heap:
        height, r, c = heapq.heappop(heap)
        for i, j in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            inside = 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]
            if inside and mask[i, j] and labels[i, j] == 0:
                labels[i, j] = labels[r, c]
                heapq.heappush(heap, (height, i, j))
    return labels


def _flood_once_by_height(landscape, seeds, mask):
    labels = seeds.copy()
    for r, c in sorted(np.argwhere(mask).tolist(), key=lambda at: landscape[tuple(at)]):
        for i, j in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            inside = 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]
            if labels[r, c] == 0 and inside:
                labels[r, c] = labels[i, j]
    return labels


def _flood_never_at_the_edge(landscape, seeds, mask):
    inner = mask.copy()
    inner[[0, -1]] = inner[:, [0, -1]] = False
    return flood(landscape, seeds, inner)


def _flood_cases():
    def case(asks, about, landscape, places, rows=None):
        landscape = np.array(landscape, float)
        seeds = np.zeros(landscape.shape, np.int32)
        for number, place in places.items():
            for pixel in place if isinstance(place, list) else [place]:
                seeds[pixel] = number
        mask = np.ones(seeds.shape, bool)
        if rows:
            mask = np.array([[c == "#" for c in row] for row in rows])
        return Case(asks, about, (landscape, seeds, mask))

    def wild(asks, about, seed, shape, count):
        rng = np.random.default_rng(seed)
        landscape = ndimage.gaussian_filter(rng.random(shape), 1)
        mask = ndimage.gaussian_filter(rng.random(shape), 1) > 0.45
        places = rng.choice(np.flatnonzero(mask), count, replace=False)
        numbers = rng.permutation(np.arange(2, 2 + count))
        places = {int(n): np.unravel_index(p, shape) for n, p in zip(numbers, places, strict=True)}
        rows = ["".join(".#"[int(v)] for v in row) for row in mask]
        return case(asks, about, landscape, places, rows)

    return [
        case("all", "one seed, one row", [[0, 1, 2]], {1: (0, 0)}),
        case("all", "one seed in the middle of 3×4", [[5, 2, 6, 9], [3, 0, 4, 8], [7, 1, 11, 10]],
             {1: (1, 1)}),
        case("lowest", "two seeds, and the ridge is nearer to one of them", [[0, 1, 2, 3, 9, -1]],
             {1: (0, 0), 2: (0, 5)}),
        case("all", "seeds of several pixels, in several pieces",
             [[0, 9, 3, 4, 5], [8, 2, 7, 1, 6]], {5: [(0, 0), (0, 4), (1, 4)], 2: [(1, 1)]},
             ["##.##", "##.##"]),
        case("numbers", "the seed that comes second lies lower",
             [[5, 6, 1, 0]], {3: (0, 0), 8: (0, 3)}),
        case("mask", "the water must go around what is not mask",
             [[0, 1, 2], [9, 10, 3], [6, 5, 4]], {1: (0, 0)}, ["###", "..#", "###"]),
        case("four", "two pieces that meet at a corner, a seed in one",
             [[0, 1, 7], [2, 3, 8], [9, 10, 4]], {4: (0, 0)}, ["##.", "##.", "..#"]),
        case("four", "left and right edge, not connected",
             [[0, 1, 6, 3], [2, 4, 5, 7]], {1: (0, 0)},
             ["##.#", "##.#"]),
        case("four", "top and bottom edge, not connected",
             [[0, 1], [2, 9], [4, 6], [3, 5]], {1: (0, 0)},
             ["##", "##", "..", "##"]),
        case("lowest", "a pass leads down into another valley",
             [[0, 4, 1.5, 1, 6], [7, 8, 9, 3, 2]], {1: (0, 0), 2: (1, 4)}),
        wild("lowest", "12×15 pixels, four seeds", 1, (12, 15), 4),
        wild("lowest", "21×9 pixels, seven seeds", 5, (21, 9), 7),
    ]


EXERCISE = Exercise(
    "flood", LESSON, "write", points=4, minutes=20,
    answer=flood, cases=_flood_cases, dtype="int32",
    asks={
        "lowest": "the lowest pixel on the heap is taken next",
        "all": "every pixel of the mask that water can reach gets the number of the one it came "
               "from",
        "four": "a pixel has four neighbours, inside the picture",
        "mask": "the water stays inside the mask, also on its way",
        "numbers": "the seeds keep their numbers, in an int32 label map",
    },
    ladder=(
        "a heap always gives its lowest entry first. So the water is a heap of shore pixels",
        "begin with all seeds on the heap. Take one off; for each of its four neighbours ask: "
        "inside the picture, inside the mask, no number yet? Then it gets the number at once, and "
        "goes on the heap with its own height",
    ),
    blanks=("heapq.heappop(heap)", "mask[i, j] and labels[i, j] == 0", "(landscape[i, j], i, j)"),
    mistakes=(
        Mistake("lowest", _flood_from_the_top,
                "the highest pixel is taken first; water seeks the lowest"),
        Mistake("lowest", _flood_in_rings,
                "the pixels are taken in the order in which they were reached; the height decides"),
        Mistake("lowest", _flood_newest_first,
                "the newest pixel is taken first; the height decides, not the order"),
        Mistake("four", _flood_over_corners,
                "the water runs over corners too; a pixel has four neighbours here"),
        Mistake("all", _flood_with_dams,
                "pixels between two waters stay dry; here each goes to the water that reached it "
                "first"),
        Mistake("four", _flood_around_the_picture,
                "the water leaves at one edge and enters at the other: index -1 is the last pixel; "
                "ask whether the neighbour is inside"),
        Mistake("four", _flood_before_the_first,
                "the water leaves at one edge and enters at the other: index -1 is the last pixel; "
                "ask whether the neighbour is inside"),
        Mistake("mask", _flood_everywhere, "the water leaves the mask"),
        Mistake("mask", _flood_everywhere_then_masked,
                "the water flows through what is not mask; cutting it off afterwards is too late"),
        Mistake("numbers", _flood_renumbered,
                "the cells are numbered anew; each keeps its seed's number"),
        Mistake("numbers", _flood_one_water,
                "all water has the number 1; each pixel takes the number of the one it came from"),
        Mistake("all", _flood_only_neighbours,
                "the water stops after one step: what was flooded must go on the heap too"),
        Mistake("lowest", _flood_unsorted,
                "the first in the list is not the lowest: only heappop and heappush keep the order "
                "of a heap, and a list of seeds is none yet"),
        Mistake("lowest", _flood_numbered_when_taken,
                "a pixel gets its number when it is taken off; here it gets it as soon as a "
                "neighbour reaches it, before it goes on the heap"),
        Mistake("lowest", _flood_nearest_seed,
                "each pixel takes the nearest seed's number; it is the heights that decide"),
        Mistake("lowest", _flood_never_below,
                "the water stops where it would run down; it takes every neighbour, high or low"),
        Mistake("lowest", _flood_seed_after_seed,
                "one seed floods all it can before the next begins: put all seeds on one heap"),
        Mistake("lowest", _flood_height_behind,
                "a pixel goes on the heap with the height of the one it was reached from; its own "
                "height decides"),
        Mistake("lowest", _flood_by_row,
                "the heap sorts by the first of its numbers, and that is the row here; the height "
                "must come first"),
        Mistake("all", _flood_first_pixels,
                "of each seed only one pixel goes on the heap; all of its pixels must"),
        Mistake("all", _flood_last_row_dry,
                "the last row and column stay dry: the largest index is the size minus one, and "
                "that is still inside"),
        Mistake("four", _flood_three_neighbours,
                "the water never runs to the left: of the four neighbours one is missing"),
        Mistake("numbers", _flood_pieces,
                "the seeds were numbered anew by their pieces; each keeps the number it came with"),
        Mistake("numbers", _flood_in_int64, "labels are int32, as the seeds are"),
        Mistake("numbers", _flood_as_floats, "labels are whole numbers, int32 as the seeds are"),
        Mistake("lowest", _flood_by_the_last_height,
                "a pixel goes on the heap with the height of the one that it was reached from; it "
                "must be its own"),
        Mistake("lowest", _flood_once_by_height,
                "each pixel is looked at once, from low to high, so one that the water reaches "
                "only later stays dry: take the next one from a heap"),
        Mistake("four", _flood_never_at_the_edge,
                "the outermost rows and columns are never reached, but they are inside, too"),
    ),
)  # fmt: skip
