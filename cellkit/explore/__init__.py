"""Explorers: move a slider and see what it does, in a notebook and in a page of its own.

Every explorer here is one :class:`Explorer`: controls, pictures, numbers, and a function ``look``
that says what there is to see at given values.  Before an explorer a lesson shows its static twin,
:meth:`Explorer.twin`, for paper, GitHub and screen readers; :meth:`Explorer.export` writes a page
that needs neither a kernel nor a network::

    explorer = ck.explore.resolution()
    explorer.twin("M", (1, 1/4, 1/8))  # one cell: a strip of pictures and a table
    explorer                           # the next cell: the controls
    explorer.export("resolution.html")

A file an explorer: ``downsampling`` (lesson 5), ``sharpening`` (4), ``seeds`` (7), ``distortion``
(3).  What they share: ``explorer`` (the kernel's side), ``page`` and ``explorer.js`` (the
browser's), ``views``, ``controls``, ``pictures`` (the reader's own), ``strategies`` (networks).
"""

from cellkit.explore.distortion import augmentation
from cellkit.explore.downsampling import FACTORS, resolution
from cellkit.explore.explorer import Explorer
from cellkit.explore.seeds import SLIDERS, instances
from cellkit.explore.sharpening import super_resolution
from cellkit.explore.strategies import Strategy, bundled_strategies, fast, strategy
from cellkit.explore.views import Picture, View

__all__ = [
    "FACTORS", "SLIDERS", "Explorer", "Picture", "Strategy", "View", "augmentation",
    "bundled_strategies", "fast", "instances", "resolution", "strategy", "super_resolution",
]  # fmt: skip
