"""What Kaleidoscope can be set to."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from engine.core.params import Params, param

Model = Literal[
    "mlp", "mlp64", "two_path", "cnn", "rnn", "autoencoder", "embedding", "gru", "textcnn",
    "attention",
]  # fmt: skip
Elephant = Literal["none", "gru", "attention"]
LARGE = ("gru", "textcnn", "attention")  # of MODELS, those for the larger core


class KaleidoscopeParams(Params):
    model: Model = param(
        "mlp",
        "Network",
        "mlp, mlp64, embedding, cnn, rnn: of the first payload; two_path: with lengths and gaps; "
        "gru, attention: of the first eight packets, textcnn: of embedded bytes, on the larger "
        "core; autoencoder: finds what is unlike normal traffic.",
        paper="mlp",
        source="released RTL",
    )
    elephant: Elephant = param(
        "none",
        "Network for elephants",
        "A second network, on a larger core, for flows of many packets. Its verdict replaces the "
        "first one.",
        source="ours",
    )
    # What is learnt
    label: str = param(
        "",
        "Label",
        "The column of the table of labels. Empty: the one with the fewest classes, two at least.",
        max_length=200,
    )
    classes: list[str] = param(
        [], "Classes", "Labels to use; other flows are left out. Empty: all.", max_length=200
    )
    anomalous: list[str] = param(
        [],
        "Anomalous",
        "For the autoencoder: captures or classes that are no normal traffic; it never trains on "
        "them.",
        max_length=200,
    )
    cap: int = param(
        40,
        "Flows of a capture",
        "At most, of each class, so that no recording rules one; 0: all. The autoencoder takes "
        "all.",
        unit="flows",
        ge=0,
        le=1_000_000,
    )
    distinct: bool = param(
        False,
        "Without repeats",
        "Leave out flows with the same bytes and class as one before in their capture.",
        advanced=True,
    )
    folds: int = param(
        3,
        "Folds",
        "Cross-validation by whole captures; each flow is tested once.",
        ge=2,
        le=20,
    )
    repeats: int = param(
        1,
        "Repeats",
        "How often the captures are dealt into folds anew, always in the same ways.",
        ge=1,
        le=20,
    )
    encoding: Literal["own", "half", "fix8", "centred"] = param(
        "own",
        "Bytes as numbers",
        "half: byte / 2; fix8: byte / 8, as the released RTL; centred: byte − 128; own: what the "
        "network was made for.",
        paper="fix8",
        advanced=True,
    )
    quantisation: Literal["qat", "ptq"] = param(
        "qat",
        "Quantisation",
        "Which int8 network is deployed: trained with its rounding, or rounded after training.",
        paper="qat",
        source="released code",
    )
    epochs: int | None = param(
        None,
        "Epochs",
        "Passes over the training flows; empty: chosen for the network.",
        unit="epochs",
        ge=1,
        le=10_000,
        advanced=True,
    )
    baselines: list[Literal["random_forest"]] = param(
        ["random_forest"], "Baselines", "Fitted on the same bytes and folds."
    )
    leakage: bool = param(
        True,
        "Leakage meter",
        "What a split by flows, and each unmasked header field, would pretend, measured with the "
        "forest.",
    )
    # The hardware
    backend: Literal["auto", "verilator", "icarus", "model"] = param(
        "auto",
        "Simulator",
        "Of the RTL: verilator or icarus. model: a cycle model in Python, no RTL, and its results "
        "say so. auto: the first that is installed.",
    )
    clock_mhz: float = param(
        250.0, "Clock", "Turns cycles into time.", unit="MHz", paper=250, source="released RTL",
        gt=0, le=5000,
    )  # fmt: skip
    cores: int = param(
        8,
        "Cores",
        "Of 8 lanes, that run the network.",
        paper=8,
        source="released RTL",
        ge=1,
        le=32,
    )
    large_cores: int = param(
        1,
        "Larger cores",
        "Of 32 lanes, that run gru, attention or textcnn, be it the network or the elephants'.",
        source="ours",
        ge=1,
        le=8,
    )
    contexts: Literal[1, 2, 4] = param(
        1, "Contexts", "Jobs that share a core's issue slots in turn.", advanced=True
    )
    fifo: Literal[2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] = param(
        64, "Depth of the FIFO", "Jobs that may wait for a core.", unit="jobs", source="ours"
    )
    table_bits: int = param(
        16,
        "Rows of the flow table",
        "As a power of two.",
        paper=16,
        source="released RTL",
        ge=4,
        le=16,
        advanced=True,
    )
    collision: Literal["evict", "keep"] = param(
        "evict", "On a collision", "Which flow gets the row: the new one, or the old.",
        advanced=True,
    )  # fmt: skip
    threshold: int = param(
        8,
        "Packets of an elephant",
        "With how many a flow becomes one.",
        unit="packets",
        ge=1,
        le=65_535,
    )
    every_packet: bool = param(
        False,
        "Every packet",
        "Infer on every packet with payload, not on the first of a flow alone.",
        advanced=True,
    )
    # The traffic
    gbps: float = param(
        100.0, "Offered rate", "Of the replay, with 20 bytes of Ethernet overhead a frame.",
        unit="Gbps", paper=100, source="paper", gt=0, le=128,
    )  # fmt: skip
    arrivals: Literal["steady", "recorded"] = param(
        "steady",
        "Arrivals",
        "steady: frame after frame; recorded: with the bursts of the captures, on a scale that "
        "gives the offered rate in the mean.",
        advanced=True,
    )
    packet_length: int = param(
        256,
        "Packet length",
        "For the throughput of a saturated co-processor that infers on every packet.",
        unit="bytes",
        ge=64,
        le=9000,
    )
    parity_flows: int = param(
        500,
        "Flows of the parity check",
        "Tested flows whose logits in the hardware are compared with the golden model's.",
        unit="flows",
        ge=1,
        le=20_000,
    )
    replay_packets: int = param(
        60_000,
        "Packets of the replay",
        "At most, of the tested captures.",
        unit="packets",
        ge=1,
        le=200_000,
        advanced=True,
    )
    resources: bool = param(
        True,
        "Resources",
        "What one core takes of an FPGA, by Yosys where it is installed; a minute, once for each "
        "RTL.",
        advanced=True,
    )
    waves: bool = param(
        True,
        "Waveforms",
        "Of the first flow, as a VCD file, by a simulator with tracing, which is built once.",
        advanced=True,
    )

    @field_validator("classes", "anomalous", "baselines")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))
