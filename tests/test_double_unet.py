"""The Double U-Net against its two networks asked by hand, and what training moves in it."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import cellkit as ck
from cellkit import Sample, UNet, losses, weights
from cellkit.heads import HEADS, loss_of
from cellkit.networks import DoubleUNet
from cellkit.train import checkpoints


@pytest.fixture(scope="module")
def parts():
    def net(head, seed, **more):
        net = UNet(width=4, depth=2, head=head, seed=seed, **more)
        generator = torch.Generator().manual_seed(seed)
        for norm in (m for m in net.modules() if isinstance(m, nn.BatchNorm2d)):
            norm.running_mean.normal_(generator=generator)
            norm.running_var.uniform_(0.5, 2, generator=generator)
        return net.eval()

    return net("image", 1, residual=True), net("foreground", 2)


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    made = []
    for i in range(4):
        labels = np.zeros((64, 64), np.int32)
        labels[8 + 4 * i:40, 10:50 - 6 * i] = 1
        image = 0.4 + 0.2 * (labels > 0) + 0.05 * rng.standard_normal((64, 64))
        made.append(Sample(image.clip(0, 1).astype(np.float32), labels, f"s{i}", group=f"g{i}"))
    return made


def test_it_is_the_two_networks_one_after_the_other(parts):
    sharpen, segment = parts
    image = torch.randn(3, 1, 30, 41, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        out = DoubleUNet(sharpen, segment).eval()(image)
        for one, both in zip(image, out, strict=True):
            sharp = sharpen(one[None])
            seen = nn.InstanceNorm2d(1, eps=1e-6)(sharp)
            torch.testing.assert_close(both[None, 1:], sharp)
            torch.testing.assert_close(both[None, :1], segment(seen), rtol=1e-4, atol=1e-4)


def test_predict_asks_as_the_paper_does_where_nothing_is_clipped(parts):
    sharpen, segment = parts
    sharpen = DoubleUNet(sharpen, segment).sharpen  # a copy
    nn.init.normal_(sharpen.out.weight, std=0.01, generator=torch.Generator().manual_seed(3))
    image = 0.5 + 0.1 * np.random.default_rng(1).standard_normal((50, 70)).clip(-2, 2)
    found = ck.predict(DoubleUNet(sharpen, segment).eval(), image, all=True, amp=False)
    sharp = ck.super_resolve(sharpen, image, amp=False)
    assert 0 < sharp.min() and sharp.max() < 1 and np.abs(sharp - image).max() > 0.01
    np.testing.assert_allclose(found["image"], sharp, atol=1e-6)
    np.testing.assert_allclose(found["foreground"], ck.predict(segment, sharp, amp=False),
                               atol=1e-4)
    assert list(found) == ["foreground", "image"]
    double = DoubleUNet(sharpen, segment).eval()
    np.testing.assert_allclose(ck.super_resolve(double, image, amp=False), sharp, atol=1e-6)


def test_contrast_between_the_networks_does_not_matter(parts):
    double = DoubleUNet(*parts).eval()
    image = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        double.sharpen.config["residual"] = False
        before = double(image)
        double.sharpen.out.weight *= 3
        double.sharpen.out.bias.mul_(3).add_(7)
        after = double(image)
    torch.testing.assert_close(after[:, :1], before[:, :1], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(after[:, 1:], 3 * before[:, 1:] + 7, rtol=1e-4, atol=1e-4)


def test_a_blank_picture_trains_without_nan(parts):
    double = DoubleUNet(*parts)
    output = double(torch.zeros(2, 1, 32, 32))
    losses.double(output, torch.zeros(2, 2, 32, 32)).backward()
    assert all(torch.isfinite(p.grad).all() for p in double.parameters())


def test_crops_give_the_mask_and_the_sharp_image_in_the_degraded_one_s_units(samples):
    def halve(image, rng):
        return ck.degrade(image, 0.25)

    sample = samples[0]
    low = ck.degrade(sample.image, 0.25)
    image, target = ck.Crops([sample], None, "whole", "double", degrade=halve)[0]
    assert target.dtype == torch.float32 and target.shape == (2, 64, 64)
    np.testing.assert_allclose(image[0], (low - low.mean()) / low.std(), atol=1e-4)
    np.testing.assert_array_equal(target[0], sample.labels > 0)
    np.testing.assert_allclose(target[1], (sample.image - low.mean()) / low.std(), atol=1e-4)


def test_the_loss_by_hand():
    rng = np.random.default_rng(0)
    logit, mask = rng.standard_normal((2, 5, 7)), rng.random((2, 5, 7)) < 0.4
    sharp, wanted = rng.standard_normal((2, 5, 7)), rng.standard_normal((2, 5, 7)) * [[[4]], [[.1]]]
    p = 1 / (1 + np.exp(-logit))
    entropy = -np.where(mask, np.log(p), np.log(1 - p)).mean()
    overlap = [1 - (2 * (a * b).sum() + 1) / (a.sum() + b.sum() + 1)
               for a, b in zip(p, mask, strict=True)]
    error = [((a - b) ** 2).mean() / max(1, b.var()) for a, b in zip(sharp, wanted, strict=True)]
    output = torch.from_numpy(np.stack([logit, sharp], 1))
    target = torch.from_numpy(np.stack([mask, wanted], 1))
    for loss, weight in ((losses.double, 0.1), (partial(losses.double, weight=2), 2)):
        expected = entropy + np.mean(overlap) + weight * np.mean(error)
        assert loss(output, target).item() == pytest.approx(expected, rel=1e-5)
    assert loss_of(HEADS["double"], None)(output, target) == losses.double(output, target)


@pytest.mark.parametrize("train", ["both", "sharpen"])
def test_fit_moves_what_it_may_and_nothing_else(parts, samples, train, tmp_path):
    sharpen, segment = parts
    double = DoubleUNet(sharpen, segment, train=train)
    before = {key: value.clone() for key, value in double.state_dict().items()}
    history = ck.fit(double, samples[:3], samples[3:], epochs=2, steps_per_epoch=3, batch_size=2,
                     crop=32, degrade=ck.random_degrade, progress=False, amp=False,
                     checkpoint=tmp_path / "c.pt")
    assert history.metric == "dice" and len(history) == 2
    moved = {key.split(".")[0] for key, value in double.state_dict().items()
             if not torch.equal(value, before[key])}
    assert moved == ({"sharpen", "segment"} if train == "both" else {"sharpen"})
    # The networks that were given are as they were, and free.
    for mine, given in ((sharpen, "sharpen"), (segment, "segment")):
        assert all(torch.equal(value, before[f"{given}.{key}"])
                   for key, value in mine.state_dict().items())
        assert all(p.requires_grad for p in mine.parameters())
    again = checkpoints.load(tmp_path / "c.pt")
    image = samples[3].image
    assert type(again) is DoubleUNet and again.config == double.config
    np.testing.assert_array_equal(ck.predict(again, image), ck.predict(double, image))


def test_training_lowers_the_summed_loss(parts, samples):
    double = DoubleUNet(UNet(width=4, depth=2, head="image", residual=True), UNet(width=4, depth=2))
    history = ck.fit(double, samples, None, epochs=4, steps_per_epoch=8, batch_size=4, crop=48,
                     lr=1e-2, progress=False, degrade=ck.RandomDegrade(M=0.25))
    assert history.train_loss[-1] < 0.7 * history.train_loss[0]


def test_weights_are_kept_with_their_card(parts, tmp_path):
    double = DoubleUNet(*parts, train="sharpen")
    path = weights.save_weights(double, tmp_path / "d.safetensors", {
        "data": [], "metrics": {}, "minutes": 0, "command": "none"})
    again = ck.load_weights(path, device="cpu")
    assert again.config == double.config and not again.segment.out.weight.requires_grad
    for key, value in double.state_dict().items():
        torch.testing.assert_close(again.state_dict()[key], value, rtol=1e-3, atol=1e-4)


def test_colour_goes_through():
    double = DoubleUNet(UNet(3, width=4, depth=1, head="image"), UNet(3, width=4, depth=1))
    found = ck.predict(double.eval(), np.random.default_rng(0).random((20, 24, 3)), all=True)
    assert found["foreground"].shape == (20, 24) and found["image"].shape == (20, 24, 3)


@pytest.mark.parametrize("given, words", [
    ((UNet(width=4), UNet(width=4)), "sharpen has the head 'foreground'"),
    ((UNet(width=4, head="image"), nn.Identity()), "segment has type Identity"),
    ((UNet(width=4, head="image"), UNet(3, width=4)), "1 channel"),
    ((UNet(width=4, head="image"), UNet(width=4, normalise="none")), "normalise"),
    ((UNet(width=4, head="image"), UNet(width=4), "segment"), "train is 'segment'"),
])
def test_what_cannot_be_joined_is_said(given, words):
    with pytest.raises(ValueError, match=words):
        DoubleUNet(*given)


def test_the_explorer_shows_what_it_sharpened(parts, samples):
    double, image = DoubleUNet(*parts).eval(), samples[0].image
    shown, prob = ck.explore.strategy(double).run(image, 0.25)
    found = ck.predict(double, image, all=True)
    np.testing.assert_allclose(shown, found["image"], atol=2e-2)
    np.testing.assert_allclose(prob, found["foreground"], atol=2e-2)
    assert ck.explore.strategy(parts[1]).run(image, 0.25)[0] is None
