"""Pages, workers and cards stay light: none of the heavy libraries is ever imported there."""

from __future__ import annotations

import json
import os
import subprocess
import sys

HEAVY = ("torch", "transformers", "mne", "torch_geometric", "sklearn", "pandas")
SCRIPT = """
import json, sys
import django
django.setup()
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver
from django.conf import settings

settings.ALLOWED_HOSTS.append("testserver")
call_command("migrate", verbosity=0)

from engine.core.registry import methods
from engine.data.kind import kinds
assert {"gagn"} <= set(methods()) and {"graph", "split"} <= set(kinds())
for method in methods().values():
    method.describe()

import webapp.asgi
import workers.tasks, workers.supervisor, workers.reconcile, workers.embedded, workers.ask
from webapp.accounts.models import Membership, Team, User

team = Team.objects.create(slug="lab", name="Lab")
user = User.objects.create_user("owner@example.org", "x", name="owner")
Membership.objects.create(user=user, team=team, role="owner")
from webapp.jobs.models import Job, Project
project = Project.objects.create(team=team, slug="bench", name="Bench")
job = Job.objects.create(project=project, method="gagn", created_by=user)
from webapp.datasets.models import Dataset
dataset = Dataset.objects.create(team=team, name="d", kind="graph")

client = Client()
client.force_login(user)
ids = {"Job": job.pk, "Dataset": dataset.pk, "Team": team.slug}
opened = []
for path in PATHS:
    path = path.format(job=job.pk, dataset=dataset.pk, team=team.slug)
    status = client.get(path, headers={"host": "localhost"}).status_code
    opened.append((path, status))
    assert status == 200, (path, status)
print(json.dumps({"opened": len(opened), "heavy": [m for m in HEAVY if m in sys.modules]}))
"""
PATHS = (
    "/",
    "/account/",
    "/teams/{team}/",
    "/jobs/",
    "/jobs/new/?method=gagn",
    "/jobs/{job}/",
    "/jobs/{job}/charts/",
    "/jobs/{job}/inspect/",
    "/jobs/{job}/logs/",
    "/jobs/{job}/artifacts/",
    "/jobs/{job}/config/",
    "/jobs/{job}/attempts/",
    "/compare/",
    "/datasets/",
    "/datasets/new/",
    "/datasets/{dataset}/",
    "/methods/",
    "/methods/gagn/",
    "/queue/",
    "/docs/",
    "/api/v1/methods",
    "/api/v1/jobs",
)


def test_no_page_card_or_worker_imports_a_heavy_library(tmp_path):
    script = SCRIPT.replace("PATHS", repr(PATHS)).replace("HEAVY", repr(HEAVY))
    result = subprocess.run(
        [sys.executable, "-c", script],
        env={
            **os.environ,
            "TENFOLD_HOME": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "webapp.settings",
            "DEBUG": "1",  # no manifest of static files
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    answer = json.loads(result.stdout.splitlines()[-1])
    assert answer == {"opened": len(PATHS), "heavy": []}
