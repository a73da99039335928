"""generator_for: find the bug (lesson 03_augmentation)."""

from __future__ import annotations

from itertools import product

import numpy as np

from cellkit_course.comparing import Fault
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_03 import LESSON
from cellkit_course.guard import call
from cellkit_course.presenting import present


def generator_for(seed, epoch, index):
    """A generator of its own for item ``index`` of an epoch."""
    return np.random.default_rng([seed, epoch, index])


def _generator_of_seed(seed, epoch, index):
    return np.random.default_rng(seed)


def _generator_of_epoch(seed, epoch, index):
    return np.random.default_rng([seed, epoch])


def _generator_of_item(seed, epoch, index):
    return np.random.default_rng([seed, index])


def _generator_without_seed(seed, epoch, index):
    return np.random.default_rng([epoch, index])


def _generator_of_chance(seed, epoch, index):
    return np.random.default_rng()


def _generator_of_sum(seed, epoch, index):
    return np.random.default_rng(seed + epoch + index)


def _generator_of_decimals(seed, epoch, index):
    return np.random.default_rng(100 * seed + 10 * epoch + index)


def _generator_of_thousands(seed, epoch, index):
    return np.random.default_rng(10**6 * seed + 10**3 * epoch + index)


def _generator_of_digits(seed, epoch, index):
    return np.random.default_rng(int(f"{seed}{epoch}{index}"))


def _generator_of_bits(seed, epoch, index):
    return np.random.default_rng(seed ^ (epoch << 4) ^ (index << 8))


def _generator_of_bytes(seed, epoch, index):
    return np.random.default_rng([seed % 256, epoch % 256, index % 256])


def _generator_of_hash(seed, epoch, index):
    return np.random.default_rng(abs(hash(f"{seed}, {epoch}, {index}")))


def _generator_of_old(seed, epoch, index):
    return np.random.RandomState([seed, epoch, index])


def _generator_of_product(seed, epoch, index):
    return np.random.default_rng((seed + 1) * (epoch + 1) * (index + 1))


def _generator_numbers(seed, epoch, index):
    return np.random.default_rng([seed, epoch, index]).random(3)


def _generator_of_three_arguments(seed, epoch, index):
    return np.random.default_rng(seed, epoch, index)


_GENERATOR = "the generator itself is wanted; who augments draws from it"
_OLD = "a RandomState is numpy's old kind; np.random.default_rng makes a Generator"
_CHANCE = "the same call gives other numbers each time; nothing could be repeated"
_ITEMS = "all items of an epoch get the same numbers: that is the colleague's bug; use index"
_EPOCHS = "every epoch shows an item in the same way: nothing new is ever seen; use epoch"
_SEEDS = "another seed changes nothing; use seed"
_COLLIDES = ("two different places share their numbers: what is made of the three numbers comes to "
             "the same for both; give default_rng all three as a list")


_ONE = "default_rng takes one thing only: all three numbers together, as a list"
_SESSION = ("Python draws the hash of a text anew each time it starts, so nothing could be "
            "repeated tomorrow; give default_rng all three as a list")

#: Seeds, epochs and indices of a realistic course, chosen where sums and digits like to collide.
_ROUND = (0, 1, 2, 3, 5, 9, 10, 11, 12, 16, 32, 64, 99, 100, 101, 110, 111, 128, 255, 256)
_GRID = ((*_ROUND[:13:2], 42, 111, 1000, 12345), (*_ROUND, 200, 299),
         (*_ROUND, 511, 512, 999, 1000, 1001, 1024, 2000, 4096, 4999))


def _judge_generator(case, outcome, again):
    if not isinstance(outcome.value, np.random.Generator):
        old = isinstance(outcome.value, np.random.RandomState)
        return Fault(present(outcome.value), "a np.random.Generator", _OLD if old else _GENERATOR)

    def draw(*where, function=again):
        found = function(*where)
        return tuple(found.random(4)) if isinstance(found, np.random.Generator) else found

    seed, epoch, index = case.args
    first = draw(*case.args)
    if draw(*case.args) != first:
        return Fault("other numbers when called again", "the same numbers", _CHANCE)
    if draw(*case.args, function=again.elsewhere(1)) not in (first, None):
        return Fault("other numbers in another Python session", "the same numbers", _SESSION)
    others = {
        "item": (_ITEMS, [(seed, epoch, index + k) for k in (1, 2, 1000)]),
        "epoch": (_EPOCHS, [(seed, epoch + k, index) for k in (1, 2, 100)]),
        "seed": (_SEEDS, [(seed + k, epoch, index) for k in (1, 2, 1000)]),
    }
    for what, (hint, places) in others.items():
        if all(draw(*where) == first for where in places):
            at = [(3, 5, 7), *((3 + (what == "seed") * k, 5 + (what == "epoch") * k,
                                7 + (what == "item") * k) for k in (1, 2))]
            unused = len({draw(*where) for where in at}) == 1
            return Fault(f"the same numbers for another {what}", "other numbers",
                         hint if unused else _COLLIDES)
    seen, many = {}, call(_draw_many, (again.function, case.args)).value or {}
    for where, number in many.items():
        if number in seen:
            return Fault(f"(seed, epoch, index) = {seen[number]} and {where} give the same "
                         "numbers", "different numbers", _COLLIDES)
        seen[number] = where
    return None if many else Fault("no generator for some of the numbers",
                                   "a generator for any three whole numbers from 0")


def _draw_many(function, start):
    """The first number of each generator of the grid, which begins at 0 and at ``start``."""
    grids = (_GRID, [[first + k for k in (0, 1, 2, 10, 100)] for first in start])
    return {where: function(*where).random() for grid in grids for where in product(*grid)}


EXERCISE = Exercise(
    "generator_for", LESSON, "bug", points=2, minutes=4,
    answer=generator_for,
    cases=lambda: [Case("differ", "seed 0, the first item of the first epoch", (0, 0, 0)),
                   Case("differ", "seed 7, item 31 of epoch 2", (7, 2, 31))],
    judge=_judge_generator,
    asks={
        "differ": "if any of the three numbers differs, the random numbers do, for every pair of "
                  "places",
        "same": "the same three numbers give the same random numbers, in every session",
        "generator": "what comes back is a np.random.Generator",
    },
    ladder=(
        "the three numbers together are the address of an item. Two addresses must never come to "
        "the same seed",
        "a sum or a product comes to the same for many addresses. default_rng takes a list of "
        "whole numbers, and mixes them without mixing them up",
    ),
    blanks=("[seed, epoch, index]",),
    mistakes=(
        Mistake("differ", _generator_of_seed, _ITEMS),
        Mistake("differ", _generator_of_epoch, _ITEMS),
        Mistake("differ", _generator_of_item, _EPOCHS),
        Mistake("differ", _generator_without_seed, _SEEDS),
        Mistake("same", _generator_of_chance, _CHANCE),
        Mistake("differ", _generator_of_sum, _COLLIDES),
        Mistake("differ", _generator_of_product, _COLLIDES),
        Mistake("differ", _generator_of_decimals, _COLLIDES),
        Mistake("differ", _generator_of_thousands, _COLLIDES),
        Mistake("differ", _generator_of_digits, _COLLIDES),
        Mistake("differ", _generator_of_bits, _COLLIDES),
        Mistake("differ", _generator_of_bytes, _COLLIDES),
        Mistake("same", _generator_of_hash, _SESSION),
        Mistake("generator", _generator_of_old, _OLD),
        Mistake("generator", _generator_numbers, _GENERATOR),
        Mistake("generator", _generator_of_three_arguments, _ONE),
    ),
)  # fmt: skip
