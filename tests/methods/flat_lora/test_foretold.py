"""What the form says before a job runs is what the job then has."""

from __future__ import annotations

import pytest

from engine.data.model import families, io
from engine.methods.flat_lora.foretold import foretold
from engine.methods.flat_lora.params import FlatLoraParams
from engine.models import backbone as backbones
from engine.models.adapters import adapt, adapted, targets
from engine.models.backbone import from_weights
from tests.models.making import tiny_llama, weights

TABLE = {"text": "text", "label": "label", "train": 1000, "dev": 0, "test": 0}
CAUSAL = {"prompt": "prompt", "completion": "completion", "train": 1000, "dev": 100, "test": 100}
PIXELS = {"train": 500, "dev": 0, "test": 100}


def said(given, **params):
    return dict(foretold(FlatLoraParams(**params), given))


def really(model, *, kind="lora", rank=8, names=None):
    wrapped = adapt(model, kind=kind, rank=rank, alpha=16, seed=0, targets=names)
    layers = adapted(wrapped)
    count = sum(p.numel() for name, p in wrapped.named_parameters() if "lora_" in name)
    return f"{count:,} weights in {len(layers)} linear layers"


@pytest.mark.parametrize("kind", families.MODEL_TYPES)
def test_adapters_of_an_upload(kind):
    """DoRA counts outputs apart, so they cannot be mistaken for inputs unseen."""
    made = weights(kind, causal=kind in families.DECODERS)
    given = {("images" if kind in families.VISION else "data"): TABLE, "model": io.facts(made)}
    for adapter in ("lora", "dora"):
        told = said(given, variants=[adapter], rank=2)
        title = {"lora": "LoRA", "dora": "DoRA"}[adapter]
        expected = really(from_weights(made).model, kind=adapter, rank=2)
        assert told[f"Adapters of {title}"] == expected


@pytest.mark.parametrize("kind", [k for k in families.MODEL_TYPES if k not in families.VISION])
def test_the_ends_that_it_offers_are_those_of_layers(kind):
    made = weights(kind, causal=kind in families.DECODERS)
    told = said({"data": TABLE, "model": io.facts(made)})
    names = targets(from_weights(made).model)
    ends = [one.partition(" (")[0] for one in told["Layers to adapt"].split("), ")]
    assert all(any(name == end or name.endswith(f".{end}") for end in ends) for name in names)
    assert all(any(name == end or name.endswith(f".{end}") for name in names) for end in ends)


def test_layers_of_images_networks_are_counted_and_not_named():
    """Files of older ones have other names than the network that is built from them."""
    given = {"images": PIXELS, "model": io.facts(weights("vit"))}
    told = said(given)
    assert told["Adapters of Flat-LoRA, LoRA"] == really(from_weights(weights("vit")).model)
    assert "Layers to adapt" not in told
    assert not any("Adapters" in title for title in said(given, targets=["fc1"]))


def test_adapters_of_the_built_in_encoder():
    told = said({"data": TABLE})
    assert told["Adapters of Flat-LoRA, LoRA"] == "331,776 weights in 36 linear layers"
    assert told["Adapters of Flat-LoRA, LoRA"] == really(backbones.minilm().model)
    names = [n for n in targets(backbones.minilm().model) if n.endswith((".query", ".value"))]
    some = said({"data": TABLE}, targets=["query", "value"])
    expected = really(backbones.minilm().model, names=names)
    assert some["Adapters of Flat-LoRA, LoRA"] == expected


def test_adapters_of_a_decoder_from_nothing():
    made = backbones.small_decoder(tiny_llama().tokenizer, hidden=64, layers=2, heads=2, seed=0)
    told = said({"data": CAUSAL}, width=64, layers=2)
    assert told["Adapters of Flat-LoRA, LoRA"] == really(made.model)


def test_adapters_of_a_vision_transformer_from_nothing():
    made = backbones.small_vit(8, 3, hidden=64, layers=2, heads=2, seed=0)
    told = said({"images": PIXELS}, width=64, layers=2)
    assert told["Adapters of Flat-LoRA, LoRA"] == really(made.model)


def test_steps():
    told = said({"data": TABLE}, batch=32, epochs=3)
    assert told["Steps"] == "at most 78, of at most 26 in an epoch of 810 rows"
    told = said({"data": TABLE, "dev": TABLE, "test": TABLE}, batch=32, epochs=3, max_steps=50)
    assert told["Steps"] == "at most 50, of at most 32 in an epoch of 1,000 rows"
    assert "Steps" not in said({"data": TABLE}, rows="text=a")
    assert "Steps" not in said({"data": TABLE}, test_rows=1000)


def test_what_is_not_known_is_not_said():
    assert foretold(FlatLoraParams(), {}) == []
    assert foretold(FlatLoraParams(), {"data": {}}) == []
    unknown = said({"data": TABLE, "model": {"family": "encoder"}})
    assert list(unknown) == ["Steps"]
    odd = said({"data": TABLE}, targets=["layer.0.attention.self.query"])
    assert not any("Adapters" in title for title in odd)
    assert not any("Adapters" in title for title in said({"data": TABLE}, variants=["full"]))
