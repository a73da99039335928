"""COCO polygons to a label map: `cellkit.annotations.label_map` beside a loop over `annToMask`.

Both start from parsed json and end with the same int32 label map (asserted, pixel for pixel, with
the smaller cell on top).  The loop is what most code does: one whole picture for each cell.  Its
calls of `annToMask` alone, before anything is painted, are timed as well.  On the real LIVECell
images where they are, else on the bundled synthetic ones:

    CELLKIT_DATA=… python benchmarks/rasterise.py
"""

import warnings
from contextlib import redirect_stdout
from time import perf_counter

import numpy as np
from pycocotools.coco import COCO

from cellkit.annotations import label_map
from cellkit.datasets import find

REPEATS = 5

# pycocotools speaks an older numpy protocol in each decode; the notice would be timed as well.
warnings.simplefilter("ignore", DeprecationWarning)


def loop(reader, annotations, shape):
    """One mask a cell, painted from the largest to the smallest."""
    cells = [reader.annToMask(annotation) for annotation in annotations]
    areas = np.array([np.count_nonzero(cell) for cell in cells])
    labels = np.zeros(shape, np.int32)
    for k in np.argsort(-areas, kind="stable"):
        labels[cells[k] > 0] = k + 1
    return labels


def seconds(work):
    """The shortest of a few turns: what the machine's other work adds is not ours to count."""
    turns = []
    for _ in range(REPEATS):
        start = perf_counter()
        work()
        turns.append(perf_counter() - start)
    return min(turns)


def main():
    root = find("livecell")
    print(f"images from {root}, the shortest of {REPEATS} turns each")
    rows = []
    for file in sorted(root.rglob("livecell_coco_*.json")):
        with redirect_stdout(None):
            reader = COCO(str(file))
        for image in reader.dataset["images"]:
            annotations = reader.imgToAnns[image["id"]]
            segmentations = [annotation["segmentation"] for annotation in annotations]
            shape = (image["height"], image["width"])
            ours, theirs = label_map(segmentations, shape), loop(reader, annotations, shape)
            assert np.array_equal(ours, theirs), image["file_name"]
            rows.append(
                (
                    len(annotations),
                    seconds(lambda s=segmentations, shape=shape: label_map(s, shape)),
                    seconds(lambda a=annotations, r=reader: [r.annToMask(each) for each in a]),
                    seconds(lambda a=annotations, r=reader, shape=shape: loop(r, a, shape)),
                )
            )
    cells, ours, calls, whole = np.array(sorted(rows)).T
    print(f"{len(rows)} images, {int(cells.sum())} cells: every label map identical")
    print("cells an image  images  cellkit   annToMask alone      whole loop")
    for low, high in [(0, 70), (70, 100), (100, 200), (200, 400), (400, np.inf), (0, np.inf)]:
        here = (cells >= low) & (cells < high)
        if here.any():
            own = 1e3 * ours[here].mean()
            print(
                f"{int(cells[here].min()):6d} to {int(cells[here].max()):4d} {here.sum():7d} "
                f"{own:6.2f} ms "
                + " ".join(
                    f"{1e3 * peer[here].mean():7.1f} ms {1e3 * peer[here].mean() / own:5.1f}x"
                    for peer in (calls, whole)
                )
            )
    single = whole / ours
    print(f"single images, whole loop: {single.min():.1f}x to {single.max():.1f}x")


if __name__ == "__main__":
    main()
