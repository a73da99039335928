"""The exercises of lesson 03_augmentation, each in a file of its name."""

LESSON = "03_augmentation"
NAMES = ("flip_pair", "rotate_pair", "prepare", "generator_for", "leak_guess")
