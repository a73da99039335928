"""Flows as targets and the way back, against the recipe of the paper and Cellpose's own code."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

import cellkit as ck
from cellkit.heads import HEADS
from cellkit.postprocessing.flows import flow_errors, follow_flows, largest_pieces
from cellkit.targets import flow_map

#: Labels, and what Cellpose 3.1.1.1 makes of them (``dynamics.masks_to_flows_cpu``, flows * 127
#: as int8; ``dynamics.compute_masks`` of those flows * 5, 200 steps, no filter).
CELLPOSE = Path(__file__).parent / "cellpose_flows.npz"


def canvas():
    rows, columns = np.indices((64, 64))
    return rows, columns, np.zeros((64, 64), np.int32)


def long():
    """A rod, three pixels thick, and one that lies along it."""
    rows, columns, labels = canvas()
    labels[abs(rows - 0.8 * columns - 4) < 2.2] = 1
    labels[(labels == 0) & (abs(rows - 0.8 * columns - 9) < 3)] = 2
    return labels


def bent():
    """A horseshoe, and a disc in its opening."""
    rows, columns, labels = canvas()
    radius = np.hypot(rows - 32, columns - 32)
    labels[(radius < 27) & (radius > 18) & ~((columns > 32) & (abs(rows - 32) < 16))] = 1
    labels[radius < 10] = 2
    return labels


def ring():
    rows, columns, labels = canvas()
    radius = np.hypot(rows - 32, columns - 31)
    labels[(radius < 25) & (radius > 17)] = 1
    return labels


def touching():
    """Two squares that meet at one corner, two discs with one pixel's side in common."""
    rows, columns, labels = canvas()
    labels[4:18, 6:20], labels[18:32, 20:34] = 1, 2
    labels[np.hypot(rows - 48, columns - 16) < 9.5] = 3
    labels[(np.hypot(rows - 48, columns - 34.6) < 9.5) & (labels == 0)] = 4
    return labels


def junction():
    """One cell with three arms."""
    rows, columns, labels = canvas()
    down, right = rows - 30, columns - 32
    for angle in (90, 210, 330):
        a = np.radians(angle)
        along, across = down * np.sin(a) + right * np.cos(a), down * np.cos(a) - right * np.sin(a)
        labels[(along > -3) & (along < 28) & (abs(across) < 4)] = 1
    return labels


def meeting():
    """Three cells that share one corner."""
    rows, columns, labels = canvas()
    disc = np.hypot(rows - 32, columns - 32) < 26
    angle = np.degrees(np.arctan2(rows - 31.5, columns - 31.5)) % 360
    labels[disc] = 1 + (angle[disc] // 120).astype(int)
    return labels


SHAPES = (long, bent, ring, touching, junction, meeting)


@pytest.fixture(params=SHAPES, ids=lambda shape: shape.__name__)
def labels(request):
    return request.param()


def warmed(cell, rounds=20_000):
    """The paper's recipe for one cell, gone on with until nothing changes."""
    pixels = np.argwhere(cell)
    middle = pixels[np.argmin(((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1))]
    warmth = np.zeros(np.add(cell.shape, 2))
    for _ in range(rounds):
        before = warmth.copy()
        warmth[tuple(middle + 1)] += 1
        # Nine numbers added, not running sums: far ends have little.
        mean = ndimage.convolve(warmth, np.full((3, 3), 1 / 9), mode="constant")
        warmth[1:-1, 1:-1] = mean[1:-1, 1:-1] * cell
        if np.allclose(warmth, before, rtol=1e-12, atol=0):
            break
    way = np.stack([warmth[2:, 1:-1] - warmth[:-2, 1:-1], warmth[1:-1, 2:] - warmth[1:-1, :-2]])
    return way / np.maximum(np.hypot(*way), 1e-300) * cell, middle


def test_the_flow_is_where_the_papers_recipe_ends(labels):
    flow = flow_map(labels)
    for k in np.unique(labels)[1:]:
        expected, (row, column) = warmed(labels == k)
        inside = labels == k
        inside[row, column] = False  # between two sides that are equally warm the last bit decides
        clear = inside & (np.hypot(*expected) > 0.9)
        cosine = (flow * expected).sum(axis=0)
        assert np.mean(cosine[clear] > 0.9999) > 0.99


def test_every_pixel_has_a_direction_of_length_one(labels):
    length = np.hypot(*flow_map(labels))
    assert flow_map(labels).dtype == np.float32
    assert not length[labels == 0].any()
    assert np.mean(abs(length[labels > 0] - 1) < 1e-5) > 0.99


def test_a_cell_knows_nothing_of_its_neighbours(labels):
    alone = sum(flow_map(np.where(labels == k, k, 0)) for k in np.unique(labels)[1:])
    assert np.array_equal(flow_map(labels), alone)


def test_a_turned_picture_has_turned_flows():
    labels = np.zeros((40, 50), np.int32)
    labels[3:20, 4:15] = 1  # odd sides: the middle is one pixel
    labels[20:31, 10:39] = 2
    down, right = flow_map(labels)
    turned = flow_map(np.rot90(labels).copy())
    assert np.allclose(turned, np.rot90([-right, down], axes=(1, 2)), atol=1e-4)


def test_a_cell_in_two_pieces_flows_to_two_middles():
    labels = np.zeros((20, 40), np.int32)
    labels[4:15, 3:14] = labels[4:15, 22:33] = 7
    assert np.hypot(*flow_map(labels))[labels > 0].sum() == pytest.approx(240)  # middles: 0
    assert follow_flows(flow_map(labels), labels > 0).max() == 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (5, 5)])
def test_no_cell_and_one_that_fills_the_picture(shape):
    assert not flow_map(np.zeros(shape, np.int32)).any()
    assert not follow_flows(np.zeros((2, *shape)), np.zeros(shape, bool)).any()
    assert np.isfinite(flow_map(np.ones(shape, np.int32))).all()


def test_a_very_long_thread_flows_to_its_middle():
    labels = np.ones((1, 601), np.int32)
    _, right = flow_map(labels)
    assert (right[0, :300] == 1).all() and (right[0, 301:] == -1).all() and right[0, 300] == 0


def same_cells(found, labels):
    """The same pixels together, whatever the numbers."""
    pairs = np.unique(np.stack([found[labels > 0], labels[labels > 0]]), axis=1)
    number = len(np.unique(labels)) - 1
    return pairs.shape[1] == number == len(np.unique(pairs[0])) and pairs[0].all()


def test_flows_lead_back_to_the_cells(labels):
    found = follow_flows(flow_map(labels), labels > 0)
    assert same_cells(found, labels)
    assert not found[labels == 0].any()


def test_flows_and_cells_are_those_of_cellpose(labels, request):
    name = request.node.callspec.params["labels"].__name__
    stored = np.load(CELLPOSE)
    assert np.array_equal(stored[f"{name} labels"], labels)
    theirs = stored[f"{name} flow"] / np.float32(127)
    inside = (labels > 0) & (np.hypot(*theirs) > 0.9)
    cosine = (flow_map(labels) * theirs).sum(axis=0)[inside]
    # Theirs stops after some rounds, when ends of long cells are not as warm yet as they will be.
    assert np.mean(cosine > np.cos(np.radians(15))) > 0.98
    # Ours follows their flows as theirs does, and the other way round.
    assert same_cells(follow_flows(theirs, labels > 0), stored[f"{name} cells"])


def test_flows_that_lead_nowhere_are_followed_alike_each_time():
    rng = np.random.default_rng(0)
    flow, mask = rng.normal(size=(2, 80, 90)), rng.random((80, 90)) < 0.7
    found = follow_flows(flow, mask)
    assert np.array_equal(found, follow_flows(flow.copy(), mask))
    assert found.dtype == np.int32 and not found[~mask].any()


def test_only_the_largest_piece_of_a_cell_stays():
    labels = np.array([[1, 1, 0, 2, 2], [0, 0, 1, 2, 0], [3, 0, 1, 0, 3], [0, 0, 1, 3, 3]])
    assert np.array_equal(
        largest_pieces(labels),
        [[0, 0, 0, 2, 2], [0, 0, 1, 2, 0], [0, 0, 1, 0, 3], [0, 0, 1, 3, 3]])


def maps_of(labels):
    down, right = flow_map(labels)
    return {"foreground": labels > 0, "flow_y": down, "flow_x": right}


def test_instances_follow_flows(labels):
    found = ck.instances(maps_of(labels), "flow")
    assert same_cells(found, labels)
    hole = ndimage.binary_fill_holes(found == 1) if labels.max() == 1 else found > 0
    assert np.array_equal(found > 0, hole)  # a ring's inside is the ring's, as in all methods


def test_instances_without_flows_or_with_those_that_leave_their_range():
    maps = maps_of(touching())
    with pytest.raises(ValueError, match="method 'flow' needs 'flow_x' as well"):
        ck.instances({k: v for k, v in maps.items() if k != "flow_x"}, "flow")
    for wrong in (3 * maps["flow_y"], np.where(maps["foreground"], np.nan, 0)):
        with pytest.raises(ValueError, match=r"flow_y map has (values .* expected \[-1, 1\]|NaN)"):
            ck.instances(maps | {"flow_y": wrong}, "flow")


def test_what_flow_leaves_over_goes_to_a_neighbour_or_stands_alone():
    maps = maps_of(touching())
    maps["flow_y"] = maps["flow_y"].copy()
    maps["flow_y"][10, 10] = 0  # one walk less
    maps["foreground"] = maps["foreground"].copy()
    maps["foreground"][50:60, 54:60] = True  # no flow here, and no cell beside it
    found = ck.instances(maps, "flow", max_error=None)
    assert found.max() == 5 and (found > 0).sum() == maps["foreground"].sum()


def test_cells_whose_own_flow_is_another_are_dropped():
    labels = bent()
    flow = np.where(labels == 2, 0, flow_map(labels))  # a disc of which the network says nothing
    flow[0] = np.where(labels == 1, 0.9 * flow[0], flow[0])
    maps = {"foreground": labels > 0, "flow_y": flow[0], "flow_x": flow[1]}
    assert same_cells(ck.instances(maps, "flow", max_error=None), labels)
    found = ck.instances(maps, "flow")
    assert found.max() == 1 and not found[labels == 2].any()
    squares = ((flow_map(labels) - flow) ** 2).sum(axis=0)
    np.testing.assert_allclose(flow_errors(labels, flow),
                               [squares[labels == k].mean() for k in range(3)], rtol=1e-5)


def test_a_networks_targets_are_the_flows_and_a_perfect_network_finds_the_cells():
    labels = meeting()
    target = HEADS["flow"].target(labels, None)
    assert target.dtype == np.float32
    assert np.array_equal(target, [labels > 0, *flow_map(labels)])
    output = torch.from_numpy(target)
    output[0] = 20 * output[0] - 10
    maps = {name: one.numpy() for name, one in HEADS["flow"].maps(output).items()}
    assert same_cells(ck.instances(maps, "flow"), labels)


def test_the_flow_loss_is_cross_entropy_and_ten_times_the_squared_error():
    rng = torch.Generator().manual_seed(0)
    output, target = torch.randn(2, 3, 4, 5, generator=rng), torch.rand(2, 3, 4, 5, generator=rng)
    chance = output[:, 0].sigmoid()
    entropy = -(target[:, 0] * chance.log() + (1 - target[:, 0]) * (1 - chance).log()).mean()
    error = ((output[:, 1:] - target[:, 1:]) ** 2).mean()
    assert float(ck.losses.flow(output, target)) == pytest.approx(float(entropy + 10 * error))


class Downhill(torch.nn.Module):
    """Says of a picture which way it grows brighter, down and to the right."""

    head = "flow"
    config = {"normalise": "none"}

    def __init__(self):
        super().__init__()
        self.still = torch.nn.Parameter(torch.zeros(()))

    def forward(self, image):
        down, right = torch.gradient(image[:, 0], dim=(1, 2))
        return torch.stack([image[:, 0], down, right], 1) + self.still


def test_flows_of_a_turned_picture_are_turned_back():
    image = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    once, often = (ck.predict(Downhill(), image, all=True, turns=n, amp=False) for n in (1, 8))
    assert sorted(once) == ["flow_x", "flow_y", "foreground"]
    for name, values in once.items():
        np.testing.assert_allclose(often[name], values, atol=1e-5)


def test_training_with_flows_begins(tmp_path):
    samples = ck.read("livecell", ck.datasets.bundled("livecell"), limit=2)
    net = ck.UNet(width=4, depth=2, head="flow")
    history = ck.fit(net, samples, epochs=1, steps_per_epoch=2, batch_size=2, crop=64)
    assert np.isfinite(history.train_loss).all()
    assert ck.instances(ck.predict(net, samples[0].image, all=True), "flow").dtype == np.int32
