"""How well a foreground probability orders pixels, at every threshold at once (lesson 02)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cellkit import checks
from cellkit.metrics.pairs import pairs


class PrecisionRecallCurve(NamedTuple):
    """One point a threshold, from the strictest to the laxest, and the area below."""

    precision: np.ndarray
    recall: np.ndarray
    thresholds: np.ndarray
    area: float


class RocCurve(NamedTuple):
    """One point a threshold, from the strictest to the laxest, and the area below."""

    false_positive_rate: np.ndarray
    true_positive_rate: np.ndarray
    thresholds: np.ndarray
    area: float


def precision_recall_curve(truth, prob) -> PrecisionRecallCurve:
    """Precision against recall at every threshold that changes the mask (lesson 02).

    Parameters
    ----------
    truth : mask (H, W), stack (N, H, W), or iterable of masks (H, W)
    prob : map (H, W), stack (N, H, W), or iterable of maps (H, W)
        Foreground probabilities in [0, 1].  Rows of images are pooled, pixel by pixel.

    Returns
    -------
    PrecisionRecallCurve
        ``precision``, ``recall``, ``thresholds``: one entry a distinct probability, from the
        strictest threshold to the laxest; foreground is ``prob >= threshold``.  A first point is
        put before them, recall 0 and precision 1 at threshold infinity (nothing is called
        foreground).  ``area``: average precision, the sum of precision times gain in recall,
        without interpolation.

    Raises
    ------
    ValueError
        A truth without any foreground (recall means nothing), probabilities outside [0, 1], and
        what :func:`confusion` objects to.

    Examples
    --------
    >>> curve = precision_recall_curve(np.array([[1, 0, 1, 0]]), np.array([[.9, .6, .4, .1]]))
    >>> for row in zip(curve.thresholds.tolist(), curve.precision.round(2), curve.recall):
    ...     print("{:.1f} {:.2f} {:.2f}".format(*row))
    inf 1.00 0.00
    0.9 1.00 0.50
    0.6 0.50 0.50
    0.4 0.67 1.00
    0.1 0.50 1.00
    >>> round(curve.area, 4)  # ½·1 + ½·⅔
    0.8333
    """
    tp, fp, thresholds = _cumulated(truth, prob, "foreground")
    precision = np.concatenate([[1.0], tp[1:] / (tp[1:] + fp[1:])])
    recall = tp / tp[-1]
    area = float(np.sum(np.diff(recall) * precision[1:]))
    return PrecisionRecallCurve(precision, recall, thresholds, area)


def roc_curve(truth, prob) -> RocCurve:
    """Receiver operating characteristic: hits against false alarms (lesson 02).

    Parameters
    ----------
    truth, prob
        As in :func:`precision_recall_curve`.

    Returns
    -------
    RocCurve
        ``false_positive_rate`` fp / (fp + tn), ``true_positive_rate`` tp / (tp + fn) and
        ``thresholds`` from the strictest to the laxest, beginning at (0, 0), threshold infinity.
        ``area``: by trapezoids; the chance that a random foreground pixel has a higher
        probability than a random background pixel, ties counting half.

    Raises
    ------
    ValueError
        A truth that is all foreground or all background, and what :func:`confusion` objects to.

    Examples
    --------
    >>> curve = roc_curve(np.array([[1, 0, 1, 0]]), np.array([[.9, .6, .4, .1]]))
    >>> curve.area  # 3 of the 4 pairs (foreground, background) are in the right order
    0.75
    """
    tp, fp, thresholds = _cumulated(truth, prob, "foreground and background")
    fpr, tpr = fp / fp[-1], tp / tp[-1]
    area = float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2))
    return RocCurve(fpr, tpr, thresholds, area)


def _cumulated(truth, prob, kinds: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hits and false alarms at each distinct probability, largest first, beginning with none."""
    images = [(t.ravel(), p.ravel()) for t, p in pairs(truth, prob, checks.mask, _float)]
    truth, prob = (np.concatenate(parts) for parts in zip(*images, strict=True))
    order = np.argsort(-prob)
    truth, prob = truth[order], prob[order]
    last = np.append(np.flatnonzero(np.diff(prob)), prob.size - 1)  # of each run of equal values
    tp = np.cumsum(truth)[last]
    fp = last + 1 - tp
    for kind, other, count in (("foreground", "background", tp), ("background", "foreground", fp)):
        if kind in kinds and not count[-1]:
            raise ValueError(
                f"truth has no {kind} pixel, it is all {other}, expected at least one, or the "
                "curve means nothing; give rows of images, which are pooled."
            )
    thresholds = np.concatenate([[np.inf], prob[last]])
    return np.append(0, tp), np.append(0, fp), thresholds


def _float(name, prob):
    prob = checks.probability(name, prob)
    return prob.astype(np.result_type(prob.dtype, np.float32), copy=False)
