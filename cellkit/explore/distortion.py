"""How strong is too strong?  (lesson 03_augmentation)"""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np

from cellkit import augment, show
from cellkit.datasets import to_grey
from cellkit.explore.explorer import Explorer
from cellkit.explore.pictures import Shelf, called, choose_image
from cellkit.explore.seeds import LEGEND
from cellkit.explore.views import View


def augmentation(samples=None, transforms=None) -> Explorer:
    """How strong is too strong?  One transform at a time (lesson 03_augmentation).

    Parameters
    ----------
    samples : Sample, sequence of Sample, array, path or uploaded file, optional
        As in :func:`cellkit.explore.resolution`.
    transforms : sequence of Transform, optional
        By default one of each kind in :mod:`cellkit.augment`; stains only for colour pictures.

    Returns
    -------
    Explorer
        Controls "image", "strength" (in the transform's own unit), "transform", "draw" (another
        direction and place).
    """
    found = Shelf(samples)
    if transforms is None:
        kinds = (augment.Move, augment.Paint)
        transforms = [one() for kind in kinds for one in kind.__subclasses__()
                      if one.__module__.startswith(augment.__name__)
                      and (one is not augment.Stain or found[0].image.ndim == 3)]
        transforms.append(augment.Elastic())
    transforms = list(transforms)
    if not transforms:
        raise ValueError("there is no transform to show, expected at least one.")
    names = [type(one).__name__.lower() for one in transforms]
    known = {name if names.count(name) == 1 else str(one): one
             for name, one in zip(names, transforms, strict=True)}

    def look(transform, strength, draw, image=0):
        sample, one = found[image], known[transform]
        moved, labels = one.at(strength)(sample.image, sample.labels, np.random.default_rng(draw))
        numbers = {"strength": f"{strength:g} {one.unit}"}
        words = f"{called(sample)} after {transform} of {strength:g} ({one.unit})"
        if labels is not None:
            before, after = count(sample.labels), count(labels)
            numbers |= {"cells before": before, "cells after": after,
                        "cell area before": float((sample.labels > 0).mean()),
                        "cell area after": float((labels > 0).mean())}
            words += f": {after} of {before} cells are there, and their labels moved along"
        numbers |= {"mean grey": float(moved.mean()), "contrast": float(moved.std())}
        pictures = {"As it was": on(sample.image, sample.labels),
                    f"After {transform} {strength:g}: {called(sample)}": on(moved, labels)}
        return View(pictures, numbers, f"{words}. Would you still call this a cell culture?",
                    "" if labels is None else LEGEND)

    def settle(controls):
        fit(controls["strength"], known[controls["transform"].value])
        return found.note(controls)

    first = next(iter(known.values()))
    strength = widgets.FloatSlider(description="strength")
    fit(strength, first)
    return Explorer(look, {
        **choose_image(found), "strength": strength,
        "transform": widgets.Dropdown(options=list(known), description="transform"),
        "draw": widgets.IntSlider(value=0, min=0, max=20, description="draw"),
    }, settle=settle, own=found.add, title="How strong is too strong?",
        lead="Move the strength until you would no longer call the result a cell culture.",
        curve=("contrast", "cell area after"), ahead=True)


def fit(slider, one):
    """Give the slider a transform's range and unit, and its own usual strength to start with."""
    if slider.description == f"strength, {one.unit}" and slider.max == one.most:
        return
    usual = one.between[1]
    with slider.hold_trait_notifications():  # or the value is cut to a range on its way
        slider.min, slider.max = 0, one.most
        # Steps that the usual strength lies on.
        slider.step = 1 if isinstance(one, augment.Flip) else usual / max(
            1, round(40 * usual / one.most)) if usual else one.most / 40
        slider.value, slider.description = usual, f"strength, {one.unit}"


def on(image, labels):
    """A picture with its cells in colours, where they are known."""
    return image if labels is None else show.colour_labels(labels, to_grey(image))


def count(labels) -> int:
    return len(np.unique(labels[labels > 0]))
