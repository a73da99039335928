"""How long an explorer takes from a new value to new pictures, beside matplotlib in the loop.

``python benchmarks/explorer.py [network]``: the kernel's part of the wait, one process, taking
turns, for a 704 x 520 image and a network of width 16 (or the named weights).  What the browser
adds is printed by tests/test_browser.py.
"""

import io
import os
import platform
import sys
import time
from dataclasses import replace

import ipywidgets as widgets
import numpy as np
import torch

import cellkit as ck
from cellkit import explore, show
from cellkit.device import autocast_dtype, pick_device

FACTORS = (1, 3 / 4, 1 / 2, 3 / 8, 1 / 4, 3 / 16, 1 / 8, 3 / 32, 1 / 16)


def waits(explorer, control: str, values) -> list[float]:
    """Milliseconds for each value."""
    found = []
    for value in values:
        begin = time.perf_counter()
        explorer.controls[control].value = value
        found.append(1e3 * (time.perf_counter() - begin))
        assert explorer.error is None, explorer.error
    return found


def matplotlib_in_the_loop(sample, net) -> explore.Explorer:
    """The same pictures as ``interact`` and pyplot make them: a figure each time, as PNG."""
    shown = widgets.Image()

    def look(M):
        low = ck.degrade(sample.image, M)
        pred = ck.predict(net, low, amp=False) > 0.5
        figure, (left, right) = show.axes(1, 2, (7.04, 5.2))
        left.imshow(low, cmap="gray", vmin=0, vmax=1)
        right.imshow(show.compare(sample.mask, pred, low))
        right.set_title(f"Dice {ck.dice(sample.mask, pred):.3f}")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
        shown.value = buffer.getvalue()
        return explore.View({}, {}, "")

    return explore.Explorer(look, {"M": widgets.SelectionSlider(options=FACTORS)})


def main(weights=None):
    torch.manual_seed(0)
    small = ck.read("livecell", root=ck.datasets.bundled("livecell"), split="test")[4]
    labels = np.repeat(np.repeat(small.labels, 2, 0), 2, 1)
    sample = replace(small, image=ck.enlarge(small.image, (520, 704)), labels=labels)
    square = replace(sample, image=sample.image[:512, :512].copy(),
                     labels=labels[:512, :512].copy())
    net = ck.load_weights(weights, device="cpu") if weights else ck.UNet(width=16).eval()
    front = ck.UNet(width=16, head="image", residual=True).eval()
    both = {"both": explore.strategy(net, front)}
    table = {}
    here = "16 bits" if autocast_dtype(pick_device("cpu")) else "32 bits (no 16 here)"
    for number, switch in ((here, "auto"),
                           ("32 bits", "off")):
        os.environ["CELLKIT_AMP"] = switch
        one, two = explore.resolution(sample, net), explore.resolution(sample, strategies=both)
        for resampler in ("bilinear",):
            for explorer in (one, two):
                explorer.controls["resampler"].value = resampler
            for name, explorer in (("one network", one), ("super-resolution in front", two)):
                table.setdefault((name, number), []).extend(waits(explorer, "M", FACTORS[::-1]))
                table.setdefault(("the same, seen before", number), []).extend(
                    waits(explorer, "M", FACTORS))
    cells = explore.instances(square, maps=square.mask)
    table["instances, 512 x 512", ""] = waits(cells, "peak_distance", range(2, 22))
    peer = matplotlib_in_the_loop(sample, net)
    table["matplotlib in the loop, one network", "32 bits"] = waits(peer, "M", FACTORS[1:])

    usual = np.median(table["matplotlib in the loop, one network", "32 bits"])
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, "
          f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else platform.machine())
    print(f"{'':38}{'':>22}{'p50, ms':>10}{'p90, ms':>10}{'faster':>10}")
    for (name, number), found in table.items():
        print(f"{name:38}{number:>22}{np.percentile(found, 50):10.1f}"
              f"{np.percentile(found, 90):10.1f}{usual / np.median(found):9.1f}x")
    print("aims, two cores, 16 bits: one network 100, super-resolution in front 200, seen before "
          "30, instances p90 100; faster: than matplotlib in the loop")


if __name__ == "__main__":
    main(*sys.argv[1:])
