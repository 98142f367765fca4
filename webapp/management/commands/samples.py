"""Adds the sample datasets to a team. Run it as often as you like: equal bytes, equal version."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engine.data.sample import write_samples
from webapp.accounts.models import Membership, Role, Team
from webapp.datasets import store
from webapp.refused import Refused


class Command(BaseCommand):
    help = "Add the sample datasets to a team."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--team", help="its slug; the first team if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        team = _team(options["team"])
        owner = Membership.objects.filter(team=team, role=Role.OWNER).order_by("since").first()
        if owner is None:
            raise CommandError(f"{team.slug} has no owner in whose name data could be added")
        with tempfile.TemporaryDirectory(prefix="tenfold-samples-") as folder:
            for sample in write_samples(Path(folder)):
                try:
                    version = store.create(
                        owner.user,
                        team=team,
                        name=sample.name,
                        kind=sample.kind,
                        file=sample.path,
                        file_name=sample.path.name,
                        description=sample.description,
                    )
                except Refused as refused:
                    raise CommandError(f"{sample.name}: {refused}") from None
                self.stdout.write(f"{version} ({version.state})")


def _team(slug: str | None) -> Team:
    teams = Team.objects.order_by("created")
    team = teams.filter(slug=slug).first() if slug else teams.first()
    if team is None:
        known = ", ".join(teams.values_list("slug", flat=True)) or "none"
        raise CommandError(f"--team: no team is called {slug!r}; there are: {known}")
    return team
