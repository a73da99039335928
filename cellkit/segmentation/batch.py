"""One call for a folder: choose, segment, measure, write; and go on where it was stopped."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial

import numpy as np
from tqdm import tqdm

from cellkit import checks
from cellkit.datasets import scale_image
from cellkit.files import FULL
from cellkit.samples import few
from cellkit.segmentation import choice, distributed
from cellkit.segmentation.measurement import hours_of, measure
from cellkit.segmentation.outputs import Segmented, Store
from cellkit.segmentation.pictures import Picture, pictures_of
from cellkit.weights import card


class Results(list):
    """A row of :class:`Segmented`; what could not be done is in ``failed``, name to reason.

    ``words``: what was chosen, and why; ``stopped``: whether Ctrl-C ended it.
    """

    def __init__(self, row, failed, words, stopped):
        super().__init__(row)
        self.failed, self.words, self.stopped = failed, words, stopped


def segment(images, network="auto", output=None, *, method=None, threshold=None, scale="auto",
            cell_size=None, pixel_size=None, hours=None, workers=1, cluster=None, again=False,
            progress=True, device="auto", page=None, channel=None, **params) -> Results:
    """Find, measure and write the cells of many pictures.

    Nothing is found here that ``ck.predict`` and ``ck.instances`` (or ``ck.detect``) do not find.

    Parameters
    ----------
    images : path, array, Samples, or a row of them
        A folder (or zip archive) of pictures, a picture, several; of any size.
    network : str, path or Module
        The name of a bundled network, a ``.safetensors`` file, a network.  "auto": the bundled
        network that knows such pictures best, one for all of a folder unless they differ in kind;
        what was chosen, and why, is said.
    output : path, optional
        A folder for ``masks/`` (PNG, 0 and 255), ``labels/`` (TIFF with name and µm, for Fiji,
        napari and QuPath), ``overlays/`` (PNG), ``cells.csv`` (one row a cell), ``images.csv``
        (one row a picture) and ``run.json`` (what was asked and chosen).  A second run with the
        same settings goes on where the first was stopped.  None: the results stay in memory.
    method, threshold, **params
        As in :func:`cellkit.instances`, or "detect" for a Mask R-CNN; None: what suits the network.
    scale, cell_size
        As in :func:`cellkit.predict`.
    pixel_size : float, µm, optional
        The side of a pixel: for columns in µm, and for the label files.
    hours : float, optional
        From one picture to the next, where names do not tell the time as LIVECell's do
        ("01d04h30m"): times the number in the name, or the picture's place.
    workers : int
        Processes on this machine, through Dask (``pip install "cellkit[dask]"``).
    cluster : str, optional
        The address of a running Dask scheduler whose workers see the same folders.
    again : bool
        Replace what another run left in ``output``.
    page, channel
        As in :func:`cellkit.datasets.read_image`.

    Returns
    -------
    list of Segmented
        In the order of the pictures; also after Ctrl-C.  ``.failed`` names the pictures that could
        not be read or segmented, and why; ``.words`` says what was chosen.

    Raises
    ------
    ValueError
        No picture could be segmented; ``output`` holds results of other settings.
    """
    checks.whole_number("workers", workers)
    options = {name: value for name, value in (("page", page), ("channel", channel))
               if value is not None}
    pictures = pictures_of(images, **options)
    asked = {"network": choice.named(network), "method": method, "threshold": threshold,
             "scale": scale, "cell_size": cell_size, "pixel_size": pixel_size, **options, **params}
    if asked["network"] != "auto" and isinstance(network, (str, os.PathLike)):
        asked["weights"] = card(network)["sha256"]
    store = None if output is None else Store(output)
    plan = store and store.open(asked, again)
    if plan is None:
        some = _some(pictures) if "auto" in (network, scale) else []
        plan = choice.plan(some, network, method, threshold, scale, cell_size, params, device)
        if store:
            store.decide(asked, plan)
    if progress:
        print(plan["words"], file=sys.stderr)
    found = {} if store is None else {
        one.name: known for one in pictures if (known := store.done(one))}
    todo = [one for one in pictures if one.name not in found]
    if isinstance(network, str) or plan["network"] != asked["network"]:
        network = plan["network"]  # as chosen, or as chosen when the run was begun
    do = partial(_one, network=network, plan=plan, pixel_size=pixel_size, device=device,
                 store=store)
    failed, stopped = {}, False
    bar = tqdm(total=len(pictures), initial=len(found), unit="picture", file=sys.stderr,
               disable=not progress)
    try:
        with bar, closing(distributed.spread(do, todo, workers, cluster)) as finished:
            for picture, result in finished:
                (failed if isinstance(result, str) else found)[picture.name] = result
                bar.update()
    except KeyboardInterrupt:
        stopped = True
    row = [_timed(found[one.name], k, hours) for k, one in enumerate(pictures) if one.name in found]
    if store:
        store.tables(row, failed)
    if stopped:
        print(f"Stopped: {len(row)} of {len(pictures)} pictures are done."
              f"{'  The same call goes on.' if store else ''}", file=sys.stderr)
    elif failed and not row:
        raise ValueError(f"none of {len(pictures)} picture(s) could be segmented; the first: "
                         f"{next(iter(failed.values()))}")
    if failed:
        warnings.warn(f"{len(failed)} of {len(pictures)} pictures could not be segmented:"
                      + "".join(f"\n{name}: {why}" for name, why in failed.items()), stacklevel=2)
    low = [one.summary for one in row if one.summary["trust"] == "low"]
    if low and progress:
        print(f"{len(low)} of {len(row)} pictures are not to be trusted without a look at their "
              f"overlays (images.csv says why), e.g. {low[0]['image']}: {low[0]['why']}",
              file=sys.stderr)
    return Results(row, failed, plan["words"], stopped)


def _some(pictures) -> list[np.ndarray]:
    """A few readable pictures, spread evenly."""
    from cellkit.segmentation.cells import empty_area, filled  # and with it torch

    seen = []
    for k in few(len(pictures), choice.FEW):
        with suppress(Exception):  # told of when its turn comes
            image = _as_seen(pictures[k].read())
            seen.append(filled(image, empty_area(image)))
    return seen


def _as_seen(pixels: np.ndarray) -> np.ndarray:
    """Grey values of any type in [0, 1]; floats that lie there already stay as they are."""
    whole = pixels.dtype.kind != "f" or pixels.min() < 0 or pixels.max() > 1
    return scale_image(pixels, "depth") if whole else pixels.astype(np.float32)


def _one(picture: Picture, network, plan, pixel_size, device, store) -> Segmented | str:
    """Everything of one picture; or, in a sentence, why not."""
    try:
        state, pixels = picture.state(), picture.read()
        image = _as_seen(pixels)
        found = _found(picture.name, pixels, image, network, plan, pixel_size, device)
        return store.write(found, image, state, pixel_size) if store else found
    except Exception as error:  # one picture's fault is no other's; a full disk is everyone's
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        known = isinstance(error, (OSError, ValueError, TypeError))
        return str(error) if known else f"{type(error).__name__}: {error}"


def _found(name, pixels, image, network, plan, pixel_size, device) -> Segmented:
    from cellkit.segmentation.cells import empty_area, filled, find  # and with it torch

    seen = filled(image, empty_area(image))
    if network is None:  # pictures of several kinds: each for itself
        plan = choice.plan([seen], "auto", plan["method"], plan["threshold"], plan["scale"],
                           plan["cell_size"], plan["params"], device)
        network = plan["network"]
    net = choice.loaded(network, device)
    labels, doubt, lit = find(net, image, plan["method"], plan["scale"],
                              threshold=plan["threshold"], **plan["params"])
    table = measure(labels, pixels, pixel_size) | {"doubt": doubt}
    areas = [column for column in ("area_px", "area_um2") if column in table]
    doubts = choice.doubts(net, seen, network, plan["scale"])
    summary = {
        "image": name, "cells": len(doubt),
        "confluence": float(np.count_nonzero(labels) / max(lit * labels.size, 1)),
        **{f"median_{column}": float(np.median(table[column])) if len(doubt) else ""
           for column in areas},
        "doubt": float(np.median(doubt)) if len(doubt) else "",
        "trust": "low" if doubts else "usual", "why": " ".join(doubts),
        "network": plan["network"], "method": plan["method"], "scale": plan["scale"],
    }
    return Segmented(name, summary,
                     kept=(labels, {column: values.tolist() for column, values in table.items()}))


def _timed(result: Segmented, position: int, every) -> Segmented:
    hours = hours_of(result.name, position, every)
    told = {} if hours is None else {"hours": round(hours, 4)}
    return replace(result, summary={"image": result.name, **told, **result.summary})
