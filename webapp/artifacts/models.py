"""Blobs are bytes by their hash; artifacts are what a job made, by name."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from webapp.ids import LENGTH, new_id


class Blob(models.Model):
    """Bytes stored once. A client's file name is never a path on disk."""

    sha256 = models.CharField(primary_key=True, max_length=64)
    size = models.BigIntegerField()  # bytes
    created = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.sha256[:12]


class Artifact(models.Model):
    class Role(models.TextChoices):
        RESULT = "result"
        FIGURE = "figure"
        TABLE = "table"
        EXPORT = "export"
        INSPECTOR = "inspector"
        CHECKPOINT = "checkpoint"
        LOG = "log"

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="artifacts")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="artifacts")
    path = models.CharField(max_length=255)  # logical, unique in the job
    title = models.CharField(max_length=200)
    role = models.CharField(max_length=10, choices=Role.choices)
    media = models.CharField(max_length=100)  # media type, as the engine said
    kind = models.CharField(max_length=20, blank=True)  # data kind, if it can be an input
    facts = models.JSONField(default=dict)
    meta = models.JSONField(default=dict)
    step = models.BigIntegerField(null=True)
    n = models.BigIntegerField()  # the event that announced it
    best = models.BooleanField(default=False)  # of a checkpoint
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "path"], name="one_path_per_job")]
        indexes = [models.Index(fields=["kind"])]
        ordering = ["n"]

    def __str__(self) -> str:
        return self.path
