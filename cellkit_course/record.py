"""What a student has solved so far, in one small file beside the notebooks."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from cellkit.files import replacing

NAME = "progress.json"


def record_file() -> tuple[Path, str]:
    """Where progress is kept, and a remark for the reader ("" on a laptop)."""
    if os.environ.get("CELLKIT_PROGRESS"):
        return Path(os.environ["CELLKIT_PROGRESS"]), ""
    if "google.colab" in sys.modules:
        drive = Path("/content/drive/MyDrive")
        if drive.is_dir():
            return drive / "cellkit" / NAME, " (your Google Drive)"
        return Path("/content") / NAME, (
            " (this runtime only: Colab forgets it; mount your Drive before the lesson to keep it)"
        )
    return Path.cwd() / NAME, ""


def read_record() -> dict:
    """Exercise name -> {"points": points won, "tries": checks so far}; {} where nothing is kept.

    A file that cannot be read is renamed to ``progress.damaged.json`` and one sentence says so.
    """
    file, _ = record_file()
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return {
            str(name): {"points": float(row["points"]), "tries": int(row["tries"])}
            for name, row in record["exercises"].items()
        }
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


def write_record(name: str, points: float) -> None:
    """Count one more try at an exercise; points once won stay won."""
    record = read_record()
    row = record.get(name, {"points": 0.0, "tries": 0})
    record[name] = {"points": max(row["points"], points), "tries": row["tries"] + 1}
    file, _ = record_file()
    try:
        with replacing(file) as draft:
            draft.write_text(json.dumps({"exercises": record}, indent=1) + "\n", encoding="utf-8")
    except OSError as problem:
        print(f"Progress could not be kept in {file} ({problem.strerror}); the lesson goes on.")
