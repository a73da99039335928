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
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cellkit.datasets.registry import File

CHUNK = 1 << 16
#: An address that sends less than this (bytes a second, over ``timeout`` seconds) is given up.
SLOWEST = 1024
#: How often an address is asked again without getting a byte further.
TRIES = 4
#: Seconds before it is asked again, doubled each time.
PAUSE = 0.5

HEADERS = {"User-Agent": "cellkit (course material; python urllib)", "Accept-Encoding": "identity"}


FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class Unavailable(OSError):
    """An address does not give the file: asking it again will not help."""


class Beyond(OSError):
    """A range that begins behind the end of the file, which has ``total`` bytes."""

    def __init__(self, total):
        super().__init__(f"the file ends at {total}")
        self.total = total


def fetch(file: File, folder, timeout: float = 30, quiet: bool = False) -> Path:
    """Download one file into a folder, unless it is there.

    Parameters
    ----------
    file : File
    folder : path
    timeout : float
        Seconds without progress after which an address is given up.
    quiet : bool
        Show no progress bar.

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
    if place.is_file():
        wrong = whats_wrong(place, file)
        if wrong:
            raise ValueError(
                f"{place} is not the file that is registered: {wrong}; it is incomplete or another "
                "version, delete it to download it again."
            )
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.part")
    failures, reached = [], False
    for address in file.addresses:
        try:
            _pull(address, part, file, timeout, quiet)
        except OSError as error:
            if error.errno in FULL:
                _forget(part)
                free = shutil.disk_usage(place.parent).free
                raise OSError(
                    error.errno,
                    f"the disk that holds {folder} is full ({free:,} bytes free), so {file.name} "
                    "was not downloaded; free some space, or give another folder as root.",
                ) from None
            if isinstance(error, PermissionError):
                raise
            failures.append(f"{_host(address)}: {_reason(error)}")
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
    if reached:
        raise ValueError(
            f"{file.name} could not be downloaded ({told}); try again later, or {by_hand}"
        )
    raise ConnectionError(
        f"no connection, so {file.name} was not downloaded ({told}); connect and call again (it "
        f"goes on where it stopped), or {by_hand}"
    )


def whats_wrong(place, file: File) -> str:
    """How a file on disk differs from the registered one, in words; empty if it does not.

    Size and hash are compared where they are known.  Without a hash a zip archive must pass its
    own checksums, and json must have its end.
    """
    place, size = Path(place), Path(place).stat().st_size
    if file.size is not None and size != file.size:
        return f"it has {size:,} bytes, expected {file.size:,}"
    if file.hash:
        kind, _, wanted = file.hash.partition(":")
        with open(place, "rb") as stream:
            found = hashlib.file_digest(stream, kind).hexdigest()
        return "" if found == wanted else f"its {kind} is {found}, expected {wanted}"
    if file.name.endswith(".zip"):
        try:
            with zipfile.ZipFile(place) as archive:
                damaged = archive.testzip()
        except Exception as error:  # each packing method has its own kinds
            return f"it is no complete zip archive ({error})"
        return f"{damaged} in it is damaged" if damaged else ""
    if file.name.endswith(".json"):
        with open(place, "rb") as stream:
            stream.seek(max(0, size - 64))
            return "" if stream.read().strip().endswith(b"}") else "its json breaks off"
    return ""


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
    furthest, failed = _size(part), 0
    while True:
        try:
            return _stream(address, part, file, timeout, quiet)
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
            if failed >= TRIES:
                raise OSError(_reason(error)) from None
            time.sleep(PAUSE * 2 ** (failed - 1) if failed else 0)


def _stream(address, part, file, timeout, quiet):
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
        answer = ask(address, headers, timeout)
    except Beyond as error:  # all bytes are here, or the file is another one now
        if error.total == have:
            return
        _forget(part)
        raise OSError("the file has changed there") from None
    with answer:
        length = answer.headers.get("Content-Length")
        if answer.status == 206:
            start, total = content_range(answer)
            if start != have or total != begun.get("total", total):
                _forget(part)
                raise OSError("the file has changed there")
        else:  # the server knows no ranges, or the file has changed: from the beginning
            have, total = 0, int(length) if length else None
        if total is not None and file.size is not None and total != file.size:
            raise Unavailable(f"it offers {total:,} bytes, expected {file.size:,}")
        if total is not None and total - have > shutil.disk_usage(part.parent).free:
            raise OSError(errno.ENOSPC, "too little space")
        stamp = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        begun = {"address": address, "stamp": "" if stamp.startswith("W/") else stamp}
        note.write_text(json.dumps(begun | ({"total": total} if total else {})), encoding="utf-8")
        with open(part, "r+b" if have else "wb") as sink, _bar(file, total, have, quiet) as bar:
            sink.seek(have)
            for chunk in chunks(answer, timeout):
                sink.write(chunk)
                bar.update(len(chunk))
                have += len(chunk)
    if total is not None and have < total:
        raise ConnectionError(f"it broke off after {have:,} of {total:,} bytes")


def chunks(answer, timeout) -> Iterator[bytes]:
    """The bytes of an answer as they come; TimeoutError if they only trickle."""
    since, arrived = time.monotonic(), 0
    while chunk := answer.read1(CHUNK):
        yield chunk
        arrived += len(chunk)
        if time.monotonic() - since > timeout:
            if arrived < SLOWEST * timeout:
                raise TimeoutError(f"only {arrived} bytes came in {timeout:g} seconds")
            since, arrived = time.monotonic(), 0


def ask(address, headers, timeout) -> http.client.HTTPResponse:
    """One HTTP request.

    Raises
    ------
    Unavailable
        The file is not there for us (404 and its like), or the address is no http address.
    Beyond
        The range asked for begins behind the end (416).
    OSError
        Anything that may pass: no connection, 429, 500 and above.
    """
    if not address.startswith(("http://", "https://")):
        raise Unavailable(f"{address} is no http address")
    request = urllib.request.Request(address, headers=HEADERS | headers)
    try:
        return urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        with error:
            told = f"HTTP {error.code} {error.reason}"
            if error.code == 416:
                raise Beyond(content_range(error)[1]) from None
            if error.code == 429 or error.code >= 500:
                raise OSError(told) from None
            raise Unavailable(told) from None


def content_range(answer) -> tuple[int | None, int | None]:
    """Of ``Content-Range: bytes 100-199/1000`` the 100 and the 1000; None for what is missing."""
    text = answer.headers.get("Content-Range") or ""
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(?:(\d+)|\*)", text.strip())
    first, total = match.groups() if match else (None, None)
    return first and int(first), total and int(total)


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


def _reason(error) -> str:
    reason = getattr(error, "reason", None) or error
    return f"{reason}" or type(error).__name__


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
