"""A heartbeat while files are carried from or to a store that may be far away or slow.

The supervisor's own thread is busy with the files; whoever reconciles must not take that for
its death.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from webapp.jobs.models import Attempt

MOST = 3600.0  # seconds; what is not carried by then is stuck, and the job may be given up


@contextmanager
def beating(attempt: Attempt) -> Iterator[None]:
    """Beat for this attempt for as long as the block lasts."""
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(attempt.pk, over), name="pulse", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(attempt_id: int, over: threading.Event) -> None:
    until = time.monotonic() + MOST
    while not over.wait(settings.HEARTBEAT) and time.monotonic() < until:
        try:
            Attempt.objects.filter(pk=attempt_id, ended=None).update(heartbeat=timezone.now())
        except (OperationalError, InterfaceError):
            continue  # the supervisor meets the same fault itself, and gives up in time
        finally:
            connection.close()
