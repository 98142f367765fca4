from __future__ import annotations

import pytest
from django.test import Client, RequestFactory

from webapp.pages import views

pytestmark = pytest.mark.django_db


def test_a_missing_page_says_what_may_have_happened(client_of, viewer):
    response = client_of(viewer).get("/no/such/page/")
    assert response.status_code == 404
    assert b"There is no such page here" in response.content
    assert response["X-Request-Id"].encode() in response.content
    assert b'id="rail-nav"' in response.content  # who is signed in goes on from here
    assert b'id="rail-nav"' not in Client().get("/no/such/page/").content


def test_a_refusal_says_what_role_is_needed(client_of, editor, make_job):
    job = make_job()
    response = client_of(editor).post(f"/queue/{job.pk}/priority/", {"move": "sooner"})
    assert response.status_code == 403
    assert b"queue.order needs the role maintainer" in response.content


def test_a_form_without_its_token_is_explained(editor, make_job):
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    response = client.post(f"/queue/{make_job().pk}/priority/", {"move": "sooner"})
    assert response.status_code == 403
    assert b"This form is no longer valid" in response.content


def test_the_page_of_a_broken_server_needs_no_database(django_assert_num_queries):
    request = RequestFactory().get("/")
    request.id = "01j"
    with django_assert_num_queries(0):
        response = views.broken(request)
    assert response.status_code == 500
    assert b"01j" in response.content
