"""Serves single files out of pip packages (plotly.js, htmx) as static files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage, Storage


class _File(FileSystemStorage):
    """A storage that holds one file under one name."""

    def __init__(self, name: str, source: Path):
        super().__init__(location=source.parent)
        self.name, self.source = name, source

    def path(self, name: str) -> str:
        return str(self.source)


class PackageFinder(BaseFinder):
    def __init__(self, *args: object, **kwargs: object):
        self.assets: dict[str, Path] = settings.PACKAGE_ASSETS

    def check(self, **kwargs: object) -> list:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: object) -> str | list[str]:
        source = self.assets.get(path)
        if source is None:
            return []
        return [str(source)] if find_all else str(source)

    def list(self, ignore_patterns: object) -> Iterator[tuple[str, Storage]]:
        for name, source in self.assets.items():
            yield name, _File(name, source)
