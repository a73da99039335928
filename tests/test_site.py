"""The site and a lesson's page: built as `make site` builds them, opened in a browser, judged.

The outputs of the lessons are those that build/lessons holds; in place of any that it lacks stand
one of each kind, so that this takes a minute or two, not the time to run seven lessons.
"""

from __future__ import annotations

import base64
import functools
import http.server
import io
import json
import re
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

import cellkit as ck
from cellkit.explore import page as explorer_page
from tools import (
    address,
    builder,
    cards,
    explorers,
    lesson_page,
    pictures,
    run_lesson,
    site,
)

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update"]  # fmt: skip

def figure(alt="A grey picture with nothing in it."):
    """What ck.show.figure leaves in a notebook."""
    from cellkit.show.output import picture_bundle

    file = io.BytesIO()
    Image.new("L", (8, 6), 128).save(file, "PNG")
    bundle, metadata = picture_bundle(base64.b64encode(file.getvalue()).decode(), alt)
    return new_output("display_data", bundle, metadata=metadata)


def waiting(title="What does resolution cost?", main="M"):
    """What an explorer leaves in an executed notebook: a twin, and a script that asks a kernel."""
    spec = {"title": title, "main": main, "live": "bridge", "first": {}}
    return new_output("display_data", {
        "text/html": explorer_page.block("cellkit-x", spec, '<img alt="The twin." src="data:,">'),
        "text/plain": "[Explorer: …]"})


def quick_explorers(patch, store):
    """The site's explorers, with few pictures and a network of one line."""
    blind = {"blind": lambda image, M: (None, image * 0)}
    patch.setattr(explorers, "STORE", store)
    patch.setattr(explorers, "EXPLORERS", dict.fromkeys(explorers.EXPLORERS, lambda: (
        ck.explore.resolution(explorers.crowd(), strategies=blind, M=(1, 1 / 4)))))


# --- one lesson's page --------------------------------------------------------------------------


def executed():
    """A notebook with everything that a lesson may hold, as it is after its run."""
    def cell(source, outputs=(), **metadata):
        return new_code_cell(source, outputs=list(outputs), metadata=metadata)

    table = ("<table><caption>t</caption><thead><tr><th>a</th></tr></thead>"
             "<tbody><tr><th>1</th><td>2</td></tr></tbody></table>")
    solution = cell("def f(x):\n    # BEGIN SOLUTION\n    return SOLVED\n    # END SOLUTION",
                    nbgrader={"solution": True, "grade": False})
    check = cell("# BEGIN HIDDEN TESTS\nassert HIDDEN\n# END HIDDEN TESTS\nck.lesson.check('f', f)",
                 [new_output("stream", name="stdout", text="PRAISE")],
                 nbgrader={"solution": False, "grade": True})
    slider = new_output("display_data", {
        "application/vnd.jupyter.widget-view+json": {"model_id": "x"},
        "text/plain": "Explorer(...)",
    })
    notebook = new_notebook(cells=[
        new_markdown_cell("# 1 · A lesson\n\n[![Open in Colab](https://x/b.svg)](https://colab)\n\n"
                          "[![alt](../../docs/pictures/01.jpg)](https://pages)\n\nWords."),
        cell("import cellkit as ck\nlesson = ck.lesson.setup('01')",
             [new_output("stream", name="stdout", text="Progress is kept in /tmp/x")]),
        new_markdown_cell("## 1. First\n\nSee [terms](../../docs/glossary.md#dice), "
                          "[next](02_unet_from_scratch.ipynb), [data](../../data/README.md)."),
        new_markdown_cell("### Exercise 1.1 · Do (2 points, 10 minutes)"), solution, check,
        cell("# @title Folded\nplot()", [figure()], jupyter={"source_hidden": True}),
        cell("read()", [new_output("stream", name="stderr", text=(
            "CELLKIT_DATA is /tmp/x, which holds no glas/; read instead is /tmp/glas_tiny.\nKEPT\n"
        ))]),
        cell("table()", [new_output("display_data", {"text/html": table, "text/plain": "t"})]),
        cell("slide()", [slider]),
        cell("ck.lesson.progress()", [new_output("stream", name="stdout", text="PRAISE")]),
    ])
    notebook.metadata["cellkit"] = {"profile": "tiny", "data": [], "date": "2026-01-01",
                                    "minutes": 1.0, "complete": True, "source": ""}
    return notebook


def test_a_page_shows_the_lesson_and_not_the_machinery(tmp_path):
    page = lesson_page.page(executed(), "01_data_and_masks", tmp_path)
    text = nbformat.writes(page)
    for word in ("HIDDEN", "PRAISE", "BEGIN SOLUTION", "Explorer(", "/tmp/", "@title", "b.svg"):
        assert word not in text, word
    assert "KEPT" in text
    code = [cell for cell in page.cells if cell.cell_type == "code"]
    folded = {c.metadata.mystnb.code_prompt_show: c.source for c in code if "mystnb" in c.metadata}
    assert set(folded) == {"Show the set-up", "Show a solution", "Show the code"}
    assert "SOLVED" in folded["Show a solution"] and folded["Show the code"] == "plot()"
    blank = next(c.source for c in code if "NotImplementedError" in c.source)
    assert "SOLVED" not in blank and blank.startswith("def f(x):")
    head = page.cells[0].source
    assert "Exercise 1.1 · Do (2 points, 10 minutes)" in head and "2026-01-01" in head
    assert "trains for seconds" in head and "not real ones" in head


def test_pictures_become_files_with_their_words(tmp_path):
    page = lesson_page.page(executed(), "01_data_and_masks", tmp_path)
    (file,) = tmp_path.glob("01-*.png")
    rich = [o.data["text/html"] for c in page.cells if c.cell_type == "code" for o in c.outputs
            if "data" in o]
    image, table = rich
    assert f'src="_figures/{file.name}" width="8" height="6"' in image
    assert 'alt="A grey picture with nothing in it."' in image
    assert '<th scope="col">a</th>' in table and '<th scope="row">1</th>' in table


@pytest.mark.parametrize("title, main, name", [
    ("What does resolution cost?", "M", "resolution"),
    ("How strong is too strong?", "strength", None),  # there is none that needs no kernel
])
def test_an_explorer_that_waits_for_a_kernel_is_replaced(tmp_path, monkeypatch, title, main, name):
    quick_explorers(monkeypatch, tmp_path / "store")
    notebook = executed()
    notebook.cells[-1].source, notebook.cells[-1].outputs = "slide()", [waiting(title, main)]
    text = nbformat.writes(lesson_page.page(notebook, "01_data_and_masks", tmp_path / "_figures"))
    assert "bridge" not in text and "cellkitExplorer(" not in text
    if name:
        script = (tmp_path / "_explorers" / f"{name}.js").read_text(encoding="utf-8")
        assert '"live":""' in script and f'src=\\"_explorers/{name}.js\\" defer' in text
        assert f'getElementById("explorer-{name}")' in script
        assert f'id=\\"explorer-{name}\\"' in text and "the notebook the same explorer" in text
    else:
        assert "The twin." in text and "In the notebook a slider stands here" in text
        assert not (tmp_path / "_explorers").exists()


def test_links_lead_within_the_site_or_into_the_repository(tmp_path):
    words = lesson_page.page(executed(), "01_data_and_masks", tmp_path).cells[2].source
    assert '<a href="../glossary.html#dice">terms</a>' in words
    assert '<a href="02_unet_from_scratch.html">next</a>' in words
    assert f'<a href="{address.repository()}/blob/main/data/README.md">data</a>' in words
    alone = lesson_page.page(executed(), "01_data_and_masks", tmp_path, to_site="").cells[2].source
    assert f'<a href="{address.repository()}/blob/main/docs/glossary.md#dice">terms' in alone


@pytest.mark.parametrize("link, seen", [
    ("[t](../INSTRUCTORS.md#plan)", '<a href="instructors.html#plan">t</a>'),
    ("[t](glossary.md#dice)", '<a href="glossary.html#dice">t</a>'),
    ("[t](docs/own_pictures.md)", '<a href="own_pictures.html">t</a>'),
    ("[t](../notebooks/01_data_and_masks.ipynb)", '<a href="lessons/01_data_and_masks.html">t</a>'),
    ("[t](../README.md)", f"[t]({address.repository()}/blob/main/README.md)"),
    ("[t](https://example.org)", "[t](https://example.org)"),
])
def test_a_pages_links_lead_to_pages_where_there_are_some(link, seen):
    assert site.repository_links(link) == seen


# --- which execution is shown -------------------------------------------------------------------


def stored(tmp_path, **changed):
    """A stored execution of lesson 1, whose outputs say so."""
    notebook = nbformat.read(run_lesson.find("01"), as_version=4)
    told = {"profile": "standard", "data": [], "complete": True, "date": "2026-01-01",
            "minutes": 9.0, "source": run_lesson.fingerprint(notebook), **changed}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [new_output("stream", name="stdout", text="stored")]
    notebook.metadata["cellkit"] = told
    nbformat.write(notebook, tmp_path / "01_data_and_masks.ipynb")
    return site.executed("01_data_and_masks", tmp_path, "tiny")


@pytest.mark.parametrize("changed", [
    {"source": "other code"}, {"complete": False}, {"data": ["livecell", "glas"]},
])  # fmt: skip
def test_an_execution_that_may_not_be_shown_is_not(tmp_path, changed):
    assert stored(tmp_path, **changed) is None


@pytest.mark.parametrize("data", [[], ["livecell"], ["dsb2018", "livecell"]])
def test_an_execution_is_shown_with_its_credit(tmp_path, data):
    notebook = stored(tmp_path, data=data)
    assert "stored" in nbformat.writes(notebook)
    head = lesson_page.page(notebook, "01_data_and_masks", tmp_path).cells[0].source
    assert ("CC BY-NC 4.0" in head) == ("livecell" in data)
    assert ("not real ones" in head) == (not data)


def test_a_smaller_profile_than_asked_for_is_run_again(tmp_path):
    assert stored(tmp_path, profile="tiny") is not None
    assert site.executed("01_data_and_masks", tmp_path, "standard") is None


# --- pictures -----------------------------------------------------------------------------------


def test_every_lesson_has_its_card():
    numbers = [path.stem[:2] for path in builder.sources()]
    assert list(cards.PROMISES) == list(cards.ALT) == numbers
    assert all((pictures.OUT / f"{number}.jpg").stat().st_size < 60_000 for number in numbers)
    assert (pictures.OUT / "strip.jpg").stat().st_size <= 100_000
    assert sum(file.stat().st_size for file in pictures.OUT.iterdir()) < 1_000_000


def test_the_front_pages_numbers_are_those_of_today():
    told = json.loads((pictures.OUT / "numbers.json").read_text(encoding="utf-8"))
    sample = pictures.drawn("livecell", 1)
    for name, factor in pictures.FACTORS.items():
        row = pictures.found(sample, factor)
        assert row["dice"] == pytest.approx(told[name]["dice"], abs=0.01), "run: make pictures"
        assert abs(row["cells"] - told[name]["cells"]) <= 2 and row["of"] == told[name]["of"]


# --- the whole site in a browser ----------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The site, with stored outputs; where there are none, with every kind of output."""
    folder = tmp_path_factory.mktemp("site")
    store = ROOT / "build" / "lessons"

    def instead(name, store, profile):
        notebook = nbformat.read(run_lesson.find(name), as_version=4)
        kinds = [o for cell in executed().cells for o in cell.get("outputs", ())]
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for number, cell in enumerate(code):
            cell.outputs = kinds if number in (3, 7, 11) else []
            if cell.source.split("\n")[-1] == "explorer":
                cell.outputs = [waiting()]
        return notebook

    with pytest.MonkeyPatch.context() as patch:
        quick_explorers(patch, folder / "explorers")
        patch.setattr(site, "execute", instead)
        warnings = site.build(folder / "out", store, work=folder / "source")
    return folder / "out", warnings


@pytest.fixture(scope="module")
def served(built):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=str(built[0]))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def pages(out):
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*.html")
                  if "_static" not in path.parts)


class Page(HTMLParser):
    """A page's links, ids, and what else is asked of it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.headers = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        self.ids |= {told[key] for key in ("id", "name") if told.get(key)}
        self.links += [told[key] for key in ("href", "src") if told.get(key)]
        if tag == "th":
            self.headers.append(told.get("scope"))


def test_sphinx_has_nothing_to_warn_of(built):
    assert built[1] == []


def test_every_link_within_the_site_leads_somewhere(built):
    out, _ = built
    read = {name: Page((out / name).read_text(encoding="utf-8")) for name in pages(out)}
    assert len(read) >= 16
    broken = []
    for name, page in read.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link.startswith("data:"):
                continue
            target = (out / name).parent / unquote(parts.path) if parts.path else out / name
            target = target.resolve()
            if not target.is_file():
                broken.append(f"{name}: {link}")
            elif parts.fragment and target.suffix == ".html":
                there = read[target.relative_to(out.resolve()).as_posix()].ids
                if unquote(parts.fragment) not in there:
                    broken.append(f"{name}: {link}")
    assert broken == []


def test_every_page_is_named_and_its_header_cells_say_what_they_head(built):
    out, _ = built
    titles = set()
    for name in pages(out):
        text = (out / name).read_text(encoding="utf-8")
        titles.add(re.search(r"<title>(.*?)</title>", text, re.S)[1].strip())
        assert None not in Page(text).headers, name
        if name.startswith("lessons/"):  # CONTRIBUTING shows how they are written
            assert "BEGIN HIDDEN" not in text and "BEGIN SOLUTION" not in text, name
    assert len(titles) == len(pages(out)) and not any("Notebook" in title for title in titles)


#: One page of each kind, for what the theme changes.
IN_THE_DARK = ("index.html", "play.html", "glossary.html", "results.html", "contributing.html",
               "lessons/05_double_unet.html")
#: Pages of Sphinx's own, of which there is nothing of ours to look at.
SPHINX = ("genindex.html", "search.html", "py-modindex.html")


def test_pages_in_a_browser(built, served):
    """Axe in light, contrast in dark too, no request to others, no sideways scrolling, keys."""
    sync_api = pytest.importorskip("playwright.sync_api")
    axe_module = pytest.importorskip("axe_playwright_python.sync_playwright")
    if CHROMIUM is None:
        pytest.skip("no Chromium")
    out, axe = built[0], axe_module.Axe()
    rules = {"light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
             "dark": {"type": "rule", "values": ["color-contrast"]}}  # no other sees the theme
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        faults, asked = [], set()
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": 1200, "height": 900},
                                          color_scheme=scheme, reduced_motion="reduce")
            tab = context.new_page()
            tab.on("request", lambda request: asked.add(request.url))
            for name in pages(out):
                if name in SPHINX or scheme == "dark" and name not in IN_THE_DARK:
                    continue
                tab.goto(served + name)
                found = axe.run(tab, options={
                    "runOnly": rules[scheme], "resultTypes": ["violations"]}).response
                for each in found["violations"]:
                    where = each["nodes"][0]["html"][:120]
                    faults.append(f"{name} {scheme}: {each['id']} x{len(each['nodes'])} {where}")
                for width in (390, 900) if scheme == "light" else ():
                    tab.set_viewport_size({"width": width, "height": 800})
                    if tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
                        faults.append(f"{name}: scrolls sideways at {width} pixels")
                tab.set_viewport_size({"width": 1200, "height": 900})
            context.close()
        tab = browser.new_page()
        tab.goto(served + "index.html")
        assert tab.locator(".hero-pictures .say").inner_text().startswith("M = 1:")
        tab.locator("#factor").focus()
        tab.keyboard.press("ArrowRight")
        assert tab.locator(".hero-pictures .say").inner_text().startswith("M = 1/4:")
        assert "M = 1/4" in tab.locator("#factor").get_attribute("aria-valuetext")
        assert tab.locator(".hero-pictures .step:visible").count() == 1
        tab.goto(served + "lessons/05_double_unet.html")
        explorer = tab.locator(".cellkit-explorer.moving").first
        explorer.get_by_role("slider").first.press("End")
        explorer.get_by_text(re.compile("At 1/\\d+ only")).wait_for()
        tab.goto(served + "lessons/01_data_and_masks.html")
        assert 60 <= tab.evaluate(LONGEST_LINE) <= 85
        for width in (900, 1200, 1280, 1366, 1400):  # code is read without scrolling sideways
            tab.set_viewport_size({"width": width, "height": 800})
            assert tab.evaluate(CUT_OFF) == 0, width
        browser.close()
    assert {url for url in asked if not url.startswith((served, "data:"))} == set()
    assert faults == [], "\n".join(faults)


#: Code cells with lines that do not fit.
CUT_OFF = """() => [...document.querySelectorAll('.cell_input pre')].filter(
  (pre) => pre.offsetParent && pre.scrollWidth > pre.clientWidth + 1).length"""
#: Characters in the longest line of running text.
LONGEST_LINE = """() => { let best = 0;
  for (const p of document.querySelectorAll('article p')) {
    const text = p.firstChild;
    if (p.closest('.cell_output') || !text || text.nodeType != 3 || text.length < 150) continue;
    const range = document.createRange(); let top = null, count = 0;
    for (let i = 0; i < text.length; i++) {
      range.setStart(text, i); range.setEnd(text, i + 1);
      const box = range.getClientRects()[0]; if (!box) continue;
      if (Math.round(box.top) !== top) { best = Math.max(best, count); count = 0;
                                         top = Math.round(box.top); }
      count++;
    }
  }
  return best; }"""


@pytest.mark.parametrize("page", [*(f"{name}.md" for name in site.AT_THE_ROOT), *(
    f"docs/{path.name}" for path in sorted(site.DOCS.glob("*.md")))])
def test_what_a_page_links_to_in_the_repository_is_there(page):
    text = site.repository_links((site.ROOT / page).read_text(encoding="utf-8"))
    for target in re.findall(r"/blob/main/([^)#\s]+)", text):
        assert (site.ROOT / target).exists(), target
