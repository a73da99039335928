"""Run a function that somebody else wrote: timed, its printing caught, our state kept."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import io
import random
import signal
import sys
import threading
import time
import warnings
from dataclasses import dataclass

import numpy as np

SECONDS = 10.0  # what one call of a student's function may take
KEPT = 2000  # characters of its printing that we remember


class TooLong(BaseException):
    """Raised inside a function that used up its time; no ``except Exception`` catches it."""


@dataclass
class Outcome:
    """What came of one call."""

    args: tuple  # the very objects that were passed, as the call left them
    value: object = None
    error: BaseException | None = None
    printed: str = ""
    lines: int = 0
    late: bool = False
    changed: int | None = None  # the first array among the arguments that was changed in place
    warned: str = ""  # the first warning that was not held back


class _Ear(io.TextIOBase):
    """Swallows what is printed, remembers its beginning and counts its lines."""

    def __init__(self):
        self.text, self.lines = "", 0

    def writable(self):
        return True

    def write(self, text):
        self.lines += text.count("\n")
        if len(self.text) < KEPT:
            self.text = (self.text + text)[:KEPT]
        return len(text)


def call(function, args, seconds: float = SECONDS) -> Outcome:
    """Call ``function`` on a deep copy of ``args``; whatever it does, an :class:`Outcome` returns.

    Only a KeyboardInterrupt (the reader pressed stop) passes through.  Random states, printing,
    warnings and torch's gradient mode are afterwards as they were before.
    """
    ear, outcome = _Ear(), Outcome(copy.deepcopy(args))
    with _state_kept() as warned, contextlib.redirect_stdout(ear), contextlib.redirect_stderr(ear):
        try:
            with time_limit(seconds):
                outcome.value = function(*outcome.args)
        except TooLong:
            outcome.late = True
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit and the like are answers too
            outcome.error = error
    outcome.printed, outcome.lines = ear.text, ear.lines
    outcome.warned = next((str(w.message) for w in warned), "")
    for i, (now, before) in enumerate(zip(outcome.args, args, strict=True)):
        if outcome.changed is None and not _same_pixels(now, before):
            outcome.changed = i
    return outcome


def has_time_limit() -> bool:
    """Whether a call that never ends can be stopped here (CPython: yes)."""
    return sys.implementation.name == "cpython"


@contextlib.contextmanager
def time_limit(seconds: float):
    """Raise :class:`TooLong` in the block once it has had ``seconds``.

    Where other work keeps the processor from it, it gets up to :data:`PATIENCE` times as long: a
    verdict must not depend on how busy the machine is.

    On Linux, macOS and Colab a timer signal, which also wakes ``sleep`` and ``input``; elsewhere
    (Windows, or not in the main thread) a second thread that throws the exception into this one,
    which stops loops written in Python.  Both strike again and again, because a bare ``except``
    inside an endless loop may catch the first, and never while this module tidies up.  One long
    call inside compiled code ends first.
    """
    if not has_time_limit():
        yield
    elif hasattr(signal, "setitimer") and (
        threading.current_thread() is threading.main_thread()
    ):
        yield from _signal_limit(seconds)
    else:
        yield from _thread_limit(seconds)


AGAIN = 0.002  # seconds between two strikes
PATIENCE = 4


def _waiting_for_its_turn(seconds):
    """A function that says how much longer a block may take; 0 when its time is up."""
    began = time.monotonic(), time.process_time()

    def left():
        wall, busy = time.monotonic() - began[0], time.process_time() - began[1]
        starved = busy < wall / 2 and busy < seconds / 2 and wall < PATIENCE * seconds
        return max(seconds / 4, 0.01) if starved else 0

    return left


def _signal_limit(seconds):
    left = _waiting_for_its_turn(seconds)

    def strike(_, frame):
        if more := left():
            signal.setitimer(signal.ITIMER_REAL, more, AGAIN)
        elif not _tidying(frame):
            raise TooLong

    before = signal.signal(signal.SIGALRM, strike)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)  # one limit may stand inside another


def _thread_limit(seconds):
    victim, over, gate = threading.get_ident(), threading.Event(), threading.Lock()
    throw = ctypes.pythonapi.PyThreadState_SetAsyncExc
    left = _waiting_for_its_turn(seconds)

    def watch():
        wait = seconds
        while not over.wait(wait):
            if wait := left():
                continue
            with gate:
                if not over.is_set() and not _tidying(sys._current_frames().get(victim)):
                    throw(ctypes.c_ulong(victim), ctypes.py_object(TooLong))
            wait = AGAIN

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()
        with gate:
            throw(ctypes.c_ulong(victim), None)  # one that was thrown but has not landed


def _tidying(frame):
    return frame is None or frame.f_code.co_filename in (__file__, contextlib.__file__)


@contextlib.contextmanager
def _state_kept():
    """Random states, numpy's error handling and torch's gradient mode survive the block."""
    torch = sys.modules.get("torch")
    states = random.getstate(), np.random.get_state(), np.geterr()
    if torch:
        seeds, grad = torch.get_rng_state(), torch.is_grad_enabled()
    try:
        with warnings.catch_warnings(record=True) as warned, np.errstate(
            divide="warn", over="warn", invalid="warn"
        ):
            warnings.simplefilter("always")
            yield warned
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        np.seterr(**states[2])
        if torch:
            torch.set_rng_state(seeds)
            torch.set_grad_enabled(grad)


def _same_pixels(a, b):
    """False where an array, a tensor or a list of them was changed in place."""
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_same_pixels, a, b))
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    torch = sys.modules.get("torch")
    if torch and isinstance(a, torch.Tensor):
        return a.shape == b.shape and torch.equal(a.detach().nan_to_num(), b.detach().nan_to_num())
    return True
