"""join_skip: write a function (lesson 02_unet_from_scratch)."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from cellkit_course.comparing import Fault, difference
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_02 import LESSON


def join_skip(up, skip):
    """Skip first, then the upsampled maps, padded (or cropped) to the skip's size."""
    rows, columns = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    top, left = int(rows / 2), int(columns / 2)
    up = nn.functional.pad(up, (left, columns - left, top, rows - top))
    return torch.cat([skip, up], dim=1)


def _join(up, skip, order="skip first", dim=1, top=None, left=None, swap=False):
    rows, columns = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    top = int(rows / 2) if top is None else top(rows)
    left = int(columns / 2) if left is None else left(columns)
    padding = (left, columns - left, top, rows - top)
    up = F.pad(up, padding[2:] + padding[:2] if swap else padding)
    return torch.cat([skip, up] if order == "skip first" else [up, skip], dim=dim)


def _join_up_first(up, skip):
    return _join(up, skip, order="up first")


def _join_rows(up, skip):
    return _join(up, skip, dim=2)


def _join_batch(up, skip):
    return _join(up, skip, dim=0)


def _join_corner(up, skip):
    return _join(up, skip, top=lambda rows: 0, left=lambda columns: 0)


def _join_extra_first(up, skip):
    return _join(up, skip, top=lambda rows: rows - int(rows / 2), left=lambda c: c - int(c / 2))


def _join_same_on_both_sides(up, skip):
    rows, columns = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    up = F.pad(up, (columns // 2, columns // 2, rows // 2, rows // 2))
    return torch.cat([skip, up], dim=1)


def _join_axes_swapped(up, skip):
    return _join(up, skip, swap=True)


def _join_detached(up, skip):
    return join_skip(up, skip).detach()


def _join_skip_detached(up, skip):
    return join_skip(up, skip.detach())


def _join_mirrored(up, skip):
    rows, columns = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    top, left = int(rows / 2), int(columns / 2)
    return torch.cat([skip, F.pad(up, (left, columns - left, top, rows - top), "replicate")], 1)


def _join_in_numpy(up, skip):
    return join_skip(up, skip).detach().numpy()


def _join_cropped_at_the_top(up, skip):
    return _join(up, skip, top=lambda rows: rows // 2, left=lambda columns: columns // 2)


def _join_ones(up, skip):
    rows, columns = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    top, left = int(rows / 2), int(columns / 2)
    return torch.cat([skip, F.pad(up, (left, columns - left, top, rows - top), value=1)], dim=1)


def _join_stretched(up, skip):
    return torch.cat([skip, F.interpolate(up, skip.shape[2:])], dim=1)


def _join_stretched_smoothly(up, skip):
    up = F.interpolate(up, skip.shape[2:], mode="bilinear", align_corners=False)
    return torch.cat([skip, up], dim=1)


def _join_skip_cropped(up, skip):
    h, w = up.shape[2:]
    top, left = (skip.shape[2] - h) // 2, (skip.shape[3] - w) // 2
    return torch.cat([skip[:, :, top : top + h, left : left + w], up], dim=1)


def _join_unpadded(up, skip):
    return torch.cat([skip, up], dim=1)


def _join_added(up, skip):
    return join_skip(up, skip)[:, : skip.shape[1]] + join_skip(up, skip)[:, skip.shape[1] :]


def _join_cases():
    def pair(up, skip, seed):
        count = 1 + seed + torch.arange(int(np.prod(up)) + int(np.prod(skip)), dtype=torch.float32)
        up, skip = count[: int(np.prod(up))].reshape(up), -count[int(np.prod(up)) :].reshape(skip)
        return up.requires_grad_(), skip.requires_grad_()

    return [
        Case("channels", "both of one size", pair((1, 1, 2, 2), (1, 1, 2, 2), 0)),
        Case("centred", "one row is missing", pair((1, 1, 2, 2), (1, 1, 3, 2), 1)),
        Case("centred", "one column is missing", pair((1, 1, 2, 2), (1, 1, 2, 3), 2)),
        Case("centred", "two rows are missing", pair((1, 1, 1, 3), (1, 1, 3, 3), 3)),
        Case("centred", "three rows and one column are missing",
             pair((1, 2, 2, 3), (1, 2, 5, 4), 4)),
        Case("crop", "up is larger, by one row and five columns",
             pair((1, 1, 3, 7), (1, 1, 2, 2), 5)),
        Case("crop", "up has six rows too many and five columns too few",
             pair((1, 1, 8, 1), (1, 1, 2, 6), 7)),
        Case("centred", "a batch of two, three channels beside five",
             pair((2, 5, 6, 4), (2, 3, 7, 7), 6)),
    ]


def _judge_join(case, outcome, again):
    wrong = difference(outcome.value, join_skip(*case.args))
    if wrong:
        return wrong
    for name, given in zip(("up", "skip"), outcome.args, strict=True):
        flows = outcome.value.requires_grad and torch.autograd.grad(
            outcome.value.sum(), given, retain_graph=True, allow_unused=True)[0]
        if not isinstance(flows, torch.Tensor) or not flows.any():
            return Fault(f"the right maps, but torch cannot trace them back to {name}",
                         "maps that torch can trace back to up and to skip", _CUT)
    return None


_CUT = ("something cuts the trace that training follows back (detach, no_grad, numpy), so what "
        "lies before could not learn")
_SIDES = ("the padding is not centred: half of what is missing goes before, half after, and an odd "
          "one to the bottom or the right")

EXERCISE = Exercise(
    "join_skip", LESSON, "write", points=2, minutes=10,
    answer=join_skip, cases=_join_cases, judge=_judge_join,
    asks={
        "channels": "the channels of skip come first, then those of up",
        "centred": "up is padded with zeros to the size of skip; an odd row goes to the bottom, "
                   "an odd column to the right",
        "zeros": "what is added are zeros",
        "crop": "if up is larger than skip, it is cropped in the same way",
        "gradient": "torch can trace the result back to both inputs",
    },
    ladder=(
        "two steps: bring up to the rows and columns of skip, then put both together along the "
        "axis of the channels",
        "count the missing rows and columns. Half of them, rounded towards zero, go before, the "
        "rest after. nn.functional.pad takes the last axis first: (left, right, top, bottom); a "
        "negative number crops",
    ),
    blanks=("int(rows / 2)", "left, columns - left, top, rows - top", "dim=1"),
    mistakes=(
        Mistake("channels", _join_up_first,
                "the order is swapped: the channels of skip come first"),
        Mistake("channels", _join_rows, "this puts the maps below each other; channels are axis 1"),
        Mistake("channels", _join_batch, "this makes the batch longer; channels are axis 1"),
        Mistake("centred", _join_corner, _SIDES),
        Mistake("centred", _join_extra_first, _SIDES),
        Mistake("centred", _join_same_on_both_sides,
                "off by one: if an odd number is missing, its halves are not equal; give one side "
                "half, and the other what is left"),
        Mistake("centred", _join_axes_swapped,
                "rows and columns are swapped: nn.functional.pad takes the last axis first, (left, "
                "right, top, bottom)"),
        Mistake("gradient", _join_detached, _CUT),
        Mistake("gradient", _join_skip_detached, _CUT),
        Mistake("zeros", _join_mirrored, "the border is repeated outwards; pad with zeros"),
        Mistake("gradient", _join_in_numpy, "this is a numpy array; a network works on tensors"),
        Mistake("crop", _join_cropped_at_the_top,
                "// rounds a negative number down, so the extra row is cut off at the top; int(… / "
                "2) rounds towards zero"),
        Mistake("zeros", _join_ones, "what is added is not zero; pad with zeros"),
        Mistake("zeros", _join_stretched,
                "up is stretched to the size; it must be padded with zeros"),
        Mistake("zeros", _join_stretched_smoothly,
                "up is stretched to the size; it must be padded with zeros"),
        Mistake("centred", _join_skip_cropped,
                "skip was cropped to the size of up; skip stays whole"),
        Mistake("channels", _join_unpadded,
                "the sizes differ: bring up to the rows and columns of skip first"),
        Mistake("channels", _join_added,
                "the maps are added up; they must stand side by side as channels"),
    ),
)  # fmt: skip
