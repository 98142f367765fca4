"""What a dataset's page shows of EEG: traces, spectrum, montage, amplitudes, and who has what.

Figures leave colours and fonts to the page's template. Only a part of a long upload is read: ten
seconds for the traces, minutes for the spectrum, hours for the amplitudes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from engine.data.eeg.montage import from_above, montage
from engine.data.eeg.naming import kind_of, standard_name
from engine.data.eeg.recording import Cut, Position, Recording, Recordings
from engine.data.eeg.set_of import labels_beside

TRACES = 24  # channels drawn; of more, some at even distances
SECONDS = 10.0  # of the traces
PAIRS = 200  # points of a trace are the lowest and the highest value of so many stretches
SPECTRUM = 300.0  # seconds that the spectrum is made of
HIGHEST = 130.0  # Hz
WINDOW = 5.0  # seconds of a window whose largest value counts
AMPLITUDES = 3 * 3600.0  # seconds that are looked at for those
LIMIT = 100.0  # microvolt, above which a window is often left out
LAST = 300.0  # microvolt; the last bar has all above
STEP = 10.0  # microvolt of a bar
ROWS = 200  # of a table
CLASSES = 12  # columns of the table of classes

Figure = dict[str, Any]
Table = dict[str, Any]


def picture(found: Recordings) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}."""
    signal, channels, sfreq = _beginning(found)
    called = "windows" if found.cut is not None else found.recordings[0].name
    places, unplaced = montage(found)
    maxima, seen = _maxima(found)
    figures = [
        _entry(f"The first seconds of {called}", _traces(signal, channels, sfreq)),
        _entry(f"Power spectrum of {called}", _spectrum(signal, sfreq)),
        _entry("Channels from above", _head(places)),
        _entry(f"Largest value in each {WINDOW:g} s{seen}", _histogram(maxima)),
    ]
    tables = [] if found.cut is not None else [_recordings(found)]
    tables += [table for table in (_classes(found), _unplaced(unplaced)) if table is not None]
    return {"figures": figures, "tables": tables}


def _entry(title: str, figure: Figure) -> dict[str, Any]:
    return {"title": title, "figure": figure}


def _beginning(found: Recordings) -> tuple[np.ndarray, tuple[str, ...], float]:
    """(C, T) microvolt of the channels of EEG, some minutes at most; their names; the rate."""
    if found.cut is not None:
        cut = found.cut
        most = max(1, int(SPECTRUM * cut.sfreq / cut.x.shape[2]))
        signal = np.concatenate(list(cut.x[:most]), axis=1)
        return signal, cut.channels, cut.sfreq
    recording = found.recordings[0]
    parts, samples = [], 0
    for block in recording.blocks(recording.eeg):
        parts.append(block)
        samples += block.shape[1]
        if samples >= SPECTRUM * recording.sfreq:
            break
    whole = np.concatenate(parts, axis=1)[:, : int(SPECTRUM * recording.sfreq)]
    return whole, recording.eeg, recording.sfreq


def reduced(signal: np.ndarray, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and values of the lowest and highest of each stretch of (T,), in their order."""
    if signal.size <= 2 * pairs:
        return np.arange(signal.size), signal
    edges = np.linspace(0, signal.size, pairs + 1).astype(int)
    places = []
    for start, stop in pairwise(edges):
        part = signal[start:stop]
        places += sorted({start + int(part.argmin()), start + int(part.argmax())})
    return np.array(places), signal[places]


def _traces(signal: np.ndarray, channels: tuple[str, ...], sfreq: float) -> Figure:
    """One above the other, in one colour; a bar at the right says how much a microvolt is."""
    shown = np.unique(np.linspace(0, len(channels) - 1, min(TRACES, len(channels))).astype(int))
    part = signal[shown, : int(SECONDS * sfreq)].astype(float)
    part = part - part.mean(axis=1, keepdims=True)
    apart = float(f"{6 * float(np.median(part.std(axis=1))) or 1.0:.4g}")
    digits = max(1, int(np.ceil(2 - np.log10(apart))))  # a signal in the wrong unit is drawn too
    scale = _round(apart)
    x: list[float | None] = []
    y: list[float | None] = []
    for row, values in enumerate(part):
        places, ends = reduced(values, PAIRS)
        x += [*np.round(places / sfreq, 3).tolist(), None]
        y += [*np.round(ends.astype(float) - row * apart, digits).tolist(), None]
    seconds = part.shape[1] / sfreq
    lowest = -(len(shown) - 1) * apart
    bar = {
        "type": "scatter",
        "mode": "lines+text",
        "x": [round(seconds * 1.02, 3)] * 2,
        "y": [lowest - apart / 2, lowest - apart / 2 + scale],
        "text": [f"{scale:g} µV", ""],
        "textposition": "bottom left",
        "line": {"width": 3},
        "hoverinfo": "skip",
        "showlegend": False,
        "meta": {"role": "scale", "microvolt": scale},
    }
    traces = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"width": 0.8},
        "hoverinfo": "skip",
        "showlegend": False,
        "meta": {"role": "traces"},
    }
    layout = {
        "height": max(360, 28 * len(shown) + 90),
        "showlegend": False,
        "xaxis": {"title": {"text": "seconds"}, "range": [0, round(seconds * 1.04, 3)]},
        "yaxis": {
            "tickmode": "array",
            "tickvals": [-row * apart for row in range(len(shown))],
            "ticktext": [channels[place] for place in shown],
            "range": [lowest - 1.2 * apart, apart],
            "zeroline": False,
        },
    }
    return {"data": [traces, bar], "layout": layout}


def _round(value: float) -> float:
    """1, 2 or 5 times a power of ten, at or below the value."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(power * max(step for step in (1, 2, 5) if step * power <= value * 1.0001))


def _spectrum(signal: np.ndarray, sfreq: float) -> Figure:
    """Welch's, of stretches of two seconds: the median channel and the outermost."""
    from scipy.signal import welch

    width = min(signal.shape[1], round(2 * sfreq))
    rates, power = welch(signal.astype(float), sfreq, nperseg=width)
    kept = (rates > 0) & (rates <= min(HIGHEST, sfreq / 2))
    decibel = 10 * np.log10(np.maximum(power[:, kept], 1e-12))
    x = np.round(rates[kept], 2).tolist()
    lines = {
        "lowest channel": decibel.min(axis=0),
        "median channel": np.median(decibel, axis=0),
        "highest channel": decibel.max(axis=0),
    }
    data: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": x,
            "y": np.round(line, 2).tolist(),
            "line": {"width": 2 if name.startswith("median") else 1},
        }
        for name, line in lines.items()
    ]
    ends = [round(float(decibel.min()), 2), round(float(decibel.max()), 2)]
    data += [_upright(mains, ends, f"mains, {mains:g} Hz") for mains in (50.0, 60.0) if mains in x]
    layout = {
        "xaxis": {"title": {"text": "Hz"}},
        "yaxis": {"title": {"text": "dB of µV²/Hz"}},
    }
    return {"data": data, "layout": layout}


def _upright(at: float, ends: list[float], name: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [at, at],
        "y": ends,
        "line": {"width": 1, "dash": "dot"},
        "hoverinfo": "name",
    }


def _head(places: dict[str, Position]) -> Figure:
    spots = [from_above(spot) for spot in places.values()]
    around = np.linspace(0, 2 * np.pi, 73)
    outline = {
        "type": "scatter",
        "mode": "lines",
        "x": [*np.cos(around).round(3).tolist(), None, -0.12, 0, 0.12],
        "y": [*np.sin(around).round(3).tolist(), None, 0.99, 1.12, 0.99],
        "line": {"width": 1},
        "hoverinfo": "skip",
        "showlegend": False,
        "meta": {"role": "head"},
    }
    electrodes = {
        "type": "scatter",
        "mode": "markers+text",
        "x": [round(x, 3) for x, _ in spots],
        "y": [round(y, 3) for _, y in spots],
        "text": list(places),
        "textposition": "top center",
        "textfont": {"size": 10},
        "marker": {"size": 7},
        "hoverinfo": "text",
        "showlegend": False,
        "meta": {"role": "electrodes"},
    }
    hidden = {"visible": False}
    layout = {
        "height": 480,
        "showlegend": False,
        "xaxis": {**hidden, "range": [-1.45, 1.45]},
        "yaxis": {**hidden, "range": [-1.45, 1.45], "scaleanchor": "x"},
    }
    return {"data": [outline, electrodes], "layout": layout}


def _maxima(found: Recordings) -> tuple[np.ndarray, str]:
    """The largest value of any channel of EEG in each window, and how much was looked at."""
    if found.cut is not None:
        eeg = [at for at, name in enumerate(found.cut.channels) if kind_of(name) == "eeg"]
        return np.abs(found.cut.x[:, eeg]).max(axis=(1, 2)), ", window by window"
    maxima, seconds = [], 0.0
    for number, recording in enumerate(found.recordings):
        if seconds >= AMPLITUDES:
            return np.concatenate(maxima), f" of the first {number} recordings"
        maxima.append(np.fromiter(_of_windows(recording), float))
        seconds += recording.seconds
    return np.concatenate(maxima), ""


def _of_windows(recording: Recording) -> Iterator[float]:
    """What does not fill a window at the end is left out, but for a recording shorter than one."""
    width = min(recording.samples, round(WINDOW * recording.sfreq))
    waiting, filled = 0.0, 0
    for block in recording.blocks(recording.eeg):
        peaks = np.abs(block).max(axis=0)
        while peaks.size:
            part = peaks[: width - filled]
            waiting, filled = max(waiting, float(part.max())), filled + part.size
            peaks = peaks[part.size :]
            if filled == width:
                yield waiting
                waiting, filled = 0.0, 0


def _histogram(maxima: np.ndarray) -> Figure:
    edges = np.arange(0, LAST + 2 * STEP, STEP)
    counts = np.histogram(np.minimum(maxima, LAST + STEP / 2), bins=edges)[0]
    above = float((maxima >= LIMIT).mean()) if maxima.size else 0.0
    bars = {
        "type": "bar",
        "name": f"windows; {above:.1%} reach {LIMIT:g} µV",
        "x": (edges[:-1] + STEP / 2).tolist(),
        "y": counts.tolist(),
        "width": STEP,
    }
    layout = {
        "bargap": 0,
        "showlegend": True,
        "xaxis": {"title": {"text": f"µV, the last bar {LAST:g} and more"}},
        "yaxis": {"title": {"text": "windows"}},
    }
    line = _upright(LIMIT, [0, int(counts.max(initial=1))], f"{LIMIT:g} µV")
    return {"data": [bars, line], "layout": layout}


def _recordings(found: Recordings) -> Table:
    rows = [
        [
            one.name,
            one.subject,
            round(one.seconds / 3600, 4),
            round(one.sfreq, 3),
            len(one.channels),
            len(one.annotations),
            _listed(Counter(note.text for note in one.annotations)),
        ]
        for one in found.recordings[:ROWS]
    ]
    more = len(found.recordings) - ROWS
    return {
        "title": f"Recordings, the first {ROWS} of {ROWS + more:,}" if more > 0 else "Recordings",
        "columns": ["recording", "subject", "hours", "Hz", "channels", "annotations", "kinds"],
        "rows": rows,
    }


def _listed(kinds: Counter) -> str:
    shown = ", ".join(f"{text[:30]} ({count})" for text, count in kinds.most_common(6))
    return shown + (", …" if len(kinds) > 6 else "")


def _classes(found: Recordings) -> Table | None:
    """How often each subject has each class: windows, labelled recordings or annotations."""
    counts: Counter = Counter()
    if found.cut is not None:
        if found.cut.y is None or found.cut.numeric:
            return None
        of, counts = "windows", _in_cut(found.cut)
    else:
        _, labels = labels_beside(found)
        of = "recordings" if labels else "annotations"
        for one in found.recordings:
            texts = [labels[one.name]] if one.name in labels else []
            if not labels:
                texts = [note.text for note in one.annotations]
            counts.update((one.subject, text) for text in texts)
    if not counts:
        return None
    sizes: Counter = Counter()
    for (_, text), count in counts.items():
        sizes[text] += count
    shown = sorted(text for text, _ in sizes.most_common(CLASSES))
    subjects = list(dict.fromkeys(subject for subject, _ in counts))
    rows = [[one, *(counts[one, text] for text in shown)] for one in subjects[:ROWS]]
    return {
        "title": f"Classes of each subject, in {of}",
        "columns": ["subject", *(text[:40] for text in shown)],
        "rows": rows,
    }


def _in_cut(cut: Cut) -> Counter:
    subjects = np.full(len(cut.x), "all") if cut.subject is None else cut.subject
    return Counter(zip(subjects.tolist(), map(str, cut.y.tolist()), strict=True))


def _unplaced(names: list[str]) -> Table | None:
    if not names:
        return None
    rows = [[name, standard_name(name)] for name in names[:ROWS]]
    return {
        "title": "Channels without a place on the head",
        "columns": ["channel", "standard name"],
        "rows": rows,
    }
