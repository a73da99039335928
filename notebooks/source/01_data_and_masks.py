# %% [markdown]
# # 1 · Data and masks
#
# A network can only learn what its data show. So before any network, look at the data: what a
# microscope sees, how people mark cells in it, and the small steps between a folder of files and
# the arrays a network is fed. Most silent bugs in segmentation live in those steps.

# %% [markdown]
# ## What you will be able to do
#
# - Say what a phase-contrast picture shows, and why flat cells are hard to see in it.
# - Turn polygons into a label map, and a label map into a mask.
# - Scale any image, 8-bit or 16-bit, to the range [0, 1] without losing what matters.
# - Resize and pad an image and its labels together without inventing cells.
# - Divide images into parts so that no part has seen the other.
#
# **Minutes:** about 75 minutes of reading and exercises; the code itself runs in under a minute on
# two cores. Five exercises, 12 points.

# %% setup
import json

import numpy as np
from scipy import ndimage
from skimage.transform import resize

# %% [markdown]
# ## 1. What phase contrast shows
#
# A living cell in a dish is nearly transparent. It does not absorb light, but it delays it a
# little. A phase-contrast microscope turns that delay into brightness. Three things follow.
#
# - A thick edge bends light strongly: a bright **halo** runs around the cell.
# - A thin, flat cell hardly delays the light: inside it looks like the background.
# - A round cell, about to divide or dying, is a bright ball.
#
# `ck.read` gives a row of samples. None is read from disk before we ask for it.

# %%
samples = ck.read("livecell").cached()
print(samples)
print("the first one:", samples.names[0], "| well:", samples.groups[0])

# %%
types = sorted({kind for kind in samples.cell_types if kind})
first = [samples[samples.cell_types.index(kind)] for kind in types]
ck.show.images(
    [s.image[:240, :320] for s in first], [f"{s.cell_type}, {s.dataset}" for s in first],
    limits=(0.25, 0.75), alt=f"A corner of one picture of each of {len(types)} cell lines: "
    f"{', '.join(types)}. Some cells are round with a bright rim, some are flat and hardly stand "
    "out from the grey background.",
)

# %% [markdown]
# A **sample** is one picture with its ground truth. Three facts about the picture matter to
# everything that follows: its shape, its type of number, and its range.

# %%
sample = max(first, key=lambda s: s.labels.max())
image, labels = sample.image, sample.labels
print("image ", image.shape, image.dtype, image.min(), "to", image.max())
print("labels", labels.shape, labels.dtype, "cells:", labels.max())

# %% [markdown]
# The shape is (rows, columns): height first, then width. File formats and drawing programs often
# say width first. Half of all shape bugs come from there.

# %% [markdown]
# ## 2. One cell is a polygon
#
# Nobody paints 300 cells pixel by pixel. Annotators click corners around each cell, and the
# corners are saved. LIVECell does it in the **COCO** format: one json file for many pictures,
# with a list of images and a list of annotations. Let us open one without any help.

# %%
folder = ck.datasets.find("livecell")
coco = json.loads(next(folder.rglob("livecell_coco_val.json")).read_text(encoding="utf-8"))
one = coco["annotations"][0]
print("keys of the file:", list(coco))
print("keys of one cell:", list(one))
print("its first corner:", one["segmentation"][0][:2], "| box x, y, width, height:", one["bbox"])

# %% [markdown]
# The polygon is one flat list: x, y, x, y, … Here x counts columns and y counts rows, so x comes
# *first* – the opposite of a numpy index. We cut out the cell's own box and draw the corners.

# %%
corners = np.array(one["segmentation"][0]).reshape(-1, 2)
name = next(i["file_name"] for i in coco["images"] if i["id"] == one["image_id"]).rsplit(".", 1)[0]
picture = samples[samples.names.index(name)].image
low, high = corners.min(0).astype(int) - 8, corners.max(0).astype(int) + 9
(left, top), (right, bottom) = low.clip(0), high
cut = picture[top:bottom, left:right]

# %%
fig, (raw, drawn) = ck.show.axes(1, 2, size=(3.4, 3.4))
for ax in (raw, drawn):
    ax.imshow(cut, cmap="gray", extent=(left, left + cut.shape[1], top + cut.shape[0], top))
drawn.plot(*np.vstack([corners, corners[:1]]).T, color="#E69F00", marker="o", markersize=4)
raw.set_title("the picture"), drawn.set_title("and its polygon")
ck.show.figure(fig, alt="Left a cut-out with one cell. Right the same with the polygon around the "
               f"cell: {len(corners)} corners joined by straight lines.")

# %% [markdown]
# ## 3. From polygon to mask
#
# Which pixels lie inside? An old trick answers it: walk from the pixel straight to the right, and
# count how often you cross the polygon. An odd count means inside. This is the *even–odd rule*.
# For all pixels of the cut-out at once it takes six lines.

# %%
def inside(corners, rows, columns):
    y, x = rows + 0.5, columns + 0.5                      # a pixel's centre, not its corner
    odd = np.zeros(y.shape, bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (y1 > y) != (y2 > y)
        at = x1 + (y - y1) / np.where(y2 == y1, 1, y2 - y1) * (x2 - x1)
        odd ^= crosses & (x < at)
    return odd

# %%
rows, columns = np.mgrid[top:top + cut.shape[0], left:left + cut.shape[1]]
ours = inside(corners, rows, columns)
theirs = ck.annotations.label_map([one["segmentation"]], picture.shape) > 0
theirs = theirs[top:bottom, left:right]
print("pixels inside: ours", ours.sum(), "| COCO's own rule", theirs.sum(),
      "| different:", (ours != theirs).sum())

# %%
ck.show.images(
    [cut, ours, ck.show.compare(theirs, ours, cut)], ["picture", "our mask", "compared"],
    alt=f"The cell, our mask of it, and the comparison with COCO's mask: they differ in "
    f"{(ours != theirs).sum()} pixels, all of them on the outline.",
    caption=ck.show.legend_of_compare(),
)

# %% [markdown]
# The two rules agree inside and differ on the outline. COCO's own rule traces the outline in its
# own way, and every score published on COCO data uses it. So `cellkit` uses it too: what matters
# is not which rule is prettier, but that everybody uses the same.

# %% [markdown]
# ## 4. Many cells: the label map
#
# A **label map** holds all cells of a picture in one array: 0 is background, 1 is the first cell,
# 2 the second, and so on. A **mask** only asks whether there is *any* cell: `labels > 0`.

# %%
ck.show.images(
    [sample.image, ck.show.colour_labels(sample.labels, sample.image), sample.mask],
    [f"image ({sample.dataset})", f"label map: {sample.labels.max()} cells", "mask: cell or not"],
    size=4.2,
    alt="The picture, its label map with each cell in its own colour and a white rim, and the "
    "mask, where touching cells have become one white patch.",
)

# %% [markdown]
# Two polygons can cover the same pixel. A label map has room for one number only, so someone has
# to win. If a large cell is painted last, it can bury a small one completely, and the count is
# wrong for ever after. So the small one should win.

# %% [markdown] exercise="paint_cells"
# ### Exercise 1.1 · Paint the cells (2 points, 10 minutes)
#
# Write `paint_cells(cells, shape)`. `cells` is a list of boolean masks, all of the given shape.
# Return an int32 label map where cell number k (counted from 0) has the value k + 1. Where cells
# overlap, the **smaller** one stays visible.

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
for order in ([big, small], [small, big]):
    painted = paint_cells(order, (9, 7))
    assert painted.dtype == np.int32 and painted.shape == (9, 7)
    for k, cell in enumerate(order):
        seen = cell if cell is small else big & ~small
        assert (painted[seen] == k + 1).all()
    assert (painted[~big] == 0).all()
specks = list(np.eye(300, dtype=bool).reshape(300, 20, 15))
assert (paint_cells(specks, (20, 15)).ravel() == np.arange(1, 301)).all()
# END HIDDEN TESTS
paint_cells = ck.lesson.check("paint_cells", paint_cells)

# %%
demo = [np.zeros((40, 60), bool) for _ in range(3)]
demo[0][5:35, 5:40], demo[1][12:20, 12:22], demo[2][15:38, 34:55] = True, True, True
painted = paint_cells(demo, (40, 60))
ck.show.images(
    [*demo, painted], ["cell 0", "cell 1", "cell 2", "painted"],
    alt="Three rectangles as masks and the label map made of them. The small rectangle inside the "
    "large one is still visible.",
)

# %% [markdown]
# ## 5. Touching cells
#
# In the mask above, cells that touch have melted together. How often does that happen? We look at
# every cell's neighbours: a cell *touches* another if one of its pixels has a pixel of another
# cell beside it.

# %%
annotated = samples.where(lambda entry: entry.annotated)
rows = []
for s in [annotated[annotated.cell_types.index(kind)] for kind in types]:
    share = len(ck.annotations.touching(s.labels)) / s.labels.max()
    rows.append({"cell line": s.cell_type, "cells": int(s.labels.max()), "touching": share,
                 "patches in the mask": ndimage.label(s.mask)[1]})
ck.show.table(rows, f"Cells that touch another, one picture a line ({sample.dataset})", digits=2)

# %% [markdown]
# Compare the columns *cells* and *patches in the mask*. A program that counts patches misses many
# cells. A mask is not a count. Lesson 7 comes back to this; until then we ask only which pixels
# are cell.

# %% [markdown]
# ## 6. How much of the picture is cell?
#
# The share of cell pixels differs from line to line, and so does the size of a cell. Both decide
# how hard a picture is.

# %%
cover, sizes = {}, {}
for s in annotated:
    cover.setdefault(s.cell_type, []).append(s.mask.mean())
    sizes.setdefault(s.cell_type, []).extend(np.bincount(s.labels.ravel())[1:])
share = {kind: float(np.mean(cover[kind])) for kind in types}
ck.show.bars(
    share, ylabel="share of cell pixels", title=f"{sample.dataset}: how much is cell",
    alt="Bars: the share of cell pixels by cell line. "
    + ", ".join(f"{kind} {value:.2f}" for kind, value in share.items()) + ".",
)

# %%
fig, ax = ck.show.axes(1, 1, size=(6.5, 3.4))
ax.boxplot([sizes[kind] for kind in types], tick_labels=types, showfliers=False)
ax.set(ylabel="area of a cell, pixels", yscale="log", title=f"{sample.dataset}: cell sizes")
medians = {kind: int(np.median(sizes[kind])) for kind in types}
ck.show.figure(fig, alt="Box plots of cell areas by line, on a logarithmic axis. Medians in "
               "pixels: " + ", ".join(f"{k} {v}" for k, v in medians.items()) + ".")

# %% [markdown]
# Where cells are rare, a lazy answer looks good: call *every* pixel background. Its **accuracy**,
# the share of pixels it gets right, can be high, although it has not found a single cell.

# %% [markdown] exercise="accuracy_of_nothing"
# ### Exercise 1.2 · Predict, then run (1 point, 3 minutes)
#
# Look at the picture below. What accuracy does "everything is background" get on it? Write down
# your guess, a number between 0 and 1, before you run the check.

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
assert 0 <= accuracy_of_nothing() <= 1
# END HIDDEN TESTS
accuracy_of_nothing = ck.lesson.check("accuracy_of_nothing", accuracy_of_nothing, sparse.mask)

# %%
nothing = np.zeros_like(sparse.mask)
print("accuracy of 'all background':", round(ck.metrics.accuracy(sparse.mask, nothing), 3))
print("Dice of 'all background':    ", round(ck.dice(sparse.mask, nothing), 3))

# %% [markdown]
# Accuracy praises the lazy answer; Dice does not. Dice asks how much of *the cells* was found, and
# the sea of easy background does not count. You will build it yourself in lesson 2.

# %% [markdown]
# ## 7. Scaling: what is black, what is white?
#
# Cameras often store 16 bits: whole numbers from 0 to 65,535. A network wants small numbers, near
# [0, 1]. The obvious ways to get there fail quietly. Here is a picture as such a camera would
# store it: it uses only a small part of the range, and one pixel is broken.

# %%
raw16 = (900 + 2600 * sample.image).astype(np.uint16)
raw16[3, 5] = 65535                                       # a hot pixel
print("16-bit values from", raw16.min(), "to", raw16.max(), "| median", int(np.median(raw16)))

# %%
by_255 = (raw16 / 255).clip(0, 1)
by_type = raw16 / 65535
by_range = (raw16 - raw16.min()) / (raw16.max() - raw16.min())
low, high = np.percentile(raw16, (1, 99.8))
by_percentile = ((raw16 - low) / (high - low)).clip(0, 1)
ck.show.images(
    [by_255, by_type, by_range, by_percentile],
    ["÷ 255: all white", "÷ 65,535: nearly black", "min–max: one hot pixel\nrules all",
     "percentiles 1–99.8"],
    alt="The same 16-bit picture scaled four ways. Divided by 255 it is white; divided by 65535 "
    "and min-max scaled it is nearly black; scaled by percentiles the cells are visible.",
)

# %% [markdown]
# None of the first three raises an error. The network trains on white or black pictures, the loss
# goes down a little, and nobody knows why it never gets good. **Always look at a picture exactly
# as the network gets it.**

# %% [markdown] exercise="rescale"
# ### Exercise 1.3 · Rescale (2 points, 10 minutes)
#
# Write `rescale(image, low=1, high=99.8)`: the value at percentile `low` becomes 0, the value at
# percentile `high` becomes 1, everything beyond is clipped. Return float32. A picture where both
# percentiles are equal (a constant one) becomes all zeros, without a warning.

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
scaled = rescale(ramp, 10, 90)
assert scaled.dtype == np.float32 and scaled.min() == 0 and scaled.max() == 1
assert abs(float(np.median(scaled)) - 0.5) < 0.01
assert abs((scaled == 0).mean() - 0.1) < 0.01 and abs((scaled == 1).mean() - 0.1) < 0.01
assert (rescale(np.full((5, 8), 7, np.uint8)) == 0).all()
# END HIDDEN TESTS
rescale = ck.lesson.check("rescale", rescale)

# %%
ck.show.images(
    [rescale(raw16), rescale(raw16, 0, 100), rescale(raw16, 30, 70)],
    ["1 to 99.8", "0 to 100 (min–max)", "30 to 70: too hard"],
    alt="The picture rescaled with three pairs of percentiles: balanced, nearly black, and with "
    "most grey levels pushed to pure black or white.",
)

# %% [markdown]
# ## 8. Resizing and padding
#
# Networks like pictures of one size. There are three ways to get it: **resize** the picture,
# **pad** it with a border, or **crop** a window. Each changes what the network sees.

# %%
image, labels = sample.image, sample.labels
side = max(image.shape)
padded = np.zeros((side, side), np.float32)
padded[:image.shape[0], :image.shape[1]] = image
squashed = resize(image, (128, 128), anti_aliasing=True)
window = image[:128, :128]

# %%
ck.show.images(
    [image, squashed, padded, window],
    [f"original {image.shape}", "resized: squashed", "padded: black border", "cropped: a window"],
    alt="The original picture, the same squashed to a square, padded with black to a square, and a "
    "square window cut from its corner.",
)

# %% [markdown]
# Squashing changes the shape of cells. Padding keeps the shape but adds a black bar that looks
# like nothing in a real dish. Cropping keeps everything true and shows less at a time. In this
# course we mostly crop.
#
# Now the labels. A picture is resized by *interpolation*: a new pixel is a mixture of its old
# neighbours. Mixing brightness makes sense. Mixing **cell numbers** does not: half way between
# cell 4 and cell 10 there is no cell 7.

# %%
small = labels[20:60, 20:60]
nearest = resize(small, (25, 25), order=0, preserve_range=True, anti_aliasing=False).astype(int)
mixed = resize(small, (25, 25), order=1, preserve_range=True, anti_aliasing=False)
mixed = mixed.round().astype(int)
print("cell numbers before: ", np.unique(small))
print("after nearest:       ", np.unique(nearest))
print("after interpolation: ", np.unique(mixed))

# %%
ghosts = ~np.isin(mixed, small)
ck.show.images(
    [small, nearest, ghosts], ["labels", "nearest neighbour", "interpolated: pixels of ghosts"],
    alt="A cut-out of a label map, the same made smaller by nearest neighbour, and the pixels that "
    f"interpolation gave to cells that do not exist: {ghosts.sum()} pixels, thin lines along the "
    "outlines.",
)

# %% [markdown]
# Nothing crashed, and at a glance the interpolated labels look fine. That is what makes it a
# *silent* bug. A plain mask suffers less, but there too a soft edge is cut somewhere.

# %% [markdown] exercise="resize_pair"
# ### Exercise 1.4 · Find the bug (3 points, 10 minutes)
#
# A colleague wrote the function below. It resizes an image and its labels to a new shape. Its
# output has the right shape and type, yet the labels are wrong.

# %%
def colleagues_resize_pair(image, labels, shape):
    """Image and labels at a new shape (rows, columns): float32 and int32."""
    image = resize(image, shape, order=1, anti_aliasing=True)
    labels = resize(labels, shape, order=1, preserve_range=True, anti_aliasing=True).round()
    return image.astype(np.float32), labels.astype(np.int32)

# %% [markdown]
# Find the mistake. Copy the body into `resize_pair` and mend it.

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
blocks = np.kron(np.array([[0, 50, 3], [9, 0, 200]], np.int32), np.ones((8, 8), np.int32))
grey = (blocks / 200).astype(np.float32)
for shape in ((10, 13), (32, 40)):
    new_image, new_labels = resize_pair(grey, blocks, shape)
    assert new_image.shape == new_labels.shape == shape
    assert set(np.unique(new_labels)) == {0, 3, 9, 50, 200} and new_labels.dtype == np.int32
    assert new_image.dtype == np.float32 and 0 <= new_image.min() and new_image.max() <= 1
assert len(np.unique(resize_pair(grey, blocks, (40, 40))[0])) > 5
stripes = np.arange(1, 13, dtype=np.int32)[None].repeat(4, axis=0)
wide_stripes = resize_pair(stripes / np.float32(12), stripes, (4, 36))[1]
assert (wide_stripes == stripes.repeat(3, axis=1)).all()
# END HIDDEN TESTS
resize_pair = ck.lesson.check("resize_pair", resize_pair)

# %%
half_image, half_labels = resize_pair(image, labels, (image.shape[0] // 2, image.shape[1] // 2))
ck.show.images(
    [half_image, ck.show.colour_labels(half_labels, half_image)],
    ["half the size", f"labels: {len(np.unique(half_labels)) - 1} cells"], size=4.2,
    alt="The picture at half its size and its label map on top: every cell keeps its own number.",
)

# %% [markdown]
# ## 9. Dividing the data: splits that leak
#
# To know whether a network has *learnt* or only *remembered*, we test it on pictures it has never
# seen. But what counts as never seen? LIVECell filmed the same dish, the same **well**, again and
# again. Two pictures from one well share the cells, the light and the dirt. If one trains and the
# other tests, the test measures memory.
#
# We show it without a network. Cut four windows out of every picture, at random places. Describe
# each window by its grey-level histogram only. Then play a simple game: for a test window, look up
# the *most similar* training window, and claim that both have the same share of cell pixels. This
# "method" has learnt nothing. It can only remember.

# %%
rng, windows = np.random.default_rng(0), []
for s in annotated:
    rows, columns = s.image.shape[0] // 2, s.image.shape[1] // 2
    for top, left in zip(rng.integers(0, rows, 4), rng.integers(0, columns, 4), strict=True):
        cut = np.s_[top:top + rows, left:left + columns]
        histogram = np.histogram(s.image[cut], bins=64, range=(0, 1), density=True)[0]
        windows.append({"histogram": histogram, "cells": s.mask[cut].mean(), "well": s.group})

# %%
def look_up(train, test):
    """Error of the claimed share of cells, and how often the twin is from the same well."""
    error, same_well = [], []
    for window in test:
        twin = min(train, key=lambda t: np.abs(t["histogram"] - window["histogram"]).sum())
        error.append(abs(twin["cells"] - window["cells"]))
        same_well.append(twin["well"] == window["well"])
    return np.mean(error), np.mean(same_well)

# %% [markdown]
# We divide the windows in two ways, ten times each: shuffled, and with whole wells.

# %%
wells, shuffled, whole = sorted({w["well"] for w in windows}), [], []
for _ in range(10):
    order, test_size = rng.permutation(len(windows)), len(windows) // 3
    shuffled.append(look_up([windows[i] for i in order[test_size:]],
                            [windows[i] for i in order[:test_size]]))
    held = set(rng.choice(wells, max(1, len(wells) // 3), replace=False))
    whole.append(look_up([w for w in windows if w["well"] not in held],
                         [w for w in windows if w["well"] in held]))

# %%
rows = [{"division": name, "error of the claimed share of cells": np.mean(runs, 0)[0],
         "± over 10 divisions": np.std(runs, 0)[0], "twin from the same well": np.mean(runs, 0)[1]}
        for name, runs in (("windows shuffled", shuffled), ("wells kept whole", whole))]
ck.show.table(rows, f"A method that only remembers, {samples.dataset}; a small error is good")

# %%
error = {row["division"]: row["error of the claimed share of cells"] for row in rows}
ck.show.bars(
    error, spread={row["division"]: row["± over 10 divisions"] for row in rows}, digits=3,
    ylabel="error of the share of cells", title=f"{samples.dataset}: the same method, judged twice",
    alt="Two bars with error bars: the error of the look-up method is "
    + " and ".join(f"{value:.3f} with {name}" for name, value in error.items()) + ".",
)

# %% [markdown]
# The method is the same in both rows. Only the division of the data differs. With shuffled windows
# it looks better than it is, because it meets old acquaintances. A network with millions of weights
# remembers far more than a histogram. **Decide first what must stay together, then shuffle.** In
# `cellkit` every sample says so in its `group`, and `ck.split` keeps groups whole.

# %% [markdown] exercise="split_by_well"
# ### Exercise 1.5 · Capstone: split by well (4 points, 20 minutes)
#
# File names say where a picture was taken: `A172_Phase_C7_1_00d00h00m_4` is line A172, well C7,
# spot 1, day 0, and so on. The well is everything before the third underscore: `A172_Phase_C7`.
#
# Write `split_by_well(names, fraction, seed)`. Return two lists of names. No well may appear in
# both. No name gets lost or doubled. The first list holds about `fraction` of the *pictures*. The
# same seed gives the same lists; another seed gives, in general, others. With two wells or more,
# neither list is empty.

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
results = [split_by_well(names, 0.7, seed) for seed in range(6)]
for first_part, second_part in results:
    assert sorted([*first_part, *second_part]) == sorted(names)
    wells = [{name.rsplit("_", 3)[0] for name in part} for part in (first_part, second_part)]
    assert not wells[0] & wells[1]
    assert 0.5 <= len(first_part) / len(names) <= 0.9
again = [split_by_well(names, 0.7, seed) for seed in range(6)]
assert [sorted(a) for a, _ in results] == [sorted(a) for a, _ in again]
assert len({tuple(sorted(a)) for a, _ in results}) > 1
assert all(split_by_well(names[:12], 0.9, 0))
uneven = [f"A172_Phase_A{w}_1_00d00h00m_{k}" for w in range(20) for k in range(9 if w < 4 else 1)]
assert all(abs(len(split_by_well(uneven, 0.5, seed)[0]) - 26) <= 9 for seed in range(20))
# END HIDDEN TESTS
split_by_well = ck.lesson.check("split_by_well", split_by_well)

# %%
train_names, test_names = split_by_well(annotated.names, 0.8, seed=0)
parts = (train_names, test_names)
wells_of = [sorted({"_".join(name.split("_")[:3]) for name in part}) for part in parts]
print(len(train_names), "pictures to train on, from", len(wells_of[0]), "wells")
print(len(test_names), "pictures to test on, from", ", ".join(wells_of[1]))

# %% [markdown]
# ## Recap
#
# You can now
#
# - Say what a phase-contrast picture shows, and why flat cells are hard to see in it.
# - Turn polygons into a label map, and a label map into a mask.
# - Scale any image, 8-bit or 16-bit, to the range [0, 1] without losing what matters.
# - Resize and pad an image and its labels together without inventing cells.
# - Divide images into parts so that no part has seen the other.
#
# `ck.lesson.progress()` shows your points.

# %%
ck.lesson.progress()

# %% [markdown]
# ## Going further
#
# - Change the 1 and the 99.8 in `rescale`. When does a picture of flat cells become readable, and
#   when do the halos burn out?
# - `ck.read("livecell", cell_types=["BV2"])` reads one line only. How many cells does one picture
#   hold? What would a person need to count them?
# - Edlund et al., *LIVECell – A large-scale dataset for label-free live cell segmentation*,
#   Nature Methods 18 (2021), describes how the data were taken and drawn.
#
# **Next:** [2 · A U-Net from scratch](02_unet_from_scratch.ipynb)
