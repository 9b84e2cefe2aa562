"""A packed pair gives every token the hidden state it would have alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import GemmaConfig, GemmaModel, LlamaConfig, LlamaModel, Qwen3Config, Qwen3Model

from themis.prompting.packing import batches, collate, pack_ids

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


@pytest.mark.parametrize("model", [(LlamaConfig, LlamaModel), (Qwen3Config, Qwen3Model), (GemmaConfig, GemmaModel)])
def test_packed_equals_each_conversation_alone(model):
    torch.manual_seed(0)
    backbone = model[1](model[0](**TINY)).eval()
    batch = collate([pack_ids(*pair) for pair in PAIRS], pad_id=0)
    additive = torch.zeros(batch.attention_mask.shape).masked_fill(
        ~batch.attention_mask, torch.finfo(torch.float32).min
    )
    with torch.no_grad():
        packed = backbone(
            input_ids=batch.input_ids, position_ids=batch.position_ids, attention_mask=additive
        ).last_hidden_state
        for row, (chosen, rejected, _) in enumerate(PAIRS):
            for side, ids in enumerate((chosen, rejected)):
                alone = backbone(input_ids=torch.tensor([ids])).last_hidden_state[0, -1]
                torch.testing.assert_close(packed[row, batch.last[row, side]], alone, atol=1e-5, rtol=1e-5)
            whole = backbone(input_ids=torch.tensor([chosen])).last_hidden_state[0]
            torch.testing.assert_close(packed[row, : len(chosen)], whole, atol=1e-5, rtol=1e-5)


def test_completion_marks_what_predicts_the_chosen_reply():
    chosen, rejected, prompt = PAIRS[0]
    batch = collate([pack_ids(chosen, rejected, prompt)], pad_id=0)
    positions = batch.completion[0].nonzero().flatten().tolist()
    assert [batch.input_ids[0, p + 1].item() for p in positions] == chosen[prompt:]


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=6),
    st.lists(st.integers(1, 3), min_size=1, max_size=8),
    st.lists(st.integers(1, 3), min_size=1, max_size=8),
)
def test_both_conversations_can_be_read_back(prompt, chosen, rejected):
    pair = pack_ids(prompt + chosen, prompt + rejected, len(prompt))
    assert pair.ids[: pair.chosen].tolist() == prompt + chosen
    assert np.concatenate([pair.ids[: pair.shared], pair.ids[pair.chosen :]]).tolist() == prompt + rejected
    assert pair.rejected == len(prompt + rejected)


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(1, 120))
def test_batches_hold_every_row_once_within_the_budget(lengths, budget):
    groups = list(batches(lengths, budget))
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or len(group) * max(lengths[i] for i in group) <= budget
