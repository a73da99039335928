"""How a training picture comes to be: worker, item and epoch make a random crop."""

from __future__ import annotations

from cellkit import show
from cellkit_course.draw.parts import INK, arrow, box, sheet


def random_crops() -> None:
    """Draw how the number of an epoch and of an item make a random crop, whoever cuts it."""
    fig, ax = sheet(9.6, 3.7)
    for epoch in range(2):
        y = 2.0 - 1.75 * epoch
        ax.text(0.1, y + 1.42, f"epoch {epoch}", fontsize=10, weight="bold", color=INK)
        for item in range(3):
            x, worker = 0.75 + 3.2 * item, (item + epoch) % 2
            box(ax, (x, y + 1.0), f"item {item}", 1.25, 0.55)
            box(ax, (x, y + 0.28), f"worker {worker}", 1.25, 0.55, INK, "#eeeeee")
            box(ax, (x + 1.7, y + 0.64), f"generator\n[seed, {epoch}, {item}]\n↓\ncrop, flip,\n"
                "light", 1.25, 1.27, show.ORANGE, "#fdf3df")
            arrow(ax, (x, y + 0.72), (x, y + 0.56))
            arrow(ax, (x + 0.625, y + 0.28), (x + 1.075, y + 0.4))
    show.figure(fig, "Two rows, epoch 0 and epoch 1, of three items each. Each item goes to one of "
                "two workers, not always the same. Whichever worker it is, the item gets a "
                "generator made of seed, epoch and item, and that generator decides its crop, flip "
                "and light.")
