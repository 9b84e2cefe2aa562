"""The general training set: helpful answers against irrelevant or truncated ones."""

from __future__ import annotations

from collections import defaultdict

import polars as pl
import pyarrow as pa

from themis import chance
from themis.preferences.commits import with_instructions
from themis.preferences.filters import Limits, filtered
from themis.preferences.humaneval import Task, divide, tasks
from themis.preferences.sieve import Sieve
from themis.preferences.system_prompts import Shares
from themis.prompting.chat import Chat
from themis.records import Ledger
from themis.vocabulary import Criterion

_SCOPE = "all"
_ROW = dict.fromkeys(("idx", "input", "chosen", "rejected", "language", "source"), pl.String) | {"leaking": pl.Boolean}


def assemble_general(
    accepted: pa.Table,
    instructions: pa.Table,
    benchmark: pa.Table,
    chat: Chat,
    *,
    limits: Limits,
    shares: Shares,
    humaneval_problems: int,
    benchmark_problems: int,
    seed: int,
    ledger: Ledger,
) -> pa.Table:
    """The general set as a preferences table; every pair is about helpfulness.

    From HumanEval problems outside the benchmark's share: the canonical function against another problem's, or
    against itself cut after half its lines. From training commits: the file an instruction was written for against
    another one of the same language. Drops are counted in the ledger under `all`. Raises Problem.
    """
    _, problems = divide(tasks(), benchmark_problems, humaneval_problems, seed)
    rows = pl.concat([_from_problems(problems, seed), _from_commits(accepted, instructions, seed)])
    ledger.keep(_SCOPE, 0)
    sieve = Sieve(rows.with_columns(aspect=pl.lit(Criterion.HELPFULNESS.value), scope=pl.lit(_SCOPE)), ledger)
    sieve.drop("no instruction", pl.col("input").is_null())
    sieve.drop("no other row of the language", pl.col("rejected").is_null())
    return filtered(sieve, benchmark, chat, limits, shares, seed)


def _from_problems(problems: list[Task], seed: int) -> pl.DataFrame:
    rows = []
    for task in problems:
        others = [other for other in problems if other.task_id != task.task_id]
        if others and chance.pick(seed, "general kind", task.task_id, ("irrelevant", "truncated")) == "irrelevant":
            rejected = chance.pick(seed, "irrelevant", task.task_id, others).code
        else:
            rejected = _truncated(task)
        idx = f"humaneval_{task.task_id}"
        rows.append((idx, task.request, task.code, rejected, "Python", "humaneval", False))
    return pl.DataFrame(rows, schema=_ROW, orient="row")


def _truncated(task: Task) -> str:
    lines = task.solution.splitlines(keepends=True)
    return task.prompt + "".join(lines[: len(lines) // 2])


def _from_commits(accepted: pa.Table, instructions: pa.Table, seed: int) -> pl.DataFrame:
    commits = with_instructions(accepted, instructions, "train")
    columns = ("id", "language", "repository", "path", "new_contents", "instruction", "leaking")
    by_language = defaultdict(list)
    for row in commits.select(columns).iter_rows(named=True):
        by_language[row["language"]].append(row)
    rows = []
    for language, group in sorted(by_language.items()):
        for row in group:
            rejected = _of_another_file(row, group, seed)
            answer = (row["instruction"], row["new_contents"], rejected)
            rows.append((f"instructions_{row['id']}", *answer, language, "instructions", row["leaking"]))
    return pl.DataFrame(rows, schema=_ROW, orient="row")


def _of_another_file(row: dict, group: list[dict], seed: int) -> str | None:
    """The contents of another file: another version of the same one would answer the instruction as well."""
    begin = chance.digest(seed, "irrelevant", row["id"])
    for step in range(len(group)):
        other = group[(begin + step) % len(group)]
        if (other["repository"], other["path"]) != (row["repository"], row["path"]):
            return other["new_contents"]
    return None
