"""The API as a script meets it: a real server and worker, in both modes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import urllib.request
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.bench import ROOT, Bench, wait_until
from webapp.accounts import tokens
from webapp.accounts.models import Link
from webapp.datasets import uploads
from webapp.datasets.models import Version
from webapp.jobs.models import Job, State


@pytest.fixture(scope="module", params=["embedded", "distributed"])
def bench(request, tmp_path_factory, django_db_blocker):
    home: Path = tmp_path_factory.mktemp(request.param)
    services = request.getfixturevalue("services") if request.param == "distributed" else None
    with django_db_blocker.unblock(), Bench(home, services) as made:
        yield made


@pytest.fixture(scope="module")
def token(bench):
    return tokens.make(bench.people()[0], "script")[1]


def call(bench, token, verb, path, body=None):
    request = urllib.request.Request(
        f"{bench.url}/api/v1{path}",
        method=verb,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture(scope="module")
def finished(bench):
    return bench.wait_for(bench.submit(steps=20), State.DONE)


def run_of_docs(number, bench, token, folder, **given):
    """What the script with this number says."""
    text = (ROOT / "docs/api.md").read_text()
    scripts = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(scripts) == 2
    ran = subprocess.run(
        [sys.executable, "-c", scripts[number]],
        env={**os.environ, "BASE": bench.url, "TOKEN": token, **given},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_script_of_the_docs_runs_as_written(bench, token, tmp_path):
    said = run_of_docs(0, bench, token, tmp_path, METHOD="fake", PARAMS='{"steps": 5}')
    assert re.search(r"^value -?[\d.]+ ± [\d.]+$", said, re.MULTILINE), said


def test_the_upload_of_the_docs_runs_as_written_and_goes_on(bench, token, tmp_path):
    user, project = bench.people()
    content = random.Random(3).randbytes(20 << 20)
    (tmp_path / "walk.npz").write_bytes(content)
    begun = uploads.begin(
        user,
        team=project.team,
        name="walk",
        kind="graph",
        file_name="walk.npz",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    uploads.append(begun, user, offset=0, body=io.BytesIO(content[: 9 << 20]))
    given = {"FILE": "walk.npz", "KIND": "graph", "TEAM": project.team_id}
    made = run_of_docs(1, bench, token, tmp_path, **given).strip()
    assert call(bench, token, "GET", f"/uploads/{begun.pk}")[1]["version"] == made
    assert Version.objects.get(pk=made).blob_id == begun.sha256


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_the_commands_of_the_docs_run_as_written(bench, token, tmp_path):
    team = bench.people()[1].team_id
    (tmp_path / "cora.npz").write_bytes(b"no graph at all")
    text = (ROOT / "docs/api.md").read_text()
    blocks = re.findall(r"```\n(curl .*?)```", text, re.DOTALL)
    job = bench.wait_for(bench.submit(steps=10_000, seconds_per_step=0.01), State.RUNNING)
    answers = []
    for block in blocks:
        command = block.replace("http://localhost:8000", bench.url).replace("TEAM_ID", team)
        command = command.replace("/jobs/ID/", f"/jobs/{job.pk}/")
        command = command.replace('"NAME": VALUE', '"seconds_per_step": 0')
        ran = subprocess.run(
            ["bash", "-c", f"{command.strip()} --fail-with-body --silent"],
            env={**os.environ, "TOKEN": token},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stdout
        answers.append(json.loads(ran.stdout))
    me, version, changed = answers
    assert me["email"] == bench.people()[0].email
    assert version["file_name"] == "cora.npz"
    assert changed["id"] == job.pk
    bench.wait_for(job, State.DONE)
    rejected(bench, token, version["id"])


def rejected(bench, token, version_id):
    """An upload that is no graph is rejected, with a report."""

    def checked():
        found.update(call(bench, token, "GET", f"/versions/{version_id}")[1])
        return found["state"] != "checking"

    found = {}
    wait_until(checked, "the version is checked")
    assert found["state"] == "rejected"
    assert "error" in [line["level"] for line in found["report"]]


def test_a_what_if_is_answered(bench, token, finished):
    path = f"/jobs/{finished.pk}/ask"
    status, answer = call(bench, token, "POST", path, {"question": "scale", "set": {"factor": 3.0}})
    assert status == 200, answer
    walk = json.loads((bench.home / "jobs" / finished.pk / "walk.json").read_text())
    assert answer["answer"]["path"] == [3.0 * value for value in walk]
    assert answer["seconds"] > 0


def test_what_no_worker_needs_to_be_asked_is_refused_at_once(bench, token, finished):
    path = f"/jobs/{finished.pk}/ask"
    status, answer = call(bench, token, "POST", path, {"question": "colour"})
    assert (status, answer["field"]) == (422, "question")
    status, answer = call(bench, token, "POST", path, {"question": "scale", "set": {"factor": -1}})
    assert (status, answer["field"]) == (422, "factor")


def test_what_only_the_job_can_refuse_names_the_parameter(bench, token, finished):
    asked = {"question": "scale", "set": {"start": 99}}
    status, answer = call(bench, token, "POST", f"/jobs/{finished.pk}/ask", asked)
    steps = len(json.loads((bench.home / "jobs" / finished.pk / "walk.json").read_text()))
    said = f"start: expected a step below {steps}, got 99"
    assert (status, answer["field"], answer["message"]) == (422, "start", said)


def test_what_a_job_cannot_answer_is_told(bench, token):
    job = bench.wait_for(bench.submit(steps=5, fail_at=0), State.FAILED)
    status, answer = call(bench, token, "POST", f"/jobs/{job.pk}/ask", {"question": "scale"})
    assert (status, answer["field"]) == (409, "state")
    assert "come far enough to answer; this one is failed (walk.json: " in answer["message"]


def test_all_points_of_a_job_are_those_of_its_events(bench, token, finished):
    _, answer = call(bench, token, "GET", f"/jobs/{finished.pk}/series?keys=value&points=all")
    lines = (bench.home / "jobs" / finished.pk / "events.jsonl").read_text().splitlines()
    logged = [event for line in lines if (event := json.loads(line)).get("t") == "m"]
    walked = [event["d"]["value"] for event in logged if "value" in event["d"]]
    assert answer["series"]["value"]["value"] == walked
    assert len(walked) == 20


def test_a_running_job_is_cancelled(bench, token):
    job = bench.submit(steps=100_000, seconds_per_step=0.05)
    bench.wait_for(job, State.RUNNING)
    status, answer = call(bench, token, "POST", f"/jobs/{job.pk}/cancel")
    assert (status, answer["wanted"]) == (200, "cancel")
    bench.wait_for(job, State.CANCELLED)


def test_the_same_submission_twice_runs_once(bench, token):
    body = json.dumps(
        {"project": bench.people()[1].pk, "method": "fake", "params": {"steps": 1}}
    ).encode()
    ids = []
    for _ in range(2):
        request = urllib.request.Request(
            f"{bench.url}/api/v1/jobs",
            data=body,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Idempotency-Key": "once",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            ids.append(json.load(answer)["jobs"][0]["id"])
    assert ids[0] == ids[1]
    bench.wait_for(Job.objects.get(pk=ids[0]), State.DONE)


def test_no_secret_reaches_the_servers_log(bench, token):
    user, _ = bench.people()
    _, secret = Link.make(Link.Purpose.SIGN_IN, lasts=timedelta(hours=1), user=user)
    urllib.request.urlopen(f"{bench.url}/link/{secret}/", timeout=60).close()
    with pytest.raises(HTTPError, match="404"):
        urllib.request.urlopen(f"{bench.url}/link/{'x' * 43}/", timeout=60)
    call(bench, token, "GET", "/nothing")
    log = bench.log()
    assert secret not in log
    assert "x" * 43 not in log
    assert token not in log
