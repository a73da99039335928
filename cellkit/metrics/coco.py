"""COCO's mask average precision, with the areas and limits of LIVECell."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from cellkit import checks
from cellkit.metrics.overlaps import label_pairs
from cellkit.metrics.pairs import is_one_image

MAX_DETECTIONS = (100, 500, 2000)
AREAS = {"all": (0, 1e10), "small": (0, 18**2), "medium": (18**2, 31**2), "large": (31**2, 1e10)}


class CocoAP(NamedTuple):
    """COCO mask AP and AR; NaN for a size that no true object has."""

    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar: float


def coco_average_precision(truth, pred, scores: Iterable | None = None) -> CocoAP:
    """Mask AP by pycocotools, as LIVECell sets it up (Edlund et al., Nature Methods 2021).

    The area under the precision-recall curve, which is drawn by taking the predictions of all
    images in the order of their scores.  At most 2000 predictions an image are looked at, and an
    object is small below 18², medium up to 31² and large above 31² pixels.

    Parameters
    ----------
    truth, pred : labels (H, W), stack (N, H, W), or iterable of labels (H, W)
        0 is background, every other number an object.
    scores : sequence of float, or for rows of images a sequence of such sequences
        How sure each predicted object is, in the order of its label.  Without scores all
        objects are equally sure, which COCO reads as the order of the labels: the figure then
        depends a little on how objects are numbered, and falls short of what ranked detections
        get.

    Returns
    -------
    CocoAP
        ``ap``: mean over IoU 0.50, 0.55, ..., 0.95; ``ap50``, ``ap75``; ``ap_small``,
        ``ap_medium``, ``ap_large``: by the area of the true object; ``ar``: mean recall over
        the same thresholds.

    Notes
    -----
    pycocotools matches in plain Python: seconds for an image with hundreds of cells.

    ``COCOeval.summarize()`` is not used: its first line keeps to 100 detections an image
    whatever is set, so that on dense images even perfect predictions get far less than 1.

    Examples
    --------
    >>> truth = np.array([[1, 1, 0, 2, 2]])
    >>> result = coco_average_precision(truth, truth)
    >>> round(result.ap, 6), round(result.ap_small, 6), result.ap_large
    (1.0, 1.0, nan)
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    rows = list(label_pairs(truth, pred))
    scores = _scores(scores, rows, single=is_one_image(truth))
    images = [{"id": i, "height": t.shape[0], "width": t.shape[1]} for i, (t, _) in enumerate(rows)]
    true = [{"image_id": i, "category_id": 1, "iscrowd": 0, **rle}
            for i, (t, _) in enumerate(rows) for rle in _rles(t)]
    found = [{"image_id": i, "category_id": 1, "score": float(score), **rle}
             for i, (_, p) in enumerate(rows)
             for rle, score in zip(_rles(p), scores[i], strict=True)]
    if not true:
        raise ValueError(
            "truth has no object in any image, expected at least one, or recall means nothing; "
            "add images with objects."
        )
    if not found:
        nothing = [np.nan if not any(low <= a["area"] <= high for a in true) else 0.0
                   for low, high in AREAS.values()]
        return CocoAP(0.0, 0.0, 0.0, *nothing[1:], 0.0)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        gt = COCO()
        gt.dataset = {"images": images, "annotations": [{"id": k, **a} for k, a in
                                                        enumerate(true, start=1)],
                      "categories": [{"id": 1, "name": "cell"}]}
        gt.createIndex()
        evaluation = COCOeval(gt, gt.loadRes(found), "segm")
        evaluation.params.maxDets = list(MAX_DETECTIONS)
        evaluation.params.areaRng = [list(limits) for limits in AREAS.values()]
        evaluation.params.areaRngLbl = list(AREAS)
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, 0, :, -1]  # (IoU, recall, area)
    recall = evaluation.eval["recall"][:, 0, 0, -1]
    ap, small, medium, large = (_mean(precision[:, :, k]) for k in range(len(AREAS)))
    return CocoAP(ap, _mean(precision[0, :, 0]), _mean(precision[5, :, 0]),
                  small, medium, large, _mean(recall))


def _scores(scores, rows, single: bool) -> list[np.ndarray]:
    number = [len(np.unique(p[p > 0])) for _, p in rows]
    if scores is None:
        return [np.ones(n) for n in number]
    scores = [np.asarray(s, float).reshape(-1) for s in ([scores] if single else scores)]
    if [len(s) for s in scores] != number:
        raise ValueError(
            f"scores has {[len(s) for s in scores]} values an image, expected one for each "
            f"predicted object, {number}; give them in the order of the labels."
        )
    return [checks.plane("scores", s[None])[0] if len(s) else s for s in scores]


def _rles(labels: np.ndarray) -> list[dict]:
    """One run-length code and area an object, ascending by label, from one pass over the map."""
    from pycocotools import mask

    height, width = labels.shape
    flat = labels.ravel(order="F")
    starts = np.append(0, np.flatnonzero(flat[1:] != flat[:-1]) + 1)
    ends = np.append(starts[1:], flat.size)
    label = flat[starts]
    order = np.argsort(label, kind="stable")
    order = order[label[order] > 0]
    if not len(order):
        return []
    codes = []
    for runs in np.split(order, np.flatnonzero(np.diff(label[order])) + 1):
        # Alternating lengths of background and object, beginning and ending with background.
        edges = np.stack([starts[runs], ends[runs]], axis=1).ravel()
        counts = np.diff(edges, prepend=0, append=flat.size)
        code = mask.frPyObjects({"size": [height, width], "counts": counts.tolist()}, height, width)
        codes.append({"segmentation": code, "area": int(counts[1::2].sum())})
    return codes


def _mean(values: np.ndarray) -> float:
    """COCO marks what no true object stands behind with −1."""
    values = values[values > -1]
    return float(values.mean()) if values.size else float("nan")
