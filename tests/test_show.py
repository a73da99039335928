"""Figures carry their text alternative and say nothing by colour alone."""

import base64
import io
import re
from itertools import combinations

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib import style
from matplotlib.colors import rgb_to_hsv, to_rgb
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2gray, rgb2lab

import cellkit as ck
from cellkit import show
from cellkit.show import figures

ALT = "A square that is half white and half black"


@pytest.fixture
def notebook():
    """An IPython shell, so that figures go out as in a notebook."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_a_figure_goes_out_as_html_with_its_alt_text(notebook):
    with capture_output() as caught:
        show.images([np.eye(8)], ["eye"], alt=ALT + ' with "quotes" & <signs>')
    (output,) = caught.outputs
    assert re.search(r'<img alt="A square .* &quot;quotes&quot; &amp; &lt;signs&gt;"',
                     output.data["text/html"])
    assert output.data["text/plain"].startswith("[Figure: A square")
    assert "background:#fff" in output.data["text/html"]  # readable in dark mode
    # nbconvert's PDF, VS Code's export and others show no HTML: a PNG with the same words.
    assert base64.b64decode(output.data["image/png"])[:4] == b"\x89PNG"
    assert output.metadata["image/png"]["alt"] == ALT + ' with "quotes" & <signs>'


def drawn(caught):
    """The pixels of the figure that was shown, uint8 (H, W, 3)."""
    data = base64.b64decode(caught.outputs[0].data["image/png"])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_a_readers_dark_style_changes_nothing(notebook):
    def figure():
        fig, ax = show.axes()
        ax.plot([1, 3], label="a line")
        ax.set(title="title", xlabel="x", ylabel="y")
        ax.text(0.5, 2, "words")
        ax.legend()
        show.figure(fig, ALT)

    with capture_output() as usual:
        figure()
    with style.context("dark_background"), capture_output() as dark:
        figure()
    assert (drawn(dark) == drawn(usual)).mean() > 0.97  # the line's own colour may differ
    assert (drawn(dark) < 50).all(-1).sum() == pytest.approx((drawn(usual) < 50).all(-1).sum(),
                                                             rel=0.1)


@pytest.mark.parametrize("size", [3, 9])
def test_the_legend_of_a_comparison_has_swatches(notebook, size):
    field = np.zeros((60, 90), bool)
    with capture_output() as caught:
        show.images([show.compare(field, field)], alt=ALT, caption=show.legend_of_compare(),
                    size=size)
    pixels = drawn(caught)
    for mark in show.MARKS:
        found = (abs(pixels / 255 - to_rgb(mark.colour)) < 0.01).all(-1)
        assert found.sum() > 60, mark.name
        assert mark.name in show.legend_of_compare() and mark.meaning in show.legend_of_compare()

def test_without_a_notebook_the_text_is_printed(capsys):
    show.curves({"one": [1, 2], "two": [2, 1]}, alt=ALT)
    assert capsys.readouterr().out == f"[Figure: {ALT}]\n"


@pytest.mark.parametrize("alt", ["", "   ", "a plot", None])
def test_no_figure_without_words(alt):
    with pytest.raises(ValueError, match="text alternative"):
        show.images([np.eye(8)], alt=alt)


def test_hits_misses_and_false_alarms_differ_in_grey_too():
    truth, pred = np.zeros((90, 240), bool), np.zeros((90, 240), bool)
    truth[:, 60:180], pred[:, 120:] = True, True
    grey = rgb2gray(show.compare(truth, pred))
    background, missed, hit, false_alarm = (grey[:, i : i + 60] for i in (0, 60, 120, 180))
    assert np.ptp(background) == 0 and np.ptp(hit) == 0 and background[0, 0] != hit[0, 0]
    # Stripes: constant along one diagonal, changing along the other, and the two kinds differ.
    assert (missed[1:, 1:] == missed[:-1, :-1]).all() and np.ptp(missed) > 0.3
    assert (false_alarm[1:, :-1] == false_alarm[:-1, 1:]).all() and np.ptp(false_alarm) > 0.3


#: Machado, Oliveira and Fernandes (2009), severity 1; on linear RGB.
EYES = {
    "all cones": np.eye(3),
    "no long": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998]],
    "no medium": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                  [-0.011820, 0.042940, 0.968881]],
    "no short": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                 [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def seen(colour, eye):
    """A colour as such an eye sees it, in CIELAB."""
    srgb = np.array(to_rgb(colour))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(EYES[eye]) @ linear, 0, 1)
    return rgb2lab(np.where(linear <= 0.0031308, 12.92 * linear,
                            1.055 * linear ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("eye", EYES)
def test_no_eye_takes_one_outcome_for_another(eye):
    for one, other in combinations([mark.colour for mark in show.MARKS], 2):
        assert deltaE_ciede2000(seen(one, eye), seen(other, eye)) > 20, (one, other)


@pytest.mark.parametrize("name, low, high", [
    ("BLUE", 195, 225), ("ORANGE", 20, 38), ("PINK", 310, 345), ("GREEN", 120, 170),
    ("RED", 345, 360),
])  # fmt: skip
def test_colours_are_what_they_are_called(name, low, high):
    hue, saturation, value = rgb_to_hsv(to_rgb(getattr(show, name)))
    assert low < 360 * hue < high
    assert (saturation < 0.5 and value > 0.9) if name == "PINK" else saturation > 0.9


def test_a_comparison_shows_its_colours_at_full_value_and_keeps_the_texture():
    truth, pred = np.zeros((90, 240), bool), np.zeros((90, 240), bool)
    truth[:, 60:180], pred[:, 120:] = True, True
    image = 0.5 + 0.01 * np.random.default_rng(0).standard_normal(truth.shape).clip(-3, 3)
    picture = show.compare(truth, pred, image)
    for first, mark in zip((60, 180, 120), show.MARKS, strict=True):
        part = picture[:, first:first + 60].reshape(-1, 3)
        plain = part[(abs(part - to_rgb(mark.stripes or "black")) > 1e-6).any(-1)]
        assert abs(np.median(plain, 0) - to_rgb(mark.colour)).max() < 0.02, mark.name
        assert plain.std(0).max() > 0.03


def test_touching_cells_are_parted_by_a_white_rim():
    labels = np.zeros((20, 20), np.int32)
    labels[2:18, 2:10], labels[2:18, 10:18] = 1, 2
    picture = show.colour_labels(labels)
    assert (picture[5, 9] == 1).all() and (picture[5, 10] == 1).all()
    assert (picture[5, 5] != picture[5, 14]).any() and (picture[0, 0] == 0).all()
    assert not show.colour_labels(np.zeros((3, 3), np.int32)).any()


RGB8 = np.full((4, 5, 3), 200, np.uint8)


@pytest.mark.parametrize("image, error, words", [
    (RGB8[..., 0], TypeError, "the image is uint8, expected a float"),
    (np.full((4, 5), 9.0), ValueError, r"expected \[0, 1\]"),
    (np.zeros((4, 5, 3)), ValueError, "to_grey"),
    (np.zeros((4, 4)), ValueError, r"shape \(4, 4\) and what is drawn on it \(4, 5\)"),
])
def test_what_cannot_lie_underneath(image, error, words):
    for draw in (show.colour_labels, lambda cells, image: show.compare(cells, cells, image)):
        with pytest.raises(error, match=words):
            draw(np.eye(4, 5, dtype=int), image)


@pytest.mark.parametrize("truth, pred, words", [
    (np.eye(4) > 0, np.eye(4) * 0.01, "pred has values from 0 to 0.01 where a mask is meant"),
    (np.eye(4), np.eye(5), "expected the same"),
    (-np.eye(4, dtype=int), np.eye(4), "negative"),
    (np.zeros((2, 4, 4)), np.zeros((2, 4, 4)), "2 images, expected one"),
])
def test_what_cannot_be_compared(truth, pred, words):
    with pytest.raises(ValueError, match=words):
        show.compare(truth, pred)


def test_masks_and_labels_are_compared_alike():
    labels = np.diag([0, 3, 0, 7])
    np.testing.assert_array_equal(show.compare(labels, labels * 1.0 > 0),
                                  show.compare(labels > 0, (labels > 0) * 1.0))


def test_one_large_number_takes_no_memory():
    labels = np.zeros((4, 4), np.int32)
    labels[1:3, 1:3], labels[0, 3] = 2**31 - 1, 5
    small = show.colour_labels(np.where(labels > 5, 0, labels), np.zeros((4, 4)))
    found = show.colour_labels(labels, np.zeros((4, 4)))
    assert (found[labels <= 5] == small[labels <= 5]).all() and (found[labels > 5] == 1).all()


@pytest.mark.parametrize("labels", [-np.eye(3, dtype=int), np.eye(3), np.ones((2, 3, 3), int)])
def test_what_has_no_cells_to_colour(labels):
    with pytest.raises((TypeError, ValueError), match="expected"):
        show.colour_labels(labels)


@pytest.mark.parametrize("draw", [
    lambda: show.images(np.zeros((4, 4)), alt=ALT),
    lambda: show.images([], alt=ALT),
    lambda: show.table([], "nothing"),
    lambda: show.table([{"a": 1}, {"b": 1}], "other keys"),
])
def test_nothing_to_show_is_said(draw):
    with pytest.raises(ValueError, match="found .*expected at least one"):
        draw()


@pytest.mark.parametrize("picture, words", [
    (RGB8.astype(np.uint16) * 256, "uint16, expected float"),
    (np.array([[0, np.nan]]), "has NaN"),
    (np.zeros((4, 5, 4), np.uint8), r"shape \(4, 5, 4\), expected"),
    (np.zeros((4, 5, 1), np.uint8), r"shape \(4, 5, 1\), expected"),
    (np.zeros(4), r"shape \(4,\), expected"),
])
def test_what_no_browser_is_sent(picture, words):
    with pytest.raises(ValueError, match=words):
        show.pixels(picture)


def test_a_table_reads_well_without_html(capsys):
    show.table([{"line": "A172", "Dice": 0.91234}, {"line": "BV2", "Dice": 1.0}], "Dice, test")
    assert capsys.readouterr().out.splitlines() == [
        "Dice, test", "line  Dice ", "A172  0.912", "BV2   1.000",
    ]  # fmt: skip


def test_live_curves_replace_their_own_figure(notebook):
    class History:
        metric = "dice"
        train_loss, valid_loss, valid_metric = [0.5, 0.4], [0.6, 0.5], [0.7, 0.8]
        train_metric = [0.6, 0.65]

    live = show.LiveCurves()
    with capture_output() as caught:
        live(History)
        live(History)
    first, second = caught.outputs
    assert first.transient == second.transient and second.update
    assert "Validation Dice: 0.800" in second.data["text/plain"]
    History.metric, History.valid_metric = "psnr", [29.0, 31.25]
    with capture_output() as caught:
        show.LiveCurves()(History)
    assert "Validation PSNR in dB: 31.250" in caught.outputs[0].data["text/plain"]


def test_live_curves_of_a_training_without_validation(capsys):
    image = np.random.default_rng(0).random((32, 32), np.float32)
    one = ck.Sample(image, (image > 0.5).astype(np.int32), "one", group="one")
    ck.fit(ck.UNet(width=2, depth=1), [one], epochs=1, steps_per_epoch=1, crop=32, batch_size=1,
           device="cpu", progress=False, on_epoch=show.LiveCurves())
    said = capsys.readouterr().out
    assert "Loss: training 0." in said and "Training Dice: " in said and "alidation" not in said


def test_curves_take_what_axes_take(capsys):
    show.curves({"loss": [3.0, 1.0]}, alt=ALT, ylim=(0, 2), yscale="linear", xlabel="epoch")
    assert ALT in capsys.readouterr().out


def film(caught):
    """What an animation is made of: its HTML, and its frames, uint8, one below the other."""
    rich = caught.outputs[0].data["text/html"]
    data = base64.b64decode(re.search(r"data:image/webp;base64,([\w+/=]+)", rich)[1])
    return rich, data, np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_an_animation_needs_no_script_and_can_be_stopped_by_keys(notebook):
    frames = [np.full((30, 50), level) for level in (0.0, 0.5, 1.0)]
    with capture_output() as caught:
        show.animation(frames, ["black", "<grey>", "white"], alt=ALT)
    rich, _, pixels = film(caught)
    assert pixels.shape == (90, 50, 3)
    assert [int(pixels[row, 20, 0]) for row in (15, 45, 75)] == [0, 128, 255]
    assert "<script" not in rich and "http" not in rich and f'alt="{ALT}"' in rich
    assert rich.count('type="radio"') == 4 and "prefers-reduced-motion:reduce" in rich
    assert 'aria-label="stop at frame 2/3 &lt;grey&gt;"' in rich
    assert caught.outputs[0].data["text/plain"] == f"[Animation, 3 frames: {ALT}]"


def test_an_animation_of_labels_is_exact_and_small(notebook):
    labels = np.zeros((128, 128), np.int32)
    frames = []
    for k in range(1, 21):
        labels[6 * k - 4 : 6 * k, 10 : 10 + 5 * k] = k
        frames.append(labels.copy())
    with capture_output() as caught:
        show.animation(frames, alt=ALT)
    _, data, pixels = film(caught)
    expected = show.pixels(show.colour_labels(labels))
    assert np.array_equal(pixels[-128:], expected)
    assert len(data) < 20_000  # 20 frames; as PNG each alone takes 1 to 2 kB


@pytest.mark.parametrize("frames, how, words", [
    ([np.eye(8)], {}, "at least two"),
    ([np.eye(8), np.eye(9)], {}, "of 2 shape"),
    ([np.eye(8), np.zeros((2, 2, 2))], {}, r"shape \(2, 2, 2\), expected"),
    ([np.zeros((900, 2))] * 20, {}, "at most 16383"),
    ([np.eye(8)] * 3, {"captions": ["one"]}, "1 captions for 3 frames"),
    ([np.eye(8)] * 3, {"seconds": 0.1}, "expected 0.34 to 60"),
])  # fmt: skip
def test_what_is_no_animation(frames, how, words):
    with pytest.raises(ValueError, match=words):
        show.animation(frames, alt=ALT, **how)


def test_pixels_are_what_a_browser_is_sent():
    assert show.pixels(np.array([[0, 0.5, 1.0]])).tolist() == [[[0] * 3, [128] * 3, [255] * 3]]
    assert show.pixels(np.array([[True, False]]))[0, :, 1].tolist() == [255, 0]
    ready = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert show.pixels(ready) is ready
    labels = np.array([[0, 1, 1, 1, 1]])
    assert np.array_equal(show.pixels(labels), show.pixels(show.colour_labels(labels)))


@pytest.mark.parametrize("caption", ["", "a line below"])
@pytest.mark.parametrize("title", ["one line", "two\nlines", "four\nlines\nof\ntitle"])
def test_titles_of_images_stay_within_the_figure(title, caption, monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "figure", lambda fig, alt: drawn.append(fig))
    for shape in ((520, 704), (256, 256), (60, 200)):
        show.images([np.zeros(shape)] * 4, [title] * 4, caption=caption, alt="four black fields")
        fig = drawn.pop()
        fig.savefig(io.BytesIO(), dpi=100)
        tops = [ax.title.get_window_extent().y1 for ax in fig.axes]
        assert max(tops) <= fig.bbox.y1 + 0.5, (shape, max(tops), fig.bbox.y1)
