"""Files in folders and in zip archives, named and opened alike.

A path may run through an archive: ``dsb2018/stage1_train.zip/00ae6/images/00ae6.png`` is a file
in ``stage1_train.zip``.  So every reader takes what was downloaded as it is, packed or not.
"""

from __future__ import annotations

import csv
import errno
import io
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath

from cellkit.datasets.faults import Unfit, need
from cellkit.files import replacing

#: A file in an archive that is larger (bytes, unpacked) is not read into memory.
LARGEST = 1 << 30
#: An archive that unpacks to more than this many times its size is refused (above 100 MB).
SWELLING = 100


def names(place) -> list[str]:
    """What lies below a folder or in a zip archive: relative names with forward slashes.

    Archives directly in the folder are looked into, except for what also lies unpacked beside
    them.  Numbers sort by their size (2 before 10), files in archives after all others.  Hidden
    files, and what macOS adds to archives, are left out.
    """
    place = Path(place)
    if place.is_file():
        archives, plain = ([place], set()) if is_archive(place) else ([], {place.name})
    else:
        below = list(walk(place))
        archives = sorted(path for path in below if path.parent == place and is_archive(path))
        plain = {path.relative_to(place).as_posix() for path in below if path not in archives}
    packed = [
        f"{path.name}/{name}"
        for path in archives
        for name, info in _open(path).items()
        if not info.is_dir() and not {name, f"{path.stem}/{name}"} & plain
    ]
    return [name for part in (plain, packed) for name in sorted(part, key=natural) if _shown(name)]


def walk(folder) -> Iterator[Path]:
    """Every file in a folder and its folders, linked ones too, each folder once.

    Raises
    ------
    PermissionError
        A folder that may not be looked into: what is in it is not left out in silence.
    """

    def refuse(error):
        raise PermissionError(
            error.errno,
            f"{error.filename} cannot be looked into ({error.strerror}), so what is in it would "
            "be missing; give yourself the right to read it, or move it elsewhere.",
        )

    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        if (real := os.path.realpath(place)) in seen:  # a link back
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(place, file) for file in files)


def base(place) -> Path:
    """The folder that :func:`names` are relative to."""
    place = Path(place)
    return place.parent if place.is_file() else place


def natural(name: str) -> list:
    """A sort key by which numbers count as numbers: ``train_2`` before ``train_10``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def is_archive(path) -> bool:
    """Whether there is a file whose name says that it is a zip archive."""
    return path.suffix.lower() == ".zip" and not path.name.startswith(".") and path.is_file()


def exists(path) -> bool:
    """Whether there is such a file, be it in an archive."""
    archive, name = _inside(path)
    return os.path.isfile(path) if archive is None else name in _open(archive)


def open_binary(path) -> io.IOBase:
    """Open a file, or a file in an archive, for reading.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The archive is damaged, locked by a password, or the file in it larger than
        :data:`LARGEST`.
    """
    archive, name = _inside(path)
    if archive is None:
        return open(path, "rb")
    info = _open(archive).get(name)
    need(info, f"no file {name} in {archive}; check the name, or download the archive again.",
         FileNotFoundError)  # fmt: skip
    need(info.file_size <= LARGEST, lambda: (
        f"{name} in {archive} unpacks to {info.file_size:,} bytes, expected at most {LARGEST:,}; "
        "unpack the archive if you trust it, and read the folder."
    ))  # fmt: skip
    with _intact(f"{name} in {archive}", "is damaged"):
        return io.BytesIO(_opened(*_now(archive))[0].read(info))


def table(path, columns) -> list[dict[str, str]]:
    """The rows of a csv file, of each these columns, without the spaces around their values."""
    with open_binary(path) as stream:
        # splitlines takes every line end: GlaS's original file has carriage returns only.
        rows = csv.DictReader(stream.read().decode("utf-8-sig", "replace").splitlines())
    known = {name.strip().lower(): name for name in rows.fieldnames or ()}
    need({column.lower() for column in columns} <= set(known), lambda: (
        f"{path} has the columns {', '.join(rows.fieldnames or ['none'])}, expected "
        f"{', '.join(columns)}; take the original file, or download it again."
    ))  # fmt: skip
    return [{column: (row[known[column.lower()]] or "").strip() for column in columns}
            for row in rows]


@contextmanager
def _intact(what, fault) -> Iterator[None]:
    try:
        yield
    except Unfit:
        raise
    except Exception as error:  # each packing method has its own kinds
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # a place before the start
            raise
        raise Unfit(
            f"{what} {fault} ({type(error).__name__}: {error}), expected an intact zip archive "
            "without a password; copy or download it again."
        ) from None


def close_archives() -> None:
    """Close the archives that reading left open; Windows deletes no open file."""
    _opened.cache_clear()


def stays_inside(name: str) -> bool:
    """Whether a relative name leads below its folder and nowhere else, on any platform.

    pathlib knows the roots, drives and shares of both worlds (`zipfile` drops them in silence and
    `tarfile`'s data filter asks the present system only).  What it does not know of Windows: dots
    and spaces at the end of a part are dropped (``".. "`` is ``".."``), a colon opens a drive or
    a hidden stream, and some bare names are devices.
    """
    path = PureWindowsPath(name)  # splits at slashes of either kind
    return bool(path.parts) and not path.anchor and not PurePosixPath(name).anchor and not any(
        not part.rstrip(". ") or ":" in part or min(part) < " " or _DEVICE.fullmatch(part)
        for part in path.parts
    )  # fmt: skip


_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|COM\d|LPT\d|CONIN\$|CONOUT\$)", re.IGNORECASE)


def check_names(archive: zipfile.ZipFile, place) -> None:
    """Refuse an archive that would write outside of the folder it is unpacked into."""
    for info in archive.infolist():
        kind = (info.external_attr >> 16) & 0o170000  # of the file, if Unix wrote the archive
        need(stays_inside(info.filename) and kind in (0, 0o100000, 0o040000), lambda info=info: (
            f"{place} holds {info.filename!r}, which leads out of its folder, expected plain "
            "relative names; do not unpack this archive, get it from its owner."
        ))  # fmt: skip


def unpack(archive, folder, largest: int = 20 << 30) -> Path:
    """Unpack a zip archive into a folder that appears only when it is complete.

    Parameters
    ----------
    archive : path
    folder : path
        Must not exist.
    largest : int
        The most bytes that may come out.

    Raises
    ------
    ValueError
        A name that leads out of the folder; more bytes than ``largest``, or than
        :data:`SWELLING` times the archive, or than it says; a damaged archive.
    OSError
        Not enough space on the disk (asked before the first byte).
    """
    archive, folder = Path(archive), Path(folder)
    packed_size = archive.stat().st_size
    with _intact(archive, "cannot be unpacked"), zipfile.ZipFile(archive) as packed:
        check_names(packed, archive)
        members = [info for info in packed.infolist() if not info.is_dir()]
        need(members, f"{archive} holds no file, expected some; copy or download it again.")
        size = sum(info.file_size for info in members)
        need(size <= min(largest, max(SWELLING * packed_size, 100 << 20)), lambda: (
            f"{archive} has {packed_size:,} bytes and would unpack to {size:,}, expected at most "
            f"{min(largest, SWELLING * packed_size):,}; do not unpack it, get it from its owner."
        ))  # fmt: skip
        folder.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder.parent).free
        if size > free:
            raise OSError(
                errno.ENOSPC,
                f"{archive} unpacks to {size:,} bytes and {folder.parent} has {free:,} free; "
                "free some space, or give another folder as root.",
            )
        with replacing(folder) as temporary:
            for info in members:
                target = temporary / info.filename.replace("\\", "/")
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    sink = open(target, "xb")  # two entries of one name: neither is lost
                except (FileExistsError, NotADirectoryError, IsADirectoryError):
                    told = f"{info.filename} has the place of another file or folder"
                    raise zipfile.BadZipFile(told) from None
                with sink, packed.open(info) as source:
                    # zipfile reads no further than info.file_size, and compares the checksum.
                    shutil.copyfileobj(source, sink, 1 << 20)
    return folder


def _inside(path) -> tuple[Path | None, str]:
    """The archive that a path runs through, and the rest of the path; None if it runs through none.

    Works on text: of ten thousand masks, each would pay for a dozen path objects.
    """
    text = str(path).replace(os.sep, "/")
    end = text.lower().find(".zip/")
    while end >= 0:
        archive = Path(text[: end + 4])
        if is_archive(archive):
            return archive, text[end + 5 :]
        end = text.lower().find(".zip/", end + 1)
    return None, ""


def _now(path) -> tuple:
    about = path.stat()
    # Forked loader workers must not share one file position: the process is part of the key.
    return path, about.st_size, about.st_mtime_ns, os.getpid()


def _open(path) -> dict[str, zipfile.ZipInfo]:
    """What an archive holds, by name; some tools on Windows write backslashes."""
    return _opened(*_now(path))[1]


@lru_cache(maxsize=4)
def _opened(path, size, changed, process) -> tuple[zipfile.ZipFile, dict]:
    try:
        archive = zipfile.ZipFile(path)
        check_names(archive, path)
    except (zipfile.BadZipFile, OSError) as error:
        raise Unfit(
            f"{path} is no complete zip archive ({error}; it has {size:,} bytes), probably cut "
            "off; copy or download it again."
        ) from None
    return archive, {info.filename.replace("\\", "/"): info for info in archive.infolist()}


def _shown(name) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
