"""Rows of the code benchmarks that the published one draws on: HumanEvalPack, DebugBench and NoFunEval."""

from __future__ import annotations

from collections.abc import Iterator

from themis.preferences.benchmarks.candidate import Candidate, text_in, texts_in
from themis.preferences.collections.pair import language_named
from themis.preferences.collections.published import NO_CRITERION
from themis.preferences.collections.reading import Row
from themis.vocabulary import Criterion

_RUNTIME = ("executiontime", "framerate")
_NO_SUBSET = "NOFUNEVAL"


def humanevalpack(row: Row, file: str) -> Iterator[Candidate]:
    """The canonical solution against the buggy one (Muennighoff et al. 2023), as whole functions."""
    head = text_in(row, "declaration")
    language = text_in(row, "task_id").partition("/")[0] or file
    yield _pair(
        text_in(row, "instruction"),
        head + text_in(row, "canonical_solution"),
        head + text_in(row, "buggy_solution"),
        Criterion.FUNCTIONAL_CORRECTNESS,
        language,
        "HUMANEVAL_PACK",
    )


def debugbench(row: Row, file: str) -> Iterator[Candidate]:
    """The accepted program against the one with bugs put in (Tian et al. 2024).

    The language is a column of the hub's table; the repository's files are named LANGUAGE_BUG.
    """
    parts = [text_in(row, "description"), *texts_in(row, "examples"), f"Constraints:\n{text_in(row, 'constraints')}"]
    prompt = "\n\n".join(part.strip() for part in parts)
    yield _pair(
        prompt,
        text_in(row, "oracle_code"),
        text_in(row, "buggy_code"),
        Criterion.FUNCTIONAL_CORRECTNESS,
        text_in(row, "language") or file.partition("_")[0],
        "DEBUG_EVAL",
    )


def nofuneval(row: Row, file: str) -> Iterator[Candidate]:
    """The rewritten program against the one it was written from (Singhal et al. 2024).

    What a row is about its columns tell, whatever its file is called: `cwe`, the weakness; a
    `non_functional_requirement`, of which energy and bandwidth are no criterion here; else running time.
    """
    requirement = text_in(row, "non_functional_requirement")
    if row.get("cwe"):
        aim = f"is free of this weakness: {text_in(row, 'query')} ({text_in(row, 'cwe')})"
        yield _rewritten(row, aim, Criterion.SECURITY_HARDNESS, "NOFUNEVAL_SECURITY")
    elif requirement == "memory":
        yield _rewritten(row, "uses less memory", Criterion.MEMORY_EFFICIENCY, "NOFUNEVAL_MEMORY")
    elif not requirement or requirement in _RUNTIME:
        yield _rewritten(row, "runs faster", Criterion.RUNTIME_EFFICIENCY, "NOFUNEVAL_RUNTIME")
    else:
        yield Candidate(subset=_NO_SUBSET, reason=NO_CRITERION)


def _rewritten(row: Row, aim: str, criterion: Criterion, subset: str) -> Candidate:
    source = _trimmed(text_in(row, "source_code"))
    prompt = f"Rewrite this program so that it {aim}.\n\n{source}"
    return _pair(prompt, text_in(row, "target_code"), source, criterion, text_in(row, "pl"), subset)


def _pair(prompt: str, chosen: str, rejected: str, criterion: Criterion, language: str, subset: str) -> Candidate:
    return Candidate(
        prompt.strip(), _trimmed(chosen), _trimmed(rejected), criterion.value, language_named(language), subset
    )


def _trimmed(code: str) -> str:
    """Without blank lines around: in DebugBench one leads nearly every buggy program and no correct one."""
    return code.strip("\r\n").rstrip() + "\n"
