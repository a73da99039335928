"""One idea as a strip of pictures and as a GIF, for a README: what is found as M falls.

``python -m tools.strip FOLDER [LESSON]`` writes ``resolution.png`` and ``.gif`` (lesson 5,
the default), ``sharpening.*`` (4) or ``seeds.*`` (7) from what the explorer of that lesson shows.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import cellkit as ck
from cellkit.explore.controls import in_words
from cellkit.explore.views import drawn
from cellkit.files import replacing
from tools.explorers import EXPLORERS

HEAD = 26  # rows for the words above a picture


def frames(explorer, control: str, values, picture: int = -1) -> list[tuple[str, np.ndarray]]:
    """What an explorer shows at each value: words, and the picture, uint8 (H, W, 3)."""
    found = []
    for value in values:
        view = explorer.look(**{**explorer.values(), control: value})
        words = f"{control} = {in_words(explorer.controls[control], value)}"
        number = next((f"{name} {view.numbers[name]:.2f}" for name in ("Dice", "SSIM")
                       if name in view.numbers), f"{view.numbers.get('cells found')} cells")
        found.append((f"{words}: {number}", drawn(list(view.pictures.values())[picture])))
    return found


def labelled(words: str, picture: np.ndarray) -> Image.Image:
    """A picture with its words above it, black on white."""
    page = Image.new("RGB", (picture.shape[1], picture.shape[0] + HEAD), "white")
    page.paste(Image.fromarray(picture), (0, HEAD))
    ImageDraw.Draw(page).text((4, 3), words, "black", ImageFont.load_default(16))
    return page


def strip(found, path) -> None:
    """All frames side by side, as one picture."""
    pages = [labelled(*one) for one in found]
    wide, high = sum(page.width + 8 for page in pages) - 8, max(page.height for page in pages)
    row, x = Image.new("RGB", (wide, high), "white"), 0
    for page in pages:
        row.paste(page, (x, 0))
        x += page.width + 8
    with replacing(path) as file:
        row.save(file, "PNG", optimize=True)


def gif(found, path, seconds: float = 1.0) -> None:
    """The frames one after the other, the last one longer; no flashing."""
    pages = [labelled(*one).quantize(128) for one in found]
    times = [1000 * seconds] * (len(pages) - 1) + [2500 * seconds]
    with replacing(path) as file:
        pages[0].save(file, "GIF", save_all=True, append_images=pages[1:], duration=times, loop=0,
                      optimize=True)


def main(folder, lesson="5"):
    made = {
        "4": ("sharpening", {"super-resolution": True}, "M", ck.explore.FACTORS[::2], 0),
        "5": ("resolution", {}, "M", ck.explore.FACTORS[::2], -1),
        "7": ("seeds", {}, "peak_distance", (1, 3, 6, 12, 24), 0),
    }
    name, set_, control, values, picture = made[lesson]
    found = frames(EXPLORERS[name]().set(**set_), control, values, picture)
    Path(folder).mkdir(parents=True, exist_ok=True)
    strip(found, Path(folder, f"{name}.png"))
    gif(found, Path(folder, f"{name}.gif"))
    print(f"{folder}/{name}.png and .gif: {len(found)} pictures, synthetic")


if __name__ == "__main__":
    main(*sys.argv[1:])
