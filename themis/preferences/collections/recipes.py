"""The selections of the paper's sources (appendix B.3): each depends on the seed and the row alone, not on other rows."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

from themis import chance

_BOXED = re.compile(r"\\boxed\s*\{")
_STATED = re.compile(r"(?i)\banswer\b[^\n]{0,20}?(?:\bis\b|[:=])\s*([^\n]+)|^\s*####\s*([^\n]+)", re.MULTILINE)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?")


def zipfian(seed: int, row: str, count: int, top: int = 10) -> int:
    """A place in 0 to min(count, top) - 1 drawn with probability proportional to 1 / (place + 1); count is at least 1."""
    weights = [1 / (place + 1) for place in range(min(count, top))]
    drawn = chance.uniform(seed, "hard negative", row) * sum(weights)
    for place, weight in enumerate(weights):
        drawn -= weight
        if drawn < 0:
            return place
    return len(weights) - 1


def efficient_pairs(
    seed: int, row: str, costs: Sequence[float | None], times: float = 5, most: int = 1
) -> list[tuple[int, int]]:
    """Places (cheap, dear) of at most `most` pairs of which the dear one costs at least `times` as much.

    A cost that is missing or not above zero counts as not measured. No place is in two pairs. A hash picks, from the
    costs' own order, so that equal costs are told apart by place alone.
    """
    places = sorted(
        (place for place, cost in enumerate(costs) if cost is not None and cost > 0), key=lambda p: costs[p]
    )
    values = [costs[place] for place in places]
    cheap_ones = [at for at, value in enumerate(values) if times * value <= values[-1]]
    order = chance.order(seed, f"efficient, {row}", [str(at) for at in cheap_ones])
    pairs, used = [], set()
    for turn in order:
        cheap = cheap_ones[turn]
        if cheap in used:
            continue
        dear = [at for at in range(bisect_left(values, times * values[cheap]), len(values)) if at not in used]
        if not dear:
            continue
        chosen = chance.pick(seed, f"dear, {row}", str(cheap), dear)
        used |= {cheap, chosen}
        pairs.append((places[cheap], places[chosen]))
        if len(pairs) == most:
            break
    return pairs


def passes_most(share: float | None, above: float = 0.5, below: float = 1.0) -> bool:
    """Whether a share of tests passed is more than `above` but less than `below`; a missing one is not."""
    return share is not None and above < share < below


def final_answer(text: str) -> str | None:
    """The answer a solution ends in: its last box, else what it calls the answer, else its last number; None: none.

    Written in one way: without spaces, signs of money, thousands separators or a full stop; a number by its value.
    """
    boxes = list(_BOXED.finditer(text))
    found = _braced(text, boxes[-1].end()) if boxes else None
    if found is None:
        stated = [one or other for one, other in _STATED.findall(text)]
        found = stated[-1] if stated else None
    if found is not None and (numbers := _NUMBER.findall(found)) and len(numbers) == 1:
        found = numbers[0]
    if found is None:
        numbers = _NUMBER.findall(text)
        found = numbers[-1] if numbers else None
    return _one_way(found) if found else None


def same_answer(first: str, second: str) -> bool:
    """Whether two solutions end in the same answer; one without an answer is like no other."""
    answer = final_answer(first)
    return answer is not None and answer == final_answer(second)


def _braced(text: str, start: int) -> str | None:
    depth = 1
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at]
    return None


def _one_way(answer: str) -> str | None:
    plain = re.sub(r"[\s$,*]|\\[,;! ]", "", answer).rstrip(".").casefold()
    try:
        return str(Fraction(plain))
    except (ValueError, ZeroDivisionError):
        return plain or None
