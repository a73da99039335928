"""Augmentation at 512², image and mask: cellkit beside torchvision.v2 and albumentations 2.0.8.

Flips, affine (turn, zoom, shear), elastic, Gaussian noise, one thread each (as in a loader
worker), in one process, taking turns; processor time, so that what else runs on the machine
weighs little.  How far a pixel moves elastically (root mean square) is measured beside the speed,
because it is what the time is spent on: torchvision appears as it comes (alpha 50, sigma 5), and
with settings that move pixels as far as ours.  The aim: ten times torchvision as it comes.

    pip install "cellkit[bench]" && python benchmarks/augment.py [rounds]
"""

import sys
from statistics import median
from time import process_time

import numpy as np
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from cellkit import augment

SIDE = 512
SIGMA = 21.0  # about as smooth as arrows 64 pixels apart; each alpha found by measuring


def ours():
    elastic = augment.Elastic(7.5, spacing=64).at(7.5)
    stack = augment.Pipeline(
        augment.Flip(), augment.Flip(axis="vertical"), augment.Rotate(30), augment.Zoom(0.25),
        augment.Shear(10), elastic, augment.Noise((0.01, 0.03)))
    rng = np.random.default_rng(0)
    return [lambda image, labels, f=f: f(image, labels, rng) for f in (stack, elastic)]


def torchvision(**settings):
    elastic = v2.ElasticTransform(**settings)
    stack = v2.Compose([
        v2.RandomHorizontalFlip(), v2.RandomVerticalFlip(),
        v2.RandomAffine(30, scale=(0.8, 1.25), shear=10,
                        interpolation=v2.InterpolationMode.BILINEAR),
        elastic, v2.GaussianNoise(sigma=0.02)])

    def run(transform, image, labels):
        seen, moved = transform(
            tv_tensors.Image(torch.from_numpy(image)[None]), tv_tensors.Mask(labels))
        return seen[0].numpy(), moved.numpy()

    return [lambda image, labels, f=f: run(f, image, labels) for f in (stack, elastic)]


def albumentations():
    import albumentations as A
    import cv2  # what it computes with

    cv2.setNumThreads(1)
    elastic = A.ElasticTransform(alpha=1950, sigma=SIGMA, p=1)
    stack = A.Compose([
        A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5),
        A.Affine(rotate=(-30, 30), scale=(0.8, 1.25), shear=(-10, 10), p=1),
        elastic, A.GaussNoise(std_range=(0.01, 0.03), p=1)])

    def run(transform, image, labels):
        done = transform(image=image, mask=labels)
        return done["image"], done["mask"]

    return [lambda image, labels, f=f: run(f, image, labels)
            for f in (stack, A.Compose([elastic]))]


def arrow_length(elastic):
    """Root mean square, in pixels, told by two pictures' inside whose grey values are places."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    labels = np.arange(SIDE * SIDE, dtype=np.int32).reshape(SIDE, SIDE)
    lengths = []
    for _ in range(3):
        from_y, from_x = np.divmod(elastic(x / SIDE, labels)[1], SIDE)
        inside = slice(64, -64), slice(64, -64)
        lengths.append(np.mean(((from_y - y) ** 2 + (from_x - x) ** 2)[inside]))
    return np.sqrt(np.mean(lengths))


def main():
    torch.set_num_threads(1)
    contenders = {
        "cellkit": ours(),
        "torchvision.v2, as it comes": torchvision(),
        "torchvision.v2, moving as far": torchvision(alpha=1370.0, sigma=SIGMA),
    }
    try:
        contenders["albumentations 2.0.8, moving as far"] = albumentations()
    except ImportError as error:
        print(f"albumentations is left out: {error}")
    rng = np.random.default_rng(0)
    image = rng.random((SIDE, SIDE), np.float32)
    labels = rng.integers(0, 300, (SIDE, SIDE), dtype=np.int32)
    times = {name: [] for name in contenders}
    for turn in range((int(sys.argv[1]) if len(sys.argv) > 1 else 15) + 1):
        for name, (stack, _) in contenders.items():
            begin = process_time()
            seen, moved = stack(image, labels)
            times[name].append(process_time() - begin)
            assert seen.shape == moved.shape == (SIDE, SIDE)
        if turn == 0:  # to warm up
            times = {name: [] for name in contenders}
    mine = median(times["cellkit"])
    print(f"{'':38}{'ms of CPU':>12}{'best':>8}{'images/s':>10}{'moved px':>10}{'ours is':>9}")
    for name, (_, elastic) in contenders.items():
        middle = median(times[name])
        print(f"{name:38}{1e3 * middle:12.1f}{1e3 * min(times[name]):8.1f}{1 / middle:10.1f}"
              f"{arrow_length(elastic):10.2f}{middle / mine:8.1f}x")
    ratio = median(times["torchvision.v2, as it comes"]) / mine
    print(f"aim of 10x torchvision.v2 {'reached' if ratio >= 10 else 'missed'}: {ratio:.1f}x")


if __name__ == "__main__":
    main()
