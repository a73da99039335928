"""Where a network runs, and with which numbers."""

from __future__ import annotations

import os
import threading
import warnings
from contextlib import contextmanager, nullcontext

import torch
from torch import nn

from cellkit.checks import one_of


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """The named device; with "auto" the environment's ``CELLKIT_DEVICE``, or the fastest there is.

    cuda, then mps, then cpu; an accelerator that is there but cannot compute is told of and passed
    over.
    """
    if device == "auto":
        device = os.environ.get("CELLKIT_DEVICE") or "auto"
    if device != "auto":
        if error := _cannot_compute(device):
            raise ValueError(
                f"device {str(device)!r} cannot be used here ({error}); expected auto, cpu, or an "
                "accelerator that torch finds."
            )
        return torch.device(device)
    for name, there in (("cuda", torch.cuda), ("mps", torch.backends.mps)):
        if there.is_available():
            if not (error := _cannot_compute(name)):
                return torch.device(name)
            warnings.warn(f"there is a device {name!r}, but it cannot compute ({error}); going on "
                          "with the CPU.", stacklevel=2)
    return torch.device("cpu")


def _cannot_compute(device) -> str:
    """Why one small convolution fails on a device, "" if it does not."""
    try:
        torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3, device=device),
                                   torch.ones(1, 1, 3, 3, device=device)).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        return str(error).partition("\n")[0]
    return ""


def autocast_dtype(device: torch.device, amp: str | bool = "auto") -> torch.dtype | None:
    """The 16-bit float worth computing with on a device, or None for float32 throughout.

    bfloat16 on GPUs since Ampere and on CPUs with AVX512-BF16 or AMX, float16 on older GPUs;
    elsewhere 16 bits are emulated and slower.  ``amp=False`` or the environment variable
    ``CELLKIT_AMP=off`` keeps float32.
    """
    one_of("amp", amp, ("auto", True, False))
    if amp is False or os.environ.get("CELLKIT_AMP", "").lower() == "off":
        return None
    if device.type == "cuda":
        modern = torch.cuda.get_device_capability(device) >= (8, 0)
        return torch.bfloat16 if modern else torch.float16
    if device.type == "cpu" and _bf16_in_hardware():
        return torch.bfloat16
    return None


def _bf16_in_hardware() -> bool:
    # Older torch has no get_capabilities but these two, private since; neither: be careful.
    if hasattr(torch.cpu, "get_capabilities"):
        has = torch.cpu.get_capabilities()
        return bool(has.get("avx512_bf16") or has.get("amx_bf16"))
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in asked)


def autocast(device: torch.device, dtype: torch.dtype | None):
    """A context in which convolutions compute in ``dtype``; None changes nothing."""
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)


def device_of(net: nn.Module) -> torch.device:
    """Where a network's weights lie."""
    return next((p.device for p in net.parameters()), torch.device("cpu"))


def unwrapped(net: nn.Module) -> nn.Module:
    """The network inside ``torch.nn.DataParallel``, its distributed kin or ``torch.compile``."""
    while True:
        if isinstance(net, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            net = net.module
        elif hasattr(net, "_orig_mod"):  # torch.compile's
            net = net._orig_mod
        else:
            return net


_evaluated: dict[int, tuple[int, dict]] = {}  # id of a network -> how many ask it, its modes
_lock = threading.Lock()


@contextmanager
def evaluating(net: nn.Module):
    """Evaluation mode without gradients; afterwards every layer is in the mode it was in.

    Of several threads with the same network the last one puts the modes back.
    """
    with _lock:
        asking, modes = _evaluated.get(id(net)) or (
            0, {module: module.training for module in net.modules()})
        _evaluated[id(net)] = asking + 1, modes
        net.eval()
    try:
        with torch.inference_mode():
            yield net
    finally:
        with _lock:
            asking, modes = _evaluated.pop(id(net))
            if asking > 1:
                _evaluated[id(net)] = asking - 1, modes
            else:
                for module, mode in modes.items():
                    module.training = mode
