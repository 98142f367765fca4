from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from webapp.audit.models import AuditEvent
from webapp.jobs.models import Attempt, Job, State, Worker
from webapp.pages import queue

pytestmark = pytest.mark.django_db


def text(response) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


@pytest.fixture
def worker():
    return Worker.objects.create(
        name="desk",
        host="here",
        pid=4711,
        queues=["cpu"],
        slots=1,
        devices=[{"name": "A device", "memory": 24_000_000_000}],
    )


def test_a_worker_shows_its_slots_queues_and_devices(client_of, viewer, worker):
    page = text(client_of(viewer).get("/queue/"))
    assert "desk" in page
    assert "1 of 1 free" in page
    assert "A device, 22.4 GiB" in page


def test_a_worker_that_stopped_beating_is_not_shown(client_of, viewer, worker):
    Worker.objects.update(heartbeat=timezone.now() - timedelta(hours=1))
    assert "No worker is running" in text(client_of(viewer).get("/queue/"))


def test_a_waiting_job_says_what_it_waits_for(client_of, viewer, worker, make_job):
    held = make_job(name="Holder", state=State.RUNNING, attempt=1)
    Attempt.objects.create(job=held, number=1, worker="desk", host="here")
    make_job(name="Next", state=State.QUEUED)
    page = text(client_of(viewer).get("/queue/parts/"))
    assert "a free slot: 1 of 1 taken" in page
    assert "Holder" in page


def test_another_teams_jobs_are_counted_but_not_named(client_of, outsider, worker, make_job):
    held = make_job(name="Holder", state=State.RUNNING, attempt=1)
    Attempt.objects.create(job=held, number=1, worker="desk", host="here")
    make_job(name="Next", state=State.QUEUED)
    page = text(client_of(outsider).get("/queue/"))
    assert "Holder" not in page
    assert "Next" not in page
    assert "a job of another team" in page
    assert "1 job of other teams waits too" in page


def test_a_long_queue_asks_the_database_no_more_often(client_of, maintainer, worker, make_job):
    client = client_of(maintainer)

    def asked(count: int) -> int:
        for _ in range(count):
            make_job(name="Next")
        with CaptureQueriesContext(connection) as queries:
            page = text(client.get("/queue/parts/"))
        assert page.count("/priority/") == Job.objects.count()
        return len(queries)

    assert asked(5) == asked(45)


def test_it_says_how_many_waiting_jobs_are_not_shown(client_of, viewer, make_job, monkeypatch):
    monkeypatch.setattr(queue, "MOST_WAITING", 2)
    for _ in range(2):
        make_job()
    assert "more job" not in text(client_of(viewer).get("/queue/"))
    make_job()
    assert "1 more job of your teams waits, after these" in text(client_of(viewer).get("/queue/"))


@pytest.mark.parametrize(("move", "priority"), [("sooner", 1), ("later", -1), ("first", 6)])
def test_a_maintainer_orders_the_queue(client_of, maintainer, make_job, *, move, priority):
    make_job(pk="0" * 26, priority=5)  # older than the next one
    job = make_job()
    response = client_of(maintainer).post(f"/queue/{job.pk}/priority/", {"move": move})
    assert response.status_code == 302
    job.refresh_from_db()
    assert job.priority == priority
    assert AuditEvent.objects.filter(target__contains=job.pk).exists()


def test_the_first_job_stays_first(client_of, maintainer, make_job):
    job = make_job()
    make_job()
    client_of(maintainer).post(f"/queue/{job.pk}/priority/", {"move": "first"})
    job.refresh_from_db()
    assert job.priority == 0


def test_an_editor_may_not_order_the_queue(client_of, editor, make_job):
    job = make_job()
    response = client_of(editor).post(f"/queue/{job.pk}/priority/", {"move": "sooner"})
    assert response.status_code == 403
    assert "/priority/" not in text(client_of(editor).get("/queue/"))


def test_a_stranger_gets_404(client_of, outsider, make_job):
    job = make_job()
    response = client_of(outsider).post(f"/queue/{job.pk}/priority/", {"move": "sooner"})
    assert response.status_code == 404


def test_a_move_that_does_not_exist_changes_nothing(client_of, maintainer, make_job):
    job = make_job()
    client_of(maintainer).post(f"/queue/{job.pk}/priority/", {"move": "away"})
    job.refresh_from_db()
    assert job.priority == 0
