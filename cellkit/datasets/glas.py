"""GlaS: glands of the colon, H&E, from the MICCAI 2015 contest (Warwick-QU).

Sirinukunwattana et al., "Gland segmentation in colon histology images: The GlaS challenge
contest", Medical Image Analysis 35 (2017).  165 colour pictures of 16 patients, 775 x 522 pixels
mostly, 0.62 µm each; research use only.  As its owners distribute it, packed or not:

- ``train_1.bmp`` ... ``testA_1.bmp`` ... ``testB_1.bmp``, or ``.png`` with the same pixels;
- ``train_1_anno.bmp``: gland numbers, 8-bit grey (black to the eye);
- ``Grade.csv``: patient and grade of each picture.  Its lines end in a carriage return alone, and
  its column names and values begin with a space.

Outlines are coarse, and patients have pictures in several parts of the contest.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from cellkit.checks import one_of
from cellkit.datasets.archives import base, names, table
from cellkit.datasets.faults import need, partners
from cellkit.datasets.folder import entry
from cellkit.datasets.images import SUFFIXES
from cellkit.datasets.pairing import Pair
from cellkit.samples import Samples

SPLITS = ("train", "testA", "testB")


def samples(root, split="all") -> Samples:
    """GlaS pictures and their glands, lazily; call it as ``cellkit.read("glas", ...)``.

    Parameters
    ----------
    root : path
        The folder, or its zip archive.
    split : {"all", "train", "testA", "testB"}

    Returns
    -------
    Samples
        ``group`` is the patient, ``cell_type`` the grade of the contest ("benign" or
        "malignant"); both are None where there is no ``Grade.csv``.

    Raises
    ------
    FileNotFoundError
        No picture, or a picture without its ``_anno`` file.
    ValueError
        An unknown split; ``_anno`` without picture; a picture that ``Grade.csv`` does not list
        or gives no patient; a ``Grade.csv`` without the columns name, patient ID, grade.
    """
    root = Path(root)
    one_of("split of glas", split, ("all", *SPLITS))
    found = names(root)
    pictures, drawn = {}, {}
    for name in sorted(found, key=lambda name: name.count("/")):  # the folder before its subfolders
        match = re.fullmatch(r"((train|testA|testB)_\d+)(_anno)?", PurePosixPath(name).stem)
        if match and name.lower().endswith(SUFFIXES):
            (drawn if match[3] else pictures).setdefault(match[1], name)
    need(pictures, lambda: (
        f"no GlaS picture below {root}, expected train_1.bmp (or .png) with train_1_anno.bmp; "
        "give the folder that holds them, or the archive they came in."
    ), FileNotFoundError)  # fmt: skip
    for some, others, what in ((pictures, drawn, "_anno file"), (drawn, pictures, "picture")):
        partners(some, others, lambda name, count, some=some, what=what: (
            f"{some[name]} in {root} has no {what} beside it ({count} such), expected "
            f"{name}{'_anno' if some is pictures else ''}.bmp or .png; unpack the archive again, "
            "or delete the one that is left."
        ), FileNotFoundError)  # fmt: skip
    grades = next((n for n in found if PurePosixPath(n).name.lower() == "grade.csv"), None)
    patients = _patients(base(root) / grades) if grades else {}
    partners(pictures if grades else {}, patients, lambda name, count: (
        f"{base(root) / grades} does not list {name} ({count} such), expected a line with a "
        "patient for each picture; add it, or delete the picture."
    ))  # fmt: skip
    order = {name: i for i, name in enumerate(found)}
    entries = []
    for name in sorted(pictures, key=lambda n: (SPLITS.index(n.split("_")[0]), order[pictures[n]])):
        if split in ("all", name.split("_")[0]):
            patient, grade = patients.get(name, (None, None))
            one = Pair(pictures[name], (drawn[name],), grade, patient and f"patient {patient}")
            entries.append(entry(one, base(root), "glas", kind="cells"))
    need(entries, f"{root} has no picture of {split}, expected {split}_1.bmp or .png; choose "
                  "another split, or download the whole set.")  # fmt: skip
    return Samples(entries)


def _patients(path) -> dict[str, tuple[str, str]]:
    """Picture → patient and grade."""
    rows = (row.values() for row in table(path, ("name", "patient ID", "grade (GlaS)")))
    return {name: (patient, grade) for name, patient, grade in rows if name and patient}
