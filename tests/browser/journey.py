"""A new user's way through the bench, in a real Chromium.

Prepared as `make run` does it: the one-time link, three uploads, a group of three seeds of
GAgN beside its baselines, watched live and inspected, shared with an invited member and kept
from a stranger; then the same job by API and by the door, equal to the last digit. Embedded and
distributed are a file each, which test processes tell at the same time.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.bench import ROOT, Bench, wait_until
from tests.browser.conftest import WATCH

expect.set_options(timeout=30_000)  # the machine may be busy with other things

PERTURBED = "meta/cora_meta_adj_0.2.npz"
SPLIT = "cora_prognn_splits.json"
# Fewer epochs and filters than the defaults, so that the whole story is told in a minute; as many
# rounds, so that a page that opens late on a busy machine sees the curve grow.
ROUNDS = {"rounds_after": 5, "candidates": 1, "baseline_epochs": 20}
BASELINES = ["mlp", "gcn", "jaccard"]
PASSWORD = "a sentence nobody has said"
CURVE = "self.val_accuracy"
DRAWN = "({ data: [{ x, y }] }) => [Array.from(x), Array.from(y)]"
Curve = tuple[list[int], list[float]]  # steps and values


class Person:
    """A browser of one's own, which notes what goes wrong in its pages."""

    def __init__(self, browser, bench: Bench):
        self.context = browser.new_context(
            base_url=bench.url, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
        )
        self.context.add_init_script(WATCH)
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def get(self, path: str):
        return self.context.request.get(path)


@pytest.fixture
def tell(browser, shared_data, by_door, monkeypatch, settings, django_db_blocker):
    """Tells the story on a bench that nobody has used: its first user is the first."""
    # Playwright's own loop lives in this thread; Django would refuse its database here.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    # The stranger is made here, and signs in there: hashed as the server does.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]

    def story(bench: Bench) -> None:
        bench.home.mkdir(parents=True)
        link = first_link(bench)
        with django_db_blocker.unblock(), bench:
            journey(browser, bench, link, shared_data / "graph/cora", by_door)

    return story


def journey(browser, bench: Bench, link: str, data: Path, by_door: dict) -> None:
    owner = Person(browser, bench)
    page = owner.page
    sign_in(page, link)
    upload(page, data / "cora.npz", kind="graph")
    upload(page, data / PERTURBED, kind="graph")
    upload(page, data / SPLIT, kind="split")
    start_group(page)

    group = page.url
    first, second, _third = jobs_of(page)
    page.goto(f"/jobs/{first}/charts/")
    lengths = watch_grow(page)
    assert len(lengths) == 3, lengths
    assert lengths == sorted(set(lengths))

    done(page, first, second)
    logged = events_of(bench, first)
    assert len(logged[0]) >= 30
    assert series_of(owner, first) == logged
    settled(page, logged)  # drawn from what the socket brought, without a reload
    page.reload()
    settled(page, logged)
    assert series_of(owner, second)[1] != logged[1]

    inspect(page, first)
    shared_and_kept(browser, bench, owner, first)
    page.goto(group)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cora")
    assert owner.errors == []
    assert page.evaluate("window.breaches") == []

    by_browser = owner.get(f"/api/v1/jobs/{first}").json()
    by_api = through_the_api(owner, bench, by_browser)
    assert by_api == by_browser["summary"]
    assert by_door == by_browser["summary"]
    for name in BASELINES:
        assert by_api[f"baseline.{name}.test_accuracy"] > 0.3


def first_link(bench: Bench) -> str:
    command = [sys.executable, str(ROOT / "manage.py"), "prepare"]
    environment = {**bench.environment, "TENFOLD_PORT": str(bench.port)}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return re.search(r"http://\S+/link/\S+", said.stdout).group()


def sign_in(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Datasets").first).to_be_visible()


def upload(page: Page, path: Path, *, kind: str) -> None:
    page.goto("/datasets/new/")
    page.set_input_files('input[type="file"]', path)
    page.select_option('select[name="kind"]', kind)
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url(re.compile(r"/datasets/[0-9a-z]{26}/"))
    expect(page.locator("main")).to_contain_text("ready", timeout=60_000)


def start_group(page: Page) -> None:
    page.goto("/jobs/new/?method=gagn")
    choose(page, "i.graph", "cora v1")
    choose(page, "i.perturbed", "cora_meta_adj_0.2")
    choose(page, "i.split", "cora_prognn_splits")
    page.locator("summary", has_text="more").click()
    for name, value in ROUNDS.items():
        page.fill(f'[name="p.{name}"]', str(value))
    for baseline in BASELINES:
        page.check(f'[name="p.baselines"][value="{baseline}"]')
    page.fill('[name="seeds"]', "0-2")
    page.fill('[name="name"]', "Cora")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile(r"/groups/"))


def choose(page: Page, field: str, text: str) -> None:
    option = page.locator(f'[name="{field}"] option', has_text=text).first
    page.select_option(f'[name="{field}"]', option.get_attribute("value"))


def jobs_of(page: Page) -> list[str]:
    addresses = page.locator('main table a[href^="/jobs/"]').evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    return list(dict.fromkeys(re.match(r"/jobs/([0-9a-z]{26})/", a).group(1) for a in addresses))


def series_of(owner: Person, job: str) -> Curve:
    answer = owner.get(f"/api/v1/jobs/{job}/series?keys={CURVE}&points=all").json()
    return answer["series"][CURVE]["step"], answer["series"][CURVE]["value"]


def settled(page: Page, logged: Curve) -> None:
    """What is drawn becomes what was logged, point for point."""
    expect(page.locator("#job-head")).to_have_attribute("data-state", "done")
    for _ in range(100):  # what is stored takes the place of what was live, and is then drawn
        if trace(page) == logged:
            break
        page.wait_for_timeout(100)
    assert trace(page) == logged


def trace(page: Page) -> Curve:
    plot = page.locator(f'figure[data-series="{CURVE}"] .js-plotly-plot')
    plot.wait_for(timeout=60_000)
    steps, values = plot.evaluate(DRAWN)
    return steps, values


def watch_grow(page: Page) -> list[int]:
    """Lengths of the drawn trace while the job runs; one per look at which it had grown."""
    lengths: list[int] = []

    def grown() -> bool:
        state = page.locator("#job-head").get_attribute("data-state")
        assert state in ("queued", "starting", "running"), f"{state} after {lengths}"
        length = len(trace(page)[0])
        if state == "running" and (not lengths or length > lengths[-1]):
            lengths.append(length)
        page.wait_for_timeout(50)
        return len(lengths) == 3

    wait_until(grown, "the trace has been drawn at three lengths", patience=300)
    return lengths


def done(page: Page, *jobs: str) -> None:
    def ended() -> bool:
        states = [page.context.request.get(f"/api/v1/jobs/{job}").json()["state"] for job in jobs]
        assert not {"failed", "cancelled", "lost"} & set(states), states
        page.wait_for_timeout(300)
        return all(state == "done" for state in states)

    wait_until(ended, "the jobs are done", patience=300)


def events_of(bench: Bench, job: str) -> Curve:
    path = next((bench.home / "jobs").glob(f"**/{job}/**/events.jsonl"))
    events = [json.loads(line) for line in path.read_text().splitlines()]
    logged = [event for event in events if event["t"] == "m" and CURVE in event["d"]]
    return [event["s"] for event in logged], [event["d"][CURVE] for event in logged]


def inspect(page: Page, job: str) -> None:
    page.goto(f"/jobs/{job}/inspect/")
    expect(page.locator("main .js-plotly-plot").first).to_be_visible(timeout=30_000)
    expect(page.locator("main")).to_contain_text("reconstruct", ignore_case=True)


def shared_and_kept(browser, bench: Bench, owner: Person, job: str) -> None:
    from webapp.accounts.models import Membership, Team, User

    page = owner.page
    page.goto("/teams/lab/")
    page.get_by_label("Role").last.select_option("viewer")
    page.get_by_role("button", name="Make an invitation link").click()
    link = re.search(r"http://\S+/link/[\w-]+/", page.content()).group()

    member = Person(browser, bench)
    member.page.goto(link)
    member.page.locator('input[name="email"]').fill("member@example.org")
    member.page.locator('input[name="name"]').fill("Member")
    for field in member.page.locator('input[type="password"]').all():
        field.fill(PASSWORD)
    member.page.get_by_role("button", name="join").click()
    expect(member.page.get_by_role("link", name="Jobs").first).to_be_visible()
    assert member.page.goto(f"/jobs/{job}/").status == 200
    expect(member.page.get_by_role("heading", level=1)).to_contain_text("Cora")
    assert member.errors == []

    stranger = User.objects.create_user("stranger@example.org", PASSWORD)
    elsewhere = Team.objects.create(slug="elsewhere", name="Elsewhere")
    Membership.objects.create(user=stranger, team=elsewhere, role="owner")
    outside = Person(browser, bench)
    outside.page.goto("/sign-in/")
    outside.page.locator('input[type="email"]').fill("stranger@example.org")
    outside.page.locator('input[type="password"]').fill(PASSWORD)
    outside.page.get_by_role("button", name="Sign in").click()
    expect(outside.page.get_by_role("link", name="Jobs").first).to_be_visible()
    assert outside.page.goto(f"/jobs/{job}/").status == 404
    assert outside.get(f"/api/v1/jobs/{job}").status == 404


def through_the_api(owner: Person, bench: Bench, like: dict) -> dict:
    """The same job once more, by token: its summary."""
    from webapp.accounts.models import User
    from webapp.accounts.tokens import make

    user = User.objects.get(pk=like["created_by"])
    _token, secret = make(user, "journey")

    def call(path: str, body: dict | None = None) -> dict:
        request = Request(
            f"{bench.url}/api/v1{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    body = {
        "project": like["project"],
        "method": "gagn",
        "inputs": like["inputs"],
        "params": {**ROUNDS, "baselines": BASELINES},
        "seed": 0,
    }
    job = call("/jobs", body)["jobs"][0]["id"]
    done(owner.page, job)
    return call(f"/jobs/{job}")["summary"]


@pytest.fixture(scope="module")
def by_door(shared_data, tmp_path_factory) -> dict:
    """The same job, typed by a person: its summary, to which each mode is held."""
    data, folder = shared_data / "graph/cora", tmp_path_factory.mktemp("door")
    command = [sys.executable, "-m", "engine", "run", "gagn", "--out", str(folder)]
    command += ["--input", f"graph={data / 'cora.npz'}"]
    command += ["--input", f"perturbed={data / PERTURBED}", "--input", f"split={data / SPLIT}"]
    command += ["--set", f"baselines={','.join(BASELINES)}"]
    for name, value in ROUNDS.items():
        command += ["--set", f"{name}={value}"]
    subprocess.run(
        command, cwd=ROOT, env=os.environ, stdin=subprocess.DEVNULL, check=True, capture_output=True
    )
    return json.loads((folder / "result.json").read_text())["summary"]
