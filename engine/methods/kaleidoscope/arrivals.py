"""When packets come: the cycle of each first beat, at an offered rate or as it was recorded.

A frame of L bytes (FCS included) takes L + 20 bytes of time on an Ethernet link: preamble, start
and gap. At 100 Gbps and 250 MHz that is 1.68 cycles for 64 bytes; the bus itself moves 128 Gbps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

OVERHEAD = 20  # bytes between frames


def packets_per_cycle(wire: float, *, gbps: float, mhz: float) -> float:
    """Offered packets in a cycle for frames of `wire` bytes."""
    return gbps * 1e3 / (8 * (wire + OVERHEAD) * mhz)


def gbps_of(wire: NDArray, *, cycles: float, mhz: float) -> float:
    """What frames that came in so many cycles are in Gbps on the link."""
    return float(8 * np.sum(np.asarray(wire, np.int64) + OVERHEAD) * mhz / (cycles * 1e3))


def back_to_back(wire: NDArray, *, gbps: float, mhz: float) -> NDArray[np.int64]:
    """(N,) wire bytes -> cycles (N,), from 0: each frame begins when the one before is over."""
    bits = 8 * (np.asarray(wire, np.int64) + OVERHEAD)
    before = np.cumsum(bits) - bits
    return np.ceil(before * mhz / (gbps * 1e3)).astype(np.int64)


def recorded(time_ns: NDArray, wire: NDArray, *, gbps: float, mhz: float) -> NDArray[np.int64]:
    """Recorded times (N,), not falling, on a scale by which the mean rate is `gbps`.

    Bursts stay bursts: where they are denser than the bus, the bench plays them back to back.
    """
    time = np.asarray(time_ns, np.int64)
    if np.any(np.diff(time) < 0):
        raise ValueError("recorded times must not fall")
    cycles = 8 * np.sum(np.asarray(wire, np.int64) + OVERHEAD) * mhz / (gbps * 1e3)
    span = int(time[-1] - time[0]) if len(time) else 0
    if span == 0:
        return back_to_back(wire, gbps=gbps, mhz=mhz)
    return ((time - time[0]) * (cycles / span)).astype(np.int64)


def poisson(rng: np.random.Generator, n: int, *, rate: float) -> NDArray[np.int64]:
    """n arrivals of a Poisson process, `rate` a cycle, at most one in each cycle."""
    return spread(np.floor(np.cumsum(rng.exponential(1 / rate, n))).astype(np.int64))


def bursts(
    rng: np.random.Generator, n: int, *, rate: float, share: float, length: float
) -> NDArray[np.int64]:
    """n arrivals of an on-off process with mean `rate`: Poisson with rate / share while on.

    On for `length` cycles in the mean, and for `share` of all time; both periods exponential.
    """
    busy = np.cumsum(rng.exponential(share / rate, n))  # time that was on, at each arrival
    periods = int(busy[-1] / length * 2) + 16
    on = rng.exponential(length, periods)
    while on.sum() < busy[-1]:
        on = np.concatenate([on, rng.exponential(length, periods)])
    off = rng.exponential(length * (1 - share) / share, len(on))
    which = np.searchsorted(np.cumsum(on), busy)
    return spread(np.floor(busy + np.cumsum(off)[which]).astype(np.int64))


def spread(cycle: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same arrivals, rising, each in a cycle of its own: late ones move behind."""
    place = np.arange(len(cycle))
    return np.maximum.accumulate(cycle - place) + place


def on_bus(cycle: NDArray[np.int64], beats: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cycles (N,) in which first beats truly come: not before `cycle`, and one frame at a time."""
    before = np.cumsum(beats) - beats
    return np.maximum.accumulate(np.asarray(cycle, np.int64) - before) + before
