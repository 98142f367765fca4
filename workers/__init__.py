"""Celery carries only bells and ids between the web and its workers; the database is the truth.

Without a broker address the memory transport serves one process (embedded mode).
"""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

from celery import Celery
from django.conf import settings

app = Celery("tenfold", include=["workers.tasks"])
app.conf.update(
    broker_url=settings.BROKER_URL or "memory://",
    # The memory transport sleeps a whole second between two looks unless told otherwise.
    broker_transport_options={"polling_interval": 0.05} if settings.EMBEDDED else {},
    broker_connection_retry_on_startup=True,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    # A message is done once it is heard: what it was about stands in the database.
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    task_default_queue="cpu",
    worker_direct=True,  # each worker also listens to a queue of its own
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
)
