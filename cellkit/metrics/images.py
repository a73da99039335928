"""How near one image comes to another: noise, structure, contrast, and what its spectrum keeps.

For images in [0, 1], float, (H, W) or (H, W, 3), truth first.  Two images give one number, two
lists of images their mean.  None of these says whether cells can still be found: lesson 04 shows
images whose PSNR rises while the cells go.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from skimage.metrics import structural_similarity

from cellkit import checks
from cellkit.metrics.pairs import pairs


class Spectrum(NamedTuple):
    """Mean power at each radial frequency (cycles per pixel, up to 0.5)."""

    frequency: np.ndarray
    power: np.ndarray


def psnr(truth, pred) -> float:
    """Peak signal-to-noise ratio 10 log10(1 / mean squared error) in dB (lesson 04).

    Parameters
    ----------
    truth, pred : image (H, W) or (H, W, 3), or list of images
        Range [0, 1], so the peak is 1 and a constant image needs no special case.  Lists give
        the mean of the images' own decibels.

    Returns
    -------
    float
        Infinite for equal images (and so for a mean that contains some).

    Examples
    --------
    >>> psnr(np.full((2, 2), 0.5), np.full((2, 2), 0.6))  # error 0.1: a tenth of the peak
    20.0
    """
    return _mean(truth, pred, _psnr)


def ssim(truth, pred) -> float:
    """Structural similarity: brightness, contrast and pattern, looked at locally (lesson 04).

    Parameters
    ----------
    truth, pred : image (H, W) or (H, W, 3), or list of images
        Range [0, 1], sides of at least 11 pixels.  Colours are compared one by one, then averaged.

    Returns
    -------
    float
        At most 1 (equal images); lists give the mean.  Two constant images a and b get
        (2ab + c) / (a² + b² + c) with c = 0.0001: there is no pattern to compare, only
        brightness.

    Notes
    -----
    The paper's settings: Gaussian window with standard deviation 1.5 cut to 11 × 11, K1 = 0.01,
    K2 = 0.03; pixels whose window would stick out are left out of the mean.

    References
    ----------
    Wang et al., Image quality assessment: from error visibility to structural similarity, 2004.

    Examples
    --------
    >>> round(ssim(np.zeros((16, 16)), np.ones((16, 16))), 6)  # c / (1 + c)
    0.0001
    """
    return _mean(truth, pred, _ssim)


def contrast(truth, pred) -> float:
    """How much of the grey values' spread is left: std(pred) / std(truth) (lesson 04).

    Parameters
    ----------
    truth, pred : image (H, W) or (H, W, 3), or list of images

    Returns
    -------
    float
        1: as much as there was.  A constant truth has none to lose: 1 if ``pred`` is constant
        too, otherwise infinite.

    Examples
    --------
    >>> image = np.array([[0.0, 1.0]])
    >>> contrast(image, 0.25 + image / 2)
    0.5
    """
    return _mean(truth, pred, _contrast)


def power_spectrum(image) -> Spectrum:
    """Power at each spatial frequency, averaged over directions (lesson 04_super_resolution).

    Parameters
    ----------
    image : ndarray, float, (H, W) or (H, W, 3)
        At least 2 pixels each way.  Its mean is taken off and a Hann window laid over it, so that
        opposite edges meet without a step.  Colours are averaged in power.

    Returns
    -------
    Spectrum
        ``frequency`` in cycles per pixel: 1, 2, ... periods along the shorter side, up to 0.5,
        beyond which only diagonals lie.  ``power``: the mean of |F|² / pixels over the ring
        around each.  White noise of standard deviation
        s gives s² everywhere; downsampling by M without aliasing leaves nothing above M / 2.

    Examples
    --------
    >>> x = np.arange(64)
    >>> wave = np.tile(0.5 + 0.5 * np.cos(2 * np.pi * x / 8), (64, 1))
    >>> found = power_spectrum(wave)
    >>> float(found.frequency[found.power.argmax()])
    0.125
    """
    image = checks.image("image", image)
    rows, columns = image.shape[:2]
    checks.number("the image's shorter side", min(rows, columns), "at least 2 pixels; a single row "
                  "has no spectrum to speak of", lambda side: side >= 2)
    # Hann at half-pixel centres; divided by its own power, so that noise keeps its variance.
    hann = [np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2 for n in (rows, columns)]
    window = np.outer(*hann)
    window /= np.sqrt((window**2).mean())
    planes = np.atleast_3d(image).transpose(2, 0, 1).astype(np.float64)
    planes = (planes - planes.mean(axis=(1, 2), keepdims=True)) * window
    power = (abs(np.fft.fft2(planes)) ** 2).mean(axis=0) / (rows * columns)
    radius = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns))
    step = 1 / min(rows, columns)
    ring = np.floor(radius / step + 0.5).astype(int)
    rings = np.arange(1, min(rows, columns) // 2 + 1)
    total, count = (np.bincount(ring.ravel(), weights)[rings] for weights in (power.ravel(), None))
    return Spectrum(rings * step, total / count)


def _psnr(truth, pred) -> float:
    error = np.mean((truth - pred) ** 2)  # scikit-image's warns where images are equal
    return float(-10 * np.log10(error)) if error else np.inf


def _ssim(truth, pred) -> float:
    checks.number("the shorter side of the images", min(truth.shape[:2]), "at least 11 pixels, the "
                  "window that SSIM looks through; compare larger crops, or use psnr",
                  lambda side: side >= 11)
    return float(structural_similarity(
        truth, pred, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        channel_axis=None if truth.ndim == 2 else 2))


def _contrast(truth, pred) -> float:
    have, had = pred.std(), truth.std()
    if np.ptp(truth) == 0:
        return 1.0 if np.ptp(pred) == 0 else np.inf
    return float(have / had)


def _mean(truth, pred, score) -> float:
    images = pairs(truth, pred, checks.image, checks.image, stacks=False)
    return float(np.mean([score(t.astype(np.float64), p.astype(np.float64)) for t, p in images]))
