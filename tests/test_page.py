"""The exported page in a real browser: no kernel, no network, nothing but one file."""

from __future__ import annotations

import io
import json
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_browser import FLAGS, chromium

import cellkit as ck
from cellkit import explore

STEPS = ["1", "3/4", "1/2", "3/8", "1/4", "3/16", "1/8", "3/32", "1/16"]


def sees_less(image, M):
    """A network of its own kind: dark and light grain is cell."""
    return None, np.clip(4 * abs(image - image.mean()) / image.std() / 6, 0, 1)


def blind(image, M):
    return None, np.zeros(image.shape, np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pages of lessons 4, 5 and 7, small ones."""
    folder = tmp_path_factory.mktemp("pages")
    samples = ck.read("livecell", root=ck.datasets.bundled("livecell"), split="test")[[0, 4]]
    explore.resolution(samples, strategies={"grain": sees_less, "blind": blind}).export(
        folder / "resolution.html")
    front = ck.UNet(width=2, depth=1, residual=True, head="image", seed=1)
    explore.super_resolution(samples[1], front, M=(1, 1 / 4)).export(folder / "sharpening.html")
    explore.instances(samples[1], maps=samples[1].mask).export(folder / "seeds.html")
    return folder


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, folder):
    """Opens a page as a double click does; whatever it would fetch, and any error, is noted."""
    pages = []

    def opened(name, hash="", **options):
        page = browser.new_page(**{"viewport": {"width": 1400, "height": 1000}, **options})
        page.set_default_timeout(60_000)
        page.asked, page.wrong = [], []
        page.on("request", lambda one: page.asked.append(one.url))
        page.on("pageerror", lambda error: page.wrong.append(error))
        page.goto(f"{(folder / name).as_uri()}{hash}")
        page.locator(".view:not(.old) img[alt]:not([alt=''])").first.wait_for()
        pages.append(page)
        return page

    yield opened
    for page in pages:
        assert not page.wrong
        assert {url.split(":")[0] for url in page.asked} <= {"file", "data"}, "no network"
        page.close()


def test_a_page_is_small_and_has_everything_in_it(folder):
    for page in folder.iterdir():
        assert page.stat().st_size <= 2_000_000, page.name
        text = page.read_text(encoding="utf-8")
        assert set(re.findall(r"https?://[\w./]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_keys_move_picture_sentence_curve_and_what_is_spoken(opened):
    page = opened("resolution.html")
    slider, sentence = page.get_by_role("slider", name="M, the resolution"), page.get_by_role(
        "status").first
    assert "How few of them are enough?" in page.locator(".lead").inner_text()
    live = sentence.element_handle()
    before = page.locator(".view img").first.get_attribute("src")
    for at, step in enumerate(STEPS):
        page.wait_for_function("words => document.querySelector('.sentence').textContent"
                               ".includes(words)", arg=f"At {step} only" if at else "All pixels")
        assert slider.get_attribute("aria-valuetext") == step
        assert page.locator(".view img").first.get_attribute("alt").endswith(f"M {step}.")
        slider.press("ArrowRight")
    assert page.locator(".view img").first.get_attribute("src") != before
    assert live.evaluate("node => node.isConnected"), "the live region was replaced"
    page.get_by_role("radio", name="blind").check()
    page.get_by_text("“blind” still finds 0 % of the cells").wait_for()
    assert page.locator(".tile b").nth(1).inner_text() == "0.00"
    page.get_by_role("button", name="Start again").click()
    page.get_by_text("“grain” finds").wait_for()
    assert slider.get_attribute("aria-valuetext") == "1"


def test_a_link_gives_the_state_back(opened):
    page = opened("resolution.html", "#M=1%2F8&strategy=blind")
    page.get_by_text("At 1/8 only 1.6 % of the pixels are left. “blind”").wait_for()
    page.get_by_role("slider", name="M").press("ArrowLeft")
    page.wait_for_function("location.hash.includes('M=3%2F16')")
    assert "strategy=blind" in page.url


def test_both_pictures_zoom_and_move_together(opened):
    page = opened("resolution.html")
    transform = lambda: page.locator(".view img").evaluate_all(  # noqa: E731
        "all => all.map(img => img.style.transform)")
    drawn = lambda: page.locator(".view canvas").last.screenshot()  # noqa: E731
    whole = drawn()
    view = page.locator(".view").first
    view.press("+")
    view.press("+")
    near = transform()
    assert near[0] == near[1] and "scale(4)" in near[0] and drawn() != whole
    view.press("ArrowRight")
    assert transform()[0] == transform()[1] != near[0]
    view.press("0")
    assert "scale(1)" in transform()[0]
    page.get_by_role("slider", name="M").press("End")
    page.get_by_role("button", name="Show the real pixels").click()
    size = page.locator(".view img").first.evaluate("img => img.decode().then(() => "
                                                    "[img.naturalWidth, img.naturalHeight])")
    assert size == [22, 16]


def test_it_plays_to_the_end_and_can_be_stopped(opened):
    page = opened("resolution.html", "#M=3%2F32")
    page.get_by_role("button", name="Play").click()
    page.get_by_text("At 1/16 only").wait_for()
    page.get_by_role("button", name="Play").wait_for()


def test_a_finger_on_the_curve_moves_the_picture(opened):
    page = opened("resolution.html")
    svg = page.locator(".curve > svg")
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.95 * box["width"], box["y"] + 80, steps=8)
    page.mouse.up()
    page.get_by_text("At 1/16 only").wait_for()


@pytest.mark.parametrize("name, alt", [
    ("sharpening.html", "M 1/4."), ("seeds.html", "peak distance 30."),
])  # fmt: skip
def test_lessons_4_and_7_have_the_same_page(opened, name, alt):
    page = opened(name)
    page.get_by_role("slider").first.press("End")
    page.wait_for_function("alt => [...document.querySelectorAll('.view img')].some("
                           "img => img.alt.includes(alt))", arg=alt)
    assert page.locator(".curve path").count() >= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 900, 390])
def test_nothing_overflows_jumps_or_is_too_small_for_a_thumb(opened, width, scheme):
    page = opened("resolution.html", viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    place = lambda: page.locator(".view").first.bounding_box()["y"]  # noqa: E731
    before = place()
    slider = page.get_by_role("slider", name=re.compile("^M"))
    for _ in STEPS:
        slider.press("ArrowRight")
        assert place() == before
    small = page.locator(".app").evaluate("""app => [...app.querySelectorAll(
        "button,select,input,summary")].filter(one => one.offsetParent).map(one =>
        [one.outerHTML.slice(0, 60), one.getBoundingClientRect().height]).filter(one => one[1] < 24)
    """)
    assert not small
    page.mouse.wheel(0, 300)
    page.wait_for_function("scrollY > 200")
    assert slider.bounding_box()["y"] >= -1  # the slider stays in view


def test_on_paper_and_without_a_script_it_is_the_twin(browser, opened, folder):
    page = opened("resolution.html")
    page.emulate_media(media="print")
    assert not page.locator(".app").is_visible()
    assert page.locator(".twin img").count() == 4
    assert page.locator(".twin tbody tr").count() == len(STEPS)
    quiet = browser.new_context(java_script_enabled=False).new_page()
    quiet.goto((folder / "resolution.html").as_uri())
    assert quiet.locator(".twin img").first.is_visible()
    assert "What it finds" in quiet.locator(".twin img").first.get_attribute("alt")
    quiet.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["resolution.html", "sharpening.html", "seeds.html"])
def test_axe_finds_nothing(opened, name, scheme):
    spec = find_spec("axe_playwright_python")
    if spec is None:
        pytest.skip("axe-playwright-python is not installed")
    page = opened(name, color_scheme=scheme)
    page.locator("summary").click()
    page.evaluate(Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    assert not found, json.dumps([(one["id"], [node["html"] for node in one["nodes"]])
                                  for one in found], indent=1)


def test_from_key_to_picture_is_one_frame(opened):
    """The script's part of the wait; the aims, 16 and 35 ms, include the browser's frame."""
    page = opened("resolution.html")
    page.wait_for_timeout(1500)  # until the neighbours are decoded
    page.evaluate("""() => {
        window.waits = []; let pressed = 0; const box = document.querySelector(".cellkit-explorer");
        box.addEventListener("keydown", () => pressed = performance.now(), true);
        box.addEventListener("cellkit-shown", () => {
            const drawn = performance.now() - pressed;
            requestAnimationFrame(() => { const {port1, port2} = new MessageChannel();
                port1.onmessage = () => window.waits.push([drawn, performance.now() - pressed]);
                port2.postMessage(0); }); }); }""")
    slider = page.get_by_role("slider", name="M")
    for key in ["ArrowRight"] * 8 + ["ArrowLeft"] * 8:
        count = page.evaluate("window.waits.length")
        slider.press(key)
        page.wait_for_function(f"window.waits.length > {count}")
        page.wait_for_timeout(60)
    script, frame = np.array(page.evaluate("window.waits")).T
    print(f"\nkey to picture, exported page: script p50 {np.median(script):.1f} ms, with the "
          f"frame p50 {np.median(frame):.1f}, p90 {np.percentile(frame, 90):.1f} ms")
    assert np.median(script) <= 16


def test_a_picture_on_the_page_is_the_one_from_python(opened):
    page = opened("resolution.html", "#M=1%2F4")
    page.get_by_text("At 1/4 only").wait_for()
    sample = ck.read("livecell", root=ck.datasets.bundled("livecell"), split="test")[0]
    low = ck.degrade(sample.image, 1 / 4)
    data = page.locator(".view img").first.evaluate("""async img => {
        const bytes = new Uint8Array(await (await fetch(img.src)).arrayBuffer());
        return [...bytes]}""")
    shown = np.asarray(Image.open(io.BytesIO(bytes(data))).convert("L")) / 255
    wanted = np.clip((low - low.mean()) / (6 * low.std()) + 0.5, 0, 1)
    assert abs(shown - wanted).mean() < 0.02
