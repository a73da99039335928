"""How something to look at leaves Python: with its text alternative, or as text alone."""

from __future__ import annotations

import html


def require_alt(alt: str) -> str:
    """The text alternative on one line; refused where it says nothing."""
    if not isinstance(alt, str) or len(alt.strip()) < 10:
        raise ValueError(
            f"alt is {alt!r}; a figure needs a text alternative of a sentence that says what there "
            "is to see, e.g. alt='Left the image, right its mask: the cells cover about half'."
        )
    return " ".join(alt.split())


def picture_bundle(data: str, alt: str) -> tuple[dict, dict]:
    """A picture's MIME bundle and its metadata.

    Parameters
    ----------
    data : str
        The PNG file in base 64.
    alt : str

    Returns
    -------
    bundle, metadata : dict
        As HTML for browsers; as PNG, its text alternative in the metadata, for whatever makes a
        PDF or shows no HTML; and as text.
    """
    return {
        "text/html": f'<img alt="{html.escape(alt, quote=True)}" class="cellkit-figure" '
        'style="max-width:100%;height:auto;box-sizing:border-box;background:#fff;padding:4px;'
        f'border-radius:4px" src="data:image/png;base64,{data}">',
        "image/png": data,
        "text/plain": f"[Figure: {alt}]",
    }, {"image/png": {"alt": alt}}


def send(bundle: dict, metadata: dict | None = None, handle=None):
    """Display a MIME bundle in a notebook, or print its text.

    Returns
    -------
    DisplayHandle or None
        In a notebook; given back as ``handle`` it makes the new output take the old one's place.
    """
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = lambda: None  # noqa: E731
    if get_ipython() is None:
        print(bundle["text/plain"])
        return None
    if handle is not None:
        handle.update(bundle, raw=True, metadata=metadata)
        return handle
    # An id makes Colab and JupyterLab able to replace the output; without one nothing is returned.
    return display(bundle, raw=True, metadata=metadata, display_id=True)
