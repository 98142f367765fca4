"""The same jobs and the same questions for any database; `python -m` prints the answers."""

from __future__ import annotations

import json
import sys

QUERIES = (
    "", "method:gagn", "-method:gagn", "state:active", "params.lr<0.01", "params.lr>=0.001",
    "params.filter:off", "params.filter!=off", "params.degree:true", "params.degree:1",
    "params.fail_at:3", "params.fail_at!=3", "summary.test_accuracy>0.8",
    "summary.test_accuracy<0.9", "summary.baseline.gcn.test_accuracy<0.6", "tag:paper",
    'tag:"noise test"', "-tag:paper", "seed>=2", "talk", "TALK",
    "name:%", "name:_", "by:me", "created>1d", "-params.lr<0.01", "is:pinned",
)  # fmt: skip
SORTS = (
    "", "created", "name", "-name", "seed", "-summary.test_accuracy", "summary.test_accuracy",
    "params.lr", "-params.degree", "started", "-started",
)  # fmt: skip
COLUMNS = "params.lr,params.filter,params.degree,params.list,summary.test_accuracy"
JOBS = (
    {
        "name": "one", "method": "gagn", "state": "done", "seed": 1, "tags": ["paper"],
        "params": {"lr": 0.001, "filter": "auto", "degree": True, "fail_at": None, "list": [1, 2]},
        "summary": {"test_accuracy": 0.81, "baseline.gcn.test_accuracy": 0.57},
    },
    {
        "name": "two", "method": "gagn", "state": "running", "seed": 2, "pinned": True,
        "tags": ["paper", "noise test"], "summary": {"test_accuracy": None},
        "params": {"lr": 0.1, "filter": "off", "degree": False, "fail_at": 3},
        "started": "2026-01-02T03:04:05.678901+00:00",
    },
    {"name": "three", "method": "fake", "notes": "for the talk", "params": {"lr": "big"}},
    {
        "name": "four", "method": "fake", "params": {"lr": 7, "degree": "no"},
        "summary": {"test_accuracy": 1e-12}, "started": "2026-01-02T03:04:05.678902+00:00",
    },
)  # fmt: skip


def fill() -> object:
    """One editor with these jobs; answers with the editor."""
    from webapp.accounts.models import Membership, Team, User
    from webapp.ids import new_id
    from webapp.jobs.models import Job, Project

    user = User.objects.create_user("scenario@example.org", None, name="Scenario")
    team = Team.objects.create(slug="scenario", name="Scenario")
    Membership.objects.create(user=user, team=team, role="editor")
    project = Project.objects.create(team=team, slug="p", name="P")
    ids = sorted(new_id() for _ in JOBS)
    for pk, fields in zip(ids, JOBS, strict=True):
        Job.objects.create(id=pk, project=project, created_by=user, **fields)
    return user


def answers(user: object) -> dict[str, object]:
    from webapp.jobs import listing

    found: dict[str, object] = {
        q: sorted(row["name"] for row in listing.jobs_page(user, q=q).rows) for q in QUERIES
    }
    for sort in SORTS:
        rows, cursor = [], ""
        while cursor is not None:
            page = listing.jobs_page(user, sort=sort, columns=COLUMNS, cursor=cursor, size=1)
            rows += [[row["name"], *row["columns"]] for row in page.rows]
            cursor = page.next
        found[f"sort {sort}"] = rows
    return found


if __name__ == "__main__":
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    json.dump(answers(fill()), sys.stdout)
