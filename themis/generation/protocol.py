"""What a generator is asked and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

SPACES = " \t\r\n\u2581\u0120\u010a"  # around a token, also as tokenizers spell them: ▁ Ġ Ċ


@dataclass(frozen=True)
class Request:
    """One chat. With `options`, the answer is the probability of each option as the next token; else a text.

    A text is sampled at `temperature` (0: greedy) from the likeliest tokens that hold `top_p` of the probability; the
    seed alone decides, whatever else is asked. With `logprobs` the answer tells its tokens, and that many alternatives
    of each, with their log-probabilities before temperature. `turns` (role, text) follow the user's in the chat; a role
    that the model's template has no place for speaks as the user. `thinking` lets a template open a thought.
    """

    key: str  # row id, unique among the requests of one call
    user: str
    system: str | None = None
    options: tuple[str, ...] = ()
    max_new_tokens: int = 0
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    logprobs: int = 0
    turns: tuple[tuple[str, str], ...] = ()
    thinking: bool = False  # a server is told by its `extra_body`


@dataclass(frozen=True)
class Token:
    """A token of a text: its characters, its log-probability, and the likeliest tokens in its place with theirs."""

    text: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Completion:
    """The answer to one request. `missing_reason` is set where there is none; then text and probabilities are None."""

    key: str
    text: str | None = None
    probabilities: tuple[float, ...] | None = None  # over the options, summing to one
    finish_reason: str | None = None  # stop | length | content_filter
    tokens: tuple[Token, ...] | None = None  # where `logprobs` were asked for
    prompt_tokens: int | None = None  # read; null where the back end does not tell
    new_tokens: int | None = None  # written
    missing_reason: str | None = None


class Generator(Protocol):
    """A language model behind any back end."""

    fingerprint: str  # names weights and back end; part of the cache key

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer every request once, in any order, as soon as each is done."""
        ...
