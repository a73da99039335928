"""Lesson 08_your_own_pictures: how many pictures of one's own a network needs, measured earlier."""

from __future__ import annotations

import numpy as np

from cellkit_course import results

NAME = "own_pictures"
#: A row of the json -> what it is called in the lesson.
HOWS = {"bundled, full size": "as it comes, at full size",
        "bundled, 1/4 size": "as it comes, at 1/4", "fine-tuned": "fine-tuned at 1/4",
        "scratch": "new at 1/4"}
LINKS, FILM = "links of true outlines", "film"


def key(how: str, pictures: int, seed: int) -> str:
    """The name of a row in the json file."""
    return how if how.startswith("bundled") else f"{how}, {pictures} pictures, seed {seed}"


def values(how: str, pictures: int = 0, measure: str = "AP50") -> list[float]:
    """A measure of one way to a network, a value for each seed; empty where none was measured."""
    start = key(how, pictures, 0).removesuffix("0")
    return [row[measure] for which, row in sorted(results.measured(NAME).items())
            if which.startswith(start)]


def mean(how: str, pictures: int = 0, measure: str = "AP50") -> float:
    """:func:`values`, averaged; NaN where none was measured."""
    found = values(how, pictures, measure)
    return float(np.mean(found)) if found else float("nan")


def sizes() -> list[int]:
    """For how many pictures there is a row."""
    return sorted({len(row["pictures"]) for row in results.measured(NAME).values()
                   if "pictures" in row})


def layout(measure: str = "AP50") -> list[dict]:
    """A row for each number of pictures, a column for each way; ± over seeds."""
    def cell(how, n):
        trained = not how.startswith("bundled")
        return results.mean_over_seeds(values(how, n, measure) if trained == bool(n) else [])

    return [{"annotated pictures": n or "none"} | {title: cell(how, n)
                                                   for how, title in HOWS.items()}
            for n in (0, *sizes())]


def how() -> str:
    """In a few words, how what was measured was measured."""
    rows = [row for row in results.measured(NAME).values() if "pictures" in row]
    return (f"AP at IoU 0.5, measured earlier: {rows[0]['tested on']} real pictures of another "
            f"field, {rows[0]['steps']} steps; ± where several choices of "
            "the pictures were tried"
            if rows else "not measured yet")


def links() -> dict:
    """How many links of true outlines, by overlap, are right: "right", "made", "true"."""
    return results.measured(NAME)[LINKS]


def film() -> dict:
    """The real film: "hours", and for each way to count its "counts" and growth."""
    return results.measured(NAME)[FILM]
