"""Train a bundled network again: ``python -m cellkit.weights livecell --minutes 25``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from cellkit import weights
from cellkit.recipes import LIVECELL_TEST_WELLS
from cellkit.samples import Sample, Samples

#: name -> how it is trained.  ``synthetic``: pictures drawn for it, a third of every batch; their
#: seeds begin where no bundled picture's do.
RECIPES = {
    "livecell": {
        "network": {"in_channels": 1, "width": 16, "head": "foreground"},
        "training": {
            "epochs": 1000, "steps_per_epoch": 40, "minutes": 15, "batch_size": 8, "crop": 192,
            "lr": 3e-3, "optimizer": "adamw", "loss": "bce+soft_dice", "schedule": "onecycle",
        },
        "synthetic": {"count": 176, "seed": 100_000},
        "licence": {"livecell": "CC BY-NC 4.0, Edlund et al., Nature Methods 18 (2021)",
                    "synthetic livecell": "BSD-3-Clause, drawn by cellkit"},
    },
}


def gather(recipe, holdout) -> tuple[Samples, list[Sample], list[Sample]]:
    """Training rows (two thirds real, one drawn), real and drawn test images (read at once)."""
    from cellkit.datasets import bundled, read
    from cellkit.datasets.synthetic import render_many

    if not os.environ.get("CELLKIT_DATA"):
        raise SystemExit("set CELLKIT_DATA to the folder that holds livecell/ (the real images).")
    real = read("livecell", Path(os.environ["CELLKIT_DATA"]) / "livecell").cached()
    real = real.where(lambda entry: entry.annotated)
    held = real.where(lambda entry: entry.group in LIVECELL_TEST_WELLS)
    if holdout:
        real = real.where(lambda entry: entry.group not in LIVECELL_TEST_WELLS)
    drawn = render_many(**recipe["synthetic"]).cached()
    rows = even(real)
    rows = rows + rows + drawn[np.arange(len(rows)) % len(drawn)]
    return rows, list(held), list(read("livecell", bundled("livecell"), split="test"))


def even(samples: Samples) -> Samples:
    """Every sample, repeated until all cell types are as frequent as the most frequent one."""
    of = {kind: [i for i, t in enumerate(samples.cell_types) if t == kind]
          for kind in sorted(set(samples.cell_types))}
    most = max(map(len, of.values()))
    return samples[[rows[k % len(rows)] for k in range(most) for rows in of.values()]]


def score(net, samples: list[Sample]) -> dict:
    """Mean Dice over images, of all and of each cell type."""
    from cellkit import dice, predict

    found = [(s.cell_type, dice(s.mask, predict(net, s.image) > 0.5)) for s in samples]
    by_type = {kind: [d for k, d in found if k == kind] for kind in sorted({k for k, _ in found})}
    return {"images": len(found), "dice": round(float(np.mean([d for _, d in found])), 4),
            **{kind: round(float(np.mean(d)), 4) for kind, d in by_type.items()}}


def train(name, minutes=None, holdout=False, seed=0, folder=weights.FOLDER) -> Path:
    """Train, score and store one network; with ``holdout`` only its scores are kept."""
    from cellkit import UNet, fit

    recipe, began = RECIPES[name], time.monotonic()
    settings = {**recipe["training"], "seed": seed}
    if minutes is not None:
        settings["minutes"] = minutes
    rows, held, drawn = gather(recipe, holdout)
    net = UNet(**recipe["network"], seed=seed)
    history = fit(net, rows, None, **settings)
    spent = round((time.monotonic() - began) / 60, 1)
    scores = {"synthetic test images": score(net, drawn)}
    measured = Path(folder) / f"{name}.measured.json"
    if holdout:
        scores = {"real images of held-out wells": score(net, held), **scores}
        wells = ", ".join(sorted({sample.group for sample in held}))
        scores["how"] = (f"the same recipe, trained for {spent} minutes without the wells {wells}; "
                         "Dice of foreground > 0.5, mean over images")
        part = measured.with_name(f"{measured.name}.part")
        part.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
        os.replace(part, measured)
        print(json.dumps(scores, indent=1))
        return measured
    metrics = {"these weights": scores, "their recipe": None}
    if measured.is_file():
        metrics["their recipe"] = json.loads(measured.read_text(encoding="utf-8"))
    data = [
        {"name": kind, "licence": recipe["licence"][kind],
         "images": sorted({e.name for e in rows.entries if e.dataset == kind})}
        for kind in sorted({e.dataset for e in rows.entries})
    ]
    file = weights.save_weights(net, Path(folder) / f"{name}.safetensors", {
        "data": data, "metrics": metrics, "minutes": spent, "seed": seed,
        "epochs": len(history), "training": {k: v for k, v in settings.items() if k != "epochs"},
        "command": f"python -m cellkit.weights {name} --minutes {settings['minutes']:g} "
                   f"--seed {seed}",
    })
    print(json.dumps(metrics, indent=1), f"\nwritten to {file}")
    return file


def main(arguments=None):
    parser = argparse.ArgumentParser("python -m cellkit.weights", description=__doc__)
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--minutes", type=float, help="at most so many; the recipe's unless given")
    parser.add_argument("--holdout", action="store_true",
                        help="leave the test wells out, to measure the recipe on them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=weights.FOLDER, help="folder to write to")
    asked = parser.parse_args(arguments)
    train(asked.name, asked.minutes, asked.holdout, asked.seed, asked.out)


if __name__ == "__main__":
    sys.exit(main())
