"""A packed pair gives every token the hidden state it would have alone, and the same gradient."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2Model,
    GemmaConfig,
    GemmaModel,
    LlamaConfig,
    LlamaModel,
    Qwen3Config,
    Qwen3Model,
)

from themis.errors import Problem
from themis.prompting import attention
from themis.prompting.packing import collate, pack_ids, unshare

TINY = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
PAIRS = [
    ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 9], 3),
    ([1, 2, 3, 8], [1, 2, 3, 8, 8, 8, 8, 8, 8, 8], 3),  # one begins like the other
    ([5, 6, 7, 7, 7], [5, 6, 7, 7, 7], 2),  # twins
    ([1, 1], [1, 2], 1),
]
MODELS = [(LlamaConfig, LlamaModel), (Qwen3Config, Qwen3Model), (GemmaConfig, GemmaModel), (Gemma2Config, Gemma2Model)]


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_packed_equals_each_conversation_alone(model, share):
    attention.register()
    torch.manual_seed(0)
    softcap = {"attn_logit_softcapping": 0.5} if model[0] is Gemma2Config else {}  # low enough to be felt
    backbone = model[1](model[0](**TINY, **softcap, attn_implementation="eager")).eval()
    for parameter in backbone.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    wanted = [backbone(input_ids=torch.tensor([ids])).last_hidden_state[0] for pair in PAIRS for ids in pair[:2]]
    weights = torch.randn(len(wanted), 32)
    sum((weights[i] * hidden[-1]).sum() for i, hidden in enumerate(wanted)).backward()
    gradients = [parameter.grad for parameter in backbone.parameters()]
    backbone.zero_grad()

    backbone.set_attn_implementation(attention.NAME)
    pairs = [pack_ids(*pair) for pair in PAIRS]
    batch = collate(pairs if share else [unshare(pair) for pair in pairs])
    packed = backbone(
        input_ids=batch.input_ids, position_ids=batch.position_ids, segments=batch.segments
    ).last_hidden_state[0]
    ends = packed[batch.last.flatten()]
    (weights * ends).sum().backward()
    torch.testing.assert_close(ends, torch.stack([hidden[-1] for hidden in wanted]), atol=2e-5, rtol=1e-5)
    start = 0
    for number, pair in enumerate(pairs):
        alone = wanted[2 * number]
        torch.testing.assert_close(packed[start : start + len(alone)], alone, atol=2e-5, rtol=1e-5)
        start += len(pair) + (0 if share else pair.shared)
    for ours, theirs in zip(backbone.parameters(), gradients, strict=True):
        torch.testing.assert_close(ours.grad, theirs, atol=1e-4, rtol=1e-4)


def test_a_model_that_does_not_pass_the_segments_on_is_refused():
    attention.register()
    backbone = LlamaModel(LlamaConfig(**TINY, attn_implementation=attention.NAME))
    with pytest.raises(Problem, match="does not pass it on"):
        backbone(input_ids=torch.tensor([[1, 2]]))
