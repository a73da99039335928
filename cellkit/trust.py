"""Trust: how sure a network is of its answer, and whether a picture is like those it knows.

A network answers any picture, and is as sure of nonsense as of cells.  So two things are asked: how
near its answers lie to "perhaps", and whether the picture looks like its training at all.
"""

from __future__ import annotations

import numpy as np

from cellkit import checks
from cellkit.inference import predict
from cellkit.looks import apart, looks, middle
from cellkit.metrics import dice
from cellkit.scale import factor, known_looks, proposal, resized, seen_of
from cellkit.tiles import checked, maps_of

SIDE = 256  # of the middle of a picture that is asked about twice, in pixels
#: Which numbers of :func:`cellkit.looks.looks`, what is said of more of it, and of less.
WORDS = (
    (slice(0, 2), "it is sharper or noisier", "it is less sharp"),
    (slice(2, 4), "it has more details of 4 to 8 pixels", "it has fewer details of 4 to 8 pixels"),
    (slice(4, 8), "its light changes more from place to place", "its light is more even"),
    (slice(8, 9), "more of it is bright on a dark ground", "more of it is dark on a bright ground"),
    (slice(9, 10), "it has more colour", "it has less colour"),
)  # fmt: skip


def doubt(net, image: np.ndarray, *, turns: int = 4, **how) -> np.ndarray:
    """How far a network is from sure at each pixel, asked with the image turned and flipped.

    Parameters
    ----------
    net, image, turns, **how
        As for :func:`cellkit.predict`.

    Returns
    -------
    ndarray, float32, (H, W)
        0: sure; 1: as likely cell as background.  Of the mean of all views, so that it is also
        large where each is sure and they contradict each other.
    """
    return unsure(predict(net, image, turns=turns, **how))


def unsure(foreground: np.ndarray) -> np.ndarray:
    """The doubt in a map of foreground that is there already: 1 at 0.5, 0 at 0 and 1."""
    return 1 - abs(2 * foreground - 1)


def cell_doubt(doubt: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean doubt in each cell: float32, number k - 1 for cell k; NaN where there is none."""
    doubt, labels = checks.plane("the doubt", doubt), checks.labels("labels", labels)
    checks.same_shape("labels", labels.shape, "the doubt", doubt.shape, "take both of one image")
    size = np.bincount(labels.ravel())[1:]
    total = np.bincount(labels.ravel(), doubt.ravel())[1:]
    return np.divide(total, size, out=np.full(len(size), np.nan), where=size > 0).astype(np.float32)


def unlike(net, image: np.ndarray, *, scale: float | str = 1.0,
           cell_size: float | None = None) -> list[str]:
    """What makes a picture unlike those that a network was trained on, in plain sentences.

    Parameters
    ----------
    net, image, scale, cell_size
        As for :func:`cellkit.predict`; the middle of the picture is looked at.

    Returns
    -------
    list of str
        Empty for a picture like those of its training: the limit lets 19 of 20 pass of those that
        it was set by, and of new ones 14 of 16 did (docs/results).  Empty, too, for a network of
        which nobody knows what it was trained on.
    """
    image = checked(image)
    known = known_looks(net)
    if known is None:
        return []
    seen = resized(image, factor(net, lambda: proposal(net, image).scale, scale, cell_size))
    scales, _, rows, limit = known
    rows, look = rows[scales == 1], looks(seen)
    far, said = apart(look, rows), []
    if far.min() > limit:
        gap = look - rows[far.argmin()]
        most = sorted(WORDS, key=lambda word: -abs(gap[word[0]]).mean())
        how = [more if gap[which].mean() > 0 else less for which, more, less in most
               if abs(gap[which].mean()) > 0.3]
        said.append(f"It looks unlike what this network was trained on ({far.min() / limit:.1f} "
                    f"times the usual difference){': ' if how else ''}{'; '.join(how[:3])}.")
        best = proposal(net, image) if scale == 1 and cell_size is None else None
        if best and best.sure and best.scale != 1:
            said.append(best.words)
    least = seen_of(net).get("agreement")
    if least and (found := agreement(net, seen)) < least:
        said.append(f"Turned upside down it gives other cells: the two masks agree by a Dice of "
                    f"{found:.2f}, usual are {least:.2f} and more.")
    return said


def agreement(net, image: np.ndarray) -> float:
    """Dice of what a network finds in the middle of a picture, and in the same upside down."""
    part = np.ascontiguousarray(middle(image, SIDE))
    masks = [maps_of(net, np.ascontiguousarray(one)).get("foreground") for one in
             (part, part[::-1, ::-1])]
    if masks[0] is None:
        return 1.0
    return float(dice(masks[0] > 0.5, masks[1][::-1, ::-1] > 0.5))
