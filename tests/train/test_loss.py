"""The loss and its gradient against an independent computation: two padded forwards, as the formula is written."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, logsigmoid, pad

from themis.prompting import attention, packing
from themis.prompting.chat import Chat
from themis.train import cross_entropy as token_loss
from themis.train.loss import step_loss
from themis.train.model import RewardModel

TEXTS = [("Say a", "aaa bbb", "aaa c"), ("Say b", "b", "a much longer answer"), ("c", "same start, x", "same start, y")]


def _model(base):
    from transformers import AutoModelForCausalLM

    model = RewardModel(AutoModelForCausalLM.from_pretrained(base))
    torch.manual_seed(1)
    torch.nn.init.normal_(model.head.weight)
    return model


def _by_formula(model, chat, magnitude, lm_weight, magnitude_weight):
    """Mean Bradley-Terry + lambda x mean chosen-token CE + mu x mean magnitude, each side a padded batch of its own."""
    rewards, tokens = [], 0
    language = torch.zeros(())
    for side in (1, 2):
        rows = [chat.conversation(None, text[0], text[side]) for text in TEXTS]
        width = max(map(len, rows))
        ids = torch.stack([pad(torch.tensor(row), (0, width - len(row))) for row in rows])
        mask = torch.stack([pad(torch.ones(len(row)), (0, width - len(row))) for row in rows])
        model.lm.set_attn_implementation("sdpa")
        out = model.lm(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        ends = torch.tensor([len(row) - 1 for row in rows])
        rewards.append((out.hidden_states[-1][range(len(rows)), ends] @ model.head.weight.T)[:, 0])
        if side == 1:
            for row, text, logits in zip(rows, TEXTS, out.logits, strict=True):
                start = len(chat.prompt(None, text[0]))
                targets = torch.tensor(row[start:])
                language = language + cross_entropy(logits[start - 1 : len(row) - 1], targets, reduction="sum")
                tokens += len(targets)
    chosen, rejected = rewards
    spread = {"centering": (chosen + rejected) ** 2, "absolute": (chosen.abs() + rejected.abs()) ** 2}[magnitude]
    loss = -logsigmoid(chosen - rejected).mean() + lm_weight * language / tokens + magnitude_weight * spread.mean()
    return loss, tokens


@pytest.mark.parametrize("kind, magnitude, tied", [("llama", "centering", True), ("qwen3", "absolute", False)])
def test_gradient_equals_two_padded_forwards(tmp_path, make_base, kind, magnitude, tied):
    base = make_base(tmp_path / "base", kind, tied=tied)
    chat, model = Chat.load(base), _model(base)
    weights = {"lm_weight": 0.3, "magnitude_weight": 0.05}
    expected, tokens = _by_formula(model, chat, magnitude, *weights.values())
    expected.backward()
    model.lm.set_attn_implementation(attention.NAME)
    wanted = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()

    batch = packing.collate([packing.pack(chat, None, *text) for text in TEXTS])
    loss, sums = step_loss(*model(batch), pairs=len(TEXTS), tokens=tokens, magnitude=magnitude, **weights)
    loss.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert sums[3].item() in range(len(TEXTS) + 1)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(
            parameter.grad, wanted[name], rtol=1e-4, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_cutting_a_step_does_not_change_its_gradient(tmp_path, make_base):
    base = make_base(tmp_path / "base")
    chat, model = Chat.load(base), _model(base)
    pairs = [packing.pack(chat, None, *text) for text in TEXTS]
    tokens = sum(pair.chosen - pair.prompt for pair in pairs)
    gradients = []
    for cut in ([[0, 1, 2]], [[2], [0], [1]]):
        model.zero_grad()
        for part in cut:
            batch = packing.collate([pairs[i] for i in part])
            loss, _ = step_loss(
                *model(batch),
                pairs=3,
                tokens=tokens,
                lm_weight=0.3,
                magnitude_weight=0.1,
                magnitude="centering",
            )
            loss.backward()
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in model.parameters()]))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-6)


def test_chunked_cross_entropy_is_cross_entropy(monkeypatch):
    monkeypatch.setattr(token_loss, "_CHUNK", 4)
    torch.manual_seed(0)
    head = torch.nn.Linear(6, 11, bias=False)
    hidden, labels = torch.randn(10, 6, requires_grad=True), torch.randint(0, 11, (10,))
    plain = cross_entropy(head(hidden), labels, reduction="sum")
    wanted = torch.autograd.grad(3 * plain, [hidden, head.weight])
    ours = token_loss.summed_cross_entropy(head, hidden, labels)
    torch.testing.assert_close(ours, plain)
    for got, want in zip(torch.autograd.grad(3 * ours, [hidden, head.weight]), wanted, strict=True):
        torch.testing.assert_close(got, want)


def test_a_tie_is_half_a_win_and_zero_rewards_have_log_two():
    rewards = torch.tensor([[0.0, 0.0], [2.0, 1.0], [1.0, 2.0]])
    _, sums = step_loss(rewards, None, pairs=3, tokens=0, lm_weight=0.0, magnitude_weight=0.0, magnitude="none")
    assert sums[3].item() == 1.5
    _, sums = step_loss(rewards[:1], None, pairs=1, tokens=0, lm_weight=0.0, magnitude_weight=0.0, magnitude="none")
    assert sums[0].item() == pytest.approx(0.6931472)
