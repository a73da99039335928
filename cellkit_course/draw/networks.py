"""The U-Net with the sizes of its maps."""

from __future__ import annotations

from cellkit import show
from cellkit_course.draw.parts import INK, arrow, box, sheet

PALE = {"down": "#eef3f8", "bottom": "#fbe9c6", "up": "#e0f3ec"}


def unet(width: int = 16, depth: int = 4, shape: tuple[int, int] = (192, 192)) -> None:
    """Draw a U-Net of that width and depth, and what becomes of a picture of that shape.

    Parameters
    ----------
    width : int
        Channels of the first block.
    depth : int
        How often it halves the picture.
    shape : (rows, columns)
        Of the picture, both multiples of 2**depth.
    """
    fig, ax = sheet(10.4, 1.15 * depth + 1.9)
    wide, tall = 1.35, 0.62
    down = [1.6 + 0.62 * level for level in range(depth + 1)]  # middles of the boxes
    up = [8.8 - 0.62 * level for level in range(depth)]
    y = [1.15 * (depth - level) + 1.05 for level in range(depth + 1)]
    above, below = tall / 2, -tall / 2
    for level in range(depth + 1):
        words = f"{shape[0] >> level}×{shape[1] >> level}\n{width << level} channels"
        box(ax, (down[level], y[level]), words, wide, tall,
            filled=PALE["bottom" if level == depth else "down"])
        if level == depth:
            continue
        box(ax, (up[level], y[level]), words, wide, tall, show.GREEN, PALE["up"])
        arrow(ax, (down[level] + wide / 2, y[level]), (up[level] - wide / 2, y[level]),
              "skip" if level else "skip: copied across, put beside what comes from below",
              show.BLUE, dashed=True)
        x = down[level] + 0.3
        arrow(ax, (x, y[level] + below), (x, y[level + 1] + above), "", show.RED)
        x = up[level] - 0.3
        if level < depth - 1:
            arrow(ax, (x, y[level + 1] + above), (x, y[level] + below), "", show.GREEN)
    arrow(ax, (down[depth] + wide / 2, y[depth]), (up[-1] - 0.3, y[-2] + below), "", show.GREEN)
    top = y[0] + above
    arrow(ax, (down[0], top + 0.34), (down[0], top))
    arrow(ax, (up[0], top), (up[0], top + 0.34))
    for x, words in ((down[0], f"picture, {shape[0]}×{shape[1]}, 1 channel"),
                     (up[0], "1×1 convolution: one logit a pixel")):
        ax.text(x, top + 0.42, words, ha="center", fontsize=8, color=INK)
    for x, words, colour in (
        (0.1, "each box: two 3×3 convolutions with batch norm and ReLU", INK),
        (4.6, "down: the maximum of 2×2 pixels", show.RED),
        (7.6, "up: transposed convolution", show.GREEN),
    ):
        ax.text(x, 0.12, words, fontsize=8, color=colour)
    low = shape[0] >> depth
    show.figure(fig, f"The U-Net, shaped like a U. Left, {depth} steps down: each halves rows and "
                f"columns and doubles the channels, from {shape[0]} by {shape[1]} with {width} "
                f"channels to {low} by {shape[1] >> depth} with {width << depth} at the bottom. "
                f"Right, {depth} steps up, each doubling rows and columns and halving the "
                "channels. On every level but the lowest a dashed arrow, the skip, goes straight "
                "across from left to right.")
