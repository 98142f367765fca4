"""Pages, workers and cards stay light: none of the heavy libraries is ever imported there."""

from __future__ import annotations

import json
import os
import subprocess
import sys


def test_no_page_card_or_worker_imports_a_heavy_library(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "tests.light"],
        env={
            **os.environ,
            "TENFOLD_HOME": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "webapp.settings",
            "DEBUG": "1",  # no manifest of static files
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    answer = json.loads(result.stdout.splitlines()[-1])
    assert answer["heavy"] == []
    assert {"/", "/methods/gagn/", "/api/v1/docs", "/queue/parts/"} <= set(answer["opened"])
    assert not any("{" in address for address in answer["opened"])
