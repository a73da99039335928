"""Looks: what a picture looks like to a network, in a few numbers that can be compared.

They are taken after the normalisation of training, so that neither lamp nor camera gain matters.
"""

from __future__ import annotations

import numpy as np

from cellkit.normalisation import normalisation_stats

OCTAVES = 7  # details of 1, 2, 4, ... pixels
SIDE = 1024  # of the middle of a picture that is looked at, in pixels
NAMES = (*(f"details of {2**k} px" for k in range(OCTAVES)), "the rest", "skew", "colour")


def looks(image: np.ndarray) -> np.ndarray:
    """What a picture looks like: one number for each of :data:`NAMES`, float64.

    Its details of 1, 2, 4, ... pixels are standard deviations (logarithms to base 2): each is what
    is lost when squares of 2 x 2 pixels become one.  "skew" is above 0 for bright cells on a dark
    ground; "colour" is how far the channels differ.
    """
    image = middle(image, SIDE)
    mean, std = normalisation_stats(image)
    grey = (image if image.ndim == 2 else image.mean(axis=2)) - mean
    colour = 0.0 if image.ndim == 2 else float(np.abs(image - mean - grey[..., None]).mean() / std)
    grey = grey / std
    skew, spread = float((np.clip(grey, -4, 4) ** 3).mean()), []
    for _ in range(OCTAVES):
        height, width = (side // 2 * 2 for side in grey.shape)
        if min(height, width) < 2:
            spread.append(0.0)
            continue
        whole = grey[:height, :width]
        grey = whole.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        spread.append(max(whole.var() - grey.var(), 0) ** 0.5)
    return np.array([*np.log2(np.maximum([*spread, grey.std()], 2.0**-8)), skew, colour])


def middle(image: np.ndarray, side: int) -> np.ndarray:
    """The middle of an image, at most ``side`` x ``side``."""
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top:, left:][:side, :side]
