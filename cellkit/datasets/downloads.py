"""Downloading data sets; nothing else in this package ever does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cellkit.datasets import transfer
from cellkit.datasets.archives import close_archives, unpack
from cellkit.datasets.faults import need
from cellkit.datasets.places import cache
from cellkit.datasets.registry import about
from cellkit.datasets.remote import asked, livecell_images


def download(
    name, images=None, root=None, cell_types=None, files=None, mirror=None, timeout=30,
    quiet=False, again=False,
) -> Path:  # fmt: skip
    """Download a data set; nothing else in this package ever does.

    Prints who owns it, under which licence, and whom to cite, before the first byte.

    Parameters
    ----------
    name : str
        One of :data:`cellkit.datasets.registry.SOURCES`.
    images : int or str, optional
        LIVECell only: bring this many images (the cell types in turn), or those of a size split
        such as "0_train2percent", out of the archive on the server, instead of all 1.3 GB.
    root : path, optional
        The data set's folder.  None: where :func:`cellkit.read` looks, ``$CELLKIT_DATA/<name>`` if
        that is set, else the cache folder.
    cell_types : sequence of str, optional
        With ``images``: only these.
    files : sequence of str, optional
        Only these of the data set's files, by the beginning of their names; also the optional
        ones, e.g. ``["stardist"]``.
    mirror : str, optional
        The address of a folder with the same files, asked first: a classroom's own server.
    timeout : float
        Seconds without progress before another address is tried: no answer, or fewer than
        :data:`cellkit.datasets.connection.SLOWEST` bytes a second.
    quiet : bool
        Print nothing, show no progress bar.
    again : bool
        Bring what is there already once more; it stays until the new files are verified.

    Returns
    -------
    Path
        The data set's folder, for ``read(name, root=...)``.

    Raises
    ------
    ConnectionError
        No connection; the message says which file to put where by hand.
    ValueError
        An unknown data set, or one without a public address; what came is not the file.
    OSError
        The disk is full; no permission to write.

    Notes
    -----
    A download that broke off goes on where it stopped when called again.  Files have their names
    only once they are complete and verified.  Of two processes the second waits for the first.
    """
    source = about(name)
    if mirror:
        base = mirror.rstrip("/")
        source = replace(source, files=tuple(
            replace(file, addresses=(f"{base}/{file.name}", *file.addresses))
            for file in source.files
        ))  # fmt: skip
    home = os.environ.get("CELLKIT_DATA")
    folder = Path(root) if root else (Path(home) if home else cache()) / name
    need(images is None or name == "livecell",
         f"images is for livecell only; download({name!r}) brings all of it.")  # fmt: skip
    wanted = [file for file in source.files if not file.optional]
    if files is not None:
        beginnings = (files,) if isinstance(files, str) else tuple(files)
        wanted = [f for f in source.files if Path(f.name).name.startswith(beginnings)]
    need(source.files, f"{name} has no public address ({source.owner}; {source.licence}); put its "
                       f"files into {folder} by hand ({source.odd}).")  # fmt: skip
    there = ", ".join(Path(file.name).name for file in source.files)
    need(wanted, f"{name} has no file {files}, only {there}; choose among these.")
    if images is not None:
        cell_types = [cell_types] if isinstance(cell_types, str) else list(cell_types or ())
        asked(images, cell_types)  # before anything is made on disk
    tell = (lambda *_: None) if quiet else print
    with _told(folder), transfer.alone(folder, tell):
        tell(f"{source}\n  goes to  {folder}")
        if images is not None:
            livecell_images(source, folder, images, cell_types, timeout, quiet, again)
            return folder
        for file in wanted:
            place = folder / (file.unpack or file.name)
            if place.exists() and not again:
                tell(f"  {place.name} is there already; again=True brings it once more.")
            if file.unpack and place.is_dir() and not again:
                continue
            packed = transfer.fetch(file, folder, timeout, quiet, again)
            if file.unpack:
                close_archives()
                with _aside(place):
                    unpack(packed, place)
                packed.unlink()
    return folder


@contextmanager
def _aside(folder) -> Iterator[None]:
    """Put an old folder aside while a new one takes its name; it comes back if that fails."""
    old = folder.with_name(f".{folder.name}.old")
    if folder.is_dir():
        shutil.rmtree(old, ignore_errors=True)
        os.replace(folder, old)
    try:
        yield
    finally:
        if old.is_dir() and not folder.exists():
            os.replace(old, folder)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _told(folder) -> Iterator[None]:
    """What the file system refuses, in a sentence."""
    try:
        yield
    except PermissionError as error:
        raise PermissionError(
            error.errno,
            f"no permission to write {error.filename or folder}; give a folder of your own as "
            "root, and read it with the same root.",
        ) from None
    except (FileExistsError, NotADirectoryError) as error:
        raise type(error)(
            error.errno,
            f"{error.filename or folder} is in the way of the folder {folder}, expected no file "
            "there; give another folder as root.",
        ) from None
