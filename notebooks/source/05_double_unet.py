# %% [markdown]
# # 5 · What resolution costs: the Double U-Net
#
# A network finds cells in sharp pictures. Now the pictures are coarse: four or eight times fewer
# pixels along each side. A paper puts a second U-Net in front, which sharpens them again, and
# reports a gain. You will rebuild it, find out what it gains and why, and go past it.

# %% [markdown]
# ## What you will be able to do
#
# - Read a paper's table, and say what it leaves open.
# - Say what domain shift is, and test an explanation of it by an intervention.
# - Compare strategies fairly: same pictures, same budget, the resampler named.
# - Train one network through another, frozen one, with a loss for the task.
#
# {minutes}
#
# Exercises 5.1, 5.3 and 5.5 stand on the way; 5.2 and 5.4, which are worth 6 of the 13 points,
# under *Going further*. Read on while a network trains. Two questions from earlier lessons first.

# %% [markdown] tags=["question"]
# A network is trained with the squared error to sharpen coarse pictures. Why do its pictures look
# smooth? (Lesson 4)
#
# - [ ] It was trained too short. — Longer training brings it nearer to what the loss asks for, and
#   that is smooth.
# - [x] Many sharp pictures fit one coarse picture, and their mean has the least squared error. —
#   Crests and troughs of different guesses cancel out in the mean.
# - [ ] A U-Net cannot paint fine detail. — It can: its skip connections carry full resolution. It
#   is the loss that does not reward a guess.

# %% [markdown] tags=["question"]
# The same picture, made coarse by keeping one pixel of 16, or by the mean of 16. Which keeps more
# contrast, and which has aliasing? (Lesson 4)
#
# - [x] One pixel of 16, for both. — Single pixels keep their full values; and reading so rarely
#   turns fine waves into coarse ones.
# - [ ] The mean, for both. — A mean evens out: less contrast, and hardly any aliasing.
# - [ ] The mean has more contrast, one pixel of 16 has aliasing. — Averaging always takes contrast
#   away.

# %% setup
import copy

import numpy as np
import torch
from scipy import ndimage
from torch import nn
from torch.nn import functional as F

from cellkit_course.results import resolution as earlier

torch.manual_seed(0)

# %% [markdown]
# ## 1. A result first
#
# One picture at an eighth of its resolution (M = 1/8), and four ways to find the cells in it, with
# networks that come with the course: take it as it is; sharpen it first, *for the eye* (by squared
# error) or *for the task*; or ask a network that was trained on coarse pictures, too. (These
# networks have seen some of the real pictures; on those they give a demonstration, and no score.
# Numbers *measured earlier* are from real pictures that the networks had not seen.)

# %%
samples = ck.read("livecell").cached()
test = samples.where(lambda entry: entry.group in ck.lesson.TEST_WELLS)[:lesson.scored]
rest = samples.where(lambda entry: entry.group not in ck.lesson.TEST_WELLS)
train, valid = ck.split(rest, 0.85, seed=0, by="group")
truths, images = [sample.mask for sample in test], [sample.image for sample in test]
example = test[1]

# %% fold="Where the pictures come from"
ck.lesson.origin(samples)

# %%
coarse = ck.degrade(example.image, 1 / 8, "area", "bicubic")
finder, sharpeners = ck.load_weights("livecell"), ("livecell-sr", "livecell-sr-task")
views = [coarse, *(ck.super_resolve(ck.load_weights(name), coarse) for name in sharpeners), coarse]
nets = [finder, finder, finder, ck.load_weights("livecell-mixed")]
guesses = [ck.predict(net, view) > 0.5 for net, view in zip(nets, views, strict=True)]
first = [ck.dice(example.mask, guess) for guess in guesses]

# %% fold="Show the four ways"
def seen(picture):
    """Standardised, then moved into [0, 1] to be shown: mean 0.5, spread 1/8."""
    return np.clip(0.5 + ck.normalisation.standardise(picture) / 8, 0, 1)

four = ["as it is", "sharpened for the eye", "sharpened for the task",
        "as it is, network trained on every M"]
ck.show.images(
    [ck.lesson.draw.with_scale(seen(view), samples.dataset) for view in views]
    + [ck.show.compare(example.mask, guess, seen(view))
       for guess, view in zip(guesses, views, strict=True)],
    [f"{four[0]} (bar: 50 µm)", *four[1:], *(f"Dice {dice:.3f}" for dice in first)], columns=4,
    size=3,
    caption=ck.show.legend_of_compare(),
    alt=f"A picture of {example.dataset} at M = 1/8, four times, and below the cells found. Dice: "
    + ", ".join(f"{name} {dice:.3f}" for name, dice in zip(four, first, strict=True)) + ".",
)

# %% fold="What the numbers say"
ck.lesson.claim(
    first[1] < first[0] < min(first[2:]),
    f"The same picture, and Dice goes from {min(first):.3f} to {max(first):.3f}. Sharpening for "
    f"the eye made it *worse* than leaving it alone ({first[0]:.3f} → {first[1]:.3f}). The last "
    "two ways are better. This lesson takes all four apart.",
    f"The same picture, and Dice goes from {min(first):.3f} to {max(first):.3f}. This lesson takes "
    "all four ways apart.",
)

# %% [markdown]
# ## 2. The paper, and the strategies
#
# The [Double U-Net paper](paper:double_unet) trains a U-Net to segment sharp LIVECell pictures.
# Then it makes the test pictures coarse: down by a factor [M](term:M), and up again to the old
# size, as you did in lesson 4. It gives them to the same network, without and with super-resolution
# in front.

# %%
ck.lesson.draw.double_unet(example, M=1 / 4)

# %%
printed = ck.lesson.papers.PAPER1.printed
ck.show.table(
    [{"picture": name, "test": value, "validation": printed["livecell validation"][name]}
     for name, value in printed["livecell test"].items()],
    "Dice, as printed in the Double U-Net paper",
)

# %% [markdown]
# On the test pictures [Dice](term:dice) falls from 0.906 to 0.317 (M = 1/4) and 0.258 (M = 1/8).
# With super-resolution it is 0.07 and 0.13 higher. The authors' reading: detail is lost which no
# network can bring back, and the [masks](term:mask) cover too little. Let us test that. We compare
# four *strategies*, and call them by letters:
#
# - **(a)** the sharp-trained network, on coarse pictures as they are;
# - **(b)** the paper: a super-resolution network in front, trained by squared error;
# - **(c)** a super-resolution network in front, trained for the task (section 9);
# - **(e)** one segmentation network trained on every M: 1, 1/2, 1/4 and 1/8.
#
# (Letters (d), (f) and (g) come under *Going further*.)
#
# ## 3. A network that knows sharp pictures
#
# Whole [wells](term:well) are kept apart, as in lesson 2.

# %%
sharp = ck.UNet(width=lesson.width)
history = ck.fit(sharp, train, valid, **lesson.training)

# %%
factors = (1, 1 / 4, 1 / 8)
found = {}  # masks by strategy and M, section by section

def masks_of(look, M, resampler="area", antialias=True):
    """Masks of all test pictures, degraded first; ``look`` turns a picture into a map."""
    low = (ck.degrade(image, M, resampler, "bicubic", antialias) for image in images)
    return [look(picture) > 0.5 for picture in low]

def area(masks):
    return sum(m.sum() for m in masks) / sum(t.sum() for t in truths)

# %%
found.update({("a", M): masks_of(lambda image: ck.predict(sharp, image), M) for M in factors})
ck.show.table(
    [{"M": f"{M:g}", "Dice": ck.dice(truths, found["a", M]),
      "predicted / true area": area(found["a", M]),
      "measured earlier: Dice": earlier.says("dice", strategy="a", M=M, resampler="area"),
      "area": earlier.says("area", strategy="a", M=M, resampler="area")} for M in factors],
    f"{test.dataset}: {len(test)} test pictures, the sharp-trained network, degraded by area. "
    "Measured earlier: 17 real pictures, ± over three seeds",
)

# %% fold="What the numbers say"
fallen = [ck.dice(truths, found["a", M]) for M in factors]
ck.lesson.claim(
    area(found["a", 1 / 8]) < 0.8,
    f"Dice falls from {fallen[0]:.2f} to {fallen[2]:.2f}, and at M = 1/8 the network marks no more "
    f"than {area(found['a', 1 / 8]):.2f} of the true area: too little, as on the real pictures "
    "measured earlier.",
    f"Dice falls from {fallen[0]:.2f} to {fallen[2]:.2f}. On the real pictures measured earlier "
    "the network marks too little. Here it does not: at M = 1/8 it marks "
    f"{area(found['a', 1 / 8]):.2f} of the true area, but in the wrong places.",
    trained=True,
)

# %% [markdown]
# ## 4. Is the information gone?
#
# First the paper's own explanation. Suppose a network sees the small picture only, but is perfect:
# each of its big pixels says how much of it is cell. Enlarge that, cut at one half:

# %%
for factor in (1 / 4, 1 / 8):
    ideal = [ck.degrade(t.astype(np.float32), factor, "area", "bilinear") > 0.5 for t in truths]
    print(f"M = {factor:g}: Dice of the ideal coarse mask is {ck.dice(truths, ideal):.2f}")
# expect: M = 0.25: Dice of the ideal coarse mask is 0.98
# expect: M = 0.125: Dice of the ideal coarse mask is 0.94

# %% [markdown]
# So the coarse grid is no excuse: outlines get rounder on it, and that costs little. The paper's
# networks are far below. Either the grey values on that grid no longer tell cell from background,
# or they do, and the network cannot read them. Section 7 will decide. First, what does it read?
#
# ## 5. What the network sees
#
# Each picture is standardised before the network sees it: mean 0, spread 1. So a coarse picture is
# not paler than a sharp one. What is different, then? We look at what the **first layer** makes of
# it: [convolution](term:convolution), [batch norm](term:batch-norm), [ReLU](term:relu). (A trained
# batch norm divides by the spread that it has kept from training, not by this picture's own. So it
# does not even out what a coarse picture changes.)

# %%
def first_layer(net, image):
    """What the first convolution, norm and ReLU answer: (channels, rows, columns)."""
    x = torch.tensor(ck.normalisation.standardise(image))[None, None].to(ck.device.device_of(net))
    with torch.no_grad():
        return net.down[0][:3](x)[0].cpu().numpy()

pictures = [ck.degrade(example.image, M, "area", "bicubic") for M in factors]
answers = [first_layer(sharp, picture) for picture in pictures]

# %% [markdown]
# There are many [channels](term:channel), and each looks for its own small pattern. We want one
# number for each: how much of its spread is left?

# %% [markdown] exercise="spread_left"
# ### Exercise 5.1 · How lively is a channel? (2 points, 6 minutes)
#
# Write `spread_left(sharp, coarse)`. Both are arrays (C, H, W): what C channels answer to a sharp
# and to a coarse picture. Return an array (C,): each channel's standard deviation in the coarse
# picture, divided by its standard deviation in the sharp one. Some channels never change in the
# sharp picture: their standard deviation there is 0. They have no spread to lose, so give 1 for
# them, whatever they do in the coarse one.

# %% solution="spread_left"
def spread_left(sharp, coarse):
    """Each channel's standard deviation in the coarse picture, as a share of that in the sharp."""
    # BEGIN SOLUTION
    before, after = sharp.std(axis=(1, 2)), coarse.std(axis=(1, 2))
    left, busy = np.ones(len(before)), before > 0
    left[busy] = after[busy] / before[busy]
    return left
    # END SOLUTION

# %% check="spread_left" points=2
# BEGIN HIDDEN TESTS
a = np.random.default_rng(5).random((4, 6, 9)) + 1
b = np.random.default_rng(6).random((4, 6, 9)) * np.arange(1, 5)[:, None, None] - 1
a[2] = 3
ck.lesson.grade("spread_left", spread_left, (a, b), (a[2:3], b[:1]), (b, a), (a / 1024, b))
# END HIDDEN TESTS
spread_left = ck.lesson.check("spread_left", spread_left)

# %%
kept = {M: spread_left(answers[0], a) for M, a in zip(factors[1:], answers[1:], strict=True)}
order = np.argsort(kept[1 / 8])  # one order for both lines

# %% fold="Draw the spread left"
ck.show.curves(
    {f"M = {M:g}": kept[M][order] for M in kept}, np.arange(1, len(order) + 1), ylim=(0, None),
    xlabel="channels of the first layer, the quietest at M = 0.125 first", ylabel="spread left",
    title=f"{example.dataset}: 1 is as lively as in the sharp picture",
    alt="The share of its spread that each channel of the first layer keeps, in one order for "
    f"M. The median channel keeps {np.median(kept[1 / 4]):.2f} at M = 1/4 and "
    f"{np.median(kept[1 / 8]):.2f} at M = 1/8.",
)

# %% fold="What the numbers say"
quiet = float(np.median(kept[1 / 8]))
ck.lesson.claim(
    quiet < 0.8,
    f"The grey values that go in have spread 1 at every M; what the first layer makes of them has "
    f"not. Its median channel keeps {quiet:.2f} of its spread at M = 1/8: many channels grow "
    "**quiet**. That suggests a story: *the later layers learned from lively channels; to them, "
    "quiet means background; so coarse cells are missed.*",
    f"The median channel of the first layer keeps {quiet:.2f} of its spread at M = 1/8: here the "
    "channels do not grow quiet. Still, one often hears this story: *in coarse pictures the "
    "channels fall quiet; to the later layers quiet means background; so cells are missed.*",
)

# %% [markdown]
# A story that fits is not yet an explanation. If quietness is the *cause*, then quietness alone
# must do the harm. We can test that: take a **sharp** picture, and turn each channel down by hand,
# just as far as it is in the coarse one. Nothing else changes. Then the other way round: turn the
# channels of the coarse picture up again, tenfold at most.

# %% [markdown] tags=["question"]
# If the story is true, what will the network find in sharp pictures whose channels are turned down?
#
# - [x] As little as in the coarse pictures. — If quietness does the harm, it does it in sharp
#   pictures, too.
# - [ ] As much as in sharp pictures. — Then the quietness would be a side effect, and something
#   else the cause.
# - [ ] More than in sharp pictures. — No story says that; but look at the numbers.

# %%
def predict_with(net, image, gain):
    """Foreground of an image while each channel of the first layer is multiplied by its gain."""
    gain = torch.tensor(gain, dtype=torch.float32)[None, :, None, None]
    layer = net.down[0][2]  # the first ReLU
    # torch will call this with what goes in and what comes out, and go on with what it returns
    hook = layer.register_forward_hook(lambda _, given, answer: answer * gain.to(answer))
    try:
        return ck.predict(net, image)
    finally:
        hook.remove()

# %%
trial = {"sharp": [], "sharp, turned down": [], "coarse": [], "coarse, turned up": []}
for image in images[:4]:
    small = ck.degrade(image, 1 / 8, "area", "bicubic")
    left = spread_left(first_layer(sharp, image), first_layer(sharp, small))
    gains = (1, left, 1, 1 / np.clip(left, 0.1, 10))
    for name, input_image, gain in zip(trial, (image, image, small, small), gains, strict=True):
        trial[name].append(predict_with(sharp, input_image, gain * np.ones(len(left))) > 0.5)

# %%
tested = {name: ck.dice(truths[:len(masks)], masks) for name, masks in trial.items()}
marked = {name: sum(m.sum() for m in masks) / sum(t.sum() for t in truths[:len(masks)])
          for name, masks in trial.items()}
ck.show.table(
    [{"picture": name, "Dice": tested[name], "predicted / true area": marked[name]}
     for name in trial],
    f"{test.dataset}: {len(trial['sharp'])} test pictures, the sharp-trained network, M = 1/8",
)

# %% fold="What the numbers say"
lost = tested["sharp"] - tested["coarse"]
harm = (tested["sharp"] - tested["sharp, turned down"]) / lost if lost > 0.02 else float("nan")
won = (tested["coarse, turned up"] - tested["coarse"]) / lost if lost > 0.02 else float("nan")
areas = [f"{marked[name]:.2f}" for name in trial]
how_much = (f"*How much* the network marks does follow (area {areas[0]} → {areas[1]} turned "
            f"down, {areas[2]} → {areas[3]} turned up), but Dice asks *where*. "
            if areas[1] < areas[0] and areas[2] < areas[3] else "")
ck.lesson.claim(
    harm > 0.5,
    f"The story passes this test: turning the channels down costs sharp pictures {harm:.0%} of "
    f"what resolution costs. Turning them up in coarse pictures gives {max(won, 0):.0%} of it "
    "back. What is not won back is not a matter of quietness: the *patterns* have changed, too.",
    "The story fails this test. Turning the sharp pictures' channels down changes Dice by "
    f"{tested['sharp, turned down'] - tested['sharp']:+.2f}; resolution costs {lost:.2f}. "
    "Turning the coarse pictures' channels up changes Dice by "
    f"{tested['coarse, turned up'] - tested['coarse']:+.2f}. {how_much}So quiet channels are not "
    "the main cause: what the channels answer has changed its *pattern*.",
    trained=True,
)

# %% [markdown]
# What is certain has a name: [domain shift](define:domain-shift). The network is asked about
# pictures of another kind than those it was trained on. Nothing is wrong with the pictures.
#
# ## 6. The paper's way: sharpen first
#
# If the network wants sharp pictures, give it sharp pictures. A second U-Net gets the coarse one
# and learns to return the sharp one, by squared error. The first network stays as it is. Ours sees
# both values of M and all resamplers; the paper trains one network for each M and names no
# resampler.

# %%
degraded = ck.RandomDegrade(M=(1 / 4, 1 / 8))
front = ck.UNet(width=lesson.width, head="image")
history = ck.fit(front, train, degrade=degraded, **lesson.sharpening)

# %%
def sharpened_first(image):
    """(b), the paper's pipeline: sharpen, then the sharp-trained network."""
    return ck.predict(sharp, ck.super_resolve(front, image))

found.update({("b", M): masks_of(sharpened_first, M) for M in factors[1:]})
rows = []
for M in factors[1:]:
    lows = [ck.degrade(image, M, "area", "bicubic") for image in images]
    for what, letter, those in (("coarse", "a", lows), (
            "super-resolved", "b", [ck.super_resolve(front, image) for image in lows])):
        rows.append({"M": f"{M:g}", "picture": what, "PSNR, dB": ck.psnr(images, those),
                     "contrast left": ck.metrics.contrast(images, those),
                     "Dice": ck.dice(truths, found[letter, M])})
ck.show.table(rows, f"{test.dataset}, {len(test)} test pictures; PSNR with range 1")

# %% fold="What the numbers say"
changed = [ck.dice(truths, found["b", M]) - ck.dice(truths, found["a", M]) for M in factors[1:]]
smooth = [row["contrast left"] for row in rows[1::2]]
short = "" if all(up["PSNR, dB"] > low["PSNR, dB"] for low, up in zip(
    rows[::2], rows[1::2], strict=True)) else (
    " (So short a training hardly sharpens: at one M or both, PSNR is no higher than that of the "
    "coarse pictures.)")
ck.lesson.claim(
    max(changed) < 0.01,
    f"The super-resolved pictures have {smooth[0]:.2f} and {smooth[1]:.2f} of the sharp ones' "
    "contrast: where several sharp pictures are possible, the squared error is smallest for their "
    "**mean**, and a mean is smooth. These are pictures of a third kind, and "
    f"the segmenter reads them no better: Dice changes by {changed[0]:+.2f} and "
    f"{changed[1]:+.2f}. On the real pictures measured earlier (by area) it read them worse, "
    f"with each of three seeds. In the paper it gains 0.07 and 0.13.{short}",
    f"The super-resolved pictures have {smooth[0]:.2f} and {smooth[1]:.2f} of the sharp ones' "
    "contrast: a mean of many possible pictures is smooth. Dice changes by "
    f"{changed[0]:+.2f} (M = 1/4) and {changed[1]:+.2f} (M = 1/8). In the paper it gains 0.07 "
    "and 0.13; on the real pictures measured earlier (by area) it lost, with each of three "
    f"seeds.{short}",
    trained=True,
)

# %% [markdown]
# ## 7. Another way: train for it
#
# There is a plainer cure. If a network fails on pictures it has not met, let it meet them. We take
# a copy of the sharp network and go on training it, with [crops](term:crop) degraded at random: M =
# 1 (unchanged), 1/2, 1/4 or 1/8, any resampler, with and without [antialiasing](term:antialiasing).

# %% fold="Show some random degradations"
crop = example.image[:160, :160]
rng = np.random.default_rng(3)
draws = [ck.random_degrade(crop, rng) for _ in range(4)]
ck.show.images(
    [seen(picture) for picture in (crop, *draws)],
    ["sharp", *(f"degraded at random, {k}" for k in range(1, 5))], columns=5, size=2.4,
    caption=example.dataset,
    alt="A sharp cut-out and four random degradations of it, from nearly untouched to very coarse.",
)

# %%
mixed = copy.deepcopy(sharp)
history = ck.fit(mixed, train, valid, degrade=ck.random_degrade, **lesson.training)

# %%
found.update({("e", M): masks_of(lambda image: ck.predict(mixed, image), M) for M in factors})
words = {letter: way["words"] for letter, way in ck.lesson.papers.RESOLUTION_STRATEGIES.items()}
ck.show.table(
    [{"strategy": f"({letter}) {words[letter]}", "M": f"{M:g}",
      "Dice": ck.dice(truths, found[letter, M]),
      "measured earlier": earlier.says(strategy=letter, M=M, resampler="area"),
      "paper": earlier.printed(letter, M)} for letter in "abe" for M in factors[1:]],
    f"{test.dataset}: {len(test)} test pictures, degraded by area. Measured earlier: "
    + earlier.how(),
)

# %% fold="What the numbers say"
better = [ck.dice(truths, found["e", M]) - ck.dice(truths, found["a", M]) for M in factors[1:]]
regained = better[1] / max(fallen[0] - fallen[2], 1e-9)  # as a share of what M = 1/8 had cost
ck.lesson.claim(
    min(better) > 0.02 and regained > 0.25,
    f"No second network, no super-resolution, one set of weights for all M: Dice rises by "
    f"{better[0]:.2f} and {better[1]:.2f}, at M = 1/8 by {regained:.0%} of what resolution had "
    "cost. So the grey values *do* tell cell from background, and "
    f"{'most' if regained > 0.5 else 'a good part'} of what seemed lost was domain shift.",
    f"Here Dice changes by {better[0]:+.2f} and {better[1]:+.2f}. On the real pictures measured "
    "earlier, after 600 steps, it rises by 0.10 and 0.19: most of what seemed lost was domain "
    "shift.",
    trained=True,
)

# %% [markdown]
# Is that fair? The mixed network had twice the training of the sharp one. But so has any strategy
# that trains a second network.
#
# ## 8. The resampler trap
#
# All numbers so far are for one resampler: *area*, each big pixel the mean of those it covers. The
# paper does not say which one it used. Does it matter?

# %% [markdown] exercise="contrast_order"
# ### Exercise 5.3 · Predict, then run (1 point, 3 minutes)
#
# M = 1/4, three ways to make the picture small: `"area"` (the mean of what each big pixel covers),
# `"bilinear"` without antialiasing (a mix of the four pixels around the place), and `"nearest"`
# (the one pixel nearest to the place). Which leaves most contrast in the picture, which least?
# Return the three words, the one that leaves most contrast first. The table below shows it.

# %% solution="contrast_order"
def contrast_order():
    """"area", "bilinear", "nearest": the one that leaves most contrast first."""
    # BEGIN SOLUTION
    return "nearest", "bilinear", "area"
    # END SOLUTION

# %% check="contrast_order" points=1
# BEGIN HIDDEN TESTS
ck.lesson.grade("contrast_order", contrast_order)
# END HIDDEN TESTS
contrast_order = ck.lesson.check("contrast_order", contrast_order)

# %%
ways = {"nearest": ("nearest", False), "bilinear, no antialiasing": ("bilinear", False),
        "bicubic": ("bicubic", True), "area": ("area", True)}
looks = {"a": lambda image: ck.predict(sharp, image), "b": sharpened_first,
         "e": lambda image: ck.predict(mixed, image)}
trap = {way: {k: ck.dice(truths, masks_of(look, 1 / 4, *how)) for k, look in looks.items()}
        for way, how in ways.items()}
kinds = {way: [ck.degrade(i, 1 / 4, how[0], "bicubic", how[1]) for i in images]
         for way, how in ways.items()}

# %%
ck.show.table(
    [{"resampler": way, "contrast left": ck.metrics.contrast(images, kinds[way]),
      **{f"({k})": trap[way][k] for k in looks},
      **{f"({k}), measured earlier": earlier.says("dice", strategy=k, M=1 / 4, resampler=way)
         for k in looks}} for way in ways],
    f"Dice at M = 1/4 by resampler (bicubic: with antialiasing). Live: {test.dataset}, "
    f"{len(test)} pictures; measured earlier: 17 real pictures, ± over three seeds",
)

# %% fold="Show one cut-out by each resampler"
ck.show.images(
    [crop, *(made[1][:160, :160] for made in kinds.values())],
    ["sharp:\ncontrast 1", *(f"{way}:\ncontrast {ck.metrics.contrast(images, made):.2f}"
                             for way, made in kinds.items())],
    columns=5, size=2.4, limits=(crop.min(), crop.max()),
    caption=f"{example.dataset}, M = 1/4, black and white as in the sharp picture",
    alt="One cut-out, sharp and at M = 1/4 by four resamplers. Nearest and bilinear without "
    "antialiasing look rough and keep contrast, the others smooth and pale. Dice of the "
    "sharp-trained network: "
    + ", ".join(f"{way} {trap[way]['a']:.3f}" for way in kinds) + ".",
)

# %% fold="What the numbers say"
moved = {k: max(row[k] for row in trap.values()) - min(row[k] for row in trap.values())
         for k in looks}
real = [earlier.mean(earlier.measured()["rows"], strategy="b", M=1 / 4, resampler=way)
        for way in ways]
ck.lesson.claim(
    moved["b"] > 0.05,
    f"The same networks, the same M, and the resampler alone moves the paper's way (b) by "
    f"{moved['b']:.2f} here, and by {max(real) - min(real):.2f} on the real pictures measured "
    "earlier. The paper's gain at this M is 0.07. **A table of resolutions that does not name the "
    "resampler cannot be compared with another.**",
    f"Here the resampler moves the paper's way (b) by {moved['b']:.2f}, and on the real pictures "
    f"measured earlier by {max(real) - min(real):.2f}. The paper's gain at this M is 0.07. **A "
    "table of resolutions that does not name the resampler cannot be compared with another.**",
    trained=True,
)

# %% [markdown] tags=["question"]
# A paper reports Dice 0.85 at M = 1/4, and your network has 0.75 there. What do you do first?
#
# - [ ] Train longer. — Perhaps that is it; but the two numbers may not be about the same pictures.
# - [x] Find out how the paper made its pictures coarse. — Another resampler alone can move the
#   score as much as that.
# - [ ] Put super-resolution in front. — First make sure that there is something to catch up with.

# %% [markdown]
# ## 9. Sharpen for the task
#
# Back to super-resolution. The fault is not in the idea but in the [loss](term:loss): the squared
# error asks *does it look like the sharp picture?*, and nobody asks *can the segmenter use it?* So
# ask that. The segmenter stays [frozen](define:frozen "|DoubleUNet(train='sharpen')"): its weights
# do not move. But its loss runs back **through** it into the sharpening network, along the green
# arrows of the drawing in section 2.

# %% [markdown] exercise="task_loss"
# ### Exercise 5.5 · A loss for the task (4 points, 12 minutes)
#
# Write `task_loss(output, target, weight=0.1)`. Both are tensors (N, 2, H, W). Channel 0 of
# `output` is the segmenter's logit, channel 1 the sharpened picture; channel 0 of `target` is the
# true mask (0 or 1), channel 1 the sharp picture. Return one number, a tensor, finite for large
# logits, too:
#
# - the binary cross-entropy of the logits, mean over all pixels,
# - plus `weight` times the relative error: for each picture the mean squared error divided by the
#   variance of *its* sharp picture (with n or n − 1, as you like), or by 1 where that variance is
#   less; then the mean over pictures.
#
# (Why relative? The coarse picture was standardised, and the other two are given in its units. It
# had little contrast, so in these units the sharp one has a lot, and its plain squared error would
# drown the cross-entropy.)

# %% solution="task_loss"
def task_loss(output, target, weight=0.1):
    """Cross-entropy of the mask plus ``weight`` times the sharpened picture's relative error."""
    # BEGIN SOLUTION
    mask = F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0])
    error = ((output[:, 1] - target[:, 1]) ** 2).mean(dim=(1, 2))
    spread = target[:, 1].var(dim=(1, 2)).clamp(min=1)
    return mask + weight * (error / spread).mean()
    # END SOLUTION

# %% check="task_loss" points=4
# BEGIN HIDDEN TESTS
torch.manual_seed(8)
answer = torch.randn(3, 2, 44, 36, requires_grad=True)
scale = torch.tensor([6.0, 2.0, 0.3]).reshape(3, 1, 1)
truth = torch.stack([(torch.rand(3, 44, 36) < 0.5).float(), 2 + scale * torch.randn(3, 44, 36)], 1)
sure, wrong = (torch.cat([k * (2 * truth[:1, :1] - 1), truth[:1, 1:] + 1], 1).requires_grad_()
               for k in (30, -30))
ck.lesson.grade("task_loss", task_loss, (answer, truth), (answer, truth, 3.0),
                (sure, truth[:1], 1.0), (wrong, truth[:1], 1.0))
# END HIDDEN TESTS
task_loss = ck.lesson.check("task_loss", task_loss)

# %% [markdown]
# `ck.DoubleUNet` is both networks as one: sharpen, standardise each picture, segment. With
# `train="sharpen"` the segmenter keeps still. The sharpening network adds what it learns to the
# coarse picture (`residual=True`), so it need not learn the picture itself.

# %%
double = ck.DoubleUNet(
    ck.UNet(width=lesson.width, head="image", residual=True), sharp, train="sharpen")
before = sharp.out.weight.clone()
history = ck.fit(double, train, degrade=degraded, loss=task_loss, **lesson.task)
print("the segmenter has moved:", not torch.equal(before.cpu(), double.segment.out.weight.cpu()))

# %%
found.update({("c", M): masks_of(lambda image: ck.predict(double, image), M) for M in factors[1:]})
eye, tasked = ck.super_resolve(front, coarse), ck.super_resolve(double, coarse)

# %% fold="Show what it paints"
painted = {"coarse": ("a", coarse), "for the eye": ("b", eye), "for the task": ("c", tasked)}
nearness = [ck.psnr(example.image, picture) for _, picture in painted.values()]
overlap = [ck.dice(example.mask, found[k, 1 / 8][1]) for k, _ in painted.values()]
ck.show.images(
    [seen(example.image), *(seen(picture) for _, picture in painted.values()), example.mask,
     *(ck.show.compare(example.mask, found[k, 1 / 8][1], seen(picture))
       for k, picture in painted.values())],
    ["sharp", *(f"{title}: {value:.1f} dB" for title, value in zip(
        painted, nearness, strict=True)), "the truth", *(f"Dice {value:.3f}" for value in overlap)],
    columns=4, size=3, caption=ck.show.legend_of_compare(),
    alt=f"{example.dataset}. Above the sharp picture, the coarse one (M = 1/8), and it sharpened "
    "by squared error and for the task; below the true mask and what is found in each. "
    + "; ".join(f"{title}: PSNR {near:.1f} dB, Dice {dice:.3f}" for title, near, dice in zip(
        painted, nearness, overlap, strict=True)) + ".",
)

# %% [markdown] tags=["question"]
# May you show the picture *for the task* in a talk, as what a better microscope would have seen?
#
# - [ ] Yes, if its Dice is high. — Dice tells that the segmenter can use it, not that it is true.
# - [ ] Yes, if its PSNR is high, too. — A blank picture has a high PSNR.
# - [x] No, whatever its scores. — The network paints what the segmenter looks for. That is its
#   strength, and its danger: such a picture is no evidence.

# %% [markdown]
# ## 10. The fair table
#
# Same test pictures, same resampler, and after the sharp network the same budget: at most as many
# minutes again. *Live* are your networks. *Measured earlier* comes from `make resolution-table`:
# real pictures, one network for each M where a strategy asks for that, ± over three
# [seeds](term:seed).
# *Paper* is printed there: other data, another network, and a resampler we do not know.

# %%
dice = {pair: ck.dice(truths, masks) for pair, masks in found.items()}
ck.show.table(
    [{"strategy": f"({letter}) {name}", "M": f"{M:g}",
      "live": f"{dice[letter, M]:.3f}" if (letter, M) in dice else "–",
      "measured earlier": earlier.says("dice", strategy=letter, M=M, resampler="area"),
      "paper": earlier.printed(letter, M)} for letter, name in words.items() for M in factors[1:]],
    f"Dice, degraded by area. Live: {test.dataset}, {len(test)} pictures. Measured earlier: "
    f"{earlier.how()}",
)

# %% fold="What the numbers say"
real = {k: " and ".join(earlier.says(strategy=k, M=M, resampler="area").split(" ±")[0]
                        for M in factors[1:]) for k in "ace"}
real = f"(c) {real['c']}, (e) {real['e']}, against {real['a']} for (a)."
ck.lesson.claim(
    all(min(dice["c", M], dice["e", M]) > max(dice["a", M], dice["b", M]) for M in factors[1:]),
    "At both values of M, what was trained for the task (c, e) is ahead of what was not (a, b). "
    "One seed and few pictures: a small lead may be luck. Measured earlier, over three "
    f"seeds: {real}",
    f"Here (a), (b), (c), (e) reach {', '.join(f'{dice[k, 1 / 8]:.2f}' for k in 'abce')} at M = "
    "1/8, with one seed and few minutes. Measured earlier, over three seeds, what was trained for "
    f"the task is ahead at both values of M: {real}",
    trained=True,
)

# %% [markdown]
# The field came to the same answer. [Cellpose3](paper:cellpose3) trains restoration with the
# segmenter's loss, as (c) does; its successor drops restoration and trains on degraded pictures, as
# (e) does.
#
# In a real lab:
#
# - **You have coarse pictures, and some sharp ones of the same kind.** Degrade the sharp ones as
#   your microscope would, with its blur and its noise (`ck.degrade(..., blur=, noise=)`), and train
#   on them. That is the first thing to try.
# - **The segmenter cannot be changed**, say, because it is somebody's validated product. Then
#   train something in front of it, for the task: (c).
# - **Somebody offers you super-resolution.** Ask what loss it was trained with, and what it scores
#   *behind your segmenter*. A high PSNR is no answer.
#
# ## 11. Try it
#
# First as it stands on paper, for the network trained on every M. Then to play with: click the
# slider, move M with the arrow keys, and choose another strategy.

# %%
ways_to_look = {"sharp-trained": sharp, "trained on every M": mixed,
                "sharpened for the task": double}
explorer = ck.explore.resolution(test, strategies=ways_to_look)
explorer.twin("M", factors, strategy="trained on every M")

# %%
explorer

# %% [markdown]
# ## Recap
#
# You can now
#
# - Read a paper's table, and say what it leaves open.
# - Say what domain shift is, and test an explanation of it by an intervention.
# - Compare strategies fairly: same pictures, same budget, the resampler named.
# - Train one network through another, frozen one, with a loss for the task.

# %%
ck.lesson.progress()

# %% [markdown]
# ## Going further
#
# ### Join two networks
#
# What stands between the two networks of a `ck.DoubleUNet`?

# %% [markdown] exercise="sharpen_then_segment"
# ### Exercise 5.2 · Find the bug (3 points, 8 minutes)
#
# A colleague joins the two networks. The segmenter is frozen: its weights were set to
# `requires_grad_(False)`. Between the two, each picture must get mean 0 and standard deviation 1
# (with n or n − 1), because that is how the segmenter knows its pictures. And it must be possible
# to *train* `sharpen` through the segmenter, as section 9 does. There are two mistakes.

# %%
def colleagues_double(sharpen, segment, image):
    """Logits (N, 1, H, W) of coarse pictures (N, 1, H, W)."""
    sharp = sharpen(image)
    sharp = (sharp - sharp.mean()) / sharp.std()
    with torch.no_grad():
        return segment(sharp)

# %% [markdown]
# Write it without them.

# %% solution="sharpen_then_segment"
def sharpen_then_segment(sharpen, segment, image):
    """Logits (N, 1, H, W): each sharpened picture gets mean 0 and spread 1, then is segmented."""
    # BEGIN SOLUTION
    sharp = sharpen(image)
    mean = sharp.mean(dim=(1, 2, 3), keepdim=True)
    spread = sharp.std(dim=(1, 2, 3), keepdim=True)
    return segment((sharp - mean) / spread)
    # END SOLUTION

# %% check="sharpen_then_segment" points=3
# BEGIN HIDDEN TESTS
torch.manual_seed(7)
one = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Sigmoid(), nn.Conv2d(2, 1, 1))
two = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Tanh(), nn.Conv2d(2, 1, 1))
nn.init.normal_(one[0].weight)
two.requires_grad_(False)
batch = torch.randn(2, 1, 50, 44) * torch.tensor([1.0, 9.0]).reshape(2, 1, 1, 1)
ck.lesson.grade("sharpen_then_segment", sharpen_then_segment, (one, two, batch))
# END HIDDEN TESTS
sharpen_then_segment = ck.lesson.check("sharpen_then_segment", sharpen_then_segment)

# %% [markdown]
# ### Outlines
#
# Dice is about area. A cell is wide and its outline thin, so a mask with blurred outlines still
# scores well. The paper suspects that super-resolution helps at *edges* above all, and proposes to
# measure that. Let us do it, in two ways. Ours first: the [edge Dice](define:edge-dice) is the Dice
# of two thin bands, one around the true outline and one around the predicted.

# %% [markdown] exercise="edge_band"
# ### Exercise 5.4 · The band around an outline (3 points, 8 minutes)
#
# Write `edge_band(mask, width=2)`. For a bool mask (H, W) return a bool array (H, W): True for each
# pixel that has a pixel of the *other* kind at most `width` away, centre to centre in a straight
# line. (Other kind: background for a cell pixel, cell for a background pixel.) The picture's frame
# is no border, for nobody knows what lies outside; a mask that is all cell, or has none, has no
# band. `scipy.ndimage` is loaded; its `distance_transform_edt` and `binary_dilation` are two ways
# to do it. `width` is a whole number.

# %% solution="edge_band"
def edge_band(mask, width=2):
    """True where a pixel of the other kind lies at most ``width`` away, centre to centre."""
    # BEGIN SOLUTION
    if mask.all() or not mask.any():
        return np.zeros_like(mask)
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.where(mask, inside, outside) <= width
    # END SOLUTION

# %% check="edge_band" points=3
# BEGIN HIDDEN TESTS
spots = np.random.default_rng(9).random((13, 17)) < 0.03
spots[:3, :5] = True
ck.lesson.grade("edge_band", edge_band, (spots,), (spots, 1), (spots, 3), (spots & False, 2),
                (spots | True, 2))
# END HIDDEN TESTS
edge_band = ck.lesson.check("edge_band", edge_band)

# %% [markdown]
# The paper's way needs no truth. Take the sharp picture, subtract a blurred copy, take the absolute
# value of what is left, and cut it at a threshold: those are the picture's own edges. Compare them
# with the outline of the predicted mask. How much blur, which threshold (ours is Otsu's, which
# splits a histogram in two) and how wide a band: that is our choice, the paper does not say.

# %%
high = np.abs(example.image - ndimage.gaussian_filter(example.image, 2))
edges = ck.metrics.image_edges(example.image)  # high, cut at Otsu's threshold
true_band = edge_band(example.mask)
zoom = np.s_[:130, :176]
ck.show.images(
    [p[zoom] for p in (seen(example.image), np.clip(high / np.quantile(high, 0.99), 0, 1), edges,
                       true_band)],
    [f"{example.dataset}, zoomed", "|picture − blur|", "above Otsu's threshold",
     "band of the true mask"],
    alt="A picture, its high-pass, the bright part of that, and the band around the true outlines. "
    f"Picture edges and true band agree with a Dice of only {ck.dice(edges, true_band):.2f}.",
)

# %%
limit = ck.dice([ck.metrics.image_edges(i) for i in images], [edge_band(t) for t in truths])
bands = {pair: [edge_band(mask) for mask in masks] for pair, masks in found.items()}
ck.show.table(
    [{"strategy": f"({k}) {words[k]}", "M": f"{M:g}", "Dice": dice[k, M],
      "edge Dice": ck.dice([edge_band(t) for t in truths], bands[k, M]),
      "paper's edges": ck.dice([ck.metrics.image_edges(i) for i in images], bands[k, M]),
      **{f"{title}, measured earlier": earlier.says(key, strategy=k, M=M, resampler="area")
         for title, key in (("edge Dice", "edge_dice"), ("paper's edges", "image_edges"))}}
     for k in "abe" for M in factors[1:]],
    f"{test.dataset}: whole cells against outlines, {len(test)} test pictures; "
    f"with the paper's measure even the true masks reach no more than {limit:.3f}")

# %% [markdown]
# Read the last number of the caption first. By the paper's measure even the truth scores low: the
# strongest edges of a cell often lie *inside* it, around the nucleus and along wrinkles, not on its
# outline. A mask that falls to pieces has borders everywhere, and may even score *higher* than the
# truth. So this measure cannot test the paper's hypothesis. The edge Dice can, because it asks the
# truth. On the real pictures measured earlier it is 0.02 to 0.03 higher with super-resolution in
# front, while Dice is lower; compare that with the ± over three seeds before you believe it.
#
# ### What it costs to store
#
# The paper also thinks of storage: keep small pictures, save money. So what is a pixel worth?
# We set bytes against Dice. A point is worth having if no other lies to its left *and* higher: such
# points are called **Pareto-optimal**.

# %%
scale = (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16)
kilobytes = [np.mean([ck.storage(i, M).png for i in images]) / 1000 for M in scale]
series = {words[k]: (kilobytes, [ck.dice(truths, found[k, M] if (k, M) in found else
                                         masks_of(looks[k], M)) for M in scale]) for k in "ae"}
ck.show.curves(
    series, xlabel="kilobytes a picture, PNG (logarithmic)", ylabel="Dice", xscale="log",
    xticks=(ticks := [0.1, 1, 10, 100]), xticklabels=ticks, ylim=(0, 1),
    title=f"{test.dataset}, M = 1 (right) … 1/16 (left), area", alt="Dice against kilobytes. "
    + " ".join(f"{name}: " + ", ".join(f"{x:.1f} kB {y:.2f}" for x, y in zip(*line, strict=True))
               + "." for name, line in series.items()),
)

# %% [markdown]
# Made with your own cells, this curve tells you what you give up. Make it with a network that was
# trained for each M, or it shows domain shift and not resolution. (Here neither network has met M =
# 1/16.)
#
# ### More to try
#
# - **(d)** Train at one M only: `degrade=ck.RandomDegrade(M=1/8)`. How much does the mixture pay
#   for serving every M?
# - **(f)** The paper's future work, both networks as one: `ck.DoubleUNet(..., train="both")` and
#   `loss=functools.partial(ck.losses.double, weight=1)`.
# - **(g)** Know your microscope: a network trained at one M *and* one resampler,
#   `degrade=ck.RandomDegrade(M=1/8, resampler="area", antialias=True)`. Ask it about another
#   resampler, and see what that costs.
# - `explorer.twin("strategy", list(ways_to_look), M=1/8)` shows all strategies side by side.
# - `make resolution-table` makes the whole table: all strategies, both values of M, every
#   resampler, three seeds. It can be interrupted, and goes on where it was.
#
# **Next:** [6 · Mask R-CNN](06_mask_rcnn.ipynb)
