"""How nbgrader treats this course; `make assignment` puts a copy into the course folder.

A course folder that you have already: let its own nbgrader_config.py end with
``exec(open("cellkit_nbgrader.py", encoding="utf-8").read())``.
"""

import os
import re

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
        call = re.search(r"^\w+ = ck\.lesson\.check\([\"'](\w+)[\"']", cell.source, re.M)
        return f"{call[1]}-check" if call and cell.cell_type == "code" else None


class OnlyErrorsCount(NbGraderPreprocessor):
    """A graded cell fails by an error and by nothing else.

    nbgrader takes a number that a cell displays for its points, and a warning on stderr for a
    failure; a submission could display a number, and a harmless warning would cost the points.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
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
c.OverwriteCells.add_missing_cells = True

c.Autograde.sanitize_preprocessors = [
    MendMarks, ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells, CheckCellMetadata,
]  # fmt: skip
c.Autograde.autograde_preprocessors = [
    Execute, OnlyErrorsCount, IgnorePattern, ClearMetadataPreprocessor, LimitOutput,
    SaveAutoGrades, AssignLatePenalties, CheckCellMetadata,
]  # fmt: skip
