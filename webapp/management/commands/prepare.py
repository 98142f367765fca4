"""Everything before the first request: tables, first user, sample datasets, static files.

Samples come once, to a bench of one process that has no dataset yet: who deletes them is
rid of them, and several machines are not a place for them.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from webapp.assets import collect_if_changed
from webapp.datasets.models import Dataset
from webapp.sole import sole


class Command(BaseCommand):
    help = "Migrate, make the first user, add the sample datasets, collect static files."

    @sole()
    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        collect_if_changed()
        call_command("firstuser", stdout=self.stdout)
        if settings.EMBEDDED and not Dataset.objects.exists():
            call_command("samples", stdout=self.stdout)
