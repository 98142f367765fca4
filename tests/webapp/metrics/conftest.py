"""The same tests on both databases."""

from collections.abc import Iterator
from typing import Any

import dj_database_url
import pytest
from django.core.management import call_command
from django.db import transaction

from tests.bench import connected
from tests.services import own_database


@pytest.fixture(scope="session")
def postgres(services, django_db_setup, django_db_blocker) -> Iterator[dict[str, Any]]:
    """A PostgreSQL database with our tables, which no bench writes into."""
    with own_database(services.database_url) as url:
        database = dj_database_url.parse(url)
        with django_db_blocker.unblock(), connected(database):
            call_command("migrate", verbosity=0)
        yield database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def database(request, db) -> Iterator[str]:
    """Each test runs on SQLite and, in a transaction that is taken back, on PostgreSQL."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    with connected(request.getfixturevalue("postgres")), transaction.atomic():
        yield "postgresql"
        transaction.set_rollback(True)
