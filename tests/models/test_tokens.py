"""Texts become rows of tokens; batches hold each row once, with little padding."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine.core.errors import UserError
from engine.models.tokenizer import from_files
from engine.models.tokens import CHUNK, IGNORED, POOL, batch, encode, encode_causal, order
from tests.models.making import VOCABULARY, tiny_bert, tiny_llama, tokenizer_files

WORDS = ["the", "man", "sees", "a", "cat"]


def numbers(text: str) -> list[int]:
    return [VOCABULARY[word] for word in text.split()]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_bert().tokenizer


@pytest.fixture(scope="module")
def causal():
    return tiny_llama().tokenizer


def texts(count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 30))) for _ in range(count)]


def test_sentences_stand_between_their_special_tokens(tokenizer):
    encoded = encode(tokenizer, ["the cat", "a dog sees"], max_length=20)
    assert [row.tolist() for row in encoded.ids] == [
        numbers("[CLS] the cat [SEP]"), numbers("[CLS] a dog sees [SEP]")
    ]  # fmt: skip
    assert encoded.lengths.tolist() == [4, 5]
    assert (len(encoded), encoded.cut) == (2, 0)


def test_pairs_carry_the_number_of_their_text(tokenizer):
    encoded = encode(tokenizer, ["the cat"], ["a dog sees"], max_length=20)
    assert encoded.ids[0].tolist() == numbers("[CLS] the cat [SEP] a dog sees [SEP]")
    assert encoded.types.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_what_is_too_long_is_cut_and_counted(tokenizer):
    encoded = encode(tokenizer, ["the cat", "the man sees a cat", "the man sees"], max_length=5)
    assert encoded.cut == 1
    assert encoded.ids[1].tolist() == numbers("[CLS] the man sees [SEP]")
    pair = encode(tokenizer, ["the cat"], ["the man sees a cat"], max_length=8)
    assert pair.cut == 1
    assert pair.ids[0].tolist() == numbers("[CLS] the cat [SEP] the man sees [SEP]")


def test_a_text_without_a_token_is_told(causal):
    causal._tokenizer.post_processor = None
    with pytest.raises(UserError, match="text 2: has no token"):
        encode(causal, ["the", " "], max_length=5)
    with pytest.raises(UserError, match=r"file\.csv row 7: has no token"):
        encode(causal, ["the", " "], max_length=5, place=lambda row: f"file.csv row {row + 6}")


def test_a_pattern_that_searches_for_ever_is_told():
    """The library gives up in a panic, which is no Exception: it ended a session of questions."""
    files = tokenizer_files()
    words = json.loads(files["tokenizer.json"])
    words["pre_tokenizer"] = {
        "type": "Split", "pattern": {"Regex": "(a|a|b|[a-z])*(a+)+([a-z]+)+$!"},
        "behavior": "Isolated", "invert": False,
    }  # fmt: skip
    made = from_files({**files, "tokenizer.json": json.dumps(words).encode()}, "bert", "m")
    with pytest.raises(UserError, match="model: its tokenizer cannot split a text: Onig"):
        encode(made, ["a" * 34 + "b"], max_length=9)


def test_a_tokenizer_without_its_unknown_token_is_told():
    files = tokenizer_files()
    words = json.loads(files["tokenizer.json"])
    words["model"]["unk_token"] = "[NONE]"
    made = from_files({**files, "tokenizer.json": json.dumps(words).encode()}, "bert", "m")
    for split in (lambda: encode(made, ["a zebra"], max_length=9),
                  lambda: encode_causal(made, None, ["a zebra"], max_length=9)):  # fmt: skip
        with pytest.raises(UserError, match="model: its tokenizer cannot split a text"):
            split()


def test_texts_in_chunks_are_as_one_by_one(tokenizer):
    several = texts(2 * CHUNK + 3)
    encoded = encode(tokenizer, several, several, max_length=20)
    for row in (0, CHUNK - 1, CHUNK, 2 * CHUNK + 2):
        alone = encode(tokenizer, [several[row]], [several[row]], max_length=20)
        place = slice(*encoded.starts[row : row + 2])
        assert alone.tokens.tolist() == encoded.tokens[place].tolist()
        assert alone.types.tolist() == encoded.types[place].tolist()


def test_only_the_completion_is_scored(causal):
    encoded = encode_causal(causal, ["the cat", "a"], ["sees", "big red ball"], max_length=20)
    rows = batch(encoded, [0, 1])
    assert rows["input_ids"].tolist() == [
        numbers("<s> the cat sees </s> [PAD]"), numbers("<s> a big red ball </s>")
    ]  # fmt: skip
    none = IGNORED
    assert rows["labels"].tolist() == [
        [none, none, none, *numbers("sees </s>"), none],
        [none, none, *numbers("big red ball </s>")],
    ]
    assert rows["attention_mask"].tolist() == [[1, 1, 1, 1, 1, 0], [1] * 6]


def test_without_prompts_the_whole_text_is_scored(causal):
    encoded = encode_causal(causal, None, ["the cat"], max_length=20)
    assert batch(encoded, [0])["labels"].tolist() == [[IGNORED, *numbers("the cat </s>")]]


def test_the_beginning_of_a_long_prompt_is_cut_before_the_completion(causal):
    prompt, completion = ["the man sees a cat"], ["big red"]
    encoded = encode_causal(causal, prompt, completion, max_length=6)
    assert encoded.ids[0].tolist() == numbers("<s> a cat big red </s>")
    assert encoded.cut == 1
    shorter = encode_causal(causal, prompt, ["big red small ball"], max_length=4)
    assert shorter.ids[0].tolist() == numbers("<s> big red small")
    assert shorter.scored.tolist() == [False, True, True, True]
    assert encode_causal(causal, prompt, completion, max_length=9).cut == 0


def test_the_loss_of_a_causal_model_is_that_of_the_scored_tokens():
    backbone = tiny_llama()
    prompts, completions = ["the cat", "a"], ["sees", "big red ball"]
    encoded = encode_causal(backbone.tokenizer, prompts, completions, max_length=20)
    with torch.no_grad():
        out = backbone.model(**batch(encoded, [0, 1]))
        total, count = 0.0, 0
        for ids, begin in zip(encoded.ids, (3, 2), strict=True):
            seen = torch.tensor(ids[None], dtype=torch.int64)
            scores = backbone.model(input_ids=seen).logits[0].log_softmax(-1)
            for place in range(begin, len(ids)):
                total -= scores[place - 1, ids[place]].item()
                count += 1
    assert out.loss.item() == pytest.approx(total / count, abs=1e-6)


def test_an_order_has_each_row_once_and_repeats_by_its_generator(tokenizer):
    lengths = encode(tokenizer, texts(500), max_length=40).lengths
    first, again, other = (order(lengths, 8, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert sorted(np.concatenate(first).tolist()) == list(range(500))
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not all(np.array_equal(one, two) for one, two in zip(first, other, strict=True))
    assert {len(rows) for rows in first} == {8, 4}  # 500 = 400 + 100, of which 12 x 8 and 4


def test_rows_of_like_length_lie_together(tokenizer):
    encoded = encode(tokenizer, texts(POOL * 8), max_length=40)

    def padding(batches_: list[np.ndarray]) -> float:
        sizes = [encoded.lengths[rows] for rows in batches_]
        return 1 - sum(one.sum() for one in sizes) / sum(one.max() * len(one) for one in sizes)

    rng = np.random.default_rng(0)
    shuffled = np.split(rng.permutation(len(encoded)), POOL)
    assert padding(order(encoded.lengths, 8, rng)) < 0.05 < 0.3 < padding(shuffled)


def test_batches_are_shuffled_and_not_only_sorted(tokenizer):
    lengths = encode(tokenizer, texts(400), max_length=40).lengths
    longest = [lengths[rows].max() for rows in order(lengths, 8, np.random.default_rng(0))]
    assert np.abs(np.corrcoef(np.arange(len(longest)), longest)[0, 1]) < 0.5
    still = [lengths[rows].max() for rows in order(lengths, 8)]
    assert still == sorted(still, reverse=True)


def test_a_batch_of_some_rows(tokenizer):
    encoded = encode(tokenizer, texts(50), max_length=40)
    chosen = np.array([3, 17, 44, 9])
    found = batch(encoded, chosen)
    for row, ids, mask in zip(chosen, found["input_ids"], found["attention_mask"], strict=True):
        assert ids[mask.bool()].tolist() == encoded.ids[row].tolist()
