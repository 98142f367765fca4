from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from webapp.accounts.models import Membership, Team
from webapp.datasets.models import Dataset
from webapp.jobs.models import Attempt, Project, State, Verification, Worker
from webapp.metrics import store

pytestmark = pytest.mark.django_db


def text(response) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


@pytest.fixture
def worker():
    return Worker.objects.create(name="desk", host="here", pid=1, queues=["cpu"], slots=2)


@pytest.fixture
def running(make_job, worker):
    job = make_job(
        state=State.RUNNING,
        name="A long walk",
        phase="train",
        progress={"done": 30, "total": 60, "eta": 125.0},
        attempt=1,
        started=timezone.now(),
    )
    Attempt.objects.create(job=job, number=1, worker="desk", host="here")
    store.append(job.pk, [(n, n, n * 1.0, {"value": float(n)}) for n in range(1, 20)])
    return job


def test_a_visitor_who_is_not_signed_in_is_sent_to_sign_in(client):
    for address in ("/", "/methods/", "/methods/fake/", "/queue/", "/docs/"):
        assert client.get(address)["Location"].startswith("/sign-in/")


def test_teams_and_projects_of_one_name_are_told_apart(client_of, editor, team, project):
    other = Team.objects.create(slug="lab-2", name="lab")
    Membership.objects.create(user=editor, team=other, role="editor")
    for slug in ("bench-2", "third"):
        Project.objects.create(team=team, slug=slug, name="Bench" if slug == "bench-2" else "Else")
    Dataset.objects.create(team=other, name="Graph", kind="graph")
    client = client_of(editor)
    rail = text(client.get("/")).split("</header>")[0]
    for name in ("Lab (lab) / Bench (bench)", "Lab (lab) / Bench (bench-2)", "Lab (lab) / Else"):
        assert f">{name}</a>" in rail
    assert "<td>lab (lab-2)</td>" in text(client.get("/datasets/"))
    assert "<h1>lab (lab-2)</h1>" in text(client.get("/teams/lab-2/"))


def test_a_bench_without_jobs_says_the_first_steps(client_of, editor):
    page = text(client_of(editor).get("/"))
    assert "First steps" in page
    assert "Add a dataset" in page
    assert "Start a job" in page


def test_a_viewer_is_not_told_to_start_jobs(client_of, viewer, editor, make_job):
    for jobs in (0, 1):
        for address in ("/", "/jobs/", "/methods/fake/", "/datasets/"):
            page = text(client_of(viewer).get(address))
            for offer in ("/jobs/new/", "/datasets/new/", "Add tag"):
                assert offer not in page, (address, jobs)
        assert "/jobs/new/" in text(client_of(editor).get("/jobs/"))
        make_job(state=State.DONE)
    assert "Add tag" in text(client_of(editor).get("/jobs/"))


def test_a_running_job_shows_its_phase_curve_and_time_left(client_of, editor, running):
    page = text(client_of(editor).get("/"))
    assert "A long walk" in page
    assert "2 min 05 s left in this phase" in page
    assert '<progress max="1" value="0.5"' in page
    assert "<polyline" in page
    assert "1 of 2 slots free" in page


def test_only_who_controls_a_job_is_offered_to_cancel_it(client_of, editor, viewer, running):
    address = f"/jobs/{running.pk}/cancel/"
    assert address in text(client_of(editor).get("/home/running/"))
    assert address not in text(client_of(viewer).get("/home/running/"))


def test_the_rails_number_counts_what_one_may_see(client_of, editor, outsider, running):
    assert text(client_of(editor).get("/home/count/")) == '<span title="1 running">1</span>'
    assert text(client_of(outsider).get("/home/count/")) == ""


def test_another_teams_jobs_are_not_shown(client_of, outsider, running):
    page = text(client_of(outsider).get("/"))
    assert "A long walk" not in page
    assert "Nothing runs." in page


def test_without_a_worker_the_page_says_that_jobs_wait(client_of, editor):
    assert "No worker is running" in text(client_of(editor).get("/"))


def test_the_second_visit_shows_what_ended_in_between(client_of, editor, make_job):
    client = client_of(editor)
    make_job(name="Before", state=State.DONE, ended=timezone.now() - timedelta(hours=3))
    assert "Ended last" in text(client.get("/"))
    session = client.session
    session["home_last"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    make_job(name="Meanwhile", state=State.FAILED, ended=timezone.now())
    page = text(client.get("/"))
    assert "Since you were here" in page
    assert "Meanwhile" in page
    assert "Before" not in page
    assert "Meanwhile" in text(client.get("/"))  # a reload is the same visit


def test_todays_oracles_are_counted_by_method(client_of, editor, make_job):
    job = make_job(state=State.DONE, started=timezone.now(), ended=timezone.now())
    about = {"job": job, "expected": 1, "got": 1, "tolerance": 0.1}
    Verification.objects.create(n=1, oracle="one", ok=True, **about)
    assert "1 oracle verified" in text(client_of(editor).get("/"))
    Verification.objects.create(n=2, oracle="two", ok=False, **about)
    assert "1 of 2 oracles refuted" in text(client_of(editor).get("/"))


def test_yesterdays_oracles_do_not_count(client_of, editor, make_job):
    job = make_job(state=State.DONE, started=timezone.now() - timedelta(days=2))
    Verification.objects.create(job=job, n=1, oracle="one", expected=1, got=1, tolerance=0, ok=True)
    assert "not exercised" in text(client_of(editor).get("/"))
