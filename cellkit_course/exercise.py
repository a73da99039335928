"""What an exercise is, and how an answer is judged: right, not attempted yet, or wrong and why."""

from __future__ import annotations

import dis
import inspect
import linecache
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from cellkit_course.guard import SECONDS, Outcome, call, has_time_limit

RIGHT, BLANK, WRONG = "right", "not attempted yet", "wrong"


@dataclass(frozen=True)
class Case:
    """One input that an answer is tried on, and what is special about it."""

    about: str
    args: tuple = ()


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people really give, and the hint meant for it."""

    function: Callable
    hint: str


@dataclass(frozen=True)
class Fault:
    """What came out of a case, what was expected, and a hint if the mistake is known."""

    came: str
    wanted: str
    hint: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a check says."""

    status: str  # RIGHT, BLANK or WRONG
    remark: str = ""  # for a prediction: how it compares with what was measured
    case: str = ""
    given: str = ""
    fault: Fault | None = None
    printed: str = ""  # what the answer printed on that case


@dataclass(frozen=True)
class Exercise:
    """An exercise: its cases, a right answer, and the wrong ones that get a hint.

    Attributes
    ----------
    name, lesson : str
        The name that ``check`` knows, and the notebook it stands in.
    kind : {"write", "bug", "predict", "tune"}
        Write a function; find the planted bug; predict, then run; tune to beat a baseline.
    points, minutes : number
    answer : callable
        A right answer: cellkit's, with which a lesson goes on if the student's is not right.
    cases : callable
        ``cases(*shown)``: the cases, smallest first, made afresh.  ``shown`` is what the notebook
        gave the check besides the answer, e.g. the picture a prediction is about.
    judge : callable
        ``judge(case, outcome, again)`` → :class:`Fault` or None; ``again(*args)`` calls the answer
        once more.  None: compare with what ``answer`` gives, see :func:`difference`.
    tolerance : float
        How far numbers may lie apart where ``judge`` is None.
    seconds : float
        What one call of an answer may take.
    others : tuple of callable
        Further right answers, of another kind; the tests run them.
    mistakes : tuple of Mistake
    remark : callable, optional
        ``remark(outcome, *shown)`` → a sentence shown with a right answer.
    """

    name: str
    lesson: str
    kind: str
    points: float
    minutes: int
    answer: Callable
    cases: Callable
    judge: Callable | None = None
    tolerance: float = 1e-6
    others: tuple = ()
    mistakes: tuple = ()
    remark: Callable | None = None
    seconds: float = SECONDS

    def examine(self, function, *shown) -> Verdict:
        """Try ``function`` on all cases."""
        if function is None or function is Ellipsis:
            return Verdict(BLANK)
        if not callable(function):
            came = f"{present(function)}, which is not a function"
            fault = Fault(came, f"a function named {self.name}",
                          "give the check the function itself, without calling it")
            return Verdict(WRONG, fault=fault)
        failed, first, outcome = [], None, None
        for case in self.cases(*shown):
            outcome = call(function, case.args, self.seconds)
            if not failed and is_blank(function, outcome):
                return Verdict(BLANK)
            fault = self.fault(function, case, outcome)
            if fault:
                first = first or (case, fault)
                failed.append((case, outcome, fault))
                if outcome.late:
                    break  # one endless loop is enough to wait for
        if not first:
            if self.remark is None:
                return Verdict(RIGHT)
            # guarded too: what the notebook shows may be anything by now
            remark = call(lambda: self.remark(outcome, *shown), (), 10 * self.seconds).value
            return Verdict(RIGHT, remark=remark or "")
        (case, fault), printed = first, failed[0][1].printed
        fault = replace(fault, hint=self.known_hint(failed) or fault.hint)
        names = inspect.signature(self.answer).parameters
        given = "\n".join(
            f"{name} = {present(value)}" for name, value in zip(names, case.args, strict=False)
        )
        return Verdict(WRONG, case=case.about, given=given, fault=fault,
                       printed="\n".join(printed.splitlines()[:5]))

    def fault(self, function, case, outcome) -> Fault | None:
        """What is wrong with one outcome; None if it is right."""
        again = partial(self._again, function)
        wanted = None if self.judge else call(self.answer, case.args).value
        expected = "" if self.judge else present(wanted)
        if outcome.late:
            return Fault(f"nothing within {self.seconds:g} seconds", expected or "an answer",
                         "look for a loop that never ends, or one that visits every pixel")
        if outcome.error is not None:
            return Fault(where_it_broke(function, outcome.error), expected or "an answer",
                         error_hint(function, outcome.error, self.answer))
        if outcome.value is None:
            hint = "the function returns nothing: its last line needs a return"
            if outcome.printed:
                hint = "the function prints its result; it must return it"
            return Fault("None", expected or "an answer", hint)
        judged = call(lambda: self._judged(case, outcome, again, wanted), (), 10 * self.seconds)
        if judged.error is not None or judged.late:
            return Fault(present(outcome.value), expected or "an answer that can be compared",
                         f"the answer is a {type(outcome.value).__name__} that cannot be read")
        if judged.value is None and outcome.changed is not None:
            name = list(inspect.signature(self.answer).parameters)[outcome.changed]
            return Fault(f"a right answer, but {name} was changed on the way",
                         f"{name} as it was", f"work on a copy: {name} = {name}.copy()")
        return judged.value

    def _judged(self, case, outcome, again, wanted):
        if self.judge:
            return self.judge(case, outcome, again)
        return difference(outcome.value, wanted, self.tolerance)

    def _again(self, function, *args):
        return call(function, args, self.seconds).value

    def known_hint(self, failed) -> str:
        """The hint of the first known mistake that gives the same on every case that failed.

        Two mistakes at once match none wholly; then it is the one that agrees on the smallest
        case and on most of the others.
        """
        partly = ""
        for mistake in self.mistakes:
            if not self._same_mistake(mistake.function, *failed[0]):
                continue
            agree = sum(self._same_mistake(mistake.function, *other) for other in failed[1:])
            if agree == len(failed) - 1:
                return mistake.hint
            if agree > (len(failed) - 1) / 2:
                partly = partly or mistake.hint
        return partly

    def _same_mistake(self, function, case, outcome, fault):
        known = call(function, case.args, self.seconds)
        if not alike(known, outcome):
            return False
        if outcome.error is not None or outcome.late:
            return True
        known = self.fault(function, case, known)
        return known is not None and known.came == fault.came


def is_blank(function, outcome: Outcome) -> bool:
    """Whether an answer is still the stub: it raises NotImplementedError itself, or is empty."""
    code = code_of(function)
    if isinstance(outcome.error, NotImplementedError):
        *_, last = traceback.walk_tb(outcome.error.__traceback__)
        return last[0].f_code is code
    if code is None or outcome.value is not None or outcome.error is not None:
        return False
    nothing = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "POP_TOP", "CACHE"}
    return {step.opname for step in dis.get_instructions(code)} <= nothing


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


def error_hint(function, error, answer) -> str:
    """A hint for errors that come before any thinking went wrong."""
    wanted = ", ".join(inspect.signature(answer).parameters)
    try:
        taken = ", ".join(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        taken = wanted
    if isinstance(error, TypeError) and taken.count(",") != wanted.count(","):
        return f"the function must take ({wanted}), yours takes ({taken})"
    if isinstance(error, NameError):
        return f"run the cells above first, or look for a typing mistake in {error.name!r}"
    return ""


# --- comparing ---------------------------------------------------------------------------------


def difference(value, wanted, tolerance=1e-6) -> Fault | None:
    """What sets a value apart from the wanted one: kind, shape, dtype, then the numbers.

    Numbers may be Python's, numpy's or a tensor's; arrays and tensors are not exchanged for each
    other.  NaN equals nothing but NaN.
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
        dtypes = str(value.dtype)[6:], str(wanted.dtype)[6:]
        value, wanted = value.detach().numpy(), wanted.detach().numpy()
    else:
        dtypes = str(value.dtype), str(wanted.dtype)
    if value.shape != wanted.shape:
        hint = ""
        if sorted(value.shape) == sorted(wanted.shape):
            hint = "the axes are in another order: rows come first, then columns"
        return Fault(f"shape {value.shape}", f"shape {wanted.shape}", hint)
    if dtypes[0] != dtypes[1]:
        return Fault(f"numbers of type {dtypes[0]}", f"numbers of type {dtypes[1]}")
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


def _number_difference(value, wanted, tolerance):
    expected = present(wanted)
    if isinstance(value, str):
        return Fault(present(value), expected, "the answer is a text: leave out the quotes")
    if family(value) != "number":
        return Fault(present(value), expected, "the answer must be a single number")
    number, wanted = float(value), float(wanted)  # also of tensors that know their gradient
    if np.isnan(number):
        return Fault("NaN (not a number)", expected)
    room = tolerance * max(1, abs(wanted)) if np.isfinite(wanted) else 0  # next to infinity: none
    if number == wanted or abs(number - wanted) <= room:
        return None
    return Fault(present(number), expected)


def family(value) -> str:
    """ "number", "array", "tensor" or the name of the type."""
    if isinstance(value, (bool, int, float, np.generic)):
        return "number"
    shape = getattr(value, "shape", None)
    if isinstance(value, np.ndarray):
        return "array" if shape else "number"
    if hasattr(value, "detach") and hasattr(value, "device"):
        return "tensor" if shape else "number"
    return type(value).__name__


def alike(a: Outcome, b: Outcome) -> bool:
    """Whether two calls came to the same: the same kind of error, or equal values."""
    if a.late or b.late or (a.error is None) != (b.error is None):
        return a.late and b.late
    if a.error is not None:
        return type(a.error) is type(b.error) and safe(str, a.error) == safe(str, b.error)
    if a.changed != b.changed:
        return False
    return call(lambda: _equal(a.value, b.value), ()).value is True


def _equal(a, b):
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, str) or isinstance(b, str) or family(a) != family(b):
        return type(a) is type(b) and bool(a == b)
    if family(a) == "number" and not (np.isfinite(float(a)) and np.isfinite(float(b))):
        return str(float(a)) == str(float(b))
    return difference(a, b, 1e-5) is None


# --- presenting --------------------------------------------------------------------------------

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


def _a(kind):
    return "an array" if kind == "array" else "a tensor"


def safe(show, value) -> str:
    """``show(value)``, whatever a stranger's object does when it is looked at."""
    text = call(lambda: str(show(value)), ()).value
    return f"a {type(value).__name__}" if text is None else text


def limit_remark() -> str:
    """A sentence where an endless loop cannot be stopped, else ""."""
    return "" if has_time_limit() else "No time limit works here: stop an endless loop by hand."
