"""Lesson 08's pictures: the reader's own, or drawn ones."""

from __future__ import annotations

import os
from pathlib import Path

FEWEST = 4  # annotated pictures: two to train on, two to test on


def own_folder() -> Path:
    """The folder of lesson 08: what ``CELLKIT_OWN`` names, else drawn pictures that come along."""
    from cellkit.datasets import bundled

    return Path(os.environ["CELLKIT_OWN"]) if os.environ.get("CELLKIT_OWN") else bundled("own")


def own_pictures(drawn: bool = False):
    """The annotated pictures in :func:`own_folder`, or with ``drawn`` the drawn ones in any case.

    Where the reader's folder has fewer than :data:`FEWEST`, a line says so, and the drawn ones are
    taken.
    """
    from cellkit.datasets import bundled, read

    folder = own_folder()
    if not drawn and folder != bundled("own"):
        if not folder.is_dir():
            raise FileNotFoundError(f"CELLKIT_OWN names {folder}, and there is no such folder; "
                                    "set it to the folder of your pictures, or leave it out.")
        mine = read("folder", root=folder).where(lambda entry: entry.annotated)
        if len(mine) >= FEWEST:
            return mine
        print(f"{len(mine)} annotated pictures in {folder}, and this lesson needs {FEWEST}: two to "
              "train on, two to test on. It goes on with drawn ones; annotate yours as section 3 "
              "says, and come back.")
    return read("folder", root=bundled("own"), images="images/{group}_{}.png",
                labels="labels/{group}_{}.png", dataset="synthetic cells in relief")


def own_film():
    """(hours, frames): annotated pictures of one field whose names tell the time, in its order.

    Of :func:`own_pictures` the group with most such pictures; the drawn film where none has three.
    """
    from cellkit.segmentation.measurement import hours_of

    for drawn in (False, True):
        films: dict = {}
        for sample in own_pictures(drawn):
            if (hours := hours_of(sample.name, 0)) is not None:
                films.setdefault(sample.group, []).append((hours, sample))
        film = max(films.values(), key=len, default=[])
        if len({hours for hours, _ in film}) > 2:
            film.sort(key=lambda one: one[0])
            return [hours for hours, _ in film], [sample for _, sample in film]
    raise AssertionError("the drawn film has nine frames")
