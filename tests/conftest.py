"""Fixtures of all tests: three people of a team and a stranger, as every view is asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chromium import browser  # noqa: F401 - a fixture of all tests
from tests.environment import HOME
from tests.objects import objects  # noqa: F401 - fixtures of all tests
from tests.services import services  # noqa: F401 - likewise

ROOT = Path(__file__).resolve().parent.parent


# Longest first: test processes take whole files, and none shall begin a long one when the others
# are at their end.
LONG = [
    "browser/test_journey_distributed.py",
    "browser/test_pages.py",
    "webapp/api/test_schemathesis.py",
    "workers/test_life.py",
    "browser/test_journey_embedded.py",
    "workers/test_machines.py",
    "browser/test_gagn.py",
    "browser/test_flat_lora.py",
    "browser/test_charts.py",
    "workers/test_chaos.py",
    "docs/test_adding_a_method.py",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {ROOT / "tests" / name: n for n, name in enumerate(LONG)}
    assert all(path.is_file() for path in rank), "LONG names a file that is no more"
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """A file, as the product's: SQLite locks tables of a database in memory between threads, and
    there no connection waits for another. Each test process has a home of its own."""
    from django.db import connection

    connection.settings_dict["TEST"]["NAME"] = f"{HOME.name}/test.sqlite3"


@pytest.fixture(autouse=True)
def _plain_static_files(settings):
    """No manifest: tests do not collect static files."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {
            "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
        },
    }


@pytest.fixture(autouse=True)
def _quick_passwords(settings):
    """Argon2 is slow on purpose: a test that asks about it sets it back."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data sets, read in place."""
    given = os.environ.get("TENFOLD_SHARED_DATA")
    folder = Path(given) if given else ROOT.parent / "shared/data"
    if not folder.is_dir():
        pytest.skip(f"no real data: neither TENFOLD_SHARED_DATA nor {folder} is a folder")
    return folder


@pytest.fixture
def home(settings, tmp_path) -> Path:
    """A TENFOLD_HOME of this test alone."""
    settings.TENFOLD_HOME = tmp_path
    settings.JOBS_DIR = tmp_path / "jobs"
    settings.BLOBS_DIR = tmp_path / "blobs"
    settings.UPLOADS_DIR = tmp_path / "uploads"
    settings.UPLOADS_DIR.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = settings.UPLOADS_DIR
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": settings.BLOBS_DIR},
        },
    }
    return tmp_path


@pytest.fixture
def team(db):
    from webapp.accounts.models import Team

    return Team.objects.create(slug="lab", name="Lab")


@pytest.fixture
def person(team) -> Callable:
    """Makes a user with a role in the team, or none of it."""
    from webapp.accounts.models import Membership, User

    def make(name: str, role: str | None):
        user = User.objects.create_user(f"{name}@example.org", "correct horse battery", name=name)
        if role:
            Membership.objects.create(user=user, team=team, role=role)
        return user

    return make


@pytest.fixture
def owner(person):
    return person("owner", "owner")


@pytest.fixture
def maintainer(person):
    return person("maintainer", "maintainer")


@pytest.fixture
def editor(person):
    return person("editor", "editor")


@pytest.fixture
def viewer(person):
    return person("viewer", "viewer")


@pytest.fixture
def outsider(person):
    """A user with a team of their own: nothing of `team` is theirs."""
    from webapp.accounts.models import Membership, Team

    user = person("outsider", None)
    other = Team.objects.create(slug="elsewhere", name="Elsewhere")
    Membership.objects.create(user=user, team=other, role="owner")
    return user


@pytest.fixture
def project(team):
    from webapp.jobs.models import Project

    return Project.objects.create(team=team, slug="bench", name="Bench")


@pytest.fixture
def client_of() -> Callable:
    """A signed-in test client."""
    from django.test import Client

    def make(user):
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def make_job(project, editor) -> Callable:
    """A job as it stands in the database, without a worker."""
    from webapp.jobs.models import Job

    def make(**fields):
        defaults = {"project": project, "method": "fake", "created_by": editor, "threads": 1}
        return Job.objects.create(**{**defaults, **fields})

    return make
