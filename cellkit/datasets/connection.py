"""HTTP requests, each of which has an end."""

from __future__ import annotations

import http.client
import queue
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

CHUNK = 1 << 16
#: An address that sends less than this (bytes a second, over ``timeout`` seconds) is given up.
SLOWEST = 1024
HEADERS = {"User-Agent": "cellkit (course material; python urllib)", "Accept-Encoding": "identity"}


class Unavailable(OSError):
    """An address does not give the file: asking it again will not help."""


class Beyond(OSError):
    """A range that begins behind the end of the file, which has ``total`` bytes."""

    def __init__(self, total):
        super().__init__(f"the file ends at {total}")
        self.total = total


class Pace:
    """How quickly an address sends, over all tries: too little in ``timeout`` seconds is slow.

    So a whole download ends, however its bytes are spread: in at most
    ``size / SLOWEST + TRIES * timeout`` seconds an address.
    """

    def __init__(self, timeout):
        self.timeout, self.slow = timeout, 0
        self.since, self.arrived = time.monotonic(), 0

    def __call__(self, count=0):
        self.arrived += count
        if time.monotonic() - self.since > self.timeout:
            arrived, enough = self.arrived, SLOWEST * self.timeout
            self.since, self.arrived = time.monotonic(), 0
            if arrived < enough:
                self.slow += 1
                raise TimeoutError(f"only {arrived} bytes came in {self.timeout:g} seconds")


def look_at(answer):
    """Refuse what cannot be the file, before it is written."""
    if answer.headers.get_content_type() == "text/html":
        raise Unavailable("it sent a web page, perhaps a login page; sign in with a browser")
    if (packed := answer.headers.get("Content-Encoding", "identity")) not in ("", "identity"):
        raise Unavailable(f"it packs what it sends ({packed}), though it was asked not to")


def chunks(answer, pace: Pace) -> Iterator[bytes]:
    """The bytes of an answer as they come; TimeoutError if they only trickle."""
    while chunk := answer.read1(CHUNK):
        yield chunk
        pace(len(chunk))


def ask(address, headers, timeout) -> http.client.HTTPResponse:
    """One HTTP request.

    Raises
    ------
    Unavailable
        The file is not there for us (404 and its like), or the address is no http address.
    Beyond
        The range asked for begins behind the end (416).
    OSError
        Anything that may pass: no connection, 429, 500 and above, no answer in time.
    """
    if not address.startswith(("http://", "https://")):
        raise Unavailable(f"{address} is no http address")
    try:
        return _open_in_time(urllib.request.Request(address, headers=HEADERS | headers), timeout)
    except urllib.error.HTTPError as error:
        with error:
            told = f"HTTP {error.code} {error.reason}"
            if error.code == 416:
                raise Beyond(content_range(error)[1]) from None
            if error.code == 429 or error.code >= 500:
                raise OSError(told) from None
            raise Unavailable(told) from None
    except ValueError as error:  # an address with a space, a port that is no number
        raise Unavailable(f"{address} is no http address ({error})") from None


def _open_in_time(request, timeout):
    """``urlopen`` counts its seconds anew with every byte; this counts all up to the answer."""
    answers: queue.SimpleQueue = queue.SimpleQueue()
    late = threading.Event()

    def run():
        try:
            answer = urllib.request.urlopen(request, timeout=timeout)
        except BaseException as error:
            answers.put((None, error))
            return
        if late.is_set():
            answer.close()
        answers.put((answer, None))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = answers.get(timeout=timeout)
    except queue.Empty:
        late.set()
        raise TimeoutError(f"no answer in {timeout:g} seconds") from None
    if error is not None:
        raise error
    return answer


def content_range(answer) -> tuple[int | None, int | None]:
    """Of ``Content-Range: bytes 100-199/1000`` the 100 and the 1000; None for what is missing."""
    text = answer.headers.get("Content-Range") or ""
    match = re.fullmatch(r"bytes (?:(\d{1,18})-\d+|\*)/(?:(\d{1,18})|\*)", text.strip(), re.ASCII)
    first, total = match.groups() if match else (None, None)
    return first and int(first), total and int(total)


def reason(error) -> str:
    """What an error says, in one line."""
    told = getattr(error, "reason", None) or error
    return " ".join(f"{told}".split()) or type(error).__name__
