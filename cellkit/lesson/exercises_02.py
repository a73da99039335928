"""The exercises of lesson 02_unet_from_scratch."""

LESSON = "02_unet_from_scratch"
EXERCISES = ()
