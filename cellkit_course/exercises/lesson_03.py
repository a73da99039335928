"""The exercises of lesson 03_augmentation."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellkit_course.exercise import Case, Exercise, Fault, Mistake, difference, present

LESSON = "03_augmentation"

# --- flip_pair ---------------------------------------------------------------------------------


def flip_pair(image, labels, rng):
    """Left and right exchanged half of the time, in image and labels together."""
    if rng.random() < 0.5:
        return image[:, ::-1], labels[:, ::-1]
    return image, labels


def flip_pair_by_step(image, labels, rng):
    step = rng.choice([-1, 1])
    return image[:, ::step], labels[:, ::step]


def flip_pair_by_name(image, labels, rng):
    if rng.random() >= 0.5:
        return image, labels
    return np.fliplr(image), np.fliplr(labels)


def _flip_two_coins(image, labels, rng):
    image = image[:, ::-1] if rng.random() < 0.5 else image
    labels = labels[:, ::-1] if rng.random() < 0.5 else labels
    return image, labels


def _flip_image_only(image, labels, rng):
    return (image[:, ::-1] if rng.random() < 0.5 else image), labels


def _flip_labels_only(image, labels, rng):
    return image, (labels[:, ::-1] if rng.random() < 0.5 else labels)


def _flip_upside_down(image, labels, rng):
    return (image[::-1], labels[::-1]) if rng.random() < 0.5 else (image, labels)


def _flip_half_turn(image, labels, rng):
    turned = image[::-1, ::-1], labels[::-1, ::-1]
    return turned if rng.random() < 0.5 else (image, labels)


def _flip_colours(image, labels, rng):
    return (image[..., ::-1], labels[..., ::-1]) if rng.random() < 0.5 else (image, labels)


def _flip_always(image, labels, rng):
    return image[:, ::-1], labels[:, ::-1]


def _flip_hardly_ever(image, labels, rng):
    return (image[:, ::-1], labels[:, ::-1]) if rng.random() < 0.05 else (image, labels)


def _flip_own_generator(image, labels, rng):
    return flip_pair(image, labels, np.random.default_rng(1))


def _flip_swapped(image, labels, rng):
    return flip_pair(labels, image, rng)


def _flip_cases():
    grey = np.arange(6, dtype=np.float32).reshape(2, 3) / 8
    colour = np.arange(24, dtype=np.float32).reshape(2, 4, 3) / 32
    tall = np.random.default_rng(2).random((7, 4), dtype=np.float32)
    return [
        Case(about, (image, np.arange(size, dtype=np.int32).reshape(image.shape[:2]),
                     np.random.default_rng(seed)))
        for about, image, size, seed in (
            (_FIRST, grey, 6, 1),
            ("two rows of four pixels in colour", colour, 8, 3),
            ("seven rows of four", tall, 28, 5),
        )
    ]


_FIRST = "two rows of three pixels"
_TOSSES = 40  # in the first case; the others only look whether image and labels stay together
_TWO_COINS = ("image and labels do not always do the same: toss one coin, and then move both or "
              "neither")
_OTHER_AXIS = "left and right are the second axis, the columns; colours come after it"
_RATE = "half of the time: toss the coin that rng gives, and flip if it shows heads"
_PAIR = "two things must come back: the image, then the labels"


def _judge_flip(case, outcome, again):
    image, labels, _ = case.args
    wanted = "the image and its labels, both as they were or both with left and right exchanged"

    def way(value):
        """Which of the two a result is; a Fault if neither."""
        if not isinstance(value, tuple | list) or len(value) != 2:
            return Fault(present(value), wanted, _PAIR)
        for name, step in (("as it was", 1), ("flipped", -1)):
            faults = [difference(v, a[:, ::step]) for v, a in zip(value, (image, labels),
                                                                  strict=True)]
            if not any(faults):
                return name
        seen = [next((n for n, step in (("as it was", 1), ("flipped", -1))
                      if difference(v, a[:, ::step]) is None), "neither as it was nor flipped")
                for v, a in zip(value, (image, labels), strict=True)]
        hint = _OTHER_AXIS if seen[0].startswith("neither") else _TWO_COINS
        return Fault(f"the image {seen[0]}, its labels {seen[1]}", wanted, hint)

    tosses = _TOSSES if case.about == _FIRST else 8
    ways = [way(outcome.value)] + [way(again(image, labels, np.random.default_rng(seed)))
                                   for seed in range(tosses)]
    for found in ways:
        if isinstance(found, Fault):
            return found
    flipped = ways[1:].count("flipped")
    if tosses == _TOSSES and not 0.2 < flipped / _TOSSES < 0.8:
        return Fault(f"flipped {flipped} times of {_TOSSES}", f"about {_TOSSES // 2} times", _RATE)
    return None


FLIP_PAIR = Exercise(
    "flip_pair", LESSON, "bug", points=2, minutes=8,
    answer=flip_pair, cases=_flip_cases, judge=_judge_flip,
    others=(flip_pair_by_step, flip_pair_by_name),
    mistakes=(
        Mistake(_flip_two_coins, _TWO_COINS),
        Mistake(_flip_image_only, _TWO_COINS),
        Mistake(_flip_labels_only, _TWO_COINS),
        Mistake(_flip_upside_down, _OTHER_AXIS),
        Mistake(_flip_half_turn, _OTHER_AXIS),
        Mistake(_flip_colours, _OTHER_AXIS),
        Mistake(_flip_always, _RATE),
        Mistake(_flip_hardly_ever, _RATE),
        Mistake(_flip_own_generator, _RATE),
        Mistake(_flip_swapped, "image and labels have changed places: the image comes first"),
    ),
)  # fmt: skip

# --- rotate_pair -------------------------------------------------------------------------------


def rotate_pair(image, labels, degrees):
    """Image and labels turned; only the image is interpolated."""
    image = ndimage.rotate(image, degrees, reshape=False, order=1, mode="mirror")
    labels = ndimage.rotate(labels, degrees, reshape=False, order=0, mode="mirror")
    return image, labels


def rotate_pair_in_a_loop(image, labels, degrees):
    how = {"reshape": False, "mode": "mirror"}
    return tuple(ndimage.rotate(a, degrees, order=k, **how) for k, a in ((1, image), (0, labels)))


def rotate_pair_of_places(image, labels, degrees):
    number = np.arange(labels.size).reshape(labels.shape)
    number = ndimage.rotate(number, degrees, reshape=False, order=0, mode="mirror")
    return (ndimage.rotate(image, degrees, reshape=False, order=1, mode="mirror"),
            labels.ravel()[number])


def _rotate(image, labels, degrees, orders=(1, 0), **how):
    how = {"reshape": False, "mode": "mirror", **how}
    return tuple(ndimage.rotate(a, degrees, order=k, **how) for k, a in
                 zip(orders, (image, labels), strict=True))


def _rotate_colleague(image, labels, degrees):
    return _rotate(image, labels, degrees, (1, 1))


def _rotate_cubic(image, labels, degrees):
    return _rotate(image, labels, degrees, (3, 3))


def _rotate_rounded(image, labels, degrees):
    image, labels = _rotate(image, labels.astype(np.float32), degrees, (1, 1))
    return image, np.rint(labels).astype(np.int32)


def _rotate_nearest_both(image, labels, degrees):
    return _rotate(image, labels, degrees, (0, 0))


def _rotate_swapped_orders(image, labels, degrees):
    return _rotate(image, labels, degrees, (0, 1))


def _rotate_image_only(image, labels, degrees):
    return _rotate(image, labels, degrees)[0], labels


def _rotate_other_way(image, labels, degrees):
    return rotate_pair(image, labels, -degrees)


def _rotate_labels_other_way(image, labels, degrees):
    return rotate_pair(image, labels, degrees)[0], rotate_pair(image, labels, -degrees)[1]


def _rotate_mask(image, labels, degrees):
    image, labels = rotate_pair(image, labels, degrees)
    return image, (labels > 0).astype(np.int32)


def _rotate_black(image, labels, degrees):
    return _rotate(image, labels, degrees, mode="constant")


def _rotate_grown(image, labels, degrees):
    return _rotate(image, labels, degrees, reshape=True)


def _rotate_cases():
    squares = np.zeros((12, 15), np.int32)
    squares[2:7, 2:8], squares[2:7, 8:12] = 2, 9
    rng = np.random.default_rng(6)
    scattered = (rng.random((31, 24)) < 0.5).astype(np.int32)
    many = ndimage.label(scattered)[0].astype(np.int32) * 3
    return [
        Case("two cells that touch, turned by 90 degrees",
             (rng.random((9, 9), np.float32), squares[:9, :9].copy(), 90)),
        Case("two cells that touch, numbers 2 and 9, turned by 30 degrees",
             (rng.random((12, 15), np.float32), squares, 30)),
        Case("many cells, turned by -17 degrees", (rng.random((31, 24), np.float32), many, -17)),
    ]


_MIXED = ("labels were interpolated: between cell 2 and cell 9 lies no cell 5, and rounding helps "
          "nothing; take the nearest pixel's number, order=0")
_ROUGH = "the image was not interpolated: grey values may be mixed, and look better so (order=1)"
_TURNS = "image and labels must be turned by the same angle, and that is degrees"
_BORDER = 'keep reshape=False and mode="mirror" as they are'


def _judge_rotation(case, outcome, again):
    value, wanted = outcome.value, rotate_pair(*case.args)
    if not isinstance(value, tuple | list) or len(value) != 2:
        return Fault(present(value), "a pair: image, labels", _PAIR)
    for name, came, right in zip(("image", "labels"), value, wanted, strict=True):
        fault = difference(came, right, 1e-5)
        if fault:
            return Fault(f"{name}: {fault.came}", f"{name}: {fault.wanted}", fault.hint)
    return None


ROTATE_PAIR = Exercise(
    "rotate_pair", LESSON, "bug", points=2, minutes=8,
    answer=rotate_pair, cases=_rotate_cases, judge=_judge_rotation,
    others=(rotate_pair_in_a_loop, rotate_pair_of_places),
    mistakes=(
        Mistake(_rotate_colleague, _MIXED),
        Mistake(_rotate_cubic, _MIXED),
        Mistake(_rotate_rounded, _MIXED),
        Mistake(_rotate_nearest_both, _ROUGH),
        Mistake(_rotate_swapped_orders, "the orders are the wrong way round: the image is "
                                        "interpolated (1), the labels are not (0)"),
        Mistake(_rotate_image_only, "the labels were not turned"),
        Mistake(_rotate_other_way, _TURNS),
        Mistake(_rotate_labels_other_way, _TURNS),
        Mistake(_rotate_mask, "the cells have lost their numbers: labels are wanted, not a mask"),
        Mistake(_rotate_black, _BORDER),
        Mistake(_rotate_grown, _BORDER),
    ),
)  # fmt: skip

# --- prepare -----------------------------------------------------------------------------------


def prepare(pictures, share, grow):
    """(training pictures, grown; the other pictures as they are)"""
    count = round(share * len(pictures))
    return grow(pictures[:count]), pictures[count:]


def prepare_one_by_one(pictures, share, grow):
    train = []
    valid = []
    for picture in pictures:
        if len(train) + 1 <= round(share * len(pictures)):
            train.append(picture)
        else:
            valid.append(picture)
    return list(grow(train)), valid


def prepare_from_behind(pictures, share, grow):
    kept = len(pictures) - round(share * len(pictures))
    valid = [pictures[k - kept] for k in range(kept)]
    return grow(pictures[: len(pictures) - kept]), valid


def _prepare_colleague(pictures, share, grow):
    pictures = grow(pictures)
    count = round(share * len(pictures))
    return pictures[:count], pictures[count:]


def _prepare_grown_twice(pictures, share, grow):
    count = round(share * len(pictures))
    return grow(pictures[:count]), grow(pictures[count:])


def _prepare_not_grown(pictures, share, grow):
    count = round(share * len(pictures))
    return pictures[:count], pictures[count:]


def _prepare_valid_grown(pictures, share, grow):
    count = round(share * len(pictures))
    return pictures[:count], grow(pictures[count:])


def _prepare_all_for_training(pictures, share, grow):
    return grow(pictures), pictures[round(share * len(pictures)):]


def _prepare_swapped(pictures, share, grow):
    return prepare(pictures, share, grow)[::-1]


def _prepare_rounded_down(pictures, share, grow):
    count = int(share * len(pictures))
    return grow(pictures[:count]), pictures[count:]


def _prepare_doubled(pictures, share, grow):
    count = round(share * len(pictures))
    return pictures[:count] + grow(pictures[:count]), pictures[count:]


def _twice(pictures):
    return [*pictures, *(f"{name} turned" for name in pictures)]


def _thrice(pictures):
    return [f"{name}{change}" for name in pictures for change in ("", " bent", " flipped")]


def _prepare_cases():
    return [
        Case("three pictures, two thirds to train on", (["A", "B", "C"], 2 / 3, _twice)),
        Case("six pictures, half of them to train on", (list("ABCDEF"), 0.5, _thrice)),
        Case("seven pictures, 80 % to train on", (list("ABCDEFG"), 0.8, _twice)),
    ]


_LEAK = "copies of one picture are on both sides: divide first, grow afterwards"
_VALID = "validation pictures are augmented: validate on pictures as they are"
_SHARE = "the pictures are divided elsewhere: the first round(share * len(pictures)) train"


def _judge_preparation(case, outcome, again):
    pictures, share, grow = case.args
    wanted = prepare(*case.args)
    value = outcome.value
    if not isinstance(value, tuple | list) or len(value) != 2:
        return Fault(present(value), present(wanted), "two lists are wanted: training, validation")
    train, valid = (list(part) if isinstance(part, tuple | list) else part for part in value)
    if (train, valid) == wanted:
        return None
    hint = ""
    if isinstance(train, list) and isinstance(valid, list):
        behind = [{str(name)[0] for name in part} for part in (train, valid)]
        if behind[0] & behind[1]:
            hint = _LEAK
        elif any(name not in pictures for name in valid) and set(train) <= set(pictures):
            hint = "training and validation are handled the wrong way round"
        elif any(name not in pictures for name in valid):
            hint = _VALID
        elif len(behind[1]) != len(wanted[1]):
            hint = _SHARE
    return Fault(present((train, valid)), present(wanted), hint)


PREPARE = Exercise(
    "prepare", LESSON, "bug", points=3, minutes=10,
    answer=prepare, cases=_prepare_cases, judge=_judge_preparation,
    others=(prepare_one_by_one, prepare_from_behind),
    mistakes=(
        Mistake(_prepare_colleague, _LEAK),
        Mistake(_prepare_all_for_training, _LEAK),
        Mistake(_prepare_grown_twice, _VALID),
        Mistake(_prepare_valid_grown, "training and validation are handled the wrong way round"),
        Mistake(_prepare_not_grown, "the training pictures were not grown"),
        Mistake(_prepare_swapped, "the two parts have changed places: training comes first"),
        Mistake(_prepare_rounded_down, _SHARE),
        Mistake(_prepare_doubled,
                "grow gives back the pictures themselves too; they are there twice now"),
    ),
)  # fmt: skip

# --- generator_for -----------------------------------------------------------------------------


def generator_for(seed, epoch, index):
    """A generator of its own for item ``index`` of an epoch."""
    return np.random.default_rng([seed, epoch, index])


def generator_for_by_key(seed, epoch, index):
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(epoch, index)))


def generator_for_by_text(seed, epoch, index):
    return np.random.default_rng(list(f"{seed}/{epoch}/{index}".encode()))


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


def _generator_of_product(seed, epoch, index):
    return np.random.default_rng((seed + 1) * (epoch + 1) * (index + 1))


def _generator_numbers(seed, epoch, index):
    return np.random.default_rng([seed, epoch, index]).random(3)


_GENERATOR = "the generator itself is wanted; who augments draws from it"
_CHANCE = "the same call gives other numbers each time; nothing could be repeated"
_ITEMS = "all items of an epoch get the same numbers: that is the colleague's bug; use index"
_EPOCHS = "every epoch shows an item in the same way: nothing new is ever seen; use epoch"
_SEEDS = "another seed changes nothing; use seed"
_COLLIDES = ("different items share their numbers: (0, 1) and (1, 0) come to the same; give "
             "default_rng all three as a list")


def _judge_generator(case, outcome, again):
    if not isinstance(outcome.value, np.random.Generator):
        return Fault(present(outcome.value), "a np.random.Generator", _GENERATOR)

    def draw(*where):
        found = again(*where)
        return tuple(found.random(4)) if isinstance(found, np.random.Generator) else found

    seed, epoch, index = case.args
    first = draw(*case.args)
    if draw(*case.args) != first:
        return Fault("other numbers when called again", "the same numbers", _CHANCE)
    others = {
        "item": (_ITEMS, [(seed, epoch, index + k) for k in (1, 2, 1000)]),
        "epoch": (_EPOCHS, [(seed, epoch + k, index) for k in (1, 2, 1000)]),
        "seed": (_SEEDS, [(seed + k, epoch, index) for k in (1, 2, 1000)]),
    }
    for what, (hint, places) in others.items():
        if any(draw(*where) == first for where in places):
            return Fault(f"the same numbers for another {what}", "other numbers", hint)
    seen = {}
    for where in np.ndindex(3, 3, 8):
        numbers = draw(*where)
        if numbers in seen:
            return Fault(f"(seed, epoch, index) = {seen[numbers]} and {where} give the same "
                         "numbers", "different numbers", _COLLIDES)
        seen[numbers] = where
    return None


GENERATOR_FOR = Exercise(
    "generator_for", LESSON, "bug", points=2, minutes=8,
    answer=generator_for,
    cases=lambda: [Case("seed 0, the first item of the first epoch", (0, 0, 0)),
                   Case("seed 7, item 31 of epoch 2", (7, 2, 31))],
    judge=_judge_generator,
    others=(generator_for_by_key, generator_for_by_text),
    mistakes=(
        Mistake(_generator_of_seed, _ITEMS),
        Mistake(_generator_of_epoch, _ITEMS),
        Mistake(_generator_of_item, _EPOCHS),
        Mistake(_generator_without_seed, _SEEDS),
        Mistake(_generator_of_chance, _CHANCE),
        Mistake(_generator_of_sum, _COLLIDES),
        Mistake(_generator_of_product, _COLLIDES),
        Mistake(_generator_numbers, _GENERATOR),
    ),
)  # fmt: skip

# --- leak_guess --------------------------------------------------------------------------------


def leak_guess():
    """A guess of the Dice on pictures that no copy was made from."""
    return 0.7


def _leak_guess_a_fraction():
    return 3 / 4


def _leak_guess_in_numpy():
    return np.float32(0.75)


def _leak_guess_in_percent():
    return 70


def _leak_guess_as_text():
    return "0.7"


def _leak_guess_two_numbers():
    return 0.6, 0.8


def _leak_guess_below_zero():
    return -0.7


_TEXT, _RANGE = "the guess is a text: leave out the quotes", "one number is asked for, not a range"
_BOUNDS = "Dice lies between 0 and 1; it is no percentage and never negative"


def _judge_guess(case, outcome, again):
    wanted, value = "a number between 0 and 1", outcome.value
    if isinstance(value, str):
        return Fault(present(value), wanted, _TEXT)
    if isinstance(value, tuple | list):
        return Fault(present(value), wanted, _RANGE)
    if isinstance(value, bool | np.bool_) or difference(value, 0.5, tolerance=0.5):
        return Fault(present(value), wanted, _BOUNDS)
    return None


def _compare_guess(outcome, validation=None, unseen=None):
    guess = float(outcome.value)
    if unseen is None:
        return f"You predicted {guess:.2f}."
    return (f"You predicted {guess:.2f}; measured: {unseen:.2f}. The validation score promised "
            f"{validation:.2f}.")


LEAK_GUESS = Exercise(
    "leak_guess", LESSON, "predict", points=1, minutes=3,
    answer=leak_guess, cases=lambda *shown: [Case("your guess")],
    judge=_judge_guess, remark=_compare_guess,
    others=(_leak_guess_a_fraction, _leak_guess_in_numpy),
    mistakes=(
        Mistake(_leak_guess_in_percent, _BOUNDS),
        Mistake(_leak_guess_below_zero, _BOUNDS),
        Mistake(_leak_guess_as_text, _TEXT),
        Mistake(_leak_guess_two_numbers, _RANGE),
    ),
)  # fmt: skip

EXERCISES = (FLIP_PAIR, ROTATE_PAIR, PREPARE, GENERATOR_FOR, LEAK_GUESS)
