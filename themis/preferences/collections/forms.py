"""How a row of a public source becomes pairs, by the form its registry line names."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from themis import chance
from themis.errors import Problem
from themis.preferences.collections.conversations import joined, plain, question
from themis.preferences.collections.pair import (
    NO_LANGUAGE,
    NO_RESPONSE,
    Pair,
    content_id,
    dropped,
    language_named,
)
from themis.preferences.collections.published import published_pair, text_of
from themis.preferences.collections.recipes import efficient_pairs, passes_most, same_answer, zipfian
from themis.registry.collections import PublicCollection

NOT_SELECTED = "not in the selection"
TIE = "tie"
NOT_MEASURED = "no two solutions measured far enough apart"

Row = Mapping[str, Any]
Form = Callable[[Row, PublicCollection, int], Iterator[Pair]]

_FENCE = re.compile(r"^```([\w+#.-]*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def pairs_of(row: Row, line: PublicCollection, seed: int) -> Iterator[Pair]:
    """The pairs of one row, or why there is none; at least one of either. Raises Problem where a column is no text."""
    for column, values in line.where.items():
        if row[column] not in values:
            yield dropped(NOT_SELECTED)
            return
    yield from _FORMS[line.form](row, line, seed)


def _pairs(row: Row, line: PublicCollection, seed: int) -> Iterator[Pair]:
    options, share = line.options, line.columns.get("passed")
    prompt = joined(_text(row, line, "system"), _text(row, line, "prompt")) or None
    pair = _pair(row, line, prompt, _text(row, line, "chosen"), _text(row, line, "rejected"))
    if pair.reason:
        yield pair
    elif options.get("same_answer") and not same_answer(pair.chosen, pair.rejected):
        yield dropped("another final answer")
    elif share and not passes_most(_number(row[share]), *options["passes"]):
        yield dropped("rejected does not pass most tests but not all")
    else:
        yield pair


def _chats(row: Row, line: PublicCollection, seed: int) -> Iterator[Pair]:
    prompt, chosen, why = question(row[line.columns["chosen"]], answered=True)
    other, rejected, why_not = question(row[line.columns["rejected"]], answered=True)
    if why or why_not:
        yield dropped(why or why_not)
    elif prompt != other:
        yield dropped("the two sides have different prompts")
    else:
        yield _pair(row, line, prompt, chosen, rejected)


def _votes(row: Row, line: PublicCollection, seed: int) -> Iterator[Pair]:
    first, second = (row[line.columns[part]] for part in ("first", "second"))
    if "prompt" in line.columns:
        prompt, _, why = question(row[line.columns["prompt"]], answered=False)
        sides = [_said(first, line, "first"), _said(second, line, "second")]
    else:
        prompt, one, why = question(first, answered=True)
        other, two, why_not = question(second, answered=True)
        why = why or why_not or (None if prompt == other else "the two sides have different prompts")
        sides = [one, two]
    winner = _winner(row[line.columns["winner"]], line)
    if why:
        yield dropped(why)
    elif winner is None:
        yield dropped(TIE)
    else:
        yield _pair(row, line, prompt, sides[winner], sides[1 - winner])


def _winner(value: Any, line: PublicCollection) -> int | None:
    """Which side won, 0 or 1; a score below zero is for the first, and counts from the margin on."""
    margin = line.options.get("margin")
    if margin is None:
        return 0 if value in line.options["first_wins"] else 1 if value in line.options["second_wins"] else None
    score = _number(value)
    return None if score is None or abs(score) < margin else 0 if score < 0 else 1


def _answers(row: Row, line: PublicCollection, seed: int) -> Iterator[Pair]:
    options, prompt = line.options, _text(row, line, "prompt") or ""
    answers = [
        (_number(one.get(options["score"])), one.get(options["best"]) is True, one.get(options["text"]) or "")
        for one in _listed(row[line.columns["answers"]], line, "answers")
        if isinstance(one, dict)
    ]
    scored = [one for one in answers if one[0] is not None and isinstance(one[2], str)]
    if not scored:
        yield dropped(NO_RESPONSE)
        return
    best = max(scored, key=lambda one: one[:2])
    worse = [one[2] for one in scored if one[0] <= best[0] - options["margin"]]
    if not worse:
        yield dropped(TIE)
        return
    read = plain if options.get("html") else str
    rejected = chance.pick(seed, "lower answer", content_id(prompt), sorted(worse))
    yield _pair(row, line, read(prompt), read(best[2]), read(rejected))


def _negatives(row: Row, line: PublicCollection, seed: int) -> Iterator[Pair]:
    positives, negatives = (_listed(row[line.columns[part]], line, part) for part in ("positives", "negatives"))
    if not positives or not negatives:
        yield dropped(NO_RESPONSE)
        return
    prompt, chosen = _text(row, line, "prompt"), positives[0]
    place = zipfian(seed, content_id(prompt, str(chosen)), len(negatives), line.options["top"])
    yield _pair(row, line, prompt, _said(chosen, line, "positives"), _said(negatives[place], line, "negatives"))


def _measured(row: Row, line: PublicCollection, seed: int) -> Iterator[Pair]:
    prompt, found = _text(row, line, "prompt"), False
    for aspect, names in line.options["lists"].items():
        listed = _listed(row[names["column"]], line, names["column"])
        solutions = [one for one in listed if isinstance(one, dict) and one.get(names["code"])]
        costs = [_number(one.get(names["cost"])) for one in solutions]
        key = f"{aspect}, {content_id(prompt)}"
        for cheap, dear in efficient_pairs(seed, key, costs, line.options["times"], line.options["per_problem"]):
            found = True
            chosen, rejected = (_said(solutions[at][names["code"]], line, "solutions") for at in (cheap, dear))
            yield _pair(row, line, prompt, chosen, rejected, aspect)
    if not found:
        yield dropped(NOT_MEASURED)


def _solutions(row: Row, line: PublicCollection, seed: int) -> Iterator[Pair]:
    programs = _FENCE.findall(_text(row, line, "solution") or "")
    if len(programs) != 1:
        yield dropped("several programs" if programs else "no program")
        return
    named, program = programs[0]
    language = language_named(named)
    if language is None:
        yield dropped(NO_LANGUAGE)
        return
    pair = Pair(_text(row, line, "prompt"), program, "", language, line.aspect, line.name)
    yield pair if program.strip() else dropped(NO_RESPONSE)


def _pair(
    row: Row,
    line: PublicCollection,
    prompt: str | None,
    chosen: str | None,
    rejected: str | None,
    aspect: str | None = None,
) -> Pair:
    column = line.columns.get("language")
    language = language_named(row[column]) if column else line.language
    if language is None:
        return dropped(NO_LANGUAGE)
    if not (chosen and chosen.strip() and rejected and rejected.strip()):
        return dropped(NO_RESPONSE)
    if not (prompt and prompt.strip()):
        if line.form != "pairs" or "prompt" in line.columns:
            return dropped("no prompt")
        prompt = None  # the source has none
    return Pair(prompt, chosen, rejected, language, aspect or _aspect(row, line), line.name)


def _aspect(row: Row, line: PublicCollection) -> str:
    if line.aspects is None:
        return line.aspect.value
    text = str(row[line.aspects.column])
    found = (criterion for criterion, pattern in line.aspects.patterns.items() if re.search(pattern, text))
    return next(found, line.aspects.otherwise).value


def _text(row: Row, line: PublicCollection, part: str) -> str | None:
    return text_of(row, line, part) if part in line.columns else None


def _said(value: Any, line: PublicCollection, part: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Problem(f"{line.name}: {line.columns.get(part, part)} is {type(value).__name__}, not text")
    return value


def _listed(value: Any, line: PublicCollection, part: str) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise Problem(f"{line.name}: {line.columns.get(part, part)} is {type(value).__name__}, not a list")
    return value or []


def _number(value: Any) -> float | None:
    """A number, or a text that begins with one, such as `12 ms`; what is not finite is missing."""
    if isinstance(value, str):
        begun = re.match(r"\s*-?\d+(\.\d+)?", value)
        value = begun and begun[0]
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


_FORMS: dict[str, Form] = {
    "pairs": _pairs,
    "chats": _chats,
    "votes": _votes,
    "answers": _answers,
    "negatives": _negatives,
    "measured": _measured,
    "solutions": _solutions,
    "published": published_pair,
}
