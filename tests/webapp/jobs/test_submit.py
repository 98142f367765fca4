"""Submitting: what comes out of a valid request, and every way in which one is refused."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from webapp.artifacts.models import Artifact, Blob
from webapp.audit.models import AuditEvent
from webapp.datasets.models import Dataset, Version
from webapp.jobs import seeds
from webapp.jobs.models import Job, Project
from webapp.jobs.submit import _create, plan, submit
from webapp.refused import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_of(project, editor):
    """Submits a valid request with changes."""

    def send(user=None, **changed):
        asked = {"project": project, "method": "fake", "inputs": {}, "params": {}, "seeds": [0]}
        return submit(user or editor, **{**asked, **changed})

    return send


@pytest.fixture
def version(team):
    blob = Blob.objects.create(sha256="a" * 64, size=3)
    dataset = Dataset.objects.create(team=team, name="a split", kind="split")
    return Version.objects.create(
        dataset=dataset, number=1, blob=blob, file_name="s.json", state="ready", facts={"train": 1}
    )


def refusal(send, **changed) -> dict[str, str]:
    with pytest.raises(Refused) as error:
        send(**changed)
    assert Job.objects.count() == 0
    return dict(error.value.faults)


def test_a_job_is_complete(request_of, project, editor):
    (job,) = request_of(params={"steps": 7}, name=" mine ", tags=["a", "a", "b"])
    assert job.params["steps"] == 7
    assert job.params["mode"] == "walk"  # a default, filled in
    assert (job.name, job.tags, job.queue, job.state) == ("mine", ["a", "b"], "cpu", "queued")
    assert job.limits.keys() == {"seconds", "memory", "disk", "silence"}
    event = AuditEvent.objects.get(action="job.submit")
    assert (event.user, event.team) == (editor, project.team)


def test_seeds_make_a_group_in_their_order(request_of):
    jobs = request_of(seeds=[3, 1, 2], name="three")
    assert len({job.group_id for job in jobs}) == 1
    assert jobs[0].group.name == "three"
    assert [job.seed for job in Job.objects.order_by("id")] == [3, 1, 2]


def test_one_seed_makes_no_group(request_of):
    assert request_of()[0].group is None


def test_a_ready_version_is_kept_as_lineage(request_of, version):
    (job,) = request_of(inputs={"data": {"version": version.pk}})
    assert job.inputs.get().version == version


def test_an_artifact_of_a_job_can_be_an_input(request_of, make_job):
    maker = make_job(state="done")
    artifact = Artifact.objects.create(
        job=maker, blob=Blob.objects.create(sha256="b" * 64, size=1), path="s.json", title="s",
        role="export", media="application/json", kind="split", n=1,
    )  # fmt: skip
    (job,) = request_of(inputs={"data": {"artifact": artifact.pk}})
    assert job.inputs.get().artifact == artifact


def test_an_artifact_waits_for_the_end_of_its_job(request_of, make_job):
    blob = Blob.objects.create(sha256="b" * 64, size=1)
    artifact = Artifact.objects.create(
        job=make_job(state="running"), blob=blob, path="split.json", kind="split", n=1
    )
    with pytest.raises(Refused, match="has not ended yet"):
        request_of(inputs={"data": {"artifact": artifact.pk}})


@pytest.mark.parametrize(
    ("changed", "where", "expected"),
    [
        ({"method": "nope"}, "method", "fake"),
        ({"params": {"steps": -1}}, "steps", "greater than or equal to 0"),
        ({"params": {"steps": "x"}}, "steps", "valid integer"),
        ({"params": {"unknown": 1}}, "unknown", "no such parameter"),
        ({"params": {"scale": float("nan")}}, "scale", "finite"),
        ({"params": {"mode": "run"}}, "mode", "'walk' or 'level'"),
        ({"inputs": {"nope": {"version": "x"}}}, "nope", "no such input"),
        ({"inputs": {"data": {"version": "x"}}}, "data", "in this team"),
        ({"inputs": {"data": {"file": "x"}}}, "data", "in this team"),
        ({"inputs": {"data": {"version": "\0"}}}, "data", "in this team"),
        ({"seeds": []}, "seeds", "between 1 and 100"),
        ({"seeds": [1, 1]}, "seeds", "once"),
        ({"seeds": [-1]}, "seeds", "whole numbers"),
        ({"seeds": [1 << 63]}, "seeds", "whole numbers"),
        ({"seeds": [True]}, "seeds", "whole numbers"),
        ({"name": "x" * 101}, "name", "at most 100"),
        ({"name": "a\0b"}, "name", "control"),
        ({"notes": "\ud800"}, "notes", "control"),
        ({"tags": ["x" * 41]}, "tags", "at most 40"),
        ({"tags": ['a"b']}, "tags", "quote"),
        ({"tags": [str(n) for n in range(21)]}, "tags", "at most 20"),
        ({"device": "tpu"}, "device", "auto, cpu, cuda"),
        ({"threads": 0}, "threads", "between 1"),
        ({"limits": {"seconds": 0}}, "limits.seconds", "from 1"),
        ({"limits": {"memory": 1 << 60}}, "limits.memory", "from 1 to"),
        ({"limits": {"coffee": 1}}, "limits.coffee", "one of seconds"),
        ({"priority": 1}, "priority", "maintainer"),
        ({"priority": -101}, "priority", "between"),
    ],
)
def test_a_fault_names_the_field_and_what_was_expected(request_of, changed, where, expected):
    assert expected in refusal(request_of, **changed)[where]


def test_all_faults_are_told_at_once(request_of):
    found = refusal(request_of, params={"steps": -1, "scale": 0}, seeds=[], device="tpu")
    assert found.keys() == {"steps", "scale", "seeds", "device"}


@pytest.mark.parametrize(("state", "word"), [("checking", "checked"), ("rejected", "errors")])
def test_only_a_ready_version_is_taken(request_of, version, state, word):
    version.state = state
    version.save()
    assert word in refusal(request_of, inputs={"data": {"version": version.pk}})["data"]


def test_a_version_of_another_kind_is_refused(request_of, version):
    version.dataset.kind = "graph"
    version.dataset.save()
    found = refusal(request_of, inputs={"data": {"version": version.pk}})
    assert "split was expected" in found["data"]


def test_a_needed_fact_is_asked_for_in_the_cards_words(request_of, version, team):
    version.dataset.kind = "graph"
    version.dataset.save()
    version.facts = {"features": True, "labels": False}
    version.save()
    found = refusal(request_of, method="gagn", inputs={"graph": {"version": version.pk}})
    assert "labels" in found["graph"]
    assert refusal(request_of, method="gagn")["graph"] == "a graph is needed"


def test_data_of_another_team_do_not_exist(request_of, version, outsider):
    version.dataset.team = outsider.teams.get()
    version.dataset.save()
    found = refusal(request_of, inputs={"data": {"version": version.pk}})
    assert "in this team" in found["data"]


def test_a_viewer_may_not_and_a_stranger_sees_no_project(request_of, viewer, outsider):
    with pytest.raises(PermissionDenied):
        request_of(viewer)
    with pytest.raises(Http404):
        request_of(outsider)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", [0]), ("0-4", [0, 1, 2, 3, 4]), ("7, 2, 5-6", [7, 2, 5, 6]), ("", [])],
)
def test_seeds_are_read_as_written(text, expected):
    assert seeds.from_text(text) == expected


@pytest.mark.parametrize("text", ["x", "4-0", "-1", "0-100", "1.5", "0--3", "²", "9" * 30])
def test_what_is_no_seed_is_refused(text):
    with pytest.raises(Refused, match="seeds"):
        seeds.from_text(text)


@pytest.mark.parametrize("value", [1 << 63, -(10**400)])
def test_a_whole_number_must_fit_the_database(request_of, value):
    assert "a whole number from" in refusal(request_of, params={"fail_at": value})["fail_at"]


@pytest.mark.parametrize(
    ("gone", "where"), [("version", "data"), ("parent", "parent"), ("project", "project")]
)
def test_what_is_deleted_after_the_request_was_read_is_refused(
    editor, version, make_job, project, team, gone, where
):
    other = Project.objects.create(team=team, slug="other", name="Other")
    parent = make_job(state="done", project=other)
    valid = plan(
        editor,
        project=project,
        method="fake",
        inputs={"data": {"version": version.pk}},
        params={},
        parent=parent,
    )
    deleted = {"version": version.dataset, "parent": parent, "project": project}[gone]
    type(deleted).objects.filter(pk=deleted.pk).delete()
    with pytest.raises(Refused, match="deleted") as error:
        _create(valid)
    assert where in dict(error.value.faults)
    assert not Job.objects.filter(project=project).exists()
