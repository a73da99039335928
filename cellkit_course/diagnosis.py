"""Which mistake an answer makes.  Nothing is said that was not tried on the answer itself."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace

import numpy as np

from cellkit_course.comparing import TOLERANCE, alike
from cellkit_course.guard import call
from cellkit_course.presenting import family, safe


def known_mistake(exercise, tried):
    """The known mistake that gives the same as the answer wherever it was tried; None if none does.

    An answer that fails where the mistake fails, in the same way, and is right where the mistake is
    right, cannot be told from it.  Answers make two mistakes at once, too: then it is the one that
    cannot be told from it on all cases of the requirement that fails first, where two failures look
    different, and that fails nowhere where the answer is right.

    Parameters
    ----------
    exercise : cellkit_course.exercise.Exercise
    tried : list of (Case, Outcome, Fault or None)
    """
    first = next(one for one in tried if one[2])
    failed_first = sorted(tried, key=lambda one: one[2] is None)
    group = [one for one in failed_first if one[0].asks == first[0].asks]
    for part in (failed_first, group):
        if part is group and len({one[2].came for one in group if one[2]}) < 2:
            continue
        passed = [] if part is failed_first else [one for one in tried if one[2] is None]
        for mistake in exercise.mistakes:
            if all(_same(exercise, mistake.function, *one) for one in [*part, *passed]):
                return mistake
    return _mostly_the_same(exercise, tried)


def _mostly_the_same(exercise, tried):
    """The known mistake that is the same in three of four failing cases, three at least.

    It must fail nowhere where the answer is right, and three of the failures must look different,
    the largest case among them, or it may be by chance.  So a variant is recognised that does
    otherwise in some corner.
    """
    failed = [one for one in tried if one[2] and one[1].error is None and not one[1].late]
    passed = [one for one in tried if one[2] is None]
    if len({fault.came for *_, fault in failed}) < 3:
        return None
    shared = [[one for one in failed if _same(exercise, mistake.function, *one)]
              for mistake in exercise.mistakes]
    for same, mistake in sorted(zip(shared, exercise.mistakes, strict=True),
                                key=lambda pair: -len(pair[0])):
        if len(same) < 0.75 * len(failed) or len({fault.came for *_, fault in same}) < 3:
            return None
        if same[-1] is failed[-1] and all(_same(exercise, mistake.function, *one)
                                          for one in passed):
            return mistake
    return None


def _same(exercise, function, case, outcome, fault):
    known = call(function, case.args, exercise.seconds)
    if fault is None:
        return exercise.fault(function, case, known) is None
    if not alike(*(_formed(exercise, one) for one in (known, outcome)), exercise.tolerance / 2,
                 exercise.quiet):
        return False
    if outcome.error is not None or outcome.late:
        return True
    known = exercise.fault(function, case, known)
    return known is not None and _words(known.came) == _words(fault.came)


def _formed(exercise, outcome):
    """An outcome whose value looks the same as all that the judge takes for the same."""
    formed = exercise.form and call(lambda: exercise.form(outcome.value), ())
    return outcome if not formed or formed.error else replace(outcome, value=formed.value)


def _words(text):
    """A text without its numbers, which may differ in the last digit."""
    return re.sub(r"[-+.\w]*\d[-+.\w]*", "#", text)


#: What an answer may be instead of the right one: how to undo it, and what to say.
_RELATIONS = (
    (lambda came: -came, "the sign is turned over"),
    (lambda came: came / 100, "this is in percent, or a hundred times too large"),
    (lambda came: came / 255, "this is 255 times too large, as if 8 bits were asked for"),
    (lambda came: 1 - came, "this is 1 minus the right answer"),
    (lambda came: 1 / came, "this is upside down: the right answer is 1 divided by it"),
    (lambda came: came**2, "a root was taken that does not belong there"),
    (lambda came: np.sqrt(came), "this is the square of the right answer"),
    (lambda came: np.round(came, 9) / 2, "this is twice the right answer"),
    (lambda came: came * 2, "this is half of the right answer"),
)
#: What cannot be undone: how it is done to the right answer.
_LOSSES = (
    (np.trunc, "the fraction is cut off: int, // and whole-number types drop what comes after the "
               "point"),
    (lambda wanted: np.round(wanted), "the answer is rounded to whole numbers"),
    (lambda wanted: np.round(wanted, 1), "the answer is rounded; leave it as exact as it is"),
    (lambda wanted: np.round(wanted, 2), "the answer is rounded; leave it as exact as it is"),
    (lambda wanted: np.round(wanted, 3), "the answer is rounded; leave it as exact as it is"),
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
                     if np.allclose(undo(came), wanted, 1e-4, 1e-6)), "") or next(
                         (say for do, say in _LOSSES if np.allclose(came, do(wanted))), "")


def fingerprint(exercise, function, tried) -> str:
    """What can be said of an answer that makes no known mistake; "" where nothing is certain.

    Each is tried on every failing case: the suspected cause is taken away, and the answer is right
    then; or it is seen in what came out.
    """
    failed = [(case, outcome) for case, outcome, fault in tried if fault]
    right = [call(exercise.answer, case.args, exercise.seconds).value for case, _ in failed]
    looks = (_nothing_there, _square, _small_whole_numbers, _unused, _times, _edge, _shape)
    pairs = [(outcome.value, wanted)
             for (_, outcome), wanted in zip(failed, right, strict=True)]
    say = "" if exercise.judge else relation(pairs)
    return say or next(filter(None, (look(exercise, function, tried, failed, pairs)
                                     for look in looks)), "")


def _passes(exercise, function, case, args):
    """Whether an answer is right on a case with these arguments; None where no one can say."""
    wanted = call(exercise.answer, args, exercise.seconds)
    if wanted.error is not None or wanted.late:
        return None
    changed = type(case)(case.asks, case.about, args, case.data)
    return exercise.fault(function, changed, call(function, args, exercise.seconds)) is None


def _nothing_there(exercise, function, tried, failed, pairs):
    """It fails only where an argument is empty."""
    empty = [any(not isinstance(a, (int, float)) and np.size(a) == 0
                 for a in case.args if isinstance(a, (list, tuple, np.ndarray)))
             for case, _ in failed]
    if all(empty) and len(failed) < len(tried):
        return "it fails only where there is nothing: an empty list or array is an input, too"
    return ""


def _square(exercise, function, tried, failed, pairs):
    """It is right on the same arrays cut to as many columns as rows: two of them, or it is luck."""
    if len(failed) < 2:
        return ""
    for case, _ in failed:
        shapes = _shapes(case.args)
        asked = {a for a in case.args if isinstance(a, tuple) and len(a) == 2} - shapes
        # Of one row one pixel is left; and where a shape is asked for, another scale.
        if len(shapes) != 1 or asked or not 1 < min(shape := shapes.pop()) < max(shape):
            return ""
        if not _passes(exercise, function, case, _cut(case.args)):
            return ""
    return ("it is right only where there are as many rows as columns: look at where you use the "
            "one for the other")


def _shapes(args):
    """The shapes of all pictures among the arguments; without any, one that is asked for."""
    flat = [b for a in args for b in (a if isinstance(a, list) else [a])]
    return {a.shape[:2] for a in flat if isinstance(a, np.ndarray) and a.ndim >= 2} or {
        a for a in args if isinstance(a, tuple) and len(a) == 2}


def _cut(args):
    rows, columns = min(_shapes(args))
    for k in (a for a in args if isinstance(a, int) and 1 < a <= min(rows, columns)):
        rows, columns = rows - rows % k, columns - columns % k  # squares of k × k stay whole
    n = min(rows, columns)

    def cut(a):
        if isinstance(a, list):
            return [cut(b) for b in a]
        if isinstance(a, np.ndarray) and a.ndim >= 2:
            return a[:n, :n]
        if isinstance(a, tuple) and len(a) == 2 and all(isinstance(m, int) for m in a):
            return (n, n) if a == (rows, columns) else (max(a),) * 2
        return a

    return tuple(map(cut, args))


def _small_whole_numbers(exercise, function, tried, failed, pairs):
    """It is right on the same numbers in float."""
    for case, _ in failed:
        small = [a for a in case.args if isinstance(a, np.ndarray) and a.dtype.kind in "iu"
                 and a.dtype.itemsize < 4]
        floats = tuple(a.astype(float) if isinstance(a, np.ndarray) and a.dtype.kind in "iu" else a
                       for a in case.args)
        if not small or not _passes(exercise, function, case, floats):
            return ""
    return ("numbers of 8 or 16 bits wrap around, overflow or lose their fraction: make the arrays "
            "float before you calculate")


def _unused(exercise, function, tried, failed, pairs):
    """Another value of an argument changes nothing, and must."""
    names = list(inspect.signature(exercise.answer).parameters)
    for k, name in enumerate(names):
        given = [one for one in tried if k < len(one[0].args)]
        differs = [(fault, _makes_difference(exercise, function, k, tried, case, outcome))
                   for case, outcome, fault in given]
        in_failed = {made for fault, made in differs if fault}
        if in_failed == {False} and True not in {made for _, made in differs}:
            return f"{name} makes no difference to the answer; it must"
    return ""


def _times(exercise, function, tried, failed, pairs):
    """Everywhere an argument's multiple of the right answer."""
    names = list(inspect.signature(exercise.answer).parameters)
    for k, name in enumerate(names):
        factors = [case.args[k] if k < len(case.args) else None for case, _ in failed]
        if not all(isinstance(f, (int, float)) and f > 0 for f in factors) or exercise.judge:
            continue
        for power, say in ((1, f"{name} times"), (2, f"{name}² times")):
            for sign, size in ((1, "large"), (-1, "small")):
                if relation([(np.asarray(came, float) / f ** (sign * power) * 2, wanted)
                             for (came, wanted), f in zip(pairs, factors, strict=True)
                             ]) == "this is twice the right answer":
                    return f"the answer is {say} too {size}"
    return ""


def _makes_difference(exercise, function, k, tried, case, outcome):
    """Whether another value of argument k changes an answer where it must; None: not seen."""
    if outcome.error is not None or outcome.late:
        return None
    seen = None
    for value in [other.args[k] for other, *_ in tried if k < len(other.args)]:
        if type(value) is not type(case.args[k]) or np.shape(value) != np.shape(case.args[k]):
            continue
        args = (*case.args[:k], value, *case.args[k + 1:])
        known = [call(exercise.answer, a, exercise.seconds) for a in (case.args, args)]
        if known[1].error is None and not alike(*known):
            seen = False
            if not alike(call(function, args, exercise.seconds), outcome):
                return True
    return seen


def _edge(exercise, function, tried, failed, pairs):
    """Only the outermost pixels differ."""
    for came, wanted in pairs:
        if not (isinstance(came, np.ndarray) and isinstance(wanted, np.ndarray)
                and came.shape == wanted.shape and came.ndim == 2 and min(came.shape) > 2):
            return ""
        if not np.allclose(came[1:-1, 1:-1], wanted[1:-1, 1:-1], TOLERANCE, TOLERANCE):
            return ""
    return ("only the outermost pixels are wrong: look at what happens at the picture's edge"
            if pairs else "")


def _shape(exercise, function, tried, failed, pairs):
    """Another shape comes back."""
    shapes = [(np.shape(came), np.shape(wanted)) for came, wanted in pairs
              if family(came) == family(wanted) in ("array", "tensor")]
    if len(shapes) == len(pairs) and all(came != wanted for came, wanted in shapes):
        return "what comes back has shape {}, it must have shape {}".format(*shapes[0])
    return ""


#: Errors whose text says what is wrong, and what that means here.
_ERRORS = (
    (TypeError, "'float' object cannot be interpreted as an integer",
     "a size or an index must be a whole number; / gives one with a fraction, // does not"),
    (TypeError, "indices must be integers", "an index must be a whole number"),
    (IndexError, "only integers, slices", "an index must be a whole number"),
    (RuntimeError, "requires grad", "a tensor that knows its gradient becomes an array by "
     ".detach().numpy()"),
    (RuntimeError, "should be between 0 and 1", "F.binary_cross_entropy takes probabilities, and "
     "was given other numbers; for logits there is another function"),
    (ZeroDivisionError, "", "zero is below the line here: treat this case before you divide"),
    (ValueError, "operands could not be broadcast", "two arrays of different shapes meet: compare "
     "their shapes"),
    (ValueError, "expected [0, 1]", "what a function of ck was given has values below 0 or above "
     "1: clip it first; a difference of pictures is not to be clipped, it needs a function that "
     "takes negative numbers"),
    (ValueError, "too many values to unpack", "more values come than there are names for them "
     "on the left: a picture in colour, for one, has three axes"),
    (ValueError, "not enough values to unpack", "fewer values come than there are names for "
     "them on the left"),
    (ValueError, "cannot reshape", "a new shape must hold as many values as the old one"),
    (RuntimeError, "size of tensor", "two tensors of different shapes meet: compare their shapes"),
    (RuntimeError, "Sizes of tensors must match", "two tensors of different shapes meet: bring one "
     "to the size of the other first"),
    (ValueError, "truth value of an array", "an array is neither true nor false as a whole: "
     ".any(), .all(), or & instead of and"),
    (RuntimeError, "Boolean value of Tensor", "a tensor is neither true nor false as a whole"),
    (ValueError, "zero-size array", "a maximum, minimum or mean is taken of nothing: which cell, "
     "row or list is empty in this case?"),
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
