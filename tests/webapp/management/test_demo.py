from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from webapp.artifacts.models import Blob
from webapp.datasets.models import Dataset, Version
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def sample(team):
    """A ready version of a dataset with this name, without a file."""

    def make(name: str, kind: str, **facts: object) -> Version:
        dataset = Dataset.objects.create(team=team, name=name, kind=kind)
        blob = Blob.objects.create(sha256=f"{Blob.objects.count():064d}", size=1)
        return Version.objects.create(
            dataset=dataset, number=1, blob=blob, state="ready", facts=facts
        )

    return make


def test_each_method_gets_a_group_on_the_samples_alone(owner, project, sample, home):
    sample("My own graph", "graph", features=True, labels=True)
    graph = sample("Sample graph", "graph", features=True, labels=True)
    attacked = sample("Sample graph, attacked", "graph", features=False, labels=False)
    split = sample("Sample split", "split")
    call_command("demo")
    jobs = Job.objects.filter(method="gagn")
    assert [job.seed for job in jobs.order_by("seed")] == [0, 1, 2]
    chosen = {row.name: row.version for row in jobs[0].inputs.all()}
    assert chosen == {"graph": graph, "perturbed": attacked, "split": split}


def test_inputs_that_exclude_each_other_are_not_both_given(owner, project, sample, home):
    texts = sample("Sample texts", "text", labels=True, classes=2)
    sample("Sample images", "images")
    call_command("demo")
    jobs = Job.objects.filter(method="flat_lora")
    assert {row.name: row.version for row in jobs[0].inputs.all()} == {"data": texts}


def test_without_a_user_it_says_what_to_do(db):
    with pytest.raises(CommandError, match="make run"):
        call_command("demo")
