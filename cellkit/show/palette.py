"""The course's colours: each is what its name says, to colour-blind readers too.

``tests/test_show.py`` simulates the three kinds of colour blindness (Machado and others, 2009):
what is found, missed and a false alarm stays at least 20 apart (CIEDE2000) for everybody.  And
whatever a colour says, a stripe, a dash or a marker says too.
"""

from __future__ import annotations

from typing import NamedTuple

BLUE, ORANGE, PINK = "#0072B2", "#EB6B00", "#FFB3E6"
GREEN, SKY, RED, PURPLE, YELLOW, BLACK = (
    "#00875F", "#3A9BD9", "#C1121F", "#AA4499", "#F0E442", "#000000",
)  # fmt: skip
#: For lines on white: all have a contrast of 3 to 1 or more; colour, dash and marker of each.
LINES = [(BLUE, "-", "o"), (RED, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"),
         (ORANGE, "-", "v"), (SKY, "--", "P")]  # fmt: skip


class Mark(NamedTuple):
    """What one colour of a comparison means.

    ``stripes``: their colour, or "" for none; ``slope``: 1 falls to the right, -1 rises.
    """

    name: str
    meaning: str
    colour: str
    stripes: str = ""
    slope: int = 0


#: In the order of the numbers in :func:`cellkit.show.outcome`, from 1 on.
MARKS = (
    Mark("orange", "cell, missed", ORANGE, "#FFFFFF", 1),
    Mark("pink", "no cell, found anyway (false alarm)", PINK, "#8A1C6B", -1),
    Mark("blue", "cell, found", BLUE),
)


def rgb(colour: str) -> tuple[float, float, float]:
    """``"#0072B2"`` as three numbers in [0, 1]."""
    return tuple(int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5))
