"""Which members of an upload are captures, and which are tables."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from engine.core.errors import UserError
from engine.data.archive import Limits, Member, Source, refuse_foreign
from engine.data.traffic.pcap import MAGICS, read_pcap
from engine.data.traffic.pcapng import SECTION, read_pcapng
from engine.data.traffic.records import Record

# Uploads end at 1 GiB, zipped ones unpack to more.
LIMITS = Limits(unpacked=4 << 30)
CAPTURES = (".pcap", ".pcapng", ".cap", ".dmp")
TABLES = (".csv", ".tsv")
MODIFIED = (b"\xa1\xb2\xcd\x34", b"\x34\xcd\xb2\xa1")  # Kuznetzov's, of Linux before 2001
SNOOP = b"snoop\0\0\0"

Reader = Callable[[io.BufferedReader, str, list[str]], Iterator[Record]]


@dataclass
class Files:
    captures: list[Member] = field(default_factory=list)
    tables: list[Member] = field(default_factory=list)
    others: list[Member] = field(default_factory=list)


def sorted_out(source: Source) -> Files:
    """By suffix, and files of another name by their first bytes."""
    files = Files()
    for member in sorted(source, key=lambda member: member.name):
        suffix = PurePosixPath(member.name).suffix.lower()
        if suffix in TABLES:
            files.tables.append(member)
        elif suffix in CAPTURES or is_capture(member):
            files.captures.append(member)
        else:
            files.others.append(member)
    return files


def is_capture(member: Member) -> bool:
    return member.head(4) in {SECTION, *MAGICS}


def reader_of(member: Member) -> Reader:
    """By the first bytes; refuses what is no capture by name."""
    head = member.head()
    if head[:4] in MAGICS:
        return read_pcap
    if head[:4] == SECTION:
        return read_pcapng
    refuse_foreign(head, member.name)
    if not head:
        raise UserError(member.name, "an empty file; expected a capture")
    if head[:4] in MODIFIED or head.startswith(SNOOP):
        found = "a capture of a format that is no longer in use"
    elif all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        found = f"text ({head[:20].decode('ascii')!a}…)"
    else:
        found = f"first bytes {head[:4].hex(' ')}"
    raise UserError(
        member.name,
        f"{found}; expected pcap (first bytes d4 c3 b2 a1 or the like) or pcapng (0a 0d 0d 0a)",
    )
