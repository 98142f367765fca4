from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from webapp.accounts.models import Link, Membership, User
from webapp.addresses import public_address
from webapp.jobs.models import Project

pytestmark = pytest.mark.django_db
BASE = "http://127.0.0.1:8130"


def run(*options) -> str:
    out = StringIO()
    call_command("firstuser", "--base", BASE, *options, stdout=out)
    return out.getvalue()


def link_in(text: str) -> str:
    return text.split(BASE)[1].strip()


def test_an_empty_bench_gets_a_user_a_team_and_a_project(client):
    link = link_in(run())
    user = User.objects.get()
    assert Membership.objects.get().user == user
    assert Project.objects.get().name == "Bench"
    client.post(link)
    assert client.get("/account/").context["user"] == user


def test_the_email_is_given_or_local():
    run("--email", "Ada@Example.org")
    assert User.objects.get().email == "ada@example.org"


def test_a_bad_email_is_named():
    with pytest.raises(CommandError, match="--email"):
        run("--email", "nobody")
    assert not User.objects.exists()


def test_until_someone_signs_in_each_start_prints_a_fresh_link(client):
    first, second = link_in(run()), link_in(run())
    assert first != second
    assert client.get(first).status_code == 404
    assert client.post(second).status_code == 302
    assert User.objects.count() == 1


def test_afterwards_it_only_says_where_to_sign_in(client):
    client.post(link_in(run()))
    said = run()
    assert said == f"Sign in at {BASE}/sign-in/\n"
    assert not Link.objects.filter(used=None).exists()


def test_who_is_locked_out_gets_a_link_from_the_shell(client, editor):
    client.post("/sign-in/", {"email": editor.email, "password": "correct horse battery"})
    client.logout()
    client.post(link_in(run("--link", "--email", editor.email)))
    assert client.get("/account/").context["user"] == editor


def test_a_link_for_nobody_is_refused(editor):
    with pytest.raises(CommandError, match=r"nobody@example\.org"):
        run("--link", "--email", "nobody@example.org")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://localhost:8000"),
        ("0.0.0.0", "http://localhost:8000"),
        ("bench.example", "http://bench.example:8000"),
        ("fe80::1", "http://[fe80::1]:8000"),
    ],
)
def test_the_link_and_the_server_tell_one_address(host, address):
    assert public_address(host, 8000) == address


def test_behind_a_proxy_that_is_the_proxys_address(settings):
    settings.PUBLIC_URL = "https://bench.example.org"
    assert public_address("127.0.0.1", 8000) == "https://bench.example.org"
