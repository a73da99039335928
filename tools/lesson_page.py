"""An executed lesson as a page to read: nothing of the machinery, every picture a file.

``page`` takes an executed solved notebook and gives the one that Sphinx turns into HTML: the set-up
folded, checks and hidden tests gone, each solution behind a button below its blank, outputs
that need no kernel, a table of contents with points and minutes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
from pathlib import Path, PurePosixPath

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from PIL import Image

from tools import address, builder, explorers

#: Real data sets whose pictures may be shown on a page, with the credit that goes with them.
CREDITS = {
    "livecell": "Cell pictures: LIVECell, © Sartorius, "
    '<a href="https://doi.org/10.1038/s41592-021-01249-6">Edlund et al. 2021</a>, '
    '<a href="https://creativecommons.org/licenses/by-nc/4.0/">CC BY-NC 4.0</a>; '
    "degraded, cropped and drawn upon.",
    "dsb2018": "Nuclei: 2018 Data Science Bowl, "
    '<a href="https://doi.org/10.1038/s41592-019-0612-7">Caicedo et al. 2019</a>, CC0.',
}


#: What a lesson prints where CELLKIT_DATA holds a part of the sets only, as on the site's machine.
ELSEWHERE = r"CELLKIT_DATA is [^;]*; read instead is \S+\.\n?"


def page(notebook, name: str, figures: Path, to_site: str = "../") -> nbformat.NotebookNode:
    """The notebook of a lesson's page.

    Parameters
    ----------
    notebook : NotebookNode
        Executed; ``metadata.cellkit`` as ``tools.run_lesson`` leaves it.
    name : str
        The lesson's, e.g. ``02_unet_from_scratch``.
    figures : Path
        The folder that the pictures go to; pages find it as ``_figures`` beside them.
    to_site : str
        The site's front page as seen from the lesson, to link the glossary; "" for a lesson's page
        that stands alone, whose links lead into the repository.
    """
    told = notebook.metadata.get("cellkit", {})
    pages = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            made = new_markdown_cell(_links(cell.source, to_site))
            pages.append(made)
            continue
        grade = cell.metadata.get("nbgrader", {})
        if grade.get("grade") or "ck.lesson.progress(" in cell.source:
            continue  # what only the machinery needs; its outputs praise the solution
        if grade.get("solution"):
            blank = builder.without(cell.source, "SOLUTION", builder.STUB, name)
            pages.append(new_code_cell(blank))
            solved = "\n".join(
                line for line in cell.source.split("\n")
                if not re.fullmatch(r" *# (BEGIN|END) SOLUTION", line)
            )  # fmt: skip
            pages.append(_folded(new_code_cell(solved), "a solution"))
            continue
        made = new_code_cell(cell.source, outputs=_outputs(cell.outputs, name, figures))
        if "ck.lesson.setup(" in cell.source:
            made.outputs = []  # the page's head says on what it was run
            _folded(made, "the set-up")
        elif cell.metadata.get("jupyter", {}).get("source_hidden"):
            made.source = re.sub(r"\A# @title .*\n", "", made.source)
            _folded(made, "the code")
        pages.append(made)
    if pages and pages[0].cell_type == "markdown":
        pages[0].source = _head(pages[0].source, name, told, notebook)
    return nbformat.v4.new_notebook(cells=pages, metadata=builder.METADATA)


def _folded(cell, what: str):
    cell.metadata["tags"] = ["hide-input"]
    cell.metadata["mystnb"] = {
        "code_prompt_show": f"Show {what}", "code_prompt_hide": f"Hide {what}",
    }  # fmt: skip
    return cell


def _head(markdown: str, name: str, told: dict, notebook) -> str:
    """The first cell: title, buttons instead of the badge, what ran here, contents."""
    title, _, rest = markdown.partition("\n")
    rest = re.sub(r"^\[!\[.*\)\]\(.*\)$", "", rest, flags=re.M)  # badge and picture
    real = [set_ for set_ in told.get("data", ()) if set_ in CREDITS]
    data = "real pictures" if real else "pictures drawn by the course, not real ones"
    ran = (
        f"This page was run on {told['date']} in the profile <code>{told['profile']}</code> on "
        f"{data}; it took {told['minutes']:.1f} minutes."
        if "date" in told else "This page has not been run."
    )
    if told.get("profile") == "tiny":
        ran += " <code>tiny</code> trains for seconds: it shows that a lesson works, not how well."
    credit = "".join(f" {CREDITS[set_]}" for set_ in real)
    return (
        f"{title}\n\n{buttons(name)}\n\n{rest.strip()}\n\n"
        f'<p class="ran">{ran}{credit}</p>\n\n{contents(notebook)}'
    )


def buttons(name: str, read: str = "") -> str:
    """Links to the lesson: as a page (where ``read`` says where), on Colab, as a notebook."""
    links = [(read, "Read")] if read else []
    links += [(address.colab(f"notebooks/{name}.ipynb"), "Run in Colab"),
              (f"{address.repository()}/blob/main/notebooks/{name}.ipynb", "Notebook")]
    number = int(name[:2])
    return '<p class="buttons">' + " ".join(
        f'<a class="button" href="{where}" aria-label="{what}: lesson {number}">{what}</a>'
        for where, what in links
    ) + "</p>"  # fmt: skip


def contents(notebook) -> str:
    """The sections as a list, each with its exercises, their points and minutes."""
    lines = []
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for level, heading in re.findall(r"^(##|###) (.+)$", cell.source, re.M):
            if level == "##" and not heading.startswith("What you will be able"):
                lines.append(f"- [{heading}](#{slug(heading)})")
            elif heading.startswith("Exercise") and lines:
                lines.append(f"  - [{heading}](#{slug(heading)})")
    return ("<details open class=contents><summary>Contents</summary>\n\n" + "\n".join(lines)
            + "\n\n</details>") if lines else ""


def slug(heading: str) -> str:
    """The anchor that Sphinx gives a heading."""
    from docutils.nodes import make_id

    return make_id(re.sub(r"[*`]|\(http[^)]*\)|[\[\]]", "", heading))


def _links(markdown: str, to_site: str) -> str:
    """Relative links as HTML that stays as it is: within the site, else into the repository."""

    def seen(link):
        words, target, fragment = link[1], link[2], link[3] or ""
        where = PurePosixPath(target)
        if re.fullmatch(r"\d\d_\w+\.ipynb", where.name) and to_site:
            url = f"{where.stem}.html{fragment}"
        elif where.name in ("glossary.md", "cheatsheet.md") and to_site:
            url = f"{to_site}{where.stem}.html{fragment}"
        else:
            parts = [p for p in where.parts if p != ".."]
            inside = "" if str(where).startswith("../") else "notebooks/solutions/"
            url = f"{address.repository()}/blob/main/{inside}{'/'.join(parts)}{fragment}"
        return f'<a href="{url}">{words}</a>'

    return re.sub(r"(?<!!)\[(?!!)([^\]]+)\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)", seen, markdown)


def _outputs(outputs: list, name: str, figures: Path) -> list:
    kept = []
    for output in outputs:
        data = output.get("data")
        if data is None:
            if output.output_type == "stream":  # where this machine keeps its pictures is its own
                output = output | {"text": re.sub(ELSEWHERE, "", output.text)}
                if not output["text"].strip():
                    continue
            kept.append(nbformat.from_dict(output))
            continue
        rich = data.get("text/html", "")
        if still := explorers.instead(rich, figures.parent / "_explorers"):
            kept.append(new_output("display_data", {"text/html": headed(still)}))
            continue
        picture = re.fullmatch(r'\s*<img [^>]*src="data:image/png;base64,([^"]+)"[^>]*>\s*', rich)
        if picture or ("image/png" in data and not rich):
            alt = output.metadata.get("image/png", {}).get("alt") or html.unescape(
                (re.search(r'alt="([^"]*)"', rich) or ["", ""])[1])
            code = picture[1] if picture else data["image/png"]
            rich = _picture(base64.b64decode(code), alt, name, figures)
        elif not rich:
            if "application/vnd.jupyter.widget-view+json" not in data:
                kept.append(output)  # text; a slider without a kernel would only look broken
            continue
        kept.append(new_output("display_data", {"text/html": headed(rich)}))
    return kept


def _picture(data: bytes, alt: str, name: str, figures: Path) -> str:
    """An image file beside the page, and the element that shows it."""
    width, height = Image.open(io.BytesIO(data)).size
    file = f"{name[:2]}-{hashlib.sha256(data).hexdigest()[:12]}.png"
    figures.mkdir(parents=True, exist_ok=True)
    (figures / file).write_bytes(data)
    return (f'<img class="figure" src="_figures/{file}" width="{width}" height="{height}" '
            f'loading="lazy" alt="{html.escape(alt, quote=True)}">')


def headed(markup: str) -> str:
    """HTML whose header cells say what they head: a column above a body, else a row."""
    def scoped(part, scope):
        return re.sub(r"<th(?![a-z])(?![^>]*\bscope=)", f'<th scope="{scope}"', part)

    pieces = re.split(r"(<thead.*?</thead>)", markup, flags=re.S)
    return "".join(scoped(p, "col" if p.startswith("<thead") else "row") for p in pieces)
