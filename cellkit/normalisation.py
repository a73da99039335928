"""What an image goes through before a network sees it, in training and in prediction alike."""

from __future__ import annotations

import numpy as np

from cellkit.checks import one_of

#: See :func:`normalisation_stats`.
NORMALISE = ("standard", "none")


def normalisation_stats(image: np.ndarray, normalise: str = "standard") -> tuple[float, float]:
    """What to subtract from an image, and then divide it by, before a network sees it.

    "standard" is the mean and the standard deviation of the *whole* image, all channels
    together, so that neither lamp nor camera gain matters; "none" is 0 and 1.  Training
    (:class:`Crops`) and :func:`cellkit.predict` both ask here and so never differ: a crop is
    normalised like the image it was cut from, an image degraded first like the degraded one.
    """
    one_of("normalise", normalise, NORMALISE)
    if normalise == "none":
        return 0.0, 1.0
    return float(image.mean()), max(float(image.std()), 1e-3)  # a blank image stays blank


def standardise(image: np.ndarray) -> np.ndarray:
    """An image as networks see it: float32, mean 0, std 1 (see :func:`normalisation_stats`)."""
    mean, std = normalisation_stats(image)
    return ((image - mean) / std).astype(np.float32)
