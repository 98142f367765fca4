"""Settings that a start makes for itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.bench import ROOT
from webapp import settings


def test_processes_that_start_together_have_one_key(tmp_path, monkeypatch):
    made = iter("abcdefgh")

    def slowly() -> str:
        time.sleep(0.05)  # the others start meanwhile
        return next(made) * 50

    monkeypatch.setattr(settings, "TENFOLD_HOME", tmp_path)
    monkeypatch.setattr(settings, "get_random_secret_key", slowly)
    with ThreadPoolExecutor(8) as starts:
        keys = list(starts.map(lambda _: settings._secret_key(), range(8)))
    assert keys == ["a" * 50] * 8
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_start_killed_before_it_wrote_the_key_stops_no_later_one(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "TENFOLD_HOME", tmp_path)
    (tmp_path / "secret_key").touch()
    key = settings._secret_key()
    assert len(key) == 50
    assert settings._secret_key() == key


def test_the_table_of_the_docs_has_every_setting():
    text = (settings.BASE_DIR / "docs/beyond-one-machine.md").read_text(encoding="utf-8")
    section = text.partition("\n## Settings\n")[2].partition("\n## ")[0]
    heads = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    told = {name for head in heads for name in re.findall(r"`(\w+)`", head)}
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("webapp", "workers", "engine")
        for path in sorted((settings.BASE_DIR / folder).rglob("*.py"))
    )
    read = re.findall(
        r"""\benv(?:iron)?\.(?:text|flag|number|words|get)\(\s*"([A-Z0-9_]+)\"""", code
    )
    assert {"DATABASE_URL", "TENFOLD_METHODS"} <= set(read)
    assert told == {*read, "FORWARDED_ALLOW_IPS"}  # which uvicorn reads


def test_a_broker_without_a_live_channel_is_refused_by_name(tmp_path):
    given = {"BROKER_URL": "redis://127.0.0.1:6379", "TENFOLD_HOME": str(tmp_path)}
    said = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check"],
        env={**os.environ, **given}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert said.returncode == 1
    assert "BROKER_URL needs REDIS_URL too" in said.stderr
