# %% [markdown]
# # 1 · Data and masks
#
# A network can only learn what its data show. So before any network, look at the data: what a
# picture of cells shows, how cells are marked in it, and the small steps between a folder of files
# and the arrays that a network is fed. Many bugs in segmentation live in those steps. Most of them
# are [silent](define:silent-bug): a silent bug raises no error, it only makes the result worse.

# %% [markdown]
# ## What you will be able to do
#
# - Say what a phase-contrast picture shows, and why flat cells are hard to see in it.
# - Turn polygons into a label map, and a label map into a mask.
# - Scale any image, 8-bit or 16-bit, to the range [0, 1] without losing what matters.
# - Resize and pad an image and its labels together without inventing cells.
# - Split images into parts so that no part has seen the other.
#
# {minutes}

# %% [markdown]
# ## Are you ready?
#
# Ten short questions on Python, numpy and pictures. Think first, then open the option that you
# would choose. If you miss more than three, read [numpy in ten minutes](../docs/numpy.md) first.

# %% [markdown] tags=["question"]
# `a = np.zeros((3, 5))`. How many rows has it?
# - [ ] 5 — That is the second number: rows come first in numpy, then columns.
# - [x] 3 — The shape is (rows, columns).

# %% [markdown] tags=["question"]
# Which pixel is `image[2, 7]`?
# - [x] Row 2, column 7, both counted from 0 — The first index goes down.
# - [ ] x = 2, y = 7 — That is how drawing programs write it; numpy has the row, that is y, first.

# %% [markdown] tags=["question"]
# `image > 0.5` gives
# - [ ] one True or False — An array is compared element by element.
# - [x] an array of True and False, of the same shape — Such an array is called a mask.

# %% [markdown] tags=["question"]
# `image[image > 0.5] = 1` changes
# - [x] only the pixels above 0.5 — A mask as an index chooses pixels.
# - [ ] every pixel — Those at 0.5 or below keep their values.

# %% [markdown] tags=["question"]
# `np.array([200], np.uint8) + np.array([100], np.uint8)` is
# - [ ] 300 — 8 bits end at 255.
# - [x] 44 — It wraps around: 300 − 256. There is no error, so convert to float first.

# %% [markdown] tags=["question"]
# `mask.mean()` of a bool mask is
# - [x] the share of True pixels — True counts as 1, False as 0.
# - [ ] an error — Bool arrays can be added up and averaged.

# %% [markdown] tags=["question"]
# `b = a[:10]` and then `b[0] = 5`. What happens to `a`?
# - [ ] Nothing — A slice is no copy.
# - [x] `a[0]` is 5, too — A slice is a view of the same numbers; `a[:10].copy()` is not.

# %% [markdown] tags=["question"]
# `np.unique(labels)` gives `[0 1 2 4]`. How many different values are in `labels`?
# - [x] Four — Each is listed once, in order.
# - [ ] Five — A value that does not occur, here 3, is not listed.

# %% [markdown] tags=["question"]
# `np.random.default_rng(0).random(3)`, run twice, gives
# - [x] the same three numbers — The seed 0 decides them.
# - [ ] other numbers each time — Only a generator without a seed does that.

# %% [markdown] tags=["question"]
# What does `def f(x): x + 1` return?
# - [ ] x + 1 — It is computed and thrown away.
# - [x] None — There is no `return`.

# %% setup
import json

import numpy as np
from scipy import ndimage
from skimage import measure
from skimage.transform import resize

# %% [markdown]
# ## 1. A wrong count
#
# `ck.read` gives a row of [samples](define:sample "| ck.Sample"): a sample is one picture together
# with its [ground truth](define:ground-truth "| ck.Sample.labels"), the right answer that a program
# is judged by; with its name, and where it comes from. `.cached()` keeps what was read once in
# memory, and `.where` picks the samples that fit.

# %%
samples = ck.read("livecell").cached()
print(samples)

# %% fold="Where the pictures come from"
ck.lesson.origin(samples)

# %% [markdown]
# We take the most crowded of the first twelve annotated pictures, those whose cells are known. How
# many cells are in it? `.mask` is True in cells; `.labels` has a number for each cell, and 0
# elsewhere. A simple program marks all cell pixels white and counts the white patches. Here it even
# gets the true mask; `ndimage.label` gives each patch a number, and says how many there are.

# %%
annotated = samples.where(lambda entry: entry.annotated)
crowd = max(annotated[:12], key=lambda s: s.labels.max())
patches = ndimage.label(crowd.mask)[1]                    # [1]: how many
cells = len(np.unique(crowd.labels)) - 1                  # 0, the background, is no cell

# %% fold="Picture, patches, cells"
ck.show.images(
    [ck.lesson.draw.with_scale(crowd.image, samples.dataset), crowd.mask,
     ck.show.colour_labels(crowd.labels, crowd.image)],
    [f"{crowd.cell_type}, {crowd.dataset}", f"{patches} white patches", f"{cells} cells"], size=4.2,
    limits=(0.2, 0.8), caption="white bar: 50 µm; grey values 0.2 to 0.8 from black to white",
    alt=f"A crowded picture, its mask with {patches} white patches, and "
    f"the same picture with each of its {cells} cells in a colour of its own.",
)

# %% [markdown]
# The program is wrong: cells that touch melt into one patch. In this lesson you build what is on
# the right, piece by piece, and learn to trust it. In lesson 7 a program finds the single cells
# without being told where they are.
#
# ## 2. What phase contrast shows
#
# A living cell in a dish is nearly transparent. It does not absorb light, but it delays it a
# little. A [phase-contrast microscope](define:phase-contrast) turns that delay of the light into
# brightness.
# Three things follow:
#
# - A thick edge bends light strongly: a bright [halo](define:halo), a ring of light, runs around
#   the cell.
# - A thin, flat cell hardly delays the light: inside it looks like the background.
# - A round cell is thick: it has the brightest halo.
#
# A *cell line* is a family of cells that many laboratories grow; each line has a name.

# %%
types = sorted({kind for kind in samples.cell_types if kind})
first = [annotated[annotated.cell_types.index(kind)] for kind in types]

# %% fold="A corner of each cell line"
ck.show.images(
    [ck.lesson.draw.with_scale(s.image[:200, :240], samples.dataset) for s in first],
    [f"{s.cell_type}, {s.dataset}" for s in first], limits=(0.25, 0.75), size=2.7,
    caption="white bar: 50 µm; grey values 0.25 to 0.75 shown from black to white",
    alt=f"A corner of one picture of each of {len(types)} cell lines: "
    f"{', '.join(types)}. Some cells are round with a bright rim, some are flat and hardly stand "
    "out from the grey background.",
)

# %% fold="Brightness inside and outside"
inside = float(np.mean([s.image[s.mask].mean() for s in first]))
outside = float(np.mean([s.image[~s.mask].mean() for s in first]))
spread = float(np.mean([s.image.std() for s in first]))
ck.lesson.claim(
    abs(inside - outside) < spread / 4,
    f"On average a cell is as bright as what is around it: {inside:.3f} inside, {outside:.3f} "
    "outside. So no single grey value tells cell from background; only the pattern does: grain "
    "and rims.",
    f"Inside the cells the mean is {inside:.3f}, outside {outside:.3f}: a difference, but small "
    f"beside the spread of single pixels, {spread:.3f}. The pattern, grain and rims, says more.",
)

# %% [markdown] tags=["question"]
# Could a program find the cells by one grey value: what is brighter is cell?
# - [ ] Yes, cells are bright — Their rims are. The flat parts are as grey as the dish.
# - [ ] Yes, once the grey value is tuned — Wherever you put it, it cuts through cells and
#   background alike, for their values overlap.
# - [x] No — The values inside and outside overlap. What differs is the pattern around a pixel, and
#   so a program must look at more than one pixel.

# %% [markdown]
# Three facts about a picture matter in everything that follows: its shape, the type of its numbers,
# and their range.

# %%
image, labels = crowd.image, crowd.labels
print("image ", image.shape, image.dtype, image.min(), "to", image.max())
print("labels", labels.shape, labels.dtype, "cells:", labels.max())

# %% [markdown]
# The shape is (rows, columns): height first, then width. File formats and drawing programs often
# say width first. Many shape bugs come from there.
#
# ## 3. One cell is a polygon
#
# Nobody paints 300 cells pixel by pixel. For the real LIVECell pictures people clicked corners
# around each cell, and the corners were saved; for a drawn cell, the program that drew it wrote
# them down. The
# [COCO format](define:coco "| ck.annotations") keeps them in one json file for many pictures, with
# a list of images and a list of annotations. Let us open one by hand.

# %%
folder = ck.datasets.find("livecell")
coco = json.loads(next(folder.rglob("livecell_coco_val.json")).read_text(encoding="utf-8"))
one = coco["annotations"][0]
print("keys of the file:", list(coco))
print("keys of one cell:", list(one))
print("its first corner:", one["segmentation"][0][:2], "| box x, y, width, height:", one["bbox"])

# %% [markdown]
# The polygon is one flat list: x, y, x, y, … Here x counts columns and y counts rows, so x comes
# *first* – the opposite of a numpy index. We cut out the cell with a margin and draw its corners.

# %%
corners = np.array(one["segmentation"][0]).reshape(-1, 2)
of_image = {i["id"]: i["file_name"].rsplit(".", 1)[0] for i in coco["images"]}
picture = samples[samples.names.index(of_image[one["image_id"]])].image
left, top = (corners.min(0) - 8).clip(0).astype(int)
right, bottom = corners.max(0).astype(int) + 9
around = picture[top:bottom, left:right]

# %% fold="The cell and its polygon"
fig, (raw, drawn) = ck.show.axes(1, 2, size=(3.4, 3.4))
for ax in (raw, drawn):
    ax.imshow(around, cmap="gray",
              extent=(left, left + around.shape[1], top + around.shape[0], top))
    ax.set(xlabel="x, columns", ylabel="y, rows")
drawn.plot(*np.vstack([corners, corners[:1]]).T, color=ck.show.ORANGE, marker="o", markersize=4)
raw.set_title("the picture"), drawn.set_title(f"and its polygon: {len(corners)} corners")
ck.show.figure(fig, alt="Left a cut-out with one cell. Right the same with the polygon around the "
               f"cell: {len(corners)} corners joined by straight lines.")

# %% [markdown]
# ## 4. From polygon to mask
#
# Which pixels lie inside? The [even–odd rule](define:even-odd-rule) says: walk from the pixel
# straight to the right, and if you cross the polygon an odd number of times, you started inside.

# %% fold="The rule, drawn"
ck.lesson.draw.even_odd()

# %% [markdown]
# For all pixels of the cut-out at once it takes a few lines. `a ^= b` turns `a` over wherever `b`
# is True.

# %%
def within(corners, rows, columns):
    y, x = rows + 0.5, columns + 0.5                      # a pixel's centre, not its corner
    odd = np.zeros(y.shape, bool)
    # each corner with the next; the last with the first
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (y1 > y) != (y2 > y)                    # one end above this row, one below
        slope = (x2 - x1) / (y2 - y1) if y2 != y1 else 0  # a level edge crosses no row
        at = x1 + (y - y1) * slope                        # the x of the crossing
        odd ^= crosses & (x < at)                         # from even to odd, or back
    return odd

# %%
rows, columns = np.indices(around.shape)
ours = within(corners, rows + top, columns + left)
theirs = ck.annotations.label_map([one["segmentation"]], picture.shape) > 0
theirs = theirs[top:bottom, left:right]
differ = int((ours != theirs).sum())
print("pixels inside: ours", ours.sum(), "| COCO's own rule", theirs.sum(), "| different:", differ)

# %% fold="Both masks compared"
ck.show.images(
    [around, ours, ck.show.compare(theirs, ours, around)],
    ["picture", "our mask", f"against COCO's: {differ} differ"],
    alt=f"The cell, our mask of it, and the comparison with COCO's mask: {differ} pixels differ.",
    caption=ck.show.legend_of_compare(),
)

# %% fold="What the numbers say"
ck.lesson.claim(
    differ == 0,
    "For this cell both rules agree in every pixel. They need not: each treats an outline that "
    "passes close to a pixel's centre in its own way.",
    f"The two rules agree inside and differ on the outline, in {differ} "
    f"pixel{'s' * (differ > 1)}: each of them draws it in its own way.",
)

# %% [markdown]
# Every score published on COCO data uses COCO's own rule. So `cellkit` uses it too: what matters is
# not which rule is prettier, but that everybody uses the same.
#
# ## 5. Many cells: the label map
#
# A [label map](define:label-map "L | ck.Sample.labels") holds all cells of a picture in one array:
# 0 is background, 1 is the first cell, 2 the second, and so on. A
# [mask](define:mask "| ck.Sample.mask") only asks whether there is *any* cell: `labels > 0`.
#
# Two polygons can cover the same pixel. A label map has room for one number only, so someone has
# to win. If a large cell is painted last, it can bury a small one completely, and from then on the
# count is wrong. So the small one should win.

# %% [markdown] exercise="paint_cells"
# ### Exercise 1.1 · Paint the cells (2 points, 10 minutes)
#
# How exercises work: put your own code in place of the line with `raise`, run the cell, then the
# check below it. Wrong answers cost nothing. `ck.lesson.hint("paint_cells")` gives a hint, and a
# plainer one each time; `ck.lesson.solution("paint_cells")` opens after three tries. If you skip an
# exercise, the lesson goes on with a function of ours.
#
# Write `paint_cells(cells, shape)`. `cells` is a list of boolean masks, all of the given shape.
# Return an int32 label map where cell number k (counted from 0) has the value k + 1. Where cells
# overlap, the **smaller** one (in pixels) stays visible; of two equally large ones, either. The
# list may be empty, and so may a mask: it keeps its number.

# %% solution="paint_cells"
def paint_cells(cells, shape):
    """Label map (int32) of a list of bool masks; smaller cells stay on top."""
    # BEGIN SOLUTION
    labels = np.zeros(shape, np.int32)
    for k in sorted(range(len(cells)), key=lambda k: -cells[k].sum()):
        labels[cells[k]] = k + 1
    return labels
    # END SOLUTION

# %% check="paint_cells" points=2
# BEGIN HIDDEN TESTS
big, small = np.zeros((9, 7), bool), np.zeros((9, 7), bool)
big[1:8, 1:6], small[3:5, 2:4] = True, True
cross = np.zeros((9, 7), bool)
cross[4], cross[:, 3] = True, True
specks = list(np.eye(300, dtype=bool).reshape(300, 20, 15))
corners = np.random.default_rng(3).integers(0, 9, (12, 2))
crossing = [np.pad(np.ones((k, k + 2), bool), ((r, 22 - r - k), (c, 24 - c - k - 2)))
            for k, (r, c) in zip((7, 3, 9, 1, 12, 5, 8, 2, 10, 4, 11, 6), corners, strict=True)]
ck.lesson.grade("paint_cells", paint_cells, (crossing, (22, 24)), ([big, small], (9, 7)),
                ([big, small & False, small], (9, 7)),
                ([small, cross, big], (9, 7)),
                ([cross, big, small], (9, 7)), (specks, (20, 15)))
# END HIDDEN TESTS
paint_cells = ck.lesson.check("paint_cells", paint_cells)

# %%
demo = [np.zeros((40, 60), bool) for _ in range(3)]
demo[0][5:35, 5:40], demo[1][12:20, 12:22], demo[2][15:38, 34:55] = True, True, True
painted = paint_cells(demo, (40, 60))

# %% fold="Three rectangles, painted"
ck.lesson.draw.numbers(
    [*demo, painted], ["mask of cell 0", "of cell 1", "of cell 2", "painted, with its numbers"],
    alt="Three rectangles as masks and the label map made of them. The small rectangle inside the "
    "large one is still visible.",
)

# %% [markdown]
# ## 6. Touching cells
#
# How often do cells melt together in a mask? A cell *touches* another if one of its pixels has a
# pixel of another cell beside it.

# %%
touching = [{"cell line": s.cell_type, "cells": int(s.labels.max()),
             "share touching": len(ck.annotations.touching(s.labels)) / s.labels.max(),
             "patches in the mask": ndimage.label(s.mask)[1]} for s in first]
ck.show.table(touching, f"Share of cells that touch another: one picture of each cell line "
              f"({samples.dataset})", digits=2)

# %% fold="What the numbers say"
fewest = min(touching, key=lambda row: row["patches in the mask"] / row["cells"])
most = max(touching, key=lambda row: row["patches in the mask"] / row["cells"])
ck.lesson.claim(
    all(row["patches in the mask"] < row["cells"] for row in touching),
    "A program that counts patches misses cells in every row: of "
    f"{most['cells']} cells of {most['cell line']} it finds {most['patches in the mask']}, of "
    f"{fewest['cells']} of {fewest['cell line']} only {fewest['patches in the mask']}.",
    "Counting patches is right in some rows and wrong in others: of "
    f"{fewest['cells']} cells of {fewest['cell line']} it finds {fewest['patches in the mask']}.",
)

# %% [markdown]
# A mask is not a count. Until lesson 6 we ask only which pixels are cell.

# %% [markdown] tags=["question"]
# Two masks have the same number of patches. Do the pictures hold equally many cells?
# - [ ] Yes, patches are cells — Only as long as no two cells touch.
# - [ ] Yes, if the masks have the same area, too — One large cell and ten small ones in a clump can
#   cover the same area.
# - [x] One cannot know — A patch may be one cell or a whole clump; the mask no longer says.

# %% [markdown]
# ## 7. How much of the picture is cell?
#
# The share of cell pixels differs from line to line, and so does the size of a cell. Both decide
# how hard a picture is.

# %% fold="Cover and size of each cell"
cover, sizes = {kind: [] for kind in types}, {kind: [] for kind in types}
for s in annotated:
    cover[s.cell_type].append(s.mask.mean())
    areas = np.bincount(s.labels.ravel())[1:]
    sizes[s.cell_type].extend(2 * np.sqrt(areas[areas > 0] / np.pi))
share = {kind: float(np.mean(values)) for kind, values in cover.items()}

# %% fold="Cover and size, by cell line"
fig, (much, large) = ck.show.axes(1, 2, size=(4.6, 3.2))
much.bar(types, share.values(), color=ck.show.BLUE)
much.set(ylabel="share of cell pixels", title=f"{samples.dataset}: cover")
large.boxplot([sizes[kind] for kind in types], tick_labels=types, showfliers=False)
large.set(ylabel="diameter, pixels", title="sizes of cells, as discs", ylim=(0, None))
for ax in (much, large):
    ax.tick_params(axis="x", labelrotation=45)
medians = {kind: int(np.median(sizes[kind])) for kind in types}
ck.show.figure(fig, alt="Left bars: the share of cell pixels by cell line. "
    + ", ".join(f"{kind} {value:.2f}" for kind, value in share.items())
    + ". Right box plots of cell diameters in pixels. Medians: "
    + ", ".join(f"{k} {v}" for k, v in medians.items()) + ".")

# %% [markdown]
# Where cells are rare, a lazy answer looks good: call *every* pixel background. The
# [accuracy](define:accuracy "| ck.metrics.accuracy") of a mask is the share of pixels that it gets
# right. Here it can be high, although not a single cell was found.

# %% [markdown] exercise="accuracy_of_nothing"
# ### Exercise 1.2 · Guess, then run (1 point, 3 minutes)
#
# Look at the picture below. What accuracy does "everything is background" get on it? Write down
# your guess, a number from 0 to 1, before you run the check. Any honest guess wins the point.

# %%
sparse = min(annotated, key=lambda s: s.mask.mean())
ck.show.images(
    [sparse.image, sparse.mask], [f"{sparse.cell_type}, {sparse.dataset}", "its mask"], size=4.2,
    alt="The picture with the fewest cell pixels of all, and its mask: mostly black.",
)

# %% solution="accuracy_of_nothing"
def accuracy_of_nothing():
    """My guess of the accuracy that 'everything is background' gets here."""
    # BEGIN SOLUTION
    return 0.9
    # END SOLUTION

# %% check="accuracy_of_nothing" points=1
# BEGIN HIDDEN TESTS
ck.lesson.grade("accuracy_of_nothing", accuracy_of_nothing)
# END HIDDEN TESTS
accuracy_of_nothing = ck.lesson.check("accuracy_of_nothing", accuracy_of_nothing, sparse.mask)

# %%
nothing = np.zeros_like(sparse.mask)
print("accuracy of 'all background':", round(ck.metrics.accuracy(sparse.mask, nothing), 3))
print("Dice of 'all background':    ", round(ck.dice(sparse.mask, nothing), 3))

# %% [markdown]
# Accuracy praises the lazy answer; **Dice** does not. Dice asks how much of *the cells* was found,
# and the sea of easy background does not count. You will build it yourself in lesson 2.
#
# ## 8. Scaling: what is black, what is white?
#
# Cameras often store 16 bits: whole numbers from 0 to 65,535. A network wants small numbers, near
# [0, 1]. The obvious ways to get there fail quietly. Here is our picture as such a camera would
# store it: it uses a small part of the range, and one pixel is broken.

# %%
raw16 = (900 + 2600 * image).astype(np.uint16)
raw16[3, 5] = 65535                                       # a hot pixel
print("16-bit values from", raw16.min(), "to", raw16.max(), "| median", int(np.median(raw16)))

# %% [markdown]
# The [percentile](define:percentile "| np.percentile") 99.8 of a picture is the value that 99.8 %
# of its pixels do not exceed. So it ignores a few odd pixels.

# %%
by_255 = (raw16 / 255).clip(0, 1)
by_type = raw16 / 65535
by_range = (raw16 - raw16.min()) / (raw16.max() - raw16.min())
dark, bright = np.percentile(raw16, (1, 99.8))
by_percentile = ((raw16 - dark) / (bright - dark)).clip(0, 1)

# %% fold="Four scalings"
framed = [np.pad(one_way, 2) for one_way in (by_255, by_type, by_range, by_percentile)]
ck.show.images(
    framed, ["÷ 255: all white", "÷ 65,535: nearly black", "min–max: one hot pixel\nrules all",
             "percentiles 1–99.8"],
    alt="The same 16-bit picture scaled four ways, each in a black frame. Divided by 255 it is "
    "white; divided by 65535 and min–max scaled it is nearly black; scaled by percentiles the "
    "cells are visible.",
)

# %% [markdown]
# None of the first three raises an error, but they are not equally bad. ÷ 255 with clipping has
# *destroyed* the picture: every pixel is 1, and nothing brings it back. The second and third only
# *squeezed* it: they can be undone by subtracting the mean and dividing by the spread, which
# lesson 2 does with every picture. Percentiles do both:
# they stretch the picture and tame the odd pixel. **Always look at a picture exactly as the network
# gets it.**

# %% [markdown] tags=["question"]
# Which of the four pictures has lost information that no later step can bring back, apart from a
# few extreme pixels?
# - [x] ÷ 255 — Clipping made all pixels equal.
# - [ ] ÷ 65,535 — It looks black, but the numbers differ still; dividing by their spread restores
#   them.
# - [ ] min–max — Squeezed by one pixel, yet the differences are all there.
# - [ ] percentiles — Only the 1 % darkest and the 0.2 % brightest pixels are cut.

# %% [markdown] exercise="rescale"
# ### Exercise 1.3 · Rescale (2 points, 5 minutes)
#
# Write `rescale(image, low=1, high=99.8)`: the value at percentile `low` becomes 0, the value at
# percentile `high` becomes 1, everything beyond is clipped. Return float32. A picture where both
# percentiles are equal (a constant one, or one hot pixel on a constant one) becomes all zeros,
# without a warning.

# %% solution="rescale"
def rescale(image, low=1, high=99.8):
    """Image scaled to float32 [0, 1] between two percentiles."""
    # BEGIN SOLUTION
    image = np.asarray(image, dtype=np.float32)
    bottom, top = np.percentile(image, (low, high))
    if top == bottom:
        return np.zeros(image.shape, np.float32)
    return ((image - bottom) / (top - bottom)).clip(0, 1).astype(np.float32)
    # END SOLUTION

# %% check="rescale" points=2
# BEGIN HIDDEN TESTS
ramp = np.linspace(300, 4300, 1001).astype(np.uint16).reshape(77, 13)
lamp = np.pad(np.full((2, 2), 50_000, np.uint16), 9, constant_values=120)
ck.lesson.grade("rescale", rescale, (ramp,), (ramp, 10, 90), (np.full((5, 8), 7, np.uint8),),
                (lamp, 1, 90), ((ramp / 4300 - 0.5).astype(np.float32), 5, 60))
# END HIDDEN TESTS
rescale = ck.lesson.check("rescale", rescale)

# %%
ck.show.images(
    [rescale(raw16), rescale(raw16, 0, 100), rescale(raw16, 30, 70)],
    ["1 to 99.8", "0 to 100 (min–max)", "30 to 70: too harsh"],
    alt="The picture rescaled with three pairs of percentiles: balanced, nearly black, and with "
    "most grey levels pushed to pure black or white.",
)

# %% [markdown]
# ## 9. Resizing and padding
#
# Networks like pictures of one size. There are three ways to get it. To *resize* a picture means
# to compute it anew with other numbers of rows and columns. To *pad* it means to add a border. To
# [crop](define:crop "| ck.crops") it means to cut out a window. Each changes what the network
# sees.

# %%
side = max(image.shape)
padded = np.zeros((side, side), np.float32)
padded[:image.shape[0], :image.shape[1]] = image
squashed = resize(image, (128, 128), anti_aliasing=True)
window = image[:128, :128]

# %% fold="Three ways to a square"
ck.show.images(
    [image, squashed, padded, window],
    [f"original {image.shape}", f"resized: squashed {squashed.shape}",
     f"padded: black border {padded.shape}", f"cropped: a window {window.shape}"],
    alt="The original picture, the same squashed to a square, padded with black to a square, and a "
    "square window cut from its corner.",
)

# %% [markdown]
# Squashing changes the shape of cells. Padding keeps the shape but adds a black bar that looks like
# nothing in a dish. Cropping keeps everything true and shows less at a time. In this course we
# mostly crop.
#
# Now the labels. A picture is resized by [interpolation](define:interpolation): a new pixel is a
# mixture of its old neighbours. Mixing brightness makes sense. Mixing **cell numbers** does not:
# half way between cell 4 and cell 10 there is no cell 7. We try it on a small piece with several
# cells.

# %%
# the window with the most cells
piece = max((labels[r:r + 40, c:c + 40] for r in range(0, 200, 20) for c in range(0, 200, 20)),
            key=lambda cut: len(np.unique(cut)))
# order 0: the nearest pixel; order 1: a mixture of the pixels around
nearest = resize(piece, (25, 25), order=0, preserve_range=True, anti_aliasing=False).astype(int)
mixed = resize(piece, (25, 25), order=1, preserve_range=True, anti_aliasing=False)
mixed = mixed.round().astype(int)
ghosts = ~np.isin(mixed, piece)
print("cell numbers before: ", np.unique(piece))
print("after nearest:       ", np.unique(nearest))
print("after interpolation: ", np.unique(mixed))

# %% fold="Nearest neighbour and interpolation"
ck.lesson.draw.numbers(
    [piece, nearest, mixed],
    [f"labels: {len(np.unique(piece)) - 1} cells", "nearest neighbour",
     f"interpolated: {ghosts.sum()} pixels of ghosts"], known=np.unique(piece),
    alt="A piece of a label map, the same made smaller by nearest neighbour and by interpolation. "
    f"Interpolation gave {ghosts.sum()} pixels, orange, to cells that do not exist, mostly where "
    "cells meet.",
)

# %% fold="What the numbers say"
before, after = len(np.unique(piece)) - 1, len(np.unique(mixed)) - 1
ck.lesson.claim(
    after > before,
    f"{before} cells went in, {after} came out: the orange pixels belong to cells that do not "
    "exist. Nothing crashed. That is what makes it a silent bug.",
    f"Here {before} cells went in and {after} came out; what the ghosts took, others lost. "
    "Nothing crashed. That is what makes it a silent bug.",
)

# %% [markdown] exercise="resize_pair"
# ### Exercise 1.4 · Find the bug (3 points, 6 minutes)
#
# A colleague wrote the function below. It resizes an image and its labels to a new shape. Its
# output has the right shape and type, yet the labels are wrong. `preserve_range` keeps the numbers
# as large as they are; `anti_aliasing` blurs a little before a picture is made smaller.

# %%
def colleagues_resize_pair(image, labels, shape):
    """Image and labels at a new shape (rows, columns): float32 and int32."""
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=1, preserve_range=True, anti_aliasing=True).round()
    return image.astype(np.float32), labels.astype(np.int32)

# %% [markdown]
# Find what is wrong; it may be more than one thing. Copy the body into `resize_pair` and mend it.
# Each new label is that of the old pixel whose centre is nearest; the image stays interpolated.

# %% solution="resize_pair"
def resize_pair(image, labels, shape):
    """Image and labels at a new shape (rows, columns): float32 and int32."""
    # BEGIN SOLUTION
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=0, preserve_range=True, anti_aliasing=False)
    return image.astype(np.float32), labels.astype(np.int32)
    # END SOLUTION

# %% check="resize_pair" points=3
# BEGIN HIDDEN TESTS
blocks = np.kron(np.array([[0, 50, 3], [9, 0, 300]], np.int32), np.ones((8, 8), np.int32))
stripes = np.arange(1, 13, dtype=np.int32)[None].repeat(4, axis=0)
fine = np.tile(np.arange(24) % 2, (16, 1)).astype(np.float32)
ck.lesson.grade(
    "resize_pair", resize_pair, ((blocks / 300).astype(np.float32), blocks, (32, 40)),
    (fine, blocks, (7, 9)), ((stripes / 12).astype(np.float32), stripes, (4, 36)))
# END HIDDEN TESTS
resize_pair = ck.lesson.check("resize_pair", resize_pair)

# %%
half = image.shape[0] // 2, image.shape[1] // 2
half_image, half_labels = resize_pair(image, labels, half)
_, colleagues = colleagues_resize_pair(image, labels, half)
# a number's pixels that hang together are one piece; ghosts are pieces, too
for what, these in (("before", labels), ("yours", half_labels), ("your colleague's", colleagues)):
    print(f"{what}: {len(np.unique(these)) - 1} numbers in {measure.label(these).max()} pieces")

# %% [markdown]
# ## 10. Splits that leak
#
# To know whether a network has *learnt* or only *remembered*, we test it on pictures it has never
# seen. But what counts as never seen? We show it without a network. We cut four windows out of
# every picture, at random places, and describe each window by its
# [histogram](define:histogram "| np.histogram") only: how many pixels have which grey value. Then
# we play a simple game: for a test window, we look up the *most similar* training window, its twin,
# and claim that both have the same share of cell pixels. This "method" has learnt nothing. It can
# only remember.

# %%
def windows_of(samples, rng):
    """Four random windows of each picture, half as high and wide as the picture."""
    found = []
    for number, s in enumerate(samples):
        rows, columns = s.image.shape[0] // 2, s.image.shape[1] // 2
        for top, left in zip(rng.integers(0, rows, 4), rng.integers(0, columns, 4), strict=True):
            cut = np.s_[top:top + rows, left:left + columns]
            grey = np.histogram(s.image[cut], bins=64, range=(0, 1), density=True)[0]
            found.append({"histogram": grey, "cells": s.mask[cut].mean(), "window": len(found),
                          "picture": number, "well": s.group})
    return found

# %%
def look_up_error(train, test):
    """Mean error of the claimed share of cells."""
    known = np.array([window["histogram"] for window in train])
    twins = [train[np.abs(known - window["histogram"]).sum(1).argmin()] for window in test]
    return np.mean([abs(a["cells"] - b["cells"]) for a, b in zip(twins, test, strict=True)])

# %% [markdown]
# A [well](define:well "| ck.Sample.group") is one small dish of many on a plate. LIVECell filmed
# the same well again and again, so its pictures share cells, light and dirt. (The drawn pictures
# have wells by name, too, but nothing ties two pictures of one well together.) We split the windows
# in three ways, thirty times each: shuffled one by one, with whole pictures kept together, and with
# whole wells.

# %%
rng = np.random.default_rng(0)
windows = windows_of(annotated, rng)
errors = {"windows shuffled": [], "pictures kept whole": [], "wells kept whole": []}
for found, unit in zip(errors.values(), ("window", "picture", "well"), strict=True):
    units = sorted({window[unit] for window in windows})
    for _ in range(30):
        held = set(rng.permutation(units)[: max(1, len(units) // 3)])
        found.append(look_up_error([w for w in windows if w[unit] not in held],
                                   [w for w in windows if w[unit] in held]))

# %% fold="The same method, judged three times"
mean = {way: float(np.mean(found)) for way, found in errors.items()}
deviation = {way: float(np.std(found, ddof=1)) for way, found in errors.items()}
ck.show.bars(
    {way.replace(" ", "\n", 1): value for way, value in mean.items()}, digits=3,
    spread={way.replace(" ", "\n", 1): value for way, value in deviation.items()},
    ylabel="error of the claimed share",
    title="mean ± standard deviation of 30 splits",
    alt="Three bars with error bars: the error of the look-up method is "
    + ", ".join(f"{value:.3f} ± {deviation[way]:.3f} with {way}" for way, value in mean.items())
    + ".",
)

# %% fold="What the numbers say"
shuffled, whole, by_well = (np.array(found) for found in errors.values())
leaks, wells = int((whole > shuffled).sum()), int((by_well > whole).sum())
# of thirty fair coins, 24 or more show heads less than once in a thousand times
ck.lesson.claim(
    leaks >= 24,
    f"The method is the same in all bars; only the split differs. In {leaks} of 30 splits its "
    "error looks smaller with shuffled windows than with whole pictures. What leaks is *overlap*: "
    "two windows of one picture share pixels, and the twin is often the same cells once more.",
    f"The method is the same in all bars; only the split differs. With shuffled windows its error "
    f"looks smaller in {leaks} of 30 splits, no more than chance explains: with so few pictures, "
    "*which* are tested on counts more.",
)
ck.lesson.claim(
    wells >= 24,
    f"With whole wells it is larger still in {wells} of 30: pictures of one well are alike, too.",
    f"With whole wells it is larger still in {wells} of 30, which chance explains: this method "
    "learns nothing from a well. Where pictures of a well are alike, as in a real one, a network "
    "with millions of weights may.",
)

# %% [markdown]
# **Decide first what must stay together, then shuffle.** The
# [group](define:group "| ck.Sample.group") of a sample names what a split must not tear apart, and
# `ck.split` keeps groups whole. Exercise 1.5, under *Going further*, builds such a split.

# %% [markdown] tags=["question"]
# You cut each of 40 pictures into 100 overlapping windows, shuffle all 4,000, and test on 400 of
# them. The score is splendid. What does it tell you?
# - [ ] The method works on new pictures: 400 is a large test set — Nearly every test window shares
#   pixels with a training window, so there is nothing new in it.
# - [x] How well the method knows these 40 pictures — The split was made after the cutting.
# - [ ] Nothing is wrong as long as no window is in both parts — Overlapping windows are not the
#   same window, but they hold the same pixels.

# %% [markdown]
# ## Recap
#
# You can now
#
# - Say what a phase-contrast picture shows, and why flat cells are hard to see in it.
# - Turn polygons into a label map, and a label map into a mask.
# - Scale any image, 8-bit or 16-bit, to the range [0, 1] without losing what matters.
# - Resize and pad an image and its labels together without inventing cells.
# - Split images into parts so that no part has seen the other.
#
# All words in **bold** stand in the [glossary](../docs/glossary.md), what you need every day on the
# [cheat sheet](../docs/cheatsheet.md). `ck.lesson.progress()` shows your points.

# %%
ck.lesson.progress()

# %% [markdown]
# **Next:** [2 · A U-Net from scratch](02_unet_from_scratch.ipynb)
#
# ## Going further
#
# What follows is beyond the minutes above: one more exercise, and ideas of what to try.

# %% [markdown] exercise="split_by_well"
# ### Exercise 1.5 · Capstone: split by well (4 points, 20 minutes)
#
# File names say where a picture was taken: `A172_Phase_C7_1_00d00h00m_4` is line A172, well C7,
# spot 1, day 0, and so on. The well is everything before the third underscore: `A172_Phase_C7`.
#
# Write `split_by_well(names, fraction, seed)`. Return two lists of names. No well may appear in
# both. No name gets lost or doubled. The first list holds `fraction` of the *pictures*, give or
# take one well. The names may come in any order. The same seed gives the same lists; another seed
# gives, in general, others. With two wells or more, neither list is empty.

# %% solution="split_by_well"
def split_by_well(names, fraction, seed):
    """Two lists of names; wells stay whole; the first has about that fraction of the names."""
    # BEGIN SOLUTION
    well = {name: "_".join(name.split("_")[:3]) for name in names}
    wells = sorted(set(well.values()))
    np.random.default_rng(seed).shuffle(wells)
    chosen, count = set(), 0
    for w in wells[:-1]:
        size = sum(well[name] == w for name in names)
        if not chosen or abs(count + size - fraction * len(names)) <= abs(
                count - fraction * len(names)):
            chosen.add(w)
            count += size
    return ([name for name in names if well[name] in chosen],
            [name for name in names if well[name] not in chosen])
    # END SOLUTION

# %% check="split_by_well" points=4
# BEGIN HIDDEN TESTS
names = [f"{line}_Phase_{well}_{spot}_00d{hour:02d}h00m_{spot}"
         for line in ("BV2", "MCF7") for well in ("B2", "C3", "D4", "E5", "F6")
         for spot in (1, 2) for hour in (0, 4, 8)]
uneven = [f"A172_Phase_A{w}_1_00d00h00m_{k}" for w in range(20) for k in range(9 if w < 4 else 1)]
ck.lesson.grade("split_by_well", split_by_well, (names, 0.7, 0), (uneven[::-1], 0.5, 3),
                (names[:12], 0.9, 0), ([n.replace("C3", "B21") for n in names[:12]], 0.4, 8),
                ([n for n in names if "_B2_" in n], 0.5, 1))
# END HIDDEN TESTS
split_by_well = ck.lesson.check("split_by_well", split_by_well)

# %%
train_names, test_names = split_by_well(annotated.names, 0.8, seed=0)
parts = (train_names, test_names)
wells_of = [sorted({"_".join(name.split("_")[:3]) for name in part}) for part in parts]
print(len(train_names), "pictures to train on, from", len(wells_of[0]), "wells")
print(len(test_names), "pictures to test on, from", ", ".join(wells_of[1]))

# %% [markdown]
# - Change the 1 and the 99.8 in `rescale`. When does a picture of flat cells become readable, and
#   when do the halos burn out?
# - `ck.read("livecell", cell_types=["BV2"])` reads one line only. How many cells does one picture
#   hold? What would a person need to count them?
# - [](paper:livecell), *LIVECell – A large-scale dataset for label-free live cell segmentation*,
#   Nature Methods 18 (2021), describes how the real pictures were taken and annotated. A pixel
#   there is 1.24 µm wide (objective 10×), which the white bars above use.
