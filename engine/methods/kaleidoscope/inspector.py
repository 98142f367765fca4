"""The files that Kaleidoscope leaves for its inspector; README.md, "Inspector", describes them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core import checkpoint
from engine.core.plain import plain
from engine.data.traffic.traffic import L4, address
from engine.methods.kaleidoscope import layers, queueing, replay
from engine.methods.kaleidoscope.distributions import distributions
from engine.methods.kaleidoscope.frames import FCS, beats_of
from engine.methods.kaleidoscope.judgement import FOREST, TITLES
from engine.methods.kaleidoscope.occupancy import KINDS, spans
from engine.methods.kaleidoscope.upgrade import elephants
from engine.methods.kaleidoscope.work import FLOAT, PTQ, scores

if TYPE_CHECKING:
    from engine.methods.kaleidoscope.report import Work

OVERVIEW, FLOWS = "inspector/overview.json", "inspector/flows.json"
MODEL = "inspector/model.safetensors"
SHOWN = 500  # flows
DIGITS = 6
LENGTHS = (64, 128, 256, 512, 1024, 1500)
CLOCKS = (250, 500, 1000)
PAPER = (64, 88)  # cycles


def write(work: Work) -> None:
    _json(work, OVERVIEW, "Overview", overview(work))
    _json(work, FLOWS, "Flows", flows(work))
    about = {"role": "inspector", "media": "application/octet-stream"}
    with work.run.artifact(MODEL, title="The networks themselves", **about) as path:
        checkpoint.save(path, model(work))


def _json(work: Work, path: str, title: str, value: Any) -> None:
    about = {"title": title, "role": "inspector", "media": "application/json"}
    with work.run.artifact(path, **about) as file:
        text = json.dumps(plain(value), separators=(",", ":"), allow_nan=False)
        file.write_text(text, "utf-8")


def overview(work: Work) -> dict[str, Any]:
    params, trials, main = work.run.params, work.trials, work.coprocessor.main
    machine, network, parity = work.coprocessor.machine, main.network, trials["parity"]
    kind = layers.family(main)
    listing = main.compiled.listing
    return {
        "model": params.model,
        "title": layers.title(main),
        "input_bytes": network.inputs,
        "encoding": network.encoding,
        "task": "anomaly" if main.detects else "classify",
        "classes": list(work.case.samples.classes),
        "clock_mhz": params.clock_mhz,
        "backend": {
            "name": work.backend.kind,
            "version": work.backend.version,
            "rtl": work.rtl,
            "real": not work.backend.badge,
            "badge": work.backend.badge or None,
        },
        "hardware": {
            "fpe": machine.fpe if work.coprocessor.mouse else 0,
            "hpe": machine.hpe,
            "contexts": machine.contexts,
            "mouse_fifo": machine.mouse_depth,
            "elephant_fifo": machine.elephant_depth,
            "rows": 1 << machine.h,
        },
        "accuracy": _accuracy(work, kind.title),
        "leakage": _leakage(work),
        "parity": {
            "flows": parity["flows"],
            "logits": parity["values"],
            "mismatches": parity["mismatches"],
            "first": _first(work),
        },
        "latency": _latency(work),
        "load": _load(work),
        "occupancy": {
            "from": trials["saturated"]["window"][0],
            "to": trials["saturated"]["window"][1],
            "cores": spans(work.coprocessor, trials["saturated"]),
            "kinds": list(KINDS),
        },
        "listing": [
            {"pc": row.pc, "text": row.text, "layer": row.layer, "at": row.at, "gap": row.gap}
            for row in listing
        ],
        "layers": layers.table(work),
        "distributions": distributions(*layers.both(work)),
        "utilisation": _utilisation(work),
        "cores_needed": _cores_needed(work),
        "resources": _resources(work),
        "bypass": {
            "rows": [
                {name: row[name] for name in ("engine", "hash", "delay", "stalls")}
                for row in trials.get("bypass", [])
            ]
        },
        "elephants": elephants(work),
        "flow_table": trials["replay"]["table"],
    }


def _accuracy(work: Work, title: str) -> dict[str, Any]:
    judged = work.judged
    keys = {FLOAT: "float", PTQ: "ptq", judged.int8: "int8", FOREST: FOREST}
    rows = []
    for model, key in keys.items():
        if model not in judged.models:
            continue
        mean, named = judged.mean(model), "auroc" if work.case.detects else "accuracy"
        low, high = judged.reach(model, named)
        words = TITLES[model] if model == FOREST else f"{title}, {TITLES[model]}"
        rows.append({"key": key, "title": words, **mean, "low": low, "high": high})
    rtl = _of_rtl(work)
    if rtl:
        what = work.backend.badge or "RTL"
        flows = work.trials["parity"]["flows"]
        title = f"{what}, {flows} flows of the first fold"
        rows.append({"key": "rtl", "title": title, **rtl, "low": None, "high": None})
    counts = np.bincount(judged.labels, minlength=judged.classes)
    columns = {"float": FLOAT, "int8": judged.int8, FOREST: FOREST}
    each = {key: judged.per_class(model) for key, model in columns.items()
              if model in judged.models}  # fmt: skip
    return {
        "unit": "capture",
        "folds": len(work.case.parts),
        "models": rows,
        "per_class": [
            {
                "class": name,
                "count": int(counts[at]),
                **{key: _number(values[at]) for key, values in each.items()},
            }
            for at, name in enumerate(work.case.samples.classes)
        ],
        "confusion": {"model": "int8", "table": judged.confusion(judged.int8).tolist()},
    }


def _of_rtl(work: Work) -> dict[str, float]:
    """Of the outcome that the hardware gave, over the flows that went through it."""
    parity = work.trials["parity"]
    some = replace(work.part, test=work.part.test[: parity["flows"]])
    found = np.asarray(parity["outcome"])
    if not work.case.detects:
        return scores(work.case, some, found.argmax(axis=1))
    if len(np.unique(work.case.samples.labels[some.test])) < 2:
        return {}
    threshold = work.coprocessor.main.network.outcome.threshold  # type: ignore[union-attr]
    return scores(work.case, some, found[:, 0], threshold)


def _leakage(work: Work) -> dict[str, Any] | None:
    if work.leaks is None:
        return None
    payload = work.leaks["payload"]
    return {
        "rows": [{"split": by, **payload[by]} for by in ("capture", "flow")],
        "fields": [
            {"field": name, "accuracy": found["capture"]["accuracy"]}
            for name, found in work.leaks.items()
            if name != "payload"
        ],
    }


def _first(work: Work) -> dict[str, Any] | None:
    """Where the hardware first differs: in a step that was looked at, else in the outcome."""
    main, steps, parity = work.coprocessor.main, work.trials["steps"], work.trials["parity"]
    if steps["first"] is not None:
        flow, number, index, golden, rtl = steps["first"]
        return {"flow": flow, "step": main.network.steps[number].name, "index": index,
                "golden": golden, "rtl": rtl}  # fmt: skip
    if parity["first"] is not None:
        return {**parity["first"], "step": main.network.outcome.name}
    return None


def _latency(work: Work) -> dict[str, Any]:
    verdicts, idle = work.trials["replay"]["verdicts"], work.trials["idle"]
    main = work.coprocessor.main
    mine = verdicts["elephant"] == int(main.large)
    chosen = {name: verdicts[name][mine] for name in ("first", "last", "enqueue", "start", "done")}
    spread = {}
    for name, since in (("last", "last"), ("first", "first")):
        cycles, counts = np.unique(chosen["done"] - chosen[since], return_counts=True)
        spread[name] = {"cycles": cycles.tolist(), "counts": counts.tolist()}
    ahead = int(idle["ahead"].min()) if len(idle["ahead"]) else 0
    waits = chosen["start"] - chosen["last"] - ahead
    return {
        **spread["last"],
        "first_bit": spread["first"],
        "marks": list(PAPER),
        "split": {
            "hash and table": ahead,
            "queue": float(waits.mean()) if len(waits) else 0.0,
            "core": main.compiled.cycles,
            "output": int(idle["output"].max()),
        },
        "idle": work.latency,
        "predicted": int(idle["predicted"].max()),
        "headers": _headers(idle),
    }


def _headers(idle: dict[str, Any]) -> list[dict[str, Any]]:
    """Idle cores' latencies of all tested flows by protocol, and of them all."""
    found, cycles = [], np.asarray(idle["of_flows"])
    version, l4 = np.asarray(idle["kinds"])[:, :2].T
    groups = [("all headers", np.ones(len(cycles), bool))]
    groups += [
        (f"{L4[protocol]} over IPv{ip}", (version == ip) & (l4 == protocol))
        for ip in (4, 6) for protocol in sorted(L4)
    ]  # fmt: skip
    for name, which in groups:
        if which.any():
            some = cycles[which]
            found.append({"name": name, "flows": len(some), "least": int(some.min()),
                          "median": float(np.median(some)), "most": int(some.max())})  # fmt: skip
    return found


def _load(work: Work) -> dict[str, Any]:
    replay_, depths = work.trials["replay"], work.trials["replay"]["depths"]
    period = max(1, replay_["period"])
    return {
        "offered_gbps": replay_["offered_gbps"],
        "served_gbps": replay_["served_gbps"],
        "packets": replay_["packets"],
        "jobs": replay_["jobs"],
        "cycles": replay_["cycles"],
        "cycles_per_second": work.cycles_per_second,
        "drops": replay_["drops"],
        "stalls": None if work.backend.badge else replay_["stalls"],
        "time": depths["cycle"].tolist(),
        "mouse_depth": depths["mouse"].tolist(),
        "elephant_depth": depths["elephant"].tolist(),
        "dropped": (depths["mouse_drops"] + depths["elephant_drops"]).tolist(),
        "busy": np.round(depths["busy"] / period, 3).tolist(),
    }


def _utilisation(work: Work) -> dict[str, float]:
    """Of the saturated cores' cycles."""
    main, saturated = work.coprocessor.main, work.trials["saturated"]
    compiled = main.compiled
    every = saturated["cycles_per_job"] * work.coprocessor.cores  # of a core, for each job
    issue = len(compiled.listing) / every
    idle = max(0.0, 1 - compiled.cycles / work.coprocessor.machine.contexts / every)
    return {
        "issue": issue,
        "useful_macs": compiled.multiplier_share * compiled.cycles / every,
        "gap": max(0.0, 1 - issue - idle),
        "idle": idle,
    }


def _cores_needed(work: Work) -> dict[str, Any]:
    """For an inference on every packet at the offered rate; null where a bus is too slow for any
    number of cores: that of the packets, a beat a cycle, or of the payload, a word a cycle."""
    main, params = work.coprocessor.main, work.run.params

    def needed(length: int, mhz: float) -> int | None:
        try:
            return queueing.cores_needed(
                length,
                gbps=params.gbps,
                mhz=mhz,
                cycles=main.compiled.cycles,
                words=max(main.words, beats_of(length)),
            )
        except ValueError:
            return None

    clocks = list(dict.fromkeys((*CLOCKS, params.clock_mhz)))
    return {
        "lengths": list(LENGTHS),
        "clocks_mhz": sorted(clocks),
        "cores": [[needed(length, mhz) for length in LENGTHS] for mhz in sorted(clocks)],
    }


def _resources(work: Work) -> dict[str, Any] | None:
    """Of one core. A block of 36 Kbit is two of 18; logic and memories in LUTs are apart."""
    found = work.trials.get("resources")
    if found is None:
        return None
    return {
        "tool": found["version"].split(" (")[0],
        "dsp": found["dsp"],
        "lut": found["lut"] + found["lut_memory"],
        "ff": found["ff"],
        "bram18": found["cells"].get("RAMB18E1", 0),
        "bram36": found["cells"].get("RAMB36E1", 0),
        "carry": found["carry"],
        "seconds": found["seconds"],
    }


def flows(work: Work) -> dict[str, Any]:
    """Those tested flows of the first fold that went through the hardware, the first of them."""
    case, places = work.case, shown(work)
    known, classes = case.traffic.flows, case.samples.classes
    rows = case.samples.flows[places]
    names = sorted({case.traffic.capture_names[at] for at in known.capture[rows].tolist()})
    number = {name: at for at, name in enumerate(names)}
    made = work.finished[f"fold.{work.part.name}.{work.run.params.model}"]
    answers = {
        key: _answers(work, made, which)[: len(places)]
        for key, which in (("answer", work.judged.int8), ("float", FLOAT))
    }
    replayed = work.trials["replay"]
    done = replayed["verdicts"]["done"] - replayed["verdicts"]["last"]
    cycles = dict(zip(replayed["flows"].tolist()[::-1], done.tolist()[::-1], strict=True))
    listed = []
    for at, (place, flow) in enumerate(zip(places.tolist(), rows.tolist(), strict=True)):
        label = classes[case.samples.labels[place]]
        answer = classes[answers["answer"][at]]
        listed.append(
            {
                "c": number[case.traffic.capture_names[int(known.capture[flow])]],
                "label": label,
                "answer": answer,
                "float": classes[answers["float"][at]],
                "l4": L4[int(known.l4[flow])].lower(),
                "src": address(known.src[flow]),
                "sport": int(known.sport[flow]),
                "dst": address(known.dst[flow]),
                "dport": int(known.dport[flow]),
                "cycles": cycles.get(flow),
                "right": label == answer,
            }
        )
    return {"capture": names, "flows": listed}


def shown(work: Work) -> np.ndarray:
    return work.part.test[: min(SHOWN, work.trials["parity"]["flows"])]


def _answers(work: Work, made: dict[str, Any], which: str) -> np.ndarray:
    found = np.asarray(made["answers"][which])
    if not work.case.detects:
        return found
    return (found > made["thresholds"][which]).astype(np.int64)


def model(work: Work) -> dict[str, Any]:
    """For whatif.py: the deployed network in real numbers and integers, the flows' bytes and their
    frames, and what the queueing model has to know."""
    params, case, main = work.run.params, work.case, work.coprocessor.main
    made = work.finished[f"fold.{work.part.name}.{params.model}"]
    places = shown(work)
    flows_ = case.samples.flows[places]
    frames = replay.of_traffic(case.traffic, case.traffic.flows.first_payload_packet[flows_])
    replayed = work.trials["replay"]
    columns = ("head", "kept", "wire", "start", "bytes")
    return {
        "classes": case.learnt,
        "names": case.samples.classes,
        "weights": {key: made["weights"][key] for key in (FLOAT, params.quantisation)},
        "thresholds": made["thresholds"],
        "data": work.data[params.model][places],
        "kept": case.traffic.flows.first_kept[flows_].astype(np.int64),
        "labels": case.samples.labels[places],
        "frames": {name: getattr(frames, name) for name in columns},
        "ahead": int(work.trials["idle"]["ahead"].min()),
        "jobs_per_packet": replayed["jobs"] / max(1, replayed["packets"]),
        "fcs": FCS,
        "cycles": main.compiled.cycles,
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), DIGITS)
