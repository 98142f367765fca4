"""How many cores, how long a wait, how much loss: answered without simulating hardware.

Two models of one group of cores behind its job FIFO, all with a service of T cycles that never
varies:
`simulate` follows given arrivals job by job, by the dispatcher's own rules; it tells each start
and each drop exactly, for cores of one context.
`poisson` is the M/D/c/K queue for sliders: the number of jobs, seen every T cycles, is a Markov
chain (Crommelin 1932: what is in service now is gone T later, and nothing else is); the FIFO's end
is a cut of that chain (ours), good where the FIFO is longer than a few jobs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.methods.kaleidoscope.arrivals import packets_per_cycle

ENTER = 1  # cycles from the push into the FIFO to the earliest acceptance by a core


def cores_needed(wire: float, *, gbps: float, mhz: float, cycles: float, words: int = 1) -> int:
    """Cores that infer on every packet of `wire` bytes at a rate: ceil(packets/s · T / f).

    Raises ValueError where no number suffices, since a job's `words` take the group's bus longer
    than packets come apart.
    """
    rate = packets_per_cycle(wire, gbps=gbps, mhz=mhz)
    if rate * words > 1:
        raise ValueError(
            f"{wire:g}-byte packets at {gbps:g} Gbps come every {1 / rate:.2f} cycles; the payload "
            f"bus takes {words} cycles for each"
        )
    return math.ceil(rate * cycles - 1e-9)


@dataclass(frozen=True, eq=False)
class Course:
    """What became of n jobs."""

    start: NDArray[np.int64]  # (n,) cycle of acceptance; -1 for dropped ones
    arrival: NDArray[np.int64]  # (n,) cycle of the push

    @property
    def dropped(self) -> int:
        return int((self.start < 0).sum())

    @property
    def wait(self) -> NDArray[np.int64]:
        """Cycles from the earliest possible acceptance to the true one, of jobs not dropped."""
        return (self.start - self.arrival - ENTER)[self.start >= 0]


def simulate(
    arrival: NDArray[np.int64], *, cores: int, cycles: int, depth: int, words: int = 1
) -> Course:
    """Jobs pushed in cycles `arrival` (n,), rising, one at most in each.

    A job is accepted when it is the oldest, a cycle after its push, the bus is free of the words
    of the one before, and a core is free: that of the job `cores` before, since all take equally
    long. It leaves its place in the FIFO with its last word.
    """
    start = np.full(len(arrival), -1, np.int64)
    starts: list[int] = []  # of accepted jobs
    left = 0  # accepted jobs whose last word has been sent
    for n, push in enumerate(np.asarray(arrival).tolist()):
        while left < len(starts) and starts[left] + words <= push:
            left += 1
        if len(starts) - left == depth:
            continue
        accepted = push + ENTER
        if starts:
            accepted = max(accepted, starts[-1] + words)
        if len(starts) >= cores:
            accepted = max(accepted, starts[-cores] + cycles)
        starts.append(accepted)
        start[n] = accepted
    return Course(start, np.asarray(arrival, np.int64))


@dataclass(frozen=True)
class Estimate:
    """Of a queue in its steady state."""

    load: float  # offered work over capacity
    loss: float  # share of jobs
    wait: float  # mean cycles in the FIFO, of jobs not lost
    depth: float  # mean jobs in the FIFO


def poisson(rate: float, *, cores: int, cycles: float, depth: int) -> Estimate:
    """Jobs at `rate` a cycle, in a Poisson stream, for `cores` of T = `cycles` each."""
    offered = rate * cycles
    room = cores + depth
    arrivals = _poisson(offered, room + 1)
    states = np.arange(room + 1)
    stay = np.maximum(states - cores, 0)  # jobs of now that are still there T later
    chain = np.zeros((room + 1, room + 1))
    for state, rest in enumerate(stay):
        chain[state, rest:] = arrivals[: room + 1 - rest]
        chain[state, room] += 1 - chain[state].sum()
    system = np.vstack([chain.T - np.eye(room + 1), np.ones(room + 1)])
    share, *_ = np.linalg.lstsq(system, np.append(np.zeros(room + 1), 1.0), rcond=None)
    served = float(share @ np.minimum(states, cores)) / offered if offered else 1.0
    waiting = float(share @ stay)
    return Estimate(
        load=offered / cores,
        loss=max(0.0, 1 - served),
        wait=waiting / (rate * served) if rate else 0.0,
        depth=waiting,
    )


def steady(rate: float, *, cores: int, cycles: float) -> Estimate:
    """Jobs in equal distances: no wait below capacity, above it the FIFO is full."""
    load = rate * cycles / cores
    return Estimate(load=load, loss=max(0.0, 1 - 1 / load) if load else 0.0, wait=0.0, depth=0.0)


def _poisson(mean: float, n: int) -> NDArray[np.float64]:
    """Probabilities of 0 to n - 1 events."""
    k = np.arange(n)
    logs = k * math.log(mean) - mean if mean else np.where(k == 0, 0.0, -np.inf)
    return np.exp(logs - np.cumsum(np.log(np.maximum(k, 1))))
