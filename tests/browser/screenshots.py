"""Makes the pictures of README and docs from a real bench: every number in them was computed.

    .venv/bin/python -m tests.browser.screenshots

A bench starts in a temporary folder, GAgN runs with three seeds on Cora under Metattack 20 %
where the shared data are at hand (TENFOLD_SHARED_DATA), else on the sample graph, CBraMod on
the mental arithmetic or else the sample recordings, and the pages are photographed, one of them
while its job runs. Takes some minutes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.chromium import executable
from tests.services import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGES = ROOT / "docs/images"
SIZE = {"width": 1280, "height": 860}
SEEDS = [0, 1, 2]
SHARED = Path(os.environ.get("TENFOLD_SHARED_DATA") or ROOT.parent / "shared/data")
PATIENCE = 900  # seconds for everything that runs


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    path = executable()
    if path is None:
        sys.exit("no Chromium: set CHROMIUM or install the package")
    with tempfile.TemporaryDirectory(prefix="tenfold-pictures-") as home:
        port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        env = {**kept, "TENFOLD_HOME": home, "TENFOLD_PORT": str(port), "TENFOLD_METHODS": ""}
        said = subprocess.run(
            [sys.executable, "manage.py", "prepare"],
            cwd=ROOT,
            env=env,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        link = re.search(r"http://\S+/link/\S+", said)[0]
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            server.stdout.readline()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
                base = link.split("/link/")[0]
                context = browser.new_context(base_url=base, viewport=SIZE, reduced_motion="reduce")
                photograph(context, link)
                browser.close()
        finally:
            server.terminate()
            server.wait(timeout=60)


def photograph(context: BrowserContext, link: str) -> None:
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/account/")
    page.locator("input[name=name]").first.fill("Ada Lovelace")
    page.get_by_role("button", name="Save").first.click()
    page.wait_for_url("**/account/")
    api = Api(context, page)
    versions = data(api)
    jobs = api.post(
        "/jobs",
        {
            "project": api.get("/projects")[0]["id"],
            "method": "gagn",
            "name": "GAgN under attack",
            "inputs": {name: {"version": pk} for name, pk in versions.items()},
            "params": {"baselines": ["mlp", "gcn", "jaccard"]},
            "seeds": SEEDS,
            "tags": ["paper"],
        },
    )["jobs"]
    ids = [job["id"] for job in jobs]
    first = api.wait(f"/jobs/{ids[0]}", lambda job: job["progress"].get("done", 0) > 30)
    live = context.new_page()
    live.goto(f"/jobs/{first['id']}/inspect/")
    live.locator("[data-training] .main-svg").first.wait_for()
    live.wait_for_timeout(2000)
    shoot(live, "job-live")
    page.goto("/")
    page.locator(".strip").first.wait_for()
    shoot(page, "home")
    page.goto(f"/jobs/new/?method=gagn&version={versions['graph']}")
    shoot(page, "job-new")
    page.goto(f"/datasets/{api.get('/versions/' + versions['graph'])['dataset']}/")
    page.locator(".main-svg").first.wait_for()
    shoot(page, "dataset")
    for pk in ids:
        ended = api.wait(f"/jobs/{pk}", lambda job: job["ended"] is not None)
        if ended["state"] != "done":
            sys.exit(f"job {pk} ended as {ended['state']}: {ended['message']}")
    inspector(page, ids[0])
    page.goto(f"/compare/?jobs={','.join(ids)}")
    page.locator(".main-svg").first.wait_for()
    page.wait_for_timeout(1500)
    shoot(page, "compare")
    page.goto(f"/jobs/{ids[0]}/")
    page.locator(".main-svg").first.wait_for()
    shoot(page, "job-done")
    signals(page, api)


def signals(page: Page, api: Api) -> None:
    """CBraMod's inspector: a window, what is hidden of it, and what the network guesses."""
    (job,) = api.post(
        "/jobs",
        {
            "project": api.get("/projects")[0]["id"],
            "method": "cbramod",
            "name": "Rest or arithmetic",
            "inputs": {"recordings": {"version": recordings(api)}},
            "params": {"folds": 2, "epochs": 4, "pretrain_epochs": 4},
            "seed": 0,
        },
    )["jobs"]
    ended = api.wait(f"/jobs/{job['id']}", lambda found: found["ended"] is not None)
    if ended["state"] != "done":
        sys.exit(f"job {job['id']} ended as {ended['state']}: {ended['message']}")
    page.set_viewport_size({**SIZE, "height": 1340})
    page.goto(f"/jobs/{job['id']}/inspect/")
    note = page.locator("[data-window-note]", has_text="Answered in")
    note.wait_for(timeout=PATIENCE * 1000)
    page.locator("#window").evaluate("head => head.scrollIntoView()")
    page.wait_for_timeout(1000)
    shoot(page, "inspector-cbramod")
    page.set_viewport_size(SIZE)


def inspector(page: Page, pk: str) -> None:
    page.goto(f"/jobs/{pk}/inspect/")
    page.locator('[data-warm="ready"]').wait_for(timeout=PATIENCE * 1000)
    page.locator("#tau").fill("0.4")
    page.locator("[data-answer-note]", has_text="τ=0.4").wait_for()
    page.get_by_role("button", name="Some attacked node").click()
    page.set_viewport_size({**SIZE, "height": 1340})
    page.locator("#whatif").evaluate("head => head.scrollIntoView()")
    page.wait_for_timeout(500)
    shoot(page, "inspector")
    page.set_viewport_size(SIZE)


def shoot(page: Page, name: str) -> None:
    page.screenshot(path=IMAGES / f"{name}.png")
    print(f"docs/images/{name}.png")  # noqa: T201


class Api:
    """The REST API with the session of the page."""

    def __init__(self, context: BrowserContext, page: Page):
        self.request = context.request
        cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
        self.headers = {"X-CSRFToken": cookies["csrftoken"], "Referer": page.url}

    def get(self, path: str):
        return self._json(self.request.get(f"/api/v1{path}"))

    def post(self, path: str, body: dict):
        return self._json(self.request.post(f"/api/v1{path}", data=body, headers=self.headers))

    def upload(self, fields: dict[str, str], file: Path) -> dict:
        content = {"name": file.name, "mimeType": "application/octet-stream"}
        parts = {**fields, "file": {**content, "buffer": file.read_bytes()}}
        return self._json(
            self.request.post("/api/v1/datasets", multipart=parts, headers=self.headers)
        )

    def wait(self, path: str, arrived: Callable[[dict], bool]) -> dict:
        for _ in range(PATIENCE * 2):
            found = self.get(path)
            if arrived(found):
                return found
            time.sleep(0.5)
        sys.exit(f"{path} did not get there within {PATIENCE} s")

    @staticmethod
    def _json(answer):
        if not answer.ok:
            sys.exit(f"{answer.url} answered {answer.status}: {answer.text()[:500]}")
        return answer.json()


def data(api: Api) -> dict[str, str]:
    """Version ids for GAgN's three inputs: Cora where it is at hand, else the samples."""
    folder = SHARED / "graph"
    files = {
        "graph": ("Cora", "graph", folder / "cora/cora.npz"),
        "perturbed": (
            "Cora, Metattack 20 %",
            "graph",
            folder / "cora/meta/cora_meta_adj_0.2.npz",
        ),
        "split": ("Cora, split of Pro-GNN", "split", folder / "cora/cora_prognn_splits.json"),
    }
    versions = {}
    if all(path.is_file() for _, _, path in files.values()):
        team = api.get("/teams")[0]["id"]
        for name, (title, kind, path) in files.items():
            made = api.upload({"team": team, "name": title, "kind": kind}, path)
            versions[name] = made["id"]
    else:
        titles = {
            "graph": "Sample graph",
            "perturbed": "Sample graph, attacked",
            "split": "Sample split",
        }
        versions = {name: sample(api, title) for name, title in titles.items()}
    for pk in versions.values():
        api.wait(f"/versions/{pk}", lambda version: version["state"] == "ready")
    return versions


def recordings(api: Api) -> str:
    """A version of EEG recordings: mental arithmetic where it is at hand, else the sample."""
    path = SHARED / "eeg/mental_arithmetic/mental_arithmetic_200hz_sub00-31.zip"
    if path.is_file():
        fields = {"team": api.get("/teams")[0]["id"], "name": "Mental arithmetic", "kind": "eeg"}
        version = api.upload(fields, path)["id"]
    else:
        version = sample(api, "Sample EEG")
    api.wait(f"/versions/{version}", lambda found: found["state"] == "ready")
    return version


def sample(api: Api, title: str) -> str:
    """The version of a sample dataset."""
    known = {entry["name"]: entry["id"] for entry in api.get("/datasets")["datasets"]}
    return api.get(f"/datasets/{known[title]}")["versions"][0]["id"]


if __name__ == "__main__":
    main()
