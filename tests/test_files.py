"""Files that are written whole or not at all."""

import errno
import os

import pytest

from cellkit import files
from cellkit.files import replacing


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    place = tmp_path / "new" / "a.txt"
    with replacing(place) as part:
        part.write_text("whole")
        assert not place.exists() and part.parent == place.parent
    assert place.read_text() == "whole" and os.listdir(place.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), OSError("x")])
def test_what_breaks_off_leaves_the_old_file_and_nothing_else(error, tmp_path):
    place = tmp_path / "a.txt"
    place.write_text("old")
    with pytest.raises(type(error)), replacing(place) as part:
        part.write_text("ne")
        raise error
    assert place.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(ValueError), replacing(tmp_path / "set") as part:
        part.mkdir()
        (part / "a").write_text("a")
        raise ValueError
    assert os.listdir(tmp_path) == []


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "real.txt").write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "store" / "real.txt")
    with replacing(link) as part:
        part.write_text("new")
    assert link.is_symlink() and (tmp_path / "store" / "real.txt").read_text() == "new"


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127])
def test_the_longest_names_are_written(name, tmp_path):
    with replacing(tmp_path / name) as part:
        part.write_text("x")
    assert (tmp_path / name).read_text() == "x"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "x"), OSError(errno.EDQUOT, "x"),
                                   RuntimeError("enforce fail at container.cc")])  # fmt: skip
def test_a_full_disk_is_told_in_a_sentence(error, tmp_path, monkeypatch):
    usage = files.shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="disk that holds .* is full .0 bytes free.*a.txt") as caught:
        with replacing(tmp_path / "a.txt") as part:
            part.write_text("half")
            raise error
    assert caught.value.errno == errno.ENOSPC and not os.listdir(tmp_path)
