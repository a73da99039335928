"""A class of submissions, well-meant and not, graded by `make grade` and by plain nbgrader."""

from __future__ import annotations

import copy
import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

import cellkit
from tools import builder, grading

nbgrader = pytest.importorskip("nbgrader")

NAME = "01_mini"
POINTS = {"paint_cells": 2, "rescale": 2, "split_by_well": 4}

RIGHT = {name: "".join(part) for name, part in {
    "paint_cells": '''
    labels = np.zeros(shape, np.int32)
    for k in sorted(range(len(cells)), key=lambda k: -cells[k].sum()):
        labels[cells[k]] = k + 1
    return labels''',
    "rescale": '''
    bottom, top = np.percentile(image, (low, high))
    if top == bottom:
        return np.zeros(image.shape, np.float32)
    return ((image - bottom) / (top - bottom)).clip(0, 1).astype(np.float32)''',
    "split_by_well": '''
    wells = sorted({name.rsplit("_", 3)[0] for name in names})
    np.random.default_rng(seed).shuffle(wells)
    first, second = [], []
    for well in wells:
        enough = len(first) >= fraction * len(names) or well == wells[-1]
        (second if first and enough else first).extend(n for n in names if n.startswith(well + "_"))
    return first, second''',
}.items()}  # fmt: skip
WRONG = {
    "paint_cells": "\n    return sum((k + 1) * cell for k, cell in enumerate(cells))",
    "rescale": "\n    return (image / 255).clip(0, 1).astype('float32')",
    "split_by_well": "\n    return names[:3], names[3:]",
}


def lesson() -> str:
    """A lesson of three exercises of lesson 1, with that lesson's own hidden tests."""
    cells = ["# %% [markdown]\n# # 1 · Mini", "# %% setup\nimport numpy as np"]
    source = builder.read(builder.ROOT / "notebooks" / "source" / "01_data_and_masks.py")
    for cell in source:
        if cell.name in POINTS:
            told = f'{cell.mark}="{cell.name}"'
            if cell.mark == "exercise":
                body = "\n".join(f"# {line}" for line in cell.source.splitlines())
                cells.append(f"# %% [markdown] {told}\n{body}")
            else:
                told += f" points={cell.points}" if cell.mark == "check" else ""
                cells.append(f"# %% {told}\n{cell.source}")
    return "\n\n".join(cells) + "\n"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course folder with the mini lesson in it, and the notebook that students got."""
    root = tmp_path_factory.mktemp("mini")
    (root / "notebooks" / "source").mkdir(parents=True)
    shutil.copy(builder.ROOT / "pyproject.toml", root)
    source = root / "notebooks" / "source" / f"{NAME}.py"
    source.write_text(lesson(), encoding="utf-8")
    solved = root / "notebooks" / "solutions" / f"{NAME}.ipynb"
    solved.parent.mkdir()
    text = builder.build(source, root)[solved]
    text = text.replace(r'\n\nlesson = ck.lesson.setup(\"01_mini\")', "")  # it is in no course
    solved.write_text(text, encoding="utf-8")
    released = grading.assignment(solved, root / "course")
    return root / "course", nbformat.read(released, as_version=4)


def test_hand_out_holds_no_solution(course):
    folder, released = course
    text = nbformat.writes(released)
    for secret in ("BEGIN SOLUTION", "HIDDEN", "assert", "sorted(range", "/solutions/"):
        assert secret not in text
    assert text.count("raise NotImplementedError()") == 3
    assert not any(cell.get("outputs") for cell in released.cells)
    marks = {c.metadata.nbgrader.grade_id: c.metadata.nbgrader for c in released.cells
             if "nbgrader" in c.metadata}
    assert {k.removesuffix("-check"): m.points for k, m in marks.items() if m.grade} == POINTS
    assert (folder / "gradebook.db").exists()


# --- the class ---------------------------------------------------------------------------------


def cell_of(notebook, name):
    return next(c for c in notebook.cells
                if c.metadata.get("nbgrader", {}).get("grade_id") == name)


def fill(notebook, answers):
    """A submission: the released notebook with some blanks filled."""
    notebook = copy.deepcopy(notebook)
    for name, body in answers.items():
        cell = cell_of(notebook, name)
        head = cell.source.partition("    # YOUR CODE HERE")[0].rstrip()
        cell.source = head + body
    return notebook


def add_on_top(notebook, code):
    notebook.cells.insert(2, new_code_cell(code))
    return notebook


def make_perfect(blank):
    return fill(blank, RIGHT)


def make_blank(blank):
    return blank


def make_partly_right(blank):
    return fill(blank, RIGHT | {"split_by_well": WRONG["split_by_well"]})


def make_wrong(blank):
    return fill(blank, WRONG)


def make_syntax_error(blank):
    return fill(blank, RIGHT | {"paint_cells": "\n    return labels["})


def make_endless_loops(blank):
    """One in a cell, one in a function."""
    notebook = fill(blank, RIGHT | {"rescale": "\n    while True:\n        pass"})
    cell_of(notebook, "paint_cells").source += "\n\nwhile True:\n    pass"
    return notebook


def make_edited_tests(blank, answers=WRONG):
    notebook = fill(blank, answers)
    for name in POINTS:
        check = cell_of(notebook, f"{name}-check")
        check.source = "pass"
        check.metadata.nbgrader.points = 100
    check.metadata.nbgrader.update(locked=False, solution=True)
    return notebook


def make_edited_tests_right_answers(blank):
    return make_edited_tests(blank, RIGHT)


def make_replaced_check(blank):
    return add_on_top(fill(blank, WRONG), (
        "from cellkit.lesson import exercises_01 as real\n"
        "ck.lesson.check = ck.lesson.checking.check = lambda name, answer, *shown: "
        "getattr(real, name)"
    ))


def make_fake_points(blank):
    notebook = fill(blank, {name: (
        "\n    print('2 points')\n    display(2.0)\n    get_ipython().displayhook(2.0)"
        + WRONG[name]) for name in POINTS})
    return add_on_top(notebook, (
        "import os\n"
        "os.environ.pop('NBGRADER_EXECUTION')\n"
        "np.testing.assert_allclose = np.allclose = np.array_equal = lambda *a, **k: True\n"
        "import cellkit_course.exercise as e\n"
        "e.Exercise.examine = lambda *a: e.Verdict(e.RIGHT)\n"
        "get_ipython().set_custom_exc((Exception,), lambda *a, **k: print('all well'))"
    ))


def make_copied_cells(blank):
    notebook = fill(blank, RIGHT)
    for grade_id in ("rescale", "rescale-check", "paint_cells-check"):
        cell = cell_of(notebook, grade_id)
        place = notebook.cells.index(cell)
        notebook.cells.insert(place + 1, copy.deepcopy(cell))
    notebook.cells.append(copy.deepcopy(cell_of(notebook, "split_by_well-check")))
    invented = copy.deepcopy(notebook.cells[-1])
    invented.metadata.nbgrader.grade_id = "mine"
    invented.id = "mine"
    notebook.cells.append(invented)
    return notebook


def make_colab(blank):
    """As Colab saves: format 4.0, ids in the metadata, its own metadata, outputs."""
    notebook = fill(blank, RIGHT)
    notebook.nbformat_minor = 0
    notebook.metadata.update(colab={"provenance": [], "toc_visible": True}, accelerator="GPU")
    for k, cell in enumerate(notebook.cells):
        cell.pop("id", None)
        cell.metadata.update(id=f"Xy{k}", colab={"base_uri": "https://localhost:8080/"})
        if cell.cell_type == "code":
            cell.metadata["executionInfo"] = {"status": "ok", "user": {"displayName": "A"}}
            cell.execution_count = k
            cell.outputs = [nbformat.v4.new_output("stream", name="stderr", text="old\n")]
    return notebook


def make_marks_lost(blank):
    notebook = fill(blank, RIGHT)
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)
    return notebook


def make_test_deleted(blank):
    notebook = fill(blank, RIGHT)
    notebook.cells.remove(cell_of(notebook, "rescale-check"))
    return notebook


def make_noisy(blank):
    noise = ("\n    import sys, warnings\n    warnings.warn('careful')"
             "\n    print('line\\n' * 10_000, file=sys.stderr)\n    print('line\\n' * 10_000)")
    return fill(blank, {name: noise + body for name, body in RIGHT.items()})


def make_kernel_killed(blank):
    notebook = fill(blank, RIGHT)
    cell_of(notebook, "split_by_well").source += "\n\nimport os\nos._exit(1)"
    return notebook


MAKERS = {k.removeprefix("make_"): f for k, f in list(globals().items()) if k.startswith("make_")}
ALL, NONE = [2, 2, 4], [0, 0, 0]
EXPECTED = {
    "perfect": ALL, "blank": NONE, "partly_right": [2, 2, 0], "wrong": NONE,
    "syntax_error": [0, 2, 4], "endless_loops": [2, 0, 4], "edited_tests": NONE,
    "edited_tests_right_answers": ALL,
    "replaced_check": NONE, "fake_points": NONE, "copied_cells": ALL, "colab": ALL,
    "marks_lost": ALL, "test_deleted": ALL, "noisy": ALL, "kernel_killed": NONE,
    "no_notebook": NONE, "not_a_notebook": NONE,
}  # fmt: skip


@pytest.fixture(scope="module")
def submitted(course, tmp_path_factory):
    """The class, collected as nbgrader does."""
    folder = tmp_path_factory.mktemp("class") / "submitted"
    for student, make in MAKERS.items():
        place = folder / student / NAME / f"{NAME}.ipynb"
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(make(copy.deepcopy(course[1]))), encoding="utf-8")
    (folder / "no_notebook").mkdir()
    place = folder / "not_a_notebook" / NAME / f"{NAME}.ipynb"
    place.parent.mkdir(parents=True)
    place.write_text('{"cells": [', encoding="utf-8")
    return folder


@pytest.fixture(autouse=True, scope="module")
def environment():
    """Kernels find cellkit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(cellkit.__file__).parent.parent))
        patch.setenv("CELLKIT_CELL_SECONDS", "300")  # however busy the machine
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


def test_class_is_graded_as_it_deserves(
    course, submitted, tmp_path, record_property, monkeypatch
):
    monkeypatch.setenv("CELLKIT_CELL_SECONDS", "20")
    out = tmp_path / "grades"
    grades = grading.grade(NAME, submitted, course[0], out, workers=1)
    got = {g.student: [g.points.get(e, 0) for e in POINTS] for g in grades}
    for student in EXPECTED:
        record_property("grades", f"{student:<27} {got[student]} of {EXPECTED[student]}")
    assert got == EXPECTED
    with (out / f"{NAME}.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert {s: [float(rows[s][e]) for e in POINTS] for s in rows} == EXPECTED
    assert {s: float(r["points"]) for s, r in rows.items()} == {
        s: sum(p) for s, p in EXPECTED.items()}
    told = {s for s, r in rows.items() if r["remark"] != "graded"}
    assert told == {"kernel_killed", "no_notebook", "not_a_notebook"}
    assert not list(out.glob("*.part"))


def test_plain_nbgrader_gives_the_same_points(course, submitted, tmp_path, monkeypatch):
    monkeypatch.setenv("CELLKIT_CELL_SECONDS", "20")
    folder = tmp_path / "course"
    shutil.copytree(course[0], folder)
    shutil.copytree(submitted, folder / "submitted")
    grading.nbgrader(folder, "autograde", NAME, "--create")
    from nbgrader.api import Gradebook, MissingEntry

    got = {}
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        for student in EXPECTED:
            try:
                marks = book.find_submission_notebook(NAME, NAME, student).grades
            except MissingEntry:
                marks = []
            won = {g.cell.name.removesuffix("-check"): g.auto_score or 0 for g in marks}
            got[student] = [won.get(e, 0) for e in POINTS]
    assert got == EXPECTED


@pytest.mark.parametrize("name", ["01_data_and_masks", "02_unet_from_scratch"])
def test_real_lesson_gives_all_points_or_none(name, tmp_path, record_property):
    solved = builder.ROOT / "notebooks" / "solutions" / f"{name}.ipynb"
    grading.assignment(solved, tmp_path / "course")
    for student, notebook in (("perfect", solved), ("blank", solved.parents[1] / solved.name)):
        (tmp_path / "in" / student).mkdir(parents=True)
        shutil.copy(notebook, tmp_path / "in" / student)
    grades = {g.student: g for g in grading.grade(
        name, tmp_path / "in", tmp_path / "course", tmp_path / "out")}
    possible = grading.maximum(solved)
    record_property("grades", f"{name}: perfect {sum(grades['perfect'].points.values()):g}, blank "
                              f"{sum(grades['blank'].points.values()):g} of "
                              f"{sum(possible.values()):g}")
    assert grades["perfect"].points == possible
    assert not any(grades["blank"].points.values())
    assert {g.remark for g in grades.values()} == {"graded"}


# --- the parts ---------------------------------------------------------------------------------


def test_assignment_adds_to_a_course_and_leaves_its_settings(tmp_path, capsys):
    own = tmp_path / "nbgrader_config.py"
    own.write_text("c = get_config()\nc.CourseDirectory.course_id = 'mine'\n", encoding="utf-8")
    solved = builder.ROOT / "notebooks" / "solutions" / "01_data_and_masks.ipynb"
    released = grading.assignment(solved, tmp_path)
    assert "course_id = 'mine'" in own.read_text(encoding="utf-8")
    assert "cellkit_nbgrader.py" in capsys.readouterr().out
    assert (tmp_path / "cellkit_nbgrader.py").exists() and released.exists()
    text = released.read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in text and "HIDDEN" not in text and "/solutions/" not in text


def test_files_are_found_however_they_were_collected(tmp_path):
    for place in ("a/01_mini/01_mini.ipynb", "b/01_mini.ipynb", "c/Copy of 01_mini.ipynb",
                  "d.ipynb", "e/01_mini (1).ipynb", "e/other.ipynb", "f/x.ipynb", "f/y.ipynb"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("{}", encoding="utf-8")
    found = grading.submissions(tmp_path, NAME)
    assert {s: p and p.relative_to(tmp_path).as_posix() for s, p in found.items()} == {
        "a": "a/01_mini/01_mini.ipynb", "b": "b/01_mini.ipynb", "c": "c/Copy of 01_mini.ipynb",
        "d": "d.ipynb", "e": "e/01_mini (1).ipynb", "f": None}
    with pytest.raises(ValueError, match="no folder"):
        grading.submissions(tmp_path / "nowhere", NAME)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no submissions"):
        grading.submissions(tmp_path / "empty", NAME)


@pytest.mark.skipif(not grading.no_network(), reason="this system cannot close the network")
def test_submissions_have_no_network():
    code = ("import socket\n"
            "here = socket.create_server(('127.0.0.1', 0))\n"
            "socket.create_connection(here.getsockname(), 5)\n"
            "try: socket.create_connection(('192.0.2.1', 80), 5)\n"
            "except OSError as error: print(error.strerror)\n")
    command = [*grading.no_network(), sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.strip() == "Network is unreachable", done.stderr


@pytest.mark.skipif(os.name != "posix", reason="no such limits here")
def test_submissions_have_bounded_memory_and_files(tmp_path):
    code = ("import resource as r\n"
            "print(*(r.getrlimit(x)[0] for x in (r.RLIMIT_AS, r.RLIMIT_FSIZE, r.RLIMIT_CORE)))")
    done = subprocess.run([sys.executable, "-c", code], preexec_fn=grading.limit,
                          capture_output=True, text=True)
    memory, file, core = map(int, done.stdout.split())
    assert 0 < memory <= grading.MEMORY * 2**30 and 0 < file <= grading.FILE * 2**20 and core == 0


def test_a_submission_that_takes_too_long_is_stopped_whole(tmp_path, monkeypatch):
    (tmp_path / "course").mkdir()
    monkeypatch.setattr(grading, "no_network", lambda: (
        sys.executable, "-c", "import os, time\nos.fork()\ntime.sleep(600)"))
    said, late = grading.isolated(tmp_path, NAME, seconds=1.5)
    assert late
    alive = subprocess.run(["pgrep", "-f", "os.fork.*sleep.600"], capture_output=True, text=True)
    assert not alive.stdout


@pytest.mark.parametrize("arguments, said", [
    (["assignment", "99"], "no lesson '99'"),
    (["grade", "01"], "SUBMITTED="),
])
def test_command_line_says_what_is_missing(arguments, said, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["grading.py", *arguments, "--course", str(tmp_path / "c")])
    with pytest.raises(SystemExit, match=said):
        grading.main()
    assert not (tmp_path / "c").exists()
