"""Idempotency-Key: the same call again answers with what the first one made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from webapp.accounts.models import User
from webapp.api.models import Replay
from webapp.jobs.models import Job
from webapp.refused import Refused

LASTS = timedelta(days=1)
HEADER = "Idempotency-Key"


def once(user: User, key: str | None, body: bytes, *, make: Callable[[], list[Job]]) -> list[Job]:
    """Jobs made now, or by the call that had this key before. Without a key: always now."""
    if key is None:
        return make()
    body_hash = hashlib.sha256(body).hexdigest()
    try:
        with transaction.atomic():
            Replay.objects.filter(user=user, created__lt=timezone.now() - LASTS).delete()
            # The row first: of two calls at once the second waits here, and then finds it.
            replay = Replay.objects.create(user=user, key=key, body_hash=body_hash)
            jobs = make()
            replay.jobs = [job.pk for job in jobs]
            replay.save(update_fields=["jobs"])
            return jobs
    except IntegrityError:
        earlier = Replay.objects.filter(user=user, key=key).first()
        if earlier is None:  # something else was not unique
            raise
    if earlier.body_hash != body_hash:
        raise Refused([(HEADER, "expected a new key; this one came with another request before")])
    return list(Job.objects.filter(pk__in=earlier.jobs).order_by("id"))
