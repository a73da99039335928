"""Scale: how large the cells in a picture are, and by how much to resize it for a network.

A network knows cells of the size it was trained on.  Cells four times as large are cut into pieces
of the size it knows; so the picture is made smaller first, and what was found larger again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from cellkit import checks
from cellkit.annotations import resize_labels
from cellkit.device import unwrapped
from cellkit.looks import OCTAVES, SIDE, apart, looks, middle
from cellkit.metrics import dice
from cellkit.resampling import resample, scaled_shape
from cellkit.samples import Samples, few
from cellkit.tiles import checked, maps_of

#: Beyond these a picture is a speck, or fills the memory.
SMALLEST, LARGEST = 1 / 32, 8
FEW = 8  # pictures that fit looks at
OTHERS = tuple(2 ** (k / 2) for k in (-1, -2, 2, -3, 1, -4, -5, -6))  # scales beside 1
NEAREST = 5  # looks whose sizes are averaged
AGREE = 0.8  # Dice of what a network finds at one scale and at the next


def cell_size(labels: np.ndarray) -> float:
    """How large the cells of a label image are: the median of their diameters, in pixels.

    Parameters
    ----------
    labels : ndarray, whole numbers, (H, W)
        0 is background, k is the k-th cell.

    Returns
    -------
    float
        The diameter of a circle of a cell's area; NaN without cells.

    Examples
    --------
    >>> rows, columns = np.indices((60, 60))
    >>> disk = np.hypot(rows - 30, columns - 30) < 10
    >>> round(cell_size(disk.astype(int)))
    20
    """
    found = diameters(checks.labels("labels", labels))
    return float(np.median(found)) if len(found) else float("nan")


def diameters(labels: np.ndarray) -> np.ndarray:
    """The diameter of a circle as large as each cell, in pixels; checked labels."""
    area = np.unique(labels[labels > 0], return_counts=True)[1]
    return np.sqrt(4 * area / np.pi)


def resized(image: np.ndarray, scale: float) -> np.ndarray:
    """An image ``scale`` times as large: by area when smaller, bicubic when larger; float32."""
    shape = scaled_shape(image.shape[:2], scale)
    if shape == image.shape[:2]:
        return image
    return np.clip(resample(image, shape, "area" if scale < 1 else "bicubic"), 0, 1)


def fitted(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A map at another size, bilinear, within the range it had."""
    if values.shape[:2] == shape:
        return values
    return np.clip(resample(values, shape, "bilinear"), values.min(), values.max())


def scaled(samples: Samples, scale: float) -> Samples:
    """Samples that are resized as they are read: images by :func:`resized`, labels by nearest."""
    if scale == 1:
        return samples
    return Samples([replace(e, read=partial(_scaled, e.read, scale)) for e in samples.entries])


def _scaled(read, scale):
    image, labels = read()
    shape = scaled_shape(image.shape[:2], scale)
    return resized(image, scale), None if labels is None else resize_labels(labels, shape)


def factor(net, auto: Callable[[], float], scale, cell_size) -> float:
    """What ``scale`` and ``cell_size`` of :func:`cellkit.predict` come to; "auto" is asked for.

    Raises
    ------
    ValueError
        Both are given, one makes no sense, or nobody knows what the network was trained on.
    """
    if cell_size is None:
        if isinstance(scale, str) and scale == "auto":
            return auto()
        checks.number("scale", scale, f"a number from {SMALLEST:g} to {LARGEST}, or 'auto'",
                      lambda value: SMALLEST <= value <= LARGEST)
        return float(scale)
    if scale != 1:
        raise ValueError(f"scale is {scale!r} and cell_size {cell_size!r}, expected one of them; "
                         "leave scale out, it follows from the size.")
    checks.number("cell_size", cell_size, "the diameter of the cells in pixels, above 0",
                  lambda value: value > 0)
    return by_size(net, cell_size)


def by_size(net, cell_size: float) -> float:
    """The factor that makes cells of this diameter as large as those the network knows."""
    known = trained_on(net)
    if known is None:
        raise ValueError("cell_size needs to know the cells that the network was trained on, and "
                         "nothing says so; give scale instead, e.g. scale=0.25, or train it with "
                         "cellkit.fit.")
    scale = known[1] / cell_size
    if not SMALLEST <= scale <= LARGEST:
        raise ValueError(f"cell_size is {cell_size:g} pixels, but the network knows cells of "
                         f"{known[1]:.0f}: the picture would become {scale:.3g} times as large; "
                         "expected the diameter of one cell, in pixels of this picture.")
    return scale


def own_factor(net, samples) -> float:
    """The factor for drawn cells: their size is known."""
    known = seen_in(Samples.of(samples)).get("diameters")
    if not known:
        raise ValueError("scale='auto' looks at the drawn cells, and there are none in the "
                         "training samples; give scale as a number.")
    return by_size(net, known[1])


def trained_on(net) -> list[float] | None:
    """The 10th, 50th and 90th percentile of the diameters a network was trained on, if known."""
    return seen_of(net).get("diameters")


def known_looks(net) -> tuple[np.ndarray, np.ndarray, np.ndarray, float] | None:
    """Scales, sizes, looks and limit of :func:`seen_in`, if known."""
    seen = seen_of(net)
    if not seen.get("looks"):
        return None
    rows = np.array([[float(number) for number in row.split()] for row in seen["looks"]])
    return rows[:, 0], rows[:, 1], rows[:, 2:], seen["limit"]


def seen_of(net) -> dict:
    seen = getattr(unwrapped(net), "seen", None)
    return seen if isinstance(seen, dict) else {}


def seen_in(samples, most: int = FEW, degrade: Callable | None = None) -> dict:
    """What pictures are like that a network is trained on, for its card.

    Parameters
    ----------
    samples : sequence of Sample
        Some of them are looked at, evenly.
    most : int
        So many.
    degrade : callable(image, rng) -> image, optional
        Every second picture is seen through it.

    Returns
    -------
    dict
        "diameters": the 10th, 50th and 90th percentile of the cells, in pixels, each picture
        counting alike, if any are drawn.  "looks": a text for each picture at four scales, its own
        first: the scale, the median diameter of its cells there and :func:`cellkit.looks.looks`.
        "limit": of 20 pictures, 19 are not :func:`cellkit.looks.apart` by more from all those of
        other groups.
    """
    samples, rng = Samples.of(samples), np.random.default_rng(0)
    rows, groups, every = [], [], []
    for k, sample in enumerate(samples[few(len(samples), most)]):
        found = np.zeros(0) if sample.labels is None else diameters(sample.labels)
        if len(found):  # each picture counts alike, however many cells it has
            every.append(np.quantile(found, np.linspace(0, 1, 101)))
        image = degrade(sample.image.copy(), rng) if degrade and k % 2 else sample.image
        for scale in (1, *(OTHERS[(3 * k + n) % len(OTHERS)] for n in range(3))):
            small = resized(middle(image, int(SIDE / max(scale, 1))), scale)
            if scale != 1 and min(small.shape[:2]) < 2 ** (OCTAVES - 2):
                continue
            rows.append([scale, np.median(found) * scale if len(found) else np.nan, *looks(small)])
            groups.append(sample.group or sample.name)
    rows, groups = np.array(rows), np.array(groups)
    own = np.flatnonzero(rows[:, 0] == 1)
    nearest = [apart(rows[i, 2:], rows[others, 2:]).min() for i in own
               if len(others := own[groups[own] != groups[i]])]
    seen = {"looks": [" ".join(f"{value:.4g}" for value in row) for row in rows],
            "limit": round(max(0.5, float(np.percentile(nearest or [1.0], 95))), 2)}
    if every:
        seen["diameters"] = [round(float(v), 1) for v in np.percentile(every, (10, 50, 90))]
    return seen


@dataclass(frozen=True)
class Proposal:
    """By how much to resize a picture for a network, and why.

    ``scale``: the factor; ``cell_size``: the diameter of the cells in the picture as estimated, in
    pixels (NaN: nobody can say); ``sure``: whether to go by it unasked; ``words``: one sentence.
    """

    scale: float
    cell_size: float
    sure: bool
    words: str


def propose(net, image: np.ndarray) -> Proposal:
    """Estimate the size of the cells in a picture, and propose a scale for a network.

    A picture that looks like one the network was trained on, perhaps made larger or smaller, has
    cells as large as that.  For others the network is asked at 1, 1/2, 1/4 and 1/8 of the size:
    the coarsest at which it finds about what it finds in the next finer one is a guess, no more.

    Parameters
    ----------
    net : Module
        As for :func:`cellkit.predict`, with a card, or trained by :func:`cellkit.fit`.
    image : ndarray
        As for :func:`cellkit.predict`; its middle is looked at.
    """
    return proposal(net, checked(image))


def proposal(net, image: np.ndarray) -> Proposal:
    """:func:`propose` for a checked image."""
    sizes, known = trained_on(net), known_looks(net)
    if sizes is None or known is None:
        return Proposal(1.0, float("nan"), False, "Nothing says which cells this network was "
                        "trained on, so the picture is taken as it is; give scale= if its cells "
                        "are larger or smaller.")
    _, widths, rows, limit = known
    rows, widths = rows[np.isfinite(widths)], widths[np.isfinite(widths)]
    far = apart(looks(image), rows)
    near = np.argsort(far)[:NEAREST]
    if sure := far[near[0]] <= limit:
        weight = 1 / (far[near] + 0.1) ** 2
        size = float(np.exp(np.average(np.log(widths[near]), weights=weight)))
        scale = 1.0 if sizes[0] <= size <= sizes[2] else sizes[1] / size
        words = f"Cells seem to be {size:.0f} pixels wide"
    else:
        scale = _coarsest(net, image)
        size = sizes[1] / scale
        words = (f"A guess, as the picture is unlike those of its training: cells may be "
                 f"{size:.0f} pixels wide")
    return Proposal(scale, size, bool(sure), f"{words}; the network knows {sizes[1]:.0f} "
                    f"({sizes[0]:.0f} to {sizes[2]:.0f}): scale {scale:.2g}.")


def _coarsest(net, image) -> float:
    """The coarsest of 1, 1/2, 1/4 and 1/8 at which a network finds about what it does before."""
    image, before = middle(image, SIDE // 2), None
    for scale in (1.0, 0.5, 0.25, 0.125):
        small = resized(image, scale)
        found = maps_of(net, small).get("foreground")
        if found is None:  # it makes images
            return 1.0
        mask = fitted(found, image.shape[:2]) > 0.5
        if before is not None and dice(before, mask) < AGREE:
            return scale * 2
        before = mask
    return 1.0  # it finds the same in a smear: not cells
