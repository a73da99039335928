"""Doubt where a network is unsure or contradicts itself; pictures that look like no other."""

import numpy as np
import pytest
import torch
from torch import nn

import cellkit as ck
from cellkit import Sample, UNet, trust
from cellkit.looks import apart, looks
from cellkit.scale import propose, resized, seen_in
from cellkit.synthetic import render_many


class Says(nn.Module):
    """Says a fixed probability in each pixel of the picture as it lies."""

    head = "foreground"
    config = {"in_channels": 1, "normalise": "none"}

    def __init__(self, field):
        super().__init__()
        self.field = nn.Parameter(torch.logit(torch.as_tensor(field)))

    def forward(self, x):
        return self.field[None, None].expand(len(x), 1, *x.shape[-2:])


def test_doubt_is_largest_at_a_half_and_where_views_contradict():
    image = np.full((8, 10), 0.5, np.float32)
    for chance, expected in ((0.5, 1), (0.9, 0.2), (0.25, 0.5)):
        field = np.full((8, 10), chance)
        for turns in (1, 4):
            found = ck.doubt(Says(field), image, turns=turns)
            assert found.dtype == np.float32 and found.shape == image.shape
            np.testing.assert_allclose(found, expected, atol=1e-4)
    field[:, :5], field[:, 5:] = 0.999, 0.001  # sure, and the other way once it is flipped
    assert ck.doubt(Says(field), image, turns=1).max() < 0.01
    assert ck.doubt(Says(field), image, turns=2).min() > 0.99


def test_the_doubt_of_a_cell_is_the_mean_of_its_pixels():
    labels = np.array([[0, 1, 1], [3, 3, 3], [0, 0, 0]])
    found = trust.cell_doubt(np.float32([[9, 0.2, 0.4], [0, 0, 0.9], [9, 9, 9]]), labels)
    np.testing.assert_allclose(found, [0.3, np.nan, 0.3], atol=1e-6)
    with pytest.raises(ValueError, match="labels has shape .*and the doubt"):
        trust.cell_doubt(np.zeros((2, 2)), labels)


def test_looks_are_those_of_textures_that_are_known():
    rng = np.random.default_rng(0)
    noise = looks(rng.random((256, 256)).astype(np.float32))
    # White noise loses 3/4 of its variance at each step.
    np.testing.assert_allclose(noise[:4], 0.5 * np.log2(0.75) - np.arange(4), atol=0.1)
    blocks = np.kron(rng.random((32, 32)), np.ones((8, 8))).astype(np.float32)
    np.testing.assert_allclose(looks(blocks)[3:6], noise[:3], atol=0.2)
    assert (looks(blocks)[:3] == -8).all()
    image = rng.random((64, 64)).astype(np.float32) ** 4
    np.testing.assert_allclose(looks(image * 0.5 + 0.1), looks(image), atol=1e-3)
    assert looks(image)[-2] > 0.5 and looks(1 - image)[-2] < -0.5 and looks(image)[-1] == 0
    assert looks(np.stack([image, image * 0, image], 2))[-1] > 0.5
    assert apart(noise, noise[None])[0] == 0
    for blank in (np.zeros((1, 1), np.float32), np.zeros((40, 2), np.float32)):
        assert np.isfinite(looks(blank)).all()


@pytest.fixture(scope="module")
def drawn():
    """Drawn LIVECell pictures: some to learn from, others of the same kind."""
    rows = render_many(count=20, shape=(260, 352), seed=5, fields=1)
    return rows[:16].cached(), rows[16:].cached()


@pytest.fixture(scope="module")
def net(drawn):
    net = UNet(width=2, depth=2)
    net.seen = seen_in(drawn[0], 16)
    return net


def test_what_a_card_tells_of_training_pictures(drawn, net):
    sizes = [np.sqrt(4 / np.pi * np.bincount(s.labels.ravel())[1:]) for s in drawn[0]]
    share = np.concatenate([np.full(len(row), 1 / len(row) / len(sizes)) for row in sizes])
    sizes = np.concatenate(sizes)  # each picture counts alike
    up_to = np.cumsum(share[sizes.argsort()])
    expected = np.sort(sizes)[np.searchsorted(up_to, [0.1, 0.5, 0.9])]
    np.testing.assert_allclose(net.seen["diameters"], expected, rtol=0.03)
    first = [float(number) for number in net.seen["looks"][0].split()]
    assert first[0] == 1 and first[1] == pytest.approx(ck.cell_size(drawn[0][0].labels), rel=1e-3)
    np.testing.assert_allclose(first[2:], looks(drawn[0][0].image), atol=0.01, rtol=1e-3)


def test_pictures_of_another_kind_are_told_and_those_of_the_same_are_not(drawn, net):
    for sample in drawn[1]:
        assert ck.unlike(net, sample.image) == []
        assert ck.unlike(net, sample.image * 0.5) == []  # a darker lamp is no other kind
    image = drawn[1][0].image
    rows, columns = np.indices(image.shape)
    nuclei = (np.hypot(rows % 80 - 40, columns % 80 - 40) < 15) * np.float32(0.8) + np.float32(0.1)
    ramp = np.clip(0.3 * image + columns / columns.max(), 0, 1).astype(np.float32)
    for other, words in ((nuclei, "bright on a dark ground"), (ramp, "light changes more")):
        [said] = ck.unlike(net, other)
        assert "unlike what this network was trained on" in said and words in said
    assert ck.unlike(UNet(width=2, depth=2), ramp) == []  # nobody knows what it saw


def test_a_mask_that_turns_with_the_picture_is_told():
    field = np.full((64, 64), 0.01)
    field[:32] = 0.99
    net = Says(field)
    image = np.random.default_rng(1).random((64, 64)).astype(np.float32)
    net.seen = {**seen_in([Sample(image, None, "a")]), "agreement": 0.9}
    [said] = ck.unlike(net, image)
    assert "agree by a Dice of 0.00, usual are 0.90" in said


@pytest.mark.parametrize("scale", [0.25, 0.5, 1, 2])
def test_the_size_of_cells_is_proposed_for_pictures_of_the_kind(drawn, net, scale):
    ratio, sure = [], 0
    for sample in drawn[1]:
        found = propose(net, resized(sample.image, scale))
        sure += found.sure
        ratio.append(found.cell_size / (scale * ck.cell_size(sample.labels)))
        low, _, high = net.seen["diameters"]
        assert found.scale == 1 or not low <= found.cell_size <= high
    assert 1 / 1.5 < np.median(ratio) < 1.5 and sure >= 3


def test_a_picture_of_another_kind_is_a_guess(net):
    image = np.full((64, 64), 0.1, np.float32)
    image[:, 20:] = 1
    found = propose(net, image)
    assert not found.sure and found.words.startswith("A guess") and 0.1 < found.scale <= 1
    nothing = propose(UNet(width=2, depth=2), image)
    assert nothing.scale == 1 and not nothing.sure and np.isnan(nothing.cell_size)
    np.testing.assert_array_equal(ck.predict(net, image, scale="auto"),
                                  ck.predict(net, image, scale=found.scale))


@pytest.mark.parametrize("shape", [(16, 16), (1, 1), (40, 3, 3)])
def test_small_and_unlabelled_pictures_are_looked_at_too(shape):
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    seen = seen_in([Sample(image, None, "a"), Sample(image[::-1].copy(), None, "b")])
    assert "diameters" not in seen and len(seen["looks"]) >= 2
    net = UNet(in_channels=3 if len(shape) == 3 else 1, width=2, depth=2)
    net.seen = seen
    assert ck.unlike(net, image) == [] and not propose(net, image).sure
