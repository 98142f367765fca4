"""One attempt, watched in this process: real children, and faults that no good engine has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from django.db import OperationalError

from tests.bench import ROOT, children_of, wait_until
from webapp.jobs.models import Attempt, Job, State
from webapp.jobs.states import claim
from workers import child as children
from workers import folders, limits, supervisor
from workers.supervisor import Supervisor

CARD = """
from engine.core.method import Method, Paper
from engine.core.params import Params, param
class RudeParams(Params):
    steps: int = param(1, "Steps", "Steps.")
METHOD = Method(slug="rude", title="Rude", paper=Paper("None", "Nobody", 2026, "https://x.org"),
    summary="Breaks the rules.", inputs=(), params=RudeParams, metrics=(), entry="rude.method:run")
"""


@pytest.fixture
def rude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A method with this body."""

    def make(body: str) -> None:
        folder = tmp_path / "methods/rude"
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
        (folder / "card.py").write_text(CARD)
        code = "import os, sys, time\ndef run(run):\n" + textwrap.indent(
            textwrap.dedent(body), "    "
        )
        (folder / "method.py").write_text(code)
        known = os.environ["TENFOLD_METHODS"]
        monkeypatch.setenv("TENFOLD_METHODS", f"{known}{os.pathsep}{tmp_path / 'methods'}")

    return make


@pytest.fixture
def attempted(make_job, home, settings):
    """Run the next attempt of a job to its end, in this thread."""
    settings.FLUSH_EVERY, settings.CHECKPOINT_EVERY = 0.05, 0.1
    settings.HEARTBEAT, settings.CANCEL_GRACE, settings.KILL_GRACE = 0.1, 1, 1

    def run(**fields) -> Job:
        made = make_job(**{"params": {}, **fields})
        job, attempt = claim("w", ["cpu"])
        Supervisor(job, attempt).run()
        made.refresh_from_db()
        assert not children_of(made.pk)
        return made

    return run


def test_a_job_runs_by_the_command_that_a_person_types(attempted, tmp_path: Path) -> None:
    params = {"steps": 5, "baselines": [], "scale": 0.1 + 0.2}
    job = attempted(method="fake", params=params, seed=3)
    assert job.state == State.DONE
    words = [f"--set={name}={value}" for name, value in (("steps", 5), ("scale", 0.1 + 0.2))]
    command = [sys.executable, "-m", "engine", "run", "fake", "--out", str(tmp_path / "typed")]
    typed = subprocess.run(
        [*command, *words, "--set=baselines=", "--seed=3"], cwd=ROOT, capture_output=True, text=True
    )
    assert typed.returncode == 0, typed.stderr
    result = json.loads((tmp_path / "typed/result.json").read_text())
    assert result["summary"] == job.summary
    assert result["params"]["scale"] == 0.1 + 0.2


def test_garbage_on_the_event_channel_fails_the_attempt(attempted, rude) -> None:
    rude("os.write(run._emitter._descriptor, b'garbage\\n' * 3)\ntime.sleep(60)")
    job = attempted(method="rude")
    assert (job.state, job.message) == (
        State.FAILED,
        "3 events in a row were not understood",
    )


def test_an_endless_line_fails_the_attempt(attempted, rude) -> None:
    rude("while True:\n    os.write(run._emitter._descriptor, b'x' * 65536)")
    job = attempted(method="rude")
    assert job.state == State.FAILED
    assert "1048576 bytes" in job.message


def test_the_death_of_the_leader_ends_its_whole_group(attempted, rude) -> None:
    rude(
        """
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        os.kill(os.getpid(), 9)
        """
    )
    job = attempted(method="rude")
    assert job.state == State.FAILED
    assert "SIGKILL" in job.message
    pgid = job.attempts.get().pgid
    wait_until(lambda: limits.group_memory(pgid) == 0, "none of them is there", patience=10)


# A process; its child, which does {leave} first and {end} last; and its, which holds memory.
THREE = """
import os, time
if os.fork() == 0:
    {leave}
    if os.fork() == 0:
        held = b"x" * (64 << 20)
        print(os.getpid(), flush=True)
        time.sleep(60)
    {end}
    os._exit(0)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("leave", "end"),
    [("pass", "pass"), ("os.setpgid(0, 0)", "pass"), ("os.setsid()", "os.wait()")],
    ids=["its parent has ended", "in a group of its own as well", "in a session of its own"],
)
def test_memory_counts_wherever_it_is_held(leave: str, end: str) -> None:
    command = [sys.executable, "-c", THREE.format(leave=leave, end=end)]
    leader = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    holder = int(leader.stdout.readline())
    try:
        assert limits.group_memory(leader.pid) > 64 << 20
    finally:
        os.kill(holder, 9)
        leader.kill()
        leader.communicate()


def test_a_child_knows_no_secret_of_ours(attempted, rude, monkeypatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "do not tell")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:password@host/db")
    rude(
        """
        import json
        found = {"names": sorted(os.environ), "cwd": os.getcwd(), "umask": os.umask(0o077)}
        (run.folder / "seen.json").write_text(json.dumps(found))
        return {}
        """
    )
    job = attempted(method="rude")
    folder = folders.folder_of(job)
    seen = json.loads((folder / "seen.json").read_text())
    assert not {"SECRET_KEY", "DATABASE_URL", "TENFOLD_SUPERVISED"} & set(seen["names"])
    assert seen["cwd"] == str(folder)
    assert seen["umask"] == 0o077


def test_too_much_memory_in_the_group_is_seen(attempted, rude) -> None:
    rude(
        """
        if os.fork() == 0:
            held = bytearray(b"x") * (350 << 20)
            time.sleep(60)
        held = bytearray(b"x") * (350 << 20)
        run.phase("wait")
        while True:
            time.sleep(0.01)
            run.stop_here()
        """
    )
    # The engine's own limit is per process, and a group may share the work around it.
    job = attempted(method="rude", limits={"memory": 600 << 20, "seconds": 30})
    assert job.state == State.FAILED
    assert "of memory; its limit is" in job.message


def test_too_large_a_folder_is_seen(attempted, rude, monkeypatch) -> None:
    monkeypatch.setattr(limits, "DISK_EVERY", 0.1)
    rude(
        """
        for number in range(100):
            (run.folder / f"hog-{number}").write_bytes(b"x" * (1 << 20))
            time.sleep(0.05)
            run.stop_here()
        return {}
        """
    )
    job = attempted(method="rude", limits={"disk": 5 << 20})
    assert job.state == State.FAILED
    assert "its limit is 5.00 MiB" in job.message


def test_a_database_that_is_away_for_a_moment_loses_nothing(attempted, monkeypatch) -> None:
    real, calls = supervisor.store, []

    def shaky(*arguments):
        calls.append(1)
        if len(calls) in (2, 3):
            raise OperationalError("gone for a moment")
        return real(*arguments)

    monkeypatch.setattr(supervisor, "store", shaky)
    monkeypatch.setattr(supervisor, "AGAIN", 0.01)
    monkeypatch.setattr(supervisor.connection, "close", lambda: None)  # the test's transaction
    job = attempted(method="fake", params={"steps": 50, "seconds_per_step": 0.01})
    assert job.state == State.DONE
    assert job.series.get(key="value").count == 50


def test_a_superseded_supervisor_kills_its_child_and_writes_no_more(
    make_job, home, settings
) -> None:
    settings.HEARTBEAT = 0.05
    made = make_job(method="fake", params={"steps": 10_000, "seconds_per_step": 0.01})
    job, attempt = claim("w", ["cpu"])
    Attempt.objects.filter(pk=attempt.pk).update(ended=attempt.started, outcome="lost")
    Job.objects.filter(pk=job.pk).update(state=State.LOST)
    Supervisor(job, attempt).run()
    made.refresh_from_db()
    assert (made.state, made.seq, made.last_n) == (State.LOST, 0, 0)
    assert not children_of(made.pk)


def test_the_old_group_is_killed_before_a_new_attempt_starts(make_job, home, settings) -> None:
    job = make_job(method="fake", params={"steps": 10_000, "seconds_per_step": 0.01})
    folder = folders.clear(job)
    old = children.Child(
        ["run", "fake", "--out", str(folder), "--params", str(folders.write_params(job, folder))],
        folder,
        limits={},
    )
    try:
        assert old.pgid in children.strays(folder)
        assert children.end_strays(folder) == 1
        assert children.strays(folder) == {}
        assert old.process.wait(timeout=5) == -9
    finally:
        old.close()


def test_inputs_keep_their_names_and_cannot_leave_their_folder() -> None:
    assert folders.plain_name("cora.npz") == "cora.npz"
    assert folders.plain_name("../../etc/passwd") == "_.._etc_passwd"
    assert folders.plain_name("müll graph.tar.gz") == "m_ll_graph.tar.gz"
    assert folders.plain_name("...") == "data"
    assert folders.plain_name("x" * 300 + ".npz").endswith("x.npz")
