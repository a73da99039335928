"""Sentences that follow the numbers above them, so that a lesson is true for whoever reads it."""

from __future__ import annotations

from cellkit_course.plans import profile

#: Under this name an output keeps its claim, for whoever runs the notebook to list.
METADATA = "cellkit_claim"

TOO_SHORT = (
    "*The profile `tiny` trains for seconds, so nothing can be concluded here. "
    "The profile `standard` shows the effect.*"
)


def claim(holds: bool, so: str, otherwise: str, trained: bool = False) -> None:
    """Say what the numbers above show: one sentence if the claim holds, another if not.

    Parameters
    ----------
    holds : bool
        Whether the numbers above bear the claim out.
    so, otherwise : str
        What is said in each case, in markdown.  Both must be true where they are said, and may
        carry the numbers themselves.
    trained : bool
        The claim rests on a training that the profile "tiny" cuts too short: there one line says
        so, and nothing is claimed.
    """
    holds = bool(holds)
    text = TOO_SHORT if trained and profile() == "tiny" else so if holds else otherwise
    _say(text, {METADATA: {"holds": holds, "so": so, "otherwise": otherwise, "said": text}})


def _say(text: str, metadata: dict | None = None) -> None:
    """Show markdown; outside a notebook, print it."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = lambda: None  # noqa: E731
    if get_ipython() is None:
        print(text)
    else:
        display({"text/markdown": text, "text/plain": text}, raw=True, metadata=metadata or {})


def origin(samples) -> None:
    """Say where pictures come from: drawn ones are named as such, with the reason.

    Parameters
    ----------
    samples : Samples
        As :func:`cellkit.read` gives them; ``dataset`` begins with "synthetic" for drawn ones.
    """
    from cellkit.datasets.registry import SOURCES
    from cellkit_course.literature import WORKS

    drawn, name = samples.dataset.startswith("synthetic "), samples.dataset.split()[-1]
    source, work = SOURCES[name], WORKS.get(name)
    paper = f"[{work.short}]({work.link})" if work and work.link else source.owner
    title = source.title.partition(":")[0]
    few = f'ck.download("{name}"{", images=60" if name == "livecell" else ""})'
    if drawn:
        _say(f"**These pictures are drawn**, by code of this course, in the style of {title}. So "
             "you can start at once, without a download, and the truth about every pixel is known. "
             "Nobody photographed or annotated them. What is measured on them holds for them; real "
             f"pictures may behave differently. See real ones in the paper, {paper}. To work on "
             f"them, run `{few}` once (licence: {source.licence}) and this notebook again.")
    else:
        _say(f"**These pictures are real**: {source.title}, by {paper} "
             f"(licence: {source.licence}).")
