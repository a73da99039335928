"""weighted_bce: write a function (lesson 02_unet_from_scratch)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional as F

from cellkit_course.comparing import Fault, difference
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_02 import LESSON
from cellkit_course.presenting import present


def weighted_bce(logits, target, weight):
    """Mean over pixels of −weight·t·log p − (1 − t)·log(1 − p)."""
    cell = nn.functional.softplus(-logits)
    background = nn.functional.softplus(logits)
    return (weight * target * cell + (1 - target) * background).mean()


def _bce_log_of_sigmoid(logits, target, weight):
    p = torch.sigmoid(logits)
    return (-weight * target * torch.log(p) - (1 - target) * torch.log(1 - p)).mean()


def _bce_clamped(logits, target, weight):
    p = torch.sigmoid(logits).clamp(1e-3, 1 - 1e-3)
    return (-weight * target * torch.log(p) - (1 - target) * torch.log(1 - p)).mean()


def _bce_plus_tiny(logits, target, weight):
    p = torch.sigmoid(logits)
    return (-weight * target * torch.log(p + 1e-3)
            - (1 - target) * torch.log(1 - p + 1e-3)).mean()


def _bce_of_probabilities(logits, target, weight):
    return F.binary_cross_entropy_with_logits(
        torch.sigmoid(logits), target, pos_weight=torch.tensor(weight))


def _bce_sum(logits, target, weight):
    return F.binary_cross_entropy_with_logits(
        logits, target, pos_weight=torch.tensor(weight), reduction="sum")


def _bce_unweighted(logits, target, weight):
    return F.binary_cross_entropy_with_logits(logits, target)


def _bce_background_weighted(logits, target, weight):
    return (target * F.softplus(-logits) + weight * (1 - target) * F.softplus(logits)).mean()


def _bce_everything_weighted(logits, target, weight):
    return weight * F.binary_cross_entropy_with_logits(logits, target)


def _bce_mean_of_weights(logits, target, weight):
    weights = torch.where(target == 1, weight, 1.0)
    return F.binary_cross_entropy_with_logits(logits, target, weights, reduction="sum") / (
        weights.sum())


def _bce_sign_lost(logits, target, weight):
    return -weighted_bce(logits, target, weight)


def _bce_one_more(logits, target, weight):
    return weighted_bce(logits, target, weight + 1)


def _bce_mean_of_each_kind(logits, target, weight):
    return weight * F.softplus(-logits[target == 1]).mean() + (
        F.softplus(logits[target == 0]).mean())


def _bce_logits_cut(logits, target, weight):
    return weighted_bce(logits.clamp(-20, 20), target, weight)


def _bce_of_sigmoid_by_torch(logits, target, weight):
    return F.binary_cross_entropy(torch.sigmoid(logits), target, 1 + (weight - 1) * target)


def _bce_target_swapped(logits, target, weight):
    return weighted_bce(logits, 1 - target, weight)


def _bce_cells_only(logits, target, weight):
    return (weight * target * F.softplus(-logits)).mean()


def _bce_as_float(logits, target, weight):
    return weighted_bce(logits, target, weight).item()


def _bce_per_pixel(logits, target, weight):
    return weight * target * F.softplus(-logits) + (1 - target) * F.softplus(logits)


def _bce_logits_turned_over(logits, target, weight):
    return weighted_bce(-logits, target, weight)


def _bce_softplus_by_hand(logits, target, weight):
    cell, background = (torch.log(1 + torch.exp(z)) for z in (-logits, logits))
    return (weight * target * cell + (1 - target) * background).mean()


def _bce_cases():
    def case(asks, about, logits, target, weight):
        logits = torch.tensor(logits, requires_grad=True)
        return Case(asks, about, (logits, torch.tensor(target, dtype=torch.float32), weight))

    some = torch.Generator().manual_seed(7)
    logits = (3 * torch.randn(2, 1, 9, 7, generator=some)).requires_grad_()
    target = (torch.rand(2, 1, 9, 7, generator=some) < 0.3).float()
    return [
        case("formula", "one cell pixel, weight 1", [[1.0]], [[1]], 1.0),
        case("formula", "one background pixel, weight 1", [[1.0]], [[0]], 1.0),
        case("formula", "one cell pixel, weight 3", [[-0.5]], [[1]], 3.0),
        case("formula", "one background pixel, weight 3", [[-0.5]], [[0]], 3.0),
        case("mean", "three background pixels beside a cell pixel, weight 3",
             [[2.0, -1.0, 0.5, -2.0]], [[1, 0, 0, 0]], 3.0),
        case("formula", "logits of ±7, all wrong", [[-7.0, 7.0]], [[1, 0]], 2.0),
        case("finite", "logits of ±30, all wrong", [[-30.0, 30.0]], [[1, 0]], 2.0),
        case("finite", "logits of ±100, all right", [[100.0, -100.0]], [[1, 0]], 2.0),
        case("finite", "logits of ±100, all wrong", [[-100.0, 100.0]], [[1, 0]], 2.0),
        Case("formula", "a batch of two pictures, weight 0.5", (logits, target, 0.5)),
        Case("formula", "a batch of two pictures, weight 4", (logits, target, 4.0)),
    ]


def _judge_bce(case, outcome, again):
    logits, target, weight = case.args
    wanted = weighted_bce(logits, target, weight)
    value = outcome.value
    if not isinstance(value, torch.Tensor):
        return difference(value, float(wanted)) or Fault(
            present(value), present(wanted),
            "this is a plain number; training needs the tensor, so that gradients flow")
    if value.shape:
        return Fault(f"a tensor of shape {tuple(value.shape)}", present(wanted),
                     "there is still a number for each pixel: take the mean over all")
    extreme = logits.abs().max() > 20
    if extreme and not torch.isfinite(value):
        return Fault(present(value), "a finite number", _INFINITE)
    wrong = difference(value, float(wanted))
    if wrong:
        return replace(wrong, hint=_CUT) if extreme and not wrong.hint else wrong
    if not value.requires_grad:
        return Fault("a tensor that is cut off from the logits", "one that gradients flow through",
                     "leave out detach, item, numpy and torch.no_grad: training needs gradients")
    found = torch.autograd.grad(value, outcome.args[0], allow_unused=True)[0]
    if found is None:
        return Fault("a tensor that is cut off from the logits", "one that gradients flow through",
                     "no gradient reaches the logits: something on the way is not torch's")
    if not torch.isfinite(found).all():
        return Fault("a loss with an infinite slope, or NaN", "a finite slope", _INFINITE)
    known = torch.autograd.grad(wanted, logits)[0]
    if difference(found, known):
        return Fault("the right loss, but a wrong slope for the logits",
                     "the slope that the formula has",
                     "the loss is right, its slope is not: a clamp, a rounding, a detach, a small "
                     "number inside the logarithm or a probability that is exactly 0 or 1 bends it")
    return None


_INFINITE = ("for logits so far from 0 the sigmoid is rounded to 0 or 1, and its logarithm is "
             "infinite; softplus or logsigmoid never form p")
_CUT = ("for ordinary logits the loss is right, for logits beyond ±20 it is not: a clamp, or a "
        "small number inside the logarithm, cuts it off. softplus or logsigmoid need neither")


EXERCISE = Exercise(
    "weighted_bce", LESSON, "write", points=3, minutes=6,
    answer=weighted_bce, cases=_bce_cases, judge=_judge_bce,
    asks={
        "formula": "a cell pixel costs weight · −log p, a background pixel −log(1 − p)",
        "mean": "the loss is the mean over all pixels",
        "finite": "loss and slope are finite, and right, for logits of ±100, too",
        "gradient": "gradients flow from the loss to the logits",
    },
    ladder=(
        "−log p of a sigmoid is log(1 + exp(−logit)): torch calls it softplus, and it never "
        "overflows",
        "a cell pixel costs weight · softplus(−logit), a background pixel softplus(logit). target "
        "is 1 or 0, so multiply by target and by 1 − target, add, and take the mean",
    ),
    blanks=("weight * target * cell", "(1 - target) * background"),
    mistakes=(
        Mistake("finite", _bce_log_of_sigmoid,
                _INFINITE),
        Mistake("formula", _bce_clamped,
                "p is clamped so much that the loss of ordinary logits changes; clamp less, or "
                "take softplus or logsigmoid, which never form p"),
        Mistake("formula", _bce_plus_tiny,
                "the number inside the logarithm is so large that the loss of ordinary logits "
                "changes; softplus or logsigmoid never form p"),
        Mistake("formula", _bce_of_probabilities,
                "the sigmoid is taken twice: a function named …_with_logits takes it itself"),
        Mistake("mean", _bce_sum,
                "that is the sum; take the mean, or the loss grows with the picture"),
        Mistake("formula", _bce_unweighted, "weight is not used: a cell pixel counts weight times"),
        Mistake("formula", _bce_background_weighted,
                "the weight is on the background; it belongs to the cell pixels"),
        Mistake("formula", _bce_everything_weighted,
                "every pixel is weighted, which only scales the loss; weight the cell pixels"),
        Mistake("mean", _bce_mean_of_weights,
                "this divides by the sum of the weights; the mean divides by the number of pixels"),
        Mistake("formula", _bce_sign_lost,
                "the sign is missing: the logarithm of a probability is negative"),
        Mistake("formula", _bce_target_swapped, "cell and background are swapped: 1 is cell"),
        Mistake("formula", _bce_cells_only, "the background pixels cost nothing here; they must"),
        Mistake("formula", _bce_one_more,
                "a cell pixel counts weight + 1 times; it must count weight times"),
        Mistake("mean", _bce_mean_of_each_kind,
                "cell pixels and background pixels have a mean each, so their numbers do not "
                "count, and where one kind is missing that is 0 / 0; take one mean over all"),
        Mistake("finite", _bce_logits_cut, _CUT),
        Mistake("finite", _bce_of_sigmoid_by_torch,
                "binary_cross_entropy gets p, which is rounded to 0 or 1 here: its loss is 100 "
                "then, whatever the logit, and its slope 0; softplus or logsigmoid never form p"),
        Mistake("gradient", _bce_as_float,
                "this is a plain number; training needs the tensor, so that gradients flow"),
        Mistake("mean", _bce_per_pixel,
                "there is still a number for each pixel: take the mean over all"),
        Mistake("formula", _bce_logits_turned_over,
                "the signs of the logits are turned over: sure and right costs most"),
        Mistake("finite", _bce_softplus_by_hand,
                "exp(100) is more than float32 can hold, so this is infinite; torch's softplus and "
                "logsigmoid give the same without forming it"),
    ),
)  # fmt: skip
