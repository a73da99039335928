"""The explorers of the site: made once with what travels with cellkit, and shown without a kernel.

In an executed lesson an explorer waits for a kernel that a page has not got.  :func:`instead` puts
one of these in its place; where there is none, the explorer's twin stays.  Each is exported once
into build/explorers, and again when cellkit has changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import cellkit as ck
from cellkit.files import replacing

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / "build" / "explorers"


def crowd():
    """The drawn picture with the most cells that touch."""
    return ck.read("livecell", root=ck.datasets.bundled("livecell"), split="test")[4]


#: Name → makes it.
EXPLORERS = {
    "resolution": lambda: ck.explore.resolution(),
    "sharpening": lambda: ck.explore.super_resolution(),
    "seeds": lambda: ck.explore.instances(crowd(), maps=crowd().mask),
    "distances": lambda: ck.explore.instances(net="livecell-distance", method="distance"),
}
#: Heading and main control of a lesson's explorer → which of these is the same.
SAME = {
    ("What does resolution cost?", "M"): "resolution",
    ("What can sharpening bring back?", "M"): "sharpening",
    ("How many cells are there?", "peak_distance"): "seeds",
    ("How many cells are there?", "h"): "distances",
}
MADE = ("Made beforehand, with the drawn pictures and the networks that travel with cellkit. In "
        "the notebook the same explorer takes the lesson's own, and yours.")
STILL = "In the notebook a slider stands here; this is what it shows first."


def exported(name: str) -> str:
    """One of :data:`EXPLORERS` as a piece of HTML, from the store where it is as it would be."""
    file = STORE / f"{name}-{fingerprint()}.html"
    if not file.exists():
        for old in STORE.glob(f"{name}-*.html"):
            old.unlink()
        explorer = EXPLORERS[name]()
        text = explorer.exported().replace(f"{explorer.name}-page", f"explorer-{name}")
        with replacing(file) as part:
            part.write_text(text, encoding="utf-8")
    return file.read_text(encoding="utf-8")


def fingerprint() -> str:
    """What tells whether an explorer must be exported again."""
    known = hashlib.sha256()
    for file in sorted((ROOT / "cellkit").rglob("*")):
        if file.suffix in (".py", ".js", ".css", ".json"):
            known.update(file.read_bytes())
    return known.hexdigest()[:12]


def embedded(name: str, folder: Path, seen_as: str) -> str:
    """An explorer for a page: what moves it lies in ``folder``, once for all pages.

    ``seen_as`` is that folder as the page sees it.
    """
    before, script, after = re.split(r"<script>|</script>", exported(name))
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / f"{name}.js") as file:
        file.write_text(script, encoding="utf-8")
    return f'{before}{after}<script src="{seen_as}/{name}.js" defer></script>'


def instead(markup: str, folder: Path) -> str | None:
    """What stands on a lesson's page for an explorer that waits for a kernel; else None."""
    spec = re.search(r'cellkitExplorer\(document\.getElementById\("[^"]+"\),(\{.*\})\);</script>',
                     markup, re.S)
    if spec is None:
        return None
    told = json.loads(spec[1])
    name = SAME.get((told["title"], told["main"]))
    if name:
        return f'{embedded(name, folder, folder.name)}<p class="ran">{MADE}</p>'
    twin = re.search(r'<div class="twin">(.*)</div><script>', markup, re.S)
    return f'<div class="twin">{twin[1]}</div><p class="ran">{STILL}</p>'
