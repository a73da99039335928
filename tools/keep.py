"""What students wrote is theirs: a filled notebook is recognised, and never written over unasked.

The builder leaves a mark in each notebook's metadata.  One whose cells no longer fit their mark
holds somebody's work, unless git has the very same file.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import nbformat


def mark(notebook) -> str:
    """What changes when somebody writes into a notebook or runs it."""
    cells = [(cell.cell_type, cell.source, cell.get("outputs", [])) for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()[:16]


def touched(path: Path) -> bool:
    """Whether a notebook holds somebody's own work: it is neither as built nor as committed."""
    try:
        notebook = nbformat.read(path, as_version=4)
        if notebook.metadata["cellkit"]["built"] == mark(notebook):
            return False
    except (KeyError, ValueError, AttributeError, nbformat.ValidationError):
        # of an older build, or no notebook at all
        pass
    git = ["git", "-C", str(path.parent)]
    known = subprocess.run([*git, "ls-files", "--error-unmatch", path.name], capture_output=True)
    same = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", path.name], capture_output=True)
    return bool(known.returncode or same.returncode)


def keep(notebooks: Path, folder: Path) -> list[Path]:
    """Move every notebook that holds somebody's work into a folder; where they are now."""
    moved = []
    for path in sorted(notebooks.glob("[0-9][0-9]_*.ipynb")):
        if touched(path):
            folder.mkdir(exist_ok=True)
            names = (f"{path.stem}{end}.ipynb" for end in ("", *(f"_{k}" for k in range(2, 100))))
            free = next(folder / name for name in names if not (folder / name).exists())
            moved.append(path.rename(free))
    return moved
