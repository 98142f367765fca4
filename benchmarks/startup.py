"""Seconds from the command to the first page, and what an idle bench costs.

A fresh home: tables are made, static files collected, the worker started. The peer is the same
server in front of a Django of one line, without tables, worker or pages of its own. Bars: first
page within 6 s, 150 MB resident, 1 % of one processor while idle.

    python benchmarks/startup.py [rounds]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import ground  # isort: skip - sets Django up

import psutil

from tests.services import free_port

PATIENCE = 60
IDLE = 10  # seconds of watching an idle bench
BARS = {"seconds": 6.0, "rss_mb": 150, "idle_cpu": 0.01}
HELLO = """
import django
from django.conf import settings
settings.configure(SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF="hello")
django.setup()
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("sign-in/", lambda request: HttpResponse("hello"))]
from django.core.asgi import get_asgi_application
application = get_asgi_application()
"""


def start(command: list[str], environment: dict[str, str], folder: str) -> subprocess.Popen:
    with Path(folder, "log").open("w") as log:
        return subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)


def until_first_page(process: subprocess.Popen, port: int, log: Path) -> float:
    """Seconds until the sign-in page answers."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}: {log.read_text()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in/", timeout=5) as answer:
                answer.read()
            return time.monotonic() - began
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
    raise TimeoutError("no page")


def ours() -> tuple[float, float, float, float]:
    """Seconds of the first start and of the second, resident MB, share of a processor."""
    folder, port = tempfile.mkdtemp(dir=ground.HOME), free_port()
    environment = {**os.environ, "TENFOLD_HOME": folder}
    environment.pop("DEBUG", None)
    command = [sys.executable, str(ground.ROOT / "manage.py"), "serve", "--port", str(port)]
    seconds = []
    for _ in range(2):
        process = start(command, environment, folder)
        seconds.append(until_first_page(process, port, Path(folder, "log")))
        if len(seconds) == 2:
            memory, share = idle(process)
        process.terminate()
        process.wait(timeout=PATIENCE)
    return seconds[0], seconds[1], memory, share


def idle(process: subprocess.Popen) -> tuple[float, float]:
    time.sleep(3)  # the start is over
    watched = psutil.Process(process.pid)
    before = sum(watched.cpu_times()[:2])
    time.sleep(IDLE)
    used = sum(watched.cpu_times()[:2]) - before
    return watched.memory_info().rss / 1e6, used / IDLE


def hello() -> float:
    folder, port = tempfile.mkdtemp(dir=ground.HOME), free_port()
    Path(folder, "hello.py").write_text(HELLO)
    environment = {**os.environ, "PYTHONPATH": folder}
    command = [sys.executable, "-m", "uvicorn", "hello:application", "--port", str(port)]
    process = start(command, environment, folder)
    try:
        return until_first_page(process, port, Path(folder, "log"))
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    found, peer = [], []
    for _ in range(rounds):  # in turns, so that a busy machine slows both
        peer.append(hello())
        found.append(ours())
    first, second, memory, share = (min(column) for column in zip(*found, strict=True))
    bounded = {"seconds": first, "rss_mb": memory, "idle_cpu": share}
    ground.report(
        "startup",
        first_start_seconds=first,
        second_start_seconds=second,
        hello_seconds=min(peer),
        ratio=first / min(peer),
        rss_mb=memory,
        idle_cpu=share,
        bars=BARS,
        met=all(bounded[name] <= bar for name, bar in BARS.items()),
    )


if __name__ == "__main__":
    main()
