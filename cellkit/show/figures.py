"""Figures in one style, on a white card, so that they read the same in light and dark mode."""

from __future__ import annotations

import base64
import io
from contextlib import contextmanager

import numpy as np

from cellkit.show.output import picture_bundle, require_alt, send
from cellkit.show.overlays import Legend, colour_labels
from cellkit.show.palette import BLUE, LINES, rgb


@contextmanager
def _own_style():
    """Matplotlib's own style, whatever the reader has chosen (``dark_background``, say)."""
    import matplotlib
    from matplotlib import style

    with matplotlib.rc_context(), style.context("default"):
        yield


def axes(rows: int = 1, columns: int = 1, size: tuple[float, float] = (4.0, 3.0)):
    """An empty figure in the course's style: (figure, array of axes), each ``size`` inches."""
    from matplotlib.figure import Figure  # not pyplot: nothing may pop up or pile up

    with _own_style():
        figure = Figure(figsize=(columns * size[0], rows * size[1]), facecolor="white",
                        layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False)
    for ax in grid.flat:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, grid[0, 0] if rows * columns == 1 else grid.squeeze()


def _card(figure, alt: str) -> tuple[dict, dict]:
    _dark_on_white(figure)
    buffer = io.BytesIO()
    with _own_style():
        figure.savefig(buffer, format="png", dpi=100, facecolor="white")
    return picture_bundle(base64.b64encode(buffer.getvalue()).decode(), alt)


def _dark_on_white(figure):
    """Words, legends and axes that took a dark style's white become black again."""
    import matplotlib
    from matplotlib.colors import to_rgb
    from matplotlib.text import Text

    chosen = to_rgb(matplotlib.rcParams["text.color"])
    if chosen == (0, 0, 0):
        return
    for text in figure.findobj(Text):
        if to_rgb(text.get_color()) == chosen and not text.get_bbox_patch():
            text.set_color("black")
    for ax in figure.axes:
        ax.set_facecolor("white")
        if ax.get_legend():
            ax.get_legend().get_frame().set_facecolor("white")


def figure(fig, alt: str) -> None:
    """Show a matplotlib figure with its text alternative (outside a notebook, print the text).

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    alt : str
        What there is to see, in a sentence or two.
    """
    send(*_card(fig, require_alt(alt)))


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
        A line below all pictures; a :func:`legend_of_compare` gets its swatches.
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
    below = len(caption.marks) if isinstance(caption, Legend) else bool(caption)
    words = 0.1 + 0.25 * lines + 0.25 * below  # inches
    fig, grid = axes(rows, columns, (size, size * min(tallest, 1.5) + words))
    for ax in np.ravel(grid):
        ax.axis("off")
        ax.set_anchor("N")  # or a title of several lines is pushed out at the top
    for i, (ax, picture) in enumerate(zip(np.ravel(grid), pictures, strict=False)):
        if picture.ndim == 2 and np.issubdtype(picture.dtype, np.integer):
            picture = colour_labels(picture)
        low, high = limits or (None, None)
        if picture.dtype == bool:
            low, high = 0, 1
        ax.imshow(picture, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        if i < len(titles):
            ax.set_title(titles[i], fontsize=10)
    if isinstance(caption, Legend):
        _swatches(fig, caption)
    elif caption:
        fig.supxlabel(caption, fontsize=9, wrap=True)
    figure(fig, alt)


def _swatches(fig, legend: Legend):
    """The legend's colours and stripes below the pictures, each with its meaning."""
    from matplotlib.patches import Patch

    with _own_style():
        marks = [Patch(facecolor=rgb(mark.colour), edgecolor=mark.stripes or mark.colour,
                       hatch={0: "", 1: "\\\\\\\\", -1: "////"}[mark.slope],
                       label=f"{mark.name}: {mark.meaning}")
                 for mark in sorted(legend.marks, key=lambda mark: bool(mark.stripes))]
        wide = fig.get_size_inches()[0] >= 8
        fig.legend(handles=marks, loc="outside lower center", fontsize=9, frameon=False,
                   ncols=len(marks) if wide else 1, handlelength=2.5, handleheight=1.2)


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
    if x is None and not any(isinstance(values, tuple) for values in series.values()):
        ax.xaxis.get_major_locator().set_params(integer=True)  # there is no epoch 1.5
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
               ylabel=f"{name} {metric}", title="mean over pictures", ax=right)
        if history.metric == "dice":
            right.set_ylim(0, 1)
        self.handle = send(*_card(fig, alt), self.handle)
