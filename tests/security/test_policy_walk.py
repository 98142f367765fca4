"""Every address, every operation of the API and every topic, asked by everybody."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import URLPattern, URLResolver, get_resolver
from PIL import Image

from tests.security.policy_table import API, PAGES, ROLES, TOPICS, rows
from webapp.accounts import links, tokens
from webapp.api.build import api
from webapp.artifacts.models import Artifact
from webapp.artifacts.storage import keep
from webapp.datasets import uploads
from webapp.datasets.models import Dataset, Version
from webapp.jobs.models import Group, Job, State
from webapp.live import access

pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def named(row: list[str]) -> str:
    return " ".join(row[:3])


@pytest.fixture
def people(outsider, viewer, editor, maintainer, owner):
    users = (AnonymousUser(), outsider, viewer, editor, maintainer, owner)
    return dict(zip(ROLES, users, strict=True))


@pytest.fixture
def world(people, team, project, make_job, home):
    """Ids of one of everything; `own_` is the editor's, `their_` the maintainer's."""
    ids = {"team": team.pk, "project": project.pk, "viewer": people["viewer"].pk}
    group = Group.objects.create(project=project, name="seeds")
    blob = keep(picture())
    for prefix, name in (("own", "editor"), ("their", "maintainer")):
        user = people[name]
        failed = make_job(created_by=user, state=State.FAILED, checkpoint_n=1, group=group)
        dataset = Dataset.objects.create(team=team, name=name, kind="split", created_by=user)
        version = Version.objects.create(dataset=dataset, number=1, blob=blob, file_name="x.png")
        ids[f"{prefix}_job"] = failed.pk
        ids[f"{prefix}_waiting"] = ids[f"{prefix}_running"] = make_job(created_by=user).pk
        ids[f"{prefix}_dataset"] = dataset.pk
        upload = uploads.begin(
            user, team=team, name="new", kind="split", file_name="s.json", size=3
        )
        ids[f"{prefix}_upload"] = upload.pk
    artifact = Artifact.objects.create(
        job=failed, blob=blob, path="x.png", title="X", role="result", media="image/png", n=1
    )
    invitation, _ = links.invite(people["owner"], team, role="viewer")
    secret = links.Link.make("sign_in", lasts=links.SIGN_IN_LASTS, user=people["viewer"])[1]
    token, _ = tokens.make(people["editor"], "script")
    ids |= {"group": group.pk, "version": version.pk, "artifact": artifact.pk}
    return ids | {"invitation": invitation.pk, "secret": secret, "own_token": token.pk}


def picture() -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (2, 2)).save(file, "PNG")
    file.seek(0)
    return file


def client_for(user) -> Client:
    client = Client()
    if user.is_authenticated:
        client.force_login(user)
    return client


class Undone(Exception):
    """Takes back what one request did, before the next role asks."""


def asked(user, method: str, address: str, **more) -> object:
    """The answer; nothing of what the request did stays."""
    try:
        with transaction.atomic():
            answer = client_for(user).generic(method, address, **more)
            raise Undone
    except Undone:
        return answer


def fill(text: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def begin(row: list[str], ids: dict[str, str]) -> None:
    """Only a job that the row calls running does run: no team with one may be deleted."""
    for name in ("own_running", "their_running"):
        if f"{{{name}}}" in row[2]:
            Job.objects.filter(pk=ids[name]).update(state=State.RUNNING)


def listed(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        path = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from listed(entry, path)
        else:
            yield path, entry


def operations() -> set[tuple[str, str]]:
    paths = api.get_openapi_schema()["paths"]
    return {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in paths.items()
        for method in methods
    }


def as_pattern(path: str) -> str:
    """/jobs/{job_id} as the resolver writes it."""
    return "api/v1" + path.replace("{", "<").replace("}", ">")


def test_every_address_is_in_the_table_and_nothing_else():
    walked = {path for path, _ in listed(get_resolver())}
    pages = {row[0].strip("'") for row in rows(PAGES)}
    of_api = {as_pattern(row[1]) for row in rows(API)}
    assert walked == pages | of_api


def test_every_operation_is_in_the_table_and_nothing_else():
    assert operations() == {(row[0], row[1]) for row in rows(API)}


@pytest.mark.parametrize("row", rows(PAGES), ids=named)
def test_page(row, world, people):
    begin(row, world)
    method, address = row[1], fill(row[2], world)
    expected = dict(zip(ROLES, map(int, row[-6:]), strict=True))
    address, _, fields = address.partition("#")
    form = {"data": fields, "content_type": "application/x-www-form-urlencoded"}
    more = form if method == "POST" else {}
    got = {role: asked(user, method, address, **more) for role, user in people.items()}
    assert {role: answer.status_code for role, answer in got.items()} == expected
    signing = row[0] in ("sign-in/", "sign-out/", "link/<str:secret>/")
    if expected["anonymous"] == 302 and not signing:
        assert got["anonymous"]["Location"].startswith("/sign-in/?next=/")


@pytest.mark.parametrize("pattern", sorted({row[0] for row in rows(PAGES)}))
def test_other_methods_of_a_page_are_refused(pattern, world, owner):
    own = [row for row in rows(PAGES) if row[0] == pattern]
    address = fill(own[0][2], world).partition("#")[0]
    allowed = {row[1] for row in own}
    for method in set(METHODS) - allowed:
        assert asked(owner, method, address).status_code in (404, 405), method


@pytest.mark.parametrize("row", rows(API), ids=named)
def test_operation(row, world, people):
    begin(row, world)
    method, address = row[0], "/api/v1" + fill(row[2], world)
    expected = dict(zip(ROLES, map(int, row[-6:]), strict=True))
    got = {}
    for role, user in people.items():
        answer = asked(user, method, address, **body(row[3:-6], world))
        got[role] = answer.status_code
        if answer.status_code >= 400 and method != "HEAD":  # which has no body
            assert set(answer.json()) == {"code", "message", "field", "hint", "request_id"}
    assert got == expected


def body(words: list[str], world: dict[str, str]) -> dict[str, object]:
    if not words:
        return {}
    if words == ["multipart"]:
        return upload(world["team"])
    if words == ["part"]:
        part = {"data": b"{}", "content_type": "application/offset+octet-stream"}
        return {**part, "headers": {"Upload-Offset": "0"}}
    return {
        "data": json.dumps(json.loads(fill(words[0], world))),
        "content_type": "application/json",
    }


def upload(team: str) -> dict[str, object]:
    file = io.BytesIO(b'{"train": [0]}')
    file.name = "split.json"
    fields = {"team": team, "name": "new", "kind": "split", "file": file}
    return {"data": encode_multipart(BOUNDARY, fields), "content_type": MULTIPART_CONTENT}


@pytest.mark.parametrize("row", rows(TOPICS), ids=lambda row: row[0])
def test_topic(row, world, people):
    topic = fill(row[0], world)
    heard = {
        role: bool(
            user.is_authenticated
            and access.is_topic(topic)
            and access.subscription(user, topic) is not None
        )
        for role, user in people.items()
    }
    assert heard == {role: word == "ok" for role, word in zip(ROLES, row[-6:], strict=True)}
