"""The size of cells, and pictures that are resized for a network: against skimage and Pillow."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.draw import disk
from skimage.transform import resize, resize_local_mean
from torch import nn

import cellkit as ck
from cellkit import Sample, UNet, detect, predict
from cellkit.postprocessing import Detections
from cellkit.scale import scaled


def disks(diameter, shape=(240, 320), step=2.0):
    """An image of bright disks in rows, and their labels."""
    labels = np.zeros(shape, np.int32)
    far = int(diameter * step)
    places = [(y, x) for y in range(far, shape[0] - far // 2, far)
              for x in range(far, shape[1] - far // 2, far)]
    for k, place in enumerate(places, 1):
        labels[disk(place, diameter / 2, shape=shape)] = k
    return (labels > 0).astype(np.float32) * 0.6 + 0.2, labels


class Known(nn.Module):
    """Says the image itself, as logits."""

    head = "foreground"

    def __init__(self):
        super().__init__()
        self.config = {"in_channels": 1, "normalise": "standard"}
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x * self.weight


@pytest.mark.parametrize("diameter", [8, 21, 60])
def test_the_size_of_disks_is_their_diameter(diameter):
    _, labels = disks(diameter)
    assert labels.max() > 1
    assert ck.cell_size(labels) == pytest.approx(diameter, abs=0.5)
    quarter = resize(labels, (60, 80), order=0, preserve_range=True, anti_aliasing=False)
    assert ck.cell_size(quarter.astype(int)) == pytest.approx(diameter / 4, abs=0.5)


def test_nothing_has_no_size():
    assert np.isnan(ck.cell_size(np.zeros((5, 5), int)))
    with pytest.raises(TypeError, match="a mask"):
        ck.cell_size(np.ones((5, 5), bool))


def by_hand(net, image, small):
    """What predict(net, image, scale=...) should say, with skimage's resizing."""
    return resize(predict(net, small, amp=False), image.shape, order=1, mode="edge")


@pytest.mark.parametrize("scale", [0.25, 0.5, 0.3])
def test_smaller_is_as_resized_by_hand(scale):
    image = np.random.default_rng(0).random((93, 121)).astype(np.float32)
    shape = [int(scale * side + 0.5) for side in image.shape]
    expected = by_hand(Known(), image, resize_local_mean(image, shape).astype(np.float32))
    got = predict(Known(), image, scale=scale, amp=False)
    assert got.shape == image.shape and got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_larger_is_as_resized_by_hand():
    image = np.random.default_rng(0).random((31, 40)).astype(np.float32)
    large = Image.fromarray(image).resize((80, 62), Image.Resampling.BICUBIC)
    said = predict(Known(), np.clip(np.array(large), 0, 1), amp=False)
    back = Image.fromarray(said).resize((40, 31), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(predict(Known(), image, scale=2, amp=False), back, atol=1e-4)


def test_size_of_cells_leads_to_the_scale():
    image, net = disks(40)[0], Known()
    net.seen = {"diameters": [8.0, 10.0, 15.0]}
    np.testing.assert_array_equal(predict(net, image, cell_size=40), predict(net, image, scale=.25))
    other = Known()
    other.seen = {"diameters": [18.0, 20.0, 25.0]}
    both = predict([net, other], image, cell_size=40, amp=False)
    each = [predict(net, image, scale=s, amp=False) for s in (0.25, 0.5)]
    np.testing.assert_allclose(both, np.mean(each, 0), atol=1e-6)


class Spots(nn.Module):
    """Finds one disk, wherever it lies, at whatever size it is shown."""

    head, config = "objects", {"in_channels": 1, "normalise": "none"}

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        rows, columns = np.nonzero(x[0, 0].numpy() > 0.5)
        box = np.float32([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])
        y, x_ = np.indices((28, 28)) - 13.5
        mask = (np.hypot(y, x_) < 14).astype(np.float32)[None]
        return [Detections(box, np.float32([0.9]), mask, tuple(x.shape[-2:]))]


@pytest.mark.parametrize("turns", [1, 8])
def test_objects_come_back_at_the_size_of_the_picture(turns):
    truth = np.zeros((120, 160), np.int32)
    truth[disk((47.5, 87.5), 24)] = 1
    image = np.where(truth, 0.9, 0.1).astype(np.float32)
    found = detect(Spots(), image, scale=0.25, turns=turns)
    assert found.shape == truth.shape and found.max() == 1
    assert ck.iou(truth > 0, found > 0) > 0.93


def test_one_is_no_change_and_nothing_else_makes_sense():
    image, net = disks(20)[0], UNet(width=2, depth=2)
    plain = predict(net, image, all=True)["foreground"]
    assert np.array_equal(plain, predict(net, image, scale=1)) and plain.dtype == np.float32
    for scale in (0, -1, 100, "big", None, True, float("nan")):
        with pytest.raises(ValueError, match="scale is .*expected a number from 0.03125 to 8"):
            predict(net, image, scale=scale)
    with pytest.raises(ValueError, match="expected one of them; leave scale out"):
        predict(net, image, scale=0.5, cell_size=20)
    with pytest.raises(ValueError, match="nothing says so; give scale instead"):
        predict(net, image, cell_size=20)
    net.seen = {"diameters": [18.0, 20.0, 22.0]}
    with pytest.raises(ValueError, match="cell_size is 0, expected the diameter"):
        predict(net, image, cell_size=0)
    with pytest.raises(ValueError, match="cell_size is 1 pixels, but the network knows"):
        predict(net, image, cell_size=1)


def test_samples_are_resized_as_they_are_read():
    image, labels = disks(40)
    [small] = scaled(ck.Samples.of([Sample(image, labels, "a", group="g")]), 0.25)
    np.testing.assert_allclose(small.image, resize_local_mean(image, (60, 80)), atol=1e-5)
    assert small.group == "g" and small.labels.dtype == np.int32
    assert set(np.unique(small.labels)) == set(np.unique(labels))
    assert ck.cell_size(small.labels) == pytest.approx(10, rel=0.1)


def test_training_at_a_scale_is_training_on_small_pictures(tmp_path):
    rows = [Sample(*disks(d), f"d{d}") for d in (30, 40)]
    by_hand = [Sample(s.image, s.labels, s.name) for s in scaled(ck.Samples.of(rows), 0.25)]
    nets = [UNet(width=2, depth=2, seed=1) for _ in range(3)]
    how = dict(epochs=1, steps_per_epoch=2, batch_size=2, crop=32, seed=3, progress=False)
    file = tmp_path / "run.pt"
    first = ck.fit(nets[0], rows, scale=0.25, checkpoint=file, **how)
    ck.fit(nets[1], by_hand, **how)
    for one, other in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert torch.equal(one, other)
    assert first.settings["scale"] == 0.25
    assert nets[0].seen["diameters"][1] == pytest.approx(35 / 4, rel=0.2)
    assert ck.checkpoints.load(file).seen == nets[0].seen
    # Now it knows cells of 9 pixels: larger ones are resized to that, by the drawn cells.
    again = ck.fit(nets[0], [Sample(*disks(60), "d60")], scale="auto", **how)
    assert again.settings["scale"] == pytest.approx(35 / 4 / 60, rel=0.2)
    with pytest.raises(ValueError, match="needs to know the cells"):
        ck.fit(nets[2], rows, scale="auto", **how)
