import math

import pytest

from webapp.artifacts.models import Artifact
from webapp.artifacts.storage import keep
from webapp.jobs.models import Group, JobInput, LogPart, State
from webapp.metrics import store

pytestmark = pytest.mark.django_db


@pytest.fixture
def walked(make_job):
    """A job with 3000 points of two series."""
    job = make_job(seq=12, last_n=3000)
    store.append(
        job.pk, [(n, n * 2, n / 10, {"value": math.sin(n), "loss": 1 / n}) for n in range(1, 3001)]
    )
    return job


def test_curves_are_reduced_to_what_is_asked(caller, viewer, walked):
    found = caller(viewer).get(f"/jobs/{walked.pk}/series?keys=value&points=100").json()
    assert found["seq"] == 12
    assert set(found["series"]) == {"value"}
    column = found["series"]["value"]
    assert len(column["value"]) <= 100
    assert (column["count"], column["reduced"]) == (3000, True)


def test_all_gives_every_point(caller, viewer, walked):
    found = caller(viewer).get(f"/jobs/{walked.pk}/series?points=all").json()["series"]
    assert found["value"]["value"] == [math.sin(n) for n in range(1, 3001)]
    assert found["loss"]["step"][-1] == 6000


def test_after_leaves_out_what_one_has(caller, viewer, walked):
    found = caller(viewer).get(f"/jobs/{walked.pk}/series?points=all&after=2990").json()
    assert found["series"]["value"]["n"] == list(range(2991, 3001))


def test_what_is_stored_after_the_seq_that_is_told_is_left_to_the_socket(caller, viewer, make_job):
    job = make_job(seq=1, last_n=1)
    store.append(job.pk, [(1, 0, 0.0, {"loss": 1.0}), (2, 1, 0.1, {"loss": 2.0})])
    found = caller(viewer).get(f"/jobs/{job.pk}/series").json()
    assert (found["seq"], found["series"]["loss"]["n"]) == (1, [1])


def test_what_is_not_finite_is_null(caller, viewer, make_job):
    job = make_job(last_n=2)
    store.append(job.pk, [(1, 0, 0.0, {"loss": math.nan}), (2, 1, 0.1, {"loss": math.inf})])
    found = caller(viewer).get(f"/jobs/{job.pk}/series").json()
    assert found["series"]["loss"]["value"] == [None, None]


@pytest.mark.parametrize("query", ["points=1", "points=-1", "points=every", "after=-1", "x=1"])
def test_a_wrong_question_is_refused(caller, viewer, walked, query):
    assert caller(viewer).get(f"/jobs/{walked.pk}/series?{query}").status_code == 422


def test_the_names_of_curves(caller, viewer, walked):
    assert caller(viewer).get(f"/jobs/{walked.pk}/keys").json() == {"keys": ["loss", "value"]}


def test_the_log_comes_in_parts(caller, viewer, make_job):
    job = make_job()
    for number in range(5):
        LogPart.objects.create(job=job, attempt=1, n=number, seq=number, text=f"line {number}\n")
    call = caller(viewer)
    first = call.get(f"/jobs/{job.pk}/log?limit=3").json()
    second = call.get(f"/jobs/{job.pk}/log?limit=3&after={first['next']}").json()
    assert first["text"] + second["text"] == "".join(f"line {number}\n" for number in range(5))
    assert second["next"] is None
    later = call.get(f"/jobs/{job.pk}/log?after={second['last']}").json()
    assert (later["text"], later["last"]) == ("", second["last"])


@pytest.fixture
def artifact(make_job, home, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("<script>alert(1)</script>")
    return Artifact.objects.create(
        job=make_job(),
        blob=keep(path),
        path="out/report.html",
        title="Report",
        role="result",
        media="text/html",
        n=1,
    )


def test_artifacts_are_listed_and_chosen_by_role(caller, viewer, artifact):
    call, path = caller(viewer), f"/jobs/{artifact.job_id}/artifacts"
    (shown,) = call.get(path).json()
    assert (shown["path"], shown["size"]) == ("out/report.html", 25)
    assert call.get(f"{path}?role=table").json() == []


def test_bytes_come_as_a_download_that_no_browser_runs(caller, viewer, artifact):
    answer = caller(viewer).get(f"/artifacts/{artifact.pk}/download")
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"
    assert answer["Content-Disposition"] == 'attachment; filename="report.html"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_an_outsider_finds_nothing_of_it(caller, outsider, walked, artifact):
    call = caller(outsider)
    for path in (
        f"/jobs/{walked.pk}/series",
        f"/jobs/{walked.pk}/keys",
        f"/jobs/{walked.pk}/log",
        f"/jobs/{walked.pk}/artifacts",
        f"/artifacts/{artifact.pk}",
        f"/artifacts/{artifact.pk}/download",
    ):
        assert call.get(path).status_code == 404


def test_a_group_has_means_spread_and_pairs(caller, viewer, outsider, project, make_job):
    group = Group.objects.create(project=project, name="seeds")
    for seed, (ours, theirs) in enumerate([(0.8, 0.7), (0.9, 0.7)]):
        summary = {"accuracy": ours, "baseline.gcn.accuracy": theirs}
        make_job(group=group, seed=seed, state=State.DONE, summary=summary)
    make_job(group=group, seed=2, state=State.FAILED)
    shown = caller(viewer).get(f"/groups/{group.pk}").json()
    assert shown["summary"]["accuracy"] == pytest.approx(0.85)
    assert shown["spread"]["accuracy"]["n"] == 2
    assert shown["paired"]["gcn"]["accuracy"]["mean"] == pytest.approx(0.15)
    # t(0.975, 1) = 12.706 times 0.0707 / √2: from a printed table of Student's t
    assert shown["paired"]["gcn"]["accuracy"]["ci95"] == pytest.approx(12.706 * 0.05, rel=1e-4)
    assert [job["state"] for job in shown["jobs"]] == ["done", "done", "failed"]
    assert caller(outsider).get(f"/groups/{group.pk}").status_code == 404


class TestCompare:
    def test_it_shows_what_differs_and_the_chosen_curves(self, caller, viewer, make_job):
        first = make_job(params={"lr": 0.1, "steps": 3}, name="a")
        second = make_job(params={"lr": 0.2, "steps": 3}, name="b")
        store.append(first.pk, [(1, 0, 0.0, {"loss": 1.0})])
        shown = caller(viewer).get(f"/compare?jobs={second.pk},{first.pk}&keys=loss").json()
        assert [job["name"] for job in shown["jobs"]] == ["b", "a"]
        assert shown["differing"] == [{"name": "lr", "title": "lr", "values": [0.2, 0.1]}]
        assert shown["series"]["loss"][first.pk]["value"] == [1.0]
        assert second.pk not in shown["series"]["loss"]

    def test_it_tells_seeds_devices_and_inputs_as_the_page_does(
        self, caller, client_of, viewer, artifact, make_job
    ):
        other = Artifact.objects.create(
            job=make_job(name="maker"), blob=artifact.blob, path=artifact.path, n=1
        )
        first, second = make_job(seed=1, device="cpu"), make_job(seed=2, threads=3)
        JobInput.objects.create(job=first, name="graph", artifact=artifact)
        JobInput.objects.create(job=second, name="graph", artifact=other)
        query = f"jobs={first.pk},{second.pk}"
        shown = caller(viewer).get(f"/compare?{query}").json()["differing"]
        assert {row["name"]: row["values"] for row in shown} == {
            "seed": [1, 2],
            "device": ["cpu", "auto"],
            "threads": [1, 3],
            "graph": [{"artifact": artifact.pk}, {"artifact": other.pk}],  # of one path
        }
        page = client_of(viewer).get(f"/compare/?{query}").content.decode()
        assert "out/report.html of maker" in page
        assert page.count('<th scope="row" title=') == len(shown)

    def test_a_job_of_strangers_is_as_unknown_as_none(self, caller, outsider, make_job):
        for pk in (make_job().pk, "0" * 26):
            answer = caller(outsider).get(f"/compare?jobs={pk}")
            assert (answer.status_code, answer.json()["field"]) == (422, "jobs")

    def test_nothing_or_too_much_is_refused(self, caller, viewer, make_job):
        pk = make_job().pk
        assert caller(viewer).get("/compare").status_code == 422
        assert caller(viewer).get("/compare?jobs=,").status_code == 422
        many = ",".join(f"{number:026d}" for number in range(101))
        assert caller(viewer).get(f"/compare?jobs={pk},{many}").status_code == 422


def test_a_comparison_takes_no_nul(caller, viewer):
    answer = caller(viewer).get("/compare?jobs=%00")
    assert (answer.status_code, answer.json()["field"]) == (422, "jobs")
    assert answer.json()["message"] == "jobs: U+0000 (a control character) isn't allowed"
