from urllib.parse import unquote

import pytest
from django.urls import Resolver404, resolve

from webapp.accounts.models import Membership, Role, Team
from webapp.audit.models import AuditEvent
from webapp.jobs.models import Job, State

pytestmark = pytest.mark.django_db


def test_a_member_sees_members_and_projects(client_of, viewer, editor, project):
    page = client_of(viewer).get("/teams/lab/").content.decode()
    assert "editor@example.org" in page
    assert "Bench" in page
    assert "Invite" not in page


def test_an_owner_sees_what_only_owners_do(client_of, owner):
    page = client_of(owner).get("/teams/lab/").content.decode()
    assert "Make an invitation link" in page
    assert "Audit log" in page


def test_an_outsider_gets_404(client_of, outsider, team):
    assert client_of(outsider).get("/teams/lab/").status_code == 404


def test_who_makes_a_team_owns_it_and_it_has_a_project(client_of, viewer):
    answer = client_of(viewer).post("/teams/new/", {"name": "Second Lab"})
    assert answer["Location"] == "/teams/second-lab/"
    made = Team.objects.get(slug="second-lab")
    assert Membership.objects.get(team=made).user == viewer
    assert made.projects.get().name == "Bench"


@pytest.mark.parametrize("name", ["Lab", "new", "Ω", "日本語"])
def test_every_name_gets_a_slug_of_its_own(client_of, viewer, name):
    client = client_of(viewer)
    address = client.post("/teams/new/", {"name": name})["Location"]
    assert client.get(address).status_code == 200
    assert address != "/teams/lab/"


@pytest.mark.parametrize("address", ["/", "/jobs/new/?method=fake", "/datasets/new/", "/account/"])
def test_teams_of_one_name_are_told_apart(client_of, editor, team, project, address):
    client = client_of(editor)
    client.post("/teams/new/", {"name": "lab"})
    client.post("/teams/new/", {"name": "Other"})
    made = Team.objects.get(name="lab")
    page = client.get(address).content.decode()
    assert "Lab (lab)" in page
    assert f"lab ({made.slug})" in page
    assert "Other (" not in page


def test_it_is_renamed_by_an_owner_only(client_of, owner, maintainer, team):
    assert client_of(maintainer).post("/teams/lab/edit/", {"name": "X"}).status_code == 403
    client_of(owner).post("/teams/lab/edit/", {"name": "Best Lab"})
    team.refresh_from_db()
    assert team.name == "Best Lab"


def test_deleting_needs_the_name_typed(client_of, owner, team):
    client_of(owner).post("/teams/lab/delete/", {"name": "lab"})
    assert Team.objects.filter(pk=team.pk).exists()


def test_deleting_takes_all_it_had(client_of, owner, team, make_job):
    make_job()
    client_of(owner).post("/teams/lab/delete/", {"name": "Lab"})
    assert not Team.objects.filter(pk=team.pk).exists()
    assert not Job.objects.exists()


def test_a_team_with_a_running_job_stays(client_of, owner, team, make_job):
    make_job(state=State.RUNNING, name="long one")
    page = client_of(owner).post("/teams/lab/delete/", {"name": "Lab"}, follow=True)
    assert "long one" in page.content.decode()
    assert Team.objects.filter(pk=team.pk).exists()


def test_roles_are_changed_by_an_owner_only(client_of, owner, maintainer, viewer):
    path = f"/teams/lab/members/{viewer.pk}/role/"
    assert client_of(maintainer).post(path, {"role": "owner"}).status_code == 403
    client_of(owner).post(path, {"role": "editor"})
    assert Membership.objects.get(user=viewer).role == Role.EDITOR
    event = AuditEvent.objects.get(action="member.role")
    assert (event.user, event.detail) == (owner, {"before": "viewer", "after": "editor"})


def test_an_unknown_role_is_refused(client_of, owner, viewer):
    client_of(owner).post(f"/teams/lab/members/{viewer.pk}/role/", {"role": "king"})
    assert Membership.objects.get(user=viewer).role == Role.VIEWER


def test_the_last_owner_can_neither_leave_nor_step_down(client_of, owner):
    client = client_of(owner)
    client.post("/teams/lab/leave/")
    client.post(f"/teams/lab/members/{owner.pk}/remove/")
    client.post(f"/teams/lab/members/{owner.pk}/role/", {"role": "editor"})
    assert Membership.objects.get(user=owner).role == Role.OWNER


def test_one_of_two_owners_can_leave(client_of, owner, viewer):
    client = client_of(owner)
    client.post(f"/teams/lab/members/{viewer.pk}/role/", {"role": "owner"})
    client.post("/teams/lab/leave/")
    assert not Membership.objects.filter(user=owner).exists()
    assert client.get("/teams/lab/").status_code == 404


def test_a_removed_member_is_a_stranger_at_once(client_of, owner, viewer):
    there = client_of(viewer)
    assert there.get("/teams/lab/").status_code == 200
    client_of(owner).post(f"/teams/lab/members/{viewer.pk}/remove/")
    assert there.get("/teams/lab/").status_code == 404


def test_a_member_of_another_team_is_not_found_here(client_of, owner, outsider):
    for deed in ("role", "remove", "reset"):
        path = f"/teams/lab/members/{outsider.pk}/{deed}/"
        assert client_of(owner).post(path, {"role": "viewer"}).status_code == 404


def test_an_invitation_is_shown_once(client_of, owner, team):
    client = client_of(owner)
    answer = client.post("/teams/lab/invitations/", {"role": "editor", "email": "a@example.org"})
    address = answer.context["address"]
    assert address.startswith("http://testserver/link/")
    assert address not in client.get("/teams/lab/").content.decode()
    assert "a@example.org" in client.get("/teams/lab/").content.decode()


def test_who_is_in_the_team_is_not_invited_again(client_of, owner, viewer):
    answer = client_of(owner).post(
        "/teams/lab/invitations/", {"role": "editor", "email": viewer.email}
    )
    assert answer.status_code == 422


def test_a_reset_link_is_made_for_a_member(client_of, owner, viewer):
    answer = client_of(owner).post(f"/teams/lab/members/{viewer.pk}/reset/")
    assert "/link/" in answer.context["address"]


def test_public_address_is_used_in_links(client_of, owner, viewer, settings):
    settings.PUBLIC_URL = "https://bench.example.org"
    answer = client_of(owner).post(f"/teams/lab/members/{viewer.pk}/reset/")
    assert answer.context["address"].startswith("https://bench.example.org/link/")


@pytest.mark.parametrize(
    "address",
    [
        "/teams/lab/invitations/%00/withdraw/",
        "/teams/lab/members/%00/role/",
        "/teams/lab/projects/%00/edit/",
        "/account/tokens/%00/revoke/",
    ],
)
def test_what_cannot_be_an_id_is_no_address(address):
    with pytest.raises(Resolver404):  # PostgreSQL would call a NUL an error
        resolve(unquote(address))
