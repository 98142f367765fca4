import pytest

from webapp.accounts.models import Link, Membership, Role, Team

pytestmark = pytest.mark.django_db


def test_one_sees_ones_own_teams_only(caller, editor, outsider):
    assert [row["slug"] for row in caller(editor).get("/teams").json()] == ["lab"]
    assert [row["slug"] for row in caller(outsider).get("/teams").json()] == ["elsewhere"]


def test_an_outsider_gets_404(caller, outsider, team):
    call = caller(outsider)
    for path in ("", "/members", "/invitations", "/audit"):
        assert call.get(f"/teams/{team.pk}{path}").status_code == 404


def test_a_team_is_made_renamed_and_deleted(caller, viewer):
    call = caller(viewer)
    pk = call.post("/teams", {"name": "Mine"}).json()["id"]
    assert call.patch(f"/teams/{pk}", {"name": "Still mine"}).json()["name"] == "Still mine"
    assert call.delete(f"/teams/{pk}").status_code == 204
    assert not Team.objects.filter(pk=pk).exists()


def test_members_are_listed_and_roles_changed_by_an_owner(caller, owner, viewer, team):
    call = caller(owner)
    assert {row["email"]: row["role"] for row in call.get(f"/teams/{team.pk}/members").json()} == {
        owner.email: "owner",
        viewer.email: "viewer",
    }
    changed = call.patch(f"/teams/{team.pk}/members/{viewer.pk}", {"role": "editor"})
    assert changed.json()["role"] == "editor"
    assert (
        caller(viewer).patch(f"/teams/{team.pk}/members/{viewer.pk}", {"role": "owner"}).status_code
        == 403
    )


def test_a_member_may_leave_but_not_remove_another(caller, viewer, editor, team):
    call = caller(viewer)
    assert call.delete(f"/teams/{team.pk}/members/{editor.pk}").status_code == 403
    assert call.delete(f"/teams/{team.pk}/members/{viewer.pk}").status_code == 204
    assert not Membership.objects.filter(user=viewer).exists()


def test_the_last_owner_stays(caller, owner, team):
    call = caller(owner)
    path = f"/teams/{team.pk}/members/{owner.pk}"
    assert call.delete(path).status_code == 422
    assert call.patch(path, {"role": "viewer"}).status_code == 422
    assert Membership.objects.get(user=owner).role == Role.OWNER


def test_an_invitation_is_made_listed_and_withdrawn(caller, owner, team):
    call, path = caller(owner), f"/teams/{team.pk}/invitations"
    made = call.post(path, {"role": "viewer", "email": "a@example.org"}).json()
    assert made["address"].startswith("http://testserver/link/")
    listed = call.get(path).json()
    assert [row["id"] for row in listed] == [made["id"]]
    assert "address" not in listed[0]
    assert call.delete(f"{path}/{made['id']}").status_code == 204
    assert not Link.objects.exists()


def test_a_reset_link_cannot_be_deleted_as_an_invitation(caller, owner, viewer, team):
    call = caller(owner)
    made = call.post(f"/teams/{team.pk}/members/{viewer.pk}/reset").json()
    assert call.delete(f"/teams/{team.pk}/invitations/{made['id']}").status_code == 404


@pytest.mark.parametrize("email", ["nobody", "a@b@c", "a\n@example.org", "x" * 300 + "@e.org"])
def test_an_email_that_is_none_is_refused(caller, owner, team, email):
    answer = caller(owner).post(f"/teams/{team.pk}/invitations", {"email": email})
    assert (answer.status_code, answer.json()["field"]) == (422, "email")


def test_the_audit_log_comes_in_pages(caller, owner, team):
    call = caller(owner)
    for number in range(5):
        call.patch(f"/teams/{team.pk}", {"name": f"Lab {number}"})
    first = call.get(f"/teams/{team.pk}/audit?limit=3").json()
    second = call.get(f"/teams/{team.pk}/audit?limit=3&before={first['next']}").json()
    names = [event["detail"]["name"] for event in first["events"] + second["events"]]
    assert names == [f"Lab {number}" for number in range(4, -1, -1)]
    assert second["next"] is None
