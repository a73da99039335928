"""Looks: what a picture looks like to a network, in a few numbers that can be compared.

They are taken after the normalisation of training, so that neither lamp nor camera gain matters.
"""

from __future__ import annotations

import numpy as np

from cellkit.normalisation import normalisation_stats

OCTAVES = 7  # details of 1, 2, 4, ... pixels
SIDE = 1024  # of the middle of a picture that is looked at, in pixels


def looks(image: np.ndarray) -> np.ndarray:
    """What a picture looks like: :data:`OCTAVES` + 3 numbers, to be compared by :func:`apart`.

    The first are its details of 1, 2, 4, ... pixels: logarithms (to base 2) of the standard
    deviation that is lost when squares of 2 x 2 pixels become one; then what is left of it.  The
    last but one is above 0 for bright cells on a dark ground; the last is how far the colours
    differ, 0 for grey.
    """
    image = middle(image, SIDE)
    mean, std = normalisation_stats(image)
    grey = (image if image.ndim == 2 else image.mean(axis=2)) - mean
    colour = 0.0 if image.ndim == 2 else float(np.abs(image - mean - grey[..., None]).mean() / std)
    grey = grey / std
    cut, lost = np.clip(grey, -4, 4), []
    skew = float((cut * cut * cut).mean())
    for _ in range(OCTAVES):
        height, width = (side // 2 * 2 for side in grey.shape)
        if min(height, width) < 2:
            lost.append(0.0)
            continue
        whole = grey[:height, :width]
        grey = whole.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        lost.append(max(whole.var() - grey.var(), 0) ** 0.5)
    return np.array([*np.log2(np.maximum([*lost, grey.std()], 2.0**-8)), skew, 2 * colour])


def apart(look: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How far a look is from each of others (n, numbers): 1 is clearly different."""
    return np.sqrt((((look - others) / 0.3) ** 2).mean(axis=1))


def middle(image: np.ndarray, side: int) -> np.ndarray:
    """The middle of an image, at most ``side`` x ``side``."""
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top:, left:][:side, :side]
