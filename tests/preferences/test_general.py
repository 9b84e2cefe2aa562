"""The general set: an answer to the request against one that is not, or not whole."""

import pytest

from themis.preferences import general
from themis.preferences.filters import Limits
from themis.preferences.general import assemble_general
from themis.preferences.humaneval import Task, divide, tasks
from themis.preferences.system_prompts import Shares
from themis.records import Ledger

LIMITS = Limits(max_tokens=4000, min_syntax_depth=3, overlap_words=13, near_duplicate=0.75, max_pairs=None)


def task(number):
    name = f"solve_{number}"
    body = "".join(f"    {name}_{at} = {name} + 1{number}{at}\n" for at in range(5))
    return Task(f"T/{number:02}", name, f"def {name}(x):\n    '''Do {name}.'''\n", f"{body}    return {name}_4\n", "")


TASKS = [task(number) for number in range(30)]


@pytest.fixture
def assemble(tables, chat, monkeypatch):
    monkeypatch.setattr(general, "tasks", lambda: TASKS)
    rows = [
        {
            "id": f"{language}{at}",
            "language": language,
            "path": f"{language}{at // 2}",
            "new_contents": f"{language}_{at} = f(1)\n",
        }
        for language in ("Python", "Ruby")
        for at in range(6)
    ]
    rows.append({"id": "alone", "language": "Go", "new_contents": "package alone\n\nfunc f() {}\n"})
    rows.append({"id": "held", "split": "benchmark", "repository": "held/out", "new_contents": "x = f(2)\n"})
    asked = {row["id"]: f"Please write {row['id']}" for row in rows if row["id"] != "Ruby5"}

    def run(seed=7, flip=False, limits=LIMITS, benchmark=()):
        ledger = Ledger("assemble-general")
        table = assemble_general(
            tables.accepted(rows[::-1] if flip else rows),
            tables.instructions(asked),
            tables.benchmark(list(benchmark)),
            chat,
            limits=limits,
            shares=Shares(0.3, 0.3, 0.4),
            humaneval_problems=12,
            benchmark_problems=10,
            seed=seed,
            ledger=ledger,
        )
        return table.to_pylist(), {row["reason"]: row for row in ledger.table().to_pylist()}

    return run


def test_problems_of_the_benchmark_are_never_used(assemble):
    held, ours = divide(TASKS, 10, 12, 7)
    rows, _ = assemble()
    texts = "".join(row["chosen"] + row["rejected"] + row["input"] for row in rows)
    assert len(held) == 10
    assert not any(f"{one.entry_point}(" in texts for one in held)
    assert {row["idx"] for row in rows if row["source"] == "humaneval"} == {f"humaneval_{one.task_id}" for one in ours}


def test_problem_pairs_are_irrelevant_or_cut_in_half(assemble):
    by_code = {one.code: one for one in TASKS}
    kinds = []
    for row in assemble()[0]:
        if row["source"] == "humaneval":
            right = by_code[row["chosen"]]
            assert right.entry_point in row["input"]
            cut = row["chosen"].startswith(row["rejected"])
            assert cut != (row["rejected"] in by_code)
            if cut:
                assert row["rejected"] == right.prompt + "".join(right.solution.splitlines(keepends=True)[:3])
            kinds.append(cut)
    assert 0 < sum(kinds) < len(kinds) == 12


def test_commit_pairs_answer_with_another_file_of_the_language(assemble):
    rows, dropped = assemble()
    commits = [row for row in rows if row["source"] == "instructions"]
    assert len(commits) == 11
    for row in commits:
        right, wrong = row["chosen"].split(" ")[0].split("_"), row["rejected"].split(" ")[0].split("_")
        assert row["input"] == f"Please write {right[0]}{right[1]}"
        assert right[0] == wrong[0] == row["language"]
        assert int(right[1]) // 2 != int(wrong[1]) // 2  # not another version of the same path
    assert dropped["no instruction"]["rows_dropped"] == 1
    assert dropped["no other row of the language"]["rows_dropped"] == 1
    assert {(row["rows_in"], row["rows_kept"]) for row in dropped.values()} == {(12 + 13, len(rows))}


def test_every_pair_is_about_helpfulness(assemble):
    rows, _ = assemble()
    assert {row["aspect"] for row in rows} == {"helpfulness"}
    single = {row["system"] for row in rows if row["system"] and row["system"].count("\n") == 1}
    assert len(single) == 1
    assert "Helpfulness" in single.pop()


def test_seed_decides_and_order_does_not(assemble):
    assert assemble()[0] == assemble(flip=True)[0]
    assert assemble()[0] != assemble(seed=8)[0]


def test_the_benchmark_and_the_cap_take_their_share(assemble):
    leaked = next(row for row in assemble()[0] if row["source"] == "humaneval")
    rows, dropped = assemble(
        limits=Limits(4000, 3, 13, 0.75, 5), benchmark=[{"prompt": "p", "chosen": leaked["chosen"], "rejected": "x"}]
    )
    assert len(rows) == 5
    assert dropped["response overlaps the benchmark"]["rows_dropped"] >= 1
    assert leaked["idx"] not in {row["idx"] for row in rows}


def test_the_package_has_its_164_problems_each_with_a_request():
    problems = tasks()
    assert len({one.task_id for one in problems}) == 164
    assert all(one.entry_point in one.request and len(one.request) > 40 for one in problems)
    assert all('"""' not in one.request and ">>>" not in one.request.splitlines()[0] for one in problems)
    one, other = divide(problems, 24, 64, 77), divide(problems[::-1], 24, 64, 77)
    assert one == other
    assert [len(part) for part in one] == [24, 64]
    assert not {task.task_id for task in one[0]} & {task.task_id for task in one[1]}
