"""Data sets: every reader gives the same thing, a row of samples."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from inspect import signature
from pathlib import Path

from cellkit.checks import whole_number
from cellkit.datasets.faults import need
from cellkit.datasets.images import read_image, scale_image, to_grey
from cellkit.datasets.places import bundled, cache, find
from cellkit.datasets.registry import about
from cellkit.samples import Samples

__all__ = [
    "READERS", "about", "bundled", "cache", "find", "read", "read_image", "scale_image", "to_grey",
    "download",  # noqa: F822
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


def __getattr__(name):
    if name != "download":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cellkit.datasets.downloads import download  # and with it what speaks to servers

    return download


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
    need(isinstance(name, str) and name in READERS,
         lambda: f"unknown data set {name!r}; expected one of {', '.join(READERS)}.")
    root = find(name) if root is None else Path(root)
    need(os.path.exists(root), lambda: f"no folder at {root}; give the folder that holds {name}.",
         FileNotFoundError)  # fmt: skip
    module, _, function = READERS[name].partition(".")
    reader = getattr(import_module(f"cellkit.datasets.{module}"), function)
    known = list(signature(reader).parameters)
    need(set(options) <= set(known), lambda: (
        f"read({name!r}) takes no {', '.join(sorted(set(options) - set(known)))}; its options are "
        f"{', '.join(known[2:]) or 'none'}."
    ), TypeError)  # fmt: skip
    samples = reader(root, split, **options)
    if root.name == f"{name}_tiny":  # what our own code rendered says so wherever it is shown
        samples = Samples([replace(e, dataset=f"synthetic {name}") for e in samples.entries])
    if cell_types is not None:
        there = sorted({t for t in samples.cell_types if t})
        wanted = {cell_types} if isinstance(cell_types, str) else cell_types
        wanted = set(wanted) if isinstance(wanted, Iterable) else set()
        need(wanted, lambda: (
            f"cell_types is {cell_types!r}, expected at least one of {', '.join(there)}; leave "
            "it out for all."
        ))  # fmt: skip
        missing = sorted(map(str, wanted - set(there)))
        need(not missing, lambda: (
            f"no cell type {', '.join(missing)} in {name}; it has {', '.join(there)}."
        ))  # fmt: skip
        samples = samples.where(lambda entry: entry.cell_type in wanted)
    if limit is not None:
        whole_number("limit", limit)
        samples = samples[:limit]
    return samples
