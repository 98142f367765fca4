"""The job list: pages by keyset, columns, sorting, bulk deeds; ten thousand are no burden."""

from __future__ import annotations

import html
import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from webapp.ids import new_id
from webapp.jobs import listing
from webapp.jobs.models import Job, Project, State
from webapp.refused import Refused

pytestmark = pytest.mark.django_db
MOST_QUERIES, MOST_BYTES = 12, 60_000


@pytest.fixture
def many(project, editor):
    """Jobs with numbers in their parameters and summaries, some without."""

    def make(count: int) -> list[Job]:
        ids = sorted(new_id() for _ in range(count))
        return Job.objects.bulk_create(
            [
                Job(
                    id=pk, project=project, method="fake", created_by=editor, seed=place,
                    name=f"job number {place}", tags=["paper"] if place % 7 == 0 else [],
                    state=list(State)[place % 8],
                    params={"steps": place % 50, "scale": place / 7},
                    summary={"value": (place * 37 % 1000) / 3} if place % 3 else {},
                )
                for place, pk in enumerate(ids)
            ]
        )  # fmt: skip

    return make


def walk(user, **given) -> list[str]:
    """All ids over all pages."""
    found, cursor = [], ""
    while True:
        page = listing.jobs_page(user, size=10, cursor=cursor, **given)
        found += [row["id"] for row in page.rows]
        if page.next is None:
            return found
        cursor = page.next


@pytest.mark.parametrize(
    "sort",
    ["", "created", "-created", "name", "-state", "seed", "-seed", "summary.value",
     "-summary.value", "params.steps", "-params.scale", "started", "-ended", "summary.nowhere"],
)  # fmt: skip
def test_pages_follow_without_gap_or_repeat(many, editor, sort):
    jobs = many(35)
    found = walk(editor, sort=sort)
    assert len(found) == 35
    assert set(found) == {job.pk for job in jobs}


def test_pages_follow_by_time_with_values_and_without(many, editor):
    jobs = many(25)
    for place, job in enumerate(jobs[::2]):
        job.started = f"2026-01-{place // 2 + 1:02d}T00:00:00Z"
        job.save()
    assert sorted(walk(editor, sort="-started")) == sorted(job.pk for job in jobs)


def test_a_metric_sorts_as_a_number_and_nothing_comes_last(many, editor):
    many(40)
    rows = listing.jobs_page(editor, sort="-summary.value", columns="summary.value").rows
    values = [row["columns"][0] for row in rows]
    known = [float(value) for value in values if value is not None]
    assert known == sorted(known, reverse=True)
    assert values[len(known) :] == [None] * (40 - len(known))


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"sort": "colour"}, "sort"),
        ({"sort": "summary."}, "sort"),
        ({"sort": 'summary."'}, "sort"),
        ({"columns": "state"}, "cols"),
        ({"columns": ",".join(f"params.p{n}" for n in range(13))}, "cols"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "W10"}, "cursor"),
        ({"cursor": "é"}, "cursor"),
    ],
)
def test_bad_requests_are_named(editor, given, where):
    with pytest.raises(Refused) as error:
        listing.jobs_page(editor, **given)
    assert error.value.faults[0][0] == where


def test_a_cursor_is_for_its_own_sort(many, editor):
    many(15)
    cursor = listing.jobs_page(editor, size=5).next
    with pytest.raises(Refused, match="same sort"):
        listing.jobs_page(editor, sort="-seed", cursor=cursor)


def test_a_forged_cursor_does_no_harm(many, editor):
    import base64

    many(3)
    numbers = (True, 1e999, -1e999, 1.5, 1 << 70, -(1 << 70), 10**400)
    moments = ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00")
    for value in ([1], {}, "x", None, *numbers, *moments):
        for sort in ("-seed", "name", "-started", "-summary.value"):
            text = json.dumps([sort, value, "x"])
            cursor = base64.urlsafe_b64encode(text.encode()).decode()
            try:
                listing.jobs_page(editor, sort=sort, cursor=cursor)
            except Refused as refused:
                assert refused.faults[0][0] == "cursor"  # noqa: PT017 - either answer will do


@pytest.mark.parametrize("count", [60, 10_000])
def test_the_page_stays_light(client_of, editor, many, count):
    many(count)
    client = client_of(editor)
    address = reverse("jobs") + "?cols=params.steps,params.scale,summary.value&sort=-summary.value"
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.get(address + "&q=params.steps<40")
    page = answer.content.decode()
    assert len(re.findall(r"<tr data-job=", page)) == 50
    assert len(queries) <= MOST_QUERIES
    assert len(answer.content) <= MOST_BYTES
    assert not any("metrics_" in query["sql"] for query in queries)


def test_the_address_holds_the_whole_state(client_of, editor, many):
    many(120)
    client = client_of(editor)
    page = client.get(
        reverse("jobs") + "?q=state:done&sort=-seed&cols=params.steps"
    ).content.decode()
    (older,) = re.findall(r'rel="next" href="([^"]+)"', page) or [""]
    assert older == ""  # 15 jobs are done
    page = client.get(reverse("jobs") + "?sort=-seed&cols=params.steps").content.decode()
    (older,) = re.findall(r'rel="next" href="([^"]+)"', page)
    assert "sort=-seed" in older
    assert "cols=params.steps" in older
    second = client.get(reverse("jobs") + older.replace("&amp;", "&")).content.decode()
    assert "job number 69<" in second
    assert "job number 70<" not in second


def test_a_list_of_one_project_stays_its_list(client_of, editor, team, project, many):
    other = Project.objects.create(team=team, slug="other", name="Other")
    Job.objects.filter(pk__in=[job.pk for job in many(120)[:60]]).update(project=other)
    client = client_of(editor)
    page = client.get(reverse("jobs") + f"?project={project.pk}&sort=name").content.decode()
    assert re.search(r'<a class="chip" href="\?sort=name[^"]*"[^>]*>Bench ', page)
    table = page[page.index("<thead") :]
    onward = re.findall(r'href="(\?[^"]*)"', table)
    assert len(onward) > 5  # heads and "Older"
    assert all(f"project={project.pk}" in address for address in onward)
    (older,) = re.findall(r'rel="next" href="([^"]+)"', page)
    second = client.get(reverse("jobs") + html.unescape(older)).content.decode()
    assert len(re.findall(r"<tr data-job=", second)) == 10
    (newer,) = re.findall(r'rel="prev" href="([^"]+)"', second)
    assert f"project={project.pk}" in newer
    (picker,) = re.findall(r'hx-get="([^"]+)"', page)
    hidden = f'<input type="hidden" name="project" value="{project.pk}">'
    assert hidden in page
    assert hidden in client.get(html.unescape(picker)).content.decode()


def test_a_list_of_all_projects_names_none(client_of, editor, many):
    many(1)
    page = client_of(editor).get(reverse("jobs")).content.decode()
    assert "Only project" not in page
    assert 'name="project"' not in page


def test_a_list_of_a_project_that_is_not_theirs_is_empty(client_of, outsider, project, many):
    many(1)
    page = client_of(outsider).get(reverse("jobs") + f"?project={project.pk}").content.decode()
    assert "Only project" in page
    assert "Bench" not in page


def test_a_wrong_query_is_told_beside_the_field(client_of, editor, many):
    many(1)
    answer = client_of(editor).get(reverse("jobs") + "?q=state:burning")
    assert answer.status_code == 422
    assert "character 7: expected a state, one of: " in answer.content.decode()


def test_nobody_sees_the_jobs_of_others(client_of, outsider, many):
    many(3)
    assert "job number" not in client_of(outsider).get(reverse("jobs")).content.decode()


def test_names_are_shown_as_written(client_of, viewer, make_job):
    make_job(name="<img src=x onerror=alert(1)>", tags=["<b>"])
    page = client_of(viewer).get(reverse("jobs")).content.decode()
    assert "<img src=x" not in page
    assert "&lt;b&gt;" in page


def test_the_column_picker_lists_parameters_and_metrics(client_of, viewer):
    address = reverse("jobs-columns") + "?cols=params.steps,summary.own"
    page = client_of(viewer).get(address).content.decode()
    assert re.search(r'value="params.steps" data-column checked', page)
    assert 'value="summary.own"' in page  # an unknown one stays


def test_bulk_tags_and_archives_what_one_may(client_of, editor, make_job, maintainer):
    mine, other = make_job(name="mine"), make_job(name="other", created_by=maintainer)
    client = client_of(editor)
    given = {"job": [mine.pk, other.pk], "deed": "tag", "tag": "new"}
    page = client.post(reverse("jobs-bulk"), given, follow=True).content.decode()
    assert "1 job changed" in page
    assert "1 not changed" in page
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.tags, other.tags) == (["new"], [])
    client.post(reverse("jobs-bulk"), {"job": [mine.pk], "deed": "archive"})
    mine.refresh_from_db()
    assert mine.archived


def test_a_deed_goes_back_only_to_our_own_pages(client_of, editor, make_job):
    client = client_of(editor)
    given = {"job": [make_job().pk], "deed": "archive", "next": "https://evil.example/"}
    assert client.post(reverse("jobs-bulk"), given).url == reverse("jobs")
    given["next"] = "no-view-of-this-name"
    assert client.post(reverse("jobs-bulk"), given).url == reverse("jobs")
    given["next"] = "/jobs/?q=tag:a"
    assert client.post(reverse("jobs-bulk"), given).url == "/jobs/?q=tag:a"


def test_a_cursor_nested_too_deep_is_refused(editor):
    import base64

    cursor = base64.urlsafe_b64encode(b"[" * 20_000).decode()
    with pytest.raises(Refused, match="cursor"):
        listing.jobs_page(editor, cursor=cursor)


def test_pages_follow_also_where_a_metric_has_run_away(make_job, editor):
    for value in (1e30, 1e25, -1e30):
        make_job(summary={"value": value})
    first = listing.jobs_page(editor, sort="-summary.value", size=1)
    second = listing.jobs_page(editor, sort="-summary.value", size=1, cursor=first.next)
    assert second.rows[0]["sort_value"] == 1e25


def without_nul(execute, sql, params, many, context):
    """As strict as PostgreSQL, which takes no NUL in a text."""
    assert not any("\0" in value for value in params or () if isinstance(value, str))
    return execute(sql, params, many, context)


def test_bulk_asks_the_database_for_no_id_with_nul(client_of, editor, make_job):
    job = make_job()
    with connection.execute_wrapper(without_nul):
        client_of(editor).post(reverse("jobs-bulk"), {"job": ["\0", job.pk], "deed": "archive"})
    job.refresh_from_db()
    assert job.archived
