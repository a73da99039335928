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
# - Train a super-resolution U-Net, judge it against bicubic, and say why it paints smoothly.
# - Choose a measure that fits the task, because PSNR can rise while cells disappear.
#
# **Minutes:** about 90 minutes of reading, running and exercises, of which the two cores of a
# laptop compute about 15. Five exercises, 14 points.

# %% setup
import numpy as np
import torch
from scipy.ndimage import gaussian_filter, map_coordinates

# %% [markdown]
# ## 1. What a microscope trades
#
# A camera has a fixed number of pixels. Zoom out, and each cell gets fewer of them, but more cells
# fit into the picture. Or the light is the limit: light harms living cells, so one keeps it short
# and merges pixels to collect enough. Or it is the disk: a week of time-lapse fills one. Each time
# something is gained, and fine detail is the price.
#
# We call the price **M**: the side of the coarse picture over the side of the sharp one. The first
# of our papers uses M = 0.25 and M = 0.125.

# %%
samples = ck.read("livecell").cached()
test = samples.where(lambda entry: entry.group in ck.lesson.TEST_WELLS)
rest = samples.where(lambda entry: entry.group not in ck.lesson.TEST_WELLS)
train, valid = ck.split(rest, 0.85, seed=0, by="group")
number = max(range(len(test)), key=lambda i: test.cell_types[i] == "BT474")  # the first such, or 0
sharp = test[number].image

# %%
factors = (1, 1 / 2, 1 / 4, 1 / 8)
ck.show.table(
    [{"M": f"{M:g}", "pixels": "{1} × {0}".format(*small.shape),
      "pixels for the same cells": f"{M * M:.1%}",
      "field with the same camera": f"{1 / M**2:.0f} ×",
      "pixels across a cell of 30": f"{30 * M:.1f}"}
     for M in factors for small in [ck.shrink(sharp, M)]],
    f"{test.dataset}: what M costs, and what it buys",
)

# %%
cut = np.s_[:128, 40:232]
grey = tuple(np.quantile(sharp, (0.001, 0.999)))  # black and white, the same in all figures
ck.show.images(
    [ck.enlarge(ck.shrink(sharp, M), sharp.shape, "nearest")[cut] for M in factors],
    [f"{test.dataset}, M = {M:g}" for M in factors], limits=grey,
    alt="The same cells at four resolutions, pixels drawn as squares. At a quarter one still sees "
    "where cells are; at an eighth there are a few grey blocks for each cell.",
)

# %% [markdown]
# ## 2. Down: what a coarse pixel sees
#
# A coarse pixel collects all the light that falls on its square. So its value is the **mean** of
# the fine pixels that it covers.

# %% [markdown] exercise="area_mean"
# ### Exercise 4.1 · Make it coarse (2 points, 10 minutes)
#
# Write `area_mean(image, k)`: the picture `image`, float32 of shape (H, W), in coarse pixels of
# k × k fine ones. k divides H and W. Return float32 of shape (H/k, W/k).

# %% solution="area_mean"
def area_mean(image, k):
    """Each square of k × k pixels as one pixel: their mean."""
    # BEGIN SOLUTION
    height, width = image.shape
    squares = image.reshape(height // k, k, width // k, k)
    return squares.mean(axis=3).mean(axis=1)
    # END SOLUTION

# %% check="area_mean" points=2
# BEGIN HIDDEN TESTS
ramp = np.arange(30 * 21, dtype=np.float32).reshape(30, 21) ** 2 / 500_000
known = np.array([[ramp[3 * i:3 * i + 3, 3 * j:3 * j + 3].mean() for j in range(7)]
                  for i in range(10)])
coarse = area_mean(ramp, 3)
assert coarse.shape == (10, 7) and coarse.dtype == np.float32
assert np.allclose(coarse, known, atol=1e-6)
assert np.allclose(area_mean(ramp, 1), ramp)
# END HIDDEN TESTS
area_mean = ck.lesson.check("area_mean", area_mean)

# %%
small = area_mean(sharp, 4)
apart = abs(small - ck.shrink(sharp, 1 / 4)).max()
print(f"from {sharp.shape} to {small.shape}; ck.shrink differs by at most {apart:.0e}")

# %% [markdown]
# Not every program does it this way. Some take one fine pixel in sixteen and forget the others.
# Remember that: it will matter at the end of this lesson, and in the next one.
#
# ## 3. A ruler for pictures
#
# How far is one picture from another? The usual ruler is the **peak signal-to-noise ratio**, PSNR.
# Take the mean squared error over all pixels, compare it with the square of the brightest value
# that is possible, the **peak**, and write it in decibels:
#
# PSNR = 10 · log₁₀(peak² / mean squared error)
#
# Higher is better. Ten times less squared error is 10 dB more.

# %% [markdown] exercise="psnr"
# ### Exercise 4.2 · PSNR (2 points, 10 minutes)
#
# Write `psnr(truth, pred, peak=1.0)` for two arrays of one shape; return a plain float. They may
# also be of 8-bit numbers (uint8), then `peak` is 255. Equal pictures have no error at all: return
# infinity.

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
wanted = 10 * np.log10(255**2 / ((one / 1.0 - two / 1.0) ** 2).mean())
assert abs(psnr(one, two, 255) - wanted) < 1e-6
assert abs(psnr(one / 255, two / 255) - wanted) < 1e-6
assert abs(psnr(one / 255 * 0.7, two / 255 * 0.7) - wanted + 20 * np.log10(0.7)) < 1e-6
assert psnr(one, one, 255) == float("inf")
# END HIDDEN TESTS
psnr = ck.lesson.check("psnr", psnr)

# %%
black = np.zeros((8, 8))
for error in (0.1, 0.01):
    print(f"off by {error} at every pixel: {psnr(black, black + error):.1f} dB")
# expect: off by 0.1 at every pixel: 20.0 dB
# expect: off by 0.01 at every pixel: 40.0 dB

# %% [markdown]
# A ruler should be tried before it is used. We spoil the sharp picture in five ways. Beside PSNR
# stands **SSIM**, the structural similarity: it compares brightness, contrast and pattern in small
# windows, and 1 means equal.

# %%
noise = np.random.default_rng(0).standard_normal(sharp.shape).astype(np.float32)
spoilt = {
    "a little brighter (+ 0.05)": sharp + 0.05,
    "noise (standard deviation 0.03)": sharp + 0.03 * noise,
    "one pixel to the right": np.roll(sharp, 1, axis=1),
    "M = 1/4, enlarged again": ck.degrade(sharp, 1 / 4),
    "blank: the mean grey everywhere": np.full_like(sharp, sharp.mean()),
}
spoilt = {name: np.clip(picture, 0, 1) for name, picture in spoilt.items()}

# %%
own = float(grey[1] - grey[0])  # from black to white in our figures
ck.show.table(
    [{"picture": name, "PSNR, dB": f"{psnr(sharp, p):.1f}",
      f"with a peak of {own:.2f}": f"{psnr(sharp, p, own):.1f}",
      "SSIM": ck.ssim(sharp, p)} for name, p in spoilt.items()],
    f"{test.dataset}, {test.names[number]}: one picture, spoilt in five ways",
)

# %%
ck.show.images(
    [sharp[cut], *(picture[cut] for picture in spoilt.values())],
    ["sharp", *(f"{name.split(':')[0].split(' (')[0]}\n{psnr(sharp, p):.1f} dB"
                for name, p in spoilt.items())],
    limits=grey, columns=3, size=3.6,
    alt="A cut-out of the sharp picture and its five spoilt versions: brighter, noisy, shifted by "
    "one pixel, coarse, and blank. PSNR in dB: "
    + ", ".join(f"{psnr(sharp, p):.1f}" for p in spoilt.values()) + ".",
)

# %% [markdown]
# Look at the last two rows. A blank picture has lost every cell, and yet it comes within a few
# decibels of the coarse one. Then look at the first row: a little more light, with every cell in
# its place, costs more than losing all cells. PSNR adds up errors, pixel by pixel, and phase
# contrast is mostly even grey, so there is little to get wrong. Keep these rows in mind when a
# paper reports a PSNR.
#
# The third column is a warning, too: the same errors on another peak are other numbers. A PSNR
# without its range cannot be compared with anything.
#
# ## 4. Up again: where is the centre of a pixel?
#
# To lay a coarse picture over the sharp one we enlarge it to the old size. The simplest smooth way
# is **linear**: between two coarse centres the grey changes evenly. A colleague wrote it with
# `map_coordinates`, which reads a picture at any place, also between pixels; `mode="nearest"`
# repeats the edge beyond the outermost centres.

# %%
def colleagues_enlarge(small, shape):
    """A small picture (h, w) at the larger shape (H, W), linear in between."""
    rows = np.linspace(0, small.shape[0] - 1, shape[0])
    columns = np.linspace(0, small.shape[1] - 1, shape[1])
    where = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(small, where, order=1, mode="nearest")

# %%
def difference(seen, truth):
    """Grey where both agree, brighter where ``seen`` is brighter."""
    return np.clip(0.5 + 4 * (seen - truth), 0, 1)

y, x = np.mgrid[:192, :192].astype(np.float32)
waves = 0.5 + 0.4 * np.sin(x / 8) * np.sin(y / 8)
back = colleagues_enlarge(area_mean(waves, 4), waves.shape)
ck.show.images(
    [waves, back, difference(back, waves)], ["waves", "M = 1/4, enlarged again", "difference"],
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
# float32, linear in between, edges repeated.

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
for size in ((24, 20), (6, 15), (13, 11)):
    known = torch.nn.functional.interpolate(
        torch.from_numpy(dots)[None, None], size, mode="bilinear", align_corners=False)
    found = enlarge(dots, size)
    assert found.shape == size and found.dtype == np.float32
    assert np.allclose(found, known[0, 0].numpy(), atol=1e-5)
# END HIDDEN TESTS
enlarge = ck.lesson.check("enlarge", enlarge)

# %%
for name, way in (("colleague's", colleagues_enlarge), ("corrected", enlarge)):
    large = way(small, sharp.shape)
    print(f"{name:<12} PSNR {psnr(sharp, large):.2f} dB; from ck.enlarge it differs by at most "
          f"{abs(large - ck.enlarge(small, sharp.shape, 'bilinear')).max():.0e}")

# %% [markdown]
# The error was at most one and a half pixels, and the eye does not see it. A network trained on
# pairs that do not lie on each other learns to shift. PyTorch calls the two conventions
# `align_corners=True` and `False`.
#
# ## 5. Bicubic is hard to beat
#
# Linear is not the only way up. **Bicubic** lays a cubic curve through four neighbours,
# **Lanczos** weighs six. **Nearest** just repeats. Before any network is praised, it must beat
# these: they cost nothing and need no training.

# %%
truths = [s.image for s in test]
ways = ("nearest", "bilinear", "bicubic", "lanczos")
scores = {(M, up): [ck.degrade(t, M, up=up) for t in truths] for M in factors[1:] for up in ways}
rows = [{"way up": up, **{f"PSNR at M = {M:g}": f"{ck.psnr(truths, scores[M, up]):.2f}"
                          for M in factors[1:]}} for up in ways]
blank = [np.full_like(t, t.mean()) for t in truths]
rows.append({"way up": "blank", **{f"PSNR at M = {M:g}": f"{ck.psnr(truths, blank):.2f}"
                                   for M in factors[1:]}})
ck.show.table(rows, f"{test.dataset}: test pictures, down by area, PSNR in dB, mean over pictures")

# %%
ck.show.images(
    [scores[1 / 4, up][number][cut] for up in ways] + [sharp[cut]], [*ways, "sharp"], limits=grey,
    columns=5, size=2.6,
    alt="The coarse picture at a quarter, enlarged in four ways: squares, soft, a little crisper, "
    "crisper still; and the sharp one, which has far more detail than any of them.",
)

# %% [markdown]
# At M = 1/4 the four ways look different and score nearly the same, plain *nearest* as well as the
# smooth curves. Even *blank*, one grey everywhere, is not far behind. What is missing is missing in
# all of them. From here on, *degrade* means: down by area, up by bicubic, as `ck.degrade` does.
#
# ## 6. What is lost
#
# Two things can be measured. **Contrast**: the standard deviation of the grey values, over that of
# the sharp picture. And the **spectrum**: a picture is a sum of waves, and the spectrum says how
# strong the waves of each frequency are. A wave of 0.1 cycles per pixel repeats every ten pixels.

# %%
def contrast(pictures):
    return np.mean([p.std() / t.std() for p, t in zip(pictures, truths, strict=True)])

low = {M: [ck.degrade(t, M) for t in truths] for M in factors}
left = {f"M = {M:g}": contrast(low[M]) for M in factors}
ck.show.bars(
    left, ylabel="contrast left", title=f"{test.dataset}, mean over test pictures",
    alt="Share of the contrast that is left: "
    + ", ".join(f"{value:.2f} at {name}" for name, value in left.items()) + ".",
)

# %%
def spectrum(pictures):
    both = [ck.metrics.power_spectrum(picture) for picture in pictures]
    return both[0].frequency, np.mean([one.power for one in both], axis=0)

ck.show.curves(
    {f"M = {M:g}": spectrum(low[M]) for M in factors}, yscale="log", ylim=(1e-8, None),
    xlabel="frequency, cycles per pixel", ylabel="power", title=f"{test.dataset}, test pictures",
    alt="Power against frequency for four M. Each coarse curve follows the sharp one at low "
    "frequencies, then leaves it and falls; the smaller M, the earlier.",
)

# %% [markdown]
# A wave needs two pixels: one for its crest, one for its trough. A coarse pixel is 1/M fine ones,
# so waves above M/2 cycles per pixel cannot be stored at all. What the curves show there is no
# detail, only what the corners of the coarse pixels leave. Below M/2 the waves are still there,
# **damped**, the more the nearer they come to M/2.
#
# What is damped can be pushed up again. What is gone must be *guessed*.
#
# ## 7. Why guessing looks smooth
#
# Here is a game. We take a piece of the sharp picture, and in every square of 4 × 4 pixels we
# either leave the fine detail as it is or turn it into its negative. The mean of each square stays
# the same.

# %%
patch = sharp[40:104, 80:144]
means = np.kron(area_mean(patch, 4), np.ones((4, 4), np.float32))
rng = np.random.default_rng(0)

def another():
    signs = np.kron(rng.choice([-1, 1], (16, 16)), np.ones((4, 4)))
    return (means + signs * (patch - means)).astype(np.float32)

# %%
others = [another() for _ in range(100)]
shown = {"the sharp piece": patch, "another": others[0], "a third": others[1],
         "mean of 100 such": np.mean(others, axis=0)}
ck.show.images(
    list(shown.values()),
    [f"{name}\n{psnr(patch, p):.1f} dB" for name, p in shown.items()], limits=grey, columns=4,
    alt="A sharp piece, two others that have the same coarse picture but other detail, and the "
    "mean of a hundred such, which shows coarse squares and no detail. PSNR against the first: "
    + ", ".join(f"{psnr(patch, p):.1f} dB" for p in shown.values()) + ".",
)

# %%
guess, mean = np.mean([psnr(patch, o) for o in others]), psnr(patch, np.mean(others, axis=0))
print(f"A sharp guess gets {guess:.1f} dB, on average over 100; their mean gets {mean:.1f} dB.")

# %%
apart = max(abs(area_mean(p, 4) - area_mean(patch, 4)).max() for p in shown.values())
print(f"Their coarse pictures differ by at most {apart:.3f}: no network can tell them apart.")
# expect: Their coarse pictures differ by at most 0.000: no network can tell them apart.

# %% [markdown]
# Many sharp pictures have one coarse picture. A network sees only that one and must answer with
# one picture. A sharp answer is mostly the *wrong* sharp one, and pays for every crest that stands
# in a trough. The mean of all of them is smooth and shows nothing, and has about half the squared
# error: 3 dB.

# %% [markdown] exercise="mse_guess"
# ### Exercise 4.4 · Predict, then run (2 points, 5 minutes)
#
# Two fine pixels lie under one coarse pixel of grey 0.5. In four of five training pictures they
# are (0.8, 0.2), bright and dark. In the fifth they are (0.2, 0.8). A network is trained with the
# mean squared error, and sees the same coarse grey each time. Which two grey values will it
# paint?

# %% solution="mse_guess"
def mse_guess():
    """The two grey values, left and right, that the mean squared error likes best."""
    # BEGIN SOLUTION
    return 0.68, 0.32
    # END SOLUTION

# %% check="mse_guess" points=2
# BEGIN HIDDEN TESTS
left, right = (float(value) for value in mse_guess())
assert abs(left - (4 * 0.8 + 0.2) / 5) < 0.01 and abs(right - (4 * 0.2 + 0.8) / 5) < 0.01
# END HIDDEN TESTS
mse_guess = ck.lesson.check("mse_guess", mse_guess)

# %% [markdown]
# Now run it. Two numbers are all the weights; we let gradient descent find them, once with the
# squared error and once with the absolute error.

# %%
seen = torch.tensor([[0.8, 0.2]] * 4 + [[0.2, 0.8]])

def best_answer(loss):
    answer = torch.full((2,), 0.5, requires_grad=True)
    optimizer = torch.optim.SGD([answer], lr=0.01)
    for _ in range(500):
        optimizer.zero_grad()
        loss(answer.expand(5, 2), seen).backward()
        optimizer.step()
    return answer.detach().numpy()

# %%
answers = {"squared error": best_answer(torch.nn.functional.mse_loss),
           "absolute error": best_answer(torch.nn.functional.l1_loss)}
ck.show.table(
    [{"loss": name, "left": f"{a[0]:.2f}", "right": f"{a[1]:.2f}", "contrast": f"{np.ptp(a):.2f}"}
     for name, a in answers.items()],
    "What two numbers learn from (0.8, 0.2) four times and (0.2, 0.8) once",
)

# %% [markdown]
# The squared error asks for the **mean** of all possible answers: two fifths of the contrast are
# gone. The absolute error asks for their **median**, here the likelier answer. With many pixels and
# many possible answers the median is smooth, too. The smoothness is no fault of the network: it is
# what the loss asked for.
#
# ## 8. Train it
#
# The network is the U-Net of lesson 2 with one change: its last layer gives a grey value instead of
# a logit. The first paper does just that, with the mean squared error as loss. Our second network
# is the same, but **residual**: it *adds* its output to the coarse picture, so it has to learn only
# what is missing.
#
# No labels are needed: the sharp picture is its own truth. So pictures that nobody annotated can
# help, if there are any, as long as they come from wells that we do not judge on.

# %%
try:
    extra = ck.read("livecell", split="unlabelled")
except FileNotFoundError:  # the small set that comes with the course has none
    extra = rest[:0]
judged = {*valid.groups, *test.groups}
extra = extra.where(lambda entry: entry.group not in judged)
print(f"{len(train)} pictures with labels and {len(extra)} without to train on, {len(valid)} to "
      f"validate on, {len(test)} to test on")

# %%
def degrade(image, rng):
    return ck.degrade(image, 1 / 4)

plain = ck.UNet(width=lesson.width, head="image")
history = ck.fit(plain, train + extra, valid, degrade=degrade, on_epoch=ck.show.LiveCurves(),
                 **lesson.training)

# %%
residual = ck.UNet(width=lesson.width, head="image", residual=True)
residual_history = ck.fit(residual, train + extra, valid, degrade=degrade, progress=False,
                          **lesson.training)
print(residual_history)

# %% [markdown]
# What would bicubic score in the same units? `ck.fit` standardises each coarse picture and measures
# the loss there. Bicubic is a residual network that adds nothing.

# %%
nothing = np.mean([np.mean((s.image - c) ** 2) / c.var()
                   for s in valid for c in [ck.degrade(s.image, 1 / 4)]])
epochs = len(history), len(residual_history)
ck.show.curves(
    {"plain": history.valid_loss, "residual": residual_history.valid_loss,
     "bicubic": (np.array([1, max(epochs)]), [nothing, nothing])},
    xlabel="epoch", ylabel="validation loss (MSE)",
    alt=f"Validation loss: plain ends at {history.valid_loss[-1]:.2f}, residual at "
    f"{residual_history.valid_loss[-1]:.2f}, bicubic stands at {nothing:.2f} throughout.",
)

# %% [markdown]
# Compare the first epochs. The residual network begins where bicubic ends. The plain one first has
# to learn to copy its input, and only then can it improve on it. Later the two come close to each
# other.
#
# ## 9. Is it better?
#
# The test pictures, opened for the networks for the first time.

# %%
coarse = low[1 / 4]
pictures = {
    "bicubic": coarse,
    "plain U-Net": [ck.super_resolve(plain, c) for c in coarse],
    "residual U-Net": [ck.super_resolve(residual, c) for c in coarse],
}

# %%
def judge(pictures):
    return {"PSNR, dB": f"{ck.psnr(truths, pictures):.2f}", "SSIM": ck.ssim(truths, pictures),
            "contrast left": f"{contrast(pictures):.2f}"}

lanczos = {"Lanczos": scores[1 / 4, "lanczos"]}
ck.show.table([{"picture": name, **judge(made)} for name, made in (lanczos | pictures).items()],
              f"{test.dataset}: {len(test)} test pictures at M = 1/4, mean over pictures")

# %%
shown = {"sharp": sharp, **{name: made[number] for name, made in pictures.items()}}
ck.show.images(
    [p[cut] for p in shown.values()], list(shown), limits=grey, columns=4,
    alt="A cut-out of the sharp picture, of bicubic and of both networks: all three are smoother "
    "than the sharp one, and have less contrast.",
)

# %%
ck.show.images(
    [difference(p, sharp)[cut] for p in shown.values()], list(shown), columns=4,
    caption="Difference from the sharp picture, × 4; even grey is none",
    alt="What each lacks: grey for the sharp picture itself; for bicubic and for the networks "
    "outlines and grain of the cells stand out, because they are missing.",
)

# %%
lines = {"sharp": spectrum(truths), **{name: spectrum(made) for name, made in pictures.items()}}
ck.show.curves(
    lines, yscale="log", ylim=(1e-8, None), xlabel="frequency, cycles per pixel", ylabel="power",
    title=f"{test.dataset}, M = 1/4", alt="Power against frequency, four falling curves: sharp, "
    "bicubic and the two networks. The table below gives their shares of the sharp one's power.",
)

# %%
bands = {"long waves, below 0.06": (0, 0.06), "just below M/2, 0.06 to 0.125": (0.06, 0.125),
         "just above M/2, 0.125 to 0.18": (0.125, 0.18)}
inside = {band: (lines["sharp"][0] > low) & (lines["sharp"][0] <= high)
          for band, (low, high) in bands.items()}
ck.show.table(
    [{"cycles per pixel": band, **{
        name: f"{power[those].sum() / lines['sharp'][1][those].sum():.0%}"
        for name, (_, power) in lines.items() if name != "sharp"}}
     for band, those in inside.items()], "Share of the sharp pictures' power that is there")

# %% [markdown]
# Just below M/2 = 0.125 something had survived, damped: a network can lift it again, as you asked.
# Above it nothing had survived. What it paints there is a guess, and a careful one: less than the
# truth has. Long waves were all there, and need not get better. That is section 7, seen in the
# spectrum.
#
# ## 10. PSNR up, and the cells?
#
# Why do we want sharp pictures? To find cells. So we train a small segmentation network on sharp
# pictures, as in lesson 2, and show it every version of the test pictures. It is never told that
# they are coarse: this is what happens when a trained network meets another microscope.

# %%
segmenter = ck.UNet(width=lesson.width)
print(ck.fit(segmenter, train, valid, progress=False, **lesson.segmenting))

# %% [markdown]
# Two more pictures take part. *Skipped* keeps one pixel of sixteen instead of the mean of all, so
# each value is a true one, with all its contrast. And *blank* is there to remember section 3.

# %%
pictures |= {"skipped, then bicubic": [ck.degrade(t, 1 / 4, "nearest") for t in truths],
             "blank": blank}
found = {name: [ck.predict(segmenter, p) > 0.5 for p in made]
         for name, made in {"sharp": truths, **pictures}.items()}
masks = [s.mask for s in test]
dice = {name: ck.dice(masks, made) for name, made in found.items()}

# %%
def area(made):
    return sum(m.sum() for m in made) / sum(m.sum() for m in masks)

rows = [{"picture": name, **judge(made), "Dice": dice[name],
         "cell area, found / true": f"{area(found[name]):.2f}"}
        for name, made in {"sharp": truths, **pictures}.items()]
ck.show.table(rows, f"{test.dataset}: {len(test)} test pictures at M = 1/4, mean over pictures; "
              "segmented by a network trained on sharp ones")

# %%
fig, ax = ck.show.axes(1, 1, (6, 4))
for turn, (name, made) in enumerate(pictures.items()):
    dot = ck.psnr(truths, made), dice[name]
    ax.plot(*dot, "o", color=ck.show.BLUE)
    ax.annotate(name, dot, xytext=(4, (6, -14)[turn % 2]), fontsize=9, textcoords="offset points")
ax.axhline(dice["sharp"], color=ck.show.RED, linestyle="--", label="sharp pictures")
ax.set(xlabel="PSNR, dB", ylabel="Dice of the cells found", title=f"{test.dataset}, M = 1/4")
ax.margins(x=0.25, y=0.15)
ax.legend(frameon=False, loc="lower right")
ck.show.figure(fig, alt="PSNR against Dice, a dot for each kind of picture: " + ", ".join(
    f"{name} {ck.psnr(truths, made):.1f} dB and {dice[name]:.2f}"
    for name, made in pictures.items()) + f". The sharp pictures reach {dice['sharp']:.2f}.")

# %%
names = ("bicubic", "residual U-Net", "skipped, then bicubic")
one = [ck.dice(masks[number], found[n][number]) for n in names]
ck.show.images(
    [pictures[n][number] for n in names]
    + [ck.show.compare(masks[number], found[n][number], pictures[n][number]) for n in names],
    [*names, *(f"Dice {score:.3f}" for score in one)], columns=3, size=4,
    limits=grey, caption=ck.show.legend_of_compare(),
    alt="A test picture in three versions, and below the cells found in each. Dice: "
    + ", ".join(f"{n} {score:.3f}" for n, score in zip(names, one, strict=True)) + ".",
)

# %% [markdown]
# Read the figure from left to right. If PSNR told how well cells can be found, the dots would lie
# on a rising line. They do not. From *skipped* to *blank* the PSNR **rises**, and every cell is
# gone. The grain of the skipped pictures is in the wrong places, and PSNR makes them pay for each
# crest in a trough. But it is grain, with contrast and edges, and the segmenter was brought up on
# those.
#
# And super-resolution? Compare it with bicubic, first in PSNR, then in Dice: the one may well be
# higher and the other lower. Look also how much of the cells' area is missing. A network that never
# saw a smooth picture does not know what to make of one, nor of one that was sharpened for the eye.
#
# So: no measure is good or bad by itself. PSNR answers the question *how far off is each pixel?*
# If your question is *where are the cells?*, measure that. Lesson 5 takes up here: how to get the
# cells back.
#
# ## 11. What it saves
#
# Was it worth it? Here is what a picture costs on the disk, with 8 bits a pixel: plain, as PNG,
# which loses nothing more, and as JPEG of quality 90.

# %%
bytes_of = {M: np.mean([ck.storage(t, M) for t in truths], axis=0) for M in factors}
ck.show.table(
    [{"M": f"{M:g}", **{kind: f"{n / 1000:.1f} kB" for kind, n in
                        zip(("raw", "PNG", "JPEG"), bytes_of[M], strict=True)},
      "JPEG, share of M = 1": f"{bytes_of[M][2] / bytes_of[1][2]:.1%}"} for M in factors],
    f"{test.dataset}: mean size of a test picture",
)

# %% [markdown]
# Raw bytes fall with M², and the files follow; only a JPEG's head, about 330 bytes, does not
# shrink. But compare along the first row: the same picture, nothing thrown away, costs half as
# PNG; and as JPEG it is smaller than raw at M = 1/2. Before you throw away pixels to save room, try
# a better format.
#
# ## 12. Move it yourself
#
# First the same in pictures and numbers, with your residual network switched on. It was trained at
# M = 1/4 only. What does it do elsewhere?

# %%
explorer = ck.explore.super_resolution(test, residual)
explorer.controls["image"].value = number
explorer.twin("M", (1, 1 / 2, 1 / 4, 1 / 8), picture=0, **{"super-resolution": True})

# %%
explorer

# %% [markdown]
# Things to try: switch super-resolution on and off at M = 1/4, and watch PSNR, SSIM and contrast.
# Then set M = 1, where nothing was lost: the network sharpens anyway, for it has never seen
# anything else. Then choose the resampler *nearest*.
#
# ## 13. Capstone

# %% [markdown] exercise="sharper"
# ### Exercise 4.5 · Beat bicubic without a network (5 points, 20 minutes)
#
# At M = 1/2 much is only damped. Push it up: write `sharper(small, shape)`. It gets a coarse
# picture (float32, range [0, 1], made by area) and the shape of the sharp one, and returns a
# picture of that shape, float, in [0, 1]. It must be at least 0.35 dB better than bicubic, mean
# over six synthetic pictures that you have not seen. No network, and at most a few seconds a
# picture; anything from numpy, scipy and `ck.enlarge` is allowed.
#
# Two ideas. *Unsharp masking*: what a blur takes away is the fine part; add some of it.
# *Consistency*: if you make your answer coarse again with `area_mean`, you must get back what you
# were given. If you do not, you know what is missing, and your `enlarge` takes negative numbers,
# too. The check says how many decibels you have won; try as often as you like.

# %% solution="sharper"
def sharper(small, shape):
    """A picture of that shape, nearer to the truth than bicubic makes it."""
    # BEGIN SOLUTION
    large = ck.enlarge(small, shape)
    return np.clip(large + 0.6 * (large - gaussian_filter(large, 1)), 0, 1)
    # END SOLUTION

# %% check="sharper" points=5
# BEGIN HIDDEN TESTS
from PIL import Image


def decibels(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2))

rng, gains = np.random.default_rng(9), []
for _ in range(3):
    waves = sum(s * gaussian_filter(rng.standard_normal((96, 128)), s) for s in (0.5, 1, 2))
    whole = np.clip(0.5 + 0.1 * waves / waves.std(), 0, 1).astype(np.float32)
    half = whole.reshape(48, 2, 64, 2).mean((1, 3))
    usual = np.clip(Image.fromarray(half).resize((128, 96), Image.Resampling.BICUBIC), 0, 1)
    mine = sharper(half, (96, 128))
    assert mine.shape == (96, 128) and mine.min() >= 0 and mine.max() <= 1
    gains.append(decibels(whole, mine) - decibels(whole, usual))
assert np.mean(gains) >= 0.2
edge = sharper(np.repeat([[0, 1]], 6, axis=1).repeat(8, axis=0).astype(np.float32), (16, 24))
assert edge.min() >= 0 and edge.max() <= 1
# END HIDDEN TESTS
sharper = ck.lesson.check("sharper", sharper)

# %%
made = {M: [sharper(ck.shrink(t, M), t.shape) for t in truths] for M in factors[1:]}
ck.show.table(
    [{"M": f"{M:g}", "bicubic": f"{ck.psnr(truths, low[M]):.2f}",
      "Lanczos": f"{ck.psnr(truths, scores[M, 'lanczos']):.2f}",
      "sharper": f"{ck.psnr(truths, made[M]):.2f}"} for M in factors[1:]],
    f"{test.dataset}: PSNR in dB, mean over test pictures",
)

# %% [markdown]
# What does the same push win at M = 1/4 and at 1/8? There most of the lost waves are gone, not
# damped, and no filter brings them back. What a network wins there it has learnt from other
# pictures. That is its strength, and a danger: it paints what is *usual*.
#
# ## Recap
#
# You can now
#
# - Say what a microscope trades for resolution, and make a picture coarse by hand.
# - Show what a coarse picture has lost: contrast, and every wave finer than its pixels.
# - Measure a picture with PSNR and SSIM, and name the range that belongs to the number.
# - Train a super-resolution U-Net, judge it against bicubic, and say why it paints smoothly.
# - Choose a measure that fits the task, because PSNR can rise while cells disappear.

# %%
ck.lesson.progress()

# %% [markdown]
# ## Going further
#
# - Train one network for every M: `ck.fit(…, degrade=ck.RandomDegrade(M=(1, 1/2, 1/4, 1/8)))`. Put
#   it into the explorer. What does it lose at M = 1/4?
# - `ck.degrade(image, M, blur=…, noise=…)` is a worse microscope: blurred optics, a noisy camera.
#   What happens to `sharper` when there is noise?
# - Losses that paint texture (perceptual, adversarial) make pictures that look right. Section 7
#   says what that means for a cell that is not there.
# - Bundled networks are no judges of their own training pictures: before you score
#   `ck.load_weights("livecell")`, hand it your pictures, `ck.load_weights("livecell", test)`, and
#   it warns you about those that it knows.
#
# **Next:** lesson 5, the Double U-Net.
