"""task_loss: write a function (lesson 05_double_unet)."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from cellkit_course.comparing import Fault, difference
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_05 import LESSON


def task_loss(output, target, weight=0.1):
    """Cross-entropy of the mask plus ``weight`` times the sharpened picture's relative error."""
    mask = F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0])
    error = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    spread = target[:, 1].var(dim=(1, 2)).clamp(min=1)
    return mask + weight * (error / spread).mean()


def _task(output, target, weight, relative=True, floor=1.0, sigmoid=False):
    logit = torch.sigmoid(output[:, 0]) if sigmoid else output[:, 0]
    mask = F.binary_cross_entropy_with_logits(logit, target[:, 0])
    error = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    if relative:
        error = error / target[:, 1].var(dim=(1, 2)).clamp(min=floor)
    return mask, error.mean(), weight


def _task_plain_mse(output, target, weight=0.1):
    mask, error, weight = _task(output, target, weight, relative=False)
    return mask + weight * error


def _task_unweighted(output, target, weight=0.1):
    mask, error, _ = _task(output, target, weight)
    return mask + error


def _task_weight_on_the_mask(output, target, weight=0.1):
    mask, error, _ = _task(output, target, weight)
    return weight * mask + error


def _task_blended(output, target, weight=0.1):
    mask, error, _ = _task(output, target, weight)
    return (1 - weight) * mask + weight * error


def _task_unclamped(output, target, weight=0.1):
    mask, error, _ = _task(output, target, weight, floor=0.0)
    return mask + weight * error


def _task_sigmoid_twice(output, target, weight=0.1):
    mask, error, _ = _task(output, target, weight, sigmoid=True)
    return mask + weight * error


def _task_mask_only(output, target, weight=0.1):
    return _task(output, target, weight)[0]


def _task_image_only(output, target, weight=0.1):
    return weight * _task(output, target, weight)[1]


def _task_channels_swapped(output, target, weight=0.1):
    return task_loss(output.flip(1), target.flip(1), weight)


def _task_absolute(output, target, weight=0.1):
    error = (output[:, 1] - target[:, 1]).abs().mean(dim=(1, 2))
    spread = target[:, 1].var(dim=(1, 2)).clamp(min=1)
    return _task(output, target, weight)[0] + weight * (error / spread).mean()


def _task_by_deviation(output, target, weight=0.1):
    error = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    spread = target[:, 1].std(dim=(1, 2)).clamp(min=1)
    return _task(output, target, weight)[0] + weight * (error / spread).mean()


def _task_variance_of_the_batch(output, target, weight=0.1):
    error = ((output[:, 1] - target[:, 1]) ** 2).mean()
    return _task(output, target, weight)[0] + weight * error / target[:, 1].var().clamp(min=1)


def _task_variance_of_the_output(output, target, weight=0.1):
    error = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    spread = output[:, 1].var(dim=(1, 2)).clamp(min=1)
    return _task(output, target, weight)[0] + weight * (error / spread).mean()


def _task_ratio_of_means(output, target, weight=0.1):
    error = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    spread = target[:, 1].var(dim=(1, 2)).clamp(min=1)
    return _task(output, target, weight)[0] + weight * error.mean() / spread.mean()


def _task_always_a_tenth(output, target, weight=0.1):
    return task_loss(output, target)


def _task_log_of_sigmoid(output, target, weight=0.1):
    p, t = torch.sigmoid(output[:, 0]), target[:, 0]
    mask = -(t * p.log() + (1 - t) * (1 - p).log()).mean()
    return mask + weight * _task(output, target, weight)[1]


def _task_plus_one(output, target, weight=0.1):
    error = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    return _task(output, target, weight)[0] + weight * (
        error / (target[:, 1].var(dim=(1, 2)) + 1)).mean()


def _task_summed(output, target, weight=0.1):
    error = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    spread = target[:, 1].var(dim=(1, 2)).clamp(min=1)
    return _task(output, target, weight)[0] + weight * (error / spread).sum()


def _task_logits_of_picture(output, target, weight=0.1):
    mask = F.binary_cross_entropy_with_logits(output[:, 1], target[:, 0])
    return mask + weight * _task(output, target, weight)[1]


def _task_error_of_logits(output, target, weight=0.1):
    error = ((output[:, 0] - target[:, 1]) ** 2).mean(dim=(1, 2))
    spread = target[:, 1].var(dim=(1, 2)).clamp(min=1)
    return _task(output, target, weight)[0] + weight * (error / spread).mean()


def _task_logits_and_error_swapped(output, target, weight=0.1):
    swapped = output.flip(1)
    return task_loss(swapped, target, weight)


def _task_per_picture(output, target, weight=0.1):
    error = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    spread = target[:, 1].var(dim=(1, 2)).clamp(min=1)
    return _task(output, target, weight)[0] + weight * error / spread


def _task_picture_detached(output, target, weight=0.1):
    mask, error, _ = _task(output, target, weight)
    return mask + weight * error.detach()


def _task_capped(output, target, weight=0.1):
    error = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    spread = target[:, 1].var(dim=(1, 2)).clamp(max=1)
    return _task(output, target, weight)[0] + weight * (error / spread).mean()


def _task_mask_summed(output, target, weight=0.1):
    mask = F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0], reduction="sum")
    return mask + weight * _task(output, target, weight)[1]


def _task_as_number(output, target, weight=0.1):
    return task_loss(output, target, weight).item()


def _task_of_probabilities(output, target, weight=0.1):
    mask = F.binary_cross_entropy(torch.sigmoid(output[:, 0]), target[:, 0])
    return mask + weight * _task(output, target, weight)[1]


def _task_all_pairs(output, target, weight=0.1):
    error = ((output[:, 1:] - target[:, 1]) ** 2).mean(dim=(1, 2, 3))
    spread = target[:, 1].var(dim=(1, 2)).clamp(min=1)
    return _task(output, target, weight)[0] + weight * (error / spread).mean()


def _task_hardly_clamped(output, target, weight=0.1):
    mask, error, _ = _task(output, target, weight, floor=1e-6)
    return mask + weight * error


def _task_cross_entropy_of_classes(output, target, weight=0.1):
    mask = F.cross_entropy(output[:, 0], target[:, 0])
    return mask + weight * _task(output, target, weight)[1]


def _task_mask_of_both_channels(output, target, weight=0.1):
    mask = F.binary_cross_entropy_with_logits(output, target)
    return mask + weight * _task(output, target, weight)[1]


def _task_truth_first(output, target, weight=0.1):
    mask = F.binary_cross_entropy_with_logits(target[:, 0], output[:, 0])
    return mask + weight * _task(output, target, weight)[1]


def _task_only_zero_replaced(output, target, weight=0.1):
    error = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    spread = target[:, 1].var(dim=(1, 2))
    spread = torch.where(spread == 0, torch.ones_like(spread), spread)
    return _task(output, target, weight)[0] + weight * (error / spread).mean()


def _task_cases():
    numbers = torch.Generator().manual_seed(4)

    def case(asks, about, sizes, spreads, weight):
        n = len(spreads)
        wide = torch.tensor(spreads).reshape(n, 1, 1, 1)
        output = torch.randn(n, 2, *sizes, generator=numbers)
        sharp = 1 + wide * torch.randn(n, 1, *sizes, generator=numbers)
        mask = (torch.rand(n, 1, *sizes, generator=numbers) < 0.4).float()
        output[:, 1:] = sharp + 2 * wide.clamp(min=1) * output[:, 1:]
        given = output.requires_grad_(), torch.cat([mask, sharp], 1)
        return Case(asks, about, given if weight is None else (*given, weight))

    return [
        case("relative", "one picture, the sharp one of spread 4; weight not given",
             (48, 40), [4.0], None),
        case("weight", "one picture, weight 2", (48, 40), [3.0], 2.0),
        case("floor", "one picture, the sharp crop all of one grey", (48, 40), [0.0], 0.5),
        _certain(30, "one picture, logits of ±30"),
        _certain(-30, "one picture, logits of ±30, all wrong"),
        case("relative", "three pictures of different contrast", (40, 48), [5.0, 2.0, 0.5], 1.0),
    ]


def _certain(logit, about):
    """Logits so large that the sigmoid is exactly 0 or 1 in float32; all wrong, if negative."""
    mask = (torch.arange(48 * 40).reshape(1, 1, 48, 40) % 3 == 0).float()
    sharp = 3 * torch.randn(1, 1, 48, 40, generator=torch.Generator().manual_seed(9))
    output = torch.cat([logit * (2 * mask - 1), sharp + 1], 1).requires_grad_()
    return Case("finite", about, (output, torch.cat([mask, sharp], 1), 1.0))


def _judge_task(case, outcome, again):
    value, wanted = outcome.value, task_loss(*case.args)
    wrong = difference(value, wanted.detach(), SLACK)
    if wrong:
        return wrong
    if not (isinstance(value, torch.Tensor) and value.requires_grad):
        return Fault("the right number, but no gradient runs through it", "a tensor to learn from",
                     _NUMBER)
    found = torch.autograd.grad(value, outcome.args[0], allow_unused=True)[0]
    known = torch.autograd.grad(wanted, case.args[0])[0]
    if found is None or not torch.isfinite(found).all():
        return Fault("the right number, but no finite slope for the output",
                     "the slope that the formula has", _CUT)
    for k in (0, 1):
        size = max(known[:, k].abs().max(), 1e-6 / found[:, k].numel())  # certain: hardly a slope
        if difference(found[:, k] / size, known[:, k] / size, 1e-2):
            cut = found[:, k].abs().max() < 1e-3 * size
            return Fault(f"the right number, but a wrong slope for channel {k} of the output",
                         "the slope that the formula has", _CUT if cut else _BENT)
    return None


_CUT = "the number is right, its slope is not: something on the way cuts the gradient"
_BENT = ("the number is right, its slope is not: the gradient also runs by a way that the formula "
         "does not have, or not by all that it has")
#: The variance may divide by n or by n - 1, which moves a loss by so much.
SLACK = 1e-3


_NUMBER = ("the loss must stay a tensor, so that the gradient finds its way back: leave out "
           ".item(), .detach() and float")

EXERCISE = Exercise(
    "task_loss", LESSON, "write", points=4, minutes=12,
    answer=task_loss, cases=_task_cases, judge=_judge_task, tolerance=SLACK,
    asks={
        "mask": "the binary cross-entropy of the logits, mean over all pixels, counts fully",
        "relative": "each picture's squared error is divided by the variance of its sharp picture",
        "floor": "where that variance is below 1, the error is divided by 1",
        "weight": "the relative error counts weight times, 0.1 if it is not given",
        "finite": "the loss is finite for large logits, too",
        "gradient": "one number comes back, a tensor that gradients flow through",
    },
    ladder=(
        "two numbers, one for the mask, one for the picture. Add them with the weight",
        "the mask's: F.binary_cross_entropy_with_logits of channel 0. The picture's: the squared "
        "error of channel 1, its mean over rows and columns, divided by the variance over rows "
        "and columns, which is clamped to at least 1; then the mean over pictures",
    ),
    blanks=("output[:, 0], target[:, 0]", ".clamp(min=1)", "weight * (error / spread).mean()"),
    mistakes=(
        Mistake("relative", _task_plain_mse,
                "the squared error must be divided by the variance of the sharp picture"),
        Mistake("weight", _task_unweighted, "the picture's part is not weighted"),
        Mistake("weight", _task_weight_on_the_mask, "the weight belongs to the picture's part"),
        Mistake("mask", _task_blended,
                "the mask's part counts fully; only the picture's part is weighted"),
        Mistake("floor", _task_unclamped,
                "a sharp crop of one grey has no variance, and the error is divided by nothing; "
                "divide by no less than 1"),
        Mistake("mask", _task_sigmoid_twice,
                "channel 0 holds logits, and this cross-entropy takes logits: no sigmoid before "
                "it"),
        Mistake("relative", _task_mask_only, "the sharpened picture does not count at all yet"),
        Mistake("mask", _task_image_only, "the mask does not count at all yet"),
        Mistake("mask", _task_channels_swapped, "channel 0 is the mask, channel 1 the picture"),
        Mistake("relative", _task_absolute, "that is the absolute error; square it"),
        Mistake("relative", _task_by_deviation,
                "that divides by the standard deviation; a squared error goes with the variance"),
        Mistake("relative", _task_variance_of_the_batch,
                "each picture has its own variance; divide first, then average over pictures"),
        Mistake("relative", _task_variance_of_the_output,
                "the unit is the sharp picture's variance, not that of what came out"),
        Mistake("relative", _task_ratio_of_means,
                "divide each picture's error by its own variance first, then take the mean"),
        Mistake("weight", _task_always_a_tenth, "weight is not used; it may be another than 0.1"),
        Mistake("finite", _task_log_of_sigmoid,
                "for a large logit the sigmoid is exactly 1, and the logarithm of what is left "
                "infinite; F.binary_cross_entropy_with_logits never forms it"),
        Mistake("floor", _task_plus_one,
                "1 is added to every variance; it only replaces those below 1"),
        Mistake("relative", _task_summed, "the pictures' errors are added up; take their mean"),
        Mistake("mask", _task_logits_of_picture,
                "the cross-entropy is taken of channel 1, the picture; the logits are channel 0"),
        Mistake("relative", _task_error_of_logits,
                "the error is taken of channel 0, the logits; the picture is channel 1"),
        Mistake("mask", _task_logits_and_error_swapped,
                "channel 0 is the logit, channel 1 the picture"),
        Mistake("gradient", _task_per_picture,
                "there is still a number for each picture: take the mean over them"),
        Mistake("gradient", _task_picture_detached, _CUT),
        Mistake("floor", _task_capped, "1 is the least divisor here: clamp(min=1), not max"),
        Mistake("mask", _task_mask_summed,
                "the cross-entropy is summed over the pixels; take the mean"),
        Mistake("gradient", _task_as_number, _NUMBER),
        Mistake("finite", _task_of_probabilities,
                "F.binary_cross_entropy gets p, which is rounded to 0 or 1 here: its loss is 100 "
                "then, whatever the logit, and its slope 0; …_with_logits never forms p"),
        Mistake("relative", _task_all_pairs,
                "shapes (N, 1, H, W) and (N, H, W) meet, so each picture is compared with every "
                "other of the batch: give both the same shape"),
        Mistake("mask", _task_cross_entropy_of_classes,
                "F.cross_entropy takes the rows for classes of which one is true; here each pixel "
                "asks yes or no for itself: that is the binary one"),
        Mistake("mask", _task_mask_of_both_channels,
                "the cross-entropy is taken of both channels; only channel 0 is a mask"),
        Mistake("mask", _task_truth_first,
                "the two have changed places in the cross-entropy: first the logits, then the "
                "true mask"),
        Mistake("floor", _task_only_zero_replaced,
                "only a variance of exactly 0 becomes 1; every variance below 1 should"),
        Mistake("floor", _task_hardly_clamped,
                "a sharp crop of one grey has no variance, and the error is divided by nothing; "
                "divide by no less than 1"),
    ),
)  # fmt: skip
