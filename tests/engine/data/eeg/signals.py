"""Makes small files of EEG for these tests, whole and broken."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

TEN_TWENTY = ("Fp1", "Fp2", "C3", "C4", "O1", "O2")


def noise(channels: int = 3, seconds: float = 4, sfreq: float = 200, std: float = 20) -> np.ndarray:
    """(C, T) microvolt."""
    rng = np.random.default_rng(channels)
    return rng.normal(scale=std, size=(channels, round(seconds * sfreq))).astype(np.float32)


def edf(
    signal: np.ndarray | None = None,
    *,
    labels: tuple[str, ...] | None = None,
    each: tuple[int, ...] | None = None,
    seconds: float = 1,
    records: int | None = None,
    units: tuple[str, ...] | None = None,
    reserved: str = "",
    notes: tuple[bytes, ...] = (),
    low: str = "-1000",
    high: str = "1000",
    steps: tuple[int, int] = (-32768, 32767),
) -> bytes:
    """An EDF by hand, a step of 2000/65535 µV. `each`: samples of each channel in a record, which
    take as many from the front of its row. `notes`: the annotations of each record."""
    signal = noise() if signal is None else signal
    labels = labels or tuple(f"EEG {name}" for name in TEN_TWENTY[: len(signal)])
    each = each or (200,) * len(labels)
    count = min(len(row) // n for row, n in zip(signal, each, strict=True))
    bytes_of_notes = max(map(len, notes), default=0) + 2 & ~1
    body = b""
    for at in range(count):
        for row, n in zip(signal, each, strict=True):
            part = row[at * n : (at + 1) * n].astype(float)
            body += np.round((part + 1000) / 2000 * 65535 - 32768).astype("<i2").tobytes()
        if notes:
            body += notes[at].ljust(bytes_of_notes, b"\0")
    if notes:
        labels, each = (*labels, "EDF Annotations"), (*each, bytes_of_notes // 2)
    units = units or ("uV",) * len(labels)
    head = "0".ljust(8) + "X X X X".ljust(80) + "Startdate X X X X".ljust(80)
    head += "01.01.2000.00.00" + str(256 * (len(labels) + 1)).ljust(8) + reserved.ljust(44)
    head += str(count if records is None else records).ljust(8)
    head += f"{seconds:g}".ljust(8) + str(len(labels)).ljust(4)
    columns: list[tuple[int, tuple[str, ...]]] = [
        (16, labels),
        (80, ("",) * len(labels)),
        (8, (*units, "")[: len(labels)]),
        (8, (low,) * len(labels)),
        (8, (high,) * len(labels)),
        (8, (str(steps[0]),) * len(labels)),
        (8, (str(steps[1]),) * len(labels)),
        (80, ("",) * len(labels)),
        (8, tuple(map(str, each))),
        (32, ("",) * len(labels)),
    ]
    for width, cells in columns:
        head += "".join(cell.ljust(width) for cell in cells)
    return head.encode("latin-1") + body


def brainvision(
    signal: np.ndarray | None = None,
    *,
    data: str = "rec.eeg",
    marks: str = "rec.vmrk",
    kind: str = "IEEE_FLOAT_32",
    step: str = "1",
    unit: str = "µV",
    vectorized: bool = False,
    markers: tuple[str, ...] = ("Mk1=New Segment,,1,1,0", "Mk2=Stimulus,S  1,201,10,0"),
    interval: float = 5000,
    more: str = "",
) -> dict[str, bytes]:
    """The three files of a recording, of Fp1, Fp2 and C3 at 200 Hz."""
    signal = noise() if signal is None else signal
    rows = "\n".join(
        f"Ch{at}={name},,{step},{unit}"
        for at, name in enumerate(TEN_TWENTY[: len(signal)], start=1)
    )
    header = (
        "Brain Vision Data Exchange Header File Version 1.0\n; made by a test\n\n[Common Infos]\n"
        f"Codepage=UTF-8\nDataFile={data}\nMarkerFile={marks}\nDataFormat=BINARY\n"
        f"DataOrientation={'VECTORIZED' if vectorized else 'MULTIPLEXED'}\n"
        f"NumberOfChannels={len(signal)}\nDataPoints={signal.shape[1]}\n"
        f"SamplingInterval={interval:g}\n\n[Binary Infos]\n"
        f"BinaryFormat={kind}\n\n[Channel Infos]\n{rows}\n{more}"
    )
    text = (
        "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={data}\n\n[Marker Infos]\n" + "\n".join(markers) + "\n"
    )
    dtype = {"IEEE_FLOAT_32": "<f4", "INT_16": "<i2", "INT_32": "<i4"}[kind]
    raw = (signal if vectorized else signal.T).astype(dtype).tobytes()
    return {"rec.vhdr": header.encode(), "rec.eeg": raw, "rec.vmrk": text.encode()}


def eeglab(signal: np.ndarray | None = None, **changes: Any) -> bytes:
    """A .set of Fp1, Fp2 and C3 at 200 Hz; changes are fields of EEG."""
    signal = noise() if signal is None else signal
    places = np.array(
        [(name, 0.0, 85.0, 0.0) for name in TEN_TWENTY[: len(signal)]],
        dtype=[("labels", object), ("X", object), ("Y", object), ("Z", object)],
    )
    events = np.array(
        [("square", 201.0, 20.0), ("rt", 401.0, 0.0)],
        dtype=[("type", object), ("latency", object), ("duration", object)],
    )
    fields = {
        "setname": "test",
        "nbchan": float(len(signal)),
        "trials": 1.0,
        "pnts": float(signal.shape[1]),
        "srate": 200.0,
        "xmin": 0.0,
        "xmax": signal.shape[1] / 200 - 1 / 200,
        "data": signal,
        "chanlocs": places,
        "event": events,
    }
    buffer = io.BytesIO()
    savemat(buffer, {"EEG": fields | changes}, appendmat=False, oned_as="row")
    return buffer.getvalue()


def gdf(signal: np.ndarray | None = None, *, records: int | None = None) -> bytes:
    """A GDF 1.25 by hand, after its description in the BioSig project; no writer is at hand."""
    signal = noise() if signal is None else signal
    count, samples = signal.shape
    names = b"".join(name.encode().ljust(16) for name in TEN_TWENTY[:count])
    head = b"GDF 1.25" + b"X X".ljust(80) + b"X".ljust(80) + b"2000010100000000"
    head += struct.pack("<q", 256 * (count + 1)) + bytes(24) + bytes(20)
    head += struct.pack("<qIII", samples // 200 if records is None else records, 1, 1, count)
    head += names + bytes(80 * count) + b"uV".ljust(8) * count
    head += struct.pack(f"<{count}d", *(-1000,) * count) + struct.pack(
        f"<{count}d", *(1000,) * count
    )
    head += struct.pack(f"<{count}q", *(-32768,) * count)
    head += struct.pack(f"<{count}q", *(32767,) * count)
    head += bytes(80 * count) + struct.pack(f"<{count}i", *(200,) * count)
    head += struct.pack(f"<{count}i", *(3,) * count) + bytes(32 * count)
    body = np.round((signal.astype(float) + 1000) / 2000 * 65535 - 32768).astype("<i2")
    records_ = body.reshape(count, -1, 200).transpose(1, 0, 2).tobytes()
    events = struct.pack("<B3BIIH", 1, 200, 0, 0, 1, 201, 769)
    return head + records_ + events


def fif(folder: Path, signal: np.ndarray, **saving: Any) -> Path:
    """Written by MNE: Fp1, Fp2 and so on at 200 Hz, with a note at 1 s."""
    import mne

    info = mne.create_info(list(TEN_TWENTY[: len(signal)]), 200.0, "eeg")
    raw = mne.io.RawArray(signal * 1e-6, info, first_samp=400, verbose="ERROR")
    raw.set_montage("colin27_1020")
    raw.set_annotations(mne.Annotations([1.0], [0.5], ["blink"]))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rec_raw.fif"
    raw.save(path, verbose="ERROR", **saving)
    return path


def table(signal: np.ndarray | None = None, *, sfreq: float = 200, first: str = "time") -> str:
    """A CSV of time x channel."""
    signal = noise() if signal is None else signal
    lines = [",".join((first, *TEN_TWENTY[: len(signal)]))]
    for at, row in enumerate(signal.T.tolist()):
        lines.append(",".join(f"{value:.9g}" for value in (at / sfreq, *row)))
    return "\n".join(lines) + "\n"


def cut(windows: int = 6, *, samples: int = 200, **changes: Any) -> dict[str, Any]:
    """The arrays of an npz of windows."""
    x = noise(3, windows * samples / 200).reshape(3, windows, samples).transpose(1, 0, 2)
    arrays = {
        "x": np.ascontiguousarray(x),
        "y": np.arange(windows) % 2,
        "sfreq": np.array(200.0),
        "ch_names": np.array(TEN_TWENTY[:3]),
        "subject": np.array([f"s{at // 2}" for at in range(windows)]),
    }
    arrays |= changes
    return {name: value for name, value in arrays.items() if value is not None}


def matlab(**variables: Any) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, variables, do_compression=True)
    return buffer.getvalue()
