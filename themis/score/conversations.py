"""A pair as token ids that a model can take: exact, shortened where the study says so, or as the published runs had it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from themis.errors import Problem
from themis.prompting.chat import Chat, ForgedMarkup
from themis.prompting.criteria import system_prompt_for
from themis.prompting.packing import PackedPair, pack_ids
from themis.score.protocol import SPECIAL_TOKEN, TOO_LONG, Pair
from themis.score.published import published_ids

Truncation = Literal["refuse", "tail", "difference"]
Protocol = Literal["exact", "published"]
TRUNCATIONS: tuple[Truncation, ...] = get_args(Truncation)
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


@dataclass(frozen=True)
class Limits:
    """How pairs are shown to a model, how many tokens fit in a conversation and in a forward pass, and what is cut.

    `truncation` of a conversation that is too long: `refuse`, the pair is missing; `tail`, the end is kept; `difference`,
    the lines that both responses begin or end with are cut first. `protocol` `published` shows pairs as the published
    runs had them (`published_ids`), whatever `truncation` says. Raises Problem for a word that is none of these.
    """

    prompt_mode: str = "criterion"
    max_tokens: int = 4096
    batch_tokens: int = 2048
    truncation: Truncation = "refuse"
    protocol: Protocol = "exact"

    def __post_init__(self) -> None:
        for name, value, known in (
            ("truncation", self.truncation, TRUNCATIONS),
            ("protocol", self.protocol, PROTOCOLS),
        ):
            if value not in known:
                raise Problem(f"{name} {value} is none of {', '.join(known)}")


class Conversations:
    """The conversations of pairs in one model's template, at most `max_tokens` and at most the model's `context` long.

    Each ends with `suffix`, ids that some families read the reward at; it is added where a conversation ends otherwise.
    """

    def __init__(self, chat: Chat, limits: Limits, *, context: int | None = None, suffix: Sequence[int] = ()) -> None:
        self.chat = chat
        self.limits = limits
        self.suffix = list(suffix)
        self.longest = min(limits.max_tokens, context or limits.max_tokens)

    @classmethod
    def load(
        cls, folder: Path, limits: Limits, *, context: int | None = None, suffix: Sequence[int] = ()
    ) -> Conversations:
        """Those of a checkpoint folder. Raises Problem where it has no tokenizer, or no chat template and needs one."""
        chat = Chat.load(folder, needs_template=limits.protocol == "exact")
        return cls(chat, limits, context=context, suffix=suffix)

    def pack(self, pair: Pair) -> tuple[PackedPair, bool] | str:
        """Token ids of both conversations, and whether something was cut; or the reason why there are none."""
        system = system_prompt_for(self.limits.prompt_mode, pair.criterion)
        if self.limits.protocol == "published":
            return self._published(system, pair)
        texts = (pair.prompt, pair.chosen, pair.rejected)
        try:
            packed = self._exact(system, *texts)
            if self._fits(packed):
                return packed, False
            if self.limits.truncation == "refuse":
                return TOO_LONG
            shorter = self._shortened(system, *texts)
        except ForgedMarkup:
            return SPECIAL_TOKEN
        return TOO_LONG if shorter is None else (shorter, True)

    def _published(self, system: str | None, pair: Pair) -> tuple[PackedPair, bool]:
        (chosen, cut), (rejected, also_cut) = (
            published_ids(self.chat.tokenizer, system, pair.prompt, response, self.suffix, self.limits.max_tokens)
            for response in (pair.chosen, pair.rejected)
        )
        return pack_ids(chosen, rejected, prompt=1), cut or also_cut  # where the prompt ends is not known

    def _exact(self, system: str | None, prompt: str, chosen: str, rejected: str) -> PackedPair:
        whole, other = (
            self._ending(self.chat.conversation(system, prompt, response)) for response in (chosen, rejected)
        )
        return pack_ids(whole, other, len(self.chat.prompt(system, prompt)))

    def _ending(self, ids: list[int]) -> list[int]:
        done = not self.suffix or ids[-len(self.suffix) :] == self.suffix
        return ids if done else ids + self.suffix

    def _fits(self, packed: PackedPair) -> bool:
        return max(packed.chosen, packed.rejected) <= self.longest

    def _shortened(self, system: str | None, prompt: str, chosen: str, rejected: str) -> PackedPair | None:
        """The pair with as little cut as makes it fit; None where the template alone is too long.

        Texts are cut, never ids, so that the template stays whole. Both responses see the same prompt: what is left of
        it after the longer one has its place.
        """

        def fits(prompt: str, *responses: str) -> bool:
            return all(
                len(self._ending(self.chat.conversation(system, prompt, text))) <= self.longest for text in responses
            )

        if self.limits.truncation == "difference":
            before, after = _common_lines(chosen, rejected)
            kept = _least(
                max(before, after),
                lambda cut: fits(prompt, *_without_common(chosen, rejected, before, after, cut)),
            )
            cut = max(before, after) if kept is None else kept
            chosen, rejected = _without_common(chosen, rejected, before, after, cut)
        cut = _least(len(prompt), lambda cut: fits(prompt[cut:], chosen, rejected))
        if cut is not None:
            return self._exact(system, prompt[cut:], chosen, rejected)
        ends = [_least(len(text), lambda cut, text=text: fits("", text[cut:])) for text in (chosen, rejected)]
        if None in ends:
            return None
        return self._exact(system, "", chosen[ends[0] :], rejected[ends[1] :])


def _least(most: int, fits: Callable[[int], bool]) -> int | None:
    """The least number of 0 ... `most` that fits, None where `most` does not; what fits is taken to go on fitting."""
    if not fits(most):
        return None
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return high


def _common_lines(chosen: str, rejected: str) -> tuple[int, int]:
    """How many lines both texts begin with, and how many others both end with."""
    left, right = chosen.splitlines(keepends=True), rejected.splitlines(keepends=True)
    shortest = min(len(left), len(right))
    before = next((at for at in range(shortest) if left[at] != right[at]), shortest)
    rest = shortest - before
    after = next((at for at in range(rest) if left[-1 - at] != right[-1 - at]), rest)
    return before, after


def _without_common(chosen: str, rejected: str, before: int, after: int, cut: int) -> tuple[str, str]:
    """Both texts without the `cut` outermost of the lines that they have in common at either end."""
    longer = max(before, after)
    start, end = max(0, before - (longer - cut)), max(0, after - (longer - cut))
    whole = (text.splitlines(keepends=True) for text in (chosen, rejected))
    first, second = ("".join(lines[start : len(lines) - end]) for lines in whole)
    return first, second
