"""Projects, jobs, groups, attempts: what was asked, and how each try went."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.utils import timezone

from engine.core.registry import methods
from webapp.accounts.models import Team, User
from webapp.artifacts.models import Artifact
from webapp.datasets.models import Version
from webapp.ids import LENGTH, new_id


class Project(models.Model):
    """A team's named body of jobs."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="projects")
    slug = models.SlugField(max_length=50)
    name = models.CharField(max_length=100)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "slug"], name="one_slug_per_team")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def title_among(self, projects: Iterable[Project]) -> str:
        """The name; with the address where others of its team would look the same."""
        mine = (self.team_id, self.name.casefold())
        alike = sum((each.team_id, each.name.casefold()) == mine for each in projects)
        return f"{self.name} ({self.slug})" if alike > 1 else self.name


class Group(models.Model):
    """Jobs that differ only in their seed."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(max_length=100, blank=True)
    created = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name or self.id


class State(models.TextChoices):
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    FINISHING = "finishing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


WAITING = (State.QUEUED,)
ACTIVE = (State.STARTING, State.RUNNING, State.FINISHING)
ENDED = (State.DONE, State.FAILED, State.CANCELLED, State.LOST)


class Queue(models.TextChoices):
    CPU = "cpu"
    GPU = "gpu"
    HDL = "hdl"


def called(name: str, method: str, seed: int, *, grouped: bool) -> str:
    """What a job is called where people read of it: one without a name by what it is, one of a
    group by its seed too, since the name is that of all."""
    card = methods().get(method)
    if name and not grouped:
        return name
    return f"{name or (card.title if card else method)}, seed {seed}"


class Job(models.Model):
    """One execution request. Its state moves only through `webapp.jobs.states.move`."""

    class Wanted(models.TextChoices):
        """What people asked of a job that a worker holds."""

        NOTHING = ""
        CANCEL = "cancel"

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="jobs")
    group = models.ForeignKey(Group, null=True, on_delete=models.SET_NULL, related_name="jobs")
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="forks")
    method = models.CharField(max_length=40)
    name = models.CharField(max_length=100, blank=True)
    notes = models.TextField(blank=True)
    tags = models.JSONField(default=list)  # of strings
    pinned = models.BooleanField(default=False)
    archived = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(default=timezone.now)

    # What was asked
    params = models.JSONField(default=dict)  # complete: defaults filled in
    seed = models.BigIntegerField(default=0)
    device = models.CharField(max_length=10, default="auto")
    threads = models.PositiveIntegerField(default=1)
    queue = models.CharField(max_length=5, choices=Queue.choices, default=Queue.CPU)
    priority = models.IntegerField(default=0)  # larger first
    limits = models.JSONField(default=dict)  # seconds, memory and disk in bytes, silence

    # How it goes
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=0)  # number of the newest attempt
    wanted = models.CharField(max_length=10, choices=Wanted.choices, blank=True, default="")
    resume = models.BooleanField(default=False)  # the next attempt goes on from the checkpoint
    phase = models.CharField(max_length=60, blank=True)
    progress = models.JSONField(default=dict)  # {done, total, eta}
    seq = models.BigIntegerField(default=0)  # batches committed; live pages order by it
    last_n = models.BigIntegerField(default=0)  # number of the newest stored event
    checkpoint_n = models.BigIntegerField(null=True)  # n of the newest stored checkpoint
    started = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    message = models.TextField(blank=True)  # why it failed, for people
    where = models.CharField(max_length=200, blank=True)  # the parameter or input at fault
    environment = models.JSONField(default=dict)
    summary = models.JSONField(default=dict)  # {metric: number or null}

    class Meta:
        indexes = [
            models.Index(fields=["project", "-id"]),
            models.Index(fields=["project", "method", "-id"]),
            models.Index(fields=["state", "queue", "-priority", "id"]),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return called(self.name, self.method, self.seed, grouped=self.group_id is not None)

    @property
    def with_seed(self) -> str:
        """Where jobs that may share a name stand side by side."""
        return called(self.name, self.method, self.seed, grouped=True)

    @property
    def team_id(self) -> str:
        return self.project.team_id

    @property
    def params_now(self) -> dict[str, Any]:
        """`params`, which it began with, as they were changed since."""
        now = dict(self.params)
        for change in self.changes.filter(fault=""):
            now |= change.values
        return now


class JobInput(models.Model):
    """Lineage: a dataset version, or an artifact of another job, under the input's name."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="inputs")
    name = models.CharField(max_length=40)
    version = models.ForeignKey(
        Version, null=True, on_delete=models.PROTECT, related_name="used_by"
    )
    artifact = models.ForeignKey(
        Artifact, null=True, on_delete=models.PROTECT, related_name="used_by"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "name"], name="one_value_per_input"),
            models.CheckConstraint(
                condition=models.Q(version__isnull=True) ^ models.Q(artifact__isnull=True),
                name="version_or_artifact",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Attempt(models.Model):
    """One try at a job. Every write of its supervisor names its number."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=100)
    host = models.CharField(max_length=100)
    pgid = models.IntegerField(null=True)  # of the child's process group, on `host`
    resumed_from = models.BigIntegerField(null=True)  # n of the checkpoint
    started = models.DateTimeField(default=timezone.now)
    ended = models.DateTimeField(null=True)
    heartbeat = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=10, choices=State.choices, blank=True)
    exit_code = models.IntegerField(null=True)
    signal = models.IntegerField(null=True)
    reason = models.TextField(blank=True)
    peak_rss = models.BigIntegerField(null=True)  # bytes
    cpu_seconds = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="one_number_per_job")]
        ordering = ["number"]

    def __str__(self) -> str:
        return f"attempt {self.number}"


class Change(models.Model):
    """Live parameters that a person changed while the job ran.

    A supervisor tells its child what no attempt has taken yet; a rewind to before it was taken
    has it told again. So an attempt that goes on does so with the changed values.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="changes")
    values = models.JSONField()  # {parameter: its new value}
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    asked = models.DateTimeField(default=timezone.now)
    n = models.BigIntegerField(null=True)  # the event that says that it was taken
    attempt = models.PositiveIntegerField(null=True)
    step = models.BigIntegerField(null=True)  # the last one logged before it was taken
    fault = models.TextField(blank=True)  # why it never will be

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.values.items())


class LogPart(models.Model):
    """A stretch of the job's log, at most 64 kB."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log_parts")
    attempt = models.PositiveIntegerField()
    n = models.BigIntegerField()  # the newest event when it was written
    seq = models.BigIntegerField()  # of the batch, as in Job.seq
    text = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["job", "id"])]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"log {self.seq}"


class Verification(models.Model):
    """An oracle checked inside a job."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="verifications")
    n = models.BigIntegerField()
    oracle = models.CharField(max_length=200)
    expected = models.JSONField()  # a number, or "nan", "inf", "-inf"
    got = models.JSONField()
    tolerance = models.FloatField()
    ok = models.BooleanField()

    class Meta:
        ordering = ["n"]

    def __str__(self) -> str:
        return self.oracle


class Worker(models.Model):
    """A process that takes jobs; what the queue page shows."""

    name = models.CharField(primary_key=True, max_length=100)
    host = models.CharField(max_length=100)
    pid = models.IntegerField()
    queues = models.JSONField(default=list)
    slots = models.PositiveIntegerField(default=1)
    devices = models.JSONField(default=list)  # [{name, memory}]
    started = models.DateTimeField(default=timezone.now)
    heartbeat = models.DateTimeField(default=timezone.now)
    draining = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class Lease(models.Model):
    """A named right that one process holds for a while (reconciling)."""

    name = models.CharField(primary_key=True, max_length=40)
    holder = models.CharField(max_length=100)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} by {self.holder}"
