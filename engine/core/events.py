"""What an engine says while it runs: one JSON object per line, numbered over the whole job.

`n` counts the events of a job from 1 and goes on after a resume from the number that the
checkpoint recorded, so `n` orders everything, and "delete what is larger than n" undoes
whatever an attempt wrote after its last checkpoint. JSON has no NaN and no infinity: in
metrics they travel as the strings "nan", "inf" and "-inf".
"""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

MAX_LINE = 1 << 20  # bytes; a longer event is refused by the writer and by the reader
VERSION = 1
STEPS = 2**53  # what a browser counts exactly

Number = float | Literal["nan", "inf", "-inf"]


class Event(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    n: int = Field(ge=1)
    w: float  # wall clock, seconds since the epoch


class Hello(Event):
    """The first line of an attempt."""

    t: Literal["hello"] = "hello"
    v: int
    method: str
    pid: int
    device: str
    threads: int
    seed: int
    resumed_from: int | None = None  # the n of the checkpoint
    environment: dict[str, Any] = {}


class Phase(Event):
    t: Literal["phase"] = "phase"
    name: str
    total: int | None = None


class Metrics(Event):
    """Numbers of one step."""

    t: Literal["m"] = "m"
    s: int = Field(ge=0, lt=STEPS)
    d: dict[str, Number]


class Progress(Event):
    """Done of total in the current phase; `eta` is seconds left in it."""

    t: Literal["p"] = "p"
    done: int
    total: int | None = None
    eta: float | None = None


class File(Event):
    """A finished file in the job's directory, to be kept as an artifact."""

    t: Literal["file"] = "file"
    path: str
    title: str
    role: str  # "result", "figure", "table", "export", "inspector"
    media: str
    kind: str | None = None  # the data kind, where it can be an input of another job
    facts: dict[str, Any] = {}
    step: int | None = None
    meta: dict[str, Any] = {}


class Checkpoint(Event):
    """A point from which the job can go on; `n` of this event is what it recorded."""

    t: Literal["ckpt"] = "ckpt"
    path: str
    step: int
    best: bool = False


class Verify(Event):
    """An oracle checked inside this job."""

    t: Literal["verify"] = "verify"
    oracle: str
    expected: Number
    got: Number
    tolerance: float
    ok: bool


class Use(Event):
    """What the process uses, sampled by itself every two seconds."""

    t: Literal["use"] = "use"
    cpu_s: float
    rss: int
    gpu_mem: int | None = None


class Environment(Event):
    """What the method found that the result depends on, beside what the greeting told."""

    t: Literal["env"] = "env"
    environment: dict[str, Any]


class Log(Event):
    t: Literal["log"] = "log"
    level: Literal["debug", "info", "warning", "error"] = "info"
    text: str


class Changed(Event):
    """Live parameters that were to change; `fault` says why they did not."""

    t: Literal["set"] = "set"
    id: int | None = Field(None, ge=1, lt=2**63)  # of the control message
    values: dict[str, Any]
    step: int | None = Field(None, ge=0, lt=STEPS)  # the last one logged before it
    fault: str | None = None


class Done(Event):
    t: Literal["done"] = "done"
    summary: dict[str, float | None]
    seconds: float


class Fail(Event):
    """The last line of an attempt that did not finish; the exit code says the same."""

    t: Literal["fail"] = "fail"
    kind: Literal["error", "input", "cancelled", "stopped"]
    message: str
    where: str | None = None


class Answer(Event):
    """The answer to a question that came in on the control channel."""

    t: Literal["answer"] = "answer"
    id: str
    ok: bool
    answer: Any = None
    error: str | None = None
    where: str | None = None  # the parameter of the question that was refused
    seconds: float


AnyEvent = Annotated[
    Hello | Phase | Metrics | Progress | File | Checkpoint | Verify | Use | Log | Done | Fail
    | Answer | Changed | Environment,
    Field(discriminator="t"),
]  # fmt: skip
_adapter: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
KNOWN = frozenset((
    "hello", "phase", "m", "p", "file", "ckpt", "verify", "use", "log", "done", "fail", "answer",
    "set", "env",
))  # fmt: skip


def read(line: str | bytes) -> AnyEvent | None:
    """The event of one line; None for a type that this version does not know."""
    if len(line) > MAX_LINE:
        raise ValueError(f"an event of {len(line)} bytes; {MAX_LINE} at most")
    data = json.loads(line)
    if not isinstance(data, dict):
        raise ValueError("an event is a JSON object")
    if "t" in data and data["t"] not in KNOWN:
        return None
    return _adapter.validate_python(data)


def write(event: Event) -> bytes:
    line = event.model_dump_json(exclude_none=True).encode() + b"\n"
    if len(line) > MAX_LINE:
        raise ValueError(f"an event of {len(line)} bytes; {MAX_LINE} at most: write a file")
    return line


def number(value: float) -> Number:
    """A metric value as it travels."""
    value = float(value)
    if math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
