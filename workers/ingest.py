"""From an attempt's event lines to rows: a batch collects, `store` writes it as one transaction.

Files go to the artifact store before the transaction that announces them, and every write
names the attempt and the batch that it follows. A batch whose commit was not confirmed can
so be stored again: it is either written once or found to be there.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from engine.core import events
from engine.core.artifacts import checked
from engine.core.plain import plain
from engine.core.resume import KEEP
from webapp.artifacts.models import Artifact, Blob
from webapp.artifacts.storage import keep
from webapp.jobs.models import ACTIVE, Attempt, Change, Job, LogPart, State, Verification
from webapp.jobs.states import retire, rewind
from webapp.metrics import store as series

LOG_PART = 64_000  # bytes of one stored stretch of the log
LOG_TOTAL = 32 << 20  # characters of log that one attempt may leave
LOG_HELD = 1 << 20  # characters of log that one batch takes; what is beyond it is counted
BAD_LINES = 3  # in a row end the attempt
# What json reads and a database or a browser does not take.
SUSPECT = re.compile(rb"\\u0000|\\u[dD]|NaN|Infinity|[0-9][eE]\+?[0-9]{3}")
UNSAFE = {ord("\0"): "\ufffd"}  # PostgreSQL keeps no NUL


class Superseded(Exception):
    """Another attempt has the job: this one must kill its child and write no more."""


class Malformed(Exception):
    """The child does not speak our language."""


@dataclass
class Batch:
    """Events between two flushes."""

    points: list[series.Logged] = field(default_factory=list)
    files: dict[str, events.File] = field(default_factory=dict)
    checkpoint: events.Checkpoint | None = None
    verifications: list[events.Verify] = field(default_factory=list)
    changes: list[events.Changed] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    log_size: int = 0
    fields: dict[str, Any] = field(default_factory=dict)  # of the job's row
    hello: events.Hello | None = None
    events: int = 0
    last_n: int = 0
    since: float = field(default_factory=time.monotonic)

    def __bool__(self) -> bool:
        return bool(self.events or self.log)

    @property
    def carries(self) -> bool:
        """Are there files to be carried to the artifact store, which may take a while?"""
        return bool(self.files or self.checkpoint)

    def due(self, now: float) -> bool:
        if not self:
            return False
        return self.events >= settings.FLUSH_EVENTS or now - self.since >= settings.FLUSH_EVERY

    def say(self, text: str) -> None:
        """Add to the log; a flood beyond its bound is counted instead of kept."""
        if not self:
            self.since = time.monotonic()
        if self.log_size < LOG_HELD:
            self.log.append(text.translate(UNSAFE))
        self.log_size += len(text)

    def text(self) -> str:
        text = "".join(self.log)
        if self.log_size > len(text):
            text += f"\n… {self.log_size - len(text)} characters left out\n"
        return text


def sound(line: bytes) -> bytes:
    """The line, if its JSON can be stored: no NUL, no half of a pair, no bare NaN."""
    if SUSPECT.search(line):
        line = line.replace(b"\\u0000", b"\\ufffd")
        json.dumps(json.loads(line), ensure_ascii=False, allow_nan=False).encode()
    return line


class Reader:
    """Turns lines into batches for one attempt, and remembers how it says that it ended."""

    def __init__(self, job: Job):
        self.began = (job.started or timezone.now()).timestamp()
        self.n = job.last_n
        self.batch = Batch()
        self.hello: events.Hello | None = None
        self.done: events.Done | None = None
        self.fail: events.Fail | None = None
        self.answers: list[events.Answer] = []
        self.environment = dict(job.environment)
        self.peak_rss = 0
        self.cpu_seconds = 0.0
        self.logged = 0
        self._use: events.Use | None = None
        self._bad = 0

    def take(self, line: bytes) -> None:
        """Add one line to the batch. Three bad ones in a row are the end of the attempt."""
        try:
            self._understand(line)
        except ValueError as fault:
            self._bad += 1
            reason = str(fault).splitlines()[0]
            self.batch.say(f"[event not understood: {reason}: {line[:200]!r}]\n")
            if self._bad >= BAD_LINES:
                raise Malformed(f"{BAD_LINES} events in a row were not understood") from None
        else:
            self._bad = 0

    def _understand(self, line: bytes) -> None:
        event = events.read(sound(line))
        if event is None:  # of a newer version than ours
            return
        self._admit(event)
        if not self.batch:
            self.batch.since = time.monotonic()
        getattr(self, f"_on_{event.t}")(event)
        self.batch.events += 1

    def say(self, text: str) -> None:
        """What the child printed; a job's log has an end."""
        if self.logged < LOG_TOTAL:
            self.batch.say(text)
            self.logged += len(text)
            if self.logged >= LOG_TOTAL:
                self.batch.say(f"\n[the log ends here: {LOG_TOTAL} characters are kept]\n")

    def swap(self) -> Batch:
        """The batch so far; the next events go into a new one."""
        batch, self.batch = self.batch, Batch()
        batch.last_n = self.n
        return batch

    def _admit(self, event: events.AnyEvent) -> None:
        """Numbers rise; only a greeting may say that it goes on from further back."""
        if isinstance(event, events.Fail) and self.hello is None:
            return  # a request that was refused never became a job with events
        if isinstance(event, events.Hello) and self.hello is None:
            if event.n != (event.resumed_from or 0) + 1 or event.n > self.n + 1:
                raise ValueError(f"a greeting numbered {event.n} after event {self.n}")
        elif self.hello is None:
            raise ValueError("the first event is a greeting")
        elif event.n <= self.n:
            raise ValueError(f"event {event.n} after event {self.n}")
        self.n = event.n

    def _on_hello(self, event: events.Hello) -> None:
        self.hello = self.batch.hello = event
        self.environment = dict(event.environment)
        self.batch.fields |= {"environment": dict(self.environment), "state": State.RUNNING}

    def _on_env(self, event: events.Environment) -> None:
        self.environment |= event.environment
        self.batch.fields["environment"] = dict(self.environment)

    def _on_phase(self, event: events.Phase) -> None:
        progress = {"done": 0, "total": event.total, "eta": None}
        self.batch.fields |= {"phase": event.name.translate(UNSAFE)[:60], "progress": progress}

    def _on_m(self, event: events.Metrics) -> None:
        _within_64_bits(event.s)
        numbers = {key: float(value) for key, value in event.d.items()}
        self.batch.points.append((event.n, event.s, event.w, numbers))

    def _on_p(self, event: events.Progress) -> None:
        progress = {"done": event.done, "total": event.total, "eta": event.eta}
        self.batch.fields["progress"] = progress

    def _on_file(self, event: events.File) -> None:
        checked(event.path)
        _within_64_bits(event.step or 0)
        Artifact.Role(event.role)
        self.batch.files[event.path] = event

    def _on_ckpt(self, event: events.Checkpoint) -> None:
        if event.path != f"checkpoints/{event.n}.safetensors":
            raise Malformed(f"checkpoint {event.n} is called {event.path!r:.100}")
        self.batch.checkpoint = event

    def _on_verify(self, event: events.Verify) -> None:
        self.batch.verifications.append(event)

    def _on_use(self, event: events.Use) -> None:
        """What the process uses becomes series of the job, over whole seconds."""
        step = max(0, int(event.w - self.began))
        numbers = {"system.rss": float(event.rss)}
        if event.gpu_mem is not None:
            numbers["system.gpu_memory"] = float(event.gpu_mem)
        before = self._use
        if before is not None and event.w > before.w:
            numbers["system.cpu"] = max(0.0, (event.cpu_s - before.cpu_s) / (event.w - before.w))
        self._use = event
        self.peak_rss = max(self.peak_rss, event.rss)
        self.cpu_seconds = event.cpu_s
        self.batch.points.append((event.n, step, event.w, numbers))

    def _on_set(self, event: events.Changed) -> None:
        self.batch.changes.append(event)

    def _on_log(self, event: events.Log) -> None:
        level = "" if event.level == "info" else f"{event.level}: "
        self.say(f"{level}{event.text}\n")

    def _on_done(self, event: events.Done) -> None:
        self.done = event
        self.batch.fields["state"] = State.FINISHING

    def _on_fail(self, event: events.Fail) -> None:
        self.fail = event

    def _on_answer(self, event: events.Answer) -> None:
        self.answers.append(event)


def _within_64_bits(step: int) -> None:
    if not -(2**63) <= step < 2**63:
        raise ValueError(f"step {step:.3g}: a number of 64 bits")


@dataclass
class Place:
    """Where an attempt writes: its job, its number, and the last batch that it stored."""

    job_id: str
    attempt: int
    seq: int
    last_n: int


def store(batch: Batch, place: Place, folder: Path) -> dict[str, Any]:
    """Write a batch as one transaction; returns the message for the job's pages."""
    checkpoint = _checkpoint(folder, batch.checkpoint)
    files = [(event, keep(folder / event.path, move=True)) for event in batch.files.values()]
    with transaction.atomic():
        if not _seize(place):
            if not _stored_already(batch, place):
                raise Superseded
            return {"job": place.job_id}
        rewound = _follow_greeting(batch, place)
        seq = place.seq + 1 + (rewound is not None)
        message = _write(batch, place, seq=seq, files=files, checkpoint=checkpoint)
    place.seq, place.last_n = seq, batch.last_n
    return message


def _checkpoint(
    folder: Path, event: events.Checkpoint | None
) -> tuple[events.Checkpoint, Blob] | None:
    """The checkpoint in the store; None if newer ones have replaced it already."""
    if event is None:
        return None
    try:
        return event, keep(folder / event.path, move=True)
    except FileNotFoundError:
        return None


def _seize(place: Place) -> bool:
    """Lock the job's row for this transaction, if it is where we left it."""
    ours = Job.objects.filter(pk=place.job_id, attempt=place.attempt, state__in=ACTIVE)
    return bool(ours.filter(seq=place.seq).update(seq=place.seq))


def _stored_already(batch: Batch, place: Place) -> bool:
    """Did the commit that seemed to fail succeed after all?"""
    ours = Job.objects.filter(pk=place.job_id, attempt=place.attempt, state__in=ACTIVE)
    found = ours.filter(last_n=batch.last_n).values_list("seq", flat=True).first()
    if found not in (place.seq + 1, place.seq + 2):
        return False
    place.seq, place.last_n = found, batch.last_n
    return True


def _follow_greeting(batch: Batch, place: Place) -> int | None:
    """Rewind further if the newest checkpoint could not be read and an older one serves."""
    if batch.hello is None or (batch.hello.resumed_from or 0) >= place.last_n:
        return None
    n = batch.hello.resumed_from or 0
    rewind(place.job_id, n)
    Attempt.objects.filter(job=place.job_id, number=place.attempt).update(resumed_from=n or None)
    return n


def _write(
    batch: Batch,
    place: Place,
    *,
    seq: int,
    files: list[tuple[events.File, Blob]],
    checkpoint: tuple[events.Checkpoint, Blob] | None,
) -> dict[str, Any]:
    job_id = place.job_id
    refused = series.append(job_id, batch.points)
    fields = dict(batch.fields)
    if checkpoint is not None:
        fields["checkpoint_n"] = checkpoint[0].n
    Job.objects.filter(pk=job_id).update(seq=seq, last_n=batch.last_n, **fields)
    artifacts = [_artifact(job_id, event, blob) for event, blob in files]
    if checkpoint is not None:
        _keep_checkpoint(job_id, *checkpoint)
    Verification.objects.bulk_create(
        Verification(job_id=job_id, **row) for row in _verifications(batch)
    )
    for event in batch.changes:
        took = {"n": event.n, "attempt": place.attempt, "step": event.step}
        fault = (event.fault or "").translate(UNSAFE)[:2000]
        Change.objects.filter(job=job_id, pk=event.id).update(**took, fault=fault)
    text = batch.text()
    text += "".join(f"[{key!r:.250} left out: {why}]\n" for key, why in refused.items())
    LogPart.objects.bulk_create(
        LogPart(job_id=job_id, attempt=place.attempt, n=batch.last_n, seq=seq, text=part)
        for part in parts(text)
    )
    Attempt.objects.filter(job=job_id, number=place.attempt).update(heartbeat=timezone.now())
    live = ("state", "phase", "progress")
    shown: dict[str, Any] = {key: fields[key] for key in live if key in fields}
    return {
        "job": job_id,
        "seq": seq,
        **shown,
        "artifacts": artifacts,
        "changes": [event.id for event in batch.changes],
        "log": text,
        "verifications": _verifications(batch),
    }


def _artifact(job_id: str, event: events.File, blob: Blob) -> dict[str, Any]:
    """Write the row of a file, in the place of an older one at the same path."""
    values = {
        "blob": blob,
        "title": event.title[:200],
        "role": event.role,
        "media": event.media[:100],
        "kind": (event.kind or "")[:20],
        "facts": plain(event.facts),
        "meta": plain(event.meta),
        "step": event.step,
        "n": event.n,
        "created": timezone.now(),
    }
    retire(Artifact.objects.filter(job=job_id, path=event.path))
    row, _ = Artifact.objects.update_or_create(job_id=job_id, path=event.path, defaults=values)
    shown = ("id", "path", "title", "role", "media", "step")
    return {name: getattr(row, name) for name in shown}


def _keep_checkpoint(job_id: str, event: events.Checkpoint, blob: Blob) -> None:
    """Two newest and the best stay; the others have served."""
    own = Artifact.objects.filter(job=job_id, role=Artifact.Role.CHECKPOINT)
    if event.best:
        own.update(best=False)
    Artifact.objects.update_or_create(
        job_id=job_id,
        path=event.path,
        defaults={
            "blob": blob,
            "title": f"Checkpoint at step {event.step}",
            "role": Artifact.Role.CHECKPOINT,
            "media": "application/octet-stream",
            "step": event.step,
            "n": event.n,
            "best": event.best,
        },
    )
    newest = own.order_by("-n").values_list("pk", flat=True)[:KEEP]
    own.filter(best=False, used_by=None).exclude(pk__in=list(newest)).delete()


def _verifications(batch: Batch) -> list[dict[str, Any]]:
    return [
        {
            "n": event.n,
            "oracle": event.oracle[:200],
            "expected": event.expected,
            "got": event.got,
            "tolerance": event.tolerance,
            "ok": event.ok,
        }
        for event in batch.verifications
    ]


def parts(text: str) -> Iterator[str]:
    """Stretches of at most LOG_PART bytes that end at a line where they can."""
    while text:
        part = text.encode()[:LOG_PART].decode(errors="ignore")
        if len(part) < len(text):
            part = part[: part.rfind("\n") + 1] or part
        yield part
        text = text[len(part) :]
