import pytest
from kombu.exceptions import OperationalError

from webapp.api import replay
from webapp.jobs.models import Group, Job, State
from workers import tasks

pytestmark = pytest.mark.django_db


@pytest.fixture
def body(project):
    return {"project": project.pk, "method": "fake", "params": {"steps": 3}}


def test_a_job_is_submitted_with_the_cards_defaults(caller, editor, body):
    answer = caller(editor).post("/jobs", {**body, "seed": 7, "name": "first", "tags": ["a"]})
    assert answer.status_code == 201
    (job,) = answer.json()["jobs"]
    assert (job["state"], job["seed"], job["name"], job["tags"]) == ("queued", 7, "first", ["a"])
    assert job["params"]["steps"] == 3
    assert job["params"]["mode"] == "walk"
    assert answer.json()["group"] is None


def test_several_seeds_make_a_group(caller, editor, body):
    made = caller(editor).post("/jobs", {**body, "seeds": [0, 1, 2]}).json()
    assert [job["seed"] for job in made["jobs"]] == [0, 1, 2]
    assert Group.objects.get().pk == made["group"]


def test_seed_and_seeds_together_are_refused(caller, editor, body):
    answer = caller(editor).post("/jobs", {**body, "seed": 1, "seeds": [1]})
    assert answer.json()["field"] == "seeds"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"method": "none"}, "method"),
        ({"params": {"steps": -1}}, "steps"),
        ({"params": {"stepz": 1}}, "stepz"),
        ({"inputs": {"data": {"version": "0" * 26}}}, "data"),
        ({"inputs": {"other": {"version": "0" * 26}}}, "other"),
        ({"seeds": []}, "seeds"),
        ({"seed": -1}, "seed"),
        ({"seed": "1"}, "seed"),
        ({"device": "tpu"}, "device"),
        ({"threads": 0}, "threads"),
        ({"limits": {"seconds": 0}}, "limits.seconds"),
        ({"priority": 5}, "priority"),
        ({"tags": ["a,b"]}, "tags"),
        ({"state": "done"}, "state"),
    ],
)
def test_what_is_wrong_is_named(caller, editor, body, change, field):
    answer = caller(editor).post("/jobs", {**body, **change})
    assert answer.status_code in (409, 422)
    assert answer.json()["field"] == field
    assert not Job.objects.exists()


def test_a_viewer_may_not_and_an_outsider_finds_no_project(caller, viewer, outsider, body):
    assert caller(viewer).post("/jobs", body).status_code == 403
    assert caller(outsider).post("/jobs", body).status_code == 404


class TestIdempotencyKey:
    def test_the_same_call_again_makes_nothing_twice(self, caller, editor, body):
        call = caller(editor)
        first = call.post("/jobs", body, **{replay.HEADER: "k1"})
        second = call.post("/jobs", body, **{replay.HEADER: "k1"})
        assert second.status_code == 201
        assert second.json() == first.json()
        assert Job.objects.count() == 1

    def test_the_key_with_another_body_is_refused(self, caller, editor, body):
        call = caller(editor)
        call.post("/jobs", body, **{replay.HEADER: "k1"})
        answer = call.post("/jobs", {**body, "seed": 1}, **{replay.HEADER: "k1"})
        assert (answer.status_code, answer.json()["field"]) == (422, replay.HEADER)

    def test_a_refused_call_leaves_its_key_free(self, caller, editor, body):
        call = caller(editor)
        call.post("/jobs", {**body, "params": {"steps": -1}}, **{replay.HEADER: "k1"})
        assert call.post("/jobs", body, **{replay.HEADER: "k1"}).status_code == 201

    def test_keys_of_two_people_do_not_meet(self, caller, editor, maintainer, body):
        caller(editor).post("/jobs", body, **{replay.HEADER: "k1"})
        caller(maintainer).post("/jobs", body, **{replay.HEADER: "k1"})
        assert Job.objects.count() == 2


def test_jobs_are_filtered_sorted_and_cut_into_pages(caller, viewer, make_job):
    for number in range(5):
        make_job(summary={"value": number / 10}, state=State.DONE, params={"steps": number})
    make_job(state=State.FAILED)
    call = caller(viewer)
    path = "/jobs?q=state:done&sort=-summary.value&cols=summary.value,params.steps&limit=3"
    first = call.get(path).json()
    second = call.get(f"{path}&cursor={first['next']}").json()
    values = [row["columns"]["summary.value"] for row in first["jobs"] + second["jobs"]]
    assert values == [0.4, 0.3, 0.2, 0.1, 0.0]
    assert second["next"] is None


def test_columns_are_values_to_the_last_digit_and_of_their_type(caller, viewer, make_job):
    params = {"lr": 0.1 + 0.2, "steps": 2**60 + 1, "mode": "7", "on": True, "of": [1, "a"]}
    job = make_job(summary={"value": 0.8555417185554172}, params=params)
    names = [f"params.{name}" for name in params] + ["summary.value", "summary.none"]
    (row,) = caller(viewer).get(f"/jobs?cols={','.join(names)}").json()["jobs"]
    assert row["id"] == job.pk
    assert list(row["columns"].values()) == [*params.values(), 0.8555417185554172, None]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("q=colour:red", "q"),
        ("sort=colour", "sort"),
        ("cols=colour", "cols"),
        ("cursor=%F0", "cursor"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
    ],
)
def test_a_wrong_question_is_named(caller, viewer, query, field):
    answer = caller(viewer).get(f"/jobs?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_job_is_shown_whole_to_the_team_only(caller, viewer, outsider, make_job):
    job = make_job(name="first", environment={"python": "3.11"})
    shown = caller(viewer).get(f"/jobs/{job.pk}").json()
    assert shown["environment"] == {"python": "3.11"}
    assert shown["attempts"] == shown["verifications"] == []
    assert caller(outsider).get(f"/jobs/{job.pk}").status_code == 404


def test_each_answer_says_what_a_waiting_job_waits_for(caller, editor, body, make_job):
    call, words = caller(editor), "waits for a worker: none is running"
    assert {
        job["waits_for"] for job in call.post("/jobs", {**body, "seeds": [0, 1]}).json()["jobs"]
    } == {words}
    path = f"/jobs/{make_job().pk}"
    assert call.get(path).json()["waits_for"] == words
    assert call.patch(path, {"name": "n"}).json()["waits_for"] == words
    assert call.post(f"{path}/cancel").json()["waits_for"] is None
    assert call.post(f"{path}/retry").json()["waits_for"] == words


def test_what_is_said_of_it_is_changed(caller, editor, make_job):
    job = make_job()
    changes = {"name": "n", "notes": "# N", "tags": ["x"], "pinned": True, "archived": True}
    shown = caller(editor).patch(f"/jobs/{job.pk}", changes).json()
    assert {name: shown[name] for name in changes} == changes


def test_what_was_asked_of_it_is_not(caller, editor, make_job):
    answer = caller(editor).patch(f"/jobs/{make_job().pk}", {"params": {}})
    assert (answer.status_code, answer.json()["field"]) == (422, "params")


def test_the_job_of_another_is_a_maintainers(caller, editor, maintainer, person, make_job):
    job = make_job(created_by=maintainer)
    assert caller(editor).post(f"/jobs/{job.pk}/cancel").status_code == 403
    assert caller(maintainer).post(f"/jobs/{job.pk}/cancel").json()["state"] == "cancelled"


def test_a_cancelled_job_is_retried_and_deleted(caller, editor, make_job):
    call, job = caller(editor), make_job(state=State.CANCELLED)
    assert call.post(f"/jobs/{job.pk}/retry").json()["state"] == "queued"
    assert call.delete(f"/jobs/{job.pk}").status_code == 204
    assert call.get(f"/jobs/{job.pk}").status_code == 404


@pytest.mark.parametrize(
    ("deed", "state", "said"),
    [
        ("cancel", "done", "expected a job that waits or runs; this one is done"),
        ("retry", "running", "expected a job that failed, was cancelled or lost; this one is run"),
        ("resume", "running", "expected a job that failed, was cancelled or lost; this one is run"),
        ("resume", "failed", "expected a job with a checkpoint"),
    ],
)
def test_a_deed_in_the_wrong_state_is_a_conflict(caller, editor, make_job, deed, state, said):
    answer = caller(editor).post(f"/jobs/{make_job(state=state).pk}/{deed}")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["message"].startswith(f"state: {said}")


def test_a_running_job_takes_live_parameters(caller, editor, make_job):
    call, job = caller(editor), make_job(state=State.RUNNING, params={"scale": 1.0})
    answer = call.patch(f"/jobs/{job.pk}/params", {"params": {"scale": 2.0}})
    (change,) = answer.json()["changes"]
    told = {"values": {"scale": 2.0}, "by": editor.pk, "attempt": None, "step": None, "fault": ""}
    assert told.items() <= change.items()
    assert answer.json()["params"] == {"scale": 1.0}


@pytest.mark.parametrize(
    ("state", "params", "status", "field"),
    [
        ("running", {"steps": 4}, 422, "steps"),
        ("running", {"scale": 0}, 422, "scale"),
        ("queued", {"scale": 2.0}, 409, "state"),
        ("done", {"scale": 2.0}, 409, "state"),
    ],
)
def test_a_change_that_cannot_be_is_named(caller, editor, make_job, state, params, status, field):
    answer = caller(editor).patch(f"/jobs/{make_job(state=state).pk}/params", {"params": params})
    assert (answer.status_code, answer.json()["field"]) == (status, field)


def test_a_job_that_waits_is_asked_nothing(caller, editor, make_job):
    job = make_job(state=State.QUEUED)
    answer = caller(editor).post(f"/jobs/{job.pk}/ask", {"question": "scale"})
    assert (answer.status_code, answer.json()["field"]) == (409, "state")
    assert answer.json()["message"].endswith("to answer; this one is queued")


@pytest.mark.parametrize("away", ["broker", "live channel"])
def test_a_question_that_cannot_be_passed_on_is_told_so(
    caller, editor, make_job, settings, monkeypatch, away
):
    def no_broker(*arguments, **words):
        raise OperationalError("no broker")

    if away == "broker":
        monkeypatch.setattr(tasks.ask, "apply_async", no_broker)
    else:
        layer = "channels_redis.pubsub.RedisPubSubChannelLayer"
        nobody = {"hosts": ["redis://127.0.0.1:1"]}
        settings.CHANNEL_LAYERS = {"default": {"BACKEND": layer, "CONFIG": nobody}}
    job = make_job(state=State.DONE)
    answer = caller(editor).post(f"/jobs/{job.pk}/ask", {"question": "scale"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.json()["message"].startswith("No worker can be reached")


def test_one_with_a_checkpoint_is_resumed(caller, editor, make_job):
    job = make_job(state=State.FAILED, checkpoint_n=10)
    assert caller(editor).post(f"/jobs/{job.pk}/resume").json()["state"] == "queued"
    job.refresh_from_db()
    assert job.resume


def test_a_fork_is_the_same_with_changes(caller, editor, body):
    call = caller(editor)
    parent = call.post("/jobs", {**body, "seed": 4, "tags": ["a"], "name": "walk"}).json()["jobs"][
        0
    ]
    made = call.post(f"/jobs/{parent['id']}/fork", {"params": {"scale": 2.0}})
    (fork,) = made.json()["jobs"]
    assert made.status_code == 201
    assert fork["parent"] == parent["id"]
    assert fork["params"] == {**parent["params"], "scale": 2.0}
    assert (fork["seed"], fork["tags"], fork["name"]) == (4, ["a"], "walk")


def test_a_fork_into_another_teams_project_finds_none(caller, editor, outsider, make_job):
    from webapp.accounts.models import Team
    from webapp.jobs.models import Project

    theirs = Project.objects.create(
        team=Team.objects.get(slug="elsewhere"), slug="x", name="Theirs"
    )
    answer = caller(editor).post(f"/jobs/{make_job().pk}/fork", {"project": theirs.pk})
    assert answer.status_code == 404
