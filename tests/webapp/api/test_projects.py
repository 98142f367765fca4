import pytest

from webapp.jobs.models import Project, State

pytestmark = pytest.mark.django_db


def test_projects_of_ones_teams_are_listed(caller, viewer, outsider, project):
    assert [row["id"] for row in caller(viewer).get("/projects").json()] == [project.pk]
    assert caller(outsider).get("/projects").json() == []


def test_they_are_chosen_by_team(caller, viewer, team, project):
    call = caller(viewer)
    assert len(call.get(f"/projects?team={team.pk}").json()) == 1
    assert call.get(f"/projects?team={project.pk}").json() == []


def test_one_is_made_renamed_and_deleted(caller, owner, team):
    call = caller(owner)
    made = call.post("/projects", {"team": team.pk, "name": "Study"}).json()
    path = f"/projects/{made['id']}"
    assert made["slug"] == "study"
    assert call.patch(path, {"name": "Report"}).json()["name"] == "Report"
    assert call.get(path).json()["team"] == team.pk
    assert call.delete(path).status_code == 204
    assert call.get(path).status_code == 404


def test_one_with_a_running_job_stays(caller, owner, project, make_job):
    make_job(state=State.RUNNING)
    assert caller(owner).delete(f"/projects/{project.pk}").status_code == 422
    assert Project.objects.exists()


def test_a_viewer_makes_none_and_an_outsider_finds_no_team(caller, viewer, outsider, team):
    body = {"team": team.pk, "name": "Study"}
    assert caller(viewer).post("/projects", body).status_code == 403
    assert caller(outsider).post("/projects", body).status_code == 404
