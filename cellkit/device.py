"""Where a network runs, and with which numbers."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext

import torch
from torch import nn


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """The named device, or with "auto" the fastest there is: cuda, then mps, then cpu."""
    if device != "auto":
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            raise ValueError(
                f"device {str(device)!r} cannot be used here; expected auto, cpu, or an "
                "accelerator that torch finds."
            ) from error
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def autocast_dtype(device: torch.device, amp: str | bool = "auto") -> torch.dtype | None:
    """The 16-bit float worth computing with on a device, or None for float32 throughout.

    bfloat16 on GPUs since Ampere and on CPUs with AVX512-BF16 or AMX, float16 on older GPUs;
    elsewhere 16 bits are emulated and slower.  ``amp=False`` or the environment variable
    ``CELLKIT_AMP=off`` keeps float32.
    """
    if amp not in ("auto", True, False):
        raise ValueError(f"amp is {amp!r}, expected 'auto', True or False.")
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


@contextmanager
def evaluating(net: nn.Module):
    """Evaluation mode without gradients; afterwards every layer is in the mode it was in."""
    modes = {module: module.training for module in net.modules()}
    net.eval()
    try:
        with torch.inference_mode():
            yield net
    finally:
        for module, mode in modes.items():
            module.training = mode
