"""The exercises of lesson 02_unet_from_scratch, each in a file of its name."""

LESSON = "02_unet_from_scratch"
NAMES = ("join_skip", "dice", "weighted_bce", "predict_mask", "precision_guess", "settings")
