"""The re-ranking set: verdicts equal running the tests by hand, candidates differ, and a stopped run goes on to the same."""

import ast
from collections import Counter

import pytest

from themis import records
from themis.errors import Problem
from themis.generation.protocol import Completion
from themis.preferences import rerank_set as under_test
from themis.preferences.humaneval import Task, divide, tasks
from themis.preferences.humaneval_tests import Tally, tally
from themis.preferences.rerank_set import Samples, rerank_set
from themis.preferences.tallies import Tallies
from themis.sandbox import run_python

LIMITS = {"timeout_s": 30, "memory_mb": 512}  # the machine may be busy; nothing here runs long
CODE = 'def f(a, b):\n    """Add."""\n    return a + b\n'
TEST = (
    "def check(candidate):\n    assert candidate(1, 2) == 3\n    for i in range(3):\n        assert candidate(i, 0) == i\n"
    "    assert candidate(2, 2) == 4, 'said'\n"
)


def task(test=TEST, code=CODE):
    head, _, body = code.partition("    return")
    return Task("T/1", "f", head, f"    return{body}", test)


def counts(code, test=TEST):
    found = tally(task(test), code, seed=1, **LIMITS)
    return found.passed, found.failed, found.verdict


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (CODE, (3, 0, True)),
        (CODE.replace("a + b", "a * b"), (1, 2, False)),  # 2 * 2; not 1 * 2, and i * 0 is i once in three rounds
        (CODE.replace("a + b", "a if b == 0 else 4"), (2, 1, False)),
        (CODE.replace("return a + b", "raise SystemExit"), (0, 3, False)),
        (CODE.replace("return a + b", "return 1 / 0"), (0, 3, False)),
        (CODE.replace("def f(", "def g("), (0, 3, False)),
        (CODE + "raise ValueError\n", (0, 3, False)),
        (CODE.replace("return a + b", "return (a + b"), (0, 3, False)),
        (CODE + "print('[3, 0, 1]')\nraise SystemExit\n", (0, 3, False)),
    ],
)  # fmt: skip
def test_assertions_are_counted_one_by_one(code, expected):
    assert counts(code) == expected


def test_a_check_that_ends_early_fails_what_it_did_not_come_to():
    test = (
        "def check(candidate):\n    assert candidate(1, 2) == 3\n    x = {3: 1}[candidate(2, 1)]\n    assert x == 1\n"
    )
    assert counts(CODE, test) == (2, 0, True)
    assert counts(CODE.replace("a + b", "3 * a + b - 2 * a if a < 2 else 0"), test) == (1, 1, False)
    falls = "def check(candidate):\n    assert candidate(1, 2) == 3\n    {3: 1}[candidate(2, 2)]\n"
    assert counts(CODE, falls) == (0, 1, False)
    assert counts(CODE, "def check(candidate):\n    candidate(1, 2)\n") == (1, 0, True)
    assert counts("def f(a): pass\n", "def check(candidate):\n    candidate(1, 2)\n") == (0, 1, False)


def test_what_runs_out_of_time_or_memory_has_no_verdict():
    for body in ("while True: pass", "return [0] * 10**10"):
        found = tally(task(), CODE.replace("return a + b", body), timeout_s=2, memory_mb=256, seed=1)
        assert (found.passed, found.failed, found.verdict) == (0, 3, None)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small set of real problems with its ledger and the file of outcomes."""
    folder = tmp_path_factory.mktemp("rerank")
    ledger = records.Ledger("rerank-set")
    table = rerank_set(**SMALL, ledger=ledger, cache=folder / "tallies.jsonl")
    return table, ledger.table().to_pylist(), folder / "tallies.jsonl"


SMALL = {"problems": 2, "candidates": 6, "benchmark_problems": 3, "general_problems": 100, "seed": 4, **LIMITS}


class Only(ast.NodeTransformer):
    """Leaves one assertion of a test, the others do nothing."""

    def __init__(self, kept):
        self.kept, self.seen = kept, 0

    def visit_Assert(self, node):
        self.seen += 1
        return node if self.seen - 1 == self.kept else ast.Pass()


def by_hand(problem, code):
    """How many assertions hold where each is run in a program of its own."""
    held = 0
    for at in range(sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(problem.test)))):
        test = ast.unparse(ast.fix_missing_locations(Only(at).visit(ast.parse(problem.test))))
        program = f"import random\nrandom.seed(0)\n{code}\n{test}\ncheck({problem.entry_point})\nprint('held')"
        held += run_python(program, **LIMITS).stdout.endswith("held\n")
    return held


def test_verdicts_equal_running_the_tests_by_hand(made):
    table, _, _ = made
    known = {problem.task_id: problem for problem in tasks()}
    for row in table.to_pylist():
        held = by_hand(known[row["question"]], row["completion"])
        assert (row["passed"], row["verdict"]) == (held, row["failed"] == 0)
    assert {row["verdict"] for row in table.to_pylist()} == {True, False}


def test_candidates_differ_and_are_of_problems_that_nothing_trains_on(made):
    table, ledger, _ = made
    rows = table.to_pylist()
    _, trained = divide(tasks(), 3, 100, 4)
    assert not {row["question"] for row in rows} & {problem.task_id for problem in trained}
    assert len({row["id"] for row in rows}) == len({(row["question"], row["completion"]) for row in rows}) == len(rows)
    known = {problem.task_id: problem for problem in tasks()}
    for question, number in Counter(row["question"] for row in rows).items():
        own = [row for row in rows if row["question"] == question]
        assert number == 6 and Counter(row["source"] for row in own) == {"canonical": 1, "mutant": 5}
        assert {row["edits"] for row in own if row["source"] == "mutant"} == {1, 2, 4}
        assert all(row["completion"].startswith(known[question].prompt) for row in own)  # only the body has faults
        [first] = [row for row in own if row["source"] == "canonical"]
        assert first["completion"] == known[question].code and first["verdict"]
    kept = {row["scope"]: row["rows_kept"] for row in ledger}
    assert kept == {"questions": 2, "canonical": 2, "mutant": 10}


def test_a_stopped_run_goes_on_to_the_same_set(made, monkeypatch):
    table, ledger, cache = made
    whole = cache.read_bytes()
    lines = whole.splitlines(keepends=True)
    cache.write_bytes(b"".join(lines[:4]) + lines[4][:9])  # killed while it wrote the fifth outcome
    ran = []
    monkeypatch.setattr("themis.preferences.tallies.tally", lambda *a, **k: ran.append(a) or tally(*a, **k))
    again = records.Ledger("rerank-set")
    assert rerank_set(**SMALL, ledger=again, cache=cache) == table
    assert again.table().to_pylist() == ledger and cache.read_bytes() == whole
    assert len(ran) == len(lines) - 4
    cache.write_bytes(b"{}\n")
    with pytest.raises(Problem, match="line 1 is no outcome"):
        Tallies(cache, seed=4, **LIMITS)
    cache.write_bytes(whole)


class Scripted:
    """A language model that gives the replies of a list, one a problem and sample."""

    fingerprint = "scripted"

    def __init__(self, replies):
        self.replies, self.asked = replies, []

    def generate(self, requests):
        for request, (text, finish) in zip(requests, self.replies, strict=False):
            self.asked.append(request)
            yield Completion(request.key, text, finish_reason=finish)


def test_samples_of_a_language_model_come_before_mutants(monkeypatch):
    monkeypatch.setattr(under_test, "tasks", lambda: [task()])
    monkeypatch.setattr(Tallies, "of", lambda self, one, code: Tally(3, 0) if "a + b" in code else Tally(1, 2))
    replies = [
        (f"Here:\n```python\n{CODE}```\nDone.", "stop"),  # the canonical one again
        ("```\ndef f(a, b): return b + a\n```", "stop"),
        ("def f(a, b):", "length"),
        ("<think>hm", "stop"),
    ]
    model = Scripted(replies)
    samples = Samples(model, "writer", len(replies), 64, 0.8, 0.9)
    small = {**SMALL, "problems": 1, "benchmark_problems": 0, "general_problems": 0, "candidates": 3}
    ledger = records.Ledger("rerank-set")
    table = rerank_set(**small, ledger=ledger, samples=samples)
    assert Counter(table.column("source").to_pylist()) == {"canonical": 1, "writer": 1, "mutant": 1}
    dropped = {row["reason"]: row["rows_dropped"] for row in ledger.table().to_pylist() if row["scope"] == "writer"}
    assert dropped == {"cut off": 1, "unfinished thought": 1, "identical to another": 1}
    assert len({request.seed for request in model.asked}) == 4 and "Add." in model.asked[0].user
    with pytest.raises(Problem, match="1 of 4 problems got no solution"):
        rerank_set(
            **small, ledger=records.Ledger("x"), samples=Samples(Scripted(replies[:3]), "writer", 4, 64, 0.8, 0.9)
        )


def test_what_does_not_end_or_is_no_python_is_left_out_by_its_source(monkeypatch):
    monkeypatch.setattr(under_test, "tasks", lambda: [task()])
    known = {"a + b": Tally(3, 0), "b + a": Tally(0, 3, conclusive=False)}
    monkeypatch.setattr(
        Tallies, "of", lambda self, one, code: next((t for text, t in known.items() if text in code), Tally(0, 3))
    )
    replies = [("```\ndef f(a, b): return b + a\n```", "stop"), ("```\ndef f(a, b: return\n```", "stop")]
    samples = Samples(Scripted(replies), "writer", 2, 64, 0.8, 0.9)
    small = {**SMALL, "problems": 1, "benchmark_problems": 0, "general_problems": 0, "candidates": 2}
    ledger = records.Ledger("rerank-set")
    rows = rerank_set(**small, ledger=ledger, samples=samples).to_pylist()
    # A model that writes no Python has failed; a mutant that is none was never a candidate.
    assert [(row["source"], row["verdict"]) for row in sorted(rows, key=lambda row: row["source"])] == [
        ("canonical", True), ("writer", False)
    ]  # fmt: skip
    dropped = {row["reason"]: row["rows_dropped"] for row in ledger.table().to_pylist() if row["scope"] == "writer"}
    assert dropped == {under_test.INCONCLUSIVE: 1}


def test_an_unsound_problem_is_dropped_and_too_many_are_refused(monkeypatch):
    with pytest.raises(Problem, match=r"65 problems to re-rank solutions of, but HumanEval has 64"):
        rerank_set(**{**SMALL, "problems": 65}, ledger=records.Ledger("x"))
    monkeypatch.setattr(under_test, "tasks", lambda: [task()])
    for found, reason in ((Tally(2, 1), under_test.UNSOUND), (Tally(0, 3, conclusive=False), under_test.UNFINISHED)):
        monkeypatch.setattr(Tallies, "of", lambda self, one, code, found=found: found)
        ledger = records.Ledger("rerank-set")
        small = {**SMALL, "problems": 1, "general_problems": 0}
        assert rerank_set(**small, ledger=ledger).num_rows == 0
        [row] = ledger.table().to_pylist()
        assert (row["scope"], row["reason"], row["rows_dropped"]) == ("questions", reason, 1)
