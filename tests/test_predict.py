"""Maps from networks whose answer is known, tiles that leave no seam, and input that is wrong."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cellkit import (
    MaskRCNN,
    Sample,
    Samples,
    UNet,
    degrade,
    detect,
    fit,
    load_weights,
    predict,
    read,
    shrink,
    super_resolve,
)
from cellkit.datasets import bundled
from cellkit.device import autocast_dtype, pick_device


def picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape).astype(np.float32)


class Known(nn.Module):
    """Says a linear function of what it is shown."""

    def __init__(self, head, scale=(1.0,)):
        super().__init__()
        self.head, self.config = head, {"in_channels": 1, "normalise": "standard"}
        self.scale = nn.Parameter(torch.tensor(scale)[:, None, None])

    def forward(self, x):
        return x * self.scale


def test_foreground_is_the_sigmoid_of_the_normalised_image():
    image = picture(17, 31)
    logits = (image - image.mean()) / image.std()
    got = predict(Known("foreground"), image, amp=False)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, 1 / (1 + np.exp(-logits)), atol=1e-5)


def test_every_head_gives_its_maps():
    image = picture(20, 24)
    x = (image - image.mean()) / image.std()
    two = predict(Known("two_class", (-1.0, 2.0)), image, all=True, amp=False)
    assert set(two) == {"foreground"}
    np.testing.assert_allclose(two["foreground"], 1 / (1 + np.exp(-3 * x)), atol=1e-5)
    border = predict(Known("border", (0.0, 1.0, 2.0)), image, all=True, amp=False)
    chance = np.exp([0 * x, x, 2 * x]) / np.exp([0 * x, x, 2 * x]).sum(0)
    np.testing.assert_allclose(border["foreground"], chance[1] + chance[2], atol=1e-5)
    np.testing.assert_allclose(border["border"], chance[2], atol=1e-5)
    distance = predict(Known("distance", (1.0, 0.5)), image, all=True, amp=False)
    np.testing.assert_allclose(distance["distance"], np.clip(x / 2, 0, 1), atol=1e-5)
    assert set(predict(Known("image"), image, all=True)) == {"image"}


def test_super_resolve_undoes_the_normalisation():
    for image in (picture(33, 20), 0.3 * picture(8, 9) + 0.2, picture(5, 6, 1)):
        np.testing.assert_allclose(super_resolve(Known("image"), image, amp=False), image,
                                   atol=1e-5)
    colour = picture(12, 16, 3)
    net = UNet(3, width=2, head="image", residual=True)
    nn.init.zeros_(net.out.weight)
    nn.init.zeros_(net.out.bias)
    np.testing.assert_allclose(super_resolve(net, colour, amp=False), colour, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (9, 40, 3)])
@pytest.mark.parametrize("residual", [False, True])
def test_super_resolve_what_is_smaller_than_the_networks_stride(shape, residual):
    """Degraded to a single pixel at M = 1/16, and back: the network halves four times."""
    for image in (picture(*shape), np.full(shape, 0.3, np.float32)):
        low = degrade(image, 1 / 16)
        net = UNet(1 if len(shape) == 2 else 3, width=2, head="image", residual=residual)
        for coarse in (low, shrink(image, 1 / 16)):
            made = super_resolve(net, coarse)
            assert made.shape == coarse.shape and made.dtype == np.float32
            assert made.min() >= 0 and made.max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (17, 31), (130, 176)])
@pytest.mark.parametrize("head", ["foreground", "two_class", "border", "distance"])
def test_any_size(size, head):
    for name, found in predict(UNet(width=2, head=head), picture(*size), all=True).items():
        assert found.shape == size and found.dtype == np.float32, name
        assert 0 <= found.min() and found.max() <= 1, name


def test_tiles_equal_the_whole_where_they_see_enough():
    image = picture(300, 411)
    net = UNet(width=4, depth=2, seed=1)  # sees 22 pixels to each side
    whole = predict(net, image, amp=False)
    tiled = predict(net, image, tile=128, overlap=64, amp=False)
    inner = np.abs(whole - tiled)[:64, :64]  # the first tile alone is responsible here
    assert inner.max() < 1e-5
    # where two tiles meet, each is padded at its end: faded out there, and little is left
    assert np.abs(whole - tiled).max() < 0.1 * np.abs(whole - whole.mean()).max()
    for overlap in (0, 10, 64):
        ones = predict(Known("distance", (0.0, 0.0)), image, all=True, tile=128, overlap=overlap)
        np.testing.assert_allclose(ones["foreground"], 0.5, atol=1e-6)


def test_tiles_leave_no_seam_though_their_ends_see_too_little():
    net, image = UNet(width=4, depth=3), picture(256, 304)  # whole units, or padding shifts it
    tiled = predict(net, image, tile=192, overlap=96, amp=False)
    np.testing.assert_allclose(tiled, predict(net, image, amp=False), atol=1e-3)


def test_tiles_of_a_trained_network_leave_no_seam_in_a_picture_of_odd_size():
    net = load_weights("livecell", device="cpu")
    image = next(iter(read("livecell", bundled("livecell"), split="test"))).image
    image = np.pad(image, ((0, 501 - image.shape[0]), (0, 427 - image.shape[1])), "symmetric")
    tiled = predict(net, image, tile=384, amp=False)
    np.testing.assert_allclose(tiled, predict(net, image, amp=False), atol=1e-3)
    assert predict(net, image[:100, :150], tile=96).shape == (100, 150)


@pytest.mark.parametrize("tile, overlap", [(32, 16), (64, 0), (64, 1), (96, 48), (65, 7)])
def test_every_pixel_is_in_some_tile(tile, overlap):
    image = picture(130, 97)
    logits = (image - image.mean()) / image.std()
    got = predict(Known("foreground"), image, tile=tile, overlap=overlap, amp=False)
    np.testing.assert_allclose(got, 1 / (1 + np.exp(-logits)), atol=1e-5)


def test_memory_is_bounded_by_the_tile():
    seen = []

    class Watch(Known):
        def forward(self, x):
            seen.append(tuple(x.shape[-2:]))
            return super().forward(x)

    predict(Watch("foreground"), picture(70, 500), tile=96, overlap=32)
    assert len(seen) > 5 and max(max(s) for s in seen) <= 96


def test_training_hides_no_name():
    import cellkit

    assert callable(cellkit.fit) and callable(cellkit.predict)
    assert cellkit.predict is predict and cellkit.predict is cellkit.inference.predict


def test_a_network_that_pads_nothing_itself_still_takes_any_size():
    net = nn.Sequential(nn.MaxPool2d(32), nn.Upsample(scale_factor=32))
    assert predict(net, picture(17, 31)).shape == (17, 31)


def test_the_network_is_left_as_it_was():
    net = UNet(width=2, dropout=0.5)
    net.down[0].eval()  # a frozen part stays frozen
    modes = [m.training for m in net.modules()]
    state = {k: v.clone() for k, v in net.state_dict().items()}
    before = torch.random.get_rng_state()
    first = predict(net, picture(20, 20))
    assert [m.training for m in net.modules()] == modes
    assert all(torch.equal(v, state[k]) for k, v in net.state_dict().items())
    assert torch.equal(before, torch.random.get_rng_state())
    np.testing.assert_array_equal(first, predict(net, picture(20, 20)))


def test_half_precision_is_close_and_can_be_switched_off(monkeypatch):
    net, image = UNet(width=8, seed=2), picture(64, 64)
    exact = predict(net, image, amp=False)
    np.testing.assert_allclose(predict(net, image), exact, atol=0.03)
    monkeypatch.setenv("CELLKIT_AMP", "off")
    np.testing.assert_array_equal(predict(net, image), exact)
    assert autocast_dtype(torch.device("cpu")) is None
    with pytest.raises(ValueError, match="amp is 'fast'"):
        autocast_dtype(torch.device("cpu"), "fast")
    with pytest.raises(ValueError, match="device 'cuda:99' cannot be used"):
        pick_device("cuda:99")


@pytest.mark.parametrize("image, error, words", [
    (picture(8, 8, 3), ValueError, "3 channel.s., the network takes 1; convert it to grey"),
    (np.zeros((8, 8), np.uint8), TypeError, "the image is uint8"),
    (np.full((8, 8), np.nan, np.float32), ValueError, "nan to nan, expected .0, 1."),
    (np.full((8, 8), 200.0), ValueError, "200 to 200"),
    (np.zeros((2, 8, 8, 1), np.float32), ValueError, r"shape \(2, 8, 8, 1\)"),
    (np.zeros((0, 8), np.float32), ValueError, r"shape \(0, 8\)"),
    (picture(8), ValueError, r"shape \(8,\), expected \(H, W\)"),
    (Sample(picture(8, 8), None, "a"), TypeError, "the image is Sample, .* take its .image"),
    (Samples.of([Sample(picture(8, 8), None, "a")]), TypeError, "the image is Samples"),
    ("cells.png", TypeError, "the image is str, expected .*read_image"),
    (Path("cells.png"), TypeError, "the image is .*Path, expected .*read_image"),
    (None, TypeError, "the image is NoneType"),
])
def test_wrong_images_are_named(image, error, words):
    for ask, net in ((predict, UNet(width=2)), (detect, MaskRCNN(width=2)),
                     (super_resolve, UNet(width=2, head="image"))):
        with pytest.raises(error, match=words):
            ask(net, image)


@pytest.mark.parametrize("net, words", [
    ("livecell", "net is 'livecell', expected a network; .* cellkit.load_weights"),
    (None, "net is 'NoneType'"), (UNet, "net is <class .*UNet'>"), ([], "net is 'list'"),
    ([UNet(width=1, depth=1), None], "net is '(NoneType|list)'"),
    (picture(8, 8), "net is 'ndarray'"),
])
def test_what_is_no_network_is_named(net, words):
    for ask in (predict, detect, super_resolve):
        with pytest.raises(TypeError, match=words):
            ask(net, picture(8, 8))


@pytest.mark.parametrize("tile, overlap, words", [
    (16, None, "tile is 16, expected a whole number of at least 32"), (32.5, None, "tile is 32.5"),
    (None, None, "tile is None"), ("a", None, "tile is 'a'"), (64, 2.5, "overlap is 2.5"),
    (64, "a", "overlap is 'a'"), (64, -1, "overlap is -1"),
    (64, 33, "overlap of tiles of 64 is 33"),
])
def test_wrong_tiles_are_named(tile, overlap, words):
    for ask, net in ((predict, UNet(width=2, depth=2)), (detect, MaskRCNN(width=2))):
        with pytest.raises(ValueError, match=words):
            ask(net, picture(8, 8), tile=tile, overlap=overlap)


def test_wrong_networks_are_named():
    with pytest.raises(ValueError, match="1 channel.s., the network takes 3; repeat the grey"):
        predict(UNet(3, width=2), picture(8, 8))
    with pytest.raises(ValueError, match="use cellkit.super_resolve"):
        predict(UNet(width=2, head="image"), picture(8, 8))
    sharpen, segment = UNet(width=2, head="image"), UNet(width=2)
    for nets in (segment, nn.Conv2d(1, 1, 3, padding=1), [sharpen, segment]):
        with pytest.raises(ValueError, match="expected one of image, double; use cellkit.predict"):
            super_resolve(nets, picture(8, 8))
    with pytest.raises(ValueError, match=r"nothing in common \(image, foreground\)"):
        predict([sharpen, segment], picture(8, 8), all=True)
    with pytest.raises(ValueError, match="of 128 is 70, expected at most half of it, 64"):
        predict(UNet(width=2), picture(8, 8), tile=128, overlap=70)


class Own(nn.Module):
    """A network of one's own, whose output is made into something else."""

    def __init__(self, change=lambda logits: logits, out=1, padding=1):
        super().__init__()
        self.body, self.change = nn.Conv2d(1, out, 3, padding=padding), change

    def forward(self, x):
        return self.change(self.body(x))


def test_networks_of_ones_own_are_read_as_they_are_meant():
    plain = Own()
    wanted = predict(plain, picture(40, 50), amp=False)
    for change in (lambda y: y[:, 0], lambda y: {"out": y, "aux": 0}):  # as torchvision's
        other = Own(change)
        other.body = plain.body
        np.testing.assert_array_equal(predict(other, picture(40, 50), amp=False), wanted)
    plain.head = nn.Identity()  # a layer that happens to be called so
    np.testing.assert_array_equal(predict(plain, picture(40, 50), amp=False), wanted)


@pytest.mark.parametrize("net, error, words", [
    (Own(lambda y: (y, y)), TypeError, "Own gave tuple, expected a tensor of logits"),
    (Own(padding=0), ValueError, r"Own gave \(62, 62\) for an image \(64, 64\), expected"),
    (Own(out=2), ValueError, "gave 2 channels, but the head 'foreground' has 1; .*two_class"),
])
def test_other_networks_of_ones_own_are_told_what_they_lack(net, error, words):
    with pytest.raises(error, match=words):
        predict(net, picture(64, 64))
    samples = [Sample(picture(64, 64), np.zeros((64, 64), np.int32), "a")]
    with pytest.raises(error, match=words):
        fit(net, samples, epochs=1, crop=64, batch_size=1, progress=False)


def test_a_head_that_is_no_known_name_is_refused():
    net = Own()
    net.head = "boundary"
    with pytest.raises(ValueError, match="the network's head is 'boundary', expected one of"):
        predict(net, picture(32, 32))


def test_channels_that_come_first_are_told_apart():
    with pytest.raises(ValueError, match=r"channels come last here: give np.moveaxis"):
        predict(UNet(width=2), picture(32, 32)[None])


@pytest.mark.parametrize("head", ["foreground", "distance", "border"])
def test_tiles_never_leave_the_range(head):
    net = UNet(width=2, depth=1, head=head, seed=3)
    net.out.bias.data.fill_(30.0)  # certain everywhere
    for values in predict(net, picture(300, 420), all=True, tile=64).values():
        assert 0 <= values.min() and values.max() <= 1


def test_a_network_that_answers_with_nan_is_told():
    net = UNet(width=2, depth=1)
    with torch.no_grad():
        next(net.parameters()).fill_(float("nan"))
    with pytest.raises(ValueError, match="answers with NaN or infinity"):
        predict(net, np.full((20, 24), 0.5, np.float32))


def test_an_empty_margin_is_told_because_it_shifts_the_brightness():
    inner = 0.2 + picture(40, 60) / 2
    image = np.zeros((60, 80), np.float32)
    image[10:50, 5:65] = inner
    with pytest.warns(UserWarning, match=r"50% of the image is an empty margin .*10:50, 5:65"):
        predict(UNet(width=2), image)
    for quiet in (inner, np.zeros((20, 20), np.float32), np.pad(inner, 1)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            predict(UNet(width=2), quiet)
