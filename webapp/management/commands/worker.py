"""A worker machine: takes jobs until it is told to stop, then lets each make its checkpoint."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Take jobs from the queues of TENFOLD_QUEUES, TENFOLD_SLOTS at once. Needs REDIS_URL."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.EMBEDDED:
            raise CommandError(
                "A worker of its own needs REDIS_URL; without it `serve` is the worker."
            )
        from workers.embedded import EmbeddedWorker

        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        worker = EmbeddedWorker()
        worker.start()
        self.stdout.write(f"{worker.here.name} serves {', '.join(worker.here.queues)}")
        self.stdout.flush()
        stopping.wait()
        worker.stop()
