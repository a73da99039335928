"""What a student has solved so far, in one small file beside the notebooks."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from cellkit.files import replacing

NAME = "progress.json"
DRIVE_FOLDER = "cellkit-course"  # not "cellkit": Python would take that for the package
STALE = 10.0  # seconds after which the lock of another writer is void


@dataclass
class Row:
    """What is kept of one exercise; never anything of a solution."""

    points: float = 0.0  # won
    tries: int = 0  # checks so far
    hints: int = 0  # rungs of the ladder shown
    mistake: str = ""  # the known mistake that the last check found
    solution: bool = False  # whether the solution was opened


def graded() -> bool:
    """Whether nbgrader runs the notebook; nothing is recorded then."""
    return "NBGRADER_EXECUTION" in os.environ


def record_file() -> tuple[Path, str]:
    """Where progress is kept, and a remark for the reader ("" on a laptop)."""
    if os.environ.get("CELLKIT_PROGRESS"):
        return Path(os.environ["CELLKIT_PROGRESS"]), ""
    if "google.colab" in sys.modules:
        drive = Path("/content/drive/MyDrive")
        if drive.is_dir():
            return drive / DRIVE_FOLDER / NAME, " (your Google Drive)"
        return Path("/content") / NAME, (
            " (this runtime only: Colab forgets it; mount your Drive before the lesson to keep it)"
        )
    return Path.cwd() / NAME, ""


def read_record() -> dict[str, Row]:
    """Exercise name → what is kept of it; {} where nothing is kept.

    A file that cannot be read is renamed to ``progress.damaged.json`` and one sentence says so.
    """
    file, _ = record_file()
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return {str(name): _row(row) for name, row in record["exercises"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        aside = file.with_name("progress.damaged.json")
        try:
            os.replace(file, aside)
            print(f"{file.name} could not be read; it was set aside as {aside.name} "
                  "and progress starts anew.")
        except OSError:
            print(f"{file} could not be read, so progress starts anew.")
        return {}


def _row(row):
    return Row(float(row["points"]), int(row["tries"]), int(row.get("hints", 0)),
               str(row.get("mistake", "")), bool(row.get("solution", False)))


def update_record(name: str, change) -> Row:
    """``change`` the row of one exercise, and keep it; another writer's rows survive.

    Where nothing can be kept, one sentence says so, and the changed row returns all the same.
    """
    file, _ = record_file()
    row = Row()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _alone(file):
            record = read_record()
            row = record.setdefault(name, row)
            change(row)
            rows = {key: _brief(value) for key, value in record.items()}
            with replacing(file) as draft:
                draft.write_text(json.dumps({"exercises": rows}, indent=1) + "\n",
                                 encoding="utf-8")
    except OSError as problem:
        print(f"Progress could not be kept in {file} ({problem.strerror}); the lesson goes on.")
        if row == Row():
            change(row)
    return row


def _brief(row):
    kept = asdict(row)
    return {key: kept[key] for key in kept if kept[key] or key in ("points", "tries")}


@contextlib.contextmanager
def _alone(file):
    """One writer at a time: a lock file beside it, which works on network drives too.

    A lock left behind by a kernel that was killed is void after some seconds.
    """
    lock = file.with_name(f"{file.name}.lock")
    end = time.monotonic() + 2 * STALE
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except OSError as problem:
            held = isinstance(problem, FileExistsError) or os.name == "nt"  # or being deleted
            if not held or time.monotonic() > end:
                raise
            with contextlib.suppress(OSError):
                if time.time() - lock.stat().st_mtime > STALE:
                    lock.unlink()
            time.sleep(0.01)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()
