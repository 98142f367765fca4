import pytest

from webapp.accounts.models import Team
from webapp.artifacts.models import Artifact, Blob
from webapp.jobs.models import Job, JobInput, Project, State

pytestmark = pytest.mark.django_db


def test_an_editor_makes_one(client_of, editor, viewer, team):
    assert client_of(viewer).post("/teams/lab/projects/", {"name": "X"}).status_code == 403
    client_of(editor).post("/teams/lab/projects/", {"name": "Second Study"})
    assert Project.objects.get(name="Second Study").slug == "second-study"


def test_equal_names_get_slugs_of_their_own(client_of, editor, project):
    for _ in range(2):
        client_of(editor).post("/teams/lab/projects/", {"name": "Bench"})
    assert len(set(Project.objects.values_list("slug", flat=True))) == 3


def test_a_maintainer_renames_it_and_its_slug_stays(client_of, maintainer, project):
    client_of(maintainer).post(f"/teams/lab/projects/{project.pk}/edit/", {"name": "Study"})
    project.refresh_from_db()
    assert (project.name, project.slug) == ("Study", "bench")


def test_an_owner_deletes_it_with_its_jobs_and_folders(
    client_of, owner, project, make_job, home, settings, django_capture_on_commit_callbacks
):
    job = make_job(state=State.DONE)
    folder = settings.JOBS_DIR / job.pk
    folder.mkdir(parents=True)
    with django_capture_on_commit_callbacks(execute=True):
        client_of(owner).post(f"/teams/lab/projects/{project.pk}/delete/", {"name": "Bench"})
    assert not Project.objects.exists()
    assert not Job.objects.exists()
    assert not folder.exists()


def test_deleting_needs_the_name_typed(client_of, owner, project):
    client_of(owner).post(f"/teams/lab/projects/{project.pk}/delete/", {"name": ""})
    assert Project.objects.exists()


def test_one_with_a_running_job_stays(client_of, owner, project, make_job):
    make_job(state=State.RUNNING)
    client_of(owner).post(f"/teams/lab/projects/{project.pk}/delete/", {"name": "Bench"})
    assert Project.objects.exists()


def test_one_whose_artifacts_feed_another_project_stays(client_of, owner, team, project, make_job):
    made = Artifact.objects.create(
        job=make_job(state=State.DONE),
        blob=Blob.objects.create(sha256="a" * 64, size=1),
        path="graph.npz",
        title="Graph",
        role="export",
        media="application/zip",
        n=1,
    )
    other = Project.objects.create(team=team, slug="other", name="Other")
    user = make_job(project=other, name="the user")
    JobInput.objects.create(job=user, name="graph", artifact=made)
    path = f"/teams/lab/projects/{project.pk}/delete/"
    page = client_of(owner).post(path, {"name": "Bench"}, follow=True).content.decode()
    assert "the user" in page
    assert Project.objects.filter(pk=project.pk).exists()


def test_a_project_is_found_under_its_own_team_only(client_of, outsider, project):
    elsewhere = Team.objects.get(slug="elsewhere")
    for slug in ("lab", elsewhere.slug):
        path = f"/teams/{slug}/projects/{project.pk}/delete/"
        assert client_of(outsider).post(path, {"name": "Bench"}).status_code == 404
