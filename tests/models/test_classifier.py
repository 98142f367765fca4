"""A classifier on each family, and an own BERT forward on the weights of MiniLM."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear

from engine.models.backbone import from_weights, minilm, small_vit
from engine.models.classifier import Classifier, mean_over
from engine.models.tokens import batch, encode
from tests.models.making import tiny_bert, tiny_llama, weights

TEXTS = ["the man sees a cat", "dog eats", "a big red ball likes the small woman"]
NOUNS, VERBS = ("The committee", "A very old man", "Nobody", "It"), ("approved", "saw", "ignored")
LONG = "the annual budget, which nobody had expected to be so large, on Tuesday afternoon"
SENTENCES = [
    f"{noun} {verb} {LONG[: 3 + 9 * at]}{'?' if at % 2 else '.'}"
    for at, (noun, verb) in enumerate((noun, verb) for noun in NOUNS for verb in VERBS * 3)
][:32]


def bert(
    weights: dict[str, Tensor], ids: Tensor, mask: Tensor, *, layers: int, heads: int
) -> Tensor:
    """Hidden states [batch, tokens, width] of BERT as its paper describes it, with exact GELU."""

    def normed(x: Tensor, name: str) -> Tensor:
        return layer_norm(
            x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12
        )

    def dense(x: Tensor, name: str) -> Tensor:
        return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    table = "embeddings.{}_embeddings.weight"
    x = weights[table.format("word")][ids] + weights[table.format("token_type")][0]
    x = normed(x + weights[table.format("position")][: ids.shape[1]], "embeddings.LayerNorm")
    rows, count, width = x.shape
    hidden = (1 - mask)[:, None, None] * torch.finfo(x.dtype).min
    for layer in range(layers):
        name = f"encoder.layer.{layer}"
        q, k, v = (
            dense(x, f"{name}.attention.self.{part}")
            .view(rows, count, heads, width // heads)
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        scores = q @ k.transpose(2, 3) / math.sqrt(width // heads) + hidden
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(rows, count, width)
        mixed = dense(mixed, f"{name}.attention.output.dense")
        x = normed(x + mixed, f"{name}.attention.output.LayerNorm")
        inner = dense(gelu(dense(x, f"{name}.intermediate.dense")), f"{name}.output.dense")
        x = normed(x + inner, f"{name}.output.LayerNorm")
    return x


def test_minilm_computes_what_bert_is():
    backbone = minilm()
    rows = batch(encode(backbone.tokenizer, SENTENCES, max_length=128), range(32))
    ids, mask = rows["input_ids"], rows["attention_mask"]
    assert 0.5 < mask.float().mean() < 0.9  # a batch with padding
    with torch.no_grad():
        found = backbone.model(**rows).last_hidden_state
        own = bert(dict(backbone.model.state_dict()), ids, mask, layers=6, heads=12)
    assert (found - own)[mask.bool()].abs().max() < 1e-5
    assert (mean_over(found, mask) - mean_over(own, mask)).abs().max() < 1e-5


@pytest.mark.parametrize("made", [tiny_bert, tiny_llama])
def test_padding_changes_no_logit(made):
    backbone = made()
    model = Classifier(backbone, 4, seed=0)
    encoded = encode(backbone.tokenizer, TEXTS, max_length=20)
    with torch.no_grad():
        together = model(**batch(encoded, range(3)))
        alone = torch.cat([model(**batch(encoded, [row])) for row in range(3)])
    assert together.shape == (3, 4)
    assert (together - alone).abs().max() < 1e-6


def test_an_encoder_is_pooled_by_the_mean_of_its_tokens():
    backbone = tiny_bert()
    model = Classifier(backbone, 2, seed=0)
    rows = batch(encode(backbone.tokenizer, TEXTS[:1], max_length=20), [0])
    with torch.no_grad():
        mean = backbone.model(**rows).last_hidden_state[0].mean(dim=0)
        assert torch.allclose(model(**rows)[0], model.head(mean), atol=1e-6)


def test_a_decoder_is_read_at_its_last_token():
    """Of a causal network only the last token has seen all others."""
    backbone = tiny_llama()
    model = Classifier(backbone, 2, seed=0)
    encoded = encode(backbone.tokenizer, TEXTS, max_length=20)
    with torch.no_grad():
        for row, ids in enumerate(encoded.ids):
            seen = torch.tensor(ids[None], dtype=torch.int64)
            last = backbone.model.model(input_ids=seen).last_hidden_state[0, -1]
            found = model(**batch(encoded, range(3)))[row]
            assert torch.allclose(found, model.head(last), atol=1e-6)


def test_images_are_read_at_the_class_token():
    model = Classifier(small_vit(8, 3, hidden=12, layers=2, heads=3, seed=0), 5, seed=0)
    pixels = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        first = model.model(pixel_values=pixels).last_hidden_state[:, 0]
        assert torch.equal(model(pixel_values=pixels), model.head(first))


def test_the_head_depends_on_its_seed_alone():
    state = torch.get_rng_state()
    first, again, other = (Classifier(tiny_bert(), 3, seed=seed).head for seed in (1, 1, 2))
    assert torch.equal(first.weight, again.weight)
    assert not torch.equal(first.weight, other.weight)
    assert max(first.weight.abs().max(), first.bias.abs().max()) <= 32**-0.5
    torch.set_rng_state(state)


def test_the_second_text_of_a_pair_is_told_apart():
    """BERT adds an embedding of the text that a token is of."""
    backbone = from_weights(weights("bert"))
    model = Classifier(backbone, 2, seed=0)
    rows = batch(encode(backbone.tokenizer, ["a cat"], ["a dog"], max_length=20), [0])
    assert rows["token_type_ids"][0].tolist() == [0, 0, 0, 0, 1, 1, 1]
    with torch.no_grad():
        untold = model(**{**rows, "token_type_ids": torch.zeros_like(rows["token_type_ids"])})
        assert (model(**rows) - untold).abs().max() > 1e-6
