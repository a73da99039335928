"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: What a system says when a disk, or a person's share of it, is full.
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


@contextmanager
def replacing(path) -> Iterator[Path]:
    """A temporary file (or folder) beside ``path`` that takes its name when the block ends well.

    Nobody ever sees half a file, and of two writers the last one wins.  A symbolic link stays
    one: what it points to is replaced.  Whatever ends the block, nothing temporary stays.

    Raises
    ------
    OSError
        The disk is full, whichever way the writer inside the block says so.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Cut, since a name may have 255 bytes only.
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # torch raises the latter, and gives no number
        free = shutil.disk_usage(path.parent).free
        if getattr(error, "errno", None) in FULL or (isinstance(error, RuntimeError) and not free):
            raise disk_full(path, free) from error
        raise
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        temporary.unlink(missing_ok=True)


def disk_full(path, free: int) -> OSError:
    """What to say, for a file that was to be written."""
    return OSError(
        errno.ENOSPC,
        f"the disk that holds {path.parent} is full ({free:,} bytes free), so {path.name} was not "
        "written; free some space, or choose another folder.",
    )
