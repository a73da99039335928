"""From an image to maps: what a trained network says about each pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from cellkit.checks import one_of
from cellkit.heads import HEADS, expect_head, head_of
from cellkit.postprocessing import Detections, merge_labels, merge_views
from cellkit.scale import factor, fitted, proposal, resized
from cellkit.tiles import checked, detections, maps_of, networks

#: The eight ways to lay a picture on a table: quarter turns, then whether it is flipped.  The first
#: four keep its shape.
TURNS = tuple((quarters, flip) for quarters in (0, 2, 1, 3) for flip in (False, True))


def predict(net: nn.Module | Sequence[nn.Module], image: np.ndarray, all: bool = False, *,
            scale: float | str = 1.0, cell_size: float | None = None, turns: int = 1,
            tile: int = 1024, overlap: int | None = None, amp: str | bool = "auto"):
    """What a network says about an image (lesson 02_unet_from_scratch does it by hand).

    Parameters
    ----------
    net : Module, or several
        A :class:`cellkit.UNet`, or another network from (N, C, H, W) to logits that may have
        ``head`` and ``config`` as it does.  It runs where it lies and is left as it was.  Of
        several networks the mean of what all of them say (an ensemble, lesson 06_mask_rcnn).
    image : ndarray, float, (H, W) or (H, W, C)
        Range [0, 1], any size; normalised as in training, see
        :func:`cellkit.normalisation.normalisation_stats`.
    all : bool
        Every map instead of the foreground alone.
    scale : float or "auto"
        Resize the picture by this factor before the network sees it (0.25: a quarter of its
        side); the maps come back at the picture's own size.  "auto": as
        :func:`cellkit.scale.propose` says.
    cell_size : float, pixels
        Instead of ``scale``: the diameter of the cells in this picture; it is resized until they
        are as large as those that the network was trained on, which its card tells.
    turns : {1, 2, 4, 8}
        Ask so often, with the image turned and flipped, and take the mean (test-time
        augmentation, paper 2's outlook): 2 flips it, 4 also turns it upside down, 8 are all.
    tile, overlap : int
        In pixels.  An image with a side above ``tile`` (at least 32) is run in square tiles that
        share ``overlap`` pixels, where one fades into the next; memory depends on the tile only.
        None: 192, as far as a U-Net of depth 4 sees to both sides together, or half a small tile.
    amp : "auto" or bool
        16-bit convolutions where the hardware gains by them, see
        :func:`cellkit.device.autocast_dtype`.

    Returns
    -------
    ndarray, float32, (H, W)
        The probability of foreground, in [0, 1]; or with ``all`` a dict of maps by name:
        "foreground" for every head but "image"; also "border" (head "border", in [0, 1]),
        "distance" (head "distance", in [0, 1]); "flow_y" and "flow_x" (head "flow", steps down
        and to the right towards the middle of the cell, in [-1, 1]); "image" (head "image",
        alone, and "double").
        Of Mask R-CNN see :func:`cellkit.postprocessing.merge_foreground`.
    """
    nets, image = networks(net), checked(image)
    for one in () if all else nets:
        expect_head(one, {*HEADS} - {"image"}, "for images use cellkit.super_resolve(net, image)")
    said = []
    for one in nets:
        head, seen = head_of(one), _resized(one, image, scale, cell_size)
        for turn in _turns(turns):
            laid = _lay(seen, *turn)
            found = maps_of(one, laid, tile, overlap, amp)
            found = {name: _lay_back(values, *turn) for name, values in found.items()}
            found = head.laid_back(found, *turn)
            said.append({name: fitted(values, image.shape[:2]) for name, values in found.items()})
    shared = set(said[0]).intersection(*said)
    if not shared:
        raise ValueError(
            f"these networks say nothing in common ({', '.join(' and '.join(m) for m in said)}); "
            "ask those for masks and those for images apart."
        )
    found = {name: sum(maps_[name] for maps_ in said) / np.float32(len(said))
             for name in said[0] if name in shared}
    if any(not np.isfinite(values).all() for values in found.values()):
        raise ValueError(
            "the network answers with NaN or infinity: it was trained at too high a learning rate, "
            "or its weights are damaged; train it anew with a lower one, or load it again."
        )
    return found if all else found["foreground"]


def detect(net: nn.Module, image: np.ndarray, *, min_score: float = 0.5, threshold: float = 0.5,
           min_size: int = 1, scores: bool = False, scale: float | str = 1.0,
           cell_size: float | None = None, turns: int = 1, tile: int = 1024,
           overlap: int | None = None, amp: str | bool = "auto"):
    """The objects that a Mask R-CNN finds, as labels (lesson 06_mask_rcnn).

    Parameters
    ----------
    net : MaskRCNN
    image, scale, cell_size, tile, amp
        As in :func:`predict`.
    overlap : int
        In pixels.  Tiles share so many; an object cut by a tile's edge is left to the next tile,
        which sees it whole unless it is larger than this.  None as in :func:`predict`.
    min_score, threshold, min_size
        See :func:`cellkit.postprocessing.merge_labels`.
    scores : bool
        Give the scores too.
    turns : {1, 2, 4, 8}
        Ask so often, with the image turned and flipped; a score is then the mean over the views,
        see :func:`cellkit.postprocessing.merge_views`.

    Returns
    -------
    labels : ndarray, int32, (H, W)
        0 is background; objects are 1, 2, ... by falling score.
    scores : ndarray, float32, (objects,)
        Only with ``scores``.
    """
    [net], image = networks([net]), checked(image)
    expect_head(net, ["objects"], "use cellkit.instances(cellkit.predict(net, image)), or a "
                "MaskRCNN")
    views, seen = [], _resized(net, image, scale, cell_size)
    for turn in _turns(turns):
        found = _turn_back(detections(net, _lay(seen, *turn), tile, overlap, amp), *turn)
        if seen is not image:  # boxes as they lie in the picture, and masks pasted there
            larger = np.divide(image.shape[1::-1], seen.shape[1::-1], dtype=np.float32)
            found = found._replace(boxes=found.boxes * np.tile(larger, 2), shape=image.shape[:2])
        views.append(found)
    found = views[0] if turns == 1 else merge_views(views)
    labels, sure = merge_labels(found, min_score, threshold, min_size)
    return (labels, sure) if scores else labels


def super_resolve(net: nn.Module, image: np.ndarray, *, tile: int = 1024,
                  overlap: int | None = None, amp: str | bool = "auto") -> np.ndarray:
    """The sharper image that a network makes of a degraded one (lesson 04_super_resolution).

    Parameters
    ----------
    net, image, tile, overlap, amp
        As in :func:`predict`; the head is "image", or "double", whose mask is then left out.

    Returns
    -------
    ndarray, float32, shape of ``image``
        Range [0, 1].
    """
    for one in networks(net):
        expect_head(one, ["image", "double"], "use cellkit.predict(net, image) for masks, or set "
                    "net.head = 'image' where it makes images")
    made = predict(net, image, all=True, tile=tile, overlap=overlap, amp=amp)["image"]
    return made[..., None] if np.shape(image) == (*made.shape, 1) else made


def _resized(net, image, scale, cell_size):
    """What the network is shown."""
    return resized(image, factor(net, lambda: proposal(net, image).scale, scale, cell_size))


def _turns(turns):
    one_of("turns", turns, (1, 2, 4, 8))
    return TURNS[:turns]


def _lay(array, quarters, flip):
    array = np.rot90(array, quarters)
    return np.ascontiguousarray(array[:, ::-1] if flip else array)


def _lay_back(array, quarters, flip):
    return np.ascontiguousarray(np.rot90(array[:, ::-1] if flip else array, -quarters))


def _turn_back(found: Detections, quarters, flip) -> Detections:
    """Detections of an image laid by :func:`_lay`, as those of the image itself."""
    (left, top, right, bottom), masks = found.boxes.T, found.masks
    height, width = found.shape
    if flip:
        left, right, masks = width - right, width - left, masks[:, :, ::-1]
    for _ in range(quarters):  # clockwise each
        left, top, right, bottom = height - bottom, left, height - top, right
        height, width = width, height
    return Detections(np.stack([left, top, right, bottom], 1), found.scores,
                      np.rot90(masks, -quarters, (1, 2)), (height, width))
