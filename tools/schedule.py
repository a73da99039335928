"""Schedules for a half day, two days and seven weeks, from the lessons' own minutes.

``python -m tools.schedule`` writes them into docs/schedules.md; a test compares.
"""

from __future__ import annotations

import math
import sys

from tools import budget, builder, cards

FILE = builder.ROOT / "docs" / "schedules.md"
BREAK = 15  # minutes, after each lesson of a day
CLASS = 60  # minutes of a weekly meeting
HALF_DAY = 180
#: What half a day shows: data, the network, what resolution costs; each as far as its share goes.
TASTE = ("01_data_and_masks", "02_unet_from_scratch", "05_double_unet")


def lessons() -> dict[str, list[budget.Section]]:
    """The sections of each lesson of the course; optional ones are in no schedule."""
    return {source.stem: budget.sections(builder.read(source), source.stem)
            for source in builder.sources() if source.stem[:2] not in cards.OPTIONAL}


def title(name: str) -> str:
    return f"{int(name[:2])} · {name[3:].replace('_', ' ')}"


def clock(minutes: float, start: int = 9 * 60) -> str:
    at = start + 5 * math.ceil(minutes / 5)
    return f"{at // 60:02d}:{at % 60:02d}"


def as_far_as(found, minutes: float) -> tuple[float, str]:
    """How long the sections take that fit into some minutes, and the last one's title."""
    spent, last = 0.0, "start"
    for section in found:
        if spent + section.minutes > minutes:
            break
        spent, last = spent + section.minutes, section.title
    return spent, last


def half_day(all_lessons) -> list[str]:
    rows, spent = [], 0.0
    for name in TASTE:
        minutes, last = as_far_as(all_lessons[name], HALF_DAY / len(TASTE) - BREAK)
        rows.append(f"| {clock(spent)} | {title(name)} | to the end of *{last}* | {minutes:.0f} |")
        spent += minutes + BREAK
    return ["| begin | lesson | how far | minutes |", "| --- | --- | --- | --- |", *rows, "",
            f"Ends at {clock(spent - BREAK)}, with breaks of {BREAK} minutes. The rest of each "
            "lesson is homework."]


def two_days(all_lessons) -> list[str]:
    total = sum(budget.total(found) for found in all_lessons.values())
    rows, spent, day = [], 0.0, 1
    for name, found in all_lessons.items():
        minutes = budget.total(found)
        before = sum(budget.total(f) for n, f in all_lessons.items() if n < name)
        if day == 1 and before + minutes / 2 > total / 2:
            day, spent = 2, 0.0
        rows.append(f"| {day} | {clock(spent)} | {title(name)} | {minutes:.0f} |")
        spent += minutes + BREAK
        if spent >= HALF_DAY and spent - minutes - BREAK < HALF_DAY:
            spent += 45  # lunch
    return ["| day | begin | lesson | minutes |", "| --- | --- | --- | --- |", *rows, "",
            f"Breaks of {BREAK} minutes after each lesson, an hour about noon."]


def seven_weeks(all_lessons) -> list[str]:
    rows = []
    for week, (name, found) in enumerate(all_lessons.items(), 1):
        spent, last = as_far_as(found, CLASS)
        home = budget.total(found) - spent
        rows.append(f"| {week} | {title(name)} | to the end of *{last}* ({spent:.0f} min) | "
                    f"{home:.0f} min |")
    return ["| week | lesson | in class | at home |", "| --- | --- | --- | --- |", *rows]


def text() -> str:
    found = lessons()
    parts = {"Half a day": half_day, "Two days": two_days, "Seven weeks": seven_weeks}
    out = ["# Schedules", "", "Made by `python -m tools.schedule` from the minutes of each "
           "lesson's sections: a beginner's, reading and exercises included. "
           "Lesson 8, *your own pictures*, is optional and stands in none of them."]
    for name, make in parts.items():
        out += ["", f"## {name}", "", *make(found)]
    return "\n".join(out) + "\n"


def main() -> int:
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
