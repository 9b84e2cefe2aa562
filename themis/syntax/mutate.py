"""Mutants: copies of a program with one small, deliberate fault, made by replacing one span of its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from themis import chance
from themis.errors import Problem
from themis.syntax.operators import branches, names, statements, swaps, values
from themis.syntax.parse import has_error, parse
from themis.syntax.places import Edit, places
from themis.vocabulary import NATURAL_LANGUAGE

_KINDS = (swaps, values, branches, statements, names)
OPERATORS = (
    "arithmetic swap", "bitwise swap", "boolean flip", "comparison swap", "deleted statement", "dropped condition",
    "dropped return value", "dropped sign", "increment swap", "logical swap", "negated condition", "off by one",
    "opposite call", "removed else", "swapped arguments", "swapped branches", "wrong index", "wrong jump", "wrong variable",
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A mutated program: which operator changed it, at which byte of the original, and the whole new text."""

    operator: str
    at: int
    text: str


def mutants(code: str, language: str, *, start: int = 0) -> Iterator[Mutant]:
    """Every mutant whose change lies at or after byte `start` and that parses without error, by place then operator.

    Raises Problem for natural language, and for a language without a grammar.
    """
    source, found = _edits(code, language, start)
    for edit in found:
        mutant = _applied(source, edit, language)
        if mutant is not None:
            yield mutant


def pick(code: str, language: str, *, seed: int, key: str, start: int = 0) -> Mutant | None:
    """One mutant that a hash of (seed, key) picks, of those whose change lies at or after byte `start`; None without any.

    Among the operators that have a place in the program each is as likely as the other, so that what is common in
    programs does not decide which faults a data set has. Raises Problem as `mutants` does.
    """
    source, found = _edits(code, language, start)
    kinds = sorted({edit.operator for edit in found})
    for at in chance.order(seed, f"operator of {key}", kinds):
        some = [edit for edit in found if edit.operator == kinds[at]]
        for place in chance.order(seed, f"place of {key}", [f"{edit.start}/{edit.end}/{edit.new!r}" for edit in some]):
            mutant = _applied(source, some[place], language)
            if mutant is not None:
                return mutant
    return None


def _edits(code: str, language: str, start: int) -> tuple[bytes, list[Edit]]:
    tree = parse(code, language)
    if tree is None:
        raise Problem(f"{NATURAL_LANGUAGE} text has no syntax tree to mutate")
    source = code.encode("utf-8", "surrogatepass")
    if tree.root_node.has_error:
        return source, []  # a mutant would not parse either
    edits = {
        edit
        for place in places(tree)
        for kind in _KINDS
        for edit in kind.edits(place, language)
        if edit.start >= start and source[edit.start : edit.end] != edit.new
    }
    return source, sorted(edits, key=lambda one: (one.start, one.end, one.operator, one.new))


def _applied(source: bytes, edit: Edit, language: str) -> Mutant | None:
    text = (source[: edit.start] + edit.new + source[edit.end :]).decode("utf-8", "surrogatepass")
    return None if has_error(text, language) else Mutant(edit.operator, edit.start, text)
