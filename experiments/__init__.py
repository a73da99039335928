"""What is run once to make a number or a file; not in the wheel."""

import subprocess
from importlib.metadata import version
from pathlib import Path


def code_version() -> str:
    """The commit, where the code lies in a git repository, else the package's version."""
    try:
        asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True,
                               text=True, check=True, cwd=Path(__file__).parent)
        return asked.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return f"cellkit {version('cellkit')}"
