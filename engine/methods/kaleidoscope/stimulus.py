"""The stimulus file of the replay bench (rtl/bench/kal_replay.v): configuration, program images,
and packets or jobs, each at its cycle.

Records of four big-endian 32-bit words {kind, cycle, a, b} with data behind them, most significant
byte first, as a Verilog $fread takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from engine.methods.kaleidoscope.frames import BEAT, Frames

END, PACKET, JOB, LOAD, OPTION = range(5)
LOG_PACKETS, DEPTH_PERIOD, ISSUES_FROM, ISSUES_TO, WAVE_FROM, WAVE_TO = range(6)
GROUP_FPE, GROUP_HPE, GROUP_CONFIG = range(3)
ENCODINGS = ("half", "fix8", "centred")
JOB_BYTES = 256
METADATA = 8  # bytes beside a packet
NEVER = 0xFFFFFFFF  # a byte threshold that no flow reaches
FILE = "stimulus.bin"
_CHUNK = 8192  # records written at a time

Transfers = NDArray[np.void]  # of image.STREAM: kind, addr, part, data (32,)


@dataclass(frozen=True)
class Settings:
    """The configuration registers of the co-processor (rtl/kal_config.v)."""

    mouse_on: bool = True
    elephant_on: bool = False
    keep: bool = False  # on a collision the old flow stays; else the new one evicts it
    every: bool = False  # inference on every packet with payload, not on the first alone
    first_large: bool = False  # mouse jobs go to the HPEs; there are no elephants then
    with_metadata: bool = False  # word 1 of a mouse job is what came beside its packet
    threshold: int = 8  # packets that make an elephant
    byte_threshold: int = NEVER  # IP bytes that make one
    timeout: int = 0  # cycles of idleness after which a row starts anew; 0 for never
    least_stored: int = 8  # payloads in the history before an elephant job, 1..8
    mouse_model: int = 0
    mouse_words: int = 1  # of 32 bytes, 1..4
    mouse_encoding: str = "half"
    elephant_model: int = 0
    elephant_words: int = 8
    elephant_encoding: str = "half"

    def __post_init__(self) -> None:
        for name, low, high in (
            ("threshold", 1, 0xFFFF),
            ("byte_threshold", 1, NEVER),
            ("timeout", 0, NEVER),
            ("least_stored", 1, 8),
            ("mouse_model", 0, 15),
            ("mouse_words", 1, 4),
            ("elephant_model", 0, 15),
            ("elephant_words", 1, 8),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}={getattr(self, name)}: expected {low} to {high}")
        if self.first_large and self.elephant_on:
            raise ValueError("first_large: expected without elephant_on, the HPEs take one kind")
        if self.with_metadata and self.mouse_words != 2:
            raise ValueError(f"mouse_words={self.mouse_words}: expected 2 with metadata")

    def registers(self) -> list[int]:
        """Their values, register 0 first."""
        flags = (
            *(self.mouse_on, self.elephant_on, self.keep, self.every),
            *(self.first_large, self.with_metadata),
        )
        return [
            sum(flag << bit for bit, flag in enumerate(flags)),
            self.threshold,
            self.byte_threshold,
            self.timeout,
            self.least_stored,
            _job(self.mouse_model, self.mouse_words, self.mouse_encoding),
            _job(self.elephant_model, self.elephant_words, self.elephant_encoding),
        ]


@dataclass(frozen=True, eq=False)
class Packets:
    """Frames and the cycle (N,), rising, before which the first beat of each does not come; and
    what the data plane tells beside each, (N, 8) uint8."""

    cycle: NDArray[np.int64]
    frames: Frames
    metadata: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class Jobs:
    """Payloads (N, up to 256) uint8 that go straight into a dispatcher, not before `cycle` (N,)."""

    cycle: NDArray[np.int64]
    payload: NDArray[np.uint8]
    model: int = 0
    elephant: bool = False
    droppable: bool = False  # lost when the FIFO is full; else it waits, and all behind it


@dataclass(frozen=True)
class Watch:
    """What the bench writes down beside verdicts and counters."""

    packets: bool = False
    depth_period: int = 0  # cycles; 0 for none
    issues: tuple[int, int] = (0, 0)  # cycles, from and to, of the log of issues
    wave: tuple[int, int] = (0, 0)  # the same of wave.vcd


def write(
    path: Path,
    *,
    settings: Settings,
    images: Iterable[tuple[int, Transfers]] = (),
    traffic: Packets | Jobs | None = None,
    watch: Watch = Watch(),
) -> None:
    """images: group (GROUP_FPE, GROUP_HPE) and its load-port stream."""
    with path.open("wb") as file:
        for group, transfers in images:
            file.write(_loads(group, transfers))
        _write_settings(file, settings)
        options = {
            LOG_PACKETS: int(watch.packets),
            DEPTH_PERIOD: watch.depth_period,
            ISSUES_FROM: watch.issues[0],
            ISSUES_TO: watch.issues[1],
            WAVE_FROM: watch.wave[0],
            WAVE_TO: watch.wave[1],
        }
        for option, value in options.items():
            file.write(_heads(OPTION, 0, option, value).tobytes())
        for part in _traffic(traffic):
            file.write(part)
        file.write(_heads(END, 0, 0, 0).tobytes())


def _write_settings(file: BinaryIO, settings: Settings) -> None:
    for register, value in enumerate(settings.registers()):
        data = value.to_bytes(32, "big")
        file.write(_heads(LOAD, 0, GROUP_CONFIG << 16, register).tobytes() + data)


def _job(model: int, words: int, encoding: str) -> int:
    return model | words << 4 | ENCODINGS.index(encoding) << 8


def _heads(kind: int, cycle: NDArray | int, a: NDArray | int, b: NDArray | int) -> NDArray:
    """(N, 16) uint8 of records' first words."""
    words = np.broadcast_arrays(kind, cycle, a, b)
    return np.stack([np.atleast_1d(w) for w in words], axis=1).astype(">u4").view(np.uint8)


def _loads(group: int, transfers: Transfers) -> bytes:
    kind, part = transfers["kind"].astype(np.int64), transfers["part"].astype(np.int64)
    heads = _heads(LOAD, 0, group << 16 | kind << 8 | part, transfers["addr"])
    return np.concatenate([heads, transfers["data"][:, ::-1]], axis=1).tobytes()


def _traffic(traffic: Packets | Jobs | None) -> Iterator[bytes]:
    if traffic is None:
        return
    if np.any(np.diff(traffic.cycle) < 0):
        raise ValueError("cycles of packets or jobs must not fall")
    records = _packets if isinstance(traffic, Packets) else _jobs
    for begin in range(0, len(traffic.cycle), _CHUNK):
        yield records(traffic, slice(begin, begin + _CHUNK), begin)


def _packets(packets: Packets, part: slice, _: int) -> bytes:
    frames = packets.frames.take(part)
    beats = frames.beats
    stored = np.minimum(-(-frames.kept // BEAT), beats)
    told = packets.metadata is not None
    data_at = 16 + METADATA * told
    size = data_at + BEAT * stored
    at = np.cumsum(size) - size
    out = np.zeros(int(size.sum()), np.uint8)
    heads = _heads(PACKET, packets.cycle[part], told << 31 | beats, stored)
    out[at[:, None] + np.arange(16)] = heads
    if packets.metadata is not None:
        out[at[:, None] + np.arange(16, data_at)] = packets.metadata[part, ::-1]
    turned = frames.head.reshape(len(frames), -1, BEAT)[:, :, ::-1].reshape(len(frames), -1)
    for beat in range(int(stored.max(initial=0))):
        some = stored > beat
        columns = np.arange(BEAT * beat, BEAT * (beat + 1))
        out[at[some][:, None] + data_at + columns] = turned[some][:, columns]
    return out.tobytes()


def _jobs(jobs: Jobs, part: slice, begin: int) -> bytes:
    payload = jobs.payload[part]
    a = jobs.elephant << 5 | jobs.droppable << 4 | jobs.model
    heads = _heads(JOB, jobs.cycle[part], a, begin + np.arange(len(payload)))
    data = np.zeros((len(payload), JOB_BYTES), np.uint8)
    data[:, : payload.shape[1]] = payload
    return np.concatenate([heads, data[:, ::-1]], axis=1).tobytes()
