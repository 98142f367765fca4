"""The environment of a test process, set before Django reads its settings.

A plugin (`-p tests.environment` in pyproject.toml), since pytest-django loads the settings before
any conftest.py; pytest-xdist's processes load it too, so that each has a home of its own.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

METHODS = Path(__file__).resolve().parent / "methods_fixture"

HOME = tempfile.TemporaryDirectory(prefix="tenfold-test-")  # removed when the process ends

os.environ["TENFOLD_HOME"] = HOME.name
os.environ["TENFOLD_METHODS"] = str(METHODS)  # the fast fake method
# Test processes share the cores; torch's threads would wait for one another in each.
os.environ.setdefault("OMP_NUM_THREADS", "1")
for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL"):
    os.environ.pop(name, None)
