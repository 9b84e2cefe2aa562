"""How each perturbation changes a pair: which edit of the code, with which wording."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import yaml

from themis import chance
from themis.errors import Problem
from themis.syntax import comments, inserting, layout, renaming
from themis.syntax.tokens import Nothing
from themis.vocabulary import PERTURBATIONS

# Those that change the pair itself; the order of criteria is changed by a prompt mode.
OF_PAIRS: tuple[str, ...] = tuple(name for name, one in PERTURBATIONS.items() if one.side != "system")

Edit = Callable[[str, str, int, str], str]  # code, language, seed, key -> code; raises Refusal

NEITHER = "neither response has what it changes"

_BOTH = ("chosen", "rejected")
_SHARE = 0.5  # of the statements that a comment is put above
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL)


def perturbed(row: Mapping[str, str], name: str, seed: int) -> dict[str, str]:
    """A benchmark row as the perturbation `name` changes it, its id and other columns as they were.

    Depends on the row, its id and the seed alone. Raises Refusal, with the reason, where the perturbation does not apply,
    and Problem for an unknown name.
    """
    if name not in OF_PAIRS:
        raise Problem(f"perturbation {name} is none of {', '.join(OF_PAIRS)}")
    side, new, key = PERTURBATIONS[name].side, dict(row), row["id"]
    if side == "prompt":
        wording = chance.pick(seed, name, key, _wordings()["prompts"])
        return {**new, "prompt": wording.replace("{prompt}", row["prompt"])}
    if name == "fluff":  # comments that are there already would take part in the comparison
        for one in _BOTH:
            new[one] = _if_any(_bare, new[one], row["language"], seed, key)
    if side == "both":
        for one in _BOTH:
            new[one] = _if_any(EDITS[name], new[one], row["language"], seed, key)
        if new == dict(row):
            raise Nothing(NEITHER)
    else:
        new[side] = in_code(EDITS[name], new[side], row["language"], seed, key)
    return new


def in_code(edit: Edit, text: str, language: str, seed: int, key: str) -> str:
    """A response with its code edited: the longest fenced block, or the whole text where there is none. Raises Refusal."""
    blocks = [found for found in _FENCE.finditer(text) if found[2].strip()]
    if not blocks:
        return edit(text, language, seed, key)
    block = max(blocks, key=lambda found: len(found[2]))
    code = edit(block[2], language, seed, key)
    return text[: block.start(2)] + code + ("" if code.endswith("\n") else "\n") + text[block.end(2) :]


def _if_any(edit: Edit, text: str, language: str, seed: int, key: str) -> str:
    try:
        return in_code(edit, text, language, seed, key)
    except Nothing:
        return text


def _heading(name: str) -> Edit:
    def edit(code: str, language: str, seed: int, key: str) -> str:
        wording = chance.pick(seed, name, key, _wordings()["headings"][name])
        numbers = {"many": range(75, 96), "few": range(4, 20), "number": range(2, 900)}
        for blank, some in numbers.items():
            wording = wording.replace(f"{{{blank}}}", str(chance.pick(seed, f"{name} {blank}", key, some)))
        return comments.headed(code, language, wording)

    return edit


def _explained(texts: str) -> Edit:
    def edit(code: str, language: str, seed: int, key: str) -> str:
        return comments.explained(code, language, _wordings()[texts], _SHARE, seed=seed, key=key)

    return edit


def _bare(code: str, language: str, seed: int, key: str) -> str:
    return comments.without_comments(code, language)


def _minified(code: str, language: str, seed: int, key: str) -> str:
    return layout.minified(code, language)


def _restyled(code: str, language: str, seed: int, key: str) -> str:
    return renaming.restyled(code, language)


def _keyed(change: Callable[..., str]) -> Edit:
    def edit(code: str, language: str, seed: int, key: str) -> str:
        return change(code, language, seed=seed, key=key)

    return edit


@functools.cache
def _wordings() -> dict[str, Any]:
    return yaml.safe_load(files("themis.score").joinpath("claims.yaml").read_text(encoding="utf-8"))


EDITS: dict[str, Edit] = {
    **{name: _heading(name) for name in (
        "authority", "self_declared_correctness", "reference_solution", "bandwagon", "egocentric", "reverse_authority",
        "self_declared_incorrectness", "reverse_bandwagon",
    )},
    "fluff": _explained("friendly"),
    "assertions": _keyed(inserting.with_assertions),
    "dead_code": _keyed(inserting.with_dead_code),
    "misleading_comments": _explained("misleading"),
    "minification": _minified,
    "renaming": _keyed(renaming.obscured),
    "dead_code_in_chosen": _keyed(inserting.with_dead_code),
    "indentation": _keyed(layout.reindented),
    "no_comments": _bare,
    "identifier_style": _restyled,
}  # fmt: skip
