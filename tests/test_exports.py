"""A network as one file for other programs: the same answers, at any size."""

import re
import zipfile

import numpy as np
import pytest
import torch

import cellkit as ck

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
SIZES = [(64, 64), (83, 101), (17, 130), (7, 5), (1, 1)]
NETS = {
    "foreground": lambda: ck.UNet(width=4, depth=3, up="bilinear", normalise="none"),
    "two_class": lambda: ck.UNet(width=4, depth=2, head="two_class", in_channels=3),
    "border": lambda: ck.UNet(width=4, depth=1, head="border"),
    "distance": lambda: ck.UNet(width=4, depth=2, head="distance", norm="group"),
    "flow": lambda: ck.UNet(width=4, depth=2, head="flow"),
    "image": lambda: ck.UNet(width=4, depth=2, head="image", residual=True, in_channels=3),
    "double": lambda: ck.DoubleUNet(
        ck.UNet(width=4, depth=2, head="image"), ck.UNet(width=4, depth=1)),
    "SimpleCNN": lambda: ck.SimpleCNN(),
    "ResNetUNet": lambda: ck.ResNetUNet(width=4),
}  # fmt: skip


def pictures(channels, sizes=SIZES):
    rng = np.random.default_rng(0)
    for size in sizes:
        image = rng.random((*size, channels), np.float32) * 0.7
        yield image[..., 0] if channels == 1 else image


def batch(image):
    return np.moveaxis(np.atleast_3d(image), 2, 0)[None]


def said(net, image):
    """What ``predict`` says, a map a channel."""
    maps = ck.predict(net, image, all=True, amp=False, tile=2048).values()
    return np.concatenate([np.moveaxis(np.atleast_3d(one), 2, 0) for one in maps])


def channels_of(net):
    return net.config.get("sharpen", net.config)["in_channels"]


def runner(path, format):
    if format == "torchscript":
        net = torch.jit.load(path)
        return lambda x: net(torch.from_numpy(x)).detach().numpy()
    pytest.importorskip("onnx")
    session = pytest.importorskip("onnxruntime").InferenceSession(path)
    return lambda x: session.run(None, {"image": x})[0]


ENDS = {"torchscript": ".pt", "onnx": ".onnx", "bioimageio": ".zip"}


@pytest.mark.parametrize(("name", "format"), [
    *((name, "torchscript") for name in NETS),
    *((name, "onnx") for name in ("foreground", "image", "double")),
])  # fmt: skip
def test_an_exported_network_says_what_predict_says(name, format, tmp_path):
    net = NETS[name]().train()
    if format == "onnx":
        pytest.importorskip("onnx")
    path = ck.export(net, tmp_path / f"a{ENDS[format]}", format)
    assert net.training and [one.name for one in tmp_path.iterdir()] == [path.name]
    run = runner(path, format)
    for image in pictures(channels_of(net)):
        np.testing.assert_allclose(run(batch(image))[0], said(net, image), atol=1e-5)
    both = [batch(one) for one in pictures(channels_of(net), [(40, 50)] * 2)]
    both[1] = both[1] * 0.1  # each has a brightness of its own
    alone = np.concatenate([run(one) for one in both])
    np.testing.assert_allclose(run(np.concatenate(both)), alone, atol=1e-5)


@pytest.mark.parametrize("format", ["torchscript", "onnx"])
def test_a_trained_network_says_the_same_of_cells(format, tmp_path):
    image = ck.read("livecell")[0].image
    if format == "onnx":
        pytest.importorskip("onnx")
    path = ck.export("livecell", tmp_path / f"a{ENDS[format]}", format)
    found = runner(path, format)(batch(image))[0]
    expected = said(ck.load_weights("livecell", device="cpu"), image)
    assert expected.min() < 0.1 and expected.max() > 0.9
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_torchscript_file_says_what_it_is(tmp_path):
    more = {"cellkit.json": ""}
    net = torch.jit.load(ck.export("livecell", tmp_path / "a.pt"), _extra_files=more)
    # It runs wherever it is moved: no tensor is made on a device that was written down.
    assert not re.findall(r"aten::(?:arange|zeros|ones|full|empty|new_\w+|\w+_like)\(",
                          str(net.inlined_graph))  # fmt: skip
    assert b'"output": ["foreground"]' in more["cellkit.json"]
    assert b"CC BY-NC 4.0" in more["cellkit.json"]


@pytest.mark.parametrize(("name", "licence"), [
    ("glas", None), ("livecell-objects", "CC-BY-NC-4.0")])
def test_a_bioimageio_model_is_valid_and_reproduces_its_test_output(name, licence, tmp_path):
    spec = pytest.importorskip("bioimageio.spec")
    path = ck.export(name, tmp_path / "a.zip", "bioimageio")
    model = spec.load_description(path)
    told = model.validation_summary
    assert isinstance(model, spec.model.ModelDescr), told.format()
    assert told.status in ("valid-format", "passed")
    assert (str(model.license) if model.license else None) == licence
    with zipfile.ZipFile(path) as packed:
        packed.extractall(tmp_path)
    one, other = (np.load(tmp_path / f"test_{word}.npy") for word in ("input", "output"))
    found = runner(tmp_path / "weights.pt", "torchscript")(one)
    np.testing.assert_allclose(found, other, atol=1e-6)
    image = np.moveaxis(one[0], 0, 2).squeeze()
    np.testing.assert_allclose(other[0], said(ck.load_weights(name, device="cpu"), image),
                               atol=1e-5)  # fmt: skip


@pytest.mark.parametrize(("net", "path", "format", "told"), [
    (lambda: "maskrcnn-light", "a.pt", "torchscript", "a Mask R-CNN gives a list of objects"),
    (lambda: torch.nn.Conv2d(1, 1, 1), "a.pt", "torchscript", "Conv2d cannot be exported"),
    (lambda: "livecell", "a.onnx", "torchscript", "expected one that ends in .pt"),
    (lambda: "livecell", "a.pt", "tensorflow", "expected one of torchscript, onnx, bioimageio"),
    (lambda: "nothing", "a.pt", "torchscript", "expected one of the bundled networks"),
])  # fmt: skip
def test_what_cannot_be_exported_is_told(net, path, format, told, tmp_path):
    with pytest.raises((ValueError, FileNotFoundError), match=told):
        ck.export(net(), tmp_path / path, format)
    assert not list(tmp_path.iterdir())


def test_a_writer_that_fails_leaves_the_older_file(tmp_path, monkeypatch):
    (tmp_path / "a.pt").write_text("older")

    def fail(*_, **__):
        raise RuntimeError("full")

    monkeypatch.setattr(torch.jit, "save", fail)
    with pytest.raises(RuntimeError):
        ck.export(ck.UNet(width=2, depth=1), tmp_path / "a.pt")
    assert [one.read_text() for one in tmp_path.iterdir()] == ["older"]
