"""Build the course's site, or the page of one lesson: Sphinx over docs/ and executed notebooks.

``make site`` needs no network.  It shows every lesson as build/lessons holds it executed, in
whatever profile; one that is not there, or is older than its source, is run first, in ``tiny``
(``make site RUN=standard``: in ``standard``).  Real pictures are shown of those sets only whose
licence allows it (``tools.lesson_page.CREDITS``): an execution that saw others is not used, and
what is run here finds no others.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

import cellkit as ck
from tools import address, builder, explorers, lesson_page, run_lesson
from tools import cards as cards_

ROOT = builder.ROOT
DOCS = ROOT / "docs"
PROFILES = ("tiny", "standard", "full")
#: Pages of the site that stand at the repository's root, where GitHub looks for them.
AT_THE_ROOT = ("INSTRUCTORS", "CONTRIBUTING", "CHANGELOG")


def sphinx(source: Path, out: Path, quiet: bool = True, kind: str = "html",
           **settings) -> list[str]:
    """Build ``source`` into ``out`` as docs/conf.py says; gives Sphinx's warnings.

    ``kind`` "linkcheck" asks every address instead whether it still answers.
    """
    import io

    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    warnings = io.StringIO()
    with docutils_namespace():
        app = Sphinx(str(source), str(DOCS), str(out), str(source.parent / "doctrees"), kind,
                     confoverrides=settings, status=None if quiet else sys.stdout,
                     warning=warnings)
        app.build()
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(finished(text), encoding="utf-8")
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in warnings.getvalue().splitlines()]


def finished(page: str) -> str:
    """A page as readers of every kind need it, where Sphinx and its theme leave something out."""
    # A header cell that is empty heads nothing.
    page = re.sub(r"<th\b[^>]*>\s*(?:<p>\s*</p>)?\s*</th>", "<td></td>", page)
    page = lesson_page.headed(page)
    page = re.sub(r"(?<=\d) ± (?=\d)", "\u00a0±\u00a0", page)  # one number, on one line
    for before, after in (
        ('<summary aria-label="Toggle hidden content">', "<summary>"),  # its words say more
        ("<pre>", '<pre tabindex="0">'),  # what scrolls can be scrolled by key
        ('<summary><span class="toctree-toggle"',
         '<summary aria-label="Pages below this one"><span class="toctree-toggle"'),
        ('<div id="pst-primary-sidebar" class',
         '<div id="pst-primary-sidebar" role="navigation" aria-label="Site" class'),
    ):
        page = page.replace(before, after)
    return page


def executed(name: str, store: Path, profile: str) -> nbformat.NotebookNode | None:
    """A lesson as it is now, with the outputs of a stored execution that may be shown.

    None where there is none, where its code was another, or where it saw pictures that may not be
    shown.
    """
    path = store / f"{name}.ipynb"
    if not path.exists():
        return None
    notebook = nbformat.read(path, as_version=4)
    told = notebook.metadata.get("cellkit", {})
    solved = nbformat.read(run_lesson.find(name), as_version=4)
    fresh = (
        told.get("complete")
        and told["source"] == run_lesson.fingerprint(solved)
        and PROFILES.index(told["profile"]) >= PROFILES.index(profile)
        and set(told["data"]) <= set(lesson_page.CREDITS)
    )
    if not fresh:
        return None
    solved.metadata["cellkit"] = told
    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for now, then in zip([c for c in solved.cells if c.cell_type == "code"], ran, strict=True):
        now.outputs = then.outputs
    return solved


def execute(name: str, store: Path, profile: str) -> nbformat.NotebookNode:
    """Run a lesson as it may be shown.

    Raises
    ------
    RuntimeError
        When it does not reach its end; the page that says where lies in ``store``.
    """
    with tempfile.TemporaryDirectory() as folder:
        for set_ in lesson_page.CREDITS:
            real = ck.datasets.find(set_)
            if real != ck.datasets.bundled(set_):
                (Path(folder) / set_).symlink_to(real.resolve(), target_is_directory=True)
        env = {**os.environ, "CELLKIT_DATA": folder, "CELLKIT_CACHE": str(Path(folder) / "none"),
               "CELLKIT_PROFILE": profile, "CELLKIT_STRICT": "1"}
        done = subprocess.run([sys.executable, "-m", "tools.run_lesson", name, "--out", str(store),
                               "--no-page"], cwd=ROOT, env=env)
    notebook = executed(name, store, profile)
    if done.returncode or notebook is None:
        raise RuntimeError(f"lesson {name} did not reach its end, so the site was not built.")
    return notebook


def build(out: Path, store: Path, profile: str = "tiny", work: Path | None = None,
          kind: str = "html") -> list[str]:
    """Write the site into ``out``; gives what Sphinx warned of."""
    work = work or ROOT / "build" / "site-source"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(DOCS, work, ignore=shutil.ignore_patterns("conf.py", "_static"))
    names = [path.stem for path in builder.sources()]
    (work / "lessons").mkdir()
    for name in names:
        notebook = executed(name, store, profile) or execute(name, store, profile)
        page = lesson_page.page(notebook, name, work / "lessons" / "_figures")
        nbformat.write(page, work / "lessons" / f"{name}.ipynb")
    index = (DOCS / "index.md").read_text(encoding="utf-8").split("\n")
    others = sorted(file.stem for file in work.glob("*.md") if file.stem not in (*index, "index"))
    replaced = {
        "index.md": {"HERO": hero(),
                     "OTHERS": "\n".join(others),
                     "CARDS": cards(names), "REPOSITORY": address.repository(),
                     "START": address.colab(f"notebooks/{names[0]}.ipynb")},
        "play.md": {name.upper(): explorers.embedded(name, work / "lessons" / "_explorers",
                                                     "lessons/_explorers")
                    for name in explorers.EXPLORERS},
        "reference.md": {"REFERENCE": reference()},
    }
    for file, pieces in replaced.items():
        text = (work / file).read_text(encoding="utf-8")
        for key, piece in pieces.items():
            text = text.replace(f"@{key}@", piece)
        (work / file).write_text(text, encoding="utf-8")
    (work / "lessons" / "index.md").write_text(
        "# Lessons\n\n" + cards(names, "") + "\n\n```{toctree}\n:hidden:\n"
        + "\n".join(names) + "\n```\n", encoding="utf-8")
    for name in AT_THE_ROOT:
        shutil.copyfile(ROOT / f"{name}.md", work / f"{name.lower()}.md")
    for file in work.glob("*.md"):
        if file.stem not in ("index", "reference"):
            file.write_text(repository_links(file.read_text(encoding="utf-8")), encoding="utf-8")
    shutil.rmtree(out, ignore_errors=True)
    warnings = sphinx(work, out, kind=kind, html_static_path=[str(DOCS / "_static")],
                      html_extra_path=[])
    if kind != "html":
        return warnings
    for folder in ("_figures", "_explorers"):
        shutil.copytree(work / "lessons" / folder, out / "lessons" / folder)
    shutil.copytree(DOCS / "pictures", out / "pictures")
    (out / ".nojekyll").touch()
    return warnings


def repository_links(markdown: str) -> str:
    """Relative links of a file at the repository's root or in docs/, as seen from the site."""
    def seen(link):
        words, target, fragment = link[1], link[2].removeprefix("../"), link[3] or ""
        page = target.removeprefix("docs/")
        lesson = re.fullmatch(r"notebooks/(?:solutions/)?(\d\d_\w+)\.ipynb", target)
        if lesson:
            return f'<a href="lessons/{lesson[1]}.html{fragment}">{words}</a>'
        if target in {f"{name}.md" for name in AT_THE_ROOT}:
            return f'<a href="{target.lower().removesuffix(".md")}.html{fragment}">{words}</a>'
        if (DOCS / page).with_suffix(".md").exists() and "/" not in page:
            return f'<a href="{Path(page).stem}.html{fragment}">{words}</a>'
        return f"[{words}]({address.repository()}/blob/main/{target}{fragment})"

    # Sphinx does not know places that are marked in HTML.
    markdown = re.sub(r"\[([^\]]+)\]\((#paper-[\w-]+)\)", r'<a href="\2">\1</a>', markdown)
    return re.sub(r"(?<!!)\[([^\]]+)\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)", seen, markdown)


def about(name: str) -> dict:
    """Number, title, minutes and promise of a lesson."""
    solved = nbformat.read(run_lesson.find(name), as_version=4)
    text = "\n".join(cell.source for cell in solved.cells if cell.cell_type == "markdown")
    number, _, title = re.match(r"# (\d+)( · )(.*)", text).groups()
    minutes = re.search(r"\*\*Minutes:\*\*\D*(\d+)", text)
    return {"number": number, "title": title, "minutes": minutes[1] if minutes else "–",
            "promise": cards_.promise(name[:2]), "alt": cards_.ALT[name[:2]]}


def cards(names: list[str], lessons: str = "lessons/") -> str:
    """A card for each lesson: picture, title, promise, minutes, Read / Run / Notebook."""
    made, pictures, level = [], "pictures/" if lessons else "../pictures/", 3 if lessons else 2
    for name in names:
        one = about(name)
        made.append(
            f'<li class="lesson"><img src="{pictures}{name[:2]}.jpg" width="480" height="320" '
            f'alt="{one["alt"]}" loading="lazy"><h{level}><span>{one["number"]}</span> '
            f'{one["title"]}</h{level}><p>{one["promise"]}</p>'
            f'<p class="minutes">{one["minutes"]} minutes</p>'
            f'{lesson_page.buttons(name, f"{lessons}{name}.html")}</li>'
        )
    return '<ul class="cards">\n' + "\n".join(made) + "\n</ul>"


def hero() -> str:
    """One image at three factors with what is found, moved by a slider without a kernel."""
    numbers = json.loads((DOCS / "pictures" / "numbers.json").read_text(encoding="utf-8"))
    steps = []
    for i, (name, row) in enumerate(numbers.items()):
        file, hidden = name.replace("/", "-"), "" if i == 0 else " hidden"
        found = f"{row['cells']} of {row['of']} cells found, Dice {row['dice']:.2f}"
        steps.append(
            f'<div class="step" data-say="M = {name}: {found}"{hidden}>'
            f'<img src="pictures/hero_image_{file}.jpg" width="704" height="520" '
            f'alt="Cells as the network gets them, at M = {name}.">'
            f'<img src="pictures/hero_found_{file}.jpg" width="704" height="520" '
            f'alt="What the network finds at M = {name}: {found}. Blue is found, orange missed, '
            f'pink found where there is none."></div>'
        )
    first = html.unescape(re.search(r'data-say="([^"]*)"', steps[0])[1])
    return (
        '<div class="hero-pictures">' + "".join(steps)
        + '<label for="factor">Resolution: how coarse may it get?</label>'
        f'<input id="factor" type="range" min="0" max="{len(steps) - 1}" step="1" value="0" '
        f'aria-valuetext="{first}"><div class="ticks" aria-hidden="true">'
        + "".join(f"<span>{name}</span>" for name in numbers)
        + f'</div><p class="say" aria-live="polite">{first}</p>'
        '<p class="legend"><span class="blue"></span>found <span class="orange"></span>missed '
        '<span class="pink"></span>found where there is none. A picture drawn by the course; a '
        "cell counts as found when more than half of it is.</p></div>"
        '<script src="_static/hero.js" defer></script>'
    )


def reference() -> str:
    """Autodoc directives for the front door, room by room in the order of the road."""
    made = []
    for module, names in ck._HOME.items():
        made.append(f"## {module}\n")
        lines = []
        for name in names:
            kind = "class" if isinstance(getattr(ck, name), type) else "function"
            lines += [f".. auto{kind}:: cellkit.{name}",
                      "   :members:" if kind == "class" else "", ""]
        made.append("```{eval-rst}\n" + "\n".join(lines) + "```\n")
    return "\n".join(made)


def lesson(path: Path, executed_notebook, out: Path) -> Path:
    """The page of one executed lesson, alone, beside its notebook in ``out``."""
    name = path.stem
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        source.mkdir()
        page = lesson_page.page(executed_notebook, name, out / "_figures", to_site="")
        nbformat.write(page, source / f"{name}.ipynb")
        sphinx(source, out, root_doc=name, html_static_path=[str(DOCS / "_static")])
    return out / f"{name}.html"


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the course's site into build/site.")
    parser.add_argument("--run", choices=PROFILES, default="tiny",
                        help="run lessons whose stored execution is of a smaller profile")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--store", type=Path, default=ROOT / "build" / "lessons")
    parser.add_argument("--links", action="store_true",
                        help="ask instead whether all addresses answer (needs a network)")
    told = parser.parse_args()
    began = time.perf_counter()
    try:
        warnings = build(told.out.resolve(), told.store.resolve(), told.run,
                         kind="linkcheck" if told.links else "html")
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(warnings), file=sys.stderr)
    print(f"{(time.perf_counter() - began) / 60:.1f} minutes; to read: {told.out / 'index.html'}")
    return bool(warnings)


if __name__ == "__main__":
    sys.exit(main())
