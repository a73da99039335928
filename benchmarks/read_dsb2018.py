"""Reading DSB2018, one PNG a nucleus: `cellkit.read` beside the loops that people write.

The first loop is the one of the Kaggle kernels: `skimage.io.imread` for each mask, resized to 128²
and joined by `np.maximum`, so that only the union of all nuclei is left.  The second keeps the
nuclei and their size: `imread` for each mask, painted into one label map.  Its unions are compared
with ours, pixel for pixel.  The loops read unpacked files, cellkit the archive as it was
downloaded, and for comparison the same files.  One thread, in turns, picture by picture; processor
time, so that what else runs on the machine weighs little.  On the real set where it is, else on the
bundled synthetic one:

    CELLKIT_DATA=… python benchmarks/read_dsb2018.py [number of pictures]
"""

import os
import sys
import tempfile
import zipfile
from pathlib import Path
from time import process_time

import numpy as np
from skimage.io import imread
from skimage.transform import resize

import cellkit as ck
from cellkit.datasets import find


def kernel_loop(folder):
    image = imread(next((folder / "images").iterdir()))[:, :, :3]
    image = resize(image, (128, 128), mode="constant", preserve_range=True)
    union = np.zeros((128, 128, 1), bool)
    for file in os.listdir(folder / "masks"):
        mask = resize(imread(folder / "masks" / file), (128, 128), mode="constant",
                      preserve_range=True)  # fmt: skip
        union = np.maximum(union, mask[..., None] > 0)
    return image, union


def plain_loop(folder):
    image = imread(next((folder / "images").iterdir()))[:, :, :3].astype(np.float32) / 255
    labels = np.zeros(image.shape[:2], np.int32)
    for k, file in enumerate(sorted(os.listdir(folder / "masks")), start=1):
        labels[imread(folder / "masks" / file) > 0] = k
    return image, labels


def main():
    archive = find("dsb2018") / "stage1_train.zip"
    with tempfile.TemporaryDirectory() as place:
        os.environ["CELLKIT_CACHE"] = place
        folder = Path(place, "stage1_train")
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
        start = process_time()
        samples = ck.read("dsb2018", archive)
        looked = process_time() - start
        start = process_time()
        samples = ck.read("dsb2018", archive)
        listed = process_time() - start
        unpacked = ck.read("dsb2018", folder)
        count = int(sys.argv[1]) if len(sys.argv) > 1 else len(samples)
        step = max(1, len(samples) // count)
        times, nuclei = dict.fromkeys(["archive", "folder", "kernel", "plain"], 0.0), 0
        for i in range(0, len(samples), step):
            name = samples.names[i]
            turns = {
                "archive": lambda i=i: samples[i],
                "folder": lambda name=name: unpacked[unpacked.names.index(name)],
                "kernel": lambda name=name: kernel_loop(folder / name),
                "plain": lambda name=name: plain_loop(folder / name),
            }
            results = {}
            for way, work in turns.items():
                start = process_time()
                results[way] = work()
                times[way] += process_time() - start
            labels = results["archive"].labels
            assert np.array_equal(labels > 0, results["plain"][1] > 0), name
            assert np.array_equal(labels, results["folder"].labels), name
            nuclei += len(np.unique(labels)) - 1
    print(f"{len(range(0, len(samples), step))} of {len(samples)} pictures, {nuclei} nuclei, "
          f"from {archive}: all masks identical")  # fmt: skip
    print(f"listing: {listed:.2f} s; the first time, with fields and kinds, {looked:.2f} s")
    told = {"archive": "cellkit, archive", "folder": "cellkit, files",
            "kernel": "kernel loop, 128²", "plain": "plain loop, labels"}  # fmt: skip
    for way, seconds in times.items():
        print(f"{told[way]:20s} {seconds:7.2f} s {1e3 * seconds / nuclei:6.2f} ms a nucleus  "
              f"{seconds / times['archive']:5.2f}x")  # fmt: skip


if __name__ == "__main__":
    main()
