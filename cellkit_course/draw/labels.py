"""Lesson 01: label maps as what they are, a number in each pixel."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellkit import show


def numbers(maps, titles, *, alt: str, known=None) -> None:
    """Label maps with each cell's number written in it, and no rims that would hide pixels;
    masks in black and white.

    Parameters
    ----------
    maps : sequence of int or bool (H, W)
    titles : sequence of str
    alt : str
    known : sequence of int, optional
        The numbers that there are; pixels with any other are ghosts, orange and without a number.
    """
    from matplotlib.colors import to_rgb

    tints = np.array([to_rgb(colour) for colour in (show.BLUE, show.SKY, show.GREEN, show.PINK)])
    figure, panels = show.axes(1, len(maps), (2.9, 2.9))
    for ax, labels, title in zip(np.ravel(panels), maps, titles, strict=True):
        ax.axis("off")
        ax.set_title(title, fontsize=10)
        if labels.dtype == bool:
            ax.imshow(labels, cmap="gray", interpolation="nearest")
            continue
        real = labels if known is None else np.where(np.isin(labels, known), labels, 0)
        picture = 0.45 + 0.55 * tints[real % len(tints)]
        picture[labels == 0] = 0
        picture[(labels > 0) & (real == 0)] = to_rgb(show.ORANGE)
        ax.imshow(picture, interpolation="nearest")
        y, x = np.nonzero(labels[1:] != labels[:-1])  # lines between pixels cover none
        ax.hlines(y + 0.5, x - 0.5, x + 0.5, color="black", linewidth=1)
        y, x = np.nonzero(labels[:, 1:] != labels[:, :-1])
        ax.vlines(x + 0.5, y - 0.5, y + 0.5, color="black", linewidth=1)
        for number in np.unique(real[real > 0]):
            depth = ndimage.distance_transform_edt(np.pad(real == number, 1))[1:-1, 1:-1]
            y, x = np.unravel_index(depth.argmax(), depth.shape)
            if depth[y, x] > 1.5:
                ax.text(x, y, number, ha="center", va="center", fontsize=8, color="black")
    show.figure(figure, alt=alt)


def even_odd() -> None:
    """A bent outline and rays from two pixels: one leaves it once, one goes through it twice."""
    outline = np.array([(1, 1), (5, 0.6), (7.4, 2.6), (5.2, 3.2), (7, 5.2), (3, 5.6), (1.4, 3.6)])
    figure, ax = show.axes(1, 1, (4.6, 3.2))
    ax.fill(*outline.T, facecolor=show.SKY, alpha=0.35)
    ax.plot(*np.vstack([outline, outline[:1]]).T, color=show.BLUE, marker="o", markersize=4)
    for (x, y), crossings, words in (((3.4, 2.0), [6.68], "1 crossing: inside"),
                                     ((0.5, 4.4), [2.04, 6.28], "2 crossings: outside")):
        ax.annotate("", (8.4, y), (x, y), arrowprops={"arrowstyle": "->", "color": "black"})
        ax.plot(x, y, "s", color="black", markersize=7)
        ax.plot(crossings, [y] * len(crossings), "o", markersize=9, markerfacecolor="none",
                markeredgecolor="black", markeredgewidth=1.6)
        ax.text(8.6, y, words, va="center", fontsize=9)
    ax.set(xlim=(0, 11.4), ylim=(6, 0.2), aspect="equal")
    ax.axis("off")
    show.figure(figure, alt="An outline of straight lines, and two pixels. The ray from the one "
                "inside crosses the outline once, the ray from the one outside crosses it twice.")
