"""Figures carry their text alternative and say nothing by colour alone."""

import re

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from skimage.color import rgb2gray

from cellkit import show

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


def test_touching_cells_are_parted_by_a_white_rim():
    labels = np.zeros((20, 20), np.int32)
    labels[2:18, 2:10], labels[2:18, 10:18] = 1, 2
    picture = show.colour_labels(labels)
    assert (picture[5, 9] == 1).all() and (picture[5, 10] == 1).all()
    assert (picture[5, 5] != picture[5, 14]).any() and (picture[0, 0] == 0).all()
    assert not show.colour_labels(np.zeros((3, 3), np.int32)).any()


def test_a_table_reads_well_without_html(capsys):
    show.table([{"line": "A172", "Dice": 0.91234}, {"line": "BV2", "Dice": 1.0}], "Dice, test")
    assert capsys.readouterr().out.splitlines() == [
        "Dice, test", "line  Dice ", "A172  0.912", "BV2   1.000",
    ]  # fmt: skip


def test_live_curves_replace_their_own_figure(notebook):
    class History:
        train_loss, valid_loss, valid_metric = [0.5, 0.4], [0.6, 0.5], [0.7, 0.8]

    live = show.LiveCurves()
    with capture_output() as caught:
        live(History)
        live(History)
    first, second = caught.outputs
    assert first.transient == second.transient and second.update
    assert "Validation Dice: 0.800" in second.data["text/plain"]


def test_curves_take_what_axes_take(capsys):
    show.curves({"loss": [3.0, 1.0]}, alt=ALT, ylim=(0, 2), yscale="linear", xlabel="epoch")
    assert ALT in capsys.readouterr().out
