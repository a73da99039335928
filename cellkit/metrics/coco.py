"""COCO's mask average precision, with the areas and limits of LIVECell."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from cellkit import checks
from cellkit.metrics.overlaps import Overlap, label_pairs, overlap_table
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
    pycocotools compares, in plain Python, each prediction of an image with each true object.  Only
    those that share pixels can match, so it is given them in small groups, as if each were an
    image, and how much they share instead of masks; ranks instead of scores keep predictions that
    are equally sure in their order.

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
    images, true, found, shares = [], [], [], {}
    for (t, p), rank in zip(rows, _ranks(scores), strict=True):
        seen = np.sort(np.argsort(-rank)[:MAX_DETECTIONS[-1]])
        table, first, later = overlap_table(t, p), {}, {}
        for some, others in _islands(table, seen):
            here = {"image_id": len(images), "category_id": 1, "iscrowd": 0}
            images.append({"id": len(images)})
            for k in some:
                first[k] = len(true) + 1  # pycocotools takes 0 for no match
                true.append({**here, "id": first[k], "area": int(table.truth_areas[k])})
            for k in others:
                later[k] = len(found) + 1
                found.append({**here, "id": later[k], "area": int(table.pred_areas[k]),
                              "score": float(rank[k])})
        pairs = zip(table.truth.tolist(), table.pred.tolist(), (table.area / table.union).tolist(),
                    strict=True)
        shares |= {(later[d], first[g]): share for g, d, share in pairs if d in later}
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
        gt, dt = COCO(), COCO()
        for coco, objects in ((gt, true), (dt, found)):
            coco.dataset = {"images": images, "annotations": objects,
                            "categories": [{"id": 1, "name": "cell"}]}
            coco.createIndex()
        evaluation = COCOeval(gt, dt, "bbox")  # the kind that paints no masks

        def compare(image, category):
            some, others = evaluation._gts[image, category], evaluation._dts[image, category]
            others = sorted(others, key=lambda d: -d["score"])
            return np.array([[shares.get((d["id"], g["id"]), 0.0) for g in some] for d in others]
                            if some else [])

        evaluation.computeIoU = compare
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


def _ranks(scores: list[np.ndarray]) -> list[np.ndarray]:
    """Scores of all images as distinct numbers in the same order; of equals the earlier first."""
    flat = np.concatenate(scores) if scores else np.zeros(0)
    ranks = np.empty(len(flat))
    ranks[np.argsort(-flat, kind="stable")] = np.arange(len(flat), 0, -1)
    return np.split(ranks, np.cumsum([len(s) for s in scores])[:-1])


def _islands(table: Overlap, seen: np.ndarray, size: int = 64):
    """Groups of true and predicted objects (as positions) that share no pixel with another group.

    ``seen``: the predictions that count.  A group holds few pairs, unless one island has more.
    """
    n, m = len(table.truth_ids), len(table.pred_ids)
    pairs = np.isin(table.pred, seen)
    graph = sparse.coo_matrix((np.ones(pairs.sum()), (table.truth[pairs], n + table.pred[pairs])),
                              (n + m, n + m))
    island = csgraph.connected_components(graph, directed=False)[1]
    met_true, met_pred = np.unique(table.truth[pairs]), np.unique(table.pred[pairs])
    yield np.setdiff1d(np.arange(n), met_true), []
    yield [], np.setdiff1d(seen, met_pred)
    for objects in (met_true, met_pred):
        objects[:] = objects[np.argsort(island[objects + n * (objects is met_pred)], kind="stable")]
    starts = [np.unique(island[met_true], return_index=True)[1],
              np.unique(island[met_pred + n], return_index=True)[1]]
    some, others = [], []
    for part, more in zip(np.split(met_true, starts[0][1:]), np.split(met_pred, starts[1][1:]),
                          strict=True):
        if some and (len(some) + len(part)) * (len(others) + len(more)) > size:
            yield some, others
            some, others = [], []
        some, others = [*some, *part], [*others, *more]
    if some:
        yield some, others


def _mean(values: np.ndarray) -> float:
    """COCO marks what no true object stands behind with −1."""
    values = values[values > -1]
    return float(values.mean()) if values.size else float("nan")
