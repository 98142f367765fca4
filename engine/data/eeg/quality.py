"""What a look at every sample says of a signal: its size, and channels that are flat, clipped or
no numbers.

Amplitudes are standard deviations within a second, pooled: slow drifts of amplifiers without a
high-pass, which reach millivolts, do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.core.units import counted
from engine.data.kind import Report

LEAST, MOST = 0.5, 500.0  # microvolt: between a channel that is nearly dead and a bad contact
TYPICAL = 30.0  # microvolt of a scalp channel
FACTORS = (1e-6, 1e-3, 1e3, 1e6)
CLIPPED = 0.005  # share of samples at the lowest or highest value that a channel has
SHOWN = 8


@dataclass
class Amplitudes:
    """Per channel, over all blocks that were added."""

    count: int
    low: np.ndarray  # (C,) the lowest value
    high: np.ndarray
    at_low: np.ndarray  # (C,) samples at it
    at_high: np.ndarray
    odd: np.ndarray  # (C,) samples that are NaN or infinite
    spread: np.ndarray  # (C,) sum over seconds of the variance
    seconds: int

    @property
    def std(self) -> np.ndarray:
        """(C,) microvolt."""
        return np.sqrt(self.spread / max(1, self.seconds))

    @property
    def flat(self) -> np.ndarray:
        return (self.low == self.high) & (self.odd == 0)

    @property
    def clipped(self) -> np.ndarray:
        """(C,) the share of samples at an end, where that is more than chance makes it."""
        share = np.maximum(self.at_low, self.at_high) / max(1, self.count)
        return np.where(self.flat | (share < CLIPPED), 0, share)


def measure(blocks: Iterable[np.ndarray], channels: int, sfreq: float) -> Amplitudes:
    """Look once at every sample; one block of (C, t) is in memory at a time."""
    found = Amplitudes(
        count=0,
        low=np.full(channels, np.inf),
        high=np.full(channels, -np.inf),
        at_low=np.zeros(channels, np.int64),
        at_high=np.zeros(channels, np.int64),
        odd=np.zeros(channels, np.int64),
        spread=np.zeros(channels),
        seconds=0,
    )
    for block in blocks:
        _add(found, block, width=max(2, round(sfreq)))
    return found


def _add(found: Amplitudes, block: np.ndarray, *, width: int) -> None:
    finite = np.isfinite(block)
    if not finite.all():
        found.odd += (~finite).sum(axis=1)
        block = np.where(finite, block, 0)
    low, high = block.min(axis=1), block.max(axis=1)
    for value, ends, best, better in (
        (low, found.at_low, found.low, low < found.low),
        (high, found.at_high, found.high, high > found.high),
    ):
        ends[better] = 0
        best[better] = value[better]
        ends += (block == best[:, None].astype(block.dtype)).sum(axis=1)
    found.count += block.shape[1]
    seconds = block.shape[1] // width
    whole = block[:, : seconds * width].reshape(block.shape[0], seconds, width)
    found.spread += whole.var(axis=2, dtype=np.float64).sum(axis=1)
    found.seconds += seconds


def likely_factor(std: float) -> float | None:
    """By what a signal of this size was multiplied, if it is not in microvolt."""
    if std <= 0 or LEAST <= std <= MOST:
        return None
    return min(FACTORS, key=lambda factor: abs(np.log10(std / factor / TYPICAL)))


def tell(
    amplitudes: Amplitudes,
    channels: Sequence[str],
    kinds: Sequence[str],
    *,
    where: str,
    report: Report,
) -> float:
    """Lines about channels of EEG; gives the median of their amplitudes, in microvolt."""
    eeg = np.array([kind == "eeg" for kind in kinds])
    odd = np.flatnonzero(amplitudes.odd > 0)
    if odd.size:
        count = int(amplitudes.odd.sum())
        report.error(
            where,
            f"{counted(count, 'value')} NaN or infinite, in {_named(odd, channels)}; expected "
            "numbers",
        )
    flat = np.flatnonzero(amplitudes.flat & eeg)
    if flat.size:
        report.warn(where, f"flat, one value throughout: {_named(flat, channels)}")
    clipped = np.flatnonzero((amplitudes.clipped > 0) & eeg)
    if clipped.size:
        most = amplitudes.clipped[clipped].max()
        report.warn(
            where,
            f"clipped, up to {most:.1%} of the samples at the channel's lowest or highest value: "
            f"{_named(clipped, channels)}",
        )
    living = amplitudes.std[eeg & ~amplitudes.flat & (amplitudes.odd == 0)]
    median = float(np.median(living)) if living.size else 0.0
    factor = likely_factor(median)
    if factor is not None:
        report.warn(
            where,
            f"EEG of {median:.3g} µV (standard deviation, the median of the channels); expected "
            f"{LEAST:g} to {MOST:g} µV. Likely {_called(factor)}",
        )
    return median


def _called(factor: float) -> str:
    units = {1e-6: "volt", 1e-3: "millivolt", 1e3: "nanovolt", 1e6: "picovolt"}
    unit, by = units[factor], f"{factor:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{unit} that were written as microvolt: the values are {by} of what they should be"


def _named(places: np.ndarray, channels: Sequence[str]) -> str:
    names = ", ".join(ascii(channels[place])[1:-1] for place in places[:SHOWN])
    more = places.size - SHOWN
    return names + (f" and {more:,} more" if more > 0 else "")
