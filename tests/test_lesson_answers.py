"""Every exercise's right answers, wrong answers and mechanical mutants meet its check.

``answers/lesson_0N.py`` holds further right answers; ``answers/fresh.py`` answers by somebody who
had not read the exercises.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import json
import os
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from answers import fresh
from mutate import mutants
from scipy.ndimage import gaussian_filter

import cellkit as ck
from cellkit.files import replacing
from cellkit_course import BASELINE, tuning
from cellkit_course.exercise import BLANK, RIGHT, WRONG
from cellkit_course.exercises import exercises, find, lessons, names
from cellkit_course.ladder import code, rungs
from tools import builder

COURSE = {exercise.name: exercise for exercise in exercises()}
OTHERS = {name: found for lesson in lessons() for name, found in import_module(
    "answers." + lesson.__name__.rpartition(".")[2]).RIGHT.items()}
#: exercise → function → mutant → why no check could tell it from the original
EQUIVALENT = json.loads(
    Path(__file__).with_name("equivalent_mutants.json").read_text(encoding="utf-8")
)
each_exercise = pytest.mark.parametrize("exercise", COURSE.values(), ids=list(COURSE))


@pytest.fixture(scope="module", autouse=True)
def each_training_once(tmp_path_factory):
    """Exercise `settings` trains for a judgement; what one worker trained no other trains again."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    real = tuning._trial

    def trial(*asked):
        file = folder / f"trial {' '.join(map(str, asked))}.json".replace("+", " and ")
        if not file.exists():
            score = real(*asked)
            with replacing(file) as draft:
                draft.write_text(json.dumps(score), encoding="utf-8")
        return json.loads(file.read_text(encoding="utf-8"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "_trial", trial)
        yield


def right_answers(exercise):
    return (exercise.answer, *OTHERS[exercise.name])


def test_an_exercise_stands_in_a_file_of_its_name():
    assert names() == list(COURSE) and len(names()) == 40
    for name in names():
        assert find(name).name == name
        assert Path(inspect.getfile(find(name).answer)).stem == name
    with pytest.raises(ValueError, match="did you mean dice or diameter"):
        find("dicee")


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
    verdicts = {m.name: (exercise.examine(m.function), m.hint) for m in exercise.mistakes}
    named = [name for name, (verdict, hint) in verdicts.items()
             if verdict.status == WRONG and verdict.fault.hint == hint]
    record_property("answers", f"{exercise.name:<20} wrong answers, named      "
                               f"{len(named):>3} of {len(verdicts)}")
    assert len(verdicts) >= 4
    assert len(named) == len(verdicts), {n: v for n, v in verdicts.items() if n not in named}


@each_exercise
def test_every_sentence_of_a_task_has_a_case_and_an_answer_that_breaks_it(exercise):
    assert {m.breaks for m in exercise.mistakes} == set(exercise.asks)
    assert {case.asks for case in exercise.cases()} <= set(exercise.asks)


#: Mistakes that break another requirement besides the one they are listed for: its hint is true.
TRUE_AS_WELL = {
    "split_by_place": "two wells of one place leave a list empty",
    "split_by_letters": "two wells that begin alike leave a list empty",
    "split_by_beginning": "a name that begins like two wells is in both lists",
    "split_by_line": "two wells of one line leave a list empty",
    "mask_still_training": "a network that was evaluating comes back in training mode",
    "prepare_counted_from_the_end": "where none is left for validation, all are in both parts",
    "prepare_swapped": "training and validation have changed places",
    "task_capped": "where the variance is above 1 the error is not divided by it",
    "double_colleague": "both mistakes are still there, and the gradient is one of them",
}


@each_exercise
def test_no_hint_is_given_to_another_mistake(exercise):
    """A mistake that the table does not know gets a hint that is true of it, or none."""
    if exercise.kind == "tune" and exercise.name != "sharper":
        pytest.skip("each hint there is tried by a training or a score of its own")
    meaning = {m.hint: {n.breaks for n in exercise.mistakes if n.hint == m.hint}
               for m in exercise.mistakes}
    for mistake in exercise.mistakes:
        rest = tuple(m for m in exercise.mistakes if m is not mistake)
        verdict = replace(exercise, mistakes=rest).examine(mistake.function)
        assert verdict.status == WRONG
        said = verdict.fault.hint
        assert (said not in meaning or mistake.breaks in meaning[said]
                or mistake.name in TRUE_AS_WELL), (mistake.name, said)


@each_exercise
def test_the_ladder_leads_to_a_solution_and_never_holds_it(exercise):
    ladder = rungs(exercise)
    assert len(ladder) == 3 and all(text for _, text in ladder)
    for text in exercise.ladder:
        assert text[-1] not in ".!" and len(text) < 400
    for piece in exercise.blanks:
        assert piece in code(exercise) and piece not in ladder[2][1]
    assert bool(exercise.blanks) == (exercise.kind != "predict")


@each_exercise
def test_mutants_of_right_answers_are_rejected(exercise, record_property):
    quick = replace(exercise, mistakes=(), seconds=1)
    known = EQUIVALENT.get(exercise.name, {})
    killed, equal, survivors = 0, 0, []
    functions = right_answers(exercise)[: 1 if exercise.kind == "tune" else None]
    for function in functions:
        for change, mutant in mutants(function):
            if exercise.name == "settings" and tuning.budget(mutant()) <= tuning.budget(BASELINE):
                equal += 1  # whatever beats the baseline within the budget is right
            elif quick.examine(mutant).status != RIGHT:
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


@lru_cache(maxsize=1)
def read():
    return [builder.read(source) for source in builder.sources()]


@lru_cache(maxsize=1)
def cells():
    """exercise → (its lesson's imports, its check cell), of the lessons' sources"""
    found = {}
    for lesson in read():
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


def names_made(source) -> set[str]:
    """What a piece of code imports, defines or assigns."""
    tree = list(ast.walk(ast.parse(source)))
    return ({n.asname or n.name for n in tree if isinstance(n, ast.alias)}
            | {n.name for n in tree if isinstance(n, ast.FunctionDef | ast.ClassDef)}
            | {n.arg for n in tree if isinstance(n, ast.arg)}
            | {n.id for n in tree if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)})


@in_lessons
def test_the_code_of_a_solution_uses_only_names_of_its_notebook(name):
    """The last rung and the solution are copied into it; the exercise's own imports are not."""
    known = {"ck", *dir(builtins)}
    for cell in next(lesson for lesson in read() if cells()[name][1] in lesson):
        if cell.kind == "code" and cell.mark != "check":
            known |= names_made(cell.source)
        if cell.name == name and cell.mark == "solution":
            break
    text = code(COURSE[name])
    used = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
    assert used <= known | names_made(text), used - known - names_made(text)


#: Just below the bar of a check, whose hidden tests ask for a little less, on other pictures.
NEAR = {"_sharper_unsharp"}


def passes(name, function) -> bool:
    """Whether an answer passes the hidden tests of its lesson, without the check."""
    imports, check = cells()[name]
    space = {name: function}
    exec(f"import cellkit as ck\n{imports}", space)
    try:
        exec(check.source.split("# END HIDDEN TESTS")[0], space)
    except Exception:
        return False
    return True


@in_lessons
def test_hidden_tests_alone_tell_right_from_wrong(name, record_property, monkeypatch):
    """Without the check, which a submission may have replaced."""
    exercise = COURSE[name]

    monkeypatch.setattr("cellkit_course.checking.is_ours", lambda answer: False)
    right = (exercise.answer, *OTHERS[name], *fresh.RIGHT[name])
    wrong = [m.function for m in exercise.mistakes]
    refused = [f.__name__ for f in right if not passes(name, f)]
    accepted = [f.__name__ for f in wrong if passes(name, f) and f.__name__ not in NEAR]
    record_property("answers", f"{name:<20} hidden tests accept {len(right) - len(refused)} of "
                               f"{len(right)} right, reject {len(wrong) - len(accepted)} of "
                               f"{len(wrong)} wrong")
    assert not refused and not accepted


@in_lessons
def test_hidden_tests_refuse_blanks_and_our_own(name):
    assert not passes(name, COURSE[name].answer)
    assert not passes(name, None)


#: What was once said of a fresh answer, and is not true of it.
NOT_SAID = {
    "second_paint_cells_w14": "cells = cells.copy()",
    "second_accuracy_of_nothing_w6": "less than none",
    "second_rescale_r5": "as many rows as columns",
    "second_flip_pair_w5": "rng is not asked",
    "second_prepare_w11": "divide first",
    "second_prepare_w13": "divide first",
    "second_generator_for_w3": "use index",
    "second_task_loss_w8": "cuts the gradient",
    "second_box_iou_w4": "the fraction is cut off",
    "second_five_cells_w5": "24 of 40",
    "second_distance_target_w14": "both mistakes",
    "task_cross_entropy": "variance",
    "task_bce_of_logits": "variance",
    "task_bce_of_all": "variance",
    "task_truth_first": "variance",
    "task_only_zero_replaced": "variance of its",
    "band_erosion": "both sides",
}


@each_exercise
def test_fresh_answers(exercise, record_property):
    """Wrong ones are refused, with a hint that is not known to be false; right ones accepted."""
    if exercise.name == "settings":
        pytest.skip("its answers are trained in the test of the mistakes")
    wrong = {f.__name__: exercise.examine(f) for f in fresh.WRONG[exercise.name]}
    right = {f.__name__: exercise.examine(f) for f in fresh.RIGHT[exercise.name]}
    accepted = [name for name, verdict in wrong.items() if verdict.status == RIGHT]
    dumb = [name for name, verdict in wrong.items() if verdict.fault and not verdict.fault.hint]
    refused = {name: verdict for name, verdict in right.items() if verdict.status != RIGHT}
    record_property("answers", f"{exercise.name:<20} fresh: {len(wrong) - len(accepted)} of "
                               f"{len(wrong)} wrong refused, {len(dumb)} without a hint, "
                               f"{len(right) - len(refused)} of {len(right)} right accepted")
    false = [name for name, verdict in wrong.items()
             if name in NOT_SAID and NOT_SAID[name] in verdict.fault.hint]
    assert not accepted and not refused and not dumb and not false


@pytest.mark.parametrize("name, mistake, never", [
    ("resize_pair", "resize_blurred_as_floats", "as many rows as columns"),  # the scale changes
    ("link", "link_whoever_is_left", "as many rows as columns"),  # of one row one pixel is left
    ("dice", "dice_nothing_shared_is_one", "makes no difference"),  # but it does where they share
])
def test_a_fingerprint_is_not_seen_where_there_is_none(name, mistake, never):
    function = next(m.function for m in COURSE[name].mistakes if m.name == mistake)
    verdict = replace(COURSE[name], mistakes=()).examine(function)
    assert verdict.status == WRONG and never not in verdict.fault.hint


def test_what_torch_and_cellkit_say_of_an_answer_becomes_a_hint():
    def in_place(sharpen, segment, image):
        sharp = sharpen(image)
        sharp -= sharp.mean((1, 2, 3), keepdim=True)
        sharp /= sharp.std((1, 2, 3), keepdim=True)
        return segment(sharp)

    def unclipped(small, shape):
        ck.shrink(2 * ck.enlarge(small, shape), 0.5)

    assert "changed in place" in COURSE["sharpen_then_segment"].examine(in_place).fault.hint
    assert "clip it first" in COURSE["sharper"].examine(unclipped).fault.hint


def test_a_known_mistake_is_known_under_other_numbers_too():
    def twice_as_large(*args):
        mistake = next(m for m in COURSE["label_map"].mistakes if m.name == "label_by_probability")
        return 2 * mistake.function(*args)

    assert COURSE["label_map"].examine(twice_as_large).mistake == "label_by_probability"


@each_exercise
def test_a_stub_is_not_attempted(exercise):
    def empty(*args):
        """Only a docstring."""

    def stub(*args):
        raise NotImplementedError()

    for blank in (stub, empty, lambda *args: ..., None, ...):
        assert exercise.examine(blank).status in (BLANK, WRONG)
    assert exercise.examine(stub).status == exercise.examine(empty).status == BLANK


def test_the_bar_of_settings_fits_a_mean_of_three_and_never_lets_the_baseline_pass(monkeypatch):
    exercise, measured = COURSE["settings"], tuning.measured()
    bar = measured["mean"] + 3 * measured["spread"] / len(tuning.SEEDS) ** 0.5
    for reached, status in ((bar + 1e-3, RIGHT), (bar - 1e-3, WRONG)):
        monkeypatch.setattr(tuning, "_trial", lambda *asked, reached=reached: reached)
        assert exercise.examine(exercise.answer).status == status
        assert exercise.examine(lambda: dict(BASELINE)).status == WRONG


def test_the_baseline_is_what_was_measured():
    measured = tuning.measured()
    scores = measured["dice"]
    assert measured["settings"] == BASELINE and len(scores) >= 3
    assert measured["mean"] == pytest.approx(np.mean(scores), abs=1e-3)
    assert measured["spread"] == pytest.approx(np.std(scores, ddof=1), abs=1e-3)
    again = tuning.trial(BASELINE, seed=0)
    assert abs(again - measured["mean"]) < 4 * measured["spread"]  # whatever the version of torch


def test_a_gain_that_is_too_small_does_not_read_as_large_enough():
    def nearly(small, shape):
        large = ck.enlarge(small, shape)
        large = large + 0.8 * (large - gaussian_filter(large, 1))
        for _ in range(5):
            lack = small - COURSE["area_mean"].answer(large, 2)
            large = large + COURSE["enlarge"].answer(lack, shape)
        return np.clip(large, 0, 1)

    fault = COURSE["sharper"].examine(nearly).fault
    assert fault.came == "+0.43 dB against bicubic"


def test_a_difference_of_pictures_is_not_told_to_be_clipped():
    def by_the_front_door(small, shape):
        large = ck.enlarge(small, shape)
        lack = small - COURSE["area_mean"].answer(large, 2)
        return np.clip(large + ck.enlarge(lack, shape), 0, 1)

    assert "difference" in COURSE["sharper"].examine(by_the_front_door).fault.hint
