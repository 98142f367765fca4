from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from webapp.ids import new_id
from webapp.jobs.models import State, Worker

pytestmark = pytest.mark.django_db


def test_the_order_in_which_workers_take_jobs(caller, viewer, make_job):
    second, third = sorted((new_id(), new_id()))  # by age
    make_job(id=second, name="second")
    make_job(id=third, name="third")
    make_job(name="first", priority=5)
    make_job(name="now", state=State.RUNNING)
    shown = caller(viewer).get("/queue").json()
    assert [job["name"] for job in shown["waiting"]] == ["first", "second", "third"]
    assert [job["name"] for job in shown["active"]] == ["now"]
    assert shown["counts"] == {"cpu": {"queued": 3, "running": 1}}
    waits = [job["waits_for"] for job in (*shown["active"], *shown["waiting"])]
    assert waits == [None, *3 * ["waits for a worker: none is running"]]


def test_an_outsider_sees_how_many_and_nothing_else(caller, outsider, make_job):
    make_job(name="ours")
    shown = caller(outsider).get("/queue").json()
    assert shown["counts"] == {"cpu": {"queued": 1}}
    assert "ours" not in str(shown)


def test_workers_are_listed(caller, viewer):
    Worker.objects.create(name="one", host="h", pid=1, queues=["cpu"], slots=2)
    long_ago = timezone.now() - timedelta(seconds=settings.HEARTBEAT_LIMIT + 10)
    Worker.objects.create(name="killed", host="h", pid=2, slots=1, heartbeat=long_ago)
    (shown,) = caller(viewer).get("/workers").json()
    assert (shown["name"], shown["queues"], shown["slots"]) == ("one", ["cpu"], 2)
