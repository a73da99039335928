"""Lesson 07: flows, from a cell to arrows and back."""

from __future__ import annotations

import numpy as np

from cellkit import show


def walk(flow: np.ndarray, start, steps: int = 200) -> np.ndarray:
    """The places (steps + 1, 2) of a walk along a flow (2, H, W), half a pixel a step."""
    places = [np.asarray(start, float)]
    for _ in range(steps):
        row, column = np.clip(np.round(places[-1]).astype(int), 0, np.subtract(flow.shape[1:], 1))
        places.append(places[-1] + flow[:, row, column] / 2)
    return np.array(places)


def flow(labels: np.ndarray, flow: np.ndarray, walks: int = 12) -> None:
    """Cells with their arrows, and the walks that some pixels take along them.

    Parameters
    ----------
    labels : int (H, W)
        A small cut-out: every pixel gets an arrow.
    flow : float (2, H, W)
        Steps down and to the right.
    walks : int
        How many pixels walk in each cell.
    """
    figure, (left, right) = show.axes(1, 2, (4.2, 4.2))
    picture = show.colour_labels(labels)
    rows, columns = np.nonzero(labels)
    for ax, title in ((left, "which way"), (right, f"{walks} walks in each cell")):
        ax.imshow(0.5 + 0.5 * picture, interpolation="nearest")
        ax.set(title=title, xticks=[], yticks=[])
    left.quiver(columns, rows, flow[1, rows, columns], flow[0, rows, columns], angles="xy",
                scale_units="xy", scale=1.3, pivot="mid", width=0.004)
    ends = []
    for k in np.unique(labels)[1:]:
        pixels = np.argwhere(labels == k)
        for start in pixels[np.linspace(0, len(pixels) - 1, walks).astype(int)]:
            way = walk(flow, start)
            right.plot(*way.T[::-1], color="black", linewidth=1)
            right.plot(start[1], start[0], "o", color=show.BLUE, markersize=4)
            ends.append((k, *way[-1]))
            right.plot(way[-1, 1], way[-1, 0], "^", color=show.RED, markersize=7)
    ends = np.array(ends)
    apart = max(np.ptp(ends[ends[:, 0] == k, 1:], axis=0).max() for k in np.unique(ends[:, 0]))
    right.set_xlabel("dot: a walk begins; triangle: it ends", fontsize=9)
    show.figure(figure, alt=(
        f"Twice the same {len(np.unique(labels)) - 1} cells. Left, an arrow in every pixel along "
        "the cell towards its middle. Right, the walks of some pixels along the arrows: those of "
        f"one cell end within {apart:.1f} rows and columns."))
