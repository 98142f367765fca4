"""Device, threads and surroundings are found out, never guessed."""

from __future__ import annotations

import os
import re
import subprocess
from importlib import metadata

import pytest

from engine.core import device, environment
from engine.core.errors import UserError


def test_the_environment_names_what_a_result_depends_on():
    found = environment.capture(device="cpu")
    assert found["packages"]["numpy"] == metadata.version("numpy")
    assert found["packages"]["uvicorn"] == metadata.version("uvicorn")  # written with an extra
    assert found["cpus"] == os.cpu_count()
    assert found["memory"] > 10**8
    assert found["cpu"]


def test_the_code_version_is_the_commit():
    git = ["git", "-C", str(environment.ROOT), "rev-parse", "--short=12", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    assert re.fullmatch(rf"{commit}(-dirty)?|.*-g{commit}(-dirty)?", environment.code_version())


def test_outside_a_repository_the_code_version_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    environment.code_version.cache_clear()
    assert environment.code_version() == "unknown"
    environment.code_version.cache_clear()


def test_the_cpu_is_always_there():
    assert device.resolve("cpu") == "cpu"


def test_a_gpu_that_is_not_there_is_refused():
    import torch

    if torch.cuda.is_available():
        assert device.resolve("cuda") == device.resolve("auto") == "cuda"
    else:
        assert device.resolve("auto") == "cpu"
        with pytest.raises(UserError, match="device: cuda was asked for"):
            device.resolve("cuda")


def test_an_unknown_device_is_refused():
    with pytest.raises(UserError, match="one of auto, cpu, cuda"):
        device.resolve("tpu")


def test_settling_makes_the_global_generators_repeatable():
    import numpy as np
    import torch

    before = torch.get_num_threads()
    drawn = []
    for _ in range(2):
        device.settle(3, 1)
        drawn.append((np.random.random(), torch.rand(1).item()))
    assert drawn[0] == drawn[1]
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(before)
