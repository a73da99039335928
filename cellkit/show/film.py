"""A film of a few frames, played by CSS alone."""

from __future__ import annotations

import base64
import html
import io
import zlib

import numpy as np

from cellkit.checks import number
from cellkit.show.output import require_alt, send
from cellkit.show.overlays import pixels


def animation(frames, captions=(), *, alt: str, seconds: float = 0.5, width: int | None = None):
    """A film that plays in any browser, with neither kernel nor network nor script.

    All frames are one picture, which CSS moves behind a window.  Below stand round buttons, "play"
    and one a step: Tab reaches them, the arrow keys walk from frame to frame, and any step
    stops the film.  Where the system asks for less motion it stands still on its last frame.

    Parameters
    ----------
    frames : sequence of ndarray
        At least two, of one shape; each as in :func:`images`.
    captions : sequence of str
        A line for each frame: what is new in it.
    alt : str
        What happens, in a sentence or two.
    seconds : float
        How long each frame stays; the last stays four times as long.
    width : int, optional
        On the screen, in pixels; by default the frames' own, or 300 if that is less.
    """
    alt, frames = require_alt(alt), [pixels(frame) for frame in frames]
    shapes = {frame.shape for frame in frames}
    if len(frames) < 2 or len(shapes) > 1:
        raise ValueError(
            f"found {len(frames)} frame(s) of {len(shapes)} shape(s), expected at least two of "
            "one shape; show a single picture with show.images."
        )
    (height, across, _), count = frames[0].shape, len(frames)
    if height * count > 16383:
        raise ValueError(
            f"{count} frames of {height} rows make a film of {height * count} rows, expected at "
            "most 16383 (the format's limit); show fewer or smaller frames."
        )
    if captions and len(captions) != count:
        raise ValueError(
            f"found {len(captions)} captions for {count} frames, expected one for each frame."
        )
    number("seconds", seconds, "0.34 to 60; what flashes more than three times a second can harm "
           "people", lambda value: 0.34 <= value <= 60)
    data = _webp(np.concatenate(frames))
    send({"text/html": _film(data, across, height, count, captions, alt, seconds, width),
           "text/plain": f"[Animation, {count} frames: {alt}]"})


def _webp(picture: np.ndarray) -> bytes:
    """The smaller of two: exact (good for drawings), or nearly so (good for photographs)."""
    from PIL import Image

    files = []
    for how in ({"lossless": True}, {"quality": 90}):
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "WEBP", **how)
        files.append(buffer.getvalue())
    return min(files, key=len)


def _film(data, across, height, count, captions, alt, seconds, width) -> str:
    name = f"film-{zlib.crc32(data + alt.encode()):08x}"
    total = count - 1 + 4  # in frames; the last one stays
    captions = [f"{k}/{count}{' ' if c else ''}{c}"
                for k, c in enumerate(captions or [""] * count, 1)]

    def at(k):
        return f"animation:none;transform:translateY(calc(-100%*{k}/{count}))"

    steps = "".join(f"#{name} .s{k}:checked~div .strip{{{at(k)}}}" for k in range(count))
    buttons = "".join(
        f'<input type="radio" class="s{k}" name="{name}" '
        f'aria-label="stop at frame {html.escape(caption, quote=True)}">'
        for k, caption in enumerate(captions)
    )
    lines = "".join(f"<div>{html.escape(caption)}</div>" for caption in captions)
    return f"""<fieldset id="{name}"><style>
#{name}{{border:0;margin:0;padding:0;width:{width or max(across, 300)}px;max-width:100%}}
#{name} .film{{aspect-ratio:{across}/{height};overflow:hidden;background:#fff}}
#{name} .film img{{display:block;width:100%;max-width:none;margin:0}}
#{name} .says{{height:3em;overflow:hidden;line-height:1.5em}}
#{name} .says .strip div{{height:3em}}
#{name} .strip{{animation:{name} {total * seconds:g}s steps({count - 1}) infinite}}
@keyframes {name}{{from{{transform:translateY(0)}}
{100 * (count - 1) / total:.3f}%,to{{transform:translateY(calc(-100%*{count - 1}/{count}))}}}}
@media (prefers-reduced-motion:reduce){{#{name} .strip{{{at(count - 1)}}}}}
{steps}</style>
<legend>Film: choose "play" or a frame, also with the arrow keys</legend>
<input type="radio" class="play" name="{name}" id="{name}-play" checked
><label for="{name}-play">play</label>
{buttons}<div class="film"><img class="strip" alt="{html.escape(alt, quote=True)}"
src="data:image/webp;base64,{base64.b64encode(data).decode()}"></div>
<div class="says" aria-hidden="true"><div class="strip">{lines}</div></div></fieldset>"""
