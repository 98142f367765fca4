"""Submitting: what comes out of a valid request, and every way in which one is refused."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from webapp.artifacts.models import Artifact, Blob
from webapp.audit.models import AuditEvent
from webapp.datasets.models import Dataset, Version
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
    assert list(map(str, jobs)) == ["three, seed 3", "three, seed 1", "three, seed 2"]
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
        ({"params": {"steps": -1}}, "steps", "expected a number of 0 or more, got -1"),
        ({"params": {"steps": -(10**40)}}, "steps", f"or more, got -1{'0' * 18}…"),
        ({"params": {"steps": "x"}}, "steps", "expected a whole number, got 'x'"),
        ({"params": {"unknown": 1}}, "unknown", "no such parameter"),
        ({"params": {"scale": float("nan")}}, "scale", "finite"),
        ({"params": {"mode": "run"}}, "mode", "'walk' or 'level'"),
        ({"inputs": {"nope": {"version": "x"}}}, "nope", "no such input"),
        ({"inputs": {"data": {"version": "x"}}}, "data", "in this team"),
        ({"inputs": {"data": {"artifact": "x"}}}, "data", "expected an artifact in this team"),
        ({"inputs": {"data": {"file": "x"}}}, "data", "{\"artifact\": ID}, got {'file': 'x'}"),
        ({"inputs": {"data": {"version": "x", "artifact": "y"}}}, "data", '{"artifact": ID}, got'),
        ({"inputs": {"data": {"version": 1}}}, "data", "got {'version': 1}"),
        ({"inputs": {"data": []}}, "data", "got []"),
        ({"inputs": {"data": {"version": "\0"}}}, "data", "in this team"),
        ({"seeds": []}, "seeds", "expected 1 to 100 seeds"),
        ({"seeds": [1, 1]}, "seeds", "once"),
        ({"seeds": [-1]}, "seeds", "whole numbers"),
        ({"seeds": [1 << 32]}, "seeds", "whole numbers from 0 to 4294967295"),
        ({"seeds": [True]}, "seeds", "whole numbers"),
        ({"name": "x" * 101}, "name", "at most 100"),
        ({"name": "a\0b"}, "name", "U+0000 (a control character)"),
        ({"notes": "\ud800"}, "notes", "half of a character"),
        ({"tags": ["x" * 41]}, "tags", "at most 40"),
        ({"tags": ['a"b']}, "tags", "quote"),
        ({"tags": [str(n) for n in range(21)]}, "tags", "at most 20"),
        ({"device": "tpu"}, "device", "auto, cpu, cuda"),
        ({"threads": 0}, "threads", "expected a number from 1"),
        (
            {"limits": {"seconds": 0}},
            "limits.seconds",
            "1 s to 1 d 0 h (1 to 86400 seconds), got 0 s",
        ),
        ({"limits": {"memory": 1 << 60}}, "limits.memory", "to 17179869184 bytes), got 1024 PiB"),
        ({"limits": {"memory": 1}}, "limits.memory", "expected 128 MiB to 16.0 GiB"),
        ({"limits": {"disk": 10**400}}, "limits.disk", f"got 1{'0' * 19}…"),
        ({"limits": {"coffee": 1}}, "limits.coffee", "there are: seconds"),
        ({"priority": 1}, "priority", "maintainer"),
        ({"priority": -101}, "priority", "from -100 to 100"),
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
    assert found["data"] == "expected a dataset of the kind split, this is graph"


def test_a_needed_fact_is_asked_for_in_the_cards_words(request_of, version, team):
    version.dataset.kind = "graph"
    version.dataset.save()
    version.facts = {"features": True, "labels": False}
    version.save()
    found = refusal(request_of, method="gagn", inputs={"graph": {"version": version.pk}})
    assert "labels" in found["graph"]
    assert refusal(request_of, method="gagn")["graph"] == "expected a graph, got none"


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


def test_inputs_that_do_not_fit_together_are_refused_before_the_job_waits(request_of, team):
    def graph(letter: str, nodes: int) -> dict[str, str]:
        facts = {"nodes": nodes, "edges": 8, "features": True, "labels": True}
        facts["largest_component_nodes"] = nodes
        blob = Blob.objects.create(sha256=letter * 64, size=3)
        dataset = Dataset.objects.create(team=team, name=letter, kind="graph")
        stored = Version.objects.create(
            dataset=dataset, number=1, blob=blob, file_name="g.npz", state="ready", facts=facts
        )
        return {"version": stored.pk}

    inputs = {"graph": graph("a", 9), "perturbed": graph("b", 9)}
    other = {**inputs, "perturbed": graph("c", 8)}
    assert refusal(request_of, method="gagn", inputs=other) == {
        "perturbed": "has 8 nodes; expected 9"
    }
    assert refusal(request_of, method="gagn", inputs=inputs, params={"targets": [-1]}) == {
        "targets": "expected node numbers of 0 or more, got -1"
    }
    assert request_of(method="gagn", inputs=inputs, params={"attack": ["dice"]})


@pytest.mark.parametrize(
    ("facts", "params", "where", "expected"),
    [
        ({"graph": {"classes": 1}}, {}, "graph", "at least two classes; all labels are the same"),
        ({"perturbed": {"nodes": 9}}, {}, "perturbed", "has 9 nodes; expected 7, as the largest"),
        ({"perturbed": {"nodes": 9}}, {}, "perturbed", "switch off largest_component"),
        ({"perturbed": {"nodes": 7}}, {"largest_component": False}, "perturbed", "expected 9"),
        ({"split": {"max_index": 7}}, {}, "split", "names node 7; expected nodes 0 to 6"),
        (
            {"split": {"max_index": 9}, "perturbed": {"nodes": 9}},
            {"largest_component": False},
            "split",
            "nodes 0 to 8",
        ),
        ({}, {"targets": [3, 9]}, "targets", "expected nodes 0 to 8 of the upload, got 9"),
    ],
)
def test_what_the_facts_of_the_inputs_contradict_is_refused_before_it_waits(
    request_of, team, facts, params, where, expected
):
    fits = {"graph": {"classes": 3}, "perturbed": {"nodes": 7}, "split": {"max_index": 6}}
    whole = {"nodes": 9, "largest_component_nodes": 7, "features": True, "labels": True}

    def version(name: str, told: dict) -> dict[str, str]:
        blob, _ = Blob.objects.get_or_create(sha256=name[0] * 64, size=3)
        kind = "split" if name == "split" else "graph"
        dataset = Dataset.objects.create(team=team, name=str(Dataset.objects.count()), kind=kind)
        told = told if kind == "split" else {**whole, **told}
        return {
            "version": Version.objects.create(
                dataset=dataset, number=1, blob=blob, file_name="f", state="ready", facts=told
            ).pk
        }

    given = {name: version(name, {**fits[name], **facts.get(name, {})}) for name in fits}
    found = refusal(request_of, method="gagn", inputs=given, params=params)
    assert list(found) == [where]
    assert expected in found[where]
    fitting = {name: version(name, fits[name]) for name in fits}
    assert request_of(method="gagn", inputs=fitting, params={"targets": [8]})
