"""One attempt at a job, from the claim to its end: starts the child and only watches over it.

Reads its events and log, stores them in batches, tells the live pages after each commit,
beats, passes control on, and ends the child when it is asked to or breaks a limit. The child
computes; this thread never does.
"""

from __future__ import annotations

import codecs
import logging
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, nullcontext
from typing import Any, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from engine.core.events import MAX_LINE
from webapp.jobs.models import ACTIVE, Attempt, Change, Job, State
from webapp.jobs.states import move
from webapp.live.publish import publish
from webapp.metrics import store as series
from workers import child as children
from workers import folders, limits
from workers.child import Child
from workers.ingest import Malformed, Place, Reader, Superseded, store
from workers.messages import fitting
from workers.outcome import TAIL, Outcome, Stop, outcome
from workers.pulse import beating

logger = logging.getLogger(__name__)

TICK = 0.1  # seconds that one look at the pipes lasts at most
ASKED_EVERY = 0.5  # seconds between two looks for what people wish
AGAIN = 0.5  # seconds before another try at a database that did not answer

ANSWER = {"answer", "error", "where", "seconds"}

T = TypeVar("T")


class Unreachable(Exception):
    """The database did not answer for as long as a heartbeat may be missing."""


class Supervisor:
    """Watches over one attempt. `run` is its whole life; the rest is for other threads."""

    def __init__(self, job: Job, attempt: Attempt, *, gpu: int | None = None):
        self.job = job
        self.attempt = attempt
        self.gpu = gpu
        self.folder = folders.folder_of(job)
        self.reader = Reader(job)
        self.place = Place(job.pk, attempt.number, job.seq, job.last_n)
        self.stop = Stop.NO
        self.why = ""
        self.tail: deque[str] = deque(maxlen=TAIL)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._wishes: deque[Mapping[str, Any]] = deque()
        self._told = 0  # newest change of parameters that this child was told
        self._drain = False
        self._pending = b""
        self._beat_at = self._ask_at = 0.0
        self._silent_since: float | None = None
        self._signals: list[tuple[float, signal.Signals]] = []
        self.child: Child | None = None
        self.watch: limits.Watch | None = None

    # For other threads

    def tell(self, message: Mapping[str, Any]) -> None:
        """A control message for the child: a question."""
        self._wishes.append(message)

    def drain(self) -> None:
        """End the child with a checkpoint; the job goes back to the queue."""
        self._drain = True

    # The attempt

    def run(self) -> None:
        with ExitStack() as stack:
            try:
                self._start(stack)
                self._follow()
                ended = self._outcome()
            except Superseded:
                logger.warning("job %s: attempt %s superseded", self.job.pk, self.attempt.number)
                return
            except Unreachable:
                logger.error("job %s: the database does not answer, giving up", self.job.pk)
                return
            except Exception as fault:
                logger.exception("job %s: attempt %s failed", self.job.pk, self.attempt.number)
                said = f"the worker could not go on: {type(fault).__name__}: {fault}"
                ended = Outcome(State.FAILED, said[:2000])
                stack.close()  # the child is gone before anything else is said
            self._finish(ended)

    def _start(self, stack: ExitStack) -> None:
        children.end_strays(self.folder)
        job, point = self.job, self.attempt.resumed_from or 0
        with beating(self.attempt):
            folder = folders.restore(job, after=job.attempt - 1) if point else folders.clear(job)
            inputs = folders.place_inputs(job, folder, stack)
        folders.mark(folder, job.attempt)
        arguments = ["run", job.method, "--out", str(folder)]
        arguments += ["--params", str(folders.write_params(job, folder))]
        arguments += ["--seed", str(job.seed), "--threads", str(job.threads)]
        arguments += ["--device", job.device]
        for name, path in inputs.items():
            arguments += ["--input", f"{name}={path}"]
        if point:
            arguments.append("--resume")
        every = settings.CHECKPOINT_EVERY
        self.child = Child(
            arguments,
            folder,
            limits=limits.for_engine(job.limits, every=every, gpu=self.gpu is not None),
            resume_at=point,
            variables=self._visible_gpus(),
        )
        stack.callback(self.child.close)
        self.watch = limits.Watch(self.child.pgid, folder, limits=job.limits)
        Attempt.objects.filter(pk=self.attempt.pk).update(pgid=self.child.pgid)

    def _visible_gpus(self) -> dict[str, str]:
        if self.job.device == "cpu" or self.gpu is None:
            return {"CUDA_VISIBLE_DEVICES": ""}
        return {"CUDA_VISIBLE_DEVICES": str(self.gpu)}

    def _follow(self) -> None:
        """Until the child has ended and all that it said is stored."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.child.events, selectors.EVENT_READ, self._read_events)
            selector.register(self.child.output, selectors.EVENT_READ, self._read_output)
            while True:
                ended = self.child.ended()
                heard = False
                for key, _ in selector.select(0 if ended else TICK):
                    data = children.read(key.fd)
                    heard |= bool(data)
                    if data == b"":
                        selector.unregister(key.fileobj)
                    elif data:
                        key.data(data)
                if ended and not heard:
                    break
                self._look(time.monotonic())
        self._flush()

    def _look(self, now: float) -> None:
        if self.reader.batch.due(now):
            self._flush()
        self._beat(now)
        self._pass_on()
        if self.stop is Stop.NO:
            if self._drain:
                self._end(Stop.DRAIN, {"c": "stop"}, grace=settings.DRAIN_GRACE / 2)
            elif broken := self.watch.broken(now):
                self._end(Stop.LIMIT, {"c": "stop"}, why=broken.why)
                if broken.harmful:
                    self.child.signal(signal.SIGKILL)
        while self._signals and now >= self._signals[0][0]:
            self.child.signal(self._signals.pop(0)[1])

    def _end(
        self, stop: Stop, message: Mapping[str, Any], *, why: str = "", grace: float | None = None
    ) -> None:
        """Ask the child to end, and see to it that it does."""
        self.stop, self.why = stop, why
        self.child.tell(message)
        grace = settings.CANCEL_GRACE if grace is None else grace
        now = time.monotonic()
        more = grace if stop is Stop.DRAIN else settings.KILL_GRACE
        self._signals = [(now + grace, signal.SIGTERM), (now + grace + more, signal.SIGKILL)]

    def _pass_on(self) -> None:
        while self._wishes:
            message = self._wishes.popleft()
            if not self.child.tell(message) and message.get("c") == "ask":
                self._answer(message["id"], ok=False, error="the job takes no questions now")

    # What the child says

    def _read_events(self, data: bytes) -> None:
        self.watch.hear()
        *lines, self._pending = (self._pending + data).split(b"\n")
        try:
            for line in lines:
                self.reader.take(line)
                batch = self.reader.batch
                if batch.checkpoint is not None or batch.events >= settings.FLUSH_EVENTS:
                    self._flush()
            if len(self._pending) > MAX_LINE:
                raise Malformed(f"an event of more than {MAX_LINE} bytes")
        except Malformed as fault:
            self._pending = b""
            self.stop, self.why = Stop.BROKEN, str(fault)
            self.child.kill()
        self.watch.greeted = self.reader.hello is not None or self.reader.fail is not None
        for answer in self.reader.answers:
            self._answer(answer.id, ok=answer.ok, **answer.model_dump(include=ANSWER))
        self.reader.answers.clear()

    def _read_output(self, data: bytes) -> None:
        text = self._decoder.decode(data)
        self.tail.extend(line for line in text.splitlines() if line.strip())
        self.reader.say(text)

    def _answer(self, id: str, *, ok: bool, **fields: Any) -> None:
        publish(f"ask.{id}", {"id": id, "ok": ok, **fields})

    # What is stored

    def _flush(self) -> None:
        batch = self.reader.swap()
        if not batch:
            return
        with beating(self.attempt) if batch.carries else nullcontext():
            message = self._insist(lambda: store(batch, self.place, self.folder))
        points = fitting(message, batch.points)
        if points is not None:
            publish(f"job.{self.job.pk}", {**message, "points": points})
        if "state" in message or "phase" in message:
            self.job.state = message.get("state", self.job.state)
            self.job.phase = message.get("phase", self.job.phase)
            row = {"job": self.job.pk, "state": self.job.state, "phase": self.job.phase}
            publish(f"team.{self.job.team_id}", row)

    def _beat(self, now: float) -> None:
        """Say that we live; hear whether the job is still ours and what people want of it."""
        if now < min(self._ask_at, self._beat_at):
            return
        try:
            if now >= self._beat_at:
                self._beat_at = now + settings.HEARTBEAT
                ours = Attempt.objects.filter(pk=self.attempt.pk, ended=None)
                if not ours.update(heartbeat=timezone.now()):
                    raise Superseded
            self._ask_at = now + min(ASKED_EVERY, settings.HEARTBEAT)
            wanted = self._ours().values_list("wanted", flat=True).first()
            changes = list(self.job.changes.filter(n=None, fault="", pk__gt=self._told))
        except (OperationalError, InterfaceError):
            connection.close()
            self._silent_since = self._silent_since or now
            if now - self._silent_since > settings.HEARTBEAT_LIMIT:
                raise Unreachable from None
            return
        self._silent_since = None
        if wanted is None:
            raise Superseded
        if wanted == Job.Wanted.CANCEL and self.stop in (Stop.NO, Stop.DRAIN):
            self._end(Stop.CANCEL, {"c": "cancel"})
        if self.job.state == State.RUNNING:  # its greeting is stored: it rewinds no further
            self._pass_changes(changes)

    def _pass_changes(self, changes: Iterable[Change]) -> None:
        """In order, so that the last wins; what the pipe has no room for waits for the next."""
        for change in changes:
            if not self.child.tell({"c": "set", "id": change.pk, "values": change.values}):
                break
            self._told = change.pk

    def _ours(self) -> Any:
        return Job.objects.filter(pk=self.job.pk, attempt=self.attempt.number, state__in=ACTIVE)

    def _insist(self, write: Callable[[], T]) -> T:
        """Do a write, again and again while the database does not answer."""
        until = time.monotonic() + settings.HEARTBEAT_LIMIT
        while True:
            try:
                return write()
            except (OperationalError, InterfaceError) as fault:
                connection.close()
                if time.monotonic() > until:
                    raise Unreachable from None
                logger.warning("job %s: %s; trying again", self.job.pk, fault)
                time.sleep(AGAIN)

    # How it ended

    def _outcome(self) -> Outcome:
        return outcome(
            self.child.process.returncode,
            stop=self.stop,
            why=self.why,
            done=self.reader.done,
            fail=self.reader.fail,
            tail=list(self.tail),
            peak=self._peak(),
        )

    def _peak(self) -> int:
        return max(self.reader.peak_rss, self.watch.peak_memory if self.watch else 0)

    def _finish(self, ended: Outcome) -> None:
        try:
            self._insist(lambda: self._store_end(ended))
        except Unreachable:
            logger.error("job %s: its end could not be stored", self.job.pk)

    def _store_end(self, ended: Outcome) -> None:
        reader, now = self.reader, timezone.now()
        with transaction.atomic():
            if not self._ours().update(attempt=self.attempt.number):  # locks the row
                return
            if ended.state is State.DONE:
                series.compact(self.job.pk, self.place.last_n)
                late = self.job.changes.filter(n=None, fault="")
                late.update(fault="the job ended before it")
            wanted = self._ours().values_list("wanted", flat=True).get()
            if ended.state is State.QUEUED and wanted == Job.Wanted.CANCEL:
                ended = Outcome(State.CANCELLED)
            fields: dict[str, Any] = {"message": ended.message, "where": ended.where}
            if ended.state is State.QUEUED:
                fields |= {"resume": True, "phase": "", "progress": {}}
            else:
                fields |= {"ended": now}
            if ended.state is State.DONE:
                fields |= {"summary": reader.done.summary}
            move(self.job.pk, expect=ACTIVE, to=ended.state, attempt=self.attempt.number, **fields)
            self._close_attempt(ended, now)

    def _close_attempt(self, ended: Outcome, now: Any) -> None:
        code = self.child.process.returncode if self.child else None
        Attempt.objects.filter(pk=self.attempt.pk).update(
            ended=now,
            outcome=ended.state,
            exit_code=code if code is not None and code >= 0 else None,
            signal=-code if code is not None and code < 0 else None,
            reason=ended.message or self.why or str(self.stop),
            peak_rss=self._peak() or None,
            cpu_seconds=self.reader.cpu_seconds or None,
        )
