"""The papers' pipelines (lesson 03_augmentation)."""

from cellkit.augment.pipeline import Pipeline
from cellkit.augment.transforms import (
    Blur,
    Brightness,
    Contrast,
    Crop,
    Elastic,
    Flip,
    Noise,
    Rotate,
    Sharpen,
    Shear,
    Shift,
    Zoom,
)

paper2 = Pipeline(
    Crop((0.25, 0.25), p=0.5),
    Flip(axis="horizontal", p=0.5),
    Flip(axis="vertical", p=0.5),
    Rotate(90, p=0.5),
    Elastic((5, 10), p=1, spacing=64),
    Noise((0.01, 0.03), p=0.2),
    Sharpen((0.5, 1), p=0.2),
    note="Paper 2, section 2, on 512 x 512.  Ours: 75 % is meant of each side and enlarged again; "
         "elastic strength is read as pixels moved, on a grid of 64 pixels; median over 3 x 3 and "
         "how strongly it is blended; mirrored edges.",
)
"""Paper 2's list.  Its elastic deformation, "field strength 5-10, standard deviation 3", cannot be
taken word for word: uniform noise of that amplitude, smoothed by a Gaussian of 3 pixels, moves
pixels by 0.4 to 0.8 (root mean square), which nobody sees; a field smoothed so and then scaled to
5 or 10 pixels folds a third to nearly a half of the image over itself."""

paper3 = Pipeline(
    Rotate(180),
    Flip(axis="horizontal", p=0.5),
    Flip(axis="vertical", p=0.5),
    Zoom(0.25),
    Brightness(0.2),
    Contrast(0.25),
    note="Paper 3, sections B and F, which name the transforms and no setting: all of them ours.",
)

paper5 = Pipeline(
    Crop(0.25, p=0.5),
    Flip(axis="horizontal", p=0.5),
    Flip(axis="vertical", p=0.5),
    Rotate(180, p=0.5),
    Zoom(0.25, p=0.5),
    Shear(15, p=0.5),
    Shift(0.1, p=0.5),
    Elastic((2, 6), p=0.5, spacing=48),
    Blur((0.5, 1.5), p=0.2),
    Noise((0.01, 0.05), p=0.2),
    note="Paper 5, sections 3 and 4.1, which name the transforms (blur, Gaussian noise, affine, "
         "flips, rotations, zooms, crops, warps) and no setting: all of them ours.",
)
