"""Schedule, order and dealing: the pure parts of a step."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis.train import plan
from themis.train.schedule import learning_rate


def test_the_rate_rises_to_the_peak_and_ends_at_the_final_rate():
    rates = [learning_rate(s, 100, warmup=0.05, peak=2e-5, final=1e-5) for s in range(100)]
    assert rates[:5] == pytest.approx([0.4e-5, 0.8e-5, 1.2e-5, 1.6e-5, 2e-5])
    assert rates[-1] == pytest.approx(1e-5)
    assert all(left > right for left, right in pairwise(rates[4:]))
    assert rates[4 + 95 // 5] == pytest.approx(1e-5 + 1e-5 * (1 + 0.8090170) / 2)  # cos(pi / 5)
    assert [learning_rate(0, 1, warmup=w, peak=3.0, final=1.0) for w in (0.0, 0.5, 1.0)] == [3.0, 3.0, 3.0]


@given(
    lengths=st.lists(st.integers(1, 90), min_size=1, max_size=40),
    processes=st.integers(1, 5),
    budget=st.integers(16, 400),
)
def test_every_pair_is_dealt_once_and_every_process_has_as_many_rounds(lengths, processes, budget):
    pairs = list(range(3, 3 + len(lengths)))
    dealt = plan.deal(pairs, [0, 0, 0, *lengths], processes, budget)
    assert len(dealt) == processes and len({len(rounds) for rounds in dealt}) == 1
    worked = [micro for rounds in dealt for micro in rounds if micro.weight == 1]
    assert sorted(pair for micro in worked for pair in micro.pairs) == pairs
    for micro in worked:
        assert len(micro.pairs) == 1 or sum(lengths[p - 3] for p in micro.pairs) <= budget
    idle = [micro for rounds in dealt for micro in rounds if micro.weight != 1]
    assert all(micro.weight == 0 and micro.pairs for micro in idle)


@given(st.permutations([f"row{i}" for i in range(11)]))
def test_the_order_of_an_epoch_hangs_on_row_ids_only(rows):
    def shown(rows, epoch):
        return [[rows[i] for i in step] for step in plan.epoch_steps(rows, 4, epoch, seed=1)]

    assert shown(rows, 0) == shown(sorted(rows), 0) != shown(rows, 1)
    assert [len(step) for step in shown(rows, 0)] == [4, 4, 3]
    assert len(shown(rows, 0)) == plan.steps_per_epoch(11, 4)
