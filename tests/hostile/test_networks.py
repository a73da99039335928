"""Servers that stall, mislead and lie: the file, or one sentence, and nothing left behind."""

import gzip
import socket
import threading
import time

import pytest
import tifffile

import cellkit as ck
from cellkit.datasets import bundled, registry, transfer
from cellkit.datasets.registry import File

TABLE = b"ImageId,EncodedPixels,Height,Width,Usage\na,1 2,3,4,Public\n"


class Raw:
    """A server that sends what it is told to: pieces of bytes, and pauses between them."""

    def __init__(self, pieces):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.pieces, self.asked, self.open = pieces, 0, True
        threading.Thread(target=self.serve, daemon=True).start()

    def address(self, name="file"):
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/{name}"

    def serve(self):
        while self.open:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            self.asked += 1
            threading.Thread(target=self.answer, args=(line,), daemon=True).start()

    def answer(self, line):
        with line:
            try:
                line.recv(65536)
                for piece in self.pieces() if callable(self.pieces) else self.pieces:
                    if isinstance(piece, float):
                        time.sleep(piece)
                    else:
                        line.sendall(piece)
            except OSError:
                pass


@pytest.fixture
def serve(monkeypatch, tmp_path):
    servers = []
    monkeypatch.setenv("CELLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CELLKIT_DATA", raising=False)
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setattr(transfer, "PAUSE", 0.01)

    def start(pieces, name="file.csv", **options):
        servers.append(Raw(pieces))
        file = File(name, (servers[-1].address(name),), **options)
        known = registry.SOURCES["isbi2012"]
        monkeypatch.setitem(registry.SOURCES, "isbi2012",
                            type(known)(**{**vars(known), "files": (file,)}))
        return servers[-1]

    yield start
    for server in servers:
        server.open = False
        server.socket.close()


def plain(body, kind="application/octet-stream", more=b""):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return [head.encode() + b"Connection: close\r\n" + more + b"\r\n", body]


def slow_head():
    yield b"HTTP/1.1 200 OK\r\n"
    for k in range(1000):
        yield 0.05
        yield f"X-{k}: 1\r\n".encode()


def slow_body():
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    for _ in range(1000):
        yield 0.05
        yield b"x"


def one_byte_and_gone():
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx"


@pytest.mark.parametrize("pieces", [slow_head, slow_body, lambda: iter([60.0]), one_byte_and_gone],
                         ids=["head", "body", "silence", "breaks"])  # fmt: skip
def test_the_whole_of_a_download_has_a_limit_and_the_lock_is_free(pieces, serve, monkeypatch):
    monkeypatch.setattr(transfer, "TRIES", 2)
    serve(pieces)
    began = time.monotonic()
    with pytest.raises((ConnectionError, ValueError)) as caught:
        ck.download("isbi2012", timeout=0.5, quiet=True)
    assert time.monotonic() - began < 8 and str(caught.value).endswith("will be found.")
    folder = ck.datasets.cache() / "isbi2012"
    with transfer.alone(folder, lambda told: pytest.fail(told)):
        pass
    assert not [p for p in folder.iterdir() if p.name[0] != "."]


PAGE = b"<!DOCTYPE html><html><body>Please sign in, then try again</body></html>"


@pytest.mark.parametrize("name", ["a.csv", "a.tif", "a.h5", "a.zip", "a.json"])
@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_login_page_is_no_file_of_any_kind(name, kind, serve):
    serve(plain(PAGE, kind), name)
    with pytest.raises(ValueError, match="a web page, perhaps a login page") as caught:
        ck.download("isbi2012", quiet=True)
    assert "by hand" in str(caught.value)
    folder = ck.datasets.cache() / "isbi2012"
    assert [p.name for p in folder.iterdir()] == [".download.lock"]


@pytest.mark.parametrize(("name", "body", "told"), [
    ("a.csv", b"\0\1\2\3, not a table", "no table"), ("a.csv", b"", "no table"),
    ("a.tif", b"II*\0\x08\0\0\0", "no complete TIFF"), ("a.tif", b"hello", "no complete TIFF"),
    ("a.h5", b"hello", "no HDF5"), ("a.json", b'{"a": [', "breaks off"),
    ("a.zip", b"PK\3\4", "no complete zip"), ("a.bin", b"", "empty"),
])  # fmt: skip
def test_every_kind_of_file_is_looked_into(name, body, told, serve):
    serve(plain(body), name)
    with pytest.raises(ValueError, match=told):
        ck.download("isbi2012", quiet=True)
    assert not [p for p in (ck.datasets.cache() / "isbi2012").iterdir() if p.name[0] != "."]


def test_good_files_of_each_kind_pass(serve, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", [[1, 2]])
    good = {"a.csv": TABLE, "a.tif": (tmp_path / "a.tif").read_bytes(), "a.json": b'{"a": 1}\n',
            "a.h5": (bundled("isbi2012") / "isbi.h5").read_bytes()}  # fmt: skip
    for name, body in good.items():
        serve(plain(body), name)
        assert (ck.download("isbi2012", quiet=True) / name).read_bytes() == body


@pytest.mark.parametrize("length", [b"many", b"-1", b"1e9", b"", b"\xb2", b"9" * 5000])
def test_a_length_that_is_no_number_counts_as_none(length, serve):
    serve([b"HTTP/1.0 200 OK\r\nContent-Length: " + length + b"\r\n\r\n" + TABLE])
    assert (ck.download("isbi2012", quiet=True) / "file.csv").read_bytes() == TABLE


def test_an_answer_packed_unasked_is_named(serve):
    serve(plain(gzip.compress(TABLE), more=b"Content-Encoding: gzip\r\n"))
    with pytest.raises(ValueError, match="packs what it sends .gzip."):
        ck.download("isbi2012", quiet=True)


def test_again_brings_it_again_and_keeps_the_old_until_then(serve, capsys):
    server = serve(plain(TABLE))
    place = ck.download("isbi2012", quiet=True) / "file.csv"
    place.write_bytes(TABLE + b"spoilt, by hand\n")
    ck.download("isbi2012")
    assert server.asked == 1 and "again=True" in capsys.readouterr().out
    ck.download("isbi2012", quiet=True, again=True)
    assert server.asked == 2 and place.read_bytes() == TABLE
    server.pieces = plain(b"\0\0\0")
    with pytest.raises(ValueError, match="no table"):
        ck.download("isbi2012", quiet=True, again=True)
    assert place.read_bytes() == TABLE


@pytest.mark.parametrize("garbage", [
    b"", b"\r\n\r\n", b"SSH-2.0-x\r\n", b"HTTP/1.1 200", b"\xff" * 70000,
    b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nA" + b"a" * 70000,
])  # fmt: skip
def test_what_is_no_http_answer_is_told(garbage, serve):
    serve([garbage])
    with pytest.raises((ConnectionError, ValueError)) as caught:
        ck.download("isbi2012", timeout=1, quiet=True)
    told = str(caught.value)
    assert told.endswith(".") and "\n" not in told and "file.csv" in told


@pytest.mark.parametrize("address", [
    "http://127.0.0.1:many/a", "http://a b/c", "ftp://x/y", "file:///etc/passwd", "http://[::1/x",
    "http://",
])  # fmt: skip
def test_what_is_no_address_is_told(address, serve, monkeypatch):
    serve([])
    with pytest.raises((ConnectionError, ValueError)) as caught:
        transfer.fetch(File("a.csv", (address,)), ck.datasets.cache() / "x", timeout=1, quiet=True)
    assert str(caught.value).endswith("will be found.")
