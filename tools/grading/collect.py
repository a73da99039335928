"""Find what students handed in, whatever way it was collected."""

from __future__ import annotations

import json
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

BLANK = "raise NotImplementedError()"


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    Attributes
    ----------
    student : str
        As it stands in the csv: composed Unicode, without bytes that are no text, unique.
    notebook : Path or None
    remark : str
        What an instructor should know of how it was found.
    """

    student: str
    notebook: Path | None
    remark: str = ""


def submissions(folder: Path, name: str) -> list[Submission]:
    """All submissions of a lesson.

    Understood are nbgrader's ``STUDENT/NAME/NAME.ipynb``, ``STUDENT/NAME.ipynb`` (or any notebook
    there, for Colab writes "Copy of …" and browsers "… (1)"), and ``STUDENT.ipynb``.  Of several
    notebooks of one student the only one that is filled in counts, else the newest of those.
    """
    if not folder.is_dir():
        raise ValueError(f"no folder at {folder}; give the one that holds the submissions.")
    found: list[Submission] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            place = path / name if (path / name).is_dir() else path
            inside = [p for p in sorted(place.iterdir()) if is_notebook(p)]
            same = [p for p in inside if p.stem == name or name[:2] in p.name]
            found.append(Submission(readable(path.name), *chosen(same or inside)))
        elif is_notebook(path):
            found.append(Submission(readable(path.stem), path))
    if not found:
        raise ValueError(f"no submissions in {folder}; expected STUDENT/{name}.ipynb.")
    return told_apart(found)


def is_notebook(path: Path) -> bool:
    return path.suffix.lower() == ".ipynb" and path.is_file() and not path.name.startswith(".")


def readable(name: str) -> str:
    """A folder's name as text: composed, with a mark for each byte that is none."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))


def told_apart(found: list[Submission]) -> list[Submission]:
    """Students whose names look the same get a number, and a remark that says so."""
    known: dict[str, int] = {}
    apart = []
    for one in found:
        count = known[one.student] = known.get(one.student, 0) + 1
        if count > 1:
            remark = f"another submission bears the name {one.student}"
            one = Submission(f"{one.student} ({count})", one.notebook,
                             "; ".join(filter(None, (one.remark, remark))))
        apart.append(one)
    return apart


def chosen(notebooks: list[Path]) -> tuple[Path | None, str]:
    """The notebook to grade among several of one student, and a remark on the others."""
    if len(notebooks) < 2:
        return (notebooks[0], "") if notebooks else (None, "")
    filled = [p for p in notebooks if is_filled(p)]
    best = max(filled or notebooks, key=lambda p: p.stat().st_mtime)
    others = ", ".join(readable(p.name) for p in notebooks if p != best)
    why = "the only one filled in" if len(filled) == 1 else "the newest"
    return best, f"graded {readable(best.name)}, {why}; also there: {others}"


def is_filled(path: Path) -> bool:
    """Whether any exercise of a notebook has more than its blank."""
    try:
        cells = read(path)["cells"]
    except (ValueError, KeyError, TypeError):
        return False
    marked = [text(cell) for cell in cells
              if cell.get("metadata", {}).get("nbgrader", {}).get("solution")]
    if not marked:  # an editor dropped the marks
        return any(BLANK not in text(cell) for cell in cells if "# YOUR CODE HERE" in text(cell))
    return any(BLANK not in one for one in marked)


def text(cell: dict) -> str:
    return "".join(cell.get("source", ""))


def read(path: Path) -> dict:
    """A notebook's json, with or without a byte order mark.

    Raises
    ------
    ValueError
        It is none; the message says what the file is, as far as can be seen.
    """
    data = path.read_bytes()
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        if not data.strip():
            what = "an empty file"
        elif data.lstrip()[:1] == b"<":
            what = "a web page"
        elif data[:2] == b"PK":
            what = "a zip archive"
        else:
            what = "cut off or no json"
        raise ValueError(f"no notebook: {what}") from error
    if not isinstance(found, dict) or not isinstance(found.get("cells"), list):
        raise ValueError("no notebook: json without cells")
    return found
