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
    record = {"holds": holds, "so": so, "otherwise": otherwise, "said": text}
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = lambda: None  # noqa: E731
    if get_ipython() is None:
        print(text)
    else:
        display({"text/markdown": text, "text/plain": text}, raw=True,
                metadata={METADATA: record})
