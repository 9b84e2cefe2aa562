"""HumanEval as a collection: an answer to the problem against one that is not, or not whole."""

import pytest

from themis.preferences.collections import problems
from themis.preferences.collections.problems import collect_humaneval
from themis.preferences.humaneval import Task, divide, tasks
from themis.records import Ledger, read


def task(number):
    name = f"solve_{number}"
    body = "".join(f"    {name}_{at} = {name} + 1{number}{at}\n" for at in range(5))
    return Task(f"T/{number:02}", name, f"def {name}(x):\n    '''Do {name}.'''\n", f"{body}    return {name}_4\n", "")


TASKS = [task(number) for number in range(30)]


@pytest.fixture
def collect(monkeypatch, tmp_path):
    monkeypatch.setattr(problems, "tasks", lambda: TASKS)

    def run(seed=7):
        ledger = Ledger("collect")
        collect_humaneval(tmp_path / "out.parquet", problems=12, benchmark_problems=10, seed=seed, ledger=ledger)
        assert ledger.table().to_pylist()[0]["rows_kept"] == 12
        return read(tmp_path / "out.parquet", "collection").to_pylist()

    return run


def test_problems_of_the_benchmark_are_never_used(collect):
    held, ours = divide(TASKS, 10, 12, 7)
    rows = collect()
    texts = "".join(row["chosen"] + row["rejected"] + row["input"] for row in rows)
    assert len(held) == 10
    assert not any(f"{one.entry_point}(" in texts for one in held)
    assert [row["idx"] for row in rows] == [one.task_id for one in ours]


def test_pairs_are_irrelevant_or_cut_in_half(collect):
    by_code = {one.code: one for one in TASKS}
    kinds = []
    for row in collect():
        right = by_code[row["chosen"]]
        assert right.entry_point in row["input"]
        assert (row["aspect"], row["language"], row["source"]) == ("helpfulness", "Python", "humaneval")
        cut = row["chosen"].startswith(row["rejected"])
        assert cut != (row["rejected"] in by_code)
        if cut:
            assert row["rejected"] == right.prompt + "".join(right.solution.splitlines(keepends=True)[:3])
        kinds.append(cut)
    assert 0 < sum(kinds) < len(kinds) == 12


def test_the_seed_decides(collect):
    assert collect() == collect()
    assert collect() != collect(seed=8)


def test_the_package_has_its_164_problems_each_with_a_request():
    found = tasks()
    assert len({one.task_id for one in found}) == 164
    assert all(one.entry_point in one.request and len(one.request) > 40 for one in found)
    assert all('"""' not in one.request and ">>>" not in one.request.splitlines()[0] for one in found)
    one, other = divide(found, 24, 64, 77), divide(found[::-1], 24, 64, 77)
    assert one == other
    assert [len(part) for part in one] == [24, 64]
    assert not {task.task_id for task in one[0]} & {task.task_id for task in one[1]}
