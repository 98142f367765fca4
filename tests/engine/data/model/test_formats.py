"""Weights come back as they were written, whatever was put around them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.data.kind import check, kind
from engine.data.model import io
from engine.data.model.spread import BLOCK, measure
from tests.engine.data.making import report_on, said, zip_of
from tests.engine.data.model.files import cbramod, saved, tokenizer

SUFFIXES = (".pth", ".pt", ".bin", ".ckpt", ".safetensors")


def same(found, expected) -> bool:
    return found.keys() == expected.keys() and all(
        torch.equal(found[key], value) for key, value in expected.items()
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tensors_come_back_bit_for_bit_and_outlive_their_file(tmp_path, suffix):
    path = saved(tmp_path / f"weights{suffix}", cbramod())
    assert io.sniff(path)
    found = io.load(path)
    path.unlink()
    assert same(found.tensors, cbramod())


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64,
                                   torch.uint8, torch.bool, torch.float8_e4m3fn])  # fmt: skip
def test_every_type_is_read_and_told(tmp_path, suffix, dtype):
    path = saved(tmp_path / f"w{suffix}", {"a": torch.ones(3, 2).to(dtype)})
    answer = check(kind("model"), path)
    assert answer["ok"]
    assert answer["facts"]["dtypes"] == str(dtype).removeprefix("torch.")
    assert answer["preview"]["tables"][0]["rows"][0][-2:] == [pytest.approx(6**0.5, 1e-3), 0]


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "_orig_mod.module.backbone."])
def test_facts_of_a_network_with_and_without_prefixes(tmp_path, suffix, prefix):
    content = cbramod(3, prefix)
    path = saved(tmp_path / f"w{suffix}", content)
    answer = check(kind("model"), path)
    assert set(answer["facts"]) == {fact.key for fact in kind("model").facts}
    facts = answer["facts"]
    assert (facts["architecture"], facts["layers"], facts["head"]) == ("cbramod", 3, False)
    assert facts["tensors"] == len(content) == 8
    assert facts["parameters"] == 4 + 12 + 6 * 12
    assert facts["bytes"] == 4 * facts["parameters"]
    assert [line["level"] for line in answer["report"]] == ["ok", "ok"]
    json.dumps(answer, allow_nan=False)


def test_a_head_is_told(tmp_path):
    content = cbramod(1, "backbone.") | {"classifier.0.weight": torch.ones(2, 2)}
    assert check(kind("model"), saved(tmp_path / "w.pth", content))["facts"]["head"] is True


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict", "module"])
def test_what_training_scripts_put_around_weights_is_opened_and_told(tmp_path, key):
    content = {key: cbramod(), "epoch": 3, "optimizer": {"state": {}}}
    path = saved(tmp_path / "last.ckpt", content)
    assert same(io.load(path).tensors, cbramod())
    line = f"last.ckpt: a checkpoint: its '{key}' is what is read; left out beside it: 'epoch', "
    assert line in said(report_on(io, path), "ok")


def test_containers_within_each_other_are_opened(tmp_path):
    path = saved(tmp_path / "w.pt", {"model": {"state_dict": cbramod()}})
    assert same(io.load(path).tensors, cbramod())


def test_what_is_no_tensor_beside_tensors_is_left_out_and_told(tmp_path):
    path = saved(tmp_path / "w.pt", cbramod() | {"epoch": 3})
    assert same(io.load(path).tensors, cbramod())
    assert "w.pt: no tensors, left out: 'epoch'" in said(report_on(io, path), "ok")


def test_tied_tensors_and_slices_are_read(tmp_path):
    whole = torch.arange(12.0).reshape(4, 3)
    content = {"a.weight": whole, "b.weight": whole, "row": whole[1], "turned": whole.T}
    assert same(io.load(saved(tmp_path / "w.pth", content)).tensors, content)


def test_a_parameter_is_a_tensor(tmp_path):
    module = torch.nn.Linear(2, 3)
    found = io.load(saved(tmp_path / "w.pth", dict(module.named_parameters())))
    assert same(found.tensors, dict(module.state_dict()))
    assert not any(tensor.requires_grad for tensor in found.tensors.values())


# Folders of transformers

CONFIG = json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama"})
FIRST = {"model.layers.0.weight": torch.ones(2), "model.embed.weight": torch.zeros(3)}
SECOND = {"model.layers.1.weight": torch.full((2,), 2.0)}


def shards(folder, **changes):
    """A model of two files, as `save_pretrained` writes one."""
    folder.mkdir()
    names = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    for name, tensors in zip(names, (FIRST, SECOND), strict=True):
        save_file(tensors, folder / name)
    listed = dict.fromkeys(FIRST, names[0]) | dict.fromkeys(SECOND, names[1])
    index = {"weight_map": listed | changes}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text(CONFIG)
    (folder / "tokenizer.json").write_bytes(tokenizer())
    (folder / "README.md").write_text("About it.")
    return folder


def zipped(folder):
    members = {f"llama/{path.name}": path.read_bytes() for path in folder.iterdir()}
    return zip_of(folder.with_suffix(".zip"), members)


@pytest.mark.parametrize("way", [lambda folder: folder, zipped])
def test_a_folder_or_zip_of_several_files_is_one_model(tmp_path, way):
    path = way(shards(tmp_path / "llama"))
    assert io.sniff(path)
    found = io.load(path)
    assert same(found.tensors, FIRST | SECOND)
    assert found.config["model_type"] == "llama"
    told = report_on(io, path)
    assert told.facts["architecture"] == "LlamaForCausalLM"
    assert told.facts["layers"] == 2
    assert (told.facts["family"], told.facts["tokenizer"]) == ("decoder", True)
    assert "a tokenizer of 3 pieces beside them" in said(told, "ok")
    assert "not needed and left out: README.md" in said(told, "ok").replace("llama/", "")
    assert found.files == {"tokenizer.json": tokenizer()}
    assert not list(tmp_path.glob("tenfold-*"))


def test_one_file_beside_its_configuration_needs_no_index(tmp_path):
    members = {"config.json": '{"model_type": "bert"}', "model.safetensors": b""}
    save_file(FIRST, tmp_path / "m.safetensors")
    members["model.safetensors"] = (tmp_path / "m.safetensors").read_bytes()
    assert report_on(io, zip_of(tmp_path / "a.zip", members)).facts["architecture"] == "bert"


def test_what_an_index_says_must_be_there(tmp_path):
    folder = shards(tmp_path / "a", **{"lost": "model-00001-of-00002.safetensors"})
    assert "no tensor 'lost', as the index says" in said(report_on(io, folder), "error")
    folder = shards(tmp_path / "b", **{"lost": "model-00003-of-00002.safetensors"})
    told = "names 'model-00003-of-00002.safetensors', which is not beside it"
    assert told in said(report_on(io, folder), "error")
    folder = shards(tmp_path / "c", **{"lost": "../c/config.json"})
    assert "names '../c/config.json', which is not beside it" in said(
        report_on(io, folder), "error"
    )


def test_a_tensor_of_two_files_is_refused(tmp_path):
    folder = shards(tmp_path / "a")
    save_file(SECOND | FIRST, folder / "model-00002-of-00002.safetensors")
    assert "is in another file too" in said(report_on(io, folder), "error")


def test_several_files_without_an_index_are_refused(tmp_path):
    folder = shards(tmp_path / "a")
    (folder / "model.safetensors.index.json").unlink()
    assert "2 .safetensors files" in said(report_on(io, folder), "error")


def test_the_texts_of_a_file_are_kept(tmp_path):
    save_file(cbramod(), tmp_path / "w.safetensors", metadata={"format": "pt", "by": "us"})
    assert io.load(tmp_path / "w.safetensors").metadata == {"format": "pt", "by": "us"}


# Numbers


def test_the_spread_is_that_of_all_blocks_together():
    torch.manual_seed(1)
    values = torch.randn(BLOCK + 1000) * 3 + 1
    values[[5, BLOCK + 7]] = torch.tensor([float("nan"), float("inf")])
    told = measure(values)
    finite = values.numpy().astype(np.float64)
    finite = finite[np.isfinite(finite)]
    assert told.broken == 2
    assert told.norm == pytest.approx(np.linalg.norm(finite), rel=1e-9)
    assert told.mean == pytest.approx(finite.mean(), rel=1e-9)
    assert told.std == pytest.approx(finite.std(), rel=1e-9)
    nothing = measure(torch.empty(0))
    assert (nothing.norm, nothing.std, nothing.broken) == (0, 0, 0)


def test_the_picture_draws_each_role_over_the_blocks(tmp_path):
    content = {f"layers.{n}.{role}.weight": torch.randn(50) for n in range(3) for role in "ab"}
    path = saved(tmp_path / "w.pth", content | {"embed": torch.zeros(7)})
    sizes, spread = (one["figure"]["data"] for one in io.preview(path)["figures"])
    assert dict(zip(sizes[0]["x"], sizes[0]["y"], strict=True)) == {
        "layers.0": 100, "layers.1": 100, "layers.2": 100, "embed": 7
    }  # fmt: skip
    assert {trace["name"]: trace["x"] for trace in spread} == {
        "a.weight": [0, 1, 2], "b.weight": [0, 1, 2]
    }  # fmt: skip
    assert spread[1]["y"][2] == pytest.approx(
        content["layers.2.b.weight"].std(correction=0).item(), rel=1e-3
    )


@pytest.mark.realdata
def test_official_names(shared_data):
    told = report_on(io, shared_data / "eeg/parity/two_layer_official_keys.pth")
    assert (told.facts["architecture"], told.facts["layers"]) == ("cbramod", 2)
    assert told.facts["parameters"] == 898_000
