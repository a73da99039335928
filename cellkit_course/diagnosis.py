"""Which mistake an answer makes.  Nothing is said that was not tried on the answer itself."""

from __future__ import annotations

import inspect

import numpy as np

from cellkit_course.comparing import alike
from cellkit_course.guard import call
from cellkit_course.presenting import safe


def known_mistake(exercise, tried):
    """The known mistake that gives the same as the answer wherever it was tried; None if none does.

    An answer that fails where the mistake fails, in the same way, and is right where the mistake is
    right, cannot be told from it.  Answers make two mistakes at once, too: then it is the one that
    cannot be told from it on all cases, two at least, of the requirement that fails first.

    Parameters
    ----------
    exercise : cellkit_course.exercise.Exercise
    tried : list of (Case, Outcome, Fault or None)
    """
    first = next(one for one in tried if one[2])
    failed_first = sorted(tried, key=lambda one: one[2] is None)
    group = [one for one in failed_first if one[0].asks == first[0].asks]
    for part in (failed_first, group):
        if part is group and sum(one[2] is not None for one in group) < 2:
            continue
        for mistake in exercise.mistakes:
            if all(_same(exercise, mistake.function, *one) for one in part):
                return mistake
    return None


def _same(exercise, function, case, outcome, fault):
    known = call(function, case.args, exercise.seconds)
    if fault is None:
        return exercise.fault(function, case, known) is None
    if not alike(known, outcome):
        return False
    if outcome.error is not None or outcome.late:
        return True
    known = exercise.fault(function, case, known)
    return known is not None and known.came == fault.came


#: What an answer may be instead of the right one: how to undo it, and what to say.
_RELATIONS = (
    (lambda came: -came, "the sign is turned over"),
    (lambda came: came / 100, "this is in percent, or a hundred times too large"),
    (lambda came: 1 - came, "this is 1 minus the right answer"),
    (lambda came: 1 / came, "this is upside down: the right answer is 1 divided by it"),
    (lambda came: came**2, "a root was taken that does not belong there"),
    (lambda came: np.sqrt(came), "this is the square of the right answer"),
    (lambda came: np.round(came, 9) / 2, "this is twice the right answer"),
    (lambda came: came * 2, "this is half of the right answer"),
)


def relation(pairs) -> str:
    """What turns every answer into the right one, tried on the answers; "" where nothing does.

    Parameters
    ----------
    pairs : list of (came, wanted)
        Numbers or arrays.  Two different values, neither 0 nor 1, must be among the wanted ones,
        else it may be by chance.
    """
    try:
        came, wanted = (np.concatenate([np.ravel(np.asarray(pair[k], float)) for pair in pairs])
                        for k in (0, 1))
    except (TypeError, ValueError):
        return ""
    telling = set(np.round(wanted, 6)) - {0, 1, -1, 0.5, 2}
    if came.shape != wanted.shape or len(telling) < 2:
        return ""
    with np.errstate(all="ignore"):
        return next((say for undo, say in _RELATIONS
                     if np.allclose(undo(came), wanted, 1e-4, 1e-6)), "")


#: Errors whose text says what is wrong, and what that means here.
_ERRORS = (
    (TypeError, "'float' object cannot be interpreted as an integer",
     "a size or an index must be a whole number; / gives one with a fraction, // does not"),
    (TypeError, "indices must be integers", "an index must be a whole number"),
    (IndexError, "only integers, slices", "an index must be a whole number"),
    (RuntimeError, "requires grad", "a tensor that knows its gradient becomes an array by "
     ".detach().numpy()"),
    (ZeroDivisionError, "", "zero is below the line here: treat this case before you divide"),
    (ValueError, "operands could not be broadcast", "two arrays of different shapes meet: compare "
     "their shapes"),
    (ValueError, "cannot reshape", "a new shape must hold as many values as the old one"),
    (RuntimeError, "size of tensor", "two tensors of different shapes meet: compare their shapes"),
    (RuntimeError, "Sizes of tensors must match", "two tensors of different shapes meet: bring one "
     "to the size of the other first"),
    (ValueError, "truth value of an array", "an array is neither true nor false as a whole: "
     ".any(), .all(), or & instead of and"),
    (RuntimeError, "Boolean value of Tensor", "a tensor is neither true nor false as a whole"),
    (IndexError, "", "an index points outside: how large is what it points into, in this case?"),
    (RecursionError, "", "the function calls itself without end"),
    (KeyError, "", "a key is asked for that the dictionary does not have"),
    (AttributeError, "", "that object has no such attribute: arrays, tensors and lists each have "
     "their own"),
)


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
    text = safe(str, error)
    return next((say for kind, part, say in _ERRORS
                 if isinstance(error, kind) and part in text), "")
