"""PostgreSQL, Redis and the bench itself as real processes, for tests that need the whole.

`TEST_DATABASE_URL` and `TEST_REDIS_URL` name servers; without them the local standard ports are
tried, then private servers are started from the installed programs. Only what was started here
is ever stopped, and in somebody else's server only our own database is made and dropped.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from psycopg import sql

DATABASE = "postgresql://postgres@127.0.0.1:5432/postgres"
REDIS = "redis://127.0.0.1:6379"
PATIENCE = 30  # seconds for a server to come up


@dataclass(frozen=True)
class Services:
    database_url: str
    redis_url: str


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """A database of our own in a PostgreSQL, and a number of our own in a Redis."""
    with contextlib.ExitStack() as stack:
        try:
            postgres = _reachable_postgres() or stack.enter_context(private_postgres())
            server = _reachable_redis() or stack.enter_context(private_redis())
        except Missing as fault:
            if os.environ.get("CI"):
                pytest.fail(f"CI needs the services: {fault}")
            pytest.skip(str(fault))
        database = stack.enter_context(own_database(postgres))
        yield Services(database, stack.enter_context(own_number(server)))


class Missing(Exception):
    """Neither a server nor the programs to start one."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _reachable_postgres() -> str | None:
    url = os.environ.get("TEST_DATABASE_URL", DATABASE)
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return None
    return url


def _reachable_redis() -> str | None:
    url = os.environ.get("TEST_REDIS_URL", REDIS)
    client = redis.Redis.from_url(url, socket_timeout=3)
    try:
        client.ping()
    except redis.RedisError:
        return None
    finally:
        client.close()
    return url


@contextlib.contextmanager
def own_database(server: str) -> Iterator[str]:
    name = f"tenfold_test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


@contextlib.contextmanager
def own_number(server: str) -> Iterator[str]:
    """A numbered database that nobody uses: empty, and marked as ours while we have it."""
    for number in range(15, 0, -1):
        url = urlunsplit(urlsplit(server)._replace(path=f"/{number}"))
        client = redis.Redis.from_url(url)
        if client.dbsize() == 0 and client.set("tenfold-test", os.getpid(), nx=True):
            try:
                yield url
            finally:
                client.flushdb()
                client.close()
            return
        client.close()
    raise Missing("every numbered database of the Redis server is in use")


@contextlib.contextmanager
def private_postgres() -> Iterator[str]:
    """A PostgreSQL of this session alone, as an ordinary user."""
    programs = _postgres_programs()
    user = _ordinary_user()
    folder = Path(tempfile.mkdtemp(prefix="tenfold-pg-", dir="/tmp"))
    port = free_port()
    try:
        if user:
            shutil.chown(folder, user)
        initdb = [programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N"]
        subprocess.run(initdb, user=user, check=True, capture_output=True, cwd="/")
        options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1"]
        options += ["-k", str(folder), "-c", "fsync=off"]
        with _process([programs / "postgres", "-D", folder / "data", *options], user=user):
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            _wait_for(lambda: psycopg.connect(url, connect_timeout=1).close(), psycopg.Error)
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def private_redis() -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise Missing("no Redis answers on its local port, and redis-server is not installed")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tenfold-redis-") as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with _process([program, *options]):
            url = f"redis://127.0.0.1:{port}"
            _wait_for(redis.Redis.from_url(url).ping, redis.RedisError)
            yield url


def _postgres_programs() -> Path:
    """The newest installed version's folder: initdb is seldom on the PATH."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name)
    )
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    for folder in reversed(folders):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Missing("no PostgreSQL answers on its local port, and initdb is not installed")


def _ordinary_user() -> str | None:
    """PostgreSQL refuses to run as root: who else it can be."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextlib.contextmanager
def _process(command: list, user: str | None = None) -> Iterator[subprocess.Popen]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    process = subprocess.Popen(command, user=user, **quiet)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _wait_for(attempt, failure: type[Exception]) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            attempt()
            return
        except failure:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
