"""What each criterion asks for, and the system prompts made of them."""

from __future__ import annotations

from collections.abc import Sequence

from themis.vocabulary import CODE_CRITERIA, Criterion

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
    """The system prompt of a prompt mode: `none`, `criterion` (the row's own) or `all` (the five, in their fixed order)."""
    if mode == "none":
        return None
    if mode == "criterion":
        return system_prompt([criterion])
    if mode == "all":
        return system_prompt(CODE_CRITERIA)
    raise ValueError(f"prompt mode {mode} is none of none, criterion, all")
