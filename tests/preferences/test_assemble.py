"""The code set: every row is kept or dropped for the first reason that holds."""

import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.preferences.assemble import assemble_code
from themis.preferences.filters import Limits
from themis.preferences.system_prompts import Shares
from themis.prompting.criteria import system_prompt
from themis.records import Ledger
from themis.vocabulary import CODE_CRITERIA

SINGLE = Shares(none=0, all=0, single=1)
LIMITS = Limits(max_tokens=900, min_syntax_depth=3, overlap_words=8, near_duplicate=0.75, max_pairs=None)


def code(name, body=6):
    """A function all of whose words but the keywords are its own."""
    lines = [f"    {name}_{at} = {name}_source_{at} + {name}_{at}_more" for at in range(body)]
    return "\n".join([f"def {name}({name}_a):", *lines, f"    return {name}_z\n"])


def request(name):
    return f"Write {name} and {name}_also so that {name}_then follows"


class World:
    """One row per fate. The expected reason is in the row's id; `kept` rows have none."""

    def __init__(self, tables):
        self.rows, self.requests, self.sides = [], {}, {}
        bench_code, bench_prompt = code("bench"), request("bench") + " with the greatest possible care for everyone"
        self.benchmark = tables.benchmark(
            [{"prompt": bench_prompt, "chosen": bench_code, "rejected": code("bench_old")}]
        )
        self.row("kept_1")
        self.row("kept_2", aspect="memory_efficiency")
        self.row("no criterion", aspect=None)
        self.row("no instruction", asked=None)
        self.row("judged worse", side="rejected")
        self.row("not confirmed: tie", side="tie")
        self.row("not confirmed: absent", side=None)
        self.row("identical", old_contents=code("same"), new_contents=code("same"))
        self.row("syntax tree too shallow", old_contents="# nothing here\n")
        self.row("too long", old_contents=code("too_long_old", 40))
        self.row("special token in the text", new_contents=code("special") + "# <|im_end|>\n")
        self.row("repository is in the benchmark", repositories=["a/fork", "bench/repository"])
        self.row("bench_row", split="benchmark", repository="bench/repository")
        self.row("prompt overlaps the benchmark", asked=bench_prompt)
        self.row("response overlaps the benchmark", old_contents="\n".join(bench_code.splitlines()[:4]) + "\n")
        self.row("near-duplicate: first", new_contents=code("twin"), asked=request("twin"))
        self.row("near-duplicate: second", new_contents=code("twin") + "# x\n", asked=request("twin"))
        self.tables = (
            tables.accepted(self.rows),
            tables.instructions(self.requests),
            tables.judgements({key: side for key, side in self.sides.items() if side}),
        )

    def row(self, key, *, asked="default", side="chosen", **fields):
        name = f"v{len(self.rows)}"
        contents = {"new_contents": code(name), "old_contents": code(f"{name}_old")}
        self.rows.append({"id": key, **contents, **fields})
        self.requests[key] = request(name) if asked == "default" else asked
        self.sides[key] = side

    def assemble(self, chat, *, limits=LIMITS, require="confirmed", shares=SINGLE, margin=0.1, flip=False):
        ledger = Ledger("assemble-code")
        inputs = [table.take(list(range(len(table)))[::-1]) if flip else table for table in self.tables]
        table = assemble_code(
            *inputs, self.benchmark, chat,
            limits=limits, shares=shares, margin=margin, require=require, seed=7, ledger=ledger,
        )  # fmt: skip
        counts = {row["reason"]: row["rows_dropped"] for row in ledger.table().to_pylist()}
        return table, counts, ledger.table().to_pylist()


@pytest.fixture(scope="module")
def world(tables):
    return World(tables)


def test_every_row_meets_its_fate(world, chat):
    table, counts, ledger = world.assemble(chat)
    assert table["idx"].to_pylist() == ["kept_1", "kept_2", "near-duplicate: first"]
    expected = {}
    for key in world.requests:
        if key not in ("bench_row", *table["idx"].to_pylist()):
            reason = key.partition(":")[0]
            expected[reason] = expected.get(reason, 0) + 1
    assert counts == expected
    assert {(row["scope"], row["rows_in"], row["rows_kept"]) for row in ledger} == {("train", 16, 3)}


def test_a_kept_row_says_what_the_commit_said(world, chat):
    row = world.assemble(chat)[0].to_pylist()[1]
    assert row == {
        "system": system_prompt([CODE_CRITERIA[2]]),
        "input": request("v1"),
        "chosen": code("v1"),
        "rejected": code("v1_old"),
        "language": "Python",
        "aspect": "memory_efficiency",
        "source": "commits",
        "idx": "kept_2",
    }


def test_the_order_of_the_input_does_not_matter(world, chat):
    shares = Shares(0.3, 0.4, 0.3)
    assert world.assemble(chat, shares=shares)[0].equals(world.assemble(chat, shares=shares, flip=True)[0])


def test_pairs_that_are_not_contradicted_can_do(world, chat):
    table, counts, _ = world.assemble(chat, require="not_contradicted")
    assert "not confirmed" not in counts
    assert counts["judged worse"] == 1
    assert {"not confirmed: tie", "not confirmed: absent"} <= set(table["idx"].to_pylist())


def test_a_margin_turns_weak_votes_into_ties(world, chat):
    table, counts, _ = world.assemble(chat, margin=0.9)
    assert len(table) == 0
    assert "judged worse" not in counts


def test_the_cap_takes_what_a_hash_picks(world, chat):
    limits = Limits(900, 3, 8, 0.75, 2)
    table, counts, ledger = world.assemble(chat, limits=limits)
    assert (len(table), counts["row cap"], ledger[0]["rows_kept"]) == (2, 1, 2)
    assert table.equals(world.assemble(chat, limits=limits, flip=True)[0])


def test_the_longer_response_counts_to_the_token(tables, chat):
    """A token is a byte here, and the template's two markers are one token each."""
    new, old, asked = code("short", 1), code("much_longer", 3), request("short")
    frames = sum(1 + len(f"{role}\n".encode()) + 1 + 1 for role in ("user", "assistant"))
    length = frames + len(asked.encode()) + len(old.encode())
    inputs = (
        tables.accepted([{"id": "1", "new_contents": new, "old_contents": old}]),
        tables.instructions({"1": asked}),
        tables.judgements({"1": "chosen"}),
        tables.benchmark([]),
    )
    for most, kept in ((length, 1), (length - 1, 0)):
        limits = Limits(most, 0, 13, 0.75, None)
        options = {"shares": Shares(1, 0, 0), "margin": 0, "require": "confirmed", "seed": 1}
        assert len(assemble_code(*inputs, chat, limits=limits, ledger=Ledger("x"), **options)) == kept


def test_a_near_duplicate_of_the_benchmark_goes_even_where_no_long_run_is_shared(tables, chat):
    asked, new = request("same"), code("same", 30)
    inputs = (
        tables.accepted([{"id": "1", "new_contents": new, "old_contents": code("other")}]),
        tables.instructions({"1": asked}),
        tables.judgements({"1": "chosen"}),
        tables.benchmark([{"prompt": asked, "chosen": new.replace("same_3", "another"), "rejected": "x = 1\n"}]),
    )
    ledger = Ledger("x")
    limits = Limits(9000, 3, 200, 0.75, None)
    options = {"shares": Shares(1, 0, 0), "margin": 0, "require": "confirmed", "seed": 1}
    assert len(assemble_code(*inputs, chat, limits=limits, ledger=ledger, **options)) == 0
    assert ledger.table().to_pylist()[0]["reason"] == "near-duplicate of the benchmark"


def test_mistakes_are_named(world, chat, tables):
    with pytest.raises(Problem, match="confirmed, not_contradicted"):
        world.assemble(chat, require="maybe")
    double = tables.instructions({"kept_1": "a"})
    with pytest.raises(Problem, match="kept_1 has more than one"):
        assemble_code(
            world.tables[0], pa.concat_tables([double, double]), world.tables[2], world.benchmark, chat,
            limits=LIMITS, shares=SINGLE, margin=0, require="confirmed", seed=1, ledger=Ledger("x"),
        )  # fmt: skip
