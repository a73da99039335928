"""The U-Net against a plain restatement of the paper's figure 1, and with odd input."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cellkit import UNet

HEADS = {"foreground": 1, "two_class": 2, "border": 3, "distance": 2, "flow": 3, "image": 1}


def weights(net):
    return sum(p.numel() for p in net.parameters())


class PaperUNet(nn.Module):
    """Every layer of the paper's figure 1 by name, padded convolutions, optional batch norm."""

    def __init__(self, n_in, n_out, w, norm):
        super().__init__()
        sizes = [(n_in, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w), (8 * w, 16 * w)]
        ups = [(16 * w, 8 * w), (8 * w, 4 * w), (4 * w, 2 * w), (2 * w, w)]
        self.enc = nn.ModuleList(nn.ModuleList(self.conv(a, b, norm) + self.conv(b, b, norm))
                                 for a, b in sizes)
        self.upconv = nn.ModuleList(nn.ConvTranspose2d(a, b, kernel_size=2, stride=2)
                                    for a, b in ups)
        self.dec = nn.ModuleList(nn.ModuleList(self.conv(a, b, norm) + self.conv(b, b, norm))
                                 for a, b in ups)
        self.last = nn.Conv2d(w, n_out, kernel_size=1)

    @staticmethod
    def conv(a, b, norm):
        layers = [nn.Conv2d(a, b, kernel_size=3, padding=1, bias=not norm)]
        return layers + [nn.BatchNorm2d(b)] if norm else layers

    @staticmethod
    def twice(layers, x):
        half = len(layers) // 2
        for part in (layers[:half], layers[half:]):
            for layer in part:
                x = layer(x)
            x = torch.maximum(x, torch.zeros(()))
        return x

    def forward(self, x):
        a = self.twice(self.enc[0], x)
        b = self.twice(self.enc[1], F.max_pool2d(a, 2))
        c = self.twice(self.enc[2], F.max_pool2d(b, 2))
        d = self.twice(self.enc[3], F.max_pool2d(c, 2))
        x = self.twice(self.enc[4], F.max_pool2d(d, 2))
        for skip, upconv, dec in zip((d, c, b, a), self.upconv, self.dec, strict=True):
            x = self.twice(dec, torch.cat([skip, upconv(x)], dim=1))
        return self.last(x)


def test_as_many_weights_as_the_original():
    assert weights(UNet(1, 2, width=64, norm="none")) == 31_030_658
    assert weights(UNet(in_channels=1, out_channels=2, width=64, norm="batch")) == 31_036_546


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("training", [True, False])
def test_the_same_function_as_the_paper(norm, training):
    ours = UNet(3, 2, width=4, norm=norm, seed=1)
    paper = PaperUNet(3, 2, 4, norm == "batch")
    generator = torch.Generator().manual_seed(0)
    for value in ours.state_dict().values():  # running means and the biases start at 0: move them
        if value.is_floating_point():
            value += 0.1 * torch.rand(value.shape, generator=generator)
    theirs, mine = paper.state_dict(), ours.state_dict()
    assert [v.shape for v in theirs.values()] == [v.shape for v in mine.values()]
    paper.load_state_dict(dict(zip(theirs, mine.values(), strict=True)))
    image = torch.rand(2, 3, 48, 64, generator=generator)
    torch.testing.assert_close(ours.train(training)(image), paper.train(training)(image))


@pytest.mark.parametrize("up", ["transpose", "bilinear"])
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("size", [(1, 1), (17, 31), (32, 48), (3, 100)])
def test_any_size_in_the_same_size_out(size, head, up):
    net = UNet(width=2, head=head, up=up)
    for n, training in ((2, False), (1, False), (1, True)):
        out = net.train(training)(torch.rand(n, 1, *size))
        assert out.shape == (n, HEADS[head], *size) and torch.isfinite(out).all()


def test_the_padding_is_by_reflection_on_both_sides():
    net = UNet(width=2, depth=2, seed=3).eval()
    image = torch.rand(1, 1, 17, 30)
    padded = torch.from_numpy(np.pad(image.numpy(), ((0, 0), (0, 0), (1, 2), (1, 1)), "reflect"))
    torch.testing.assert_close(net(image), net(padded)[..., 1:18, 1:31])


def test_bilinear_up_is_the_interpolation_followed_by_the_convolution():
    net = UNet(width=2, depth=1, up="bilinear")
    conv, _ = net.up[0]
    x = torch.rand(1, 4, 5, 6)
    large = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(net.up[0](x), conv(large))


def test_residual_adds_the_input():
    image = torch.rand(1, 1, 16, 16)
    net = UNet(width=2, head="image", residual=True)
    nn.init.zeros_(net.out.weight)
    nn.init.zeros_(net.out.bias)
    assert torch.equal(net(image), image)


def test_dropout_acts_in_training_only():
    net, image = UNet(width=4, dropout=0.5), torch.rand(1, 1, 32, 32)
    assert not torch.equal(net(image), net(image))
    net.eval()
    assert torch.equal(net(image), net(image))


def test_config_rebuilds_the_network():
    net = UNet(3, width=4, depth=3, norm="group", up="bilinear", dropout=0.1, head="border")
    twin = UNet(**net.config)
    twin.load_state_dict(net.state_dict())
    image = torch.rand(1, 3, 20, 20)
    assert twin.config == net.config and twin.head == "border"
    assert torch.equal(net.eval()(image), twin.eval()(image))


def test_the_seed_decides_the_weights_and_the_callers_dice_are_left_alone():
    before = torch.random.get_rng_state()
    a, b, c = UNet(width=2), UNet(width=2, seed=0), UNet(width=2, seed=1)
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(a.out.weight, b.out.weight) and not torch.equal(a.out.weight, c.out.weight)


def test_heads_follow_the_channels():
    assert UNet(width=2).head == "foreground"
    assert UNet(out_channels=2, width=2).head == "two_class"
    assert UNet(out_channels=3, width=2).head == "border"
    assert UNet(3, width=2, head="image").config["out_channels"] == 3


@pytest.mark.parametrize("settings, words", [
    (dict(head="edges"), "head is 'edges'"),
    (dict(out_channels=7), "out_channels=7"),
    (dict(out_channels=1, head="border"), "'border' has 3"),
    (dict(norm="layer"), "norm is 'layer'"),
    (dict(up="nearest"), "up is 'nearest'"),
    (dict(normalise="max"), "normalise is 'max'"),
    (dict(depth=0), "depth is 0, expected a whole number of at least 1"),
    (dict(depth=1.5), "depth is 1.5"),
    (dict(width=1.5), "width is 1.5"),
    (dict(in_channels=0), "in_channels is 0"),
    (dict(in_channels=-1), "in_channels is -1"),
    (dict(in_channels=1.5), "in_channels is 1.5"),
    (dict(head="image", out_channels=0), "out_channels is 0"),
    (dict(seed=None), "seed is None, expected a whole number of at least 0"),
    (dict(dropout=1.0), "dropout is 1.0"),
    (dict(residual=True), "residual=True"),
])
def test_wrong_settings_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        UNet(**settings)


@pytest.mark.parametrize("image, error, words", [
    (torch.rand(1, 3, 8, 8), ValueError, r"shape \(1, 3, 8, 8\), expected \(N, 1, H, W\)"),
    (torch.rand(8, 8), ValueError, r"shape \(8, 8\)"),
    (torch.rand(1, 1, 0, 8), ValueError, r"shape \(1, 1, 0, 8\)"),
    (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), TypeError, "got torch.uint8"),
    (np.zeros((1, 1, 8, 8), np.float32), TypeError, "got ndarray"),
    (torch.rand(1, 1, 8, 8).double(), TypeError, "tensor is torch.float64 and the network torch.f"),
    (torch.rand(1, 1, 8, 8).half(), TypeError, "tensor is torch.float16 .* x.to.torch.float32."),
])
def test_wrong_input_is_named(image, error, words):
    with pytest.raises(error, match=words):
        UNet(width=2)(image)


def test_numbers_of_the_networks_kind_and_those_that_autocast_converts_are_taken():
    net, image = UNet(width=2, depth=1), torch.rand(1, 1, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert net(image).shape == net(image.bfloat16()).shape == image.shape
        with pytest.raises(TypeError, match="tensor is torch.float64"):
            net(image.double())
    assert net.double()(image.double()).dtype == torch.float64
    assert net.bfloat16()(image.bfloat16()).dtype == torch.bfloat16
