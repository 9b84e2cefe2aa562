"""Perplexity: as worked out by hand from an ARPA file, and token by token from a causal model."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from themis.errors import Problem
from themis.preferences import perplexity
from themis.preferences.perplexity import Perplexity
from themis.study import Study

# Log10 probabilities and back-off weights of a bigram model, in SRILM's text form.
ARPA = r"""\data\
ngram 1=5
ngram 2=3

\1-grams:
-2.0	<unk>
0	<s>	-0.5
-1.0	</s>
-1.2	sort	-0.3
-1.4	lists	-0.1

\2-grams:
-0.2	<s> sort
-0.4	sort lists
-0.6	lists </s>

\end\
"""
PROMPTS = [
    "Write a function that sorts a list.", "x = [1, 2, 3]", "Why does this loop never end? " * 30, "ab", "ä", "",
    "return the sum of two numbers " * 5, "Write a function that sorts a list",
]  # fmt: skip


@pytest.fixture
def arpa(tmp_path):
    path = tmp_path / "model.arpa"
    path.write_text(ARPA)
    return path


@pytest.fixture(scope="module")
def causal(tiny_language_model):
    return Perplexity.of(language_model=tiny_language_model)


def test_a_kenlm_model_gives_what_its_file_says(arpa):
    found = Perplexity.of(kenlm=arpa).values(["sort lists", "lists", "sort  sort\nqueues", ""])
    logs = [
        (-0.2 - 0.4 - 0.6, 3),
        (-0.5 - 1.4 - 0.6, 2),  # back-off of <s>, then lists
        (-0.2 - 0.3 - 1.2 - 0.3 - 2.0 - 1.0, 4),  # an unknown word ends every history
        (-0.5 - 1.0, 1),
    ]
    assert found == pytest.approx([10 ** (-total / words) for total, words in logs], rel=1e-5)


def test_text_is_cut_into_pieces_where_a_sentencepiece_model_is_given(arpa, tmp_path):
    import sentencepiece

    lines = tmp_path / "lines.txt"
    lines.write_text("sort lists 000 times\nsort the lists\nlists of lists\n" * 20)
    sentencepiece.SentencePieceTrainer.train(
        input=str(lines), model_prefix=str(tmp_path / "pieces"), vocab_size=24, hard_vocab_limit=False, minloglevel=2
    )
    model = tmp_path / "pieces.model"
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(model)).encode('sort "lists" 000 times', out_type=str)
    found = Perplexity.of(kenlm=arpa, sentencepiece=model).values(["sort\n“lists” 123  times"])
    assert found == Perplexity.of(kenlm=arpa).values([" ".join(pieces)])
    assert len(pieces) > 4


def test_a_causal_model_gives_the_mean_over_its_first_tokens(tiny_language_model, monkeypatch):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    monkeypatch.setattr(perplexity, "_MOST_TOKENS", 70)
    model = AutoModelForCausalLM.from_pretrained(tiny_language_model).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_language_model)
    lengths = []
    for prompt, found in zip(PROMPTS, Perplexity.of(language_model=tiny_language_model).values(PROMPTS), strict=True):
        ids = [tokenizer.bos_token_id, *tokenizer.encode(prompt, add_special_tokens=False)]
        lengths.append(len(ids))
        losses = []
        for end in range(1, min(len(ids), 70)):
            with torch.inference_mode():
                logits = model(torch.tensor([ids[:end]])).logits[0, -1].double()
            losses.append(float(torch.logsumexp(logits, 0) - logits[ids[end]]))
        expected = math.exp(sum(losses) / len(losses)) if losses else math.nan
        assert found == pytest.approx(expected, rel=1e-4, nan_ok=True)
    assert min(lengths) == 1 and max(lengths) > 70  # one has no token to be told, one is cut


def test_a_value_does_not_depend_on_the_other_prompts(causal, tiny_language_model):
    together = causal.values(PROMPTS)
    for order in ([5, 2, 7, 0, 3, 6, 1, 4], [0], [2, 2, 3]):
        alone = Perplexity.of(language_model=tiny_language_model).values([PROMPTS[at] for at in order])
        assert np.array_equal(alone, together[order], equal_nan=True)


def test_what_was_measured_is_remembered_within_bounds(monkeypatch):
    asked = []

    def measure(texts):
        asked.extend(texts)
        return [float(len(text)) for text in texts]

    monkeypatch.setattr(perplexity, "_KNOWN", 3)
    known = Perplexity(measure)
    assert known.values(["a", "bb", "a", "ccc"]).tolist() == [1, 2, 1, 3]
    assert known.values(["a"]).tolist() == [1]
    assert asked == ["a", "bb", "ccc"]
    assert known.values(["dddd", "eeeee"]).tolist() == [4, 5]  # bb and ccc are the ones met longest ago
    assert known.values(["a", "bb"]).tolist() == [1, 2]
    assert asked == ["a", "bb", "ccc", "dddd", "eeeee", "bb"]


def test_off_without_a_model_and_a_wrong_file_is_named(tmp_path, arpa):
    assert Perplexity.of() is None
    with pytest.raises(Problem, match=r"nowhere\.arpa: no such file"):
        Perplexity.of(kenlm=tmp_path / "nowhere.arpa")
    broken = tmp_path / "broken"
    broken.write_text("no model")
    with pytest.raises(Problem, match="broken: not a KenLM model"):
        Perplexity.of(kenlm=broken)
    with pytest.raises(Problem, match="broken: not a SentencePiece model"):
        Perplexity.of(kenlm=arpa, sentencepiece=broken)
    with pytest.raises(Problem, match="no language model here"):
        Perplexity.of(language_model=tmp_path)


def test_a_study_names_one_model_that_it_has():
    def refused(**perplexity):
        with pytest.raises(ValidationError) as caught:
            Study(preferences={"perplexity": perplexity})
        return str(caught.value)

    assert "name one" in refused(kenlm="en.arpa.bin", language_model="smollm2")
    assert "name one in kenlm" in refused(sentencepiece="en.sp.model")
    assert "preferences.perplexity.language_model: gpt is not one" in refused(language_model="gpt")
    assert Study(preferences={"perplexity": {"language_model": "smollm2"}}).preferences.perplexity.most == 1200
