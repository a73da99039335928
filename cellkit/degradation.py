"""Resolution: make an image coarser by a factor M, and what it then costs to store.

Every resampler here is one idea: a new pixel is a weighted sum of a few old ones, along the rows
and along the columns.  :func:`taps` says which ones and how much of each; the rest is a sparse
product.  (The module is not called ``degrade``: ``cellkit.degrade`` is the function.)
"""

from __future__ import annotations

import io
import math
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import sparse

RESAMPLERS = ("nearest", "bilinear", "bicubic", "lanczos", "area")


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
    _known(up, "up")
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
    _checked(image)
    M, blur, noise = _factor(M), _deviation(blur, "blur"), _deviation(noise, "noise")
    _known(resampler, "resampler")
    sides = _sides(image)
    if blur:
        image = resample(image, sides, "gaussian", blur)
    size = [max(1, math.floor(M * side + 0.5)) for side in sides]
    image = resample(image, size, resampler, bool(antialias))
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
    _checked(image)
    try:
        rows, columns = map(int, shape)
        whole = (rows, columns) == tuple(shape) and min(rows, columns) >= 1
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise ValueError(
            f"shape is {shape!r}, expected rows and columns, whole numbers of at least 1."
        )
    return _clipped(resample(image, (rows, columns), _known(up, "up"), True))


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
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f"the image is {type(image).__name__}, expected a numpy array (H, W) or (H, W, 3); "
            "files hold one picture, so convert it first."
        )
    if image.ndim == 3 and image.shape[2] != 3:
        raise ValueError(
            f"the image has shape {image.shape}, expected (H, W) or (H, W, 3); take the channels "
            "that are meant."
        )
    if not 1 <= _number(quality, "quality") <= 95:
        raise ValueError(f"quality is {quality}, expected 1 to 95, Pillow's scale.")
    small = shrink(image, M, resampler, antialias)
    picture = Image.fromarray(np.round(small * 255).astype(np.uint8))
    return Storage(raw=small.size, png=_file_size(picture, format="PNG"),
                   jpeg=_file_size(picture, format="JPEG", quality=int(quality)))


# How a row of pixels becomes another -------------------------------------------------------------


def _hat(x):
    return np.maximum(1 - abs(x), 0)


def _keys(x):
    x = abs(x)
    near, far = (1.5 * x - 2.5) * x * x + 1, ((2.5 - 0.5 * x) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x):
    return np.where(abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


def _gaussian(x):
    return np.exp(-x * x / 2)


# What each weighs a pixel with, by its distance; and how far it reaches.
KERNELS = {"bilinear": (_hat, 1), "bicubic": (_keys, 2), "lanczos": (_lanczos, 3),
           "gaussian": (_gaussian, 4)}


@lru_cache(maxsize=256)
def taps(old: int, new: int, resampler: str, stretch: bool | float = True):
    """Which of ``old`` pixels in a row make up each of ``new``, and how much of each.

    Parameters
    ----------
    old, new : int
        Pixels in the row.
    resampler : str
        One of :data:`RESAMPLERS`, or "gaussian" for a blur.
    stretch : bool or float
        Antialiasing; or, in old pixels, what the kernel calls 1.

    Returns
    -------
    index : ndarray, int64, (new, k)
    weight : ndarray, float64, (new, k)
        Each row sums to 1.
    """
    ratio, number = old / new, np.arange(new)
    if resampler == "nearest":
        return ((2 * number + 1) * old // (2 * new))[:, None], np.ones((new, 1))
    if resampler == "area":
        first = number * old // new
        index = first[:, None] + np.arange(math.ceil(ratio) + 1)
        # Where pixel [j, j + 1] and the new pixel overlap, times ``new`` so that all is whole.
        end = np.minimum((index + 1) * new, (number[:, None] + 1) * old)
        weight = np.maximum(end - np.maximum(index * new, number[:, None] * old), 0) / old
    else:
        kernel, reach = KERNELS[resampler]
        if isinstance(stretch, bool):
            stretch = max(ratio, 1.0) if stretch else 1.0
        centre, reach = (number[:, None] + 0.5) * ratio, reach * stretch
        index = np.floor(centre - reach).astype(np.int64) + np.arange(math.ceil(2 * reach) + 1)
        weight = kernel((index + 0.5 - centre) / stretch)
    weight = np.where((index >= 0) & (index < old), weight, 0)
    return np.clip(index, 0, old - 1), weight / weight.sum(axis=1, keepdims=True)


def resample(image, size: tuple[int, int], resampler: str, stretch: bool | float = True):
    """Columns, then rows, each by its own :func:`taps`; unchecked, and not clipped."""
    axes = (-2, -1) if _is_tensor(image) else (0, 1)
    for axis, new in reversed(list(zip(axes, size, strict=True))):
        old = image.shape[axis]
        if old == new and resampler != "gaussian":
            continue
        first = image.swapaxes(axis, 0)  # the same word in numpy and torch
        mixed = _mixed(first.reshape(old, -1), *taps(old, new, resampler, stretch))
        image = mixed.reshape(new, *first.shape[1:]).swapaxes(axis, 0)
    return image


def _mixed(rows, index, weight):
    """Each new row as the weighted sum of the old rows in ``index``."""
    if _is_tensor(rows):
        import torch
        from torch.nn.functional import embedding_bag  # does just this, and knows the gradient

        exact = rows if rows.dtype == torch.float64 else rows.float()
        index, weight = torch.from_numpy(index), torch.from_numpy(weight)
        return embedding_bag(index.to(rows.device), exact, mode="sum",
                             per_sample_weights=weight.to(exact)).to(rows.dtype)
    exact = rows if rows.dtype == np.float64 else rows.astype(np.float32, copy=False)
    start = np.arange(0, index.size + 1, index.shape[1])
    matrix = sparse.csr_array((weight.astype(exact.dtype).ravel(), index.ravel(), start),
                              shape=(len(index), len(rows)))
    return (matrix @ exact).astype(rows.dtype, copy=False)


def _clipped(image):
    if _is_tensor(image):
        return image.clamp(0, 1).contiguous()
    return np.ascontiguousarray(np.clip(image, 0, 1))


# What is given -----------------------------------------------------------------------------------


def _is_tensor(image) -> bool:
    torch = sys.modules.get("torch")  # who has a tensor has imported it
    return torch is not None and isinstance(image, torch.Tensor)


def _sides(image) -> tuple[int, int]:
    return tuple(image.shape[-2:] if _is_tensor(image) else image.shape[:2])


def _like(array: np.ndarray, image):
    if _is_tensor(image):
        import torch

        return torch.from_numpy(array).to(image)
    return array.astype(image.dtype, copy=False)


def _checked(image) -> None:
    tensor, shape = _is_tensor(image), tuple(getattr(image, "shape", ()))
    if not tensor and not isinstance(image, np.ndarray):
        raise TypeError(
            f"the image is {type(image).__name__}, expected a numpy array or a torch tensor; "
            "read it with cellkit.read, or convert it with numpy.asarray."
        )
    if not (image.is_floating_point() if tensor else image.dtype.kind == "f"):
        raise TypeError(
            f"the image is {image.dtype}, expected float in [0, 1]; scale it with "
            "cellkit.datasets.scale_image(image) first."
        )
    if tensor and len(shape) not in (2, 3, 4):
        raise ValueError(
            f"the tensor has shape {shape}, expected (H, W), (C, H, W) or (N, C, H, W)."
        )
    if tensor and len(shape) == 3 and shape[2] in (3, 4) and shape[0] > 4:
        raise ValueError(
            f"the tensor has shape {shape}, which looks like channels last, expected (C, H, W); "
            "use tensor.permute(2, 0, 1)."
        )
    if not tensor and (len(shape) not in (2, 3) or len(shape) == 3 and shape[2] > 4):
        raise ValueError(
            f"the image has shape {shape}, expected (H, W) or (H, W, 3); loop over a stack, or "
            "make it a torch tensor (N, C, H, W)."
        )
    if 0 in shape:
        raise ValueError(f"the image is empty, shape {shape}, expected at least 1x1.")
    low, high = map(float, image.detach().aminmax() if tensor else (image.min(), image.max()))
    if not (low >= -1e-5 and high <= 1 + 1e-5):  # rounding may pass; written so that NaN does not
        raise ValueError(
            f"the image has values from {low:g} to {high:g}, expected [0, 1] without NaN; degrade "
            "it before it is normalised, or scale it with cellkit.datasets.scale_image(image)."
        )


def _number(value, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}, expected one number.") from None


def _factor(M) -> float:
    if not 0 < _number(M, "M") <= 1:
        raise ValueError(
            f"M is {M}, expected 0 < M <= 1, the side-length ratio; 0.25 makes 704 x 520 to "
            "176 x 130."
        )
    return float(M)


def check_generator(rng) -> None:
    """What draws must be a numpy Generator: a seed would draw the same each time."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng is {rng!r:.40}, expected a numpy Generator; give np.random.default_rng(0), once "
            "made and used on."
        )


def _deviation(value, name: str) -> float:
    if not 0 <= _number(value, name) < math.inf:
        raise ValueError(f"{name} is {value}, expected a standard deviation, 0 or above.")
    return float(value)


def _known(resampler, name: str) -> str:
    if resampler not in RESAMPLERS:
        raise ValueError(f"{name} is {resampler!r}, expected one of {', '.join(RESAMPLERS)}.")
    return resampler


def _file_size(picture, **how) -> int:
    file = io.BytesIO()
    picture.save(file, **how)
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
            _factor(M)
        for name in ("resampler", "up"):
            for resampler in _options(getattr(self, name)):
                _known(resampler, name)
        for name in ("blur", "noise"):
            _deviation(getattr(self, name), name)

    def __call__(self, image, rng: np.random.Generator):
        check_generator(rng)
        M, how = _options(self.M), (self.resampler, self.up, self.antialias)
        if self.continuous:
            drawn = math.exp(rng.uniform(math.log(min(M)), math.log(max(M))))
        else:
            drawn = M[int(rng.integers(len(M)))]
        how = [options[int(rng.integers(len(options)))] for options in map(_options, how)]
        blur, noise = self.blur * rng.random(), self.noise * rng.random()
        return degrade(image, drawn, *how, blur=blur, noise=noise, seed=rng)


random_degrade = RandomDegrade()
