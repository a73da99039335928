"""The course: set-up, profile, exercises with checks that teach, progress, papers, results.

Lessons know it as ``ck.lesson``.
"""

from importlib import import_module

from cellkit_course.checking import NotRight, check, grade, progress
from cellkit_course.claims import claim, origin
from cellkit_course.exercise import Case
from cellkit_course.ladder import hint, solution
from cellkit_course.own import own_film, own_folder, own_pictures
from cellkit_course.plans import BASELINE, PLANS, profile, setup

_LATER = ("TEST_WELLS", "draw", "papers", "results")
__all__ = [
    "BASELINE", "PLANS", "Case", "NotRight", "check", "claim", "grade", "hint", "origin",
    "own_film", "own_folder", "own_pictures", "profile", "progress", "setup", "solution", *_LATER,
]  # fmt: skip


def __getattr__(name):  # these read data sets and tables; a check needs none of them
    if name in ("draw", "papers", "results"):
        return import_module(f"cellkit_course.{name}")
    if name == "TEST_WELLS":
        return import_module("cellkit_course.papers").TEST_WELLS
    raise AttributeError(f"ck.lesson has no {name!r}; it has {', '.join(sorted(__all__))}.")
