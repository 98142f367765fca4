"""The real recordings as windows, read in place with MNE and nothing of the bench."""

from __future__ import annotations

import re
import tempfile
import zipfile
from pathlib import Path

import mne
import numpy as np

from engine.methods.cbramod.baselines import Labelled

WINDOW = 5  # s, without overlap
RATE = 200


def mental_arithmetic(eeg: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (1515, 20, 1000) float32 µV, y rest 0 and task 1, the subject of each window."""
    x, y, subjects = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        archive = eeg / "mental_arithmetic/mental_arithmetic_200hz_sub00-31.zip"
        zipfile.ZipFile(archive).extractall(folder)
        for path in sorted(Path(folder).rglob("*.edf")):
            subject, part = map(int, re.fullmatch(r"Subject(\d+)_(\d)", path.stem).groups())
            signal = microvolts(mne.io.read_raw_edf(path, verbose="error"))
            count = signal.shape[1] // (WINDOW * RATE)
            cut = signal[:, : count * WINDOW * RATE].reshape(len(signal), count, WINDOW * RATE)
            x.append(cut.transpose(1, 0, 2))
            y += [part - 1] * count
            subjects += [subject] * count
    return np.concatenate(x), np.array(y), np.array(subjects)


def imagery(eeg: Path, run: int) -> Labelled:
    """(15, 64, 640): four seconds from each cue of a run of EEGMMI S001, average reference."""
    path = eeg / f"eegmmi_s001/S001R{run:02d}.edf"
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
    raw.set_eeg_reference("average", verbose="error")
    events, _ = mne.events_from_annotations(raw, {"T1": 0, "T2": 1}, verbose="error")
    rate = raw.info["sfreq"]
    signal, length = microvolts(raw), round(4 * rate)
    x = np.stack([signal[:, first : first + length] for first in events[:, 0]])
    return Labelled(x, events[:, 2], rate, 2)


def microvolts(raw: mne.io.BaseRaw) -> np.ndarray:
    return (raw.get_data() * 1e6).astype(np.float32)
