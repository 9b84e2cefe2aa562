"""Faulty programs: one a row whatever the shards, of the row's own program, and missing with a reason."""

import pyarrow as pa
import pytest

from themis import records
from themis.errors import Problem
from themis.generation.protocol import Completion
from themis.llm import bugs
from themis.llm.model import Sampling
from themis.records import SCHEMAS
from themis.syntax.mutate import mutants

SOUND = "def total(values, start):\n    for value in values:\n        start += value * {n}\n    return start\n"


def programs(count: int = 12) -> pa.Table:
    return pa.table(
        {
            "id": [f"{n:032x}" for n in range(count)] + ["empty", "text", "rust"],
            "code": [SOUND.format(n=n + 2) for n in range(count)] + ["", "Good day.", "fn f() -> i32 { 1 + 1 }"],
            "language": ["Python"] * (count + 1) + ["NL", "Rust"],
            "instruction": pa.array([None] * (count + 3), pa.string()),
        }
    )


def test_a_mutant_is_one_of_the_rows_own_program():
    table = pa.concat_tables(bugs.mutated([programs()], seed=5))
    for row, code in zip(table.to_pylist()[:12], programs()["code"].to_pylist(), strict=False):
        assert row["code"] in {mutant.text for mutant in mutants(code, "Python") if mutant.operator == row["operator"]}
        assert row["missing_reason"] is None
    assert [row["missing_reason"] for row in table.to_pylist()[12:]] == [
        bugs.NO_MUTANT, bugs.NO_GRAMMAR, bugs.NO_GRAMMAR
    ]  # fmt: skip
    assert all(row["code"] is None for row in table.to_pylist()[12:])


def test_shards_and_parts_do_not_show():
    whole = pa.concat_tables(bugs.mutated([programs()], seed=5)).sort_by("id")
    table = programs()
    parts = [table.slice(start, 4) for start in range(0, table.num_rows, 4)]
    split = [part for shard in range(3) for part in bugs.mutated(parts, seed=5, shard=shard, shards=3)]
    assert pa.concat_tables(split).sort_by("id").equals(whole)
    assert not pa.concat_tables(bugs.mutated([programs()], seed=6)).sort_by("id").equals(whole)
    with pytest.raises(Problem, match="shard 3"):
        list(bugs.mutated([programs()], seed=5, shard=3, shards=3))


def test_a_collection_gives_its_chosen_responses_and_prompts(tmp_path):
    rows = [
        {"idx": "a", "input": "Add.", "chosen": "x = a + b\n", "rejected": "x", "language": "Python",
         "aspect": "functional_correctness", "source": "made", "repositories": None},
        {"idx": "b", "input": None, "chosen": "y = a\n", "rejected": "y", "language": "Python",
         "aspect": "functional_correctness", "source": "made", "repositories": None},
    ]  # fmt: skip
    records.write(pa.Table.from_pylist(rows, schema=SCHEMAS["collection"]), tmp_path / "c.parquet", "collection")
    (part,) = bugs.programs(tmp_path / "c.parquet")
    assert part.to_pylist() == [
        {"id": "a", "code": "x = a + b\n", "language": "Python", "instruction": "Add."},
        {"id": "b", "code": "y = a\n", "language": "Python", "instruction": None},
    ]


class _Scripted:
    """Writes, for each request, what the test says for its key."""

    fingerprint = "scripted"

    def __init__(self, faulty):
        self.faulty = faulty

    def generate(self, requests):
        for request in requests:
            marks = request.user.rstrip().splitlines()[-1]
            name, nonce = marks[1:].split("]")[0].split()
            reply = f"[{name} {nonce}]\n{self.faulty[request.key]}\n[/{name} {nonce}]"
            yield Completion(request.key, text=reply, finish_reason="stop")


def test_a_model_that_gives_the_program_back_has_put_no_fault_in():
    table = programs(2).slice(0, 2)
    sound = table["code"].to_pylist()
    generator = _Scripted({f"{0:032x}": sound[0], f"{1:032x}": sound[1].replace("+=", "-=")})
    rows = pa.concat_tables(
        bugs.introduced([table], generator, "scripted", sampling=Sampling(max_new_tokens=64))
    ).to_pylist()
    assert [(row["code"], row["missing_reason"]) for row in rows] == [
        (None, "unchanged"), (sound[1].replace("+=", "-="), None)
    ]  # fmt: skip
    assert all(row["text"] and row["finish_reason"] == "stop" and row["operator"] is None for row in rows)
