"""`live.js` in a real Chromium against the real server: gaps, reconnecting, asking."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from channels.layers import get_channel_layer
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench import wait_until
from tests.chromium import required
from tests.services import free_port
from tests.webapp.live.test_consumers import headers_of
from webapp.asgi import application
from webapp.live import consumers, publish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
SCRIPT = Path(__file__).resolve().parents[3] / "static/js/live.js"

# A page that keeps what it is told; `fetched` stands for the API's answer to a refetch.
FOLLOW = """async ([job, since]) => {
  const { live } = await import("/live.js");
  window.heard = []; window.gaps = 0; window.states = []; window.fetched = since;
  document.addEventListener("live", (event) => window.states.push(event.detail.state));
  window.stop = live().follow(job, {
    since,
    onMessage: (message) => window.heard.push(message.seq),
    onGap: async () => { window.gaps += 1; return window.fetched; },
  });
}"""


@pytest.fixture(autouse=True)
def _fresh_layer(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.fixture
def server(db) -> Iterator[int]:
    """The whole application in a thread, as `manage.py serve` runs it; its port."""
    port = free_port()
    running = uvicorn.Server(
        uvicorn.Config(application, host="127.0.0.1", port=port, log_level="error", lifespan="off")
    )

    async def serve() -> None:
        publish.own(asyncio.get_running_loop())
        await running.serve()
        publish.own(None)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    wait_until(lambda: running.started, "the server answers")
    yield port
    running.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[tuple[Browser, ThreadPoolExecutor]]:
    """A browser in a thread of its own: its event loop would otherwise be that of the tests,
    and Django refuses queries where one runs."""
    program = required()
    with ThreadPoolExecutor(1) as thread:
        playwright = thread.submit(lambda: sync_playwright().start()).result()
        options = {"executable_path": program, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}
        browser = thread.submit(lambda: playwright.chromium.launch(**options)).result()
        yield browser, thread
        thread.submit(browser.close).result()
        thread.submit(playwright.stop).result()


@pytest.fixture
def in_page(server, chromium, client_of, viewer) -> Iterator[Callable[..., Any]]:
    """Evaluates in a page of the viewer."""
    browser, thread = chromium
    here = f"http://127.0.0.1:{server}"
    name, value = dict(headers_of(client_of(viewer)))[b"cookie"].decode().split("=", 1)

    def open_page() -> Page:
        context = browser.new_context()
        context.add_cookies([{"name": name, "value": value, "url": here}])
        page = context.new_page()
        page.route(f"{here}/live.js", lambda route: route.fulfill(path=SCRIPT))
        page.goto(f"{here}/healthz")  # really served: Chromium lets no made-up page call here
        return page

    page = thread.submit(open_page).result()
    yield lambda script, given=None: thread.submit(page.evaluate, script, given).result()
    thread.submit(page.context.close).result()


def tell(job, *seqs: int) -> None:
    for seq in seqs:
        publish.publish(f"job.{job.pk}", {"job": job.pk, "seq": seq})


def waits_for(in_page, script: str, value: object) -> None:
    wait_until(lambda: in_page(script) == value, f"{script} is {value}", patience=20)


def follow(in_page, job, since: int) -> None:
    in_page(FOLLOW, [job.pk, since])
    waits_for(in_page, "window.states[0]", "open")
    wait_until(lambda: subscribed(job), "the page has subscribed", patience=20)


def subscribed(job) -> bool:
    return bool(get_channel_layer().groups.get(f"job.{job.pk}"))


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
    in_page("async () => { (await import('/live.js')).live().socket.close(4000); }")
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
      const { live } = await import("/live.js");
      return live().ask("0".repeat(26), "threshold", {}).catch((fault) => fault.message);
    }""")
    assert said == "job: expected a job of one of your teams"


def test_a_session_that_ends_is_told_and_not_tried_again(in_page, make_job, monkeypatch):
    monkeypatch.setattr(consumers, "RECHECK", 0.2)
    job = make_job()
    follow(in_page, job, since=0)
    Session.objects.all().delete()
    waits_for(in_page, "window.states", ["open", "signed-out"])
    assert in_page("async () => (await import('/live.js')).live().signedOut")
