# %% [markdown]
# # 5 · What resolution costs: the Double U-Net
#
# A network finds cells in sharp pictures. Now the pictures are coarse: four or eight times fewer
# pixels along each side. A paper puts a second U-Net in front, which sharpens them again, and
# reports a gain. You will rebuild it, find out why that gains little or even loses, and go past it.

# %% [markdown]
# ## What you will be able to do
#
# - Read a paper's table, and say what it leaves open.
# - Explain why a good network goes blind on coarse pictures: domain shift.
# - Compare strategies fairly: same pictures, same budget, the resampler named.
# - Judge outlines by themselves, with an edge Dice.
# - Train one network through another, frozen one.
#
# **Minutes:** about 90 minutes of reading, running and exercises, of which the two cores of a
# laptop compute about 25. Read on while they do. Five exercises, 13 points.

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
# ## 1. Two tables
#
# The paper is *Double U-Net for Super-Resolution and Segmentation of Live Cell Images*. It trains
# a U-Net to segment sharp LIVECell pictures. Then it makes the test pictures coarse: down by a
# factor M, and up again to the old size, as you did in lesson 4. M = 0.25 turns 704×520 pixels into
# 176×130. It gives them to the same network, with and without super-resolution in front.

# %%
printed = ck.lesson.papers.PAPER1.printed
ck.show.table(
    [{"picture": name, "test": value, "validation": printed["livecell validation"][name]}
     for name, value in printed["livecell test"].items()],
    "Dice, as printed in the paper",
)

# %% [markdown]
# Two things are strange here. Without super-resolution, Dice falls from 0.906 to 0.317. But look at
# a picture at M = 0.25: you still see every cell. And super-resolution adds only 0.07 and 0.13,
# although its pictures look, at first sight, almost like the sharp ones. The authors look again,
# find them smoother, and the masks made of them too careful.
#
# Their reading is that detail is lost which no network can bring back. Let us test that.
#
# ## 2. A network that knows sharp pictures
#
# The same division as in lesson 2: whole wells apart.

# %%
samples = ck.read("livecell").cached()
test = samples.where(lambda entry: entry.group in ck.lesson.TEST_WELLS)[:lesson.scored]
rest = samples.where(lambda entry: entry.group not in ck.lesson.TEST_WELLS)
train, valid = ck.split(rest, 0.85, seed=0, by="group")
truths = [sample.mask for sample in test]

# %%
sharp = ck.UNet(width=lesson.width)
history = ck.fit(sharp, train, valid, **lesson.training)

# %% [markdown]
# ## 3. The puzzle
#
# One test picture, three resolutions, the same network. We look at pictures as the network does:
# each with the same mean and the same spread.

# %%
def seen(picture):
    """Standardised, then moved into [0, 1] to be shown: mean 0.5, spread 1/8."""
    return np.clip(0.5 + ck.normalisation.standardise(picture) / 8, 0, 1)

factors = (1, 1 / 4, 1 / 8)
example = test[0]
pictures = [ck.degrade(example.image, M, "area", "bicubic") for M in factors]
masks = [ck.predict(sharp, picture) > 0.5 for picture in pictures]
dices = [ck.dice(example.mask, mask) for mask in masks]

# %%
views = [seen(picture) for picture in pictures]
ck.show.images(
    views + [ck.show.compare(example.mask, m, v) for m, v in zip(masks, views, strict=True)],
    [f"{example.dataset}, M = {M:g}" for M in factors] + [f"Dice {d:.3f}" for d in dices],
    columns=3, size=4, caption=ck.show.legend_of_compare(),
    alt="One test picture at M = 1, 1/4 and 1/8, below each the mask that the sharp-trained "
    "network finds, compared with the truth. Dice " + ", ".join(f"{d:.3f}" for d in dices) + ".",
)

# %% [markdown]
# The number of cells has not changed, only the picture's resolution has. How much is *called* cell?
# We need all test pictures for that, and we will need the same again for every strategy. So here
# is a small function: it degrades each test picture, asks `look` for a map, and cuts it at one
# half.

# %%
def masks_of(look, M, resampler="area", antialias=True):
    """Masks of all test pictures, degraded first; ``look`` turns a picture into a map."""
    low = (ck.degrade(s.image, M, resampler, "bicubic", antialias) for s in test)
    return [look(image) > 0.5 for image in low]

def area(masks):
    return sum(m.sum() for m in masks) / sum(t.sum() for t in truths)

# %%
found = {("a", M): masks_of(lambda image: ck.predict(sharp, image), M) for M in factors}
ck.show.table(
    [{"M": f"{M:g}", "Dice": ck.dice(truths, found["a", M]),
      "predicted / true area": area(found["a", M]),
      "measured earlier: Dice": earlier.says("dice", strategy="a", M=M, resampler="area"),
      "area": earlier.says("area", strategy="a", M=M, resampler="area")} for M in factors],
    f"{samples.dataset}: {len(test)} test pictures, the sharp-trained network, degraded by area. "
    "Measured earlier: on 17 real ones",
)

# %% [markdown]
# That is the puzzle. Where a pixel says little, *cell* and *background* should become equally
# uncertain. But look at the areas. In the real pictures (*measured earlier*) the network calls less
# and less of them cell, the coarser they are. Why background?
#
# ## 4. Is the information gone?
#
# First the paper's own explanation. Suppose a network sees the small picture only, but is perfect:
# each of its big pixels says how much of it is cell. Enlarge that, cut at one half:

# %%
for M in (1 / 4, 1 / 8):
    ideal = [ck.degrade(t.astype(np.float32), M, "area", "bilinear") > 0.5 for t in truths]
    print(f"M = {M:g}: Dice of the ideal coarse mask is {ck.dice(truths, ideal):.2f}")
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
# not paler than a sharp one. What is different, then? We compare the grey values, and then what
# the **first layer** makes of them: convolution, batch norm, ReLU.

# %%
def first_layer(net, image):
    """What the first convolution, norm and ReLU answer: (channels, rows, columns)."""
    x = torch.tensor(ck.normalisation.standardise(image))[None, None].to(ck.device.device_of(net))
    with torch.no_grad():
        return net.down[0][:3](x)[0].cpu().numpy()

answers = [first_layer(sharp, picture) for picture in pictures]

# %%
fig, (left, right) = ck.show.axes(1, 2, (4.4, 3.2))
busiest = int(np.argmax(answers[0].std(axis=(1, 2))))
for (colour, dash, _), M, picture, answer in zip(
        ck.show.LINES, factors, pictures, answers, strict=False):
    for ax, values in ((left, ck.normalisation.standardise(picture)), (right, answer[busiest])):
        height, edges = np.histogram(values, bins=60, density=True)
        ax.plot(edges[:-1], height, color=colour, linestyle=dash, label=f"M = {M:g}")
left.set(title="grey values, standardised", ylabel="density", yscale="log")
right.set(title=f"answers of channel {busiest}", yscale="log")
left.legend(frameon=False)
spreads = [answer[busiest].std() for answer in answers]
ck.show.figure(fig, alt="Left: histograms of the standardised grey values at M = 1, 1/4 and 1/8. "
               f"Right: the answers of channel {busiest} of the first layer, whose spread is "
               + ", ".join(f"{spread:.2f}" for spread in spreads) + " at these M.")

# %% [markdown]
# There are many channels, and each looks for its own small pattern. We want one number for each:
# how much of its spread is left?

# %% [markdown] exercise="spread_left"
# ### Exercise 5.1 · How busy is a channel? (2 points, 6 minutes)
#
# Write `spread_left(sharp, coarse)`. Both are arrays (C, H, W): what C channels answer to a sharp
# and to a coarse picture. Return an array (C,): each channel's standard deviation in the coarse
# picture, divided by its standard deviation in the sharp one. Some channels never change in the
# sharp picture; they have no spread to lose, so give 1 for them.

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
wanted = [y.std() / x.std() if np.ptp(x) else 1 for x, y in zip(a, b, strict=True)]
left_over = spread_left(a.copy(), b.copy())
assert isinstance(left_over, np.ndarray) and left_over.shape == (4,)
assert np.allclose(left_over, wanted)
# END HIDDEN TESTS
spread_left = ck.lesson.check("spread_left", spread_left)

# %%
kept = {M: np.sort(spread_left(answers[0], a)) for M, a in zip(factors, answers, strict=True)}
ck.show.curves(
    {f"M = {M:g}": kept[M] for M in factors}, np.arange(1, len(kept[1]) + 1), ylim=(0, None),
    xlabel="channels of the first layer, quietest first", ylabel="spread left",
    alt="The share of its spread that each channel of the first layer keeps. The median channel "
    f"keeps {np.median(kept[1 / 4]):.2f} at M = 1/4 and {np.median(kept[1 / 8]):.2f} at M = 1/8.",
)

# %% [markdown]
# The grey values that go in have spread 1 at every M. What the first layer makes of them has not.
# Its channels look for fine edges and specks. In a coarse picture there are few, so many channels
# grow **quieter**. All later layers learned from busy channels. For them, quiet mostly meant
# *nothing here*. That is a likely reason why they say background.
#
# This has a name: **domain shift**. A network can only be asked about pictures of the kind it was
# trained on. Nothing is wrong with the coarse pictures; they are of another kind.
#
# ## 6. The paper's way: sharpen first
#
# If the network wants sharp pictures, give it sharp pictures. A second U-Net gets the coarse one
# and learns to return the sharp one, by mean squared error. The first network stays as it is.

# %% [markdown] exercise="sharpen_then_segment"
# ### Exercise 5.2 · Find the bug (3 points, 8 minutes)
#
# A colleague joins the two networks. The segmenter is frozen: its weights were set to
# `requires_grad_(False)`. Between the two, each picture shall get mean 0 and spread 1, because
# that is how the segmenter knows its pictures. And it must be possible to *train* `sharpen`
# through the segmenter: we will need that later. There are two mistakes.

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
logits = sharpen_then_segment(one, two, batch)
for picture, logit in zip(batch, logits, strict=True):
    alone = one(picture[None])
    wanted = two((alone - alone.mean()) / alone.std())[0]
    assert torch.allclose(logit, wanted, atol=5e-3)
logits.sum().backward()
assert one[0].weight.grad.abs().sum() > 0
# END HIDDEN TESTS
sharpen_then_segment = ck.lesson.check("sharpen_then_segment", sharpen_then_segment)

# %% [markdown]
# Now we train the paper's super-resolution network: one output, mean squared error, nothing else.
# Ours sees both M and all resamplers; the paper trains one network for each M and names no
# resampler.

# %%
coarse = ck.RandomDegrade(M=(1 / 4, 1 / 8))
front = ck.UNet(width=lesson.width, head="image")
history = ck.fit(front, train, degrade=coarse, **lesson.sharpening)

# %%
def sharpened_first(image):
    """The paper's pipeline: sharpen, then the sharp-trained network."""
    return ck.predict(sharp, ck.super_resolve(front, image))

found |= {("b", M): masks_of(sharpened_first, M) for M in factors[1:]}

# %%
M = 1 / 8
low = pictures[2]
shown = ck.super_resolve(front, low)
masks = [found["a", M][0], found["b", M][0]]
dices = [ck.dice(example.mask, m) for m in masks]
views = [seen(picture) for picture in (example.image, low, shown)]
ck.show.images(
    [*views, example.mask,
     *(ck.show.compare(example.mask, m, v) for m, v in zip(masks, views[1:], strict=True))],
    ["sharp", f"{example.dataset}, M = 1/8", "super-resolved", "the truth",
     f"as it is: Dice {dices[0]:.3f}", f"super-resolved: Dice {dices[1]:.3f}"],
    columns=3, size=4, caption=ck.show.legend_of_compare(),
    alt="Above the sharp, the coarse and the super-resolved picture, which is smoother than the "
    f"sharp one. Below the truth, and the masks found without (Dice {dices[0]:.3f}) and with "
    f"super-resolution (Dice {dices[1]:.3f}).",
)

# %% [markdown]
# Does it look sharp? Look again, and measure. **PSNR** says how near the grey values are.
# **Contrast** says how much of their spread is there.

# %%
images = [s.image for s in test]
rows = []
for M in factors[1:]:
    lows = [ck.degrade(image, M, "area", "bicubic") for image in images]
    better = [ck.super_resolve(front, image) for image in lows]
    for name, those in (("coarse", lows), ("super-resolved", better)):
        rows.append({"M": f"{M:g}", "picture": name, "PSNR, dB": ck.psnr(images, those),
                     "contrast left": ck.metrics.contrast(images, those)})
ck.show.table(rows, f"{samples.dataset}, {len(test)} test pictures against the sharp ones")

# %% [markdown]
# Contrast stays far below 1. Lesson 4 showed why: where several sharp pictures are possible, the
# squared error is smallest for their **mean**, and a mean is smooth. So these are pictures of a
# third kind, neither sharp nor coarse. Can the segmenter read them better? In the paper it can, by
# 0.07 and 0.13. It may also read them worse: nobody asked it. The next table shows what it did
# here. On the real pictures (*measured earlier*, by area) it read them worse, at both M, with each
# of three seeds.
#
# ## 7. Another way: train for it
#
# There is a plainer cure. If a network fails on pictures it has not met, let it meet them. We
# take a copy of the sharp network and go on training it, with crops degraded at random: any M, any
# resampler, with and without antialiasing.

# %%
rng = np.random.default_rng(3)
crop = example.image[:160, :160]
drawn = [ck.random_degrade(crop, rng) for _ in range(4)]
ck.show.images(
    [seen(picture) for picture in (crop, *drawn)],
    [example.dataset, *(f"draw {k}" for k in range(1, 5))], columns=5, size=2.4,
    alt="A sharp cut-out and four random degradations of it, from nearly untouched to very coarse.",
)

# %%
mixed = copy.deepcopy(sharp)
history = ck.fit(mixed, train, valid, degrade=ck.random_degrade, **lesson.training)

# %%
found |= {("e", M): masks_of(lambda image: ck.predict(mixed, image), M) for M in factors}
words = {letter: way["words"] for letter, way in ck.lesson.papers.RESOLUTION_STRATEGIES.items()}
ck.show.table(
    [{"strategy": words[letter], "M": f"{M:g}", "Dice": ck.dice(truths, found[letter, M]),
      "measured earlier": earlier.says(strategy=letter, M=M, resampler="area"),
      "paper": earlier.printed(letter, M)} for letter in "abe" for M in factors[1:]],
    f"{samples.dataset}: {len(test)} test pictures, degraded by area. Measured earlier: "
    + earlier.how(),
)

# %% [markdown]
# No second network, no super-resolution, one set of weights for all M. Is that fair? It had twice
# the training of the sharp network. So would have any strategy with a second network in front.
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

# %% solution="contrast_order"
def contrast_order():
    """"area", "bilinear", "nearest": the one that leaves most contrast first."""
    # BEGIN SOLUTION
    return "nearest", "bilinear", "area"
    # END SOLUTION

# %% check="contrast_order" points=1
# BEGIN HIDDEN TESTS
ordered = [word.strip().lower() for word in contrast_order()]
assert ordered == ["nearest", "bilinear", "area"]
# END HIDDEN TESTS
contrast_order = ck.lesson.check("contrast_order", contrast_order)

# %%
ways = {"nearest": ("nearest", False), "bilinear, no antialiasing": ("bilinear", False),
        "bilinear": ("bilinear", True), "bicubic": ("bicubic", True), "area": ("area", True)}
looks = {"a": lambda image: ck.predict(sharp, image), "e": lambda image: ck.predict(mixed, image),
         "b": lambda image: ck.predict(sharp, ck.super_resolve(front, image))}
trap = {way: {k: ck.dice(truths, masks_of(look, 1 / 4, *how)) for k, look in looks.items()}
        for way, how in ways.items()}

# %%
ck.show.table(
    [{"resampler": way, "contrast left": ck.metrics.contrast(
        images, [ck.degrade(i, 1 / 4, *how[:1], "bicubic", how[1]) for i in images]),
      **{words[k]: trap[way][k] for k in "abe"}} for way, how in ways.items()],
    f"{samples.dataset}: Dice at M = 1/4 by resampler, {len(test)} test pictures",
)
ck.show.table(
    [{"resampler": way, **{words[k]: earlier.says("dice", strategy=k, M=1 / 4, resampler=way)
                           for k in "abe"}} for way in ways],
    "Measured earlier: the same on 17 real pictures",
)

# %%
lows = {way: ck.degrade(crop, 1 / 4, *how[:1], "bicubic", how[1]) for way, how in ways.items()}
ck.show.images(
    list(lows.values()), list(lows), columns=5, size=2.6, limits=(crop.min(), crop.max()),
    caption=f"{example.dataset}, M = 1/4, with the contrast that each resampler leaves",
    alt="One cut-out at M = 1/4 by five resamplers. Nearest and bilinear without antialiasing look "
    "rough and full of contrast, the others smooth. Dice of the sharp-trained network: "
    + ", ".join(f"{way} {trap[way]['a']:.3f}" for way in lows) + ".",
)

# %% [markdown]
# The same network, the same M, and other numbers. In the pictures that look *worst*, rough and full
# of false specks, the sharp-trained network need not do worse than in the smooth ones: specks are
# what its first layer listens for. On the real pictures the resampler moves the paper's way, with
# super-resolution in front, by more than 0.1. That is more than the whole gain that the paper
# reports. By *area* and *bicubic* super-resolution harms; by *nearest* it does neither harm nor
# good, as far as three seeds can tell. So **a table of resolutions that does not name the resampler
# cannot be compared with another.**
#
# ## 9. Outlines
#
# Dice is about area. A cell is wide and its outline thin, so a mask with blurred outlines still
# scores well. The paper suspects that super-resolution helps at *edges* above all, and proposes to
# measure that. Let us do it, in two ways. Ours first: the **edge Dice** is the Dice of two thin
# bands, one around the true outline and one around the predicted.

# %% [markdown] exercise="edge_band"
# ### Exercise 5.4 · The band around an outline (3 points, 8 minutes)
#
# Write `edge_band(mask, width=2)`. For a bool mask (H, W) return a bool array (H, W): True for each
# pixel that has a pixel of the *other* kind at most `width` away, centre to centre in a straight
# line. (Other kind: background for a cell pixel, cell for a background pixel.) The picture's frame
# is no border, for nobody knows what lies outside. `scipy.ndimage` is loaded; its
# `distance_transform_edt` and `binary_dilation` are two ways to do it.

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
for m in (spots, spots & False, spots | True):
    for w in (1, 2, 3):
        py, px = np.nonzero(np.ones_like(m))
        near = (py[:, None] - py) ** 2 + (px[:, None] - px) ** 2 <= w * w
        brute = (near & (m.ravel()[:, None] != m.ravel())).any(1).reshape(m.shape)
        band = edge_band(m.copy(), w)
        assert band.dtype == bool and (band == brute).all()
assert (edge_band(spots) == edge_band(spots, 2)).all()
# END HIDDEN TESTS
edge_band = ck.lesson.check("edge_band", edge_band)

# %% [markdown]
# The paper's way needs no truth. Take the sharp picture, subtract a blurred copy, take the size of
# what is left, and cut it at a threshold: those are the picture's own edges. Compare them with the
# outline of the predicted mask. How much blur, which threshold (ours is Otsu's, which splits a
# histogram in two) and how wide a band: that is our choice, the paper does not say.

# %%
high = np.abs(example.image - ndimage.gaussian_filter(example.image, 2))
edges = ck.metrics.image_edges(example.image)  # high, cut at Otsu's threshold
band = edge_band(example.mask)
ck.show.images(
    [seen(example.image), np.clip(high / np.quantile(high, 0.99), 0, 1), edges, band],
    [example.dataset, "minus its blur", "above Otsu's threshold", "band of the true mask"],
    alt="A picture, its high-pass, the bright part of that, and the band around the true outlines. "
    f"Picture edges and true band agree with a Dice of only {ck.dice(edges, band):.2f}.",
)

# %%
rows = []
for letter in "abe":
    for M in factors[1:]:
        bands = [edge_band(m) for m in found[letter, M]]
        rows.append({
            "strategy": words[letter], "M": f"{M:g}", "Dice": ck.dice(truths, found[letter, M]),
            "edge Dice": ck.dice([edge_band(t) for t in truths], bands),
            "paper's edges": ck.dice([ck.metrics.image_edges(i) for i in images], bands),
            "measured earlier: edge Dice": earlier.says(
                "edge_dice", strategy=letter, M=M, resampler="area"),
            "paper's": earlier.says("image_edges", strategy=letter, M=M, resampler="area")})
limit = ck.dice([ck.metrics.image_edges(i) for i in images], [edge_band(t) for t in truths])
ck.show.table(rows, f"{samples.dataset}: whole cells against outlines, {len(test)} test pictures; "
              f"with the paper's measure even the true masks reach no more than {limit:.3f}")

# %% [markdown]
# Read the last number of the caption first. By the paper's measure even the truth scores low.
# Look at the third picture above to see why: the strongest edges of a cell lie *inside* it, around
# the nucleus and along wrinkles, not on its outline. A mask that falls to pieces has borders
# everywhere, and may even score *higher* than the truth. So this measure cannot test the paper's
# hypothesis. The edge Dice can, because it asks the truth. Compare its rows, without and with
# super-resolution in front, and beside them what Dice does. On the real pictures (*measured
# earlier*) the edge Dice *rises* a little with super-resolution while Dice falls. So the paper's
# thought has something to it: what sharpening brings, it brings at the edges.
#
# ## 10. Capstone: sharpen for the task
#
# Back to super-resolution. Its fault was not the idea but the loss: the mean squared error asks
# *does it look like the sharp picture?*, and nobody asks *can the segmenter use it?* So ask that.
# The segmenter stays frozen. Its loss runs back **through** it into the sharpening network.

# %% [markdown] exercise="task_loss"
# ### Exercise 5.5 · A loss for the task (4 points, 12 minutes)
#
# Write `task_loss(output, target, weight=0.1)`. Both are tensors (N, 2, H, W). Channel 0 of
# `output` is the segmenter's logit, channel 1 the sharpened picture; channel 0 of `target` is the
# true mask (0 or 1), channel 1 the sharp picture. Return one number, a tensor:
#
# - the binary cross-entropy of the logits, mean over all pixels,
# - plus `weight` times the relative error: for each picture the mean squared error divided by the
#   variance of *its* sharp picture, or by 1 where that variance is less; then the mean over
#   pictures.
#
# (Why relative? In the units of a coarse picture the sharp one has an enormous contrast, and its
# plain squared error would drown the rest.)

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
p = torch.sigmoid(answer[:, 0].detach().double())
t = truth[:, 0].double()
crossed = -(t * p.log() + (1 - t) * (1 - p).log()).mean()
relative = sum(((x - y) ** 2).mean() / max(1.0, ((y - y.mean()) ** 2).mean())
               for x, y in zip(answer[:, 1].detach(), truth[:, 1], strict=True)) / 3
for given, w in (((), 0.1), ((3.0,), 3.0)):
    loss = task_loss(answer, truth, *given)
    assert abs(loss.item() - float(crossed + w * relative)) < 2e-3 * loss.item()
loss.backward()
assert answer.grad[:, 0].abs().sum() > 0 and answer.grad[:, 1].abs().sum() > 0
# END HIDDEN TESTS
task_loss = ck.lesson.check("task_loss", task_loss)

# %% [markdown]
# `ck.DoubleUNet` is your `sharpen_then_segment` as one network; with `train="sharpen"` the
# segmenter keeps still. The sharpening network adds what it learns to the coarse picture
# (`residual=True`), so it need not learn the picture itself.

# %%
double = ck.DoubleUNet(
    ck.UNet(width=lesson.width, head="image", residual=True), sharp, train="sharpen")
before = sharp.out.weight.clone()
history = ck.fit(double, train, degrade=coarse, loss=task_loss, **lesson.task)
print("the segmenter has moved:", not torch.equal(before.cpu(), double.segment.out.weight.cpu()))

# %%
found |= {("c", M): masks_of(lambda image: ck.predict(double, image), M) for M in factors[1:]}
tasked = ck.super_resolve(double, low)
mask = found["c", 1 / 8][0]
ck.show.images(
    [*map(seen, (example.image, shown, tasked)),
     ck.show.compare(example.mask, mask, seen(tasked))],
    [f"{example.dataset}, sharp", f"for the eye: {ck.psnr(example.image, shown):.1f} dB",
     f"for the task: {ck.psnr(example.image, tasked):.1f} dB",
     f"Dice {ck.dice(example.mask, mask):.3f}"], columns=2, size=4.5,
    caption=ck.show.legend_of_compare(),
    alt="The sharp picture; M = 1/8 sharpened by squared error, PSNR "
    f"{ck.psnr(example.image, shown):.1f} dB; sharpened for the task, "
    f"{ck.psnr(example.image, tasked):.1f} dB; and the mask found in that, Dice "
    f"{ck.dice(example.mask, mask):.3f}.",
)

# %% [markdown]
# Look at the third picture. It need not please the eye. The network paints what the segmenter was
# trained to look for. That is its strength, and its danger: such a picture is no evidence. Never
# show it to a biologist as if a microscope had taken it. On the real pictures (*measured earlier*,
# by area) Dice rises from 0.75 to 0.85 at M = 1/4 and from 0.57 to 0.76 at M = 1/8, and the PSNR is
# *lower* than that of the coarse pictures themselves.
#
# ## 11. The fair table
#
# Same test pictures, same resampler, and beyond the sharp network at most the same minutes of
# training. *Live* are your networks of the last half hour. *Measured earlier* comes from
# `make resolution-table`, one network for each M where a strategy asks for that. *Paper* is printed
# there, with other data, another network, and a resampler we do not know.

# %%
rows = []
for letter, name in words.items():
    for M in factors[1:]:
        live = f"{ck.dice(truths, found[letter, M]):.3f}" if (letter, M) in found else "–"
        then = earlier.says("dice", strategy=letter, M=M, resampler="area")
        if {live, then} != {"–"}:
            rows.append({"strategy": f"({letter}) {name}", "M": f"{M:g}", "live": live,
                         "measured earlier": then, "paper": earlier.printed(letter, M)})

# %%
ck.show.table(rows, f"Dice, degraded by area. Live: {samples.dataset}, {len(test)} pictures. "
              f"Measured earlier: {earlier.how()}. Paper: LIVECell's test part, unknown resampler")

# %% [markdown]
# ### What it costs to store
#
# The paper also thinks of storage: keep small pictures, save money. So what is a pixel worth?
# We set bytes against Dice.

# %%
scale = (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16)
kilobytes = [np.mean([ck.storage(i, M).png for i in images]) / 1000 for M in scale]
series = {words[k]: (kilobytes, [ck.dice(truths, found[k, M] if (k, M) in found else
                                         masks_of(looks[k], M)) for M in scale]) for k in "ae"}
ck.show.curves(
    series, xlabel="kilobytes a picture, PNG", ylabel="Dice", xscale="log", ylim=(0, 1),
    title=f"{samples.dataset}, M = 1 … 1/16, area", alt="Dice against kilobytes. "
    + " ".join(f"{name}: " + ", ".join(f"{x:.1f} kB {y:.2f}" for x, y in zip(*line, strict=True))
               + "." for name, line in series.items()),
)

# %% [markdown]
# A point is worth having if no other lies to its left *and* higher. Such points are called
# **Pareto-optimal**.
#
# ## 12. In a real lab
#
# - **You can still choose the resolution.** Then the curve above, made with your own cells, tells
#   you what you give up. Make it with a network that was trained for each M, or it shows domain
#   shift and not resolution.
# - **You have coarse pictures, and some sharp ones of the same kind.** Degrade the sharp ones as
#   your microscope would, with its blur and its noise (`ck.degrade(..., blur=, noise=)`), and train
#   on them: at your one M (d), or at all (e). That is the first thing to try.
# - **The segmenter cannot be changed**, say, because it is somebody's validated product. Then
#   train something in front of it, for the task: (c).
# - **Somebody offers you super-resolution.** Ask what loss it was trained with, and what it scores
#   *behind your segmenter*. A high PSNR is no answer.
#
# ## 13. Try it
#
# First as it stands on paper, then to play with. Move M with the arrow keys.

# %%
ways = {"sharp-trained": sharp, "trained on every M": mixed, "sharpened for the task": double}
explorer = ck.explore.resolution(test, strategies=ways)
explorer.twin("M", factors, strategy="trained on every M")

# %%
explorer.twin("strategy", list(ways), M=1 / 8)

# %%
explorer

# %% [markdown]
# ## Recap
#
# You can now
#
# - Read a paper's table, and say what it leaves open.
# - Explain why a good network goes blind on coarse pictures: domain shift.
# - Compare strategies fairly: same pictures, same budget, the resampler named.
# - Judge outlines by themselves, with an edge Dice.
# - Train one network through another, frozen one.

# %%
ck.lesson.progress()

# %% [markdown]
# ## Going further
#
# - **(d)** Train at one M only: `degrade=ck.RandomDegrade(M=1/8)`. How much does the mixture pay
#   for serving every M?
# - **(f)** The paper's future work, both networks as one: `ck.DoubleUNet(..., train="both")` and
#   `loss=functools.partial(ck.losses.double, weight=1)`.
# - **(g)** Know your microscope: a network trained at one M *and* one resampler,
#   `degrade=ck.RandomDegrade(M=1/8, resampler="area", antialias=True)`, gains 0.01 (area) to 0.03
#   (bicubic) over (d), which must be ready for every resampler. That is as good as the two networks
#   of (f), or better. Ask it about another resampler, and see what that costs.
# - `make resolution-table` makes the whole table: all strategies, both M, every resampler, three
#   seeds. It can be interrupted, and goes on where it was.
# - Stringer and Pachitariu, *Cellpose3: one-click image restoration for improved cellular
#   segmentation*, Nature Methods 2025, train restoration with the segmenter's loss, as you just
#   did.
#
# **Next:** lesson 6, Mask R-CNN.
