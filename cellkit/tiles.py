"""A whole picture through a network, in tiles where it is large: raw maps and detections."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from cellkit import checks
from cellkit.datasets import to_grey
from cellkit.device import autocast, autocast_dtype, device_of, evaluating, unwrapped
from cellkit.heads import config_of, head_of
from cellkit.networks.unet import pad
from cellkit.normalisation import normalisation_stats
from cellkit.postprocessing import Detections, nms


def ask(net: nn.Module, batch: Tensor) -> Tensor:
    """``net(batch)``: (N, channels, H, W), as many channels as the head has.

    A network of one's own gets sides that 32 divides; it may give a dictionary with "out", as
    torchvision's do, or (N, H, W).
    """
    if config_of(net):
        return net(batch)
    padded, window = pad(batch, 32, 32)
    output = net(padded)
    if isinstance(output, dict) and "out" in output:
        output = output["out"]
    name, head = type(unwrapped(net)).__name__, head_of(net)
    if not isinstance(output, Tensor):
        raise TypeError(f"{name} gave {type(output).__name__}, expected a tensor of logits "
                        "(N, channels, H, W); return that alone.")
    if output.ndim == 3:
        output = output[:, None]
    if output.shape[-2:] != padded.shape[-2:]:
        raise ValueError(
            f"{name} gave {tuple(output.shape[-2:])} for an image {tuple(padded.shape[-2:])}, "
            "expected an output as large as the input; pad its convolutions (padding=1 for 3x3)."
        )
    if head.channels not in (None, output.shape[1]):
        raise ValueError(
            f"{name} gave {output.shape[1]} channels, but the head {head.name!r} has "
            f"{head.channels}; change its last layer, or set net.head = 'two_class' or another "
            "head of so many channels."
        )
    return output[window]


def networks(net) -> list[nn.Module]:
    """One network, or several, as a list; anything else is named."""
    nets = list(net) if isinstance(net, (list, tuple)) else [net]
    for one in nets or [nets]:
        if not isinstance(one, nn.Module):
            found = one if isinstance(one, (str, type)) else type(one).__name__
            raise TypeError(
                f"net is {found!r}, expected a network; build one, e.g. cellkit.UNet(), or load "
                "one by its name with cellkit.load_weights."
            )
    return nets


def _batch(net, image) -> tuple[Tensor, float, float]:
    """An image that was checked as a batch of one, and what was subtracted and divided by."""
    config = config_of(net)
    mean, std = normalisation_stats(image, config.get("normalise", "standard"))
    batch = torch.from_numpy((image - mean) / std)
    batch = batch[None, None] if image.ndim == 2 else batch.permute(2, 0, 1)[None]
    channels = config.get("in_channels", batch.shape[1])
    if batch.shape[1] != channels:
        raise ValueError(
            f"the image has {batch.shape[1]} channel(s), the network takes {channels}; "
            + ("convert it to grey, e.g. with skimage.color.rgb2gray." if channels == 1 else
               f"repeat the grey values, e.g. np.stack([image] * {channels}, axis=2).")
        )
    return batch, mean, std


def maps_of(net: nn.Module, image: np.ndarray, tile: int = 1024, overlap: int | None = None,
            amp: str | bool = "auto") -> dict[str, np.ndarray]:
    """All that a network says about a checked image, by name."""
    head = head_of(net)
    if head.name == "objects":
        return head.maps(detections(net, image, tile, overlap, amp))
    return _run(net, head, image, tile, overlap, amp)


def _run(net, head, image, tile, overlap, amp) -> dict[str, np.ndarray]:
    overlap = _shared(tile, overlap)
    (batch, mean, std), device = _batch(net, image), device_of(net)
    inside = (slice(None), slice(None))
    if max(batch.shape[-2:]) > tile:
        # Padded before it is cut: then a tile pools the same pixels together as the whole would.
        config = config_of(net)
        unit = 2 ** config.get("segment", config).get("depth", 5)
        batch, (_, *inside) = pad(batch, unit, unit)
    dtype, shape = autocast_dtype(device, amp), batch.shape[-2:]
    found: dict[str, np.ndarray] = {}
    ends: dict[str, tuple[float, float]] = {}
    with evaluating(net), autocast(device, dtype):
        for window, weight in _tiles(shape, tile, overlap):
            part = batch[(..., *window)].to(device)
            if dtype is not None:
                part = part.contiguous(memory_format=torch.channels_last)
            for name, values in head.maps(ask(net, part)[0].float()).items():
                values = values.cpu().numpy()
                low, high = ends.get(name, (np.inf, -np.inf))
                ends[name] = min(low, values.min()), max(high, values.max())
                total = found.setdefault(
                    name, np.zeros(shape + values.shape[2:], np.float32))
                total[window] += (weight.T * values.T).T  # also where values has a colour axis
    # A mean lies within its parts; weights that sum to one but for rounding may leave them.
    found = {name: np.clip(total[tuple(inside)], *ends[name]) for name, total in found.items()}
    if "image" in found:
        found["image"] = np.clip(found["image"] * std + mean, 0, 1)
    return found


def _shared(tile, overlap) -> int:
    checks.whole_number("tile", tile, 32)
    if overlap is None:
        return min(192, tile // 2)
    checks.whole_number("overlap", overlap, 0)
    checks.number(f"overlap of tiles of {tile}", overlap, f"at most half of it, {tile // 2}",
                  lambda value: value <= tile // 2)
    return overlap


def detections(net: nn.Module, image: np.ndarray, tile: int = 1024,
               overlap: int | None = None, amp: str | bool = "auto") -> Detections:
    """What :func:`detect` merges: boxes, scores and masks, before any of them is dropped.

    Parameters
    ----------
    net, image, tile, overlap, amp
        As in :func:`detect`.  Each object is taken from a tile that sees all of it.
    """
    overlap = _shared(tile, overlap)
    (batch, _, _), device = _batch(net, checked(image)), device_of(net)
    dtype, shape = autocast_dtype(device, amp), tuple(batch.shape[-2:])
    parts = []
    with evaluating(net), autocast(device, dtype):
        for (rows, columns), _ in _tiles(shape, tile, overlap):
            part = batch[..., rows, columns].to(device)
            if dtype is not None:
                part = part.contiguous(memory_format=torch.channels_last)
            found = net(part)[0]
            found = found._replace(boxes=found.boxes + np.float32(
                [columns.start, rows.start] * 2), shape=shape)
            cut = np.zeros(len(found.boxes), bool)
            for axis, span, length in ((0, columns, shape[1]), (1, rows, shape[0])):
                low, high = found.boxes[:, axis], found.boxes[:, axis + 2]
                at_edge = ((low <= span.start + 1) & (span.start > 0)
                           | (high >= span.stop - 1) & (span.stop < length))
                cut |= at_edge & (high - low < overlap)
            parts.append(found.take(~cut))
    if len(parts) == 1:
        return parts[0]
    found = Detections(*(np.concatenate(part) for part in
                         zip(*[part[:3] for part in parts], strict=True)), shape)
    return found.take(nms(found.boxes, found.scores))


def _tiles(shape, tile, overlap) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """Windows that cover an image and weights (h, w) that sum to one at each of its pixels."""
    for rows, down in _spans(shape[0], tile, overlap):
        for columns, across in _spans(shape[1], tile, overlap):
            yield (rows, columns), down[:, None] * across


def _spans(length, tile, overlap) -> list[tuple[slice, np.ndarray]]:
    if length <= tile:
        return [(slice(0, length), np.ones(length, np.float32))]
    step = max(32, (tile - overlap) // 32 * 32)  # so that all tiles pool the same pixels together
    spans = [slice(start, min(start + tile, length))
             for start in range(0, length - tile + step, step)]
    # So near its ends a tile sees too little, and leaves it to the next one.
    blind = 3 * max(0, min(overlap, tile - step)) // 8
    ramps = []
    for span in spans:
        # The distance to the tile's own ends; the picture's ends are no seams.
        up = np.arange(1, span.stop - span.start + 1, dtype=np.float32)
        up = np.minimum(up if span.start else np.inf, up[::-1] if span.stop < length else np.inf)
        ramps.append(np.clip(up - blind, 0, max(overlap - 2 * blind, 1)))
    total = np.zeros(length, np.float32)
    for span, ramp in zip(spans, ramps, strict=True):
        total[span] += ramp
    return [(span, ramp / total[span]) for span, ramp in zip(spans, ramps, strict=True)]


def checked(image) -> np.ndarray:
    """An image as networks take it, float32, of any number of channels."""
    image = checks.image("the image", image, np.inf).astype(np.float32, copy=False)
    _warn_of_margin(image)
    return image


def channels_of(net: nn.Module) -> int | None:
    """How many channels one of cellkit's networks takes; None for any other."""
    config = config_of(net)
    return config.get("segment", config).get("in_channels")


def as_taken(net: nn.Module, image: np.ndarray) -> np.ndarray:
    """Grey for a network that takes grey, three times the grey for one that takes colour."""
    wanted = channels_of(net)
    if wanted == 1:
        return to_grey(image)
    return np.repeat(image[..., None], 3, 2) if wanted == 3 and image.ndim == 2 else image


def _warn_of_margin(image: np.ndarray) -> None:
    """Networks know brightness relative to the whole picture, an empty margin included."""
    if (all((edge > 0).any() for edge in (image[0], image[-1], image[:, 0], image[:, -1]))
            or not (image > 0).any()):
        return  # nearly always by the first, without a look at each pixel
    lit = image.max(axis=2) > 0 if image.ndim == 3 else image > 0
    rows, columns = (np.flatnonzero(lit.any(axis)) for axis in (1, 0))
    inside = (rows[-1] + 1 - rows[0]) * (columns[-1] + 1 - columns[0]) / lit.size
    if inside < 0.9:
        warnings.warn(
            f"{1 - inside:.0%} of the image is an empty margin (rows and columns of 0), which "
            "shifts the brightness that the network sees; cut it off first: "
            f"image[{rows[0]}:{rows[-1] + 1}, {columns[0]}:{columns[-1] + 1}].", stacklevel=4)
