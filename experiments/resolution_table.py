"""What each strategy of lesson 05_double_unet reaches, measured piece by piece.

``make resolution-table``, or ``python -m experiments.resolution_table --steps 240 --seeds 0 1``,
trains the networks of :data:`cellkit_course.papers.RESOLUTION_NETWORKS` and scores the strategies
of :data:`cellkit_course.papers.RESOLUTION_STRATEGIES` on the test wells, at both M of the paper
and with every resampler.  Each network and each row of the table is a file below
``build/resolution`` as soon as it is there: interrupted, the same command goes on; with more seeds
or resamplers it adds.  What there is stands in ``cellkit_course/results/resolution.json``, for the
lesson to show as *measured earlier*.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cellkit.degradation import RandomDegrade, degrade, storage
from cellkit.files import replacing
from cellkit.metrics import accuracy, confusion, dice, edge_band, edge_dice, image_edges, psnr
from cellkit.show import table
from cellkit_course import papers
from cellkit_course.results import RESULTS
from cellkit_course.results.resolution import WAYS, how, layout, measured
from experiments import code_version

MEASURED = RESULTS / "resolution.json"
FACTORS = (0.25, 0.125)
#: What sets our rows apart from the paper's.
DIFFERS = (
    "the paper trains on LIVECell's own training part and tests on its test part, we on a few "
    "dozen of its images, wells apart, with no validation part, because nothing is chosen",
    "the paper names neither resampler nor antialiasing; ours are in each row, up is bicubic",
    "the paper's U-Net has 64 channels and two outputs under cross-entropy, ours 16 and one under "
    "cross-entropy plus soft Dice, with flips, turns and random light",
    "in (c) to (f) the network begins with the sharp-trained one, which the paper does not have",
)
UP, WIDTH = papers.PAPER1.chosen("resize")["up"], papers.PAPER1.chosen("network")["width"]


def samples():
    """Training and test rows of LIVECell: whole wells apart."""
    from cellkit.datasets import read

    every = read("livecell").where(lambda entry: entry.annotated).cached()
    test = every.where(lambda entry: entry.group in papers.TEST_WELLS)
    return every.where(lambda entry: entry.group not in papers.TEST_WELLS), test


class Table:
    """The pieces: networks and rows, each made once and kept below ``folder``."""

    def __init__(self, folder, minutes: float, steps: int, width: int = WIDTH):
        self.folder = Path(folder) / f"{steps} steps"  # what is trained otherwise is another table
        self.minutes, self.steps, self.width = minutes, steps, width
        self.train, self.test = samples()

    def network(self, name, M, seed, way=None):
        """One of :data:`cellkit_course.papers.RESOLUTION_NETWORKS`, trained now or earlier."""
        from cellkit.losses import double
        from cellkit.networks import DoubleUNet, UNet
        from cellkit.train import checkpoints, fit

        recipe = papers.RESOLUTION_NETWORKS[name]
        one, way = recipe["sees"] == "M", way if "resampler" in recipe else None
        which = "".join([f" {M:g}" if one else "", f" {way}" if way else ""])
        file = self.folder / f"network {name}{which} seed {seed}.pt"
        if file.is_file():
            return checkpoints.load(file)
        paper, began = papers.PAPER1.chosen, time.monotonic()
        if "double" in recipe:
            net = DoubleUNet(UNet(width=self.width, head="image", residual=True, seed=seed),
                             self.network(recipe["begins"], 1, seed), recipe["double"])
            began, loss = time.monotonic(), partial(double, weight=recipe["weight"])
        elif "begins" in recipe:
            net, loss = self.network(recipe["begins"], 1, seed), paper("loss")
            began = time.monotonic()
        else:
            net = UNet(width=self.width, head=recipe.get("head", "foreground"), seed=seed)
            loss = "mse" if net.head == "image" else paper("loss")
        seen = (M,) if one else recipe["sees"]
        known = dict(zip(("resampler", "antialias"), WAYS[way], strict=True)) if way else {}
        epochs = 10
        history = fit(net, self.train, None, epochs, seed, steps_per_epoch=self.steps // epochs,
                      minutes=self.minutes, crop=paper("resize")["crop"], **paper("optimiser"),
                      loss=loss, schedule=paper("schedule")["schedule"],
                      degrade=None if seen == (1,) else RandomDegrade(M=seen, up=UP, **known))
        self.folder.mkdir(parents=True, exist_ok=True)
        checkpoints.save(file, {"network": type(net).__name__, "config": net.config,
                                "best": net.state_dict(), "history": history.to_dict()})
        steps = len(history) * history.settings["steps"]
        write(file.with_suffix(".json"), {
            "network": name, "M": M if one else None, "resampler": way, "seed": seed,
            "steps": steps,
            "minutes": round((time.monotonic() - began) / 60, 1), "commit": code_version(),
            "ended": history.ended, "loss": round(history.train_loss[-1], 4),
            "batch_size": history.settings["batch_size"],
            "crop": history.settings["crop"], "width": self.width, "lr": history.settings["lr"],
            "16 bits": history.settings["amp"], "begins": recipe.get("begins")})
        return net

    def row(self, strategy, M, way, seed) -> dict:
        """One row: a strategy's scores over the test wells, with one factor and resampler."""
        file = self.folder / f"row {strategy} {M:g} {way} seed {seed}.json"
        if file.is_file():
            return json.loads(file.read_text(encoding="utf-8"))
        look = self.strategy(strategy, M, seed, way)
        resampler, antialias = WAYS[way]
        began, truths, preds, found = time.monotonic(), [], [], []
        for sample in self.test:
            low = degrade(sample.image, M, resampler, UP, antialias)
            prob, shown = look(low)
            truths.append(sample.mask)
            preds.append(prob > 0.5)
            found.append({
                "cell_type": sample.cell_type,
                "dice": dice(truths[-1], preds[-1]), "edge": edge_dice(truths[-1], preds[-1]),
                "image_edges": dice(image_edges(sample.image), edge_band(preds[-1])),
                "psnr": psnr(sample.image, shown) if M < 1 else None,
                "png": storage(sample.image, M, resampler, antialias).png})
        n = confusion(truths, preds)
        kinds = sorted({one["cell_type"] for one in found})

        def average(key, among=found):
            return round(float(np.mean([one[key] for one in among])), 4)

        row = {
            "strategy": strategy, "M": M, "resampler": way, "seed": seed, "images": len(found),
            "dice": average("dice"), "dice_pooled": round(dice(truths, preds, pooled=True), 4),
            "accuracy": round(accuracy(truths, preds), 4),
            "area": round((n.tp + n.fp) / max(n.tp + n.fn, 1), 4), "edge_dice": average("edge"),
            "image_edges": average("image_edges"), "psnr": average("psnr") if M < 1 else None,
            "png_bytes": average("png"),
            "by_cell_type": {kind: average("dice", [f for f in found if f["cell_type"] == kind])
                             for kind in kinds},
            "minutes": round((time.monotonic() - began) / 60, 2), "commit": code_version()}
        write(file, row)
        return row

    def strategy(self, letter, M, seed, way=None):
        """``look(image) -> (foreground map, the image that the segmenter saw)``."""
        from cellkit.inference import predict
        from cellkit.networks import DoubleUNet

        recipe = papers.RESOLUTION_STRATEGIES[letter]
        net = self.network(recipe["net"], M, seed, way)
        if "front" in recipe:
            net = DoubleUNet(self.network(recipe["front"], M, seed), net).eval()

        def look(image):
            found = predict(net, image, all=True)
            return found["foreground"], found.get("image", image)

        return look

    def run(self, strategies, factors, ways, seeds, until=np.inf):
        """Everything that is not there yet, seed by seed; no piece is begun after ``until``."""
        for seed in seeds:
            for letter in strategies:
                way = papers.RESOLUTION_STRATEGIES[letter]
                nets = [papers.RESOLUTION_NETWORKS[way[part]] for part in ("net", "front")
                        if part in way]
                one = any(net["sees"] == "M" for net in nets)
                pieces = [] if one else [(1, "area")]  # what is made for a coarse M stays there
                pieces += [(M, way) for M in factors for way in ways]
                for M, way in pieces:
                    if time.monotonic() > until:
                        return
                    row = self.row(letter, M, way, seed)
                    print(f"{letter} M={M:g} {way}, seed {seed}: Dice {row['dice']:.3f}",
                          flush=True)

    def collect(self, out):
        """Put all pieces into one json file."""
        def pieces(pattern):
            return [json.loads(file.read_text(encoding="utf-8"))
                    for file in sorted(self.folder.glob(pattern))]

        write(out, {
            "command": "make resolution-table",
            "what": f"LIVECell, {len(self.train)} images to train on, test wells "
                    f"{', '.join(sorted(set(self.test.groups)))} ({len(self.test)} images); Dice "
                    f"of foreground > 0.5, mean over images; up: {UP}",
            "paper": papers.PAPER1.printed, "differs": DIFFERS,
            "torch": version("torch").partition("+")[0],
            "networks": pieces("network *.json"), "rows": pieces("row *.json"),
        })


def write(file, what):
    with replacing(file) as part:
        part.write_text(json.dumps(what, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments=None):
    parser = argparse.ArgumentParser("python -m experiments.resolution_table",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20, help="at most so many for a network")
    parser.add_argument("--steps", type=int, default=papers.PAPER1.chosen("schedule")["steps"],
                        help="so many for each network, should the minutes suffice")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--strategies", nargs="+", default=sorted(papers.RESOLUTION_STRATEGIES),
                        choices=sorted(papers.RESOLUTION_STRATEGIES))
    parser.add_argument("--factors", type=float, nargs="+", default=FACTORS, metavar="M")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--stop", type=float, default=np.inf, metavar="MINUTES",
                        help="begin no row after so many; the next run goes on")
    parser.add_argument("--build", type=Path, default=Path("build/resolution"))
    parser.add_argument("--out", type=Path, default=MEASURED)
    asked = parser.parse_args(arguments)
    pieces = Table(asked.build, asked.minutes, asked.steps)
    try:
        pieces.run(asked.strategies, asked.factors, asked.ways, asked.seeds,
                   time.monotonic() + 60 * asked.stop)
    finally:
        pieces.collect(asked.out)
    if asked.out == MEASURED and measured()["rows"]:
        table(layout(), f"Dice on the test wells; {how()}")


if __name__ == "__main__":
    main()
