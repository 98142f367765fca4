"""The co-processor without RTL: values by machine.py, decisions by table_model.py, waits by
queueing.py. A model of the hardware, in the cycles that the hardware would take; never called RTL.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.methods.kaleidoscope import arithmetic, machine, queueing, results
from engine.methods.kaleidoscope.deployed import Coprocessor, Deployed
from engine.methods.kaleidoscope.front_model import Pushed, decided, injected
from engine.methods.kaleidoscope.isa import WORD
from engine.methods.kaleidoscope.results import Moment, Results
from engine.methods.kaleidoscope.rig import Progress, ignored
from engine.methods.kaleidoscope.stimulus import Jobs, Packets, Settings, Watch

AT_ONCE = 2048  # payloads through machine.py
MOMENTS = 50
NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class ModelRig:
    """Of cores with one context: how others take turns the queueing model does not know."""

    coprocessor: Coprocessor

    def run(
        self,
        traffic: Packets | Jobs,
        *,
        settings: Settings,
        watch: Watch = Watch(),  # noqa: B008 - frozen
        on_progress: Progress = ignored,
    ) -> tuple[Results, float]:
        began = time.monotonic()
        counters = dict.fromkeys(results.COUNTERS, 0)
        log = np.zeros(0, results.PACKET)
        if isinstance(traffic, Jobs):
            groups = {traffic.elephant: (injected(traffic), traffic.droppable)}
            end = int(traffic.cycle[-1]) if len(traffic.cycle) else 0
        else:
            log, jobs, end = decided(
                traffic, settings, h=self.coprocessor.machine.h, counters=counters
            )
            groups = {elephant: (found, True) for elephant, found in jobs.items()}
        parts, drops = [], {}
        for elephant, (found, droppable) in groups.items():
            part, dropped = self._served(found, elephant=elephant, droppable=droppable)
            parts.append(part)
            drops[elephant] = dropped
            kind = "elephant" if elephant else "mouse"
            counters[f"{kind}_jobs"] = len(found.push)
            counters[f"{kind}_drops"] = len(dropped)
            counters[f"{kind}_verdicts"] = counters[f"{kind}_started"] = len(part)
        verdicts = np.concatenate(parts) if parts else np.zeros(0, results.VERDICT)
        verdicts["done"] = _written(verdicts["done"], verdicts["core"])
        verdicts = verdicts[np.argsort(verdicts["done"], kind="stable")]
        end = max(end, int(verdicts["done"].max(initial=0))) + 1
        counters["cycles"] = end
        for moment in self._moments(verdicts, drops, end):
            on_progress(moment)
        busy = self._busy(verdicts)
        found = Results(
            counters=counters,
            shadow=dict.fromkeys(results.SHADOW_COUNTERS, 0),
            busy=busy,
            issues=np.zeros(self.coprocessor.machine.cores, np.int64),
            verdicts=verdicts,
            packets=log if watch.packets else log[:0],
            depths=_depths(verdicts, drops, end, watch.depth_period),
            events=self._events(verdicts, watch),
        )
        return found, max(time.monotonic() - began, 1e-6)

    def _served(
        self, jobs: Pushed, *, elephant: bool, droppable: bool
    ) -> tuple[NDArray, NDArray[np.int64]]:
        """Verdicts, and the pushes that were dropped."""
        coprocessor, built = self.coprocessor, self.coprocessor.machine
        network = coprocessor.elephant if elephant else coprocessor.mouse
        if network is None:
            raise ValueError("jobs for cores that have no network")
        depth = built.elephant_depth if elephant else built.mouse_depth
        cores = built.hpe if elephant else built.fpe
        course = queueing.simulate(
            jobs.push,
            cores=cores,
            cycles=network.compiled.cycles,
            depth=depth if droppable else len(jobs.push) + 1,
            words=network.words,
        )
        kept = np.flatnonzero(course.start >= 0)
        start = course.start[kept]
        made = np.zeros(len(kept), results.VERDICT)
        columns = {
            "packet": jobs.packet[kept],
            "elephant": int(elephant),
            "first": jobs.first[kept],
            "last": jobs.last[kept],
            "enqueue": jobs.push[kept],
            "start": start,
            "done": start + network.compiled.cycles,
            "core": _taken(start, network.compiled.cycles, cores) + (built.fpe if elephant else 0),
            "row": jobs.row[kept],
            "generation": jobs.generation[kept],
        }
        for name, column in columns.items():
            made[name] = column
        for low in range(0, len(kept), AT_ONCE):
            some = slice(low, low + AT_ONCE)
            outcome = machine.run(network.compiled.image, words(network, jobs.payload[kept[some]]))
            made["logits"][some] = outcome.logits
            made["class"][some], made["score"][some] = outcome.klass, outcome.score
            made["anomaly"][some] = outcome.anomaly
        return made, jobs.push[course.start < 0]

    def _moments(self, verdicts: NDArray, drops: dict[bool, NDArray], end: int) -> Iterator[Moment]:
        """Evenly over the run, as if it were told on its way. What may not be dropped waits in
        front of a full FIFO."""
        built = self.coprocessor.machine
        stops = np.unique(np.linspace(0, end, MOMENTS + 1).astype(np.int64))[1:]
        period = int(stops[0])
        depths = _depths(verdicts, drops, end, period)
        start, done = (verdicts[name].astype(np.int64) for name in ("start", "done"))
        for stop in stops.tolist():
            since = depths[(depths["cycle"] < stop) & (depths["cycle"] + period > stop - period)]
            past = np.clip(stop - start, 0, done - start)
            yield Moment(
                cycles=stop,
                verdicts=int((done < stop).sum()),
                mouse_depth=min(int(since["mouse"].max(initial=0)), built.mouse_depth),
                elephant_depth=min(int(since["elephant"].max(initial=0)), built.elephant_depth),
                mouse_drops=int((drops.get(False, NONE) < stop).sum()),
                elephant_drops=int((drops.get(True, NONE) < stop).sum()),
                busy=tuple(self._sum(verdicts, past).tolist()),
            )

    def _busy(self, verdicts: NDArray) -> NDArray[np.int64]:
        return self._sum(verdicts, (verdicts["done"] - verdicts["start"]).astype(np.int64))

    def _sum(self, verdicts: NDArray, cycles: NDArray[np.int64]) -> NDArray[np.int64]:
        """(cores,) of the cycles (n,) of each job."""
        cores = self.coprocessor.machine.cores
        return np.bincount(verdicts["core"], weights=cycles, minlength=cores).astype(np.int64)

    def _events(self, verdicts: NDArray, watch: Watch) -> NDArray:
        """Issues of all cores in the window, as the listing has them."""
        low, high = watch.issues
        parts = []
        for verdict in verdicts[(verdicts["done"] >= low) & (verdicts["start"] < high)]:
            coprocessor = self.coprocessor
            network = coprocessor.elephant if verdict["elephant"] else coprocessor.mouse
            if network is None:
                continue
            rows = network.compiled.listing
            part = np.zeros(len(rows), results.ISSUE)
            part["cycle"] = int(verdict["start"]) + np.array([row.at for row in rows])
            part["pc"] = [row.pc for row in rows]
            part["core"], part["busy"], part["issue"] = verdict["core"], 1, 1
            parts.append(part[(part["cycle"] >= low) & (part["cycle"] < high)])
        found = np.concatenate(parts) if parts else np.zeros(0, results.ISSUE)
        return found[np.argsort(found["cycle"], kind="stable")]


def words(network: Deployed, payload: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Payload bytes (n, …) as a core receives them, int8 (n, words, 32)."""
    bytes_ = network.words * WORD
    whole = np.zeros((len(payload), bytes_), np.uint8)
    some = payload[:, :bytes_]
    whole[:, : some.shape[1]] = some
    return arithmetic.encode(whole, network.network.encoding).reshape(len(payload), -1, WORD)


def _taken(start: NDArray[np.int64], cycles: int, cores: int) -> NDArray[np.int64]:
    """The core of each job: of those without one the first, as the dispatcher's arbiter has it."""
    free = [0] * cores
    found = np.zeros(len(start), np.int64)
    for job, cycle in enumerate(start.tolist()):
        idle = (core for core in range(cores) if free[core] < cycle)
        best = next(idle, None)
        found[job] = next(c for c in range(cores) if free[c] <= cycle) if best is None else best
        free[found[job]] = cycle + cycles
    return found


def _written(done: NDArray, core: NDArray) -> NDArray[np.int64]:
    """When each verdict is written: one a cycle, the lowest core's first."""
    order = np.argsort(done, kind="stable").tolist()
    ready, cores = done.tolist(), core.tolist()
    found = np.zeros(len(done), np.int64)
    waiting: list[tuple[int, int]] = []
    at, cycle = 0, 0
    while at < len(order) or waiting:
        if not waiting:
            cycle = max(cycle, ready[order[at]])
        while at < len(order) and ready[order[at]] <= cycle:
            heapq.heappush(waiting, (cores[order[at]], order[at]))
            at += 1
        found[heapq.heappop(waiting)[1]] = cycle
        cycle += 1
    return found


def _depths(verdicts: NDArray, drops: dict[bool, NDArray], end: int, period: int) -> NDArray:
    """As the bench samples them: the most jobs in a FIFO in each period, and drops so far."""
    if not period:
        return np.zeros(0, results.DEPTH)
    edges = np.arange(0, end + period, period)
    made = np.zeros(len(edges) - 1, results.DEPTH)
    made["cycle"] = edges[:-1]
    for elephant, name in ((False, "mouse"), (True, "elephant")):
        mine = verdicts[(verdicts["elephant"] > 0) == elephant]
        change = np.zeros(end + 2, np.int64)
        np.add.at(change, mine["enqueue"].astype(np.int64), 1)
        np.add.at(change, mine["start"].astype(np.int64), -1)
        depth = np.cumsum(change)[: end + 1]
        made[name] = np.maximum.reduceat(depth, np.minimum(edges[:-1], end))
        lost = np.sort(drops.get(elephant, np.zeros(0, np.int64)))
        made[f"{name}_drops"] = np.searchsorted(lost, edges[1:])
    change = np.zeros(end + 2, np.int64)
    np.add.at(change, verdicts["start"].astype(np.int64), 1)
    np.add.at(change, verdicts["done"].astype(np.int64), -1)
    busy = np.concatenate([[0], np.cumsum(np.cumsum(change)[: end + 1])])
    stops = np.minimum(edges, end + 1)
    made["busy"] = np.diff(busy[stops])
    return made
