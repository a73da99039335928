"""What a browser must know of a control: its steps by number, as words."""

from __future__ import annotations

from itertools import islice

from cellkit.explore.views import number_text


def steps(control) -> list[tuple[str, object]]:
    """All that a control can be set to: (in words, value), in order.

    Choices have ``options``, sliders ``min``, ``max`` and ``step``, and what has neither is a
    switch.
    """
    if hasattr(control, "options"):
        return [one if isinstance(one, tuple) else (number_text(one), one)
                for one in control.options]
    if hasattr(control, "min"):
        low, high, step = control.min, control.max, control.step or 1
        count = int((high - low) / step + 1e-6) + 1
        values = (low + k * step for k in range(count))
        return [(f"{value:.6g}", type(control.value)(round(value, 9)))
                for value in islice(values, 1000)]
    return [("off", False), ("on", True)]


def place(control) -> int:
    """At which of its steps a control is; between two, at the nearer."""
    if hasattr(control, "options"):
        return -1 if control.index is None else control.index
    if hasattr(control, "min"):
        return round((control.value - control.min) / (control.step or 1))
    return int(control.value)


def move(control, index: int):
    """Set a control to one of its steps; a number beyond them is not listened to."""
    here = steps(control)
    if 0 <= index < len(here) and index != place(control):
        control.value = here[index][1]


def described(name: str, control) -> dict:
    """A control for the page: name, label, kind, steps in words, and where it is."""
    kind = "switch" if not hasattr(control, "options") and not hasattr(control, "min") else (
        "slider" if "Slider" in type(control).__name__ else "choice")
    return {"name": name, "label": control.description or name, "kind": kind,
            "steps": [words for words, _ in steps(control)], "at": place(control)}


def in_words(control, value) -> str:
    """A value as its control calls it."""
    return next((words for words, meant in steps(control) if meant == value), number_text(value))
