"""The files for containers: they parse, name commands that exist, and leave time to drain."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands, load_command_class

DOCKER = Path(__file__).resolve().parent.parent / "docker"
COMPOSE = DOCKER / "compose.yaml"
NEEDED = ("SECRET_KEY", "POSTGRES_PASSWORD", "S3_SECRET")
SERVERS = {"postgres", "redis", "objects", "bucket"}


def documents() -> Iterator[dict[str, Any]]:
    for path in sorted((DOCKER / "k8s").glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text())


def pods() -> dict[str, dict[str, Any]]:
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in documents()
        if each["kind"] in ("Deployment", "Job")
    }


def containers() -> list[dict[str, Any]]:
    return [
        container
        for pod in pods().values()
        for container in (*pod.get("initContainers", ()), *pod["containers"])
    ]


def services() -> dict[str, dict[str, Any]]:
    found = yaml.safe_load(COMPOSE.read_text())["services"]
    return {name: each for name, each in found.items() if name not in SERVERS}


def commands() -> list[list[str]]:
    compose = [service["command"].split() for service in services().values()]
    return compose + [container["command"] for container in containers()]


def compose_program() -> list[str]:
    """The plugin or the older program, whichever is installed."""
    for program in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(program[0]):
            asked = subprocess.run([*program, "version"], capture_output=True, check=False)
            if asked.returncode == 0:
                return program
    pytest.skip("neither `docker compose` nor `docker-compose` is installed")


def config(environment: dict[str, str]) -> subprocess.CompletedProcess:
    command = [*compose_program(), "-f", str(COMPOSE), "config"]
    kept = {name: value for name, value in os.environ.items() if name not in NEEDED}
    return subprocess.run(
        command, env={**kept, **environment}, capture_output=True, text=True, check=False
    )


def test_compose_accepts_its_file() -> None:
    done = config(dict.fromkeys(NEEDED, "x"))
    assert done.returncode == 0, done.stderr
    assert {"migrate", "web", "worker-cpu", "worker-hdl", "postgres", "redis", "objects"} <= set(
        yaml.safe_load(done.stdout)["services"]
    )


@pytest.mark.parametrize("name", NEEDED)
def test_compose_names_a_missing_secret(name: str) -> None:
    done = config({each: "x" for each in NEEDED if each != name})
    assert done.returncode != 0
    assert name in done.stderr


def test_every_command_exists() -> None:
    known = get_commands()
    for words in commands():
        assert words[:2] == ["python", "manage.py"], words
        assert words[2] in known, words
        app = known[words[2]]
        found = load_command_class(app, words[2]) if isinstance(app, str) else app
        found.create_parser("manage.py", words[2]).parse_args(words[3:])


def test_only_one_process_makes_the_tables() -> None:
    serving = [words for words in commands() if words[2] == "serve"]
    assert all("--no-migrate" in words for words in serving)
    assert [words[2] for words in commands()].count("prepare") == 2  # compose, k8s


def test_workers_have_time_to_drain() -> None:
    least = settings.DRAIN_GRACE + 5  # the worker itself stops after its jobs
    for name, service in services().items():
        if service["command"].endswith(("worker", "serve")):
            assert int(service["stop_grace_period"].rstrip("s")) >= least, name
    for name in ("tenfold-worker-cpu", "tenfold-web"):
        assert pods()[name]["terminationGracePeriodSeconds"] >= least, name


def test_containers_write_only_where_they_may() -> None:
    app = yaml.safe_load(COMPOSE.read_text())["x-app"]
    assert app["read_only"]
    assert (app["volumes"], app["tmpfs"]) == (["/data"], ["/tmp"])
    for container in containers():
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"]
        assert not security["allowPrivilegeEscalation"]
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp"}
    for name, pod in pods().items():
        assert pod["securityContext"]["runAsNonRoot"], name
        assert all("emptyDir" in volume for volume in pod["volumes"]), name


def test_the_image_runs_as_an_ordinary_user_given_by_number() -> None:
    lines = (DOCKER / "Dockerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["10001"]
    assert any("--uid 10001" in line for line in lines)


def test_the_image_takes_all_that_the_application_reads() -> None:
    text = (DOCKER / "Dockerfile").read_text()
    copied = {
        source for line in re.findall(r"^COPY (.+) \S+$", text, re.M) for source in line.split()
    }
    root = DOCKER.parent
    assert {"manage.py", "engine", "workers", "webapp", "templates", "static", "docs"} <= copied
    assert all((root / source).exists() for source in copied)


def test_probes_ask_addresses_that_answer(client, db) -> None:
    web = pods()["tenfold-web"]["containers"][0]
    for probe in ("readinessProbe", "livenessProbe"):
        assert client.get(web[probe]["httpGet"]["path"]).status_code == 200
