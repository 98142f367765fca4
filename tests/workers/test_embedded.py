"""The embedded worker's message broker, which lives in this process's memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# Threads that all send for the first time at once, as pages and the starting worker do. Their
# turns are as short as Python allows, since what goes wrong needs two of them side by side.
RUSH = """
import sys, threading
import django; django.setup()
from kombu.transport.memory import Channel, Transport
from workers import app, embedded, tasks

app.amqp.queues.select(["cpu", "check", "ask"])
sys.setswitchinterval(1e-6)
lost = 0
for _ in range(40):
    Transport.global_state.clear()
    Channel.queues.clear()
    embedded.declare()
    at_once = threading.Barrier(8)
    def send():
        with app.connection_for_write() as connection:
            at_once.wait()
            tasks.warm.apply_async(("job",), connection=connection)
    threads = [threading.Thread(target=send) for _ in range(8)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    lost += 8 - Channel.queues["ask"].qsize()
print(lost)
"""


def rush(home: Path) -> int:
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment = {**kept, "TENFOLD_HOME": str(home), "DJANGO_SETTINGS_MODULE": "webapp.settings"}
    command = [sys.executable, "-W", "ignore", "-c", RUSH]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_no_message_is_lost_when_many_threads_send_at_once(tmp_path: Path) -> None:
    assert rush(tmp_path) == 0
