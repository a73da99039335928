"""Pictures and labels as people have them: the right value, or one sentence."""

import io
import json
import logging
import struct
import zipfile
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

import cellkit as ck
from cellkit.datasets import read_image, scale_image
from cellkit.datasets.images import read_labels, to_labels

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (40, 60), dtype=np.uint8)
CELLS = np.zeros((40, 60), np.uint8)
CELLS[3:12, 4:16], CELLS[3:12, 16:30], CELLS[20:34, 10:40] = 1, 2, 3


def save(place, array):
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.suffix == ".tif":
        tifffile.imwrite(place, array)
    else:
        Image.fromarray(array).save(place)


# ---------------------------------------------------------------- pairs of files


@pytest.mark.parametrize(("image", "labels"), [
    ("{}_img.png", "{}_masks.png"), ("{}_image.png", "{}_mask.png"), ("{}_img.png", "{}_mask.tif"),
    ("Images/{}.png", "Masks/{}.png"), ("image/{}.png", "label/{}.png"),
    ("imgs/{}.png", "masks/{}.png"), ("img/{}.png", "gt/{}.tif"), ("raw/{}.tif", "seg/{}.png"),
    ("train/images/{}.png", "train/masks/{}.png"), ("images/train/{}.png", "labels/train/{}.png"),
    ("train_images/{}.png", "train_masks/{}.png"), ("images/{}.png", "masks/{}_mask.png"),
    ("{}.tif", "{}-Labels.tif"), ("{}.tif", "{} labels.tif"), ("{}.png", "{}_seg.png"),
    ("{}.png", "{}_cp_masks.png"), ("{}.png", "{}.labels.tif"), ("{}.png", "mask_{}.png"),
    ("{}_raw.png", "{}_GT.png"), ("images/{}.png", "ground_truth/{}.png"),
    ("{}.png", "masks/{}.png"), ("images/{}_img.png", "masks/{}_masks.png"),
    ("scan_{}.png", "scan_{}_label.png"), ("images/{}.png", "annotations/{}_anno.png"),
])  # fmt: skip
@pytest.mark.parametrize("names", [("000", "001"), ("a", "a_1"), ("day 1", "day 2")])
def test_images_and_labels_of_usual_names_are_paired(image, labels, names, tmp_path):
    for k, name in enumerate(names):
        save(tmp_path / image.format(name), np.full((40, 60), 90 + k, np.uint8))
        save(tmp_path / labels.format(name), CELLS + np.uint8(k) * (CELLS > 0))
    samples = ck.read("folder", root=tmp_path)
    assert len(samples) == 2
    for sample in samples:
        k = round(sample.image.max() * 255) - 90
        np.testing.assert_array_equal(sample.labels, np.where(CELLS, CELLS + k, 0))


@pytest.mark.parametrize(("image", "labels"), [
    ("t{}.tif", "man_seg{}.tif"), ("images/t{}.tif", "labels/man_seg{}.tif"),
    ("01/t{}.tif", "01_GT/SEG/man_seg{}.tif"),
])  # fmt: skip
def test_names_of_the_cell_tracking_challenge_are_paired(image, labels, tmp_path, caplog):
    for k, number in enumerate(("000", "001")):
        save(tmp_path / image.format(number), np.full((40, 60), 90 + k, np.uint8))
        save(tmp_path / labels.format(number), CELLS + np.uint8(k) * (CELLS > 0))
        save(tmp_path / f"01_GT/TRA/man_track{number}.tif", CELLS)
    with caplog.at_level(logging.WARNING):
        samples = ck.read("folder", root=tmp_path)
    assert [s.name for s in samples] == ["t000", "t001"] and "mark tracks" in caplog.text
    for k, sample in enumerate(samples):
        np.testing.assert_array_equal(sample.labels, np.where(CELLS, CELLS + k, 0))


def test_a_name_far_longer_is_not_of_an_image_whose_own_is_cut(tmp_path):
    save(tmp_path / "images/a_img.png", GREY)
    save(tmp_path / "images/b.png", GREY)
    save(tmp_path / "masks/a_1_2_1.png", CELLS)
    save(tmp_path / "masks/b_1.png", CELLS)
    with pytest.raises(ValueError, match="a_1_2_1.png .* has no image beside it"):
        ck.read("folder", root=tmp_path)


def test_where_both_ends_of_a_name_tell_something_the_last_counts(tmp_path):
    for k, name in enumerate(["seg", "mask", "a_img"]):
        save(tmp_path / f"{name}.png", np.full((40, 60), 90 + k, np.uint8))
        save(tmp_path / f"{name}_mask.png", CELLS + np.uint8(k) * (CELLS > 0))
    samples = ck.read("folder", root=tmp_path)
    found = {round(s.image.max() * 255): s.labels for s in samples if s.labels is not None}
    for grey, labels in found.items():
        np.testing.assert_array_equal(labels, np.where(CELLS, CELLS + (grey - 90), 0))


def test_a_zip_with_backslashes_is_read(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(CELLS).save(stream, "PNG")
    with zipfile.ZipFile(tmp_path / "my.zip", "w") as archive:
        for name in ("images\\a.png", "masks\\a.png"):
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, stream.getvalue())
    (sample,) = ck.read("folder", root=tmp_path / "my.zip")
    np.testing.assert_array_equal(sample.labels, CELLS)


def test_images_of_one_name_in_two_folders_are_told_apart(tmp_path):
    for day in (1, 2):
        save(tmp_path / f"images/day{day}/cell_1.png", np.full((40, 60), 90 + day, np.uint8))
        save(tmp_path / f"masks/day{day}/cell_1.png", np.where(CELLS == day, 1, 0).astype(np.uint8))
    samples = ck.read("folder", root=tmp_path)
    assert samples.names == ["images/day1/cell_1", "images/day2/cell_1"]
    for day, sample in enumerate(samples, start=1):
        assert round(sample.image.max() * 255) == 90 + day
        np.testing.assert_array_equal(sample.labels > 0, CELLS == day)


@pytest.mark.parametrize(("file", "told"), [
    ("a_seg.npy", "Cellpose"), ("RoiSet.zip", "ImageJ"), ("a.geojson", "QuPath"),
    ("a_Simple Segmentation.h5", "ilastik"), ("coco.json", "COCO"), ("a.roi", "ImageJ"),
])  # fmt: skip
def test_damaged_labels_of_other_tools_are_named(file, told, tmp_path, caplog):
    save(tmp_path / "a.png", GREY)
    if file.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / file, "w") as archive:
            archive.writestr("0001.roi", b"Iout")
    else:
        (tmp_path / file).write_bytes(b"x")
    if told == "COCO":  # who has a name that fits no image may mean something else
        with caplog.at_level(logging.WARNING):
            assert ck.read("folder", root=tmp_path)[0].labels is None
        assert told in caplog.text and "without labels" in caplog.text
        return
    with pytest.raises(ValueError, match=f"cannot be read as {told}"):
        ck.read("folder", root=tmp_path)[0]


def test_unlabelled_images_of_a_folder_are_a_split(tmp_path, caplog):
    save(tmp_path / "images/a.png", GREY)
    save(tmp_path / "masks/a.png", CELLS)
    save(tmp_path / "unlabelled/b.png", GREY)
    with caplog.at_level(logging.WARNING):
        assert ck.read("folder", root=tmp_path).names == ["a"]
        assert ck.read("folder", root=tmp_path, split="unlabelled").names == ["b"]
    assert not caplog.text


# ---------------------------------------------------------------- masks and cell numbers


def small_cells():
    y, x = np.indices((256, 256))
    mask = np.zeros((256, 256), bool)
    for a, b in np.random.default_rng(0).integers(10, 246, (40, 2)):
        mask |= np.hypot(y - a, x - b) < 4
    return mask


@pytest.mark.parametrize("quality", [60, 75, 95])
def test_a_mask_that_once_was_a_jpeg_is_a_mask(quality, tmp_path):
    mask = small_cells()
    stream = io.BytesIO()
    Image.fromarray(mask * np.uint8(255)).save(stream, "JPEG", quality=quality)
    Image.open(stream).save(tmp_path / "m.png")
    found = read_labels(tmp_path / "m.png")
    assert found.max() == ndimage.label(mask, np.ones((3, 3)))[1]
    assert ck.dice(mask, found > 0) > 0.98


def test_a_smoothed_mask_is_a_mask():
    mask = small_cells()
    smooth = np.rint(255 * ndimage.gaussian_filter(mask * 1.0, 0.7)).astype(np.uint8)
    smooth[mask & (ndimage.distance_transform_edt(mask) > 2)] = 255
    assert to_labels(smooth).max() == to_labels(mask).max()


def rim_to_ignore():
    labels = np.zeros((64, 64), np.uint8)
    labels[5:30, 5:30] = 255
    labels[9:26, 9:26] = 1
    return labels


def two_numbers():
    labels = np.zeros((64, 64), np.uint8)
    labels[5:40, 5:40], labels[50:60, 50:60] = 255, 3
    return labels


def classes():
    inside = small_cells()
    return inside.astype(np.uint8) + (inside & ndimage.binary_erosion(inside))


def resized_linearly():
    y, x = np.indices((120, 120))
    labels = ((y // 12) * 10 + x // 12 + 1) * ((y % 12 > 2) & (x % 12 > 2))
    return np.asarray(Image.fromarray(labels.astype(np.uint8)).resize((200, 200), 2))


@pytest.mark.parametrize(("make", "told"), [
    (rim_to_ignore, "255, the largest number"), (two_numbers, "255, the largest number"),
    (lambda: classes() + 1 - (classes() == 2), "no 0"), (classes, "classes"),
    (resized_linearly, "blurred by resizing"),
])  # fmt: skip
def test_what_may_be_either_is_asked_for(make, told, tmp_path):
    save(tmp_path / "a.png", make().astype(np.uint8))
    with pytest.raises(ValueError, match=told) as caught:
        read_labels(tmp_path / "a.png")
    assert "kind='cells'" in str(caught.value) and str(caught.value).endswith(".")
    for kind in ("cells", "mask"):
        assert read_labels(tmp_path / "a.png", kind=kind).max() > 0


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint32, np.int64, np.uint16])
def test_whole_numbers_of_any_type_are_cell_numbers(kind, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", CELLS.astype(kind))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), CELLS)


def test_numbers_beyond_int32_are_counted_anew(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", CELLS.astype(np.uint32) * 1_400_000_000)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), CELLS)
    big = np.where(CELLS, CELLS.astype(np.uint64) + 2**40, 0)
    np.testing.assert_array_equal(to_labels(big), CELLS)


# ---------------------------------------------------------------- grey values


def test_few_cells_on_an_even_ground_are_seen(caplog):
    field = np.zeros((512, 512), np.uint16)
    field[100:120, 200:220] = 30000
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(scale_image(field, "depth"), field / 30000)
    assert "percentiles" in caplog.text


PACKED = (None, "tiff_adobe_deflate", "tiff_lzw", "packbits")


@pytest.mark.parametrize("tags", [{}, {262: 0}, {274: 6}, {262: 0, 274: 3}])
@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("array", [GREY, GREY > 99], ids=["grey", "bits"])
def test_a_tiff_says_the_same_however_it_is_packed(tags, packed, array, tmp_path, caplog):
    place = tmp_path / "a.tif"
    Image.fromarray(array).save(place, tiffinfo=tags, **({"compression": packed} if packed else {}))
    plain = tmp_path / "b.tif"
    Image.fromarray(array).save(plain, tiffinfo=tags)
    stored = tifffile.imread(plain)  # the second reader: uncompressed, it needs no other package
    with caplog.at_level(logging.WARNING):
        image = read_image(place)
        np.testing.assert_array_equal(read_labels(place, kind="cells"), stored)
    np.testing.assert_allclose(image, stored / (1 if stored.dtype == bool else 255), atol=1e-6)
    assert ("orientation" in caplog.text) == (274 in tags)
    assert ("white-is-zero" in caplog.text) == (262 in tags)


@pytest.mark.parametrize("packed", PACKED)
def test_a_palette_in_a_tiff_is_colour_for_images_and_numbers_for_labels(packed, tmp_path):
    picture = Image.fromarray(CELLS, "L")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.save(tmp_path / "a.tif", **({"compression": packed} if packed else {}))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif", kind="cells"), CELLS)
    shown = np.asarray(picture.convert("RGB")) / 255
    np.testing.assert_allclose(read_image(tmp_path / "a.tif"), shown, atol=1e-6)


def deep_png(array):
    """16-bit PNG of any number of channels, written by hand: Pillow writes 8 bits."""
    chunk = lambda kind, data: (  # noqa: E731
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    )
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[array.shape[2]]
    head = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 16, colour, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*part) for part in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_deep_png_keeps_its_bits(channels, tmp_path):
    twelve = RNG.integers(0, 4096, (40, 60, channels), dtype=np.uint16)
    if channels in (2, 4):
        twelve[..., -1] = 65535
    (tmp_path / "a.png").write_bytes(deep_png(twelve))
    colours = twelve[..., : channels - (channels in (2, 4))]
    expected = colours[..., 0] if colours.shape[2] == 1 else colours
    np.testing.assert_allclose(read_image(tmp_path / "a.png"), expected / 65535, atol=1e-7)


def packed_twelve(array):
    """A TIFF of 12 bits a pixel, two pixels in three bytes, written by hand."""
    bits = ["".join(f"{v:012b}" for v in row) for row in array]
    rows = b"".join(int(b + "0" * (-len(b) % 8), 2).to_bytes(-(-len(b) // 8), "big") for b in bits)
    tags = [(256, 3, array.shape[1]), (257, 3, array.shape[0]), (258, 3, 12), (259, 3, 1),
            (262, 3, 1), (273, 4, 8 + 2 + 12 * 9 + 4), (277, 3, 1), (278, 3, array.shape[0]),
            (279, 4, len(rows))]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + rows


def test_packed_twelve_bits_are_read(tmp_path):
    twelve = RNG.integers(0, 4096, (20, 30))
    (tmp_path / "a.tif").write_bytes(packed_twelve(twelve))
    np.testing.assert_allclose(read_image(tmp_path / "a.tif"), twelve / 65535, atol=1e-7)


def test_one_channel_can_be_read_alone_and_a_dark_one_is_warned_of(tmp_path, caplog):
    colour = RNG.integers(0, 60000, (40, 60, 3), dtype=np.uint16)
    colour[..., 2] = RNG.integers(0, 300, (40, 60))
    tifffile.imwrite(tmp_path / "a.tif", colour, photometric="rgb")
    with caplog.at_level(logging.WARNING):
        read_image(tmp_path / "a.tif", scale="depth")
    assert "channel=2" in caplog.text
    alone = read_image(tmp_path / "a.tif", "minmax", channel=2)
    np.testing.assert_allclose(alone, scale_image(colour[..., 2], "minmax"))
    folder = ck.read("folder", root=tmp_path, channel=2, scale="minmax")
    np.testing.assert_array_equal(folder[0].image, alone)


def test_three_slices_are_not_taken_for_colours_in_silence(tmp_path, caplog):
    tifffile.imwrite(tmp_path / "z.tif", RNG.integers(0, 255, (3, 40, 60), dtype=np.uint8))
    with caplog.at_level(logging.WARNING):
        try:
            read_image(tmp_path / "z.tif")
        except ValueError as error:
            assert "page=0" in str(error)
        else:
            assert "channel=0" in caplog.text


@pytest.mark.parametrize(("name", "data", "told"), [
    ("a.png", b"\x1f\x8b\x08\0", "packed with gzip"),
    ("a.tif", b"<!DOCTYPE html><html>sign in", "login page"),
    ("a.png", b"", "empty file"),
    ("a.tif", b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
    ("a.jpg", b"%PDF-1.4", "a PDF"),
])  # fmt: skip
def test_what_a_file_really_is_is_said(name, data, told, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=told):
        read_image(tmp_path / name)


def test_a_picture_too_large_is_not_called_damaged(tmp_path):
    Image.new("1", (14000, 14000)).save(tmp_path / "slide.png")
    with pytest.raises(ValueError, match="more pixels than Pillow opens unasked") as caught:
        read_image(tmp_path / "slide.png")
    assert "download" not in str(caught.value)


def test_channels_are_counted_as_channels(tmp_path):
    planes = RNG.integers(0, 255, (5, 40, 60), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="minisblack", planarconfig="separate")
    with pytest.raises(ValueError, match="5 channels|5 pages") as caught:
        read_image(tmp_path / "a.tif")
    assert "=0" in str(caught.value)


# ---------------------------------------------------------------- COCO


def box(x):
    return [[x, 5, x + 9, 5, x + 9, 14, x, 14]]


def coco(folder, images, annotations):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "my_train.json").write_text(json.dumps({
        "images": [{"id": i, "file_name": f, "height": 64, "width": 96} for i, f in images],
        "annotations": [{"image_id": i, "category_id": 1, "segmentation": box(x)}
                        for i, x in annotations],
    }))  # fmt: skip


@pytest.mark.parametrize("slash", ["/", "\\"])
@pytest.mark.parametrize("top", ["", "images/", "./"])
def test_the_folder_counts_where_images_have_one_name(slash, top, tmp_path):
    for day, grey in (("day1", 10), ("day2", 200)):
        save(tmp_path / f"images/{day}/cell_1.tif", np.full((64, 96), grey, np.uint8))
    names = [(1, f"{top}day2/cell_1.tif".replace("/", slash)),
             (2, f"{top}day1/cell_1.tif".replace("/", slash))]  # fmt: skip
    coco(tmp_path, names, [(1, 5), (1, 50), (2, 20)])
    samples = ck.read("livecell", root=tmp_path, split="train")
    found = {round(s.image.mean() * 255): int(s.labels.max()) for s in samples}
    assert found == {200: 2, 10: 1} and len(set(samples.names)) == 2


def test_a_name_that_may_mean_two_images_is_refused(tmp_path):
    for day, grey in (("day1", 10), ("day2", 200)):
        save(tmp_path / f"images/{day}/cell_1.tif", np.full((64, 96), grey, np.uint8))
    coco(tmp_path, [(1, "cell_1.tif")], [(1, 5)])
    with pytest.raises(ValueError, match="may be .* which differ"):
        ck.read("livecell", root=tmp_path, split="train")[0]


@pytest.mark.parametrize(("images", "told"), [
    ([(1, "a.tif"), (1, "b.tif")], "id 1 to two images"),
    ([(1, "a.tif"), (2, "x/a.tif")], "one image of that name"),
])  # fmt: skip
def test_a_repeated_id_or_name_is_refused(images, told, tmp_path):
    for name in "ab":
        save(tmp_path / f"images/{name}.tif", np.zeros((64, 96), np.uint8))
    coco(tmp_path, images, [(1, 5), (1, 50)])
    with pytest.raises(ValueError, match=told):
        ck.read("livecell", root=tmp_path, split="train")


def test_an_image_listed_twice_is_read_once_and_said(tmp_path, caplog):
    # LIVECell's own training part lists 65 images twice, under two ids.
    save(tmp_path / "images/a.tif", np.zeros((64, 96), np.uint8))
    coco(tmp_path, [(1, "a.tif"), (2, "a.tif")], [(1, 5), (2, 50), (2, 70)])
    with caplog.at_level(logging.WARNING):
        samples = ck.read("livecell", root=tmp_path, split="train")
    assert [int(s.labels.max()) for s in samples] == [1]
    assert "lists 1 image(s) twice" in caplog.text


def test_images_that_are_known_to_be_outlined_in_part_are_named(tmp_path, caplog):
    name = "BV2_Phase_A4_2_00d00h00m_1.tif"
    save(tmp_path / "images" / name, np.zeros((64, 96), np.uint8))
    coco(tmp_path, [(1, name)], [(1, 5)])
    with caplog.at_level(logging.WARNING):
        ck.read("livecell", root=tmp_path, split="train")
    assert "only a few cells were outlined" in caplog.text and "BV2_Phase_A4" in caplog.text


def test_more_behind_the_end_of_a_json_is_told(tmp_path):
    save(tmp_path / "images/a.tif", np.zeros((64, 96), np.uint8))
    coco(tmp_path, [(1, "a.tif")], [(1, 5)])
    file = tmp_path / "my_train.json"
    whole = file.read_text()
    file.write_text(whole + " \n\t\n")
    assert len(ck.read("livecell", root=tmp_path, split="train")) == 1
    file.write_text(whole + whole)
    with pytest.raises(ValueError, match="behind the end of its json"):
        ck.read("livecell", root=tmp_path, split="train")


@pytest.mark.parametrize("files", [
    ("a.png", "a_mask.png", "a_cp_masks.png"), ("1_raw.png", "001_label.png", "1_label.png"),
    ("images/a.png", "masks/a.png", "masks/a.tif"),
    ("images/a_img.png", "masks/a_img_1.png", "masks/a_1.png"),
    ("a.png", "a_seg.png", "masks/a.png"),
])  # fmt: skip
def test_two_files_of_labels_for_one_image_are_asked_about(files, tmp_path):
    for name in files:
        save(tmp_path / name, CELLS)
    with pytest.raises(ValueError, match="are labels of one image by their names"):
        ck.read("folder", root=tmp_path)


def test_a_damaged_deep_png_does_not_end_the_process(tmp_path):
    whole = deep_png(RNG.integers(0, 4096, (40, 60, 3), dtype=np.uint16))
    for at in range(30, len(whole), 997):
        for bad in (whole[:at], whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :]):
            (tmp_path / "a.png").write_bytes(bad)
            with pytest.raises(ValueError, match="cannot be read as an image"):
                read_image(tmp_path / "a.png")
