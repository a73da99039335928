"""Lesson 06: the stages of Mask R-CNN, and its grid of anchors."""

from __future__ import annotations

import numpy as np

from cellkit import show
from cellkit_course.draw.parts import arrow, box, picture, sheet

#: The two halves of the network, and what a box becomes on its way.
_STAGES = (
    ("backbone\n(a U-Net)", "feature maps:\n1/4, 1/8, 1/16\nof the picture's side"),
    ("region proposal\nnetwork", "for each anchor:\nobject? moved how?"),
    ("suppression", "the best boxes:\nproposals"),
    ("RoIAlign", "7 × 7 and 14 × 14\nof each box"),
)


def mask_rcnn(sample) -> None:
    """The stages of Mask R-CNN from picture to label map, with its five losses.

    Parameters
    ----------
    sample : Sample
        With labels; its picture and its cells are drawn at the two ends.
    """
    figure, ax = sheet(12.4, 3.5)
    y, gap = 2.3, 1.85
    wide = 1.3
    picture(ax, (0.8, y), sample.image, wide, "picture", "{1} × {0}".format(*sample.image.shape))
    places = 2.35 + gap * np.arange(len(_STAGES))
    arrow(ax, (1.5, y), (places[0] - 0.72, y))
    for x, (name, gives) in zip(places, _STAGES, strict=True):
        box(ax, (x, y), name, 1.4, 0.7)
        ax.text(x, y - 0.48, gives, ha="center", va="top", fontsize=8)
        for turn in (0.5, -0.5) if x == places[-1] else (0,):
            arrow(ax, (x + 0.72, y), (x + gap - 0.72, y + turn))
    x = places[-1] + gap
    box(ax, (x, y + 0.5), "box head:\ncell? exact box", 1.4, 0.6)
    box(ax, (x, y - 0.5), "mask head:\n28 × 28 a box", 1.4, 0.6)
    for turn in (0.5, -0.5):
        arrow(ax, (x + 0.72, y + turn), (x + 1.05, y))
    picture(ax, (x + 1.75, y), sample.labels, wide, "label map", "each pixel:\nits best mask")
    for left, words in ((places[1], "in training, losses 1, 2: object? box"),
                        (x, "in training, losses 3, 4, 5: class, box, mask")):
        box(ax, (left, 0.5), words, 3.1, 0.4, show.RED, "white", dashed=True)
        arrow(ax, (left, 0.72), (left, 1.25), colour=show.RED, dashed=True)
    show.figure(figure, alt=(
        "Mask R-CNN from left to right: the picture; a backbone, which makes feature maps of a "
        "quarter, an eighth and a sixteenth of its side; the region proposal network, which says "
        "of each anchor whether an object is there and how the anchor must move; suppression, "
        "which leaves the best boxes; RoIAlign, which cuts 7 by 7 and 14 by 14 features out of "
        "each; a box head (cell or not, exact box) and a mask head (28 by 28 numbers a box); the "
        "label map, in which each pixel goes to its best mask. In training two losses teach the "
        "proposals, three the heads."))


def anchor_grid(labels, boxes, stride: int, here: tuple[int, int]) -> None:
    """Where anchors wait: a dot at each place of the grid, at one place all its boxes.

    Parameters
    ----------
    labels : int (H, W)
        Drawn underneath.
    boxes : (N, 4) array
        All anchors as (left, top, right, bottom); those centred on ``here`` are drawn.
    stride : int
        Pixels from one place of the grid to the next.
    here : (x, y)
        The place whose anchors are drawn.
    """
    height, width = labels.shape
    boxes = np.asarray(boxes, float)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    mine = boxes[np.hypot(*(middle - here).T) <= 1]
    first = np.minimum(0, mine.min(axis=0, initial=0)[:2] - 1)  # anchors reach beyond the picture
    last = np.maximum((width, height), mine.max(axis=0, initial=0)[2:] + 1)
    tall, wide = np.ptp([first, last], axis=0)[::-1]
    figure, ax = show.axes(1, 1, (6.4, 6.4 * tall / wide + 0.4))
    ax.imshow(np.where(labels > 0, 0.75, 1.0), cmap="gray", vmin=0, vmax=1,
              extent=(0, width, height, 0))
    across, down = np.meshgrid(np.arange(0, width, stride), np.arange(0, height, stride))
    ax.plot(across.ravel(), down.ravel(), ".", color=show.BLUE, markersize=4, clip_on=False,
            label=f"the grid: every {stride} pixels")
    areas = np.round(np.sqrt((mine[:, 2] - mine[:, 0]) * (mine[:, 3] - mine[:, 1])))
    large = areas > areas.mean()
    for which, (colour, dash, _) in ((large, show.LINES[1]), (~large, show.LINES[2])):
        if not which.any():  # all are of one size
            continue
        left, top, right, bottom = mine[which].T
        lines = ax.plot([left, right, right, left, left], [top, top, bottom, bottom, top], dash,
                        color=colour, linewidth=1.8)
        lines[0].set_label(f"side {areas[which].max():.0f}")
    ax.plot(*here, "s", color="black", markersize=5, label=f"one place: {len(mine)} anchors")
    ax.plot([0, width, width, 0, 0], [0, 0, height, height, 0], color="black", linewidth=0.8)
    ax.set(xlim=(first[0], last[0]), ylim=(last[1], first[1]), aspect="equal",
           xlabel="pixels (thin frame: the picture)")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.01), ncols=4, fontsize=8, frameon=False)
    show.figure(figure, alt=(
        f"Cells in grey under a grid of {across.size} dots, one every {stride} pixels. At one dot "
        f"its {len(mine)} anchors are drawn: two sizes, each upright, square and lying; some reach "
        "beyond the picture."))
