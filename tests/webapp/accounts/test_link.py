from datetime import timedelta

import pytest
from django.utils import timezone

from webapp.accounts import links, teams
from webapp.accounts.models import Link, Membership, Role, Team, Token, User
from webapp.accounts.tokens import make as make_token

pytestmark = pytest.mark.django_db


def sign_in_link(user, lasts=timedelta(hours=1)):
    return Link.make(Link.Purpose.SIGN_IN, lasts=lasts, user=user)[1]


def test_opening_a_link_uses_nothing(client, editor):
    secret = sign_in_link(editor)
    assert client.get(f"/link/{secret}/").status_code == 200
    assert client.get("/account/").status_code == 302
    assert Link.objects.get().used is None


def test_a_sign_in_link_signs_in_once(client, editor):
    secret = sign_in_link(editor)
    assert client.post(f"/link/{secret}/").status_code == 302
    assert client.get("/account/").status_code == 200
    again = client.post(f"/link/{secret}/")
    assert again.status_code == 410
    assert "It was used on" in again.content.decode()


def test_who_has_no_password_is_led_to_choose_one(client, editor):
    editor.set_password(None)
    editor.save()
    assert client.post(f"/link/{sign_in_link(editor)}/")["Location"] == "/account/"


def test_an_expired_link_says_so(client, editor):
    answer = client.post(f"/link/{sign_in_link(editor, lasts=timedelta(seconds=-1))}/")
    assert answer.status_code == 410
    assert "It was good until" in answer.content.decode()
    assert client.get("/account/").status_code == 302


def test_an_unknown_link_says_so(client, db):
    assert client.get("/link/nothing/").status_code == 404
    assert client.post("/link/nothing/").status_code == 404


def test_its_address_leaves_the_browser_in_no_referrer(client, editor):
    answer = client.get(f"/link/{sign_in_link(editor)}/")
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]


def test_the_secret_is_kept_as_a_digest_only(editor):
    link, secret = Link.make(Link.Purpose.SIGN_IN, lasts=timedelta(hours=1), user=editor)
    assert secret not in str(Link.objects.values().get(pk=link.pk))


def test_of_two_uses_at_once_one_is_refused(editor):
    secret = sign_in_link(editor)
    first, second = links.find(secret), links.find(secret)  # both saw it alive
    links.use_sign_in(first)
    with pytest.raises(links.Refused):
        links.use_sign_in(second)


class TestInvitation:
    def invite(self, owner, team, **fields):
        return links.invite(owner, team, **{"role": Role.EDITOR, **fields})[1]

    def test_a_newcomer_makes_an_account_and_joins(self, client, owner, team):
        secret = self.invite(owner, team)
        filled = {"email": "New@Example.org", "name": "New", "password": "a long new password"}
        assert client.post(f"/link/{secret}/", filled)["Location"] == "/teams/lab/"
        made = User.objects.get(email="new@example.org")
        assert Membership.objects.get(user=made).role == Role.EDITOR
        assert client.get("/teams/lab/").status_code == 200

    def test_who_is_signed_in_joins_by_a_button(self, client_of, outsider, owner, team):
        secret = self.invite(owner, team)
        client = client_of(outsider)
        assert "New password" not in client.get(f"/link/{secret}/").content.decode()
        assert client.post(f"/link/{secret}/").status_code == 302
        assert Membership.objects.get(user=outsider, team=team).role == Role.EDITOR

    def test_an_invitation_for_one_email_is_for_no_other(self, client_of, outsider, owner, team):
        secret = self.invite(owner, team, email="friend@example.org")
        answer = client_of(outsider).post(f"/link/{secret}/")
        assert answer.status_code == 422
        assert not Membership.objects.filter(user=outsider, team=team).exists()
        assert Link.objects.get(team=team).used is None

    def test_a_newcomer_cannot_change_the_email_of_the_invitation(self, client, owner, team):
        secret = self.invite(owner, team, email="friend@example.org")
        filled = {"email": "other@example.org", "name": "F", "password": "a long new password"}
        client.post(f"/link/{secret}/", filled)
        assert not User.objects.filter(email="other@example.org").exists()
        assert User.objects.filter(email="friend@example.org").exists()

    def test_it_does_not_take_over_an_account(self, client, owner, outsider, team):
        secret = self.invite(owner, team)
        filled = {"email": outsider.email, "name": "X", "password": "a long new password"}
        assert client.post(f"/link/{secret}/", filled).status_code == 422
        outsider.refresh_from_db()
        assert outsider.check_password("correct horse battery")
        assert Link.objects.get(team=team).used is None

    def test_a_weak_password_is_refused_beside_its_field(self, client, owner, team):
        secret = self.invite(owner, team)
        filled = {"email": "new@example.org", "name": "New", "password": "12345"}
        answer = client.post(f"/link/{secret}/", filled)
        assert answer.status_code == 422
        assert answer.context["form"].errors["password"]

    def test_an_owner_who_opens_an_invitation_stays_owner(self, client_of, owner, team):
        secret = self.invite(owner, team, role=Role.VIEWER)
        client_of(owner).post(f"/link/{secret}/")
        assert Membership.objects.get(user=owner, team=team).role == Role.OWNER

    @pytest.mark.parametrize("deed", ["removed", "demoted"])
    def test_who_is_no_owner_any_more_brings_nobody_in(self, client_of, outsider, person, deed):
        former = person("former", Role.OWNER)
        row = former.memberships.get()
        person("second", Role.OWNER)
        secret = self.invite(former, row.team, role=Role.OWNER)
        if deed == "removed":
            teams.remove(former, row)
        else:
            teams.set_role(former, row, Role.VIEWER)
        assert client_of(outsider).post(f"/link/{secret}/").status_code == 422
        assert not Membership.objects.filter(user=outsider, team=row.team).exists()
        assert Link.objects.get(team=row.team).used is None

    def test_a_withdrawn_one_is_gone(self, client, client_of, owner, team):
        secret = self.invite(owner, team)
        link = Link.objects.get()
        client_of(owner).post(f"/teams/lab/invitations/{link.pk}/withdraw/")
        assert client.get(f"/link/{secret}/").status_code == 404


class TestReset:
    def test_it_sets_the_password_and_revokes_tokens(self, client, owner, editor, team):
        make_token(editor, "script")
        secret = links.reset(owner, team, editor)[1]
        answer = client.post(f"/link/{secret}/", {"password": "another long password"})
        assert answer.status_code == 302
        editor.refresh_from_db()
        assert editor.check_password("another long password")
        assert not Token.objects.exists()

    def test_other_sessions_end(self, client, client_of, owner, editor, team):
        elsewhere = client_of(editor)
        secret = links.reset(owner, team, editor)[1]
        client.post(f"/link/{secret}/", {"password": "another long password"})
        assert elsewhere.get("/account/").status_code == 302

    def test_a_member_of_another_team_is_not_an_owners_to_reset(self, owner, editor, team):
        other = Team.objects.create(slug="other", name="Other")
        Membership.objects.create(user=editor, team=other, role=Role.OWNER)
        with pytest.raises(links.Refused):
            links.reset(owner, team, editor)

    def test_nor_if_they_joined_another_team_after_the_link_was_made(
        self, client, owner, editor, team
    ):
        secret = links.reset(owner, team, editor)[1]
        other = Team.objects.create(slug="other", name="Other")
        Membership.objects.create(user=editor, team=other, role=Role.VIEWER)
        answer = client.post(f"/link/{secret}/", {"password": "another long password"})
        assert answer.status_code == 422
        editor.refresh_from_db()
        assert editor.check_password("correct horse battery")

    def test_it_ends_with_the_day(self, owner, editor, team):
        link, _ = links.reset(owner, team, editor)
        assert timezone.now() < link.expires <= timezone.now() + timedelta(days=1)
