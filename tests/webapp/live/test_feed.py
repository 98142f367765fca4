"""`feed.js` and `log.js` in a real Chromium, in the pages of a job as they are."""

import io
from typing import Any

import pytest

from tests.bench import wait_until
from tests.webapp.live.conftest import subscribed, tell, waits_for
from webapp.artifacts.models import Artifact
from webapp.artifacts.storage import keep
from webapp.inspectors.gagn import FILES
from webapp.jobs.models import LogPart, State
from webapp.metrics import store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

KEEP = """async () => {
  const { feed } = await import("/static/js/jobs/feed.js");
  window.told = [];
  feed().on("log", (text) => window.told.push(text));
  window.numbers = () => feed().series.get("value")?.n ?? [];
}"""
# The next request of a series is lost on the way.
LOSE = """() => {
  const own = window.fetch;
  let lost = 0;
  window.fetch = (address, ...rest) =>
    String(address).includes("/series") && lost++ === 0
      ? Promise.reject(new TypeError("lost"))
      : own(address, ...rest);
}"""
# What an inspector draws, once it is there.
READ = """async () => {
  const { whenThere } = await import("/static/js/inspectors/files.js");
  window.read = null;
  whenThere().then((all) => { window.read = all; });
}"""
LOG = 'document.querySelector("[data-log]").textContent'


@pytest.fixture
def tab(visit):
    """Opens a tab of a job and waits until it follows; evaluates there."""

    def make(job, name: str, prepare=None):
        in_page = visit(f"/jobs/{job.pk}/{name}/", prepare)
        in_page(KEEP)
        wait_until(lambda: subscribed(job), "the page has subscribed", patience=20)
        return in_page

    return make


@pytest.fixture
def commit():
    """Stores what a batch brings, as a worker does before it tells anybody."""

    def make(job, seq: int, *, log: str = "", numbers: range = range(0), **fields: Any) -> None:
        if log:
            LogPart.objects.create(job=job, attempt=1, n=job.last_n, seq=seq, text=log)
        if numbers:
            store.append(job.pk, [(n, n, 1000.0 + n, {"value": n / 2}) for n in numbers])
            fields["last_n"] = numbers[-1]
        for name, value in {"seq": seq, **fields}.items():
            setattr(job, name, value)
        job.save()

    return make


def points(numbers: range) -> dict[str, dict[str, list[float]]]:
    found = list(numbers)
    columns = {"n": found, "step": found, "wall": [1000.0 + n for n in found]}
    return {"value": {**columns, "value": [n / 2 for n in found]}}


@pytest.mark.parametrize("name", ["logs", "inspect"])
def test_a_tab_opened_before_the_start_hears_on_after_a_gap(tab, make_job, commit, name):
    job = make_job()
    in_page = tab(job, name)
    commit(job, 2)
    tell(job, 2, log="lost in the gap\n")
    tell(job, 3, log="three\n")
    waits_for(in_page, "window.told", ["three\n"])


@pytest.mark.parametrize("heard", [0, 1, 3], ids=["all in the gap", "one before it", "no gap"])
def test_an_inspector_has_its_files_also_where_they_came_in_a_gap(tab, make_job, commit, heard):
    job = make_job(method="gagn", state=State.RUNNING)
    in_page = tab(job, "inspect")
    in_page(READ)
    for seq, path in enumerate(FILES, start=1):
        content = keep(io.BytesIO(f'["{path}"]'.encode()))
        made = Artifact.objects.create(job=job, blob=content, path=path, role="result", n=seq)
        commit(job, seq)
        if seq <= heard:
            tell(job, seq, artifacts=[{"id": made.pk, "path": path}])
    if heard < len(FILES):
        assert in_page("window.read") is None
        tell(job, len(FILES) + 1)
    waits_for(in_page, "window.read", [[path] for path in FILES])


def test_the_log_fetches_what_a_gap_left_out(tab, make_job, commit):
    job = make_job()
    commit(job, 1, log="one\n")
    in_page = tab(job, "logs")
    commit(job, 2, log="two\n")
    commit(job, 3, log="three\n")
    tell(job, 3, log="three\n")
    tell(job, 4, log="four\n")
    waits_for(in_page, LOG, "one\ntwo\nthree\nfour\n")


def test_a_log_that_was_cut_is_fetched_whole(tab, make_job, commit):
    job = make_job()
    commit(job, 1, log="one\n")
    in_page = tab(job, "logs")
    commit(job, 2, log="head\ntail\n")
    tell(job, 2, log="tail\n", cut=True)
    tell(job, 3, log="three\n")
    waits_for(in_page, LOG, "one\nhead\ntail\nthree\n")


def test_a_rewound_log_has_nothing_twice(tab, make_job, commit):
    job = make_job()
    commit(job, 1, log="kept\n")
    in_page = tab(job, "logs")
    commit(job, 2, log="gone\n")
    tell(job, 2, log="gone\n")
    waits_for(in_page, LOG, "kept\ngone\n")
    LogPart.objects.filter(job=job, seq=2).delete()
    commit(job, 4, log="new\n")
    tell(job, 3, rewind=0)
    tell(job, 4, log="new\n")
    tell(job, 5, log="newer\n")
    waits_for(in_page, LOG, "kept\nnew\nnewer\n")


def test_a_rewind_takes_points_back_and_none_is_kept_twice(tab, make_job, commit):
    job = make_job()
    commit(job, 1, numbers=range(1, 6))
    in_page = tab(job, "charts")
    tell(job, 2, points=points(range(4, 8)))
    waits_for(in_page, "window.numbers()", [1, 2, 3, 4, 5, 6, 7])
    tell(job, 3, rewind=3)
    waits_for(in_page, "window.numbers()", [1, 2, 3])
    tell(job, 4, points=points(range(3, 6)))
    waits_for(in_page, "window.numbers()", [1, 2, 3, 4, 5])


def test_curves_that_cannot_be_loaded_at_first_come_later(tab, make_job, commit):
    job = make_job()
    commit(job, 1, numbers=range(1, 6))
    in_page = tab(job, "charts", lambda page: page.add_init_script(f"({LOSE})()"))
    waits_for(in_page, "window.numbers()", [1, 2, 3, 4, 5])


@pytest.mark.parametrize("lost", [False, True], ids=["at once", "at the second try"])
def test_at_the_end_the_stored_series_takes_the_place_of_the_live_one(tab, make_job, commit, lost):
    job = make_job(state=State.RUNNING)
    commit(job, 1, numbers=range(1, 6))
    in_page = tab(job, "charts")
    waits_for(in_page, "window.numbers()", [1, 2, 3, 4, 5])
    commit(job, 2, numbers=range(6, 11))
    tell(job, 2, points=points(range(6, 11, 4)))
    waits_for(in_page, "window.numbers()", [1, 2, 3, 4, 5, 6, 10])
    if lost:
        in_page(LOSE)
    commit(job, 3, state=State.DONE)
    tell(job, 3, state="done")
    waits_for(in_page, "window.numbers()", list(range(1, 11)))


def test_a_series_that_grew_long_is_fetched_reduced_though_the_first_try_is_lost(
    tab, make_job, commit
):
    job = make_job(state=State.RUNNING)
    commit(job, 1, numbers=range(1, 6))
    in_page = tab(job, "charts")
    in_page(LOSE)
    commit(job, 2, numbers=range(6, 4100))
    tell(job, 2, points=points(range(6, 4100)))
    waits_for(in_page, "window.numbers().length <= 1000 && window.numbers().at(-1)", 4099)
