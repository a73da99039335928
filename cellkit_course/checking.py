"""The check of an exercise: it tells the reader where they stand and lets the lesson go on."""

from __future__ import annotations

import os
from itertools import groupby
from operator import attrgetter

from cellkit_course.exercise import RIGHT, Case, Exercise, Verdict
from cellkit_course.exercises import exercises, find
from cellkit_course.plans import BEGUN
from cellkit_course.presenting import sentence
from cellkit_course.record import Row, graded, read_record, record_file, update_record
from cellkit_course.report import report, say

OURS = "cellkit's own answer"


class NotRight(AssertionError):
    """An exercise is not right where it must be: under grading, or with CELLKIT_STRICT=1."""


def check(name: str, answer, *shown):
    """Check an answer, say what was found, and return the function to go on with.

    Parameters
    ----------
    name : str
        The exercise, e.g. "dice".
    answer : callable
        What the student wrote.
    *shown
        What the answer is about, where the exercise asks for it (the picture of a prediction).

    Returns
    -------
    callable
        ``answer`` if it is right, else cellkit's own function; the text says which.

    Raises
    ------
    NotRight
        If the answer is not right and nbgrader runs the notebook (``NBGRADER_EXECUTION``) or
        ``CELLKIT_STRICT=1``.  Nothing of ours stands in for the student's there.
    ValueError
        For an exercise that does not exist.
    """
    exercise = find(name)
    verdict = Verdict(OURS) if is_ours(answer) else exercise.examine(answer, *shown)
    right = verdict.status == RIGHT
    strict = graded() or os.environ.get("CELLKIT_STRICT") == "1"
    say(report(exercise, verdict, stands_in=not strict), verdict.status)
    if not graded() and verdict.status != OURS:
        def count(row):
            row.points = max(row.points, exercise.points if right else 0)
            row.tries += 1
            row.mistake = verdict.mistake

        update_record(name, count)
    if strict and not right:
        raise NotRight(one_sentence(name, verdict))
    return answer if right else exercise.answer


def grade(name: str, answer, *inputs) -> None:
    """Judge an answer as :func:`check` does, on other inputs: the hidden tests of a lesson.

    Parameters
    ----------
    name : str
        The exercise.
    answer : callable
        What the student wrote.
    *inputs : tuple or Case
        What the answer is called with; without any, the cases of the check.

    Raises
    ------
    NotRight
        If the answer is wrong on one of them, blank, or cellkit's own.
    """
    exercise = find(name)
    cases = [one if isinstance(one, Case) else Case("", "other data", one) for one in inputs]
    verdict = Verdict(OURS) if is_ours(answer) else exercise.examine_on(
        cases or exercise.cases(), answer)
    if verdict.status != RIGHT:
        raise NotRight(one_sentence(name, verdict))


def is_ours(answer) -> bool:
    """Whether a function is one of cellkit's: a check that was not right put it there."""
    module = str(getattr(answer, "__module__", ""))
    return callable(answer) and module.partition(".")[0] in ("cellkit", "cellkit_course")


def one_sentence(name: str, verdict: Verdict) -> str:
    """A verdict that is not right, as the message of an error."""
    text = f"{name}: {verdict.status}."
    if verdict.fault:
        case = f" Case: {sentence(verdict.case)}" if verdict.case else ""
        text += f"{case} Came out: {verdict.fault.came}. Expected: {verdict.fault.wanted}."
        text += f" Hint: {sentence(verdict.fault.hint)}" if verdict.fault.hint else ""
        # `make grade --partial` reads this.
        text += " Right on {} of {} cases.".format(*verdict.cases) if verdict.cases[1] else ""
    return text


def progress() -> None:
    """Print the points won so far: by exercise for the lessons begun, in one line for the rest."""
    record, file = read_record(), record_file()
    won = possible = 0
    for lesson, found in groupby(exercises(), attrgetter("lesson")):
        rows = [(exercise, record.get(exercise.name, Row())) for exercise in found]
        points = sum(exercise.points for exercise, _ in rows)
        possible += points
        if lesson not in BEGUN and not any(exercise.name in record for exercise, _ in rows):
            print(f"{lesson}: {points:g} points, not begun")
            continue
        print(lesson)
        for exercise, row in rows:
            got = min(row.points, exercise.points)
            won += got
            print(f"  {exercise.name:<22} {got:>3g} of {exercise.points:g}  "
                  f"{standing(exercise, row)}")
    print(f"Together {won:g} of {possible:g} points; kept in {file[0]}{file[1]}.")


def standing(exercise: Exercise, row: Row) -> str:
    """How far an exercise has come, in a few words."""
    state = "right" if row.points else "open"
    if row.tries and not row.points:
        state += f" after {row.tries} {'check' if row.tries == 1 else 'checks'}"
    if row.hints:
        state += f", {row.hints} {'hint' if row.hints == 1 else 'hints'}"
    return state + (", solution opened" if row.solution else "")
