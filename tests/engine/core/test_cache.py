"""Where the cache lies."""

from __future__ import annotations

from pathlib import Path

from engine.core import cache


def test_the_cache_lies_where_it_is_told_else_with_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("TENFOLD_CACHE", str(tmp_path))
    assert cache.folder("hdl") == tmp_path / "hdl"
    monkeypatch.delenv("TENFOLD_CACHE")
    assert cache.folder("hdl") == Path.home() / ".cache/tenfold/hdl"
