"""An explorer as a piece of HTML: in a notebook, where a kernel answers, and in a file of its own.

The same script, ``explorer.js``, moves both.  What it shows it gets from Python as *views*, keyed
by the controls' steps; in a file all of them are there, in a notebook it asks for them.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable
from importlib.resources import files

import numpy as np

from cellkit.explore.views import Picture, View, drawn, encoded, number_text
from cellkit.show.palette import MARKS

KINDS = {"JPEG": "jpeg", "WEBP": "webp", "PNG": "png"}


def key(places: Iterable[int]) -> str:
    """The controls' steps as one word."""
    return ",".join(map(str, places))


def source(array, kind="JPEG", quality=90) -> str:
    """A picture as an address that holds all of it."""
    data = base64.b64encode(encoded(array, kind, quality)).decode()
    return f"data:image/{KINDS[kind]};base64,{data}"


def described(view: View, kind: str = "JPEG", quality: int = 90) -> dict:
    """A view for the page."""
    return {
        "pictures": [_picture(title, one, kind, quality) for title, one in view.pictures.items()],
        "numbers": [[name, number_text(value), _plain(value)]
                    for name, value in view.numbers.items()],
        "words": view.words, "legend": view.legend, "idle": list(view.idle),
    }


def _picture(title, picture, kind, quality) -> dict:
    if not isinstance(picture, Picture):
        return {"title": title, "src": source(drawn(picture), kind, quality)}
    found = {"title": title, "src": source(picture.image, kind, quality)}
    if picture.outcome is not None:
        # A kernel is asked for speed, a page for few bytes.
        found["code"] = source(picture.outcome, "PNG", 10 if kind == "JPEG" else 90)
    if picture.small is not None:
        found["small"] = source(picture.small, kind, quality)
    return found


def _plain(value):
    """A number that JSON has, or None."""
    number = isinstance(value, (int, float, np.integer, np.floating))
    return float(value) if number and np.isfinite(value) else None


def shared(views: dict[str, dict]) -> list[str]:
    """Each address once: takes them out of the views, which then say its place in the list."""
    known = {}
    for view in views.values():
        for picture in view["pictures"]:
            for name in ("src", "code", "small"):
                if name in picture:
                    picture[name] = known.setdefault(picture[name], len(known))
    return list(known)


def twin(views: dict[str, View], caption: str, numbers: dict[str, View] | None = None,
         width: int = 440) -> str:
    """What paper shows, and whoever runs no script: pictures, and the numbers as a table.

    Parameters
    ----------
    views : dict of str → View
        Heading → what to draw; of each its pictures.
    caption : str
    numbers : dict of str → View, optional
        Heading → row of the table; by default the same.
    width : int
        Of a picture on the page, in pixels.
    """
    figures = "".join(
        f'<figure style="display:inline-block;width:{width}px;max-width:100%">'
        f'<img alt="{html.escape(f"{heading}, {title}: {view.words}")}" style="width:100%;'
        f'height:auto" src="{source(drawn(picture), "JPEG", 85)}">'
        f"<figcaption>{html.escape(f'{heading}: {title}' if heading else title)}</figcaption>"
        "</figure>"
        for heading, view in views.items() for title, picture in view.pictures.items())
    rows = views if numbers is None else numbers
    head = "".join(f'<th scope="col">{html.escape(name)}</th>'
                   for name in next(iter(rows.values())).numbers)
    body = "".join(
        (f'<tr><th scope="row">{html.escape(heading)}</th>' if heading else "<tr><td></td>")
        + "".join(f"<td>{html.escape(number_text(n))}</td>" for n in view.numbers.values())
        + "</tr>" for heading, view in rows.items())
    return (f'{figures}<table><caption>{html.escape(caption)}</caption><thead><tr><td></td>{head}'
            f"</tr></thead><tbody>{body}</tbody></table>")


def block(name: str, spec: dict, still: str) -> str:
    """The explorer's HTML: the twin, and the script that puts what moves in its place.

    Parameters
    ----------
    name : str
        An identifier of its own on the page.
    spec : dict
        See :meth:`cellkit.explore.Explorer.described`.
    still : str
        See :func:`twin`.
    """
    marks = [{"colour": mark.colour, "stripes": mark.stripes, "slope": mark.slope,
              "words": f"{mark.name}: {mark.meaning}"} for mark in MARKS]
    data = json.dumps({**spec, "marks": marks}, separators=(",", ":")).replace("</", "<\\/")
    here = files("cellkit.explore")
    look, move = (here.joinpath(f"explorer.{one}").read_text(encoding="utf-8")
                  for one in ("css", "js"))
    return (f'<div class="cellkit-explorer" id="{name}"><style>{look}</style>'
            f'<div class="twin">{still}</div>'
            f'<script>{move}\ncellkitExplorer(document.getElementById("{name}"),{data});</script>'
            "</div>")


def page(title: str, body: str) -> str:
    """A file of its own around a :func:`block`."""
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{html.escape(title)}</title>"
            "<style>:root{color-scheme:light dark}body{margin:0 auto;max-width:1180px;"
            "padding:0 16px 24px;font:16px/1.5 system-ui,sans-serif;background:Canvas;"
            f"color:CanvasText}}</style></head><body><main>{body}</main></body></html>")
