# %% [markdown]
# # 2 · A U-Net from scratch
#
# A [mask](term:mask) says, for each pixel, *cell* or *not cell*. In this lesson you build a network
# that paints such a mask: the U-Net, in about forty lines. You follow its training line by line,
# watch it over-fit, stop it in time, and then look hard at where it fails.

# %% [markdown]
# ## What you will be able to do
#
# - Build a U-Net from its parts: convolution block, down, up, skip.
# - Say what the skip connections are for, and show it with an experiment.
# - Choose a loss when most pixels are background.
# - Follow a training loop line by line, read its curves, and stop before it over-fits.
# - Turn a probability into a mask, and judge it by Dice, precision and recall.
#
# {minutes}

# %% [markdown] tags=["question"]
# From lesson 1. `labels` is a label map with 30 cells. What is `labels > 0`?
# - [ ] The number of cells — that is `labels.max()`, if no number is left out.
# - [x] The mask — True wherever there is any cell, whichever it is.
# - [ ] The outlines — those lie where neighbouring numbers differ.

# %% [markdown] tags=["question"]
# From lesson 1. Why does a split keep whole wells together?
# - [x] Pictures of one well are alike — the test would measure how well they are remembered.
# - [ ] Wells differ in size — the split could count pictures all the same.
# - [ ] It makes the test part larger — its size is what you ask for.

# %% setup
from dataclasses import replace

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)

# %% [markdown]
# ## 1. What you will get
#
# We need pictures to **train** on, others to **validate** on while we make choices, and others
# again to **test** on, once, at the end.

# %%
samples = ck.read("livecell").cached()
test = samples.where(lambda entry: entry.group in ck.lesson.TEST_WELLS)
rest = samples.where(lambda entry: entry.group not in ck.lesson.TEST_WELLS)
train, valid = ck.split(rest, 0.85, seed=0, by="group")

# %% fold="Where the pictures come from, and who is in which part"
ck.lesson.origin(samples)
ck.show.table(
    [{"part": name, "pictures": len(part), "wells": len(set(part.groups)),
      "cell lines": ", ".join(sorted(set(part.cell_types)))}
     for name, part in (("train", train), ("valid", valid), ("test", test))],
    f"{samples.dataset}: no well is in two parts",
)

# %% [markdown]
# Here is what a U-Net can do that was trained for longer than you will wait today. It comes with
# `cellkit`.

# %%
example = valid[0]
trained_long = ck.load_weights("livecell")
foretaste = ck.predict(trained_long, example.image)

# %% fold="A trained U-Net at work"
ck.show.images(
    [ck.lesson.draw.with_scale(example.image, samples.dataset), foretaste, foretaste > 0.5],
    [f"{example.cell_type}, {example.dataset}", "probability of cell: black 0, white 1",
     "above one half: the mask"], size=4.2, caption="white bar: 50 µm",
    alt="A picture of cells, the probability of cell that the bundled network gives each pixel, "
    "and the mask of all pixels above one half: the shapes of the cells are there.",
)

# %% [markdown]
# How does it do that? We take it apart and build it again.
#
# ## 2. Torch for numpy users
#
# Networks are written in **torch**. A [tensor](define:tensor "| torch.tensor") is torch's array: it
# also remembers how it was computed, so that torch can tell how a change of one number changes the
# result. Almost all else is as in numpy:
#
# | numpy | torch |
# | --- | --- |
# | `np.zeros((2, 3))`, `a.shape`, `a > 0` | `torch.zeros(2, 3)`, `a.shape`, `a > 0` |
# | `a.sum(axis=1)`, `np.concatenate([a, b], axis=1)` | `a.sum(dim=1)`, `torch.cat([a, b], dim=1)` |
# | `np.pad(a, …)` | `nn.functional.pad(a, (left, right, top, bottom))` |
# | `float(a)` of a single number | `a.item()` |
# | from one to the other | `torch.tensor(a)`, `t.detach().numpy()` |
#
# Networks take four-dimensional tensors: (N, C, H, W), that is batch, channels, rows, columns. A
# [batch](define:batch "N") is the few pictures that are computed together; a
# [channel](define:channel "C") is one picture-sized layer of numbers (a grey picture has one, a
# colour picture three, inside a network there are many). `t[None, None]` puts two dimensions of
# size 1 in front: it makes (H, W) into (1, 1, H, W).
#
# ## 3. A convolution looks at nine pixels
#
# The smallest brick is the 3×3 [convolution](define:convolution "| nn.Conv2d"): at each pixel it
# takes the nine pixels around it, multiplies each by a weight, and adds up. We choose the weights
# by hand here. Training will choose them later.

# %%
def convolve(image, weights):
    kernel = torch.tensor(weights, dtype=torch.float32)[None, None]
    return nn.functional.conv2d(torch.tensor(image)[None, None], kernel, padding=1)[0, 0].numpy()

corner = train[0].image[:120, :160]
blur = convolve(corner, [[1 / 9] * 3] * 3)
edges = convolve(corner, [[0, 1, 0], [1, -4, 1], [0, 1, 0]])

# %% fold="One operation, two sets of weights"
ck.show.images(
    [image[1:-1, 1:-1] for image in (corner, blur, np.abs(edges))],
    [train[0].dataset, "mean of nine", "edges (absolute value)"], limits=None, size=4,
    caption="black: the lowest number of each picture, white: its highest",
    alt="A cut-out, the same blurred by averaging nine pixels, and the same with only edges "
    "bright: two results of one operation with different weights.",
)

# %% fold="How wide is a cell?"
wide = {kind: float(np.median([2 * np.sqrt(a / np.pi) for s in train if s.cell_type == kind
                               for a in np.bincount(s.labels.ravel())[1:] if a]))
        for kind in sorted(set(train.cell_types))}
large = max(wide.values())
ck.lesson.claim(
    large > 25,
    "One convolution sees 3×3 pixels. Two in a row see 5×5. A typical cell is "
    f"{min(wide.values()):.0f} to {large:.0f} pixels wide, depending on its line. To see "
    f"{large:.0f} pixels with 3×3 steps we would need {(large - 1) / 2:.0f} convolutions in a row.",
    f"One convolution sees 3×3 pixels. Two in a row see 5×5. A typical cell is at most {large:.0f} "
    f"pixels wide here; even so that takes {(large - 1) / 2:.0f} convolutions in a row.",
)

# %% [markdown]
# There is a shortcut: make the picture smaller in between. After halving it four times, a 3×3
# convolution spans 48 pixels of the original. But a small picture has lost the fine outline. The
# U-Net does both: it goes down to see far, comes up again, and on the way up gets the fine detail
# handed over. Sections 4 to 6 explain each word in the drawing.

# %% fold="The U-Net with its sizes"
ck.lesson.draw.unet(width=lesson.width, shape=(128, 128))

# %% [markdown]
# ## 4. The block
#
# The original U-Net, by [](paper:unet), repeats one block everywhere: convolution, ReLU,
# convolution, ReLU. [ReLU](define:relu "| nn.ReLU") sets negative numbers to zero; without it, two
# convolutions in a row could do no more than one larger convolution. We add
# [batch norm](define:batch-norm "| nn.BatchNorm2d") after each convolution, as
# [the Double U-Net paper](paper:double_unet) does: it subtracts the mean of each channel and
# divides by its spread, so the numbers keep a sensible size and training gets easier.

# %%
def block(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
    )

print("in ", (1, 1, 64, 64), "  (batch, channels, rows, columns)")
print("out", tuple(block(1, 16)(torch.zeros(1, 1, 64, 64)).shape))

# %% [markdown]
# A *bias* is a number that a convolution adds to its result. `bias=False` because batch norm
# subtracts the mean right after: a bias would vanish at once. `padding=1` puts a rim of zeros
# around the picture, so the size stays. Without it each convolution eats one pixel on every side,
# as in the original paper.
#
# ## 5. Down, up, and the skip
#
# *Down* is a maximum over each 2×2 square: half the rows, half the columns. *Up* is a
# [transposed convolution](define:transposed-convolution "| nn.ConvTranspose2d"): each pixel becomes
# a 2×2 square with learnt weights.

# %%
down, up = nn.MaxPool2d(2), nn.ConvTranspose2d(16, 8, 2, stride=2)
for size in (64, 65):
    x = torch.zeros(1, 16, size, size)
    print("size", size, "→ down", down(x).shape[-1], "→ up again", up(down(x)).shape[-1])
# expect: size 64 → down 32 → up again 64
# expect: size 65 → down 32 → up again 64

# %% [markdown]
# From 65 we come back to 64. One pixel is missing, because 65 is odd and half a pixel does not
# exist. The [skip](define:skip) joins the channels of the way down with those that come up from
# below, as `torch.cat` does. For that, rows and columns must agree. So what comes up is padded.

# %% [markdown] exercise="join_skip"
# ### Exercise 2.1 · Join the skip (2 points, 10 minutes)
#
# Write `join_skip(up, skip)`. `up` has shape (N, A, h, w), `skip` has (N, B, H, W). Pad `up` with
# zeros to H×W; if the missing rows or columns are odd in number, the extra one goes to the
# bottom or to the right. If `up` is larger than `skip`, crop it in the same way: of an odd number,
# one more at the bottom or at the right. Rows and columns are treated apart. Return the channels of
# `skip` first, then those of `up`: shape (N, B + A, H, W). Use torch alone, not numpy, so that
# torch can trace the result back to both.

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
skip = torch.randn(2, 3, 9, 12, generator=torch.Generator().manual_seed(1), requires_grad=True)
def ones(*shape):
    return torch.ones(shape, requires_grad=True)

ck.lesson.grade("join_skip", join_skip, (ones(2, 5, 8, 10), skip), (skip, ones(2, 5, 8, 10)),
                (ones(2, 1, 9, 15), skip), (ones(2, 2, 4, 13), skip))
# END HIDDEN TESTS
join_skip = ck.lesson.check("join_skip", join_skip)

# %% [markdown]
# ## 6. The whole network
#
# Four times down, four times up, a skip on each level. On each level down the channels double: the
# picture gets smaller, the description of each place gets richer. A last 1×1 convolution turns the
# channels of each pixel into one number, the [logit](define:logit "z"): positive
# means *cell*, negative *background*, and the farther from zero, the surer.
#
# In torch a network is a class: `__init__` makes its layers, `forward` says how a picture runs
# through them. An `nn.ModuleList` is a list of layers.

# %%
class MyUNet(nn.Module):
    def __init__(self, width=16, depth=4, skips=True):
        super().__init__()
        sizes = [width * 2**level for level in range(depth)]        # 16, 32, 64, 128
        self.skips = skips
        self.first = block(1, width)
        self.down = nn.ModuleList(block(a, 2 * a) for a in sizes)
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * a, a, 2, stride=2) for a in sizes[::-1])
        self.merge = nn.ModuleList(block(2 * a, a) for a in sizes[::-1])
        self.last = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        levels = [self.first(x)]
        for step in self.down:
            levels.append(step(nn.functional.max_pool2d(levels[-1], 2)))
        x = levels.pop()                                            # the last: the bottom
        for up, merge in zip(self.up, self.merge, strict=True):
            skip = levels.pop()                                     # from the bottom up
            x = merge(join_skip(up(x), skip if self.skips else torch.zeros_like(skip)))
        return self.last(x)

# %% [markdown]
# That is all. Is it right? Count its weights: with 64 channels, batch norm and two outputs, the
# network of the Double U-Net paper has 31,036,546. Ours has one output instead of two, which saves
# one 1×1 convolution of 64 weights and one bias.

# %%
count = sum(p.numel() for p in MyUNet(width=64).parameters())
print(f"{count:,} weights, and {count + 64 + 1:,} with a second output")
# expect: 31,036,481 weights, and 31,036,546 with a second output

# %% [markdown]
# `ck.UNet` is built of the same parts. If we copy the weights over, both must give the same answer
# to the same picture; random numbers will do.

# %%
mine, theirs = MyUNet(width=8).eval(), ck.UNet(width=8).eval()      # eval: see section 10
theirs.load_state_dict(dict(zip(theirs.state_dict(), mine.state_dict().values(), strict=True)))
x = torch.randn(1, 1, 96, 80, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    print("largest difference:", f"{(mine(x) - theirs(x)).abs().max().item():.6f}")

# %% [markdown]
# ## 7. A ruler first: Dice
#
# Before we train, we need a ruler. [Dice](define:dice "D | ck.dice") compares two masks: twice the
# pixels that they share, divided by the pixels of both together. 1 is perfect, 0 is nothing in
# common.

# %% [markdown] exercise="dice"
# ### Exercise 2.2 · Dice (2 points, 6 minutes)
#
# Write `dice(truth, pred)` for two boolean masks of the same shape. Return a number. If both are
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
most = np.ones((31, 29), bool)
most[:10] = False
ck.lesson.grade("dice", dice, (a, b), (a, a), (a, ~a), (a & False, b & False), (a, b & False),
                (a & False, b), (most, most | True))
# END HIDDEN TESTS
dice = ck.lesson.check("dice", dice)

# %%
truth = train[0].mask
shifted = np.pad(truth, ((0, 0), (4, 0)))[:, :-4]
shift_dice = dice(truth, shifted)

# %% fold="The same mask, four pixels to the right"
near = np.s_[:100, :130]
ck.show.images(
    [truth, shifted, ck.show.compare(truth, shifted, train[0].image),
     ck.show.compare(truth, shifted, train[0].image)[near]],
    ["truth", "the same, 4 pixels right", f"compared: Dice {shift_dice:.3f}", "a corner of it"],
    size=3.4, caption=ck.show.legend_of_compare(),
    alt="A mask, the same mask shifted by four pixels, and both compared, whole and enlarged: thin "
    f"crescents of misses and false alarms at every outline. Dice is {shift_dice:.3f}.",
)

# %% [markdown]
# The eye hardly sees the shift, yet look what it costs. Keep the number in mind when a paper
# reports Dice with three digits.

# %% [markdown] tags=["question"]
# Cells twice as wide and twice as high, and the same shift of four pixels. What does Dice do?
# - [ ] It stays: the shift is the same — the errors form a rim, and Dice compares it with the area.
# - [x] It rises — the rim is twice as long, but the cells' area is four times as large.
# - [ ] It falls, for the rim is longer — only twice; the area grows more.

# %% [markdown]
# ## 8. Losses: what the network is told to want
#
# Training needs a [loss](define:loss "| ck.losses"): a number that gets smaller as the answer gets
# better, and that changes *smoothly*. Dice jumps when the probability of a pixel crosses one half.
# Three that do not, with p = 1 / (1 + exp(−z)), the probability that belongs to the logit z, and t
# = 1 in cells and 0 elsewhere:
#
# - [Binary cross-entropy](define:bce "BCE | ck.losses.bce") is the mean over pixels of −log of the
#   probability given to the truth: −log p in cells, −log(1 − p) outside.
# - *Weighted* cross-entropy counts each cell pixel several times, as in
#   [*Is this cell alive?*](paper:cell_alive). Where cells are rare, the many background pixels
#   would otherwise outweigh them.
# - [Soft Dice](define:soft-dice "| ck.losses.soft_dice") is 1 − 2 Σ p t / (Σ p + Σ t): one minus
#   Dice, with probabilities in place of the mask.
#
# What does each say of a lazy network? Four answers to one picture, each given with certainty: a
# logit of +8 where the answer is *cell*, −8 elsewhere.

# %%
sparse = min(train, key=lambda s: s.mask.mean())
target = torch.tensor(sparse.mask, dtype=torch.float32)[None, None]
half = target.clone()
half[..., : half.shape[-1] // 2] = 0
answers = {"all background": target * 0, "part of the cells": half, "all cell": target * 0 + 1,
           "the truth": target}

# %%
rows = []
for name, answer in answers.items():
    logits = 16 * answer - 8
    rows.append({"answer": name, "BCE": ck.losses.bce(logits, target).item(),
                 "BCE, cells × 5": ck.losses.weighted_bce(logits, target, 5.0).item(),
                 "soft Dice": ck.losses.soft_dice(logits, target).item()})
ck.show.table(rows, f"Losses, {sparse.mask.mean():.0%} of the pixels are cell; lower is better")

# %% fold="What the numbers say"
nothing, some, everything, _ = rows
common = np.mean([s.mask.mean() for s in train])
ck.lesson.claim(
    nothing["BCE"] < everything["BCE"] / 5,
    f"Plain BCE finds *all background* {everything['BCE'] / nothing['BCE']:.0f} times better than "
    "*all cell*: cells are few, and it counts pixels. The weight of 5 makes missed cells five "
    "times as costly. Soft Dice leaves out what is rightly called background, so both lazy answers "
    f"cost nearly all of 1: {nothing['soft Dice']:.2f} and {everything['soft Dice']:.2f}. No other "
    f"training picture has so few cells: over all of them {common:.0%} of the pixels are cell.",
    f"Cells are common in this picture, so the losses agree more: BCE gives *all background* "
    f"{nothing['BCE']:.2f} and *all cell* {everything['BCE']:.2f}, soft Dice "
    f"{nothing['soft Dice']:.2f} and {everything['soft Dice']:.2f}.",
)

# %% [markdown]
# So the rarer the cells, the more they need a weight or soft Dice. A weight finds more cells, and
# pays with false alarms. Build the weighted loss yourself:

# %% [markdown] exercise="weighted_bce"
# ### Exercise 2.3 · Weighted cross-entropy (3 points, 6 minutes)
#
# Write `weighted_bce(logits, target, weight)` for tensors of the same shape, `target` of zeros and
# ones. A cell pixel costs weight · −log p, a background pixel −log(1 − p), where p = 1 / (1 +
# exp(−z)) belongs to the logit z. Return the mean over all pixels, a tensor. It and its slope must
# be right for logits of ±100, too, where p itself is rounded to 0 or 1. Two functions help: −log p
# = `nn.functional.softplus(-z)`, and −log(1 − p) = `nn.functional.softplus(z)`.

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
z = torch.tensor([[2.0, -1.0, 0.5], [-3.0, 4.0, -5.0]], requires_grad=True)
t = torch.tensor([[1.0, 0.0, 1.0], [1.0, 0.0, 1.0]])
seven = torch.tensor([[-7.0, 6.0], [-6.0, 7.0]], requires_grad=True)
far = torch.tensor([[100.0, -100.0], [-100.0, 100.0]], requires_grad=True)
ck.lesson.grade("weighted_bce", weighted_bce, (z, t, 1.0), (z, t, 3.5), (z, 1 - t, 0.2),
                (seven, t[:, :2], 2.0), (far, t[:, :2], 10.0))
# END HIDDEN TESTS
weighted_bce = ck.lesson.check("weighted_bce", weighted_bce)

# %% [markdown]
# Your own loop in section 10 trains with plain BCE. `ck.fit` after it adds soft Dice, because Dice
# is our ruler.
#
# ## 9. One batch, exactly as the network gets it
#
# `ck.Crops` cuts pieces of equal size out of the pictures at random places, and
# [standardises](define:standardise "| ck.normalisation.standardise") them: to standardise a picture
# means to subtract its mean and to divide by its spread, so that neither the lamp's brightness nor
# the camera's gain matters. Both are taken from the whole picture, so those of a batch are only
# near 0 and 1. torch's `DataLoader` stacks the pieces into batches. Look at one before you train:

# %%
def batches(steps, size=4):
    crops = ck.Crops(train, 128, repeats=1 + steps * size // len(train))
    order = torch.Generator().manual_seed(0)
    loader = torch.utils.data.DataLoader(crops, size, shuffle=True, generator=order)
    return [batch for _, batch in zip(range(steps), loader, strict=False)]

images, targets = batches(1)[0]
print("images ", tuple(images.shape), f"mean {images.mean():.2f}, spread {images.std():.2f}")
print("targets", tuple(targets.shape), "values", targets.unique().tolist())

# %% fold="The batch"
ck.show.images(
    [*images[:, 0].numpy(), *(targets[:, 0].numpy() > 0)],
    [f"image {k}" for k in range(4)] + [f"target {k}" for k in range(4)], limits=(-3, 3),
    columns=4, size=2.5, caption="images: −3 is black, 3 is white",
    alt="Four crops of cells above, their masks below: one batch of four images and targets.",
)

# %% [markdown] tags=["question"]
# In a batch the images look right, but every target belongs to another image. What will happen?
# - [ ] Training stops with an error — all shapes fit, so nothing notices.
# - [ ] The loss does not fall at all — it falls a little: the network learns how common cells are.
# - [x] The loss falls a little, then stays high — there is nothing to learn but the share of cell
#   pixels. Only looking at a batch shows it.

# %% [markdown]
# ## 10. The training loop
#
# Here is the heart of it all. torch remembers how the loss was computed from the weights. So it can
# work out the gradient. The [gradient](define:gradient "∇ | loss.backward()") tells, for every
# weight at once, in which direction and how strongly the loss would change. An
# [optimiser](define:optimiser "| torch.optim.AdamW") then moves each weight a small step downhill;
# how small is decided by the [learning rate](define:learning-rate "lr | ck.fit(lr=…)").

# %%
def train_by_hand(net, data, lr=3e-3):
    optimiser = torch.optim.AdamW(net.parameters(), lr)     # a common one
    losses = []
    net.train()                                # batch norm: use this batch's mean and spread
    for images, targets in data:
        loss = ck.losses.bce(net(images), targets)      # forward: ask, and compare
        optimiser.zero_grad()                  # forget the last gradient
        loss.backward()                        # backward: the gradient of every weight
        optimiser.step()                       # move every weight a little downhill
        losses.append(loss.item())
    net.eval()                                 # batch norm: from now on use the means it has kept
    return losses

# %%
def mean_dice(net, samples):
    with torch.no_grad():                      # nothing is trained here, so keep no gradients
        logits = [net(torch.tensor(ck.normalisation.standardise(s.image))[None, None])[0, 0]
                  for s in samples]
    return float(np.mean([dice(s.mask, z.numpy() > 0)       # z > 0 means p above one half
                          for s, z in zip(samples, logits, strict=True)]))

# %%
torch.manual_seed(0)
first_net = MyUNet(width=lesson.width).eval()
before = mean_dice(first_net, valid)
by_hand = train_by_hand(first_net, batches(lesson.by_hand))
after = mean_dice(first_net, valid)
print(f"Dice on validation pictures: {before:.2f} before, {after:.2f} after {len(by_hand)} steps")

# %% fold="The loss, step by step"
ck.show.curves(
    {"loss": by_hand}, xlabel="step", ylabel="BCE of the batch", title="Your own loop",
    ylim=(0, None), alt=f"The loss of each batch over {len(by_hand)} steps: it begins at "
    f"{by_hand[0]:.2f} and ends at {by_hand[-1]:.2f}, jumping up and down from batch to batch.",
)

# %% fold="What the numbers say"
for_free = np.mean([dice(s.mask, s.mask | True) for s in valid])
ck.lesson.claim(
    after > before + 0.1,
    f"Your loop has trained a network: Dice rose from {before:.2f} to {after:.2f}. (To call every "
    f"pixel cell would score {for_free:.2f}.) The loss jumps, because every step sees other crops, "
    "and easy ones cost less.",
    f"Dice went from {before:.2f} to {after:.2f}: so few steps do not suffice. (To call every "
    f"pixel cell would score {for_free:.2f}.)",
    trained=True,
)

# %% [markdown]
# Mind `train()` and `eval()`: a network left in training mode scores differently with each batch.
# (Exercise 2.4, under *Going further*, is about just that.)
#
# `ck.fit` is this loop with the chores around it: [augmentation](../docs/glossary.md#augmentation)
# (random flips and the like: lesson 3), a progress bar, a schedule that moves the learning rate up,
# then down to zero, and the best epoch kept. You can read its loop in `cellkit/train/loop.py`. An
# [epoch](define:epoch "| ck.fit(epochs=…)") is, in textbooks, one pass over all the data.
# [Crops](term:crop) are drawn at random without end, so here it is a fixed number of steps, after
# which the validation pictures are scored. A [seed](define:seed "| ck.fit(seed=…)") fixes all that
# is drawn at random, so that a training can be repeated.

# %%
net = ck.UNet(width=lesson.width)
history = ck.fit(net, train, valid, on_epoch=ck.show.LiveCurves(), **lesson.training)

# %% fold="What the curves say"
best_dice, last_dice = max(history.valid_metric), history.valid_metric[-1]
besides = (f" Your own loop reached {after:.3f} in {len(by_hand)} steps. It had another loss and "
           "no augmentation; two trainings, one seed each, do not say which way is better.")
if history.train_loss[-1] > history.valid_loss[-1]:
    besides = (" The training loss lies above the validation loss: it is the mean over a whole "
               "epoch of learning, on crops that augmentation has changed.") + besides
ck.lesson.claim(
    last_dice > best_dice - 0.01,
    f"The validation Dice ends at {last_dice:.3f}, at or near its best ({best_dice:.3f}): it has "
    "not turned down, and more steps might still help." + besides,
    f"The validation Dice was best in epoch {history.best_epoch} ({best_dice:.3f}) and ends at "
    f"{last_dice:.3f}; `ck.fit` has kept the best epoch." + besides, trained=True,
)

# %% fold="A validation picture"
probability = ck.predict(net, example.image)
found = probability > 0.5
bump = np.s_[:130, :170]
ck.show.images(
    [example.image, probability, ck.show.compare(example.mask, found, example.image),
     ck.show.compare(example.mask, found, example.image)[bump]],
    [f"{example.cell_type}, {example.dataset}", "probability: black 0, white 1",
     f"Dice {dice(example.mask, found):.3f}", "a corner of it"],
    size=3.4, caption=ck.show.legend_of_compare(),
    alt="A validation picture, the network's probability for each pixel, and its mask compared "
    f"with the truth, whole and enlarged. Dice is {dice(example.mask, found):.3f}.",
)

# %% [markdown]
# ## 11. What the skips buy
#
# Now the experiment. Two small networks, the same seed, the same few steps. One of them gets zeros
# where the skip should be.

# %%
scores, outcomes = {}, []
for name, skips in (("with skips", True), ("without skips", False)):
    torch.manual_seed(0)
    small = MyUNet(width=8, skips=skips)
    ck.fit(small, train, valid, progress=False, **lesson.ablation)
    masks = [ck.predict(small, s.image) > 0.5 for s in valid]
    scores[name] = float(np.mean([dice(s.mask, m) for s, m in zip(valid, masks, strict=True)]))
    outcomes.append(ck.show.compare(example.mask, masks[0], example.image)[bump])

# %% fold="With and without"
ck.show.images(
    outcomes, [f"{name}: mean Dice {value:.3f}" for name, value in scores.items()], size=4.5,
    caption=ck.show.legend_of_compare(),
    alt="A corner of the same validation picture, segmented with and without skips. Mean Dice over "
    "validation pictures: " + ", ".join(f"{name} {value:.3f}" for name, value in scores.items()),
)

# %% fold="What the numbers say"
gain = scores["with skips"] - scores["without skips"]
ck.lesson.claim(
    gain > 0.02,
    f"Without skips Dice is lower by {gain:.2f}. That network still knows *where* the cells are. "
    "It no longer knows *exactly* where: that knowledge was in the large maps at the top, and the "
    "way around the bottom is too narrow for it. One seed each: repeat it before you believe a "
    "small difference.",
    f"Here the skips change Dice by {gain:+.2f} only, from one seed each: too little to conclude "
    "from. Look at the outlines in the picture instead.", trained=True,
)

# %% [markdown] tags=["question"]
# Where would you expect most errors of a network without skips?
# - [x] Along outlines — the exact place of an edge was in the large maps, and they were cut off.
# - [ ] In the middle of cells — to know that a place is *somewhere* in a cell, coarse maps suffice.
# - [ ] Spread evenly over the background — coarse maps know well where no cell is near.

# %% [markdown]
# ## 12. Over-fitting, seen and stopped
#
# [Over-fitting](define:over-fitting) means that a network learns its training pictures so well that
# it gets worse on others. We provoke it: one small cut-out to learn from, always the same,
# without augmentation.

# %%
tiny_part = replace(train[0], image=train[0].image[:128, :128], labels=train[0].labels[:128, :128])
net_one = ck.UNet(width=lesson.width)
one = ck.fit(net_one, [tiny_part], valid, augment=None, progress=False, **lesson.overfit)

# %% fold="Two curves that part"
low = int(np.argmin(one.valid_loss))
ck.show.curves(
    {"training": one.train_loss, "validation": one.valid_loss}, xlabel="epoch", ylabel="BCE",
    title="One cut-out, no augmentation", ylim=(0, min(2.5, 1.05 * max(one.valid_loss))),
    alt=f"Training loss falls from {one.train_loss[0]:.2f} to {one.train_loss[-1]:.2f}. Validation "
    f"loss is lowest in epoch {low + 1}, at {one.valid_loss[low]:.2f}, and ends at "
    f"{one.valid_loss[-1]:.2f}.",
)

# %% fold="What the numbers say"
ck.lesson.claim(
    one.valid_loss[-1] > 1.1 * one.valid_loss[low],
    f"The training loss falls to {one.train_loss[-1]:.2f}. The validation loss turns: its lowest "
    f"is {one.valid_loss[low]:.2f}, in epoch {low + 1}, its last {one.valid_loss[-1]:.2f}. From "
    "there on, what it learns helps on this cut-out and harms on other pictures.",
    f"The training loss falls to {one.train_loss[-1]:.2f}; the validation loss stays above it, at "
    f"{one.valid_loss[-1]:.2f}. The gap between the two is what was memorised.", trained=True,
)

# %% [markdown] tags=["question"]
# A friend trains on 2 pictures and reports the training Dice of the last epoch, 0.98. What do you
# ask for?
# - [ ] More epochs — the curve of the training part only gets better.
# - [x] The validation curve, and the epoch that was kept — the training curve cannot show
#   over-fitting.
# - [ ] Nothing, 0.98 is nearly perfect — nothing is known yet of any other picture.

# %% [markdown]
# Three cures: more data, augmentation (lesson 3), and to **stop early**, that is, to keep the
# weights of the best epoch. `ck.fit` always does the last.
#
# ## 13. From probability to mask
#
# The network gives a probability. A [threshold](define:threshold) is the value above which we call
# a pixel cell. Is 0.5 the best one? [Precision](define:precision "| ck.metrics.precision") asks:
# what share of the pixels called cell is cell? [Recall](define:recall "| ck.metrics.recall") asks:
# what share of the cell pixels was found?

# %% [markdown] exercise="precision_guess"
# ### Exercise 2.5 · Predict, then run (1 point, 3 minutes)
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
ck.lesson.grade("precision_guess", precision_guess)
# END HIDDEN TESTS
precision_guess = ck.lesson.check("precision_guess", precision_guess)

# %%
thresholds = np.linspace(0.05, 0.95, 19)
probabilities = [ck.predict(net, s.image) for s in valid]
by_threshold = {
    name: [np.mean([score(s.mask, p > t) for s, p in zip(valid, probabilities, strict=True)])
           for t in thresholds]
    for name, score in (("Dice", dice), ("precision", ck.metrics.precision),
                        ("recall", ck.metrics.recall))}

# %% fold="Dice, precision and recall by threshold"
best = int(np.argmax(by_threshold["Dice"]))
ck.show.curves(
    by_threshold, thresholds, xlabel="threshold", ylabel="mean over validation pictures",
    ylim=(0, 1.02),
    alt="Dice, precision and recall against the threshold. Precision rises, recall falls, and "
    f"Dice is highest, {by_threshold['Dice'][best]:.3f}, at a threshold of {thresholds[best]:.2f}.",
)

# %% fold="What the numbers say"
top = by_threshold["Dice"][best]
near_top = [t for t, value in zip(thresholds, by_threshold["Dice"], strict=True)
            if value > top - 0.01]
ck.lesson.claim(
    min(near_top) < 0.501 and max(near_top) > 0.499 and len(near_top) > 2,
    f"From {min(near_top):.2f} to {max(near_top):.2f} Dice stays within 0.01 of its best, "
    f"{top:.3f}: near the top the choice hardly matters, and 0.5 will do.",
    f"Dice is highest at {thresholds[best]:.2f}: {top:.3f}, against "
    f"{by_threshold['Dice'][len(thresholds) // 2]:.3f} at 0.50. Here the choice matters.",
    trained=True,
)

# %% [markdown]
# We chose on *validation* pictures. A threshold chosen on test pictures would suit just those, and
# their score would flatter us.
#
# ## 14. Where it fails
#
# One mean hides a lot. Here are the test pictures, opened for the first time, by cell line.

# %%
scored = [(s, ck.predict(net, s.image) > 0.5) for s in test]
by_line = {}
for s, mask in scored:
    by_line.setdefault(s.cell_type, []).append(
        [dice(s.mask, mask), ck.metrics.precision(s.mask, mask), ck.metrics.recall(s.mask, mask)])

# %% fold="Scores by cell line"
by_line_and_all = {**dict(sorted(by_line.items())), "all": np.concatenate([*by_line.values()])}
ck.show.table(
    [{"cell line": line, "pictures": len(v), **dict(zip(("Dice", "precision", "recall"),
      map(float, np.mean(v, 0)), strict=True))} for line, v in by_line_and_all.items()],
    f"{samples.dataset}: test wells, mean over pictures, threshold 0.5")
missing = sorted(set(samples.cell_types) - set(by_line))
print("without a test well, so not scored:", ", ".join(missing) or "none")

# %% fold="The worst, the middle, the best"
ranked = sorted(scored, key=lambda pair: dice(pair[0].mask, pair[1]))
picked = [ranked[0], ranked[len(ranked) // 2], ranked[-1]]
ck.show.images(
    [s.image for s, _ in picked] + [ck.show.compare(s.mask, m, s.image) for s, m in picked],
    [f"{word}: {s.cell_type}" for word, (s, _) in zip(("worst", "middle", "best"), picked,
                                                      strict=True)]
    + [f"Dice {dice(s.mask, m):.3f}" for s, m in picked],
    columns=3, size=4, caption=ck.show.legend_of_compare(),
    alt="The worst, the middle and the best test picture, above as they are, below with hits, "
    "misses and false alarms. Dice: " + ", ".join(f"{dice(s.mask, m):.3f}" for s, m in picked),
)

# %% fold="What kind of errors?"
sample, mask = ranked[0]
alarms, missed = int((mask & ~sample.mask).sum()), int((sample.mask & ~mask).sum())
fewest = min(map(len, by_line.values()))
about = (
    f"In the worst picture {alarms:,} pixels are false alarms and {missed:,} were missed. Look "
    "where they lie: along outlines, in gaps between cells, or on whole cells? A row of the table "
    f"rests on few pictures, {fewest} at the least: one hard picture makes a whole line look hard. "
)
ck.lesson.claim(
    samples.dataset.startswith("synthetic"),
    about + "The truth of a drawn picture is exact. In real LIVECell it is not: dense clumps were "
    "left out by the annotators, so some *false alarms* there are cells that nobody marked.",
    about + "Is the truth itself right? In LIVECell dense clumps were left out by the annotators, "
    "so some *false alarms* are cells that nobody marked.",
)

# %% [markdown]
# ## Recap
#
# You can now
#
# - Build a U-Net from its parts: convolution block, down, up, skip.
# - Say what the skip connections are for, and show it with an experiment.
# - Choose a loss when most pixels are background.
# - Follow a training loop line by line, read its curves, and stop before it over-fits.
# - Turn a probability into a mask, and judge it by Dice, precision and recall.

# %%
ck.lesson.progress()

# %% [markdown]
# **Next:** [3 · Augmentation](03_augmentation.ipynb)
#
# ## Going further
#
# What follows is beyond the minutes above: two more exercises, two curves, and ideas of what to
# try.

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
# Write it again, without the mistakes. The network may come in training mode or not: leave it in
# the mode in which it came. Call the network directly, with the picture as it is: `net(x)`, as
# above.

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
probe = nn.Sequential(*probe, nn.Dropout(0.5))
itself = nn.Conv2d(1, 1, 1, bias=False)
nn.init.ones_(itself.weight)
for mode in (True, False):
    ck.lesson.grade("predict_mask", predict_mask, (probe.train(mode), pixels),
                    (nn.Sequential(itself).train(mode), (pixels - 0.5) * (pixels > 0.3)))
# END HIDDEN TESTS
predict_mask = ck.lesson.check("predict_mask", predict_mask)

# %% [markdown] exercise="settings"
# ### Exercise 2.6 · Beat the baseline (5 points, 25 minutes)
#
# Write `settings()`. It returns a dictionary with `width`, `lr`, `loss` and `steps`; `loss` is
# `"bce"`, `"soft_dice"` or `"bce+soft_dice"`. The check trains a small U-Net (two levels down) with
# it on eight synthetic pictures of 128×128, takes the Dice on four others, and does so three times,
# from three seeds. To win, the mean of the three must be better than the baseline below by three
# times the spread that chance gives such a mean; the check says how much that is. The budget is
# limited: width² · steps may not exceed the baseline's. So you cannot just buy the answer; you must
# spend better.
# `width` is at least 6. A check takes ten seconds or more, so think before you try.

# %%
print("baseline:", ck.lesson.BASELINE)

# %% solution="settings"
def settings():
    """width, lr, loss ("bce", "soft_dice" or "bce+soft_dice") and steps, within the budget."""
    # BEGIN SOLUTION
    return {"width": 6, "lr": 1e-2, "loss": "soft_dice", "steps": 106}
    # END SOLUTION

# %% check="settings" points=5
# BEGIN HIDDEN TESTS
ck.lesson.grade("settings", settings)
# END HIDDEN TESTS
settings = ck.lesson.check("settings", settings)

# %% [markdown]
# ### All thresholds at once
#
# The *PR curve* draws precision against recall; the *ROC curve* draws recall against the share of
# background pixels that are false alarms. The dotted lines are pure chance; an area of 1 under a
# curve would be perfect.

# %%
truths = [s.mask for s in valid]
pr = ck.metrics.precision_recall_curve(truths, probabilities)
roc = ck.metrics.roc_curve(truths, probabilities)

# %% fold="PR and ROC curves"
share = float(np.concatenate([t.ravel() for t in truths]).mean())
fig, (left, right) = ck.show.axes(1, 2, (3.8, 3.2))
left.plot(pr.recall, pr.precision, color=ck.show.BLUE)
left.axhline(share, color="grey", linestyle=":")
left.set(xlabel="recall", ylabel="precision", title=f"PR, area {pr.area:.3f}", ylim=(0, 1.02))
right.plot(roc.false_positive_rate, roc.true_positive_rate, color=ck.show.BLUE)
right.plot([0, 1], [0, 1], color="grey", linestyle=":")
right.set(xlabel="false alarms per background pixel", ylabel="recall")
right.set_title(f"ROC, area {roc.area:.3f}")
ck.show.figure(fig, alt=f"Left the precision-recall curve, area {pr.area:.3f}, chance "
               f"{share:.2f}; right the ROC curve, area {roc.area:.3f}, chance 0.5. Both pooled "
               "over all validation pixels.")

# %% [markdown]
# ### To try
#
# - The bundled network of section 1 was trained on real and synthetic pictures. Its card says on
#   which. Compare it with yours by eye; do not score it on pictures that its card names.
# - `ck.UNet(up="bilinear")` replaces the transposed convolution. How many weights does that save?
# - [](paper:unet), *U-Net: Convolutional Networks for Biomedical Image Segmentation*, MICCAI 2015,
#   is eight pages long. You know nearly all of its words now.
