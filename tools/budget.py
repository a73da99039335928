"""What a lesson takes a beginner, in minutes, added up from its source.

Words at 150 a minute, open code at 10 lines, a figure half a minute, an exercise twice our first
guess (which its heading states), and the computing as measured in the profile "standard": seconds
of one core, which two cores do not exceed and other load on the machine does not move.  What
stands under *Going further*, and folded code, is not counted.

``python -m tools.budget`` prints the sums; with ``build/lessons/02_*.ipynb`` behind it, it
takes the seconds of lessons that ``tools.run_lesson`` has executed into ``seconds.json``.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import statistics
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from cellkit.files import replacing

LIMIT = 90  # minutes of a lesson
WORDS, LINES, FIGURE, EXERCISE = 150, 10, 0.5, 2  # a minute; a minute; minutes; times our guess
OPEN_LINES, MEDIAN = 180, 6  # of a lesson's open code; of its open cells
SECONDS = Path(__file__).with_name("seconds.json")
END = "Going further"
FIGURES = {"images", "bars", "curves", "figure", "table", "animation", "twin"}
GUESS = re.compile(r"(#.*\(\d+ points?, )(\d+)( minutes?\))")


@dataclass
class Section:
    """What one section asks of the reader."""

    title: str
    words: int = 0
    lines: int = 0
    figures: int = 0
    guessed: float = 0  # minutes of its exercises
    seconds: float = 0  # of one core
    cells: list[int] = field(default_factory=list)  # lines of each open code cell

    @property
    def parts(self) -> dict[str, float]:
        """Minutes by kind."""
        return {
            "reading": self.words / WORDS,
            "code": self.lines / LINES,
            "figures": self.figures * FIGURE,
            "exercises": self.guessed * EXERCISE,
            "computing": self.seconds / 60,
        }

    @property
    def minutes(self) -> float:
        return sum(self.parts.values())


def sections(cells: Iterable, lesson: str) -> list[Section]:
    """The sections of a source's cells (see :class:`tools.cells.Cell`), up to *Going further*."""
    measured = seconds().get(lesson, {})
    found = [Section("start")]
    for cell in cells:
        if cell.kind == "markdown":
            for piece in re.split(r"^(?=## )", cell.source, flags=re.M):
                if piece.startswith("## "):
                    found.append(Section(heading(piece)))
                if found[-1].title == END:
                    return _with(found[:-1], measured)
                if cell.mark == "exercise":
                    found[-1].guessed += sum(float(guess[2]) for guess in GUESS.finditer(piece))
                else:
                    found[-1].words += words(piece)
        elif cell.mark not in ("setup", "solution", "check"):
            calls = _calls(cell.source)
            found[-1].figures += sum(_is_figure(call) for call in calls)
            found[-1].words += sum(map(_claimed, calls))
            if not cell.fold:
                found[-1].cells.append(lines(cell.source))
                found[-1].lines += found[-1].cells[-1]
    return _with(found, measured)


def _with(found: list[Section], measured: dict[str, float]) -> list[Section]:
    for section in found:
        section.seconds = measured.get(section.title, 0)
    return found


def heading(markdown: str) -> str:
    """The text of the heading that a piece of markdown begins with."""
    return markdown.partition("\n")[0].lstrip("# ").strip()


def words(markdown: str) -> int:
    """Words to read; what stands in tags and in links' targets is not."""
    text = re.sub(r"<[^>]*>|\]\([^)]*\)", " ", markdown)
    return len(re.findall(r"[^\W_][\w'’.,/-]*", text))


def lines(source: str) -> int:
    """Lines of code, without blank ones and such as hold a comment only."""
    return sum(bool(re.match(r"\s*[^\s#]", line)) for line in source.split("\n"))


def _calls(source: str) -> list[ast.Call]:
    try:
        tree = ast.parse(re.sub(r"^%%?time ?", "", source, flags=re.M))
    except SyntaxError:  # the linter will object
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func)


def _is_figure(call: ast.Call) -> bool:
    name = _name(call)
    if name.endswith(".with_scale"):  # a part of a figure
        return False
    return ".draw." in name or (name.rpartition(".")[2] in FIGURES and
                                (".show." in name or name.endswith(".twin")))


def _claimed(call: ast.Call) -> int:
    """Words of the sentence that a claim shows."""
    if not _name(call).endswith("lesson.claim") or len(call.args) < 2:
        return 0
    texts = [node.value for node in ast.walk(call.args[1])
             if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return words(" ".join(texts))


def total(found: list[Section]) -> float:
    """Minutes of the lesson."""
    return sum(section.minutes for section in found)


def head(found: list[Section], lesson: str) -> str:
    """The lines about time at the head of a lesson."""
    how = "reckoned from timed steps" if lesson in _kept().get("reckoned", ()) else "measured"
    kinds = found[0].parts
    spent = {kind: sum(section.parts[kind] for section in found) for kind in kinds}
    by_section = " · ".join(f"{section.title} {section.minutes:.0f}" for section in found[1:]
                            if section.minutes >= 0.5 and not section.title.startswith("What you"))
    return (
        f"**Minutes:** {total(found):.0f}: "
        + ", ".join(f"{kind} {minutes:.0f}" for kind, minutes in spent.items())
        + f" (the last {how}, on one CPU core).\n\n**By section:** {by_section}."
    )


def shown_guess(markdown: str) -> str:
    """An exercise's task with the minutes that the budget counts, in place of our first guess."""
    return GUESS.sub(lambda m: f"{m[1]}{EXERCISE * int(m[2])}{m[3]}", markdown)


def problems(found: list[Section]) -> list[str]:
    """What is too long, in words."""
    cells = [count for section in found for count in section.cells if count]
    said = []
    if total(found) > LIMIT:
        said.append(f"{total(found):.0f} minutes, at most {LIMIT}")
    if sum(cells) > OPEN_LINES:
        said.append(f"{sum(cells)} lines of open code, at most {OPEN_LINES}")
    if cells and statistics.median(cells) > MEDIAN:
        said.append(f"the median open cell has {statistics.median(cells):g} lines, "
                    f"at most {MEDIAN}")
    return said


def _kept() -> dict:
    return json.loads(SECONDS.read_text(encoding="utf-8")) if SECONDS.exists() else {}


def seconds() -> dict[str, dict[str, float]]:
    """Lesson -> section -> seconds of computing.

    Measured, but for the lessons listed under "reckoned": their trainings are too long to repeat
    after each change, and were reckoned from some timed steps.
    """
    return {lesson: found for lesson, found in _kept().items() if lesson != "reckoned"}


def measured(notebook) -> dict[str, float]:
    """Section -> seconds of one core, as :mod:`tools.run_lesson` leaves them."""
    found, title = {}, "start"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^## .*$", cell.source, re.M)
            title = heading(headings[-1]) if headings else title
        elif title != END:
            found[title] = found.get(title, 0) + cell.metadata.get("core_seconds", 0)
    return {title: round(value, 1) for title, value in found.items() if value >= 0.05}


def main() -> int:
    from tools import builder

    parser = argparse.ArgumentParser(description="The minutes of each lesson, by section.")
    parser.add_argument("executed", nargs="*", type=Path, help="executed notebooks to time")
    told = parser.parse_args()
    if told.executed:
        kept = _kept()
        for path in told.executed:
            kept[path.stem] = measured(nbformat.read(path, as_version=4))
            kept["reckoned"] = [name for name in kept.get("reckoned", ()) if name != path.stem]
        text = json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        with replacing(SECONDS) as part:
            part.write_text(text, encoding="utf-8")
    for source in builder.sources():
        found = sections(builder.read(source), source.stem)
        print(f"{source.stem}: {total(found):.0f} minutes; "
              f"{sum(s.lines for s in found)} open lines"
              + "".join(f"; {text}" for text in problems(found)))
        for section in found:
            spent = ", ".join(f"{kind} {minutes:.1f}" for kind, minutes in section.parts.items()
                              if minutes >= 0.05)
            print(f"    {section.minutes:5.1f}  {section.title}: {spent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
