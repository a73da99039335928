"""sharpen_then_segment: find the bug (lesson 05_double_unet)."""

from __future__ import annotations

import torch
from torch import nn

from cellkit_course.comparing import Fault, difference
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_05 import LESSON


def sharpen_then_segment(sharpen, segment, image):
    """Logits (N, 1, H, W): each sharpened picture gets mean 0 and spread 1, then is segmented."""
    sharp = sharpen(image)
    mean = sharp.mean(dim=(1, 2, 3), keepdim=True)
    spread = sharp.std(dim=(1, 2, 3), keepdim=True)
    return segment((sharp - mean) / spread)


def _double_colleague(sharpen, segment, image):
    sharp = sharpen(image)
    sharp = (sharp - sharp.mean()) / sharp.std()
    with torch.no_grad():
        return segment(sharp)


def _double_no_gradient(sharpen, segment, image):
    with torch.no_grad():
        return sharpen_then_segment(sharpen, segment, image)


def _double_detached(sharpen, segment, image):
    sharp = sharpen(image).detach()
    mean, spread = sharp.mean((1, 2, 3), keepdim=True), sharp.std((1, 2, 3), keepdim=True)
    return segment((sharp - mean) / spread)


def _double_whole_batch(sharpen, segment, image):
    sharp = sharpen(image)
    return segment((sharp - sharp.mean()) / sharp.std())


def _double_bare(sharpen, segment, image):
    return segment(sharpen(image))


def _double_mean_only(sharpen, segment, image):
    sharp = sharpen(image)
    return segment(sharp - sharp.mean(dim=(1, 2, 3), keepdim=True))


def _double_input_standardised(sharpen, segment, image):
    mean = image.mean(dim=(1, 2, 3), keepdim=True)
    spread = image.std(dim=(1, 2, 3), keepdim=True)
    return segment(sharpen((image - mean) / spread))


def _double_image_s_moments(sharpen, segment, image):
    mean = image.mean(dim=(1, 2, 3), keepdim=True)
    spread = image.std(dim=(1, 2, 3), keepdim=True)
    return segment((sharpen(image) - mean) / spread)


def _double_by_row(sharpen, segment, image):
    sharp = sharpen(image)
    return segment((sharp - sharp.mean(3, keepdim=True)) / sharp.std(3, keepdim=True))


def _double_variance(sharpen, segment, image):
    sharp = sharpen(image)
    mean, var = sharp.mean((1, 2, 3), keepdim=True), sharp.var((1, 2, 3), keepdim=True)
    return segment((sharp - mean) / var)


def _double_swapped(sharpen, segment, image):
    sharp = segment(image)
    mean, spread = sharp.mean((1, 2, 3), keepdim=True), sharp.std((1, 2, 3), keepdim=True)
    return sharpen((sharp - mean) / spread)


def _double_unfrozen(sharpen, segment, image):
    segment.requires_grad_(True)
    return sharpen_then_segment(sharpen, segment, image)


def _double_min_max(sharpen, segment, image):
    sharp = sharpen(image)
    low, high = sharp.amin((1, 2, 3), keepdim=True), sharp.amax((1, 2, 3), keepdim=True)
    return segment((sharp - low) / (high - low))


def _double_over_the_batch(sharpen, segment, image):
    sharp = sharpen(image)
    return segment((sharp - sharp.mean(0)) / sharp.std(0))


def _double_over_the_batch_guarded(sharpen, segment, image):
    sharp = sharpen(image)
    spread = sharp.std(0, correction=0, keepdim=True).clamp(min=1e-6)
    return segment((sharp - sharp.mean(0, keepdim=True)) / spread)


def _double_without_keepdim(sharpen, segment, image):
    sharp = sharpen(image)
    return segment((sharp - sharp.mean((1, 2, 3))) / sharp.std((1, 2, 3)))


def _double_divided_only(sharpen, segment, image):
    sharp = sharpen(image)
    return segment(sharp / sharp.std(dim=(1, 2, 3), keepdim=True))


def _double_probability(sharpen, segment, image):
    return torch.sigmoid(sharpen_then_segment(sharpen, segment, image))


def _double_cases():
    def part(seed, last):
        net = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.Tanh(), nn.Conv2d(3, 1, 1))
        numbers = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for p in net.parameters():
                p.copy_(last * torch.randn(p.shape, generator=numbers))
        return net

    def pictures(n, seed):
        numbers = torch.Generator().manual_seed(seed)
        bright = torch.arange(1.0, n + 1).reshape(n, 1, 1, 1)
        return bright + bright * torch.randn(n, 1, 40, 30, generator=numbers)

    def case(asks, about, n, seed):
        segment = part(seed + 10, 1.0).requires_grad_(False)
        return Case(asks, about, (part(seed, 0.7), segment, pictures(n, seed)))

    return [case("each", "one picture", 1, 1),
            case("each", "three pictures, each brighter than the last", 3, 2)]


def _judge_double(case, outcome, again):
    sharpen, _, image = outcome.args
    value = outcome.value
    wanted = sharpen_then_segment(*case.args)
    if isinstance(value, torch.Tensor):
        wrong = difference(value, wanted, 5e-3)  # whichever standard deviation was meant
    else:
        wrong = difference(value, wanted)
    if wrong:
        return wrong
    if any(p.requires_grad for p in outcome.args[1].parameters()):
        return Fault("the right logits, but the segmenter's weights are no longer frozen",
                     "a segmenter that stays as it was", _FROZEN)
    learns = value.requires_grad and any(
        g is not None and bool(g.abs().sum() > 0) for g in torch.autograd.grad(
            value.sum(), list(sharpen.parameters()), allow_unused=True))
    if not learns:
        return Fault("the right logits, but no gradient reaches sharpen",
                     "logits through which sharpen can learn", _CUT)
    return None


_CUT = ("the gradient is cut: to learn what helps the segmenter, sharpen must hear through it; the "
        "segmenter is frozen already, its weights are not moved")
_FROZEN = ("the segmenter is frozen, and stays so: gradients pass through a frozen network to what "
           "lies before it")
_KEEPDIM = ("a mean of shape (N,) meets the last axis, the columns, not the pictures: keepdim=True "
            "keeps the axes")
_BATCH = ("this takes mean and spread of all the pictures together; each one has its own, as in "
          "training")
_BETWEEN = ("between the two networks each picture must get mean 0 and spread 1: the segmenter was "
            "trained on such pictures")

_PIXELS = ("mean and spread are taken for each pixel over the batch; take them over the rows and "
           "columns of each picture")

EXERCISE = Exercise(
    "sharpen_then_segment", LESSON, "bug", points=3, minutes=8,
    answer=sharpen_then_segment, cases=_double_cases, judge=_judge_double,
    asks={
        "each": "between the networks each picture gets mean 0 and spread 1, its own",
        "learn": "sharpen can be trained through the segmenter",
        "frozen": "the segmenter stays frozen",
        "logits": "logits come back, as the segmenter gives them",
    },
    ladder=(
        "two questions. Whose mean and spread are these? And what does no_grad cut?",
        "take mean and std over the axes 1, 2 and 3, with keepdim=True, so that each picture "
        "keeps its own. Leave out no_grad: the segmenter's weights are frozen anyway, and sharpen "
        "needs the gradient",
    ),
    blanks=("dim=(1, 2, 3), keepdim=True",),
    mistakes=(
        Mistake("learn", _double_no_gradient, _CUT),
        Mistake("learn", _double_detached, _CUT),
        Mistake("each", _double_whole_batch, _BATCH),
        Mistake("each", _double_colleague,
                "both mistakes are still there: whose mean and spread are these, and what does "
                "no_grad cut?"),
        Mistake("each", _double_bare, _BETWEEN),
        Mistake("each", _double_input_standardised, _BETWEEN),
        Mistake("each", _double_mean_only, "the mean is right; the spread must become 1 as well"),
        Mistake("each", _double_image_s_moments,
                "these are mean and spread of the coarse picture; take those of the sharpened one"),
        Mistake("each", _double_by_row,
                "each row gets its own mean and spread here; take them over the whole picture"),
        Mistake("each", _double_variance, "that divides by the variance; the spread is its root"),
        Mistake("each", _double_swapped, "the order is swapped: first sharpen, then segment"),
        Mistake("frozen", _double_unfrozen, _FROZEN),
        Mistake("each", _double_min_max,
                "this brings each picture between 0 and 1; mean 0 and spread 1 are asked for"),
        Mistake("each", _double_over_the_batch, _PIXELS),
        Mistake("each", _double_over_the_batch_guarded, _PIXELS),
        Mistake("each", _double_without_keepdim, _KEEPDIM),
        Mistake("each", _double_divided_only,
                "the spread is right; the mean must become 0 as well"),
        Mistake("logits", _double_probability,
                "these are probabilities; give back the logits as they are"),
    ),
)  # fmt: skip
