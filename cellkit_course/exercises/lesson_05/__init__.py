"""The exercises of lesson 05_double_unet, each in a file of its name."""

LESSON = "05_double_unet"
NAMES = ("spread_left", "contrast_order", "sharpen_then_segment", "edge_band", "task_loss")
