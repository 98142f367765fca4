"""The inspector's files: what they must hold whatever the network is."""

from __future__ import annotations

import numpy as np
import pytest

from engine.methods.kaleidoscope import occupancy
from tests.methods.kaleidoscope import jobs

KEYS = {
    "model", "title", "input_bytes", "encoding", "task", "classes", "clock_mhz", "backend",
    "hardware", "accuracy", "leakage", "parity", "latency", "load", "occupancy", "listing",
    "layers", "distributions", "utilisation", "cores_needed", "resources", "bypass",
    "elephants", "flow_table",
}  # fmt: skip


@pytest.fixture(scope="module")
def overview(modelled):
    return jobs.read(modelled, "inspector/overview.json")


def test_the_overview_has_what_the_page_draws(overview):
    assert overview.keys() == KEYS
    assert overview["title"] == f"MLP-32: 32→64→32→{len(overview['classes'])}"
    assert overview["backend"]["real"] is False
    assert overview["backend"]["badge"] == "model, not RTL"
    keys = [row["key"] for row in overview["accuracy"]["models"]]
    assert keys == ["float", "ptq", "int8", "random_forest", "rtl"]
    table = np.array(overview["accuracy"]["confusion"]["table"])
    counts = [row["count"] for row in overview["accuracy"]["per_class"]]
    assert table.sum(axis=1).tolist() == counts


def test_latencies_are_those_of_the_verdicts(overview, modelled):
    latency, load = overview["latency"], overview["load"]
    assert sum(latency["counts"]) == load["jobs"] - sum(load["drops"].values())
    assert min(latency["cycles"]) == latency["idle"] == latency["predicted"]
    assert latency["split"]["hash and table"] + latency["split"]["core"] == latency["idle"]
    lines = (modelled / "verdicts.csv").read_text().splitlines()
    assert len(lines) - 1 == sum(latency["counts"])


def test_headers_are_those_of_all_tested_flows(overview, modelled, summary):
    every, *groups = overview["latency"]["headers"]
    folds = [line.split(",")[0] for line in (modelled / "predictions.csv").read_text().splitlines()]
    assert every["flows"] == folds.count("1.1") == sum(group["flows"] for group in groups)
    assert every["name"] == "all headers"
    assert every["least"] == summary["latency_least_cycles"]
    assert every["median"] == summary["latency_median_cycles"]
    assert every["most"] == summary["latency_cycles"] == overview["latency"]["idle"]
    assert max(group["most"] for group in groups) == every["most"]
    assert {group["name"] for group in groups} == {"TCP over IPv4", "UDP over IPv4"}


def test_shares_of_the_cores_time_add_up(overview):
    shares = overview["utilisation"]
    assert shares["issue"] + shares["gap"] + shares["idle"] == pytest.approx(1, abs=1e-6)
    assert shares["useful_macs"] <= shares["issue"]


def test_spans_fill_the_window_and_issue_what_the_listing_says(overview):
    found = overview["occupancy"]
    listing = {row["pc"]: row for row in overview["listing"]}
    for core in found["cores"]:
        cycle, began = found["from"], {}
        for start, cycles, kind, pc, job in core["spans"]:
            assert start == cycle
            cycle += cycles
            assert (kind == "issue") == (pc is not None)
            if kind == "issue":
                began.setdefault(job, start - listing[pc]["at"])
                assert start - listing[pc]["at"] == began[job]
        assert cycle == found["to"]


def test_layers_tell_the_program(overview):
    layers, listing = overview["layers"], overview["listing"]
    assert sum(layer["issues"] for layer in layers) == len(listing)
    for layer in layers:
        at = [row["at"] for row in listing if row["layer"] == layer["name"]]
        assert (layer["first"], layer["last"]) == (min(at), max(at))
        assert layer["bound"] < 2**31
        assert layer["error"]["mean"] <= layer["error"]["max"]


def test_flows_are_those_of_the_first_fold_and_right_where_they_say_so(overview, modelled):
    found = jobs.read(modelled, "inspector/flows.json")
    assert len(found["flows"]) == overview["parity"]["flows"]
    for flow in found["flows"]:
        assert flow["right"] == (flow["label"] == flow["answer"])
        assert 0 <= flow["c"] < len(found["capture"])
    right = np.mean([flow["right"] for flow in found["flows"]])
    rtl = next(row for row in overview["accuracy"]["models"] if row["key"] == "rtl")
    assert rtl["accuracy"] == pytest.approx(right)


def test_gaps_that_follow_each_other_are_one_span():
    spans = [(0, 1, "gap", None, 1), (1, 1, "gap", None, 1), (2, 1, "issue", 4, 1)]
    assert occupancy._joined(spans) == [(0, 2, "gap", None, 1), (2, 1, "issue", 4, 1)]
