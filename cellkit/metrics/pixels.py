"""How well two masks agree, pixel by pixel.

Every function takes the truth first.  Two masks give one number; two rows of masks give the mean
over images, or with ``pooled=True`` the number for all their pixels thrown together.  The two
differ (by up to 0.065 Dice on LIVECell): small or nearly empty images count as much as full ones
in the mean, and next to nothing in the pool.  Say which one you print.

What all of them take, and object to, stands in :func:`confusion`, and ``pooled`` in :func:`dice`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from cellkit import checks
from cellkit.metrics.pairs import pairs

#: What :func:`checks.number` asks of a band's width.
WIDTH = "at least 1 pixel; 2 is the usual choice", lambda width: width >= 1


class Confusion(NamedTuple):
    """Pixels by truth and prediction: hits, false alarms, misses, and background left alone."""

    tp: int
    fp: int
    fn: int
    tn: int


def confusion(truth, pred) -> Confusion:
    """Count pixels by truth and prediction.

    Parameters
    ----------
    truth, pred : mask (H, W), stack (N, H, W), or iterable of masks (H, W)
        bool; or whole numbers, where anything above 0 is foreground (so label maps and 0/255
        pictures will do); or float of 0 and 1 only.

    Returns
    -------
    Confusion
        Pixels; for rows of masks, of all images together.

    Raises
    ------
    ValueError, TypeError
        Shapes or lengths that differ, empty images or rows, NaN, negative numbers, and a
        probability map where a mask is meant.

    Examples
    --------
    >>> truth = np.array([[1, 1, 0, 0]])
    >>> pred = np.array([[1, 0, 0, 1]])
    >>> confusion(truth, pred)
    Confusion(tp=1, fp=1, fn=1, tn=1)
    """
    return Confusion(*(int(count[0]) for count in _counts(truth, pred, pooled=True)))


def dice(truth, pred, pooled: bool = False) -> float:
    """Dice coefficient 2|T ∩ P| / (|T| + |P|), from 0 to 1 (lesson 02_unet_from_scratch).

    Parameters
    ----------
    truth, pred : mask (H, W), stack (N, H, W), or iterable of masks (H, W)
        As in :func:`confusion`.
    pooled : bool
        Of rows of masks: False, the mean over images; True, one value for all their pixels.

    Returns
    -------
    float
        1 where both masks are empty: nothing to find, nothing found.

    References
    ----------
    Paper 1 (Double U-Net), section 3.4.

    Examples
    --------
    >>> truth = np.array([[1, 1, 0, 0]])
    >>> dice(truth, np.array([[1, 0, 0, 0]]))  # 2·1 / (2 + 1)
    0.6666666666666666
    >>> empty = np.zeros((1, 4), bool)
    >>> dice([truth, empty], [truth, truth])  # the mean of 1 and 0 ...
    0.5
    >>> dice([truth, empty], [truth, truth], pooled=True)  # ... but 2·2 / (2 + 4) in the pool
    0.6666666666666666
    """
    n = _counts(truth, pred, pooled)
    return _mean_share(2 * n.tp, 2 * n.tp + n.fp + n.fn, n)


def iou(truth, pred, pooled: bool = False) -> float:
    """Intersection over union |T ∩ P| / |T ∪ P| of the foreground, from 0 to 1.

    Also known as the Jaccard index; IoU = Dice / (2 − Dice) image by image (not for means).

    Returns
    -------
    float
        1 where both masks are empty.

    Examples
    --------
    >>> iou(np.array([[1, 1, 0, 0]]), np.array([[0, 1, 1, 1]]))
    0.25
    """
    n = _counts(truth, pred, pooled)
    return _mean_share(n.tp, n.tp + n.fp + n.fn, n)


def accuracy(truth, pred, pooled: bool = False) -> float:
    """The share of pixels called right, background included, from 0 to 1.

    Returns
    -------
    float
        High wherever there is much background: an empty prediction scores 1 − |T| / pixels.

    Examples
    --------
    >>> accuracy(np.array([[1, 0, 0, 0]]), np.array([[0, 0, 0, 0]]))
    0.75
    """
    n = _counts(truth, pred, pooled)
    return _mean_share(n.tp + n.tn, n.tp + n.fp + n.fn + n.tn, n)


def precision(truth, pred, pooled: bool = False) -> float:
    """The share of predicted foreground that is true, |T ∩ P| / |P|, from 0 to 1.

    Returns
    -------
    float
        Where nothing is predicted: 1 if there was nothing to find, otherwise 0.

    Examples
    --------
    >>> precision(np.array([[1, 1, 0, 0]]), np.array([[0, 1, 1, 1]]))
    0.3333333333333333
    """
    n = _counts(truth, pred, pooled)
    return _mean_share(n.tp, n.tp + n.fp, n)


def recall(truth, pred, pooled: bool = False) -> float:
    """The share of true foreground that is found, |T ∩ P| / |T|, from 0 to 1.

    Returns
    -------
    float
        Where there is nothing to find: 1 if nothing is predicted, otherwise 0.

    Examples
    --------
    >>> recall(np.array([[1, 1, 0, 0]]), np.array([[0, 1, 1, 1]]))
    0.5
    """
    n = _counts(truth, pred, pooled)
    return _mean_share(n.tp, n.tp + n.fn, n)


def f1(truth, pred, pooled: bool = False) -> float:
    """The harmonic mean of precision and recall, per pixel: the same number as :func:`dice`.

    Two names for one thing, because papers 2 and 5 print F1 and paper 1 prints Dice.

    Examples
    --------
    >>> f1(np.array([[1, 1, 0, 0]]), np.array([[0, 1, 1, 1]]))  # 2 · ½ · ⅓ / (½ + ⅓)
    0.4
    """
    return dice(truth, pred, pooled)


def edge_dice(truth, pred, width: float = 2, pooled: bool = False) -> float:
    """Dice of the bands around the two masks' borders (lesson 05_double_unet).

    A pixel is in a mask's band if a pixel of the other kind (foreground for background, and the
    other way round) lies at most ``width`` pixels away, centre to centre.  The edge of the image
    is no border: what lies outside is not known.

    Parameters
    ----------
    width : float, at least 1
        Pixels on each side of the border; at 2 the band is 4 pixels wide.

    Returns
    -------
    float
        From 0 to 1; 1 where neither mask has a border (all foreground, or all background).

    Examples
    --------
    >>> truth = np.array([[1, 1, 1, 1, 0, 0, 0, 0]])
    >>> pred = np.array([[1, 1, 1, 0, 0, 0, 0, 0]])
    >>> dice(truth, pred), edge_dice(truth, pred), edge_dice(truth, pred, width=1)
    (0.8571428571428571, 0.75, 0.5)
    """
    checks.number("width", width, *WIDTH)
    bands = ((_band(t, width), _band(p, width)) for t, p in _masks(truth, pred))
    n = _sum_images((_confusion(t, p) for t, p in bands), pooled)
    return _mean_share(2 * n.tp, 2 * n.tp + n.fp + n.fn, n)


def edge_band(mask, width: float = 2) -> np.ndarray:
    """The band around a mask's border that :func:`edge_dice` compares (lesson 05_double_unet).

    Parameters
    ----------
    mask : mask (H, W)
        As in :func:`confusion`.
    width : float, at least 1
        Pixels on each side of the border.

    Returns
    -------
    bool (H, W)
        Empty where the mask has no border.
    """
    checks.number("width", width, *WIDTH)
    return _band(checks.mask("the mask", mask), width)


def image_edges(image, sigma: float = 2) -> np.ndarray:
    """Where an image has edges, whatever drew them (lesson 05_double_unet).

    The high-pass |image − Gaussian blur| above Otsu's threshold: what paper 1 (section 6) proposes
    to compare predicted edges with, ``dice(image_edges(image), edge_band(pred))``.  It needs no
    truth, and so cannot tell a cell's border from a speck of dirt or a wrinkle inside the cell.

    Parameters
    ----------
    image : float (H, W)
        Grey.
    sigma : float, above 0
        Standard deviation of the blur in pixels.  The paper names no filter; 2 is our choice.

    Returns
    -------
    bool (H, W)
        Empty for a constant image.
    """
    from skimage.filters import threshold_otsu

    checks.number("sigma", sigma, "a number of pixels above 0", lambda s: s > 0)
    image = checks.plane("the image", image)
    if image.dtype.kind != "f":
        raise ValueError(f"the image has type {image.dtype}, expected float; "
                         "scale it with cellkit.datasets.scale_image(image) first.")
    image = image.astype(np.result_type(image, np.float32), copy=False)  # scipy knows no float16
    high = np.abs(image - ndimage.gaussian_filter(image, sigma))
    return high > threshold_otsu(high)


def hausdorff(truth, pred) -> float:
    """Hausdorff distance: how far the pixel that strays farthest is from the other mask.

    Parameters
    ----------
    truth, pred : mask (H, W), stack (N, H, W), or iterable of masks (H, W)
        All foreground pixels count, not only outlines.  Rows of images give the mean.

    Returns
    -------
    float
        In pixels; 0 is perfect, and what two empty masks get; infinite if only one is empty.

    Examples
    --------
    >>> hausdorff(np.array([[1, 1, 0, 0, 0]]), np.array([[1, 1, 0, 0, 1]]))
    3.0
    """
    images = [max(directed_hausdorff(t, p), directed_hausdorff(p, t))
              for t, p in _masks(truth, pred)]
    return float(np.mean(images))


def directed_hausdorff(one: np.ndarray, other: np.ndarray) -> float:
    """Largest distance from a pixel of ``one`` (bool) to its nearest pixel of ``other``."""
    # By distance transform: scikit-image's, with trees of all pixels, takes eight times as long.
    outside = one & ~other
    if not outside.any():
        return 0.0
    if not other.any():
        return np.inf
    return float(ndimage.distance_transform_edt(~other)[outside].max())


def _masks(truth, pred):
    return pairs(truth, pred, checks.mask, checks.mask)


def _confusion(truth: np.ndarray, pred: np.ndarray) -> Confusion:
    tp = np.count_nonzero(truth & pred)
    fp, fn = np.count_nonzero(pred) - tp, np.count_nonzero(truth) - tp
    return Confusion(tp, fp, fn, truth.size - tp - fp - fn)


def _sum_images(images, pooled: bool) -> Confusion:
    """Counts as arrays with an entry an image; with ``pooled`` one entry for them all."""
    counts = np.array(list(images), dtype=np.int64)
    return Confusion(*(counts.sum(axis=0, keepdims=True) if pooled else counts).T)


def _counts(truth, pred, pooled: bool) -> Confusion:
    return _sum_images((_confusion(t, p) for t, p in _masks(truth, pred)), pooled)


def _mean_share(part: np.ndarray, whole: np.ndarray, n: Confusion) -> float:
    """Mean of part / whole; 0 / 0 is perfect only if there was nothing to find or to predict."""
    empty = (n.tp + n.fp + n.fn) == 0
    return float(np.where(whole > 0, part / np.maximum(whole, 1), empty).mean())


def _band(mask: np.ndarray, width: float) -> np.ndarray:
    """Pixels with a pixel of the other kind at most ``width`` away."""
    # scikit-image's find_boundaries has one width only.
    band = np.zeros_like(mask)
    height, wide = mask.shape
    reach = int(width)
    steps = [(dy, dx) for dy in range(reach + 1) for dx in range(-reach, reach + 1)
             if (dy, dx) > (0, 0) and dy * dy + dx * dx <= width * width]
    # Half the disc will do: each difference found marks both pixels.
    for dy, dx in steps:
        if dy < height and abs(dx) < wide:
            here = slice(dy, None), slice(max(dx, 0), wide + min(dx, 0))
            there = slice(None, height - dy), slice(max(-dx, 0), wide - max(dx, 0))
            differ = mask[here] != mask[there]
            band[here] |= differ
            band[there] |= differ
    return band
