"""The explorers in a real browser: mouse, keys, pictures, numbers, and how long one waits.

Voila serves a page on 127.0.0.1, Debian's Chromium opens it, Playwright is its hand and eye.
``CELLKIT_KERNEL`` names the Python that computes (``make test-colab`` gives Colab's, whose
ipywidgets 7.7.1 then has its own browser part too); ``CELLKIT_SCREENSHOTS`` a folder for pictures.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import rgb_to_hsv
from PIL import Image

import cellkit as ck
from cellkit import explore, show
from cellkit.explore.seeds import merged_cells

KERNEL = os.environ.get("CELLKIT_KERNEL", sys.executable)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update"]  # fmt: skip

#: What the page shows; run here as well, so that both sides have the same image and network.
SHARED = """
import cellkit as ck
from dataclasses import replace
import numpy as np
from scipy import ndimage

small = ck.read("livecell", root=ck.datasets.bundled("livecell"), split="test")[4]
scale = lambda labels: np.repeat(np.repeat(labels, 2, 0), 2, 1)
sample = replace(small, image=ck.enlarge(small.image, (520, 704)), labels=scale(small.labels))
square = replace(sample, image=sample.image[:512, :512], labels=sample.labels[:512, :512])
soft = ndimage.gaussian_filter(square.mask.astype(float), 3)  # as a network's map is
net = ck.UNet(width=16, seed=7)
net.out.weight.data *= 20  # untrained, but not undecided
other = ck.UNet(width=8, seed=3)
other.out.weight.data *= 20
front = ck.UNet(width=4, depth=2, residual=True, head="image", seed=1)
distance = ck.UNet(width=4, depth=2, head="distance", seed=2)
"""
PAGE = SHARED + """
import os, time
import ipywidgets as widgets
from IPython.display import display

def slow(n):
    with open(os.environ["CELLKIT_SEEN"], "a", encoding="utf-8") as file:
        file.write(f"{n}\\n")
    time.sleep(0.1)
    if n == 7:
        raise ZeroDivisionError("seven")
    return ck.explore.View({"grey": np.full((20, 20), n / 100)}, {"n": n}, f"grey {n}")

frames = [np.full((40, 60), level) for level in (0.0, 0.5, 1.0)]
ck.show.animation(frames, ["black", "grey", "white"], alt="A field turns from black to white")
display(
    ck.explore.resolution(sample, strategies={"one": net, "another": other}),
    ck.explore.instances(square, maps=soft),
    ck.explore.Explorer(slow, {"n": widgets.IntSlider(description="n")}),
    ck.explore.augmentation([small, small]),
    ck.explore.super_resolution(small, front),
    ck.explore.instances(small, distance, method="distance"),
)
"""


def chromium() -> str:
    """Where Chromium is; as root on Debian it is installed first."""
    names = ("chromium", "chromium-browser", "google-chrome")
    for attempt in (1, 2):
        found = next(filter(None, map(shutil.which, names)), None)
        if found:
            return found
        if attempt == 2 or not shutil.which("apt-get") or os.geteuid() != 0:
            break
        for command in (["update", "-qq"], ["install", "-qq", "--yes", "chromium"]):
            done = subprocess.run(["apt-get", *command], stdin=subprocess.DEVNULL, timeout=400,
                                  capture_output=True, encoding="utf-8",
                                  env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
        if done.returncode:
            print(done.stderr)
    reason = ("no Chromium here, and it could not be installed (that takes apt-get and root); "
              "install chromium, and run the tests again")
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


def old_widgets() -> bool:
    """Does the computing Python have ipywidgets 7?"""
    return subprocess.run([KERNEL, "-c", "import ipywidgets; print(ipywidgets.__version__)"],
                          check=True, capture_output=True, encoding="utf-8").stdout < "8"


@pytest.fixture
def address(tmp_path):
    """A page that Voila serves, without its theme."""
    spec = tmp_path / "share" / "kernels" / "cellkit"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(json.dumps({
        "argv": [KERNEL, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "cellkit", "language": "python",
    }), encoding="utf-8")
    page = tmp_path / "page.ipynb"
    page.write_text(json.dumps({
        "nbformat": 4, "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "cellkit", "display_name": "cellkit"}},
        "cells": [{"cell_type": "code", "id": "page", "metadata": {}, "outputs": [],
                   "execution_count": None, "source": PAGE}],
    }), encoding="utf-8")  # fmt: skip
    options = []
    if old_widgets():  # Voila goes by the JupyterLab extension it finds, so let it find an old one
        old = tmp_path / "labextensions" / "@jupyter-widgets" / "jupyterlab-manager"
        old.mkdir(parents=True)
        (old / "package.json").write_text(json.dumps({
            "name": "@jupyter-widgets/jupyterlab-manager", "version": "3.1.11",
            "jupyterlab": {"_build": {"load": "none.js"}},
        }), encoding="utf-8")
        options = [f"--VoilaConfiguration.extra_labextensions_path={old.parents[1]}"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "JUPYTER_PATH": str(tmp_path / "share"),
           "JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "JUPYTER_NO_CONFIG": "1",
           "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"), "CELLKIT_SEEN": str(tmp_path / "seen")}
    (tmp_path / "seen").touch()
    log = (tmp_path / "voila.log").open("w", encoding="utf-8")
    server = subprocess.Popen(
        [sys.executable, "-m", "voila", str(page), "--no-browser", f"--port={port}",
         "--Voila.ip=127.0.0.1", *options],
        env=env, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None and time.monotonic() < deadline, (
                (tmp_path / "voila.log").read_text(encoding="utf-8"))
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(90)  # it waits for its kernels
        log.close()


class Shown:
    """One explorer on the page."""

    def __init__(self, page, number):
        self.page, self.box = page, page.locator(".cellkit-explorer").nth(number)

    def slider(self, name):
        """A slider by the name that a screen reader says."""
        return self.box.get_by_role("slider", name=name)

    def unfold(self):
        if self.box.locator("details").get_attribute("open") is None:
            self.box.locator("summary").click()

    def numbers(self):
        table = self.box.locator(".app table")
        return dict(zip(*(table.locator(one).all_text_contents() for one in ("th", "td")),
                        strict=True))

    def wait_for(self, words):
        self.box.locator(".sentence").filter(has_text=words).wait_for()

    def wait_until_fresh(self):
        """Until the pictures are those of the slider."""
        self.page.wait_for_function(
            "box => !box.querySelector('.view.old') && !box.hasAttribute('aria-busy')",
            arg=self.box.element_handle())

    def alt(self, number=-1):
        return self.box.locator(".view img").nth(number).get_attribute("alt")

    def picture(self, number=-1):
        """The pixels of the picture that the browser holds, uint8 (H, W, 3)."""
        data = self.box.locator(".app .view img").nth(number).evaluate("""async img => {
            const bytes = new Uint8Array(await (await fetch(img.src)).arrayBuffer());
            let text = ""; for (const b of bytes) text += String.fromCharCode(b);
            return btoa(text)}""")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))

    def differs(self, codes):
        """The share of the last picture where the eye sees another outcome than ``codes`` say.

        By hue: what is grey is nothing, then orange, pink, blue; white stripes are orange's.
        """
        data = self.box.locator(".app .view canvas").last.evaluate(
            "canvas => canvas.toDataURL('image/png').split(',')[1]")
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
        hsv = rgb_to_hsv(pixels / 255)
        hue, saturation, value = 360 * hsv[..., 0], hsv[..., 1], hsv[..., 2]
        grey = saturation < 0.1
        found = np.select([grey & (value > 0.95), grey, hue < 60, hue < 260], [1, 0, 1, 3], 2)
        rows, columns = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in
                         zip(found.shape, codes.shape, strict=True))
        return (found != codes[rows][:, columns]).mean()

    def stopwatch(self):
        """From now on, note the milliseconds from each key press to the new pictures."""
        self.box.evaluate("""box => {
            window.waits = []; let pressed = 0;
            box.addEventListener("keydown", () => pressed = performance.now(), true);
            box.addEventListener("cellkit-shown", event => event.detail === "view" && pressed &&
                requestAnimationFrame(() => { window.waits.push(performance.now() - pressed);
                                              pressed = 0; }));
        }""")

    def press_and_wait(self, slider, key, times):
        """Press a key so often, each time waiting for the picture: all the waits, in ms."""
        self.page.evaluate("window.waits = []")
        for number in range(1, times + 1):
            slider.press(key)
            self.page.wait_for_function(f"window.waits.length >= {number}")
        return self.page.evaluate("window.waits")


def apart(one, other):
    """Mean difference in grey values: JPEG makes 1 to 3, another picture more than 10."""
    return np.abs(one.astype(float) - show.pixels(other)).mean()


def p50_p90(waits):
    return f"p50 {np.percentile(waits, 50):.0f} ms, p90 {np.percentile(waits, 90):.0f} ms"


def look_at_resolution(shown, here):
    sample, nets = here["sample"], {one: explore.fast(here[one]) for one in ("net", "other")}

    def check(M, resampler="area", net="net"):
        shown.wait_until_fresh()
        low = ck.degrade(sample.image, M, resampler)
        pred = ck.predict(nets[net], low) > 0.5
        found = shown.numbers()
        wanted = {"Dice": ck.dice(sample.mask, pred), "edge Dice": ck.edge_dice(sample.mask, pred),
                  "PSNR, dB": ck.psnr(sample.image, low)}
        for name, number in wanted.items():
            assert np.isinf(number) and found[name] == "∞" or (
                float(found[name]) == pytest.approx(number, abs=0.003)), (M, name, found)
        stored = ck.storage(sample.image, M, resampler)
        assert found["bytes, raw"] == f"{stored.raw:,}"
        assert found["bytes, JPEG"] == f"{stored.jpeg:,}"
        seen = np.clip((low - low.mean()) / (6 * low.std()) + 0.5, 0, 1)
        assert apart(shown.picture(0), seen) < 6
        codes = show.outcome(sample.mask, pred)
        assert shown.differs(codes) < 0.02
        assert shown.alt(0).endswith(f"M {explore.views.fraction(M)}.")
        return codes

    M = shown.slider("M, the resolution")
    assert M.get_attribute("aria-valuetext") == "1"
    sharp = check(1)
    shown.stopwatch()
    first = shown.press_and_wait(M, "ArrowRight", 8)
    shown.wait_for("At 1/16")
    assert M.get_attribute("aria-valuetext") == "1/16"
    assert (check(1 / 16) != sharp).mean() > 0.05
    kept = shown.press_and_wait(M, "ArrowLeft", 8)
    shown.wait_for("All pixels are there")
    check(1)
    print(f"\nkey press to picture, 704 x 520, width 16: {p50_p90(first)}; kept: {p50_p90(kept)}")
    assert np.median(kept) < np.median(first)

    shown.unfold()
    resampler = shown.box.get_by_role("combobox", name="resampler")
    assert not resampler.is_visible()  # at M = 1 it can change nothing
    for _ in range(4):
        M.press("ArrowRight")
    shown.wait_until_fresh()
    resampler.select_option("nearest")
    assert not shown.box.get_by_role("checkbox", name="antialias").is_visible()
    check(1 / 4, "nearest")
    shown.box.get_by_role("radio", name="another").check()
    shown.wait_for("“another”")
    check(1 / 4, "nearest", "other")
    tiles = shown.box.locator(".tile b").all_text_contents()
    assert tiles[1] == f"{float(shown.numbers()['Dice']):.2f}"


def look_at_instances(shown, here):
    sample, soft = here["square"], here["soft"]
    true = len(np.unique(sample.labels)) - 1
    values = {"threshold": 0.5, "smoothing": 1.0, "peak_distance": 5, "min_size": 16}

    def check():
        found = ck.instances(soft, **values)
        split = ck.metrics.splits_merges(sample.labels, found).splits
        scores = ck.average_precision(sample.labels, found, ck.metrics.THRESHOLDS)
        wanted = {"cells found": str(found.max()), "cells in truth": str(true),
                  "AP at IoU 0.5": f"{scores[0]:.3f}",
                  "AP, mean over 0.5 to 0.95": f"{scores.mean():.3f}",
                  "cells split": str(split),
                  "cells merged": str(merged_cells(sample.labels, found))}
        deadline = time.monotonic() + 90
        while shown.numbers() != wanted and time.monotonic() < deadline:
            time.sleep(0.05)
        assert shown.numbers() == wanted
        shown.wait_until_fresh()
        assert apart(shown.picture(0), show.colour_labels(found, sample.image)) < 9  # with seeds
        return found

    shown.unfold()
    steps = {"peak_distance": 1, "threshold": 0.05, "smoothing": 0.25, "min_size": 4}
    before = check()
    for name, step in steps.items():
        for _ in range(6):
            shown.slider(name.replace("_", " ")).press("ArrowRight")
        values[name] = round(values[name] + 6 * step, 2)
        after = check()
        assert (after != before).any(), f"{name} changes nothing"
        before = after
    shown.stopwatch()
    # Each threshold gives another mask.
    waits = shown.press_and_wait(shown.slider("threshold"), "ArrowLeft", 14)
    values["threshold"] = 0.1
    check()
    print(f"key press to cells, 512 x 512: {p50_p90(waits)}")


def upload_a_picture(shown, path):
    """A file from the reader's own disk, too large for one message, from the page's own button."""
    own = np.random.default_rng(0).random((900, 1500), np.float32)
    Image.fromarray((own * 65535).astype(np.uint16)).save(path)
    with shown.page.expect_file_chooser() as chooser:
        shown.box.get_by_role("button", name="Your own picture").press("Enter")
    chooser.value.set_files(path)
    shown.box.locator(".note", has_text="Reading your picture").wait_for()
    shown.wait_for("of your picture for cells")
    shown.wait_until_fresh()
    said = shown.box.locator(".note").inner_text()
    assert "shrunk from 1500 × 900 to 1024 × 614 pixels" in said
    assert "your picture" in shown.alt(0) and shown.picture(0).shape == (614, 1024, 3)
    path.write_bytes(b"no picture")
    with shown.page.expect_file_chooser() as chooser:
        shown.box.get_by_role("button", name="Your own picture").click()
    chooser.value.set_files(path)
    shown.box.get_by_role("alert").filter(has_text="cannot be read as an image").wait_for()
    assert "your picture" in shown.alt(0)  # what stood there stays


def drag_to(shown, slider, share):
    """Take a slider's handle with the mouse and let it go at this share of the track."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box["width"] > 120 and box["height"] >= 24, box  # wide enough for a hand
    low, high = (float(slider.get_attribute(name) or 0) for name in ("min", "max"))
    at = (float(slider.input_value()) - low) / (high - low)
    x = lambda share: box["x"] + 14 + share * (box["width"] - 28)  # noqa: E731
    mouse = shown.page.mouse
    mouse.move(x(at), box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(x(share), box["y"] + box["height"] / 2, steps=20)
    mouse.up()
    return round(low + share * (high - low))


def look_at_augmentation(shown, here):
    """All transforms of lesson 3: each starts as strong as a training uses it, by drag and keys."""
    small, augment = here["small"], ck.augment
    kinds = {kind.__name__.lower(): kind for kind in vars(augment).values()
             if isinstance(kind, type) and hasattr(kind, "most")}
    choice = shown.box.get_by_role("combobox", name="transform")
    names = choice.locator("option").all_text_contents()
    assert len(names) == 12

    def check(name, strength):
        shown.wait_for(f"after {name} of {strength:g} ")
        shown.wait_until_fresh()
        one = kinds[name]().at(strength)
        moved, labels = one(small.image, small.labels, np.random.default_rng(0))
        assert shown.numbers()["cells after"] == str(len(np.unique(labels)) - 1), name
        assert apart(shown.picture(), show.colour_labels(labels, moved)) < 9, name

    for name in names:
        choice.select_option(label=name)
        one = kinds[name]()
        check(name, one.between[1])
        slider = shown.slider("strength")
        assert slider.get_attribute("aria-valuetext") == f"{one.between[1]:.6g}"
        slider.press("Home")
        check(name, 0)
        slider.press("End")
        if name != "flip":
            aim = drag_to(shown, slider, 0.5)
            assert abs(float(slider.input_value()) - aim) <= 1, name
            check(name, float(slider.get_attribute("aria-valuetext")))


def look_at_sharpening(shown, here):
    small, front = here["small"], explore.fast(here["front"])
    for _ in range(4):
        shown.slider("M, the resolution").press("ArrowRight")
    shown.box.get_by_role("radio", name="super-resolved").check()
    shown.wait_for("The super-resolved picture")
    shown.wait_until_fresh()
    low = ck.degrade(small.image, 1 / 4)
    sharp = ck.super_resolve(front, low)
    numbers = shown.numbers()
    assert float(numbers["SSIM"]) == pytest.approx(ck.ssim(small.image, sharp), abs=0.003)
    image = small.image
    assert apart(shown.picture(0), np.clip((sharp - image.mean()) / (6 * image.std()) + 0.5, 0, 1)
                 ) < 5
    assert shown.box.locator(".app .view").count() == 3


def look_at_learned_distances(shown, here):
    small = here["small"]
    maps = ck.predict(explore.fast(here["distance"]), small.image, all=True)
    shown.slider("h").press("End")
    shown.wait_until_fresh()
    found = ck.instances(maps, "distance", h=0.5)
    assert shown.numbers()["cells found"] == str(found.max())


def drag_across(shown, seen):
    """A slow explorer keeps up with a quick hand, and ends where the hand ends."""
    slider = shown.slider("n")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    x, y = box["x"] + 14, box["y"] + box["height"] / 2
    mouse = shown.page.mouse
    seen.write_text("", encoding="utf-8")
    looks = lambda: [int(line) for line in seen.read_text(encoding="utf-8").split()]  # noqa: E731
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 0.7 * box["width"], y, steps=100)
    mouse.up()
    before = len(looks())
    time.sleep(0.5)
    end = int(slider.input_value())
    shown.wait_for(f"grey {end}")
    time.sleep(0.3)
    looked = looks()
    # Once the hand rests, at most the look in work and the newest value are left to come.
    late = len(looked) - before
    assert end > 40 and looked[-1] == end and late <= 2, (looked, before)
    print(f"dragged over {end} values, 0.1 s a look: {len(looked)} looks, {late} after the hand")


def break_and_heal(shown):
    """What goes wrong in a callback stands there as a sentence, and the next value works."""
    slider = shown.slider("n")
    slider.press("Home")
    shown.wait_for("grey 0")
    for _ in range(7):
        slider.press("ArrowRight")
    alert = shown.box.get_by_role("alert")
    alert.filter(has_text="ZeroDivisionError: seven").wait_for()
    assert not shown.box.locator(".app img").first.is_visible()
    slider.press("ArrowRight")
    shown.wait_for("grey 8")
    shown.wait_until_fresh()
    assert alert.count() == 0 and shown.numbers() == {"n": "8"}
    assert apart(shown.picture(), np.full((20, 20), 0.08)) < 2


def watch_film(page):
    film = page.locator("fieldset", has_text="Film")
    moving = "strip => getComputedStyle(strip).animationName"
    strip = film.locator("img.strip")
    assert strip.get_attribute("alt") == "A field turns from black to white"
    assert strip.evaluate(moving).startswith("film-")
    film.get_by_label("play").focus()
    for frame in range(3):
        page.keyboard.press("ArrowRight")
        assert strip.evaluate(moving) == "none"
        offset = strip.evaluate("strip => new DOMMatrix(getComputedStyle(strip).transform).f"
                                " / strip.getBoundingClientRect().height")
        assert offset == pytest.approx(-frame / 3, abs=0.01)
    page.keyboard.press("ArrowRight")
    assert strip.evaluate(moving).startswith("film-")
    page.emulate_media(reduced_motion="reduce")
    assert strip.evaluate(moving) == "none"
    page.emulate_media(reduced_motion="no-preference")


def test_explorers_in_a_browser(address, tmp_path):
    from playwright.sync_api import sync_playwright

    here = {}
    exec(SHARED, here)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.set_default_timeout(90_000)  # for machines that do something else as well
        page.route(lambda url: not url.startswith(address), lambda route: route.abort())  # offline
        try:
            assert page.goto(address, wait_until="commit").ok
            Shown(page, 2).wait_for("grey 0")
        except Exception:
            print((tmp_path / "voila.log").read_text(encoding="utf-8")[-3000:])
            print(page.locator("body").inner_text()[-3000:])
            raise
        watch_film(page)
        look_at_resolution(Shown(page, 0), here)
        upload_a_picture(Shown(page, 0), tmp_path / "mine.tif")
        look_at_instances(Shown(page, 1), here)
        look_at_augmentation(Shown(page, 3), here)
        look_at_sharpening(Shown(page, 4), here)
        look_at_learned_distances(Shown(page, 5), here)
        if axe := find_spec("axe_playwright_python"):
            page.evaluate(Path(axe.origin).with_name("axe.min.js").read_text(encoding="utf-8"))
            for number in range(page.locator(".cellkit-explorer").count()):
                found = Shown(page, number).box.evaluate("box => axe.run(box)")["violations"]
                assert not found, [(one["id"], one["nodes"][0]["html"]) for one in found]
        drag_across(Shown(page, 2), tmp_path / "seen")
        break_and_heal(Shown(page, 2))
        if os.environ.get("CELLKIT_SCREENSHOTS"):
            folder = Path(os.environ["CELLKIT_SCREENSHOTS"])
            page.screenshot(path=folder / "light.png", full_page=True)
            page.goto(f"{address}?theme=dark", wait_until="commit")
            Shown(page, 2).wait_for("grey 0")
            page.screenshot(path=folder / "dark.png", full_page=True)
        browser.close()


def test_messages_that_piled_up_are_looked_at_once(tmp_path):
    """Thirty values at once, from a browser that holds none back: the newest is what counts."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(connection_file=str(tmp_path / "kernel.json"))
    manager.kernel_spec.argv[0] = KERNEL
    manager.start_kernel(cwd=str(tmp_path), stdin=subprocess.DEVNULL)
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        asked = []
        client.execute_interactive(FLOODED, timeout=90, output_hook=asked.append)
        said = [one["content"] for one in asked if one["msg_type"] in ("stream", "error")]
        (slider,) = (one["text"].strip() for one in said)
        for value in range(1, 31):
            state = {"method": "update", "state": {"value": value}, "buffer_paths": []}
            client.shell_channel.send(client.session.msg(
                "comm_msg", {"comm_id": slider, "data": state}))
        asked.clear()
        client.execute_interactive("import asyncio; await asyncio.sleep(0.5)", timeout=60)
        client.execute_interactive("print(seen, explorer.numbers)", timeout=60,
                                   output_hook=asked.append)
        text = "".join(one["content"].get("text", "") for one in asked)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    seen = [int(one) for one in text[text.index("[") + 1:text.index("]")].split(",")]
    assert seen[0] == 0 and seen[-1] == 30 and len(seen) <= 12, seen
    assert text.endswith("{'n': 30}\n")


FLOODED = """
import time
import ipywidgets, numpy
import cellkit as ck
seen = []
def slow(n):
    seen.append(n)
    time.sleep(0.3)
    return ck.explore.View({"grey": numpy.zeros((9, 9))}, {"n": n}, "grey")
explorer = ck.explore.Explorer(slow, {"n": ipywidgets.IntSlider()})
print(explorer.controls["n"].model_id)
"""
