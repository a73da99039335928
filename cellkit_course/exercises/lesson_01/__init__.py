"""The exercises of lesson 01_data_and_masks, each in a file of its name."""

LESSON = "01_data_and_masks"
NAMES = ("paint_cells", "accuracy_of_nothing", "rescale", "resize_pair", "split_by_well")
