"""From labels to a table: one row a cell."""

from __future__ import annotations

import re

import numpy as np
from skimage.measure import regionprops_table

from cellkit import checks
from cellkit.datasets.images import GREY


def measure(labels: np.ndarray, image: np.ndarray | None = None,
            pixel_size: float | None = None) -> dict[str, np.ndarray]:
    """Measure each cell of a picture, by :func:`skimage.measure.regionprops_table`.

    Parameters
    ----------
    labels : ndarray, whole numbers, (H, W)
        0 is background, k is the k-th cell.
    image : ndarray, (H, W) or (H, W, 3), optional
        The picture, in whatever grey values "mean_grey" is wanted in.
    pixel_size : float, µm, optional
        The side of a pixel; adds lengths in µm and areas in µm².

    Returns
    -------
    dict of str -> ndarray
        One value a cell, in the order of their numbers, e.g. for ``pandas.DataFrame``: "cell", its
        number; "y_px" and "x_px", its centroid, where the first pixel's middle is 0; "area_px";
        "perimeter_px"; "solidity", the share of its convex hull that it fills; "edge", 1 if the
        picture's edge may have cut it; "mean_grey"; and with ``pixel_size`` "y_um", "x_um",
        "area_um2" and "perimeter_um".

    Examples
    --------
    >>> labels = np.zeros((8, 8), int)
    >>> labels[2:5, 2:6] = 7
    >>> {name: float(value[0]) for name, value in measure(labels, pixel_size=0.5).items()
    ...  if name in ("cell", "area_px", "area_um2", "x_px")}
    {'cell': 7.0, 'y_px': 3.0, 'x_px': 3.5, 'area_px': 12.0, 'area_um2': 3.0}
    """
    labels = checks.labels("labels", labels)
    if pixel_size is not None:
        checks.number("pixel_size", pixel_size, "the side of a pixel in µm, above 0",
                      lambda value: value > 0)
    wanted, grey = ["label", "centroid", "area", "perimeter", "solidity", "bbox"], None
    if image is not None:
        grey = np.asarray(image)
        checks.same_shape("the image", grey.shape[:2], "the labels", labels.shape,
                          "take both of one picture")
        if grey.ndim == 3:
            grey = grey[..., :3] @ GREY
        wanted.append("intensity_mean")
    found = regionprops_table(labels, grey, properties=wanted)
    table = {"cell": found["label"], "y_px": found["centroid-0"], "x_px": found["centroid-1"],
             "area_px": found["area"].astype(int), "perimeter_px": found["perimeter"],
             "solidity": found["solidity"]}
    top, left, bottom, right = (found[f"bbox-{k}"] for k in range(4))
    table["edge"] = ((top == 0) | (left == 0) | (bottom == labels.shape[0])
                     | (right == labels.shape[1])).astype(int)
    if image is not None:
        table["mean_grey"] = found["intensity_mean"]
    if pixel_size is not None:
        for name in ("y", "x", "perimeter"):
            table[f"{name}_um"] = table[f"{name}_px"] * pixel_size
        table["area_um2"] = table["area_px"] * pixel_size**2
    return table


def hours_of(name: str, position: int, every: float | None = None) -> float | None:
    """When a picture was taken: as its name says, "01d04h30m"; else by its number in the series.

    ``every``: hours from one picture to the next; the number is that in the name, after a "t" or
    the like or at its end, else ``position``.
    """
    if told := re.search(r"(\d+)d(\d+)h(\d+)m", name):
        days, hours, minutes = map(int, told.groups())
        return 24 * days + hours + minutes / 60
    if every is None:
        return None
    told = (re.search(r"(?:^|[^a-z])(?:t|time|frame|tp)[_-]?(\d+)(?!.*\d)", name, re.IGNORECASE)
            or re.search(r"(\d+)$", name))
    return (int(told[1]) if told else position) * every
