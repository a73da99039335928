"""The check of an exercise: it tells the reader where they stand and lets the lesson go on."""

from __future__ import annotations

import html
import os
import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module

from cellkit_course.exercise import BLANK, RIGHT, Exercise, Verdict, limit_remark
from cellkit_course.record import read_record, record_file, write_record


class NotRight(AssertionError):
    """An exercise is not right where it must be: under grading, or with CELLKIT_STRICT=1."""


def exercises() -> Iterator[Exercise]:
    """All exercises of the course, lesson by lesson; a lesson's module loads when it is reached."""
    package = import_module("cellkit_course.exercises")
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        yield from import_module(f"cellkit_course.exercises.{module}").EXERCISES


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
    exercise = next((e for e in exercises() if e.name == name), None)
    if exercise is None:
        known = ", ".join(e.name for e in exercises())
        raise ValueError(f"no exercise {name!r}; expected one of {known}.")
    verdict = exercise.examine(answer, *shown)
    right = verdict.status == RIGHT
    graded = "NBGRADER_EXECUTION" in os.environ
    strict = graded or os.environ.get("CELLKIT_STRICT") == "1"
    lines = report(exercise, verdict, stands_in=not strict)
    say(lines, verdict.status)
    if not graded:
        write_record(name, exercise.points if right else 0)
    if strict and not right:
        hint = verdict.fault.hint if verdict.fault else ""
        raise NotRight(f"{name}: {verdict.status}." + (f" Hint: {hint}." if hint else ""))
    return answer if right else exercise.answer


def report(exercise: Exercise, verdict: Verdict, stands_in: bool = True) -> list[tuple[str, str]]:
    """A verdict as (label, text) lines; the first is the headline."""
    points = f"{exercise.points:g} {'point' if exercise.points == 1 else 'points'}"
    name, status = exercise.name, verdict.status
    going_on = f"cellkit's {name}"
    if status == RIGHT:
        lines = [("", f"{name}: {status} ({points}).")]
        if verdict.remark:
            lines.append(("", verdict.remark))
        going_on = f"your {name}"
    elif status == BLANK:
        lines = [("", f"{name}: {status} ({points} to win).")]
    else:
        lines = [("", f"{name}: {status}.")]
        if verdict.case:
            lines.append(("Case", verdict.case))
        if verdict.given:
            lines.append(("Given", verdict.given))
        lines += [("Came out", verdict.fault.came), ("Expected", verdict.fault.wanted)]
        if verdict.printed:
            lines.append(("It printed", verdict.printed))
        if verdict.fault.hint:
            lines.append(("Hint", verdict.fault.hint + "."))
    if limit_remark():
        lines.append(("", limit_remark()))
    if stands_in:
        lines.append(("", f"The lesson goes on with {going_on}."))
    return lines


def as_text(lines) -> str:
    """Lines of a report as plain text, for a screen reader or a log."""
    out = []
    for label, text in lines:
        head = f"  {label}: " if label else ("" if not out else "  ")
        inner = f"\n{text}".replace("\n", "\n    ") if "\n" in text else text
        out.append(head.rstrip() + inner if "\n" in text else head + inner)
    return "\n".join(out)


_BOX = {RIGHT: ("✔", "#009E73"), BLANK: ("…", "#999999")}  # else wrong


def as_html(lines, status) -> str:
    """Lines of a report as a box; sign and word carry the meaning, the colour only repeats it."""
    sign, colour = _BOX.get(status, ("✘", "#D55E00"))
    rows = []
    for label, text in lines[1:]:
        body = html.escape(text)
        if "\n" in text:
            body = f'<pre style="margin:0 0 0 1em;background:none;color:inherit">{body}</pre>'
        rows.append(f"<div>{f'<b>{label}:</b> ' if label else ''}{body}</div>")
    return (
        f'<div role="status" style="border:1px solid {colour};border-left-width:6px;'
        'padding:.4em .8em;margin:.3em 0;color:inherit;background:transparent">'
        f'<div><span aria-hidden="true">{sign} </span><b>{html.escape(lines[0][1])}</b></div>'
        f"{''.join(rows)}</div>"
    )


def say(lines, status) -> None:
    """Show a report: a box in a notebook, plain text elsewhere."""
    text = as_text(lines)
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from IPython.display import display

        display({"text/plain": text, "text/html": as_html(lines, status)}, raw=True)
    else:
        print(text)


def progress() -> None:
    """Print every lesson's exercises with the points won so far."""
    record, file = read_record(), record_file()
    won = possible = 0
    rows, lesson = [], None
    for exercise in exercises():
        name = exercise.name
        if exercise.lesson != lesson:
            lesson = exercise.lesson
            rows.append(lesson)
        got = min(record.get(name, {"points": 0})["points"], exercise.points)
        tries = record.get(name, {"tries": 0})["tries"]
        state = "right" if got else "open"
        if tries and not got:
            state += f" after {tries} {'check' if tries == 1 else 'checks'}"
        rows.append(f"  {name:<22} {got:>3g} of {exercise.points:g}  {state}")
        won, possible = won + got, possible + exercise.points
    print("\n".join(rows))
    print(f"Together {won:g} of {possible:g} points; kept in {file[0]}{file[1]}.")
