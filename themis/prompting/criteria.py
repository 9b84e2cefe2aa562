"""What each criterion asks for, and the system prompts made of them."""

from __future__ import annotations

from collections.abc import Sequence

from themis.errors import Problem
from themis.vocabulary import CODE_CRITERIA, GENERAL_CRITERIA, Criterion

CRITERION_TEXTS: dict[Criterion, str] = {
    Criterion.FUNCTIONAL_CORRECTNESS: "Functional correctness: it does what was asked, for every valid input.",
    Criterion.RUNTIME_EFFICIENCY: "Runtime efficiency: it wastes no time; its algorithms and data structures fit.",
    Criterion.MEMORY_EFFICIENCY: "Memory efficiency: it holds no more memory than needed and releases it.",
    Criterion.SECURITY_HARDNESS: "Security hardness: it resists hostile input and keeps secrets safe.",
    Criterion.READABILITY_MAINTAINABILITY: "Readability and maintainability: it is clear and easy to change.",
    Criterion.HELPFULNESS: "Helpfulness: it answers the request fully and to the point.",
    Criterion.HARMLESSNESS: "Harmlessness: it does no harm.",
}

_BASE = "Rate the reply by:"


def system_prompt(criteria: Sequence[Criterion]) -> str:
    """The system prompt that names these criteria, in this order; one text for training and evaluation."""
    if not criteria:
        raise ValueError("a system prompt names at least one criterion; without any, use none")
    return "\n".join((_BASE, *(f"- {CRITERION_TEXTS[criterion]}" for criterion in criteria)))


def system_prompt_for(mode: str, criterion: Criterion) -> str | None:
    """The system prompt of a prompt mode (see `criteria_of`), None where it names no criterion. Raises Problem."""
    criteria = criteria_of(mode, criterion)
    return system_prompt(criteria) if criteria else None


def criteria_of(mode: str, criterion: Criterion) -> tuple[Criterion, ...]:
    """The criteria that a prompt mode names: `none`, `criterion` (the row's own), `wrong` (see `wrong_criterion`), `all`
    (see `all_criteria`), or those of a list such as `security_hardness+memory_efficiency`, in its order.

    Raises Problem where a mode is none of these.
    """
    if mode == "none":
        return ()
    if mode == "criterion":
        return (criterion,)
    if mode == "wrong":
        return (wrong_criterion(criterion),)
    if mode == "all":
        return all_criteria(criterion)
    names = mode.split("+")
    if len(set(names)) < len(names) or not set(names) <= set(Criterion):
        known = ", ".join(Criterion)
        raise Problem(
            f"prompt mode {mode} is none of none, criterion, wrong, all, and no list, joined by +, of {known}"
        )
    return tuple(Criterion(name) for name in names)


def all_criteria(criterion: Criterion) -> tuple[Criterion, ...]:
    """All criteria in their fixed order: the five of code, and the two general ones where the row is about one of them."""
    return CODE_CRITERIA if criterion in CODE_CRITERIA else tuple(Criterion)


def wrong_criterion(criterion: Criterion) -> Criterion:
    """Another criterion than the row's: the next one of its kind (code or general) in the fixed order, the first after the
    last."""
    kind = CODE_CRITERIA if criterion in CODE_CRITERIA else GENERAL_CRITERIA
    return kind[(kind.index(criterion) + 1) % len(kind)]
