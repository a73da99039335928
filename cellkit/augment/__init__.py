"""Augmentation: the same cells seen otherwise (lesson 03_augmentation).

Every augmentation is ``f(image, labels, rng) -> (image, labels)``: one transform, a
:class:`Pipeline` of them, or any function.  Image and labels move together, labels are never
interpolated, and ``rng``, a numpy Generator, decides everything.

Each transform can be looked at alone, exactly as strong as one likes::

    augment.Elastic.most, augment.Elastic.unit           # how far a slider may go: 30, "pixels"
    augment.Elastic().at(7.5)(image, labels, np.random.default_rng(0))
    print(augment.paper2)
"""

from cellkit.augment.copies import grow
from cellkit.augment.papers import paper2, paper3, paper5
from cellkit.augment.pipeline import Bend, Move, Paint, Pipeline, Transform
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
    Stain,
    Torchvision,
    Zoom,
    default,
    light,
    median,
    turn_and_flip,
)

__all__ = [
    "Bend", "Blur", "Brightness", "Contrast", "Crop", "Elastic", "Flip", "Move", "Noise",
    "Paint", "Pipeline", "Rotate", "Sharpen", "Shear", "Shift", "Stain", "Torchvision",
    "Transform", "Zoom", "default", "grow", "light", "median", "paper2", "paper3", "paper5",
    "turn_and_flip",
]  # fmt: skip
