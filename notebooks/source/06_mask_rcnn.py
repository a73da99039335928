# %% [markdown]
# # 6 · Mask R-CNN: which objects, not which pixels
#
# A U-Net answers for each pixel: *cell or not?* Mask R-CNN answers another question: *which
# objects are there, and where is each?* In this lesson you take it apart, train a light one, set it
# beside a U-Net that trained as long, and see where each of them wins.

# %% [markdown]
# ## What you will be able to do
#
# - Match predicted cells with true ones, and say what average precision counts.
# - Explain anchors, region proposals, non-maximum suppression and RoIAlign.
# - Name the settings of a ready-made Mask R-CNN that quietly ruin it on cells.
# - Turn detections into a label map and into a mask.
# - Choose between a U-Net and Mask R-CNN, with numbers in hand.
#
# {minutes}
#
# Exercises 6.1, 6.5 and the capstone 6.6 stand on the way. In 6.2, 6.3 and 6.4 you write three of
# the network's parts; they are worth 8 of the 15 points, and stand under *Going further*. Two
# questions from earlier lessons first.

# %% [markdown] tags=["question"]
# A network was trained on sharp pictures and fails on coarse ones. Another, trained on pictures of
# every M, does not. What does that tell you? (Lesson 5)
#
# - [x] Much of what seemed lost was there: the first network could not read it. — That is domain
#   shift. Only the second network's remaining loss can be the resolution's.
# - [ ] The second network is larger. — It was a copy of the first, trained on other pictures.
# - [ ] Coarse pictures hold as much as sharp ones. — They do not: at M = 1/8 even the second
#   network stays behind.

# %% [markdown] tags=["question"]
# A mask has a Dice of 0.95. What does that say about the number of cells in it? (Lesson 2)
#
# - [ ] It is about 5 % wrong. — Dice counts pixels. One bridge of a few pixels joins two cells and
#   costs next to nothing.
# - [x] Next to nothing. — All cells may be one piece, or each broken into ten.
# - [ ] It is right, for nearly all pixels are. — Which pixels belong *together* is not part of a
#   mask.

# %% setup
import time

import numpy as np
import torch
from torchvision import ops
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

from cellkit_course.results import models

torch.manual_seed(0)

# %% [markdown]
# ## 1. A wrong count first
#
# Pictures of two data sets come with this lesson. [DSB2018](paper:dsb2018) has **nuclei**, the
# cores of cells: bright on black where a dye makes them glow (*fluorescence*), purple in *stained*
# tissue. [GlaS](paper:glas) has **glands**: rings of nuclei around a pale hollow. The lines below
# the pictures say whether they are real, or drawn. (The two networks of this section come ready
# trained, also on some of the real pictures. On those they are a demonstration, and no score.)

# %%
samples = ck.lesson.papers.load("dsb2018").cached()
train, test = ck.split(samples, 0.8, seed=0)  # tiles of one field stay together
scored = list(test)[:lesson.scored]
gland = ck.lesson.papers.load("glas")[0]
glowing, stained = (next(s for s in samples if s.cell_type == kind)
                    for kind in ("fluorescence", "stained"))

# %% fold="The three kinds, and whether they are drawn"
ck.show.images(
    [glowing.image[:256, :340], stained.image[:256, :340],
     ck.lesson.draw.with_scale(gland.image[:256, :340], gland.dataset)]
    + [ck.show.colour_labels(s.labels, ck.datasets.to_grey(s.image))[:256, :340]
       for s in (glowing, stained, gland)],
    ["nuclei, fluorescence", "nuclei, stained", "glands"] + ["true objects, each in a colour"] * 3,
    columns=3, caption=f"{samples.dataset}, whose pixel size is not known; {gland.dataset}; white "
    "bar: 50 µm",
    alt="Above glowing nuclei on black, purple nuclei in tissue, and glands, rings of purple "
    "nuclei; below the same with each true object in a colour.",
)
ck.lesson.origin(samples)

# %%
crowd = max(scored, key=lambda sample: sample.labels.max())  # the one with the most nuclei
pieces = ck.instances(ck.predict(ck.load_weights("dsb2018"), crowd.image), "components")
detected = ck.detect(ck.load_weights("maskrcnn-light"), crowd.image)
counts = {"truth": crowd.labels, "U-Net: pieces of its mask": pieces, "Mask R-CNN": detected}

# %% fold="Show the three counts"
ck.show.images(
    [crowd.image, *(ck.show.colour_labels(labels, ck.datasets.to_grey(crowd.image))
                    for labels in counts.values())],
    [f"picture ({crowd.dataset})", *(f"{name}: {labels.max()}" for name, labels in counts.items())],
    columns=2, size=4, alt="A picture with its true nuclei, the connected pieces of a U-Net's mask "
    "and the objects of Mask R-CNN, each in a colour. Counts: "
    + ", ".join(f"{name} {labels.max()}" for name, labels in counts.items()) + ".",
)

# %% fold="What the numbers say"
off = {name: abs(int(labels.max()) - int(crowd.labels.max())) for name, labels in counts.items()}
home = [np.bincount(pieces[crowd.labels == k]).argmax() for k in range(1, crowd.labels.max() + 1)]
joined = (np.bincount(home)[1:] > 1).sum()  # pieces that hold most of two nuclei or more
ck.lesson.claim(
    joined > 0 and off["Mask R-CNN"] < off["U-Net: pieces of its mask"],
    f"There are {crowd.labels.max()} nuclei. The U-Net's mask has a Dice of "
    f"{ck.dice(crowd.mask, pieces > 0):.2f}, but {pieces.max()} pieces; in {joined} of them two "
    f"nuclei or more run together. Mask R-CNN finds {detected.max()}. How does it tell them apart?",
    f"There are {crowd.labels.max()} nuclei; the U-Net's mask has {pieces.max()} pieces, and Mask "
    f"R-CNN finds {detected.max()} objects. Where nuclei touch, pieces of a mask run together. How "
    "does Mask R-CNN tell them apart?",
)

# %% [markdown]
# ## 2. The same pixels, other objects
#
# Here are five cells and two answers. The first one has all *pixels* right.

# %%
def discs(places, shape=(64, 96)):
    """A label map of discs, each (row, column, radius)."""
    y, x = np.indices(shape)
    labels = np.zeros(shape, np.int32)
    for k, (row, column, radius) in enumerate(places, 1):
        labels[np.hypot(y - row, x - column) < radius] = k
    return labels

truth = discs([(18, 18, 10), (18, 38, 11), (44, 20, 9), (45, 62, 12), (20, 78, 9)])
apart = discs([(18, 17, 10), (19, 39, 10), (44, 22, 9), (45, 62, 10), (50, 86, 6)])
answers = {"one pair merged": ck.instances(truth > 0, "components"),
           "one missed, one invented": apart}

# %% fold="Show them"
ck.show.images(
    [truth, *answers.values()], ["truth: 5 cells", *answers],
    caption="Colours tell the objects of one picture apart; between pictures they say nothing.",
    alt="Three drawings. The truth has five round cells, two of them touching. In the first answer "
    "the two are one object. In the second all are separate, but one is missing, one is too small, "
    "and one stands where there is none.",
)

# %% [markdown]
# To score objects we must know who is who. For each true cell and each predicted one we take the
# [intersection over union](term:iou), IoU: the pixels that they share, divided by the pixels that
# lie in at least one of them. That gives a matrix: a row for each true cell, a column for each
# predicted one.

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
# expect:  [0.   0.   0.   0.7  0.  ]
# expect:  [0.   0.   0.   0.   0.  ]]

# %% [markdown]
# A pair whose IoU reaches a [threshold](term:threshold) is a **hit** (true positive, TP). A
# prediction without a partner is a **false alarm** (false positive, FP); a true cell without one is
# a **miss** (false negative, FN).
#
# Can a cell have two partners? Not above one half. An IoU above one half means that the two share
# more than half of the cell's own pixels. Two predictions would each hold more than half of them,
# so they would have pixels in common; and objects of one [label map](term:label-map) never overlap.

# %% [markdown] exercise="average_precision"
# ### Exercise 6.1 · Average precision (2 points, 7 minutes)
#
# Write `average_precision(iou, threshold)`. `iou` is such a matrix, true cells in rows and
# predicted ones in columns; `threshold` is above one half. Return TP / (TP + FP + FN) as a number.
# If there are no true cells and no predicted ones, the answer is 1. The matrix may also have rows
# and no columns, or columns and no rows.

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
ck.lesson.grade(
    "average_precision", average_precision, (some, 0.625), (some, 0.7), (some.T, 0.7),
    (np.eye(3), 0.9), (np.zeros((2, 0)), 0.6), (np.zeros((0, 0)), 0.6), (np.zeros((0, 4)), 0.6))
# END HIDDEN TESTS
average_precision = ck.lesson.check("average_precision", average_precision)

# %%
for name, pred in answers.items():
    ours = average_precision(iou_matrix(truth, pred), 0.6)
    print(f"{name}: Dice {ck.dice(truth, pred):.2f}, AP at 0.6: {ours:.3f} "
          f"(cellkit's: {ck.average_precision(truth, pred, 0.6):.3f})")
# expect: one pair merged: Dice 1.00, AP at 0.6: 0.500 (cellkit's: 0.500)
# expect: one missed, one invented: Dice 0.77, AP at 0.6: 0.667 (cellkit's: 0.667)

# %% [markdown]
# By [Dice](term:dice) the first answer is perfect; by AP the second is the better one. The merged
# pair is two misses and one false alarm; the second answer has one of each. From here on the
# *object* is what counts.
#
# Careful with the word: [StarDist](paper:stardist), [Cellpose](paper:cellpose) and the nucleus
# contest call TP / (TP + FP + FN) *average precision*. In COCO, a large contest on everyday
# photographs, it is the area under a precision-recall curve: the surest objects come first, then
# more and more. The live table of section 9 has both.
#
# ## 3. The stages
#
# [Mask R-CNN](paper:mask_rcnn) thinks in **boxes** first. A box is four numbers: left, top, right,
# bottom. Here is its way from a picture to objects; the next sections walk along it.

# %%
ck.lesson.draw.mask_rcnn(stained)

# %% [markdown]
# A network cannot answer with a list whose length depends on the picture. So Mask R-CNN lays out a
# fixed one. Its [anchors](define:anchor "|MaskRCNN(anchors=)") are boxes of a few sizes and shapes
# around every place of a coarse grid. For each anchor the [region proposal network](define:rpn)
# says two things: *is there an object?* and *how must this box be moved and stretched to fit it?*
# (`torchvision` is torch's library for pictures; its Mask R-CNN lays out the same anchors.)

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

grid = anchors(64, 96, 8, (24, 40))
ck.lesson.draw.anchor_grid(truth, grid, stride=8, here=(64, 48))

# %% fold="Are torchvision's the same?"
makes = AnchorGenerator(((24, 40),), ((0.5, 1.0, 2.0),))
usual = makes(ImageList(torch.zeros(1, 1, 64, 96), [(64, 96)]), [torch.zeros(1, 1, 8, 12)])[0]
print(len(grid), "anchors; largest difference from torchvision's:",
      f"{np.abs(grid - usual.numpy()).max():.0f} pixels")
# expect: 576 anchors; largest difference from torchvision's: 0 pixels

# %% [markdown]
# While it trains, an anchor *learns from* a cell if their IoU is high: above 0.7 it should say yes,
# below 0.3 no, in between it is not asked. (A cell that no anchor reaches so well gets the best
# there is.) How it must move is four numbers: by how many of its own widths and heights the centre
# moves, and the logarithms of the factors by which the box becomes wider and higher. An anchor that
# has been moved is a **region proposal**. `wanted` says what an anchor should answer, `move` does
# it:

# %%
def move(box, along, down, wider, higher):
    """An anchor, moved and stretched: a region proposal."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    x, y = (left + right) / 2 + along * width, (top + bottom) / 2 + down * height
    wide, high = width * np.exp(wider) / 2, height * np.exp(higher) / 2
    return x - wide, y - high, x + wide, y + high

def wanted(box, cell):
    """The four numbers that move the anchor ``box`` onto ``cell``."""
    (left, top, right, bottom), (a, b, c, d) = box, cell
    width, height = right - left, bottom - top
    return ((a + c - left - right) / 2 / width, (b + d - top - bottom) / 2 / height,
            np.log((c - a) / width), np.log((d - b) / height))

boxes = ck.networks.mask_rcnn.targets(truth)["boxes"].numpy()
fits = ops.box_iou(torch.tensor(boxes), torch.tensor(grid, dtype=torch.float32)).argmax(1).numpy()
landed = np.array([move(box, *wanted(box, cell))
                   for box, cell in zip(grid[fits], boxes, strict=True)])

# %% fold="Show anchors and proposals"
def draw_boxes(picture, boxes, colour=(1, 0.62, 0)):
    """The picture with the outlines of boxes on it."""
    drawn = np.array(picture, np.float32)
    drawn = drawn if drawn.ndim == 3 else np.repeat(drawn[..., None], 3, 2)
    edge = np.array([drawn.shape[1], drawn.shape[0]] * 2) - 1
    for left, top, right, bottom in np.clip(np.round(boxes), 0, edge).astype(int):
        drawn[top:bottom + 1, [left, right]] = drawn[[top, bottom], left:right + 1] = colour
    return drawn

ck.show.images(
    [draw_boxes(0.5 * (truth > 0), grid[fits]), draw_boxes(0.5 * (truth > 0), landed)],
    ["the five best anchors", "moved and stretched as wanted"], size=4,
    alt="Five cells, on each the anchor that fits it best, which is too large or lies beside it; "
    "and the same boxes after they were moved and stretched: each frames its cell exactly.",
)

# %% [markdown] tags=["question"]
# A cell is 6 pixels wide, and the smallest anchors have sides of 24. What will the network learn
# from this cell?
#
# - [ ] To shrink anchors fourfold. — Nearly all anchors around it are told that there is *no*
#   object: their IoU with the cell is below 0.1.
# - [x] Little: no anchor fits it. — Only the best there is learns from it. Its neighbours, hardly
#   worse, are told the opposite.
# - [ ] To join it with its neighbours. — Boxes are never joined.

# %% [markdown]
# ## 4. Too many boxes: non-maximum suppression
#
# Neighbouring anchors find the same cell. Each has a [score](define:score): how sure the network is
# that there is an object. [Non-maximum suppression](define:nms "NMS|postprocessing.nms") takes the
# box with the highest score, drops those that overlap it too much (here: with an IoU above 0.3),
# takes the best of what is left, and so on. A box that was dropped drops nobody. We make up eight
# boxes for each cell, moved at random, with scores at random:

# %%
rng = np.random.default_rng(0)
many, sure = np.repeat(boxes, 8, 0) + rng.normal(0, 2, (40, 4)), rng.random(40)
stay = ops.nms(torch.tensor(many), torch.tensor(sure), 0.3).numpy()

# %% fold="Show them"
ck.show.images(
    [draw_boxes(0.5 * (truth > 0), many), draw_boxes(0.5 * (truth > 0), many[stay])],
    [f"{len(many)} boxes", f"after suppression: {len(stay)}"], size=4,
    caption="The scores are random, so the box that stays is not the one that fits best.",
    alt="Five cells under a heap of forty boxes, and the same five cells with one box each.",
)

# %% [markdown] tags=["question"]
# Two long cells lie across each other like an X. What may suppression do?
#
# - [ ] Nothing: they are two cells. — It sees boxes only, and their boxes overlap.
# - [x] Drop one of them. — Their boxes are nearly the same, though the cells share few pixels. That
#   is the price of thinking in boxes.
# - [ ] Join them into one. — It never joins boxes; it drops them.

# %% [markdown]
# ## 5. Cut out exactly: RoIAlign
#
# Each box that stays is looked at once more, by two small networks, the **heads**: one says *cell
# or not* and corrects the box, the other paints the **mask**. They need an input of a fixed size,
# 7×7 or 14×14, cut out of the *feature maps*, where one step is 4 to 16 pixels of the picture.
#
# Older networks rounded the box to whole steps, and took the largest value in each piece:
# **RoIPool**. Each side is off by up to half a step. [RoIAlign](define:roialign) does not round: it
# asks for values *between* the pixels, each mixed from the four around it. Here are both on one
# cell. The features are the simplest there are: the mask itself, averaged over 4×4 pixels. We move
# the cell and its box by one pixel at a time. What is cut out should not change.

# %%
def cut_out(shift, how):
    moved = np.roll(truth == 4, shift, axis=1).astype(np.float32)
    coarse = torch.tensor(ck.shrink(moved, 0.25, resampler="area"))[None, None]
    roi = [torch.tensor(boxes[3:4] + np.float32([shift, 0, shift, 0]))]
    options = {"aligned": True} if how is ops.roi_align else {}
    return how(coarse, roi, 7, spatial_scale=0.25, **options)[0, 0].numpy()

cuts = {name: [cut_out(shift, how) for shift in range(4)]
        for name, how in (("RoIPool", ops.roi_pool), ("RoIAlign", ops.roi_align))}

# %% fold="Show the cut-outs"
change = {name: float(np.mean([np.abs(c - cut[0]).mean() for c in cut[1:]]))
          for name, cut in cuts.items()}
ck.show.images(
    [picture for cut in cuts.values() for picture in cut],
    [f"{name}, moved by {k}" for name in cuts for k in range(4)], columns=4, size=2.2,
    caption="white: cell (1), black: none (0); mean change from the first cut-out: "
    f"RoIPool {change['RoIPool']:.2f}, RoIAlign {change['RoIAlign']:.2f}",
    alt="One round cell, cut out in 7 by 7 pieces while it moves by 0 to 3 pixels. RoIPool's cut "
    f"changes by {change['RoIPool']:.2f} on average, RoIAlign's by {change['RoIAlign']:.2f}.",
)

# %% [markdown] tags=["question"]
# RoIPool's four cut-outs differ. What does a mask head learn from them?
#
# - [ ] To be robust: it sees the cell in several ways. — An augmentation moves picture and mask
#   together (lesson 3). Here the cell moves in the cut-out, and the true mask does not.
# - [x] A blurred outline. — The cell lies in the cut-out up to half a step, 2 to 8 pixels, from
#   where the box has it. The head cannot know how far, so it paints a mean.
# - [ ] Nothing wrong: 28×28 numbers are coarse anyway. — For a small cell 28×28 numbers are finer
#   than its pixels. The rounding is the coarser step.

# %% [markdown]
# ## 6. The defaults that ruin it
#
# A ready-made Mask R-CNN was made for photographs, some 640 pixels wide, that show a few large
# things. Three of its settings matter here.

# %% [markdown] exercise="limits_guess"
# ### Exercise 6.5 · Predict, then run (1 point, 3 minutes)
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
ck.lesson.grade("limits_guess", limits_guess)
# END HIDDEN TESTS
limits_guess = ck.lesson.check("limits_guess", limits_guess)

# %%
light = ck.networks.mask_rcnn.CELLS["light"]
kinds = {"from 32": [(4, (32,)), (8, (64,)), (16, (128,)), (32, (256,)), (64, (512,))],
         "from 8": list(zip((4, 8, 16), light, strict=True))}

def best_anchor(sample, levels):
    """For each cell the IoU of the anchor that fits it best."""
    cells = ck.networks.mask_rcnn.targets(sample.labels)["boxes"]
    laid = [anchors(*sample.labels.shape, stride, sides) for stride, sides in levels]
    fit = ops.box_iou(cells, torch.tensor(np.concatenate(laid), dtype=torch.float32))
    return fit.max(1).values.numpy()

few = [s for s in scored if s.labels.max()][:4]
reach = {name: np.mean(np.concatenate([best_anchor(s, levels) for s in few]) > 0.5)
         for name, levels in kinds.items()}

# %%
def seconds(net, image):
    ck.predict(net, image)
    began = time.perf_counter()
    ck.predict(net, image)
    return time.perf_counter() - began

blank = np.random.default_rng(0).random((128, 128, 3), np.float32)
cost = {size: seconds(ck.MaskRCNN(3, width=lesson.width, size=size, detections=10), blank)
        for size in (None, 800)}
numbers = [int(s.labels.max()) for s in samples]

# %% tags=["changes"] fold="Show what the three settings do here"
ck.show.table(
    [{"setting": "enlarges to 800 pixels", "what it does here":
      f"{cost[800] / cost[None]:.0f} times the time, for 128×128 pixels"},
     {"setting": "keeps 100 detections", "what it does here":
      f"{sum(n > 100 for n in numbers)} of {len(numbers)} pictures have more cells, up to "
      f"{max(numbers)}" + "; in 229 real ones it was 23, up to 369" * (
          samples.dataset.startswith("synthetic"))},
     {"setting": "anchors from 32 pixels", "what it does here":
      f"{reach['from 32']:.0%} of the cells have an anchor with IoU above 0.5; with ours, from 8 "
      f"pixels, {reach['from 8']:.0%}"}],
    f"Three defaults of torchvision, on {samples.dataset}",
)

# %% [markdown]
# Enlarging has its use: a nucleus of 16 pixels becomes 50 and meets the default anchors. But it is
# the expensive way. We set the anchors to the cells and leave the pictures as they are.
#
# ## 7. Train a light one
#
# `ck.MaskRCNN` puts the parts together. Proposals, RoIAlign and the heads' losses are
# torchvision's. The **backbone**, the network that makes the feature maps, is the U-Net of lesson 2
# without its last step up: what it says on each level on the way up goes to the proposals and the
# heads. Feature maps of several sizes are called a **feature pyramid**; so it is nothing new to
# you.
#
# To be fair, both networks train on the same pictures for about the same time.

# %%
detector = ck.MaskRCNN(in_channels=3, width=lesson.width)
learnt = ck.fit(detector, train, **lesson.detector)

# %%
unet = ck.UNet(in_channels=3, width=lesson.width)
simpler = ck.fit(unet, train, **lesson.training)
spent = {"Mask R-CNN": sum(learnt.seconds) / 60, "U-Net": sum(simpler.seconds) / 60}

# %% tags=["changes"] fold="Draw the losses"
fig, (left, right) = ck.show.axes(1, 2, (4.4, 3.2))
words = f"Mask R-CNN, five losses added: {learnt.train_loss[0]:.2f} to {learnt.train_loss[-1]:.2f}"
ck.show.curves({"loss": learnt.train_loss}, ax=left, xlabel="epoch", ylim=(0, None), alt=words,
               ylabel="loss", title="Mask R-CNN: five losses, added")
ck.show.curves({"loss": simpler.train_loss}, ax=right, xlabel="epoch", ylim=(0, None), alt=words,
               ylabel="loss", title="U-Net: cross-entropy + soft Dice")
ck.show.figure(fig, alt=f"Two falling training losses. {words}. U-Net: {simpler.train_loss[0]:.2f} "
               f"to {simpler.train_loss[-1]:.2f}. Minutes: {spent['Mask R-CNN']:.1f} and "
               f"{spent['U-Net']:.1f}.")

# %% [markdown]
# The five losses: of the proposals *is there an object?* and the box; of the objects the class, the
# box and the mask. The two curves have different units: compare each only with itself.
#
# ## 8. From detections to one picture
#
# A [detection](define:detection "|inference.detections") is a box, a score, and a mask of 28 × 28
# probabilities inside the box. Detections overlap; in a label map each pixel has one number. So two
# things must be decided: which detections stay, and who gets a pixel that two of them want.
# `ck.postprocessing.paste` lays a mask into its box. `laid_out` does so for all detections of a
# picture, each on an empty sheet of its own:

# %%
def laid_out(found):
    """(N, H, W): of each detection the probability of each pixel, 0 outside its box."""
    sheets = np.zeros((len(found.scores), *found.shape), np.float32)
    for k in range(len(sheets)):
        window, probability = ck.postprocessing.paste(found, k)
        sheets[k][window] = probability
    return sheets

# %% fold="Look at the detections of one picture"
one = ck.inference.detections(detector, crowd.image)
one = one.take(one.scores > 0.2)
sheets = laid_out(one)
twice = (sheets > 0.5).sum(0)
ck.show.images(
    [draw_boxes(crowd.image, one.boxes), twice / max(twice.max(), 1)],
    [f"{len(one.scores)} detections that score above 0.2",
     f"masks a pixel lies in: black none, white {twice.max()}"], size=4.4,
    caption=crowd.dataset,
    alt=f"A test picture with the boxes of {len(one.scores)} detections, and for each pixel the "
    f"number of masks that it lies in, from none to {twice.max()}.",
)

# %% [markdown] exercise="label_map"
# ### Exercise 6.6 · Capstone: from detections to a label map (4 points, 9 minutes)
#
# Write `label_map(probabilities, scores, least=0.5)`. `probabilities` is an array (N, H, W), as
# `laid_out` gives it; `scores` is an array (N,). A detection's *mask* is where its probability is
# above 0.5. Go from the best score down.
#
# - Leave out a detection that scores below `least`.
# - Leave out a second look at the same object: a detection with less than half of its mask outside
#   the masks of those that stayed before it.
# - A pixel in the masks of several that stayed goes to the one with the highest probability times
#   score at that pixel.
#
# Return an int32 array (H, W): 0 is background, and each detection that stayed has a number of its
# own.

# %% solution="label_map"
def label_map(probabilities, scores, least=0.5):
    """Label map (int32) of detections: each pixel to the best mask of those that stay."""
    # BEGIN SOLUTION
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
    # END SOLUTION

# %% check="label_map" points=4
# BEGIN HIDDEN TESTS
rng = np.random.default_rng(21)
y, x = np.indices((26, 31))
round_ones = np.stack([np.exp(-np.hypot(y - r, x - c) ** 2 / s).astype(np.float32) for r, c, s in
                       zip(rng.uniform(3, 23, 12), rng.uniform(3, 28, 12), rng.uniform(9, 60, 12),
                           strict=True)])
sheet = np.zeros((2, 5, 9), np.float32)
sheet[0, 1:4, 1:6], sheet[1, 1:4, 3:8] = 0.7, 0.95
strips = np.zeros((4, 3, 15), np.float32)
strips[0, :, :8], strips[1, :, 2:11], strips[2, :, 8:12], strips[3, :, 5:11] = 0.9, 0.8, 0.7, 0.95
ck.lesson.grade(
    "label_map", label_map, (sheet, np.array([0.9, 0.8])), (sheet, np.array([0.6, 0.9])),
    (sheet, np.array([0.35, 0.3]), 0.35), (sheet[:0], np.zeros(0)),
    (strips[:3], np.array([0.9, 0.8, 0.7])), (strips[[0, 3]], np.array([0.9, 0.8])),
    (strips[[0, 2, 3]], np.array([0.9, 0.8, 0.7])), (strips[[0, 3], :1, :10], np.array([0.9, 0.8])),
    (sheet[[0, 0]] * np.array([[[1]], [[1.2]]], np.float32), np.array([0.8, 0.7])),
    (round_ones, rng.permutation(12) / 12 + 0.04), (round_ones, rng.permutation(12) / 12, 0.2))
# END HIDDEN TESTS
label_map = ck.lesson.check("label_map", label_map)

# %%
detections = [ck.inference.detections(detector, s.image) for s in scored]
mine = [label_map(laid_out(found), found.scores) for found in detections]
theirs = [ck.detect(detector, s.image) for s in scored]
print("objects:", sum(len(np.unique(labels)) - 1 for labels in mine), "by label_map,",
      sum(int(labels.max()) for labels in theirs), "by ck.detect, which goes the same way")

# %% [markdown]
# The paper [*Pixel-wise segmentation of microscopy images*](paper:pixel_wise) wants a mask, and
# goes another way: boxes that score below 0.4, are small, or overlap a better one are dropped;
# probabilities below 0.3 become 0; the rest is added up; above 0.9 is foreground.

# %% fold="Compare both ways to a mask"
merged = {"added up, above 0.9": [ck.postprocessing.merge_paper2(d) for d in detections],
          "best mask, above 0.5": [ck.postprocessing.merge_foreground(d) > 0.5 for d in detections]}
masks = [s.mask for s in scored]
ck.show.table(
    [{"merging": name, "Dice": ck.dice(masks, made), "foreground, found": float(np.mean(
        [m.mean() for m in made])), "foreground, true": float(np.mean([m.mean() for m in masks]))}
     for name, made in merged.items()], f"{samples.dataset}: {len(scored)} test pictures")

# %% [markdown]
# A threshold of 0.9 asks a lot of a single mask: its blurred rim is lost. Where two masks overlap,
# their sum gets there more easily.
#
# ## 9. The table
#
# Now side by side: the same pictures, the same measures, and the minutes of training beside them.
#
# - **IoU, F1**: of the foreground pixels (F1 of pixels is Dice). IoU is the mean over pictures.
# - **object F1**: 2 TP / (2 TP + FP + FN), where a pair is a hit if it shares more than half of the
#   true object; **object Dice** compares each object with the one that it overlaps most. Both come
#   from the [gland contest](paper:glas).
# - **AP50**: section 2, at IoU 0.5. **COCO AP**: the area under a curve, over ten thresholds.
# - **count error**: how far the number of objects is off, as a share of the true number.

# %% tags=["changes"]
live = {"U-Net": models.row(unet, scored), "Mask R-CNN": models.row(detector, scored)}
titles = {"object F1": "object f1", "object Dice": "object dice", "AP50": "AP50",
          "count error": "count error"}
shown = {"IoU": "iou", "F1": "f1", **titles, "COCO AP": "COCO AP"}
ck.show.table(
    [{"network": name, "minutes": spent[name], **{title: row[key] for title, key in shown.items()}}
     for name, row in live.items()],
    f"Live: {samples.dataset}, {len(scored)} test pictures (IoU: mean over them; all else: counted "
    "over them together)",
)

# %% fold="Show one picture"
example = max(scored, key=lambda s: s.labels.max())
objects = {"truth": example.labels, "Mask R-CNN": ck.detect(detector, example.image),
           "U-Net, pieces": ck.instances(ck.predict(unet, example.image), "components")}
ck.show.images(
    [example.image, *(ck.show.colour_labels(labels, ck.datasets.to_grey(example.image))
                      for labels in objects.values())],
    [example.dataset, *(f"{name}: {labels.max()} objects" for name, labels in objects.items())],
    columns=2, size=4, alt="A test picture, its true cells, the objects of Mask R-CNN and the "
    "connected pieces of the U-Net's mask. Objects: "
    + ", ".join(f"{name} {labels.max()}" for name, labels in objects.items()) + ".",
)

# %% fold="What the numbers say"
ahead = live["Mask R-CNN"]["AP50"] - live["U-Net"]["AP50"]
ck.lesson.claim(
    ahead > 0 and live["U-Net"]["iou"] > live["Mask R-CNN"]["iou"],
    f"By pixels (IoU) the U-Net is ahead, by objects (AP50) Mask R-CNN, by {ahead:.2f}. Which "
    "network is better depends on what you ask.",
    f"After these few minutes AP50 is {live['Mask R-CNN']['AP50']:.2f} (Mask R-CNN) and "
    f"{live['U-Net']['AP50']:.2f} (U-Net), IoU {live['Mask R-CNN']['iou']:.2f} and "
    f"{live['U-Net']['iou']:.2f}. One seed and few pictures: look at the next table before you "
    "choose.",
    trained=True,
)

# %% [markdown]
# Then all models, *measured earlier* by `make model-table`: real pictures, harder than drawn ones,
# of nuclei (whole fields apart) and of glands (patients apart, at half size), each trained for the
# minutes shown. ± is the standard deviation over three [seeds](term:seed); without it there was one
# seed. *Paper* is what [Wang and Song](paper:nuclei) print: 670 pictures to train on and 65 to test
# on, but not which. Their residual network and their Mask R-CNN began with weights from COCO, so
# these numbers stand beside the rows with such weights. Where weights could not be downloaded, the
# row says so. *Eight views* and *together* are explained under *Going further*.

# %% fold="Show the table of all models"
paper = {"simple": 0.62, "resnet-coco": 0.77, "unet": 0.83, "mask_rcnn-coco": 0.88}
for data in ("dsb2018", "glas"):
    ck.show.table(
        [{"model": row["words"], "M weights": row["weights"] / 1e6 if "weights" in row else "–",
          "minutes": row.get("minutes", "–"), "ms": row.get("ms", "–"),
          "IoU": f"not run: {row['not run']}" if "not run" in row
          else models.over_seeds(data, key, "iou"),
          **({"paper: IoU": paper.get(key, "not printed")} if data == "dsb2018" else {}),
          **{title: models.over_seeds(data, key, measure) for title, measure in titles.items()}}
         for key in models.measured("dsb2018") if (row := models.measured(data).get(key))],
        f"Measured earlier, {data} (M: million; ms: for 256×256 pixels on one core)", digits=2)

# %% fold="Draw accuracy against speed"
timed = {key: row for key, row in models.measured("dsb2018").items() if "ms" in row}
values = {key: models.over_seeds("dsb2018", key, "iou").split(" ± ") for key in timed}
fig, ax = ck.show.axes(1, 1, (6, 3.6))
for (key, entry), (colour, _, marker) in zip(timed.items(), ck.show.LINES * 2, strict=False):
    mean, *spread = map(float, values[key])
    ax.errorbar(entry["ms"], mean, yerr=spread or None, color=colour, marker=marker, capsize=4,
                linestyle="none", markersize=8, markerfacecolor="none", markeredgewidth=1.8,
                label=entry["words"])
ax.set(xlabel="milliseconds for 256×256 pixels, one core", ylabel="foreground IoU, ± over seeds",
       xscale="log", ylim=(0, 1), title="measured earlier, dsb2018")
ax.set_xticks(ticks := [20, 50, 100, 200, 400], map(str, ticks))
ax.minorticks_off()
ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
ck.show.figure(fig, alt="Foreground IoU against speed, measured earlier. " + "; ".join(
    f"{one['words']}: IoU {' ± '.join(values[key])} in {one['ms']} ms"
    for key, one in timed.items()) + ".")

# %% fold="What the numbers say"
ap50 = {key: models.of_seeds("dsb2018", key, "AP50") for key in ("mask_rcnn", "unet")}
lead = np.mean(ap50["mask_rcnn"]) - np.mean(ap50["unet"])
noise = np.hypot(np.std(ap50["mask_rcnn"], ddof=1), np.std(ap50["unet"], ddof=1))
ck.lesson.claim(
    lead > 2 * noise,
    f"By AP50 Mask R-CNN leads by {lead:.3f}, more than twice the spread over seeds "
    f"({noise:.3f}). By IoU, which asks about pixels, it is the last but one.",
    "By IoU, Mask R-CNN is behind even a simple network of 47,000 weights; in Wang and Song's "
    "table it is first. But IoU asks about *pixels*. By AP50, which asks about *objects*, it is "
    f"{lead:.3f} ahead of the U-Net. Seeds alone move that difference by {noise:.3f}; a lead of "
    "less than twice as much is no lead yet (lesson 3).",
)

# %% [markdown]
# Does more training change that? Two of the networks were trained on the same pictures once more,
# with five times as many steps, from one seed. On the way they met the test pictures again and
# again; nothing was chosen by it.

# %% fold="Draw the scores on the way"
longer = {key: models.while_training("dsb2018", key) for key in ("unet", "mask_rcnn")}
axis = {"iou": "foreground IoU", "AP50": "AP50 of objects"}
fig, axes = ck.show.axes(1, 2, (4, 3))
for ax, (measure, title) in zip(axes, axis.items(), strict=True):
    for (key, way), (colour, dash, marker) in zip(longer.items(), ck.show.LINES, strict=False):
        ax.plot([steps / max(way) for steps in way], [one[measure] for one in way.values()], dash,
                color=colour, marker=marker, label=timed[key]["words"])
    ax.set(xlabel="share of the training", ylabel=title, ylim=(0, 1))
axes[0].legend(fontsize=8, frameon=False, loc="lower right")
fig.suptitle("measured earlier, dsb2018, one seed", fontsize=10)
ck.show.figure(fig, alt="Scores on test pictures while two networks train. " + "; ".join(
    f"{timed[key]['words']}, {title}: " + ", ".join(f"{one[measure]:.2f}" for one in way.values())
    for key, way in longer.items() for measure, title in axis.items()) + ".")

# %% fold="What the numbers say"
end = {key: way[max(way)] for key, way in longer.items()}
ahead = {measure: end["mask_rcnn"][measure] - end["unet"][measure] for measure in axis}
ck.lesson.claim(
    ahead["AP50"] > lead and ahead["iou"] < 0,
    f"By objects Mask R-CNN gains from it: AP50 is now {end['mask_rcnn']['AP50']:.2f}, and its "
    f"lead has grown from {lead:.2f} to {ahead['AP50']:.2f}. By pixels the U-Net stays ahead, with "
    f"an IoU of {end['unet']['iou']:.2f} against {end['mask_rcnn']['iou']:.2f}. Its own curves go "
    "up and down and hardly rise after the first fifth: more steps on the same pictures teach it "
    "little.",
    f"At the end AP50 is {end['mask_rcnn']['AP50']:.2f} (Mask R-CNN) and {end['unet']['AP50']:.2f} "
    f"(U-Net), IoU {end['mask_rcnn']['iou']:.2f} and {end['unet']['iou']:.2f}.",
)

# %% [markdown]
# ## 10. Where each fails
#
# A box with a mask of 28×28 in it is a good description of a small round thing. It is a poor one of
# a thing that bends around another. Here are the true objects that each network finds (IoU above
# one half), by size and by shape. [Solidity](define:solidity) is an object's area divided by that
# of its convex hull, the rubber band around it: 1 for a disc, little for a thin moon.

# %% [markdown] tags=["question"]
# Before you look: which network finds more of the *bent* objects?
#
# - [ ] Mask R-CNN: it looks for objects. — It does, but by their boxes; and in the box of a bent
#   object lies much that is not the object, often a neighbour.
# - [x] The U-Net. — It says of each pixel what it is, whatever the shape. See the rows measured
#   earlier.
# - [ ] Both the same. — A box suits some shapes better than others; a pixel knows no shape.

# %% fold="Show who finds what"
shapes = {shape: f"found, {shape}" for shape in ("small", "middle", "large", "compact")}
shapes["bent"] = "found, bent or ringed"
rows = [{"network": f"live: {name}", **{shape: row[key] for shape, key in shapes.items()}}
        for name, row in live.items()]
rows += [{"network": f"{what}, measured earlier: {models.measured(data)[net]['words']}",
          **{shape: models.over_seeds(data, net, key) for shape, key in shapes.items()}}
         for what, data in (("nuclei", "dsb2018"), ("glands", "glas"))
         for net in ("unet", "mask_rcnn")]
ck.show.table(
    rows, "Share of the true objects found (nan: there are none). Sizes are thirds; bent: solidity "
    "below 0.85, 65 of the nuclei, only 7 of the glands; ± over seeds, where there are three",
    digits=2)

# %%
def lead_of(k):
    """How far Mask R-CNN is ahead on one test picture, by AP50."""
    piece = ck.instances(ck.predict(unet, scored[k].image), "components")
    return float(ck.average_precision(scored[k].labels, theirs[k], 0.5)
                 - ck.average_precision(scored[k].labels, piece, 0.5))

leads = sorted((lead_of(k), k) for k in range(len(scored)))

# %% fold="Show the two extremes"
picked = [leads[0], leads[-1]]
ck.show.images(
    [p for _, k in picked for p in (scored[k].image, *(
        ck.show.colour_labels(labels, ck.datasets.to_grey(scored[k].image)) for labels in (
            scored[k].labels, theirs[k],
            ck.instances(ck.predict(unet, scored[k].image), "components"))))],
    [f"lowest lead of Mask R-CNN\nAP50 {picked[0][0]:+.2f}", "truth", "Mask R-CNN", "U-Net, pieces",
     f"highest lead\nAP50 {picked[1][0]:+.2f}", "truth", "Mask R-CNN", "U-Net, pieces"],
    columns=4, size=2.8,
    alt="Two test pictures with truth and both answers: above, where Mask R-CNN is ahead least "
    f"(AP50 {picked[0][0]:+.2f}); below, where it is ahead most ({picked[1][0]:+.2f}).",
)

# %% [markdown]
# In the rows measured earlier, the U-Net finds more of what is bent. Mask R-CNN finds more of what
# is large or compact: where such objects touch, the U-Net's pieces run together. In the pictures
# look for nuclei that touch (one piece for the U-Net), and for outlines of Mask R-CNN that are cut
# straight: a mask ends with its box.
#
# ## 11. What to choose when
#
# - **Only the area matters** (confluence, share of tissue): a U-Net. Smaller, faster, and there
#   are no objects to get wrong.
# - **Cells must be counted, and they are compact, of similar size, and touch**: Mask R-CNN, or
#   a U-Net with a distance map and a watershed (lesson 7). Measure both.
# - **Thin, branched or bent objects**: a U-Net. A box tells little about them.
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
# ### Build the parts: boxes
#
# Right and bottom of a box lie just outside, so that the width is right minus left, and one pixel
# has a box of 1×1.

# %% [markdown] exercise="box_iou"
# ### Exercise 6.2 · IoU of boxes (2 points, 10 minutes)
#
# Write `box_iou(a, b)` for two boxes, each `(left, top, right, bottom)`. Return the area they share
# divided by the area of their union. Corners may lie within a pixel; no box is empty. Boxes that
# lie apart share nothing.

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
ck.lesson.grade(
    "box_iou", box_iou, ((2, 3, 8, 7), (5, 1, 9, 6)), ((0, 0, 3, 5), (7, 9, 8, 12)),
    ((0, 0, 3, 5), (1, 6, 2, 8)), ((0, 0, 3, 5), (4, 1, 6, 3)), ((4, 1, 6, 3), (0, 0, 3, 5)),
    ((2, 2, 4, 9), (2, 2, 4, 9)),
    ((1, 1, 2, 2), (0, 0, 5, 4)), ((0.5, 0.25, 2.75, 3), (1, 1.5, 2.5, 2)))
# END HIDDEN TESTS
box_iou = ck.lesson.check("box_iou", box_iou)

# %% [markdown]
# ### Build the parts: suppression

# %% [markdown] exercise="suppress"
# ### Exercise 6.3 · Non-maximum suppression (3 points, 15 minutes)
#
# Write `suppress(boxes, scores, overlap)`. `boxes` is an array (N, 4), a box in each row, and
# `scores` an array (N,); N may be 0. Return the indices of the boxes that stay, in a list, a tuple
# or an array, the best score first; boxes of one score in any order. A box is dropped if its IoU
# with a better one *that stays* is above `overlap`. Use `box_iou`.

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
row = np.array([(3.0 * k, 0, 3 * k + 8, 8) for k in range(6)])
falling, mixed = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]), np.array([0.5, 0.9, 0.4, 0.3, 0.8, 0.1])
ck.lesson.grade(
    "suppress", suppress, (row, falling, 0.4), (row, mixed, 0.4), (row[:3], mixed[::-1][:3], 0.5),
    (np.array([[0.0, 0, 4, 1], [0, 0, 2, 1]]), np.array([0.2, 0.3]), 0.5),
    (row[::3], np.array([0.5, 0.5]), 0.4), (row[:0], falling[:0], 0.5))
# END HIDDEN TESTS
suppress = ck.lesson.check("suppress", suppress)

# %%
kept = suppress(many, sure, 0.3)
print(f"{len(many)} boxes, {len(kept)} stay; torchvision agrees: {list(kept) == stay.tolist()}")
# expect: 40 boxes, 5 stay; torchvision agrees: True

# %% [markdown]
# ### Build the parts: RoIAlign

# %% [markdown] exercise="bilinear"
# ### Exercise 6.4 · Between the pixels (3 points, 15 minutes)
#
# Write `bilinear(picture, row, column)`: the value of an array (H, W) at a place that need not be
# whole. Mix the four pixels around it; the nearer one counts more, in proportion. Return a number.
# Row 0 is the centre of the first row of pixels. Beyond the edge, the value is that of the edge.

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
twisted = np.array([[0.0, 2.0], [4.0, 12.0]])
places = [(0, 0), (4, 2), (1.3, 0.4), (3.9, 1.75), (2.5, 1), (-3, 0.5), (7.2, 5), (0.5, -0.25)]
ck.lesson.grade("bilinear", bilinear, *[(slope, *place) for place in places], (twisted, 0.5, 0.25))
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

features = np.random.default_rng(1).random((16, 24))
box = (3.3, 2.6, 15.8, 11.1)
exact = ops.roi_align(torch.tensor(features)[None, None], [torch.tensor([box]).double()], 7,
                      sampling_ratio=1, aligned=True)[0, 0].numpy()
print("largest difference from torchvision's:",
      f"{np.abs(roi_align(features, box, 7) - exact).max():.6f}")
# expect: largest difference from torchvision's: 0.000000

# %% [markdown]
# RoIPool, which came before, rounds the box and takes the largest value of each piece:

# %%
def roi_pool(features, box, size):
    left, top, right, bottom = (round(edge) for edge in box)
    def cut(first, last):
        step = max(last - first + 1, 1) / size
        return [slice(first + int(k * step), first + int(np.ceil((k + 1) * step)))
                for k in range(size)]
    return np.array([[features[rows, columns].max() for columns in cut(left, right)]
                     for rows in cut(top, bottom)])

pooled = ops.roi_pool(torch.tensor(features)[None, None], [torch.tensor([box]).double()], 7)
print("largest difference from torchvision's:",
      f"{np.abs(roi_pool(features, box, 7) - pooled[0, 0].numpy()).max():.6f}")
# expect: largest difference from torchvision's: 0.000000

# %% [markdown]
# ### An unseen kind
#
# What does a network say of pictures of a kind it has never seen? The paper tests on unseen
# pictures. We go further: each network is trained on glowing nuclei alone, and on stained ones
# alone.

# %%
seen_kinds = [(kind, key, models.measured("dsb2018", kind)[key])
              for kind in (None, "fluorescence", "stained") for key in ("unet", "mask_rcnn")
              if key in models.measured("dsb2018", kind)]
ck.show.table(
    [{"network": row["words"], "trained on": kind or "both",
      **{f"IoU, {seen}": row[f"iou, {seen}"] for seen in ("fluorescence", "stained")}}
     for kind, _, row in seen_kinds],
    "Measured earlier, dsb2018: foreground IoU by kind of picture")

# %% [markdown]
# A network knows the kind of picture it was trained on. Nothing warns you when you show it another.
#
# ### Begin with photographs
#
# Both papers begin with weights that were trained on photographs, those of COCO. They lie on a
# server that not everybody reaches. But a small network with weights from another collection,
# ImageNet, comes as a package. Here it replaces the way down in both networks: begun with these
# weights, and begun at random. The first row of each is our own network, begun at random, with ±
# over three seeds on the nuclei; where there is no ±, one seed ran. A gap that is not much larger
# than that ± may be luck.

# %%
for data in ("dsb2018", "glas"):
    ck.show.table(models.from_photographs(data),
                  f"Measured earlier, {data}: what weights from photographs are worth", digits=2)

# %% fold="What the numbers say"
gain = {}
for data, what in (("dsb2018", "nuclei"), ("glas", "glands")):
    for net, name in (("unet", "U-Net"), ("mask_rcnn", "Mask R-CNN")):
        own, other, known = (np.mean(models.of_seeds(data, net + how, "AP50") or 0)
                                for how in ("", "-random", "-imagenet"))
        gain[f"{name}, {what}"] = known - max(own, other)
ck.lesson.claim(
    min(gain.values()) > 0.05,
    "With weights from photographs, AP50 is higher than with the better of the two that began at "
    "random: " + ", ".join(f"{key} by {value:.2f}" for key, value in gain.items())
    + ". No photograph shows a nucleus or a gland. But edges, textures and colours are everywhere, "
    "and what the network knows of them it need not learn from few pictures. Both papers' Mask "
    "R-CNN began so, too.",
    "AP50 with weights from photographs, less that of the better of the two that began at random: "
    + ", ".join(f"{key} {value:+.2f}" for key, value in gain.items()) + ".",
)

# %% [markdown]
# ### Ask eight times, ask two networks
#
# A picture may lie on the table in eight ways, and each is as right as any other.
# [Test-time augmentation](define:tta "|predict(turns=8)") asks for all eight and takes the mean. An
# [ensemble](define:ensemble) asks several networks. Here is what each adds to the network that was
# asked once, over seeds; the ensemble is compared with the better of its two.

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

eight = eight_views(lambda image: ck.predict(unet, image), scored[0].image)
same = np.abs(eight - ck.predict(unet, scored[0].image, turns=8)).max() < 0.02
print("as ck.predict(..., turns=8), to 0.02:", bool(same))
# expect: as ck.predict(..., turns=8), to 0.02: True

# %%
ck.show.table(models.gains("dsb2018"),
              "Measured earlier, dsb2018: more than the (better) network alone")

# %% [markdown]
# A gain smaller than its ± may be luck: three seeds cannot tell. And count the cost: eight views
# take eight times as long, and the ensemble as long as both.
#
# ### More to try
#
# - `ck.MaskRCNN(backbone="resnet50", weights="coco")` is the large one, with weights that know
#   photographs. It wants a GPU.
# - `ck.postprocessing.grow_labels` joins both: objects from one network, outlines from the other.
# - Train on fluorescence alone, test on stained tissue:
#   `python -m experiments.model_table dsb2018 --kind fluorescence`.
# - [He et al.](paper:mask_rcnn), figure 1, will look familiar.
#
# **Next:** [7 · One cell from the next](07_watershed.ipynb)
