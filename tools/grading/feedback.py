"""What goes back to students: their notebook as it ran, their points, and no hidden test."""

from __future__ import annotations

import html
import re
from pathlib import Path

import nbformat

from cellkit.files import replacing
from tools.grading.books import read

HIDDEN = re.compile(r"^[ \t]*#+ BEGIN HIDDEN TESTS.*?^[ \t]*#+ END HIDDEN TESTS[^\n]*\n?",
                    re.DOTALL | re.MULTILINE)


def feedback(out: Path, name: str) -> list[Path]:
    """A page for each graded notebook of a lesson, under ``out``/feedback/NAME.

    Raises
    ------
    ValueError
        Nothing was graded yet.
    """
    from nbconvert import HTMLExporter

    notebooks = sorted((out / "notebooks" / name).glob("*.ipynb"))
    if not notebooks:
        raise ValueError(f"no graded notebooks in {out / 'notebooks' / name}; run: make grade "
                         f"LESSON={name[:2]}")
    rows = {row["student"].removeprefix("'"): row for row in read(out / f"{name}.csv")}
    made = []
    for file in notebooks:
        notebook = without_hidden_tests(nbformat.read(file, as_version=4))
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(summary(rows.get(file.stem, {}))))
        notebook.metadata["title"] = f"{name}: feedback"
        page, _ = HTMLExporter().from_notebook_node(notebook)
        target = out / "feedback" / name / f"{file.stem}.html"
        with replacing(target) as draft:
            draft.write_text(page, encoding="utf-8")
        made.append(target)
    return made


def without_hidden_tests(notebook):
    """The same notebook; of a hidden test not its lines, nor a traceback that quotes them."""
    for cell in notebook.cells:
        if cell.cell_type != "code" or not HIDDEN.search(cell.source + "\n"):
            continue
        cell.source = HIDDEN.sub("", cell.source + "\n").strip()
        for output in cell.outputs:
            if output.output_type != "error":
                continue
            if output.ename != "NotRight":
                output.ename = "HiddenTest"
                output.evalue = "on other data the answer is not right"
            output.traceback = [f"{output.ename}: {output.evalue}"]
    return notebook


def summary(row: dict) -> str:
    if not row:
        return "# Feedback"
    told = ("student", "points", "of", "remark", "hours late", "points after lateness")
    lines = [f"| {html.escape(name)} | {points} |" for name, points in row.items()
             if name not in told and points != ""]
    late = row.get("points after lateness")
    return "\n".join([
        "# Feedback", "", f"**{row['points']} of {row['of']} points.** "
        + (f"After lateness: {late}. " if late else "") + html.escape(row.get("remark", "")),
        "", "| exercise | points |", "| --- | --- |", *lines])
