"""Who did what: written in the same transaction as the deed."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from webapp.accounts.models import Team, User


class AuditEvent(models.Model):
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="audit")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    action = models.CharField(max_length=60)  # "job.cancel", "member.role", …
    target = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["team", "-id"])]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"
