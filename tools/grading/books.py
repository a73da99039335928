"""The points of a class as csv: ours, Moodle's, Canvas's."""

from __future__ import annotations

import csv
import unicodedata
from datetime import datetime
from pathlib import Path

from cellkit.files import replacing
from tools.grading.grade import Grade

FORMATS = ("moodle", "canvas")


class Book:
    """One lesson's csv, a row a student, written anew with every grade.

    Parameters
    ----------
    file : Path
    exercises : dict of str -> float
        Exercise -> the points it has.
    columns : tuple of str
        Exercises to write; the others keep what the file has.  Empty: all.
    due : datetime, optional
        Later work gets its hours in a column; with ``penalty`` also fewer points.
    penalty : float
        Percent of the points, for each day begun.
    """

    def __init__(self, file: Path, exercises: dict[str, float], columns=(), due=None,
                 penalty: float = 0.0):
        if unknown := set(columns) - set(exercises):
            raise ValueError(f"no exercise {', '.join(sorted(unknown))}; this lesson has "
                             f"{', '.join(exercises)}.")
        self.file, self.exercises = file, exercises
        self.columns, self.due, self.penalty = tuple(columns) or tuple(exercises), due, penalty
        self.rows = {row["student"]: row for row in read(file)}

    def add(self, grade: Grade) -> None:
        student = safe(grade.student)
        old = self.rows.get(student, {})
        points = {e: grade.points.get(e, 0.0) if e in self.columns else float(old.get(e) or 0)
                  for e in self.exercises}
        row = {"student": student, **points, "points": sum(points.values()),
               "of": sum(self.exercises.values())}
        if self.due is not None:
            hours = max(0.0, ((grade.handed_in or 0) - self.due.timestamp()) / 3600)
            days = -(-hours // 24)
            row["hours late"] = round(hours, 1)
            row["points after lateness"] = round(
                row["points"] * max(0.0, 1 - days * self.penalty / 100), 2)
        self.rows[student] = row | {"remark": safe(grade.remark)}
        self.write()

    def write(self) -> None:
        head: dict[str, None] = {}
        for row in self.rows.values():
            head |= dict.fromkeys(row)
        head = [*(name for name in head if name != "remark"), "remark"]
        with replacing(self.file) as draft:
            with draft.open("w", encoding="utf-8", newline="") as file:
                table = csv.DictWriter(file, head, restval="")
                table.writeheader()
                table.writerows(self.rows[name] for name in sorted(self.rows))


def read(file: Path) -> list[dict]:
    if not file.is_file():
        return []
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = unicodedata.normalize("NFC", text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def export(file: Path, form: str, name: str) -> Path:
    """The csv that Moodle or Canvas imports, beside ours; students by their folder's name.

    Moodle: match "Username" (or change the column's title to what your folders are named by).
    Canvas: "SIS Login ID"; Canvas wants its own columns, of which it needs no more than these.
    """
    rows = read(file)
    if not rows:
        raise ValueError(f"there are no grades in {file}; run: make grade LESSON={name[:2]}")
    total = "points after lateness" if "points after lateness" in rows[0] else "points"
    if form == "moodle":
        table = [["Username", name], *([r["student"], r[total]] for r in rows)]
    else:
        table = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", name],
                 ["    Points Possible", "", "", "", "", rows[0]["of"]],
                 *([r["student"], "", "", r["student"], "", r[total]] for r in rows)]
    target = file.with_name(f"{name}-{form}.csv")
    with replacing(target) as draft:
        with draft.open("w", encoding="utf-8", newline="") as lines:
            csv.writer(lines).writerows(table)
    return target


def when(text: str) -> datetime:
    """A deadline, e.g. ``2026-12-01T18:00``; without a zone it is this machine's."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"the deadline is {text!r}, expected e.g. 2026-12-01T18:00.") from error
