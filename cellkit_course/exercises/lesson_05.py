"""The exercises of lesson 05_double_unet."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import nn
from torch.nn import functional as F

from cellkit.degradation import degrade
from cellkit_course.exercise import Case, Exercise, Fault, Mistake, difference, present

LESSON = "05_double_unet"

# --- spread_left -------------------------------------------------------------------------------


def spread_left(sharp, coarse):
    """Each channel's standard deviation in the coarse picture, as a share of that in the sharp."""
    before, after = sharp.std(axis=(1, 2)), coarse.std(axis=(1, 2))
    left, busy = np.ones(len(before)), before > 0
    left[busy] = after[busy] / before[busy]
    return left


def spread_left_one_by_one(sharp, coarse):
    left = []
    for before, after in zip(sharp, coarse, strict=True):
        spread = before.std()
        left.append(1.0 if spread == 0 else after.std() / spread)
    return np.array(left)


def spread_left_of_flat_channels(sharp, coarse):
    sharp, coarse = (maps.reshape(maps.shape[0], -1) for maps in (sharp, coarse))
    before = sharp.std(1)
    return np.divide(coarse.std(1), before, out=np.ones_like(before), where=before != 0)


def _guarded(over, under):
    return np.where(under == 0, 1, over / np.where(under == 0, 1, under))


def _left_of_variance(sharp, coarse):
    return _guarded(coarse.var(axis=(1, 2)), sharp.var(axis=(1, 2)))


def _left_upside_down(sharp, coarse):
    return _guarded(sharp.std(axis=(1, 2)), coarse.std(axis=(1, 2)))


def _left_unguarded(sharp, coarse):
    return coarse.std(axis=(1, 2)) / sharp.std(axis=(1, 2))


def _left_padded(sharp, coarse):
    return coarse.std(axis=(1, 2)) / (sharp.std(axis=(1, 2)) + 1e-6)


def _left_silent_is_zero(sharp, coarse):
    before = sharp.std(axis=(1, 2))
    return coarse.std(axis=(1, 2)) / np.where(before == 0, np.inf, before)


def _left_of_everything(sharp, coarse):
    return coarse.std() / sharp.std() if sharp.std() else 1.0


def _left_of_columns(sharp, coarse):
    return _guarded(coarse.std(axis=(0, 1)), sharp.std(axis=(0, 1)))


def _left_of_mean(sharp, coarse):
    return _guarded(coarse.mean(axis=(1, 2)), sharp.mean(axis=(1, 2)))


def _left_difference(sharp, coarse):
    return sharp.std(axis=(1, 2)) - coarse.std(axis=(1, 2))


def _left_sample(sharp, coarse):
    return np.where(sharp.std(axis=(1, 2)) == 0, 1, coarse.std(axis=(1, 2)))


def _left_cases():
    rng = np.random.default_rng(0)
    simple = np.array([[[0.0, 2.0], [2.0, 0.0]]])
    return [
        Case("one channel that is half as busy", (simple, simple / 2)),
        Case("one channel that is busier, and brighter", (simple, simple * 3 + 7)),
        Case("two channels, one goes silent",
             (np.concatenate([simple * 3, simple]), np.concatenate([simple * 3, simple * 0]))),
        Case("a channel that is silent in both pictures", (simple * 0, simple * 0)),
        Case("a channel that is silent in the sharp picture only",
             (np.concatenate([simple * 0, simple]), np.concatenate([simple * 2, simple]))),
        Case("a channel that is always 5 in the sharp picture", (simple * 0 + 5, simple * 3)),
        Case("three channels of 4×5", (rng.random((3, 4, 5)), 2 * rng.random((3, 4, 5)))),
    ]


_SILENT = ("a channel that never changes in the sharp picture has no spread to lose; give 1 for "
           "it, whatever it does in the coarse one")

SPREAD_LEFT = Exercise(
    "spread_left", LESSON, "write", points=2, minutes=6,
    answer=spread_left, cases=_left_cases,
    others=(spread_left_one_by_one, spread_left_of_flat_channels),
    mistakes=(
        Mistake(_left_of_variance,
                "that compares variances; their roots, the standard deviations, have the unit of "
                "the values"),
        Mistake(_left_upside_down,
                "upside down: what is left is the coarse picture's spread over the sharp one's"),
        Mistake(_left_unguarded, _SILENT),
        Mistake(_left_padded, _SILENT),
        Mistake(_left_silent_is_zero, _SILENT),
        Mistake(_left_of_everything,
                "one number for each channel is wanted: take the spread over rows and columns "
                "only"),
        Mistake(_left_of_columns, "the channels are axis 0; take the spread over the other two"),
        Mistake(_left_of_mean, "this compares the means; compare the spreads"),
        Mistake(_left_difference, "this subtracts the spreads; divide them"),
        Mistake(_left_sample,
                "this is the coarse picture's spread; now divide by the sharp picture's"),
    ),
)  # fmt: skip

# --- contrast_order ----------------------------------------------------------------------------


def contrast_order():
    """"area", "bilinear", "nearest": the one that leaves most contrast first."""
    return "nearest", "bilinear", "area"


def contrast_order_in_a_list():
    return ["Nearest", " bilinear", "AREA"]


def _order_area_first():
    return "area", "bilinear", "nearest"


def _order_area_then_nearest():
    return "area", "nearest", "bilinear"


def _order_bilinear_first():
    return "bilinear", "nearest", "area"


def _order_bilinear_then_area():
    return "bilinear", "area", "nearest"


def _order_nearest_then_area():
    return "nearest", "area", "bilinear"


def _measured_order():
    """The contrast that each really leaves, on fine noise with a few blobs."""
    rng = np.random.default_rng(0)
    blobs = ndimage.gaussian_filter(rng.standard_normal((128, 128)), 3)
    image = blobs / blobs.std() + rng.standard_normal((128, 128))
    image = (image - image.min()) / np.ptp(image)
    left = {way: degrade(image, 1 / 8, way, antialias=False).std()
            for way in ("area", "bilinear", "nearest")}
    return tuple(sorted(left, key=left.get, reverse=True))


def _judge_order(case, outcome, again):
    wanted = 'three words in some order: "area", "bilinear", "nearest"'
    value = outcome.value
    if isinstance(value, str) or not isinstance(value, (tuple, list)) or len(value) != 3:
        return Fault(present(value), wanted, "return three words, with commas between them")
    words = tuple(str(word).strip().lower() for word in value)
    if set(words) != {"area", "bilinear", "nearest"}:
        return Fault(present(value), wanted)
    if words == _measured_order():
        return None
    return Fault(present(words), "the order that the table below shows")


_AREA = ("a big pixel of \"area\" is the mean of 64 small ones: what becomes of one bright pixel "
         "among 63 grey ones?")
_BILINEAR = ("bilinear without antialiasing mixes a few pixels, nearest mixes none: which of the "
             "two keeps the extremes?")

CONTRAST_ORDER = Exercise(
    "contrast_order", LESSON, "predict", points=1, minutes=3,
    answer=contrast_order, cases=lambda: [Case("your guess")], judge=_judge_order,
    others=(contrast_order_in_a_list,),
    mistakes=(
        Mistake(_order_area_first, _AREA),
        Mistake(_order_area_then_nearest, _AREA),
        Mistake(_order_bilinear_first, _BILINEAR),
        Mistake(_order_bilinear_then_area, _BILINEAR),
        Mistake(_order_nearest_then_area, _AREA),
    ),
)  # fmt: skip

# --- sharpen_then_segment ----------------------------------------------------------------------


def sharpen_then_segment(sharpen, segment, image):
    """Logits (N, 1, H, W): each sharpened picture gets mean 0 and spread 1, then is segmented."""
    sharp = sharpen(image)
    mean = sharp.mean(dim=(1, 2, 3), keepdim=True)
    spread = sharp.std(dim=(1, 2, 3), keepdim=True)
    return segment((sharp - mean) / spread)


def sharpen_then_segment_one_by_one(sharpen, segment, image):
    pictures = []
    for sharp in sharpen(image):
        pictures.append((sharp - sharp.mean()) / sharp.std())
    return segment(torch.stack(pictures))


def sharpen_then_segment_by_instance_norm(sharpen, segment, image):
    return segment(F.instance_norm(sharpen(image)))


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

    def case(about, n, seed):
        segment = part(seed + 10, 1.0).requires_grad_(False)
        return Case(about, (part(seed, 0.7), segment, pictures(n, seed)))

    return [case("one picture", 1, 1), case("three pictures, each brighter than the last", 3, 2)]


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
    learns = value.requires_grad and any(
        g is not None and bool(g.abs().sum() > 0) for g in torch.autograd.grad(
            value.sum(), list(sharpen.parameters()), allow_unused=True))
    if not learns:
        return Fault("the right logits, but no gradient reaches sharpen",
                     "logits through which sharpen can learn", _CUT)
    return None


_CUT = ("the gradient is cut: to learn what helps the segmenter, sharpen must hear through it; the "
        "segmenter is frozen already, its weights are not moved")
_BATCH = ("this takes mean and spread of all the pictures together; each one has its own, as in "
          "training")
_BETWEEN = ("between the two networks each picture must get mean 0 and spread 1: the segmenter was "
            "trained on such pictures")

SHARPEN_THEN_SEGMENT = Exercise(
    "sharpen_then_segment", LESSON, "bug", points=3, minutes=8,
    answer=sharpen_then_segment, cases=_double_cases, judge=_judge_double,
    others=(sharpen_then_segment_one_by_one, sharpen_then_segment_by_instance_norm),
    mistakes=(
        Mistake(_double_no_gradient, _CUT),
        Mistake(_double_detached, _CUT),
        Mistake(_double_whole_batch, _BATCH),
        Mistake(_double_colleague,
                "both mistakes are still there: whose mean and spread are these, and what does "
                "no_grad cut?"),
        Mistake(_double_bare, _BETWEEN),
        Mistake(_double_input_standardised, _BETWEEN),
        Mistake(_double_mean_only, "the mean is right; the spread must become 1 as well"),
        Mistake(_double_image_s_moments,
                "these are mean and spread of the coarse picture; take those of the sharpened one"),
        Mistake(_double_by_row,
                "each row gets its own mean and spread here; take them over the whole picture"),
        Mistake(_double_variance, "that divides by the variance; the spread is its root"),
        Mistake(_double_swapped, "the order is swapped: first sharpen, then segment"),
        Mistake(_double_probability, "these are probabilities; give back the logits as they are"),
    ),
)  # fmt: skip

# --- edge_band ---------------------------------------------------------------------------------


def edge_band(mask, width=2):
    """True where a pixel of the other kind lies at most ``width`` away, centre to centre."""
    if mask.all() or not mask.any():
        return np.zeros_like(mask)
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.where(mask, inside, outside) <= width


def edge_band_by_growing(mask, width=2):
    y, x = np.ogrid[-width : width + 1, -width : width + 1]
    disc = y * y + x * x <= width * width
    return ndimage.binary_dilation(mask, disc) & ndimage.binary_dilation(~mask, disc)


def edge_band_by_shifting(mask, width=2):
    height, length = mask.shape
    around = np.pad(mask, width, mode="edge")
    real = np.pad(np.ones_like(mask), width)
    band = np.zeros_like(mask)
    for dy in range(-width, width + 1):
        for dx in range(-width, width + 1):
            if dy * dy + dx * dx <= width * width:
                window = np.s_[width + dy : width + dy + height, width + dx : width + dx + length]
                band |= (around[window] != mask) & real[window]
    return band


def _band_square(mask, width=2):
    square = np.ones((2 * width + 1, 2 * width + 1), bool)
    return ndimage.binary_dilation(mask, square) & ndimage.binary_dilation(~mask, square)


def _band_diamond(mask, width=2):
    grow = ndimage.binary_dilation
    return grow(mask, iterations=width) & grow(~mask, iterations=width)


def _band_inside(mask, width=2):
    return edge_band(mask, width) & mask


def _band_outside(mask, width=2):
    return edge_band(mask, width) & ~mask


def _band_too_narrow(mask, width=2):
    if mask.all() or not mask.any():
        return np.zeros_like(mask)
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.where(mask, inside, outside) < width


def _band_with_frame(mask, width=2):
    y, x = np.ogrid[-width : width + 1, -width : width + 1]
    disc = y * y + x * x <= width * width
    return ndimage.binary_dilation(mask, disc) & ~ndimage.binary_erosion(mask, disc)


def _band_unguarded(mask, width=2):
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.where(mask, inside, outside) <= width


def _band_rest(mask, width=2):
    return ~edge_band(mask, width)


def _band_of_distances(mask, width=2):
    return np.where(mask, ndimage.distance_transform_edt(mask),
                    ndimage.distance_transform_edt(~mask))


def _band_cases():
    def mask(*rows):
        return np.array([[c == "#" for c in row] for row in rows])

    rng = np.random.default_rng(1)
    blobs = ndimage.gaussian_filter(rng.standard_normal((24, 31)), 2.5) > 0
    return [
        Case("a straight border, width 1", (mask("###...", "###..."), 1)),
        Case("a straight border, width not given", (mask("####.....", "####....."),)),
        Case("one lonely pixel, width 1",
             (mask(".....", ".....", "..#..", ".....", "....."), 1)),
        Case("a corner, width 2",
             (mask("......", "......", "......", "...###", "...###", "...###"), 2)),
        Case("no cell at all", (mask("....", "....", "...."), 2)),
        Case("nothing but cell", (mask("####", "####", "####"), 2)),
        Case("a cell in the picture's corner", (mask("####..", "####..", "......", "......"), 2)),
        Case("blobs, width 3", (blobs, 3)),
    ]


_EUCLID = ("at a corner this reaches too far or not far enough: the distance is measured in a "
           "straight line, so what lies within is a disc")
_BOTH = "the band has two sides: pixels of the cell and pixels of the background"
_EMPTY = ("without a border there is no band: look at what your code does when the mask is all "
          "cell, or has none")

EDGE_BAND = Exercise(
    "edge_band", LESSON, "write", points=3, minutes=8,
    answer=edge_band, cases=_band_cases,
    others=(edge_band_by_growing, edge_band_by_shifting),
    mistakes=(
        Mistake(_band_square, _EUCLID),
        Mistake(_band_diamond, _EUCLID),
        Mistake(_band_inside, _BOTH),
        Mistake(_band_outside, _BOTH),
        Mistake(_band_too_narrow,
                "one pixel too narrow: a pixel that is exactly width away belongs to the band"),
        Mistake(_band_with_frame,
                "the picture's frame became a border; what lies outside is not known, so it is "
                "none"),
        Mistake(_band_unguarded, _EMPTY),
        Mistake(_band_rest, "that is everything but the band"),
        Mistake(_band_of_distances, "these are the distances; say where they are small enough"),
    ),
)  # fmt: skip

# --- task_loss ---------------------------------------------------------------------------------


def task_loss(output, target, weight=0.1):
    """Cross-entropy of the mask plus ``weight`` times the sharpened picture's relative error."""
    mask = F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0])
    error = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    spread = target[:, 1].var(dim=(1, 2)).clamp(min=1)
    return mask + weight * (error / spread).mean()


def task_loss_picture_by_picture(output, target, weight=0.1):
    shares = []
    for (_, sharpened), (_, sharp) in zip(output, target, strict=True):
        shares.append(F.mse_loss(sharpened, sharp) / max(1.0, float(sharp.var())))
    mask = F.binary_cross_entropy_with_logits(output[:, :1], target[:, :1])
    return mask + weight * torch.stack(shares).mean()


def task_loss_with_logs(output, target, weight=0.1):
    logit, truth, sharp = output[:, 0], target[:, 0], target[:, 1]
    mask = (F.softplus(logit) - truth * logit).mean()
    deviation = (sharp - sharp.mean((1, 2), keepdim=True)).square().mean((1, 2))
    scale = torch.maximum(deviation, torch.ones_like(deviation)).sqrt()[:, None, None]
    return mask + weight * ((output[:, 1] - sharp) / scale).square().mean()


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


def _task_as_number(output, target, weight=0.1):
    return task_loss(output, target, weight).item()


def _task_cases():
    numbers = torch.Generator().manual_seed(4)

    def case(about, sizes, spreads, weight):
        n = len(spreads)
        wide = torch.tensor(spreads).reshape(n, 1, 1, 1)
        output = torch.randn(n, 2, *sizes, generator=numbers)
        sharp = 1 + wide * torch.randn(n, 1, *sizes, generator=numbers)
        mask = (torch.rand(n, 1, *sizes, generator=numbers) < 0.4).float()
        output[:, 1:] += sharp
        given = output.requires_grad_(), torch.cat([mask, sharp], 1)
        return Case(about, given if weight is None else (*given, weight))

    return [
        case("one picture, the sharp one of spread 4; weight not given", (48, 40), [4.0], None),
        case("one picture, weight 2", (48, 40), [3.0], 2.0),
        case("one picture, the sharp crop all of one grey", (48, 40), [0.0], 0.5),
        case("three pictures of different contrast", (40, 48), [5.0, 2.0, 0.5], 1.0),
    ]


def _judge_task(case, outcome, again):
    value, wanted = outcome.value, task_loss(*case.args)
    wrong = difference(value, wanted.detach(), 1e-3)  # var may divide by n or by n - 1
    if wrong:
        return wrong
    if not (isinstance(value, torch.Tensor) and value.requires_grad):
        return Fault("the right number, but no gradient runs through it", "a tensor to learn from",
                     _NUMBER)
    return None


_NUMBER = ("the loss must stay a tensor, so that the gradient finds its way back: leave out "
           ".item(), .detach() and float")

TASK_LOSS = Exercise(
    "task_loss", LESSON, "write", points=4, minutes=12,
    answer=task_loss, cases=_task_cases, judge=_judge_task,
    others=(task_loss_picture_by_picture, task_loss_with_logs),
    mistakes=(
        Mistake(_task_plain_mse,
                "the squared error must be divided by the variance of the sharp picture"),
        Mistake(_task_unweighted, "the picture's part is not weighted"),
        Mistake(_task_weight_on_the_mask, "the weight belongs to the picture's part"),
        Mistake(_task_blended, "the mask's part counts fully; only the picture's part is weighted"),
        Mistake(_task_unclamped,
                "a sharp crop of one grey has no variance, and the error is divided by nothing; "
                "divide by no less than 1"),
        Mistake(_task_sigmoid_twice,
                "channel 0 holds logits, and this cross-entropy takes logits: no sigmoid before "
                "it"),
        Mistake(_task_mask_only, "the sharpened picture does not count at all yet"),
        Mistake(_task_image_only, "the mask does not count at all yet"),
        Mistake(_task_channels_swapped, "channel 0 is the mask, channel 1 the picture"),
        Mistake(_task_absolute, "that is the absolute error; square it"),
        Mistake(_task_by_deviation,
                "that divides by the standard deviation; a squared error goes with the variance"),
        Mistake(_task_variance_of_the_batch,
                "each picture has its own variance; divide first, then average over pictures"),
        Mistake(_task_variance_of_the_output,
                "the unit is the sharp picture's variance, not that of what came out"),
        Mistake(_task_as_number, _NUMBER),
    ),
)  # fmt: skip

EXERCISES = (SPREAD_LEFT, CONTRAST_ORDER, SHARPEN_THEN_SEGMENT, EDGE_BAND, TASK_LOSS)
