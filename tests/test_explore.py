"""Explorers: what they show is what the front door says, whatever is done to them."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.utils.capture import capture_output
from PIL import Image
from scipy import ndimage
from torch import nn

import cellkit as ck
from cellkit import augment, explore, show
from cellkit.explore.seeds import merged_cells
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


def message(explorer):
    """What the page's script was told last."""
    answer = explorer.children[1].value
    assert "<" not in answer  # or the page would take it for tags
    return json.loads(html.unescape(answer))


def said(explorer):
    """All that stands in an explorer in words."""
    told = message(explorer)
    view = told.get("view", {})
    return " ".join(filter(None, [view.get("words"), view.get("legend"), told["note"],
                                  told.get("error")]))


def seen(image, like=None):
    """As a network sees it: three standard deviations each way, from black to white."""
    like = image if like is None else like
    return np.clip((image - like.mean()) / (6 * like.std()) + 0.5, 0, 1)


# The explorer itself ------------------------------------------------------------------------------


def counting(**options):
    looked = []

    def look(n):
        looked.append(n)
        return explore.View({"grey": np.full((16, 24), n / 10)}, {"n": n}, f"the number is {n}")

    return explore.Explorer(look, {"n": widgets.IntSlider(max=10)}, **options), looked


def test_it_opens_and_follows_its_controls():
    explorer, looked = counting()
    assert looked == [0] and explorer.numbers == {"n": 0}
    explorer.controls["n"].value = 4
    assert explorer.values() == {"n": 4} and explorer.numbers == {"n": 4}
    assert apart(picture(explorer), np.full((16, 24), 0.4)) < 2
    assert picture(explorer).shape == (16, 24, 3)


def test_what_was_seen_is_kept_and_not_for_ever():
    explorer, looked = counting(remember=3)
    for value in (1, 2, 1, 2, 1):
        explorer.controls["n"].value = value
    assert looked == [0, 1, 2]
    for value in (3, 4, 0):
        explorer.controls["n"].value = value
    assert looked == [0, 1, 2, 3, 4, 0]


def test_everything_stands_there_in_words_too():
    explorer, _ = counting()
    explorer.controls["n"].value = 3
    view = message(explorer)["view"]
    assert said(explorer) == view["words"] == "the number is 3"
    assert view["numbers"] == [["n", "3", 3.0]] and view["pictures"][0]["title"] == "grey"
    assert message(explorer)["line"] == "explorer.set(**{'n': 3})"
    assert repr(explorer) == "[Explorer: the number is 3]"
    assert explorer.set(**{"n": 5}).numbers == {"n": 5}
    with pytest.raises(ValueError, match="the control is 'm', expected one of n"):
        explorer.set(m=3)


def test_a_saved_notebook_keeps_a_picture_with_words_beside_what_moves():
    explorer, _ = counting()
    InteractiveShell.instance()
    try:
        with capture_output() as caught:
            display(explorer)
    finally:
        InteractiveShell.clear_instance()
    still, moving = caught.outputs
    text = still.data["text/html"]
    assert '<img alt=", grey: the number is 0"' in text or 'alt="grey: the number is 0"' in text
    assert text.index("<img") < text.index("<script>") and "<table" in text
    assert still.data["text/plain"] == "[Explorer: the number is 0]"
    assert "http://www.w3.org/2000/svg" in text and text.count("http") == 1  # a name, no address
    widget = moving.data["application/vnd.jupyter.widget-view+json"]
    assert widget["model_id"] == explorer.model_id


def test_a_page_has_all_its_views_and_asks_nobody(tmp_path):
    explorer, looked = counting(title="Count")
    path = explorer.export(tmp_path / "count.html")
    text = Path(path).read_text(encoding="utf-8")
    assert looked == list(range(11)) and text.count("http") == 1
    spec = json.loads(re.search(r'document.getElementById\("[^"]+"\),(.*?)\);</script>', text)[1])
    assert list(spec["views"]) == [str(n) for n in range(11)] and not spec["live"]
    assert spec["views"]["7"]["words"] == "the number is 7"
    assert text.count("<figure") == 4 and text.count('<th scope="row">') == 11  # the twin
    assert [file.name for file in tmp_path.iterdir()] == ["count.html"]
    with pytest.raises(ValueError, match="bytes, expected at most 9,000; export fewer images"):
        explorer.export(tmp_path / "small.html", largest=9000)
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(ValueError, match="expected numbers from 0 to 0"):
        explorer.export(tmp_path / "none.html", images=[4])

def test_an_error_becomes_a_sentence_and_the_next_value_heals_it():
    def look(n):
        if n == 1:
            raise ValueError("n is 1, expected <another> number.")
        if n == 2:
            raise KeyError("key")
        return explore.View({"grey": np.zeros((9, 9))}, {"n": n}, "fine")

    explorer = explore.Explorer(look, {"n": widgets.IntSlider()})
    explorer.controls["n"].value = 1
    assert said(explorer) == "n is 1, expected <another> number."
    assert isinstance(explorer.error, ValueError) and explorer.pictures == {}
    assert "view" not in message(explorer)
    explorer.controls["n"].value = 2
    assert "KeyError: key" in said(explorer)
    explorer.controls["n"].value = 3
    assert explorer.error is None and said(explorer) == "fine" and explorer.pictures


def test_where_nobody_looks_an_error_is_an_error(monkeypatch):
    monkeypatch.setenv("CELLKIT_STRICT", "1")
    with pytest.raises(ZeroDivisionError):
        explore.Explorer(lambda n: 1 / n, {"n": widgets.IntSlider()})


def test_merged_cells_do_not_become_fewer_when_everything_runs_together():
    truth = np.array([[1, 1, 2, 2, 0, 3, 3, 0, 4, 4]])
    pairs = np.array([[1, 1, 1, 1, 0, 2, 2, 2, 2, 2]])
    assert merged_cells(truth, truth) == merged_cells(truth, 0 * truth) == 0
    assert merged_cells(truth, pairs) == merged_cells(truth, np.ones_like(truth)) == 4
    assert merged_cells(truth, np.where(truth == 1, [[5, 6] * 5], 7 * (truth > 2))) == 2


def test_the_twin_shows_each_value_and_says_it_in_text(capsys):
    explorer, _ = counting()
    explorer.twin("n", (2, 5, 9))
    out = capsys.readouterr().out
    assert out.startswith("[Figure: n 2: the number is 2 n 5: the number is 5 n 9:")
    assert [line.split() for line in out.splitlines()[-3:]] == [["2"], ["5"], ["9"]]
    assert explorer.controls["n"].value == 0
    with pytest.raises(ValueError, match="the control is 'm', expected one of n"):
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
    sides = max(1, int(150 * M + 0.5)), max(1, int(120 * M + 0.5))
    cells = [pred[sample.labels == k].mean() >= 0.5 for k in np.unique(sample.labels)[1:]]
    assert explorer.numbers == {
        "pixels": f"{sides[0]} × {sides[1]}",
        "pixels left": pytest.approx(sides[0] * sides[1] / (150 * 120)),
        "cells found": pytest.approx(np.mean(cells)),
        "Dice": pytest.approx(ck.dice(sample.mask, pred), abs=1e-3),
        "edge Dice": pytest.approx(ck.edge_dice(sample.mask, pred), abs=1e-3),
        "PSNR, dB": pytest.approx(ck.psnr(sample.image, low)),
        "bytes, raw": stored.raw, "bytes, JPEG": stored.jpeg,
    }
    assert apart(picture(explorer), show.compare(sample.mask, pred, seen(low))) < 5
    assert apart(picture(explorer, 0), seen(low)) < 3
    idle = {1: ["resampler", "antialias"]}.get(
        M, ["antialias"] if resampler in ("area", "nearest") else [])
    assert message(explorer)["view"]["idle"] == idle


def test_super_resolution_in_front_is_shown_and_measured(sample, net):
    sharpen = ck.UNet(width=4, depth=2, residual=True, head="image", seed=1).eval()
    explorer = explore.resolution(sample, strategies={"both": explore.strategy(net, sharpen)},
                                  start=1 / 4)
    low = ck.degrade(sample.image, 1 / 4)
    sharp = ck.super_resolve(sharpen, low)
    assert abs(sharp - low).mean() > 0.005
    assert explorer.numbers["PSNR super-resolved, dB"] == pytest.approx(
        ck.psnr(sample.image, sharp), abs=1e-3)
    assert explorer.numbers["Dice"] == pytest.approx(
        ck.dice(sample.mask, ck.predict(net, sharp) > 0.5), abs=2e-3)
    assert apart(picture(explorer, 0), seen(sharp)) < 3
    lesson4 = explore.super_resolution(sample, sharpen, start=1 / 4)
    assert lesson4.numbers["SSIM"] == pytest.approx(ck.ssim(sample.image, low))
    lesson4.controls["super-resolution"].value = True
    assert lesson4.numbers["SSIM"] == pytest.approx(ck.ssim(sample.image, sharp), abs=1e-4)
    assert apart(picture(lesson4, 0), seen(sharp, sample.image)) < 3


def test_super_resolution_of_odd_images_is_shown_or_refused_in_words():
    sharpen = ck.UNet(width=2, depth=2, residual=True, head="image")
    flat = explore.super_resolution(np.full((40, 50), 0.3), sharpen)
    assert flat.numbers["PSNR, dB"] > 100  # equal but for rounding
    assert flat.numbers["SSIM"] == pytest.approx(1) and flat.numbers["contrast left"] >= 1
    colour = explore.super_resolution(np.full((40, 50, 3), (0.3, 0.5, 0.2)), sharpen)
    colour.controls["super-resolution"].value = True
    assert colour.error is None and colour.numbers["PSNR, dB"] > 60  # seen in grey
    tiny = explore.super_resolution(np.full((9, 50), 0.3), sharpen)
    assert "at least 11 pixels" in said(tiny)
    for M in (0, -0.5, 1.5):
        assert "expected 0 < M <= 1" in said(
            explore.super_resolution(np.full((40, 50), 0.3), sharpen, M=(M,)))


def half_map(image, M):
    return None, np.full(image.shape[:2], 0.75, np.float32)


def test_a_strategy_of_one_M_is_offered_only_there(sample):
    explorer = explore.resolution(sample, strategies={
        "always": half_map, "at a quarter": explore.Strategy(half_map, only=1 / 4)}, start=1)
    choice = explorer.controls["strategy"]
    assert choice.options == ("always",)
    assert '"at a quarter" is offered at M = 1/4 only.' in said(explorer)
    explorer.controls["M"].value = 1 / 4
    assert choice.options == ("always", "at a quarter") and choice.value == "always"
    choice.value = "at a quarter"
    explorer.controls["M"].value = 1 / 8
    assert choice.value == "always" and explorer.error is None
    text = said(explorer)
    assert '"at a quarter" is not made for this M, so "always" is shown.' in text


@pytest.mark.parametrize("M", [0, -0.5, 2, float("inf")])
def test_M_out_of_range_is_said_in_the_explorer(sample, M):
    explorer = explore.resolution(sample, strategies={"half": half_map}, M=(1, M))
    explorer.controls["M"].index = 1
    assert "expected 0 < M <= 1" in str(explorer.error)
    assert "expected 0 < M <= 1" in said(explorer)
    explorer.controls["M"].index = 0
    assert explorer.error is None


@pytest.mark.parametrize("M", [(), (float("nan"),), 0.5])
def test_no_factor_to_choose_is_said_at_once(sample, M):
    with pytest.raises(ValueError, match="expected factors such as"):
        explore.resolution(sample, strategies={"half": half_map}, M=M)


def test_a_model_that_does_not_fit_is_said_in_the_explorer(sample, net, tmp_path):
    colour = Sample(np.repeat(sample.image[..., None], 3, 2), sample.labels, "rgb")
    assert explore.resolution(colour, net).numbers["Dice"] == pytest.approx(  # it is seen in grey
        explore.resolution(sample, net).numbers["Dice"], abs=1e-3)
    rgb = ck.UNet(in_channels=3, width=4, depth=2)
    assert "has 1 channel(s), the network takes 3" in said(explore.resolution(sample, rgb))
    assert explore.resolution(colour, rgb).error is None
    assert "the head 'image'" in said(
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
    (lambda image, M: (None, np.zeros((3, 3))), "the image (120, 150), expected the same"),
    (lambda image, M: (None, np.full(image.shape, 7.0)), "values from 7 to 7, expected [0, 1]"),
])  # fmt: skip
def test_a_strategy_that_returns_something_else_is_told_so(sample, way, words):
    assert words in str(explore.resolution(sample, strategies={"mine": way}).error)


def own(kind, image):
    """The same picture as people have it."""
    bytes_ = (image * 255).round().astype(np.uint8)
    return {
        "float64": image.astype(np.float64), "8 bits": bytes_,
        "16 bits": (image * 65535).round().astype(np.uint16),
        "colour": np.repeat(bytes_[..., None], 3, 2),
        "transparent": np.dstack([bytes_] * 3 + [np.full_like(bytes_, 255)]),
        "one channel": bytes_[..., None], "beyond 1": image * 4000.0,
    }[kind]


@pytest.mark.parametrize("kind", ["float64", "8 bits", "16 bits", "colour", "transparent",
                                  "one channel", "beyond 1"])
def test_an_image_of_ones_own_needs_no_truth(sample, net, kind):
    explorer = explore.resolution(own(kind, sample.image), net)
    assert explorer.error is None and "Dice" not in explorer.numbers
    assert "of your picture for cells; the truth is not known" in explorer.words
    assert apart(picture(explorer, 0), seen(sample.image)) < 4
    assert ("transparency was dropped" in said(explorer)) == (kind == "transparent")


@pytest.mark.parametrize("how", ["path", "bytes", "ipywidgets 7", "ipywidgets 8"])
def test_a_file_of_ones_own_is_opened(sample, net, tmp_path, how):
    path = tmp_path / "mine.png"
    Image.fromarray((sample.image * 255).round().astype(np.uint8)).save(path)
    data = path.read_bytes()
    given = {"path": path, "bytes": data, "ipywidgets 7": {"mine.png": {"content": data}},
             "ipywidgets 8": ({"name": "mine.png", "content": memoryview(data)},)}[how]
    explorer = explore.resolution(given, net)
    assert explorer.error is None and apart(picture(explorer, 0), seen(sample.image)) < 4


@pytest.mark.parametrize("bytes_a_piece", [500, 10**6])
def test_an_uploaded_picture_comes_in_pieces_and_takes_its_place(sample, net, bytes_a_piece):
    explorer, file = explore.resolution([sample, sample], net), io.BytesIO()
    tinted = (sample.image[..., None] * (0.9, 0.5, 0.2) * 255).round().astype(np.uint8)

    def upload(data):
        pieces = [data[k:k + bytes_a_piece] for k in range(0, len(data), bytes_a_piece)]
        for k, piece in enumerate(pieces):
            asked = {"part": k, "parts": len(pieces), "data": base64.b64encode(piece).decode()}
            explorer.children[0].value = json.dumps({"file": asked})
            if k + 1 < len(pieces):
                assert message(explorer) == {"got": k}

    Image.fromarray(tinted).save(file, "PNG")
    upload(file.getvalue())
    assert [name for name, _ in explorer.controls["image"].options] == [
        "crop", "crop", "your picture"]
    assert "of your picture for cells" in explorer.words and "Dice" not in explorer.numbers
    assert apart(picture(explorer, 0), seen(ck.datasets.to_grey(tinted / np.float32(255)))) < 4
    upload(file.getvalue())
    assert explorer.controls["image"].value == 3 and "your picture 2" in explorer.words
    before = picture(explorer, 0)
    upload(b"no picture" * 100)
    assert "cannot be read as an image" in message(explorer)["refused"]
    assert (picture(explorer, 0) == before).all() and explorer.error is None


def test_what_is_no_picture_is_said(net):
    with pytest.raises(ValueError, match="the uploaded file cannot be read as an image"):
        explore.resolution(b"no picture", net)
    with pytest.raises(ValueError, match=r"shape \(5, 9, 9, 2\), expected \(H, W\)"):
        explore.resolution(np.zeros((5, 9, 9, 2)), net)
    with pytest.raises(FileNotFoundError):
        explore.resolution("nowhere.png", net)


def test_a_large_picture_is_shrunk_with_a_sentence():
    explorer = explore.resolution(np.zeros((3000, 4000), np.uint8), strategies={"half": half_map})
    assert "shrunk from 4000 × 3000 to 1024 × 768 pixels" in said(explorer)
    assert picture(explorer, 0).shape == (768, 1024, 3)


def test_by_default_there_is_one_bundled_image_a_line_marked_synthetic():
    explorer = explore.resolution(strategies={"half": half_map})
    names = [name for name, _ in explorer.controls["image"].options]
    assert len(names) == 8 and "synthetic" in next(iter(explorer.pictures))
    first = explorer.numbers
    explorer.controls["image"].value = 3
    assert explorer.numbers != first and names[3] in next(iter(explorer.pictures))


# Instances ----------------------------------------------------------------------------------------


def test_instances_shows_what_the_front_door_says(sample):
    explorer = explore.instances(sample, maps=sample.mask)
    assert "threshold" not in explorer.controls  # a mask is above each of them, or below
    assert "threshold" in explore.instances(sample, maps=sample.mask * 0.7).controls
    settings = {"smoothing": 2.5, "peak_distance": 9, "min_size": 40}
    for name, value in settings.items():
        explorer.controls[name].value = value
    found = ck.instances(sample.mask, **settings)
    scores = ck.average_precision(sample.labels, found, ck.metrics.THRESHOLDS)
    assert explorer.numbers["cells found"] == found.max()
    assert explorer.numbers["cells in truth"] == len(np.unique(sample.labels)) - 1
    assert explorer.numbers["AP at IoU 0.5"] == scores[0]
    assert explorer.numbers["AP, mean over 0.5 to 0.95"] == scores.mean()
    assert apart(picture(explorer, 0), show.colour_labels(found, sample.image)) < 10  # with seeds
    assert apart(picture(explorer, 1), show.colour_labels(sample.labels, sample.image)) < 6


def test_each_cell_has_its_seed_drawn(sample):
    explorer = explore.instances(sample, maps=sample.mask)
    [(_, drawn), _] = explorer.look(**explorer.values()).pictures.items()
    bare = show.colour_labels(ck.instances(sample.mask), sample.image)
    dots, number = ndimage.label((drawn == 1).all(-1) & (bare != 1).any(-1))
    assert 0.9 * explorer.numbers["cells found"] <= number <= 1.1 * explorer.numbers["cells found"]


def test_instances_takes_each_method_with_its_own_sliders(sample, net):
    distance = ck.UNet(width=4, depth=2, head="distance")
    explorer = explore.instances(sample, distance, method="distance")
    assert list(explorer.controls) == ["h", "seed_threshold", "smoothing", "threshold",
                                       "min_size", "image"]
    assert explorer.error is None
    found = ck.instances(ck.predict(distance, sample.image, all=True), "distance")
    assert explorer.numbers["cells found"] == found.max()
    assert "needs 'distance'" in said(explore.instances(sample, net, method="distance"))
    assert list(explore.instances(sample, net, method="components").controls) == [
        "threshold", "min_size", "image"]
    assert "image" not in explore.instances(sample, maps=sample.mask).controls  # they are its maps
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
        one = next(kind() for kind in vars(augment).values()
                   if isinstance(kind, type) and kind.__name__.lower() == name)
        strength = explorer.controls["strength"]
        assert strength.value == pytest.approx(one.between[1]), name  # where a training begins
        here = message(explorer)["controls"]
        at = next(told for told in here if told["name"] == "strength")
        assert float(at["steps"][at["at"]]) == pytest.approx(one.between[1], rel=1e-4), name
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
    assert isinstance(explorer.error, ValueError) and "drawn on it (9, 9)" in str(explorer.error)


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
