"""Going on where a training ended: what is stored of it, and whether the arguments are the same."""

from __future__ import annotations

import functools
import re
import warnings
import zlib
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from types import CodeType

import numpy as np
import torch
from torch import Tensor, nn

from cellkit.device import device_of, unwrapped
from cellkit.networks import fill
from cellkit.train import checkpoints
from cellkit.train.history import History


def keep(path, net, best, movers: dict, history: History) -> None:
    """Write a checkpoint; where that fails, say so once and let the training go on."""
    net = unwrapped(net)
    try:
        checkpoints.save(path, {
            "network": type(net).__name__, "config": getattr(net, "config", None),
            "now": net.state_dict(), "best": best, "history": history.to_dict(),
            "movers": {name: m.state_dict() for name, m in movers.items() if m is not None},
        })
    except OSError as error:
        warnings.warn(f"the training goes on without a new checkpoint: {error.strerror or error}",
                      stacklevel=3)


def resume(path, state: dict, net, movers: dict, fresh: History) -> tuple[History, dict]:
    """Put a stored state into network and movers; history and best weights so far."""
    history = History(**state["history"])
    loose = () if movers["schedule"] is not None else ("epochs",)
    for name, value in fresh.settings.items():
        if history.settings.get(name) != value and name not in loose:
            raise ValueError(_differs(path, name, history.settings.get(name), value))
    fill(unwrapped(net), state["now"], path)
    for name, mover in movers.items():
        if mover is not None:
            mover.load_state_dict(state["movers"][name])
    if history.ended != "no progress":
        history.ended = ""
    history.settings["epochs"] = fresh.settings["epochs"]
    device = device_of(net)
    return history, {key: value.to(device) for key, value in state["best"].items()}


def _differs(path, name: str, before, now) -> str:
    advice = "resume with the same arguments and samples, or use resume=False."
    bare = [re.sub(" ?#[0-9a-f]{8}", "", str(each)) for each in (before, now)]
    if bare[0] != bare[1]:
        return f"{path} was begun with {name}={before}, now it is {now}; {advice}"
    return (f"{path} was begun with another {name}: {bare[0]} has the same name, but its code or "
            f"a value that it holds is not what it was (or the run was begun with another version "
            f"of cellkit); {advice}")


def name_of(setting):
    """Something that tells settings apart, in this run and in the one that resumes it.

    It stands in checkpoints and cards, so it holds no place in memory.  cellkit's own functions
    go by their name, others by their name and code, partial ones and objects by what they hold.
    """
    plain = isinstance(setting, (bool, int, float, str, type(None)))
    return setting if plain else _told(setting, 6)


def _told(value, depth: int) -> str:
    if isinstance(value, _PLAIN):
        return str(value)
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return f"array {value.shape} {value.dtype} {_sum(value.tobytes())}"
    if not depth:  # what holds itself ends somewhere, too
        return type(value).__name__
    inside = functools.partial(_told, depth=depth - 1)
    if isinstance(value, Mapping):
        return f"{{{_listed(value, inside)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(inside, value))}]"
    if isinstance(value, (set, frozenset)):  # in an order that the next session has, too
        return f"{{{', '.join(sorted(map(inside, value)))}}}"
    if isinstance(value, functools.partial):
        held = ", ".join([*map(inside, value.args), _listed(value.keywords, inside)])
        return f"{inside(value.func)}({held.strip(', ')})"
    if isinstance(getattr(value, "__code__", None), CodeType):
        return _function(value, inside)
    if isinstance(name := getattr(value, "__qualname__", None), str):  # a class, built-in
        return name
    held = getattr(value, "__dict__", {})
    if isinstance(value, nn.Module):  # without torch's own
        held = {k: v for k, v in held.items() if k[0] != "_"} | dict(value.named_children())
    name = type(value).__name__
    return f"{name}({_listed(dict(sorted(held.items())), inside)})" if held else name


_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, PurePath, Enum,
          torch.dtype, torch.device)


def _listed(held: Mapping, inside) -> str:
    return ", ".join(f"{key}={inside(value)}" for key, value in held.items())


def _function(value, inside) -> str:
    name, own = value.__qualname__, getattr(value, "__self__", None)
    if own is None and value.__module__.partition(".")[0] == "cellkit" and "<" not in name:
        return name
    if own is not None:
        name = f"{inside(own)}.{value.__name__}"
    held = [_words(value.__code__), inside(value.__defaults__), inside(value.__kwdefaults__),
            *(_content(cell, inside) for cell in value.__closure__ or ())]
    return f"{name} {_sum(repr(held).encode())}"


def _sum(data: bytes) -> str:
    return f"#{zlib.crc32(data):08x}"


def _words(code: CodeType) -> tuple:
    """A function's code without the places that move when a line above it does."""
    inner = [_words(one) if isinstance(one, CodeType) else
             sorted(map(repr, one)) if isinstance(one, frozenset) else one
             for one in code.co_consts]
    return code.co_code, code.co_names, inner


def _content(cell, inside):
    """What a closure holds, if it is a setting: a list or an object may change on the way."""
    try:
        held = cell.cell_contents
    except ValueError:  # not filled yet
        return None
    plain = isinstance(held, (int, float, str, bytes, tuple, functools.partial, type(None)))
    return inside(held) if plain or hasattr(held, "__code__") else type(held).__name__
