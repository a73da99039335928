"""The hunt: hostile inputs of many kinds, each read right or refused in one sentence.

``python tests/hostile/hunt.py --minutes 30`` goes on with fresh seeds and prints a table:

- *right*: what came out is what a second reader, or whoever made the input, says it is;
- *said*: refused in one sentence;
- *raw*: an error in somebody else's words, or none of ours;
- *wrong*: something else came out, and nothing was said;
- *left*: files that were not there before.

A kind is a function of a random generator and an empty folder.  It makes an input and gives two
functions: what cellkit does with it, and whether that is right.  A case is repeated by its kind
and seed: ``--kind tiff --seed 17 --count 1``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import shutil
import signal
import sys
import time
import traceback
import warnings
import zipfile
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tifffile
from PIL import Image

import cellkit as ck
from cellkit.datasets import images

KINDS = {}
SECONDS = 60


def kind(function):
    KINDS[function.__name__] = function
    return function


def outcome(name, seed) -> tuple[str, str]:
    """Try one case: what came of it, and the sentence or the reason."""
    rng = np.random.default_rng([seed, *name.encode()])
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(folder) / "in"
        folder.mkdir()
        act, right = KINDS[name](rng, folder)
        before = {path for path in folder.parent.rglob("*")}
        try:
            with limit(SECONDS):
                found = act()
        except Exception as error:
            told = " ".join(str(a) for a in error.args if isinstance(a, str)) or str(error)
            sentence = told.endswith(".") and "\n" not in told and len(told) > 30
            ours = isinstance(error, (ValueError, TypeError, OSError)) and sentence
            result = ("said", told) if ours else ("raw", "".join(traceback.format_exception(error)))
        else:
            try:
                wrong = right(found)
            except Exception as error:
                wrong = "".join(traceback.format_exception(error))
            result = ("wrong", str(wrong)) if wrong else ("right", "")
        after = {path for path in folder.parent.rglob("*")} - before
        return ("left", str(sorted(after)[:3])) if after else result


@contextlib.contextmanager
def limit(seconds):
    """A case that takes longer hangs: that counts as raw."""

    class Hangs(BaseException):
        pass

    def ring(*_):
        raise Hangs

    if not hasattr(signal, "SIGALRM"):  # Windows
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except Hangs:
        raise AssertionError(f"not done in {seconds} seconds") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def hunt(names, first, count=None, minutes=None, quiet=True):
    """Cases of each kind in turn; table of counts, and the cases that are to be mended."""
    logging.disable(logging.CRITICAL)
    table = {name: dict.fromkeys(("tried", "right", "said", "raw", "wrong", "left"), 0)
             for name in names}  # fmt: skip
    bad, began, seed = [], time.monotonic(), first
    try:
        while (count is None or seed < first + count) and (
            minutes is None or time.monotonic() - began < 60 * minutes
        ):
            for name in names:
                with contextlib.redirect_stderr(io.StringIO()):
                    result, told = outcome(name, seed)
                table[name]["tried"] += 1
                table[name][result] += 1
                if result not in ("right", "said"):
                    bad.append((name, seed, result, told))
                    if not quiet:
                        print(f"{name} {seed}: {result}: {told[-900:]}", flush=True)
            seed += 1
    finally:
        logging.disable(logging.NOTSET)
    return table, bad


def pick(rng, *options):
    return options[rng.integers(len(options))]


def same(found, expected, atol=1e-5):
    """Empty if two arrays agree, else how they differ."""
    if found.shape != expected.shape:
        return f"shape {found.shape}, expected {expected.shape}"
    away = np.abs(found.astype(float) - expected.astype(float)).max(initial=0)
    return "" if away <= atol else f"differs by {away}"


def spoilt(rng, data: bytes) -> bytes:
    """Bytes cut, flipped, doubled or overwritten; mostly left as they are."""
    data, how = bytearray(data), rng.integers(10)
    if how == 0:
        del data[rng.integers(len(data) + 1) :]
    elif how == 1:
        for at in rng.integers(0, len(data), rng.integers(1, 6)):
            data[at] ^= 1 << rng.integers(8)
    elif how == 2:
        at = rng.integers(len(data))
        data[at : at + 4] = rng.bytes(4)
    elif how == 3:
        data += data[: rng.integers(len(data) + 1)]
    return bytes(data)


def cells(rng, shape=None, least=3):
    """A label map of rectangles and discs with background between them, numbered 1 to n."""
    height, width = shape or rng.integers(24, 70, 2)
    labels, number = np.zeros((height, width), np.int32), 0
    y, x = np.indices(labels.shape)
    for _ in range(rng.integers(1, 12)):
        cy, cx, r = rng.integers(height), rng.integers(width), rng.integers(least, 9)
        one = (np.maximum(abs(y - cy), abs(x - cx)) if rng.integers(2) else
               np.hypot(y - cy, x - cx)) < r  # fmt: skip
        grown = np.maximum(abs(y - cy), abs(x - cx)) < r + 2
        if not labels[grown].any():
            number += 1
            labels[one] = number
    return labels


def partition(labels):
    """Labels numbered by where each first stands, so that two numberings can be compared."""
    values, first, where = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(np.where(values == 0, -1, first)))
    return (rank + (0 not in values))[where].reshape(labels.shape)


# ---------------------------------------------------------------- pictures


def array(rng):
    """Any picture: type, size, channels, contrast."""
    height, width = rng.integers(1, 40, 2)
    shape = pick(rng, (height, width), (height, width), (height, width, 3), (height, width, 4),
                 (height, width, 2), (height, width, 5))  # fmt: skip
    kind = pick(rng, "u1", "u1", "u2", "u2", "i2", "u4", "f4", "f8", "?", "f2", "i1")
    values = rng.uniform(0, 1, shape) ** pick(rng, 1, 8)
    if len(shape) == 3 and rng.integers(2):
        values[..., -1] = 1
    if rng.integers(12) == 0:
        values[:] = values.flat[0]
    if kind == "?":
        return values > 0.5
    if kind[0] == "f":
        if rng.integers(6) == 0:
            values.flat[0] = pick(rng, np.nan, np.inf, 7, -1)
        return values.astype(kind)
    return (values * np.iinfo(kind).max).astype(kind)


def read_by(rng, place, reference):
    """``read_image`` of a file beside the picture that a second reader gave."""
    scale = pick(rng, "dtype", "minmax", "depth", (2, 98))

    def right(found):
        if not (found.dtype == np.float32 and found.min() >= 0 and found.max() <= 1):
            return f"{found.dtype} from {found.min()} to {found.max()}"
        expected = reference()
        if isinstance(expected, Exception):  # the other one cannot: then ours must be a picture
            return ""
        if expected.ndim == 3 and expected.shape[2] in (2, 4):
            expected = expected[..., :-1]
        if expected.ndim == 3 and (expected == expected[..., :1]).all():
            expected = expected[..., 0]
        return same(found, images.scale_image(expected, scale))

    return lambda: ck.datasets.read_image(place, scale), right


def attempt(function):
    try:
        return function()
    except Exception as error:
        return error


@kind
def tiff(rng, folder):
    """TIFF of any make; tifffile, and Pillow where that lacks a codec, are the second readers."""
    pixels, place = array(rng), folder / f"a{pick(rng, '.tif', '.tiff', '.TIF')}"
    if rng.integers(2) and pixels.ndim == 2 and pixels.dtype.str[1:] in ("u1", "u2", "b1"):
        tags = pick(rng, {}, {}, {274: int(rng.integers(1, 9))}, {262: 0})
        packed = pick(rng, None, "tiff_lzw", "tiff_adobe_deflate", "packbits")
        options = {"compression": packed} if packed else {}
        attempt(lambda: Image.fromarray(pixels).save(place, tiffinfo=tags, **options))
        plain = folder / "plain.tiff_"
        attempt(lambda: Image.fromarray(pixels).save(plain, "TIFF", tiffinfo=tags))
        reference = tifffile.imread(plain)
        data = place.read_bytes()
        bad = spoilt(rng, data)
        place.write_bytes(bad)
        if bad != data:
            reference = attempt(lambda: tifffile.TiffFile(place).pages[0].asarray())
        return read_by(rng, place, lambda: reference)
    options = dict(
        compression=pick(rng, None, None, "zlib"), bigtiff=bool(rng.integers(2)),
        byteorder=pick(rng, "<", ">"), tile=pick(rng, None, None, (16, 16)),
        photometric=pick(rng, None, "minisblack", "rgb", "miniswhite"),
        planarconfig=pick(rng, None, None, "contig", "separate"),
    )  # fmt: skip
    wrote = attempt(lambda: tifffile.imwrite(place, pixels, **options))
    if isinstance(wrote, Exception):
        tifffile.imwrite(place, pixels)
    place.write_bytes(spoilt(rng, place.read_bytes()))

    def reference():
        try:
            with tifffile.TiffFile(place) as file:
                found, axes = file.pages[0].asarray(), file.pages[0].axes
        except Exception as error:
            return error
        return np.moveaxis(found, 0, 2) if axes == "SYX" else found

    return read_by(rng, place, reference)


@kind
def picture(rng, folder):
    """PNG, BMP and JPEG; torchvision's decoder of PNG is the second reader."""
    pixels = array(rng)
    while pixels.dtype.str[1:] not in ("u1", "b1", "u2") or pixels.shape[2:] in ((5,), (2,)):
        pixels = array(rng)
    if pixels.ndim == 3 and pixels.dtype != np.uint8:
        pixels = (pixels > pixels.mean()).astype(np.uint8) * np.uint8(200)
    suffix = pick(rng, "png", "png", "bmp", "jpg")
    if suffix != "png" and (pixels.dtype != np.uint8 or pixels.shape[2:] == (4,)):
        suffix = "png"
    place = folder / f"a.{suffix}"
    Image.fromarray(pixels).save(place)
    data = place.read_bytes()
    place.write_bytes(spoilt(rng, data))

    def reference():
        import torch
        from torchvision.io import ImageReadMode, decode_png

        if suffix == "jpg":  # decoders round differently
            return ValueError()
        if place.read_bytes() == data or suffix == "bmp":
            return pixels if place.read_bytes() == data else ValueError()
        for check in ("verify", "load"):  # torchvision ends the process at what Pillow refuses
            found = attempt(lambda check=check: getattr(Image.open(place), check)())
            if isinstance(found, Exception):
                return found
        raw = torch.frombuffer(bytearray(place.read_bytes() or b"x"), dtype=torch.uint8)
        found = attempt(lambda: decode_png(raw, ImageReadMode.UNCHANGED).numpy())
        if isinstance(found, Exception):
            return found
        found = np.moveaxis(found, 0, 2)
        found = found[..., 0] if found.shape[2] == 1 else found
        return found == 255 if pixels.dtype == bool else found

    return read_by(rng, place, reference)


# ---------------------------------------------------------------- labels


@kind
def labels(rng, folder):
    """Cells drawn in any usual way; whoever drew them knows them."""
    truth = cells(rng)
    drawn, suffix = truth, "tif"
    how = rng.integers(12)
    number = np.r_[0, rng.permutation(rng.choice(200, truth.max(), replace=False)) + 1]
    if how < 3:
        drawn = number[truth].astype(pick(rng, "u1", "u2", "u4", "i4", "f4", "i8", "f8"))
    elif how < 5:
        drawn = np.where(truth, pick(rng, 1, 255), 0).astype(np.uint8)
        suffix = pick(rng, "tif", "png", "bmp")
    elif how == 5:
        drawn = truth > 0
    elif how == 6:
        drawn = np.where(truth, truth.astype("u8") + 2**33, 0)
    elif how == 7:
        drawn, suffix = number[truth].astype(np.uint8), "png"
    elif how == 8:  # a mask that was once a JPEG
        stream = io.BytesIO()
        Image.fromarray(np.where(truth, 255, 0).astype(np.uint8)).save(stream, "JPEG", quality=90)
        drawn, suffix = np.asarray(Image.open(stream)), "png"
    elif how == 9:  # 'ignore' beside numbers
        drawn = truth.astype(np.uint8)
        drawn[: rng.integers(1, 4)] = 255
        truth = None
    elif how == 10:  # a ground that is a class of its own
        drawn, truth = (truth > 0).astype(np.uint8) + 1, None
    elif how == 11:
        drawn, truth = truth * 0.5 - rng.integers(2), truth if not truth.any() else None
    place = folder / f"a.{suffix}"
    tifffile.imwrite(place, drawn) if suffix == "tif" else Image.fromarray(drawn).save(place)

    def right(found):
        if truth is None:
            return "" if not (drawn > 0).any() or len(np.unique(drawn)) < 3 else "read in silence"
        if how == 8:  # a rim may be gained or lost
            return "" if found.max() == truth.max() else f"{found.max()} cells of {truth.max()}"
        return "" if (partition(found) == partition(truth)).all() else "other cells"

    return lambda: images.read_labels(place), right


# ---------------------------------------------------------------- annotations


@kind
def coco(rng, folder):
    """COCO json, whole and spoilt in its structure or its bytes; pycocotools paints it, too."""
    height, width, count = *rng.integers(8, 40, 2), rng.integers(1, 4)
    height, width = int(height), int(width)

    def polygon():
        points = rng.uniform(-2, max(height, width) + 2, (rng.integers(3, 9), 2))
        return np.round(points, int(rng.integers(3))).ravel().tolist()

    names = [f"A172_Phase_C7_1_00d00h00m_{k + 1}.tif" for k in range(count)]
    listed = [{"id": 10 + k, "file_name": n, "height": height, "width": width}
              for k, n in enumerate(names)]  # fmt: skip
    drawn = [{"id": i, "image_id": 10 + int(rng.integers(count)), "category_id": 1,
              "segmentation": [polygon() for _ in range(rng.integers(1, 3))]}
             for i in range(rng.integers(1, 8))]  # fmt: skip
    document = {"images": listed, "annotations": drawn}
    how = rng.integers(16)
    victim = pick(rng, *listed, *drawn)
    if how == 0:
        victim.pop(pick(rng, *victim), None)
    elif how == 1:
        victim[pick(rng, *victim)] = pick(rng, None, -1, 1e400, "x", [], {}, True, 2**70, [[]],
                                          [["a"] * 6], [[1, 2]], [[float("nan")] * 6])  # fmt: skip
    elif how == 2:
        document.pop(pick(rng, *document))
    elif how == 3:
        document["annotations"] = {str(a["id"]): a for a in drawn}
    elif how == 4:
        listed.append(dict(listed[0]))
    elif how == 5:
        document = pick(rng, [], 3, None, {"images": listed}, [document])
    text = json.dumps(document, indent=pick(rng, None, 1)).encode()
    if how == 6:
        text = b"\xef\xbb\xbf" + text
    if how >= 14:
        text = spoilt(rng, text)
    (folder / "x_train.json").write_bytes(text)
    (folder / "images").mkdir()
    for name in names:
        Image.new("L", (width, height), 90).save(folder / "images" / name)

    def right(found):
        from pycocotools import mask

        told = json.loads(text.decode("utf-8-sig"))
        parts = told["annotations"]
        parts = list(parts.values()) if isinstance(parts, dict) else parts
        first = {}
        for image in told["images"]:
            first.setdefault(Path(image["file_name"]).stem, image["id"])
        for sample in found:
            own = [a["segmentation"] for a in parts if a["image_id"] == first[sample.name]]
            cell = [mask.decode(mask.merge(mask.frPyObjects(s, height, width))) for s in own]
            union = np.any(cell, axis=0)
            if (union != (sample.labels > 0)).any() or sample.labels.max() > len(own):
                return f"{sample.name}: other pixels"
        return ""

    return lambda: list(ck.read("livecell", root=folder, split="train")), right


# ---------------------------------------------------------------- folders and archives

TEMPLATES = (
    ("images/{}.png", "masks/{}.png"), ("{}.png", "{}_mask.png"), ("{}_img.png", "{}_masks.png"),
    ("{}.tif", "{}_cp_masks.png"), ("img/{}.tif", "labels/{}.tif"), ("{}.png", "masks/{}.png"),
    ("{}_raw.png", "{}_label.png"), ("train/images/{}.png", "train/masks/{}_mask.png"),
    ("x/{}.png", "y/{}.png"), ("{}.png", "{}_drawn.png"), ("raw/{}.png", "gt/{}.png"),
    ("day1/images/{}.png", "day1/masks/{}.png"), ("images/{}.png", "masks/{}_1.png"),
)  # fmt: skip
NAMES = ("a", "a_1", "a_1_2", "001", "1", "10", "cell 1", "é", "mask", "img_0", "B-2", "x.y",
         "gt_3", "a_img", "label_7", "A", "t000", "seg")  # fmt: skip


@kind
def pairs(rng, folder):
    """Pictures and labels under names of all sorts; a picture's grey says which labels it has."""
    image, label = TEMPLATES[rng.integers(len(TEMPLATES))]
    names = list(dict.fromkeys(rng.choice(NAMES, rng.integers(1, 6))))
    # What nobody can know: y/seg.png is the segmentation of y/a.png, a_img.png is an image of a,
    # 1_mask.png, whose image is gone, is not of 001.png (numbers are paired by their value).
    unknown = {"seg", "mask"} if image == "x/{}.png" else set()
    unknown |= {"a_img"} if "a" in names or "_img" in image else set()
    unknown |= {"1"} if "001" in names else set()
    names = [name for name in names if name not in unknown] or ["a"]
    packed = rng.integers(4) == 0
    count = {}
    for k, name in enumerate(names):
        number = len(names) - k
        labels = np.zeros((20, 40), np.uint8)
        for j in range(number):
            labels[3:8, 6 * j + 1 : 6 * j + 5] = j + 1
        count[90 + k] = number
        for template, pixels in ((image, np.full((20, 40), 90 + k, np.uint8)), (label, labels)):
            if rng.integers(14) == 0:
                continue
            place = folder / template.format(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                Image.fromarray(pixels).save(place)
    for extra in ("notes.txt", "Thumbs.db", "._a.png", "a_seg.npy", "overlay/a.jpg"):
        if rng.integers(5) == 0:
            (folder / extra).parent.mkdir(exist_ok=True)
            (folder / extra).write_bytes(b"x")
    root = folder
    if packed:
        root = folder.parent / "all.zip"
        with zipfile.ZipFile(root, "w") as archive:
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    name = file.relative_to(folder).as_posix()
                    archive.write(file, pick(rng, name, name.replace("/", "\\")))

    def act():
        return [(round(s.image.max() * 255), None if s.labels is None else s.labels.max())
                for s in ck.read("folder", root=root)]  # fmt: skip

    def right(found):
        bad = [(grey, n) for grey, n in found if n is not None and count.get(grey) != n]
        return f"{bad} of {count}: {image} {label} {names}" if bad else ""

    return act, right


@kind
def archive(rng, folder):
    """Zip archives of hostile names and spoilt bytes; zipfile reads them, too."""
    from cellkit.datasets import archives

    parts = ("..", ".", "a", "b", "c.txt", "C:", "\\\\srv", "", ".. ", "CON", "x" * 60, "é", "a:b")
    place = folder / "x.zip"
    with zipfile.ZipFile(place, "w", pick(rng, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)) as packed:
        for _ in range(rng.integers(1, 5)):
            info = zipfile.ZipInfo("x")
            plain = rng.integers(3)
            info.filename = pick(rng, "/", "\\").join(
                rng.choice(parts[2:5] if plain else parts, rng.integers(1, 5)))  # fmt: skip
            if rng.integers(20) == 0:
                info.external_attr = 0o120777 << 16
            packed.writestr(info, rng.bytes(rng.integers(40)))
    place.write_bytes(spoilt(rng, place.read_bytes()))
    out = folder.parent / "in" / "out"

    def act():
        archives.unpack(place, out)
        files = [path for path in out.rglob("*") if path.is_file()]
        found = {path.relative_to(out).as_posix(): path.read_bytes() for path in files}
        shutil.rmtree(out)
        return found

    def right(found):
        with zipfile.ZipFile(place) as packed:
            expected = {
                "/".join(p for p in i.filename.replace("\\", "/").split("/") if p not in ("", ".")):
                packed.read(i) for i in packed.infolist() if not i.is_dir()
            }  # fmt: skip
        return "" if found == expected else f"{sorted(found)} of {sorted(expected)}"

    return act, right


@kind
def volume(rng, folder):
    """HDF5 stacks with spoilt bytes; h5py reads them, too."""
    import h5py

    place = folder / "isbi.h5"
    image = rng.integers(0, 256, (3, 16, 18)).astype(pick(rng, "u1", "u1", "u2", "f8", "S1", "i4"))
    inside = (rng.uniform(size=(3, 16, 18)) > 0.3).astype(np.uint8) * pick(rng, 1, 255)
    with h5py.File(place, "w") as file:
        file[pick(rng, "raw", "raw", "volumes/raw", "data")] = image[: rng.integers(2, 4)]
        key = pick(rng, "labels/membranes", "labels", "labels/gt_segmentation")
        file[key] = inside[: rng.integers(2, 4)]
    place.write_bytes(spoilt(rng, place.read_bytes()))

    def right(found):
        with h5py.File(place) as file:
            key = "raw" if "raw" in file else "volumes/raw"
            for k, sample in enumerate(found):
                if wrong := same(sample.image, images.scale_image(file[key][k])):
                    return wrong
        return ""

    return lambda: list(ck.read("isbi2012", root=folder)), right


@kind
def table(rng, folder):
    """DSB2018's solution with spoilt lines; the run lengths are painted by hand."""
    from experiments.tiny_sets import _runs

    truth = cells(rng, (20, 24), 2)
    name = "ab" * 32
    (folder / "stage1_test" / name / "images").mkdir(parents=True)
    Image.new("RGB", (24, 20), 9).save(folder / "stage1_test" / name / "images" / f"{name}.png")
    lines = ["ImageId,EncodedPixels,Height,Width,Usage"]
    lines += [f"{name},{_runs(truth == k)},20,24,Public" for k in range(1, truth.max() + 1)]
    text = pick(rng, "\n", "\r\n", "\r").join(lines).encode() + pick(rng, b"", b"\n")
    bad = spoilt(rng, text)
    (folder / "stage1_solution.csv").write_bytes(bad)

    def right(found):
        if bad != text:
            return ""
        (sample,) = found
        return "" if (partition(sample.labels) == partition(truth)).all() else "other cells"

    return lambda: list(ck.read("dsb2018", root=folder, split="stage1_test")), right


# ---------------------------------------------------------------- scores, weights, servers


@kind
def scores(rng, folder):
    """Label maps of any type and stride; stardist's matching counts, too."""
    from stardist.matching import matching

    truth = cells(rng, (40, 44))
    moved = np.roll(truth, rng.integers(-3, 4, 2), (0, 1))
    moved = moved if rng.integers(2) else cells(rng, (40, 44))
    big = pick(rng, 1, 1, 300, 10**6)
    a, b = (x.astype(np.int64) * big for x in (truth, moved))
    a, b = (x.astype(pick(rng, np.int32, np.int64, np.uint32)) for x in (a, b))
    if rng.integers(3) == 0:
        a, b = a[::-1, ::2], b[::-1, ::2]
    given = a, b
    if rng.integers(8) == 0:
        given = (a.astype(float) + pick(rng, 0, 0.5), b) if rng.integers(2) else (a, b[:-1])
    threshold = float(pick(rng, 0.5, 0.75, 0.9, 0.3))

    def right(found):
        expected = matching(np.ascontiguousarray(a.astype(np.int64)),
                            np.ascontiguousarray(b.astype(np.int64)), thresh=threshold)
        total = expected.tp + expected.fp + expected.fn
        if not total:
            return ""
        return "" if abs(found[0] - expected.tp / total) < 1e-9 else f"{found} of {expected}"

    return lambda: np.atleast_1d(ck.average_precision(*given, [threshold])), right


@kind
def weights(rng, folder):
    """Weights and cards with spoilt bytes: as they were, or refused."""
    import torch

    net = ck.UNet(width=2, depth=1, seed=int(rng.integers(99)))
    card = {"data": [{"name": "x", "licence": "CC0", "images": ["a"]}], "metrics": {"dice": 0.5},
            "minutes": 1, "command": "none"}  # fmt: skip
    place = ck.weights.save_weights(net, folder / "net.safetensors", card)
    known = ck.weights.card(place)
    victim = pick(rng, place, place.with_suffix(".json"))
    victim.write_bytes(spoilt(rng, victim.read_bytes()))

    def right(found):
        if {k: v for k, v in found.card.items()} != known:
            return "another card"
        theirs, ours = found.state_dict(), net.state_dict()
        return "" if all(torch.equal(theirs[k], v.half().float() if v.is_floating_point() else v)
                         for k, v in ours.items()) else "other weights"  # fmt: skip

    return lambda: ck.load_weights(place, device="cpu"), right


@kind
def server(rng, folder):
    """Servers that misbehave, quickly: the bytes as they are, or a sentence."""
    from cellkit.datasets import transfer
    from cellkit.datasets.registry import File
    from hostile.test_networks import TABLE, Raw

    body = TABLE + b"a,1 2,3,4,Public\n" * int(rng.integers(2000))
    length = pick(rng, len(body), len(body), len(body) + 9, "many", "", len(body) // 2)
    status = pick(rng, b"200 OK", b"200 OK", b"200 OK", b"206 Partial", b"404 No", b"500 Oh", b"x")
    more = pick(rng, b"", b"", b"Content-Type: text/html\r\n", b"Content-Encoding: gzip\r\n",
                b"Content-Range: bytes 5-9/10\r\n", b'ETag: "x"\r\n',
                rng.bytes(30) + b"\r\n")  # fmt: skip
    head = b"HTTP/1.1 " + status + b"\r\n" + more
    head += f"Content-Length: {length}\r\n".encode() if length != "" else b""
    whole = spoilt(rng, head + b"\r\n" + body) if rng.integers(3) == 0 else head + b"\r\n" + body
    one = Raw([whole[: len(whole) // 2], whole[len(whole) // 2 :]])
    out = folder / "out"

    def act():
        transfer.PAUSE, transfer.TRIES = 0.0, 2
        try:
            place = transfer.fetch(File("a.csv", (one.address(),)), out, timeout=2, quiet=True)
            data = place.read_bytes()
            return data, sorted(p.name for p in out.iterdir())
        finally:
            transfer.PAUSE, transfer.TRIES = 0.5, 4
            one.open = False
            one.socket.close()
            shown = [p for p in (out.iterdir() if out.exists() else ()) if p.name[0] != "."]
            if sys.exc_info()[0] is None or not shown:
                shutil.rmtree(out, ignore_errors=True)

    def right(found):
        data, there = found
        if there != ["a.csv"]:
            return f"left {there}"
        # Without a registered hash only the server's own length vouches for the bytes.
        return "" if whole.endswith(data) or data in whole else "other bytes"

    return act, right


@kind
def network(rng, folder):
    """Networks as people hand them over, and pictures of any make: a map in [0, 1], or a sentence.

    A wrapped one says what the one inside says; what an unknown head would mean is not guessed.
    """
    import torch
    from torch import nn

    head = pick(rng, "foreground", "border", "two_class", "distance")
    net = ck.UNet(width=2, depth=1, seed=int(rng.integers(99)), head=head).eval()
    image = pick(rng, array(rng), rng.uniform(0, 1, rng.integers(1, 40, 2)).astype(np.float32))

    class Other(nn.Module):
        def __init__(self, change):
            super().__init__()
            self.inside, self.change = net, change

        def forward(self, x):
            return self.change(self.inside(x))

    how = rng.integers(9)
    changes = [lambda y: y[:, 0], lambda y: y[..., 1:, 1:], lambda y: {"out": y}, lambda y: (y, y),
               lambda y: y * float("nan"), lambda y: y.repeat(1, 5, 1, 1)]  # fmt: skip
    given = nn.DataParallel(net) if how == 0 else Other(changes[how % 6]) if how < 7 else net
    if how == 7:
        given = Other(lambda y: y)
        given.head = nn.Identity()

    def right(found):
        if found.shape != image.shape[:2] or found.dtype != np.float32:
            return f"{found.dtype} {found.shape} of {image.shape}"
        if not (found.min() >= 0 and found.max() <= 1):
            return f"from {found.min()} to {found.max()}"
        if how in (0, 8):
            with torch.inference_mode():
                return same(found, ck.predict(net, np.ascontiguousarray(image)), 1e-4)
        return ""

    return lambda: ck.predict(given, image), right


@kind
def checkpoint(rng, folder):
    """Checkpoints with spoilt bytes: as they were, or refused."""
    import torch

    from cellkit.train import checkpoints

    net = ck.UNet(width=2, depth=1, seed=int(rng.integers(99)))
    place = folder / "a.pt"
    state = {k: v.clone() for k, v in net.state_dict().items()}
    checkpoints.save(place, {"network": "UNet", "config": net.config, "best": state})
    place.write_bytes(spoilt(rng, place.read_bytes()))

    def right(found):
        theirs = found.state_dict()
        return "" if all(torch.equal(theirs[k], v) for k, v in state.items()) else "other weights"

    return lambda: checkpoints.load(place), right


@kind
def environment(rng, folder):
    """Variables that name what is not there, no folder, or not for us; the bundled set is known."""
    from unittest import mock

    odd = (folder / "file", folder / "none", folder, "", " ", "~nobody/x", "n" * 300, "\\\\srv\\x")
    (folder / "file").write_bytes(b"x")
    (folder / "glas").mkdir()
    (folder / "glas" / pick(rng, ".part", "notes.txt")).write_bytes(b"x")
    names = ("CELLKIT_DATA", "CELLKIT_CACHE", "HOME", "XDG_CACHE_HOME", "TMPDIR")
    told = {name: str(pick(rng, *odd)) for name in names if rng.integers(2)}
    gone = [name for name in names if name not in told and rng.integers(2)]

    def act():
        with mock.patch.dict("os.environ", told):
            for name in gone:
                os.environ.pop(name, None)
            return ck.read("glas").names, ck.read("livecell", limit=3).names

    return act, lambda found: "" if found == bundled_names() else str(found)


@lru_cache
def bundled_names():
    return (ck.read("glas", root=ck.datasets.bundled("glas")).names,
            ck.read("livecell", root=ck.datasets.bundled("livecell"), limit=3).names)


def show(table) -> str:
    rows = [["kind", *next(iter(table.values()))]]
    rows += [[name, *map(str, row.values())] for name, row in table.items()]
    rows += [["all", *(str(sum(r[k] for r in table.values())) for k in rows[0][1:])]]
    return "\n".join("  ".join(f"{cell:>9}" for cell in row) for row in rows)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--count", type=int, help="so many of each kind")
    parser.add_argument("--seed", type=int, help="the first; else the clock says")
    parser.add_argument("--kind", choices=KINDS)
    asked = parser.parse_args(arguments)
    seed = int(time.time()) if asked.seed is None else asked.seed
    minutes = 30 if asked.minutes is None and asked.count is None else asked.minutes
    print(f"from seed {seed}", flush=True)
    names = [asked.kind] if asked.kind else list(KINDS)
    table, bad = hunt(names, seed, asked.count, minutes, quiet=False)
    print(show(table))
    return bool(bad)


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    sys.exit(main())
