"""Metrics by hand, and the leakage meter where a field gives the class away."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from engine.data.traffic.headers import FIELDS, OF_L4
from engine.methods.kaleidoscope import metrics
from engine.methods.kaleidoscope.baselines import forest
from engine.methods.kaleidoscope.leakage import leakage
from engine.methods.kaleidoscope.samples import HEADER, samples, with_header
from tests.methods.kaleidoscope.flows import labelled, traffic_of

pytestmark = pytest.mark.filterwarnings("error")


def test_accuracy_and_macro_f1_by_hand():
    labels, answers = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1])
    found = metrics.classification(labels, answers)
    assert found["accuracy"] == 0.5
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 * (1 / 3) / (1 / 3 + 1) + 0) / 3)
    none = labels[:0]
    assert metrics.confusion(none, none, classes=3).tolist() == [[0] * 3] * 3
    assert metrics.confusion(labels, answers, classes=3).tolist() == [
        [1, 1, 0],
        [0, 1, 0],
        [0, 1, 0],
    ]
    each = metrics.per_class(labels, answers, classes=4)
    assert each[:3].tolist() == pytest.approx([2 / 3, 0.5, 0])
    assert math.isnan(each[3])


def test_auroc_counts_a_tie_as_half():
    anomalous, scores = np.array([False, False, True, True]), np.array([1, 5, 5, 9])
    assert metrics.auroc(anomalous, scores) == pytest.approx(3.5 / 4)


def leaky(count: int = 120):
    """Random payloads whose class stands only in the server's port."""
    rng = np.random.default_rng(0)
    captures = (np.arange(count) % 6).tolist()
    codes = rng.integers(2, size=count)
    traffic = traffic_of([rng.bytes(32) for _ in range(count)], captures)
    header = np.zeros((count, HEADER), np.uint8)
    header[:, OF_L4["ports"][0].start] = codes * 200
    header[:, OF_L4["sequence"][0].start] = rng.integers(256, size=count)
    packets = SimpleNamespace(
        header=header, version=np.full(count, 4, np.uint8), l4=np.full(count, 6, np.uint8)
    )
    places = np.arange(count, dtype=np.int32)
    flows = replace(traffic.flows, first_payload_packet=places)
    found = replace(traffic, packets=packets, flows=flows)
    known = samples(found, labelled(codes.tolist(), ("a", "b")), reads="first", inputs=32)
    return found, known


def test_headers_come_masked_but_for_what_is_named():
    traffic, known = leaky()
    hidden = with_header(traffic, known.flows, inputs=106)
    assert not hidden[:, :HEADER].any()
    np.testing.assert_array_equal(hidden[:, HEADER:], known.data)
    shown = with_header(traffic, known.flows, inputs=106, unmasked=("ports",))
    assert set(shown[:, OF_L4["ports"][0].start]) == {0, 200}


def test_the_meter_names_the_field_that_gives_the_class_away(monkeypatch):
    monkeypatch.setattr(forest, "TREES", 25)
    found = leakage(*leaky())
    assert set(found) == {"payload", "header", *FIELDS}
    by_capture = {name: one["capture"]["accuracy"] for name, one in found.items()}
    assert by_capture.pop("ports") > 0.85
    assert max(by_capture.values()) < 0.7
