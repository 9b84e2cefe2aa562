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


# Languages a file may be in. Names are those of the public data set's languages table, which are Linguist's; extensions
# are Linguist's too (github-linguist, lib/linguist/languages.yml), compared in lower case, so `.R` is R and `.C` is C.
# Of an extension that several languages share, the one of the published map counts (`.h` C, `.pl` Perl, `.ts`
# TypeScript), else the far more common one (`.d` D, `.ml` OCaml); where none is (`.m`, `.v`, `.cls`) it is left out, and
# so are files without behaviour of their own (`.pyi`, `.rd`) and templates (`.phtml`, `.erb`).
FILE_LANGUAGES: dict[str, Language] = {
    language.name: language
    for language in (
        Language("Assembly", "assembly", (".asm", ".nasm", ".s")),
        Language("C", "c", (".c", ".h")),
        Language("C#", "csharp", (".cs", ".csx")),
        Language("C++", "cpp", (".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h++")),
        Language("Clojure", "clojure", (".clj", ".cljc", ".cljs")),
        Language("Common Lisp", "common_lisp", (".lisp",)),
        Language("D", "d", (".d", ".di")),
        Language("Dart", "dart", (".dart",)),
        Language("Elixir", "elixir", (".ex", ".exs")),
        Language("Erlang", "erlang", (".erl", ".hrl")),
        Language("Go", "go", (".go",)),
        Language("Groovy", "groovy", (".groovy", ".gvy")),
        Language("Haskell", "haskell", (".hs",)),
        Language("Java", "java", (".java",)),
        Language("JavaScript", "javascript", (".cjs", ".js", ".jsx", ".mjs")),
        Language("Julia", "julia", (".jl",)),
        Language("Kotlin", "kotlin", (".kt", ".kts")),
        Language("Lua", "lua", (".lua",)),
        Language("OCaml", "ocaml", (".ml", ".mli")),
        Language("PHP", "php", (".php",)),
        Language("Perl", "perl", (".pl", ".pm")),
        Language("PowerShell", "powershell", (".ps1", ".psm1")),
        Language("Python", "python", (".py", ".pyw")),
        Language("R", "r", (".r",)),
        Language("Ruby", "ruby", (".rb", ".rake")),
        Language("Rust", "rust", (".rs",)),
        Language("Scala", "scala", (".scala",)),
        Language("Scheme", "scheme", (".scm", ".sld")),
        Language("Shell", "shell", (".sh", ".bash", ".ksh", ".zsh")),
        Language("Solidity", "solidity", (".sol",)),
        Language("Swift", "swift", (".swift",)),
        Language("TypeScript", "typescript", (".ts", ".cts", ".mts", ".tsx")),
    )
}

# The eight languages of the paper, which have grammars, search terms and a place in every table.
LANGUAGES: dict[str, Language] = {
    name: FILE_LANGUAGES[name] for name in ("C", "C#", "C++", "Go", "Java", "JavaScript", "Python", "Ruby")
}
NATURAL_LANGUAGE = "NL"

# Languages a repository may declare for the mining query: the eight and TypeScript (paper appendix B.1).
MINED_LANGUAGES: tuple[str, ...] = (*LANGUAGES, "TypeScript")

PUBLISHED_LANGUAGES: dict[str, str] = {"Cpp": "C++", "CSharp": "C#"}

_BY_EXTENSION = {extension: language for language in FILE_LANGUAGES.values() for extension in language.extensions}


def language_of(path: str) -> Language | None:
    """The language of a file by its extension, or None where it is none of FILE_LANGUAGES."""
    return _BY_EXTENSION.get(PurePosixPath(path).suffix.lower())


# The BigQuery data set whose tables the mining query reads; local clones are read into tables of the same form.
PUBLIC_DATASET = "bigquery-public-data.github_repos"

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


@dataclass(frozen=True)
class Perturbation:
    """A change to a preference pair that keeps what its programs do.

    A hack is meant to mislead a judge, a form should not matter to one. The side is what is changed: rejected, chosen,
    both, prompt, or system, the system prompt.
    """

    name: str
    kind: str
    side: str
    title: str


# The hacks are the fifteen of the adversarial set that the paper scores on (its section 5.4; Venkatkrishna 2026, pair
# version): eight make the wrong response look better, seven the right one look worse.
PERTURBATIONS: dict[str, Perturbation] = {
    one.name: one
    for one in (
        Perturbation("authority", "hack", "rejected", "By an expert"),
        Perturbation("self_declared_correctness", "hack", "rejected", "Says it is correct"),
        Perturbation("reference_solution", "hack", "rejected", "Says it is the reference"),
        Perturbation("bandwagon", "hack", "rejected", "Most prefer it"),
        Perturbation("egocentric", "hack", "rejected", "You wrote it"),
        Perturbation("fluff", "hack", "rejected", "Friendly comments"),
        Perturbation("assertions", "hack", "rejected", "Idle assertions"),
        Perturbation("dead_code", "hack", "rejected", "Dead code"),
        Perturbation("reverse_authority", "hack", "chosen", "By a beginner"),
        Perturbation("self_declared_incorrectness", "hack", "chosen", "Says it is wrong"),
        Perturbation("reverse_bandwagon", "hack", "chosen", "Few prefer it"),
        Perturbation("misleading_comments", "hack", "chosen", "Misleading comments"),
        Perturbation("minification", "hack", "chosen", "Minified"),
        Perturbation("renaming", "hack", "chosen", "Names obscured"),
        Perturbation("dead_code_in_chosen", "hack", "chosen", "Dead code in the right one"),
        Perturbation("indentation", "form", "both", "Other indentation"),
        Perturbation("no_comments", "form", "both", "Comments removed"),
        Perturbation("identifier_style", "form", "both", "Other style of names"),
        Perturbation("prompt_wording", "form", "prompt", "Request worded otherwise"),
        Perturbation("criteria_order", "form", "system", "Criteria in another order"),
    )
}
SEPARATOR = "\x1f"  # between a pair's id and the perturbation it is under; a pair as it is has its id alone
