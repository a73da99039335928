"""The exercises: a folder a lesson, a file an exercise; each is loaded when it is asked for."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from cellkit_course.exercise import Exercise


def lessons() -> list:
    """The packages of all lessons, each with its ``LESSON`` and the ``NAMES`` of its exercises."""
    found = sorted(m.name for m in pkgutil.iter_modules(__path__))
    return [import_module(f"{__name__}.{name}") for name in found]


def names() -> list[str]:
    """The names of all exercises, lesson by lesson."""
    return [name for lesson in lessons() for name in lesson.NAMES]


def find(name: str) -> Exercise:
    """One exercise by its name; a ValueError names those that exist."""
    for lesson in lessons():
        if name in lesson.NAMES:
            return import_module(f"{lesson.__name__}.{name}").EXERCISE
    raise ValueError(f"no exercise {name!r}; expected one of {', '.join(names())}.")


def exercises() -> Iterator[Exercise]:
    """All exercises of the course, lesson by lesson."""
    return map(find, names())
