# %% [markdown]
# # 2 · A U-Net from scratch
#
# A mask says, for each pixel, *cell* or *not cell*. In this lesson you build a network that paints
# such a mask: the U-Net, in about forty lines. You train it, watch it over-fit, stop it in time,
# and then look hard at where it fails.

# %% [markdown]
# ## What you will be able to do
#
# - Build a U-Net from its parts: convolution block, down, up, skip.
# - Say what the skip connections are for, and show it with an experiment.
# - Choose a loss when most pixels are background.
# - Train a network, read its curves, and stop before it over-fits.
# - Turn a probability into a mask, and judge it by Dice, precision and recall.
#
# **Minutes:** about 90 minutes of reading, running and exercises, of which the two cores of a
# laptop compute about 11. Six exercises, 16 points.

# %% setup
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)

# %% [markdown]
# ## 1. Three parts of the data
#
# We need pictures to **train** on, others to **validate** on while we make choices, and others
# again to **test** on, once, at the end. Lesson 1 showed why wells stay whole.

# %%
samples = ck.read("livecell").cached()
test = samples.where(lambda entry: entry.group in ck.lesson.TEST_WELLS)
rest = samples.where(lambda entry: entry.group not in ck.lesson.TEST_WELLS)
train, valid = ck.split(rest, 0.85, seed=0, by="group")

# %%
parts = {"train": train, "valid": valid, "test": test}
ck.show.table(
    [{"part": name, "pictures": len(part), "wells": len(set(part.groups)),
      "cell lines": ", ".join(sorted(set(part.cell_types)))} for name, part in parts.items()],
    f"{samples.dataset}: no well is in two parts",
)

# %% [markdown]
# ## 2. A convolution looks at nine pixels
#
# The smallest brick is the **3×3 convolution**. At each pixel it takes the nine pixels around it,
# multiplies each by a weight, and adds up. We choose the weights by hand here. Training will
# choose them later.

# %%
def convolve(image, weights):
    kernel = torch.tensor(weights, dtype=torch.float32)[None, None]
    return nn.functional.conv2d(torch.tensor(image)[None, None], kernel, padding=1)[0, 0].numpy()

picture = train[0].image
blur = convolve(picture, [[1 / 9] * 3] * 3)
edges = convolve(picture, [[0, 1, 0], [1, -4, 1], [0, 1, 0]])

# %%
cut = np.s_[:160, :160]
ck.show.images(
    [picture[cut], blur[cut], np.abs(edges[cut])], [train[0].dataset, "mean of nine", "edges"],
    limits=None, alt="A cut-out, the same blurred by averaging nine pixels, and the same with only "
    "edges bright: two results of one operation with different weights.",
)

# %% [markdown]
# One convolution sees 3×3 pixels. Two in a row see 5×5. A cell is 30 pixels wide, so to see a
# whole cell with 3×3 steps we would need fifteen convolutions. There is a shortcut: make the
# picture smaller in between. After halving it four times, a 3×3 convolution spans 48 pixels of
# the original. But a small picture has lost the fine outline. The U-Net does both: it goes down
# to see far, comes up again, and on the way up gets the fine detail handed over.
#
# ## 3. The block
#
# The original U-Net repeats one block everywhere: convolution, ReLU, convolution, ReLU. ReLU sets
# negative numbers to zero; without it, two convolutions would be no more than one. We add **batch
# norm** after each convolution, as the first of our papers does. It keeps the numbers at a
# sensible size, and training gets much easier.

# %%
def block(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
    )

# %%
few = torch.zeros(1, 1, 64, 64)
print("in ", tuple(few.shape), "  (batch, channels, rows, columns)")
print("out", tuple(block(1, 16)(few).shape))

# %% [markdown]
# `bias=False` because batch norm subtracts the mean right after: a bias would vanish at once.
# `padding=1` keeps the size. Without it each convolution eats one pixel on every side, as in the
# original paper.
#
# ## 4. Down, up, and the skip
#
# **Down** is a maximum over each 2×2 square: half the rows, half the columns. **Up** is a
# *transposed convolution*: each pixel becomes a 2×2 square with learnt weights.

# %%
down, up = nn.MaxPool2d(2), nn.ConvTranspose2d(16, 8, 2, stride=2)
for size in (64, 65):
    x = torch.zeros(1, 16, size, size)
    print("size", size, "→ down", down(x).shape[-1], "→ up again", up(down(x)).shape[-1])
# expect: size 64 → down 32 → up again 64
# expect: size 65 → down 32 → up again 64

# %% [markdown]
# From 65 we come back to 64. One pixel is missing, because 65 is odd and half a pixel does not
# exist. The **skip** puts the way down and the way up side by side, channel by channel, and for
# that the sizes must agree. So the smaller one is padded.

# %% [markdown] exercise="join_skip"
# ### Exercise 2.1 · Join the skip (2 points, 10 minutes)
#
# Write `join_skip(up, skip)`. `up` has shape (N, A, h, w), `skip` has (N, B, H, W). Pad `up` with
# zeros to H×W; if the missing rows or columns are odd in number, the extra one goes to the
# bottom or to the right. If `up` is larger than `skip`, crop it in the same way. Return the
# channels of `skip` first, then those of `up`: shape (N, B + A, H, W).

# %% solution="join_skip"
def join_skip(up, skip):
    """Skip first, then the upsampled maps, padded (or cropped) to the skip's size."""
    # BEGIN SOLUTION
    rows, columns = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    top, left = int(rows / 2), int(columns / 2)
    up = nn.functional.pad(up, (left, columns - left, top, rows - top))
    return torch.cat([skip, up], dim=1)
    # END SOLUTION

# %% check="join_skip" points=2
# BEGIN HIDDEN TESTS
skip = torch.randn(2, 3, 9, 12, generator=torch.Generator().manual_seed(1))
low = torch.ones(2, 5, 8, 10)
joined = join_skip(low, skip)
assert joined.shape == (2, 8, 9, 12) and torch.equal(joined[:, :3], skip)
assert (joined[:, 3:, :8, 1:11] == 1).all()
assert joined[:, 3:, 8:].abs().sum() == joined[:, 3:, :, 0].abs().sum() == 0
assert joined[:, 3:, :, 11].abs().sum() == 0
# END HIDDEN TESTS
join_skip = ck.lesson.check("join_skip", join_skip)

# %% [markdown]
# ## 5. The whole network
#
# Four times down, four times up, a skip on each level. On each level down the channels double:
# the picture gets smaller, the description of each place gets richer. A last 1×1 convolution turns
# the channels of each pixel into one number, the **logit**: large means *cell*, negative means
# *background*.

# %%
class MyUNet(nn.Module):
    def __init__(self, width=16, depth=4, skips=True):
        super().__init__()
        sizes = [width * 2**level for level in range(depth + 1)]
        self.skips = skips
        self.first = block(1, sizes[0])
        self.down = nn.ModuleList(block(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2)
                                for a, b in zip(sizes[-2::-1], sizes[:0:-1], strict=True))
        self.merge = nn.ModuleList(block(2 * a, a) for a in sizes[-2::-1])
        self.last = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        levels = [self.first(x)]
        for step in self.down:
            levels.append(step(nn.functional.max_pool2d(levels[-1], 2)))
        x = levels.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            skip = levels.pop()
            x = merge(join_skip(up(x), skip if self.skips else torch.zeros_like(skip)))
        return self.last(x)

# %% [markdown]
# That is all. Is it right? Two tests. First, the number of weights: with 64 channels, batch norm
# and two output classes, the papers' network has 31,036,546. Ours has one output instead of two,
# which saves one 1×1 convolution of 64 weights and one bias.

# %%
mine = MyUNet(width=64)
count = sum(p.numel() for p in mine.parameters())
print(f"{count:,} weights, and {count + 64 + 1:,} with a second output")
# expect: 31,036,481 weights, and 31,036,546 with a second output

# %% [markdown]
# Second, its function. `ck.UNet` is built of the same parts. If we copy the weights over, both
# must say the same about the same picture.

# %%
mine, theirs = MyUNet(width=8).eval(), ck.UNet(width=8).eval()
theirs.load_state_dict(dict(zip(theirs.state_dict(), mine.state_dict().values(), strict=True)))
x = torch.randn(1, 1, 96, 80, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    difference = (mine(x) - theirs(x)).abs().max().item()
print("largest difference between the two networks:", difference)

# %% [markdown]
# From here on we use `ck.UNet`: the same network, with comfort for odd sizes and other outputs.
#
# ## 6. A ruler first: Dice
#
# Before we train, we need a ruler. **Dice** compares two masks: twice the pixels they share,
# divided by the pixels of both together. 1 is perfect, 0 is nothing in common.

# %% [markdown] exercise="dice"
# ### Exercise 2.2 · Dice (2 points, 10 minutes)
#
# Write `dice(truth, pred)` for two boolean masks of one shape. Return a plain float. If both are
# empty, they agree, and the answer is 1.

# %% solution="dice"
def dice(truth, pred):
    """2 |truth ∩ pred| / (|truth| + |pred|); 1 if both are empty."""
    # BEGIN SOLUTION
    total = truth.sum() + pred.sum()
    if total == 0:
        return 1.0
    return float(2 * (truth & pred).sum() / total)
    # END SOLUTION

# %% check="dice" points=2
# BEGIN HIDDEN TESTS
a, b = np.zeros((11, 6), bool), np.zeros((11, 6), bool)
a[2:7, 1:5], b[4:10, 2:6] = True, True
assert abs(dice(a, b) - 2 * 9 / (20 + 24)) < 1e-9
assert dice(a, a) == 1 and dice(a, ~a) == 0 and dice(a & False, b & False) == 1
most = np.ones((31, 29), bool)
most[:10] = False
assert abs(dice(most, most | True) - 2 * 21 * 29 / (21 * 29 + 31 * 29)) < 1e-9
# END HIDDEN TESTS
dice = ck.lesson.check("dice", dice)

# %%
truth = train[0].mask
shifted = np.roll(truth, 4, axis=1)
ck.show.images(
    [truth, shifted, ck.show.compare(truth, shifted, train[0].image)],
    ["truth", "the same, 4 pixels to the right", f"Dice {dice(truth, shifted):.3f}"], size=4,
    caption=ck.show.legend_of_compare(),
    alt="A mask, the same mask shifted by four pixels, and both compared: thin crescents of misses "
    f"and false alarms at every outline. Dice is {dice(truth, shifted):.3f}.",
)

# %% [markdown]
# A shift of four pixels that the eye hardly sees costs that much. Keep the number in mind when a
# paper reports Dice with three digits.
#
# ## 7. Losses: what the network is told to want
#
# Training needs a number that gets smaller as the answer gets better, and that changes *smoothly*.
# Dice jumps when a pixel crosses the threshold. **Binary cross-entropy** (BCE) does not: per
# pixel, it is minus the logarithm of the probability given to the truth.
#
# Where cells are rare, the many background pixels shout down the few cell pixels. A weight helps:
# in the third of our papers, cell pixels count more.

# %% [markdown] exercise="weighted_bce"
# ### Exercise 2.3 · Weighted cross-entropy (3 points, 15 minutes)
#
# Write `weighted_bce(logits, target, weight)` for tensors of one shape, `target` of zeros and ones.
# The probability is p = 1 / (1 + exp(−logit)). A cell pixel costs weight · −log p, a background
# pixel −log(1 − p). Return the mean over all pixels. It must stay finite for logits of ±100.

# %% solution="weighted_bce"
def weighted_bce(logits, target, weight):
    """Mean over pixels of −weight·t·log p − (1 − t)·log(1 − p)."""
    # BEGIN SOLUTION
    cell = nn.functional.softplus(-logits)          # −log p, without ever forming p
    background = nn.functional.softplus(logits)     # −log(1 − p)
    return (weight * target * cell + (1 - target) * background).mean()
    # END SOLUTION

# %% check="weighted_bce" points=3
# BEGIN HIDDEN TESTS
z = torch.tensor([[2.0, -1.0, 0.5], [-3.0, 100.0, -100.0]])
t = torch.tensor([[1.0, 0.0, 1.0], [1.0, 0.0, 1.0]])
for w in (1.0, 3.5):
    known = nn.functional.binary_cross_entropy_with_logits(z, t, pos_weight=torch.tensor(w))
    assert torch.isclose(weighted_bce(z, t, w), known)
assert torch.isfinite(weighted_bce(z * 1.0, t, 10.0))
# END HIDDEN TESTS
weighted_bce = ck.lesson.check("weighted_bce", weighted_bce)

# %% [markdown]
# What does each loss think of a lazy network? We compare four answers to one picture: all
# background, half of the cells found, everything called cell, and the truth.

# %%
sparse = min(train, key=lambda s: s.mask.mean())
target = torch.tensor(sparse.mask, dtype=torch.float32)
half = target.clone()
half[:, : half.shape[1] // 2] = 0
answers = {"all background": target * 0, "half the cells": half, "all cell": target * 0 + 1,
           "the truth": target}

# %%
rows = []
for name, answer in answers.items():
    logits = (6 * answer - 3)[None, None]
    rows.append({"answer": name, "BCE": weighted_bce(logits, target[None, None], 1.0).item(),
                 "BCE, cells × 5": weighted_bce(logits, target[None, None], 5.0).item(),
                 "soft Dice loss": ck.losses.soft_dice(logits, target[None, None]).item()})
ck.show.table(rows, f"Losses, {sparse.mask.mean():.0%} of the pixels are cell; lower is better")

# %% [markdown]
# Compare the first two rows: what does each loss pay for finding half of the cells? Plain BCE pays
# little, because cells are few and it counts pixels. The weighted loss pays five times as much.
# Soft Dice pays as if cells were plenty: it divides by their number. There is no loss that is right
# for everything. A weight buys found cells and pays with false alarms. We train with BCE plus soft
# Dice.
#
# ## 8. Training
#
# One training step: take some crops, ask the network, compute the loss, and move every weight a
# little downhill. `ck.fit` repeats that, and does what is dull: crops, flips, a progress bar, the
# best epoch kept. Its loop stands in `cellkit/train.py`, to be read. Four words:
#
# - A **batch** is the few crops of one step.
# - An **epoch** is a round of many steps. After each the validation pictures are scored.
# - The **learning rate**, `lr`, says how far a step moves the weights.
# - A **seed** fixes all that is drawn at random, so that a training can be repeated.
#
# One thing it does matters for everything: each picture is **standardised** before the network
# sees it. Its mean becomes 0 and its spread 1, so neither lamp nor camera gain counts.
# `ck.predict` does the same. We will need it by hand too:

# %%
def standardise(image):
    return (image - image.mean()) / image.std()

picture = train[0].image
for name, image in (("before:", picture), ("after: ", standardise(picture))):
    print(name, f"mean {image.mean():.2f}, spread {image.std():.2f}")

# %%
net = ck.UNet(width=lesson.width)
history = ck.fit(net, train, valid, on_epoch=ck.show.LiveCurves(), **lesson.training)

# %% [markdown]
# Two curves, two questions. Is the **training** curve still falling? Then it could go on. Has the
# **validation** curve turned? Then it has started to learn its training pictures by heart.

# %%
example = valid[0]
probability = ck.predict(net, example.image)
ck.show.images(
    [example.image, probability, ck.show.compare(example.mask, probability > 0.5, example.image)],
    [example.dataset, "probability of cell", f"Dice {dice(example.mask, probability > 0.5):.3f}"],
    size=4.2, caption=ck.show.legend_of_compare(),
    alt="A validation picture, the network's probability for each pixel, and its mask compared "
    "with the truth: most errors are thin lines along outlines.",
)

# %% [markdown] exercise="predict_mask"
# ### Exercise 2.4 · Find the bug (3 points, 10 minutes)
#
# A colleague turns a network's answer into a mask like this. It runs, and the masks look almost
# right, but its scores are too low and change from call to call. There are two mistakes.

# %%
def colleagues_predict_mask(net, image):
    """Bool mask (H, W) of a float32 image (H, W); the network returns logits."""
    net.train()
    logits = net(torch.tensor(image)[None, None])
    return (logits[0, 0] > 0.5).detach().numpy()

# %% [markdown]
# Write it again, without the mistakes. Leave the network in the mode in which it was given to
# you. Call it directly: `net(x)`, as above.

# %% solution="predict_mask"
def predict_mask(net, image):
    """Bool mask (H, W): probability above one half."""
    # BEGIN SOLUTION
    was_training = net.training
    net.eval()
    with torch.no_grad():
        logits = net(torch.tensor(image)[None, None])
    net.train(was_training)
    return (torch.sigmoid(logits[0, 0]) > 0.5).numpy()
    # END SOLUTION

# %% check="predict_mask" points=3
# BEGIN HIDDEN TESTS
probe = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
torch.manual_seed(5)
for p in probe.parameters():
    nn.init.normal_(p)
pixels = np.random.default_rng(5).random((12, 9), dtype=np.float32)
with torch.no_grad():
    wanted = probe.eval()(torch.tensor(pixels)[None, None])[0, 0].numpy() > 0
for mode in (True, False):
    probe.train(mode)
    found = predict_mask(probe, pixels)
    assert isinstance(found, np.ndarray) and found.dtype == bool and found.shape == wanted.shape
    assert (found == wanted).all()
    assert probe.training == mode
# END HIDDEN TESTS
predict_mask = ck.lesson.check("predict_mask", predict_mask)

# %% [markdown]
# ## 9. What the skips buy
#
# Now the experiment. Two small networks, the same seed, the same few steps. One of them gets zeros
# where the skip should be.

# %%
scores, pictures = {}, []
for name, skips in (("with skips", True), ("without skips", False)):
    torch.manual_seed(0)
    small = MyUNet(width=8, skips=skips)
    ck.fit(small, train, valid, progress=False, **lesson.ablation)
    masks = [predict_mask(small, ck.normalisation.standardise(s.image)) for s in valid]
    scores[name] = float(np.mean([dice(s.mask, m) for s, m in zip(valid, masks, strict=True)]))
    pictures.append(ck.show.compare(valid[0].mask, masks[0], valid[0].image))

# %%
ck.show.images(
    pictures, [f"{name}: Dice {value:.3f}" for name, value in scores.items()], size=4.5,
    caption=ck.show.legend_of_compare(),
    alt="The same validation picture, segmented with and without skips. Without them the outlines "
    "are blurred and small gaps between cells are filled. Mean Dice over validation pictures: "
    + ", ".join(f"{name} {value:.3f}" for name, value in scores.items()) + ".",
)

# %% [markdown]
# Without skips the network still knows *where* the cells are. It has forgotten *exactly* where:
# that knowledge was in the large pictures at the top, and the way around the bottom is too narrow
# for it.
#
# ## 10. Over-fitting, seen and stopped
#
# We provoke it: only two pictures to learn from, and no flips or brightness changes.

# %%
net_two = ck.UNet(width=lesson.width)
two = ck.fit(net_two, train[:2], valid, augment=None, progress=False, **lesson.overfit)
best = int(np.argmax(two.valid_metric))
print(f"best epoch: {best + 1} of {len(two.train_loss)}; fit kept the weights of that epoch")

# %%
ck.show.curves(
    {"training": two.train_loss, "validation": two.valid_loss}, xlabel="epoch", ylabel="loss",
    title="Two pictures, no augmentation", ylim=(0, 1.5),
    alt=f"Training loss falls from {two.train_loss[0]:.2f} to {two.train_loss[-1]:.2f}. Validation "
    f"loss is lowest at {min(two.valid_loss):.2f} and ends at {two.valid_loss[-1]:.2f}.",
)

# %% [markdown]
# Follow the two lines to the right. The training loss goes on falling. The validation loss gets
# stuck above it: from there on, what is learnt is those two pictures, not cells. Three cures: more
# data, **augmentation** (lesson 3), and to **stop early**, that is, to keep the weights of the best
# epoch. `ck.fit` always does the last.
#
# ## 11. From probability to mask
#
# The network gives a probability. A **threshold** makes it a mask. Is 0.5 the best one?

# %%
probabilities = [ck.predict(net, s.image) for s in valid]
thresholds = np.linspace(0.05, 0.95, 19)
by_threshold = {
    name: [np.mean([score(s.mask, p > t) for s, p in zip(valid, probabilities, strict=True)])
           for t in thresholds]
    for name, score in (("Dice", dice), ("precision", ck.metrics.precision),
                        ("recall", ck.metrics.recall))}

# %% [markdown]
# **Precision**: of the pixels called cell, how many are? **Recall**: of the cell pixels, how many
# were found?

# %% [markdown] exercise="precision_guess"
# ### Exercise 2.5 · Predict, then run (1 point, 5 minutes)
#
# We raise the threshold from 0.5 to 0.9. Do precision and recall go `"up"`, `"down"`, or stay the
# `"same"`? Answer before you look at the figure below.

# %% solution="precision_guess"
def precision_guess():
    """What a higher threshold does to (precision, recall): each "up", "down" or "same"."""
    # BEGIN SOLUTION
    return "up", "down"
    # END SOLUTION

# %% check="precision_guess" points=1
# BEGIN HIDDEN TESTS
assert tuple(word.strip().lower() for word in precision_guess()) == ("up", "down")
# END HIDDEN TESTS
precision_guess = ck.lesson.check("precision_guess", precision_guess)

# %%
best = int(np.argmax(by_threshold["Dice"]))
ck.show.curves(
    by_threshold, thresholds, xlabel="threshold", ylabel="mean over validation pictures",
    alt="Dice, precision and recall against the threshold. Precision rises, recall falls, and "
    f"Dice is highest, {by_threshold['Dice'][best]:.3f}, at a threshold of {thresholds[best]:.2f}.",
)

# %% [markdown]
# The curve of Dice is flat around its top: near 0.5 the choice hardly matters. We chose on
# *validation* pictures. To choose on test pictures would be cheating, in a small way.
#
# Two curves show all thresholds at once. The **PR curve** draws precision against recall; the
# **ROC curve** draws recall against the false-alarm rate.

# %%
truths = [s.mask for s in valid]
pr = ck.metrics.precision_recall_curve(truths, probabilities)
roc = ck.metrics.roc_curve(truths, probabilities)
fig, (left, right) = ck.show.axes(1, 2, (3.8, 3.2))
left.plot(pr.recall, pr.precision, color=ck.show.BLUE)
left.set(xlabel="recall", ylabel="precision", title=f"PR, area {pr.area:.3f}")
right.plot(roc.false_positive_rate, roc.true_positive_rate, color=ck.show.RED)
right.set(xlabel="false alarms per background pixel", ylabel="recall")
right.set_title(f"ROC, area {roc.area:.3f}")
ck.show.figure(fig, alt=f"Left the precision-recall curve, area {pr.area:.3f}; right the ROC "
               f"curve, area {roc.area:.3f}. Both pooled over all validation pixels.")

# %% [markdown]
# ## 12. Where it fails
#
# One mean hides a lot. Here are the test pictures, opened for the first time, by cell line.

# %%
scored = [(s, ck.predict(net, s.image) > 0.5) for s in test]
by_line = {}
for s, mask in scored:
    by_line.setdefault(s.cell_type, []).append(
        [dice(s.mask, mask), ck.metrics.precision(s.mask, mask), ck.metrics.recall(s.mask, mask)])

# %%
rows = [{"cell line": line, "pictures": len(v), **dict(zip(("Dice", "precision", "recall"),
         np.mean(v, 0), strict=True))} for line, v in sorted(by_line.items())]
everything = np.concatenate(list(by_line.values()))
rows.append({"cell line": "all", "pictures": len(everything), **dict(zip(
    ("Dice", "precision", "recall"), everything.mean(0), strict=True))})
ck.show.table(rows, f"{samples.dataset}: test wells, mean over pictures, threshold 0.5")

# %%
missing = sorted(set(samples.cell_types) - set(by_line))
print("without a test well, so not scored:", ", ".join(missing) or "none")

# %%
ranked = sorted(scored, key=lambda pair: dice(pair[0].mask, pair[1]))
picked = [ranked[0], ranked[len(ranked) // 2], ranked[-1]]
words = ("worst", "middle", "best")
ck.show.images(
    [s.image for s, _ in picked] + [ck.show.compare(s.mask, m, s.image) for s, m in picked],
    [f"{word}: {s.cell_type}" for word, (s, _) in zip(words, picked, strict=True)]
    + [f"Dice {dice(s.mask, m):.3f}" for s, m in picked],
    columns=3, size=4, caption=ck.show.legend_of_compare(),
    alt="The worst, the middle and the best test picture, above as they are, below with hits, "
    "misses and false alarms. Dice: " + ", ".join(f"{dice(s.mask, m):.3f}" for s, m in picked),
)

# %% [markdown]
# Look at the worst one. Are the errors on outlines, on flat cells, or on whole cells? Is the truth
# itself right? In LIVECell dense clumps were left out by the annotators, so some *false alarms*
# are cells that nobody drew.
#
# ## 13. Capstone

# %% [markdown] exercise="settings"
# ### Exercise 2.6 · Beat the baseline (5 points, 25 minutes)
#
# Write `settings()`. It returns a dictionary with `width`, `lr`, `loss` and `steps`; `loss` is
# `"bce"`, `"soft_dice"` or `"bce+soft_dice"`. The check trains a small U-Net (two levels down) with
# it on eight synthetic pictures of 128×128, takes the Dice on four others, and does so twice, from
# two seeds. To win, the mean must be clearly better than the baseline below: better than chance
# alone could make it. The budget is limited: width² · steps may not exceed the baseline's. So you
# cannot just buy the answer; you must spend better. A check takes some seconds, and you may check
# as often as you like.

# %%
print("baseline:", ck.lesson.BASELINE)

# %% solution="settings"
def settings():
    """width, lr, loss ("bce", "soft_dice" or "bce+soft_dice") and steps, within the budget."""
    # BEGIN SOLUTION
    return {"width": 8, "lr": 1e-2, "loss": "soft_dice", "steps": 60}
    # END SOLUTION

# %% check="settings" points=5
# BEGIN HIDDEN TESTS
import json
import subprocess
import sys

mine = settings()
assert mine["width"] ** 2 * mine["steps"] <= 16**2 * 15 and mine["lr"] > 0
assert mine["loss"] in ("bce", "soft_dice", "bce+soft_dice")
command = [sys.executable, "-m", "cellkit_course.tuning", json.dumps(mine), "2", "3"]
assert float(subprocess.check_output(command)) >= 0.83
# END HIDDEN TESTS
settings = ck.lesson.check("settings", settings)

# %% [markdown]
# ## Recap
#
# You can now
#
# - Build a U-Net from its parts: convolution block, down, up, skip.
# - Say what the skip connections are for, and show it with an experiment.
# - Choose a loss when most pixels are background.
# - Train a network, read its curves, and stop before it over-fits.
# - Turn a probability into a mask, and judge it by Dice, precision and recall.

# %%
ck.lesson.progress()

# %% [markdown]
# ## Going further
#
# - The bundled network was trained longer, on real and synthetic pictures:
#   `ck.load_weights("livecell")`. Its card says on which. Compare it with yours by eye; do not
#   score it on pictures that its card names.
# - `ck.UNet(up="bilinear")` replaces the transposed convolution. How many weights does that save?
# - Ronneberger, Fischer and Brox, *U-Net: Convolutional Networks for Biomedical Image
#   Segmentation*, MICCAI 2015, is eight pages long. You know all of its words now.
#
# **Next:** lesson 3, augmentation.
