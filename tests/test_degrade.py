"""Degrading against Pillow, torch, scipy and sums done by hand; numpy and torch side by side."""

import io
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from scipy.interpolate import CubicHermiteSpline
from torch.nn.functional import interpolate

import cellkit as ck
from cellkit import Crops, Sample, degradation
from cellkit.degradation import (
    RandomDegrade,
    degrade,
    enlarge,
    random_degrade,
    shrink,
    storage,
)
from cellkit.resampling import RESAMPLERS, taps

SIZES = [(52, 70), (37, 23), (1, 1), (1, 9), (8, 3)]
FACTORS = [0.9, 0.5, 0.3, 0.25, 0.125, 1 / 16]


def picture(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).random(shape).astype(dtype)


def small_size(shape, M):
    return tuple(max(1, int(np.floor(M * n + 0.5))) for n in shape[:2])


def pillow(image, size, how):
    """Pillow's float images are not clipped; its filters are antialiased where they reduce."""
    resized = Image.fromarray(image).resize(size[::-1], getattr(Image.Resampling, how))
    return np.clip(np.asarray(resized), 0, 1)


@pytest.mark.parametrize("M", FACTORS)
@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("how", ["bilinear", "bicubic", "lanczos"])
def test_antialiased_and_enlarged_as_pillow_does(how, shape, M):
    image = picture(*shape)
    expected = pillow(image, small_size(shape, M), how.upper())
    small = shrink(image, M, how)
    assert small.dtype == np.float32
    np.testing.assert_allclose(small, expected, atol=2e-6)
    np.testing.assert_allclose(degrade(image, M, how, how),
                               pillow(expected, shape, how.upper()), atol=4e-6)


@pytest.mark.parametrize("M", FACTORS)
@pytest.mark.parametrize("how, antialias, torchs",
                         [("bilinear", True, "bilinear"), ("bilinear", False, "bilinear"),
                          ("bicubic", True, "bicubic"), ("nearest", True, "nearest-exact")])
def test_as_torch_interpolate_does(how, antialias, torchs, M):
    image = torch.from_numpy(picture(2, 3, 41, 58, dtype=np.float64))
    expected = interpolate(image, small_size((41, 58), M), mode=torchs,
                           antialias=antialias and how != "nearest").clamp(0, 1)
    np.testing.assert_allclose(shrink(image, M, how, antialias), expected, atol=1e-9)
    # Enlarging, an antialiased and a plain hat are the same.
    expected = interpolate(expected, (41, 58), mode=torchs,
                           antialias=how == "bicubic").clamp(0, 1)
    np.testing.assert_allclose(degrade(image, M, how, how, antialias), expected, atol=1e-9)


@pytest.mark.parametrize("old, new", [(12, 5), (70, 18), (64, 16), (5, 12), (7, 1), (1, 4), (9, 8)])
def test_area_is_the_mean_of_what_a_pixel_covers(old, new):
    image = picture(old, 3, dtype=np.float64)
    # In pieces of 1 / new of a pixel, every new pixel covers a whole number of them.
    expected = np.repeat(image, new, axis=0).reshape(new, old, 3).mean(axis=1)
    np.testing.assert_allclose(enlarge(image, (new, 3), "area"), expected, atol=1e-12)


@pytest.mark.parametrize("how, matters", [("nearest", False), ("area", False), ("bilinear", True),
                                          ("bicubic", True), ("lanczos", True)])
def test_where_antialiasing_means_something(how, matters):
    image = picture(40, 30)
    differ = abs(shrink(image, 0.3, how, True) - shrink(image, 0.3, how, False)).max()
    assert differ > 0.05 if matters else differ == 0


def test_area_and_box_agree_where_the_ratio_is_whole():
    image = picture(52, 70)
    np.testing.assert_allclose(shrink(image, 0.5), pillow(image, (26, 35), "BOX"), atol=1e-6)
    np.testing.assert_allclose(
        shrink(image, 0.5), image.reshape(26, 2, 35, 2).mean(axis=(1, 3)), atol=1e-6)


def test_without_antialiasing_bicubic_is_a_cubic_through_the_pixels():
    y = picture(40, 1, seed=3, dtype=np.float64) * 0.5 + 0.25  # far from what is clipped
    centre = np.arange(40) + 0.5
    # Keys' kernel with a = -1/2: the Hermite spline whose slopes are central differences.
    spline = CubicHermiteSpline(centre, y[:, 0], np.gradient(y[:, 0]))
    new = 13
    at = (np.arange(new) + 0.5) * 40 / new
    found = shrink(y, new / 40, "bicubic", antialias=False)
    np.testing.assert_allclose(found[1:-1, 0], spline(at)[1:-1], atol=1e-12)
    assert abs(found - shrink(y, new / 40, "bicubic")).max() > 0.01


def test_without_antialiasing_lanczos_is_the_windowed_sinc():
    y = picture(60, 1, seed=4, dtype=np.float64) * 0.5 + 0.25
    found = shrink(y, 0.25, "lanczos", antialias=False)[:, 0]
    for i in range(1, 14):
        distance = np.arange(60) + 0.5 - (i + 0.5) * 4
        weight = np.where(abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0)
        assert found[i] == pytest.approx((weight * y[:, 0]).sum() / weight.sum(), abs=1e-12)


@pytest.mark.parametrize("old, new", [(7, 3), (3, 7), (1, 5), (704, 176), (100, 1)])
@pytest.mark.parametrize("how", [*RESAMPLERS, "gaussian"])
def test_weights_sum_to_one_and_lie_inside(how, old, new):
    index, weight = taps(old, new, how, 1.5 if how == "gaussian" else True)
    assert index.shape == weight.shape and len(index) == new
    assert index.min() >= 0 and index.max() < old
    np.testing.assert_allclose(weight.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("how", RESAMPLERS)
@pytest.mark.parametrize("antialias", [True, False])
def test_a_constant_stays_and_a_mirrored_picture_gives_a_mirrored_result(how, antialias):
    flat = np.full((30, 17), 0.3, np.float32)
    np.testing.assert_allclose(degrade(flat, 0.3, how, how, antialias), flat, atol=1e-6)
    image = picture(36, 27)  # odd ratios: no pixel centre falls between two pixels
    straight = degrade(image, 1 / 3, how, how, antialias)
    np.testing.assert_allclose(
        degrade(image[::-1, ::-1].copy(), 1 / 3, how, how, antialias),
        straight[::-1, ::-1], atol=1e-6)


@pytest.mark.parametrize("shape, M, size", [
    ((520, 704), 0.25, (130, 176)), ((520, 704), 0.125, (65, 88)), ((520, 704), 1, (520, 704)),
    ((3, 2), 0.5, (2, 1)), ((5, 7), 0.1, (1, 1)), ((1, 1), 0.001, (1, 1)), ((9, 3), 0.5, (5, 2)),
])
def test_small_side(shape, M, size):
    assert shrink(picture(*shape), M).shape == size
    low = degrade(picture(*shape), M)
    assert low.shape == shape and low.flags.c_contiguous


@pytest.mark.parametrize("how", RESAMPLERS)
def test_nothing_happens_at_full_size_and_the_given_image_is_left_alone(how):
    image = picture(9, 14)
    before = image.copy()
    low = degrade(image, 1, how, how)
    assert (low == before).all() and low is not image
    low[:] = 0
    assert (image == before).all()
    tensor = torch.from_numpy(before.copy())
    degrade(tensor, 1, how, how).zero_()
    assert (tensor.numpy() == before).all()


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("how", RESAMPLERS)
@pytest.mark.parametrize("M", FACTORS)
def test_numpy_and_torch_agree(how, antialias, M):
    image = picture(3, 61, 46)
    given = dict(M=M, resampler=how, up=how, antialias=antialias, blur=0.7, noise=0.05, seed=5)
    one = degrade(image[0], **given)
    assert one.dtype == np.float32
    np.testing.assert_allclose(degrade(torch.from_numpy(image[0]), **given), one, atol=1e-6)
    del given["noise"]  # drawn in another order where colours come last
    colour = degrade(image.transpose(1, 2, 0), **given)
    batch = torch.from_numpy(image)[None].repeat(2, 1, 1, 1)
    for planes in degrade(batch, **given):
        np.testing.assert_allclose(planes.permute(1, 2, 0), colour, atol=1e-6)
    for channel in range(3):
        np.testing.assert_allclose(degrade(image[channel], **given), colour[..., channel],
                                   atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_stays(dtype):
    image = picture(20, 31, dtype=dtype)
    assert degrade(image, 0.4).dtype == dtype
    tensor = torch.from_numpy(image)
    assert degrade(tensor, 0.4).dtype == tensor.dtype
    np.testing.assert_allclose(degrade(image, 0.4), degrade(image.astype(np.float64), 0.4),
                               atol=2e-3 if dtype == np.float16 else 1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_the_images_not_the_weights(dtype):
    flat = torch.full((1, 70, 45), 0.3, dtype=dtype)
    assert torch.equal(degrade(flat, 0.3, "lanczos", "lanczos"), flat)


def test_mixed_precision_does_not_reach_the_weights():
    image = torch.from_numpy(picture(64, 80))
    with torch.autocast("cpu", torch.bfloat16):
        low = degrade(image, 0.25, "lanczos")
    torch.testing.assert_close(low, degrade(image, 0.25, "lanczos"), rtol=0, atol=0)


@pytest.mark.parametrize("how", RESAMPLERS)
def test_gradients(how):
    image = torch.from_numpy(picture(1, 2, 9, 7, dtype=np.float64) * 0.2 + 0.4)
    image.requires_grad_(True)
    assert torch.autograd.gradcheck(partial(degrade, M=0.4, resampler=how, blur=0.8), image)


def test_blur_is_scipys_with_the_outside_left_out():
    image = picture(33, 20, dtype=np.float64)

    def gauss(a):
        return ndimage.gaussian_filter(a, 1.3, mode="constant", radius=6)

    # scipy's window is cut at a whole pixel; 6 is the last one within 4 standard deviations + 1/2.
    expected = gauss(image) / gauss(np.ones_like(image))
    np.testing.assert_allclose(shrink(image, 1, blur=1.3), expected, atol=5e-5)
    twice = np.repeat(np.repeat(expected, 17, axis=0), 10, axis=1)  # to 17 x 10 by area
    np.testing.assert_allclose(shrink(image, 0.5, blur=1.3),
                               twice.reshape(17, 33, 10, 20).mean(axis=(1, 3)), atol=5e-5)


def test_noise_is_the_cameras_and_seeded():
    image = np.full((400, 400), 0.5)
    small = shrink(image, 0.5, noise=0.03, seed=1)
    assert small.std() == pytest.approx(0.03, rel=0.02) and abs(small.mean() - 0.5) < 1e-3
    assert (shrink(image, 0.5, noise=0.03, seed=1) == small).all()
    assert (shrink(image, 0.5, noise=0.03, seed=2) != small).any()
    assert (shrink(image, 0.5, noise=0.03, seed=np.random.default_rng(1)) == small).all()
    neighbours = np.corrcoef(small[:, ::2].ravel(), small[:, 1::2].ravel())[0, 1]
    assert abs(neighbours) < 0.02  # each camera pixel its own
    low = degrade(image, 0.25, up="nearest", noise=0.03)
    blocks = low.reshape(100, 4, 100, 4)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_overshoot_is_clipped():
    step = np.zeros((1, 40), np.float32)
    step[:, 20:] = 1
    for how in ("bicubic", "lanczos"):
        assert np.asarray(Image.fromarray(step).resize((11, 1), Image.Resampling.LANCZOS)).max() > 1
        low = degrade(step, 0.3, how, how)
        assert low.min() == 0 and low.max() == 1


# Random --------------------------------------------------------------------------------------


def samples(count=3, side=48):
    rng = np.random.default_rng(0)
    return [Sample(rng.random((side, side + 9)).astype(np.float32),
                   (rng.random((side, side + 9)) > 0.5).astype(np.int32), f"s{i}")
            for i in range(count)]


def test_random_degrade_meets_every_setting_it_is_given(monkeypatch):
    seen = []

    def watch(image, M, resampler, up, antialias=True, blur=0, noise=0, seed=0):
        seen.append((M, resampler, up, antialias))
        assert 0 <= blur <= 2 and 0 <= noise <= 0.1
        return image

    monkeypatch.setattr(degradation, "degrade", watch)
    rng = np.random.default_rng(0)
    every = RandomDegrade(up=("bicubic", "nearest"), blur=2, noise=0.1)
    seen.clear()  # of what it tried beforehand
    for _ in range(2000):
        every(picture(4, 4), rng)
    assert len(set(seen)) == 4 * 5 * 2 * 2
    for position, options in enumerate([(1, 0.5, 0.25, 0.125), RESAMPLERS]):
        for option in options:
            share = np.mean([s[position] == option for s in seen])
            assert share == pytest.approx(1 / len(options), abs=0.04)
    between = RandomDegrade(M=(1, 0.125), resampler="area", continuous=True)
    seen.clear()
    for _ in range(2000):
        between(picture(4, 4), rng)
    drawn = np.array([s[0] for s in seen])
    assert drawn.min() >= 0.125 and drawn.max() <= 1 and len(set(drawn)) == 2000
    octaves = np.histogram(np.log2(drawn), [-3, -2, -1, 0])[0] / 2000
    np.testing.assert_allclose(octaves, 1 / 3, atol=0.04)
    assert {s[1] for s in seen} == {"area"}


def test_in_crops_an_item_depends_on_its_seed_alone():
    make = RandomDegrade(noise=0.05, blur=1.0)
    crops = Crops(samples(), 32, degrade=make, seed=4, repeats=3, head="image")
    again = Crops(samples(), 32, degrade=make, seed=4, repeats=3, head="image")
    for i in (5, 0, 7):
        torch.testing.assert_close(crops[i], again[i], rtol=0, atol=0)
    assert not torch.equal(crops[0][0], crops[0][1])  # the target stays sharp
    loader = torch.utils.data.DataLoader(crops, 3, num_workers=2)
    apart = [batch for batch, _ in torch.utils.data.DataLoader(crops, 3)]
    for (batch, _), alone in zip(loader, apart, strict=True):
        torch.testing.assert_close(batch, alone, rtol=0, atol=0)


def test_one_setting_leaves_nothing_to_chance():
    image = picture(40, 30)
    fixed = RandomDegrade(M=0.25, resampler="bicubic", antialias=False)
    found = fixed(image, np.random.default_rng(9))
    np.testing.assert_array_equal(found, degrade(image, 0.25, "bicubic", antialias=False))


def test_settings_are_drawn_alike_for_images_of_any_size(monkeypatch):

    seen = []
    monkeypatch.setattr(degradation, "degrade", lambda image, *how, seed, **more:
                        seen.append((how, more)) or image)
    for seed in range(20):
        for side in (8, 31):
            random_degrade(picture(side, side), np.random.default_rng(seed))
        assert seen[-1] == seen[-2]
    assert len({how for how, _ in seen}) > 10


def test_it_says_what_it_does_and_fails_before_a_training_begins():
    assert repr(random_degrade).startswith("RandomDegrade(M=(1, 0.5, 0.25, 0.125), resampler=")
    for given, words in ((dict(M=(1, 0)), "M is 0"), (dict(resampler=("area", "box")), "'box'"),
                         (dict(up="box"), "up is 'box'"), (dict(noise=-1), "noise is -1"),
                         (dict(M=(0.5, 2), continuous=True), "M is 2")):
        with pytest.raises(ValueError, match=words):
            RandomDegrade(**given)


# Storage -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(64, 80), (64, 80, 3)])
def test_storage_is_the_size_of_the_files(shape, tmp_path):
    y, x = np.mgrid[:64, :80]
    image = (0.5 + 0.4 * np.sin(x / 9) * np.cos(y / 7)).astype(np.float32)
    image = image if len(shape) == 2 else np.stack([image, image**2, 1 - image], 2)
    found = storage(image, 0.5, quality=80)
    small = Image.fromarray(np.round(shrink(image, 0.5) * 255).astype(np.uint8))
    assert found.raw == 32 * 40 * (shape[2] if len(shape) == 3 else 1) == len(small.tobytes())
    small.save(tmp_path / "a.png")
    small.save(tmp_path / "a.jpg", quality=80)
    assert found.png == (tmp_path / "a.png").stat().st_size
    assert found.jpeg == (tmp_path / "a.jpg").stat().st_size
    back = io.BytesIO()
    small.save(back, "PNG")
    assert (np.asarray(Image.open(back)) == np.asarray(small)).all()
    assert storage(image, 1).raw == 4 * found.raw
    assert storage(image, 0.5, quality=30).jpeg < found.jpeg


# Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("M", [0, -0.5, float("nan"), 1.01, float("inf")])
def test_a_factor_that_is_none(M):
    for what in (degrade, shrink, storage):
        with pytest.raises(ValueError, match="M is .*expected 0 < M <= 1"):
            what(picture(8, 8), M)


@pytest.mark.parametrize("M", ["half", None, [0.5, 0.25]])
def test_a_factor_that_is_no_number(M):
    with pytest.raises(ValueError, match="M is .*expected 0 < M <= 1"):
        degrade(picture(8, 8), M)


@pytest.mark.parametrize("image, error, words", [
    (np.zeros((8, 8), np.uint8), TypeError, "uint8, expected a? ?float .*scale_image"),
    (np.zeros((8, 8), np.uint16), TypeError, "uint16, expected a float .*scale_image"),
    (torch.zeros(8, 8, dtype=torch.uint8), TypeError, "uint8, expected a? ?float .*scale_image"),
    ([[0.0, 1.0]], TypeError, "list, expected a float image"),
    (np.full((8, 8), np.nan), ValueError, "nan.*without NaN"),
    (torch.full((8, 8), float("nan")), ValueError, "nan.*without NaN"),
    (np.full((8, 8), -1.5), ValueError, "from -1.5 to -1.5, expected"),
    (np.full((8, 8), 255.0), ValueError, "255, expected"),
    (np.zeros((0, 8)), ValueError, "empty"),
    (np.zeros(8), ValueError, r"expected \(H, W\)"),
    (np.zeros((2, 8, 8)), ValueError, "images one by one"),
    (np.zeros((2, 1, 8, 8)), ValueError, "images one by one"),
    (torch.zeros(16, 16, 3), ValueError, "channels last"),
    (torch.zeros(16), ValueError, r"expected \(H, W\)"),
])
def test_images_that_are_none(image, error, words):
    with pytest.raises(error, match=words):
        degrade(image, 0.5)


@pytest.mark.parametrize("given, words", [
    (dict(resampler="cubic"), "resampler is 'cubic', expected one of nearest"),
    (dict(up="none"), "up is 'none', expected one of nearest"),
    (dict(noise=0.1, seed=-1), "seed is -1, expected"),
    (dict(noise=0.1, seed="a"), "seed is 'a', expected"),
    (dict(blur=-1), "blur is -1"), (dict(noise=float("nan")), "noise is nan"),
])
def test_settings_that_are_none(given, words):
    with pytest.raises(ValueError, match=words):
        degrade(picture(8, 8), 0.5, **given)
    for shape in ((0, 3), 5, (float("nan"), 3), (float("inf"), 3), (2.5, 3), (1, 2, 3), "ab"):
        with pytest.raises(ValueError, match=r"shape is .*, expected \(height, width\)"):
            enlarge(picture(8, 8), shape)
    for channels in (1, 2, 4):
        with pytest.raises(ValueError, match=r"shape .*, expected \(H, W\) or \(H, W, 3\)"):
            storage(picture(8, 8, channels))
    with pytest.raises(ValueError, match="quality is 0"):
        storage(picture(8, 8), quality=0)


@pytest.mark.parametrize("rng", [0, None])
def test_a_seed_is_no_generator(rng):
    with pytest.raises(TypeError, match=f"rng is {rng}, expected a numpy Generator"):
        random_degrade(picture(8, 8), rng)


def test_it_needs_no_torch():
    code = ("import sys, numpy as np, cellkit as ck; ck.degrade(np.zeros((8, 8)), .5); "
            "assert 'torch' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)
    assert ck.degrade is degrade
