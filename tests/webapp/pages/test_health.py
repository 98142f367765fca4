from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


def test_the_process_is_alive_without_a_sign_in(client):
    assert client.get("/healthz").json() == {"ok": True}


def test_a_bench_with_database_and_room_is_ready(client):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["checks"] == {"database": True, "disk": True}


def test_a_full_disk_is_not_ready(client, settings):
    settings.MIN_FREE_DISK = 1 << 60
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["disk"] is False
