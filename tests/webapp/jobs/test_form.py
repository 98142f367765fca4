"""The job form: generated from the card, prefilled, refused with faults beside the fields."""

from __future__ import annotations

import html
import re

import pytest
from django.urls import reverse

from engine.core import registry
from webapp.artifacts.models import Artifact, Blob
from webapp.datasets.models import Dataset, Version
from webapp.jobs.models import Job, JobInput

pytestmark = pytest.mark.django_db


@pytest.fixture
def versions(team):
    """A ready graph, one without labels, one in check."""
    made = {}
    for place, (name, state, facts) in enumerate(
        [
            ("good", "ready", {"features": True, "labels": True}),
            ("bare", "ready", {"features": True, "labels": False}),
            ("fresh", "checking", {}),
        ]
    ):
        dataset = Dataset.objects.create(team=team, name=name, kind="graph")
        blob = Blob.objects.create(sha256=str(place) * 64, size=1)
        made[name] = Version.objects.create(
            dataset=dataset, number=1, blob=blob, file_name="g.npz", state=state, facts=facts
        )
    return made


def post(client, project, **fields):
    address = reverse("job-new") + "?method=fake"
    given = {
        "project": project.pk, "seeds": "0", "device": "auto", "threads": "1", "p.steps": "50",
        "p.seconds_per_step": "0", "p.points_per_step": "1", "p.scale": "1.0", "p.mode": "walk",
        "p.checkpoint_each": "0", "p.fail_at": "", "p.nan_at": "", "p.crash_at": "",
        "p.memory_mb": "0",
    }  # fmt: skip
    return client.post(address, {**given, **fields})


def test_without_a_method_all_are_offered(client_of, editor, project):
    page = client_of(editor).get(reverse("job-new")).content.decode()
    assert "Fake walk" in page
    assert "GAgN" in page


def test_every_parameter_has_its_control(client_of, editor, project):
    page = client_of(editor).get(reverse("job-new") + "?method=fake").content.decode()
    assert re.search(r'type="number" step="1" name="p.steps"[^>]*value="50"[^>]*min="0"', page)
    assert 'max="10000000"' in page
    assert re.search(r'type="checkbox" name="p.verbose"', page)
    assert "<option selected>walk</option>" in page
    assert re.search(r'type="checkbox" name="p.baselines"[^>]*value="flat" checked', page)
    assert "Paper: 1.0." in page
    assert 'Seconds per step <span class="muted">(s)</span>' in page


def test_what_does_not_fit_is_shown_with_the_reason(client_of, editor, project, versions):
    page = client_of(editor).get(reverse("job-new") + "?method=gagn").content.decode()
    graph = page.split('name="i.graph"')[1].split("</select>")[0]
    assert f'value="version:{versions["good"].pk}">' in graph
    assert f'value="version:{versions["bare"].pk}" disabled' in graph
    assert "expected labels, to train and test with; it has none" in graph
    assert "still being checked" in graph


def test_a_version_is_chosen_beforehand(client_of, editor, project, versions):
    address = f"{reverse('job-new')}?method=gagn&version={versions['good'].pk}"
    page = client_of(editor).get(address).content.decode()
    assert f'value="version:{versions["good"].pk}" selected' in page


def test_a_form_makes_a_job(client_of, editor, project):
    answer = post(
        client_of(editor), project,
        **{"p.steps": "7", "p.verbose": "on", "p.baselines": ["flat"], "p.mode": "level"},
        name="from the form", tags="a, b",
    )  # fmt: skip
    job = Job.objects.get()
    assert answer.url == reverse("job", args=[job.pk])
    assert (job.params["steps"], job.params["verbose"], job.params["mode"]) == (7, True, "level")
    assert job.params["fail_at"] is None
    assert (job.name, job.tags) == ("from the form", ["a", "b"])


def test_nothing_ticked_means_no_baseline(client_of, editor, project):
    post(client_of(editor), project)
    assert Job.objects.get().params["baselines"] == []


def test_several_seeds_lead_to_the_group(client_of, editor, project):
    answer = post(client_of(editor), project, seeds="0-2")
    assert answer.url == reverse("group", args=[Job.objects.first().group_id])


def test_limits_are_written_in_their_own_units(client_of, editor, project):
    post(client_of(editor), project, **{"limits.seconds": "1.5", "limits.memory": "2"})
    limits = Job.objects.get().limits
    assert (limits["seconds"], limits["memory"]) == (90, 2 << 30)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("limits.seconds", "-5", "minutes, from 0.0167 (1 s) to 1440, got '-5'"),
        ("limits.memory", "17", "GiB, from 0.125 to 16, got '17'"),
        ("limits.memory", "much", "GiB, from 0.125 to 16, got 'much'"),
        ("limits.disk", "9" * 60, f"GiB, from 0.000977 (1.00 MiB) to 20, got '{'9' * 19}…"),
        ("limits.silence", "1e400", "a number of minutes, from"),
        ("threads", "9" * 20, "a whole number from 1 to 256, got '"),
        ("threads", "-1", "a number from 1 to 256, got -1"),
    ],
)
def test_a_number_out_of_bounds_is_told_in_its_fields_unit(
    client_of, editor, project, name, text, told
):
    answer = post(client_of(editor), project, **{name: text})
    assert answer.status_code == 422
    assert told in html.unescape(answer.content.decode())


def test_faults_stand_beside_their_fields_and_in_a_summary(client_of, editor, project):
    answer = post(
        client_of(editor), project,
        **{"p.steps": "-1", "p.scale": "wide", "seeds": "x", "threads": "many",
           "limits.disk": "huge", "p.fail_at": "soon"},
    )  # fmt: skip
    page = answer.content.decode()
    assert answer.status_code == 422
    assert Job.objects.count() == 0
    summary = page.split('class="faults"')[1].split("</div>")[0]
    for where in ("steps", "scale", "seeds", "threads", "limits.disk", "fail_at"):
        assert f'href="#id_{where}"' in summary
        assert f'id="id_{where}"' in page
    assert 'id="fault_steps"' in page
    assert 'value="wide"' in page  # what was typed stays
    # A fault is never folded away.
    assert page.index('id="id_fail_at"') < page.index("<details>")


def test_a_fork_starts_from_what_was_asked_before(client_of, editor, project, versions, make_job):
    parent = make_job(
        method="gagn", params={"rounds": 33, "baselines": ["gcn"]}, seed=5, name="old"
    )
    JobInput.objects.create(job=parent, name="graph", version=versions["good"])
    page = client_of(editor).get(f"{reverse('job-new')}?fork={parent.pk}").content.decode()
    assert re.search(r'name="p.rounds"[^>]*value="33"', page)
    assert f'value="version:{versions["good"].pk}" selected' in page
    assert 'id="id_seeds" value="5"' in page
    assert re.search(r'value="gcn" checked', page)
    assert not re.search(r'value="mlp" checked', page)


def test_an_address_sets_parameters_of_a_fork_and_hides_none_of_them(
    client_of, editor, project, make_job
):
    parent = make_job(method="gagn", params={"rounds": 33, "allow_isolated": True})
    asked = "p.filter=strict&p.thresholds=0.35&p.attention_floor=1.5&p.allow_isolated=false"
    address = f"{reverse('job-new')}?fork={parent.pk}&{asked}"
    page = client_of(editor).get(address).content.decode()
    shown, folded = page.split("<details>", 1)
    assert "<option selected>strict</option>" in shown
    assert re.search(r'name="p.thresholds"[^>]*value="0.35"', shown)
    assert re.search(r'name="p.attention_floor"[^>]*value="1.5"', shown)
    assert 'id="id_allow_isolated" aria' in shown  # and is not checked
    assert re.search(r'name="p.rounds"[^>]*value="33"', shown + folded)


def test_an_address_that_sets_what_cannot_be_is_told(client_of, editor, project):
    address = f"{reverse('job-new')}?method=gagn&p.rounds=many&p.degree=maybe&p.colour=red"
    page = client_of(editor).get(address).content.decode()
    summary = page.split('class="faults"')[1].split("</div>")[0]
    for where, said in (
        ("rounds", "expected a whole number, got &#x27;many&#x27;"),
        ("degree", "expected true or false, got &#x27;maybe&#x27;"),
        ("colour", "this method has no such parameter"),
    ):
        assert f'href="#id_{where}"' in summary
        assert said in summary


def test_an_unknown_parameter_is_refused_as_everywhere(client_of, editor, project):
    answer = post(client_of(editor), project, **{"p.colour": "red"})
    assert answer.status_code == 422
    assert "this method has no such parameter" in answer.content.decode()
    assert Job.objects.count() == 0


def test_the_fork_remembers_its_parent(client_of, editor, project, make_job):
    parent = make_job()
    client = client_of(editor)
    client.post(
        f"{reverse('job-new')}?fork={parent.pk}",
        {"project": project.pk, "seeds": "1", "p.steps": "3", "p.mode": "walk"},
    )
    assert Job.objects.exclude(pk=parent.pk).get().parent == parent


def test_a_job_of_others_cannot_be_forked(client_of, outsider, make_job):
    address = f"{reverse('job-new')}?fork={make_job().pk}"
    assert client_of(outsider).get(address).status_code == 404


def test_a_viewer_is_told_who_can_help(client_of, viewer, project):
    page = client_of(viewer).get(reverse("job-new") + "?method=fake").content.decode()
    assert "You may not run jobs yet" in page
    assert post(client_of(viewer), project).status_code == 422


def test_a_viewer_is_not_asked_to_choose_a_method_first(client_of, viewer, project):
    page = client_of(viewer).get(reverse("job-new")).content.decode()
    assert "You may not run jobs yet" in page
    assert "?method=" not in page


def test_an_editor_without_a_project_is_told_to_make_one(client_of, editor, team):
    page = client_of(editor).get(reverse("job-new") + "?method=fake").content.decode()
    assert "No project yet" in page
    assert "You may not run jobs" not in page


def test_an_unknown_method_is_not_found(client_of, editor):
    assert client_of(editor).get(reverse("job-new") + "?method=nope").status_code == 404


# Weights, which come as datasets and as artifacts of jobs


@pytest.fixture
def weights(make_job, team):
    """What a pre-training left, a network of another family, and recordings to fine-tune on."""
    job = make_job(method="cbramod", name="before", state="done")
    facts = {"cbramod": "cbramod", "llama": "LlamaForCausalLM"}
    made = {
        name: Artifact.objects.create(
            job=job, blob=Blob.objects.create(sha256=name[0] * 64, size=1), kind="model",
            path=f"export/{name}.safetensors", title=f"Weights of {name}", role="export", n=1,
            facts={"architecture": architecture},
        )
        for name, architecture in facts.items()
    }  # fmt: skip
    dataset = Dataset.objects.create(team=team, name="eyes", kind="eeg")
    blob = Blob.objects.create(sha256="e" * 64, size=1)
    made["eeg"] = Version.objects.create(
        dataset=dataset, number=1, blob=blob, file_name="eyes.zip", state="ready", facts={}
    )
    return made


def test_the_weights_of_a_job_are_an_input_of_another(client_of, editor, project, weights):
    client = client_of(editor)
    address = reverse("job-new") + "?method=cbramod"
    shown = client.get(address).content.decode().split('name="i.weights"')[1].split("</select>")[0]
    ours = f"artifact:{weights['cbramod'].pk}"
    assert f'value="{ours}">' in shown
    assert f'value="artifact:{weights["llama"].pk}" disabled' in shown
    assert "expected weights of CBraMod" in shown
    defaults = registry.method("cbramod").defaults()
    fields = {
        f"p.{name}": "on" if value is True else value
        for name, value in defaults.items()
        if value is not False and value != []
    }
    fields |= {"project": project.pk, "seeds": "0", "threads": "1", "i.weights": ours}
    fields["i.recordings"] = f"version:{weights['eeg'].pk}"
    refused = client.post(address, fields | {"p.start": "scratch"})
    assert "scratch, but weights are given" in html.unescape(refused.content.decode())
    assert not Job.objects.filter(name="").exists()
    client.post(address, fields)
    job = Job.objects.get(name="")
    assert job.inputs.get(name="weights").artifact == weights["cbramod"]


@pytest.fixture
def texts(team):
    dataset = Dataset.objects.create(team=team, name="reviews", kind="text")
    facts = {"text": "text", "label": "label", "labels": True, "train": 1000, "dev": 0, "test": 0}
    blob = Blob.objects.create(sha256="7" * 64, size=1)
    return Version.objects.create(
        dataset=dataset, number=1, blob=blob, file_name="r.csv", state="ready", facts=facts
    )


def foretold(client, project, method="flat_lora", **fields):
    plain = {"project": project.pk, "p.variants": ["lora"], "p.hessian": "on", "p.save_model": "on"}
    address = f"{reverse('job-foretold')}?method={method}"
    return client.post(address, {**plain, **fields})


def test_what_the_form_comes_to_is_told_while_it_is_filled_in(
    client_of, editor, viewer, outsider, project, texts
):
    form = client_of(editor).get(reverse("job-new") + "?method=flat_lora").content.decode()
    assert f'hx-post="{reverse("job-foretold")}?method=flat_lora"' in form
    given = {"i.data": f"version:{texts.pk}", "p.rank": "4"}
    page = foretold(client_of(editor), project, **given).content.decode()
    assert "165,888 weights in 36 linear layers" in page
    assert "at most 78, of at most 26 in an epoch of 810 rows" in page
    for change in ({"p.rank": "none"}, {"i.data": ""}, {"i.data": "version:0"},
                   {"p.backbone": "vit"}):  # fmt: skip
        assert foretold(client_of(editor), project, **{**given, **change}).content.strip() == b""
    for other in (viewer, outsider):
        assert foretold(client_of(other), project, **given).content.strip() == b""
    assert foretold(client_of(editor), project, method="gagn").content.strip() == b""
    assert foretold(client_of(editor), project, method="nope").status_code == 404
    assert client_of(editor).get(reverse("job-foretold")).status_code == 405
