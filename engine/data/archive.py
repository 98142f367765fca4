"""The one way in which untrusted files, folders and zips are opened.

Nothing is extracted: a `Source` lists members by checked names and streams their bytes,
counted against what was declared. (`on_disk` copies single members for the libraries that need
a path.) `arrays.py` reads numpy files on top of it. No reader of
a data kind calls `zipfile`, `tarfile`, `pickle` or `numpy.load` itself.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickletools import genops
from typing import Any, BinaryIO

from engine.core.errors import UserError

MAX_MEMBERS = 10_000
# 50,000 nodes x 8,000 features written as "0 1 0 ..." are 800 MB: the largest text that we expect.
MAX_UNPACKED = 1 << 30  # bytes, all members together
# Deflate reaches 1030:1. Dense 0/1 feature text reaches 53:1; the array of ones in a sparse
# matrix reaches 325:1 by itself, never with its index arrays. So the whole archive is held to it.
MAX_RATIO = 200
RATIO_FLOOR = 1 << 20  # bytes; below this an archive cannot hurt, whatever its ratio
MAX_NAME = 255  # bytes, of a whole member name
HEAD = 265  # bytes that tell what a file is: the mark of a tar stands at 257
BLOCK = 1 << 20  # bytes per read while scanning

_ZIP_HEADS = (b"PK\x03\x04", b"PK\x05\x06")
_ARCHIVES = {
    b"PK\x03\x04": "a zip",
    b"PK\x05\x06": "a zip",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"\x28\xb5\x2f\xfd": "a zstd file",
}
# How the first protocols begin: a class or function, kept as number 0, then its arguments or the
# end; or an empty list or dict. A column of words that begin with "c" has the first part alone.
_OLD_PICKLE = re.compile(rb"c[\w.]+\n[\w.]+\n(p\d+\n|q.)?[().]|\([ld]p\d", re.S)
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", re.I)
# Characters that draw like a slash, a backslash, a colon or a dot, beyond those that NFKC folds.
_LOOKALIKES = set("\u2044\u2215\u29f8\u2216\u29f5\u29f9\u2571\u2572\u2236\ua789\u05c3\u0589\u0701")
_JUNK = re.compile(r"(^|/)(__MACOSX(/|$)|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._)")
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    OSError,
)


@dataclass(frozen=True)
class Limits:
    """The caps of one source; a kind with larger members brings its own."""

    members: int = MAX_MEMBERS
    unpacked: int = MAX_UNPACKED
    ratio: int = MAX_RATIO
    gunzip: bool = False  # a NAME.gz is read as the NAME in it; else it is refused


LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    name: str  # checked, NFC, with "/" between its parts
    size: int  # bytes as declared; a stream that yields another number is refused
    start: Callable[[], BinaryIO]
    deflated: bool = False

    @contextmanager
    def open(self, buffer: int = BLOCK) -> Iterator[io.BufferedReader]:
        with self.stream(buffer) as stream:
            yield stream

    def stream(self, buffer: int = BLOCK) -> io.BufferedReader:
        """As `open`, for what closes it by itself."""
        try:
            raw = self.start()
        except _BROKEN as fault:
            raise _damaged(self.name, fault) from fault
        return io.BufferedReader(_Counted(raw, self), buffer)

    def head(self, size: int = HEAD) -> bytes:
        with self.open(buffer=size) as stream:  # no more is inflated than is looked at
            return stream.read(min(size, self.size))

    def read(self, cap: int) -> bytes:
        """All bytes, of a member that may not be larger than `cap`."""
        if self.size > cap:
            raise UserError(self.name, f"{self.size:,} bytes; expected at most {cap:,}")
        with self.open() as stream:
            return stream.read()


@dataclass(frozen=True)
class Source:
    """The members of a file (itself), of a folder or of a zip."""

    name: str
    packed: bool  # a zip
    members: dict[str, Member]
    single: bool = False  # a lone file

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members.values())


@contextmanager
def open_source(path: Path, limits: Limits = LIMITS, *, again: bool = False) -> Iterator[Source]:
    """Open a path for reading; refuses whatever could harm before a member is read.

    `again`, where this process has opened it before: then no member is looked into beforehand,
    so that members can be read one at a time, each when it is needed.
    """
    path = Path(path)
    if path.is_dir():
        yield _folder(path, limits, again=again)
    elif not path.exists():
        raise UserError(path.name, "expected a file, a folder or a zip; there is none here")
    elif is_zip(path):
        with _zip(path, limits, again=again) as source:
            yield source
    else:
        yield _file(path, limits)


@contextmanager
def on_disk(members: Iterable[Member]) -> Iterator[Path]:
    """A private folder with copies of members under the last part of their checked names, for
    libraries that read paths alone; removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="tenfold-") as made:
        folder = Path(made)
        for member in members:
            lay_down(member, folder)
        yield folder


def lay_down(member: Member, folder: Path) -> Path:
    """Copy a member into a private folder of `on_disk`."""
    copy = folder / check_name(member.name, member.name).rpartition("/")[2]
    with member.open() as stream, copy.open("xb") as file:
        shutil.copyfileobj(stream, file, BLOCK)
    return copy


def is_zip(path: Path) -> bool:
    """By content: a zip begins with a member, or with the end record where it is empty."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) in _ZIP_HEADS


def refuse_foreign(head: bytes, where: str) -> None:
    """Refuse, by their first bytes, files that run code when read, and packed files."""
    if _is_pickle(head):
        raise UserError(
            where,
            "a Python pickle (.pkl, .joblib, .pt of before PyTorch 1.6, one of Planetoid's ind.*): "
            "reading one runs its code, so it is never opened; expected npz, safetensors, text or "
            "JSON, or all eight ind.* in a zip",
        )
    packed = _packed(head)
    if packed:
        raise UserError(where, f"{packed} where plain data was expected: unpack it and upload that")
    if head.startswith(b"\x89HDF\r\n"):
        raise UserError(where, "an HDF5 or MATLAB file; expected npz or text")


def _is_pickle(head: bytes) -> bool:
    if re.match(rb"\x80[\x02-\x05]", head):
        return True
    if not _OLD_PICKLE.match(head):
        return False
    stream = io.BytesIO(head)
    try:
        for _ in genops(stream):  # reads, and runs nothing
            pass
    except ValueError:
        return stream.tell() == len(head) >= HEAD  # only the head's end cut it off
    return True


def _packed(head: bytes) -> str | None:
    if head[257:262] == b"ustar":
        return "a tar archive"
    return next((title for mark, title in _ARCHIVES.items() if head.startswith(mark)), None)


def check_name(name: str, where: str) -> str:
    """The name in NFC; refuses names that mean something to a file system or to the eye."""
    shown = ascii(name[:80])
    normal = unicodedata.normalize("NFC", name)
    parts = normal.rstrip("/").split("/")
    if any(unicodedata.category(letter)[0] == "C" for letter in normal):
        raise UserError(where, f"member {shown} has control or invisible characters in its name")
    if len(normal.encode()) > MAX_NAME:
        raise UserError(where, f"member {shown} has a name of over {MAX_NAME} bytes")
    if normal.startswith("/") or re.match("[A-Za-z]:", normal) or "\\" in normal:
        raise UserError(where, f"member {shown} is an absolute or backslashed path")
    if any(part in ("", ".", "..") for part in parts):
        raise UserError(where, f"member {shown} leaves its folder or has an empty name")
    if any(_DEVICES.match(part.strip(" .")) for part in parts):
        raise UserError(where, f"member {shown} bears the name of a device")
    if any(_looks_like_a_separator(letter) for letter in normal):
        raise UserError(where, f"member {shown} has a letter that passes for a slash or a dot")
    return normal


def _looks_like_a_separator(letter: str) -> bool:
    if letter.isascii():
        return False
    return letter in _LOOKALIKES or bool(set("/\\:.") & set(unicodedata.normalize("NFKC", letter)))


def _file(path: Path, limits: Limits) -> Source:
    size = path.stat().st_size
    if not stat.S_ISREG(path.stat().st_mode):
        raise UserError(path.name, "expected a regular file")
    if size > limits.unpacked:
        raise UserError(path.name, f"{size:,} bytes; expected at most {limits.unpacked:,}")
    alone = {path.name: Member(path.name, size, lambda: path.open("rb"))}
    found, _ = _unwrapped(alone, size, path.name, limits)
    for member in found.values():
        refuse_foreign(member.head(), path.name)
    return Source(path.name, packed=False, members=_by_name(found), single=True)


def _folder(path: Path, limits: Limits, *, again: bool) -> Source:
    found: dict[str, Member] = {}
    waiting = [path]
    total = 0
    while waiting:
        for entry in sorted(os.scandir(waiting.pop()), key=lambda entry: entry.name):
            inside = Path(entry.path)
            name = check_name(inside.relative_to(path).as_posix(), path.name)
            if entry.is_symlink():
                raise UserError(name, "a symbolic link; expected files and folders only")
            if _JUNK.search(name):
                continue
            if entry.is_dir():
                waiting.append(inside)
                continue
            if not entry.is_file():
                raise UserError(name, "a device or socket; expected files and folders only")
            size = entry.stat(follow_symlinks=False).st_size
            total += size
            _add(found, Member(name, size, lambda inside=inside: inside.open("rb")), path.name)
            _refuse_excess(path.name, len(found), total, limits=limits)
    found, _ = _unwrapped(found, total, path.name, limits)
    for member in () if again else found.values():
        _refuse_nested(member)
    return Source(path.name, packed=False, members=_by_name(found))


@contextmanager
def _zip(path: Path, limits: Limits, *, again: bool) -> Iterator[Source]:
    if not again:
        _refuse_long_directory(path, limits)
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as fault:
        raise _damaged(path.name, fault) from fault
    with archive:
        found: dict[str, Member] = {}
        total = 0
        for info in archive.infolist():
            name = _check_info(info, path.name)
            total += info.file_size
            _refuse_excess(path.name, len(found) + 1, total, limits=limits)
            if info.is_dir() or _JUNK.search(name):
                continue
            start = lambda info=info: archive.open(info)  # noqa: E731
            deflated = info.compress_type != zipfile.ZIP_STORED
            _add(found, Member(name, info.file_size, start, deflated), path.name)
        _refuse_bomb(path, total, limits)
        found, total = _unwrapped(found, total, path.name, limits)
        _refuse_bomb(path, total, limits)
        for member in () if again else found.values():
            _refuse_nested(member)
        yield Source(path.name, packed=True, members=_by_name(found))


def _refuse_long_directory(path: Path, limits: Limits) -> None:
    """Count directory entries by their mark before `zipfile` makes an object of each."""
    mark, count, tail = b"PK\x01\x02", 0, b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            window = tail + block
            count += window.count(mark)
            tail = window[-3:]  # one byte short of the mark: nothing is counted twice
            if count > 2 * limits.members:  # stored bytes may hold the mark by chance
                raise _crowded(path.name, limits)


def _check_info(info: zipfile.ZipInfo, where: str) -> str:
    name = check_name(info.orig_filename, where)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UserError(where, f"member {name!r} is a link or a device; expected files only")
    if info.flag_bits & 0x41:
        raise UserError(where, f"member {name!r} is encrypted; expected a zip without a password")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UserError(where, f"member {name!r} is packed by an unusual method; expected deflate")
    return name


def _add(found: dict[str, Member], member: Member, where: str) -> None:
    """Names that differ only in case or in composition count as the same."""
    if found.setdefault(_folded(member.name), member) is not member:
        raise UserError(where, f"member {member.name!r} is there twice")


def _unwrapped(
    found: dict[str, Member], total: int, where: str, limits: Limits
) -> tuple[dict[str, Member], int]:
    """The members, with what is in each .gz in its place, and how many bytes they are together."""
    if not limits.gunzip:
        return found, total
    unwrapped: dict[str, Member] = {}
    for member in found.values():
        if re.search(r"[^/]\.gz$", member.name, re.I):
            total -= member.size
            member = _inside(member, limits)
            total += member.size
            _refuse_excess(where, len(found), total, limits=limits)
        _add(unwrapped, member, where)
    return unwrapped, total


def _inside(packed: Member, limits: Limits) -> Member:
    """What a .gz holds. It is inflated once, to count its bytes and to check them: the size that
    it declares itself is of its last part, and modulo 4 GiB."""
    most = min(limits.unpacked, max(RATIO_FLOOR, limits.ratio * packed.size))
    size = 0
    try:
        with _Gunzipped(packed) as stream:
            while block := stream.read(BLOCK):
                size += len(block)
                if size > most:
                    raise UserError(
                        packed.name, f"{packed.size:,} bytes that unpack to over {most:,}: a bomb"
                    )
    except _BROKEN as fault:
        raise _damaged(packed.name, fault) from fault
    return Member(packed.name[: -len(".gz")], size, lambda: _Gunzipped(packed), deflated=True)


def _by_name(found: dict[str, Member]) -> dict[str, Member]:
    return {member.name: member for member in found.values()}


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _refuse_excess(where: str, members: int, total: int, *, limits: Limits) -> None:
    if members > limits.members:
        raise _crowded(where, limits)
    if total > limits.unpacked:
        raise UserError(
            where, f"unpacks to over {limits.unpacked:,} bytes, which is the most allowed"
        )


def _refuse_bomb(path: Path, total: int, limits: Limits) -> None:
    size = path.stat().st_size
    if total > max(RATIO_FLOOR, limits.ratio * size):
        raise UserError(
            path.name,
            f"{size:,} bytes that unpack to {total:,}: over {limits.ratio} to 1, a zip bomb",
        )


def _refuse_nested(member: Member) -> None:
    head = member.head()
    packed = _packed(head)
    if packed:
        advice = "upload it by itself, or unpacked"
        if member.name.lower().endswith((".bin", ".pt", ".pth", ".ckpt")):
            advice = "upload PyTorch's weights by themselves, or saved as .safetensors"
        raise UserError(member.name, f"{packed} inside an archive or folder; {advice}")


def _crowded(where: str, limits: Limits) -> UserError:
    return UserError(where, f"over {limits.members:,} members, which is the most allowed")


def _damaged(where: str, fault: Exception) -> UserError:
    return UserError(where, f"truncated or damaged ({fault}); expected a whole file")


class _Gunzipped(gzip.GzipFile):
    """The bytes in a .gz; what it is read from closes with it."""

    def __init__(self, packed: Member):
        self._packed = packed.stream()
        super().__init__(fileobj=self._packed, mode="rb")

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._packed.close()


class _Counted(io.RawIOBase):
    """A member's bytes, which must be as many as were declared."""

    def __init__(self, raw: BinaryIO, member: Member):
        self._raw = raw
        self._member = member
        self._seen = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        super().close()
        self._raw.close()

    def readinto(self, buffer: Any) -> int:
        try:
            block = self._raw.read(len(buffer))
        except _BROKEN as fault:
            raise _damaged(self._member.name, fault) from fault
        self._seen += len(block)
        ended = not block and self._seen < self._member.size
        if ended or self._seen > self._member.size:
            raise UserError(
                self._member.name,
                f"{self._seen:,} bytes came out where {self._member.size:,} were declared",
            )
        buffer[: len(block)] = block
        return len(block)
