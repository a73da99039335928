"""Lessons: set-up, profile, exercises with checks that teach, progress."""

from cellkit.lesson.checking import NotRight, check, progress
from cellkit.lesson.plans import BASELINE, PLANS, profile, setup

__all__ = ["BASELINE", "PLANS", "NotRight", "check", "profile", "progress", "setup"]
