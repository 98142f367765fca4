"""Event lines become rows: once, in order, and only while the attempt has the job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from webapp.artifacts.models import Artifact
from webapp.jobs.models import Job, LogPart, State, Verification
from webapp.jobs.states import claim
from webapp.metrics import store as series
from workers.ingest import LOG_PART, Malformed, Place, Reader, Superseded, parts, store


class Engine:
    """Says events as an engine does, into a folder of its own."""

    def __init__(self, job: Job, folder: Path):
        self.reader = Reader(job)
        self.place = Place(job.pk, job.attempt, job.seq, job.last_n)
        self.folder = folder
        self.n = job.last_n

    def hello(self, resumed_from: int | None = None) -> None:
        self.n = resumed_from or 0
        words = {"v": 1, "method": "fake", "pid": 1, "device": "cpu", "threads": 1, "seed": 0}
        self.say("hello", **words, resumed_from=resumed_from)

    def say(self, t: str, **fields: Any) -> int:
        self.n += 1
        event = {"n": self.n, "w": 1000.0 + self.n, "t": t, **fields}
        self.reader.take(json.dumps(event).encode())
        return self.n

    def checkpoint(self, *, best: bool = False, content: bytes = b"state") -> int:
        path = f"checkpoints/{self.n + 1}.safetensors"
        (self.folder / "checkpoints").mkdir(exist_ok=True)
        (self.folder / path).write_bytes(content + str(self.n).encode())
        return self.say("ckpt", path=path, step=self.n, best=best)

    def flush(self) -> dict[str, Any]:
        return store(self.reader.swap(), self.place, self.folder)


@pytest.fixture
def job(make_job, home) -> Job:
    make_job()
    return claim("w1", ["cpu"])[0]


@pytest.fixture
def engine(job: Job, tmp_path: Path) -> Engine:
    folder = tmp_path / "job"
    folder.mkdir()
    made = Engine(job, folder)
    made.hello()
    return made


def values(job: Job, key: str) -> list[float]:
    return [value for name, found in series.read_points(job.pk) for value in found.value.tolist()
            if name == key]  # fmt: skip


def test_a_batch_moves_the_job_on(engine: Engine, job: Job) -> None:
    engine.say("phase", name="walk", total=3)
    engine.say("m", s=0, d={"value": 0.5, "odd": "nan"})
    engine.say("p", done=1, total=3, eta=2.0)
    message = engine.flush()
    job.refresh_from_db()
    assert (job.state, job.phase, job.seq, job.last_n) == (State.RUNNING, "walk", 1, 4)
    assert job.progress == {"done": 1, "total": 3, "eta": 2.0}
    assert values(job, "value") == [0.5]
    assert message["seq"] == 1


def test_what_a_method_found_joins_the_greetings_environment(job: Job, tmp_path: Path) -> None:
    engine = Engine(job, tmp_path)
    engine.say("hello", v=1, method="fake", pid=1, device="cpu", threads=1, seed=0,
               environment={"python": "3.11"})  # fmt: skip
    engine.flush()
    engine.say("env", environment={"backend": "icarus"})
    engine.flush()
    job.refresh_from_db()
    assert job.environment == {"python": "3.11", "backend": "icarus"}


def test_a_batch_whose_commit_was_in_doubt_is_stored_once(engine: Engine, job: Job) -> None:
    engine.say("m", s=0, d={"value": 1.0})
    batch, before = engine.reader.swap(), Place(**vars(engine.place))
    store(batch, engine.place, engine.folder)
    store(batch, before, engine.folder)  # the answer to the commit never came
    assert values(job, "value") == [1.0]
    assert before == engine.place


def test_a_newer_attempt_stops_the_writes_of_the_old_one(engine: Engine, job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(attempt=2)
    engine.say("m", s=0, d={"value": 1.0})
    with pytest.raises(Superseded):
        engine.flush()
    assert values(job, "value") == []


def test_a_job_that_was_given_up_takes_no_more(engine: Engine, job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(state=State.LOST)
    engine.say("m", s=0, d={"value": 1.0})
    with pytest.raises(Superseded):
        engine.flush()


def test_a_file_is_in_the_store_and_a_newer_one_takes_its_place(engine: Engine, job: Job) -> None:
    words = {"title": "Edges", "role": "table", "media": "text/csv"}
    for content in ("a\n", "b\n"):
        (engine.folder / "edges.csv").unlink(missing_ok=True)
        (engine.folder / "edges.csv").write_text(content)
        engine.say("file", path="edges.csv", **words, facts={"share": 0.5})
        engine.flush()
    artifact = Artifact.objects.get(job=job)
    assert (artifact.path, artifact.n, artifact.facts) == ("edges.csv", 3, {"share": 0.5})
    assert artifact.blob.size == 2


def test_the_two_newest_checkpoints_and_the_best_are_kept(engine: Engine, job: Job) -> None:
    made = []
    for best in (False, True, False, False, False):
        made.append(engine.checkpoint(best=best))
        engine.flush()
    kept = Artifact.objects.filter(job=job, role="checkpoint").values_list("n", flat=True)
    assert set(kept) == {made[1], made[3], made[4]}
    job.refresh_from_db()
    assert job.checkpoint_n == made[-1]


def test_a_checkpoint_that_newer_ones_replaced_is_passed_over(engine: Engine, job: Job) -> None:
    n = engine.checkpoint()
    (engine.folder / f"checkpoints/{n}.safetensors").unlink()
    engine.flush()
    job.refresh_from_db()
    assert (job.checkpoint_n, job.last_n) == (None, n)


def test_what_follows_the_checkpoint_is_forgotten_by_a_resume(engine: Engine, job: Job) -> None:
    engine.say("m", s=0, d={"value": 1.0})
    n = engine.checkpoint()
    engine.flush()
    engine.say("m", s=1, d={"value": 2.0})
    words = {"oracle": "sum", "expected": 1, "got": 1, "tolerance": 0, "ok": True}
    engine.say("verify", **words)
    engine.say("log", text="later")
    engine.flush()
    assert values(job, "value") == [1.0, 2.0]
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, resume=True)
    again, attempt = claim("w2", ["cpu"])
    assert attempt.resumed_from == n
    assert values(job, "value") == [1.0]
    assert not Verification.objects.filter(job=job).exists()
    assert not LogPart.objects.filter(job=job).exists()
    assert (again.last_n, again.checkpoint_n, again.seq) == (n, n, 3)


def test_a_retry_forgets_everything(engine: Engine, job: Job) -> None:
    engine.say("m", s=0, d={"value": 1.0})
    engine.checkpoint()
    engine.flush()
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, resume=False)
    again, _ = claim("w2", ["cpu"])
    assert (again.last_n, again.checkpoint_n) == (0, None)
    assert series.keys(job.pk) == []
    assert not Artifact.objects.filter(job=job).exists()


def test_an_engine_that_goes_on_from_an_older_checkpoint_rewinds_further(
    engine: Engine, job: Job
) -> None:
    first = engine.checkpoint()
    engine.flush()
    engine.say("m", s=1, d={"value": 2.0})
    engine.checkpoint(content=b"torn")
    engine.flush()
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, resume=True)
    again, attempt = claim("w2", ["cpu"])
    second = Engine(again, engine.folder)
    second.hello(resumed_from=first)
    second.say("m", s=1, d={"value": 3.0})
    second.flush()
    again.refresh_from_db()
    attempt.refresh_from_db()
    assert values(job, "value") == [3.0]
    assert again.checkpoint_n == attempt.resumed_from == first


def test_a_change_that_was_taken_is_told_again_after_a_rewind(engine: Engine, job: Job) -> None:
    kept, undone = (job.changes.create(values={"scale": scale}) for scale in (2.0, 3.0))
    refused = job.changes.create(values={"scale": -1.0})
    n = engine.say("set", id=kept.pk, values=kept.values, step=4)
    checkpoint = engine.checkpoint()
    engine.say("set", id=undone.pk, values=undone.values)
    engine.say("set", id=refused.pk, values=refused.values, fault="scale: no")
    assert engine.flush()["changes"] == [kept.pk, undone.pk, refused.pk]
    took = job.changes.values_list("n", "attempt", "step", "fault")
    assert list(took) == [
        (n, 1, 4, ""),
        (checkpoint + 1, 1, None, ""),
        (checkpoint + 2, 1, None, "scale: no"),
    ]
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, resume=True)
    claim("w2", ["cpu"])
    assert list(took.all()) == [(n, 1, 4, ""), (None, None, None, ""), (None, None, None, "")]


def test_a_job_changes_only_by_its_own(engine: Engine, make_job) -> None:
    other = make_job().changes.create(values={"scale": 2.0})
    engine.say("set", id=other.pk, values={})
    engine.flush()
    other.refresh_from_db()
    assert other.n is None


def test_use_becomes_series_of_the_system(engine: Engine, job: Job) -> None:
    for seconds in (1.0, 2.5):
        engine.n += 1
        line = {"n": engine.n, "w": 2000.0 + seconds, "t": "use", "cpu_s": seconds, "rss": 7}
        engine.reader.take(json.dumps(line).encode())
    engine.flush()
    assert values(job, "system.cpu") == [1.0]
    assert values(job, "system.rss") == [7.0, 7.0]


def test_three_bad_lines_in_a_row_end_the_attempt(engine: Engine) -> None:
    for line in (b"no json", b'{"n": 99, "w": 0, "t": "m"}'):
        engine.reader.take(line)
    engine.say("m", s=0, d={})  # one that is understood begins the count anew
    engine.reader.take(b"[]")
    engine.reader.take(b"[]")
    with pytest.raises(Malformed):
        engine.reader.take(b"[]")
    assert "not understood" in engine.reader.batch.text()


@pytest.mark.parametrize(
    "line",
    [
        '{"n": 2, "w": 0, "t": "m", "s": 9223372036854775808, "d": {}}',
        '{"n": 2, "w": 0, "t": "file", "path": "../x", "title": "", "role": "table", "media": ""}',
        '{"n": 2, "w": 0, "t": "file", "path": "x", "title": "", "role": "owner", "media": ""}',
        '{"n": 2, "w": 0, "t": "log", "text": "\\ud800"}',
        '{"n": 2, "w": 0, "t": "answer", "id": "", "ok": true, "seconds": 0, "answer": NaN}',
        '{"n": 1, "w": 0, "t": "log", "text": "the number of the greeting once more"}',
    ],
)
def test_what_no_database_can_hold_is_refused(engine: Engine, line: str) -> None:
    engine.reader.take(line.encode())
    assert "not understood" in engine.reader.batch.text()
    engine.flush()


def test_nul_characters_are_replaced(engine: Engine, job: Job) -> None:
    engine.say("log", text="a\0b")
    engine.reader.say("c\0d")
    engine.flush()
    assert "".join(part.text for part in LogPart.objects.filter(job=job)) == "a\ufffdb\nc\ufffdd"


def test_an_event_of_a_newer_engine_is_ignored(engine: Engine, job: Job) -> None:
    engine.say("hologram", depth=3)
    engine.say("m", s=0, d={"value": 1.0})
    engine.flush()
    assert values(job, "value") == [1.0]


def test_a_long_log_is_cut_into_parts_at_its_lines() -> None:
    text = "".join(f"line {number} äöü\n" for number in range(20_000))
    cut = list(parts(text))
    assert "".join(cut) == text
    assert all(len(part.encode()) <= LOG_PART and part.endswith("\n") for part in cut)
    assert list(parts("x" * (LOG_PART + 1))) == ["x" * LOG_PART, "x"]
