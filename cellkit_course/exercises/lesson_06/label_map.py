"""label_map: write a function (lesson 06_mask_rcnn)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellkit_course.comparing import Fault, difference
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_06 import LESSON
from cellkit_course.presenting import present


def label_map(probabilities, scores, least=0.5):
    """Label map (int32) of detections: each pixel to the best mask of those that stay."""
    labels = np.zeros(probabilities.shape[1:], np.int32)
    best = np.zeros(labels.shape)
    for k in np.argsort(-scores):
        mask = probabilities[k] > 0.5
        new = mask & (labels == 0)
        if scores[k] < least or new.sum() < 0.5 * mask.sum():
            continue
        sure = probabilities[k] * scores[k]
        wins = mask & (sure > best)
        labels[wins] = labels.max() + 1
        best[wins] = sure[wins]
    return labels


def _merged(probabilities, scores, least=0.5, order=None, left_out=None, mask_of=None,
            wins_of=None, first=1):
    """``label_map`` with one of its steps exchanged."""
    labels = np.zeros(probabilities.shape[1:], np.int32)
    best, seen = np.zeros(labels.shape), np.zeros(labels.shape, bool)
    number = first
    for k in np.argsort(-scores) if order is None else order:
        mask = probabilities[k] > 0.5 if mask_of is None else mask_of(probabilities[k], scores[k])
        new = (mask & (labels == 0)).sum()
        unseen, seen = (mask & ~seen).sum(), seen | mask
        out = (scores[k] < least or 2 * new < mask.sum() if left_out is None
               else left_out(scores[k], new, mask.sum(), unseen))
        if out:
            continue
        sure = probabilities[k] * scores[k]
        wins = mask & (sure > best if wins_of is None else wins_of(labels, probabilities[k], best))
        labels[wins], best[wins] = number, (sure if wins_of is None else probabilities[k])[wins]
        number += 1
    return labels


def _label_in_list_order(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least, order=range(len(scores)))


def _label_worst_first(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least, order=np.argsort(scores))


def _label_all_scores(probabilities, scores, least=0.5):
    return label_map(probabilities, scores, -1)


def _label_above_least(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least,
                   left_out=lambda score, new, size, _: score <= least or 2 * new < size)


def _label_always_half(probabilities, scores, least=0.5):
    return label_map(probabilities, scores)


def _label_second_looks(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least, left_out=lambda score, *_: score < least)


def _label_no_overlap(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least,
                   left_out=lambda score, new, size, _: score < least or new < size)


def _label_turned(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least,
                   left_out=lambda score, new, size, _: score < least or 2 * new > size)


def _label_more_than_half(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least,
                   left_out=lambda score, new, size, _: score < least or 2 * new <= size)


def _label_against_all_better(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least,
                   left_out=lambda score, _, size, unseen: score < least or 2 * unseen < size)


def _label_first_come(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least, wins_of=lambda labels, *_: labels == 0)


def _label_last_come(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least, wins_of=lambda labels, *_: labels >= 0)


def _label_by_probability(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least, wins_of=lambda labels, sure, best: sure > best)


def _label_mask_above_zero(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least, mask_of=lambda probability, _: probability > 0)


def _label_mask_times_score(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least, mask_of=lambda p, score: p * score > 0.5)


def _label_mask_above_least(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least, mask_of=lambda probability, _: probability > least)


def _label_one_number(probabilities, scores, least=0.5):
    return (label_map(probabilities, scores, least) > 0).astype(np.int32)


def _label_from_zero(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least, first=0)


def _label_in_int64(probabilities, scores, least=0.5):
    return label_map(probabilities, scores, least).astype(np.int64)


def _label_floats(probabilities, scores, least=0.5):
    return label_map(probabilities, scores, least).astype(float)


def _label_layers(probabilities, scores, least=0.5):
    labels = label_map(probabilities, scores, least)
    return (labels == np.arange(1, labels.max() + 1)[:, None, None]).astype(np.int32)


def _label_halves_rounded_down(probabilities, scores, least=0.5):
    return _merged(probabilities, scores, least,
                   left_out=lambda score, new, size, _: score < least or new < size // 2)


def _label_against_each_alone(probabilities, scores, least=0.5):
    masks, stay = probabilities > 0.5, []
    for k in np.argsort(-scores):
        if all(2 * (masks[k] & ~masks[j]).sum() >= masks[k].sum() for j in stay):
            stay.append(k)
    return _merged(probabilities, scores, least, order=stay,
                   left_out=lambda score, *_: score < least)


def _label_beyond_its_mask(probabilities, scores, least=0.5):
    """As ``label_map``, but all that stay compete for each pixel of any mask."""
    masks, taken, stay = probabilities > 0.5, np.zeros(probabilities.shape[1:], bool), []
    for k in np.argsort(-scores):
        if scores[k] >= least and 2 * (masks[k] & ~taken).sum() >= masks[k].sum():
            stay.append(k)
            taken |= masks[k]
    if not stay:
        return np.zeros(taken.shape, np.int32)
    sure = probabilities[stay] * scores[stay][:, None, None]
    return np.where(taken, sure.argmax(axis=0) + 1, 0).astype(np.int32)


def _rows(*rows, columns=12):
    """Detections on a strip: each row is (first column, one past the last, probability)."""
    layers = np.zeros((len(rows), 2, columns), np.float32)
    for layer, (start, stop, probability) in zip(layers, rows, strict=True):
        layer[:, start:stop] = probability
    return layers


def _blobs(seed, count=14, shape=(30, 36)):
    """Round detections with soft rims, many of them over each other, and scores in no order."""
    rng = np.random.default_rng(seed)
    layers = np.zeros((count, *shape), np.float32)
    for layer in layers:
        layer[rng.integers(4, shape[0] - 4), rng.integers(4, shape[1] - 4)] = 1
        layer[:] = ndimage.gaussian_filter(layer, rng.uniform(2, 3.5))
        layer /= layer.max() / rng.uniform(0.8, 1)
    return layers, np.round(rng.uniform(0.3, 1, count), 3)


def _label_cases():
    return [
        Case("stays", "no detection", (np.zeros((0, 3, 4), np.float32), np.zeros(0))),
        Case("stays", "one detection", (_rows((2, 7, 0.9)), np.array([0.8]))),
        Case("stays", "two that lie apart", (_rows((0, 4, 0.9), (6, 9, 0.8)),
                                              np.array([0.6, 0.9]))),
        Case("mask", "one whose rim is below one half",
             (_rows((2, 7, 0.9)) + _rows((1, 2, 0.5)) + _rows((7, 9, 0.3)), np.array([0.8]))),
        Case("mask", "one that is unsure of its pixels, and surely there",
             (_rows((2, 7, 0.6)), np.array([0.7]))),
        Case("score", "one below least, and one that scores just that",
             (_rows((0, 4, 0.9), (6, 9, 0.9)), np.array([0.4, 0.5]))),
        Case("score", "least = 0.3", (_rows((0, 4, 0.9), (6, 9, 0.4), (6, 9, 0.6)),
                                      np.array([0.4, 0.9, 0.25]), 0.3)),
        Case("own", "two looks at one object, the worse one surer of its pixels",
             (_rows((2, 8, 0.6), (2, 9, 1.0)), np.array([0.9, 0.8]))),
        Case("own", "one that has just half of its mask for itself",
             (_rows((0, 6, 0.9), (4, 8, 0.8)), np.array([0.9, 0.8]))),
        Case("own", "two of five pixels for itself, less than half",
             (_rows((0, 6, 0.9), (3, 8, 0.8))[:, :1], np.array([0.9, 0.8]))),
        Case("own", "one that two others cover together",
             (_rows((0, 5, 0.9), (7, 12, 0.9), (3, 9, 0.8)), np.array([0.9, 0.8, 0.7]))),
        Case("own", "a second look, listed first",
             (_rows((1, 9, 0.8), (2, 8, 0.9)), np.array([0.7, 0.9]))),
        Case("own", "one that lies over a second look, which is left out",
             (_rows((0, 6, 0.9), (1, 8, 0.9), (6, 9, 0.7)), np.array([0.9, 0.8, 0.7]))),
        Case("wins", "two that share pixels: the worse one is surer of them",
             (_rows((0, 6, 0.6), (4, 9, 1.0)), np.array([0.9, 0.8]))),
        Case("wins", "two that share pixels: the product decides",
             (_rows((0, 6, 0.8), (4, 9, 0.9)), np.array([0.9, 0.6]))),
        Case("wins", "fourteen blobs", _blobs(3)),
        Case("wins", "fourteen other blobs, least = 0.4", (*_blobs(8), 0.4)),
    ]


def _judge_label_map(case, outcome, again):
    """Whatever the numbers are: one for each object."""
    wanted, value = label_map(*case.args), outcome.value
    kind = difference(np.zeros_like(value) if isinstance(value, np.ndarray) else value,
                      np.zeros_like(wanted))
    if kind:
        return kind
    pairs = np.unique(np.stack([wanted.ravel(), value.ravel()]), axis=1)
    background = {tuple(pair) for pair in pairs.T.tolist() if 0 in pair} <= {(0, 0)}
    if background and all(len(np.unique(side)) == len(side) for side in pairs):
        return None
    return Fault(present(value), f"{present(wanted)}, or the same with other numbers")


def _numbered_as_they_come(labels):
    """The objects numbered in the order of their first pixels, for any numbers are as good."""
    known, first, places = np.unique(labels, return_index=True, return_inverse=True)
    order = first.argsort()[known[first.argsort()] != 0]
    numbers = np.zeros(len(known), labels.dtype)
    numbers[order] = np.arange(1, len(order) + 1)
    return numbers[places].reshape(labels.shape)


EXERCISE = Exercise(
    "label_map", LESSON, "write", points=4, minutes=9,
    answer=label_map, cases=_label_cases, judge=_judge_label_map, form=_numbered_as_they_come,
    asks={
        "wins": "a pixel in several masks goes to the one with the highest probability times score",
        "own": "going from the best score down, a detection is left out if less than half of its "
               "mask lies outside the masks of those that stayed",
        "score": "a detection that scores below least is left out",
        "mask": "the mask of a detection is where its probability is above 0.5",
        "stays": "every detection that stays has a number of its own, and 0 is background",
        "int32": "the label map is int32, of shape (H, W)",
    },
    ladder=(
        "two questions, one after the other: who stays, and who gets a pixel that two want",
        "go from the best score to the worst, with two arrays of zeros: the labels, and the best "
        "probability times score so far. Where the labels are still 0, nobody who stayed has a "
        "mask. One who stays takes the pixels of its mask where its product is the higher one",
    ),
    blanks=("mask & (labels == 0)", "scores[k] < least or new.sum() < 0.5 * mask.sum()",
            "mask & (sure > best)"),
    mistakes=(
        Mistake("own", _label_in_list_order,
                "the detections are taken as they come; who stays is decided from the best score "
                "down"),
        Mistake("own", _label_worst_first,
                "the order is upside down: the best score is taken first"),
        Mistake("score", _label_all_scores,
                "least is not asked: detections that score below it are still there"),
        Mistake("score", _label_above_least,
                "one that scores just least is no longer below it, and stays"),
        Mistake("score", _label_always_half, "least is not used: it may be another than 0.5"),
        Mistake("own", _label_second_looks,
                "nobody is left out for lying on a better one: a second look at an object is no "
                "second object"),
        Mistake("own", _label_no_overlap,
                "a detection goes as soon as it meets a better one; it may share up to half of its "
                "mask"),
        Mistake("own", _label_turned,
                "those that lie free go, and those that lie on others stay: the comparison is "
                "turned round"),
        Mistake("own", _label_more_than_half,
                "with just half of its mask for itself a detection stays"),
        Mistake("own", _label_against_all_better,
                "one that was left out itself still pushes others out; look only at those that "
                "stayed"),
        Mistake("wins", _label_first_come,
                "whoever has the better score takes all the pixels; compare probability times "
                "score pixel by pixel"),
        Mistake("wins", _label_last_come,
                "whoever comes last takes all the pixels; compare with the best so far, and "
                "remember it"),
        Mistake("wins", _label_by_probability,
                "the probability alone decides; multiply it by the detection's score"),
        Mistake("mask", _label_mask_above_zero,
                "the mask holds all pixels of the box that are not quite 0; it begins above 0.5"),
        Mistake("mask", _label_mask_times_score,
                "the score belongs to the contest for a pixel; the mask is where the probability "
                "alone is above 0.5"),
        Mistake("mask", _label_mask_above_least,
                "least is a limit for scores; the mask begins above 0.5, whatever least is"),
        Mistake("stays", _label_one_number,
                "every object got the same number: that is a mask"),
        Mistake("stays", _label_from_zero,
                "numbering starts at 0, which is the background, so the best one is lost"),
        Mistake("int32", _label_in_int64,
                "the type is int64, numpy's own choice; the task asks for int32"),
        Mistake("int32", _label_floats,
                "the numbers are floats; give the array of zeros the type np.int32"),
        Mistake("int32", _label_layers,
                "that is a layer for each object; a label map is one array (H, W) with a number "
                "for each"),
        Mistake("own", _label_halves_rounded_down,
                "half of 5 pixels is 2.5, not 2: // rounds it down, so some stay that should go"),
        Mistake("own", _label_against_each_alone,
                "it is compared with each of the others by itself; two together may cover it"),
        Mistake("wins", _label_beyond_its_mask,
                "a detection takes pixels that do not belong to its own mask: only those whose "
                "masks hold a pixel compete for it"),
    ),
)  # fmt: skip
