"""Programs without a prompt get the problem they solve, everything else stays as it is, and each pair is counted."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.llm.model import Sampling
from themis.llm.recover import recover
from themis.records import SCHEMAS

PROGRAM = "def solve(values):\n    return sorted(values)[{n}]\n"


def collection(inputs, languages=None):
    rows = [
        {"idx": f"row {n}", "input": text, "chosen": PROGRAM.format(n=n), "rejected": "def solve(values): pass\n",
         "language": (languages or {}).get(n, "Python"), "aspect": "runtime_efficiency", "source": "s", "repositories": None}
        for n, text in enumerate(inputs)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=SCHEMAS["collection"])


def recovered(table, generator, **shard):
    counts = Counter()
    sampling = Sampling(max_new_tokens=64, temperature=0.7, seed=5)
    tables = recover([table.slice(0, 3), table.slice(3)], generator, sampling=sampling, counts=counts, **shard)
    return pa.concat_tables([SCHEMAS["collection"].empty_table(), *tables]), counts


def test_only_the_missing_prompts_of_programs_are_asked_for_and_nothing_else_changes(scripted, marked):
    table = collection(["Sort it.", None, "  ", None, None], {4: "NL"})
    generator = scripted(lambda r: marked(r, f"State {r.key}."))
    found, counts = recovered(table, generator)
    assert found["input"].to_pylist() == ["Sort it.", "State row 1.", "State row 2.", "State row 3.", None]
    assert found.drop_columns("input").equals(table.drop_columns("input"))
    assert counts == {"pairs": 5, "had_prompt": 1, "recovered": 3}
    assert all(PROGRAM.format(n=int(r.key[-1])) in r.user + "\n" for r in generator.asked)
    assert all("pass" not in r.user for r in generator.asked)  # the rejected program has no say


def test_where_the_model_states_no_problem_the_prompt_stays_missing_and_the_reason_is_counted(scripted, marked):
    answers = {
        "row 0": lambda r: "I do not know.",
        "row 1": lambda _: {"missing_reason": "prompt too long"},
        "row 2": lambda r: marked(r, "Find the third smallest value."),
    }
    found, counts = recovered(collection([None] * 3), scripted(lambda r: answers[r.key](r)))
    assert found["input"].to_pylist() == [None, None, "Find the third smallest value."]
    assert counts["recovered"] == 1
    assert counts["missing: prompt too long"] == 1
    assert sum(rows for reason, rows in counts.items() if reason.startswith("missing")) == 2


def test_shards_together_are_the_whole(scripted, marked):
    table = collection([None, "Sort."] * 10)
    generator = scripted(lambda r: marked(r, f"State {r.seed}."))
    whole, _ = recovered(table, generator)
    assert whole["idx"].to_pylist() == table["idx"].to_pylist()
    parts = [recovered(table, generator, shard=shard, shards=3) for shard in range(3)]
    assert pa.concat_tables([part for part, _ in parts]).sort_by("idx").equals(whole.sort_by("idx"))
    assert sum((counts for _, counts in parts), Counter()) == {"pairs": 20, "had_prompt": 10, "recovered": 10}
    with pytest.raises(Problem, match="shard 3"):
        recovered(table, generator, shard=3, shards=3)
