"""What a training will need: seconds and memory, told beforehand, and what to do if they lack."""

from __future__ import annotations

import copy
import math
import os
import time
from pathlib import Path

import numpy as np
import torch

from cellkit.device import unwrapped

#: Where Linux keeps the memory limit of a container: cgroup 2, cgroup 1.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Trial:
    """A step that is timed and weighed, and leaves the network as it was.

    Parameters
    ----------
    net : Module
    crops : Crops
    forward : callable(net, image, target) -> (output, loss)
    device : torch.device
    """

    def __init__(self, net, crops, forward, device):
        self.net, self.crops, self.forward, self.device = net, crops, forward, device

    def step(self, batch_size: int) -> tuple[float, int]:
        """Seconds for one step, and the bytes of what its backward pass has to remember."""
        inner = unwrapped(self.net)
        kept, begin = {}, copy.deepcopy(inner.state_dict())

        def weigh(tensor):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        try:
            items = [self.crops[i % len(self.crops)] for i in range(batch_size)]
            image, target = (torch.stack(part).to(self.device) for part in zip(*items, strict=True))
            self.net.train()
            self._wait()
            started = time.perf_counter()
            with torch.autograd.graph.saved_tensors_hooks(weigh, lambda tensor: tensor):
                _, value = self.forward(self.net, image, target)
            value.backward()
            self._wait()
            return time.perf_counter() - started, sum(kept.values())
        finally:
            self.net.zero_grad(set_to_none=True)
            inner.load_state_dict(begin)

    def forecast(self, epochs: int, steps: int, batch_size: int, looks, minutes: float | None,
                 dtype, say: bool) -> int:
        """Say what will be needed; how many epochs fit into the minutes."""
        weights = sum(p.numel() for p in self.net.parameters())
        try:
            few = min(2, batch_size)  # on one alone a batch norm behind a pooling cannot train
            small = self.step(few)[1] // few
            need = 16 * weights + small * batch_size  # weights, gradients, Adam's two moments
            there = memory(self.device)
            if need > there:
                raise self.advice(batch_size, (there - 16 * weights) // max(small, 1))
            self.step(batch_size)
            seconds, _ = self.step(batch_size)
        except RuntimeError as error:
            if out_of_memory(error):
                raise self.advice(batch_size) from error
            raise
        pixels = np.prod(self.crops[0][0].shape[1:]) * batch_size
        epoch = seconds * steps
        if looks is not None:  # a forward pass is a third of a step
            epoch += len(looks) * seconds / 3 * np.prod(looks[0][0].shape[1:]) / pixels
        if minutes is not None:
            epochs = int(min(epochs, max(1, 54 * minutes // epoch)))
        if say:
            number = "float32" if dtype is None else str(dtype).removeprefix("torch.")
            print(f"{weights:,} weights on {self.device.type} in {number}, about "
                  f"{need / 2**20:,.0f} MB of memory.")
            print(f"{epochs} epochs of {steps} batches of {batch_size}: about "
                  f"{duration(epochs * epoch)}.", flush=True)
        return epochs

    def advice(self, batch_size: int, fits=None) -> MemoryError:
        """The error to raise: with the largest batch that passes a trial, halving."""
        fits = batch_size // 2 if fits is None else int(fits)
        while fits >= 1:
            try:
                self.step(fits)
                return MemoryError(
                    f"a batch of {batch_size} does not fit into the memory of {self.device.type}; "
                    f"batch_size={fits} does."
                )
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                fits //= 2
        return MemoryError(
            f"not even a batch of one fits into the memory of {self.device.type}; use a smaller "
            "crop, or a network of less width."
        )

    def _wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def out_of_memory(error: Exception) -> bool:
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return any(w in str(error).lower() for w in words)


def memory(device: torch.device) -> float:
    """Bytes that a training may use at most, infinite where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type != "cpu":
        return math.inf
    there = math.inf
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for file in map(Path, LIMITS):  # a container is killed at its own limit, far below
        try:
            there = min(there, int(file.read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return there


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
