"""Lesson 05_double_unet: what each strategy reached, measured earlier."""

from __future__ import annotations

import numpy as np

from cellkit_course import papers, results

#: Resampler and antialiasing; "nearest" never has it and "area" always.
WAYS = {"area": ("area", True), "nearest": ("nearest", False),
        **{f"{name}{end}": (name, aa) for name in ("bilinear", "bicubic", "lanczos")
           for end, aa in (("", True), (", no antialiasing", False))}}


def measured() -> dict:
    """What was measured so far: "rows", "networks", and how; empty where nothing was."""
    return results.measured("resolution") or {"rows": [], "networks": []}


def mean(rows: list[dict], key: str = "dice", **chosen) -> float | None:
    """The mean of a measure over the rows that have some values; None where there is no row.

    ``mean(rows, strategy="b", M=0.25)`` is over resamplers and seeds.
    """
    values = [row[key] for row in rows if all(row[k] == v for k, v in chosen.items())]
    return float(np.mean(values)) if values else None


def says(key: str = "dice", **chosen) -> str:
    """What was measured, as text: the mean, ± over seeds where there are several, else a dash."""
    return results.mean_over_seeds([row[key] for row in measured()["rows"]
                                    if all(row[name] == value for name, value in chosen.items())])


def how() -> str:
    """In a few words, how what was measured was measured."""
    known = measured()
    if not known["rows"]:
        return "nothing yet"
    steps, seeds = ({one[key] for one in known["networks"]} for key in ("steps", "seed"))
    return (f"LIVECell, {known['rows'][0]['images']} real pictures, {max(steps)} steps a network "
            f"((c) to (g): from the sharp one on), {len(seeds)} seed"
            f"{'s' if len(seeds) > 1 else ''}")


def layout(key: str = "dice") -> list[dict]:
    """The paper's two tables as one, ours beside them: a row for each strategy and M.

    Each resampler's column has the mean over seeds, and what one seed more or less would move:
    ± the standard deviation over seeds, where there are several.
    """
    rows, known = [], measured()["rows"]
    for letter, M in sorted({(row["strategy"], row["M"]) for row in known},
                            key=lambda pair: (pair[0], -pair[1])):
        words = papers.RESOLUTION_STRATEGIES[letter]["words"]
        row = {"strategy": f"({letter}) {words}", "M": f"{M:g}",
               "paper, test": printed(letter, M, "test"),
               "paper, validation": printed(letter, M, "validation")}
        for way in WAYS:
            row[way] = results.mean_over_seeds([
                one[key] for one in known
                if (one["strategy"], one["M"], one["resampler"]) == (letter, M, way)])
        rows.append(row)
    return rows


def printed(letter: str, M: float, part: str = "test") -> str:
    """What paper 1 prints for a strategy, as text."""
    picture = {"a": "degraded", "b": "super-resolved"}.get(letter)
    name = "sharp" if (letter, M) == ("a", 1) else f"{picture}, M = {M:g}"
    value = papers.PAPER1.printed[f"livecell {part}"].get(name)
    return "not printed" if value is None else f"{value:.3f}"
