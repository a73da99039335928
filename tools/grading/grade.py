"""Give every submission of a lesson its points, each in a process of its own."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from cellkit.files import replacing
from tools.grading.collect import Submission, read, submissions
from tools.grading.handout import maximum, nbgrader, plain_cells, write
from tools.grading.sandbox import Ended, isolated

ROOT = Path(__file__).resolve().parents[2]
#: What no submission needs to see of this repository.
ANSWERS = (ROOT / "notebooks" / "source", ROOT / "notebooks" / "solutions", ROOT / "tests")


@dataclass
class Grade:
    """What one submission got."""

    student: str
    remark: str = "graded"
    points: dict[str, float] = field(default_factory=dict)  # exercise → points
    handed_in: float | None = None  # seconds since 1970, by the file's own time


def grade(name: str, folder: Path, course: Path, out: Path, workers: int = 1,
          minutes: float = 20, only: tuple[str, ...] = (), partial: bool = False,
          each: Callable[[Grade], None] = lambda grade: None) -> list[Grade]:
    """Grade the submissions of a lesson.

    Parameters
    ----------
    name : str
        The lesson, e.g. "02_unet_from_scratch"; it was written into ``course`` before.
    folder : Path
        See :func:`tools.grading.collect.submissions`.
    out : Path
        Gets, under ``notebooks/NAME``, each submission as it ran, or a log.
    workers : int
        Submissions graded side by side.
    minutes : float
        What one submission may take in all.
    only : tuple of str
        Students to grade; empty: all.
    partial : bool
        A wrong answer gets up to half the points, by the share of cases that it is right on.
    each : callable
        Told of every grade as soon as it is there.
    """
    source = course / "source" / name / f"{name}.ipynb"
    if not source.exists():
        raise ValueError(f"{name} is not in {course}; run: make assignment LESSON={name[:2]}")
    found = submissions(folder, name)
    if unknown := set(only) - {one.student for one in found}:
        raise ValueError(f"no submission of {', '.join(sorted(unknown))} in {folder}; there are "
                         f"{', '.join(one.student for one in found)}.")
    found = [one for one in found if not only or one.student in only]
    exercises = maximum(source)
    hidden = (course, folder, out, *ANSWERS)
    with tempfile.TemporaryDirectory(prefix="cellkit-grade-") as scratch:
        clean = prepared(Path(scratch) / "clean", name, course)

        def one(number, submission):
            home = Path(scratch) / f"{number:04d}"
            away = tuple(f for f in hidden if f.resolve() not in home.resolve().parents)
            return grade_one(submission, name, exercises, clean, home, out, minutes, away, partial)

        with ThreadPoolExecutor(workers) as pool:
            waiting = [pool.submit(one, *pair) for pair in enumerate(found)]
            for done in as_completed(waiting):
                each(done.result())
        return [done.result() for done in waiting]


def prepared(clean: Path, name: str, course: Path) -> Path:
    """A course folder that knows the lesson and no student, and no longer its source."""
    shutil.copytree(course / "source" / name, clean / "source" / name,
                    copy_function=shutil.copyfile)
    for rules in course.glob("*nbgrader*.py"):
        shutil.copyfile(rules, clean / rules.name)
    done = nbgrader(clean, "generate_assignment", name, "--force")
    if done.returncode:
        raise RuntimeError(f"nbgrader could not read the lesson:\n{done.stdout[-3000:]}")
    write(clean / "cellkit_plain_cells.json",
          plain_cells(clean / "release" / name / f"{name}.ipynb"))
    shutil.rmtree(clean / "release", onerror=_unlock)
    for notebook in (clean / "source").rglob("*.ipynb"):  # what grading needs is in the gradebook
        notebook.unlink()
    return clean


def grade_one(submission: Submission, name, exercises, clean, home, out, minutes,
              hidden, partial=False) -> Grade:
    """Grade one submission in a course folder, and a process, of its own."""
    result = Grade(submission.student)
    kept = out / "notebooks" / name / f"{submission.student.replace('/', '_')}.ipynb"
    for old in (kept, kept.with_suffix(".log")):
        old.unlink(missing_ok=True)
    if submission.notebook is None:
        result.remark = "no notebook: not graded"
        return result
    result.handed_in = submission.notebook.stat().st_mtime
    try:
        notebook = read(submission.notebook)
        shutil.copytree(clean, home)
        place = home / "submitted" / "student" / name
        place.mkdir(parents=True)
        (place / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        ended = isolated(home, name, 60 * minutes, hidden)
    except (OSError, ValueError) as problem:
        result.remark = f"{getattr(problem, 'strerror', None) or problem}: not graded"
        return result
    graded = home / "autograded" / "student" / name / f"{name}.ipynb"
    if ended.status == 0 and not ended.late and graded.exists():
        put(graded, kept)
        result.points = read_points(home / "gradebook.db", name, exercises)
        ran = nbformat.read(graded, as_version=4)
        result.remark = seen_in(ran) or "graded"
        if partial:
            add_part(result.points, ran, exercises)
    else:
        write(kept.with_suffix(".log"), ended.said)
        result.remark = f"{why(ended, minutes)}: 0 points, see notebooks/{name}/{kept.stem}.log"
    if submission.remark:
        result.remark += f"; {submission.remark}"
    shutil.rmtree(home, onerror=_unlock)
    return result


def add_part(points: dict[str, float], notebook, exercises) -> None:
    """Half the points at most, by what a check or a hidden test says of a wrong answer's cases."""
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("-check")
        for output in cell.get("outputs", ()):
            told = output.output_type == "error" and output.ename == "NotRight" and re.search(
                r"Right on (\d+) of (\d+) cases", output.evalue)
            if told and name in exercises and not points.get(name):
                points[name] = round(exercises[name] / 2 * int(told[1]) / int(told[2]), 2)


def put(file: Path, target: Path) -> None:
    """Copy a file's content, not its mode: nbgrader leaves files that nobody may write."""
    with replacing(target) as draft:
        shutil.copyfile(file, draft)


def _unlock(function, path, _):
    Path(path).parent.chmod(0o700)
    Path(path).chmod(0o700)
    function(path)


def why(ended: Ended, minutes: float) -> str:
    """What ended a run that gave no grade, in words."""
    said = ended.said
    if ended.late:
        return f"stopped after {minutes:g} minutes"
    if ended.status < 0 or ended.status in (134, 137):
        return f"killed by the system (signal {-ended.status % 128}), perhaps for want of memory"
    causes = {
        "DeadKernelError": "the kernel died in a cell (it ended itself, or ran out of memory)",
        "MemoryError": "out of memory",
        "No space left on device": "no space left on this disk",
        "File too large": "a cell wrote a file that is too large",
        "Timeout waiting for IOPub": "a cell could not be interrupted",
        "NotJSONError": "no notebook: cut off or no json",
        "ValidationError": "no notebook that nbformat can read",
        "Kernel didn't respond": "no kernel could be started",
    }
    for word, cause in causes.items():
        if word in said:
            return cause
    return f"nbgrader ended with status {ended.status}"


def seen_in(notebook) -> str:
    """What an instructor should know of a run that was graded; "" if nothing."""
    for cell in notebook.cells:
        errors = [o for o in cell.get("outputs", ()) if o.output_type == "error"]
        mark = cell.metadata.get("nbgrader", {})
        if errors and mark.get("grade_id") == "set-up":
            return (f"graded, but the set-up cell failed ({errors[0].ename}: "
                    f"{errors[0].evalue[:80]}), so little else could work")
        if errors and errors[0].ename in ("CellTimeoutError", "KeyboardInterrupt"):
            return "graded; at least one cell never ended and was stopped"
    return ""


def read_points(gradebook: Path, name: str, exercises) -> dict[str, float]:
    """The points nbgrader wrote down for the only student of a gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{gradebook}") as book:
        submission = book.find_submission_notebook(name, name, "student")
        won = {g.cell.name.removesuffix("-check"): g.auto_score or 0.0 for g in submission.grades}
    return {exercise: won.get(exercise, 0.0) for exercise in exercises}
