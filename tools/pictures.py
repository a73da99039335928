"""Draw the pictures of the README, the front page and the notebooks' heads.

``make pictures`` writes docs/pictures: the strip of the README, one picture a lesson, and for the
front page one image at M = 1, 1/4, 1/8 with what the bundled network still finds, its numbers in
numbers.json.  All from the drawn images and the networks that travel with the package.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from scipy.ndimage import find_objects

import cellkit as ck
from cellkit.files import replacing
from cellkit.show.palette import ORANGE, rgb

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "pictures"
FACTORS = {"1": 1, "1/4": 0.25, "1/8": 0.125}


def drawn(name: str, number: int, split: str = "test"):
    """An image of a bundled set, whatever real data this machine has."""
    return ck.read(name, root=ck.datasets.bundled(name), split=split)[number]


def levels(image: np.ndarray) -> np.ndarray:
    """Grey levels spread to what a screen shows."""
    low, high = np.quantile(image, (0.002, 0.998))
    return np.clip((image - low) / (high - low), 0, 1)


def found(sample, factor: float) -> dict:
    """The image at a factor, what the bundled network finds in it, and how much that is."""
    coarse = sample.image if factor == 1 else ck.degrade(sample.image, factor)
    mask = ck.predict(ck.load_weights("livecell"), coarse) > 0.5
    covered = [mask[sample.labels == k].mean() > 0.5 for k in range(1, sample.labels.max() + 1)]
    squares = ck.enlarge(ck.shrink(sample.image, factor), coarse.shape, "nearest")
    return {
        "image": levels(squares),
        "found": ck.show.compare(sample.mask, mask, levels(coarse)),
        "dice": ck.dice(sample.mask, mask), "cells": int(sum(covered)), "of": len(covered),
    }  # fmt: skip


def boxed(sample) -> np.ndarray:
    """What the bundled Mask R-CNN detects: each nucleus in a colour, in its box."""
    grey = ck.datasets.to_grey(sample.image)
    labels = ck.detect(ck.load_weights("maskrcnn-light"), np.stack([grey] * 3, axis=-1))
    picture = np.kron(ck.show.colour_labels(labels, grey), np.ones((2, 2, 1)))
    for box in find_objects(labels):
        (top, bottom), (left, right) = ((2 * s.start, 2 * s.stop - 1) for s in box)
        for line in (np.s_[top:bottom + 1, [left, right]], np.s_[[top, bottom], left:right + 1]):
            picture[line] = rgb(ORANGE)
    return picture


def halves(sample) -> np.ndarray:
    """The picture on the left; on the right each of its cells in a colour."""
    grey = np.repeat(levels(sample.image)[..., None], 3, axis=2)
    half = grey.shape[1] // 2
    coloured = ck.show.colour_labels(sample.labels, sample.image)
    return np.concatenate([grey[:, :half], coloured[:, half:]], axis=1)


def cards() -> dict[str, np.ndarray]:
    """Number of a lesson -> its picture, (H, W, 3) or (H, W) in [0, 1]."""
    sample, crowd = drawn("livecell", 1), drawn("livecell", 6)
    full, grey, half = drawn("livecell", 0).image, levels(sample.image), sample.image.shape[1] // 2
    warped, labels = ck.augment.Elastic().at(7.0)(sample.image, sample.labels,
                                                   np.random.default_rng(0))
    depth = ck.targets.distance_map(crowd.labels)[..., None]
    own = ck.read("folder", root=ck.datasets.bundled("own"), images="images/{group}_{}.png",
                  labels="labels/{group}_{}.png")[-1]
    squares = levels(ck.enlarge(ck.shrink(full, 0.25), full.shape, "nearest"))
    return {
        "01": ck.show.colour_labels(sample.labels, grey),
        "02": found(sample, 1)["found"],
        "03": ck.show.colour_labels(labels, levels(warped)),
        "04": np.concatenate([squares[:, :half], levels(full)[:, half:]], axis=1),
        "05": found(sample, 0.125)["found"],
        "06": boxed(drawn("dsb2018", 0, "stage1_test")),
        "07": ck.show.colour_labels(crowd.labels) * (0.25 + 0.75 * depth),
        "08": halves(own),
    }  # fmt: skip


def save(picture: np.ndarray, file: Path, size: tuple[int, int]) -> None:
    """A picture as JPEG of (width, height) pixels, cut to that shape in its middle."""
    image = Image.fromarray(ck.show.pixels(picture))
    with replacing(file) as part:
        ImageOps.fit(image, size, Image.Resampling.NEAREST if image.width < size[0] else
                     Image.Resampling.LANCZOS).save(part, "JPEG", quality=82, optimize=True)


def strip(rows: dict[str, dict], file: Path) -> None:
    """The README's picture: above the image at three factors, below what is still found."""
    figure, grid = ck.show.axes(2, len(rows), (3.0, 2.45))
    for (top, bottom), (name, row) in zip(grid.T, rows.items(), strict=True):
        top.imshow(row["image"], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        bottom.imshow(row["found"], interpolation="nearest")
        top.set_title(f"M = {name}", fontsize=13)
        bottom.set_title(f"Dice {row['dice']:.2f}, {row['cells']} of {row['of']} cells",
                         fontsize=11)
        top.axis("off"), bottom.axis("off")
    with replacing(file) as part:
        figure.savefig(part, format="jpeg", dpi=100, facecolor="white",
                       pil_kwargs={"quality": 80, "optimize": True})


def main() -> None:
    sample = drawn("livecell", 1)
    rows = {name: found(sample, factor) for name, factor in FACTORS.items()}
    for name, row in rows.items():
        for kind in ("image", "found"):
            save(row[kind], OUT / f"hero_{kind}_{name.replace('/', '-')}.jpg", (704, 520))
    strip(rows, OUT / "strip.jpg")
    for number, picture in cards().items():
        save(picture, OUT / f"{number}.jpg", (480, 320))
    numbers = {name: {"dice": round(row["dice"], 3), "cells": row["cells"], "of": row["of"]}
               for name, row in rows.items()}
    with replacing(OUT / "numbers.json") as part:
        part.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    print(f"{sum(file.stat().st_size for file in OUT.iterdir()) / 1e3:.0f} kB in {OUT}")


if __name__ == "__main__":
    main()
