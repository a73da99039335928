"""What is around cellkit and not as it should be: homes, folders, names, rights."""

import logging
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cellkit as ck
from cellkit.datasets import archives, places

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def plain(monkeypatch, tmp_path):
    monkeypatch.setenv("CELLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CELLKIT_DATA", raising=False)


def test_a_cache_that_nobody_may_look_into_counts_as_empty(monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert places.find("glas") == places.bundled("glas")


def test_a_user_without_a_home_reads_what_is_bundled(monkeypatch):
    import pooch

    def lost(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("CELLKIT_CACHE")
    monkeypatch.setattr(pooch, "os_cache", lost)
    assert places.find("glas") == places.bundled("glas")
    assert len(ck.read("livecell", limit=2)) == 2


@pytest.mark.parametrize(("there", "told"), [(False, "is no folder"), (True, "holds no glas/")])
def test_a_mistyped_data_folder_is_said(there, told, monkeypatch, tmp_path, caplog):
    if there:
        (tmp_path / "data").mkdir()
    monkeypatch.setenv("CELLKIT_DATA", str(tmp_path / "data"))
    with caplog.at_level(logging.WARNING):
        ck.read("glas")
    assert len(caplog.records) == 1 and told in caplog.text and "glas_tiny" in caplog.text


def test_a_folder_that_may_not_be_looked_into_is_not_left_out_in_silence(tmp_path, monkeypatch):
    (tmp_path / "images" / "day2").mkdir(parents=True)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "images" / "a.png")
    real = os.scandir

    def scandir(place):
        if "day2" in str(place):
            raise PermissionError(13, "Permission denied", str(place))
        return real(place)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(PermissionError, match="day2 cannot be looked into"):
        ck.read("folder", root=tmp_path)


def test_a_link_back_gives_no_image_twice(tmp_path):
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert archives.names(tmp_path) == ["a.png"]


@pytest.mark.parametrize("root", ["x" * 300, "a\0b", "", "no/such/folder"])
def test_a_root_that_cannot_be_is_told(root):
    with pytest.raises((FileNotFoundError, ValueError)) as caught:
        ck.read("glas", root=root or None if root else "no")
    assert str(caught.value).endswith(".")


def test_no_path_of_the_repository_is_too_long_for_windows():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a checkout")
    assert [name for name in listed.stdout.split("\0") if len(name) > 120] == []
