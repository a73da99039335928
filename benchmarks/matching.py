"""Average precision at ten IoU thresholds, beside StarDist and Cellpose.

All start from two label maps of 704x520 pixels, and find the same true positives at each threshold
(asserted).  The peers fill a dense matrix, an entry for each pair of objects, and solve an
assignment at each threshold; ours counts the pairs that do overlap.  Cellpose is compared if it is
installed (`pip install --no-deps cellpose opencv-python-headless fastremap fill_voids`).

    python benchmarks/matching.py
"""

import warnings
from time import process_time

import numpy as np
from scipy.spatial import cKDTree

import cellkit as ck
from cellkit.metrics import THRESHOLDS, matching

warnings.simplefilter("ignore", RuntimeWarning)


def cells(centres, radius, shape=(520, 704)):
    """Touching round cells: each pixel belongs to the nearest centre within the radius."""
    distance, nearest = cKDTree(centres).query(np.indices(shape).reshape(2, -1).T)
    labels = np.where(distance < radius, nearest + 1, 0).reshape(shape)
    names = np.unique(labels)
    return np.searchsorted(names, labels).astype(np.int32)  # without gaps, as the peers want it


def two_label_maps(number, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.random((number, 2)) * (520, 704)
    radius = 0.6 * np.sqrt(520 * 704 / number)
    moved = centres + 0.1 * radius * rng.standard_normal(centres.shape)
    return cells(centres, radius), cells(moved[rng.random(number) > 0.05], radius)


def best(function, repeats=5):
    """The shortest of a few runs in milliseconds, and the result.

    Processor time: everything here runs in one thread, and other load hardly moves it.
    """
    times = []
    for _ in range(repeats):
        begin = process_time()
        result = function()
        times.append(process_time() - begin)
    return 1e3 * min(times), result


def main():
    peers = {}
    try:
        from stardist.matching import matching as stardist

        peers["stardist.matching"] = lambda t, p: [m.tp for m in stardist(t, p, THRESHOLDS)]
    except ImportError as error:
        print(f"stardist.matching left out: {error}")
    try:
        from cellpose.metrics import average_precision as cellpose

        peers["cellpose.metrics"] = lambda t, p: cellpose(t, p, list(THRESHOLDS))[1].tolist()
    except ImportError as error:
        print(f"cellpose.metrics left out: {error}")
    print(f"{'objects':>12}  {'AP50':>5}  {'who':18}{'ms':>9}  {'ratio':>6}")
    for number in (500, 3000):
        truth, pred = two_label_maps(number)
        ours, scores = best(lambda t=truth, p=pred: ck.average_precision(t, p))
        tp = [m.tp for m in matching(truth, pred, THRESHOLDS)]
        print(f"{truth.max():5} {pred.max():5}  {scores[0]:5.3f}  {'cellkit':18}{ours:9.1f}")
        for name, peer in peers.items():
            repeats = 3 if number < 1000 else 1
            time, theirs = best(lambda f=peer, t=truth, p=pred: f(t, p), repeats)
            assert theirs == tp, f"{name} finds {theirs}, cellkit {tp}"
            print(f"{'':11}  {'':5}  {name:18}{time:9.1f}  {time / ours:5.1f}x")


if __name__ == "__main__":
    main()
