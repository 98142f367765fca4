"""docs/adding-a-method.md works: its files are written into a copy of the tree and used."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/adding-a-method.md"
COPIED = (
    "engine",
    "webapp",
    "workers",
    "templates",
    "static",
    "tests",
    "manage.py",
    "pyproject.toml",
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^(?:# |// |\{# |<!-- )([\w./-]+/[\w.-]+)(?: #\}| -->)?\n")
PATIENCE = 60  # seconds


@dataclass(frozen=True)
class Tree:
    root: Path
    environment: dict[str, str]
    commands: list[str]

    def run(self, *words: str) -> str:
        done = subprocess.run(
            words, cwd=self.root, env=self.environment, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Tree:
    """A copy of the tree with the page's files in it."""
    root = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
            shutil.copytree(source, root / name, ignore=ignored)
        else:
            shutil.copy(source, root / name)
    commands = []
    for language, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "sh":
            commands += text.splitlines()
        else:
            (name,) = FILE.findall(text)
            path = root / name
            assert not path.exists(), f"{name}: the page would overwrite a file of ours"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    kept = {name: text for name, text in os.environ.items() if not name.startswith("TENFOLD_")}
    environment = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TENFOLD_HOME": str(root / "var"),
        "OMP_NUM_THREADS": "1",
    }
    for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE"):
        environment.pop(name, None)
    return Tree(root, environment, commands)


def test_its_commands_work(tree):
    assert tree.commands
    for command in tree.commands:
        tree.run("bash", "-c", command)
    result = json.loads((tree.root / "var/spread/result.json").read_text())
    summary = result["summary"]
    assert summary["test_accuracy"] > summary["baseline.majority.test_accuracy"]
    assert [check["ok"] for check in result["verifications"]] == [True]


def test_its_code_is_as_ours(tree):
    files = ["engine/methods/spread", "webapp/inspectors/spread.py", "tests/methods/spread"]
    tree.run(sys.executable, "-m", "ruff", "check", *files)
    tree.run(sys.executable, "-m", "ruff", "format", "--check", *files)


@pytest.fixture(scope="module")
def served(tree) -> Iterator[tuple[str, str]]:
    """The copy's own server, and the link that signs its first user in."""
    port = free_port()
    url = f"http://localhost:{port}"
    tree.environment["TENFOLD_PORT"] = str(port)
    said = tree.run(sys.executable, "manage.py", "prepare")
    (link,) = re.findall(r"http\S+/link/\S+", said)
    with (tree.root / "serve.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(port)],
            cwd=tree.root, env=tree.environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _wait_for(f"{url}/healthz", server, tree.root / "serve.log")
        yield url, link
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"{address} did not answer\n{log.read_text()}")


@pytest.mark.browser
def test_the_method_is_listed_its_job_ends_and_its_inspector_draws(tree, served, browser):
    url, link = served
    page = browser.new_context(base_url=url).new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(link)
    page.locator("main form button").first.click()
    page.goto("/methods/")
    page.get_by_role("link", name="Label spreading").first.wait_for()

    _wait_for_checks(page)
    page.goto("/jobs/new/?method=spread")
    for name, title in (("graph", "Sample graph v1"), ("split", "Sample split v1")):
        option = page.locator(f"#id_{name} option", has_text=title)
        page.locator(f"#id_{name}").select_option(option.get_attribute("value"))
    page.get_by_label("Share from neighbours α").fill("0.95")
    page.get_by_role("button", name="Start").click()
    with _told(page, tree):
        page.locator("#job-head[data-state=done]").wait_for()
    page.locator("[data-series=val_accuracy] .scatterlayer").wait_for()

    page.get_by_role("link", name="Inspect").click()
    page.locator("[data-margins] .barlayer").wait_for()
    page.locator("[data-warm=ready]").wait_for()
    page.locator("#alpha").fill("0.5")
    page.get_by_text("Validation accuracy at 0.5").wait_for()
    assert faults == []


@contextmanager
def _told(page: Page, tree: Tree) -> Iterator[None]:
    """A wait in vain says what the page and the server had to say."""
    try:
        yield
    except PlaywrightError as error:
        log = (tree.root / "serve.log").read_text()[-2000:]
        raise AssertionError(f"{error}\n{page.inner_text('main')[:2000]}\n{log}") from error


def _wait_for_checks(page: Page) -> None:
    """Until a sample is checked, the form offers none of it."""
    until = time.monotonic() + PATIENCE
    page.goto("/datasets/")
    while page.locator("main [data-state]:not([data-state=ready])").count():
        assert time.monotonic() < until, page.locator("main").inner_text()
        assert not page.locator("[data-state=rejected]").count(), page.locator("main").inner_text()
        page.wait_for_timeout(500)
        page.reload()
