"""EDF, EDF+, BDF and BDF+: a header of text, then records of whole numbers.

Read here and not through MNE: the check needs the header's own words (the number of records, the
units, the rates), and records stream out of a zip without a file on disk. Fields and their widths
are those of the EDF specification of 1992 and of EDF+ of 2003 (edfplus.info).
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.archive import Member, open_source
from engine.data.eeg.files import BLOCK, LIMITS, MAX_CHANNELS, refuse_size, stem_of
from engine.data.eeg.naming import kind_of, numbered
from engine.data.eeg.recording import Annotation, Recording
from engine.data.kind import Report

FIXED = 256  # bytes of the first part of a header, and of each channel's in the second
MAX_RECORD = 64 << 20  # bytes of one record
MAX_ANNOTATIONS = 200_000
NOTES = {"EDF Annotations", "BDF Annotations"}
MICROVOLT = {"uv": 1.0, "µv": 1.0, "μv": 1.0, "mv": 1e3, "v": 1e6, "nv": 1e-3}
_LINES = 256 << 10  # bytes that are searched for line ends
_FEW_LINES = 16  # line feeds that may all follow a carriage return by chance: 256**-16
_ONSET = re.compile(rb"([+-]\d{1,12}(?:\.\d{0,12})?)(?:\x15(\d{1,12}(?:\.\d{0,12})?))?")


@dataclass(frozen=True)
class Header:
    wide: int  # bytes of a sample: 2 in EDF, 3 in BDF
    size: int  # bytes of the header
    records: int  # that are whole, whatever the header says
    seconds: float  # of a record
    labels: tuple[str, ...]  # of all signals, annotations included
    each: tuple[int, ...]  # samples of each signal in a record
    gains: np.ndarray  # microvolt per step, or the unit of the file where it is no voltage
    offsets: np.ndarray
    kinds: tuple[str, ...]
    interrupted: bool  # EDF+D

    @property
    def signals(self) -> tuple[int, ...]:
        return tuple(at for at, label in enumerate(self.labels) if label not in NOTES)

    @property
    def notes(self) -> tuple[int, ...]:
        return tuple(at for at, label in enumerate(self.labels) if label in NOTES)

    @property
    def record(self) -> int:
        """Bytes of a record."""
        return sum(self.each) * self.wide

    @property
    def most(self) -> int:
        """Samples per record of the fastest signal, to which all others are resampled."""
        return max(self.each[at] for at in self.signals)

    def span(self, at: int) -> slice:
        """Where a signal lies among the samples of a record."""
        start = sum(self.each[:at])
        return slice(start, start + self.each[at])


def read_edf(member: Member, path: Path, report: Report) -> Recording | None:
    """The recording, or None where the file holds annotations alone."""
    _refuse_translated(member)
    with member.open(buffer=1 << 16) as stream:  # bytes: a header and, often, no more
        header = _header(stream, member, report)
        if not header.signals:
            report.warn(member.name, "annotations and no signal; left out")
            return None
        annotations = _annotations(stream, header, member=member, report=report)
    rate = header.most / header.seconds
    channels = _channels(header, member.name, report)
    samples = header.records * header.most
    refuse_size(member.name, channels=len(channels), samples=samples)
    return Recording(
        name=stem_of(member.name),
        file=member.name,
        sfreq=rate,
        channels=channels,
        kinds=tuple(header.kinds[at] for at in header.signals),
        samples=samples,
        annotations=annotations,
        signal=Records(path, member.name, header),
    )


@dataclass(frozen=True, eq=False)
class Records:
    """The signal of an EDF or BDF."""

    path: Path
    name: str
    header: Header

    def blocks(self, picks: Sequence[int]) -> Iterator[np.ndarray]:
        header = self.header
        signals = [header.signals[at] for at in picks]
        if all(header.each[at] == header.most for at in signals):
            for records in self._records():
                yield _joined(records, header, signals)
            return
        # A slower signal is resampled as a whole: by pieces, each would bring its own edges.
        whole = np.concatenate(list(self._records()))
        fast = np.empty((len(signals), header.records * header.most), np.float32)
        for row, at in zip(fast, signals, strict=True):
            row[:] = _faster(
                _joined(whole, header, [at])[0], Fraction(header.most, header.each[at])
            )
        yield fast

    def _records(self) -> Iterator[np.ndarray]:
        """(r, samples of a record) whole numbers, some records at a time."""
        with (
            open_source(self.path, LIMITS, again=True) as source,
            source.members[self.name].open() as stream,
        ):
            stream.read(self.header.size)
            for raw in _raw_records(stream, self.header):
                yield _numbers(raw, self.header)


def _raw_records(stream: io.BufferedReader, header: Header) -> Iterator[bytes]:
    step = max(1, BLOCK // header.record)
    for start in range(0, header.records, step):
        yield stream.read(min(step, header.records - start) * header.record)


def _numbers(raw: bytes, header: Header) -> np.ndarray:
    """(r, samples of a record) int16, or int32 of the three bytes of BDF."""
    if header.wide == 2:
        return np.frombuffer(raw, "<i2").reshape(-1, header.record // 2)
    three = np.frombuffer(raw, np.uint8).reshape(-1, 3).astype(np.int32)
    joined = (three[:, 0] << 8) | (three[:, 1] << 16) | (three[:, 2] << 24)
    return (joined >> 8).reshape(-1, header.record // 3)  # an arithmetic shift keeps the sign


def _joined(records: np.ndarray, header: Header, signals: Sequence[int]) -> np.ndarray:
    """(len(signals), r x samples) float32, microvolt, of signals of one rate."""
    each = header.each[signals[0]] if signals else 0
    out = np.empty((len(signals), records.shape[0] * each), np.float32)
    for row, at in zip(out, signals, strict=True):
        row[:] = records[:, header.span(at)].reshape(-1)
        row *= np.float32(header.gains[at])
        row += np.float32(header.offsets[at])
    return out


def _faster(signal: np.ndarray, ratio: Fraction) -> np.ndarray:
    from scipy.signal import resample_poly

    if ratio == 1:
        return signal
    wanted = int(signal.size * ratio)
    even = resample_poly(signal, ratio.numerator, ratio.denominator, padtype="line")
    return even[:wanted].astype(np.float32)


def _refuse_translated(member: Member) -> None:
    """A file that was sent as text: each line feed got a carriage return before it."""
    begin = member.head(_LINES)
    lines = begin.count(b"\n")
    if lines >= _FEW_LINES and begin.count(b"\r\n") == lines:
        raise UserError(
            member.name,
            f"its line ends were translated: each of the first {lines:,} LF bytes follows a CR, so "
            "the samples are garbage; expected the file as it was recorded. Fetch it again in "
            "binary mode (git: mark *.edf as binary in .gitattributes; ftp: type binary), or take "
            "out each CR before an LF",
        )


def _header(stream: io.BufferedReader, member: Member, report: Report) -> Header:
    where = member.name
    head = stream.read(FIXED)
    if len(head) < FIXED:
        raise UserError(where, f"{len(head)} bytes; expected a header of {FIXED} at least")
    bdf = head.startswith(b"\xffBIOSEMI")
    if not bdf and head[:8].strip() != b"0":
        raise UserError(where, "other first bytes; expected those of an EDF or BDF file")
    count = _whole(head[252:256], "number of signals", where)
    size = _whole(head[184:192], "bytes of the header", where)
    if not 0 < count <= MAX_CHANNELS or size != FIXED * (count + 1):
        raise UserError(
            where,
            f"a header of {size:,} bytes for {count:,} signals; expected 256 for each and 256",
        )
    rest = stream.read(FIXED * count)
    if len(rest) < FIXED * count:
        raise UserError(where, f"ends inside its header of {size:,} bytes")
    fields = _fields(rest, count)
    labels = tuple(_text(raw) for raw in fields["label"])
    each = tuple(_whole(raw, "samples in a record", where) for raw in fields["samples"])
    if min(each) < 1:
        raise UserError(where, f"signal {labels[each.index(min(each))]!a}: no samples in a record")
    wide = 3 if bdf else 2
    record = sum(each) * wide
    if record > MAX_RECORD:
        raise UserError(where, f"records of {record:,} bytes; expected at most {MAX_RECORD:,}")
    real = any(label not in NOTES for label in labels)
    seconds = _decimal(head[244:252], "seconds of a record", where)
    if real and not 0 < seconds < 1e6:
        raise UserError(where, f"records of {seconds:g} s; expected more than 0 s")
    reserved = head[192:236]
    gains, offsets, kinds = _scales(fields, labels, where=where, report=report)
    return Header(
        wide=wide,
        size=size,
        records=_records(head[236:244], member, size, record, report=report),
        seconds=seconds,
        labels=labels,
        each=each,
        gains=gains,
        offsets=offsets,
        kinds=kinds,
        interrupted=reserved.startswith((b"EDF+D", b"BDF+D")),
    )


def _fields(rest: bytes, count: int) -> dict[str, list[bytes]]:
    """The second part of the header lists each field of all signals before the next."""
    widths = {
        "label": 16,
        "transducer": 80,
        "unit": 8,
        "low": 8,
        "high": 8,
        "low_step": 8,
        "high_step": 8,
        "filter": 80,
        "samples": 8,
    }
    fields, at = {}, 0
    for name, width in widths.items():
        fields[name] = [rest[at + width * n : at + width * (n + 1)] for n in range(count)]
        at += width * count
    return fields


def _records(field: bytes, member: Member, size: int, record: int, *, report: Report) -> int:
    """How many whole records there are; what the header says of them is told where it differs."""
    said = _whole(field, "number of records", member.name)
    there, over = divmod(member.size - size, record)
    if over:
        report.warn(
            member.name,
            f"the last record is cut off: {over:,} of {record:,} bytes; it is left out",
        )
    if said == -1:
        report.warn(
            member.name, f"the header does not say how many records there are (-1); {there:,} are"
        )
    elif said != there:
        report.warn(
            member.name,
            f"the header says {counted(said, 'record')}, and {there:,} whole ones are there; "
            "these are read",
        )
    if there < 1:
        raise UserError(member.name, "no whole record behind the header; expected one at least")
    return there


def _scales(
    fields: dict[str, list[bytes]], labels: tuple[str, ...], *, where: str, report: Report
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Gain and offset of each signal into microvolt, and its kind."""
    gains, offsets = np.ones(len(labels)), np.zeros(len(labels))
    kinds, bare = [], []
    for at, label in enumerate(labels):
        kind, unit = kind_of(label), _text(fields["unit"][at])
        kinds.append(kind)
        if label in NOTES:
            continue
        low, high, low_step, high_step = (
            _decimal(fields[name][at], f"signal {label!a}: {name.replace('_', ' ')}", where)
            for name in ("low", "high", "low_step", "high_step")
        )
        if low_step == high_step or low == high:
            report.warn(where, f"signal {label!a}: its range is empty, so it is read as zeros")
            gains[at] = 0
            continue
        factor = MICROVOLT.get(unit.lower(), 1.0)
        if not unit and kind == "eeg":
            bare.append(label)
        elif unit.lower() not in MICROVOLT and kind == "eeg":
            kinds[-1] = "misc"  # per cent, degrees, beats: no voltage
        gains[at] = (high - low) / (high_step - low_step) * factor
        offsets[at] = low * factor - low_step * gains[at]
    if bare:
        report.warn(where, f"{counted(len(bare), 'signal')} without a unit: read as microvolt")
    return gains, offsets, tuple(kinds)


def _channels(header: Header, where: str, report: Report) -> tuple[str, ...]:
    labels = [header.labels[at] for at in header.signals]
    names = numbered(labels, where, report)
    rates = {header.each[at] / header.seconds for at in header.signals}
    if len(rates) > 1:
        slow = [header.labels[at] for at in header.signals if header.each[at] < header.most]
        listed = ", ".join(f"{rate:g}" for rate in sorted(rates))
        report.warn(
            where,
            f"channels at {listed} Hz: resampled to the highest, {slow[0]!a} the first of "
            f"{len(slow)}",
        )
    return names


def _annotations(
    stream: io.BufferedReader, header: Header, *, member: Member, report: Report
) -> tuple[Annotation, ...]:
    """What is noted in an EDF+, at its place in the joined records."""
    if not header.notes:
        return ()
    begins, found, odd = [], [], 0
    spans = [header.span(at) for at in header.notes]
    starts = [(span.start * header.wide, span.stop * header.wide) for span in spans]
    number = 0
    for raw in _raw_records(stream, header):
        for base in range(0, len(raw), header.record):
            begins.append(number * header.seconds)
            timed = False
            for at, (start, stop) in enumerate(starts):
                for piece in raw[base + start : base + stop].split(b"\x14\0"):
                    piece = piece.strip(b"\0")
                    if not piece:
                        continue
                    head, *texts = piece.split(b"\x14")
                    match = _ONSET.fullmatch(head)
                    if match is None:
                        odd += 1
                    elif at == 0 and not timed and not any(texts):
                        begins[-1], timed = float(match[1]), True  # the record's own time
                    else:
                        found += [(float(match[1]), float(match[2] or 0), text) for text in texts]
            number += 1
        if len(found) > MAX_ANNOTATIONS:
            raise UserError(member.name, f"over {MAX_ANNOTATIONS:,} annotations, the most allowed")
    if odd:
        report.warn(
            member.name,
            f"{counted(odd, 'annotation')} unreadable and left out; expected an onset, as in +12.5",
        )
    return _placed(np.array(begins), found, header, where=member.name, report=report)


def _placed(
    begins: np.ndarray,
    found: list[tuple[float, float, bytes]],
    header: Header,
    *,
    where: str,
    report: Report,
) -> tuple[Annotation, ...]:
    gaps = int((np.abs(np.diff(begins) - header.seconds) > 1e-3).sum()) if header.interrupted else 0
    if gaps:
        report.warn(
            where,
            f"an interrupted recording (EDF+D): {counted(gaps, 'gap')}; what stands on both sides "
            "of one is joined",
        )
    else:
        begins = begins[0] + np.arange(begins.size) * header.seconds
    foreign = False
    annotations = []
    for onset, duration, raw in sorted(found):
        if not raw:
            continue
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:  # of programs that wrote what their machine spoke
            text, foreign = raw.decode("latin-1"), True
        record = max(0, int(np.searchsorted(begins, onset + 1e-9, side="right")) - 1)
        at = record * header.seconds + onset - float(begins[record])
        annotations.append(Annotation(round(at, 6), duration, text.strip()))
    if foreign:
        report.warn(where, "annotations that are not UTF-8, as EDF+ asks: read as Latin-1")
    return tuple(annotations)


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").strip(" \0").replace("\0", "")


def _whole(raw: bytes, what: str, where: str) -> int:
    number = _decimal(raw, what, where)
    if number != int(number):
        raise UserError(where, f"{what} is {number:g}; expected a whole number")
    return int(number)


def _decimal(raw: bytes, what: str, where: str) -> float:
    text = _text(raw).replace(",", ".")  # some programs write decimals as their country does
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UserError(where, f"{what} is {text[:20]!a}; expected a number")
    return number
