"""Every exercise's right answers, wrong answers and mechanical mutants meet its check."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mutate import mutants

from cellkit_course import BASELINE, tuning
from cellkit_course.checking import exercises
from cellkit_course.exercise import BLANK, RIGHT, WRONG
from tools import builder

COURSE = {exercise.name: exercise for exercise in exercises()}
#: exercise → function → mutant → why no check could tell it from the original
EQUIVALENT = json.loads(
    Path(__file__).with_name("equivalent_mutants.json").read_text(encoding="utf-8")
)
each_exercise = pytest.mark.parametrize("exercise", COURSE.values(), ids=list(COURSE))


def right_answers(exercise):
    return (exercise.answer, *exercise.others)


@each_exercise
def test_right_answers_are_right(exercise, record_property):
    verdicts = {f.__name__: exercise.examine(f) for f in right_answers(exercise)}
    accepted = [name for name, verdict in verdicts.items() if verdict.status == RIGHT]
    record_property("answers", f"{exercise.name:<20} right answers accepted    "
                               f"{len(accepted):>3} of {len(verdicts)}")
    assert len(verdicts) >= 2
    assert len(accepted) == len(verdicts), verdicts


@each_exercise
def test_wrong_answers_get_the_hint_meant_for_them(exercise, record_property):
    verdicts = {m.function.__name__: (exercise.examine(m.function), m.hint)
                for m in exercise.mistakes}
    named = [name for name, (verdict, hint) in verdicts.items()
             if verdict.status == WRONG and verdict.fault.hint == hint]
    record_property("answers", f"{exercise.name:<20} wrong answers, named      "
                               f"{len(named):>3} of {len(verdicts)}")
    assert len(verdicts) >= 4
    assert len(named) == len(verdicts), {n: v for n, v in verdicts.items() if n not in named}


@each_exercise
def test_mutants_of_right_answers_are_rejected(exercise, record_property):
    quick = replace(exercise, mistakes=(), seconds=2)
    known = EQUIVALENT.get(exercise.name, {})
    killed, equal, survivors = 0, 0, []
    functions = right_answers(exercise)[: 1 if exercise.kind == "tune" else None]
    for function in functions:
        for change, mutant in mutants(function):
            if quick.examine(mutant).status != RIGHT:
                killed += 1
            elif change in known.get(function.__name__, {}):
                equal += 1
            else:
                survivors.append(f"{function.__name__}: {change}")
    rate = killed / (killed + len(survivors))
    record_property("answers", f"{exercise.name:<20} mutants rejected  "
                               f"{killed:>3} of {killed + len(survivors)} ({rate:.0%}), besides "
                               f"{equal} equivalent")
    assert not survivors, "\n".join(survivors)


@each_exercise
def test_what_is_said_never_holds_an_answer(exercise):
    """No hint gives the code away: none holds a call with arguments of its right answers."""
    for mistake in exercise.mistakes:
        assert "return " not in mistake.hint or exercise.kind == "predict"
        assert mistake.hint[-1] not in ".!" and len(mistake.hint) <= 200


def cells():
    """exercise → (its lesson's imports, its check cell), of the lessons' sources"""
    found = {}
    for source in builder.sources():
        lesson = builder.read(source)
        imports = next(c.source for c in lesson if c.mark == "setup")
        found |= {c.name: (imports, c) for c in lesson if c.mark == "check"}
    return found


in_lessons = pytest.mark.parametrize("name", [n for n in COURSE if n in cells()])


@in_lessons
def test_notebook_and_exercise_agree(name):
    _, check = cells()[name]
    assert check.points == COURSE[name].points
    _, line = check.source.split("# END HIDDEN TESTS")
    assert line.strip().startswith(f'{name} = ck.lesson.check("{name}", {name}')


@in_lessons
def test_hidden_tests_alone_tell_right_from_wrong(name, record_property, monkeypatch):
    """Without the check, which a submission may have replaced."""
    monkeypatch.setattr("subprocess.check_output", lambda command: tuning.score(
        json.loads(command[3]), map(int, command[4:])))  # its process would load torch each time
    imports, check = cells()[name]
    hidden = check.source.split("# END HIDDEN TESTS")[0]

    def passes(function):
        space = {name: function}
        exec(imports, space)
        try:
            with np.errstate(all="ignore"):
                exec(hidden, space)
        except Exception:
            return False
        return True

    right = right_answers(COURSE[name])
    wrong = [m.function for m in COURSE[name].mistakes]
    accepted = [f.__name__ for f in right if passes(f)]
    rejected = [f.__name__ for f in wrong if not passes(f)]
    record_property("answers", f"{name:<20} hidden tests accept {len(accepted)} of {len(right)} "
                               f"right, reject {len(rejected)} of {len(wrong)} wrong")
    assert accepted == [f.__name__ for f in right]
    assert set(rejected) == {f.__name__ for f in wrong}


@each_exercise
def test_a_stub_is_not_attempted(exercise):
    def empty(*args):
        """Only a docstring."""

    def stub(*args):
        raise NotImplementedError()

    for blank in (stub, empty, lambda *args: ..., None, ...):
        assert exercise.examine(blank).status in (BLANK, WRONG)
    assert exercise.examine(stub).status == exercise.examine(empty).status == BLANK


def test_the_baseline_is_what_was_measured():
    measured = tuning.measured()
    scores = measured["dice"]
    assert measured["settings"] == BASELINE and len(scores) >= 3
    assert measured["mean"] == pytest.approx(np.mean(scores), abs=1e-3)
    assert measured["spread"] == pytest.approx(np.std(scores, ddof=1), abs=1e-3)
    again = tuning.trial(BASELINE, seed=0)
    assert abs(again - measured["mean"]) < 4 * measured["spread"]  # whatever the version of torch
