"""Runs of the core bench for tests, and their comparison with the machine model."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from engine.methods.kaleidoscope import machine
from engine.methods.kaleidoscope.image import Image
from engine.methods.kaleidoscope.simulator import tools
from engine.methods.kaleidoscope.simulator.build import Binary, build
from engine.methods.kaleidoscope.simulator.design import Design, cores
from engine.methods.kaleidoscope.simulator.records import (
    UNKNOWN,
    WRITES,
    Job,
    Records,
    read_results,
    write_stimulus,
)
from engine.methods.kaleidoscope.simulator.run import run

# Kept from run to run: the name of a binary is the hash of all that it is made of.
CACHE = Path(tempfile.gettempdir()) / f"tenfold-simulators-{os.getuid()}"


@cache
def backend(kind: str) -> tools.Backend:
    found = {b.kind: b for b in reversed(tools.find())}
    if kind not in found:
        assert "CI" not in os.environ, f"CI needs {kind}"
        pytest.skip(f"{kind} is not installed")
    return found[kind]


@cache
def binary(kind: str, **design: int) -> Binary:
    CACHE.mkdir(mode=0o700, exist_ok=True)
    return build(backend(kind), cores(**design), cache=CACHE, optimise=0)


def simulate(
    simulator: Binary, image: Image, payload: np.ndarray, folder: Path, *, level: int = WRITES
) -> Records:
    """The payloads (n, words, 32), offered from cycle 0 on."""
    write_stimulus(folder, image, [Job(x) for x in payload], level=level, limit=1 << 20)
    run(simulator, folder)
    return read_results(folder, jobs=len(payload))


@dataclass(frozen=True)
class Mismatches:
    """Where RTL and model differ: counts of numbers."""

    logits: int
    verdicts: int
    cycles: int
    writes: int  # bytes that were written, their cycles and places
    activations: int  # bytes of the memory after the last job

    @property
    def total(self) -> int:
        return self.logits + self.verdicts + self.cycles + self.writes + self.activations


def compare(records: Records, outcome: machine.Outcome) -> Mismatches:
    """Back-to-back jobs of one core with one context."""
    n, each = len(outcome.klass), outcome.writes
    places = [(w.cycle, w.word, w.mask) for w in each]
    expected = [(a + c, w, m) for a in records.accepted for c, w, m in places]
    same = len(expected) == len(records.writes)
    place, value = len(expected), 0
    if same:
        place = int((np.array(expected).reshape(-1, 3) != records.writes[:, [0, 3, 4]]).sum())
        for k, write in enumerate(each):
            kept = np.repeat([write.mask >> q & 1 for q in range(4)], 8).astype(bool)
            value += int((records.written[k :: len(each), kept] != write.data[:, kept]).sum())
    known = np.repeat(outcome.known, 8, axis=1)
    last = outcome.activations[-1].astype(np.int16)
    starts = np.arange(n) * outcome.cycles
    return Mismatches(
        logits=int((records.logits != outcome.logits).sum()),
        verdicts=int((records.klass != outcome.klass).sum())
        + int((records.score != outcome.score).sum())
        + int((records.anomaly != outcome.anomaly).sum()),
        cycles=int((records.accepted != starts).sum())
        + int((records.verdict - records.accepted != outcome.cycles).sum()),
        writes=place + value,
        activations=int((records.activations != last)[known].sum()),
    )


def unknown(records: Records, outcome: machine.Outcome) -> int:
    """X bytes where a value must stand."""
    known = np.repeat(outcome.known, 8, axis=1)
    return int((records.activations[known] == UNKNOWN).sum())


def mutated(design: Design, file: str, right: str, wrong: str, folder: Path) -> Binary:
    """An Icarus simulator of the RTL with one text replaced."""
    sources = []
    for path in design.sources:
        if path.name == file:
            text = path.read_text()
            assert text.count(right) == 1, f"{file} has no single {right}"
            path = folder / file
            path.write_text(text.replace(right, wrong))
        sources.append(path)
    return build(backend("icarus"), replace(design, sources=tuple(sources)), cache=folder / "cache")
