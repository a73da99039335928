"""Samples as equally large tensors, for a network to be trained on."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from cellkit import checks
from cellkit.annotations import resize_labels
from cellkit.heads import HEADS
from cellkit.normalisation import NORMALISE, normalisation_stats
from cellkit.samples import Sample, Samples


class Crops:
    """Samples as equally large tensors: a map-style torch data set (lesson 01_data_and_masks).

    ``Crops(samples)[i]`` is ``(image, target)``: float32 (C, H, W), normalised by
    :func:`normalisation_stats`, and what the head is taught, see :mod:`cellkit.heads`.

    Parameters
    ----------
    samples : sequence of Sample
    size : int or (int, int), optional
        The side, or (height, width), that comes out.
    mode : {"crop", "resize", "pad", "whole"}
        "crop": a window at a random place; smaller images are first mirrored at their edges.
        "resize": images bilinear with antialiasing (Pillow's), labels by nearest neighbour.
        "pad": a zero border makes it square, then resized unless size is None (paper 2).
        "whole": as it is, cut to its centre where larger than ``size``; sizes may then differ.
    head : str
        Which target, see :mod:`cellkit.heads`.
    normalise : str
        See :func:`normalisation_stats`.
    augment : callable(image, labels, rng) -> (image, labels), optional
        Acts on a copy of the cut-out, image in [0, 1] in and out; labels is None where there are
        none.
    degrade : callable(image, rng) -> image, optional
        Acts last, on a copy of the image alone, and keeps its shape; targets stay sharp.
    seed : int
        Item i of epoch e depends on (seed, e, i) and nothing else, however many workers read.
    repeats : int
        How many items an epoch has of every sample; item i shows sample ``i % len(samples)``.
    channels : int, optional
        As many as the network takes: a sample with more or fewer is refused in words.
    """

    def __init__(self, samples, size=256, mode="crop", head="foreground", *,
                 normalise="standard", augment=None, degrade=None, seed=0, repeats=1,
                 channels=None):
        checks.one_of("mode", mode, ("crop", "resize", "pad", "whole"))
        checks.one_of("head", head, HEADS)
        if np.ndim(size):
            size = checks.shape("the crop's size", size)
        elif size is not None or mode in ("crop", "resize"):
            checks.whole_number(f"the crop's size (a side or (height, width), for mode {mode!r})",
                                size)
            size = size, size
        checks.function("augment", augment)
        checks.function("degrade", degrade)
        checks.one_of("normalise", normalise, NORMALISE)
        checks.whole_number("seed", seed, 0)
        checks.whole_number("repeats", repeats)
        self.samples = Samples.some(samples)
        self.size = size
        self.mode, self.head, self.normalise = mode, head, normalise
        self.augment, self.degrade = augment, degrade
        self.seed, self.repeats, self.epoch = seed, repeats, 0
        self.channels = channels
        self._stats: dict[int, tuple[float, float]] = {}  # of whole images, by sample

    def __len__(self) -> int:
        return len(self.samples) * self.repeats

    def __getitem__(self, index: int):
        if not -len(self) <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        index %= len(self)
        sample = self.samples[index % len(self.samples)]
        self.expect(sample)
        rng = np.random.default_rng([self.seed, self.epoch, index])
        image, labels = self._cut(sample.image, sample.labels, rng)
        if self.augment is not None:
            image, labels = _both(image, labels, np.copy)  # it may work in place
            image, labels = self._augmented(sample, image, labels, rng)
        sharp, at = image, index % len(self.samples)
        if self.degrade is None:
            if at not in self._stats:
                self._stats[at] = normalisation_stats(sample.image, self.normalise)
            mean, std = self._stats[at]
        else:
            dice = rng.bit_generator.state  # rolled alike for the cut-out and the whole image
            image = self._degraded(sample, sharp, rng)
            rng.bit_generator.state = dice
            seen = self._degraded(sample, sample.image, rng)
            mean, std = normalisation_stats(seen, self.normalise)
        return (
            torch.from_numpy(_channels_first((image - mean) / std)),
            torch.from_numpy(HEADS[self.head].target(
                labels, _channels_first((sharp - mean) / std))),
        )

    def expect(self, sample: Sample) -> None:
        """Say in words why a sample cannot be shown to the network."""
        if HEADS[self.head].labelled:
            _ = sample.mask  # raises where nobody drew the cells
        have = 1 if sample.image.ndim == 2 else sample.image.shape[2]
        if self.channels not in (None, have):
            raise ValueError(
                f"sample {sample.name!r} has {have} channel(s), the network takes "
                f"{self.channels}; build it with in_channels={have}, or convert the images."
            )

    def _cut(self, image, labels, rng):
        height, width = image.shape[:2]
        if self.mode == "crop":
            rows, columns = (max(0, want - have) for want, have in
                             zip(self.size, (height, width), strict=True))
            border = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
            image, labels = _both(image, labels, lambda a: _pad(a, border, "reflect"))
            top = int(rng.integers(image.shape[0] - self.size[0] + 1))
            left = int(rng.integers(image.shape[1] - self.size[1] + 1))
            return _both(image, labels, lambda a: a[top:, left:][:self.size[0], :self.size[1]])
        if self.mode == "whole":
            high, wide = self.size or (height, width)
            top, left = max(0, height - high) // 2, max(0, width - wide) // 2
            return _both(image, labels, lambda a: a[top:, left:][:high, :wide])
        if self.mode == "pad":
            side = max(height, width)
            border = [((side - n) // 2, side - n - (side - n) // 2) for n in (height, width)]
            image, labels = _both(image, labels, lambda a: _pad(a, border, "constant"))
        if self.size is None:
            return image, labels
        return _both(image, labels, lambda a: _resize(a, self.size))

    def _augmented(self, sample, image, labels, rng):
        arrays, made = [True, labels is not None], self.augment(image, labels, rng)
        if not isinstance(made, (tuple, list)) or arrays != [
                isinstance(one, np.ndarray) for one in made]:
            raise ValueError(
                f"sample {sample.name!r}: the augmentation returned {type(made).__name__}, "
                "expected two arrays (image, labels); return both, labels None where they were."
            )
        image, labels = made
        if not np.isfinite(image).all():
            raise ValueError(
                f"sample {sample.name!r}: the augmentation returned NaN or infinite pixels; "
                "expected an image in [0, 1]; check what it divides by."
            )
        if labels is not None and labels.shape != image.shape[:2]:
            raise ValueError(
                f"sample {sample.name!r}: the augmentation returned an image {image.shape} with "
                f"labels {labels.shape}; move both in the same way."
            )
        return image, labels

    def _degraded(self, sample, image, rng):
        shape, image = image.shape, self.degrade(np.copy(image), rng)  # it may work in place
        if np.shape(image) != shape or not np.isfinite(image).all():
            found = "NaN or infinite pixels" if np.shape(image) == shape else \
                f"{type(image).__name__} of shape {np.shape(image)}"
            raise ValueError(
                f"sample {sample.name!r}: the degradation returned {found}, expected an image of "
                f"shape {shape} in [0, 1]; return one as large as it was."
            )
        return image


def _both(image, labels, change):
    return change(image), None if labels is None else change(labels)


def _pad(array, border, mode):
    if not np.any(border):
        return array  # np.pad would copy the whole picture
    return np.pad(array, [*border, (0, 0)][: array.ndim], mode=mode)


def _resize(array, size):
    """Floats bilinear, whole numbers by nearest neighbour (half-pixel centres both)."""
    if array.ndim == 3:
        return np.stack([_resize(channel, size) for channel in np.moveaxis(array, 2, 0)], axis=2)
    if array.dtype == np.int32:
        return resize_labels(array, size)
    return np.array(Image.fromarray(array).resize(size[::-1], Image.Resampling.BILINEAR))


def _channels_first(image):
    image = image[None] if image.ndim == 2 else np.moveaxis(image, 2, 0)
    return np.ascontiguousarray(image, dtype=np.float32)
