"""Downloads over a bad line: a server on 127.0.0.1 with faults, and nothing beyond it."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cellkit as ck
from cellkit.datasets import archives, livecell, registry, remote, transfer
from cellkit.datasets.registry import File

ROOT = Path(__file__).resolve().parent.parent
DATA = np.random.default_rng(0).bytes(200_000)
SHA = "sha256:" + hashlib.sha256(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves ``server.files``; ``server.faults`` says what goes wrong, by the path's first part."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        _, fault, name = self.path.split("/", 2)
        asked = self.headers.get("Range")
        server.asked.append((fault, name, asked))
        data, tag = server.files.get(name), '"one"'
        first_time = sum(one[:2] == (fault, name) for one in server.asked)
        if fault == "missing" or data is None or (fault == "dies" and first_time > 1):
            return self.refuse(404)
        if fault == "busy" and first_time <= 2:
            return self.refuse(503)
        if fault in ("changes", "replaced", "grows") and first_time > 1:
            data, tag = data[::-1] + b"more" * (fault == "grows"), '"two"'
        if fault == "wrong":
            data = data[:1000] + b"X" + data[1001:]
        total, start, end = len(data), 0, len(data) - 1
        fits = self.headers.get("If-Range", tag) == tag or fault in ("untagged", "grows")
        if asked and fits and fault not in ("rangeless", "lies"):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start = int(first) if first else max(0, total - int(last))
            end = min(end, int(last)) if first and last else end
            if start >= total:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end}/{total}")
        else:
            self.send_response(200)
        body = data[start : end + 1]
        promised = len(body) + (100 if fault == "lies" else 0)
        if fault == "shortens":
            promised, body = len(body) // 2, body[: len(body) // 2]
        self.send_header("Content-Length", str(promised))
        if fault not in ("untagged", "grows"):
            self.send_header("ETag", tag)
        self.end_headers()
        if fault in ("cut", "changes", "untagged"):
            body = body[:10_000]
            self.close_connection = True
        if fault in ("cut_once", "replaced", "grows", "dies") and first_time == 1:
            body = body[:50_000]
            self.close_connection = True
        if fault == "lies":
            self.close_connection = True
        if fault in ("trickle", "slow"):
            step, pause = (1, 0.02) if fault == "trickle" else (20_000, 0.1)
            for i in range(0, len(body), step):
                try:
                    self.wfile.write(body[i : i + step])
                    server.sent += step
                except OSError:
                    return
                time.sleep(pause)
            return
        server.sent += len(body)  # before the client can have it and look
        try:
            self.wfile.write(body)
        except OSError:
            server.sent -= len(body)

    def refuse(self, code):
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked, self.sent = {"file.bin": DATA}, [], 0
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def at(self, fault, name="file.bin"):
        return f"http://127.0.0.1:{self.server_address[1]}/{fault}/{name}"

    def times(self, fault):
        return sum(one[0] == fault for one in self.asked)

    def handle_error(self, *_):  # clients that hang up are part of the tests
        pass


@pytest.fixture
def server():
    one = Server()
    yield one
    one.shutdown()
    one.server_close()


@pytest.fixture(autouse=True)
def nowhere_else(monkeypatch, tmp_path):
    """No proxy, no name server, no other machine; short pauses; an empty cache."""
    connect = socket.socket.connect

    def only_here(self, address):
        assert address[0] == "127.0.0.1", f"a test reaches out to {address}"
        return connect(self, address)

    def look_up(host, port, *args, **kwargs):
        if host != "127.0.0.1":
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]

    monkeypatch.setattr(socket.socket, "connect", only_here)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(transfer, "PAUSE", 0.01)
    monkeypatch.setattr(remote, "PAUSE", 0.01)
    monkeypatch.delenv("CELLKIT_DATA", raising=False)
    monkeypatch.setenv("CELLKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def offer(monkeypatch):
    """offer("glas", file, ...): the data set's files are these from now on."""

    def set_files(name, *files):
        source = replace(registry.SOURCES[name], files=files)
        monkeypatch.setitem(registry.SOURCES, name, source)

    return set_files


def visible(folder):
    """What a person sees there."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in Path(folder).rglob("*")
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )


def everything(folder):
    return sorted(p.name for p in Path(folder).rglob("*") if p.name != ".download.lock")


# ---------------------------------------------------------------- one file


@pytest.mark.parametrize("fault", ["fine", "rangeless", "cut", "cut_once", "untagged", "busy"])
def test_a_file_arrives_whole_over_a_bad_line(fault, server, offer, tmp_path):
    offer("isbi2012", File("isbi.h5", (server.at(fault),), hash=SHA))
    folder = ck.download("isbi2012", quiet=True)
    assert folder == tmp_path / "cache" / "isbi2012" and ck.datasets.find("isbi2012") == folder
    assert (folder / "isbi.h5").read_bytes() == DATA
    assert everything(folder) == ["isbi.h5"]
    again = server.times(fault)
    assert again == {"cut": 20, "untagged": 20, "cut_once": 2, "busy": 3}.get(fault, 1)
    assert server.sent == len(DATA), "no byte came twice"
    ck.download("isbi2012", quiet=True)
    assert server.times(fault) == again, "what is there is not fetched again"


def test_what_is_downloaded_lies_where_read_looks(server, offer, monkeypatch, tmp_path):
    server.files["isbi.h5"] = (ck.datasets.bundled("isbi2012") / "isbi.h5").read_bytes()
    offer("isbi2012", File("isbi.h5", (server.at("fine", "isbi.h5"),)))
    monkeypatch.setenv("CELLKIT_DATA", str(tmp_path / "data"))
    assert ck.download("isbi2012", quiet=True) == tmp_path / "data" / "isbi2012"
    samples = ck.read("isbi2012")
    assert len(samples) == 12 and samples.dataset == "isbi2012"


@pytest.mark.parametrize("fault", ["missing", "wrong", "lies", "trickle", "changes", "shortens"])
def test_where_one_address_fails_the_next_is_asked(fault, server, offer):
    mirrors = (server.at(fault), server.at("fine"))
    offer("isbi2012", File("isbi.h5", mirrors, hash=SHA))
    folder = ck.download("isbi2012", timeout=0.3, quiet=True)
    assert (folder / "isbi.h5").read_bytes() == DATA and everything(folder) == ["isbi.h5"]
    assert server.times(fault) and server.times("fine") == 1


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("missing", "HTTP 404 Not Found"),
        ("wrong", "its sha256 is .*, expected"),
        ("shortens", "its sha256 is"),
        ("trickle", "only .* bytes came in 0.3 seconds"),
        ("lies", "it broke off after 200,000 of 200,100 bytes"),
    ],
)
def test_where_all_addresses_fail_one_sentence_says_how(fault, told, server, offer, tmp_path):
    offer("isbi2012", File("isbi.h5", (server.at(fault),), hash=SHA))
    with pytest.raises((ValueError, ConnectionError), match=told) as caught:
        ck.download("isbi2012", timeout=0.3, quiet=True)
    text = str(caught.value)
    assert "127.0.0.1" in text and "\n" not in text and text.endswith(".")
    assert f"put isbi.h5 (from {server.at(fault)}) into {tmp_path / 'cache' / 'isbi2012'}" in text
    assert visible(tmp_path) == []


def test_a_registered_size_is_compared_before_the_bytes_come(server, offer):
    offer("isbi2012", File("isbi.h5", (server.at("fine"),), size=len(DATA) + 1))
    with pytest.raises(ValueError, match="it offers 200,000 bytes, expected 200,001"):
        ck.download("isbi2012", quiet=True)
    assert server.sent <= len(DATA)


def test_a_download_goes_on_where_an_earlier_one_stopped(server, offer, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "TRIES", 1)
    offer("isbi2012", File("isbi.h5", (server.at("cut_once"),), hash=SHA))
    monkeypatch.setattr(transfer.time, "sleep", lambda _: 1 / 0)  # as if switched off meanwhile
    with pytest.raises(ZeroDivisionError):
        ck.download("isbi2012", quiet=True)
    assert visible(tmp_path) == []
    monkeypatch.undo()
    monkeypatch.setenv("CELLKIT_CACHE", str(tmp_path / "cache"))
    offer_again = replace(registry.SOURCES["isbi2012"], files=(
        File("isbi.h5", (server.at("cut_once"),), hash=SHA),
    ))  # fmt: skip
    monkeypatch.setitem(registry.SOURCES, "isbi2012", offer_again)
    folder = ck.download("isbi2012", quiet=True)
    assert (folder / "isbi.h5").read_bytes() == DATA
    assert server.asked[-1][2] == "bytes=50000-" and server.sent == len(DATA)


def test_a_part_from_one_address_is_not_continued_from_another(server, offer):
    offer("isbi2012", File("isbi.h5", (server.at("dies"), server.at("fine")), hash=SHA))
    folder = ck.download("isbi2012", quiet=True)
    assert (folder / "isbi.h5").read_bytes() == DATA
    assert [one[2] for one in server.asked if one[0] == "fine"] == [None]


@pytest.mark.parametrize(("fault", "more"), [("replaced", b""), ("grows", b"more")])
def test_a_file_replaced_meanwhile_comes_whole(fault, more, server, offer):
    """Without a known hash too: the rest of the new file is not added to half of the old one."""
    offer("isbi2012", File("isbi.bin", (server.at(fault),)))
    folder = ck.download("isbi2012", quiet=True)
    assert (folder / "isbi.bin").read_bytes() == DATA[::-1] + more


def test_a_complete_part_only_needs_its_name(server, offer, tmp_path):
    """Broken off after the last byte and before the renaming: the server answers 416."""
    offer("isbi2012", File("isbi.h5", (server.at("fine"),), hash=SHA))
    folder = tmp_path / "cache" / "isbi2012"
    folder.mkdir(parents=True)
    (folder / ".isbi.h5.part").write_bytes(DATA)
    note = {"address": server.at("fine"), "stamp": '"one"', "total": len(DATA)}
    (folder / ".isbi.h5.part.from").write_text(json.dumps(note), encoding="utf-8")
    ck.download("isbi2012", quiet=True)
    assert (folder / "isbi.h5").read_bytes() == DATA and server.sent == 0


def test_offline_says_which_file_to_put_where_and_then_finds_it(offer, tmp_path):
    gone = "https://data.example.org/isbi.h5"
    offer("isbi2012", File("isbi.h5", (gone,), hash=SHA))
    with pytest.raises(ConnectionError, match="no connection") as caught:
        ck.download("isbi2012", quiet=True)
    folder = tmp_path / "cache" / "isbi2012"
    assert f"put isbi.h5 (from {gone}) into {folder} by hand" in str(caught.value)
    tiny = ck.datasets.bundled("isbi2012")
    assert ck.datasets.find("isbi2012") == tiny, "what broke off does not hide it"
    (folder / "isbi.h5").write_bytes(DATA)
    assert ck.download("isbi2012", quiet=True) == ck.datasets.find("isbi2012") == folder


def test_a_file_put_there_by_hand_is_verified_not_replaced(server, offer, tmp_path):
    offer("isbi2012", File("isbi.h5", (server.at("fine"),), hash=SHA))
    with pytest.raises(ValueError, match="is not the file that is registered: its sha256"):
        place = tmp_path / "isbi.h5"
        place.write_bytes(b"another")
        ck.download("isbi2012", root=tmp_path, quiet=True)
    assert place.read_bytes() == b"another" and not server.asked


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_full_disk_leaves_nothing_behind(when, server, offer, tmp_path, monkeypatch):
    offer("isbi2012", File("isbi.h5", (server.at("fine"),), hash=SHA))
    if when == "before":
        usage = transfer.shutil.disk_usage(tmp_path)._replace(free=1000)
        monkeypatch.setattr(transfer.shutil, "disk_usage", lambda _: usage)
    else:

        class Full(io.FileIO):
            def write(self, data):
                if self.tell() > 100_000:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return super().write(data)

        def opened(path, mode="r", **options):
            return Full(path, mode) if str(path).endswith(".part") else open(path, mode, **options)

        monkeypatch.setattr(transfer, "open", opened, raising=False)
    with pytest.raises(OSError, match="is full .* isbi.h5 was not written") as caught:
        ck.download("isbi2012", root=tmp_path / "here", quiet=True)
    assert caught.value.errno == errno.ENOSPC and everything(tmp_path / "here") == []


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may write anywhere"
)
def test_no_permission_is_told(server, offer, tmp_path):
    offer("isbi2012", File("isbi.h5", (server.at("fine"),), hash=SHA))
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match="no permission to write"):
            ck.download("isbi2012", root=tmp_path / "isbi2012", quiet=True)
    finally:
        tmp_path.chmod(0o700)


def test_refused_writing_is_told(server, offer, tmp_path, monkeypatch):
    offer("isbi2012", File("isbi.h5", (server.at("fine"),), hash=SHA))

    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(transfer, "open", refuse, raising=False)
    with pytest.raises(PermissionError, match="no permission to write .* give a folder of your"):
        ck.download("isbi2012", root=tmp_path, quiet=True)


def test_licence_and_citation_stand_before_the_first_byte(server, offer, capsys):
    offer("glas", File("glas.bin", (server.at("missing"),)))
    with pytest.raises(ValueError, match="404"):
        ck.download("glas")
    told = capsys.readouterr().out
    assert "research use only" in told and "Sirinukunwattana" in told and "goes to" in told


@pytest.mark.parametrize("name", registry.SOURCES)
def test_every_set_says_whose_it_is(name):
    source = ck.datasets.about(name)
    lines = str(source).splitlines()
    assert len(lines) == 7 and all(line.split(None, 1)[1:] for line in lines)
    for file in source.files:
        assert all(address.startswith("http") for address in file.addresses)
        kind, _, digest = (file.hash or "md5:" + 32 * "0").partition(":")
        assert len(digest) == 2 * hashlib.new(kind).digest_size


def test_a_set_without_address_says_so(tmp_path):
    with pytest.raises(ValueError, match="ncmir has no public address .* images/000.png"):
        ck.download("ncmir", quiet=True)
    with pytest.raises(ValueError, match="the data set is 'lung', expected one of livecell"):
        ck.download("lung")


def test_files_are_chosen_by_name_and_a_mirror_is_asked_first(server, offer):
    offer("dsb2018",
          File("stage1_solution.csv", ("http://127.0.0.1:1/gone",)),
          File("stardist.zip", ("http://127.0.0.1:1/gone",), optional=True))  # fmt: skip
    server.files["stage1_solution.csv"] = b"ImageId,EncodedPixels,Height,Width,Usage\n"
    mirror = server.at("fine", "").rstrip("/")
    folder = ck.download("dsb2018", mirror=mirror, quiet=True)
    assert visible(folder) == ["stage1_solution.csv"]
    with pytest.raises(ValueError, match="stardist.zip could not be downloaded .*404"):
        ck.download("dsb2018", files="stardist", mirror=mirror, quiet=True)
    with pytest.raises(ValueError, match="has no file .* only stage1_solution.csv, stardist.zip"):
        ck.download("dsb2018", files=["stage9"], quiet=True)


TWO = """
import sys
from dataclasses import replace
import cellkit as ck
from cellkit.datasets import registry
file = registry.File("isbi.h5", (sys.argv[1],), hash=sys.argv[2])
registry.SOURCES["isbi2012"] = replace(registry.SOURCES["isbi2012"], files=(file,))
print(ck.download("isbi2012", root=sys.argv[3]))
"""


def test_two_processes_at_once_do_no_harm(server, tmp_path):
    command = [sys.executable, "-c", TWO, server.at("slow"), SHA, str(tmp_path / "here")]
    env = os.environ | {"PYTHONPATH": str(ROOT), "no_proxy": "*"}
    both = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    told = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert (tmp_path / "here" / "isbi.h5").read_bytes() == DATA
    assert server.times("slow") == 1, "the second waits and finds the file"
    assert everything(tmp_path / "here") == ["isbi.h5"]


# ---------------------------------------------------------------- archives


def packed(members, **options):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


GOOD = packed({"set/a.txt": b"a" * 1000, "set/deep/b.txt": b"b", "empty/": b""})


def test_an_archive_is_unpacked_whole_and_then_gone(server, offer):
    server.files["glas.zip"] = GOOD
    offer("glas", File("glas.zip", (server.at("cut", "glas.zip"),), unpack="unpacked"))
    folder = ck.download("glas", quiet=True)
    assert visible(folder) == ["unpacked/set/a.txt", "unpacked/set/deep/b.txt"]
    assert (folder / "unpacked/set/a.txt").read_bytes() == b"a" * 1000
    times = len(server.asked)
    ck.download("glas", quiet=True)
    assert len(server.asked) == times


def linked():
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    return packed({info: b"/etc"})


def understated():
    """An archive whose list says that a long file is short."""
    data = bytearray(packed({"a.txt": b"a" * 1_000_000}, compression=zipfile.ZIP_DEFLATED))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    return bytes(data)


def deflated_wrong(name="a.txt"):
    """An archive whose packed bytes are no deflate stream."""
    data = bytearray(packed({name: bytes(range(256)) * 9}, compression=zipfile.ZIP_DEFLATED))
    data[30 + len(name)] = 0xFF
    return bytes(data)


@pytest.mark.parametrize(
    ("archive", "told"),
    [
        (packed({"../out.txt": b"x"}), "leads out of its folder"),
        (packed({"a/../../out.txt": b"x"}), "leads out of its folder"),
        (packed({"/out.txt": b"x"}), "leads out of its folder"),
        (packed({"..\\out.txt": b"x"}), "leads out of its folder"),
        (packed({"C:out.txt": b"x"}), "leads out of its folder"),
        (linked(), "leads out of its folder"),
        (packed({"a": bytes(150 << 20)}, compression=zipfile.ZIP_DEFLATED), "would unpack to"),
        (understated(), "cannot be unpacked"),
        (GOOD[:-30], "cannot be unpacked"),
        (GOOD[:200] + b"XX" + GOOD[202:], "cannot be unpacked"),
        (b"", "cannot be unpacked"),
        (packed({"a": b"x", "a/b": b"x"}), "cannot be unpacked .*a/b has the place of another"),
        (packed({"a/b": b"x", "a": b"x"}), "cannot be unpacked .*: a has the place of another"),
        (deflated_wrong(), "cannot be unpacked .error"),
    ],
    ids="up down_up root backslash drive link bomb lies cut bits empty below above zlib".split(),
)
def test_a_bad_archive_leaves_nothing_behind(archive, told, tmp_path):
    (tmp_path / "x.zip").write_bytes(archive)
    with pytest.raises(ValueError, match=told) as caught:
        archives.unpack(tmp_path / "x.zip", tmp_path / "in" / "out")
    assert "x.zip" in str(caught.value) and str(caught.value).endswith(".")
    assert visible(tmp_path) == ["x.zip"] and not list(tmp_path.parent.glob("out.txt"))
    assert not [path for path in tmp_path.rglob("*") if path.name not in ("x.zip", "in")]


def test_unpacking_asks_for_space_first(tmp_path, monkeypatch):
    (tmp_path / "x.zip").write_bytes(GOOD)
    usage = archives.shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="unpacks to 1,001 bytes and .* has 100 free"):
        archives.unpack(tmp_path / "x.zip", tmp_path / "out")
    assert visible(tmp_path) == ["x.zip"]


def test_a_damaged_archive_or_json_without_hash_is_found_out(server, offer):
    server.files |= {"a.zip": GOOD[:200] + b"XX" + GOOD[202:], "a.json": b'{"images": [{"id"'}
    for name, told in (("a.zip", "in it is damaged"), ("a.json", "its json breaks off")):
        offer("dsb2018", File(name, (server.at("fine", name),)))
        with pytest.raises(ValueError, match=told):
            ck.download("dsb2018", quiet=True)


# ---------------------------------------------------------------- LIVECell, image by image


def livecell_server(server, flat=False, per_type=6):
    """images.zip and size splits as LIVECell's, 100 KB of other files between the images."""
    rng = np.random.default_rng(0)
    members, listed = {}, []
    for k, kind in enumerate(livecell.CELL_TYPES):
        for i in range(per_type):
            name = f"{kind}_Phase_{'ABC'[i % 3]}{k + 1}_1_00d{i:02}h00m_1.tif"
            stream = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (52, 70), dtype=np.uint8)).save(
                stream, format="TIFF", compression="tiff_lzw"
            )
            folder = "images/" if flat else f"images/livecell_train_val_images/{kind}/"
            members[folder + name] = stream.getvalue()
            members[f"images/other/{kind}_{i}.bin"] = rng.bytes(100_000)
            listed.append(name)
    server.files["images.zip"] = packed(members, compression=zipfile.ZIP_DEFLATED)

    def coco(names):
        return json.dumps({
            "images": [{"id": 7 * i, "file_name": n, "width": 70, "height": 52,
                        "url": "https://example.org"} for i, n in enumerate(names)],
            "annotations": [
                {"id": 3 * i + j, "image_id": 7 * i, "category_id": 1, "iscrowd": 0,
                 "area": 100, "bbox": [i + j * 20, 5, 10, 10],
                 "segmentation": [[i + j * 20, 5, i + j * 20 + 10, 5, i + j * 20 + 10, 15]]}
                for i in range(len(names)) for j in range(2)
            ],
            "categories": [{"id": 1, "name": "cell"}],
        }).encode()  # fmt: skip

    some = [n for n in listed if "00d00h" in n or "00d01h" in n]
    for split, names in (("0_train2percent", some), ("1_train4percent", listed)):
        server.files[f"annotations/LIVECell_dataset_size_split/{split}.json"] = coco(names)
    return members


@pytest.fixture
def livecell_offer(server, offer, monkeypatch):
    """The real registry's files, at the local server."""

    def at(fault):
        offer("livecell", *(
            replace(file, addresses=(server.at(fault, file.name),))
            for file in registry.SOURCES["livecell"].files
        ))  # fmt: skip

    monkeypatch.setattr(remote, "BLOCK", 20_000)
    monkeypatch.setattr(remote, "GAP", 20_000)
    return at


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("fault", ["fine", "cut", "busy"])
def test_some_livecell_images_come_without_the_rest(fault, flat, server, livecell_offer):
    members = livecell_server(server, flat)
    livecell_offer(fault)
    folder = ck.download("livecell", images=12, quiet=True)
    samples = ck.read("livecell")
    assert len(samples) == 12 and set(samples.cell_types) == set(livecell.CELL_TYPES)
    assert len(set(samples.groups)) == 12, "other wells before the same well again"
    by_name = {Path(name).name: data for name, data in members.items()}
    for sample, entry in zip(samples, samples.entries, strict=True):
        assert entry.path.read_bytes() == by_name[entry.path.name]
        assert sample.labels.max() == 2 and sample.image.shape == (52, 70)
    whole = len(server.files["images.zip"])
    json_size = len(server.files["annotations/LIVECell_dataset_size_split/0_train2percent.json"])
    assert server.sent - json_size < 0.1 * whole
    if fault == "fine":  # the json, the archive's list, one for each image (no two lie close)
        assert len(server.asked) <= 2 + 12 + 1
    assert everything(folder / "annotations") == [
        "0_train2percent.json", "LIVECell_dataset_size_split", "chosen_train.json"
    ]  # fmt: skip


def test_labels_of_chosen_images_are_those_of_the_whole_split(server, livecell_offer, tmp_path):
    livecell_server(server)
    livecell_offer("fine")
    ck.download("livecell", images=5, root=tmp_path / "five", quiet=True)
    ck.download("livecell", images="0_train2percent", root=tmp_path / "all", quiet=True)
    five, every = (ck.read("livecell", tmp_path / part) for part in ("five", "all"))
    assert (len(five), len(every)) == (5, 16)
    for sample in five:
        other = every[every.names.index(sample.name)]
        np.testing.assert_array_equal(sample.labels, other.labels)


def test_more_images_need_a_larger_split_and_only_what_is_missing(server, livecell_offer):
    livecell_server(server)
    livecell_offer("fine")
    ck.download("livecell", images=16, quiet=True)
    before = len(server.asked)
    ck.download("livecell", images=24, quiet=True)
    assert len(ck.read("livecell")) == 24
    assert len(server.asked) - before <= 2 + 1 + 8
    before = len(server.asked)
    ck.download("livecell", images=24, quiet=True)
    assert len(server.asked) == before, "all there: nothing is asked"


def test_only_the_cell_types_that_were_asked_for(server, livecell_offer):
    livecell_server(server)
    livecell_offer("fine")
    ck.download("livecell", images=4, cell_types=["BV2", "skov3"], quiet=True)
    assert sorted(ck.read("livecell").cell_types) == ["BV2", "BV2", "SKOV3", "SKOV3"]


@pytest.mark.parametrize("block", [50, 3_000, 10_000_000])
def test_the_archives_list_may_be_longer_or_shorter_than_a_block(
    block, server, livecell_offer, monkeypatch
):
    livecell_server(server, per_type=2)
    livecell_offer("fine")
    monkeypatch.setattr(remote, "BLOCK", block)
    ck.download("livecell", images=3, quiet=True)
    assert [sample.labels.max() for sample in ck.read("livecell")] == [2, 2, 2]


def test_neighbouring_images_come_in_one_request(server, livecell_offer, monkeypatch):
    livecell_server(server)
    livecell_offer("fine")
    monkeypatch.setattr(remote, "GAP", 1 << 20)
    ck.download("livecell", images=16, quiet=True)
    assert len(server.asked) <= 4  # the json, the list, all images together
    assert len(ck.read("livecell")) == 16


def test_an_archive_put_there_by_hand_serves_as_well(server, livecell_offer, tmp_path):
    members = livecell_server(server)
    livecell_offer("missing")
    listing = "annotations/LIVECell_dataset_size_split/0_train2percent.json"
    for name in ("images.zip", listing):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(server.files[name])
    ck.download("livecell", images=8, root=tmp_path, quiet=True)
    samples = ck.read("livecell", tmp_path)
    assert len(samples) == 8 and not server.asked
    assert samples.entries[0].path.read_bytes() in members.values()


@pytest.mark.parametrize(
    ("fault", "options", "error", "told"),
    [
        ("rangeless", {}, ValueError, "answers no range requests.*download everything"),
        ("missing", {}, ValueError, "HTTP 404"),
        ("fine", {"images": 0}, ValueError, "images is 0"),
        ("fine", {"images": 1.5}, ValueError, "images is 1.5, expected a whole number"),
        ("fine", {"images": "9_train"}, ValueError, "images is '9_train', expected a number or"),
        ("fine", {"cell_types": ["HeLa"]}, ValueError, "no cell type hela in LIVECell"),
    ],
)
def test_what_cannot_be_had_is_told(fault, options, error, told, server, livecell_offer, tmp_path):
    livecell_server(server)
    livecell_offer("fine")
    file = registry.SOURCES["livecell"].files
    registry.SOURCES["livecell"] = replace(registry.SOURCES["livecell"], files=tuple(
        replace(f, addresses=(server.at(fault, f.name),)) if f.name == "images.zip" else f
        for f in file
    ))  # fmt: skip
    with pytest.raises(error, match=told) as caught:
        ck.download("livecell", **{"images": 3, "quiet": True, **options})
    assert "\n" not in str(caught.value)
    assert not [name for name in visible(tmp_path) if "chosen" in name or name.endswith(".tif")]
    if told.startswith(("images is", "no cell type")):
        assert not [*tmp_path.rglob("livecell")], "nothing is made before"


def test_a_file_in_the_place_of_the_folder_is_told(server, offer, tmp_path):
    offer("glas", File("file.bin", (server.at("fine"),)))
    (tmp_path / "file").write_bytes(b"")
    for root in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(OSError, match="is in the way of the folder .*give another folder"):
            ck.download("glas", root=root, quiet=True)


def test_images_is_for_livecell():
    with pytest.raises(ValueError, match="images is for livecell only"):
        ck.download("glas", images=3)


@pytest.mark.parametrize("half", [0, 1], ids=["no deflate stream", "wrong checksum"])
def test_a_damaged_image_is_not_kept(half, server, livecell_offer, tmp_path):
    members = livecell_server(server)
    first = next(data for name, data in members.items() if "A172_Phase_A1" in name)
    archive = bytearray(server.files["images.zip"])
    inside = zipfile.ZipFile(io.BytesIO(bytes(archive)))
    info = next(i for i in inside.infolist() if "A172_Phase_A1" in i.filename)
    at = info.header_offset + 30 + len(info.filename) + half * info.compress_size // 2
    archive[at] = archive[at] ^ 0xFF if half else 0xFF
    server.files["images.zip"] = bytes(archive)
    livecell_offer("fine")
    with pytest.raises((ValueError, zipfile.BadZipFile), match="arrived damaged"):
        ck.download("livecell", images=8, quiet=True)
    assert len(first) and not [n for n in visible(tmp_path) if "A172" in n]
