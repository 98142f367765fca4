"""`python -m tests.light` opens every address as the owner of a team with one of everything.

It says how many it opened and which of the heavy libraries came along. The addresses are those of
the policy table, of which a test says that it has them all.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import django
from PIL import Image

SERVING = (
    "webapp.asgi", "workers.tasks", "workers.supervisor", "workers.reconcile", "workers.embedded",
    "workers.ask",
)  # fmt: skip
HEAVY = ("torch", "transformers", "mne", "torch_geometric", "sklearn", "pandas")


def world() -> Any:
    """A team as the browser tests look at it, with a job of GAgN that has run."""
    from tests.browser import stage
    from webapp.accounts.models import Membership, Team, User
    from webapp.artifacts.models import Artifact
    from webapp.artifacts.storage import keep
    from webapp.datasets import uploads
    from webapp.inspectors.gagn import FILES
    from webapp.jobs.models import Job, State
    from webapp.metrics import store

    team = Team.objects.create(slug="lab", name="Lab")
    owner = User.objects.create_user("owner@example.org", name="owner")
    Membership.objects.create(user=owner, team=team, role="owner")
    made = stage.build(team, owner)
    drawn = io.BytesIO()
    Image.new("RGB", (2, 2)).save(drawn, "PNG")
    files = [(path, "application/json", b"[]") for path in FILES]
    for path, media, content in (*files, ("x.png", "image/png", drawn.getvalue())):
        words = {"title": path, "media": media, "role": "inspector", "n": 1}
        blob = keep(io.BytesIO(content))
        Artifact.objects.create(job=made.gagn, path=path, blob=blob, **words)
    uploads.begin(owner, team=team, name="new", kind="split", file_name="s.json", size=3)
    numbers = {"test_accuracy": 0.5, "baseline.mlp.test_accuracy": 0.4}
    store.append(made.gagn.pk, [(n, n, n * 0.5, numbers) for n in range(1, 9)])
    Job.objects.filter(pk=made.gagn.pk).update(state=State.DONE, summary=numbers, last_n=8)
    return made


def addresses(made: Any) -> Iterator[str]:
    """What the table lets an owner GET, each word that stands for a thing with all there are."""
    from engine.core.registry import methods
    from tests.browser.stage import SECRET
    from tests.security.policy_table import API, PAGES, rows
    from webapp.artifacts.models import Artifact
    from webapp.datasets.models import Dataset, Upload, Version
    from webapp.pages import docs

    words = {
        "jobs={own_job}": [f"jobs={made.done.pk},{made.gagn.pk}"],
        "{own_job}": [job.pk for job in (made.done, made.running, made.queued, made.gagn)],
        "{group}": [made.group.pk],
        "{project}": [made.done.project_id],
        "{team}": [made.team.pk],
        "{secret}": [SECRET],
        "{artifact}/raw/": [f"{row.pk}/raw/" for row in Artifact.objects.filter(path="x.png")],
        "{artifact}": [row.pk for row in Artifact.objects.all()],
        "{own_dataset}": [row.pk for row in Dataset.objects.all()],
        "{own_upload}": [row.pk for row in Upload.objects.all()],
        "{their_upload}": [row.pk for row in Upload.objects.all()],
        "{version}": [row.pk for row in Version.objects.all()],
        "fake": list(methods()),
        "/docs/api/": [f"/docs/{page.address}/" for page in (*docs.pages(), *docs.results())],
    }
    pages = [row[2] for row in rows(PAGES) if (row[1], row[-1]) == ("GET", "200")]
    of_api = ["/api/v1" + row[2] for row in rows(API) if (row[0], row[-1]) == ("GET", "200")]
    for address in (*pages, *of_api):
        forms = [address]
        for word, values in words.items():
            forms = [form.replace(word, value) for form in forms for value in values]
        yield from dict.fromkeys(forms)


def main() -> None:
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from engine.core.registry import methods
    from engine.data.kind import kinds

    settings.ALLOWED_HOSTS.append("testserver")
    call_command("migrate", verbosity=0)
    assert {"gagn"} <= set(methods())
    assert {"eeg", "graph", "images", "model", "split", "text", "traffic"} <= set(kinds())
    for name in SERVING:
        import_module(name)
    for method in methods().values():
        method.describe()
    made = world()
    client = Client()
    client.force_login(made.owner)
    opened = list(addresses(made))
    for address in opened:
        answer = client.get(address, headers={"host": "localhost"})
        assert answer.status_code == 200, (address, answer.status_code)
        b"".join(answer)
    heavy = [name for name in HEAVY if name in sys.modules]
    json.dump({"opened": opened, "heavy": heavy}, sys.stdout)


if __name__ == "__main__":
    main()
