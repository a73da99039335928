"""Pictures with a scale bar."""

from __future__ import annotations

import numpy as np

#: Micrometres a pixel.  LIVECell: 10× on an Incucyte S3, 704 × 520 pixels = 873 × 645 µm; GlaS: 20×
#: (Sirinukunwattana et al. 2017); EPFL: its page; ISBI 2012: Arganda-Carreras et al. 2015.
PIXEL = {"livecell": 1.24, "glas": 0.62, "epfl": 0.005, "isbi2012": 0.004}


def with_scale(picture: np.ndarray, dataset: str = "livecell", length: float = 50) -> np.ndarray:
    """A copy of a picture with a scale bar in its lower left corner.

    Parameters
    ----------
    picture : ndarray
        (H, W) or (H, W, 3), [0, 1].
    dataset : str
        Decides the size of a pixel; drawn pictures are drawn to the real ones' scale, so
        "synthetic livecell" is "livecell".
    length : float
        Of the bar, µm.

    Raises
    ------
    ValueError
        For a data set whose pixel size is not known.
    """
    name = dataset.removeprefix("synthetic ")
    if name not in PIXEL:
        raise ValueError(f"no pixel size is known for {dataset!r}, only for {', '.join(PIXEL)}.")
    marked = np.array(picture, copy=True)
    rows = marked.shape[0]
    wide, edge = round(length / PIXEL[name]), max(4, rows // 40)
    thick = max(3, rows // 60)
    bottom, left = rows - edge, edge
    marked[bottom - thick - 1:bottom + 1, left - 1:left + wide + 1] = 0
    marked[bottom - thick:bottom, left:left + wide] = 1
    return marked
