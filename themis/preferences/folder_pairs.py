"""Benchmark pairs from files of public benchmarks: HumanEvalPack, DebugBench and NoFunEval as they are published."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from themis.errors import Problem
from themis.preferences.collections.pair import language_named
from themis.vocabulary import Criterion


def folder_pairs(folder: Path) -> dict[str, list[dict[str, str | None]]]:
    """All pairs of a folder with humanevalpack/, debugbench/ and nofuneval/, by subset, in the order of the files.

    A pair has prompt, chosen, rejected, aspect and language; the language is None where it is none of the eight.
    Raises Problem where a file is missing or not what it should be.
    """
    return {
        "HUMANEVAL_PACK": _pairs(_files(folder, "humanevalpack", "*.jsonl"), _humanevalpack),
        "DEBUG_EVAL": _pairs(_files(folder, "debugbench", "*.json"), _debugbench),
        "NOFUNEVAL_MEMORY": _pairs(_files(folder, "nofuneval", "resource_util.jsonl"), _memory),
        "NOFUNEVAL_RUNTIME": _pairs(
            _files(folder, "nofuneval", "latency.jsonl") + _files(folder, "nofuneval", "runtime_efficiency.jsonl"),
            _runtime,
        ),
        "NOFUNEVAL_SECURITY": _pairs(_files(folder, "nofuneval", "security.jsonl"), _security),
    }


def _files(folder: Path, name: str, pattern: str) -> list[Path]:
    found = sorted((folder / name).glob(pattern))
    if not found:
        raise Problem(f"{folder}: no {name}/{pattern}; give a folder with humanevalpack/, debugbench/ and nofuneval/")
    return found


def _pairs(files: list[Path], read: Callable[[str, dict], dict[str, str | None] | None]) -> list[dict[str, str | None]]:
    pairs = []
    for path in files:
        for number, row in _rows(path):
            try:
                pair = read(path.stem, row)
            except (KeyError, TypeError, AttributeError) as error:
                raise Problem(
                    f"{path}: row {number}: {type(error).__name__} {error}; is it the published file?"
                ) from None
            if pair:
                pairs.append(pair)
    return pairs


def _rows(path: Path) -> Iterator[tuple[int, dict]]:
    try:
        text = path.read_text(encoding="utf-8")
        rows = json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.split("\n") if line]
    except (OSError, ValueError) as error:
        raise Problem(f"{path}: not readable as {path.suffix[1:]}: {str(error).splitlines()[0][:120]}") from None
    return enumerate(rows, 1)


def _humanevalpack(stem: str, row: dict) -> dict[str, str | None]:
    head = row["declaration"]
    return _pair(
        row["instruction"],
        head + row["canonical_solution"],
        head + row["buggy_solution"],
        Criterion.FUNCTIONAL_CORRECTNESS,
        stem,
    )


def _debugbench(stem: str, row: dict) -> dict[str, str | None]:
    parts = [row["description"], *row["examples"], f"Constraints:\n{row['constraints']}"]
    prompt = "\n\n".join(part.strip() for part in parts)
    language = stem.partition("_")[0]
    return _pair(prompt, row["oracle_code"], row["buggy_code"], Criterion.FUNCTIONAL_CORRECTNESS, language)


def _memory(_: str, row: dict) -> dict[str, str | None] | None:
    if row["non_functional_requirement"] != "memory":  # the file also holds energy and bandwidth
        return None
    return _rewritten(row, "uses less memory", Criterion.MEMORY_EFFICIENCY)


def _runtime(_: str, row: dict) -> dict[str, str | None]:
    return _rewritten(row, "runs faster", Criterion.RUNTIME_EFFICIENCY)


def _security(_: str, row: dict) -> dict[str, str | None]:
    return _rewritten(row, f"is free of this weakness: {row['query']} ({row['cwe']})", Criterion.SECURITY_HARDNESS)


def _rewritten(row: dict, aim: str, criterion: Criterion) -> dict[str, str | None]:
    source = _trimmed(row["source_code"])
    prompt = f"Rewrite this program so that it {aim}.\n\n{source}"
    return _pair(prompt, row["target_code"], source, criterion, row["pl"])


def _pair(prompt: str, chosen: str, rejected: str, criterion: Criterion, language: str) -> dict[str, str | None]:
    return {
        "prompt": prompt.strip(),
        "chosen": _trimmed(chosen),
        "rejected": _trimmed(rejected),
        "aspect": criterion.value,
        "language": language_named(language),
    }


def _trimmed(code: str) -> str:
    """Without blank lines around: in DebugBench one leads nearly every buggy program and no correct one."""
    return code.strip("\r\n").rstrip() + "\n"
