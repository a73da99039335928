"""Ways from a degraded image to a mask (lesson 05_double_unet), made quick."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from cellkit import checks


class Strategy(NamedTuple):
    """A way from a degraded image to a mask.

    ``run(image, M) -> (shown, map)``: what was made of the image on the way (a super-resolved
    image, or None) and the foreground map, (H, W) in [0, 1].  ``only``: the one M it is made for;
    None serves every M.  ``first()`` gives the network that meets the image; where it knows one
    channel, a picture with colours is shown to it in grey.
    """

    run: Callable
    only: float | None = None
    first: Callable | None = None

    def sees_grey(self) -> bool:
        """Whether the image comes to a network of one channel."""
        from cellkit.tiles import channels_of

        return self.first is not None and channels_of(self.first()) == 1


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
    mask, front = ready(net), sharpen and ready(sharpen)

    def run(image, M):
        from cellkit.inference import predict, super_resolve

        if front:
            shown = super_resolve(front(), image)
            return shown, predict(mask(), shown)
        if getattr(mask(), "head", None) == "double":
            found = predict(mask(), image, all=True)
            return found["image"], found["foreground"]
        return None, predict(mask(), image)

    return Strategy(run, only, front or mask)


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


def ready(net) -> Callable:
    """Gives the network, quick; named weights are loaded when first asked for."""
    if isinstance(net, (str, os.PathLike)):
        return lambda: loaded(net)
    if not hasattr(net, "state_dict"):
        raise TypeError(
            f"the network is {type(net).__name__}, expected a Module, or the name or path of "
            "weights such as 'livecell'."
        )
    quick = fast(net)
    return lambda: quick


@lru_cache(maxsize=8)
def loaded(name):
    from cellkit.weights import load_weights

    return fast(load_weights(name))


def as_strategy(way) -> Strategy:
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


def checked(result, name, shape):
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f'the strategy "{name}" returned {type(result).__name__}, expected a pair: what it '
            "made of the image (or None), and the foreground map."
        )
    shown, prob = result
    what = f'the map that the strategy "{name}" returned'
    prob = checks.probability(what, prob)
    checks.same_shape(what, prob.shape, "the image", shape, "take what cellkit.predict gives")
    return shown, prob
