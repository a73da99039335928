"""Many of an explorer's views at once: what a page without a kernel holds, and its twin."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from textwrap import fill

from cellkit import show
from cellkit.explore import page
from cellkit.explore.controls import described, in_words, place, steps
from cellkit.explore.views import View, drawn, number_text


def block(explorer, images: Sequence[int] | None, largest: int, level: int) -> str:
    """The explorer with all its views as a piece of HTML, see :meth:`Explorer.export`."""
    wanted = values(explorer, images)
    views = {page.key(places): explorer.kept(row) for places, row in wanted}
    controls = [reduced(explorer, name, images) for name in explorer.controls]
    still = twin(explorer, views, [one["at"] for one in controls])
    for quality in (80, 65, 50, 35, 20):
        ready = {one: page.described(view, "WEBP", quality) for one, view in views.items()}
        spec = {**explorer.about, "controls": controls, "files": page.shared(ready),
                "views": ready, "live": "", "level": level, "note": explorer.note or ""}
        text = page.block(f"{explorer.name}-page", spec, still)
        size = len(text.encode())
        if size <= largest:
            return text
    raise ValueError(
        f"the page would take {size:,} bytes, expected at most {largest:,}; export fewer images, "
        "or allow more with largest=."
    )


def values(explorer, images) -> list[tuple[tuple[int, ...], tuple]]:
    """Steps and values of everything that a page lets its reader choose."""
    moving, chosen = {explorer.main, explorer.about["ways"]}, offered(explorer, images)
    rows = [[value for _, value in steps(one)] for one in explorer.controls.values()]
    ranges = [chosen if name == "image" else range(len(row)) if name in moving else (place(one),)
              for (name, one), row in zip(explorer.controls.items(), rows, strict=True)]
    return [(places, tuple(row[k] for row, k in zip(rows, places, strict=True)))
            for places in product(*ranges)]


def offered(explorer, images) -> list[int]:
    """Which pictures: those asked for, or three that lie far apart."""
    count = len(steps(explorer.controls["image"])) if "image" in explorer.controls else 1
    if images is None:
        images = sorted({0, (count - 1) // 2, count - 1})
    if not len(images) or not all(0 <= one < count for one in images):
        raise ValueError(f"images is {images}, expected numbers from 0 to {count - 1}.")
    return list(images)


def reduced(explorer, name, images) -> dict:
    """A control as the page has it: what cannot be chosen there is not offered."""
    about = described(name, explorer.controls[name])
    if name == "image":
        about["offered"] = offered(explorer, images)
        if about["at"] not in about["offered"]:
            about["at"] = about["offered"][0]
    elif name not in (explorer.main, explorer.about["ways"]):
        about["offered"] = [about["at"]]
    return about


def twin(explorer, views, start: list[int]) -> str:
    """The main control at four of its steps as pictures, at all of them in the table."""
    order, row = list(explorer.controls).index(explorer.main), {}
    for k, (words, _) in enumerate(steps(explorer.controls[explorer.main])):
        places = [*start[:order], k, *start[order + 1:]]
        row[f"{explorer.main} {words}"] = views[page.key(places)]
    marked = [name for name, one in next(iter(row.values())).pictures.items()
              if getattr(one, "outcome", None) is not None]
    at = list(next(iter(row.values())).pictures).index(marked[0]) if marked else 0
    few = list(row)[::max(1, len(row) // 4)][:4]
    return page.twin({one: View(dict([list(row[one].pictures.items())[at]]), {}, row[one].words)
                      for one in few}, explorer.about["title"], row, width=270)


def figure(explorer, control, values, picture, caption, others):
    """The twin of a notebook, see :meth:`Explorer.twin`."""
    seen = [explorer.look(**{**explorer.values(), **others, control: value}) for value in values]
    names = [in_words(explorer.controls[control], value) for value in values]
    pictures = [list(view.pictures.items())[picture] for view in seen]
    marked = any(getattr(one, "outcome", None) is not None for _, one in pictures)
    show.images(
        [drawn(one) for _, one in pictures],
        [f"{control}: {name}\n{fill(title, 36)}"
         for name, (title, _) in zip(names, pictures, strict=True)],
        alt=" ".join([*(f"{control} {name}: {view.words}"
                        for name, view in zip(names, seen, strict=True)), seen[-1].legend]),
        caption=show.legend_of_compare() if marked else caption,
    )
    show.table(
        [{control: name, **{key: number_text(value) for key, value in view.numbers.items()}}
         for name, view in zip(names, seen, strict=True)],
        caption or f"The same in numbers, by {control}",
    )
