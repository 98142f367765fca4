"""Schemathesis attacks the OpenAPI: well-formed and ill-formed calls, with real ids.

Each operation is called as owner and as editor. What a call did is taken back before the
next one, so that ids stay real. Nothing may break, every answer must be as documented, and
whoever the policy walk's table lets do a thing must have done it at least once. Only the
good answer of a what-if is not met here: it takes a worker, and is in test_by_script.py.
"""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import MutableMapping

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.security.policy_table import API, ROLES, rows
from webapp.accounts import links, tokens
from webapp.api.build import api
from webapp.artifacts.models import Artifact
from webapp.artifacts.storage import keep
from webapp.datasets import uploads
from webapp.datasets.models import Dataset, Version
from webapp.jobs.models import Group, LogPart, State
from webapp.metrics import store

pytestmark = pytest.mark.django_db
EXAMPLES = 50  # of each operation and person
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
SCHEMA = schemathesis.openapi.from_dict(api.get_openapi_schema())
SCHEMA.app = get_wsgi_application()
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
QUICK = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _one_connection():
    """A request does not close the connection that holds the test's transaction."""
    ends = (request_started, request_finished)
    for end in ends:
        end.disconnect(close_old_connections)
    yield
    for end in ends:
        end.connect(close_old_connections)


@pytest.fixture
def world(team, project, owner, editor, viewer, make_job, home, settings):
    """Real ids by the names of path parameters and fields; of some there are two."""
    settings.API_PER_MINUTE = 1_000_000
    blob = keep(io.BytesIO(b'{"train": [0]}'))
    group = Group.objects.create(project=project, name="seeds")
    job = make_job(state=State.FAILED, checkpoint_n=3, last_n=49, group=group)
    store.append(job.pk, [(n, n, n / 10, {"value": 1 / n}) for n in range(1, 50)])
    LogPart.objects.create(job=job, attempt=1, n=1, seq=1, text="a line\n")
    dataset = Dataset.objects.create(team=team, name="data", kind="split", created_by=editor)
    version = Version.objects.create(dataset=dataset, number=1, blob=blob, file_name="x.json")
    artifact = Artifact.objects.create(
        job=job, blob=blob, path="x.json", title="X", role="result", media="text/plain", n=1
    )
    upload = uploads.begin(
        editor, team=team, name="new", kind="split", file_name="x.json", size=1 << 20
    )
    return {
        "team_id": team.pk,
        "team": team.pk,
        "project_id": project.pk,
        "project": project.pk,
        "user_id": viewer.pk,
        "link_id": links.invite(owner, team, role="viewer")[0].pk,
        "dataset_id": dataset.pk,
        "version_id": version.pk,
        "job_id": [job.pk, make_job().pk],
        "artifact_id": artifact.pk,
        "group_id": group.pk,
        "kind": "split",
        "slug": "fake",
        "method": "fake",
        "jobs": job.pk,
        "token_id": "",  # of the person who calls
        "upload_id": upload.pk,
        "Upload-Offset": "0",
        "Tus-Resumable": "1.0.0",
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes(32)).decode()}:",
    }


class Undone(Exception):
    """Takes back what one call did."""


@pytest.mark.parametrize("who", ["owner", "editor"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_no_call_breaks(operation, who, world, request):
    token, secret = tokens.make(request.getfixturevalue(who), "attack", days=None)
    ids = {**world, "token_id": token.pk}
    if operation.label.endswith("/params"):  # alone, since no team with a running job is deleted
        ids["job_id"] = request.getfixturevalue("make_job")(state=State.RUNNING).pk
    statuses = Counter()

    @QUICK
    @given(st.data())
    def attack(data):
        mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
        case = data.draw(operation.as_strategy(mode))
        if data.draw(st.sampled_from([True, True, True, False])):
            make_real(case, ids, data)
        try:
            with transaction.atomic():
                answer = case.call(headers={"Authorization": f"Bearer {secret}"})
                case.validate_response(answer, checks=CHECKS)
                statuses[answer.status_code] += 1
                raise Undone
        except Undone:
            return

    attack()
    assert statuses.total() >= EXAMPLES
    if may(operation, who):
        assert any(200 <= status < 300 for status in statuses), dict(statuses)


def make_real(case, ids, data) -> None:
    """Puts ids of the world where the schema only knows that an id belongs."""

    def real(name):
        return data.draw(st.sampled_from(ids[name])) if isinstance(ids[name], list) else ids[name]

    case.path_parameters = {name: real(name) for name in case.path_parameters}
    for given_ in (case.body, case.query, case.headers):
        if isinstance(given_, MutableMapping):
            given_.update({name: real(name) for name in given_ if name in ids})


def may(operation, who) -> bool:
    path = operation.path.removeprefix("/api/v1")
    column = -len(ROLES) + ROLES.index(who)
    own = [row for row in rows(API) if (row[0], row[1]) == (operation.method.upper(), path)]
    return any(row[column].startswith("2") for row in own)
