"""Answers written from the task texts alone, before the checks were read.

Nobody looked at the exercises' own mistakes, cases or judges to write these, so they measure what
the checks say about a stranger's work.  ``WRONG`` and ``RIGHT``: exercise → functions.
"""

# ruff: noqa: B006, E501, E731, E741
import heapq
import math
from collections import Counter, defaultdict
from fractions import Fraction

import numpy as np
import scipy.stats
import skimage.exposure
import torch
import torch.nn.functional as F
import torchvision.ops
from scipy import ndimage
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage.segmentation import find_boundaries
from skimage.transform import resize

import cellkit as ck

WRONG, RIGHT = defaultdict(list), defaultdict(list)


def wrong(name):
    return lambda f: (WRONG[name].append(f), f)[1]


def right(name):
    return lambda f: (RIGHT[name].append(f), f)[1]


# --- 1.1 paint_cells ---------------------------------------------------------------------------
@wrong("paint_cells")
def paint_first_come(cells, shape):
    out = np.zeros(shape, dtype=np.int32)
    for i, c in enumerate(cells, start=1):
        out[c & (out == 0)] = i
    return out


@wrong("paint_cells")
def paint_sum(cells, shape):
    out = np.zeros(shape, dtype=np.int32)
    for i, c in enumerate(cells):
        out += c * np.int32(i + 1)
    return out


@wrong("paint_cells")
def paint_renumbered(cells, shape):
    out = np.zeros(shape, dtype=np.int32)
    for i, c in enumerate(sorted(cells, key=np.sum, reverse=True)):
        out[c] = i + 1
    return out


@wrong("paint_cells")
def paint_max_label(cells, shape):
    out = np.zeros(shape, dtype=np.int32)
    for i, c in enumerate(cells):
        out = np.maximum(out, np.where(c, i + 1, 0).astype(np.int32))
    return out


@wrong("paint_cells")
def paint_sorted_ascending(cells, shape):
    out = np.zeros(shape, dtype=np.int32)
    for i in np.argsort([c.sum() for c in cells]):
        out[cells[i]] = i + 1
    return out


@wrong("paint_cells")
def paint_height_first(cells, shape):
    out = np.zeros(shape, dtype=np.int32)
    size = [np.any(c, axis=1).sum() for c in cells]
    for i in sorted(range(len(cells)), key=lambda i: size[i], reverse=True):
        out[cells[i]] = i + 1
    return out


@right("paint_cells")
def paint_area_map(cells, shape):
    best = np.full(shape, np.inf)
    out = np.zeros(shape, dtype="int32")
    for i, c in enumerate(cells):
        better = c & (c.sum() < best)
        best[better] = c.sum()
        out[better] = i + 1
    return out


@right("paint_cells")
def paint_pixelwise(cells, shape):
    areas = [int(c.sum()) for c in cells]
    out = np.zeros(shape, np.int32)
    for r in range(shape[0]):
        for s in range(shape[1]):
            here = [(areas[i], i) for i in range(len(cells)) if cells[i][r, s]]
            if here:
                out[r, s] = min(here)[1] + 1
    return out


# --- 1.2 accuracy_of_nothing ---------------------------------------------------------------------
@wrong("accuracy_of_nothing")
def accuracy_percent():
    return 95


@wrong("accuracy_of_nothing")
def accuracy_words():
    return "high"


@wrong("accuracy_of_nothing")
def accuracy_negative():
    return -0.1


@right("accuracy_of_nothing")
def accuracy_fraction():
    return Fraction(19, 20)


@right("accuracy_of_nothing")
def accuracy_numpy():
    return np.float32(0.99)


# --- 1.3 rescale -----------------------------------------------------------------------------------
@wrong("rescale")
def rescale_minmax(image, low=1, high=99.8):
    image = image.astype(np.float32)
    if image.max() == image.min():
        return np.zeros_like(image)
    return (image - image.min()) / (image.max() - image.min())


@wrong("rescale")
def rescale_quantile_as_percent(image, low=1, high=99.8):
    a, b = np.percentile(image, [low / 100, high / 100])
    if a == b:
        return np.zeros(image.shape, np.float32)
    return np.clip((image - a) / (b - a), 0, 1).astype(np.float32)


@wrong("rescale")
def rescale_ignores_arguments(image, low=1, high=99.8):
    a, b = np.percentile(image, [1, 99.8])
    if a == b:
        return np.zeros(image.shape, np.float32)
    return np.clip((image - a) / (b - a), 0, 1).astype(np.float32)


@wrong("rescale")
def rescale_divide_by_top(image, low=1, high=99.8):
    a, b = np.percentile(image, [low, high])
    if a == b:
        return np.zeros(image.shape, np.float32)
    return np.clip((image - a) / b, 0, 1).astype(np.float32)


@wrong("rescale")
def rescale_float64(image, low=1, high=99.8):
    a, b = np.percentile(image, [low, high])
    if a == b:
        return np.zeros(image.shape)
    return np.clip((image - a) / (b - a), 0, 1)


@wrong("rescale")
def rescale_constant_as_ones(image, low=1, high=99.8):
    a, b = np.percentile(image, [low, high])
    if a == b:
        return np.ones(image.shape, np.float32)
    return np.clip((image - a) / (b - a), 0, 1).astype(np.float32)


@right("rescale")
def rescale_interp(image, low=1, high=99.8):
    a, b = np.percentile(image, [low, high])
    if a == b:
        return np.zeros(image.shape, np.float32)
    return np.interp(image, [a, b], [0, 1]).astype(np.float32)


@right("rescale")
def rescale_quantile(image, low=1, high=99.8):
    pic = np.array(image, dtype=float)
    a, b = np.quantile(pic, low / 100), np.quantile(pic, high / 100)
    spread = b - a
    if spread == 0:
        return (pic * 0).astype("f4")
    pic = (pic - a) / spread
    pic[pic < 0] = 0
    pic[pic > 1] = 1
    return pic.astype("f4")


# --- 1.4 resize_pair ---------------------------------------------------------------------------------
@wrong("resize_pair")
def resize_both_nearest(image, labels, shape):
    image = resize(image, shape, order=0, anti_aliasing=False)
    labels = resize(labels, shape, order=0, preserve_range=True, anti_aliasing=False)
    return image.astype(np.float32), labels.astype(np.int32)


def resize_no_preserve(image, labels, shape):
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=0, anti_aliasing=False)
    return image.astype(np.float32), labels.astype(np.int32)


@wrong("resize_pair")
def resize_floor_not_round(image, labels, shape):
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=1, preserve_range=True, anti_aliasing=False)
    return image.astype(np.float32), np.floor(labels).astype(np.int32)


@wrong("resize_pair")
def resize_binary(image, labels, shape):
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels > 0, shape, order=0, preserve_range=True, anti_aliasing=False)
    return image.astype(np.float32), labels.astype(np.int32)


@wrong("resize_pair")
def resize_swapped_return(image, labels, shape):
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=0, preserve_range=True, anti_aliasing=False)
    return labels.astype(np.int32), image.astype(np.float32)


@right("resize_pair")
def resize_by_index(image, labels, shape):
    image = resize(image, shape, order=1, anti_aliasing=True).astype(np.float32)
    r = ((np.arange(shape[0]) + 0.5) * labels.shape[0] / shape[0]).astype(int)
    c = ((np.arange(shape[1]) + 0.5) * labels.shape[1] / shape[1]).astype(int)
    return image, labels[np.ix_(r, c)].astype(np.int32)


@right("resize_pair")
def resize_torch_nearest(image, labels, shape):
    new = F.interpolate(torch.tensor(labels, dtype=torch.float64)[None, None], tuple(shape), mode="nearest-exact")
    return resize(image, shape, order=1, anti_aliasing=True).astype(np.float32), new[0, 0].numpy().astype(np.int32)


# --- 1.5 split_by_well ---------------------------------------------------------------------------------
@wrong("split_by_well")
def split_by_picture(names, fraction, seed):
    rng = np.random.default_rng(seed)
    names = list(rng.permutation(names))
    n = int(fraction * len(names))
    return names[:n], names[n:]


@wrong("split_by_well")
def split_by_line(names, fraction, seed):
    lines = sorted({n.split("_")[0] for n in names})
    np.random.default_rng(seed).shuffle(lines)
    n = max(1, min(len(lines) - 1, round(fraction * len(lines))))
    return [x for x in names if x.split("_")[0] in lines[:n]], [x for x in names if x.split("_")[0] not in lines[:n]]


@wrong("split_by_well")
def split_startswith(names, fraction, seed):
    wells = sorted({"_".join(n.split("_")[:3]) for n in names})
    np.random.default_rng(seed).shuffle(wells)
    first, second = [], []
    for w in wells:
        part = [n for n in names if n.startswith(w)]
        (first if len(first) < fraction * len(names) else second).extend(part)
    if not second:
        second, first = first, second
    return first, second


@wrong("split_by_well")
def split_fraction_of_wells(names, fraction, seed):
    wells = sorted({"_".join(n.split("_")[:3]) for n in names})
    np.random.default_rng(seed).shuffle(wells)
    k = min(max(round(fraction * len(wells)), 1), max(len(wells) - 1, 1))
    return [n for n in names if "_".join(n.split("_")[:3]) in wells[:k]], [n for n in names if "_".join(n.split("_")[:3]) in wells[k:]]


@wrong("split_by_well")
def split_as_sets(names, fraction, seed):
    wells = sorted({"_".join(n.split("_")[:3]) for n in names})
    np.random.default_rng(0).shuffle(wells)
    first = []
    for w in wells[:-1]:
        if len(first) >= fraction * len(names):
            break
        first += [n for n in names if "_".join(n.split("_")[:3]) == w]
    return first, [n for n in names if n not in first]


@wrong("split_by_well")
def split_returns_wells(names, fraction, seed):
    wells = sorted({"_".join(n.split("_")[:3]) for n in names})
    np.random.default_rng(seed).shuffle(wells)
    k = min(max(round(fraction * len(wells)), 1), len(wells) - 1)
    return wells[:k], wells[k:]


@right("split_by_well")
def split_greedy(names, fraction, seed):
    groups = {}
    for n in names:
        groups.setdefault(tuple(n.split("_", 3)[:3]), []).append(n)
    keys = sorted(groups)
    order = np.random.RandomState(seed).permutation(len(keys))
    first, second = [], []
    want = fraction * len(names)
    for i in order:
        g = groups[keys[i]]
        if abs(len(first) + len(g) - want) < abs(len(first) - want):
            first.extend(g)
        else:
            second.extend(g)
    if not first and len(keys) > 1:
        g = groups[keys[order[0]]]
        first, second = g, [n for n in second if n not in g]
    if not second and len(keys) > 1:
        g = groups[keys[order[-1]]]
        second, first = g, [n for n in first if n not in g]
    return first, second


@right("split_by_well")
def split_tuple_of_arrays(names, fraction, seed):
    import random

    wells = sorted({n.rsplit("_", 3)[0] for n in names})
    random.Random(seed).shuffle(wells)
    count = {w: sum(n.rsplit("_", 3)[0] == w for n in names) for w in wells}
    chosen, total = [], 0
    for w in wells[:-1]:
        if chosen and total + count[w] / 2 > fraction * len(names):
            break
        chosen.append(w)
        total += count[w]
    inside = np.array([n.rsplit("_", 3)[0] in chosen for n in names])
    return np.array(names)[inside], np.array(names)[~inside]


# --- 2.1 join_skip ---------------------------------------------------------------------------------
@wrong("join_skip")
def join_pad_right_only(up, skip):
    up = F.pad(up, (0, skip.shape[3] - up.shape[3], 0, skip.shape[2] - up.shape[2]))
    return torch.cat([skip, up], 1)


@wrong("join_skip")
def join_interpolate(up, skip):
    return torch.cat([skip, F.interpolate(up, skip.shape[2:])], 1)


@wrong("join_skip")
def join_up_first(up, skip):
    dy, dx = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    return torch.cat([F.pad(up, (dx // 2, dx - dx // 2, dy // 2, dy - dy // 2)), skip], 1)


@wrong("join_skip")
def join_floor_crop(up, skip):
    dy, dx = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    return torch.cat([skip, F.pad(up, (dx // 2, dx - dx // 2, dy // 2, dy - dy // 2))], 1)


@wrong("join_skip")
def join_add(up, skip):
    dy, dx = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    return skip + F.pad(up, (dx // 2, dx - dx // 2, dy // 2, dy - dy // 2))


@wrong("join_skip")
def join_replicate(up, skip):
    dy, dx = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    t, l = int(dy / 2), int(dx / 2)
    return torch.cat([skip, F.pad(up, (l, dx - l, t, dy - t), mode="replicate")], 1)


@wrong("join_skip")
def join_rows_columns_swapped(up, skip):
    dy, dx = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    t, l = int(dy / 2), int(dx / 2)
    return torch.cat([skip, F.pad(up, (t, dy - t, l, dx - l))], 1)


@right("join_skip")
def join_new_zeros(up, skip):
    n, a, h, w = up.shape
    H, W = skip.shape[2:]
    if h > H:
        o = (h - H) // 2
        up = up[:, :, o:o + H]
    if w > W:
        o = (w - W) // 2
        up = up[..., o:o + W]
    out = skip.new_zeros(n, skip.shape[1] + a, H, W)
    out[:, :skip.shape[1]] = skip
    y, x = (H - up.shape[2]) // 2, (W - up.shape[3]) // 2
    out[:, skip.shape[1]:, y:y + up.shape[2], x:x + up.shape[3]] = up
    return out


# --- 2.2 dice ------------------------------------------------------------------------------------------
@wrong("dice")
def dice_is_iou(truth, pred):
    union = np.logical_or(truth, pred).sum()
    return float(np.logical_and(truth, pred).sum() / union) if union else 1.0


@wrong("dice")
def dice_empty_zero(truth, pred):
    s = truth.sum() + pred.sum()
    return float(2 * np.logical_and(truth, pred).sum() / s) if s else 0.0


@wrong("dice")
def dice_accuracy(truth, pred):
    return float((truth == pred).mean())


@wrong("dice")
def dice_one_if_either_empty(truth, pred):
    if not truth.any() or not pred.any():
        return 1.0
    return float(2 * (truth * pred).sum() / (truth.sum() + pred.sum()))


@wrong("dice")
def dice_smooth(truth, pred):
    return float((2 * (truth & pred).sum() + 1) / (truth.sum() + pred.sum() + 1))


@wrong("dice")
def dice_bool_sum(truth, pred):
    total = (truth + pred).sum()
    return float(2 * (truth * pred).sum() / total) if total else 1.0


@right("dice")
def dice_sets(truth, pred):
    a = set(np.flatnonzero(truth).tolist())
    b = set(np.flatnonzero(pred).tolist())
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0


@right("dice")
def dice_counts(truth, pred):
    tp = np.sum(truth & pred)
    fp = np.sum(~truth & pred)
    fn = np.sum(truth & ~pred)
    if tp + fp + fn == 0:
        return 1
    return (2 * tp / (2 * tp + fp + fn)).item()


@right("dice")
def dice_eps(truth, pred):
    eps = 1e-8
    return float((2 * (truth & pred).sum() + eps) / (truth.sum() + pred.sum() + eps))


@right("dice")
def dice_float32(truth, pred):
    t, p = torch.tensor(truth).float(), torch.tensor(pred).float()
    if t.sum() + p.sum() == 0:
        return 1.0
    return float(2 * (t * p).sum() / (t.sum() + p.sum()))


# --- 2.3 weighted_bce -----------------------------------------------------------------------------------
@wrong("weighted_bce")
def wbce_naive(logits, target, weight):
    p = 1 / (1 + torch.exp(-logits))
    return -(weight * target * torch.log(p) + (1 - target) * torch.log(1 - p)).mean()


@wrong("weighted_bce")
def wbce_weight_all(logits, target, weight):
    return weight * F.binary_cross_entropy_with_logits(logits, target)


@wrong("weighted_bce")
def wbce_weight_background(logits, target, weight):
    return (target * F.softplus(-logits) + weight * (1 - target) * F.softplus(logits)).mean()


@wrong("weighted_bce")
def wbce_sum(logits, target, weight):
    return (weight * target * F.softplus(-logits) + (1 - target) * F.softplus(logits)).sum()


@wrong("weighted_bce")
def wbce_normalised(logits, target, weight):
    cost = weight * target * F.softplus(-logits) + (1 - target) * F.softplus(logits)
    return cost.sum() / (weight * target + 1 - target).sum()


@wrong("weighted_bce")
def wbce_item(logits, target, weight):
    return (weight * target * F.softplus(-logits) + (1 - target) * F.softplus(logits)).mean().item()


@right("weighted_bce")
def wbce_logsigmoid(logits, target, weight):
    return -torch.mean(weight * target * F.logsigmoid(logits) + (1 - target) * F.logsigmoid(-logits))


@right("weighted_bce")
def wbce_where(logits, target, weight):
    cost = torch.where(target > 0.5, weight * F.softplus(-logits), F.softplus(logits))
    return cost.double().mean()


@right("weighted_bce")
def wbce_weight_map(logits, target, weight):
    w = 1 + (weight - 1) * target
    return F.binary_cross_entropy_with_logits(logits, target, weight=w)


# --- 2.4 predict_mask ---------------------------------------------------------------------------------
@wrong("predict_mask")
def predict_only_eval(net, image):
    net.eval()
    return (net(torch.tensor(image)[None, None])[0, 0] > 0.5).detach().numpy()


@wrong("predict_mask")
def predict_leaves_eval(net, image):
    net.eval()
    with torch.no_grad():
        return (net(torch.tensor(image)[None, None])[0, 0].sigmoid() > 0.5).numpy()


@wrong("predict_mask")
def predict_always_train_after(net, image):
    net.eval()
    with torch.no_grad():
        m = (net(torch.tensor(image)[None, None])[0, 0] > 0).numpy()
    net.train()
    return m


@wrong("predict_mask")
def predict_float_mask(net, image):
    mode = net.training
    net.eval()
    with torch.no_grad():
        m = (net(torch.tensor(image)[None, None])[0, 0].sigmoid() > 0.5).float().numpy()
    net.train(mode)
    return m


@wrong("predict_mask")
def predict_four_dims(net, image):
    mode = net.training
    net.eval()
    with torch.no_grad():
        m = (net(torch.tensor(image)[None, None]).sigmoid() > 0.5).numpy()
    net.train(mode)
    return m


@right("predict_mask")
def predict_per_module(net, image):
    modes = [(m, m.training) for m in net.modules()]
    net.eval()
    with torch.inference_mode():
        z = net(torch.from_numpy(np.asarray(image, np.float32)).unsqueeze(0).unsqueeze(0))
    for m, t in modes:
        m.training = t
    return (z > 0).squeeze().cpu().numpy()


@right("predict_mask")
def predict_try(net, image):
    before = net.training
    try:
        net.eval()
        return (net(torch.tensor(image)[None, None]).detach()[0, 0].sigmoid() > 0.5).numpy()
    finally:
        net.train(before)


# --- 2.5 precision_guess ---------------------------------------------------------------------------------
@wrong("precision_guess")
def precision_both_up():
    return "up", "up"


@wrong("precision_guess")
def precision_one_text():
    return "precision up, recall down"


@wrong("precision_guess")
def precision_swapped():
    return ("down", "up")


@wrong("precision_guess")
def precision_numbers():
    return 1, -1


@right("precision_guess")
def precision_array():
    return np.array(["up", "down"])


@right("precision_guess")
def precision_upper():
    return ["Up ", "DOWN"]


# --- 2.6 settings --------------------------------------------------------------------------------------
@wrong("settings")
def settings_baseline():
    return dict(ck.lesson.BASELINE)


@wrong("settings")
def settings_big():
    return {"width": 64, "lr": 1e-3, "loss": "bce", "steps": 500}


@wrong("settings")
def settings_wrong_loss():
    return {"width": 8, "lr": 1e-2, "loss": "dice", "steps": 60}


@wrong("settings")
def settings_missing():
    return {"width": 8, "lr": 1e-2, "steps": 60}


@wrong("settings")
def settings_text_lr():
    return {"width": 8, "lr": "0.01", "loss": "bce", "steps": 60}


# --- 3.1 flip_pair -------------------------------------------------------------------------------------
@wrong("flip_pair")
def flip_vertical(image, labels, rng):
    if rng.random() < 0.5:
        return image[::-1], labels[::-1]
    return image, labels


@wrong("flip_pair")
def flip_always(image, labels, rng):
    return np.fliplr(image), np.fliplr(labels)


@wrong("flip_pair")
def flip_last_axis(image, labels, rng):
    if rng.random() < 0.5:
        return image[..., ::-1], labels[..., ::-1]
    return image, labels


@wrong("flip_pair")
def flip_own_chance(image, labels, rng):
    if np.random.rand() < 0.5:
        return np.fliplr(image), np.fliplr(labels)
    return image, labels


@wrong("flip_pair")
def flip_quarter(image, labels, rng):
    if rng.random() < 0.25:
        return np.fliplr(image), np.fliplr(labels)
    return image, labels


@wrong("flip_pair")
def flip_image_only(image, labels, rng):
    if rng.random() < 0.5:
        image = np.fliplr(image)
    return image, labels


@right("flip_pair")
def flip_choice(image, labels, rng):
    step = rng.choice([1, -1])
    return image[:, ::step].copy(), labels[:, ::step].copy()


@right("flip_pair")
def flip_list(image, labels, rng):
    flip = bool(rng.integers(2))
    return [np.flip(a, axis=1) if flip else a for a in (image, labels)]


# --- 3.2 rotate_pair -----------------------------------------------------------------------------------
@wrong("rotate_pair")
def rotate_both_nearest(image, labels, degrees):
    return (ndimage.rotate(image, degrees, reshape=False, order=0, mode="mirror"),
            ndimage.rotate(labels, degrees, reshape=False, order=0, mode="mirror"))


@wrong("rotate_pair")
def rotate_opposite(image, labels, degrees):
    return (ndimage.rotate(image, degrees, reshape=False, order=1, mode="mirror"),
            ndimage.rotate(labels, -degrees, reshape=False, order=0, mode="mirror"))


@wrong("rotate_pair")
def rotate_reshape(image, labels, degrees):
    return ndimage.rotate(image, degrees, order=1), ndimage.rotate(labels, degrees, order=0)


@wrong("rotate_pair")
def rotate_image_only(image, labels, degrees):
    return ndimage.rotate(image, degrees, reshape=False, order=1, mode="mirror"), labels


@wrong("rotate_pair")
def rotate_snap(image, labels, degrees):
    out = ndimage.rotate(labels, degrees, reshape=False, order=1, mode="mirror")
    out[~np.isin(out, np.unique(labels))] = 0
    return ndimage.rotate(image, degrees, reshape=False, order=1, mode="mirror"), out


@right("rotate_pair")
def rotate_constant_cubic(image, labels, degrees):
    return (ndimage.rotate(image, degrees, reshape=False, order=3, mode="constant"),
            ndimage.rotate(labels, degrees, reshape=False, order=0, mode="constant"))


@right("rotate_pair")
def rotate_per_cell(image, labels, degrees):
    best, out = np.full(labels.shape, 0.5), np.zeros_like(labels)
    for k in np.unique(labels[labels > 0]):
        part = ndimage.rotate((labels == k).astype(float), degrees, reshape=False, order=1, mode="reflect")
        out[part > best] = k
        best = np.maximum(best, part)
    return ndimage.rotate(image, degrees, reshape=False, order=1, mode="reflect"), out


@right("rotate_pair")
def rotate_skimage(image, labels, degrees):
    from skimage.transform import rotate

    return (rotate(image, degrees, order=1, mode="reflect", preserve_range=True),
            rotate(labels, degrees, order=0, mode="reflect", preserve_range=True).astype(labels.dtype))


# --- 3.3 generator_for -----------------------------------------------------------------------------------
@wrong("generator_for")
def generator_sum(seed, epoch, index):
    return np.random.default_rng(seed + epoch + index)


@wrong("generator_for")
def generator_string(seed, epoch, index):
    return np.random.default_rng(int(f"{seed}{epoch}{index}"))


@wrong("generator_for")
def generator_no_epoch(seed, epoch, index):
    return np.random.default_rng([seed, index])


@wrong("generator_for")
def generator_xor(seed, epoch, index):
    return np.random.default_rng(seed ^ (epoch << 4) ^ (index << 8))


@wrong("generator_for")
def generator_old(seed, epoch, index):
    return np.random.RandomState(abs(hash((seed, epoch, index))) % 2**32)


@wrong("generator_for")
def generator_numbers(seed, epoch, index):
    return np.random.default_rng([seed, epoch, index]).random(10)


@wrong("generator_for")
def generator_product(seed, epoch, index):
    return np.random.default_rng((seed + 1) * (epoch + 1) * (index + 1))


@right("generator_for")
def generator_sequence(seed, epoch, index):
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, epoch, index])))


@right("generator_for")
def generator_spawn_key(seed, epoch, index):
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(epoch, index)))


@right("generator_for")
def generator_digest(seed, epoch, index):
    import hashlib

    return np.random.default_rng(int(hashlib.sha256(f"{seed},{epoch},{index}".encode()).hexdigest(), 16))


# --- 3.4 leak_guess ----------------------------------------------------------------------------------------
@wrong("leak_guess")
def leak_percent():
    return 60


@wrong("leak_guess")
def leak_text():
    return "0.6"


@wrong("leak_guess")
def leak_pair():
    return 0.5, 0.6


@right("leak_guess")
def leak_tensor():
    return torch.tensor(0.55)


@right("leak_guess")
def leak_zero():
    return 0


# --- 3.5 prepare ---------------------------------------------------------------------------------------------
@wrong("prepare")
def prepare_still_grown(pictures, share, grow):
    n = round(share * len(pictures))
    return grow(pictures[:n]), grow(pictures[n:])


@wrong("prepare")
def prepare_truncate(pictures, share, grow):
    n = int(share * len(pictures))
    return grow(pictures[:n]), pictures[n:]


@wrong("prepare")
def prepare_swapped(pictures, share, grow):
    n = round(share * len(pictures))
    return pictures[n:], grow(pictures[:n])


@wrong("prepare")
def prepare_no_grow(pictures, share, grow):
    n = round(share * len(pictures))
    return pictures[:n], pictures[n:]


@wrong("prepare")
def prepare_shuffled(pictures, share, grow):
    pictures = list(np.random.default_rng(0).permutation(pictures))
    n = round(share * len(pictures))
    return grow(pictures[:n]), pictures[n:]


@wrong("prepare")
def prepare_last_for_training(pictures, share, grow):
    n = len(pictures) - round(share * len(pictures))
    return grow(pictures[n:]), pictures[:n]


@right("prepare")
def prepare_loop(pictures, share, grow):
    n = round(share * len(pictures))
    train, valid = [], []
    for k, p in enumerate(pictures):
        (train if k < n else valid).append(p)
    return tuple(grow(train)), tuple(valid)


@right("prepare")
def prepare_list(pictures, share, grow):
    cut = round(len(pictures) * share)
    return [grow(pictures[0:cut]), pictures[cut:]]


# --- 4.1 area_mean -----------------------------------------------------------------------------------------
@wrong("area_mean")
def area_stride(image, k):
    return image[::k, ::k]


@wrong("area_mean")
def area_sum(image, k):
    h, w = image.shape
    return image.reshape(h // k, k, w // k, k).sum((1, 3))


@wrong("area_mean")
def area_wrong_reshape(image, k):
    h, w = image.shape
    return image.reshape(k, h // k, k, w // k).mean((0, 2))


@wrong("area_mean")
def area_rows_only(image, k):
    h, w = image.shape
    return image.reshape(h // k, k, w).mean(1)


@wrong("area_mean")
def area_gaussian(image, k):
    return gaussian_filter(image, k / 2)[k // 2::k, k // 2::k]


@wrong("area_mean")
def area_median(image, k):
    h, w = image.shape
    return np.median(image.reshape(h // k, k, w // k, k), axis=(1, 3)).astype(np.float32)


@right("area_mean")
def area_loop(image, k):
    out = np.empty((image.shape[0] // k, image.shape[1] // k), np.float32)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = image[i * k:(i + 1) * k, j * k:(j + 1) * k].mean()
    return out


@right("area_mean")
def area_pool(image, k):
    return F.avg_pool2d(torch.from_numpy(image)[None, None], k)[0, 0].numpy()


@right("area_mean")
def area_skimage(image, k):
    from skimage.measure import block_reduce

    return block_reduce(image, (k, k), np.mean).astype(np.float32)


# --- 4.2 psnr --------------------------------------------------------------------------------------------
@wrong("psnr")
def psnr_overflow(truth, pred, peak=1.0):
    mse = ((truth - pred) ** 2).mean()
    return float(10 * np.log10(peak**2 / mse)) if mse > 0 else float("inf")


@wrong("psnr")
def psnr_natural_log(truth, pred, peak=1.0):
    mse = ((truth.astype(float) - pred) ** 2).mean()
    return float(10 * np.log(peak**2 / mse)) if mse > 0 else float("inf")


@wrong("psnr")
def psnr_peak_of_picture(truth, pred, peak=1.0):
    mse = ((truth.astype(float) - pred) ** 2).mean()
    return float(10 * np.log10(truth.max().astype(float) ** 2 / mse)) if mse > 0 else math.inf


@wrong("psnr")
def psnr_20(truth, pred, peak=1.0):
    mse = ((truth.astype(float) - pred) ** 2).mean()
    return float(20 * np.log10(peak**2 / mse)) if mse > 0 else math.inf


@wrong("psnr")
def psnr_zero_if_equal(truth, pred, peak=1.0):
    mse = ((truth.astype(float) - pred) ** 2).mean()
    return float(10 * np.log10(peak**2 / mse)) if mse > 0 else 0.0


@wrong("psnr")
def psnr_no_square(truth, pred, peak=1.0):
    mse = ((truth.astype(float) - pred) ** 2).mean()
    return float(10 * np.log10(peak / mse)) if mse > 0 else math.inf


@right("psnr")
def psnr_rmse(truth, pred, peak=1.0):
    d = np.subtract(truth, pred, dtype=np.float64)
    rmse = math.sqrt(np.square(d).mean())
    return math.inf if rmse == 0 else 20 * math.log10(peak / rmse)


@right("psnr")
def psnr_float32(truth, pred, peak=1.0):
    mse = np.mean((np.float32(truth) - np.float32(pred)) ** 2)
    if mse == 0:
        return np.inf
    return float(10 * np.log10(np.float32(peak) ** 2 / mse))


# --- 4.3 enlarge -----------------------------------------------------------------------------------------
@wrong("enlarge")
def enlarge_corners(small, shape):
    r = np.linspace(0, small.shape[0] - 1, shape[0])
    c = np.linspace(0, small.shape[1] - 1, shape[1])
    return map_coordinates(small, np.meshgrid(r, c, indexing="ij"), order=1, mode="nearest")


@wrong("enlarge")
def enlarge_no_half(small, shape):
    r = np.arange(shape[0]) * small.shape[0] / shape[0]
    c = np.arange(shape[1]) * small.shape[1] / shape[1]
    return map_coordinates(small, np.meshgrid(r, c, indexing="ij"), order=1, mode="nearest")


@wrong("enlarge")
def enlarge_only_plus_half(small, shape):
    r = (np.arange(shape[0]) + 0.5) * small.shape[0] / shape[0]
    c = (np.arange(shape[1]) + 0.5) * small.shape[1] / shape[1]
    return map_coordinates(small, np.meshgrid(r, c, indexing="ij"), order=1, mode="nearest")


@wrong("enlarge")
def enlarge_zeros_outside(small, shape):
    r = (np.arange(shape[0]) + 0.5) * small.shape[0] / shape[0] - 0.5
    c = (np.arange(shape[1]) + 0.5) * small.shape[1] / shape[1] - 0.5
    return map_coordinates(small, np.meshgrid(r, c, indexing="ij"), order=1, mode="constant")


@wrong("enlarge")
def enlarge_nearest(small, shape):
    r = ((np.arange(shape[0]) + 0.5) * small.shape[0] / shape[0]).astype(int)
    c = ((np.arange(shape[1]) + 0.5) * small.shape[1] / shape[1]).astype(int)
    return small[np.ix_(r, c)]


@wrong("enlarge")
def enlarge_cubic(small, shape):
    r = (np.arange(shape[0]) + 0.5) * small.shape[0] / shape[0] - 0.5
    c = (np.arange(shape[1]) + 0.5) * small.shape[1] / shape[1] - 0.5
    return map_coordinates(small, np.meshgrid(r, c, indexing="ij"), order=3, mode="nearest")


@right("enlarge")
def enlarge_torch(small, shape):
    return F.interpolate(torch.from_numpy(small.copy())[None, None], shape, mode="bilinear")[0, 0].numpy()


@right("enlarge")
def enlarge_separable(small, shape):
    def along(a, n):
        at = np.clip((np.arange(n) + 0.5) * len(a) / n - 0.5, 0, len(a) - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, len(a) - 1)
        t = (at - low)[:, None]
        return a[low] * (1 - t) + a[high] * t

    return along(along(small, shape[0]).T, shape[1]).T.astype(np.float32)


# --- 4.4 mse_guess -----------------------------------------------------------------------------------------
@wrong("mse_guess")
def mse_median():
    return 0.8, 0.2


@wrong("mse_guess")
def mse_half():
    return (0.5, 0.5)


@wrong("mse_guess")
def mse_swapped():
    return 0.32, 0.68


@wrong("mse_guess")
def mse_single():
    return 0.68


@right("mse_guess")
def mse_array():
    return np.array([0.68, 0.32])


@right("mse_guess")
def mse_fractions():
    return [Fraction(17, 25), Fraction(8, 25)]


@right("mse_guess")
def mse_computed():
    pairs = torch.tensor([[0.8, 0.2]] * 4 + [[0.2, 0.8]])
    return pairs.mean(0)


# --- 4.5 sharper -----------------------------------------------------------------------------------------
@wrong("sharper")
def sharper_bicubic(small, shape):
    return np.clip(ck.enlarge(small, shape), 0, 1)


@wrong("sharper")
def sharper_blur(small, shape):
    return gaussian_filter(ck.enlarge(small, shape), 0.5).clip(0, 1)


@wrong("sharper")
def sharper_too_much(small, shape):
    large = ck.enlarge(small, shape)
    return np.clip(large + 5 * (large - gaussian_filter(large, 2)), 0, 1)


@wrong("sharper")
def sharper_unclipped(small, shape):
    large = ck.enlarge(small, shape)
    return large + 0.6 * (large - gaussian_filter(large, 1))


@wrong("sharper")
def sharper_nearest(small, shape):
    return small.repeat(shape[0] // small.shape[0], 0).repeat(shape[1] // small.shape[1], 1)


@wrong("sharper")  # the right idea, but squares instead of a smooth enlarging: 0.36 dB
def sharper_back_projection(small, shape):
    large = ck.enlarge(small, shape)
    for _ in range(10):
        h, w = small.shape
        coarse = large.reshape(h, shape[0] // h, w, shape[1] // w).mean((1, 3))
        large = large + (small - coarse).repeat(2, 0).repeat(2, 1) * 0.7
    return large.clip(0, 1)


# --- 5.1 spread_left ---------------------------------------------------------------------------------------
@wrong("spread_left")
def spread_inverse(sharp, coarse):
    return np.array([s.std() / c.std() if s.std() else 1 for s, c in zip(sharp, coarse, strict=True)])


@wrong("spread_left")
def spread_variance(sharp, coarse):
    a, b = sharp.var((1, 2)), coarse.var((1, 2))
    return np.where(a > 0, b / np.where(a > 0, a, 1), 1)


@wrong("spread_left")
def spread_zero(sharp, coarse):
    a, b = sharp.std((1, 2)), coarse.std((1, 2))
    return np.where(a > 0, b / np.where(a > 0, a, 1), 0)


@wrong("spread_left")
def spread_nan(sharp, coarse):
    return coarse.std((1, 2)) / sharp.std((1, 2))


@wrong("spread_left")
def spread_all_channels(sharp, coarse):
    return coarse.std() / sharp.std()


@wrong("spread_left")
def spread_over_channels(sharp, coarse):
    return coarse.std(axis=0) / sharp.std(axis=0)


@right("spread_left")
def spread_loop(sharp, coarse):
    out = []
    for s, c in zip(sharp, coarse, strict=True):
        out.append(1.0 if s.max() == s.min() else c.std() / s.std())
    return np.array(out)


@right("spread_left")
def spread_divide(sharp, coarse):
    a = sharp.reshape(len(sharp), -1).std(1)
    b = coarse.reshape(len(coarse), -1).std(1)
    return np.divide(b, a, out=np.ones_like(a), where=a != 0)


@right("spread_left")
def spread_single(sharp, coarse):
    sharp, coarse = sharp.astype(np.float32), coarse.astype(np.float32)
    flat = np.ptp(sharp, axis=(1, 2)) == 0
    a = sharp.std((1, 2))
    a[flat] = 1
    out = coarse.std((1, 2)) / a
    out[flat] = 1
    return out


# --- 5.2 sharpen_then_segment ---------------------------------------------------------------------------
@wrong("sharpen_then_segment")
def double_whole_batch(sharpen, segment, image):
    s = sharpen(image)
    return segment((s - s.mean()) / s.std())


@wrong("sharpen_then_segment")
def double_no_grad(sharpen, segment, image):
    s = sharpen(image)
    s = (s - s.mean((1, 2, 3), keepdim=True)) / s.std((1, 2, 3), keepdim=True)
    with torch.no_grad():
        return segment(s)


@wrong("sharpen_then_segment")
def double_normalise_input(sharpen, segment, image):
    image = (image - image.mean((1, 2, 3), keepdim=True)) / image.std((1, 2, 3), keepdim=True)
    return segment(sharpen(image))


@wrong("sharpen_then_segment")
def double_detach_stats_picture(sharpen, segment, image):
    s = sharpen(image).detach()
    s = (s - s.mean((1, 2, 3), keepdim=True)) / s.std((1, 2, 3), keepdim=True)
    return segment(s)


@wrong("sharpen_then_segment")
def double_per_pixel(sharpen, segment, image):
    s = sharpen(image)
    s = (s - s.mean(0, keepdim=True)) / (s.std(0, keepdim=True) + 1e-5)
    return segment(s)


@wrong("sharpen_then_segment")
def double_variance(sharpen, segment, image):
    s = sharpen(image)
    s = (s - s.mean((1, 2, 3), keepdim=True)) / s.var((1, 2, 3), keepdim=True)
    return segment(s)


@right("sharpen_then_segment")
def double_flat(sharpen, segment, image):
    s = sharpen(image)
    flat = s.flatten(1)
    flat = (flat - flat.mean(1, keepdim=True)) / flat.std(1, keepdim=True).clamp(min=1e-6)
    return segment(flat.view_as(s))


@right("sharpen_then_segment")
def double_instance_norm(sharpen, segment, image):
    return segment(F.instance_norm(sharpen(image)))


@right("sharpen_then_segment")
def double_one_by_one(sharpen, segment, image):
    parts = []
    for picture in image:
        s = sharpen(picture[None])
        parts.append(segment((s - s.mean()) / s.std()))
    return torch.cat(parts)


# --- 5.3 contrast_order --------------------------------------------------------------------------------
@wrong("contrast_order")
def contrast_reverse():
    return "area", "bilinear", "nearest"


@wrong("contrast_order")
def contrast_two():
    return "nearest", "area"


@wrong("contrast_order")
def contrast_swapped():
    return "bilinear", "nearest", "area"


@wrong("contrast_order")
def contrast_text():
    return "nearest bilinear area"


@right("contrast_order")
def contrast_array():
    return np.array(["nearest", "bilinear", "area"])


@right("contrast_order")
def contrast_capital():
    return ["Nearest", "Bilinear", "Area"]


# --- 5.4 edge_band ---------------------------------------------------------------------------------------
@wrong("edge_band")
def band_outside_only(mask, width=2):
    grown = ndimage.binary_dilation(mask, iterations=width)
    return grown & ~mask


@wrong("edge_band")
def band_inside_only(mask, width=2):
    return mask & (ndimage.distance_transform_edt(mask) <= width)


@wrong("edge_band")
def band_city_block(mask, width=2):
    return ndimage.binary_dilation(mask, iterations=width) & ndimage.binary_dilation(~mask, iterations=width)


@wrong("edge_band")
def band_square(mask, width=2):
    s = np.ones((2 * width + 1, 2 * width + 1), bool)
    return ndimage.binary_dilation(mask, s) & ndimage.binary_dilation(~mask, s)


@wrong("edge_band")
def band_strict(mask, width=2):
    if mask.all() or not mask.any():
        return np.zeros_like(mask)
    d = np.where(mask, ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask))
    return d < width


@wrong("edge_band")
def band_frame(mask, width=2):
    m = np.pad(mask, 1)
    d = np.where(m, ndimage.distance_transform_edt(m), ndimage.distance_transform_edt(~m))
    return (d <= width)[1:-1, 1:-1]


@wrong("edge_band")
def band_erosion(mask, width=2):
    return ndimage.binary_dilation(mask, iterations=width) ^ ndimage.binary_erosion(mask, iterations=width)


@right("edge_band")
def band_disk(mask, width=2):
    y, x = np.mgrid[-width:width + 1, -width:width + 1]
    disk = x**2 + y**2 <= width**2
    return np.where(mask, ndimage.binary_dilation(~mask, disk), ndimage.binary_dilation(mask, disk))


@right("edge_band")
def band_disk_and(mask, width=2):
    y, x = np.ogrid[-width:width + 1, -width:width + 1]
    disk = np.hypot(x, y) <= width
    return ndimage.binary_dilation(mask, disk) & ndimage.binary_dilation(~mask, disk)


# --- 5.5 task_loss ---------------------------------------------------------------------------------------
@wrong("task_loss")
def task_no_variance(output, target, weight=0.1):
    return F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0]) + weight * F.mse_loss(output[:, 1], target[:, 1])


@wrong("task_loss")
def task_batch_variance(output, target, weight=0.1):
    e = F.mse_loss(output[:, 1], target[:, 1])
    return F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0]) + weight * e / target[:, 1].var().clamp(min=1)


@wrong("task_loss")
def task_channels_swapped(output, target, weight=0.1):
    e = ((output[:, 0] - target[:, 0]) ** 2).mean((1, 2))
    return F.binary_cross_entropy_with_logits(output[:, 1], target[:, 0]) + weight * (e / target[:, 0].var((1, 2)).clamp(min=1)).mean()


@wrong("task_loss")
def task_std(output, target, weight=0.1):
    e = ((output[:, 1] - target[:, 1]) ** 2).mean((1, 2))
    return F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0]) + weight * (e / target[:, 1].std((1, 2)).clamp(min=1)).mean()


@wrong("task_loss")
def task_fixed_weight(output, target, weight=0.1):
    e = ((output[:, 1] - target[:, 1]) ** 2).mean((1, 2))
    return F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0]) + 0.1 * (e / target[:, 1].var((1, 2)).clamp(min=1)).mean()


@wrong("task_loss")
def task_no_clamp(output, target, weight=0.1):
    e = ((output[:, 1] - target[:, 1]) ** 2).mean((1, 2))
    return F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0]) + weight * (e / target[:, 1].var((1, 2))).mean()


@wrong("task_loss")
def task_probabilities(output, target, weight=0.1):
    e = ((output[:, 1] - target[:, 1]) ** 2).mean((1, 2))
    p = torch.sigmoid(output[:, 0])
    return F.binary_cross_entropy_with_logits(p, target[:, 0]) + weight * (e / target[:, 1].var((1, 2)).clamp(min=1)).mean()


def task_picture(output, target):
    e = ((output[:, 1] - target[:, 1]) ** 2).mean((1, 2))
    return (e / target[:, 1].var((1, 2)).clamp(min=1)).mean()


@wrong("task_loss")
def task_cross_entropy(output, target, weight=0.1):
    return F.cross_entropy(output[:, 0], target[:, 0]) + weight * task_picture(output, target)


@wrong("task_loss")
def task_bce_of_logits(output, target, weight=0.1):
    return F.binary_cross_entropy(output[:, 0], target[:, 0]) + weight * task_picture(output, target)


@wrong("task_loss")
def task_bce_of_all(output, target, weight=0.1):
    return F.binary_cross_entropy_with_logits(output, target) + weight * task_picture(output, target)


@wrong("task_loss")
def task_truth_first(output, target, weight=0.1):
    return F.binary_cross_entropy_with_logits(target[:, 0], output[:, 0]) + weight * task_picture(output, target)


@wrong("task_loss")
def task_only_zero_replaced(output, target, weight=0.1):
    v = target[:, 1].var((1, 2))
    e = ((output[:, 1] - target[:, 1]) ** 2).mean((1, 2)) / torch.where(v == 0, torch.ones_like(v), v)
    return F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0]) + weight * e.mean()


@right("task_loss")
def task_loop(output, target, weight=0.1):
    total = 0
    for o, t in zip(output, target, strict=True):
        v = torch.var(t[1], unbiased=False)
        total = total + ((o[1] - t[1]) ** 2).mean() / max(v, 1)
    return F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0]) + weight * total / len(output)


@right("task_loss")
def task_softplus(output, target, weight=0.1):
    z, t = output[:, 0], target[:, 0]
    bce = torch.mean(F.softplus(z) - t * z)
    v = torch.maximum(target[:, 1].flatten(1).var(1), torch.tensor(1.0))
    return bce + weight * torch.mean((output[:, 1] - target[:, 1]).square().flatten(1).mean(1) / v)


# --- 6.1 average_precision ---------------------------------------------------------------------------------
@wrong("average_precision")
def ap_precision(iou, threshold):
    hits = (iou >= threshold).sum()
    return hits / iou.shape[1] if iou.shape[1] else 1.0


@wrong("average_precision")
def ap_f1(iou, threshold):
    hits = (iou >= threshold).sum()
    n = sum(iou.shape)
    return 2 * hits / n if n else 1.0


@wrong("average_precision")
def ap_strict(iou, threshold):
    hits = (iou > threshold).sum()
    n = sum(iou.shape) - hits
    return hits / n if n else 1.0


@wrong("average_precision")
def ap_mean_iou(iou, threshold):
    return iou[iou >= threshold].mean() if (iou >= threshold).any() else 0.0


@wrong("average_precision")
def ap_nan(iou, threshold):
    hits = (iou >= threshold).sum()
    return hits / (iou.shape[0] + iou.shape[1] - hits)


@wrong("average_precision")
def ap_either_empty(iou, threshold):
    if iou.size == 0:
        return 1.0
    hits = (iou >= threshold).sum()
    return hits / (iou.shape[0] + iou.shape[1] - hits)


@right("average_precision")
def ap_rows(iou, threshold):
    tp = sum(any(v >= threshold for v in row) for row in iou)
    fn = iou.shape[0] - tp
    fp = iou.shape[1] - tp
    return 1.0 if tp + fp + fn == 0 else tp / (tp + fp + fn)


@right("average_precision")
def ap_fraction(iou, threshold):
    tp = int(np.count_nonzero(iou >= threshold))
    n = iou.shape[0] + iou.shape[1] - tp
    return Fraction(tp, n) if n else Fraction(1)


@right("average_precision")
def ap_float32(iou, threshold):
    tp = np.float32((iou >= threshold).sum())
    n = np.float32(iou.shape[0] + iou.shape[1]) - tp
    return tp / n if n > 0 else np.float32(1)


# --- 6.2 box_iou -----------------------------------------------------------------------------------------
@wrong("box_iou")
def iou_plus_one(a, b):
    w = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    h = max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    area = lambda q: (q[2] - q[0] + 1) * (q[3] - q[1] + 1)
    return w * h / (area(a) + area(b) - w * h)


@wrong("box_iou")
def iou_no_clamp(a, b):
    i = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    return i / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - i)


@wrong("box_iou")
def iou_sum_union(a, b):
    i = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return i / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]))


@wrong("box_iou")
def iou_xywh(a, b):
    w = max(0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
    h = max(0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h)


@wrong("box_iou")
def iou_dice(a, b):
    i = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return 2 * i / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]))


@wrong("box_iou")
def iou_of_smaller(a, b):
    i = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return i / min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))


@right("box_iou")
def iou_unpack(a, b):
    (l1, t1, r1, b1), (l2, t2, r2, b2) = a, b
    w, h = min(r1, r2) - max(l1, l2), min(b1, b2) - max(t1, t2)
    if w <= 0 or h <= 0:
        return 0
    inter = w * h
    return inter / ((r1 - l1) * (b1 - t1) + (r2 - l2) * (b2 - t2) - inter)


@right("box_iou")
def iou_torchvision(a, b):
    return torchvision.ops.box_iou(torch.tensor([a], dtype=torch.float32), torch.tensor([b], dtype=torch.float32)).item()


# --- 6.3 suppress ----------------------------------------------------------------------------------------
def _iou(a, b):
    i = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return i / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - i)


@wrong("suppress")
def nms_any_better(boxes, scores, overlap):
    order = np.argsort(scores)[::-1]
    return [int(k) for n, k in enumerate(order) if all(_iou(boxes[k], boxes[j]) <= overlap for j in order[:n])]


@wrong("suppress")
def nms_given_order(boxes, scores, overlap):
    stay = []
    for k in range(len(boxes)):
        if all(_iou(boxes[k], boxes[j]) <= overlap for j in stay):
            stay.append(k)
    return stay


@wrong("suppress")
def nms_ascending(boxes, scores, overlap):
    stay = []
    for k in np.argsort(scores):
        if all(_iou(boxes[k], boxes[j]) <= overlap for j in stay):
            stay.append(int(k))
    return stay


@wrong("suppress")
def nms_ge(boxes, scores, overlap):
    stay = []
    for k in sorted(range(len(boxes)), key=lambda k: scores[k], reverse=True):
        if all(_iou(boxes[k], boxes[j]) < overlap for j in stay):
            stay.append(k)
    return stay


@wrong("suppress")
def nms_returns_boxes(boxes, scores, overlap):
    stay = []
    for k in sorted(range(len(boxes)), key=lambda k: scores[k], reverse=True):
        if all(_iou(boxes[k], b) <= overlap for b in stay):
            stay.append(boxes[k])
    return stay


@wrong("suppress")
def nms_sorted_indices(boxes, scores, overlap):
    stay = []
    for k in sorted(range(len(boxes)), key=lambda k: scores[k], reverse=True):
        if all(_iou(boxes[k], boxes[j]) <= overlap for j in stay):
            stay.append(k)
    return sorted(stay)


@wrong("suppress")
def nms_only_last(boxes, scores, overlap):
    stay = []
    for k in sorted(range(len(boxes)), key=lambda k: scores[k], reverse=True):
        if not stay or _iou(boxes[k], boxes[stay[-1]]) <= overlap:
            stay.append(k)
    return stay


@right("suppress")
def nms_pop(boxes, scores, overlap):
    left = sorted(range(len(boxes)), key=lambda k: scores[k], reverse=True)
    out = []
    while left:
        k = left.pop(0)
        out.append(k)
        left = [j for j in left if _iou(boxes[k], boxes[j]) <= overlap]
    return out


@right("suppress")
def nms_numpy(boxes, scores, overlap):
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    keep = np.ones(len(boxes), bool)
    for n, k in enumerate(order):
        if keep[k]:
            for j in order[n + 1:]:
                if _iou(boxes[k], boxes[j]) > overlap:
                    keep[j] = False
    return order[keep[order]]


@right("suppress")
def nms_arrays(boxes, scores, overlap):
    # as the lesson calls it, with arrays; the check handed lists, and called this wrong
    stay = []
    for k in np.argsort(-scores):
        low = np.maximum(boxes[k, :2], boxes[stay, :2])
        both = np.clip(np.minimum(boxes[k, 2:], boxes[stay, 2:]) - low, 0, None).prod(axis=1)
        area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        if (both / (area[k] + area[stay] - both) <= overlap).all():
            stay.append(k)
    return stay


# --- 6.4 bilinear ----------------------------------------------------------------------------------------
@wrong("bilinear")
def bilinear_nearest(picture, row, column):
    h, w = picture.shape
    return picture[min(max(round(row), 0), h - 1), min(max(round(column), 0), w - 1)]


@wrong("bilinear")
def bilinear_swapped_weights(picture, row, column):
    h, w = picture.shape
    row, column = np.clip(row, 0, h - 1), np.clip(column, 0, w - 1)
    t, l = int(row), int(column)
    b, r = min(t + 1, h - 1), min(l + 1, w - 1)
    y, x = row - t, column - l
    return y * (x * picture[t, l] + (1 - x) * picture[t, r]) + (1 - y) * (x * picture[b, l] + (1 - x) * picture[b, r])


@wrong("bilinear")
def bilinear_x_y(picture, row, column):
    return map_coordinates(picture, [[column], [row]], order=1, mode="nearest")[0]


@wrong("bilinear")
def bilinear_half(picture, row, column):
    return map_coordinates(picture, [[row - 0.5], [column - 0.5]], order=1, mode="nearest")[0]


@wrong("bilinear")
def bilinear_mean_of_four(picture, row, column):
    h, w = picture.shape
    row, column = np.clip(row, 0, h - 1), np.clip(column, 0, w - 1)
    t, l = int(np.floor(row)), int(np.floor(column))
    return picture[t:t + 2, l:l + 2].mean()


@wrong("bilinear")
def bilinear_no_clip(picture, row, column):
    t, l = int(np.floor(row)), int(np.floor(column))
    y, x = row - t, column - l
    return (1 - y) * ((1 - x) * picture[t, l] + x * picture[t, l + 1]) + y * ((1 - x) * picture[t + 1, l] + x * picture[t + 1, l + 1])


@right("bilinear")
def bilinear_scipy(picture, row, column):
    return map_coordinates(picture.astype(float), [[row], [column]], order=1, mode="nearest")[0]


@right("bilinear")
def bilinear_pad(picture, row, column):
    h, w = picture.shape
    row, column = float(np.clip(row, 0, h - 1)), float(np.clip(column, 0, w - 1))
    p = np.pad(picture, ((0, 1), (0, 1)), mode="edge")
    t, l = math.floor(row), math.floor(column)
    wy, wx = np.array([1 - row + t, row - t]), np.array([1 - column + l, column - l])
    return wy @ p[t:t + 2, l:l + 2] @ wx


@right("bilinear")
def bilinear_float32(picture, row, column):
    p = np.float32(picture)
    h, w = p.shape
    r, c = np.float32(min(max(row, 0), h - 1)), np.float32(min(max(column, 0), w - 1))
    t, l = int(r), int(c)
    total = np.float32(0)
    for i in (t, t + 1):
        for j in (l, l + 1):
            if i < h and j < w:
                total += (1 - abs(r - i)) * (1 - abs(c - j)) * p[i, j]
    return total


# --- 6.5 limits_guess --------------------------------------------------------------------------------------
@wrong("limits_guess")
def limits_percent():
    return 25, 50


@wrong("limits_guess")
def limits_not_scaled():
    return 0.25, 16


@wrong("limits_guess")
def limits_wrong_way():
    return 0.25, 16 * 256 / 800


@wrong("limits_guess")
def limits_all():
    return 1.0, 50


@right("limits_guess")
def limits_list():
    return [100 / 400, 16 * 800 / 256]


@right("limits_guess")
def limits_fraction():
    return Fraction(1, 4), torch.tensor(50.0)


# --- 7.1 flood -------------------------------------------------------------------------------------------
def _flood(landscape, seeds, mask, steps=((-1, 0), (1, 0), (0, -1), (0, 1)), key=None, check=True):
    out = seeds.copy()
    heap = [(landscape[r, c], r, c) for r, c in zip(*np.nonzero(seeds), strict=True)]
    heapq.heapify(heap)
    while heap:
        h, r, c = heapq.heappop(heap)
        for dr, dc in steps:
            i, j = r + dr, c + dc
            if 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1] and (mask[i, j] or not check) and not out[i, j]:
                out[i, j] = out[r, c]
                heapq.heappush(heap, (landscape[i, j] if key is None else key(landscape, i, j, h), i, j))
    return out


@wrong("flood")
def flood_eight(landscape, seeds, mask):
    return _flood(landscape, seeds, mask, [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b])


@wrong("flood")
def flood_ignores_mask(landscape, seeds, mask):
    return _flood(landscape, seeds, mask, check=False)


@wrong("flood")
def flood_highest(landscape, seeds, mask):
    return _flood(-landscape, seeds, mask)


@wrong("flood")
def flood_nearest_seed(landscape, seeds, mask):
    i = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    return np.where(mask, seeds[tuple(i)], 0).astype(np.int32)


@wrong("flood")
def flood_breadth_first(landscape, seeds, mask):
    out = seeds.copy()
    queue = list(zip(*np.nonzero(seeds), strict=True))
    while queue:
        r, c = queue.pop(0)
        for i, j in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            if 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1] and mask[i, j] and not out[i, j]:
                out[i, j] = out[r, c]
                queue.append((i, j))
    return out


@wrong("flood")
def flood_wraps(landscape, seeds, mask):
    out = seeds.copy()
    heap = [(landscape[r, c], r, c) for r, c in zip(*np.nonzero(seeds), strict=True)]
    heapq.heapify(heap)
    while heap:
        _, r, c = heapq.heappop(heap)
        for i, j in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            try:
                if mask[i, j] and not out[i, j]:
                    out[i, j] = out[r, c]
                    heapq.heappush(heap, (landscape[i, j], i, j))
            except IndexError:
                pass
    return out


@right("flood")
def flood_helper(landscape, seeds, mask):
    return _flood(landscape, seeds, mask)


@right("flood")
def flood_padded(landscape, seeds, mask):
    free = np.pad(mask & (seeds == 0), 1)
    out = np.pad(seeds, 1).astype(np.int32)
    high = np.pad(landscape.astype(float), 1)
    heap = []
    for r, c in np.argwhere(out > 0):
        heapq.heappush(heap, (high[r, c], int(r), int(c)))
    while heap:
        _, r, c = heapq.heappop(heap)
        for i, j in ((r, c - 1), (r, c + 1), (r - 1, c), (r + 1, c)):
            if free[i, j]:
                free[i, j] = False
                out[i, j] = out[r, c]
                heapq.heappush(heap, (high[i, j], i, j))
    return out[1:-1, 1:-1]


# --- 7.2 five_cells --------------------------------------------------------------------------------------
@wrong("five_cells")
def five_order():
    return 2, 3, 2


@wrong("five_cells")
def five_all_hit():
    return 4, 0, 1


@wrong("five_cells")
def five_dict():
    return {"TP": 2, "FP": 2, "FN": 3}


@wrong("five_cells")
def five_three():
    return 3, 1, 2


@right("five_cells")
def five_array():
    return np.array([2, 2, 3])


@right("five_cells")
def five_floats():
    return [2.0, 2.0, 3.0]


# --- 7.3 which_wins ----------------------------------------------------------------------------------------
@wrong("which_wins")
def which_same():
    return "watershed", "watershed"


@wrong("which_wins")
def which_one():
    return "watershed"


@wrong("which_wins")
def which_reversed():
    return "components", "watershed"


@right("which_wins")
def which_array():
    return np.array(["watershed", "components"])


@right("which_wins")
def which_spaces():
    return [" Watershed", "Components"]


# --- 7.4 distance_target -----------------------------------------------------------------------------------
@wrong("distance_target")
def target_global_max(labels):
    out = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels)[1:]:
        out += ndimage.distance_transform_edt(labels == k)
    return (out / max(out.max(), 1)).astype(np.float32)


@wrong("distance_target")
def target_range(labels):
    out = np.zeros(labels.shape, np.float32)
    for k in range(1, len(np.unique(labels))):
        d = ndimage.distance_transform_edt(labels == k)
        if d.max() > 0:
            out += (d / d.max()).astype(np.float32)
    return out


@wrong("distance_target")
def target_padded(labels):
    out = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        d = ndimage.distance_transform_edt(np.pad(labels == k, 1))[1:-1, 1:-1]
        out = np.maximum(out, d / d.max())
    return out.astype(np.float32)


@wrong("distance_target")
def target_background_too(labels):
    out = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels):
        d = ndimage.distance_transform_edt(labels == k)
        out += (d / max(d.max(), 1)).astype(np.float32)
    return out


@wrong("distance_target")
def target_centre(labels):
    out = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        r, c = np.nonzero(labels == k)
        d = np.hypot(r - r.mean(), c - c.mean())
        out[r, c] = 1 - d / max(d.max(), 1)
    return out


@wrong("distance_target")
def target_float64(labels):
    out = np.zeros(labels.shape)
    for k in np.unique(labels[labels > 0]):
        d = ndimage.distance_transform_edt(labels == k)
        out += d / d.max()
    return out


@right("distance_target")
def target_regions(labels):
    out = np.zeros(labels.shape, np.float32)
    for k, box in enumerate(ndimage.find_objects(labels), 1):
        if box is None:
            continue
        big = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in box)
        own = labels[big] == k
        d = ndimage.distance_transform_edt(own)
        out[big][own] = d[own] / d.max()
    return out


@right("distance_target")
def target_maximum(labels):
    out = np.zeros(labels.shape, float)
    for k in set(labels.ravel().tolist()) - {0}:
        d = ndimage.distance_transform_edt(labels == k)
        out = np.where(labels == k, d / d.max(), out)
    return out.astype("float32")


# --- 7.5 parameters ----------------------------------------------------------------------------------------
@wrong("parameters")
def parameters_start():
    return {}


@wrong("parameters")
def parameters_unknown():
    return {"sigma": 2, "seed_threshold": 0.35}


@wrong("parameters")
def parameters_no_seeds():
    return {"seed_threshold": 0.99}


@wrong("parameters")
def parameters_huge_minimum():
    return {"smoothing": 2, "seed_threshold": 0.35, "min_size": 5000}


@wrong("parameters")
def parameters_tuple():
    return 0.5, 2, 0.35, 16


@right("parameters")
def parameters_near():
    return {"threshold": 0.5, "smoothing": 1.8, "seed_threshold": 0.36, "min_size": 20}


# --- 8.1 diameter --------------------------------------------------------------------------------
@wrong("diameter")
def diameter_of_everything(labels):
    n = len(np.unique(labels)) - 1
    return float(2 * np.sqrt((labels > 0).sum() / n / np.pi)) if n else 0.0


@wrong("diameter")
def diameter_times_two_pi(labels):
    areas = [np.sum(labels == k) for k in np.unique(labels) if k]
    return float(np.median([2 * np.sqrt(a) / np.pi for a in areas])) if areas else 0.0


@right("diameter")
def diameter_bincount(labels):
    areas = np.bincount(labels.ravel())[1:]
    areas = areas[areas > 0]
    if areas.size == 0:
        return 0.0
    return 2 * np.sqrt(np.median(areas) / np.pi) if areas.size % 2 else np.median(
        2 * np.sqrt(areas / np.pi))


# --- 8.2 link ------------------------------------------------------------------------------------
@wrong("link")
def link_mode(before, after):
    out = {}
    for k in np.unique(before):
        if k:
            hit = after[(before == k) & (after > 0)]
            if hit.size:
                out[int(k)] = int(np.bincount(hit).argmax())
    return out


@wrong("link")
def link_hungarian_on_distance(before, after):
    from scipy.optimize import linear_sum_assignment
    a, b = [k for k in np.unique(before) if k], [k for k in np.unique(after) if k]
    cost = np.array([[np.abs(np.argwhere(before == i).mean(0) - np.argwhere(after == j).mean(0)
                             ).sum() for j in b] for i in a]).reshape(len(a), len(b))
    return {int(a[i]): int(b[j]) for i, j in zip(*linear_sum_assignment(cost), strict=True)}


@right("link")
def link_table(before, after):
    table = np.zeros((before.max() + 1, after.max() + 1), int)
    np.add.at(table, (before.ravel(), after.ravel()), 1)
    table[0], table[:, 0] = 0, 0
    out = {}
    while table.max() > 0:
        i, j = np.unravel_index(table.argmax(), table.shape)
        out[i] = j
        table[i], table[:, j] = 0, 0
    return out


# --- 8.3 doubling_time ---------------------------------------------------------------------------
@wrong("doubling_time")
def doubling_ratio(hours, counts):
    return float(np.mean(hours) * 2 / (counts[-1] / counts[0]))


@wrong("doubling_time")
def doubling_sort_of(hours, counts):
    slope, _ = np.polyfit(np.log2(counts), hours, 1)
    return float(slope) if slope > 0 else math.inf


@right("doubling_time")
def doubling_lstsq(hours, counts):
    a = np.stack([np.asarray(hours, float), np.ones(len(hours))], 1)
    k = np.linalg.lstsq(a, np.log(np.asarray(counts, float)), rcond=None)[0][0]
    return math.log(2) / k if k > 0 else math.inf


# --- a second lot, by two people who wrote 216 right and 540 wrong answers ----------------------
@wrong("paint_cells")
def second_paint_cells_w8(cells, shape):
    # np.stack of an empty list raises; a list without cells is a list, too
    stack = np.stack(cells)
    area = stack.sum((1, 2))
    cost = np.where(stack, area[:, None, None], area.max() + 1)
    return np.where(stack.any(0), cost.argmin(0) + 1, 0).astype(np.int32)


@wrong("paint_cells")
def second_paint_cells_w9(cells, shape):
    # a square map only: shape[0] twice; masks are 'all of the given shape'
    labels = np.zeros((shape[0], shape[0]), np.int32)
    for k in sorted(range(len(cells)), key=lambda k: -cells[k].sum()):
        rows, columns = np.nonzero(cells[k])
        labels[rows, columns] = k + 1
    return labels


@wrong("paint_cells")
def second_paint_cells_w13(cells, shape):
    # leaves out empty masks and counts on without them; 'cell number k has the value k + 1'
    cells = [cell for cell in cells if cell.any()]
    labels = np.zeros(shape, np.int32)
    for k in sorted(range(len(cells)), key=lambda k: -cells[k].sum()):
        labels[cells[k]] = k + 1
    return labels


@wrong("paint_cells")
def second_paint_cells_w14(cells, shape):
    # cuts the overlap out of the caller's own masks: mutates the input
    labels = np.zeros(shape, np.int32)
    taken = np.zeros(shape, bool)
    for k in sorted(range(len(cells)), key=lambda k: cells[k].sum()):
        cells[k] &= ~taken
        taken |= cells[k]
        labels[cells[k]] = k + 1
    return labels


@wrong("accuracy_of_nothing")
def second_accuracy_of_nothing_w6():
    # nan; 'a number between 0 and 1'
    return float("nan")


@wrong("accuracy_of_nothing")
def second_accuracy_of_nothing_w12():
    # infinite, from a division by the area found, which is 0; 'between 0 and 1'
    return math.inf


@wrong("rescale")
def second_rescale_w6(image, low=1, high=99.8):
    # asks whether the picture is constant, not whether the percentiles are equal: one hot pixel on a constant
    # picture; 'A picture where both percentiles are equal … all zeros'
    if image.min() == image.max():
        return np.zeros(image.shape, np.float32)
    dark, bright = np.percentile(image, (low, high))
    return ((image - dark) / (bright - dark)).clip(0, 1).astype(np.float32)


@wrong("rescale")
def second_rescale_w10(image, low=1, high=99.8):
    # percentiles as numbers of the picture's own type: 8 and 16 bits wrap around below dark; 'everything beyond is
    # clipped'
    dark, bright = np.percentile(image, (low, high)).astype(image.dtype)
    if dark == bright:
        return np.zeros(image.shape, np.float32)
    return ((image - dark) / (bright - dark)).clip(0, 1).astype(np.float32)


@wrong("rescale")
def second_rescale_r5(image, low=1, high=99.8):
    # the author thought it right: rounding makes the two percentiles of a constant picture differ
    image = image.astype(float)
    dark, bright = scipy.stats.scoreatpercentile(image.ravel(), [low, high])
    if bright <= dark:
        return np.zeros(image.shape, np.float32)
    return skimage.exposure.rescale_intensity(
        image, in_range=(dark, bright), out_range=(0.0, 1.0)).astype(np.float32)


@wrong("resize_pair")
def second_resize_pair_w10(image, labels, shape):
    # returns a mask in place of labels: cell numbers are gone; 'image and labels'
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize((labels > 0).astype(float), shape, order=1, anti_aliasing=True) > 0.5
    return image.astype(np.float32), labels.astype(np.int32)


@wrong("resize_pair")
def second_resize_pair_w11(image, labels, shape):
    # numbers the cells anew 1, 2, 3 …; a cell must keep its number (labels 'are wrong')
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=0, preserve_range=True, anti_aliasing=False).astype(int)
    found = np.unique(np.append(labels.ravel(), 0))
    return image.astype(np.float32), np.searchsorted(found, labels).astype(np.int32)


@wrong("resize_pair")
def second_resize_pair_w14(image, labels, shape):
    # labels through uint8: numbers above 255 wrap around; 'int32'
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels.astype(np.uint8), shape, order=0, preserve_range=True,
                    anti_aliasing=False)
    return image.astype(np.float32), labels.astype(np.int32)


@wrong("split_by_well")
def second_split_by_well_w14(names, fraction, seed):
    # shuffles wells, lines their pictures up and cuts exactly at the fraction: the well at the cut is torn; 'No
    # well may appear in both'
    def well(name):
        return "_".join(name.split("_")[:3])

    wells = sorted(set(map(well, names)))
    np.random.default_rng(seed).shuffle(wells)
    row = [n for w in wells for n in names if well(n) == w]
    cut = round(fraction * len(row))
    return row[:cut], row[cut:]


@right("split_by_well")
def second_split_by_well_r1(names, fraction, seed):
    wells = sorted({"_".join(name.split("_")[:3]) for name in names})
    counts = Counter("_".join(name.split("_")[:3]) for name in names)
    shuffled = [wells[k] for k in np.random.default_rng(seed).permutation(len(wells))]
    # the cut between two wells that comes nearest to the fraction
    sums = np.cumsum([counts[well] for well in shuffled])
    cuts = sums[:-1] if len(wells) > 1 else sums
    cut = 1 + int(np.abs(cuts - fraction * len(names)).argmin()) if len(wells) else 0
    chosen = set(shuffled[:cut])
    first = [name for name in names if "_".join(name.split("_")[:3]) in chosen]
    second = [name for name in names if "_".join(name.split("_")[:3]) not in chosen]
    return first, second


@wrong("join_skip")
def second_join_skip_w12(up, skip):
    # square pictures only: the rows' difference for columns, too; 'Pad `up` with zeros to H×W'
    missing = skip.shape[-2] - up.shape[-2]
    before = int(missing / 2)
    up = F.pad(up, (before, missing - before, before, missing - before))
    return torch.cat([skip, up], dim=1)


@wrong("join_skip")
def second_join_skip_w14(up, skip):
    # either pads or crops: too few rows and too many columns at once go wrong; 'Pad … to H×W … If `up` is larger,
    # crop'
    H, W = skip.shape[-2:]
    h, w = up.shape[-2:]
    if h > H or w > W:
        y, x = max(h - H, 0) // 2, max(w - W, 0) // 2
        up = up[..., y:y + H, x:x + W]
    else:
        top, left = (H - h) // 2, (W - w) // 2
        up = F.pad(up, (left, W - w - left, top, H - h - top))
    return torch.cat([skip, up], dim=1)


@right("dice")
def second_dice_w3(truth, pred):
    # the task asked for a plain float or a list then: it was judged wrong by its author
    truth, pred = torch.tensor(np.asarray(truth)), torch.tensor(np.asarray(pred))
    total = truth.sum() + pred.sum()
    return 2 * (truth & pred).sum() / total if total else torch.tensor(1.0)


@right("dice")
def second_dice_w4(truth, pred):
    # the task asked for a plain float or a list then: it was judged wrong by its author
    total = truth.sum() + pred.sum()
    return np.float32(2 * (truth & pred).sum() / total) if total else np.float32(1)


@wrong("dice")
def second_dice_w8(truth, pred):
    # sums in uint8 wrap around from 256 pixels on; wrong for any real mask
    t, p = truth.astype(np.uint8), pred.astype(np.uint8)
    both = int((t * p).sum(dtype=np.uint8))
    total = int(t.sum(dtype=np.uint8)) + int(p.sum(dtype=np.uint8))
    return 2.0 * both / total if total else 1.0


@wrong("dice")
def second_dice_w13(truth, pred):
    # rounded to two digits; 'twice the pixels … divided by' is not rounded
    total = truth.sum() + pred.sum()
    return round(float(2 * (truth & pred).sum() / total), 2) if total else 1.0


@wrong("precision_guess")
def second_precision_guess_w7():
    # precision down, recall the same
    return "down", "same"


@wrong("weighted_bce")
def second_weighted_bce_w2(logits, target, weight):
    # epsilon within the log: finite, but 16 instead of 100, and without a slope; 'a cell pixel costs weight · −log
    # p'
    p = torch.sigmoid(logits)
    return (-weight * target * torch.log(p + 1e-7)
            - (1 - target) * torch.log(1 - p + 1e-7)).mean()


@wrong("weighted_bce")
def second_weighted_bce_w3(logits, target, weight):
    # logits clamped to ±20: finite, but the cost stops at 20 and the slope is 0; 'costs weight · −log p'
    z = logits.clamp(-20, 20)
    w = 1 + (weight - 1) * target
    return F.binary_cross_entropy_with_logits(z, target, weight=w)


@wrong("weighted_bce")
def second_weighted_bce_w11(logits, target, weight):
    # F.binary_cross_entropy of a sigmoid: torch cuts the log at −100, so it is finite, but 100 at a logit of 30,
    # with slope 0; 'costs … −log(1 − p)'
    w = 1 + (weight - 1) * target
    return F.binary_cross_entropy(torch.sigmoid(logits), target, weight=w)


@wrong("weighted_bce")
def second_weighted_bce_w14(logits, target, weight):
    # mean of cells plus mean of background; 'the mean over all pixels' (and nan if a class is missing)
    cells = F.softplus(-logits[target == 1]).mean()
    background = F.softplus(logits[target == 0]).mean()
    return weight * cells + background


@wrong("predict_mask")
def second_predict_mask_w6(net, image):
    # only the flag of the outermost module is restored, its batch norms stay in eval; 'Leave the network in the
    # mode'
    was = net.training
    net.eval()
    with torch.no_grad():
        logits = net(torch.tensor(image)[None, None])
    net.training = was
    return (logits[0, 0] > 0).numpy()


@wrong("predict_mask")
def second_predict_mask_w10(net, image):
    # >= in place of >: a logit of exactly 0 is called cell; 'probability above one half'
    was = net.training
    net.eval()
    with torch.no_grad():
        logits = net(torch.tensor(image)[None, None])
    net.train(was)
    return (logits[0, 0] >= 0).numpy()


@wrong("predict_mask")
def second_predict_mask_w15(net, image):
    # only batch norms are put into eval, dropout stays on; 'change from call to call'
    norms = [(m, m.training) for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for m, _ in norms:
        m.eval()
    with torch.no_grad():
        logits = net(torch.tensor(image)[None, None])
    for m, mode in norms:
        m.train(mode)
    return (logits[0, 0] > 0).numpy()


@wrong("flip_pair")
def second_flip_pair_w5(image, labels, rng):
    # integers(0, 1) is always 0: never flips; 'half of the time'
    if rng.integers(0, 1) == 1:
        image, labels = image[:, ::-1], labels[:, ::-1]
    return image, labels


@wrong("flip_pair")
def second_flip_pair_w6(image, labels, rng):
    # np.random in place of rng; 'All chance must come from `rng`'
    if np.random.random() < 0.5:
        image, labels = image[:, ::-1], labels[:, ::-1]
    return image, labels


@wrong("flip_pair")
def second_flip_pair_w14(image, labels, rng):
    # off by one: [:0:-1] loses the first column; 'Left and right exchanged'
    if rng.random() < 0.5:
        image, labels = image[:, :0:-1], labels[:, :0:-1]
    return image, labels


@wrong("prepare")
def second_prepare_w11(pictures, share, grow):
    # off by one: the picture at the cut is in both parts; 'The others are for validation'
    count = round(share * len(pictures))
    return grow(pictures[:count]), pictures[max(count - 1, 0):]


@wrong("prepare")
def second_prepare_w13(pictures, share, grow):
    # all pictures are for validation; 'The others are for validation'
    count = round(share * len(pictures))
    return grow(pictures[:count]), pictures


@wrong("prepare")
def second_prepare_w15(pictures, share, grow):
    # halves are rounded up by int(x + 0.5), not as Python's round: differs at 2.5; 'The first `round(share *
    # len(pictures))` pictures'
    count = int(share * len(pictures) + 0.5)
    return grow(pictures[:count]), pictures[count:]


@wrong("rotate_pair")
def second_rotate_pair_w9(image, labels, degrees):
    # a mask comes back: cell numbers are lost; 2 and 9 become 1, a new cell; 'no new cell appears'
    image = ndimage.rotate(image, degrees, reshape=False, order=1, mode="mirror")
    mask = ndimage.rotate((labels > 0).astype(float), degrees, reshape=False, order=1,
                          mode="mirror")
    return image, (mask > 0.5).astype(labels.dtype)


@wrong("rotate_pair")
def second_rotate_pair_w12(image, labels, degrees):
    # 30 degrees hard-coded from the example; the argument `degrees` is ignored
    image = ndimage.rotate(image, 30, reshape=False, order=1, mode="mirror")
    labels = ndimage.rotate(labels, 30, reshape=False, order=0, mode="mirror")
    return image, labels


@wrong("rotate_pair")
def second_rotate_pair_w14(image, labels, degrees):
    # labels through uint8: numbers above 255 wrap around into other cells; 'no new cell appears'
    image = ndimage.rotate(image, degrees, reshape=False, order=1, mode="mirror")
    labels = ndimage.rotate(labels.astype(np.uint8), degrees, reshape=False, order=0,
                            mode="mirror").astype(labels.dtype)
    return image, labels


@wrong("generator_for")
def second_generator_for_w3(seed, epoch, index):
    # the product: 0 as soon as one is 0; 'If any of the three differs'
    return np.random.default_rng(seed * epoch * index)


@wrong("generator_for")
def second_generator_for_w12(seed, epoch, index):
    # the old RandomState; 'returns a generator (`np.random.Generator`)'
    return np.random.RandomState([seed, epoch, index])


@wrong("area_mean")
def second_area_mean_w5(image, k):
    # only square pictures: uses the number of rows for columns, too; 'shape (H/k, W/k)'
    n = image.shape[0] // k
    out = np.zeros((n, n), np.float32)
    for i in range(n):
        for j in range(n):
            out[i, j] = image[i * k:(i + 1) * k, j * k:(j + 1) * k].mean()
    return out


@wrong("area_mean")
def second_area_mean_w12(image, k):
    # whole-number division: all is 0
    h, w = image.shape
    return (image.reshape(h // k, k, w // k, k).sum(axis=(1, 3)) // k**2).astype(np.float32)


@wrong("area_mean")
def second_area_mean_w15(image, k):
    # divides the sum by k and not by k squared; 'their mean'
    h, w = image.shape
    return (image.reshape(h // k, k, w // k, k).sum(axis=(1, 3)) / k).astype(np.float32)


@right("psnr")
def second_psnr_w2(truth, pred, peak=1.0):
    # the task asked for a plain float or a list then: it was judged wrong by its author
    error = np.mean((truth.astype(np.float64) - pred.astype(np.float64)) ** 2)
    if error == 0:
        return np.float32(np.inf)
    return np.float32(10 * np.log10(peak**2 / error))


@wrong("psnr")
def second_psnr_w15(truth, pred, peak=1.0):
    # int16 for 8-bit pictures: the squares overflow where the difference is above 181.
    if truth.dtype == np.uint8:
        truth, pred = truth.astype(np.int16), pred.astype(np.int16)
    error = float(np.mean((truth - pred) ** 2))
    return math.inf if error == 0 else float(10 * np.log10(peak**2 / error))


@wrong("enlarge")
def second_enlarge_w13(small, shape):
    # goes on linearly beyond the outermost centres; 'edges repeated'
    small = np.float32(small)
    h, w = small.shape
    y = (np.arange(shape[0]) + 0.5) * h / shape[0] - 0.5
    x = (np.arange(shape[1]) + 0.5) * w / shape[1] - 0.5
    y0, x0 = np.clip(np.floor(y), 0, h - 2).astype(int), np.clip(np.floor(x), 0, w - 2).astype(int)
    fy, fx = (y - y0)[:, None], x - x0
    top = small[np.ix_(y0, x0)] * (1 - fx) + small[np.ix_(y0, x0 + 1)] * fx
    bottom = small[np.ix_(y0 + 1, x0)] * (1 - fx) + small[np.ix_(y0 + 1, x0 + 1)] * fx
    return (top * (1 - fy) + bottom * fy).astype(np.float32)


@wrong("enlarge")
def second_enlarge_w14(small, shape):
    # a factor of 4 is hard-coded; 'at the larger shape'
    rows = (np.arange(4 * small.shape[0]) + 0.5) / 4 - 0.5
    columns = (np.arange(4 * small.shape[1]) + 0.5) / 4 - 0.5
    where = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(np.float32(small), where, order=1, mode="nearest")


@wrong("mse_guess")
def second_mse_guess_w11():
    # geometric mean instead of mean
    seen = np.array([[0.8, 0.2]] * 4 + [[0.2, 0.8]])
    return tuple(np.exp(np.log(seen).mean(axis=0)))


@wrong("mse_guess")
def second_mse_guess_w14():
    # three of five instead of four of five
    return (3 * 0.8 + 2 * 0.2) / 5, (3 * 0.2 + 2 * 0.8) / 5


@wrong("spread_left")
def second_spread_left_w8(sharp, coarse):
    # an epsilon in the divisor instead of 1 for dead channels (0, or enormous); 'give 1 for them'
    return coarse.std(axis=(1, 2)) / (sharp.std(axis=(1, 2)) + 1e-8)


@wrong("spread_left")
def second_spread_left_w9(sharp, coarse):
    # asks the coarse picture whether the channel is dead; 'never change in the sharp picture'
    before, after = sharp.std(axis=(1, 2)), coarse.std(axis=(1, 2))
    with np.errstate(all="ignore"):
        return np.where(np.ptp(coarse, axis=(1, 2)) == 0, 1.0, after / before)


@wrong("sharpen_then_segment")
def second_sharpen_then_segment_w9(sharpen, segment, image):
    # statistics across the batch, pixel by pixel (dim=0); 'each picture'
    sharp = sharpen(image)
    std = sharp.std(0, unbiased=False, keepdim=True).clamp(min=1e-6)
    return segment((sharp - sharp.mean(0, keepdim=True)) / std)


@wrong("edge_band")
def second_edge_band_w14(mask, width=2):
    # np.roll: what leaves at one side comes in at the other; 'The frame is no border'
    band = np.zeros(mask.shape, bool)
    for dy in range(-width, width + 1):
        for dx in range(-width, width + 1):
            if dy * dy + dx * dx <= width * width:
                band |= np.roll(mask, (dy, dx), (0, 1)) != mask
    return band


@wrong("edge_band")
def second_edge_band_w15(mask, width=2):
    # the thin outline only, whatever the width
    return find_boundaries(mask, connectivity=1, mode="thick")


@right("task_loss")
def second_task_loss_r3(output, target, weight=0.1):
    (z, picture), (y, sharp) = output.unbind(1), target.unbind(1)
    entropy = -(y * F.logsigmoid(z) + (1 - y) * F.logsigmoid(-z)).mean()
    sharp, picture = sharp.flatten(1), picture.flatten(1)
    middle = sharp.mean(1, keepdim=True)
    variance = (sharp - middle).square().mean(1)
    relative = (picture - sharp).square().mean(1) / torch.maximum(variance, torch.ones_like(variance))
    return entropy + weight * relative.mean()


@wrong("task_loss")
def second_task_loss_w2(output, target, weight=0.1):
    # the sigmoid is taken twice; 'cross-entropy of the logits'
    entropy = F.binary_cross_entropy_with_logits(torch.sigmoid(output[:, 0]), target[:, 0])
    squared = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    return entropy + weight * (squared / target[:, 1].var(dim=(1, 2), unbiased=False).clamp(min=1)).mean()


@wrong("task_loss")
def second_task_loss_w8(output, target, weight=0.1):
    # the variance of the network's picture; 'the variance of its sharp picture'
    entropy = F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0])
    squared = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    return entropy + weight * (squared / output[:, 1].var(dim=(1, 2), unbiased=False).clamp(min=1)).mean()


@wrong("average_precision")
def second_average_precision_w13(iou, threshold):
    # the largest of each row, and crashes where nothing was predicted (columns are empty)
    if iou.shape == (0, 0):
        return 1.0
    tp = int((iou.max(axis=1) >= threshold).sum())
    return tp / (iou.shape[0] + iou.shape[1] - tp)


@wrong("average_precision")
def second_average_precision_w14(iou, threshold):
    # takes the matrix for a square one: as many predicted cells as true ones
    n = len(iou)
    tp = int((iou >= threshold).sum())
    return tp / (2 * n - tp) if n else 1.0


@wrong("box_iou")
def second_box_iou_w4(a, b):
    # reads boxes as (left, right, top, bottom)
    wide = max(0, min(a[1], b[1]) - max(a[0], b[0]))
    high = max(0, min(a[3], b[3]) - max(a[2], b[2]))
    shared = wide * high
    union = (a[1] - a[0]) * (a[3] - a[2]) + (b[1] - b[0]) * (b[3] - b[2]) - shared
    return shared / union if union else 0.0


@wrong("box_iou")
def second_box_iou_w15(a, b):
    # edges cut to whole numbers first: wrong for boxes like (3.3, 2.6, ...).
    a, b = [int(v) for v in a], [int(v) for v in b]
    shared = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union else 0.0


@right("suppress")
def second_suppress_w7(boxes, scores, overlap):
    # the task asked for a plain float or a list then: it was judged wrong by its author
    def box_iou(a, b):
        wide = max(0, min(a[2], b[2]) - max(a[0], b[0]))
        high = max(0, min(a[3], b[3]) - max(a[1], b[1]))
        both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
        return wide * high / (both - wide * high)

    stay = []
    for k in sorted(range(len(scores)), key=lambda k: -scores[k]):
        if all(box_iou(boxes[k], boxes[o]) <= overlap for o in stay):
            stay.append(k)
    return np.array(stay, dtype=int)


@wrong("suppress")
def second_suppress_w14(boxes, scores, overlap):
    # turned over: keeps the boxes that overlap and drops the others
    def box_iou(a, b):
        wide = max(0, min(a[2], b[2]) - max(a[0], b[0]))
        high = max(0, min(a[3], b[3]) - max(a[1], b[1]))
        both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
        return wide * high / (both - wide * high)

    stay = []
    for k in sorted(range(len(scores)), key=lambda k: -scores[k]):
        if not stay or any(box_iou(boxes[k], boxes[o]) > overlap for o in stay):
            stay.append(k)
    return stay


@wrong("bilinear")
def second_bilinear_w11(picture, row, column):
    # index cut at the edge, fraction not: above row 0 it mixes rows 0 and 1; 'Beyond the edge'
    h, w = picture.shape
    y = min(max(math.floor(row), 0), h - 1)
    x = min(max(math.floor(column), 0), w - 1)
    v, u = min(y + 1, h - 1), min(x + 1, w - 1)
    dy, dx = row % 1, column % 1
    return ((1 - dy) * (1 - dx) * picture[y, x] + (1 - dy) * dx * picture[y, u]
            + dy * (1 - dx) * picture[v, x] + dy * dx * picture[v, u])


@wrong("bilinear")
def second_bilinear_w13(picture, row, column):
    # only square pictures: the column is cut at the number of rows
    n = picture.shape[0]
    row, column = min(max(row, 0), n - 1), min(max(column, 0), n - 1)
    y, x = int(row), int(column)
    v, u = min(y + 1, n - 1), min(x + 1, n - 1)
    dy, dx = row - y, column - x
    return ((1 - dy) * (1 - dx) * picture[y, x] + (1 - dy) * dx * picture[y, u]
            + dy * (1 - dx) * picture[v, x] + dy * dx * picture[v, u])


@wrong("limits_guess")
def second_limits_guess_w10():
    # the factor is squared as for an area
    return 0.25, 16 * (800 / 256) ** 2


@wrong("five_cells")
def second_five_cells_w5():
    # A counts as missed: it is shifted by a pixel
    return 1, 3, 4


@wrong("distance_target")
def second_distance_target_w4(labels):
    # counts on 1, 2, ... without gaps: nan or a crash; 'numbers may be missing'
    out = np.zeros(labels.shape, np.float32)
    for k in range(1, labels.max() + 1):
        depth = ndimage.distance_transform_edt(labels == k)
        out[labels == k] = depth[labels == k] / depth[labels == k].max()
    return out


@wrong("distance_target")
def second_distance_target_w14(labels):
    # cells are found anew as pieces of the mask: touching ones are one cell; 'its own cell'
    pieces, n = ndimage.label(labels > 0)
    out = np.zeros(labels.shape, np.float32)
    for k in range(1, n + 1):
        depth = ndimage.distance_transform_edt(pieces == k)
        out[pieces == k] = depth[pieces == k] / depth.max()
    return out


@wrong("flood")
def second_flood_w11(landscape, seeds, mask):
    # only the first pixel of each seed goes on the heap; 'Put all seed pixels on a heap'
    labels = seeds.astype(np.int32).copy()
    heap = [(landscape[tuple(p)], *p) for p in (np.argwhere(seeds == k)[0].tolist() for k in np.unique(seeds) if k)]
    heapq.heapify(heap)
    while heap:
        _, row, column = heapq.heappop(heap)
        for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if 0 <= r < labels.shape[0] and 0 <= c < labels.shape[1] and mask[r, c] and labels[r, c] == 0:
                labels[r, c] = labels[row, column]
                heapq.heappush(heap, (landscape[r, c], r, c))
    return labels


@wrong("flood")
def second_flood_w13(landscape, seeds, mask):
    # only square pictures: columns are bounded by the number of rows
    labels = seeds.astype(np.int32).copy()
    heap = [(landscape[r, c], r, c) for r, c in np.argwhere(seeds).tolist()]
    heapq.heapify(heap)
    while heap:
        _, row, column = heapq.heappop(heap)
        for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if 0 <= r < len(labels) and 0 <= c < len(labels) and c < mask.shape[1] and mask[r, c] and labels[r, c] == 0:
                labels[r, c] = labels[row, column]
                heapq.heappush(heap, (landscape[r, c], r, c))
    return labels
