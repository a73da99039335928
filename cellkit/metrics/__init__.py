"""Metrics, always ``metric(truth, pred)``: pixel by pixel, and object by object."""

from cellkit.metrics.pixels import (
    Confusion,
    PrecisionRecallCurve,
    RocCurve,
    accuracy,
    confusion,
    dice,
    edge_dice,
    f1,
    iou,
    precision,
    precision_recall_curve,
    recall,
    roc_curve,
)

__all__ = [
    "Confusion",
    "PrecisionRecallCurve",
    "RocCurve",
    "accuracy",
    "confusion",
    "dice",
    "edge_dice",
    "f1",
    "iou",
    "precision",
    "precision_recall_curve",
    "recall",
    "roc_curve",
]
