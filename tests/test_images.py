"""Image files of every kind, whole and broken."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from cellkit.datasets import read_image, scale_image, to_grey

RNG = np.random.default_rng(0)
GREY8 = RNG.integers(0, 256, (17, 31), dtype=np.uint8)
GREY16 = RNG.integers(0, 65536, (17, 31), dtype=np.uint16)
RGB8 = RNG.integers(0, 256, (17, 31, 3), dtype=np.uint8)
RGB16 = RNG.integers(0, 65536, (17, 31, 3), dtype=np.uint16)


def pillow(array, **options):
    return lambda path: Image.fromarray(array).save(path, **options)


def tiff(array, **options):
    return lambda path: tifffile.imwrite(path, array, **options)


def with_alpha(array, alpha):
    return np.concatenate([array, np.full((*array.shape[:2], 1), alpha, array.dtype)], axis=2)


FILES = {
    "grey8.tif": (tiff(GREY8), GREY8 / 255),
    "grey16.tif": (tiff(GREY16), GREY16 / 65535),
    "grey16.TIFF": (tiff(GREY16), GREY16 / 65535),
    "rgb8.tif": (tiff(RGB8, photometric="rgb"), RGB8 / 255),
    "rgb16.tif": (tiff(RGB16, photometric="rgb"), RGB16 / 65535),
    "planes16.tif": (
        tiff(np.moveaxis(RGB16, 2, 0), photometric="rgb", planarconfig="separate",
             metadata=None),  # as other programs write it
        RGB16 / 65535,
    ),
    "rgba8.tif": (
        tiff(with_alpha(RGB8, 255), photometric="rgb", extrasamples=["unassalpha"]),
        RGB8 / 255,
    ),
    "float.tif": (tiff((GREY16 / 65535).astype(np.float32)), GREY16 / 65535),
    "double.tif": (tiff(GREY16 / 65535), GREY16 / 65535),
    "bool.tif": (tiff(GREY8 > 99), GREY8 > 99),
    "deflated.tif": (tiff(GREY16, compression="zlib"), GREY16 / 65535),
    "big_endian.tif": (tiff(GREY16, byteorder=">", bigtiff=True), GREY16 / 65535),
    "lzw8.tif": (pillow(GREY8, compression="tiff_lzw"), GREY8 / 255),  # LIVECell's
    "lzw16.tif": (pillow(GREY16, compression="tiff_lzw"), GREY16 / 65535),
    "lzw_rgb.tif": (pillow(RGB8, compression="tiff_lzw"), RGB8 / 255),
    "grey8.png": (pillow(GREY8), GREY8 / 255),
    "grey16.png": (pillow(GREY16), GREY16 / 65535),
    "rgb8.png": (pillow(RGB8), RGB8 / 255),
    "rgba8.png": (pillow(with_alpha(RGB8, 255)), RGB8 / 255),
    "glass.png": (pillow(with_alpha(RGB8, 40)), RGB8 / 255),
    "grey_alpha.png": (pillow(with_alpha(GREY8[..., None], 255)), GREY8 / 255),
    "bits.png": (pillow(GREY8 > 99), GREY8 > 99),
    "palette.png": (
        lambda path: Image.fromarray(RGB8 // 85 * 85).quantize(64).save(path),
        RGB8 // 85 * 85 / 255,
    ),
    "grey8.bmp": (pillow(GREY8), GREY8 / 255),
    "rgb8.bmp": (pillow(RGB8), RGB8 / 255),
    "grey_as_rgb.png": (pillow(np.dstack([GREY8] * 3)), GREY8 / 255),
    "grey_as_rgb16.tif": (tiff(np.dstack([GREY16] * 3), photometric="rgb"), GREY16 / 65535),
    "one_pixel.png": (pillow(GREY8[:1, :1]), GREY8[:1, :1] / 255),
}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_gives_its_pixels(name, tmp_path):
    write, expected = FILES[name]
    write(tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.dtype == np.float32 and image.shape == expected.shape
    np.testing.assert_allclose(image, expected, atol=1e-7)


@pytest.mark.parametrize(("name", "shape"), [("a.jpg", (40, 50)), ("a.jpeg", (40, 50, 3))])
def test_jpeg_comes_close_and_keeps_its_channels(name, shape, tmp_path):
    ramp = np.linspace(0, 255, 40 * 50).reshape(40, 50)
    pixels = ramp if len(shape) == 2 else np.dstack([ramp, ramp[::-1], ramp[:, ::-1]])
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name, quality=95)
    image = read_image(tmp_path / name)
    assert image.shape == shape
    assert np.abs(image - pixels / 255).mean() < 0.02


# ---------------------------------------------------------------- broken files


@pytest.mark.parametrize("name", ["grey16.tif", "lzw8.tif", "deflated.tif", "rgb8.png", "rgb8.bmp"])
def test_a_file_cut_anywhere_is_refused(name, tmp_path):
    FILES[name][0](tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    cut = tmp_path / f"cut_{name}"
    for share in (0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9):
        cut.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(ValueError, match="cannot be read as an image|holds no image") as caught:
            read_image(cut)
        assert str(cut) in str(caught.value) and str(caught.value).endswith("download it again.")


def test_a_jpeg_cut_in_half_is_refused(tmp_path):
    Image.fromarray(RGB8).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cannot be read"):
        read_image(tmp_path / "a.jpg")


def varying_alpha():
    return np.dstack([RGB8, GREY8])


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("text.png", lambda path: path.write_text("hello", encoding="utf-8"), "cannot be read"),
        ("stack.tif", tiff(np.stack([GREY16] * 5), photometric="minisblack"), "has 5 pages"),
        ("fields.tif", tiff(np.dstack([GREY8] * 5), planarconfig="contig"), r"\(17, 31, 5\)"),
        ("volume.tif", tiff(
            np.zeros((4, 16, 16), np.uint8), photometric="minisblack", volumetric=True,
            tile=(4, 16, 16)),
         "axes ZYX"),
        ("film.png", lambda path: Image.fromarray(GREY8).save(
            path, save_all=True, append_images=[Image.fromarray(255 - GREY8)]), "has 2 pages"),
        ("glass.png", pillow(varying_alpha()), "alpha channel varies"),
        ("nan.tif", tiff(np.where(GREY8 > 9, np.nan, 0).astype(np.float32)), "NaN"),
        ("loud.tif", tiff((GREY8 * 1.0).astype(np.float32)), "expected 8 or 16 bits or float"),
        ("deep.tif", tiff(GREY16.astype(np.uint32)), "expected 8 or 16 bits or float"),
        ("signed.tif", tiff(GREY8.astype(np.int16) - 9), "expected 8 or 16 bits or float"),
        ("complex.tif", tiff(GREY8.astype(np.complex64)), "expected whole or real numbers"),
    ],
)  # fmt: skip
def test_what_is_no_single_image_is_named_in_one_sentence(name, write, message, tmp_path):
    write(tmp_path / name)
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        read_image(tmp_path / name)
    text = str(caught.value)
    assert str(tmp_path / name) in text and "expected" in text
    assert text.endswith(".") and "\n" not in text


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no image file at .*nothing.png"):
        read_image(tmp_path / "nothing.png")
    with pytest.raises(FileNotFoundError, match="no image file"):
        read_image(tmp_path)


# ---------------------------------------------------------------- scaling


def test_minmax_and_percentiles_are_numpys():
    values = GREY16.astype(np.float64)
    stretched = (values - values.min()) / (values.max() - values.min())
    np.testing.assert_allclose(scale_image(GREY16, "minmax"), stretched, atol=1e-6)
    for scale, pair in [("percentile", (1, 99.8)), ((5, 95), (5, 95)), ([0, 50], (0, 50))]:
        low, high = np.percentile(values, pair)
        expected = np.clip((values - low) / (high - low), 0, 1)
        np.testing.assert_allclose(scale_image(GREY16, scale), expected, atol=1e-6)


def test_twelve_bits_in_sixteen_are_dim_by_type_and_full_by_minmax():
    twelve = (GREY16 >> 4).astype(np.uint16)
    assert scale_image(twelve).max() < 0.07
    assert scale_image(twelve, "minmax").max() == 1


def test_colours_are_stretched_together():
    colour = np.dstack([GREY8 // 4, GREY8 // 2, GREY8])
    scaled = scale_image(colour, "minmax")
    np.testing.assert_allclose(scaled[..., 1] * (colour.max() - colour.min()), colour[..., 1]
                               - float(colour.min()), atol=1e-4)


@pytest.mark.parametrize("scale", ["dtype", "minmax", "percentile", (2, 98)])
@pytest.mark.parametrize("array", [GREY8, GREY16, RGB8, GREY8 > 99, GREY8 / 255])
def test_scaled_images_are_float32_within_zero_and_one(array, scale):
    scaled = scale_image(array, scale)
    assert scaled.dtype == np.float32 and scaled.shape == array.shape
    assert scaled.min() >= 0 and scaled.max() <= 1


@pytest.mark.parametrize("scale", ["minmax", "percentile"])
@pytest.mark.parametrize("shape", [(1, 1), (17, 31)])
def test_an_image_of_one_value_becomes_black(scale, shape):
    assert not scale_image(np.full(shape, 77, np.uint8), scale).any()


@pytest.mark.parametrize("scale", ["max", (99, 1), (0, 101), (1, 2, 3), None, (5,), (3, 3),
                                   (1, "a"), (None, 5)])
def test_an_unknown_scale_names_the_known(scale):
    with pytest.raises(ValueError, match="expected 'dtype', 'minmax', 'percentile'"):
        scale_image(GREY8, scale)


@pytest.mark.parametrize("scale", ["dtype", "minmax", "percentile"])
def test_nan_infinity_and_nothing_are_refused(scale):
    for wrong in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="1 values that are NaN or infinite"):
            scale_image(np.array([[0.5, wrong]]), scale)
    with pytest.raises(ValueError, match="empty"):
        scale_image(np.zeros((0, 4), np.uint8), scale)
    with pytest.raises(TypeError, match="expected whole or real"):
        scale_image(np.array([["a"]]), scale)


def test_grey_is_pillows():
    expected = np.asarray(Image.fromarray(RGB8).convert("L")) / 255
    found = to_grey(scale_image(RGB8))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=0.5 / 255 + 1e-3)
    np.testing.assert_array_equal(to_grey(scale_image(GREY8)), scale_image(GREY8))


@pytest.mark.parametrize("image, error, told", [
    (np.zeros((3, 3, 4)), ValueError, r"shape \(3, 3, 4\), expected"),
    (np.zeros((0, 3)), ValueError, "not empty"),
    (RGB8, TypeError, "uint8, expected a float image.*scale_image"),
    (GREY16, TypeError, "uint16, expected a float image"),
    (RGB8 / 1, ValueError, r"expected \[0, 1\]"),
    (np.full((3, 3), np.nan), ValueError, "without NaN"),
])
def test_what_cannot_be_made_grey_is_told(image, error, told):
    with pytest.raises(error, match=told):
        to_grey(image)
