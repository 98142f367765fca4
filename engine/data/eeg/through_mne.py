"""GDF and FIF, read by MNE, which needs a path: members are copied to a private folder for it.

A FIF file may say in which file it goes on. Where MNE would look is asked of MNE itself before it
follows, and only a member of the upload that lies beside the first is put there.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Member, Source, lay_down, on_disk, open_source
from engine.data.eeg.files import (
    BLOCK,
    LIMITS,
    MAX_CHANNELS,
    TITLES,
    refuse_other_format,
    refuse_size,
    stem_of,
)
from engine.data.eeg.naming import KINDS, distinct, kind_of
from engine.data.eeg.recording import Annotation, Position, Recording

MAX_PARTS = 100  # of a split FIF: MNE splits at 2 GB


@dataclass(frozen=True, eq=False)
class Opened:
    """The signal of a file that MNE opens. `names` are its parts, the first first."""

    path: Path
    names: tuple[str, ...]
    suffix: str
    # Microvolt per unit of MNE, which gives voltages in volt: None of the others is scaled.
    factors: np.ndarray

    def blocks(self, picks: Sequence[int]) -> Iterator[np.ndarray]:
        factors = self.factors[list(picks), None]
        with open_source(self.path, LIMITS, again=True) as source:
            members = [source.members[name] for name in self.names]
            with on_disk(members) as folder, _raw(folder, members[0], self.suffix) as raw:
                step = max(1, BLOCK // (8 * len(raw.ch_names)))
                for start in range(0, raw.n_times, step):
                    with _plainly(members[0].name, self.suffix):
                        block = raw.get_data(list(picks), start, min(start + step, raw.n_times))
                    yield (block * factors).astype(np.float32)


def read_through_mne(member: Member, path: Path, source: Source, *, suffix: str) -> Recording:
    refuse_other_format(member, suffix)
    if suffix == ".gdf":
        _refuse_counts(member)
    with on_disk([member]) as folder:
        parts = [member]
        if suffix == ".fif":
            parts += _further_parts(member, source, folder)
        with _raw(folder, member, suffix) as raw, _plainly(member.name, suffix):
            return _described(raw, path, parts, suffix=suffix)


def _refuse_counts(member: Member) -> None:
    """MNE takes the counts of a GDF at their word, and works for minutes on large ones."""
    head = member.head(256)
    if len(head) < 256:
        raise UserError(member.name, f"{len(head)} bytes; expected a header of 256 at least")
    records = struct.unpack_from("<q", head, 236)[0]
    channels = struct.unpack_from("<H" if head[4:5] == b"2" else "<I", head, 252)[0]
    if channels > MAX_CHANNELS or 256 * (channels + 1) > member.size:
        raise UserError(
            member.name,
            f"its header says {channels:,} channels; {member.size:,} bytes hold no such header",
        )
    if not 0 < records <= member.size:
        raise UserError(member.name, f"its header says {records:,} records; they are not all there")


def parts_of(member: Member, source: Source) -> list[str]:
    """The names of the members in which a FIF file goes on."""
    with on_disk([member]) as folder:
        return [part.name for part in _further_parts(member, source, folder)]


def _further_parts(member: Member, source: Source, folder: Path) -> list[Member]:
    """Copies each further part beside the first, having looked where MNE would look for it."""
    from mne._fiff.open import _get_next_fname, fiff_open

    beside, base = member.name.rpartition("/")[0], member.name.rpartition("/")[2]
    parts: list[Member] = []
    here = folder / base
    while True:
        with _plainly(member.name, ".fif"):
            file, tree, _ = fiff_open(here, verbose="ERROR")
            with file:
                there = _get_next_fname(file, here, tree)
        if there is None:
            return parts
        if there.parent != folder or there.name in ("", ".", ".."):
            named = str(there).removeprefix(f"{folder}/")
            raise UserError(
                member.name,
                f"goes on in {named[:80]!a}; expected the plain name of a file beside it",
            )
        part = source.members.get(f"{beside}/{there.name}" if beside else there.name)
        if part is None:
            raise UserError(
                member.name,
                f"goes on in {there.name[:80]!a}, which is not in the upload; expected all parts "
                "in one zip or folder",
            )
        if there.exists() or len(parts) >= MAX_PARTS:
            raise UserError(member.name, f"goes on in {there.name[:80]!a} over and over")
        here = lay_down(part, folder)
        parts.append(part)


@contextmanager
def _raw(folder: Path, member: Member, suffix: str) -> Iterator[Any]:
    import mne

    read = {".gdf": mne.io.read_raw_gdf, ".fif": mne.io.read_raw_fif}[suffix]
    more = {"allow_maxshield": "yes"} if suffix == ".fif" else {}
    with warnings.catch_warnings():
        # About names of files and about dates; what matters of a file, the check looks at itself.
        warnings.simplefilter("ignore", RuntimeWarning)
        with _plainly(member.name, suffix):
            raw = read(folder / member.name.rpartition("/")[2], verbose="ERROR", **more)
        inside = [Path(name).parent == folder for name in raw.filenames]
        if not all(inside):
            raise UserError(member.name, "goes on in a file outside of the upload")
        with raw:
            yield raw


@contextmanager
def _plainly(where: str, suffix: str) -> Iterator[None]:
    """On a damaged file MNE raises whatever it stumbled over, bare `Exception` among it."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as fault:
        raise UserError(
            where,
            f"truncated or damaged ({str(fault)[:160]!a}); expected a whole {TITLES[suffix]} file",
        ) from fault


def _described(raw: Any, path: Path, parts: list[Member], *, suffix: str) -> Recording:
    where = parts[0].name
    refuse_size(where, channels=len(raw.ch_names), samples=raw.n_times)
    if suffix == ".gdf" and raw.n_times > parts[0].size:
        raise UserError(where, f"its header says {raw.n_times:,} samples; they are not all there")
    channels = distinct(tuple(raw.ch_names))
    types = raw.get_channel_types()
    # GDF and FIF of EEG say "eeg" of every channel unless told otherwise: then names tell.
    kinds = tuple(
        kind_of(name) if said == "eeg" else said if said in KINDS else "misc"
        for name, said in zip(channels, types, strict=True)
    )
    voltage = {"eeg", "eog", "ecg", "emg", "ecog", "seeg", "dbs"}
    return Recording(
        name=stem_of(where),
        file=where,
        sfreq=float(raw.info["sfreq"]),
        channels=channels,
        kinds=kinds,
        samples=int(raw.n_times),
        annotations=_annotations(raw),
        signal=Opened(
            path,
            tuple(part.name for part in parts),
            suffix,
            np.array([1e6 if said in voltage else 1.0 for said in types]),
        ),
        positions=_positions(raw, channels),
    )


def _annotations(raw: Any) -> tuple[Annotation, ...]:
    """MNE counts from the start of the measurement, which may lie before the first sample."""
    shift = raw.first_samp / raw.info["sfreq"]
    notes = [
        Annotation(round(float(onset) - shift, 6), float(lasted), str(text))
        for onset, lasted, text in zip(
            raw.annotations.onset,
            raw.annotations.duration,
            raw.annotations.description,
            strict=True,
        )
    ]
    return tuple(sorted(notes, key=lambda note: note.onset))


def _positions(raw: Any, channels: tuple[str, ...]) -> dict[str, Position]:
    """What the file says of its electrodes; zeros and NaN say nothing."""
    found = {}
    for name, channel in zip(channels, raw.info["chs"], strict=True):
        spot = np.asarray(channel["loc"][:3], dtype=float)
        if np.isfinite(spot).all() and spot.any():
            found[name] = tuple(spot.tolist())
    return found
