"""What a super-resolution network brings back (lesson 04_super_resolution)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import ipywidgets as widgets
import numpy as np

from cellkit import metrics
from cellkit.degradation import enlarge, file_size, shrink
from cellkit.explore.downsampling import FACTORS, JPEG, choose_factor, choose_resampler, idle
from cellkit.explore.explorer import Explorer
from cellkit.explore.pictures import Shelf, called, choose_image
from cellkit.explore.strategies import ready
from cellkit.explore.views import Picture, View, as_seen, fraction, percent


def super_resolution(samples=None, net="livecell-sr", *, M: Sequence[float] = FACTORS,
                     start: float = 1, up: str = "bicubic") -> Explorer:
    """What a super-resolution network brings back, and what not (lesson 04_super_resolution).

    Parameters
    ----------
    samples, M, start, up
        As in :func:`cellkit.explore.resolution`.
    net : Module, name or path
        With head "image".

    Returns
    -------
    Explorer
        Controls "image", "M", "super-resolution", "resampler", "antialias".
    """
    found = Shelf(samples)
    front = ready(net)

    @lru_cache(maxsize=64)
    def coarse(image, M, resampler, antialias):
        from cellkit.tiles import as_taken

        sharp = as_taken(front(), found[image].image)
        small = shrink(sharp, M, resampler, antialias)
        return sharp, small, enlarge(small, sharp.shape[:2], up)

    def look(M, resampler, antialias, image=0, **choice):
        from cellkit.inference import super_resolve

        sample, sharpened = found[image], choice["super-resolution"]
        sharp, small, low = coarse(image, M, resampler, antialias)
        seen = super_resolve(front(), low) if sharpened else low
        title = f"{'Super-resolved' if sharpened else 'Enlarged again'}: {called(sample)}"
        left = small.shape[0] * small.shape[1] / (low.shape[0] * low.shape[1])
        numbers = {"pixels left": left, "PSNR, dB": metrics.psnr(sharp, seen),
                   "SSIM": metrics.ssim(sharp, seen),
                   "contrast left": metrics.contrast(sharp, seen),
                   "bytes, JPEG": file_size(small, **JPEG)}
        pictures = {
            title: Picture(as_seen(seen, sharp),
                           small=None if sharpened else as_seen(small, sharp)),
            "The sharp picture": Picture(as_seen(sharp)),
            "Difference, grey is none": np.clip(0.5 + 3 * (seen - sharp), 0, 1),
        }
        pixels = ("All pixels are there." if left == 1 else
                  f"At {fraction(M)} only {percent(left)} of the pixels are left.")
        what = "The super-resolved picture" if sharpened else "Enlarged again, the picture"
        return View(pictures, numbers,
                    f"{pixels} {what} is like the sharp one to an SSIM of {numbers['SSIM']:.2f}; "
                    f"{percent(numbers['contrast left'])} of its contrast is there.",
                    "Difference: darker or brighter than the sharp picture, three times as much.",
                    idle(M, resampler))

    return Explorer(look, {
        **choose_image(found), **choose_factor(M, start),
        "super-resolution": widgets.Dropdown(
            options=[("enlarged again", False), ("super-resolved", True)],
            description="super-resolution"),
        **choose_resampler(),
    }, settle=found.note, own=found.add, remember=200, ways="super-resolution",
        title="What can sharpening bring back?",
        lead="Nothing is lost yet. Which of the fine grain comes back once pixels are gone?",
        curve=("SSIM", "pixels left"), span=(0, 1), ahead=True)
