# %% [markdown]
# # 7 · One cell from the next: watershed
#
# A [mask](term:mask) says where there are cells. It does not say how many. In this lesson you count
# cells from a mask and are wrong, learn how water finds the borders between cells, and then teach a
# network to say where the middle of a cell is.

# %% [markdown]
# ## What you will be able to do
#
# - Say why a good Dice does not make a good count.
# - Split touching cells with a distance transform and a watershed, and say what decides the result.
# - Score single cells with average precision, and spot a metric that cannot see misses.
# - Say what is hard for any method that sees only the mask.
# - Teach a network the distance to the edge of a cell, and use it as a map of seeds.
#
# {minutes}
#
# Exercises 7.2, 7.3 and 7.4 stand on the way; 7.1, in which you write the flooding yourself, and
# the capstone 7.5, which are worth 8 of the 14 points, under *Going further*. Two questions from
# earlier lessons first.

# %% [markdown] tags=["question"]
# A true cell is found as two halves, split down the middle. What does average precision at IoU 0.6
# count? (Lesson 6)
#
# - [ ] One hit. — A half has an IoU of at most one half with the whole.
# - [x] One miss and two false alarms. — Neither half reaches 0.6, so the cell has no partner, and
#   neither has a half.
# - [ ] Two hits. — One cell has one partner at most.

# %% [markdown] tags=["question"]
# A network's loss on the training pictures falls, and on the validation pictures it rises. What do
# you do? (Lesson 2)
#
# - [x] Keep the weights from before it rose. — From there on it learns what is true of the training
#   pictures alone.
# - [ ] Train longer: it will come down again. — It memorises the training pictures, and more of
#   that does not help.
# - [ ] Test on the test pictures which epoch is best. — Then they are no test any more: you have
#   chosen by them.

# %% setup
import heapq

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from cellkit_course.results import ladder as earlier

# %% [markdown]
# ## 1. A wrong count first
#
# We begin with the best mask there can be: the true one. Whoever cannot count the cells of that
# mask cannot count those of any. The pictures are split as in lesson 2.

# %%
annotated = ck.read("livecell").where(lambda entry: entry.annotated).cached()
test = annotated.where(lambda entry: entry.group in ck.lesson.TEST_WELLS)
rest = annotated.where(lambda entry: entry.group not in ck.lesson.TEST_WELLS)
train, valid = ck.split(rest, 0.85, seed=0, by="group")

# %% fold="Where the pictures come from"
ck.lesson.origin(annotated)

# %% [markdown]
# From the validation pictures we take the one with the largest number of touching cells. A
# [connected component](define:connected-component "|instances(method='components')") is a set of
# mask pixels that can be reached from each other without leaving the mask, in steps up, down, left
# or right. The last picture shows what a network finds that comes with the course. It sees the
# image, not the true mask. (It was trained on some of the real pictures: on those it gives a
# demonstration, and no score.)

# %%
crowded = max(valid, key=lambda sample: len(ck.annotations.touching(sample.labels)))
true_count = len(np.unique(crowded.labels)) - 1
pieces, piece_count = ndimage.label(crowded.mask)
expert, card = ck.load_weights("livecell-distance"), ck.weights.card("livecell-distance")
expert_knows = {name for data in card["data"] for name in data["images"]}
by_expert = ck.instances(ck.predict(expert, crowded.image, all=True), "distance")

# %% fold="Show them"
cut = np.s_[:240, :320]
ck.show.images(
    [ck.lesson.draw.with_scale(crowded.image[cut], annotated.dataset)]
    + [ck.show.colour_labels(labels, crowded.image)[cut]
       for labels in (crowded.labels, pieces, by_expert)],
    [f"{crowded.cell_type}, {crowded.dataset}", f"the cells: {true_count}",
     f"components of the true mask: {piece_count}", f"a network that sees the image: "
     f"{by_expert.max()}"], columns=2, size=4.2,
    caption="numbers are for the whole picture; white bar: 50 µm",
    alt="A crowded corner of a picture, its true cells each in a colour, the connected components "
    f"of its mask, where clumps have one colour, and a network's cells: {true_count} cells, "
    f"{piece_count} components, {by_expert.max()} by the network, in the whole picture.",
)

# %% fold="What the numbers say"
meeting = len(ck.annotations.touching(crowded.labels))
ck.lesson.claim(
    abs(by_expert.max() - true_count) < abs(piece_count - true_count),
    f"{meeting} of {true_count} cells touch another, and cells that touch are one component: "
    f"{piece_count}. The mask is perfect, its Dice is 1, and the count is hopeless. The network "
    f"finds {by_expert.max()}, from the image: "
    + ("not right either, but " if abs(by_expert.max() - true_count) > 0.2 * true_count else "")
    + "far nearer. At the end of this lesson you will have trained a small one of its kind.",
    f"{meeting} of {true_count} cells touch another, and cells that touch are one component: "
    f"{piece_count}. The network finds {by_expert.max()}.",
)

# %% [markdown]
# ## 2. The mask as a landscape
#
# The [distance transform](define:distance-transform) gives for each mask pixel the distance to the
# nearest background pixel. In the middle of a cell it is large, at its edge small, and at the neck
# between two cells smaller than in their middles. Think of it as a landscape: a hill on each cell.
# (We smooth it a little, which rounds the hills' sharp tips.)

# %%
down, across = np.indices((46, 76))
two = np.hypot(down - 22, across - 24) < 17
two |= np.hypot(down - 24, across - 51) < 15
height = ndimage.gaussian_filter(ndimage.distance_transform_edt(two), 1) * two

# %% fold="Draw it"
fig, (flat, profile) = ck.show.axes(1, 2, size=(5, 3.6))
hills = fig.add_subplot(flat.get_subplotspec(), projection="3d")
flat.remove()
hills.plot_surface(across, down, height, cmap="cividis", rcount=46, ccount=76)
hills.view_init(elev=35, azim=-70)
hills.set_box_aspect((76, 46, 40), zoom=1.25)
hills.set(title="two cells that touch, as hills; height in pixels", xlabel="column", ylabel="row")
profile.fill_between(across[0], height[23], color=ck.show.BLUE)
profile.set(xlabel="column", ylabel="height, pixels", title="a cut along row 23")
ck.show.figure(fig, alt="Left the smoothed distance transform of two touching discs, drawn: "
               "two hills and a saddle between them. Right its height along a row through both: "
               f"peaks of {height[23, :38].max():.0f} and {height[23, 38:].max():.0f} pixels, and "
               f"a valley of {height[23, 30:45].min():.0f} between them.")

# %% [markdown]
# ## 3. Rising water
#
# Turn the landscape over, so that hills become basins. A [seed](define:watershed-seed) is a spring
# at the bottom of a basin: there the water of one cell starts. The
# [watershed](define:watershed "|instances(method='watershed')") lets all waters rise together, and
# draws the border between two cells where their waters meet.
#
# The upper half of the film looks down on the two cells: each water has its own colour. The lower
# half is the cut along row 23, turned over: the ground is grey, the water blue. Press "play", or
# the button of a frame; no running kernel is needed.

# %% fold="Make the film"
seeds = np.zeros(two.shape, np.int32)
seeds[22, 24], seeds[24, 51] = 1, 2
levels = [12, 10, 9, 8, 7, 6, 4, 2, 0]

def frame(level):
    """Above, the water from the air; below, the cut along row 23, upside down."""
    wet = height > level
    water = ck.show.colour_labels(watershed(-height, seeds, mask=wet), 0.35 * two)
    ground = np.arange(18)[:, None] < height[23]
    below = np.where((ground & (np.arange(18)[:, None] > level))[..., None],
                   [0.34, 0.71, 0.91], np.where(ground[..., None], 0.0, 0.6))
    return np.repeat(np.repeat(np.concatenate([water, below]), 5, 0), 5, 1)

ck.show.animation(
    [frame(level) for level in levels],
    [f"the water stands {level} pixels below the cells' edge" for level in levels],
    alt="Film: water rises in the two basins of the overturned landscape. First a pool at the "
    "bottom of each; the pools grow, each in its own colour, and meet at a straight line.",
)

# %% [markdown] tags=["question"]
# Two seeds lie in one cell. What does the watershed make of it?
#
# - [ ] One cell: the waters join. — They never do. Where two waters meet, a border is drawn.
# - [x] Two cells. — Each seed's water keeps its own number, whatever the landscape looks like.
# - [ ] Nothing, without a valley between them. — Then the border lies in a poor place, but it is
#   drawn.

# %% [markdown]
# The straight line is where both waters arrive at the same moment. Nobody chose it: it follows from
# the landscape and the seeds. In code it is one line, `watershed(-height, seeds, mask=two)`; how to
# write the flooding yourself stands under *Going further*.
#
# So everything depends on the seeds. The usual choice: each peak of the landscape is a seed. But a
# real cell is no disc. A cell with several peaks becomes several cells: that is
# [over-splitting](define:over-splitting). Smooth the landscape, or ask that peaks lie at least
# `peak_distance` pixels apart, and small cells lose their own peak. A cell without a seed of its
# own is lost to a neighbour: that is [under-splitting](define:under-splitting).

# %%
explorer = ck.explore.instances(crowded, maps=crowded.mask)
explorer.twin("peak_distance", (2, 5, 12, 25), picture=0,
              caption=f"{crowded.dataset}: the perfect mask, split by watershed")

# %% [markdown]
# The same with sliders. Drag one, or use the arrow keys. Watch *split* and *merged* trade places.
# Can you bring both down at once?

# %%
explorer

# %% [markdown]
# ## 4. K-means and the elbow
#
# The paper [*U-Net on biomedical images*](paper:biomedical) looks for seeds in another way. The
# method [k-means](define:k-means) puts k centres among points so that each point lies near one.
# Here the points are all mask pixels, and the centres are the seeds. And k? The paper tries many,
# and draws the sum of squared distances from pixel to centre. The [elbow](define:elbow) is the k
# where a curve of errors over k bends: the point farthest from the straight line between its ends.

# %%
def elbow_of(mask, largest):
    """The elbow on a fine grid: close together where k is small and the curve falls most."""
    ks = np.geomspace(1, largest, lesson.elbow_steps).astype(int)
    return ck.postprocessing.elbow(mask, np.unique(ks))

far = elbow_of(crowded.mask, min(crowded.mask.sum() // 50, 1000))
near = elbow_of(crowded.mask, far.ks[-1] // 4)

# %% fold="Draw both curves"
fig, panels = ck.show.axes(1, 2, (4.8, 3.6))
both = {f"up to k = {one.ks[-1]}: elbow {one.k}": one for one in (far, near)}
for ax, scale in zip(panels, ("linear", "log"), strict=True):
    ck.show.curves({title: (one.ks, one.sse / 1e6) for title, one in both.items()}, ax=ax,
                   alt="below", xlabel="k", yscale=scale, xscale=scale, title=f"{scale} axes")
    ax.axvline(true_count, color="black", linestyle=":", label=f"true cells: {true_count}")
    for one in both.values():
        ax.plot(one.k, one.sse[list(one.ks).index(one.k)] / 1e6, "*", color="black", markersize=13,
                label="the two elbows" if one is far else None)
panels[0].set_ylabel("squared distances, million pixels²")
panels[0].legend(fontsize=9, frameon=False)
panels[1].get_legend().remove()
ck.show.figure(fig, alt="The sum of squared distances against k, twice. On linear axes it falls "
               "steeply and then runs flat; on log axes it is nearly a straight line. "
               f"Tried up to {far.ks[-1]}, the elbow is at {far.k}; tried up to {near.ks[-1]}, at "
               f"{near.k}; there are {true_count} cells.")

# %%
parts = {f"k-means, k = {far.k} by elbow": ck.instances(crowded.mask, "kmeans", k=far.k),
         f"k-means, true k = {true_count} given": ck.instances(
             crowded.mask, "kmeans", k=true_count),
         "watershed on distances": ck.instances(crowded.mask, "watershed")}
precise = {title: ck.average_precision(crowded.labels, labels, 0.5)
           for title, labels in parts.items()}
ck.show.table(
    [{"method": title, "cells": int(labels.max()), "in truth": true_count,
      "AP at IoU 0.5": precise[title]} for title, labels in parts.items()],
    f"{crowded.dataset}, one picture, its perfect mask",
)

# %% fold="What the numbers say"
told, usual = list(precise.values())[1:]
straight = -np.corrcoef(np.log(far.ks), np.log(far.sse))[0, 1]
ck.lesson.claim(
    far.k != near.k and told < usual and straight > 0.98,
    "On linear axes it looks plausible. On log axes the same curve is nearly straight: no k "
    f"stands out, and the elbow depends on how far one looked: {far.k} or {near.k}, where there "
    f"are {true_count}. Even when it is told the true k, k-means ({told:.2f}) stays behind the "
    f"watershed ({usual:.2f}): it spreads its centres evenly over the mask, not one over each "
    "cell. (Cells and centres differ in number: a centre on a slope gets next to nothing, as "
    "other water is there first, and pieces of fewer than 16 pixels are dropped; a component "
    "without a centre is a cell, too.)",
    f"The elbow is at {far.k} or {near.k}, by how far one looked; there are {true_count} cells. "
    f"Told the true k, k-means reaches {told:.2f}, the watershed {usual:.2f}.",
)

# %% [markdown]
# ## 5. Average precision, by hand
#
# The score in the table comes from lesson 6. A predicted cell is a **hit** (TP) if it overlaps a
# true cell with an [IoU](term:iou) of at least 0.5; each true cell has one partner at most. A
# predicted cell without a partner is a **false alarm** (FP), a true cell without a partner a
# **miss** (FN). **Average precision** at that IoU is TP / (TP + FP + FN).

# %%
truth, pred = np.zeros((2, 12, 50), np.int32)
truth[1:5, 1:11], truth[1:5, 14:24] = 1, 2
truth[1:5, 26:36], truth[1:5, 38:48], truth[7:11, 20:30] = 3, 4, 5
pred[1:5, 2:12], pred[1:5, 14:18], pred[1:5, 18:24], pred[1:5, 26:48] = 1, 2, 3, 4

# %% fold="Draw them"
fig, ax = ck.show.axes(1, 1, (9.5, 2.8))
ax.imshow(truth > 0, cmap="Greys", vmax=3, extent=(0, 50, 12, 0))
for letter, k in zip("ABCDE", range(1, 6), strict=True):
    middle = np.argwhere(truth == k).mean(0) + 0.5
    ax.text(middle[1], middle[0], letter, ha="center", va="center", fontsize=14)
for k in range(1, 5):
    (y0, x0), (y1, x1) = np.argwhere(pred == k)[[0, -1]] + [[0, 0], [1, 1]]
    ax.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], "--",
            color=ck.show.RED, lw=2.5)
ax.set_xticks(range(51), minor=True)
ax.set_yticks(range(13), minor=True)
ax.grid(which="both", lw=0.3)
ck.show.figure(fig, alt="Five true cells of 4 by 10 pixels, A to E, in grey; four predicted cells "
               "as dashed red outlines. One covers A, shifted by a pixel to the right. Two lie in "
               "B: one on its first 4 columns, one on the other 6. One covers C, D and the two "
               "columns between them. None lies on E.")

# %% [markdown] exercise="five_cells"
# ### Exercise 7.2 · Five cells (2 points, 8 minutes)
#
# Grey: five true cells, each 4×10 pixels. Dashed: four predicted cells; one square of the grid is
# one pixel. Count by hand, at IoU 0.5. Return the three numbers TP, FP, FN.

# %% solution="five_cells"
def five_cells():
    """(TP, FP, FN) at IoU 0.5."""
    # BEGIN SOLUTION
    return 2, 2, 3
    # END SOLUTION

# %% check="five_cells" points=2
# BEGIN HIDDEN TESTS
ck.lesson.grade("five_cells", five_cells)
# END HIDDEN TESTS
five_cells = ck.lesson.check("five_cells", five_cells)

# %%
for iou in (0.4, 0.5, 0.75, 0.9):
    m = ck.metrics.matching(truth, pred, iou)
    print(f"IoU {iou:.2f}: TP {m.tp}, FP {m.fp}, FN {m.fn}, AP {m.average_precision:.3f}")
# expect: IoU 0.40: TP 3, FP 1, FN 2, AP 0.500
# expect: IoU 0.50: TP 2, FP 2, FN 3, AP 0.286
# expect: IoU 0.75: TP 1, FP 3, FN 4, AP 0.125
# expect: IoU 0.90: TP 0, FP 4, FN 5, AP 0.000

# %% [markdown]
# A stricter [threshold](term:threshold) asks for a better outline. Below, *AP, mean* is the mean
# over the thresholds 0.50, 0.55, … 0.95. It is the number by which we choose parameters. *Off, a
# picture* is how far the count of a picture is off, on average.
#
# ## 6. A score that cannot see misses
#
# [The paper of section 4](paper:biomedical) reports a number that it calls *mAP*: TP / (TP + FP),
# averaged over thresholds. Look closely: the misses, FN, are gone. We let two methods split the
# perfect masks of the validation pictures.

# %% [markdown] exercise="which_wins"
# ### Exercise 7.3 · Predict, then run (1 point, 4 minutes)
#
# Connected components or watershed: which has the higher average precision at IoU 0.5, and which
# the higher "mAP" of the paper? Return two words in this order, each `"components"` or
# `"watershed"`. Then run the table below.

# %% solution="which_wins"
def which_wins():
    """The winner by (average precision at 0.5, the paper's "mAP")."""
    # BEGIN SOLUTION
    return "watershed", "components"
    # END SOLUTION

# %% check="which_wins" points=1
# BEGIN HIDDEN TESTS
ck.lesson.grade("which_wins", which_wins)
# END HIDDEN TESTS
which_wins = ck.lesson.check("which_wins", which_wins)

# %%
def scores(title, truths, labels):
    """One row of a ladder; counts are pooled, *off* is the mean miscount of a picture."""
    ap, counted = ck.average_precision(truths, labels), ck.metrics.count_error(truths, labels)
    return {"method": title, "AP at IoU 0.5": ap[0], "AP, mean": ap.mean(),
            'the paper\'s "mAP"': ck.metrics.mean_precision(truths, labels),
            "cells": counted.pred, "in truth": counted.truth, "off, a picture":
            f"{counted.error:.0%}"}

truths = [sample.labels for sample in valid]
split = {how: scores(how, truths, [ck.instances(sample.mask, how) for sample in valid])
         for how in ("components", "watershed")}
ck.show.table(list(split.values()), f"{valid.dataset}: perfect masks, validation pictures")

# %% fold="What the numbers say"
blind = 'the paper\'s "mAP"'
ck.lesson.claim(
    split["components"]["AP at IoU 0.5"] < split["watershed"]["AP at IoU 0.5"]
    and split["components"][blind] > split["watershed"][blind],
    "The two scores choose differently. Connected components predict few cells, and most of those "
    "few are easy ones that stand alone. A clump of thirty cells costs them one false alarm, and "
    "thirty misses, which this \"mAP\" never sees. **Whenever you read a precision, ask for the "
    "recall, TP / (TP + FN).**",
    f"Components have {split['components'][blind]:.2f} by this \"mAP\" and "
    f"{split['components']['AP at IoU 0.5']:.2f} by AP, the watershed "
    f"{split['watershed'][blind]:.2f} and {split['watershed']['AP at IoU 0.5']:.2f}. A method that "
    "predicts three easy cells of a hundred and no more scores 1.0 by it. **Whenever you read a "
    "precision, ask for the recall, TP / (TP + FN).**",
)

# %% [markdown]
# ## 7. The ceiling of a perfect mask
#
# How far can splitting get? We tune it, in all fairness: `ck.tune_instances` tries a grid of
# parameters and keeps the best. It gets pictures of the *training part* only. Who tunes on the
# pictures that are scored afterwards measures how well they can tune.

# %%
tuning = train[::lesson.tune_every]
answers = [sample.labels for sample in tuning]
perfect = ck.tune_instances([sample.mask for sample in tuning], answers, "watershed",
                            lesson.grids["watershed"])
best = ck.instances(crowded.mask, "watershed", **perfect.params)
print(f"{len(tuning)} pictures, {len(perfect.tried)} combinations; best: {perfect.params}")

# %% fold="Show what it does not find"
hit = ck.metrics.matched_pairs(crowded.labels, best)[:, 0]
missed = np.where(np.isin(crowded.labels, hit), 0, crowded.labels)
ceiling = ck.average_precision(crowded.labels, best, 0.5)
ck.show.images(
    [ck.show.colour_labels(labels, crowded.image)[cut]
     for labels in (crowded.labels, best, missed)],
    ["the cells", f"watershed: AP {ceiling:.3f}", "cells it did not find"], size=4.2,
    caption=f"{crowded.dataset}, the perfect mask, tuned parameters; AP at IoU 0.5, of the whole "
    "picture",
    alt="True cells, the watershed's cells, and the true cells without a partner at IoU 0.5. "
    f"AP at 0.5 is {ceiling:.3f}, from a perfect mask.",
)

# %% [markdown]
# The mask is perfect, the parameters are tuned, and cells are lost. Look at some of them. Do long
# cells lie side by side, with no neck where one ends? Does a small one sit on a large one? Was an
# arm cut off? Where two shapes could have made the same mask, the mask does not say which it was. A
# method that sees only the mask can prefer the likelier; it cannot know. In the *image* the border
# often shows. So let the network look for it.

# %% [markdown] tags=["question"]
# Two long cells lie side by side and make one rectangle in the mask. What could tell that there are
# two?
#
# - [ ] A larger `peak_distance` or another smoothing. — They change which peaks count; a rectangle
#   has one ridge, whatever they are.
# - [ ] A better mask. — This one is perfect already.
# - [x] The image. — A bright line between the cells, or two nuclei, can be seen in the picture and
#   not in the mask.

# %% [markdown]
# ## 8. Teach the network the distance
#
# Until now the network answered one question: cell or not? We add a second: *how deep inside its
# own cell does this pixel lie?* The answer is 1 in the middle of each cell and falls to almost 0 at
# its edge, also where that edge is a neighbour. Two touching cells then have two separate cores.

# %% [markdown] exercise="distance_target"
# ### Exercise 7.4 · Find the bug (3 points, 12 minutes)
#
# A colleague makes the target like this. But cells that touch share one hill in it, and small cells
# stay dark beside large ones. There are two mistakes.

# %%
def colleagues_target(labels):
    """float32 (H, W): how deep inside its own cell each pixel lies, 1 at the cell's deepest."""
    depth = ndimage.distance_transform_edt(labels > 0)
    return (depth / max(depth.max(), 1)).astype(np.float32)

# %% [markdown]
# Write it again, without the mistakes. The picture's edge is no edge of a cell, and numbers may be
# missing among the labels. A cell may lie in two pieces: the deepest pixel of both is 1. No cell
# fills the picture. `ndimage.distance_transform_edt(m)` gives for each pixel of a bool array the
# distance to the nearest `False`.

# %% solution="distance_target"
def distance_target(labels):
    """float32 (H, W): how deep inside its own cell each pixel lies, 1 at the cell's deepest."""
    # BEGIN SOLUTION
    target = np.zeros(labels.shape, np.float32)
    for k in np.unique(labels[labels > 0]):
        depth = ndimage.distance_transform_edt(labels == k)
        target += depth / depth.max()
    return target
    # END SOLUTION

# %% check="distance_target" points=3
# BEGIN HIDDEN TESTS
cells = np.zeros((15, 22), np.int32)
cells[2:9, 2:8], cells[2:9, 8:15], cells[10:13, 10:13], cells[0:4, 17:22] = 3, 9, 12, 5
cells[13, 1] = 3
disc = np.where(np.hypot(*np.ogrid[-6:7, -7:8]) < 6, 4, 0).astype(np.int32)
ck.lesson.grade("distance_target", distance_target, (cells,), (cells * 0,), (cells[:9, :8],),
                (disc,))
# END HIDDEN TESTS
distance_target = ck.lesson.check("distance_target", distance_target)

# %% fold="Show both targets"
ck.show.images(
    [crowded.image[cut], colleagues_target(crowded.labels)[cut],
     distance_target(crowded.labels)[cut]],
    [crowded.dataset, "the colleague's target", "each cell's own distance"], size=4.2,
    alt="An image; the colleague's target, where a clump is one broad hill and small cells stay "
    "dark; and the right target, where each cell, large or small, has a bright core of its own.",
)

# %% [markdown]
# `head="distance"` gives the U-Net two outputs: the [logit](term:logit) of *cell*, and the
# distance. `ck.fit` makes this target from the labels, and adds the mean absolute error of the
# distance to the cross-entropy.

# %%
net = ck.UNet(width=lesson.width, head="distance")
history = ck.fit(net, train, valid, on_epoch=ck.show.LiveCurves(), **lesson.training)
maps = ck.predict(net, crowded.image, all=True)

# %% fold="How long it trained"
steps = lesson.training["steps_per_epoch"]
ck.lesson.claim(
    len(history) > 5,
    f"It trained for {len(history)} epochs of {steps} steps.",
    f"Your computer had time for {len(history)} epochs of {steps} steps only. What follows is "
    "rougher than on a faster one, and the curves say little.", trained=True,
)

# %% [markdown]
# The peaks of the predicted distance are the seeds. But a predicted map is grainy, and grain has
# peaks, too. A peak counts as a seed only if one must go down by at least
# [h](define:h "h|instances(method='distance', h=)") before a higher one can be reached. (It must
# also reach `seed_threshold`, usually 0.3, which the figure leaves out.) Here is a cut through the
# map of section 1's network, smoothed as `ck.instances` does it:

# %%
smooth_map = ndimage.gaussian_filter(ck.predict(expert, crowded.image, all=True)["distance"], 1.5)
along = int(np.argmax((smooth_map[:, :160] > 0.3).sum(axis=1)))  # the row with most high ground
ck.lesson.draw.seeds_by_h(smooth_map[along, :160], hs=(0.02, 0.1, 0.3))

# %% [markdown] tags=["question"]
# You raise h from 0.02 to 0.3. What happens to the cells?
#
# - [ ] There are more of them: more is asked of each peak. — More is asked, so fewer peaks pass.
# - [x] Fewer, and some are merged. — Grain no longer counts. But neither does a cell whose peak
#   stands only a little above the saddle to its neighbour.
# - [ ] They stay, only their borders move. — Borders follow the seeds; without a seed there is no
#   cell.

# %%
learned = ck.instances(maps, "distance")
by_mask = ck.instances(maps["foreground"] > 0.5, "watershed")
mask_ap, learned_ap = (ck.average_precision(crowded.labels, one, 0.5) for one in (by_mask, learned))

# %% fold="Show both"
ck.show.images(
    [maps["foreground"][cut], maps["distance"][cut],
     ck.show.colour_labels(by_mask, crowded.image)[cut],
     ck.show.colour_labels(learned, crowded.image)[cut]],
    ["predicted: cell", "predicted: distance",
     f"watershed on the mask: {by_mask.max()} cells, AP {mask_ap:.2f}",
     f"seeds from the distance: {learned.max()} cells, AP {learned_ap:.2f}"], columns=2, size=4.2,
    caption=f"{crowded.dataset}; in truth {true_count} cells; AP at IoU 0.5, of the whole picture; "
    "above, black is 0 and white is 1",
    alt="A validation picture: the predicted probability of cell, the predicted distance with a "
    "bright core in each cell it parts, the mask split by watershed, and the cells grown from its "
    f"seeds. Cells found: {by_mask.max()} and {learned.max()}; in truth {true_count}.",
)
ck.lesson.claim(
    learned_ap > mask_ap,
    f"By AP the learned seeds are ahead on this picture: {learned_ap:.2f} against {mask_ap:.2f}. "
    "One picture is not much. The next section takes more, and tunes each method.",
    f"On this picture the learned seeds reach an AP of {learned_ap:.2f}, the mask alone "
    f"{mask_ap:.2f}. One picture is not much. The next section takes more, and tunes each method.",
    trained=True,
)

# %% [markdown]
# ## 9. The ladder
#
# Now all methods in one table, a rung each, on the test pictures, which our network has not seen.
# The *predicted* mask is its own, so the first three rungs see with the same eyes. Parameters are
# tuned on pictures of the training part, as before. The network has met those, so its maps are a
# little too good there. That is the price for leaving the test pictures alone. The network of
# section 1 takes part, with its usual parameters, unless it was trained on your test pictures.
# (If a warning appears, it says of the predicted mask what section 7 showed.)

# %%
fitted = [ck.predict(net, sample.image, all=True) for sample in tuning]
params = {how: ck.tune_instances(fitted, answers, how, lesson.grids[how]).params
          for how in ("components", "watershed", "distance")}
predicted = [ck.predict(net, sample.image, all=True) for sample in test]
masks, test_truths = [sample.mask for sample in test], [sample.labels for sample in test]

# %%
ladder = {f"predicted mask, {how}": [ck.instances(one, how, **params[how]) for one in predicted]
          for how in ("components", "watershed")}
ladder["learned distances"] = [ck.instances(one, "distance", **params["distance"])
                               for one in predicted]
if not expert_knows & set(test.names):  # nobody is scored on pictures it was trained on
    ladder["learned distances, bundled network"] = [
        ck.instances(ck.predict(expert, image, all=True), "distance") for image in
        (sample.image for sample in test)]
ladder["perfect mask, components"] = [ck.instances(mask, "components") for mask in masks]
ladder["perfect mask, watershed"] = [ck.instances(mask, "watershed", **perfect.params)
                                     for mask in masks]
rungs = {title: scores(title, test_truths, labels) for title, labels in ladder.items()}

# %% fold="Show the ladder, live and measured earlier"
good = ck.dice(masks, [one["foreground"] > 0.5 for one in predicted])
ck.show.table(list(rungs.values()), f"Live: {test.dataset}, {len(test)} pictures of the test "
              f"wells, counts pooled. Dice of the predicted mask {good:.3f}")
ck.show.table(earlier.rungs(), f"Measured earlier: {earlier.how()}. For flow see Going further")

# %% fold="What the numbers say"
key = "AP at IoU 0.5"
mask_row, own, beat = (rungs[title][key] for title in (
    "predicted mask, watershed", "learned distances", "perfect mask, watershed"))
ck.lesson.claim(
    own > mask_row,
    f"The first three rungs come from one network, with one Dice ({good:.2f}): it says nothing "
    f"about the count. From its mask alone the watershed reaches {mask_row:.2f}, with the learned "
    f"distances {own:.2f}.",
    f"The first three rungs come from one network, with one Dice ({good:.2f}). After this short "
    f"training the learned distances reach {own:.2f}, the watershed on its mask {mask_row:.2f}.",
    trained=True,
)
seer = rungs.get("learned distances, bundled network", {key: own})[key]
ck.lesson.claim(
    seer > beat,
    "And what a network sees in the image, if it was trained long enough, beats what the best of "
    f"all masks can tell: {seer:.2f} against {beat:.2f}. The border that no mask shows is in the "
    "image.",
    f"Against a *perfect* mask ({beat:.2f}) no network of this table wins: its own mask is not "
    f"perfect, and {own:.2f} is what a few minutes of training give. The network of section 1 "
    "trained for more than an hour: a good map of seeds needs time.",
    trained="learned distances, bundled network" not in rungs,
)

# %% fold="Draw the counts"
fig, ax = ck.show.axes(1, 1, (6, 3.8))
counts = {title: [int(labels.max()) for labels in ladder[title]] for title in list(ladder)[:3]}
true_counts = [len(np.unique(labels)) - 1 for labels in test_truths]
largest = 1.05 * max(true_counts + sum(counts.values(), []))
ax.plot([0, largest], [0, largest], color="grey", lw=1, label="as many as there are")
for (title, some), (colour, _, marker) in zip(counts.items(), ck.show.LINES, strict=False):
    ax.plot(true_counts, some, marker, color=colour, alpha=0.8, label=title)
ax.set(xlabel="true cells in a picture", ylabel="cells found", title=test.dataset,
       xlim=(0, 1.05 * max(true_counts)), ylim=(0, largest))
ax.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
ck.show.figure(fig, alt="Cells found against true cells, a mark for each test picture and method; "
               f"on the grey line the count is right. In all pictures {sum(true_counts)} in truth; "
               + ", ".join(f"{title} {sum(some)}" for title, some in counts.items()) + ".")

# %% [markdown] tags=["question"]
# In one picture a method finds 100 cells, and there are 100. Has it found them all?
#
# - [ ] Yes, the count is right. — It may have merged 20 pairs and split 20 other cells.
# - [ ] Yes, if its Dice is high, too. — Dice counts pixels; merged and split cells have the right
#   pixels.
# - [x] One cannot know without matching cell by cell. — That is what AP does.

# %% [markdown]
# A right count is not a right segmentation: a cell split in two makes up for two cells merged. That
# is why AP stands first. And where do the learned distances still fail?

# %% fold="Show the worst, the middle and the best picture"
each = [float(ck.average_precision(t, labels, 0.5))
        for t, labels in zip(test_truths, ladder["learned distances"], strict=True)]
order = np.argsort(each)
picked = [order[0], order[len(order) // 2], order[-1]]
ck.show.images(
    [ck.show.colour_labels(test_truths[i], test[i].image)[cut] for i in picked]
    + [ck.show.colour_labels(ladder["learned distances"][i], test[i].image)[cut] for i in picked],
    [f"{word}: {test[i].cell_type}, truth" for word, i in
     zip(("worst", "middle", "best"), picked, strict=True)]
    + [f"learned distances: AP {each[i]:.3f}" for i in picked],
    columns=3, size=4, caption=f"{test.dataset}; AP at IoU 0.5, of the whole picture",
    alt="The worst, the middle and the best test picture: above the true cells, below the cells "
    "found from the learned distance. AP at 0.5: " + ", ".join(f"{each[i]:.3f}" for i in picked),
)
ck.lesson.claim(
    test.dataset.startswith("synthetic"),
    "Look at the worst one. Are cells merged, split, or not found at all? The truth of a drawn "
    "picture is complete, so every *false alarm* is one.",
    "Look at the worst one. Are cells merged, split, or not found at all? Is the truth complete? "
    "In LIVECell dense clumps were left out by the annotators, so some *false alarms* are cells "
    "that nobody drew.",
)

# %% [markdown]
# Now put your network under the sliders. First h in four positions. The other sliders stand at the
# usual parameters, not at the tuned ones, so the scores differ from those above.

# %%
sliders = ck.explore.instances([test[i] for i in picked], net, method="distance")
sliders.twin("h", (0.02, 0.1, 0.2, 0.4), picture=0,
             caption=f"{test.dataset}: the worst picture above, by the learned distance")

# %%
sliders

# %% [markdown]
# ## Recap
#
# You can now
#
# - Say why a good Dice does not make a good count.
# - Split touching cells with a distance transform and a watershed, and say what decides the result.
# - Score single cells with average precision, and spot a metric that cannot see misses.
# - Say what is hard for any method that sees only the mask.
# - Teach a network the distance to the edge of a cell, and use it as a map of seeds.
#
# You can read a paper about cell segmentation now, and ask it the right questions: which pictures,
# which resampler, which split, and does that number see what is missing?

# %%
ck.lesson.progress()

# %% [markdown]
# **Next**, if you like: [8 · Your own pictures](08_your_own_pictures.ipynb)
#
# ## Going further
#
# ### Write the flooding yourself

# %% [markdown] exercise="flood"
# ### Exercise 7.1 · Flood (4 points, 20 minutes)
#
# Write `flood(landscape, seeds, mask)`. `landscape` is an array of heights, no two of them equal.
# `seeds` is an int32 label map with a few numbered pixels inside `mask`, else 0. The algorithm:
#
# 1. Put all seed pixels on a heap.
# 2. Take the lowest pixel off the heap. Each of its four neighbours (above, below, left, right)
#    that lies inside the picture and the mask and has no number yet gets the same number and goes
#    on the heap.
# 3. Repeat until the heap is empty.
#
# Return the int32 label map, and leave the arrays that you were given as they are.
# `heapq.heappush(heap, (height, row, column))` puts a pixel on the heap, `heapq.heappop(heap)`
# takes the lowest off. (`skimage.segmentation.watershed` does all this in one line, and the check
# takes it; but then it is the library that knows how water rises.)

# %% solution="flood"
def flood(landscape, seeds, mask):
    """Watershed by rising water: label map (int32) grown from the seeds within the mask."""
    # BEGIN SOLUTION
    labels = seeds.copy()
    heap = [(landscape[r, c], r, c) for r, c in np.argwhere(seeds)]
    heapq.heapify(heap)
    while heap:
        _, r, c = heapq.heappop(heap)
        for i, j in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            inside = 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]
            if inside and mask[i, j] and labels[i, j] == 0:
                labels[i, j] = labels[r, c]
                heapq.heappush(heap, (landscape[i, j], i, j))
    return labels
    # END SOLUTION

# %% check="flood" points=4
# BEGIN HIDDEN TESTS
rng = np.random.default_rng(7)
for shape in ((18, 23), (25, 11), (30, 30)):
    hill = ndimage.gaussian_filter(rng.random(shape), 1)
    inside = ndimage.gaussian_filter(rng.random(shape), 1) > 0.44
    inside[:, 0] = inside[:, -1] = inside[0] = inside[-1] = True
    inside[shape[0] // 2, ::3] = False
    spots = np.zeros(shape, np.int32)
    spots.flat[rng.choice(np.flatnonzero(inside), 7, replace=False)] = [3, *rng.permutation(6) + 3]
    ck.lesson.grade("flood", flood, (hill, spots, inside))
dry = np.array([[True, False, True]])
ck.lesson.grade("flood", flood, (np.array([[0, 5, 1]]), np.array([[4, 0, 0]], np.int32), dry))
# END HIDDEN TESTS
flood = ck.lesson.check("flood", flood)

# %%
parted = flood(-height, seeds, two)
same = (parted == watershed(-height, seeds, mask=two))[two].mean()
ck.show.images(
    [two, ndimage.binary_dilation(seeds, iterations=2), parted],
    ["mask", "two seeds, drawn larger", f"flooded; {same:.0%} as scikit-image"],
    alt="A mask of two touching discs, one seed pixel in each, and the two discs parted by "
    f"flooding. Of the mask's pixels {same:.0%} have the number that scikit-image gives them.",
)

# %% [markdown]
# ### Capstone: save what can be saved
#
# A smaller network, trained too short: its maps are noisy, and its distances too low. We imitate
# one, so that nobody has to wait for it.

# %%
def imitated_maps(labels, seed):
    """What a timid and noisy network might say about these cells."""
    grain = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=labels.shape), 1)
    blurred = [ndimage.gaussian_filter(m.astype(float), 2)
               for m in (labels > 0, ck.targets.distance_map(labels))]
    foreground, distance = (np.clip(m + 0.2 * grain / grain.std(), 0, 1) for m in blurred)
    return {"foreground": foreground, "distance": 0.7 * distance}

# %%
corner = crowded.labels[cut]
there = len(np.unique(corner)) - 1
noisy = imitated_maps(corner, seed=0)
start = {"threshold": 0.5, "smoothing": 0.5, "seed_threshold": 0.5, "min_size": 16, "h": None}
naive = ck.instances(noisy, "distance", **start)
ck.show.images(
    [noisy["foreground"], noisy["distance"], naive],
    ["imitated: cell", "imitated: distance", f"at the start: {naive.max()} cells for {there}"],
    size=4.2,
    alt="The imitated maps of the crowded corner, grainy, the distance nowhere bright, and what "
    f"the parameters at the start make of them: {naive.max()} cells, where there are {there}.",
)

# %% [markdown] exercise="parameters"
# ### Exercise 7.5 · Save what can be saved (4 points, 15 minutes)
#
# Write `parameters()`. It returns a dictionary with any of `threshold`, `smoothing`,
# `seed_threshold` and `min_size`; what you leave out stays as it is in `start`. `h` stays `None`:
# then a seed is no peak, but a core, a piece where the smoothed distance reaches `seed_threshold`.
# The check imitates the same network on eight drawn pictures that you do not see, and asks for a
# mean AP (over IoU 0.50 to 0.95, counts pooled) of at least 0.30. Tune on pictures that you have:
# `ck.tune_instances` takes maps, labels, `"distance"` and a grid.

# %%
practice = [sample.labels[:160, :160] for sample in train[:6]]
practice_maps = [imitated_maps(labels, seed) for seed, labels in enumerate(practice)]
grid = {name: (value,) for name, value in start.items()} | {"smoothing": (0, 0.5)}
tried = ck.tune_instances(practice_maps, practice, "distance", grid)
print(f"a grid that is too small: {tried.params}, mean AP {tried.score:.3f}")

# %% solution="parameters"
def parameters():
    """threshold, smoothing, seed_threshold and min_size for the imitated maps."""
    # BEGIN SOLUTION
    return {"smoothing": 2, "seed_threshold": 0.35}
    # END SOLUTION

# %% check="parameters" points=4
# BEGIN HIDDEN TESTS
other = ck.lesson.Case("better", "eight other pictures", (), ((100, 120), 0.25))
ck.lesson.grade("parameters", parameters, other)
# END HIDDEN TESTS
parameters = ck.lesson.check("parameters", parameters)

# %%
saved = ck.instances(noisy, "distance", **start | parameters())
ck.show.images(
    [corner, naive, saved],
    [f"truth: {there} cells"] + [
        f"{when}: {one.max()} cells, AP {ck.average_precision(corner, one, 0.5):.3f}"
        for when, one in (("at the start", naive), ("tuned", saved))], size=4.2,
    caption="AP at IoU 0.5",
    alt="The crowded corner: its true cells, what the start makes of the noisy maps, and what "
    f"the chosen parameters make of them: {naive.max()} and {saved.max()} cells.",
)

# %% [markdown]
# ### Counts, line by line

# %%
lines = sorted(set(test.cell_types))
mine = {line: [i for i, kind in enumerate(test.cell_types) if kind == line] for line in lines}
ck.show.table(
    [{"cell line": line, "pictures": len(mine[line]), **{
        f"{title}: {what}": scores(title, [test_truths[i] for i in mine[line]],
                                   [ladder[title][i] for i in mine[line]])[what]
        for title in ("learned distances", "perfect mask, watershed")
        for what in ("AP at IoU 0.5", "cells", "in truth")}} for line in lines],
    f"{test.dataset}: test wells by cell line")
missing = sorted(set(annotated.cell_types) - set(test.cell_types))
print("without a test well, so not scored:", ", ".join(missing) or "none")

# %% [markdown]
# ### Another way: press on the gaps
#
# The [U-Net paper](paper:unet) of 2015 had the same trouble, and solved it otherwise. It draws a
# line of background between touching cells. A
# [weight map](define:weight-map "|targets.weight_map") makes the pixels of narrow gaps count more
# in the loss. A pixel's weight is
#
#     1 + w0 · exp(−(d1 + d2)² / (2 σ²))
#
# where d1 and d2 are its distances to the nearest and to the second nearest cell. (In 2015 a term
# that balances the classes stood in place of the 1.) [*Pixel-wise segmentation of microscopy
# images*](paper:pixel_wise) names it and leaves it out. We draw it, with w0 = 10 and σ = 5 pixels
# as in 2015.

# %%
shrunk = np.where(ck.annotations.outline(crowded.labels), 0, crowded.labels)
weights = ck.targets.weight_map(shrunk, w0=10, sigma=5)
ck.show.images(
    [crowded.labels[cut], ck.targets.border_map(crowded.labels)[cut] / 2, weights[cut]],
    ["the cells", "target: inside grey, rim white",
     f"weights: black {weights.min():.0f}, white {weights.max():.1f}"], limits=None, size=4.2,
    alt="The cells of the crowded picture; the three-class target with each cell's rim; and the "
    f"weights, from 1 in the open to {weights.max():.1f} in the narrow gaps between cells.",
)

# %% [markdown]
# Does it help? Train two small networks with three outputs, *background*, *inside* and *rim*: the
# same seed, the same steps, once with `loss="cross_entropy"` and once with `loss="gap_weighted"`.
# Here the insides are the seeds; tune each with its own grid:
#
#     small = ck.UNet(width=lesson.width, head="border")
#     ck.fit(small, train, valid, loss="gap_weighted", **lesson.border)
#     seen = [ck.predict(small, s.image, all=True) for s in tuning]
#     ck.tune_instances(seen, answers, "border", lesson.grids["border"])
#
# Stay careful: one seed, a short training, few pictures. A difference of a few hundredths may be
# luck. What is certain: the weights press where cells touch.
#
# ### The last rung: which way to the middle
#
# A cell with two thick ends is deep in two places, so its distances have two hills, and it becomes
# two cells. [Cellpose](paper:cellpose) teaches the network another thing: *which way* must I walk
# to the middle of my cell? To make that target, let warmth enter at the cell's middle, round after
# round, and spread to its neighbours, while all around the cell stays cold. The arrow points where
# it grows warmer. The way back is a walk: pixels that arrive at the same place are one cell.

# %%
def arrows_of(cell):
    """Steps of length 1 towards the middle of one cell (bool): down and to the right."""
    pixels = np.argwhere(cell)
    middle = pixels[np.argmin(((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1))]
    warmth = np.zeros(cell.shape)
    for _ in range(2 * sum(cell.shape)):
        warmth[tuple(middle)] += 1
        warmth = ndimage.uniform_filter(warmth, 3, mode="constant") * cell
    steps = np.stack(np.gradient(warmth)) * cell
    return steps / np.maximum(np.hypot(*steps), 1e-9)


def walked(flow, mask, steps=400):
    """Number the places where the walks of all pixels end: int (H, W)."""
    at = np.argwhere(mask).astype(float)
    for _ in range(steps):
        row, column = np.round(at).astype(int).T
        at += flow[:, row, column].T / 2
    row, column = np.round(at).astype(int).T
    reached = np.zeros(mask.shape, bool)
    reached[row, column] = True
    numbers = np.zeros(mask.shape, int)
    numbers[mask] = ndimage.label(reached, np.ones((3, 3)))[0][row, column]
    return numbers


# %%
line, place = np.indices((34, 48))
thick = (np.hypot(line - 12, place - 10) < 7) | (np.hypot(line - 12, place - 36) < 7)
odd = (thick | ((abs(line - 12) < 3) & (abs(place - 23) < 14))).astype(int)
odd[(np.hypot(line - 22, place - 23) < 9) & (odd == 0)] = 2
arrows = arrows_of(odd == 1) + arrows_of(odd == 2)
by_distance = ck.instances({"foreground": odd > 0, "distance": ck.targets.distance_map(odd)},
                           "distance")
print(f"cells: {odd.max()}; by perfect distances {by_distance.max()}, "
      f"by walking along perfect arrows {walked(arrows, odd > 0).max()}")
ck.lesson.draw.flow(odd, arrows)

# %% [markdown]
# A network learns it with `ck.UNet(head="flow")`, its maps become cells with
# `ck.instances(maps, "flow")`. Why not let it learn the number of each pixel's cell? Which cell is
# number 7 is arbitrary, and no image shows it. The way to the middle can be seen.
#
# ### More to try
#
# - The bundled `ck.load_weights("livecell-distance")` was trained longer, on real and synthetic
#   pictures; its card says on which. Put it under the sliders of section 9, compare it with yours
#   by eye, and score it on none of those.
# - `ck.metrics.panoptic_quality`, `dsb2018_score`, `object_f1`, `object_dice` and
#   `object_hausdorff` score the same cells in other ways. Do they agree on the order of the ladder?
# - `ck.metrics.splits_merges` counts the two kinds of mistakes apart. Which one does your network
#   make?
# - [Schmidt et al.](paper:stardist) teach a network distances in 32 directions.
