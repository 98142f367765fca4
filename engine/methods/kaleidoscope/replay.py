"""Replay: packets or jobs into the simulated co-processor, verdicts and counters out of it.

A machine is what is compiled (cores, rows, FIFOs), settings and images are what is loaded, traffic
is what comes. One binary serves all settings, images and traffic of a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.data.traffic.traffic import Traffic
from engine.methods.kaleidoscope import results, stimulus
from engine.methods.kaleidoscope.frames import Frames, frames
from engine.methods.kaleidoscope.results import Moment, Results
from engine.methods.kaleidoscope.simulator.build import Binary
from engine.methods.kaleidoscope.simulator.design import CORE, RTL, Design
from engine.methods.kaleidoscope.simulator.process import Limits
from engine.methods.kaleidoscope.simulator.run import Ran
from engine.methods.kaleidoscope.simulator.run import run as run_binary
from engine.methods.kaleidoscope.stimulus import Jobs, Packets, Settings, Transfers, Watch

FRONT = (
    *("parser", "payload", "hash", "flowtable", "history", "former", "verdicts"),
    *("dispatch", "out", "shadow", "counters", "config", "top"),
)
BENCH = RTL / "bench"


@dataclass(frozen=True)
class Machine:
    """The co-processor as it is compiled."""

    fpe: int = 8  # cores for mice
    hpe: int = 1  # cores for elephants; 0 for none
    h: int = 10  # 2^h rows of the flow table, 1..16
    contexts: int = 1  # of each core: 1, or 2 and 4 (barrel)
    mouse_depth: int = 64  # of the job FIFOs: powers of two
    elephant_depth: int = 16

    def __post_init__(self) -> None:
        if not (self.fpe >= 1 and self.hpe >= 0 and self.fpe + self.hpe <= 64):
            raise ValueError(
                f"{self.fpe} FPEs and {self.hpe} HPEs: expected 1 and more, 64 at most"
            )
        if not 1 <= self.h <= 16:
            raise ValueError(f"h={self.h}: expected 1 to 16")
        for name in ("mouse_depth", "elephant_depth"):
            depth = getattr(self, name)
            if depth < 2 or depth & depth - 1 or depth > 4096:
                raise ValueError(f"{name}={depth}: expected a power of two from 2 to 4096")

    @property
    def cores(self) -> int:
        return self.fpe + self.hpe

    def design(self) -> Design:
        """What is built; core i of the results is an FPE for i < fpe."""
        return Design(
            top="kal_replay",
            sources=(
                *CORE,
                *(RTL / f"kal_{name}.v" for name in FRONT),
                BENCH / "kal_replay.v",
            ),
            bench_cpp=BENCH / "kal_replay.cpp",
            bench_v=BENCH / "kal_replay_tb.v",
            bench_top="kal_replay_tb",
            parameters={
                "N_FPE": self.fpe,
                "N_HPE": self.hpe,
                "H": self.h,
                "CONTEXTS": self.contexts,
                "MOUSE_DEPTH": self.mouse_depth,
                "ELEPHANT_DEPTH": self.elephant_depth,
            },
        )


def run(
    binary: Binary,
    machine: Machine,
    folder: Path,
    *,
    settings: Settings,
    images: Mapping[int, Transfers],
    traffic: Packets | Jobs,
    watch: Watch = Watch(),  # noqa: B008 - frozen
    limits: Limits | None = None,
    on_progress: Callable[[Moment], None] = lambda moment: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[Results, Ran]:
    """Play `traffic` in `folder`; images by group (stimulus.GROUP_FPE, GROUP_HPE)."""
    stimulus.write(
        folder / stimulus.FILE,
        settings=settings,
        images=images.items(),
        traffic=traffic,
        watch=watch,
    )
    ran = run_binary(
        binary,
        folder,
        limits=limits,
        on_progress=lambda told: on_progress(Moment.of(told)),
        should_stop=should_stop,
    )
    return results.read(folder, cores=machine.cores), ran


def of_traffic(traffic: Traffic, which: NDArray[np.int64]) -> Frames:
    """Frames of the packets of those numbers; each must be of a flow.

    The first packet with payload of a flow brings up to 128 bytes of it, the others 64.
    """
    packets, flows = traffic.packets, traffic.flows
    if np.any(packets.flow[which] < 0):
        raise ValueError("packets of no flow have no frame")
    payload = np.zeros((len(which), flows.first_payload.shape[1]), np.uint8)
    payload[:, : packets.payload.shape[1]] = packets.payload[which]
    flow = packets.flow[which]
    first = flows.first_payload_packet[flow] == which
    payload[first] = flows.first_payload[flow[first]]
    return frames(
        version=packets.version[which],
        l4=packets.l4[which],
        src=packets.src[which],
        dst=packets.dst[which],
        sport=packets.sport[which],
        dport=packets.dport[which],
        payload=payload,
        payload_length=packets.payload_length[which],
        length=packets.length[which],
    )


def times_of(traffic: Traffic, which: NDArray[np.int64]) -> NDArray[np.int64]:
    """Recorded times of those packets, (N,) ns from 0, not falling: captures one after another.

    A clock that went back within a capture stands still here.
    """
    time, capture = traffic.packets.time_ns[which], traffic.packets.capture[which]
    begins = np.diff(capture, prepend=-1) != 0
    step = np.where(begins, 0, np.diff(time, prepend=0))
    return np.cumsum(np.maximum(step, 0))
