"""Checks of arguments, called at the front door: inside, arrays are what they should be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from numbers import Integral, Real


def whole_number(name: str, value, least: int = 1) -> None:
    """Refuse a setting that is no whole number of at least ``least``."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is {value!r}, expected a whole number of at least {least}.")


def one_of(name: str, value, allowed: Iterable[str]) -> None:
    """Refuse a setting that is none of the names allowed."""
    if value not in (allowed := tuple(allowed)):
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(allowed)}.")


def number(name: str, value, wanted: str, fits: Callable[[float], bool]) -> None:
    """Refuse a setting that is no finite number, or does not fit; ``wanted`` says in words."""
    if not (isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
            and fits(value)):
        raise ValueError(f"{name} is {value!r}, expected {wanted}.")


def function(name: str, value, of: str = "") -> None:
    """Refuse a setting that is neither callable nor None."""
    if value is not None and not callable(value):
        raise ValueError(f"{name} is {value!r}, expected a function{of}, or None.")
