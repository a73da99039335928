"""Metrics, always ``metric(truth, pred)``: pixel by pixel, object by object, image to image."""

from cellkit.metrics.coco import CocoAP, coco_average_precision
from cellkit.metrics.curves import (
    PrecisionRecallCurve,
    RocCurve,
    precision_recall_curve,
    roc_curve,
)
from cellkit.metrics.glas import object_dice, object_f1, object_hausdorff
from cellkit.metrics.images import Spectrum, contrast, power_spectrum, psnr, ssim
from cellkit.metrics.objects import (
    THRESHOLDS,
    Counts,
    Matching,
    SplitsMerges,
    average_precision,
    count_error,
    dsb2018_score,
    matched_pairs,
    matching,
    mean_precision,
    panoptic_quality,
    splits_merges,
)
from cellkit.metrics.overlaps import Overlap, overlap_table
from cellkit.metrics.pixels import (
    Confusion,
    accuracy,
    confusion,
    dice,
    edge_band,
    edge_dice,
    f1,
    hausdorff,
    image_edges,
    iou,
    precision,
    recall,
)

__all__ = [
    "THRESHOLDS", "CocoAP", "Confusion", "Counts", "Matching", "Overlap",
    "PrecisionRecallCurve", "RocCurve", "Spectrum", "SplitsMerges", "accuracy",
    "average_precision", "coco_average_precision", "confusion", "contrast", "count_error",
    "dice", "dsb2018_score", "edge_band", "edge_dice", "f1", "hausdorff", "image_edges", "iou",
    "matched_pairs", "matching", "mean_precision", "object_dice", "object_f1",
    "object_hausdorff", "overlap_table", "panoptic_quality", "power_spectrum", "precision",
    "precision_recall_curve", "psnr", "recall", "roc_curve", "splits_merges", "ssim",
]  # fmt: skip
