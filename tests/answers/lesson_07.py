"""Other right answers to the exercises of lesson 07_watershed."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def flood_in_a_frame(landscape, seeds, mask):
    labels, height = np.pad(seeds, 1), np.pad(landscape, 1)
    dry = np.pad(mask, 1) & (labels == 0)
    shore = [tuple(place) for place in np.argwhere(labels)]
    for _ in range(labels.size):
        if not shore:
            break
        lowest = min(shore, key=lambda place: height[place])
        shore.remove(lowest)
        for step in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            place = (lowest[0] + step[0], lowest[1] + step[1])
            if dry[place]:
                labels[place], dry[place] = labels[lowest], False
                shore.append(place)
    return labels[1:-1, 1:-1]


def five_cells_in_a_list():
    return [2, 2, 3]


def which_wins_in_a_list():
    return [" Watershed", "Components"]


def distance_target_stacked(labels):
    cells = [labels == k for k in np.unique(labels) if k]
    depths = [ndimage.distance_transform_edt(cell) for cell in cells]
    shares = [depth / np.amax(depth) for depth in depths]
    return sum(shares, start=np.zeros(labels.shape)).astype("float32")


def parameters_all_four():
    return {"threshold": 0.5, "smoothing": 2.5, "seed_threshold": 0.3, "min_size": 30}


def parameters_of_a_grid():
    return {"threshold": 0.5, "smoothing": 2, "seed_threshold": 0.3, "min_size": 16, "h": None}


RIGHT = {
    "flood": (flood_in_a_frame,),
    "five_cells": (five_cells_in_a_list,),
    "which_wins": (which_wins_in_a_list,),
    "distance_target": (distance_target_stacked,),
    "parameters": (parameters_all_four, parameters_of_a_grid),
}
