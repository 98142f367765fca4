import pytest
from django.db import transaction

from webapp.audit.models import AuditEvent
from webapp.audit.record import record

pytestmark = pytest.mark.django_db


def fill(owner, team, count):
    with transaction.atomic():
        for number in range(count):
            record(owner, "team.edit", f"deed {number}", team=team, number=number)


def test_an_owner_reads_it_newest_first(client_of, owner, team):
    fill(owner, team, 3)
    page = client_of(owner).get("/teams/lab/audit/").content.decode()
    assert page.index("deed 2") < page.index("deed 0")


def test_others_of_the_team_may_not_and_outsiders_find_nothing(client_of, maintainer, outsider):
    assert client_of(maintainer).get("/teams/lab/audit/").status_code == 403
    assert client_of(outsider).get("/teams/lab/audit/").status_code == 404


def test_a_refusal_is_one_line_of_the_log(client_of, maintainer, caplog):
    client_of(maintainer).get("/teams/lab/audit/")
    (line,) = [record for record in caplog.records if record.name == "django.request"]
    said = "/teams/lab/audit/: 'audit.view needs the role owner'"
    assert line.getMessage() == f"Forbidden (Permission denied): {said}"
    assert line.exc_info is None


def test_older_events_are_a_page_away(client_of, owner, team):
    fill(owner, team, 60)
    client = client_of(owner)
    first = client.get("/teams/lab/audit/")
    second = client.get(f"/teams/lab/audit/?before={first.context['older']}")
    assert len(first.context["events"]) == 50
    assert [event.target for event in second.context["events"]] == [
        f"deed {number}" for number in range(9, -1, -1)
    ]


@pytest.mark.parametrize("before", ["-1", "x", "9" * 40, "²"])
def test_a_wrong_page_shows_the_newest(client_of, owner, team, before):
    fill(owner, team, 1)
    answer = client_of(owner).get("/teams/lab/audit/", {"before": before})
    assert len(answer.context["events"]) == 1


def test_a_target_is_named_with_its_id(owner, team):
    with transaction.atomic():
        event = record(owner, "team.edit", team, team=team)
    assert event.target == f"team Lab ({team.pk})"


@pytest.mark.django_db(transaction=True)
def test_a_record_needs_the_transaction_of_its_deed(owner, team):
    with pytest.raises(RuntimeError, match="outside the transaction"):
        record(owner, "team.edit", team, team=team)
    assert not AuditEvent.objects.exists()
