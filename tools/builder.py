"""Build the notebooks from their sources.

``python -m tools.builder`` writes, for every ``notebooks/source/NN_name.py``, the student's
notebook and the solved one, and what of README and docs is built; the same source gives the same
bytes.  ``--check`` writes nothing and says what is out of date.  How a source is written stands in
``notebooks/source/README.md``.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cellkit.files import replacing
from experiments import network_table, results_page
from tools import address, budget, cards, keep, prose
from tools.cells import Cell, read, without

ROOT = Path(__file__).resolve().parent.parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
STUB = ["# YOUR CODE HERE", "raise NotImplementedError()"]  # what nbgrader itself would put there

# A Colab machine has all that cellkit needs, so cellkit comes alone and nothing there moves.
SETUP = """\
import importlib.util
import subprocess
import sys

installed = importlib.util.find_spec("cellkit")
if installed is None or installed.origin is None:  # a folder of that name is not the package
    package = "cellkit @ {repository}/archive/refs/heads/main.zip"
    if "google.colab" not in sys.modules:
        raise ModuleNotFoundError(f'this lesson needs cellkit: %pip install "{{package}}"')
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, package], check=True)
    importlib.invalidate_caches()

{imports}

lesson = ck.lesson.setup("{lesson}")"""


def badge(path: str, root: Path = ROOT) -> str:
    """The markdown of the Colab badge of a notebook, by its path in the repository."""
    return (
        "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        f"({address.colab(path, root)})"
    )


def picture(name: str, root: Path = ROOT) -> str:
    """A lesson's picture with a link to its page, for the head of a notebook in notebooks/.

    Colab finds a picture by its address only; until there is one, by its place beside the notebook.
    """
    file = f"docs/pictures/{name[:2]}.jpg"
    if not (root / file).exists():
        return ""
    source = address.file(file, root) if address.published(root) else f"../{file}"
    page = f"{address.site(root)}/lessons/{name}.html"
    return f"[![{cards.ALT[name[:2]]}]({source})]({page})\n\n"


def build(path: Path, root: Path = ROOT) -> dict[Path, str]:
    """Both notebooks of a source, as path -> text.

    Parameters
    ----------
    path : Path
        ``notebooks/source/NN_name.py``.
    root : Path
        The repository, for its address and for where the notebooks belong.

    Raises
    ------
    ValueError
        See :func:`read`; also for a lesson without title or set-up cell, for two exercises of one
        name, and for an exercise without its three cells in their order.
    """
    cells = read(path)
    if not (cells and cells[0].kind == "markdown" and cells[0].source.startswith("# ")):
        raise ValueError(f"{path.name}: the first cell is not markdown with a title, # N · ….")
    if [cell.mark for cell in cells].count("setup") != 1:
        raise ValueError(f"{path.name}: expected exactly one cell that starts with # %% setup.")
    marks = [(cell.name, cell.mark) for cell in cells if cell.name]
    names = list(dict.fromkeys(name for name, _ in marks))
    if marks != [(name, mark) for name in names for mark in ("exercise", "solution", "check")]:
        raise ValueError(
            f"{path.name}: found {', '.join(f'{mark} {name}' for name, mark in marks)}; expected "
            "for each exercise, under a name of its own, exercise, then solution, then check."
        )
    return {
        root / where: _notebook(path, cells, where, solved, root)
        for where, solved in (
            (f"notebooks/{path.stem}.ipynb", False),
            (f"notebooks/solutions/{path.stem}.ipynb", True),
        )
    }


def _notebook(path: Path, cells: list[Cell], where: str, solved: bool, root: Path) -> str:
    built, seen = [], {}
    minutes = budget.head(budget.sections(cells, path.stem), path.stem)
    for cell in cells:
        source = cell.source
        if cell.kind == "markdown":
            source = _markdown(cell, f"{path.name}").replace("{minutes}", minutes)
        elif cell.fold:
            source = f"# @title {cell.fold}\n{source}"
        if cell is cells[0]:
            title, _, rest = source.partition("\n")
            head = f"{badge(where, root)}\n\n{picture(path.stem, root)}".rstrip()
            source = f"{title}\n\n{head}\n{rest}".rstrip()
        elif cell.mark == "setup":
            imports = "\n".join(filter(None, ("import cellkit as ck", source)))
            source = SETUP.format(repository=address.repository(root), imports=imports,
                                  lesson=path.stem)
        if not solved:
            source = without(source, "SOLUTION", STUB, path.name)
            source = without(source, "HIDDEN TESTS", [], path.name)
        seen[cell.id] = seen.get(cell.id, 0) + 1
        new = new_code_cell if cell.kind == "code" else new_markdown_cell
        made = new(source, id=cell.id if seen[cell.id] == 1 else f"{cell.id}-{seen[cell.id]}")
        tags = list(cell.tags)
        if cell.nbgrader:
            made.metadata["nbgrader"] = cell.nbgrader
        if solved and cell.kind == "markdown":
            made.source = _from_solutions(source, path.parent)
        if solved and cell.expect is not None:
            # nbval compares only cells that were run, and takes a number for a sign of it.
            tags.append("nbval-check-output")
            made.execution_count = 1
            made.outputs = [new_output("stream", name="stdout", text=cell.expect)]
        if cell.fold:  # Colab reads the first, JupyterLab the second, the site the tag
            made.metadata["cellView"] = "form"
            made.metadata["jupyter"] = {"source_hidden": True}
            tags.append("hide-input")
        if tags:
            made.metadata["tags"] = tags
        built.append(made)
    notebook = new_notebook(cells=built, metadata=dict(METADATA), nbformat_minor=5)
    notebook.metadata["cellkit"] = {"built": keep.mark(notebook)}
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def _markdown(cell: Cell, where: str) -> str:
    """A markdown cell as students read it: terms and papers linked, questions as HTML."""
    source = prose.question(cell.source, where) if cell.question else cell.source
    if cell.mark == "exercise":
        source = budget.shown_guess(source)
    return prose.linked(source, where)


def _from_solutions(markdown: str, sources: Path) -> str:
    """Relative links as seen from ``notebooks/solutions``; other lessons are there too, solved."""

    def seen(link):
        target = link[2]
        if re.match(r"[a-z]+:|#|/", target) or (sources / f"{Path(target).stem}.py").exists():
            return link[0]
        return f"{link[1]}../{target}{link[3]}"

    return re.sub(r"(\]\()([^)\s]+)(\))", seen, markdown)


def sources(root: Path = ROOT) -> list[Path]:
    """All lessons' sources, in the order of the course."""
    return sorted((root / "notebooks" / "source").glob("[0-9][0-9]_*.py"))


def lesson_table(root: Path = ROOT) -> str:
    """The README's table of lessons: picture, title and promise, minutes, and where it opens."""
    rows = ["| | lesson | minutes | open |", "| --- | --- | --- | --- |"]
    for path in sources(root):
        name, cells = path.stem, read(path)
        text = "\n".join(cell.source for cell in cells if cell.kind == "markdown")
        text = text.replace("{minutes}", budget.head(budget.sections(cells, name), name))
        minutes = re.search(r"\*\*Minutes:\*\*\D*(\d+)", text)
        title = text.partition("\n")[0].removeprefix("# ")
        image, promise = "", cards.promise(name[:2])
        if (root / f"docs/pictures/{name[:2]}.jpg").exists():
            image = (f'<img src="docs/pictures/{name[:2]}.jpg" width="150" '
                     f'alt="{cards.ALT[name[:2]]}">')
        rows.append(
            f"| {image} | [**{title}**](notebooks/{name}.ipynb)<br>{promise} "
            f"| {minutes[1] if minutes else '–'} | {badge(f'notebooks/{name}.ipynb', root)}<br>"
            f"[solved](notebooks/solutions/{name}.ipynb) |"
        )
    if not address.published(root):
        rows += ["", "**The badges do not work yet**: they wait for the repository's address, "
                 "which `make publish REPO=owner/name` puts everywhere at once."]
    return "\n".join(rows)


def terms(root: Path = ROOT) -> list[prose.Term]:
    """All terms that the lessons define, in the order of the course."""
    return [term for path in sources(root) for cell in read(path) if cell.kind == "markdown"
            for term in prose.terms(cell.source, path.stem)]


def glossary(root: Path = ROOT) -> str:
    """The page of all terms."""
    titles = {path.stem: read(path)[0].source.partition("\n")[0].removeprefix("# ")
              for path in sources(root)}
    return prose.glossary(terms(root), titles)


def everything(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Each file that is built, with the text that it has to have."""
    for path in sources(root):
        yield from build(path, root).items()
    if (root / "docs").is_dir():
        yield root / "docs" / "glossary.md", glossary(root)
    if (root / "experiments").is_dir():
        yield root / "docs" / "results.md", results_page.page()
    for name, key, made in (("README.md", "lessons", lambda: lesson_table(root)),
                            ("docs/networks.md", "networks", network_table.text)):
        if (root / name).exists():
            yield root / name, filled((root / name).read_text(encoding="utf-8"), key, made())


def filled(text: str, key: str, made: str) -> str:
    """A page with what is made between ``<!-- key: ... -->`` and ``<!-- end -->``."""
    return re.sub(rf"(<!-- {key}: .*?-->\n).*?(<!-- end -->)",
                  lambda found: f"{found[1]}{made}\n{found[2]}", text, flags=re.S)


def stale(root: Path = ROOT) -> list[str]:
    """What differs from its source, in words; empty when all is up to date."""
    wanted = dict(everything(root))
    found = [
        f"{path.relative_to(root).as_posix()} differs from its source; run: make notebooks"
        for path, text in wanted.items()
        if not path.exists() or path.read_bytes() != text.encode()
    ]
    for folder in (root / "notebooks", root / "notebooks" / "solutions"):
        found += [
            f"{path.relative_to(root).as_posix()} has no source; delete it"
            for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))
            if path not in wanted
        ]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the notebooks from notebooks/source.")
    parser.add_argument("--check", action="store_true", help="write nothing, say what is stale")
    parser.add_argument("--keep", action="store_true", help="move filled notebooks to my/ first")
    parser.add_argument("--force", action="store_true", help="write over filled notebooks, too")
    told = parser.parse_args()
    if told.check:
        messages = stale()
        print("\n".join(messages) or "all notebooks are what their sources say")
        return bool(messages)
    if told.keep:
        for path in keep.keep(ROOT / "notebooks", ROOT / "my"):
            print("yours is now", path.relative_to(ROOT).as_posix())
    kept = 0
    for path, text in everything():
        if not path.exists() or path.read_bytes() != text.encode():
            if path.suffix == ".ipynb" and path.exists() and keep.touched(path) and not told.force:
                kept += 1
                print(f"kept {path.relative_to(ROOT).as_posix()}: somebody worked in it. "
                      "`make keep` moves it to my/; `make notebooks FORCE=1` writes over it.")
                continue
            with replacing(path) as part:
                part.write_bytes(text.encode())
            print("built", path.relative_to(ROOT).as_posix())
    return int(kept > 0)


if __name__ == "__main__":
    sys.exit(main())
