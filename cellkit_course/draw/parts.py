"""What the drawings are made of: a blank sheet, boxes with words, pictures, arrows."""

from __future__ import annotations

import numpy as np

from cellkit import show

INK, SOFT = "#222222", "#eef3f8"


def sheet(width: float, height: float):
    """A blank sheet: (figure, axes), one unit an inch, the origin at the lower left."""
    figure, ax = show.axes(1, 1, (width, height))
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.axis("off")
    return figure, ax


def box(ax, centre, words: str, width: float = 1.1, height: float = 0.6, colour: str = show.BLUE,
        filled: str = SOFT, dashed: bool = False):
    """A rounded box with words in it."""
    from matplotlib.patches import FancyBboxPatch

    x, y = centre
    ax.add_patch(FancyBboxPatch(
        (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.08",
        facecolor=filled, edgecolor=colour, linewidth=1.6, zorder=3,
        linestyle="--" if dashed else "-"))
    ax.text(x, y, words, ha="center", va="center", fontsize=8.5, color=INK, zorder=4)


def picture(ax, centre, pixels, width: float, title: str = "", below: str = "") -> float:
    """A picture with a frame, a line above and a line below it; gives its height."""
    from matplotlib.patches import Rectangle

    pixels = np.asarray(pixels)
    if np.issubdtype(pixels.dtype, np.integer):
        pixels = show.colour_labels(pixels)
    height = width * pixels.shape[0] / pixels.shape[1]
    x, y = centre
    extent = (x - width / 2, x + width / 2, y - height / 2, y + height / 2)
    limits = {} if pixels.ndim == 3 else {"cmap": "gray", "vmin": 0, "vmax": 1}
    ax.imshow(pixels, extent=extent, interpolation="nearest", aspect="auto", **limits)
    ax.add_patch(Rectangle((extent[0], extent[2]), width, height, fill=False, edgecolor=INK,
                           linewidth=0.8))
    ax.text(x, extent[3] + 0.06, title, ha="center", va="bottom", fontsize=8.5, color=INK)
    ax.text(x, extent[2] - 0.07, below, ha="center", va="top", fontsize=8, color=INK)
    return height


def arrow(ax, start, end, words: str = "", colour: str = INK, dashed: bool = False,
          bend: float = 0.0):
    """An arrow, with words above its middle."""
    ax.annotate("", xy=end, xytext=start, arrowprops={
        "arrowstyle": "-|>", "color": colour, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0,
        "linestyle": "--" if dashed else "-", "connectionstyle": f"arc3,rad={bend}"})
    if words:
        ax.text((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.06, words, ha="center",
                va="bottom", fontsize=8, color=colour)
