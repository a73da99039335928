"""Going on where a training ended: what is stored of it, and whether the arguments are the same."""

from __future__ import annotations

import functools
import warnings
import zlib
from types import CodeType

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
            raise ValueError(
                f"{path} was begun with {name}={history.settings.get(name)}, now it is {value}; "
                "resume with the same arguments and samples, or use resume=False."
            )
    fill(unwrapped(net), state["now"], path)
    for name, mover in movers.items():
        if mover is not None:
            mover.load_state_dict(state["movers"][name])
    if history.ended != "no progress":
        history.ended = ""
    history.settings["epochs"] = fresh.settings["epochs"]
    device = device_of(net)
    return history, {key: value.to(device) for key, value in state["best"].items()}


def name_of(setting):
    """Something that tells settings apart, in this run and in the one that resumes it.

    cellkit's own functions go by their name, others by their name and code, partial ones and
    objects by what they hold.
    """
    if isinstance(setting, functools.partial):
        held = [*map(name_of, setting.args),
                *(f"{key}={name_of(value)}" for key, value in setting.keywords.items())]
        return f"{name_of(setting.func)}({', '.join(map(str, held))})"
    code = getattr(setting, "__code__", None)
    if isinstance(code, CodeType):
        name = setting.__qualname__
        if setting.__module__.partition(".")[0] == "cellkit" and "<" not in name:
            return name
        held = [_words(code), setting.__defaults__, setting.__kwdefaults__,
                *(_content(cell) for cell in setting.__closure__ or ())]
        return f"{name} #{zlib.crc32(repr(held).encode()):08x}"
    if callable(setting):
        held = getattr(setting, "__dict__", {})
        text = getattr(setting, "__qualname__", None) or type(setting).__name__
        inside = ", ".join(f"{key}={name_of(value)}" for key, value in sorted(held.items()))
        return f"{text}({inside})" if held and not isinstance(setting, type) else text
    if isinstance(setting, (list, tuple)):
        return f"[{', '.join(str(name_of(one)) for one in setting)}]"
    return setting


def _words(code: CodeType) -> tuple:
    """A function's code without the places that move when a line above it does."""
    inner = [_words(one) if isinstance(one, CodeType) else one for one in code.co_consts]
    return code.co_code, code.co_names, inner


def _content(cell):
    """What a closure holds, if it is a setting: a list or an object may change on the way."""
    try:
        held = cell.cell_contents
    except ValueError:  # not filled yet
        return None
    plain = isinstance(held, (int, float, str, bytes, tuple, functools.partial, type(None)))
    return name_of(held) if plain or hasattr(held, "__code__") else type(held).__name__
