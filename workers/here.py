"""This process as a worker: its name, its queues, its slots, and the jobs that it holds."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from webapp.jobs.models import Queue, Worker
from webapp.jobs.states import LOW_DISK
from workers import devices

if TYPE_CHECKING:
    from workers.supervisor import Supervisor

HOST = socket.gethostname()


class ThisWorker:
    """What the tasks of this process share."""

    def __init__(self) -> None:
        self.name = f"tenfold-{os.getpid()}@{HOST}"
        self.queues = devices.able(settings.QUEUES)
        self.slots = settings.SLOTS
        self.held: dict[str, Supervisor] = {}
        self.draining = threading.Event()
        self._free = threading.Semaphore(self.slots)
        self._lock = threading.Lock()

    @property
    def job_queues(self) -> list[str]:
        return [queue for queue in self.queues if queue in Queue.values]

    def take_slot(self) -> bool:
        return self._free.acquire(blocking=False)

    def give_slot(self) -> None:
        self._free.release()

    @property
    def has_room(self) -> bool:
        return len(self.held) < self.slots

    def hold(self, supervisor: Supervisor) -> None:
        with self._lock:
            self.held[supervisor.job.pk] = supervisor

    def let_go(self, supervisor: Supervisor) -> None:
        with self._lock:
            if self.held.get(supervisor.job.pk) is supervisor:
                del self.held[supervisor.job.pk]

    def holding(self) -> list[Supervisor]:
        with self._lock:
            return list(self.held.values())

    def gpu(self) -> int | None:
        """The GPU that the fewest of our jobs use."""
        found = devices.gpus()
        if not found:
            return None
        busy = [supervisor.gpu for supervisor in self.holding()]
        return min(found, key=lambda gpu: busy.count(gpu.index)).index

    def register(self) -> None:
        """Say that we are here: the queue page and the others see it."""
        Worker.objects.update_or_create(
            name=self.name,
            defaults={
                "host": HOST,
                "pid": os.getpid(),
                "queues": self.queues,
                "slots": self.slots,
                "devices": devices.described(),
                "heartbeat": timezone.now(),
                "draining": self.draining.is_set(),
            },
        )

    def leave(self) -> None:
        Worker.objects.filter(name=self.name).delete()


def short_of_disk() -> str:
    """Why no job may start here, if the disk is nearly full; else nothing."""
    free = shutil.disk_usage(settings.TENFOLD_HOME).free
    if free >= settings.MIN_FREE_DISK:
        return ""
    least = settings.MIN_FREE_DISK / (1 << 30)
    return f"{LOW_DISK}less than {least:g} GiB is free on the disk of {HOST}"


worker = ThisWorker()
