"""Queue one sample job of each method on the sample datasets, so that no page is empty."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engine.core.registry import methods
from webapp.accounts.models import Role, User
from webapp.datasets.models import Version
from webapp.jobs.models import Project
from webapp.jobs.submit import Refused, submit


class Command(BaseCommand):
    help = "Queue a group of three seeds of each method on the sample datasets."

    def handle(self, *args: Any, **options: Any) -> None:
        owner = User.objects.filter(memberships__role=Role.OWNER).order_by("id").first()
        project = Project.objects.filter(team__members=owner).order_by("id").first()
        if project is None:
            raise CommandError("no user with a project yet: `make run` makes the first one")
        ready = Version.objects.filter(
            dataset__team=project.team, state=Version.State.READY
        ).order_by("id")
        for method in methods().values():
            inputs = {}
            for entry in method.inputs:
                fits = [
                    version
                    for version in ready.filter(dataset__kind=entry.kind)
                    if entry.refusal(version.facts) is None
                ]
                if fits and not entry.optional:
                    inputs[entry.name] = {"version": fits[0].pk}
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
