"""`live.js` in a real Chromium against the real server: gaps, reconnecting, asking."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session

from tests.bench import wait_until
from tests.webapp.live.conftest import subscribed, tell, waits_for
from webapp.live import consumers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

# A page that keeps what it is told; `fetched` stands for the API's answer to a refetch.
FOLLOW = """async ([job, since]) => {
  const { live } = await import("/static/js/live.js");
  window.heard = []; window.gaps = 0; window.states = []; window.fetched = since;
  document.addEventListener("live", (event) => window.states.push(event.detail.state));
  window.stop = live().follow(job, {
    since,
    onMessage: (message) => window.heard.push(message.seq),
    onGap: async () => { window.gaps += 1; return window.fetched; },
  });
}"""


@pytest.fixture
def in_page(visit) -> Callable[..., Any]:
    """Evaluates in a page of the viewer that has no script of its own."""
    return visit("/healthz")  # really served: Chromium lets no made-up page call here


def follow(in_page, job, since: int) -> None:
    in_page(FOLLOW, [job.pk, since])
    waits_for(in_page, "window.states[0]", "open")
    wait_until(lambda: subscribed(job), "the page has subscribed", patience=20)


def test_messages_come_in_order_and_a_repeated_one_is_not_drawn_twice(in_page, make_job):
    job = make_job(seq=4)
    follow(in_page, job, since=4)
    tell(job, 4, 5, 5, 6, 7)
    waits_for(in_page, "window.heard", [5, 6, 7])
    assert in_page("window.gaps") == 0


def test_a_page_that_comes_late_fetches_what_it_missed(in_page, make_job):
    job = make_job(seq=9)
    in_page(FOLLOW.replace("window.fetched = since", "window.fetched = 9"), [job.pk, 4])
    waits_for(in_page, "window.gaps", 1)
    tell(job, 8, 9, 10)
    waits_for(in_page, "window.heard", [10])


def test_a_gap_is_fetched_while_later_messages_wait(in_page, make_job):
    job = make_job()
    follow(in_page, job, since=0)
    in_page("window.fetched = 4")
    tell(job, 1, 4, 5, 6)
    waits_for(in_page, "window.heard", [1, 5, 6])
    assert in_page("window.gaps") == 1


def test_a_lost_connection_is_taken_up_again_without_loss(in_page, make_job):
    job = make_job(seq=2)
    follow(in_page, job, since=2)
    tell(job, 3)
    waits_for(in_page, "window.heard", [3])
    in_page("async () => { (await import('/static/js/live.js')).live().socket.close(4000); }")
    waits_for(in_page, "window.states[1]", "lost")
    job.seq = 5  # committed while nobody heard
    job.save()
    in_page("window.fetched = 5")
    waits_for(in_page, "window.states[2]", "open")
    waits_for(in_page, "window.gaps", 1)
    tell(job, 6)
    waits_for(in_page, "window.heard", [3, 6])


def test_who_stops_following_hears_no_more(in_page, make_job):
    job = make_job()
    follow(in_page, job, since=0)
    in_page("window.stop()")
    wait_until(lambda: not subscribed(job), "the page has unsubscribed")
    tell(job, 1)
    assert in_page("window.heard") == []


def test_a_question_that_is_refused_rejects_its_promise(in_page):
    said = in_page("""async () => {
      const { live } = await import("/static/js/live.js");
      return live().ask("0".repeat(26), "threshold", {}).catch((fault) => fault.message);
    }""")
    assert said == "job: expected a job of one of your teams"


def test_a_session_that_ends_is_told_and_not_tried_again(in_page, make_job, monkeypatch):
    monkeypatch.setattr(consumers, "RECHECK", 0.2)
    job = make_job()
    follow(in_page, job, since=0)
    Session.objects.all().delete()
    waits_for(in_page, "window.states", ["open", "signed-out"])
    assert in_page("async () => (await import('/static/js/live.js')).live().signedOut")
