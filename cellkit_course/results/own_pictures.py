"""Lesson 08_your_own_pictures: how many pictures of one's own a network needs, measured earlier."""

from __future__ import annotations

from cellkit_course import results

NAME = "own_pictures"
#: A row of the json -> what it is called in the lesson.
HOWS = {"bundled, full size": "as it comes, at full size",
        "bundled, 1/4 size": "as it comes, at 1/4", "fine-tuned": "fine-tuned at 1/4",
        "scratch": "from random weights at 1/4"}


def key(how: str, pictures: int, seed: int) -> str:
    """The name of a row in the json file."""
    return how if how.startswith("bundled") else f"{how}, {pictures} pictures, seed {seed}"


def values(how: str, pictures: int = 0, measure: str = "AP50") -> list[float]:
    """A measure of one way to a network, a value for each seed; empty where none was measured."""
    start = key(how, pictures, 0).removesuffix("0")
    return [row[measure] for which, row in sorted(results.measured(NAME).items())
            if which.startswith(start)]


def sizes() -> list[int]:
    """For how many pictures there is a row."""
    return sorted({len(row["pictures"]) for row in results.measured(NAME).values()
                   if "pictures" in row})


def layout(measure: str = "AP50") -> list[dict]:
    """A row for each number of pictures, a column for each way; ± over seeds."""
    rows = [{"pictures": "none"} | {HOWS[how]: results.mean_over_seeds(values(how, 0, measure))
                                    for how in HOWS}]
    return rows + [{"pictures": str(n)} | {
        HOWS[how]: results.mean_over_seeds([] if how.startswith("bundled")
                                           else values(how, n, measure))
        for how in HOWS} for n in sizes()]
