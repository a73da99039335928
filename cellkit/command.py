"""The command ``cellkit``: the front door without Python.

Exit codes: 0 all is well, 1 some pictures (or the check-up) failed, 2 what was asked for makes no
sense or cannot be done, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
import warnings

import cellkit


def main(arguments=None) -> int:
    """Run ``cellkit`` with these arguments; gives the exit code."""
    parser = _parser()
    try:
        asked = parser.parse_args(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    if asked.do is None:
        parser.print_help()
        return 2
    asked.words = sys.argv[1:] if arguments is None else list(arguments)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("distributed").setLevel(logging.ERROR)  # each worker's end is no news
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: print(message, file=sys.stderr)
            return asked.do(asked) or 0
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # into head, say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        where = getattr(error, "filename", None)
        print(f"cellkit {asked.command}: {said}{f' ({where})' if where else ''}", file=sys.stderr)
        return 2


def doctor(asked) -> int:
    """What is here, and what is missing."""
    from cellkit.doctor import report

    return report()


def data(asked):
    """List data sets, or download one."""
    from cellkit.datasets import READERS, about, download, find
    from cellkit.datasets.registry import SOURCES

    if asked.name is not None:
        given = {key: getattr(asked, key) for key in ("images", "cell_types", "root")}
        print(download(asked.name, **{key: value for key, value in given.items() if value}))
        return
    for name in SOURCES:
        source = about(name)
        where = find(name) if name in READERS else "(not read by cellkit)"
        print(f"{name:11} {source.title}\n{'':11} {source.licence}; {source.size}\n{'':11} {where}")


def segment(asked) -> int:
    """Masks, labels, overlays and tables of a folder."""
    from cellkit.segmentation import segment

    settings = {key: value for key, value in vars(asked).items()
                if key in SETTINGS and value is not None}
    found = segment(asked.pictures if len(asked.pictures) > 1 else asked.pictures[0],
                    output=asked.output, progress=not asked.quiet, **settings)
    cells = sum(one.summary["cells"] for one in found)
    print(f"{cells} cells in {len(found)} pictures: {asked.output}")
    return 130 if found.stopped else 1 if found.failed else 0


def train(asked):
    """Train a network on drawn pictures of one's own."""
    import cellkit as ck
    from cellkit import checks
    from cellkit.heads import HEADS

    checks.one_of("--head", asked.head, HEADS)
    samples = ck.read("folder", root=asked.folder, images=asked.images, labels=asked.labels)
    if not samples.entries[0].annotated:
        raise ValueError(f"no picture in {asked.folder} has labels, expected drawn cells beside "
                         "each, e.g. a.tif and a_mask.png; or say which with --labels.")
    learn, valid = samples, None
    if len(samples) > 3:
        by = "image" if None in samples.groups else "group"
        learn, valid = ck.split(samples, 0.8, seed=asked.seed, by=by)
    net = ck.load_weights(asked.parent) if asked.parent else ck.UNet(
        3 if samples[0].image.ndim == 3 else 1, HEADS[asked.head].channels, head=asked.head)
    settings = {key: value for key in ("minutes", "lr", "scale", "cell_size")
                if (value := getattr(asked, key)) is not None}
    history = ck.fit(net, learn, valid, epochs=asked.epochs, seed=asked.seed, **settings)
    card = getattr(net, "card", None) or history.card({}, learn, valid)
    if valid is not None:
        card["metrics"] = {"own pictures that the epoch was chosen on": {
            "images": len(valid), history.metric: history.valid_metric[history.best_epoch - 1]}}
    card["command"] = shlex.join(["cellkit", *asked.words])
    print(ck.weights.save_weights(net, asked.output, card))


def measure(asked):
    """The table of cells of label pictures."""
    from cellkit.datasets.images import read_labels
    from cellkit.segmentation import measure
    from cellkit.segmentation.outputs import write_cells
    from cellkit.segmentation.pictures import pictures_of

    drawn = pictures_of(asked.folder)
    pictures = {one.name: one for one in pictures_of(asked.images)} if asked.images else {}
    lonely = [one.name for one in drawn if pictures and one.name not in pictures]
    if lonely:
        raise ValueError(f"{asked.images} has no picture {lonely[0]}, expected one for each of the "
                         "labels, of the same name.")
    write_cells(asked.output, ((one.name, {column: values.tolist() for column, values in measure(
        read_labels(one.path), pictures[one.name].read() if pictures else None,
        asked.pixel_size).items()}) for one in drawn))
    print(asked.output)


def export(asked):
    """A network for other programs."""
    from cellkit.exports import export

    print(export(asked.name, asked.output, asked.kind))


#: What of the command line goes to :func:`cellkit.segment` as it is.
SETTINGS = ("network", "method", "threshold", "min_size", "scale", "cell_size", "pixel_size",
            "hours", "channel", "page", "workers", "cluster", "again", "device")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "cellkit", description="Find, measure and learn cells in microscope pictures.",
        epilog="Each command has examples: cellkit segment --help")
    parser.add_argument("--version", action="version", version=f"cellkit {cellkit.__version__}")
    parser.set_defaults(do=None)
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")

    def command(do, *examples):
        one = commands.add_parser(
            do.__name__, help=do.__doc__, description=do.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog="examples:\n" + "\n".join(f"  cellkit {text}" for text in examples))
        one.set_defaults(do=do)
        return one.add_argument

    command(doctor, "doctor")

    add = command(data, "data", "data livecell --images 60", "data dsb2018 --root sets/dsb2018")
    add("name", nargs="?", help="the set to download; without it all are listed")
    add("--images", type=int, help="livecell only: so many")
    add("--cell-types", nargs="+", metavar="TYPE", help="livecell only: these")
    add("--root", metavar="FOLDER", help="where to put it")

    add = command(segment, "segment my_pictures -o cells",
                  "segment my_pictures -o cells --network dsb2018 --scale 0.5 --pixel-size 0.65",
                  "segment series -o cells --time 0.5",
                  "segment plate -o cells --workers 8")
    add("pictures", nargs="+", help="a folder, a zip archive, or pictures")
    add("-o", "--output", required=True, metavar="FOLDER", help="where masks, labels, overlays, "
        "cells.csv and images.csv go; a second run with the same settings goes on")
    add("--network", default="auto", help="a bundled network's name or a .safetensors file "
        "(default: what suits the pictures)")
    add("--method", help="watershed, components, border, distance, flow or detect")
    add("--threshold", type=float, help="foreground is a probability above this (0.5)")
    add("--min-size", type=int, metavar="PX", help="smaller cells are dropped, in pixels")
    add("--scale", type=_number_or_auto, help="resize the pictures by this factor first")
    add("--cell-size", type=float, metavar="PX", help="instead: the diameter of the cells")
    add("--pixel-size", type=float, metavar="UM", help="side of a pixel in µm")
    add("--time", type=float, dest="hours", metavar="H", help="hours from picture to picture")
    add("--channel", type=int, help="of several, from 0")
    add("--page", type=int, help="of several, from 0")
    add("--workers", type=int, default=1, help="processes on this machine (through Dask)")
    add("--cluster", metavar="ADDRESS", help="of a running Dask scheduler")
    add("--device", default="auto", help="cuda, mps or cpu")
    add("--again", action="store_true", help="replace what is in the output folder")
    add("--quiet", action="store_true", help="no progress bar")

    add = command(train, "train drawn -o mine.safetensors --from livecell-objects --epochs 30",
                  "train drawn -o mine.safetensors --head distance --minutes 20")
    add("folder", help="pictures with drawn cells beside them")
    add("-o", "--output", required=True, metavar="FILE", help="a .safetensors file; its card goes "
        "beside it")
    add("--from", dest="parent", metavar="NAME", help="go on from a bundled network or a file")
    add("--head", default="flow", help="what a new network learns: flow (default), distance, "
        "border, foreground")
    add("--epochs", type=int, default=20)
    add("--minutes", type=float, help="at most")
    add("--lr", type=float, help="learning rate")
    add("--seed", type=int, default=0)
    add("--scale", type=_number_or_auto, help="resize the pictures by this factor first")
    add("--cell-size", type=float, metavar="PX", help="instead: the diameter of the cells")
    add("--images", metavar="PATTERN", help="names of the pictures, e.g. 'images/{}.tif'")
    add("--labels", default="auto", metavar="PATTERN", help="of the labels, e.g. 'labels/{}.png'")

    add = command(measure, "measure cells/labels -o cells.csv",
                  "measure drawn/labels -o cells.csv --images drawn/images --pixel-size 0.65")
    add("folder", help="label pictures")
    add("-o", "--output", required=True, metavar="FILE", help="a .csv file")
    add("--images", metavar="FOLDER", help="pictures of the same names, for mean_grey")
    add("--pixel-size", type=float, metavar="UM", help="side of a pixel in µm")

    add = command(export, "export livecell-objects --onnx -o livecell.onnx",
                  "export mine.safetensors --bioimageio -o mine.zip")
    add("name", help="a bundled network's name or a .safetensors file")
    add("-o", "--output", required=True, metavar="FILE", help="ends in .onnx, .pt "
        "(TorchScript) or .zip (bioimage.io)")
    kinds = add.__self__.add_mutually_exclusive_group(required=True)
    for kind in ("onnx", "torchscript", "bioimageio"):
        kinds.add_argument(f"--{kind}", dest="kind", action="store_const", const=kind)
    return parser


def _number_or_auto(text):
    return text if text == "auto" else float(text)
