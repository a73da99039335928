"""Training states on disk: written whole or not at all, and read without running any code."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch

from cellkit.files import replacing
from cellkit.networks import rebuild

FORMAT = 1


def save(path, state: dict) -> None:
    """Write tensors, numbers, strings, lists and dicts; an older file stays until it is done."""
    with replacing(path) as part:
        torch.save({"cellkit_checkpoint": FORMAT, **state}, part)


def read(path) -> dict:
    """What :func:`save` wrote.  Nothing in the file is ever run."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}; give the file that fit wrote.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} is no cellkit checkpoint: it holds something else than weights and numbers, "
            "perhaps code, which is never run; give a file that cellkit.fit wrote."
        ) from error
    except Exception as error:  # torch has as many for damaged files as there are ways to damage
        raise ValueError(
            f"{path} is cut off or damaged, expected a whole checkpoint; "
            "copy it again, or train anew."
        ) from error
    if not isinstance(state, dict) or state.get("cellkit_checkpoint") != FORMAT:
        found = state.get("cellkit_checkpoint", "none") if isinstance(state, dict) else "none"
        raise ValueError(
            f"{path} has checkpoint format {found}, expected {FORMAT}; give a file that this "
            "version's cellkit.fit wrote, or train anew."
        )
    expect(state, path, "network", "config", "best")
    return state


def expect(state: dict, path, *keys: str) -> None:
    """Refuse a state that lacks something."""
    lacks = [key for key in keys if key not in state]
    if lacks:
        raise ValueError(
            f"{path} has no {', '.join(lacks)}, expected a whole checkpoint; give a file that "
            "cellkit.fit wrote, or train anew."
        )


def load(path):
    """The network of a checkpoint, with its best weights, in evaluation mode.

    Parameters
    ----------
    path : path
        What ``cellkit.fit(..., checkpoint=path)`` wrote.  For a network of one's own, build it
        and use ``net.load_state_dict(cellkit.train.checkpoints.read(path)["best"])``.
    """
    state = read(path)
    if state["config"] is None:
        raise ValueError(
            f"{path} holds weights of a {state['network']} that cellkit cannot build; build it "
            "yourself and fill it with cellkit.train.checkpoints.read(path)['best']."
        )
    return rebuild(state["network"], state["config"], state["best"], path).eval()
