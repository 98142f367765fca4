"""The bench as its users have it: a server process, in distributed mode a worker beside it.

Inside `with bench:` this process works on the bench's own database and files, so a test can
call `submit` and read rows as the server does, and reach the same thing over HTTP.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dj_database_url
import psutil
from django.db import connections
from django.test import override_settings

from tests.services import Services, free_port

ROOT = Path(__file__).resolve().parent.parent
# Everything happens sooner than in earnest. Seconds.
QUICK = {
    "TENFOLD_HEARTBEAT": "0.2",
    "TENFOLD_HEARTBEAT_LIMIT": "3",
    "TENFOLD_RECONCILE_EVERY": "0.3",
    "TENFOLD_FLUSH_EVERY": "0.1",
    "TENFOLD_CANCEL_GRACE": "3",
    "TENFOLD_KILL_GRACE": "2",
    "TENFOLD_CHECKPOINT_EVERY": "0.3",
    "TENFOLD_DRAIN_GRACE": "8",
}
PATIENCE = 60  # seconds: the machine may be busy with other things


class Bench:
    """`Bench(home)` is embedded; with services it is distributed."""

    def __init__(
        self, home: Path, services: Services | None = None, *, workers: int = 1, **settings: str
    ):
        self.home = home
        self.worker_count = workers if services else 0
        self.services = services
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"  # as the links have it
        self.environment = {**os.environ, **QUICK, **settings, "TENFOLD_HOME": str(home)}
        self.environment["TENFOLD_METHODS"] = str(ROOT / "tests/methods_fixture")
        for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL"):
            self.environment.pop(name, None)
        if services is not None:
            self.environment["DATABASE_URL"] = services.database_url
            self.environment["REDIS_URL"] = services.redis_url
        self.server: subprocess.Popen | None = None
        self.workers: list[subprocess.Popen] = []
        self._stack = ExitStack()

    @property
    def mode(self) -> str:
        return "distributed" if self.services else "embedded"

    # Processes

    def start(self) -> None:
        """Bring up whatever does not run."""
        started = []
        if self.server is None or self.server.poll() is not None:
            self.server = self._manage("serve", "serve", "--port", str(self.port))
            started.append(("serve", "Tenfold is at", self.server))
            if not self.workers:  # the first start of a server makes the tables
                self._wait_for_line(*started.pop())
        for number in range(self.worker_count):
            if len(self.workers) <= number or self.workers[number].poll() is not None:
                name = f"worker-{number}"
                self.workers[number : number + 1] = [self._manage(name, "worker")]
                started.append((name, "serves", self.workers[number]))
        for name, text, process in started:
            self._wait_for_line(name, text, process)

    def stop(self) -> None:
        """As an operator does: SIGTERM, and wait."""
        running = [each for each in (*self.workers, self.server) if each and each.poll() is None]
        for process in running:
            process.send_signal(signal.SIGCONT)  # one that a test has stopped cannot end
            process.terminate()
        for process in running:
            process.wait(timeout=PATIENCE)

    def holder(self, job: Any) -> subprocess.Popen | None:
        """The process that watches over this job now."""
        newest = job.attempts.order_by("-number").first()
        for process in (*self.workers, self.server):
            if newest is not None and newest.worker.startswith(f"tenfold-{process.pid}@"):
                return process
        return None

    def log(self, name: str = "serve") -> str:
        path = self.home / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _manage(self, name: str, *words: str) -> subprocess.Popen:
        with (self.home / f"{name}.log").open("a") as log:
            log.write(f"--- {time.time():.3f}\n")
            log.flush()
            command = [sys.executable, str(ROOT / "manage.py"), *words]
            return subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, cwd=self.home
            )

    def _wait_for_line(self, name: str, text: str, process: subprocess.Popen) -> None:
        def said() -> bool:
            newest = self.log(name).rpartition("\n--- ")[2]
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{newest[-4000:]}")
            return text in newest

        wait_until(said, f"{name} says {text!r}")

    # The database and the files, from this process

    def __enter__(self) -> Bench:
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            self.start()
            self._stack.enter_context(self.attached())
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._stack.close()
        finally:
            self.stop()  # one that lived on would take the next test's jobs

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Django's default connection, storage and folders are the bench's."""
        storage = {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": self.home / "blobs", "file_permissions_mode": 0o600},
        }
        plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
        changed = {
            "SECRET_KEY": (self.home / "secret_key").read_text(),
            "TENFOLD_HOME": self.home,
            "JOBS_DIR": self.home / "jobs",
            "BLOBS_DIR": self.home / "blobs",
            "UPLOADS_DIR": self.home / "uploads",
            "FILE_UPLOAD_TEMP_DIR": self.home / "uploads",
            "STORAGES": {"default": storage, "staticfiles": plain},
        }
        with override_settings(**changed), connected(self._database()):
            yield

    def _database(self) -> dict[str, Any]:
        if self.services:
            return dj_database_url.parse(self.services.database_url)
        found = dj_database_url.parse(f"sqlite:///{self.home / 'tenfold.sqlite3'}")
        return {**found, "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20}}

    # People and jobs

    def people(self) -> tuple[Any, Any]:
        """An owner and a project of their team, made once."""
        from webapp.accounts.models import Membership, Team, User
        from webapp.jobs.models import Project

        user = User.objects.filter(email="bench@example.org").first()
        if user is None:
            user = User.objects.create_user("bench@example.org", "correct horse battery")
        team, _ = Team.objects.get_or_create(slug="bench-lab", defaults={"name": "Lab"})
        Membership.objects.get_or_create(user=user, team=team, defaults={"role": "owner"})
        project, _ = Project.objects.get_or_create(
            team=team, slug="bench", defaults={"name": "Bench"}
        )
        return user, project

    def submit(self, method: str = "fake", /, **params: Any) -> Any:
        """One job of a method with these parameters; `seed`, `limits`, … go to `submit`."""
        from webapp.jobs.submit import submit

        user, project = self.people()
        words = ("inputs", "limits", "priority", "device", "threads", "name")
        given = {word: params.pop(word) for word in words if word in params}
        given["seeds"] = [params.pop("seed", 0)]
        given.setdefault("inputs", {})
        return submit(user, project=project, method=method, params=params, **given)[0]

    def wait_for(self, job: Any, *states: str, patience: float = PATIENCE) -> Any:
        """The job, as soon as it is in one of these states."""

        def there() -> bool:
            job.refresh_from_db()
            return job.state in states

        try:
            wait_until(there, f"{job.pk} is {' or '.join(states)}", patience=patience)
        except AssertionError as fault:
            logs = "\n".join(path.read_text()[-3000:] for path in self.home.glob("*.log"))
            raise AssertionError(f"{fault}; it is {job.state} ({job.message})\n{logs}") from None
        return job


def signed_in(bench: Bench) -> dict[str, str]:
    """The cookie header of a page that the bench's owner has open."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    user, _ = bench.people()
    session = SessionStore()
    session[SESSION_KEY] = user.pk
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}"}


@contextmanager
def connected(database: dict[str, Any]) -> Iterator[None]:
    """Another default database for this thread, with the connection that belongs to it."""
    before, connection = connections.settings["default"], connections["default"]
    connections.settings["default"] = connections.configure_settings({"default": database})[
        "default"
    ]
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = before
        connections["default"] = connection


def wait_until(true: Callable[[], bool], what: str, *, patience: float = PATIENCE) -> None:
    until = time.monotonic() + patience
    while not true():
        if time.monotonic() > until:
            raise AssertionError(f"waited {patience:g} s in vain until {what}")
        time.sleep(0.02)


def children_of(job_id: str, verb: str = "run") -> list[psutil.Process]:
    """The leaders of all engines that run this job now, or are asked about it, on this machine."""
    found = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
            leads = os.getpgid(process.pid) == process.pid
            if "engine" in line and verb in line and any(job_id in word for word in line) and leads:
                found.append(process)
        except (psutil.Error, ProcessLookupError):
            continue
    return [each for each in found if each.status() != psutil.STATUS_ZOMBIE]
