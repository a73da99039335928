"""The exercises of lesson 06_mask_rcnn, each in a file of its name."""

LESSON = "06_mask_rcnn"
NAMES = ("average_precision", "box_iou", "suppress", "bilinear", "limits_guess", "label_map")
