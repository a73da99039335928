"""Each lesson with its cells run twice, with right answers other than ours, and its claims.

One run of a lesson answers all three, for a run is what costs time.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from test_lesson_answers import COURSE, right_answers

from tools import builder, claims, run_lesson

TESTS = Path(__file__).parent
#: With CELLKIT_ALL_ANSWERS=1 every right answer that is known; else the last one, the oddest.
TURNS = (range(max(len(right_answers(exercise)) for exercise in COURSE.values()))
         if os.environ.get("CELLKIT_ALL_ANSWERS") else [-1])
#: What may differ between two runs of one cell: how long it took, and where in memory things lie.
TIMES = re.compile(r"\d[\d.,:]*\s*(ms|s|min|minutes?|seconds?)\b|0x[0-9a-f]+")


def answered(cell, turn):
    """The source of a cell, with another right answer where it is an exercise's."""
    grader = cell.metadata.get("nbgrader", {})
    name = grader.get("grade_id", "")
    if not grader.get("solution") or name not in COURSE:
        return cell.source
    count = len(right_answers(COURSE[name]))
    which = count - 1 if turn < 0 else turn % count
    return (f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
            "from test_lesson_answers import COURSE, right_answers\n"
            f"{name} = right_answers(COURSE[{name!r}])[{which}]")


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


def executed(source, turn, order, tmp_path, monkeypatch):
    """A solved lesson's code cells in an order, run in one kernel; gives the notebook.

    ``order`` makes a list of cells of the list of cells.
    """
    solved = nbformat.reads(list(builder.build(source).values())[1], as_version=4)
    code = [cell for cell in solved.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs, cell.execution_count, cell.source = [], None, answered(cell, turn)
    cells = [nbformat.from_dict({**cell, "id": f"{cell.id[:50]}-{place}"})
             for place, cell in enumerate(order(code))]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=solved.metadata)
    packages = os.pathsep.join(filter(None, [str(builder.ROOT), os.environ.get("PYTHONPATH")]))
    settings = {"CELLKIT_PROFILE": "tiny", "CELLKIT_STRICT": "1", "OMP_NUM_THREADS": "1",
                "CELLKIT_PROGRESS": str(tmp_path / "progress.json"), "PYTHONPATH": packages}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CELLKIT_DATA", raising=False)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute(cwd=tmp_path)
    return notebook


def not_the_same(cells, again):
    """The sources of cells that show something else when run again."""
    return [cell.source for cell, other in zip(cells, again, strict=True)
            if shown(cell) != shown(other) and "changes" not in cell.metadata.get("tags", ())]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("source", builder.sources(), ids=lambda path: path.stem)
def test_lesson_with_each_cell_run_twice(source, turn, tmp_path, monkeypatch, record_property):
    """Any cell again: the same comes out, whatever right answer is in."""
    notebook = executed(source, turn, lambda code: [cell for one in code for cell in (one, one)],
                        tmp_path, monkeypatch)
    differ = not_the_same(notebook.cells[::2], notebook.cells[1::2])
    for found in claims.found(notebook)[::2]:
        if found["said"] == found["otherwise"]:  # else tiny says that it cannot tell
            record_property("claims", f"{source.stem:<24} does not hold: {found['so'][:90]}")
    assert not differ, "not the same when run again:\n" + "\n---\n".join(differ)


@pytest.mark.parametrize("source", builder.sources() if os.environ.get("CELLKIT_ALL_ANSWERS")
                         else builder.sources()[:1], ids=lambda path: path.stem)
def test_run_all_twice_in_one_kernel(source, tmp_path, monkeypatch):
    """What later cells leave behind does not change what earlier ones show."""
    notebook = executed(source, -1, lambda code: code + code, tmp_path, monkeypatch)
    half = len(notebook.cells) // 2
    differ = not_the_same(notebook.cells[:half], notebook.cells[half:])
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
