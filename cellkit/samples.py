"""Samples: one image with its ground truth, many of them in a row, and ways to divide them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path

import numpy as np
from PIL import Image


def whole(name: str, value, least: int = 1) -> None:
    """Refuse a setting that is no whole number of at least ``least``."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is {value!r}, expected a whole number of at least {least}.")


def among(name: str, value, allowed: Iterable[str]) -> None:
    """Refuse a setting that is none of the names allowed."""
    if value not in (allowed := tuple(allowed)):
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(allowed)}.")


@dataclass(frozen=True, eq=False)  # arrays have no one truth to compare by
class Sample:
    """One image and its ground truth (lesson 01_data_and_masks builds one by hand).

    Attributes
    ----------
    image : ndarray, float32, (H, W) or (H, W, 3)
        Grey or RGB, range [0, 1].
    labels : ndarray, int32, (H, W), or None
        0 is background, k is the k-th cell; None where nobody drew the cells.
    name : str
        The file name without folder and extension.
    dataset, cell_type, group : str or None
        Where it comes from, what it shows, and what a split must not divide
        (LIVECell: the well; GlaS: the patient; DSB2018: the field; EM: a block of slices).
    """

    image: np.ndarray
    labels: np.ndarray | None
    name: str
    dataset: str = ""
    cell_type: str | None = None
    group: str | None = None

    def __post_init__(self):
        image, labels = self.image, self.labels
        where = f"sample {self.name!r}"
        for what, array in (("image is", image), ("labels are", labels)):
            if not isinstance(array, np.ndarray) and (array is not None or what == "image is"):
                raise TypeError(
                    f"{where}: the {what} of type {type(array).__name__}, expected an array; "
                    "convert it with np.asarray, or a tensor with .numpy()."
                )
        if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
            raise ValueError(
                f"{where}: the image has shape {image.shape}, expected (H, W) or (H, W, 3); "
                "pick one channel or convert it to grey first."
            )
        if image.dtype != np.float32:
            raise TypeError(
                f"{where}: the image is {image.dtype}, expected float32 in [0, 1]; "
                "scale it with cellkit.datasets.scale_image(image) first."
            )
        if not image.size:
            raise ValueError(
                f"{where}: the image is empty {image.shape}, expected at least 1x1; "
                "check the file or the crop it came from."
            )
        low, high = float(image.min()), float(image.max())
        if not (low >= 0 and high <= 1):  # written so that NaN fails too
            raise ValueError(
                f"{where}: the image has values from {low:g} to {high:g}, expected [0, 1] without "
                "NaN; scale it with cellkit.datasets.scale_image(image) first."
            )
        if labels is None:
            return
        if labels.dtype != np.int32:
            raise TypeError(
                f"{where}: the labels are {labels.dtype}, expected int32 (0 background, k the "
                "k-th cell); convert whole numbers with .astype('int32')."
            )
        if labels.shape != image.shape[:2]:
            raise ValueError(
                f"{where}: the labels have shape {labels.shape}, the image {image.shape[:2]}; "
                "give the labels of this very image, at the same size."
            )
        if labels.size and labels.min() < 0:
            raise ValueError(
                f"{where}: the labels go down to {labels.min()}, expected 0 (background) and "
                "positive cell numbers; set what should be ignored to 0."
            )

    @property
    def mask(self) -> np.ndarray:
        """Where there is any cell: bool (H, W)."""
        if self.labels is None:
            raise ValueError(
                f"sample {self.name!r} has no ground truth (labels is None); "
                "keep only annotated samples: samples.where(lambda entry: entry.annotated)."
            )
        return self.labels > 0


@dataclass(frozen=True)
class Entry:
    """What is known of a sample before its pixels are read."""

    name: str
    read: Callable[[], tuple[np.ndarray, np.ndarray | None]]
    dataset: str = ""
    cell_type: str | None = None
    group: str | None = None
    annotated: bool = True
    path: Path | None = None  # the image file, where there is one


class Samples(Sequence):
    """A row of samples, each read from disk only when it is asked for.

    ``samples[3]`` reads one; ``samples[2:5]`` and ``samples[[4, 1]]`` are shorter rows, still
    unread.  Names, groups and cell types are known without reading a pixel.
    """

    def __init__(self, entries: Sequence[Entry]):
        self.entries = tuple(entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return Samples(self.entries[index])
        if isinstance(index, (list, tuple, np.ndarray)):
            try:
                chosen = np.arange(len(self))[np.asarray(index) if len(index) else []]
            except IndexError as error:
                raise IndexError(
                    f"these are no indices of {len(self)} samples ({error}); give whole numbers "
                    f"below {len(self)}, or {len(self)} times True or False."
                ) from error
            return Samples([self.entries[i] for i in chosen])
        try:
            index = operator.index(index)
        except TypeError as error:
            raise TypeError(
                f"the index is {index!r}, expected a whole number, a slice or a list of numbers; "
                "by name: samples.where(lambda entry: entry.name == ...)."
            ) from error
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no sample {index} among {len(self)} samples.")
        entry = self.entries[index]
        image, labels = entry.read()
        return Sample(image, labels, entry.name, entry.dataset, entry.cell_type, entry.group)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def __add__(self, other: Samples) -> Samples:
        return Samples(self.entries + Samples.of(other).entries)

    def __repr__(self) -> str:
        kinds = ", ".join(sorted({e.cell_type for e in self.entries if e.cell_type}))
        return f"<{len(self)} x {self.dataset or 'samples'}{kinds and ': ' + kinds}>"

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Samples:
        """Wrap samples that are already in memory (a row is returned as it is)."""
        if isinstance(samples, Samples):
            return samples
        several = isinstance(samples, Iterable) and not isinstance(samples, str)
        samples = list(samples) if several else samples
        wrong = [s for s in samples if not isinstance(s, Sample)] if several else [samples]
        if wrong:
            raise TypeError(
                f"found {type(wrong[0]).__name__}, expected a row of Sample; put a single one in "
                "brackets, [sample], and read a data set with cellkit.read(name)."
            )
        return cls(
            [
                Entry(s.name, _Held(s.image, s.labels), s.dataset, s.cell_type, s.group,
                      s.labels is not None)
                for s in samples
            ]
        )

    @property
    def dataset(self) -> str:
        """The data sets that these samples come from, for a title or a caption."""
        return ", ".join(sorted({e.dataset for e in self.entries if e.dataset}))

    @property
    def names(self) -> list[str]:
        return [e.name for e in self.entries]

    @property
    def groups(self) -> list[str | None]:
        return [e.group for e in self.entries]

    @property
    def cell_types(self) -> list[str | None]:
        return [e.cell_type for e in self.entries]

    def where(self, keep: Callable[[Entry], bool]) -> Samples:
        """The samples whose entry passes ``keep``, e.g. ``lambda e: e.cell_type == "A172"``."""
        return Samples([e for e in self.entries if keep(e)])

    def cached(self) -> Samples:
        """The same row, where each sample's pixels stay in memory once read."""
        return Samples([replace(e, read=_Remembered(e.read)) for e in self.entries])


@dataclass(frozen=True, eq=False)
class _Held:
    """Gives the pixels of a sample that is in memory.  (Loader workers need classes: no lambda
    can be pickled.)"""

    image: np.ndarray
    labels: np.ndarray | None

    def __call__(self):
        return self.image, self.labels


class _Remembered:
    """Reads once and gives the same pixels ever after."""

    def __init__(self, read):
        self.read, self.pixels = read, None

    def __call__(self):
        if self.pixels is None:
            self.pixels = self.read()
        return self.pixels


def split(
    samples: Sequence[Sample], fraction: float = 0.85, seed: int = 0, by: str = "group"
) -> tuple[Samples, Samples]:
    """Divide samples in two without tearing apart what belongs together (lesson 01).

    Parameters
    ----------
    samples : sequence of Sample
    fraction : float, 0 < fraction < 1
        The share of *images* wanted in the first part.  Groups stay whole and are taken in random
        order, each if it brings the share nearer; both parts get at least one group.
    seed : int
        The same seed gives the same parts.
    by : {"group", "image"}
        "image" only where nothing ties images together.

    Returns
    -------
    first, second : Samples
        In the order of ``samples``.
    """
    samples = Samples.of(samples)
    if not 0 < fraction < 1:
        raise ValueError(f"fraction is {fraction}, expected a number between 0 and 1, e.g. 0.85.")
    if by not in ("group", "image"):
        raise ValueError(f"by is {by!r}, expected 'group' or 'image'.")
    if by == "group" and None in samples.groups:
        name = samples.names[samples.groups.index(None)]
        raise ValueError(
            f"sample {name!r} has no group, so nothing says what it must stay with; "
            "give groups, or use by='image' if the images are independent."
        )
    keys = samples.groups if by == "group" else range(len(samples))
    members: dict = {}
    for i, key in enumerate(keys):
        members.setdefault(key, []).append(i)
    if len(members) < 2:
        raise ValueError(
            f"found {len(samples)} sample(s) in {len(members)} {by}(s), expected at least two "
            f"{by}s to divide; read more data, or use by='image' if the images are independent."
        )
    shuffled = sorted(members, key=str)
    np.random.default_rng(seed).shuffle(shuffled)
    wanted, taken, size = fraction * len(samples), [], 0
    for key in shuffled:  # taken where it brings the first part nearer to its share
        if abs(size + len(members[key]) - wanted) <= abs(size - wanted):
            taken.append(key)
            size += len(members[key])
    smallest = min(shuffled, key=lambda key: len(members[key]))
    if not taken:
        taken = [smallest]
    elif len(taken) == len(shuffled):
        taken.remove(smallest)
    first = [i for key in taken for i in members[key]]
    second = sorted(set(range(len(samples))) - set(first))
    return samples[sorted(first)], samples[second]


def moments(image: np.ndarray, normalise: str = "standard") -> tuple[float, float]:
    """What to subtract from an image, and then divide it by, before a network sees it.

    "standard" is the mean and the standard deviation of the *whole* image, all channels
    together, so that neither lamp nor camera gain matters; "none" is 0 and 1.  Training
    (:class:`Crops`) and :func:`cellkit.predict` both ask here and so never differ: a crop is
    normalised like the image it was cut from, an image degraded first like the degraded one.
    """
    among("normalise", normalise, NORMALISE)
    if normalise == "none":
        return 0.0, 1.0
    return float(image.mean()), max(float(image.std()), 1e-3)  # a blank image stays blank


def standardise(image: np.ndarray) -> np.ndarray:
    """An image as networks see it: float32, mean 0, standard deviation 1 (see :func:`moments`)."""
    mean, std = moments(image)
    return ((image - mean) / std).astype(np.float32)


#: See :func:`moments`.
NORMALISE = ("standard", "none")
#: What a target may be.
HEADS = ("foreground", "two_class", "border", "distance", "image", "double", "objects")


class Crops:
    """Samples as equally large tensors: a map-style torch data set (lesson 01_data_and_masks).

    ``Crops(samples)[i]`` is ``(image, target)``: float32 (C, H, W), normalised by
    :func:`moments`, and what the losses expect for the head, see :mod:`cellkit.losses`.

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
        Which target, see :class:`cellkit.UNet`; "double": :class:`cellkit.DoubleUNet`;
        "objects": :class:`cellkit.MaskRCNN`.
    normalise : str
        See :func:`moments`.
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
        if mode not in ("crop", "resize", "pad", "whole"):
            raise ValueError(f"mode is {mode!r}, expected crop, resize, pad or whole.")
        among("head", head, HEADS)
        if size is None and mode in ("crop", "resize"):
            raise ValueError(f"size is None, but mode {mode!r} needs one, e.g. size=256.")
        sides = np.asarray(1 if size is None else size)
        if sides.dtype.kind not in "iu" or sides.shape not in ((), (1,), (2,)) or sides.min() < 1:
            raise ValueError(f"the crop's size is {size!r}, expected a side or (height, width), "
                             "whole numbers of at least 1.")
        for name, value in (("augment", augment), ("degrade", degrade)):
            if value is not None and not callable(value):
                raise ValueError(f"{name} is {value!r}, expected a function, or None.")
        among("normalise", normalise, NORMALISE)
        whole("seed", seed, 0)
        whole("repeats", repeats)
        self.samples = Samples.of(samples)
        if not len(self.samples):
            raise ValueError("there are no samples to cut crops from; read or keep at least one.")
        self.size = None if size is None else tuple(int(s) for s in np.broadcast_to(size, 2))
        self.mode, self.head, self.normalise = mode, head, normalise
        self.augment, self.degrade = augment, degrade
        self.seed, self.repeats, self.epoch = seed, repeats, 0
        self.channels = channels

    def __len__(self) -> int:
        return len(self.samples) * self.repeats

    def __getitem__(self, index: int):
        import torch

        if not -len(self) <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        index %= len(self)
        sample = self.samples[index % len(self.samples)]
        self.expect(sample)
        rng = np.random.default_rng([self.seed, self.epoch, index])
        image, labels = sample.image, sample.labels
        if self.augment is not None:  # it may work in place
            image, labels = _both(image, labels, np.copy)
        image, labels = self._cut(image, labels, rng)
        if self.augment is not None:
            image, labels = self._augmented(sample, image, labels, rng)
        sharp, seen = image, sample.image
        if self.degrade is not None:
            dice = rng.bit_generator.state  # rolled alike for the cut-out and the whole image
            image = self._degraded(sample, sharp, rng)
            rng.bit_generator.state = dice
            seen = self._degraded(sample, seen, rng)
        mean, std = moments(seen, self.normalise)
        return (
            torch.from_numpy(_channels_first((image - mean) / std)),
            torch.from_numpy(_target(labels, (sharp - mean) / std, self.head)),
        )

    def expect(self, sample: Sample) -> None:
        """Say in words why a sample cannot be shown to the network."""
        if self.head != "image":
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
    return np.pad(array, [*border, (0, 0)][: array.ndim], mode=mode)


def _resize(array, size):
    """Floats bilinear, whole numbers by nearest neighbour (half-pixel centres both)."""
    if array.ndim == 3:
        return np.stack([_resize(channel, size) for channel in np.moveaxis(array, 2, 0)], axis=2)
    how = Image.Resampling.NEAREST if array.dtype == np.int32 else Image.Resampling.BILINEAR
    return np.array(Image.fromarray(array).resize(size[::-1], how))


def _channels_first(image):
    image = image[None] if image.ndim == 2 else np.moveaxis(image, 2, 0)
    return np.ascontiguousarray(image, dtype=np.float32)


def _target(labels, sharp, head):
    """Labels, or the sharp image, or both, as the head's loss wants them."""
    if head == "image":
        return _channels_first(sharp)
    if head == "foreground":
        return (labels > 0)[None].astype(np.float32)
    if head == "double":
        return np.concatenate([(labels > 0)[None], _channels_first(sharp)], dtype=np.float32)
    if head == "two_class":
        return (labels > 0).astype(np.int64)
    if head == "objects":
        return labels.astype(np.int64)
    from cellkit import masks

    if head == "border":
        return masks.border_map(labels).astype(np.int64)
    return np.stack([labels > 0, masks.distance_map(labels)]).astype(np.float32)
