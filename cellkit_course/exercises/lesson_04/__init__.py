"""The exercises of lesson 04_super_resolution, each in a file of its name."""

LESSON = "04_super_resolution"
NAMES = ("area_mean", "psnr", "enlarge", "mse_guess", "sharper")
