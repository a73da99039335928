"""What counts as the same answer: the one rule that checks and hidden tests share.

- A *number* may be Python's, numpy's, a Fraction's or a tensor's of one value, of any type.
- *Numbers* or *words* may stand in a tuple, a list, an array or a tensor.  Words may begin with a
  capital.
- An *array* is numpy's, a *tensor* torch's; the shape is the task's.  Where the task names a type
  (float32, int32, bool), it is that type; else any floating type will do.  A tensor lies on the
  device of what was given.
- Numbers lie at most :data:`TOLERANCE` apart, absolutely or relatively: float32 is exact enough.
  NaN equals nothing but NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellkit_course.guard import Outcome, call
from cellkit_course.presenting import SMALL, family, present, safe

TOLERANCE = 2e-5


@dataclass(frozen=True)
class Fault:
    """What came out of a case, what was expected, and a hint if the mistake is known."""

    came: str
    wanted: str
    hint: str = ""


def numbers(value, count: int) -> list[float] | None:
    """``count`` numbers of a tuple, list, array or tensor as floats; None if it is none such."""
    items = _items(value, count)
    if items is None or any(family(v) != "number" or isinstance(v, (bool, np.bool_))
                            for v in items):
        return None
    return [float(v) for v in items]


def words(value, count: int) -> list[str] | None:
    """``count`` words of a tuple, list or array in small letters; None if it is none such."""
    items = _items(value, count)
    if items is None or not all(isinstance(v, str) for v in items):
        return None
    return [v.strip().lower() for v in items]


def _items(value, count):
    if family(value) in ("array", "tensor"):
        value = value.tolist()
    if not isinstance(value, (tuple, list)) or len(value) != count:
        return None
    return value


def difference(value, wanted, tolerance=TOLERANCE, dtype: str | None = None) -> Fault | None:
    """What sets a value apart from the wanted one: kind, shape, type, then the numbers.

    Parameters
    ----------
    value, wanted
        The rule stands at the head of this module.
    tolerance : float
        Absolute and relative.
    dtype : str, optional
        The type that the task names, e.g. "float32".  Without it, whole numbers and bools keep the
        type of ``wanted``, and any floating type is as good as another.
    """
    kind = family(wanted)
    if kind == "number":
        return _number_difference(value, wanted, tolerance)
    if kind not in ("array", "tensor"):
        return None if value == wanted else Fault(present(value), present(wanted))
    if family(value) != kind:
        found = f"a {type(value).__name__}"
        return Fault(f"{found}: {present(value)}", f"{_a(kind)}: {present(wanted)}",
                     f"the answer must be {_a(kind)}, it is {found}")
    if kind == "tensor":
        if value.device.type != wanted.device.type:
            return Fault(f"a tensor on {value.device}", f"a tensor on {wanted.device}",
                         "the answer lies on another device than the input: move it back")
        value, wanted = value.detach().cpu().numpy(), wanted.detach().cpu().numpy()
    if value.shape != wanted.shape:
        hint = ""
        if sorted(value.shape) == sorted(wanted.shape) and value.ndim > 1:
            hint = "the axes are in another order: rows come first, then columns"
        elif value.ndim != wanted.ndim:
            hint = f"the answer has {_axes(value)}, it must have {_axes(wanted)}"
        return Fault(f"shape {value.shape}", f"shape {wanted.shape}", hint)
    stated = dtype or ("any" if wanted.dtype.kind == value.dtype.kind == "f" else wanted.dtype.name)
    if stated not in ("any", value.dtype.name):
        return Fault(f"numbers of type {value.dtype.name}", f"numbers of type {stated}",
                     f"the type is {value.dtype.name}, it must be {stated}: convert the answer")
    off = ~np.isclose(value, wanted, rtol=tolerance, atol=tolerance, equal_nan=True)
    if not off.any():
        return None
    nan = np.isnan(value) & ~np.isnan(wanted) if value.dtype.kind in "fc" else np.zeros(1, bool)
    hint = ("the answer holds NaN: somewhere zero was divided by zero, or a logarithm was taken "
            "of zero") if nan.any() else ""
    came, expected = present(value), present(wanted)
    if value.size > SMALL:
        at = tuple(int(i) for i in np.argwhere(off)[0])
        came += f"; {off.sum()} of {off.size} values differ, the first at {at}: {value[at]:.6g}"
        expected += f"; at {at}: {wanted[at]:.6g}"
    return Fault(came, expected, hint)


def renamed(came, wanted) -> str:
    """What became of the numbers, where a label map has the right cells under other ones; or ""."""
    if getattr(came, "shape", None) != wanted.shape or np.array_equal(came, wanted):
        return ""
    pairs = {(int(a), int(b)) for a, b in zip(wanted.ravel(), came.ravel(), strict=True)}
    cells = dict(pair for pair in pairs if pair[0])
    if len(pairs) > len({a for a, _ in pairs}) or len(cells) < 2:
        return ""  # one cell has several numbers now
    if len(set(cells.values())) == 1:
        return "the cells have lost their numbers: this is a mask; a label map tells cells apart"
    if all(new == old % 256 for old, new in cells.items()):
        return "8 bits hold no number above 255, so cells with larger ones become others"
    if len(set(cells.values())) == len(cells):
        return "the cells are there, under other numbers: each keeps the number that it had"
    return ""


def _number_difference(value, wanted, tolerance):
    expected = present(wanted)
    if isinstance(value, str):
        return Fault(present(value), expected, "the answer is a text: leave out the quotes")
    if family(value) != "number":
        one = getattr(value, "size", 0) == 1 and isinstance(value, np.ndarray)
        return Fault(present(value), expected, "this is an array with one value: take the value "
                     "out of it" if one else "the answer must be a single number")
    number, wanted = float(value), float(wanted)  # also of tensors that know their gradient
    if np.isnan(number):
        return Fault("NaN (not a number)", expected,
                     "somewhere zero was divided by zero: treat that case first")
    room = tolerance * max(1, abs(wanted)) if np.isfinite(wanted) else 0  # next to infinity: none
    if number == wanted or abs(number - wanted) <= room:
        return None
    return Fault(present(number), expected)


def _a(kind):
    return "a numpy array" if kind == "array" else "a tensor"


def _axes(array):
    return f"{array.ndim} {'axis' if array.ndim == 1 else 'axes'}"


def alike(a: Outcome, b: Outcome, tolerance: float = TOLERANCE / 2, quiet: bool = True) -> bool:
    """Whether two calls came to the same: the same error, or values (if quiet, warnings, too)."""
    if a.late or b.late or (a.error is None) != (b.error is None):
        return a.late and b.late
    if a.error is not None:
        return type(a.error) is type(b.error) and safe(str, a.error) == safe(str, b.error)
    if a.changed != b.changed or quiet and bool(a.warned) != bool(b.warned):
        return False
    return call(lambda: _equal(a.value, b.value, tolerance), ()).value is True


def _equal(a, b, tolerance):
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        return (isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b)
                and all(_equal(*pair, tolerance) for pair in zip(a, b, strict=True)))
    if isinstance(a, str) or isinstance(b, str) or family(a) != family(b):
        return type(a) is type(b) and bool(a == b)
    if family(a) == "number" and not (np.isfinite(float(a)) and np.isfinite(float(b))):
        return str(float(a)) == str(float(b))
    return difference(a, b, tolerance) is None


def share_fault(value, percent: str, negative: str) -> Fault | None:
    """What keeps a guess from being one number between 0 and 1, with hints for the two bounds."""
    wanted = "a number between 0 and 1"
    if isinstance(value, str):
        return Fault(present(value), wanted, "the guess is a text: leave out the quotes")
    if isinstance(value, (tuple, list, dict, set)) or family(value) in ("array", "tensor"):
        return Fault(present(value), wanted, "make up your mind: one number, not several")
    if family(value) != "number" or isinstance(value, (bool, np.bool_)):
        hint = "a function is no number: call it" if callable(value) else (
            "the guess is still to be written" if value is ... else "this is no number")
        return Fault(present(value), wanted, hint)
    if np.isnan(float(value)):
        return Fault(present(value), wanted, "NaN is no number: somewhere zero was divided by zero")
    if not 0 <= float(value) <= 1:
        return Fault(present(value), wanted, percent if float(value) > 1 else negative)
    return None
