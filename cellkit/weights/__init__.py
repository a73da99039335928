"""Trained networks: fp16 safetensors, each beside a card (JSON) that says what it was made of.

``python -m experiments.bundled_weights NAME`` trains a bundled one again.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable
from pathlib import Path

from cellkit.datasets.faults import looks_like
from cellkit.files import replacing

FORMAT = 2
FOLDER = Path(__file__).parent
#: What :func:`load_weights` needs of a card.
NEEDED = {
    "network": str, "config": dict, "sha256": str, "card_sha256": str, "data": list,
}  # fmt: skip
#: What a card must tell besides what :func:`save_weights` adds by itself.
FIELDS = ("data", "metrics", "minutes", "command")


def available() -> list[str]:
    """The names of the bundled networks."""
    return sorted(file.stem for file in FOLDER.glob("*.safetensors"))


def card(name) -> dict:
    """What is known of trained weights.

    Parameters
    ----------
    name : str or path
        A bundled network's name, or a ``.safetensors`` file that has its card beside it.

    Returns
    -------
    dict
        "data": a list of dicts with "name", "licence" and "images" (their names); "metrics";
        "minutes" of training; "command" that repeats it; "network" and "config" that rebuild the
        network; "seen", what the pictures it was trained on are like, see
        :func:`cellkit.scale.seen_in`; "version" of cellkit; "sha256" of the weights,
        "card_sha256" of all the rest of the card.
    """
    return _read(name)[0]


def load_weights(name, samples=None, device: str = "auto"):
    """A trained network, ready to predict.

    Parameters
    ----------
    name : str or path
        As in :func:`card`.
    samples : sequence of Sample or of names, optional
        What it is going to be scored on: warns if it was trained on any of them.
    device : str
        Where to put it, see :func:`cellkit.device.pick_device`.

    Returns
    -------
    Module
        In evaluation mode; ``net.card`` is its card.

    Raises
    ------
    FileNotFoundError, ValueError
        Missing, damaged, of another version or architecture; nothing in a file is ever run.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    from cellkit.device import pick_device
    from cellkit.networks import rebuild

    known, file = _read(name)
    data = file.read_bytes()
    try:
        weights = load(data)
    except SafetensorError as error:
        what = f"is {found}" if (found := looks_like(data[:64])) else (
            f"is cut off, damaged, or no safetensors file ({len(data):,} bytes)"
        )  # fmt: skip
        raise ValueError(
            f"{file} {what}; install cellkit again, or copy the file again."
        ) from error
    if hashlib.sha256(data).hexdigest() != known["sha256"]:
        raise ValueError(
            f"{file} is not the file that its card {file.with_suffix('.json').name} describes "
            "(their sha256 differ); copy both again, from the same place."
        )
    # Before a network is built that no memory holds: channels have rows, and double with depth.
    most = max((side for value in weights.values() for side in value.shape), default=0)
    for key, bound in (("width", most), ("depth", most.bit_length())):
        if isinstance(size := known["config"].get(key), int) and size > bound:
            raise ValueError(
                f"{file.with_suffix('.json')} describes a network with a {key} of {size:,}, of "
                "which its weights have nothing; copy both files again, from the same place."
            )
    net = rebuild(known["network"], known["config"], weights, file)
    net.card, net.seen = known, known.get("seen", {})
    if samples is not None:
        check_unseen(known, samples)
    return net.to(pick_device(device)).eval()


def save_weights(net, path, card: dict) -> Path:
    """Write a network as fp16 and its card beside it; older files stay until both are written.

    Parameters
    ----------
    net : Module
        With ``config``, like :class:`cellkit.UNet`.
    path : path
        Ends in ".safetensors".
    card : dict
        At least :data:`FIELDS`, see :func:`card`.  What it says of the network and the file is
        replaced by what they are.
    """
    import torch
    from safetensors.torch import save

    import cellkit
    from cellkit.networks import BUILDERS

    if type(net).__name__ not in BUILDERS:
        raise TypeError(f"net is {type(net).__name__}, expected one that can be built again: "
                        f"{', '.join(BUILDERS)}; keep others with torch.save(net.state_dict(), "
                        "path).")
    if not isinstance(card, dict):
        raise TypeError(f"card is {card!r}, expected a dict with {', '.join(FIELDS)}.")
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"the weights' path is {path}, expected one that ends in .safetensors.")
    missing = [key for key in FIELDS if key not in card]
    if missing:
        raise ValueError(f"the card lacks {', '.join(missing)}; say what the network is made of.")
    weights = {}
    for key, value in net.state_dict().items():
        value = value.detach().cpu().contiguous()
        if value.is_floating_point() and torch.isfinite(value.half()).all():
            value = value.half()  # beyond 65504 float32 stays
        weights[key] = value
    data = save(weights)
    own = {"format": FORMAT, "version": cellkit.__version__, "network": type(net).__name__,
           "config": net.config, **({"seen": seen} if (seen := getattr(net, "seen", None)) else {})}
    # Its place comes first, and its word last.
    full = {**own, **card, **own, "sha256": hashlib.sha256(data).hexdigest()}
    try:
        text = json.dumps(sealed(full), indent=1, ensure_ascii=False) + "\n"
    except TypeError as error:
        raise TypeError(f"the card holds what JSON cannot ({error}), expected strings, numbers, "
                        "lists and dicts; convert it, e.g. with float or list.") from error
    _check(json.loads(text), "the card")
    with replacing(path) as one, replacing(path.with_suffix(".json")) as other:
        one.write_bytes(data)
        other.write_text(text, encoding="utf-8", newline="\n")
    return path


def sealed(card: dict) -> dict:
    """A card with the hash of everything else in it: who changes one word must write it anew."""
    rest = {key: value for key, value in card.items() if key != "card_sha256"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True)
    return {**rest, "card_sha256": hashlib.sha256(text.encode()).hexdigest()}


def check_unseen(card: dict, samples: Iterable) -> None:
    """Warn if a network was trained on what it is to be scored on.

    Parameters
    ----------
    card : dict
        ``net.card`` or ``card(name)``.
    samples : sequence of Sample or of names
    """
    names = getattr(samples, "names", None) or [getattr(s, "name", s) for s in samples]
    seen = {image for part in card["data"] for image in part["images"]}
    shared = [name for name in names if name in seen]
    if shared:
        warnings.warn(
            f"the network was trained on {len(shared)} of these {len(names)} images "
            f"({', '.join(shared[:3])}{' ...' if len(shared) > 3 else ''}): a score on them says "
            "nothing about new images; leave them out.", stacklevel=3)


def _check(known: dict, where) -> None:
    wrong = [key for key, kind in NEEDED.items() if not isinstance(known.get(key), kind)]
    if not wrong and not all(isinstance(part, dict) and isinstance(part.get("images"), list)
                             for part in known["data"]):
        wrong = ["data"]
    if wrong:
        raise ValueError(
            f"{where} has {wrong[0]} {known.get(wrong[0])!r}, expected what cellkit.weights.card "
            "describes; copy it again, or write it with save_weights."
        )


def _read(name) -> tuple[dict, Path]:
    if not isinstance(name, (str, os.PathLike)):
        raise TypeError(f"name is {name!r}, expected one of {', '.join(available())}, or the path "
                        "of a .safetensors file.")
    bundled = isinstance(name, str) and not name.endswith(".safetensors")
    file = FOLDER / f"{name}.safetensors" if bundled else Path(name)
    beside = file.with_suffix(".json")
    for needed in (file, beside):
        if not needed.is_file():
            raise FileNotFoundError(
                f"no {needed.name} in {needed.parent}; expected "
                + (f"one of the bundled networks: {', '.join(available()) or 'none yet'}."
                   if bundled else "the .safetensors file and its .json card beside each other.")
            )
    try:
        known = json.loads(beside.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{beside} is cut off or damaged ({error}); copy it again.") from error
    if not isinstance(known, dict) or known.get("format") != FORMAT:
        found = known.get("format") if isinstance(known, dict) else None
        raise ValueError(
            f"{beside} has card format {found}, this version reads {FORMAT}; "
            "install the version of cellkit that wrote it, or train anew."
        )
    _check(known, beside)
    if sealed(known) != known:
        raise ValueError(
            f"{beside} was changed by hand or is damaged (its card_sha256 is another); copy it "
            "again, or write it with save_weights."
        )
    return known, file
