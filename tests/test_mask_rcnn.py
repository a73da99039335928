"""Mask R-CNN: targets, detections and their merging against torchvision's, and legal odd input."""

import urllib.error

import numpy as np
import pytest
import torch
from torchvision import ops
from torchvision.models.detection.roi_heads import paste_masks_in_image

import cellkit as ck
from cellkit import MaskRCNN, Sample, inference, postprocessing, weights
from cellkit.augment import Pipeline, Rotate
from cellkit.networks.mask_rcnn import targets
from cellkit.postprocessing import Detections
from cellkit.train import checkpoints


def discs(*where, shape=(64, 64), radius=6):
    y, x = np.indices(shape)
    found = np.zeros(shape, np.int32)
    for k, (row, column) in enumerate(where, start=1):
        found[np.hypot(y - row, x - column) < radius] = k
    return found


def sample(truth, seed=0, name="one"):
    noise = np.random.default_rng(seed).random(truth.shape)
    return Sample((0.2 + 0.6 * (truth > 0) + 0.1 * noise).astype(np.float32), truth, name)


def random_detections(n, shape=(90, 120), seed=0):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-5, 90, (n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.5, 40, (n, 2))], 1)
    boxes = np.clip(boxes, 0, [shape[1], shape[0]] * 2).astype(np.float32)
    keep = (boxes[:, 2:] - boxes[:, :2] > 0.1).all(1)
    return Detections(boxes, rng.random(n).astype(np.float32),
                      rng.random((n, 28, 28)).astype(np.float32), shape).take(keep)


@pytest.fixture(scope="module")
def net():
    return MaskRCNN(width=4, detections=20).eval()


# --- Targets ------------------------------------------------------------------------------------

def test_targets_are_torchvisions_boxes_with_the_last_pixel_inside():
    truth = discs((15, 15), (40, 30), (50, 58))
    found = targets(truth)
    theirs = ops.masks_to_boxes(found["masks"])  # its right and bottom are the last pixels
    torch.testing.assert_close(found["boxes"], theirs + torch.tensor([0, 0, 1, 1]))
    assert found["labels"].tolist() == [1, 1, 1]
    np.testing.assert_array_equal((found["masks"].numpy() * np.arange(1, 4)[:, None, None]).sum(0),
                                  truth)


def test_one_pixel_no_object_and_an_object_in_two_pieces():
    truth = np.zeros((8, 9), np.int32)
    assert targets(truth)["boxes"].shape == (0, 4) and targets(truth)["masks"].shape == (0, 8, 9)
    truth[3, 5] = 7
    assert targets(truth)["boxes"].tolist() == [[5, 3, 6, 4]]
    truth[3, 0] = 7  # a mirrored edge does this
    assert sorted(targets(truth)["boxes"].tolist()) == [[0, 3, 1, 4], [5, 3, 6, 4]]
    truth[4, 1] = 7  # by a corner it is still one
    assert sorted(targets(truth)["boxes"].tolist()) == [[0, 3, 2, 5], [5, 3, 6, 4]]


@pytest.mark.parametrize("outside", ["mirror", "black"])
def test_boxes_and_masks_move_with_the_image(outside):
    truth = discs((20, 12), (45, 40))
    image = sample(truth).image
    crops = ck.Crops([Sample(image, truth, "one")], 48, head="objects", seed=3, repeats=8,
                     augment=Pipeline(Rotate(90), outside=outside))
    seen = 0
    for item in range(8):
        picture, moved = crops[item]
        assert moved.dtype == torch.int64 and moved.shape == (48, 48)
        found = targets(moved)
        assert (found["boxes"][:, 2:] > found["boxes"][:, :2]).all()  # cut away: no box at all
        for box, mask in zip(found["boxes"].int().tolist(), found["masks"].bool(), strict=True):
            rows, columns = np.nonzero(mask.numpy())
            assert box == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            if len(rows) > 20:
                assert picture[0][mask].mean() > picture[0][moved == 0].mean() + 1
                seen += 1
    assert seen > 8


# --- The network --------------------------------------------------------------------------------

def test_the_light_one_is_light():
    assert sum(p.numel() for p in MaskRCNN().parameters()) <= 8_000_000


@pytest.mark.parametrize("truth", [
    np.zeros((64, 64), np.int32), discs((30, 30), radius=0.5), discs((2, 2), (60, 61)),
], ids=["no object", "one pixel", "at the edges"])
def test_legal_oddities_train(net, truth):
    x = torch.from_numpy(sample(truth).image)[None, None]
    net.train()
    value = net.loss(x, torch.from_numpy(truth)[None].long())
    value.backward()
    assert torch.isfinite(value)
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)
    net.zero_grad(set_to_none=True)
    net.eval()


def test_five_hundred_objects_train(net):
    truth = np.zeros((176, 160), np.int32)
    rows, columns = np.divmod(np.arange(500), 22)
    for k, (row, column) in enumerate(zip(rows, columns, strict=True), start=1):
        truth[7 * row + 1:7 * row + 5, 7 * column + 1:7 * column + 5] = k
    assert len(targets(truth)["boxes"]) == 500
    with torch.no_grad():
        value = net.loss(torch.from_numpy(sample(truth).image)[None, None],
                         torch.from_numpy(truth)[None].long())
    assert torch.isfinite(value)


def test_losses_are_torchvisions():
    """The same parts in torchvision's own frame, which may neither resize nor normalise."""
    from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
    from torchvision.models.detection.transform import GeneralizedRCNNTransform

    class AsItIs(GeneralizedRCNNTransform):
        def resize(self, image, target=None):
            return image, target

    net = MaskRCNN(in_channels=3, backbone="resnet18", detections=5).train()
    frame = GeneralizedRCNN(net.backbone, net.rpn, net.roi_heads,
                            AsItIs(64, 64, [0.0] * 3, [1.0] * 3)).train()
    truth = discs((20, 12), (45, 40))
    x = torch.from_numpy(sample(truth).image)[None, None].expand(1, 3, -1, -1)
    torch.manual_seed(0)
    theirs = sum(frame([x[0]], [targets(truth)]).values())
    torch.manual_seed(0)
    torch.testing.assert_close(net.loss(x, torch.from_numpy(truth)[None].long()), theirs)
    frame.eval()
    with torch.no_grad():
        mine, other = net(x)[0], frame([x[0]])[0]
    np.testing.assert_allclose(mine.boxes, other["boxes"].numpy(), atol=1e-4)
    np.testing.assert_allclose(mine.scores, other["scores"].numpy(), atol=1e-5)


def test_a_size_enlarges_and_the_boxes_come_back():
    net = MaskRCNN(width=4, size=96).eval()
    with torch.no_grad():
        found = net(torch.randn(1, 1, 40, 50, generator=torch.Generator().manual_seed(0)))[0]
    assert found.shape == (40, 50) and len(found.scores)
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, 2] <= 50.3).all() and (found.boxes[:, 3] <= 40.3).all()
    assert found.boxes.max() > 41  # not those of the enlarged image either
    with torch.no_grad():
        assert torch.isfinite(net.loss(torch.randn(1, 1, 40, 50), torch.zeros(1, 40, 50).long()))


@pytest.mark.parametrize("size", [(1, 1), (5, 70), (33, 20)])
def test_images_smaller_than_an_anchor(net, size):
    image = np.random.default_rng(0).random(size, np.float32)
    found = ck.detect(net, image, min_score=0)
    assert found.dtype == np.int32 and found.shape == size
    said = ck.predict(net, image)
    assert said.dtype == np.float32 and 0 <= said.min() <= said.max() <= 1


@pytest.mark.parametrize("training", [False, True])
def test_it_may_be_called_like_any_network_without_no_grad(training):
    found = MaskRCNN(width=2, detections=5).train(training)(torch.rand(2, 1, 48, 48))
    assert len(found) == 2 and all(one.shape == (48, 48) for one in found)


def test_losses_leave_the_modes_and_the_statistics_as_they_were(net):
    before = {key: value.clone() for key, value in net.state_dict().items()}
    truth = torch.from_numpy(discs((20, 12)))[None].long()
    net.loss(torch.randn(1, 1, 64, 64), truth)
    assert not any(module.training for module in net.modules())
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_it_learns_validates_and_is_stored(tmp_path):
    rows = [sample(discs((14 + 3 * k, 16), (40, 44), (16, 46)), k, f"s{k}") for k in range(3)]
    net = MaskRCNN(width=4, detections=20)
    history = ck.fit(net, rows[:2], rows[2:], epochs=4, steps_per_epoch=12, batch_size=2, crop=64,
                     lr=3e-3, schedule="onecycle", augment=None, amp=False, progress=False,
                     checkpoint=tmp_path / "net.pt")
    assert history.train_loss[-1] < 0.5 * history.train_loss[0]
    assert np.isnan(history.train_metric).all() and max(history.valid_metric) > 0.7
    again = checkpoints.load(tmp_path / "net.pt")
    image, truth = rows[2].image, rows[2].labels
    np.testing.assert_array_equal(ck.detect(again, image, amp=False),
                                  ck.detect(net, image, amp=False))
    assert ck.average_precision(truth, ck.detect(net, image, amp=False), 0.5) > 0.5
    file = weights.save_weights(net, tmp_path / "net.safetensors",
                                dict(data=[], metrics={}, minutes=0, command=""))
    stored = ck.load_weights(file)
    assert ck.dice(truth, ck.predict(stored, image, amp=False) > 0.5) > 0.7


def test_wrong_settings_are_named(net, monkeypatch, tmp_path):
    for settings, words in [
        (dict(backbone="vgg"), "backbone is 'vgg'"),
        (dict(anchors=((8,), (16,))), "expected 3 tuples"),
        (dict(anchors="torchvision"), "expected 3 tuples"),
        (dict(anchors=((8,), (16, 24), (32,))), "as many in each"),
        (dict(backbone="resnet18", in_channels=2), "expected one of 1, 3"),
        (dict(weights="coco"), "for backbone 'light'"),
        (dict(backbone="resnet18", weights="coco"), "'resnet18'. is 'coco', expected one of None"),
        (dict(norm="x"), "norm is 'x', expected one of batch, frozen"),
        (dict(normalise="x"), "normalise is 'x'"),
        (dict(detections=-1), "detections is -1, expected a whole number of at least 1"),
        (dict(size=0), "size is 0, expected a whole number of at least 1"),
        (dict(size=-5), "size is -5"),
        (dict(width=0), "width is 0"),
    ]:
        with pytest.raises(ValueError, match=words):
            MaskRCNN(**settings)
    with pytest.raises(ValueError, match="losses of its own"):
        ck.fit(net, [sample(discs((9, 9)))], loss="bce", epochs=1, progress=False)
    with pytest.raises(ValueError, match="has the head .foreground., expected one of objects"):
        ck.detect(ck.UNet(width=2), np.zeros((8, 8), np.float32))
    with pytest.raises(ValueError, match="turns is 3"):
        ck.predict(net, np.zeros((8, 8), np.float32), turns=3)

    def refuse(*args, **kwargs):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(OSError, match="weights=None"):
        MaskRCNN(backbone="resnet50", weights="coco")


# --- From detections to a picture ---------------------------------------------------------------

def test_masks_are_pasted_as_torchvision_does():
    found = random_detections(40)
    theirs = paste_masks_in_image(torch.from_numpy(found.masks)[:, None],
                                  torch.from_numpy(found.boxes), found.shape)[:, 0].numpy()
    for k, wanted in enumerate(theirs):
        canvas = np.zeros(found.shape, np.float32)
        window, probability = postprocessing.paste(found, k)
        canvas[window] = probability
        np.testing.assert_allclose(canvas, wanted, atol=1e-5)


@pytest.mark.parametrize("overlap", [0.2, 0.5, 0.7])
def test_suppression_by_hand(overlap):
    found = random_detections(300)
    areas, stay = [(r - x) * (b - t) for x, t, r, b in found.boxes], []
    for k in np.argsort(-found.scores):
        x, t, r, b = found.boxes[k]
        for j in stay:
            across = min(r, found.boxes[j][2]) - max(x, found.boxes[j][0])
            down = min(b, found.boxes[j][3]) - max(t, found.boxes[j][1])
            both = max(across, 0) * max(down, 0)
            if both > overlap * (areas[k] + areas[j] - both):
                break
        else:
            stay.append(k)
    assert 1 < len(stay) < 300
    np.testing.assert_array_equal(postprocessing.nms(found.boxes, found.scores, overlap), stay)


def square(left, top, side, score, value=1.0):
    return [left, top, left + side, top + side], score, np.full((28, 28), value)


def pictured(*squares, shape=(40, 60)):
    boxes, scores, masks = zip(*squares, strict=True)
    return Detections(np.array(boxes, np.float32), np.array(scores, np.float32),
                      np.array(masks, np.float32), shape)


def test_each_pixel_goes_to_its_best_mask():
    found = pictured(square(5, 5, 20, 0.6), square(17, 5, 20, 0.9), square(40, 20, 10, 0.4))
    drawn, scores = postprocessing.merge_labels(found)
    assert drawn.dtype == np.int32 and scores.tolist() == pytest.approx([0.9, 0.6])
    assert drawn[15, 8] == 2 and drawn[15, 21] == 1 and drawn[15, 32] == 1  # 21 is in both
    assert drawn[25, 45] == 0  # not sure enough
    assert postprocessing.merge_labels(found, min_score=0.3)[0][25, 45] == 3
    assert postprocessing.merge_labels(found, min_score=0.3, min_size=300)[1].tolist() == \
        pytest.approx([0.9])
    for second in (square(8, 8, 6, 0.6), square(14, 5, 20, 0.6)):  # all, or half of it, is seen
        covered = pictured(square(5, 5, 20, 0.9), second)
        drawn, scores = postprocessing.merge_labels(covered)
        assert drawn.max() == 1 and len(scores) == 1
    assert postprocessing.merge_labels(covered, own=0.3)[0].max() == 2


def test_the_foreground_is_the_highest_of_all():
    found = pictured(square(5, 5, 20, 0.6, 0.7), square(15, 5, 20, 0.9, 0.4))
    said = postprocessing.merge_foreground(found)
    assert said[15, 20] == pytest.approx(0.7) and said[15, 30] == pytest.approx(0.4)
    assert said[2, 2] == 0 and postprocessing.merge_foreground(found, 0.95).max() == 0


def test_paper_2s_merging_step_by_step():
    shape = (40, 60)
    assert postprocessing.merge_paper2(pictured(square(5, 5, 20, 0.5), shape=shape))[15, 15]
    unsure, small = square(5, 5, 20, 0.39), square(5, 5, 3, 0.9)
    assert not postprocessing.merge_paper2(pictured(unsure, shape=shape)).any()
    assert not postprocessing.merge_paper2(pictured(small, shape=shape)).any()
    assert not postprocessing.merge_paper2(pictured(square(5, 5, 20, 0.9, 0.8), shape=shape)).any()
    two = pictured(square(5, 5, 20, 0.9, 0.5), square(17, 5, 20, 0.8, 0.5), shape=shape)
    drawn = postprocessing.merge_paper2(two)  # 0.5 + 0.5 is above 0.9, where both are
    assert drawn[15, 21] and not drawn[15, 8] and not drawn[15, 34]
    low = pictured(square(5, 5, 20, 0.9, 0.8), square(17, 5, 20, 0.8, 0.29), shape=shape)
    assert not postprocessing.merge_paper2(low).any()  # 0.29 counts as 0
    double = pictured(square(5, 5, 20, 0.9, 0.5), square(6, 5, 20, 0.8, 0.5), shape=shape)
    assert not postprocessing.merge_paper2(double).any()  # the second is the first, seen again
    assert postprocessing.merge_paper2(double, overlap=0.95).any()


def test_nothing_found_is_an_empty_picture():
    none = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32),
                      np.zeros((0, 28, 28), np.float32), (7, 9))
    drawn, scores = postprocessing.merge_labels(none)
    assert drawn.shape == (7, 9) and not drawn.any() and scores.shape == (0,)
    assert not postprocessing.merge_foreground(none).any()
    assert not postprocessing.merge_paper2(none).any()
    assert postprocessing.merge_views([none, none]).scores.shape == (0,)


def test_a_score_is_shared_among_the_views():
    first = pictured(square(5, 5, 20, 0.8))
    second = pictured(square(6, 5, 20, 0.6), square(30, 10, 20, 0.9))
    both = postprocessing.merge_views([first, second])
    assert dict(zip(both.boxes[:, 0].tolist(), both.scores.tolist(), strict=True)) == \
        pytest.approx({5: 0.7, 30: 0.45})


def test_grown_labels_keep_to_the_foreground_and_its_new_pieces_count():
    seeds = discs((20, 16), (20, 34), shape=(40, 60), radius=4)
    foreground = (discs((20, 16), (20, 34), shape=(40, 60), radius=9) > 0).astype(np.float32)
    foreground[2:8, 50:58] = 1
    grown = postprocessing.grow_labels(seeds, foreground)
    np.testing.assert_array_equal(grown > 0, foreground > 0)
    assert grown.max() == 3 and grown[20, 9] != grown[20, 41]
    with pytest.raises(ValueError, match="expected the same"):
        postprocessing.grow_labels(seeds, foreground[1:])


# --- Views, ensembles, tiles --------------------------------------------------------------------

class Spots(torch.nn.Module):
    """Finds every bright piece of a picture exactly: a Mask R-CNN whose answer is known."""

    head, config = "objects", {"in_channels": 1, "normalise": "none"}

    def forward(self, image):
        found = targets((image[0, 0] > 0.5).long().numpy())
        boxes = found["boxes"]
        crops = [m[None, None, t:b, x:r].float() for m, (x, t, r, b) in
                 zip(found["masks"], boxes.int().tolist(), strict=True)]
        masks = torch.cat([torch.nn.functional.interpolate(c, (28, 28), mode="bilinear")
                           for c in crops] + [torch.zeros(0, 1, 28, 28)])[:, 0]
        return [Detections(boxes.numpy(), np.ones(len(boxes), np.float32), masks.numpy(),
                           tuple(image.shape[-2:]))]


def same_objects(a, b, threshold=0.8):
    return ck.average_precision(a, b, threshold) == 1 and a.any()


def test_turned_views_agree_with_the_plain_one():
    truth = discs((16, 18), (50, 60), (18, 90), (60, 105), shape=(80, 120), radius=13)
    truth[40:52, 5:40] = 9  # not round
    image = (truth > 0).astype(np.float32)
    for turns in (1, 2, 4, 8):
        assert same_objects(truth, ck.detect(Spots(), image, turns=turns))
    for quarters, flip in inference.TURNS:
        laid = inference._lay(image, quarters, flip)
        back = inference._turn_back(Spots()(torch.from_numpy(laid)[None, None])[0], quarters, flip)
        assert back.shape == image.shape
        assert same_objects(truth, postprocessing.merge_labels(back)[0])


def test_eight_views_are_the_mean_of_all_symmetries():
    net, image = ck.UNet(width=2, depth=2), np.random.default_rng(0).random((24, 36), np.float32)
    by_hand = []
    for quarters in range(4):
        for flip in (0, 1):
            laid = np.rot90(np.flipud(image) if flip else image, quarters)
            said = np.rot90(ck.predict(net, np.ascontiguousarray(laid), amp=False), -quarters)
            by_hand.append(np.flipud(said) if flip else said)
    np.testing.assert_allclose(ck.predict(net, image, turns=8, amp=False), np.mean(by_hand, 0),
                               atol=1e-6)


def test_several_networks_are_their_mean(net):
    image = np.random.default_rng(0).random((40, 36), np.float32)
    two = [ck.UNet(width=2, depth=2, seed=1), ck.UNet(width=2, depth=2, head="distance", seed=2)]
    said = ck.predict(two, image, all=True, amp=False)
    assert set(said) == {"foreground"}  # what both of them know
    np.testing.assert_allclose(
        said["foreground"], sum(ck.predict(one, image, amp=False) for one in two) / 2, atol=1e-6)
    mixed = ck.predict([two[0], net], image, amp=False)
    np.testing.assert_allclose(
        mixed, (ck.predict(two[0], image, amp=False) + ck.predict(net, image, amp=False)) / 2,
        atol=1e-6)


def test_tiles_find_each_object_once_and_whole():
    rng = np.random.default_rng(1)
    truth = np.zeros((200, 310), np.int32)
    for k, (row, column) in enumerate(np.argwhere(np.ones((10, 16))) * 19 + 10, start=1):
        y, x = np.indices(truth.shape)
        truth[np.hypot(y - row, x - column) < rng.uniform(4, 8)] = k
    image = (truth > 0).astype(np.float32)
    whole = ck.detect(Spots(), image, tile=1024)
    tiled = ck.detect(Spots(), image, tile=96, overlap=32)
    assert whole.max() == tiled.max() == truth.max()
    assert same_objects(truth, tiled, 0.6)
    np.testing.assert_allclose(ck.predict(Spots(), image, tile=96, overlap=32) > 0.5,
                               ck.predict(Spots(), image) > 0.5)


def test_an_object_larger_than_the_overlap_is_not_lost():
    truth = np.zeros((64, 200), np.int32)
    truth[20:44, 30:170] = 1
    found = ck.detect(Spots(), (truth > 0).astype(np.float32), tile=96, overlap=32)
    assert (found > 0)[truth > 0].mean() > 0.9  # in pieces, but for the last, mostly seen before
