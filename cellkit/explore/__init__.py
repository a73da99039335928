"""Explorers: move a slider and see what it does, in Colab, JupyterLab and Voila.

Every explorer here is one :class:`Explorer`: controls, pictures, numbers, and a function ``look``
that says what there is to see at given values.  The pictures are JPEG bytes in plain picture
widgets; no figure is drawn, which is what makes them quick.  Before an explorer a lesson shows its
static twin, :meth:`Explorer.twin`, for paper, GitHub and screen readers::

    explorer = ck.explore.resolution()
    explorer.twin("M", (1, 1/4, 1/8))  # one cell: a strip of pictures and a table
    explorer                           # the next cell: the controls
"""

from __future__ import annotations

import asyncio
import html
import inspect
import io
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import isclose
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np
from PIL import Image

from cellkit import augment, metrics, show
from cellkit import postprocessing as cells
from cellkit.datasets import bundled, read, to_grey
from cellkit.degradation import RESAMPLERS, degrade, enlarge, shrink
from cellkit.samples import Sample, Samples

FACTORS = (1, 3 / 4, 1 / 2, 3 / 8, 1 / 4, 3 / 16, 1 / 8, 3 / 32, 1 / 16)
WORKER = ThreadPoolExecutor(1, "explorer")
WIDE = {"description_width": "initial"}


class View(NamedTuple):
    """What there is to see at some values of the controls.

    ``pictures``: title → picture, as :func:`cellkit.show.pixels` takes them; ``numbers``: name →
    number or text; ``words``: what the pictures show, for those who do not see them; ``legend``:
    what colours and marks mean, whatever the values.
    """

    pictures: dict
    numbers: dict
    words: str
    legend: str = ""


class Explorer(widgets.VBox):
    """Controls above, pictures in the middle, numbers and words below.

    Parameters
    ----------
    look : callable(**values) -> View
        Given each control's value by its name; must depend on nothing else, for what it returns
        is kept.
    controls : dict of str → widget
        Everything that has a ``value`` which can be hashed.
    settle : callable(controls) -> str, optional
        Called before each look: changes what one control offers where another one asks for it,
        and says so in a sentence.
    remember : int
        How many looks are kept, as JPEG.

    Attributes
    ----------
    controls : dict
        Set a value from code as a hand would: ``explorer.controls["M"].value = 0.5``.
    pictures, numbers, words
        What stands there now; pictures by title, as JPEG.
    error : Exception or None
        Why there is nothing to see.

    Notes
    -----
    An exception in ``look`` is shown as a sentence and kept in ``error``; with
    ``CELLKIT_STRICT=1``, where nobody looks, it is raised.

    Stale values are dropped.  In a kernel a look is taken in a thread beside it, so that the kernel
    hears of new values meanwhile; whatever came in, the next look is at the newest.  (Browsers
    help: they keep a control's newest value back until the one before it has arrived.)  Outside a
    kernel a look is taken at once.
    """

    def __init__(self, look: Callable[..., View], controls: Mapping[str, widgets.Widget], *,
                 settle: Callable[[dict], str | None] | None = None, remember: int = 64):
        self.look, self.controls, self.settle = look, dict(controls), settle
        self.error, self._view, self._slots = None, None, []
        self._settling, self._stale, self._following, self._turn = False, False, False, 0
        self._kept = lru_cache(remember)(self._draw)
        self._problem, self._text = widgets.HTML(), widgets.HTML()
        row = widgets.Layout(display="flex", flex_flow="row wrap", align_items="flex-start")
        self._panels = widgets.Box(layout=row)
        super().__init__([widgets.Box(list(self.controls.values()), layout=row), self._problem,
                          self._panels, self._text])
        self.add_class("cellkit-explorer")
        for control in self.controls.values():
            control.observe(self._changed, "value")
        self.refresh()

    @property
    def pictures(self) -> dict[str, bytes]:
        return self._now().pictures

    @property
    def numbers(self) -> dict:
        return self._now().numbers

    @property
    def words(self) -> str:
        return self._now().words

    def values(self) -> dict:
        """The controls' values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def refresh(self):
        """Look at the controls' values, now, and show what there is to see."""
        try:
            note = self._begin()
            self._put(self._kept(*self.values().values()), note)
        except Exception as error:  # whatever it is, the reader must see it
            self._put_error(error)
            if os.environ.get("CELLKIT_STRICT") == "1":
                raise

    def twin(self, control: str, values: Sequence, picture: int = -1, caption: str = "", **others):
        """The static twin: a strip of pictures and a table of numbers, as a figure.

        Parameters
        ----------
        control : str
            The control that is moved, by its name in ``controls``.
        values : sequence
            The values it takes.
        picture : int
            Which of the pictures to show for each, counted from 0; -1 is the last.
        caption : str
            A line below the pictures and above the table.
        **others
            Values of other controls; those not named stay as they are.
        """
        for name in (control, *others):
            if name not in self.controls:
                raise ValueError(
                    f"there is no control {name!r}, expected one of {', '.join(self.controls)}."
                )
        values = list(values)
        if not values:
            raise ValueError(f"values is empty, expected at least one that {control!r} takes.")
        seen = [self.look(**{**self.values(), **others, control: value}) for value in values]
        names = [_label(self.controls[control], value) for value in values]
        pictures = [list(view.pictures.items())[picture] for view in seen]
        show.images(
            [show.pixels(drawn) for _, drawn in pictures],
            [f"{control}: {name}\n{title}"
             for name, (title, _) in zip(names, pictures, strict=True)],
            alt=" ".join([*(f"{control} {name}: {view.words}"
                            for name, view in zip(names, seen, strict=True)), seen[-1].legend]),
            caption=caption,
        )
        show.table(
            [{control: name, **{key: _number(value) for key, value in view.numbers.items()}}
             for name, view in zip(names, seen, strict=True)],
            caption or f"The same in numbers, by {control}",
        )

    def _changed(self, _):
        if self._settling:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self.refresh()
        self._stale = True
        if not self._following:
            self._following = True
            self._task = loop.create_task(self._follow())

    async def _follow(self):
        """One look after the other, each at the newest values, until nothing has changed."""
        loop = asyncio.get_running_loop()
        try:
            while self._stale:
                try:
                    note = self._begin()
                    turn, values = self._turn, tuple(self.values().values())
                    view = await loop.run_in_executor(WORKER, self._kept, *values)
                    if turn == self._turn:  # otherwise refresh has looked meanwhile
                        self._put(view, note)
                except Exception as error:
                    self._put_error(error)
        finally:
            self._following = False

    def _begin(self) -> str | None:
        self._stale, self._settling, self._turn = False, True, self._turn + 1
        try:
            return self.settle(self.controls) if self.settle else None
        finally:
            self._settling = False

    def _now(self) -> View:
        if self._stale or self._following:
            self.refresh()
        return self._view

    def _draw(self, *values) -> View:
        view = self.look(**dict(zip(self.controls, values, strict=True)))
        return view._replace(pictures={
            title: _jpeg(show.pixels(picture)) for title, picture in view.pictures.items()
        })

    def _put(self, view: View, note):
        self.error, self._view = None, view
        while len(self._slots) < len(view.pictures):
            self._slots.append(_slot())
        slots = tuple(self._slots[:len(view.pictures)])
        for slot, (title, data) in zip(slots, view.pictures.items(), strict=True):
            heading, picture = slot.children
            heading.value, picture.value = f"<b>{html.escape(title)}</b>", data
        if self._panels.children != slots:
            self._panels.children = slots
        self._problem.value = ""
        self._text.value = _text(view, note)

    def _put_error(self, error):
        self.error, self._view = error, View({}, {}, str(error))
        self._panels.children = ()
        said = str(error).strip("'\"") or "no reason was given"
        if not isinstance(error, (ValueError, TypeError, OSError)):  # not written for readers
            said = f"{type(error).__name__}: {said}"
        self._problem.value = (
            f'<div role="alert" style="border-left:4px solid {show.RED};padding:2px 8px">'
            f"<b>Nothing to show:</b> {html.escape(said)}</div>"
        )
        self._text.value = ""


def _slot() -> widgets.VBox:
    picture = widgets.Image(format="jpeg", layout=widgets.Layout(width="100%", height="auto"))
    return widgets.VBox([widgets.HTML(), picture],
                        layout=widgets.Layout(flex="1 1 260px", max_width="704px", margin="4px"))


def _label(control, value) -> str:
    """A value in the words of its control."""
    options = (one for one in getattr(control, "options", ()) if isinstance(one, tuple))
    return next((label for label, meant in options if meant == value), _number(value))


def _text(view: View, note) -> str:
    cell = 'style="padding:2px 10px 2px 0;text-align:left"'
    head = "".join(f'<th scope="col" {cell}>{html.escape(name)}</th>' for name in view.numbers)
    body = "".join(f"<td {cell}>{html.escape(_number(n))}</td>" for n in view.numbers.values())
    said = " ".join(filter(None, [view.words, view.legend, note]))
    return (f"<table><thead><tr>{head}</tr></thead><tbody><tr>{body}</tr></tbody></table>"
            f'<p role="status" aria-live="polite">{html.escape(said)}</p>')


def _number(value) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "on" if value else "off"
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    if isinstance(value, (float, np.floating)):
        return f"{value:.3f}" if np.isfinite(value) else "∞" if value > 0 else "not defined"
    return str(value)


def _jpeg(picture: np.ndarray, quality: int = 90) -> bytes:
    file = io.BytesIO()
    # Colours at full size: stripes and rims are one pixel wide.
    Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()


# The explorers -----------------------------------------------------------------------------------


class Strategy(NamedTuple):
    """A way from a degraded image to a mask.

    ``run(image, M) -> (shown, map)``: what was made of the image on the way (a super-resolved
    image, or None) and the foreground map, (H, W) in [0, 1].  ``only``: the one M it is made for;
    None serves every M.
    """

    run: Callable
    only: float | None = None


def strategy(net="livecell", sharpen=None, only: float | None = None) -> Strategy:
    """A network as a strategy, alone or with a super-resolution network in front (lesson 05).

    Parameters
    ----------
    net : Module, or name or path of weights
        Predicts the mask (a :class:`cellkit.DoubleUNet` its super-resolved image too).  Named
        weights are loaded on first use.
    sharpen : Module, name or path, optional
        A network with head "image" that the image passes first.
    only : float, optional
        The one M that they are made for.
    """
    mask, front = _ready(net), sharpen and _ready(sharpen)

    def run(image, M):
        from cellkit.inference import predict, super_resolve

        if front:
            shown = super_resolve(front(), image)
            return shown, predict(mask(), shown)
        if getattr(mask(), "head", None) == "double":
            found = predict(mask(), image, all=True)
            return found["image"], found["foreground"]
        return None, predict(mask(), image)

    return Strategy(run, only)


def bundled_strategies(net="livecell") -> dict[str, Strategy]:
    """Those strategies of lesson 05 that the bundled weights allow, around a sharp-trained ``net``
    (Module, name or path)."""
    from cellkit.weights import available

    there = available()
    found = {"sharp-trained, as it is": strategy(net)}
    for name, words in (("livecell-sr", "super-resolution in front (the paper)"),
                        ("livecell-sr-task", "super-resolution trained for the task in front")):
        if name in there:
            found[words] = strategy(net, name)
    if "livecell-mixed" in there:
        found["trained on every M"] = strategy("livecell-mixed")
    return found


def resolution(samples=None, net=None, strategies=None, *, M: Sequence[float] = FACTORS,
               start: float = 1 / 4, up: str = "bicubic") -> Explorer:
    """What resolution costs: degrade an image, see what is still found (lesson 05_double_unet).

    Parameters
    ----------
    samples : Sample, sequence of Sample, or image, optional
        An image is float (H, W) or (H, W, 3) in [0, 1]; without labels there are no scores.
        By default the bundled test images, one a cell line, synthetic.
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
        Controls "image" (where there are several), "M", "resampler", "antialias", "strategy",
        "overlay".  Networks are copied when it is made: train first.
    """
    rows = _rows(samples)
    if strategies is None:
        strategies = bundled_strategies("livecell" if net is None else net)
    ways = {name: _strategy(way) for name, way in strategies.items()}

    @lru_cache(maxsize=32)
    def coarse(image, M, resampler, antialias):
        sharp = rows[image].image
        small = shrink(sharp, M, resampler, antialias)
        return small, enlarge(small, sharp.shape[:2], up)

    @lru_cache(maxsize=32)
    def found(image, M, resampler, antialias, strategy):
        _, low = coarse(image, M, resampler, antialias)
        return _checked(ways[strategy].run(low, M), strategy, low.shape[:2])

    def look(M, resampler, antialias, strategy, overlay, image=0):
        if strategy not in ways:
            raise ValueError(f"no strategy is made for M = {_fraction(M)}; choose another M.")
        sample = rows[image]
        small, low = coarse(image, M, resampler, antialias)
        shown, prob = found(image, M, resampler, antialias, strategy)
        pred = prob > 0.5
        truth = pred if sample.labels is None else sample.mask
        pictures = {f"{sample.dataset} degraded".lstrip(): low}
        numbers = {"pixels kept": f"{small.shape[1]} × {small.shape[0]}"}
        if sample.labels is not None:
            numbers |= {"Dice": metrics.dice(truth, pred),
                        "edge Dice": metrics.edge_dice(truth, pred)}
        numbers["PSNR, dB"] = metrics.psnr(sample.image, low)
        if shown is not None:
            pictures["super-resolved"] = shown
            numbers["PSNR super-resolved, dB"] = metrics.psnr(sample.image, shown)
        numbers |= {"bytes, raw": small.size, "bytes, JPEG": _stored(small)}
        if overlay:
            under = to_grey(low if shown is None else shown)
            pictures["prediction against truth" if truth is not pred else "prediction"] = (
                show.compare(truth, pred, under))
        else:
            pictures["the sharp image"] = sample.image
        how = f"at M = {_fraction(M)}, {_way(resampler, antialias)}; {strategy}"
        legend = "" if truth is pred else f"{show.legend_of_compare().capitalize()}."
        return View(pictures, numbers,
                    f"{_called(sample)} {how}. {_agreement(sample, truth, pred)}", legend)

    def settle(controls):
        M, choice = controls["M"].value, controls["strategy"]
        names = tuple(n for n, way in ways.items() if way.only is None or isclose(way.only, M))
        wanted, notes = choice.value, []
        if tuple(choice.options) != names:
            choice.options = names
            if wanted in names:
                choice.value = wanted
            elif wanted is not None and names:
                notes.append(f'"{wanted}" is not made for this M, so "{names[0]}" is shown.')
        notes += [f'"{n}" is offered at M = {_fraction(way.only)} only.'
                  for n, way in ways.items() if way.only is not None and n not in names]
        return " ".join(notes)

    return Explorer(look, {
        **_choose_image(rows), **_choose_resolution(M, start),
        "strategy": widgets.Dropdown(options=list(ways), description="strategy", style=WIDE),
        "overlay": widgets.Checkbox(value=True, description="overlay", indent=False),
    }, settle=settle)


def super_resolution(samples=None, net="livecell-sr", *, M: Sequence[float] = FACTORS,
                     start: float = 1 / 4, up: str = "bicubic") -> Explorer:
    """What a super-resolution network brings back, and what not (lesson 04_super_resolution).

    Parameters
    ----------
    samples, M, start, up
        As in :func:`resolution`.
    net : Module, name or path
        With head "image".

    Returns
    -------
    Explorer
        Controls "image" (where there are several), "M", "resampler", "antialias",
        "super-resolution".
    """
    rows, front = _rows(samples), _ready(net)

    @lru_cache(maxsize=32)
    def sharpened(image, M, resampler, antialias):
        from cellkit.inference import super_resolve

        return super_resolve(front(), degrade(rows[image].image, M, resampler, up, antialias))

    def look(M, resampler, antialias, image=0, **choice):
        sharp = rows[image].image
        if choice["super-resolution"]:
            title, seen = "super-resolved", sharpened(image, M, resampler, antialias)
        else:
            title, seen = "degraded", degrade(sharp, M, resampler, up, antialias)
        numbers = {"PSNR, dB": metrics.psnr(sharp, seen), "SSIM": metrics.ssim(sharp, seen),
                   "contrast left": metrics.contrast(sharp, seen),
                   "bytes, JPEG": _stored(shrink(sharp, M, resampler, antialias))}
        return View(
            {f"{rows[image].dataset} {title}".lstrip(): seen, "the sharp image": sharp,
             "difference × 3, grey is none": np.clip(0.5 + 3 * (seen - sharp), 0, 1)},
            numbers, f"{_called(rows[image])} at M = {_fraction(M)}, {_way(resampler, antialias)}, "
            f"{title}, beside the sharp image and their difference.",
        )

    return Explorer(look, {
        **_choose_image(rows), **_choose_resolution(M, start),
        "super-resolution": widgets.Checkbox(value=False, description="super-resolution",
                                             indent=False),
    })


#: Sliders of :func:`instances`; where one begins is what :func:`cellkit.instances` takes anyway.
SLIDERS = {
    "threshold": (widgets.FloatSlider, {"min": 0.05, "max": 0.95, "step": 0.05}),
    "smoothing": (widgets.FloatSlider, {"min": 0, "max": 5, "step": 0.25}),
    "peak_distance": (widgets.IntSlider, {"min": 1, "max": 30}),
    "seed_threshold": (widgets.FloatSlider, {"min": 0.05, "max": 0.95, "step": 0.05}),
    "h": (widgets.FloatSlider, {"min": 0.02, "max": 0.5, "step": 0.02}),
    "min_size": (widgets.IntSlider, {"min": 0, "max": 400, "step": 4}),
}


def instances(samples=None, net=None, maps=None, method: str = "watershed") -> Explorer:
    """From mask to count: what each parameter does to the cells (lesson 07_watershed).

    Parameters
    ----------
    samples : Sample, sequence of Sample, or image, optional
        As in :func:`resolution`; without labels there is a count and no score.
    net : Module, name or path, optional
        Predicts the maps; by default "livecell".
    maps : ndarray or dict, optional
        The maps themselves, for one sample, as :func:`cellkit.instances` takes them:
        ``maps=sample.mask`` starts from the perfect mask, with no network.
    method : str
        See :func:`cellkit.instances`.

    Returns
    -------
    Explorer
        Controls "image" (where there are several), and those of :data:`SLIDERS` that ``method``
        has.
    """
    rows = _rows(samples)
    if method not in cells.METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(cells.METHODS)}.")
    if maps is not None and len(rows) > 1:
        raise ValueError(
            f"maps were given, and {len(rows)} samples, expected the one they belong to; give "
            "samples[0], say, with its maps."
        )
    ready = _ready("livecell" if net is None else net)

    @lru_cache(maxsize=8)
    def predicted(image):
        from cellkit.inference import predict

        return predict(ready(), rows[image].image, all=True)

    def look(image=0, **params):
        sample = rows[image]
        found = cells.instances(predicted(image) if maps is None else maps, method, **params)
        under, count = to_grey(sample.image), int(found.max())
        pictures = {f"{sample.dataset} cells found".lstrip(): show.colour_labels(found, under)}
        numbers = {"cells found": count}
        words = f"{_called(sample)}: {count} cells found by {method}"
        if sample.labels is not None:
            scores = metrics.average_precision(sample.labels, found, metrics.THRESHOLDS)
            wrong = metrics.splits_merges(sample.labels, found)
            true = metrics.count_error(sample.labels, found).truth
            pictures["the truth"] = truth(image)
            numbers |= {"cells in truth": true, "AP at IoU 0.5": float(scores[0]),
                        "AP, mean over 0.5 to 0.95": float(scores.mean()),
                        "cells split": wrong.splits, "cells merged": wrong.merges}
            words += f", {true} in truth; {wrong.splits} split, {wrong.merges} merged"
        return View(pictures, numbers, f"{words}.",
                    "Each cell has a colour of its own and a white rim.")

    @lru_cache(maxsize=8)
    def truth(image):
        return show.pixels(show.colour_labels(rows[image].labels, to_grey(rows[image].image)))

    defaults = {name: one.default
                for function in (cells.instances, cells.METHODS[method])
                for name, one in inspect.signature(function).parameters.items()}
    return Explorer(look, _choose_image(rows) | {
        name: kind(value=defaults[name], description=name.replace("_", " "), style=WIDE, **limits)
        for name, (kind, limits) in SLIDERS.items() if defaults.get(name) is not None
    })


def augmentation(samples=None, transforms=None) -> Explorer:
    """How strong is too strong?  One transform at a time (lesson 03_augmentation).

    Parameters
    ----------
    samples : Sample, sequence of Sample, or image, optional
        As in :func:`resolution`.
    transforms : sequence of Transform, optional
        By default one of each kind in :mod:`cellkit.augment`.

    Returns
    -------
    Explorer
        Controls "image" (where there are several), "transform", "strength" (in the transform's
        own unit), "draw" (another direction and place).
    """
    rows = _rows(samples)
    if transforms is None:
        kinds = (augment.Move, augment.Paint)
        transforms = [one() for kind in kinds for one in kind.__subclasses__()
                      if one.__module__.startswith(augment.__name__)]
        transforms.append(augment.Elastic())
    transforms = list(transforms)
    if not transforms:
        raise ValueError("there is no transform to show, expected at least one.")
    names = [type(one).__name__.lower() for one in transforms]
    known = {name if names.count(name) == 1 else str(one): one
             for name, one in zip(names, transforms, strict=True)}

    def look(transform, strength, draw, image=0):
        sample, one = rows[image], known[transform]
        moved, labels = one.at(strength)(sample.image, sample.labels, np.random.default_rng(draw))
        before = {"as it was": (sample.image, sample.labels)}
        after = {f"{transform} {strength:g}": (moved, labels)}
        numbers = {"strength": f"{strength:g} {one.unit}"}
        if labels is not None:
            numbers |= {"cells before": _count(sample.labels), "cells after": _count(labels),
                        "cell area before": float((sample.labels > 0).mean()),
                        "cell area after": float((labels > 0).mean())}
        numbers |= {"mean grey": float(moved.mean()), "contrast": float(moved.std())}
        pictures = {
            f"{sample.dataset} {title}".lstrip():
                picture if cell is None else show.colour_labels(cell, to_grey(picture))
            for title, (picture, cell) in (before | after).items()
        }
        return View(pictures, numbers, f"{_called(sample)} as it was, and after {transform} of "
                    f"{strength:g} ({one.unit}), draw {draw}; labels move with the image.")

    def settle(controls):
        slider, one = controls["strength"], known[controls["transform"].value]
        if slider.description != f"strength, {one.unit}" or slider.max != one.most:
            slider.min, slider.max = 0, one.most
            slider.step = 1 if isinstance(one, augment.Flip) else one.most / 40
            slider.value, slider.description = one.between[1], f"strength, {one.unit}"

    first = next(iter(known.values()))
    return Explorer(look, {
        **_choose_image(rows),
        "transform": widgets.Dropdown(options=list(known), description="transform", style=WIDE),
        "strength": widgets.FloatSlider(value=first.between[1], min=0, max=first.most,
                                        description="strength", style=WIDE),
        "draw": widgets.IntSlider(value=0, min=0, max=20, description="draw", style=WIDE),
    }, settle=settle)


# Networks, made quick ----------------------------------------------------------------------------


def fast(net):
    """A copy of a network that predicts the same in less time, for inference only.

    Each batch norm that follows a convolution in a ``Sequential`` is a factor and a shift by
    channel, so it goes into the convolution's own weights; and weights lie channels-last, as the
    fast convolutions want them.  :func:`cellkit.predict` does the rest: 16 bits where the
    hardware has them.
    """
    from copy import deepcopy

    import torch
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    net = deepcopy(net).eval().requires_grad_(False)
    for chain in [module for module in net.modules() if type(module) is nn.Sequential]:
        for i, (conv, norm) in enumerate(pairwise(chain)):
            if (type(conv), type(norm)) == (nn.Conv2d, nn.BatchNorm2d) and norm.track_running_stats:
                chain[i], chain[i + 1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    return net.to(memory_format=torch.channels_last)


def _ready(net) -> Callable:
    """Gives the network, quick; named weights are loaded when first asked for."""
    if isinstance(net, (str, os.PathLike)):
        return lambda: _loaded(net)
    if not hasattr(net, "state_dict"):
        raise TypeError(
            f"the network is {type(net).__name__}, expected a Module, or the name or path of "
            "weights such as 'livecell'."
        )
    quick = fast(net)
    return lambda: quick


@lru_cache(maxsize=8)
def _loaded(name):
    from cellkit.weights import load_weights

    return fast(load_weights(name))


def _strategy(way) -> Strategy:
    if isinstance(way, Strategy):
        return way
    if hasattr(way, "state_dict"):
        return strategy(way)
    if not callable(way):
        raise TypeError(
            f"a strategy is {way!r}, expected a Strategy, a network, or a function (image, M) -> "
            "(shown image or None, foreground map)."
        )
    return Strategy(way)


def _checked(result, name, shape):
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f'the strategy "{name}" returned {type(result).__name__}, expected a pair: what it '
            "made of the image (or None), and the foreground map."
        )
    shown, prob = result
    prob = np.asarray(prob)
    if prob.shape != shape or not (prob.min() >= 0 and prob.max() <= 1):
        raise ValueError(
            f'the strategy "{name}" returned a map of shape {prob.shape}, expected {shape} and '
            "values in [0, 1]; take what cellkit.predict gives."
        )
    return shown, prob


# What they share ---------------------------------------------------------------------------------


def _rows(samples) -> Samples:
    if samples is None:
        samples = read("livecell", root=bundled("livecell"), split="test")
    elif isinstance(samples, np.ndarray):
        samples = [Sample(samples.astype(np.float32) if samples.dtype.kind == "f" else samples,
                          None, "your image")]
    elif isinstance(samples, Sample):
        samples = [samples]
    rows = Samples.of(samples).cached()
    if not len(rows):
        raise ValueError("there is no sample to show, expected at least one.")
    return rows


def _choose_image(rows) -> dict:
    if len(rows) == 1:
        return {}
    return {"image": widgets.Dropdown(options=[(name, i) for i, name in enumerate(rows.names)],
                                      value=0, description="image", style=WIDE)}


def _choose_resolution(M, start) -> dict:
    if np.ndim(M) != 1 or not len(M) or any(one != one for one in M):
        raise ValueError(f"M is {M}, expected factors such as (1, 1/2, 1/4), none of them NaN.")
    factors = [(_fraction(one), one) for one in M]
    return {
        "M": widgets.SelectionSlider(options=factors, value=start if start in M else M[0],
                                     description="M", style=WIDE),
        "resampler": widgets.Dropdown(options=RESAMPLERS, value="area", description="resampler",
                                      style=WIDE),
        "antialias": widgets.Checkbox(value=True, description="antialias", indent=False),
    }


def _fraction(M) -> str:
    try:
        exact = Fraction(M).limit_denominator(64)
    except (TypeError, ValueError, OverflowError):
        return str(M)
    return str(exact) if isclose(exact, M) else f"{M:g}"


def _way(resampler, antialias) -> str:
    if resampler in ("nearest", "area"):
        return resampler
    return f"{resampler} {'with' if antialias else 'without'} antialiasing"


def _called(sample) -> str:
    return f"{sample.dataset or 'Image'} {sample.name}".strip()


def _agreement(sample, truth, pred) -> str:
    if sample.labels is None:
        return f"{pred.mean():.0%} of the image is predicted to be cell; the truth is not known."
    n = metrics.confusion(truth, pred)
    return (f"Of the true cell area {n.tp / max(n.tp + n.fn, 1):.0%} is found; of what is "
            f"predicted {n.fp / max(n.tp + n.fp, 1):.0%} is false alarm.")


def _count(labels) -> int:
    return len(np.unique(labels[labels > 0]))


def _stored(small) -> int:
    """Bytes of the JPEG, as :func:`cellkit.degradation.storage` counts them."""
    file = io.BytesIO()
    Image.fromarray(np.round(small * 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.tell()
