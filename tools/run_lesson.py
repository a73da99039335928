"""Run one solved lesson without a browser and leave a page to read.

``python -m tools.run_lesson 02`` executes ``solutions/02_*.ipynb`` in a fresh folder and writes
``build/lessons/02_….ipynb`` and ``.html``, also when a cell fails: then up to that cell, and the
exit status is 1.  CELLKIT_DATA and CELLKIT_PROFILE say on what and how much (default: standard).
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import cellkit as ck
from cellkit.files import replacing

ROOT = Path(__file__).resolve().parent.parent


def find(lesson: str) -> Path:
    """The solved notebook of a lesson named by its number or its name.

    Raises
    ------
    ValueError
        When there is no such lesson.
    """
    solved = sorted((ROOT / "notebooks" / "solutions").glob("[0-9][0-9]_*.ipynb"))
    number = f"{int(lesson):02d}" if lesson.isdecimal() else lesson
    for path in solved:
        if number in (path.stem, path.stem[:2]):
            return path
    known = ", ".join(path.stem[:2] for path in solved) or "none"
    raise ValueError(f"no lesson {lesson!r}; built are {known}. Write for example LESSON=02.")


def settle(outputs: list) -> list:
    """What a screen shows in the end: pieces of text joined, overwritten lines gone."""
    settled = []
    for output in outputs:
        last = settled[-1] if settled else None
        if output.output_type == "stream" and last and last.get("name") == output.name:
            last.text += output.text
        else:
            settled.append(output)
    for output in settled:
        if output.output_type == "stream":  # a progress bar begins its line anew
            output.text = re.sub(r"[^\n]*\r(?!\n)", "", output.text)
    return settled


def fingerprint(notebook) -> str:
    """What tells whether a lesson must be run again: its code, not its words."""
    text = "\0".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(text.encode()).hexdigest()


def real_data() -> list[str]:
    """The data sets that a lesson finds as real pictures on this machine now."""
    names = [name for name in ck.datasets.READERS if name != "folder"]
    return [name for name in names if ck.datasets.find(name) != ck.datasets.bundled(name)]


def core_seconds(client: NotebookClient) -> float:
    """Seconds of one core that a kernel and its children have used: no other load moves them."""
    used = psutil.Process(client.km.provisioner.pid).cpu_times()
    return used.user + used.system + used.children_user + used.children_system


def run(path: Path, out: Path, page: bool = True) -> bool:
    """Execute a notebook, write it and its page under ``out``, and say whether it reached the end.

    The notebook's ``metadata.cellkit`` says what it was run on: profile, real data sets, date,
    minutes, whether it is complete, and the version of the lesson.

    Each code cell is announced with its first line of code, and its seconds once it has run.
    """
    notebook = nbformat.read(path, as_version=4)
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    begun, worked = {}, {}

    def start(cell, cell_index):
        if cell.cell_type == "code":
            lines = (line for line in cell.source.split("\n") if line and line[0] != "#")
            print(f"[{len(begun) + 1:>3}/{total}] {next(lines, '')[:70]}", end="", flush=True)
            begun[cell_index] = time.perf_counter()
            worked[cell_index] = core_seconds(client)

    def stop(cell, cell_index, **_):
        if cell_index in begun:
            print(f"  {time.perf_counter() - begun[cell_index]:.1f} s", flush=True)
            cell.metadata["core_seconds"] = round(core_seconds(client) - worked[cell_index], 2)

    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        on_cell_start=start,
        on_cell_executed=stop,
    )
    began = time.perf_counter()
    failure = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            client.execute(cwd=folder)
        except CellExecutionError as error:
            failure = error
    minutes = (time.perf_counter() - began) / 60
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = settle(cell.outputs)
    notebook.metadata["cellkit"] = {
        "source": fingerprint(nbformat.read(path, as_version=4)),
        "profile": os.environ.get("CELLKIT_PROFILE", "standard"),
        "data": real_data(),
        "date": datetime.date.today().isoformat(),
        "minutes": round(minutes, 2),
        "complete": failure is None,
    }
    with replacing(out / path.name) as part:
        part.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    told = f"{path.stem}: {minutes:.1f} minutes"
    if page:
        from tools import site

        told += f", to read: {site.lesson(path, notebook, out)}"
    print(told)
    if failure is not None:
        print(f"It did not reach the end.\n{failure}", file=sys.stderr)
    return failure is None


def main() -> int:
    parser = argparse.ArgumentParser(description="Run one solved lesson, leave a page to read.")
    parser.add_argument("lesson", help="its number or name, e.g. 02")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "lessons")
    parser.add_argument("--no-page", action="store_true", help="only the executed notebook")
    told = parser.parse_args()
    if os.environ.get("CELLKIT_DATA"):  # relative to where the command was given, not to the kernel
        os.environ["CELLKIT_DATA"] = str(Path(os.environ["CELLKIT_DATA"]).resolve())
    os.environ.setdefault("CELLKIT_PROFILE", "standard")
    os.environ.setdefault("CELLKIT_STRICT", "1")
    try:
        return not run(find(told.lesson), told.out.resolve(), not told.no_page)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
