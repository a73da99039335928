"""Few samples made many, as paper 3 does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from cellkit.augment.papers import paper3
from cellkit.checks import whole_number
from cellkit.samples import Samples


def grow(samples, count: int, augment: Callable = paper3, seed: int = 0) -> Samples:
    """Few samples made many (paper 3: 3 images become 1,773).

    Parameters
    ----------
    samples : sequence of Sample
    count : int
        How many there shall be.  The first are the samples themselves, the others augmented
        copies, each sample's turn coming as often as any other's.
    augment : callable(image, labels, rng) -> (image, labels)
    seed : int
        Copy k depends on (seed, k) and nothing else.

    Returns
    -------
    Samples
        Made when looked at, alike every time (``.cached()`` keeps them).  Names end in the
        copy's number; ``group`` stays, so that :func:`cellkit.split` keeps the copies of one
        picture on one side.  Split them ``by="image"``, and copies of what was trained on
        are what validates: the leak of paper 3.
    """
    samples = Samples.some(samples)
    whole_number(f"count (for {len(samples)} samples)", count, len(samples))
    return samples + Samples([
        replace(entry, name=f"{entry.name}_{k}", read=partial(_copy, entry.read, augment, seed, k))
        for k in range(len(samples), count)
        for entry in [samples.entries[k % len(samples)]]
    ])


def _copy(read, augment, seed, number):
    return augment(*read(), np.random.default_rng([seed, number]))
