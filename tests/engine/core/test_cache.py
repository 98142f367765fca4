"""Where the cache lies."""

from __future__ import annotations

from pathlib import Path

from engine.core import cache


def test_the_cache_lies_where_it_is_told_else_with_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("TENFOLD_CACHE", str(tmp_path))
    assert cache.folder("hdl") == tmp_path / "hdl"
    monkeypatch.delenv("TENFOLD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache.folder("hdl") == tmp_path / "x/tenfold/hdl"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.folder("hdl") == Path.home() / ".cache/tenfold/hdl"
