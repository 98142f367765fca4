"""Queue one sample job of each method on the sample datasets, so that no page is empty."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engine.core.method import Method
from engine.core.registry import methods
from webapp.accounts.models import Role, User
from webapp.datasets.models import Version
from webapp.jobs.models import Project
from webapp.jobs.submit import Refused, submit


def sample_inputs(method: Method, samples: list[Version]) -> dict[str, dict[str, str]]:
    """Each input gets the first sample that fits, that no input before it has, and that goes
    together with theirs."""
    chosen: dict[str, Version] = {}
    for entry in method.inputs:
        for version in samples:
            fits = version.dataset.kind == entry.kind and entry.refusal(version.facts) is None
            if not fits or version in chosen.values():
                continue
            facts = {name: one.facts for name, one in {**chosen, entry.name: version}.items()}
            if method.conflict and entry.optional and method.conflict(method.params(), facts):
                continue
            chosen[entry.name] = version
            break
    return {name: {"version": version.pk} for name, version in chosen.items()}


class Command(BaseCommand):
    help = "Queue a group of three seeds of each method on the sample datasets."

    def handle(self, *args: Any, **options: Any) -> None:
        owner = User.objects.filter(memberships__role=Role.OWNER).order_by("id").first()
        project = Project.objects.filter(team__members=owner).order_by("id").first()
        if project is None:
            raise CommandError("no user with a project yet: `make run` makes the first one")
        samples = Version.objects.filter(
            dataset__team=project.team,
            dataset__name__startswith="Sample",
            state=Version.State.READY,
        )
        for method in methods().values():
            inputs = sample_inputs(method, list(samples.order_by("id")))
            try:
                jobs = submit(
                    owner,
                    project=project,
                    method=method.slug,
                    inputs=inputs,
                    params={},
                    seeds=[0, 1, 2],
                    name=f"{method.title} on the sample",
                    tags=["demo"],
                )
            except Refused as refusal:
                self.stdout.write(f"{method.title}: not queued, {refusal}")
            else:
                self.stdout.write(f"{method.title}: {len(jobs)} jobs queued in {project}")
