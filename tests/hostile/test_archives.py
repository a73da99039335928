"""Archives that want out of their folder: no entry's name leads there, by anybody's rules."""

import ntpath
import posixpath
import tarfile
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cellkit.datasets import archives

PARTS = st.sampled_from(
    ["..", ".", "", "a", "b.png", ".. ", "..  .", "...", " ", "C:", "c:x", "a:b", "CON", "nul", "~",
     "server", "?", "UNC", "\\\\?\\C:", "é", "a" * 200, "%2e%2e", "．．"]
)  # fmt: skip
NAMES = st.builds(
    lambda parts, between, ends: "".join(p + b for p, b in zip(parts, between, strict=True)) + ends,
    st.lists(PARTS, min_size=4, max_size=4),
    st.lists(st.sampled_from(["/", "\\", "//", "\\\\", ""]), min_size=4, max_size=4),
    PARTS,
)


def leaves(name) -> bool:
    """Whether a name leads out of a folder, asked of the two platforms' own path functions.

    Windows also drops dots and spaces from the end of each part before it opens a file.
    """
    ends = "/".join(p if p in ("", ".", "..") else p.rstrip(". ") or ".."
                    for p in name.replace("\\", "/").split("/"))  # fmt: skip
    for path, base in ((posixpath, "/base/in"), (ntpath, "C:\\base\\in")):
        for one in (name, name.replace("\\", "/"), ends):
            place = path.normpath(path.join(base, one))
            if not place.startswith(base + path.sep):
                return True
    return False


OUT = ["//x", "\\\\server\\share\\x", "//server/share/x", "/x", "\\x", "C:x", "C:\\x", "C:/x",
       "..", "../x", "a/../../x", "..\\x", "a\\..\\..\\x", ".. /x", "a/.. /../x", ".../x",
       "\\\\?\\C:\\x", "a:b", "", ".", "./", "CON", "a/nul"]  # fmt: skip


@settings(max_examples=400, deadline=None, derandomize=True)
@given(NAMES)
@example("//x")
def test_no_name_that_leads_elsewhere_passes(name):
    if leaves(name):
        assert not archives.stays_inside(name)


@pytest.mark.parametrize("name", OUT)
def test_ways_out_are_known(name):
    assert not archives.stays_inside(name)


@pytest.mark.parametrize("name", ["a", "a/b.png", "./a", "a//b", "a\\b.png", "..a/b..c", "con.tif",
                                  "deep/" * 30 + "x", ".hidden/x", "é ö.png", "a/./b"])  # fmt: skip
def test_plain_names_pass(name):
    assert archives.stays_inside(name)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(NAMES)
@example("//x")
@example("\\\\server\\share\\x")
def test_what_tarfiles_filter_refuses_is_refused(tmp_path_factory, name):
    try:
        tarfile.data_filter(tarfile.TarInfo(name), "/base/in")
    except tarfile.FilterError:
        assert not archives.stays_inside(name)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(NAMES, min_size=1, max_size=3))
@example(["//{outside}/victim.txt"])
@example(["\\\\{outside}\\victim.txt"])
def test_unpacking_writes_below_its_folder_or_nothing(tmp_path_factory, names):
    home = tmp_path_factory.mktemp("home")
    victim = home / "victim.txt"
    victim.write_text("mine")
    names = [name.replace("{outside}", str(home)[1:]) for name in names]
    with zipfile.ZipFile(home / "x.zip", "w") as archive:
        for name in dict.fromkeys(names):
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, b"theirs")
    before = {path for path in home.rglob("*")}
    try:
        archives.unpack(home / "x.zip", home / "out")
    except ValueError as error:
        assert str(error).endswith(".") and "x.zip" in str(error)
        assert {path for path in home.rglob("*")} == before
    assert victim.read_text() == "mine"
    assert {p for p in home.rglob("*") if p.parts[len(home.parts)] != "out"} == before


@pytest.mark.parametrize("kind", [0o120000, 0o060000, 0o010000], ids=["link", "device", "pipe"])
def test_what_is_no_file_is_refused(kind, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("a")
        info.external_attr = (kind | 0o777) << 16
        archive.writestr(info, "/etc")
    with pytest.raises(ValueError, match="leads out of its folder"):
        archives.unpack(tmp_path / "x.zip", tmp_path / "out")
    with pytest.raises(ValueError, match="leads out of its folder"):
        archives.names(tmp_path / "x.zip")


def test_two_entries_of_one_name_do_not_overwrite_each_other(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a.txt", b"one")
        archive.writestr("a.txt", b"other")
    with pytest.raises(ValueError, match="has the place of another"):
        archives.unpack(tmp_path / "x.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_archive_of_no_files_is_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.mkdir("a")
    with pytest.raises(ValueError, match="holds no file"):
        archives.unpack(tmp_path / "x.zip", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_an_entry_that_lies_before_the_archives_start_is_damage(tmp_path):
    place = tmp_path / "x.zip"
    with zipfile.ZipFile(place, "w") as packed:
        packed.writestr("a.txt", b"hello")
    data = bytearray(place.read_bytes())
    end = data.rfind(b"PK\5\6")
    data[end + 16 : end + 20] = (int.from_bytes(data[end + 16 : end + 20], "little") + 9).to_bytes(
        4, "little")  # fmt: skip
    place.write_bytes(data)
    for read in (lambda: archives.unpack(place, tmp_path / "out"),
                 lambda: archives.open_binary(place / "a.txt")):  # fmt: skip
        with pytest.raises(ValueError, match="expected an intact zip archive"):
            read()
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]
