"""Figures in one style, each with a text alternative.

Every figure is drawn on a white card, so it reads the same in light and dark mode.  Colours are
from Okabe and Ito's palette, and whatever a colour says, a stripe, a marker or a label says too.
The figure goes out as HTML with an ``alt`` text; where there is no HTML, the text itself is shown.
"""

from __future__ import annotations

import base64
import html
import io
import zlib

import numpy as np

#: Okabe & Ito (2008): told apart by colour-blind readers, in print and on screen.
BLUE, ORANGE, GREEN, PINK, SKY, RED, YELLOW, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000",
)  # fmt: skip
LINES = [(BLUE, "-", "o"), (RED, "--", "s"), (GREEN, "-.", "^"), (PINK, ":", "D"),
         (ORANGE, "-", "v"), (SKY, "--", "P")]  # fmt: skip


def _require(alt: str) -> str:
    if not isinstance(alt, str) or len(alt.strip()) < 10:
        raise ValueError(
            f"alt is {alt!r}; a figure needs a text alternative of a sentence that says what there "
            "is to see, e.g. alt='Left the image, right its mask: the cells cover about half'."
        )
    return " ".join(alt.split())


def axes(rows: int = 1, columns: int = 1, size: tuple[float, float] = (4.0, 3.0)):
    """An empty figure in the course's style: (figure, array of axes), each ``size`` inches."""
    from matplotlib.figure import Figure  # not pyplot: nothing may pop up or pile up

    figure = Figure(figsize=(columns * size[0], rows * size[1]), facecolor="white",
                    layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for ax in grid.flat:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, grid[0, 0] if rows * columns == 1 else grid.squeeze()


def _card(figure, alt: str) -> dict:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, facecolor="white")
    data = base64.b64encode(buffer.getvalue()).decode()
    return {
        "text/html": f'<img alt="{html.escape(alt, quote=True)}" '
        'style="max-width:100%;background:#fff;padding:4px;border-radius:4px" '
        f'src="data:image/png;base64,{data}">',
        "text/plain": f"[Figure: {alt}]",
    }


def figure(fig, alt: str) -> None:
    """Show a matplotlib figure with its text alternative (outside a notebook, print the text).

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    alt : str
        What there is to see, in a sentence or two.
    """
    _show(_card(fig, _require(alt)))


def _show(bundle: dict, handle=None):
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = lambda: None  # noqa: E731
    if get_ipython() is None:
        print(bundle["text/plain"])
        return None
    if handle is not None:
        handle.update(bundle, raw=True)
        return handle
    # An id makes Colab and JupyterLab able to replace the output; without one nothing is returned.
    return display(bundle, raw=True, display_id=True)


def colour_labels(labels: np.ndarray, image: np.ndarray | None = None) -> np.ndarray:
    """Each cell in a colour of its own, with a white rim, on black or on the image.

    Neighbouring numbers get hues far apart (the golden ratio), and the rim keeps touching cells
    apart for those who do not see the hues.

    Parameters
    ----------
    labels : int (H, W)
    image : float (H, W) in [0, 1], optional
        Shown underneath; of a colour image its :func:`cellkit.datasets.to_grey`.

    Returns
    -------
    float (H, W, 3) in [0, 1]
    """
    from matplotlib.colors import hsv_to_rgb

    from cellkit.annotations import check_labels, relabel

    labels = np.asarray(labels)
    labels = check_labels(labels.astype(np.uint8) if labels.dtype == bool else labels)
    number, place = relabel(labels)
    lut = hsv_to_rgb(np.stack([(number * 0.618034) % 1, np.full(number.shape, 0.65),
                               0.75 + 0.25 * (number % 2)], -1)).astype(np.float32)
    lut[0] = 0
    if image is None:
        picture = np.take(lut, place, axis=0)
    else:
        left = np.where(number > 0, 0.6, 1).astype(np.float32)  # of the image under a colour
        picture = np.take(0.4 * lut, place, axis=0)
        picture += (left[place] * _underneath(image, labels.shape))[..., None]
    rim = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        ahead = np.moveaxis(labels, axis, 0)
        np.moveaxis(rim, axis, 0)[:-1] |= (ahead[1:] != ahead[:-1]) & (ahead[:-1] > 0)
        np.moveaxis(rim, axis, 0)[1:] |= (ahead[1:] != ahead[:-1]) & (ahead[1:] > 0)
    picture[rim] = 1
    return picture


def _underneath(image, shape) -> np.ndarray:
    from cellkit.metrics.images import _image

    image = _image(image, "the image")
    if image.shape != shape:
        raise ValueError(
            f"the image has shape {image.shape}, expected {shape} as what is drawn on it; take the "
            "image that belongs to it, of one in colour cellkit.datasets.to_grey(image)."
        )
    return image.astype(np.float32, copy=False)


def compare(truth: np.ndarray, pred: np.ndarray, image: np.ndarray | None = None) -> np.ndarray:
    """Hits, misses and false alarms of a predicted mask, told apart without colour too.

    Hits are plain blue, misses orange with stripes falling to the right, false alarms red with
    stripes rising to the right.

    Parameters
    ----------
    truth, pred : mask (H, W)
        As in :func:`cellkit.metrics.confusion`.
    image : float (H, W) in [0, 1], optional
        Shown underneath; of a colour image its :func:`cellkit.datasets.to_grey`.

    Returns
    -------
    float (H, W, 3) in [0, 1]
    """
    from matplotlib.colors import to_rgb

    from cellkit.metrics.pairs import pair
    from cellkit.metrics.pixels import _mask

    truth, pred = pair(np.asarray(truth), np.asarray(pred), _mask, _mask)
    colours = 0.55 * np.array([(0, 0, 0), *map(to_rgb, (ORANGE, RED, BLUE))], np.float32)
    kind = truth + 2 * pred.astype(np.uint8)  # 0 nothing, 1 missed, 2 false alarm, 3 hit
    picture = np.take(colours, kind, axis=0)  # the same as colours[kind], three times as fast
    if image is not None:
        left = 0.8 * np.array([1, 0.45, 0.45, 0.45], np.float32)  # of the image under a colour
        picture += (left[kind] * _underneath(image, kind.shape))[..., None]
    y, x = np.ogrid[:truth.shape[0], :truth.shape[1]]
    step = max(6, min(truth.shape) // 40)
    falling, rising = ((line % step) < step / 3 for line in (y - x, y + x))
    picture[(kind == 1) & falling | (kind == 2) & rising] = 1
    return picture


def legend_of_compare() -> str:
    """The words that go with :func:`compare`."""
    return ("blue: hit; orange, stripes falling to the right: missed; "
            "red, stripes rising to the right: false alarm")


def images(pictures, titles=(), *, alt: str, columns: int | None = None, size: float = 3.2,
           limits: tuple[float, float] | None = (0, 1), caption: str = ""):
    """Show pictures side by side.

    Parameters
    ----------
    pictures : sequence of ndarray
        Grey (H, W) float, RGB (H, W, 3), bool mask, or integer labels: each is drawn as what it is.
    titles : sequence of str
    alt : str
        The text alternative.
    columns : int, optional
    size : float
        Width of one picture, inches.
    limits : (low, high) or None
        What is black and what is white in grey pictures; None stretches each by itself.
    caption : str
        A line below all pictures.
    """
    pictures = [np.asarray(p) for p in pictures]
    odd = [p.shape for p in pictures if p.ndim not in (2, 3) or not p.size]
    if odd or not pictures:
        raise ValueError(
            f"found {f'a picture of shape {odd[0]}' if odd else 'no picture'}, expected at least "
            "one, (H, W) or (H, W, 3); give a list, even of one: show.images([picture], ...)."
        )
    columns = columns or min(len(pictures), 4)
    rows = -(-len(pictures) // columns)
    tallest = max(p.shape[0] / p.shape[1] for p in pictures)
    lines = 1 + max((title.count("\n") for title in titles), default=0)
    words = 0.1 + 0.25 * lines + 0.25 * bool(caption)  # inches
    fig, grid = axes(rows, columns, (size, size * min(tallest, 1.5) + words))
    for ax in np.ravel(grid):
        ax.axis("off")
    for i, (ax, picture) in enumerate(zip(np.ravel(grid), pictures, strict=False)):
        if picture.ndim == 2 and np.issubdtype(picture.dtype, np.integer):
            picture = colour_labels(picture)
        low, high = limits or (None, None)
        if picture.dtype == bool:
            low, high = 0, 1
        ax.imshow(picture, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        if i < len(titles):
            ax.set_title(titles[i], fontsize=10)
    if caption:
        fig.supxlabel(caption, fontsize=9)
    figure(fig, alt)


def curves(series: dict, x=None, *, alt: str, ax=None, **axis):
    """Lines over a common axis, told apart by colour, dash and marker.

    Parameters
    ----------
    series : dict of str → sequence of float
        Or str → (x, y) where each line has its own x.
    x : sequence, optional
        Common x; None counts 1, 2, 3 …
    ax : matplotlib Axes, optional
        Draw there; the figure is then shown by whoever made it.
    axis
        For ``Axes.set``: xlabel, ylabel, title, ylim, yscale …
    """
    fig = None
    if ax is None:
        fig, ax = axes(1, 1, (5.5, 3.4))
    for (name, values), (colour, dash, marker) in zip(series.items(), LINES * 9, strict=False):
        if isinstance(values, tuple) and len(values) == 2:
            own, values = values
        else:
            own = np.arange(1, len(values) + 1) if x is None else x
        ax.plot(own, values, color=colour, linestyle=dash, marker=marker, markersize=4,
                markevery=max(1, len(own) // 12), label=name)
    ax.set(**axis)
    ax.grid(alpha=0.3)
    if len(series) > 1:
        ax.legend(fontsize=9, frameon=False)
    if fig is not None:
        figure(fig, alt)


def bars(values: dict, *, alt: str, ylabel: str = "", title: str = "", spread: dict | None = None,
         digits: int = 2):
    """One bar a name, its value written above it; ``spread`` draws an error bar."""
    fig, ax = axes(1, 1, (max(4.0, 0.9 * len(values) + 1.2), 3.4))
    names = list(values)
    error = [spread[n] for n in names] if spread else None
    drawn = ax.bar(names, [values[n] for n in names], yerr=error, color=BLUE, capsize=4)
    ax.bar_label(drawn, fmt=f"%.{digits}f", padding=2, fontsize=9)
    ax.margins(y=0.12)  # room for the values below the title
    ax.set(ylabel=ylabel, title=title)
    ax.tick_params(axis="x", labelrotation=30 if len(names) > 3 and max(map(len, names)) > 8 else 0)
    figure(fig, alt)


def table(rows: list[dict], caption: str, digits: int = 3):
    """A small table: HTML in a notebook, aligned text elsewhere.

    Parameters
    ----------
    rows : list of dict
        One dict a row, all with the same keys; floats are rounded to ``digits``.
    caption : str
        What the numbers are: data, split, averaging.
    """
    def text(value):
        return f"{value:.{digits}f}" if isinstance(value, (float, np.floating)) else str(value)

    head = list(rows[0]) if len(rows) else []
    lacking = [key for row in rows for key in head if key not in row]
    if not head or lacking:
        raise ValueError(
            f"found {f'a row without {lacking[0]!r}' if lacking else 'no row to show'}, expected "
            "at least one row, each with the first one's keys; add what is missing."
        )
    body = [[text(row[key]) for key in head] for row in rows]
    wide = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    plain = "\n".join([caption] + ["  ".join(w.ljust(n) for w, n in zip(line, wide, strict=True))
                                   for line in [head, *body]])

    def cells(line, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in line) + "</tr>"

    rich = (f"<table><caption>{html.escape(caption)}</caption><thead>{cells(head, 'th')}</thead>"
            f"<tbody>{''.join(cells(line, 'td') for line in body)}</tbody></table>")
    _show({"text/html": rich, "text/plain": plain})


class LiveCurves:
    """Curves that grow while a network trains: ``ck.fit(…, on_epoch=ck.show.LiveCurves())``.

    Called after each epoch with the history so far; the same figure is drawn again in place.
    Without validation samples the training's curves stand alone.
    """

    def __init__(self):
        self.handle = None

    def __call__(self, history):
        done = len(history.train_loss)
        fig, (left, right) = axes(1, 2, (4.2, 3.0))
        loss, name, values = {"training": history.train_loss}, "training", history.train_metric
        if history.valid_loss:
            loss["validation"] = history.valid_loss
            name, values = "validation", history.valid_metric
        metric = {"dice": "Dice", "psnr": "PSNR in dB"}[history.metric]
        losses = ", ".join(f"{which} {line[-1]:.3f}" for which, line in loss.items())
        alt = (f"Curves after {done} epochs. Loss: {losses}. "
               f"{name.capitalize()} {metric}: {values[-1]:.3f}.")
        curves(loss, alt=alt, xlabel="epoch", ylabel="loss", ax=left)
        curves({name: values}, alt=alt, xlabel="epoch",
               ylabel=f"{metric}, mean over images", ax=right)
        if history.metric == "dice":
            right.set_ylim(0, 1)
        self.handle = _show(_card(fig, alt), self.handle)


def pixels(picture: np.ndarray) -> np.ndarray:
    """A picture as 8-bit RGB: what a browser is sent.

    Parameters
    ----------
    picture : ndarray
        Grey (H, W) float or RGB (H, W, 3) float in [0, 1], bool mask, or integer labels, each
        drawn as in :func:`images`; uint8 (H, W, 3) is taken as it is.

    Returns
    -------
    uint8 (H, W, 3)
    """
    picture = np.asarray(picture)
    if picture.shape[2:] == (3,) and picture.dtype == np.uint8:
        return picture
    if picture.ndim == 2 and np.issubdtype(picture.dtype, np.integer):
        picture = colour_labels(picture)
    if picture.ndim not in (2, 3) or picture.shape[2:] not in ((), (3,)) or not picture.size:
        raise ValueError(f"a picture has shape {picture.shape}, expected (H, W) or (H, W, 3).")
    if picture.dtype.kind not in "bf" or picture.max() != picture.max():
        found = "has NaN" if picture.dtype.kind == "f" else f"in colour is {picture.dtype}"
        raise ValueError(
            f"a picture {found}, expected float in [0, 1] or 8-bit colour; bring it there with "
            "cellkit.datasets.scale_image(picture), NaN first with numpy.nan_to_num."
        )
    bytes_ = (np.clip(picture, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return bytes_ if bytes_.ndim == 3 else np.repeat(bytes_[..., None], 3, -1)


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
    alt, frames = _require(alt), [pixels(frame) for frame in frames]
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
    if not 0.34 <= seconds <= 60:
        raise ValueError(
            f"seconds is {seconds}, expected 0.34 to 60; what flashes more than three times a "
            "second can harm people."
        )
    data = _webp(np.concatenate(frames))
    _show({"text/html": _film(data, across, height, count, captions, alt, seconds, width),
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
