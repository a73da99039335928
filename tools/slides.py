"""Slides of a lesson, from the lesson's own source: one page that works without a network.

``python -m tools.slides 02`` writes ``build/slides/02_….html``: a slide a section, with the first
sentence of each of its paragraphs, its figure where the lesson was executed before (``make lesson``
or ``make site``), and each exercise and question as a slide to talk about.  Arrow keys turn the
pages; printed, each slide is a page.
"""

from __future__ import annotations

import argparse
import base64
import html
import re
import sys
from pathlib import Path

import nbformat

from cellkit.files import replacing
from tools import budget, builder

SENTENCES = 5  # of a section on its slide
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
html {{ scroll-snap-type: y mandatory; color-scheme: light dark; font: 1.6rem/1.45 sans-serif; }}
body {{ margin: 0; }}
section {{ min-height: 100vh; box-sizing: border-box; padding: 6vh 8vw; scroll-snap-align: start;
  display: flex; flex-direction: column; justify-content: center; break-after: page; }}
h1, h2 {{ font-size: 2.6rem; line-height: 1.15; margin: 0 0 .6em; }}
li {{ margin: .35em 0; max-width: 38em; }}
img {{ max-width: 100%; max-height: 52vh; object-fit: contain; background: white; }}
.kind {{ font-size: 1.1rem; letter-spacing: .08em; text-transform: uppercase; margin: 0; }}
code {{ font-size: .9em; }}
</style></head><body>
{slides}
<script>
addEventListener("keydown", event => {{
  const step = {{ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1,
                 ArrowLeft: -1, ArrowUp: -1, PageUp: -1}}[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [...document.querySelectorAll("section")];
  const here = all.findIndex(one => one.getBoundingClientRect().bottom > innerHeight / 2);
  all[Math.min(all.length - 1, Math.max(0, here + step))].scrollIntoView();
}});
</script></body></html>
"""


def plain(markdown: str) -> str:
    """Markdown as HTML text: code, bold and italics kept, links as their words."""
    text = re.sub(r"<[^>]+>|!\[[^\]]*\]\([^)]*\)", "", markdown)
    text = html.escape(re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text), quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)
    return re.sub(r"\*([^*]+)\*", r"<i>\1</i>", text).strip()


def first_sentences(markdown: str) -> list[str]:
    """The first sentence of each paragraph and list item."""
    body = re.sub(r"<details.*?</details>|```.*?```", "", markdown, flags=re.DOTALL)
    body = re.sub(r"^#.*$", "", body, flags=re.MULTILINE)
    found = []
    for piece in re.split(r"\n\s*\n|^\s*(?:[-*]|\d+\.) ", body, flags=re.M):
        text = " ".join(piece.split())
        if len(text.split()) > 2 and not text.startswith(("|", "<", "$$", "![")):
            found.append(re.split(r"(?<=[.?!])\s+(?=[A-Z*`])", text)[0])
    return found


def slide(title: str, kind: str, sentences, picture: str = "") -> str:
    items = "".join(f"<li>{plain(one)}</li>" for one in sentences)
    said = f'<p class="kind">{kind}</p>' if kind else ""
    return (f"<section>{said}<h2>{plain(title)}</h2>{f'<ul>{items}</ul>' if items else ''}"
            f"{picture}</section>")


def figures(executed) -> dict[str, str]:
    """Section -> its first figure as HTML, of an executed notebook."""
    found, here = {}, ""
    for cell in executed.cells if executed is not None else ():
        if cell.cell_type == "markdown":
            for heading in re.findall(r"^##? (.+)$", cell.source, re.M):
                here = heading
        for output in cell.get("outputs", ()):
            data = output.get("data", {}).get("image/png")
            if data and here not in found:
                told = output.get("metadata", {}).get("image/png", {}).get("alt", "")
                base64.b64decode(data)  # says what is wrong with it, if anything
                found[here] = (f'<img alt="{html.escape(told)}" '
                               f'src="data:image/png;base64,{data.strip()}">')
    return found


def deck(source: Path, executed=None) -> str:
    """The page of a lesson's slides."""
    pictures = figures(executed)
    slides, title = [], source.stem
    texts: dict[str, list[str]] = {}
    order = []
    for cell in builder.read(source):
        if cell.kind != "markdown":
            continue
        level = "{1,4}" if cell.mark == "exercise" else "{1,2}"
        for piece in re.split(rf"^(?=#{level} )", cell.source, flags=re.M):
            heading = re.match(rf"#{level} (.+)", piece)
            if heading:
                title = heading[1]
                order.append((title, "exercise" if cell.mark == "exercise" else ""))
            if title == budget.END:
                break
            texts.setdefault(title, []).extend(first_sentences(piece))
        else:
            continue
        break
    for title, kind in order:
        if title == budget.END:
            break
        slides.append(slide(title, kind, texts.get(title, [])[:SENTENCES],
                            pictures.get(title, "")))
    return PAGE.format(title=html.escape(order[0][0]), slides="\n".join(slides))


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser("python -m tools.slides", description=__doc__)
    parser.add_argument("lesson", help="its number, e.g. 02")
    parser.add_argument("--out", type=Path, default=builder.ROOT / "build" / "slides")
    asked = parser.parse_args(arguments)
    found = [s for s in builder.sources() if asked.lesson in (s.stem, s.stem[:2])]
    if not found:
        sys.exit(f"no lesson {asked.lesson!r}; write for example 02.")
    name = found[0].stem
    executed = builder.ROOT / "build" / "lessons" / f"{name}.ipynb"
    page = deck(found[0], nbformat.read(executed, as_version=4) if executed.exists() else None)
    with replacing(asked.out / f"{name}.html") as draft:
        draft.write_text(page, encoding="utf-8")
    print(asked.out / f"{name}.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
