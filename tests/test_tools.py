"""Labels as other tools save them, written here by the libraries of those formats."""

import json
import logging
import pickle
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image
from pycocotools import mask as coco_mask
from scipy.ndimage import binary_dilation, binary_erosion
from skimage.draw import polygon2mask

import cellkit as ck
from cellkit.datasets import read_image
from cellkit.datasets.images import scale_image

roifile = pytest.importorskip("roifile")
RNG = np.random.default_rng(0)
SHAPE = (64, 96)
CELLS = np.zeros(SHAPE, np.int32)
CELLS[3:20, 4:30], CELLS[3:20, 30:60], CELLS[30:60, 10:40] = 1, 2, 3
#: x, y of a cell that is no box.
STAR = [(70, 10), (88, 14), (80, 25), (90, 40), (74, 34), (66, 44)]


@pytest.fixture
def folder(tmp_path):
    """Two pictures, of which the first is to have labels."""
    for name in "ab":
        Image.fromarray(RNG.integers(0, 256, SHAPE, dtype=np.uint8)).save(tmp_path / f"{name}.png")
    return tmp_path


def labels(folder, **options):
    samples = ck.read("folder", root=folder, **options)
    assert samples.names == ["a"]
    return samples[0].labels


def rectangle(top, left, bottom, right):
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def same_star(found):
    """pycocotools and scikit-image may differ on the rim only.  A pixel's middle is at + 0.5."""
    filled = polygon2mask(SHAPE, np.array(STAR)[:, ::-1] - 0.5)
    inner, outer = binary_erosion(filled), binary_dilation(filled, np.ones((3, 3)))
    assert (found >= inner).all() and (found <= outer).all() and inner.sum() > 200


# ---------------------------------------------------------------- Cellpose


def cellpose(masks, **more):
    return {"outlines": masks * 0, "masks": masks, "chan_choose": [0, 0], "filename": Path("a.png"),
            "flows": [RNG.random((4, 4), np.float32), []], "ismanual": np.zeros(3, bool),
            "est_diam": np.float64(17), "diameter": np.nan, **more}  # fmt: skip


@pytest.mark.parametrize("kind", [np.uint16, np.int32])
def test_cellpose_seg_is_read(kind, folder):
    np.save(folder / "a_seg.npy", cellpose(CELLS.astype(kind)))
    np.testing.assert_array_equal(labels(folder), CELLS)


def test_cellpose_seg_of_older_numpy_and_pickle_is_read(folder):
    for protocol in range(2, 6):
        old = pickle.dumps(np.array(cellpose(CELLS), object), protocol)
        with open(folder / "a_seg.npy", "wb") as stream:
            np.lib.format.write_array_header_1_0(
                stream, {"descr": "|O", "fortran_order": False, "shape": ()})
            stream.write(old.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
                         if protocol < 4 else old)  # fmt: skip
        np.testing.assert_array_equal(labels(folder), CELLS)


class Evil:
    def __init__(self, call, *arguments):
        self.made = call, arguments

    def __reduce__(self):
        return self.made


@pytest.mark.parametrize(("make", "told"), [
    (lambda folder: Evil(open, str(folder / "ran"), "w"), r"asks for .*open.*nothing.*was run"),
    # An array of objects made of any bytes points anywhere in memory.
    (lambda folder: Evil(np.ndarray, (1,), np.dtype("O"), b"A" * 8), "cannot be read as Cellpose"),
    (lambda folder: np.zeros(3, [("a", "O")]), "asks for arrays of V8"),
])  # fmt: skip
def test_a_pickle_runs_nothing(make, told, folder):
    np.save(folder / "a_seg.npy", cellpose(CELLS, filename=make(folder)))
    with pytest.raises(ValueError, match=told):
        labels(folder)
    assert not (folder / "ran").exists()


def test_cellpose_masks_win_over_its_other_files(folder):
    np.save(folder / "a_seg.npy", cellpose(CELLS * 0))
    Image.fromarray(CELLS.astype(np.uint8)).save(folder / "a_cp_masks.png")
    tifffile.imwrite(folder / "a_flows.tif", np.zeros((2, *SHAPE), np.float32))
    Image.fromarray(CELLS.astype(np.uint8)).save(folder / "a_outlines.png")
    np.testing.assert_array_equal(labels(folder), CELLS)


@pytest.mark.parametrize("content", [b"x", b"\x93NUMPY\1\0", None])
def test_a_damaged_npy_is_told(content, folder):
    if content is None:
        np.save(folder / "a_seg.npy", {"flows": 1})
    else:
        (folder / "a_seg.npy").write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read as Cellpose|holds no masks"):
        labels(folder)


# ---------------------------------------------------------------- ImageJ


BOXES = [roifile.ImagejRoi.frompoints(rectangle(*box))
         for box in ((3, 4, 20, 30), (3, 30, 20, 60), (30, 10, 60, 40))]  # fmt: skip


@pytest.mark.parametrize("name", ["a.zip", "a_RoiSet.zip", "RoiSet_a.zip", "a_rois.zip",
                                  "a.png.zip", "rois/a.zip", "a-rois.zip"])  # fmt: skip
def test_a_zip_of_rois_is_read(name, folder):
    (folder / name).parent.mkdir(exist_ok=True)
    roifile.roiwrite(folder / name, BOXES)
    np.testing.assert_array_equal(labels(folder), CELLS)


def test_a_lone_set_of_rois_belongs_to_the_only_image(folder, caplog):
    roifile.roiwrite(folder / "RoiSet.zip", BOXES)
    with caplog.at_level(logging.WARNING):
        assert ck.read("folder", root=folder)[0].labels is None
    assert "RoiSet.zip (fits no image by its name)" in caplog.text
    (folder / "b.png").unlink()
    np.testing.assert_array_equal(labels(folder), CELLS)


def test_single_rois_are_single_cells(folder):
    for k, roi in enumerate(BOXES):
        roifile.roiwrite(folder / f"a_{k + 1}.roi", roi)
    np.testing.assert_array_equal(labels(folder), CELLS)


def test_rois_of_every_kind_lie_where_imagej_draws_them(folder, caplog):
    oval = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.OVAL, left=10, top=20, right=50, bottom=50)
    line = roifile.ImagejRoi.frompoints([(1, 1), (5, 5), (9, 1)])
    line.roitype = roifile.ROI_TYPE.POLYLINE
    star = roifile.ImagejRoi.frompoints(np.array(STAR, np.float32))
    roifile.roiwrite(folder / "a.zip", [oval, star, line])
    with caplog.at_level(logging.WARNING):
        found = labels(folder)
    y, x = np.indices(SHAPE) + 0.5
    radius = np.hypot((x - 30) / 20, (y - 35) / 15)
    assert (found[radius < 0.93] == 1).all() and not (found[radius > 1.07] == 1).any()
    same_star(found == 2)
    assert found.max() == 2 and "1 of its objects are lines" in caplog.text


def test_rois_of_a_stack_are_those_of_the_page(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", RNG.integers(0, 255, (3, *SHAPE), dtype=np.uint8),
                     imagej=True, metadata={"axes": "ZYX"})  # fmt: skip
    places = ({"position": 0}, {"z": 1}, {"t": 1}, {"position": 1})
    roifile.roiwrite(tmp_path / "a.zip", [
        roifile.ImagejRoi.frompoints(rectangle(k, 4, k + 4, 30), **place)
        for k, place in zip(range(0, 40, 10), places, strict=True)])  # fmt: skip
    assert [labels(tmp_path, page=k).max() for k in range(3)] == [1, 3, 0]


def test_a_zip_of_something_else_deeper_down_is_no_set_of_rois(folder):
    (folder / "old").mkdir()
    (folder / "old" / "a.zip").write_bytes(b"PK damaged")
    with zipfile.ZipFile(folder / "old" / "b.zip", "w") as packed:
        packed.writestr("notes.txt", "x")
    assert [s.labels for s in ck.read("folder", root=folder)] == [None, None]


def test_roifile_missing_is_told(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "roifile", None)
    roifile.roiwrite(folder / "a.zip", BOXES)
    with pytest.raises(ValueError, match="pip install roifile, or in Fiji"):
        labels(folder)


# ---------------------------------------------------------------- QuPath


def feature(rings, kind="annotation", name=None, geometry="Polygon"):
    closed = [[*map(list, ring), list(ring[0])] for ring in rings]
    properties = {"objectType": kind}
    if name:
        properties["classification"] = {"name": name, "color": [200, 0, 0]}
    coordinates = [closed] if geometry == "MultiPolygon" else closed
    return {"type": "Feature", "id": "x", "properties": properties,
            "geometry": {"type": geometry, "coordinates": coordinates}}  # fmt: skip


def qupath(file, features):
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def test_qupath_objects_are_read_with_their_holes(folder):
    ring = feature([rectangle(3, 4, 20, 30), rectangle(8, 10, 12, 20)])
    several = feature([rectangle(30, 10, 60, 40)], geometry="MultiPolygon")
    qupath(folder / "a.png.geojson", [ring, several, feature([STAR])])
    expected = np.where(CELLS == 3, 2, CELLS == 1)
    expected[8:12, 10:20] = 0
    found = labels(folder)
    np.testing.assert_array_equal(np.where(found == 3, 0, found), expected)
    same_star(found == 3)


def test_qupath_regions_around_cells_are_no_cells_and_classes_are_chosen(folder, caplog):
    boxes = [rectangle(3, 4, 20, 30), rectangle(3, 30, 20, 60)]
    qupath(folder / "a.geojson", [
        feature([rectangle(0, 0, 60, 90)], "annotation", "Region"),
        feature([boxes[0]], "detection", "Tumor"), feature([boxes[1]], "detection", "Stroma"),
    ])  # fmt: skip
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(labels(folder), np.where(CELLS < 3, CELLS, 0))
    assert "1 of its objects are regions" in caplog.text
    np.testing.assert_array_equal(labels(folder, categories="Tumor") > 0, CELLS == 1)
    with caplog.at_level(logging.WARNING):
        assert labels(folder, categories=["Tumour"]).max() == 0
    assert "has no Tumour among its 3 objects (Region, Stroma, Tumor)" in caplog.text


# ---------------------------------------------------------------- ilastik, napari, StarDist


def ilastik(file, array, axes):
    with h5py.File(file, "w") as out:
        data = out.create_dataset("exported_data", data=array)
        data.attrs["axistags"] = json.dumps({"axes": [{"key": axis} for axis in axes]})


def test_ilastik_object_identities_are_cell_numbers(folder):
    ilastik(folder / "a-data_Object Identities.h5", CELLS.T[..., None].astype(np.uint32), "xyc")
    np.testing.assert_array_equal(labels(folder), CELLS)


def test_ilastik_classes_are_asked_for_and_chosen(folder):
    classes = np.where(CELLS > 0, 2, 1).astype(np.uint8)
    ilastik(folder / "a_Simple Segmentation.h5", classes[..., None], "yxc")
    with pytest.raises(ValueError, match=r"1 and 2 \(30% of the pixels\).*categories=\[2\]"):
        labels(folder)
    expected = np.where(CELLS == 3, 2, CELLS > 0)  # two of them touch
    np.testing.assert_array_equal(labels(folder, categories=2), expected)
    np.testing.assert_array_equal(labels(folder, categories=[1]) > 0, CELLS == 0)
    with pytest.raises(ValueError, match="'cell' is among the values 1, 2"):
        labels(folder, categories="cell")


def test_ilastik_probabilities_are_told(folder):
    ilastik(folder / "a_Probabilities.h5", RNG.random((*SHAPE, 2), np.float32), "yxc")
    samples = ck.read("folder", root=folder, labels="{}_Probabilities.h5")
    with pytest.raises(ValueError, match="export Simple Segmentation or Object Identities"):
        samples[0]


@pytest.mark.parametrize("name", ["a-Labels.tif", "a_Labels.tif", "a-lbl.tif", "masks/a.tif",
                                  "a_Object Identities.tif"])  # fmt: skip
@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_label_tiffs_are_no_pictures(name, kind, folder):
    (folder / name).parent.mkdir(exist_ok=True)
    tifffile.imwrite(folder / name, CELLS.astype(kind))
    np.testing.assert_array_equal(labels(folder), CELLS)


def test_napari_labels_beside_one_image(folder):
    (folder / "b.png").unlink()
    tifffile.imwrite(folder / "Labels.tif", CELLS)
    np.testing.assert_array_equal(labels(folder), CELLS)


def test_an_image_and_a_mask_in_each_folder(folder, tmp_path):
    for name in "ab":
        (tmp_path / f"day {name}").mkdir()
        (folder / f"{name}.png").rename(tmp_path / f"day {name}" / "image.png")
        tifffile.imwrite(tmp_path / f"day {name}" / "mask.tif", CELLS + (CELLS > 0) * ord(name))
    for name, sample in zip("ab", ck.read("folder", root=tmp_path), strict=True):
        assert sample.labels.max() == 3 + ord(name)


# ---------------------------------------------------------------- COCO


ONE = ({"id": 1, "name": "cell"},)


def coco(file, images, annotations, categories=ONE):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({
        "licenses": [], "info": {}, "categories": list(categories),
        "images": [{"id": k, "file_name": name, "width": SHAPE[1], "height": SHAPE[0]}
                   for k, name in enumerate(images)],
        "annotations": [
            {"id": k, "image_id": image, "category_id": of, "bbox": [0, 0, 9, 9], "iscrowd": 0,
             "segmentation": drawn} for k, (image, of, drawn) in enumerate(annotations)],
    }))  # fmt: skip


def flat(points):
    return [[float(v) for point in points for v in point]]


DRAWN = [(0, 1, flat(rectangle(3, 4, 20, 30))), (0, 1, flat(rectangle(3, 30, 20, 60))),
         (0, 1, flat(rectangle(30, 10, 60, 40)))]  # fmt: skip
ROBOFLOW = ({"id": 0, "name": "cells", "supercategory": "none"},
            {"id": 1, "name": "cell", "supercategory": "cells"})


@pytest.mark.parametrize(("file", "listed", "categories"), [
    ("annotations/instances_default.json", ["a.png", "b.png"], ONE),
    ("result.json", ["images/1a2b3c4d-a.png", "images\\9a2b3c4d-b.png"], ROBOFLOW[1:]),
    ("train/_annotations.coco.json", ["a_png.rf.0f1e2d3c4b5a.jpg"], ROBOFLOW),
    ("my labels.json", ["/data/day 1/A.PNG"], ONE),
])  # fmt: skip
def test_coco_under_any_name_finds_its_pictures(file, listed, categories, folder, caplog):
    coco(folder / file, listed, DRAWN, categories)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(labels(folder), CELLS)
    assert ck.read("folder", root=folder, split="unlabelled").names == ["b"]
    assert "categories" not in caplog.text


def test_coco_in_a_zip_and_in_several_parts(tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as packed:
        for part in ("train", "valid"):
            Image.fromarray(np.zeros(SHAPE, np.uint8)).save(tmp_path / "x.png")
            packed.write(tmp_path / "x.png", f"{part}/x.png")
            coco(tmp_path / "y.json", ["x.png"], DRAWN[: 1 + (part == "valid")])
            packed.write(tmp_path / "y.json", f"{part}/_annotations.coco.json")
    samples = ck.read("folder", root=tmp_path / "export.zip")
    assert [s.labels.max() for s in samples] == [1, 2]


def test_coco_run_lengths_and_categories(folder, caplog):
    code = coco_mask.encode(np.asfortranarray(CELLS == 3, np.uint8))
    code["counts"] = code["counts"].decode()
    several = ({"id": 1, "name": "cell"}, {"id": 2, "name": "debris"})
    coco(folder / "x.json", ["a.png"], [*DRAWN[:2], (0, 2, code)], several)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(labels(folder), CELLS)
    assert "the categories cell, debris" in caplog.text
    np.testing.assert_array_equal(labels(folder, categories="cell"), np.where(CELLS < 3, CELLS, 0))
    np.testing.assert_array_equal(labels(folder, categories=["debris"]) > 0, CELLS == 3)
    with pytest.raises(ValueError, match="no category 'cells', expected some of cell, debris"):
        labels(folder, categories="cells", labels="x.json")


def test_coco_keeps_to_the_pattern_of_the_images(folder):
    coco(folder / "x.json", ["a.png", "b.png"], [*DRAWN, (1, 1, flat(STAR))])
    samples = ck.read("folder", root=folder, images="{cell_type}.png")
    assert samples.cell_types == ["a", "b"]
    assert ck.read("folder", root=folder, images="b.png").names == ["b"]


def test_coco_that_cannot_be_used_is_told(folder, caplog):
    coco(folder / "x.json", ["c.png"], DRAWN)
    with caplog.at_level(logging.WARNING):
        assert ck.read("folder", root=folder)[0].labels is None
    assert "none of which is here (first: c.png)" in caplog.text
    coco(folder / "x.json", ["a.png"], [(0, 1, [])])
    with pytest.raises(ValueError, match="1 of 1 cells of a.png as boxes, expected outlines"):
        labels(folder)
    coco(folder / "x.json", ["a.png"], DRAWN)
    whole = (folder / "x.json").read_bytes()
    (folder / "x.json").write_bytes(whole.replace(b'"cell"', b'"cel\xff"'))
    with pytest.raises(ValueError, match="cannot be read as COCO"):
        labels(folder, labels="x.json")
    coco(folder / "x.json", ["a.png"], DRAWN)
    coco(folder / "y.json", ["a.png"], DRAWN)
    with pytest.raises(ValueError, match="both have cells of a.png.*labels='y.json'"):
        labels(folder)
    np.testing.assert_array_equal(labels(folder, labels="y.json"), CELLS)


# ---------------------------------------------------------------- channels and pages


@pytest.mark.parametrize("axes", ["ZYX", "TYX", "CYX"])
@pytest.mark.parametrize("how", ["imagej", "ome"])
def test_three_slices_are_no_colour(axes, how, tmp_path):
    stack = RNG.integers(0, 255, (3, *SHAPE), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stack, **{how: True}, metadata={"axes": axes})
    word = "channel" if axes == "CYX" else "page"
    with pytest.raises(ValueError, match=f"has 3 {word}s.*{word}=0"):
        read_image(tmp_path / "a.tif")
    (sample,) = ck.read("folder", root=tmp_path, **{word: 2})
    np.testing.assert_array_equal(sample.image, scale_image(stack[2]))


def test_three_planes_without_a_word_on_axes_are_no_colour(tmp_path):
    stack = RNG.integers(0, 255, (3, *SHAPE), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="rgb", planarconfig="separate")
    with pytest.raises(ValueError, match="may be slices, stains or colours.*page=0"):
        read_image(tmp_path / "a.tif")
    for word in ("page", "channel"):
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif", **{word: 1}),
                                      scale_image(stack[1]))  # fmt: skip


@pytest.mark.parametrize("axes", ["ZCYX", "CZYX"])
def test_a_channel_of_a_stack_is_found_by_its_axis(axes, tmp_path):
    stack = RNG.integers(0, 65535, (2, 3, *SHAPE), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stack, ome=True, metadata={"axes": axes})
    with pytest.raises(ValueError, match="name both, channel=0, page=0"):
        read_image(tmp_path / "a.tif")
    page, channel = (1, 2) if axes == "ZCYX" else (2, 1)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", page=page, channel=channel),
                                  scale_image(stack[1, 2]))  # fmt: skip
    with pytest.raises(ValueError, match="channels, expected one of number 3"):
        read_image(tmp_path / "a.tif", page=0, channel=3)


def test_a_weak_channel_of_deep_colour_is_stretched_on_its_own(tmp_path, caplog):
    colour = RNG.integers(0, 60000, (*SHAPE, 3), dtype=np.uint16)
    colour[..., 2] = 100 + 400 * (CELLS > 0)
    colour[0, 0, 2] = 65535  # a hot pixel hides nothing
    tifffile.imwrite(tmp_path / "a.tif", colour, photometric="rgb")
    with caplog.at_level(logging.WARNING):
        image = ck.read("folder", root=tmp_path)[0].image
    assert "channel 2 uses" in caplog.text and "channel=2" in caplog.text
    assert ck.dice(CELLS > 0, image[..., 2] > 0.5) > 0.99
    np.testing.assert_array_equal(image, read_image(tmp_path / "a.tif", "channels"))
