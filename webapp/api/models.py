"""What an Idempotency-Key made, so that a repeated call does not make it twice."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from webapp.accounts.models import User


class Replay(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    body_hash = models.CharField(max_length=64)  # of the request, which must be the same
    jobs = models.JSONField(default=list)  # ids
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_replay_per_key")]

    def __str__(self) -> str:
        return self.key
