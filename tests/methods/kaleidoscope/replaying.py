"""What tests of the front share: a small program, synthetic traces, and built machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from engine.methods.kaleidoscope.flowhash import flow_hash, symmetric_tuple
from engine.methods.kaleidoscope.frames import Frames, frames
from engine.methods.kaleidoscope.image import Entry, Image, assemble
from engine.methods.kaleidoscope.isa import FIRST_ISSUE, MAX_GAP, Instruction, Op, verdict_latency
from engine.methods.kaleidoscope.replay import Machine, run
from engine.methods.kaleidoscope.results import FLAGS, Results
from engine.methods.kaleidoscope.simulator.build import Binary, build
from engine.methods.kaleidoscope.stimulus import Jobs, Packets, Settings, Watch
from engine.methods.kaleidoscope.table_model import Row, decide
from tests.methods.kaleidoscope.simulated import CACHE, backend

CLASSES = 8
SMALL = Machine(fpe=2, hpe=1, h=6)
WATCH = Watch(packets=True, depth_period=64)


def image(*, lanes: int, words: Sequence[int], cycles: Sequence[int], seed: int = 0) -> Image:
    """One linear layer of 8 classes for each model, over `words` payload words, with a verdict
    `cycles` after acceptance."""
    rng = np.random.default_rng(seed)
    program: list[Instruction] = []
    entries = []
    for model, (count, latency) in enumerate(zip(words, cycles, strict=True)):
        layer = [Instruction(Op.MVM, first=word == 0, a=word, w=word) for word in range(count)]
        wait = latency - verdict_latency(lanes) - FIRST_ISSUE - count + 1
        rest = [Instruction(Op.NOP, gap=MAX_GAP)] * (wait // (MAX_GAP + 1))
        last = replace(
            layer.pop(), gap=wait % (MAX_GAP + 1), last=True, out=True, end=True, n=CLASSES - 1
        )
        layer += [*rest, last]
        entries.append(Entry(f"model {model}", len(program), len(layer), count))
        program += layer
    rows = max(words)
    return Image(
        lanes=lanes,
        program=assemble(program),
        weights=rng.integers(-128, 128, (rows, lanes, 32)).astype(np.int8),
        bias=rng.integers(-1000, 1000, (1, lanes)).astype(np.int32),
        multiplier=np.ones(1, np.uint16),
        shift=np.ones(1, np.uint8),
        tables=np.zeros((0, 256), np.int8),
        entries=tuple(entries),
    )


def logits(image: Image, encoded: np.ndarray) -> np.ndarray:
    """encoded (n, bytes) int8 -> (n, 8) of a model that reads all of it."""
    flat = image.weights[: encoded.shape[1] // 32, :CLASSES].astype(np.int64)
    matrix = flat.transpose(1, 0, 2).reshape(CLASSES, -1)
    return encoded.astype(np.int64) @ matrix.T + image.bias[0, :CLASSES]


@dataclass(frozen=True, eq=False)
class Trace:
    """Packets of synthetic flows."""

    frames: Frames
    flow: np.ndarray  # (n,)
    payload: np.ndarray  # (n, 128), zero behind its length
    payload_length: np.ndarray
    hash: np.ndarray
    check: np.ndarray

    def __len__(self) -> int:
        return len(self.flow)


def trace(
    seed: int,
    n: int,
    *,
    flows: int,
    lengths: Sequence[int] = (0, 1, 18, 32, 33, 64, 100, 128, 700, 1400),
    run: int = 3,
    header: bool = True,
) -> Trace:
    """n packets of so many flows in both directions, IPv4 and IPv6, TCP and UDP; runs of up to
    `run` packets of one flow follow each other, `header`: some with TCP options."""
    rng = np.random.default_rng(seed)
    v6, tcp = rng.random(flows) < 0.3, rng.random(flows) < 0.6
    ends = rng.integers(0, 256, (2, flows, 16)).astype(np.uint8)
    ends[:, ~v6, :12] = (*[0] * 10, 255, 255)
    ports = rng.integers(0, 65536, (2, flows))
    flow = np.repeat(rng.integers(0, flows, n), rng.integers(1, run + 1, n))[:n]
    back = (rng.random(n) < 0.4).astype(int)
    payload_length = rng.choice(lengths, n)
    payload = rng.integers(0, 256, (n, 128)).astype(np.uint8)
    payload[np.arange(128) >= payload_length[:, None]] = 0
    of = {
        "version": np.where(v6, 6, 4)[flow],
        "l4": np.where(tcp, 6, 17)[flow],
        "src": ends[back, flow],
        "dst": ends[1 - back, flow],
        "sport": ports[back, flow],
        "dport": ports[1 - back, flow],
    }
    options = 4 * rng.integers(0, 11, n) * tcp[flow] if header else 0
    natural = 14 + np.where(v6, 40, 20)[flow] + np.where(tcp, 20, 8)[flow] + payload_length
    made = frames(**of, payload=payload, payload_length=payload_length, length=natural + options)
    hashes, checks = flow_hash(symmetric_tuple(**of))
    return Trace(made, flow, payload, payload_length, hashes, checks)


@cache
def built(machine: Machine, kind: str = "verilator", *, optimise: int = 0) -> Binary:
    """A machine's simulator; skips where the tool is not installed."""
    CACHE.mkdir(mode=0o700, exist_ok=True)
    return build(backend(kind), machine.design(), cache=CACHE, optimise=optimise)


def play(
    machine: Machine,
    folder: Path,
    *,
    traffic: Packets | Jobs,
    settings: Settings | None = None,
    images: Sequence[Image] = (),
    watch: Watch = WATCH,
    kind: str = "verilator",
    optimise: int = 0,
) -> Results:
    """One run; images: of the FPEs, then of the HPEs."""
    folder.mkdir(exist_ok=True)
    results, _ = run(
        built(machine, kind, optimise=optimise),
        machine,
        folder,
        settings=settings or Settings(),
        images={group: image.stream() for group, image in enumerate(images)},
        traffic=traffic,
        watch=watch,
    )
    return results


def differences(
    made: Trace, first: np.ndarray, found: Results, settings: Settings, h: int
) -> tuple[list[str], dict[int, Row]]:
    """Of the log of packets and the dict model: the columns that differ, and the rows left."""
    log = found.packets
    np.testing.assert_array_equal(log["packet"], np.arange(len(made)))
    np.testing.assert_array_equal(log["hash"], made.hash)
    expected, rows = decide(
        settings,
        h=h,
        time=first,
        look=log["cycle"],
        hashes=made.hash,
        checks=made.check,
        sizes=made.frames.bytes,
        payload=made.payload_length > 0,
        verdicts=found.verdicts,
    )
    got = {name: found.flag(name) for name in FLAGS if name != "store"}
    got |= {name: log[name] for name in ("generation", "stored", "count", "bytes")}
    got["found"] = log["verdict"] >> 7 == 1
    got["found_elephant"] = log["verdict"] >> 6 & 1 == 1
    got["class"] = np.where(got["found"], log["verdict"] & 31, 0)
    untracked = expected["kept"]  # then the counts are those of the row's owner
    wrong = [
        name
        for name, column in got.items()
        if np.any((column != expected[name]) & ~(untracked & (name in ("count", "bytes"))))
    ]
    return wrong, rows
