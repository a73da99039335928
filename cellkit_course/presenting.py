"""How values and errors are shown to a reader, whatever they are."""

from __future__ import annotations

import linecache
import numbers
import traceback
from decimal import Decimal

import numpy as np

from cellkit_course.guard import call


def family(value) -> str:
    """ "number", "array", "tensor" or the name of the type."""
    kinds = (bool, numbers.Real, Decimal, np.generic)
    if isinstance(value, kinds) and not isinstance(value, np.str_):
        return "number"
    shape = getattr(value, "shape", None)
    if isinstance(value, np.ndarray):
        return "array" if shape else "number"
    if hasattr(value, "detach") and hasattr(value, "device"):
        return "tensor" if shape else "number"
    return type(value).__name__


SMALL = 60  # arrays up to this many values are shown in full


def present(value) -> str:
    """A value for a reader: small arrays in full, large ones by shape, type and range."""
    text = safe(_present, value)
    return text if len(text) <= 900 else text[:900] + " …"


def _present(value):
    if isinstance(value, float):
        return f"{value:.6g}"
    kind = family(value)
    if kind == "number":
        text = f"{value.item():.6g}" if hasattr(value, "item") else str(value)
        return f"tensor({text})" if hasattr(value, "detach") else text
    if kind == "tensor":
        if value.device.type != "cpu":
            return f"a tensor on {value.device} of shape {tuple(value.shape)}"
        return "tensor, " + _array(value.detach().numpy())
    if kind == "array":
        return _array(value)
    if isinstance(value, (list, tuple)) and value and family(value[0]) in ("array", "tensor"):
        inside = "\n".join(_present(v) for v in value[:4])
        return f"a {kind} of {len(value)}:\n{inside}" + ("\n…" if len(value) > 4 else "")
    if isinstance(value, (list, tuple)) and len(value) > 12:
        return f"a {kind} of {len(value)}: {value[0]!r}, {value[1]!r}, …"
    return repr(value)


def _array(value):
    head = f"{value.dtype} {value.shape}"
    if value.size <= SMALL and value.ndim <= 4:
        shown = value.astype(int) if value.dtype == bool else value
        body = np.array2string(shown, precision=4, suppress_small=True, max_line_width=96)
        return f"{head}:\n{body}" if value.ndim > 1 else f"{head}: {body}"
    if value.dtype == bool:
        return f"{head}, {value.sum()} of {value.size} true"
    return f"{head}, values {value.min():.6g} to {value.max():.6g}"


def safe(show, value) -> str:
    """``show(value)``, whatever a stranger's object does when it is looked at."""
    text = call(lambda: str(show(value)), ()).value
    return f"a {type(value).__name__}" if text is None else text


def sentence(text: str) -> str:
    """The text with the full stop it may lack."""
    return text if text.endswith((".", "?", "!", "…")) else text + "."


def code_of(function):
    """The code a student wrote, also below a decorator; None where there is none to see."""
    return getattr(getattr(function, "__wrapped__", function), "__code__", None)


def where_it_broke(function, error) -> str:
    """An error as one line: its kind, its message and the student's line that raised it."""
    text = f"{type(error).__name__}: {safe(str, error)}"[:300]
    code = code_of(function)
    lines = [
        number for frame, number in traceback.walk_tb(error.__traceback__)
        if code is not None and frame.f_code.co_filename == code.co_filename
    ]
    if lines:
        source = linecache.getline(code.co_filename, lines[-1]).strip()
        text += f" (in line {lines[-1]}{': ' + source if source else ''})"
    return text
