"""How well are single cells found?  The ladder of lesson 7 on real images.

One U-Net with head "distance" is trained; components and watershed see its mask alone, "distance"
its distances too, and the last rows split the perfect mask.  Parameters are tuned on the part that
is not tested on.

    CELLKIT_DATA=… python benchmarks/counting.py livecell [minutes [width [seed]]]

LIVECell is tested on its test wells, DSB2018 (``dsb2018``; fluorescence) on a fifth of its fields.
"""

import os
import sys
from pathlib import Path

import numpy as np

import cellkit as ck
from cellkit_course.plans import INSTANCE_GRIDS


def parts(name, root):
    """The part to train on, and the part to test on."""
    samples = ck.read(name, root=root).where(lambda entry: entry.annotated)
    if name == "dsb2018":
        shining = samples.where(lambda entry: entry.cell_type == "fluorescence")
        return ck.split(shining.cached(), 0.8, seed=0, by="group")
    wells = ck.lesson.TEST_WELLS
    return (samples.where(lambda entry: entry.group not in wells).cached(),
            samples.where(lambda entry: entry.group in wells).cached())


def row(name, truths, labels):
    ap, counted = ck.average_precision(truths, labels), ck.metrics.count_error(truths, labels)
    paper_5 = ck.metrics.mean_precision(truths, labels)
    print(f"{name:28} {ap[0]:6.3f} {ap.mean():6.3f} {paper_5:6.3f} {counted.pred:7} "
          f"{counted.truth:7} {counted.error:6.0%}", flush=True)


def main(name="livecell", minutes=5, width=16, seed=0):
    root = Path(os.environ.get("CELLKIT_DATA") or "real data") / name
    if not root.exists():
        print(f"No real images at {root}; set CELLKIT_DATA to the folder with {name}/.")
        return
    rest, test = parts(name, root)
    train, valid = ck.split(rest, 0.85, seed=0, by="group")
    net = ck.UNet(width=int(width), head="distance", seed=int(seed))
    history = ck.fit(net, train, valid, epochs=1000, minutes=float(minutes), seed=int(seed),
                     steps_per_epoch=40, crop=192, lr=3e-3, schedule="onecycle", monitor="loss",
                     progress=False)
    print(f"{name}: {len(train)} images to train on, {len(valid)} to validate, {len(test)} to test;"
          f" {len(history)} epochs of 40 steps in {sum(history.seconds) / 60:.1f} min, width "
          f"{width}, seed {seed}", flush=True)
    tuning = rest[::max(1, len(rest) // 12)]
    answers = [sample.labels for sample in tuning]
    seen = [ck.predict(net, sample.image, all=True) for sample in tuning]
    maps = [ck.predict(net, sample.image, all=True) for sample in test]
    truths, masks = [sample.labels for sample in test], [sample.mask for sample in test]
    dice = [ck.dice(m, one["foreground"] > 0.5) for m, one in zip(masks, maps, strict=True)]
    print(f"Dice of the predicted mask {np.mean(dice):.3f}")
    print(f"{'':28}   AP50   mean  'mAP'   cells   truth   off")
    for method in ("components", "watershed", "distance"):
        tuned = ck.tune_instances(seen, answers, method, INSTANCE_GRIDS[method], progress=False)
        labels = [ck.instances(one, method, **tuned.params) for one in maps]
        row(f"predicted, {method}", truths, labels)
    print("  tuned:", tuned.params)
    for line in sorted(set(test.cell_types)):
        mine = [i for i, one in enumerate(test) if one.cell_type == line]
        row(f"  distance, {line}, {len(mine)} images", [truths[i] for i in mine],
            [labels[i] for i in mine])
    tuned = ck.tune_instances([sample.mask for sample in tuning], answers, "watershed",
                              INSTANCE_GRIDS["watershed"], progress=False)
    row("perfect mask, components", truths, [ck.instances(m, "components") for m in masks])
    row("perfect mask, watershed", truths,
        [ck.instances(m, "watershed", **tuned.params) for m in masks])


if __name__ == "__main__":
    main(*sys.argv[1:])
