"""A lesson's set-up, its checks and what they survive, and the record of progress."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
import torch

from cellkit import lesson
from cellkit_course import NotRight, guard, record, report
from cellkit_course.exercise import BLANK, RIGHT, WRONG
from cellkit_course.exercises import exercises, find
from cellkit_course.ladder import rungs

PAINT_CELLS, RESCALE, SPLIT_BY_WELL, DICE, JOIN_SKIP, PREDICT_MASK, WEIGHTED_BCE = map(find, (
    "paint_cells", "rescale", "split_by_well", "dice", "join_skip", "predict_mask",
    "weighted_bce"))


@pytest.fixture(autouse=True)
def own_record(tmp_path, monkeypatch):
    monkeypatch.setenv("CELLKIT_PROGRESS", str(tmp_path / "progress.json"))
    for name in ("CELLKIT_STRICT", "NBGRADER_EXECUTION"):
        monkeypatch.delenv(name, raising=False)


def right_dice(truth, pred):
    total = truth.sum() + pred.sum()
    return 2 * (truth & pred).sum() / total if total else 1.0


def right_rescale(image, low=1, high=99.8):
    return RESCALE.answer(image, low, high)


def wrong_dice(truth, pred):
    return (truth & pred).sum() / max(truth.sum() + pred.sum(), 1)


def blank_dice(truth, pred):
    raise NotImplementedError()


# --- set-up ------------------------------------------------------------------------------------


def test_setup_gives_the_settings_of_the_profile(capsys):
    small = lesson.setup("02_unet_from_scratch", "tiny")
    large = lesson.setup("02_unet_from_scratch", profile="full")
    assert (small.profile, large.profile) == ("tiny", "full")
    assert small.width < large.width
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4
    assert "profile tiny (seconds of training, to try the code)" in said[0]
    assert "torch" in said[0] and small.device in said[0]
    assert "progress.json" in said[1]


def test_profile_comes_from_argument_then_environment_then_default(monkeypatch):
    monkeypatch.setenv("CELLKIT_PROFILE", "full")
    assert lesson.profile() == "full" and lesson.profile("tiny") == "tiny"
    monkeypatch.delenv("CELLKIT_PROFILE")
    assert lesson.profile() == "standard"
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert lesson.profile() == "tiny"


@pytest.mark.parametrize("wrong", ["quick", "Tiny"])
def test_unknown_profile_or_lesson_is_one_sentence(wrong, monkeypatch):
    with pytest.raises(ValueError, match="tiny, standard, full"):
        lesson.profile(wrong)
    monkeypatch.setenv("CELLKIT_PROFILE", wrong)
    with pytest.raises(ValueError, match=wrong):
        lesson.setup("01_data_and_masks")
    with pytest.raises(ValueError, match="01_data_and_masks"):
        lesson.setup(wrong)


def test_lesson_1_and_its_checks_load_no_torch():
    code = """
        import sys
        import cellkit as ck
        ck.lesson.check("rescale", None)
        assert "torch" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


# --- what a check says and does ----------------------------------------------------------------


def test_right_answer_goes_on(capsys):
    assert lesson.check("dice", right_dice) is right_dice
    said = capsys.readouterr().out
    assert "dice: right (2 points)." in said and "goes on with your dice" in said


@pytest.mark.parametrize("answer", [wrong_dice, blank_dice, None, 3, "dice"])
def test_any_other_answer_is_replaced_by_ours(answer, capsys):
    assert lesson.check("dice", answer) is DICE.answer
    assert "goes on with cellkit's dice" in capsys.readouterr().out


def test_wrong_answer_shows_the_smallest_case_and_the_hint(capsys):
    lesson.check("dice", wrong_dice)
    said = capsys.readouterr().out
    for part in ("dice: wrong.", "Case: two masks that agree", "truth = ", "pred = ",
                 "Came out: 0.5", "Expected: 1", "Hint: the intersection is counted once"):
        assert part in said


def test_not_attempted_differs_from_wrong(capsys):
    lesson.check("dice", blank_dice)
    assert "dice: not attempted yet (2 points to win)." in capsys.readouterr().out

    def half(truth, pred):  # begun: this is no stub any more
        if not truth.any():
            return np.zeros(1)[3:].reshape(2)
        return 1.0

    assert DICE.examine(half).status == WRONG


def test_a_stub_below_a_decorator_is_a_stub():
    assert DICE.examine(torch.no_grad()(blank_dice)).status == BLANK
    assert DICE.examine(torch.no_grad()(right_dice)).status == RIGHT


def test_a_prediction_is_compared_with_whatever_is_shown():
    guess = next(e for e in EXERCISES if e.name == "accuracy_of_nothing")
    mask = np.zeros((10, 10), bool)
    mask[:, :2] = True
    assert "measured: 0.80. That is close" in guess.examine(lambda: 0.8, mask).remark
    assert "0.30 too low" in guess.examine(lambda: 0.5, mask).remark
    assert "share of cell pixels" in guess.examine(lambda: 0.2, mask).remark
    for strange in (None, "mask", Evil()):
        assert guess.examine(lambda: 0.8, strange).status == RIGHT


def test_an_error_of_torch_is_not_taken_for_a_stub():
    verdict = JOIN_SKIP.examine(lambda up, skip: torch.cat([up.to("meta"), skip]).cpu().numpy())
    assert verdict.status == WRONG


def test_html_says_the_same_and_not_by_colour(capsys):
    for answer in (right_dice, wrong_dice, blank_dice):
        verdict = DICE.examine(answer)
        lines = report.report(DICE, verdict)
        page = report.as_html(lines, verdict.status)
        assert verdict.status in page and "background:transparent" in page
        text = report.as_text(lines)
        for label, _ in lines:
            assert label in page and label in text
    assert "<script>" not in report.as_html([("", "a"), ("Came out", "<script>")], WRONG)


def test_unknown_exercise_names_those_called_alike():
    for ask in (lambda: lesson.check("dicee", right_dice), lambda: lesson.hint("dicee"),
                lambda: lesson.solution("dicee"), lambda: lesson.grade("dicee", right_dice)):
        with pytest.raises(ValueError, match="did you mean dice or diameter"):
            ask()


@pytest.mark.parametrize("name, value", [
    ("CELLKIT_STRICT", "1"), ("NBGRADER_EXECUTION", "autograde"), ("NBGRADER_EXECUTION", "validate")
])
def test_under_grading_anything_but_right_raises(name, value, monkeypatch, capsys):
    monkeypatch.setenv(name, value)
    assert lesson.check("dice", right_dice) is right_dice
    for answer in (wrong_dice, blank_dice, None):
        with pytest.raises(NotRight, match="dice: (wrong|not attempted)"):
            lesson.check("dice", answer)
    assert "goes on" not in capsys.readouterr().out
    assert record.record_file()[0].exists() == (name == "CELLKIT_STRICT")


def test_a_solved_lesson_run_strictly_ends_with_its_points(monkeypatch, capsys):
    monkeypatch.setenv("CELLKIT_STRICT", "1")
    lesson.check("dice", right_dice)
    lesson.progress()
    assert re.search(r"  dice +2 of 2  right", capsys.readouterr().out)


def test_cellkits_own_answer_wins_nothing(capsys, monkeypatch):
    dice = lesson.check("dice", wrong_dice)  # the reader then forgets to run the cell again
    for _ in range(2):
        dice = lesson.check("dice", dice)
        said = capsys.readouterr().out
        assert "cellkit's own answer, which wins nothing" in said and "Run the cell" in said
    assert record.read_record()["dice"] == record.Row(0, 1, 0, "dice_counted_once")
    for own in (DICE.answer, RESCALE.answer):
        with pytest.raises(NotRight, match="cellkit's own"):
            lesson.grade("dice", own)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(NotRight, match="cellkit's own"):
        lesson.check("dice", dice)


def test_hidden_tests_judge_as_the_check_does():
    a, b = np.eye(4, dtype=bool), np.ones((4, 4), bool)

    def single(truth, pred):
        return np.float32(right_dice(truth, pred))

    for answer in (right_dice, single):
        assert DICE.examine(answer).status == RIGHT
        lesson.grade("dice", answer, (a, b), (b, b))
    with pytest.raises(NotRight, match="dice: wrong.*Hint: the intersection is counted once"):
        lesson.grade("dice", wrong_dice, (a, b), (b, b))
    with pytest.raises(NotRight, match="not attempted"):
        lesson.grade("dice", blank_dice, (a, b))


def test_a_warning_that_the_task_forbids_is_found():
    def late(image, low=1, high=99.8):
        a, b = np.percentile(image, (low, high))
        return np.nan_to_num((image - a) / (b - a)).clip(0, 1).astype(np.float32)

    verdict = RESCALE.examine(late)
    assert "before you divide" in verdict.fault.hint and "warning" in verdict.fault.came


def test_an_answer_that_hangs_on_the_session_is_found():
    def of_a_set(names, fraction, seed):
        wells = list({name.rsplit("_", 3)[0] for name in names})
        np.random.default_rng(seed).shuffle(wells)
        first = set(wells[: max(1, round(fraction * len(wells)) - 1)])
        return ([n for n in names if n.rsplit("_", 3)[0] in first],
                [n for n in names if n.rsplit("_", 3)[0] not in first])

    assert "order of a set" in SPLIT_BY_WELL.examine(of_a_set).fault.hint


def test_a_hint_ends_with_one_mark():
    for exercise in EXERCISES:
        for mistake in exercise.mistakes:
            shown = report.report(exercise, exercise.examine(mistake.function))
            hint = dict(shown)["Hint"]
            assert hint[-1] in ".?…" and not hint.endswith(("?.", "..", "….")), hint
        if exercise.kind == "predict":
            break


# --- hints, a rung a call, and the solution ----------------------------------------------------


def test_hints_come_a_rung_a_call(capsys):
    said = []
    for _ in range(4):
        lesson.hint("dice")
        said.append(capsys.readouterr().out)
    for k, (label, text) in enumerate(rungs(DICE)):
        assert f"hint {k + 1} of 3" in said[k] and label in said[k]
        assert text.splitlines()[-1].strip() in said[k]
    assert said[3] == said[2] and "____" in said[2] and "ck.lesson.solution" in said[2]
    assert record.read_record()["dice"].hints == 3


def test_the_rung_is_chosen_by_the_mistake_that_the_check_found(capsys):
    def empty_is_zero(truth, pred):
        return right_dice(truth, pred) if (truth | pred).any() else 0.0

    lesson.check("dice", empty_is_zero)  # the formula is right: no need to explain it
    lesson.hint("dice")
    said = capsys.readouterr().out
    assert "hint 2 of 3" in said and "Your last check: two empty masks agree" in said
    lesson.check("join_skip", lambda up, skip: torch.cat([up, skip], 2))
    lesson.hint("join_skip")
    assert "hint 1 of 3" in capsys.readouterr().out


def test_the_solution_opens_after_three_checks_or_when_asked(capsys):
    for left in ("3 more checks", "2 more checks", "1 more check."):
        lesson.solution("dice")
        said = capsys.readouterr().out
        assert left in said and "total" not in said
        lesson.check("dice", wrong_dice)
        capsys.readouterr()
    assert not record.read_record()["dice"].solution
    lesson.solution("dice")
    assert "return" in capsys.readouterr().out and record.read_record()["dice"].solution
    lesson.solution("rescale", now=True)
    assert "np.percentile" in capsys.readouterr().out
    lesson.progress()
    said = capsys.readouterr().out
    assert re.search(r"dice +0 of 2  open after 3 checks, solution opened", said)
    assert re.search(r"rescale +0 of 2  open, solution opened", said)


def test_the_record_holds_nothing_of_a_solution():
    lesson.check("dice", wrong_dice)
    lesson.hint("dice")
    lesson.solution("dice", now=True)
    kept = record.record_file()[0].read_text(encoding="utf-8")
    assert json.loads(kept)["exercises"] == {"dice": {
        "points": 0.0, "tries": 1, "hints": 1, "mistake": "dice_counted_once", "solution": True}}


def test_two_writers_lose_nothing(tmp_path):
    code = """
        from cellkit_course import record
        for k in range(60):
            record.update_record("dice", lambda row: setattr(row, "tries", row.tries + 1))
    """
    running = [subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)]) for _ in range(2)]
    assert [process.wait(120) for process in running] == [0, 0]
    assert record.read_record()["dice"].tries == 120
    assert [p.name for p in record.record_file()[0].parent.iterdir()] == ["progress.json"]


def test_a_lock_that_was_left_behind_is_void(monkeypatch):
    file, _ = record.record_file()
    lock = file.with_name(f"{file.name}.lock")
    lock.write_text("", encoding="utf-8")
    monkeypatch.setattr(record, "STALE", 0.2)
    record.update_record("dice", lambda row: setattr(row, "tries", 1))
    assert record.read_record()["dice"].tries == 1 and not lock.exists()


# --- what a check survives ---------------------------------------------------------------------


class Evil:
    def __repr__(self):
        raise SystemExit(3)

    __str__ = __array__ = __float__ = __eq__ = __len__ = __iter__ = __deepcopy__ = __repr__
    __hash__ = None


class Endless:
    def __repr__(self):
        while True:
            pass

    __float__ = __array__ = __eq__ = __repr__
    __hash__ = None


STRANGE = [
    None, "0.5", b"x", [], [0.5], (1, 2, 3), {}, {"a": 1}, set(), 1j, object(), Evil(), type,
    float("nan"), float("inf"), np.nan, np.zeros((0,)), np.zeros((3, 3)), np.zeros((2, 2), object),
    np.array(["a"]), np.ma.masked_array([1, 2], [True, False]), torch.zeros(2), torch.zeros(()),
    torch.zeros(2, device="meta"), torch.zeros((), device="meta"), iter(range(3)), (i for i in "a"),
    lambda: 0, np, NotImplemented, Ellipsis, 10**400, np.datetime64("2020"), np.float16(1),
    [None, None], (np.zeros(2), "b"), (Evil(), Evil()), ["up", Evil()], ("up", 3),
]  # fmt: skip
EXERCISES = [e for e in exercises() if e.kind != "tune"]


@pytest.mark.parametrize("exercise", EXERCISES, ids=[e.name for e in EXERCISES])
def test_whatever_comes_back_is_judged(exercise):
    for value in STRANGE:
        verdict = exercise.examine(lambda *args, value=value: value)
        text = report.as_text(report.report(exercise, verdict))
        assert verdict.status in (RIGHT, WRONG, BLANK) and len(text) < 6000
        if exercise.name not in ("accuracy_of_nothing", "leak_guess"):
            assert verdict.status != RIGHT


def test_objects_that_never_answer_are_given_up(monkeypatch):
    from dataclasses import replace

    quick = replace(DICE, seconds=0.2, mistakes=())
    monkeypatch.setattr(guard, "SECONDS", 0.2)
    monkeypatch.setattr(guard.call, "__defaults__", (0.2,))
    assert quick.examine(lambda truth, pred: Endless()).status == WRONG


ERRORS = [
    lambda *a: 1 / 0,
    lambda *a: undefined,  # noqa: F821
    lambda *a: sys.exit(0),
    lambda *a: (_ for _ in ()).throw(StopIteration),
    lambda: 0,
    lambda a, b, c, d, e, f, g: 0,
    lambda *a: [0] * (1 << 60),
    lambda *a: a[99],
    lambda *a: exec("syntax error"),
    Evil,
    Evil().__repr__,
    np.sum,
    print,
]


def recursing(*args):
    return recursing(*args)


@pytest.mark.parametrize("exercise", EXERCISES, ids=[e.name for e in EXERCISES])
def test_whatever_it_raises_is_judged(exercise):
    for answer in (*ERRORS, recursing):
        if answer is ERRORS[4] and exercise.name in ("accuracy_of_nothing", "leak_guess"):
            continue  # without arguments, 0 is a guess
        assert exercise.examine(answer).status == WRONG


def test_an_error_is_shown_with_its_line(capsys):
    def dice(truth, pred):
        return truth / pred.shape["rows"]

    lesson.check("dice", dice)
    said = capsys.readouterr().out
    assert "TypeError" in said and 'pred.shape["rows"]' in said


def test_wrong_number_of_arguments_and_typing_mistakes_get_a_hint():
    assert "must take (truth, pred)" in DICE.examine(lambda truth: 0).fault.hint
    assert "'treuth'" in DICE.examine(lambda truth, pred: treuth).fault.hint  # noqa: F821


def test_printing_is_swallowed_but_its_beginning_is_shown(capsys):
    def chatty(truth, pred):
        for k in range(10_000):
            print("line", k)
            print("complaint", file=sys.stderr)
        return 0.0

    lesson.check("dice", chatty)
    said = capsys.readouterr()
    assert "line 0" in said.out and len(said.out) < 2000 and not said.err

    def prints_its_answer(truth, pred):
        print(right_dice(truth, pred))

    assert "must return it" in DICE.examine(prints_its_answer).fault.hint


def test_input_changed_in_place_is_noticed_and_does_not_hurt_us():
    def scaling_in_place(image, low=1, high=99.8):
        answer = RESCALE.answer(image, low, high)
        image[...] = 0
        return answer

    verdict = RESCALE.examine(scaling_in_place)
    assert verdict.status == WRONG and "image was changed" in verdict.fault.came
    assert "copy" in verdict.fault.hint

    def emptying(cells, shape):
        labels = PAINT_CELLS.answer(cells, shape)
        cells.clear()
        return labels

    assert PAINT_CELLS.examine(emptying).status == WRONG
    assert RESCALE.examine(RESCALE.answer).status == RIGHT


def test_random_states_and_modes_stay_as_they_were():
    def meddling(truth, pred):
        np.random.seed(1)
        torch.manual_seed(1)
        torch.set_grad_enabled(False)
        np.seterr(all="raise")
        return right_dice(truth, pred)

    np.random.seed(5)
    torch.manual_seed(5)
    wanted, errors = (np.random.rand(), torch.rand(1).item()), np.geterr()
    np.random.seed(5)
    torch.manual_seed(5)
    assert DICE.examine(meddling).status == RIGHT
    assert (np.random.rand(), torch.rand(1).item()) == wanted
    assert torch.is_grad_enabled() and np.geterr() == errors


def test_split_that_uses_an_unseeded_shuffle_is_found():
    def unseeded(names, fraction, seed):
        return SPLIT_BY_WELL.answer(names, fraction, np.random.randint(10**6))

    assert "made the random numbers" not in SPLIT_BY_WELL.examine(unseeded).fault.hint
    assert "same seed" in SPLIT_BY_WELL.examine(unseeded).fault.hint


def test_gradient_that_is_cut_is_found():
    def detached(logits, target, weight):
        return WEIGHTED_BCE.answer(logits.detach(), target, weight)

    assert "gradients" in WEIGHTED_BCE.examine(detached).fault.hint


def test_network_left_in_another_mode_is_found():
    def leaves_eval(net, image):
        mask = PREDICT_MASK.answer(net, image)
        net.eval()
        return mask

    assert "mode it came in" in PREDICT_MASK.examine(leaves_eval).fault.hint


# --- the time limit ----------------------------------------------------------------------------


def spin(*args):
    while True:
        pass


def spin_and_catch_everything(*args):
    while True:
        try:
            sum(range(100))
        except:  # noqa: E722
            pass


def sleeps(*args):
    time.sleep(1000)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer signals here")
@pytest.mark.parametrize("endless", [spin, spin_and_catch_everything, sleeps])
def test_endless_calls_are_stopped(endless):
    before = signal.getsignal(signal.SIGALRM)
    outcome = guard.call(endless, (1,), seconds=0.2)
    assert outcome.late and outcome.error is None
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize("endless", [spin, spin_and_catch_everything])
def test_endless_calls_are_stopped_in_a_thread_too(endless):
    seen = []
    thread = threading.Thread(
        target=lambda: seen.append(guard.call(endless, (1,), seconds=0.2)), daemon=True
    )
    thread.start()
    thread.join(30)
    assert seen and seen[0].late


def test_a_busy_machine_makes_no_verdict():
    """Who gets no processor waits longer; in sleep a process gets none either."""
    assert not guard.call(lambda: time.sleep(1.5), (), seconds=1).late
    assert guard.call(lambda: time.sleep(9), (), seconds=0.15).late


def test_a_late_answer_says_so(monkeypatch):
    from dataclasses import replace

    verdict = replace(DICE, seconds=0.2).examine(spin)
    assert verdict.status == WRONG
    assert "0.2 seconds" in verdict.fault.came and "loop" in verdict.fault.hint


def test_limits_can_stand_inside_each_other():
    def outer():
        guard.call(spin, (), seconds=0.1)
        spin()

    assert guard.call(outer, (), seconds=0.5).late


def test_without_a_limit_the_check_says_so(monkeypatch, capsys):
    monkeypatch.setattr(guard.sys.implementation, "name", "other")
    lesson.check("dice", right_dice)
    assert "No time limit works here" in capsys.readouterr().out


def test_stop_button_is_not_an_answer():
    def stopped(truth, pred):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lesson.check("dice", stopped)


# --- progress ----------------------------------------------------------------------------------


def test_progress_lists_lessons_exercises_and_points(capsys, monkeypatch):
    lesson.check("dice", wrong_dice)
    lesson.check("rescale", right_rescale)
    lesson.check("dice", right_dice)
    lesson.check("dice", wrong_dice)  # what was won stays won
    lesson.check("paint_cells", lambda cells, shape: 0)
    monkeypatch.setattr("cellkit_course.checking.BEGUN", begun := set())
    monkeypatch.setattr("cellkit_course.plans.BEGUN", begun)
    capsys.readouterr()
    lesson.progress()
    said = capsys.readouterr().out
    rows = {line.split()[0]: line for line in said.splitlines() if line.startswith("  ")}
    assert "2 of 2  right" in rows["dice"] and "2 of 2  right" in rows["rescale"]
    assert "0 of 2  open after 1 check" in rows["paint_cells"]
    assert rows["join_skip"].endswith("0 of 2  open")
    assert "01_data_and_masks" in said and "02_unet_from_scratch" in said
    points = sum(exercise.points for exercise in exercises())
    assert f"Together 4 of {points:g} points" in said and "progress.json" in said
    later = sum(e.points for e in exercises() if e.lesson == "05_double_unet")
    assert f"05_double_unet: {later:g} points, not begun" in said and "edge_band" not in said
    lesson.setup("05_double_unet", "tiny")  # who has opened it sees what there is to do
    lesson.progress()
    assert re.search("edge_band +0 of 3  open", capsys.readouterr().out)


@pytest.mark.parametrize("damage", [
    b"", b"{", b"[]", b"null", b'{"exercises": 3}', b'{"exercises": {"dice": {"points": "x"}}}',
    b"\xff\xfe\x00", b'{"exercises": {"dice": []}}', b"[" * 100_000,
])
def test_damaged_progress_is_set_aside_with_a_sentence(damage, capsys):
    file, _ = record.record_file()
    file.write_bytes(damage)
    lesson.progress()
    said = capsys.readouterr().out
    assert "set aside as progress.damaged.json" in said and "Traceback" not in said
    assert file.with_name("progress.damaged.json").read_bytes() == damage
    lesson.check("dice", right_dice)
    assert json.loads(file.read_text(encoding="utf-8"))["exercises"]["dice"]["points"] == 2
    assert sorted(p.name for p in file.parent.iterdir()) == [
        "progress.damaged.json", "progress.json"]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("CELLKIT_PROGRESS", str(tmp_path / "file" / "progress.json"))
    assert lesson.check("dice", right_dice) is right_dice
    assert "Progress could not be kept" in capsys.readouterr().out


def test_progress_lies_beside_the_notebooks_or_in_colab(tmp_path, monkeypatch):
    monkeypatch.delenv("CELLKIT_PROGRESS")
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    monkeypatch.chdir(tmp_path)
    assert record.record_file() == (tmp_path / "progress.json", "")
    monkeypatch.setitem(sys.modules, "google.colab", object())
    file, remark = record.record_file()
    assert file.as_posix() == "/content/progress.json" and "Colab forgets it" in remark
    monkeypatch.setattr(record.Path, "is_dir", lambda self: True)
    file, remark = record.record_file()
    assert file.as_posix() == "/content/drive/MyDrive/cellkit-course/progress.json"
    assert "Drive" in remark
