"""Training: one readable loop (lesson 02_unet_from_scratch builds it)."""

from __future__ import annotations

import copy
import math
import os
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from numbers import Real
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR, StepLR
from torch.utils.data import DataLoader
from tqdm import tqdm

from cellkit import augment as augmentation
from cellkit import losses
from cellkit.checks import whole_number
from cellkit.crops import Crops
from cellkit.device import autocast, autocast_dtype, device_of, evaluating, pick_device
from cellkit.inference import ask, maps, networks
from cellkit.metrics import dice
from cellkit.networks import fill
from cellkit.postprocessing import merge_foreground
from cellkit.samples import Samples, split
from cellkit.train import checkpoints

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
WHOLE = 1024  # validation pictures are cut to this side, in pixels, so that memory stays bounded
FEW = 8  # samples whose channels are looked at beforehand, the others when they are drawn
CACHE = 2**30  # bytes of samples kept in memory, so that each is read only once


@dataclass
class History:
    """What happened, one value an epoch.

    Attributes
    ----------
    train_loss, valid_loss : list of float
        Training: mean over the epoch's crops, while the weights move.  Validation: mean over
        whole images; empty without validation samples.
    train_metric, valid_metric : list of float
        "dice": of foreground > 0.5, mean over images (crops while training; Mask R-CNN is not
        asked then, so its train_metric is NaN).  Head "image": "psnr" in dB, relative to the
        range of each image's own grey values.
    metric : str
        "dice" or "psnr".
    lr, seconds : list of float
        The learning rate of the epoch's last batch; how long it took, validation included.
    best_epoch : int
        Counted from 1; its weights are the ones the network has now.  0: none was finished.
    ended : str
        "finished", "no progress" (patience), "out of time" or "interrupted".
    settings : dict
        What :func:`fit` was asked for.
    """

    metric: str = "dice"
    train_loss: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    train_metric: list[float] = field(default_factory=list)
    valid_metric: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int = 0
    ended: str = ""
    settings: dict = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.train_loss)

    def to_dict(self) -> dict:
        return asdict(self)

    def __repr__(self) -> str:
        if not self.best_epoch:
            return f"<History: {self.ended or 'started'} before an epoch was over>"
        i, seen = self.best_epoch - 1, "valid" if self.valid_loss else "train"
        loss, metric = getattr(self, f"{seen}_loss")[i], getattr(self, f"{seen}_metric")[i]
        metric = "" if math.isnan(metric) else f", {self.metric} {metric:.4f}"
        return (f"<History: {len(self)} epochs in {sum(self.seconds) / 60:.1f} min, {self.ended}; "
                f"kept epoch {self.best_epoch}: {seen} loss {loss:.4f}{metric}>")


def fit(net: nn.Module, train, valid=None, epochs: int = 20, seed: int = 0, *,
        batch_size: int = 8, crop=256, mode: str = "crop", lr: float = 1e-3,
        optimizer: str | Callable = "adam", loss: str | Callable | None = None,
        augment: Callable | None = augmentation.default, degrade: Callable | None = None,
        schedule: str | Callable | None = None, patience: int | None = None,
        monitor: str | None = None, steps_per_epoch: int | None = None,
        minutes: float | None = None, device: str = "auto", amp: str | bool = "auto",
        checkpoint=None, resume: bool = False, workers: int = 0, progress: bool = True,
        on_epoch: Callable[[History], None] | None = None) -> History:
    """Train a network; it ends with the weights of its best epoch, in evaluation mode.

    Parameters
    ----------
    net : Module
        A :class:`cellkit.UNet`, or any network from (N, C, H, W) to one foreground logit; targets
        and loss follow ``net.head`` if it has one.  It stays on the device it was trained on.
    train, valid : sequence of Sample
        Without ``valid`` the last epoch is kept.
    epochs, steps_per_epoch : int
        An epoch is so many batches; None: as many as show each training pixel once, on average.
    seed : int
        Decides crops, augmentation and dropout.  Same seed, same machine: same result.  The
        caller's random state is left alone.
    batch_size, crop, mode, augment, degrade
        See :class:`cellkit.crops.Crops`.  Smaller images bring ``crop`` down to the largest of
        them, at least 32.  Unless told otherwise crops are flipped, turned by quarters and lit
        differently, see :func:`cellkit.augment.default`.
    lr : float
        Learning rate (with a schedule: the highest).
    optimizer : "adam", "adamw", "sgd" (momentum 0.9) or callable(weights, lr)
    loss : str or callable(output, target), optional
        See :data:`cellkit.losses.FITTING`; None: the head's own.
    schedule : "step", "onecycle" or callable(optimizer, steps_per_epoch, epochs), optional
        How the learning rate moves; a callable returns a torch scheduler, stepped each batch.
        "step": a tenth after each third.  "onecycle": up for 10 %, then down to nothing.
    patience : int, optional
        Stop after so many epochs without a better one.
    monitor : "loss" or "metric", optional
        What makes a validation epoch the best; None: "metric", for images "loss".
    minutes : float, optional
        A bound: the first, timed step tells how many epochs fit into 90 % of it, and no more
        than these are run (schedules are fitted to them, and keep them when resumed); an epoch
        that would end more than 10 % late is left out.
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
    on_epoch : callable(history), optional
        Called after each epoch.

    Returns
    -------
    History
        Also after Ctrl-C, which keeps the best finished epoch (in the first: what was reached).

    Raises
    ------
    MemoryError
        Where the memory does not suffice; the message has a batch size that fits.
    """
    began = time.monotonic()
    _check(net, lr, minutes, on_epoch, checkpoint, resume, epochs=epochs, batch_size=batch_size,
           steps_per_epoch=steps_per_epoch, patience=patience, workers=workers)
    head = getattr(net, "head", "foreground")
    monitor = monitor or ("loss" if head == "image" else "metric")
    if monitor not in ("loss", "metric"):
        raise ValueError(f"monitor is {monitor!r}, expected 'loss' or 'metric'.")
    loss_of = losses.named(loss, head)
    train = _cached(train, "training", head)
    valid = None if valid is None else _cached(valid, "validation", head)
    _no_leak(train, valid)
    config = getattr(net, "config", {})
    cut = dict(head=head, normalise=config.get("normalise", "standard"), degrade=degrade, seed=seed,
               channels=config.get("in_channels", np.size(train[0].image[0, 0])))
    Crops(train, crop, mode, augment=augment, **cut)  # says what is wrong with these
    crop, steps = _plan(train, crop, mode, batch_size, steps_per_epoch)
    crops = Crops(train, crop, mode, augment=augment, **cut,
                  repeats=math.ceil(steps * batch_size / len(train)))
    looks = None if valid is None else Crops(
        valid, *((WHOLE // 2 if head == "objects" else WHOLE, "whole") if mode == "crop"
                 else (crop, mode)), **cut)  # anchors times objects fill memory sooner
    for row in (crops, looks) if looks else (crops,):
        for i in np.unique(np.linspace(0, len(row.samples) - 1, FEW).astype(int)):
            row.expect(row.samples[i])
    device = pick_device(device)
    dtype = autocast_dtype(device, amp)
    state = None
    if resume and Path(checkpoint).exists():
        state = checkpoints.read(checkpoint)
        checkpoints.expect(state, checkpoint, "history", "now", "movers")
    net.to(device)
    if dtype is not None:
        net.to(memory_format=torch.channels_last)

    with _isolated(device):
        trial = _Trial(net, crops, loss_of, device, dtype)
        if progress or minutes:
            if fitted := state is not None and schedule is not None and minutes:
                # The clock never says the same twice, and the schedule has begun with what it said.
                epochs = min(epochs, state["history"]["settings"]["epochs"])
            epochs = trial.forecast(epochs, steps, batch_size, looks,
                                    None if fitted else minutes, progress)
        history = History("psnr" if head == "image" else "dice", settings=dict(
            epochs=epochs, seed=seed, batch_size=batch_size, crop=crop, mode=mode, lr=lr,
            optimizer=_name(optimizer), loss=_name(loss), augment=_name(augment),
            degrade=_name(degrade), schedule=_name(schedule), monitor=monitor, steps=steps,
            amp=str(dtype), train=train.names))
        move, schedule, scaler = _movers(net, optimizer, lr, schedule, steps, epochs, dtype)
        movers = {"optimizer": move, "schedule": schedule, "scaler": scaler}
        best = None
        if state is not None:
            history, best = _resume(checkpoint, state, net, movers, history)
        bar = tqdm(total=epochs * steps, initial=len(history) * steps, unit="step",
                   disable=not progress, file=sys.stdout, mininterval=0.5, leave=True)
        try:
            for epoch in range(len(history), epochs):
                started = time.monotonic()
                if history.ended == "no progress":
                    break
                torch.manual_seed(_number(seed, epoch))
                crops.epoch = epoch
                net.train()
                seen = []
                for image, target in _batches(crops, steps, batch_size, workers, device):
                    output, value = _forward(net, image, target, loss_of, device, dtype)
                    _finite("loss", value.item(), epoch, lr)
                    move.zero_grad(set_to_none=True)
                    scaler.scale(value).backward()
                    scaler.step(move)
                    scaler.update()
                    rate = move.param_groups[0]["lr"]
                    if schedule is not None:
                        schedule.step()
                    seen.append((value.item(), _metric(output, target, head)))
                    bar.set_postfix_str(_says(epoch, epochs, history, seen), refresh=False)
                    bar.update()
                for weight in net.parameters():
                    _finite("weights", weight.detach().sum().item(), epoch, lr)
                validated = _validate(net, looks, loss_of, device, dtype)
                _finite("validation loss", sum(loss for loss, _ in validated), epoch, lr)
                _record(history, seen, validated, rate)
                history.seconds.append(time.monotonic() - started)
                if _is_best(history, monitor):
                    history.best_epoch = epoch + 1
                    best = {key: value.clone() for key, value in net.state_dict().items()}
                if patience and epoch + 1 - history.best_epoch >= patience:
                    history.ended = "no progress"
                if checkpoint is not None:
                    checkpoints.save(checkpoint, _state(net, best, movers, history))
                bar.set_postfix_str(_says(epoch, epochs, history, seen))
                if on_epoch is not None:
                    on_epoch(history)
                if (minutes and epoch + 1 < epochs
                        and time.monotonic() - began + history.seconds[-1] > 66 * minutes):
                    history.ended = "out of time"
                    break
            history.ended = history.ended or "finished"
        except KeyboardInterrupt:
            history.ended = "interrupted"
        except RuntimeError as error:
            if _out_of_memory(error):
                raise trial.advice(batch_size) from error
            raise
        finally:
            bar.close()
            if best is not None:
                net.load_state_dict(best)
            net.to(memory_format=torch.contiguous_format).eval()
    if progress:
        print(repr(history).strip("<>"))
    return history


def refit(net: nn.Module, samples, epochs: int = 20, seed: int = 0, *, fraction: float = 0.9,
          by: str = "group", **settings) -> tuple[History, History]:
    """The best number of epochs at 90/10, then so many on all samples (paper 2, section 2.2).

    Parameters
    ----------
    net : Module
        Begins both trainings with the weights it has now, and ends with the second's.
    samples : sequence of Sample
    epochs : int
        As many are tried.
    fraction, by
        See :func:`cellkit.split`.
    settings
        For :func:`fit`; ``monitor`` is "loss" unless given.  The second training writes to
        ``checkpoint``, the first beside it ("run.pt": "run-first.pt"), so both can be resumed.

    Returns
    -------
    first, second : History
    """
    begin = copy.deepcopy(net.state_dict())
    part, rest = split(samples, fraction, seed, by)
    trying = {"monitor": "loss", **settings}
    if settings.get("checkpoint") is not None:
        file = Path(settings["checkpoint"])
        trying["checkpoint"] = file.with_name(f"{file.stem}-first{file.suffix}")
    first = fit(net, part, rest, epochs, seed, **trying)
    if first.ended == "interrupted":
        return first, History(first.metric, ended="interrupted")
    net.load_state_dict(begin)
    return first, fit(net, samples, None, first.best_epoch, seed, **settings)


# The steps of the loop ---------------------------------------------------------------------------


def _forward(net, image, target, loss_of, device, dtype):
    if dtype is not None:
        image = image.contiguous(memory_format=torch.channels_last)
    with autocast(device, dtype):
        if loss_of is None:  # Mask R-CNN: to ask for its objects as well would take twice as long
            return None if net.training else net(image), net.loss(image, target)
        output = ask(net, image)
    output = output.float()
    return output, loss_of(output, target)


def _batches(crops, steps, batch_size, workers, device):
    """Full batches: all samples in a random order, then all again in another, and so on."""
    rng = np.random.default_rng([crops.seed, crops.epoch])
    n = len(crops.samples)
    order = np.concatenate([rng.permutation(n) + n * k for k in range(crops.repeats)])
    loader = DataLoader(crops, batch_size, sampler=order[:steps * batch_size].tolist(),
                        num_workers=workers, pin_memory=device.type == "cuda",
                        generator=torch.Generator())
    for image, target in loader:
        yield image.to(device, non_blocking=True), target.to(device, non_blocking=True)


def _validate(net, looks, loss_of, device, dtype) -> list[tuple[float, float]]:
    if looks is None:
        return []
    seen = []
    with evaluating(net):
        for i in range(len(looks)):
            image, target = (part[None].to(device) for part in looks[i])
            output, value = _forward(net, image, target, loss_of, device, dtype)
            seen.append((value.item(), _metric(output, target, getattr(net, "head", "foreground"))))
    return seen


def _metric(output, target, head) -> float:
    """Mean Dice of foreground > 0.5, or PSNR in dB relative to the truth's own range."""
    if output is None:
        return math.nan
    if head == "objects":
        return dice(target.cpu().numpy(), np.stack([merge_foreground(one) > 0.5 for one in output]))
    output, target = output.detach(), target.detach()
    if head == "image":
        error = (output - target).square().flatten(1).mean(1)
        wide = target.flatten(1).amax(1) - target.flatten(1).amin(1)
        return float((10 * torch.log10((wide.square() + 1e-12) / (error + 1e-12))).mean())
    pred = torch.stack([maps(one, head)["foreground"] > 0.5 for one in output])
    truth = target[:, 0] > 0.5 if target.ndim == 4 else target > 0
    return dice(truth.cpu().numpy(), pred.cpu().numpy())


def _record(history, seen, validated, rate):
    for name, values in (("train", seen), ("valid", validated)):
        if values:
            loss, metric = np.mean(values, 0)
            getattr(history, f"{name}_loss").append(float(loss))
            getattr(history, f"{name}_metric").append(float(metric))
    history.lr.append(rate)


def _finite(what, value, epoch, lr):
    if not math.isfinite(value):
        raise ValueError(
            f"the {what} became {value} in epoch {epoch + 1}; check the images for NaN, or lower "
            f"the learning rate (lr={lr:g})."
        )


def _is_best(history, monitor) -> bool:
    if not history.valid_loss or not history.best_epoch:
        return True
    values = [-v for v in history.valid_loss] if monitor == "loss" else history.valid_metric
    best, now = values[history.best_epoch - 1], values[-1]
    return now > best or math.isnan(best) and not math.isnan(now)


def _says(epoch, epochs, history, seen) -> str:
    loss, metric = np.mean(seen, 0)
    text = f"epoch {epoch + 1}/{epochs}, loss {loss:.3f}"
    if not math.isnan(metric):
        text += f", {history.metric} {metric:.3f}"
    if history.valid_metric:
        text += f", valid {history.valid_loss[-1]:.3f}, {history.valid_metric[-1]:.3f}"
    return text


# Before the loop ---------------------------------------------------------------------------------


def _check(net, lr, minutes, on_epoch, checkpoint, resume, **counts):
    networks([net])
    if not any(weight.requires_grad for weight in net.parameters()):
        raise ValueError(f"this {type(net).__name__} has no weights that training may move; build "
                         "one that has, or unfreeze it with net.requires_grad_().")
    for name, value in counts.items():
        if value is not None or name not in ("steps_per_epoch", "patience"):
            whole_number(name, value, 0 if name == "workers" else 1)
    if not (isinstance(lr, Real) and 0 <= lr < math.inf):
        raise ValueError(f"lr is {lr!r}, expected a finite number of at least 0, e.g. 1e-3.")
    if minutes is not None and not (isinstance(minutes, Real) and 0 < minutes < math.inf):
        raise ValueError(f"minutes is {minutes!r}, expected a number above 0, or None.")
    if on_epoch is not None and not callable(on_epoch):
        raise ValueError(f"on_epoch is {on_epoch!r}, expected a function of the history, or None.")
    if resume and checkpoint is None:
        raise ValueError("resume=True without a checkpoint; give the file to go on from.")
    if checkpoint is not None and (
            not isinstance(checkpoint, (str, os.PathLike)) or Path(checkpoint).is_dir()):
        raise ValueError(f"checkpoint is {str(checkpoint)!r}, expected the path of a file to "
                         "write, not of a folder; give a name such as 'run.pt'.")


def _cached(samples, what, head) -> Samples:
    samples = Samples.of(samples)
    if not len(samples):
        raise ValueError(f"there are no {what} samples; read or keep at least one.")
    bare = [entry.name for entry in samples.entries if not entry.annotated]
    if bare and head != "image":
        raise ValueError(
            f"{what} sample {bare[0]!r} has no ground truth (labels is None); "
            "keep only annotated samples: samples.where(lambda entry: entry.annotated)."
        )
    one = samples[0]
    size = one.image.nbytes + (0 if one.labels is None else one.labels.nbytes)
    return samples.cached() if size * len(samples) <= CACHE else samples


def _no_leak(train, valid):
    shared = set() if valid is None else set(train.groups) & set(valid.groups) - {None}
    if shared:
        warnings.warn(
            f"training and validation share {', '.join(sorted(map(str, shared))[:3])}"
            f"{' ...' if len(shared) > 3 else ''}: the validation scores will flatter; "
            "divide with cellkit.split(samples, by='group').", stacklevel=3)


def _plan(train, crop, mode, batch_size, steps):
    """The crop's side, and how many batches make an epoch."""
    height, width = train[0].image.shape[:2]
    if mode == "crop" and np.ndim(crop) == 0 and min(height, width) < crop:
        largest = max(max(s.image.shape[:2]) for s in train)
        crop = max(32, min(crop, 32 * math.ceil(largest / 32)))
    if steps is None:
        area = np.prod(np.broadcast_to(crop, 2)) if mode == "crop" else height * width
        steps = max(1, math.ceil(len(train) * max(1, height * width / area) / batch_size))
    return crop, steps


def _movers(net, optimizer, lr, schedule, steps, epochs, dtype):
    weights = [p for p in net.parameters() if p.requires_grad]
    move = _choose("optimizer", optimizer, OPTIMIZERS)(weights, lr)
    if schedule is not None:
        schedule = _choose("schedule", schedule, SCHEDULES)(move, steps, epochs)
    return move, schedule, torch.amp.GradScaler(enabled=dtype is torch.float16)


def _choose(what, which, table):
    if not callable(which) and which not in table:
        raise ValueError(f"{what} is {which!r}, expected {', '.join(table)} or a function.")
    return which if callable(which) else table[which]


def _name(setting):
    """Something that tells settings apart, in this run and in the one that resumes it."""
    if not callable(setting):
        return setting
    text = getattr(setting, "__qualname__", None) or str(setting)
    return type(setting).__name__ if " at 0x" in text else text


def _number(*numbers) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


@contextmanager
def _isolated(device):
    """Seeding inside changes nothing outside; where it costs speed, sameness wins."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True):
        yield


# Resuming ----------------------------------------------------------------------------------------


def _state(net, best, movers, history) -> dict:
    return {
        "network": type(net).__name__, "config": getattr(net, "config", None),
        "now": net.state_dict(), "best": best, "history": history.to_dict(),
        "movers": {name: m.state_dict() for name, m in movers.items() if m is not None},
    }


def _resume(path, state, net, movers, fresh):
    history = History(**state["history"])
    loose = () if movers["schedule"] is not None else ("epochs",)
    for name, value in fresh.settings.items():
        if history.settings.get(name) != value and name not in loose:
            raise ValueError(
                f"{path} was begun with {name}={history.settings.get(name)}, now it is {value}; "
                "resume with the same arguments and samples, or use resume=False."
            )
    fill(net, state["now"], path)
    for name, mover in movers.items():
        if mover is not None:
            mover.load_state_dict(state["movers"][name])
    if history.ended != "no progress":
        history.ended = ""
    history.settings["epochs"] = fresh.settings["epochs"]
    home_of = device_of(net)
    return history, {key: value.to(home_of) for key, value in state["best"].items()}


# What it will need -------------------------------------------------------------------------------


class _Trial:
    """A step that is timed and weighed, and leaves the network as it was."""

    def __init__(self, net, crops, loss_of, device, dtype):
        self.net, self.crops, self.loss_of = net, crops, loss_of
        self.device, self.dtype = device, dtype

    def step(self, batch_size) -> tuple[float, int]:
        """Seconds for one step, and the bytes of what its backward pass has to remember."""
        kept, begin = {}, copy.deepcopy(self.net.state_dict())

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
                _, value = _forward(self.net, image, target, self.loss_of, self.device, self.dtype)
            value.backward()
            self._wait()
            return time.perf_counter() - started, sum(kept.values())
        finally:
            self.net.zero_grad(set_to_none=True)
            self.net.load_state_dict(begin)

    def forecast(self, epochs, steps, batch_size, looks, minutes, progress) -> int:
        """Say what will be needed; how many epochs fit into the minutes."""
        weights = sum(p.numel() for p in self.net.parameters())
        try:
            few = min(2, batch_size)  # on one alone a batch norm behind a pooling cannot train
            small = self.step(few)[1] // few
            need = 16 * weights + small * batch_size  # weights, gradients, Adam's two moments
            there = _memory(self.device)
            if need > there:
                raise self.advice(batch_size, (there - 16 * weights) // max(small, 1))
            self.step(batch_size)
            seconds, _ = self.step(batch_size)
        except RuntimeError as error:
            if _out_of_memory(error):
                raise self.advice(batch_size) from error
            raise
        pixels = np.prod(self.crops[0][0].shape[1:]) * batch_size
        epoch = seconds * steps
        if looks is not None:  # a forward pass is a third of a step
            epoch += len(looks) * seconds / 3 * np.prod(looks[0][0].shape[1:]) / pixels
        if minutes is not None:
            epochs = int(min(epochs, max(1, 54 * minutes // epoch)))
        if progress:
            number = "float32" if self.dtype is None else str(self.dtype).removeprefix("torch.")
            print(f"{weights:,} weights on {self.device.type} in {number}, about "
                  f"{need / 2**20:,.0f} MB of memory.")
            print(f"{epochs} epochs of {steps} batches of {batch_size}: about "
                  f"{_duration(epochs * epoch)}.", flush=True)
        return epochs

    def advice(self, batch_size, fits=None) -> MemoryError:
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
                if not _out_of_memory(error):
                    raise
                fits //= 2
        return MemoryError(
            f"not even a batch of one fits into the memory of {self.device.type}; use a smaller "
            "crop, or a network of less width."
        )

    def _wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def _out_of_memory(error) -> bool:
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return any(w in str(error).lower() for w in words)


def _memory(device) -> float:
    """Bytes that a training may use at most, infinite where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "cpu" and "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return math.inf


def _duration(seconds) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
