"""Trials of a co-processor: parity, an idle core, a replay, saturation, the data plane beside it.

Each gives plain arrays and numbers, which a checkpoint takes; the back end is the rig's business.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data.traffic.traffic import Traffic
from engine.methods.kaleidoscope import arrivals, front_model, queueing, replay, table_model
from engine.methods.kaleidoscope.activations import expected, outcome
from engine.methods.kaleidoscope.deployed import Coprocessor, Deployed
from engine.methods.kaleidoscope.flowhash import flow_hash
from engine.methods.kaleidoscope.frames import Frames, frames
from engine.methods.kaleidoscope.front_model import beats, payload_bytes, tuples
from engine.methods.kaleidoscope.results import Results
from engine.methods.kaleidoscope.rig import Progress, Rig, ignored
from engine.methods.kaleidoscope.samples import read
from engine.methods.kaleidoscope.stimulus import Jobs, Packets, Settings, Watch

BINS = 400  # of a replay's time
WINDOW = 400  # cycles of occupancy
SHORT = 64  # payload bytes of the frames that overload it
APART = 32  # cycles beyond a core's, ample for the front: then every packet finds idle cores

Found = dict[str, Any]


def parity(
    rig: Rig,
    deployed: Deployed,
    data: NDArray[np.uint8],
    *,
    on_progress: Progress = ignored,
) -> Found:
    """The outcome of payloads (n, inputs), all at once into the dispatcher, beside the golden's."""
    jobs = Jobs(np.zeros(len(data), np.int64), data, elephant=deployed.large)
    results, seconds = rig.run(
        jobs,
        settings=rig.coprocessor.settings(),
        on_progress=on_progress,
    )
    verdicts = by_packet(results.verdicts)
    golden = expected(deployed, deployed.golden(data))
    found = np.zeros_like(golden)
    answered = verdicts["packet"].astype(np.int64)
    found[answered] = outcome(deployed, verdicts["logits"], verdicts["score"])
    missing = np.ones(len(data), bool)
    missing[answered] = False
    differs = (found != golden) | missing[:, None]
    where = np.argwhere(differs)
    return {
        "outcome": found,
        "mismatches": int(differs.sum()),
        "flows": len(data),
        "values": int(golden.size),
        "first": None
        if not len(where)
        else {
            "flow": int(where[0][0]),
            "index": int(where[0][1]),
            "golden": int(golden[tuple(where[0])]),
            "rtl": None if missing[where[0][0]] else int(found[tuple(where[0])]),
        },
        "core_cycles": np.unique(_cycles(verdicts)),
        "cycles": results.counters["cycles"],
        "seconds": seconds,
    }


def idle(
    rig: Rig, deployed: Deployed, traffic: Traffic, flows: NDArray[np.int64], data: NDArray,
    *, least: int,
) -> Found:  # fmt: skip
    """Latencies where no job meets another: cycles from the beat of the last needed byte, and of
    the first bit, to the write of the verdict; and from acceptance to the core's verdict.

    A flow of each kind of header among `flows` (n,) goes in, with its `data` (n, inputs), and the
    first `least` of them. `of_flows` (n,) is the latency of each flow's kind, `kinds` names it.
    """
    settings = _at_once(rig.coprocessor, deployed)
    words = front_model.first_words(settings)
    every = replay.of_traffic(traffic, traffic.flows.first_payload_packet[flows])
    kinds, first, kind = np.unique(
        front_model.kinds(every, words), axis=0, return_index=True, return_inverse=True
    )
    kind = kind.reshape(-1)
    chosen = np.union1d(first, np.arange(min(least, len(flows))))
    cycle = np.arange(len(chosen)) * (deployed.compiled.cycles + APART)
    source = Packets(cycle, every.take(chosen), deployed.metadata(data[chosen]))
    results, _ = rig.run(source, settings=settings)
    at = beats(source, words)
    last = at["word" if deployed.reads == "history" else "last"]
    verdicts = by_packet(results.verdicts)
    if len(verdicts) != len(chosen):
        raise RuntimeError(f"{len(verdicts)} verdicts of {len(chosen)} packets at an idle core")
    latency = _span(verdicts, "last", "done")
    of_kind = np.zeros(len(kinds), np.int64)
    np.maximum.at(of_kind, kind[chosen], latency)
    return {
        "latency": latency,
        "first_bit": _span(verdicts, "first", "done"),
        "core": _cycles(verdicts),
        "ahead": _span(verdicts, "last", "start"),
        "output": _span(verdicts, "start", "done") - deployed.compiled.cycles,
        "predicted": at["push"] + queueing.ENTER + deployed.compiled.cycles - last,
        "of_flows": of_kind[kind],
        "kinds": kinds[kind],
    }


def saturated(rig: Rig, deployed: Deployed, data: NDArray[np.uint8], count: int) -> Found:
    """`count` jobs that are always there: cycles between verdicts, and what the cores do then."""
    payload = data[np.arange(count) % len(data)]
    jobs = Jobs(np.zeros(count, np.int64), payload, elephant=deployed.large)
    start = 2 * deployed.compiled.cycles
    results, seconds = rig.run(
        jobs,
        settings=rig.coprocessor.settings(),
        watch=Watch(issues=(start, start + WINDOW)),
    )
    done = np.sort(results.verdicts["done"].astype(np.int64))
    warm = len(done) // 4  # the cores begin one after the other
    return {
        "cycles_per_job": float((done[-1] - done[warm]) / (len(done) - 1 - warm)),
        "cycles": results.counters["cycles"],
        "seconds": seconds,
        "window": (start, start + WINDOW),
        "events": columns(results.events),
        "jobs": columns(results.verdicts[["packet", "core", "start", "done"]]),
    }


def bypass(rig: Rig, traffic: Traffic, packets: NDArray[np.int64]) -> list[Found]:
    """The data plane's packets with the engine off, on, and with more than it can do: what leaves
    it, and how late. The same frames each time, cut to a short payload, as fast as the bus is."""
    every, chosen = traffic.packets, packets
    short = frames(
        **{name: getattr(every, name)[chosen] for name in
           ("version", "l4", "src", "dst", "sport", "dport")},
        payload=every.payload[chosen],
        payload_length=np.minimum(every.payload_length[chosen], SHORT),
    )  # fmt: skip
    source = Packets(np.zeros(len(chosen), np.int64), short)
    rows = []
    on = rig.coprocessor.settings()
    for engine, changes in (
        ("off", {"mouse_on": False, "elephant_on": False}),
        ("on", {}),
        ("overloaded", {"every": on.mouse_on, "threshold": 1, "least_stored": 1}),
    ):
        results, _ = rig.run(source, settings=rig.coprocessor.settings(**changes))
        rows.append(
            {
                "engine": engine,
                "hash": f"{results.hash:016x}",
                "delay": (results.shadow["shortest"], results.shadow["longest"]),
                "stalls": results.shadow["stalls"],
                "packets": results.shadow["passed"],
                "drops": results.counters["mouse_drops"] + results.counters["elephant_drops"],
            }
        )
    return rows


def replayed(
    rig: Rig,
    deployed: Deployed,
    traffic: Traffic,
    packets: NDArray[np.int64],
    params: Any,
    *,
    on_progress: Progress = ignored,
) -> Found:
    """Packets (traffic's numbers, in the order of their times) at the offered rate."""
    shown = replay.of_traffic(traffic, packets)
    flow_of = traffic.packets.flow[packets]
    told = deployed.metadata(read(traffic.flows, deployed.reads, deployed.network.inputs))
    cycle = schedule(traffic, packets, shown, params)
    came = arrivals.on_bus(cycle, shown.beats)  # no faster than the bus, whatever is asked for
    end = int(came[-1]) + int(shown.beats[-1])
    settings = rig.coprocessor.settings(
        threshold=params.threshold, keep=params.collision == "keep", every=params.every_packet
    )
    watch = Watch(packets=True, depth_period=max(1, end // BINS))
    results, seconds = rig.run(
        Packets(cycle, shown, None if told is None else told[flow_of]),
        settings=settings,
        watch=watch,
        on_progress=on_progress,
    )
    verdicts = by_packet(results.verdicts)
    counters = results.counters
    asked = counters["mouse_jobs"] + counters["elephant_jobs"]
    dropped = counters["mouse_drops"] + counters["elephant_drops"]
    offered = arrivals.gbps_of(shown.wire, cycles=end, mhz=params.clock_mhz)
    return {
        "packets": len(packets),
        "jobs": asked,
        "drops": {kind: counters[f"{kind}_drops"] for kind in ("mouse", "elephant")},
        "verdicts": {
            name: verdicts[name] for name in (verdicts.dtype.names or ()) if name[0] != "_"
        },
        "flows": flow_of[verdicts["packet"].astype(np.int64)],
        "offered_gbps": offered,
        "served_gbps": offered * (1 - dropped / max(1, asked)),
        "cycles": counters["cycles"],
        "seconds": seconds,
        "busy": results.busy,
        "depths": columns(results.depths),
        "period": watch.depth_period,
        "counters": counters,
        "stalls": results.shadow["stalls"],
        "table": compared(results, settings, rig.coprocessor, shown),
    }


def schedule(
    traffic: Traffic, packets: NDArray[np.int64], shown: Frames, params: Any
) -> NDArray[np.int64]:
    """(n,) cycles of first beats at the offered rate."""
    rate = {"gbps": params.gbps, "mhz": params.clock_mhz}
    if params.arrivals == "steady":
        return arrivals.back_to_back(shown.wire, **rate)
    return arrivals.recorded(elapsed(traffic)[packets], shown.wire, **rate)


def elapsed(traffic: Traffic) -> NDArray[np.int64]:
    """(N,) ns since the first packet of its capture: replayed, captures begin together."""
    times, capture = traffic.packets.time_ns, traffic.packets.capture
    first = np.full(len(traffic.captures), np.iinfo(np.int64).max)
    np.minimum.at(first, capture, times)
    return times - first[capture]


def of_captures(traffic: Traffic, captures: NDArray, most: int) -> NDArray[np.int64]:
    """Numbers of the packets of flows in these captures, by time, the first `most`."""
    chosen = np.flatnonzero(
        np.isin(traffic.packets.capture, captures) & (traffic.packets.flow >= 0)
    )
    order = np.argsort(elapsed(traffic)[chosen], kind="stable")
    return chosen[order][:most]


def compared(
    results: Results, settings: Settings, coprocessor: Coprocessor, shown: Frames
) -> Found:
    """The flow table beside the model in Python: how many packets it decided otherwise."""
    log = results.packets
    order = log["packet"].astype(np.int64)
    hashes, checks = flow_hash(tuples(shown))
    at = beats(Packets(np.zeros(len(shown), np.int64), shown), 1)
    payload = payload_bytes(shown)
    decisions, rows = table_model.decide(
        settings,
        h=coprocessor.machine.h,
        time=log["cycle"] - (at["look"] - at["first"])[order],
        look=log["cycle"],
        hashes=hashes[order],
        checks=checks[order],
        sizes=shown.bytes[order],
        payload=payload[order],
        verdicts=results.verdicts,
    )
    wrong = np.zeros(len(log), bool)
    for name in ("started", "expired", "evicted", "kept", "mouse", "elephant"):
        wrong |= results.flag(name) != decisions[name]
    for name in ("generation", "count", "bytes"):
        wrong |= (log[name] != decisions[name]) & ~decisions["kept"]
    return {
        "wrong": int(wrong.sum()),
        "packets": len(log),
        "rows": 1 << coprocessor.machine.h,
        "used": len(rows),
        "collisions": int((decisions["evicted"] | decisions["kept"]).sum()),
        "evictions": int(decisions["evicted"].sum()),
    }


def columns(records: NDArray) -> dict[str, NDArray]:
    """Of a structured array, as plain integers."""
    return {
        name: records[name].astype(np.int64)
        for name in records.dtype.names or ()
        if not name.startswith("_")
    }


def by_packet(verdicts: NDArray) -> NDArray:
    """In the order of packets or jobs."""
    return verdicts[np.argsort(verdicts["packet"], kind="stable")]


def _at_once(coprocessor: Coprocessor, deployed: Deployed) -> Settings:
    """Every packet asks for a verdict of this network, and of no other; each begins its row."""
    forget = deployed.compiled.cycles
    if deployed.reads == "history":
        return coprocessor.settings(mouse_on=False, threshold=1, least_stored=1, timeout=forget)
    return coprocessor.settings(elephant_on=False, every=True, timeout=forget)


def _cycles(verdicts: NDArray) -> NDArray[np.int64]:
    """From acceptance by a core to the verdict."""
    return _span(verdicts, "start", "done")


def _span(verdicts: NDArray, start: str, stop: str) -> NDArray[np.int64]:
    return verdicts[stop].astype(np.int64) - verdicts[start].astype(np.int64)
