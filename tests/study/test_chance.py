"""Randomness depends on the seed, the purpose and the row, and on nothing else."""

import itertools
import os
import subprocess
import sys

from themis import chance


def test_numbers_are_uniform_and_independent_of_each_other():
    numbers = [chance.uniform(1, "test", str(i)) for i in range(20_000)]
    assert all(0 <= number < 1 for number in numbers)
    for low in range(10):
        share = sum(low / 10 <= number < (low + 1) / 10 for number in numbers) / len(numbers)
        assert abs(share - 0.1) < 0.01  # five standard deviations
    follow = sum(a < b for a, b in itertools.pairwise(numbers)) / len(numbers)
    assert abs(follow - 0.5) < 0.02


def test_seed_purpose_and_row_all_count():
    base = chance.digest(1, "a", "b")
    assert len({base, chance.digest(2, "a", "b"), chance.digest(1, "ab", ""), chance.digest(1, "a", "c")}) == 4


def test_the_order_does_not_depend_on_the_order_before():
    rows = [f"row{i}" for i in range(50)]
    shuffled = [rows[i] for i in chance.order(3, "x", rows)]
    backwards = rows[::-1]
    assert [backwards[i] for i in chance.order(3, "x", backwards)] == shuffled
    assert shuffled != rows


def test_another_process_draws_the_same():
    code = "from themis import chance; print(chance.digest(9, 'p', 'é'))"
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert int(said.stdout) == chance.digest(9, "p", "é")
