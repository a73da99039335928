"""How nbgrader treats this course; `make assignment` puts a copy into the course folder.

A course folder that you have already: let its own nbgrader_config.py end with
``exec(open("cellkit_nbgrader.py", encoding="utf-8").read())``.
"""

import os
import re

from nbconvert.preprocessors import ClearMetadataPreprocessor
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


class FindLostExercises(NbGraderPreprocessor):
    """Give the cells of exercises back the marks that an editor or a copy took from them.

    Where a cell was copied, the last one with the mark counts, as in nbgrader itself.
    """

    def preprocess(self, nb, resources):
        marked = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells}
        for cell in nb.cells:
            if not isinstance(cell.metadata.get("nbgrader", {}), dict):
                del cell.metadata["nbgrader"]
            call = re.search(r"ck\.lesson\.check\(\s*[\"'](\w+)[\"']", cell.source)
            if cell.cell_type == "code" and call and f"{call[1]}-check" not in marked:
                cell.metadata["nbgrader"] = {
                    "grade": True, "grade_id": f"{call[1]}-check", "locked": True, "points": 0,
                    "schema_version": 3, "solution": False, "task": False,
                }  # points and source are restored from the gradebook
                marked.add(f"{call[1]}-check")
        return nb, resources


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
    FindLostExercises, ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells,
    CheckCellMetadata,
]  # fmt: skip
c.Autograde.autograde_preprocessors = [
    Execute, OnlyErrorsCount, IgnorePattern, ClearMetadataPreprocessor, LimitOutput,
    SaveAutoGrades, AssignLatePenalties, CheckCellMetadata,
]  # fmt: skip
