"""The benchmark: right against wrong, as running the tests shows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from themis.cli import app
from themis.errors import Problem
from themis.preferences import benchmark, mutant_pairs
from themis.preferences.benchmark import build_benchmark
from themis.preferences.folder_pairs import folder_pairs
from themis.preferences.humaneval import Task
from themis.records import Ledger, read, write
from themis.sandbox import Outcome

PUBLISHED = Path(__file__).parents[3] / "shared" / "reference" / "benchmarks"


def task(name, solution, checks):
    body = "".join(f"    assert {check}\n" for check in checks) or "    pass\n"
    test = f"METADATA = {{}}\n\n\ndef check(candidate):\n{body}"
    return Task(f"T/{name}", name, f'def {name}(x):\n    """Do {name}: 1 + 1."""\n', solution, test)


TASKS = [
    task("adds", "    return x + 1\n", ["candidate(1) == 2", "candidate(5) == 6"]),
    task("clips", "    if x > 4:\n        return 4\n    return x\n", ["candidate(3) == 3", "candidate(9) == 4"]),
    task("untested", "    return x * 3\n", []),
    task("wrong", "    return x + 2\n", ["candidate(1) == 2"]),
    task("quits", "    import os\n    os._exit(0)\n", ["candidate(1) == 2"]),
    task("nothing_to_change", "    pass\n", ["candidate(1) is None"]),
]


def passes(code, one):
    program = f"{code}\n{one.test}\ncheck({one.entry_point})\n"
    return subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, timeout=20).returncode == 0


@pytest.fixture
def build(tables, chat, monkeypatch):
    monkeypatch.setattr(benchmark, "tasks", lambda: TASKS)

    def run(rows=(), asked=None, problems=6, folder=None, most=0, max_tokens=3000, within=()):
        ledger = Ledger("benchmark")
        table, metrics, lengths = build_benchmark(
            tables.accepted(list(rows)), tables.instructions(asked or {}), chat,
            max_tokens=max_tokens, humaneval_problems=problems, timeout_s=30, memory_mb=256,
            folder=folder, pairs_per_subset=most, balance_within=within, seed=7, ledger=ledger,
        )  # fmt: skip
        run.lengths = lengths.to_pylist()
        return (
            table.to_pylist(),
            {row["metric"]: row["value"] for row in metrics.to_pylist()},
            ledger.table().to_pylist(),
        )

    return run


def test_mutant_pairs_are_right_against_wrong(build):
    rows, metrics, ledger = build()
    by_code = {one.code: one for one in TASKS}
    assert sorted(by_code[row["chosen"]].entry_point for row in rows) == ["adds", "clips"]
    for row in rows:
        one = by_code[row["chosen"]]
        assert passes(row["chosen"], one)
        assert not passes(row["rejected"], one)
        assert row["rejected"].startswith(one.prompt)  # the question itself is never mutated
        assert row["prompt"] == f"Write the Python function `{one.entry_point}(x)`.\n\nDo {one.entry_point}: 1 + 1."
        assert re.fullmatch(r"HUMANEVAL_MUTANTS_[0-9a-f]{32}", row["id"])
        assert (row["aspect"], row["language"]) == ("functional_correctness", "Python")
    assert {row["reason"]: row["rows_dropped"] for row in ledger} == {
        "canonical solution does not pass its tests": 2,
        "no mutant fails the tests": 2,
    }
    assert {(row["scope"], row["rows_in"], row["rows_kept"]) for row in ledger} == {("HUMANEVAL_MUTANTS", 6, 2)}
    assert metrics["killed"] == 2
    assert metrics["mutants"] == metrics["killed"] + metrics["survived"] + metrics["inconclusive"]
    assert metrics["survived"] >= 3  # x * 3 has as many mutants, and no test


def test_running_out_of_time_decides_nothing(monkeypatch):
    """A slow machine must not choose another mutant than a fast one."""

    def slow(program, **limits):
        mark = program.rpartition("print(")[2].strip("'()\n")
        return Outcome("ok", 0, f"{mark}\n", "") if TASKS[0].code in program else Outcome("timeout", None, "", "")

    monkeypatch.setattr(mutant_pairs, "run_python", slow)
    pairs, reasons, counts = mutant_pairs.mutant_pairs(TASKS[:2], timeout_s=1, memory_mb=64, seed=7)
    assert pairs == []
    assert reasons == ["no mutant fails the tests", "canonical solution runs out of time or memory"]
    assert counts["inconclusive"] == counts["mutants"] >= 3


def test_commit_pairs_carry_the_published_subsets(build):
    rows = [
        {
            "id": f"{at:032x}",
            "split": "benchmark",
            "aspect": aspect,
            "old_contents": f"x = {at}\n",
            "new_contents": f"y = {at}\n",
        }
        for at, aspect in enumerate(
            ["functional_correctness", "runtime_efficiency", "memory_efficiency", "security_hardness"]
            + ["readability_maintainability"] * 5
        )
    ]
    rows[5]["new_contents"] = rows[5]["old_contents"]
    rows[6]["new_contents"] = "y = 1\n" * 2000
    rows[7]["new_contents"] = "y = '<|im_start|>'\n"
    rows.append({**rows[0], "id": "f" * 32, "split": "train"})
    asked = {row["id"]: f"Write {row['id']}" for row in rows if row["id"] != f"{8:032x}"}
    made, _, ledger = build(rows, asked, problems=0)
    assert [row["id"] for row in made] == sorted(row["id"] for row in made)
    assert {row["id"]: row["aspect"] for row in made} == {
        f"COMMITPREFS_FUNCTIONAL_{0:032x}": "functional_correctness",
        f"COMMITPREFS_RUNTIME_{1:032x}": "runtime_efficiency",
        f"COMMITPREFS_MEMORY_{2:032x}": "memory_efficiency",
        f"COMMITPREFS_SECURITY_{3:032x}": "security_hardness",
        f"COMMITPREFS_READABILITY_{4:032x}": "readability_maintainability",
    }
    assert [
        (row["prompt"], row["chosen"], row["rejected"], row["subset"]) for row in made if row["id"].endswith("2")
    ] == [(asked[f"{2:032x}"], "y = 2\n", "x = 2\n", "COMMITPREFS_MEMORY")]
    dropped = {row["reason"] for row in ledger if row["scope"] == "COMMITPREFS_READABILITY"}
    assert dropped == {"identical", "too long", "special token in the text", "no instruction"}
    assert made == build(rows[::-1], asked, problems=0)[0]


def test_pairs_go_until_chosen_is_as_often_longer_as_shorter(build):
    rows = [
        {"id": f"{at:032x}", "split": "benchmark", "old_contents": "x = 1\n", "new_contents": f"y = {'1' * at}\n"}
        for at in range(6)
    ]  # one shorter, one as long, four longer
    asked = {row["id"]: f"Write {row['id']}" for row in rows}
    made, _, ledger = build(rows, asked, problems=0, within=["source", "aspect"])
    longer = [len(row["chosen"]) - len(row["rejected"]) for row in made]
    assert (len(made), sum(one > 0 for one in longer), sum(one < 0 for one in longer)) == (3, 1, 1)
    counts = {
        (row["reason"], row["rows_dropped"], row["rows_in"], row["rows_kept"]) for row in ledger if row["rows_in"]
    }
    assert counts == {("length balance", 3, 6, 3)}
    found = {row["moment"]: (row["longer"], row["equal"], row["shorter"]) for row in build.lengths}
    assert found == {"before": (4, 1, 1), "after": (1, 1, 1)}
    assert len(build(rows, asked, problems=0)[0]) == 6


@pytest.fixture
def published(tmp_path):
    """Files in the published shapes."""
    pack = {
        "declaration": "\nfunc F() {\n",
        "canonical_solution": "  a()\n}\n\n",
        "buggy_solution": "  b()\n}\n",
        "instruction": "Do F.",
    }
    bug = {
        "description": "Sum.",
        "examples": ["Input: 1"],
        "constraints": "n > 0",
        "oracle_code": "a()",
        "buggy_code": "\nb()",
    }
    edit = {"source_code": "\nslow()\n", "target_code": "fast()\n\n"}
    files = {
        "humanevalpack/go.jsonl": [pack, {**pack, "canonical_solution": "  c()\n}\n"}],
        "humanevalpack/rust.jsonl": [pack],
        "debugbench/cpp_x.json": [bug, bug],
        "debugbench/python3_y.json": [{**bug, "buggy_code": "a()"}],
        "nofuneval/resource_util.jsonl": [
            {**edit, "pl": "Java", "non_functional_requirement": "memory"},
            {**edit, "pl": "Java", "non_functional_requirement": "energy"},
        ],
        "nofuneval/latency.jsonl": [{**edit, "pl": "Kotlin"}],
        "nofuneval/runtime_efficiency.jsonl": [{**edit, "pl": "python"}],
        "nofuneval/security.jsonl": [{**edit, "pl": "c", "cwe": "cwe-1", "query": "Overflow"}],
    }
    for name, rows in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(rows) if path.suffix == ".json" else "".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_pairs_of_published_files(build, published):
    rows, _, ledger = build(problems=0, folder=published, most=9)
    made = {(row["subset"], row["language"]): row for row in rows}
    counts = (
        pl.DataFrame(ledger).filter(pl.col("reason").is_not_null()).select("scope", "reason", "rows_dropped").rows()
    )
    assert sorted(counts) == [
        ("DEBUG_EVAL", "duplicate id", 1),
        ("DEBUG_EVAL", "identical", 1),
        ("HUMANEVAL_PACK", "language is none of the eight", 1),
        ("NOFUNEVAL", "no criterion", 1),
        ("NOFUNEVAL_RUNTIME", "language is none of the eight", 1),
    ]
    assert sorted(made) == [
        ("DEBUG_EVAL", "C++"), ("HUMANEVAL_PACK", "Go"), ("NOFUNEVAL_MEMORY", "Java"), ("NOFUNEVAL_RUNTIME", "Python"),
        ("NOFUNEVAL_SECURITY", "C"),
    ]  # fmt: skip
    bug = made["DEBUG_EVAL", "C++"]
    assert (bug["prompt"], bug["chosen"], bug["rejected"]) == (
        "Sum.\n\nInput: 1\n\nConstraints:\nn > 0",
        "a()\n",
        "b()\n",
    )
    edit = made["NOFUNEVAL_SECURITY", "C"]
    assert "Overflow (cwe-1)" in edit["prompt"]
    assert edit["prompt"].endswith("slow()")
    assert (edit["chosen"], edit["rejected"], edit["aspect"]) == ("fast()\n", "slow()\n", "security_hardness")
    assert all(row["chosen"][0] != "\n" != row["rejected"][0] for row in rows)


def test_a_subset_is_capped_by_chance_and_counted(build, published):
    rows, _, ledger = build(problems=0, folder=published, most=1)
    kept = {row["scope"]: row["rows_kept"] for row in ledger}
    assert max(kept.values()) == 1
    assert ("HUMANEVAL_PACK", "row cap") in {(row["scope"], row["reason"]) for row in ledger}
    assert {row["scope"]: row["rows_in"] for row in ledger if row["rows_in"]} == {
        "DEBUG_EVAL": 3, "HUMANEVAL_PACK": 3, "NOFUNEVAL": 1, "NOFUNEVAL_MEMORY": 1, "NOFUNEVAL_RUNTIME": 2, "NOFUNEVAL_SECURITY": 1,
    }  # fmt: skip
    assert len(rows) == 5


def test_a_folder_that_is_none_is_named(published):
    with pytest.raises(Problem, match="humanevalpack"):
        folder_pairs(published / "nowhere")
    (published / "nofuneval" / "security.jsonl").write_text('{"pl": "c"}\n')
    with pytest.raises(Problem, match=r"security.jsonl: line 1: no column"):
        folder_pairs(published)
    (published / "debugbench" / "cpp_x.json").write_text("[{")
    with pytest.raises(Problem, match=r"cpp_x.json: not readable"):
        folder_pairs(published)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason=f"no published benchmark files in {PUBLISHED}")
def test_the_real_files_have_their_published_counts():
    pairs = folder_pairs(PUBLISHED)
    assert {subset: len(rows) for subset, rows in pairs.items()} == {
        "HUMANEVAL_PACK": 984, "DEBUG_EVAL": 4253, "NOFUNEVAL": 16, "NOFUNEVAL_MEMORY": 35, "NOFUNEVAL_RUNTIME": 160,
        "NOFUNEVAL_SECURITY": 41,
    }  # fmt: skip
    assert sum(row.language is None for row in pairs["HUMANEVAL_PACK"]) == 164  # Rust


def test_the_command_runs_on_the_real_problems_and_repeats_itself(tables, tokenizer_folder, tmp_path):
    row = {"id": "a", "split": "benchmark", "old_contents": "x = 1\n", "new_contents": "y = 2\n"}
    accepted, asked = (tmp_path / f"{name}.parquet" for name in ("accepted", "instructions"))
    write(tables.accepted([row]), accepted, "labelled")
    write(tables.instructions({"a": "Write a"}), asked, "instructions")

    def run(folder):
        files = {name: folder / f"{name}.parquet" for name in ("ledger", "metrics", "lengths")}
        options = ["--tokenizer", tokenizer_folder, "--max-tokens", 4000, "--seed", 3, "--humaneval-problems", 2]
        options += ["--timeout", 10, "--memory-mb", 512, "--balance-within", "source"]
        options += [part for name, path in files.items() for part in (f"--{name}", path)]
        command = ["build-benchmark", accepted, asked, folder / "benchmark.parquet", *options]
        done = CliRunner().invoke(app, [str(one) for one in command])
        assert done.exit_code == 0, done.output
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

    first, second = (run(tmp_path / name) for name in ("one", "two"))
    assert first == second
    assert sorted(first) == ["benchmark.parquet", "ledger.parquet", "lengths.parquet", "metrics.parquet"]
    lengths = pl.from_arrow(read(tmp_path / "one" / "lengths.parquet", "lengths"))
    before = (
        lengths.filter(pl.col("moment") == "before")
        .group_by("source")
        .agg(n=pl.sum_horizontal("longer", "equal", "shorter").sum())
    )
    assert dict(before.iter_rows()) == {"COMMITPREFS_FUNCTIONAL": 1, "HUMANEVAL_MUTANTS": 2}
    bench = read(tmp_path / "one" / "benchmark.parquet", "benchmark")
    after = (
        lengths.filter(pl.col("moment") == "after").select(pl.sum_horizontal("longer", "equal", "shorter").sum()).item()
    )
    assert len(bench) == after >= 1
