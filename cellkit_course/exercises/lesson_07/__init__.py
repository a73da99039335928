"""The exercises of lesson 07_watershed, each in a file of its name."""

LESSON = "07_watershed"
NAMES = ("flood", "five_cells", "which_wins", "distance_target", "parameters")
