"""Getting a file over a bad line: resumed, verified, unpacked safely, or not there at all.

A transfer goes on where the last one broke off, be it seconds or days ago, changes to the next
address where one fails, and takes its name only after its bytes were verified.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import os
import re
import shutil
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cellkit.datasets.connection import (
    Beyond,
    Pace,
    Unavailable,
    ask,
    chunks,
    content_range,
    look_at,
    reason,
)  # fmt: skip
from cellkit.datasets.decoders import is_whole_tiff
from cellkit.datasets.faults import looks_like, need
from cellkit.datasets.registry import File
from cellkit.files import FULL, disk_full

#: How often an address is asked again without getting a byte further.
TRIES = 4
#: Seconds before it is asked again, doubled each time.
PAUSE = 0.5

def fetch(file: File, folder, timeout: float = 30, quiet=False, again=False) -> Path:
    """Download one file into a folder, unless it is there.

    Parameters
    ----------
    file : File
    folder : path
    timeout : float
        Seconds without progress after which an address is given up.
    quiet, again : bool
        Show no progress bar; bring the file even if it is there.

    Returns
    -------
    Path
        The verified file.

    Raises
    ------
    ConnectionError
        No address could be reached; says where to put the file by hand.
    ValueError
        Every address gave something else than the file that is registered.
    OSError
        The disk is full, or the folder cannot be written.
    """
    place = Path(folder) / file.name
    part = place.with_name(f".{place.name}.part")
    if again:
        _forget(part)
    elif place.is_file():
        wrong = whats_wrong(place, file)
        need(not wrong, lambda: (
            f"{place} is not the file that is registered: {wrong}; it is incomplete or another "
            "version, delete it to download it again, or say again=True."
        ))  # fmt: skip
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    failures, reached = [], False
    for address in file.addresses:
        try:
            _pull(address, part, file, timeout, quiet)
        except OSError as error:
            if error.errno in FULL:
                _forget(part)
                raise disk_full(place, shutil.disk_usage(place.parent).free) from None
            if isinstance(error, PermissionError):
                raise
            failures.append(f"{_host(address)}: {reason(error)}")
            reached = reached or isinstance(error, Unavailable)
            continue
        wrong = whats_wrong(part, file)
        if not wrong:
            os.replace(part, place)
            _forget(part)
            return place
        _forget(part)  # of no use for going on
        failures.append(f"{_host(address)}: {wrong}")
        reached = True
    told = "; ".join(failures)
    by_hand = (
        f"put {place.name} (from {file.addresses[0]}) into {place.parent} by hand, and it will be "
        "found."
    )
    need(not reached,
         f"{file.name} could not be downloaded ({told}); try again later, or {by_hand}")
    raise ConnectionError(
        f"no connection, so {file.name} was not downloaded ({told}); connect and call again (it "
        f"goes on where it stopped), or {by_hand}"
    )


def whats_wrong(place, file: File) -> str:
    """How a file on disk differs from the registered one, in words; empty if it does not.

    Size and hash are compared where they are known.  Without a hash each kind of file is looked
    into: a zip archive must pass its own checksums, json must have its end, and so on.
    """
    place, size = Path(place), Path(place).stat().st_size
    with open(place, "rb") as stream:
        head = stream.read(512)
        stream.seek(max(0, size - 64))
        tail = stream.read().strip()
    if "web page" in looks_like(head):
        return f"it is {looks_like(head)}"
    if file.size is not None and size != file.size:
        return f"it has {size:,} bytes, expected {file.size:,}"
    if file.hash:
        kind, _, wanted = file.hash.partition(":")
        with open(place, "rb") as stream:
            found = hashlib.file_digest(stream, kind).hexdigest()
        return "" if found == wanted else f"its {kind} is {found}, expected {wanted}"
    try:
        match Path(file.name).suffix.lower():
            case ".zip":
                with zipfile.ZipFile(place) as archive:
                    damaged = archive.testzip()
                return f"{damaged} in it is damaged" if damaged else ""
            case ".json":
                return "" if tail.endswith(b"}") else "its json breaks off"
            case ".csv":
                return "" if b"," in head and b"\0" not in head else "it is no table"
            case ".h5" if not head.startswith(b"\x89HDF"):
                return "it is no HDF5 file"
            case ".tif" | ".tiff" if not is_whole_tiff(place):
                return "it is no complete TIFF file"
    except Exception as error:  # each packing method has its own kinds
        return f"it is no complete zip archive ({error})"
    return "" if size else "it is empty"


@contextmanager
def alone(folder, waiting=print) -> Iterator[None]:
    """Let no other process download into this folder meanwhile; wait until it is our turn.

    The lock is the operating system's, so it ends with the process that holds it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".download.lock", "a+b") as lock:
        told = False
        while not _lock(lock):
            if not told:
                waiting(f"another process is downloading into {folder}; waiting for it.")
                told = True
            time.sleep(0.2)
        yield


# ---------------------------------------------------------------- one address


def _pull(address, part, file, timeout, quiet):
    """Bring the part to its full length from one address, however often the line breaks."""
    furthest, failed, pace = _size(part), 0, Pace(timeout)
    while True:
        try:
            pace()
            return _stream(address, part, file, pace, quiet)
        except (Unavailable, PermissionError):
            raise
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise
            # A line that breaks again and again is followed as long as it brings more bytes; one
            # that trickles is not.
            further = _size(part) > furthest and not isinstance(error, TimeoutError)
            failed = 0 if further else failed + 1
            furthest = max(furthest, _size(part))
            if max(failed, pace.slow) >= TRIES:
                raise OSError(reason(error)) from None
            time.sleep(PAUSE * 2 ** (failed - 1) if failed else 0)


def _stream(address, part, file, pace, quiet):
    """Ask once, for what the part lacks, and write what comes."""
    have, begun, note = _size(part), _noted(part), part.with_name(f"{part.name}.from")
    headers = {}
    if begun.get("address") != address:  # never glue two copies together
        have = 0
    if have:
        headers["Range"] = f"bytes={have}-"
        if begun.get("stamp"):
            headers["If-Range"] = begun["stamp"]
    try:
        answer = ask(address, headers, pace.timeout)
    except Beyond as error:  # all bytes are here, or the file is another one now
        if error.total == have:
            return
        _forget(part)
        raise OSError("the file has changed there") from None
    with answer:
        look_at(answer)
        length = answer.headers.get("Content-Length") or ""
        if answer.status == 206:
            start, total = content_range(answer)
            if start != have or total != begun.get("total", total):
                _forget(part)
                raise OSError("the file has changed there")
        else:  # the server knows no ranges, or the file has changed: from the beginning
            have, total = 0, int(length) if re.fullmatch("[0-9]{1,18}", length) else None
        if total is not None and file.size is not None and total != file.size:
            raise Unavailable(f"it offers {total:,} bytes, expected {file.size:,}")
        if total is not None and total - have > shutil.disk_usage(part.parent).free:
            raise OSError(errno.ENOSPC, "too little space")
        stamp = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        begun = {"address": address, "stamp": "" if stamp.startswith("W/") else stamp}
        note.write_text(json.dumps(begun | ({"total": total} if total else {})), encoding="utf-8")
        with open(part, "r+b" if have else "wb") as sink, _bar(file, total, have, quiet) as bar:
            sink.seek(have)
            for chunk in chunks(answer, pace):
                sink.write(chunk)
                bar.update(len(chunk))
                have += len(chunk)
    if total is not None and have < total:
        raise ConnectionError(f"it broke off after {have:,} of {total:,} bytes")


def _noted(part) -> dict:
    """Where the part comes from."""
    try:
        return json.loads(part.with_name(f"{part.name}.from").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _size(part) -> int:
    return part.stat().st_size if part.exists() else 0


def _bar(file, total, have, quiet):
    from tqdm.auto import tqdm

    return tqdm(desc=file.name, total=total, initial=have, unit="B", unit_scale=True, disable=quiet)


def _forget(part):
    part.unlink(missing_ok=True)
    part.with_name(f"{part.name}.from").unlink(missing_ok=True)


def _host(address) -> str:
    return address.split("/")[2] if address.count("/") >= 2 else address


if sys.platform == "win32":
    import msvcrt

    def _lock(stream) -> bool:
        try:
            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(stream) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks, such as a mounted cloud drive
            pass
        return True
