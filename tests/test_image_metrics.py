"""Image metrics against scikit-image, torchmetrics, and spectra known beforehand."""

import doctest
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

import cellkit as ck
from cellkit import degrade, psnr, ssim
from cellkit.metrics import contrast, power_spectrum

SHAPES = [(11, 11), (64, 49), (37, 52, 3)]


def pictures(shape, seed=0, dtype=np.float32):
    """A smooth one, and the same with noise."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.random(shape), (3, 3, 0)[:len(shape)])
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    noisy = np.clip(smooth + 0.1 * rng.standard_normal(shape), 0, 1)
    return smooth.astype(dtype), noisy.astype(dtype)


def test_worked_examples_in_the_docstrings():
    assert doctest.testmod(sys.modules["cellkit.metrics.images"]).failed == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_psnr_and_ssim_are_scikit_images(shape, dtype):
    truth, pred = (image.astype(np.float64) for image in pictures(shape, dtype=dtype))
    assert psnr(truth, pred) == pytest.approx(
        peak_signal_noise_ratio(truth, pred, data_range=1), abs=1e-9)
    expected = structural_similarity(
        truth, pred, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        channel_axis=2 if len(shape) == 3 else None)
    assert ssim(truth, pred) == pytest.approx(expected, abs=1e-9)
    assert psnr(truth, pred) == psnr(pred, truth) and ssim(truth, pred) < 0.95


def test_ssim_is_torchmetrics():
    truth, pred = (torch.from_numpy(image)[None, None]
                   for image in pictures((64, 49), dtype=np.float64))
    _, everywhere = structural_similarity_index_measure(pred, truth, data_range=1.0,
                                                        return_full_image=True)
    inside = everywhere[..., 5:-5, 5:-5]  # it mirrors the edges, and counts them in its mean
    assert ssim(truth[0, 0], pred[0, 0]) == pytest.approx(float(inside.mean()), abs=1e-6)


def test_equal_images():
    image = pictures((20, 20))[0]
    assert psnr(image, image) == np.inf
    assert ssim(image, image) == pytest.approx(1, abs=1e-12)
    assert contrast(image, image) == 1


@pytest.mark.parametrize("a, b", [(0.0, 0.0), (0.3, 0.3), (0.2, 0.7), (0.0, 1.0)])
def test_constant_images(a, b):
    one, other = np.full((16, 16), a), np.full((16, 16), b)
    assert psnr(one, other) == (pytest.approx(-20 * np.log10(b - a)) if a != b else np.inf)
    luminance = (2 * a * b + 1e-4) / (a**2 + b**2 + 1e-4)
    assert ssim(one, other) == pytest.approx(luminance, abs=1e-9)
    assert ssim(one, other) == pytest.approx(structural_similarity(
        one, other, data_range=1, gaussian_weights=True, use_sample_covariance=False), abs=1e-9)
    assert contrast(one, other) == 1
    noise = pictures((16, 16))[1]
    assert contrast(one, noise) == np.inf and contrast(noise, one) == pytest.approx(0, abs=1e-7)
    assert 0 <= ssim(one, noise) < 1


def test_contrast_is_the_ratio_of_spreads():
    truth, _ = pictures((32, 32, 3), dtype=np.float64)
    assert contrast(truth, 0.2 + 0.3 * truth) == pytest.approx(0.3)


def test_lists_give_the_mean_and_may_differ_in_size():
    rows = [pictures(shape, seed) for seed, shape in enumerate(SHAPES)]
    truths, preds = zip(*rows, strict=True)
    for metric in (psnr, ssim, contrast):
        alone = [metric(t, p) for t, p in rows]
        assert metric(truths, preds) == pytest.approx(np.mean(alone))
        assert metric(iter(truths), iter(preds)) == metric(truths, preds)


# Spectra -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(128, 128), (120, 200), (200, 121, 3)])
def test_white_noise_has_its_variance_at_every_frequency(shape):
    rng = np.random.default_rng(0)
    many = [power_spectrum(np.clip(0.5 + 0.1 * rng.standard_normal(shape), 0, 1))
            for _ in range(10)]
    step = 1 / min(shape[:2])
    np.testing.assert_allclose(many[0].frequency, step * np.arange(1, min(shape[:2]) // 2 + 1))
    power = np.mean([one.power for one in many], axis=0)
    assert power.mean() == pytest.approx(0.01, rel=0.03)
    np.testing.assert_allclose(power[10:], 0.01, rtol=0.2)


@pytest.mark.parametrize("period, angle", [(4, 0), (8, 90), (10, 30), (16, 70)])
def test_a_wave_is_found_at_its_frequency_whatever_its_direction(period, angle):
    y, x = np.mgrid[:160, :160]
    along = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    frequency, power = power_spectrum(0.5 + 0.4 * np.cos(2 * np.pi * along / period))
    assert frequency[power.argmax()] == pytest.approx(1 / period, abs=1.01 / 160)
    near = abs(frequency - 1 / period) < 3 / 160
    assert power[near].sum() > 0.99 * power.sum()


def test_degrading_takes_the_frequencies_above_half_of_M():
    noise = np.random.default_rng(1).random((256, 256))
    frequency, before = power_spectrum(noise)
    _, after = power_spectrum(degrade(noise, 0.25, "lanczos", "lanczos"))
    assert (after[frequency < 0.08] > 0.6 * before[frequency < 0.08]).all()
    assert (after[frequency > 0.2] < 0.02 * before[frequency > 0.2]).all()


def test_a_blank_image_has_no_power():
    assert (power_spectrum(np.full((16, 24), 0.3)).power < 1e-20).all()
    assert len(power_spectrum(np.zeros((2, 2))).power) == 1


# Bad input -----------------------------------------------------------------------------------

SAMPLE = ck.Sample(np.zeros((12, 12), np.float32), None, "blank")


@pytest.mark.parametrize("truth, pred, error, words", [
    (np.zeros((12, 12), np.uint8), np.zeros((12, 12)), TypeError, "truth is uint8.*scale_image"),
    (np.zeros((12, 12)), np.full((12, 12), np.nan), ValueError, "pred has values from nan"),
    (np.zeros((12, 12)), np.full((12, 12), 1.5), ValueError, "pred has values from 1.5 to 1.5"),
    (np.zeros((12, 12)), np.zeros((6, 6)), ValueError, "truth has shape .* enlarge"),
    (np.zeros((2, 12, 12)), np.zeros((2, 12, 12)), ValueError, "one by one"),
    (np.zeros((0, 12)), np.zeros((0, 12)), ValueError, "not empty"),
    ([np.zeros((12, 12))], np.zeros((12, 12)), ValueError, "pred is one image and truth a row"),
    ([np.zeros((12, 12))], [], ValueError, "pred has 0 images"),
    ([], [], ValueError, "no images"),
    (None, None, TypeError, "truth is NoneType, expected a float image.*Sample"),
    (SAMPLE, SAMPLE, TypeError, "truth is Sample.*take its .image"),
    (np.zeros((12, 12)), SAMPLE, TypeError, "pred is Sample"),
    (*[Image.new("L", (12, 12))] * 2, TypeError, "truth is uint8.*scale_image"),
])
def test_bad_images(truth, pred, error, words):
    for metric in (psnr, ssim, contrast):
        with pytest.raises(error, match=words):
            metric(truth, pred)


def test_bad_sizes():
    with pytest.raises(ValueError, match="at least 11 pixels"):
        ssim(np.zeros((10, 30)), np.zeros((10, 30)))
    with pytest.raises(ValueError, match="at least 2 pixels"):
        power_spectrum(np.zeros((1, 30)))
