"""From flows to samples, and from samples to folds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.methods.kaleidoscope.folds import folds, nine, normal_folds, rare
from engine.methods.kaleidoscope.samples import log_byte, read, samples
from tests.methods.kaleidoscope.flows import labelled, traffic_of

FIRST = {"reads": "first", "inputs": 32}


def test_only_labelled_flows_with_payload_give_samples():
    traffic = traffic_of([b"GET /", b"", b"\x16\x03", b"x"], [0, 0, 1, 1])
    found = samples(traffic, labelled([1, 1, 2, -1], ("absent", "HTTP", "TLS")), **FIRST)
    assert found.classes == ("HTTP", "TLS")
    assert found.labels.tolist() == [0, 1]
    assert found.captures.tolist() == [0, 1]
    assert found.flows.tolist() == [0, 2]
    assert found.data[0].tobytes() == b"GET /".ljust(32, b"\0")
    assert found.left_out == {"no label": 1, "no payload": 1, "over the cap": 0}


def test_no_labelled_payload_is_refused():
    with pytest.raises(UserError, match=r"^labels: no flow with payload"):
        samples(traffic_of([b"", b"x"], [0, 0]), labelled([0, -1], ("HTTP",)), **FIRST)


def test_the_cap_takes_the_first_of_each_capture_and_class():
    payloads = [bytes([n + 1]) for n in range(12)]
    traffic = traffic_of(payloads, [0] * 8 + [1] * 4)
    labels = labelled([0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1], ("a", "b"))
    found = samples(traffic, labels, cap=2, **FIRST)
    assert found.flows.tolist() == [0, 1, 2, 3, 8, 9, 11]
    assert found.left_out["over the cap"] == 5
    assert len(samples(traffic, labels, cap=None, **FIRST)) == 12


def test_repeats_are_told_within_a_capture_and_across():
    traffic = traffic_of([b"a", b"a", b"a", b"b", b"a"], [0, 0, 1, 0, 0])
    labels = labelled([0, 0, 0, 0, 1], ("x", "y"))
    found = samples(traffic, labels, **FIRST)
    assert found.repeated.tolist() == [False, True, False, False, False]
    assert found.elsewhere.tolist() == [True, True, True, False, True]
    distinct = samples(traffic, labels, distinct=True, **FIRST)
    assert distinct.flows.tolist() == [0, 2, 3, 4]
    assert distinct.left_out["repeated"] == 1


def test_what_a_family_reads():
    traffic = traffic_of(
        [bytes(range(1, 101))],
        [0],
        lengths=[[100, 0, 65535, 3, 9]],
        gaps_ns=[[0, 1_000_000, -5, 999]],
    )
    first = read(traffic.flows, "first", 64)
    assert first[0].tolist() == list(range(1, 65))
    assert read(traffic.flows, "first", 128)[0, 99:102].tolist() == [100, 0, 0]
    history = read(traffic.flows, "history", 256)
    assert history.shape == (1, 256)
    assert history[0, :32].tolist() == list(range(1, 33))
    paths = read(traffic.flows, "paths", 64)[0]
    assert paths[:32].tolist() == list(range(1, 33))
    assert paths[32:36].tolist() == [int(log_byte(np.array(v), 4)) for v in (100, 0, 65535, 3)]
    assert paths[36:40].tolist() == [0, int(log_byte(np.array(1000), 3)), 0, 0]
    assert not paths[40:].any()


def test_a_logarithm_in_a_byte_is_within_its_last_bit():
    for fraction, largest in ((4, 65535), (3, 2**31)):
        values = np.unique(np.geomspace(1, largest, 500).astype(np.int64)) - 1
        found = log_byte(values, fraction).astype(float) / 2**fraction
        exact = np.array([math.log2(1 + v) for v in values])
        inside = exact < 256 / 2**fraction - 1
        # The mantissa is linear: it lies below the logarithm by 0.0861 at most, and is cut.
        assert ((exact - found)[inside] > -1e-9).all()
        assert ((exact - found)[inside] < 0.0861 + 2.0**-fraction).all()
        assert (np.diff(found) >= 0).all()


def groups(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    captures = rng.integers(20, size=300)
    return rng.integers(3, size=300), captures


def test_no_capture_trains_and_tests():
    labels, captures = groups()
    found = nine(labels, captures)
    assert len(found) == 9
    for train, test in found:
        assert not set(captures[train]) & set(captures[test])
        assert sorted([*train, *test]) == list(range(300))
    for state in range(3):
        tested = np.concatenate([test for _, test in found[3 * state : 3 * state + 3]])
        assert sorted(tested) == list(range(300))


def test_a_split_by_flow_shares_captures():
    labels, captures = groups()
    train, test = folds(labels, captures, state=0, by="flow")[0]
    assert set(captures[train]) & set(captures[test])
    assert np.bincount(labels[test]).tolist() == pytest.approx(np.bincount(labels) / 3, abs=1)


def test_normal_flows_are_split_by_capture():
    _, captures = groups()
    for train, test in normal_folds(captures, state=1):
        assert not set(captures[train]) & set(captures[test])


def test_what_cannot_be_split_is_refused():
    labels = np.array([0, 1, 0, 1])
    with pytest.raises(UserError, match=r"^captures: expected 3"):
        folds(labels, np.array([0, 0, 1, 1]), state=0)
    with pytest.raises(UserError, match=r"^captures: expected 3"):
        normal_folds(np.array([0, 1]), state=0)
    with pytest.raises(UserError, match="two classes or more"):
        folds(np.zeros(4, int), np.arange(4), state=0)
    with pytest.raises(UserError, match="3 flows of a class"):
        folds(labels, np.arange(4), state=0)


@pytest.mark.filterwarnings("error")
def test_a_class_of_one_capture_is_told():
    labels, captures = np.array([0, 0, 0, 0, 1, 2, 2]), np.array([0, 1, 2, 3, 0, 1, 2])
    assert rare(labels, captures) == [1]
    assert len(folds(labels, captures, state=0)) == 3
