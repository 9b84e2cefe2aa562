"""The baseline "perplexity": how likely a causal language model finds each response, a token with another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from themis.errors import Problem
from themis.prompting.chat import Chat
from themis.prompting.packing import PackedPair
from themis.score.checkpoint import load_config, load_model
from themis.score.forward import alike, conversations, states_at
from themis.score.head_scorer import HeadScorer
from themis.score.heads import Head
from themis.score.options import ScorerOptions
from themis.score.protocol import Pair

EMPTY_RESPONSE = "empty response"

_FLOATS = 1 << 24  # logits computed at a time: 64 MiB


def load(options: ScorerOptions) -> PerplexityScorer:
    """The scorer of a causal language model's folder. Raises Problem as loading does, and as `PerplexityScorer` does."""
    if options.protocol != "exact":
        raise Problem(f"model {options.name}: family perplexity has no {options.protocol} protocol; it takes exact ids")
    model = load_model(AutoModelForCausalLM, options.folder, load_config(options.folder), options.dtype)
    return PerplexityScorer(model, options)


class PerplexityScorer(HeadScorer):
    """Scores are the mean log-likelihood, in nats, of a response's tokens given what comes before: -log(perplexity).

    The marks with which the template closes a turn are no tokens of the response; without any it is missing. Raises
    Problem for a model whose logits are not those of its output layer, capped as its configuration says.
    """

    def __init__(self, model: PreTrainedModel, options: ScorerOptions) -> None:
        self._output = model.get_output_embeddings()
        self._cap = getattr(model.config.get_text_config(), "final_logit_softcapping", None)
        self._check(model, options)
        super().__init__(model.base_model, Head(), options, kind="perplexity")
        self._closing = _closing(self._conversations.chat)

    def _pack(self, pair: Pair) -> tuple[PackedPair, bool] | str:
        found = super()._pack(pair)
        if isinstance(found, str):
            return found
        return EMPTY_RESPONSE if any(not len(place) for place in self._responses(found[0])) else found

    def _rewards(self, batch: Sequence[PackedPair]) -> torch.Tensor:
        """Mean log-likelihoods of chosen and rejected, float64 [pairs, 2]."""
        responses = [self._responses(pair) for pair in batch]
        longest = max(len(place) for both in responses for place in both)
        # What is read before each token of a response; the last place again where others have more.
        before = [
            tuple(tuple(np.pad(place - 1, (0, longest - len(place)), mode="edge").tolist()) for place in both)
            for both in responses
        ]
        states = states_at(self.backbone, batch, before, packed=self.packed)
        rewards = torch.zeros((len(batch), 2), dtype=torch.float64)
        for row, pair in enumerate(batch):
            for side, (ids, place) in enumerate(zip(conversations(pair), responses[row], strict=True)):
                rewards[row, side] = self._mean(states[row, side, : len(place)], ids[place])
            if alike(pair):
                rewards[row, 1] = rewards[row, 0]
        return rewards

    def _responses(self, pair: PackedPair) -> tuple[np.ndarray, np.ndarray]:
        """Places of the tokens of both responses in their conversations."""
        chosen, rejected = (np.arange(pair.prompt, length - self._closing) for length in (pair.chosen, pair.rejected))
        return chosen, rejected

    def _mean(self, states: torch.Tensor, targets: np.ndarray) -> float:
        """Mean log-likelihood of the targets, each after its state [targets, hidden]."""
        wanted = torch.from_numpy(targets.astype(np.int64))
        rows = max(1, _FLOATS // self._output.weight.shape[0])
        total = 0.0
        with torch.inference_mode():
            for some, ids in zip(states.split(rows), wanted.split(rows), strict=True):
                values = torch.log_softmax(self._logits(some), dim=-1)
                total += float(values.gather(1, ids[:, None].to(values.device)).double().sum())
        return total / len(targets)

    def _logits(self, states: torch.Tensor) -> torch.Tensor:
        logits = self._output(states).float()
        return torch.tanh(logits / self._cap) * self._cap if self._cap else logits

    def _check(self, model: Any, options: ScorerOptions) -> None:
        ids = torch.arange(3, 9, device=model.device)[None] % model.config.get_text_config().vocab_size
        with torch.inference_mode():
            whole = model(input_ids=ids, use_cache=False).logits[0].float().cpu()
            ours = self._logits(model.base_model(input_ids=ids, use_cache=False).last_hidden_state[0]).cpu()
        if (whole - ours).abs().max() > 0.05 * whole.abs().max():
            raise Problem(
                f"model {options.name}: {type(model).__name__} scales its logits in a way of its own; "
                "family perplexity cannot take it"
            )


def _closing(chat: Chat) -> int:
    """Ids that follow a response in every conversation."""
    one, other = (chat.conversation(None, "x", response)[::-1] for response in ("a", "b"))
    return next(count for count, ids in enumerate(zip(one, other, strict=False)) if ids[0] != ids[1])
