"""Lesson 06_mask_rcnn: one network's row of the table, and the rows measured earlier."""

from __future__ import annotations

import re

import numpy as np

from cellkit import metrics, postprocessing
from cellkit_course import papers, results

#: What is done with trained networks besides asking each once.
COMBINED = {
    "unet, 8 views": {"words": "U-Net, eight views averaged", "nets": ("unet",), "turns": 8},
    "mask_rcnn, 8 views": {"words": "light Mask R-CNN, eight views", "nets": ("mask_rcnn",),
                           "turns": 8},
    "ensemble": {"words": "U-Net and Mask R-CNN together", "nets": ("unet", "mask_rcnn"),
                 "turns": 1},
}


def row(net, samples, turns: int = 1, partner=None) -> dict:
    """What one network (or a U-Net with a Mask R-CNN as ``partner``) finds on pictures.

    Objects of a U-Net are the connected components of its mask; those of a Mask R-CNN its own;
    those of both together the Mask R-CNN's, grown over the mean foreground.
    """
    from cellkit import detect, instances, predict

    samples = list(samples)
    finder = partner or (net if getattr(net, "head", "") == "objects" else None)
    asked = net if partner is None else [net, partner]
    masks, objects, scores = [], [], []
    for sample in samples:
        foreground = predict(asked, sample.image, turns=turns)
        if finder is None:
            found = instances(foreground, "components")
            sure = np.array([foreground[found == k].mean() for k in range(1, found.max() + 1)])
        else:
            found, sure = detect(finder, sample.image, turns=turns, scores=True)
            if partner is not None:
                found = postprocessing.grow_labels(found, foreground)
                sure = np.ones(found.max())
        masks.append(foreground > 0.5)
        objects.append(found)
        scores.append(sure)
    truth, cells = [s.mask for s in samples], [s.labels for s in samples]
    empty = [(~t).any() for t in truth]
    coco = metrics.coco_average_precision(cells, objects, scores)
    result = {
        "accuracy": metrics.accuracy(truth, masks, pooled=True),
        "iou": metrics.iou(truth, masks),
        "iou of both classes": (metrics.iou(truth, masks) + metrics.iou(
            [~t for t, some in zip(truth, empty, strict=True) if some],
            [~m for m, some in zip(masks, empty, strict=True) if some])) / 2,
        "f1": metrics.f1(truth, masks, pooled=True),
        "object f1": metrics.object_f1(cells, objects),
        "object dice": metrics.object_dice(cells, objects),
        "object hausdorff": metrics.object_hausdorff(cells, objects),
        "AP50": float(metrics.average_precision(cells, objects, 0.5)),
        "COCO AP": coco.ap,
        "count error": metrics.count_error(cells, objects).error,
        **found_by_shape(cells, objects),
    }
    kinds = sorted({s.cell_type for s in samples if s.cell_type})
    for kind in kinds if len(kinds) > 1 else []:
        those = [k for k, s in enumerate(samples) if s.cell_type == kind]
        result[f"iou, {kind}"] = metrics.iou([truth[k] for k in those], [masks[k] for k in those])
    return {key: round(float(value), 4) for key, value in result.items()}


def found_by_shape(truth, pred) -> dict[str, float]:
    """The share of true objects with an IoU above one half, by area and by solidity.

    Small, middle and large are thirds of all true objects.  Solidity is area over area of the
    convex hull: a ring or a bent gland has little.
    """
    from skimage import measure

    areas, solid, hit = [], [], []
    for one, other in zip(truth, pred, strict=True):
        found = {pair[0] for pair in metrics.matched_pairs(one, other, 0.5)}
        for region in measure.regionprops(one):
            areas.append(region.area)
            solid.append(region.solidity if region.area > 4 else 1.0)
            hit.append(region.label in found)
    areas, solid, hit = np.array(areas), np.array(solid), np.array(hit)
    low, high = np.quantile(areas, (1 / 3, 2 / 3))
    parts = {"small": areas <= low, "middle": (areas > low) & (areas <= high),
             "large": areas > high, "bent or ringed": solid < 0.85, "compact": solid >= 0.85}
    return {f"found, {name}": hit[those].mean() if those.any() else np.nan
            for name, those in parts.items()}


def measured(dataset: str, kind: str | None = None) -> dict[str, dict]:
    """The rows of a data set by model, measured earlier; empty where none was.

    Each of its first seed, and of so many steps as most seeds have; of equals the most steps.
    In the order of :data:`cellkit_course.papers.MODELS`, then :data:`COMBINED`.
    """
    found = _by_seed(dataset, kind)
    return {which: found[which][0] for which in (*papers.MODELS, *COMBINED)
            if 0 in found.get(which, {})}


def of_seeds(dataset: str, name: str, measure: str) -> list[float]:
    """A measure of one model, a value for each seed.

    Of so many steps as most seeds have; rows trained on one cell type alone are left out.
    """
    seeds = _by_seed(dataset).get(name, {})
    return [row[measure] for row in seeds.values() if measure in row]


def _keys(dataset, kind=None):
    """(model, steps asked for, seed, row) of every row of a data set."""
    for key, row in results.measured("models").items():
        parts = re.fullmatch(r"([^,]+), (.+), ([0-9]+) steps, seed ([0-9]+)(?:, (.+))?", key)
        if parts and parts[1] == dataset and parts[5] == kind:
            yield parts[2], int(parts[3]), int(parts[4]), row


def _by_seed(dataset, kind=None) -> dict[str, dict[int, dict]]:
    found = {}
    for which, steps, seed, row in _keys(dataset, kind):
        found.setdefault(which, {}).setdefault(steps, {})[seed] = row
    return {which: steps[max(steps, key=lambda n, s=steps: (len(s[n]), n))]
            for which, steps in found.items()}


def from_photographs(dataset: str, measures=("iou", "object f1", "AP50")) -> list[dict]:
    """The same networks begun at random and with ImageNet's weights: rows for ``ck.show.table``."""
    found, rows = _by_seed(dataset), []
    for name in ("unet", "mask_rcnn"):
        for how in ("", "-random", "-imagenet"):
            if seeds := found.get(name + how):
                row = seeds[min(seeds)]
                rows.append({"network": row["words"], "steps": row["steps"], **{
                    measure: over_seeds(dataset, name + how, measure) for measure in measures}})
    return rows


def while_training(dataset: str, name: str) -> dict[int, dict]:
    """Test scores of one model's longest training, by its steps so far; the last are its row's."""
    rows = [row for which, _, seed, row in _keys(dataset)
            if (which, seed) == (name, 0) and row.get("while training")]
    if not rows:
        return {}
    row = max(rows, key=lambda one: one["steps"])
    last = {key: row[key] for key in ("iou", "AP50")}
    return {int(steps): each for steps, each in row["while training"].items()} | {
        row["steps"]: last}


def over_seeds(dataset: str, name: str, measure: str) -> str:
    """:func:`of_seeds` as text: the mean, ± the standard deviation over seeds."""
    return results.mean_over_seeds(of_seeds(dataset, name, measure))


def gains(dataset: str, measures=("iou", "f1", "object f1", "AP50")) -> list[dict]:
    """What eight views and the ensemble add to the network alone: rows for ``ck.show.table``.

    Each entry is the mean over seeds ± the standard deviation over them.  An ensemble is compared,
    for each measure, with that of its networks which is better in the mean.
    """
    rows, known = [], results.measured("models")
    for name, how in COMBINED.items():
        start, found = f"{dataset}, {name}, ", []
        for which in sorted(known):
            alone = [known.get(which.replace(start, f"{dataset}, {net}, ")) for net in how["nets"]]
            last = which.rpartition(", ")[2]  # else the cell type that it was trained on
            if which.startswith(start) and last.startswith("seed") and all(alone):
                found.append((known[which], *alone))
        row = {"what": how["words"], "seeds": len(found)}
        for measure in measures if found else ():
            after, *alone = np.array([[one[measure] for one in each] for each in found]).T
            row[measure] = results.mean_over_seeds(after - max(alone, key=np.mean), "+")
        if found:
            rows.append(row)
    return rows
