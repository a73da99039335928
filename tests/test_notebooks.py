"""The notebooks are what their sources say, run to their end, and keep the rules for lessons."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import lesson_linter
import nbformat
import pytest
from nbval_run import nbval

import cellkit
from tools import address, budget, builder, prose, run_lesson

ROOT = builder.ROOT
NOTEBOOKS = [path for source in builder.sources() for path in builder.build(source)]

HOME = "/" + "home/me"  # planted, in two pieces: nothing in the repository names a path
LESSON = '''\
# %% [markdown]
# # 99 · A lesson for the tests
#
# ## What you will be able to do
#
# - say one
# - say two
# - say three
#
# **Minutes:** 1

# %% setup
import numpy as np

# %% [markdown] exercise="twice"
# ### Exercise: twice (2 points)
# See [the data](../data/README.md) and [this lesson](99_fake.ipynb).

# %% solution="twice"
def twice(x):
    """Two times x."""
    # BEGIN SOLUTION
    return 2 * x
    # END SOLUTION

# %% check="twice" points=2
answer = twice
# BEGIN HIDDEN TESTS
assert answer(21) == 42
# END HIDDEN TESTS

# %%
total = np.arange(4).sum()
print(f"the sum is {total}")
print("done")
# expect: the sum is 6
# expect: done

# %% [markdown]
# ## Recap
#
# - say one
# - say two
# - say three
'''
RECAP = "# %% [markdown]\n# ## Recap"


@pytest.fixture
def repo(tmp_path):
    """A repository with one lesson, and what its notebooks link to."""
    for folder in ("notebooks/source", "data"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "data" / "README.md").write_text("data", encoding="utf-8")
    write(tmp_path, LESSON)
    return tmp_path


def write(repo, text):
    """Write the lesson's source and both its notebooks, as the builder makes them."""
    source = repo / "notebooks" / "source" / "99_fake.py"
    source.write_text(text, encoding="utf-8", newline="\n")
    built = builder.build(source, repo)
    for path, content in built.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode())
    return [nbformat.reads(content, as_version=4) for content in built.values()]


def cells(notebook):
    """grade_id or, for other cells, their kind → source."""
    return {c.metadata.get("nbgrader", {}).get("grade_id", c.id): c for c in notebook.cells}


# --- what is in the repository ------------------------------------------------------------------


def test_notebooks_and_readme_are_what_their_sources_say():
    assert builder.stale() == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_lesson_keeps_the_rules(path):
    assert lesson_linter.lint(path) == []


@pytest.mark.parametrize("source", builder.sources(), ids=lambda p: p.stem)
def test_lesson_ends_on_time(source):
    """90 minutes, 180 open lines, half of the cells of at most 6; see tools/budget.py."""
    cells = builder.read(source)
    assert "{minutes}" in cells[1].source + cells[0].source, "its head does not say its minutes"
    found = budget.sections(cells, source.stem)
    assert budget.problems(found) == []
    lost = set(budget.seconds().get(source.stem, {})) - {section.title for section in found}
    assert not lost, f"measured seconds of sections that are gone: {lost}; measure again"
    assert sum(section.seconds for section in found) > 0, "its computing was never measured"


def test_a_term_is_defined_once_and_before_it_is_linked():
    defined = {}
    for source in builder.sources():
        for cell in builder.read(source):
            if cell.kind != "markdown":
                continue
            for words, kind, slug, _ in prose.LINK.findall(cell.source):
                where = f"{source.stem}: {words}"
                if kind == "define":
                    assert slug not in defined, f"{where} is defined in {defined[slug]} already"
                    defined[slug] = where
                elif kind == "term":
                    assert slug in defined, f"{where} is linked before it is defined"


def test_exercises_have_one_name_in_the_whole_course():
    names = [c.name for s in builder.sources() for c in builder.read(s) if c.mark == "solution"]
    assert sorted(names) == sorted(set(names))


def run(path, folder, strict, **more):
    """Run a copy of a notebook under nbval."""
    copy = Path(shutil.copy(path, folder))
    package = str(Path(cellkit.__file__).parent.parent)
    return nbval(sys.executable, copy, strict, OMP_NUM_THREADS="1", PYTHONPATH=package, **more)


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.parent.name != "solutions"],
                         ids=lambda path: path.stem)
def test_student_notebook_runs(path, tmp_path, record_property):
    """With its blanks; the solved ones run in test_lessons_live.py."""
    passed, printed, seconds = run(path, tmp_path, strict=False)
    record_property("seconds", f"student {path.stem:<24} {seconds:6.1f} s")
    print(printed)  # pytest shows it where the test fails
    assert passed, f"{path.name} did not run to its end"


# --- the builder --------------------------------------------------------------------------------


def test_student_gets_stubs_and_no_hidden_tests(repo):
    student, solved = write(repo, LESSON)
    blank = cells(student)["twice"].source
    assert blank == (
        'def twice(x):\n    """Two times x."""\n    # YOUR CODE HERE\n'
        "    raise NotImplementedError()"
    )
    assert cells(student)["twice-check"].source == "answer = twice"
    assert "return 2 * x" in cells(solved)["twice"].source
    assert "assert answer(21) == 42" in cells(solved)["twice-check"].source
    assert not any(c.get("outputs") or c.get("execution_count") for c in student.cells)


def test_nbgrader_itself_makes_the_student_notebook_from_the_solved_one():
    clear = pytest.importorskip("nbgrader.preprocessors")
    for source in builder.sources():
        student, solved = (nbformat.reads(t, as_version=4) for t in builder.build(source).values())
        for step in (clear.ClearSolutions(), clear.ClearHiddenTests()):
            solved, _ = step.preprocess(solved, {})
        for ours, theirs in zip(student.cells, solved.cells, strict=True):
            if ours.cell_type == "code":
                assert ours.source.rstrip() == theirs.source.rstrip()
            assert ours.metadata.get("nbgrader") == theirs.metadata.get("nbgrader")


def test_nbgrader_metadata(repo):
    for notebook in write(repo, LESSON):
        made = {name: c.metadata.get("nbgrader") for name, c in cells(notebook).items()}
        common = {"schema_version": 3, "task": False}
        assert made["twice-exercise"] == {
            **common, "grade": False, "solution": False, "locked": True,
            "grade_id": "twice-exercise",
        }  # fmt: skip
        assert made["twice"] == {
            **common, "grade": False, "solution": True, "locked": False, "grade_id": "twice",
        }  # fmt: skip
        assert made["twice-check"] == {
            **common, "grade": True, "solution": False, "locked": True, "points": 2,
            "grade_id": "twice-check",
        }  # fmt: skip


def test_same_source_same_bytes_and_one_edit_moves_one_id(repo):
    source = repo / "notebooks" / "source" / "99_fake.py"
    first, again = builder.build(source, repo), builder.build(source, repo)
    assert first == again
    for text in first.values():
        assert "\r" not in text and text.endswith("}\n") and json.loads(text)["nbformat_minor"] == 5
    before = [c.id for c in write(repo, LESSON)[1].cells]
    longer = LESSON.replace("# %% setup", "# %%\n1 + 1\n\n# %% setup")
    after = [c.id for c in write(repo, longer)[1].cells]
    assert len(set(after)) == len(after) == len(before) + 1
    assert set(before) < set(after)


def test_two_equal_cells_have_two_ids(repo):
    twice = LESSON.replace(RECAP, f"# %%\n1\n\n# %%\n1\n\n{RECAP}")
    ids = [c.id for c in write(repo, twice)[0].cells]
    assert len(ids) == len(set(ids))


def test_stale_names_what_differs(repo, monkeypatch):
    assert builder.stale(repo) == []
    student = repo / "notebooks" / "99_fake.ipynb"
    student.write_bytes(student.read_bytes().replace(b"Two times", b"Three times"))
    (repo / "notebooks" / "08_gone.ipynb").write_text("{}", encoding="utf-8")
    found = builder.stale(repo)
    assert [line.split()[0] for line in found] == [
        "notebooks/99_fake.ipynb", "notebooks/08_gone.ipynb",
    ]  # fmt: skip


def test_readme_lists_the_lessons_that_exist(repo):
    readme = repo / "README.md"
    readme.write_text("Before\n<!-- lessons: built -->\n<!-- end -->\nAfter\n", encoding="utf-8")
    assert builder.stale(repo) == ["README.md differs from its source; run: make notebooks"]
    text = dict(builder.everything(repo))[readme]
    assert "| [**99 · A lesson for the tests**](notebooks/99_fake.ipynb)<br> | 1 | [![Open" in text
    assert "The badges do not work yet" in text
    assert text.startswith("Before\n") and text.endswith("<!-- end -->\nAfter\n")
    readme.write_text(text, encoding="utf-8", newline="\n")
    assert builder.stale(repo) == []


def test_links_are_seen_from_where_the_notebook_lies(repo):
    student, solved = write(repo, LESSON)
    assert "(../data/README.md)" in cells(student)["twice-exercise"].source
    assert "(../../data/README.md)" in cells(solved)["twice-exercise"].source
    assert "(99_fake.ipynb)" in cells(solved)["twice-exercise"].source


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("    # END SOLUTION\n", "", "without # END SOLUTION"),
        ("    # BEGIN SOLUTION", "    ## BEGIN SOLUTION", "one hash"),
        ("    # BEGIN SOLUTION", "# BEGIN SOLUTION", "one hash each, at one indentation"),
        ('def twice(x):\n    """Two times x."""\n    # BEGIN', "# BEGIN", "BEGIN SOLUTION"),
        ("# END HIDDEN TESTS", "# END TESTS", "without # END HIDDEN TESTS"),
        ('check="twice" points=2', 'check="twice"', "no points"),
        ('check="twice" points=2', 'check="twice" point=2', "no points"),
        ('solution="twice"', 'solution="thrice"', "a name of its own"),
        ('[markdown] exercise="twice"', 'exercise="twice"', "expected a name"),
        ("# %% setup", "# %% set-up", "expected"),
        ("# %% setup", "# %%", "exactly one"),
        ("# # 99 · A", "# 99 · A", "first cell"),
        ("# expect: done", "# expect: done\nprint(1)", "close the cell"),
        ("# %%\ntotal", "# %% colour=1\ntotal", "unknown colour"),
        ("total = np", "# BEGIN HIDDEN TESTS\n# END HIDDEN TESTS\ntotal = np", "does not belong"),
    ],
)
def test_a_wrong_source_is_refused_in_one_sentence(repo, before, after, says):
    assert before in LESSON
    with pytest.raises(ValueError, match=re.escape(says)) as error:
        write(repo, LESSON.replace(before, after))
    assert "\n" not in str(error.value) and "99_fake.py" in str(error.value)


# --- time, terms, questions, folded code ---------------------------------------------------------

LONGER = LESSON.replace("# **Minutes:** 1", "# {minutes}").replace(RECAP, """\
# %% [markdown]
# ## 1. Sums
#
# A [sum](define:sum "S | np.sum") adds up. See [](paper:unet), and [sums](term:sum) again.

# %% fold="A drawing"
ck.show.bars({"a": total}, alt="One bar of height six.")

# %% [markdown] tags=["question"]
# What is `1 + 1`?
# - [ ] One — that is *one* of them,
#   not both.
# - [x] Two — one and one.

# %% [markdown]
# ## Going further
#
# A thousand words.

# %% [markdown]
# ## Recap""")


def test_minutes_are_added_up_from_the_source(repo):
    source = repo / "notebooks" / "source" / "99_fake.py"
    write(repo, LONGER)
    text = LONGER.replace("(2 points)", "(2 points, 10 minutes)")
    student, _ = write(repo, text)
    found = budget.sections(builder.read(source), source.stem)
    assert [section.title for section in found] == [
        "start", "What you will be able to do", "1. Sums"]
    asked, sums = found[1], found[2]
    assert asked.guessed == 10 and asked.parts["exercises"] == 20
    assert asked.cells == [3] and asked.parts["code"] == pytest.approx(0.3)
    assert sums.figures == 1 and sums.cells == [] and 20 < sums.words < 35
    head = student.cells[0].source
    assert f"**Minutes:** {budget.total(found):.0f}: reading" in head
    assert "**By section:** 1. Sums 1." in head
    assert "(2 points, 20 minutes)" in cells(student)["twice-exercise"].source
    assert "91 minutes, at most 90" in budget.problems([budget.Section("x", words=150 * 91)])[0]


def test_terms_papers_and_questions_become_what_any_notebook_shows(repo):
    student, solved = write(repo, LONGER)
    text = "\n".join(cell.source for cell in student.cells)
    assert '<a id="sum"></a>**sum** adds up' in text
    assert "[sums](../docs/glossary.md#sum)" in text
    assert "(../../docs/glossary.md#sum)" in "\n".join(cell.source for cell in solved.cells)
    assert "[Ronneberger, Fischer and Brox](https://arxiv.org/abs/1505.04597)" in text
    assert ("**Question.** What is `1 + 1`?\n\n<details><summary>One</summary><p><b>No.</b> That "
            "is <i>one</i> of them, not both.</p></details>\n<details><summary>Two</s") in text
    page = builder.glossary(repo)
    assert '| <a id="sum"></a>**sum** | S | A **sum** adds up. | `np.sum` | [99]' in page


def test_folded_code_is_hidden_everywhere_and_still_there(repo):
    student, _ = write(repo, LONGER)
    (cell,) = (c for c in student.cells if c.source.startswith("# @title A drawing\nck.show"))
    assert cell.metadata.jupyter.source_hidden and cell.metadata.cellView == "form"


@pytest.mark.parametrize(("before", "after", "says"), [
    ("- [x] Two", "- [ ] Two", "0 of them right"),
    (" — one and one", "", "expected"),
    ("(paper:unet)", "(paper:nowhere)", "literature.py"),
    ('fold="A drawing"', "fold=1", "fold belongs"),
])  # fmt: skip
def test_wrong_prose_is_refused_in_one_sentence(repo, before, after, says):
    assert before in LONGER
    with pytest.raises(ValueError, match=re.escape(says)) as error:
        write(repo, LONGER.replace(before, after))
    assert "99_fake.py" in str(error.value)


@pytest.mark.parametrize(("rule", "code"), [
    ("names", "total = 'another thing'"),
    ("wording", "# %% [markdown]\n# One of our papers says so."),
    ("questions", "# %% [markdown]\n# <details><summary>No</summary>question</details>"),
])  # fmt: skip
def test_linter_finds_what_a_budgeted_lesson_must_not_hold(repo, rule, code):
    ask = "# %% [markdown] tags=[\"question\"]\n# Why so?\n# - [x] So — it is so.\n" \
          "# - [ ] Not — it is so indeed.\n\n"
    text = LONGER.replace("# %% setup", f"{ask}{ask}# %% setup")
    assert [line for line in lint_text(repo, text) if not line.startswith("links")] == []
    cell = code if code.startswith("# %%") else f"# %%\n{code}"
    found = lint_text(repo, text.replace("# %% [markdown]\n# ## Recap", f"{cell}\n\n{RECAP}"))
    assert {line.split(":")[0] for line in found} - {"links"} == {rule}, found


def lint_text(repo, text):
    write(repo, text)
    return lesson_linter.lint(repo / "notebooks" / "99_fake.ipynb", repo)


# --- set-up and badge come from one place -------------------------------------------------------


def test_setup_installs_cellkit_alone_and_only_on_colab(repo, monkeypatch):
    source = next(c.source for c in write(repo, LESSON)[0].cells if c.cell_type == "code")
    install, then = source.split("import cellkit as ck")
    assert "import numpy as np" in then and 'ck.lesson.setup("99_fake")' in then
    ran = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: ran.append(command))
    exec(install, {})
    assert ran == []
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    exec(install, {})
    assert ran == []  # it is installed already
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    exec(install, {})
    (command,) = ran
    assert command[1:4] == ["-m", "pip", "install"] and "--no-deps" in command
    assert command[-1].startswith(f"cellkit @ {address.repository(repo)}/")


def test_setup_takes_no_folder_for_the_package(repo, tmp_path, monkeypatch):
    install = write(repo, LESSON)[0].cells
    install = next(c.source for c in install if c.cell_type == "code").split("import cellkit")[0]
    (tmp_path / "cellkit").mkdir()
    lonely = [sys.executable, "-I", "-S", "-c"]  # without site-packages
    ran = subprocess.run([*lonely, f"import sys; sys.path.insert(0, '')\n{install}"],
                         cwd=tmp_path, capture_output=True, text=True)
    assert ran.stderr.splitlines()[-1].startswith(
        "ModuleNotFoundError: this lesson needs cellkit: %pip install \"cellkit @ https://")


def test_everything_follows_the_one_line_with_the_address(repo):
    project = repo / "pyproject.toml"
    old, new = address.repository(repo), "https://github.com/some-lab/cells"
    text = project.read_text(encoding="utf-8")
    assert text.count(old) == 1
    project.write_text(text.replace(old, new), encoding="utf-8")
    for notebook in write(repo, LESSON):
        assert old not in nbformat.writes(notebook)
        assert "/github/some-lab/cells/blob/main/notebooks/" in notebook.cells[0].source
    table = builder.lesson_table(repo)
    assert old.removeprefix("https://github.com/") not in table
    assert "badges do not work yet" not in table


def test_a_notebook_begins_with_its_picture(repo):
    pictures = repo / "docs" / "pictures"
    pictures.mkdir(parents=True)
    (pictures / "01.jpg").touch()
    assert "](../docs/pictures/01.jpg)]" in builder.picture("01_fake", repo)
    address.publish("some-lab/cells", repo)
    raw = "https://raw.githubusercontent.com/some-lab/cells/main/docs/pictures/01.jpg"
    page = "https://some-lab.github.io/cells/lessons/01_fake.html"
    assert builder.picture("01_fake", repo).endswith(f"]({raw})]({page})\n\n")


@pytest.mark.parametrize("name", ["", "OWNER/REPO", "cellkit", "https://github.com/a/b", "a/b/c"])
def test_only_an_address_is_published(repo, name):
    before = (repo / "pyproject.toml").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="expected owner/name"):
        address.publish(name, repo)
    assert (repo / "pyproject.toml").read_text(encoding="utf-8") == before
    assert not address.published(repo)


# --- a figure that must not move ----------------------------------------------------------------


def without_cellkit(notebook, path):
    """A notebook whose set-up needs no lesson of that name."""
    for cell in notebook.cells:
        cell.source = re.sub(r"\n\nlesson = .*", "", cell.source)
    nbformat.write(notebook, path)
    return path


def test_expected_text_is_stored_where_nbval_compares_it(repo):
    student, solved = write(repo, LESSON)
    (cell,) = (c for c in solved.cells if c.get("outputs"))
    assert cell.outputs[0].text == "the sum is 6\ndone\n"
    assert cell.metadata.tags == ["nbval-check-output"] and cell.execution_count is not None
    for notebook in (student, solved):
        assert "expect:" not in nbformat.writes(notebook)


@pytest.mark.parametrize(("expected", "passes"), [("6", True), ("7", False)])
def test_nbval_sees_a_wrong_expectation(repo, tmp_path, expected, passes):
    planted = LESSON.replace("# expect: the sum is 6", f"# expect: the sum is {expected}")
    _, solved = write(repo, planted)
    folder = tmp_path / "run"
    folder.mkdir()
    path = without_cellkit(solved, tmp_path / "planted.ipynb")
    passed, printed, _ = run(path, folder, strict=True)
    assert passed == passes, printed
    if not passes:
        assert "Cell outputs differ" in printed and "1 failed" in printed


def test_a_cell_that_is_stopped_for_its_time_does_not_pass(repo, tmp_path):
    """Neither where it catches the interrupt, as a training does that keeps what it has."""
    slow = "import time\ntry:\n    time.sleep(99)\nexcept KeyboardInterrupt:\n    pass"
    student, _ = write(repo, LESSON.replace(RECAP, f"# %%\n{slow}\n\n# %%\n1 / 0\n\n{RECAP}"))
    path = without_cellkit(student, tmp_path / "slow.ipynb")
    folder = tmp_path / "run"
    folder.mkdir()
    passed, printed, _ = run(path, folder, strict=False, cell_seconds=3)
    assert not passed, printed


# --- make lesson --------------------------------------------------------------------------------


def test_make_lesson_leaves_a_page_and_an_executed_notebook(repo, tmp_path, capfd):
    _, solved = write(repo, LESSON)
    path = without_cellkit(solved, tmp_path / "99_fake.ipynb")
    assert run_lesson.run(path, tmp_path / "out")
    page = (tmp_path / "out" / "99_fake.html").read_text(encoding="utf-8")
    assert "A lesson for the tests" in page and "the sum is 6" in page
    executed = nbformat.read(tmp_path / "out" / "99_fake.ipynb", as_version=4)
    texts = [o.get("text", "") for c in executed.cells for o in c.get("outputs", ())]
    assert any("the sum is 6" in text for text in texts)


def test_make_lesson_keeps_what_was_reached_when_a_cell_fails(repo, tmp_path, capfd):
    failing = LESSON.replace("total = np.arange(4).sum()", "raise OSError('no disk')")
    _, solved = write(repo, failing)
    path = without_cellkit(solved, tmp_path / "99_fake.ipynb")
    assert not run_lesson.run(path, tmp_path / "out")
    assert "no disk" in (tmp_path / "out" / "99_fake.html").read_text(encoding="utf-8")
    assert "did not reach the end" in capfd.readouterr().err


def test_a_page_keeps_the_last_state_of_a_progress_bar():
    pieces = ["1,000 weights\n", "\r  0%", "\r 50%", "\r100%", "\ndone\n"]
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in pieces]
    figure = nbformat.v4.new_output("display_data", {"text/plain": "[Figure]"})
    found = run_lesson.settle([*outputs[:3], figure, *outputs[3:]])
    assert [o.get("text") for o in found] == ["1,000 weights\n 50%", None, "100%\ndone\n"]


def test_make_lesson_names_the_lessons_it_knows():
    with pytest.raises(ValueError, match="no lesson '77'.*LESSON=02"):
        run_lesson.find("77")
    for source in builder.sources():
        for name in (source.stem, source.stem[:2], str(int(source.stem[:2]))):
            assert run_lesson.find(name).stem == source.stem


# --- the linter ---------------------------------------------------------------------------------


def lint(repo, before, after):
    student, _ = write(repo, LESSON.replace(before, after))
    return lesson_linter.lint(repo / "notebooks" / "99_fake.ipynb", repo)


def test_the_clean_lesson_has_nothing_to_object_to(repo):
    assert lint(repo, "", "") == []
    assert lesson_linter.lint(repo / "notebooks" / "solutions" / "99_fake.ipynb", repo) == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("commands", "!exit 3"),
        ("commands", "files = !ls"),
        ("commands", "# %matplotlib ipympl\nx = 1"),
        ("commands", "# %%bash\n# ls"),
        ("commands", "import os\nos.system('ls')"),
        ("commands", "np.arange?"),
        ("lengths", "\n".join(f"a{i} = {i}" for i in range(41))),
        ("figures", "import matplotlib.pyplot as plt"),
        ("figures", "from matplotlib import pyplot"),
        ("figures", "plt.show()"),
        ("figures", "ck.show.images([a])"),
        ("figures", "ck.show.images([a], alt='')"),
        ("figures", "fig, ax = ck.show.axes()"),
        ("figures", "fig, ax = ck.show.axes()\nck.show.figure(fig, alt='A line.')\nfig"),
        ("figures", "display(Image('a.png'))"),
        ("randomness", "a = np.random.rand(3)"),
        ("randomness", "np.random.seed(0)"),
        ("randomness", "rng = np.random.default_rng()"),
        ("randomness", "rng = np.random.default_rng(None)"),
        ("randomness", "import random\nrandom.shuffle([1])"),
        ("randomness", "import random as r\nr.random()"),
        ("randomness", "import torch\na = torch.rand(3)"),
        ("randomness", "import torch\na = torch.rand(3)\ntorch.manual_seed(0)"),
        ("randomness", "up = nn.ConvTranspose2d(16, 8, 2, stride=2)"),
        ("randomness", "loader = DataLoader(samples, shuffle=True)"),
        ("randomness", "b = skimage.util.random_noise(a)"),
        ("paths", f"a = open('{HOME}/a.tif')"),
        ("paths", r"a = open('C:\\cells\\a.tif')"),
        ("paths", "a = open('~/a.tif')"),
    ],
)
def test_linter_finds_planted_code(repo, rule, code):
    found = lint(repo, RECAP, f"# %%\n{code}\n\n{RECAP}")
    assert [line.split(":")[0] for line in found] == [rule], found


@pytest.mark.parametrize(
    "code",
    [
        "ck.show.images([a], alt='Left a cell, right its mask.')",
        "ck.show.images([a], alt=f'Dice is {total}.')",
        "fig, ax = ck.show.axes()\nck.show.figure(fig, alt='A straight line.')",
        "# %time total = 1",
        "rest = (total\n    % 3)",
        "text = '''\n!not a command\n'''",
        "rng = np.random.default_rng(0)",
        "import torch\ntorch.manual_seed(0)\na = torch.rand(3)\nnet = nn.Conv2d(1, 1, 3)",
        "import torch\na = torch.rand(3, generator=torch.Generator().manual_seed(0))",
        "class Net:\n    def __init__(self):\n        self.conv = nn.Conv2d(1, 1, 3)",
        "net = ck.UNet(width=8)",
        "loader = DataLoader(samples)",
        "page = 'https://example.org/data/a.tif'",
        "half = total / 2",
    ],
)
def test_linter_lets_good_code_pass(repo, code):
    assert lint(repo, RECAP, f"# %%\n{code}\n\n{RECAP}") == []


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("objectives", "# ## Recap\n#\n# - say one", "# ## Recap\n#\n# - say won"),
        ("objectives", "# - say one\n", ""),
        ("minutes", "**Minutes:** 1", "a minute"),
        ("figures", "**Minutes:** 1", "**Minutes:** 1 ![](../data/README.md)"),
        ("figures", "**Minutes:** 1", '**Minutes:** 1 <img src="../data/README.md">'),
        ("links", "(../data/README.md)", "(../data/READ.md)"),
        ("links", "(../data/README.md)", "(https://github.com/OWNER/REPO/blob/main/data/no.md)"),
        ("badges", "**Minutes:** 1", "**Minutes:** 1 [x](https://colab.research.google.com/github/a/b)"),
        ("exercises", "(2 points)", "(3 points)"),
        ("exercises", "(2 points)", "(12 points)"),
        ("paths", "# See [the", f"# See {HOME} and [the"),
    ],
)
def test_linter_finds_planted_text(repo, rule, before, after):
    assert before in LESSON
    found = lint(repo, before, after)
    assert found and {line.split(":")[0] for line in found} == {rule}, found


def test_linter_wants_short_cells(repo):
    nine = "\n".join(f"a{i} = {i}" for i in range(9))
    code = "".join(f"# %%\n{nine}\n\n" for _ in range(9))
    found = lint(repo, RECAP, f"{code}{RECAP}")
    assert [line.split(":")[0] for line in found] == ["lengths"] and "median" in found[0]


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("outputs", lambda c: c.update(execution_count=3)),
        ("outputs", lambda c: c.outputs.append(nbformat.v4.new_output("stream", text="1"))),
        ("exercises", lambda c: c.update(source="# BEGIN SOLUTION\n# END SOLUTION")),
    ],
)
def test_linter_finds_what_a_student_notebook_must_not_hold(repo, rule, change):
    student, _ = write(repo, LESSON)
    change(next(c for c in reversed(student.cells) if c.cell_type == "code"))
    path = repo / "notebooks" / "99_fake.ipynb"
    nbformat.write(student, path)
    assert [line.split(":")[0] for line in lesson_linter.lint(path, repo)] == [rule]


def test_linter_finds_a_badge_that_opens_something_else(repo):
    path = repo / "notebooks" / "99_fake.ipynb"
    path.write_bytes(path.read_bytes().replace(b"99_fake.ipynb)\\n", b"08_fake.ipynb)\\n", 1))
    assert {line.split(":")[0] for line in lesson_linter.lint(path, repo)} == {"badges"}
