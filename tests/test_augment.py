"""Augmentation: image and labels stay together, labels stay numbers, and seeds decide alone."""

import pickle
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import color
from skimage.transform import rotate
from torch.utils.data import DataLoader
from torchvision.transforms import v2

import cellkit as ck
from cellkit import Crops, Sample, augment, split
from cellkit.augment import (
    Blur,
    Brightness,
    Contrast,
    Crop,
    Elastic,
    Flip,
    Move,
    Noise,
    Pipeline,
    Rotate,
    Sharpen,
    Shear,
    Shift,
    Stain,
    Torchvision,
    Zoom,
    grow,
    median,
    paper2,
    paper3,
    paper5,
)

MOVES = [Flip(p=1), Flip(axis="vertical", p=1), Rotate(), Zoom(), Shear(), Shift(), Crop(),
         Elastic(4, spacing=24)]
PAINTS = [Noise(), Blur(), Sharpen(), Brightness(), Contrast()]
PIPELINES = {"paper2": paper2, "paper3": paper3, "paper5": paper5, "default": augment.default}
EVERYTHING = {**{f"{i}{type(t).__name__}": t for i, t in enumerate(MOVES + PAINTS)}, **PIPELINES}
everything = pytest.mark.parametrize("change", EVERYTHING.values(), ids=EVERYTHING)


def picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape).astype(np.float32)


def with_labels(height, width, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(0, 40, (height // 6 + 1, width // 6 + 1)), np.ones((6, 6)))
    return picture(height, width, seed=seed), labels[:height, :width].astype(np.int32)


def told(height, width):
    """An image whose colours say where a pixel came from, and labels that say so too."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    image = np.stack([x / width, y / height, 0 * x], axis=2)
    return image, np.arange(height * width, dtype=np.int32).reshape(height, width)


def source(image, labels):
    """Where pixels came from: (y, x) by colour and (y, x) by label."""
    height, width = labels.shape
    by_colour = np.stack([image[..., 1] * height, image[..., 0] * width])
    return by_colour, np.stack(np.divmod(labels, width))


# What every augmentation keeps -------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(64, 64), (37, 52), (1, 1), (1, 7), (33, 20, 3)])
@everything
def test_size_kind_range_and_numbers_stay(change, shape):
    image, labels = picture(*shape), with_labels(*shape[:2])[1]
    image[0, 0], image[-1, -1] = 0, 1
    before, numbers = (image.copy(), labels.copy()), set(labels.ravel().tolist()) | {0}
    for seed in range(6):
        seen, moved = change(image, labels, np.random.default_rng(seed))
        assert seen.shape == image.shape and seen.dtype == np.float32 and seen.flags.c_contiguous
        assert moved.shape == labels.shape and moved.dtype == np.int32 and moved.flags.c_contiguous
        assert seen.min() >= 0 and seen.max() <= 1 and np.isfinite(seen).all()
        assert set(moved.ravel().tolist()) <= numbers
        Sample(seen, moved, "can be a sample again")
    assert (image == before[0]).all() and (labels == before[1]).all()


@everything
def test_unlabelled_images_are_seen_as_labelled_ones(change):
    image, labels = with_labels(40, 53)
    for seed in range(4):
        seen, none = change(image, None, np.random.default_rng(seed))
        assert none is None
        np.testing.assert_array_equal(seen, change(image, labels, np.random.default_rng(seed))[0])


@everything
def test_the_generator_decides_alone(change):
    image, labels = with_labels(48, 48)
    np.random.seed(1)
    torch.manual_seed(1)
    first = [change(image, labels, np.random.default_rng(seed)) for seed in range(8)]
    np.random.seed(2)
    torch.manual_seed(2)
    again = [change(image, labels, np.random.default_rng(seed)) for seed in range(8)]
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])
    if not isinstance(change, Flip):
        assert len({one[0].tobytes() for one in first}) > 2


@pytest.mark.parametrize("move", [*MOVES, *(Pipeline(*p.steps[:n]) for p, n in
                                            ((paper2, 5), (paper3, 4), (paper5, 8)))],
                         ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("shape", [(60, 60), (41, 72)])
def test_image_and_labels_move_together(move, shape):
    image, labels = told(*shape)
    farthest = 0
    for seed in range(8):
        by_colour, by_label = source(*move(image, labels, np.random.default_rng(seed)))
        assert abs(by_colour - by_label).max() <= 0.51
        farthest = max(farthest, abs(by_label - source(image, labels)[1]).max())
    assert farthest > 2  # and move they do


@pytest.mark.parametrize("paint", PAINTS, ids=lambda p: type(p).__name__)
def test_paint_leaves_labels_where_they_are(paint):
    image, labels = with_labels(30, 44)
    seen, kept = paint.at(paint.most)(image, labels, np.random.default_rng(0))
    assert (kept == labels).all() and abs(seen - image).mean() > 0.01


@pytest.mark.parametrize("top", [2**24 - 1, 2**24 + 1, 2**31 - 1])
def test_large_numbers_stay_exact(top):
    image, labels = with_labels(32, 32)
    labels = np.where(labels > 20, top - labels, 0).astype(np.int32)
    moved = Rotate(45)(image, labels, np.random.default_rng(0))[1]
    assert moved.max() > 2**23 and set(np.unique(moved)) <= set(np.unique(labels))


# What each one does ------------------------------------------------------------------------------


@pytest.mark.parametrize("move", [m for m in MOVES if not isinstance(m, Elastic)],
                         ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("outside, mode", [("mirror", "reflect"), ("black", "grid-constant")])
def test_sampling_is_scipys(move, outside, mode):
    image, labels = with_labels(37, 50)
    for seed in range(4):
        seen, moved = Pipeline(move, outside=outside)(image, labels, np.random.default_rng(seed))
        rng = np.random.default_rng(seed)
        rng.random()  # whether at all
        matrix = move.matrix(rng.uniform(*move.between), image.shape, rng)
        y, x = np.mgrid[:37, :50].astype(np.float64)
        x, y, _ = np.tensordot(matrix, np.stack([x - 24.5, y - 18, np.ones_like(x)]), 1)
        at = [y + 18, x + 24.5]
        np.testing.assert_allclose(
            seen, ndimage.map_coordinates(image, at, order=1, mode=mode), atol=5e-5)
        expected = ndimage.map_coordinates(labels, at, order=0, mode=mode)
        assert (moved != expected).mean() < 0.003  # halves, rounded the other way


def both_ways(seeds=30):
    return [np.random.default_rng(seed) for seed in range(seeds)]


def test_flips_and_quarter_turns_are_numpys():
    image, labels = with_labels(32, 32)
    for axis, number in (("horizontal", 1), ("vertical", 0)):
        seen, moved = Flip(axis=axis).at(1)(image, labels, np.random.default_rng(0))
        assert (seen == np.flip(image, number)).all() and (moved == np.flip(labels, number)).all()
    for angle, turns in ((90, (1, 3)), (180, (2,))):
        found = set()
        for rng in both_ways():
            seen, moved = Rotate().at(angle)(image, labels, rng)
            turned = [k for k in turns if (moved == np.rot90(labels, k)).all()]
            np.testing.assert_allclose(seen, np.rot90(image, turned[0]), atol=5e-5)
            found.add(turned[0])
        assert found == set(turns)


def test_rotation_is_scikit_images():
    image = ndimage.gaussian_filter(picture(45, 45), 2)
    expected = [rotate(image, angle, order=1, mode="symmetric") for angle in (25, -25)]
    found = set()
    for rng in both_ways():
        seen, _ = Rotate().at(25)(image, None, rng)
        errors = [abs(seen - one).max() for one in expected]
        assert min(errors) < 1e-4
        found.add(np.argmin(errors))
    assert found == {0, 1}


def step_of(move, shape=(81, 81)):
    """How far the centre moved, and the change along x and along y, of a map told by colours."""
    at = []
    for rng in both_ways():
        (y, x), _ = source(*move(*told(*shape), rng))
        at.append((np.array([x[40, 40], y[40, 40]]) - 40,
                   np.array([[x[40, 44] - x[40, 36], x[44, 40] - x[36, 40]],
                             [y[40, 44] - y[40, 36], y[44, 40] - y[36, 40]]]) / 8))
    return zip(*at, strict=True)


def test_zoom_shear_shift_and_crop_are_as_large_as_they_say():
    _, slopes = step_of(Zoom().at(0.25))
    assert {round(float(s[0, 0]), 3) for s in slopes} == {0.8, 1.25}
    _, slopes = step_of(Shear().at(20))
    tan = round(float(np.tan(np.radians(20))), 3)
    assert ({tuple(s.astype(np.float64).round(3).ravel().tolist()) for s in slopes}
            == {(1, tan, 0, 1), (1, -tan, 0, 1), (1, 0, tan, 1), (1, 0, -tan, 1)})
    centres, _ = step_of(Shift().at(0.1))
    np.testing.assert_allclose(np.hypot(*np.transpose(centres)), 8.1, atol=1e-3)
    centres, slopes = step_of(Crop().at(0.25))
    assert {round(float(s[0, 0]), 3) for s in slopes} == {0.75}
    assert 7 < np.abs(centres).max() <= 81 / 8 + 1e-3  # the window stays inside ...
    for rng in both_ways(4):
        (y, x), _ = source(*Crop().at(0.25)(*told(60, 90), rng))
        assert np.diff(x, axis=1).min() > 0.7 and np.diff(y, axis=0).min() > 0.7  # ... unmirrored


def elastic_arrows(strength, spacing, seed, side=256):
    """The arrows, told by the colours of a large picture's inside."""
    (y, x), _ = source(*Elastic(spacing=spacing).at(strength)(
        *told(side, side), np.random.default_rng(seed)))
    rows, columns = np.mgrid[:side, :side]
    return np.stack([x - columns, y - rows])


@pytest.mark.parametrize("strength, spacing", [(2, 32), (5, 64), (10, 64)])
def test_elastic_moves_pixels_as_far_as_it_says_and_does_not_fold(strength, spacing):
    lengths = []
    for seed in range(5):
        arrows = elastic_arrows(strength, spacing, seed)
        lengths.append(np.sqrt((arrows**2).sum(0).mean()))
        inside = arrows[:, 40:-40, 40:-40]
        (xy, xx), (yy, yx) = (np.gradient(one) for one in inside)
        assert ((1 + xx) * (1 + yy) - xy * yx).min() > 0
        # smooth: where the field is sampled does not matter within a few pixels
        assert abs(np.diff(inside, 2, axis=2)).max() < 12 * strength / spacing**2 + 0.05
    # what was mirrored back at the edge seems to have moved less
    assert np.mean(lengths) == pytest.approx(strength, rel=0.06)


def test_elastic_strength_only_stretches_the_arrows():
    one, two = (elastic_arrows(s, 64, 3)[:, 40:-40, 40:-40] for s in (3, 6))
    np.testing.assert_allclose(two, 2 * one, atol=2e-3)


@pytest.mark.parametrize("before", [Crop().at(0.5), Zoom().at(0.5), Rotate().at(90)])
def test_elastic_strength_is_in_pixels_of_the_picture_as_it_is_by_then(before):
    """After a crop to a half, 6 pixels of what is seen are 3 of what there was."""
    found = []
    for seed in range(6):
        seen = [Pipeline(before, *more)(*told(256, 256), np.random.default_rng(seed))
                for more in ((), (Elastic(spacing=64).at(6),))]
        moved, bent = (np.stack(source(*one)[0])[:, 70:-70, 70:-70] for one in seen)
        pixel = np.hypot(*[np.diff(axis, axis=1).mean() for axis in moved])
        found.append(np.sqrt(((bent - moved) ** 2).sum(0).mean()) / pixel)
    assert np.mean(found) == pytest.approx(6, rel=0.15)


@pytest.mark.parametrize("change", [paper2, paper3, paper5, Flip(p=1), Noise(),
                                    Torchvision(v2.Identity())])
def test_views_with_negative_strides_are_pictures_too(change):
    image, labels = with_labels(40, 40)
    for flipped in ((image[::-1], labels[::-1]), (image[:, ::-1], labels[:, ::-1])):
        seen = change(*flipped, np.random.default_rng(1))
        want = change(*map(np.ascontiguousarray, flipped), np.random.default_rng(1))
        for one, other in zip(seen, want, strict=True):
            np.testing.assert_array_equal(one, other)


def test_noise_has_its_spread_and_colours_their_own():
    flat = np.full((200, 200, 3), 0.5, np.float32)
    seen, _ = Noise().at(0.05)(flat, None, np.random.default_rng(0))
    assert (seen - 0.5).std() == pytest.approx(0.05, rel=0.02) and abs(seen.mean() - 0.5) < 1e-3
    assert abs(np.corrcoef(seen[..., 0].ravel(), seen[..., 1].ravel())[0, 1]) < 0.02
    spreads = [Noise()(flat, None, rng)[0].std() for rng in both_ways(40)]
    assert 0.0099 < min(spreads) < 0.013 and 0.027 < max(spreads) < 0.0303


@pytest.mark.parametrize("shape", [(30, 41), (30, 41, 3)])
def test_paints_are_their_formulas(shape):
    image, rng = picture(*shape) * np.float32(0.4) + np.float32(0.3), np.random.default_rng
    blurred = ndimage.gaussian_filter(image, (1.2, 1.2, 0)[:image.ndim], radius=5)
    seen = Blur().at(1.2)(image, None, rng(0))[0]
    np.testing.assert_allclose(seen[6:-6, 6:-6], blurred[6:-6, 6:-6], atol=1e-4)
    middle = ndimage.median_filter(image, (3, 3, 1)[:image.ndim], mode="nearest")
    np.testing.assert_array_equal(median(image), middle)
    np.testing.assert_allclose(Sharpen().at(0.5)(image, None, rng(0))[0],
                               np.clip(1.5 * image - 0.5 * middle, 0, 1), atol=1e-6)
    shifts = {round(float((Brightness().at(0.1)(image, None, r)[0] - image).mean()), 5)
              for r in both_ways()}
    assert shifts == {0.1, -0.1}
    ratios = {round(float(Contrast().at(0.25)(image, None, r)[0].std() / image.std()), 4)
              for r in both_ways()}
    assert ratios == {0.8, 1.25}
    assert Contrast().at(0.25)(image, None, rng(1))[0].mean() == pytest.approx(image.mean())


def test_stain_gives_each_dye_a_factor_of_its_own():
    image = picture(40, 50, 3) * np.float32(0.4) + np.float32(0.5)
    before, drawn = color.rgb2hed(image), []
    for seed in range(20):
        seen, _ = Stain().at(0.3)(image, None, np.random.default_rng(seed))
        after, inside = color.rgb2hed(seen), (seen < 1).all(axis=2)
        drawn.append([])
        for dye in range(3):
            there = inside & (before[..., dye] > 0.02) & (after[..., dye] > 0)
            ratios = after[..., dye][there] / before[..., dye][there]
            assert ratios.std() < 1e-3
            drawn[-1].append(ratios.mean())
    drawn = np.array(drawn)
    assert 1 / 1.3 - 1e-3 < drawn.min() < 0.85 and 1.2 < drawn.max() < 1.3 + 1e-3
    assert abs(np.corrcoef(np.log(drawn).T)[np.triu_indices(3, 1)]).max() < 0.6


def test_stain_begins_at_nothing_and_leaves_grey_pictures_alone():
    coloured, grey = picture(20, 30, 3), picture(20, 30)
    coloured[:3] = 0
    np.testing.assert_array_equal(Stain().at(0)(coloured, None, np.random.default_rng(0))[0],
                                  coloured)
    for image in (grey, np.repeat(grey[..., None], 3, axis=2)):
        np.testing.assert_array_equal(Stain().at(2)(image, None, np.random.default_rng(0))[0],
                                      image)


@pytest.mark.parametrize("change", MOVES + PAINTS, ids=lambda t: type(t).__name__)
def test_strength_goes_from_nothing_to_most(change):
    image, labels = with_labels(48, 48)
    image = ndimage.gaussian_filter(image, 1)
    amounts = []
    for share in (0, 0.1, 1):
        rng = np.random.default_rng(2)
        seen, moved = change.at(share * change.most)(image, labels, rng)
        amounts.append(float(abs(seen - image).mean()))
        if not share:
            np.testing.assert_allclose(seen, image, atol=2e-5)
            assert (moved == labels).all()
    assert change.unit and amounts[1] > 1e-4
    assert amounts[2] > amounts[1] or isinstance(change, (Flip, Rotate))


def test_p_is_how_often():
    image = picture(9, 9)
    for p in (0, 0.2, 0.5, 1):
        rng = np.random.default_rng(0)
        often = np.mean([(Flip(p=p)(image, None, rng)[0] != image).any() for _ in range(1500)])
        assert often == pytest.approx(p, abs=0.04) and (p not in (0, 1) or often == p)


# Together ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Eighth(Move):
    """Always an eighth of a turn, in the same direction."""

    strength: float = 1
    unit, most = "", 1

    def matrix(self, strength, shape, rng):
        c = np.sqrt(0.5)
        return np.array([[c, -c, 0], [c, c, 0], [0, 0, 1]])


def test_neighbouring_moves_are_one_sampling():
    image, labels = with_labels(40, 40)
    round_trip = Pipeline(*[Eighth()] * 8)
    seen, moved = round_trip(image, labels, np.random.default_rng(0))
    np.testing.assert_allclose(seen, image, atol=5e-5)
    assert (moved == labels).all()
    for _ in range(8):  # one after the other they blur, and lose the corners
        image, labels = Eighth()(image, labels, np.random.default_rng(0))
    assert abs(seen - image).mean() > 0.1


def test_steps_are_done_in_their_order():
    image, labels = with_labels(31, 31)

    def half_black(image, labels, rng):
        image = image.copy()
        image[:, :15] = 0
        return image, labels

    flip = Flip(p=1)
    before = Pipeline(half_black, flip)(image, labels, np.random.default_rng(0))[0]
    after = Pipeline(flip, half_black)(image, labels, np.random.default_rng(0))[0]
    assert (before[:, -15:] == 0).all() and (after[:, :15] == 0).all() and after[:, -15:].any()
    # zoom, then shift: the shift is in the pixels of the enlarged picture
    both = Pipeline(Zoom().at(0.25), Shift().at(0.1))
    seen = both(image, labels, np.random.default_rng(3))[0]
    rng = np.random.default_rng(3)
    apart = Zoom().at(0.25)(image, labels, rng)
    apart = Shift().at(0.1)(*apart, rng)[0]
    assert abs(seen - apart)[8:-8, 8:-8].mean() < 0.12 < abs(seen - image)[8:-8, 8:-8].mean()


def test_white_stays_within_the_range():
    white = np.ones((61, 47), np.float32)
    for seed in range(5):
        seen = Pipeline(Rotate(), Elastic())(white, None, np.random.default_rng(seed))[0]
        assert seen.max() <= 1
        np.testing.assert_allclose(seen, 1, atol=1e-6)


def test_outside_is_mirrored_or_black():
    image, labels = np.full((40, 40), 0.7, np.float32), np.ones((40, 40), np.int32)
    seen, moved = Pipeline(Rotate().at(45))(image, labels, np.random.default_rng(0))
    np.testing.assert_allclose(seen, 0.7, atol=1e-6)
    assert (moved == 1).all()
    black = Pipeline(Rotate().at(45), outside="black")
    seen, moved = black(image, labels, np.random.default_rng(0))
    assert (seen[:5, :5] == 0).all() and (moved[:5, :5] == 0).all() and moved[20, 20] == 1
    # a square and the same turned by 45 degrees share 2 (sqrt 2 - 1) of their area
    assert (moved == 1).mean() == pytest.approx(2 * np.sqrt(2) - 2, abs=0.01)


def test_the_papers_lists():
    def names(pipeline):
        return {type(step).__name__ for step in pipeline.steps}

    assert [(type(s).__name__, s.between, s.p) for s in paper2.steps] == [
        ("Crop", (0.25, 0.25), 0.5), ("Flip", (1, 1), 0.5), ("Flip", (1, 1), 0.5),
        ("Rotate", (0, 90), 0.5), ("Elastic", (5, 10), 1), ("Noise", (0.01, 0.03), 0.2),
        ("Sharpen", (0.5, 1), 0.2)]
    assert {s.axis for s in paper2.steps[1:3]} == {"horizontal", "vertical"}
    assert names(paper3) == {"Rotate", "Flip", "Zoom", "Brightness", "Contrast"}
    assert names(paper5) == {"Blur", "Noise", "Shear", "Shift", "Flip", "Rotate", "Zoom", "Crop",
                             "Elastic"}
    for pipeline in (paper2, paper3, paper5):
        assert "ours" in str(pipeline).lower() and str(pipeline).count("\n") == len(pipeline.steps)


@pytest.mark.parametrize("pipeline", [paper2, paper3, paper5], ids=["2", "3", "5"])
def test_loader_workers_make_the_same_crops(pipeline):
    samples = [Sample(*with_labels(50, 61, seed), f"s{seed}") for seed in range(3)]
    crops = Crops(samples, 32, augment=pipeline, seed=3, repeats=4)
    alone = list(DataLoader(crops, 4))
    for batches in (DataLoader(crops, 4, num_workers=2),
                    [next(iter(DataLoader(pickle.loads(pickle.dumps(crops)), 4)))]):
        for one, two in zip(batches, alone, strict=False):
            torch.testing.assert_close(one, two, rtol=0, atol=0)
    images = torch.cat([image for image, _ in alone])
    assert len({image.numpy().tobytes() for image in images}) == 12


# torchvision -------------------------------------------------------------------------------------


def test_torchvision_moves_both_and_leaves_its_random_state():
    image, labels = with_labels(33, 40)
    colour = np.stack([image, image**2, 1 - image], axis=2)
    state = torch.get_rng_state()
    flip = Torchvision(v2.RandomHorizontalFlip(1))
    seen, moved = flip(colour, labels, np.random.default_rng(0))
    assert (seen == colour[:, ::-1]).all() and (moved == labels[:, ::-1]).all()
    assert flip(image, None, np.random.default_rng(0))[1] is None
    several = Torchvision(v2.Compose([v2.RandomAffine(40, (0.1, 0.1), (0.8, 1.2), 10),
                                      v2.GaussianNoise(sigma=0.05)]))
    one, two, three = (several(image, labels, np.random.default_rng(s)) for s in (1, 1, 2))
    assert (one[0] == two[0]).all() and (one[1] == two[1]).all() and (one[0] != three[0]).any()
    assert one[1].dtype == np.int32 and set(np.unique(one[1])) <= set(np.unique(labels)) | {0}
    assert torch.equal(torch.get_rng_state(), state)
    both = Pipeline(Rotate(20), Torchvision(v2.ColorJitter(0.3, 0.3)), Noise())
    seen, moved = both(colour, labels, np.random.default_rng(0))
    assert seen.shape == colour.shape and seen.min() >= 0 and seen.max() <= 1


# Three images grown to many ----------------------------------------------------------------------


def three():
    return [Sample(*with_labels(24, 24, seed), f"s{seed}", "toy", "A", f"well{seed}")
            for seed in range(3)]


def test_three_images_grow_to_1773():
    many = grow(three(), 1773, seed=5)
    assert len(many) == 1773 and len(set(many.names)) == 1773
    assert all(many.groups.count(g) == 591 for g in ("well0", "well1", "well2"))
    for i, sample in enumerate(three()):
        assert (many[i].image == sample.image).all() and many[i].name == sample.name
    again = grow(three(), 1773, seed=5)
    for k in (1772, 3, 900):  # in any order
        assert (many[k].image == again[k].image).all() and (many[k].labels == again[k].labels).all()
        assert many[k].group == f"well{k % 3}" and many[k].cell_type == "A"
    copies = [many[k].image.tobytes() for k in range(60)]
    assert len(set(copies)) == 60
    assert (grow(three(), 9, seed=6)[5].image != grow(three(), 9, seed=5)[5].image).any()


def test_groups_show_the_leak_and_avoid_it():
    many = grow(three(), 60)
    train, valid = split(many, 0.7, by="image")
    assert set(train.groups) & set(valid.groups)  # paper 3: copies of one picture on both sides
    train, valid = split(many, 0.7, by="group")
    assert not set(train.groups) & set(valid.groups)


def test_unlabelled_samples_grow_too():
    bare = [Sample(picture(12, 12), None, "bare")]
    assert grow(bare, 4)[3].labels is None and not grow(bare, 4).entries[3].annotated
    assert pickle.loads(pickle.dumps(grow(bare, 4)))[3].image.shape == (12, 12)


# Bad input ---------------------------------------------------------------------------------------

IMAGE, LABELS = np.zeros((8, 8), np.float32), np.zeros((8, 8), np.int32)


@pytest.mark.parametrize("image, labels, error, words", [
    (np.zeros((8, 8), np.uint8), LABELS, TypeError, "uint8, expected .* float32.*scale_image"),
    (np.zeros((8, 8), np.uint16), LABELS, TypeError, "uint16, expected an array of float32"),
    (np.zeros((8, 8)), LABELS, TypeError, "float64, expected an array of float32"),
    (torch.zeros(8, 8), LABELS, TypeError, "Tensor, expected an array of float32; .*numpy"),
    ([[0.0]], LABELS, TypeError, "list, expected an array of float32"),
    (np.full((8, 8), np.nan, np.float32), LABELS, ValueError, "without NaN"),
    (np.full((8, 8), 2, np.float32), LABELS, ValueError, "from 2 to 2, expected"),
    (np.zeros((2, 8, 8), np.float32), LABELS, ValueError, r"expected \(H, W\)"),
    (np.zeros((0, 8), np.float32), LABELS, ValueError, "not empty"),
    (IMAGE, np.zeros((8, 8), np.float32), TypeError, "labels is float32, expected an array of int"),
    (IMAGE, np.zeros((8, 8), bool), TypeError, "labels is bool, expected an array of int32"),
    (IMAGE, np.zeros((8, 9), np.int32), ValueError, "labels has shape .8, 9. and"),
])
def test_images_and_labels_that_are_none(image, labels, error, words):
    whole = [augment.default, lambda image, _, rng: augment.light(image, rng)]
    of_images = isinstance(image, np.ndarray) and labels is LABELS
    for change in (paper2, Noise(), Torchvision(v2.Identity()), *whole * of_images):
        with pytest.raises(error, match=words):
            change(image, labels, np.random.default_rng(0))


@pytest.mark.parametrize("make, error, words", [
    (lambda: Rotate(-5), ValueError, "Rotate: strength is -5"),
    (lambda: Noise((0.3, 0.1)), ValueError, "Noise: strength is .*the smaller first"),
    (lambda: Noise(float("nan")), ValueError, "Noise: strength is nan"),
    (lambda: Noise("a"), ValueError, "Noise: strength is 'a', expected a number"),
    (lambda: Noise(None), ValueError, "Noise: strength is None"),
    (lambda: Noise((1,)), ValueError, r"Noise: strength is \(1,\)"),
    (lambda: Noise((1, 2, 3)), ValueError, r"Noise: strength is \(1, 2, 3\)"),
    (lambda: Zoom(0.1, p=1.5), ValueError, "Zoom: p is 1.5"),
    (lambda: Flip(axis="diagonal"), ValueError, "axis is 'diagonal'"),
    (lambda: Elastic(spacing=0), ValueError, "spacing is 0"),
    (lambda: Pipeline(Rotate), TypeError, "needs its brackets"),
    (lambda: Pipeline([Rotate()]), TypeError, "a step is"),
    (lambda: Pipeline(Rotate(), outside="wrap"), ValueError, "outside is 'wrap'"),
    (lambda: grow(three(), 2), ValueError, r"count \(for 3 samples\) is 2, expected"),
    (lambda: grow([], 2), ValueError, "there are no samples"),
])
def test_settings_that_are_none(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("rng", [0, None])
def test_a_seed_is_no_generator(rng):
    for change in (paper2, Noise(), Torchvision(v2.Identity()), augment.turn_and_flip,
                   augment.default, lambda image, _, rng: augment.light(image, rng)):
        with pytest.raises(TypeError, match=f"rng is {rng}, expected a numpy Generator"):
            change(IMAGE, LABELS, rng)


def test_it_needs_no_torch_until_pixels_move():
    code = ("import sys, numpy as np, cellkit as ck; ck.augment.paper2; "
            "ck.augment.Noise()(np.zeros((8, 8), 'f'), None, np.random.default_rng(0)); "
            "assert 'torch' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)
    assert ck.augment is augment
