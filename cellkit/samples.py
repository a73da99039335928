"""Samples: one image with its ground truth, many of them in a row, and ways to divide them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from cellkit import checks


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
        image, labels, where = self.image, self.labels, f"sample {self.name!r}"
        checks.array(f"{where}: the image", image, np.float32, "scale it with "
                     "cellkit.datasets.scale_image(image) first")
        checks.image(f"{where}: the image", image, 3)
        if image.shape[2:] not in ((), (3,)):
            raise ValueError(f"{where}: the image has shape {image.shape}, expected (H, W) or (H, "
                             "W, 3); pick one channel or convert it to grey first.")
        if image.min() < 0 or image.max() > 1:  # by rounding
            object.__setattr__(self, "image", np.clip(image, 0, 1))
        if labels is None:
            return
        checks.array(f"{where}: labels", labels, np.int32, "convert whole numbers (0 background, k "
                     "the k-th cell) with .astype('int32')")
        checks.same_shape(f"{where}: labels", labels.shape, "the image", image.shape[:2],
                          "give the labels of this very image, at the same size")
        checks.labels(f"{where}: labels", labels)

    def __repr__(self) -> str:
        known = [self.dataset, self.cell_type, self.group and f"group {self.group}",
                 f"image {self.image.shape}", "no labels" if self.labels is None else
                 f"{np.count_nonzero(np.unique(self.labels))} cells"]
        return f"<Sample {self.name}: {', '.join(filter(None, known))}>"

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
    def some(cls, samples: Sequence[Sample], what: str = "samples") -> Samples:
        """:meth:`of` a row that may not be empty; ``what`` says which one."""
        found = cls.of(samples)
        if not len(found):
            raise ValueError(f"there are no {what}, expected at least one; read or keep some.")
        return found

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
                Entry(s.name, partial(_held, s.image, s.labels), s.dataset, s.cell_type, s.group,
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


def few(count: int, most: int) -> list[int]:
    """At most so many of a row's numbers, spread evenly from the first to the last."""
    return np.unique(np.linspace(0, count - 1, most).astype(int)).tolist()


def _held(image, labels):
    """Gives the pixels of a sample that is in memory.  (Loader workers pickle no lambda.)"""
    return image, labels


class _Remembered:
    """Reads once and gives the same pixels ever after."""

    keeps = True

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
    checks.number("fraction", fraction, "a number between 0 and 1, e.g. 0.85", lambda v: 0 < v < 1)
    checks.one_of("by", by, ("group", "image"))
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
