"""Where data sets lie: the user's folder, the download cache, the tiny sets of the package."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from cellkit.datasets.faults import need

_log = logging.getLogger(__name__)


def bundled(name: str) -> Path:
    """The folder of a tiny data set that travels with the package (or lies in the checkout)."""
    package = Path(__file__).resolve().parents[1]
    folders = [data / f"{name}_tiny" for data in (package / "data", package.parent / "data")]
    found = next((folder for folder in folders if folder.is_dir()), None)
    need(found, f"the tiny data set {name!r} was not found inside the installed package; install "
                "cellkit again from its wheel or a complete checkout.", FileNotFoundError)
    return found


def cache() -> Path:
    """The user's cache folder: $CELLKIT_CACHE, else where the system keeps such things."""
    import pooch

    try:
        return Path(os.environ.get("CELLKIT_CACHE") or pooch.os_cache("cellkit"))
    except (OSError, RuntimeError):  # a user without a home
        return Path(tempfile.gettempdir()) / "cellkit"


def find(name: str) -> Path:
    """Where a data set lies: $CELLKIT_DATA/<name>, else the download cache, else bundled."""
    given = os.environ.get("CELLKIT_DATA")
    if given and _holds_something(Path(given) / name):
        return Path(given) / name
    found = cache() / name if _holds_something(cache() / name) else bundled(name)
    if given:
        lacks = f"holds no {name}/" if os.path.isdir(given) else "is no folder"
        _log.warning("CELLKIT_DATA is %s, which %s; read instead is %s.", given, lacks, found)
    return found


def _holds_something(folder) -> bool:
    """Whether there is more than what a broken-off download leaves, which is hidden."""
    try:
        return any(path.name[0] != "." for path in folder.iterdir())
    except OSError:  # none, no folder, or one that nobody may look into
        return False
