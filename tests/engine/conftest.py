from __future__ import annotations

import pytest

from tests.engine.core.doors import door


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    assert door("run", "fake", "--out", folder, "--set", "steps=5").returncode == 0
    return folder
