"""Pictures of one field over time: which cell is which, and how fast they multiply.

    links = ck.link(before, after)              # cell of one frame -> cell of the next
    film = ck.track(frames)                     # every cell keeps its number
    ck.doubling_time(hours, counts)             # with its uncertainty
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from cellkit import checks
from cellkit.metrics.overlaps import overlap_table

FEWEST = 3  # points in time: through two every curve goes


def link(before, after, overlap: float = 0.1) -> dict[int, int]:
    """Which cell of one frame is which of the next (lesson 08_your_own_pictures writes it).

    Parameters
    ----------
    before, after : labels (H, W), whole numbers
        Of the same field; 0 is background.
    overlap : float
        An IoU below it is no link.  Cells that move by more than their size between two frames
        cannot be linked by where they lie.

    Returns
    -------
    dict
        Number in ``before`` → number in ``after``, ascending; each once at most, so that the IoU
        of all links together is largest.  A cell that divides goes on as one of its daughters;
        the other, and what comes in over the edge, is no link's end.

    Examples
    --------
    >>> link(np.array([[1, 1, 1, 0, 7, 7]]), np.array([[0, 3, 3, 3, 0, 5]]))
    {1: 3, 7: 5}
    """
    from scipy.optimize import linear_sum_assignment

    checks.number("overlap", overlap, "an IoU from 0 to 1", lambda value: 0 <= value <= 1)
    table = overlap_table(checks.labels("before", before), checks.labels("after", after))
    iou = np.zeros((len(table.truth_ids), len(table.pred_ids)))
    iou[table.truth, table.pred] = table.area / table.union
    pairs = [(i, j) for i, j in zip(*linear_sum_assignment(-iou), strict=True)
             if iou[i, j] > 0 and iou[i, j] >= overlap]
    return {int(table.truth_ids[i]): int(table.pred_ids[j]) for i, j in pairs}


def track(frames: Iterable, overlap: float = 0.1) -> list[np.ndarray]:
    """The label maps of a film, numbered anew: a cell keeps its number from frame to frame.

    Parameters
    ----------
    frames : iterable of labels (H, W)
        In the order of time.
    overlap : float
        See :func:`link`.

    Returns
    -------
    list of ndarray, int32, (H, W)
        Numbers count up from 1 as cells appear; no number is used for a second cell.
    """
    film, last = [], 0
    for frame in (checks.labels("a frame", frame) for frame in frames):
        known = {new: old for old, new in link(film[-1], frame, overlap).items()} if film else {}
        numbers, where = np.unique(frame, return_inverse=True)
        named = []
        for number in numbers.tolist():
            last += bool(number) and number not in known
            named.append(known.get(number, last) if number else 0)
        film.append(np.array(named, np.int32)[where].reshape(frame.shape))
    return film


class Growth(NamedTuple):
    """Exponential growth: see :func:`doubling_time`."""

    hours: float
    low: float
    high: float
    rate: float
    start: float

    def at(self, hours) -> np.ndarray:
        """Cells on the curve at some hours."""
        return self.start * np.exp(self.rate * np.asarray(hours, float))


def doubling_time(hours, counts, level: float = 0.95) -> Growth:
    """How long the cells take to double, with its uncertainty: a line through log(counts).

    Parameters
    ----------
    hours : sequence of numbers
        When each picture was taken; at least three different times.
    counts : sequence of numbers
        Cells in it, or what grows as they do (the area they cover, while they do not yet touch).
    level : float
        Of the interval: in so many of 100 such series it holds the true value, if growth is
        exponential and the points lie about the curve by chance.

    Returns
    -------
    Growth
        ``hours`` to double (negative: to halve), its interval from ``low`` to ``high``; infinity
        where the interval of the rate holds zero, for then nothing may grow at all.  ``rate`` an
        hour, ``start`` at hour 0, and ``at(hours)``, the curve.

    Examples
    --------
    >>> growth = doubling_time([0, 12, 24, 48], [10, 14.1, 20, 40])
    >>> round(growth.hours)
    24
    """
    from scipy import stats

    checks.number("level", level, "a share between 0 and 1, e.g. 0.95", lambda v: 0 < v < 1)
    hours, counts = (np.asarray(values, float) for values in (hours, counts))
    if hours.ndim != 1 or hours.shape != counts.shape:
        raise ValueError(f"hours has the shape {hours.shape} and counts {counts.shape}, expected "
                         "two rows of the same length; give each picture its hour.")
    if not np.isfinite(hours).all() or len(set(hours.tolist())) < FEWEST:
        raise ValueError(f"there are {len(set(hours.tolist()))} different times, expected at least "
                         f"{FEWEST}, all finite; a curve through fewer says nothing of its error.")
    if not (np.isfinite(counts).all() and (counts > 0).all()):
        raise ValueError("counts has a value that is none, expected numbers above 0: an empty "
                         "picture has no logarithm; leave it out.")
    line = stats.linregress(hours, np.log(counts))
    reach = stats.t.ppf(0.5 + level / 2, len(hours) - 2) * line.stderr
    slow, fast = line.slope - reach, line.slope + reach
    with np.errstate(divide="ignore"):
        low, high = np.log(2) / np.array([fast, slow])
    if slow < 0 < fast:
        low, high = (low, np.inf) if line.slope > 0 else (-np.inf, high)
    middle = np.log(2) / line.slope if line.slope else np.inf
    return Growth(*(float(v) for v in (middle, low, high, line.slope, np.exp(line.intercept))))
