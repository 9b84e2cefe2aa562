"""A request in the words of the OpenAI chat protocol, and its answer read: shared by asking at once and by files."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from themis.generation.protocol import SPACES, Completion, Request, Token
from themis.study.models import OpenAI

_TOO_LONG = re.compile(
    r"context[ _-]length|context (window|size)|maximum (model|input|prompt) length|(prompt|input) is too long|too many tokens",
    re.IGNORECASE,
)


class Malformed(ValueError):
    """The body is no whole answer; asking again may bring one."""


def fingerprint(settings: OpenAI) -> str:
    """Names the model, and what of the settings its answers depend on; no address where `identity` is given."""
    name = settings.identity or f"{settings.model} at {settings.base_url.rstrip('/')}"
    kept = {"extra_body": settings.extra_body, "likeliest": settings.likeliest}
    plain = {name: OpenAI.model_fields[name].get_default(call_default_factory=True) for name in kept}
    changed = {name: value for name, value in kept.items() if value != plain[name]}
    return " ".join(["openai", name, *(f"{key}={value!r}" for key, value in sorted(changed.items()))])


def body(request: Request, settings: OpenAI) -> dict[str, Any]:
    """The request's JSON body. Raises ValueError where nothing is asked for.

    Options are weighed by the log-probabilities of the likeliest first tokens at temperature 1, where every server's
    are the model's own. What a server may not know (seed, top_p) is sent only where it matters.
    """
    if not request.options and request.max_new_tokens < 1:
        raise ValueError(f"request {request.key} has neither options nor max_new_tokens")
    system = [] if request.system is None else [{"role": "system", "content": request.system}]
    turns = (("user", request.user), *request.turns)
    fields: dict[str, Any] = {
        "model": settings.model,
        "messages": [*system, *({"role": role, "content": text} for role, text in turns)],
        settings.length_field: 1 if request.options else request.max_new_tokens,
        "temperature": 1.0 if request.options else request.temperature,
    }
    if request.options:
        fields |= {"logprobs": True, "top_logprobs": settings.likeliest}
    else:
        if request.temperature > 0:
            fields["seed"] = request.seed % 2**31  # what the narrowest server takes
            if request.top_p < 1:
                fields["top_p"] = request.top_p
        if request.logprobs:
            fields |= {"logprobs": True, "top_logprobs": min(request.logprobs, settings.likeliest)}
    return fields | settings.extra_body


def holds_markup(request: Request, settings: OpenAI) -> bool:
    """Whether one of its texts could open or close a turn in the server's chat template."""
    texts = (request.system or "", request.user, *(text for _, text in request.turns))
    return any(mark in text for mark in settings.markup for text in texts)


def completion(key: str, options: Sequence[str], logprobs: int, answer: Any) -> Completion:
    """The answer of the body of a good response. Raises Malformed where a part is missing, so that none is made up."""
    try:
        choice = answer["choices"][0]
        content, finish_reason = choice["message"].get("content"), choice["finish_reason"]
        usage = answer.get("usage") or {}
        told = {
            "finish_reason": finish_reason,
            "prompt_tokens": usage.get("prompt_tokens"),
            "new_tokens": usage.get("completion_tokens"),
        }
        if finish_reason is None or finish_reason == "abort":
            raise Malformed("an answer that was broken off")
        if options:
            listed = (((choice.get("logprobs") or {}).get("content") or [{}])[0]).get("top_logprobs") or []
            if finish_reason == "content_filter":
                return Completion(key, missing_reason="content filter", **told)
            if not listed:  # a server that cannot tell; nothing to keep
                return Completion(key, missing_reason="no log-probabilities in the answer")
            chances = weigh(options, [(token["token"], float(token["logprob"])) for token in listed])
            reason = None if chances else "no option among the likeliest tokens"
            return Completion(key, probabilities=chances, missing_reason=reason, **told)
        if not content and finish_reason == "content_filter":
            return Completion(key, missing_reason="content filter", **told)
        if content is None:
            return Completion(key, missing_reason="no text in the answer", **told)
        tokens = _tokens((choice.get("logprobs") or {}).get("content") or []) if logprobs else None
        return Completion(key, text=str(content), tokens=tokens, **told)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise Malformed(f"an answer without {error}") from None


def weigh(options: Sequence[str], listed: Sequence[tuple[str, float]]) -> tuple[float, ...] | None:
    """Probability of each option from the likeliest tokens (text, log-probability), summing to one; None: none is there.

    A token counts for the one option that it is, or begins, spaces around it aside: " A", "A" and "▁A" are summed. An
    option that is not listed gets 0, though it may have as much as the least likely token listed.
    """
    weights = [0.0] * len(options)
    for token, logprob in listed:
        text = token.strip(SPACES)
        meant = [i for i, option in enumerate(options) if option == text]
        meant = meant or [i for i, option in enumerate(options) if text and option.startswith(text)]
        if len(meant) == 1:
            weights[meant[0]] += math.exp(logprob)
    total = sum(weights)
    return tuple(weight / total for weight in weights) if total > 0 else None


def refusal(status: int, said: str, code: str | None) -> str:
    """Why a request that the server refuses for what it is (400, 413, 422 ...) has no answer."""
    if status == 413 or code == "context_length_exceeded" or _TOO_LONG.search(said):
        return "prompt too long"
    if code in ("content_filter", "content_policy_violation"):
        return "content filter"
    return f"refused: {status} {said}".strip()


def error_of(answer: Any) -> tuple[str, str | None]:
    """Message (one line, at most 120 characters) and code of an error's body, however the server wraps it."""
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    if isinstance(error, dict):
        said = str(error.get("message") or error.get("detail") or error.get("type") or "")
        code = error.get("code") if isinstance(error.get("code"), str) else error.get("type")
    else:
        said, code = str(error or ""), None
    return " ".join(said.split())[:120], code if isinstance(code, str) else None


def _tokens(content: Sequence[Any]) -> tuple[Token, ...]:
    return tuple(
        Token(
            token["token"],
            float(token["logprob"]),
            tuple((other["token"], float(other["logprob"])) for other in token.get("top_logprobs") or ()),
        )
        for token in content
    )
