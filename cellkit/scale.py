"""Scale: how large the cells in a picture are, and by how much to resize it for a network.

A network knows cells of the size it was trained on.  Cells four times as large are cut into pieces
of the size it knows; so the picture is made smaller first, and what was found larger again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cellkit import checks
from cellkit.annotations import resize_labels
from cellkit.device import unwrapped
from cellkit.looks import looks
from cellkit.resampling import resample
from cellkit.samples import Samples

#: Beyond these a picture is a speck, or fills the memory.
SMALLEST, LARGEST = 1 / 32, 8
FEW = 16  # pictures whose cells are measured


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
    shape = _shape(image.shape, scale)
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
    return Samples([replace(e, read=_Scaled(e.read, scale)) for e in samples.entries])


class _Scaled:
    """(Loader workers need classes: no lambda can be pickled.)"""

    def __init__(self, read, scale):
        self.read, self.scale = read, scale

    def __call__(self):
        image, labels = self.read()
        shape = _shape(image.shape, self.scale)
        return resized(image, self.scale), None if labels is None else resize_labels(labels, shape)


def _shape(shape, scale) -> tuple[int, int]:
    return tuple(max(1, int(scale * side + 0.5)) for side in shape[:2])


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
    seen = getattr(unwrapped(net), "seen", None)
    return seen.get("diameters") if isinstance(seen, dict) else None


def seen_in(samples: Samples, most: int = FEW) -> dict:
    """What pictures are like that a network is trained on, for its card; some of them, evenly.

    Returns
    -------
    dict
        "looks": :func:`cellkit.looks.looks` of each; "sizes": each one's :func:`cell_size` (None
        without cells); "diameters": the 10th, 50th and 90th percentile over all their cells.
    """
    looks_, sizes, every = [], [], []
    for i in np.unique(np.linspace(0, len(samples) - 1, most).astype(int)):
        sample = samples[int(i)]
        found = diameters(sample.labels) if sample.labels is not None else np.zeros(0)
        looks_.append([round(float(value), 2) for value in looks(sample.image)])
        sizes.append(round(float(np.median(found)), 1) if len(found) else None)
        every.append(found)
    seen = {"looks": looks_, "sizes": sizes}
    if len(every := np.concatenate(every)):
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
    """Estimate the size of the cells in a picture, and propose a scale."""
    known = trained_on(net)
    words = "There is no estimate yet: the picture is taken as it is."
    return Proposal(1.0, known[1] if known else float("nan"), False, words)
