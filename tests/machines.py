"""Machines that share a database, Redis and an object store, but no disk.

They are processes of this machine, each with a home of its own that the others never see.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from tests.bench import PATIENCE, ROOT, Bench, wait_until
from tests.services import free_port


class WorkerMachine:
    """`manage.py worker` with an empty home."""

    def __init__(self, bench: Bench, home: Path, **settings: str):
        self.home = home
        self.environment = {**bench.environment, **settings, "TENFOLD_HOME": str(home)}
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> WorkerMachine:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "worker.log").open("a") as log:
            command = [sys.executable, str(ROOT / "manage.py"), "worker"]
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, cwd=self.home
            )
        wait_until(self._serves, f"the worker of {self.home.name} serves")
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=PATIENCE)

    def kill(self) -> None:
        """As a machine whose power fails."""
        self.process.kill()
        self.process.wait(timeout=PATIENCE)

    def log(self) -> str:
        return (self.home / "worker.log").read_text(errors="replace")

    def has(self, attempt: Any) -> bool:
        return attempt.worker.startswith(f"tenfold-{self.process.pid}@")

    def _serves(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"the worker ended with {self.process.returncode}:\n{self.log()}")
        return "serves" in self.log()


class Visitor:
    """A person's program: everything over HTTP, with a token."""

    def __init__(self, bench: Bench, token: str):
        self.base = f"{bench.url}/api/v1"
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy between us
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: Any) -> Any:
        return self._checked(self.session.get(self.base + path, params=query, timeout=60)).json()

    def bytes(self, path: str) -> bytes:
        return self._checked(self.session.get(self.base + path, timeout=60)).content

    def post(self, path: str, *, files: Any = None, data: Any = None, json: Any = None) -> Any:
        address = self.base + path
        sent = self.session.post(address, files=files, data=data, json=json, timeout=60)
        return self._checked(sent).json()

    def _checked(self, response: requests.Response) -> requests.Response:
        assert response.ok, (response.status_code, response.text[:500])
        return response


class Gate:
    """A port in front of a server: it can be closed, and it can make what passes wait."""

    def __init__(self, url: str):
        host, port = url.removeprefix("http://").split(":")
        self.behind = (host, int(port))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.delay = 0.0  # seconds before a request is passed on
        self._ears: socket.socket | None = None
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Gate:
        self._ears = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._listen, args=(self._ears,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Refuse what comes, and cut what is under way."""
        self._ears.shutdown(socket.SHUT_RDWR)
        self._ears.close()
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def reopen(self) -> None:
        self.__enter__()

    def _listen(self, ears: socket.socket) -> None:
        while True:
            try:
                caller, _ = ears.accept()
            except OSError:
                return
            there = socket.create_connection(self.behind)
            for source, target, waits in ((caller, there, True), (there, caller, False)):
                pump = threading.Thread(target=self._pump, args=(source, target, waits))
                pump.daemon = True
                pump.start()

    def _pump(self, source: socket.socket, target: socket.socket, waits: bool) -> None:
        self._open.add(source)
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if waits and self.delay:
                    time.sleep(self.delay)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        self._open.discard(source)
        source.close()
