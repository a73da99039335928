"""Lessons 04 and 05: how a coarse picture becomes a sharpened one, and that a mask."""

from __future__ import annotations

import numpy as np

from cellkit import degradation, show
from cellkit_course.draw.parts import arrow, box, picture, sheet


def _stages(sample, M):
    """The pictures of the pipeline, stretched to be seen, and their sizes as text."""
    sharp = sample.image
    small = degradation.shrink(sharp, M)
    coarse = degradation.enlarge(small, sharp.shape)
    low, high = np.quantile(sharp, (0.002, 0.998))
    stretched = [np.clip((one - low) / (high - low), 0, 1) for one in (sharp, small, coarse)]
    return stretched, [f"{one.shape[1]} × {one.shape[0]}" for one in (sharp, small)]


def super_resolution(sample, M: float = 0.25) -> None:
    """Down by M, up again, through a U-Net, and what it is compared with.

    Parameters
    ----------
    sample : Sample
        Its picture is drawn at each stage.
    M : float
        The side of the coarse picture over that of the sharp one.
    """
    (sharp, small, coarse), (full, little) = _stages(sample, M)
    figure, ax = sheet(10.4, 2.6)
    y = 1.55
    picture(ax, (0.9, y), sharp, 1.5, "sharp", full)
    picture(ax, (3.3, y), small, 1.5 * max(M, 0.3), "coarse", little)
    picture(ax, (5.6, y), coarse, 1.5, "enlarged", full)
    box(ax, (7.6, y), "U-Net\nhead=\"image\"", 1.2, 0.8)
    picture(ax, (9.5, y), np.full_like(sharp, 0.92), 1.5, "sharpened", full)
    ax.text(9.5, y, "?", ha="center", va="center", fontsize=20)
    arrow(ax, (1.75, y), (3.0, y), f"area, M = {M:g}")
    arrow(ax, (3.62, y), (4.8, y), "bicubic")
    arrow(ax, (6.4, y), (6.95, y))
    arrow(ax, (8.25, y), (8.7, y))
    loss = 0.3
    for x, side in ((0.9, 3.6), (9.5, 6.8)):  # down from both, then into the box
        ax.plot([x, x], [0.82, loss], color=show.RED, linestyle="--", linewidth=1.4)
        arrow(ax, (x, loss), (side, loss), colour=show.RED, dashed=True)
    box(ax, (5.2, loss), "loss: mean squared error between the two", 3.2, 0.36, show.RED, "white")
    show.figure(figure, alt=(
        f"The pipeline: a sharp picture of {full} pixels is made coarse by area, {little} pixels, "
        "enlarged by bicubic to its old size, and given to a U-Net, which answers with a picture "
        "of the same size. The loss compares that, pixel by pixel, with the sharp picture."))


def double_unet(sample, M: float = 0.25) -> None:
    """Two U-Nets in a row, their two losses, and which loss moves which network.

    Parameters
    ----------
    sample : Sample
        With labels; its picture and mask are drawn.
    M : float
        The side of the coarse picture over that of the sharp one.
    """
    (sharp, small, coarse), (full, little) = _stages(sample, M)
    figure, ax = sheet(11.2, 3.5)
    y = 2.3
    picture(ax, (0.75, y), small, 1.3 * max(M, 0.3), "coarse", little)
    picture(ax, (2.7, y), coarse, 1.3, "enlarged", full)
    box(ax, (4.45, y), "U-Net 1\nsharpens", 1.1, 0.8)
    picture(ax, (6.2, y), np.full_like(sharp, 0.92), 1.3, "sharpened", full)
    ax.text(6.2, y, "?", ha="center", va="center", fontsize=18)
    box(ax, (8.1, y), "U-Net 2\nsegments\n(frozen)", 1.1, 0.9, dashed=True)
    picture(ax, (10.2, y), sample.mask, 1.3, "mask", full)
    for start, end, words in (((1.0, y), (2.0, y), "bicubic"), ((3.4, y), (3.85, y), ""),
                              ((5.05, y), (5.5, y), ""), ((6.9, y), (7.5, y), "mean 0\nspread 1"),
                              ((8.7, y), (9.5, y), "")):
        arrow(ax, start, end, words)
    box(ax, (6.2, 0.55), "the paper's loss: squared error,\ncompared with the sharp picture",
        2.5, 0.6, show.RED, "white")
    arrow(ax, (6.2, 1.55), (6.2, 0.88), colour=show.RED, dashed=True)
    arrow(ax, (4.93, 0.55), (4.3, 1.85), colour=show.RED, dashed=True, bend=-0.3)
    box(ax, (9.9, 0.55), "the task's loss: cross-entropy,\ncompared with the true mask",
        2.4, 0.6, show.GREEN, "white")
    arrow(ax, (10.2, 1.55), (10.2, 0.88), colour=show.GREEN)
    arrow(ax, (8.68, 0.62), (8.1, 1.8), colour=show.GREEN, bend=-0.2)
    arrow(ax, (7.8, 1.8), (4.75, 1.85), colour=show.GREEN, bend=-0.25)
    ax.text(2.05, 0.45, "dashed red: what the paper trains U-Net 1 by\n"
            "green: section 9, back through the frozen U-Net 2", fontsize=8, ha="center",
            va="center")
    show.figure(figure, alt=(
        f"The Double U-Net: a coarse picture of {little} pixels is enlarged to {full}; a first "
        "U-Net sharpens it, a second, frozen one segments it. The paper trains the first by the "
        "squared error against the sharp picture. The task's loss compares the mask with the true "
        "one, and runs back through the frozen second network into the first."))
