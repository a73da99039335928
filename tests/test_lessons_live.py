"""Each solved lesson with its cells run twice, with right answers other than ours, and its claims.

One run of a lesson answers all of it, for a run is what costs time.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from test_lesson_answers import COURSE, right_answers

from tools import builder, claims, run_lesson

TESTS = Path(__file__).parent
#: With CELLKIT_ALL_ANSWERS=1 every right answer that is known; else the last one, the oddest.
#: Without the first: it is ours, which a check refuses as nobody's work.
TURNS = (range(max(len(right_answers(exercise)) for exercise in COURSE.values()) - 1)
         if os.environ.get("CELLKIT_ALL_ANSWERS") else [-1])
#: What may differ between two runs of one cell: how long it took, and where in memory things lie.
TIMES = re.compile(r"\d[\d.,:]*\s*(ms|s|min|minutes?|seconds?)\b|0x[0-9a-f]+")


def answered(cell, turn):
    """The cell of an exercise with another right answer, as a cell of its own."""
    name = cell.metadata["nbgrader"]["grade_id"]
    which = 1 + turn % (len(right_answers(COURSE[name])) - 1)
    return nbformat.v4.new_code_cell(
        f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
        "from test_lesson_answers import COURSE, right_answers\n"
        f"{name} = right_answers(COURSE[{name!r}])[{which}]", id=f"{name}-other")


def twice(code, turn):
    """Cells in their order, each beside itself; None beside the two that answer an exercise.

    The lesson's own answer meets its check before the other one does.
    """
    rows, answers = [], {}
    for cell in code:
        grader = cell.metadata.get("nbgrader", {})
        name = grader.get("grade_id", "").removesuffix("-check")
        if grader.get("solution") and name in COURSE:
            answers[name] = answered(cell, turn)
            rows.append((cell, None))
            continue
        again = nbformat.from_dict({**cell, "id": f"{cell.id[:50]}-again", "outputs": [],
                                    "execution_count": None})
        if grader.get("grade") and name in answers:
            rows += [(cell, None), (answers.pop(name), None), (again, None)]
        else:
            rows.append((cell, again))
    assert not answers, "answers without a check"
    return rows


def shown(cell):
    """What a cell shows, but for what a clock moves."""
    found = []
    for output in run_lesson.settle(cell.outputs):
        if output.output_type == "stream":
            if output.name == "stdout":  # without progress bars
                lines = [line for line in output.text.split("\n") if "%|" not in line]
                found.append(TIMES.sub("", "\n".join(lines)))
        else:
            data = output.get("data", {})
            found += [TIMES.sub("", str(data[kind])) for kind in sorted(data)
                      if kind != "application/vnd.jupyter.widget-view+json"]
    return found


def code_of(source):
    """A solved lesson's code cells, as they are built, and the notebook's metadata."""
    solved = nbformat.reads(list(builder.build(source).values())[1], as_version=4)
    return [cell for cell in solved.cells if cell.cell_type == "code"], solved.metadata


def execute(cells, metadata, folder, monkeypatch):
    """Run cells in one kernel; they hold what they show."""
    for cell in cells:
        cell.outputs, cell.execution_count = [], None
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    packages = os.pathsep.join(filter(None, [str(builder.ROOT), os.environ.get("PYTHONPATH")]))
    settings = {"CELLKIT_PROFILE": "tiny", "CELLKIT_STRICT": "1", "OMP_NUM_THREADS": "1",
                "CELLKIT_PROGRESS": str(folder / "progress.json"), "PYTHONPATH": packages}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CELLKIT_DATA", raising=False)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute(cwd=folder)


def not_the_same(pairs):
    """The sources of cells that show something else when run again."""
    return [cell.source for cell, again in pairs if again and shown(cell) != shown(again)
            and "changes" not in cell.metadata.get("tags", ())]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("source", builder.sources(), ids=lambda path: path.stem)
def test_solved_lesson_runs_with_each_cell_twice(source, turn, tmp_path, monkeypatch,
                                                 record_property):
    """Any cell again: the same comes out, whatever right answer is in, and what is expected."""
    code, metadata = code_of(source)
    expected = {cell.id: cell.outputs[0].text for cell in code if cell.outputs}
    rows = twice(code, turn)
    began = time.perf_counter()
    execute([cell for row in rows for cell in row if cell], metadata, tmp_path, monkeypatch)
    seconds = time.perf_counter() - began
    record_property("seconds", f"twice   {source.stem:<24} {seconds:6.1f} s")
    for cell in code:
        if cell.id in expected:
            printed = "".join(o.text for o in cell.outputs if o.get("name") == "stdout")
            assert printed.strip() == expected[cell.id].strip()
    first = nbformat.v4.new_notebook(cells=[cell for cell, _ in rows])
    for found in claims.found(first):
        if found["said"] == found["otherwise"]:  # else tiny says that it cannot tell
            record_property("claims", f"{source.stem:<24} does not hold: {found['so'][:90]}")
    differ = not_the_same(rows)
    assert not differ, "not the same when run again:\n" + "\n---\n".join(differ)


@pytest.mark.parametrize("source", builder.sources() if os.environ.get("CELLKIT_ALL_ANSWERS")
                         else builder.sources()[:1], ids=lambda path: path.stem)
def test_run_all_twice_in_one_kernel(source, tmp_path, monkeypatch):
    """What later cells leave behind does not change what earlier ones show."""
    code, metadata = code_of(source)
    again = [nbformat.from_dict({**cell, "id": f"{cell.id[:50]}-again"}) for cell in code]
    execute(code + again, metadata, tmp_path, monkeypatch)
    differ = [source for source in not_the_same(zip(code, again, strict=True))
              if source != "ck.lesson.progress()"]  # which remembers what is solved below it
    assert not differ, "not the same when all is run again:\n" + "\n---\n".join(differ)


def test_a_claim_says_what_holds_and_is_kept(monkeypatch, capsys):
    from cellkit_course import claim

    monkeypatch.setenv("CELLKIT_PROFILE", "tiny")
    claim(3 > 2, "Three is more.", "Three is not more.")
    claim(3 < 2, "Three is less.", "Three is not less.")
    claim(3 > 2, "Training helps.", "Training does not help.", trained=True)
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["Three is more.", "Three is not less."]
    assert "tiny" in said[2] and "helps" not in said[2]
    monkeypatch.setenv("CELLKIT_PROFILE", "standard")
    claim(3 > 2, "Training helps.", "Training does not help.", trained=True)
    assert capsys.readouterr().out == "Training helps.\n"


def test_claims_are_read_from_an_executed_notebook(tmp_path):
    code = ("from cellkit_course import claim\nclaim(True, 'So it is.', 'It is not.')\n"
            "claim(False, 'So it is too.', 'It is not so.')")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, kernel_name="python3",
                   extra_arguments=[]).execute(cwd=str(builder.ROOT))
    assert [(c["holds"], c["said"]) for c in claims.found(notebook)] == [
        (True, "So it is."), (False, "It is not so.")]


def test_drawings_show_themselves_with_words(capsys):
    from cellkit_course import draw

    draw.unet(width=8, depth=3, shape=(64, 96))
    draw.random_crops()
    said = capsys.readouterr().out
    assert said.count("[Figure: ") == 2 and "8 by 12 with 64" in said


def test_a_scale_bar_is_as_long_as_it_says():
    from cellkit_course import draw

    picture = np.full((260, 352), 0.5)
    marked = draw.with_scale(picture, "synthetic livecell", length=50)
    assert (picture == 0.5).all()
    assert (marked == 1).sum(axis=1).max() == round(50 / 1.24)
    with pytest.raises(ValueError, match="no pixel size is known for 'dsb2018'"):
        draw.with_scale(picture, "dsb2018")


def test_where_pictures_come_from_is_said_of_drawn_and_of_real_ones(capsys):
    from types import SimpleNamespace

    from cellkit_course import origin

    origin(SimpleNamespace(dataset="synthetic livecell"))
    origin(SimpleNamespace(dataset="livecell"))
    drawn, real = capsys.readouterr().out.strip().split("\n")
    assert drawn.startswith("**These pictures are drawn**") and "ck.download" in drawn
    assert real.startswith("**These pictures are real**") and "CC BY-NC 4.0" in real


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
