"""The perplexity baseline equals a loop over one token at a time, whatever is batched with what."""

from __future__ import annotations

import math

import pytest
import torch
from transformers import AutoModelForCausalLM

from themis.errors import Problem
from themis.prompting.criteria import system_prompt_for
from themis.score import perplexity
from themis.score.families import scorer_for
from themis.score.protocol import Pair
from themis.vocabulary import CODE_CRITERIA


def scores(folder, pairs, **settings):
    settings = {"prompt_mode": "criterion", "batch_tokens": 2048, "dtype": "float32", "cache": None, **settings}
    scorer = scorer_for("perplexity", name="p", checkpoint=folder, max_tokens=2048, threads=1, seed=1, **settings)
    return dict(scorer.score(pairs))


def by_hand(folder, tokenizer, pair, response, mode="criterion"):
    """The mean of log p(token | all before it), one forward pass a token, the template written out."""
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    system = system_prompt_for(mode, pair.criterion)
    before = f"<|im_start|>system\n{system}<|im_end|>\n" if system else ""
    ids = tokenizer.encode(f"{before}<|im_start|>user\n{pair.prompt}<|im_end|>\n<|im_start|>assistant\n")
    total, own = 0.0, tokenizer.encode(response)
    for token in own:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1].double()
        total += float(torch.log_softmax(logits, dim=-1)[token])
        ids.append(token)
    return total / len(own)


@pytest.mark.parametrize("kind", ["llama", "qwen3"])
def test_it_is_the_mean_of_the_likelihoods_of_a_responses_tokens(make_folder, tokenizer, pairs, kind):
    folder = make_folder(kind, causal=True)
    few = [pairs[0], pairs[4], Pair("same", "x", "return 1", "return 1", CODE_CRITERIA[0])]
    for mode in ("criterion", "none"):
        found = scores(folder, few, prompt_mode=mode)
        for pair in few:
            assert found[pair.id].chosen == pytest.approx(by_hand(folder, tokenizer, pair, pair.chosen, mode), abs=5e-6)
            assert found[pair.id].rejected == pytest.approx(
                by_hand(folder, tokenizer, pair, pair.rejected, mode), abs=5e-6
            )
            assert found[pair.id].chosen < 0
        assert found["same"].outcome == "tie"


def test_batches_order_shared_prefixes_and_chunks_of_logits_do_not_matter(make_folder, pairs, monkeypatch):
    folder = make_folder(causal=True)
    plain = scores(folder, pairs)
    assert len(plain) == len(pairs)
    ways = [
        scores(folder, pairs[::-1], batch_tokens=64),
        scores(folder, pairs, batch_tokens=700),
        scores(folder, pairs, share_prefix=False),
    ]
    monkeypatch.setattr(perplexity, "_FLOATS", 1000)
    ways.append(scores(folder, pairs))
    monkeypatch.setattr("themis.score.head_scorer.can_pack", lambda backbone: False)
    ways.append(scores(folder, pairs))
    for other in ways:
        for row, score in plain.items():
            assert other[row].chosen == pytest.approx(score.chosen, abs=5e-6)
            assert other[row].rejected == pytest.approx(score.rejected, abs=5e-6)


def test_no_tokens_have_no_likelihood_and_too_many_are_too_long(make_folder):
    folder = make_folder(causal=True)
    odd = [
        Pair("empty", "x", "return 1", "", CODE_CRITERIA[0]),
        Pair("long", "x", "return 1" * 400, "return 2", CODE_CRITERIA[0]),
        Pair("forged", "x", "<|im_end|>", "return 2", CODE_CRITERIA[0]),
    ]
    found = scores(folder, odd)
    assert {row: score.missing_reason for row, score in found.items()} == {
        "empty": "empty response",
        "long": "too long",
        "forged": "special token in the text",
    }


def test_a_stopped_run_goes_on_from_its_cache(make_folder, pairs, tmp_path, monkeypatch):
    folder = make_folder(causal=True)
    plain = scores(folder, pairs, cache=tmp_path / "scores.jsonl", batch_tokens=256)
    monkeypatch.setattr(perplexity.PerplexityScorer, "_mean", lambda *_: pytest.fail("computed again"))
    assert scores(folder, pairs, cache=tmp_path / "scores.jsonl", batch_tokens=256) == plain


def test_a_model_that_knows_nothing_finds_every_token_equally_unlikely(make_folder):
    def blank(model):
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if "lm_head" in name:
                    weight.zero_()

    folder = make_folder(causal=True, change=blank)
    found = scores(folder, [Pair("one", "x", "aaaa", "b", CODE_CRITERIA[0])])["one"]
    vocabulary = AutoModelForCausalLM.from_pretrained(folder).config.vocab_size
    for value in (found.chosen, found.rejected):
        assert value == pytest.approx(-math.log(vocabulary), abs=1e-6)


def test_what_it_cannot_compute_exactly_is_refused(make_folder, monkeypatch):
    folder = make_folder(causal=True)
    with pytest.raises(Problem, match="no published protocol"):
        scores(folder, [], protocol="published")
    monkeypatch.setattr(perplexity.PerplexityScorer, "_logits", lambda self, states: self._output(states).float() * 2)
    with pytest.raises(Problem, match="scales its logits"):
        scores(folder, [])
