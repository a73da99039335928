"""From what a network says to labels: which pixel belongs to which cell."""

from cellkit.postprocessing.clusters import Elbow, elbow
from cellkit.postprocessing.detections import (
    Detections,
    merge_foreground,
    merge_labels,
    merge_paper2,
    merge_views,
    nms,
    paste,
)
from cellkit.postprocessing.tuning import GRIDS, Tuned, tune_instances
from cellkit.postprocessing.watershed import METHODS, grow_labels, instances, separate

__all__ = [
    "GRIDS", "METHODS", "Detections", "Elbow", "Tuned", "elbow", "grow_labels", "instances",
    "merge_foreground", "merge_labels", "merge_paper2", "merge_views", "nms", "paste",
    "separate", "tune_instances",
]  # fmt: skip
