"""What ``ck.unlike`` finds out, and how far off the proposed size of cells is, on every kind.

``CELLKIT_DATA=... python -m experiments.trust_table`` asks bundled networks about pictures of each
kind below that folder and writes ``cellkit_course/results/trust.json``.  Of their own kind half of
the groups are looked at as if the card told of the other half alone.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from cellkit import instances, predict, trust
from cellkit.datasets import read
from cellkit.files import replacing
from cellkit.looks import apart, looks
from cellkit.samples import few, split
from cellkit.scale import cell_size, known_looks, propose, resized, seen_in, seen_of
from cellkit.tiles import as_taken
from cellkit.weights import load_weights
from cellkit_course.papers import TEST_WELLS
from cellkit_course.results import RESULTS
from experiments import code_version

NETWORKS = ("livecell-distance", "dsb2018")
SCALES = (0.25, 0.5, 1, 2)
KINDS = {"phase contrast (LIVECell)": "livecell", "fluorescence (DSB 2018)": "fluorescence",
         "stained (DSB 2018)": "stained", "brightfield (DSB 2018)": "brightfield",
         "DIC (HeLa)": "ctc_dic_c2dh_hela", "fluorescence (simulated)": "ctc_fluo_n2dh_sim",
         "glands (GlaS)": "glas", "EM, membranes (ISBI 2012)": "isbi2012",
         "EM, mitochondria (EPFL)": "epfl"}
OWN = {"livecell": ("livecell",), "dsb2018": ("fluorescence", "stained", "brightfield")}


def rows_of(kind: str):
    """All samples of a kind."""
    root = Path(os.environ["CELLKIT_DATA"])
    if kind in OWN["dsb2018"]:
        return read("dsb2018", root / "dsb2018").where(lambda entry: entry.cell_type == kind)
    if kind.startswith("ctc"):
        return read("folder", root / kind, images="images/t{}.tif", labels="labels/man_seg{}.tif")
    return read(kind, root / kind).where(lambda entry: entry.annotated)


def some(rows, most: int) -> list:
    """At most so many of them, evenly chosen."""
    return list(rows[few(len(rows), most)])


def halves(own: tuple[str, ...]):
    """What a card might tell of, and what it then knows nothing of: by groups."""
    if own == ("livecell",):
        rows = rows_of("livecell")
        return (rows.where(lambda entry: entry.group not in TEST_WELLS),
                rows.where(lambda entry: entry.group in TEST_WELLS))
    return split(sum((rows_of(kind) for kind in own[1:]), rows_of(own[0])), 0.5, seed=0)


def share(values) -> float:
    return round(float(np.mean(values)), 2)


def errors(net, samples: list, scales=(1,)) -> dict:
    """Proposed against drawn sizes: how often within a factor of 1.5, and the usual factor."""
    off, sure = [], []
    for sample in samples:
        if sample.labels is None or not sample.labels.any():
            continue
        for scale in scales:
            found = propose(net, resized(as_taken(net, sample.image), scale))
            off.append(abs(np.log(found.cell_size / cell_size(sample.labels) / scale)))
            sure.append(found.sure)
    if not off:
        return {}
    return {"sure": share(sure), "size within a factor of 1.5": share(np.array(off) < np.log(1.5)),
            "usual factor": round(float(np.exp(np.median(off))), 2), "sizes": len(off)}


def flagged(net, samples: list, few: int) -> dict:
    """The share that is unlike what the network knows: by looks, by flips, by either."""
    scales, _, known, limit = known_looks(net)
    images, least = [as_taken(net, s.image) for s in samples], seen_of(net)["agreement"]
    strange = [apart(looks(image), known[scales == 1]).min() > limit for image in images]
    agreed = [trust.agreement(net, image) < least for image in images[:few]]
    found = {"pictures": len(samples), "by looks": share(strange)}
    return found | ({"turned": len(agreed), "by flips": share(agreed)} if agreed else {})


def told_by_doubt(net, samples: list) -> dict:
    """How well doubt tells wrong pixels from right ones, and cells that are none (IoU below 0.5)
    from others: the chance that a wrong one has more of it than a right one."""
    pixels, cells = [], []
    for sample in samples:
        maps = predict(net, sample.image, all=True, turns=4)
        doubt, labels = trust.unsure(maps["foreground"]), instances(maps, net.head)
        pixels.append(((maps["foreground"] > 0.5) != sample.mask, doubt))
        both = np.histogram2d(labels.ravel(), sample.labels.ravel(), bins=(
            np.arange(labels.max() + 2) - 0.5, np.arange(sample.labels.max() + 2) - 0.5))[0]
        each = both.sum(1)[1:, None] + both.sum(0)[None, 1:] - both[1:, 1:]
        cells.append(((both[1:, 1:] / each).max(1) < 0.5, trust.cell_doubt(doubt, labels)))
    return {what: round(above(*(np.concatenate([part.ravel() for part in column])
                                for column in zip(*found, strict=True))), 2)
            for what, found in (("pixels", pixels), ("cells", cells))}


def above(wrong: np.ndarray, doubt: np.ndarray) -> float:
    """The area under the ROC curve, by ranks."""
    ranks = rankdata(doubt)[wrong]
    return float((ranks.mean() - (len(ranks) + 1) / 2) / (~wrong).sum())


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser("python -m experiments.trust_table",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--most", type=int, default=16, help="pictures of a kind, looked at")
    parser.add_argument("--few", type=int, default=4,
                        help="of these, those turned upside down; 0: none, and no doubt measured")
    parser.add_argument("--guesses", type=int, default=1, help="of these, those guessed sizes of")
    asked = parser.parse_args(arguments)
    rows, made = {kind: some(rows_of(name), asked.most) for kind, name in KINDS.items()}, []
    for name in NETWORKS:
        net, own = load_weights(name, device="cpu"), OWN[name.partition("-")[0]]
        for kind, samples in rows.items():
            if KINDS[kind] not in own:
                made.append({"network": name, "kind": kind, **flagged(net, samples, asked.few),
                             **errors(net, samples[:asked.guesses])})
                print(made[-1], flush=True)
        first, second = halves(own)
        net.seen = {**net.seen, **seen_in(first, 48)}
        second = some(second, asked.most)
        made.append({"network": name, "kind": "its own", **flagged(net, second, asked.few),
                     **errors(net, second, SCALES)})
        print(made[-1], flush=True)
    doubt = {}
    if asked.few:
        held = some(halves(OWN["livecell"])[1], asked.few)
        doubt = {"network": "livecell-objects", "pictures": len(held),
                 **told_by_doubt(load_weights("livecell-objects", device="cpu"), held)}
    with replacing(RESULTS / "trust.json") as part:
        part.write_text(json.dumps({
            "command": "python -m experiments.trust_table "
                       f"--most {asked.most} --few {asked.few} "
                       f"--guesses {asked.guesses}",
            "version": code_version(), "rows": made, "doubt": doubt}, indent=1) + "\n",
            encoding="utf-8")


if __name__ == "__main__":
    main()
