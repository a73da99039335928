# %% [markdown]
# # 6 · Mask R-CNN: which objects, not which pixels
#
# A U-Net answers for each pixel: *cell or not?* Mask R-CNN answers another question: *which
# objects are there, and where is each?* In this lesson you build its parts, each small. You train
# a light one, set it beside the U-Net, and see where each of them wins.

# %% [markdown]
# ## What you will be able to do
#
# - Match predicted cells with true ones, and say what average precision counts.
# - Explain anchors, region proposals, non-maximum suppression and RoIAlign.
# - Name the settings of a ready-made Mask R-CNN that quietly ruin it on cells.
# - Turn detections into a label map and into a mask.
# - Choose between a U-Net and Mask R-CNN, with numbers in hand.
#
# **Minutes:** about 90 minutes of reading, running and exercises, of which the two cores of a
# laptop compute about 15. Five exercises, 11 points.

# %% setup
import time

import numpy as np
import torch
from torchvision import ops

torch.manual_seed(0)

# %% [markdown]
# ## 1. The same pixels, other objects
#
# The pictures of this lesson show nuclei: bright on black, or purple in a stained tissue. Tiles of
# one field stay together when we divide them.

# %%
samples = ck.lesson.papers.load("dsb2018").cached()
train, test = ck.split(samples, 0.8, seed=0)
scored = list(test)[:lesson.scored]
print(f"{samples.dataset}: {len(train)} pictures to train on, {len(test)} to test on")

# %% [markdown]
# Here are five cells, drawn by hand, and two answers. The first one has all *pixels* right.

# %%
def disc(row, column, radius, shape=(64, 96)):
    y, x = np.indices(shape)
    return np.hypot(y - row, x - column) < radius

truth = np.zeros((64, 96), np.int32)
for k, place in enumerate([(18, 18, 10), (18, 38, 11), (44, 20, 9), (45, 62, 12), (20, 78, 9)], 1):
    truth[disc(*place)] = k

# %%
apart = np.zeros_like(truth)
for k, place in enumerate([(18, 17, 10), (19, 39, 10), (44, 22, 9), (45, 62, 9), (50, 86, 6)], 1):
    apart[disc(*place)] = k
merged = ck.instances(truth > 0, "components")
answers = {"one merged": merged, "one missed, one invented": apart}

# %%
ck.show.images(
    [truth, *answers.values()], ["truth: 5 cells", *answers],
    alt="Three drawings. The truth has five round cells, two of them touching. In the first answer "
    "the two are one object. In the second all are separate, but one is missing, one is too small, "
    "and one stands where there is none.",
)

# %% [markdown]
# To score objects we must know who is who. For each true cell and each predicted one we take the
# **intersection over union**, IoU: shared pixels divided by the pixels of either. That gives a
# matrix.

# %%
def iou_matrix(truth, pred):
    matrix = np.zeros((truth.max(), pred.max()))
    for i in range(truth.max()):
        for j in range(pred.max()):
            a, b = truth == i + 1, pred == j + 1
            matrix[i, j] = (a & b).sum() / (a | b).sum()
    return matrix

print(iou_matrix(truth, apart).round(2))
# expect: [[0.88 0.   0.   0.   0.  ]
# expect:  [0.   0.8  0.   0.   0.  ]
# expect:  [0.   0.   0.76 0.   0.  ]
# expect:  [0.   0.   0.   0.57 0.  ]
# expect:  [0.   0.   0.   0.   0.  ]]

# %% [markdown]
# A pair whose IoU reaches a threshold is a **hit**, TP. Above one half nobody can have two
# partners: two objects that both share more than half of their pixels with a third one would
# overlap, and objects in a label map never do. A prediction without a partner is a **false alarm**,
# FP. A true cell without one is a **miss**, FN.

# %% [markdown] exercise="average_precision"
# ### Exercise 6.1 · Average precision (2 points, 10 minutes)
#
# Write `average_precision(iou, threshold)`. `iou` is such a matrix: a row for each true cell, a
# column for each predicted one; `threshold` is above one half. Return TP / (TP + FP + FN) as a
# number. If there are no true cells and no predicted ones, the answer is 1.

# %% solution="average_precision"
def average_precision(iou, threshold):
    """TP / (TP + FP + FN); 1 if there is nothing to find and nothing was found."""
    # BEGIN SOLUTION
    hits = int((iou >= threshold).sum())
    true, found = iou.shape
    total = true + found - hits
    return hits / total if total else 1.0
    # END SOLUTION

# %% check="average_precision" points=2
# BEGIN HIDDEN TESTS
some = np.zeros((4, 3))
some[0, 2], some[1, 0], some[3, 1] = 0.95, 0.625, 0.2
assert abs(average_precision(some, 0.625) - 2 / 5) < 1e-9
assert abs(average_precision(some, 0.7) - 1 / 6) < 1e-9
assert abs(average_precision(some.T, 0.7) - 1 / 6) < 1e-9
assert average_precision(np.eye(3), 0.9) == 1 and average_precision(np.zeros((2, 0)), 0.6) == 0
assert average_precision(np.zeros((0, 0)), 0.6) == 1 and average_precision(some[:, :0], 0.6) == 0
# END HIDDEN TESTS
average_precision = ck.lesson.check("average_precision", average_precision)

# %%
thresholds = np.linspace(0.5, 0.95, 10)
ck.show.curves(
    {name: [average_precision(iou_matrix(truth, pred), t) for t in thresholds]
     for name, pred in answers.items()}, thresholds, xlabel="IoU threshold", ylim=(0, 1),
    ylabel="TP / (TP + FP + FN)", title="Five cells, two answers",
    alt="Average precision against the threshold for both answers. One merged pair costs the same "
    "at every threshold; inexact outlines cost the more, the higher the threshold is.",
)

# %%
for name, pred in answers.items():
    ours, theirs = average_precision(iou_matrix(truth, pred), 0.6), ck.average_precision(
        truth, pred, 0.6)
    print(f"{name}: Dice {ck.dice(truth, pred):.2f}, AP at 0.6: {ours:.3f} and {theirs:.3f}")
# expect: one merged: Dice 1.00, AP at 0.6: 0.500 and 0.500
# expect: one missed, one invented: Dice 0.74, AP at 0.6: 0.429 and 0.429

# %% [markdown]
# The first answer has a perfect Dice, but an AP of only one half. From here on the *object* is what
# counts.
#
# Careful with the word: StarDist, Cellpose and the nucleus contest call TP / (TP + FP + FN)
# *average precision*. In COCO it is the area under a precision-recall curve, drawn by score. The
# table below has both.
#
# ## 2. Boxes
#
# Mask R-CNN thinks in **boxes** first. A box is four numbers: left, top, right, bottom. Right and
# bottom lie just outside, so that the width is right minus left, and one pixel has a box of 1×1.

# %% [markdown] exercise="box_iou"
# ### Exercise 6.2 · IoU of boxes (2 points, 10 minutes)
#
# Write `box_iou(a, b)` for two boxes, each `(left, top, right, bottom)`. Return the area they share
# divided by the area of their union. Boxes that lie apart share nothing.

# %% solution="box_iou"
def box_iou(a, b):
    """Intersection over union of two boxes (left, top, right, bottom)."""
    # BEGIN SOLUTION
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    both = max(wide, 0) * max(high, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
    # END SOLUTION

# %% check="box_iou" points=2
# BEGIN HIDDEN TESTS
assert abs(box_iou((2, 3, 8, 7), (5, 1, 9, 6)) - 9 / (24 + 20 - 9)) < 1e-9
assert box_iou((0, 0, 3, 5), (7, 9, 8, 12)) == 0 and box_iou((0, 0, 3, 5), (1, 6, 2, 8)) == 0
assert box_iou((0, 0, 3, 5), (4, 1, 6, 3)) == 0 and box_iou((2, 2, 4, 9), (2, 2, 4, 9)) == 1
assert abs(box_iou((1, 1, 2, 2), (0, 0, 5, 4)) - 1 / 20) < 1e-9
# END HIDDEN TESTS
box_iou = ck.lesson.check("box_iou", box_iou)

# %%
def draw_boxes(picture, boxes, colour=(1, 0.62, 0)):
    """The picture with the outlines of boxes on it."""
    drawn = np.array(picture, np.float32)
    drawn = drawn if drawn.ndim == 3 else np.repeat(drawn[..., None], 3, 2)
    limit = np.array([drawn.shape[1], drawn.shape[0]] * 2) - 1
    for left, top, right, bottom in np.clip(np.round(boxes), 0, limit).astype(int):
        drawn[top:bottom + 1, [left, right]] = drawn[[top, bottom], left:right + 1] = colour
    return drawn

# %% [markdown]
# ## 3. Anchors: boxes that wait
#
# A network cannot print a list of any length. So Mask R-CNN lays out a fixed one: **anchors**,
# boxes of a few sizes and shapes around every place of a coarse grid. For each anchor the network
# says two things: *is there an object?* and *how must this box be moved and stretched to fit it?*
# That part is the **region proposal network**.

# %%
def anchors(height, width, stride, sides, ratios=(0.5, 1, 2)):
    """Boxes around every stride-th pixel: each side in each shape (height : width)."""
    boxes = []
    for y in range(0, height, stride):
        for x in range(0, width, stride):
            for ratio in ratios:
                for side in sides:
                    high, wide = side * ratio**0.5 / 2, side / ratio**0.5 / 2
                    boxes.append([x - wide, y - high, x + wide, y + high])
    return np.array(boxes).round() if boxes else np.zeros((0, 4))

# %%
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

makes = AnchorGenerator(((24, 40),), ((0.5, 1.0, 2.0),))
theirs = makes(ImageList(torch.zeros(1, 1, 64, 96), [(64, 96)]), [torch.zeros(1, 1, 8, 12)])[0]
ours = anchors(64, 96, 8, (24, 40))
print(len(ours), "anchors; largest difference from torchvision's:",
      f"{np.abs(ours - theirs.numpy()).max():.0f} pixels")
# expect: 576 anchors; largest difference from torchvision's: 0 pixels

# %% [markdown]
# An anchor *learns from* a cell if their IoU is high: above 0.7 it should say yes, below 0.3 no.
# (A cell that no anchor reaches so well gets its best one.) So anchors must be of the size of
# cells. torchvision's default has sides of 32 to 512 pixels. Ours begin at 8.

# %%
cells = ck.networks.mask_rcnn.CELLS["light"]
kinds = {"torchvision: 32 to 512": [(4, (32,)), (8, (64,)), (16, (128,)), (32, (256,)),
                                   (64, (512,))],
         "ours: 8 to 112": list(zip((4, 8, 16), cells, strict=True))}

def best_anchor(sample, levels):
    """For each cell the IoU of the anchor that fits it best."""
    boxes = ck.networks.mask_rcnn.targets(sample.labels)["boxes"]
    grid = [anchors(*sample.labels.shape, stride, sides) for stride, sides in levels]
    fit = ops.box_iou(boxes, torch.tensor(np.concatenate(grid), dtype=torch.float32))
    return fit.max(1).values.numpy()

# %%
few = [s for s in scored if s.labels.max()][:6]
reach = {name: np.concatenate([best_anchor(s, levels) for s in few])
         for name, levels in kinds.items()}
ck.show.bars(
    {name: float((fit > 0.5).mean()) for name, fit in reach.items()},
    ylabel="cells with an anchor, IoU > 0.5", title=samples.dataset,
    alt="How many cells have an anchor that overlaps them by more than one half: "
    + ", ".join(f"{name}: {(fit > 0.5).mean():.0%}" for name, fit in reach.items()) + ".",
)

# %% [markdown]
# So much for *is there an object?* The answer to *how must it be moved?* is four numbers: by how
# many of its own widths and heights the centre moves, and the logarithms of the factors by which
# the box becomes wider and higher. An anchor that has been moved is a **region proposal**.

# %%
def move(box, along, down, wider, higher):
    """An anchor, moved and stretched: a region proposal."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    x, y = (left + right) / 2 + along * width, (top + bottom) / 2 + down * height
    wide, high = width * np.exp(wider) / 2, height * np.exp(higher) / 2
    return x - wide, y - high, x + wide, y + high

# %%
from torchvision.models.detection._utils import BoxCoder

coder = BoxCoder((1.0, 1.0, 1.0, 1.0))
true_boxes = ck.networks.mask_rcnn.targets(truth)["boxes"]
grid = torch.tensor(anchors(*truth.shape, 8, (24, 40)), dtype=torch.float32)
best = grid[ops.box_iou(true_boxes, grid).argmax(1)]  # for each cell the anchor that fits it best
wanted = coder.encode([true_boxes], [best])[0]  # what the network should say of these anchors
ours = np.array([move(*pair) for pair in
                 ((box, *four) for box, four in zip(best.numpy(), wanted.numpy(), strict=True))])
theirs = coder.decode(wanted, [best])[:, 0].numpy()
print("largest difference from torchvision's:", f"{np.abs(ours - theirs).max():.3f} pixels")
# expect: largest difference from torchvision's: 0.000 pixels

# %%
ck.show.images(
    [draw_boxes(0.5 * (truth > 0), best.numpy()), draw_boxes(0.5 * (truth > 0), ours)],
    ["the five best anchors", "moved and stretched: proposals"], size=4,
    alt="Five cells, on each the anchor that fits it best, which is too large or lies beside it; "
    "and the same boxes after they were moved and stretched: each frames its cell exactly.",
)

# %% [markdown]
# Here we took the four numbers from the truth. The network has to learn them.
#
# ## 4. Too many boxes: non-maximum suppression
#
# Neighbouring anchors find the same cell. From each heap of boxes one must stay: take the best
# box, drop those that overlap it too much, take the best of what is left, and so on. A box that
# was dropped drops nobody.

# %% [markdown] exercise="suppress"
# ### Exercise 6.3 · Non-maximum suppression (3 points, 15 minutes)
#
# Write `suppress(boxes, scores, overlap)`. Return the indices of the boxes that stay, as a list,
# the best score first. A box is dropped if its IoU with a better one *that stays* is above
# `overlap`. Use `box_iou`.

# %% solution="suppress"
def suppress(boxes, scores, overlap):
    """Indices of the boxes that stay, best first."""
    # BEGIN SOLUTION
    stay = []
    for k in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        if all(box_iou(boxes[k], boxes[j]) <= overlap for j in stay):
            stay.append(k)
    return stay
    # END SOLUTION

# %% check="suppress" points=3
# BEGIN HIDDEN TESTS
row = [(3 * k, 0, 3 * k + 8, 8) for k in range(6)]
assert list(suppress(row, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], 0.4)) == [0, 2, 4]
assert list(suppress(row, [0.5, 0.9, 0.4, 0.3, 0.8, 0.1], 0.4)) == [1, 4]
assert list(suppress(row[:3], [0.1, 0.3, 0.2], 0.5)) == [1, 2, 0]
assert list(suppress([(0, 0, 4, 1), (0, 0, 2, 1)], [0.2, 0.3], 0.5)) == [1, 0]
assert list(suppress([], [], 0.5)) == []
# END HIDDEN TESTS
suppress = ck.lesson.check("suppress", suppress)

# %%
rng = np.random.default_rng(0)
true_boxes = true_boxes.numpy()
many = np.repeat(true_boxes, 8, 0) + rng.normal(0, 2, (40, 4))
scores = rng.random(40)
stay = suppress(many, scores, 0.3)
theirs = ops.nms(torch.tensor(many), torch.tensor(scores), 0.3)
print(f"{len(many)} boxes, {len(stay)} stay; torchvision agrees: {stay == theirs.tolist()}")
# expect: 40 boxes, 5 stay; torchvision agrees: True

# %%
ck.show.images(
    [draw_boxes(0.5 * (truth > 0), many), draw_boxes(0.5 * (truth > 0), many[stay])],
    ["forty boxes", "after suppression"], size=4,
    alt="Five cells under a heap of forty boxes, and the same five cells with one box each.",
)

# %% [markdown]
# It has a price: two cells that truly overlap by more than the limit lose one of them.
#
# ## 5. Cut out exactly: RoIAlign
#
# Each box that stays is looked at once more, by two small networks, the **heads**: one says *cell
# or not* and corrects the box, the other paints the **mask**. They need an input of a fixed size,
# 7×7 or 14×14, cut out of the *feature maps*, where one step is 4 or 8 pixels of the picture.
#
# Older networks rounded the box to whole steps, and took the largest value in each piece:
# **RoIPool**. Half a step is lost on each side, up to four pixels of the picture. A cell is twenty
# wide.

# %%
def roi_pool(features, box, size):
    left, top, right, bottom = (round(edge) for edge in box)
    def pieces(first, last):
        step = max(last - first + 1, 1) / size
        return [slice(first + int(k * step), first + int(np.ceil((k + 1) * step)))
                for k in range(size)]
    return np.array([[features[rows, columns].max() for columns in pieces(left, right)]
                     for rows in pieces(top, bottom)])

# %%
features = np.random.default_rng(1).random((16, 24))
box = (3.3, 2.6, 15.8, 11.1)
theirs = ops.roi_pool(torch.tensor(features)[None, None], [torch.tensor([box]).double()], 7)
difference = np.abs(roi_pool(features, box, 7) - theirs[0, 0].numpy()).max()
print("largest difference from torchvision's:", f"{difference:.6f}")
# expect: largest difference from torchvision's: 0.000000

# %% [markdown]
# **RoIAlign** does not round. It asks for values *between* the pixels.

# %% [markdown] exercise="bilinear"
# ### Exercise 6.4 · Between the pixels (3 points, 15 minutes)
#
# Write `bilinear(picture, row, column)`: the value of an array (H, W) at a place that need not be
# whole. Mix the four pixels around it; the nearer one counts more, in proportion. Row 0 is the
# centre of the first row of pixels. Beyond the edge, the value is that of the edge.

# %% solution="bilinear"
def bilinear(picture, row, column):
    """The value between four pixels; beyond the edge, that of the edge."""
    # BEGIN SOLUTION
    height, width = picture.shape
    row, column = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
    top, left = int(row), int(column)
    below, beside = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = row - top, column - left
    upper = (1 - across) * picture[top, left] + across * picture[top, beside]
    lower = (1 - across) * picture[below, left] + across * picture[below, beside]
    return (1 - down) * upper + down * lower
    # END SOLUTION

# %% check="bilinear" points=3
# BEGIN HIDDEN TESTS
slope = np.arange(5)[:, None] * 10.0 + np.arange(3)
for row, column in ((0, 0), (4, 2), (1.3, 0.4), (3.9, 1.75), (2.5, 1)):
    assert abs(bilinear(slope, row, column) - (10 * row + column)) < 1e-9
assert abs(bilinear(slope, -3, 0.5) - 0.5) < 1e-9 and abs(bilinear(slope, 7.2, 5) - 42) < 1e-9
twisted = np.array([[0.0, 2.0], [4.0, 12.0]])
assert abs(bilinear(twisted, 0.5, 0.25) - (0.5 * 0.5 + 0.5 * 6)) < 1e-9
# END HIDDEN TESTS
bilinear = ck.lesson.check("bilinear", bilinear)

# %% [markdown]
# RoIAlign in four lines: divide the box into a grid, and ask for the value in the middle of each
# piece. (`- 0.5`: box edges are counted from the corner of a pixel, values from its centre.)

# %%
def roi_align(features, box, size):
    left, top, right, bottom = box
    rows = top + (np.arange(size) + 0.5) * (bottom - top) / size - 0.5
    columns = left + (np.arange(size) + 0.5) * (right - left) / size - 0.5
    return np.array([[bilinear(features, r, c) for c in columns] for r in rows])

# %%
theirs = ops.roi_align(torch.tensor(features)[None, None], [torch.tensor([box]).double()], 7,
                       sampling_ratio=1, aligned=True)[0, 0].numpy()
difference = np.abs(roi_align(features, box, 7) - theirs).max()
print("largest difference from torchvision's:", f"{difference:.6f}")
# expect: largest difference from torchvision's: 0.000000

# %% [markdown]
# Now both on one cell. The features are the simplest there are: the mask itself, averaged over
# 4×4 pixels. We move the cell and its box by one pixel at a time. What is cut out should not
# change, since the cell stays in the middle of its box.

# %%
def cut_out(shift, how):
    moved = np.roll(truth == 4, shift, axis=1).astype(np.float32)
    coarse = torch.tensor(ck.shrink(moved, 0.25, resampler="area"))[None, None]
    roi = [torch.tensor(true_boxes[3:4] + np.float32([shift, 0, shift, 0]))]
    options = {"aligned": True} if how is ops.roi_align else {}
    return how(coarse, roi, 7, spatial_scale=0.25, **options)[0, 0].numpy()

# %%
cuts = {name: [cut_out(shift, how) for shift in range(4)]
        for name, how in (("RoIPool", ops.roi_pool), ("RoIAlign", ops.roi_align))}
change = {name: float(np.mean([np.abs(c - cut[0]).mean() for c in cut[1:]]))
          for name, cut in cuts.items()}
ck.show.images(
    [picture for cut in cuts.values() for picture in cut],
    [f"{name}, moved by {k}" for name in cuts for k in range(4)], columns=4, size=2.2,
    alt="One round cell, cut out in 7 by 7 pieces while it moves by 0 to 3 pixels. RoIPool's cut "
    f"changes by {change['RoIPool']:.2f} on average, RoIAlign's by {change['RoIAlign']:.2f}.",
)

# %% [markdown]
# RoIPool shows another cell at each place, though nothing has changed but the place. A mask painted
# from that is off by pixels.
#
# ## 6. The defaults that ruin it
#
# A ready-made Mask R-CNN was made for photographs: a few large things, 640 pixels wide. Three of
# its settings matter here.

# %% [markdown] exercise="limits_guess"
# ### Exercise 6.5 · Predict, then run (1 point, 5 minutes)
#
# A picture of 256×256 pixels holds 400 nuclei, each 16 pixels wide. torchvision's Mask R-CNN keeps
# at most 100 detections. It enlarges the picture until its shorter side has 800 pixels. What share
# of the nuclei can it find at best, and how wide is a nucleus when it reaches the network?

# %% solution="limits_guess"
def limits_guess():
    """(share of the nuclei found at best, width of a nucleus as the network sees it)."""
    # BEGIN SOLUTION
    return 0.25, 50
    # END SOLUTION

# %% check="limits_guess" points=1
# BEGIN HIDDEN TESTS
share, width = limits_guess()
assert abs(share - 100 / 400) < 1e-6 and abs(width - 16 * 800 / 256) < 1e-6
# END HIDDEN TESTS
limits_guess = ck.lesson.check("limits_guess", limits_guess)

# %%
def seconds(net, image):
    ck.predict(net, image)
    began = time.perf_counter()
    ck.predict(net, image)
    return time.perf_counter() - began

picture = np.random.default_rng(0).random((128, 128, 3), np.float32)
asked = {"as it is": None, "enlarged to 800": 800}
cost = {name: seconds(ck.MaskRCNN(3, width=lesson.width, size=size, detections=10), picture)
        for name, size in asked.items()}
counts = [int(s.labels.max()) for s in samples]

# %%
ck.show.table(
    [{"setting": "enlarges to 800 pixels", "what it does here":
      f"{cost['enlarged to 800'] / cost['as it is']:.0f} times the time, for 128×128 pixels"},
     {"setting": "keeps 100 detections", "what it does here":
      f"{sum(n > 100 for n in counts)} of {len(counts)} pictures have more cells, up to "
      f"{max(counts)}"},
     {"setting": "anchors from 32 pixels", "what it does here":
      f"{np.mean(reach['torchvision: 32 to 512'] > 0.5):.0%} of the cells have a fitting one, "
      f"{np.mean(reach['ours: 8 to 112'] > 0.5):.0%} of ours"}],
    f"Three defaults, on {samples.dataset}",
)

# %% [markdown]
# Small drawn pictures hold few cells, so there the limit of 100 shows nothing. Of the 229 real
# pictures of DSB2018 that we have, 23 hold more, up to 369.
#
# To enlarge is no pure loss: a nucleus of 16 pixels becomes 50 and meets the default anchors. It is
# the expensive way. We set the anchors to the cells and leave the pictures as they are.
#
# ## 7. Train a light one
#
# `ck.MaskRCNN` puts the parts together. Proposals, RoIAlign and the heads' losses are
# torchvision's. The **backbone**, the network that makes the feature maps, is the U-Net of lesson 2
# without its last step up: what it says on each level on the way up goes to the proposals and the
# heads. Feature maps of several sizes are called a **feature pyramid**; so it is nothing new to
# you. Five losses are added up: of the proposals *is there an object?* (objectness) and the box; of
# the objects the class, the box and the mask.

# %%
detector = ck.MaskRCNN(in_channels=3, width=lesson.width)
unet = ck.UNet(in_channels=3, width=lesson.width)
for name, net in (("Mask R-CNN", detector), ("U-Net", unet)):
    print(f"{name}: {sum(p.numel() for p in net.parameters()):,} weights")

# %%
learnt = ck.fit(detector, train, **lesson.detector)

# %%
simpler = ck.fit(unet, train, **lesson.training)

# %%
ck.show.curves(
    {"five losses, summed": learnt.train_loss}, xlabel="epoch", ylabel="loss", ylim=(0, None),
    title="Mask R-CNN learns",
    alt=f"The training loss falls from {learnt.train_loss[0]:.2f} to {learnt.train_loss[-1]:.2f}.",
)

# %% [markdown]
# Objects come out of `ck.detect`, as labels. `ck.predict` gives a foreground, so that both networks
# can be asked the same. The U-Net's objects are the connected pieces of its mask; lesson 7 does
# better.

# %%
example = max(scored, key=lambda s: s.labels.max())
found, sure = ck.detect(detector, example.image, scores=True)
pieces = ck.instances(ck.predict(unet, example.image), "components")
ck.show.images(
    [example.image, example.labels, found, pieces],
    [example.dataset, f"truth: {example.labels.max()} cells", f"Mask R-CNN: {found.max()}",
     f"U-Net, pieces: {pieces.max()}"],
    alt=f"A test picture, its {example.labels.max()} true cells, the {found.max()} objects of Mask "
    f"R-CNN and the {pieces.max()} connected pieces of the U-Net's mask.",
)

# %% [markdown]
# ## 8. From detections to one picture
#
# Detections overlap. For a label map each pixel goes to its *best* mask: the one with the highest
# probability times score. Who keeps less than half of its own mask is dropped. That is what
# `ck.detect` does. The second of our papers wants a mask, and
# goes another way: boxes that score below 0.4, are small, or overlap a better one are dropped;
# probabilities below 0.3 become 0; the rest is added up; above 0.9 is foreground.

# %%
detections = [ck.inference.detections(detector, s.image) for s in scored]
merged = {
    "paper 2: added up, above 0.9": [ck.postprocessing.merge_paper2(d) for d in detections],
    "best mask of all, above 0.5": [ck.postprocessing.merge_foreground(d) > 0.5
                                    for d in detections],
}

# %%
ck.show.table(
    [{"merging": name, "Dice": ck.dice([s.mask for s in scored], masks),
      "foreground": float(np.mean([m.mean() for m in masks]))} for name, masks in merged.items()],
    f"{samples.dataset}: {len(scored)} test pictures, true foreground "
    f"{np.mean([s.mask.mean() for s in scored]):.3f}",
)

# %% [markdown]
# The paper's threshold of 0.9 asks a lot of a single mask: its blurred rim is lost. Where two masks
# overlap, their sum gets there more easily.
#
# ## 9. The table
#
# Now side by side: the same pictures, the same measures, and the minutes of training beside them.
# First your two networks, live. The words of the tables:
#
# - **IoU, F1**: of the foreground pixels. IoU is the mean over pictures.
# - **object F1**: 2 TP / (2 TP + FP + FN), where a pair is a hit if it shares more than half of the
#   true object. **Object Dice** and **Hausdorff** compare each object with the one that it overlaps
#   most, and large objects count more: Hausdorff is how far their outlines lie apart at worst, in
#   pixels. All three come from the gland contest.
# - **AP50**: section 1, at IoU 0.5. **COCO AP**: the area under a curve, over ten thresholds.
# - **count error**: by what share of the true number the number of objects is wrong.

# %%
from cellkit_course.results import models

live = {"U-Net": models.row(unet, scored), "Mask R-CNN": models.row(detector, scored)}
shown = ("iou", "f1", "object f1", "object dice", "AP50", "COCO AP", "count error")
spent = {"U-Net": simpler, "Mask R-CNN": learnt}
ck.show.table(
    [{"network": name, "minutes": sum(spent[name].seconds) / 60,
      **{key: row[key] for key in shown}} for name, row in live.items()],
    f"Live: {samples.dataset}, {len(scored)} test pictures; IoU: mean of them, objects pooled",
)

# %% [markdown]
# Then all models, *measured earlier* by `make model-table`: real pictures of nuclei (DSB2018, whole
# fields apart) and of glands (GlaS, patients apart, at half size), with as few minutes of training
# as the table says. ± is the standard deviation over three seeds; without it there was one, and
# another would have given another number. *M weights* counts them in millions; *ms* is the time for
# 256×256 pixels on one core. *Paper* is what the fourth of our papers prints: 670 pictures to train
# on and 65 to test, which ones it does not say. Its residual network and its Mask R-CNN began with
# weights from COCO, so their numbers stand beside those rows. Where weights could not be
# downloaded, the row says so.

# %%
paper = {"simple": 0.62, "resnet-coco": 0.77, "unet": 0.83, "mask_rcnn-coco": 0.88}
for data in ("dsb2018", "glas"):
    rows = [{"model": row["words"], "M weights": row["weights"] / 1e6 if "weights" in row else "–",
             "minutes": row.get("minutes", "–"), "ms": row.get("ms", "–"),
             "IoU": f"not run: {row['not run']}" if "not run" in row
             else models.over_seeds(data, name, "iou"),
             "paper: IoU": paper.get(name, "not printed") if data == "dsb2018" else
             "not printed",
             **{title: models.over_seeds(data, name, measure) for title, measure in (
                 ("object F1", "object f1"), ("object Dice", "object dice"),
                 ("Hausdorff", "object hausdorff"), ("AP50", "AP50"),
                 ("count error", "count error"))}}
            for name, row in models.measured(data).items()]
    if rows:
        ck.show.table(rows, f"Measured earlier, {data}", digits=3)
    else:
        print(f"{data}: nothing measured yet; make model-table does it")

# %%
rows = {name: row for name, row in models.measured("dsb2018").items() if "ms" in row}
for name, row in rows.items():
    row["iou"] = float(models.over_seeds("dsb2018", name, "iou").split()[0])
if rows:
    fig, ax = ck.show.axes(1, 1, (5.5, 3.4))
    for row in rows.values():
        ax.plot(row["ms"], row["iou"], "o", color=ck.show.BLUE)
        ax.annotate(row["words"], (row["ms"], row["iou"]), xytext=(5, 4),
                    textcoords="offset points", fontsize=8)
    ax.set(xlabel="milliseconds for 256×256 pixels", ylabel="foreground IoU", xscale="log")
    ax.margins(x=0.5, y=0.2)
    ck.show.figure(fig, alt="Accuracy against speed, measured earlier. " + "; ".join(
        f"{row['words']}: IoU {row['iou']:.3f} in {row['ms']} ms" for row in rows.values()) + ".")

# %% [markdown]
# Up and to the left is better. Who lies below *and* to the right of another is beaten twice. So is
# Mask R-CNN here, even by a simple network of 47,000 weights: the opposite of the paper's order.
# But IoU asks about *pixels*. Go back to the table and read AP50, which asks about *objects*: there
# Mask R-CNN is first. Which network is best depends on what you ask. And all of ours trained for
# two minutes: with hours, they may change places again.
#
# What does a network say of pictures of a kind it has never seen? Paper 4 tests on unseen pictures.
# We go further and test on an unseen *kind*: each network is trained on glowing nuclei alone, and
# on stained ones alone.

# %%
rows = []
for kind in (None, "fluorescence", "stained"):
    known = models.measured("dsb2018", kind)
    rows += [{"network": known[name]["words"], "trained on": kind or "both",
              **{f"IoU, {seen}": known[name][f"iou, {seen}"]
                 for seen in ("fluorescence", "stained")}}
             for name in ("unet", "mask_rcnn") if name in known]
if rows:
    ck.show.table(rows, "Measured earlier, dsb2018: foreground IoU on each kind of test picture")
else:
    print("nothing measured yet; make model-table does it")

# %% [markdown]
# A network knows the kind of picture it was trained on. Nothing warns you when you show it another.
#
# ## 10. Where each fails
#
# A box with a mask of 28×28 in it is a good description of a small round thing. It is a poor one
# of a ring. The second of our papers saw that on glands. Here are the true objects that each
# network finds (IoU above one half), by size and by shape. **Solidity** is an object's area divided
# by that of its convex hull, the rubber band around it: 1 for a disc, little for a ring or a moon.

# %%
shapes = ("small", "middle", "large", "compact", "bent or ringed")
groups = {f"live: {name}": row for name, row in live.items()}
groups |= {f"{what}, measured earlier: {row['words']}": row
           for what, data in (("nuclei", "dsb2018"), ("glands", "glas"))
           for name, row in models.measured(data).items() if name in ("unet", "mask_rcnn")}
ck.show.table(
    [{"network": name, **{shape: row[f"found, {shape}"] for shape in shapes}}
     for name, row in groups.items()],
    "Share of the true objects found (nan: there are none). Sizes are thirds; bent: solidity below "
    "0.85", digits=2,
)

# %%
outcomes = [(ck.average_precision(s.labels, ck.detect(detector, s.image), 0.5)
             - ck.average_precision(s.labels, ck.instances(ck.predict(unet, s.image),
                                                           "components"), 0.5), s) for s in scored]
outcomes.sort(key=lambda pair: pair[0])
extremes = [outcomes[0], outcomes[-1]]
ck.show.images(
    [p for _, s in extremes for p in (
        s.image, s.labels, ck.detect(detector, s.image),
        ck.instances(ck.predict(unet, s.image), "components"))],
    ["picture", "truth", "Mask R-CNN", "U-Net, pieces"] * 2, columns=4, size=2.8,
    alt="Two test pictures with truth and both answers: above, where the U-Net is ahead the most "
    f"(AP50 {-extremes[0][0]:+.2f}); below, where Mask R-CNN is ({extremes[1][0]:+.2f}).",
)

# %% [markdown]
# In the rows measured earlier: what is bent the U-Net finds more often, on nuclei too, where there
# are 65 such (of the glands only 7). Large and compact things Mask R-CNN finds more often, since
# the U-Net's pieces stick together. In the pictures look for three things: touching nuclei (one
# piece for the U-Net), faint nuclei (below the score for Mask R-CNN), and the outline of large ones
# (28×28 numbers must do).
#
# ## 11. Ask eight times, ask two networks
#
# A picture may lie on the table in eight ways, and each is as right as any other. **Test-time
# augmentation** asks for all eight and takes the mean. An **ensemble** asks several networks.

# %%
def eight_views(say, image):
    """The mean of what is said of the picture in all eight positions, turned back."""
    said = []
    for turns in range(4):
        for flip in (False, True):
            laid = np.rot90(image[:, ::-1] if flip else image, turns)
            back = np.rot90(say(np.ascontiguousarray(laid)), -turns)
            said.append(back[:, ::-1] if flip else back)
    return np.mean(said, 0)

# %%
one = scored[0]
mine = eight_views(lambda image: ck.predict(unet, image), one.image)
difference = np.abs(mine - ck.predict(unet, one.image, turns=8)).max()
print("largest difference from ck.predict(..., turns=8) below 0.02:", bool(difference < 0.02))
# expect: largest difference from ck.predict(..., turns=8) below 0.02: True

# %%
asked = {"U-Net": (unet, 1), "U-Net, eight views": (unet, 8), "Mask R-CNN": (detector, 1),
         "both": ([unet, detector], 1)}
some = scored[:4]
scores = {name: ck.dice([s.mask for s in some],
                        [ck.predict(net, s.image, turns=turns) > 0.5 for s in some])
          for name, (net, turns) in asked.items()}
ck.show.bars(
    scores, ylabel="Dice", title=f"{samples.dataset}: {len(some)} test pictures", digits=3,
    alt="Dice of the foreground: " + ", ".join(f"{n} {v:.3f}" for n, v in scores.items()) + ".",
)

# %% [markdown]
# Few pictures and one seed: do not believe a difference yet. Here is what each adds to the network
# that was asked once, on more pictures and over seeds; the ensemble is compared with the better of
# its two. A gain smaller than its ± may be luck: three seeds cannot tell.

# %%
gains = models.gains("dsb2018")
if gains:
    ck.show.table(gains, "Measured earlier, dsb2018: more than the (better) network alone")
else:
    print("nothing measured yet; make model-table does it")

# %% [markdown]
# And count the cost. Eight views take eight times as long, and the ensemble as long as both.
#
# ## 12. What to choose when
#
# - **Only the area matters** (confluence, share of tissue): a U-Net. Smaller, faster, and there
#   are no objects to get wrong.
# - **Cells must be counted, and they are compact, of similar size, and touch**: Mask R-CNN, or
#   a U-Net with a distance map and a watershed (lesson 7). Measure both.
# - **Thin, branched or ring-like objects**: a U-Net. A box tells little about them.
# - **A weak computer**: the simplest network that reaches what you need. Read it off the figure.
#
# Whatever you choose: set anchors, limits and sizes to *your* objects first. No training repairs
# an anchor that fits no cell.
#
# ## Recap
#
# You can now
#
# - Match predicted cells with true ones, and say what average precision counts.
# - Explain anchors, region proposals, non-maximum suppression and RoIAlign.
# - Name the settings of a ready-made Mask R-CNN that quietly ruin it on cells.
# - Turn detections into a label map and into a mask.
# - Choose between a U-Net and Mask R-CNN, with numbers in hand.

# %%
ck.lesson.progress()

# %% [markdown]
# ## Going further
#
# - `ck.MaskRCNN(backbone="resnet50", weights="coco")` is the large one, with weights that know
#   photographs. It wants a GPU.
# - `ck.postprocessing.grow_labels` joins both: objects from one network, outlines from the other.
# - Train on fluorescence alone, test on stained tissue:
#   `python -m experiments.model_table dsb2018 --kind fluorescence`.
# - He, Gkioxari, Dollár and Girshick, *Mask R-CNN*, ICCV 2017. Figure 1 will look familiar.
#
# **Next:** lesson 7, one cell from the next.
