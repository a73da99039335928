"""Lesson 07: which peaks of a landscape count as seeds."""

from __future__ import annotations

import numpy as np

from cellkit import show


def peaks_and_depths(height: np.ndarray) -> list[tuple[int, float]]:
    """The peaks of a profile, and how far one must go down from each before one can climb higher.

    Parameters
    ----------
    height : float (N,)

    Returns
    -------
    list of (place, depth)
        From left to right; of the highest peak the depth is its height over the lowest place.
    """
    height = np.asarray(height, float)
    inside = range(1, len(height) - 1)
    peaks = [i for i in inside if height[i] > height[i - 1] and height[i] >= height[i + 1]]
    found = []
    for peak in peaks:
        ways = []
        for side in (height[peak::-1], height[peak:]):
            higher = np.flatnonzero(side > height[peak])
            if len(higher):
                ways.append(height[peak] - side[:higher[0]].min())
        found.append((peak, min(ways) if ways else height[peak] - height.min()))
    return found


def seeds_by_h(height: np.ndarray, hs=(0.02, 0.1, 0.3)) -> None:
    """One profile, and for each ``h`` the peaks that count as seeds.

    Parameters
    ----------
    height : float (N,)
        A cut through a predicted distance.
    hs : sequence of float
        A panel for each.
    """
    height = np.asarray(height, float)
    known = peaks_and_depths(height)
    figure, panels = show.axes(1, len(hs), (3.4, 2.9))
    for ax, h in zip(np.atleast_1d(panels), hs, strict=True):
        ax.fill_between(np.arange(len(height)), height, color=show.SKY, alpha=0.5)
        for peak, depth in known:
            counts = depth >= h
            ax.plot(peak, height[peak], "^" if counts else "x", markersize=9 if counts else 7,
                    color=show.BLUE if counts else show.RED)
            ax.plot([peak, peak], [height[peak] - min(h, height[peak]), height[peak]],
                    color="black", linewidth=1.6)
        seeds = sum(depth >= h for _, depth in known)
        ax.set(title=f"h = {h:g}: seeds: {seeds}", xlabel="pixels along the cut",
               ylim=(0, 1.15 * height.max()))
    np.atleast_1d(panels)[0].set_ylabel("predicted distance")
    figure.supxlabel("black: h, hung from each peak; triangle: counts as a seed; cross: "
                     "a higher peak is reached before going down by h", fontsize=9)
    show.figure(figure, alt=(
        "A cut through a predicted distance, three times, with its peaks. " + " ".join(
            f"With h = {h:g}, {sum(depth >= h for _, depth in known)} of {len(known)} peaks count "
            "as seeds." for h in hs)))
