"""LIVECell's layout, written: the bundled tiny set of synthetic phase contrast.

``python -m experiments.tiny_livecell FOLDER`` writes it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from cellkit.annotations import polygons
from cellkit.datasets.livecell import well
from cellkit.files import replacing
from cellkit.samples import Sample
from cellkit.synthetic import LINES, render


def write_livecell(folder, parts: dict, description: str = "") -> None:
    """Write samples as LIVECell lays them out: 8-bit TIFF images and COCO json.

    Parameters
    ----------
    folder : path
        Gets ``images/livecell_train_val_images/<type>/``, ``images/livecell_test_images/<type>/``
        and ``annotations/LIVECell/livecell_coco_<split>.json``.
    parts : dict
        "train", "val", "test" → sequence of grey :class:`Sample` with labels, named as LIVECell
        names its files (``A172_Phase_C7_1_00d00h00m_4``).
    description : str
        Goes into the json's ``info``.

    Notes
    -----
    Images are rounded to 8 bits.  :func:`cellkit.annotations.polygons` traces the cells, so reading
    the folder gives exactly the same labels again, numbered 1 to n without gaps.  Each file takes
    its name only when it is complete, the json after its images.
    """
    folder = Path(folder)
    seen: set[str] = set()
    for split, samples in parts.items():
        if split not in ("train", "val", "test"):
            raise ValueError(f"the split is {split!r}, expected train, val or test.")
        images, annotations = [], []
        for sample in samples:
            _check_writable(sample, seen)
            half = "livecell_test_images" if split == "test" else "livecell_train_val_images"
            _write_tiff(folder / "images" / half / sample.cell_type / f"{sample.name}.tif", sample)
            height, width = sample.image.shape
            images.append(
                {
                    "id": len(images) + 1,
                    "width": width,
                    "height": height,
                    "file_name": f"{sample.name}.tif",
                    "original_filename": f"{sample.name}.png",
                }
            )
            areas = np.bincount(sample.labels.ravel())
            for k, outlines in polygons(sample.labels).items():
                points = np.concatenate([np.reshape(p, (-1, 2)) for p in outlines])
                low, high = points.min(axis=0), points.max(axis=0)
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": len(images),
                        "category_id": 1,
                        "segmentation": outlines,
                        "area": int(areas[k]),
                        "bbox": [*low.tolist(), *(high - low).tolist()],
                        "iscrowd": 0,
                    }
                )
        document = {
            "info": {"description": description},
            "licenses": [],
            "categories": [{"supercategory": "cell", "id": 1, "name": "cell"}],
            "images": images,
            "annotations": annotations,
        }
        text = json.dumps(document, separators=(",", ":"))
        place = folder / "annotations" / "LIVECell" / f"livecell_coco_{split}.json"
        with replacing(place) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _check_writable(sample: Sample, seen: set):
    group, cell_type = well(sample.name)
    if group is None or (sample.group, sample.cell_type) != (group, cell_type):
        raise ValueError(
            f"sample {sample.name!r} is of cell type {sample.cell_type!r} and group "
            f"{sample.group!r}, expected a name that says so, as A172_Phase_C7_1_00d00h00m_4 does "
            "of A172 and A172_Phase_C7; rename it."
        )
    if sample.name in seen:
        raise ValueError(f"two samples are called {sample.name!r}, expected different names.")
    if sample.image.ndim != 2:
        raise ValueError(
            f"sample {sample.name!r} is in colour, expected grey; use cellkit.datasets.to_grey."
        )
    if not sample.mask.any():
        raise ValueError(
            f"sample {sample.name!r} has no cell, but LIVECell annotates every image; leave it out."
        )
    seen.add(sample.name)


def _write_tiff(place, sample):
    pixels = np.round(sample.image * 255).astype(np.uint8)
    with replacing(place) as temporary:
        Image.fromarray(pixels).save(temporary, format="TIFF", compression="tiff_lzw")


# ---------------------------------------------------------------- the bundled set

#: Seeds of the pictures of each line: two wells to train, one to validate, one to test.
TINY = {"train": (0, 1, 4, 5), "val": (8,), "test": (12,)}
TINY_SHAPE = (260, 352)  # half a field each way


def tiny() -> dict[str, list[Sample]]:
    """The pictures of the bundled ``livecell_tiny``: split → samples, all lines in each."""
    return {
        split: [render(line, TINY_SHAPE, seed) for line in LINES for seed in seeds]
        for split, seeds in TINY.items()
    }


def main(arguments=None):
    """Write the bundled tiny set into a folder."""
    parser = argparse.ArgumentParser("python -m experiments.tiny_livecell", None, main.__doc__)
    parser.add_argument("folder", help="e.g. data/livecell_tiny")
    folder = parser.parse_args(arguments).folder
    write_livecell(folder, tiny(), "Synthetic pictures in the manner of LIVECell, by CellKit; CC0")
    print(f"wrote {sum(map(len, TINY.values())) * len(LINES)} pictures to {folder}")


if __name__ == "__main__":
    main()
