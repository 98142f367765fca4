"""Static files: ours, and single ones out of pip packages (plotly.js, htmx)."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder, get_finders
from django.core.files.storage import FileSystemStorage, Storage
from django.core.management import call_command


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


def collect_if_changed() -> bool:
    """Run collectstatic where a file is new, gone or changed since the last time."""
    stamp = settings.STATIC_ROOT / "collected"
    state = sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            stat = Path(storage.path(name)).stat()
            state.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    if stamp.exists() and stamp.read_text() == state.hexdigest():
        return False
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(state.hexdigest())
    return True
