"""Run: all that a method sees of the world while it works.

run.params, run.seed, run.device, run.threads     what it was asked to do
run.inputs["graph"]                               typed values of the inputs, loaded once
run.rng("split"), run.torch_rng("dropout")        independent reproducible streams
run.phase("train", total=60); run.advance()       progress, with an estimate
run.log(step, **{"val_accuracy": 0.8})            numbers of one step
run.artifact("edges.csv", title=…, role=…)        a path to write to; kept on leaving
run.table("edges", columns, rows, title=…)        a table, shown and exported as CSV
run.figure("roc", figure, title=…)                a plotly figure
run.verify(oracle, expected, got, tolerance)      an oracle checked inside this job
run.depends_on(backend="Verilator 5.006")         more of the result's environment
run.checkpoint(state, step=…); run.restore()      where to go on after a crash
run.should_stop()                                 ask once per step; also takes control
"""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.core import artifacts, ask, events, resume
from engine.core import checkpoint as checkpoints
from engine.core import params as parameters
from engine.core.control import Control, Stop
from engine.core.emit import KEY, Emitter
from engine.core.errors import UserError
from engine.core.job import CHECKPOINTS, Inputs, Request
from engine.core.limits import CHECKPOINT_EVERY
from engine.core.plain import plain
from engine.core.progress import Progress
from engine.core.seed import Streams, global_state, set_global_state

__all__ = ["Run", "Stop"]

REST = 9  # a checkpoint is followed by at least this many times the time that it took


class Run:
    """One attempt at a job. Made by the door; a method only uses it."""

    def __init__(
        self,
        request: Request,
        folder: Path,
        *,
        device: str,
        emitter: Emitter,
        control: Control,
        point: resume.Point,
        checkpoint_every: float = CHECKPOINT_EVERY,
    ):
        stored = point.stored or {}
        self.method = request.method
        self.seed = request.seed
        self.device = device
        self.threads = request.threads
        self.params: Any = request.params
        if stored:  # live parameters may have changed before the checkpoint
            self.params = parameters.overlaid(request.params, stored["params"])
        self.folder = folder
        self.inputs = Inputs(request.method, request.inputs)
        self.artifacts: dict[str, dict[str, Any]] = stored.get("artifacts", {})
        self.verifications: list[dict[str, Any]] = stored.get("verifications", [])
        self.environment: dict[str, Any] = stored.get("environment", {})
        self.progress = Progress(emitter.say)
        self._emitter = emitter
        self._control = control
        self._streams = Streams(request.seed)
        self._stored = point.stored
        self._restored = False
        self._best = point.n if stored.get("best") else stored.get("best_n")
        self._step: int | None = stored.get("step")  # the last one logged
        self._every = checkpoint_every
        self._due = time.monotonic() + checkpoint_every
        self._began = time.monotonic() - stored.get("seconds", 0.0)
        self._session: ask.Session | None = None
        self._session_saw: list[tuple[str, int]] = []
        self.told_to_stop = False

    # Randomness

    def rng(self, name: str) -> np.random.Generator:
        """The numpy stream of that name: the same object, and place, for each asker."""
        return self._streams.numpy(name)

    def torch_rng(self, name: str, device: str = "cpu") -> Any:
        """The torch stream of that name; on the CPU unless asked, so that devices agree."""
        return self._streams.torch(name, device)

    def rewind(self) -> None:
        """Streams asked for from now on start anew, as in a job of its own.

        For a job that does the same on several inputs: it meets each with the same chance, so
        that what differs between them is not luck.
        """
        self._streams.rewind()

    # What happens

    def phase(self, name: str, total: int | None = None, *, done: int = 0) -> None:
        """Begin a phase of `total` steps; a resumed one says how many are `done` already."""
        self.progress.phase(name, total, done=done)

    def advance(self, count: int = 1) -> None:
        self.progress.advance(count)

    def log(self, step: int, /, **metrics: Any) -> None:
        """Numbers of one step, under lower case keys with dots."""
        step = operator.index(step)
        if not 0 <= step < events.STEPS:
            raise ValueError(f"step {step}: steps count from 0 and stay below 2**53")
        self._step = step
        self._emitter.metrics(step, metrics)

    def message(self, text: str, level: str = "info") -> None:
        """One line of the job's log: debug, info, warning or error."""
        self._emitter.log(text, level)

    def verify(self, oracle: str, expected: float, got: float, tolerance: float) -> bool:
        """Check an oracle and keep the numbers; returns whether it holds."""
        expected, got, tolerance = float(expected), float(got), float(tolerance)
        found = {
            "oracle": oracle,
            "expected": events.number(expected),
            "got": events.number(got),
            "tolerance": tolerance,
            "ok": expected == got or abs(expected - got) <= tolerance,
        }
        self.verifications.append(found)
        self._emitter.say("verify", **found)
        return found["ok"]

    def depends_on(self, **facts: Any) -> None:
        """Tell what the result depends on beside machine and libraries, as a tool's version."""
        found = plain(facts)
        self.environment |= found
        self._emitter.say("env", environment=found)

    # Files

    @contextmanager
    def artifact(
        self,
        path: str,
        *,
        title: str,
        role: str,
        media: str,
        kind: str | None = None,
        facts: Mapping[str, Any] | None = None,
        step: int | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Iterator[Path]:
        """A path to write to. The file becomes an artifact when the block ends well.

        Roles: result (shown on the job's first page), figure, table, export, inspector. With a
        data `kind` and its `facts` another job can take the file as an input.
        """
        with artifacts.placed(self.folder, path) as part:
            yield part
        about: dict[str, Any] = {"title": title, "role": role, "media": media, "kind": kind}
        about |= {"facts": plain(facts or {}), "step": step, "meta": plain(meta or {})}
        size = (self.folder / path).stat().st_size
        self.artifacts[path] = {"path": path, **about, "bytes": size}
        self._emitter.say("file", path=path, **about)

    def table(
        self,
        name: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        title: str,
        step: int | None = None,
    ) -> None:
        """A table as `tables/NAME.csv`."""
        meta: dict[str, Any] = {"columns": list(columns)}
        path = f"tables/{name}.csv"
        about = {"title": title, "role": "table", "media": "text/csv", "step": step}
        with (
            self.artifact(path, **about, meta=meta) as part,
            part.open("w", encoding="utf-8", newline="") as file,
        ):
            meta["rows"] = artifacts.write_csv(file, columns, rows)

    def figure(
        self, name: str, figure: Any, *, title: str, step: int | None = None, main: bool = False
    ) -> None:
        """A plotly figure as `figures/NAME.json`; a `main` one is drawn on the job's first page."""
        path = f"figures/{name}.json"
        role = "result" if main else "figure"
        about = {"title": title, "role": role, "media": artifacts.FIGURE, "step": step}
        with self.artifact(path, **about) as part:
            artifacts.write_figure(part, figure)

    # Going on and stopping

    def restore(self) -> Any:
        """What the newest checkpoint stored; None where the job starts anew.

        Puts all random streams where they were then, so call it once, after preparing what
        is not stored (splits, initial weights) and before the loop.
        """
        if self._restored:
            raise RuntimeError("restore is called once: what it gave may have changed since")
        self._restored = True
        stored, self._stored = self._stored, None  # a large model is not held twice
        if stored is None:
            return None
        self._streams.restore(stored["streams"])
        return stored["state"]

    def checkpoint_due(self) -> bool:
        """Is it time to call `checkpoint`? Ask once per step."""
        self._take_requests()
        wanted = self._control.ending is not None or self._control.checkpoint_wanted
        return wanted or time.monotonic() >= self._due

    def checkpoint(self, state: Any, step: int, *, best: bool = False) -> None:
        """Keep a point to go on from. Ends the job here if it was asked to end."""
        started = time.monotonic()
        self._control.checkpoint_wanted = False
        part = self.folder / CHECKPOINTS / "next.part"
        checkpoints.write(part, self._snapshot(state, operator.index(step), best))
        with self._emitter.lock:
            n = self._emitter.n + 1
            path = f"{CHECKPOINTS}/{n}{checkpoints.SUFFIX}"
            checkpoints.publish(part, self.folder / path)
            self._emitter.sync()
            self._emitter.say("ckpt", path=path, step=operator.index(step), best=best)
        self._best = n if best else self._best
        resume.prune(self.folder / CHECKPOINTS, best=self._best)
        ended = time.monotonic()
        self._due = ended + max(self._every, REST * (ended - started))
        self.stop_here()

    def should_stop(self) -> bool:
        """Has somebody asked the job to end? A method that was told ends as asked."""
        self._take_requests()
        if self._control.ending is not None:
            self.told_to_stop = True
        return self.told_to_stop

    def stop_here(self) -> None:
        """End the job here, without a checkpoint, if somebody asked for that."""
        self._take_requests()
        if self._control.ending is not None:
            raise Stop(self._control.ending)

    # For the door

    @property
    def seconds(self) -> float:
        """Time worked on this job, over all attempts whose work was kept."""
        return round(time.monotonic() - self._began, 3)

    def finish(self, summary: Mapping[str, Any]) -> dict[str, float | None]:
        """The method's summary as it is kept. One that was told to stop has not finished."""
        if self.told_to_stop:
            self.stop_here()
        if not isinstance(summary, Mapping):
            raise TypeError(f"a method returns its summary, got {type(summary).__name__}")
        kept = {}
        for key, value in summary.items():
            if not isinstance(key, str) or not KEY.fullmatch(key):
                raise ValueError(f"summary key {key!r}: lower case with dots")
            number = None if value is None else float(value)
            kept[key] = None if number is None or not math.isfinite(number) else number
        self.progress.flush()
        return kept

    def _snapshot(self, state: Any, step: int, best: bool) -> dict[str, Any]:
        return {
            "method": self.method.slug,
            "seed": self.seed,
            "step": step,
            "best": best,
            "best_n": self._best,
            "params": self.params.model_dump(mode="json"),
            "artifacts": self.artifacts,
            "verifications": self.verifications,
            "environment": self.environment,
            "seconds": self.seconds,
            "phase": self.progress.name,
            "streams": self._streams.state(),
            "state": state,
        }

    def _take_requests(self) -> None:
        while self._control.requests:
            message = self._control.requests.popleft()
            if message["c"] == "set":
                self._set(message)
            else:
                self._answer(message)

    def _set(self, message: dict[str, Any]) -> None:
        """Change live parameters; the method sees them at its next look at `run.params`."""
        values, refused = message["values"], None
        try:
            self.params = parameters.changed(self.params, values)
        except UserError as fault:
            refused = str(fault)
            self.message(f"parameters not changed: {refused}", "warning")
        else:
            shown = ", ".join(f"{name}={getattr(self.params, name)}" for name in values)
            self.message(f"parameters changed: {shown}")
            self._control.checkpoint_wanted = True  # so that a crash does not undo it
        about = {"id": message.get("id"), "step": self._step, "fault": refused}
        self._emitter.say("set", values=values, **about)

    def _answer(self, message: dict[str, Any]) -> None:
        """Answer between two steps, without touching what the next one draws."""
        place = global_state()
        id = str(message.get("id", ""))
        ask.reply(self._emitter.say, id, lambda: self._whatif().answer(message))
        set_global_state(place)

    def _whatif(self) -> ask.Session:
        """The session over what this job has written so far."""
        written = [(path, about["bytes"]) for path, about in self.artifacts.items()]
        if self._session is None or self._session_saw != written:
            self._session, self._session_saw = ask.Session(self.folder), written
        return self._session
