"""Training: :mod:`~cellkit.train.loop` is the loop, the other files what stands around it."""

from cellkit.train.history import History
from cellkit.train.loop import fit

__all__ = ["History", "fit"]
