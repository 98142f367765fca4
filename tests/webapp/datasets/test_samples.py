"""The samples command: it fills a team once, whatever the number of calls."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from webapp.datasets.models import Version

pytestmark = pytest.mark.django_db


def test_samples_are_added_once(team, owner, home):
    call_command("samples", "--team", team.slug)
    first = set(Version.objects.values_list("pk", flat=True))
    assert {"graph", "split"} <= set(Version.objects.values_list("dataset__kind", flat=True))
    call_command("samples")
    assert set(Version.objects.values_list("pk", flat=True)) == first


def test_an_unknown_team_is_named(team):
    with pytest.raises(CommandError, match="'nope'; there are: lab"):
        call_command("samples", "--team", "nope")


def test_a_team_without_an_owner_is_told(team):
    with pytest.raises(CommandError, match="no owner"):
        call_command("samples")
