"""Closed lists of the domain: criteria, languages, licences, extensions. Everything else refers to these."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath


class Criterion(StrEnum):
    """The five criteria of code, and the two general ones of the pre-training stage."""

    FUNCTIONAL_CORRECTNESS = "functional_correctness"
    RUNTIME_EFFICIENCY = "runtime_efficiency"
    MEMORY_EFFICIENCY = "memory_efficiency"
    SECURITY_HARDNESS = "security_hardness"
    READABILITY_MAINTAINABILITY = "readability_maintainability"
    HELPFULNESS = "helpfulness"
    HARMLESSNESS = "harmlessness"


CODE_CRITERIA: tuple[Criterion, ...] = tuple(Criterion)[:5]
GENERAL_CRITERIA: tuple[Criterion, ...] = tuple(Criterion)[5:]

CRITERION_LABELS: dict[Criterion, str] = {
    Criterion.FUNCTIONAL_CORRECTNESS: "Functional correctness",
    Criterion.RUNTIME_EFFICIENCY: "Runtime efficiency",
    Criterion.MEMORY_EFFICIENCY: "Memory efficiency",
    Criterion.SECURITY_HARDNESS: "Security hardness",
    Criterion.READABILITY_MAINTAINABILITY: "Readability and maintainability",
    Criterion.HELPFULNESS: "Helpfulness",
    Criterion.HARMLESSNESS: "Harmlessness",
}

# The spelling of the published benchmark's aspect column (protocol section 4).
PUBLISHED_ASPECTS: dict[str, Criterion] = {
    "Functional_Correctness": Criterion.FUNCTIONAL_CORRECTNESS,
    "Runtime_Efficiency": Criterion.RUNTIME_EFFICIENCY,
    "Memory_Efficiency": Criterion.MEMORY_EFFICIENCY,
    "Security_Hardness": Criterion.SECURITY_HARDNESS,
    "Readability_Maintainability": Criterion.READABILITY_MAINTAINABILITY,
}


@dataclass(frozen=True)
class Language:
    """A programming language: its name as the public dataset spells it, a key for file names, its extensions."""

    name: str
    key: str
    extensions: tuple[str, ...]


# The eight languages of the paper. `.h` counts as C, as in the published map; its gaps for C++ and JavaScript are closed.
LANGUAGES: dict[str, Language] = {
    language.name: language
    for language in (
        Language("C", "c", (".c", ".h")),
        Language("C#", "csharp", (".cs",)),
        Language("C++", "cpp", (".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx")),
        Language("Go", "go", (".go",)),
        Language("Java", "java", (".java",)),
        Language("JavaScript", "javascript", (".cjs", ".js", ".jsx", ".mjs")),
        Language("Python", "python", (".py",)),
        Language("Ruby", "ruby", (".rb",)),
    )
}
NATURAL_LANGUAGE = "NL"

# Languages a repository may declare for the mining query: the eight and TypeScript (paper appendix B.1).
MINED_LANGUAGES: tuple[str, ...] = (*LANGUAGES, "TypeScript")

PUBLISHED_LANGUAGES: dict[str, str] = {"Cpp": "C++", "CSharp": "C#"}

_BY_EXTENSION = {extension: language for language in LANGUAGES.values() for extension in language.extensions}


def language_of(path: str) -> Language | None:
    """The language of a file by its extension, or None where it is none of the eight."""
    return _BY_EXTENSION.get(PurePosixPath(path).suffix.lower())


# The twelve licences of the paper's query, by class (lower-case SPDX keys as the public dataset has them).
LICENSES: dict[str, tuple[str, ...]] = {
    "permissive": (
        "apache-2.0",
        "artistic-2.0",
        "bsd-2-clause",
        "bsd-3-clause",
        "cc0-1.0",
        "isc",
        "mit",
        "unlicense",
    ),
    "weak_copyleft": ("epl-1.0", "lgpl-2.1", "mpl-2.0"),
    "network_copyleft": ("agpl-3.0",),
}

# Why a pair of the benchmark has no score in an imported run: the run does not list it.
ABSENT = "not in the run"
