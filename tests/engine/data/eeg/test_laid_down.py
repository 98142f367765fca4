"""Members on disk for libraries that read paths alone, and uploads that are opened again."""

from __future__ import annotations

import stat

import pytest

from engine.core.errors import UserError
from engine.data.archive import lay_down, on_disk, open_source
from tests.engine.data.making import zip_of


@pytest.fixture
def packed(tmp_path):
    return zip_of(tmp_path / "set.zip", {"a/one.fif": b"1" * 3000, "b/two.fif": b"2"})


def test_copies_lie_in_a_private_folder_that_is_removed(packed):
    with open_source(packed) as source, on_disk(source) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {path.name for path in folder.iterdir()} == {"one.fif", "two.fif"}
        assert (folder / "one.fif").read_bytes() == b"1" * 3000
    assert not folder.exists()


def test_the_folder_is_removed_after_a_fault_too(packed):
    with open_source(packed) as source, pytest.raises(ZeroDivisionError), on_disk(source) as folder:
        raise ZeroDivisionError
    assert not folder.exists()


def test_no_copy_takes_the_place_of_another(packed):
    with (
        open_source(packed) as source,
        on_disk(source) as folder,
        pytest.raises(FileExistsError),
    ):
        lay_down(source.members["a/one.fif"], folder)


def test_an_upload_that_is_opened_again_is_still_held_to_its_names(tmp_path):
    path = zip_of(tmp_path / "bad.zip", {"../a.fif": b""})
    with pytest.raises(UserError, match="leaves its folder"), open_source(path, again=True):
        pass
