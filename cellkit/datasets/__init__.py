"""Data sets: every reader gives the same thing, a row of samples."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from inspect import signature
from pathlib import Path

from cellkit.checks import whole_number
from cellkit.datasets.images import read_image, scale_image, to_grey
from cellkit.datasets.registry import about
from cellkit.files import replacing
from cellkit.samples import Samples

__all__ = [
    "READERS", "about", "bundled", "cache", "download", "find", "read", "read_image", "replacing",
    "scale_image", "to_grey",
]  # fmt: skip

#: name -> "module.function" in this folder, each ``(root, split, **options) -> Samples``.
READERS = {
    "livecell": "livecell.samples",
    "dsb2018": "dsb2018.samples",
    "glas": "glas.samples",
    "isbi2012": "stacks.isbi2012",
    "snemi3d": "stacks.snemi3d",
    "epfl": "stacks.epfl",
    "ncmir": "folder.ncmir",
    "livecell3": "folder.livecell3",
    "folder": "folder.samples",
}


def bundled(name: str) -> Path:
    """The folder of a tiny data set that travels with the package (or lies in the checkout)."""
    package = Path(__file__).resolve().parent.parent
    for data in (package / "data", package.parent / "data"):
        if (data / f"{name}_tiny").is_dir():
            return data / f"{name}_tiny"
    raise FileNotFoundError(
        f"the tiny data set {name!r} was not found inside the installed package; "
        "install cellkit again from its wheel or a complete checkout."
    )


def cache() -> Path:
    """The user's cache folder: $CELLKIT_CACHE, else where the system keeps such things."""
    import pooch

    return Path(os.environ.get("CELLKIT_CACHE") or pooch.os_cache("cellkit"))


def find(name: str) -> Path:
    """Where a data set lies: $CELLKIT_DATA/<name>, else the download cache, else bundled."""
    folders = [cache() / name]
    if os.environ.get("CELLKIT_DATA"):
        folders.insert(0, Path(os.environ["CELLKIT_DATA"]) / name)
    return next((folder for folder in folders if _holds_something(folder)), None) or bundled(name)


def _holds_something(folder) -> bool:
    """Whether there is more than what a broken-off download leaves, which is hidden."""
    return folder.is_dir() and any(path.name[0] != "." for path in folder.iterdir())


def download(
    name, images=None, root=None, cell_types=None, files=None, mirror=None, timeout=30, quiet=False
) -> Path:
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
        The data set's folder.  None: where :func:`read` looks, ``$CELLKIT_DATA/<name>`` if that
        is set, else the cache folder.
    cell_types : sequence of str, optional
        With ``images``: only these.
    files : sequence of str, optional
        Only these of the data set's files, by the beginning of their names; also the optional
        ones, e.g. ``["stardist"]``.
    mirror : str, optional
        The address of a folder with the same files, asked first: a classroom's own server.
    timeout : float
        Seconds without progress before another address is tried.
    quiet : bool
        Print nothing, show no progress bar.

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
    from cellkit.datasets import archives, transfer
    from cellkit.datasets.archives import close_archives

    source = about(name)
    if mirror:
        base = mirror.rstrip("/")
        source = replace(source, files=tuple(
            replace(file, addresses=(f"{base}/{file.name}", *file.addresses))
            for file in source.files
        ))  # fmt: skip
    home = os.environ.get("CELLKIT_DATA")
    folder = Path(root) if root else (Path(home) if home else cache()) / name
    if images is not None and name != "livecell":
        raise ValueError(f"images is for livecell only; download({name!r}) brings all of it.")
    wanted = [file for file in source.files if not file.optional]
    if files is not None:
        beginnings = (files,) if isinstance(files, str) else tuple(files)
        wanted = [f for f in source.files if Path(f.name).name.startswith(beginnings)]
    if not wanted:
        there = ", ".join(Path(file.name).name for file in source.files)
        raise ValueError(
            f"{name} has no file {files}, only {there}; choose among these."
            if source.files
            else f"{name} has no public address ({source.owner}; {source.licence}); put its files "
            f"into {folder} by hand ({source.odd})."
        )
    if images is not None:
        from cellkit.datasets.remote import asked, livecell_images

        cell_types = [cell_types] if isinstance(cell_types, str) else list(cell_types or ())
        asked(images, cell_types)  # before anything is made on disk
    tell = (lambda *_: None) if quiet else print
    try:
        with transfer.alone(folder, tell):
            tell(f"{source}\n  goes to  {folder}")
            if images is not None:
                livecell_images(source, folder, images, cell_types, timeout, quiet)
                return folder
            for file in wanted:
                if file.unpack and (folder / file.unpack).is_dir():
                    continue
                place = transfer.fetch(file, folder, timeout, quiet)
                if file.unpack:
                    archives.unpack(place, folder / file.unpack)
                    close_archives()
                    place.unlink()
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
    return folder


def read(name, root=None, split="all", limit=None, cell_types=None, **options) -> Samples:
    """Read a data set by name, lazily.

    Parameters
    ----------
    name : str
        One of :data:`READERS`.
    root : path, optional
        The data set's folder, or the archive it came in.  None: ``$CELLKIT_DATA/<name>``, else
        the download cache, else the tiny set that comes with the package.
    split : str
        "all" or one of the data set's own parts (LIVECell: train, val, test).
    limit : int, optional
        At most this many samples, in order.
    cell_types : sequence of str, optional
        Only these, e.g. ``["A172", "BV2"]``.
    **options
        What else the data set's reader takes: ``folder`` takes patterns of file names, see
        :func:`cellkit.datasets.folder.samples`.

    Returns
    -------
    Samples
        Nothing is read but names and annotation lists; :data:`READERS` says where each reader
        stands, and its docstring what its splits, groups and cell types are.
    """
    if not isinstance(name, str) or name not in READERS:
        raise ValueError(f"unknown data set {name!r}; expected one of {', '.join(READERS)}.")
    root = find(name) if root is None else Path(root)
    if not root.exists():
        raise FileNotFoundError(f"no folder at {root}; give the folder that holds {name}.")
    module, _, function = READERS[name].partition(".")
    reader = getattr(import_module(f"cellkit.datasets.{module}"), function)
    unknown = set(options) - set(signature(reader).parameters)
    if unknown:
        raise TypeError(
            f"read({name!r}) takes no {', '.join(sorted(unknown))}; its options are "
            f"{', '.join(list(signature(reader).parameters)[2:]) or 'none'}."
        )
    samples = reader(root, split, **options)
    if root.name == f"{name}_tiny":  # what our own code rendered says so wherever it is shown
        samples = Samples([replace(e, dataset=f"synthetic {name}") for e in samples.entries])
    if cell_types is not None:
        there = sorted({t for t in samples.cell_types if t})
        wanted = {cell_types} if isinstance(cell_types, str) else cell_types
        wanted = set(wanted) if isinstance(wanted, Iterable) else set()
        if not wanted:
            raise ValueError(
                f"cell_types is {cell_types!r}, expected at least one of {', '.join(there)}; leave "
                "it out for all."
            )
        missing = sorted(map(str, wanted - set(there)))
        if missing:
            raise ValueError(
                f"no cell type {', '.join(missing)} in {name}; it has {', '.join(there)}."
            )
        samples = samples.where(lambda entry: entry.cell_type in wanted)
    if limit is not None:
        whole_number("limit", limit)
        samples = samples[:limit]
    return samples
