"""Recordings in memory: what a test says of them, and signals that it knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.data.eeg.naming import kind_of
from engine.data.eeg.recording import Annotation, Recording, Recordings
from engine.methods.cbramod.params import CBraModParams
from engine.methods.cbramod.windows import Windows, cut


@dataclass
class Held:
    values: np.ndarray

    def blocks(self, picks: Sequence[int]) -> Iterator[np.ndarray]:
        yield self.values[list(picks)].astype(np.float32)


def recording(
    name: str,
    values: np.ndarray,
    *,
    sfreq: float = 200.0,
    channels: tuple[str, ...] = ("C3", "C4"),
    notes: tuple[tuple[float, float, str], ...] = (),
) -> Recording:
    return Recording(
        name=name,
        file=f"{name}.edf",
        sfreq=sfreq,
        channels=channels,
        kinds=tuple(map(kind_of, channels)),
        samples=values.shape[1],
        annotations=tuple(Annotation(*note) for note in notes),
        signal=Held(values),
    )


def upload(*given: Recording, **tables: tuple[dict[str, str], ...]) -> Recordings:
    return Recordings(given, None, {f"{name}.csv": rows for name, rows in tables.items()})


def noise(seconds: float, *, seed: int = 0, sfreq: float = 200.0, channels: int = 2) -> np.ndarray:
    draws = np.random.default_rng(seed)
    return (10 * draws.normal(size=(channels, int(seconds * sfreq)))).astype(np.float32)


def windows(found: Recordings, *, labelled: bool = True, **params: Any) -> Windows:
    return cut(found, CBraModParams(**params), labelled=labelled, tick=lambda: None)


def refusal(found: Recordings, *, labelled: bool = True, **params: Any) -> UserError:
    with pytest.raises(UserError) as fault:
        windows(found, labelled=labelled, **params)
    return fault.value


def people(count: int, *, labelled: bool = True) -> Windows:
    return windows(
        upload(*(recording(f"S{n:02d}_{eyes}", noise(10)) for n in range(count) for eyes in "ab")),
        labelled=labelled,
    )
