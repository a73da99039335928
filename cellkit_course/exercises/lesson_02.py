"""The exercises of lesson 02_unet_from_scratch."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from cellkit_course.exercise import Case, Exercise, Fault, Mistake, difference, family, present
from cellkit_course.plans import BASELINE

LESSON = "02_unet_from_scratch"

# --- join_skip ---------------------------------------------------------------------------------


def join_skip(up, skip):
    """Skip first, then the upsampled maps, padded (or cropped) to the skip's size."""
    rows, columns = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    top, left = int(rows / 2), int(columns / 2)
    up = F.pad(up, (left, columns - left, top, rows - top))
    return torch.cat([skip, up], dim=1)


def join_skip_on_a_canvas(up, skip):
    n, channels, h, w = up.shape
    height, width = skip.shape[-2:]
    canvas = skip.new_zeros(n, channels, height, width)
    shared_h, shared_w = min(h, height), min(w, width)
    from_y, from_x = (h - shared_h) // 2, (w - shared_w) // 2
    to_y, to_x = (height - shared_h) // 2, (width - shared_w) // 2
    canvas[:, :, to_y : to_y + shared_h, to_x : to_x + shared_w] = up[
        :, :, from_y : from_y + shared_h, from_x : from_x + shared_w
    ]
    return torch.cat((skip, canvas), 1)


def join_skip_one_axis_at_a_time(up, skip):
    for axis in (2, 3):
        missing = skip.shape[axis] - up.shape[axis]
        if missing < 0:
            up = up.narrow(axis, -missing // 2, skip.shape[axis])
        else:
            before, after = list(up.shape), list(up.shape)
            before[axis], after[axis] = missing // 2, missing - missing // 2
            up = torch.cat([up.new_zeros(before), up, up.new_zeros(after)], dim=axis)
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
        return count[: int(np.prod(up))].reshape(up), -count[int(np.prod(up)) :].reshape(skip)

    return [
        Case("both of one size", pair((1, 1, 2, 2), (1, 1, 2, 2), 0)),
        Case("one row is missing", pair((1, 1, 2, 2), (1, 1, 3, 2), 1)),
        Case("one column is missing", pair((1, 1, 2, 2), (1, 1, 2, 3), 2)),
        Case("two rows are missing", pair((1, 1, 1, 3), (1, 1, 3, 3), 3)),
        Case("three rows and one column are missing", pair((1, 2, 2, 3), (1, 2, 5, 4), 4)),
        Case("up is larger, by one row and five columns", pair((1, 1, 3, 7), (1, 1, 2, 2), 5)),
        Case("up has six rows too many and five columns too few",
             pair((1, 1, 8, 1), (1, 1, 2, 6), 7)),
        Case("a batch of two, three channels beside five", pair((2, 5, 6, 4), (2, 3, 7, 7), 6)),
    ]


_SIDES = ("the padding is not centred: half of what is missing goes before, half after, and an odd "
          "one to the bottom or the right")

JOIN_SKIP = Exercise(
    "join_skip", LESSON, "write", points=2, minutes=10,
    answer=join_skip, cases=_join_cases,
    others=(join_skip_on_a_canvas, join_skip_one_axis_at_a_time),
    mistakes=(
        Mistake(_join_up_first, "the order is swapped: the channels of skip come first"),
        Mistake(_join_rows, "this puts the maps below each other; channels are axis 1"),
        Mistake(_join_batch, "this makes the batch longer; channels are axis 1"),
        Mistake(_join_corner, _SIDES),
        Mistake(_join_extra_first, _SIDES),
        Mistake(_join_same_on_both_sides,
                "off by one: if an odd number is missing, its halves are not equal; give one side "
                "half, and the other what is left"),
        Mistake(_join_axes_swapped,
                "rows and columns are swapped: F.pad takes the last axis first, (left, right, top, "
                "bottom)"),
        Mistake(_join_stretched, "up is stretched to the size; it must be padded with zeros"),
        Mistake(_join_stretched_smoothly,
                "up is stretched to the size; it must be padded with zeros"),
        Mistake(_join_skip_cropped, "skip was cropped to the size of up; skip stays whole"),
        Mistake(_join_unpadded, "the sizes differ: bring up to the rows and columns of skip first"),
        Mistake(_join_added, "the maps are added up; they must stand side by side as channels"),
    ),
)  # fmt: skip

# --- dice --------------------------------------------------------------------------------------


def dice(truth, pred):
    """2 |truth ∩ pred| / (|truth| + |pred|); 1 if both are empty."""
    total = truth.sum() + pred.sum()
    if total == 0:
        return 1.0
    return float(2 * (truth & pred).sum() / total)


def dice_from_counts(truth, pred):
    hits = np.count_nonzero(np.logical_and(truth, pred))
    misses = np.count_nonzero(np.logical_and(truth, ~pred))
    false_alarms = np.count_nonzero(np.logical_and(~truth, pred))
    if hits + misses + false_alarms == 0:
        return 1.0
    return 2 * hits / (2 * hits + misses + false_alarms)


def dice_from_sets(truth, pred):
    truth, pred = set(np.flatnonzero(truth)), set(np.flatnonzero(pred))
    if not truth and not pred:
        return 1
    return 2 * len(truth & pred) / (len(truth) + len(pred))


def _dice_counted_once(truth, pred):
    total = truth.sum() + pred.sum()
    return 1.0 if total == 0 else float((truth & pred).sum() / total)


def _dice_iou(truth, pred):
    union = (truth | pred).sum()
    return 1.0 if union == 0 else float((truth & pred).sum() / union)


def _dice_of_union(truth, pred):
    total = (truth + pred).sum()
    return 1.0 if total == 0 else float(2 * (truth & pred).sum() / total)


def _dice_without_guard(truth, pred):
    return float(2 * (truth & pred).sum() / (truth.sum() + pred.sum()))


def _dice_empty_is_zero(truth, pred):
    return dice(truth, pred) if truth.any() or pred.any() else 0.0


def _dice_smoothed(truth, pred):
    return float((2 * (truth & pred).sum() + 1) / (truth.sum() + pred.sum() + 1))


def _dice_accuracy(truth, pred):
    return float((truth == pred).mean())


def _dice_precision(truth, pred):
    return float((truth & pred).sum() / pred.sum()) if pred.any() else float(not truth.any())


def _dice_recall(truth, pred):
    return float((truth & pred).sum() / truth.sum()) if truth.any() else float(not pred.any())


def _dice_by_column(truth, pred):
    total = truth.sum(0) + pred.sum(0)
    hit = 2 * (truth & pred).sum(0)
    return float(np.mean(np.where(total == 0, 1.0, hit / np.maximum(total, 1))))


def _dice_rounded_down(truth, pred):
    total = truth.sum() + pred.sum()
    return 1.0 if total == 0 else float(2 * (truth & pred).sum() // total)


def _dice_in_bytes(truth, pred):
    total = truth.sum(dtype=np.uint8) + pred.sum(dtype=np.uint8)
    return 1.0 if total == 0 else float(2 * (truth & pred).sum(dtype=np.uint8) / total)


def _dice_cases():
    def mask(*rows):
        return np.array([[c == "#" for c in row] for row in rows])

    rng = np.random.default_rng(3)
    wide = rng.random((40, 33)) < 0.6, rng.random((40, 33)) < 0.5
    return [
        Case("two masks that agree", (mask("#."), mask("#."))),
        Case("two masks that share nothing", (mask("#."), mask(".#"))),
        Case("two empty masks", (mask("..", ".."), mask("..", ".."))),
        Case("an empty truth", (mask("..", ".."), mask("#.", ".."))),
        Case("one pixel found, one missed", (mask("##", ".."), mask("#.", ".."))),
        Case("one pixel found, one false alarm", (mask("#.", ".."), mask("#.", "#."))),
        Case("half of each mask is shared", (mask("##..", "...."), mask(".##.", "...."))),
        Case("more found than missed", (mask("####.", "##..."), mask("###..", "###.#"))),
        Case("1320 pixels", wide),
    ]


DICE = Exercise(
    "dice", LESSON, "write", points=2, minutes=10,
    answer=dice, cases=_dice_cases, others=(dice_from_counts, dice_from_sets),
    mistakes=(
        Mistake(_dice_counted_once,
                "the intersection is counted once; both masks hold it, so it counts twice"),
        Mistake(_dice_iou,
                "that is the IoU: it divides by the union; Dice divides by the sum of both areas"),
        Mistake(_dice_of_union,
                "truth + pred of two bool arrays is the union, not a sum; add the two areas"),
        Mistake(_dice_without_guard,
                "two empty masks divide zero by zero; they agree, so the answer is 1"),
        Mistake(_dice_empty_is_zero,
                "two empty masks agree completely, so the answer is 1, not 0"),
        Mistake(_dice_smoothed,
                "the + 1 that some losses add changes every score a little; leave it out"),
        Mistake(_dice_accuracy,
                "that is the accuracy: it rewards the background; Dice looks at the cells only"),
        Mistake(_dice_precision,
                "that is the precision: cells that were missed count too"),
        Mistake(_dice_recall, "that is the recall: false alarms count too"),
        Mistake(_dice_by_column,
                "the sums run over one axis only, so this is a mean over columns; sum over the "
                "whole mask"),
        Mistake(_dice_rounded_down, "// drops the fraction; divide with /"),
        Mistake(_dice_in_bytes, "the sums overflow: 8 bits count only to 255"),
    ),
)  # fmt: skip

# --- weighted_bce ------------------------------------------------------------------------------


def weighted_bce(logits, target, weight):
    """Mean over pixels of −weight·t·log p − (1 − t)·log(1 − p)."""
    cell = F.softplus(-logits)
    background = F.softplus(logits)
    return (weight * target * cell + (1 - target) * background).mean()


def weighted_bce_by_torch(logits, target, weight):
    weights = torch.where(target == 1, weight, 1.0)
    return F.binary_cross_entropy_with_logits(logits, target, weights)


def weighted_bce_by_hand(logits, target, weight):
    magnitude = torch.log(1 + torch.exp(-logits.abs()))
    per_pixel = logits.clamp(min=0) - logits * target + magnitude
    return (per_pixel * (1 + (weight - 1) * target)).sum() / logits.numel()


def weighted_bce_by_logsigmoid(logits, target, weight):
    is_cell = target > 0.5
    cost = torch.where(is_cell, -weight * F.logsigmoid(logits), -F.logsigmoid(-logits))
    return torch.mean(cost)


def _bce_log_of_sigmoid(logits, target, weight):
    p = torch.sigmoid(logits)
    return (-weight * target * torch.log(p) - (1 - target) * torch.log(1 - p)).mean()


def _bce_clamped(logits, target, weight):
    p = torch.sigmoid(logits).clamp(1e-7, 1 - 1e-7)
    return (-weight * target * torch.log(p) - (1 - target) * torch.log(1 - p)).mean()


def _bce_plus_tiny(logits, target, weight):
    p = torch.sigmoid(logits)
    return (-weight * target * torch.log(p + 1e-8)
            - (1 - target) * torch.log(1 - p + 1e-8)).mean()


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


def _bce_target_swapped(logits, target, weight):
    return weighted_bce(logits, 1 - target, weight)


def _bce_cells_only(logits, target, weight):
    return (weight * target * F.softplus(-logits)).mean()


def _bce_as_float(logits, target, weight):
    return weighted_bce(logits, target, weight).item()


def _bce_per_pixel(logits, target, weight):
    return weight * target * F.softplus(-logits) + (1 - target) * F.softplus(logits)


def _bce_cases():
    def case(about, logits, target, weight):
        logits = torch.tensor(logits, requires_grad=True)
        return Case(about, (logits, torch.tensor(target, dtype=torch.float32), weight))

    some = torch.Generator().manual_seed(7)
    logits = (3 * torch.randn(2, 1, 9, 7, generator=some)).requires_grad_()
    target = (torch.rand(2, 1, 9, 7, generator=some) < 0.3).float()
    return [
        case("one cell pixel, weight 1", [[1.0]], [[1]], 1.0),
        case("one background pixel, weight 1", [[1.0]], [[0]], 1.0),
        case("one cell pixel, weight 3", [[-0.5]], [[1]], 3.0),
        case("one background pixel, weight 3", [[-0.5]], [[0]], 3.0),
        case("three background pixels beside a cell pixel, weight 3",
             [[2.0, -1.0, 0.5, -2.0]], [[1, 0, 0, 0]], 3.0),
        case("logits of ±100, all right", [[100.0, -100.0]], [[1, 0]], 2.0),
        case("logits of ±100, all wrong", [[-100.0, 100.0]], [[1, 0]], 2.0),
        Case("a batch of two pictures, weight 0.5", (logits, target, 0.5)),
        Case("a batch of two pictures, weight 4", (logits, target, 4.0)),
    ]


def _judge_bce(case, outcome, again):
    logits, target, weight = case.args
    wanted = weighted_bce(logits, target, weight)
    value = outcome.value
    if not isinstance(value, torch.Tensor):
        return difference(value, float(wanted), 1e-5) or Fault(
            present(value), present(wanted),
            "this is a plain number; training needs the tensor, so that gradients flow")
    if value.shape:
        return Fault(f"a tensor of shape {tuple(value.shape)}", present(wanted),
                     "there is still a number for each pixel: take the mean over all")
    wrong = difference(value, float(wanted), 1e-5)
    if wrong:
        return wrong
    if not value.requires_grad:
        return Fault("a tensor that is cut off from the logits", "one that gradients flow through",
                     "leave out detach, item, numpy and torch.no_grad: training needs gradients")
    found = torch.autograd.grad(value, outcome.args[0], allow_unused=True)[0]
    known = torch.autograd.grad(wanted, logits)[0]
    wrong = found is None or difference(found, known, 1e-5)
    if wrong:
        return Fault("the right loss, but a wrong slope for the logits",
                     "the slope that the formula has",
                     "every step from the logits to the mean must be torch's own")
    return None


WEIGHTED_BCE = Exercise(
    "weighted_bce", LESSON, "write", points=3, minutes=15,
    answer=weighted_bce, cases=_bce_cases, judge=_judge_bce,
    others=(weighted_bce_by_torch, weighted_bce_by_hand, weighted_bce_by_logsigmoid),
    mistakes=(
        Mistake(_bce_log_of_sigmoid,
                "for logits of ±100 the sigmoid is exactly 0 or 1, and its logarithm is infinite; "
                "softplus or logsigmoid never form p"),
        Mistake(_bce_clamped,
                "clamping p makes the loss finite but wrong for large logits, and there it has no "
                "slope; softplus or logsigmoid never form p"),
        Mistake(_bce_plus_tiny,
                "a tiny number inside the logarithm makes the loss finite but wrong for large "
                "logits; softplus or logsigmoid never form p"),
        Mistake(_bce_of_probabilities,
                "the sigmoid is taken twice: a function named …_with_logits takes it itself"),
        Mistake(_bce_sum, "that is the sum; take the mean, or the loss grows with the picture"),
        Mistake(_bce_unweighted, "weight is not used: a cell pixel counts weight times"),
        Mistake(_bce_background_weighted,
                "the weight is on the background; it belongs to the cell pixels"),
        Mistake(_bce_everything_weighted,
                "every pixel is weighted, which only scales the loss; weight the cell pixels"),
        Mistake(_bce_mean_of_weights,
                "this divides by the sum of the weights; the mean divides by the number of pixels"),
        Mistake(_bce_sign_lost, "the sign is missing: the logarithm of a probability is negative"),
        Mistake(_bce_target_swapped, "cell and background are swapped: 1 is cell"),
        Mistake(_bce_cells_only, "the background pixels cost nothing here; they must"),
        Mistake(_bce_as_float,
                "this is a plain number; training needs the tensor, so that gradients flow"),
        Mistake(_bce_per_pixel,
                "there is still a number for each pixel: take the mean over all"),
    ),
)  # fmt: skip

# --- predict_mask ------------------------------------------------------------------------------


def predict_mask(net, image):
    """Bool mask (H, W): probability above one half."""
    was_training = net.training
    net.eval()
    with torch.no_grad():
        logits = net(torch.tensor(image)[None, None])
    net.train(was_training)
    return (torch.sigmoid(logits[0, 0]) > 0.5).numpy()


def predict_mask_on_a_copy(net, image):
    logits = copy.deepcopy(net).eval()(torch.from_numpy(image).unsqueeze(0).unsqueeze(0))
    return logits.detach().squeeze(0).squeeze(0).numpy() > 0


@torch.inference_mode()
def predict_mask_whatever_happens(net, image):
    before = net.training
    try:
        logits = net.eval()(torch.as_tensor(image).reshape(1, 1, *image.shape))
        return torch.sigmoid(logits).squeeze((0, 1)).gt(0.5).cpu().numpy()
    finally:
        net.train(before)


def _mask_colleague(net, image):
    net.train()
    logits = net(torch.tensor(image)[None, None])
    return (logits[0, 0] > 0.5).detach().numpy()


def _mask_still_training(net, image):
    net.train()
    logits = net(torch.tensor(image)[None, None])
    return (torch.sigmoid(logits[0, 0]) > 0.5).detach().numpy()


def _mask_mode_untouched(net, image):
    return (net(torch.tensor(image)[None, None])[0, 0] > 0).detach().numpy()


def _mask_logits_at_half(net, image):
    was_training = net.training
    logits = net.eval()(torch.tensor(image)[None, None])
    net.train(was_training)
    return (logits[0, 0] > 0.5).detach().numpy()


def _mask_mode_not_restored(net, image):
    net.eval()
    return (net(torch.tensor(image)[None, None])[0, 0] > 0).detach().numpy()


def _mask_always_training_after(net, image):
    mask = predict_mask(net, image)
    net.train()
    return mask


def _mask_probability_above_zero(net, image):
    was_training = net.training
    p = torch.sigmoid(net.eval()(torch.tensor(image)[None, None]))[0, 0]
    net.train(was_training)
    return (p > 0).detach().numpy()


def _mask_background(net, image):
    return ~predict_mask(net, image)


def _mask_probabilities(net, image):
    was_training = net.training
    p = torch.sigmoid(net.eval()(torch.tensor(image)[None, None]))[0, 0]
    net.train(was_training)
    return p.detach().numpy()


def _mask_as_numbers(net, image):
    return predict_mask(net, image).astype(np.float32)


def _mask_with_batch(net, image):
    return predict_mask(net, image)[None, None]


def _mask_softmax(net, image):
    was_training = net.training
    p = torch.softmax(net.eval()(torch.tensor(image)[None, None]), dim=0)[0, 0]
    net.train(was_training)
    return (p > 0.5).detach().numpy()


def _mask_cases():
    def case(about, between, image, training):
        net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), between, nn.ReLU(), nn.Conv2d(4, 1, 1))
        image, numbers = image.astype(np.float32), torch.Generator().manual_seed(2)
        for name, values in net.state_dict().items():
            if "running" in name:
                values.uniform_(0.3, 3, generator=numbers)  # batch norm that has seen pictures
            elif values.ndim:
                values.normal_(generator=numbers)
        with torch.no_grad():  # about half shall be cell, and no logit so near 0 that it may round
            logits = net.eval()(torch.tensor(image)[None, None]).flatten().sort().values
            third = logits[len(logits) // 3 : 2 * len(logits) // 3]
            widest = third.diff().argmax()
            net[-1].bias -= (third[widest] + third[widest + 1]) / 2
        return Case(about, (net.train(training), image))

    plain = nn.Conv2d(1, 1, 1)
    with torch.no_grad():
        plain.weight.fill_(1)
        plain.bias.fill_(0)
    pixels = np.random.default_rng(8).normal(size=(9, 14))

    return [
        Case("a network that returns the picture as logits",
             (nn.Sequential(plain).eval(), np.array([[-1, 0.2], [0.7, 3]], np.float32))),
        case("batch norm, the network ready to predict", nn.BatchNorm2d(4), pixels, False),
        case("batch norm, the network in training", nn.BatchNorm2d(4), pixels, True),
        case("dropout, the network in training", nn.Dropout(0.5), pixels[:, :7], True),
    ]


_MODE = ("give the network back in the mode it came in: remember net.training before, and set it "
         "again after")


def _judge_mask(case, outcome, again):
    net, image = case.args
    wrong = difference(outcome.value, predict_mask(copy.deepcopy(net), image))
    if wrong:
        return wrong
    given = outcome.args[0]
    if given.training != net.training:
        words = {True: "training", False: "ready to predict"}
        return Fault(f"the right mask, and the network left {words[given.training]}",
                     f"the network left {words[net.training]}, as it came", _MODE)
    for now, before in zip(given.state_dict().values(), net.state_dict().values(), strict=True):
        if not torch.equal(now, before):
            return Fault("the right mask, but the network has changed", "the network as it came",
                         "batch norm goes on learning while the network is in training mode")
    return None


_LOGITS = ("the logits are compared with 0.5; it is the probability that must be above 0.5: take "
           "the sigmoid first")
_TRAINING = ("the network predicts in training mode: batch norm and dropout behave differently "
             "there; switch to net.eval()")

_EVERYTHING = ("everything became cell: every probability is above 0, so compare with 0.5; and a "
               "softmax over one channel or one picture is always 1, so take the sigmoid")

PREDICT_MASK = Exercise(
    "predict_mask", LESSON, "bug", points=3, minutes=10,
    answer=predict_mask, cases=_mask_cases, judge=_judge_mask,
    others=(predict_mask_on_a_copy, predict_mask_whatever_happens),
    mistakes=(
        Mistake(_mask_colleague,
                "both mistakes are still there: look at the mode of the network, and at what is "
                "compared with 0.5"),
        Mistake(_mask_still_training, _TRAINING),
        Mistake(_mask_mode_untouched, _TRAINING),
        Mistake(_mask_logits_at_half, _LOGITS),
        Mistake(_mask_mode_not_restored, _MODE),
        Mistake(_mask_always_training_after, _MODE),
        Mistake(_mask_probability_above_zero,
                _EVERYTHING),
        Mistake(_mask_background, "cell and background are swapped"),
        Mistake(_mask_probabilities,
                "these are probabilities; a mask only says yes or no: compare with 0.5"),
        Mistake(_mask_as_numbers, "a mask is bool; leave the comparison as it is"),
        Mistake(_mask_with_batch,
                "the axes for batch and channel are still there: take [0, 0] of the result"),
        Mistake(_mask_softmax, _EVERYTHING),
    ),
)  # fmt: skip

# --- precision_guess ---------------------------------------------------------------------------


def precision_guess():
    """What a higher threshold does to (precision, recall): each "up", "down" or "same"."""
    return "up", "down"


def precision_guess_in_a_list():
    return [" Up", "DOWN "]


def _guess_swapped():
    return "down", "up"


def _guess_both_up():
    return "up", "up"


def _guess_both_down():
    return "down", "down"


def _guess_precision_only():
    return "up", "same"


def _guess_recall_only():
    return "same", "down"


def _guess_nothing():
    return "same", "same"


def _judge_words(case, outcome, again):
    wanted = 'two words, each "up", "down" or "same": (precision, recall)'
    value = outcome.value
    if isinstance(value, str) or not isinstance(value, (tuple, list)) or len(value) != 2:
        return Fault(present(value), wanted, "return two words, as in: return \"same\", \"same\"")
    words = tuple(str(word).strip().lower() for word in value)
    if not set(words) <= {"up", "down", "same"}:
        return Fault(present(value), wanted)
    if words == _measured_directions():
        return None
    return Fault(present(words), "the pair that the figure below shows")


def _measured_directions():
    """What a higher threshold really does, on a noisy map of a few discs."""
    y, x = np.mgrid[:64, :64]
    truth = ((y % 16 - 8) ** 2 + (x % 16 - 8) ** 2) < 25
    logits = np.where(truth, 1.5, -1.5) + np.random.default_rng(0).normal(0, 1.5, truth.shape)
    scores = []
    for threshold in (0.5, 0.9):
        pred = logits > np.log(threshold / (1 - threshold))
        hit = (truth & pred).sum()
        scores.append((hit / pred.sum(), hit / truth.sum()))
    return tuple("up" if b > a else "down" if b < a else "same"
                 for a, b in zip(*scores, strict=True))


PRECISION_GUESS = Exercise(
    "precision_guess", LESSON, "predict", points=1, minutes=5,
    answer=precision_guess,
    cases=lambda: [Case("your guess")],
    judge=_judge_words,
    others=(precision_guess_in_a_list,),
    mistakes=(
        Mistake(_guess_swapped,
                "the other way round: with a higher threshold fewer pixels are called cell; which "
                "of the two does that help?"),
        Mistake(_guess_both_up,
                "fewer pixels are called cell; can more of the true ones be found then?"),
        Mistake(_guess_both_down,
                "the pixels that are still called cell are the ones the network is surest of"),
        Mistake(_guess_precision_only,
                "some pixels that are no longer called cell were cell; which score counts them?"),
        Mistake(_guess_recall_only,
                "most pixels that are no longer called cell were false alarms; which score counts "
                "them?"),
        Mistake(_guess_nothing, "the mask changes with the threshold, so the scores do"),
    ),
)  # fmt: skip

# --- settings ----------------------------------------------------------------------------------


def settings():
    """width, lr, loss and steps, within the budget."""
    return {"width": 8, "lr": 1e-2, "loss": "soft_dice", "steps": 60}


def settings_narrow_and_long():
    return {"width": 6, "lr": 1e-2, "loss": "soft_dice", "steps": 100}


def _settings_baseline():
    return dict(BASELINE)


def _settings_too_timid():
    return {"width": 8, "lr": 1e-5, "loss": "soft_dice", "steps": 60}


def _settings_too_bold():
    return {"width": 8, "lr": 5.0, "loss": "bce", "steps": 60}


def _settings_too_wide():
    return {"width": 32, "lr": 3e-3, "loss": "bce", "steps": 3}


def _settings_over_budget():
    return {"width": 16, "lr": 1e-2, "loss": "soft_dice", "steps": 60}


def _settings_other_loss():
    return {"width": 8, "lr": 1e-2, "loss": "dice", "steps": 60}


def _settings_forgotten():
    return {"width": 8, "lr": 1e-2, "loss": "soft_dice"}


def _settings_as_text():
    return {"width": 8, "lr": "1e-2", "loss": "soft_dice", "steps": 60}


def _settings_no_dictionary():
    return 8, 1e-2, "soft_dice", 60


_TIMID = "the learning rate is so small that the weights hardly move in so few steps"
_BOLD = "the learning rate is so large that each step jumps over the valley"
_WIDE = "a wide network has used up the budget after a few steps; a narrow one may learn longer"
_LOSS = "look at what each loss asks for, and which one is nearest to what is measured"


def _judge_settings(case, outcome, again):
    from cellkit_course import tuning

    value = outcome.value
    wanted = "a dictionary with width, lr, loss and steps"
    if not isinstance(value, dict) or set(value) != set(BASELINE):
        return Fault(present(value), wanted)
    for key in ("width", "steps", "lr"):
        number = value[key]
        whole = key == "lr" or isinstance(number, (int, np.integer))
        if isinstance(number, (bool, str)) or family(number) != "number" or not whole:
            return Fault(f"{key} = {present(number)}",
                         f"{key} as a {'number' if key == 'lr' else 'whole number'}")
        least = {"width": 2, "steps": 1, "lr": 1e-12}[key]
        if not least <= number < 1e6:
            return Fault(f"{key} = {present(number)}", f"{key} of at least {least:g}",
                         "a network without channels, steps or learning rate learns nothing")
    if value["loss"] not in tuning.LOSSES:
        return Fault(f"loss = {present(value['loss'])}", " or ".join(map(repr, tuning.LOSSES)))
    cost, limit = tuning.budget(value), tuning.budget(BASELINE)
    if cost > limit:
        return Fault(f"width² · steps = {cost:g}", f"at most {limit:g}")
    settings = {key: kind(value[key]) for key, kind in
                (("width", int), ("lr", float), ("loss", str), ("steps", int))}
    needed = f"Dice of at least {tuning.target():.3f}"
    timid, bold, wide = (settings["lr"] < 1e-3, settings["lr"] >= 0.1, settings["width"] > 16)
    hint = _TIMID if timid else _BOLD if bold else _WIDE if wide else _LOSS
    try:
        score = tuning.score(settings)
    except ValueError as problem:  # the loss became infinite
        return Fault(str(problem), needed, hint)
    return None if score >= tuning.target() else Fault(f"Dice {score:.3f}", needed, hint)


def _praise_settings(outcome):
    from cellkit_course import tuning

    score = tuning.score({key: outcome.value[key] for key in BASELINE})
    measured = tuning.measured()
    return (f"Dice {score:.3f}; the baseline reaches {measured['mean']:.3f} ± "
            f"{measured['spread']:.3f} over {len(measured['dice'])} seeds (measured earlier).")


SETTINGS = Exercise(
    "settings", LESSON, "tune", points=5, minutes=25,
    answer=settings,
    cases=lambda: [Case("a training on eight small synthetic pictures, twice")],
    judge=_judge_settings, remark=_praise_settings,
    others=(settings_narrow_and_long,),
    mistakes=(
        Mistake(_settings_baseline, "that is the baseline itself; change what holds it back"),
        Mistake(_settings_too_timid, _TIMID),
        Mistake(_settings_too_bold, _BOLD),
        Mistake(_settings_too_wide, _WIDE),
        Mistake(_settings_over_budget,
                "width counts twice: with half the width you may take four times the steps"),
        Mistake(_settings_other_loss,
                "this loss has another name here: the names stand in the task"),
        Mistake(_settings_forgotten, "all four settings must be there: width, lr, loss, steps"),
        Mistake(_settings_as_text, "a number stands in quotes: leave them out"),
        Mistake(_settings_no_dictionary, "write a dictionary: {\"width\": …, \"lr\": …, …}"),
    ),
)  # fmt: skip

EXERCISES = (JOIN_SKIP, DICE, WEIGHTED_BCE, PREDICT_MASK, PRECISION_GUESS, SETTINGS)
