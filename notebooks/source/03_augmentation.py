# %% [markdown]
# # 3 · Augmentation
#
# Good training pictures are rare: somebody has to draw every cell in them. **Augmentation** makes
# many pictures out of few, by turning, bending and lighting them anew. It is cheap, it often
# helps, and it goes wrong without a word. In this lesson you use it, break it, and measure it.

# %% [markdown]
# ## What you will be able to do
#
# - Show, on unseen pictures, that three pictures are not enough.
# - Look at a transform, and say whether the truth moves with the picture.
# - Find four bugs that no error message tells you about.
# - Keep copies of training pictures out of a validation score.
# - Say with error bars whether augmentation helped, and how much data is enough.
#
# **Minutes:** about 80 minutes of reading, running and exercises, of which one quiet core computes
# about 10 (reckoned from timed steps). Five exercises, 10 points.

# %% setup
from dataclasses import replace

import numpy as np
from scipy import ndimage
from tqdm.auto import tqdm

# %% [markdown]
# ## 1. Three pictures
#
# One of our papers (*Is this cell alive?*) had three pictures to train on, and nothing else. We
# take three as well: one each of three cell lines, cut to 256×256 pixels. Everything in the test
# wells stays unseen.

# %%
samples = ck.read("livecell").cached()
test = samples.where(lambda entry: entry.group in ck.lesson.TEST_WELLS)
rest = samples.where(lambda entry: entry.group not in ck.lesson.TEST_WELLS)
lines = ["A172", "BT474", "SKOV3"]

def cut_out(sample, side=256):
    return replace(sample, image=sample.image[:side, :side], labels=sample.labels[:side, :side])

three = ck.Samples.of([cut_out(rest[rest.cell_types.index(line)]) for line in lines])

# %%
ck.show.images(
    [ck.show.colour_labels(s.labels, s.image) for s in three],
    [f"{s.dataset}: {s.cell_type}, {len(np.unique(s.labels)) - 1} cells" for s in three],
    size=4, alt="Three cut-outs of 256 by 256 pixels, one each of the lines A172, BT474 and "
    "SKOV3, every cell in a colour of its own.",
)

# %% [markdown]
# We train on them as they are, without any augmentation. The helper below does it in the same way
# all through the lesson: same network, same number of steps.

# %%
def trained(samples, augment=None, seed=0, progress=False):
    """A U-Net, trained for a fixed number of steps."""
    channels = 1 if samples[0].image.ndim == 2 else 3
    net = ck.UNet(in_channels=channels, width=lesson.width, seed=seed)
    settings = {**lesson.training, "seed": seed}
    ck.fit(net, samples, augment=augment, progress=progress, **settings)
    return net

def score(net, samples):
    """Dice, mean over pictures."""
    return float(np.mean([ck.dice(s.mask, ck.predict(net, s.image) > 0.5) for s in samples]))

# %%
plain = trained(three, progress=True)

# %%
parts = {
    "the three": three,
    "same lines,\nother wells": test.where(lambda entry: entry.cell_type in lines),
    "other lines": test.where(lambda entry: entry.cell_type not in lines),
}
by_part = {name: score(plain, part) for name, part in parts.items()}

# %%
ck.show.bars(
    by_part, ylabel="Dice, mean over pictures", title=f"{samples.dataset}: trained on three",
    alt="Dice of the network trained on three cut-outs: "
    + ", ".join(f"{name} {value:.2f}" for name, value in by_part.items()).replace("\n", " ") + ".",
)

# %% [markdown]
# The first bar is what a network says about pictures that it knows by heart. The other two are
# what we want to know. The distance between them is **over-fitting**: with so few pictures,
# learning *these* pixels is easier than learning what a cell is.
#
# ## 2. The same cell, seen otherwise
#
# A cell stays a cell when the dish is turned. So turn the picture, and you have another training
# picture, for nothing. Two rules decide what is allowed:
#
# 1. The result must be a picture that the microscope **could have taken**.
# 2. The truth must **move with it**: labels are turned and bent exactly as the image is. Light and
#    noise change the image only.
#
# Here is every transform of `ck.augment`, alone, on one picture. The coloured rims are the labels.

# %%
a, picture = ck.augment, three[0]
transforms = [a.Flip(), a.Rotate(45), a.Zoom(0.5), a.Shear(20), a.Shift(0.2), a.Crop(0.4),
              a.Elastic(10), a.Noise(0.08), a.Blur(2), a.Sharpen(2), a.Brightness(0.2),
              a.Contrast(1)]

def seen_through(transform, draw=0):
    strength = transform.between[1]
    image, labels = transform.at(strength)(picture.image, picture.labels,
                                           np.random.default_rng(draw))
    return ck.show.colour_labels(labels, image)

# %%
ck.show.images(
    [seen_through(one) for one in transforms],
    [f"{type(one).__name__}: {one.between[1]:g}\n{one.unit}" for one in transforms], size=2.7,
    alt="One cut-out after each of twelve transforms, each alone. Seven move the pixels, and the "
    "coloured cells move along; five change grey values only, and the cells stay.",
)

# %% [markdown]
# Look closely at *Rotate*, *Zoom* and *Elastic*. New pixels fall between old ones, so they are
# **interpolated**: mixed from their neighbours. That smooths the grain of the picture. We come back
# to this in section 6.
#
# ## 3. How strong?
#
# Every transform has a strength. First a strip to look at, then the same to play with.

# %%
explorer = ck.explore.augmentation(three)
explorer.twin("strength", [0, 3, 10, 30], transform="elastic",
              caption="Elastic: how far pixels move, in pixels")

# %% [markdown]
# Look at the last column. Elastic moves pixels and changes no grey value on purpose. Still the
# contrast falls at the first step: that is the interpolation. More bending costs no more of it.
#
# Now choose another transform, and move the slider until *you* would no longer call the result a
# cell culture. That is too much. `draw` gives another direction and place.

# %%
explorer

# %% [markdown]
# Papers list what they did, and hardly ever how strongly. Here are the lists of three of ours, as
# we read them. What is not in the paper says so.

# %%
print(ck.augment.paper3)

# %%
pipelines = {"paper 2": a.paper2, "paper 3": a.paper3, "paper 5": a.paper5}
draws = [(name, pipeline(picture.image, picture.labels, np.random.default_rng(k)))
         for name, pipeline in pipelines.items() for k in range(4)]
ck.show.images(
    [ck.show.colour_labels(labels, image) for _, (image, labels) in draws],
    [name for name, _ in draws], columns=4, size=2.7,
    alt="Four random results each of the augmentation lists of papers 2, 3 and 5, from the same "
    "cut-out: turned, enlarged, bent, brighter and darker; the coloured cells follow.",
)

# %% [markdown]
# ## 4. Four bugs that nobody notices
#
# Wrong augmentation does not crash. The loss falls, the pictures look fine, and the result is a
# little worse than it could be. So you must know these bugs by sight. Each of the next four
# exercises hides one of them.

# %%
turned = picture.image[:, ::-1]
ck.show.images(
    [ck.show.colour_labels(picture.labels[:, ::-1], turned),
     ck.show.colour_labels(picture.labels, turned)],
    ["image and labels flipped", "image flipped, labels not"], size=4.5,
    alt="Left the flipped cut-out with flipped labels: rims follow the cells. Right the flipped "
    "cut-out with labels as they were: rims cut across cells and lie on background.",
)

# %% [markdown]
# On the right the truth is wrong. A network trained on such pairs learns to be unsure.

# %% [markdown] exercise="flip_pair"
# ### Exercise 3.1 · Find the bug: the flip (2 points, 8 minutes)
#
# A colleague flips left and right, half of the time.

# %%
def colleagues_flip_pair(image, labels, rng):
    if rng.random() < 0.5:
        image = image[:, ::-1]
    if rng.random() < 0.5:
        labels = labels[:, ::-1]
    return image, labels

# %% [markdown]
# Write it again, so that image and labels stay together. Images may be grey (H, W) or in colour
# (H, W, 3). All chance must come from `rng`.

# %% solution="flip_pair"
def flip_pair(image, labels, rng):
    """Left and right exchanged half of the time, in image and labels together."""
    # BEGIN SOLUTION
    if rng.random() < 0.5:
        return image[:, ::-1], labels[:, ::-1]
    return image, labels
    # END SOLUTION

# %% check="flip_pair" points=2
# BEGIN HIDDEN TESTS
pixels = np.random.default_rng(4).random((5, 6, 3))
numbers = np.arange(30).reshape(5, 6)
count = 0
for k in range(300):
    image, labels = flip_pair(pixels.copy(), numbers.copy(), np.random.default_rng(900 + k))
    flipped = not np.array_equal(labels, numbers)
    step = -1 if flipped else 1
    assert np.array_equal(labels, numbers[:, ::step]) and np.array_equal(image, pixels[:, ::step])
    count += flipped
assert 110 < count < 190
# END HIDDEN TESTS
flip_pair = ck.lesson.check("flip_pair", flip_pair)

# %% [markdown]
# What does the bug cost? The same training twice, once with the colleague's flips.

# %%
flips = {"right": flip_pair, "colleague's": colleagues_flip_pair}

def as_augmentation(flip):
    return lambda image, labels, rng: tuple(map(np.ascontiguousarray, flip(image, labels, rng)))

cost = {name: score(trained(three, as_augmentation(flip)), test)
        for name, flip in tqdm(flips.items(), "trainings")}

# %%
ck.show.bars(
    cost, ylabel="Dice on test wells, mean", title=f"{samples.dataset}: two ways to flip",
    alt="Dice on the test wells after training with right flips, and with flips that tear image "
    "and labels apart: " + ", ".join(f"{n} {v:.3f}" for n, v in cost.items()) + ".",
)

# %% [markdown] exercise="rotate_pair"
# ### Exercise 3.2 · Find the bug: the turn (2 points, 8 minutes)
#
# Another colleague turns both in the same way. Look at the numbers that come out.

# %%
def colleagues_rotate_pair(image, labels, degrees):
    image = ndimage.rotate(image, degrees, reshape=False, order=1, mode="mirror")
    labels = ndimage.rotate(labels, degrees, reshape=False, order=1, mode="mirror")
    return image, labels

two = np.zeros((48, 64), np.int32)
two[12:36, 10:32], two[12:36, 32:54] = 2, 9
print("cells before:", np.unique(two[two > 0]))
print("cells after: ", np.unique(colleagues_rotate_pair(two * 1.0, two, 30)[1])[1:])
# expect: cells before: [2 9]
# expect: cells after:  [1 2 3 4 5 6 7 8 9]

# %% [markdown]
# Two cells went in, nine came out. Write it again, so that no new cell appears. The image should
# still be interpolated.

# %% solution="rotate_pair"
def rotate_pair(image, labels, degrees):
    """Image and labels turned; only the image is interpolated."""
    # BEGIN SOLUTION
    image = ndimage.rotate(image, degrees, reshape=False, order=1, mode="mirror")
    labels = ndimage.rotate(labels, degrees, reshape=False, order=0, mode="mirror")
    return image, labels
    # END SOLUTION

# %% check="rotate_pair" points=2
# BEGIN HIDDEN TESTS
cells = np.zeros((20, 17), np.int32)
cells[3:11, 2:9], cells[3:11, 9:15], cells[11:18, 4:12] = 40, 7, 300
pixels = np.random.default_rng(8).random((20, 17))
settings = {"reshape": False, "mode": "mirror"}
for degrees in (25, -140):
    image, labels = rotate_pair(pixels.copy(), cells.copy(), degrees)
    assert np.allclose(image, ndimage.rotate(pixels, degrees, order=1, **settings))
    assert np.array_equal(labels, ndimage.rotate(cells, degrees, order=0, **settings))
# END HIDDEN TESTS
rotate_pair = ck.lesson.check("rotate_pair", rotate_pair)

# %%
found = {"as drawn": two, "colleague's": colleagues_rotate_pair(two * 1.0, two, 30)[1],
         "nearest": rotate_pair(two * 1.0, two, 30)[1]}
ck.show.images(
    list(found.values()), [f"{n}: {len(np.unique(x)) - 1} cells" for n, x in found.items()],
    size=3.6, alt="Two touching squares, numbered 2 and 9; turned with interpolation, where thin "
    "rims of other numbers appear around and between them; turned by the nearest pixel, where "
    "there are two cells still.",
)

# %% [markdown]
# As a mask the middle picture looks right. Only who counts the cells notices.
#
# Now the third bug. A training program cuts and augments in several **worker** processes, which
# take turns. Each has its own generator of random numbers. Here is what happens when all start it
# alike: worker 0 augments our three pictures, and worker 1 augments them for the next round.

# %%
def worker(pictures, rng):
    """What one worker hands over: each of its pictures, augmented."""
    return [a.paper3(s.image, s.labels, rng)[0] for s in pictures]

same = [image for number in range(2) for image in worker(three, np.random.default_rng(0))]
ck.show.images(
    same, [f"worker {k // 3}, item {k}" for k in range(6)], columns=3, size=2.7,
    alt="Two rows of three augmented cut-outs, one row a worker. The lower row repeats the upper "
    "row exactly.",
)

# %% [markdown]
# The second worker did nothing but repeat the first. With more pictures than three, the workers'
# pictures would differ, but each would be turned, enlarged and lit as its neighbour was. And where
# workers are started anew for each epoch, every epoch repeats the one before. The cure: give
# **each item of each epoch** numbers of its own.

# %% [markdown] exercise="generator_for"
# ### Exercise 3.3 · Find the bug: the workers (2 points, 8 minutes)
#
# The colleague's version is `return np.random.default_rng(seed)`. Write `generator_for(seed,
# epoch, index)`, which returns a generator (`np.random.Generator`). Called twice with the same
# three numbers, it must give the same random numbers. If any of the three differs, it must give
# others. `default_rng` also takes a list of whole numbers.

# %% solution="generator_for"
def generator_for(seed, epoch, index):
    """A generator of its own for item ``index`` of an epoch."""
    # BEGIN SOLUTION
    return np.random.default_rng([seed, epoch, index])
    # END SOLUTION

# %% check="generator_for" points=2
# BEGIN HIDDEN TESTS
drawn = {}
for seed in (0, 1, 5):
    for epoch in range(4):
        for index in range(6):
            numbers = tuple(generator_for(seed, epoch, index).random(3))
            assert numbers == tuple(generator_for(seed, epoch, index).random(3))
            assert numbers not in drawn
            drawn[numbers] = True
# END HIDDEN TESTS
generator_for = ck.lesson.check("generator_for", generator_for)

# %%
fresh = [a.paper3(three[k % 3].image, three[k % 3].labels, generator_for(0, 0, k))[0]
         for k in range(6)]
ck.show.images(
    fresh, [f"worker {k // 3}, item {k}" for k in range(6)], columns=3, size=2.7,
    alt="Six augmented cut-outs with a generator for each item: no two are alike, whichever "
    "worker made them.",
)

# %% [markdown]
# ## 5. The hidden leak
#
# The paper with three pictures made 1,773 out of them, and then set 15 % apart to validate. Read
# that again. Three pictures cannot be divided 85 to 15, so the *copies* were. Then copies of the
# same picture lie on both sides. (The paper does not say so in words. Its numbers allow no other
# reading that we can see.) Let us do the same.

# %%
def grow(pictures):
    """Each picture, and many augmented copies of it."""
    count = lesson.copies * len(pictures)
    return ck.augment.grow(pictures, count, ck.augment.paper3, seed=0).cached()

copies = grow(three)
leaky_train, leaky_valid = ck.split(copies, 0.85, seed=0, by="image")
print("pictures behind the training part:  ", len(set(leaky_train.groups)))
print("pictures behind the validation part:", len(set(leaky_valid.groups)))

# %%
held = leaky_valid[0]
sisters = leaky_train.where(lambda entry: entry.group == held.group)
shown = [held, *sisters[1:4]]
ck.show.images(
    [s.image for s in shown], ["validation", *["training"] * (len(shown) - 1)], size=2.9,
    alt="A copy from the validation part beside copies from the training part: the same "
    "cells, turned and lit differently.",
)

# %%
def scores(net, valid):
    return {"validation": score(net, valid), "unseen": score(net, test),
            "unseen, other lines": score(net, parts["other lines"])}

leaky = trained(leaky_train, progress=True)
leaky_scores = scores(leaky, leaky_valid)

# %% [markdown] exercise="leak_guess"
# ### Exercise 3.4 · Predict, then run (1 point, 3 minutes)
#
# The next cell says how this network does on its validation copies. Run it. How will it do on the
# test wells, of which it has seen no copy? Return the Dice that you expect, a number from 0 to 1.
# Any honest guess wins the point.

# %%
print(f"Dice on validation copies: {leaky_scores['validation']:.2f}")

# %% solution="leak_guess"
def leak_guess():
    """The Dice you expect on pictures that no copy was made from."""
    # BEGIN SOLUTION
    return 0.7
    # END SOLUTION

# %% check="leak_guess" points=1
# BEGIN HIDDEN TESTS
assert not isinstance(leak_guess(), (str, bool)) and 0 <= float(leak_guess()) <= 1
# END HIDDEN TESTS
leak_guess = ck.lesson.check("leak_guess", leak_guess, *list(leaky_scores.values())[:2])

# %% [markdown] exercise="prepare"
# ### Exercise 3.5 · Find the bugs: the order (3 points, 10 minutes)
#
# Here is the colleague who prepared such data, in three lines.

# %%
def colleagues_prepare(pictures, share, grow):
    pictures = grow(pictures)
    count = round(share * len(pictures))
    return pictures[:count], pictures[count:]

# %% [markdown]
# Two things are wrong: copies of one picture end up on both sides, and the validation pictures are
# augmented. Write it again. `pictures` is a list, and `grow(part)` gives the pictures of a part
# together with their copies. The first `round(share * len(pictures))` pictures are for training,
# and are grown. The others are for validation, as they are. Return (training, validation).

# %% solution="prepare"
def prepare(pictures, share, grow):
    """(training pictures, grown; the other pictures as they are)"""
    # BEGIN SOLUTION
    count = round(share * len(pictures))
    return grow(pictures[:count]), pictures[count:]
    # END SOLUTION

# %% check="prepare" points=3
# BEGIN HIDDEN TESTS
def with_copies(part):
    return [name + copy for name in part for copy in ("", "+", "++")]

for letters, share in (("QRSTU", 0.8), ("QRSTUVW", 0.3), ("QRST", 0.74)):
    few, rest_of = list(letters[:round(share * len(letters))]), None
    rest_of = list(letters[len(few):])
    train, valid = prepare(list(letters), share, with_copies)
    assert list(train) == with_copies(few) and list(valid) == rest_of
# END HIDDEN TESTS
prepare = ck.lesson.check("prepare", prepare)

# %%
honest_train, honest_valid = prepare(three, 2 / 3, grow)
honest = trained(honest_train)
honest_scores = scores(honest, honest_valid)

# %%
promises = {f"{name}:\n{part}": value for name, found in
            (("grown first", leaky_scores), ("divided first", honest_scores))
            for part, value in found.items()}
ck.show.bars(
    promises, ylabel="Dice, mean over pictures", title=f"{samples.dataset}: what was promised",
    alt="Dice promised by the validation part and reached on unseen pictures: "
    + ", ".join(f"{n} {v:.2f}" for n, v in promises.items()).replace("\n", " ") + ".",
)

# %% [markdown]
# Compare the first bar with the next two. The validation score measured how well three pictures are
# known by heart, not what you wanted to know. It would have led you to train longer, and to believe
# it. The fourth bar says something about new pictures. It is one single picture, so it says it
# roughly; but nobody taught it by heart.
#
# And the second bug, augmenting what you validate on? Then the ruler itself moves:

# %%
wobble = [score(honest, ck.augment.grow(honest_valid, 2, a.paper5, seed=k)[1:]) for k in range(5)]
print("the same network, the same picture, augmented five times:",
      ", ".join(f"{value:.2f}" for value in wobble))

# %% [markdown]
# `ck.augment.grow` keeps each copy's `group`, so `ck.split(copies, by="group")` never tears them
# apart, and `ck.fit` warns when both sides share a group. The safest habit is simpler still:
# **augment while training, and only the training part.** That is what `ck.fit(augment=...)` does.
#
# ## 6. Does it help? And when is it too much?
#
# A fair comparison changes *one* thing. Same pictures, same steps, same network. And since luck
# moves every score, we train each three times, from three seeds.

# %%
ways = {"nothing": None, "flips, quarter\nturns, light": a.default, "paper 5's list": a.paper5}
runs = {name: [] for name in ways}
for name, seed in tqdm([(name, seed) for name in ways for seed in range(3)], "trainings"):
    runs[name].append(score(trained(three, ways[name], seed), test))

# %%
mean = {name: float(np.mean(found)) for name, found in runs.items()}
spread = {name: float(np.std(found, ddof=1)) for name, found in runs.items()}

# %%
ck.show.bars(
    mean, spread=spread, digits=3, ylabel="Dice on test wells", title=f"{samples.dataset}: 3 seeds",
    alt="Dice on the test wells by augmentation, mean and standard deviation over three seeds: "
    + ", ".join(f"{n} {mean[n]:.3f} ± {spread[n]:.3f}" for n in mean).replace("\n", " ") + ".",
)

# %%
base, *others = mean
for name in others:
    gain, luck = mean[name] - mean[base], np.hypot(spread[name], spread[base])
    verdict = "more than" if abs(gain) > 2 * luck else "within"
    words = name.replace("\n", " ")
    print(f"{words}: {gain:+.3f}, {verdict} twice the spread of a difference ({luck:.3f})")

# %% [markdown]
# The last line of such a comparison is always the same question: is the difference larger than the
# spread? With three seeds only a large difference can be told from luck.
#
# More is not always better. Paper 5 saw its scores *fall* a little with many augmented pictures,
# and could only suspect why. Here is one pipeline, in several strengths.

# %%
def bent(times):
    return a.Pipeline(a.Rotate(20 * times), a.Zoom(0.1 * times), a.Elastic(3 * times),
                      a.Contrast(0.2 * times), a.Noise(0.02 * times))

strengths = [0, 1, 3, 9]
looks = [bent(times)(picture.image, picture.labels, np.random.default_rng(1))
         for times in strengths]
ck.show.images(
    [ck.show.colour_labels(labels, image) for image, labels in looks],
    [f"times {times}" for times in strengths], size=2.9,
    alt="The same cut-out through the pipeline at strength 0, 1, 3 and 9: at 9 the cells are torn, "
    "grainy and hardly to be recognised.",
)

# %%
by_strength = [score(trained(three, bent(times)), test) for times in tqdm(strengths, "trainings")]

# %%
ck.show.curves(
    {"test wells": by_strength}, strengths, xlabel="strength, times", ylabel="Dice, mean",
    title=f"{samples.dataset}: one seed each",
    alt="Dice on the test wells by strength of the augmentation: "
    + ", ".join(f"times {t} {v:.3f}" for t, v in zip(strengths, by_strength, strict=True)) + ".",
)

# %% [markdown]
# One seed each: a step in this curve that is smaller than the error bars above may be luck. Two
# things work against strong augmentation. A short training cannot learn so many kinds of pictures.
# And interpolation smooths the grain, so that the network trains on pictures smoother than those
# it will be asked about. Flips and quarter turns interpolate nothing, and cost nothing.
#
# ## 7. How much data is enough?
#
# Paper 5 trained on 80 % of each of its sets, then on less, down to 10 %. We do the same with
# DSB2018: nuclei of many kinds. A fifth of the fields is tested on, always the same.

# %%
recipe = ck.lesson.papers.PAPER5
nuclei = ck.lesson.papers.load("dsb2018")
shares = [0.1, 0.2, 0.4, 0.8]
counts, by_share = [], []
for share in tqdm(shares, "trainings"):
    some, unseen = ck.lesson.papers.divide(recipe, "dsb2018", nuclei, share)
    counts.append(len(some))
    by_share.append(score(trained(some, a.default), unseen))

# %%
ck.show.curves(
    {"test fields": by_share}, [100 * share for share in shares], ylabel="Dice, mean",
    xlabel="trained on this share of all pictures, %", title=f"{nuclei.dataset}: one seed each",
    alt="Dice on test fields by the share of pictures trained on: " + ", ".join(
        f"{s:.0%} ({n} pictures) {v:.3f}"
        for s, n, v in zip(shares, counts, by_share, strict=True)) + ".",
)

# %% [markdown]
# Each point had the same number of training steps, and one seed: by how much luck alone moves a
# point, the error bars of section 6 say. So a dip need not mean anything. Where the curve is flat,
# more pictures *of the same kind* would not help: draw other kinds, or train longer. Where it still
# rises, draw more.
#
# ## 8. The papers, and ours
#
# A **recipe** holds what a paper says, setting by setting. Where it says nothing, our choice
# stands beside it, named as ours.

# %%
ck.show.table([row for row in recipe.rows() if row["ours"] != "the same"],
              f"{recipe.name}, {recipe.title}: where we had to choose, or do it otherwise")

# %% [markdown]
# Here is the paper's table beside ours, on the real pictures. Our rows were *measured earlier*,
# with `python -m experiments.paper_tables paper5 --set …`, from one seed each; the file says with
# which commit, in how many minutes, and with all settings.

# %%
earlier = ck.lesson.results.measured("paper5")
table = []
for name, printed in recipe.printed.items():
    found = [row for row in earlier.values()
             if row["dataset"] == name and row["share"] is None] or [None]
    for row in found:
        table.append({
            "data": name, "paper F1": f"{printed['f1']:.2f}",
            "our F1": f"{row['test']['f1']:.3f}" if row else "not run",
            "mean IoU": f"{row['test']['iou']:.3f}" if row else "",
            "side": row["side"] if row else "", "augmentation": row["augmentation"] if row else "",
            "trained on": row["trained on"] if row else "", "steps": row["steps"] if row else "",
            "minutes": row["minutes of training"] if row else "",
        })

# %%
ck.show.table(table, "Paper 5 and ours, foreground F1 pooled over test pixels (measured earlier)")

# %% [markdown]
# What differs: the paper tested on pictures that may be neighbours of training pictures; ours are
# other fields, or other blocks of slices. Its network is four times as wide, and saw each picture a
# hundred times; ours had some minutes of one busy core. SNEMI3D and NCMIR could not be had here. So
# do not read the table as a race. And F1 hides two things. On ISBI 2012 most pixels are inside a
# cell, so even *calling everything inside* scores high: look at the membranes as well. On DSB2018
# one number stands for very different kinds of pictures.

# %%
for row in earlier.values():
    test_part = row["test"]
    if row["share"] is not None:
        continue
    if row["dataset"] == "isbi2012":
        print(f"ISBI 2012: inside {test_part['f1']:.3f}, membrane {test_part['background f1']:.3f};"
              f" everything called inside: {test_part['f1 of everything']:.3f}")
    kinds = {name[4:]: value for name, value in test_part.items() if name.startswith("f1, ")}
    if kinds:
        print(f"DSB2018, side {row['side']}, augmentation {row['augmentation']}: "
              + ", ".join(f"{kind} {value:.3f}" for kind, value in kinds.items()))

# %% [markdown]
# Look at the stained pictures. With flips and light alone they come out far worse than with the
# paper's whole list, though section 6 may have told you the opposite of LIVECell. The stained ones
# are few and of many colours: here augmentation stands in for pictures that nobody took. There is
# no list that is right for all data.
#
# The paper's last question, asked of each set: what if there were fewer pictures? Every training
# below had 300 steps. The pictures tested on are the same along each line.

# %%
lines = {}
for name in ("dsb2018", "isbi2012", "epfl"):
    rows = sorted((row for row in earlier.values() if row["dataset"] == name
                   and row["steps"] == 300), key=lambda row: row["trained on"])
    lines[name] = [row["trained on"] for row in rows], [row["test"]["f1"] for row in rows]
ck.show.curves(
    lines, xlabel="pictures trained on", ylabel="F1, pooled", xscale="log",
    title="300 steps, one seed each (measured earlier)",
    alt="F1 on the test part by number of pictures trained on: " + "; ".join(
        f"{name} " + ", ".join(f"{n} {v:.3f}" for n, v in zip(*line, strict=True))
        for name, line in lines.items()) + ".",
)

# %% [markdown]
# Read each line by itself. ISBI 2012 is flat: three slices do as well as 24, for the slices are
# nearly alike, and each holds many cells. EPFL still rises. DSB2018 jumps, with a dip at 46
# pictures: *which* pictures were chosen counts as much as how many, when there are many kinds.
#
# And the paper of section 5, whole: three pictures grown to 1,773, leak included. Its own were
# never published, so ours are simulated nuclei of the Cell Tracking Challenge.

# %%
whole = list(ck.lesson.results.measured("paper3").values())
parts = {"validation": "copies of the three", "test": "eleven that nobody augmented from"}
ck.show.table(
    [{"scored on": words, "paper IoU": "not printed", "our IoU": row[part]["iou"],
      "accuracy": row[part]["accuracy"], "steps": row["steps"]}
     for row in whole for part, words in parts.items()],
    "Paper 3 and ours, one seed (measured earlier)",
)

# %% [markdown]
# The other way round than in section 5: the copies score *lower*. They are bent and dimmed, the
# fresh pictures are not, and simulated nuclei are all of one kind. So a score on copies can flatter
# or frighten. It never says what you want to know.
#
# ## Recap
#
# You can now
#
# - Show, on unseen pictures, that three pictures are not enough.
# - Look at a transform, and say whether the truth moves with the picture.
# - Find four bugs that no error message tells you about.
# - Keep copies of training pictures out of a validation score.
# - Say with error bars whether augmentation helped, and how much data is enough.

# %%
ck.lesson.progress()

# %% [markdown]
# ## Going further
#
# - Other data: `ck.read("glas")`, `"isbi2012"`, `"epfl"`, or your own: `ck.read("folder",
#   root="my_pictures")`. What would *you* allow there? Glands have no up and down. Letters do.
# - `ck.augment.Torchvision(v2.ColorJitter(...))` makes any transform of torchvision one of ours.
# - `ck.lesson.papers.PAPER3` is the paper of section 5, whole.
#   `python -m experiments.paper_tables paper3 --steps 1200` runs it on simulated nuclei (Cell
#   Tracking Challenge), leak included. Bring time.
# - Repeat section 6 with `samples` instead of `three`. Does the gain grow or shrink with more data?
# - Ronneberger, Fischer and Brox (2015), section 3.1, is where elastic deformation came to cells.
#
# **Next:** lesson 4, super-resolution.
