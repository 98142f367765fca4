"""A Celery worker in a thread of this process: inside the server, or alone on a worker machine.

Celery's own program would install signal handlers and wait for running tasks at its end; here
the supervisors drain first, and only then the worker stops.
"""

from __future__ import annotations

import logging
import threading
import time

from django.conf import settings

from webapp.datasets.models import Version
from workers import app, ask, check
from workers.here import ThisWorker, worker
from workers.reconcile import Keeper
from workers.tasks import ring_check

logger = logging.getLogger(__name__)

MORE_THREADS = 8  # for checks, questions, and bells that find no slot free
STOP_WITHIN = 5.0  # seconds for an idle Celery worker to stop


def declare() -> None:
    """Make this worker's queues before any thread sends to them or listens.

    Kombu's memory transport keeps its exchanges and queues in plain dictionaries that it tests
    and then sets: of two threads that declare a queue at once, the later one throws away the
    routes of the earlier, and every message to that queue is lost for good.
    """
    with app.connection_for_write() as connection:
        channel = connection.channel()
        for queue in app.amqp.queues.consume_from.values():
            queue.bind(channel).declare()


class EmbeddedWorker:
    """Starts and stops everything that makes this process a worker."""

    def __init__(self, here: ThisWorker = worker):
        self.here = here
        self.controller = app.WorkController(
            app=app,
            hostname=here.name,
            pool="threads",
            concurrency=here.slots + MORE_THREADS,
            queues=here.queues,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        self.keeper = Keeper(here)
        self._thread = threading.Thread(target=self.controller.start, name="celery", daemon=True)

    def start(self) -> None:
        self.here.register()
        if settings.EMBEDDED:
            declare()
        self._thread.start()
        self.keeper.start()
        if settings.EMBEDDED:
            # The memory broker forgot its messages when the last process ended.
            for version in Version.objects.filter(state=Version.State.CHECKING):
                ring_check(version.pk)

    def stop(self) -> None:
        """Drain, then stop: every child makes its checkpoint and its job waits again."""
        self.here.draining.set()
        self.here.register()
        self._drain()
        ask.close_all()
        check.stop()
        self.keeper.stop()
        self.controller.stop()
        self._thread.join(timeout=STOP_WITHIN)
        for version_id in check.interrupted():  # we hear nothing any more: for another worker
            ring_check(version_id)
        self.here.leave()

    def _drain(self) -> None:
        until = time.monotonic() + settings.DRAIN_GRACE + 1
        while self.here.holding() and time.monotonic() < until:
            for supervisor in self.here.holding():  # one may have been claimed meanwhile
                supervisor.drain()
            time.sleep(0.05)
        for supervisor in self.here.holding():
            logger.error("job %s did not drain in time", supervisor.job.pk)
