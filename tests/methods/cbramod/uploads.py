"""Small uploads of all sorts on the disk, and jobs on them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import edfio
import numpy as np

from engine.core.job import Job
from engine.methods.cbramod.whatif import WhatIf
from tests.methods import attempts

QUICK: dict[str, Any] = {
    "folds": 2, "pretrain_epochs": 1, "epochs": 1, "window": 5, "baselines": ["majority"]
}  # fmt: skip
BACK = ("FP1", "FP2", "C3", "C4", "O1", "O2")


def recordings(
    path: Path,
    *,
    channels: tuple[str, ...] = BACK,
    subjects: int = 4,
    parts: tuple[str, ...] = ("rest", "task"),
    seconds: float = 20,
    sfreq: int = 200,
    loud: str = "",
) -> Path:
    """A zip of EDFs, S01_rest and so on; the parts differ by a rhythm of 10 Hz. Of the subject
    that is `loud` every window has samples of more than 100 µV."""
    draws = np.random.default_rng(0)
    times = np.arange(int(seconds * sfreq)) / sfreq
    with zipfile.ZipFile(path, "w") as archive:
        for subject in range(1, subjects + 1):
            for number, part in enumerate(parts):
                values = 10 * draws.normal(size=(len(channels), len(times)))
                values += 15 * (number % 2) * np.sin(20 * np.pi * times)
                values *= 6 if loud == f"S{subject:02d}" else 1
                signals = [
                    edfio.EdfSignal(
                        row, sfreq, label=name, physical_dimension="uV", physical_range=(-500, 500)
                    )
                    for row, name in zip(values, channels, strict=True)
                ]
                archive.writestr(f"S{subject:02d}_{part}.edf", edfio.Edf(signals).to_bytes())
    return path


def cut(path: Path, *, windows: int = 24, seconds: float = 3, sfreq: float = 100) -> Path:
    """An npz of windows of four subjects, one after the other in turn."""
    draws = np.random.default_rng(0)
    x = 10 * draws.normal(size=(windows, len(BACK), int(seconds * sfreq)))
    np.savez(
        path,
        x=x.astype(np.float32),
        y=np.arange(windows) // 4 % 3,
        sfreq=sfreq,
        ch_names=np.array(BACK),
        subject=np.array([f"P{at % 4}" for at in range(windows)]),
    )
    return path


def job(folder: Path, upload: Path, **params: Any) -> WhatIf:
    """A finished job, ready to be asked."""
    attempts.attempt(folder, "cbramod", {"recordings": upload}, {**QUICK, **params})
    return WhatIf(Job(folder))
