"""A finished job of Kaleidoscope to look at: its inspector's files and the answers of its child.

A fixture, made without the method and without a simulator: a network of random weights is really
computed, and its program really laid out over the cores' time; accuracies and counters are set.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

CLASSES = ["DNS", "HTTP", "TLS", "QUIC", "SSH"]
FLOWS = 40
WIDTHS = (32, 64, 32, len(CLASSES))
LANES, WORD, DEPTH = 8, 32, 9
CORES, JOB, WINDOW = 4, 60, (1000, 1400)
DIFFERS = 3  # the flow whose activations are told to differ in RTL
MEGAHERTZ = 250
THRESHOLDS = [2, 4, 8, 16]


def payload(flow: int) -> np.ndarray:
    noise = np.random.default_rng(flow).integers(0, 256, WORD, dtype=np.uint8)
    text = b"GET /index.html HTTP/1.1\r\nHost: "
    return np.frombuffer(text, np.uint8).copy() if flow % 4 == 1 else noise


@cache
def network() -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [
        (rng.integers(-40, 41, (rows, columns)), rng.integers(-500, 501, rows))
        for columns, rows in pairwise(WIDTHS)
    ]


def run(data: np.ndarray) -> list[np.ndarray]:
    """Encoded input, two hidden layers as int8, logits as int32."""
    values = [data.astype(np.int64) >> 1]
    for number, (weight, bias) in enumerate(network()):
        total = weight @ values[-1] + bias
        last = number == len(WIDTHS) - 2
        values.append(total if last else np.clip((total + 32) >> 6, 0, 127))
    return values


def margin(data: np.ndarray, verdict: int) -> int:
    logits = run(data)[-1]
    return int(logits[verdict] - np.delete(logits, verdict).max())


def flows() -> dict[str, Any]:
    rows = []
    for flow in range(FLOWS):
        answer = int(run(payload(flow))[-1].argmax())
        label = answer if flow % 5 else (answer + 1) % len(CLASSES)
        rows.append(
            {
                "c": flow % 2, "label": CLASSES[label], "answer": CLASSES[answer],
                "float": CLASSES[answer], "l4": "udp" if flow % 3 else "tcp",
                "src": f"10.0.0.{flow + 1}", "sport": 40_000 + flow, "dst": "192.168.1.20",
                "dport": 53 if flow % 3 else 443, "cycles": None if flow == 7 else 51,
                "right": label == answer,
            }
        )  # fmt: skip
    return {"capture": ["office.pcap", "lab.pcapng"], "flows": rows}


def program() -> list[dict[str, Any]]:
    """Tiles of each layer, at the cycle at which they issue; a layer waits for the one before."""
    found, at = [], 0
    for number, (columns, rows) in enumerate(pairwise(WIDTHS)):
        layer = "logits" if number == 2 else f"fc{number + 1}"
        for tile in range(-(-rows // LANES)):
            for block in range(columns // WORD):
                text = f"MVM a{block} w{len(found)} -> {layer}[{tile * LANES}]"
                found.append({"pc": len(found), "text": text, "layer": layer, "at": at, "gap": 0})
                at += 1
        found[-1]["gap"] = DEPTH - 1
        at += DEPTH - 1
    found.append({"pc": len(found), "text": "OUT argmax 5", "layer": "logits", "at": at, "gap": 0})
    return found


def spans(core: int) -> list[list[Any]]:
    found: list[list[Any]] = []
    begin, end = WINDOW
    for job in range((end - begin) // JOB + 1):
        start = begin + job * JOB + core * 13
        for line in program():
            found.append([start + line["at"], 1, "issue", line["pc"], 100 * core + job])
            if line["gap"]:
                after = [start + line["at"] + 1, line["gap"], "gap", line["pc"], 100 * core + job]
                found.append(after)
        used = program()[-1]["at"] + 1
        found.append([start + used, JOB - used, "idle", None, None])
    return [span for span in found if begin <= span[0] and span[0] + span[1] <= end]


def spreads() -> list[dict[str, Any]]:
    """Of the weights as they are, and as if they had been rounded to even numbers."""
    found = []
    for number, (weight, _) in enumerate(network()):
        low, high = float(weight.min()), float(weight.max())
        counts = [np.histogram(one, 63, (low, high))[0].tolist()
                  for one in (weight, weight // 2 * 2)]  # fmt: skip
        name = "logits" if number == 2 else f"fc{number + 1}"
        found.append({"name": name, "of": "weights", "low": low, "high": high,
                      "float": counts[0], "int8": counts[1], "saturated": 0.0125})  # fmt: skip
    found.append({**found[-1], "of": "activations", "saturated": None})
    return found


def overview() -> dict[str, Any]:
    models = [
        ("float", "MLP, float", 0.921), ("ptq", "MLP, int8 after training", 0.904),
        ("int8", "MLP, int8", 0.917), ("rtl", "MLP in RTL", 0.917),
        ("random_forest", "Random forest", 0.955),
    ]  # fmt: skip
    time = list(range(0, 20_000, 200))
    issue = len(program()) / JOB
    bins = np.arange(49, 62)
    layer_rows = [
        {
            "name": name, "kind": "dense", "shape": [rows, columns],
            "tiles": (rows + 7) // 8 * (columns // 32), "skipped": 0,
            "issues": (rows + 7) // 8 * (columns // 32),
            "first": next(line["at"] for line in program() if line["layer"] == name),
            "last": max(line["at"] for line in program() if line["layer"] == name),
            "multiplier": None if name == "logits" else 1, "shift": None if name == "logits" else 6,
            "macs": rows * columns, "bound": 400_000,
            "error": None if name == "logits" else {"max": 0.5, "mean": 0.1, "snr_db": 31.2},
        }
        for name, columns, rows in zip(("fc1", "fc2", "logits"), WIDTHS, WIDTHS[1:], strict=False)
    ]  # fmt: skip
    return {
        "model": "mlp32", "title": "MLP 32→64→32→5", "input_bytes": WORD, "encoding": "half",
        "task": "classify", "classes": CLASSES, "clock_mhz": MEGAHERTZ,
        "backend": {"name": "verilator", "version": "Verilator 5.006", "rtl": "3fa9c1d2" * 8,
                    "real": True, "badge": None},
        "hardware": {"fpe": CORES, "hpe": 1, "contexts": 1, "mouse_fifo": 64, "elephant_fifo": 16,
                     "rows": 65536},
        "accuracy": {
            "unit": "capture", "folds": 9,
            "models": [{"key": key, "title": title, "accuracy": value, "macro_f1": value - 0.15,
                        "low": value - 0.03, "high": value + 0.03}
                       for key, title, value in models],
            "per_class": [{"class": name, "count": 40 + at, "float": 0.9 - at / 20,
                           "int8": 0.89 - at / 20, "random_forest": 0.95 - at / 30}
                          for at, name in enumerate(CLASSES)],
            "confusion": {"model": "int8", "table": (np.eye(5, dtype=int) * 40 + 1).tolist()},
        },
        "leakage": {
            "rows": [{"split": "capture", "accuracy": 0.92, "macro_f1": 0.765},
                     {"split": "flow", "accuracy": 0.95, "macro_f1": 0.876}],
            "fields": [{"field": "ports", "accuracy": 0.981},
                       {"field": "addresses", "accuracy": 0.967}],
        },
        "parity": {"flows": 500, "logits": 2500, "mismatches": 0, "first": None},
        "latency": {
            "cycles": bins.tolist(), "counts": [0, 0, 400, 60, 20, 8, 4, 2, 2, 1, 1, 1, 1],
            "first_bit": {"cycles": (bins + 4).tolist(),
                          "counts": [0, 0, 380, 70, 25, 10, 5, 3, 3, 1, 1, 1, 1]},
            "marks": [64, 88],
            "split": {"hash and table": 3, "queue": 0.2, "core": 44, "output": 3.8},
            "idle": 51, "predicted": 51,
            "headers": [
                {"name": "all headers", "flows": 512, "least": 49, "median": 50, "most": 51},
                {"name": "TCP over IPv4", "flows": 400, "least": 49, "median": 50, "most": 50},
                {"name": "TCP over IPv6", "flows": 112, "least": 50, "median": 51, "most": 51},
            ],
        },
        "load": {
            "offered_gbps": 100, "served_gbps": 99.2, "packets": 12_000, "jobs": 900,
            "cycles": 20_000, "cycles_per_second": 412_000, "drops": {"mouse": 7, "elephant": 0},
            "stalls": 0, "time": time,
            "mouse_depth": [(at * 7) % 12 for at in range(len(time))],
            "elephant_depth": [(at * 3) % 4 for at in range(len(time))],
            "dropped": [at // 14 for at in range(len(time))],
            "busy": [2 + (at % 5) / 2 for at in range(len(time))],
        },
        "occupancy": {"from": WINDOW[0], "to": WINDOW[1],
                      "cores": [{"name": f"FPE {core}", "spans": spans(core)}
                                for core in range(CORES)],
                      "kinds": ["issue", "gap", "idle"]},
        "listing": program(),
        "layers": layer_rows,
        "distributions": spreads(),
        "utilisation": {"issue": issue, "useful_macs": issue - 0.02, "gap": 0.4,
                        "idle": 1 - issue - 0.4},
        "cores_needed": {"lengths": [64, 128, 256, 512, 1024, 1500],
                         "clocks_mhz": [250, 500, 1000],
                         "cores": [[31, 18, 10, 5, 3, 2], [16, 9, 5, 3, 2, 1],
                                   [8, 5, 3, 2, 1, 1]]},
        "resources": {"tool": "yosys 0.23", "dsp": 256, "lut": 3965, "ff": 1266, "bram18": 57,
                      "bram36": 6, "carry": 260, "seconds": 27.4},
        "bypass": {"rows": [{"engine": engine, "hash": "9c1d55e0", "delay": [6, 6], "stalls": 0}
                            for engine in ("off", "on", "overloaded")]},
        "elephants": {
            "model": "gru", "latency_cycles": 372, "thresholds": THRESHOLDS,
            "rows": [{"threshold": at, "elephants": 400 // at, "accuracy_mouse": 0.9,
                      "accuracy_elephant": 0.93 + at / 400, "accuracy": 0.91 + 0.1 / at,
                      "hpe_load": 0.8 / at} for at in THRESHOLDS],
            "upgrade": {"classes": CLASSES, "table": (np.eye(5, dtype=int) * 9 + 1).tolist()},
        },
        "flow_table": {"rows": 65536, "used": 731, "collisions": 4, "evictions": 1},
    }  # fmt: skip


def answer(question: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"packet": packet, "load": load, "verify": verify, "wave": wave}[question](**given)


def packet(flow: int) -> dict[str, Any]:
    data = payload(flow)
    values = run(data)
    logits = values[-1]
    verdict = int(logits.argmax())
    silenced = []
    for place in range(WORD):
        without = data.copy()
        without[place] = 0
        silenced.append(margin(data, verdict) - margin(without, verdict))
    steps, first = [], None
    for name, golden in zip(("input", "fc1", "fc2"), values, strict=False):
        rtl = golden.tolist()
        if flow == DIFFERS and name == "fc2":
            rtl[5] = int(golden[5]) ^ 1
            first = {"step": name, "index": 5, "golden": int(golden[5]), "rtl": rtl[5]}
        steps.append(
            {"name": name, "layer": name, "words": len(golden) // WORD, "golden": golden.tolist(),
             "rtl": rtl, "float": None if name == "input" else (golden / 32 + 0.01).tolist(),
             "scale": 1 / 32}
        )  # fmt: skip
    row = flows()["flows"][flow]
    return {
        "bytes": data.tolist(), "kept": WORD, "encoded": values[0].tolist(), "steps": steps,
        "logits": {"golden": logits.tolist(), "rtl": logits.tolist(),
                   "float": (logits / 4096).tolist()},
        "first_difference": first, "saliency": silenced, "verdict": CLASSES[verdict],
        "label": row["label"],
    }  # fmt: skip


def load(cores, clock_mhz, length, gbps, contexts, fifo, every_packet, elephant_share):
    packets = gbps * 1e9 / (8 * (length + 20))
    inferences = packets * (1 if every_packet else 0.05)
    use = inferences * JOB / contexts / (cores * clock_mhz * 1e6)
    loads = [step / 20 for step in range(1, 20)]

    def wait(share: float) -> float:
        return JOB / 2 / cores * share / (1 - share)

    return {
        "latency_cycles": 51 + wait(min(use, 0.99)), "wait_cycles": wait(min(use, 0.99)),
        "loss": max(0.0, 1 - 1 / use), "throughput_mpps": min(inferences, inferences / use) / 1e6,
        "served_gbps": gbps * min(1, 1 / use), "utilisation": min(1, use),
        "cores_needed": int(np.ceil(use * cores)),
        "curve": {"load": loads, "wait": [wait(share) for share in loads]},
    }  # fmt: skip


def verify(**given) -> dict[str, Any]:
    model = load(**given)
    told = {"latency_cycles": model["latency_cycles"] + 1, "wait_cycles": model["wait_cycles"] + 1}
    return {**told, "loss": model["loss"], "served_gbps": model["served_gbps"], "cycles": 60_000,
            "seconds": 1.7, "error": {"wait": 0.031, "loss": 0.0}}  # fmt: skip


def wave(flow: int, start: int, cycles: int) -> dict[str, Any]:
    every = range(start, start + cycles)
    issues = [(line["at"] + 6, line["pc"]) for line in program()]
    busy = [[start, 0], [start + 6, 1], [start + 6 + program()[-1]["at"] + 1, 0]]
    return {
        "from": start,
        "signals": [
            {"name": "clk_even", "width": 1, "kind": "bit",
             "changes": [[cycle, cycle % 2] for cycle in every]},
            {"name": "busy", "width": 1, "kind": "bit", "changes": busy},
            {"name": "issue_pc", "width": 10, "kind": "bus",
             "changes": [[start, 0], *([start + at, pc] for at, pc in issues)]},
            {"name": "out_logits", "width": 256, "kind": "bus",
             "changes": [[start, "0x0"], [start + cycles // 2, f"0x{flow:x}{'7f80' * 15}"]]},
        ],
    }  # fmt: skip


def live(step: int) -> dict[str, float]:
    """What a step of the job logs."""
    return {
        "train.loss": 2 / (1 + step), "train.val_accuracy": 0.9 - 0.5 / (1 + step),
        "sim.cycles": 4000.0 * step, "sim.cycles_per_second": 400_000 + 1000.0 * (step % 7),
        "sim.inferences": 90.0 * step, "sim.mismatches": 0.0, "sim.drops": float(step // 9),
        "sim.mouse_depth": float(step % 5), "sim.elephant_depth": float(step % 3),
        **{f"sim.busy.fpe{core}": 0.2 * core + 0.01 * (step % 9) for core in range(CORES)},
        "sim.busy.hpe0": 0.5,
    }  # fmt: skip


def files() -> dict[str, bytes]:
    listing = "\n".join(f"{line['at']:4} {line['pc']:4} {line['text']}" for line in program())
    return {
        "inspector/overview.json": json.dumps(overview(), allow_nan=False).encode(),
        "inspector/flows.json": json.dumps(flows(), allow_nan=False).encode(),
        "listing.txt": listing.encode(),
        "wave.vcd": b"$enddefinitions $end\n",
    }
