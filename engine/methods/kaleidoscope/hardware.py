"""The hardware half of a job: networks are compiled, a simulator is found or built, trials run.

Every trial is a unit of work: a checkpoint keeps what it gave, and a resumed job does not repeat it
unless the back end is another.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from engine.core import cache
from engine.core.standing import Standing, once
from engine.methods.kaleidoscope import activations, occupancy, resources, trials, waves
from engine.methods.kaleidoscope.case import Case, Part
from engine.methods.kaleidoscope.deployed import Coprocessor, Deployed
from engine.methods.kaleidoscope.model_rig import ModelRig
from engine.methods.kaleidoscope.results import Moment
from engine.methods.kaleidoscope.rig import FOLDER, SHORT, Progress, Rig, RtlRig, built
from engine.methods.kaleidoscope.simulator.build import Binary, build
from engine.methods.kaleidoscope.simulator.design import CORE, HEADERS, cores, digest
from engine.methods.kaleidoscope.simulator.process import Stopped
from engine.methods.kaleidoscope.simulator.tools import ADVICE, Backend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.core.run import Run


@dataclass(frozen=True)
class Sizes:
    """The most of each trial."""

    flows: int  # of parity
    packets: int  # of the replay
    saturating: int  # jobs of a saturated co-processor
    idle: int  # flows that find an idle core, beside one for each kind of header
    bypass: int  # packets of the data plane's proof


FAST = Sizes(flows=20_000, packets=200_000, saturating=2000, idle=64, bypass=4000)
SLOW = Sizes(flows=32, packets=300, saturating=60, idle=4, bypass=40)
SHOWN = 3  # flows whose activations are compared
UNIT = "hardware."


def tell(run: Run, backend: Backend, coprocessor: Coprocessor) -> str:
    """Say what the numbers will be from; returns the RTL's hash."""
    rtl = coprocessor.machine.design().rtl_hash
    run.depends_on(backend=backend.kind, simulator=backend.version)
    if backend.badge:
        why = "as was asked for" if run.params.backend == backend.kind else ADVICE
        run.message(f"{backend.badge}: {why}", level="warning")
    else:
        run.depends_on(rtl=rtl)
        run.message(f"{backend.version}, RTL {rtl[:12]}")
    return rtl


def trial(
    run: Run, standing: Standing, backend: Backend, case: Case, part: Part,
    coprocessor: Coprocessor, data: dict[str, np.ndarray],
) -> dict[str, Any]:  # fmt: skip
    """All trials, by name; `data` has the bytes (n, inputs) of all samples by network's name."""
    if standing.get("backend") not in (None, f"{backend.kind} {backend.version}"):
        run.message("another simulator than before: its trials run anew", level="warning")
        for name in [name for name in standing["finished"] if name.startswith(UNIT)]:
            del standing["finished"][name]
    standing["backend"] = f"{backend.kind} {backend.version}"
    return _Trials(run, standing, backend, case, part, coprocessor, data).all()


class _Trials:
    def __init__(
        self, run: Run, standing: Standing, backend: Backend, case: Case, part: Part,
        coprocessor: Coprocessor, data: dict[str, np.ndarray],
    ):  # fmt: skip
        self.run, self.standing, self.backend = run, standing, backend
        self.case, self.part, self.coprocessor = case, part, coprocessor
        self.data, self.params = data, run.params
        self.sizes = SLOW if backend.kind == "icarus" else FAST
        self.built: dict[str, Any] = {}

    def all(self) -> dict[str, Any]:
        main, part, sizes = self.coprocessor.main, self.part, self.sizes
        tested = part.test[: min(self.params.parity_flows, sizes.flows)]
        data, flows = self.data[main.network.name], self.case.samples.flows
        captures = np.unique(self.case.samples.captures[part.test])
        most = min(self.params.replay_packets, sizes.packets)
        packets = trials.of_captures(self.case.traffic, captures, most)
        self._tell_sizes(len(tested), most)
        found = {
            "parity": self._unit(
                "parity",
                lambda: self._log_parity(
                    trials.parity(self.rig, main, data[tested], on_progress=self._heard())
                ),
            ),
            "idle": self._unit(
                "idle core",
                lambda: trials.idle(
                    self.rig,
                    main,
                    self.case.traffic,
                    flows[part.test],
                    data[part.test],
                    least=sizes.idle,
                ),
            ),
            "replay": self._unit(
                "replay",
                lambda: trials.replayed(
                    self.rig,
                    main,
                    self.case.traffic,
                    packets,
                    self.params,
                    on_progress=self._heard(),
                ),
            ),
            "saturated": self._unit(
                "saturation",
                lambda: trials.saturated(self.rig, main, data[tested], sizes.saturating),
            ),
            "steps": self._unit(
                "activations",
                lambda: self._steps(main, data[tested[:SHOWN]]),
                before=self._core,
            ),
        }
        if not self.backend.badge:
            found["bypass"] = self._unit(
                "data plane",
                lambda: trials.bypass(self.rig, self.case.traffic, packets[: sizes.bypass]),
            )
            if self.params.waves:
                self._unit("waveform", lambda: self._waves(main, tested[0]), before=self._traced)
        if self.params.resources and resources.available():
            found["resources"] = self._unit("resources", self._resources, before=lambda: None)
        if self.coprocessor.mouse and self.coprocessor.elephant:
            second = self.coprocessor.elephant
            rows = self.data[second.network.name]
            found["elephant.parity"] = self._unit(
                "parity of elephants", lambda: trials.parity(self.rig, second, rows[tested])
            )
            found["elephant.idle"] = self._unit(
                "idle core of elephants",
                lambda: trials.idle(
                    self.rig,
                    second,
                    self.case.traffic,
                    flows[part.test],
                    rows[part.test],
                    least=sizes.idle,
                ),
            )
        return found

    @property
    def rig(self) -> Rig:
        """Built when the first trial needs it."""
        if self.backend.kind == "model":
            return ModelRig(self.coprocessor)
        stop = self.run.should_stop
        make = lambda: built(self.backend, self.coprocessor, should_stop=stop)  # noqa: E731
        return RtlRig(self.coprocessor, self._binary("rig", make), should_stop=stop)

    def _tell_sizes(self, flows: int, packets: int) -> None:
        if self.sizes is SLOW:
            self.run.message(
                f"Icarus simulates some hundred cycles a second: {flows} flows and {packets} "
                "packets at most go through it",
                level="warning",
            )

    def _unit(
        self, name: str, work: Callable[[], Any], *, before: Callable[[], Any] | None = None
    ) -> Any:
        """`before` builds what the trial needs, by default the rig."""

        def begun() -> Any:
            with self._stopping():
                (before or (lambda: self.rig))()
                self.run.phase(name)
                self.run.stop_here()
                return work()

        return once(self.run, self.standing, f"{UNIT}{name}", begun)

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """A simulator that was stopped ends the job as was asked."""
        try:
            yield
        except Stopped:
            self.run.stop_here()
            raise

    def _binary(self, name: str, make: Callable[[], Binary]) -> Binary:
        if name not in self.built:
            self.run.phase("build the simulator")
            binary = self.built[name] = make()
            if not binary.cached:
                self.run.message("simulator built; the next job finds it in the cache")
        return self.built[name]

    def _core(self) -> Binary | None:
        """One core alone, whose writes the bench tells; nothing where no RTL runs."""
        if self.backend.kind == "model":
            return None
        design = cores(count=1, lanes=self.coprocessor.main.compiled.lanes, contexts=1)
        return self._binary(
            "core",
            lambda: build(
                self.backend,
                design,
                cache=cache.folder(FOLDER),
                optimise=SHORT,
                should_stop=self.run.should_stop,
            ),
        )

    def _traced(self) -> Binary:
        stop = self.run.should_stop
        return self._binary(
            "waves",
            lambda: waves.binary(self.backend, self.coprocessor.main, should_stop=stop),
        )

    def _heard(self) -> Progress:
        """What a long trial tells on its way, also of each core: the share of the cycles since the
        last time in which it had a job."""
        names = occupancy.names(self.coprocessor.machine)
        before, since = Moment(0, 0, 0, 0, 0, 0, busy=(0,) * len(names)), self.run.seconds

        def progress(moment: Moment) -> None:
            nonlocal before, since
            cycles, now = moment.cycles - before.cycles, self.run.seconds
            told: dict[str, float] = {
                "cycles": moment.cycles,
                "inferences": moment.verdicts,
                "mouse_depth": moment.mouse_depth,
                "elephant_depth": moment.elephant_depth,
                "drops": moment.mouse_drops + moment.elephant_drops,
            }
            if cycles > 0:
                busy = zip(names, moment.busy, before.busy, strict=True)
                told |= {f"busy.{name}": (more - less) / cycles for name, more, less in busy}
            if cycles > 0 and now > since and not self.backend.badge:
                told["cycles_per_second"] = cycles / (now - since)
            before, since = moment, now
            self._log(**told)

        return progress

    def _log(self, **numbers: float) -> None:
        self.run.log(self.standing["step"], **{f"sim.{key}": one for key, one in numbers.items()})
        self.standing["step"] += 1

    def _log_parity(self, found: dict[str, Any]) -> dict[str, Any]:
        self._log(mismatches=found["mismatches"])
        return found

    def _steps(self, main: Deployed, data: np.ndarray) -> dict[str, Any]:
        binary = self._core()
        if binary is None:
            written, outcome = activations.of_model(main, data)
        else:
            written, outcome = activations.of_rtl(
                main, binary, data, should_stop=self.run.should_stop
            )
        golden = main.golden(data)
        pairs = zip(golden.written, written, strict=True)
        differ = sum(int((one != other).sum()) for one, other in pairs)
        differ += int((outcome != activations.expected(main, golden)).sum())
        return {"mismatches": differ, "first": activations.first_difference(golden, written)}

    def _resources(self) -> dict[str, Any]:
        """Of one core, kept in the cache under what it depends on."""
        kind = {"lanes": self.coprocessor.main.compiled.lanes, "contexts": self.params.contexts}
        name = digest((*HEADERS, *CORE), json.dumps(kind))
        path = cache.folder(FOLDER) / f"{name}.resources.json"
        if path.is_file():
            return json.loads(path.read_text())
        began = time.monotonic()
        found = asdict(resources.resources(**kind, should_stop=self.run.should_stop))
        found = {**found, "seconds": round(time.monotonic() - began, 1)}
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{uuid4().hex}.part")
        part.write_text(json.dumps(found))
        part.replace(path)
        return found

    def _waves(self, main: Deployed, place: int) -> bool:
        """wave.vcd of a sample's first packet, through a small machine with tracing."""
        payload = self.data[main.network.name][place]
        flow = int(self.case.samples.flows[place])
        source = waves.stimulus_of(self.case.traffic, flow, main, payload)
        about = {"title": "Waveforms of the first flow", "role": "export", "media": "text/plain"}
        with self.run.artifact("wave.vcd", **about) as path:
            waves.record(self._traced(), main, source, path, start=0, cycles=waves.window(main))
        return True
