"""A verdict as lines of text, as a box in a notebook."""

from __future__ import annotations

import html
import sys

from cellkit_course.exercise import BLANK, RIGHT, WRONG, Exercise, Verdict
from cellkit_course.guard import has_time_limit
from cellkit_course.presenting import sentence


def report(exercise: Exercise, verdict: Verdict, stands_in: bool = True) -> list[tuple[str, str]]:
    """A verdict as (label, text) lines; the first is the headline."""
    points = f"{exercise.points:g} {'point' if exercise.points == 1 else 'points'}"
    name, status = exercise.name, verdict.status
    going_on = f"cellkit's {name}"
    if status == RIGHT:
        lines = [("", f"{name}: {exercise.won} ({points}).")]
        if verdict.remark:
            lines.append(("", verdict.remark))
        going_on = f"your {name}"
    elif status == BLANK:
        lines = [("", f"{name}: {status} ({points} to win).")]
    elif status == WRONG:
        lines = [("", f"{name}: {status}.")]
        if verdict.case:
            lines.append(("Case", verdict.case))
        if verdict.given:
            lines.append(("Given", verdict.given))
        lines += [("Came out", verdict.fault.came), ("Expected", verdict.fault.wanted)]
        if verdict.printed:
            lines.append(("It printed", verdict.printed))
        if verdict.fault.hint:
            lines.append(("Hint", sentence(verdict.fault.hint)))
        lines.append(("", f'More help: ck.lesson.hint("{name}").'))
    else:
        lines = [("", f"{name}: {status}, which wins nothing."),
                 ("", "A check that is not right puts it there. Run the cell with your own "
                      "function again, then this one.")]
    if not has_time_limit():
        lines.append(("", "No time limit works here: stop an endless loop by hand."))
    if stands_in:
        lines.append(("", f"The lesson goes on with {going_on}."))
    return lines


def as_text(lines) -> str:
    """Lines of a report as plain text, for a screen reader or a log."""
    out = []
    for label, text in lines:
        head = f"  {label}: " if label else ("" if not out else "  ")
        inner = f"\n{text}".replace("\n", "\n    ") if "\n" in text else text
        out.append(head.rstrip() + inner if "\n" in text else head + inner)
    return "\n".join(out)


_BOX = {RIGHT: ("✔", "#009E73"), BLANK: ("…", "#999999"),
        "help": ("?", "#0072B2")}  # else wrong


def as_html(lines, status) -> str:
    """Lines of a report as a box; sign and word carry the meaning, the colour only repeats it."""
    sign, colour = _BOX.get(status, ("✘", "#D55E00"))
    rows = []
    for label, text in lines[1:]:
        body = html.escape(text)
        if "\n" in text:
            body = f'<pre style="margin:0 0 0 1em;background:none;color:inherit">{body}</pre>'
        rows.append(f"<div>{f'<b>{label}:</b> ' if label else ''}{body}</div>")
    return (
        f'<div role="status" style="border:1px solid {colour};border-left-width:6px;'
        'padding:.4em .8em;margin:.3em 0;color:inherit;background:transparent">'
        f'<div><span aria-hidden="true">{sign} </span><b>{html.escape(lines[0][1])}</b></div>'
        f"{''.join(rows)}</div>"
    )


def say(lines, status) -> None:
    """Show a report: a box in a notebook, plain text elsewhere."""
    text = as_text(lines)
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from IPython.display import display

        display({"text/plain": text, "text/html": as_html(lines, status)}, raw=True)
    else:
        print(text)
