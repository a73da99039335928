"""The cells of a lesson's source, as notebooks/source/README.md says they are written."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import jupytext


@dataclass
class Cell:
    """One cell of a source, with the mark that says what it is for.

    ``mark`` is "" (plain), "setup", or "exercise", "solution", "check", which belong to the
    exercise ``name``; ``expect`` is the text that the cell has to print, or None; ``fold`` is what
    a cell whose code teaches nothing shows in place of it, "" for all others.
    """

    kind: str
    source: str
    mark: str = ""
    name: str = ""
    points: float = 0
    expect: str | None = None
    tags: tuple[str, ...] = ()
    fold: str = ""

    @property
    def question(self) -> bool:
        """Whether the cell is a question to think about, with options."""
        return self.kind == "markdown" and "question" in self.tags

    @property
    def nbgrader(self) -> dict | None:
        """What nbgrader wants to know about a cell of an exercise."""
        if self.mark not in ("exercise", "solution", "check"):
            return None
        grade = {
            "grade": self.mark == "check",
            "grade_id": self.id,
            "locked": self.mark != "solution",
            "schema_version": 3,
            "solution": self.mark == "solution",
            "task": False,
        }
        return {**grade, "points": self.points} if self.mark == "check" else grade

    @property
    def id(self) -> str:
        """A cell id that survives every edit elsewhere in the lesson."""
        if self.name:
            return self.name if self.mark == "solution" else f"{self.name}-{self.mark}"
        return hashlib.sha256(f"{self.kind}\n{self.source}".encode()).hexdigest()[:12]


def read(path: Path) -> list[Cell]:
    """The cells of a source.

    Raises
    ------
    ValueError
        Where a cell's mark, region or ``# expect:`` is not as notebooks/source/README.md says.
    """
    notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    return [_cell(cell, f"{path.name}, cell {i}") for i, cell in enumerate(notebook.cells, 1)]


def _cell(raw, where: str) -> Cell:
    told = {k: v for k, v in raw.metadata.items() if k != "lines_to_next_cell"}
    cell = Cell(raw.cell_type, raw.source, tags=tuple(told.pop("tags", ())))
    if "title" in told:
        cell.mark = told.pop("title")
        if cell.mark != "setup":
            raise ValueError(f'{where}: "# %% {cell.mark}", expected "# %%" or "# %% setup".')
    for mark, kind in (("exercise", "markdown"), ("solution", "code"), ("check", "code")):
        if mark in told:
            cell.mark, cell.name = mark, told.pop(mark)
            if cell.kind != kind or not re.fullmatch(r"[A-Za-z]\w*", cell.name):
                raise ValueError(
                    f'{where}: {mark}="{cell.name}" on a {cell.kind} cell, expected a name of '
                    f"letters, digits and underscores on a {kind} cell."
                )
    if cell.mark == "check":
        cell.points = told.pop("points", None)
        if not isinstance(cell.points, int | float) or cell.points < 0:
            raise ValueError(f"{where}: the check has no points; write e.g. points=2.")
    if "fold" in told:
        cell.fold = told.pop("fold")
        if cell.kind != "code" or cell.mark or not isinstance(cell.fold, str):
            raise ValueError(f'{where}: fold belongs on a plain code cell: # %% fold="title".')
    if told:
        raise ValueError(f"{where}: unknown {', '.join(told)}; see notebooks/source/README.md.")
    if cell.kind == "code":
        _take_expectation(cell, where)
        regions = {
            "SOLUTION": cell.mark == "solution",
            "HIDDEN TESTS": cell.mark == "check",
        }
        for region, allowed in regions.items():
            without(cell.source, region, [], where)  # raises where it is not well formed
            if f"# BEGIN {region}" in cell.source and not allowed:
                raise ValueError(f"{where}: a {region} region does not belong in this cell.")
        if cell.mark == "solution" and not re.search(r"^ +# BEGIN SOLUTION$", cell.source, re.M):
            raise ValueError(
                f"{where}: no solution region inside a function; put # BEGIN SOLUTION and "
                "# END SOLUTION in its body, so that a blank raises only when it is called."
            )
    return cell


def _take_expectation(cell: Cell, where: str) -> None:
    lines = cell.source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.startswith("# expect:")), None)
    if first is None:
        return
    expected = [re.fullmatch(r"# expect:(?: (.*))?", line) for line in lines[first:]]
    if not all(expected):
        raise ValueError(f"{where}: a line after # expect: that is none; they close the cell.")
    cell.source = "\n".join(lines[:first]).rstrip()
    cell.expect = "".join(f"{line[1] or ''}\n" for line in expected)


def without(source: str, region: str, stub: list[str], where: str) -> str:
    """The source with every BEGIN … END region replaced by the stub at its indentation."""
    kept, inside = [], None
    for line in source.split("\n"):
        text, indent = line.strip(), line[: len(line) - len(line.lstrip())]
        if text == f"# BEGIN {region}" and inside is None:
            inside = indent
            kept += [indent + line for line in stub]
        elif text == f"# END {region}" and inside == indent:
            inside = None
        elif f"BEGIN {region}" in line or f"END {region}" in line:
            raise ValueError(
                f'{where}: "{text}", expected # BEGIN {region} … # END {region} in pairs, '
                "one hash each, at one indentation."
            )
        elif inside is None:
            kept.append(line)
    if inside is not None:
        raise ValueError(f"{where}: # BEGIN {region} without # END {region}.")
    return "\n".join(kept).rstrip()
