"""Stored networks: what goes in comes out, and nothing else is believed."""

import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cellkit import Crops, Sample, Samples, UNet, load_weights, predict, weights
from cellkit.samples import Entry
from cellkit.synthetic import render_many

CARD = {
    "data": [{"name": "discs", "licence": "CC0", "images": ["a", "b"]}],
    "metrics": {"dice": 0.9}, "minutes": 1.0,
    "command": "python -m experiments.bundled_weights discs",
}


@pytest.fixture
def stored(tmp_path):
    net = UNet(width=4, depth=2, head="distance", seed=5)
    return net, weights.save_weights(net, tmp_path / "discs.safetensors", CARD)


def test_half_precision_comes_back(stored):
    net, file = stored
    again = load_weights(file, device="cpu")
    for key, value in net.state_dict().items():
        expected = value.half().float() if value.is_floating_point() else value
        assert torch.equal(again.state_dict()[key], expected), key
    image = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    for name, found in predict(again, image, all=True, amp=False).items():
        np.testing.assert_allclose(found, predict(net, image, all=True, amp=False)[name], atol=0.01)
    assert not again.training and again.head == "distance"
    assert file.stat().st_size < 2.2 * sum(v.numel() for v in net.state_dict().values()) + 8000


def test_what_half_precision_cannot_hold_stays_whole(tmp_path):
    net = UNet(width=2, depth=1)
    net.down[0][1].running_var.fill_(1e6)
    again = load_weights(weights.save_weights(net, tmp_path / "w.safetensors", CARD), device="cpu")
    assert (again.down[0][1].running_var == 1e6).all()


def test_a_folder_that_is_not_there_yet_is_made(tmp_path):
    """Or half an hour of training is lost on its last line."""
    file = weights.save_weights(UNet(width=2, depth=1), tmp_path / "new" / "w.safetensors", CARD)
    assert load_weights(file, device="cpu").config["width"] == 2


def test_the_card_tells_what_it_is_made_of(stored):
    net, file = stored
    known = weights.card(file)
    assert {key: known[key] for key in CARD} == CARD
    assert known["network"] == "UNet" and known["config"] == net.config and known["version"]
    assert load_weights(file, device="cpu").card == known


def test_scoring_on_training_images_is_warned_of(stored, recwarn):
    net, file = stored
    known = weights.card(file)
    image = np.zeros((4, 4), np.float32)
    with pytest.warns(UserWarning, match=r"trained on 1 of these 2 images \(b\)"):
        weights.check_unseen(known, [Sample(image, None, "b"), Sample(image, None, "c")])
    with pytest.warns(UserWarning, match=r"2 of these 3 images \(a, b\)"):
        load_weights(file, samples=["a", "c", "b"], device="cpu")
    recwarn.clear()
    load_weights(file, samples=["c"], device="cpu")
    assert not recwarn


def test_missing_ones_are_named(tmp_path, stored):
    with pytest.raises(FileNotFoundError, match="no nothing.safetensors in .* bundled networks"):
        load_weights("nothing")
    _, file = stored
    file.with_suffix(".json").unlink()
    with pytest.raises(FileNotFoundError, match="no discs.json in .* card beside each other"):
        load_weights(file)


def test_damaged_files_are_named(stored):
    _, file = stored
    whole = file.read_bytes()
    for content in (whole[:200], whole[:-7], b"", pickle.dumps({"code": print})):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="cut off, damaged, or no safetensors file"):
            load_weights(file)
    changed = bytearray(whole)
    changed[-3] ^= 1
    file.write_bytes(bytes(changed))
    with pytest.raises(ValueError, match="not the file that its card discs.json describes"):
        load_weights(file)
    file.write_bytes(whole)
    text = file.with_suffix(".json").read_text(encoding="utf-8")
    file.with_suffix(".json").write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(ValueError, match="discs.json is cut off or damaged"):
        load_weights(file)


@pytest.mark.parametrize("change", [
    {"metrics": {"dice": 1.0}}, {"minutes": 2}, {"data": [{"name": "x", "images": []}]},
    {"command": "rm -r ."}, {"more": 1}, {"config": {"width": 10**6}}, {"card_sha256": "0" * 64},
])  # fmt: skip
def test_a_card_changed_by_hand_is_refused(stored, change):
    _, file = stored
    beside = file.with_suffix(".json")
    known = json.loads(beside.read_text(encoding="utf-8"))
    beside.write_text(json.dumps({**known, **change}), encoding="utf-8")
    for read in (weights.card, load_weights):
        with pytest.raises(ValueError, match="discs.json was changed by hand or is damaged"):
            read(file)


def test_a_network_too_large_to_be_is_refused(stored):
    _, file = stored
    beside = file.with_suffix(".json")
    known = json.loads(beside.read_text(encoding="utf-8"))
    for config in ({"width": 10**6}, {"depth": 40}):
        card = weights.sealed({**known, "config": {**known["config"], **config}})
        beside.write_text(json.dumps(card), encoding="utf-8")
        with pytest.raises(ValueError, match="discs.json describes a network with a"):
            load_weights(file)


def test_other_versions_and_architectures_are_named(stored):
    _, file = stored
    beside = file.with_suffix(".json")
    known = json.loads(beside.read_text(encoding="utf-8"))

    def change(**what):
        beside.write_text(json.dumps(weights.sealed({**known, **what})), encoding="utf-8")

    change(format=99)
    with pytest.raises(ValueError, match="card format 99, this version reads 2"):
        load_weights(file)
    change(network="MegaNet")
    with pytest.raises(ValueError, match="holds a 'MegaNet', expected one of"):
        load_weights(file)
    change(config={**known["config"], "turbo": True})
    with pytest.raises(ValueError, match="this version cannot build .*turbo"):
        load_weights(file)
    change(config={**known["config"], "width": 8})
    with pytest.raises(ValueError, match="is of another architecture: it has .* this network"):
        load_weights(file)


@pytest.mark.parametrize("change", [
    *[{key: None} for key in ("network", "config", "sha256", "data")], {"network": ["UNet"]},
    {"config": []}, {"data": 5}, {"data": [5]}, {"data": [{"name": "discs"}]},
])
def test_a_card_that_lacks_something_is_named(stored, change):
    _, file = stored
    beside = file.with_suffix(".json")
    known = json.loads(beside.read_text(encoding="utf-8"))
    for card in ({**known, **change}, {k: v for k, v in known.items() if k not in change}):
        beside.write_text(json.dumps(card), encoding="utf-8")
        for read in (weights.card, load_weights):
            with pytest.raises(ValueError, match=f"discs.json has {next(iter(change))} .*, expect"):
                read(file)


@pytest.mark.parametrize("net, change, error, words", [
    (nn.Conv2d(1, 1, 3), {}, TypeError, "net is Conv2d, expected one that can be built again"),
    (None, {}, TypeError, "net is NoneType"),
    (UNet(width=2, depth=1), None, TypeError, "card is None, expected a dict with data, metrics"),
    (UNet(width=2, depth=1), {"minutes": {1}}, TypeError, "what JSON cannot .*set"),
    (UNet(width=2, depth=1), {"minutes": np.float32(1)}, TypeError, "what JSON cannot .*float32"),
    (UNet(width=2, depth=1), {"data": [5]}, ValueError, r"the card has data \[5\]"),
])
def test_what_cannot_be_stored_is_named(tmp_path, net, change, error, words):
    with pytest.raises(error, match=words):
        card = None if change is None else CARD | change
        weights.save_weights(net, tmp_path / "w.safetensors", card)
    assert not list(tmp_path.iterdir())


def test_a_card_cannot_contradict_the_network(tmp_path):
    net = UNet(width=2, depth=1)
    card = {**CARD, "network": "VNet", "config": {}, "format": 9, "sha256": ""}
    file = weights.save_weights(net, tmp_path / "w.safetensors", card)
    assert load_weights(file, device="cpu").config == net.config


def test_a_name_that_is_none_is_named():
    with pytest.raises(TypeError, match="name is None, expected one of .*livecell"):
        load_weights(None)


def test_nothing_half_written_stays(stored, monkeypatch):
    net, file = stored
    before = file.read_bytes()
    monkeypatch.setattr(os, "replace", lambda a, b: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        weights.save_weights(UNet(width=2), file, CARD)
    assert file.read_bytes() == before
    assert sorted(p.name for p in file.parent.iterdir()) == ["discs.json", "discs.safetensors"]


def test_a_card_that_hides_something_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="the card lacks data"):
        weights.save_weights(UNet(width=2), tmp_path / "w.safetensors",
                             {k: v for k, v in CARD.items() if k != "data"})
    with pytest.raises(ValueError, match="ends in .safetensors"):
        weights.save_weights(UNet(width=2), tmp_path / "w.pt", CARD)
    assert not list(tmp_path.iterdir())


def test_bundled_networks_load_and_are_small():
    assert sum(f.stat().st_size for f in weights.FOLDER.glob("*.safetensors")) < 40e6
    for name in weights.available():
        net = load_weights(name, device="cpu")
        assert all(part["licence"] and part["images"] for part in net.card["data"])
        assert net.card["minutes"] > 0 and name in net.card["command"] and net.card["metrics"]
        licence = (weights.FOLDER / "LICENSE").read_text(encoding="utf-8")
        assert any(name.startswith(line.split("*")[0]) for line in licence.splitlines()
                   if "*  " in line), name


REAL = Path(os.environ.get("CELLKIT_DATA") or "no real data")


@pytest.mark.skipif(not (REAL / "livecell/annotations").is_dir(),
                    reason="needs the real LIVECell images")
def test_one_command_trains_again(tmp_path, monkeypatch, capsys):
    from experiments import bundled_weights as command

    monkeypatch.setenv("CELLKIT_DATA", str(REAL))
    short = {**command.RECIPES["livecell"]}
    short["network"] = {**short["network"], "width": 2}
    short["training"] = {**short["training"], "epochs": 1, "steps_per_epoch": 2, "crop": 64}
    monkeypatch.setattr(command, "DRAWN", {**command.DRAWN, "count": 8, "shape": (64, 64)})
    monkeypatch.setitem(command.RECIPES, "livecell", short)
    monkeypatch.setattr(command, "score", lambda name, net, samples: {"images": len(samples)})
    begun = ["--out", str(tmp_path), "--begun", str(tmp_path / "begun")]
    command.main(["livecell", "--holdout", *begun])
    command.main(["livecell", "--epochs", "2", *begun])
    assert sorted(p.name for p in tmp_path.glob("*.*")) == [
        "livecell.json", "livecell.measured.json", "livecell.safetensors"]
    net = load_weights(tmp_path / "livecell.safetensors", device="cpu")
    images = {part["name"]: part["images"] for part in net.card["data"]}
    assert len(images["livecell"]) == 42 and len(images["synthetic livecell"]) == 8
    assert "NC" in {part["name"]: part["licence"] for part in net.card["data"]}["livecell"]
    recipe = net.card["metrics"]["their recipe"]
    assert recipe["real images of held-out groups"]["images"] == 17
    command = net.card["command"]
    assert command.startswith("python -m experiments.bundled_weights livecell --epochs 2")


def test_what_others_begin_with_is_trained_once_and_goes_on(tmp_path, monkeypatch):
    from experiments import bundled_weights as command

    training = {"epochs": 2, "steps_per_epoch": 1, "batch_size": 1, "crop": 32}
    network = {"in_channels": 1, "width": 2, "depth": 1}
    monkeypatch.setattr(command, "RECIPES", {
        "first": {"network": network, "training": training},
        "second": {"network": network | {"head": "image"}, "training": training},
        "third": {"network": network | {"head": "image"}, "begin": "second", "segment": "first",
                  "training": training}})
    rows = render_many(2, shape=(40, 48), seed=0)
    asked, fit = [], command.fit

    def broken_off(net, *args, **settings):
        asked.append(type(net).__name__)
        return fit(net, *args, **settings | ({"epochs": 1} if len(asked) == 3 else {}))

    monkeypatch.setattr(command, "fit", broken_off)
    # The third one is broken off; without a schedule it may go on to more epochs.
    command.fitted("third", rows, None, 0, True, tmp_path)
    net, minutes = command.fitted("third", rows, None, 0, True, tmp_path)
    assert asked == 2 * ["UNet", "UNet", "DoubleUNet"] and minutes > 0
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"{name}-0-held-out.pt" for name in ("first", "second", "third")]
    before = [p.stat().st_mtime_ns for p in sorted(tmp_path.iterdir())]
    again, _ = command.fitted("third", rows, None, 0, True, tmp_path)
    assert [p.stat().st_mtime_ns for p in sorted(tmp_path.iterdir())] == before
    whole, _ = command.fitted("third", rows, None, 0, True, tmp_path / "new")
    for one in (again, whole):
        assert all((one.state_dict()[key] == value).all()
                   for key, value in net.state_dict().items())


@pytest.mark.parametrize("name, data", [("glas", "glas"), ("dsb2018", "dsb2018"),
                                        ("maskrcnn-light", "dsb2018")])
def test_colour_sets_are_trained_on_with_drawn_pictures(name, data, tmp_path, monkeypatch):
    from cellkit.datasets import bundled
    from experiments import bundled_weights as command

    shutil.copytree(bundled(data), tmp_path / "real" / data)
    monkeypatch.setenv("CELLKIT_DATA", str(tmp_path / "real"))
    recipe = command.RECIPES[name]
    monkeypatch.setitem(command.RECIPES, name, recipe | {
        "network": recipe["network"] | {"width": 4},
        "training": recipe["training"] | {"epochs": 1, "steps_per_epoch": 2, "crop": 64}})
    monkeypatch.setattr(command, "DRAWN", {**command.DRAWN, "count": 6, "shape": (64, 64)})
    command.main([name, "--out", str(tmp_path), "--begun", str(tmp_path / "begun")])
    assert not list((tmp_path / "begun").iterdir())
    net = load_weights(tmp_path / f"{name}.safetensors", device="cpu")
    images = {part["name"]: part["images"] for part in net.card["data"]}
    assert set(images) == {data, f"synthetic {data}"} and len(images[f"synthetic {data}"]) == 6
    scores = net.card["metrics"]["these weights"]["synthetic test images"]
    assert ("AP50" in scores) == (net.head != "foreground") and 0 <= scores["dice"] <= 1
    assert scores["iou"] <= scores["dice"]
    rows, _ = command.gather(name, holdout=False)
    of = [entry.dataset.startswith("synthetic") for entry in rows.entries]
    assert np.mean(of) == 0.25


def test_what_is_turned_in_a_wide_crop_brings_its_surroundings_with_it():
    from experiments.bundled_weights import ANY_ANGLE, Middle

    image = np.random.default_rng(0).random((40, 40)).astype(np.float32)
    labels = np.arange(1600, dtype=np.int32).reshape(40, 40)
    seen, kept = Middle(lambda image, labels, rng: (image, labels), 24)(image, labels, None)
    assert (kept == labels[8:32, 8:32]).all() and (seen == image[8:32, 8:32]).all()
    crops = Crops([Sample(image, labels, "one")], 40, augment=Middle(ANY_ANGLE, 24))
    assert all(part.shape == (1, 24, 24) for part in crops[0])


def test_the_recipe_shows_every_type_equally_often():
    from experiments.bundled_weights import even

    rows = Samples([Entry(f"{t}{i}", lambda: None, "livecell", t, f"{t}_Phase_{i}")
                    for t, n in (("A172", 9), ("BV2", 1), ("Huh7", 3)) for i in range(n)])
    drawn = even(rows)
    assert {t: drawn.cell_types.count(t) for t in set(drawn.cell_types)} == {
        "A172": 9, "BV2": 9, "Huh7": 9}
    assert set(drawn.names) == set(rows.names)


def test_traced_outlines_are_trained_on_a_little_smaller():
    from experiments.bundled_weights import trimmed

    labels = np.zeros((40, 60), np.int32)
    labels[5:35, 10:30], labels[5:35, 30:50] = 1, 2  # two cells that touch
    held = [Sample(np.zeros(labels.shape, np.float32), labels, name) for name in ("old", "new")]
    old, new = trimmed(Samples.of(held), ["old"])
    assert (new.labels == labels).all()
    assert old.labels.max() == 2 and (old.labels[old.labels > 0] == labels[old.labels > 0]).all()
    assert (labels > 0).sum() - (old.labels > 0).sum() == 30  # one column, from the free side
