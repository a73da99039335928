"""Degrading 704 × 520, down by M and back up: cellkit beside Pillow, torch, scikit-image, OpenCV.

One thread each, in one process, taking turns; processor time, so that what else runs on the
machine weighs little.  Bicubic both ways with antialiasing, and area down with bicubic up (where
the peer has it).  Beside the milliseconds: how far the result is from Pillow's, at most, in grey
values from 0 to 1.  A slider needs a few milliseconds.

    pip install "cellkit[bench]" && python benchmarks/degrade.py [rounds]
"""

import sys
from statistics import median
from time import process_time

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.transform import resize
from torch.nn.functional import interpolate

from cellkit import degrade

SHAPE = (520, 704)


def small(M):
    return tuple(int(M * side + 0.5) for side in SHAPE)


def pillow(image, M, down):
    down = {"area": Image.Resampling.BOX, "bicubic": Image.Resampling.BICUBIC}[down]
    low = Image.fromarray(image).resize(small(M)[::-1], down)
    low = Image.fromarray(np.clip(np.asarray(low), 0, 1))
    return np.clip(np.asarray(low.resize(SHAPE[::-1], Image.Resampling.BICUBIC)), 0, 1)


def torchs(image, M, down):
    how = dict(mode=down, antialias=True) if down == "bicubic" else dict(mode=down)
    low = interpolate(torch.from_numpy(image)[None, None], small(M), **how).clamp_(0, 1)
    return interpolate(low, SHAPE, mode="bicubic", antialias=True).clamp_(0, 1)[0, 0].numpy()


def skimage(image, M, down):
    low = resize(image, small(M), order=3, anti_aliasing=True)
    return np.clip(resize(np.clip(low, 0, 1), SHAPE, order=3, anti_aliasing=False), 0, 1)


def opencv():
    import cv2

    cv2.setNumThreads(1)

    def run(image, M, down):
        low = cv2.resize(image, small(M)[::-1], interpolation=cv2.INTER_AREA)
        return np.clip(cv2.resize(low, SHAPE[::-1], interpolation=cv2.INTER_CUBIC), 0, 1)

    return run


def main():
    torch.set_num_threads(1)
    contenders = {
        "cellkit, numpy": lambda i, M, down: degrade(i, M, down),
        "cellkit, torch": lambda i, M, down: degrade(torch.from_numpy(i), M, down).numpy(),
        "Pillow": pillow, "torch.interpolate": torchs, "scikit-image (splines)": skimage,
    }
    try:
        contenders["OpenCV (another cubic)"] = opencv()
    except ImportError as error:
        print(f"OpenCV is left out: {error}")
    only = {"scikit-image (splines)": "bicubic", "OpenCV (another cubic)": "area"}
    image = gaussian_filter(np.random.default_rng(0).random(SHAPE), 1).astype(np.float32)
    image = (image - image.min()) / np.ptp(image)
    for down in ("bicubic", "area"):
        for M in (0.5, 0.25, 0.125):
            taking = {n: f for n, f in contenders.items() if only.get(n, down) == down}
            times, found = {name: [] for name in taking}, {}
            for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 20):
                for name, run in taking.items():
                    begin = process_time()
                    found[name] = run(image, M, down)
                    times[name].append(process_time() - begin)
            mine = median(times["cellkit, numpy"])
            print(f"\n{down} down, bicubic up, M = {M}\n"
                  f"{'':26}{'ms of CPU':>10}{'best':>8}{'ours is':>9}{'off by':>10}")
            for name, all_of_them in times.items():
                middle = median(all_of_them)
                off = abs(found[name] - found["Pillow"]).max()
                print(f"{name:26}{1e3 * middle:10.2f}{1e3 * min(all_of_them):8.2f}"
                      f"{middle / mine:8.1f}x{off:10.0e}")


if __name__ == "__main__":
    main()
