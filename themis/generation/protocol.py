"""What a generator is asked and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Request:
    """One chat. With `options`, the answer is the probability of each option as the next token; else a text."""

    key: str  # row id, unique among the requests of one call
    user: str
    system: str | None = None
    options: tuple[str, ...] = ()
    max_new_tokens: int = 0
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Completion:
    """The answer to one request. `missing_reason` is set where there is none; then text and probabilities are None."""

    key: str
    text: str | None = None
    probabilities: tuple[float, ...] | None = None  # over the options, summing to one
    finish_reason: str | None = None  # stop | length
    missing_reason: str | None = None


class Generator(Protocol):
    """A language model behind any back end."""

    fingerprint: str  # names weights and back end; part of the cache key

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer every request once, in any order, as soon as each is done."""
        ...
