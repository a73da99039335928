"""The exercises: a folder a lesson, a file an exercise; each is loaded when it is asked for.

An instructor's own stand in a file beside the notebook, see :func:`own`.
"""

from __future__ import annotations

import importlib.util
import pkgutil
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from cellkit_course.exercise import Exercise


def lessons() -> list:
    """The packages of all lessons, each with its ``LESSON`` and the ``NAMES`` of its exercises."""
    found = sorted(m.name for m in pkgutil.iter_modules(__path__))
    return [import_module(f"{__name__}.{name}") for name in found]


#: The file, beside a notebook, that adds exercises: its ``EXERCISES`` is a list of
#: :class:`cellkit_course.exercise.Exercise`.
OWN = "cellkit_exercises.py"


def own() -> dict[str, Exercise]:
    """Exercises that an instructor added in :data:`OWN`; {} where there is no such file."""
    file = Path.cwd() / OWN
    if not file.is_file():
        return {}
    spec = importlib.util.spec_from_file_location("cellkit_course.exercises.own", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, "EXERCISES", None)
    if not isinstance(found, (list, tuple)) or not all(isinstance(e, Exercise) for e in found):
        raise ValueError(f"{file} has no list EXERCISES of cellkit_course.exercise.Exercise; "
                         "make one, or remove the file.")
    return {exercise.name: exercise for exercise in found}


def names() -> list[str]:
    """The names of all exercises, lesson by lesson; an instructor's own last."""
    return [*(name for lesson in lessons() for name in lesson.NAMES), *own()]


def find(name: str) -> Exercise:
    """One exercise by its name; a ValueError names those that are called alike, or all."""
    for lesson in lessons():
        if name in lesson.NAMES:
            return import_module(f"{lesson.__name__}.{name}").EXERCISE
    if name in (added := own()):
        return added[name]
    near = get_close_matches(name, names(), 3)
    raise ValueError(f"no exercise {name!r}; " + (
        f"did you mean {' or '.join(near)}?" if near else f"expected one of {', '.join(names())}."))


def exercises() -> Iterator[Exercise]:
    """All exercises of the course, lesson by lesson."""
    return map(find, names())
