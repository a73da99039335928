"""Resolution: make an image coarser by a factor M, and what it then costs to store.

How pixels are merged stands in :mod:`cellkit.resampling`.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from cellkit import checks
from cellkit.resampling import RESAMPLERS, is_tensor, resample, scaled_shape


def degrade(image, M: float, resampler: str = "area", up: str = "bicubic", antialias: bool = True,
            *, blur: float = 0.0, noise: float = 0.0, seed=0):
    """Down by M, then back up to the size it had (lessons 04_super_resolution, 05_double_unet).

    The same as ``enlarge(shrink(image, M, resampler, antialias), shape, up)``.

    Parameters
    ----------
    image : ndarray (H, W) or (H, W, 3), or torch tensor (H, W), (C, H, W) or (N, C, H, W)
        Float, range [0, 1].
    M : float, 0 < M ≤ 1
        The side-length ratio: 704 × 520 at M = 0.25 becomes 176 × 130.  A side of n pixels gets
        max(1, floor(M n + 0.5)); where no side changes, neither does the image.
    resampler, antialias
        The way down, see :func:`shrink`.
    up : str
        The way back up, one of :data:`RESAMPLERS`; nothing is there to be antialiased.
    blur, noise, seed
        A worse microscope and camera, see :func:`shrink`.

    Returns
    -------
    ndarray or tensor
        As given: kind, shape, dtype and device.  Range [0, 1]: bicubic and lanczos overshoot, so
        both steps are clipped.  Tensors can be differentiated through.

    Raises
    ------
    TypeError, ValueError
        Whole-number images, NaN, values outside [0, 1], unknown shapes, resamplers or M.

    References
    ----------
    Paper 1 (Double U-Net), section 3.2, which names no resampler; the choices here are ours.
    """
    checks.one_of("up", up, RESAMPLERS)
    small = shrink(image, M, resampler, antialias, blur=blur, noise=noise, seed=seed)
    return enlarge(small, _sides(image), up)


def shrink(image, M: float, resampler: str = "area", antialias: bool = True, *,
           blur: float = 0.0, noise: float = 0.0, seed=0):
    """The small image itself: what a coarse camera sees, and what would be stored (lesson 04).

    Parameters
    ----------
    image, M
        As in :func:`degrade`.
    resampler : {"nearest", "bilinear", "bicubic", "lanczos", "area"}
        "nearest" takes the pixel at the new pixel's centre; "area" is the mean of what the new
        pixel covers, parts of pixels included, as a camera with larger pixels would; the others
        weigh by a hat, Keys' cubic (a = -1/2) and Lanczos' windowed sinc (3 lobes).  Pixel
        centres lie at half-pixels; the weights are cut off at the image's edge and sum to 1.
    antialias : bool
        Stretch the weights over all the pixels that are merged into one.  Without it most of
        them are skipped.  "nearest" never does it and "area" always, whatever is said here.
    blur : float
        The optics: Gaussian with this standard deviation in pixels of ``image``, before all else.
    noise : float
        The camera: Gaussian with this standard deviation in grey values, in the small image.
    seed : int or numpy.random.Generator
        Decides the noise.

    Returns
    -------
    ndarray or tensor
        Kind and dtype as given, the last step clipped to [0, 1].

    Notes
    -----
    Antialiased, and always when enlarging, the weights are those of Pillow's ``resize`` and of
    ``torch.nn.functional.interpolate(antialias=True)``.  Without, torch and OpenCV take another
    cubic (a = -3/4) and repeat the edge; here the cubic stays the same.  "nearest" is torch's
    "nearest-exact".

    References
    ----------
    R. Keys, Cubic convolution interpolation for digital image processing, 1981.
    """
    image = _checked(image)
    _check_factor(M)
    _check_deviation("blur", blur)
    _check_deviation("noise", noise)
    checks.one_of("resampler", resampler, RESAMPLERS)
    sides = _sides(image)
    if blur:
        image = resample(image, sides, "gaussian", blur)
    image = resample(image, scaled_shape(sides, M), resampler, bool(antialias))
    if noise:
        try:
            rng = np.random.default_rng(seed)
        except (TypeError, ValueError):
            raise ValueError(
                f"seed is {seed!r}, expected a whole number of at least 0, or a Generator."
            ) from None
        grains = rng.standard_normal(tuple(image.shape), np.float32)
        image = image + _like(grains, image) * noise
    return _clipped(image)


def enlarge(image, shape: tuple[int, int], up: str = "bicubic"):
    """An image at another size, usually a small one at the size it had before (lesson 04).

    Parameters
    ----------
    image
        As in :func:`degrade`.
    shape : (int, int)
        Rows and columns wanted, at least 1.  Should they be fewer, it is antialiased.
    up : str
        One of :data:`RESAMPLERS`, see :func:`shrink`.

    Returns
    -------
    ndarray or tensor
        Kind and dtype as given, clipped to [0, 1].
    """
    image = _checked(image)
    checks.one_of("up", up, RESAMPLERS)
    return _clipped(resample(image, checks.shape("shape", shape), up, True))


class Storage(NamedTuple):
    """Bytes that one image needs: plain, as PNG file, as JPEG file."""

    raw: int
    png: int
    jpeg: int


def storage(image: np.ndarray, M: float = 1.0, resampler: str = "area", antialias: bool = True, *,
            quality: int = 90) -> Storage:
    """What an image costs to keep at a factor M, with 8 bits a grey value (lesson 04).

    Parameters
    ----------
    image : ndarray, float, (H, W) or (H, W, 3), range [0, 1]
    M, resampler, antialias
        See :func:`shrink`.
    quality : int, 1 to 95
        Of the JPEG (Pillow's scale).

    Returns
    -------
    Storage
        Bytes.  PNG is lossless; it and JPEG include their headers (JPEG's 330 bytes, 630 for
        colour), which is why small images save less than M² would have it.
    """
    image = checks.image("the image", image)
    if image.shape[2:] not in ((), (3,)):
        raise ValueError(f"the image has shape {image.shape}, expected (H, W) or (H, W, 3): files "
                         "hold one picture; take the channels that are meant.")
    checks.number("quality", quality, "1 to 95, Pillow's scale", lambda q: 1 <= q <= 95)
    small = shrink(image, M, resampler, antialias)
    return Storage(raw=small.size, png=file_size(small, format="PNG"),
                   jpeg=file_size(small, format="JPEG", quality=int(quality)))


def _clipped(image):
    if is_tensor(image):
        return image.clamp(0, 1).contiguous()
    return np.ascontiguousarray(np.clip(image, 0, 1))


# What is given -----------------------------------------------------------------------------------


def _sides(image) -> tuple[int, int]:
    return tuple(image.shape[-2:] if is_tensor(image) else image.shape[:2])


def _like(array: np.ndarray, image):
    if is_tensor(image):
        import torch

        return torch.from_numpy(array).to(image)
    return array.astype(image.dtype, copy=False)


def _checked(image):
    if not is_tensor(image):
        return checks.image("the image", image)
    shape = tuple(image.shape)
    if not image.is_floating_point():
        raise TypeError(
            f"the image is {image.dtype}, expected float in [0, 1]; scale it with "
            "cellkit.datasets.scale_image(image) first."
        )
    last = len(shape) == 3 and shape[2] in (3, 4) and shape[0] > 4
    if len(shape) not in (2, 3, 4) or 0 in shape or last:
        raise ValueError(
            f"the tensor has shape {shape}, expected (H, W), (C, H, W) or (N, C, H, W), not empty"
            + ("; this looks like channels last, use tensor.permute(2, 0, 1)." if last else ".")
        )
    checks.unit_range("the image", *map(float, image.detach().aminmax()), "degrade it before it is "
                      "normalised, or scale it with cellkit.datasets.scale_image(image)")
    return image


def _check_factor(M) -> None:
    checks.number("M", M, "0 < M <= 1, the side-length ratio; 0.25 makes 704 x 520 to 176 x 130",
                  lambda M: 0 < M <= 1)


def _check_deviation(name, value) -> None:
    checks.number(name, value, "a standard deviation, 0 or above", lambda v: v >= 0)


def file_size(image: np.ndarray, **how) -> int:
    """Bytes of an image in [0, 1] as a file of 8 bits; ``how`` is Pillow's."""
    file = io.BytesIO()
    Image.fromarray(np.round(image * 255).astype(np.uint8)).save(file, **how)
    return file.tell()


# Everything drawn, for training ------------------------------------------------------------------


def _options(setting) -> tuple:
    """What there is to choose from, where one value stands for itself."""
    return setting if isinstance(setting, (tuple, list)) and setting else (setting,)


@dataclass(frozen=True)
class RandomDegrade:
    """:func:`degrade` with everything drawn anew: for :class:`cellkit.Crops` (lesson 05).

    One network can only serve every M and every resampler if it has met them all.
    ``cellkit.random_degrade`` is this as it stands; ``RandomDegrade(M=0.25)`` is one M with all
    resamplers, and so on.  Called as ``f(image, rng)``.

    Parameters
    ----------
    M, resampler, antialias, up
        As in :func:`degrade`: a value, or several to choose from, each equally often.
    continuous : bool
        M anywhere between the smallest and the largest given, halvings equally often.
    blur, noise : float
        The strongest; drawn between 0 and this.

    Notes
    -----
    The settings depend on the state of ``rng`` and not on the image's size, so that ``Crops`` can
    degrade a cut-out and the whole image alike.
    """

    M: float | tuple[float, ...] = (1, 0.5, 0.25, 0.125)
    resampler: str | tuple[str, ...] = RESAMPLERS
    antialias: bool | tuple[bool, ...] = (True, False)
    up: str | tuple[str, ...] = "bicubic"
    continuous: bool = False
    blur: float = 0.0
    noise: float = 0.0

    def __post_init__(self):
        # Better now than in the middle of a training.
        for M in _options(self.M):
            _check_factor(M)
        for name in ("resampler", "up"):
            for resampler in _options(getattr(self, name)):
                checks.one_of(name, resampler, RESAMPLERS)
        for name in ("blur", "noise"):
            _check_deviation(name, getattr(self, name))

    def __call__(self, image, rng: np.random.Generator):
        checks.generator(rng)
        M, how = _options(self.M), (self.resampler, self.up, self.antialias)
        if self.continuous:
            drawn = math.exp(rng.uniform(math.log(min(M)), math.log(max(M))))
        else:
            drawn = M[int(rng.integers(len(M)))]
        how = [options[int(rng.integers(len(options)))] for options in map(_options, how)]
        blur, noise = self.blur * rng.random(), self.noise * rng.random()
        return degrade(image, drawn, *how, blur=blur, noise=noise, seed=rng)


random_degrade = RandomDegrade()
