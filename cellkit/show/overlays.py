"""Pictures made of arrays: cells in colours, a prediction against the truth."""

from __future__ import annotations

import numpy as np

from cellkit import checks
from cellkit.show.palette import MARKS, rgb


def colour_labels(labels: np.ndarray, image: np.ndarray | None = None) -> np.ndarray:
    """Each cell in a colour of its own, with a white rim, on black or on the image.

    Neighbouring numbers get hues far apart (the golden ratio), and the rim keeps touching cells
    apart for those who do not see the hues.

    Parameters
    ----------
    labels : int (H, W)
    image : float (H, W) in [0, 1], optional
        Shown underneath; of a colour image its :func:`cellkit.datasets.to_grey`.

    Returns
    -------
    float (H, W, 3) in [0, 1]
    """
    from matplotlib.colors import hsv_to_rgb

    from cellkit.annotations import relabel

    labels = np.asarray(labels)
    labels = checks.labels("labels", labels.astype(np.uint8) if labels.dtype == bool else labels)
    number, place = relabel(labels)
    lut = hsv_to_rgb(np.stack([(number * 0.618034) % 1, np.full(number.shape, 0.65),
                               0.75 + 0.25 * (number % 2)], -1)).astype(np.float32)
    lut[0] = 0
    if image is None:
        picture = np.take(lut, place, axis=0)
    else:
        left = np.where(number > 0, 0.6, 1).astype(np.float32)  # of the image under a colour
        picture = np.take(0.4 * lut, place, axis=0)
        picture += (left[place] * _underneath(image, labels.shape))[..., None]
    rim = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        ahead = np.moveaxis(labels, axis, 0)
        np.moveaxis(rim, axis, 0)[:-1] |= (ahead[1:] != ahead[:-1]) & (ahead[:-1] > 0)
        np.moveaxis(rim, axis, 0)[1:] |= (ahead[1:] != ahead[:-1]) & (ahead[1:] > 0)
    picture[rim] = 1
    return picture


def _underneath(image, shape) -> np.ndarray:
    image = checks.image("the image", image)
    checks.same_shape("the image", image.shape, "what is drawn on it", shape, "take the image that "
                      "belongs to it, of one in colour cellkit.datasets.to_grey(image)")
    return image.astype(np.float32, copy=False)


class Legend(str):
    """Words that :func:`cellkit.show.images` sets swatches to: ``marks`` says which."""

    marks = MARKS


def legend_of_compare() -> Legend:
    """The words that go with :func:`compare`; as a caption of ``images`` it gets its swatches."""
    return Legend("; ".join(f"{mark.name}{_stripes(mark)}: {mark.meaning}"
                            for mark in sorted(MARKS, key=lambda mark: bool(mark.stripes))))


def _stripes(mark) -> str:
    return {1: ", stripes falling to the right", -1: ", stripes rising to the right"}.get(
        mark.slope, "")


def outcome(truth: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """What became of each pixel: 0 background, 1 cell missed, 2 false alarm, 3 cell found.

    Parameters
    ----------
    truth, pred : mask (H, W)
        As in :func:`cellkit.metrics.confusion`.

    Returns
    -------
    uint8 (H, W)
    """
    from cellkit.metrics.pairs import pair

    truth, pred = pair(np.asarray(truth), np.asarray(pred), checks.mask, checks.mask)
    return truth + 2 * pred.astype(np.uint8)


def compare(truth: np.ndarray, pred: np.ndarray, image: np.ndarray | None = None) -> np.ndarray:
    """Found, missed and false alarm of a predicted mask, told apart without colour too.

    What is found is plain blue, what is missed orange with stripes falling to the right, false
    alarms are pink with stripes rising to the right.  Of the image underneath only the texture is
    left, lighter and darker around the full colour.

    Parameters
    ----------
    truth, pred : mask (H, W)
        As in :func:`cellkit.metrics.confusion`.
    image : float (H, W) in [0, 1], optional
        Shown underneath; of a colour image its :func:`cellkit.datasets.to_grey`.

    Returns
    -------
    float (H, W, 3) in [0, 1]
    """
    kind = outcome(truth, pred)
    if image is not None:
        image = _underneath(image, kind.shape)
    return paint(kind, image)


def paint(kind: np.ndarray, image: np.ndarray | None = None) -> np.ndarray:
    """The picture of an :func:`outcome`, float (H, W, 3), on a grey image (H, W) or on black."""
    colours = np.array([(0, 0, 0), *(rgb(mark.colour) for mark in MARKS)], np.float32)
    picture = np.take(colours, kind, axis=0)  # the same as colours[kind], three times as fast
    if image is not None:
        # As a network sees it, standardised, so that a pale image keeps its texture.
        spread = 8 * max(float(image.std()), 1e-3)
        texture = np.clip((image - np.float32(image.mean())) / np.float32(spread), -0.4, 0.4)
        picture *= (1 + texture)[..., None]
        picture += np.where(kind == 0, 0.5 + texture, 0)[..., None]
        np.clip(picture, 0, 1, out=picture)
    y, x = np.ogrid[:kind.shape[0], :kind.shape[1]]
    period = max(6, min(kind.shape) // 40)
    for number, mark in enumerate(MARKS, 1):
        if mark.slope:
            stripe = (y - mark.slope * x) % period < period / 3
            picture[(kind == number) & stripe] = rgb(mark.stripes)
    return picture


def pixels(picture: np.ndarray) -> np.ndarray:
    """A picture as 8-bit RGB: what a browser is sent.

    Parameters
    ----------
    picture : ndarray
        Grey (H, W) float or RGB (H, W, 3) float in [0, 1], bool mask, or integer labels, each
        drawn as in :func:`images`; uint8 (H, W, 3) is taken as it is.

    Returns
    -------
    uint8 (H, W, 3)
    """
    picture = np.asarray(picture)
    if picture.shape[2:] == (3,) and picture.dtype == np.uint8:
        return picture
    if picture.ndim == 2 and np.issubdtype(picture.dtype, np.integer):
        picture = colour_labels(picture)
    if picture.ndim not in (2, 3) or picture.shape[2:] not in ((), (3,)) or not picture.size:
        raise ValueError(f"a picture has shape {picture.shape}, expected (H, W) or (H, W, 3).")
    if picture.dtype.kind not in "bf" or picture.max() != picture.max():
        found = "has NaN" if picture.dtype.kind == "f" else f"in colour is {picture.dtype}"
        raise ValueError(
            f"a picture {found}, expected float in [0, 1] or 8-bit colour; bring it there with "
            "cellkit.datasets.scale_image(picture), NaN first with numpy.nan_to_num."
        )
    bytes_ = (np.clip(picture, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return bytes_ if bytes_.ndim == 3 else np.repeat(bytes_[..., None], 3, -1)
