"""The flow table of the RTL against the dict model: counts, states, evictions, verdicts found."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from engine.methods.kaleidoscope.arrivals import back_to_back, on_bus
from engine.methods.kaleidoscope.flowhash import flow_hash, symmetric_tuple
from engine.methods.kaleidoscope.replay import Machine
from engine.methods.kaleidoscope.stimulus import Packets, Settings
from engine.methods.kaleidoscope.table_model import STATES
from tests.methods.kaleidoscope.replaying import (
    CLASSES,
    SMALL,
    differences,
    image,
    logits,
    play,
    trace,
)

MICE = image(lanes=8, words=[1], cycles=[30])
ELEPHANTS = image(lanes=32, words=[8], cycles=[50], seed=1)


@pytest.mark.parametrize(
    "rules",
    [
        Settings(elephant_on=True, threshold=4, least_stored=2, timeout=300),
        Settings(elephant_on=True, threshold=4, least_stored=2, timeout=300, keep=True),
        Settings(
            elephant_on=True, threshold=65535, byte_threshold=3000, least_stored=1, every=True
        ),
    ],
    ids=["evict", "keep", "bytes"],
)
def test_64_rows_full_of_collisions_are_as_the_model_says(rules, tmp_path):
    made = trace(11, 2500, flows=300, run=6)
    cycle = back_to_back(made.frames.wire, gbps=100, mhz=250)
    found = play(
        SMALL,
        tmp_path,
        traffic=Packets(cycle, made.frames),
        settings=rules,
        images=(MICE, ELEPHANTS),
    )
    wrong, rows = differences(made, on_bus(cycle, made.frames.beats), found, rules, 6)
    assert wrong == []
    assert found.counters["collisions"] > 100
    assert found.counters["evictions" if not rules.keep else "kept_out"] > 100
    assert found.counters["elephant_verdicts"] > 20
    if rules.timeout:
        assert found.counters["expired"] > 50
    assert {row.state for row in rows.values()} <= set(STATES)
    assert Counter(row.state for row in rows.values())["elephant_done"] > 5


def test_65536_rows_in_the_other_simulator(tmp_path):
    machine = Machine(fpe=1, hpe=1, h=16)
    settings = Settings(elephant_on=True, threshold=3, least_stored=2)
    made = trace(12, 150, flows=30)
    cycle = back_to_back(made.frames.wire, gbps=40, mhz=250)
    found = play(
        machine,
        tmp_path,
        traffic=Packets(cycle, made.frames),
        settings=settings,
        images=(MICE, ELEPHANTS),
        kind="icarus",
    )
    wrong, rows = differences(made, on_bus(cycle, made.frames.beats), found, settings, 16)
    assert wrong == []
    assert len(rows) == len(np.unique(made.hash))
    assert found.counters["elephant_verdicts"] > 5


def test_packets_of_one_flow_in_every_cycle_are_all_counted(tmp_path):
    """Row and history are read while they are written: without the ways around, each second
    packet is lost."""
    made = trace(13, 200, flows=1, lengths=(4, 9), header=False)
    assert (made.frames.beats == 1).all()
    found = play(
        SMALL,
        tmp_path,
        traffic=Packets(np.zeros(200, int), made.frames),
        settings=Settings(elephant_on=True),
        images=(MICE, ELEPHANTS),
    )
    assert found.packets["cycle"].tolist() == list(range(2, 202))
    assert found.packets["count"].tolist() == list(range(1, 201))
    assert found.packets["bytes"][-1] == made.frames.bytes.sum()
    assert found.counters["flows"] == found.counters["mouse_jobs"] == 1
    elephant = found.verdicts[found.verdicts["elephant"] == 1]
    assert elephant["packet"].tolist() == [7]
    history = (made.payload[:8, :32] >> 1).astype(np.int8).reshape(1, -1)
    np.testing.assert_array_equal(elephant["logits"][:, :CLASSES], logits(ELEPHANTS, history))


def crc(data: bytes, *, polynomial: int, width: int) -> int:
    """Bit by bit, as the definition says; all ones first."""
    register = (1 << width) - 1
    for bit in (byte >> shift & 1 for byte in data for shift in range(7, -1, -1)):
        top = register >> width - 1
        register = (register << 1 ^ (polynomial if top ^ bit else 0)) & (1 << width) - 1
    return register


def test_the_hash_is_the_crc_of_the_symmetric_tuple():
    assert crc(b"123456789", polynomial=0x1021, width=16) == 0x29B1  # the catalogue's check value
    rng = np.random.default_rng(1)
    n = 50
    ends = rng.integers(0, 256, (2, n, 16)).astype(np.uint8)
    ports = rng.integers(0, 65536, (2, n))
    version, l4 = rng.choice([4, 6], n), rng.choice([6, 17], n)
    of = [
        symmetric_tuple(
            version=version, l4=l4, src=ends[a], dst=ends[b], sport=ports[a], dport=ports[b]
        )
        for a, b in ((0, 1), (1, 0))
    ]
    np.testing.assert_array_equal(of[0], of[1])
    for i in range(n):
        words = ends[:, i].reshape(2, 4, 4)  # end, word, byte
        address = words[:, 3] if version[i] == 4 else np.bitwise_xor.reduce(words, axis=1)
        pairs = zip(address, ports[:, i].tolist(), strict=True)
        low, high = sorted(a.tobytes() + port.to_bytes(2, "big") for a, port in pairs)
        assert of[0][i].tobytes() == low + high + bytes([l4[i]])
    hashes, checks = flow_hash(of[0])
    for i in range(n):
        data = of[0][i].tobytes()
        assert hashes[i] == crc(data, polynomial=0x1021, width=16)
        assert checks[i] == crc(data, polynomial=0x1D, width=8)
