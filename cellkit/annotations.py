"""From outlines to label maps, back again, and to the targets that a network learns from.

COCO files store a cell as polygons or as run-length codes (RLE).  pycocotools decides which
pixels those mean; this module only paints its runs into one label map, so that every pixel is
the one that ``annToMask`` gives, without ever making a picture for each cell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pycocotools import mask as coco
from scipy import ndimage

from cellkit import checks

#: What to do with a segmentation that means no cell.
ANEW = "delete this annotation or draw the cell anew."

# ---------------------------------------------------------------- outlines to labels


def label_map(segmentations: Sequence, shape: tuple[int, int]) -> np.ndarray:
    """Paint segmented cells into one label map (lesson 01_data_and_masks builds a slow one).

    Parameters
    ----------
    segmentations : sequence
        One COCO segmentation a cell: a list of polygons ``[[x1, y1, x2, y2, ...], ...]``, a
        compressed RLE ``{"size": [H, W], "counts": "..."}`` or an uncompressed one (``counts`` a
        list).  Polygon coordinates are pixels from the picture's upper left corner; what
        reaches over the edge is cut off there.
    shape : (H, W)

    Returns
    -------
    labels : ndarray, int32, (H, W)
        0 is background and k the k-th segmentation.  Where cells overlap, the one of smaller
        area lies on top (of equal ones, the later), so ``labels > 0`` is the union of all.  A
        number is missing where a cell is hidden completely or covers no pixel centre.

    Raises
    ------
    ValueError
        An empty segmentation, a polygon of fewer than three points or wholly outside the
        picture, a coordinate that is no finite number, an RLE made for another size.

    Notes
    -----
    A cell's pixels are those of ``pycocotools.COCO.annToMask``, bit for bit.

    Examples
    --------
    >>> label_map([[[0, 0, 3, 0, 3, 2, 0, 2]], [[1, 1, 2, 1, 2, 2, 1, 2]]], (3, 4))
    array([[1, 1, 1, 0],
           [1, 2, 1, 0],
           [0, 0, 0, 0]], dtype=int32)
    """
    height, width = checks.shape("the picture's shape", shape)
    starts, lengths, cell = _runs(_encode(segmentations, height, width), height, width)
    area = np.bincount(cell, lengths, minlength=len(segmentations))
    layer = np.empty(len(segmentations), np.int64)
    layer[bottom_up(area)] = np.arange(len(segmentations))
    order = np.argsort(layer[cell], kind="stable")  # numpy keeps the last value written
    starts, lengths, cell = starts[order], lengths[order], cell[order]

    labels = np.zeros(height * width, np.int32)
    before = np.cumsum(lengths) - lengths
    pixels = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
    labels[pixels] = np.repeat(cell + 1, lengths)
    return np.ascontiguousarray(labels.reshape(width, height).T)  # COCO counts down the columns


def bottom_up(areas) -> np.ndarray:
    """The order in which cells are painted: the smaller lies on top, of equal ones the later."""
    return np.argsort(-np.asarray(areas, np.float64), kind="stable")


def resize_labels(labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Labels at another size, each pixel the nearest one's: int (H, W) → (h, w).

    Half-pixel centres, as for images; Pillow's ``NEAREST``.
    """
    rows, columns = (
        ((np.arange(n) + 0.5) * old / n).astype(int)
        for n, old in zip(shape, labels.shape, strict=True)
    )
    return labels[rows[:, None], columns]


def _encode(segmentations, height, width) -> list[bytes]:
    """Each segmentation as the text of its compressed RLE, polygons all in one call."""
    codes: list = [None] * len(segmentations)
    polygons, owners = [], []
    for k, segmentation in enumerate(segmentations):
        where = f"segmentation {k}"
        if not isinstance(segmentation, (list, tuple, dict)) or not segmentation:
            raise ValueError(f"{where} is {segmentation!r:.40}, expected a list of polygons or an "
                             f"RLE dictionary, not empty; {ANEW}")
        if isinstance(segmentation, dict):
            codes[k] = _rle(segmentation, height, width, where)
            continue
        for polygon in segmentation:
            polygons.append(_points(polygon, where))
            owners.append(k)
    if polygons:
        _check_inside(polygons, owners, height, width)
        for k, rle in zip(owners, coco.frPyObjects(polygons, height, width), strict=True):
            codes[k] = rle if codes[k] is None else coco.merge([codes[k], rle])
    return [code["counts"] for code in codes]


def _points(polygon, where) -> np.ndarray:
    try:
        points = np.asarray(polygon, np.float64)
    except (TypeError, ValueError, OverflowError):  # the last: a whole number beyond all floats
        points = np.empty(())
    if points.ndim != 1 or len(points) < 6 or len(points) % 2:
        found = (f"of {len(points) / 2:g} points ({len(points)} numbers)" if points.ndim == 1 else
                 "that is not one flat list of numbers")
        raise ValueError(f"{where} has a polygon {found}, expected [x1, y1, x2, y2, ...], at least "
                         f"3 points; {ANEW}")
    return points


def _check_inside(polygons, owners, height, width):
    sizes = np.array([len(points) // 2 for points in polygons])
    points = np.concatenate(polygons).reshape(-1, 2)
    first = np.cumsum(sizes) - sizes
    low, high = np.minimum.reduceat(points, first), np.maximum.reduceat(points, first)
    # Far-away corners would make pycocotools walk (and store) their whole outline.
    far = 10 * (height + width)
    fits = (low < (width, height)) & (high > 0) & (low > -far) & (high < far)  # False for NaN
    if not fits.all():
        bad = int(np.flatnonzero(~fits.all(axis=1))[0])
        (left, top), (right, bottom) = low[bad], high[bad]
        raise ValueError(
            f"segmentation {owners[bad]} has a polygon outside the picture (x {left:g} to {right:g}"
            f", y {top:g} to {bottom:g}), expected pixels within width {width}, height {height}; "
            "check that image and annotation belong together, or delete this annotation."
        )


def _rle(rle, height, width, where) -> dict:
    counts = rle.get("counts")
    size = rle.get("size")
    if not isinstance(size, (list, tuple, np.ndarray)) or list(size) != [height, width]:
        raise ValueError(
            f"{where} is an RLE for size {size!r:.40}, expected [{height}, {width}], the "
            "picture's height and width; check that image and annotation belong together."
        )
    if isinstance(counts, str):
        counts = counts.encode("utf-8", "surrogatepass")
    if isinstance(counts, bytes) and counts and set(counts) <= set(range(48, 112)):
        return {"size": [height, width], "counts": counts}
    listed = isinstance(counts, (list, tuple, np.ndarray))
    if not listed or not all(isinstance(n, (int, np.integer)) and n >= 0 for n in counts) or (
            sum(map(int, counts)) != height * width):
        wrong = f"do not add up to {height} x {width} pixels" if listed else (
            "are neither a list of numbers nor COCO's text code")
        raise ValueError(f"{where} has RLE counts that {wrong}; {ANEW}")
    return coco.frPyObjects({"size": [height, width], "counts": list(counts)}, height, width)


def _runs(codes: list[bytes], height, width):
    """Where each run of cell pixels starts (down the columns), how long it is, and whose.

    COCO's text code writes the lengths of background and cell runs in turn, as numbers of five
    bits a character (+ 48), lowest first, 32 marking "more follows" and 16 in the last character
    a negative number; from the fourth on, each is the difference to the last but one.
    """
    text = np.frombuffer(b"".join(codes), np.uint8).astype(np.int64) - 48
    size = np.array([len(code) for code in codes], np.int64)
    last = (text & 32) == 0
    _whole(last[np.cumsum(size) - 1])
    ends = np.flatnonzero(last)
    digits = np.diff(ends, prepend=-1)
    begins = ends - digits + 1
    code = np.repeat(np.arange(len(codes)), size)[ends]
    _whole(digits <= 7, code)  # 35 bits: more than any picture has pixels
    place = 5 * (np.arange(len(text)) - np.repeat(begins, digits))
    number = np.add.reduceat((text & 31) << place, begins) if len(begins) else text
    number -= np.where(text[ends] & 16, 1 << (5 * digits), 0)

    # After its first number each code goes on in pairs (cell run, background run), and both
    # columns of pairs are running sums.
    numbers = np.bincount(code, minlength=len(codes))
    first = np.cumsum(numbers) - numbers
    index = np.arange(len(number)) - np.repeat(first, numbers)
    pairs = numbers // 2
    row = np.repeat(np.cumsum(pairs) - pairs, numbers) + (index - 1) // 2
    rest = index > 0
    runs = np.zeros((pairs.sum(), 2), np.int64)
    runs[row[rest], (index[rest] - 1) % 2] = number[rest]
    runs = _running_sum(runs, pairs)
    runs[(np.cumsum(pairs) - 1)[numbers % 2 == 0], 1] = 0  # no background after the last cell run

    background = number[first]
    total = _running_sum(runs.sum(axis=1), pairs)
    cell = np.repeat(np.arange(len(codes)), pairs)
    covered = background + np.bincount(cell, runs.sum(axis=1), minlength=len(codes))
    fills = covered == height * width
    fills[cell[(runs < 0).any(axis=1)]] = False
    _whole(fills)
    return background[cell] + total - runs.sum(axis=1), runs[:, 0], cell


def _running_sum(values, sizes):
    """Cumulative sums that begin anew in each group of rows."""
    total = np.insert(np.cumsum(values, axis=0), 0, 0, axis=0)
    first = np.cumsum(sizes) - sizes
    return total[1:] - np.repeat(total[first], sizes, axis=0)


def _whole(fits, owner=None):
    """Refuse the first text code that does not fit; ``owner`` says whose each one is."""
    if not fits.all():
        bad = np.flatnonzero(~fits)[0]
        raise ValueError(f"segmentation {bad if owner is None else owner[bad]} has an RLE text "
                         f"code that does not fill the picture; {ANEW}")


# ---------------------------------------------------------------- labels to outlines


def polygons(labels: np.ndarray) -> dict[int, list[list[float]]]:
    """Trace each cell: COCO polygons that :func:`label_map` turns into the same pixels again.

    Parameters
    ----------
    labels : ndarray, int, (H, W)

    Returns
    -------
    dict
        Cell number → list of polygons ``[x1, y1, x2, y2, ...]`` in pixels, multiples of 0.5.  A
        cell in several pieces has several polygons.  One with holes has a single polygon that
        reaches each further ring over a cut walked there and back, which COCO's even-odd rule
        paints as nothing.
    """
    from skimage.measure import find_contours

    labels = checks.labels("labels", labels)
    traced = {}
    for k, box in boxes(labels):
        cell = np.pad(labels[box] == k, 1)
        corner = np.array([box[1].start, box[0].start]) - 0.5  # of the padded box's first centre
        rings = [ring[:, ::-1] + corner for ring in find_contours(cell.astype(np.float32), 0.5)]
        rings = [_without_straight_points(ring[:-1]) for ring in rings]
        holes = ndimage.binary_fill_holes(cell).sum() > cell.sum()
        traced[k] = [joined(rings)] if holes else [joined([ring]) for ring in rings]
    return traced


def _without_straight_points(points):
    """A ring without its points on straight lines."""
    ahead, behind = np.roll(points, -1, 0) - points, points - np.roll(points, 1, 0)
    return points[ahead[:, 0] * behind[:, 1] != ahead[:, 1] * behind[:, 0]]


def joined(rings: Sequence[np.ndarray]) -> list[float]:
    """One COCO polygon of several rings, over cuts walked there and back: even-odd makes holes."""
    back = rings[0][:1]
    parts = [rings[0], back, *(part for ring in rings[1:] for part in (ring, ring[:1], back))]
    return np.concatenate(parts if len(rings) > 1 else rings).ravel().tolist()


# ---------------------------------------------------------------- what lies between cells


def outline(labels: np.ndarray, width: int = 1) -> np.ndarray:
    """The rim of each cell: its pixels with another cell or background within ``width``.

    Parameters
    ----------
    labels : ndarray, int, (H, W)
    width : int
        In pixels, counted like a chess king.  The picture's edge is no rim.

    Returns
    -------
    ndarray, bool, (H, W)
    """
    labels = checks.labels("labels", labels)
    checks.whole_number("width", width)
    # scikit-image's find_boundaries, of any width.
    lowest = ndimage.minimum_filter(labels, 2 * width + 1, mode="nearest")
    highest = ndimage.maximum_filter(labels, 2 * width + 1, mode="nearest")
    return (labels > 0) & (lowest != highest)


def touching(labels: np.ndarray) -> np.ndarray:
    """The numbers of the cells that touch another one, sides or corners (lesson 01).

    Parameters
    ----------
    labels : ndarray, int, (H, W)

    Returns
    -------
    ndarray, int, (n,)
        Sorted.  ``len(touching(labels)) / len(np.unique(labels[labels > 0]))`` is their share.
    """
    labels = checks.labels("labels", labels)
    pairs = [
        (labels[1:], labels[:-1]),
        (labels[:, 1:], labels[:, :-1]),
        (labels[1:, 1:], labels[:-1, :-1]),
        (labels[1:, :-1], labels[:-1, 1:]),
    ]
    met = [np.stack([a, b])[:, (a != b) & (a > 0) & (b > 0)].ravel() for a, b in pairs]
    return np.unique(np.concatenate(met))


def relabel(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers in rising order, 0 first, and each pixel's place among them.

    All numbers up to the largest, and the labels as they are; unless that is more than there are
    pixels, so that a table of them might fill the memory: then only those that occur.
    """
    if labels.max() <= labels.size:
        return np.arange(int(labels.max()) + 1), labels
    numbers = np.union1d(0, labels)
    return numbers, np.searchsorted(numbers, labels)


def boxes(labels, pad=0):
    """Each cell's number and the slices of its box, ``pad`` pixels larger within the picture."""
    numbers, labels = relabel(labels)
    for k, box in zip(numbers[1:].tolist(), ndimage.find_objects(labels), strict=True):
        if box is not None:
            yield k, tuple(slice(max(s.start - pad, 0), s.stop + pad) for s in box)
