"""Reports of other people on other trackers, each tried on cellkit: what is right here.

The address says where the report was found.  Nothing in a report is code of ours.
"""

import json
import logging

import numpy as np
import pytest
import tifffile
from PIL import Image

import cellkit as ck
from cellkit.annotations import label_map
from cellkit.datasets import read_image
from cellkit.datasets.images import read_labels, to_labels

CELLS = np.zeros((30, 40), np.uint8)
CELLS[3:9, 4:12], CELLS[3:9, 20:30], CELLS[15:27, 8:30] = 1, 2, 3
GREY = np.arange(1200, dtype=np.uint16).reshape(30, 40)


def save(place, array=CELLS, **options):
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(place, **options)


def livecell(root, images, annotations, split="train"):
    (root / f"x_{split}.json").write_text(json.dumps({
        "images": [{"id": i, "file_name": f, "height": 30, "width": 40} for i, f in images],
        "annotations": [{"image_id": i, "segmentation": s} for i, s in annotations],
    }))  # fmt: skip
    for _, name in images:
        save(root / "images" / name)


BOX = [[4, 4, 12, 4, 12, 9, 4, 9]]


def test_livecell_26_and_14_an_image_under_two_ids(tmp_path, caplog):
    """github.com/sartorius-research/LIVECell/issues/26 and 14"""
    livecell(tmp_path, [(7, "a.tif"), (9, "a.tif"), (8, "b.tif")], [(7, BOX), (9, BOX), (8, BOX)])
    with caplog.at_level(logging.WARNING):
        assert ck.read("livecell", tmp_path, split="train").names == ["a", "b"]
    assert "twice" in caplog.text


def test_livecell_21_images_outlined_in_part(tmp_path, caplog):
    """github.com/sartorius-research/LIVECell/issues/21"""
    livecell(tmp_path, [(1, "A172_Phase_A7_1_01d04h00m_3.tif")], [(1, BOX)])
    with caplog.at_level(logging.WARNING):
        ck.read("livecell", tmp_path, split="train")
    assert "only a few cells" in caplog.text


def test_livecell_12_a_json_that_ends_in_the_middle(tmp_path):
    """github.com/sartorius-research/LIVECell/issues/12"""
    livecell(tmp_path, [(1, "a.tif")], [(1, BOX)] * 9)
    file = tmp_path / "x_train.json"
    file.write_text(file.read_text()[:-60])
    with pytest.raises(ValueError, match="cut off"):
        ck.read("livecell", tmp_path, split="train")


def test_livecell_1_an_image_in_no_annotation_file(tmp_path, caplog):
    """github.com/sartorius-research/LIVECell/issues/1"""
    livecell(tmp_path, [(1, "a.tif")], [(1, BOX)])
    save(tmp_path / "images" / "MCF7_Phase_E4_1_00d00h00m_1.tif")
    with caplog.at_level(logging.WARNING):
        assert ck.read("livecell", tmp_path).names == ["a"]
    assert "MCF7_Phase_E4" in caplog.text


def test_livecell_30_outlines_that_overlap():
    """github.com/sartorius-research/LIVECell/issues/30"""
    small = [[6, 5, 10, 5, 10, 8, 6, 8]]
    labels = label_map([small, BOX], (30, 40))
    assert set(np.unique(labels)) == {0, 1, 2} and (labels == 1).sum() == 12
    np.testing.assert_array_equal(labels > 0, label_map([BOX], (30, 40)) > 0)


def test_cellpose_483_and_symbac_58_more_cells_than_eight_bits_count():
    """github.com/MouseLand/cellpose/issues/483, github.com/georgeoshardo/SyMBac/pull/58"""
    y, x = np.indices((160, 160))
    cells = ((y // 8) * 20 + x // 8 + 1) * ((y % 8 > 1) & (x % 8 > 1))
    np.testing.assert_array_equal(to_labels(cells), cells)
    with pytest.raises(ValueError, match="more cells than their type can count"):
        to_labels(cells.astype(np.uint8))


def test_cellpose_741_and_283_more_than_65535_cells(tmp_path):
    """github.com/MouseLand/cellpose/issues/741 and 283"""
    tifffile.imwrite(tmp_path / "a.tif", np.where(CELLS, CELLS + np.uint32(70000), 0))
    assert set(np.unique(read_labels(tmp_path / "a.tif"))) == {0, 70001, 70002, 70003}


@pytest.mark.parametrize(("image", "labels"), [
    ("brabra_image.tiff", "brabra_masks.tiff"), ("img_0.tif", "img_0_masks.tif"),
    ("image1.tif", "masks/image1_mask.tif"), ("wells_000_img.tif", "wells_000_masks.tif"),
])  # fmt: skip
def test_cellpose_396_667_1064_and_50_names_of_pairs(image, labels, tmp_path):
    """github.com/MouseLand/cellpose/issues/396, 667, 1064 and 50"""
    save(tmp_path / image, GREY)
    save(tmp_path / labels)
    (sample,) = ck.read("folder", tmp_path)
    np.testing.assert_array_equal(sample.labels, CELLS)


def test_cellpose_1124_only_a_seg_npy(tmp_path):
    """github.com/MouseLand/cellpose/issues/1124"""
    save(tmp_path / "B3_8_pre_release0000.tif", GREY)
    beside = tmp_path / "B3_8_pre_release0000_seg.npy"
    np.save(beside, {"masks": CELLS.astype(np.uint16), "filename": "B3_8_pre_release0000.tif"})
    np.testing.assert_array_equal(ck.read("folder", tmp_path)[0].labels, CELLS)
    beside.write_bytes(b"x")
    with pytest.raises(ValueError, match="_seg.npy cannot be read as Cellpose or numpy"):
        ck.read("folder", tmp_path)[0]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_cellpose_446_detectron2_1760_labels_with_a_palette(suffix, tmp_path):
    """github.com/MouseLand/cellpose/issues/446

    github.com/facebookresearch/detectron2/issues/1760
    """
    picture = Image.fromarray(CELLS)
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0])
    picture.save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(read_labels(tmp_path / f"a.{suffix}"), CELLS)


def test_skimage_1940_and_imageio_355_binary_tiff_with_white_as_zero(tmp_path, caplog):
    """github.com/scikit-image/scikit-image/issues/1940, github.com/imageio/imageio/issues/355"""
    save(tmp_path / "plain.tif", CELLS > 0, tiffinfo={262: 0})
    stored = tifffile.imread(tmp_path / "plain.tif")
    for packed in ({}, {"compression": "tiff_lzw"}):
        save(tmp_path / "a.tif", CELLS > 0, tiffinfo={262: 0}, **packed)
        with caplog.at_level(logging.WARNING):
            np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), stored)
        assert "white-is-zero" in caplog.text


def test_skimage_3150_a_phone_that_turns_its_pictures(tmp_path, caplog):
    """github.com/scikit-image/scikit-image/issues/3150"""
    exif = Image.Exif()
    exif[274] = 6
    save(tmp_path / "a.jpg", exif=exif)
    with caplog.at_level(logging.WARNING):
        assert read_image(tmp_path / "a.jpg").shape == (30, 40)
    assert "orientation is set aside" in caplog.text


def test_pillow_274_and_452_sixteen_bits_are_not_clipped(tmp_path):
    """github.com/python-pillow/Pillow/issues/274 and 452"""
    for place in (tmp_path / "a.tif", tmp_path / "a.png"):
        save(place, GREY * 3)
        np.testing.assert_allclose(read_image(place), GREY * 3 / 65535, atol=1e-7)
    tifffile.imwrite(tmp_path / "b.tif", GREY + 32000, byteorder=">")
    np.testing.assert_allclose(read_image(tmp_path / "b.tif"), (GREY + 32000) / 65535, atol=1e-7)


def test_pillow_2577_signed_sixteen_bits(tmp_path):
    """github.com/python-pillow/Pillow/pull/2577"""
    tifffile.imwrite(tmp_path / "a.tif", GREY.astype(np.int16) - 600)
    with pytest.raises(ValueError, match="int16 values from -600 to 599"):
        read_image(tmp_path / "a.tif")
    np.testing.assert_allclose(read_image(tmp_path / "a.tif", "minmax"), GREY / 1199, atol=1e-6)


@pytest.mark.parametrize("one_head", [False, True])
def test_imageio_681_and_226_hyperstacks(one_head, tmp_path):
    """github.com/imageio/imageio/issues/681 and 226"""
    stack = np.arange(3 * 2 * 1200, dtype=np.uint16).reshape(3, 2, 30, 40)
    place = tmp_path / "a.tif"
    tifffile.imwrite(place, stack, imagej=True)
    if one_head:  # as ImageJ writes what is large: one page's head, and all pixels behind it
        with tifffile.TiffFile(place) as file:
            page, order = file.pages[0], {">": "big", "<": "little"}[file.byteorder]
        data = bytearray(place.read_bytes())
        count = int.from_bytes(data[page.offset : page.offset + 2], order)
        at = page.offset + 2 + 12 * count
        data[at : at + 4] = bytes(4)
        place.write_bytes(data)
    with pytest.raises(ValueError, match="2 channels on each of 3 pages"):
        read_image(place)
    for k in (0, 3, 5):
        np.testing.assert_allclose(read_image(place, page=k), stack.reshape(6, 30, 40)[k] / 65535)


def test_tifffile_72_one_file_of_a_series_whose_others_are_missing(tmp_path):
    """github.com/cgohlke/tifffile/issues/72 and 54"""
    tifffile.imwrite(tmp_path / "a.ome.tif", np.stack([GREY, GREY]), metadata={"axes": "CYX"})
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        told = file.ome_metadata.replace('FileName="a.ome.tif"', 'FileName="b.ome.tif"')
    tifffile.imwrite(tmp_path / "c.tif", GREY, description=told, metadata=None)
    np.testing.assert_allclose(read_image(tmp_path / "c.tif"), GREY / 65535, atol=1e-7)


def test_stardist_52_and_136_masks_where_all_cells_have_one_number():
    """github.com/stardist/stardist/issues/52 and 136"""
    for value in (1, 255, 7):
        assert to_labels((CELLS > 0).astype(np.uint16) * np.uint16(value)).max() == 3


def test_cocoapi_348_polygons_of_two_points():
    """github.com/cocodataset/cocoapi/issues/348"""
    with pytest.raises(ValueError, match="polygon of 2 points"):
        label_map([[[10, 5, 10, 9], *BOX]], (30, 40))


def test_cocoapi_488_darwin_1178_a_run_length_code_of_another_size():
    """github.com/cocodataset/cocoapi/issues/488, github.com/v7labs/darwin-py/pull/1178"""
    with pytest.raises(ValueError, match=r"RLE for size \[40, 30\], expected \[30, 40\]"):
        label_map([{"size": [40, 30], "counts": [1200]}], (30, 40))


def test_cocoapi_658_pixels_of_a_polygon_are_pycocotools():
    """github.com/cocodataset/cocoapi/issues/658"""
    from pycocotools import mask

    polygon = [0, 0, 0, 9, 9, 9, 9, 0]
    expected = mask.decode(mask.frPyObjects([polygon], 30, 40))[..., 0]
    np.testing.assert_array_equal(label_map([[polygon]], (30, 40)), expected)


def test_mftcoder_20_a_git_lfs_pointer_in_the_place_of_weights(tmp_path):
    """github.com/codefuse-ai/MFTCoder/issues/20"""
    bundled = ck.weights.FOLDER / "livecell.json"
    (tmp_path / "x.json").write_bytes(bundled.read_bytes())
    (tmp_path / "x.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match="git lfs pull"):
        ck.load_weights(tmp_path / "x.safetensors")


def test_sida_25_and_fcbformer_6_masks_with_greys_between(tmp_path):
    """github.com/hzlsaber/SIDA/issues/25, github.com/ESandML/FCBFormer/issues/6"""
    big = np.kron(CELLS > 0, np.ones((4, 4))).astype(np.uint8) * 255
    save(tmp_path / "a.jpg", big, quality=85)
    Image.open(tmp_path / "a.jpg").save(tmp_path / "a.png")
    assert read_labels(tmp_path / "a.png").max() == 3
