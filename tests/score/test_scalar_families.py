"""A scalar family's score is its formula on the conversation alone, whatever the batch, its order and the padding side."""

from __future__ import annotations

import pytest
import torch
import transformers.dynamic_module_utils as dynamic

from tests.score.scorers import load
from tests.score.tiny_checkpoints import write
from tests.score.tiny_families import FAMILIES
from themis.prompting.criteria import system_prompt_for

_TOLERANCE = 5e-6


@pytest.fixture(autouse=True)
def _own_modules(tmp_path, monkeypatch):
    """Code that a checkpoint brings is copied into the test's folder before it runs, not into the user's."""
    monkeypatch.setattr(dynamic, "HF_MODULES_CACHE", str(tmp_path / "modules"))


def by_hand(written, formula, pairs, mode="none"):
    """Rewards of both responses of every pair, each conversation alone: its text tokenised, then the formula."""
    backbone, weights, tokenizer = written
    rewards = {}
    for pair in pairs:
        system = system_prompt_for(mode, pair.criterion)
        prompt = pair.prompt if system is None else f"{system}\n\n{pair.prompt}"  # for templates that refuse the role
        rewards[pair.id] = []
        for response in (pair.chosen, pair.rejected):
            chat = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
            text = tokenizer.apply_chat_template(chat, tokenize=False)
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            rewards[pair.id].append(float(formula(backbone, weights, ids)))
    return rewards


def apart(result, expected):
    """The largest difference to the rewards by hand."""
    result = dict(result)
    assert result.keys() == expected.keys()
    assert {score.missing_reason for score in result.values()} == {None}
    return max(
        abs(score - other)
        for row, both in expected.items()
        for score, other in zip((result[row].chosen, result[row].rejected), both, strict=True)
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_a_score_is_the_formula_whatever_the_batch(name, pairs, tmp_path):
    folder = tmp_path / "model"
    written = write(name, folder)
    expected = by_hand(written, FAMILIES[name].formula, pairs)
    assert torch.tensor(list(expected.values())).std() > 100 * _TOLERANCE, "the tokens matter"
    shuffled = [pairs[index] for index in (4, 0, 8, 2, 6, 1, 7, 3, 5)]
    for batch, side, rows in ((1, "left", pairs), (3, "right", shuffled), (8, "left", pairs[::-1])):
        written[2].padding_side = side
        written[2].save_pretrained(folder)
        scorer = load(
            folder,
            name,
            prompt_mode="none",
            batch_tokens=16 if batch == 1 else batch * 2 * 200,  # no conversation has more tokens than 200
            share_prefix=batch != 3,
            trust_remote_code=name == "remote_code",
        )
        assert scorer.packed is (name != "remote_code")
        assert apart(scorer.score(rows), expected) <= _TOLERANCE
