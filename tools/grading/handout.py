"""Write a lesson into an nbgrader course folder, for students to fill in."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat

from cellkit.files import replacing

CONFIG = Path(__file__).with_name("nbgrader_config.py")
#: nbgrader's command line.  jsonschema would compile a grammar of web addresses first, which takes
#: longer than all the rest and which no notebook needs.
NBGRADER = (sys.executable, "-c", (
    "import sys; sys.modules['rfc3987_syntax'] = None\n"
    "from nbgrader.apps.nbgraderapp import main; main()"
))  # fmt: skip
#: The mark of the set-up cell: nbgrader restores it, whatever a student made of it.
SETUP_MARK = {"grade": False, "grade_id": "set-up", "locked": True, "schema_version": 3,
              "solution": False, "task": False}


def assignment(solved: Path, course: Path) -> Path:
    """Write a lesson into a course folder, new or not; return the notebook to hand out.

    Points that an instructor changed in ``course/source`` stay as they are, and are told.

    Parameters
    ----------
    solved : Path
        The solved notebook, e.g. ``notebooks/solutions/02_unet_from_scratch.ipynb``.
    course : Path
        An nbgrader course folder.  Where it has no ``nbgrader_config.py`` it gets ours; where it
        has one, ours is put beside it as ``cellkit_nbgrader.py``, for a line there to load.

    Raises
    ------
    RuntimeError
        Where nbgrader cannot make the release version.
    """
    name = solved.stem
    course.mkdir(parents=True, exist_ok=True)
    ours, rules = course / "nbgrader_config.py", CONFIG.read_text(encoding="utf-8")
    if ours.exists() and ours.read_text(encoding="utf-8") != rules:
        write(course / "cellkit_nbgrader.py", rules)
        if "cellkit_nbgrader.py" not in ours.read_text(encoding="utf-8"):
            print(f"{ours} is your own; let it end with\n"
                  '    exec(open("cellkit_nbgrader.py", encoding="utf-8").read())')
    else:
        write(ours, rules)
    notebook = nbformat.read(solved, as_version=4)
    source = course / "source" / name / f"{name}.ipynb"
    changed, setup = own_points(source) if source.exists() else {}, None
    for cell in notebook.cells:
        if cell.cell_type == "markdown":  # a hand-out leads to the student's notebook
            cell.source = cell.source.replace("/notebooks/solutions/", "/notebooks/")
        elif "import cellkit as ck" in cell.source and setup is None:
            setup = cell
            cell.metadata["nbgrader"] = dict(SETUP_MARK)
        mark = cell.metadata.get("nbgrader", {})
        if mark.get("grade"):
            mine = mark["points"]
            # What the lesson says, beside the points, tells later which of them were changed.
            cell.metadata["cellkit_points"] = mine
            if mark["grade_id"] in changed:
                mark["points"] = changed[mark["grade_id"]]
                print(f"{mark['grade_id'].removesuffix('-check')}: {mark['points']:g} points, as "
                      f"you set them in {source} (the lesson: {mine:g}).")
    write(source, nbformat.writes(notebook) + "\n")
    done = nbgrader(course, "generate_assignment", name, "--force")
    released = course / "release" / name / f"{name}.ipynb"
    if done.returncode or not released.exists():
        raise RuntimeError(f"nbgrader could not make the release version:\n{done.stdout[-3000:]}")
    return released


def own_points(source: Path) -> dict[str, float]:
    """Points in a course's source that are not the lesson's: mark -> points."""
    changed = {}
    for cell in nbformat.read(source, as_version=4).cells:
        mark, lesson = cell.metadata.get("nbgrader", {}), cell.metadata.get("cellkit_points")
        if mark.get("grade") and lesson is not None and mark["points"] != lesson:
            changed[mark["grade_id"]] = mark["points"]
    return changed


def maximum(source: Path) -> dict[str, float]:
    """Exercise -> the points it has."""
    cells = nbformat.read(source, as_version=4).cells
    marks = [cell.metadata.get("nbgrader", {}) for cell in cells]
    return {m["grade_id"].removesuffix("-check"): m["points"] for m in marks if m.get("grade")}


def plain_cells(released: Path) -> str:
    """The code cells that a student need not touch, as hashes (json): see nbgrader_config.py."""
    cells = nbformat.read(released, as_version=4).cells
    return json.dumps([hashlib.sha256(cell.source.strip().encode()).hexdigest() for cell in cells
                       if cell.cell_type == "code" and "nbgrader" not in cell.metadata])


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def nbgrader(course: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run one nbgrader command in a course folder."""
    return subprocess.run(
        [*NBGRADER, *arguments], cwd=course, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
        env={**os.environ, "PATH": search_path()},
    )


def search_path() -> str:
    """PATH with this Python's own programs in front: nbgrader calls alembic by its name."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
