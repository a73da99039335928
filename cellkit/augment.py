"""Augmentation: the same cells seen otherwise.  Every pipeline is ``f(image, labels, rng)``."""

from __future__ import annotations

import numpy as np


def turn_and_flip(image, labels, rng):
    """One of the eight ways to lay a picture on a table; no pixel changes its value.

    Parameters
    ----------
    image : ndarray, float32, (H, W) or (H, W, 3)
    labels : ndarray, int32, (H, W), or None
        Moved along with the image.
    rng : numpy.random.Generator

    Returns
    -------
    image, labels
        As given; where H and W differ only half turns are made, so that the shape stays.
    """
    square = image.shape[0] == image.shape[1]
    turns = int(rng.integers(4)) if square else 2 * int(rng.integers(2))
    flip = rng.random() < 0.5

    def move(array):
        array = np.rot90(array, turns)
        return np.ascontiguousarray(array[:, ::-1] if flip else array)

    return move(image), None if labels is None else move(labels)


def light(image, rng, brightness: float = 0.5, contrast: float = 0.3, gamma: float = 0.3):
    """The same picture under another lamp, still in [0, 1].

    Parameters
    ----------
    image : ndarray, float32, range [0, 1]
    rng : numpy.random.Generator
    brightness : float
        The largest shift up or down, in standard deviations of the image.
    contrast, gamma : float
        The largest change of the factor and of the exponent: 0.3 is between 1/1.3 and 1.3.
        The exponent bends the grey scale only; mean and spread are then set back.
    """
    mean, std = float(image.mean()), float(image.std())
    bent = image ** np.float32((1 + gamma) ** rng.uniform(-1, 1))
    scale = (1 + contrast) ** rng.uniform(-1, 1) * std / max(float(bent.std()), 1e-6)
    shift = mean + std * brightness * rng.uniform(-1, 1)
    return np.clip((bent - float(bent.mean())) * scale + shift, 0, 1).astype(np.float32)


def default(image, labels, rng):
    """What :func:`cellkit.fit` does unless told otherwise: turns, flips and :func:`light`."""
    image, labels = turn_and_flip(image, labels, rng)
    return light(image, rng), labels
