"""Rewards of a sequence classifier that vLLM runs: its pooling runner gives the head's number for each conversation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification

from themis.errors import Problem
from themis.generation.checkpoint import fingerprint
from themis.generation.vllm_engine import start_engine
from themis.prompting.packing import PackedPair
from themis.score.batch_scorer import BatchScorer
from themis.score.checkpoint import check_dtype
from themis.score.conversations import Conversations
from themis.score.forward import alike, conversations
from themis.score.options import ScorerOptions
from themis.score.protocol import TOO_LONG, Pair, PairScore
from themis.score.weights import Weights
from themis.study.models import Vllm

_SIDES = ("chosen", "rejected")


class PoolingScorer(BatchScorer):
    """Scores of the classifier in a folder, of which `config` is the configuration: its last state under its head.

    They are the transformers path's to 1e-4 in float32; in bfloat16, where both round in their own ways, to a root mean
    square of a tenth of the scores' standard deviation. The head is in float32 on both. Every batch starts from an empty
    engine, so that its scores depend on nothing that came before. Raises Problem where a weight is missing or left over,
    or vLLM cannot run the classifier.
    """

    def __init__(self, config: Any, options: ScorerOptions) -> None:
        folder, settings = options.folder, Vllm.model_validate_json(options.settings or "{}")
        check_dtype(options.dtype)
        _check_weights(folder, config)
        bounds = (options.max_tokens, settings.max_context, config.get_text_config().max_position_embeddings)
        self._longest = min(bound for bound in bounds if bound)
        shared = settings.prefix_caching and options.share_prefix
        self._engine = start_engine(
            folder,
            options.dtype,
            settings,
            options.threads,
            pooling=True,
            max_model_len=self._longest,
            enable_prefix_caching=shared,
        )
        shown = Conversations.load(folder, options.limits, context=self._longest)
        identity = " ".join(
            (
                f"sequence_classifier {fingerprint(folder)} {options.dtype} vllm {_version()} {torch.__version__}",
                f"{torch.cuda.is_available()} {shared} {self._longest}",
                f"{settings.tensor_parallel} {settings.max_sequences} {settings.eager}",
            )
        )
        super().__init__(shown, options, identity, packed=True)

    def _pack(self, pair: Pair) -> tuple[PackedPair, bool] | str:
        found = super()._pack(pair)
        # The published protocol cuts at its own length, whatever the engine takes.
        if not isinstance(found, str) and max(found[0].chosen, found[0].rejected) > self._longest:
            return TOO_LONG
        return found

    def _compute(self, batch: Sequence[PackedPair]) -> list[PairScore]:
        from vllm import PoolingParams
        from vllm.inputs.engine import tokens_input

        self._engine.reset_prefix_cache()
        wanted = PoolingParams(task="classify", use_activation=False)
        for row, pair in enumerate(batch):
            for side, ids in zip(_SIDES[: 1 if alike(pair) else 2], conversations(pair), strict=False):
                self._engine.add_request(f"{row} {side}", tokens_input(ids.tolist()), wanted)
        rewards: dict[str, float] = {}
        while self._engine.has_unfinished_requests():
            rewards |= {output.request_id: float(output.outputs.data) for output in self._engine.step()}
        return [
            PairScore.of(rewards[f"{row} chosen"], rewards[f"{row} {_SIDES[0 if alike(pair) else 1]}"])
            for row, pair in enumerate(batch)
        ]


def _check_weights(folder: Path, config: Any) -> None:
    """Raise Problem where a weight is missing, misshapen or left over: vLLM may begin without a part of a layer."""
    with torch.device("meta"):
        model = AutoModelForSequenceClassification.from_config(config, trust_remote_code=False)
    wanted, weights = model.state_dict(), Weights(folder)
    if "score.weight" not in wanted or "score.bias" in wanted:
        raise Problem(f"{folder}: {type(model).__name__} has no linear `score` head without bias; vLLM can't run it")
    for name, value in wanted.items():
        if weights.shape(name) != value.shape:
            shapes = f"{list(weights.shape(name))}, not {list(value.shape)}"
            raise Problem(
                f"{folder}: mismatched weights: {name} is {shapes}; is this the checkpoint the family asks for?"
            )
    weights.close()


def _version() -> str:
    import vllm  # whichever package it came in

    return str(vllm.__version__)
