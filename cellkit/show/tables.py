"""Tables: HTML in a notebook, aligned text elsewhere."""

from __future__ import annotations

import html

import numpy as np

from cellkit.show.output import send


def table(rows: list[dict], caption: str, digits: int = 3):
    """A small table: HTML in a notebook, aligned text elsewhere.

    Parameters
    ----------
    rows : list of dict
        One dict a row, all with the same keys; floats are rounded to ``digits``.
    caption : str
        What the numbers are: data, split, averaging.
    """
    def text(value):
        return f"{value:.{digits}f}" if isinstance(value, (float, np.floating)) else str(value)

    head = list(rows[0]) if len(rows) else []
    lacking = [key for row in rows for key in head if key not in row]
    if not head or lacking:
        raise ValueError(
            f"found {f'a row without {lacking[0]!r}' if lacking else 'no row to show'}, expected "
            "at least one row, each with the first one's keys; add what is missing."
        )
    body = [[text(row[key]) for key in head] for row in rows]
    wide = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    plain = "\n".join([caption] + ["  ".join(w.ljust(n) for w, n in zip(line, wide, strict=True))
                                   for line in [head, *body]])

    def cells(line, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in line) + "</tr>"

    rich = (f"<table><caption>{html.escape(caption)}</caption><thead>{cells(head, 'th')}</thead>"
            f"<tbody>{''.join(cells(line, 'td') for line in body)}</tbody></table>")
    send({"text/html": rich, "text/plain": plain})
