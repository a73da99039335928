"""LIVECell's reader and writer: every arrangement, laziness, the index, and bad input."""

import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco
from scipy import ndimage

import cellkit as ck
from cellkit.datasets import coco_index, livecell, read_image
from cellkit.files import replacing
from cellkit.samples import Sample
from experiments.tiny_livecell import write_livecell

REAL = Path(os.environ.get("CELLKIT_DATA") or "no real data") / "livecell"
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="needs the real LIVECell images")

NAMES = {
    "train": ["A172_Phase_C7_1_00d00h00m_4", "SkBr3_Phase_E3_2_01d08h00m_1"],
    "val": ["A172_Phase_B7_1_00d04h00m_1"],
    "test": ["Huh7_Phase_A12_1_02d12h00m_3"],
}


def make(name, shape=(24, 40), seed=0):
    rng = np.random.default_rng([seed, *name.encode()])
    noise = ndimage.gaussian_filter(rng.normal(size=shape), 2)
    labels = ndimage.label(noise > 0.05)[0].astype(np.int32)
    image = rng.integers(0, 256, shape).astype(np.float32) / np.float32(255)
    return Sample(image, labels, name, "livecell", name.split("_")[0], name.rsplit("_", 3)[0])


@pytest.fixture
def parts():
    return {split: [make(name) for name in names] for split, names in NAMES.items()}


@pytest.fixture
def root(tmp_path, parts):
    write_livecell(tmp_path / "livecell", parts)
    return tmp_path / "livecell"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CELLKIT_CACHE", str(tmp_path / "cache"))


def json_of(root, split="train"):
    return root / f"annotations/LIVECell/livecell_coco_{split}.json"


def change(file, edit):
    document = json.loads(file.read_text(encoding="utf-8"))
    edit(document)
    file.write_text(json.dumps(document), encoding="utf-8")


def same(found, expected):
    assert found.names == [s.name for s in expected]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.labels, b.labels)
        assert (a.cell_type, a.group, a.dataset) == (b.cell_type, b.group, b.dataset)


def read(root, split="all", **options):
    return ck.read("livecell", root, split, **options)


# ---------------------------------------------------------------- writing and reading back


def test_what_was_written_is_read_back_exactly(root, parts):
    for split, samples in parts.items():
        same(read(root, split), samples)
    same(read(root), parts["train"] + parts["val"] + parts["test"])
    assert read(root)[0].group == "A172_Phase_C7"


def test_the_layout_is_livecells_own(root, parts):
    places = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
    assert places == [
        *(f"annotations/LIVECell/livecell_coco_{split}.json" for split in ("test", "train", "val")),
        "images/livecell_test_images/Huh7/Huh7_Phase_A12_1_02d12h00m_3.tif",
        "images/livecell_train_val_images/A172/A172_Phase_B7_1_00d04h00m_1.tif",
        "images/livecell_train_val_images/A172/A172_Phase_C7_1_00d00h00m_4.tif",
        "images/livecell_train_val_images/SkBr3/SkBr3_Phase_E3_2_01d08h00m_1.tif",
    ]
    with Image.open(root / places[3]) as image:
        assert (image.mode, image.size, image.tag_v2[259]) == ("L", (40, 24), 5)  # grey, LZW


def test_pycocotools_reads_the_json_and_finds_the_same_cells(root, parts):
    from pycocotools.coco import COCO

    file = COCO(str(json_of(root)))
    assert [c["name"] for c in file.dataset["categories"]] == ["cell"]
    for image, sample in zip(file.dataset["images"], parts["train"], strict=True):
        cells = file.loadAnns(file.getAnnIds(image["id"]))
        assert len(cells) == sample.labels.max()
        for k, cell in enumerate(cells, start=1):
            own = sample.labels == k
            np.testing.assert_array_equal(file.annToMask(cell), own)
            assert cell["area"] == own.sum() and cell["iscrowd"] == 0
            (y, x), (height, width) = np.argwhere(own).min(0), np.ptp(np.argwhere(own), axis=0) + 1
            np.testing.assert_allclose(cell["bbox"], [x, y, width, height], atol=0)


def test_two_runs_write_the_same_bytes(root, parts, tmp_path):
    write_livecell(tmp_path / "again", parts)
    for file in (tmp_path / "again").rglob("*.*"):
        assert file.read_bytes() == (root / file.relative_to(tmp_path / "again")).read_bytes()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"name": "cell_1"}, "rename it"),
        ({"cell_type": "BV2"}, "rename it"),
        ({"group": None}, "rename it"),
        ({"image": np.zeros((24, 40, 3), np.float32)}, "in colour"),
        ({"labels": np.zeros((24, 40), np.int32)}, "has no cell"),
        ({"labels": None}, "no ground truth"),
    ],
)
def test_what_livecell_cannot_hold_is_refused_and_nothing_half_written(edit, message, tmp_path):
    good, wrong = make(NAMES["train"][0]), make(NAMES["train"][1])
    wrong = Sample(**{**vars(wrong), **edit})
    with pytest.raises(ValueError, match=message):
        write_livecell(tmp_path / "new", {"train": [good, wrong]})
    assert not list((tmp_path / "new").rglob("*.json"))
    assert not list((tmp_path / "new").rglob("*.part"))


def test_split_names_and_double_names_are_refused(tmp_path):
    with pytest.raises(ValueError, match="'valid'"):
        write_livecell(tmp_path, {"valid": []})
    twice = make(NAMES["val"][0])
    with pytest.raises(ValueError, match="two samples"):
        write_livecell(tmp_path, {"train": [twice], "val": [twice]})


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old", encoding="utf-8")
    with pytest.raises(RuntimeError), replacing(file) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert file.read_text(encoding="utf-8") == "old" and list(tmp_path.iterdir()) == [file]
    with replacing(file) as temporary:
        temporary.write_text("new", encoding="utf-8")
    assert file.read_text(encoding="utf-8") == "new" and list(tmp_path.iterdir()) == [file]


# ---------------------------------------------------------------- arrangements


def flat(root):
    """All images directly below images/."""
    for file in list((root / "images").rglob("*.tif")):
        file.rename(root / "images" / file.name)


def halves_without_types(root):
    for file in list((root / "images").rglob("*.tif")):
        file.rename(file.parent.parent / file.name)


def types_without_halves(root):
    for file in list((root / "images").rglob("*.tif")):
        (root / "images" / file.parent.name).mkdir(exist_ok=True)
        file.rename(root / "images" / file.parent.name / file.name)


def all_in_one_folder(root):
    for file in [*root.rglob("*.tif"), *root.rglob("*.json")]:
        file.rename(root / file.name)
    shutil.rmtree(root / "images")


def json_beside_images(root):
    for file in root.rglob("*.json"):
        file.rename(root / "annotations" / file.name)


def linked(root):
    """The data lies elsewhere."""
    for part in ("images", "annotations"):
        (root / part).rename(root.parent / f"far_{part}")
        (root / part).symlink_to(root.parent / f"far_{part}", target_is_directory=True)


def other_format(root):
    for file in root.rglob("*.tif"):
        with Image.open(file) as image:
            image.save(file.with_suffix(".png"))
        file.unlink()


def names_with_folders(root):
    for file in root.rglob("*.json"):
        def edit(document):
            for i, image in enumerate(document["images"]):
                image["file_name"] = ("some/folder/", "some\\folder\\")[i % 2] + image["file_name"]
        change(file, edit)  # fmt: skip


def keyed_by_id(root):
    for file in root.rglob("*.json"):
        def edit(document):
            for part in ("annotations", "images"):
                document[part] = {str(a["id"]): a for a in document[part]}
        change(file, edit)  # fmt: skip


def annotations_first_and_shuffled(root):
    for file in root.rglob("*.json"):
        def edit(document):
            cells = document.pop("annotations")
            images, rest = document.pop("images"), dict(document)
            order = {i["id"]: [a for a in cells if a["image_id"] == i["id"]] for i in images}
            mixed = []
            while any(order.values()):  # one of each image in turn
                mixed += [own.pop(0) for own in order.values() if own]
            document.clear()
            document.update({"annotations": mixed, **rest, "images": images})
        change(file, edit)  # fmt: skip


def spread_out(root):
    """Indented, with white space and text that looks like json syntax."""
    for file in root.rglob("*.json"):
        document = json.loads(file.read_text(encoding="utf-8"))
        document["info"] = {"description": 'Zürich "[{]}," \\ 細胞', "nested": [[{"a": [1.5e3]}]]}
        text = json.dumps(document, indent=1, ensure_ascii=False)
        file.write_text("\ufeff \n" + text + "\n\n", encoding="utf-8")


def rewritten(kind):
    def apply(root):
        for file in root.rglob("*.json"):
            def edit(document):
                images = {i["id"]: (i["height"], i["width"]) for i in document["images"]}
                for cell in document["annotations"]:
                    size = images[cell["image_id"]]
                    rle = coco.merge(coco.frPyObjects(cell["segmentation"], *size))
                    text = rle["counts"].decode("ascii")
                    flat = coco.decode(rle).T.ravel().astype(int)
                    edges = np.flatnonzero(np.diff(flat)) + 1
                    counts = [0] * int(flat[0]) + np.diff([0, *edges, flat.size]).tolist()
                    cell["segmentation"] = {
                        "size": list(size), "counts": text if kind == "compressed" else counts
                    }
                    cell["iscrowd"] = 1
            change(file, edit)  # fmt: skip

    apply.__name__ = f"rle_{kind}"
    return apply


def per_type(root):
    for split in NAMES:
        document = json.loads(json_of(root, split).read_text(encoding="utf-8"))
        json_of(root, split).unlink()
        for name in NAMES[split]:
            images = [i for i in document["images"] if i["file_name"] == f"{name}.tif"]
            cells = [a for a in document["annotations"] if a["image_id"] == images[0]["id"]]
            place = root / "annotations/LIVECell_single_cells" / name.split("_")[0].lower()
            place.mkdir(parents=True, exist_ok=True)
            part = {**document, "images": images, "annotations": cells}
            (place / f"{split}.json").write_text(json.dumps(part), encoding="utf-8")


def size_split(root):
    place = root / "annotations/LIVECell_dataset_size_split"
    place.mkdir()
    json_of(root).rename(place / "4_train50percent.json")


@pytest.mark.parametrize(
    "rearrange",
    [flat, halves_without_types, types_without_halves, all_in_one_folder, json_beside_images,
     linked, other_format, names_with_folders, keyed_by_id, annotations_first_and_shuffled,
     spread_out, rewritten("compressed"), rewritten("uncompressed"), per_type, size_split],
)  # fmt: skip
@pytest.mark.parametrize("chunk", [64, 4 << 20])
def test_every_arrangement_reads_the_same(rearrange, chunk, root, parts, monkeypatch):
    monkeypatch.setattr(coco_index, "CHUNK", chunk)
    rearrange(root)
    for split, samples in parts.items():
        found = read(root, split)
        expected = {s.name: s for s in samples}
        if rearrange is annotations_first_and_shuffled:
            for sample in found:
                np.testing.assert_array_equal(sample.labels, expected[sample.name].labels)
        else:
            same(found, [expected[name] for name in found.names])
        assert {*found.names} == {*expected}
    assert len(read(root)) == 4


def test_whole_files_come_before_parts_and_parts_can_be_named(root):
    place = root / "annotations/LIVECell_dataset_size_split"
    place.mkdir()
    document = json.loads(json_of(root).read_text(encoding="utf-8"))
    document["images"] = document["images"][1:]
    document["annotations"] = [a for a in document["annotations"] if a["image_id"] == 2]
    (place / "0_train2percent.json").write_text(json.dumps(document), encoding="utf-8")
    assert read(root, "train").names == NAMES["train"]
    assert read(root, "0_train2percent").names == NAMES["train"][1:]
    assert len(read(root)) == 4, "no image twice"


def test_a_crowd_lies_below_the_cells_in_it(root, parts):
    sample = parts["val"][0]
    everything = coco.encode(np.asfortranarray(np.ones((24, 40)), np.uint8))

    def edit(document):
        crowd = {"size": [24, 40], "counts": everything["counts"].decode("ascii")}
        document["annotations"].append(
            {"id": 999, "image_id": 1, "iscrowd": 1, "segmentation": crowd}
        )

    change(json_of(root, "val"), edit)
    labels = read(root, "val")[0].labels
    expected = np.where(sample.labels, sample.labels, sample.labels.max() + 1)
    np.testing.assert_array_equal(labels, expected)


def test_types_and_limits_choose_without_reading_pixels(root, monkeypatch):
    monkeypatch.setattr(livecell, "read_image", None)
    assert read(root, cell_types=["A172"]).names == [NAMES["train"][0], NAMES["val"][0]]
    assert read(root, cell_types="Huh7", limit=5).names == NAMES["test"]
    assert read(root, limit=3).cell_types == ["A172", "SkBr3", "A172"]
    assert read(root, "val").groups == ["A172_Phase_B7"]
    with pytest.raises(ValueError, match="no cell type HeLa in livecell; it has A172, Huh7, SkBr3"):
        read(root, cell_types=["HeLa"])
    with pytest.raises(ValueError, match="limit is 0"):
        read(root, limit=0)


def test_samples_travel_to_loader_workers(root):
    copy = pickle.loads(pickle.dumps(read(root)))
    np.testing.assert_array_equal(copy[1].labels, read(root)[1].labels)


def test_other_file_names_have_neither_type_nor_well(root):
    def edit(document):
        document["images"][0]["file_name"] = "my cells.tif"

    change(json_of(root, "val"), edit)
    next(root.rglob("A172_Phase_B7*.tif")).rename(root / "images" / "my cells.tif")
    entry = read(root, "val").entries[0]
    assert (entry.name, entry.cell_type, entry.group) == ("my cells", None, None)


def test_unlabelled_images_are_a_split_of_their_own(root):
    with pytest.raises(FileNotFoundError, match="no unlabelled image"):
        read(root, "unlabelled")
    (root / "unlabelled").mkdir()
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    Image.fromarray(pixels).save(root / "unlabelled/BV2_Phase_A4_1_00d00h00m_1.tif")
    found = read(root, "unlabelled")
    assert found.groups == ["BV2_Phase_A4"] and not found.entries[0].annotated
    assert found[0].labels is None
    np.testing.assert_allclose(found[0].image, pixels / 255, atol=1e-7)
    assert len(read(root)) == 4


# ---------------------------------------------------------------- the index


@pytest.fixture
def indexed(root, monkeypatch):
    """Every annotation file counts as large; how often one is walked through is counted."""
    monkeypatch.setattr(coco_index, "INDEXED_FROM", 0)
    walks = []
    walk = coco_index._walk
    monkeypatch.setattr(coco_index, "_walk", lambda file: walks.append(file) or walk(file))
    return root, walks


def index_of(root, split="train"):
    return json_of(root, split).with_name(f"livecell_coco_{split}.json.index.npz")


def test_a_large_file_is_walked_through_once(indexed, parts):
    root, walks = indexed
    for _ in range(3):
        same(read(root, "train"), parts["train"])
    assert len(walks) == 1 and index_of(root).is_file()
    assert index_of(root).stat().st_size < 0.5 * json_of(root).stat().st_size
    assert not list(root.rglob("*.part"))


@pytest.mark.parametrize("rearrange", [keyed_by_id, annotations_first_and_shuffled, spread_out])
def test_the_index_serves_every_arrangement(rearrange, indexed, parts):
    root, walks = indexed
    rearrange(root)
    first = [s.labels for s in read(root, "train")]
    second = [s.labels for s in read(root, "train")]
    assert len(walks) == 1
    np.testing.assert_array_equal(first, second)


def test_a_stale_index_is_made_anew(indexed):
    root, walks = indexed
    read(root, "train")

    def edit(document):
        document["images"] = document["images"][:1]
        document["annotations"] = [a for a in document["annotations"] if a["image_id"] == 1]

    change(json_of(root), edit)
    assert read(root, "train").names == NAMES["train"][:1] and len(walks) == 2
    read(root, "train")
    assert len(walks) == 2


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.98])
def test_a_damaged_index_is_made_anew(keep, indexed, parts):
    root, walks = indexed
    read(root, "train")
    whole = index_of(root).read_bytes()
    index_of(root).write_bytes(whole[: keep if keep >= 1 else int(keep * len(whole))])
    same(read(root, "train"), parts["train"])
    same(read(root, "train"), parts["train"])
    assert len(walks) == 2


def test_flipped_bits_in_the_index_are_noticed(indexed, parts):
    root, walks = indexed
    read(root, "train")
    whole = bytearray(index_of(root).read_bytes())
    whole[whole.index(b"spans.npy") + 160] ^= 0xFF
    index_of(root).write_bytes(whole)
    same(read(root, "train"), parts["train"])
    assert len(walks) == 2


def test_beside_a_read_only_file_the_index_goes_into_the_cache(
    indexed, parts, tmp_path, monkeypatch
):
    root, walks = indexed

    def write_only_to_the_cache(path):
        if tmp_path / "cache" not in Path(path).parents:
            raise PermissionError(path)
        return replacing(path)

    monkeypatch.setattr(coco_index, "replacing", write_only_to_the_cache)
    for _ in range(2):
        same(read(root, "train"), parts["train"])
    assert len(walks) == 1 and not index_of(root).exists()
    assert len(list((tmp_path / "cache").rglob("livecell_coco_train*.npz"))) == 1


def test_without_any_place_for_an_index_reading_still_works(indexed, parts, monkeypatch):
    root, walks = indexed

    def refuse(path):
        raise PermissionError(path)

    monkeypatch.setattr(coco_index, "replacing", refuse)
    same(read(root, "train"), parts["train"])
    same(read(root, "train"), parts["train"])
    assert len(walks) == 2


def _read_labels(root):
    coco_index.INDEXED_FROM = 0
    return [sample.labels.sum() for sample in livecell.samples(root)]


def test_processes_that_index_at_once_do_no_harm(root, parts):
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(_read_labels, [root] * 6))
    assert found == [[s.labels.sum() for split in parts.values() for s in split]] * 6
    assert not list(root.rglob("*.part"))


def test_a_file_that_changes_while_in_use_is_noticed(root):
    samples = read(root, "train")
    change(json_of(root), lambda document: document.update(info="x" * 1000))
    with pytest.raises(ValueError, match="has changed since it was indexed"):
        samples[0]


# ---------------------------------------------------------------- bad input


def sentence(caught, *words):
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text and "expected" in text, text
    for word in words:
        assert word in text, text


@pytest.mark.parametrize("share", [0, 0.001, 0.02, 0.3, 0.6, 0.9, 0.9999])
@pytest.mark.parametrize("large", [True, False])
def test_a_json_cut_off_in_the_middle_is_refused(share, large, root, monkeypatch):
    monkeypatch.setattr(coco_index, "INDEXED_FROM", 0 if large else 1 << 60)
    whole = json_of(root).read_bytes()
    json_of(root).write_bytes(whole[: int(share * len(whole))])
    before = {*root.rglob("*")}
    with pytest.raises(ValueError) as caught:
        read(root, "train")
    sentence(caught, "livecell_coco_train.json", "cut off", "download it again")
    assert {*root.rglob("*")} == before, "no index of a broken file"


ONE_IMAGE = ('{"images": [{"id": 1, "file_name": "a.tif", "height": 1, "width": 1}], '
             '"annotations": [%s]}')  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html>404</html>", "no COCO json near byte 0"),
        ("[1, 2]", "no COCO json near byte 0"),
        ("{}", "no images"),
        ('{"images": [], "annotations": []}', "no images"),
        ('{"images": [{"id": 1}]}', "no annotations"),
        ('{"images": [{"id": 1}], "annotations": [{"image_id": 1}]}', "proper file_name"),
        ('{"images": [7], "annotations": [{"image_id": 1}]}', "proper id"),
        ('{"images": [], "annotations": [{"id": 1}]}', "image_id"),
        ('{"images": [], "annotations": [3]}', "no COCO json"),
        ('{"images": [], "annotations": 3}', "no COCO json"),
        ('{"images": [] "annotations": []}', "no COCO json near byte 14"),
        ('{"images": [nonsense], "annotations": []}', "COCO"),
        ('{"images": 5, "annotations": [{"image_id": 1}]}', "the image 5 without a proper id"),
        (ONE_IMAGE % '{"image_id": [1]}', r"first: image id \[1\]"),
        (ONE_IMAGE % '{"image_id": {}}', r"first: image id \{\}"),
        ('{"images": ' + "[" * 10**5, "RecursionError"),
    ],
)
def test_what_is_no_coco_json_is_refused(text, message, root):
    json_of(root).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        read(root, "train")
    sentence(caught, "livecell_coco_train.json")


def test_annotations_of_an_image_that_is_not_listed_are_refused(root):
    def edit(document):
        document["annotations"][3]["image_id"] = 77

    change(json_of(root), edit)
    with pytest.raises(ValueError) as caught:
        read(root, "train")
    sentence(caught, "1 annotation(s)", "image id 77", "livecell_coco_train.json")


def test_a_missing_image_is_named_when_it_is_asked_for(root, parts):
    next(root.rglob(f"{NAMES['train'][0]}.tif")).unlink()
    samples = read(root, "train")
    assert samples.names == NAMES["train"], "the data set does not shrink in silence"
    with pytest.raises(FileNotFoundError) as caught:
        samples[0]
    sentence(caught, NAMES["train"][0], "download it")
    same(samples.where(lambda entry: entry.path.exists()), parts["train"][1:])


def test_without_any_image_the_folder_is_named(root):
    shutil.rmtree(root / "images")
    with pytest.raises(FileNotFoundError, match="none of the 2 images listed in .*train.json"):
        read(root, "train")


def test_an_image_that_nobody_annotated_is_named_and_left_out(root, caplog):
    extra = root / "images/livecell_test_images/BV2_Phase_A4_1_00d00h00m_1.tif"
    Image.fromarray(np.zeros((24, 40), np.uint8)).save(extra)
    assert len(read(root)) == 4
    assert len(caplog.records) == 1 and extra.name in caplog.text
    assert read(root, "unlabelled").names == [extra.stem]
    assert len(read(root, "train")) == 2 and len(caplog.records) == 1


def test_an_image_listed_without_annotations_is_refused(root, parts):
    def edit(document):
        document["annotations"] = [a for a in document["annotations"] if a["image_id"] == 2]

    change(json_of(root), edit)
    samples = read(root, "train")
    with pytest.raises(ValueError) as caught:
        samples[0]
    sentence(caught, NAMES["train"][0], "without any annotation")
    np.testing.assert_array_equal(samples[1].labels, parts["train"][1].labels)


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([[1, 1, 5, 5]], "2 points"),
        ([], r"is \[\], .*not empty"),
        ([[]], "0 points"),
        ([[1000, 1000, 1010, 1000, 1010, 1010]], "outside the picture"),
        ({"size": [99, 99], "counts": "0"}, r"for size \[99, 99\]"),
        ({"size": None, "counts": [480]}, "for size None"),
        ({"size": 20, "counts": [480]}, "for size 20"),
        ([[1, 1, 5, 1, 5, 10**400]], "not one flat list of numbers"),
        (None, "None"),
    ],
)
def test_a_bad_outline_names_its_image(segmentation, message, root, parts):
    def edit(document):
        document["annotations"][1]["segmentation"] = segmentation

    change(json_of(root), edit)
    samples = read(root, "train")
    with pytest.raises(ValueError, match=message) as caught:
        samples[0]
    sentence(caught, NAMES["train"][0], "segmentation 1")
    np.testing.assert_array_equal(samples[1].labels, parts["train"][1].labels)


def test_an_annotation_without_segmentation_names_its_image(root):
    change(json_of(root), lambda document: document["annotations"][0].pop("segmentation"))
    with pytest.raises(ValueError, match="segmentation") as caught:
        read(root, "train")[0]
    sentence(caught, NAMES["train"][0])


def test_an_image_cut_in_half_is_refused(root):
    file = next(root.rglob(f"{NAMES['train'][0]}.tif"))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(ValueError) as caught:
        read(root, "train")[0]
    sentence(caught, NAMES["train"][0], "download it again")


def test_an_image_of_another_size_is_refused(root):
    file = next(root.rglob(f"{NAMES['train'][0]}.tif"))
    Image.fromarray(np.zeros((40, 24), np.uint8)).save(file)
    with pytest.raises(ValueError) as caught:
        read(root, "train")[0]
    sentence(caught, "40 x 24", "expected 24 x 40")


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (17, 31)])
def test_small_and_odd_sizes_are_written_and_read(shape, tmp_path):
    name = NAMES["val"][0]
    image = np.linspace(0, 1, shape[0] * shape[1], dtype=np.float32).reshape(shape)
    labels = np.ones(shape, np.int32)
    labels[::2, 1::2] = 2 if shape[1] > 1 else 1
    sample = Sample(image, labels, name, "livecell", "A172", "A172_Phase_B7")
    write_livecell(tmp_path, {"val": [sample]})
    found = read(tmp_path)[0]
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_allclose(found.image, image, atol=0.5001 / 255)


def test_unknown_splits_and_empty_folders_are_explained(root, tmp_path):
    with pytest.raises(ValueError, match="no split 'valid' .* one of all, train, val, test, "):
        read(root, "valid")
    json_of(root, "val").unlink()
    with pytest.raises(ValueError, match="no split 'val'"):
        read(root, "val")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no LIVECell annotation file"):
        read(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="no folder at"):
        read(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="unknown data set 'livecells'"):
        ck.read("livecells")


def test_the_data_folder_is_found(root, tmp_path, monkeypatch):
    monkeypatch.setenv("CELLKIT_DATA", str(tmp_path))
    assert len(ck.read("livecell")) == 4
    monkeypatch.setenv("CELLKIT_DATA", str(tmp_path / "elsewhere"))
    (tmp_path / "cache").mkdir()
    root.rename(tmp_path / "cache" / "livecell")
    assert len(ck.read("livecell")) == 4


# ---------------------------------------------------------------- the real images


@needs_real
def test_all_real_annotated_images_are_read():
    samples = read(REAL)
    assert len(samples) == 42 and len({*samples.names}) == 42
    counts = {kind: samples.cell_types.count(kind) for kind in {*samples.cell_types}}
    assert counts == {"A172": 22, "BT474": 4, "BV2": 1, "Huh7": 3, "MCF7": 2, "SHSY5Y": 2,
                      "SkBr3": 2, "SKOV3": 6}  # fmt: skip
    tested = "A172_Phase_B7 BT474_Phase_D3 Huh7_Phase_A12 MCF7_Phase_H4 SKOV3_Phase_E4".split()
    assert sum(group in tested for group in samples.groups) == 17
    cells = 0
    for sample in samples:
        assert sample.image.shape == (520, 704)
        cells += len(np.unique(sample.labels)) - 1
    assert cells == 5029 == 2118 + 532 + 2379
    assert [len(read(REAL, split)) for split in ("train", "val", "test", "unlabelled")] == [
        28, 4, 10, 61
    ]  # fmt: skip


@needs_real
def test_real_cells_agree_with_the_label_images_they_were_traced_from():
    for sample in read(REAL, "train"):
        drawn = read_image(REAL / f"instance_png/{sample.name}_instance_masks.png") * 255
        drawn = np.round(drawn).astype(int)
        both = (drawn > 0) & sample.mask
        assert 2 * both.sum() / ((drawn > 0).sum() + sample.mask.sum()) > 0.98
        # Nearly every pixel of both lies in the same cell of both.
        pairs, count = np.unique(np.stack([drawn[both], sample.labels[both]]), axis=1,
                                 return_counts=True)  # fmt: skip
        best = {}
        for (a, _), n in zip(pairs.T, count, strict=True):
            best[a] = max(best.get(a, 0), n)
        assert sum(best.values()) > 0.99 * both.sum()


@needs_real
def test_real_labels_survive_being_written(tmp_path):
    samples = list(read(REAL, "val"))
    write_livecell(tmp_path, {"val": samples})
    for before, after in zip(samples, read(tmp_path), strict=True):
        numbers = np.unique(before.labels)
        np.testing.assert_array_equal(after.labels, np.searchsorted(numbers, before.labels))
        np.testing.assert_array_equal(after.image, before.image)
