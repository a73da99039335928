"""Other right answers to the exercises of lesson 03_augmentation."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def flip_pair_by_step(image, labels, rng):
    step = rng.choice([-1, 1])
    return image[:, ::step], labels[:, ::step]


def flip_pair_by_name(image, labels, rng):
    if rng.random() >= 0.5:
        return image, labels
    return np.fliplr(image), np.fliplr(labels)


def rotate_pair_in_a_loop(image, labels, degrees):
    how = {"reshape": False, "mode": "mirror"}
    return tuple(ndimage.rotate(a, degrees, order=k, **how) for k, a in ((1, image), (0, labels)))


def rotate_pair_of_places(image, labels, degrees):
    number = np.arange(labels.size).reshape(labels.shape)
    number = ndimage.rotate(number, degrees, reshape=False, order=0, mode="mirror")
    return (ndimage.rotate(image, degrees, reshape=False, order=1, mode="mirror"),
            labels.ravel()[number])


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


def prepare_grown_one_by_one(pictures, share, grow):
    count = round(share * len(pictures))
    return [one for k in range(count) for one in grow(pictures[k : k + 1])], pictures[count:]


def generator_for_by_key(seed, epoch, index):
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(epoch, index)))


def generator_for_by_text(seed, epoch, index):
    return np.random.default_rng(list(f"{seed}/{epoch}/{index}".encode()))


def _leak_guess_a_fraction():
    return 3 / 4


def _leak_guess_in_numpy():
    return np.float32(0.75)


RIGHT = {
    "flip_pair": (flip_pair_by_step, flip_pair_by_name),
    "rotate_pair": (rotate_pair_in_a_loop, rotate_pair_of_places),
    "prepare": (prepare_one_by_one, prepare_from_behind, prepare_grown_one_by_one),
    "generator_for": (generator_for_by_key, generator_for_by_text),
    "leak_guess": (_leak_guess_a_fraction, _leak_guess_in_numpy),
}
