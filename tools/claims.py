"""List the claims of executed lessons, and which of them the numbers did not bear out.

``python -m tools.claims build/lessons/02_*.ipynb`` reads what ``tools.run_lesson`` has written.
A claim that does not hold is no fault: the lesson then says the other sentence.  But a sentence
that few readers ever see is one to rewrite.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import nbformat

from cellkit_course.claims import METADATA


def found(notebook) -> list[dict]:
    """The claims of an executed notebook, in their order: holds, so, otherwise, said."""
    return [
        dict(output.metadata[METADATA])
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if METADATA in output.get("metadata", {})
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="List the claims of executed lessons.")
    parser.add_argument("executed", nargs="+", type=Path)
    for path in parser.parse_args().executed:
        listed = found(nbformat.read(path, as_version=4))
        print(f"{path.stem}: {sum(c['holds'] for c in listed)} of {len(listed)} claims hold")
        for one in listed:
            print("  holds " if one["holds"] else "  FAILS ", one["said"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
