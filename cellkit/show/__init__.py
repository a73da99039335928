"""What there is to look at: figures, comparisons, tables and films, each with a text alternative.

Colours stand in :mod:`cellkit.show.palette`; whatever a colour says, a stripe, a marker or a label
says too.  A figure goes out as HTML and as PNG, both with their ``alt`` text; where neither can be
shown, the text itself is.
"""

from cellkit.show.figures import LiveCurves, axes, bars, curves, figure, images
from cellkit.show.film import animation
from cellkit.show.overlays import (
    colour_labels,
    compare,
    legend_of_compare,
    outcome,
    pixels,
)
from cellkit.show.palette import (
    BLACK,
    BLUE,
    GREEN,
    LINES,
    MARKS,
    ORANGE,
    PINK,
    PURPLE,
    RED,
    SKY,
    YELLOW,
)
from cellkit.show.tables import table

__all__ = [
    "BLACK", "BLUE", "GREEN", "LINES", "MARKS", "ORANGE", "PINK", "PURPLE", "RED", "SKY", "YELLOW",
    "LiveCurves", "animation", "axes", "bars", "colour_labels", "compare", "curves", "figure",
    "images", "legend_of_compare", "outcome", "pixels", "table",
]  # fmt: skip
