"""Some images of LIVECell, without the 1.3 GB: single files out of an archive on a server.

A zip archive ends with a list of its files.  One request reads that list, and one more each run
of neighbouring images; what lies between is never transferred.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
import zlib
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path, PurePosixPath

from cellkit.checks import whole_number
from cellkit.datasets import coco_index, livecell
from cellkit.datasets.archives import stays_inside
from cellkit.datasets.connection import Pace, Unavailable, ask, chunks, content_range
from cellkit.datasets.faults import need
from cellkit.datasets.registry import SIZE_SPLITS, File, Source
from cellkit.datasets.transfer import PAUSE, TRIES, fetch
from cellkit.files import replacing

#: How much is read at once where nobody said what will be needed; LIVECell's list has 0.6 MB.
BLOCK = 1 << 20
#: Files are read in one request if no more than this lies between them, up to LONGEST in all.
GAP, LONGEST = 256 << 10, 16 << 20

CHOSEN = "annotations/chosen_train.json"


class RemoteFile(io.RawIOBase):
    """A file on a server, read by HTTP range requests; seekable, so zipfile can work on it.

    Parameters
    ----------
    addresses : sequence of str
        The same file at several places.
    timeout : float
        Seconds.

    Attributes
    ----------
    size : int
    requests : int
        How many were answered.

    Raises
    ------
    Unavailable
        No address answers range requests.
    OSError
        No address can be reached.
    """

    def __init__(self, addresses, timeout: float = 30):
        super().__init__()
        self.timeout, self.at, self.requests = timeout, 0, 0
        self.pieces: list[tuple[int, bytes]] = []
        failures = []
        for address in addresses:
            self.address = address
            try:
                start, piece, self.size = self._get(f"-{BLOCK}")
            except OSError as error:
                failures.append(error)
                continue
            self.pieces.append((start, piece))
            return
        raise next((e for e in failures if isinstance(e, Unavailable)), failures[-1])

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset, whence=io.SEEK_SET) -> int:
        self.at = max(0, offset + {0: 0, 1: self.at, 2: self.size}[whence])
        return self.at

    def readinto(self, buffer) -> int:
        wanted = max(0, min(len(buffer), self.size - self.at))
        done = 0
        while done < wanted:  # zipfile takes a short answer for the end of the file
            if not self._holding():
                self.prefetch(self.at, min(self.size, self.at + max(wanted - done, BLOCK)))
            start, piece = self._holding()
            data = piece[self.at - start : self.at - start + wanted - done]
            buffer[done : done + len(data)] = data
            self.at += len(data)
            done += len(data)
        return done

    def prefetch(self, start, end) -> None:
        """Read the bytes from ``start`` to before ``end`` now, and forget all but the list."""
        self.pieces[1:] = [self._get(f"{start}-{end - 1}")[:2]]

    def _holding(self):
        return next((p for p in self.pieces if p[0] <= self.at < p[0] + len(p[1])), None)

    def _get(self, span):
        """Bytes of a range, however often the line breaks: where they start, they, the size."""
        data, start, end, failed, pace = bytearray(), None, 0, 0, Pace(self.timeout)
        first, _, last = span.partition("-")
        while True:
            wanted = span if start is None else f"{start + len(data)}-{end}"
            try:
                pace()
                with ask(self.address, {"Range": f"bytes={wanted}"}, self.timeout) as answer:
                    if answer.status != 206:
                        raise Unavailable(
                            "it answers no range requests, so single images cannot be read there"
                        )
                    begins, size = content_range(answer)
                    if begins is None or size is None:
                        raise Unavailable("it does not say which range it sent")
                    if start is None:
                        start, end = begins, int(last) if first else size - 1
                    for chunk in chunks(answer, pace):
                        data += chunk
                        failed = 0
                if len(data) > end - start:
                    self.requests += 1
                    return start, bytes(data[: end - start + 1]), size
                raise ConnectionError("it broke off")
            except Unavailable:
                raise
            except (OSError, HTTPException) as error:
                failed += 1
                if max(failed, pace.slow) >= TRIES:
                    raise OSError(str(getattr(error, "reason", error))) from None
                time.sleep(PAUSE * 2 ** (failed - 1) if failed > 1 else 0)


def livecell_images(
    source: Source, folder, images: int | str, cell_types=None, timeout=30, quiet=False, again=False
) -> None:
    """Bring some LIVECell images and their annotations into a folder, as the reader wants them.

    Parameters
    ----------
    source : Source
    folder : path
    images : int or str
        How many, the cell types in turn and the wells of each in turn; or the name of a size
        split, e.g. "0_train2percent", for all of its images.
    cell_types : sequence of str, optional
        Only these.
    timeout, quiet, again
        As in :func:`cellkit.datasets.transfer.fetch`.

    Notes
    -----
    Writes ``annotations/chosen_train.json``, an excerpt that lists every image that is now there,
    beside the size split that it was taken from.
    """
    folder = Path(folder)
    files = {PurePosixPath(file.name).stem: file for file in source.files}
    chosen = _choose(files, folder, images, cell_types, timeout, quiet, again)
    lacking = {name for name in chosen if again or not _there(folder).get(name)}
    if lacking:
        _extract(files["images"], folder, lacking, timeout, quiet)
    _excerpt(folder, _listings(folder, files))


def asked(images, cell_types=None) -> tuple[tuple[str, ...], set[str]]:
    """The size splits to look in, the smallest first, and the cell types, in small letters."""
    if isinstance(images, str):
        need(images in SIZE_SPLITS, lambda: (
            f"images is {images!r}, expected a number or one of {', '.join(SIZE_SPLITS)}."
        ))  # fmt: skip
        splits = (images,)
    else:
        whole_number("images", images)
        splits = SIZE_SPLITS
    cell_types = [cell_types] if isinstance(cell_types, str) else cell_types or ()
    wanted = {kind.lower() for kind in cell_types}
    unknown = wanted - {kind.lower() for kind in livecell.CELL_TYPES}
    need(not unknown, lambda: (
        f"no cell type {', '.join(sorted(unknown))} in LIVECell; it has "
        f"{', '.join(livecell.CELL_TYPES)}."
    ))  # fmt: skip
    return splits, wanted


def _choose(files, folder, images, cell_types, timeout, quiet, again) -> list[str]:
    """The names of the images to bring; their annotation file is there afterwards."""
    splits, wanted = asked(images, cell_types)
    for split in splits:
        listing = fetch(files[split], folder, timeout, quiet, again)
        by_type: dict[str, dict[str, list[str]]] = {}
        for name in (record.stem for record in coco_index.index(listing)):
            kind, _, well = (*name.split("_"), "", "")[:3]  # A172_Phase_C7_1_00d00h00m_4
            if not wanted or kind.lower() in wanted:
                by_type.setdefault(kind, {}).setdefault(well, []).append(name)
        names = list(_in_turn([list(_in_turn(wells.values())) for wells in by_type.values()]))
        if not isinstance(images, str):
            names = names[:images]
            if len(names) < images:
                continue
        return names
    return names


def _in_turn(lists) -> Iterator[str]:
    """The first of each list, the second of each, and so on."""
    lists = [list(one) for one in lists]
    for i in range(max(map(len, lists), default=0)):
        yield from (one[i] for one in lists if i < len(one))


def _there(folder) -> dict[str, Path]:
    return {path.stem: path for path in (folder / "images").rglob("*.tif") if path.name[0] != "."}


def _listings(folder, files) -> list[Path]:
    paths = [folder / files[split].name for split in SIZE_SPLITS]
    return [path for path in paths if path.is_file()]


def _extract(file: File, folder, names, timeout, quiet):
    """Read images out of the remote archive (or one put there by hand), neighbours together."""
    local = folder / file.name
    try:
        remote = open(local, "rb") if local.is_file() else RemoteFile(file.addresses, timeout)
        archive = zipfile.ZipFile(remote)
    except zipfile.BadZipFile as error:
        raise ValueError(
            f"{file.addresses[0]} is no zip archive ({error}), expected LIVECell's images.zip; "
            f"try again later, or put {file.name} into {folder} by hand."
        ) from None
    except OSError as error:
        kind = ValueError if isinstance(error, Unavailable) else ConnectionError
        raise kind(
            f"no single images from {file.addresses[0]} ({getattr(error, 'reason', error)}); try "
            f"again later, download everything with cellkit.download('livecell'), or put "
            f"{file.name} (from there) into {folder} by hand and call again."
        ) from None
    with remote, archive:
        _extract_from(archive, remote, file, folder, names, quiet)


def _extract_from(archive, remote, file, folder, names, quiet):
    from tqdm.auto import tqdm

    found = sorted(archive.infolist(), key=lambda info: info.header_offset)
    ends = [info.header_offset for info in found[1:]] + [archive.start_dir]
    spans = [
        (info.header_offset, end, info)
        for info, end in zip(found, ends, strict=True)
        if PurePosixPath(info.filename).stem in names and info.filename.lower().endswith(".tif")
    ]
    missing = names - {PurePosixPath(info.filename).stem for _, _, info in spans}
    need(not missing, lambda: (
        f"{file.addresses[0]} holds no image {sorted(missing)[0]} ({len(missing)} such), "
        "expected all that the annotations list; try again later."
    ))  # fmt: skip
    with tqdm(desc="images", total=len(spans), disable=quiet) as bar:
        for run in _runs(spans):
            if isinstance(remote, RemoteFile):
                remote.prefetch(run[0][0], run[-1][1])
            for _, _, info in run:
                inside = PurePosixPath(info.filename)
                parts = inside.parts[1:] if inside.parts[0] == "images" else inside.parts
                need(stays_inside(info.filename),
                     f"{file.addresses[0]} holds {inside}, which leads elsewhere.")
                try:
                    pixels = archive.read(info)
                except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                    raise ValueError(
                        f"{inside} arrived damaged ({error}), expected the bytes that "
                        f"{file.name} vouches for; call again, what is complete is kept."
                    ) from None
                with replacing(Path(folder, "images", *parts)) as temporary:
                    temporary.write_bytes(pixels)
                bar.update()


def _runs(spans) -> Iterator[list]:
    """Spans that one request brings."""
    run: list = []
    for span in spans:
        if run and (span[0] - run[-1][1] > GAP or span[1] - run[0][0] > LONGEST):
            yield run
            run = []
        run.append(span)
    if run:
        yield run


def _excerpt(folder, listings):
    """Write the annotations of the images that are there into one small file."""
    there, parts = set(_there(folder)), {"images": [], "annotations": []}
    for listing in listings:
        for image, cells in coco_index.annotated(listing, there):
            image["id"] = len(parts["images"]) + 1
            parts["images"].append(image)
            parts["annotations"] += [{**cell, "image_id": image["id"]} for cell in cells]
            there.discard(PurePosixPath(image["file_name"]).stem)
    with replacing(folder / CHOSEN) as temporary:
        temporary.write_text(json.dumps(parts), encoding="utf-8")
