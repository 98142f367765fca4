"""The sample recordings that we ship: made here, the same bytes every time.

Noise as of scalp EEG, whose power falls with frequency, and an alpha rhythm at the back of the
head that is strong with closed eyes and weak with open ones. With open eyes there are blinks.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

SUBJECTS, SECONDS, RATE = 6, 30, 200
CHANNELS = ("Fp1", "Fp2", "C3", "C4", "P3", "P4", "O1", "O2")
BACK = np.array([0.1, 0.1, 0.3, 0.3, 0.8, 0.8, 1.0, 1.0])  # how much of alpha a channel has
FRONT = np.array([1.0, 1.0, 0.15, 0.15, 0.05, 0.05, 0.02, 0.02])  # and of a blink
NOISE = 12.0  # microvolt, standard deviation
SHARED = 0.6  # share of a channel's noise that all have
ALPHA = {"closed": 14.0, "open": 4.0}  # microvolt, amplitude where it is strongest
BLINKS = 50.0, 115.0  # microvolt at the forehead, the smallest and the largest
RANGE = 800.0  # microvolt, which leaves steps of 0.02
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


def write_recordings(path: Path, rng: np.random.Generator) -> None:
    """A zip of EDFs, two of each subject, and a table of labels. Stored: how zlib packs differs."""
    members: dict[str, bytes] = {}
    for subject in range(1, SUBJECTS + 1):
        pitch, strength = rng.uniform(9, 11), rng.uniform(0.8, 1.2)
        for eyes, amplitude in ALPHA.items():
            signal = noise(rng) + strength * amplitude * BACK[:, None] * rhythm(pitch, rng)
            if eyes == "open":
                signal += FRONT[:, None] * blinks(rng)
            members[f"S{subject:02d}_{eyes}.edf"] = edf(signal, f"eyes {eyes}")
    rows = [f"{name},{name.removesuffix('.edf').partition('_')[2]}" for name in members]
    members["labels.csv"] = "\n".join(("file,label", *rows, "")).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, date_time=EPOCH)
            info.create_system = 3
            archive.writestr(info, content, zipfile.ZIP_STORED)


def noise(rng: np.random.Generator) -> np.ndarray:
    """(C, T) microvolt: power falls as 1/f from 1 Hz on; part of it is common to all channels."""
    rates = np.fft.rfftfreq(SECONDS * RATE, 1 / RATE)
    shape = np.where(rates < 0.5, 0, 1 / np.sqrt(np.maximum(rates, 1)))
    white = rng.normal(size=(len(CHANNELS) + 1, SECONDS * RATE))
    pink = np.fft.irfft(np.fft.rfft(white) * shape, SECONDS * RATE)
    pink /= pink.std(axis=1, keepdims=True)
    own, shared = pink[:-1], pink[-1]
    return NOISE * (np.sqrt(1 - SHARED) * own + np.sqrt(SHARED) * shared)


def rhythm(pitch: float, rng: np.random.Generator) -> np.ndarray:
    """(T,) a wave of this pitch in Hz that waxes and wanes over seconds."""
    times = np.arange(SECONDS * RATE) / RATE
    swell = 1 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.1, 0.3) * times + rng.uniform(0, 6))
    return swell * np.sin(2 * np.pi * pitch * times + rng.uniform(0, 6))


def blinks(rng: np.random.Generator) -> np.ndarray:
    """(T,) microvolt: bumps of a third of a second, one in some six seconds."""
    times = np.arange(SECONDS * RATE) / RATE
    moments = np.arange(3, SECONDS - 1, 6) + rng.uniform(-1.5, 1.5, size=5)
    heights = rng.uniform(*BLINKS, size=moments.size)
    return heights @ np.exp(-(((times - moments[:, None]) / 0.12) ** 2))


def edf(signal: np.ndarray, note: str) -> bytes:
    """As EDF+, with a note at the beginning."""
    import edfio

    signals = [
        edfio.EdfSignal(
            row,
            RATE,
            label=f"EEG {name}",
            physical_dimension="uV",
            physical_range=(-RANGE, RANGE),
        )
        for name, row in zip(CHANNELS, np.round(signal, 1), strict=True)
    ]
    return edfio.Edf(signals, annotations=[edfio.EdfAnnotation(0, SECONDS, note)]).to_bytes()
