"""The environment that has vLLM, and what the vLLM back end answers there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.vllm.asked import SETTINGS, calls
from themis.generation import Completion, Token
from themis.study.models import Vllm

Answers = dict[str, dict[str, Completion]]


@pytest.fixture(scope="session")
def vllm_python(root: Path) -> Path:
    """The Python of the environment that `make vllm` makes."""
    environment = root / Vllm().environment
    if not (environment / ".ready").exists():
        pytest.skip(f"no {environment.name} here: run make vllm")
    return environment / "bin" / "python"


@pytest.fixture(scope="session")
def answers(vllm_python: Path, smollm2: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """By list and key, what the back end answers to everything in `calls`, in the order of the answers."""
    folder = tmp_path_factory.mktemp("vllm")
    asked, out = folder / "asked.json", folder / "answers.json"
    asked.write_text(json.dumps({"settings": SETTINGS, "dtype": "float32", "calls": calls()}))
    done = subprocess.run(
        [vllm_python, Path(__file__).with_name("answer.py"), smollm2, asked, out],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == ""  # the engine's own messages are none of an answer
    found = json.loads(out.read_text())
    return {name: {fields["key"]: _completion(fields) for fields in list_} for name, list_ in found.items()}


def _completion(fields: dict[str, Any]) -> Completion:
    chances, tokens = fields.pop("probabilities"), fields.pop("tokens")
    return Completion(
        **fields,
        probabilities=None if chances is None else tuple(chances),
        tokens=None if tokens is None else tuple(_token(**token) for token in tokens),
    )


def _token(text: str, logprob: float, alternatives: list[list[Any]]) -> Token:
    return Token(text, logprob, tuple((other, value) for other, value in alternatives))
