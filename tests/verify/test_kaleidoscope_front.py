"""The co-processor at line rate and on real captures: what takes too long for the usual run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.data.traffic import io
from engine.data.traffic.traffic import Traffic
from engine.methods.kaleidoscope.arrivals import back_to_back, on_bus, poisson, recorded, spread
from engine.methods.kaleidoscope.flowhash import flow_hash, symmetric_tuple
from engine.methods.kaleidoscope.frames import frames
from engine.methods.kaleidoscope.queueing import cores_needed, simulate
from engine.methods.kaleidoscope.replay import Machine, of_traffic, times_of
from engine.methods.kaleidoscope.stimulus import Jobs, Packets, Settings
from tests.methods.kaleidoscope.replaying import Trace, differences, image, play

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
