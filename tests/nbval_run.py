"""Run one notebook under nbval, in a process and a folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import nbformat


def nbval(
    python: str | Path, notebook: Path, strict: bool, cell_seconds: float = 600, **env: str
) -> tuple[bool, str, float]:
    """Whether every code cell of a notebook passed, what was printed, and the seconds.

    Parameters
    ----------
    python : path
        The interpreter that runs pytest and the kernel.
    notebook : Path
        Runs in the folder it lies in, which is where it may write.
    strict : bool
        Solved notebooks: anything but a right exercise raises.
    cell_seconds : float
        What one cell may take.  A cell that takes longer is interrupted; nbval then excuses the
        cells after it, and the cell itself where it catches the interrupt, so that only counting
        the passed cells shows it.
    **env
        More environment variables.  None that begins with CELLKIT_ or PYTEST_ is inherited.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("CELLKIT_", "PYTEST_"))}
    ours = {
        "CELLKIT_PROFILE": "tiny",
        "CELLKIT_PROGRESS": str(notebook.parent / "progress.json"),
        "PY_COLORS": "0",
    }
    if strict:
        ours["CELLKIT_STRICT"] = "1"
    began = time.perf_counter()
    done = subprocess.run(
        [python, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-q", "-x",
         f"--nbval-cell-timeout={cell_seconds}", "-p", "no:cacheprovider",
         "--rootdir", notebook.parent, "-c", os.devnull, notebook],
        cwd=notebook.parent, env=inherited | ours | env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
    )  # fmt: skip
    seconds = time.perf_counter() - began
    cells = nbformat.read(notebook, as_version=4).cells
    count = sum(cell.cell_type == "code" for cell in cells)
    passed = re.search(rf"^{count} passed(, \d+ warnings?)? in ", done.stdout, re.M)
    return done.returncode == 0 and passed is not None, done.stdout, seconds
