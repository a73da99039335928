"""From mask to count, by seeds and a flood (lesson 07_watershed)."""

from __future__ import annotations

import inspect
from functools import lru_cache

import ipywidgets as widgets
import numpy as np
from scipy import ndimage

from cellkit import checks, metrics, show
from cellkit import postprocessing as cells
from cellkit.datasets import to_grey
from cellkit.explore.explorer import Explorer
from cellkit.explore.pictures import Shelf, called, choose_image
from cellkit.explore.strategies import ready
from cellkit.explore.views import View

#: Sliders of :func:`instances`, the one that matters most first; where one begins is what
#: :func:`cellkit.instances` takes anyway.
SLIDERS = {
    "peak_distance": (widgets.IntSlider, {"min": 1, "max": 30}),
    "h": (widgets.FloatSlider, {"min": 0.02, "max": 0.5, "step": 0.02}),
    "seed_threshold": (widgets.FloatSlider, {"min": 0.05, "max": 0.95, "step": 0.05}),
    "smoothing": (widgets.FloatSlider, {"min": 0, "max": 5, "step": 0.25}),
    "threshold": (widgets.FloatSlider, {"min": 0.05, "max": 0.95, "step": 0.05}),
    "min_size": (widgets.IntSlider, {"min": 0, "max": 400, "step": 4}),
}
SEEDS = "A white dot is a seed: the highest point of its cell's landscape, where the flood began."
LEGEND = "Each cell has a colour of its own and a white rim."


def instances(samples=None, net=None, maps=None, method: str = "watershed") -> Explorer:
    """From mask to count: what each parameter does to the cells (lesson 07_watershed).

    Parameters
    ----------
    samples : Sample, sequence of Sample, array, path or uploaded file, optional
        As in :func:`cellkit.explore.resolution`; without labels there is a count and no score.
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
        Controls "image" (not with ``maps``), and those of :data:`SLIDERS` that ``method`` has and
        that can change something.
    """
    found_rows = Shelf(samples)
    checks.one_of("method", method, cells.METHODS)
    if maps is not None and len(found_rows) > 1:
        raise ValueError(
            f"maps were given, and {len(found_rows)} samples, expected the one they belong to; "
            "give samples[0], say, with its maps."
        )
    network = ready("livecell" if net is None else net)

    @lru_cache(maxsize=8)
    def predicted(image):
        from cellkit.inference import predict
        from cellkit.tiles import as_taken

        return predict(network(), as_taken(network(), found_rows[image].image), all=True)

    def look(image=0, **params):
        sample = found_rows[image]
        used = predicted(image) if maps is None else maps
        found = cells.separate(used, method, **params)
        count = int(found.max())
        picture = show.colour_labels(found, to_grey(sample.image))
        mark_seeds(picture, seeds(found, used, params.get("smoothing", 0)))
        pictures = {f"Cells found, and their seeds: {called(sample)}": picture}
        numbers = {"cells found": count}
        words = f"{count} cells are found by {method}."
        if sample.labels is not None:
            scores = metrics.average_precision(sample.labels, found, metrics.THRESHOLDS)
            split = metrics.splits_merges(sample.labels, found).splits
            merged = merged_cells(sample.labels, found)
            true = metrics.count_error(sample.labels, found).truth
            pictures["The truth"] = truth(image)
            numbers |= {"cells in truth": true, "AP at IoU 0.5": float(scores[0]),
                        "AP, mean over 0.5 to 0.95": float(scores.mean()),
                        "cells split": split, "cells merged": merged}
            words = (f"{count} cells are found by {method}, {true} are there: {split} are "
                     f"split, {merged} merged. AP at 0.5 is {scores[0]:.2f}.")
        return View(pictures, numbers, words, f"{LEGEND} {SEEDS}")

    @lru_cache(maxsize=8)
    def truth(image):
        sample = found_rows[image]
        return show.pixels(show.colour_labels(sample.labels, to_grey(sample.image)))

    defaults = {name: one.default
                for function in (cells.separate, cells.METHODS[method])
                for name, one in inspect.signature(function).parameters.items()}
    if maps is not None and np.asarray(maps).dtype == bool:
        defaults.pop("threshold")  # a mask is above every threshold, or below
    sliders = {name: kind(value=defaults[name], description=name.replace("_", " "), **limits)
               for name, (kind, limits) in SLIDERS.items() if defaults.get(name) is not None}
    main = next(iter(sliders))
    return Explorer(
        look, {**sliders, **(choose_image(found_rows) if maps is None else {})},
        settle=found_rows.note, own=found_rows.add if maps is None else None, remember=200,
        title="How many cells are there?",
        lead=f"Move {main.replace('_', ' ')}: watch what is split and what is merged trade places.",
        curve=("cells found", "cells in truth", "cells split", "cells merged"), ahead=True)


def merged_cells(truth: np.ndarray, found: np.ndarray) -> int:
    """How many true cells lie, each by more than half, in a found one that holds others, too.

    :func:`cellkit.metrics.splits_merges` counts the found ones.  Their number falls again when
    nearly all has run together.
    """
    table = metrics.overlap_table(truth, found)
    held = np.bincount(table.pred[2 * table.area > table.truth_areas[table.truth]])
    return int(held[held >= 2].sum())


def seeds(found: np.ndarray, maps, smoothing: float) -> np.ndarray:
    """The highest point of each cell: of the learned distance, or of the distance to the outside.

    Returns
    -------
    int (cells, 2)
        Rows and columns.
    """
    if not found.max():
        return np.zeros((0, 2), int)
    height = maps.get("distance") if isinstance(maps, dict) else None
    if height is None:
        height = ndimage.distance_transform_edt(found > 0)
    height = ndimage.gaussian_filter(np.asarray(height, np.float32), smoothing, mode="nearest")
    return np.array(ndimage.maximum_position(height, found, np.arange(1, found.max() + 1)), int)


def mark_seeds(picture: np.ndarray, places: np.ndarray):
    """Draw a white dot with a black ring at each place, into the picture (H, W, 3) itself."""
    for radius, grey in ((2.3, 0.0), (1.5, 1.0)):
        reach = int(radius)
        for down in range(-reach, reach + 1):
            for across in range(-reach, reach + 1):
                if down * down + across * across <= radius * radius:
                    rows = np.clip(places[:, 0] + down, 0, picture.shape[0] - 1)
                    columns = np.clip(places[:, 1] + across, 0, picture.shape[1] - 1)
                    picture[rows, columns] = grey
