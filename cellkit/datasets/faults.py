"""Saying in one sentence what is wrong with data: what was found, expected, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

#: What a file begins with that is not what its name says, and what to call it.
_HEADS = (
    (b"\x1f\x8b", "packed with gzip: unpack it first"),
    (b"PK\x03\x04", "a zip archive"),
    (b"%PDF", "a PDF"),
    (b"\x89HDF", "HDF5"),
    (b"\x93NUMPY", "a numpy array"),
    (b"version https://git-lfs", "a Git LFS pointer: fetch the file itself with git lfs pull"),
)


class Unfit(ValueError):
    """What is wrong with data, in one sentence of ours, which is told as it is."""


def need(ok, told, kind: type[Exception] = Unfit) -> None:
    """Refuse data unless ``ok``; ``told`` is the sentence, or a function that makes it."""
    if not ok:
        raise kind(told() if callable(told) else told)


def partners(some: dict, others: dict, told, kind: type[Exception] = Unfit) -> None:
    """Refuse keys of ``some`` that ``others`` lacks: ``told(first, how many)`` is the sentence."""
    alone = [key for key in some if key not in others]
    need(not alone, lambda: told(alone[0], len(alone)), kind)


@contextmanager
def naming(path, advice: str = "") -> Iterator[None]:
    """Put a file's name before what is wrong with its content, and other advice behind it."""
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = Unfit if isinstance(error, ValueError) else TypeError
        told = f"{str(error).partition(';')[0]}; {advice}" if advice else error
        raise kind(f"{path}: {told}") from None


@contextmanager
def reading(path, expected: str) -> Iterator[None]:
    """Whatever a decoder throws at a damaged file becomes one sentence; ours passes as it is."""
    try:
        yield
    except (Unfit, FileNotFoundError):
        raise
    except Exception as error:  # each decoder has a dozen kinds of its own
        if type(error).__name__ == "DecompressionBombError":
            raise Unfit(
                f"{path} has more pixels than Pillow opens unasked ({error}); cut it into pieces, "
                "save it as TIFF, or allow it first: PIL.Image.MAX_IMAGE_PIXELS = None."
            ) from error
        if isinstance(error, MemoryError):
            raise Unfit(
                f"{path} does not fit into memory ({error}), expected less; cut it into pieces."
            ) from error
        what = expected.partition("complete ")[2].removesuffix(" file") or expected
        kind = "an image" if "PNG" in what else what
        raise Unfit(
            f"{path} cannot be read as {kind} ({_found(path, error)}), expected {expected}; copy "
            "or download it again."
        ) from error


def looks_like(head: bytes) -> str:
    """What the first bytes of a file say it is, if that is none of our kinds; else nothing."""
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page, perhaps a login page"
    return next((what for begins, what in _HEADS if head.startswith(begins)), "")


def _found(path, error) -> str:
    try:
        with open(path, "rb") as stream:
            head = stream.read(64)
    except OSError:  # in an archive
        head = b"?"
    what = looks_like(head) or ("" if head else "an empty file")
    return f"it is {what}" if what else " ".join(f"{type(error).__name__}: {error}".split())
