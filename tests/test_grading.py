"""A class of submissions, well-meant and not, graded by `make grade` and by plain nbgrader."""

from __future__ import annotations

import copy
import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

import cellkit
from tools import builder
from tools.grading import __main__ as command
from tools.grading import books, collect, handout, sandbox
from tools.grading import grade as grades_
from tools.grading.feedback import feedback

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
    notebook = nbformat.reads(builder.build(source, root)[solved], as_version=4)
    for cell in notebook.cells:  # this lesson is in no course
        cell.source = cell.source.replace('lesson = ck.lesson.setup("01_mini")', "")
    nbformat.write(notebook, solved)
    released = handout.assignment(solved, root / "course")
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
        "from cellkit_course import checking\n"
        "real = {e.name: e.answer for e in checking.exercises()}\n"
        "ck.lesson.check = checking.check = lambda name, answer, *shown: real[name]"
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
    quiet = noise.replace("warnings.warn('careful')", "pass")  # rescale's task forbids warnings
    return fill(blank, {name: (quiet if name == "rescale" else noise) + body
                        for name, body in RIGHT.items()})


def make_setup_broken(blank):
    """Drive mounted inside the set-up cell, which nbgrader puts back as it was."""
    notebook = fill(blank, RIGHT)
    cell = next(c for c in notebook.cells if "import cellkit as ck" in c.source)
    cell.source = "from google.colab import drive\ndrive.mount('/content/drive')\n" + cell.source
    return notebook


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
    "setup_broken": ALL, "no_notebook": NONE, "not_a_notebook": NONE,
}  # fmt: skip

#: Those that plain nbgrader grades, too: one of each kind of thing that only its rules could miss.
PLAIN = ("perfect", "partly_right", "edited_tests", "fake_points", "copied_cells", "marks_lost",
         "setup_broken", "kernel_killed", "not_a_notebook")


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
    book = books.Book(out / f"{NAME}.csv", POINTS)
    # One may wait for endless loops to be stopped while the other goes on.
    grades = grades_.grade(NAME, submitted, course[0], out, workers=2, each=book.add)
    got = {g.student: [g.points.get(e, 0) for e in POINTS] for g in grades}
    for student in EXPECTED:
        record_property("grades", f"{student:<27} {got[student]} of {EXPECTED[student]}")
    assert got == EXPECTED
    with (out / f"{NAME}.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert {s: [float(rows[s][e]) for e in POINTS] for s in rows} == EXPECTED
    assert {s: float(r["points"]) for s, r in rows.items()} == {
        s: sum(p) for s, p in EXPECTED.items()}
    told = {s: r["remark"] for s, r in rows.items() if r["remark"] != "graded"}
    assert told.pop("kernel_killed").startswith("the kernel died in a cell")
    assert told.pop("no_notebook") == "no notebook: not graded"
    assert told.pop("not_a_notebook") == "no notebook: cut off or no json: not graded"
    assert told.pop("endless_loops") == "graded; at least one cell never ended and was stopped"
    assert not told
    assert not list(out.glob("*.part"))
    pages = {page.stem: page.read_text(encoding="utf-8") for page in feedback(out, NAME)}
    assert set(pages) == set(EXPECTED) - {"kernel_killed", "no_notebook", "not_a_notebook"}
    assert "HIDDEN" not in "".join(pages.values())
    assert "8.0 of 8 points" in pages["perfect"] and "of 8 points" in pages["blank"]


def test_plain_nbgrader_gives_the_same_points(course, submitted, tmp_path, monkeypatch):
    monkeypatch.setenv("CELLKIT_CELL_SECONDS", "20")
    folder = tmp_path / "course"
    shutil.copytree(course[0], folder)
    for student in PLAIN:
        shutil.copytree(submitted / student, folder / "submitted" / student)
    handout.nbgrader(folder, "autograde", NAME, "--create")
    from nbgrader.api import Gradebook, MissingEntry

    got = {}
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        for student in PLAIN:
            try:
                marks = book.find_submission_notebook(NAME, NAME, student).grades
            except MissingEntry:
                marks = []
            won = {g.cell.name.removesuffix("-check"): g.auto_score or 0 for g in marks}
            got[student] = [won.get(e, 0) for e in POINTS]
    assert got == {student: EXPECTED[student] for student in PLAIN}


@pytest.mark.parametrize("name", ["01_data_and_masks", "02_unet_from_scratch"])
def test_real_lesson_gives_all_points_or_none(name, tmp_path, record_property):
    solved = builder.ROOT / "notebooks" / "solutions" / f"{name}.ipynb"
    handout.assignment(solved, tmp_path / "course")
    for student, notebook in (("perfect", solved), ("blank", solved.parents[1] / solved.name)):
        (tmp_path / "in" / student).mkdir(parents=True)
        shutil.copy(notebook, tmp_path / "in" / student)
    grades = {g.student: g for g in grades_.grade(
        name, tmp_path / "in", tmp_path / "course", tmp_path / "out")}
    possible = handout.maximum(solved)
    record_property("grades", f"{name}: perfect {sum(grades['perfect'].points.values()):g}, blank "
                              f"{sum(grades['blank'].points.values()):g} of "
                              f"{sum(possible.values()):g}")
    assert grades["perfect"].points == possible
    assert not any(grades["blank"].points.values())
    assert {g.remark for g in grades.values()} == {"graded"}


# --- the parts ---------------------------------------------------------------------------------


def test_assignment_adds_to_a_course_and_leaves_what_an_instructor_set(tmp_path, capsys):
    own = tmp_path / "nbgrader_config.py"
    own.write_text("c = get_config()\nc.CourseDirectory.course_id = 'mine'\n", encoding="utf-8")
    solved = builder.ROOT / "notebooks" / "solutions" / "01_data_and_masks.ipynb"
    released = handout.assignment(solved, tmp_path)
    assert "course_id = 'mine'" in own.read_text(encoding="utf-8")
    assert "cellkit_nbgrader.py" in capsys.readouterr().out
    assert (tmp_path / "cellkit_nbgrader.py").exists() and released.exists()
    text = released.read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in text and "HIDDEN" not in text and "/solutions/" not in text
    source = tmp_path / "source" / solved.stem / solved.name
    notebook = nbformat.read(source, as_version=4)
    cell_of(notebook, "rescale-check").metadata.nbgrader.points = 7
    nbformat.write(notebook, source)
    handout.assignment(solved, tmp_path)
    assert handout.maximum(source)["rescale"] == 7
    assert "rescale: 7 points, as you set them" in capsys.readouterr().out


def put(folder, place, answers=None, blank=None):
    """A small notebook: nothing in it, or an exercise that is filled in, or not."""
    cells = [] if answers is None else [{
        "cell_type": "code", "source": answers, "outputs": [], "execution_count": None,
        "metadata": {"nbgrader": {"solution": True, "grade_id": "dice"}}}]
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_text(json.dumps({"cells": cells}), encoding="utf-8")


def test_files_are_found_however_they_were_collected(tmp_path):
    for place in ("a/01_mini/01_mini.ipynb", "b/01_mini.ipynb", "c/Copy of 01_mini.ipynb",
                  "d.ipynb", "e/01_mini (1).ipynb", "e/other.ipynb", "g/01_mini.IPYNB"):
        put(tmp_path, place)
    (tmp_path / "f").mkdir()
    found = collect.submissions(tmp_path, NAME)
    assert {s.student: s.notebook and s.notebook.relative_to(tmp_path).as_posix()
            for s in found} == {
        "a": "a/01_mini/01_mini.ipynb", "b": "b/01_mini.ipynb", "c": "c/Copy of 01_mini.ipynb",
        "d": "d.ipynb", "e": "e/01_mini (1).ipynb", "f": None, "g": "g/01_mini.IPYNB"}
    with pytest.raises(ValueError, match="no folder"):
        collect.submissions(tmp_path / "nowhere", NAME)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no submissions"):
        collect.submissions(tmp_path / "empty", NAME)


def test_of_several_notebooks_the_filled_one_counts(tmp_path):
    put(tmp_path, "anna/01_mini.ipynb", "def f():\n    raise NotImplementedError()")
    put(tmp_path, "anna/01_mini (2).ipynb", "def f():\n    return 1")
    put(tmp_path, "ben/01_mini.ipynb", "def f():\n    return 1")
    put(tmp_path, "ben/01_mini (1).ipynb", "def f():\n    return 2")
    os.utime(tmp_path / "ben/01_mini.ipynb", (1, 1))
    anna, ben = collect.submissions(tmp_path, NAME)
    assert anna.notebook.name == "01_mini (2).ipynb" and "the only one filled in" in anna.remark
    assert ben.notebook.name == "01_mini (1).ipynb" and "the newest" in ben.remark


def test_students_are_told_apart(tmp_path):
    put(tmp_path, "anna/01_mini.ipynb")
    put(tmp_path, "anna.ipynb")
    for name in ("zoe\u0308", "zo\u00eb"):  # look the same
        put(tmp_path, f"{name}/01_mini.ipynb")
    found = collect.submissions(tmp_path, NAME)
    assert [s.student for s in found] == ["anna", "anna (2)", "zo\u00eb", "zo\u00eb (2)"]
    assert all("another submission bears the name" in s.remark for s in found[1::2])


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names are text there")
def test_a_name_that_is_no_text_costs_nobody_a_grade(tmp_path):
    put(tmp_path, os.fsdecode(b"J\xfcrgen") + "/01_mini.ipynb")
    found, = collect.submissions(tmp_path, NAME)
    book = books.Book(tmp_path / "x.csv", POINTS)
    book.add(grades_.Grade(found.student, points={"rescale": 2.0}))
    assert books.read(tmp_path / "x.csv")[0]["student"] == "J\ufffdrgen"


@pytest.mark.parametrize("data, words", [
    (b"", "an empty file"), (b"<!DOCTYPE html>", "a web page"), (b"PK\3\4", "a zip archive"),
    (b'{"cells": [', "cut off or no json"), (b"[]", "json without cells"),
])
def test_what_is_no_notebook_is_named(data, words, tmp_path):
    (tmp_path / "x.ipynb").write_bytes(data)
    with pytest.raises(ValueError, match=f"no notebook: {words}"):
        collect.read(tmp_path / "x.ipynb")


def test_a_byte_order_mark_is_no_fault(tmp_path):
    (tmp_path / "x.ipynb").write_bytes(b"\xef\xbb\xbf" + b'{"cells": []}')
    assert collect.read(tmp_path / "x.ipynb") == {"cells": []}


def test_rows_are_written_as_they_come_and_hold_no_formula(tmp_path):
    file = tmp_path / "x.csv"
    book = books.Book(file, POINTS)
    for student in ("=cmd|' /C calc'!A0", "+1", "@x", "plain"):
        book.add(grades_.Grade(student, points={"rescale": 2.0}, remark="-1"))
        assert books.read(file)[-1]["points"] == "2.0"
    assert all(row["student"][0] in "'p" and row["remark"] == "'-1" for row in books.read(file))


@pytest.mark.skipif(not shutil.which("setpriv"), reason="no way to give up root's rights")
def test_an_ordinary_user_grades_twice(tmp_path):
    """nbgrader leaves what its owner may not write; root may, so it steps down for this."""
    code = f"""
import os, shutil
from pathlib import Path
from tools.grading.grade import _unlock, put
home = Path({str(tmp_path)!r})
for run in range(2):
    made = home / "made" / "x.ipynb"
    made.parent.mkdir()
    made.write_text(str(run))
    made.chmod(0o444)
    made.parent.chmod(0o555)
    put(made, home / "kept.ipynb")
    assert (home / "kept.ipynb").read_text() == str(run)
    shutil.rmtree(made.parent, onerror=_unlock)
(home / "locked").touch(0o444)
try:
    (home / "locked").write_text("")
except PermissionError:
    print("an ordinary user")
"""
    alone = ["setpriv", "--bounding-set=-all"] if os.geteuid() == 0 else []
    done = subprocess.run([*alone, sys.executable, "-c", code], capture_output=True, text=True,
                          cwd=builder.ROOT)
    assert done.stdout.strip() == "an ordinary user", done.stderr


def test_one_student_or_one_exercise_again_leaves_the_rest(tmp_path):
    file = tmp_path / "x.csv"
    for student in "ab":
        books.Book(file, POINTS).add(grades_.Grade(student, points=dict.fromkeys(POINTS, 1.0)))
    again = books.Book(file, POINTS, ("rescale",))
    again.add(grades_.Grade("a", points={"rescale": 2.0, "paint_cells": 0.0}))
    a, b = books.read(file)
    assert (a["paint_cells"], a["rescale"], a["points"]) == ("1.0", "2.0", "4.0")
    assert b["points"] == "3.0"
    with pytest.raises(ValueError, match="no exercise dice; this lesson has paint_cells"):
        books.Book(file, POINTS, ("dice",))


def test_late_work_and_what_moodle_and_canvas_import(tmp_path):
    file, due = tmp_path / f"{NAME}.csv", books.when("2026-12-01T18:00")
    book = books.Book(file, POINTS, due=due, penalty=10)
    for student, hours in (("a", -1), ("b", 30)):
        book.add(grades_.Grade(student, points=dict.fromkeys(POINTS, 2.0),
                               handed_in=due.timestamp() + 3600 * hours))
    a, b = books.read(file)
    assert (a["hours late"], a["points after lateness"]) == ("0.0", "6.0")
    assert (b["hours late"], b["points after lateness"]) == ("30.0", "4.8")  # two days begun
    moodle = books.read(books.export(file, "moodle", NAME))
    assert moodle == [{"Username": "a", NAME: "6.0"}, {"Username": "b", NAME: "4.8"}]
    canvas = books.read(books.export(file, "canvas", NAME))
    assert canvas[0]["Student"].strip() == "Points Possible" and float(canvas[0][NAME]) == 8
    assert canvas[2]["SIS Login ID"] == "b" and canvas[2][NAME] == "4.8"
    with pytest.raises(ValueError, match="the deadline is 'tomorrow', expected e.g. 2026"):
        books.when("tomorrow")


@pytest.mark.parametrize("ended, words", [
    (sandbox.Ended("", 0, True), "stopped after 20 minutes"),
    (sandbox.Ended("", -9, False), "killed by the system .* memory"),
    (sandbox.Ended("nbclient.exceptions.DeadKernelError: Kernel died", 1, False), "kernel died"),
    (sandbox.Ended("RuntimeError: Timeout waiting for IOPub output", 1, False), "interrupted"),
    (sandbox.Ended("what?", 3, False), "status 3"),
])
def test_each_cause_has_its_words(ended, words):
    assert re.search(words, grades_.why(ended, 20))


def test_names_that_a_cell_makes_and_uses():
    names, modules = load_rules()["names"], {"ck", "np"}
    makes, uses, anew = names("net = ck.UNet()\nrows.append(net)\nck.fit(other, x)", modules)
    assert makes == {"net", "rows", "other"} and anew == {"net"}
    assert {"ck", "rows", "other", "x"} <= uses and "net" not in uses
    loop = "%matplotlib\nfor a in b:\n    c[a] = 1"
    assert names(loop, modules) == ({"a", "c"}, {"b", "c"}, set())
    # A function's own names, and a comprehension's, are not the notebook's.
    assert names("def f(a, k=d):\n    rows = [x for x in a]\n    rows.append(e)\n    return rows",
                 modules) == ({"f"}, {"d", "e"}, {"f"})
    assert names("n += 1\nx, (y, *z), w[0] = n", modules)[1:] == ({"n", "w"}, {"x", "y", "z"})


def test_cells_that_no_exercise_needs_are_not_run(tmp_path, monkeypatch):
    """Nor does a network in evaluation mode, ``net.eval()``, run all of them."""
    monkeypatch.chdir(tmp_path)
    rules, ran = load_rules(), {}
    for solved in sorted((builder.ROOT / "notebooks" / "solutions").glob("*.ipynb")):
        handed_out = solved.parents[1] / solved.name
        handout.write(tmp_path / "cellkit_plain_cells.json", handout.plain_cells(handed_out))
        notebook, _ = rules["SkipWhatNoExerciseNeeds"]().preprocess(
            nbformat.read(solved, as_version=4), {})
        ran[solved.stem] = [
            cell.source for cell in notebook.cells
            if cell.cell_type == "code" and "nbgrader" not in cell.metadata
            and "skip-execution" not in cell.metadata.get("tags", ())]
    assert len(ran) == 8
    for lesson, cells in ran.items():
        trains = re.search(r"\bck\.(fit|predict|detect)\(", "\n".join(cells))
        # Lesson 3 shows a guess beside what its networks score.
        assert len(cells) <= 7 and bool(trains) == (lesson == "03_augmentation"), (lesson, cells)


def load_rules():
    """What nbgrader_config.py defines."""
    from traitlets.config import Config

    found = {"get_config": Config}
    exec(handout.CONFIG.read_text(encoding="utf-8"), found)
    return found


@pytest.mark.skipif(not sandbox.no_network(), reason="this system cannot close the network")
def test_submissions_have_no_network():
    code = ("import socket\n"
            "here = socket.create_server(('127.0.0.1', 0))\n"
            "socket.create_connection(here.getsockname(), 5)\n"
            "try: socket.create_connection(('192.0.2.1', 80), 5)\n"
            "except OSError as error: print(error.strerror)\n")
    command = [*sandbox.apart(), sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.strip() == "Network is unreachable", done.stderr


@pytest.mark.skipif(os.name != "posix", reason="no such limits here")
def test_submissions_have_bounded_memory_and_files(tmp_path):
    code = ("import resource as r\n"
            "print(*(r.getrlimit(x)[0] for x in (r.RLIMIT_AS, r.RLIMIT_FSIZE, r.RLIMIT_CORE)))")
    done = subprocess.run([sys.executable, "-c", code], preexec_fn=sandbox.limit,
                          capture_output=True, text=True)
    memory, file, core = map(int, done.stdout.split())
    assert 0 < memory <= sandbox.MEMORY * 2**30 and 0 < file <= sandbox.FILE * 2**20 and core == 0


def test_a_submission_that_takes_too_long_is_stopped_whole(tmp_path, monkeypatch):
    (tmp_path / "course").mkdir()
    monkeypatch.setattr(sandbox, "apart", lambda hidden: (
        sys.executable, "-c", "import os, time\nos.fork()\ntime.sleep(600)"))
    assert sandbox.isolated(tmp_path, NAME, seconds=1.5).late
    alive = subprocess.run(["pgrep", "-f", "os.fork.*sleep.600"], capture_output=True, text=True)
    assert not alive.stdout


@pytest.mark.skipif(not sandbox.can_hide(), reason="this system cannot hide a folder")
def test_the_course_cannot_be_read_from_inside(tmp_path):
    secret = tmp_path / "course" / "answers.txt"
    secret.parent.mkdir()
    secret.write_text("42", encoding="utf-8")
    code = f"import os; print(os.path.exists({str(secret)!r}))"
    grades = secret.parent / "grades"  # where `make grade` puts them
    grades.mkdir()
    for hidden, seen in (((), "True"), ((secret.parent,), "False"),
                         ((grades, secret.parent, grades), "False")):
        done = subprocess.run([*sandbox.apart(hidden), sys.executable, "-c", code],
                              capture_output=True, text=True)
        assert done.stdout.strip() == seen, done.stderr
    assert secret.read_text(encoding="utf-8") == "42"


@pytest.mark.parametrize("arguments, said", [
    (["assignment", "99"], "no lesson '99'"),
    (["grade", "01"], "SUBMITTED="),
])
def test_command_line_says_what_is_missing(arguments, said, tmp_path):
    with pytest.raises(SystemExit, match=said):
        command.main([*arguments, "--course", str(tmp_path / "c")])
    assert not (tmp_path / "c").exists()


def test_schedules_are_those_of_the_lessons():
    from tools import schedule

    assert schedule.FILE.read_text(encoding="utf-8") == schedule.text(), (
        "run: python -m tools.schedule")


def test_slides_come_from_the_lessons_and_need_no_network(tmp_path):
    from tools import slides

    for source in builder.sources():
        page = slides.deck(source)
        sections = [cell.source for cell in builder.read(source) if cell.kind == "markdown"]
        headings = re.findall(r"^## (.+)$", "\n".join(sections), re.M)
        assert page.count("<section>") >= headings.index("Recap")
        assert "http" not in re.sub(r"<code>.*?</code>", "", page).replace("https://doi", "")
        assert "SOLUTION" not in page and "HIDDEN" not in page and 'kind">exercise' in page
    with pytest.raises(SystemExit, match="no lesson '99'"):
        slides.main(["99", "--out", str(tmp_path)])


def test_partial_credit_is_half_the_points_at_most_and_only_if_asked():
    def cell(name, *outputs):
        return nbformat.from_dict({"metadata": {"nbgrader": {"grade_id": f"{name}-check"}},
                                   "outputs": outputs})

    def wrong(right, of, name="NotRight"):
        return {"output_type": "error", "ename": name,
                "evalue": f"x: wrong. Right on {right} of {of} cases."}

    notebook = nbformat.from_dict({"cells": [
        cell("paint_cells", wrong(3, 4)), cell("rescale"),
        cell("split_by_well", wrong(4, 4, "AssertionError"))]})
    points = {"paint_cells": 0.0, "rescale": 2.0, "split_by_well": 0.0}
    grades_.add_part(points, notebook, POINTS)
    assert points == {"paint_cells": 0.75, "rescale": 2.0, "split_by_well": 0.0}
    from cellkit_course.checking import NotRight, grade

    with pytest.raises(NotRight, match=r"Right on \d+ of \d+ cases"):
        grade("rescale", lambda image, low=1, high=99.8: (image / 255).clip(0, 1))


def test_an_exercise_beside_the_notebook_is_checked_like_the_others(tmp_path, monkeypatch, capsys):
    from cellkit_course import check
    from cellkit_course.exercises import OWN, find

    (tmp_path / OWN).write_text(
        "from cellkit_course.exercise import Case, Exercise\n"
        "def double(x):\n    return 2 * x\n"
        "EXERCISES = [Exercise('double', 'mine', 'write', 1, 2, double,\n"
        "                      lambda: [Case('', 'three', (3,))])]\n", encoding="utf-8")
    monkeypatch.setenv("CELLKIT_PROGRESS", str(tmp_path / "progress.json"))
    with pytest.raises(ValueError, match="no exercise 'double'"):
        find("double")
    monkeypatch.chdir(tmp_path)
    assert check("double", lambda x: x + x)(3) == 6 and "double: right" in capsys.readouterr().out
    check("double", lambda x: x + 2)
    assert "double: wrong" in capsys.readouterr().out
    (tmp_path / OWN).write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="has no list EXERCISES"):
        find("double")
