"""How like the real thing are the synthetic pictures?  Train on them alone, score on real images.

A width-16 U-Net sees drawn pictures only and is then run on every annotated real LIVECell image
and on the bundled synthetic test images.  Dice of foreground > 0.5, mean over images.

    CELLKIT_DATA=… python benchmarks/synthetic_to_real.py [minutes]
"""

import os
import platform
import sys
from pathlib import Path

import numpy as np

import cellkit as ck
from cellkit.datasets import bundled
from cellkit.synthetic import LINES, render_many

PICTURES = 160  # 20 wells of each line
SEED = 200_000  # far from the seeds of the bundled pictures


def score(net, samples):
    """Cell type -> Dice of each image."""
    found = {line: [] for line in LINES}
    for sample in samples:
        found[sample.cell_type].append(ck.dice(sample.mask, ck.predict(net, sample.image) > 0.5))
    return found


def main(minutes=5.0):
    root = Path(os.environ.get("CELLKIT_DATA") or "real data") / "livecell"
    if not root.is_dir():
        print(f"No real LIVECell images at {root}; set CELLKIT_DATA to the folder with livecell/.")
        return
    real = ck.read("livecell", root=root)
    net = ck.UNet(width=16, seed=0)
    history = ck.fit(
        net, render_many(PICTURES, seed=SEED, fields=1).cached(), epochs=1000, seed=0,
        minutes=minutes, steps_per_epoch=20, crop=192, lr=3e-3, optimizer="adamw",
        schedule="onecycle", loss="bce+soft_dice", progress=False,
    )  # fmt: skip
    drawn = ck.read("livecell", root=bundled("livecell"), split="test")
    columns = score(net, real), score(net, drawn)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores: {len(history)} "
          f"epochs of 20 steps in {sum(history.seconds) / 60:.1f} min on {PICTURES} drawn pictures")
    print("line     real images  Dice   synthetic images  Dice")
    for line in LINES:
        (n, a), (m, b) = ((len(c[line]), np.mean(c[line])) for c in columns)
        print(f"{line:8} {n:11}  {a:.3f}  {m:16}  {b:.3f}")
    every = [np.concatenate(list(c.values())) for c in columns]
    print(f"all      {every[0].size:11}  {every[0].mean():.3f}  {every[1].size:16}  "
          f"{every[1].mean():.3f}")
    print(f"lowest real image {every[0].min():.3f}")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
