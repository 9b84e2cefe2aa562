"""The generator that runs a checkpoint folder through transformers, on a CPU or a GPU."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from themis.generation.checkpoint import fingerprint, load_causal
from themis.generation.decoding import Batch, Continuation, Prefix, Sampling, decode
from themis.generation.prompts import Refused, option_ids, prompt_ids, stop_ids
from themis.generation.protocol import Completion, Request, Token
from themis.prompting.chat import Chat
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
        self._stop_ids = stop_ids(self._chat, folder)
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
            yield self._weigh(batch, group) if group[0].request.options else self._write(batch, group)

    def _read(self, requests: Iterable[Request]) -> tuple[list[_Prompt], list[Completion]]:
        prompts: list[_Prompt] = []
        refused: list[Completion] = []
        context = getattr(self._model.config, "max_position_embeddings", None) or float("inf")
        for request in sorted(requests, key=lambda request: request.key):
            try:
                prompts.append(_Prompt(request, prompt_ids(self._chat, request, context)))
            except Refused as reason:
                refused.append(Completion(request.key, missing_reason=str(reason)))
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

    def _weigh(self, batch: Batch, prompts: Sequence[_Prompt]) -> list[Completion]:
        logits = batch.logits().double()
        answers = []
        for row, prompt in enumerate(prompts):
            values = torch.softmax(logits[row, option_ids(self._chat, prompt.request.options)], dim=-1)
            answers.append(
                Completion(
                    prompt.request.key,
                    probabilities=tuple(values.tolist()),
                    prompt_tokens=len(prompt.ids),
                    new_tokens=0,
                )
            )
        return answers

    def _write(self, batch: Batch, prompts: Sequence[_Prompt]) -> list[Completion]:
        requests = [prompt.request for prompt in prompts]
        rows = [Sampling(r.max_new_tokens, r.temperature, r.top_p, r.seed, r.logprobs) for r in requests]
        return [
            Completion(
                prompt.request.key,
                text=self._chat.tokenizer.decode(written.ids, skip_special_tokens=True),
                finish_reason="stop" if written.stopped else "length",
                tokens=self._tokens(written) if prompt.request.logprobs else None,
                prompt_tokens=len(prompt.ids),
                new_tokens=len(written.ids),
            )
            for prompt, written in zip(prompts, decode(batch, rows, self._stop_ids), strict=True)
        ]

    def _tokens(self, written: Continuation) -> tuple[Token, ...]:
        decode_one = self._chat.tokenizer.decode
        return tuple(
            Token(decode_one([token]), logprob, tuple((decode_one([other]), value) for other, value in likeliest))
            for token, (logprob, likeliest) in zip(written.ids, written.logprobs, strict=True)
        )


def _reply(request: Request) -> int:
    return 0 if request.options else request.max_new_tokens
