"""The simple CNN and the ResNet U-Net: against their layers by hand, and with odd input."""

import urllib.error

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import cellkit as ck
from cellkit import ResNetUNet, SimpleCNN
from cellkit.networks import BUILDERS
from cellkit.train import checkpoints


def image(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_simple_cnn_is_a_batch_norm_and_six_convolutions_and_one_for_the_output():
    net = SimpleCNN(3, width=5).eval()
    kinds = [type(layer).__name__ for layer in net.modules() if not list(layer.children())]
    assert kinds == ["BatchNorm2d"] + 6 * ["Conv2d", "ReLU"] + ["Conv2d"]
    weights = list(net.parameters())
    x = F.batch_norm(image(2, 3, 20, 17), torch.zeros(3), torch.ones(3), *weights[:2])
    for k in range(6):
        x = F.conv2d(x, *weights[2 + 2 * k:4 + 2 * k], padding=1).relu()
    wanted = F.conv2d(x, *weights[14:], padding=1)
    torch.testing.assert_close(net(image(2, 3, 20, 17)), wanted)


def test_a_pixel_of_the_simple_cnn_sees_fifteen():
    net = SimpleCNN(width=4).eval()
    x = image(1, 1, 41, 41).requires_grad_()
    net(x)[0, 0, 20, 20].backward()
    rows, columns = np.nonzero(x.grad[0, 0].numpy())
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (13, 27, 13, 27)


@pytest.mark.parametrize("encoder", [18, 50])
def test_the_resnet_encodes_as_torchvisions(encoder):
    from torchvision import models

    net = ResNetUNet(3, encoder, width=4).eval()
    theirs = getattr(models, f"resnet{encoder}")(weights=None).eval()
    mine = {"conv1": net.first[0], "bn1": net.first[1],
            **{f"layer{k + 1}": layer for k, layer in enumerate(net.down)}}
    for name, layer in mine.items():
        layer.load_state_dict(getattr(theirs, name).state_dict())
    seen = {}
    for name in ("relu", "layer1", "layer2", "layer3", "layer4"):
        layer = getattr(theirs, name)
        layer.register_forward_hook(lambda _, __, out, n=name: seen.setdefault(n, out))
    x = image(1, 3, 64, 96)
    with torch.no_grad():
        theirs(x)
        found = [net.first(x)]
        y = net.pool(found[0])
        for level in net.down:
            y = level(y)
            found.append(y)
        out = net(x)
    for ours, name in zip(found, seen, strict=True):
        torch.testing.assert_close(ours, seen[name])
    assert out.shape == (1, 1, 64, 96)


@pytest.mark.parametrize("size", [(1, 2), (7, 90), (65, 32)])
@pytest.mark.parametrize("net", [SimpleCNN(width=2), ResNetUNet(width=2)],
                         ids=["simple", "resnet"])
def test_any_size(net, size):
    for training in (True, False):
        out = net.train(training)(image(1, 1, *size))
        assert out.shape == (1, 1, *size) and torch.isfinite(out).all()


@pytest.mark.parametrize("net", [SimpleCNN(width=2), ResNetUNet(width=2)],
                         ids=["simple", "resnet"])
def test_trained_stored_and_loaded(net, tmp_path):
    rng = np.random.default_rng(0)
    labels = np.zeros((48, 48), np.int32)
    labels[10:30, 12:40] = 1
    picture = (0.2 + 0.5 * (labels > 0) + 0.05 * rng.random((48, 48))).astype(np.float32)
    sample = ck.Sample(picture, labels, "one")
    history = ck.fit(net, [sample], epochs=1, steps_per_epoch=2, batch_size=2, crop=32, amp=False,
                     progress=False, checkpoint=tmp_path / "net.pt")
    assert np.isfinite(history.train_loss).all()
    again = checkpoints.load(tmp_path / "net.pt")
    assert type(again) is BUILDERS[type(net).__name__]
    np.testing.assert_array_equal(ck.predict(again, picture, amp=False),
                                  ck.predict(net, picture, amp=False))


def test_the_seed_decides_the_weights():
    one, same, other = SimpleCNN(seed=1), SimpleCNN(seed=1), SimpleCNN(seed=2)
    assert torch.equal(one.out.weight, same.out.weight)
    assert not torch.equal(one.out.weight, other.out.weight)


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="encoder is 19"):
        ResNetUNet(encoder=19)
    with pytest.raises(ValueError, match="for 18 layers. is 'coco', expected one of None"):
        ResNetUNet(encoder=18, weights="coco")
    with pytest.raises(ValueError, match=r"SimpleCNN\(in_channels"):
        SimpleCNN()(image(1, 3, 9, 9))
    for network in (SimpleCNN, ResNetUNet):
        for settings, words in ((dict(normalise="nonsense"), "normalise is 'nonsense'"),
                                (dict(width=0), "width is 0"), (dict(seed=-1), "seed is -1"),
                                (dict(in_channels=0), "in_channels is 0")):
            with pytest.raises(ValueError, match=words):
                network(**settings)


def refuse(*args, **kwargs):
    raise urllib.error.URLError("no route to host")


def test_a_refused_download_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(OSError, match=r"could not be downloaded from https.*weights=None"):
        ResNetUNet(weights="imagenet")
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_grey_images_meet_the_colours_sum(monkeypatch):
    from torchvision import models

    whole = models.resnet18(weights=None)
    monkeypatch.setattr("cellkit.networks.baselines.download", lambda _: whole.state_dict())
    colour, grey = ResNetUNet(3, weights="imagenet"), ResNetUNet(1, weights="imagenet")
    x = image(1, 1, 32, 32)
    torch.testing.assert_close(grey.first[0](x), colour.first[0](x.expand(-1, 3, -1, -1)),
                               atol=1e-5, rtol=1e-5)
    assert nn.Module.state_dict(colour.down[3])["0.conv1.weight"].equal(
        whole.layer4[0].conv1.weight)
