"""What leaves is what was trained: PEFT and transformers read it, and say the same."""

from __future__ import annotations

import json
import socket
import warnings

import pytest
import torch
from peft import PeftModel
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModel, AutoModelForCausalLM

from engine.data.model import io
from engine.models.adapters import KINDS, adapt, merge
from engine.models.backbone import from_weights
from engine.models.classifier import Classifier, mean_over
from engine.models.export import (
    difference,
    export_adapter,
    export_merged,
    reload_adapter,
    reload_merged,
)
from engine.models.tokens import batch, encode_causal
from tests.engine.data.making import report_on
from tests.models.making import folder, tiny_bert, tiny_llama, weights
from tests.models.test_adapters import classifier, inputs, made, stirred

MOST = 1e-5


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Neither export nor reload may ask a host for anything."""

    def refused(*asked):
        raise AssertionError(f"asked for {asked[:2]}")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)


def causal(kind: str):
    model = adapt(tiny_llama().model, kind=kind, rank=4, alpha=8, seed=0)
    return stirred(model), inputs(tiny_llama)


@pytest.mark.parametrize("kind", KINDS)
def test_a_classifier_comes_back_with_its_head(tmp_path, kind):
    model = stirred(made(kind))
    export_adapter(model, tmp_path / "adapter", base="tiny", classes=("yes", "no", "so"))
    export_merged(model, tmp_path / "merged", tokenizer=tiny_bert().tokenizer)
    said = json.loads((tmp_path / "adapter/adapter_config.json").read_text())["target_modules"]
    assert said == sorted(said)  # PEFT's set has no order: the same export differed by its bytes
    assert difference(model, classifier(), inputs()) > 1e-2
    assert difference(model, reload_adapter(tmp_path / "adapter", tiny_bert()), inputs()) < MOST
    assert difference(model, reload_merged(tmp_path / "merged"), inputs()) < MOST
    told = report_on(io, tmp_path / "merged")
    assert (told.passed, told.facts["family"], told.facts["tokenizer"]) == (True, "encoder", True)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "loraga"])
def test_a_causal_model_comes_back(tmp_path, kind):
    model, rows = causal(kind)
    export_adapter(model, tmp_path / "adapter")
    export_merged(model, tmp_path / "merged", tokenizer=tiny_llama().tokenizer)
    assert difference(model, tiny_llama().model, rows) > 1e-3
    assert difference(model, reload_adapter(tmp_path / "adapter", tiny_llama()), rows) < MOST
    assert difference(model, reload_merged(tmp_path / "merged"), rows) < MOST


@pytest.mark.parametrize("kind", ["lora", "dora", "pissa"])
def test_others_need_nothing_of_ours(tmp_path, kind):
    """Network and adapter by transformers and PEFT alone, out of two folders."""
    base = folder(tmp_path / "base", weights("bert"))
    model, rows = stirred(made(kind)), inputs()
    export_adapter(model, tmp_path / "adapter")
    network = AutoModel.from_pretrained(base)
    network.head = nn.Linear(32, 3)
    theirs = PeftModel.from_pretrained(network, tmp_path / "adapter").eval()
    with torch.no_grad():
        hidden = theirs(**rows).last_hidden_state
        logits = theirs.get_base_model().head(mean_over(hidden, rows["attention_mask"]))
        assert (logits - model(**rows)).abs().max() < MOST


def test_others_read_a_merged_causal_model(tmp_path):
    model, rows = causal("lora")
    export_merged(model, tmp_path / "merged")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert difference(model, theirs, rows) < MOST


def test_what_an_adapter_says_of_itself(tmp_path):
    export_adapter(made("lora"), tmp_path, base="tiny", classes=("yes", "no", "so"))
    said = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (said["peft_type"], said["r"], said["lora_alpha"]) == ("LORA", 4, 8)
    assert (said["base_model_name_or_path"], said["task_type"]) == ("tiny", "FEATURE_EXTRACTION")
    assert said["modules_to_save"] == ["head"]
    with safe_open(tmp_path / "adapter_model.safetensors", "pt") as file:
        assert json.loads(file.metadata()["classes"]) == ["yes", "no", "so"]
        assert len(list(file.keys())) == 2 * 12 + 2


@pytest.mark.parametrize("kind", ["pissa", "loraga"])
def test_what_took_from_the_weights_leaves_as_a_lora_of_twice_the_rank(tmp_path, kind):
    model = stirred(made(kind))
    export_adapter(model, tmp_path)
    said = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (said["r"], said["init_lora_weights"], said["use_rslora"]) == (8, True, False)
    key = "base_model.model.encoder.layer.0.output.dense.lora_"
    tensors = load_file(tmp_path / "adapter_model.safetensors")
    delta = said["lora_alpha"] / 8 * tensors[f"{key}B.weight"] @ tensors[f"{key}A.weight"]
    name = "encoder.layer.0.output.dense"
    before = classifier().model.get_submodule(name).weight
    after = merge(model).model.get_submodule(name).weight
    assert (before + delta - after).abs().max() < 1e-6


def test_gpt2_leaves_as_transformers_writes_it(tmp_path):
    """Its weights lie transposed in files, and proper while they are trained."""
    fresh = lambda: from_weights(weights("gpt2", causal=True))  # noqa: E731
    model = stirred(adapt(fresh().model, kind="lora", rank=4, alpha=8, seed=0))
    rows = inputs(fresh)
    export_adapter(model, tmp_path / "adapter")
    export_merged(model, tmp_path / "merged")
    base = AutoModelForCausalLM.from_pretrained(
        folder(tmp_path / "base", untied(weights("gpt2", causal=True)))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        theirs = PeftModel.from_pretrained(base, tmp_path / "adapter")
    assert difference(model, theirs, rows) < MOST
    assert difference(model, AutoModelForCausalLM.from_pretrained(tmp_path / "merged"), rows) < MOST
    assert difference(model, reload_merged(tmp_path / "merged"), rows) < MOST


def untied(found):
    """Without the output layer, which is the embedding."""
    del found.tensors["lm_head.weight"]
    return found


def test_a_classifier_on_a_decoder_comes_back(tmp_path):
    model = Classifier(tiny_llama(), 2, seed=0)
    stirred(adapt(model, kind="lora", rank=4, alpha=8, seed=0))
    rows = inputs(tiny_llama)
    export_adapter(model, tmp_path / "adapter")
    export_merged(model, tmp_path / "merged")
    assert difference(model, reload_adapter(tmp_path / "adapter", tiny_llama()), rows) < MOST
    assert difference(model, reload_merged(tmp_path / "merged"), rows) < MOST


def test_a_classifier_on_images_comes_back(tmp_path):
    vision = lambda: from_weights(weights("vit"))  # noqa: E731
    model = stirred(adapt(Classifier(vision(), 5, seed=0), kind="lora", rank=4, alpha=8, seed=0))
    rows = {"pixel_values": torch.randn(2, 3, 8, 8)}
    export_adapter(model, tmp_path / "adapter")
    export_merged(model, tmp_path / "merged")
    assert difference(model, reload_adapter(tmp_path / "adapter", vision()), rows) < MOST
    assert difference(model, reload_merged(tmp_path / "merged"), rows) < MOST


def test_a_network_that_was_trained_whole_leaves_too(tmp_path):
    model = classifier()
    with torch.no_grad():
        for one in model.parameters():
            one.add_(torch.randn(one.shape, generator=torch.Generator().manual_seed(1)) * 0.05)
    export_merged(model, tmp_path)
    assert difference(model, reload_merged(tmp_path), inputs()) < 1e-7


@pytest.mark.realdata
def test_the_small_language_model_leaves_and_comes_back(tmp_path, shared_data):
    fresh = lambda: from_weights(io.load(shared_data / "lm"))  # noqa: E731
    tokenizer = fresh().tokenizer
    texts = ["The committee approved the annual budget on Tuesday.", "Which river is it?"]
    encoded = encode_causal(
        tokenizer, ["What did it do?", "A river of Spain."], texts, max_length=64
    )
    rows = batch(encoded, range(2))
    model = adapt(fresh().model, kind="lora", rank=8, alpha=16, seed=0)
    optimizer = torch.optim.AdamW((one for one in model.parameters() if one.requires_grad), lr=5e-3)
    losses = []
    for _ in range(25):
        loss = model(**rows).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 1
    export_adapter(model, tmp_path / "adapter")
    export_merged(model, tmp_path / "merged", tokenizer=tokenizer)
    assert difference(model, fresh().model, rows) > 1
    assert difference(model, reload_adapter(tmp_path / "adapter", fresh()), rows) < MOST
    assert difference(model, reload_merged(tmp_path / "merged"), rows) < MOST
    back = from_weights(io.load(tmp_path / "merged")).tokenizer
    assert back("a cat\nsat").input_ids == tokenizer("a cat\nsat").input_ids
