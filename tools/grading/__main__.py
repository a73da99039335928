"""The command line: ``python -m tools.grading assignment | grade | feedback | export LESSON``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.grading import books
from tools.grading.feedback import feedback
from tools.grading.grade import grade
from tools.grading.handout import assignment, maximum
from tools.grading.sandbox import isolation
from tools.run_lesson import find


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser("python -m tools.grading", description=__doc__)
    parser.add_argument("what", choices=("assignment", "grade", "feedback", "export"))
    parser.add_argument("lesson", help="its number, e.g. 02")
    parser.add_argument("submitted", nargs="?", type=Path, help="folder of the submissions")
    parser.add_argument("--course", type=Path, default=Path("course"))
    parser.add_argument("--out", type=Path, help="default: COURSE/grades")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=20, help="for one submission")
    parser.add_argument("--student", action="append", default=[], help="grade this one alone")
    parser.add_argument("--exercise", action="append", default=[],
                        help="change the points of this one alone")
    parser.add_argument("--partial", action="store_true",
                        help="up to half the points of a wrong answer, by its right cases")
    parser.add_argument("--due", help="deadline, e.g. 2026-12-01T18:00")
    parser.add_argument("--penalty", type=float, default=0, help="percent for each day late")
    parser.add_argument("--format", choices=books.FORMATS, default=books.FORMATS[0])
    asked = parser.parse_args(arguments)
    out = asked.out or asked.course / "grades"
    try:
        solved = find(asked.lesson)
        name = solved.stem
        if asked.what == "assignment":
            released = assignment(solved, asked.course)
            print(f"Hand out {released}; solutions and hidden tests stay in {asked.course}/source.")
        elif asked.what == "feedback":
            pages = feedback(out, name)
            print(f"{len(pages)} pages in {pages[0].parent}, without hidden tests.")
        elif asked.what == "export":
            print(books.export(out / f"{name}.csv", asked.format, name))
        else:
            grade_all(asked, name, solved, out)
    except (ValueError, RuntimeError) as problem:
        sys.exit(str(problem))


def grade_all(asked, name: str, solved: Path, out: Path) -> None:
    if asked.submitted is None:
        raise ValueError("no submissions given; write for example SUBMITTED=submitted.")
    if not (asked.course / "source" / name).is_dir():
        assignment(solved, asked.course)
    exercises = maximum(asked.course / "source" / name / f"{name}.ipynb")
    due = None if asked.due is None else books.when(asked.due)
    book = books.Book(out / f"{name}.csv", exercises, asked.exercise, due, asked.penalty)
    print(isolation(), flush=True)

    def each(one):
        book.add(one)
        print(f"{one.student:<24} {sum(one.points.values()):>5g}  {one.remark}", flush=True)

    grade(name, asked.submitted, asked.course, out, asked.workers, asked.minutes,
          tuple(asked.student), asked.partial, each)
    print(f"Points of each exercise: {book.file}")


if __name__ == "__main__":
    main()
