"""What is wrong with a file of weights is told by its name, its tensor and what was expected."""

from __future__ import annotations

import json
import os
import struct
import warnings

import pytest
import torch

from engine.data.model import families, folder, io, safetensors_file
from tests.engine.data.making import folder_of, report_on, said, zip_of
from tests.engine.data.model.files import cbramod, entry, raw, saved


def error(path) -> str:
    return said(report_on(io, path), "error")


class Code:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("content", [Code, lambda mark: {"a": torch.ones(1), "b": Code(mark)}])
def test_code_in_a_file_is_refused_by_what_it_asks_for_and_never_run(tmp_path, content):
    mark = tmp_path / "ran"
    told = error(saved(tmp_path / "evil.pth", content(mark)))
    assert told.startswith("evil.pth: holds posix.mkdir, which is never opened; expected tensors")
    assert not mark.exists()


def test_a_whole_module_is_refused_with_what_to_save(tmp_path):
    told = error(saved(tmp_path / "model.pt", torch.nn.Linear(2, 2)))
    assert "holds torch.nn.modules.linear.Linear, which is never opened" in told
    assert "torch.save(model.state_dict(), path)" in told


@pytest.mark.parametrize("content", [cbramod(), Code("ran")])
def test_the_form_before_1_6_is_refused_with_the_way_out(tmp_path, content):
    path = tmp_path / "old.pth"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(content, path, _use_new_zipfile_serialization=False)
    assert error(path).startswith("old.pth: saved in the form of before PyTorch 1.6")


def test_what_stands_for_the_file_is_told(tmp_path):
    path = tmp_path / "pretrained_weights.pth"
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 19775842\n"
    path.write_text(pointer)
    told = error(path)
    assert "pretrained_weights.pth: a git-LFS pointer of 133 bytes that stands for the file" in told
    assert "expected the file itself, which has 18.9 MiB: fetch it with git lfs pull" in told
    members = {"config.json": "{}", "model.safetensors": pointer}
    for way in (zip_of, folder_of):
        assert "model.safetensors: a git-LFS pointer" in error(
            way(tmp_path / way.__name__, members)
        )
    path.write_text("\n<!DOCTYPE html><html>Sign in</html>")
    assert "an HTML page" in error(path)
    path.write_bytes(b"")
    assert error(path).startswith("pretrained_weights.pth: empty; expected safetensors, or what")
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert "an HDF5 or MATLAB file" in error(path)
    path.write_text("just words")
    assert "not weights by its first bytes" in error(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "holds a list; expected tensors alone"),
        ({}, "holds nothing, and no tensor"),
        ({"a": 1, "b": {"c": 2}}, "holds 'a', 'b', and no tensor"),
        ({"state_dict": {"a": 1}}, "holds 'a', and no tensor"),
        ({0: torch.ones(1)}, "names tensors by other things than texts"),
        ({"model": {"model": {"model": {"a": torch.ones(1)}}}}, "within 3 others"),
        ({"a\n": torch.ones(1)}, r"tensor 'a\n'; expected a name of 1 to 500 printable"),
        ({"": torch.ones(1)}, "tensor ''; expected a name"),
        ({"a": torch.ones(1).expand(10**10)}, "'a': shape (10000000000,) of fewer stored numbers"),
        ({"a": torch.ones(2, dtype=torch.complex64)}, "'a': a tensor of torch.complex64"),
        ({"a": torch.eye(3).to_sparse()}, "'a': a tensor of torch.sparse_coo; expected a dense"),
    ],
)
def test_what_is_no_dict_of_tensors_is_told(tmp_path, content, message):
    assert message in error(saved(tmp_path / "w.pth", content))


def test_shared_storage_cannot_stand_for_endless_tensors(tmp_path, monkeypatch):
    one = torch.zeros(1000)
    path = saved(tmp_path / "w.pth", {f"a{n}": one for n in range(100)})
    monkeypatch.setattr(folder, "LIMITS", folder.Limits(unpacked=300_000))
    assert path.stat().st_size < 100_000
    assert "tensors of 400,000 bytes; expected at most 300,000" in error(path)


def test_too_many_tensors_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(safetensors_file, "MAX_TENSORS", 3)
    for suffix in (".pth", ".safetensors"):
        path = saved(tmp_path / f"w{suffix}", cbramod())
        assert "6 tensors; expected at most 3" in error(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_truncated_file_is_told_at_any_length(tmp_path, suffix):
    whole = saved(tmp_path / f"w{suffix}", cbramod()).read_bytes()
    path = tmp_path / f"cut{suffix}"
    for keep in range(9, len(whole), 97):
        path.write_bytes(whole[:keep])
        assert error(path), keep
    path.write_bytes(whole[:-1])
    assert "truncated" in error(path)


def test_two_names_that_become_one_are_refused(tmp_path):
    content = cbramod() | {"module.patch_embedding.mask_encoding": torch.ones(4)}
    told = error(saved(tmp_path / "w.pth", content))
    assert (
        "'patch_embedding.mask_encoding' and 'module.patch_embedding.mask_encoding' are both"
        in told
    )


def test_broken_numbers_are_a_warning_with_the_tensor(tmp_path):
    content = cbramod()
    content["patch_embedding.mask_encoding"][1:3] = torch.tensor([float("nan"), float("-inf")])
    told = report_on(io, saved(tmp_path / "w.safetensors", content))
    assert told.passed
    warning = "NaN or infinite values in 'patch_embedding.mask_encoding' (2)"
    assert warning in said(told, "warning")


def test_an_unknown_network_is_a_warning(tmp_path):
    told = report_on(io, saved(tmp_path / "w.pth", {"a": torch.ones(2)}))
    assert told.passed
    assert told.facts["architecture"] == ""
    assert "no method may take it" in said(told, "warning")


@pytest.mark.parametrize("config", ['{"architectures": ["<b>"]}', '{"model_type": 7}', "{}"])
def test_a_configuration_says_only_what_can_be_a_name(tmp_path, config):
    members = {"config.json": config, "m.safetensors": b""}
    members["m.safetensors"] = saved(tmp_path / "m.safetensors", {"a": torch.ones(1)}).read_bytes()
    assert report_on(io, zip_of(tmp_path / "a.zip", members)).facts["architecture"] == ""


def test_the_size_and_hash_of_a_known_file_are_a_hint(tmp_path, monkeypatch):
    path = saved(tmp_path / "w.safetensors", cbramod())
    facts = report_on(io, path).facts
    key = (facts["sha256"], path.stat().st_size)
    monkeypatch.setattr(families, "KNOWN", {key: "has the size and hash of ours"})
    assert "w.safetensors: has the size and hash of ours" in said(report_on(io, path), "ok")


# Headers that lie


@pytest.mark.parametrize(
    ("header", "body", "message"),
    [
        ({"a": entry(2)}, bytes(7), "tells of 8 bytes of tensors, 7 are there: truncated"),
        ({"a": entry(2)}, bytes(9), "more than its header tells of"),
        ({"a": entry(2), "b": entry(2)}, bytes(8), "'b': overlaps with 'a'"),
        ({"a": entry(2), "b": entry(2, at=4)}, bytes(12), "'b': overlaps with 'a'"),
        ({"a": entry(2), "b": entry(1, at=9)}, bytes(13), "'b': leaves a gap behind 'a'"),
        ({"a": entry(2, at=4)}, bytes(12), "'a': leaves a gap behind the header"),
        ({"a": {**entry(3), "data_offsets": [0, 8]}}, bytes(8), "3 of F32 are 12 bytes, but its"),
        ({"a": {**entry(2), "data_offsets": [8, 0]}}, bytes(8), "its place is from 8 to 0"),
        ({"a": {**entry(2), "data_offsets": [-8, 0]}}, bytes(8), "expected two whole numbers"),
        ({"a": {**entry(2), "data_offsets": [0, 8.0]}}, bytes(8), "expected two whole numbers"),
        ({"a": {**entry(2), "shape": [True, 2]}}, bytes(8), "expected up to 8 whole numbers"),
        ({"a": {**entry(2), "shape": [1] * 9}}, bytes(8), "expected up to 8 whole numbers"),
        ({"a": {**entry(2), "shape": [1 << 60]}}, bytes(8), "expected up to 8 whole numbers"),
        ({"a": {**entry(2), "dtype": "F4"}}, bytes(8), "type 'F4'; expected BOOL"),
        ({"a": {**entry(2), "dtype": ["F32"]}}, bytes(8), "type ['F32']; expected BOOL"),
        ({"a": {**entry(2), "more": 1}}, bytes(8), "expected an object of dtype, shape and"),
        ({"a": 3}, b"", "expected an object of dtype"),
        ({}, b"", "holds no tensor"),
        ({"__metadata__": {"a": 1}, "a": entry(2)}, bytes(8), "is no object of texts"),
        (b'{"a": 1, "a": 2}', b"", "key 'a' is there twice"),
        (b'{"a":' * 50_000, b"", "nested too deeply"),
        (b"{" * 50, b"", "not JSON"),
        (b'{"\xff": 1}', b"", "not UTF-8"),
    ],
)
def test_a_header_that_lies_is_refused_by_the_tensor(tmp_path, header, body, message):
    assert message in error(raw(tmp_path / "w.safetensors", header, body))


def test_a_header_of_impossible_length_is_never_read(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", (16 << 20) + 1) + b"{" + bytes(100))
    assert "a header of 16,777,217 bytes; expected 2 to 16,777,216" in error(path)
    path.write_bytes(struct.pack("<Q", 5000) + b"{" + bytes(100))
    assert "109 bytes, of which 5,008 were to be the header: truncated" in error(path)
    path.write_bytes(struct.pack("<Q", 1 << 63) + b"{" + bytes(100))
    assert "not weights by its first bytes" in error(path)


def test_a_bomb_in_the_form_of_a_pth_is_refused(tmp_path):
    path = zip_of(tmp_path / "bomb.pth", {"a/data.pkl": b"", "a/data/0": bytes(400 << 20)})
    assert "a zip bomb" in error(path)


def test_a_packed_pth_is_read_as_well(tmp_path):
    """Nobody writes one, but what lies packed in the file cannot be mapped."""
    import zipfile

    plain = saved(tmp_path / "plain.pth", cbramod())
    with zipfile.ZipFile(plain) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    found = io.load(zip_of(tmp_path / "packed.pth", members))
    assert all(torch.equal(found.tensors[key], value) for key, value in cbramod().items())


def test_a_folder_without_weights_says_what_is_there(tmp_path):
    path = folder_of(tmp_path / "a", {"config.json": "{}"})
    assert "no .safetensors file among 'config.json'" in error(path)
    assert not io.sniff(path)


def test_an_index_that_is_none_is_told(tmp_path):
    members = {"model.safetensors.index.json": json.dumps({"weight_map": {"a": 1}})}
    assert "no weight_map" in error(folder_of(tmp_path / "a", members))
    members = {"model.safetensors.index.json": "[]"}
    assert "expected an object" in error(folder_of(tmp_path / "b", members))
