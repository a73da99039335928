"""Where the course lives: the one line of pyproject.toml, and every address built from it.

``make publish REPO=owner/name`` writes that line and builds whatever repeats it: badges, links and
install lines of the notebooks and the README.  ``make release`` refuses the placeholder.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from cellkit.files import replacing

ROOT = Path(__file__).resolve().parent.parent
GITHUB = "https://github.com/"
PLACEHOLDER = GITHUB + "/".join(("OWNER", "REPO"))


def repository(root: Path = ROOT) -> str:
    """The repository's address, without a slash at its end: one line of pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"].rstrip("/")


def published(root: Path = ROOT) -> bool:
    """Whether the line holds a real address."""
    return repository(root) != PLACEHOLDER


def site(root: Path = ROOT) -> str:
    """The address of the course's pages."""
    owner, name = repository(root).removeprefix(GITHUB).split("/")
    return f"https://{owner.lower()}.github.io/{name}"


def file(path: str, root: Path = ROOT) -> str:
    """The address of a file's bytes, for a picture that Colab has to find."""
    return f"https://raw.githubusercontent.com/{repository(root).removeprefix(GITHUB)}/main/{path}"


def colab(path: str, root: Path = ROOT) -> str:
    """The address that opens a notebook of the repository on Colab."""
    return f"https://colab.research.google.com/github/{repository(root).removeprefix(GITHUB)}/blob/main/{path}"


def publish(repo: str, root: Path = ROOT) -> None:
    """Write the address into pyproject.toml.

    Raises
    ------
    ValueError
        For anything but owner/name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[\w.-]+", repo) or GITHUB + repo == PLACEHOLDER:
        raise ValueError(f"REPO is {repo!r}, expected owner/name as on GitHub; "
                         "write for example: make publish REPO=your-name/cellkit")
    path = root / "pyproject.toml"
    text, lines = re.subn(r'^(Repository = )".*"$', rf'\1"{GITHUB}{repo}"',
                          path.read_text(encoding="utf-8"), flags=re.M)
    assert lines == 1
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def main() -> int:
    """``publish owner/name`` or ``refuse``."""
    what, *rest = sys.argv[1:] or ["refuse"]
    if what == "refuse":
        if published():
            return 0
        print("pyproject.toml still holds a placeholder for the repository's address: badges and "
              "links would lead nowhere. First: make publish REPO=owner/name", file=sys.stderr)
        return 1
    try:
        publish(rest[0] if rest else "")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    done = subprocess.run([sys.executable, "-m", "tools.builder"], cwd=ROOT)
    print(f"Published as {repository()}; the pages will be at {site()}. Now look at `git diff`, "
          "commit and push, and switch on Pages (Settings, Pages, Source: GitHub Actions).")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
