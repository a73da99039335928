"""Explorers: what they show is what the front door says, whatever is done to them."""

from __future__ import annotations

import io
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import cellkit as ck
from cellkit import augment, explore, show
from cellkit.samples import Sample
from cellkit.weights import save_weights


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """32 bits, so that numbers can be compared; and no run of a lesson around us."""
    monkeypatch.setenv("CELLKIT_AMP", "off")
    monkeypatch.delenv("CELLKIT_STRICT", raising=False)


@pytest.fixture(scope="module")
def sample():
    """A small crop of a bundled image with its cells."""
    whole = ck.read("livecell", root=ck.datasets.bundled("livecell"), split="test")[4]
    return Sample(whole.image[:120, :150].copy(), whole.labels[:120, :150].copy(), "crop",
                  whole.dataset)


@pytest.fixture(scope="module")
def net():
    """Untrained but decided, and with batch norms that have seen something."""
    net = ck.UNet(width=8, depth=3, seed=7)
    with torch.no_grad():
        for _ in range(4):
            net.train()(torch.randn(2, 1, 48, 48) * 3 + 1)
        net.out.weight *= 20
    return net.eval()


def picture(explorer, number=-1):
    """The pixels that a browser would be sent, uint8 (H, W, 3)."""
    data = list(explorer.pictures.values())[number]
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def apart(one, other):
    """Mean difference in grey values; JPEG alone makes up to about 4."""
    return np.abs(one.astype(float) - show.pixels(other)).mean()


def said(explorer):
    """All the text that stands in an explorer."""
    inside, text = [explorer], []
    while inside:
        one = inside.pop(0)
        inside += list(getattr(one, "children", ()))
        text += [one.value] if isinstance(one, widgets.HTML) else []
    return "\n".join(text)


# The explorer itself ------------------------------------------------------------------------------


def counting(**options):
    seen = []

    def look(n):
        seen.append(n)
        return explore.View({"grey": np.full((16, 24), n / 10)}, {"n": n}, f"the number is {n}")

    return explore.Explorer(look, {"n": widgets.IntSlider(max=10)}, **options), seen


def test_it_opens_and_follows_its_controls():
    explorer, seen = counting()
    assert seen == [0] and explorer.numbers == {"n": 0}
    explorer.controls["n"].value = 4
    assert explorer.values() == {"n": 4} and explorer.numbers == {"n": 4}
    assert apart(picture(explorer), np.full((16, 24), 0.4)) < 2
    assert picture(explorer).shape == (16, 24, 3)


def test_what_was_seen_is_kept_and_not_for_ever():
    explorer, seen = counting(remember=3)
    for value in (1, 2, 1, 2, 1):
        explorer.controls["n"].value = value
    assert seen == [0, 1, 2]
    for value in (3, 4, 0):
        explorer.controls["n"].value = value
    assert seen == [0, 1, 2, 3, 4, 0]


def test_everything_stands_there_in_words_too():
    explorer, _ = counting()
    explorer.controls["n"].value = 3
    text = said(explorer)
    assert 'role="status" aria-live="polite">the number is 3<' in text
    assert "<th" in text and ">n</th>" in text and ">3</td>" in text and "<b>grey</b>" in text


def test_an_error_becomes_a_sentence_and_the_next_value_heals_it():
    def look(n):
        if n == 1:
            raise ValueError("n is 1, expected <another> number.")
        if n == 2:
            raise KeyError("key")
        return explore.View({"grey": np.zeros((9, 9))}, {"n": n}, "fine")

    explorer = explore.Explorer(look, {"n": widgets.IntSlider()})
    explorer.controls["n"].value = 1
    assert "n is 1, expected &lt;another&gt; number." in said(explorer)
    assert isinstance(explorer.error, ValueError) and explorer.pictures == {}
    assert 'role="alert"' in said(explorer) and "fine" not in said(explorer)
    explorer.controls["n"].value = 2
    assert "KeyError: key" in said(explorer)
    explorer.controls["n"].value = 3
    assert explorer.error is None and "alert" not in said(explorer) and explorer.pictures


def test_where_nobody_looks_an_error_is_an_error(monkeypatch):
    monkeypatch.setenv("CELLKIT_STRICT", "1")
    with pytest.raises(ZeroDivisionError):
        explore.Explorer(lambda n: 1 / n, {"n": widgets.IntSlider()})


def test_the_twin_shows_each_value_and_says_it_in_text(capsys):
    explorer, _ = counting()
    explorer.twin("n", (2, 5, 9))
    out = capsys.readouterr().out
    assert out.startswith("[Figure: n 2: the number is 2 n 5: the number is 5 n 9:")
    assert [line.split() for line in out.splitlines()[-3:]] == [["2"], ["5"], ["9"]]
    assert explorer.controls["n"].value == 0
    with pytest.raises(ValueError, match="no control 'm', expected one of n"):
        explorer.twin("m", (1,))
    with pytest.raises(ValueError, match="values is empty, expected at least one that 'n' takes"):
        explorer.twin("n", ())


# Resolution ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("M, resampler, antialias", [
    (1, "area", True), (1 / 4, "area", True), (1 / 4, "bilinear", False), (1 / 8, "nearest", True),
])  # fmt: skip
def test_resolution_shows_what_the_front_door_says(sample, net, M, resampler, antialias):
    explorer = explore.resolution(sample, net)
    for name, value in {"M": M, "resampler": resampler, "antialias": antialias}.items():
        explorer.controls[name].value = value
    low = ck.degrade(sample.image, M, resampler, "bicubic", antialias)
    pred = ck.predict(net, low) > 0.5
    assert 0.02 < pred.mean() < 0.98  # something to compare
    stored = ck.storage(sample.image, M, resampler, antialias)
    assert explorer.numbers == {
        "pixels kept": f"{max(1, int(150 * M + 0.5))} × {max(1, int(120 * M + 0.5))}",
        "Dice": pytest.approx(ck.dice(sample.mask, pred), abs=1e-3),
        "edge Dice": pytest.approx(ck.edge_dice(sample.mask, pred), abs=1e-3),
        "PSNR, dB": pytest.approx(ck.psnr(sample.image, low)),
        "bytes, raw": stored.raw, "bytes, JPEG": stored.jpeg,
    }
    assert apart(picture(explorer), show.compare(sample.mask, pred, low)) < 5
    assert apart(picture(explorer, 0), low) < 3
    explorer.controls["overlay"].value = False
    assert apart(picture(explorer), sample.image) < 3
    assert "the sharp image" in explorer.pictures


def test_super_resolution_in_front_is_shown_and_measured(sample, net):
    sharpen = ck.UNet(width=4, depth=2, residual=True, head="image", seed=1).eval()
    explorer = explore.resolution(sample, strategies={"both": explore.strategy(net, sharpen)})
    low = ck.degrade(sample.image, 1 / 4)
    sharp = ck.super_resolve(sharpen, low)
    assert abs(sharp - low).mean() > 0.005
    assert explorer.numbers["PSNR super-resolved, dB"] == pytest.approx(
        ck.psnr(sample.image, sharp), abs=1e-3)
    assert explorer.numbers["Dice"] == pytest.approx(
        ck.dice(sample.mask, ck.predict(net, sharp) > 0.5), abs=2e-3)
    assert apart(picture(explorer, 1), sharp) < 3
    lesson4 = explore.super_resolution(sample, sharpen)
    assert lesson4.numbers["SSIM"] == pytest.approx(ck.ssim(sample.image, low))
    lesson4.controls["super-resolution"].value = True
    assert lesson4.numbers["SSIM"] == pytest.approx(ck.ssim(sample.image, sharp), abs=1e-4)
    assert apart(picture(lesson4, 0), sharp) < 3


def test_super_resolution_of_odd_images_is_shown_or_refused_in_words():
    sharpen = ck.UNet(width=2, depth=2, residual=True, head="image")
    flat = explore.super_resolution(np.full((40, 50), 0.3), sharpen)
    assert flat.numbers["PSNR, dB"] > 100  # equal but for rounding
    assert flat.numbers["SSIM"] == pytest.approx(1) and flat.numbers["contrast left"] >= 1
    colour = explore.super_resolution(np.full((40, 50, 3), 0.3), sharpen)
    assert colour.error is None  # without the network there is nothing to refuse
    colour.controls["super-resolution"].value = True
    assert "3 channel(s), the network takes 1" in said(colour)
    tiny = explore.super_resolution(np.full((9, 50), 0.3), sharpen)
    assert "at least 11 pixels" in said(tiny)
    for M in (0, -0.5, 1.5):
        assert "expected 0 &lt; M &lt;= 1" in said(
            explore.super_resolution(np.full((40, 50), 0.3), sharpen, M=(M,)))


def half_map(image, M):
    return None, np.full(image.shape[:2], 0.75, np.float32)


def test_a_strategy_of_one_M_is_offered_only_there(sample):
    explorer = explore.resolution(sample, strategies={
        "always": half_map, "at a quarter": explore.Strategy(half_map, only=1 / 4)}, start=1)
    choice = explorer.controls["strategy"]
    assert choice.options == ("always",)
    assert '"at a quarter" is offered at M = 1/4 only.' in said(explorer).replace("&quot;", '"')
    explorer.controls["M"].value = 1 / 4
    assert choice.options == ("always", "at a quarter") and choice.value == "always"
    choice.value = "at a quarter"
    explorer.controls["M"].value = 1 / 8
    assert choice.value == "always" and explorer.error is None
    text = said(explorer).replace("&quot;", '"')
    assert '"at a quarter" is not made for this M, so "always" is shown.' in text


@pytest.mark.parametrize("M", [0, -0.5, 2, float("inf")])
def test_M_out_of_range_is_said_in_the_explorer(sample, M):
    explorer = explore.resolution(sample, strategies={"half": half_map}, M=(1, M))
    explorer.controls["M"].index = 1
    assert "expected 0 < M <= 1" in str(explorer.error)
    assert "expected 0 &lt; M &lt;= 1" in said(explorer)
    explorer.controls["M"].index = 0
    assert explorer.error is None


@pytest.mark.parametrize("M", [(), (float("nan"),), 0.5])
def test_no_factor_to_choose_is_said_at_once(sample, M):
    with pytest.raises(ValueError, match="expected factors such as"):
        explore.resolution(sample, strategies={"half": half_map}, M=M)


def test_a_model_that_does_not_fit_is_said_in_the_explorer(sample, net, tmp_path):
    colour = Sample(np.repeat(sample.image[..., None], 3, 2), sample.labels, "rgb")
    assert "has 3 channel(s), the network takes 1" in said(explore.resolution(colour, net))
    rgb = ck.UNet(in_channels=3, width=4, depth=2)
    assert "has 1 channel(s), the network takes 3" in said(explore.resolution(sample, rgb))
    assert explore.resolution(colour, rgb).error is None
    assert "the head &#x27;image&#x27;" in said(
        explore.resolution(sample, ck.UNet(width=4, head="image")))
    assert "no nothing.safetensors" in said(explore.resolution(sample, "nothing"))
    card = {"data": [], "metrics": {}, "minutes": 0, "command": "none"}
    file = save_weights(net, tmp_path / "mine.safetensors", card)
    assert explore.resolution(sample, file).error is None
    broken = save_weights(net, tmp_path / "broken.safetensors", card)
    broken.write_bytes(broken.read_bytes()[:5000])
    assert "cut off, damaged" in said(explore.resolution(sample, broken))


@pytest.mark.parametrize("way, words", [
    (lambda image, M: np.zeros((3, 3)), "expected a pair"),
    (lambda image, M: (None, np.zeros((3, 3))), "expected (120, 150)"),
    (lambda image, M: (None, np.full(image.shape, 7.0)), "values in [0, 1]"),
])  # fmt: skip
def test_a_strategy_that_returns_something_else_is_told_so(sample, way, words):
    assert words in str(explore.resolution(sample, strategies={"mine": way}).error)


def test_an_image_of_ones_own_needs_no_truth(sample, net):
    explorer = explore.resolution(sample.image.astype(np.float64), net)
    assert explorer.error is None and "Dice" not in explorer.numbers
    assert "the truth is not known" in explorer.words
    with pytest.raises(TypeError, match="uint8, expected float32"):
        explore.resolution((sample.image * 255).astype(np.uint8), net)


def test_by_default_there_is_one_bundled_image_a_line_marked_synthetic():
    explorer = explore.resolution(strategies={"half": half_map})
    names = [name for name, _ in explorer.controls["image"].options]
    assert len(names) == 8 and all(title.startswith("synthetic") for title in
                                   list(explorer.pictures)[:1])
    first = explorer.numbers
    explorer.controls["image"].value = 3
    assert explorer.numbers != first and names[3] in explorer.words


# Instances ----------------------------------------------------------------------------------------


def test_instances_shows_what_the_front_door_says(sample):
    explorer = explore.instances(sample, maps=sample.mask)
    settings = {"smoothing": 2.5, "peak_distance": 9, "min_size": 40}
    for name, value in settings.items():
        explorer.controls[name].value = value
    found = ck.instances(sample.mask, **settings)
    scores = ck.average_precision(sample.labels, found, ck.metrics.THRESHOLDS)
    assert explorer.numbers["cells found"] == found.max()
    assert explorer.numbers["cells in truth"] == len(np.unique(sample.labels)) - 1
    assert explorer.numbers["AP at IoU 0.5"] == scores[0]
    assert explorer.numbers["AP, mean over 0.5 to 0.95"] == scores.mean()
    assert apart(picture(explorer, 0), show.colour_labels(found, sample.image)) < 6
    assert apart(picture(explorer, 1), show.colour_labels(sample.labels, sample.image)) < 6


def test_instances_takes_each_method_with_its_own_sliders(sample, net):
    distance = ck.UNet(width=4, depth=2, head="distance")
    explorer = explore.instances(sample, distance, method="distance")
    assert list(explorer.controls) == ["threshold", "smoothing", "seed_threshold", "h",
                                       "min_size"]
    assert explorer.error is None
    found = ck.instances(ck.predict(distance, sample.image, all=True), "distance")
    assert explorer.numbers["cells found"] == found.max()
    assert "needs &#x27;distance&#x27;" in said(explore.instances(sample, net, method="distance"))
    assert list(explore.instances(sample, net, method="components").controls) == [
        "threshold", "min_size"]
    with pytest.raises(ValueError, match="method is 'magic', expected one of watershed"):
        explore.instances(sample, net, method="magic")
    with pytest.raises(ValueError, match="2 samples"):
        explore.instances([sample, sample], maps=sample.mask)


# Augmentation -------------------------------------------------------------------------------------


def test_augmentation_shows_each_transform_as_strong_as_asked(sample):
    explorer = explore.augmentation(sample)
    names = explorer.controls["transform"].options
    assert len(names) == len(set(names)) == 12 and "elastic" in names
    for name in names:
        explorer.controls["transform"].value = name
        assert explorer.error is None, name
    explorer.controls["transform"].value = "elastic"
    strength = explorer.controls["strength"]
    assert strength.max == augment.Elastic.most and "pixels" in strength.description
    strength.value, explorer.controls["draw"].value = 12, 5
    moved, labels = augment.Elastic().at(12)(sample.image, sample.labels, np.random.default_rng(5))
    assert explorer.numbers["cells after"] == len(np.unique(labels)) - 1
    assert apart(picture(explorer), show.colour_labels(labels, moved)) < 6
    strength.value = 0
    assert apart(picture(explorer), show.colour_labels(sample.labels, sample.image)) < 6


def test_augmentation_takes_the_transforms_of_ones_choice(sample):
    explorer = explore.augmentation(sample.image, [augment.Noise(), augment.Blur()])
    assert explorer.controls["transform"].options == ("noise", "blur")
    assert "cells before" not in explorer.numbers and explorer.error is None
    flips = [augment.Flip(), augment.Flip(axis="vertical"), augment.Blur()]
    names = explore.augmentation(sample.image, flips).controls["transform"].options
    assert names == (str(flips[0]), str(flips[1]), "blur")
    with pytest.raises(ValueError, match="no transform to show, expected at least one"):
        explore.augmentation(sample, [])


def test_maps_of_another_size_are_said_in_the_explorer(sample):
    explorer = explore.instances(sample, maps=np.zeros((9, 9)))
    assert isinstance(explorer.error, ValueError) and "expected (9, 9)" in str(explorer.error)


# Networks, made quick -----------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["batch", "group", "none"])
def test_a_fast_network_predicts_the_same(sample, norm):
    net = ck.UNet(width=6, depth=2, norm=norm, seed=3)
    for _ in range(3):
        net.train()(torch.randn(2, 1, 32, 32) * 4 - 1)
    net.eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    quick = explore.fast(net)
    wanted, found = (ck.predict(one, sample.image) for one in (net, quick))
    assert np.ptp(wanted) > 0.05 and abs(wanted - found).max() < 1e-5
    assert not any(isinstance(one, nn.BatchNorm2d) for one in quick.modules())
    assert quick.config == net.config and quick.head == net.head
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_norm_that_keeps_no_statistics_stays(sample):
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4, track_running_stats=False),
                        nn.Conv2d(4, 1, 1)).eval()
    assert abs(ck.predict(net, sample.image) - ck.predict(explore.fast(net), sample.image)
               ).max() < 1e-5
    with pytest.raises(TypeError, match="expected a Module, or the name or path"):
        explore.resolution(sample, SimpleNamespace())
