"""The page of Flat-LoRA's inspector, before its script runs: its words, its verdict, its data."""

from __future__ import annotations

import re
from functools import partial

import pytest
from django.conf import settings
from django.urls import reverse

from engine.core.registry import method
from webapp.artifacts.models import Artifact
from webapp.inspectors import flat_lora, framework
from webapp.jobs.models import Group, State

pytestmark = pytest.mark.django_db

WAITS = "The variants are still trained or measured"
ENDED = "This job ended before its flatness was written down"
PARAMS = {"variants": ["flat", "lora"], "flat_on": "lora",
          "sigmas": [0.1, 0.25], "draws": 6, "probe": 90}  # fmt: skip


@pytest.fixture
def opened(inspected):
    return partial(inspected, "flat_lora", params=PARAMS)


@pytest.fixture
def of_group(client_of, viewer, make_job):
    """The page of the first of a group's jobs, which are done with these summaries."""

    def make(
        *summaries: dict, params: dict = PARAMS, open_seeds: int = 0, failed_seeds: int = 0
    ) -> str:
        jobs = []
        for seed, summary in enumerate(summaries):
            jobs.append(make_job(method="flat_lora", state=State.DONE, params=params,
                                 seed=seed, summary=summary))  # fmt: skip
        for seed in range(open_seeds):
            jobs.append(make_job(method="flat_lora", state=State.RUNNING, params=params,
                                 seed=100 + seed, summary=summaries[0]))  # fmt: skip
        for seed in range(failed_seeds):
            jobs.append(make_job(method="flat_lora", state=State.FAILED, params=params,
                                 seed=200 + seed))  # fmt: skip
        group = Group.objects.create(project=jobs[0].project, name="seeds")
        for job in jobs:
            job.group = group
            job.save()
        return client_of(viewer).get(reverse("job-inspect", args=[jobs[0].pk])).content.decode()

    return make


def summary(flat: float, lora: float, key: str = "accuracy") -> dict[str, float]:
    return {f"flat.{key}": flat, f"lora.{key}": lora}


def told(text: str) -> str:
    return re.search(r'<td class="nowrap">([^<]*)</td></tr>', text[text.index("verdict-part") :])[1]


def banner(text: str) -> str:
    return re.search(r'<p class="banner">([^<]*)</p>', text)[1]


def test_it_is_an_inspector_of_its_own():
    found = framework.inspector_of("flat_lora")
    assert found.template == "inspectors/flat_lora.html"
    assert found.script == "js/inspectors/flat_lora.js"


@pytest.mark.parametrize(
    ("state", "files", "words", "hidden"),
    [
        (State.RUNNING, (), WAITS, False),
        (State.RUNNING, flat_lora.FILES[:2], WAITS, False),
        (State.FAILED, (), ENDED, False),
        (State.DONE, flat_lora.FILES, ENDED, True),
    ],
)
def test_the_page_says_what_it_waits_for(opened, state, files, words, hidden):
    text, data = opened(state, *files)
    note = re.search(r"<p ([^>]*)data-waiting([^>]*)>(.*?)</p>", text)
    assert words in note[3]
    assert ("hidden" in note[2]) is hidden
    assert set(data["files"]) == set(files)
    assert data["wanted"] == list(flat_lora.FILES)


def test_variants_have_their_titles_before_any_file_is_there(opened):
    params = {"variants": ["sam", "flat"], "flat_on": "dora"}
    _, data = opened(State.RUNNING, params=params)
    assert data["variants"] == [
        {"name": "sam", "title": "LoRA-SAM"},
        {"name": "flat", "title": "Flat-LoRA on DoRA"},
    ]


def test_live_sharpness_says_what_it_is_of(opened):
    _, data = opened(State.RUNNING)
    assert data["looked"] == "4 draws, up to 32 fixed training rows"


def test_live_sharpness_is_of_as_much_as_the_method_looks_at():
    """Read, not imported: the method's module takes seconds to load."""
    source = (settings.BASE_DIR / "engine/methods/flat_lora/flatness.py").read_text("utf-8")
    rows, draws = flat_lora.LIVE_ROWS, flat_lora.LIVE_DRAWS
    assert f"\nLIVE_ROWS, LIVE_DRAWS = {rows}, {draws}\n" in source


@pytest.mark.parametrize(
    ("lora", "words"),
    [
        ((0.70, 0.72, 0.71), "better"),
        ((0.90, 0.92, 0.91), "worse"),
        ((0.70, 0.90, 0.80), "no difference shown"),
    ],
)
def test_better_is_said_only_where_the_interval_excludes_zero(of_group, lora, words):
    text = of_group(*(summary(flat, other) for flat, other in zip((0.8, 0.81, 0.82), lora,
                                                                  strict=True)))  # fmt: skip
    assert told(text) == words
    assert (words in banner(text)) is (words in ("better", "worse"))


def test_the_interval_is_students(of_group):
    """Differences 0.1, 0.2, 0.3: mean 0.2, t(2) = 4.302653 times 0.1/√3, so it covers 0."""
    text = of_group(summary(0.6, 0.5), summary(0.7, 0.5), summary(0.8, 0.5))
    cell = re.search(r'data-forest="accuracy" data-value="([^"]+)" data-low="([^"]+)" '
                     r'data-high="([^"]+)"', text)  # fmt: skip
    mean, low, high = map(float, cell.groups())
    assert mean == pytest.approx(0.2)
    assert high - mean == pytest.approx(4.302653 * 0.1 / 3**0.5, rel=1e-6)
    assert low < 0
    assert told(text) == flat_lora.NOTHING
    assert "3, 0, 0" in text


def test_less_sharpness_is_better(of_group):
    pairs = [(0.01, 0.03), (0.02, 0.05), (0.03, 0.05)]
    text = of_group(*(summary(*pair, key="e_sharpness") for pair in pairs))
    assert told(text) == "better"
    assert banner(text) == (
        "Over 3 seeds, Flat-LoRA is better than LoRA (E-sharpness). No other difference is shown."
    )


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("e_sharpness", "E-sharpness: σ = 0.25, 6 draws, up to 90 fixed test rows."),
        ("f1", "F1: of the second class where there are two, else the mean of the classes"),
        ("accuracy", None),
    ],
)
def test_a_metric_says_what_it_is_of(of_group, key, said):
    text = of_group(summary(0.9, 0.1, key=key))
    assert said is None or said in text
    assert text.count("σ = 0.25, 6 draws") == (key == "e_sharpness")
    assert text.count("F1: of") == (key == "f1")


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (((0.9, 0.1),), "2 seeds missing"),
        (((0.9, 0.1), (0.9, 0.1001)), "1 seed missing"),  # an interval far from 0
    ],
)
def test_fewer_than_three_seeds_show_nothing(of_group, pairs, words):
    # That others run counts for nothing.
    text = of_group(*(summary(*pair) for pair in pairs), open_seeds=2)
    assert told(text) == f"not shown: {words}"
    assert ("data-low" in text) is (len(pairs) > 1)
    assert f"nothing is shown: {words}." in banner(text)
    assert "better" not in banner(text)


def test_seeds_that_differ_by_the_very_same_amount_show_nothing(of_group):
    pairs = [(0.75, 0.5), (0.5, 0.25), (0.375, 0.125)]
    assert told(of_group(*(summary(*pair) for pair in pairs))) == flat_lora.NOTHING
    assert told(of_group(*(summary(one, one) for one, _ in pairs))) == flat_lora.NOTHING


def test_a_metric_that_too_few_seeds_have_is_not_shown(of_group):
    """Beside one that all have: the banner's count is that of the others."""
    pairs = [(0.8, 0.1), (0.81, 0.12), (0.82, 0.13)]
    found = [summary(*pair) for pair in pairs]
    for one, accuracy in zip(found[:2], (0.2, 0.21), strict=True):
        one |= summary(accuracy, accuracy - 0.1, key="mcc")
    text = of_group(*found)
    assert told(text) == "better"
    assert ">not shown: 1 seed missing</td>" in text
    assert "Matthews" not in banner(text)


def test_a_seed_that_lacks_a_number_is_left_out_of_that_metric(of_group):
    lacking = {"flat.accuracy": 0.9, "lora.accuracy": None}
    text = of_group(summary(0.6, 0.5), lacking, summary(0.7, 0.5))
    assert "2, 0, 0" in text


def test_nothing_is_better_while_a_seed_that_is_done_has_no_number(of_group):
    """None is what an overflow leaves, which for the first variant is the worst of all values."""
    pairs = [(0.9, 0.1), (0.91, 0.12), (0.92, 0.13)]
    text = of_group(*(summary(*pair) for pair in pairs), summary(None, 0.1))
    assert told(text) == "not shown: 1 seed without a number"
    assert "3, 0, 0" in text
    assert "better" not in banner(text)


def test_seeds_that_failed_are_told_beside_what_the_others_show(of_group):
    pairs = [(0.9, 0.1), (0.91, 0.12), (0.92, 0.13)]
    text = of_group(*(summary(*pair) for pair in pairs), open_seeds=1, failed_seeds=2)
    assert banner(text) == (
        "Over 3 seeds, Flat-LoRA is better than LoRA (Test accuracy). No other difference is "
        "shown. Seeds that are not counted: 2 failed, 1 running."
    )


def test_every_metric_that_is_compared_has_a_direction():
    card = method("flat_lora")
    assert all(card.metric(f"flat.{key}").better for key in flat_lora.COMPARED)


def test_a_job_without_a_second_variant_has_no_verdict(opened):
    text, _ = opened(State.DONE, params={"variants": ["lora"]}, summary={"lora.accuracy": 0.5})
    assert "Nothing to compare" in text
    assert "banner" not in text


def test_exports_are_links_with_their_titles(opened):
    text, _ = opened(State.DONE, "export/flat-adapter.zip", "inspector/other.json")
    part = text[text.index('id="exports-part"') :]
    artifact = Artifact.objects.get(path="export/flat-adapter.zip")
    assert reverse("artifact-download", args=[artifact.pk]) in part
    assert re.findall(r"</svg> ([\w./-]+)</a>", part) == ["export/flat-adapter.zip"]


def test_every_control_has_a_name(opened):
    text, _ = opened(State.DONE)
    page = text[text.index("data-results") :]
    labelled = set(re.findall(r'<label [^>]*for="([^"]+)"', page))
    controls = re.findall(r"<(?:input|select|textarea)\b[^>]*\bid=\"([^\"]+)\"", page)
    assert len(controls) == len(set(controls)) > 10
    assert set(controls) <= labelled
