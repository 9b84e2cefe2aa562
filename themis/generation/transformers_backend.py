"""The generator that runs a checkpoint folder through transformers, on a CPU or a GPU."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from themis.errors import Problem
from themis.generation.checkpoint import fingerprint, load_causal
from themis.generation.decoding import Batch, Prefix, Sampling, decode
from themis.generation.protocol import Completion, Request
from themis.prompting.chat import Chat, ForgedMarkup
from themis.prompting.packing import batches


@dataclass(frozen=True)
class _Prompt:
    request: Request
    ids: list[int]


class TransformersGenerator:
    """Answers requests in batches of at most `batch_tokens` tokens, prompt and reply, beside the shared beginning.

    Batches, and the beginning computed once for all of them, follow from the whole list of requests alone. So an
    answer is the same whether the list is worked through at once or in parts; between lists it varies by rounding.
    """

    def __init__(self, folder: Path, dtype: str = "float32", threads: int = 1, batch_tokens: int = 2048) -> None:
        torch.set_num_threads(threads)
        self._chat = Chat.load(folder)
        self._model = load_causal(folder, dtype)
        self._batch_tokens = batch_tokens
        self.fingerprint = f"transformers {dtype} {fingerprint(folder)}"

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer every request once. Missing: a text with special tokens, a prompt longer than the model's context."""
        for batch in self.generate_batches(requests):
            yield from batch

    def generate_batches(
        self, requests: Iterable[Request], answered: Collection[str] = frozenset()
    ) -> Iterator[list[Completion]]:
        """Answers batch by batch. Batches whose keys are all `answered` are left out, the others computed whole."""
        prompts, refused = self._read(requests)
        if any(completion.key not in answered for completion in refused):
            yield refused
        shared = self._shared(prompts)
        prefix: Prefix | None = None
        for group in self._groups(prompts, shared):
            if all(prompt.request.key in answered for prompt in group):
                continue
            prefix = prefix or Prefix(self._model, group[0].ids[:shared])
            batch = Batch(self._model, prefix, [prompt.ids[shared:] for prompt in group], self._chat.pad_id)
            group_requests = [prompt.request for prompt in group]
            yield (
                self._weigh(batch, group_requests) if group_requests[0].options else self._write(batch, group_requests)
            )

    def _read(self, requests: Iterable[Request]) -> tuple[list[_Prompt], list[Completion]]:
        prompts: list[_Prompt] = []
        refused: list[Completion] = []
        context = getattr(self._model.config, "max_position_embeddings", None) or float("inf")
        for request in sorted(requests, key=lambda request: request.key):
            if not request.options and request.max_new_tokens < 1:
                raise ValueError(f"request {request.key} has neither options nor max_new_tokens")
            try:
                ids = self._chat.prompt(request.system, request.user)
            except ForgedMarkup:
                refused.append(Completion(request.key, missing_reason="special token in the text"))
                continue
            if len(ids) + _reply(request) > context:
                refused.append(Completion(request.key, missing_reason="prompt too long"))
            else:
                prompts.append(_Prompt(request, ids))
        return prompts, refused

    def _shared(self, prompts: Sequence[_Prompt]) -> int:
        """Length of the beginning that all prompts have in common; each keeps a token of its own."""
        # A sliding window counts the padding between the beginning and the rest, so such models share nothing.
        if len(prompts) < 2 or getattr(self._model.config, "sliding_window", None):
            return 0
        low, high = min(prompt.ids for prompt in prompts), max(prompt.ids for prompt in prompts)
        longest = min(len(prompt.ids) for prompt in prompts) - 1
        return next((i for i in range(longest) if low[i] != high[i]), longest)

    def _groups(self, prompts: Sequence[_Prompt], shared: int) -> Iterator[list[_Prompt]]:
        for weighed in (True, False):
            kind = [prompt for prompt in prompts if bool(prompt.request.options) == weighed]
            lengths = [len(prompt.ids) - shared + _reply(prompt.request) for prompt in kind]
            for group in batches(lengths, self._batch_tokens):
                yield [kind[i] for i in group]

    def _weigh(self, batch: Batch, requests: Sequence[Request]) -> list[Completion]:
        logits = batch.logits().double()
        answers = []
        for row, request in enumerate(requests):
            values = torch.softmax(logits[row, self._option_ids(request.options)], dim=-1)
            answers.append(Completion(request.key, probabilities=tuple(values.tolist())))
        return answers

    def _write(self, batch: Batch, requests: Sequence[Request]) -> list[Completion]:
        rows = [Sampling(request.max_new_tokens, request.temperature, request.seed) for request in requests]
        answers = []
        for request, (ids, stopped) in zip(requests, decode(batch, rows, self._stop_ids()), strict=True):
            text = self._chat.tokenizer.decode(ids, skip_special_tokens=True)
            answers.append(Completion(request.key, text=text, finish_reason="stop" if stopped else "length"))
        return answers

    def _option_ids(self, options: Sequence[str]) -> list[int]:
        ids = [self._chat.tokenizer.encode(option, add_special_tokens=False)[0] for option in options]
        if len(set(ids)) < len(ids):
            name = self._chat.tokenizer.name_or_path
            raise Problem(f"{name}: its tokenizer begins two of the options {', '.join(options)} with the same token")
        return ids

    def _stop_ids(self) -> frozenset[int]:
        """Any special token ends a reply: it ends the turn, the text, or would open another turn."""
        configured = self._model.generation_config.eos_token_id
        ends = configured if isinstance(configured, list) else [configured]
        return frozenset({*self._chat.tokenizer.all_special_ids, *(end for end in ends if end is not None)})


def _reply(request: Request) -> int:
    return 0 if request.options else request.max_new_tokens
