"""Every page of jobs opens in every state that a job can be in, and a stranger gets 404."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from engine.core.registry import methods
from webapp.artifacts.models import Artifact
from webapp.artifacts.storage import keep
from webapp.jobs import results
from webapp.jobs.models import Attempt, Group, LogPart, State, Verification
from webapp.jobs.views import job as views
from webapp.metrics import store

pytestmark = pytest.mark.django_db
TABS = (
    "job", "job-charts", "job-inspect", "job-logs", "job-artifacts", "job-config", "job-attempts",
)  # fmt: skip


@pytest.fixture
def full_job(make_job, home, tmp_path):
    """A done job with something of everything."""
    job = make_job(
        name="full",
        state=State.DONE,
        params={"steps": 50, "mode": "level", "gone": 1},
        summary={"value": 1.25, "baseline.flat.value": 0.5, "other": None},
        environment={"python": "3.11", "packages": {"numpy": "2.0"}},
        tags=["paper"],
        notes="**bold** <script>",
        attempt=1,
        seq=3,
    )
    Attempt.objects.create(job=job, number=1, worker="w", host="h", outcome="done", exit_code=0)
    LogPart.objects.create(job=job, attempt=1, n=1, seq=1, text="hello <b>\n")
    Verification.objects.create(
        job=job, n=2, oracle="mean", expected=1, got="nan", tolerance=0.1, ok=False
    )
    store.append(job.pk, [(n, n, 1000.0 + n, {"value": n / 2}) for n in range(1, 6)])
    figure = tmp_path / "figure.json"
    figure.write_text('{"data": [{"type": "bar", "x": ["a"], "y": [1]}], "layout": {}}')
    table = tmp_path / "table.csv"
    table.write_text("node,score\n1,0.25\n")
    for path, role, media in (
        (figure, "figure", "application/vnd.plotly.v1+json"),
        (table, "table", "text/csv"),
    ):
        Artifact.objects.create(
            job=job, blob=keep(path), path=path.name, title=path.stem, role=role, media=media, n=3
        )
    return job


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("state", State.values)
def test_each_tab_opens_in_each_state(client_of, viewer, make_job, tab, state):
    job = make_job(state=state)
    assert client_of(viewer).get(reverse(tab, args=[job.pk])).status_code == 200


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_opens_for_a_job_with_everything(client_of, viewer, full_job, tab):
    answer = client_of(viewer).get(reverse(tab, args=[full_job.pk]))
    assert answer.status_code == 200
    assert "full" in answer.content.decode()


@pytest.mark.parametrize("tab", TABS)
def test_a_stranger_finds_no_tab(client_of, outsider, make_job, tab):
    assert client_of(outsider).get(reverse(tab, args=[make_job().pk])).status_code == 404


def test_a_job_of_a_method_that_is_gone_still_opens(client_of, viewer, make_job):
    job = make_job(method="forgotten", state=State.DONE, summary={"a": 1.0}, params={"b": [1]})
    for tab in TABS:
        assert client_of(viewer).get(reverse(tab, args=[job.pk])).status_code == 200


def test_the_overview_shows_the_method_beside_its_baseline(client_of, viewer, full_job):
    page = client_of(viewer).get(reverse("job", args=[full_job.pk])).content.decode()
    assert "Fake walk" in page
    assert "+0.7500" in page  # 1.25 minus 0.5
    assert "<script>" not in page.split("Notes", 1)[1].split("</section>")[0]


def test_the_overview_draws_what_the_method_calls_its_results(client_of, viewer, full_job):
    address = reverse("job", args=[full_job.pk])
    assert "data-result" not in client_of(viewer).get(address).content.decode()
    full_job.artifacts.update(role=Artifact.Role.RESULT)
    page = client_of(viewer).get(address).content.decode()
    assert 'data-result="figure.json"' in page
    assert f'data-figure="{full_job.artifacts.get(path="figure.json").pk}"' in page
    assert '<td class="num">0.25</td>' in page


def test_numbers_are_listed_by_the_numbers_in_their_names(full_job):
    summary = {"cell.dice.rate10": 1, "cell.dice.rate5": 1, "cell.given": 1}
    listed = [row["key"] for row in results.rest(None, summary)]
    assert listed == ["cell.dice.rate5", "cell.dice.rate10", "cell.given"]


def test_the_first_curves_are_of_the_method_as_a_whole(full_job):
    card = results.card_of(full_job)
    keys = ["cell.a.part.value", "part.value", "baseline.flat.value", "other"]
    store.append(full_job.pk, [(9 + n, n, 1.0, dict.fromkeys(keys, 1.0)) for n in range(2)])
    assert results.key_curves(full_job, card) == ["value", *keys[1::-1], keys[2]]


def test_of_equal_curves_those_that_begin_first_are_first(make_job):
    job = make_job()
    for step, key in enumerate(("train", "share", "sim")):
        store.append(job.pk, [(2 * step + n + 1, step + n, 1.0, {key: 1.0}) for n in range(2)])
    assert results.key_curves(job, results.card_of(job)) == ["train", "share", "sim"]


def test_the_badge_is_red_when_one_oracle_is_refuted(client_of, viewer, full_job):
    Verification.objects.create(
        job=full_job, n=3, oracle="sum", expected=1, got=1, tolerance=0, ok=True
    )
    page = client_of(viewer).get(reverse("job", args=[full_job.pk])).content.decode()
    assert "1 of 2 oracles refuted" in page


def test_the_config_tells_what_differs_from_default_and_parent(client_of, viewer, make_job):
    parent = make_job(params={"steps": 50, "mode": "walk"})
    child = make_job(params={"steps": 60, "mode": "walk"}, parent=parent)
    page = client_of(viewer).get(reverse("job-config", args=[child.pk])).content.decode()
    assert page.count("<strong>60</strong>") == 1
    assert "<strong>walk</strong>" not in page


@pytest.fixture
def running(make_job):
    return make_job(state=State.RUNNING, params=methods()["fake"].defaults())


def test_the_config_of_a_running_job_has_a_form_of_live_parameters(client_of, editor, running):
    address = reverse("job-config", args=[running.pk])
    page = client_of(editor).get(address).content.decode()
    assert re.findall(r'name="p\.(\w+)"', page) == ["seconds_per_step", "scale"]
    answer = client_of(editor).post(address, {"p.seconds_per_step": "0.0", "p.scale": "2.5"})
    assert answer["Location"] == address
    assert running.changes.get().values == {"scale": 2.5}
    page = client_of(editor).get(address).content.decode()
    assert "scale = 2.5" in page
    assert "at the next step" in page
    assert 'value="2.5"' in page
    assert "<strong>2.5</strong>" in page  # beside what it began with
    fork = client_of(editor).get(f"{reverse('job-new')}?fork={running.pk}").content.decode()
    assert "The form has the parameters with which that job began" in fork
    running.changes.update(n=9, step=7, attempt=1)
    assert "after step 7, attempt 1" in client_of(editor).get(address).content.decode()


def test_a_refused_change_says_so_beside_its_field(client_of, editor, running):
    answer = client_of(editor).post(reverse("job-config", args=[running.pk]), {"p.scale": "-2"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert '<p class="fault" id="fault_scale">expected a number above 0, got -2.0</p>' in page
    assert 'value="-2.0"' in page
    assert not running.changes.exists()


def test_a_parameter_that_is_not_live_is_refused_by_name(client_of, editor, running):
    address = reverse("job-config", args=[running.pk])
    answer = client_of(editor).post(address, {"p.steps": "4", "p.colour": "red"})
    page = answer.content.decode()
    assert "expected one that may change while the job runs: scale, seconds_per_step" in page
    assert "this method has no such parameter" in page


def test_the_form_is_for_those_who_may_while_the_job_runs(client_of, viewer, editor, running):
    address = reverse("job-config", args=[running.pk])
    assert 'name="p.scale"' not in client_of(viewer).get(address).content.decode()
    running.changes.create(values={"scale": 2.0})
    type(running).objects.filter(pk=running.pk).update(state=State.FAILED)
    page = client_of(editor).get(address).content.decode()
    assert 'name="p.scale"' not in page
    assert "no: the job ended first; when it is resumed" in page
    answer = client_of(editor).post(address, {"p.scale": "3"})
    assert "expected a job that runs; this one is failed" in answer.content.decode()


def test_the_log_is_downloaded_as_text(client_of, viewer, full_job):
    answer = client_of(viewer).get(reverse("job-log", args=[full_job.pk]))
    assert b"".join(answer.streaming_content) == b"hello <b>\n"
    assert answer["Content-Type"].startswith("text/plain")


def test_the_log_page_leaves_out_what_the_socket_will_bring(client_of, viewer, full_job):
    LogPart.objects.create(job=full_job, attempt=1, n=9, seq=4, text="later\n")
    page = client_of(viewer).get(reverse("job-logs", args=[full_job.pk])).content.decode()
    assert "hello" in page
    assert "later" not in page


def test_the_log_page_shows_as_much_of_a_log_in_many_parts(
    client_of, viewer, full_job, monkeypatch
):
    def shown() -> str:
        return client_of(viewer).get(reverse("job-logs", args=[full_job.pk])).content.decode()

    LogPart.objects.filter(job=full_job).delete()
    for n in range(300):
        LogPart.objects.create(job=full_job, attempt=1, n=n, seq=1, text=f"line {n}.\n")
    assert "line 0." in shown()
    monkeypatch.setattr(views, "LOG_TAIL", 50)
    page = shown()
    assert "line 295." in page
    assert "line 294." not in page
    assert "the download has all of it" in page


def test_the_generic_inspector_shows_figures_and_tables(client_of, viewer, full_job):
    page = client_of(viewer).get(reverse("job-inspect", args=[full_job.pk])).content.decode()
    assert 'data-figure="figure-1"' in page
    assert "0.2500" in page


def test_a_group_has_its_means_and_paired_differences(client_of, viewer, make_job, project):
    group = Group.objects.create(project=project, name="three seeds")
    for seed, value in enumerate((1.0, 2.0, 3.0)):
        job = make_job(
            group=group, seed=seed, state=State.DONE,
            summary={"value": value, "baseline.flat.value": 0.5},
        )  # fmt: skip
        store.append(job.pk, [(n, n, 1000.0 + n, {"value": n * value}) for n in range(1, 4)])
    page = client_of(viewer).get(reverse("group", args=[group.pk])).content.decode()
    assert "± 2.484" in page  # t(.975, 2) · 1 / √3
    assert "+1.500" in page
    assert "mean of 3" in page


def test_compare_shows_only_what_differs(client_of, viewer, make_job):
    jobs = [make_job(params={"steps": 5, "scale": scale}) for scale in (1.0, 2.0)]
    for job in jobs:
        store.append(job.pk, [(n, n, 1000.0 + n, {"value": float(n)}) for n in range(1, 4)])
    address = f"{reverse('compare')}?jobs={jobs[1].pk},{jobs[0].pk}"
    page = client_of(viewer).get(address).content.decode()
    assert "Scale" in page
    assert '<th scope="row" title="steps">' not in page
    assert page.index(f'"job": "{jobs[1].pk}"') < page.index(f'"job": "{jobs[0].pk}"')


def test_compare_draws_the_headline_and_its_parts_before_what_else_was_logged(
    client_of, viewer, make_job
):
    jobs = [make_job(seed=seed) for seed in range(2)]
    keys = ("bytes", "baseline.last.value", "value", "part.value", "part.loss")
    for job in jobs:
        points = dict.fromkeys(keys, 0.5)
        store.append(job.pk, [(n, n, 1000.0 + n, points) for n in range(1, 4)])
    page = client_of(viewer).get(f"{reverse('compare')}?jobs={jobs[0].pk},{jobs[1].pk}")
    assert page.context["chosen"] == ["value", "part.value", "baseline.last.value", "bytes"]


def test_compare_draws_a_band_above_twenty_jobs(client_of, viewer, make_job):
    jobs = [make_job(seed=seed) for seed in range(21)]
    for job in jobs:
        store.append(job.pk, [(n, n, 1000.0 + n, {"value": float(n)}) for n in range(1, 4)])
    ids = ",".join(job.pk for job in jobs)
    page = client_of(viewer).get(f"{reverse('compare')}?jobs={ids}").content.decode()
    assert "mean of 21" in page


def test_a_job_named_twice_is_compared_once(client_of, viewer, make_job):
    job = make_job()
    page = client_of(viewer).get(f"{reverse('compare')}?jobs={job.pk},{job.pk}")
    assert page.context["ids"] == job.pk
    assert page.context["missing"] == 0


def test_compare_says_nothing_of_jobs_of_others(client_of, outsider, make_job):
    job = make_job(name="secret")
    page = client_of(outsider).get(f"{reverse('compare')}?jobs={job.pk}")
    assert page.status_code == 200
    assert "secret" not in page.content.decode()
