"""Lesson 08: what an annotation is, and which files hold it."""

from __future__ import annotations

import numpy as np

from cellkit import show
from cellkit.annotations import outline
from cellkit_course.draw.parts import INK, arrow, box, picture, sheet

#: What each tool leaves beside ``a.tif``.
FILES = (
    ("napari, a Labels layer", "masks/a.tif"),
    ("Fiji, ROI Manager", "a_RoiSet.zip"),
    ("Cellpose's window", "a_seg.npy"),
    ("QuPath, export as GeoJSON", "a.geojson"),
    ("CVAT, Label Studio, Roboflow", "one COCO .json for all"),
)


def annotation(sample) -> None:
    """Draw a picture, its outlines, its label map, and the files that tools keep them in."""
    fig, ax = sheet(9.6, 5.2)
    numbers = [k for k in np.unique(sample.labels) if k]
    drawn = np.where(outline(sample.labels)[..., None], [0.9, 0.6, 0.0],
                     np.repeat(sample.image[..., None], 3, axis=2))
    for x, pixels, title, below in (
            (1.5, sample.image, "1. the picture", "images/a.tif"),
            (4.8, drawn, "2. you draw: every cell, whole", "also those cut by the edge"),
            (8.1, sample.labels.astype(int), "3. the label map",
             f"0 around, 1 to n inside; here n = {len(numbers)}")):
        picture(ax, (x, 3.55), pixels, 2.5, title, below)
    arrow(ax, (2.85, 3.55), (3.45, 3.55))
    arrow(ax, (6.15, 3.55), (6.75, 3.55))
    ax.text(0.1, 1.62, "4. what the tool leaves beside a.tif, and ck.read(\"folder\") reads:",
            fontsize=9.5, color=INK, va="center")
    for k, (tool, file) in enumerate(FILES):
        x = 0.98 + 1.91 * k
        box(ax, (x, 1.15), tool.replace(", ", ",\n", 1), 1.8, 0.55)
        box(ax, (x, 0.45), file.replace(" .json", "\n.json"), 1.8, 0.55, show.ORANGE, "#fdf3df")
        arrow(ax, (x, 0.86), (x, 0.75))
    show.figure(fig, (
        f"From left to right: a picture of cells; the same with {len(numbers)} orange outlines, "
        "one around each cell; the label map, each cell in a colour of its own. Below, a tool and "
        "the file it leaves: " + "; ".join(f"{tool}: {file}" for tool, file in FILES) + "."))
