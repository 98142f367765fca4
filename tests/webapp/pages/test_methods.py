from __future__ import annotations

import pytest

from engine.core.registry import methods
from webapp.jobs.models import State

pytestmark = pytest.mark.django_db


def text(response) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_every_method_is_listed_with_its_jobs(client_of, viewer, make_job):
    make_job(state=State.DONE)
    make_job(state=State.FAILED)
    page = text(client_of(viewer).get("/methods/"))
    for method in methods().values():
        assert method.title in page
    assert "2 jobs, 1 done" in page


@pytest.mark.parametrize("slug", sorted(methods()))
def test_a_method_shows_all_that_its_card_says(client_of, editor, slug):
    method = methods()[slug]
    page = text(client_of(editor).get(f"/methods/{slug}/"))
    for name in method.params.model_fields:
        assert name in page
    for metric in method.metrics:
        assert metric.key in page
    for baseline in method.baselines:
        assert baseline.title in page
    assert f"/jobs/new/?method={slug}" in page


def test_the_best_jobs_stand_beside_their_best_baseline(client_of, viewer, make_job):
    make_job(name="Low", state=State.DONE, summary={"value": 0.25, "baseline.flat.value": 0.125})
    make_job(name="High", state=State.DONE, summary={"value": 0.75})
    make_job(name="None", state=State.DONE, summary={"value": None})
    make_job(name="Broken", state=State.FAILED, summary={"value": 0.9})
    page = text(client_of(viewer).get("/methods/fake/"))
    assert page.index("High") < page.index("Low")
    assert "0.1250" in page
    assert "Broken" not in page


def test_another_teams_jobs_are_not_among_the_best(client_of, outsider, make_job):
    make_job(name="Secret", state=State.DONE, summary={"value": 0.9})
    assert "Secret" not in text(client_of(outsider).get("/methods/fake/"))


def test_a_method_that_does_not_exist_is_404(client_of, viewer):
    assert client_of(viewer).get("/methods/nothing/").status_code == 404
