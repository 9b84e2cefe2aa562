"""Packed pairs: nothing lost, every token sees its own conversation only."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis.prompting.packing import batches, collate, pack_ids, packed_batches, unshare

PAIRS = [
    ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 9], 3),
    ([1, 2, 3, 8], [1, 2, 3, 8, 8, 8, 8, 8, 8, 8], 3),  # one begins like the other
    ([5, 6, 7, 7, 7], [5, 6, 7, 7, 7], 2),  # twins
    ([1, 1], [1, 2], 1),
]


@pytest.mark.parametrize("share", [True, False])
def test_a_query_sees_its_own_conversation_up_to_itself(share):
    """By the segments of the batch, every token sees exactly the tokens before it in one of the two conversations."""
    pairs = [pack_ids(*pair) for pair in PAIRS]
    batch = collate(pairs if share else [unshare(pair) for pair in pairs])
    ids, segments = batch.input_ids[0], batch.segments
    ends = list(zip(segments.query_ends.tolist(), segments.key_ends.tolist(), strict=True))
    for number, ((first, first_key), (end, end_key)) in enumerate(pairwise(ends)):
        conversation = PAIRS[number // 2][number % 2]
        keys = segments.keys[first_key:end_key]
        assert ids[keys].tolist() == list(conversation)
        assert batch.position_ids[0, keys].tolist() == list(range(len(conversation)))
        assert keys[len(keys) - (end - first) :].tolist() == list(range(first, end))
        assert batch.last[number // 2, number % 2] == end - 1 == keys[-1]
    assert len(ids) == sum(len(pair) for pair in pairs) + (0 if share else sum(pair.shared for pair in pairs))
    assert segments.longest == max(len(side) for pair in PAIRS for side in pair[:2])


def test_completion_marks_what_predicts_the_chosen_reply():
    chosen, rejected, prompt = PAIRS[0]
    batch = collate([pack_ids([3, 3], [3, 4], 1), pack_ids(chosen, rejected, prompt)])
    assert batch.input_ids[0, batch.completion + 1].tolist() == [3, *chosen[prompt:]]


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
    for grouped, size in ((batches, lambda group: len(group) * max(group)), (packed_batches, sum)):
        groups = list(grouped(lengths, budget))
        assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
        for group in groups:
            assert len(group) == 1 or size([lengths[i] for i in group]) <= budget
