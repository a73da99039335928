"""Drawings that a textbook would have, made by code: ``ck.lesson.draw``.

Each function draws one figure in the course's style and shows it with its text alternative.
"""

from cellkit_course.draw.annotation import annotation
from cellkit_course.draw.detection import anchor_grid, mask_rcnn
from cellkit_course.draw.flows import flow
from cellkit_course.draw.labels import even_odd, numbers
from cellkit_course.draw.landscape import seeds_by_h
from cellkit_course.draw.loader import random_crops
from cellkit_course.draw.networks import unet
from cellkit_course.draw.pictures import with_scale
from cellkit_course.draw.resolution import double_unet, super_resolution

__all__ = [
    "anchor_grid", "annotation", "double_unet", "even_odd", "flow", "mask_rcnn", "numbers",
    "random_crops", "seeds_by_h", "super_resolution", "unet", "with_scale",
]  # fmt: skip
