"""The co-processor at line rate and on real captures: what takes too long for the usual run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.data.traffic import io
from engine.data.traffic.traffic import Traffic
from engine.methods.kaleidoscope.arrivals import back_to_back, on_bus, poisson, recorded, spread
from engine.methods.kaleidoscope.flowhash import flow_hash, symmetric_tuple
from engine.methods.kaleidoscope.frames import BEAT, frames
from engine.methods.kaleidoscope.queueing import cores_needed, simulate
from engine.methods.kaleidoscope.replay import Machine, of_traffic, run, times_of
from engine.methods.kaleidoscope.simulator.build import Binary, build
from engine.methods.kaleidoscope.stimulus import Jobs, Packets, Settings, Watch
from tests.methods.kaleidoscope.replaying import (
    CLASSES,
    Trace,
    differences,
    image,
    logits,
    play,
    trace,
)
from tests.methods.kaleidoscope.simulated import backend

pytestmark = pytest.mark.slow

T = 32  # cycles of MLP-32 from acceptance to verdict
MICE = image(lanes=8, words=[1], cycles=[T])
ELEPHANTS = image(lanes=32, words=[8], cycles=[300], seed=1)
EIGHT = Machine(fpe=8, hpe=1, h=16)


@pytest.fixture(scope="module")
def traffic(shared_data: Path) -> Traffic:
    return io.load(shared_data / "traffic" / "ndpi")


def replayed(traffic: Traffic, which: np.ndarray) -> Trace:
    packets = traffic.packets
    made = of_traffic(traffic, which)
    columns = ("version", "l4", "src", "dst", "sport", "dport")
    of = {name: getattr(packets, name)[which] for name in columns}
    hashes, checks = flow_hash(symmetric_tuple(**of))
    return Trace(
        frames=made,
        flow=packets.flow[which],
        payload=packets.payload[which],
        payload_length=packets.payload_length[which],
        hash=hashes,
        check=checks,
    )


@pytest.mark.realdata
@pytest.mark.parametrize("h", [16, 6])
@pytest.mark.parametrize("keep", [False, True])
def test_the_flow_table_is_the_models_on_all_captures(h, keep, traffic, tmp_path):
    which = np.flatnonzero(traffic.packets.flow >= 0)
    made = replayed(traffic, which)
    cycle = recorded(times_of(traffic, which), made.frames.wire, gbps=40, mhz=250)
    rules = Settings(elephant_on=True, keep=keep, timeout=20_000)
    machine = EIGHT if h == 16 else Machine(fpe=2, hpe=1, h=6)
    found = play(
        machine,
        tmp_path,
        traffic=Packets(cycle, made.frames),
        settings=rules,
        images=(MICE, ELEPHANTS),
        optimise=3 if h == 16 else 0,
    )
    wrong, rows = differences(made, on_bus(cycle, made.frames.beats), found, rules, h)
    assert wrong == []
    assert len(made) > 30_000
    assert found.counters["elephant_jobs"] > 100
    assert len(rows) == (64 if h == 6 else len(np.unique(made.hash)))
    assert found.counters["collisions"] > (1000 if h == 6 else 0)
    assert found.shadow["stalls"] == found.counters["overruns"] == found.counters["cut"] == 0


@pytest.mark.parametrize("load", [0.5, 0.8, 0.9])
def test_the_mean_wait_of_poisson_arrivals_is_the_references(load, tmp_path):
    rng = np.random.default_rng(int(10 * load))
    n = 30_000
    arrival = poisson(rng, n, rate=load * EIGHT.fpe / T)
    payload = rng.integers(0, 256, (n, 32)).astype(np.uint8)
    found = play(
        EIGHT,
        tmp_path,
        traffic=Jobs(arrival, payload, droppable=True),
        images=(MICE,),
        optimise=3,
    )
    course = simulate(arrival, cores=EIGHT.fpe, cycles=T, depth=EIGHT.mouse_depth)
    wait = found.verdicts["start"].astype(int) - found.verdicts["enqueue"] - 1
    assert wait.mean() == course.wait.mean()
    assert found.counters["mouse_drops"] == course.dropped == 0


def test_eight_cores_give_eight_verdicts_in_the_time_of_one(tmp_path):
    n = 20_000
    payload = np.random.default_rng(0).integers(0, 256, (n, 32)).astype(np.uint8)
    found = play(
        EIGHT, tmp_path, traffic=Jobs(np.zeros(n, int), payload), images=(MICE,), optimise=3
    )
    span = found.verdicts["done"].max() - found.verdicts["start"].min()
    assert span / n == pytest.approx(T / EIGHT.fpe, rel=0.02)


@pytest.mark.parametrize("load", [0.94, 1.06])
def test_nothing_is_lost_below_capacity_and_each_loss_above_is_counted(load, tmp_path):
    n = 20_000
    arrival = spread((np.arange(n) * T / (load * EIGHT.fpe)).astype(np.int64))
    payload = np.random.default_rng(0).integers(0, 256, (n, 32)).astype(np.uint8)
    found = play(
        EIGHT,
        tmp_path,
        traffic=Jobs(arrival, payload, droppable=True),
        images=(MICE,),
        optimise=3,
    )
    course = simulate(arrival, cores=EIGHT.fpe, cycles=T, depth=EIGHT.mouse_depth)
    drops = found.counters["mouse_drops"]
    assert drops == course.dropped == n - len(found.verdicts)
    assert (drops > 0) == (load > 1)


@pytest.mark.parametrize("wire", [64, 256, 1500])
def test_100_gbps_need_as_many_cores_as_the_table_says(wire, tmp_path):
    cores = cores_needed(wire, gbps=100, mhz=250, cycles=T)
    assert cores == {64: 20, 256: 6, 1500: 2}[wire]
    n = max(3000, 200 * cores)
    rng = np.random.default_rng(wire)
    ends = rng.integers(0, 256, (2, n, 16)).astype(np.uint8)
    ends[:, :, :12] = (*[0] * 10, 255, 255)
    size = wire - 4 - 42  # FCS, and Ethernet, IPv4 and UDP headers
    made = frames(
        version=np.full(n, 4),
        l4=np.full(n, 17),
        src=ends[0],
        dst=ends[1],
        sport=rng.integers(0, 65536, n),
        dport=rng.integers(0, 65536, n),
        payload=rng.integers(0, 256, (n, min(size, 128))).astype(np.uint8),
        payload_length=np.full(n, size),
    )
    assert (made.wire == wire).all()
    packets = Packets(back_to_back(made.wire, gbps=100, mhz=250), made)
    lost = {}
    for count in (cores, cores // 2):
        found = play(
            Machine(fpe=count, hpe=0, h=10),
            tmp_path / str(count),
            traffic=packets,
            settings=Settings(every=True),
            images=(MICE,),
        )
        assert found.counters["mouse_jobs"] == n
        assert found.shadow["stalls"] == 0
        lost[count] = found.counters["mouse_drops"]
        assert lost[count] == n - len(found.verdicts)
    assert lost[cores] == 0
    assert lost[cores // 2] > 0


MUTANTS = {
    "none": ("kal_top.v", "", ""),
    "the row being written is not seen": (
        "kal_flowtable.v",
        "row <= tracked && c_row == b_row ? written : rows[b_row];",
        "row <= rows[b_row];",
    ),
    "a collision does not evict": ("kal_flowtable.v", "!valid || idle || !same && !keep", "!valid"),
    "one bit of the hash": ("kal_hash.v", "16'h1021 : 16'h0000", "16'h1025 : 16'h0000"),
    "bytes behind the payload": ("kal_payload.v", "if (i[6:0] < count)", "if (i[6:0] <= count)"),
    "a word too far": (
        "kal_payload.v",
        "pair[{1'b0, k, 5'd16} +: 512]",
        "pair[{1'b0, k, 5'd24} +: 512]",
    ),
    "a verdict of another's job": ("kal_dispatch.v", "= book[retire_tag];", "= book[0];"),
    "the last idle core": ("kal_dispatch.v", "if (job_ready[i] ", "if (!any && job_ready[i] "),
    "the newest flow's verdict": (
        "kal_verdicts.v",
        "mouse[13] && mouse[12:5] == generation",
        "mouse[13]",
    ),
}


def padded(made: Trace) -> Trace:
    """With something behind each payload, as Ethernet pads short frames."""
    head = made.frames.head.copy()
    end = made.frames.start + made.payload_length
    head[np.arange(head.shape[1]) >= end[:, None]] = 0xAA
    return replace(made, frames=replace(made.frames, head=head, kept=BEAT * made.frames.beats))


def cores_of(verdicts: np.ndarray, cores: int) -> list[int]:
    """The core that each job should have got, by starts: the first that is idle, else the first
    whose verdict is just being written."""
    until, chosen = [-1] * cores, []
    for job in verdicts[np.argsort(verdicts["start"])]:
        start = int(job["start"])
        idle = [core for core in range(cores) if until[core] < start]
        ending = [core for core in range(cores) if until[core] == start]
        core = (idle + ending + [cores])[0]
        chosen.append(core)
        until[core : core + 1] = [int(job["done"])]
    return chosen


def faults(machine: Machine, binary: Binary, folder: Path) -> list[str]:
    """What is wrong with one run, as the usual tests would see it."""
    made = padded(trace(21, 400, flows=100, lengths=(0, 0, 7, 7, 20, 40, 90)))
    cycle = back_to_back(made.frames.wire, gbps=200, mhz=250)  # as dense as the bus goes
    rules = Settings(every=True)
    found, _ = run(
        binary,
        machine,
        folder,
        settings=rules,
        images={0: MICE.stream()},
        traffic=Packets(cycle, made.frames),
        watch=Watch(packets=True),
    )
    verdicts, wrong = found.verdicts, []
    if (found.packets["hash"] != made.hash).any():
        return ["hash"]
    wrong, _ = differences(made, on_bus(cycle, made.frames.beats), found, rules, machine.h)
    expected = logits(MICE, (made.payload[:, :32] >> 1).astype(np.int8))[verdicts["packet"]]
    if (verdicts["logits"][:, :CLASSES] != expected).any():
        wrong.append("logits")
    asked = found.packets["packet"][found.flag("mouse")]
    lost = np.setdiff1d(asked, verdicts["packet"])
    known = np.isin(verdicts["packet"], asked)
    if not known.all() or len(lost) != found.counters["mouse_drops"]:
        wrong.append("verdicts")
    if cores_of(verdicts, machine.fpe) != verdicts[np.argsort(verdicts["start"])]["core"].tolist():
        wrong.append("arbiter")
    return wrong


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_fault_in_the_rtl_is_found(mutant, tmp_path):
    name, old, new = MUTANTS[mutant]
    machine = Machine(fpe=8, hpe=0, h=6)
    design = machine.design()
    source = next(path for path in design.sources if path.name == name)
    text = source.read_text()
    assert old in text
    changed = tmp_path / name
    changed.write_text(text.replace(old, new) if old else text)
    sources = tuple(changed if path == source else path for path in design.sources)
    binary = build(backend("icarus"), replace(design, sources=sources), cache=tmp_path / "cache")
    assert bool(faults(machine, binary, tmp_path)) == (mutant != "none")


def test_a_waveform_of_a_window_in_verilator(tmp_path):
    machine = Machine(fpe=1, hpe=0, h=6)
    made = trace(22, 30, flows=30, lengths=(32,))
    binary = build(
        backend("verilator"), machine.design(), cache=tmp_path / "cache", trace=True, optimise=0
    )
    run(
        binary,
        machine,
        tmp_path,
        settings=Settings(),
        images={0: MICE.stream()},
        traffic=Packets(10 * np.arange(30), made.frames),
        watch=Watch(wave=(20, 120)),
    )
    wave = (tmp_path / "wave.vcd").read_text().splitlines()
    times = [int(line[1:]) for line in wave if line.startswith("#")]
    assert times[-1] - times[0] == pytest.approx(4000 * 100, abs=8000)
    assert any("mouse_depth" in line for line in wave)
