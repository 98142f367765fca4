"""Inspectors: found by the method's slug, generic where there is none, warm only where asked."""

from __future__ import annotations

import io
import json

import pytest
from django.urls import reverse

from webapp.artifacts.models import Artifact
from webapp.artifacts.storage import keep
from webapp.inspectors import framework, generic
from webapp.jobs.models import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def add(home):
    """Gives a job an artifact."""

    def make(job, path: str, content: bytes, **fields) -> Artifact:
        given = {"title": path, "role": "inspector", "media": "application/json", "n": 1}
        blob = keep(io.BytesIO(content))
        return Artifact.objects.create(job=job, path=path, blob=blob, **{**given, **fields})

    return make


def test_a_method_with_an_inspector_gets_its_own():
    found = framework.inspector_of("gagn")
    assert (found.template, found.script) == ("inspectors/gagn.html", "js/inspectors/gagn.js")


@pytest.mark.parametrize("slug", ["fake", "views", "framework", "../jobs", "no-name", ""])
def test_others_get_the_generic_one(slug):
    assert framework.inspector_of(slug) is framework.GENERIC


def test_an_inspector_is_told_which_of_its_files_are_there(make_job, add):
    job = make_job()
    made = add(job, "inspector/a.json", b'{"a": 1}')
    add(job, "other.json", b"{}")
    add(make_job(), "inspector/b.json", b"{}")
    told = framework.files(job, "inspector/a.json", "inspector/b.json")
    assert told["files"] == {"inspector/a.json": made.pk}
    assert told["wanted"] == ["inspector/a.json", "inspector/b.json"]
    address = told["address"].replace(told["place"], made.pk)
    assert address == reverse("artifact-download", args=[made.pk])


def test_the_generic_one_leaves_out_what_is_no_figure(make_job, add):
    job = make_job()
    figure = json.dumps({"data": [], "layout": {}}).encode()
    add(job, "good.json", figure, role="figure", title="Good")
    for place, content in enumerate((b"{", b"[]", b'{"data": 3}', b"\xff\xfe", b"[" * 20_000)):
        add(job, f"bad{place}.json", content, role="figure")
    assert [shown["title"] for shown in generic.page(job)["figures"]] == ["Good"]


def test_the_generic_one_cuts_long_tables(make_job, add):
    job = make_job()
    rows = "".join(f"{n},<b>\n" for n in range(100))
    add(job, "t.csv", f"n,text\n{rows}".encode(), role="table", media="text/csv")
    (table,) = generic.page(job)["tables"]
    assert (table["columns"], len(table["rows"]), table["cut"]) == (["n", "text"], 20, True)


def test_the_page_says_that_what_if_gets_ready(client_of, viewer, make_job):
    address = reverse("job-inspect", args=[make_job(state=State.DONE).pk])
    assert "getting ready" in client_of(viewer).get(address).content.decode()


def test_a_waiting_job_answers_nothing_yet(client_of, viewer, make_job):
    address = reverse("job-inspect", args=[make_job().pk])
    assert "getting ready" not in client_of(viewer).get(address).content.decode()


def test_the_generic_one_draws_no_link_and_no_foreign_picture(make_job, add):
    job = make_job()
    title = '<a href="https://elsewhere.example">x</a>'
    layout = {"images": [{"source": "https://elsewhere.example/a.png"}], "title": {"text": title}}
    figure = json.dumps({"data": [{"y": [1]}], "layout": layout}).encode()
    add(job, "f.json", figure, role="figure")
    (shown,) = generic.page(job)["figures"]
    assert "images" not in shown["layout"]
    assert "<a" not in shown["layout"]["title"]["text"]


def test_the_generic_one_leaves_out_what_is_no_table(make_job, add):
    job = make_job()
    add(job, "t.csv", b'"' + b"x" * 200_000, role="table", media="text/csv")
    (table,) = generic.page(job)["tables"]
    assert (table["columns"], table["rows"]) == ([], [])
