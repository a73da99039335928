"""Large pictures: seconds and peak memory of predict, watershed, AP and COCO's AP.

``python benchmarks/large.py`` takes the sides of the findings (10,000 and 8,000 pixels, 61,000
objects); ``python benchmarks/large.py 0.1`` a tenth of each side.  Each job runs in a process of
its own, so that its peak is its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np


def grid(side: int, step: int = 12) -> np.ndarray:
    """Labels (side, side) of square cells, ``step`` pixels apart."""
    cells = side // step
    labels = np.kron(np.arange(1, cells**2 + 1, dtype=np.int32).reshape(cells, cells),
                     np.ones((step, step), np.int32))
    labels[::step] = labels[1::step] = labels[:, ::step] = labels[:, 1::step] = 0
    return labels


def predict(side: int) -> None:
    import cellkit as ck

    image = np.random.default_rng(0).random((side, side), dtype=np.float32)
    ck.predict(ck.UNet(width=8), image)


def watershed(side: int) -> None:
    import cellkit as ck

    # A drawn picture laid side by side.  A grid of equal squares, all of one height along their
    # middles, takes eight times as long at 2,000 pixels: peaks are thinned out one by one.
    mask = ck.read("livecell", limit=1)[0].mask
    times = [side // length + 1 for length in mask.shape]
    ck.instances(np.tile(mask, times)[:side, :side].copy(), "watershed")


def average_precision(side: int) -> None:
    import cellkit as ck

    labels = grid(side)
    ck.average_precision(labels, np.roll(labels, 1, 1), 0.5)


def coco_average_precision(side: int) -> None:
    from cellkit.metrics import coco_average_precision as coco

    labels = grid(side)
    coco(labels, np.roll(labels, 1, 1))


JOBS = {"predict": 10_000, "watershed": 8_000, "average_precision": 2_970,
        "coco_average_precision": 2_970}  # 2,970 pixels: 61,009 cells


def main(scale: float = 1.0) -> None:
    print(f"{'job':<24}{'side':>8}{'seconds':>10}{'GB':>8}")
    for name, side in JOBS.items():
        side = max(120, round(side * scale))
        code = (f"import sys; sys.path.insert(0, {str(sys.path[0])!r}); import large; "
                f"large.timed({name!r}, {side})")
        subprocess.run([sys.executable, "-c", code], check=True)


def timed(name: str, side: int) -> None:
    began = time.perf_counter()
    globals()[name](side)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name:<24}{side:>8}{seconds:>10.1f}{peak:>8.2f}", flush=True)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
