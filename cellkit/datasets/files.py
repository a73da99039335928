"""Files in folders and in zip archives, named and opened alike.

A path may run through an archive: ``dsb2018/stage1_train.zip/00ae6/images/00ae6.png`` is a file
in ``stage1_train.zip``.  So every reader takes what was downloaded as it is, packed or not.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath

#: A file in an archive that is larger (bytes, unpacked) is not read into memory.
LARGEST = 1 << 30


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
        archives = sorted(path for path in place.iterdir() if is_archive(path))
        plain = {
            Path(folder, file).relative_to(place).as_posix()
            for folder, _, files in os.walk(place, followlinks=True)
            for file in files
        } - {path.name for path in archives}
    packed = [
        f"{path.name}/{name}"
        for path in archives
        for name in _members(path)
        if not {name, f"{path.stem}/{name}"} & plain
    ]
    return [name for part in (plain, packed) for name in sorted(part, key=natural) if _shown(name)]


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
    return Path(path).is_file() if archive is None else name in _open(archive).NameToInfo


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
    opened = _open(archive)
    if name not in opened.NameToInfo:
        raise FileNotFoundError(
            f"no file {name} in {archive}; check the name, or download the archive again."
        )
    size = opened.NameToInfo[name].file_size
    if size > LARGEST:
        raise ValueError(
            f"{name} in {archive} unpacks to {size:,} bytes, expected at most {LARGEST:,}; "
            "unpack the archive if you trust it, and read the folder."
        )
    try:
        return io.BytesIO(opened.read(name))
    except Exception as error:  # each packing method has its own kinds
        raise ValueError(
            f"{name} in {archive} is damaged ({type(error).__name__}: {error}), expected an intact "
            "archive without a password; download it again."
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
        if not stays_inside(info.filename) or kind not in (0, 0o100000, 0o040000):
            raise ValueError(
                f"{place} holds {info.filename!r}, which leads out of its folder, expected plain "
                "relative names; do not unpack this archive, get it from its owner."
            )


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


def _members(path) -> list[str]:
    archive = _open(path)
    check_names(archive, path)
    return [info.filename for info in archive.infolist() if not info.is_dir()]


def _open(path) -> zipfile.ZipFile:
    about = path.stat()
    # Forked loader workers must not share one file position: the process is part of the key.
    return _opened(path, about.st_size, about.st_mtime_ns, os.getpid())


@lru_cache(maxsize=4)
def _opened(path, size, changed, process) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(
            f"{path} is no complete zip archive ({error}; it has {size:,} bytes), probably cut "
            "off; download it again."
        ) from None


def _shown(name) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
