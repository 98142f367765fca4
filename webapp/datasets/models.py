"""Datasets, their immutable versions, and uploads on their way to become one."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from webapp.accounts.models import Team, User
from webapp.artifacts.models import Blob
from webapp.ids import LENGTH, new_id

UPLOADS = "uploads"  # the store's folder of parts


class Dataset(models.Model):
    """A name and a kind in a team; what it holds are its versions."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="one_name_per_team")]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """One content of a dataset. Never changes after its check; equal bytes, equal version."""

    class State(models.TextChoices):
        CHECKING = "checking"
        READY = "ready"
        REJECTED = "rejected"

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="versions")
    file_name = models.CharField(max_length=255)  # as uploaded, cleaned; only ever shown
    state = models.CharField(max_length=10, choices=State.choices, default=State.CHECKING)
    facts = models.JSONField(default=dict)
    report = models.JSONField(default=list)  # [{level, where, text}]
    preview = models.JSONField(null=True)  # {"figures": [...], "tables": [...]}
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(default=timezone.now)
    checked = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "number"], name="one_number_per_dataset"),
            models.UniqueConstraint(fields=["dataset", "blob"], name="one_version_per_content"),
        ]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"


class Upload(models.Model):
    """A file that comes in parts, and what it shall become. It stays for a while after that, so
    that who missed the last answer learns the version."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)  # of the dataset
    kind = models.CharField(max_length=20)
    description = models.TextField(blank=True)
    file_name = models.CharField(max_length=255)  # cleaned; only ever shown
    size = models.BigIntegerField()  # bytes that were announced
    received = models.BigIntegerField(default=0)  # bytes, from the first one without a gap
    modified = models.FloatField(null=True)  # of the file, seconds since 1970, as the client said
    sha256 = models.CharField(max_length=64, blank=True)  # as announced
    version = models.ForeignKey(Version, null=True, on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField()

    def __str__(self) -> str:
        return self.file_name

    @property
    def share(self) -> float:
        return self.received / self.size


class Part(models.Model):
    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    start = models.BigIntegerField()  # bytes before it
    size = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "start"], name="one_part_a_place")]
        ordering = ["start"]

    def __str__(self) -> str:
        return self.path

    @property
    def path(self) -> str:
        """Its name in the store."""
        return f"{UPLOADS}/{self.upload_id}/{self.pk}"
