"""A scalar family's score is its formula on the conversation alone, whatever the batch, its order and the padding side."""

from __future__ import annotations

import itertools

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


@pytest.fixture
def batches_of(monkeypatch):
    """Have pairs computed so many at a time, in the order they come in."""

    def set_size(size):
        def chunks(pairs, budget, *, packed):
            yield from (list(range(len(pairs))[at : at + size]) for at in range(0, len(pairs), size))

        monkeypatch.setattr("themis.score.batch_scorer.groups", chunks)

    return set_size


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_score_is_the_formula_whatever_the_batch(name, side, pairs, tmp_path, batches_of, monkeypatch):
    folder = tmp_path / "model"
    written = write(name, folder, side=side)
    expected = by_hand(written, FAMILIES[name].formula, pairs)
    assert torch.tensor(list(expected.values())).std() > 100 * _TOLERANCE, "the tokens matter"
    orders = itertools.cycle([pairs, [pairs[index] for index in (4, 0, 8, 2, 6, 1, 7, 3, 5)], pairs[::-1]])
    padded_only = name == "remote_code"
    for padded in (False, True):
        if padded:
            monkeypatch.setattr("themis.score.head_scorer.can_pack", lambda _: False)
        scorer = load(folder, name, prompt_mode="none", trust_remote_code=name == "remote_code")
        assert scorer.packed is not (padded or padded_only)
        assert scorer._conversations.chat.tokenizer.padding_side == side
        for size, shared in itertools.product((1, 3, 8), (True, False) if scorer.packed else (False,)):
            batches_of(size)
            scorer.share_prefix = shared
            assert apart(scorer.score(next(orders)), expected) <= _TOLERANCE, (size, shared)
