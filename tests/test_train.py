"""Training: it learns, it repeats itself exactly, it can be stopped, and it says what is wrong."""

import ast
import errno
import hashlib
import io
import json
import os
import pickle
import random
import subprocess
import sys
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from cellkit import (
    Crops,
    MaskRCNN,
    Sample,
    Samples,
    UNet,
    augment,
    dice,
    fit,
    heads,
    load_weights,
    losses,
    predict,
)
from cellkit.samples import Entry
from cellkit.train import checkpoints, forecast, preparation
from cellkit.train.history import History
from cellkit.weights import save_weights

CELL = 6  # radius in pixels


def cells(name, size=64, n=6, channels=None):
    """Bright discs on noise."""
    rng = np.random.default_rng(ord(name))
    y, x = np.mgrid[:size, :size]
    labels = np.zeros((size, size), np.int32)
    for k in range(n):
        a, b = rng.uniform(0, size, 2)
        labels[(y - a) ** 2 + (x - b) ** 2 < CELL**2] = k + 1
    image = 0.4 + 0.2 * (labels > 0) + rng.normal(0, 0.05, labels.shape)
    if channels:
        image = np.repeat(image[..., None], channels, 2)
    return Sample(np.clip(image, 0, 1).astype(np.float32), labels, name, group=name)


TRAIN, VALID = [cells(c) for c in "abcdef"], [cells(c, size=70) for c in "xy"]
QUICK = dict(epochs=2, crop=32, batch_size=4, steps_per_epoch=3, progress=False)


def same(one, other):
    a, b = one.state_dict(), other.state_dict()
    return all(torch.equal(a[key], b[key]) for key in a)


def told(history):
    """All but the seconds, which never repeat."""
    return {key: value for key, value in history.to_dict().items() if key != "seconds"}


def test_it_learns_and_keeps_the_best_epoch():
    net = UNet(width=8, depth=2)
    history = fit(net, TRAIN, VALID, epochs=8, crop=32, lr=1e-2, steps_per_epoch=6, progress=False)
    scores = [dice(s.mask, predict(net, s.image, amp=False) > 0.5) for s in VALID]
    assert len(history) == 8 and history.ended == "finished" and not net.training
    assert history.best_epoch == 1 + int(np.argmax(history.valid_metric))
    assert np.mean(scores) == pytest.approx(max(history.valid_metric), abs=0.01)
    assert np.mean(scores) > 0.9 and history.train_loss[-1] < history.train_loss[0] / 2
    assert f"kept epoch {history.best_epoch}" in repr(history)


def test_monitor_loss_keeps_the_epoch_of_least_loss():
    net = UNet(width=4, depth=2)
    history = fit(net, TRAIN, VALID, **{**QUICK, "epochs": 5, "lr": 0.05}, monitor="loss")
    assert history.best_epoch == 1 + int(np.argmin(history.valid_loss))


def test_the_recorded_loss_is_the_loss():
    net = UNet(width=4, depth=2)
    history = fit(net, TRAIN, VALID, **{**QUICK, "epochs": 1}, amp=False, loss="soft_dice")
    values = []
    for s in VALID:
        p = predict(net, s.image, amp=False).astype(float)
        values.append(1 - (2 * p[s.mask].sum() + 1) / (p.sum() + s.mask.sum() + 1))
    assert history.valid_loss == [pytest.approx(np.mean(values), abs=1e-5)]


def test_same_seed_same_result_and_the_callers_randomness_is_left_alone():
    states = torch.random.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    nets = [UNet(width=4, depth=2, dropout=0.2) for _ in range(4)]
    histories = [fit(net, TRAIN, VALID, seed=seed, **{**QUICK, "progress": progress})
                 for net, seed, progress in zip(nets, (0, 0, 0, 1), (False, False, True, False),
                                                strict=True)]
    assert torch.equal(states[0], torch.random.get_rng_state())
    assert (states[1] == np.random.get_state()[1]).all() and states[2] == random.getstate()
    assert same(nets[0], nets[1]) and told(histories[0]) == told(histories[1])
    assert same(nets[0], nets[2]), "the forecast must leave no trace"
    assert not same(nets[0], nets[3])
    workers = UNet(width=4, depth=2, dropout=0.2)
    fit(workers, TRAIN, VALID, workers=1, **QUICK)
    assert same(nets[0], workers)


@pytest.mark.parametrize("settings", [
    dict(schedule="onecycle"),
    dict(schedule="step", optimizer="sgd", amp=False),
    dict(optimizer="adamw", augment=None, patience=3),
])
@pytest.mark.parametrize("when", ["between epochs", "within an epoch"])
def test_a_resumed_run_equals_an_unbroken_one_bit_for_bit(tmp_path, settings, when):
    settings = {**QUICK, "epochs": 4, **settings}
    unbroken, broken = (UNet(width=4, depth=2, dropout=0.3) for _ in range(2))
    expected = fit(unbroken, TRAIN, VALID, **settings)
    file, calls = tmp_path / "run.pt", []

    def stop(history):
        if when == "between epochs" and len(history) == 2:
            raise KeyboardInterrupt

    def stopping_loss(output, target):
        calls.append(1)
        if when == "within an epoch" and len(calls) == 2 * (3 + len(VALID)) + 2:
            raise KeyboardInterrupt
        return losses.bce(output, target)

    first = fit(broken, TRAIN, VALID, checkpoint=file, on_epoch=stop,
                **{**settings, "loss": stopping_loss})
    assert first.ended == "interrupted" and len(first) == 2
    again = UNet(width=4, depth=2, dropout=0.3, seed=9)
    got = fit(again, TRAIN, VALID, checkpoint=file, resume=True, loss=stopping_loss, **settings)
    assert same(unbroken, again)
    expected.settings["loss"] = first.settings["loss"]
    assert told(got) == told(expected)
    done = UNet(width=4, depth=2, dropout=0.3, seed=9)
    assert told(fit(done, TRAIN, VALID, checkpoint=file, resume=True, loss=stopping_loss,
                    **settings)) == told(expected)
    assert same(done, again), "a finished run has nothing left to do"


def test_ctrl_c_in_the_first_epoch_keeps_what_was_reached():
    net, calls = UNet(width=4, depth=2), []

    def loss(output, target):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return losses.bce(output, target)

    history = fit(net, TRAIN, **QUICK, loss=loss)
    assert history.ended == "interrupted" and len(history) == 0 and not net.training
    assert not same(net, UNet(width=4, depth=2)) and "before an epoch was over" in repr(history)


def test_patience_ends_a_run_that_gets_no_better():
    stuck = UNet(width=2, depth=1, norm="none")  # batch norm learns even without a rate
    history = fit(stuck, TRAIN, VALID, patience=2, lr=0.0, **{**QUICK, "epochs": 9})
    assert history.ended == "no progress" and history.best_epoch == 1 and len(history) == 3


def test_schedules_follow_their_formulas():
    rates = {}
    for schedule in ("step", "onecycle", None):
        rates[schedule] = fit(UNet(width=2, depth=1), TRAIN, schedule=schedule, lr=0.01,
                              **{**QUICK, "epochs": 6, "steps_per_epoch": 5}).lr
    np.testing.assert_allclose(rates[None], [0.01] * 6)
    np.testing.assert_allclose(rates["step"], [1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-4])
    last, top = 30 - 1, 0.1 * 30 - 1
    for epoch, rate in enumerate(rates["onecycle"], 1):
        k = 5 * epoch - 1
        a, b, share = (0.01 / 25, 0.01, k / top) if k <= top else \
            (0.01, 0.01 / 25e4, (k - top) / (last - top))
        assert rate == pytest.approx(b + (a - b) * (1 + np.cos(np.pi * share)) / 2)


def test_a_cycle_of_any_few_steps_can_be_run():
    for steps in range(1, 13):
        rates = fit(UNet(width=1, depth=1), TRAIN, schedule="onecycle", lr=0.01,
                    **{**QUICK, "epochs": 1, "steps_per_epoch": steps}).lr
        assert 0 < rates[0] <= 0.01


@pytest.mark.parametrize("head", ["two_class", "border", "distance", "image"])
def test_every_head_trains(head):
    net = UNet(width=4, depth=2, head=head, residual=head == "image")

    def dim(image, rng):
        return image * np.float32(0.5)

    history = fit(net, TRAIN, VALID, degrade=dim if head == "image" else None, **QUICK)
    assert history.metric == ("psnr" if head == "image" else "dice")
    assert len(history.valid_metric) == 2 and np.isfinite(history.valid_metric).all()
    for name, found in predict(net, VALID[0].image, all=True).items():
        assert found.shape == (70, 70), name


def test_super_resolution_learns_from_pictures_without_labels():
    """What it makes of unseen coarse pictures is nearer to the truth than they are."""
    from cellkit import degrade, psnr, super_resolve, synthetic

    def bare(line, seed):
        drawn = synthetic.render(line, (96, 96), seed)
        return Sample(drawn.image, None, drawn.name)

    def coarse(image, rng):
        return degrade(image, 1 / 2)

    lines = ("A172", "BV2", "MCF7")
    net = UNet(width=4, depth=2, head="image", residual=True)
    fit(net, [bare(line, seed) for line in lines for seed in (0, 4)], [bare("A172", 12)], epochs=2,
        crop=48, batch_size=4, lr=1e-2, steps_per_epoch=30, degrade=coarse, progress=False)
    truth = [bare(line, 8).image for line in lines]
    low = [coarse(image, None) for image in truth]
    made = [super_resolve(net, image) for image in low]
    assert psnr(truth, made) > psnr(truth, low) + 0.2  # three seeds: 0.42 to 0.54 dB


def test_psnr_is_scikit_images():
    from skimage.metrics import peak_signal_noise_ratio

    net = UNet(width=2, depth=1, head="image", normalise="none")
    history = fit(net, TRAIN, VALID, amp=False, **{**QUICK, "epochs": 1})
    found = []
    for s in VALID:
        with torch.no_grad():
            out = net(torch.from_numpy(s.image)[None, None])[0, 0].numpy()
        found.append(peak_signal_noise_ratio(s.image, out, data_range=np.ptp(s.image)))
    assert history.valid_metric == [pytest.approx(np.mean(found), abs=1e-3)]


@pytest.mark.parametrize("mode", ["resize", "pad"])
def test_other_modes(mode):
    history = fit(UNet(width=2, depth=1), TRAIN, VALID, mode=mode, **QUICK)
    assert len(history) == 2


def test_a_network_of_ones_own_trains_too():
    own = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 1))
    begin = own[0].weight.detach().clone()
    history = fit(own, TRAIN, VALID, **QUICK)
    assert len(history) == 2 and not torch.equal(begin, own[0].weight)


@pytest.mark.parametrize("shape", [(1, 1), (17, 31), (3, 200)])
def test_odd_sizes(shape):
    rng = np.random.default_rng(0)
    odd = [Sample(rng.random(shape).astype(np.float32), rng.integers(0, 2, shape, dtype=np.int32),
                  name) for name in "ab"]
    net = UNet(width=2)
    history = fit(net, odd[:1], odd[1:], epochs=1, batch_size=1, steps_per_epoch=2, progress=False)
    assert np.isfinite(history.valid_loss).all() and predict(net, odd[0].image).shape == shape


@pytest.mark.parametrize("loss", heads.HEADS["foreground"].losses)
def test_empty_masks_train_to_finite_weights(loss):
    empty = [Sample(s.image, np.zeros_like(s.labels), s.name) for s in TRAIN[:2]]
    net = UNet(width=2, depth=2)
    history = fit(net, empty, empty, loss=loss, **QUICK)
    assert np.isfinite(history.valid_loss).all()
    assert all(torch.isfinite(v).all() for v in net.state_dict().values())


def test_an_epoch_shows_each_pixel_once_on_average():
    settings = {**QUICK, "epochs": 1, "steps_per_epoch": None}
    history = fit(UNet(width=2, depth=1), TRAIN, **settings)
    assert history.settings["steps"] == len(TRAIN) * (64 / 32) ** 2 / 4
    seen = []

    def watch(image, labels, rng):
        seen.append(image[0, 0])
        return image, labels

    fit(UNet(width=2, depth=1), TRAIN, augment=watch, **settings)
    assert len(seen) == 24  # full batches only


def test_it_says_beforehand_what_it_will_need(capsys):
    net = UNet(width=4, depth=2)
    fit(net, TRAIN, VALID, **{**QUICK, "progress": True})
    out = capsys.readouterr().out
    assert f"{sum(p.numel() for p in net.parameters()):,} weights on" in out
    assert "MB of memory" in out and "2 epochs of 3 batches of 4: about" in out
    assert "dice" in out and "kept epoch" in out
    fit(net, TRAIN, VALID, **QUICK)
    assert capsys.readouterr().out == ""


def test_minutes_bound_the_epochs():
    history = fit(UNet(width=2, depth=1), TRAIN, VALID, minutes=1e-9, schedule="onecycle",
                  **{**QUICK, "epochs": 500})
    assert len(history) == 1 and history.settings["epochs"] == 1
    assert history.lr[-1] == pytest.approx(1e-3 / 25e4)  # the schedule was fitted to it


def test_all_planned_epochs_are_a_finished_run_however_late():
    assert fit(UNet(width=2, depth=1), TRAIN, minutes=1e-9, **QUICK).ended == "finished"


def test_a_timed_and_scheduled_run_resumes_whatever_the_clock_says_now(tmp_path, monkeypatch):
    settings = {**QUICK, "epochs": 500, "minutes": 1, "schedule": "onecycle", "resume": True,
                "checkpoint": tmp_path / "run.pt"}
    plans = iter((4, 7, 2))

    def planned(trial, epochs, steps, batch_size, looks, minutes, dtype, say):
        return min(epochs, next(plans)) if minutes else epochs

    def stop(history):
        if len(history) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(forecast.Trial, "forecast", planned)
    assert len(fit(UNet(width=2, depth=1), TRAIN, on_epoch=stop, **settings)) == 2
    again = fit(UNet(width=2, depth=1), TRAIN, **settings)
    assert len(again) == again.settings["epochs"] == 4 and again.ended == "finished"
    with pytest.raises(ValueError, match="begun with epochs=4, now it is 3"):
        fit(UNet(width=2, depth=1), TRAIN, **{**settings, "epochs": 3})


@pytest.mark.parametrize("batch_size", [2, 5])
def test_what_trains_without_a_forecast_trains_with_one(batch_size):
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4),
                           nn.Conv2d(4, 1, 1), nn.Upsample(32))
    fit(pooled, TRAIN, **{**QUICK, "batch_size": batch_size, "progress": True})


class Hungry(nn.Module):
    """Has memory for a batch of ``room``."""

    def __init__(self, room, error):
        super().__init__()
        self.layer, self.room, self.error = nn.Conv2d(1, 1, 1), room, error

    def forward(self, x):
        if len(x) > self.room:
            raise self.error
        return self.layer(x)


@pytest.mark.parametrize("progress", [True, False])
@pytest.mark.parametrize("error", [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
])
def test_out_of_memory_becomes_advice(progress, error):
    settings = {**QUICK, "batch_size": 12, "progress": progress}
    with pytest.raises(MemoryError, match="batch of 12 does not fit .* batch_size=3 does"):
        fit(Hungry(5, error), TRAIN, VALID, **settings)
    with pytest.raises(MemoryError, match="not even a batch of one"):
        fit(Hungry(0, error), TRAIN, VALID, **settings)


def test_too_little_memory_is_seen_beforehand(monkeypatch):
    net = UNet(width=8, depth=2)
    one = forecast.Trial(net, Crops(TRAIN, 32), lambda net, image, target: (
        None, losses.bce(net(image), target)), torch.device("cpu"))
    enough = 16 * sum(p.numel() for p in net.parameters()) + 5 * one.step(1)[1]
    monkeypatch.setattr(forecast, "memory", lambda device: enough)
    with pytest.raises(MemoryError, match="batch of 64 does not fit .* batch_size=5 does"):
        fit(net, TRAIN, **{**QUICK, "batch_size": 64, "progress": True}, amp=False)


def test_another_error_stays_itself():
    with pytest.raises(RuntimeError, match="something else"):
        fit(Hungry(0, RuntimeError("something else")), TRAIN, **QUICK)


def test_a_loss_that_is_not_a_number_is_named():
    with pytest.raises(ValueError, match="the loss became nan in epoch 1; check the images"):
        fit(UNet(width=2, depth=1), TRAIN, loss=lambda o, t: (o * np.nan).sum(), **QUICK)
    with pytest.raises(ValueError, match="'a': the image has values from nan to nan"):
        image = TRAIN[0].image.copy()
        image[3, 3] = np.nan
        fit(UNet(width=2, depth=1), [Sample(image, TRAIN[0].labels, "a")], **QUICK)


def test_a_network_that_diverged_is_not_handed_back_as_finished():
    one = {**QUICK, "epochs": 1, "steps_per_epoch": 1, "amp": False}
    with pytest.raises(ValueError, match="the weights became .* in epoch 1; check the images"):
        fit(UNet(width=2, depth=1), TRAIN, lr=1e38, optimizer="sgd", **one,
            loss=lambda output, target: 1e6 * output.mean())
    with pytest.raises(ValueError, match="the validation loss became (nan|inf) in epoch 1; check"):
        fit(UNet(width=2, depth=1), TRAIN, VALID, lr=1e30, **one)


@pytest.mark.parametrize("monitor", ["loss", "metric"])
def test_nan_is_the_worst_epoch(monitor):
    def best(*values):
        history = History()
        for value in values:
            history.record([(0, 0)], [(-value if monitor == "loss" else value,) * 2], 0, 0, monitor)
        return history.best_epoch

    nan = float("nan")
    assert best(nan, nan, 0.1, nan, 0.3, 0.2) == 5 and best(nan, nan) == 1


@pytest.mark.parametrize("change, words", [
    (dict(epochs=0), "epochs is 0"),
    (dict(batch_size=1.5), "batch_size is 1.5"),
    (dict(minutes=-1), "minutes is -1"),
    (dict(optimizer="lion"), "optimizer is 'lion', expected one of adam"),
    (dict(schedule="cosine"), "schedule is 'cosine', expected one of step"),
    (dict(loss="mse"), "loss 'mse' does not fit"),
    (dict(mode="whole?"), "mode is 'whole\\?'"),
    (dict(monitor="f1"), "monitor is 'f1'"),
    (dict(device="tpu9"), "device 'tpu9' cannot be used"),
    (dict(train=[]), "no training samples"),
    (dict(train=[cells("a", channels=3)]), "'a' has 3 channel.s., the network takes 1"),
    (dict(train=[Sample(TRAIN[0].image, None, "bare")]), "'bare' has no ground truth"),
    (dict(train=[*TRAIN, cells("m", channels=3)]), "'m' has 3 channel.s., the network takes 1"),
    (dict(valid=[]), "there are no validation samples"),
    (dict(valid=[VALID[0], cells("m", channels=3)]), "'m' has 3 channel.s., the network takes 1"),
    (dict(valid=[VALID[0], Sample(TRAIN[0].image, None, "bare")]), "'bare' has no ground truth"),
    *[({name: value}, f"{name} is {value!r}, expected a whole number of at least {least}")
      for name, least in (("epochs", 1), ("batch_size", 1), ("steps_per_epoch", 1), ("workers", 0),
                          ("patience", 1), ("seed", 0))
      for value in (2.0, "a", np.nan, np.inf, -1)],
    *[({name: None}, f"{name} is None") for name in ("epochs", "batch_size", "workers", "seed")],
    *[({"lr": value}, f"lr is {value!r}, expected") for value in (-1, np.nan, np.inf, "a", None)],
    *[({"minutes": value}, f"minutes is {value!r}, ") for value in ("a", np.nan, np.inf, 0)],
    *[({"crop": value}, f"size .* is {value!r}") for value in (None, "a", np.nan, 0)],
    (dict(loss=5), "loss 5 does not fit"), (dict(loss=""), "loss '' does not fit"),
    (dict(degrade=0.5), "degrade is 0.5"), (dict(augment="a"), "augment is 'a'"),
    (dict(on_epoch=5), "on_epoch is 5"), (dict(net=nn.ReLU()), "this ReLU has no weights"),
])
def test_wrong_arguments_are_named(change, words):
    settings = {**QUICK, "net": UNet(width=2, depth=1), "train": TRAIN,
                "on_epoch": lambda history: pytest.fail("an epoch was trained"), **change}
    with pytest.raises(ValueError, match=words):
        fit(**settings)


def test_long_rows_are_not_read_beforehand_and_what_is_unlike_is_named_when_drawn():
    reads = set()

    def entry(i):
        sample = cells("m", channels=3) if i == 1 else TRAIN[0]
        return Entry(f"s{i}", lambda: reads.add(i) or (sample.image, sample.labels))

    def loss(output, target):
        assert calls or len(reads) <= preparation.FEW + QUICK["batch_size"]
        calls.append(1)
        return losses.bce(output, target)

    lazy, calls = Samples([entry(i) for i in range(50)]), []
    with pytest.raises(ValueError, match="'s1' has 3 channel.s., the network takes 1"):
        fit(UNet(width=2, depth=1), lazy, loss=loss, **{**QUICK, "steps_per_epoch": 50, "seed": 1})
    assert calls


def test_what_is_no_network_is_named():
    for net in ("livecell", None, UNet, []):
        with pytest.raises(TypeError, match="expected a network; build one"):
            fit(net, TRAIN, **QUICK)


def test_a_shared_group_is_warned_of():
    with pytest.warns(UserWarning, match="training and validation share a: the validation"):
        fit(UNet(width=2, depth=1), TRAIN, TRAIN[:1], **QUICK)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(UNet(width=2, depth=1), TRAIN, VALID, **QUICK)


# Checkpoints -------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path):
    file, net = tmp_path / "run.pt", UNet(width=4, depth=2)
    fit(net, TRAIN, VALID, checkpoint=file, **QUICK)
    return file, net


def test_a_checkpoint_is_weights_only_and_gives_the_network(run):
    file, net = run
    magic, digest, body = file.read_bytes().split(b"\n", 2)
    assert hashlib.sha256(body).hexdigest().encode() == digest
    assert torch.load(io.BytesIO(body), weights_only=True)["network"] == "UNet"
    again = checkpoints.load(file)
    assert same(again, net) and again.config == net.config and not again.training
    np.testing.assert_array_equal(predict(again, TRAIN[0].image, amp=False),
                                  predict(net, TRAIN[0].image, amp=False))


def test_nothing_half_written_stays(run, monkeypatch):
    file, _ = run
    before = file.read_bytes()

    class Full(io.FileIO):
        def write(self, data):
            super().write(b"half")
            raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(checkpoints, "open", Full, raising=False)
    with pytest.raises(OSError, match="is full .*run.pt was not written"):
        checkpoints.save(file, {})
    assert file.read_bytes() == before and [p.name for p in file.parent.iterdir()] == ["run.pt"]


def test_a_folder_that_is_not_there_yet_is_made(tmp_path):
    file = tmp_path / "no" / "such" / "run.pt"
    fit(UNet(width=2, depth=1), TRAIN, checkpoint=file, **QUICK)
    assert checkpoints.load(file).config["width"] == 2


@pytest.mark.parametrize("settings, words", [
    (dict(checkpoint="."), "checkpoint is '.', expected the path of a file"),
    (dict(checkpoint=5), "checkpoint is '5', expected the path of a file"),
    (dict(resume=True), "resume=True without a checkpoint"),
])
def test_what_could_not_be_written_or_read_is_refused_before_training(settings, words):
    with pytest.raises(ValueError, match=words):
        fit(UNet(width=2, depth=1), TRAIN, on_epoch=lambda _: pytest.fail("trained"), **settings,
            **QUICK)


def test_another_architecture_is_named(run):
    file, _ = run
    with pytest.raises(ValueError, match="run.pt is of another architecture: it has"):
        fit(UNet(width=8, depth=2), TRAIN, VALID, checkpoint=file, resume=True, **QUICK)
    with pytest.raises(ValueError, match="another architecture"):
        fit(UNet(width=4, depth=3), TRAIN, VALID, checkpoint=file, resume=True, **QUICK)


def test_other_arguments_are_named(run):
    file, _ = run
    for change, words in ((dict(batch_size=2), "begun with batch_size=4, now it is 2"),
                          (dict(augment=augment.turn_and_flip), "begun with augment=default")):
        with pytest.raises(ValueError, match=words):
            fit(UNet(width=4, depth=2), TRAIN, VALID, checkpoint=file, resume=True,
                **{**QUICK, **change})
    with pytest.raises(ValueError, match="begun with train="):
        fit(UNet(width=4, depth=2), TRAIN[:3], VALID, checkpoint=file, resume=True, **QUICK)


def test_a_longer_run_may_go_on_where_a_shorter_one_ended(run):
    file, _ = run
    longer, straight = UNet(width=4, depth=2), UNet(width=4, depth=2)
    settings = {**QUICK, "epochs": 4}
    history = fit(longer, TRAIN, VALID, checkpoint=file, resume=True, **settings)
    assert told(history) == told(fit(straight, TRAIN, VALID, **settings))
    assert same(longer, straight)


class Code:
    """Unpickling this would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_code_in_a_pickle_is_never_run(tmp_path):
    trap, plain, zipped = tmp_path / "ran", tmp_path / "plain.pt", tmp_path / "zipped.pt"
    plain.write_bytes(pickle.dumps({"now": Code(trap)}))
    torch.save({"now": Code(trap)}, zipped)
    for file in (plain, zipped):
        with pytest.raises(ValueError, match="no cellkit checkpoint.*code, which is never run"):
            checkpoints.load(file)
        with pytest.raises(ValueError, match="never run"):
            fit(UNet(width=2, depth=1), TRAIN, checkpoint=file, resume=True, **QUICK)
    assert not trap.exists()


def test_damaged_missing_and_foreign_files_are_named(run, tmp_path):
    file, _ = run
    whole = file.read_bytes()
    for length in (len(whole) // 2, len(whole) - 10):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="cut off or damaged"):
            checkpoints.load(file)
    for content in (b"", b"hello world\n", b"epoch,loss\n1,0.3\n", bytes(range(256))):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="run.pt is (cut off or dam|no cellkit ch)"):
            checkpoints.load(file)
    rng = np.random.default_rng(0)
    for at in rng.integers(0, 8 * len(whole), 200):
        flipped = np.frombuffer(whole, np.uint8).copy()
        flipped[at // 8] ^= 1 << at % 8
        file.write_bytes(flipped.tobytes())
        with pytest.raises(ValueError, match="run.pt is (cut off or dam|no cellkit ch)"):
            checkpoints.load(file)
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        checkpoints.load(tmp_path / "none.pt")
    torch.save({"weights": torch.zeros(2)}, file)
    with pytest.raises(ValueError, match="no cellkit checkpoint of this version"):
        checkpoints.load(file)
    checkpoints.save(file, {})
    with pytest.raises(ValueError, match="has no network, config, best, expected a whole check"):
        checkpoints.load(file)
    checkpoints.save(file, {"network": "UNet", "config": {}, "best": {}})
    with pytest.raises(ValueError, match="has no history, now, movers, expected a whole"):
        fit(UNet(width=4, depth=2), TRAIN, VALID, checkpoint=file, resume=True, **QUICK)
    checkpoints.save(file, {"network": "VNet", "config": {}, "best": {}})
    with pytest.raises(ValueError, match="holds a 'VNet', expected one of"):
        checkpoints.load(file)
    checkpoints.save(file, {"network": "UNet", "config": {"wide": 3}, "best": {}})
    with pytest.raises(ValueError, match="this version cannot build"):
        checkpoints.load(file)


def test_a_compiled_or_parallel_network_s_checkpoint_loads(tmp_path):
    for k, wrap in enumerate((nn.DataParallel, lambda net: torch.compile(net, backend="eager"))):
        file, net = tmp_path / f"{k}.pt", UNet(width=2, depth=1)
        fit(wrap(net), TRAIN, VALID, checkpoint=file, **QUICK)
        assert same(checkpoints.load(file), net)
        twin = UNet(width=2, depth=1)
        fit(twin, TRAIN, VALID, **QUICK)
        assert same(net, twin), "wrapped or not, it learns the same"


def test_resume_tells_partial_functions_and_lambdas_apart(tmp_path):
    file = tmp_path / "run.pt"
    weigh = partial(losses.weighted_bce, cell_weight=2.0)

    def settings(loss, augment=None):
        return {**QUICK, "checkpoint": file, "resume": True, "loss": loss, "augment": augment}

    fit(UNet(width=2, depth=1), TRAIN, **settings(weigh,
                                                  lambda image, labels, rng: (image, labels)))
    fit(UNet(width=2, depth=1), TRAIN, **settings(partial(losses.weighted_bce, cell_weight=2.0),
                                                  lambda image, labels, rng: (image, labels)))
    with pytest.raises(ValueError, match="begun with loss=.*cell_weight=2.0.* now it is .*=3.0"):
        fit(UNet(width=2, depth=1), TRAIN, **settings(
            partial(losses.weighted_bce, cell_weight=3.0),
            lambda image, labels, rng: (image, labels)))
    with pytest.raises(ValueError, match="another augment: .*lambda> has the same name, but its"):
        fit(UNet(width=2, depth=1), TRAIN, **settings(
            weigh, lambda image, labels, rng: (image * 0.5, labels)))


NAMED = """
import functools, numpy, torch, torchvision.transforms.v2
from cellkit import augment
from cellkit.train.resuming import name_of

class Held:
    def __init__(self, **held):
        self.__dict__.update(held)
    def __call__(self, *given):
        return given
    def method(self, *given):
        return given

def among(image, names={"a", "b", "c"}, rng=numpy.random.default_rng(0)):
    return image in {"a", "b", "c", "d"}

turned = torchvision.transforms.v2.Compose([
    torchvision.transforms.v2.ColorJitter(0.5), torchvision.transforms.v2.Lambda(among)])
around = Held()
around.itself = around
named = [name_of(one) for one in (
    Held(x=object(), f=among, g=numpy.arange(3)), Held(n=1).method, Held(n=2).method, around,
    among, functools.partial(among, object()), augment.Torchvision(turned), augment.paper2,
    [Held(n=1), among], functools.partial(augment.default, {"k": object()}), object(),
    Held(n=numpy.arange(5000)), Held(n=numpy.arange(5000) % 4999), torch.nn.Conv2d(1, 1, 1))]
print(repr(named))
"""


def test_the_name_of_a_setting_is_the_same_in_another_session_and_holds_no_address():
    one, two = (subprocess.run([sys.executable, "-c", NAMED], capture_output=True, text=True,
                               env={**os.environ, "PYTHONHASHSEED": seed}, check=True).stdout
                for seed in "12")  # fmt: skip
    assert one == two and " at 0x" not in one and "0.5" in one
    names = ast.literal_eval(one)
    assert len(set(names)) == len(names), "different settings have different names"


def test_a_card_holds_no_address_of_an_object():
    net = load_weights("livecell", device="cpu")

    class Unturned:
        def __init__(self):
            self.held = object()

        def __call__(self, image, labels, rng):
            return image, labels

    fit(net, TRAIN, **{**QUICK, "epochs": 1, "steps_per_epoch": 1, "augment": Unturned()})
    assert net.card["training"]["augment"] == "Unturned(held=object)"
    assert " at 0x" not in json.dumps(net.card)


def test_a_full_disk_costs_a_sentence_and_no_training(tmp_path, monkeypatch):
    class Full(io.FileIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints, "open", Full, raising=False)
    with pytest.warns(UserWarning, match="goes on without a new checkpoint: the disk .* is full"):
        history = fit(UNet(width=2, depth=1), TRAIN, checkpoint=tmp_path / "run.pt", **QUICK)
    assert history.ended == "finished" and not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_cannot_be_written_is_told_before_training(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ValueError, match="nothing can be written to"):
        fit(UNet(width=2, depth=1), TRAIN, checkpoint=tmp_path / "run.pt", **QUICK)


def test_what_is_cached_is_read_once_whatever_the_workers():
    reads = []

    def entry(sample):
        return Entry(sample.name, Counting(sample, reads), group=sample.name)

    fit(UNet(width=2, depth=1), Samples([entry(s) for s in TRAIN]), workers=2,
        **{**QUICK, "epochs": 3})
    assert len(reads) <= len(TRAIN) + 2, "each once, and those looked at beforehand"


@pytest.mark.parametrize("own", ["def own(image, labels, rng): return image, labels",
                                 "own = lambda image, labels, rng: (image, labels)"])
def test_functions_of_a_notebook_cannot_be_sent_to_workers_that_start_afresh(own):
    """As on macOS and Windows; a notebook's names live in a ``__main__`` without a file."""
    code = ("import numpy as np, torch, cellkit as ck\n"
            "torch.multiprocessing.set_start_method('spawn')\n"
            f"{own}\n"
            "one = ck.Sample(np.zeros((16, 16), np.float32), np.ones((16, 16), np.int32), 'one')\n"
            "ck.fit(ck.UNet(width=2, depth=1), [one], augment=own, workers=1, epochs=1, crop=16,\n"
            "       batch_size=1, steps_per_epoch=1, device='cpu', progress=False)\n")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "use workers=0, or put your own functions into a module" in run.stderr, run.stderr
    assert "exited unexpectedly" not in run.stderr


class Counting:
    """Reads a sample, and counts (over a pipe: workers are other processes)."""

    def __init__(self, sample, reads):
        self.sample, self.reads = sample, reads

    def __call__(self):
        self.reads.append(1)
        if torch.utils.data.get_worker_info() is not None:
            raise AssertionError("read again in a worker")
        return self.sample.image, self.sample.labels


def test_the_container_s_limit_counts(tmp_path, monkeypatch):
    limit, none = tmp_path / "memory.max", tmp_path / "max"
    limit.write_text("1500000000\n"), none.write_text("max\n")
    monkeypatch.setattr(forecast, "LIMITS", (str(none), str(limit), str(tmp_path / "lacks")))
    assert forecast.memory(torch.device("cpu")) == 1_500_000_000


def test_an_unknown_setting_is_named():
    with pytest.raises(TypeError, match="no argument 'learning_rate'; rare ones are mode, optim"):
        fit(UNet(width=2, depth=1), TRAIN, learning_rate=1)


def test_one_value_for_a_batch_norm_is_said_in_words():
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(1), nn.Conv2d(1, 1, 1),
                           nn.Upsample(32))
    with pytest.raises(ValueError, match="batch norm cannot train on one value .* batch of 1"):
        fit(pooled, TRAIN, **{**QUICK, "batch_size": 1})
    detector = MaskRCNN(backbone="resnet18", norm="batch")
    with pytest.raises(ValueError, match="batch norm cannot train on one value .* batch of 1"):
        fit(detector, TRAIN, **{**QUICK, "batch_size": 1})


def test_the_front_door_opens_in_a_fresh_session(tmp_path):
    code = ("import cellkit as ck; ck.checkpoints.load; ck.device.pick_device; ck.heads.HEADS; "
            "[getattr(ck, name) for name in ck.__all__]")
    subprocess.run([sys.executable, "-c", code], check=True)
    for name in ("checkpoints", "device"):
        subprocess.run([sys.executable, "-c", f"import cellkit; cellkit.{name}"], check=True)


def test_the_card_of_weights_that_were_trained_further_is_true(tmp_path):
    net = load_weights("livecell-objects")
    parent = net.card["sha256"]
    fit(net, TRAIN, **{**QUICK, "epochs": 1, "steps_per_epoch": 1, "batch_size": 1})
    assert net.card["parent"]["sha256"] == parent and net.card["metrics"] == {}
    assert net.card["data"][-1]["images"] == list("abcdef")
    file = save_weights(net, tmp_path / "mine.safetensors", net.card)
    with pytest.warns(UserWarning, match="trained on"):
        again = load_weights(file, samples=["a"])
    assert again.card["parent"]["sha256"] == parent != again.card["sha256"]


@pytest.mark.parametrize("count", [1, 2, 6])
def test_a_few_pictures_are_enough_to_train_loaded_weights_further(count, tmp_path):
    """With nothing but defaults: no batch that cannot be filled, no epoch of one single step."""
    rng = np.random.default_rng(0)
    mine = [Sample(rng.random((40, 52), np.float32), np.eye(40, 52, dtype=np.int32), f"own{k}")
            for k in range(count)]
    file = save_weights(UNet(width=2, depth=1), tmp_path / "w.safetensors", {
        "data": [{"name": "x", "licence": "CC0", "images": ["far"]}], "metrics": {"dice": 0.9},
        "minutes": 60.0, "command": "python -m elsewhere w"})
    net, new = load_weights(file, device="cpu"), UNet(width=2, depth=1)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    history = fit(net, mine, epochs=2, progress=False)
    assert history.settings["steps"] == 5 and any(
        not torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert fit(new, mine, epochs=1, progress=False).settings["steps"] == 1

    first = net.card
    assert [part["images"] for part in first["data"]] == [["far"], [s.name for s in mine]]
    assert first["metrics"] == {} and first["minutes"] < 1 and first["chosen on"] == []
    assert first["parent"]["command"] == "python -m elsewhere w"
    assert "epochs=2" in first["command"] and "steps_per_epoch=5" in first["command"]
    fit(net, mine[:1], [Sample(mine[0].image, mine[0].labels, "seen")], epochs=1, progress=False)
    assert net.card["parent"] == first["parent"] and net.card["chosen on"] == ["seen"]
    assert net.card["command"].count("cellkit.fit(") == 2 and len(net.card["data"]) == 3
    again = load_weights(save_weights(net, tmp_path / "mine.safetensors", net.card), device="cpu")
    fit(again, mine, epochs=1, progress=False)
    assert again.card["command"].count("cellkit.fit(") == 1
    assert again.card["parent"]["command"] == net.card["command"]
