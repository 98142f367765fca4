"""Which members of an upload are recordings, which are tables, and what each format begins with."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.core.errors import UserError
from engine.data.archive import Limits, Member, Source

# A night of 64 channels at 512 Hz is 1.9 GB as EDF; zipped, EEG halves. Uploads end at 1 GiB.
LIMITS = Limits(unpacked=4 << 30)
# float32 of one recording in memory: 4 GiB, which is a file of 2 GiB of 16-bit samples.
MAX_VALUES = 1 << 30
MAX_CHANNELS = 4096
LEAST_RATE = 100.0  # Hz: EEG is looked at up to 45 Hz and more
LEAST_SECONDS = 1.0
BLOCK = 4 << 20  # bytes read at a time

RECORDINGS = (".edf", ".bdf", ".gdf", ".fif", ".set", ".vhdr")
TABLES = (".csv", ".tsv")
PARTNERS = (".fdt", ".eeg", ".dat", ".vmrk")  # of a header in another file
MARKS = {
    ".edf": (b"0       ",),
    ".bdf": (b"\xffBIOSEMI",),
    ".gdf": (b"GDF ",),
    # The first tag of a FIF file: its identity, a structure of 20 bytes.
    ".fif": (b"\0\0\0\x64\0\0\0\x1f\0\0\0\x14",),
    ".vhdr": (b"Brain Vision Data Exchange Header File", b"BrainVision Data Exchange Header File"),
}
MATLAB_5 = b"MATLAB 5.0 MAT-file"
MATLAB_73 = b"MATLAB 7.3 MAT-file"
TITLES = {
    ".edf": "EDF",
    ".bdf": "BDF",
    ".gdf": "GDF",
    ".fif": "FIF",
    ".set": "EEGLAB",
    ".vhdr": "BrainVision",
}


@dataclass
class Files:
    recordings: list[tuple[Member, str]] = field(default_factory=list)  # with its format
    tables: list[Member] = field(default_factory=list)
    matlab: list[Member] = field(default_factory=list)  # .mat
    partners: dict[str, Member] = field(default_factory=dict)
    others: list[Member] = field(default_factory=list)


def sorted_out(source: Source) -> Files:
    """By suffix; a lone file of another name by its first bytes."""
    files = Files()
    for member in sorted(source, key=lambda member: member.name):
        suffix = suffix_of(member.name)
        if suffix in RECORDINGS:
            files.recordings.append((member, suffix))
        elif suffix in TABLES:
            files.tables.append(member)
        elif suffix == ".mat":
            files.matlab.append(member)
        elif suffix in PARTNERS and not source.single:
            files.partners[member.name] = member
        elif source.single and (known := format_of(member.head(64))):
            files.recordings.append((member, known))
        else:
            files.others.append(member)
    return files


def suffix_of(name: str) -> str:
    stem, dot, suffix = name.rsplit("/", 1)[-1].rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def stem_of(name: str) -> str:
    """The member's path without its suffix."""
    return name[: len(name) - len(suffix_of(name))]


def format_of(head: bytes) -> str | None:
    head = head.removeprefix(b"\xef\xbb\xbf")
    return next((suffix for suffix, marks in MARKS.items() if head.startswith(marks)), None)


def refuse_other_format(member: Member, suffix: str) -> None:
    head = member.head(64).removeprefix(b"\xef\xbb\xbf")
    if not head.startswith(MARKS[suffix]):
        found = format_of(head)
        known = f"{TITLES[found]} by its first bytes" if found else "other first bytes"
        raise UserError(member.name, f"{known}; expected those of a {TITLES[suffix]} file")


def partner(files: Files, header: Member, named: str, *, field_: str) -> Member:
    """The member that a header names, which must lie beside it: a name and never a path."""
    folder = header.name.rpartition("/")[0]
    if not named or named in (".", "..") or set(named) & set("/\\:\0"):
        raise UserError(
            header.name,
            f"{field_} is {named[:80]!a}; expected the plain name of a file beside it",
        )
    found = files.partners.get(f"{folder}/{named}" if folder else named)
    if found is None:
        raise UserError(
            header.name,
            f"{field_} is {named[:80]!a}, which is not in the upload; expected it beside the "
            "header, both in one zip or folder",
        )
    return found


def refuse_size(where: str, *, channels: int, samples: int) -> None:
    if not 0 < channels <= MAX_CHANNELS:
        raise UserError(where, f"{channels:,} channels; expected 1 to {MAX_CHANNELS:,}")
    if samples < 1:
        raise UserError(where, "no samples; expected a recording")
    if channels * samples > MAX_VALUES:
        raise UserError(
            where,
            f"{channels:,} channels x {samples:,} samples; expected at most {MAX_VALUES:,} values",
        )
