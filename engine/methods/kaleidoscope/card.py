"""Kaleidoscope's card: what it is, what it takes and answers."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.method import Baseline, Facts, Input, Method, Metric, Need, Paper, Question
from engine.methods.kaleidoscope.params import LARGE, KaleidoscopeParams
from engine.methods.kaleidoscope.questions import LoadParams, PacketParams, WaveParams

JUDGED = (  # key, title
    ("accuracy", "Accuracy"),
    ("macro_f1", "Macro-F1"),
    ("auroc", "AUROC"),
)


def _metrics() -> tuple[Metric, ...]:
    found = []
    for key, title in JUDGED:
        unseen = f"{title}, unseen captures"
        found += [
            Metric(key, f"{unseen}, float", better="higher", headline=key != "auroc"),
            Metric(f"{key}_int8", f"{unseen}, int8", better="higher", headline=True),
            Metric(f"{key}_ptq", f"{unseen}, rounded after training", better="higher"),
            Metric(f"baseline.*.{key}", f"{unseen}, of a baseline", better="higher"),
            Metric(f"leakage.{key}", f"{title} that a split by flows pretends", better="lower"),
        ]
    return (
        *found,
        Metric("rtl_mismatches", "Values that differ in the RTL", better="lower", headline=True),
        Metric("model_mismatches", "Logits that differ in the cycle model", better="lower"),
        Metric(
            "latency_cycles",
            "Latency of an idle core, slowest",
            "cycles",
            "lower",
            headline=True,
        ),
        Metric("latency_ns", "Latency of an idle core, slowest", "ns", "lower", headline=True),
        Metric("latency_median_cycles", "Latency of an idle core, median", "cycles", "lower"),
        Metric("latency_least_cycles", "Latency of an idle core, fastest", "cycles", "lower"),
        Metric("first_bit_cycles", "From the first bit to the verdict", "cycles", "lower"),
        Metric("throughput_gbps", "Throughput, every packet", "Gbps", "higher", headline=True),
        Metric("served_gbps", "Traffic whose jobs were served", "Gbps", "higher"),
        Metric("drops", "Jobs dropped in the replay", "", "lower", headline=True),
        Metric("cycles_per_second", "Simulated cycles a second", "1/s", "higher"),
        Metric("elephant.latency_cycles", "Latency of the elephants' network", "cycles", "lower"),
        Metric("elephant.accuracy_int8", "Accuracy of the elephants' network", "", "higher"),
        Metric("train.loss", "Loss of an epoch", "", "lower"),
        Metric("train.val_accuracy", "Accuracy on the fold's unseen captures", "", "higher"),
        Metric("sim.cycles", "Simulated cycles", "cycles"),
        Metric("sim.cycles_per_second", "Simulated cycles a second", "1/s", "higher"),
        Metric("sim.inferences", "Verdicts", "", ""),
        Metric("sim.mismatches", "Logits that differ", "", "lower"),
        Metric("sim.drops", "Jobs dropped", "", "lower"),
        Metric("sim.mouse_depth", "Most jobs in the FIFO for mice", "jobs"),
        Metric("sim.elephant_depth", "Most jobs in the FIFO for elephants", "jobs"),
        Metric("sim.busy.*", "Share of the cycles in which a core has a job"),
    )


def _conflict(params: KaleidoscopeParams, given: Mapping[str, Facts]) -> tuple[str, str] | None:
    if params.model == "autoencoder":
        if not params.anomalous:
            return "anomalous", "expected captures or classes that are no normal traffic"
        if params.elephant != "none":
            return "elephant", "expected none with the autoencoder, which has no classes"
    elif params.anomalous:
        return "anomalous", f"expected none with model={params.model}, which tells classes apart"
    if params.model in LARGE and params.elephant != "none":
        return "elephant", f"expected none with model={params.model}, which takes the larger cores"
    facts = given.get("captures", {})
    if params.model != "autoencoder" and "labels" not in given and facts.get("labels") is False:
        return "labels", "the captures have no labels of two classes; expected a table of them"
    if params.label and given.get("labels", facts).get("label_columns"):
        known = given.get("labels", facts)["label_columns"]
        if params.label not in known:
            return "label", f"expected one of {', '.join(known)}, got {params.label!r:.60}"
    return None


METHOD = Method(
    slug="kaleidoscope",
    title="Kaleidoscope",
    paper=Paper(
        title="Inference-to-complete: A High-performance and Programmable Data-plane Co-processor "
        "for Neural-network-driven Traffic Analysis",
        authors="Dong Wen, Zhongpei Liu, Tong Yang, Tao Li, Tianyun Li, Chenglong Li, Jie Li, "
        "Zhigang Sun",
        year=2024,
        url="https://arxiv.org/abs/2411.00408",
    ),
    summary="Integer networks read the first bytes of traffic flows on a programmable "
    "co-processor, whose Verilog is simulated cycle by cycle against the captured packets.",
    inputs=(
        Input(
            "captures",
            "traffic",
            "Captures",
            "pcap or pcapng, one or many; a labels.csv beside them is found.",
            needs=(Need("traffic", True, "expected captures; this is a table of labels alone"),),
        ),
        Input(
            "labels",
            "traffic",
            "Labels",
            "A table of labels for captures that have none, or other ones.",
            optional=True,
            needs=(Need("traffic", False, "expected a table of labels; these are captures"),),
        ),
    ),
    params=KaleidoscopeParams,
    conflict=_conflict,
    metrics=_metrics(),
    baselines=(
        Baseline(
            "random_forest",
            "Random forest",
            "100 trees on the same bytes; runs on no co-processor.",
        ),
    ),
    questions=(
        Question("packet", "Follow a packet to its verdict", PacketParams),
        Question("load", "What if there were other cores, or other traffic?", LoadParams),
        Question("verify", "The same, simulated", LoadParams),
        Question("wave", "See the signals", WaveParams),
    ),
    whatif="engine.methods.kaleidoscope.whatif:WhatIf",
    entry="engine.methods.kaleidoscope.method:run",
    requires="hdl",
    threads=1,
)
