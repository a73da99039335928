"""Which files belong together: by patterns that the user writes, or by the usual names."""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from cellkit.datasets.faults import need, partners
from cellkit.samples import Entry

#: What stands in names of images, and of what was drawn: as a folder, or at an end of a name.
IMAGE = r"images?|imgs?|raw|pictures?"
DRAWN = (r"(?:cp_)?masks?|labels?|lbl|label_?images?|annotations?|anno|seg|"
         r"(?:simple[ _])?segmentations?|object[ _](?:identities|predictions)|gt|"
         r"ground_?truth|truth")  # fmt: skip
#: What else stands in names of files that hold nothing but drawn cells.
OUTLINED = DRAWN + r"|roi_?sets?|rois?|objects?|detections?|geojson|qupath"
#: What Cellpose leaves beside an image besides its masks.
LEFTOVER = re.compile(r"(.+?)(?:_cp)?_(?:flows|outlines|output)(?:_cp_masks)?", re.IGNORECASE)

_log = logging.getLogger(__name__)

# ---------------------------------------------------------------- patterns


@dataclass(frozen=True)
class Pair:
    """An image, and the files that say where its cells are."""

    image: str
    labels: tuple[str, ...]
    cell_type: str | None = None
    group: str | None = None


def pair(
    found: list[str], images: str, labels: str | None, inside="", root="", others=(),
) -> list[Pair]:  # fmt: skip
    """Find images and their labels among names, by patterns, see :mod:`cellkit.datasets.folder`.

    Parameters
    ----------
    found, others : list of str
        Relative names of pictures, and of files that can be labels only.
    images, labels : str or None
    inside : str
        What stands before every name, and in no pattern.
    root : path
        Named in messages only.

    Raises
    ------
    ValueError
        See :func:`cellkit.datasets.folder.samples`.
    """
    images, labels = Pattern(images, inside), labels and Pattern(labels, inside)
    shared = labels.fields if labels else images.fields
    need(not set(shared) - set(images.fields), lambda: (
        f"the labels' pattern {labels.text!r} has a field that the images' pattern "
        f"{images.text!r} has not, expected the same fields in both; "
        "write {} in both where their names agree."
    ))  # fmt: skip
    drawn: dict[tuple, list[str]] = {}
    for name in (*found, *others):
        fields = labels.match(name) if labels else None
        if fields:
            drawn.setdefault(_key(fields, shared), []).append(name)
    taken = {name for several in drawn.values() for name in several}
    pairs: dict[tuple, Pair] = {}
    for name in found:
        fields = images.match(name)
        if not fields or name in taken:
            continue
        key = _key(fields, shared) or (name if labels is None else "",)
        need(key not in pairs, lambda key=key, name=name: (
            f"{pairs[key].image} and {name} in {root} are the same by the pattern "
            f"{images.text!r}, expected one image for each {{}}; make the pattern tell them "
            "apart, or delete one of them."
        ))  # fmt: skip
        files = drawn.get(_key(fields, shared), ()) if labels else ()
        pairs[key] = Pair(name, tuple(files), fields.get("cell_type"), fields.get("group"))
    for pattern, fits in ((images, pairs), (labels, drawn)):
        need(fits or not pattern, lambda pattern=pattern: (
            f"the pattern {pattern.text!r} fits none of the {len(found)} image files in {root} "
            f"(the first is {found[0] if found else None}); write one that does"
            f"{', or labels=None' if pattern is labels else ''}."
        ))  # fmt: skip
    partners({key or ("",): several for key, several in drawn.items()}, pairs, lambda key, count: (
        f"{drawn.get(key, drawn.get(()))[0]} in {root} has no image beside it ({count} such), "
        f"expected one that fits {images.text!r}; add the image, delete the labels, or change the "
        "patterns."
    ))  # fmt: skip
    return list(pairs.values())


class Pattern:
    """A pattern of names, see :mod:`cellkit.datasets.folder`, as a regular expression."""

    def __init__(self, text, inside=""):
        self.text = text
        self.fields = []
        if not isinstance(text, str) or not text:
            raise ValueError(f"a pattern is {text!r}, expected a name such as 'images/{{}}.tif'.")
        parts = re.split(r"(\*\*/|\*|\{\w*\})", text.replace("\\", "/"))
        expression = ""
        for part in parts:
            if part == "**/":
                expression += "(?:.*/)?"
            elif part == "*":
                expression += "[^/]*"
            elif part.startswith("{"):
                expression += self._field(part)
            else:
                expression += re.escape(part)
        self.expression = re.compile(re.escape(inside) + expression, re.IGNORECASE)

    def _field(self, part):
        field = part[1:-1] or "key"
        if field not in ("key", "group", "cell_type"):
            raise ValueError(
                f"the pattern {self.text!r} has {part}, expected {{}}, {{group}} or {{cell_type}}."
            )
        if field in self.fields:
            return f"(?P={field})"
        self.fields.append(field)
        return f"(?P<{field}>[^/]+)"

    def match(self, name) -> dict | None:
        """What the fields stand for in a name that fits (with "name": the whole)."""
        match = self.expression.fullmatch(name)
        return match and {"name": name, **match.groupdict()}


def _plain(text) -> str:
    """Numbers without padding, so that 3 is 003."""
    return text.lstrip("0") or "0" if text.isdigit() else text


def _key(fields, wanted) -> tuple:
    """What must be equal: numbers by their value, so that 3 is 003."""
    texts = [fields[field] for field in sorted(wanted)]
    return tuple(map(_plain, texts))


# ---------------------------------------------------------------- usual names

_ROLES = {
    # The end counts where both ends are such words: seg_mask is the mask of seg.
    role: re.compile(rf"(?:{words})(?:[_. -](?!(?:{words})\Z)(.+))?"
                     rf"|(.+?)[_. -](?:{words})(?:[_. -](.+))?", re.IGNORECASE)
    for role, words in (("drawn", DRAWN), ("image", IMAGE), ("outlined", OUTLINED))
}

#: The Cell Tracking Challenge's names of what was drawn in t000.tif.
_TRACKING = re.compile(r"man_seg_?(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class _Named:
    """What a picture's name says: whether drawn or an image, and what it may share with others."""

    file: str
    role: str | None
    place: tuple[str, ...]  # its folders, without the words that tell the role
    stem: str
    short: str  # the stem, without the word that tells the role
    marked: bool  # a folder tells the role

    @classmethod
    def parse(cls, file, inside="", roles=("drawn", "image")):
        *folders, name = file.removeprefix(inside).split("/")
        role, place, stem = None, [], PurePosixPath(name).stem
        if roles == ("outlined",):  # a.tif.geojson, a-data_Simple Segmentation.h5
            stem = re.sub(r"(?i)\.(?:tiff?|png|jpe?g|bmp)$|-(?:data|image)(?=_)", "", stem)
        for folder in folders:
            told, parts = _role(folder, roles)
            place += parts if told else [folder]
            role = told or role
        told, parts = _role(stem, roles)
        if number := _TRACKING.fullmatch(stem):
            told, parts = "drawn", [f"t{number[1]}"]
        # In the middle of a name a word tells something only before a number: x_mask_3.
        fits = len(parts) == 1 or (len(parts) == 2 and parts[1].isdigit())
        short = "_".join(parts) if told and fits and role in (None, told) else stem
        marked, role = role is not None, role or (told if fits else None)
        return cls(file, role, tuple(place), stem, short, marked)

    def key(self, stem):
        return self.place, _plain(stem)

    def beginnings(self):
        """Ever shorter: ``x_1`` may be the first cell of ``x``."""
        for gap in [*re.finditer(r"[_. -]", self.short)][::-1]:
            yield self.key(self.short[: gap.start()])


def _role(word, roles):
    for role in roles:
        if match := _ROLES[role].fullmatch(word):
            return role, [part for part in match.groups() if part]
    return None, []


def image_pattern(pictures, inside="") -> str:
    """The pattern of the images, where only that of the labels was given."""
    named = (_Named.parse(name, inside) for name in pictures)
    first = next((n.file for n in named if n.role == "image" and n.marked), inside)
    return f"{first.removeprefix(inside).rpartition('/')[0]}/{{}}.*".removeprefix("/")


def usual_pairs(pictures, images, inside="", root="") -> list[Pair]:
    """Images and their labels by the usual names; ``images`` is their pattern, or None.

    Raises
    ------
    ValueError
        Two images of one name; labels without image where others have one.
    """
    pattern = None if images is None else Pattern(images, inside)
    markers = [name for name in pictures if "/man_track" in f"/{name}"]
    if markers:
        _log.warning("%d files in %s mark tracks and outline no cells (first: %s); they are left "
                     "out.", len(markers), root, markers[0])  # fmt: skip
        pictures = [name for name in pictures if name not in set(markers)]
    named = [_Named.parse(name, inside) for name in pictures]
    stems = {n.key(n.stem) for n in named}
    named = [n for n in named if not (
        n.role is None and (of := LEFTOVER.fullmatch(n.stem)) and n.key(of[1]) in stems)]
    for k, n in enumerate(named):  # Labels.tif beside a.tif alone, and mask.tif beside image.tif
        if n.role is None and _role(n.stem, ("drawn",))[0]:
            beside = [m for m in named if m.place == n.place and m is not n]
            if len(beside) == 1:
                named[k] = replace(n, role="drawn", short=beside[0].short)
    if pattern:
        shown = [n for n in named if pattern.match(n.file)]
        need(shown, lambda: (
            f"the pattern {images!r} fits none of the {len(pictures)} image files in {root} "
            f"(the first is {pictures[0]}); write one that does."
        ))  # fmt: skip
    else:
        shown = _shown([n for n in named if n.role != "drawn"], inside, root)
    known = _known(shown, pattern, root)
    drawn = [n for n in named if n.role == "drawn" and (n not in shown or not n.marked)]
    found: dict[str, list[str]] = {}
    called: dict[str, list] = {}  # what of each file's name is the image's
    for ways in (lambda n: (n.key(n.stem), n.key(n.short)), _Named.beginnings):
        for n in drawn:
            # Far shortened, it must be all of the image's name: a_1_2 is not of a_img.
            key = next((k for i, k in enumerate(ways(n)) if known.get(k, n) is not n and (
                i < 2 - (ways is _Named.beginnings) or k == known[k].key(known[k].stem))), None)
            if key:
                found.setdefault(known[key].file, []).append(n.file)
                called.setdefault(known[key].file, []).append(key)
        if found:
            break
    # Masks of single cells have one beginning; several of the whole name are a doubt.
    double = [[file for _, file in sorted(dict(zip(called[image], files, strict=True)).items())]
              if ways is _Named.beginnings else files for image, files in found.items()]
    double = [files for files in double if len(files) > 1]
    need(not double, lambda: (
        f"{double[0][0]} and {double[0][1]} in {root} are labels of one image by their names, "
        "expected one file; delete the other, or say which: labels='{}_mask.png'."
    ))  # fmt: skip
    taken = {file for several in found.values() for file in several}
    lonely = [n for n in drawn if n.file not in taken]
    need(not (found and lonely), lambda: (
        f"{lonely[0].file} in {root} has no image beside it ({len(lonely)} such), expected one of "
        "the same name; add the image, delete the labels, or give patterns of names."
    ))  # fmt: skip
    if lonely and not pattern:  # nothing to be paired: a name alone makes no labels
        shown = _shown([n for n in named if n.role != "drawn" or not n.marked], inside, root)
        shown = shown or named
        _known(shown, None, root)
    rest = [n for n in shown if n.file not in taken]
    if lonely:
        _log.warning(
            "%d files in %s look like labels (first: %s) and fit no usual name, so %d images "
            "are read without; say how they are named, e.g. labels='labels/{}.png'.",
            len(lonely), root, lonely[0].file, len(rest),
        )  # fmt: skip
    told = {n.file: pattern.match(n.file) if pattern else {} for n in rest}
    return [
        Pair(file, tuple(found.get(file, ())), fields.get("cell_type"), fields.get("group"))
        for file, fields in told.items()
    ]


def attach(pairs, others, inside="") -> tuple[list[Pair], list[str]]:
    """Give images without labels those of other tools that have their name; and what is left."""
    known: dict[tuple, Pair] = {}
    anywhere: dict[str, list[Pair]] = {}  # by the name alone, in whatever folder
    for one in pairs:
        n = _Named.parse(one.image, inside)
        for key in (n.key(n.stem), n.key(n.short)):
            known.setdefault(key, one)
        anywhere.setdefault(_plain(n.stem), []).append(one)
    found: dict[str, list[str]] = {}
    for file in others:
        n = _Named.parse(file, inside, ("outlined",))
        ways = [known.get(key) for key in (n.key(n.stem), n.key(n.short), *n.beginnings())]
        ways += [only[0] for stem in (n.stem, n.short)
                 if len(only := anywhere.get(_plain(stem), ())) == 1]  # fmt: skip
        if len(pairs) == 1 and (len(others) == 1 or file.endswith(".roi")):
            ways += pairs  # a RoiSet.zip, or single .roi files, and one image
        if one := next(filter(None, ways), None):
            found.setdefault(one.image, []).append(file)
    given = []
    for one in pairs:
        files = found.get(one.image, []) if not one.labels else []
        # Several .roi files are single cells; of several kinds one is enough.
        best = min(files, key=lambda f: not f.endswith((".npy", ".roi")), default="")
        files = [f for f in files if f == best or best.endswith(".roi") and f.endswith(".roi")]
        given.append(replace(one, labels=tuple(files)) if files else one)
    taken = {file for one in given for file in one.labels}
    return given, [file for file in others if file not in taken]


def _shown(named, inside, root) -> list[_Named]:
    """Images: those in image folders, else those directly in the root, else all."""
    marked = [n for n in named if n.role == "image" and n.marked]
    flat = [n for n in named if "/" not in n.file.removeprefix(inside)]
    if flat and not marked and len(flat) < len(named):
        _log.warning("%d pictures in folders of %s are not read, only the %d directly in it; "
                     "give a pattern to read others, e.g. images='**/{}.tif'.",
                     len(named) - len(flat), root, len(flat))  # fmt: skip
    return marked or flat or named


def _known(shown, pattern, root) -> dict[tuple, _Named]:
    """Images by what their labels may be called."""
    known: dict[tuple, _Named] = {}
    for n in shown:
        twin = known.setdefault(n.key(n.stem), n)
        need(twin is n, lambda twin=twin, n=n: (
            f"{twin.file} and {n.file} in {root} are the same by the pattern of usual names, "
            "expected one image of each name; delete one, or say which: images='{}.tif'."
        ))  # fmt: skip
    for n in shown:
        fields = pattern.match(n.file) if pattern else {}
        for stem in (n.short, fields.get("key") or n.short):
            known.setdefault(n.key(stem), n)
    return known


def told_apart(entries, files) -> list[Entry]:
    """Entries of different names: where two agree, the path counts."""
    count = Counter(e.name for e in entries)
    return [
        replace(e, name=str(PurePosixPath(file).with_suffix(""))) if count[e.name] > 1 else e
        for e, file in zip(entries, files, strict=True)
    ]


def agreement(name: str, other: str) -> int:
    """How many folders two paths share, from their ends, or else from their beginnings."""
    one, two = (PurePosixPath(path.lstrip("/")).parts[:-1] for path in (name, other))
    return max(
        next((k for k, (a, b) in enumerate(zip(*pair, strict=False)) if a != b),
             min(len(one), len(two)))
        for pair in ((one, two), (one[::-1], two[::-1]))
    )  # fmt: skip
