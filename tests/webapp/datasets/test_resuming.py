"""A file of many parts, its sender and its server stopped in between: it arrives whole."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import signal
import socket

import pytest

from tests.bench import Bench, wait_until
from webapp.accounts import tokens
from webapp.datasets.models import Part, Version

SIZE = 40 << 20  # bytes
PART = 4 << 20
MEDIA = "application/offset+octet-stream"


@pytest.fixture(scope="module", params=["embedded", "distributed"])
def bench(request, tmp_path_factory, django_db_blocker):
    home = tmp_path_factory.mktemp(request.param)
    services = request.getfixturevalue("services") if request.param == "distributed" else None
    with django_db_blocker.unblock(), Bench(home, services) as made:
        yield made


@pytest.fixture(scope="module")
def content() -> bytes:
    return random.Random(5).randbytes(SIZE)


class Script:
    """A person's script that sends one file."""

    def __init__(self, bench: Bench, content: bytes, name: str):
        user, project = bench.people()
        self.bench, self.content = bench, content
        self.headers = {"Authorization": f"Bearer {tokens.make(user, 'script')[1]}"}
        self.path = "/api/v1/uploads"
        about = {"team": project.team_id, "name": name, "kind": "graph", "file_name": "g.npz"}
        begun = self.ask("POST", json.dumps({**about, "size": len(content)}).encode(), "json")
        self.path += f"/{json.loads(begun)['id']}"

    def ask(self, verb: str, body: bytes | None = None, media: str = "", **headers: str) -> bytes:
        connection = http.client.HTTPConnection("localhost", self.bench.port, timeout=60)
        kind = MEDIA if media == "part" else "application/json"
        given = {**self.headers, "Content-Type": kind, **headers}
        try:
            connection.request(verb, self.path, body, given)
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status < 300, said
            return said
        finally:
            connection.close()

    def shown(self) -> dict:
        return json.loads(self.ask("GET"))

    def send(self, until: int = SIZE) -> None:
        """Part after part, from where the server says."""
        offset = self.shown()["offset"]
        while offset < until:
            part = self.content[offset : min(offset + PART, until)]
            self.ask("PATCH", part, "part", **{"Upload-Offset": str(offset)})
            offset += len(part)

    def break_off(self, sent: int) -> None:
        """Announces a part, sends so many bytes of it and goes away."""
        offset = self.shown()["offset"]
        head = {**self.headers, "Content-Type": MEDIA, "Upload-Offset": str(offset)}
        head |= {"Host": "localhost", "Content-Length": str(PART)}
        lines = [f"PATCH {self.path} HTTP/1.1", *(f"{name}: {text}" for name, text in head.items())]
        with socket.create_connection(("localhost", self.bench.port)) as line:
            line.sendall("\r\n".join([*lines, "", ""]).encode())
            line.sendall(self.content[offset : offset + sent])

    def became(self) -> Version:
        return Version.objects.select_related("blob").get(pk=self.shown()["version"])


def test_one_cut_off_at_30_percent_by_the_end_of_the_server_arrives(bench, content):
    script = Script(bench, content, "killed")
    script.send(until=SIZE * 30 // 100)
    script.break_off(PART // 2)  # the server dies with a part on its way
    bench.server.send_signal(signal.SIGKILL)
    bench.server.wait(timeout=20)
    bench.start()
    assert SIZE * 30 // 100 <= script.shown()["offset"] < SIZE * 40 // 100
    script.send()
    blob = script.became().blob
    assert (blob.pk, blob.size) == (hashlib.sha256(content).hexdigest(), SIZE)
    assert not Part.objects.exists()


def test_what_came_of_a_part_that_breaks_off_is_kept(bench, content):
    script = Script(bench, content, "broken")
    script.send(until=PART)
    script.break_off(PART // 2)
    wait_until(lambda: script.shown()["offset"] > PART, "what came of the part is kept")
    assert script.shown()["offset"] <= PART + PART // 2
    script.send()
    assert script.became().blob.pk == hashlib.sha256(content).hexdigest()
