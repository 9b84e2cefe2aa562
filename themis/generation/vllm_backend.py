"""The generator that runs a checkpoint folder through vLLM, in process, on GPUs or a CPU."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from themis.generation.checkpoint import check_language_model, fingerprint
from themis.generation.prompts import Refused, option_ids, prompt_ids, stop_ids
from themis.generation.protocol import Completion, Request, Token
from themis.generation.vllm_engine import start_engine
from themis.prompting.chat import Chat

if TYPE_CHECKING:
    from vllm import RequestOutput, SamplingParams

    from themis.study.models import Vllm


class VllmGenerator:
    """Answers requests as the engine finishes them; prompts are the token ids that every back end reads.

    Every request has its own seed, so a sampled text does not depend on what else is asked, but for rounding: the
    engine computes together whatever is there. Weighing options writes one token, so their prompts must be shorter
    than the context by one.
    """

    def __init__(self, folder: Path, dtype: str, settings: Vllm, threads: int = 1) -> None:
        import torch

        check_language_model(folder, dtype)
        self._chat = Chat.load(folder)
        self._engine = start_engine(
            folder,
            dtype,
            settings,
            threads,
            generation_config="vllm",
            max_logprobs=-1,
            logprobs_mode="raw_logprobs",
            # A prompt computed in parts would draw on its seed at every part, which the engine can undo on GPUs alone.
            enable_chunked_prefill=None if torch.cuda.is_available() else False,
        )
        self._context = self._engine.model_config.max_model_len
        # As many again wait, so that a finished request is followed by another in the very next step.
        self._going_at_most = 2 * settings.max_sequences
        self._stop_ids = stop_ids(self._chat, folder)
        self.fingerprint = f"vllm {dtype} {fingerprint(folder)}"

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer every request once, as soon as it is done; requests are taken as the engine has room for them.

        Missing: a text with special tokens, a prompt longer than the model's context.
        """
        left, going = iter(requests), {}
        request = next(left, None)
        try:
            while request or going:
                while request and len(going) < self._going_at_most and _go_together(request, going.values()):
                    try:
                        self._ask(request)
                    except Refused as reason:
                        yield Completion(request.key, missing_reason=str(reason))
                    else:
                        going[request.key] = request
                    request = next(left, None)
                for output in self._engine.step() if going else ():
                    if output.finished:
                        yield self._answer(going.pop(output.request_id), output)
        finally:
            if going:
                self._engine.abort_request(list(going))

    def _ask(self, request: Request) -> None:
        from vllm.inputs.engine import tokens_input

        ids = prompt_ids(self._chat, request, self._context, weighing=1)
        self._engine.add_request(request.key, tokens_input(ids), self._sampling(request))

    def _sampling(self, request: Request) -> SamplingParams:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        # Ids are decoded here at the end, as other back ends do it.
        common: dict[str, Any] = {"detokenize": False, "output_kind": RequestOutputKind.FINAL_ONLY}
        if request.options:
            ids = option_ids(self._chat, request.options)
            return SamplingParams(temperature=0, max_tokens=1, logprob_token_ids=ids, **common)
        return SamplingParams(
            temperature=request.temperature,
            top_p=request.top_p,
            max_tokens=request.max_new_tokens,
            seed=request.seed % 2**63,  # what the GPU's sampler can hold
            logprobs=request.logprobs or None,
            stop_token_ids=sorted(self._stop_ids),
            **common,
        )

    def _answer(self, request: Request, output: RequestOutput) -> Completion:
        written = output.outputs[0]
        read = len(output.prompt_token_ids)
        if written.finish_reason not in ("stop", "length"):
            return Completion(request.key, missing_reason=f"ended by the engine: {written.finish_reason}")
        if request.options:
            chances = written.logprobs[0]
            weights = _softmax([chances[i].logprob for i in option_ids(self._chat, request.options)])
            return Completion(request.key, probabilities=weights, prompt_tokens=read, new_tokens=0)
        ids = list(written.token_ids)
        if ids and ids[-1] in self._stop_ids:
            ids.pop()
        return Completion(
            request.key,
            text=self._chat.tokenizer.decode(ids, skip_special_tokens=True),
            finish_reason=written.finish_reason,
            tokens=self._tokens(ids, written.logprobs, request.logprobs) if request.logprobs else None,
            prompt_tokens=read,
            new_tokens=len(ids),
        )

    def _tokens(self, ids: Sequence[int], logprobs: Sequence[Any], count: int) -> tuple[Token, ...]:
        decode = self._chat.tokenizer.decode
        tokens = []
        for token, places in zip(ids, logprobs, strict=False):
            likeliest = sorted(places, key=lambda other: -places[other].logprob)[:count]
            alternatives = tuple((decode([other]), places[other].logprob) for other in likeliest)
            tokens.append(Token(decode([token]), places[token].logprob, alternatives))
        return tuple(tokens)


def _go_together(request: Request, going: Iterable[Request]) -> bool:
    """Not options and texts that tell their tokens: a batch that weighs options drops the others' log-probabilities."""
    if request.options:
        return not any(other.logprobs and not other.options for other in going)
    return not (request.logprobs and any(other.options for other in going))


def _softmax(logarithms: Sequence[float]) -> tuple[float, ...]:
    largest = max(logarithms)
    weights = [math.exp(value - largest) for value in logarithms]
    return tuple(weight / sum(weights) for weight in weights)
