# %% [markdown]
# # 3 · Augmentation
#
# Good training pictures are rare: somebody has to mark every cell in them.
# [Augmentation](define:augmentation "| ck.augment") makes many pictures out of few, by turning,
# bending and lighting them anew. It is cheap, it often helps, and when it goes wrong no message
# tells you. In this lesson you use it, break it, and measure it.

# %% [markdown]
# ## What you will be able to do
#
# - Show, on unseen pictures, that three pictures are not enough.
# - Look at a transform, and say whether the truth moves with the picture.
# - Find bugs in augmentation that no error message tells you about.
# - Keep copies of training pictures out of a validation score.
# - Say with error bars whether augmentation helped, and how much data is enough.
#
# {minutes}

# %% [markdown] tags=["question"]
# From lesson 2. The training loss falls and falls, the validation loss turns and rises. What now?
# - [ ] Train on, the training loss is what counts — from here on the network memorises.
# - [x] Keep the weights from where the validation loss was lowest — this is called early stopping.
# - [ ] Take the validation pictures into the training — then nothing is left to see it with.

# %% [markdown] tags=["question"]
# From lesson 1. Label maps are resized by nearest neighbour, never by interpolation. Why?
# - [ ] It is faster — perhaps, but that is not the reason.
# - [x] Between cell 4 and cell 10 there is no cell 7 — interpolation invents cell numbers.
# - [ ] Interpolation changes the size of the picture — both give the size that you ask for.

# %% setup
from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage
from tqdm.auto import tqdm

# %% [markdown]
# ## 1. What it can do
#
# Two networks, the same in everything but the augmentation, were trained on DSB2018: nuclei, most
# of them glowing on black, a few stained and photographed in colour. One saw the course's default
# (flips, quarter turns, light), the other the whole list of [](paper:biomedical): it also turns,
# enlarges and bends. The numbers were *measured earlier* on real pictures, one [seed](term:seed)
# each, by `python -m experiments.paper_tables paper5 --set dsb2018 --steps 800`.

# %%
earlier = list(ck.lesson.results.measured("paper5").values())
pair = {row["augmentation"]: row["test"] for row in earlier
        if (row["dataset"], row["steps"]) == ("dsb2018", 800)}

# %% fold="Two lists of augmentation, two kinds of nuclei"
ck.show.table(
    [{"augmentation": {"default": "flips, quarter turns, light",
                       "paper": "also turned, enlarged, bent"}[name],
      "F1, fluorescence": test_part["f1, fluorescence"], "F1, stained": test_part["f1, stained"]}
     for name, test_part in sorted(pair.items())],
    "DSB2018, foreground F1 pooled over test pixels (measured earlier)")

# %% [markdown]
# **F1** of pixels is [Dice](term:dice) by another name. On the many fluorescent pictures the two
# hardly differ; on the few stained ones the whole list gains more than 0.2. With one seed each,
# that is a hint and no proof. Augmentation stands in for pictures that nobody took. When does that
# work, and when does it harm?
#
# ## 2. Three pictures
#
# [](paper:cell_alive) had three pictures to train on, and nothing else. We take three as well: one
# each of three cell lines, cut to 256×256 pixels. Everything in the test wells stays unseen.

# %%
samples = ck.read("livecell").cached()
test = samples.where(lambda entry: entry.group in ck.lesson.TEST_WELLS)
rest = samples.where(lambda entry: entry.group not in ck.lesson.TEST_WELLS)
lines = ["A172", "BT474", "SKOV3"]

def cut_out(sample, side=256):
    return replace(sample, image=sample.image[:side, :side], labels=sample.labels[:side, :side])

three = ck.Samples.of([cut_out(rest[rest.cell_types.index(line)]) for line in lines])

# %% fold="The three"
ck.lesson.origin(samples)
ck.show.images(
    [ck.lesson.draw.with_scale(ck.show.colour_labels(s.labels, s.image), samples.dataset)
     for s in three],
    [f"{s.dataset}: {s.cell_type}, {len(np.unique(s.labels)) - 1} cells" for s in three],
    size=3.6, caption="white bar: 50 µm",
    alt="Three cut-outs of 256 by 256 pixels, one each of the lines A172, BT474 and SKOV3, every "
    "cell in a colour of its own.",
)

# %% [markdown]
# We train on them as they are, without any augmentation. The helper below does it in the same way
# all through the lesson: same network, same number of steps (`lesson` holds both).

# %%
def trained(samples, augment=None, seed=0):
    net = ck.UNet(width=lesson.width, seed=seed)
    ck.fit(net, samples, augment=augment, progress=False, **{**lesson.training, "seed": seed})
    return net

def score(net, samples):
    """Dice, mean over pictures."""
    return float(np.mean([ck.dice(s.mask, ck.predict(net, s.image) > 0.5) for s in samples]))

plain = trained(three)

# %%
same_lines = test.where(lambda entry: entry.cell_type in lines)
other_lines = test.where(lambda entry: entry.cell_type not in lines)
by_part = {"the three": score(plain, three), "same lines,\nother wells": score(plain, same_lines),
           "other lines": score(plain, other_lines)}

# %% fold="Known and unknown pictures"
ck.show.bars(
    by_part, ylabel="Dice, mean over pictures", title=f"{samples.dataset}: trained on three",
    alt="Dice of the network trained on three cut-outs: "
    + ", ".join(f"{name} {value:.2f}" for name, value in by_part.items()).replace("\n", " ") + ".",
)
known, same, other = by_part.values()
ck.lesson.claim(
    known > max(same, other) + 0.02,
    f"The first bar, {known:.2f}, is about pictures that the network knows. On new pictures of the "
    f"same lines it reaches {same:.2f}. That gap is over-fitting: with so few pictures, learning "
    f"*these* pixels is easier than learning what a cell is. The last bar, {other:.2f}, is about "
    "kinds of cells that it has never seen.",
    f"The first bar, {known:.2f}, is about pictures that the network knows, the others, {same:.2f} "
    f"and {other:.2f}, about new ones. Here the known ones are no easier: the training was too "
    "short to memorise them, or these are the harder pictures.",
    trained=True,
)

# %% [markdown] tags=["question"]
# You will use this network on new A172 pictures. Which bar tells how good it will be?
# - [ ] The first, it is about A172, too — those very pictures were trained on.
# - [x] The second — the same lines, but pictures that it has not seen.
# - [ ] The mean of the three — it mixes pictures that are known, new, and of another kind.

# %% [markdown]
# ## 3. The same cell, seen otherwise
#
# A cell stays a cell when the dish is turned. So turn the picture, and you have another training
# picture, for nothing. Two rules decide what is allowed:
#
# 1. The result must be a picture that **could have been taken** (or drawn) like the others.
# 2. The truth must **move with it**: labels are turned and bent exactly as the image is. Light and
#    noise change the image only.
#
# Here are eleven transforms of `ck.augment`, each alone, on one picture. Each cell has the colour
# of its label.

# %%
a, picture = ck.augment, three[0]
transforms = [a.Flip(), a.Rotate(45), a.Zoom(0.5), a.Shear(20), a.Shift(0.2), a.Crop(0.4),
              a.Elastic(10), a.Noise(0.08), a.Blur(2), a.Sharpen(2), a.Brightness(0.2)]

# %% fold="Eleven transforms"
def seen_through(transform, draw=0):
    strength = transform.between[1]
    moved, follow = transform.at(strength)(picture.image, picture.labels,
                                           np.random.default_rng(draw))
    return ck.show.colour_labels(follow, moved)

def in_words(transform):
    name, strength = type(transform).__name__, transform.between[1]
    said = {"Flip": "left and right", "Zoom": f"{1 + strength:g} times as large",
            "Sharpen": "times the fine detail added"}.get(name, transform.unit)
    return f"{name}\n{said}" if name in ("Flip", "Zoom") else f"{name}: {strength:g}\n{said}"

ck.show.images(
    [ck.show.colour_labels(picture.labels, picture.image)]
    + [seen_through(one) for one in transforms],
    ["untouched"] + [in_words(one) for one in transforms],
    size=2.7, alt="One cut-out untouched, and after each of eleven transforms, each alone. Seven "
    "move the pixels, and the coloured cells move along; four change grey values only, and the "
    "cells stay.",
)

# %% [markdown]
# Look closely at *Rotate* and *Shift*. Pixels that come from outside the picture are filled by
# mirroring what is inside, like a kaleidoscope: one cell may appear twice, under one number. For a
# [mask](term:mask) that does no harm. And where new pixels fall between old ones (*Rotate*, *Zoom*,
# *Elastic* and others), they are interpolated, which smooths the grain.

# %% [markdown] tags=["question"]
# The network is to tell left hands from right hands. Which of the eleven must you leave out?
# - [ ] Rotate — a turned left hand is still a left hand.
# - [x] Flip — it makes a right hand of a left one, and the label stays: now the label is wrong.
# - [ ] Brightness — hands look like hands in any light.

# %%
explorer = ck.explore.augmentation(three)
explorer.twin("strength", [0, 3, 10, 30], transform="elastic",
              caption="Elastic: how far pixels move, in pixels")

# %% [markdown]
# Now choose another transform, and move the slider until *you* would no longer call the result a
# picture of cells in a dish. That is too much. `draw` gives another direction and place.

# %% tags=["changes"]
explorer

# %% [markdown]
# Papers list what they did, and hardly ever how strongly. Here are three lists as we read them:
# those of [](paper:pixel_wise), [](paper:cell_alive) and [](paper:biomedical). `cellkit` has them
# as `paper2`, `paper3` and `paper5`. Strengths that a paper does not name are ours.

# %%
pipelines = {"Pixel-wise": a.paper2, "Is this cell alive?": a.paper3, "Biomedical": a.paper5}

# %% fold="Three draws of each list"
draws = [(name, pipeline(picture.image, picture.labels, np.random.default_rng(k)))
         for name, pipeline in pipelines.items() for k in range(3)]
ck.show.images(
    [ck.show.colour_labels(follow, moved) for _, (moved, follow) in draws],
    [name for name, _ in draws], columns=3, size=2.7,
    alt="Three random results each of the augmentation lists of three papers, from the same "
    "cut-out: turned, enlarged, bent, brighter and darker; the coloured cells follow.",
)

# %% [markdown]
# ## 4. The step in the loop
#
# Where does augmentation belong? After a picture was read, before it becomes a
# [tensor](term:tensor), anew in each step, and in training only. Here is your loop of lesson 2 with
# that step in it. One line undoes a part of what `augment` did. Which?

# %%
def train_augmented(samples, augment, steps, seed=0):
    net = ck.UNet(width=lesson.width, seed=seed)
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3)
    net.train()
    for step in range(steps):
        rng = np.random.default_rng([seed, step])              # this step's own chance
        pairs = [augment(s.image, s.labels, rng) for s in samples]
        images = torch.stack([torch.tensor(ck.normalisation.standardise(image))[None]
                              for image, _ in pairs])
        targets = torch.stack([torch.tensor(labels > 0).float()[None] for _, labels in pairs])
        loss = ck.losses.bce(net(images), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net.eval()

# %%
by_hand = train_augmented(three, ck.augment.default, lesson.by_hand)
print(f"Dice on test wells: {score(by_hand, test):.2f} after only {lesson.by_hand} steps")

# %% [markdown]
# It is the line with `standardise`: a brighter picture gets mean 0 like all others, and the change
# is gone. So it is with the ready-made copies of section 6. `ck.fit(augment=…)`
# [standardises](term:standardise) by the mean and spread of the *untouched* picture: there a
# brighter picture reaches the network brighter.

# %% [markdown] tags=["question"]
# In which order must it be, if the network is to see darker and brighter pictures in training?
# - [x] Standardise by the untouched picture, so that the change survives — measured
#   by the same mean, a darker picture stays darker.
# - [ ] Change the brightness, then standardise — that gives each picture mean 0 again: nothing has
#   changed.
# - [ ] The order does not matter — it does: one of the two undoes the other.

# %% [markdown]
# ## 5. Bugs that nobody notices
#
# Wrong augmentation does not crash. The [loss](term:loss) falls, the pictures look fine, and the
# result is a little worse than it could be. So you must know these bugs by sight. The first:

# %%
turned = picture.image[:, ::-1]
right_pair = ck.show.colour_labels(picture.labels[:, ::-1], turned)
wrong_pair = ck.show.colour_labels(picture.labels, turned)

# %% fold="Flipped together, and torn apart"
ck.show.images(
    [ck.show.colour_labels(picture.labels, picture.image), right_pair, wrong_pair],
    ["untouched", "image and labels flipped", "image flipped, labels not"], size=3.6,
    alt="Left the cut-out as it is, then the flipped cut-out with flipped labels: rims follow the "
    "cells. Right the flipped cut-out with labels as they were: rims cut across cells and lie on "
    "background.",
)

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
# (H, W, 3); return (image, labels), and leave what you were given as it is. All chance must come
# from `rng`.

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
ck.lesson.grade("flip_pair", flip_pair, (pixels, numbers, np.random.default_rng(900)),
                (pixels[..., 0], numbers, np.random.default_rng(901)))
# END HIDDEN TESTS
flip_pair = ck.lesson.check("flip_pair", flip_pair)

# %% [markdown]
# What does the bug cost? The same training twice, once with the colleague's flips.

# %%
flips = {"right": flip_pair, "colleague's": colleagues_flip_pair}

def as_augmentation(flip):
    # torch takes no array that runs backwards, so each is copied
    return lambda image, labels, rng: tuple(map(np.ascontiguousarray, flip(image, labels, rng)))

cost = {name: score(trained(three, as_augmentation(flip)), test)
        for name, flip in tqdm(flips.items(), "trainings")}

# %% fold="Two ways to flip"
ck.show.bars(
    cost, digits=3, ylabel="Dice on test wells, mean", title=f"{samples.dataset}: one seed each",
    alt="Dice on the test wells after training with right flips, and with flips that tear image "
    "and labels apart: " + ", ".join(f"{n} {v:.3f}" for n, v in cost.items()) + ".",
)
loss_of_dice = cost["right"] - cost["colleague's"]
ck.lesson.claim(
    loss_of_dice > 0.1,
    f"The bug costs {loss_of_dice:.2f} of Dice: half of the training pairs "
    "were wrong, and a network that learns from such pairs learns to be unsure.",
    f"Right flips minus the colleague's: {loss_of_dice:+.3f}. From one seed each, so small a "
    "difference may be luck (section 7). Half of the training pairs were wrong, and the score "
    "hardly tells: that is why one must look.",
    trained=True,
)

# %% [markdown]
# The second bug you know from lesson 1: labels turned by [interpolation](term:interpolation), which
# invents cells. Exercise 3.2, under *Going further*, is about it.
#
# The third bug repeats pictures. A training program often has several [workers](define:worker
# "| ck.fit(workers=…)"): a worker is a process that prepares pictures while the network is busy.
# Each has its own generator of random numbers. Here is what happens when all begin with the same
# seed: worker 0 augments our three pictures, and worker 1 augments them once more.

# %%
def worker(pictures, rng):
    """What one worker hands over: each of its pictures, augmented."""
    return [a.paper3(s.image, s.labels, rng)[0] for s in pictures]

repeated = [image for number in range(2) for image in worker(three, np.random.default_rng(0))]

# %% fold="What two workers hand over"
ck.show.images(
    repeated, [f"worker {k // 3}, picture {k % 3}" for k in range(6)], columns=3, size=2.7,
    alt="Two rows of three augmented cut-outs, one row a worker. The lower row repeats the upper "
    "row exactly.",
)

# %% [markdown]
# The second worker did nothing but repeat the first. The cure: give **each item of each epoch**
# numbers of its own, whoever prepares it. An *item* is one place in an [epoch](term:epoch)'s list
# of [crops](term:crop).

# %% fold="How an epoch and an item make a random crop"
ck.lesson.draw.random_crops()

# %% [markdown] exercise="generator_for"
# ### Exercise 3.3 · Find the bug: the workers (2 points, 4 minutes)
#
# The colleague's version is `return np.random.default_rng(seed)`. Write `generator_for(seed,
# epoch, index)`, which returns a generator (`np.random.Generator`). Called twice with the same
# three whole numbers from 0, it must give the same random numbers, in every session. If any of the
# three differs, it must give others. `default_rng` also takes a list of whole numbers.

# %% solution="generator_for"
def generator_for(seed, epoch, index):
    """A generator of its own for item ``index`` of an epoch."""
    # BEGIN SOLUTION
    return np.random.default_rng([seed, epoch, index])
    # END SOLUTION

# %% check="generator_for" points=2
# BEGIN HIDDEN TESTS
ck.lesson.grade("generator_for", generator_for, (5, 3, 17), (123, 64, 2000))
# END HIDDEN TESTS
generator_for = ck.lesson.check("generator_for", generator_for)

# %%
fresh = [a.paper3(three[k % 3].image, three[k % 3].labels, generator_for(0, 0, k))[0]
         for k in range(6)]

# %% fold="A generator for each item"
ck.show.images(
    fresh, [f"item {k}, by worker {k % 2}" for k in range(6)], columns=3, size=2.7,
    alt="Six augmented cut-outs with a generator for each item: no two are alike, whichever "
    "worker made them.",
)

# %% [markdown]
# ## 6. The hidden leak
#
# [](paper:cell_alive) made 1,773 pictures out of its three, and then set 15 % aside to validate.
# Read that again. Three pictures cannot be split 85 to 15, so the *copies* were. Then copies of the
# same picture, *sisters*, lie on both sides. (The paper does not say so in words. Its numbers allow
# no other reading that we can see.) Let us do the same.

# %%
def grow(pictures):
    """Each picture, and many augmented copies of it."""
    count = lesson.copies * len(pictures)
    return ck.augment.grow(pictures, count, ck.augment.paper3, seed=0).cached()

copies = grow(three)
leaky_train, leaky_valid = ck.split(copies, 0.85, seed=0, by="image")
print("pictures behind the training part:  ", len(set(leaky_train.groups)))
print("pictures behind the validation part:", len(set(leaky_valid.groups)))

# %% fold="Sisters on both sides"
held = leaky_valid[0]
sisters = leaky_train.where(lambda entry: entry.group == held.group)
ck.show.images(
    [held.image, *(s.image for s in sisters[1:4])], ["validation", *["training"] * 3], size=2.9,
    alt="A copy from the validation part beside copies from the training part: the same "
    "cells, turned and lit differently.",
)

# %%
def scores(net, valid):
    return {"validation": score(net, valid), "unseen": score(net, test)}

leaky_scores = scores(trained(leaky_train), leaky_valid)

# %% [markdown] exercise="leak_guess"
# ### Exercise 3.4 · Guess, then run (1 point, 3 minutes)
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
ck.lesson.grade("leak_guess", leak_guess)
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
# and are grown. The others are for validation, as they are. Return (training, validation), two
# lists.

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

for letters, share in (("QRSTU", 0.8), ("QRSTU", 0.5), ("QRSTUVW", 0.3), ("QRST", 0.74),
                       ("QRSTUV", 0.55), ("QRS", 1.0)):
    ck.lesson.grade("prepare", prepare, (list(letters), share, with_copies))
# END HIDDEN TESTS
prepare = ck.lesson.check("prepare", prepare)

# %%
honest_train, honest_valid = prepare(three, 2 / 3, grow)
honest = trained(honest_train)
honest_scores = scores(honest, honest_valid)

# %% fold="What was promised, and what was kept"
shown = {name: {part: round(dice, 2) for part, dice in found.items()}  # so that the table adds up
         for name, found in (("grown, then split", leaky_scores),
                             ("split, then grown", honest_scores))}
ck.show.table(
    [{"order": name, "promised by the validation part": found["validation"],
      "reached on unseen pictures": found["unseen"],
      "promise − truth": found["validation"] - found["unseen"]} for name, found in shown.items()],
    f"{samples.dataset}: Dice, mean over pictures, one seed", digits=2)
flattery = shown["grown, then split"]["validation"] - shown["grown, then split"]["unseen"]
ck.lesson.claim(
    flattery > 0.02,
    f"Grown first, the validation part promised {flattery:.2f} more than was reached. It measured "
    "how well three pictures are remembered. It would have led you to train longer, and to believe "
    "it.",
    f"Grown first, the validation part said {leaky_scores['validation']:.2f}, the unseen pictures "
    f"{leaky_scores['unseen']:.2f}. Here it did not flatter: the copies are bent and dimmed, and "
    "harder than fresh pictures. Either way it does not say what you want to know.",
    trained=True,
)

# %% [markdown] tags=["question"]
# You have 12 pictures, and want to train on copies. What is the right order?
# - [ ] Make the copies, shuffle, split 85 to 15 — then sisters lie on both sides.
# - [x] Split the pictures, then make copies of the training part — no validation picture has a
#   sister in the training.
# - [ ] Make the copies and split by `group`; so the validation part is larger, too — nothing leaks
#   then, but the score is of bent and dimmed pictures, and not of those you will meet.

# %% [markdown]
# The honest validation part is one single picture, so what it says is rough; but the network has
# never seen that picture. And the colleague's second mistake, augmenting what one validates on?
# Then the ruler itself moves:

# %%
wobble = [score(honest, ck.augment.grow(honest_valid, 2, a.paper5, seed=k)[1:]) for k in range(5)]
print(f"the same network, the same picture: {honest_scores['validation']:.2f} as it is;",
      "augmented five times:", ", ".join(f"{value:.2f}" for value in wobble))

# %% [markdown]
# `ck.augment.grow` keeps each copy's `group`, so `ck.split(copies, by="group")` never tears them
# apart, and `ck.fit` warns when both sides share a [group](term:group). The safest habit is simpler
# still: **augment while training, and only the training part.** That is what `ck.fit(augment=…)`
# does.
#
# [](paper:cell_alive), whole, leak included, was *measured earlier* with 1,773 pictures grown from
# three simulated ones of the [Cell Tracking Challenge](paper:ctc), because its own were never
# published. The paper scores by [IoU](define:iou "IoU | ck.iou"): the pixels that two masks share,
# divided by all pixels that either has.

# %%
whole = next(iter(ck.lesson.results.measured("paper3").values()))
print(f"IoU {whole['validation']['iou']:.3f} on copies of the three,",
      f"{whole['test']['iou']:.3f} on eleven fresh pictures (one seed, {whole['steps']} steps)")

# %% [markdown]
# So there the copies scored *lower*: they are bent and dimmed, and simulated nuclei are all of one
# kind. A score on copies can flatter or frighten. It never says what you want to know.
#
# ## 7. Does it help? And when is it too much?
#
# A fair comparison changes *one* thing. Same pictures, same steps, same network. And since luck
# moves every score, we train each three times, from three seeds.

# %%
ways = {"nothing": None, "flips, turns,\nlight": a.default, "whole list,\nBiomedical": a.paper5}
runs = {name: [] for name in ways}
for name, seed in tqdm([(name, seed) for name in ways for seed in range(3)], "trainings"):
    runs[name].append(score(trained(three, ways[name], seed), test))

# %% fold="Three ways, three seeds each"
mean = {name: float(np.mean(found)) for name, found in runs.items()}
spread = {name: float(np.std(found, ddof=1)) for name, found in runs.items()}
ck.show.bars(
    mean, spread=spread, digits=3, ylabel="Dice on test wells",
    title=f"{samples.dataset}:\nmean ± standard deviation, 3 seeds",
    alt="Dice on the test wells by augmentation, mean and standard deviation over three seeds: "
    + ", ".join(f"{n} {mean[n]:.3f} ± {spread[n]:.3f}" for n in mean).replace("\n", " ") + ".",
)

# %% [markdown]
# The spread of a difference of two scores is √(s₁² + s₂²), where s is the spread (standard
# deviation) of each. `np.hypot` computes that. With three seeds each, a cautious rule of thumb: a
# difference below twice its spread may be luck.

# %%
base, *others = mean
for name in others:
    gain, luck = mean[name] - mean[base], 2 * np.hypot(spread[name], spread[base])
    verdict = "more than luck" if abs(gain) > luck else "may be luck"
    print(f"{name.replace(chr(10), ' ')}: {gain:+.3f}; twice the spread {luck:.3f}: {verdict}")

# %% [markdown]
# *May be luck* is no proof that augmentation does nothing. It means: not shown, train from more
# seeds.

# %% [markdown] tags=["question"]
# Two trainings from one seed each: 0.81 with, 0.79 without augmentation. What do you report?
# - [ ] Augmentation gains 0.02 — another seed may turn it round.
# - [ ] Augmentation makes no difference — nor was that shown.
# - [x] Nothing yet; train both from more seeds — only the spread tells whether 0.02 is much.

# %% [markdown]
# More is not always better. [](paper:biomedical) saw its scores *fall* a little with many augmented
# pictures, and could only suspect why. Here is one pipeline, in several strengths.

# %%
def bent(times):
    return a.Pipeline(a.Rotate(20 * times), a.Zoom(0.1 * times), a.Elastic(3 * times),
                      a.Contrast(0.2 * times), a.Noise(0.02 * times))

strengths = [0, 1, 3, 9]
by_strength = [score(trained(three, bent(times)), test) for times in tqdm(strengths, "trainings")]

# %% fold="How it looks, and how it scores"
looks = [bent(times)(picture.image, picture.labels, np.random.default_rng(1))
         for times in strengths]
ck.show.images(
    [ck.show.colour_labels(follow, moved) for moved, follow in looks],
    [f"strength × {t}: Dice {value:.3f}"
     for t, value in zip(strengths, by_strength, strict=True)],
    size=2.9, caption=f"{samples.dataset}: Dice on test wells, one seed each",
    alt="The same cut-out through the pipeline at strength 0, 1, 3 and 9, turned, "
    "enlarged, bent and grainier each time. Dice on the test wells, one seed each: "
    + ", ".join(f"× {t} {v:.3f}" for t, v in zip(strengths, by_strength, strict=True)) + ".",
)
ck.lesson.claim(
    by_strength[-1] < max(by_strength[:-1]) - 2 * max(spread.values()),
    f"The strongest scores {by_strength[-1]:.3f}, the best of the others "
    f"{max(by_strength[:-1]):.3f}. One seed each, but the fall is larger than twice the error bars "
    "above. A short training cannot learn so many kinds of pictures, and such pictures are never "
    "asked about.",
    f"From {min(by_strength):.3f} to {max(by_strength):.3f}, one seed each: no step here is "
    "clearly larger than the error bars above, so the scores do not say which strength is best.",
    trained=True,
)

# %% [markdown]
# ## 8. How much data is enough?
#
# [](paper:biomedical) trained on 80 % of each of its sets, then on less, down to 10 %. Three sets,
# *measured earlier* on real pictures, with the paper's own augmentation, 300 steps each, one seed:
#
# - **DSB2018** ([](paper:dsb2018)): nuclei of many kinds, each picture another;
# - **ISBI 2012** ([](paper:isbi2012)): thin slices of one piece of nerve tissue in an electron
#   microscope, hardly different from one another; what is inside cells is *foreground*;
# - **EPFL** ([](paper:epfl)): slices of brain, mitochondria are *foreground*.

# %%
shares = {}
for name in ("dsb2018", "isbi2012", "epfl"):
    few_to_many = sorted((row for row in earlier if row["dataset"] == name and row["steps"] == 300),
                         key=lambda row: row["trained on"])
    shares[name] = ([row["trained on"] for row in few_to_many],
                    [row["test"]["f1"] for row in few_to_many])

# %% fold="F1 by number of pictures"
ck.show.curves(
    shares, xlabel="pictures trained on (logarithmic)", ylabel="F1, pooled", xscale="log",
    xticks=(ticks := [2, 5, 10, 20, 50, 100, 200]), xticklabels=ticks,
    title="300 steps, one seed each (measured earlier)", ylim=(0.5, 1),
    alt="F1 on the test part by number of pictures trained on: " + "; ".join(
        f"{name} " + ", ".join(f"{n} {v:.3f}" for n, v in zip(*line, strict=True))
        for name, line in shares.items()) + ".",
)

# %% [markdown]
# Read each line by itself; the axis begins at 0.5, and one seed gives no error bar. ISBI 2012 is
# flat: three slices do as well as 24, for they are nearly alike, and each holds many cells. EPFL
# rises. DSB2018 is lowest at 46 pictures, not at 23: with many kinds, *which* pictures were drawn
# may count as much as how many; but one seed cannot tell that from luck. Where a curve is flat,
# more pictures *of the same kind* would not help: mark other kinds, or train longer. Where it still
# rises, mark more.

# %% [markdown] tags=["question"]
# You have marked 20 of 200 neighbouring slices. The curve over 5, 10 and 20 slices is flat. What
# helps most?
# - [ ] Marking the other 180 — they are neighbours of what the network has seen.
# - [x] Marking a few slices of *another* piece of tissue — that is a kind of picture it has not
#   seen.
# - [ ] Marking fewer — flat means that fewer would have done, but nothing is gained by throwing
#   away.

# %% [markdown]
# ## Recap
#
# You can now
#
# - Show, on unseen pictures, that three pictures are not enough.
# - Look at a transform, and say whether the truth moves with the picture.
# - Find bugs in augmentation that no error message tells you about.
# - Keep copies of training pictures out of a validation score.
# - Say with error bars whether augmentation helped, and how much data is enough.

# %%
ck.lesson.progress()

# %% [markdown]
# **Next:** [4 · Super-resolution](04_super_resolution.ipynb)
#
# ## Going further
#
# What follows is beyond the minutes above: one more exercise, a curve of your own, and the paper's
# table beside ours.

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
# still be interpolated. Both are turned as the colleague's are, about the middle, and keep their
# shape. What lies beyond the edges is up to you.

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
cells = np.zeros((40, 34), np.int32)
cells[6:22, 4:18], cells[6:22, 18:30], cells[22:36, 8:24] = 40, 7, 300
grey = ndimage.gaussian_filter(np.random.default_rng(8).random((40, 34)), 2)
for degrees in (25, -140):
    ck.lesson.grade("rotate_pair", rotate_pair, (grey / grey.max(), cells, degrees))
# END HIDDEN TESTS
rotate_pair = ck.lesson.check("rotate_pair", rotate_pair)

# %%
by_colleague = colleagues_rotate_pair(two * 1.0, two, 30)[1]
by_nearest = rotate_pair(two * 1.0, two, 30)[1]

# %% fold="Two cells, turned in two ways"
ck.show.images(
    [two > 0, by_colleague > 0, ~np.isin(by_colleague, two), by_nearest > 0],
    ["as drawn: 2 cells, touching", f"colleague's: {len(np.unique(by_colleague)) - 1} cells",
     "pixels of its ghost cells", f"nearest: {len(np.unique(by_nearest)) - 1} cells"],
    size=3, alt="Two touching cells as one white mask; turned with interpolation, where the mask "
    "looks right; the pixels with numbers that no cell has, along all rims; turned by the nearest "
    "pixel, where there are two cells still.",
)

# %% [markdown]
# As a mask the second picture looks right. Only when the cells are counted does one notice. (The
# specks in the corners are cells mirrored at the edges.)

# %% [markdown]
# ### A curve of your own
#
# The same question as in section 8, live, on DSB2018: a fifth of the fields is for testing, always
# the same. Each point had the same number of training steps, and one seed.

# %%
recipe = ck.lesson.papers.PAPER5
nuclei = ck.lesson.papers.load("dsb2018")
parts_of_all = [0.1, 0.2, 0.4, 0.8]
counts, by_share = [], []
for part in tqdm(parts_of_all, "trainings"):
    some, unseen = ck.lesson.papers.divide(recipe, "dsb2018", nuclei, part)
    colour_net = ck.UNet(in_channels=3, width=lesson.width)
    ck.fit(colour_net, some, progress=False, **lesson.training)
    counts.append(len(some))
    by_share.append(score(colour_net, unseen))

# %% fold="Dice by number of pictures"
ck.show.curves(
    {"test fields": by_share}, counts, ylabel="Dice, mean", ylim=(0, 1),
    xlabel="pictures trained on", title=f"{nuclei.dataset}: one seed each",
    alt="Dice on test fields by the number of pictures trained on: " + ", ".join(
        f"{n} {v:.3f}" for n, v in zip(counts, by_share, strict=True)) + ".",
)

# %% fold="What the numbers say"
ck.lesson.claim(
    by_share[0] > 0.2,
    f"From {counts[0]} pictures Dice is {by_share[0]:.2f}, from {counts[-1]} it is "
    f"{by_share[-1]:.2f}.",
    f"A Dice of {by_share[0]:.2f} from {counts[0]} pictures means that hardly any cell was found. "
    "Nuclei glow on black in some pictures and are dark on white in others: a network that has "
    "seen one kind only may look for the wrong thing in the other.", trained=True,
)

# %% [markdown]
# ### The paper, and ours
#
# A *recipe* holds what a paper says, setting by setting. Where it says nothing, our choice stands
# beside it, named as ours.

# %%
ck.show.table([row for row in recipe.rows() if row["ours"] != "the same"],
              f"{recipe.title}: where we had to choose, or do it otherwise")

# %% [markdown]
# Here is the table of [](paper:biomedical) beside ours, on the real pictures. Our rows were
# *measured earlier*, with `python -m experiments.paper_tables paper5 --set …`, from one seed each;
# the file says with which commit, in how many minutes, and with all settings.

# %%
table = []
for name, printed in recipe.printed.items():
    for row in [row for row in earlier
                if row["dataset"] == name and row["share"] is None] or [None]:
        table.append({
            "data": name, "paper F1": f"{printed['f1']:.2f}",
            "our F1": f"{row['test']['f1']:.3f}" if row else "not run",
            "mean IoU": f"{row['test']['iou']:.3f}" if row else "",
            "side": row["side"] if row else "", "augmentation": row["augmentation"] if row else "",
            "trained on": row["trained on"] if row else "", "steps": row["steps"] if row else "",
            "minutes": row["minutes of training"] if row else "",
        })
ck.show.table(table, "Foreground F1 pooled over test pixels (ours: measured earlier)")

# %% [markdown]
# What differs: the paper tested on pictures that may be neighbours of training pictures; ours are
# other fields, or other blocks of slices. Its network is four times as wide, and saw each picture a
# hundred times; ours had some minutes of one busy core. SNEMI3D and NCMIR, two more sets of
# electron microscopy, could not be had here. So do not read the table as a race. And F1 hides two
# things. On ISBI 2012 most pixels are inside a cell, so even *calling everything inside* scores
# high: look at the membranes as well. On DSB2018 one number stands for very different kinds of
# pictures.

# %%
for row in earlier:
    measured = row["test"]
    if row["share"] is None and row["dataset"] == "isbi2012":
        print(f"ISBI 2012: inside {measured['f1']:.3f}, membrane {measured['background f1']:.3f};"
              f" everything called inside: {measured['f1 of everything']:.3f}")
    kinds = {key[4:]: value for key, value in measured.items() if key.startswith("f1, ")}
    if row["share"] is None and kinds:
        print(f"DSB2018, side {row['side']}, augmentation {row['augmentation']}, "
              f"{row['steps']} steps: "
              + ", ".join(f"{kind} {value:.3f}" for kind, value in kinds.items()))

# %% [markdown]
# ### To try
#
# - Other data: `ck.read("glas")`, `"isbi2012"`, `"epfl"`, or your own: `ck.read("folder",
#   root="my_pictures")`. What would *you* allow there? Glands have no up and down. Letters do.
# - `ck.augment.Torchvision(v2.ColorJitter(...))` makes any transform of torchvision one of ours.
# - `ck.lesson.papers.PAPER3` is the experiment of section 6, whole.
#   `python -m experiments.paper_tables paper3 --steps 1200` runs it on simulated nuclei, leak
#   included. Bring time.
# - Repeat section 7 with `rest` instead of `three` (never with `samples`: the test pictures are in
#   it). Does the gain grow or shrink with more data?
# - [](paper:unet), section 3.1, is where elastic deformation came to cells.
