# %% [markdown]
# # 4 · Super-resolution
#
# A coarse picture is cheap: it needs less light, less time and less room on the disk. Can a network
# make it sharp again? It can make it *look* sharper, and score better. In this lesson you make
# pictures coarse by hand, train a network to undo it, and then ask the question that counts: are
# the cells still there?

# %% [markdown]
# ## What you will be able to do
#
# - Say what a microscope trades for resolution, and make a picture coarse by hand.
# - Show what a coarse picture has lost: contrast, and every wave finer than its pixels.
# - Measure a picture with PSNR and SSIM, and name the range that belongs to the number.
# - Train a super-resolution U-Net with a loss of your own, and say why it paints smoothly.
# - Choose a measure that fits the task, because PSNR can rise while cells disappear.
#
# {minutes}
#
# Exercises 4.1, 4.2 and 4.4 stand on the way; 4.3 and 4.5, which are worth 8 of the 14 points,
# under *Going further*. Two questions from earlier lessons first.

# %% [markdown] tags=["question"]
# You stretch the grey values of a picture from [0.3, 0.7] to [0, 1], and train and test a U-Net on
# such pictures. What changes? (Lesson 2)
#
# - [x] Nothing: each picture is standardised before the network sees it. — Mean 0 and spread 1 come
#   out the same, whatever the gain and offset of the grey values were.
# - [ ] It learns faster, for the contrast is higher. — Standardising takes any gain away again. It
#   would help only a network that gets the raw grey values.
# - [ ] It fails on other microscopes. — A different gain is the one difference that standardising
#   removes. Another resolution is not: that is this lesson.

# %% [markdown] tags=["question"]
# Why are whole wells kept together when the pictures are split? (Lesson 1)
#
# - [ ] So that both parts have the same number of pictures. — Groups differ in size, so keeping
#   them whole makes the parts *less* equal.
# - [x] So that no test picture has a near copy among the training pictures. — Pictures of one well
#   show the same cells, hours apart. A network that has seen one knows the other.
# - [ ] So that each part shows all cell lines. — It may even do the opposite. The question is what
#   a network could have seen before.

# %% setup
import numpy as np
import torch
from scipy.ndimage import map_coordinates
from skimage.metrics import structural_similarity

# %% [markdown]
# ## 1. A result first
#
# Two networks come with the course. One sharpens coarse pictures. The other finds cells, and knows
# sharp pictures only. We make one picture coarse, and let them work on it. In the upper row, the
# grey values of each picture are stretched to one contrast, as a network sees them. (The bundled
# networks have seen some of the real pictures: there, take this as a demonstration.)

# %%
samples = ck.read("livecell").cached()
test = samples.where(lambda entry: entry.group in ck.lesson.TEST_WELLS)
rest = samples.where(lambda entry: entry.group not in ck.lesson.TEST_WELLS)
train, valid = ck.split(rest, 0.85, seed=0, by="group")
number = max(range(len(test)), key=lambda i: test.cell_types[i] == "BT474")  # the first such, or 0
sharp = test[number].image

# %% fold="Where the pictures come from"
ck.lesson.origin(samples)

# %%
sharpener, finder = ck.load_weights("livecell-sr"), ck.load_weights("livecell")
coarse = ck.degrade(sharp, 1 / 8)  # an eighth of the pixels along each side, enlarged again
first = {"sharp": sharp, "coarse": coarse, "sharpened": ck.super_resolve(sharpener, coarse)}
cells = {name: ck.predict(finder, picture) > 0.5 for name, picture in first.items()}
quality = {name: ck.psnr(sharp, picture) for name, picture in first.items()}
dice = {name: ck.dice(test[number].mask, mask) for name, mask in cells.items()}

# %% fold="Show it"
grey = tuple(float(q) for q in np.quantile(sharp, (0.001, 0.999)))  # the same in all figures
cut = np.s_[:128, 40:232]
def seen(picture):
    """Standardised, as a network sees it, then moved into [0, 1]: mean 0.5, spread 1/8."""
    return np.clip(0.5 + ck.normalisation.standardise(picture) / 8, 0, 1)

ck.show.images(
    [ck.lesson.draw.with_scale(seen(picture)[cut], samples.dataset) for picture in first.values()]
    + [ck.show.compare(test[number].mask, cells[name], first[name])[cut] for name in first],
    [f"{name}: {'the original; bar: 50 µm' if name == 'sharp' else f'PSNR {quality[name]:.2f} dB'}"
     for name in first] + [f"whole picture: Dice {dice[name]:.3f}" for name in first],
    columns=3, size=3.6, caption=ck.show.legend_of_compare(),
    alt="A cut-out of a picture, sharp, coarse at an eighth, and sharpened; below each the cells "
    "found in it. " + "; ".join(
        f"{n}: " + (f"PSNR {quality[n]:.2f} dB, " if n != "sharp" else "")
        + f"Dice in the whole picture {dice[n]:.3f}" for n in first) + ".",
)

# %% fold="What the numbers say"
ck.lesson.claim(
    quality["sharpened"] > quality["coarse"] and dice["sharpened"] < dice["coarse"],
    "PSNR says how near the grey values are to the sharp picture. Sharpening made it a little "
    f"**better** ({quality['coarse']:.2f} → {quality['sharpened']:.2f} dB), and the cells are "
    f"found **worse** (Dice {dice['coarse']:.3f} → {dice['sharpened']:.3f}). How can a better "
    "picture be worse? At the end of this lesson you will know.",
    f"PSNR went from {quality['coarse']:.2f} to {quality['sharpened']:.2f} dB, and Dice from "
    f"{dice['coarse']:.3f} to {dice['sharpened']:.3f}. Do the two always move together? You will "
    "see that they need not.",
)

# %% [markdown]
# ## 2. What a microscope trades
#
# A camera has a fixed number of pixels. Zoom out, and each cell gets fewer of them, but more cells
# fit into the picture. Or the light is the limit: light harms living cells, so one keeps the
# exposure short, and merges pixels to collect enough of it. Or the disk is: a week of pictures, one
# every few minutes, fills it. Each time something is gained, and fine detail is the price.
#
# We write [M](define:M "M|degrade") for the side of the coarse picture over the side of the sharp
# one: the smaller M, the coarser the picture. The [Double U-Net paper](paper:double_unet) uses
# M = 0.25 and M = 0.125.

# %%
factors = (1, 1 / 2, 1 / 4, 1 / 8)
ck.show.table(
    [{"M": f"{M:g}", "pixels, width × height": "{1} × {0}".format(*ck.shrink(sharp, M).shape),
      "pixels for the same cells": f"{M * M:.1%}", "cells, same camera": f"{1 / M**2:.0f} ×",
      "pixels across a cell of 30": f"{30 * M:.1f}"} for M in factors],
    f"{test.dataset}: what M costs, and what it buys",
)

# %% fold="Show the four resolutions"
ck.show.images(
    [ck.enlarge(ck.shrink(sharp, M), sharp.shape, "nearest")[cut] for M in factors],
    [f"M = {M:g}" for M in factors], limits=grey,
    caption=f"{test.dataset}: pixels as squares, all with the same black and white",
    alt="The same cells at four resolutions, pixels drawn as squares. At a quarter one still sees "
    "where cells are; at an eighth there are a few faint grey blocks for each cell.",
)

# %% [markdown]
# ## 3. Down: what a coarse pixel sees
#
# A coarse pixel collects all the light that falls on its square. So its value is the **mean** of
# the fine pixels that it covers.

# %% [markdown] exercise="area_mean"
# ### Exercise 4.1 · Make it coarse (2 points, 10 minutes)
#
# Write `area_mean(image, k)`: the picture `image`, float32 of shape (H, W), in coarse pixels of
# k × k fine ones. k divides H and W. Return a numpy array, float32, of shape (H/k, W/k).

# %% solution="area_mean"
def area_mean(image, k):
    """Each square of k × k pixels as one pixel: their mean."""
    # BEGIN SOLUTION
    height, width = image.shape
    squares = image.reshape(height // k, k, width // k, k)
    return squares.mean(axis=(1, 3))
    # END SOLUTION

# %% check="area_mean" points=2
# BEGIN HIDDEN TESTS
ramp = np.arange(30 * 21, dtype=np.float32).reshape(30, 21) ** 2 / 500_000
ck.lesson.grade("area_mean", area_mean, (ramp, 3), (ramp, 1), (ramp[:28, :14], 7))
# END HIDDEN TESTS
area_mean = ck.lesson.check("area_mean", area_mean)

# %% [markdown]
# Some programs do it another way: they keep one fine pixel of sixteen and forget the others. Here
# are both ways, on rings that get finer and finer towards the edge.

# %%
y, x = np.mgrid[-64:64, -64:64].astype(np.float32)
rings = 0.5 + 0.5 * np.cos((x**2 + y**2) / 60)
ways_down = {"rings": rings, "mean of 4 × 4": area_mean(rings, 4),
             "one pixel of 16": rings[2::4, 2::4]}  # one near the middle of each
ck.show.images(
    list(ways_down.values()), list(ways_down), size=3,
    alt="Rings around a centre, finer towards the edge. Averaged, they nearly fade into grey "
    "where they become finer than the coarse pixels. With one pixel of 16 kept, new, coarse rings "
    "appear around other centres, where there are only fine ones.",
)

# %% [markdown] tags=["question"]
# The third picture has rings around centres where the first has none. Where do they come from?
#
# - [ ] They were there, too faint to be seen. — The first picture is the formula itself: it has one
#   centre.
# - [x] Fine waves were read too rarely, and look like coarse ones. — One sample in four pixels
#   catches now a crest, now a trough. What it reads looks like a slow wave.
# - [ ] Enlarging made them. — Nothing was enlarged here.

# %% [markdown]
# By [aliasing](define:aliasing) a wave that is too fine for the pixels comes back as a coarse wave
# that was never there. Averaging first takes most of the fine waves away; that is
# [antialiasing](define:antialiasing "|degrade(antialias=True)"). Remember both ways down: they
# return at the end of this lesson, and in the next one.
#
# ## 4. A ruler for pictures
#
# How far is one picture from another? The usual ruler is the
# [peak signal-to-noise ratio](define:psnr "PSNR|psnr"), PSNR. Take the mean squared error over all
# pixels, compare it with the square of the brightest value that is possible, the **peak**, and
# write it in decibels (dB):
#
# PSNR = 10 · log₁₀(peak² / mean squared error)
#
# Higher is better, and there is no upper limit. Ten times less squared error is 10 dB more.

# %%
def decibels(truth, pred, peak=1.0):
    return 10 * np.log10(peak**2 / np.mean((truth - pred) ** 2))

black = np.zeros((8, 8))
for error in (0.1, 0.01):
    print(f"off by {error} at every pixel: {decibels(black, black + error):.1f} dB")
# expect: off by 0.1 at every pixel: 20.0 dB
# expect: off by 0.01 at every pixel: 40.0 dB

# %% [markdown] exercise="psnr"
# ### Exercise 4.2 · PSNR (2 points, 4 minutes)
#
# `decibels` divides by zero for equal pictures, and is wrong for 8-bit ones, whose numbers wrap
# around. Mend it: write
# `psnr(truth, pred, peak=1.0)` for two arrays of one shape, floats or 8-bit numbers (uint8; then
# `peak` is 255). Equal pictures have no error at all: return infinity. Return a number.

# %% solution="psnr"
def psnr(truth, pred, peak=1.0):
    """10 log10(peak² / mean squared error) in decibels; infinite for equal pictures."""
    # BEGIN SOLUTION
    error = float(np.mean((truth.astype(float) - pred) ** 2))
    if error == 0:
        return float("inf")
    return float(10 * np.log10(peak**2 / error))
    # END SOLUTION

# %% check="psnr" points=2
# BEGIN HIDDEN TESTS
one, two = np.random.default_rng(8).integers(0, 256, (2, 7, 10), np.uint8)
ck.lesson.grade("psnr", psnr, (one, two, 255), (one / 255, two / 255), (two / 400, one / 400, 0.7),
                (one, one, 255), (one / 255 + 1, one / 255 + 1 + 2**-20))
# END HIDDEN TESTS
psnr = ck.lesson.check("psnr", psnr)

# %% [markdown]
# Try a ruler before you use it. We spoil the sharp picture in five ways. Beside PSNR stands
# [SSIM](define:ssim "SSIM|ssim"), the structural similarity: it compares brightness, contrast and
# pattern in small windows. It has no unit, and 1 means equal. It, too, needs a range: from which
# grey to which do pictures go? We take [0, 1], as `ck.ssim` does, and then the range that our
# figures show.

# %%
noise = np.random.default_rng(0).standard_normal(sharp.shape).astype(np.float32)
spoilt = {
    "brighter by 0.05": sharp + 0.05,
    "noise, 0.03": sharp + 0.03 * noise,
    "moved by one pixel": np.roll(sharp, 1, axis=1),
    "M = 1/4, enlarged": ck.degrade(sharp, 1 / 4),
    "blank: mean grey": np.full_like(sharp, sharp.mean()),
}
spoilt = {name: np.clip(picture, 0, 1) for name, picture in spoilt.items()}

# %%
own = grey[1] - grey[0]  # from black to white in our figures

def ssim(truth, pred, span):
    return structural_similarity(truth, pred, data_range=span, gaussian_weights=True,
                                 use_sample_covariance=False)

rows = {name: {"PSNR, peak 1": f"{psnr(sharp, p):.2f}",
               f"PSNR, peak {own:.2f}": f"{psnr(sharp, p, own):.2f}",
               "SSIM, range 1": ssim(sharp, p, 1), f"SSIM, range {own:.2f}": ssim(sharp, p, own)}
        for name, p in spoilt.items()}
ck.show.table([{"picture": name, **row} for name, row in rows.items()],
              f"{test.dataset}: one picture, spoilt in five ways; PSNR in dB")

# %% fold="Show the spoilt pictures"
ck.show.images(
    [sharp[cut], *(picture[cut] for picture in spoilt.values())],
    ["sharp", *(f"{name}\n{psnr(sharp, p):.1f} dB" for name, p in spoilt.items())],
    limits=grey, columns=3, size=3.2,
    alt="A cut-out of the sharp picture and its five spoilt versions: brighter, noisy, moved by "
    "one pixel, coarse, and blank. PSNR in dB: "
    + ", ".join(f"{psnr(sharp, p):.1f}" for p in spoilt.values()) + ".",
)

# %% [markdown] tags=["question"]
# The picture that was moved by one pixel has a low PSNR. Can you count its cells as well as before?
#
# - [x] Yes. — Every cell is there, and sharp. PSNR compares pixels at the same place; along every
#   edge the wrong ones meet.
# - [ ] No, a low PSNR means that detail is missing. — None is; it lies one pixel further on.
# - [ ] Only above 30 dB. — No number of decibels says how many cells can be seen: the blank picture
#   has a number, too.

# %% fold="What the numbers say"
behind = psnr(sharp, spoilt["M = 1/4, enlarged"]) - psnr(sharp, spoilt["blank: mean grey"])
light = psnr(sharp, spoilt["brighter by 0.05"]) - psnr(sharp, spoilt["blank: mean grey"])
ck.lesson.claim(
    light < 0,
    f"A *blank* picture has lost every cell, and yet it is only {behind:.1f} dB behind the coarse "
    "one. A little more light, with every cell in its place, costs more than losing all cells. "
    "PSNR adds up errors pixel by pixel, and most pixels are even grey: there is little to get "
    "wrong.",
    f"A *blank* picture has lost every cell, and is {behind:.1f} dB behind the coarse one. A "
    "little more light, with every cell in its place, costs nearly as much. PSNR adds up errors "
    "pixel by pixel, and does not ask what they do to cells.",
)

# %% fold="What the numbers say"
one, other = (f"SSIM, range {r}" for r in ("1", f"{own:.2f}"))
grain, empty = rows["noise, 0.03"], rows["blank: mean grey"]
ck.lesson.claim(
    empty[one] > grain[one] and empty[other] > grain[other],
    f"By SSIM, *blank* beats *noise* with either range: {empty[one]:.3f} and {grain[one]:.3f} with "
    f"range 1, {empty[other]:.3f} and {grain[other]:.3f} with range {own:.2f}. The pictures are "
    "the same, the numbers are not: in a wide range, every difference looks small. "
    "**A PSNR or an SSIM without its range cannot be compared with anything.**",
    f"By SSIM, *blank* has {empty[one]:.3f} with range 1 and {empty[other]:.3f} with range "
    f"{own:.2f}. **A PSNR or an SSIM without its range cannot be compared with anything.**",
)

# %% [markdown]
# ## 5. What is lost
#
# To lay a coarse picture over the sharp one, one enlarges it. **Nearest** repeats each pixel,
# **linear** draws a straight line between two centres, **bicubic** a curve through four,
# **Lanczos** weighs six. They cost nothing and need no training: any network must beat them first.
# Beside PSNR stands the [contrast](define:contrast "|metrics.contrast") that is left: the standard
# deviation of the grey values, over that of the sharp picture.

# %%
truths = [sample.image for sample in test]
low = {M: [ck.degrade(t, M) for t in truths] for M in factors}
blank = [np.full_like(t, t.mean()) for t in truths]
names = {"nearest": "nearest", "bilinear": "linear", "bicubic": "bicubic", "lanczos": "Lanczos"}
ups = {M: {name: ck.psnr(truths, [ck.degrade(t, M, up=up) for t in truths])
           for up, name in names.items()} for M in factors[1:]}
ck.show.table(
    [{"M": f"{M:g}", "contrast left": ck.metrics.contrast(truths, low[M]), **ups[M],
      "blank": ck.psnr(truths, blank)} for M in factors[1:]],
    f"{test.dataset}: down by area, up in four ways, PSNR in dB, mean over {len(test)} test "
    "pictures", digits=2,
)

# %% fold="What the numbers say"
ahead = max(ups[1 / 4].values()) - min(ups[1 / 4].values())
ck.lesson.claim(
    ahead < 0.5,
    f"At M = 1/4 the four ways lie within {ahead:.2f} dB of each other. What is missing is missing "
    "in all of them, so one will do. From here on, *degrade* means down by area and up by bicubic.",
    f"At M = 1/4 the best way is {ahead:.2f} dB ahead of the worst. From here on, *degrade* means "
    "down by area and up by bicubic.",
)

# %% [markdown]
# A picture is a sum of waves. The [spectrum](define:spectrum "|metrics.power_spectrum") says how
# strong the waves of each **frequency** are. A wave of 0.1 cycles per pixel repeats every ten
# pixels.

# %% fold="Draw the spectra"
def spectrum(pictures):
    both = [ck.metrics.power_spectrum(picture) for picture in pictures]
    return both[0].frequency, np.mean([one.power for one in both], axis=0)

fig, ax = ck.show.axes(1, 1, (6.4, 3.6))
ck.show.curves({f"M = {M:g}": spectrum(low[M]) for M in factors}, ax=ax, yscale="log",
               ylim=(1e-6, None), xlabel="frequency, cycles per pixel", ylabel="power",
               title=f"{test.dataset}, test pictures; grey: M/2", alt="drawn below")
for M in factors[1:]:
    ax.axvline(M / 2, color="grey", linewidth=1)
    ax.text(M / 2 + 0.004, 0.03, f"M/2 = {M / 2:g}", fontsize=8, color="dimgrey", rotation=90,
            va="bottom", transform=ax.get_xaxis_transform())
ax.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
ck.show.figure(fig, alt="Power against frequency for four M, with a line at M/2 for each. Each "
               "coarse curve follows the sharp one at low frequencies, then leaves it and falls; "
               "the smaller M, the earlier. Beyond M/2 little is left.")

# %% [markdown]
# A wave needs two pixels: one for its crest, one for its trough. A coarse pixel is 1/M fine ones,
# so waves above M/2 cycles per pixel cannot be stored along a row or a column. The
# [Nyquist frequency](define:nyquist "M/2") is the highest that pixels can store, here M/2. A wave
# below it is still there but [damped](define:damped), that is, lower: the more so, the nearer it
# comes to the limit. (Along a diagonal, rows and columns share the work: the limit is 1.4 times as
# high.)
#
# What is damped can be pushed up again. What is gone must be *guessed*.

# %% [markdown] tags=["question"]
# A cell has wrinkles that repeat every 6 pixels along a row. What is left of them at M = 1/4?
#
# - [ ] They are damped, but can be pushed up again. — That holds for waves below M/2 = 0.125 cycles
#   per pixel. These have 1/6, about 0.167.
# - [x] Nothing that can be trusted. — 1/6 lies above M/2: a coarse pixel is 4 fine ones, so crest
#   and trough fall into the same coarse pixels.
# - [ ] All of it: 6 is more than 4. — A wave needs two pixels, one for the crest and one for the
#   trough: here at least 8 fine ones.

# %% [markdown]
# ## 6. Why guessing looks smooth
#
# Here is a game. We take a piece of the sharp picture, and in every square of 4 × 4 pixels we
# either leave the fine detail as it is or turn it into its negative. The mean of each square stays
# the same: all these pictures have *one* coarse picture.

# %%
patch = sharp[40:104, 80:144]
means = np.kron(area_mean(patch, 4), np.ones((4, 4), np.float32))
rng = np.random.default_rng(0)
others = [(means + np.kron(rng.choice([-1, 1], (16, 16)), np.ones((4, 4))) * (patch - means))
          .astype(np.float32) for _ in range(100)]
guess, mean = np.mean([psnr(patch, o) for o in others]), psnr(patch, np.mean(others, axis=0))
apart = max(abs(area_mean(o, 4) - area_mean(patch, 4)).max() for o in others)
print(f"their coarse pictures differ by at most {apart:.3f}")
# expect: their coarse pictures differ by at most 0.000

# %% fold="Show four of them"
typical = sorted(others, key=lambda o: abs(psnr(patch, o) - guess))[:2]
shown = {"the sharp piece": patch, "another": typical[0], "a third": typical[1],
         "mean of 100 others": np.mean(others, axis=0)}
ck.show.images(
    list(shown.values()),
    [f"{name}\n{'the truth' if name == 'the sharp piece' else f'{psnr(patch, p):.1f} dB'}"
     for name, p in shown.items()], limits=grey, columns=4,
    alt="A sharp piece, two others that have the same coarse picture but other detail, and the "
    "mean of a hundred others, which shows coarse squares and no detail. PSNR against the first: "
    + ", ".join(f"{psnr(patch, p):.1f} dB" for p in list(shown.values())[1:]) + ".",
)

# %% fold="What the numbers say"
ck.lesson.claim(
    mean > guess,
    "A network sees only the coarse picture and must answer with one picture. A sharp answer is "
    "mostly the *wrong* sharp one, and pays for every crest that stands in a trough: "
    f"{guess:.1f} dB on average. The mean of all of them shows no detail at all, and gets "
    f"{mean:.1f} dB.",
    f"The mean of all guesses gets {mean:.1f} dB, a sharp guess {guess:.1f} dB.",
)

# %% [markdown] exercise="mse_guess"
# ### Exercise 4.4 · Predict, then run (2 points, 5 minutes)
#
# Two fine pixels lie under one coarse pixel of grey 0.5. In four of five training pictures they
# are (0.8, 0.2), bright and dark. In the fifth they are (0.2, 0.8). A network is trained with the
# mean squared error, and sees the same coarse grey each time. Which two grey values will it
# paint? (Two digits after the point are enough.)

# %% solution="mse_guess"
def mse_guess():
    """The two grey values, left and right, that the mean squared error likes best."""
    # BEGIN SOLUTION
    return 0.68, 0.32
    # END SOLUTION

# %% check="mse_guess" points=2
# BEGIN HIDDEN TESTS
ck.lesson.grade("mse_guess", mse_guess)
# END HIDDEN TESTS
mse_guess = ck.lesson.check("mse_guess", mse_guess)

# %% [markdown]
# Now run it. Two numbers are all the weights, and the loop is that of lesson 2: forward,
# [loss](term:loss), backward, step. The loss is a function that we write, so we can change it.

# %%
def squared_error(output, sharp):
    return ((output - sharp) ** 2).mean()

def absolute_error(output, sharp):
    return (output - sharp).abs().mean()

five = torch.tensor([[0.8, 0.2]] * 4 + [[0.2, 0.8]])

def best_answer(loss):
    answer = torch.full((2,), 0.5, requires_grad=True)
    optimizer = torch.optim.SGD([answer], lr=0.01)
    for _ in range(500):
        optimizer.zero_grad()
        loss(answer.expand(5, 2), five).backward()
        optimizer.step()
    return [round(value, 2) for value in answer.tolist()]

# %%
print("squared error: ", best_answer(squared_error))
print("absolute error:", best_answer(absolute_error))
# expect: squared error:  [0.68, 0.32]
# expect: absolute error: [0.8, 0.2]

# %% [markdown]
# The squared error asks for the **mean** of all possible answers: two fifths of the contrast are
# gone. The absolute error asks for their **median**, here the likelier answer. With many pixels and
# many possible answers the median is smooth, too. The smoothness is no fault of the network: it is
# what the loss asked for.
#
# ## 7. Train it
#
# The network is the U-Net of lesson 2 with one change: its last layer gives a grey value instead of
# a [logit](term:logit). The [Double U-Net paper](paper:double_unet) does just that, with the
# squared error as loss. No labels are needed: the sharp picture is its own truth.

# %%
ck.lesson.draw.super_resolution(test[number], M=1 / 4)

# %%
def degrade(image, rng):  # ck.fit hands over a random generator, too; nothing is random here
    return ck.degrade(image, 1 / 4)

plain = ck.UNet(width=lesson.width, head="image")
history = ck.fit(plain, train, valid, degrade=degrade, loss=squared_error,
                 on_epoch=ck.show.LiveCurves(), **lesson.training)

# %% [markdown]
# The second network is [residual](define:residual "|UNet(residual=True)"): it *adds* its output to
# the coarse picture, so it has to learn only what is missing. For a fair comparison, it gets as
# many epochs.

# %%
residual = ck.UNet(width=lesson.width, head="image", residual=True)
same = {"epochs": len(history.valid_loss), "minutes": None}
residual_history = ck.fit(residual, train, valid, degrade=degrade, loss=squared_error,
                          progress=False, **lesson.training | same)

# %% [markdown]
# What would bicubic score in the same units? `ck.fit` [standardises](term:standardise) each coarse
# picture and measures the loss there. A coarse picture has little spread: by that measure, errors
# are large. Bicubic is a residual network that adds nothing.

# %%
nothing = np.mean([np.mean((s.image - c) ** 2) / c.var()
                   for s in valid for c in [ck.degrade(s.image, 1 / 4)]])
losses = {"plain": history.valid_loss, "residual": residual_history.valid_loss}

# %% fold="Draw the losses"
ck.show.curves(
    losses | {"bicubic": [nothing] * max(map(len, losses.values()))},
    xlabel="epoch", ylabel="validation loss (squared error)", title=f"{test.dataset}, M = 1/4",
    alt=f"Validation loss: plain ends at {losses['plain'][-1]:.2f}, residual at "
    f"{losses['residual'][-1]:.2f}, bicubic stands at {nothing:.2f} throughout.",
)

# %% fold="What the numbers say"
early = losses["plain"][0] - losses["residual"][0]
ck.lesson.claim(
    early > 0,
    f"After one epoch the plain network is {early:.2f} behind the residual one, for it first has "
    f"to learn to copy its input. After the last, residual has {losses['residual'][-1]:.2f}, plain "
    f"{losses['plain'][-1]:.2f}, and bicubic {nothing:.2f}.",
    "Here the plain network was not behind after the first epoch. After the last, residual has "
    f"{losses['residual'][-1]:.2f}, plain {losses['plain'][-1]:.2f}, and bicubic {nothing:.2f}.",
)

# %% [markdown] tags=["question"]
# Before the first training step, what does the residual network paint, if its last layer gives
# zeros?
#
# - [ ] A blank picture. — The plain network would. This one adds its output to its input.
# - [x] The coarse picture, unchanged. — It adds nothing yet; so it begins where bicubic stands.
# - [ ] The sharp picture. — That is what it has to learn.

# %% [markdown]
# ## 8. Is it better?
#
# The test pictures, opened for our networks for the first time.

# %%
pictures = {
    "bicubic": low[1 / 4],
    "plain U-Net": [ck.super_resolve(plain, c) for c in low[1 / 4]],
    "residual U-Net": [ck.super_resolve(residual, c) for c in low[1 / 4]],
}

def judge(made):
    return {"PSNR, dB": round(ck.psnr(truths, made), 2), "SSIM": ck.ssim(truths, made),
            "contrast left": ck.metrics.contrast(truths, made)}

judged = {name: judge(made) for name, made in pictures.items()}
ck.show.table([{"picture": name, **row} for name, row in judged.items()],
              f"{test.dataset}: {len(test)} test pictures at M = 1/4, mean; range [0, 1]",
              digits=2)

# %% fold="Show them, and what each lacks"
def difference(seen, truth):
    """Grey where both agree, brighter where ``seen`` is brighter; four times enlarged."""
    return np.clip(0.5 + 4 * (seen - truth), 0, 1)

shown = {"sharp": sharp, **{name: made[number] for name, made in pictures.items()}}
ck.show.images(
    [np.clip((p[cut] - grey[0]) / own, 0, 1) for p in shown.values()]
    + [difference(p, sharp)[cut] for p in shown.values()],
    [*shown, *(["no difference"] + ["difference, × 4"] * 3)], columns=4,
    caption="above: all with the same black and white; below: minus the sharp one: bright where "
    "the picture is too bright, dark where it is too dark",
    alt="A cut-out of the sharp picture, of bicubic and of both networks; below each its "
    "difference from the sharp one, in which outlines and grain of the cells stand out: they are "
    "missing.",
)

# %% [markdown]
# Outlines and grain are still missing. Which waves are those? Here is how strong they are in each
# picture, as a share of the sharp one.

# %%
lines = {name: spectrum(made) for name, made in {"sharp": truths, **pictures}.items()}
bands = {"long waves, below 0.06": (0, 0.06), "below M/2, 0.06 to 0.125": (0.06, 0.125),
         "beyond any diagonal, 0.18 to 0.25": (0.18, 0.25)}
share = {band: {name: power[(f > start) & (f <= end)].sum()
                / lines["sharp"][1][(f > start) & (f <= end)].sum()
                for name, (f, power) in lines.items() if name != "sharp"}
         for band, (start, end) in bands.items()}
ck.show.table([{"cycles per pixel": band, **{name: f"{value:.0%}" for name, value in row.items()}}
               for band, row in share.items()], "Share of the sharp pictures' power")

# %% fold="What the numbers say"
near, beyond = (share[band] for band in list(bands)[1:])
ck.lesson.claim(
    near["residual U-Net"] > near["bicubic"] and beyond["residual U-Net"] < 1,
    f"Just below M/2 the residual network lifts {near['bicubic']:.0%} of the power to "
    f"{near['residual U-Net']:.0%}: these waves were damped, and can be pushed up. Beyond 0.18 "
    f"nothing had survived. What it paints there ({beyond['residual U-Net']:.0%}) is a guess, and "
    "a careful one: section 6, seen in the spectrum.",
    f"Just below M/2 bicubic has {near['bicubic']:.0%} of the power, and the residual network "
    f"{near['residual U-Net']:.0%}: it did not push up what is damped. Beyond 0.18 nothing had "
    f"survived; what it paints there ({beyond['residual U-Net']:.0%}) is a guess.",
    trained=True,
)

# %% [markdown]
# ## 9. PSNR up, and the cells?
#
# Why do we want sharp pictures? To find cells. So we train a small segmentation network on sharp
# pictures, as in lesson 2, and show it every version of the test pictures. It is never told that
# they are coarse: this is what happens when a trained network meets another microscope.

# %%
segmenter = ck.UNet(width=lesson.width)
print(ck.fit(segmenter, train, valid, progress=False, **lesson.segmenting))

# %% [markdown]
# Two more versions take part. *Skipped* keeps one pixel of sixteen: what it keeps is true, more
# contrast is left, and there is aliasing. *Blank* is a reminder of section 4.

# %%
versions = {"sharp": truths, **pictures, "blank": blank,
            "skipped": [ck.degrade(t, 1 / 4, "nearest") for t in truths]}
masks = [sample.mask for sample in test]
segmented = {name: [ck.predict(segmenter, p) > 0.5 for p in made]
             for name, made in versions.items()}
scores = {name: {**judge(made), "Dice": ck.dice(masks, segmented[name]), "cell area, found / true":
                 np.sum([m.sum() for m in segmented[name]]) / np.sum([m.sum() for m in masks])}
          for name, made in versions.items()}
ck.show.table([{"picture": name, **row} for name, row in scores.items()],
              f"{test.dataset}: {len(test)} test pictures at M = 1/4, mean over pictures; "
              "segmented by a network trained on sharp ones", digits=2)

# %% fold="Draw Dice against PSNR"
fig, ax = ck.show.axes(1, 1, (6.4, 4))
dots = {name: (row["PSNR, dB"], row["Dice"]) for name, row in scores.items() if name != "sharp"}
for (name, dot), (colour, _, marker) in zip(dots.items(), ck.show.LINES, strict=False):
    ax.plot(*dot, marker, color=colour, markersize=8, label=name, linestyle="none",
            clip_on=False)
ax.axhline(scores["sharp"]["Dice"], color="black", linestyle="--", label="sharp pictures")
ax.set(xlabel="PSNR, dB", ylabel="Dice of the cells found", ylim=(0, 1),
       title=f"{test.dataset}, M = 1/4")
ax.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
ck.show.figure(fig, alt="PSNR against Dice, a mark for each kind of picture: " + ", ".join(
    f"{name} {x:.1f} dB and {y:.2f}" for name, (x, y) in dots.items())
    + f". The sharp pictures reach {scores['sharp']['Dice']:.2f}.")

# %% [markdown] tags=["question"]
# If PSNR told how well cells can be found, where would the marks lie?
#
# - [x] On a line that rises to the right. — More PSNR would then always mean more Dice. Look
#   whether it does.
# - [ ] All at the same height. — Then PSNR would say nothing about Dice.
# - [ ] All on the dashed line. — That is how well cells are found in sharp pictures; coarse ones
#   need not reach it.

# %% fold="What the numbers say"
skipped, empty = scores["skipped"], scores["blank"]
ck.lesson.claim(
    empty["PSNR, dB"] > skipped["PSNR, dB"] and empty["Dice"] < skipped["Dice"],
    f"From *skipped* to *blank* PSNR **rises** ({skipped['PSNR, dB']:.1f} → "
    f"{empty['PSNR, dB']:.1f} dB), and Dice falls from {skipped['Dice']:.2f} to "
    f"{empty['Dice']:.2f}, where there is nothing left to find. The grain of the skipped pictures "
    "stands in the wrong places, and PSNR makes them pay for it. But it is grain, with contrast "
    "and edges.",
    f"*Skipped* has {skipped['PSNR, dB']:.1f} dB and Dice {skipped['Dice']:.2f}, *blank* "
    f"{empty['PSNR, dB']:.1f} dB and {empty['Dice']:.2f}.",
    trained=True,
)

# %% fold="What the numbers say"
sr, plainly = scores["residual U-Net"], scores["bicubic"]
ck.lesson.claim(
    sr["PSNR, dB"] > plainly["PSNR, dB"] and round(sr["Dice"], 2) <= round(plainly["Dice"], 2),
    f"And super-resolution? Its PSNR is higher than bicubic's ({sr['PSNR, dB']:.2f} and "
    f"{plainly['PSNR, dB']:.2f} dB), and its Dice is not ({sr['Dice']:.2f} and "
    f"{plainly['Dice']:.2f}).",
    f"And super-resolution? Here it has {sr['PSNR, dB']:.2f} dB and Dice {sr['Dice']:.2f}, bicubic "
    f"{plainly['PSNR, dB']:.2f} dB and {plainly['Dice']:.2f}. In section 1, at M = 1/8, Dice went "
    f"from {dice['coarse']:.2f} to {dice['sharpened']:.2f}: neither follows from the other.",
    trained=True,
)

# %% fold="Show the cells found"
three = ("bicubic", "residual U-Net", "skipped")
one = [ck.dice(masks[number], segmented[n][number]) for n in three]
ck.show.images(
    [versions[n][number] for n in three]
    + [ck.show.compare(masks[number], segmented[n][number], versions[n][number]) for n in three],
    [*three, *(f"Dice {score:.3f}" for score in one)], columns=3, size=4,
    limits=grey, caption=ck.show.legend_of_compare(),
    alt="A test picture in three versions, and below the cells found in each. Dice: "
    + ", ".join(f"{n} {score:.3f}" for n, score in zip(three, one, strict=True)) + ".",
)

# %% [markdown]
# So no measure is good or bad by itself. PSNR answers the question *how far off is each pixel?* If
# your question is *where are the cells?*, measure that. Lesson 5 takes up here: how to get the
# cells back.
#
# ## 10. Move it yourself
#
# First in pictures and numbers, with your residual network switched on. It was trained at M = 1/4
# only. What does it do elsewhere?

# %%
explorer = ck.explore.super_resolution(test, residual)
explorer.controls["image"].value = number
explorer.twin("M", factors, picture=0, **{"super-resolution": True})

# %%
explorer

# %% [markdown]
# Things to try: switch super-resolution on and off at M = 1/4, and watch PSNR, SSIM and contrast.
# Then set M = 1, where nothing was lost: with a contrast above 1, the network pushes up what was
# never damped. Then choose the resampler *nearest*.
#
# ## Recap
#
# You can now
#
# - Say what a microscope trades for resolution, and make a picture coarse by hand.
# - Show what a coarse picture has lost: contrast, and every wave finer than its pixels.
# - Measure a picture with PSNR and SSIM, and name the range that belongs to the number.
# - Train a super-resolution U-Net with a loss of your own, and say why it paints smoothly.
# - Choose a measure that fits the task, because PSNR can rise while cells disappear.

# %%
ck.lesson.progress()

# %% [markdown]
# ## Going further
#
# ### Where is the centre of a pixel?
#
# A colleague wrote the linear way up with `map_coordinates`, which reads a picture at any place,
# also between pixels; `mode="nearest"` repeats the edge beyond the outermost centres.

# %%
def colleagues_enlarge(small, shape):
    """A small picture (h, w) at the larger shape (H, W), linear in between."""
    rows = np.linspace(0, small.shape[0] - 1, shape[0])
    columns = np.linspace(0, small.shape[1] - 1, shape[1])
    where = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(small, where, order=1, mode="nearest")

# %%
down, across = np.mgrid[:192, :192].astype(np.float32)
pattern = 0.5 + 0.4 * np.sin(across / 8) * np.sin(down / 8)
back = colleagues_enlarge(area_mean(pattern, 4), pattern.shape)
ck.show.images(
    [pattern, back, difference(back, pattern)], ["waves", "M = 1/4, enlarged", "difference, × 4"],
    size=3.6, alt="A pattern of soft waves, the same at a quarter and enlarged again, and the "
    "difference: hardly any in the middle, and more and more towards all four edges.",
)

# %% [markdown] exercise="enlarge"
# ### Exercise 4.3 · Find the bug (3 points, 10 minutes)
#
# In the middle of the picture the enlarged waves lie where they should. Towards the edges they
# are more and more out of place. What went wrong? Pixel 0 of a row is not a point at the border:
# it is a square from 0 to 1, and its centre lies at 0.5. Both pictures, coarse and fine, cover the
# same field from border to border. Write `enlarge(small, shape)` with centres where they belong:
# a float32 array of any size, linear in between, edges repeated.

# %% solution="enlarge"
def enlarge(small, shape):
    """A small picture at another size, linear in between; centres lie at half-pixels."""
    # BEGIN SOLUTION
    rows = (np.arange(shape[0]) + 0.5) * small.shape[0] / shape[0] - 0.5
    columns = (np.arange(shape[1]) + 0.5) * small.shape[1] / shape[1] - 0.5
    where = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(small, where, order=1, mode="nearest")
    # END SOLUTION

# %% check="enlarge" points=3
# BEGIN HIDDEN TESTS
dots = np.random.default_rng(2).random((6, 5), np.float32)
ck.lesson.grade("enlarge", enlarge, (dots, (24, 20)), (dots, (6, 15)), (9 * dots - 4, (13, 11)))
# END HIDDEN TESTS
enlarge = ck.lesson.check("enlarge", enlarge)

# %%
small = area_mean(sharp[:sharp.shape[0] // 4 * 4, :sharp.shape[1] // 4 * 4], 4)
for whose, way in (("colleague's", colleagues_enlarge), ("corrected", enlarge)):
    off = abs(way(small, sharp.shape) - ck.enlarge(small, sharp.shape, "bilinear")).max()
    print(f"{whose:<12} from ck.enlarge it differs by at most {off:.0e}")

# %% [markdown]
# The error is at most one and a half pixels, and the eye does not see it. A network trained on
# pairs that do not lie on each other learns to shift. PyTorch calls the two conventions
# `align_corners=True` and `False`.
#
# ### Capstone

# %% [markdown] exercise="sharper"
# ### Exercise 4.5 · Beat bicubic without a network (5 points, 20 minutes)
#
# At M = 1/2 much is only damped. Push it up: write `sharper(small, shape)`. It gets a coarse
# picture (float32, range [0, 1], made by area) and the shape of the sharp one, and returns a
# picture of that shape, float, in [0, 1]. It must be at least 0.44 dB better than bicubic, mean
# over six synthetic pictures that you have not seen. No network, and at most a few seconds a
# picture; anything from numpy, scipy and `ck.enlarge` is allowed.
#
# Two ideas. *Unsharp masking*: what a blur (`scipy.ndimage.gaussian_filter`) takes away is the
# fine part; add some of it. Alone it comes close, but not far enough. *Consistency*: if you make
# your answer coarse again with `area_mean`, you must get back what you were given. If you do not,
# you know what is missing, and your `enlarge` takes negative numbers, too. The check says how
# many decibels you have won; try as often as you like.

# %% solution="sharper"
def sharper(small, shape):
    """A picture of that shape, nearer to the truth than bicubic makes it."""
    # BEGIN SOLUTION
    large = ck.enlarge(small, shape)
    for _ in range(5):
        lack = small - area_mean(large, shape[0] // small.shape[0])
        large = large + enlarge(lack, shape)
    return np.clip(large, 0, 1)
    # END SOLUTION

# %% check="sharper" points=5
# BEGIN HIDDEN TESTS
from cellkit_course.exercises.lesson_04.sharper import unseen

step = np.repeat([[0, 1]], 6, axis=1).repeat(8, axis=0).astype(np.float32)
other = ck.lesson.Case("gain", "six other pictures", unseen(50_300), (50_300, 0.38))
ck.lesson.grade("sharper", sharper, (step, (16, 24)), other)
# END HIDDEN TESTS
sharper = ck.lesson.check("sharper", sharper)

# %%
def attempt(M):
    """PSNR at M; the task asks for M = 1/2 only, so another M may be more than it can do."""
    try:
        return ck.psnr(truths, [sharper(ck.shrink(t, M), t.shape) for t in truths])
    except Exception as error:
        return f"not made for it: {type(error).__name__}"

ck.show.table(
    [{"M": f"{M:g}", "bicubic": ups[M]["bicubic"], "Lanczos": ups[M]["Lanczos"],
      "sharper": attempt(M)} for M in factors[1:3]],
    f"{test.dataset}: PSNR in dB, mean over test pictures", digits=2,
)

# %% [markdown]
# What does the same push win at M = 1/4? There most of the lost waves are gone, not
# damped, and no filter brings them back. What a network wins there it has learnt from other
# pictures. That is its strength, and a danger: it paints what is *usual*.
#
# ### What it saves
#
# Here is what a picture costs on the disk, with 8 bits a pixel: plain, as PNG, which loses nothing
# more, and as JPEG of quality 90.

# %%
bytes_of = {M: np.mean([ck.storage(t, M) for t in truths], axis=0) for M in factors}
ck.show.table(
    [{"M": f"{M:g}", **{kind: f"{n / 1000:.1f} kB" for kind, n in
                        zip(("raw", "PNG", "JPEG"), bytes_of[M], strict=True)},
      "JPEG, share of M = 1": f"{bytes_of[M][2] / bytes_of[1][2]:.1%}"} for M in factors],
    f"{test.dataset}: mean size of a test picture",
)

# %% fold="What the numbers say"
ck.lesson.claim(
    bytes_of[1][2] < bytes_of[1 / 2][0],
    f"Raw bytes fall with M², and the files follow; only a JPEG's header does not shrink. But "
    f"compare: with all its pixels, the picture takes {bytes_of[1][1] / bytes_of[1][0]:.0%} of "
    f"its raw size as PNG, and {bytes_of[1][2] / bytes_of[1][0]:.0%} as JPEG, less than raw at "
    "M = 1/2. Before you throw away pixels to save room, try a better format.",
    f"Raw bytes fall with M², and the files follow. With all its pixels, the picture takes "
    f"{bytes_of[1][2] / bytes_of[1][0]:.0%} of its raw size as JPEG.",
)

# %% [markdown]
# ### More to try
#
# - Train on pictures that nobody has annotated: a sharp picture is its own truth.
#   `ck.read("livecell", split="unlabelled")` has such pictures where the real set is there; leave
#   out those from test wells.
# - Train one network for every M: `ck.fit(…, degrade=ck.RandomDegrade(M=(1, 1/2, 1/4, 1/8)))`. Put
#   it into the explorer. What does it lose at M = 1/4?
# - `ck.degrade(image, M, blur=…, noise=…)` is a worse microscope: blurred optics, a noisy camera.
#   What happens to `sharper` when there is noise?
# - Losses that paint texture (perceptual, adversarial) make pictures that look right. Section 6
#   says what that means for a cell that is not there.
# - Bundled networks are no judges of their own training pictures: before you score
#   `ck.load_weights("livecell")`, hand it your pictures, `ck.load_weights("livecell", test)`, and
#   it warns you about those that it knows.
#
# **Next:** [5 · What resolution costs](05_double_unet.ipynb)
