"""How nbgrader treats this course; `make assignment` puts a copy into the course folder.

A course folder that you have already: let its own nbgrader_config.py end with
``exec(open("cellkit_nbgrader.py", encoding="utf-8").read())``.
"""

import ast
import hashlib
import json
import os
import re
import symtable
from pathlib import Path

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    Execute,
    IgnorePattern,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from nbgrader.utils import is_grade, is_solution

c = get_config()  # noqa: F821  (nbgrader hands it in)


class MendMarks(NbGraderPreprocessor):
    """Every cell of an exercise has its own mark, once, as the lesson's source has it.

    Editors drop marks, students copy cells or change a mark by hand; nbgrader itself gives up on
    some of these.  Of copied cells the last one counts, as nbgrader has it too.
    """

    def preprocess(self, nb, resources):
        told = resources["nbgrader"]
        with Gradebook(told["db_url"]) as book:
            lesson = book.find_notebook(told["notebook"], told["assignment"])
            graded = {cell.name for cell in lesson.grade_cells}
            solved = {cell.name for cell in lesson.solution_cells}
            locked = {cell.name: cell.locked for cell in lesson.source_cells}
        marks = [self.name_in_mark(cell) for cell in nb.cells]
        found = set()
        for cell, name in reversed(list(zip(nb.cells, marks, strict=True))):
            cell.metadata.pop("nbgrader", None)
            if name is None and self.name_in_source(cell) not in marks:
                name = self.name_in_source(cell)
            if name in locked and name not in found:
                found.add(name)
                cell.metadata["nbgrader"] = {
                    "grade": name in graded, "grade_id": name, "locked": locked[name], "points": 0,
                    "schema_version": 3, "solution": name in solved, "task": False,
                }  # nbgrader restores points and locked sources from the gradebook
        return nb, resources

    def name_in_mark(self, cell):
        mark = cell.metadata.get("nbgrader")
        return mark.get("grade_id") if isinstance(mark, dict) else None

    def name_in_source(self, cell):
        if cell.cell_type == "code" and "import cellkit as ck" in cell.source:
            return "set-up"
        call = re.search(r"^\w+ = ck\.lesson\.check\([\"'](\w+)[\"']", cell.source, re.M)
        return f"{call[1]}-check" if call and cell.cell_type == "code" else None


class SkipWhatNoExerciseNeeds(NbGraderPreprocessor):
    """Cells that are as they were handed out, and give no exercise anything, are not run.

    A lesson trains networks and draws figures; its exercises need neither.  A cell is run if it is
    part of an exercise, if the student changed or added it, or if it makes or changes a name that
    such a cell uses, directly or by another cell.  ``make grade`` lays the list of untouched cells
    beside this file; plain nbgrader has none and runs everything.
    """

    def preprocess(self, nb, resources):
        plain = Path("cellkit_plain_cells.json")
        if not plain.is_file():
            return nb, resources
        untouched = set(json.loads(plain.read_text(encoding="utf-8")))
        cells = [cell for cell in nb.cells if cell.cell_type == "code"]
        if any(looks_names_up(cell.source)
               for cell in cells if not self.is_untouched(cell, untouched)):
            return nb, resources  # what such code uses cannot be seen
        modules = set().union(*(imported(cell.source) for cell in cells))
        wanted = set()
        for cell in reversed(cells):
            makes, uses, anew = names(cell.source, modules)
            same = self.is_untouched(cell, untouched)
            if same and not makes & wanted:
                cell.metadata.setdefault("tags", []).append("skip-execution")
            else:  # what a student wrote may fail and make nothing
                wanted = (wanted - anew if same else wanted) | uses
        return nb, resources

    def is_untouched(self, cell, untouched):
        same = hashlib.sha256(cell.source.strip().encode()).hexdigest() in untouched
        return same and "nbgrader" not in cell.metadata


def tree(source):
    """A cell's syntax tree without its magics; None where it has none."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return None


def looks_names_up(source):
    """Whether a cell may use names that do not stand in it; ``net.eval()`` does not."""
    return re.search(r"(?<!\.)\b(exec|eval|globals|vars|locals|get_ipython)\s*\(", source)


def imported(source):
    """The names that imports make: calling something of theirs changes nothing of a notebook's."""
    found = tree(source) or ast.Module([], [])
    return {(alias.asname or alias.name).partition(".")[0] for node in ast.walk(found)
            if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}


def names(source, modules):
    """The notebook's names that a cell makes or changes, that it uses, and that it makes anew.

    What it has made anew it does not use, nor does it need what an earlier cell made of it.
    """
    makes, uses, anew, found = set(), set(), set(), tree(source)
    if found is None:
        words = set(re.findall(r"[A-Za-z_]\w*", source))
        return words, words, set()
    for statement in found.body:
        changed, used = names_in(statement, modules)
        makes |= changed
        uses |= used - anew
        anew |= assigned(statement)
    return makes, uses, anew


def names_in(statement, modules):
    """The notebook's names that a statement makes or changes, and those that it uses."""
    makes, uses = set(), set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            (uses if isinstance(node.ctx, ast.Load) else makes).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            makes.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            makes |= {(a.asname or a.name).partition(".")[0] for a in node.names}
        inner = None
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            inner = node.value  # x.y = …, x[k] = …
        elif isinstance(node, ast.AugAssign):
            uses |= root(node.target)
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):  # x.append(…)
                makes |= root(node.func.value) - modules
            if getattr(node.func, "attr", getattr(node.func, "id", "")) == "fit" and node.args:
                inner = node.args[0]
        if inner is not None:
            makes |= root(inner)
    own = notebooks_own(symtable.symtable(ast.unparse(statement), "cell", "exec"))
    if isinstance(statement, ast.For):  # its variables are made before its body uses them
        uses -= targets(statement.target) - names_in(ast.Expr(statement.iter), modules)[1]
    return makes & own, uses & own


def notebooks_own(table):
    """The names in a piece of code that are not a function's own."""
    own = {symbol.get_name() for symbol in table.get_symbols()
           if symbol.is_global() or table.get_type() == "module"}
    return own.union(*map(notebooks_own, table.get_children()))


def assigned(statement):
    """The names that a statement makes anew, whatever happens."""
    if isinstance(statement, ast.Assign):
        return set().union(*map(targets, statement.targets))
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return set()


def targets(node):
    """The names on the left of ``=``; those in ``x.y`` and ``x[k]`` are not made there."""
    if isinstance(node, ast.Tuple | ast.List):
        return set().union(*map(targets, node.elts))
    node = node.value if isinstance(node, ast.Starred) else node
    return {node.id} if isinstance(node, ast.Name) else set()


def root(node):
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()


#: Read the checks from disk again: whatever a submission made of them in memory is gone.
FRESH = (
    "import sys; [sys.modules.pop(m) for m in [*sys.modules] if m.partition('.')[0] in "
    "('cellkit_course',)]; sys.modules['cellkit'].__dict__.pop('lesson', None); "
    "import os; os.environ['NBGRADER_EXECUTION'] = 'autograde'; import cellkit as ck\n"
)


class ReadChecksAgain(NbGraderPreprocessor):
    """Graded cells begin with :data:`FRESH` while they run."""

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            cell.source = FRESH + cell.source
        return cell, resources


class OnlyErrorsCount(NbGraderPreprocessor):
    """A graded cell fails by an error and by nothing else.

    nbgrader takes a number that a cell displays for its points, and a warning on stderr for a
    failure; a submission could display a number, and a harmless warning would cost the points.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            cell.source = cell.source.removeprefix(FRESH)
            errors = [output for output in cell.outputs if output.output_type == "error"]
            for output in cell.outputs:
                if output.output_type == "stream":
                    output.name = "stdout"
            shown = [o for o in cell.outputs if o.output_type in ("stream", "display_data")]
            cell.outputs = errors + shown
        return cell, resources


c.CourseDirectory.course_id = "cellkit"
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
# Seconds that one cell may take; an endless loop costs this and goes on with the next cell.
c.Execute.timeout = int(os.environ.get("CELLKIT_CELL_SECONDS", 180))
# An interrupted cell may take a while to say so; after nbgrader's 4 seconds all would end.
c.Execute.iopub_timeout = 60
c.OverwriteCells.add_missing_cells = True

c.Autograde.sanitize_preprocessors = [
    MendMarks, ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells, CheckCellMetadata,
]  # fmt: skip
c.Autograde.autograde_preprocessors = [
    SkipWhatNoExerciseNeeds, ReadChecksAgain, Execute, OnlyErrorsCount, IgnorePattern,
    ClearMetadataPreprocessor, LimitOutput, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata,
]  # fmt: skip
