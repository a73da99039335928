"""The training loop (lesson 02_unet_from_scratch builds it)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from cellkit import augment as augmentation
from cellkit.device import autocast, autocast_dtype, evaluating, pick_device, unwrapped
from cellkit.heads import head_of, loss_of
from cellkit.scale import factor, own_factor, seen_in
from cellkit.tiles import ask
from cellkit.train import checkpoints, parallel, preparation, resuming
from cellkit.train.forecast import Trial, out_of_memory
from cellkit.train.history import History


def fit(net: nn.Module, train, valid=None, epochs: int = 20, seed: int = 0, *,
        steps_per_epoch: int | None = None, batch_size: int = 8, crop=256, lr: float = 1e-3,
        loss: str | Callable | None = None, augment: Callable | None = augmentation.default,
        degrade: Callable | None = None, scale: float | str = 1.0,
        cell_size: float | None = None, schedule: str | Callable | None = None,
        minutes: float | None = None, on_epoch: Callable[[History], None] | None = None,
        **rare) -> History:
    """Train a network; it ends with the weights of its best epoch, in evaluation mode.

    Parameters
    ----------
    net : Module
        A :class:`cellkit.UNet`, or any network from (N, C, H, W) to one foreground logit; targets
        and loss follow ``net.head`` if it has one.  It stays on the device it was trained on.
    train, valid : sequence of Sample
        Without ``valid`` the last epoch is kept.
    epochs, steps_per_epoch : int
        An epoch is so many batches; None: as many as show each training pixel once, on average,
        and at least five for weights that were loaded: a few small pictures would move nothing.
    seed : int
        Decides crops, augmentation and dropout.  Same seed, same machine: same result.  The
        caller's random state is left alone.
    batch_size : int
        Of all processes together where ``torchrun`` starts several, see
        :mod:`cellkit.train.parallel`.
    crop, augment, degrade
        See :class:`cellkit.Crops`.  Smaller images bring ``crop`` down to the largest of them, at
        least 32.  Unless told otherwise crops are flipped, turned by quarters and lit differently,
        see :func:`cellkit.augment.default`.
    scale, cell_size
        As in :func:`cellkit.predict`: samples are resized as they are read, labels by the nearest
        pixel; ``crop`` counts afterwards.  scale="auto": by the size of the cells in ``train``.
        Predict at the same scale, or with a ``cell_size``.
    lr : float
        Learning rate (with a schedule: the highest).
    loss : str or callable(output, target), optional
        One that fits the head, see :mod:`cellkit.heads`, or several, "bce+soft_dice"; None: the
        head's own.
    schedule : "step", "onecycle" or callable(optimizer, steps_per_epoch, epochs), optional
        How the learning rate moves; a callable returns a torch scheduler, stepped each batch.
        "step": a tenth after each third.  "onecycle": up for 10 %, then down to nothing.
    minutes : float, optional
        A bound: the first, timed step tells how many epochs fit into 90 % of it, and no more
        than these are run (schedules are fitted to them, and keep them when resumed); an epoch
        that would end more than 10 % late is left out.
    on_epoch : callable(history), optional
        Called after each epoch.
    **rare
        ``mode``, ``optimizer``, ``patience``, ``monitor``, ``device``, ``amp``, ``checkpoint``,
        ``resume``, ``workers``, ``progress``: see :class:`cellkit.train.preparation.Rare`.

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
    rare = preparation.rare_settings(rare)
    preparation.check(net, lr, minutes, on_epoch, epochs, seed, batch_size, steps_per_epoch)
    head = head_of(net)
    monitor = rare.monitor or ("loss" if head.metric == "psnr" else "metric")
    criterion = loss_of(head, loss)
    scale = factor(net, lambda: own_factor(net, train), scale, cell_size)
    train = preparation.samples_for(train, "training", head, scale)
    valid = None if valid is None else preparation.samples_for(valid, "validation", head, scale)
    preparation.warn_of_leak(train, valid)
    crops, looks, crop, steps = preparation.cut(
        net, head, train, valid, crop, rare.mode, batch_size, steps_per_epoch, seed, augment,
        degrade)
    if rare.workers:
        preparation.ready_for_workers(crops)
    device = pick_device(rare.device)
    rank, world = parallel.join(device, batch_size, head)
    speaks = rare.progress and rank == 0
    dtype = autocast_dtype(device, rare.amp)
    state = None
    if rare.resume and Path(rare.checkpoint).exists():
        state = checkpoints.read(rare.checkpoint)
        checkpoints.expect(state, rare.checkpoint, "history", "now", "movers")
    net.to(device)
    if dtype is not None:
        net.to(memory_format=torch.channels_last)

    def forward(net, image, target):
        return run(net, image, target, criterion, device, dtype)

    with preparation.isolated(device):
        trial = Trial(net, crops, forward, device)
        if speaks or minutes:
            if fitted := state is not None and schedule is not None and minutes:
                # The clock never says the same twice, and the schedule has begun with what it said.
                epochs = min(epochs, state["history"]["settings"]["epochs"])
            epochs = trial.forecast(epochs, steps, batch_size, looks, None if fitted else minutes,
                                    dtype, speaks)
            epochs = parallel.agreed(epochs, world) if minutes else epochs
        name = resuming.name_of
        history, best = History(head.metric, settings=dict(
            epochs=epochs, seed=seed, batch_size=batch_size, crop=crop, mode=rare.mode, lr=lr,
            optimizer=name(rare.optimizer), loss=name(loss), augment=name(augment),
            degrade=name(degrade), scale=None if scale == 1 else scale, schedule=name(schedule),
            monitor=monitor, steps=steps,
            amp=str(dtype), train=train.names)), None
        history.seen = seen_in(train)
        movers = preparation.movers_of(net, rare.optimizer, lr, schedule, steps, epochs, dtype)
        if state is not None:
            history, best = resuming.resume(rare.checkpoint, state, net, movers, history)
        optimizer, schedule, scaler = movers.values()
        shared = parallel.shared(net, world)
        bar = tqdm(total=epochs * steps, initial=len(history) * steps, unit="step",
                   disable=not speaks, file=sys.stdout, mininterval=0.5, leave=True)
        try:
            for epoch in range(len(history), 0 if history.ended else epochs):
                started, seen = time.monotonic(), []
                torch.manual_seed(preparation.seed_of(seed, epoch))
                crops.epoch = epoch
                net.train()
                for image, target in preparation.batches(crops, steps, batch_size, rare.workers,
                                                         device, rank, world):
                    output, value = forward(shared, image, target)
                    preparation.finite("loss", value.item(), epoch, lr)
                    optimizer.zero_grad(set_to_none=True)
                    scaler.scale(value).backward()
                    scaler.step(optimizer)
                    scaler.update()
                    rate = optimizer.param_groups[0]["lr"]
                    if schedule is not None:
                        schedule.step()
                    seen.append(scored(head, output, target, value))
                    bar.set_postfix_str(history.says(epoch, epochs, seen), refresh=False)
                    bar.update()
                preparation.finite("weights", preparation.all_weights(net), epoch, lr)
                seen = parallel.together(net, seen, world)
                validated = validate(net, head, looks, forward, device)
                preparation.finite("validation loss", sum(v for v, _ in validated), epoch, lr)
                if history.record(seen, validated, rate, time.monotonic() - started, monitor):
                    best = {key: value.clone() for key, value in
                            unwrapped(net).state_dict().items()}
                if rare.patience and epoch + 1 - history.best_epoch >= rare.patience:
                    history.ended = "no progress"
                if rare.checkpoint is not None and rank == 0:
                    resuming.keep(rare.checkpoint, net, best, movers, history)
                bar.set_postfix_str(history.says(epoch, epochs, seen))
                if on_epoch is not None:
                    on_epoch(history)
                late = time.monotonic() - began + history.seconds[-1] > 66 * (minutes or 1e9)
                if parallel.agreed(late, world) and epoch + 1 < epochs:
                    history.ended = "out of time"
                if history.ended:
                    break
            history.ended = history.ended or "finished"
            bar.total = bar.n  # what was planned and not needed: the bar ends at 100 % all the same
        except KeyboardInterrupt:
            history.ended = "interrupted"
        except RuntimeError as error:
            if out_of_memory(error):
                raise trial.advice(batch_size) from error
            raise
        finally:
            bar.close()
            if best is not None:
                unwrapped(net).load_state_dict(best)
            net.to(memory_format=torch.contiguous_format).eval()
            unwrapped(net).seen = history.seen
            if isinstance(getattr(unwrapped(net), "card", None), dict):
                unwrapped(net).card = history.card(unwrapped(net).card, train, valid)
    if speaks:
        print(repr(history).strip("<>"))
    return history


def run(net, image, target, criterion, device, dtype):
    """A network's output in float32, and its loss."""
    if dtype is not None:
        image = image.contiguous(memory_format=torch.channels_last)
    try:
        with autocast(device, dtype):
            if criterion is None:  # Mask R-CNN: to ask for its objects too would take twice as long
                return None if net.training else net(image), unwrapped(net).loss(image, target)
            output = ask(net, image)
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise ValueError(
            "batch norm cannot train on one value a channel, which is what this batch of "
            f"{len(image)} comes to inside the network; use a larger batch_size or crop."
        ) from error
    output = output.float()
    return output, criterion(output, target)


def scored(head, output, target, value) -> tuple[float, float]:
    """Loss and metric of a batch; NaN where the network was not asked."""
    return value.item(), float("nan") if output is None else head.score(output, target)


def validate(net, head, looks, forward, device) -> list[tuple[float, float]]:
    """Loss and metric of each validation picture."""
    if looks is None:
        return []
    seen = []
    with evaluating(net):
        for i in range(len(looks)):
            image, target = (part[None].to(device) for part in looks[i])
            output, value = forward(net, image, target)
            seen.append(scored(head, output, target, value))
    return seen
