"""Checks of arguments, called at the front door: inside, arrays are what they should be."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral


def whole_number(name: str, value, least: int = 1) -> None:
    """Refuse a setting that is no whole number of at least ``least``."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is {value!r}, expected a whole number of at least {least}.")


def one_of(name: str, value, allowed: Iterable[str]) -> None:
    """Refuse a setting that is none of the names allowed."""
    if value not in (allowed := tuple(allowed)):
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(allowed)}.")
