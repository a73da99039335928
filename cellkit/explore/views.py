"""What there is to see at some values of an explorer's controls, and how it is told."""

from __future__ import annotations

import io
from fractions import Fraction
from math import isclose
from typing import NamedTuple

import numpy as np
from PIL import Image

from cellkit.datasets import to_grey
from cellkit.normalisation import normalisation_stats
from cellkit.show.overlays import paint, pixels


class Picture(NamedTuple):
    """A grey picture, and what may lie on it.

    Attributes
    ----------
    image : uint8 (H, W)
        As :func:`as_seen` makes it.
    outcome : uint8 (H, W), optional
        See :func:`cellkit.show.outcome`; drawn on the image.
    small : uint8 (h, w), optional
        The pixels that are really there, before they were brought back to (H, W).
    """

    image: np.ndarray
    outcome: np.ndarray | None = None
    small: np.ndarray | None = None


class View(NamedTuple):
    """What there is to see at some values of the controls.

    Attributes
    ----------
    pictures : dict of str → Picture, or ndarray
        Title → a :class:`Picture`, or what :func:`cellkit.show.pixels` takes.
    numbers : dict of str → number or text
    words : str
        A sentence or two: what the pictures show, also for those who do not see them.
    legend : str
        What colours and marks mean, whatever the values.
    idle : tuple of str
        Controls that can change nothing at these values; they are not shown.
    """

    pictures: dict
    numbers: dict
    words: str
    legend: str = ""
    idle: tuple = ()


def as_seen(image: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """An image with the contrast that a network sees: standardised, three deviations each way.

    Parameters
    ----------
    image : float (H, W) or (H, W, 3), range [0, 1]
    like : ndarray, optional
        Take mean and deviation from this one, so that both can be compared.

    Returns
    -------
    uint8 (H, W)
    """
    mean, std = normalisation_stats(image if like is None else like)
    grey = (to_grey(image) - np.float32(mean)) / np.float32(6 * std) + np.float32(0.5)
    return (np.clip(grey, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def drawn(picture) -> np.ndarray:
    """A picture of a view as 8-bit RGB, (H, W, 3)."""
    if not isinstance(picture, Picture):
        return pixels(picture)
    if picture.outcome is None:
        return np.repeat(picture.image[..., None], 3, -1)
    return pixels(paint(picture.outcome, picture.image / np.float32(255)))


def encoded(array: np.ndarray, kind: str = "JPEG", quality: int = 90) -> bytes:
    """A picture's file: uint8 (H, W) or (H, W, 3) as JPEG or WEBP, outcomes as PNG.

    PNG loses nothing; there a tenth of ``quality`` says how hard to press, from 0 to 9.
    """
    file = io.BytesIO()
    if kind == "PNG":  # two bits a pixel; the palette makes it a picture, too
        image = Image.frombytes("P", array.shape[::-1], np.ascontiguousarray(array).tobytes())
        image.putpalette([85 * k for k in range(4) for _ in range(3)])
        image.save(file, "PNG", bits=2, compress_level=quality // 10)
    elif kind == "JPEG":
        # Colours at full size: stripes and rims are one pixel wide.
        Image.fromarray(array).save(file, "JPEG", quality=quality, subsampling=0)
    else:
        Image.fromarray(array).save(file, kind, quality=quality, method=4)
    return file.getvalue()


def number_text(value) -> str:
    """A number as the tables print it."""
    if isinstance(value, (bool, np.bool_)):
        return "on" if value else "off"
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    if isinstance(value, (float, np.floating)):
        return f"{value:.3f}" if np.isfinite(value) else "∞" if value > 0 else "not defined"
    return str(value)


def fraction(M) -> str:
    """A factor as one says it: 1/4, not 0.25."""
    try:
        exact = Fraction(M).limit_denominator(64)
    except (TypeError, ValueError, OverflowError):
        return str(M)
    return str(exact) if isclose(exact, M) else f"{M:g}"


def percent(share: float) -> str:
    """A share in per cent: whole, below ten with one decimal."""
    if not np.isfinite(share):
        return "∞ %"
    hundred = 100 * share
    return f"{hundred:.0f} %" if hundred >= 9.95 or hundred == 0 else f"{hundred:.1f} %"
