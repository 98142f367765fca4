"""Questions that a finished Kaleidoscope job answers, from the network and the flows that it kept.

`packet` and `wave` run one flow through the RTL again, where its simulator is in this machine's
cache; `load` asks the queueing model, `verify` the RTL. Nothing is built or trained here.
"""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core import cache, checkpoint
from engine.core.errors import UserError
from engine.core.job import read_json
from engine.methods.kaleidoscope import activations, queueing, vcd, waves
from engine.methods.kaleidoscope.arrivals import packets_per_cycle, poisson
from engine.methods.kaleidoscope.deployed import Deployed, assembled, deploy
from engine.methods.kaleidoscope.families import FAMILIES, Family
from engine.methods.kaleidoscope.families.autoencoder import Autoencoder
from engine.methods.kaleidoscope.frames import Frames, beats_of
from engine.methods.kaleidoscope.inspector import FLOWS, MODEL, OVERVIEW
from engine.methods.kaleidoscope.integer import PAYLOAD, WORD
from engine.methods.kaleidoscope.layers import reals
from engine.methods.kaleidoscope.questions import LoadParams, PacketParams, WaveParams
from engine.methods.kaleidoscope.rig import FOLDER, FULL, SHORT, RtlRig, choose
from engine.methods.kaleidoscope.simulator.build import Binary, build
from engine.methods.kaleidoscope.simulator.design import Design, cores
from engine.methods.kaleidoscope.simulator.process import Stopped
from engine.methods.kaleidoscope.stimulus import Jobs
from engine.methods.kaleidoscope.work import FLOAT, encoding_of

if TYPE_CHECKING:
    from engine.core.job import Job

JOBS = 6000  # of a verification
WARM = 500  # of them that fill the queue before anything is counted
CURVE = 19  # loads


class WhatIf:
    def __init__(self, job: Job):
        self.params = job.params
        self.overview = read_json(job.path(OVERVIEW))
        self.flows: list[dict[str, Any]] = read_json(job.path(FLOWS))["flows"]
        self.stored = checkpoint.load(job.path(MODEL))
        self.floating = self._family(FLOAT)
        self.main: Deployed = deploy(
            self._family(self.params.quantisation).network(
                self.params.model, family=self.params.model
            )
        )

    def packet(self, params: PacketParams) -> dict[str, Any]:
        """A flow's bytes, what each layer makes of them, and what its verdict hangs on."""
        at = self._flow(params.flow)
        data, main = self.stored["data"][at : at + 1], self.main
        golden = main.golden(data)
        found = self._rtl(data)
        floats = reals(self.floating, data)
        scales = self._scales(data)
        first, steps = None, [self._input(golden.payload[0], ran=found is not None)]
        for number, step in enumerate(main.network.steps[:-1]):
            values = golden.written[number][0]
            rtl = None if found is None else found[0][number][0]
            if first is None and rtl is not None and (rtl != values).any():
                place = int(np.flatnonzero(rtl != values)[0])
                first = {"step": step.name, "index": place, "golden": int(values[place]),
                         "rtl": int(rtl[place])}  # fmt: skip
            steps.append(
                {
                    "name": step.name,
                    "layer": step.name,
                    "words": -(-len(values) // WORD),
                    "golden": values,
                    "rtl": rtl,
                    "float": floats[step.name][0] if step.name in floats else None,
                    "scale": scales.get(step.name),
                }
            )
        outcome = activations.expected(main, golden)[0]
        real = None if found is None else found[1][0]
        if first is None and real is not None and (real != outcome).any():
            place = int(np.flatnonzero(real != outcome)[0])
            first = {"step": main.network.outcome.name, "index": place,
                     "golden": int(outcome[place]), "rtl": int(real[place])}  # fmt: skip
        row = self.flows[at]
        return {
            "bytes": data[0],
            "kept": int(min(self.stored["kept"][at], data.shape[1])),
            "encoded": golden.payload[0],
            "steps": steps,
            "logits": {"golden": outcome, "rtl": real, "float": self._real_outcome(data)},
            "first_difference": first,
            "saliency": self._saliency(data[0]),
            "verdict": row["answer"],
            "label": row["label"],
        }

    def load(self, params: LoadParams) -> dict[str, Any]:
        """What the queueing model says of other cores, or other traffic."""
        rate = self._rate(params)
        servers, cycles = self._servers(params)
        found = queueing.poisson(rate, cores=servers, cycles=cycles, depth=params.fifo)
        loads = np.arange(1, CURVE + 1) / (CURVE + 1)
        curve = [
            queueing.poisson(
                load * servers / cycles, cores=servers, cycles=cycles, depth=params.fifo
            ).wait
            for load in loads
        ]
        idle = self.overview["latency"]["idle"]
        jobs = rate * params.clock_mhz * (1 - found.loss)
        return {
            "latency_cycles": idle + found.wait,
            "wait_cycles": found.wait,
            "loss": found.loss,
            "throughput_mpps": jobs,
            "served_gbps": params.gbps * (1 - found.loss),
            "utilisation": min(1.0, found.load),
            "cores_needed": int(np.ceil(rate * cycles / params.contexts - 1e-9)) or 1,
            "curve": {"load": loads, "wait": curve},
        }

    def verify(self, params: LoadParams) -> dict[str, Any]:
        """The same in RTL: jobs in a Poisson stream, for the cores that the job was built with."""
        if self.overview["backend"]["name"] == "icarus":
            raise UserError("verify", "expected a job with Verilator: Icarus would take minutes")
        rig = self._rig(params)
        rate = self._rate(params)
        arrival = poisson(np.random.default_rng(0), JOBS, rate=rate)
        data = self.stored["data"]
        payload = data[np.arange(JOBS) % len(data)]
        jobs = Jobs(arrival, payload, elephant=self.main.large, droppable=True)
        results, seconds = rig.run(jobs, settings=rig.coprocessor.settings())
        verdicts = results.verdicts
        later = verdicts[verdicts["packet"] >= WARM]
        pushed = later["enqueue"].astype(np.int64)
        wait = float((later["start"].astype(np.int64) - pushed - queueing.ENTER).mean())
        loss = 1 - len(later) / (JOBS - WARM)
        model = self.load(params)
        return {
            "latency_cycles": self.overview["latency"]["idle"] + wait,
            "wait_cycles": wait,
            "loss": loss,
            "served_gbps": params.gbps * (1 - loss),
            "cycles": results.counters["cycles"],
            "seconds": seconds,
            "error": {
                "wait": (model["wait_cycles"] - wait) / wait if wait else 0.0,
                "loss": model["loss"] - loss,
            },
        }

    def wave(self, params: WaveParams) -> dict[str, Any]:
        """The signals around a flow's first packet, in a window of cycles after its first beat."""
        at = self._flow(params.flow)
        binary = self._cached(
            waves.coprocessor(self.main).machine.design(), trace=True, optimise=SHORT
        )
        if binary is None:
            raise UserError("wave", self._refusal())
        columns = {name: value[at : at + 1] for name, value in self.stored["frames"].items()}
        source = waves.stimulus_from(Frames(**columns), self.main, self.stored["data"][at])
        with tempfile.TemporaryDirectory(prefix="wave-") as folder:
            path = Path(folder) / waves.VCD
            waves.record(binary, self.main, source, path, start=params.start, cycles=params.cycles)
            return {"from": params.start, "signals": vcd.signals(path, start=params.start)}

    @cached_property
    def backend(self) -> Any:
        """The simulator of the job's kind, if this machine has one."""
        if not self.overview["backend"]["real"]:
            return None
        try:
            return choose(self.overview["backend"]["name"])
        except UserError:
            return None

    def _cached(
        self, design: Design, *, trace: bool = False, optimise: int = FULL
    ) -> Binary | None:
        """A simulator that is in the cache; none is built, which would take too long."""
        if self.backend is None:
            return None
        try:
            return build(
                self.backend, design, cache=cache.folder(FOLDER), trace=trace, optimise=optimise,
                should_stop=lambda: True,
            )  # fmt: skip
        except Stopped:
            return None

    def _rtl(self, data: np.ndarray) -> tuple[activations.Written, np.ndarray] | None:
        binary = self._cached(
            cores(count=1, lanes=self.main.compiled.lanes, contexts=1), optimise=SHORT
        )
        return None if binary is None else activations.of_rtl(self.main, binary, data)

    def _rig(self, params: LoadParams) -> RtlRig:
        own = self.params.large_cores if self.main.large else self.params.cores
        asked = {"cores": own, "contexts": self.params.contexts, "fifo": self.params.fifo}
        for name, value in asked.items():
            if getattr(params, name) != value:
                raise UserError(
                    name, f"this job's hardware was built with {value}; expected that, or another "
                    "job with what you ask for"
                )  # fmt: skip
        large = self.main.large
        built = assembled(
            self.params, None if large else self.main, self.main if large else None,
            second=self.params.elephant != "none",
        )  # fmt: skip
        binary = self._cached(built.machine.design())
        if binary is None:
            raise UserError("verify", self._refusal())
        return RtlRig(built, binary)

    def _refusal(self) -> str:
        if not self.overview["backend"]["real"]:
            return "this job ran on the cycle model, which is no RTL; expected one with a simulator"
        return "this machine has not built that simulator; run a job here, or ask where it ran"

    def _family(self, which: str) -> Family:
        classes = tuple(self.stored["classes"])
        found = FAMILIES[self.params.model](classes, encoding=encoding_of(self.params)).double()
        found.load_state_dict(self.stored["weights"][which])
        if isinstance(found, Autoencoder):
            found.threshold = int(self.stored["thresholds"][which])
        return found.settled(integer=which != FLOAT)

    def _flow(self, flow: int) -> int:
        if flow >= len(self.flows):
            raise UserError("flow", f"expected 0 to {len(self.flows) - 1}, got {flow}")
        return flow

    def _input(self, encoded: np.ndarray, *, ran: bool) -> dict[str, Any]:
        """What a core is given; `ran`: one was."""
        return {"name": "input", "layer": PAYLOAD, "words": -(-len(encoded) // WORD),
                "golden": encoded, "rtl": encoded if ran else None, "float": None,
                "scale": None}  # fmt: skip

    def _scales(self, data: np.ndarray) -> dict[str, float]:
        import torch

        taps = self._family(self.params.quantisation).layers(torch.from_numpy(data.copy()))
        return {name: float(signal.step) for name, signal in taps.items()}

    def _real_outcome(self, data: np.ndarray) -> np.ndarray:
        import torch

        rows = torch.from_numpy(data.copy())
        with torch.no_grad():
            if isinstance(self.floating, Autoencoder):
                return self.floating.scores(rows).numpy()
            return self.floating(rows).numpy()[0]

    def _saliency(self, data: np.ndarray) -> np.ndarray:
        """Of each byte: by how much the winner's lead shrinks when the byte is zero; of a detector,
        the score."""
        rows = np.repeat(data[None], len(data) + 1, axis=0)
        rows[np.arange(len(data)), np.arange(len(data))] = 0
        outcome = activations.expected(self.main, self.main.golden(rows)).astype(np.int64)
        if self.main.detects:
            return outcome[-1, 0] - outcome[:-1, 0]
        winner = int(outcome[-1].argmax())
        others = np.delete(outcome, winner, axis=1)
        lead = outcome[:, winner] - (others.max(axis=1) if others.shape[1] else 0)
        return lead[-1] - lead[:-1]

    def _rate(self, params: LoadParams) -> float:
        """Jobs a cycle for the network's own cores."""
        rate = packets_per_cycle(params.length, gbps=params.gbps, mhz=params.clock_mhz)
        beats = beats_of(params.length)
        if rate * beats > 1:
            raise UserError(
                "gbps", f"packets of {params.length} bytes come every {1 / rate:.2f} cycles and "
                f"take the bus for {beats}; expected a lower rate or a faster clock"
            )  # fmt: skip
        share = 1.0 if params.every_packet else self.stored["jobs_per_packet"]
        found = rate * share * (1 - params.elephant_share)
        if found * self.main.words > 1:
            raise UserError(
                "gbps", f"jobs come every {1 / found:.2f} cycles and their payload takes the bus "
                f"for {self.main.words}; expected a lower rate or longer packets"
            )  # fmt: skip
        if found <= 0:
            raise UserError("elephant_share", "expected less than 1: no job is left to wait")
        return found

    def _servers(self, params: LoadParams) -> tuple[int, float]:
        """Contexts as servers: each takes the time of a job, or of all contexts' issues."""
        issues = len(self.main.compiled.listing) * params.contexts
        cycles = max(self.main.compiled.cycles, issues)
        return params.cores * params.contexts, float(cycles)
