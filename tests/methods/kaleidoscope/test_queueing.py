"""The queueing models: against the RTL's dispatcher, against each other, against known figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.methods.kaleidoscope.arrivals import (
    back_to_back,
    bursts,
    gbps_of,
    on_bus,
    packets_per_cycle,
    poisson,
    recorded,
    spread,
)
from engine.methods.kaleidoscope.queueing import cores_needed, simulate, steady
from engine.methods.kaleidoscope.queueing import poisson as queue
from engine.methods.kaleidoscope.stimulus import Jobs, Settings
from tests.methods.kaleidoscope.replaying import CLASSES, SMALL, WATCH, image, logits, play

T = 20
MICE = image(lanes=8, words=[1, 2], cycles=[T, T])


@pytest.mark.parametrize(("words", "load"), [(1, 0.8), (2, 0.9), (1, 1.3)])
def test_the_reference_tells_each_start_and_each_drop_of_the_rtl(words, load, tmp_path):
    rng = np.random.default_rng(words)
    arrival = poisson(rng, 1500, rate=load * SMALL.fpe / T)
    payload = rng.integers(0, 256, (1500, 32 * words)).astype(np.uint8)
    found = play(
        SMALL,
        tmp_path,
        traffic=Jobs(arrival, payload, model=words - 1, droppable=True),
        settings=Settings(mouse_words=words),
        images=(MICE,),
    )
    course = simulate(arrival, cores=SMALL.fpe, cycles=T, depth=SMALL.mouse_depth, words=words)
    verdicts = found.verdicts
    kept = np.flatnonzero(course.start >= 0)
    np.testing.assert_array_equal(np.sort(verdicts["packet"]), kept)
    np.testing.assert_array_equal(verdicts["start"], course.start[verdicts["packet"]])
    assert found.counters["mouse_drops"] == course.dropped
    assert (course.dropped > 0) == (load > 1)
    expected = logits(MICE, (payload >> 1).astype(np.int8))[verdicts["packet"]]
    np.testing.assert_array_equal(verdicts["logits"][:, :CLASSES], expected)


def test_jobs_that_wait_for_room_keep_all_cores_busy(tmp_path):
    n = 400
    rng = np.random.default_rng(5)
    found = play(
        SMALL,
        tmp_path,
        traffic=Jobs(np.zeros(n, int), rng.integers(0, 256, (n, 32)).astype(np.uint8)),
        images=(MICE,),
    )
    assert found.counters["mouse_verdicts"] == n
    assert found.counters["mouse_drops"] == 0
    span = found.verdicts["done"].max() - found.verdicts["start"].min()
    assert span / n == pytest.approx(T / SMALL.fpe, rel=0.02)


@pytest.mark.parametrize("contexts", [2, 4])
def test_a_core_of_several_contexts_takes_as_many_jobs(contexts, tmp_path):
    """Programs that mostly wait do not hinder each other; verdicts find their jobs again."""
    n = 40
    payload = np.random.default_rng(6).integers(0, 256, (n, 32)).astype(np.uint8)
    found = play(
        replace(SMALL, fpe=1, hpe=0, contexts=contexts),
        tmp_path,
        traffic=Jobs(np.zeros(n, int), payload),
        images=(MICE,),
        watch=replace(WATCH, issues=(0, 400)),
        kind="icarus",
    )
    verdicts = found.verdicts[np.argsort(found.verdicts["packet"])]
    assert len(verdicts) == n
    expected = logits(MICE, (payload >> 1).astype(np.int8))
    np.testing.assert_array_equal(verdicts["logits"][:, :CLASSES], expected)
    span = verdicts["done"].max() - verdicts["start"].min()
    assert span / n == pytest.approx(T / contexts, rel=0.1)
    assert set((found.events["op"][found.events["issue"] == 1] >> 4).tolist()) == set(
        range(contexts)
    )


@pytest.mark.parametrize("cores", [1, 4, 8])
@pytest.mark.parametrize("load", [0.5, 0.8, 0.95, 1.2])
def test_the_estimate_is_near_the_reference(cores, load):
    rate, depth = load * cores / 44, 64
    arrival = poisson(np.random.default_rng(0), 60_000, rate=rate)
    course = simulate(arrival, cores=cores, cycles=44, depth=depth)
    estimate = queue(rate, cores=cores, cycles=44, depth=depth)
    assert estimate.load == pytest.approx(load)
    assert estimate.loss == pytest.approx(course.dropped / len(arrival), abs=0.01)
    assert estimate.wait == pytest.approx(course.wait.mean(), rel=0.1, abs=0.7)


def test_one_server_waits_as_pollaczek_and_khinchine_say():
    for load in (0.3, 0.6, 0.8):
        expected = load * 44 / (2 * (1 - load))  # M/D/1
        assert queue(load / 44, cores=1, cycles=44, depth=400).wait == pytest.approx(
            expected, rel=1e-3
        )


def test_no_traffic_waits_for_nothing():
    nothing = queue(0.0, cores=2, cycles=44, depth=8)
    assert (nothing.load, nothing.loss, nothing.wait) == (0, 0, 0)
    assert steady(0.0, cores=2, cycles=44).loss == 0
    assert steady(0.1, cores=2, cycles=44).loss == pytest.approx(1 - 2 / 4.4)


@pytest.mark.parametrize(
    ("wire", "mhz", "cycles", "cores"),
    # the brief's table for T = 44, and two rows for T = 53
    [
        (64, 250, 44, 27),
        (128, 250, 44, 15),
        (256, 250, 44, 8),
        (512, 250, 44, 5),
        (1024, 250, 44, 3),
        (1500, 250, 44, 2),
        (64, 1000, 44, 7),
        (1500, 1000, 44, 1),
        (64, 250, 53, 32),
        (256, 250, 53, 10),
    ],
)
def test_cores_for_100_gbps(wire, mhz, cycles, cores):
    assert cores_needed(wire, gbps=100, mhz=mhz, cycles=cycles) == cores


def test_a_bus_that_is_too_slow_for_the_payload_is_told():
    with pytest.raises(ValueError, match="64-byte packets at 100 Gbps come every 1"):
        cores_needed(64, gbps=100, mhz=250, cycles=44, words=2)


def test_frames_come_at_the_rate_of_the_link():
    wire = np.full(10_000, 64)
    cycle = back_to_back(wire, gbps=100, mhz=250)
    assert cycle[-1] == pytest.approx(9_999 * 1.68, abs=1)
    assert gbps_of(wire, cycles=10_000 * 1.68, mhz=250) == pytest.approx(100)
    assert packets_per_cycle(64, gbps=100, mhz=250) == pytest.approx(148.81 / 250, rel=1e-4)


def test_recorded_times_keep_their_shape_at_another_rate():
    time = np.array([0, 10, 11, 1000])
    wire = np.full(4, 105)
    cycle = recorded(time, wire, gbps=10, mhz=250)
    assert cycle.tolist() == [0, 1, 1, 100]
    assert recorded(np.zeros(2, int), wire[:2], gbps=10, mhz=250).tolist() == [0, 25]
    with pytest.raises(ValueError, match="recorded times must not fall"):
        recorded(time[::-1], wire, gbps=10, mhz=250)


def test_frames_wait_for_the_bus():
    assert on_bus(np.array([0, 0, 10]), np.array([4, 3, 1])).tolist() == [0, 4, 10]


def test_arrivals_have_the_rate_that_was_asked_for():
    rng = np.random.default_rng(0)
    even = poisson(rng, 20_000, rate=0.1)
    assert len(even) / even[-1] == pytest.approx(0.1, rel=0.03)
    some = bursts(rng, 20_000, rate=0.1, share=0.25, length=200)
    assert len(some) / some[-1] == pytest.approx(0.1, rel=0.15)
    for cycle in (even, some):
        assert (np.diff(cycle) >= 1).all()
    in_windows = [np.bincount(cycle // 1000).var() for cycle in (even, some)]
    assert in_windows[1] > 5 * in_windows[0], "bursts are burstier"
    assert spread(np.array([3, 3, 3, 9])).tolist() == [3, 4, 5, 9]
