"""Five optimiser steps against plain torch: two padded forwards, and loss, clip, rate and AdamW by their formulas."""

from __future__ import annotations

import math

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy, logsigmoid

from themis import records
from themis.prompting.chat import Chat
from themis.train import optimizer, parallel
from themis.train.train import train

STEPS, PAIRS = 5, 6
# All pairs make a step, so that their order means nothing. The decay is so large that it shows beside Adam's step.
RECIPE = {
    "epochs": STEPS, "batch_pairs": PAIRS, "learning_rate": 1e-4, "final_learning_rate": 2e-5,
    "head_learning_rate": 5e-3, "warmup": 0.4, "clip": 0.5, "weight_decay": 5.0, "lm_weight": 0.25,
    "magnitude_weight": 0.01, "magnitude": "centering",
}  # fmt: skip
CASES = {
    "packed": ("llama", True, {}),
    "unshared": ("qwen3", False, {"share_prefix": False}),
    "cut": ("qwen3", True, {"batch_tokens": 90}),
    "cut_and_unshared": ("llama", False, {"batch_tokens": 90, "share_prefix": False}),
    "bradley_terry_alone": ("llama", False, {"lm_weight": 0.0, "magnitude_weight": 0.0}),
    "absolute": ("llama", True, {"magnitude": "absolute", "magnitude_weight": 0.1}),
    "unclipped": ("llama", True, {"clip": 1e3}),
    "margin_and_smoothing": ("qwen3", False, {"margin": 0.5, "label_smoothing": 0.1}),
}


@pytest.mark.parametrize("case", CASES)
def test_five_steps_are_those_of_plain_torch(tmp_path, make_base, make_preferences, make_options, monkeypatch, case):
    kind, tied, changes = CASES[case]
    base = _without_zeros(make_base(tmp_path / "base", kind, tied=tied))
    options = make_options(tmp_path, make_preferences(tmp_path / "code.parquet", PAIRS), base, **{**RECIPE, **changes})
    gradients = []
    clip = optimizer.clip

    def record_then_clip(model, norm):
        named = {name: p for name, p in model.named_parameters() if p.grad is not None}
        gradients.append({name.removeprefix("lm."): parallel.whole(p.grad).clone() for name, p in named.items()})
        return clip(model, norm)

    monkeypatch.setattr(optimizer, "clip", record_then_clip)
    assert train(options)
    before, wanted, told = _by_hand(base, records.read(options.preferences, "preferences").to_pylist(), options)

    trained = load_file(options.export / "model.safetensors")
    trained["head.weight"] = trained.pop("score.weight")
    if not tied:
        trained |= load_file(options.export / "lm_head" / "lm_head.safetensors")
    for name, value in trained.items():
        torch.testing.assert_close(value, wanted[name], rtol=0, atol=1e-5, msg=lambda text, n=name: f"{n}: {text}")
        # Not only near: what was learned is the same.
        moved = (wanted[name] - before[name]).norm()
        assert (value - wanted[name]).norm() <= 2e-3 * moved, name
    metrics = records.read(options.metrics, "metrics").to_pylist()
    for step, (loss, norm, rate, expected) in enumerate(told):
        row = {one["metric"]: one["value"] for one in metrics if one["step"] == step + 1}
        assert row["loss"] == pytest.approx(loss, rel=1e-5)
        assert row["grad_norm"] == pytest.approx(norm, rel=1e-4)
        assert row["lr"] == pytest.approx(rate, rel=1e-12)
        assert gradients[step].keys() == expected.keys()
        for name, gradient in expected.items():
            largest = max(gradient.abs().max().item(), 1.0)
            torch.testing.assert_close(
                gradients[step][name], gradient, rtol=0, atol=1e-5 * largest, msg=lambda text, n=name: f"{n}: {text}"
            )
    # The clip is tried, and its absence.
    assert all((norm > options.clip) is (case != "unclipped") for _, norm, _, _ in told)


def _without_zeros(base):
    """The same with something in the embedding of the padding token, which ends every turn; norms of zeros explode."""
    from transformers import AutoModelForCausalLM

    lm = AutoModelForCausalLM.from_pretrained(base)
    torch.nn.init.normal_(lm.get_input_embeddings().weight, std=0.2)
    lm.save_pretrained(base)
    return base


def _by_hand(base, rows, options):
    """Weights before and after by name; of every step the loss, the gradient's norm, the rate and the gradient."""
    from transformers import AutoModelForCausalLM

    lm, chat = AutoModelForCausalLM.from_pretrained(base), Chat.load(base)
    lm.get_input_embeddings().padding_idx = None  # it is trained like any other
    named = {**dict(lm.named_parameters()), "head.weight": torch.zeros(1, 32, requires_grad=True)}
    before = {name: value.detach().clone() for name, value in named.items()}
    moments = {name: (torch.zeros_like(value), torch.zeros_like(value)) for name, value in named.items()}
    told = []
    for step in range(STEPS):
        loss = _loss(lm, named["head.weight"], chat, rows, options)
        found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
        gradients = {name: g for name, g in zip(named, found, strict=True) if g is not None}
        norm = math.sqrt(sum((g.double() ** 2).sum().item() for g in gradients.values()))
        if step < 2:  # 40% of five steps rise
            rate = options.learning_rate * (step + 1) / 2
        else:
            final = options.final_learning_rate
            rate = final + (options.learning_rate - final) * (1 + math.cos(math.pi * (step - 1) / 3)) / 2
        with torch.no_grad():
            for name, gradient in gradients.items():
                gradient = gradient * min(1.0, options.clip / norm)
                first, second = moments[name]
                first.mul_(0.9).add_(0.1 * gradient)
                second.mul_(0.95).add_(0.05 * gradient**2)
                mean, square = first / (1 - 0.9 ** (step + 1)), second / (1 - 0.95 ** (step + 1))
                head = name == "head.weight"
                own = rate * options.head_learning_rate / options.learning_rate if head else rate
                decay = options.weight_decay if gradient.ndim == 2 and not head else 0.0
                named[name] -= own * (decay * named[name] + mean / (square.sqrt() + 1e-8))
        told.append((loss.item(), norm, rate, gradients))
    return before, {name: value.detach() for name, value in named.items()}, told


def _loss(lm, head, chat, rows, options):
    """Mean over the pairs, and over all tokens of chosen responses."""
    rewards, language, tokens = [], torch.zeros(()), 0
    for side in ("chosen", "rejected"):
        ids = [chat.conversation(row["system"], row["input"], row[side]) for row in rows]
        width = max(map(len, ids))
        padded = torch.tensor([one + [0] * (width - len(one)) for one in ids])
        mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in ids])
        out = lm(input_ids=padded, attention_mask=mask, output_hidden_states=True)
        rewards.append(torch.stack([out.hidden_states[-1][i, len(one) - 1] @ head[0] for i, one in enumerate(ids)]))
        if side == "chosen" and options.lm_weight:
            for row, one, logits in zip(rows, ids, out.logits, strict=True):
                start = len(chat.prompt(row["system"], row["input"]))
                language = language + cross_entropy(
                    logits[start - 1 : len(one) - 1], torch.tensor(one[start:]), reduction="sum"
                )
                tokens += len(one) - start
    chosen, rejected = rewards
    lead = chosen - rejected - options.margin
    smoothing = options.label_smoothing
    loss = (-(1 - smoothing) * logsigmoid(lead) - smoothing * logsigmoid(-lead)).mean()
    if options.lm_weight:
        loss = loss + options.lm_weight * language / tokens
    if options.magnitude == "centering":
        return loss + options.magnitude_weight * ((chosen + rejected) ** 2).mean()
    return loss + options.magnitude_weight * ((chosen.abs() + rejected.abs()) ** 2).mean()
