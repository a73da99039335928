"""Help in steps: a ladder of hints, one rung a call, and a solution at its end."""

from __future__ import annotations

import inspect

from cellkit_course.exercise import Exercise
from cellkit_course.exercises import find
from cellkit_course.presenting import sentence
from cellkit_course.record import Row, graded, read_record, update_record
from cellkit_course.report import say

ATTEMPTS = 3  # checks after which a solution opens by itself
RUNGS = ("The idea", "The line of thought", "The code, with blanks")
_HELP = "help"  # the colour of the box


def hint(name: str) -> None:
    """Show the next hint to an exercise, one rung a call: the idea, the thought, code with blanks.

    If the last check named a mistake, that comes first; and if the mistake lies in a detail, the
    ladder begins at its second rung.

    Parameters
    ----------
    name : str
        The exercise, e.g. "dice".
    """
    exercise = find(name)
    row = read_record().get(name, Row())
    mistake = next((m for m in exercise.mistakes if m.name == row.mistake), None)
    ladder = rungs(exercise)
    rung = min(row.hints or start(exercise, mistake), len(ladder) - 1)
    lines = [("", f"{name}: hint {rung + 1} of {len(ladder)}.")]
    if mistake:
        lines.append(("Your last check", sentence(mistake.hint)))
    lines.append(ladder[rung])
    if rung + 1 == len(ladder):
        lines.append(("", f'That was the last one. A solution: ck.lesson.solution("{name}").'))
    say(lines, _HELP)
    if not graded():
        update_record(name, lambda row: setattr(row, "hints", rung + 1))


def solution(name: str, now: bool = False) -> None:
    """Show a solution of an exercise: after three checks, or at once if you ask for it.

    Parameters
    ----------
    name : str
        The exercise, e.g. "dice".
    now : bool
        Open it before the third check, too.  The record says that it was opened.
    """
    exercise = find(name)
    row = read_record().get(name, Row())
    if not (now or row.points or row.solution or row.tries >= ATTEMPTS):
        left = ATTEMPTS - row.tries
        say([("", f"{name}: the solution opens after {left} more "
                  f"{'check' if left == 1 else 'checks'}."),
             ("", f'A hint may do: ck.lesson.hint("{name}"). To see the solution now: '
                  f'ck.lesson.solution("{name}", now=True).')], _HELP)
        return
    say([("", f"{name}: a solution. Read it, close it, and write your own."),
         ("Code", code(exercise))], _HELP)
    if not graded():
        update_record(name, lambda row: setattr(row, "solution", True))


def rungs(exercise: Exercise) -> list[tuple[str, str]]:
    """The ladder as (label, text) lines."""
    texts = list(exercise.ladder)
    if exercise.blanks:
        blanked = code(exercise)
        for piece in exercise.blanks:
            blanked = blanked.replace(piece, "____")
        texts.append(blanked)
    names = RUNGS if exercise.blanks else (*RUNGS[:2], "Nearly there")
    texts[:2] = map(sentence, texts[:2])
    return list(zip(names, texts, strict=True))


def start(exercise: Exercise, mistake) -> int:
    """The rung to begin with: whoever keeps the core of the task has had the idea."""
    core = next(iter(exercise.asks), "")
    return 1 if mistake and mistake.breaks != core else 0


def code(exercise: Exercise) -> str:
    """The source of cellkit's answer."""
    return inspect.getsource(exercise.answer).rstrip()
