"""What the driver's tool says becomes devices; a machine without serves no GPU queue."""

from __future__ import annotations

import pytest

from workers import devices


def test_gpus_are_read_with_their_memory_in_bytes() -> None:
    text = "0, NVIDIA H200, 143771\n1, NVIDIA H200, 143771\n"
    first, second = devices.parse(text)
    assert (first.index, second.index) == (0, 1)
    assert first.name == "NVIDIA H200"
    assert first.memory == 143771 * 1024 * 1024


def test_lines_that_are_no_device_are_passed_over() -> None:
    assert devices.parse("No devices were found\n") == []
    assert devices.parse("0, Tesla, [N/A]\n") == []


def test_the_gpu_queue_is_served_only_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    """The hdl queue is served anywhere: its jobs bring a model for where no simulator is."""
    monkeypatch.setenv("PATH", str(tmp_path))
    devices.gpus.cache_clear()
    assert devices.able(["cpu", "gpu", "hdl", "ask"]) == ["cpu", "hdl", "ask"]
    devices.gpus.cache_clear()
    monkeypatch.setattr(devices, "gpus", lambda: (devices.Gpu(0, "H200", 1),))
    assert devices.able(["cpu", "gpu"]) == ["cpu", "gpu"]
