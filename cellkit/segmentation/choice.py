"""Which network, method and scale suit a picture: the program's proposal, in words."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from cellkit.datasets import to_grey
from cellkit.normalisation import standardise

#: Bundled networks that find cells, what they know, and how cells are made of what they say: what
#: scored best of a few ways on some of their own pictures (AP50 of nuclei: Mask R-CNN .79, dsb2018
#: with watershed .75; of glands: components .53, watershed .48).
KNOWN = {
    "livecell-objects": ("cells in phase contrast", "flow", {}),
    "maskrcnn-light": ("nuclei, fluorescent or stained", "detect", {}),
    "glas": ("glands in stained tissue", "components", {"min_size": 1000}),
}
FEW = 5  # pictures of a folder that are looked at


class Choice(NamedTuple):
    """A bundled network for a picture; ``fits``: whether it knows the like; ``words``: why."""

    network: str
    fits: bool
    words: str


def choose(image: np.ndarray) -> Choice:
    """The bundled network whose pictures an image resembles most, by rules of thumb.

    Brightness is compared as networks see it, in standard deviations from the mean.
    """
    colour = 0.0 if image.ndim == 2 else float(np.ptp(image, axis=2).mean())
    seen = standardise(to_grey(image))
    low, high = np.percentile(seen, (1, 99))
    patches = float(ndimage.gaussian_filter(seen, 8).std())  # differ in brightness
    if colour > 0.03:
        blurred = [ndimage.gaussian_filter(seen, sigma) for sigma in (1, 2, 4, 8, 16)]
        fine, next_, coarse, last = (float((a - b).std()) for a, b in pairwise(blurred))
        if fine + next_ > 0.68 * (coarse + last):
            return Choice("glas", True, "stained, with small details, like tissue")
        return Choice("maskrcnn-light", True, "stained, with large, smooth nuclei")
    if low > -1.8 and high > 2 and high > -1.5 * low:
        return Choice("maskrcnn-light", True, "bright on a dark ground, like fluorescent nuclei")
    if patches > 0.75 and low < -3:
        return Choice("maskrcnn-light", True, "dark on a bright, even ground, like stained nuclei")
    if patches < 0.12:
        return Choice("livecell-objects", True,
                      "even and grey with bright and dark rims, like phase contrast")
    return Choice("livecell-objects", False,
                  "unlike every bundled network's pictures (phase contrast, fluorescent or stained "
                  "nuclei, stained glands)")


def plan(some: Sequence[np.ndarray], network, method, threshold, scale, cell_size, params,
         device) -> dict:
    """What is decided once for all pictures, by a look at some of them.

    Returns
    -------
    dict
        For JSON: "network" (None: pictures of several kinds, each is to be planned for itself),
        "method", "threshold", "scale", "params"; "words" say what, and why.
    """
    words, known = f"Network: {named(network)}.", ()
    if isinstance(network, str) and network == "auto":
        votes = [choose(image) for image in some]
        if not votes:
            raise ValueError("none of the pictures that were looked at can be read, so no network "
                             "can be chosen; look at the files, or name one.")
        [(network, count)] = Counter(one.network for one in votes).most_common(1)
        if count < 0.75 * len(votes):
            return {"network": None, "method": method, "threshold": threshold, "scale": scale,
                    "cell_size": cell_size, "params": params, "words": "The pictures are of "
                    "several kinds: a network is chosen for each (images.csv says which)."}
        most = Counter(one for one in votes if one.network == network).most_common(1)[0][0]
        words = (f"Network: {network}, which knows {KNOWN[network][0]}; the pictures are "
                 f"{most.words}." if most.fits else
                 f"Network: {network}, for want of a better one; the pictures are {most.words}.  "
                 "What is found may be nothing: look at the overlays, and train a network on a few "
                 "drawn pictures of your own (cellkit train).")
    if isinstance(network, str):
        known = KNOWN.get(network, ())
    from cellkit.heads import HEADS, expect_head  # and with it torch
    from cellkit.segmentation.cells import find

    net = loaded(network, device)
    if method is None:
        method, params = (known[1], known[2] | params) if known else (
            expect_head(net, [name for name, head in HEADS.items() if head.method],
                        "it finds no cells, choose another").method, params)
    factor, why = _factor(net, some, scale, cell_size)
    given = {} if threshold is None else {"threshold": threshold}
    find(net, np.zeros((32, 32), np.float32), method, **given, **params)  # settings that do not fit
    words = f"{words}  Method: {method}.  Scale: {factor:g}.{why and f'  {why}'}"
    return {"network": named(network), "method": method, "threshold": threshold, "scale": factor,
            "params": params, "words": words}


def _factor(net, some, scale, cell_size) -> tuple[float, str]:
    """By how much pictures are resized, and why if it was not said."""
    from cellkit.scale import factor, propose
    from cellkit.tiles import as_taken

    proposals = []

    def auto():
        proposals.extend(one for image in some if (one := propose(net, as_taken(net, image))).sure)
        return median_low(one.scale for one in proposals) if 2 * len(proposals) > len(some) else 1.0

    said = 1 if scale == "auto" and cell_size is not None else scale
    found = factor(net, auto, said, cell_size)
    return found, next((one.words for one in proposals if one.scale == found), "")


def doubts(net, image: np.ndarray, network, scale) -> list[str]:
    """Sentences that say why not to trust what a network finds in an image."""
    from cellkit.tiles import as_taken
    from cellkit.trust import unlike

    said = unlike(net, as_taken(net, image), scale=scale)
    found = choose(image)
    if network in KNOWN and not (found.fits and found.network == network):
        said.insert(0, f"The picture is {found.words}" + (
            f", which {found.network} knows." if found.fits else "."))
    return said


@lru_cache(maxsize=4)
def _of_disk(network, device):
    from cellkit.weights import load_weights

    return load_weights(network, device=device)


def loaded(network, device):
    """A network of its name or file, each loaded once; one that is loaded stays as it is."""
    by_name = isinstance(network, (str, os.PathLike))
    return _of_disk(os.fspath(network), device) if by_name else network


def named(network) -> str:
    """A network in a word, which is another for another network."""
    if isinstance(network, (str, os.PathLike)):
        return str(Path(network).absolute()) if Path(network).suffix else str(network)
    from cellkit.inference import networks

    content = hashlib.sha256()
    for key, value in networks(network)[0].state_dict().items():
        content.update(key.encode() + value.detach().cpu().numpy().tobytes())
    return f"{type(network).__name__} {content.hexdigest()[:12]}"
