"""Waveforms of one packet on its way to a verdict, through the smallest machine there is."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.core.errors import UserError
from engine.data.traffic.traffic import Traffic
from engine.methods.kaleidoscope import replay
from engine.methods.kaleidoscope.deployed import Coprocessor, Deployed
from engine.methods.kaleidoscope.frames import Frames
from engine.methods.kaleidoscope.replay import Machine
from engine.methods.kaleidoscope.rig import RtlRig, built, never
from engine.methods.kaleidoscope.simulator.build import Binary
from engine.methods.kaleidoscope.simulator.tools import Backend
from engine.methods.kaleidoscope.stimulus import Packets, Watch

VCD = "wave.vcd"
MARGIN = 24  # cycles shown around a core's run


def coprocessor(main: Deployed) -> Coprocessor:
    """One core of the network's kind; the smaller one is always there."""
    machine = Machine(fpe=1, hpe=int(main.large), h=4, mouse_depth=2, elephant_depth=2)
    return Coprocessor(machine, None if main.large else main, main if main.large else None)


def binary(backend: Backend, main: Deployed, *, should_stop: Callable[[], bool] = never) -> Binary:
    return built(backend, coprocessor(main), trace=True, should_stop=should_stop)


def window(main: Deployed) -> int:
    """Cycles from the first beat that show the whole run."""
    return min(2000, main.compiled.cycles + MARGIN)


def stimulus_of(traffic: Traffic, flow: int, main: Deployed, payload: np.ndarray) -> Packets:
    """A flow's first packet with payload."""
    shown = replay.of_traffic(traffic, traffic.flows.first_payload_packet[[flow]])
    return stimulus_from(shown, main, payload)


def stimulus_from(shown: Frames, main: Deployed, payload: np.ndarray) -> Packets:
    return Packets(np.zeros(1, np.int64), shown, main.metadata(payload[None]))


def record(
    binary: Binary, main: Deployed, source: Packets, path: Path, *, start: int, cycles: int
) -> None:
    """Run, and leave the VCD of cycles start to start + cycles at `path`."""
    small = coprocessor(main)
    changes = {"threshold": 1, "least_stored": 1} if main.large else {}
    with tempfile.TemporaryDirectory(prefix="wave-") as name:
        folder = Path(name)
        RtlRig(small, binary, keep=folder).run(
            source,
            settings=small.settings(**changes),
            watch=Watch(wave=(start, start + cycles)),
        )
        if not (folder / VCD).is_file():
            raise UserError("start", "expected a cycle of the run: it was over before")
        shutil.move(folder / VCD, path)
