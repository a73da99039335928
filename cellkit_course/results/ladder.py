"""Lesson 07_watershed: what each way to single cells reaches on real pictures, measured earlier."""

from __future__ import annotations

from cellkit_course import results

#: Rows of ``objects.json`` that the lesson explains, in the order of the ladder.
HEADS = ("foreground", "border", "distance", "distance and border", "flow")


def by_run() -> dict[str, list[dict]]:
    """Rows of ``experiments.objects_table`` by what was trained, one a seed."""
    found = {}
    for key, row in results.measured("objects").items():
        found.setdefault(key.partition(", seed")[0].rpartition(", ")[0], []).append(row)
    return found


def rungs() -> list[dict]:
    """The ladder's rows: trained heads, mean ± spread over seeds, then perfect masks."""
    found, perfect = by_run(), results.measured("ladder")
    rows = [{"method": f"learned: {found[name][0]['words'].partition(':')[0]}",
             "AP at IoU 0.5": results.mean_over_seeds([row["AP50"] for row in found[name]]),
             "AP, mean": results.mean_over_seeds([row["mean AP"] for row in found[name]])}
            for name in HEADS if name in found]
    return rows + [{key: f"{row[key]:.3f}" if isinstance(row[key], float) else row[key]
                    for key in ("method", "AP at IoU 0.5", "AP, mean")}
                   for row in perfect.get("rows", ())]


def how() -> str:
    """On what the rungs were measured."""
    trained = [row for rows in by_run().values() for row in rows]
    steps = sorted({row["steps"] for row in trained})
    return results.measured("ladder")["how"] + (
        f"; networks of {steps[0]} steps, one for each head and seed" if trained else "")
