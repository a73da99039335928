"""How long an explorer takes from a key to a new picture: in its kernel, in JupyterLab, exported.

``python benchmarks/explorer.py [kernel] [lab] [exported]``, by default all three.  In the kernel it
takes turns with matplotlib in the loop, as ``interact`` and pyplot make pictures.  JupyterLab and
the exported page are opened in Chromium: a key is pressed when the picture before it stands there,
and the wait ends with the browser's next frame.  The network is the bundled one of width 16, the
images are a drawn one of 352 x 260 and the same of 704 x 520.
"""

import io
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

AIMS = {"352 x 260": 100, "704 x 520": 250, "352 x 260, sharpened first": 200,
        "704 x 520, sharpened first": 450}
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SETUP = """
from dataclasses import replace
import numpy as np, torch
import cellkit as ck
small = ck.read("livecell", root=ck.datasets.bundled("livecell"), split="test")[4]
big = replace(small, image=ck.enlarge(small.image, (520, 704)),
              labels=np.repeat(np.repeat(small.labels, 2, 0), 2, 1))
"""
#: Notes when a key was pressed, and when the frame with its picture was drawn.
STOPWATCH = """box => { window.waits = []; window.seen = []; let pressed = 0;
    box.addEventListener("keydown", () => pressed = performance.now(), true);
    box.addEventListener("cellkit-shown", event => { window.seen.push(performance.now());
        if (event.detail === "view" && pressed) { const {port1, port2} = new MessageChannel();
            requestAnimationFrame(() => { port1.onmessage = () => {
                window.waits.push(performance.now() - pressed); pressed = 0; };
                port2.postMessage(0); }); } }); }"""


def told(name, waits, aim=""):
    print(f"{name:44}{np.percentile(waits, 50):8.0f}{np.percentile(waits, 90):8.0f}  {aim}",
          flush=True)


def keys(page, slider, key, times, pause=0) -> list[float]:
    """Milliseconds from each key to its picture."""
    page.evaluate("window.waits = []")
    for number in range(1, times + 1):
        slider.press(key)
        page.wait_for_function(f"window.waits.length >= {number}", timeout=60_000)
        page.wait_for_timeout(pause)
    return page.evaluate("window.waits")


def kernel():
    """The kernel's part, for 704 x 520, beside a figure drawn by pyplot each time."""
    import ipywidgets as widgets

    import cellkit as ck
    from cellkit import explore, show

    here = {}
    exec(SETUP, here)
    sample, net = here["big"], ck.load_weights("livecell", device="cpu")
    shown = widgets.Image()

    def look(M):
        low = ck.degrade(sample.image, M)
        pred = ck.predict(net, low) > 0.5
        figure, (left, right) = show.axes(1, 2, (7.04, 5.2))
        left.imshow(low, cmap="gray", vmin=0, vmax=1)
        right.imshow(show.compare(sample.mask, pred, low))
        right.set_title(f"Dice {ck.dice(sample.mask, pred):.3f}")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
        shown.value = buffer.getvalue()
        return explore.View({}, {}, "")

    peer = explore.Explorer(look, {"M": widgets.SelectionSlider(options=explore.FACTORS)})
    waits = {"explorer": [], "matplotlib in the loop": []}
    ours = explore.resolution(sample)
    for M in (*explore.FACTORS[1:], 1):
        for name, explorer in zip(waits, (ours, peer), strict=True):
            began = time.perf_counter()
            explorer.controls["M"].value = M
            waits[name].append(1e3 * (time.perf_counter() - began))
            assert explorer.error is None, explorer.error
    for name, found in waits.items():
        told(f"kernel, 704 x 520: {name}", found[:-1])
    told("kernel, 704 x 520: seen before", [waits["explorer"][-1]])


def lab(browser):
    """JupyterLab, from the key to the picture in the browser."""
    cells = [SETUP, *(f"ck.explore.resolution({name})" for name in ("small", "big"))]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "page.ipynb").write_text(json.dumps({
            "nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {
                "name": "python3", "display_name": "Python 3"}},
            "cells": [{"cell_type": "code", "id": f"cell{k}", "metadata": {}, "outputs": [],
                       "execution_count": None, "source": source} for k, source in
                      enumerate(cells)]}), encoding="utf-8")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
             "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "JUPYTER_CONFIG_DIR": folder, "JUPYTER_NO_CONFIG": "1"})
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(120_000)
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.2)
            page.goto(f"http://127.0.0.1:{port}/lab/tree/page.ipynb")
            page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
            page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()
            page.keyboard.press("Shift+Enter")
            page.locator(".jp-InputPrompt", has_text="[1]:").wait_for()
            for number, name in enumerate(("352 x 260", "704 x 520")):
                page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(number + 1).click()
                began = time.perf_counter()
                page.keyboard.press("Shift+Enter")
                box = page.locator(".cellkit-explorer").nth(number)
                box.locator(".view:not(.old) img[alt]:not([alt=''])").first.wait_for()
                print(f"JupyterLab, {name}: first picture after "
                      f"{time.perf_counter() - began:.1f} s (aim 2)")
                page.wait_for_function("box => box.classList.contains('ready')",
                                       arg=box.element_handle())
                box.evaluate(STOPWATCH)
                slider = box.get_by_role("slider", name="M, the resolution")
                for way, words in enumerate(("", ", sharpened first")):
                    box.get_by_role("radio").nth(way).check()
                    slider.press("Home")
                    page.wait_for_timeout(200)
                    measured(page, slider, f"{name}{words}")
                dragged(page, box, slider, name)
        finally:
            page.close()
            server.terminate()
            server.wait(30)


def measured(page, slider, name):
    told(f"JupyterLab, {name}", keys(page, slider, "ArrowRight", 8), f"aim {AIMS[name]}")
    told("  the same, seen before", keys(page, slider, "ArrowLeft", 8), "aim 35")


def dragged(page, box, slider, name):
    """New pictures a second while a hand draws the handle over a strategy not seen yet."""
    box.get_by_role("radio").nth(2).check()
    slider.scroll_into_view_if_needed()
    track = slider.bounding_box()
    x, y = track["x"] + 14, track["y"] + track["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("window.seen = []")
    began = time.perf_counter()
    for k in range(30):  # over all values in a second
        page.mouse.move(x + (track["width"] - 28) * k / 29, y)
        page.wait_for_timeout(33)
    rate = page.evaluate("window.seen.length") / (time.perf_counter() - began)
    page.mouse.up()
    print(f"JupyterLab, {name}, sharpened first: {rate:.1f} new pictures a second while dragged "
          "(aim 5)", flush=True)


def exported(browser):
    """The page without a kernel."""
    import cellkit as ck

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "resolution.html")
        ck.explore.resolution().export(path, images=[0])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.goto(path.as_uri())
        page.locator(".view:not(.old) img[alt]:not([alt=''])").first.wait_for()
        page.wait_for_timeout(1500)
        page.locator(".cellkit-explorer").evaluate(STOPWATCH)
        slider = page.get_by_role("slider", name="M, the resolution")
        waits = [wait for key in ("ArrowRight", "ArrowLeft") * 3
                 for wait in keys(page, slider, key, 8, pause=100)]
        told("exported page, 352 x 260", waits, "aims 16 and 35")
        page.close()


def main(*parts):
    import torch

    from cellkit.device import autocast_dtype, pick_device

    numbers = "16 bits" if autocast_dtype(pick_device("cpu")) else "32 bits (no 16 here)"
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, "
          f"{numbers}, load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else numbers)
    print(f"{'milliseconds':44}{'p50':>8}{'p90':>8}")
    if "kernel" in parts:
        kernel()
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
                None)
    if path is None:
        return print("no Chromium here: JupyterLab and the exported page were not measured")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=FLAGS)
        for part in (lab, exported):
            if part.__name__ in parts:
                part(browser)
        browser.close()


if __name__ == "__main__":
    main(*(sys.argv[1:] or ("kernel", "lab", "exported")))
