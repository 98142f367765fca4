"""`manage.py serve` with several web processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request

import psutil

from tests.bench import ROOT, Bench, wait_until


def test_two_web_processes_serve_one_address_and_end_together(tmp_path, services):
    bench = Bench(tmp_path / "home", services)
    bench.home.mkdir()
    process = bench._manage("serve", "serve", "--port", str(bench.port), "--workers", "2")
    try:
        wait_until(lambda: answers(bench), "the bench answers")
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    _gone, left = psutil.wait_procs(children, timeout=10)
    assert left == []


def test_two_web_processes_need_redis(tmp_path):
    bench = Bench(tmp_path)
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--workers", "2"]
    said = subprocess.run(
        command, env=bench.environment, capture_output=True, text=True, timeout=60
    )
    assert said.returncode == 1
    assert "--workers above 1 needs REDIS_URL" in said.stderr


def test_a_second_bench_in_one_home_is_refused_and_the_first_works_on(tmp_path):
    bench = Bench(tmp_path)
    process = bench._manage("serve", "serve", "--port", str(bench.port))
    try:
        wait_until(lambda: answers(bench), "the bench answers")
        for words in (["serve", "--port", "0"], ["prepare"]):
            said = subprocess.run(
                [sys.executable, str(ROOT / "manage.py"), *words],
                env=bench.environment, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            assert said.returncode == 1
            assert f"TENFOLD_HOME {bench.home} is in use" in said.stderr
        assert answers(bench)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def answers(bench: Bench) -> bool:
    try:
        with urllib.request.urlopen(f"{bench.url}/readyz", timeout=2) as answer:
            return json.load(answer)["ok"]
    except OSError:
        return False
