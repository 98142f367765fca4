"""Windows for use elsewhere: as embeddings, and as cleaned epochs that MNE reads."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import UserError
from engine.data.eeg.naming import distinct, standard_name
from engine.methods.cbramod.inspector import PARTS, parts
from engine.methods.cbramod.windows import RATE, Windows

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.data.eeg.recording import Recordings
    from engine.methods.cbramod.split import Part

LARGEST = 1_900_000_000  # bytes: MNE would split a FIF file of 2 GB, and an artifact is one file


def write(run: Run, windows: Windows, part: Part, embedding: np.ndarray) -> None:
    """`part` is the last fold, the embedding by the network that the job kept."""
    embeddings(run, windows, part, embedding)
    if run.params.save_windows:
        epochs(run, windows)


def embeddings(run: Run, windows: Windows, part: Part, embedding: np.ndarray) -> None:
    """Every window; texts are empty where there is no label, or no part in this fold."""
    named = [None if number is None else PARTS[number] for number in parts(len(windows), part)]
    with run.artifact(
        "export/embeddings.npz",
        title="Embedding of every window",
        role="export",
        media="application/octet-stream",
    ) as path:
        np.savez(
            path,
            embedding=embedding,
            recording=windows.recording.astype(str),
            subject=windows.subject.astype(str),
            start=windows.start.astype(np.float64),
            label=np.array(labels(windows)),
            part=np.array([name or "" for name in named]),
        )


def labels(windows: Windows) -> list[str]:
    if windows.y is None:
        return [""] * len(windows)
    return [str(windows.label(place)) for place in range(len(windows))]


def refuse_large(windows: Windows) -> None:
    """Before anything is computed."""
    if windows.x.nbytes > LARGEST:
        raise UserError(
            "save_windows",
            f"the windows take {windows.x.nbytes / 1e9:.1f} GB; a FIF file holds 1.9 GB",
        )


def epochs(run: Run, windows: Windows) -> None:
    """All windows that are not rejected, in volt; of each, an annotation says whose it is, and the
    label where that is a number."""
    import mne

    kept = np.arange(len(windows))
    if run.params.reject:
        kept = np.flatnonzero(~windows.loud(run.params.reject))
    if not len(kept):
        run.message("no window is left to export below the rejection", "warning")
        return
    length = windows.x.shape[2]
    code = windows.group[kept] + 1
    # Windows lie end to end here, since those of several recordings share one clock.
    onsets = np.arange(len(kept)) * length
    events = np.stack([onsets, np.zeros_like(onsets), code], axis=1)
    names = distinct([storable(name) for name in windows.classes or ("window",)])
    known = {name: number for number, name in enumerate(names, start=1) if number in code}
    whose = [
        f"{windows.subject[at]} | {windows.recording[at]} | {windows.start[at]:.3f} s"
        for at in kept.tolist()
    ]
    if windows.y is not None and not windows.classes:
        whose = [f"{one} | {windows.y[at]}" for one, at in zip(whose, kept, strict=True)]
    with mne.use_log_level("error"):
        made = mne.EpochsArray(
            windows.x[kept] * 1e-6, info(run.inputs["recordings"], windows), events,
            event_id=known, baseline=None, proj=False,
        )  # fmt: skip
        made.set_annotations(mne.Annotations(onsets / RATE, length / RATE, whose))
        with run.artifact(
            "export/windows-epo.fif",
            title="Cleaned windows, as epochs of MNE",
            role="export",
            media="application/octet-stream",
        ) as path:
            made.save(path, fmt="single", overwrite=True)


def storable(name: str) -> str:
    """A name of an event as a FIF file can hold it: Latin-1, in which a semicolon ends it."""
    return name.encode("latin-1", "replace").decode("latin-1").replace(";", ",")


def info(found: Recordings, windows: Windows) -> Any:
    """Channels by their standard names; their places by the file, else by the 10-05 system."""
    import mne

    made = mne.create_info(list(windows.channels), RATE, "eeg")
    own = {} if found.cut is not None else found.recordings[0].positions
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a renamed standard montage, and of unknown places
        montage = mne.channels.make_standard_montage("colin27_1005")
        if own:
            places = {standard_name(name): np.array(spot) for name, spot in own.items()}
            montage = mne.channels.make_dig_montage(places, coord_frame="head")
        made.set_montage(montage, match_case=False, on_missing="ignore")
    return made
