"""Every paper's numbers beside ours: ``python -m experiments.results_page > docs/results.md``.

Nothing here is measured or typed in by hand but what others published: ours comes from
``cellkit_course/results/*.json`` alone, the papers' from :mod:`cellkit_course.papers`.
"""

from __future__ import annotations

from cellkit_course import papers, results
from cellkit_course.results import ladder, resolution

#: Published on LIVECell's own test part, after training on all of its training part: the mean over
#: images of TP / (TP + FP + FN), averaged over IoU 0.50, 0.55, ..., 0.95.
PUBLISHED = {
    "Cellpose-SAM": 0.444,
    "Cellpose 3": 0.44,
    "U-Net, distances to centre and boundary (torch-em)": 0.429,
    "U-Net, boundaries (torch-em)": 0.372,
    "nnU-Net": 0.228,
}


def page() -> str:
    """The page, in Markdown."""
    return "\n\n".join([
        "# Results",
        "Each table sets what a paper prints beside what we measured. Ours is the mean over seeds "
        "± the standard deviation over them; without ±, one seed. A paper's number that stands "
        "only in a figure, or nowhere, reads *not printed*. All of ours were trained on a "
        "processor for minutes, not on a graphics card for hours: *short training* throughout.",
        *paper1(), *paper2(), *paper3(), *paper4(), *paper5(), *objects(), *cellpose(),
        *trust()]) + "\n"


def table(rows: list[dict]) -> str:
    """Rows as a Markdown table; the columns are those of all rows, in the order they come."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, ["---"] * len(names), *[[str(row.get(name, "")) for name in names]
                                            for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ours(rows: list[dict], measure: str) -> str:
    return results.mean_over_seeds([row[measure] for row in rows if measure in row])


def said(printed: dict, measure: str) -> str:
    value = printed.get(measure)
    return "not printed" if value is None else f"{value:g}"


def how(rows: list[dict]) -> dict:
    """On how many pictures, how long, where and at which commit some rows were measured."""
    def each(key, digits=0):
        values = sorted({round(row[key], digits) for row in rows if key in row})
        ends = dict.fromkeys((values[0], values[-1])) if values else ()
        return " to ".join(f"{value:g}" for value in ends) or "–"

    minutes = "minutes" if any("minutes" in row for row in rows) else "minutes of training"
    return {"seeds": len(rows), "trained on": each("trained on"), "tested on": each("tested on"),
            "steps": each("steps"), "minutes": each(minutes, 1),
            "commit": ", ".join(sorted({row["commit"] for row in rows}))}


def head(paper: papers.Paper, command: str, words: str) -> list[str]:
    return [f"## {paper.title}", words,
            f"Measured on two processor cores by `{command}`; *trained on* and *tested on* count "
            "pictures."]


def models(dataset: str) -> dict[tuple[str, int], list[dict]]:
    """Rows of lesson 6 by network and steps asked for, one a seed, trained on all cell types."""
    found = {}
    for key, row in results.measured("models").items():
        parts = key.split(", ")
        if parts[0] == dataset and parts[-1].startswith("seed"):
            which = ", ".join(parts[1:-2]), int(parts[-2].split()[0])
            found.setdefault(which, []).append(row)
    names = list(dict.fromkeys(name for name, _ in found))
    return {which: found[which] for which in sorted(
        found, key=lambda which: (names.index(which[0]), which[1]))}


def model_rows(dataset, measures: dict[str, str], printed=lambda name: None) -> list[dict]:
    made = []
    for (name, _), rows in models(dataset).items():
        row = {"network": rows[0]["words"]}
        paper = printed(name)
        for measure, words in measures.items():
            if paper is not None:  # "": the paper has no such network
                row[f"{words}, paper"] = said(paper, measure) if paper else ""
            row[f"{words}, ours"] = ours(rows, measure)
        reason = rows[0].get("not run")
        made.append(row | ({"seeds": f"not run: {reason}"} if reason else how(rows)))
    return made


def paper1() -> list[str]:
    known = resolution.measured()
    rows = [{name: cell for name, cell in row.items()
             if name in ("strategy", "M", "paper, test", "area", "bicubic", "nearest")}
            for row in resolution.layout()]
    return [*head(papers.PAPER1, known["command"],
                  "Dice of cells, mean over images, for pictures made small by M and large again. "
                  "Columns of ours are named by the resampler that made them small; the paper "
                  "names none, and the resampler moves the result more than a network in front "
                  f"does. {resolution.how()}."),
            table(rows), "What differs: " + "; ".join(known["differs"]) + "."]


def paper2() -> list[str]:
    rows = model_rows("glas", {"f1": "F1", "object f1": "object F1",
                               "object hausdorff": "object Hausdorff",
                               "object f1, tidied": "object F1, small pieces left out"})
    return [*head(papers.PAPER2, "make model-table",
                  "Glands in stained tissue. The paper compares its networks in a figure, without "
                  "numbers, and begins with COCO weights, which cannot be had here. Ours see half "
                  "the resolution for minutes (object Hausdorff is in pixels of the halved "
                  "picture); what they find stays below the contest's level (object F1 above 0.9): "
                  "glands that touch become one component. ImageNet's weights bring it nearer. "
                  "*Small* is a piece below the area that 98 % of the training glands exceed. The "
                  "paper's own settings (512 x 512, its augmentations, 24 and 14 epochs) are what "
                  "`--printed` runs; not run yet."),
            table(rows)]


def paper3() -> list[str]:
    rows = [{"data": row["dataset"], "augmentation": row["augmentation"],
             "IoU, paper": "not printed", "IoU, ours": ours([row], "iou"),
             "accuracy, ours": ours([row], "accuracy"), **how([row])}
            for row in flat("paper3")]
    return [*head(papers.PAPER3, "make paper-tables",
                  "The paper's three pictures were never published, and its curves have no "
                  "numbers. Ours is its recipe on simulated nuclei: three pictures, grown to some "
                  "1500 by its augmentation before they are divided. Copies of one picture stand "
                  "on both sides of that division, so only the *test* pictures, which it never "
                  "saw, count here."), table(rows)]


def both(printed: dict) -> dict:
    """The one "mean IoU" of paper 4 under both readings."""
    return printed and printed | {"iou of both classes": printed["iou"]}


def paper4() -> list[str]:
    nets = {"simple": "SimpleCNN", "resnet-coco": "ResNetUNet", "unet-iou": "UNet",
            "mask_rcnn-coco": "MaskRCNN"}
    printed = papers.PAPER4.printed
    rows = model_rows("dsb2018", {"accuracy": "accuracy", "iou": "IoU of nuclei",
                                  "iou of both classes": "mean IoU of both classes"},
                      lambda name: both(printed.get(f"dsb2018, {nets.get(name)}", {})))
    return [*head(papers.PAPER4, "make model-table",
                  "Nuclei. The paper's *mean IoU* may be of nuclei or of both classes, it does not "
                  "say: its one number stands in both columns. It begins with COCO weights and "
                  "trains on 670 pictures; ours begin with nothing, but for two that begin with "
                  "ImageNet's weights, see under 200 pictures for a minute or two on a quick "
                  "processor, and are tested on fields that they never saw. Minutes are of "
                  "several machines; compare steps."), table(rows)]


def flat(name: str) -> list[dict]:
    return [row | row["test"] for row in results.measured(name).values()]


def paper5() -> list[str]:
    rows = sorted((row for row in flat("paper5") if row["side"] == "native"),
                  key=lambda row: (row["dataset"], -(row["share"] or 1), -row["steps"]))
    made = []
    for row in rows:
        printed = {} if row["share"] else papers.PAPER5.printed[row["dataset"]]
        made.append({"data": row["dataset"], "share of pictures": row["share"] or "all",
                     "augmentation": row["augmentation"],
                     "F1, paper": said(printed, "f1"), "F1, ours": ours([row], "f1"),
                     "\"mAP\", paper": said(printed, "mAP of U-Net on biomedical images"),
                     "\"mAP\", ours": ours([row], "mAP of U-Net on biomedical images"),
                     "AP50, ours": ours([row], "AP50"), **how([row])})
    return [*head(papers.PAPER5, "make paper-tables",
                  "What the paper calls mAP is TP / (TP + FP) and leaves misses out; AP50 is "
                  "TP / (TP + FP + FN) at IoU 0.5. Ours tests on fields and blocks of slices "
                  "that training never saw; the paper does not say how it divides. Two of its five "
                  "sets cannot be had from here."), table(made)]


def objects() -> list[str]:
    found = ladder.by_run()
    if not found:
        return []
    made = [{"the network says: pictures are varied by": rows[0]["words"],
             **{name: ours(rows, name) for name in ("AP50", "mean AP", "AP50, mean over images",
                                                    "mean AP, mean over images", "dice")},
             **how(rows)} for rows in found.values()]
    return ["## Which head, and which augmentation, for single cells",
            "The same small U-Net with one head after another, and the best of them with one "
            "augmentation after another: the same real LIVECell pictures, as many steps, whole "
            "wells apart. Each way to cells has its parameters chosen on training pictures. Heads "
            "are trained with any angle, a fifth larger or smaller, flips and light. AP is "
            "TP / (TP + FP + FN), over all cells of all pictures, or as the mean over pictures. "
            "*Short training*: which head learns most from few steps can be read here. Which "
            "augmentation pays in the end cannot: whoever sees few pictures has not yet seen "
            "enough of the upright ones.",
            "Measured on a processor core by `python -m experiments.objects_table`.", table(made)]


def cellpose() -> list[str]:
    return ["## Why not just Cellpose?",
            "For finding cells in pictures of your own, do use it: it is trained on far more "
            "pictures than a lesson can be, and it is a command away. The lessons show what is "
            "inside. *Published* by others, on LIVECell's own test part, after training on all of "
            "its training part (some 3000 pictures, ours are 25); mean over images of TP / (TP + "
            "FP + FN), averaged over IoU 0.50 to 0.95. They are not measured here, and not to be "
            "compared with our few pictures digit by digit.",
            table([{"method": name, "mean AP, published": f"{value:.3f}"}
                   for name, value in PUBLISHED.items()])]


def trust() -> list[str]:
    known = results.measured("trust")
    made = []
    for row in known["rows"]:
        made.append({"network": row["network"], "pictures of": row["kind"],
                     "pictures": row["pictures"], "unlike, by looks": f"{row['by looks']:.0%}"})
        if "turned" in row:
            made[-1]["by flips"] = f"{row['by flips']:.0%} of {row['turned']}"
        if "sizes" in row:
            made[-1] |= {"size of cells within a factor of 1.5":
                         f"{row['size within a factor of 1.5']:.0%} of {row['sizes']}",
                         "usual factor": f"{row['usual factor']:g}"}
    page = ["## Pictures unlike the training, and the size of cells",
            "Which share of pictures `ck.unlike` speaks of, and how far the proposed size of the "
            "cells is off. *Its own*: pictures of the kind that a network is trained on, of groups "
            "that the comparison knows nothing of; what it speaks of there is a false alarm, and "
            "their sizes are asked at 1/4, 1/2, 1 and 2 times the size. Of other kinds the size is "
            "a guess, and said to be one.",
            f"Measured on two processor cores by `{known['command']}`.", table(made)]
    if doubt := known["doubt"]:
        page.append(
            f"What `ck.doubt` is worth: a wrong pixel has more of it than a right one in "
            f"{doubt['pixels']:.0%} of pairs, a cell of {doubt['network']} that is none (IoU below "
            f"0.5) more than another in {doubt['cells']:.0%}; {doubt['pictures']} LIVECell "
            "pictures of wells that it, as it was then, had never seen. 50% is chance.")
    return page


if __name__ == "__main__":
    print(page(), end="")
