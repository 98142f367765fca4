import logging

import pytest

from webapp.accounts.redact import Redact, redact

SECRET = "q9-XyZ_01234567890123456789012345678901234"


@pytest.mark.parametrize(
    "line",
    [
        f"Not Found: /link/{SECRET}/",
        f"GET /link/{SECRET}/ HTTP/1.1",
        f"Authorization: Bearer tenfold_{SECRET}",
        f"authorization: bearer {SECRET}",
        f"token tenfold_{SECRET} was used",
    ],
)
def test_no_secret_reaches_the_log(line):
    assert SECRET not in redact(line)


def test_other_lines_stay_as_they_are():
    line = "GET /jobs/01hzy3v0000000000000000000/ 200"
    assert redact(line) == line


def test_arguments_of_a_record_are_looked_at_too():
    record = logging.makeLogRecord({"msg": "%s: %s", "args": ("Gone", f"/link/{SECRET}/")})
    assert Redact().filter(record)
    assert record.getMessage() == "Gone: /link/[redacted]/"


def test_djangos_own_warning_of_a_dead_link_carries_no_secret(client, db, caplog):
    caplog.handler.addFilter(Redact())
    client.get(f"/link/{SECRET}/")
    assert "Not Found" in caplog.text
    assert SECRET not in caplog.text


def test_every_handler_of_ours_redacts(settings):
    assert all("secrets" in handler["filters"] for handler in settings.LOGGING["handlers"].values())
