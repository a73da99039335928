# %% [markdown]
# # 8 · Your own pictures
#
# The course is over; your pictures are waiting. This lesson is optional. It begins with a folder
# that no network knows, where the network fails, and ends with [label maps](term:label-map), a
# table and a growth curve. Bring a folder of your own, or take the drawn one.

# %% [markdown]
# ## What you will be able to do
#
# - Choose the scale at which a network knows your cells.
# - Annotate six pictures, and say what the others may then prove.
# - Train a network further on six pictures, and compare it with a new one.
# - Turn a folder into label maps and tables with one call.
# - Link cells through time, and give a doubling time with its uncertainty.
#
# {minutes}
#
# To work on pictures of your own, put `%env CELLKIT_OWN=/where/they/are` on the first line of the
# next code cell; at least four of them must be annotated (section 3). Two questions from earlier
# lessons first.

# %% [markdown] tags=["question"]
# Twenty frames of one field are split at random into training and test pictures. What does the test
# score say? (Lesson 1)
#
# - [ ] How well the network does on new fields. — It has seen this very field, a few minutes before
#   and after.
# - [x] How well it remembers this field. — Neighbouring frames are nearly the same picture; keep a
#   film on one side.
# - [ ] Nothing, for twenty are too few. — Twenty fields would say something; the trouble is that
#   these are one.

# %% [markdown] tags=["question"]
# A count is right in every picture. What does AP at IoU 0.5 have to be? (Lesson 7)
#
# - [ ] 1. — Cells merged here and split there cancel in a count.
# - [x] Anything from 0 to 1. — A count does not ask where the cells are.
# - [ ] At least 0.5. — The 0.5 is how far a cell must overlap its partner; it bounds no score.

# %% setup
import tempfile
from pathlib import Path

import numpy as np
from skimage.io import imread

from cellkit_course.results import own_pictures as earlier

# %% [markdown]
# ## 1. A result first
#
# Half of the pictures are for training. A *field* is the part of the dish that a picture shows;
# where there are several, each stays on one side. Of the training half we use six. The network
# comes with the course and was trained on [LIVECell](paper:livecell) and drawn cells.

# %%
mine = ck.lesson.own_pictures().cached()
by = "group" if len(set(mine.groups)) > 1 else "image"
train, test = ck.split(mine, 0.5, seed=0, by=by)
train = train[:6]
bundled = ck.load_weights("livecell-objects")

# %% fold="Where the pictures come from"
ck.lesson.claim(
    mine.dataset.startswith("synthetic"),
    "Your pictures are **drawn**: a program painted two films of dividing cells, lit from one side "
    "as by differential interference contrast (DIC), so that the lesson works offline. No "
    "microscope took them. Tables *measured earlier* are from real pictures.",
    f"Your pictures are **your own**: {len(mine)} annotated ones. Where the text says *the drawn "
    "film*, it means ours.",
)
ck.lesson.claim(
    by == "group",
    f"Trained on: {len(train)} pictures of {', '.join(sorted(set(map(str, train.groups))))}. "
    f"Tested on: {len(test)} of {', '.join(sorted(set(map(str, test.groups))))}.",
    f"Trained on: {len(train)} pictures, tested on {len(test)}. The names tell of no fields, so "
    "pictures were split one by one: if some show the same place, the test flatters.",
)

# %%
def found_by(net, samples, scale=1):
    """The cells that a network finds in each picture, resized by a factor first."""
    return [ck.instances(ck.predict(net, s.image, all=True, scale=scale), net.head)
            for s in samples]

def ap50(samples, found):
    return float(ck.average_precision([s.labels for s in samples], found, 0.5))

# %%
shown = test[len(test) // 2:][:1]
whole, half = found_by(bundled, shown), found_by(bundled, shown, 0.5)
at_first = [ap50(shown, found) for found in (whole, half)]

# %% fold="Show them"
grey, true_cells = shown[0].image, len(np.unique(shown[0].labels)) - 1
ck.show.images(
    [grey] + [ck.show.colour_labels(labels, grey) for labels in (shown[0].labels, *whole, *half)],
    ["a test picture", f"the cells: {true_cells}", f"as it is: {whole[0].max()}",
     f"at half the size: {half[0].max()}"], columns=4, caption=mine.dataset,
    alt=f"A test picture; its {true_cells} cells, each in a colour; what the network finds in the "
    f"picture as it is, {whole[0].max()} pieces; and at half its size, {half[0].max()} cells.",
)
ck.lesson.claim(
    at_first[1] > at_first[0] + 0.1,
    f"The same network, the same picture, and AP at 0.5 goes from {at_first[0]:.2f} to "
    f"{at_first[1]:.2f}. Only the size of the picture has changed. The count alone would not tell: "
    "where one cell is missed and another cut in two, it comes out right.",
    f"AP at 0.5 is {at_first[0]:.2f} as it is and {at_first[1]:.2f} at half the size.",
)

# %% [markdown]
# Did the network warn? It answers every picture, and is as sure of nonsense as of cells.
# `ck.unlike` compares a picture with those of its training. It is silent for about 19 of 20
# pictures of that kind. Where it speaks, look at the picture. It knows grey values and no cells, so
# it cannot say *too large*.

# %%
print(*ck.unlike(bundled, grey) or ["no warning"], sep="\n")

# %% [markdown]
# ## 2. The scale
#
# Why does it fail? A network knows cells of the size that it was trained on: it looks for edges so
# many pixels apart, and for texture so many pixels fine. In a cell three times as wide it finds
# several. The [scale](define:scale "| predict(scale=)") is the factor by
# which a picture is resized before a network sees it. To choose it, measure.

# %% [markdown] exercise="diameter"
# ### Exercise 8.1 · How large is a cell? (2 points, 6 minutes)
#
# Write `diameter(labels)`: the median, over the cells of a label map, of their diameters in pixels,
# as one number. The diameter of a cell is that of a circle of the same area. Numbers may be missing
# among the labels. Without a cell the answer is 0.

# %% solution="diameter"
def diameter(labels):
    """The median diameter of the cells, in pixels; 0 where there is none."""
    # BEGIN SOLUTION
    areas = np.unique(labels[labels > 0], return_counts=True)[1]
    return float(np.median(2 * np.sqrt(areas / np.pi))) if len(areas) else 0.0
    # END SOLUTION

# %% check="diameter" points=2
# BEGIN HIDDEN TESTS
probe = np.zeros((20, 31), np.int32)
probe[2:5, 1:9], probe[2:5, 9:12], probe[7:19, 4:28] = 4, 9, 2
probe[0, 20], probe[19, 0:9] = 7, 5
speck = np.zeros((4, 4), np.int32)
speck[1, 2] = 3
ck.lesson.grade("diameter", diameter, (probe,), (probe[:6],), (speck,), (speck * 0,),
                (probe[1:6],), (probe[2:5, 1:12],))
# END HIDDEN TESTS
diameter = ck.lesson.check("diameter", diameter)

# %%
familiar = np.median([diameter(s.labels) for s in ck.read("livecell", limit=16)])
size = np.median([diameter(s.labels) for s in train])
scale = float(familiar / size)
print(f"it knows cells {familiar:.0f} pixels wide, yours are {size:.0f}: scale {scale:.2f}")

# %% [markdown]
# Is this the best scale? Try some, on the *training* pictures: what is chosen on the test pictures
# can no longer be tested on them.

# %%
tried = {round(scale * factor, 2): 0.0 for factor in (0.5, 0.7, 1, 1.4, 2)}
for factor in tried:
    tried[factor] = ap50(train, found_by(bundled, train, factor))

# %% fold="Draw it"
best = max(tried, key=tried.get)
ck.show.curves(
    {"network as it comes": list(tried.values())}, list(tried), xlabel="scale",
    ylabel="AP at IoU 0.5", ylim=(0, 1), title=f"{mine.dataset}: {len(train)} training pictures",
    alt="AP at IoU 0.5 against the scale: " + ", ".join(
        f"{value:.2f} at {factor:g}" for factor, value in tried.items()) + ".",
)
ck.lesson.claim(
    tried[round(scale, 2)] > 0.8 * tried[best],
    f"The measured scale, {scale:.2f}, is at or near the top of the curve. A little off costs "
    f"little; at half the scale AP is {tried[round(scale / 2, 2)]:.2f}, at twice "
    f"{tried[round(scale * 2, 2)]:.2f}.",
    f"Here {best:g} does better than the measured {scale:.2f}: size is not all that a network goes "
    "by. Take the better one in what follows.",
)

# %% [markdown] tags=["question"]
# Your cells are 12 pixels wide, the network knows cells of 24. What do you do?
#
# - [x] Enlarge the pictures twofold. — The cells are then as wide as those it knows; it adds no
#   detail, but nothing is torn apart.
# - [ ] Make them half as large. — Then the cells are 6 pixels wide, and further away still.
# - [ ] Train on them as they are: a network learns any size. — With thousands of pictures it does;
#   with six it has to unlearn first.

# %% [markdown]
# `ck.predict(net, image, cell_size=53)` computes this ratio for you: the card of a network knows
# which sizes it saw. Where nothing is annotated yet, `scale="auto"` estimates the size from the
# picture; look at what it says before you trust it.
#
# ## 3. Annotate six
#
# A better scale is not yet your kind of picture: other light, other edges. So draw some cells
# yourself (not now: the drawn film is annotated already). Three rules, each learnt the hard way:
#
# - **Which?** Not the six prettiest. Take early and late, thin and crowded, each condition, each
#   microscope; and from several fields.
# - **What?** Every cell in the picture, also the faint ones and those cut by the edge. What you
#   leave out, the network learns to leave out. Large pictures? Cut a piece, and draw all of it.
# - **How?** As `1 … n`, one number a cell. Touching cells keep different numbers.
#
# In *napari*: open the picture, add a *Labels* layer, paint with a new number for each cell
# (key M), and save the layer as TIFF. In *Fiji*: draw an outline, press T to add it to the ROI
# Manager, and so on; then *More › Save…* there. A cell takes some ten seconds.

# %%
ck.lesson.draw.annotation(train[1])

# %% [markdown]
# `ck.read("folder", root="my_pictures")` finds the pairs by their names, and says so when one
# stands alone. The rest of your annotated pictures, from *other* fields, is the test. Two or three
# fields are better than one, and twenty cells a field are better than two.
#
# ## 4. Train it further
#
# To [fine-tune](define:fine-tune "| fit(load_weights(...), mine)") a network is to train it further
# on few pictures of the new kind, from the weights it has. It is the loop of lesson 2, at a lower
# [learning rate](term:learning-rate): there is something to lose. Beside it we train a new network
# of the same shape, for as many steps.

# %%
tuned = ck.load_weights("livecell-objects")
history = ck.fit(tuned, train, scale=scale, **lesson.training)

# %%
fresh = ck.UNet(**bundled.config, seed=0)
of_fresh = ck.fit(fresh, train, scale=scale, **lesson.training | {"lr": 2e-3})

# %%
nets = {"as it comes": bundled, "fine-tuned": tuned, "new": fresh}
cells = {name: found_by(net, test, scale) for name, net in nets.items()}
scores = {name: ck.average_precision([s.labels for s in test], found)
          for name, found in cells.items()}
in_truth = sum(len(np.unique(s.labels)) - 1 for s in test)

# %% [markdown]
# `ck.average_precision` gives AP at ten demands, IoU 0.5, 0.55, … 0.95. The first asks whether a
# cell was found at all. The *mean* of the ten also asks how exact its outline is, and so it is the
# number to compare by.

# %% fold="Show what they find"
ck.show.table(
    [{"network": name, "AP, mean": scores[name].mean(), "AP at IoU 0.5": scores[name][0],
      "cells": sum(int(c.max()) for c in found), "in truth": in_truth}
     for name, found in cells.items()],
    f"{mine.dataset}: {len(test)} test pictures at scale {scale:.2f}, counts pooled")
middle = len(test) // 2
ck.show.images(
    [ck.show.colour_labels(labels, grey)
     for labels in (shown[0].labels, *(found[middle] for found in cells.values()))],
    ["truth", *(f"{name}: {found[middle].max()}" for name, found in cells.items())], columns=4,
    caption=mine.dataset, alt="One test picture four times, its cells in colours: the truth, and "
    "what the three networks find. Mean AP over all test pictures: " + ", ".join(
        f"{name} {value.mean():.2f}" for name, value in scores.items()) + ".",
)
mean_ap = {name: score.mean() for name, score in scores.items()}
ck.lesson.claim(
    mean_ap["fine-tuned"] > max(mean_ap["as it comes"], mean_ap["new"]),
    f"{len(train)} pictures and {sum(history.seconds) / 60:.1f} minutes took the mean AP from "
    f"{mean_ap['as it comes']:.2f} to {mean_ap['fine-tuned']:.2f}; the new network, which began "
    f"with nothing, is at {mean_ap['new']:.2f}. At IoU 0.5 it has {scores['new'][0]:.2f}: there a "
    "ragged outline passes.",
    f"Mean AP: as it comes {mean_ap['as it comes']:.2f}, fine-tuned {mean_ap['fine-tuned']:.2f}, "
    f"new {mean_ap['new']:.2f}. Where the new one wins, your cells have little in common with "
    "those that the network knew; or chance decided, for one seed is one seed.",
    trained=True,
)

# %% [markdown]
# The network's card has changed with its weights. It no longer claims the old scores; it names its
# parent, your pictures, and the call. It goes into the file beside the weights.

# %% tags=["changes"]
folder = Path(tempfile.mkdtemp())
ck.weights.save_weights(tuned, folder / "mine.safetensors", tuned.card)
print("minutes:", tuned.card["minutes"], "| parent:", tuned.card["parent"]["command"])
print("trained on:", ", ".join(tuned.card["data"][-1]["images"]))

# %% [markdown]
# How many pictures does it take? *Measured earlier*, on real ones of the
# [Cell Tracking Challenge](paper:ctc): HeLa cells in DIC, each some 116 pixels wide. Trained on
# pictures of one field, tested on all sixteen of another.

# %%
ck.show.table(earlier.layout(), earlier.how())

# %% fold="Draw it, and what the numbers say"
fig, ax = ck.show.axes(1, 1, (6, 3.6))
for (way, title), (colour, dash, marker) in zip(earlier.HOWS.items(), ck.show.LINES, strict=False):
    if way.startswith("bundled"):
        ax.axhline(earlier.mean(way), color=colour, linestyle=dash, label=title)
        continue
    some = {n: earlier.values(way, n) for n in earlier.sizes() if earlier.values(way, n)}
    ax.errorbar(list(some), [np.mean(one) for one in some.values()],
                [np.std(one) for one in some.values()], color=colour, linestyle=dash,
                marker=marker, capsize=4, label=title)
ax.set(xscale="log", xlabel="annotated pictures", ylabel="AP at IoU 0.5", ylim=(-0.02, 1),
       title="measured earlier: HeLa in DIC, real")
ax.set_xticks(earlier.sizes(), map(str, earlier.sizes()))
ax.minorticks_off()
ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
ck.show.figure(fig, alt="AP at IoU 0.5 against the number of annotated pictures, measured "
               "earlier: the table above as two curves, fine-tuned and new, and two level lines, "
               "the network as it comes at full size and at a quarter.")
gain = earlier.mean("fine-tuned", 1) - earlier.mean("bundled, 1/4 size")
ahead = [n for n in earlier.sizes() if earlier.mean("fine-tuned", n) > earlier.mean("scratch", n)]
clear = [n for n in ahead if earlier.mean("fine-tuned", n) - earlier.mean("scratch", n) > 2 * max(
    np.std(earlier.values(way, n), ddof=1) for way in ("fine-tuned", "scratch"))]
ck.lesson.claim(
    gain > 0.05 and len(ahead) == len(earlier.sizes()),
    f"As it comes, at full size: {earlier.mean('bundled, full size'):.2f}. The right scale alone "
    f"gives {earlier.mean('bundled, 1/4 size'):.2f}, the first annotated picture {gain:.2f} more. "
    "At every number of pictures the network that knew other cells before is ahead of the new one "
    f"in the mean; by more than twice the spread for {', '.join(map(str, clear)) or 'none'}.",
    f"As it comes, at full size: {earlier.mean('bundled, full size'):.2f}; at the right scale "
    f"{earlier.mean('bundled, 1/4 size'):.2f}; fine-tuned on one picture {gain:+.2f}. Fine-tuned "
    f"is ahead of new for {', '.join(map(str, ahead)) or 'no'} pictures.",
)

# %% [markdown] tags=["question"]
# You have annotated six pictures, and AP on others is 0.7. Which six do you annotate next?
#
# - [ ] Six more like the first. — They teach what it knows by now.
# - [x] Those on which it does worst. — Look at the overlays: there stands what it has not seen yet.
# - [ ] The test pictures, for they are drawn already. — Then you have no test any more.

# %% [markdown]
# ## 5. One folder, one call
#
# Now the whole folder, drawn or not. `ck.segment` reads every picture, whatever its size, and
# writes what other programs open. Broken files are reported at the end; if you stop it, the same
# call goes on.

# %%
results = ck.segment(ck.lesson.own_folder(), folder / "mine.safetensors", folder / "out",
                     scale=scale, progress=False)
print("in", folder / "out", "are", *sorted(path.name for path in (folder / "out").glob("[!.]*")))

# %% fold="What images.csv says of the test pictures, and one overlay"
columns = ("image", "hours", "cells", "confluence", "trust", "why")
of_test = [one for one in results if Path(one.summary["image"]).stem in test.names] or results
ck.show.table([{name: one.summary[name] for name in columns} for one in of_test],
              "rows of images.csv")
doubted = min(of_test, key=lambda one: one.summary["trust"] != "low")
overlay = next((folder / "out" / "overlays").rglob(Path(doubted.summary["image"]).stem + "*.png"))
ck.show.images([imread(overlay)], [f"overlays/{overlay.name}: {doubted.summary['cells']} cells, "
                                   f"trust {doubted.summary['trust']}"], size=4.2,
               alt="One of the overlays: the picture with each cell that was found in a colour.")

# %% [markdown]
# In a shell: `cellkit segment my_pictures -o out --network mine.safetensors --scale 0.4`.
#
# [Confluence](define:confluence) is the share of the picture that cells cover. *Trust* compares
# each picture with those that the network was trained on: in brightness, in sharpness, in the size
# of the cells. Where it is *low*, look at the overlay: that picture is the next to annotate.
# *Usual* is no promise: a network can be wrong about the most usual picture.
#
# ## 6. Through time
#
# Frames of one field: which cell is which? In each the cells are numbered anew. But a cell that
# moves little overlaps itself.

# %% [markdown] exercise="link"
# ### Exercise 8.2 · Link two frames (4 points, 12 minutes)
#
# Write `link(before, after)` for two label maps of the same size. Count the pixels that each cell
# of `before` shares with each cell of `after`. Go through the pairs, most shared pixels first: a
# pair becomes a link unless one of its cells has a link already. Return a dictionary, number in
# `before` → number in `after`. Cells that share no pixel with any are left out; 0 is no cell.

# %% solution="link"
def link(before, after):
    """Which cell is which: number in before → number in after."""
    # BEGIN SOLUTION
    both = (before > 0) & (after > 0)
    pairs, shared = np.unique([before[both], after[both]], axis=1, return_counts=True)
    links = {}
    for k in np.argsort(-shared):
        old, new = (int(number) for number in pairs[:, k])
        if old not in links and new not in links.values():
            links[old] = new
    return links
    # END SOLUTION

# %% check="link" points=4
# BEGIN HIDDEN TESTS
one, other = np.zeros((2, 12, 40), np.int32)
one[1:6, 1:9], one[1:6, 9:30], one[7:11, 1:4], one[8, 30:39] = 3, 1, 6, 8
other[1:6, 6:14], other[1:6, 14:33], other[7:11, 3:9], other[10:, 30:] = 1, 5, 2, 4
row = np.array([[4] * 12 + [1] * 5 + [0] * 3 + [2] * 3], np.int32)
next_row = np.array([[0] * 6 + [7] * 10 + [3] * 2 + [0] * 2 + [9, 9, 5]], np.int32)
wide = np.array([[3] * 14 + [5] * 4], np.int32), np.array([[0] * 8 + [2] * 10], np.int32)
chosen = [tuple(np.repeat(np.array([numbers], np.int32), (3, 5, 6), 1) for numbers in pair)
          for pair in (((1, 1, 2), (3, 6, 6)), ((7, 8, 8), (2, 2, 1001)), ((1, 2, 2), (4, 5, 4)))]
ck.lesson.grade("link", link, (one, other), (other, one), (row, next_row), (next_row, row),
                (one, one * 0), (one[:, ::-1].copy(), other), wide, (wide[0] % 5, wide[1]),
                *chosen)
# END HIDDEN TESTS
link = ck.lesson.check("link", link)

# %%
hours, film = ck.lesson.own_film()
frames = found_by(tuned, film, scale)
links = [link(before, after) for before, after in zip(frames, frames[1:], strict=False)]
print("links from frame to frame:", [len(one) for one in links])
followed = ck.track(frames)

# %% fold="Show some frames"
picked = np.linspace(0, len(film) - 1, 4).astype(int)
number_of_tracks = max(int(frame.max()) for frame in followed)
ck.show.images(
    [ck.show.colour_labels(followed[k], film[k].image) for k in picked],
    [f"{hours[k]:g} hours: {len(np.unique(followed[k])) - 1} cells" for k in picked], columns=4,
    caption="a cell keeps its colour; of two daughters one keeps the mother's, the other is new",
    alt="Four frames of the film; each cell found keeps its colour from frame to frame, and new "
    f"ones come in other colours, {number_of_tracks} in all.",
)

# %% [markdown]
# `ck.link` and `ck.track` do the same, by [IoU](term:iou) and with the best sum over all pairs. How
# often is overlap right? *Measured earlier* on the true outlines of the HeLa cells above, whose
# true numbers are known:

# %% fold="What was measured"
known = earlier.links()
ck.lesson.claim(
    known["right"] / known["true"] > 0.9,
    f"From every fifth frame to the next, {known['made']} links were made: {known['right']} of the "
    f"{known['true']} true ones, and {known['made'] - known['right']} wrong ones. Cells that move "
    "by less than their own width are linked by overlap; others need a tracker that foresees "
    "where they go, such as TrackMate or btrack.",
    f"From every fifth frame to the next, {known['made']} links were made, {known['right']} of the "
    f"{known['true']} true ones among them: these cells move too far in that time.",
)

# %% [markdown]
# ## 7. How fast do they grow?
#
# Cells that divide at an even pace double in equal times. On a logarithmic axis that is a straight
# line, and its slope gives the [doubling time](define:doubling-time "| doubling_time").

# %% [markdown] exercise="doubling_time"
# ### Exercise 8.3 · Doubling time (2 points, 6 minutes)
#
# Write `doubling_time(hours, counts)`: fit the best straight line (least squares) to the logarithms
# of the counts against the hours, and return after how many hours there are twice as many cells.
# If the line falls, nothing ever doubles: return infinity.

# %% solution="doubling_time"
def doubling_time(hours, counts):
    """Hours until there are twice as many, by a line through the logarithms of the counts."""
    # BEGIN SOLUTION
    slope = np.polyfit(hours, np.log2(counts), 1)[0]
    return float(1 / slope) if slope > 0 else float("inf")
    # END SOLUTION

# %% check="doubling_time" points=2
# BEGIN HIDDEN TESTS
times = np.array([1, 2.5, 7, 11, 30])
ck.lesson.grade("doubling_time", doubling_time, (times, np.array([7, 9, 8, 15, 44])),
                (times + 4, np.array([100, 90, 200, 160, 150.0])), (times, 2.0 ** -times),
                (times[:3], np.array([3, 5, 4.0])), (times, np.array([60, 20, 40, 50, 59.0])))
# END HIDDEN TESTS
doubling_time = ck.lesson.check("doubling_time", doubling_time)

# %%
truth = [s.labels for s in film]
series = {"truth": truth, "fine-tuned": frames, "as it comes, full size": found_by(bundled, film),
          "merged where they touch": [ck.instances(s.mask, "components") for s in film]}
counts = {name: [len(np.unique(frame)) - 1 for frame in maps] for name, maps in series.items()}
growth = {name: ck.doubling_time(hours, some) for name, some in counts.items()}

# %% fold="Show the curves"
def in_words(*hours):
    rises = hours[0] > 0
    numbers = sorted(abs(number) for number in hours)
    return "halves in " * (not rises) + " to ".join(f"{number:.1f}" for number in numbers)

fig, ax = ck.show.axes(1, 1, (6.5, 4))
for (name, some), (colour, dash, marker) in zip(counts.items(), ck.show.LINES, strict=False):
    hollow = {"markerfacecolor": "none", "markersize": 9} if name == "truth" else {}
    ax.plot(hours, some, marker, color=colour, label=name, **hollow)  # others show through it
    ax.plot(hours, growth[name].at(hours), dash, color=colour)
ax.set(xlabel="hours", ylabel="cells in the field", yscale="log", title=film[0].dataset)
ticks = [n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)
         if n < 2 * max(map(max, counts.values()))]
ax.set_yticks(ticks, map(str, ticks))
ax.minorticks_off()
ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
ck.show.figure(fig, alt="Cells against hours on a logarithmic axis, with a fitted line each. " +
               "; ".join(f"{name}: from {some[0]} to {some[-1]}" for name, some in counts.items()))
ck.show.table(
    [{"counted": name, "first": counts[name][0], "last": counts[name][-1],
      "doubling time, hours": in_words(one.hours),
      "95 % interval": in_words(one.low, one.high)}
     for name, one in growth.items()], f"{film[0].dataset}: {len(film)} frames of one field")

# %% [markdown]
# The interval is what the scatter of the points about the line allows. A count that is too large by
# the same factor everywhere shifts the line and leaves its slope. But a fault may grow with the
# cells: in a thin field few touch, in a crowded one most do. Such merges bend the curve, and the
# points may still lie close to a line, the wrong one. How much does *one* merge do?

# %% [markdown] tags=["question"]
# In one frame two cells are counted as one. Where does that move the doubling time most?
#
# - [ ] In the last frame, with most cells. — There it is one cell of many.
# - [x] In the first. — One of few is a larger share, and the line goes through logarithms: it asks
#   for shares.
# - [ ] In the middle. — A point in the middle lifts the line or lowers it, and hardly turns it.

# %%
early, late = list(counts["truth"]), list(counts["truth"])
early[0], late[-1] = early[0] - 1, late[-1] - 1
bent = {"one merge in the first frame": early, "one merge in the last frame": late}
for name, some in {"as counted": counts["truth"], **bent}.items():
    print(f"{name}: {doubling_time(hours, some):.1f} hours")

# %% fold="What the numbers say"
true_time, merged = growth["truth"], growth["merged where they touch"]
shift = {name: doubling_time(hours, some) - true_time.hours for name, some in bent.items()}
turned = "doubles in " * (merged.hours > 0) + in_words(merged.hours)
ck.lesson.claim(
    not true_time.low <= merged.hours <= true_time.high,
    "One merge in the first frame moves the doubling time by "
    f"{shift['one merge in the first frame']:+.1f} hours, one in the last by "
    f"{shift['one merge in the last frame']:+.1f}: where cells are few, each counts more. If all "
    f"that touch are merged, the count {turned} hours in place of {true_time.hours:.1f} to double: "
    "outside of the true curve's interval. So look at the overlays of the first and last frame.",
    f"One merge moves the doubling time by {shift['one merge in the first frame']:+.1f} (first "
    f"frame) or {shift['one merge in the last frame']:+.1f} hours (last). If all that touch are "
    f"merged, the count {turned} hours.",
)

# %% [markdown]
# What does it do to real pictures? *Measured earlier*: 21 of one field of LIVECell's SHSY5Y cells,
# one every four hours, counted as single cells and as pieces of a [mask](term:mask).

# %% fold="Show what was measured"
real = earlier.film()
ways = {name: one for name, one in real.items() if isinstance(one, dict)}
ck.show.curves(
    {name: one["counts"] for name, one in ways.items()}, real["hours"], xlabel="hours",
    ylabel="counted in the field", title="measured earlier: LIVECell, SHSY5Y, real",
    alt="Counts over 80 hours, measured earlier. " + "; ".join(
        f"{name}: {one['counts'][0]} at first, {max(one['counts'])} at most, {one['counts'][-1]} "
        "at last" for name, one in ways.items()) + ".")
ck.show.table(
    [{"counted": name, "first": one["counts"][0], "most": max(one["counts"]),
      "last": one["counts"][-1], "doubling time, hours": in_words(one["hours"]),
      "95 % interval": in_words(one["low"], one["high"])}
     for name, one in ways.items()],
    "Measured earlier, with two bundled networks; nobody annotated these pictures")
single, pieces = (one["counts"] for one in ways.values())
ck.lesson.claim(
    pieces[-1] < pieces[0] and single[-1] > 2 * single[0],
    f"Pieces go from {pieces[0]} to {pieces[-1]}, as if the cells were dying: they have grown "
    f"together. Single cells go from {single[0]} to {single[-1]}, that is times "
    f"{single[-1] / single[0]:.1f} in 80 hours. "
    "Nobody annotated these pictures, so count a frame by eye before you believe either.",
    f"Pieces go from {pieces[0]} to {pieces[-1]}, single cells from {single[0]} to {single[-1]}. "
    "Which is true? Nobody annotated these pictures: count a frame by eye.",
)

# %% [markdown]
# ## 8. A checklist for Monday
#
# 1. **Look** at five pictures at full size before any network does.
# 2. **Scale**: the diameter of your cells, the one that the network knows, their ratio.
# 3. **Split** first: whole films, wells, patients on one side. The test pictures stay untouched.
# 4. **Annotate six**, of all conditions, every cell in them.
# 5. **Fine-tune**, and compare with the network as it comes. No gain? Then the scale is wrong, or
#    the annotation.
# 6. **Metric**: what is your question? A count: AP and the count's error. A confluence: Dice. A
#    track: links. Say which, and on how many pictures.
# 7. **How many more?** Annotate six further pictures, where it does worst. Stop when the last six
#    changed the score by less than its spread.
# 8. **Write down** network, scale, threshold, version: `run.json` has them.

# %% [markdown]
# ## Recap
#
# You can now
#
# - Choose the scale at which a network knows your cells.
# - Annotate six pictures, and say what the others may then prove.
# - Train a network further on six pictures, and compare it with a new one.
# - Turn a folder into label maps and tables with one call.
# - Link cells through time, and give a doubling time with its uncertainty.

# %%
ck.lesson.progress()

# %% [markdown]
# ## Going further
#
# - *Thousands of pictures*: `workers=8` spreads `ck.segment` over the cores of this machine,
#   `cluster="tcp://…"` over a Dask cluster. The rows are the same.
# - *Several channels, z-stacks*: `channel=` and `page=` of `ck.read` and `ck.segment` say which.
# - *A colleague without Python*: `ck.export` writes the network for other programs.
# - *Confluence in place of counts*: `ck.doubling_time(hours, areas)` takes what grows as the cells
#   do, as long as they do not fill the picture. Which of the two does a merge bend?
# - *A cell that divides*: `ck.link` gives one daughter the mother's number. How would you find the
#   other?
