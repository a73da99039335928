"""What resolution costs (lesson 05_double_unet)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import isclose

import ipywidgets as widgets
import numpy as np

from cellkit import metrics
from cellkit.datasets import to_grey
from cellkit.degradation import RESAMPLERS, enlarge, file_size, shrink
from cellkit.explore.explorer import Explorer
from cellkit.explore.pictures import Shelf, called, choose_image
from cellkit.explore.strategies import as_strategy, bundled_strategies, checked
from cellkit.explore.views import Picture, View, as_seen, fraction, percent
from cellkit.show import outcome

JPEG = {"format": "JPEG", "quality": 90}  # as :func:`cellkit.storage`
FACTORS = (1, 3 / 4, 1 / 2, 3 / 8, 1 / 4, 3 / 16, 1 / 8, 3 / 32, 1 / 16)


def resolution(samples=None, net=None, strategies=None, *, M: Sequence[float] = FACTORS,
               start: float = 1, up: str = "bicubic") -> Explorer:
    """What resolution costs: degrade an image, see what is still found (lesson 05_double_unet).

    Parameters
    ----------
    samples : Sample, sequence of Sample, array, path or uploaded file, optional
        An array is a picture of the reader's own, uint8, uint16 or float, grey or colour; without
        labels there are no scores.  By default the bundled test images, one a cell line,
        synthetic.
    net : Module, name or path, optional
        A network trained on sharp images, in the place of "livecell".
    strategies : dict of str → Strategy, optional
        Also Module or callable(image, M) -> (shown or None, map); by default
        :func:`bundled_strategies` of ``net``.  One that is made for one M is offered only there.
    M : sequence of float
        The factors to choose from, 0 < M ≤ 1.
    start : float
        The factor it opens with, if it is among them.
    up : str
        The way back up, see :func:`cellkit.degrade`.

    Returns
    -------
    Explorer
        Controls "image", "M", "strategy", "resampler", "antialias".
        Networks are copied when it is made: train first.
    """
    found_rows = Shelf(samples)
    if strategies is None:
        strategies = bundled_strategies("livecell" if net is None else net)
    ways = {name: as_strategy(way) for name, way in strategies.items()}

    @lru_cache(maxsize=32)
    def degraded(image, grey, M, resampler, antialias):
        sharp = to_grey(found_rows[image].image) if grey else found_rows[image].image
        small = shrink(sharp, M, resampler, antialias)
        return sharp, small, enlarge(small, sharp.shape[:2], up)

    def coarse(image, M, resampler, antialias, strategy):
        grey = found_rows[image].image.ndim == 3 and ways[strategy].sees_grey()
        return degraded(image, grey, M, resampler, antialias)

    @lru_cache(maxsize=64)
    def found(image, M, resampler, antialias, strategy):
        low = coarse(image, M, resampler, antialias, strategy)[-1]
        shown, prob = checked(ways[strategy].run(low, M), strategy, low.shape[:2])
        return shown, prob > 0.5

    def got(M, resampler, antialias, strategy, image=0, shown=None):
        _, small, low = coarse(image, M, resampler, antialias, strategy)
        said = "" if shown is None else ", made sharper first"
        title = f"What the network gets: {called(found_rows[image])}{said}"
        seen = as_seen(low if shown is None else shown)
        return {title: Picture(seen, small=as_seen(small))}

    def preview(**values):
        return View(got(**values), {}, "")

    def look(M, resampler, antialias, strategy, image=0):
        if strategy not in ways:
            raise ValueError(f"no strategy is made for M = {fraction(M)}; choose another M.")
        sample = found_rows[image]
        sharp, small, low = coarse(image, M, resampler, antialias, strategy)
        shown, pred = found(image, M, resampler, antialias, strategy)
        pictures = got(M, resampler, antialias, strategy, image, shown)
        [(_, network_gets)] = pictures.items()
        left = small.shape[0] * small.shape[1] / (low.shape[0] * low.shape[1])
        numbers = {"pixels": f"{small.shape[1]} × {small.shape[0]}", "pixels left": left}
        known = sample.labels is not None
        pictures["What it finds"] = network_gets._replace(
            outcome=outcome(sample.mask if known else pred, pred), small=None)
        if known:
            numbers |= {"cells found": cells_found(sample.labels, pred),
                        "Dice": metrics.dice(sample.mask, pred),
                        "edge Dice": metrics.edge_dice(sample.mask, pred)}
        numbers["PSNR, dB"] = metrics.psnr(sharp, low)
        if shown is not None:
            numbers["PSNR super-resolved, dB"] = metrics.psnr(sharp, shown)
        numbers |= {"bytes, raw": small.size, "bytes, JPEG": file_size(small, **JPEG)}
        return View(pictures, numbers, sentence(sample, M, left, strategy, pred, numbers),
                    idle=idle(M, resampler))

    def settle(controls):
        M, choice = controls["M"].value, controls["strategy"]
        names = tuple(n for n, way in ways.items() if way.only is None or isclose(way.only, M))
        wanted, notes = choice.value, list(filter(None, [found_rows.note(controls)]))
        if tuple(choice.options) != names:
            choice.options = names
            if wanted in names:
                choice.value = wanted
            elif wanted is not None and names:
                notes.append(f'"{wanted}" is not made for this M, so "{names[0]}" is shown.')
        notes += [f'"{n}" is offered at M = {fraction(way.only)} only.'
                  for n, way in ways.items() if way.only is not None and n not in names]
        return " ".join(notes)

    return Explorer(look, {
        **choose_image(found_rows), **choose_factor(M, start),
        "strategy": widgets.Dropdown(options=list(ways), description="strategy"),
        **choose_resampler(),
    }, settle=settle, preview=preview, remember=400, ways="strategy",
        title="What does resolution cost?",
        lead="How few of them are enough? Guess, then move the slider.", own=found_rows.add,
        curve=("Dice", "cells found", "pixels left"), span=(0, 1), ahead=True)


def sentence(sample, M, left, strategy, pred, numbers) -> str:
    """What a reader should take from the pictures, in two sentences."""
    pixels = ("All pixels are there." if left == 1 else
              f"At {fraction(M)} only {percent(left)} of the pixels are left.")
    if sample.labels is None:
        return (f"{pixels} “{strategy}” takes {percent(pred.mean())} of {called(sample)} for "
                "cells; the truth is not known.")
    n = metrics.confusion(sample.mask, pred)
    still = "finds" if left == 1 else "still finds"
    return (f"{pixels} “{strategy}” {still} {percent(numbers['cells found'])} of the cells; "
            f"{percent(n.fp / max(n.tp + n.fp, 1))} of what it marks is wrong. "
            f"Dice is {numbers['Dice']:.2f}.")


def cells_found(labels: np.ndarray, pred: np.ndarray) -> float:
    """The share of cells that a mask covers at least half of."""
    area = np.bincount(labels.ravel())[1:]
    covered = np.bincount(labels.ravel(), weights=pred.ravel(), minlength=len(area) + 1)[1:]
    there = area > 0
    return float((2 * covered[there] >= area[there]).mean()) if there.any() else 1.0


def choose_factor(M, start) -> dict:
    """The slider of M."""
    if np.ndim(M) != 1 or not len(M) or any(one != one for one in M):
        raise ValueError(f"M is {M}, expected factors such as (1, 1/2, 1/4), none of them NaN.")
    return {"M": widgets.SelectionSlider(options=[(fraction(one), one) for one in M],
                                         value=start if start in M else M[0], description="M")}


def choose_resampler() -> dict:
    """How pixels are merged on the way down."""
    return {"resampler": widgets.Dropdown(options=RESAMPLERS, value="area",
                                          description="resampler"),
            "antialias": widgets.Checkbox(value=True, description="antialias")}


def idle(M, resampler) -> tuple:
    """Which of :func:`choose_resampler` can change nothing."""
    if M == 1:
        return ("resampler", "antialias")
    return ("antialias",) if resampler in ("nearest", "area") else ()


