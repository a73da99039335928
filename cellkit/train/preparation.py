"""Before the loop: what was asked for is checked, crops are cut, the optimiser is built."""

from __future__ import annotations

import math
import os
import pickle
import sys
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR, StepLR
from torch.utils.data import DataLoader

from cellkit.checks import function, number, one_of, whole_number
from cellkit.crops import Crops
from cellkit.device import unwrapped
from cellkit.heads import Head, config_of
from cellkit.samples import Samples, few
from cellkit.scale import scaled
from cellkit.tiles import networks

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": lambda weights, lr: torch.optim.SGD(weights, lr, momentum=0.9),
}
SCHEDULES = {
    "step": lambda optimizer, steps, epochs: StepLR(optimizer, max(1, steps * epochs // 3), 0.1),
    "onecycle": lambda optimizer, steps, epochs: OneCycleLR(
        optimizer, [group["lr"] for group in optimizer.param_groups],
        # Of ten steps the rise would end at the first, and torch divides by its length.
        total_steps=steps * epochs, pct_start=0.2 if steps * epochs == 10 else 0.1,
        cycle_momentum=False),
}
FEW = 8  # samples whose channels are looked at beforehand, the others when they are drawn
FURTHER = 5  # batches an epoch, at least, where loaded weights are trained on a few pictures
CACHE = 2**30  # bytes of samples kept in memory, so that each is read only once


@dataclass(frozen=True, kw_only=True)
class Rare:
    """Settings of :func:`cellkit.fit` that are seldom touched; give them to it by name.

    Attributes
    ----------
    mode : str
        How crops are cut, see :class:`cellkit.Crops`.
    optimizer : "adam", "adamw", "sgd" (momentum 0.9) or callable(weights, lr)
    patience : int, optional
        Stop after so many epochs without a better one.
    monitor : "loss" or "metric", optional
        What makes a validation epoch the best; None: "metric", for images "loss".
    device : str
        "auto": cuda, mps or cpu.
    amp : "auto" or bool
        16-bit convolutions where the hardware gains by them, see
        :func:`cellkit.device.autocast_dtype`.
    checkpoint : path, optional
        A file (its folder is made) written after each epoch; ``ck.checkpoints.load(path)`` gives
        the network.
    resume : bool
        Go on where ``checkpoint`` ends (if there is that file).  On a CPU the result equals an
        unbroken run's bit for bit, for the same arguments.
    workers : int
        Processes that cut crops beside this one (Linux, Colab); they change speed alone.
    progress : bool
        Say beforehand what will be needed, and show a bar.
    """

    mode: str = "crop"
    optimizer: str | Callable = "adam"
    patience: int | None = None
    monitor: str | None = None
    device: str = "auto"
    amp: str | bool = "auto"
    checkpoint: object = None
    resume: bool = False
    workers: int = 0
    progress: bool = True

    def __post_init__(self):
        whole_number("workers", self.workers, 0)
        if self.patience is not None:
            whole_number("patience", self.patience)
        if self.monitor is not None:
            one_of("monitor", self.monitor, ("loss", "metric"))
        if self.resume and self.checkpoint is None:
            raise ValueError("resume=True without a checkpoint; give the file to go on from.")
        if self.checkpoint is not None:
            _writable(self.checkpoint)


def rare_settings(given: dict) -> Rare:
    """:class:`Rare` of what :func:`cellkit.fit` was given besides its own arguments."""
    known = Rare.__dataclass_fields__
    for name in given:
        if name not in known:
            raise TypeError(f"cellkit.fit has no argument {name!r}; rare ones are "
                            f"{', '.join(known)}, the others stand in its help.")
    return Rare(**given)


def check(net, lr, minutes, on_epoch, epochs, seed, batch_size, steps_per_epoch) -> None:
    """Refuse what no training can be made of."""
    networks([net])
    if not any(weight.requires_grad for weight in net.parameters()):
        raise ValueError(f"this {type(net).__name__} has no weights that training may move; build "
                         "one that has, or unfreeze it with net.requires_grad_().")
    whole_number("epochs", epochs)
    whole_number("seed", seed, 0)
    whole_number("batch_size", batch_size)
    if steps_per_epoch is not None:
        whole_number("steps_per_epoch", steps_per_epoch)
    number("lr", lr, "a finite number of at least 0, e.g. 1e-3", lambda v: v >= 0)
    if minutes is not None:
        number("minutes", minutes, "a number above 0, or None", lambda v: v > 0)
    function("on_epoch", on_epoch, " of the history")


def _writable(path) -> None:
    """Try a checkpoint's place before the training, not after its first epoch."""
    if not isinstance(path, (str, os.PathLike)) or Path(path).is_dir():
        raise ValueError(f"checkpoint is {str(path)!r}, expected the path of a file to "
                         "write, not of a folder; give a name such as 'run.pt'.")
    there = Path(path).resolve().parent
    while not there.exists():
        there = there.parent
    if not os.access(there, os.W_OK):
        raise ValueError(f"checkpoint is {str(path)!r}, but nothing can be written to {there}; "
                         "give a path in a folder of your own.")


def samples_for(samples, what: str, head: Head, scale: float) -> Samples:
    """Samples a network with this head can learn from, resized, in memory where they fit."""
    samples = Samples.some(samples, f"{what} samples")
    bare = [entry.name for entry in samples.entries if not entry.annotated]
    if bare and head.labelled:
        raise ValueError(
            f"{what} sample {bare[0]!r} has no ground truth (labels is None); "
            "keep only annotated samples: samples.where(lambda entry: entry.annotated)."
        )
    samples = scaled(samples, scale)
    one = samples[0]
    size = one.image.nbytes + (0 if one.labels is None else one.labels.nbytes)
    return samples.cached() if size * len(samples) <= CACHE else samples


def warn_of_leak(train: Samples, valid: Samples | None) -> None:
    shared = set() if valid is None else set(train.groups) & set(valid.groups) - {None}
    if shared:
        warnings.warn(
            f"training and validation share {', '.join(sorted(map(str, shared))[:3])}"
            f"{' ...' if len(shared) > 3 else ''}: the validation scores will flatter; "
            "divide with cellkit.split(samples, by='group').", stacklevel=4)


def cut(net, head, train, valid, crop, mode, batch_size, steps, seed, augment, degrade
        ) -> tuple[Crops, Crops | None, int, int]:
    """Crops to train on and to look at, the crop's side, and how many batches make an epoch."""
    config = config_of(net)
    how = dict(head=head.name, normalise=config.get("normalise", "standard"), degrade=degrade,
               seed=seed, channels=config.get("in_channels", np.size(train[0].image[0, 0])))
    Crops(train, crop, mode, augment=augment, **how)  # says what is wrong with these
    height, width = train[0].image.shape[:2]
    if mode == "crop" and np.ndim(crop) == 0 and min(height, width) < crop:
        largest = max(max(s.image.shape[:2]) for s in train)
        crop = max(32, min(crop, 32 * math.ceil(largest / 32)))
    if steps is None:
        area = np.prod(np.broadcast_to(crop, 2)) if mode == "crop" else height * width
        steps = max(FURTHER if isinstance(getattr(unwrapped(net), "card", None), dict) else 1,
                    math.ceil(len(train) * max(1, height * width / area) / batch_size))
    crops = Crops(train, crop, mode, augment=augment, **how,
                  repeats=math.ceil(steps * batch_size / len(train)))
    looks = None if valid is None else Crops(
        valid, *((head.largest, "whole") if mode == "crop" else (crop, mode)), **how)
    for row in (crops, looks) if looks else (crops,):
        for sample in row.samples[few(len(row.samples), FEW)]:
            row.expect(sample)
    return crops, looks, crop, steps


def movers_of(net, optimizer, lr, schedule, steps, epochs, dtype) -> dict:
    """What moves the weights: "optimizer", "schedule" (or None) and, for 16 bits, "scaler"."""
    def choose(what, which, table):
        if callable(which):
            return which
        one_of(what, which, table, "a function")
        return table[which]

    weights = [p for p in net.parameters() if p.requires_grad]
    move = choose("optimizer", optimizer, OPTIMIZERS)(weights, lr)
    if schedule is not None:
        schedule = choose("schedule", schedule, SCHEDULES)(move, steps, epochs)
    return {"optimizer": move, "schedule": schedule,
            "scaler": torch.amp.GradScaler(enabled=dtype is torch.float16)}


def batches(crops: Crops, steps: int, batch_size: int, workers: int, device: torch.device,
            rank: int = 0, world: int = 1):
    """Full batches: all samples in a random order, then all again in another, and so on.

    Of ``world`` processes, which share each batch, this one is number ``rank``.
    """
    rng = np.random.default_rng([crops.seed, crops.epoch])
    n = len(crops.samples)
    order = np.concatenate([rng.permutation(n) + n * k for k in range(crops.repeats)])
    order = order[:steps * batch_size][rank::world]
    loader = DataLoader(crops, batch_size // world, sampler=order.tolist(),
                        num_workers=workers, pin_memory=device.type == "cuda",
                        generator=torch.Generator())
    for image, target in loader:
        yield image.to(device, non_blocking=True), target.to(device, non_blocking=True)


def ready_for_workers(crops: Crops) -> None:
    """Read what is kept in memory here, once: a worker's own reading dies with it each epoch.

    Raises
    ------
    ValueError
        Where workers are started afresh (macOS, Windows) and cannot be sent the crops.
    """
    if torch.multiprocessing.get_start_method() != "fork":
        try:
            sent = pickle.dumps(crops)
            # A worker imports a script again, but has nothing of a notebook's cells.
            if b"__main__" in sent and not hasattr(sys.modules["__main__"], "__file__"):
                raise pickle.PicklingError("a function or class of the notebook is among them")
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ValueError(
                f"worker processes cannot be sent these settings ({error}); use workers=0, or "
                "put your own functions into a module (.py) and import them."
            ) from error
    for entry in crops.samples.entries:
        if getattr(entry.read, "keeps", False):
            entry.read()


def seed_of(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


@contextmanager
def isolated(device: torch.device):
    """Seeding inside changes nothing outside; where it costs speed, sameness wins."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True):
        yield


def finite(what: str, value: float, epoch: int, lr: float) -> None:
    if not math.isfinite(value):
        raise ValueError(
            f"the {what} became {value} in epoch {epoch + 1}; check the images for NaN, or lower "
            f"the learning rate (lr={lr:g})."
        )


def all_weights(net: nn.Module) -> float:
    """A number that is finite if all weights are."""
    return sum(weight.detach().sum().item() for weight in net.parameters())
