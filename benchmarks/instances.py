"""Mask to labels, and object Hausdorff beside scikit-image.

Mask to labels: milliseconds of one processor an image of 704x520, aim 60.  The masks are the true
ones of the real LIVECell images where they are, else synthetic round cells.  Object Hausdorff:
GlaS's sum over objects and partners, with `skimage.metrics.hausdorff_distance` on whole images
beside `cellkit.object_hausdorff`; the same distance comes out (asserted), aim 20x.

    CELLKIT_DATA=… python benchmarks/instances.py
"""

import os
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
from matching import best, two_label_maps
from skimage.metrics import hausdorff_distance

import cellkit as ck
from cellkit.metrics import overlap_table
from cellkit.targets import border_map, distance_map


def label_maps():
    root = Path(os.environ.get("CELLKIT_DATA", "")) / "livecell"
    if os.environ.get("CELLKIT_DATA") and root.is_dir():
        return "real LIVECell masks", [s.labels for s in ck.read("livecell")[::3]]
    return "synthetic round cells", [two_label_maps(n)[0] for n in (50, 150, 300, 600, 1200)]


def mask_to_labels():
    name, truth = label_maps()
    cover = np.array([(t > 0).mean() for t in truth])
    print(f"Mask to labels, {len(truth)} {name}, {cover.mean():.0%} foreground "
          f"(densest {cover.max():.0%})")
    print(f"{'method':24}{'mean ms':>9}{'slowest':>9}{'AP50':>7}")
    maps = [{"foreground": t > 0, "border": (border_map(t) == 2).astype(np.float32),
             "distance": distance_map(t)} for t in truth]
    for method, params in [("components", {}), ("watershed", {}), ("watershed", {"h": 0.5}),
                           ("border", {}), ("distance", {}), ("kmeans", {})]:
        repeats = 1 if method == "kmeans" else 3
        some = slice(None, None, 8) if method == "kmeans" else slice(None)
        runs = [best(partial(ck.instances, m, method, **params), repeats) for m in maps[some]]
        times = [time for time, _ in runs]
        ap = ck.average_precision(truth[some], [labels for _, labels in runs], 0.5)
        print(f"{' '.join([method, *map(str, params)]):24}{np.mean(times):9.1f}{max(times):9.1f}"
              f"{ap:7.3f}")


def per_object(truth, pred):
    """The contest's sum with scikit-image; every object here has a partner."""
    table, total = overlap_table(truth, pred), 0.0
    for own, other, ids, areas, here, there in [
        (table.truth, table.pred, table.truth_ids, table.truth_areas, truth, pred),
        (table.pred, table.truth, table.pred_ids, table.pred_areas, pred, truth),
    ]:
        names = table.pred_ids if here is truth else table.truth_ids
        for k, name in enumerate(ids):
            rows = np.flatnonzero(own == k)
            mate = names[other[rows[np.argmax(table.area[rows])]]]
            total += areas[k] / areas.sum() * hausdorff_distance(here == name, there == mate) / 2
    return total


def object_hausdorff():
    rng = np.random.default_rng(0)
    centres = np.stack(np.meshgrid(np.arange(26, 520, 52), np.arange(35, 704, 70)), -1)
    centres = centres.reshape(-1, 2) + rng.uniform(-8, 8, (100, 2))
    rows, columns = np.indices((520, 704))
    truth, pred = np.zeros((2, 520, 704), np.int32)
    for k, (y, x) in enumerate(centres, start=1):
        truth[np.hypot(rows - y, columns - x) < rng.uniform(12, 22)] = k
        pred[np.hypot(rows - y - rng.normal(), columns - x - rng.normal()) < 17] = k
    ours, distance = best(lambda: ck.object_hausdorff(truth, pred))
    begin = process_time()
    theirs = per_object(truth, pred)
    time = 1e3 * (process_time() - begin)
    assert np.isclose(distance, theirs), (distance, theirs)
    print(f"\nObject Hausdorff, 100 cells, 704x520: {distance:.3f} px; cellkit {ours:.1f} ms, "
          f"scikit-image {time:.0f} ms, {time / ours:.1f}x")


if __name__ == "__main__":
    mask_to_labels()
    object_hausdorff()
