"""Training states on disk: written whole or not at all, and read without running any code.

A file is a line with the format, a line with the SHA-256 of the rest, and what ``torch.save`` makes
of the state: tensors, numbers, strings, lists and dicts.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path

import torch

from cellkit.files import replacing
from cellkit.networks import rebuild

MAGIC = b"cellkit checkpoint 2\n"


def save(path, state: dict) -> None:
    """Write a state; an older file stays until the new one is whole.

    Raises
    ------
    OSError
        Where it cannot be written: no space, no permission.
    """
    body = io.BytesIO()
    torch.save(state, body)
    body = body.getbuffer()
    with replacing(path) as part, open(part, "wb") as file:
        file.write(MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n")
        file.write(body)


def read(path) -> dict:
    """What :func:`save` wrote.  Nothing in the file is ever run."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}; give the file that fit wrote.")
    with open(path, "rb") as file:
        magic, digest = file.read(len(MAGIC)), file.read(65)
        body = file.read()
    if magic != MAGIC:
        raise ValueError(
            f"{path} is no cellkit checkpoint of this version: it holds something else, perhaps "
            "code, which is never run; give a file that this version's cellkit.fit wrote, or "
            "train anew."
        )
    if hashlib.sha256(body).hexdigest().encode() != digest[:-1]:
        raise ValueError(
            f"{path} is cut off or damaged, expected a whole checkpoint; "
            "copy it again, or train anew."
        )
    try:
        state = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} holds something else than weights and numbers, perhaps code, which is never "
            "run; give a file that cellkit.fit wrote."
        ) from error
    expect(state, path, "network", "config", "best")
    return state


def expect(state: dict, path, *keys: str) -> None:
    """Refuse a state that lacks something."""
    lacks = [key for key in keys if not isinstance(state, dict) or key not in state]
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
        and use ``net.load_state_dict(ck.checkpoints.read(path)["best"])``.
    """
    state = read(path)
    if state["best"] is None:
        raise ValueError(f"{path} holds no finished epoch; go on with cellkit.fit(resume=True).")
    if state["config"] is None:
        raise ValueError(
            f"{path} holds weights of a {state['network']} that cellkit cannot build; build it "
            "yourself and fill it with ck.checkpoints.read(path)['best']."
        )
    net = rebuild(state["network"], state["config"], state["best"], path).eval()
    net.seen = state.get("history", {}).get("seen", {})
    return net
