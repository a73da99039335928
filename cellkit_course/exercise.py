"""What an exercise is, and how an answer is examined: right, not attempted, or wrong and why."""

from __future__ import annotations

import dis
import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cellkit_course.comparing import TOLERANCE, Fault, difference
from cellkit_course.diagnosis import error_hint, fingerprint, known_mistake
from cellkit_course.guard import SECONDS, Outcome, call
from cellkit_course.presenting import code_of, present, safe, where_it_broke
from cellkit_course.sessions import elsewhere

RIGHT, BLANK, WRONG = "right", "not attempted yet", "wrong"


@dataclass(frozen=True)
class Case:
    """One input that an answer is tried on.

    Attributes
    ----------
    asks : str
        The requirement that the case is there for, a key of :attr:`Exercise.asks`.
    about : str
        What is special about it.
    args : tuple
        What the answer is called with.
    data : object
        What else the judge needs, e.g. the seeds of a training.
    """

    asks: str
    about: str
    args: tuple = ()
    data: object = None


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people really give, and the hint meant for it.

    ``breaks`` is the requirement that it does not keep, a key of :attr:`Exercise.asks`.
    """

    breaks: str
    function: Callable
    hint: str

    @property
    def name(self) -> str:
        return self.function.__name__.strip("_")


@dataclass(frozen=True)
class Verdict:
    """What a check says."""

    status: str  # RIGHT, BLANK or WRONG
    remark: str = ""  # with a right answer, e.g. how a prediction compares with what was measured
    case: str = ""
    given: str = ""
    fault: Fault | None = None
    printed: str = ""  # what the answer printed on that case
    mistake: str = ""  # the name of the known mistake, if it is one
    cases: tuple[int, int] = (0, 0)  # of a wrong answer: right on so many, of so many


@dataclass(frozen=True)
class Exercise:
    """An exercise: its requirements, cases, a right answer, wrong ones with their hints, a ladder.

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
    asks : dict
        What the task requires, sentence by sentence: key → sentence.  The first is its core.
    judge : callable
        ``judge(case, outcome, again)`` → :class:`Fault` or None; ``again(*args)`` is an
        :class:`Again`.  None: compare with what ``answer`` gives, by the rule in
        :mod:`cellkit_course.comparing`.
    tolerance : float
        How far numbers may lie apart where ``judge`` is None.
    dtype : str, optional
        The type of numbers that the task names, where ``judge`` is None.
    form : callable, optional
        ``form(value)``: what is the same to the judge looks the same; by it an answer is compared
        with known mistakes.
    quiet : bool
        Whether the task forbids warnings.
    mistakes : tuple of Mistake
    remark : callable, optional
        ``remark(outcome, again, *shown)`` → a sentence shown with a right answer.
    won : str
        What is said of a right answer; a guess that cannot be wrong is not called right.
    ladder : tuple of str
        What ``hint`` says, one a call: the idea, the line of thought.  A prediction has a third.
    blanks : tuple of str
        Pieces of the answer's code that the last rung shows as ``____``.
    seconds : float
        What one call of an answer may take.
    """

    name: str
    lesson: str
    kind: str
    points: float
    minutes: int
    answer: Callable
    cases: Callable
    asks: dict = field(default_factory=dict)
    judge: Callable | None = None
    tolerance: float = TOLERANCE
    dtype: str | None = None
    form: Callable | None = None
    quiet: bool = False
    mistakes: tuple = ()
    remark: Callable | None = None
    won: str = RIGHT
    ladder: tuple = ()
    blanks: tuple = ()
    seconds: float = SECONDS

    def examine(self, function, *shown) -> Verdict:
        """Try ``function`` on all cases."""
        return self.examine_on(self.cases(*shown), function, *shown)

    def examine_on(self, cases, function, *shown) -> Verdict:
        """Try ``function`` on these cases."""
        if function is None or function is Ellipsis:
            return Verdict(BLANK)
        if not callable(function):
            came = f"{present(function)}, which is not a function"
            fault = Fault(came, f"a function named {self.name}",
                          "give the check the function itself, without calling it")
            return Verdict(WRONG, fault=fault)
        tried, cases = [], list(cases)  # (case, outcome, fault)
        for case in cases:
            outcome = call(function, case.args, self.seconds)
            if not any(fault for *_, fault in tried) and is_blank(function, outcome):
                return Verdict(BLANK)
            tried.append((case, outcome, self.fault(function, case, outcome)))
            if outcome.late:
                break  # one endless loop is enough to wait for
        failed = [one for one in tried if one[2]]
        if not failed:
            # guarded too: what the notebook shows may be anything by now
            again = Again(function, self.seconds)
            remark = self.remark and call(lambda: self.remark(outcome, again, *shown), (),
                                          10 * self.seconds).value
            return Verdict(RIGHT, remark=remark or "")
        case, outcome, fault = failed[0]
        mistake = known_mistake(self, tried)
        if mistake:
            fault = replace(fault, hint=mistake.hint)
        elif not fault.hint:
            # guarded: what came back may be anything
            seen = call(lambda: fingerprint(self, function, tried), (), 2 * self.seconds).value
            fault = replace(fault, hint=seen or self._sentence(tried))
        names = inspect.signature(self.answer).parameters
        given = "\n".join(
            f"{name} = {present(value)}" for name, value in zip(names, case.args, strict=False)
        )
        return Verdict(WRONG, case=case.about, given=given, fault=fault,
                       printed="\n".join(outcome.printed.splitlines()[:5]),
                       mistake=mistake.name if mistake else "",
                       cases=(len(tried) - len(failed), len(cases)))

    def _sentence(self, tried):
        """The sentence of the task that a case is there for; a pointer, if there are others."""
        broken = [case.asks for case, _, fault in tried if fault]
        kept = [case.asks for case, _, fault in tried if not fault]
        if not broken[0]:
            return ""
        alone = len(set(broken)) == 1 and broken[0] not in kept and len(kept) > 1
        said = "all else is right, but not this" if alone else "the task says"
        return f"{said}: {self.asks[broken[0]]}"

    def fault(self, function, case, outcome) -> Fault | None:
        """What is wrong with one outcome; None if it is right."""
        again = Again(function, self.seconds)
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
        if judged.late:
            return Fault("no verdict in time", expected or "an answer that can be judged",
                         "the check took too long, on a busy machine or for this answer: try again")
        if judged.error is not None:
            hint = f"the answer is a {type(outcome.value).__name__} that cannot be read"
            if "inplace operation" in safe(str, judged.error):
                hint = ("a tensor was changed in place (-=, /=, [k] =), but the way back of the "
                        "gradient needs its old values: make a new tensor instead")
            return Fault(present(outcome.value), expected or "an answer that can be compared", hint)
        if judged.value is None and outcome.changed is not None:
            name = list(inspect.signature(self.answer).parameters)[outcome.changed]
            copied = f"{name}.copy()"
            if isinstance(case.args[outcome.changed], list):
                copied = f"[one.copy() for one in {name}]"
            return Fault(f"a right answer, but {name} was changed on the way",
                         f"{name} as it was", f"work on a copy: {name} = {copied}")
        if judged.value is None and self.quiet and outcome.warned:
            return Fault(f"a right answer, and a warning: {outcome.warned}", "no warning",
                         "numpy warns at the line that does it, even if the result is thrown away "
                         "afterwards: ask before you divide")
        return judged.value

    def _judged(self, case, outcome, again, wanted):
        if self.judge:
            return self.judge(case, outcome, again)
        return difference(outcome.value, wanted, self.tolerance, self.dtype)


@dataclass(frozen=True)
class Again:
    """Calls an answer once more for its judge; None where that fails."""

    function: Callable
    seconds: float

    def __call__(self, *args):
        return call(self.function, args, self.seconds).value

    def elsewhere(self, session: int) -> Again:
        """The same in another Python session, see :mod:`cellkit_course.sessions`."""
        return Again(elsewhere(self.function, session), self.seconds)


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
