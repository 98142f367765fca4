"""Pages of a viewer in a real Chromium, on the whole application with its live updates."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvicorn
from channels.layers import get_channel_layer
from django.contrib.staticfiles import finders
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.bench import wait_until
from tests.chromium import required
from tests.services import free_port
from tests.webapp.live.test_consumers import headers_of
from webapp.asgi import application
from webapp.live import publish


@pytest.fixture
def server(db, settings) -> Iterator[int]:
    """The whole application in a thread, as `manage.py serve` runs it; its port."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
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


@pytest.fixture(scope="package")
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


def _static(route: Route) -> None:
    """Tests do not collect static files."""
    route.fulfill(path=finders.find(route.request.url.partition("/static/")[2]))


@pytest.fixture
def visit(server, chromium, client_of, viewer) -> Iterator[Callable[..., Callable[..., Any]]]:
    """Opens an address as the viewer; what it answers with evaluates in that page."""
    browser, thread = chromium
    here = f"http://127.0.0.1:{server}"
    name, value = dict(headers_of(client_of(viewer)))[b"cookie"].decode().split("=", 1)
    opened: list[Page] = []

    def open_page(address: str, prepare: Callable[[Page], None] | None) -> Page:
        context = browser.new_context()
        context.add_cookies([{"name": name, "value": value, "url": here}])
        page = context.new_page()
        opened.append(page)
        page.route(f"{here}/static/**", _static)
        if prepare is not None:
            prepare(page)
        page.goto(f"{here}{address}")
        return page

    def make(address: str, prepare: Callable[[Page], None] | None = None) -> Callable[..., Any]:
        page = thread.submit(open_page, address, prepare).result()
        return lambda script, given=None: thread.submit(page.evaluate, script, given).result()

    yield make
    for page in opened:
        thread.submit(page.context.close).result()


def tell(job, *seqs: int, **fields: Any) -> None:
    """Publish messages of a job, all with the same content."""
    for seq in seqs:
        publish.publish(f"job.{job.pk}", {"job": job.pk, "seq": seq, **fields})


def waits_for(in_page, script: str, value: object) -> None:
    wait_until(lambda: in_page(script) == value, f"{script} is {value}", patience=20)


def subscribed(job) -> bool:
    return bool(get_channel_layer().groups.get(f"job.{job.pk}"))
